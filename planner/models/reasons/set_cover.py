"""What each station of a covering plan is worth, and what each closed site would take.

Upper ends are plans in which what only a station covers is covered again nearby
(`planner.models.reasons.set_cover_moves`). Lower ends come from the multipliers of
`planner.models.set_cover.dual` (`planner.models.reasons.set_cover_low`).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.errors import InfeasibleError
from planner.models.reasons.allotted import Allotted
from planner.models.reasons.parts import (
    Parts,
    changed_locks,
    linked_parts,
    masked,
    rules_inside,
)
from planner.models.reasons.result import Interval, SiteReasons, Stations
from planner.models.reasons.set_cover_low import lower_ends
from planner.models.reasons.set_cover_moves import Cover, CoverOffers, cover_changes
from planner.models.set_cover.dual import CoverPoint, improve_cover_bound, reduced_cost
from planner.models.set_cover.greedy import (
    CoverArrays,
    greedy_cover,
    numbers_of,
    plan_cost,
    stations_near,
)
from planner.models.set_cover.presolve import CoverTask, cover_task
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.solve import solve_set_cover
from planner.solving.incidence import sum_over_lists
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest

ROUNDING_FRAC = 1e-9
"""Of a plan's cost, or of the value asked for: what is less is rounding."""
DUAL_SHARE = 0.4
"""Of the time, for the multipliers."""
MOST_DUAL_ITERATIONS, LEAST_DUAL_GAP_FRAC = 4_000, 1e-6
"""After so many, or so near to the relaxation's value, they have settled."""
SITES_AT_ONCE = 64
"""Sites whose lock is changed between two looks at the clock."""
ELSEWHERE = 20
"""Sites far away that are looked at where a share is to be covered."""


@dataclass(frozen=True)
class _Asked:
    """A problem, and its rows and free sites."""

    problem: SetCoverProblem
    task: CoverTask

    def positions(self, open_site_idx: IntArray) -> IntArray:
        """Open sites among the free ones; those that cover nothing more are not."""
        return np.flatnonzero(np.isin(self.task.site_idx, open_site_idx))


def _asked(problem: SetCoverProblem) -> _Asked:
    nowhere = np.zeros(problem.num_sites, dtype=np.bool_)
    return _Asked(problem, cover_task(problem, problem.rules.forced, nowhere))


def set_cover_reasons(
    problem: SetCoverProblem,
    open_site_idx: IntArray,
    options: SolveOptions,
    *,
    stop: StopRequest | None = None,
) -> SiteReasons:
    """Replacement cost of every station and force-in cost of every closed site.

    Parameters
    ----------
    problem : SetCoverProblem
    open_site_idx : int array
        A plan that covers enough within the rules, ascending.
    options : SolveOptions
        Its time is kept to by looking less far; what is told is right all the same.
    stop : StopRequest, optional

    Returns
    -------
    SiteReasons
        In the cost of the rules. Both ends are infinite for a station without which no plan covers
        what is asked for. ``moved`` is the value of the zones that only the station covers, and
        others in the plan found without it.
    """
    allotted = Allotted(options, stop)
    asked = _asked(problem)
    task = asked.task
    plan, applied = asked.positions(open_site_idx), 0
    spared = np.setdiff1d(open_site_idx, np.union1d(task.site_idx, task.forced_idx))
    applied += len(spared)
    point = _multipliers(task, plan, allotted)
    while True:
        offers, better = _offers(asked, plan, point, allotted)
        if better is None:
            break
        plan, applied = better, applied + 1
    low = np.zeros(task.num_sites) if point is None else lower_ends(task, plan, point)
    return _reasons(asked, plan, offers, low, applied)


def _multipliers(task: CoverTask, plan: IntArray, allotted: Allotted) -> CoverPoint | None:
    """Multipliers that bound all plans from below; None where nothing is left to cover."""
    found = None
    if task.num_rows == 0:
        return None
    for point in improve_cover_bound(task, plan):
        found = point
        if (
            point.relaxation_gap_frac <= LEAST_DUAL_GAP_FRAC
            or point.iterations >= MOST_DUAL_ITERATIONS
            or not allotted.allows(DUAL_SHARE)
        ):
            break
    return found


def _arrays(task: CoverTask) -> CoverArrays:
    return CoverArrays(task.incidence, task.value, task.need, task.cost)


