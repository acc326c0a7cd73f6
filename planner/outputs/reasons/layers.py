"""Alternatives and frontiers as layers and tables, with their styles."""

import math
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planner.outputs import palette
from planner.outputs.layers import qml
from planner.outputs.layers.antimeridian import same_type, split_shapes
from planner.outputs.layers.columns import columns_in_unit, describe_columns
from planner.outputs.layers.hexagons import cell_polygons
from planner.outputs.layers.layer import CRS, Layer
from planner.outputs.phases import shades

PLANS, CURVE, SITES, HEXAGONS, STEPS = (
    "alternative_plans", "alternative_curve", "alternative_sites", "alternative_hexagons",
    "city_steps",
)  # fmt: skip
ALTERNATIVES = {
    HEXAGONS: "Hexagons that count as places, with the fewest and most stations of all plans.",
    SITES: "Sites of the plan and of its alternatives, with the share of the plans that have each.",
    PLANS: "The plan, and plans nearly as good that differ from it.",
    CURVE: "How many places can differ within a loss: found, and proven at most.",
    STEPS: "What some stations more or fewer in a city would cost.",
}
"""Tables of alternatives, in the order they are written, with what they hold."""

FRONTIER, FRONTIER_SITES, BOUNDS = "frontier", "frontier_sites", "frontier_bounds"
FRONTIERS = {
    FRONTIER_SITES: "Sites with a station in some plan of the frontier, and from which number on.",
    FRONTIER: "Plans for a growing number of stations, or amount of money, with their bounds.",
    BOUNDS: "The bound at every number, between the plans too.",
}
"""Tables of a frontier, in the order they are written, with what they hold."""

_DESCRIPTIONS = {**ALTERNATIVES, **FRONTIERS}

SAME, VARIES, LEFT, TAKEN = "same", "varies", "left", "taken"
HEXAGON_CLASSES = (
    (SAME, "as many stations in every plan", palette.CHOSEN_COLOURS[4]),
    (VARIES, "some in every plan, the number varies", palette.CHOSEN_COLOURS[2]),
    (LEFT, "in the plan, none in another", palette.ORANGE),
    (TAKEN, "not in the plan, some in another", palette.SKY),
)
"""Code, label and colour of hexagons by what the plans have there."""

LABELS = (
    ("must_have", "must have, proven by city", palette.CHOSEN_COLOURS[4], "square"),
    ("seen_in_all", "seen in all plans", palette.CHOSEN_COLOURS[2], "circle"),
    ("optional", "in some plans", palette.CHOSEN_COLOURS[1], "circle"),
    ("not_seen", "seen in none", palette.WHITE, "circle"),
    ("never", "never, proven by city", palette.BLACK, "cross"),
)
"""Labels of sites: code, words, colour and shape."""

_HEXAGON_CASE = (
    'CASE WHEN "least" >= 1 AND "least" = "most" THEN \'same\' WHEN "least" >= 1 THEN '
    "'varies' WHEN \"in_plan\" >= 1 THEN 'left' ELSE 'taken' END"
)


def hexagon_classes(hexagons: pd.DataFrame) -> "pd.Series[str]":
    """What the plans have in each hexagon, as codes of `HEXAGON_CLASSES`.

    Parameters
    ----------
    hexagons : DataFrame
        Columns ``in_plan, least, most``: stations of the plan, fewest and most of all plans.
    """
    least, most, plan = (hexagons[name].to_numpy(float) for name in ("least", "most", "in_plan"))
    found = np.select(
        [(least >= 1) & (least == most), least >= 1, plan >= 1], [SAME, VARIES, LEFT], TAKEN
    )
    return pd.Series(found, index=hexagons.index, dtype="string")


def build_layers(
    tables: Mapping[str, pd.DataFrame], names: Mapping[str, str], unit: str
) -> dict[str, Layer]:
    """Tables ready to be written; those with places as points, hexagons as their outlines.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        Those of ``names`` that are there are taken, in that order, rows as they come.
    names : mapping of name to str
        `ALTERNATIVES` or `FRONTIERS`.
    unit : str
        Of the objective.
    """
    return {name: _layer(name, tables[name], unit) for name in names if name in tables}


