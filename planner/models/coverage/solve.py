"""Maximal covering of zones by at most p stations, with a proven bound.

Sets: demand zones i of value w_i >= 0 (swaps per day), candidate sites j, N(i) = sites within the
drive-time standard of zone i. y_j = 1 if a station stands at j, x_i = share of zone i covered.

    max  sum_i w_i x_i
    (1)  x_i <= sum_{j in N(i)} y_j        every zone i
    (2)  y_j = 1 forced,  y_j = 0 forbidden
    (3)  sum_j y_j <= p
         y_j in {0, 1},  0 <= x_i <= 1

Church and ReVelle 1974 (Papers of the Regional Science Association 32:101-118), with sites locked
by (2) and a budget that need not be spent; x may stay continuous, as they note. Not modelled:
capacities, station sizes, limits per city.

How it is solved: zones with equal N(i) are merged; greedy and interchange give a first plan; a
primal-dual method on the linear relaxation gives multipliers, hence the Lagrangian bound (Galvao
and ReVelle 1996), and tells which sites deserve a look; annealing among those improves the plan;
what is small enough after fixing sites by reduced cost is solved exactly by SCIP. (Cordeau,
Furini and Ljubic 2019, EJOR 275:882-896, solve the same model by Benders cuts: better with few
stations, worse with thousands.)
"""

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.arrays import IntArray
from planner.errors import InfeasibleError, PlannerError
from planner.models.coverage.bound import fix_by_reduced_cost, lagrangian_bound, site_worth
from planner.models.coverage.primal_dual import DualPoint, primal_dual
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import CoverRows, merge_rows
from planner.models.coverage.search import (
    SwapTables,
    anneal,
    greedy,
    plan_value,
    swap_pass,
    swap_tables,
)
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

if TYPE_CHECKING:
    from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper

ALWAYS_EXACT_ARCS = 20_000
"""Up to this many arcs after fixing, SCIP proves optimality in seconds: done whatever the gap."""
MAX_EXACT_ARCS = 60_000
"""Beyond this SCIP rarely closes the gap in minutes: not tried."""
EXACT_NODES_TIMES_ARCS = 5e7
"""Limits branch-and-bound nodes in deterministic mode: minutes of work whatever the size."""
MAX_ROUNDS = 5
"""Rounds of bound and annealing in deterministic mode, and before SCIP gets a larger problem."""
MAX_DUAL_ITERATIONS = 4_000
"""Primal-dual iterations after which the bound has converged for all practical purposes."""
REPORT_ITERATIONS = 200
"""Primal-dual iterations between two reports."""
FIRST_RELAXATION_SHARE, RELAXATION_SHARE = 0.2, 0.05
"""The bound is close enough to the linear relaxation's when that is this share of the gap, in the
first round and in the others."""
FIRST_MOVES_PER_STATION, MIN_FIRST_MOVES, MAX_MOVES = 300, 100_000, 30_000_000
"""Exchanges offered in the first annealing round and in any; three times as many in each next."""
MAX_MOVES_PER_STATION = 100_000
"""More than this in one schedule finds less, on Bronx and Kings, than starting again."""
MOVES_PER_POLL = 400_000
"""Exchanges between two looks at clock and stop request, about half a second."""
HOT_FRAC, COLD_FRAC = 0.15, 0.006
"""First and last temperature as fractions of the least loss by closing an open site. Measured on
Bronx, Kings and a synthetic country: 0.1 to 0.2 alike, 0.4 and more clearly worse."""
REHEAT_FRAC = 0.4
"""First temperature after a round without a better plan: hot enough to leave that plan for good,
where a cooler schedule would come back to it."""
CANDIDATE_WORTH_FRAC = 0.85
"""Annealing opens sites worth at least this fraction of the p-th best at the multipliers. On the
synthetic country this leaves 22,000 of 80,000 sites and 0.1 % less gap for equal work."""


