"""Capacitated facility location as a function on tables."""

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, Lists
from planner.location.covering import LocationResult
from planner.location.quantities import read_amounts, read_limit, read_pairs, read_site_limits
from planner.location.tables import FaultList, Places, Table, read_places, told_by_label
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.facility_location.solve import FacilityLocationSolution, solve_facility_location
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback


def facility_location(
    zones: Table,
    sites: Table,
    *,
    unit_costs: Any,
    demand: Any = "demand",
    capacity: Any = "capacity",
    fixed_cost: Any = "fixed_cost",
    single: bool = False,
    unserved_cost: float | None = None,
    min_stations: int = 0,
    max_stations: int | None = None,
    cities: Any = None,
    min_per_city: Any = None,
    max_per_city: Any = None,
    budget: float | None = None,
    existing: str | Iterable[Any] | None = None,
    forbidden: str | Iterable[Any] | None = None,
    gap_frac: float = 0.01,
    time_limit_s: float = 60.0,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> LocationResult:
    """Open stations that serve demand within their capacities at least total cost.

    Parameters
    ----------
    zones, sites : DataFrame, GeoDataFrame or array of shape (n, 2)
        As in `maximal_covering`; coordinates are not needed.
    unit_costs : DataFrame or matrix (zones x sites)
        Cost of serving one unit of demand, >= 0, for the pairs that are allowed: columns
        ``zone_id``, ``site_id`` and ``unit_cost``, or a matrix (missing: not allowed).
    demand : str, Series, array or number, default "demand"
        What is to be served of each zone, >= 0.
    capacity, fixed_cost : str, Series, array or number; or a list of those, one per type
        What a station of each type serves and costs at each site, >= 0.
    single : bool
        Whether one station alone must serve a zone.
    unserved_cost : float, optional
        Cost of each unit of demand that is left unserved, >= 0; without it all must be served.
    min_stations, max_stations : int
        Stations at least and at most, existing ones included.
    cities : str, Series or array, optional
        City of each site: a column, labels by site label, or labels in order.
    min_per_city, max_per_city : int, mapping or Series, optional
        Stations at least and at most in every city, or by city: cities that are not named have no
        limit. They go with ``cities``.
    budget : float, optional
        Limit of all fixed costs.
    existing, forbidden : str or iterable of labels, optional
        Sites open in every plan, and in none; a string names a boolean column of ``sites``.
    gap_frac, time_limit_s, seed, on_progress
        As in `maximal_covering`.

    Returns
    -------
    LocationResult
        ``objective`` is the sum of fixed and transport costs, and of unserved demand. ``stations``
        adds ``existing``, ``type`` (position in the lists), ``fixed_cost_paid`` and
        ``demand_assigned``; ``zones`` adds ``station`` (the one that serves most of it), ``share``
        (how much of it), ``unserved_share`` and ``unit_cost`` (mean of what is served).

    Raises
    ------
    InputError
        If tables or arguments cannot be used; names every fault with its labels.
    InfeasibleError
        If no plan serves the demand within the limits.
    NoPlanError
        If the time limit was reached before any plan was found.
    ValueError
        If ``gap_frac``, ``time_limit_s`` or ``seed`` is out of bounds.

    Notes
    -----
    Balinski 1965; the algebra stands in `planner.models.facility_location.solve`.

    Examples
    --------
    One large station, or two small ones that are nearer?

    >>> import numpy as np, pandas as pd
    >>> zones = pd.DataFrame({"demand": [30, 30]}, index=["north", "south"])
    >>> sites = pd.DataFrame(index=["A", "B"])
    >>> result = facility_location(
    ...     zones, sites, unit_costs=np.array([[0, 2], [2, 0]]),
    ...     capacity=[30, 60], fixed_cost=[50, 70],
    ... )
    >>> result.objective, result.stations["type"].to_list()
    (100.0, [0, 0])

    Is it worth serving the south at all?

    >>> result = facility_location(
    ...     zones, sites, unit_costs=np.array([[0, 2], [2, 0]]),
    ...     capacity=30, fixed_cost=[[50, 70]], unserved_cost=2,
    ... )
    >>> result.objective, result.zones["unserved_share"].to_list()
    (110.0, [0.0, 1.0])
    """
    started = time.monotonic()
    options = SolveOptions(gap_frac=gap_frac, time_limit_s=time_limit_s, seed=seed)
    faults = FaultList("facility_location")
    zone_places, site_places = (
        read_places(zones, "zones", faults),
        read_places(sites, "sites", faults),
    )
    zone_ptr, site_idx, costs = read_pairs(
        unit_costs, "unit_cost", zone_places, site_places, faults
    )
    demands = read_amounts(demand, "demand", zone_places, faults)
    room = _by_type(capacity, "capacity", site_places, faults)
    fixed = _by_type(fixed_cost, "fixed_cost", site_places, faults)
    if room.shape != fixed.shape:
        faults.add("capacity, fixed_cost", "", f"{room.shape[1]} and {fixed.shape[1]} types",
                   "one entry per station type in both")  # fmt: skip
    limits = read_site_limits(
        site_places, faults, existing=existing, forbidden=forbidden, min_stations=min_stations,
        max_stations=max_stations, budget=budget,
        by_city=(cities, min_per_city, max_per_city),
    )  # fmt: skip
    unserved = read_limit(unserved_cost, "unserved_cost", faults)
    faults.raise_if_any()
    problem = FacilityLocationProblem(
        demand=demands,
        sites=Lists(zone_ptr, site_idx),
        unit_cost=costs,
        capacity=room,
        rules=limits.rules(fixed),
        single=single,
        unserved_cost=unserved,
    )
    with told_by_label(problem.rules, site_places, zone_places):
        solution = solve_facility_location(problem, options, on_progress=on_progress)
    plan = solution.open_site_idx
    load = np.bincount(site_idx, weights=solution.amount, minlength=len(site_places))
    return LocationResult(
        status=solution.proof.status,
        objective=solution.proof.objective,
        bound=solution.proof.bound,
        gap_frac=solution.proof.gap_frac,
        wall_s=time.monotonic() - started,
        stations=site_places.frame.iloc[plan].assign(
            existing=limits.forced[plan],
            type=solution.type_idx,
            fixed_cost_paid=fixed[plan, solution.type_idx],
            demand_assigned=load[plan],
        ),
        zones=_zones(problem, solution, zone_places, site_places),
    )


def _by_type(amounts: Any, name: str, sites: Places, faults: FaultList) -> FloatArray:
    """Shape (num_sites, num_types): a list has one entry per type, anything else is one type."""
    each = amounts if isinstance(amounts, list | tuple) else [amounts]
    return np.column_stack([read_amounts(one, name, sites, faults) for one in each])


def _zones(
    problem: FacilityLocationProblem,
    solution: FacilityLocationSolution,
    zones: Places,
    sites: Places,
) -> Any:
    """Zones in their order, with their main station."""
    num_zones, amount = problem.num_zones, solution.amount
    zone = problem.sites.owner
    used = np.flatnonzero(amount > 0.0)
    order = used[np.lexsort((problem.sites.idx[used], -amount[used], zone[used]))]
    served, first = np.unique(zone[order], return_index=True)
    station, share = np.full(num_zones, -1), np.full(num_zones, np.nan)
    station[served] = problem.sites.idx[order[first]]
    share[served] = amount[order[first]] / problem.demand[served]
    paid = np.bincount(zone[used], problem.unit_cost[used] * amount[used], num_zones)
    total = np.bincount(zone[used], amount[used], num_zones)
    empty = np.full(num_zones, np.nan)
    return zones.frame.assign(
        station=pd.array(sites.labels).take(station, allow_fill=True),
        share=share,
        unserved_share=np.divide(
            solution.unserved, problem.demand, out=np.zeros(num_zones), where=problem.demand > 0
        ),
        unit_cost=np.divide(paid, total, out=empty, where=total > 0),
    )
