"""Styles in QGIS's own format, so that the layers open looking right.

QGIS loads a style by itself only as QML, from the table ``layer_styles`` of the file. The
columns' titles stand in the styles too, as GDAL before 3.7 does not read them from the table
``gpkg_data_columns``.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd

from planner.layers.frames import OVERVIEWS, Layer
from planner.layers.hexagons import cell_width_m
from planner.layers.regions import NO_PACK, WINTER_CLASSES

# Okabe and Ito (2008), Color Universal Design: told apart by colour-blind readers too.
_STATION_COLOURS = (
    "#56b4e9", "#0072b2", "#e69f00", "#d55e00", "#cc79a7", "#009e73", "#f0e442", "#000000",
)  # fmt: skip
_CHEMISTRY_COLOURS = {
    "sodium_ion": "#e69f00", "lfp": "#0072b2", "nmc": "#cc79a7", NO_PACK: "#666666",
}  # fmt: skip
_SERVED, _NOT_SERVED = "#5aae9b", "#d6604d"
_INK = "#333333"
# ColorBrewer RdYlBu, cold to warm; one per class of winter design temperature.
_WINTER_COLOURS = ("#313695", "#4575b4", "#91bfdb", "#fee090", "#fc8d59")
# ColorBrewer RdYlGn with its green replaced by the colour of served zones.
_SHARE_CLASSES = (
    (0.0, 0.2, "#d6604d", "0 to 20 %"),
    (0.2, 0.4, "#f4a582", "20 to 40 %"),
    (0.4, 0.6, "#f7e8c9", "40 to 60 %"),
    (0.6, 0.8, "#a6d5c9", "60 to 80 %"),
    (0.8, 1.0, "#5aae9b", "80 to 100 %"),
)
# ColorBrewer Purples: how near a station is to its limit.
_UTILISATION_CLASSES = (
    (0.0, 0.25, "#dadaeb", "0 to 25 % used"),
    (0.25, 0.5, "#bcbddc", "25 to 50 % used"),
    (0.5, 0.75, "#9e9ac8", "50 to 75 % used"),
    (0.75, 0.95, "#756bb1", "75 to 95 % used"),
    (0.95, 1.01, "#3f007d", "full in the peak hour"),
)
# ColorBrewer YlGnBu, light for near: four quarters of the longest drive.
_DRIVE_COLOURS = ("#a1dab4", "#41b6c4", "#2c7fb8", "#253494")
_REASON_CLASSES = (
    ("above_price", "worth about a station", "#cc79a7"),
    ("city_full", "city has the most it may have", "#e69f00"),
    ("mostly_served", "mostly served by others", "#ffffbf"),
    ("all_served", "all served by others", "#1b7837"),
    ("low_demand", "too few swaps within reach", "#a8a8a8"),
    ("no_demand", "no swaps within reach", "#d0d0d0"),
    ("no_zone_in_reach", "no zone within reach", "#f0e442"),
    ("no_type_fits", "no station type fits", "#0072b2"),
    ("not_connected", "far from any road", "#d55e00"),
    ("forbidden", "forbidden", "#000000"),
)

_NARROWEST_CELL_M = 0.0006
"""Width on the map below which cells give way to coarser ones [m]."""

_STRONG_QUANTILE = 0.95
"""Overview cells with more swaps than this share of them are drawn at full strength."""

_POINT_ZONE_SCALE = 1_500_000
"""Scale denominator at which zones that are points give way to their overview."""

_NO_LIMIT = 1_000_000_000
_NATIONAL_SCALE = 4_000_000
"""Scale denominator from which stations shrink, or a country would be covered by them."""


def build_styles(
    layers: Mapping[str, Layer], station_types: pd.DataFrame
) -> dict[str, tuple[str, str]]:
    """QML style and its description for each layer that has one.

    Parameters
    ----------
    layers : mapping of str to Layer
        What is written.
    station_types : DataFrame
        ``station_type_id`` and ``bays``; types get the same colour in every run of an
        instance, whether they occur or not.

    Returns
    -------
    dict of layer name to (QML document, description)
    """
    zones, (finer, coarser) = layers["zones"], (layers[name] for name in OVERVIEWS)
    has_cells = zones.cell_resolution is not None
    detail_scale = _scale_of(zones) if has_cells else _POINT_ZONE_SCALE
    styles = {
        "stations": (_style_stations(station_types), "by station type"),
        "cities": (_style_cities(), "by winter design temperature"),
        "candidates": (_style_candidates(detail_scale), "by the reason why not"),
        "allocation": (_style_allocation(layers["allocation"], detail_scale), "by drive time"),
        "service_areas": (_style_service_areas(_scale_of(finer)), "by utilisation"),
        "zones": (_style_zones(zones.geometry_type == "Polygon", detail_scale), "served or not"),
        finer.name: (
            _style_overview(finer, detail_scale, _scale_of(finer)),
            "by share of swaps served, stronger where there are more",
        ),
        coarser.name: (
            _style_overview(coarser, _scale_of(finer), None),
            "by share of swaps served, stronger where there are more",
        ),
        "climate_regions": (_style_climate_regions(), "by winter design temperature"),
        "chemistry_regions": (_style_chemistry_regions(), "by dominant chemistry"),
    }
    for name, (document, _) in styles.items():
        _add_aliases(document, layers[name])
    return {name: (_to_text(document), text) for name, (document, text) in styles.items()}


def _scale_of(layer: Layer) -> int:
    """Scale denominator at which the layer's cells get too narrow to be seen."""
    return round(cell_width_m(layer.cell_resolution or 0) / _NARROWEST_CELL_M)


