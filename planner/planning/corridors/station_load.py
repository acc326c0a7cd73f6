"""Whether corridor stations can do the swaps of the trips that are said to drive.

Takes driven trips and the stations' capacities, gives overloads; apart from the model: no cover
sets, none of its code.

A vehicle that drives on as far as it can swaps at the last station it reaches. Where that fills no
station, all is well. Otherwise vehicles of a trip may swap at different stations: the trip's
busiest hour flows from stop to stop along every way between two stops that a pack lasts, round and
round, and the least sum of overloads over all such flows is found by a linear program.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from planner.arrays import FloatArray
from planner.errors import PlannerError
from planner.instance import Instance
from planner.planning.corridors.breaks import lay_round_trip
from planner.planning.corridors.drive import DrivenTrips, station_use
from planner.planning.corridors.problem import SEASONS

TOLERANCE = 1e-5
"""Share of a capacity, or of a swap an hour, by which sums of rounded shares may exceed it."""
REACH_ROUNDING = 2e-9
"""Share of a tour's energy by which a pack may fall short, as in `planner.network.driving`."""


class Overload(NamedTuple):
    """A station that is asked for more swaps an hour than it can do."""

    site: int
    season: str
    swaps_per_hour: float
    capacity_per_hour: float


class _Way(NamedTuple):
    """From a stop of a trip to a later one, counted on from the first lap."""

    start: int
    end: int


@dataclass(frozen=True)
class _Trip:
    """Ways between the stops of a trip, and the site where each ends, -1 for a city's station."""

    swaps_per_hour: float
    num_stops: int
    ways: list[_Way]
    site: list[int]


def overloads(instance: Instance, driven: DrivenTrips) -> list[Overload]:
    """Stations that cannot do what the driven trips need, however these spread their swaps.

    Parameters
    ----------
    instance : Instance
        For the scenario's busiest hour.
    driven : DrivenTrips
        With the shares of flows that a plan states.

    Returns
    -------
    list of Overload
        Empty if the capacities suffice.

    Raises
    ------
    PlannerError
        If the linear program fails.
    """
    scenario, capacity = instance.scenario, driven.inputs.roads.capacity
    busiest = scenario.corridors.holiday_factor * scenario.demand.peak_hour_frac
    greedy = station_use(driven)[0] * busiest
    found = []
    for season, name in enumerate(SEASONS):
        if (greedy[season] <= _allowed(capacity)).all():
            continue
        trips = list(_trips_of_season(instance, driven, season, busiest))
        load = _least_overloads(trips, capacity)
        found += [
            Overload(site, name, float(load[site]), float(capacity[site]))
            for site in np.flatnonzero(load > _allowed(capacity)).tolist()
        ]
    return found


def _allowed(capacity: FloatArray) -> FloatArray:
    return capacity + TOLERANCE * np.maximum(capacity, 1.0)


def _trips_of_season(
    instance: Instance, driven: DrivenTrips, season: int, busiest: float
) -> Iterator[_Trip]:
    labels = driven.inputs.labels
    swaps = driven.driven_frac * labels.vehicles_per_day * busiest
    for at in np.flatnonzero((swaps > 0) & (labels.season_idx == season)).tolist():
        trip = _trip(instance, driven, at, float(swaps[at]))
        if any(site >= 0 for site in trip.site):
            yield trip


