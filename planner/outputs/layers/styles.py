"""Styles in QGIS's own format, so that the layers open looking right.

QGIS loads a style by itself only as QML, from the table ``layer_styles`` of the file. The
columns' titles stand in the styles too, as GDAL before 3.7 does not read them from the table
``gpkg_data_columns``.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd

from planner.outputs import palette
from planner.outputs.language import Language
from planner.outputs.layers import qml
from planner.outputs.layers.base_map import BASE_ROADS, LAND, LOCAL, MAIN, REGIONAL
from planner.outputs.layers.drive_areas import drive_area_styles
from planner.outputs.layers.geopackage import styled_layer
from planner.outputs.layers.hexagons import cell_width_m
from planner.outputs.layers.layer import Layer
from planner.outputs.layers.looks import (
    BREAK_CLASSES,
    MARGIN_CLASSES,
    REASON_CLASSES,
    SHARE_CLASSES,
    UTILISATION_CLASSES,
)
from planner.outputs.layers.markets import market_styles
from planner.outputs.layers.phase_styles import add_times, phase_styles
from planner.outputs.layers.reason_styles import reason_styles
from planner.outputs.layers.regions import NO_PACK, WINTER_CLASSES
from planner.outputs.layers.zone_layers import OVERVIEWS
from planner.outputs.waits import VERDICT_LOOKS

_NARROWEST_CELL_M = 0.0006
"""Width on the map below which cells give way to coarser ones [m]."""

_STRONG_QUANTILE = 0.95
"""Cells and lines with more swaps or trips than this share of them are drawn at full size."""

_LEAST_AREA_FRAC = 0.002
"""Share of its area that a cell with next to no swaps is drawn with."""

_POINT_ZONE_MM = (0.8, 4.5)
"""Least and largest size of zones that are points."""

_POINT_ZONE_SCALE = 1_500_000
"""Scale denominator at which zones that are points give way to their overview."""

_NATIONAL_SCALE = 4_000_000
"""Scale denominator from which stations shrink, or a country would be covered by them."""

_SITE_SCALE, _LINE_SCALE, _LOCAL_ROAD_SCALE = 150_000, 300_000, 400_000
"""Scale denominators from which sites without a station, lines of who serves whom, and small roads
are shown: in a whole city they would cover it."""

_NUM_NAMED = 30
"""The largest cities, whose names are drawn whether or not there is room."""


def build_styles(
    layers: Mapping[str, Layer],
    station_types: pd.DataFrame,
    chemistries: pd.DataFrame,
    language: Language = "en",
) -> dict[str, tuple[str, str]]:
    """QML style and its description for each layer that has one, and further ones for stations.

    Parameters
    ----------
    layers : mapping of str to Layer
        What is written.
    station_types : DataFrame
        ``station_type_id`` and ``bays``; types get the same colour in every run of an
        instance, whether they occur or not.
    chemistries : DataFrame
        ``chemistry, name, colour``.
    language : {"en", "zh"}, optional
        Of legends and labels.

    Returns
    -------
    dict of style name to (QML document, description)
        A layer's own style bears its name; the names of others begin with it.
    """
    zones, (finer, coarser) = layers["zones"], (layers[name] for name in OVERVIEWS)
    has_cells = zones.cell_resolution is not None
    detail_scale = _scale_of(zones) if has_cells else _POINT_ZONE_SCALE
    styles = {
        "stations": (_style_stations(station_types), "by station type"),
        "cities": (_style_cities(layers["cities"].frame, language), "by winter design temperature"),
        "candidates": (_style_candidates(), "by the reason why not"),
        "allocation": (_style_allocation(layers["allocation"]), "by drive time"),
        "service_areas": (_style_service_areas(), "by utilisation"),
        "zones": (
            _style_zones(zones, detail_scale), "by share served, larger where there are more swaps"
        ),
        finer.name: (
            _style_overview(finer, detail_scale, _scale_of(finer)),
            "by share of swaps served, larger where there are more",
        ),
        coarser.name: (
            _style_overview(coarser, _scale_of(finer), None),
            "by share of swaps served, larger where there are more",
        ),
        "climate_regions": (_style_climate_regions(detail_scale), "by winter design temperature"),
        "chemistry_regions": (
            _style_chemistry_regions(chemistries, detail_scale), "by dominant chemistry"
        ),
        **market_styles(layers),
        **drive_area_styles(layers, _scale_of(finer)),
        **_corridor_styles(layers),
        **_base_styles(layers),
        **phase_styles(layers),
        **reason_styles(layers),
        **{
            f"{name} by verdict": (
                _style_verdicts(), "by verdict of the simulation, in colour and shape")
            for name in ("stations", "corridor_stations")
            if name in layers and "verdict" in layers[name].frame
        },
    }  # fmt: skip
    # Tables have none to be drawn by, but QGIS before 3.26 reads headings from styles alone.
    unstyled = layers.keys() - {styled_layer(name) for name in styles}
    styles |= {name: (qml.document(), "headings") for name in layers if name in unstyled}
    for name, (document, _) in styles.items():
        layer = layers[styled_layer(name)]
        add_times(document, layer, layers)
        qml.add_aliases(document, layer)
        if called := _NAMES.get(layer.name):
            qml.name_rows(document, called)
        qml.translate_labels(document, language)
    return {name: (qml.to_text(document), text) for name, (document, text) in styles.items()}


_NAMES = {
    "stations": '"city_name" || \' \' || "site_id"',
    "candidates": '"site_id" || \': \' || "explanation"',
}
"""What rows are called where they are picked or searched, by layer."""


def _scale_of(layer: Layer) -> int:
    """Scale denominator at which the layer's cells get too narrow to be seen."""
    return round(cell_width_m(layer.cell_resolution or 0) / _NARROWEST_CELL_M)