def _style_stations(station_types: pd.DataFrame) -> ET.Element:
    types = station_types.sort_values(["bays", "station_type_id"])
    document = _document()
    classes = [
        (str(type_id), f"{type_id} ({bays} bays)", _station_marker(rank))
        for rank, (type_id, bays) in enumerate(
            zip(types["station_type_id"], types["bays"], strict=True)
        )
    ]
    _add_categories(document, '"station_type_id"', classes)
    return document


def _station_marker(rank: int) -> ET.Element:
    colour = _STATION_COLOURS[rank % len(_STATION_COLOURS)]
    size_mm = 1.8 + 0.5 * min(rank, 7)
    marker = _marker(colour, size_mm=size_mm, outline="#ffffff", shape="square")
    smaller = (
        f"CASE WHEN @map_scale > {3 * _NATIONAL_SCALE} THEN {size_mm / 3:g}"
        f" WHEN @map_scale > {_NATIONAL_SCALE} THEN {size_mm / 2:g} ELSE {size_mm:g} END"
    )
    outline = f"CASE WHEN @map_scale > {_NATIONAL_SCALE} THEN 'no' ELSE 'solid' END"
    _add_expressions(marker[0], {"size": smaller, "outlineStyle": outline})
    return marker


def _style_candidates(detail_scale: int) -> ET.Element:
    document = _document(min_scale=detail_scale // 3)
    classes = [
        (reason, label, _marker(colour, size_mm=1.6, outline=_INK))
        for reason, label, colour in _REASON_CLASSES
    ]
    _add_categories(document, '"reason"', classes)
    return document


def _style_allocation(layer: Layer, detail_scale: int) -> ET.Element:
    document = _document(min_scale=detail_scale)
    longest_min = math.ceil(np.fmax(layer.frame["mean_drive_min"].max(), 1.0))
    edges = [longest_min * quarter / 4 for quarter in range(5)]
    classes = [
        (low, high, f"{low:g} to {high:g} min", _line(colour))
        for low, high, colour in zip(edges, edges[1:], _DRIVE_COLOURS, strict=False)
    ]
    _add_ranges(document, "mean_drive_min", classes)
    return document


def _style_service_areas(overview_scale: int) -> ET.Element:
    document = _document(min_scale=overview_scale)
    classes = [
        (low, high, label, _fill(colour, alpha=0.55, outline=_INK))
        for low, high, colour, label in _UTILISATION_CLASSES
    ]
    _add_ranges(document, "utilisation_frac", classes)
    return document


def _style_zones(has_polygons: bool, detail_scale: int) -> ET.Element:
    document = _document(min_scale=detail_scale)
    served, not_served = (
        # An outline, however thin, would turn a city's thousands of cells into one dark spot.
        (_fill(_SERVED), _fill(_NOT_SERVED))
        if has_polygons
        else (_marker(_SERVED, size_mm=1.8), _marker(_NOT_SERVED, size_mm=1.8))
    )
    # As text, because QGIS versions differ in how they match true and false.
    _add_categories(
        document,
        "CASE WHEN \"is_served\" THEN 'served' ELSE 'not served' END",
        [("served", "served", served), ("not served", "not served", not_served)],
    )
    return document


def _style_overview(layer: Layer, max_scale: int, min_scale: int | None) -> ET.Element:
    # Most cells hold next to no demand: as strong as the others they would make a country that
    # is served where its people live look unserved.
    swaps = layer.frame["swaps_per_day"]
    many = float(swaps.quantile(_STRONG_QUANTILE)) if swaps.any() else 1.0
    strength = f'30 + 225 * sqrt(min(1, "swaps_per_day" / {max(many, 1e-9):.6g}))'
    document = _document(min_scale=min_scale, max_scale=max_scale)
    classes = []
    for low, high, colour, label in _SHARE_CLASSES:
        fill = _fill(colour, alpha=0.9)
        colour_of_cell = f"set_color_part(@symbol_color, 'alpha', {strength})"
        _add_expressions(fill[0], {"fillColor": colour_of_cell})
        classes.append((low, high, label, fill))
    _add_ranges(document, "swaps_served_frac", classes)
    return document


def _style_cities() -> ET.Element:
    document = _document()
    classes = [
        (each.low_c, each.high_c, each.label, _marker(colour, size_mm=3.2, outline=_INK))
        for each, colour in zip(WINTER_CLASSES, _WINTER_COLOURS, strict=True)
    ]
    _add_ranges(document, "winter_design_c", classes)
    _add_labels(document, "name_en")
    return document


def _style_climate_regions() -> ET.Element:
    document = _document()
    classes = [
        (each.label, each.label, _fill(colour, alpha=0.6))
        for each, colour in zip(WINTER_CLASSES, _WINTER_COLOURS, strict=True)
    ]
    _add_categories(document, '"climate_class"', classes)
    return document


def _style_chemistry_regions() -> ET.Element:
    document = _document()
    classes = [
        (chemistry, chemistry.replace("_", "-"), _fill(colour, alpha=0.6))
        for chemistry, colour in _CHEMISTRY_COLOURS.items()
    ]
    _add_categories(document, '"dominant_chemistry"', classes)
    return document


def _document(*, min_scale: int | None = None, max_scale: int | None = None) -> ET.Element:
    # QGIS calls the denominator of the smallest scale at which a layer shows minScale.
    limited = min_scale is not None or max_scale is not None
    return ET.Element(
        "qgis",
        {
            "version": "3.22.0",
            "styleCategories": "Symbology|Labeling|Fields|Rendering",
            "hasScaleBasedVisibilityFlag": "1" if limited else "0",
            "minScale": str(min_scale or _NO_LIMIT if limited else 0),
            "maxScale": str(max_scale or 0),
        },
    )


def _add_categories(
    document: ET.Element, attribute: str, classes: Sequence[tuple[str, str, ET.Element]]
) -> None:
    renderer = ET.SubElement(
        document,
        "renderer-v2",
        {"type": "categorizedSymbol", "attr": attribute, "symbollevels": "0"},
    )
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for number, (value, label, symbol) in enumerate(classes):
        ET.SubElement(
            categories,
            "category",
            {
                "value": value, "type": "string", "symbol": str(number), "label": label,
                "render": "true",
            },
        )  # fmt: skip
        symbol.set("name", str(number))
        symbols.append(symbol)


def _add_ranges(
    document: ET.Element, attribute: str, classes: Sequence[tuple[float, float, str, ET.Element]]
) -> None:
    renderer = ET.SubElement(
        document,
        "renderer-v2",
        {
            "type": "graduatedSymbol", "attr": attribute, "graduatedMethod": "GraduatedColor",
            "symbollevels": "0",
        },
    )  # fmt: skip
    ranges = ET.SubElement(renderer, "ranges")
    symbols = ET.SubElement(renderer, "symbols")
    for number, (low, high, label, symbol) in enumerate(classes):
        ET.SubElement(
            ranges,
            "range",
            {
                "lower": f"{low:.6f}", "upper": f"{high:.6f}", "symbol": str(number),
                "label": label, "render": "true",
            },
        )  # fmt: skip
        symbol.set("name", str(number))
        symbols.append(symbol)


def _add_labels(document: ET.Element, field: str) -> None:
    labeling = ET.SubElement(document, "labeling", {"type": "simple"})
    settings = ET.SubElement(labeling, "settings", {"calloutType": "simple"})
    text = ET.SubElement(
        settings,
        "text-style",
        {"fieldName": field, "isExpression": "0", "fontSize": "8", "textColor": "30,30,30,255"},
    )
    ET.SubElement(
        text,
        "text-buffer",
        {"bufferDraw": "1", "bufferSize": "0.8", "bufferColor": "255,255,255,255"},
    )
    # 0 = around the point; priority and obstacle keep their defaults.
    ET.SubElement(settings, "placement", {"placement": "0", "dist": "1.5", "distUnits": "MM"})
    ET.SubElement(settings, "rendering", {"drawLabels": "1"})


def _fill(colour: str, *, alpha: float = 0.75, outline: str | None = None) -> ET.Element:
    return _symbol(
        "fill",
        "SimpleFill",
        {
            "color": _rgba(colour),
            "style": "solid",
            "outline_style": "no" if outline is None else "solid",
            "outline_color": _rgba(outline or colour),
            "outline_width": "0.2",
            "outline_width_unit": "MM",
        },
        alpha=alpha,
    )


def _line(colour: str) -> ET.Element:
    line = _symbol(
        "line",
        "SimpleLine",
        {"line_color": _rgba(colour), "line_width": "0.3", "line_width_unit": "MM"},
        alpha=0.8,
    )
    # Thicker where more vehicles drive: its area grows with them.
    width_mm = 'max(0.15, min(1.2, 0.15 * sqrt("swaps_per_day")))'
    _add_expressions(line[0], {"outlineWidth": width_mm})
    return line


def _marker(
    colour: str, *, size_mm: float, outline: str | None = None, shape: str = "circle"
) -> ET.Element:
    return _symbol(
        "marker",
        "SimpleMarker",
        {
            "name": shape,
            "color": _rgba(colour),
            "size": f"{size_mm:g}",
            "size_unit": "MM",
            "outline_style": "no" if outline is None else "solid",
            "outline_color": _rgba(outline or colour),
            "outline_width": "0.2",
            "outline_width_unit": "MM",
        },
    )


def _symbol(
    kind: str, layer_class: str, settings: Mapping[str, str], *, alpha: float = 1.0
) -> ET.Element:
    symbol = ET.Element("symbol", {"type": kind, "alpha": f"{alpha:g}", "clip_to_extent": "1"})
    layer = ET.SubElement(symbol, "layer", {"class": layer_class, "enabled": "1", "pass": "0"})
    _add_option(layer, "", settings)
    return symbol


def _add_expressions(symbol_layer: ET.Element, expressions: Mapping[str, str]) -> None:
    """Let properties of a symbol depend on the feature or on the scale."""
    _add_option(
        ET.SubElement(symbol_layer, "data_defined_properties"),
        "",
        {
            "properties": {
                key: {"active": "true", "expression": expression, "type": "3"}
                for key, expression in expressions.items()
            }
        },
    )


def _add_option(parent: ET.Element, name: str, value: Any) -> None:
    attributes = {"name": name} if name else {}
    if isinstance(value, Mapping):
        options = ET.SubElement(parent, "Option", attributes | {"type": "Map"})
        for key, entry in value.items():
            _add_option(options, key, entry)
    else:
        ET.SubElement(parent, "Option", attributes | {"type": "QString", "value": value})


def _add_aliases(document: ET.Element, layer: Layer) -> None:
    aliases = ET.SubElement(document, "aliases")
    for index, column in enumerate(layer.columns, start=1):  # 0 is the feature id
        alias = {"index": str(index), "field": column.name, "name": column.title}
        ET.SubElement(aliases, "alias", alias)


def _rgba(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"{red},{green},{blue},255"


def _to_text(document: ET.Element) -> str:
    ET.indent(document, space=" ")
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(
        document, encoding="unicode"
    )
