"""The frontier of covering: most value served at every number of stations, or for any money.

Sets, rules and equations are those of ``sized_coverage``; what varies is the most stations or the
budget. Amounts are taken in ascending order:

1. multipliers of the relaxation without capacity at each amount, from those of the last
   (:mod:`planner.models.phasing.dual`): 60 to 100 iterations instead of 400. Each vector bounds
   all amounts (:mod:`planner.models.frontier.bounds`);
2. a plan at each amount from the last one's stations. Where the number of stations is all that the
   nation limits, city by city at the price of a station, with exact service where stations are
   full (:mod:`planner.models.frontier.by_city`); otherwise greedy steps, annealing within all
   limits (:mod:`planner.models.phasing.search`) and sizes. It is worth what its stations
   serve at best, with their capacity. Where it makes stations full the vector learns what they
   can carry (:mod:`planner.models.frontier.crowded`);
3. amounts whose gap is still wide are visited again by city, then go to
   :mod:`planner.models.national`, the widest first.

A nested frontier is one plan over a line of nodes, one for each amount, each weighted by one over
its bound, so that a point's relative loss counts alike everywhere. Its bounds are those of plans
that need not be nested.

With two workers 1 runs beside 2.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.limits import widened
from planner.models.frontier.bounds import bound_budgets, bound_numbers, free_sites
from planner.models.frontier.by_city import improve_by_city, may_go_by_city, plans_by_city
from planner.models.frontier.nodes import merged_zones, siting_over_nodes
from planner.models.frontier.result import Frontier, FrontierPlan, tidied
from planner.models.frontier.state import FrontierSearch, add_vector, fill, plan_at
from planner.models.frontier.tuning import Tuning
from planner.models.national.parts import Parts
from planner.models.national.solve import solve_national
from planner.models.phasing.annealing import anneal_round
from planner.models.phasing.cuts import CutFamily
from planner.models.phasing.dual import DualStart, PhasedDualPoint, phased_duals
from planner.models.phasing.feasible import check_phased_feasible
from planner.models.phasing.problem import CLOSED
from planner.models.phasing.rows import PhasedRows, merge_phased_rows
from planner.models.phasing.start import NestedState, first_state, state_of
from planner.models.phasing.state import PhasedSearch
from planner.models.phasing.tables import nested_value
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest


def coverage_frontier(
    problem: SizedCoverageProblem,
    amounts: FloatArray,
    options: SolveOptions,
    *,
    is_money: bool = False,
    nested: bool = False,
    num_steps: int = 200,
    tuning: Tuning | None = None,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> Frontier:
    """The most value served over the number of stations, or over money.

    Parameters
    ----------
    problem : SizedCoverageProblem
        Its rules hold at every amount, but for the limit that varies. Not changed.
    amounts : float array, shape (num_points,)
        Most stations, or budgets [CNY], forced stations included; ascending.
    options : SolveOptions
        Plans within ``gap_frac`` are not improved any further; the time limit holds for the whole
        frontier.
    is_money : bool
        Whether amounts are money.
    nested : bool
        Whether stations of each plan are to stand in all later ones.
    num_steps : int
        Budgets, from the first to the last, at which the bound is given; of numbers it is given at
        every one.
    tuning : Tuning, optional
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end early; every amount has a plan and a bound even so.

    Returns
    -------
    Frontier

    Raises
    ------
    InfeasibleError
        If the least amount allows no plan, with the reason.
    ValueError
        If the rules ask for a least number of stations, or amounts do not ascend.
    """
    started, tuning = work_s(), tuning or Tuning()
    if problem.rules.least > 0:
        raise ValueError("a frontier does not model a least number of stations")
    if len(amounts) == 0 or not (np.diff(amounts) > 0).all():
        raise ValueError("amounts must ascend, and there must be one")
    problem = merged_zones(problem, money_matters=is_money or math.isfinite(problem.rules.budget))
    unit = "CNY" if is_money else "stations"
    names = [f"{x:,.0f} {unit}" for x in amounts.tolist()]
    single = siting_over_nodes(problem, amounts[:1], is_money, np.ones(1))
    check_phased_feasible(single, names)
    whole = math.fsum(problem.coverage.value.tolist())
    search = FrontierSearch(
        problem=problem, amounts=amounts, is_money=is_money, nested=nested, options=options,
        tuning=tuning, names=names, on_progress=on_progress, stop=stop, started=started,
        single=single, rows=merge_phased_rows(single), other_bound=np.full(len(amounts), whole),
        plan_price=np.zeros(len(amounts)),
    )  # fmt: skip
    cities: Parts | None = None
    with ExitStack() as stack:
        next_point = _points(search, stack)
        if nested:
            for at in range(len(amounts)):
                _take_point(search, at, next_point)
            _nested_plans(search)
        elif may_go_by_city(search):
            cities = plans_by_city(search, lambda at: _take_point(search, at, next_point))
        else:
            _plans(search, next_point)
    if cities is not None:
        improve_by_city(search, cities, lambda: _frontier(search, num_steps).gap_frac)
    if not nested:
        _improve_widest(search, num_steps)
    return _frontier(search, num_steps)


def _points(search: FrontierSearch, stack: ExitStack) -> Callable[[], PhasedDualPoint]:
    """What gives the multipliers of the next amount, beside the search if it may."""
    sweep = _sweep(search)
    if search.options.workers == 1 or search.options.deterministic:
        return lambda: next(sweep)
    pool = stack.enter_context(ThreadPoolExecutor(max_workers=1))
    futures: Iterator[Future[PhasedDualPoint]] = iter(
        [pool.submit(next, sweep) for _ in search.amounts]
    )
    return lambda: next(futures).result()


def _sweep(search: FrontierSearch) -> Iterator[PhasedDualPoint]:
    """Multipliers at each amount, from those of the last."""
    tuning, start = search.tuning, None
    num_points = len(search.amounts)
    beside = search.options.workers > 1 and not search.nested
    share = tuning.beside_time_share if beside else tuning.bound_time_share
    for at in range(num_points):
        problem, rows = search.problem_at(at), search.rows_at(at)
        if rows.num_rows == 0:
            yield _nothing_to_serve(rows)
            continue
        began, limit_s = work_s(), share * search.options.time_limit_s / (num_points + 2)
        most = tuning.iterations
        if at == 0:
            limit_s, most = 3 * limit_s, tuning.first_iterations
        for point in phased_duals(rows, problem, start=start):
            late = work_s() - began > limit_s and not search.options.deterministic
            enough = point.relaxation_gap_frac <= tuning.relaxation_gap
            if late or enough or point.iterations >= most or not search.may_go_on():
                break
        start = DualStart(point.multiplier, point.price, point.opening)
        yield point


def _nothing_to_serve(rows: PhasedRows) -> PhasedDualPoint:
    return PhasedDualPoint(
        multiplier=np.zeros((0, 1)),
        price=np.zeros((len(rows.use), 1)),
        bound=rows.base_value,
        opening=rows.must_stand.astype(np.float64),
        relaxed_value=rows.base_value,
        iterations=0,
    )


def _take_point(
    search: FrontierSearch, at: int, next_point: Callable[[], PhasedDualPoint]
) -> PhasedDualPoint:
    point = next_point()
    search.points.append(point)
    search.other_bound[at] = min(search.other_bound[at], point.bound)
    search.report(at, "bound", f"{point.iterations} primal-dual iterations", None, point.bound)
    return point


def _plans(search: FrontierSearch, next_point: Callable[[], PhasedDualPoint]) -> None:
    """A plan at each amount, from the last one's stations."""
    tuning, num_points = search.tuning, len(search.amounts)
    stands = np.zeros((search.single.num_sites, 1), dtype=np.bool_)
    families: list[CutFamily] = []
    moves_per_s = math.inf
    for at in range(num_points):
        point = _take_point(search, at, next_point)
        # The first has no plan to begin with; what it leaves undone all later ones lack.
        parts = num_points if at > 0 else (num_points + tuning.first_parts - 1) / tuning.first_parts
        left_s = search.remaining_s * tuning.plans_time_share / (parts - at)
        problem, rows = search.problem_at(at), search.rows_at(at)
        rng = np.random.default_rng([search.options.seed, at])
        walk = PhasedSearch(
            problem=problem, rows=rows, tuning=tuning.search, stop=search.stop,
            options=replace(
                search.options, time_limit_s=max(left_s, 1e-3) if math.isfinite(left_s) else left_s
            ),
            point=point, families=families, moves_per_s=moves_per_s,
        )  # fmt: skip
        if at == 0:
            state = first_state(problem, rows, None, tuning.search, rng)
        else:
            state = state_of(problem, rows, stands, families)
        fill(state)
        if rows.num_rows:
            moves = tuning.first_moves if at == 0 else tuning.moves
            hot_frac = tuning.first_hot_frac if at == 0 else tuning.hot_frac
            state = _annealed(walk, state, _moves(walk, moves, tuning.least_moves), hot_frac, rng)
            _anneal_crowded(walk, state, tuning, rng)
        if walk.best_objective is None:
            walk.offer(state.table)
        add_vector(search, search.points[at], _crowded(walk))
        families, moves_per_s = walk.families, walk.moves_per_s
        stands = walk.table != CLOSED
        search.plans.append(plan_at(walk.table[:, 0], walk.objective))
        search.report(at, "plan", "annealed", walk.objective, point.bound)