def _offers(
    asked: _Asked, plan: IntArray, point: CoverPoint | None, allotted: Allotted
) -> tuple[CoverOffers, IntArray | None]:
    """The cheapest change known for every free site, or a cheaper plan."""
    task = asked.task
    is_open = masked(task.num_sites, plan)
    near = stations_near(task, is_open)
    numbers = numbers_of(task)
    covered = float(task.value[near >= task.need].sum())
    state = Cover(
        is_open=is_open,
        near=near,
        number=np.bincount(numbers.city[plan], minlength=len(numbers.city_most)).astype(np.int64),
        spare=np.array([covered - task.required]),
        tolerance=0.5 if task.covers_all else ROUNDING_FRAC * task.required,
    )
    offers = CoverOffers(
        np.full(task.num_sites, np.inf),
        np.full(task.num_sites, -1, dtype=np.int64),
        np.zeros(task.num_sites),
    )
    spent = math.fsum((task.base_cost, *task.cost[plan].tolist()))
    money = asked.problem.rules.most_cost - spent
    elsewhere = _elsewhere(task, near, is_open)
    dear = task.cost if point is None else reduced_cost(task, point.share)
    order = np.argsort(dear, kind="stable")
    order = np.concatenate((plan, order[~is_open[order]])).astype(np.int64)
    for first in range(0, len(order), SITES_AT_ONCE):
        if first >= len(plan) and not allotted.allows():
            break
        chunk = order[first : first + SITES_AT_ONCE]
        if cover_changes(chunk, money, elsewhere, _arrays(task), numbers, state, offers):
            return offers, np.flatnonzero(state.is_open)
    return offers, None


def _elsewhere(task: CoverTask, near: IndexArray, is_open: BoolArray) -> IntArray:
    """Closed sites that would cover most of what is not covered, for their cost."""
    if task.covers_all or task.num_sites == 0:
        return np.empty(0, np.int64)
    missing = np.where(near < task.need, task.value, 0.0)
    gain = np.empty(task.num_sites)
    sum_over_lists(task.incidence.rows_of_site, missing, gain)
    least_cost = 1e-9 * max(float(task.cost.max()), 1e-300)
    score = np.where(is_open, 0.0, gain / (task.cost + least_cost))
    best = np.argsort(-score, kind="stable")[:ELSEWHERE]
    return best[score[best] > 0.0].astype(np.int64)


def _needed_by_all(asked: _Asked) -> BoolArray:
    """Free sites without which what is asked for cannot be covered, shape (num_free,)."""
    task = asked.task
    alone = task.sites_of_row.sizes == task.need
    value = np.where(alone, task.value, 0.0)
    lost = np.empty(task.num_sites)
    sum_over_lists(task.incidence.rows_of_site, value, lost)
    spare = float(task.value.sum()) - task.required
    tolerance = 0.5 if task.covers_all else ROUNDING_FRAC * task.required
    return np.asarray(lost > spare + tolerance)


def _reasons(
    asked: _Asked, plan: IntArray, offers: CoverOffers, low: FloatArray, applied: int
) -> SiteReasons:
    """By the problem's own positions."""
    problem, task = asked.problem, asked.task
    rules, num_sites = problem.rules, problem.num_sites
    open_idx = task.plan(plan)
    is_open = masked(num_sites, open_idx)
    # Free sites that cover nothing more cost what they cost, where there is room for them.
    fits = _have_room(problem, open_idx)
    high = np.where(fits, rules.cost, np.inf)
    lowest = np.where(fits, rules.cost, 0.0)
    partner = np.full(num_sites, -1, dtype=np.int64)
    free = task.site_idx
    cost = np.maximum(offers.cost, 0.0)
    needed = _needed_by_all(asked) & is_open[free]
    cost[needed] = np.inf
    high[free] = cost
    lowest[free] = np.where(needed, np.inf, np.minimum(low, cost))
    partner[free] = np.where(offers.partner >= 0, free[offers.partner], -1)
    again = np.zeros(num_sites)
    again[free] = offers.again
    if task.covers_all:
        again = np.where(np.isfinite(high), _alone(problem, open_idx), 0.0)
    high[rules.forced | rules.forbidden] = np.nan
    lowest[rules.forced | rules.forbidden] = np.nan
    again[rules.forced] = np.nan
    closed_idx = np.flatnonzero(~is_open)
    return SiteReasons(
        open_site_idx=open_idx,
        replacement_cost=high[open_idx],
        replacement_low=lowest[open_idx],
        next_best_idx=partner[open_idx],
        moved=again[open_idx],
        closed_site_idx=closed_idx,
        force_in_cost=high[closed_idx],
        force_in_low=lowest[closed_idx],
        leaving_idx=partner[closed_idx],
        applied=applied,
        improved=Stations(open_idx, None) if applied else None,
    )


def _have_room(problem: SetCoverProblem, open_idx: IntArray) -> BoolArray:
    """Sites that may be opened beside a plan, shape (num_sites,)."""
    rules, cities = problem.rules, problem.rules.cities
    left = rules.most_cost - math.fsum(rules.cost[open_idx])
    fits = np.asarray((rules.cost <= left) & (len(open_idx) < rules.most))
    if cities is not None:
        number = np.bincount(cities.city_idx[open_idx], minlength=len(cities.max_stations))
        fits &= (number < cities.max_stations)[cities.city_idx]
    return fits