@dataclass(frozen=True)
class CoverageSolution:
    """Plan and proof.

    Attributes
    ----------
    status : Status
        OPTIMAL if the bound proves the plan the best, FEASIBLE otherwise.
    open_site_idx : int array
        Open sites, forced ones included, ascending.
    objective : float
        Value covered, recomputed on the original zones.
    bound : float
        No plan covers more.
    gap_frac : float
        (bound - objective) / bound, see :func:`planner.solving.status.gap_frac`.
    wall_s : float
        Seconds taken.
    history : tuple of Progress
        Incumbent and bound over time.
    """

    status: Status
    open_site_idx: IntArray
    objective: float
    bound: float
    gap_frac: float
    wall_s: float
    history: tuple[Progress, ...]


@dataclass
class _Search:
    """What is known so far, and when to give up; the only state that changes during a solve."""

    rows: CoverRows
    options: SolveOptions
    on_progress: ProgressCallback | None
    stop: StopRequest | None
    started: float
    plan: IntArray
    incumbent: float
    point: DualPoint | None = None
    exact_bound: float = math.inf
    moves_per_s: float = math.inf
    history: list[Progress] = field(default_factory=list)

    @property
    def bound(self) -> float:
        """Best bound so far; all zones, while there is none better."""
        everything = self.rows.base_value + float(self.rows.value.sum())
        return min(everything, self.exact_bound, self.point.bound if self.point else math.inf)

    @property
    def gap_frac(self) -> float:
        """Gap between plan and bound."""
        return gap_frac(self.incumbent, self.bound)

    @property
    def remaining_s(self) -> float:
        """Seconds left; unlimited in deterministic mode."""
        if self.options.deterministic:
            return math.inf
        return self.options.time_limit_s - (time.monotonic() - self.started)

    def may_go_on(self) -> bool:
        """Whether neither the clock nor the caller has called an end."""
        return self.remaining_s > 0.0 and not (self.stop is not None and self.stop.is_set())

    def offer(self, plan: IntArray, value: float) -> None:
        """Keep a plan if it is better than the incumbent."""
        if value > self.incumbent:
            self.plan, self.incumbent = plan, value

    def report(self, stage: str, message: str) -> None:
        """Note the state in the history and tell the caller."""
        elapsed_s = time.monotonic() - self.started
        progress = Progress(stage, self.incumbent, self.bound, elapsed_s, message)
        self.history.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)


def coverage_value(problem: CoverageProblem, open_site_idx: IntArray) -> float:
    """Value of the zones that a set of open sites covers.

    Parameters
    ----------
    problem : CoverageProblem
    open_site_idx : int array
        Positions of open sites.

    Returns
    -------
    float
        Correctly rounded sum, so equal sets of zones give equal values.
    """
    is_open = np.zeros(problem.num_sites, dtype=np.bool_)
    is_open[open_site_idx] = True
    covered = np.zeros(problem.num_zones, dtype=np.bool_)
    covered[problem.reach_zone_idx[np.repeat(is_open, np.diff(problem.reach_ptr))]] = True
    return math.fsum(problem.value[covered])


