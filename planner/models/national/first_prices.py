"""The first prices of a nation: those of the relaxation without capacity and city limits.

A step of :mod:`planner.models.national.solve`.
"""

from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray
from planner.models.coverage.primal_dual import DualPoint, primal_dual
from planner.models.coverage.rows import CoverRows, merge_rows
from planner.models.coverage.search import greedy, plan_value, swap_tables
from planner.models.national.first_plan import cheapest_types, rounded_plans
from planner.models.national.parts import usable_sites
from planner.models.national.start import affordable_stations, share_by_zone
from planner.models.national.state import NationalSearch, at_prices
from planner.solving.compiling import work_s


def find_first_prices(search: NationalSearch) -> FloatArray:
    """Prices of the relaxation of the cities, with what claimants leave them at these prices.

    Parameters
    ----------
    search : NationalSearch
        Its prices are set, its plans added to.

    Returns
    -------
    float array, shape (num_sites,)
        How far the relaxation opens each site.
    """
    taken = np.zeros(len(search.resources.limit))
    if search.claimants:
        _relaxed_prices(search, taken, rough=True)
        prices = search.price_by_name(search.current)
        for claimant in search.claimants:
            demand = claimant.demand(prices)
            taken = taken + [demand.get(name, 0.0) for name in search.resources.names]
    opening = _relaxed_prices(search, taken)
    search.best = search.current
    return opening


def _relaxed_prices(
    search: NationalSearch, taken: FloatArray, *, rough: bool = False
) -> FloatArray:
    """Prices of the relaxation without capacity and city limits, in numbers of stations.

    Rough prices are what the last stations of the greedy plan add.
    """
    problem, resources = search.problem, search.resources
    coverage = problem.coverage
    usable = usable_sites(problem)
    fits = problem.capacity > 0
    least_use = np.where(fits, resources.use, np.inf).min(axis=2, initial=np.inf)
    affordable = [
        affordable_stations(least_use[r], problem.rules.forced, usable, bound)
        for r, bound in enumerate(np.maximum(resources.limit - taken, 0.0))
    ]
    scarcest = int(np.argmin(affordable))
    rules = replace(problem.rules.locks_and_most(), forbidden=~usable, most=affordable[scarcest])
    rows = merge_rows(replace(coverage, rules=rules))
    multiplier, price = rows.value, 0.0
    opening = problem.rules.forced.astype(np.float64)
    if rows.num_stations > 0 and rows.num_rows > 0:
        if rough:
            price = _last_gain(rows, search.tuning.last_frac)
        else:
            _offer_greedy(search, rows)
            point = _relaxation(search, rows)
            multiplier, price = point.multiplier, point.price
            opening[rows.site_idx] = point.opening
    elif rows.num_rows > 0:
        # No station is left: at this price nobody wants one.
        price = float(np.bincount(rows.sites_of_row.idx, minlength=1).max()) * float(
            rows.value.max()
        )
    search.share = share_by_zone(coverage, rows, multiplier / rows.value)
    prices = np.zeros(len(resources.limit))
    mean_use = float(least_use[scarcest][usable].mean()) if usable.any() else 1.0
    prices[scarcest] = price / mean_use if mean_use > 0 else 0.0
    border = search.parts.border_zone
    search.current = at_prices(search, prices, search.border_value * search.share[border])
    if not rough:
        for plan in rounded_plans(search, opening, cheapest_types(search, np.arange(len(opening)))):
            search.add(plan)
    search.report("bound", f"first prices from {affordable[scarcest]} stations")
    return opening


def _last_gain(rows: CoverRows, last_frac: float) -> float:
    """What each of the last stations of the greedy plan adds."""
    order = greedy(rows)
    num_last = max(1, round(last_frac * len(order)))
    values = [plan_value(rows, swap_tables(rows, some)) for some in (order[:-num_last], order)]
    return (values[1] - values[0]) / num_last if len(order) else 0.0


def _relaxation(search: NationalSearch, rows: CoverRows) -> DualPoint:
    """Multipliers near those of the linear relaxation."""
    began = work_s()
    limit_s = search.tuning.start_time_share * search.options.time_limit_s
    least, most = search.tuning.start_relaxation_gap
    close = min(max(search.tuning.start_gap_share * search.options.gap_frac, least), most)
    for point in primal_dual(rows):
        if not search.claimants:
            search.whole_bound = min(search.whole_bound, point.bound)
        if point.iterations % search.tuning.report_iterations == 0:
            search.report("bound", f"{point.iterations} primal-dual iterations")
        late = work_s() - began > limit_s and not search.options.deterministic
        if (
            point.relaxation_gap_frac <= close
            or point.iterations >= search.tuning.start_iterations
            or late
            or not search.may_go_on()
        ):
            break
    return point


def _offer_greedy(search: NationalSearch, rows: CoverRows) -> None:
    """Offer the greedy plan at the cheapest types if it keeps every limit."""
    forced = np.flatnonzero(search.problem.rules.forced)
    sites = np.union1d(forced, rows.site_idx[greedy(rows)])
    kind = cheapest_types(search, sites)
    within_cities = search.problem.rules.cities_or_one().allow(sites)
    claimed = search.chosen[len(search.parts.cities) :]
    used = search.resources.use[:, sites, kind].sum(axis=1) + sum(plan.use for plan in claimed)
    if within_cities and (used <= search.resources.limit).all():
        search.offer(sites, kind, claimed)
