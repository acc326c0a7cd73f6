"""The frontier of covering: most value served at every number of stations, or for any money.

Sets, rules and equations are those of ``sized_coverage``; what varies is the most stations or the
budget. Amounts are taken in ascending order:

1. multipliers of the relaxation without capacity at each amount, from those of the last
   (:mod:`planner.models.phasing.dual`): 60 to 100 iterations instead of 400. Each vector bounds
   all amounts (:mod:`planner.models.frontier.bounds`);
2. a plan at each amount: the last one's stations, greedy steps, annealing within all limits
   (:mod:`planner.models.phasing.search`), sizes where they matter. It is worth what its stations
   serve at best, with their capacity;
3. amounts whose gap is still wide go to :mod:`planner.models.national`, the widest first.

A nested frontier is one plan over a line of nodes, one for each amount, each weighted by one over
its bound, so that a point's relative loss counts alike everywhere. Its bounds are those of plans
that need not be nested.

With two workers 1 runs beside 2.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np

from planner.arrays import FloatArray, IndexArray
from planner.limits import widened
from planner.models.frontier.bounds import FreeSites, Vector, bound_budgets, bound_numbers
from planner.models.frontier.nodes import merged_zones, siting_over_nodes
from planner.models.frontier.result import Frontier, FrontierPlan, tidied
from planner.models.frontier.tuning import Tuning
from planner.models.national.solve import solve_national
from planner.models.phasing.annealing import anneal_round
from planner.models.phasing.bound import site_worth
from planner.models.phasing.cuts import CutFamily
from planner.models.phasing.dual import DualStart, PhasedDualPoint, phased_duals
from planner.models.phasing.feasible import check_phased_feasible
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.rows import PhasedRows, merge_phased_rows
from planner.models.phasing.search import fill_greedily
from planner.models.phasing.start import NestedState, first_state, state_of
from planner.models.phasing.state import PhasedSearch
from planner.models.phasing.tables import nested_value
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest


@dataclass(kw_only=True)
class _Search:
    """The amounts, and what is known at each."""

    problem: SizedCoverageProblem
    amounts: FloatArray
    is_money: bool
    nested: bool
    options: SolveOptions
    tuning: Tuning
    names: list[str]
    on_progress: ProgressCallback | None
    stop: StopRequest | None
    started: float
    single: PhasedProblem
    rows: PhasedRows
    points: list[PhasedDualPoint] = field(default_factory=list)
    plans: list[FrontierPlan] = field(default_factory=list)
    other_bound: FloatArray

    @property
    def remaining_s(self) -> float:
        if self.options.deterministic:
            return math.inf
        return self.options.time_limit_s - (work_s() - self.started)

    def may_go_on(self) -> bool:
        return self.remaining_s > 0.0 and not (self.stop is not None and self.stop.is_set())

    def problem_at(self, at: int) -> PhasedProblem:
        """One siting for good within an amount."""
        limits = list(self.single.limits)
        varied = 1 if self.is_money else 0
        limits[varied] = replace(limits[varied], amount=self.amounts[at : at + 1].copy())
        return replace(self.single, limits=tuple(limits))

    def rows_at(self, at: int) -> PhasedRows:
        available = self.rows.available.copy()
        varied = 1 if self.is_money else 0
        available[varied] += widened(self.amounts[at]) - widened(self.amounts[0])
        return replace(self.rows, available=available)

    def report(
        self, at: int, stage: str, message: str, objective: float | None, bound: float
    ) -> None:
        if self.on_progress is not None:
            told = f"{self.names[at]}: {message}"
            elapsed_s = work_s() - self.started
            self.on_progress(Progress(stage, objective, bound, elapsed_s, told, "max"))


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
    search = _Search(
        problem=problem, amounts=amounts, is_money=is_money, nested=nested, options=options,
        tuning=tuning, names=names, on_progress=on_progress, stop=stop, started=started,
        single=single, rows=merge_phased_rows(single), other_bound=np.full(len(amounts), whole),
    )  # fmt: skip
    with ExitStack() as stack:
        next_point = _points(search, stack)
        if nested:
            for at in range(len(amounts)):
                _take_point(search, at, next_point)
            _nested_plans(search)
        else:
            _plans(search, next_point)
    if not nested:
        _improve_widest(search, num_steps)
    return _frontier(search, num_steps)


def _points(search: _Search, stack: ExitStack) -> Callable[[], PhasedDualPoint]:
    """What gives the multipliers of the next amount, beside the search if it may."""
    sweep = _sweep(search)
    if search.options.workers == 1 or search.options.deterministic:
        return lambda: next(sweep)
    pool = stack.enter_context(ThreadPoolExecutor(max_workers=1))
    futures: Iterator[Future[PhasedDualPoint]] = iter(
        [pool.submit(next, sweep) for _ in search.amounts]
    )
    return lambda: next(futures).result()


def _sweep(search: _Search) -> Iterator[PhasedDualPoint]:
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
    search: _Search, at: int, next_point: Callable[[], PhasedDualPoint]
) -> PhasedDualPoint:
    point = next_point()
    search.points.append(point)
    search.other_bound[at] = min(search.other_bound[at], point.bound)
    search.report(at, "bound", f"{point.iterations} primal-dual iterations", None, point.bound)
    return point


def _plans(search: _Search, next_point: Callable[[], PhasedDualPoint]) -> None:
    """A plan at each amount, from the last one's stations."""
    tuning, num_points = search.tuning, len(search.amounts)
    stands = np.zeros((search.single.num_sites, 1), dtype=np.bool_)
    families: list[CutFamily] = []
    moves_per_s = math.inf
    for at in range(num_points):
        point = _take_point(search, at, next_point)
        left_s = search.remaining_s * tuning.plans_time_share / (num_points - at)
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
        _fill(state)
        if rows.num_rows:
            moves = tuning.first_moves if at == 0 else tuning.moves
            hot_frac = tuning.first_hot_frac if at == 0 else tuning.hot_frac
            state = _annealed(walk, state, _moves(walk, moves, tuning.least_moves), hot_frac, rng)
            if walk.is_crowded and walk.may_go_on():
                again = _moves(walk, tuning.crowded_moves, tuning.least_moves)
                anneal_round(walk, state, again, tuning.search.crowded_hot_frac, rng)
        if walk.best_objective is None:
            walk.offer(state.table)
        families, moves_per_s = walk.families, walk.moves_per_s
        stands = walk.table != CLOSED
        search.plans.append(_plan_at(walk.table[:, 0], walk.objective))
        search.report(at, "plan", "annealed", walk.objective, point.bound)


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


