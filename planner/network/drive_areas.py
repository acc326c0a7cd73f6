"""The area from which each station is reached within some minutes, as shapes.

Takes the road graph and stations joined to it; leaves to others who lives there, and the
antimeridian: longitudes run on beyond it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import shapely
from contourpy import contour_generator
from numba import njit
from numpy.typing import NDArray

from planner.geodesy import degrees_east
from planner.network.graph import FloatArray, RoadGraph
from planner.network.join import Access, BoolArray
from planner.network.reach import drive_time_reach
from planner.units import EARTH_RADIUS_KM

STEP_KM_PER_MIN = 0.025
"""Distance between two places whose minutes are computed, by the longest time drawn."""

_KM_PER_DEGREE = math.radians(EARTH_RADIUS_KM)
_STATIONS_AT_ONCE = 1000
_NEAR_STEPS = 3.0
_Filled = tuple[list[FloatArray], list[NDArray[np.uint32]]]
_STRAIGHT_STEPS = 0.1  # corners of an outline are left out where it moves by no more
_DECIMALS = 5  # about a metre


class LocalStreets(NamedTuple):
    """How places get to mapped roads.

    Attributes
    ----------
    min_per_km : float
        Of the straight line.
    max_km : float
        Places farther from every road are in no area.
    """

    min_per_km: float
    max_km: float


def drive_areas(
    graph: RoadGraph,
    stations: Access,
    lonlat: FloatArray,
    leads_on: BoolArray,
    streets: LocalStreets,
    minutes: Sequence[float],
) -> NDArray[np.object_]:
    """Where drivers start who are at a station within some minutes.

    Parameters
    ----------
    graph : RoadGraph
        Drive times by direction, towards the station.
    stations : Access
        Where they join the graph.
    lonlat : ndarray, shape (num_stations, 2)
        Where they stand [degrees].
    leads_on : ndarray, shape (num_points,)
        Points that places join, as of `planner.network.join.points_that_lead_on`.
    streets : LocalStreets
        Between a place and the road point that it joins.
    minutes : sequence of float
        Times, ascending.

    Returns
    -------
    ndarray of MultiPolygon, shape (num_stations, len(minutes))
        Degrees, longitudes within 180 of the station's; valid. None where nothing is near.

    Notes
    -----
    As in a plan, a place joins the nearest road point that leads on, in a straight line; its
    minutes are those from there to the station, local streets at both ends included. Whoever is
    nearer to the station itself drives straight to it: the surroundings of a station far off the
    road belong to it. Minutes are computed on a lattice of `STEP_KM_PER_MIN` times the longest
    time, and each outline is drawn where they pass a limit, linearly between two places. What
    is narrower than a step, as the ends along a fast road are, is cut.
    """
    step_km = STEP_KM_PER_MIN * minutes[-1]
    beyond_min = 1.5 * step_km * streets.min_per_km  # outlines lie between places on both sides
    searched_min = minutes[-1] + beyond_min
    reach_km = min(streets.max_km, searched_min / streets.min_per_km)
    by_lat = np.flatnonzero(leads_on)
    by_lat = by_lat[np.argsort(graph.lat[by_lat], kind="stable")]
    rank = np.full(len(graph.lat), -1)
    rank[by_lat] = np.arange(len(by_lat))
    points = _Points(graph.lon[by_lat], graph.lat[by_lat], np.full(len(by_lat), np.inf))
    num_points = len(graph.lon)
    everywhere = Access(
        np.where(leads_on, np.arange(num_points), -1).astype(np.int32), np.zeros(num_points),
        np.zeros(num_points, np.bool_), leads_on,
    )  # fmt: skip
    drawn = _Drawn([], [], [])
    for begin in range(0, len(lonlat), _STATIONS_AT_ONCE):
        some = slice(begin, begin + _STATIONS_AT_ONCE)
        part = Access(*(values[some] for values in vars(stations).values()))
        reach = drive_time_reach(graph, part, everywhere, searched_min)
        for offset, (lon, lat) in enumerate(lonlat[some].tolist()):
            arcs = slice(reach.ptr[offset], reach.ptr[offset + 1])
            reached = rank[reach.zone_idx[arcs]]
            points.minutes[reached] = reach.drive_min[arcs]
            lattice = _Lattice.around(lon, lat, points, reached, reach_km, step_km)
            field = lattice.minutes(points, reach_km, streets.min_per_km)
            points.minutes[reached] = np.inf
            drawn.add(lattice, np.minimum(field, searched_min), minutes)
    return drawn.shapes(_STRAIGHT_STEPS * step_km / _KM_PER_DEGREE).reshape(
        len(lonlat), len(minutes)
    )


class _Points(NamedTuple):
    """Road points that lead on, from south to north, and the minutes from them to a station."""

    lon: FloatArray
    lat: FloatArray
    minutes: FloatArray


class _Lattice(NamedTuple):
    """Places around a station: degrees of the south-western one, and between two of them."""

    lon: float
    lat: float
    west: float
    south: float
    lon_step: float
    lat_step: float
    num_lon: int
    num_lat: int

    @classmethod
    def around(
        cls,
        lon: float,
        lat: float,
        points: _Points,
        reached: NDArray[np.int64],
        reach_km: float,
        step_km: float,
    ) -> "_Lattice":
        """All places that join a point that is reached, and one more on each side."""
        east = np.append(degrees_east(lon, points.lon[reached]), 0.0)
        north = np.append(points.lat[reached], lat)
        margin_km = reach_km + step_km
        lat_margin = margin_km / _KM_PER_DEGREE
        south, top = float(north.min()) - lat_margin, float(north.max()) + lat_margin
        shrunk = math.cos(math.radians(min(max(abs(south), abs(top)), 89.0)))
        lon_margin = lat_margin / shrunk
        west, right = float(east.min()) - lon_margin, float(east.max()) + lon_margin
        lat_step = step_km / _KM_PER_DEGREE
        lon_step = lat_step / math.cos(math.radians(min(abs(lat), 89.0)))
        return cls(
            lon, lat, west, south, lon_step, lat_step,
            math.ceil((right - west) / lon_step) + 1, math.ceil((top - south) / lat_step) + 1,
        )  # fmt: skip

    def minutes(self, points: _Points, reach_km: float, min_per_km: float) -> FloatArray:
        """Minutes from each place to the station, shape (num_lat, num_lon); inf where unknown."""
        margin = reach_km / _KM_PER_DEGREE
        top = self.south + self.num_lat * self.lat_step
        first, last = np.searchsorted(points.lat, [self.south - margin, top + margin])
        nearby = (values[first:last] for values in points)
        by_road: FloatArray = _minutes_kernel(*self, *nearby, reach_km, min_per_km)
        east = self.west + self.lon_step * np.arange(self.num_lon)
        north = self.south + self.lat_step * np.arange(self.num_lat) - self.lat
        east_km = east * math.cos(math.radians(self.lat)) * _KM_PER_DEGREE
        straight_km = np.hypot(east_km, north[:, None] * _KM_PER_DEGREE)
        straight = np.where(straight_km <= reach_km, straight_km * min_per_km, np.inf)
        return np.asarray(np.minimum(by_road, straight))

    def degrees(self, outline: FloatArray) -> FloatArray:
        """Corners that are counted in steps."""
        origin = np.array([self.lon + self.west, self.south])
        return np.asarray(outline * np.array([self.lon_step, self.lat_step]) + origin)


class _Drawn(NamedTuple):
    """Outlines as plain numbers: corners and where rings begin by polygon, polygons by shape."""

    outlines: list[FloatArray]
    rings: list[NDArray[np.uint32]]
    num_polygons: list[int]

    def add(self, lattice: _Lattice, field: FloatArray, limits: Sequence[float]) -> None:
        """A shape per limit: where the minutes are within it."""
        lines = contour_generator(z=field, fill_type="OuterOffset")
        for limit in limits:
            outlines, rings = cast(_Filled, lines.filled(-1.0, limit))
            self.outlines.extend(map(lattice.degrees, outlines))
            self.rings.extend(rings)
            self.num_polygons.append(len(outlines))

    def shapes(self, tolerance: float) -> NDArray[np.object_]:
        """All shapes in the order they were added, None where nothing is left.

        Corners are left out where the outline moves by no more than the tolerance [degrees].
        """
        shapes = np.full(len(self.num_polygons), None, np.object_)
        if not self.outlines:
            return shapes
        num_corners = np.array([len(outline) for outline in self.outlines])
        begins = np.cumsum(num_corners) - num_corners
        num_rings = np.array([len(first) - 1 for first in self.rings])
        first_corner = np.concatenate(
            [first[:-1] + begin for first, begin in zip(self.rings, begins, strict=True)]
        )
        polygons = shapely.simplify(
            shapely.from_ragged_array(
                shapely.GeometryType.POLYGON,
                np.concatenate(self.outlines),
                (np.append(first_corner, num_corners.sum()), np.append(0, np.cumsum(num_rings))),
            ),
            tolerance,
            preserve_topology=False,
        )
        corners = shapely.get_coordinates(polygons).round(_DECIMALS)
        polygons = shapely.set_coordinates(polygons, corners)
        shape_idx = np.repeat(np.arange(len(shapes)), self.num_polygons)
        parts, part_of = _parts_with_area(polygons)
        touched = shapely.multipolygons(parts, indices=shape_idx[part_of], out=shapes.copy())
        # Simpler and rounded outlines may touch or cross.
        parts, part_of = _parts_with_area(np.asarray(shapely.make_valid(touched), np.object_))
        return np.asarray(shapely.multipolygons(parts, indices=part_of, out=shapes), np.object_)


def _parts_with_area(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Polygons that shapes consist of, and of which each is a part."""
    collections, shape_idx = shapely.get_parts(shapes, return_index=True)
    parts, collection_idx = shapely.get_parts(collections, return_index=True)
    kept = (shapely.get_dimensions(parts) == 2) & (shapely.area(parts) > 0)
    return parts[kept], shape_idx[collection_idx[kept]]


