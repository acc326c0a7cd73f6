"""Maximal covering over time and futures: stations that open node by node and stay.

The algebra is that of :mod:`planner.models.phasing.problem`. One node with one column is the
national siting problem and goes to :mod:`planner.models.national`. Otherwise:

1. presolve merges zones (:mod:`planner.models.phasing.rows`);
2. a primal-dual method gives multipliers, prices of openings by node and the joint bound
   (:mod:`planner.models.phasing.dual`), hence which sites deserve a look;
3. sites that serve the leaves well are put in order by greedy steps within the limits of each
   node, and annealing with moves that keep the plan nested improves both choice and order
   (:mod:`planner.models.phasing.search`): exchanging finished plans' times alone leaves a third
   of the gap;
4. sizes grow where stations turn load away and money is left;
5. what is small is closed by SCIP as one model (:mod:`planner.models.phasing.model`), several
   cities go on one by one (:mod:`planner.models.phasing.rounds`).

A plan is worth what its stations serve column by column at best, with their capacity, recomputed
on the original zones. Step 3 knows of capacity what cuts tell: each plan's service gives some
(:mod:`planner.models.phasing.cuts`), and annealing goes on in short rounds as long as it turns out
that stations are full where no cut told so.
"""

import itertools
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from planner.arrays import BoolArray, IndexArray
from planner.errors import PlannerError
from planner.models.national.solve import NationalLimit, NationalSolution, solve_national
from planner.models.phasing.annealing import anneal_round, state_at
from planner.models.phasing.background import Background
from planner.models.phasing.bound import phased_bound
from planner.models.phasing.capacity_bound import capacity_bounds
from planner.models.phasing.dual import PhasedDualPoint, phased_duals
from planner.models.phasing.feasible import check_phased_feasible, keeps_limits
from planner.models.phasing.model import PhasedModel, phased_mip
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.rounds import improve_by_city
from planner.models.phasing.rows import merge_phased_rows, node_values
from planner.models.phasing.service import (
    served_by_column,
)
from planner.models.phasing.sizes import plan_of_table, table_of_plan
from planner.models.phasing.solution import PhasedPlan, PhasedSolution, PhasedStart
from planner.models.phasing.start import NestedState, first_state
from planner.models.phasing.state import PhasedSearch
from planner.models.phasing.tuning import Tuning
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.compiling import work_s
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

SCIP_TOLERANCE = 1e-7
"""Closer than this the digits of SCIP's bound carry no information."""