def _style_stations(station_types: pd.DataFrame) -> ET.Element:
    types = station_types.sort_values(["bays", "station_type_id"])
    document = qml.document()
    classes = [
        (str(type_id), f"{type_id} ({bays} bays)", _station_marker(rank))
        for rank, (type_id, bays) in enumerate(
            zip(types["station_type_id"], types["bays"], strict=True)
        )
    ]
    qml.add_categories(document, '"station_type_id"', classes)
    return document


def _station_marker(rank: int) -> ET.Element:
    colour = palette.STATION_TYPE_COLOURS[rank % len(palette.STATION_TYPE_COLOURS)]
    size_mm = 1.8 + 0.5 * min(rank, 7)
    marker = qml.marker(colour, size_mm=size_mm, outline=palette.WHITE, shape="square")
    smaller = (
        f"CASE WHEN @map_scale > {3 * _NATIONAL_SCALE} THEN {size_mm / 3:g}"
        f" WHEN @map_scale > {_NATIONAL_SCALE} THEN {size_mm / 2:g} ELSE {size_mm:g} END"
    )
    outline = f"CASE WHEN @map_scale > {_NATIONAL_SCALE} THEN 'no' ELSE 'solid' END"
    qml.add_expressions(marker[0], {"size": smaller, "outlineStyle": outline})
    return marker


def _style_verdicts() -> ET.Element:
    """Refuted stations stay large in a whole country, the others shrink beneath them."""
    document = qml.document()
    classes = []
    for look in VERDICT_LOOKS:
        size_mm = 2.2 * look.size
        marker = qml.marker(
            look.colour, size_mm=size_mm, outline=palette.WHITE, shape=look.shape
        )  # fmt: skip
        smaller = (
            f"CASE WHEN @map_scale > {_NATIONAL_SCALE} THEN {size_mm / 2:g} ELSE {size_mm:g} END"
        )
        qml.add_expressions(marker[0], {"size": smaller})
        classes.append((look.verdict, look.label, marker))
    not_simulated = qml.marker(palette.MISSING, size_mm=1.2, shape="cross")
    classes.append(("", "not simulated", not_simulated))
    qml.add_categories(document, '"verdict"', classes, first_on_top=True)
    return document