def _trip(instance: Instance, driven: DrivenTrips, at: int, swaps_per_hour: float) -> _Trip:
    """All ways between two stops of a trip that a pack lasts."""
    settings, stops = instance.scenario.corridors, driven.stops
    roads, labels = driven.inputs.roads, driven.inputs.labels
    path, season = int(labels.path_idx[at]), int(labels.season_idx[at])
    profile = int(labels.profile_idx[at])
    lap = lay_round_trip(
        path, roads.paths, roads.energy.draw_kwh[season, profile],
        roads.energy.usable_kwh[season, profile], reserve_frac=settings.reserve_frac,
    )  # fmt: skip
    size = len(lap.node_idx)
    on_road, in_city = stops.on_road[lap.node_idx], stops.in_city[lap.node_idx]
    is_open, site = on_road | in_city, np.where(in_city, -1, roads.site_of_node[lap.node_idx])
    must, deficit_kwh = np.zeros(size, dtype=np.bool_), np.zeros(size)
    full_kwh = float(roads.energy.profiles["full_kwh"].iloc[profile])
    ends_in = (roads.paths.from_city_idx[path], roads.paths.to_city_idx[path])
    for stop, city in zip((0, lap.turn), ends_in, strict=True):
        must[stop] = stops.at_end[city]
        is_open[stop] = on_road[stop] or must[stop]
        site[stop] = -1 if must[stop] else roads.site_of_node[lap.node_idx[stop]]
        if must[stop] and not on_road[stop]:
            deficit_kwh[stop] = (1.0 - settings.start_frac) * full_kwh
    ways, ends = [], []
    limit_kwh = np.tile(lap.limit_kwh, 2) + REACH_ROUNDING * lap.draw_kwh.sum()
    draw_kwh = np.tile(lap.draw_kwh, 2)
    for start in np.flatnonzero(is_open).tolist():
        drawn = deficit_kwh[start] + np.cumsum(draw_kwh[start : start + size])
        short = np.flatnonzero(drawn > limit_kwh[start : start + size])
        farthest = start + (int(short[0]) if len(short) else size)
        for end in range(start + 1, farthest + 1):
            if is_open[end % size]:
                ways.append(_Way(start, end))
                ends.append(int(site[end % size]))
                if must[end % size]:
                    break
    return _Trip(swaps_per_hour, size, ways, ends)


def _least_overloads(trips: list[_Trip], capacity: FloatArray) -> FloatArray:
    """Load of each site [1/h] where the sum of overloads is least, shape (num_sites,)."""
    from scipy.optimize import linprog

    num_ways = sum(len(trip.ways) for trip in trips)
    site = np.array([each for trip in trips for each in trip.site], dtype=np.int64)
    entries: list[tuple[int, int, float]] = []  # row, column, coefficient
    right = list[float]()
    column = 0
    for trip in trips:
        stops = sorted({stop % trip.num_stops for way in trip.ways for stop in way})
        row_of = {stop: len(right) + place for place, stop in enumerate(stops)}
        round_row = len(right) + len(stops)
        for way in trip.ways:
            entries.append((row_of[way.start], column, 1.0))
            entries.append((row_of[way.end % trip.num_stops], column, -1.0))
            if way.end >= trip.num_stops:  # ends on the next lap: passes where the lap begins
                entries.append((round_row, column, 1.0))
            column += 1
        right += [0.0] * len(stops) + [trip.swaps_per_hour]
    sites, place = np.unique(site[site >= 0], return_inverse=True)
    row, col, value = (np.array(each) for each in zip(*entries, strict=True))
    flow = scipy.sparse.csr_matrix((value, (row, col)), shape=(len(right), num_ways + len(sites)))
    swaps = scipy.sparse.csr_matrix(
        (np.ones(len(place)), (place.ravel(), np.flatnonzero(site >= 0))),
        shape=(len(sites), num_ways),
    )
    minimize: Any = linprog  # SciPy's stubs know no sparse matrices here
    done = minimize(
        np.concatenate((np.zeros(num_ways), np.ones(len(sites)))),
        A_eq=flow, b_eq=np.array(right),
        A_ub=scipy.sparse.hstack([swaps, -scipy.sparse.identity(len(sites))]),
        b_ub=capacity[sites],
        method="highs",
    )  # fmt: skip
    if not done.success:
        raise PlannerError(f"the check of corridor capacities: {done.message}")
    load = np.zeros(len(capacity))
    load[sites] = swaps @ done.x[:num_ways]
    return load
