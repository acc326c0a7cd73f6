"""Least cost of stations that cover all zones, or a share of their value: set covering.

Sets: demand zones i of value w_i that take r_i >= 0 stations, candidate sites j, N(i) = sites
within reach of zone i, cities c. y_j = 1 if a station stands at j, x_i = 1 if zone i counts as
covered.

    min  sum_j cost_j y_j
    (1)  sum_{j in N(i)} y_j >= r_i x_i       every zone i with r_i > 0
    (2)  x_i = 1                              every zone, if all are to be covered
    (3)  sum_i w_i x_i >= share sum_i w_i     otherwise
    (4)  y_j = 1 forced,  y_j = 0 forbidden
    (5)  min_stations <= sum_j y_j <= max_stations,  and by city
    (6)  sum_j cost_j y_j <= budget
         x, y in {0, 1}

Toregas, Swain, ReVelle and Bergman 1971 (Operations Research 19:1363-1373); partial covering as in
Daskin and Owen 1999 (Geographical Analysis 31:217-235). Not modelled: capacities, sizes.

How it is solved: presolve merges zones and drops what others dominate; greedy opening and closing
give a first plan; a primal-dual method on the linear relaxation gives multipliers, hence the
Lagrangian bound, and tells which sites deserve a look; annealing among those improves the plan;
what is small enough after fixing sites by reduced cost goes to CP-SAT with its worker ``max_lp``,
which keeps the linear relaxation at hand (the scheme is that of Caprara, Fischetti and Toth 1999,
Operations Research 47:730-743). Where all costs are multiples of a number, so is the bound.
CP-SAT counts in whole numbers: costs and values that are not whole are rounded so that its bound
stays a bound, and what that can cost is part of the gap.
"""

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import InfeasibleError, NoPlanError, PlannerError
from planner.models.set_cover.dual import (
    CoverPoint,
    cheapest_site,
    fix_by_bound,
    improve_cover_bound,
    lagrangian_cost,
    reduced_cost,
)
from planner.models.set_cover.exact import run_cp_sat
from planner.models.set_cover.greedy import greedy_cover, plan_cost
from planner.models.set_cover.presolve import CoverTask, reduce_cover
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.search import anneal_cover
from planner.solving.best_sites import best_sites, check_numbers
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpModel

WHOLE_SUM = 2.0**44
"""Costs and values that are not whole are scaled until their sum is about this."""
WHOLE_LIMIT = 2.0**52
"""Costs that sum to less are counted exactly."""
NO_CHOICE = "no choice of stations covers what is asked for within the limits"
SHARE_ROUNDING = 1e-8
"""What rounding values to whole numbers may take from the share asked for."""
ALWAYS_EXACT_ARCS = 20_000
"""Up to this many arcs after fixing, CP-SAT is tried at once and whatever the gap."""
MAX_EXACT_ARCS = 60_000
"""Beyond this CP-SAT rarely closes the gap in minutes: not tried while there is a plan."""
EARLY_SHARE, LESS_ARCS_FRAC = 0.25, 0.7
"""Before the last round CP-SAT gets this share of the time left, and another look only once this
fraction of the arcs is left."""
MAX_ROUNDS = 5
"""Rounds of bound and annealing in deterministic mode, and before CP-SAT gets a larger problem."""
MAX_DUAL_ITERATIONS = 4_000
"""Primal-dual iterations after which the bound has converged for all practical purposes."""
REPORT_ITERATIONS = 200
"""Primal-dual iterations between two reports."""
FIRST_RELAXATION_SHARE, RELAXATION_SHARE = 0.2, 0.05
"""The bound is close enough to the linear relaxation's when that is this share of the gap, in the
first round and in the others."""
BOUND_SHARE = 0.5
"""Share of the time left that a round spends on the bound at most."""
FIRST_MOVES_PER_STATION, MIN_FIRST_MOVES, MAX_MOVES = 300, 100_000, 30_000_000
"""Moves offered in the first annealing round and in any; three times as many in each next."""
MOVES_PER_POLL = 200_000
"""Moves between two looks at clock and stop request."""
HOT_FRAC, COLD_FRAC = 0.15, 0.006
"""First and last temperature as fractions of the median cost of an open site."""
CANDIDATE_WORTH_FRAC = 0.85
"""Annealing opens sites whose rows are worth at least this fraction of their cost at the
multipliers."""