def _anneal_crowded(
    walk: PhasedSearch, state: NestedState, tuning: Tuning, rng: np.random.Generator
) -> None:
    """Rounds more while stations turn load away that annealing did not know of."""
    moves, stale = _moves(walk, tuning.crowded_moves, tuning.least_moves), 0
    for _ in range(tuning.crowded_rounds):
        if not walk.is_crowded or stale >= tuning.stale_rounds or not walk.may_go_on():
            return
        before = walk.objective
        state = anneal_round(walk, state, moves, tuning.search.crowded_hot_frac, rng)
        gained = walk.objective - before > tuning.little_frac * before
        stale = 0 if gained else stale + 1


def _crowded(walk: PhasedSearch) -> IntArray:
    """Cities with full stations."""
    return walk.once_crowded_cities if walk.is_crowded else np.empty(0, np.int64)


def _annealed(
    walk: PhasedSearch,
    state: NestedState,
    num_moves: int,
    hot_frac: float,
    rng: np.random.Generator,
) -> NestedState:
    """A round of annealing; where it had too little time, the plan before counts."""
    table, before = state.table, nested_value(state.board, state.plan)
    state = anneal_round(walk, state, num_moves, hot_frac, rng)
    if nested_value(state.board, state.plan) < before:
        walk.offer(table)
    return state