def _style_candidates() -> ET.Element:
    document = qml.document(min_scale=_SITE_SCALE)
    classes = [
        (reason, label, qml.marker(colour, size_mm=1.6, outline=palette.OUTLINE))
        for reason, label, colour in REASON_CLASSES
    ]
    qml.add_categories(document, '"reason"', classes)
    return document


def _style_allocation(layer: Layer) -> ET.Element:
    document = qml.document(min_scale=_LINE_SCALE)
    longest_min = math.ceil(np.fmax(layer.frame["mean_drive_min"].max(), 1.0))
    edges = [longest_min * quarter / 4 for quarter in range(5)]
    # Thicker where more vehicles drive: its area grows with them.
    width_mm = 'max(0.1, min(0.8, 0.1 * sqrt("swaps_per_day")))'
    classes = [
        (low, high, f"{low:g} to {high:g} min", qml.line(colour, outlineWidth=width_mm))
        for low, high, colour in zip(edges, edges[1:], palette.DRIVE_COLOURS, strict=False)
    ]
    qml.add_ranges(document, "mean_drive_min", classes)
    return document


def _style_service_areas() -> ET.Element:
    document = qml.document(min_scale=_LINE_SCALE)
    classes = [
        (low, high, label, qml.edge(colour, width_mm=0.7))
        for low, high, label, colour in UTILISATION_CLASSES
    ]
    qml.add_ranges(document, "utilisation_frac", classes)
    return document


def _style_zones(zones: Layer, detail_scale: int) -> ET.Element:
    document = qml.document(min_scale=detail_scale)
    if zones.geometry_type != "Point":
        _add_weighed_areas(document, "served_frac", zones)
        return document
    least, most = _POINT_ZONE_MM
    size_mm = f"{least:g} + {most - least:g} * sqrt({_weight(zones)})"
    classes = []
    for low, high, label, colour in SHARE_CLASSES:
        marker = qml.marker(colour, size_mm=most / 2)
        qml.add_expressions(marker[0], {"size": size_mm})
        classes.append((low, high, label, marker))
    qml.add_ranges(document, "served_frac", classes)
    return document


def _style_overview(layer: Layer, max_scale: int, min_scale: int | None) -> ET.Element:
    document = qml.document(min_scale=min_scale, max_scale=max_scale)
    _add_weighed_areas(document, "swaps_served_frac", layer)
    return document


def _add_weighed_areas(document: ET.Element, column: str, layer: Layer) -> None:
    # Most cells hold next to no demand: as large as the others they would make a country that
    # is served where its people live look unserved. Fainter instead of smaller they would have
    # the colour of another class. An outline, however thin, would make a city one dark spot.
    size = f"sqrt({_weight(layer)})"
    classes = [
        (low, high, label, qml.shrunk_fill(colour, size))
        for low, high, label, colour in SHARE_CLASSES
    ]
    qml.add_ranges(document, column, classes)


def _weight(layer: Layer) -> str:
    """Expression for the share of its area that a row of zones or cells is drawn with."""
    if not layer.full_size:
        return "1"
    swaps = '"swaps_per_day"'
    if layer.geometry_type != "Point" and layer.cell_resolution is None:
        # Of areas that are not alike a large one would outweigh a small one with more swaps.
        swaps = f"{swaps} * 1e6 / max($area, 1)"
    return f"max({_LEAST_AREA_FRAC:g}, min(1, {swaps} / {layer.full_size:.6g}))"


