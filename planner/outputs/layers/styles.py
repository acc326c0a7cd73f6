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
from planner.outputs.layers import qml
from planner.outputs.layers.geopackage import styled_layer
from planner.outputs.layers.hexagons import cell_width_m
from planner.outputs.layers.layer import Layer
from planner.outputs.layers.phase_styles import add_times, phase_styles
from planner.outputs.layers.reason_styles import reason_styles
from planner.outputs.layers.regions import NO_PACK, WINTER_CLASSES
from planner.outputs.layers.zone_layers import OVERVIEWS
from planner.outputs.waits import VERDICT_LOOKS

_SHARE_CLASSES = tuple(
    (step / 5, (step + 1) / 5, colour, f"{20 * step} to {20 * (step + 1)} %")
    for step, colour in enumerate(palette.SHARE_COLOURS)
)
_UTILISATION_CLASSES = tuple(
    (low, high, colour, label)
    for (low, high, label), colour in zip(
        (
            (0.0, 0.25, "0 to 25 % used"),
            (0.25, 0.5, "25 to 50 % used"),
            (0.5, 0.75, "50 to 75 % used"),
            (0.75, 0.95, "75 to 95 % used"),
            (0.95, 1.01, "full in the peak hour"),
        ),
        palette.UTILISATION_COLOURS,
        strict=True,
    )
)
_REASON_CLASSES = (
    ("above_price", "worth about a station", palette.NEARLY),
    ("saves_more", "would shorten drives most", palette.NEARLY),
    ("costs_less", "worth about its cost", palette.NEARLY),
    ("city_full", "city has the most it may have", palette.ORANGE),
    ("saves_less", "shortens drives too little", palette.TOO_LITTLE),
    ("costs_more", "saves less than it costs", palette.TOO_LITTLE),
    ("none_nearer", "all have a nearer one", palette.BY_OTHERS),
    ("not_needed", "not needed", palette.BY_OTHERS),
    ("mostly_served", "mostly served by others", palette.TOO_LITTLE),
    ("all_served", "all served by others", palette.BY_OTHERS),
    ("low_demand", "too few swaps within reach", palette.FEW_SWAPS),
    ("no_demand", "no swaps within reach", palette.NO_SWAPS),
    ("no_zone_in_reach", "no zone within reach", palette.YELLOW),
    ("no_type_fits", "no station type fits", palette.BLUE),
    ("not_connected", "far from any road", palette.VERMILION),
    ("forbidden", "forbidden", palette.BLACK),
    ("closing", "the station closes", palette.PURPLE),
)
_MARGIN_CLASSES = tuple(
    (low, high, colour, label)
    for (low, high, label), colour in zip(
        (
            (0.0, 5.0, "less than 5 km left"),
            (5.0, 10.0, "5 to 10 km"),
            (10.0, 20.0, "10 to 20 km"),
            (20.0, 50.0, "20 to 50 km"),
            (50.0, 1e5, "50 km and more"),
        ),
        palette.MARGIN_COLOURS,
        strict=True,
    )
)
"""Kilometres that a leg leaves in the pack."""
_BREAK_CLASSES = (
    ("no station opened here", "no station opened here", palette.VERMILION),
    ("no candidate site reaches this road", "no candidate site on this road", palette.BLACK),
    ("", "other reasons", palette.OTHER_REASONS),
)

_NARROWEST_CELL_M = 0.0006
"""Width on the map below which cells give way to coarser ones [m]."""

_STRONG_QUANTILE = 0.95
"""Cells and lines with more swaps or trips than this share of them are drawn at full size."""

_LEAST_AREA_FRAC = 0.15
"""Share of its area that a cell with next to no swaps is drawn with."""

_POINT_ZONE_SCALE = 1_500_000
"""Scale denominator at which zones that are points give way to their overview."""

_NATIONAL_SCALE = 4_000_000
"""Scale denominator from which stations shrink, or a country would be covered by them."""


