"""Markets of a run as shapes with their figures, and what they are drawn in.

Takes cells of cities and tables by market; a market's shape is that of its cities' cells.
"""

import math
from collections.abc import Mapping
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd

from planner.outputs import palette
from planner.outputs.layers import qml
from planner.outputs.layers.allocation import area_km2, as_multipolygons, dissolve
from planner.outputs.layers.antimeridian import split_shapes
from planner.outputs.layers.hexagons import cell_polygons
from planner.outputs.layers.layer import CRS, Layer
from planner.outputs.markets import MARKET_QUARTER, market_figures

MARKETS = "markets"
DESCRIPTION = "Markets in the planning quarter: packs, gates, vehicles; the cells of their cities."
_SAVING_CLASSES = (
    (0.0, 1.0, "no gate saves money if it opens earlier"),
    (1.0, 1e6, "less than 1 M CNY"),
    (1e6, 1e7, "1 to 10 M CNY"),
    (1e7, 1e8, "10 to 100 M CNY"),
    (1e8, math.inf, "100 M CNY and more"),
)
"""Saving of a market's dearest certificate [CNY]: ends, and what the legend says."""

_MOST_CNY = 1e15
_GWH_SHADES = 4


def place_markets(
    tables: Mapping[str, pd.DataFrame],
    owners: pd.DataFrame,
    cities: pd.DataFrame,
    planning_quarter: str,
) -> gpd.GeoDataFrame | None:
    """Markets that have a city, each with its shape and the figures of the planning quarter.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        Of a run.
    owners : DataFrame
        From `planner.outputs.layers.regions.cell_owners`.
    cities : DataFrame
        As in an evaluation.
    planning_quarter : str
        As ``2027Q1``.

    Returns
    -------
    GeoDataFrame or None
        Sorted by market, with ``area_km2``; None where the run tells of no markets. A market whose
        cities have no cell of their own has an empty shape.
    """
    if MARKET_QUARTER not in tables:
        return None
    figures = market_figures(tables, cities, planning_quarter)
    figures = figures[figures["market"].isin(cities["market"])].reset_index(drop=True)
    market_of = dict(zip(cities["city_id"], cities["market"], strict=True))
    cells = owners.assign(market=owners["city_id"].map(market_of)).dropna(subset=["market"])
    cells = cells.sort_values(["market", "cell"], ignore_index=True)
    shapes = {}
    if len(cells):
        outlines = split_shapes(cell_polygons(cells["cell"].to_numpy(np.uint64)))
        names, first = np.unique(cells["market"].to_numpy(), return_index=True)
        drawn = as_multipolygons(dissolve(outlines, first))
        shapes = dict(zip(names.tolist(), drawn, strict=False))
    empty = as_multipolygons([[]])[0]
    frame = gpd.GeoDataFrame(
        figures, geometry=[shapes.get(name, empty) for name in figures["market"]], crs=CRS
    )
    return frame.assign(area_km2=area_km2(frame))


def market_styles(layers: Mapping[str, Layer]) -> dict[str, tuple[ET.Element, str]]:
    """Style of the markets, if there are any, and a further one."""
    if MARKETS not in layers:
        return {}
    layer = layers[MARKETS]
    found = {f"{MARKETS} by packs delivered": (
        _style_delivered(layer), "by packs delivered up to the planning quarter")}  # fmt: skip
    if "dearest_saving_cny" in layer.frame:
        return {MARKETS: (
            _style_savings(layer), "by what the dearest certificate saves a quarter earlier"),
            **found}  # fmt: skip
    (style,) = found.values()
    return {MARKETS: style}


def _style_savings(layer: Layer) -> ET.Element:
    document = qml.document()
    classes = [
        (low, min(high, _MOST_CNY), label, qml.edge(colour, width_mm=1.2))
        for (low, high, label), colour in zip(_SAVING_CLASSES, palette.COST_COLOURS, strict=True)
    ]
    qml.add_ranges(document, "dearest_saving_cny", classes)
    _add_names(document)
    return document


def _style_delivered(layer: Layer) -> ET.Element:
    """Four classes of equal width up to the market that gets most."""
    document = qml.document()
    most = max(float(layer.frame["delivered_gwh"].max()) if len(layer.frame) else 0.0, 1e-6)
    edges = [most * step / _GWH_SHADES for step in range(_GWH_SHADES + 1)]
    colours = palette.DRIVE_COLOURS
    classes = [
        (low, high * (1 + 1e-9), f"{low:.3g} to {high:.3g} GWh", qml.edge(colour, width_mm=1.2))
        for low, high, colour in zip(edges, edges[1:], colours, strict=False)
    ]
    qml.add_ranges(document, "delivered_gwh", classes)
    _add_names(document)
    return document


def _add_names(document: ET.Element) -> None:
    text = "\"market\" || ': ' || format_number(\"delivered_gwh\", 2) || ' GWh'"
    qml.add_labels(document, text, is_expression=True)
