"""Styles in QGIS's own format, so that the layers open looking right.

QGIS loads a style by itself only as QML, from the table ``layer_styles`` of the file. The
columns' titles stand in the styles too, as GDAL before 3.7 does not read them from the table
``gpkg_data_columns``.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd

from planner.layers.frames import Layer

# Okabe and Ito (2008), Color Universal Design: told apart by colour-blind readers too.
_STATION_COLOURS = (
    "#56b4e9", "#0072b2", "#e69f00", "#d55e00", "#cc79a7", "#009e73", "#f0e442", "#000000",
)  # fmt: skip
_SERVED, _NOT_SERVED = "#5aae9b", "#d6604d"
# ColorBrewer RdYlBu, cold to warm.
_WINTER_CLASSES = (
    (-90.0, -30.0, "#313695", "below -30 °C"),
    (-30.0, -20.0, "#4575b4", "-30 to -20 °C"),
    (-20.0, -10.0, "#91bfdb", "-20 to -10 °C"),
    (-10.0, 0.0, "#fee090", "-10 to 0 °C"),
    (0.0, 60.0, "#fc8d59", "above 0 °C"),
)
# ColorBrewer RdYlGn with its green replaced by the colour of served zones.
_SHARE_CLASSES = (
    (0.0, 0.2, "#d6604d", "0 to 20 %"),
    (0.2, 0.4, "#f4a582", "20 to 40 %"),
    (0.4, 0.6, "#f7e8c9", "40 to 60 %"),
    (0.6, 0.8, "#a6d5c9", "60 to 80 %"),
    (0.8, 1.0, "#5aae9b", "80 to 100 %"),
)
_DETAIL_SCALE = 1_500_000
"""Scale denominator at which zones give way to their overview: a cell is 0.6 mm there."""

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
    has_overview = "zones_overview" in layers
    has_polygons = layers["zones"].geometry_type == "Polygon"
    styles = {
        "stations": (_style_stations(station_types), "by station type"),
        "cities": (_style_cities(), "by winter design temperature"),
        "zones": (_style_zones(has_polygons, has_overview), "served or not"),
    }
    if has_overview:
        styles["zones_overview"] = (_style_overview(), "by share of households served")
    for name, (document, _) in styles.items():
        _add_aliases(document, layers[name])
    return {name: (_to_text(document), text) for name, (document, text) in styles.items()}


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
    small = f"CASE WHEN @map_scale > {_NATIONAL_SCALE} THEN {size_mm / 2:g} ELSE {size_mm:g} END"
    _add_option(
        ET.SubElement(marker[0], "data_defined_properties"),
        "",
        {"properties": {"size": {"active": "true", "expression": small, "type": "3"}}},
    )
    return marker


def _style_zones(has_polygons: bool, has_overview: bool) -> ET.Element:
    document = _document(min_scale=_DETAIL_SCALE if has_overview else None)
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


def _style_overview() -> ET.Element:
    document = _document(max_scale=_DETAIL_SCALE)
    classes = [(low, high, label, _fill(colour)) for low, high, colour, label in _SHARE_CLASSES]
    _add_ranges(document, "households_served_frac", classes)
    return document


def _style_cities() -> ET.Element:
    document = _document()
    classes = [
        (low, high, label, _marker(colour, size_mm=3.2, outline="#333333"))
        for low, high, colour, label in _WINTER_CLASSES
    ]
    _add_ranges(document, "winter_design_c", classes)
    _add_labels(document, "name_en")
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


def _fill(colour: str) -> ET.Element:
    return _symbol(
        "fill",
        "SimpleFill",
        {"color": _rgba(colour), "style": "solid", "outline_style": "no"},
        alpha=0.75,
    )


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
