"""Stations along roads so that most flow can be driven, there and back.

Arc-cover-path-cover form of the flow-refuelling location problem: Capar, Kuby, Leon, Tsai (2013),
European Journal of Operational Research 227:142-151.

Sets
    q  flows: vehicles of one kind between two cities in one season
    r  paths, each of a flow q(r)      S  cover sets; S in r: the path needs it
    j  candidate sites                 h  seasons; h(r) of a path
Data
    v_r  worth of the flow on that path        c_j  money [CNY]       p, B  limits
    n_r  swaps an hour at a stop where all vehicles of the flow swap  K_j   swaps an hour [1/h]
Variables
    y_j in {0, 1}  station open                u_r in [0, 1]  share of the flow driven on the path
    w_rs >= 0      swaps an hour at stop s of path r; j(s) is the site of a stop

    max  sum_r v_r u_r
    (1)  u_r <= sum_{j in S} y_j               every r, S in r
    (2)  sum_{r: q(r) = q} u_r <= 1            every q
    (3)  sum_j y_j <= p, sum_j c_j y_j <= B, y_j = 1 forced, y_j = 0 forbidden
    (4)  n_r u_r <= sum_{s in S} w_rs          every r, S in r      where a capacity is finite
    (5)  sum_{r: h(r) = h, s: j(s) = j} w_rs <= K_j y_j             every j, h

A cover set holds the sites from which one directed arc of the round trip is reached with the energy
that its temperature and the pack leave (`planner.physics.round_trip`): one equation (1) per arc is
equation
(2) of the paper, with "reached" measured in kilowatt-hours instead of kilometres. Departures from
the paper: stations of the cities are given, and what they reach is left out of the sets; a path
need not start with a full pack; flows may have several paths (2); stations have capacities.
Because a swap at a stop hits a run of consecutive arcs, the sets of a path are intervals of its
stops, and (4) with w is exact for vehicles that swap at different stops.

Cheapest variant: `planner.models.refuelling.cheapest`.

Presolve: `planner.models.refuelling.presolve`. Bound: SCIP's tree where the reduced problem is
small; else the linear relaxation's multipliers (`planner.models.refuelling.dual`), and with these
SCIP's best plans of regions (`planner.models.refuelling.regions`). Plans: annealing
(`planner.models.refuelling.search`), and SCIP among several plans' stations. Capacity: (4) and
(5) by Benders' cuts (`planner.models.refuelling.capacity`).
"""

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import InfeasibleError
from planner.models.refuelling.capacity import CapacityCut, best_paths, driven_flows, share_capacity
from planner.models.refuelling.dual import FlowDual, improve_bound
from planner.models.refuelling.presolve import ReducedFlows, ones_at, reduce_flows, restrict_sites
from planner.models.refuelling.problem import FlowRefuellingProblem
from planner.models.refuelling.regions import Region, group_sets, share_out
from planner.models.refuelling.search import anneal_plan, plan_value, round_opening, search_tables
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

if TYPE_CHECKING:
    from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper

EXACT_NEEDS = 15_000
"""Up to so many pairs of path and set SCIP proves optimality in seconds: done whatever the gap."""
FIRST_MOVES = 100_000
"""Exchanges offered by an annealing."""
DUAL_ROUNDS = 30
"""Looks at the bound in the first round; it has nearly converged then."""
MAX_ROUNDS = 12
"""Rounds of annealing in deterministic mode."""
CANDIDATE_WORTH_FRAC = 0.5
"""Annealing opens sites worth at least this fraction of the p-th best at the multipliers."""
REGION_SETS = (800, 1600)
"""Sets in a region, in turn: larger ones bound closer, and take longer."""
REGIONS_TIME_FRAC = 0.6
"""Part of the time left that regions may take."""
PATIENCE, LEAST_REGION_S = 3.0, 5.0
"""A region may take so many times its part of the time, and so many seconds."""
REGION_NODES = 100
"""Nodes of SCIP's tree for a region in deterministic mode; most regions need one."""
NEW_PLANS, MERGE_TIME_FRAC = 4, 0.2
"""Annealings in each further round, and the part of the time left in which SCIP merges them."""
SOLVER_GAP_FRAC = 1e-7
"""Closer than this, solvers' floating-point bounds say no more."""
MAX_CUTS = 50
"""Benders' cuts for capacity, at most."""