@dataclass(frozen=True)
class SetCoverSolution:
    """Plan and proof.

    Attributes
    ----------
    status : Status
        OPTIMAL if the bound proves the plan the best, FEASIBLE otherwise.
    open_site_idx : int array
        Open sites, ascending.
    covered : bool array, shape (num_zones,)
        Zones with as many stations within reach as they take.
    share : float
        Share of all value that is covered.
    objective : float
        Cost of the stations.
    bound : float
        No plan costs less.
    gap_frac : float
        (objective - bound) / bound.
    wall_s : float
        Seconds taken.
    history : tuple of Progress
        Incumbent and bound over time.
    """

    status: Status
    open_site_idx: IntArray
    covered: BoolArray
    share: float
    objective: float
    bound: float
    gap_frac: float
    wall_s: float
    history: tuple[Progress, ...]


def covered_zones(problem: SetCoverProblem, open_site_idx: IntArray) -> BoolArray:
    """Zones with as many open sites within reach as they take, shape (num_zones,)."""
    is_open = np.zeros(problem.num_sites, dtype=np.bool_)
    is_open[open_site_idx] = True
    reached = problem.reach_zone_idx[np.repeat(is_open, np.diff(problem.reach_ptr))]
    near = np.bincount(reached, minlength=problem.num_zones)
    return np.asarray(near >= problem.need)


def _whole(numbers: FloatArray) -> float:
    """Factor that turns numbers into whole ones, closely enough."""
    if (numbers % 1.0 == 0.0).all() or not numbers.any():
        return 1.0
    return WHOLE_SUM / float(numbers.sum())