def _style_cities(cities: pd.DataFrame, language: Language) -> ET.Element:
    document = qml.document()
    classes = []
    for each, colour in zip(WINTER_CLASSES, palette.WINTER_COLOURS, strict=True):
        marker = qml.marker(colour, size_mm=3.0, outline=palette.OUTLINE)
        size_mm = f"CASE WHEN @map_scale > {_NATIONAL_SCALE} THEN 2 ELSE 3 END"
        qml.add_expressions(marker[0], {"size": size_mm})
        classes.append((each.low_c, each.high_c, each.label, marker))
    qml.add_ranges(document, "winter_design_c", classes)
    # Stations first; vehicles decide among cities with as many.
    rank = (cities["num_stations"] * 1e9 + cities["vehicles"]).sort_values(ascending=False)
    least = float(rank.iloc[min(_NUM_NAMED, len(rank)) - 1]) if len(rank) else 0.0
    most = max(float(rank.iloc[0]) if len(rank) else 0.0, 1.0)
    value = '("num_stations" * 1e9 + "vehicles")'
    name = '"name_en"'
    if language == "zh" and "name_zh" in cities:
        name = 'coalesce("name_zh", "name_en")'
    qml.add_labels(
        document,
        name,
        is_expression=True,
        expressions={
            "Priority": f"2 + 8 * sqrt({value} / {most:.9g})",
            "AlwaysShow": f"{value} >= {least:.12g}",
            "Size": f"CASE WHEN {value} >= {least:.12g} THEN 8 ELSE 7 END",
        },
    )
    return document


def _style_climate_regions(detail_scale: int) -> ET.Element:
    document = qml.document(max_scale=detail_scale)
    classes = [
        (each.label, each.label, qml.hatch(colour, angle=45, distance_mm=2.0, width_mm=0.15))
        for each, colour in zip(WINTER_CLASSES, palette.WINTER_COLOURS, strict=True)
    ]
    qml.add_categories(document, '"climate_class"', classes)
    return document


def _style_chemistry_regions(chemistries: pd.DataFrame, detail_scale: int) -> ET.Element:
    document = qml.document(max_scale=detail_scale)
    named = zip(
        chemistries["chemistry"], chemistries["name"], chemistries["colour"], strict=True
    )  # fmt: skip
    classes = [
        (chemistry, name, qml.hatch(colour, angle=135, distance_mm=2.0, width_mm=0.15))
        for chemistry, name, colour in (*named, (NO_PACK, NO_PACK, palette.NO_PACK_COLOUR))
    ]
    qml.add_categories(document, '"dominant_chemistry"', classes)
    return document


def _base_styles(layers: Mapping[str, Layer]) -> dict[str, tuple[ET.Element, str]]:
    found = {}
    if LAND in layers:
        document = qml.document()
        qml.add_single(document, qml.fill(palette.LAND, outline=palette.SHORE))
        found[LAND] = document, "what is not water"
    if BASE_ROADS in layers:
        document = qml.document()
        rules = (
            (MAIN, "main road between cities", None, 0.35),
            (REGIONAL, "main road of the region", _NATIONAL_SCALE, 0.25),
            (LOCAL, "other road", _LOCAL_ROAD_SCALE, 0.15),
        )
        qml.add_rules(
            document,
            [
                (f"\"road_class\" = '{name}'", label, scale,
                 qml.line(palette.BASE_ROAD, width_mm=width_mm))
                for name, label, scale, width_mm in rules
            ],
        )  # fmt: skip
        found[BASE_ROADS] = document, "by class, small roads from larger scales on"
    return found


def _corridor_styles(layers: Mapping[str, Layer]) -> dict[str, tuple[ET.Element, str]]:
    makers = {
        "corridor_stations": (_style_corridor_stations, "by swaps in winter"),
        "corridor_roads": (_style_corridor_roads, "by share refuelled in winter, wider for more"),
        "corridor_legs": (_style_corridor_legs, "winter only, by the distance left"),
        "corridor_unserved": (_style_unserved, "by reason, larger for more trips"),
    }
    return {
        name: (make(layers[name].frame), text)
        for name, (make, text) in makers.items()
        if name in layers
    }


