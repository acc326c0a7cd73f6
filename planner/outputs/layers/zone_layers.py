"""Layers that are made zone by zone: most of a run's rows, and of the time that drawing takes.

Takes zones, who serves them, and stations as they are once a plan is checked, so that these layers
can be made while the rest of the run is still at work.
"""

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance
from planner.outputs.layers.allocation import allocation_lines, area_km2, service_areas
from planner.outputs.layers.hexagons import (
    cell_polygons,
    cell_rings,
    parent_names,
)
from planner.outputs.layers.layer import Layer, at_points, make_layer, with_geometry
from planner.outputs.layers.overview import OVERVIEW_STEPS, ZoneCells, sum_to_cells, zone_cells
from planner.outputs.layers.regions import cell_owners
from planner.outputs.layers.rings import Rings

OVERVIEWS = ("zones_overview", "zones_overview_coarse")
"""Layers of zones summed to cells, finer first; `OVERVIEW_STEPS` tells how coarse."""

_FULL_FRAC = 0.35
"""Share of all swaps in the zones or cells that are drawn at full size; others are as much smaller
as their swaps are fewer. If it is larger, a country where few places but most people are served
looks unserved; if smaller, little else than a few cells is seen."""

REGION_STEPS = OVERVIEW_STEPS[1]


@dataclass(frozen=True)
class ZoneShapes:
    """Zones, sorted, and what they look like on a map.

    Attributes
    ----------
    places : DataFrame
        ``zone_id, lon, lat``.
    cells : ZoneCells
        Cell of each zone.
    rings : Rings, optional
        Outline of each zone that is a cell; None where zones are none.
    polygons : Series of Polygon or MultiPolygon, optional
        By ``zone_id``, as zones were given that are no cells; None where they are places.
    """

    places: pd.DataFrame
    cells: ZoneCells
    rings: Rings | None
    polygons: "pd.Series[Any] | None" = None


@dataclass(frozen=True)
class ZoneLayers:
    """Layers that are made zone by zone, and which city each coarse cell belongs to.

    Attributes
    ----------
    layers : tuple of Layer
        Who serves whom, the zones and their overviews, in the order of the files; zones that
        are cells not drawn yet.
    owners : DataFrame
        As `planner.outputs.layers.regions.cell_owners` gives it.
    owner_resolution : int
        H3 resolution of its cells.
    base_roads : GeoDataFrame or None
        From `planner.outputs.layers.base_map.base_roads`, where they were drawn beside the zones.
    """

    layers: tuple[Layer, ...]
    owners: pd.DataFrame
    owner_resolution: int
    base_roads: gpd.GeoDataFrame | None = None


def given_polygons(instance: Instance) -> "pd.Series[Any] | None":
    """Polygons by ``zone_id``, where an instance's zones were given as such."""
    if instance.zone_shapes is None:
        return None
    return pd.Series(instance.zone_shapes, instance.zones["zone_id"].to_numpy(), object)


def shape_zones(zones: pd.DataFrame, polygons: "pd.Series[Any] | None" = None) -> ZoneShapes:
    """Sort zones and draw them: hexagons if their ids are H3 cells and their points the centres.

    Others are the polygons that they were given as, or stay points.

    Parameters
    ----------
    zones : DataFrame
        With ``zone_id, lon, lat``, of an instance or of an evaluation.
    polygons : Series, optional
        From `given_polygons`.
    """
    places = _sorted(zones[["zone_id", "lon", "lat"]])
    cells = zone_cells(places)
    if cells.are_zones:
        return ZoneShapes(places, cells, cell_rings(cells.cells))
    return ZoneShapes(places, cells, None, polygons)


