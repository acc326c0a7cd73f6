"""Round trips, many at once: from where each stretch is reached, and how vehicles drive.

`find_windows` tells where a trip needs a station (as `planner.physics.round_trip`, which has the
algebra, does for one trip); `drive_trips` drives trips on the stops that are open, without looking
at windows. A vehicle drives on as far as it can and swaps at the last open stop that it reaches:
the fewest swaps. In the city at either end it swaps always, if that has a station.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.network.intercity import TripPaths

WINDOW_ROUNDING = 1e-9
"""Share of two laps' energy by which sums along the road may differ from it."""
ROUNDING = 2e-9
"""Share of the tour's energy by which a pack may fall short: rounding of sums in another order."""


class Trips(NamedTuple):
    """Round trips to be driven, of shape (num_trips,) each.

    Attributes
    ----------
    path, season, profile : int arrays
        Way between two cities, season, and vehicle class with its pack.
    """

    path: IntArray
    season: IntArray
    profile: IntArray


class OpenStops(NamedTuple):
    """Where vehicles may swap.

    Attributes
    ----------
    on_road : bool array, shape (num_nodes,)
        Nodes that a corridor station serves.
    in_city : bool array, shape (num_nodes,)
        Nodes that a city's station serves on the way.
    at_end : bool array, shape (num_cities,)
        Cities in which a trip that begins or ends there can swap.
    """

    on_road: BoolArray
    in_city: BoolArray
    at_end: BoolArray


@dataclass(frozen=True)
class Legs:
    """Ways between two swaps, of all trips one after the other.

    Attributes
    ----------
    is_driven : bool array, shape (num_trips,)
        Whether the trip can be driven on these stops.
    ptr : int array, shape (num_trips + 1,)
        Legs of trip r are ``ptr[r]:ptr[r + 1]``; none if it cannot be driven.
    from_node, to_node : int arrays, shape (num_legs,)
    at_station : bool array, shape (num_legs,)
        Whether the swap at its end is at a corridor station, not in a city.
    length_km, drawn_kwh : float arrays, shape (num_legs,)
        DrivenTrips, and drawn from the pack.
    margin_kwh : float array, shape (num_legs,)
        Energy that could still be drawn, reserve apart, where that is least.
    tightest_segment : int array, shape (num_legs,)
        That place.
    """

    is_driven: BoolArray
    ptr: IntArray
    from_node: IntArray
    to_node: IntArray
    at_station: BoolArray
    length_km: FloatArray
    drawn_kwh: FloatArray
    margin_kwh: FloatArray
    tightest_segment: IntArray


@dataclass(frozen=True)
class Windows:
    """Runs of stops of which each trip needs one to be open, of all trips one after the other.

    Stops are counted on two laps of the round trip. What a city's station reaches needs none;
    runs that contain another are left out.

    Attributes
    ----------
    ptr : int array, shape (num_trips + 1,)
        Windows of trip r are ``ptr[r]:ptr[r + 1]``.
    first, last : int arrays, shape (num_windows,)
        The run's first and last stop.
    """

    ptr: IntArray
    first: IntArray
    last: IntArray


def find_windows(
    paths: TripPaths,
    draw_kwh: FloatArray,
    usable_kwh: FloatArray,
    full_kwh: FloatArray,
    stops: OpenStops,
    trips: Trips,
    *,
    start_frac: float,
    reserve_frac: float,
) -> Windows:
    """Find the windows of trips on the cities' stations alone.

    Parameters
    ----------
    paths, draw_kwh, usable_kwh, full_kwh, stops, trips, start_frac, reserve_frac
        As in `drive_trips`; corridor stations are not looked at.

    Returns
    -------
    Windows
    """
    road = _road(paths, draw_kwh, usable_kwh, (1.0 - start_frac) * full_kwh, 1.0 - reserve_frac)
    ptr = np.zeros(len(trips.path) + 1, dtype=np.int64)
    nothing = np.zeros(0, dtype=np.int64)
    _find_windows(trips, road, stops, False, ptr, nothing, nothing)
    ptr = np.cumsum(ptr)
    first, last = np.zeros(ptr[-1], dtype=np.int64), np.zeros(ptr[-1], dtype=np.int64)
    _find_windows(trips, road, stops, True, ptr, first, last)
    return Windows(ptr, first, last)


