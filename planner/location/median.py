"""The p-median problem as a function on tables."""

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from planner.location.covering import LocationResult
from planner.location.quantities import read_amounts, read_distances, read_site_limits
from planner.location.tables import FaultList, Table, read_places, read_points, told_by_label
from planner.models.p_median.problem import PMedianProblem
from planner.models.p_median.solve import solve_p_median
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback


def p_median(
    zones: Table,
    sites: Table,
    *,
    distances: Any = None,
    unserved: float | None = None,
    num_stations: int,
    min_stations: int = 0,
    weight: Any = "weight",
    site_cost: Any = 0.0,
    budget: float | None = None,
    cities: Any = None,
    min_per_city: Any = None,
    max_per_city: Any = None,
    existing: str | Iterable[Any] | None = None,
    forbidden: str | Iterable[Any] | None = None,
    gap_frac: float = 0.01,
    time_limit_s: float = 60.0,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> LocationResult:
    """Place at most ``num_stations`` so that zones are, on average, near their nearest one.

    Least weighted sum of distances. Capacities are not modelled: see `facility_location`.

    Parameters
    ----------
    zones, sites : DataFrame, GeoDataFrame or array of shape (n, 2)
        As in `maximal_covering`.
    distances : DataFrame or matrix (zones x sites), optional
        Distance, time or cost of pairs, >= 0: columns ``zone_id``, ``site_id`` and ``distance``,
        or a matrix. Otherwise distances are measured between points [km], never all at once.
    unserved : float, optional
        Needed with ``distances``: what counts for a zone none of whose pairs is open, no less
        than any distance.
    num_stations, min_stations : int
        Stations at most and at least, existing ones included, >= 0.
    weight : str, Series, array or number, default "weight"
        Weight of each zone, >= 0.
    site_cost : str, Series, array or number, default 0
        Money for a station at each site, >= 0.
    budget : float, optional
        Money for all stations, existing ones included.
    cities : str, Series or array, optional
        City of each site: a column of ``sites``, or labels. Needed with limits by city.
    min_per_city, max_per_city : int, mapping or Series, optional
        Stations at least and at most of every city, or by city (others have no limit), existing
        ones included.
    existing, forbidden : str or iterable of labels, optional
        Sites open in every plan, and in none; a string names a boolean column of ``sites``.
    gap_frac, time_limit_s, seed, on_progress
        As in `maximal_covering`.

    Returns
    -------
    LocationResult
        ``objective`` is the weighted sum of distances. ``stations`` adds ``existing`` and
        ``weight_assigned``; ``zones`` adds ``station`` (label of the nearest one) and
        ``distance`` (``unserved`` where there is none; infinite between points if nothing is open,
        which takes that nothing has a weight).

    Raises
    ------
    InputError
        If tables or arguments cannot be used; names every fault with its labels.
    InfeasibleError
        If locks, numbers, limits by city and budget allow no plan.
    ValueError
        If ``gap_frac``, ``time_limit_s`` or ``seed`` is out of bounds.

    Notes
    -----
    Hakimi 1964; the algebra stands in `planner.models.p_median.solve`.

    Examples
    --------
    Five villages along a road, 2 km apart, most people at B and D: one station is best between.

    >>> import pandas as pd
    >>> villages = pd.DataFrame(
    ...     {
    ...         "lon": [116.0, 116.0, 116.0, 116.0, 116.0],
    ...         "lat": [40.000, 40.018, 40.036, 40.054, 40.072],
    ...         "weight": [10, 30, 20, 30, 10],
    ...     },
    ...     index=list("ABCDE"),
    ... )
    >>> result = p_median(villages, villages, num_stations=1, gap_frac=0.0)
    >>> result.status.value, round(result.objective, 1), result.stations.index.to_list()
    ('OPTIMAL', 200.2, ['C'])
    """
    started = time.monotonic()
    options = SolveOptions(gap_frac=gap_frac, time_limit_s=time_limit_s, seed=seed)
    faults = FaultList("p_median")
    zone_places, site_places = (
        read_places(zones, "zones", faults),
        read_places(sites, "sites", faults),
    )
    use_points = distances is None
    zone_points = read_points(zone_places, faults) if use_points else None
    site_points = read_points(site_places, faults) if use_points else None
    measured = read_distances(
        distances, unserved, (zone_places, zone_points), (site_places, site_points), faults
    )
    weights = read_amounts(weight, "weight", zone_places, faults)
    costs = read_amounts(site_cost, "site_cost", site_places, faults)
    limits = read_site_limits(
        site_places, faults, existing=existing, forbidden=forbidden, min_stations=min_stations,
        max_stations=num_stations, most_name="num_stations", budget=budget,
        by_city=(cities, min_per_city, max_per_city),
    )  # fmt: skip
    faults.raise_if_any()
    assert measured is not None
    problem = PMedianProblem(
        weight=weights,
        distances=measured,
        rules=limits.rules(costs),
    )
    with told_by_label(problem.rules, site_places, zone_places):
        solution = solve_p_median(problem, options, on_progress=on_progress)
    assigned = np.bincount(
        solution.zone_site_idx + 1, weights=weights, minlength=len(site_places) + 1
    )[1:]
    plan = solution.open_site_idx
    return LocationResult(
        status=solution.proof.status,
        objective=solution.proof.objective,
        bound=solution.proof.bound,
        gap_frac=solution.proof.gap_frac,
        wall_s=time.monotonic() - started,
        stations=site_places.frame.iloc[plan].assign(
            existing=limits.forced[plan], weight_assigned=assigned[plan]
        ),
        zones=zone_places.frame.assign(
            station=pd.array(site_places.labels).take(solution.zone_site_idx, allow_fill=True),
            distance=solution.zone_distance,
        ),
    )