@dataclass(frozen=True)
class FlowRefuelling:
    """Plan and proof.

    Attributes
    ----------
    status : Status
        OPTIMAL if the bound proves the plan the best, FEASIBLE otherwise.
    open_site_idx : int array
        Open sites, forced ones included, ascending.
    driven_frac : float array, shape (num_paths,)
        Share of the flow that is driven on the path; of a flow's paths the most valuable that can.
    objective : float
        Value refuelled; in the cheapest variant the money for the stations.
    bound : float
        No plan is better.
    gap_frac : float
        See :func:`planner.solving.status.gap_frac`.
    wall_s : float
        Seconds taken.
    history : tuple of Progress
        Incumbent and bound over time.
    """

    status: Status
    open_site_idx: IntArray
    driven_frac: FloatArray
    objective: float
    bound: float
    gap_frac: float
    wall_s: float
    history: tuple[Progress, ...]


def solve_flow_refuelling(
    problem: FlowRefuellingProblem,
    options: SolveOptions,
    *,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> FlowRefuelling:
    """Open stations within the limits so that the flow refuelled is worth most.

    Parameters
    ----------
    problem : FlowRefuellingProblem
    options : SolveOptions
        The search ends at ``gap_frac`` or the time limit or, in deterministic mode, after a fixed
        amount of work.
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    FlowRefuelling
        Always with a plan.

    Raises
    ------
    InfeasibleError
        If the forced stations alone break a limit.
    """
    check_limits(problem)
    search = _Search(problem, reduce_flows(problem), options, on_progress, stop)
    search.offer(np.zeros(search.rows.num_sites, dtype=np.bool_), "given stations")
    if search.rows.num_paths and search.rows.num_stations > 0:
        if search.rows.needs.nnz <= EXACT_NEEDS:
            _search_quickly(search)
            _solve_exactly(search)
        else:
            _search_at_length(search)
    else:
        search.bound = search.rows.base_value
    if np.isfinite(problem.capacity).any():
        _respect_capacity(search)
    return search.result()


class _Search:
    """What is known so far, and when to give up; the only state that changes during a solve."""

    def __init__(
        self,
        problem: FlowRefuellingProblem,
        rows: ReducedFlows,
        options: SolveOptions,
        on_progress: ProgressCallback | None,
        stop: StopRequest | None,
    ) -> None:
        self.problem, self.rows, self.options = problem, rows, options
        self.on_progress, self.stop = on_progress, stop
        self.started = time.monotonic()
        self.limited = bool(np.isfinite(problem.capacity).any())
        self.plan: BoolArray = np.zeros(rows.num_sites, dtype=np.bool_)
        self.value, self.bound = -math.inf, rows.total_value
        self.open_site_idx = np.flatnonzero(problem.forced)
        self.objective = -math.inf
        self.history: list[Progress] = []
        self.moves_per_s = math.inf
        self.plans: list[BoolArray] = []

    @property
    def remaining_s(self) -> float:
        """Seconds left; without end in deterministic mode."""
        if self.options.deterministic:
            return math.inf
        return self.options.time_limit_s - (time.monotonic() - self.started)

    def may_go_on(self) -> bool:
        """Whether neither clock nor caller end the search."""
        return self.remaining_s > 0 and not (self.stop is not None and self.stop.is_set())

    @property
    def gap(self) -> float:
        """Gap of the plan without regard to capacity."""
        return gap_frac(self.value, self.bound)

    def offer(self, plan: BoolArray, message: str) -> None:
        """Keep a plan of the reduced problem if it is the best."""
        value = plan_value(self.rows, plan)
        if value > self.value:
            self.plan, self.value = plan.copy(), value
            if not self.limited:
                chosen = self.rows.site_idx[plan]
                self.keep(np.union1d(np.flatnonzero(self.problem.forced), chosen), value)
        self.report(message)

    def keep(self, open_site_idx: IntArray, objective: float) -> None:
        """Keep stations of the problem if they are the best, capacity considered."""
        if objective > self.objective:
            self.open_site_idx, self.objective = open_site_idx, objective

    def tighten(self, bound: float) -> None:
        """Take a bound if it is better; rounding never lets it cross a plan."""
        self.bound = max(min(self.bound, bound), self.objective)

    def report(self, message: str) -> None:
        """Tell where the search stands."""
        incumbent = self.objective if math.isfinite(self.objective) else None
        elapsed_s = time.monotonic() - self.started
        progress = Progress("corridors", incumbent, self.bound, elapsed_s, message)
        self.history.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)

    def result(self) -> FlowRefuelling:
        """The best plan, its flows served anew on the problem itself."""
        is_open = np.zeros(self.problem.num_sites, dtype=np.bool_)
        is_open[self.open_site_idx] = True
        driven = driven_flows(self.problem, is_open)
        objective = math.fsum((driven * self.problem.value).tolist())
        bound = max(self.bound, objective)
        if gap_frac(objective, bound) <= OPTIMAL_GAP_FRAC:
            bound = objective
        self.objective, self.bound = objective, bound
        self.report("done")
        gap = gap_frac(objective, bound)
        return FlowRefuelling(
            status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
            open_site_idx=self.open_site_idx,
            driven_frac=driven,
            objective=objective,
            bound=bound,
            gap_frac=gap,
            wall_s=time.monotonic() - self.started,
            history=tuple(self.history),
        )