def build_zone_layers(
    zones: pd.DataFrame,
    allocation: pd.DataFrame,
    stations: pd.DataFrame,
    shapes: ZoneShapes | None = None,
) -> ZoneLayers:
    """Bring what a plan says of its zones into the shape it is written in.

    Parameters
    ----------
    zones, stations : DataFrame
        As in an evaluation.
    allocation : DataFrame
        As in a plan.
    shapes : ZoneShapes, optional
        From `shape_zones`, which alone knows of polygons; drawn anew where zones have moved since.
    """
    zones = _sorted(zones)
    if shapes is None:
        shapes = shape_zones(zones)
    elif not shapes.places.equals(zones[["zone_id", "lon", "lat"]]):
        shapes = shape_zones(zones, shapes.polygons)
    cells = shapes.cells
    outlines: Rings | NDArray[np.object_] | None = shapes.rings
    if shapes.polygons is not None:
        outlines = shapes.polygons.loc[zones["zone_id"]].to_numpy(object)
    layers = (
        *_allocation_layers(allocation, stations, zones, cells, outlines),
        *_zone_layers(zones, cells, outlines),
    )
    owners = cell_owners(zones, cells.parents(REGION_STEPS))
    return ZoneLayers(layers, owners, cells.coarser(REGION_STEPS))


def _sorted(zones: pd.DataFrame) -> pd.DataFrame:
    return zones.sort_values("zone_id", kind="stable", ignore_index=True)


def _allocation_layers(
    allocation: pd.DataFrame,
    stations: pd.DataFrame,
    zones: pd.DataFrame,
    cells: ZoneCells,
    outlines: Rings | NDArray[np.object_] | None,
) -> list[Layer]:
    lines, by_cell = allocation_lines(allocation, zones, cells, stations)
    origin = f"H3 cell of resolution {cells.coarser(1)}" if by_cell else "zone"
    of_zones = (
        "Demand zones that"
        if outlines is not None and not cells.are_zones
        else ("H3 cells whose zones")
    )
    return [
        make_layer(
            "allocation",
            f"Lines from each {origin} to the stations that serve it.",
            lines,
            "LineString",
        ),
        make_layer(
            "service_areas",
            f"{of_zones} each station serves for the largest part, as one shape.",
            service_areas(zones, cells, stations, outlines),
            "MultiPolygon",
        ),
    ]


def _zone_layers(
    zones: pd.DataFrame, cells: ZoneCells, outlines: Rings | NDArray[np.object_] | None
) -> list[Layer]:
    kind = "H3 hexagons" if cells.are_zones else "points" if outlines is None else "as given"
    with_cells = zones.assign(**parent_names(cells.cells))
    layers = [_as_zones(with_cells, kind, cells, outlines)]
    for name, steps in zip(OVERVIEWS, OVERVIEW_STEPS, strict=True):
        sums, parents = sum_to_cells(zones, cells.parents(steps))
        layers.append(
            make_layer(
                name,
                f"Demand zones summed to H3 resolution {cells.coarser(steps)}, for small scales.",
                with_geometry(sums, cell_polygons(parents)),
                "Polygon",
                cells.coarser(steps),
            )
        )
    return [replace(layer, full_size=_full_size(layer)) for layer in layers]


def _as_zones(
    zones: pd.DataFrame,
    kind: str,
    cells: ZoneCells,
    outlines: Rings | NDArray[np.object_] | None,
) -> Layer:
    """The zones themselves; as rings where these can be written as they are."""
    told = f"Demand zones ({kind}) and the station that serves each."
    if isinstance(outlines, Rings):
        rings = outlines
        if rings.are_counter_clockwise() and np.abs(rings.corners[:, 0]).max(initial=0) <= 180:
            layer = make_layer("zones", told, zones, None, cells.resolution)
            return replace(layer, geometry_type="Polygon", rings=rings)
        outlines = rings.polygons()
    if outlines is None:
        return make_layer("zones", told, at_points(zones), "Point")
    resolution = cells.resolution if cells.are_zones else None
    return make_layer("zones", told, with_geometry(zones, outlines), "Polygon", resolution)


def _full_size(layer: Layer) -> float | None:
    """Swaps per day (per km2 of areas that are no cells) from which a row is drawn in full."""
    swaps = layer.frame["swaps_per_day"].to_numpy(np.float64)
    if not swaps.any():
        return None
    amount = swaps
    if layer.geometry_type != "Point" and layer.cell_resolution is None:
        amount = swaps / np.maximum(area_km2(gpd.GeoDataFrame(layer.frame)), 1e-6)
    order = np.argsort(-amount, kind="stable")
    held = np.cumsum(swaps[order])
    return float(amount[order][np.searchsorted(held, _FULL_FRAC * held[-1])])
