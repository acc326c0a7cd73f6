"""Maximal covering as a function on tables."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray, Lists
from planner.location.points import Points, distance_km
from planner.location.quantities import read_amounts, read_city_limits, read_count
from planner.location.tables import (
    FaultList,
    Places,
    Table,
    read_locks,
    read_places,
    read_points,
    read_reach,
    told_by_label,
)
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.solve import solve_coverage
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.solve import solve_sized_coverage
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback
from planner.solving.rules import CityLimits, SiteRules
from planner.solving.status import Status


@dataclass(frozen=True)
class LocationResult:
    """Which sites get a station, what that serves, and how good it provably is.

    Attributes
    ----------
    status : Status
        OPTIMAL if the bound proves the plan the best, FEASIBLE otherwise.
    objective : float
        What the plan is worth, or costs where less is better.
    bound : float
        No plan is worth more, or costs less.
    gap_frac : float
        The difference of the two as a share of the bound.
    wall_s : float
        Seconds taken, reading of the tables included.
    stations : DataFrame or GeoDataFrame
        Rows of the sites that hold a station, in their order, with what each one serves.
    zones : DataFrame or GeoDataFrame
        All zones in their order, with what serves them.
    """

    status: Status
    objective: float
    bound: float
    gap_frac: float
    wall_s: float
    stations: Any
    zones: Any


def maximal_covering(
    zones: Table,
    sites: Table,
    *,
    reach: Any = None,
    max_distance_km: float | None = None,
    num_stations: int,
    cities: Any = None,
    min_per_city: Any = None,
    max_per_city: Any = None,
    value: Any = "value",
    existing: str | Iterable[Any] | None = None,
    forbidden: str | Iterable[Any] | None = None,
    gap_frac: float = 0.01,
    time_limit_s: float = 60.0,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> LocationResult:
    """Place at most ``num_stations`` so that the zones within reach of one are worth most.

    A zone counts in full once one station reaches it. Capacities, costs and travel beyond "within
    reach" are not modelled.

    Parameters
    ----------
    zones, sites : DataFrame, GeoDataFrame or array of shape (n, 2)
        Labels are the column ``zone_id`` (``site_id``) if there is one, else the index; an array
        of longitudes and latitudes is labelled 0, 1, ... Places are columns ``lon`` and ``lat``
        [degrees] or point geometry: degrees are measured along the great circle, a projected
        reference in metres as a plane.
    reach : DataFrame or sparse matrix, optional
        Pairs of labels (columns ``zone_id`` and ``site_id``, or ``zone`` and ``site``), or a
        matrix zones x sites that is not zero where the site reaches the zone.
    max_distance_km : float, optional
        Instead of ``reach``: the distance that still counts [km], >= 0.
    num_stations : int
        Stations at most, existing ones included, >= 0.
    cities : str, Series or array, optional
        City of each site: a column, labels by site label, or labels in order.
    min_per_city, max_per_city : int, mapping or Series, optional
        Stations at least and at most in every city, or by city: cities that are not named have no
        limit. They go with ``cities``.
    value : str, Series or array, default "value"
        What covering each zone is worth, >= 0: a column of ``zones``, a Series with the zones'
        labels, or an array in their order.
    existing, forbidden : str or iterable of labels, optional
        Sites open in every plan, and in none; a string names a boolean column of ``sites``.
    gap_frac : float, default 0.01
        Stop at this proven gap, in [0, 1].
    time_limit_s : float, default 60
        Limit of the search [s], > 0.
    seed : int, default 0
        Seed of the search.
    on_progress : callable, optional
        Told of every step, with incumbent and bound.

    Returns
    -------
    LocationResult
        ``stations`` adds to the rows of ``sites``: ``existing``, ``value_reached`` (all zones
        within reach), ``value_alone`` (zones that no other station reaches) and
        ``value_assigned`` (zones assigned to it). ``zones`` adds ``covered``, ``station`` (label
        of the nearest station that reaches it; the first in the order of sites where coordinates
        are missing) and, with coordinates, ``distance_km`` to it.

    Raises
    ------
    InputError
        If labels, coordinates, values or pairs cannot be used; names every fault with its labels.
    InfeasibleError
        If more sites are existing, or needed by the cities, than there are stations, or if a
        city's limits cannot be kept.
    ValueError
        If ``gap_frac``, ``time_limit_s`` or ``seed`` is out of bounds.

    Notes
    -----
    Church and ReVelle 1974; the algebra stands in `planner.models.coverage.solve`.

    Examples
    --------
    Five villages along a road, 2 km apart; one station within 2.5 km of most people: at C it
    reaches B, C and D.

    >>> import pandas as pd
    >>> villages = pd.DataFrame(
    ...     {
    ...         "lon": [116.0, 116.0, 116.0, 116.0, 116.0],
    ...         "lat": [40.000, 40.018, 40.036, 40.054, 40.072],
    ...         "value": [10, 30, 20, 30, 10],
    ...     },
    ...     index=list("ABCDE"),
    ... )
    >>> result = maximal_covering(villages, villages, max_distance_km=2.5, num_stations=1)
    >>> result.status.value, result.objective, result.stations.index.to_list()
    ('OPTIMAL', 80.0, ['C'])
    >>> result.zones["covered"].to_list()
    [False, True, True, True, False]
    """
    started = time.monotonic()
    options = SolveOptions(gap_frac=gap_frac, time_limit_s=time_limit_s, seed=seed)
    faults = FaultList("maximal_covering")
    zone_places, site_places = (
        read_places(zones, "zones", faults),
        read_places(sites, "sites", faults),
    )
    zone_points, site_points = read_points(zone_places, faults), read_points(site_places, faults)
    weights = read_amounts(value, "value", zone_places, faults)
    forced, never = read_locks(existing, forbidden, site_places, faults)
    most = read_count(num_stations, "num_stations", faults)
    reach_ptr, reach_zone_idx = read_reach(
        reach, max_distance_km, (zone_places, zone_points), (site_places, site_points), faults
    )
    by_city = read_city_limits(cities, min_per_city, max_per_city, site_places, faults)
    faults.raise_if_any()
    rules = replace(SiteRules.free(len(site_places), most), forced=forced, forbidden=never)
    problem = CoverageProblem(weights, Lists(reach_ptr, reach_zone_idx), rules)
    with told_by_label(replace(rules, cities=by_city), site_places, zone_places):
        solution = (
            solve_coverage(problem, options, on_progress=on_progress)
            if by_city is None
            else solve_sized_coverage(_one_size(problem, by_city), options, on_progress=on_progress)
        )
    measurable = (
        (zone_points, site_points)
        if zone_points is not None
        and site_points is not None
        and zone_points.plane == site_points.plane
        else None
    )
    stations, covered = _tables(
        problem, solution.open_site_idx, zone_places, site_places, measurable
    )
    return LocationResult(
        status=solution.proof.status,
        objective=solution.proof.objective,
        bound=solution.proof.bound,
        gap_frac=solution.proof.gap_frac,
        wall_s=time.monotonic() - started,
        stations=stations,
        zones=covered,
    )


def _one_size(problem: CoverageProblem, cities: CityLimits) -> SizedCoverageProblem:
    """The same with limits by city: one station type that costs nothing and is never full."""
    each = np.ones((problem.num_sites, 1))
    rules = replace(problem.rules, cost=np.zeros_like(each), cities=cities)
    return SizedCoverageProblem(
        replace(problem, rules=rules), load=np.zeros(problem.num_zones), capacity=each
    )


def _tables(
    problem: CoverageProblem,
    open_site_idx: IntArray,
    zones: Places,
    sites: Places,
    points: tuple[Points, Points] | None,
) -> tuple[Any, Any]:
    """Stations and zones of the result, in the order and with the columns of the input."""
    is_open = np.zeros(problem.num_sites, dtype=np.bool_)
    is_open[open_site_idx] = True
    pair_site = np.repeat(open_site_idx, problem.reach.sizes[open_site_idx])
    pair_zone = problem.reach.entries_of(is_open).astype(np.int64)
    pair_km = (
        distance_km(points[0], pair_zone, points[1], pair_site)
        if points
        else np.zeros(len(pair_zone))
    )
    order = np.lexsort((pair_site, pair_km, pair_zone))
    covered_idx, first = np.unique(pair_zone[order], return_index=True)
    nearest = order[first]
    station_of = np.full(problem.num_zones, -1)
    station_of[covered_idx] = pair_site[nearest]
    num_stations_near = np.bincount(pair_zone, minlength=problem.num_zones)

    def sum_by_site(site: IntArray, zone: IntArray) -> FloatArray:
        total = np.bincount(site, weights=problem.value[zone], minlength=problem.num_sites)
        return np.asarray(total[open_site_idx], dtype=np.float64)

    alone = num_stations_near[pair_zone] == 1
    stations = sites.frame.iloc[open_site_idx].assign(
        existing=problem.rules.forced[open_site_idx],
        value_reached=sum_by_site(pair_site, pair_zone),
        value_alone=sum_by_site(pair_site[alone], pair_zone[alone]),
        value_assigned=sum_by_site(pair_site[nearest], covered_idx),
    )
    covered = zones.frame.assign(
        covered=station_of >= 0,
        station=pd.array(sites.labels).take(station_of, allow_fill=True),
    )
    if points is not None:
        zone_km = np.full(problem.num_zones, np.nan)
        zone_km[covered_idx] = pair_km[nearest]
        covered = covered.assign(distance_km=zone_km)
    return stations, covered