def _moves(walk: PhasedSearch, per_station: int, least: int) -> int:
    """Moves offered for so many stations."""
    number = int(sum(limit.amount[0] for limit in walk.problem.limits[:1]))
    return max(per_station * min(number, walk.problem.num_sites), least)


def _nested_plans(search: FrontierSearch) -> None:
    """One plan over a line of nodes, its values weighted alike."""
    tuning, num_points = search.tuning, len(search.amounts)
    bounds = np.array([point.bound for point in search.points])
    weight = np.where(bounds > 0, bounds.max() / np.where(bounds > 0, bounds, 1.0), 0.0)
    problem = siting_over_nodes(search.problem, search.amounts, search.is_money, weight)
    check_phased_feasible(problem, search.names)
    rows = merge_phased_rows(problem)
    # Of plans that need not be nested, node by node: rows of both are the same.
    multiplier = np.hstack([point.multiplier for point in search.points]) * weight
    price = np.hstack([point.price for point in search.points]) * weight
    walk = PhasedSearch(
        problem=problem, rows=rows, tuning=tuning.search, stop=search.stop,
        options=replace(search.options, time_limit_s=max(search.remaining_s, 1e-3))
        if not search.options.deterministic else search.options,
        other_bound=math.fsum(weight * bounds),
        point=PhasedDualPoint(
            multiplier=multiplier, price=price, bound=math.fsum(weight * bounds),
            opening=np.hstack([point.opening for point in search.points]),
            relaxed_value=math.fsum(weight * [point.relaxed_value for point in search.points]),
            iterations=0,
        ),
    )  # fmt: skip
    rng = np.random.default_rng(search.options.seed)
    state = first_state(problem, rows, None, tuning.search, rng)
    if rows.num_rows and walk.may_go_on():
        number = num_points * tuning.nested_moves
        state = _annealed(
            walk, state, _moves(walk, number, tuning.least_moves), tuning.search.hot_frac, rng
        )
        for _ in range(tuning.nested_rounds):
            if not walk.is_crowded or not walk.may_go_on():
                break
            again = _moves(walk, tuning.crowded_moves * num_points, tuning.least_moves)
            state = anneal_round(walk, state, again, tuning.search.crowded_hot_frac, rng)
    if walk.best_objective is None:
        walk.offer(state.table)
    for at in range(num_points):
        add_vector(search, search.points[at], _crowded(walk))
    services = walk.serve(walk.table)
    for at, each in enumerate(services):
        objective = each.service.value / weight[at] if weight[at] > 0 else 0.0
        search.plans.append(plan_at(walk.table[:, at], objective))
        search.report(at, "plan", "nested", objective, float(bounds[at]))


