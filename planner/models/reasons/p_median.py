"""What each station of a p-median plan is worth, and what each closed site would take.

With the cost V of a plan and r_j, f_k of `planner.models.reasons.result`, upper ends are the best
exchange (`planner.models.reasons.p_median_moves`) and what follows it nearby, lower ends come from
multipliers (`planner.models.reasons.p_median_low`).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import FloatArray, IntArray, Lists
from planner.errors import InfeasibleError
from planner.models.p_median.dual import (
    MedianDual,
    Openings,
    first_dual,
    improve_dual,
    median_bound,
)
from planner.models.p_median.near_sites import NearSites, near_sites
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.models.p_median.search import Zones, exchange_pass, listed_cost, nearest_tables
from planner.models.p_median.solve import PMedianSolution, solve_p_median
from planner.models.p_median.start import plan_step
from planner.models.p_median.state import p_median_cost
from planner.models.reasons.allotted import Allotted
from planner.models.reasons.p_median_low import lower_ends, station_price
from planner.models.reasons.p_median_moves import Offers, best_exchanges, follow_exchanges
from planner.models.reasons.parts import (
    Parts,
    changed_locks,
    linked_parts,
    masked,
    rules_inside,
)
from planner.models.reasons.result import Interval, SiteReasons, Stations
from planner.solving.best_sites import best_sites
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.rules import SiteRules

ROUNDING_FRAC = 1e-10
"""Of a plan's cost: what is less is rounding."""
DUAL_SHARE = 0.4
"""Of the time, for the multipliers."""
DUAL_STEPS, MOST_DUAL_BLOCKS, LEAST_DUAL_STEP = 50, 40, 1e-4
"""Steps between two looks at the clock, blocks of them, and Polyak's factor at the end."""
WHOLE_PAIRS = 100_000
"""Up to so many the whole is solved anew, whatever its parts: a proof takes seconds."""
SITES_AT_ONCE = 64
"""Sites whose exchanges are followed between two looks at the clock."""


@dataclass(frozen=True)
class _Median:
    """A problem on the sites that may open, by their positions in ``sites``."""

    problem: PMedianProblem
    sites: IntArray
    near: NearSites
    openings: Openings

    @property
    def weight(self) -> FloatArray:
        return self.problem.weight

    def positions(self, site_idx: IntArray) -> IntArray:
        return np.searchsorted(self.sites, site_idx)


def _prepared(problem: PMedianProblem) -> _Median:
    distances, rules = problem.distances, problem.rules
    if not isinstance(distances, PairDistances):
        raise TypeError("pairs are needed, not points")
    sites = np.flatnonzero(rules.usable)
    return _Median(
        problem,
        sites,
        near_sites(distances, sites, np.ones(problem.num_zones, np.int64)),
        Openings(
            forced=rules.forced[sites],
            min_open=rules.least,
            max_open=rules.most,
            cost=rules.cost[sites],
            budget=rules.most_cost,
            cities=None if rules.cities is None else rules.cities.of_sites(sites),
        ),
    )


def p_median_reasons(
    problem: PMedianProblem,
    open_site_idx: IntArray,
    options: SolveOptions,
    *,
    stop: StopRequest | None = None,
) -> SiteReasons:
    """Replacement cost of every station and force-in cost of every closed site.

    Parameters
    ----------
    problem : PMedianProblem
        With pairs.
    open_site_idx : int array
        A plan that keeps the rules, ascending.
    options : SolveOptions
        Its time is kept to by looking less far; what is told is right all the same.
    stop : StopRequest, optional

    Returns
    -------
    SiteReasons
        In weighted distance. ``moved`` is what of the loss by closing the station alone the plan
        found without it spares.
    """
    allotted = Allotted(options, stop)
    median = _prepared(problem)
    weight, near = median.weight, median.near
    state = nearest_tables(weight, near, median.positions(open_site_idx))
    tolerance = ROUNDING_FRAC * max(listed_cost(weight, state), 1e-300)
    rng, applied = np.random.default_rng(options.seed), 0
    while allotted.allows(DUAL_SHARE) and (
        moves := exchange_pass(weight, near, median.openings, state, rng)
    ):
        applied += moves
    dual = _multipliers(median, np.flatnonzero(state.is_open), allotted, DUAL_SHARE)
    while True:
        state = nearest_tables(weight, near, np.flatnonzero(state.is_open))
        zones = Zones(weight, near, state)
        offers = best_exchanges(median.openings, zones)
        if not _follow(median, zones, offers, tolerance, allotted):
            break
        applied += 1
    plan = np.flatnonzero(state.is_open)
    low = np.zeros(len(median.sites))
    if dual is not None:
        step = plan_step(problem)
        low = lower_ends(weight, near, median.openings, plan, dual, step)
    return _reasons(median, plan, state.loss, offers, low, applied)