def build_styles(
    layers: Mapping[str, Layer], station_types: pd.DataFrame, chemistries: pd.DataFrame
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
        "cities": (_style_cities(), "by winter design temperature"),
        "candidates": (_style_candidates(detail_scale), "by the reason why not"),
        "allocation": (_style_allocation(layers["allocation"], detail_scale), "by drive time"),
        "service_areas": (_style_service_areas(_scale_of(finer)), "by utilisation"),
        "zones": (_style_zones(zones.geometry_type != "Point", detail_scale), "served or not"),
        finer.name: (
            _style_overview(finer, detail_scale, _scale_of(finer)),
            "by share of swaps served, larger where there are more",
        ),
        coarser.name: (
            _style_overview(coarser, _scale_of(finer), None),
            "by share of swaps served, larger where there are more",
        ),
        "climate_regions": (_style_climate_regions(), "by winter design temperature"),
        "chemistry_regions": (_style_chemistry_regions(chemistries), "by dominant chemistry"),
        **_corridor_styles(layers),
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
    return {name: (qml.to_text(document), text) for name, (document, text) in styles.items()}


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


def _style_candidates(detail_scale: int) -> ET.Element:
    document = qml.document(min_scale=detail_scale // 3)
    classes = [
        (reason, label, qml.marker(colour, size_mm=1.6, outline=palette.OUTLINE))
        for reason, label, colour in _REASON_CLASSES
    ]
    qml.add_categories(document, '"reason"', classes)
    return document


def _style_allocation(layer: Layer, detail_scale: int) -> ET.Element:
    document = qml.document(min_scale=detail_scale)
    longest_min = math.ceil(np.fmax(layer.frame["mean_drive_min"].max(), 1.0))
    edges = [longest_min * quarter / 4 for quarter in range(5)]
    # Thicker where more vehicles drive: its area grows with them.
    width_mm = 'max(0.15, min(1.2, 0.15 * sqrt("swaps_per_day")))'
    classes = [
        (low, high, f"{low:g} to {high:g} min", qml.line(colour, outlineWidth=width_mm))
        for low, high, colour in zip(edges, edges[1:], palette.DRIVE_COLOURS, strict=False)
    ]
    qml.add_ranges(document, "mean_drive_min", classes)
    return document


def _style_service_areas(overview_scale: int) -> ET.Element:
    document = qml.document(min_scale=overview_scale)
    classes = [
        (low, high, label, qml.fill(colour, alpha=0.55, outline=palette.OUTLINE))
        for low, high, colour, label in _UTILISATION_CLASSES
    ]
    qml.add_ranges(document, "utilisation_frac", classes)
    return document


def _style_zones(has_polygons: bool, detail_scale: int) -> ET.Element:
    document = qml.document(min_scale=detail_scale)
    served, not_served = (
        # An outline, however thin, would turn a city's thousands of cells into one dark spot.
        (qml.fill(palette.ZONE_SERVED), qml.fill(palette.ZONE_NOT_SERVED))
        if has_polygons
        else (
            qml.marker(palette.ZONE_SERVED, size_mm=1.8),
            qml.marker(palette.ZONE_NOT_SERVED, size_mm=1.8),
        )
    )
    # As text, because QGIS versions differ in how they match true and false.
    qml.add_categories(
        document,
        "CASE WHEN \"is_served\" THEN 'served' ELSE 'not served' END",
        [("served", "served", served), ("not served", "not served", not_served)],
    )
    return document


def _style_overview(layer: Layer, max_scale: int, min_scale: int | None) -> ET.Element:
    # Most cells hold next to no demand: as large as the others they would make a country that
    # is served where its people live look unserved. Fainter instead of smaller they would have
    # the colour of another class.
    swaps = layer.frame["swaps_per_day"]
    many = float(swaps.quantile(_STRONG_QUANTILE)) if swaps.any() else 1.0
    share = f'sqrt(min(1, "swaps_per_day" / {max(many, 1e-9):.6g}))'
    size = f"sqrt({_LEAST_AREA_FRAC:g} + {1 - _LEAST_AREA_FRAC:g} * {share})"
    document = qml.document(min_scale=min_scale, max_scale=max_scale)
    classes = [
        (low, high, label, qml.shrunk_fill(colour, size, alpha=0.9))
        for low, high, colour, label in _SHARE_CLASSES
    ]
    qml.add_ranges(document, "swaps_served_frac", classes)
    return document


def _style_cities() -> ET.Element:
    document = qml.document()
    classes = [
        (
            each.low_c,
            each.high_c,
            each.label,
            qml.marker(colour, size_mm=3.2, outline=palette.OUTLINE),
        )
        for each, colour in zip(WINTER_CLASSES, palette.WINTER_COLOURS, strict=True)
    ]
    qml.add_ranges(document, "winter_design_c", classes)
    qml.add_labels(document, "name_en")
    return document


def _style_climate_regions() -> ET.Element:
    document = qml.document()
    classes = [
        (each.label, each.label, qml.fill(colour, alpha=0.6))
        for each, colour in zip(WINTER_CLASSES, palette.WINTER_COLOURS, strict=True)
    ]
    qml.add_categories(document, '"climate_class"', classes)
    return document


def _style_chemistry_regions(chemistries: pd.DataFrame) -> ET.Element:
    document = qml.document()
    named = zip(
        chemistries["chemistry"], chemistries["name"], chemistries["colour"], strict=True
    )  # fmt: skip
    classes = [
        (chemistry, name, qml.fill(colour, alpha=0.6))
        for chemistry, name, colour in (*named, (NO_PACK, NO_PACK, palette.NO_PACK_COLOUR))
    ]
    qml.add_categories(document, '"dominant_chemistry"', classes)
    return document


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
    qml.add_labels(document, swaps, is_expression=True, min_scale=_NATIONAL_SCALE)
    return document


def _style_corridor_roads(roads: pd.DataFrame) -> ET.Element:
    document = qml.document()
    width_mm = f"0.2 + 1.2 * {_strength_of(roads, 'winter_trips_per_day')}"
    dots = "CASE WHEN \"is_ferry\" THEN 'dot' ELSE 'solid' END"
    classes = [
        (low, high, label, qml.line(colour, outlineWidth=width_mm, outlineStyle=dots))
        for low, high, colour, label in _SHARE_CLASSES
    ]
    qml.add_ranges(document, "winter_refuelled_frac", classes)
    return document


def _style_corridor_legs(legs: pd.DataFrame) -> ET.Element:
    document = qml.document(min_scale=_NATIONAL_SCALE)
    width_mm = f"0.15 + 0.5 * {_strength_of(legs, 'trips_per_day')}"
    classes = [
        (low, high, label, qml.line(colour, outlineWidth=width_mm))
        for low, high, colour, label in _MARGIN_CLASSES
    ]
    in_winter = 'CASE WHEN "season" = \'winter\' THEN "margin_km" END'
    # Many legs share a line, one for each vehicle and pack: the tightest is drawn last.
    qml.add_ranges(document, in_winter, classes, descending_by="margin_km")
    return document


def _style_unserved(unserved: pd.DataFrame) -> ET.Element:
    document = qml.document()
    size_mm = f"1.2 + 2.4 * {_strength_of(unserved, 'trips_per_day')}"
    classes = []
    for reason, label, colour in _BREAK_CLASSES:
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