def coverage_mip(rows: CoverRows, *, hint: IntArray | None = None) -> "ModelBuilderHelper":
    """Model (1) and (3) over merged rows; (2) is spent already, forced value is the offset.

    Parameters
    ----------
    rows : CoverRows
    hint : int array, optional
        Open sites, as positions in ``rows``, of a plan to start from.

    Returns
    -------
    ModelBuilderHelper
        Variables y_0.. (named by original site) then x_0..; rows ``cover_i`` then ``budget``.
    """
    import scipy.sparse
    from ortools.linear_solver.python import model_builder_helper

    num_sites, num_rows = rows.num_sites, rows.num_rows
    cover = scipy.sparse.csr_matrix(
        (np.ones(rows.num_arcs), rows.row_site, rows.row_ptr), shape=(num_rows, num_sites)
    )
    budget = scipy.sparse.csr_matrix(np.r_[np.ones(num_sites), np.zeros(num_rows)][None, :])
    matrix = scipy.sparse.vstack(
        [scipy.sparse.hstack([cover, -scipy.sparse.identity(num_rows)]), budget], format="csr"
    )
    model = model_builder_helper.ModelBuilderHelper()
    model.set_name("coverage")
    sparse_model: Any = model  # OR-Tools' stubs of this call name shapes that no array has
    sparse_model.fill_model_from_sparse_data(
        np.zeros(num_sites + num_rows),
        np.ones(num_sites + num_rows),
        np.r_[np.zeros(num_sites), rows.value],
        np.r_[np.zeros(num_rows), -np.inf],
        np.r_[np.full(num_rows, np.inf), float(rows.num_stations)],
        matrix,
    )
    model.set_maximize(True)
    model.set_objective_offset(rows.base_value)
    for site in range(num_sites):
        model.set_var_integrality(site, True)
        model.set_var_name(site, f"y_{rows.site_idx[site]}")
    for row in range(num_rows):
        model.set_var_name(num_sites + row, f"x_{row}")
        model.set_constraint_name(row, f"cover_{row}")
    model.set_constraint_name(num_rows, "budget")
    if hint is not None:
        is_open = np.zeros(num_sites, dtype=np.bool_)
        is_open[hint] = True
        covered = swap_tables(rows, hint).num_covering > 0
        for variable, level in enumerate(np.r_[is_open, covered]):
            model.add_hint(variable, float(level))
    return model


def _check_budget(problem: CoverageProblem) -> None:
    num_forced = int(problem.forced.sum())
    if problem.num_stations < 0:
        raise InfeasibleError(f"the budget is {problem.num_stations} stations, below zero")
    if num_forced > problem.num_stations:
        raise InfeasibleError(
            f"{num_forced} sites are forced open (existing or committed), "
            f"but the budget allows {problem.num_stations} stations"
        )


def _swap_until_local_optimum(
    search: _Search, tables: SwapTables, rng: np.random.Generator
) -> None:
    while swap_pass(search.rows, tables, rng)[0] > 0 and search.may_go_on():
        pass
    search.offer(np.flatnonzero(tables.is_open), plan_value(search.rows, tables))


def _improve_bound(
    search: _Search, points: Iterator[DualPoint], relaxation_share: float, target: float
) -> None:
    """Run the primal-dual method until the plan, not the multipliers, makes most of the gap."""
    for point in points:
        search.point = point
        if (
            point.relaxation_gap_frac <= relaxation_share * search.gap_frac
            or point.iterations >= MAX_DUAL_ITERATIONS
            or search.gap_frac <= target
            or not search.may_go_on()
        ):
            break
        if point.iterations % REPORT_ITERATIONS == 0:
            search.report("bound", f"{point.iterations} primal-dual iterations")
    if search.point is not None:
        search.report("bound", f"{search.point.iterations} primal-dual iterations")


def _plan_from_opening(search: _Search, rng: np.random.Generator) -> None:
    """Open what the linear relaxation opens for more than half, complete greedily, exchange."""
    if search.point is None:
        return
    opening = search.point.opening
    order = np.argsort(-opening, kind="stable")[: search.rows.num_stations]
    plan = greedy(search.rows, first=order[opening[order] > 0.5])
    _swap_until_local_optimum(search, swap_tables(search.rows, plan), rng)
    search.report("swap", "exchanges from the linear relaxation")