def set_cover_model(problem: SetCoverProblem) -> "CpModel":
    """Equations (1) to (6) in whole numbers.

    Costs are rounded down, so that the optimum is no dearer than the true one's; values and
    what is asked for of them are rounded up, so that no plan is lost.

    Parameters
    ----------
    problem : SetCoverProblem

    Returns
    -------
    CpModel
        Variables y_0.., then x_0.. where a share is asked for.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    y = [
        model.new_int_var(int(forced), int(not forbidden), f"y_{site}")
        for site, (forced, forbidden) in enumerate(
            zip(problem.forced.tolist(), problem.forbidden.tolist(), strict=True)
        )
    ]
    near = _sites_of_zones(problem)
    partial = problem.min_share < 1.0
    x = []
    rows: set[tuple[int, bytes]] = set()
    for zone, need in enumerate(problem.need.tolist()):
        sites = near.indices[near.indptr[zone] : near.indptr[zone + 1]]
        if partial:
            x.append(model.new_bool_var(f"x_{zone}"))
        key = (need, sites.tobytes())
        if need == 0 or (not partial and key in rows):
            continue
        rows.add(key)
        stations = sum(y[site] for site in sites.tolist())
        model.add(stations >= need * x[zone] if partial else stations >= need)
    if partial:
        factor = _whole(problem.value)
        worth = np.ceil(problem.value * factor).astype(np.int64)
        asked = math.ceil(problem.min_share * math.fsum(problem.value) * factor * (1 - 1e-12))
        model.add(cp_model.LinearExpr.weighted_sum(x, worth.tolist()) >= asked)
    model.add_linear_constraint(sum(y), problem.min_stations, problem.max_stations)
    if problem.cities is not None:
        for city, (least, most) in enumerate(
            zip(
                problem.cities.min_stations.tolist(),
                problem.cities.max_stations.tolist(),
                strict=True,
            )
        ):
            there = np.flatnonzero(problem.cities.city_idx == city).tolist()
            stations = cp_model.LinearExpr.sum([y[site] for site in there])
            if least > 0:
                model.add(stations >= least).with_name(f"city_least_{city}")
            if most < len(there):
                model.add(stations <= most).with_name(f"city_most_{city}")
    cost = np.floor(problem.cost * _whole(problem.cost)).astype(np.int64).tolist()
    expense = cp_model.LinearExpr.weighted_sum(y, cost)
    if math.isfinite(problem.budget):
        model.add(expense <= math.floor(problem.budget * _whole(problem.cost) * (1 + 1e-12)))
    model.minimize(expense)
    return model


def _sites_of_zones(problem: SetCoverProblem) -> Any:
    site = np.repeat(np.arange(problem.num_sites), np.diff(problem.reach_ptr))
    shape = (problem.num_zones, problem.num_sites)
    ones = np.ones(len(site), dtype=np.int8)
    matrix: Any = scipy.sparse.csr_matrix((ones, (problem.reach_zone_idx, site)), shape=shape)
    matrix.sort_indices()
    return matrix


def _check_feasible(problem: SetCoverProblem) -> None:
    """What can be told without a solver.

    Raises
    ------
    InfeasibleError
        Naming what cannot be kept.
    """
    usable = np.flatnonzero(~problem.forbidden)
    check_numbers(
        problem.forced, problem.forbidden, problem.min_stations, problem.max_stations,
        problem.cities,
    )  # fmt: skip
    spent = math.fsum(problem.cost[problem.forced])
    if spent > problem.budget:
        raise InfeasibleError(
            f"forced stations cost {spent:,.2f}, the budget is {problem.budget:,.2f}"
        )
    within_reach = covered_zones(problem, usable)
    if problem.min_share == 1.0 and not within_reach.all():
        first = int(np.flatnonzero(~within_reach)[0])
        raise InfeasibleError(
            f"{int((~within_reach).sum())} zones have too few sites within reach that may be "
            f"open, the first at position {first}"
        )
    most, asked = _share(problem, within_reach), problem.min_share
    if most < asked * (1.0 - OPTIMAL_GAP_FRAC):
        raise InfeasibleError(
            f"all sites together cover {most:.4%} of the value, {asked:.4%} is asked for"
        )


def _share(problem: SetCoverProblem, covered: BoolArray) -> float:
    total = math.fsum(problem.value)
    return math.fsum(problem.value[covered]) / total if total > 0.0 else 1.0


@dataclass
class _Search:
    """What is known so far, and when to give up; the only state that changes during a solve."""

    problem: SetCoverProblem
    task: CoverTask
    options: SolveOptions
    on_progress: ProgressCallback | None
    stop: StopRequest | None
    started: float
    cost_step: float
    plan: IntArray | None = None
    incumbent: float = math.inf
    point: CoverPoint | None = None
    exact_bound: float = 0.0
    moves_per_s: float = math.inf
    history: list[Progress] = field(default_factory=list)

    @property
    def bound(self) -> float:
        """Best bound so far, raised to the next cost that a plan can have."""
        relaxed = self.point.bound if self.point else 0.0
        return max(self.raised(relaxed), self.exact_bound, self.task.base_cost)

    @property
    def gap_frac(self) -> float:
        """Gap between plan and bound."""
        return gap_frac(self.incumbent, self.bound, sense="min")

    @property
    def ceiling(self) -> float:
        """No plan that costs more is of interest."""
        return min(self.incumbent - self.cost_step, self.problem.budget)

    @property
    def remaining_s(self) -> float:
        """Seconds left; unlimited in deterministic mode."""
        if self.options.deterministic:
            return math.inf
        return self.options.time_limit_s - (time.monotonic() - self.started)

    def raised(self, bound: float) -> float:
        """The least cost of a plan that a bound allows."""
        if self.cost_step <= 0.0 or not math.isfinite(bound):
            return bound
        steps = (bound - self.task.base_cost) / self.cost_step
        steps = math.ceil(steps - max(1e-6, OPTIMAL_GAP_FRAC * abs(steps)))
        return self.task.base_cost + self.cost_step * steps

    @property
    def is_over_budget(self) -> bool:
        """Whether the bound proves that the budget cannot be kept."""
        return self.bound > self.problem.budget * (1.0 + OPTIMAL_GAP_FRAC)

    def may_go_on(self) -> bool:
        """Whether neither the clock nor the caller nor the budget has called an end."""
        if self.is_over_budget:
            return False
        return self.remaining_s > 0.0 and not (self.stop is not None and self.stop.is_set())

    def offer(self, plan: IntArray) -> None:
        """Keep a choice of sites if it is allowed and cheaper than the incumbent."""
        cost = plan_cost(self.task, plan)
        if cost < self.incumbent and cost <= self.problem.budget:
            self.plan, self.incumbent = plan, cost

    def report(self, stage: str, message: str) -> None:
        """Note the state in the history and tell the caller."""
        elapsed_s = time.monotonic() - self.started
        incumbent = None if self.plan is None else self.incumbent
        progress = Progress(stage, incumbent, self.bound, elapsed_s, message, "min")
        self.history.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)


def _cost_step(task: CoverTask) -> float:
    """Largest number that all costs are multiples of; 0 where they are not whole."""
    whole = (task.cost % 1.0 == 0.0).all() and task.cost.sum() < WHOLE_LIMIT
    return float(np.gcd.reduce(task.cost.astype(np.int64), initial=0)) if whole else 0.0


def solve_set_cover(
    problem: SetCoverProblem,
    options: SolveOptions,
    *,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> SetCoverSolution:
    """Choose stations of least cost that cover all zones, or a share of their value.

    Parameters
    ----------
    problem : SetCoverProblem
        Not changed.
    options : SolveOptions
        The search ends at ``gap_frac``, at the time limit (which the last step may overrun by a
        few seconds on national problems) or, in deterministic mode, after a fixed amount of work.
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    SetCoverSolution

    Raises
    ------
    InfeasibleError
        If no plan covers what is asked for within the limits.
    NoPlanError
        If a limit was reached before any plan was found.
    """
    started = time.monotonic()
    _check_feasible(problem)
    task = reduce_cover(problem)
    if not task.may_be_kept:
        raise InfeasibleError(NO_CHOICE)
    search = _Search(problem, task, options, on_progress, stop, started, _cost_step(task))
    first = greedy_cover(task, np.empty(0, np.int64))
    search.offer(first)
    search.report("greedy", f"{task.num_sites} sites x {task.num_rows} rows after presolve")
    if task.num_rows == 0:
        search.exact_bound = lagrangian_cost(task, np.empty(0))
    else:
        _search_until_done(search, first)
    if search.is_over_budget:
        raise InfeasibleError(
            f"whatever covers what is asked for costs {search.bound:,.2f} at least, the budget is "
            f"{problem.budget:,.2f}"
        )
    if search.plan is None and task.num_rows == 0:
        raise InfeasibleError(NO_CHOICE)
    if search.plan is None:
        raise NoPlanError("a limit was reached before a plan was found that covers enough")
    return _solution(search, search.plan)


def _search_until_done(search: _Search, first: IntArray) -> None:
    """Rounds of bound, completion and annealing, each finer than the last; CP-SAT where it can."""
    task = search.task
    rng = np.random.default_rng(search.options.seed)
    small = task.num_arcs <= ALWAYS_EXACT_ARCS
    target = OPTIMAL_GAP_FRAC if small else search.options.gap_frac
    points = improve_cover_bound(task, first)
    num_moves = max(FIRST_MOVES_PER_STATION * len(first), MIN_FIRST_MOVES)
    is_open = np.zeros(task.num_sites, dtype=np.bool_)
    is_open[first] = True
    arcs_tried = math.inf
    for round_number in itertools.count(1):
        relaxation_share = FIRST_RELAXATION_SHARE if round_number == 1 else RELAXATION_SHARE
        _improve_bound(search, points, relaxation_share, target)
        if search.gap_frac > target and search.may_go_on():
            _plan_from_opening(search)
        if search.gap_frac > target and search.may_go_on():
            if search.plan is not None:
                is_open[:] = False
                is_open[search.plan] = True
            _anneal_plan(search, is_open, min(num_moves, MAX_MOVES), rng)
        last_round = round_number == MAX_ROUNDS
        if search.gap_frac > OPTIMAL_GAP_FRAC and search.may_go_on():
            rest = _remaining_task(search)
            if last_round:
                most_arcs = MAX_EXACT_ARCS if search.gap_frac > target else ALWAYS_EXACT_ARCS
                share = 1.0
            else:
                most_arcs = int(min(ALWAYS_EXACT_ARCS, LESS_ARCS_FRAC * arcs_tried))
                share = EARLY_SHARE
            if rest.num_arcs <= most_arcs or (last_round and search.plan is None):
                arcs_tried = rest.num_arcs
                _solve_exactly(search, rest, share)
        if search.gap_frac <= target or not search.may_go_on():
            break
        if last_round and (search.options.deterministic or small):
            break
        num_moves *= 3


def _improve_bound(
    search: _Search, points: Iterator[CoverPoint], relaxation_share: float, target: float
) -> None:
    """Run the primal-dual method until the plan, not the multipliers, makes most of the gap."""
    leave_s = (1.0 - BOUND_SHARE) * search.remaining_s
    for point in points:
        search.point = point
        if (
            point.relaxation_gap_frac <= relaxation_share * min(search.gap_frac, 1.0)
            or point.iterations >= MAX_DUAL_ITERATIONS
            or search.gap_frac <= target
            or search.remaining_s < leave_s
            or not search.may_go_on()
        ):
            break
        if point.iterations % REPORT_ITERATIONS == 0:
            search.report("bound", f"{point.iterations} primal-dual iterations")
    if search.point is not None:
        search.report("bound", f"{search.point.iterations} primal-dual iterations")


def _plan_from_opening(search: _Search) -> None:
    """Open what the linear relaxation opens for more than half, complete greedily."""
    if search.point is None:
        return
    task, nowhere = search.task, np.zeros(search.task.num_sites, dtype=np.bool_)
    worth = search.point.opening - 0.5
    first = best_sites(worth, nowhere, nowhere, 0, task.most, task.cities)
    search.offer(greedy_cover(task, first))
    search.report("opening", "greedy from the linear relaxation")


def _anneal_plan(
    search: _Search, is_open: BoolArray, num_moves: int, rng: np.random.Generator
) -> None:
    """Anneal the choice among the sites that the multipliers find worth a look."""
    task, point = search.task, search.point
    if point is None:
        return
    _, never_open = fix_by_bound(task, point, search.ceiling)
    reduced = reduced_cost(task, point.share) - point.number_price
    worth_a_look = ~never_open & (reduced <= (1.0 - CANDIDATE_WORTH_FRAC) * task.cost)
    candidates = np.flatnonzero(worth_a_look | is_open)
    typical = float(np.median(task.cost[is_open])) if is_open.any() else 0.0
    typical = typical or float(task.cost.mean())
    if len(candidates) == 0 or typical == 0.0:
        return
    weight, price = task.value, point.price
    if task.covers_all:
        least_weight = 1e-3 * float(task.cost.mean())
        weight, price = np.maximum(cheapest_site(task), least_weight) * task.need, 1.0
    if not search.options.deterministic:
        # A schedule cut short is worth little: fit it into the time left.
        num_moves = int(min(num_moves, max(search.moves_per_s * search.remaining_s, 1)))
    started = time.monotonic()
    num_chunks = -(-num_moves // MOVES_PER_POLL)
    fractions = np.linspace(0.0, 1.0, num_chunks + 1)
    temperatures = typical * HOT_FRAC * (COLD_FRAC / HOT_FRAC) ** fractions
    best_cost = search.incumbent - task.base_cost
    for hot, cold in itertools.pairwise(temperatures):
        if not search.may_go_on():
            break
        price, best_cost, plan = anneal_cover(
            task, is_open, candidates, weight=weight, price=price, best_cost=best_cost,
            num_moves=num_moves // num_chunks, hot=float(hot), cold=float(cold), rng=rng,
        )  # fmt: skip
        if len(plan):
            search.offer(greedy_cover(task, plan))
            best_cost = min(best_cost, search.incumbent - task.base_cost)
    search.moves_per_s = num_moves / max(time.monotonic() - started, 1e-3)
    search.offer(greedy_cover(task, np.flatnonzero(is_open)))
    search.report("anneal", f"{num_moves} moves offered among {len(candidates)} sites")


def _remaining_task(search: _Search) -> CoverTask:
    """What is left to decide by plans better than the incumbent."""
    task, problem = search.task, search.problem
    forced = np.zeros(problem.num_sites, dtype=np.bool_)
    gone = np.ones(problem.num_sites, dtype=np.bool_)
    forced[task.forced_idx] = True
    gone[task.site_idx] = False
    if search.point is not None:
        always_open, never_open = fix_by_bound(task, search.point, search.ceiling)
        forced[task.site_idx[always_open]] = True
        gone[task.site_idx[never_open]] = True
    return reduce_cover(problem, forced, gone)


def _as_problem(task: CoverTask, ceiling: float) -> SetCoverProblem:
    """A task as a problem of its own, for plans of at most a given cost in all."""
    nowhere = np.zeros(task.num_sites, dtype=np.bool_)
    total = math.fsum(task.value)
    return SetCoverProblem(
        value=task.value,
        need=task.need.astype(np.int64),
        reach_ptr=task.site_ptr,
        reach_zone_idx=task.site_row,
        cost=task.cost,
        forced=nowhere,
        forbidden=nowhere,
        min_share=1.0 if task.covers_all else min(task.asked / total, 1.0),
        min_stations=task.least,
        max_stations=task.most,
        budget=ceiling - task.base_cost,
        cities=task.cities,
    )


def _solve_exactly(search: _Search, rest: CoverTask, share: float) -> None:
    """Let CP-SAT, in a share of the time left, find a better plan or prove that there is none."""
    ceiling = search.ceiling
    status, found = Status.INFEASIBLE, math.inf
    if not rest.may_be_kept or rest.base_cost > ceiling + OPTIMAL_GAP_FRAC * abs(ceiling):
        message = "no better plan is left"
    elif rest.num_rows == 0:
        _offer_rest(search, rest, greedy_cover(rest, np.empty(0, np.int64)))
        status, found = Status.OPTIMAL, lagrangian_cost(rest, np.empty(0))
        message = "one better plan is left"
    else:
        restricted = _as_problem(rest, ceiling)
        result = run_cp_sat(
            set_cover_model(restricted), search.options, time_limit_s=share * search.remaining_s,
            work_share=share, stop=search.stop,
        )  # fmt: skip
        status, found = result.status, rest.base_cost + result.bound / _whole(restricted.cost)
        message = f"{rest.num_sites} sites x {rest.num_rows} rows: {status}"
        if result.levels is not None:
            _offer_rest(search, rest, np.flatnonzero(result.levels[: rest.num_sites]))
    if status is Status.INFEASIBLE:
        if search.plan is None:
            raise InfeasibleError(NO_CHOICE)
        found = math.inf
    # Plans outside the remaining problem cost no less than the incumbent.
    search.exact_bound = max(search.exact_bound, min(found, search.incumbent))
    search.report("exact", message)


def _offer_rest(search: _Search, rest: CoverTask, chosen: IntArray) -> None:
    plan = rest.plan(chosen)
    search.offer(np.flatnonzero(np.isin(search.task.site_idx, plan)))


def _solution(search: _Search, plan: IntArray) -> SetCoverSolution:
    """Recompute cost, share and bound from the plan and the original numbers."""
    problem, task = search.problem, search.task
    open_site_idx = task.plan(plan)
    covered = covered_zones(problem, open_site_idx)
    share = _share(problem, covered)
    enough = (
        covered.all() if problem.min_share == 1.0 else share >= problem.min_share - SHARE_ROUNDING
    )
    if not enough:
        raise PlannerError("a plan covers less than what is asked for: a defect")
    objective = math.fsum(problem.cost[open_site_idx])
    bound = search.exact_bound
    if search.point is not None:
        bound = max(bound, search.raised(lagrangian_cost(task, search.point.share)))
    if bound > objective * (1.0 + 1e-7):
        raise PlannerError(f"the bound {bound!r} is above the plan's cost {objective!r}: a defect")
    bound = min(bound, objective)
    gap = gap_frac(objective, bound, sense="min")
    status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
    search.report("done", f"{len(open_site_idx)} stations, {status}")
    return SetCoverSolution(
        status=status,
        open_site_idx=open_site_idx,
        covered=covered,
        share=share,
        objective=objective,
        bound=bound,
        gap_frac=gap,
        wall_s=time.monotonic() - search.started,
        history=tuple(search.history),
    )
