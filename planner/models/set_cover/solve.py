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
Operations Research 47:730-743). Where all rows must be covered and numbers do not count, weights of
uncovered rows find cheaper plans sooner than annealing (:mod:`planner.models.set_cover.weighting`),
and zero-half cuts (:mod:`planner.models.set_cover.cuts`), then areas
(:mod:`planner.models.set_cover.areas`), bring the bound beyond the relaxation's. Where all
costs are multiples of a number, so is the bound.
CP-SAT counts in whole numbers: costs and values that are not whole are rounded so that its bound
stays a bound, and what that can cost is part of the gap.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, IntArray
from planner.errors import InfeasibleError, NoPlanError, PlannerError
from planner.models.set_cover.areas import areas_may_help, raise_bound_by_areas
from planner.models.set_cover.cuts import improve_by_cuts
from planner.models.set_cover.dual import (
    CoverPoint,
    cheapest_site,
    improve_cover_bound,
    lagrangian_cost,
    reduced_cost,
)
from planner.models.set_cover.exact import run_cp_sat
from planner.models.set_cover.feasible import check_feasible, covered_share, covered_zones
from planner.models.set_cover.greedy import greedy_cover
from planner.models.set_cover.model import set_cover_model, whole_factor
from planner.models.set_cover.presolve import CoverTask, reduce_cover
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.search import anneal_cover
from planner.models.set_cover.state import CoverSearch, cost_step
from planner.models.set_cover.tuning import Tuning
from planner.models.set_cover.weighting import search_by_weights, weighing
from planner.solving.best_sites import best_sites
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.rules import SiteRules
from planner.solving.status import OPTIMAL_GAP_FRAC, Status

NO_CHOICE = "no choice of stations covers what is asked for within the limits"
SHARE_ROUNDING = 1e-8
"""What rounding values to whole numbers may take from the share asked for."""
REPORT_ITERATIONS = 200
"""Primal-dual iterations between two reports."""


@dataclass(frozen=True)
class SetCoverSolution:
    """Plan and proof.

    Attributes
    ----------
    proof : Proof
        Cost of the stations, and what no plan goes below; less is better.
    open_site_idx : int array
        Open sites, ascending.
    covered : bool array, shape (num_zones,)
        Zones with as many stations within reach as they take.
    share : float
        Share of all value that is covered.
    """

    proof: Proof
    open_site_idx: IntArray
    covered: BoolArray
    share: float


def solve_set_cover(
    problem: SetCoverProblem,
    options: SolveOptions,
    *,
    tuning: Tuning | None = None,
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
    tuning : Tuning, optional
        How hard it works at what; measured values if not given.
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
    started = work_s()
    check_feasible(problem)
    task = reduce_cover(problem)
    if not task.may_be_kept:
        raise InfeasibleError(NO_CHOICE)
    search = CoverSearch(
        problem=problem,
        task=task,
        tuning=tuning or Tuning(),
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
        cost_step=cost_step(task),
    )
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
            f"{problem.rules.budget:,.2f}"
        )
    if search.plan is None and task.num_rows == 0:
        raise InfeasibleError(NO_CHOICE)
    if search.plan is None:
        raise NoPlanError("a limit was reached before a plan was found that covers enough")
    return _solution(search, search.plan)