def _follow(
    median: _Median, zones: Zones, offers: Offers, tolerance: float, allotted: Allotted
) -> bool:
    """Follow open sites' exchanges, then those of the closed sites that are nearest to open."""
    is_open = zones.state.is_open
    order = np.argsort(-offers.profit, kind="stable")
    order = np.concatenate((order[is_open[order]], order[~is_open[order]]))
    for first in range(0, len(order), SITES_AT_ONCE):
        if not allotted.allows():
            return False
        chunk = order[first : first + SITES_AT_ONCE]
        if follow_exchanges(chunk, tolerance, median.openings, zones, offers):
            return True
    return False


def _multipliers(
    median: _Median, plan: IntArray, allotted: Allotted, share: float
) -> MedianDual | None:
    """Multipliers that bound all plans from below; none where there is nothing to bound."""
    if median.problem.num_zones == 0 or len(median.sites) == 0:
        return None
    state = nearest_tables(median.weight, median.near, plan)
    middle = 0.5 * (state.first_distance + state.second_distance)
    dual = first_dual(middle, 0.0, np.zeros(len(median.sites)))
    return _walked(median, dual, listed_cost(median.weight, state), allotted, share)


def _walked(
    median: _Median, dual: MedianDual, target: float, allotted: Allotted, share: float
) -> MedianDual:
    """Multipliers at the end of a walk, or of the time."""
    for _ in range(MOST_DUAL_BLOCKS):
        dual = improve_dual(
            median.weight, median.near, median.openings, dual,
            target=target, iterations=DUAL_STEPS,
        )  # fmt: skip
        if dual.walk.step <= LEAST_DUAL_STEP or not allotted.allows(share):
            break
    return dual


def _reasons(
    median: _Median,
    plan: IntArray,
    loss: FloatArray,
    offers: Offers,
    low: FloatArray,
    applied: int,
) -> SiteReasons:
    """By the problem's own positions."""
    problem, sites = median.problem, median.sites
    num_sites = problem.num_sites
    high, lowest = np.full(num_sites, np.nan), np.full(num_sites, np.nan)
    partner = np.full(num_sites, -1, dtype=np.int64)
    alone = np.full(num_sites, np.nan)
    cost = np.maximum(-offers.profit, 0.0)
    high[sites], lowest[sites] = cost, np.minimum(low, cost)
    partner[sites] = np.where(offers.partner >= 0, sites[offers.partner], -1)
    alone[sites] = loss
    for each in (high, lowest, alone):
        each[problem.rules.forced] = np.nan
    open_idx = sites[plan].astype(np.int64)
    closed_idx = np.flatnonzero(~masked(num_sites, open_idx))
    return SiteReasons(
        open_site_idx=open_idx,
        replacement_cost=high[open_idx],
        replacement_low=lowest[open_idx],
        next_best_idx=partner[open_idx],
        moved=np.maximum(alone - np.where(np.isfinite(high), high, alone), 0.0)[open_idx],
        closed_site_idx=closed_idx,
        force_in_cost=high[closed_idx],
        force_in_low=lowest[closed_idx],
        leaving_idx=partner[closed_idx],
        applied=applied,
        improved=Stations(open_idx, None) if applied else None,
    )