def solve_phased(
    problem: PhasedProblem,
    options: SolveOptions,
    *,
    start: PhasedStart | None = None,
    node_names: Sequence[str] = (),
    executor: Executor | None = None,
    tuning: Tuning = Tuning(),
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> PhasedSolution:
    """Open stations node by node so that the value served is greatest.

    Parameters
    ----------
    problem : PhasedProblem
        Not changed.
    options : SolveOptions
        The search ends at ``gap_frac``, at the time limit or, in deterministic mode, after a
        fixed amount of work.
    start : PhasedStart, optional
        Where an earlier search ended: its plan is the first incumbent if it keeps the limits, and
        otherwise tells which sites to choose from first.
    node_names : sequence of str, optional
        What messages call the nodes.
    executor : concurrent.futures.Executor, optional
        For the cities of one siting.
    tuning : Tuning, optional
        How hard each step works.
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    PhasedSolution
        Always with a plan.

    Raises
    ------
    InfeasibleError
        If no plan satisfies the limits, with the reason.
    """
    started = work_s()
    check_phased_feasible(problem, node_names)
    static = _static(problem)
    if static is not None:
        solution = solve_national(
            static,
            options,
            executor=executor,
            limits=_further_limits(problem),
            on_progress=on_progress,
            stop=stop,
        )
        return _of_national(problem, solution)
    search = PhasedSearch(
        problem=problem,
        rows=merge_phased_rows(problem),
        tuning=tuning,
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
        other_bound=math.fsum(problem.value.ravel()),
    )
    rng = np.random.default_rng(options.seed)
    if search.rows.num_rows:
        points = phased_duals(search.rows, problem)
        if options.workers > 1 and not options.deterministic and not search.is_small:
            search.background = Background(points, lambda point: _is_good(search, point))
        else:
            search.points = points
    by_city = _has_time_by_city(search)
    if by_city:
        limit_s = (1.0 - tuning.by_city_share) * options.time_limit_s
        search.options = replace(options, time_limit_s=limit_s)
    try:
        state = _begin(search, start, rng)
        _search_until_done(search, state, rng)
    finally:
        for bounds in (search.background, search.capacity_bounds):
            if isinstance(bounds, Background):
                bounds.end()
    search.options = options
    if by_city:
        _improve_by_city(search, executor)
    return _solution(search)


def _has_time_by_city(search: PhasedSearch) -> bool:
    """Whether cities are to be answered one by one after the search of the nation."""
    problem, options = search.problem, search.options
    several = len(np.unique(problem.cities.city_idx)) > 1
    timed = not options.deterministic and math.isfinite(options.time_limit_s)
    return (
        several
        and timed
        and search.rows.num_rows > 0
        and not (search.is_small or search.is_crowded)
    )


def _improve_by_city(search: PhasedSearch, executor: Executor | None) -> None:
    """Improve plan and bound city by city in the time that is left."""
    point = search.point
    if point is None or search.gap_frac <= search.options.gap_frac or not search.may_go_on():
        return
    began_s = search.elapsed_s

    def pass_on(progress: Progress) -> None:
        told = replace(progress, elapsed_s=began_s + progress.elapsed_s)
        search.history.append(told)
        if search.on_progress is not None:
            search.on_progress(told)

    found = improve_by_city(
        search.problem,
        plan_of_table(search.table),
        replace(search.options, time_limit_s=search.remaining_s),
        price=point.price,
        share=search.rows.share_by_zone(point.multiplier),
        bound=search.best_bound,
        executor=executor,
        on_progress=pass_on,
        stop=search.stop,
    )
    if found.objective > search.objective:
        search.table = table_of_plan(search.problem, found.plan)
        search.objective = found.objective
    if found.bound < search.best_bound:
        search.by_city = found
    search.other_bound = min(search.other_bound, found.bound)


def _static(problem: PhasedProblem) -> SizedCoverageProblem | None:
    """The problem as one siting for good, if that says all of it."""
    if problem.num_columns > 1 or np.isfinite(problem.cities.rate).any():
        return None
    return problem.as_static()


def _further_limits(problem: PhasedProblem) -> list[NationalLimit]:
    return [
        NationalLimit(limit.name, limit.use, float(limit.amount[0]))
        for limit in problem.limits
        if limit.name not in ("stations", "money")
    ]


def _of_national(problem: PhasedProblem, solution: NationalSolution) -> PhasedSolution:
    """One siting as a plan over one node."""
    names = tuple(limit.name for limit in problem.limits)
    known = dict(zip(solution.resources, solution.price.tolist(), strict=True))
    price = np.array([[known.get(name, 0.0)] for name in names])
    plan = PhasedPlan(solution.open_site_idx, solution.type_idx[:, None].astype(np.int32))
    served = np.array([math.fsum(problem.value[:, 0] * solution.served_frac)])
    return PhasedSolution(
        plan=plan,
        served_frac=solution.served_frac[:, None],
        served=served,
        resources=names,
        price=price,
        end=PhasedStart(plan, solution.end.share[:, None], price),
        proof=solution.proof,
    )


def _begin(
    search: PhasedSearch, start: PhasedStart | None, rng: np.random.Generator
) -> NestedState:
    """The first plan, in the tables of the search."""
    problem, rows = search.problem, search.rows
    search.report("presolve", f"{rows.num_sites} sites x {rows.num_rows} rows")
    preferred = None
    if start is not None:
        search.other_bound = min(search.other_bound, _bound_of_start(search, start))
        table = table_of_plan(problem, start.plan)
        preferred = np.asarray((table != CLOSED).any(axis=1))
        if not keeps_limits(problem, start.plan):
            search.offer(table)
    state = first_state(problem, rows, preferred, search.tuning, rng)
    search.offer(state.table)
    search.report("greedy", f"{_number(search.table)} stations placed")
    search.learn_cuts(search.table)
    return state_at(search, search.table)


def _bound_of_start(search: PhasedSearch, start: PhasedStart) -> float:
    """What the multipliers and prices of an earlier search prove here."""
    if start.share is None or start.price is None:
        return math.inf
    multiplier = search.rows.multiplier_of(start.share, node_values(search.problem))
    return phased_bound(search.problem, search.rows, multiplier, start.price)


def _number(table: IndexArray) -> int:
    return int((table != CLOSED).any(axis=1).sum())


def _search_until_done(search: PhasedSearch, state: NestedState, rng: np.random.Generator) -> None:
    """Rounds of bound and annealing, each finer than the last; SCIP where it can.

    What a plan made full, only its service tells: where stations are full rounds are short, and
    once those find nothing a long one leaves the crowded cities as they are.
    """
    tuning = search.tuning
    target = OPTIMAL_GAP_FRAC if search.is_small else search.options.gap_frac
    stations = _number(search.table)
    long = max(tuning.first_moves_per_station * stations, tuning.min_first_moves)
    short, stale = tuning.crowded_moves_per_station * stations, 0
    for number in itertools.count(1):
        if search.gap_frac <= target or not search.may_go_on():
            break
        _improve_bound(search, target, 1 if number == 1 else 3)
        known, is_short = search.objective, number > 1 and search.is_crowded
        if search.gap_frac > target and search.may_go_on():
            stays = _crowded_sites(search) if is_short and stale >= tuning.stale_rounds else None
            if stays is not None:
                is_short, stale = False, 0
            moves = short if is_short else min(long, tuning.max_moves)
            hot_frac = (
                tuning.crowded_hot_frac if number > 1 and search.is_crowded else tuning.hot_frac
            )
            state = anneal_round(search, state, moves, hot_frac, rng, stays=stays)
            long = long if is_short else 3 * long
            stale = stale + 1 if search.objective <= known else 0
        if search.is_small and search.gap_frac > target and search.may_go_on():
            _solve_exactly(search)
        if search.is_small or (number == tuning.max_rounds and search.options.deterministic):
            break


def _crowded_sites(search: PhasedSearch) -> BoolArray | None:
    """Sites in cities whose stations the last plan made full; None if there are no others."""
    city_of_site = search.problem.cities.city_idx[search.rows.site_idx]
    crowded = np.isin(city_of_site, search.crowded_cities)
    return None if crowded.all() else crowded


def _improve_bound(search: PhasedSearch, target: float, factor: int) -> None:
    """Run the primal-dual method until it has taken its share of the time or is good enough."""
    if search.background is not None:
        search.point = search.background.look() or search.point
        search.report("bound", "multipliers so far")
        if search.background.is_done:
            _lower_where_crowded(search)
        return
    began = work_s()
    first = 0 if search.point is None else search.point.iterations
    share_s = search.tuning.dual_share * search.options.time_limit_s
    for point in search.points:
        if search.point is None or point.bound < search.point.bound:
            search.point = point
        done = point.iterations - first
        late = work_s() - began > share_s and not search.options.deterministic
        if (
            late
            or done >= search.tuning.dual_iterations * factor
            or point.relaxation_gap_frac <= search.tuning.relaxation_gap / factor
            or search.gap_frac <= target
            or not search.may_go_on()
        ):
            break
    search.report("bound", "multipliers of the relaxation without capacity")
    if search.point is not None and _is_good(search, search.point):
        _lower_where_crowded(search)


def _lower_where_crowded(search: PhasedSearch) -> None:
    """Take the bound of cities whose stations are full, on a thread or for a share of the time."""
    if search.capacity_bounds is None:
        if search.point is None or search.is_small or not search.is_crowded:
            return
        bounds = capacity_bounds(search.problem, search.rows, search.point, search.crowded_cities)
        search.capacity_bounds = bounds if search.background is None else Background(bounds)
    if isinstance(search.capacity_bounds, Background):
        bound = search.capacity_bounds.look()
        search.other_bound = min(search.other_bound, math.inf if bound is None else bound)
    else:
        began, limit_s = work_s(), search.tuning.crowded_bound_share * search.remaining_s
        for bound in itertools.islice(search.capacity_bounds, search.tuning.crowded_bounds):
            search.other_bound = min(search.other_bound, bound)
            late = work_s() - began > limit_s and not search.options.deterministic
            if late or not search.may_go_on():
                break
    search.report("bound", f"{len(search.crowded_cities)} cities with full stations")


def _is_good(search: PhasedSearch, point: PhasedDualPoint) -> bool:
    """Whether multipliers are as close to the relaxation's as is worth their time."""
    return point.relaxation_gap_frac <= search.tuning.last_relaxation_gap


def _solve_exactly(search: PhasedSearch) -> None:
    """Let SCIP find a better plan, or prove that there is none."""
    problem = search.problem
    fits = np.asarray(problem.fits.any(axis=1))
    usable = fits & problem.may_stand.any(axis=1)
    model = PhasedModel(problem, np.flatnonzero(usable).astype(np.int64))
    result = solve_mip(
        phased_mip(model).to_ortools(),
        time_limit_s=max(search.remaining_s, 1e-3),
        node_limit=search.tuning.exact_nodes if search.options.deterministic else None,
        seed=search.options.seed,
        stop=search.stop,
    )
    if result.values is not None:
        table = model.table(result.values)
        if not keeps_limits(problem, plan_of_table(table)):
            search.offer(table)
    if math.isfinite(result.bound):
        bound = max(result.bound, search.objective)
        if result.status is Status.OPTIMAL and gap_frac(search.objective, bound) <= SCIP_TOLERANCE:
            bound = search.objective
        search.other_bound = min(search.other_bound, bound)
    search.report("exact", f"{model.num_openings} steps of size: {result.message}")


def _solution(search: PhasedSearch) -> PhasedSolution:
    """Recompute the objective on the original zones, and the proof."""
    problem = search.problem
    plan = plan_of_table(search.table)
    wrong = keeps_limits(problem, plan)
    if wrong:
        raise PlannerError(f"a plan over time breaks its limits: {wrong[0]}: a defect")
    served_frac, served = served_by_column(problem, plan)
    objective = math.fsum(served)
    point = search.point
    bound = min(search.other_bound, math.inf if point is None else point.bound)
    if bound < objective * (1.0 - OPTIMAL_GAP_FRAC):
        raise PlannerError(f"the bound {bound!r} is below the plan's value {objective!r}: a defect")
    bound = max(bound, objective)
    price = np.zeros((len(problem.limits), problem.tree.num_nodes))
    share = None
    if point is not None:
        price, share = point.price, search.rows.share_by_zone(point.multiplier)
    if search.by_city is not None:
        price, share = search.by_city.price, search.by_city.share
    search.report("done", f"{len(plan.site_idx)} stations, {search.proof(objective, bound).status}")
    return PhasedSolution(
        plan=plan,
        served_frac=served_frac,
        served=served,
        resources=tuple(limit.name for limit in problem.limits),
        price=price,
        end=PhasedStart(plan, share, price),
        proof=search.proof(objective, bound),
    )