def _anneal_plan(
    search: _Search, num_moves: int, hot_frac: float, rng: np.random.Generator
) -> None:
    """Anneal the incumbent among the sites that the multipliers find worth a look."""
    rows, point = search.rows, search.point
    if point is None or len(search.plan) == 0:
        return
    worth = site_worth(rows, point.multiplier)
    _, never_open = fix_by_reduced_cost(rows, point.multiplier, search.incumbent)
    last_in = np.sort(worth)[-min(rows.num_stations, rows.num_sites)]
    candidates = np.flatnonzero(~never_open & (worth >= CANDIDATE_WORTH_FRAC * last_in))
    tables = swap_tables(rows, search.plan)
    marginal_value = float(tables.change[search.plan].min())
    if marginal_value <= 0.0 or len(candidates) == 0:
        return
    if not search.options.deterministic:
        # A schedule cut short is worth little: fit it into the time left.
        num_moves = int(min(num_moves, max(search.moves_per_s * search.remaining_s, 1)))
    started = time.monotonic()
    num_chunks = -(-num_moves // MOVES_PER_POLL)
    fractions = np.linspace(0.0, 1.0, num_chunks + 1)
    temperatures = marginal_value * hot_frac * (COLD_FRAC / hot_frac) ** fractions
    for hot, cold in itertools.pairwise(temperatures):
        if not search.may_go_on():
            break
        anneal(
            rows,
            tables,
            candidates,
            num_moves=num_moves // num_chunks,
            hot=float(hot),
            cold=float(cold),
            rng=rng,
        )
    search.moves_per_s = num_moves / max(time.monotonic() - started, 1e-3)
    # Annealing updates the tables millions of times: start the last exchanges from exact sums.
    tables = swap_tables(rows, np.flatnonzero(tables.is_open))
    _swap_until_local_optimum(search, tables, rng)
    search.report("anneal", f"{num_moves} exchanges offered among {len(candidates)} sites")


def _remaining_problem(search: _Search) -> tuple[CoverRows, IntArray, IntArray]:
    """What is left to decide by plans better than the incumbent.

    Returns the rows, the sites (positions in ``search.rows``) behind its sites, and those fixed
    open.
    """
    rows = search.rows
    multiplier = search.point.multiplier if search.point else np.zeros(rows.num_rows)
    always_open, never_open = fix_by_reduced_cost(rows, multiplier, search.incumbent)
    restricted = CoverageProblem(
        value=rows.value,
        reach_ptr=rows.site_ptr,
        reach_zone_idx=rows.site_row,
        city_idx=np.zeros(rows.num_sites, dtype=np.int32),
        forced=always_open,
        forbidden=never_open,
        num_stations=rows.num_stations,
    )
    rest = merge_rows(restricted)
    positions = rest.site_idx
    named = replace(
        rest, site_idx=rows.site_idx[positions], base_value=rest.base_value + rows.base_value
    )
    return named, positions, np.flatnonzero(always_open)


def _solve_exactly(search: _Search, rest: CoverRows, sites: IntArray, fixed: IntArray) -> None:
    """Let SCIP find a better plan among the remaining sites, or prove that there is none."""
    if rest.num_sites == 0 or rest.num_stations <= 0:
        # Only plans no better than the incumbent, or the one that reduced costs leave over.
        _offer_sites(search, fixed)
        search.exact_bound = max(search.incumbent, rest.base_value)
        return
    is_open = np.zeros(search.rows.num_sites, dtype=np.bool_)
    is_open[search.plan] = True
    hint = np.flatnonzero(is_open[sites])[: rest.num_stations]
    node_limit = max(int(EXACT_NODES_TIMES_ARCS / rest.num_arcs), 1)
    result = solve_mip(
        coverage_mip(rest, hint=hint),
        time_limit_s=search.remaining_s,
        node_limit=node_limit if search.options.deterministic else None,
        seed=search.options.seed,
        stop=search.stop,
    )
    if result.values is not None:
        chosen = sites[result.values[: rest.num_sites] > 0.5]
        _offer_sites(search, np.union1d(fixed, chosen))
    # Plans outside the remaining problem are no better than the incumbent.
    if math.isfinite(result.bound):
        search.exact_bound = max(result.bound, search.incumbent)
        if (
            result.status is Status.OPTIMAL
            and gap_frac(search.incumbent, search.exact_bound) <= 1e-7
        ):
            # SCIP's bound is that of a floating-point LP: it closed the tree within its own
            # feasibility tolerance, and the last digits of its bound carry no information.
            search.exact_bound = search.incumbent
    search.report("exact", f"{rest.num_sites} sites x {rest.num_rows} rows: {result.message}")


def _offer_sites(search: _Search, plan: IntArray) -> None:
    search.offer(plan, plan_value(search.rows, swap_tables(search.rows, plan)))


def solve_coverage(
    problem: CoverageProblem,
    options: SolveOptions,
    *,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> CoverageSolution:
    """Place at most p stations so that the value of covered zones is greatest.

    Parameters
    ----------
    problem : CoverageProblem
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
    CoverageSolution
        Always with a plan.

    Raises
    ------
    InfeasibleError
        If more sites are forced than the budget allows.
    """
    started = time.monotonic()
    _check_budget(problem)
    rng = np.random.default_rng(options.seed)
    rows = merge_rows(problem)
    plan = greedy(rows)
    tables = swap_tables(rows, plan)
    search = _Search(
        rows=rows,
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
        plan=plan,
        incumbent=plan_value(rows, tables),
    )
    search.report("greedy", f"{rows.num_sites} sites x {rows.num_rows} rows after presolve")
    if rows.num_stations > 0 and search.gap_frac > OPTIMAL_GAP_FRAC:
        _swap_until_local_optimum(search, tables, rng)
        search.report("swap", f"{len(search.plan)} stations placed")
        _search_until_done(search, rng)
    elif rows.num_stations == 0:
        search.exact_bound = rows.base_value
    return _solution(problem, search)


def _search_until_done(search: _Search, rng: np.random.Generator) -> None:
    """Rounds of bound, exchange and annealing, each finer than the last; SCIP where it can."""
    small = search.rows.num_arcs <= ALWAYS_EXACT_ARCS
    target = OPTIMAL_GAP_FRAC if small else search.options.gap_frac
    num_moves = max(FIRST_MOVES_PER_STATION * search.rows.num_stations, MIN_FIRST_MOVES)
    max_moves = min(max(MAX_MOVES_PER_STATION * search.rows.num_stations, num_moves), MAX_MOVES)
    hot_frac = HOT_FRAC
    points = primal_dual(search.rows)
    tried_exactly = False
    for round_number in itertools.count(1):
        relaxation_share = FIRST_RELAXATION_SHARE if round_number == 1 else RELAXATION_SHARE
        _improve_bound(search, points, relaxation_share, target)
        if search.gap_frac > target and search.may_go_on():
            _plan_from_opening(search, rng)
        if search.gap_frac > target and search.may_go_on():
            before = search.incumbent
            _anneal_plan(search, min(num_moves, max_moves), hot_frac, rng)
            hot_frac = HOT_FRAC if search.incumbent > before else REHEAT_FRAC
        last_round = round_number == MAX_ROUNDS
        if not tried_exactly and search.gap_frac > OPTIMAL_GAP_FRAC and search.may_go_on():
            rest, sites, fixed = _remaining_problem(search)
            tried_exactly = rest.num_arcs <= ALWAYS_EXACT_ARCS or (
                last_round and rest.num_arcs <= MAX_EXACT_ARCS and search.gap_frac > target
            )
            if tried_exactly:
                _solve_exactly(search, rest, sites, fixed)
        if search.gap_frac <= target or not search.may_go_on():
            break
        if last_round and (search.options.deterministic or small):
            break
        num_moves *= 3


def _solution(problem: CoverageProblem, search: _Search) -> CoverageSolution:
    """Recompute objective and bound from the plan and the multipliers alone."""
    rows = search.rows
    open_site_idx = np.union1d(np.flatnonzero(problem.forced), rows.site_idx[search.plan])
    objective = coverage_value(problem, open_site_idx)
    bounds = [search.exact_bound, rows.base_value + math.fsum(rows.value)]
    if search.point is not None:
        bounds.append(lagrangian_bound(rows, search.point.multiplier))
    bound = min(bounds)
    if bound < objective * (1.0 - OPTIMAL_GAP_FRAC):
        raise PlannerError(f"the bound {bound!r} is below the plan's value {objective!r}: a defect")
    bound = max(bound, objective)
    gap = gap_frac(objective, bound)
    status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
    search.report("done", f"{len(open_site_idx)} stations, {status}")
    return CoverageSolution(
        status=status,
        open_site_idx=open_site_idx.astype(np.int64),
        objective=objective,
        bound=bound,
        gap_frac=gap,
        wall_s=time.monotonic() - search.started,
        history=tuple(search.history),
    )