def p_median_without(
    problem: PMedianProblem,
    open_site_idx: IntArray,
    removed: IntArray,
    forced: IntArray,
    options: SolveOptions,
    *,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> Interval:
    """What it costs to do without some stations, and with some closed sites, solved anew.

    Where the sites lie in one part of a large problem, that part is solved with as many stations as
    it has, the others kept; with fewer or more of them, at the price of a station, multipliers tell
    the lower end.

    Parameters
    ----------
    problem : PMedianProblem
        With pairs.
    open_site_idx : int array
        A plan that keeps the rules, ascending.
    removed, forced : int arrays
        Sites to close, none of them forced by the rules, and sites to open.
    options : SolveOptions
    on_progress, stop
        As in `planner.models.p_median.solve.solve_p_median`.

    Raises
    ------
    InfeasibleError
        If no plan keeps these locks.
    """
    allotted = Allotted(options, stop)
    rules = changed_locks(problem.rules, removed, forced)
    changed = _prepared(replace(problem, rules=rules))
    cost = p_median_cost(problem, open_site_idx)
    found = _exchanged(changed, open_site_idx, allotted)
    median = _prepared(problem)
    parts = linked_parts(median.near.zones, problem.num_zones, median.openings.cities)
    concerned = np.unique(parts.of_site[median.positions(np.union1d(removed, forced))])
    solved = None
    is_small = median.near.sites.num_entries <= WHOLE_PAIRS
    if len(concerned) == 1 and parts.are_several and not is_small:
        part = int(concerned[0])
        solved = _in_part(median, changed.problem, open_site_idx, parts, part, allotted)
    if solved is None:
        left = replace(options, time_limit_s=allotted.left_s)
        whole = solve_p_median(changed.problem, left, on_progress=on_progress, stop=stop)
        solved = whole.proof.bound - cost, whole.open_site_idx
    low, other = solved
    plans = [other] if found is None else [found, other]
    costs = [p_median_cost(problem, each) for each in plans]
    best = int(np.argmin(costs))
    high = max(costs[best] - cost, 0.0)
    return Interval(
        low=min(max(low - ROUNDING_FRAC * cost, 0.0), high),
        high=high,
        found=Stations(plans[best], None),
        better_by=max(cost - costs[best], 0.0),
        wall_s=allotted.elapsed_s,
    )


def kept_as_far(rules: SiteRules, open_site_idx: IntArray, worth: FloatArray) -> IntArray:
    """Sites that keep locks and numbers with as many open ones as possible, the worthiest.

    Parameters
    ----------
    rules : SiteRules
    open_site_idx : int array
    worth : float array, shape (num_open,)
        Of each open site, >= 0.
    """
    wish = np.full(rules.num_sites, -1.0)
    wish[open_site_idx] = 1.0 + worth
    return best_sites(wish, rules.forced, rules.forbidden, rules.least, rules.most, rules.cities)


def _exchanged(changed: _Median, open_site_idx: IntArray, allotted: Allotted) -> IntArray | None:
    """A plan for changed locks: the old one as far as it goes, and exchanges while they pay."""
    start = open_site_idx[np.isin(open_site_idx, changed.sites)]
    state = nearest_tables(changed.weight, changed.near, changed.positions(start))
    loss = state.loss[changed.positions(start)]
    plan = changed.positions(kept_as_far(changed.problem.rules, start, loss))
    if not changed.openings.allow(plan):
        return None
    state = nearest_tables(changed.weight, changed.near, plan)
    rng = np.random.default_rng(allotted.options.seed)
    while exchange_pass(changed.weight, changed.near, changed.openings, state, rng):
        if not allotted.allows(0.5):
            break
    return changed.sites[np.flatnonzero(state.is_open)].astype(np.int64)


def _in_part(
    median: _Median,
    changed: PMedianProblem,
    open_site_idx: IntArray,
    parts: Parts,
    part: int,
    allotted: Allotted,
) -> tuple[float, IntArray] | None:
    """Lower end in one part with the others kept, and the best plan found there with these.

    None if the part cannot keep the locks beside the others.
    """
    dual = _multipliers(median, median.positions(open_site_idx), allotted, 0.2)
    inside = median.sites[parts.of_site == part]
    zones = np.flatnonzero(parts.of_zone == part)
    plan = np.intersect1d(open_site_idx, inside)
    kept = np.setdiff1d(open_site_idx, inside)
    region = part_of_problem(changed, inside, zones, kept)
    cost = p_median_cost(region, np.searchsorted(inside, plan))
    solved = _with_most(region, min(region.rules.most, len(plan)), allotted, 0.5)
    if solved is None:
        return None
    low = solved.proof.bound
    if dual is not None:
        price = station_price(
            median.openings,
            median_bound(median.weight, median.near, median.openings, dual.multiplier, dual.price)[
                2
            ],
        )
        start = dual.multiplier[zones]
        low = min(low, _traded(region, start, price, len(plan), solved.proof.objective, allotted))
    return low - cost, np.union1d(kept, inside[solved.open_site_idx]).astype(np.int64)


def _with_most(
    region: PMedianProblem, most: int, allotted: Allotted, share: float
) -> PMedianSolution | None:
    """The best plan with so many stations at most, in a share of the time that is left."""
    if not region.rules.least <= most <= region.num_sites:
        return None
    left = replace(allotted.options, time_limit_s=share * allotted.left_s)
    limited = replace(region, rules=replace(region.rules, most=most))
    try:
        return solve_p_median(limited, left, stop=allotted.stop)
    except InfeasibleError:
        return None


def _traded(
    region: PMedianProblem,
    start: FloatArray,
    price: float,
    number: int,
    cost: float,
    allotted: Allotted,
) -> float:
    """Least cost with fewer or more stations than ``number``, at the price of each.

    With one more or fewer the part is solved; with two or more, multipliers found for these
    numbers, and these locks, tell. ``cost`` is that of a plan with ``number``.
    """
    part = _prepared(region)
    bounds = [math.inf]
    for more, share in ((-1, 0.4), (1, 0.6)):
        solved = _with_most(region, number + more, allotted, share)
        if solved is not None:
            bounds.append(solved.proof.bound + more * price)
        far = number + 2 * more
        least, most = (0, far) if more < 0 else (far, len(part.sites))
        if not max(least, part.openings.min_open) <= most:
            continue
        openings = replace(
            part.openings, min_open=max(least, part.openings.min_open), max_open=most
        )
        if not openings.keep_numbers():
            continue
        there = replace(part, openings=replace(openings, max_open=min(most, far)))
        first = first_dual(start, 0.0, np.zeros(len(part.sites)))
        dual = _walked(there, first, cost - 2 * more * price, allotted, 0.9)
        at_price = [
            _bound_at_price(part, openings, multiplier, of_money, price)
            for multiplier, of_money in ((start, 0.0), (dual.multiplier, dual.price))
        ]
        bounds.append(max(at_price) - price * number)
    return min(bounds)


def _bound_at_price(
    part: _Median, openings: Openings, multiplier: FloatArray, of_money: float, price: float
) -> float:
    """No plan within the openings costs less, each station paid at a price."""
    bound, opening, worth = median_bound(part.weight, part.near, openings, multiplier, of_money)
    at_price = openings.best(worth - price)
    return bound + math.fsum(worth[opening]) - math.fsum(worth[at_price] - price)


def part_of_problem(
    problem: PMedianProblem, inside: IntArray, zones: IntArray, kept: IntArray
) -> PMedianProblem:
    """The problem on some sites and all zones that they can serve, beside stations kept.

    Parameters
    ----------
    problem : PMedianProblem
        With pairs; ``inside`` serves ``zones`` alone, and no other site does.
    inside, zones : int arrays
        Ascending.
    kept : int array
        Stations elsewhere, which take their share of numbers and money.
    """
    distances = problem.distances
    if not isinstance(distances, PairDistances):
        raise TypeError("pairs are needed, not points")
    chosen = masked(distances.num_zones, zones)
    of_chosen = np.repeat(chosen, distances.sites.sizes) & np.isin(distances.sites.idx, inside)
    owner = np.searchsorted(zones, distances.sites.owner[of_chosen])
    site = np.searchsorted(inside, distances.sites.idx[of_chosen]).astype(np.int32)
    return PMedianProblem(
        weight=problem.weight[zones],
        distances=PairDistances(
            sites=Lists.by_owner(owner, site, len(zones)),
            distance=distances.distance[of_chosen],
            unserved=distances.unserved,
            num_sites=len(inside),
        ),
        rules=rules_inside(problem.rules, inside, kept, math.fsum(problem.rules.cost[kept])),
    )
