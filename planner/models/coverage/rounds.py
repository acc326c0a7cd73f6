"""The search for a covering plan: rounds of bound, exchange, annealing and exact search.

Takes merged rows and a first plan, improves plan and bound in place; the equations are those of
`planner.models.coverage.solve`.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.coverage.bound import fix_by_reduced_cost, fix_by_worth, site_worth
from planner.models.coverage.cut_dual import CutPoint, cut_dual
from planner.models.coverage.model import coverage_mip
from planner.models.coverage.primal_dual import DualPoint, primal_dual
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import CoverRows, merge_rows
from planner.models.coverage.search import (
    Schedule,
    SwapTables,
    anneal,
    greedy,
    plan_value,
    swap_pass,
    swap_tables,
)
from planner.models.coverage.tuning import Tuning
from planner.solving.compiling import work_s
from planner.solving.mip import solve_mip
from planner.solving.rules import SiteRules
from planner.solving.search import SearchState
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

SCIP_TOLERANCE = 1e-7
"""SCIP's bound is that of a floating-point LP: it closes the tree within its own feasibility
tolerance, and closer than this the digits of its bound carry no information."""


@dataclass(kw_only=True)
class CoverageSearch(SearchState):
    """Best plan and bounds so far.

    Attributes
    ----------
    rows : CoverRows
    tuning : Tuning
    plan : int array
        Open sites of the incumbent, as positions in ``rows``.
    incumbent : float
        Its value.
    point : DualPoint, optional
        Best multipliers and relaxed plan.
    cut_point : CutPoint, optional
        Best prices with cuts.
    exact_bound : float
        Of the exact search; inf before it.
    moves_per_s : float
        Speed of annealing; inf before it was measured.
    """

    rows: CoverRows
    tuning: Tuning
    plan: IntArray
    incumbent: float
    point: DualPoint | None = None
    cut_point: CutPoint | None = None
    exact_bound: float = math.inf
    moves_per_s: float = math.inf

    @property
    def best_objective(self) -> float:
        """Value of the incumbent."""
        return self.incumbent

    @property
    def everything(self) -> float:
        """Value of all zones that a site reaches."""
        return self.rows.base_value + float(self.rows.value.sum())

    @property
    def best_bound(self) -> float:
        """Best bound so far; all zones, while there is none better."""
        duals = [point.bound for point in (self.point, self.cut_point) if point is not None]
        return min(self.everything, self.exact_bound, *duals)

    @property
    def worth(self) -> FloatArray:
        """What opening each site earns at the prices that prove most, shape (num_sites,)."""
        if self.cut_point is not None and (
            self.point is None or self.cut_point.bound < self.point.bound
        ):
            return self.cut_point.worth
        multiplier = self.point.multiplier if self.point else np.zeros(self.rows.num_rows)
        return site_worth(self.rows, multiplier)

    def fixed_sites(self) -> tuple[BoolArray, BoolArray]:
        """Sites that every plan better than the incumbent opens, and sites that none opens."""
        multiplier = self.point.multiplier if self.point else np.zeros(self.rows.num_rows)
        always, never = fix_by_reduced_cost(self.rows, multiplier, self.incumbent)
        if self.cut_point is not None:
            more = fix_by_worth(
                self.cut_point.worth, self.cut_point.bound, self.rows.num_stations, self.incumbent
            )
            always, never = always | more[0], never | more[1]
        return always, never

    def offer(self, plan: IntArray, value: float) -> None:
        """Keep a plan if it is better than the incumbent."""
        if value > self.incumbent:
            self.plan, self.incumbent = plan, value


def search_until_done(search: CoverageSearch, rng: np.random.Generator) -> None:
    """Rounds of bound, exchange and annealing, each finer than the last; SCIP where it can."""
    tuning, num_stations = search.tuning, search.rows.num_stations
    small = search.rows.num_arcs <= tuning.always_exact_arcs
    target = OPTIMAL_GAP_FRAC if small else search.options.gap_frac
    num_moves = max(tuning.first_moves_per_station * num_stations, tuning.min_first_moves)
    most_moves = max(tuning.max_moves_per_station * num_stations, num_moves)
    max_moves = min(most_moves, tuning.max_moves)
    hot_frac = tuning.hot_frac
    points = primal_dual(search.rows, tuning)
    cut_points: Iterator[CutPoint] | None = None
    cut_iterations = tuning.first_cut_iterations
    with_cuts = not small and search.rows.num_arcs <= tuning.max_cut_arcs
    tried_exactly = False
    for round_number in itertools.count(1):
        share = tuning.first_relaxation_share if round_number == 1 else tuning.relaxation_share
        if search.cut_point is None:
            _improve_bound(search, points, share, target)
        # Where the relaxation covers everything cuts bring nothing for long (Kings, p = 90).
        if (
            with_cuts
            and round_number >= tuning.first_cut_round
            and search.point is not None
            and search.point.bound < (1.0 - OPTIMAL_GAP_FRAC) * search.everything
        ):
            if cut_points is None:
                cut_points = cut_dual(search.rows, search.point.end, rng.spawn(1)[0], tuning)
            _improve_by_cuts(search, cut_points, cut_iterations, target)
            cut_iterations *= 2
        if search.gap_frac > target and search.may_go_on():
            _plan_from_opening(search, rng)
        if search.gap_frac > target and search.may_go_on():
            before = search.incumbent
            _anneal_plan(search, min(num_moves, max_moves), hot_frac, rng)
            hot_frac = tuning.hot_frac if search.incumbent > before else tuning.reheat_frac
        last_round = round_number == tuning.max_rounds
        if not tried_exactly and search.gap_frac > OPTIMAL_GAP_FRAC and search.may_go_on():
            rest, sites, fixed = _remaining_problem(search)
            tried_exactly = rest.num_arcs <= tuning.always_exact_arcs or (
                last_round and rest.num_arcs <= tuning.max_exact_arcs and search.gap_frac > target
            )
            if tried_exactly:
                _solve_exactly(search, rest, sites, fixed)
        if search.gap_frac <= target or not search.may_go_on():
            break
        if last_round and (search.options.deterministic or small):
            break
        num_moves *= 3


def swap_until_local_optimum(
    search: CoverageSearch, tables: SwapTables, rng: np.random.Generator
) -> None:
    """Exchange open for closed sites, the tables in place, while one exchange pays."""
    while swap_pass(search.rows, tables, rng)[0] > 0 and search.may_go_on():
        pass
    search.offer(np.flatnonzero(tables.is_open), plan_value(search.rows, tables))


def _improve_bound(
    search: CoverageSearch, points: Iterator[DualPoint], relaxation_share: float, target: float
) -> None:
    """Run the primal-dual method until the plan, not the multipliers, makes most of the gap."""
    for point in points:
        search.point = point
        if (
            point.relaxation_gap_frac <= relaxation_share * search.gap_frac
            or point.iterations >= search.tuning.max_dual_iterations
            or search.gap_frac <= target
            or not search.may_go_on()
        ):
            break
        if point.iterations % search.tuning.report_iterations == 0:
            search.report("bound", f"{point.iterations} primal-dual iterations")
    if search.point is not None:
        search.report("bound", f"{search.point.iterations} primal-dual iterations")


def _improve_by_cuts(
    search: CoverageSearch, points: Iterator[CutPoint], iterations: int, target: float
) -> None:
    """Price cuts for a number of iterations, or until those in force can bring little more."""
    if search.gap_frac <= target or not search.may_go_on():
        return
    least_gain = search.tuning.relaxation_share * search.best_bound
    last = iterations + (search.cut_point.iterations if search.cut_point else 0)
    for point in points:
        search.cut_point = point
        if (
            point.iterations >= last
            or search.best_bound - point.relaxed_value <= least_gain * search.gap_frac
            or search.gap_frac <= target
            or not search.may_go_on()
        ):
            break
        if point.iterations % search.tuning.report_iterations == 0:
            search.report("bound", f"{point.iterations} iterations, {point.num_cuts} cuts")
    if search.cut_point is not None:
        search.report(
            "bound",
            f"{search.cut_point.iterations} iterations, {search.cut_point.num_cuts} cuts",
        )


def _plan_from_opening(search: CoverageSearch, rng: np.random.Generator) -> None:
    """Open what the linear relaxation opens for more than half, complete greedily, exchange."""
    if search.point is None:
        return
    opening = (search.cut_point or search.point).opening
    order = np.argsort(-opening, kind="stable")[: search.rows.num_stations]
    plan = greedy(search.rows, first=order[opening[order] > 0.5])
    swap_until_local_optimum(search, swap_tables(search.rows, plan), rng)
    search.report("swap", "exchanges from the linear relaxation")


def _anneal_plan(
    search: CoverageSearch, num_moves: int, hot_frac: float, rng: np.random.Generator
) -> None:
    """Anneal the incumbent among the sites that the multipliers find worth a look."""
    rows = search.rows
    if search.point is None or len(search.plan) == 0:
        return
    worth = search.worth
    _, never_open = search.fixed_sites()
    last_in = np.sort(worth)[-min(rows.num_stations, rows.num_sites)]
    candidates = np.flatnonzero(
        ~never_open & (worth >= search.tuning.candidate_worth_frac * last_in)
    )
    tables = swap_tables(rows, search.plan)
    marginal_value = float(tables.change[search.plan].min())
    if marginal_value <= 0.0 or len(candidates) == 0:
        return
    if not search.options.deterministic:
        # A schedule cut short is worth little: fit it into the time left.
        num_moves = int(min(num_moves, max(search.moves_per_s * search.remaining_s, 1)))
    started = work_s()
    num_chunks = -(-num_moves // search.tuning.moves_per_poll)
    fractions = np.linspace(0.0, 1.0, num_chunks + 1)
    temperatures = marginal_value * hot_frac * (search.tuning.cold_frac / hot_frac) ** fractions
    for hot, cold in itertools.pairwise(temperatures):
        if not search.may_go_on():
            break
        schedule = Schedule(num_moves // num_chunks, float(hot), float(cold))
        anneal(rows, tables, candidates, schedule, rng)
    search.moves_per_s = num_moves / max(work_s() - started, 1e-3)
    # Annealing updates the tables millions of times: start the last exchanges from exact sums.
    tables = swap_tables(rows, np.flatnonzero(tables.is_open))
    swap_until_local_optimum(search, tables, rng)
    search.report("anneal", f"{num_moves} exchanges offered among {len(candidates)} sites")


def _remaining_problem(search: CoverageSearch) -> tuple[CoverRows, IntArray, IntArray]:
    """What is left to decide by plans better than the incumbent.

    Returns the rows, the sites (positions in ``search.rows``) behind its sites, and those fixed
    open.
    """
    rows = search.rows
    always_open, never_open = search.fixed_sites()
    rest = merge_rows(
        CoverageProblem(
            rows.value,
            rows.rows_of_site,
            replace(
                SiteRules.free(rows.num_sites, rows.num_stations),
                forced=always_open,
                forbidden=never_open,
            ),
        )
    )
    positions = rest.site_idx
    named = replace(
        rest, site_idx=rows.site_idx[positions], base_value=rest.base_value + rows.base_value
    )
    return named, positions, np.flatnonzero(always_open)


def _solve_exactly(
    search: CoverageSearch, rest: CoverRows, sites: IntArray, fixed: IntArray
) -> None:
    """Let SCIP find a better plan among the remaining sites, or prove that there is none."""
    if rest.num_sites == 0 or rest.num_stations <= 0:
        # Only plans no better than the incumbent, or the one that reduced costs leave over.
        _offer_sites(search, fixed)
        search.exact_bound = max(search.incumbent, rest.base_value)
        return
    is_open = np.zeros(search.rows.num_sites, dtype=np.bool_)
    is_open[search.plan] = True
    hint = np.flatnonzero(is_open[sites])[: rest.num_stations]
    node_limit = max(int(search.tuning.exact_nodes_times_arcs / rest.num_arcs), 1)
    result = solve_mip(
        coverage_mip(rest, hint=hint).to_ortools(),
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
            and gap_frac(search.incumbent, search.exact_bound) <= SCIP_TOLERANCE
        ):
            search.exact_bound = search.incumbent
    search.report("exact", f"{rest.num_sites} sites x {rest.num_rows} rows: {result.message}")


def _offer_sites(search: CoverageSearch, plan: IntArray) -> None:
    search.offer(plan, plan_value(search.rows, swap_tables(search.rows, plan)))