def _alone(problem: SetCoverProblem, open_idx: IntArray) -> FloatArray:
    """Value of the zones that lack a station if a site closes, shape (num_sites,)."""
    is_open = masked(problem.num_sites, open_idx)
    near = np.bincount(problem.reach.entries_of(is_open), minlength=problem.num_zones)
    value = np.where((near == problem.need) & (problem.need > 0), problem.value, 0.0)
    total = np.bincount(problem.reach.owner, value[problem.reach.idx], minlength=problem.num_sites)
    return np.where(is_open, total, 0.0)


def set_cover_without(
    problem: SetCoverProblem,
    open_site_idx: IntArray,
    removed: IntArray,
    forced: IntArray,
    options: SolveOptions,
    *,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> Interval:
    """What it costs to do without some stations, and with some closed sites, solved anew.

    Where every zone is to be covered and the sites lie in one part of several, that part is
    solved, the others kept.

    Parameters
    ----------
    problem : SetCoverProblem
    open_site_idx : int array
        A plan that covers enough within the rules, ascending.
    removed, forced : int arrays
        Sites to close, none of them forced by the rules, and sites to open.
    options : SolveOptions
    on_progress, stop
        As in `planner.models.set_cover.solve.solve_set_cover`.

    Raises
    ------
    InfeasibleError
        If no plan covers what is asked for with these locks.
    NoPlanError
        If none was found.
    """
    allotted = Allotted(options, stop)
    changed = replace(problem, rules=changed_locks(problem.rules, removed, forced))
    cost = math.fsum(problem.rules.cost[open_site_idx])
    solved = None
    if problem.min_share == 1.0:
        parts = linked_parts(problem.reach, problem.num_zones, problem.rules.cities)
        concerned = np.unique(parts.of_site[np.union1d(removed, forced)])
        if len(concerned) == 1 and parts.are_several:
            part = int(concerned[0])
            solved = _in_part(changed, open_site_idx, parts, part, allotted)
    if solved is None:
        whole = solve_set_cover(changed, options, on_progress=on_progress, stop=stop)
        solved = whole.proof.bound - cost, whole.open_site_idx
    low, plan = solved
    mended = _mended(changed, open_site_idx)
    if mended is not None and _cost(problem, mended) < _cost(problem, plan):
        plan = mended
    high = max(_cost(problem, plan) - cost, 0.0)
    return Interval(
        low=min(max(low - ROUNDING_FRAC * cost, 0.0), high),
        high=high,
        found=Stations(plan, None),
        better_by=max(cost - _cost(problem, plan), 0.0),
        wall_s=allotted.elapsed_s,
    )


def _cost(problem: SetCoverProblem, plan: IntArray) -> float:
    return math.fsum(problem.rules.cost[plan])


def _mended(changed: SetCoverProblem, open_site_idx: IntArray) -> IntArray | None:
    """The old plan as far as the locks go, what is missing covered again, what is spare closed."""
    asked = _asked(changed)
    if not asked.task.may_be_kept:
        return None
    plan = greedy_cover(asked.task, asked.positions(open_site_idx))
    cost = plan_cost(asked.task, plan)
    return asked.task.plan(plan) if cost <= changed.rules.most_cost else None


def _in_part(
    changed: SetCoverProblem, open_site_idx: IntArray, parts: Parts, part: int, allotted: Allotted
) -> tuple[float, IntArray] | None:
    """Lower end in one part with the others kept, and the best plan found there with these.

    None if the part cannot keep the locks beside the others.
    """
    inside = np.flatnonzero(parts.of_site == part)
    zones = np.flatnonzero(parts.of_zone == part)
    kept = np.setdiff1d(open_site_idx, inside)
    reach = [np.searchsorted(zones, changed.reach.row(site)).tolist() for site in inside.tolist()]
    region = SetCoverProblem(
        value=changed.value[zones],
        need=changed.need[zones],
        reach=Lists.of(reach),
        rules=rules_inside(changed.rules, inside, kept, math.fsum(changed.rules.cost[kept])),
        min_share=1.0,
    )
    left = replace(allotted.options, time_limit_s=allotted.left_s)
    try:
        solved = solve_set_cover(region, left, stop=allotted.stop)
    except InfeasibleError:
        return None
    cost = math.fsum(changed.rules.cost[np.intersect1d(open_site_idx, inside)])
    plan = np.union1d(kept, inside[solved.open_site_idx]).astype(np.int64)
    return solved.proof.bound - cost, plan