def drive_trips(
    paths: TripPaths,
    length_km: FloatArray,
    draw_kwh: FloatArray,
    usable_kwh: FloatArray,
    full_kwh: FloatArray,
    stops: OpenStops,
    trips: Trips,
    *,
    start_frac: float,
    reserve_frac: float,
) -> Legs:
    """Drive trips there and back.

    Parameters
    ----------
    paths : TripPaths
    length_km : float array, shape (num_segments,)
    draw_kwh, usable_kwh : float arrays, shape (num_seasons, num_profiles, num_segments)
        Energy that a segment takes, and that a full pack gives at its temperature.
    full_kwh : float array, shape (num_profiles,)
        Energy of the full pack at 25 C.
    stops : OpenStops
    trips : Trips
    start_frac, reserve_frac : float
        As in the scenario's section ``corridors``.

    Returns
    -------
    Legs
    """
    road = _road(paths, draw_kwh, usable_kwh, (1.0 - start_frac) * full_kwh, 1.0 - reserve_frac)
    num_trips = len(trips.path)
    is_driven = np.zeros(num_trips, dtype=np.bool_)
    ptr = np.zeros(num_trips + 1, dtype=np.int64)
    _drive(trips, road, length_km, stops, False, is_driven, ptr, _room_for(0))
    ptr = np.cumsum(ptr)
    legs = _room_for(int(ptr[-1]))
    _drive(trips, road, length_km, stops, True, is_driven, ptr, legs)
    return Legs(is_driven, ptr, *legs)


class _Road(NamedTuple):
    """Ways between cities with the energy along them, as `TripPaths` and `drive_trips` have them.

    ``missing_kwh`` of each profile is what lacks from a full pack in a city with a station,
    ``allowed_frac`` the share of the usable energy that may be drawn, ``most`` no less than the
    stops of any trip.
    """

    ptr: IntArray
    segment_idx: IntArray
    node_ptr: IntArray
    node_idx: IntArray
    from_city: IntArray
    to_city: IntArray
    draw_kwh: FloatArray
    usable_kwh: FloatArray
    missing_kwh: FloatArray
    allowed_frac: float
    most: int


def _road(
    paths: TripPaths,
    draw_kwh: FloatArray,
    usable_kwh: FloatArray,
    missing_kwh: FloatArray,
    allowed_frac: float,
) -> _Road:
    return _Road(
        paths.ptr, paths.segment_idx, paths.node_ptr, paths.node_idx, paths.from_city_idx,
        paths.to_city_idx, draw_kwh, usable_kwh, missing_kwh, allowed_frac,
        int(np.diff(paths.ptr).max(initial=0)) * 2 + 1,
    )  # fmt: skip


class _LegColumns(NamedTuple):
    """The columns of `Legs`, filled in place."""

    from_node: IntArray
    to_node: IntArray
    at_station: BoolArray
    length_km: FloatArray
    drawn_kwh: FloatArray
    margin_kwh: FloatArray
    tightest_segment: IntArray


def _room_for(num_legs: int) -> _LegColumns:
    return _LegColumns(
        np.zeros(num_legs, dtype=np.int64), np.zeros(num_legs, dtype=np.int64),
        np.zeros(num_legs, dtype=np.bool_), np.zeros(num_legs), np.zeros(num_legs),
        np.zeros(num_legs), np.zeros(num_legs, dtype=np.int64),
    )  # fmt: skip