def _layer(name: str, frame: pd.DataFrame, unit: str) -> Layer:
    frame = frame.drop(columns="geometry", errors="ignore").reset_index(drop=True)
    columns = columns_in_unit(describe_columns(name, frame.columns), unit)
    labels = [column for column in frame if frame[column].dtype == object]
    shaped = frame.astype(dict.fromkeys(labels, "string")).rename(
        columns={column.source: column.name for column in columns}
    )
    geometry_type = None
    if name == HEXAGONS:
        cells = np.array([int(str(text), 16) for text in frame["h3"]], np.uint64)
        shapes = same_type(split_shapes(cell_polygons(cells)))
        is_split = shapely.get_type_id(shapes).max(initial=-1) == shapely.GeometryType.MULTIPOLYGON
        geometry_type = "MultiPolygon" if is_split else "Polygon"
        shaped = gpd.GeoDataFrame(shaped, geometry=shapes, crs=CRS)
    elif "lon" in frame:
        points = gpd.points_from_xy(frame["lon"], frame["lat"], crs=CRS)
        shaped, geometry_type = gpd.GeoDataFrame(shaped, geometry=points), "Point"
    return Layer(name, _DESCRIPTIONS[name], shaped, columns, geometry_type)


def build_styles(layers: Mapping[str, Layer]) -> dict[str, tuple[str, str]]:
    """QML document and its description per layer with places."""
    found: dict[str, tuple[ET.Element, str]] = {}
    if HEXAGONS in layers:
        found[HEXAGONS] = _style_hexagons(), "by what the plans have there"
    if SITES in layers:
        found[SITES] = _style_labels(), "by label: what is proven, what was seen"
        found[f"{SITES} by frequency"] = _style_frequencies(), "by share of the plans"
    if FRONTIER_SITES in layers:
        numbers = layers[FRONTIER_SITES].frame["first_number"]
        found[FRONTIER_SITES] = _style_numbers(numbers), "the earlier a site stands the darker"
    for name, (document, _) in found.items():
        qml.add_aliases(document, layers[name.partition(" ")[0]])
    return {name: (qml.to_text(document), text) for name, (document, text) in found.items()}


def _style_hexagons() -> ET.Element:
    document = qml.document()
    classes = [
        (code, label, qml.fill(colour, outline=palette.OUTLINE))
        for code, label, colour in HEXAGON_CLASSES
    ]
    qml.add_categories(document, _HEXAGON_CASE, classes)
    return document


def _style_labels() -> ET.Element:
    document = qml.document()
    classes = [
        (code, label, qml.marker(colour, size_mm=2.4, outline=palette.OUTLINE, shape=shape))
        for code, label, colour, shape in LABELS
    ]
    qml.add_categories(document, '"label"', classes, first_on_top=True)
    return document


def _style_frequencies() -> ET.Element:
    document = qml.document()
    ends = (-0.001, 0.25, 0.5, 0.75, 0.999999, 1.001)
    labels = ("up to a quarter", "up to half", "up to three quarters", "most", "all plans")
    classes = [
        (low, high, label, qml.marker(colour, size_mm=2.2, outline=palette.OUTLINE))
        for low, high, label, colour in zip(
            ends, ends[1:], labels, palette.CHOSEN_COLOURS, strict=False
        )
    ]
    qml.add_ranges(document, "frequency_frac", classes)
    return document


def _style_numbers(numbers: "pd.Series[float]") -> ET.Element:
    document = qml.document()
    groups = _groups(numbers.astype(float))
    classes = [
        (low, high, f"stands from {_plain(first)}" + ("" if first == last else
                                                      f" to {_plain(last)}"),
         qml.marker(colour, size_mm=2.2, outline=palette.OUTLINE))
        for (low, high, first, last), colour in zip(groups, shades(len(groups)), strict=True)
    ]  # fmt: skip
    qml.add_ranges(document, "first_number", classes)
    return document


_MOST_GROUPS = 8


def _groups(numbers: "pd.Series[float]") -> list[tuple[float, float, float, float]]:
    """Numbers in a row in at most eight groups: lower and upper end, first and last within."""
    known: Sequence[float] = sorted(numbers.dropna().unique())
    size = max(1, math.ceil(len(known) / _MOST_GROUPS))
    parts = [known[start : start + size] for start in range(0, len(known), size)]
    return [
        # Between two numbers nothing stands: a class ends half-way.
        (
            part[0] - 0.25 if rank == 0 else (parts[rank - 1][-1] + part[0]) / 2,
            part[-1] + 0.25 if rank + 1 == len(parts) else (part[-1] + parts[rank + 1][0]) / 2,
            part[0],
            part[-1],
        )
        for rank, part in enumerate(parts)
    ]


def _plain(number: float) -> str:
    return f"{number:,.0f}"