def check_limits(problem: FlowRefuellingProblem) -> None:
    """Say which limit the forced stations alone break, if any does.

    Raises
    ------
    InfeasibleError
    """
    num_forced = int(problem.forced.sum())
    if num_forced > problem.num_stations:
        raise InfeasibleError(
            f"{num_forced} corridor stations are forced open (existing or committed), but at most "
            f"{problem.num_stations} may be open"
        )
    spent = float(problem.cost[problem.forced].sum())
    if spent > problem.budget:
        raise InfeasibleError(
            f"the forced corridor stations cost {spent:,.0f} CNY, the budget is "
            f"{problem.budget:,.0f} CNY"
        )


def _search_quickly(search: _Search) -> None:
    *_, dual = _improve(search, 3)
    _anneal(search, dual, FIRST_MOVES // 5, 1.0)


def _search_at_length(search: _Search) -> None:
    """Bound and plan in turn until the gap asked for, the clock or the rounds end it."""
    points = _improve(search, None)
    dual = None
    for rounds in range(MAX_ROUNDS if search.options.deterministic else 10**6):
        for _ in range(DUAL_ROUNDS if rounds == 0 else 10):
            if search.may_go_on():
                dual = next(points)
        if dual is None:
            break
        if 0 < rounds <= len(REGION_SETS):
            _bound_by_regions(search, dual, REGION_SETS[rounds - 1])
        for fresh in range(1 if rounds == 0 else NEW_PLANS):
            if search.may_go_on():
                _anneal(search, dual, FIRST_MOVES, 1.0, seed=NEW_PLANS * rounds + fresh)
        if rounds > 0 and search.may_go_on():
            _merge_plans(search)
        if search.gap <= search.options.gap_frac or not search.may_go_on():
            break


def _merge_plans(search: _Search) -> None:
    """Let SCIP choose the best of the last plans' stations; those of all plans stay open."""
    rows = search.rows
    plans = np.array([search.plan, *search.plans[-NEW_PLANS:]])
    always: BoolArray = np.logical_and.reduce(plans)
    part = restrict_sites(rows, always, np.logical_or.reduce(plans) & ~always)
    if not part.num_paths or not part.num_sites:
        return
    result = solve_mip(
        refuelling_mip(part, hint=search.plan[part.site_idx]),
        time_limit_s=max(MERGE_TIME_FRAC * search.remaining_s, 1e-3),
        node_limit=REGION_NODES if search.options.deterministic else None,
        seed=search.options.seed,
        stop=search.stop,
    )
    if result.values is not None:
        merged = always.copy()
        merged[part.site_idx] = result.values[: part.num_sites] > 0.5
        search.offer(merged, f"{len(plans)} plans merged: {result.message}")


def _bound_by_regions(search: _Search, dual: FlowDual, max_sets: int) -> None:
    """Bound the value by the best plans of regions, in whole stations.

    Where the clock allows, several at a time: SCIP lets go of the interpreter.
    """
    constant, regions = share_out(search.rows, dual, group_sets(search.rows, dual, max_sets))
    regions.sort(key=lambda region: -region.rows.needs.nnz)
    limit_s = REGIONS_TIME_FRAC * search.remaining_s
    ends_at = time.monotonic() + limit_s
    needs_left = sum(region.rows.needs.nnz for region in regions)

    def solve(region: Region) -> float:
        nonlocal needs_left
        left_s = ends_at - time.monotonic()
        share = PATIENCE * search.options.workers * region.rows.needs.nnz / max(needs_left, 1)
        needs_left -= region.rows.needs.nnz
        if left_s <= 0.0 or not search.may_go_on():
            return region.bound
        result = solve_mip(
            refuelling_mip(region.rows, priced=True),
            time_limit_s=min(left_s, max(left_s * share, LEAST_REGION_S)),
            node_limit=REGION_NODES if search.options.deterministic else None,
            seed=search.options.seed,
            stop=search.stop,
        )
        return min(region.bound, result.bound)

    bound = constant + math.fsum(region.bound for region in regions)
    with ThreadPoolExecutor(search.options.workers) as pool:
        for region, found in zip(regions, pool.map(solve, regions), strict=True):
            bound -= region.bound - found
            search.tighten(bound)
    search.report(f"{len(regions)} regions of at most {max_sets} sets in whole stations")


def _improve(search: _Search, num_looks: int | None) -> Iterator[FlowDual]:
    for look, dual in enumerate(improve_bound(search.rows), start=1):
        search.tighten(dual.bound)
        if look % 10 == 0:
            search.report(f"{dual.iterations} primal-dual iterations")
        yield dual
        if look == num_looks:
            return


def _anneal(search: _Search, dual: FlowDual, num_moves: int, heat: float, *, seed: int = 0) -> None:
    rows = search.rows
    last_in = np.sort(dual.site_worth)[-min(rows.num_stations, rows.num_sites)]
    candidates = np.flatnonzero(dual.site_worth >= CANDIDATE_WORTH_FRAC * last_in)
    start = round_opening(rows, dual.opening)  # not the best plan: merging lives on differences
    if not search.options.deterministic:  # a schedule is fitted into the time left
        num_moves = int(max(1.0, min(num_moves, search.moves_per_s * search.remaining_s)))
    started = time.monotonic()
    plan = anneal_plan(
        rows, search_tables(rows), start, candidates, num_moves=num_moves, heat=heat,
        seed=(search.options.seed + seed) % 2**31, may_go_on=search.may_go_on,
    )  # fmt: skip
    search.plans.append(plan)
    search.moves_per_s = num_moves / max(time.monotonic() - started, 1e-3)
    search.offer(plan, f"{num_moves} exchanges offered among {len(candidates)} sites")


def _solve_exactly(search: _Search, cuts: list[CapacityCut] | None = None) -> None:
    """Let SCIP find a better plan, or prove that there is none."""
    rows = search.rows
    result = solve_mip(
        refuelling_mip(rows, cuts=cuts or (), hint=None if cuts else search.plan),
        time_limit_s=max(search.remaining_s, 1e-3),
        seed=search.options.seed,
        stop=search.stop,
    )
    if math.isfinite(result.bound):
        bound = result.bound
        proven = result.status is Status.OPTIMAL and result.values is not None
        if result.values is not None:
            plan = result.values[: rows.num_sites] > 0.5
            if cuts is None:
                search.offer(plan, f"SCIP: {result.message}")
                if proven and gap_frac(search.value, bound) <= SOLVER_GAP_FRAC:
                    # SCIP closed its tree within its tolerance: the last digits say nothing.
                    bound = search.value
            else:
                search.plan = plan
        search.tighten(bound)


def refuelling_mip(
    rows: ReducedFlows,
    *,
    cuts: tuple[CapacityCut, ...] | list[CapacityCut] = (),
    wanted: float | None = None,
    hint: BoolArray | None = None,
    priced: bool = False,
) -> "ModelBuilderHelper":
    """Equations (1) to (3) over the reduced problem.

    (1) is written u_r <= z_S <= sum_j y_j: a set stands in many paths.

    Parameters
    ----------
    rows : ReducedFlows
    cuts : sequence of CapacityCut
        Upper bounds of the value that are linear in the stations.
    wanted : float, optional
        Cheapest variant: minimize money such that so much value is refuelled.
    hint : bool array, shape (num_sites,), optional
        A plan to start from.
    priced : bool
        Take what the stations cost off the objective.

    Returns
    -------
    ModelBuilderHelper
        A maximization; variables y (named by original site), u, z.
    """
    from ortools.linear_solver.python import model_builder_helper

    num_sites, num_paths, num_sets = rows.num_sites, rows.num_paths, rows.num_sets
    num_needs = rows.needs.nnz
    entry_path = np.repeat(np.arange(num_paths), np.diff(rows.needs.indptr))
    pick_path = ones_at(np.arange(num_needs), entry_path, (num_needs, num_paths))
    pick_set = ones_at(np.arange(num_needs), rows.needs.indices, (num_needs, num_sets))
    crowded = np.flatnonzero(np.bincount(rows.flow_idx, minlength=1) > 1)
    of_flow = ones_at(rows.flow_idx, np.arange(num_paths),
                    (int(rows.flow_idx.max(initial=0)) + 1, num_paths))[crowded]  # fmt: skip
    blocks: list[list[Any]] = [
        [None, pick_path, -pick_set],
        [-rows.members, None, scipy.sparse.identity(num_sets)],
        [None, of_flow, None],
        [scipy.sparse.csr_matrix(np.ones((1, num_sites))), None, None],
    ]
    upper: list[Any] = [
        np.zeros(num_needs + num_sets), np.ones(len(crowded)), [float(rows.num_stations)]
    ]  # fmt: skip
    names = [f"reach_{r}_{s}" for r, s in zip(entry_path, rows.needs.indices, strict=True)]
    names += [f"set_{each}" for each in range(num_sets)]
    names += [f"once_{flow}" for flow in crowded] + ["stations"]
    worth = scipy.sparse.csr_matrix(rows.value[None, :])
    if math.isfinite(rows.budget):
        blocks.append([scipy.sparse.csr_matrix(rows.cost[None, :]), None, None])
        upper.append([rows.budget])
        names.append("budget")
    if wanted is not None:
        blocks.append([None, -worth, None])
        upper.append([rows.base_value - wanted])
        names.append("wanted")
    for number, cut in enumerate(cuts):
        slope = cut.slope[rows.site_idx]
        blocks.append([scipy.sparse.csr_matrix(-slope[None, :]), worth, None])
        upper.append([cut.level + float(cut.slope @ cut.forced) - rows.base_value])
        names.append(f"capacity_{number}")
    matrix = scipy.sparse.csr_matrix(scipy.sparse.bmat(blocks))
    num_columns = num_sites + num_paths + num_sets
    objective = (
        np.concatenate((-rows.cost * priced, rows.value, np.zeros(num_sets)))
        if wanted is None
        else np.concatenate((-rows.cost, np.zeros(num_paths + num_sets)))
    )
    upper_bounds = np.ones(num_columns)
    if cuts:  # what full stations turn away
        lost = scipy.sparse.csr_matrix(
            -(np.arange(matrix.shape[0]) >= matrix.shape[0] - len(cuts)).astype(float)[:, None]
        )
        matrix = scipy.sparse.csr_matrix(scipy.sparse.hstack([matrix, lost]))
        objective = np.append(objective, -1.0)
        upper_bounds = np.append(upper_bounds, max(rows.total_value, 1.0))
        num_columns += 1
    model = model_builder_helper.ModelBuilderHelper()
    model.set_name("flow_refuelling")
    sparse_model: Any = model  # OR-Tools' stubs of this call name shapes that no array has
    sparse_model.fill_model_from_sparse_data(
        np.zeros(num_columns),
        upper_bounds,
        objective,
        np.full(matrix.shape[0], -np.inf),
        np.concatenate(upper),
        matrix,
    )
    model.set_maximize(True)
    if wanted is None:
        model.set_objective_offset(rows.base_value)
    for column in range(num_columns):
        if column < num_sites:
            model.set_var_integrality(column, True)
            model.set_var_name(column, f"y_{rows.site_idx[column]}")
        elif column < num_sites + num_paths:
            model.set_var_name(column, f"u_{column - num_sites}")
        elif column == num_sites + num_paths + num_sets:
            model.set_var_name(column, "lost")
        else:
            model.set_var_name(column, f"z_{column - num_sites - num_paths}")
    for row, name in enumerate(names):
        model.set_constraint_name(row, name)
    if hint is not None:
        levels = np.concatenate((hint, _drive_once(rows, hint), rows.members @ hint > 0))
        for column, level in enumerate(levels):
            model.add_hint(column, float(level))
    return model


def _drive_once(rows: ReducedFlows, plan: BoolArray) -> FloatArray:
    """One path of each flow that a plan makes drivable: the most valuable, as 0 or 1."""
    met = rows.needs @ (rows.members @ plan.astype(float) == 0) == 0
    return best_paths(rows.value, rows.flow_idx, met)


def _respect_capacity(search: _Search) -> None:
    """Evaluate plans with their capacities; cut off what cannot be served and plan again.

    Plans and cuts alternate where SCIP solves the model; a larger problem's plan is evaluated
    once, against the bound without capacities.
    """
    problem, rows = search.problem, search.rows
    cuts: list[CapacityCut] = []
    while True:
        is_open = problem.forced.copy()
        is_open[rows.site_idx[search.plan]] = True
        driven, cut = share_capacity(problem, is_open)
        search.keep(np.flatnonzero(is_open), math.fsum((driven * problem.value).tolist()))
        search.report(f"capacity shared, {len(cuts)} cuts")
        cuts.append(cut)
        if gap_frac(search.objective, search.bound) <= SOLVER_GAP_FRAC:
            search.bound = search.objective
        if (
            search.bound <= search.objective
            or rows.needs.nnz > EXACT_NEEDS
            or rows.num_stations <= 0
            or not rows.num_sites
            or len(cuts) > MAX_CUTS
            or not search.may_go_on()
        ):
            return
        before = search.plan
        _solve_exactly(search, cuts)
        if (search.plan == before).all():  # the cut of this very plan meets its value
            search.bound = search.objective
            return