def _style_corridor_stations(stations: pd.DataFrame) -> ET.Element:
    document = qml.document()
    edges = _quarters(stations["winter_swaps_per_day"])
    classes = [
        (low, high, f"{low:g} to {high:g} swaps a day", qml.marker(
            palette.CORRIDOR_STATION, size_mm=2.4 + 0.8 * rank, outline=palette.WHITE,
            shape="diamond"))
        for rank, (low, high) in enumerate(pairwise(edges))
    ]  # fmt: skip
    qml.add_ranges(document, "winter_swaps_per_day", classes)
    swaps = "round(\"winter_swaps_per_day\") || '/day'"
    # Where there is no room for both, a city's name is drawn.
    qml.add_labels(
        document, swaps, is_expression=True, min_scale=_NATIONAL_SCALE // 4,
        expressions={"Priority": "1"},
    )  # fmt: skip
    return document


def _style_corridor_roads(roads: pd.DataFrame) -> ET.Element:
    document = qml.document()
    width_mm = f"0.2 + 1.2 * {_strength_of(roads, 'winter_trips_per_day')}"
    dots = "CASE WHEN \"is_ferry\" THEN 'dot' ELSE 'solid' END"
    classes = [
        (low, high, label, qml.line(colour, outlineWidth=width_mm, outlineStyle=dots))
        for low, high, label, colour in SHARE_CLASSES
    ]
    qml.add_ranges(document, "winter_refuelled_frac", classes)
    return document


def _style_corridor_legs(legs: pd.DataFrame) -> ET.Element:
    # Nearer, straight lines would cross a city whose roads go elsewhere.
    document = qml.document(min_scale=_NATIONAL_SCALE, max_scale=_NATIONAL_SCALE // 4)
    width_mm = f"0.15 + 0.5 * {_strength_of(legs, 'trips_per_day')}"
    classes = [
        (low, high, label, qml.line(colour, outlineWidth=width_mm))
        for low, high, label, colour in MARGIN_CLASSES
    ]
    in_winter = 'CASE WHEN "season" = \'winter\' THEN "margin_km" END'
    # Many legs share a line, one for each vehicle and pack: the tightest is drawn last.
    qml.add_ranges(document, in_winter, classes, descending_by="margin_km")
    return document


def _style_unserved(unserved: pd.DataFrame) -> ET.Element:
    document = qml.document()
    full = f"CASE WHEN @map_scale > {_NATIONAL_SCALE} THEN 0.5 ELSE 1 END"
    size_mm = f"{full} * (1.2 + 2.4 * {_strength_of(unserved, 'trips_per_day')})"
    classes = []
    for reason, label, colour in BREAK_CLASSES:
        marker = qml.marker(colour, size_mm=1.8, outline=palette.WHITE, shape="triangle")
        qml.add_expressions(marker[0], {"size": size_mm})
        classes.append((reason, label, marker))
    qml.add_categories(document, '"why"', classes)
    return document


def _strength_of(frame: pd.DataFrame, column: str) -> str:
    """Expression from 0 to 1 that grows with the root of a column, full for the largest rows."""
    many = float(frame[column].quantile(_STRONG_QUANTILE)) if frame[column].any() else 1.0
    return f'sqrt(min(1, "{column}" / {max(many, 1e-9):.6g}))'


def _quarters(column: "pd.Series[float]") -> list[float]:
    """Edges of classes that hold a quarter of the rows each, rounded outwards to tenths."""
    values = column.to_numpy(np.float64) if len(column) else np.zeros(1)
    inner = np.round(np.quantile(values, (0.25, 0.5, 0.75)), 1)
    ends = np.floor(10 * values.min()) / 10, np.ceil(10 * values.max()) / 10
    edges: list[float] = np.unique((*ends, *inner)).tolist()
    return edges if len(edges) > 1 else [*edges, edges[0] + 0.1]