def _fill(state: NestedState) -> None:
    """Open the best sites while there is room."""
    everywhere = np.ones(state.rows.num_sites, dtype=np.bool_)
    effort = np.ones(len(everywhere))
    if len(state.problem.limits) > 1:
        kinds = state.kinds[state.rows.site_idx]
        cost = state.problem.limits[1].use[state.rows.site_idx, kinds]
        mean = float(cost.mean()) if len(cost) else 0.0
        effort = np.maximum(cost / mean, 1e-6) if mean > 0 else effort
    for node in range(state.problem.tree.num_nodes):
        fill_greedily(
            node, everywhere, effort, len(everywhere), state.board, state.room, state.plan
        )


def _plan_at(types: IndexArray, objective: float) -> FrontierPlan:
    sites = np.flatnonzero(types != CLOSED).astype(np.int64)
    return FrontierPlan(sites, types[sites].astype(np.int64), objective)


def _nested_plans(search: _Search) -> None:
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
    services = walk.serve(walk.table)
    for at, each in enumerate(services):
        objective = each.service.value / weight[at] if weight[at] > 0 else 0.0
        search.plans.append(_plan_at(walk.table[:, at], objective))
        search.report(at, "plan", "nested", objective, float(bounds[at]))


def _improve_widest(search: _Search, num_steps: int) -> None:
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


def _frontier(search: _Search, num_steps: int) -> Frontier:
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


def _bounds(search: _Search, num_steps: int) -> tuple[FloatArray, FloatArray]:
    """The bound at every amount from the first to the last, by all vectors of multipliers."""
    problem, rules, rows = search.problem, search.problem.rules, search.rows
    amounts = search.amounts
    if search.is_money:
        every = np.union1d(np.linspace(amounts[0], amounts[-1], num_steps), amounts)
    else:
        every = np.arange(amounts[0], amounts[-1] + 1)
    if rows.num_rows == 0:
        return every, np.full(len(every), rows.base_value)
    sites, vectors = _free_sites(search), [_vector(search, at) for at in range(len(amounts))]
    fits = problem.capacity > 0
    cheapest = np.where(fits, rules.cost, np.inf).min(axis=1, initial=np.inf)
    forced_cost = math.fsum(cheapest[rules.forced & np.isfinite(cheapest)])
    if search.is_money:
        most = min(rules.most, rules.num_sites) - rules.num_forced
        budgets = np.array([widened(each) for each in every.tolist()]) - forced_cost
        return every, bound_budgets(sites, vectors, most, budgets)
    numbers = (every - rules.num_forced).astype(np.int64)
    return every, bound_numbers(sites, vectors, rules.most_cost - forced_cost, numbers)


def _free_sites(search: _Search) -> FreeSites:
    """The free sites and what cities allow beside the forced ones."""
    rules, site_idx = search.problem.rules, search.rows.site_idx
    cities = rules.cities_or_one()
    num_cities = len(cities.min_stations)
    city_idx = cities.city_idx[site_idx].astype(np.int64)
    forced = np.bincount(cities.city_idx[rules.forced], minlength=num_cities)
    has = np.bincount(city_idx, minlength=num_cities)
    fits = search.problem.capacity > 0
    cheapest = np.where(fits, rules.cost, np.inf).min(axis=1, initial=np.inf)[site_idx]
    return FreeSites(
        cost=np.where(np.isfinite(cheapest), cheapest, 0.0),
        city_idx=city_idx,
        city_least=np.clip(cities.min_stations - forced, 0, has),
        city_most=np.maximum(cities.max_stations - forced, 0),
    )


def _vector(search: _Search, at: int) -> Vector:
    point, rows = search.points[at], search.rows
    money_price = float(point.price[1, 0]) if len(point.price) > 1 else 0.0
    return Vector(
        rest=rows.base_value + math.fsum((rows.value - point.multiplier).ravel()),
        worth=site_worth(rows, point.multiplier)[:, 0],
        money_price=max(money_price, 0.0),
    )