@njit(cache=True)  # millions of short steps
def _drive(
    trips: Trips,
    road: _Road,
    length_km: FloatArray,
    stops: OpenStops,
    fill: bool,
    is_driven: BoolArray,
    leg_ptr: IntArray,
    columns: _LegColumns,
) -> None:
    """Count the legs of each trip into ``leg_ptr[trip + 1]``, or write them where that says."""
    path_of, season_of, profile_of = trips
    ptr, segment_idx, node_ptr, node_idx, from_city, to_city = road[:6]
    draw_kwh, usable_kwh, missing_kwh, allowed_frac, most = road[6:]
    on_road, in_city, at_end = stops
    leg_from, leg_to, leg_at_station, leg_km, leg_drawn, leg_margin, leg_tightest = columns
    nodes = np.empty(most, dtype=np.int64)
    segments = np.empty(most, dtype=np.int64)
    opened = np.empty(most, dtype=np.bool_)
    must = np.empty(most, dtype=np.bool_)
    deficit = np.empty(most)
    for trip in range(len(path_of)):
        if fill and not is_driven[trip]:
            continue
        path, season, profile = path_of[trip], season_of[trip], profile_of[trip]
        turn = ptr[path + 1] - ptr[path]
        size = 2 * turn
        tour_kwh = 0.0
        for at in range(turn):
            segments[at] = segment_idx[ptr[path] + at]
            segments[size - 1 - at] = segments[at]
            nodes[at] = node_idx[node_ptr[path] + at]
            nodes[(size - at) % size] = nodes[at]
            tour_kwh += 2.0 * draw_kwh[season, profile, segments[at]]
        nodes[turn] = node_idx[node_ptr[path] + turn]
        home = -1
        for at in range(size):
            opened[at] = on_road[nodes[at]] or in_city[nodes[at]]
            must[at] = False
            deficit[at] = 0.0
            if at == 0 or at == turn:
                city = from_city[path] if at == 0 else to_city[path]
                opened[at] = on_road[nodes[at]] or at_end[city]
                must[at] = at_end[city]
                if at_end[city] and not on_road[nodes[at]]:
                    deficit[at] = missing_kwh[profile]
            # From a full pack on, if one is to be had anywhere: the tour goes round for ever.
            if opened[at] and (home < 0 or (deficit[home] > 0.0 and deficit[at] == 0.0)):
                home = at
        legs, stranded = 0, home < 0 and size > 0
        here, lacking = home, deficit[home] if home >= 0 else 0.0
        while home >= 0 and here < home + size:
            drawn, km, drawn_end, km_end = lacking, 0.0, 0.0, 0.0
            margin, margin_end, tightest, tightest_end = np.inf, np.inf, -1, -1
            end = -1
            at = here
            while at < home + size:
                segment = segments[at % size]
                drawn += draw_kwh[season, profile, segment]
                left = allowed_frac * usable_kwh[season, profile, segment] - drawn
                if left < -ROUNDING * tour_kwh:
                    break
                km += length_km[segment]
                if left < margin:
                    margin, tightest = left, segment
                at += 1
                if opened[at % size]:
                    end, drawn_end, km_end = at, drawn, km
                    margin_end, tightest_end = margin, tightest
                    if must[at % size]:
                        break
            if end < 0:
                stranded = True
                break
            if fill:
                leg = leg_ptr[trip] + legs
                last = nodes[end % size]
                leg_from[leg], leg_to[leg] = nodes[here % size], last
                is_end = end % size == 0 or end % size == turn
                leg_at_station[leg] = not must[end % size] and (is_end or not in_city[last])
                leg_km[leg], leg_drawn[leg] = km_end, drawn_end - lacking
                leg_margin[leg], leg_tightest[leg] = margin_end, tightest_end
            legs += 1
            # Who arrives with more than is given at the trip's end leaves with it.
            here, lacking = end, min(deficit[end % size], drawn_end)
        if not fill:
            is_driven[trip] = not stranded
            leg_ptr[trip + 1] = 0 if stranded else legs


@njit(cache=True)  # as _drive
def _find_windows(
    trips: Trips,
    road: _Road,
    stops: OpenStops,
    fill: bool,
    window_ptr: IntArray,
    window_first: IntArray,
    window_last: IntArray,
) -> None:
    """Count the windows of each trip into ``window_ptr[trip + 1]``, or write them."""
    path_of, season_of, profile_of = trips
    ptr, segment_idx, node_ptr, node_idx, from_city, to_city = road[:6]
    draw_kwh, usable_kwh, missing_kwh, allowed_frac, most = road[6:]
    in_city, at_end = stops.in_city, stops.at_end
    drawn = np.zeros(2 * most + 1)
    passed = np.zeros(2 * most + 1, dtype=np.int64)
    limit = np.empty(most)
    for trip in range(len(path_of)):
        path, season, profile = path_of[trip], season_of[trip], profile_of[trip]
        turn = ptr[path + 1] - ptr[path]
        size = 2 * turn
        for at in range(2 * size):
            stop = at % size
            there = stop if stop < turn else size - 1 - stop
            segment = segment_idx[ptr[path] + there]
            node = node_idx[node_ptr[path] + (stop if stop <= turn else size - stop)]
            is_open = in_city[node] and stop != 0 and stop != turn
            drawn[at + 1] = drawn[at] + draw_kwh[season, profile, segment]
            passed[at + 1] = passed[at] + (1 if is_open else 0)
            if at < size:
                limit[at] = allowed_frac * usable_kwh[season, profile, segment]
        slack = WINDOW_ROUNDING * drawn[2 * size]
        latest, count = -1, 0
        for arc in range(size, 2 * size):
            target = drawn[arc + 1] - limit[arc - size] - slack
            first = max(np.searchsorted(drawn[: 2 * size], target), arc - size + 1)
            reached = passed[arc + 1] > passed[first]
            allowed = max(limit[arc - size] - missing_kwh[profile], 0.0)
            from_end = max(
                np.searchsorted(drawn[: 2 * size], drawn[arc + 1] - allowed - slack), arc - size + 1
            )
            for lap in range(2):
                if at_end[from_city[path]] and from_end <= lap * size <= arc:
                    reached = True
                if at_end[to_city[path]] and from_end <= lap * size + turn <= arc:
                    reached = True
            if not reached and first > latest:
                if fill:
                    window_first[window_ptr[trip] + count] = first
                    window_last[window_ptr[trip] + count] = arc
                latest = first
                count += 1
        if not fill:
            window_ptr[trip + 1] = count