def _search_until_done(search: CoverSearch, first: IntArray) -> None:
    """Rounds of bound, completion and annealing, each finer than the last; CP-SAT where it can."""
    tuning = search.tuning
    task = search.task
    rng = np.random.default_rng(search.options.seed)
    small = task.num_arcs <= tuning.always_exact_arcs
    target = OPTIMAL_GAP_FRAC if small else search.options.gap_frac
    points = improve_cover_bound(task, first)
    num_moves = max(tuning.first_moves_per_station * len(first), tuning.min_first_moves)
    num_steps = tuning.first_steps
    is_open = np.zeros(task.num_sites, dtype=np.bool_)
    is_open[first] = True
    arcs_tried, areas_tried = math.inf, False
    for round_number in itertools.count(1):
        relaxation_share = (
            tuning.first_relaxation_share if round_number == 1 else tuning.relaxation_share
        )
        _improve_bound(search, points, relaxation_share, target)
        if search.gap_frac > target and search.may_go_on():
            _plan_from_opening(search)
        if search.gap_frac > target and search.may_go_on():
            if search.plan is not None:
                is_open[:] = False
                is_open[search.plan] = True
            if _weighs_rows(search):
                _weigh_plan(search, min(num_steps, tuning.max_steps), rng)
            else:
                _anneal_plan(search, is_open, min(num_moves, tuning.max_moves), rng)
        last_round = round_number == tuning.max_rounds
        if search.gap_frac > OPTIMAL_GAP_FRAC and search.may_go_on():
            rest = _remaining_task(search)
            if last_round:
                most_arcs = (
                    tuning.max_exact_arcs if search.gap_frac > target else tuning.always_exact_arcs
                )
                share = 1.0
            else:
                most_arcs = int(min(tuning.always_exact_arcs, tuning.less_arcs_frac * arcs_tried))
                share = tuning.early_share
            if rest.num_arcs <= most_arcs or (last_round and search.plan is None):
                arcs_tried = rest.num_arcs
                _solve_exactly(search, rest, share)
        late = search.remaining_s < tuning.area_time_share * search.options.time_limit_s
        if (last_round or late) and search.gap_frac > target and search.may_go_on():
            if not areas_tried and areas_may_help(search):
                _improve_by_cuts(search, rng.spawn(1)[0], target)
            if not areas_tried and areas_may_help(search) and search.gap_frac > target:
                raise_bound_by_areas(search, tuning.area_share)
            areas_tried = True
        if search.gap_frac <= target or not search.may_go_on():
            break
        if last_round and (search.options.deterministic or small):
            break
        num_moves, num_steps = 3 * num_moves, 3 * num_steps


def _improve_bound(
    search: CoverSearch, points: Iterator[CoverPoint], relaxation_share: float, target: float
) -> None:
    """Run the primal-dual method until the plan, not the multipliers, makes most of the gap."""
    tuning = search.tuning
    leave_s = (1.0 - tuning.bound_share) * search.remaining_s
    for point in points:
        search.point = point
        if (
            point.relaxation_gap_frac <= relaxation_share * min(search.gap_frac, 1.0)
            or point.iterations >= tuning.max_dual_iterations
            or search.gap_frac <= target
            or search.remaining_s < leave_s
            or not search.may_go_on()
        ):
            break
        if point.iterations % REPORT_ITERATIONS == 0:
            search.report("bound", f"{point.iterations} primal-dual iterations")
    if search.point is not None:
        search.report("bound", f"{search.point.iterations} primal-dual iterations")


def _improve_by_cuts(search: CoverSearch, rng: np.random.Generator, target: float) -> None:
    """Price zero-half cuts until they can bring little more; for rows that take one station."""
    tuning, task, start = search.tuning, search.task, search.point
    if start is None or (task.need != 1).any():
        return
    leave_s = (1.0 - tuning.cut_share) * search.remaining_s
    for cut_point in improve_by_cuts(task, start, rng, tuning):
        search.cut_point, point = cut_point, cut_point.point
        if (
            point.relaxation_gap_frac <= tuning.relaxation_share * search.gap_frac
            or point.iterations >= tuning.max_cut_iterations
            or search.gap_frac <= target
            or search.remaining_s < leave_s
            or not search.may_go_on()
        ):
            break
        if point.iterations % REPORT_ITERATIONS == 0:
            search.report("bound", f"{point.iterations} iterations, {cut_point.num_cuts} cuts")
    if search.cut_point is not None:
        point = search.cut_point.point
        search.report("bound", f"{point.iterations} iterations, {search.cut_point.num_cuts} cuts")


def _plan_from_opening(search: CoverSearch) -> None:
    """Open what the linear relaxation opens for more than half, complete greedily."""
    if search.point is None:
        return
    task, nowhere = search.task, np.zeros(search.task.num_sites, dtype=np.bool_)
    worth = search.point.opening - 0.5
    first = best_sites(worth, nowhere, nowhere, 0, task.most, task.cities)
    search.offer(greedy_cover(task, first))
    search.report("opening", "greedy from the linear relaxation")


