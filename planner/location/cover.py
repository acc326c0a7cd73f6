"""Set covering as a function on tables."""

import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from planner.arrays import Lists
from planner.location.covering import LocationResult
from planner.location.quantities import read_amounts, read_site_limits
from planner.location.tables import (
    FaultList,
    Table,
    read_places,
    read_points,
    read_reach,
    told_by_label,
)
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.solve import solve_set_cover
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback


def set_cover(
    zones: Table,
    sites: Table,
    *,
    reach: Any = None,
    max_distance_km: float | None = None,
    min_share: float = 1.0,
    value: Any = 1.0,
    need: Any = 1,
    site_cost: Any = 1.0,
    min_stations: int = 0,
    max_stations: int | None = None,
    cities: Any = None,
    min_per_city: Any = None,
    max_per_city: Any = None,
    budget: float | None = None,
    existing: str | Iterable[Any] | None = None,
    forbidden: str | Iterable[Any] | None = None,
    gap_frac: float = 0.0,
    time_limit_s: float = 60.0,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> LocationResult:
    """Cover all zones, or a share of their value, by stations of least cost.

    Parameters
    ----------
    zones, sites, reach, max_distance_km
        As in `maximal_covering`.
    min_share : float, default 1
        Share of all value to be covered, in [0, 1] (kept to 1e-8); 1 for every zone.
    value : str, Series, array or number, default 1
        What each zone counts for in that share, >= 0.
    need : str, Series, array or number, default 1
        Stations within reach that it takes to cover a zone, a whole number >= 0.
    site_cost : str, Series, array or number, default 1
        Cost of a station at each site, >= 0; 1 counts stations.
    min_stations, max_stations : int
        Stations at least and at most, existing ones included.
    cities : str, Series or array, optional
        City of each site: a column, labels by site label, or labels in order.
    min_per_city, max_per_city : int, mapping or Series, optional
        Stations at least and at most in every city, or by city: cities that are not named have no
        limit. They go with ``cities``.
    budget : float, optional
        Limit of the cost.
    existing, forbidden : str or iterable of labels, optional
        Sites open in every plan, and in none; a string names a boolean column of ``sites``.
    gap_frac, time_limit_s, seed, on_progress
        As in `maximal_covering`.

    Returns
    -------
    LocationResult
        ``objective`` is the cost of the stations, existing ones included. ``stations`` adds
        ``existing`` and ``zones_reached``; ``zones`` adds ``covered`` and ``stations_near``.

    Raises
    ------
    InputError
        If tables or arguments cannot be used; names every fault with its labels.
    InfeasibleError
        If no plan covers what is asked for within the limits.
    NoPlanError
        If the time limit was reached before any plan was found.
    ValueError
        If ``gap_frac``, ``time_limit_s`` or ``seed`` is out of bounds.

    Notes
    -----
    Toregas and others 1971; the algebra stands in `planner.models.set_cover.solve`.

    Examples
    --------
    Five villages along a road, 2 km apart: B and D reach everyone, C alone three fifths.

    >>> import pandas as pd
    >>> villages = pd.DataFrame(
    ...     {"lon": 116.0, "lat": [40.000, 40.018, 40.036, 40.054, 40.072]}, index=list("ABCDE")
    ... )
    >>> set_cover(villages, villages, max_distance_km=2.5).objective
    2.0
    >>> result = set_cover(villages, villages, max_distance_km=2.5, min_share=0.6)
    >>> result.objective, int(result.zones["covered"].sum())
    (1.0, 3)

    The same where two regions are each to hold a station:

    >>> result = set_cover(
    ...     villages, villages, max_distance_km=2.5, min_share=0.6, cities=list("NNNSS"),
    ...     min_per_city=1,
    ... )
    >>> result.objective
    2.0
    """
    started = time.monotonic()
    options = SolveOptions(gap_frac=gap_frac, time_limit_s=time_limit_s, seed=seed)
    faults = FaultList("set_cover")
    zone_places, site_places = (
        read_places(zones, "zones", faults),
        read_places(sites, "sites", faults),
    )
    by_distance = reach is None
    zone_points = read_points(zone_places, faults) if by_distance else None
    site_points = read_points(site_places, faults) if by_distance else None
    reach_ptr, reach_zone_idx = read_reach(
        reach, max_distance_km, (zone_places, zone_points), (site_places, site_points), faults
    )
    values = read_amounts(value, "value", zone_places, faults)
    needs = read_amounts(need, "need", zone_places, faults)
    if (needs % 1.0 != 0.0).any():
        faults.add("zones", "need", "", "whole numbers of stations")
    costs = read_amounts(site_cost, "site_cost", site_places, faults)
    if not 0.0 <= min_share <= 1.0:
        faults.add("min_share", "", min_share, "a share in [0, 1]")
    limits = read_site_limits(
        site_places, faults, existing=existing, forbidden=forbidden, min_stations=min_stations,
        max_stations=max_stations, budget=budget,
        by_city=(cities, min_per_city, max_per_city),
    )  # fmt: skip
    faults.raise_if_any()
    problem = SetCoverProblem(
        value=values,
        need=needs.astype(np.int64),
        reach=Lists(reach_ptr, reach_zone_idx),
        rules=limits.rules(costs),
        min_share=min_share,
    )
    with told_by_label(problem.rules, site_places, zone_places):
        solution = solve_set_cover(problem, options, on_progress=on_progress)
    plan = solution.open_site_idx
    is_open = np.zeros(len(site_places), dtype=np.bool_)
    is_open[plan] = True
    num_reached = np.diff(reach_ptr)
    near = np.bincount(reach_zone_idx[np.repeat(is_open, num_reached)], minlength=len(zone_places))
    return LocationResult(
        status=solution.proof.status,
        objective=solution.proof.objective,
        bound=solution.proof.bound,
        gap_frac=solution.proof.gap_frac,
        wall_s=time.monotonic() - started,
        stations=site_places.frame.iloc[plan].assign(
            existing=limits.forced[plan], zones_reached=num_reached[plan]
        ),
        zones=zone_places.frame.assign(covered=solution.covered, stations_near=near),
    )
