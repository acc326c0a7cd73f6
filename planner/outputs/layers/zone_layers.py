"""Layers that are made zone by zone: most of a run's rows, and of the time that drawing takes.

Takes zones, who serves them, and stations as they are once a plan is checked, so that these layers
can be made while the rest of the run is still at work.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.outputs.layers.allocation import allocation_lines, service_areas
from planner.outputs.layers.hexagons import Rings, cell_polygons, cell_rings, ring_polygons
from planner.outputs.layers.layer import Layer, at_points, make_layer, with_geometry
from planner.outputs.layers.overview import OVERVIEW_STEPS, ZoneCells, sum_to_cells, zone_cells
from planner.outputs.layers.regions import cell_owners

OVERVIEWS = ("zones_overview", "zones_overview_coarse")
"""Layers of zones summed to cells, finer first; `OVERVIEW_STEPS` tells how coarse."""

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
        Outline of each zone; None where zones are places and not cells.
    """

    places: pd.DataFrame
    cells: ZoneCells
    rings: Rings | None


@dataclass(frozen=True)
class ZoneLayers:
    """Layers that are made zone by zone, and which city each coarse cell belongs to.

    Attributes
    ----------
    layers : tuple of Layer
        Who serves whom, the zones and their overviews, in the order of the files.
    owners : DataFrame
        As `planner.outputs.layers.regions.cell_owners` gives it.
    owner_resolution : int
        H3 resolution of its cells.
    """

    layers: tuple[Layer, ...]
    owners: pd.DataFrame
    owner_resolution: int


def shape_zones(zones: pd.DataFrame) -> ZoneShapes:
    """Sort zones and draw them: hexagons if their ids are H3 cells and their points the centres.

    Zones with places of their own stay points.

    Parameters
    ----------
    zones : DataFrame
        With ``zone_id, lon, lat``, of an instance or of an evaluation.
    """
    places = _sorted(zones[["zone_id", "lon", "lat"]])
    cells = zone_cells(places)
    return ZoneShapes(places, cells, cell_rings(cells.cells) if cells.are_zones else None)


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
        Of these zones, if they are drawn already.
    """
    zones = _sorted(zones)
    if shapes is None or not shapes.places.equals(zones[["zone_id", "lon", "lat"]]):
        shapes = shape_zones(zones)
    cells = shapes.cells
    outlines = None if shapes.rings is None else ring_polygons(shapes.rings)
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
    outlines: NDArray[np.object_] | None,
) -> list[Layer]:
    lines, by_cell = allocation_lines(allocation, zones, cells, stations)
    origin = f"H3 cell of resolution {cells.coarser(1)}" if by_cell else "zone"
    return [
        make_layer(
            "allocation",
            f"Lines from each {origin} to the stations that serve it.",
            lines,
            "LineString",
        ),
        make_layer(
            "service_areas",
            "H3 cells whose zones each station serves for the largest part, as one shape.",
            service_areas(zones, cells, stations, outlines),
            "MultiPolygon",
        ),
    ]


def _zone_layers(
    zones: pd.DataFrame, cells: ZoneCells, outlines: NDArray[np.object_] | None
) -> list[Layer]:
    layers = [
        make_layer(
            "zones",
            "Demand zones (H3 hexagons) and the station that serves each.",
            with_geometry(zones, outlines),
            "Polygon",
            cells.resolution,
        )
        if outlines is not None
        else make_layer(
            "zones",
            "Demand zones (points) and the station that serves each.",
            at_points(zones),
            "Point",
        )
    ]
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
    return layers