def _anneal_plan(
    search: CoverSearch, is_open: BoolArray, num_moves: int, rng: np.random.Generator
) -> None:
    """Anneal the choice among the sites that the multipliers find worth a look."""
    tuning = search.tuning
    task, point = search.task, search.point
    if point is None:
        return
    _, never_open = search.fixed_sites()
    reduced = reduced_cost(task, point.share) - point.number_price
    worth_a_look = ~never_open & (reduced <= (1.0 - tuning.candidate_worth_frac) * task.cost)
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
    started = work_s()
    num_chunks = -(-num_moves // tuning.moves_per_poll)
    fractions = np.linspace(0.0, 1.0, num_chunks + 1)
    temperatures = typical * tuning.hot_frac * (tuning.cold_frac / tuning.hot_frac) ** fractions
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
    search.moves_per_s = num_moves / max(work_s() - started, 1e-3)
    search.offer(greedy_cover(task, np.flatnonzero(is_open)))
    search.report("anneal", f"{num_moves} moves offered among {len(candidates)} sites")


def _weighs_rows(search: CoverSearch) -> bool:
    """Whether a plan is known, and weights of rows find better ones: all rows, no numbers."""
    task = search.task
    same_cost = bool((task.cost == task.cost[0]).all())
    return (
        search.plan is not None
        and task.covers_all
        and task.cities is None
        and task.least <= 0
        # At equal costs fewer stations are what is looked for.
        and (same_cost or task.most >= task.num_sites)
        and len(search.plan) <= search.tuning.most_weighed_stations
    )


def _weigh_plan(search: CoverSearch, num_steps: int, rng: np.random.Generator) -> None:
    """Look for cheaper plans by weights of rows, from the best one on."""
    if search.plan is None:
        return
    task, at_once = search.task, search.tuning.steps_per_poll
    state = weighing(task, search.plan)
    best_cost = search.incumbent - task.base_cost
    leave_s = (1.0 - search.tuning.weighing_share) * search.remaining_s
    for _ in range(0, num_steps, at_once):
        if search.remaining_s < leave_s or not search.may_go_on():
            break
        best_cost, plan = search_by_weights(
            task, state, num_steps=at_once, best_cost=best_cost, rng=rng
        )
        if len(plan):
            search.offer(plan)
            search.report("weights", f"{len(plan) + len(task.forced_idx)} stations")
    search.report("weights", f"{num_steps} steps among {task.num_sites} sites")


def _remaining_task(search: CoverSearch) -> CoverTask:
    """What is left to decide by plans better than the incumbent."""
    task, problem = search.task, search.problem
    forced = np.zeros(problem.num_sites, dtype=np.bool_)
    gone = np.ones(problem.num_sites, dtype=np.bool_)
    forced[task.forced_idx] = True
    gone[task.site_idx] = False
    always_open, never_open = search.fixed_sites()
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
        reach=task.rows_of_site,
        rules=SiteRules(
            forced=nowhere,
            forbidden=nowhere,
            cost=task.cost,
            budget=ceiling - task.base_cost,
            least=task.least,
            most=task.most,
            cities=task.cities,
        ),
        min_share=1.0 if task.covers_all else min(task.required / total, 1.0),
    )


def _solve_exactly(search: CoverSearch, rest: CoverTask, share: float) -> None:
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
        status, found = (
            result.status,
            rest.base_cost + result.bound / whole_factor(restricted.rules.cost),
        )
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


def _offer_rest(search: CoverSearch, rest: CoverTask, chosen: IntArray) -> None:
    plan = rest.plan(chosen)
    search.offer(np.flatnonzero(np.isin(search.task.site_idx, plan)))


def _solution(search: CoverSearch, plan: IntArray) -> SetCoverSolution:
    """Recompute cost, share and bound from the plan and the original numbers."""
    problem, task = search.problem, search.task
    open_site_idx = task.plan(plan)
    covered = covered_zones(problem, open_site_idx)
    share = covered_share(problem, covered)
    enough = (
        covered.all() if problem.min_share == 1.0 else share >= problem.min_share - SHARE_ROUNDING
    )
    if not enough:
        raise PlannerError("a plan covers less than what is asked for: a defect")
    objective = math.fsum(problem.rules.cost[open_site_idx])
    bound = search.exact_bound
    for each, point in search.relaxations:
        bound = max(bound, search.raised(lagrangian_cost(each, point.share)))
    if bound > objective * (1.0 + 1e-7):
        raise PlannerError(f"the bound {bound!r} is above the plan's cost {objective!r}: a defect")
    proof = search.proof(objective, min(bound, objective))
    search.report("done", f"{len(open_site_idx)} stations, {proof.status}")
    return SetCoverSolution(
        proof=replace(proof, history=tuple(search.history)),
        open_site_idx=open_site_idx,
        covered=covered,
        share=share,
    )
