"""Who serves whom, drawn: lines from demand to stations, and the area of each station."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from planner.geodesy import great_circle_km
from planner.outputs.layers.antimeridian import near_lon, split_shapes
from planner.outputs.layers.hexagons import cell_names, cell_polygons
from planner.outputs.layers.overview import ZoneCells
from planner.outputs.layers.rings import Rings

MOST_LINES_PER_ZONE = 20_000
"""Allocated zones up to which each has its own line; above, lines start from cells.

A million lines in one layer stall a desktop; a step of H3 leaves about a quarter of them.
"""

AREA_CRS = "EPSG:6933"
"""Equal-area reference system (EASE-Grid 2.0) in which areas are measured."""

SHORTEST_LINE_KM = 0.001
"""A line of no length is invalid, and one of a metre is that but for rounding."""

_M2_PER_KM2 = 1e6


def allocation_lines(
    allocation: pd.DataFrame, zones: pd.DataFrame, cells: ZoneCells, stations: pd.DataFrame
) -> tuple[gpd.GeoDataFrame, bool]:
    """Lines from demand to the stations that serve it.

    Parameters
    ----------
    allocation : DataFrame
        ``zone_id, site_id, share_frac, drive_min``, as in a plan.
    zones : DataFrame
        As in an evaluation.
    cells : ZoneCells
        Cell of each zone, in the same order.
    stations : DataFrame
        As in an evaluation.

    Returns
    -------
    GeoDataFrame
        A row per station and origin, sorted. What stands at the station itself has no line.
    bool
        Whether the origins are cells one step coarser than the zones, each line starting at
        the mean of its zones weighted by the swaps they send; zones otherwise.
    """
    by_cell = len(allocation) > MOST_LINES_PER_ZONE
    zone_idx = pd.Index(zones["zone_id"]).get_indexer(allocation["zone_id"])
    of_zone = zones.iloc[zone_idx].reset_index(drop=True)
    share = allocation["share_frac"].to_numpy(np.float64)
    origin_id = of_zone["zone_id"]
    if by_cell:
        parents, parent_idx = np.unique(cells.parents(1)[zone_idx], return_inverse=True)
        origin_id = pd.Series(np.array(cell_names(parents), object)[parent_idx])
    swaps = of_zone["swaps_per_day"].to_numpy(np.float64) * share
    # A mean of places on both sides of the antimeridian must not lie half round the Earth.
    at_station = stations.set_index("site_id")["lon"].loc[allocation["site_id"]]
    lon = near_lon(of_zone["lon"].to_numpy(np.float64), at_station.to_numpy(np.float64))
    # Zones without swaps still have a place: they count as next to nothing.
    weight = np.maximum(swaps, 1e-12)
    parts = pd.DataFrame(
        {
            "site_id": allocation["site_id"].to_numpy(),
            "origin_id": origin_id.to_numpy(),
            "num_zones": 1,
            "swaps_per_day": swaps,
            "peak_swaps_per_hour": of_zone["peak_swaps_per_hour"].to_numpy(np.float64) * share,
            "weight": weight,
            "drive_min": allocation["drive_min"].to_numpy(np.float64) * weight,
            "lon": lon * weight,
            "lat": of_zone["lat"].to_numpy(np.float64) * weight,
        }
    )
    lines = parts.groupby(["site_id", "origin_id"], as_index=False).sum()
    ends = stations.set_index("site_id")[["city_id", "lon", "lat"]].loc[lines["site_id"]]
    origin = np.column_stack([lines[name] / lines["weight"] for name in ("lon", "lat")])
    target = ends[["lon", "lat"]].to_numpy(np.float64)
    frame = gpd.GeoDataFrame(
        {
            "site_id": lines["site_id"],
            "origin_id": lines["origin_id"],
            "city_id": ends["city_id"].to_numpy(),
            "num_zones": lines["num_zones"],
            "swaps_per_day": lines["swaps_per_day"],
            "peak_swaps_per_hour": lines["peak_swaps_per_hour"],
            "mean_drive_min": lines["drive_min"] / lines["weight"],
            "straight_km": great_circle_km(*origin.T, *target.T),
        },
        geometry=shapely.linestrings(np.stack([origin, target], axis=1)),
        crs="EPSG:4326",
    )
    return frame[frame["straight_km"] > SHORTEST_LINE_KM].reset_index(drop=True), by_cell


def service_areas(
    zones: pd.DataFrame,
    cells: ZoneCells,
    stations: pd.DataFrame,
    outlines: Rings | NDArray[np.object_] | None = None,
) -> gpd.GeoDataFrame:
    """Union of what each station serves for the largest part: zones, or the cells that hold them.

    Areas of neighbouring cells share their corners to the last bit. Zones that are places are
    drawn as the cells that hold them, so that areas of two stations may then share a cell.

    Parameters
    ----------
    zones, stations : DataFrame
        As in an evaluation.
    cells : ZoneCells
        Cell of each zone, in the same order.
    outlines : Rings, or ndarray of Polygon or MultiPolygon, optional
        Of the zones: cells, or polygons as they were given, which may overlap.

    Returns
    -------
    GeoDataFrame, sorted by site_id
        A row per station that serves a zone.
    """
    station_ids = pd.Index(stations["site_id"].sort_values())
    station_idx = station_ids.get_indexer(zones["site_id"])
    pairs = pd.DataFrame({"station_idx": station_idx, "cell": cells.cells})[station_idx >= 0]
    if outlines is None:
        pairs = pairs.drop_duplicates()
    pairs = pairs.sort_values(["station_idx", "cell"], kind="stable")
    if isinstance(outlines, Rings):
        drawn = outlines.take(pairs.index.to_numpy()).polygons()
    elif outlines is not None:
        drawn = outlines[pairs.index.to_numpy()]
    else:
        drawn = cell_polygons(pairs["cell"].to_numpy())
    serving, first = np.unique(pairs["station_idx"], return_index=True)
    are_cells = outlines is None or cells.are_zones
    areas = dissolve(split_shapes(drawn), first, may_overlap=not are_cells)
    columns = ["site_id", "city_id", "station_type_id", "num_zones", "car_owning_households",
               "swaps_per_day", "utilisation_frac", "mean_drive_min"]  # fmt: skip
    rows = stations.set_index("site_id").loc[station_ids[serving]].reset_index()[columns]
    frame = gpd.GeoDataFrame(rows, geometry=as_multipolygons(areas[: len(rows)]), crs="EPSG:4326")
    return frame.assign(area_km2=area_km2(frame))


def dissolve(
    outlines: NDArray[np.object_], first: NDArray[np.int64], *, may_overlap: bool = False
) -> list[Any]:
    """Unions of the runs of outlines that start at ``first``."""
    union = shapely.union_all if may_overlap else shapely.coverage_union_all
    return [union(shapely.get_parts(run)) for run in np.split(outlines, first[1:])]


def as_multipolygons(shapes: Sequence[Any]) -> list[shapely.MultiPolygon]:
    """Polygons as multipolygons, so that a layer has one type of geometry."""
    return [shapely.MultiPolygon(shapely.get_parts(shape).tolist()) for shape in shapes]


def area_km2(frame: gpd.GeoDataFrame) -> "pd.Series[float]":
    """Areas, measured in `AREA_CRS`."""
    return frame.geometry.to_crs(AREA_CRS).area / _M2_PER_KM2
