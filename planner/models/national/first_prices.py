"""The first prices of a nation: those of the relaxation without capacity and city limits.

A step of :mod:`planner.models.national.solve`.
"""

import time
from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray
from planner.models.coverage.primal_dual import DualPoint, primal_dual
from planner.models.coverage.rows import CoverRows, merge_rows
from planner.models.coverage.search import greedy, plan_value, swap_tables
from planner.models.national.parts import usable_sites
from planner.models.national.start import affordable_stations, share_by_zone
from planner.models.national.state import NationalSearch, at_prices

START_RELAXATION_GAP = 3e-5
"""The first multipliers are good enough when their bound is this close to the relaxation's."""

START_ITERATIONS = 1_500

REPORT_ITERATIONS = 200

LAST_FRAC = 0.02
"""Share of the greedy plan's stations that tell a rough price."""

START_TIME_SHARE = 0.25
"""And when they have taken this share of the time limit."""


def find_first_prices(search: NationalSearch) -> None:
    """Prices of the relaxation of the cities, with what claimants leave them at these prices."""
    taken = np.zeros(len(search.resources.limit))
    if search.claimants:
        _relaxed_prices(search, taken, rough=True)
        asked = search.price_by_name(search.now)
        for claimant in search.claimants:
            demand = claimant.demand(asked)
            taken = taken + [demand.get(name, 0.0) for name in search.resources.names]
    _relaxed_prices(search, taken)
    search.best = search.now


def _relaxed_prices(search: NationalSearch, taken: FloatArray, *, rough: bool = False) -> None:
    """Prices of the relaxation without capacity and city limits, in numbers of stations.

    Rough prices are what the last stations of the greedy plan add.
    """
    problem, resources = search.problem, search.resources
    coverage = problem.coverage
    usable = usable_sites(problem)
    fits = problem.capacity > 0
    least_use = np.where(fits, resources.use, np.inf).min(axis=2, initial=np.inf)
    affordable = [
        affordable_stations(least_use[r], coverage.forced, usable, bound)
        for r, bound in enumerate(np.maximum(resources.limit - taken, 0.0))
    ]
    scarcest = int(np.argmin(affordable))
    rows = merge_rows(replace(coverage, forbidden=~usable, num_stations=affordable[scarcest]))
    multiplier, price = rows.value, 0.0
    if rows.num_stations > 0 and rows.num_rows > 0:
        if rough:
            price = _last_gain(rows)
        else:
            _offer_greedy(search, rows)
            point = _relaxation(search, rows)
            multiplier, price = point.multiplier, point.price
    elif rows.num_rows > 0:
        # No station is left: at this price nobody wants one.
        price = float(np.bincount(rows.row_site, minlength=1).max()) * float(rows.value.max())
    search.share = share_by_zone(coverage, rows, multiplier / rows.value)
    prices = np.zeros(len(resources.limit))
    mean_use = float(least_use[scarcest][usable].mean()) if usable.any() else 1.0
    prices[scarcest] = price / mean_use if mean_use > 0 else 0.0
    border = search.parts.border_zone
    search.now = at_prices(search, prices, search.border_value * search.share[border])
    search.report("bound", f"first prices from {affordable[scarcest]} stations")


def _last_gain(rows: CoverRows) -> float:
    """What each of the last stations of the greedy plan adds."""
    order = greedy(rows)
    num_last = max(1, round(LAST_FRAC * len(order)))
    values = [plan_value(rows, swap_tables(rows, some)) for some in (order[:-num_last], order)]
    return (values[1] - values[0]) / num_last if len(order) else 0.0


def _relaxation(search: NationalSearch, rows: CoverRows) -> DualPoint:
    """Multipliers near those of the linear relaxation."""
    began = time.monotonic()
    limit_s = START_TIME_SHARE * search.options.time_limit_s
    for point in primal_dual(rows):
        if not search.claimants:
            search.whole_bound = min(search.whole_bound, point.bound)
        if point.iterations % REPORT_ITERATIONS == 0:
            search.report("bound", f"{point.iterations} primal-dual iterations")
        late = time.monotonic() - began > limit_s and not search.options.deterministic
        if (
            point.relaxation_gap_frac <= START_RELAXATION_GAP
            or point.iterations >= START_ITERATIONS
            or late
            or not search.may_go_on()
        ):
            break
    return point


def _offer_greedy(search: NationalSearch, rows: CoverRows) -> None:
    """Offer the greedy plan at the cheapest types if it keeps every limit."""
    problem, resources = search.problem, search.resources
    forced = np.flatnonzero(problem.coverage.forced)
    sites = np.union1d(forced, rows.site_idx[greedy(rows)])
    total = resources.use.sum(axis=0)
    if len(resources.limit) == 1:
        kind = np.argmax(problem.capacity[sites], axis=1)
    else:
        kind = np.where(problem.capacity > 0, total / total.max(initial=1.0), np.inf)[sites].argmin(
            axis=1
        )
    number = np.bincount(problem.coverage.city_idx[sites], minlength=len(problem.min_stations))
    within_cities = (number >= problem.min_stations) & (number <= problem.max_stations)
    claimed = search.chosen[len(search.parts.cities) :]
    used = resources.use[:, sites, kind].sum(axis=1) + sum(plan.use for plan in claimed)
    if within_cities.all() and (used <= resources.limit).all():
        search.offer(sites, kind, claimed)