@njit(
    cache=True, nogil=True
)  # hundreds of road points times hundreds of places, for each of many stations
def _minutes_kernel(
    station_lon: float,
    station_lat: float,
    west: float,
    south: float,
    lon_step: float,
    lat_step: float,
    num_lon: int,
    num_lat: int,
    point_lon: FloatArray,
    point_lat: FloatArray,
    point_min: FloatArray,
    reach_km: float,
    min_per_km: float,
) -> FloatArray:
    """Minutes by place, by the nearest road point within reach; inf where there is none.

    Every point is first shown to the places close to it, and farther only where a place has none
    so close: among many streets hardly any.
    """
    near_km2 = np.full((num_lat, num_lon), reach_km * reach_km)
    minutes = np.full((num_lat, num_lon), np.inf)
    east = west + num_lon * lon_step
    lat_reach = reach_km / _KM_PER_DEGREE
    farthest = max(abs(south - lat_reach), abs(south + num_lat * lat_step + lat_reach))
    widest = lat_reach / max(math.cos(math.radians(farthest)), 1e-3)
    near_km = min(reach_km, _NEAR_STEPS * lat_step * _KM_PER_DEGREE)
    # Places without a point so near, summed from the south-western one on.
    without = np.zeros((num_lat + 1, num_lon + 1), np.int64)
    for radius_km in (near_km, reach_km):
        is_again = radius_km == reach_km
        for row in range(num_lat if is_again else 0):
            num_in_row = 0
            for column in range(num_lon):
                num_in_row += near_km2[row, column] >= near_km * near_km
                without[row + 1, column + 1] = without[row, column + 1] + num_in_row
        for number in range(len(point_lon)):
            lon = point_lon[number] - station_lon
            if abs(lon) > 180.0:
                lon -= math.copysign(360.0, lon)
            if lon < west - widest or lon > east + widest:
                continue
            lat, start_min = point_lat[number], point_min[number]
            lon_km = _KM_PER_DEGREE * max(math.cos(math.radians(lat)), 1e-3)
            half, half_lon = radius_km / _KM_PER_DEGREE, radius_km / lon_km
            first_row = max(0, math.ceil((lat - half - south) / lat_step))
            end_row = min(num_lat, math.floor((lat + half - south) / lat_step) + 1)
            first = max(0, math.ceil((lon - half_lon - west) / lon_step))
            end = min(num_lon, math.floor((lon + half_lon - west) / lon_step) + 1)
            if first_row >= end_row or first >= end:
                continue
            if is_again and (
                without[end_row, end] - without[first_row, end]
                == without[end_row, first] - without[first_row, first]
            ):
                continue
            for row in range(first_row, end_row):
                north_km = (south + row * lat_step - lat) * _KM_PER_DEGREE
                north_km2 = north_km * north_km
                km2_of, minutes_of = near_km2[row], minutes[row]
                for column in range(first, end):
                    east_km = (west + column * lon_step - lon) * lon_km
                    km2, nearest = north_km2 + east_km * east_km, km2_of[column]
                    found = minutes_of[column]
                    # Of points at one place the first to be reached counts. Without a branch, so
                    # that places are looked at several at a time.
                    is_nearer = (km2 < nearest) | ((km2 == nearest) & (start_min < found))
                    km2_of[column] = km2 if is_nearer else nearest
                    minutes_of[column] = start_min if is_nearer else found
    minutes += np.sqrt(near_km2) * min_per_km
    return minutes