def _improve_widest(search: FrontierSearch, num_steps: int) -> None:
    """Ask the national search where the gap is wide, the widest gap first.

    Small problems are proven, whatever the gap asked for; larger ones need some time to begin.
    """
    tried: set[int] = set()
    is_small = search.single.reach.num_entries <= search.tuning.exact_entries
    target = 0.0 if is_small else search.options.gap_frac
    least_s = 0.0 if is_small else search.tuning.least_national_s
    while search.may_go_on() and (is_small or not search.options.deterministic):
        gaps = _frontier(search, num_steps).gap_frac
        wide = [at for at in np.argsort(-gaps).tolist() if gaps[at] > target and at not in tried]
        if not wide or search.remaining_s < least_s:
            return
        at = wide[0]
        tried.add(at)
        static = search.problem_at(at).as_static()
        if static is None:
            return
        share_s = max(search.remaining_s / len(wide), least_s, 1e-3)
        found = solve_national(
            static, replace(search.options, time_limit_s=share_s, gap_frac=target), stop=search.stop
        )
        search.other_bound[at] = min(search.other_bound[at], found.proof.bound)
        if found.proof.objective > search.plans[at].objective:
            search.plans[at] = FrontierPlan(
                found.open_site_idx, found.type_idx, found.proof.objective
            )
        bound = float(search.other_bound[at])
        search.report(at, "national", "answered as one siting", search.plans[at].objective, bound)


def _frontier(search: FrontierSearch, num_steps: int) -> Frontier:
    every, bounds = _bounds(search, num_steps)
    varied = 1 if search.is_money else 0
    return tidied(
        Frontier(
            sense="max",
            grows=True,
            amount=search.amounts,
            plans=tuple(search.plans),
            bound=search.other_bound.copy(),
            price=np.array([point.price[varied, 0] for point in search.points]),
            every_amount=every,
            every_bound=bounds,
            is_nested=search.nested,
        )
    )


def _bounds(search: FrontierSearch, num_steps: int) -> tuple[FloatArray, FloatArray]:
    """The bound at every amount from the first to the last, by all vectors of multipliers."""
    problem, rules, rows = search.problem, search.problem.rules, search.rows
    amounts = search.amounts
    if search.is_money:
        every = np.union1d(np.linspace(amounts[0], amounts[-1], num_steps), amounts)
    else:
        every = np.arange(amounts[0], amounts[-1] + 1)
    if rows.num_rows == 0:
        return every, np.full(len(every), rows.base_value)
    sites, vectors = free_sites(problem, rows.site_idx), search.vectors
    fits = problem.capacity > 0
    cheapest = np.where(fits, rules.cost, np.inf).min(axis=1, initial=np.inf)
    forced_cost = math.fsum(cheapest[rules.forced & np.isfinite(cheapest)])
    if search.is_money:
        most = min(rules.most, rules.num_sites) - rules.num_forced
        budgets = np.array([widened(each) for each in every.tolist()]) - forced_cost
        return every, bound_budgets(sites, vectors, most, budgets)
    numbers = (every - rules.num_forced).astype(np.int64)
    return every, bound_numbers(sites, vectors, rules.most_cost - forced_cost, numbers)
