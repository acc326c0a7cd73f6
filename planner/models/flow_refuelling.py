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
that its temperature and the pack leave (`planner.round_trip`): one equation (1) per arc is equation
(2) of the paper, with "reached" measured in kilowatt-hours instead of kilometres. Departures from
the paper: stations of the cities are given, and what they reach is left out of the sets; a path
need not start with a full pack; flows may have several paths (2); stations have capacities.
Because a swap at a stop hits a run of consecutive arcs, the sets of a path are intervals of its
stops, and (4) with w is exact for vehicles that swap at different stops.

Cheapest variant: min sum_j c_j y_j subject to (1) to (3) and sum_r v_r u_r >= W.

Presolve: `planner.solving.refuelling_presolve`. Bound: the linear relaxation's multipliers
(`planner.solving.refuelling_dual`), or SCIP's tree where the reduced problem is small. Plans:
annealing (`planner.solving.refuelling_search`). Capacity: (4) and (5) by Benders' cuts: given the
stations, w is a linear program, whose duals bound what any plan refuels.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from planner.errors import InfeasibleError, NoPlanError, PlannerError
from planner.problem import BoolArray, FloatArray, FlowRefuellingProblem, IntArray
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.refuelling_dual import FlowDual, improve_bound
from planner.solving.refuelling_presolve import ReducedFlows, incidence, reduce_flows
from planner.solving.refuelling_search import (
    anneal_plan,
    plan_value,
    round_opening,
    search_tables,
)
from planner.solving.status import OPTIMAL_GAP_FRAC, Sense, Status, gap_frac

if TYPE_CHECKING:
    from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper

EXACT_NEEDS = 15_000
"""Up to so many pairs of path and set SCIP proves optimality in seconds: done whatever the gap."""
FIRST_MOVES, MORE_MOVES = 100_000, 400_000
"""Exchanges offered by the first annealing, and in any further one."""
DUAL_ROUNDS = 30
"""Looks at the bound in the first round; it has nearly converged then."""
MAX_ROUNDS = 12
"""Rounds of annealing in deterministic mode."""
CANDIDATE_WORTH_FRAC = 0.5
"""Annealing opens sites worth at least this fraction of the p-th best at the multipliers."""
HEATS = (0.4, 0.2, 0.1)
"""Heat of the annealing, in turn."""
SOLVER_GAP_FRAC = 1e-7
"""Closer than this, solvers' floating-point bounds say no more."""
MAX_CUTS = 50
"""Benders' cuts for capacity, at most."""
FLOW_TOLERANCE = 1e-6
"""Share of a flow's swaps that rounding may lose."""


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
    _check_limits(problem)
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


def _check_limits(problem: FlowRefuellingProblem) -> None:
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
        _anneal(
            search, dual, FIRST_MOVES if rounds == 0 else MORE_MOVES * min(rounds, 8),
            1.0 if rounds == 0 else HEATS[rounds % len(HEATS)], seed=rounds,
        )  # fmt: skip
        if search.gap <= search.options.gap_frac or not search.may_go_on():
            break


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
    rounded = round_opening(rows, dual.opening)
    start = rounded if plan_value(rows, rounded) > search.value else search.plan
    if not search.options.deterministic:  # a schedule is fitted into the time left
        num_moves = int(max(1.0, min(num_moves, search.moves_per_s * search.remaining_s)))
    started = time.monotonic()
    plan = anneal_plan(
        rows, search_tables(rows), start, candidates, num_moves=num_moves, heat=heat,
        seed=(search.options.seed + seed) % 2**31,
    )  # fmt: skip
    search.moves_per_s = num_moves / max(time.monotonic() - started, 1e-3)
    search.offer(plan, f"{num_moves} exchanges offered among {len(candidates)} sites")


def _solve_exactly(search: _Search, cuts: list["CapacityCut"] | None = None) -> None:
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
    cuts: "tuple[CapacityCut, ...] | list[CapacityCut]" = (),
    wanted: float | None = None,
    hint: BoolArray | None = None,
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

    Returns
    -------
    ModelBuilderHelper
        A maximization; variables y (named by original site), u, z.
    """
    from ortools.linear_solver.python import model_builder_helper

    num_sites, num_paths, num_sets = rows.num_sites, rows.num_paths, rows.num_sets
    num_needs = rows.needs.nnz
    entry_path = np.repeat(np.arange(num_paths), np.diff(rows.needs.indptr))
    pick_path = _ones(np.arange(num_needs), entry_path, (num_needs, num_paths))
    pick_set = _ones(np.arange(num_needs), rows.needs.indices, (num_needs, num_sets))
    crowded = np.flatnonzero(np.bincount(rows.flow_idx, minlength=1) > 1)
    of_flow = _ones(rows.flow_idx, np.arange(num_paths),
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
        np.concatenate((np.zeros(num_sites), rows.value, np.zeros(num_sets)))
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


def _ones(row: Any, column: Any, shape: tuple[int, int]) -> scipy.sparse.csr_matrix:
    return scipy.sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=shape)


def _drive_once(rows: ReducedFlows, plan: BoolArray) -> FloatArray:
    """One path of each flow that a plan makes drivable: the most valuable, as 0 or 1."""
    met = rows.needs @ (rows.members @ plan.astype(float) == 0) == 0
    return _best_paths(rows.value, rows.flow_idx, met)


def _best_paths(value: FloatArray, flow_idx: IntArray, met: BoolArray) -> FloatArray:
    """1 for each flow's most valuable path that is met (of equals the first), 0 elsewhere."""
    order = np.lexsort((-value, flow_idx))
    order = order[met[order]]
    first = np.ones(len(order), dtype=bool)
    first[1:] = flow_idx[order][1:] != flow_idx[order][:-1]
    driven = np.zeros(len(value))
    driven[order[first]] = 1.0
    return driven


def drivable_paths(problem: FlowRefuellingProblem, is_open: BoolArray) -> BoolArray:
    """Paths of which every set holds an open site."""
    members = incidence(problem.set_ptr, problem.set_site_idx, problem.num_sites)
    needs = incidence(problem.path_ptr, problem.path_set_idx, problem.num_sets)
    return np.asarray(needs @ (members @ is_open.astype(float) == 0) == 0)


def driven_flows(problem: FlowRefuellingProblem, is_open: BoolArray) -> FloatArray:
    """Share of each flow that is driven on each path, given the stations.

    Parameters
    ----------
    problem : FlowRefuellingProblem
    is_open : bool array, shape (num_sites,)

    Returns
    -------
    ndarray, shape (num_paths,)
        Where capacities are finite, the answer of (2), (4) and (5); otherwise 0 or 1.
    """
    if not np.isfinite(problem.capacity[is_open]).any():
        met = drivable_paths(problem, is_open)
        return _best_paths(problem.value, problem.flow_idx, met)
    return _share_capacity(problem, is_open)[0]


@dataclass(frozen=True)
class CapacityCut:
    """No plan refuels more than ``level + slope @ y``, y over all sites of the problem.

    Attributes
    ----------
    level : float
    slope : float array, shape (num_sites,)
    forced : bool array, shape (num_sites,)
        Sites whose y is 1 in every plan.
    """

    level: float
    slope: FloatArray
    forced: BoolArray


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
        driven, cut = _share_capacity(problem, is_open)
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


class _Stops:
    """Paths that swap, their stops, and which sets each stop hits: entries of (4)."""

    def __init__(self, problem: FlowRefuellingProblem) -> None:
        token = 2 * problem.set_site_idx + problem.set_is_return
        self.set_token = incidence(problem.set_ptr, token, 2 * problem.num_sites)
        pairs = incidence(problem.path_ptr, problem.path_set_idx, problem.num_sets)
        self.pair_path = np.repeat(np.arange(problem.num_paths), np.diff(pairs.indptr))
        self.pair_set = pairs.indices.astype(np.int64)
        hits = self.set_token[self.pair_set].tocoo()
        stop = self.pair_path[hits.row] * (2 * problem.num_sites) + hits.col
        self.stops, stop_idx = np.unique(stop, return_inverse=True)
        self.stop_path = self.stops // (2 * problem.num_sites)
        self.stop_site = self.stops % (2 * problem.num_sites) // 2
        # Rows: pairs of path and set; columns: stops of the path that hit the set.
        self.hit = _ones(hits.row, stop_idx.ravel(), (len(self.pair_set), len(self.stops)))


def _share_capacity(
    problem: FlowRefuellingProblem, is_open: BoolArray
) -> tuple[FloatArray, CapacityCut]:
    """Equations (2), (4) and (5) for given stations: shares driven, and the cut of the duals.

    Any b_rS >= 0, g_jh >= 0 prove that no plan refuels more than

        sum_q max_{r of q} (v_r - sum_S b_rS)^+
          + sum_j y_j sum_h (K_j g_jh + sum_{r of h, s: j(s) = j} (b_rs - n_r g_jh)^+),

    b_rs the sum of b_rS over the sets that stop s hits. b comes from the linear program, and for a
    path with a set that no open site hits, from that set; g is the best for b.
    """
    stops = _Stops(problem)
    met = drivable_paths(problem, is_open)
    stop_in = np.flatnonzero(met[stops.stop_path] & is_open[stops.stop_site])
    pair_in = np.flatnonzero(met[stops.pair_path])
    driven, pair_price = _solve_shares(problem, stops, met, stop_in, pair_in)

    price = np.zeros(len(stops.pair_set))
    price[pair_in] = pair_price
    unhit = (stops.set_token @ np.repeat(is_open, 2).astype(float))[stops.pair_set] == 0
    size = np.diff(stops.set_token.indptr)[stops.pair_set]
    order = np.lexsort((size, stops.pair_path))
    order = order[unhit[order]]
    first = np.ones(len(order), dtype=bool)
    first[1:] = stops.pair_path[order][1:] != stops.pair_path[order][:-1]
    price[order[first]] = problem.value[stops.pair_path[order[first]]]

    paid = np.bincount(stops.pair_path, price, minlength=problem.num_paths)
    best = np.zeros(int(problem.flow_idx.max(initial=-1)) + 1)
    np.maximum.at(best, problem.flow_idx, problem.value - paid)
    stop_price = stops.hit.T @ price
    slope = _station_worth(problem, stops, stop_price)
    return driven, CapacityCut(math.fsum(best.tolist()), slope, problem.forced)


def _station_worth(
    problem: FlowRefuellingProblem, stops: _Stops, stop_price: FloatArray
) -> FloatArray:
    """Min over g of sum_h (K g + sum_s (b_s - n_s g)^+) for each site: a fractional knapsack."""
    num_seasons = int(problem.season_idx.max(initial=0)) + 1
    load = problem.load[stops.stop_path]
    place = stops.stop_site * num_seasons + problem.season_idx[stops.stop_path]
    paid = stop_price > 0
    place, load, stop_price = place[paid], load[paid], stop_price[paid]
    rate = stop_price / np.maximum(load, 1e-300)
    order = np.lexsort((-rate, place))
    place, load, stop_price = place[order], load[order], stop_price[order]
    before = np.cumsum(load) - load
    starts = np.searchsorted(place, np.arange(problem.num_sites * num_seasons))
    head = np.concatenate((before, [0.0]))[np.minimum(starts, len(before))]
    room = np.repeat(problem.capacity, num_seasons)[place] - (before - head[place])
    share = np.clip(room / np.maximum(load, 1e-300), 0.0, 1.0)
    share[load == 0.0] = 1.0
    worth = np.bincount(place // num_seasons, stop_price * share, minlength=problem.num_sites)
    return np.asarray(worth)


def _solve_shares(
    problem: FlowRefuellingProblem,
    stops: _Stops,
    met: BoolArray,
    stop_in: IntArray,
    pair_in: IntArray,
) -> tuple[FloatArray, FloatArray]:
    """The linear program over paths that are met and stops that are open, by GLOP."""
    from ortools.linear_solver.python import model_builder_helper

    path_in = np.flatnonzero(met)
    num_seasons = int(problem.season_idx.max(initial=0)) + 1
    place = problem.season_idx[stops.stop_path[stop_in]] + num_seasons * stops.stop_site[stop_in]
    finite = np.isfinite(problem.capacity[stops.stop_site[stop_in]])
    places, place_idx = np.unique(place[finite], return_inverse=True)
    position = np.full(problem.num_paths, -1)
    position[path_in] = np.arange(len(path_in))
    flows, flow_idx = np.unique(problem.flow_idx[path_in], return_inverse=True)
    num_pairs, num_stops = len(pair_in), len(stop_in)
    load = problem.load[stops.stop_path[stop_in]]
    chosen = _ones(
        np.arange(num_pairs), position[stops.pair_path[pair_in]], (num_pairs, len(path_in))
    )
    once = _ones(flow_idx.ravel(), np.arange(len(path_in)), (len(flows), len(path_in)))
    full = scipy.sparse.csr_matrix(
        (load[finite], (place_idx.ravel(), np.flatnonzero(finite))), shape=(len(places), num_stops)
    )
    blocks: list[list[Any]] = [
        [chosen, -stops.hit[pair_in][:, stop_in]], [once, None], [None, full]
    ]  # fmt: skip
    matrix = scipy.sparse.csr_matrix(scipy.sparse.bmat(blocks))
    upper = np.concatenate(
        (np.zeros(num_pairs), np.ones(len(flows)), problem.capacity[places // num_seasons])
    )
    model = model_builder_helper.ModelBuilderHelper()
    sparse_model: Any = model
    sparse_model.fill_model_from_sparse_data(
        np.zeros(len(path_in) + num_stops),
        np.ones(len(path_in) + num_stops),
        np.concatenate((problem.value[path_in], np.zeros(num_stops))),
        np.full(len(upper), -np.inf),
        upper,
        matrix,
    )
    model.set_maximize(True)
    solver = model_builder_helper.ModelSolverHelper("glop")
    solver.solve(model)
    if not solver.has_solution() or solver.status() != model_builder_helper.SolveStatus.OPTIMAL:
        raise PlannerError(f"corridor capacities: the LP solver answered {solver.status_string()}")
    values = np.asarray(solver.variable_values(), dtype=np.float64)[: len(path_in)]
    duals = np.asarray(solver.dual_values(), dtype=np.float64)[:num_pairs]
    driven = np.zeros(problem.num_paths)
    driven[path_in] = np.where(values > 1 - FLOW_TOLERANCE, 1.0, np.maximum(values, 0.0))
    return driven, np.abs(duals)


def cheapest_flow_refuelling(
    problem: FlowRefuellingProblem,
    wanted: float,
    options: SolveOptions,
    *,
    stop: StopRequest | None = None,
) -> FlowRefuelling:
    """Refuel flow of a wanted worth for the least money.

    Parameters
    ----------
    problem : FlowRefuellingProblem
        Its limits on number and money hold as well; without capacities.
    wanted : float
        Least value refuelled.
    options, stop : SolveOptions, StopRequest
        As in `solve_flow_refuelling`.

    Returns
    -------
    FlowRefuelling
        Objective and bound are money [CNY], a minimum.

    Raises
    ------
    InfeasibleError
        If not even all sites refuel so much, or the limits are too tight.
    NoPlanError
        If the limit came before a plan.
    ValueError
        If a capacity is finite.
    """
    if np.isfinite(problem.capacity).any():
        raise ValueError("the cheapest variant knows no capacities; give np.inf")
    _check_limits(problem)
    started = time.monotonic()
    rows = reduce_flows(problem)
    spent = float(problem.cost[problem.forced].sum())
    slack = 1e-9 * max(rows.total_value, 1.0)
    if wanted > rows.total_value + slack:
        raise InfeasibleError(
            f"flows worth {wanted:,.6g} are to be refuelled; all sites together refuel "
            f"{rows.total_value:,.6g}"
        )
    wanted -= slack
    if wanted <= rows.base_value:
        plan, bound, optimal = np.zeros(rows.num_sites, dtype=np.bool_), 0.0, True
    elif rows.needs.nnz <= EXACT_NEEDS:
        plan, bound, optimal = _cheapest_exactly(rows, wanted, options, stop)
    else:
        plan, bound, optimal = _cheapest_by_halving(problem, rows, wanted, options, stop)
    is_open = problem.forced.copy()
    is_open[rows.site_idx[plan]] = True
    objective = float(problem.cost[is_open].sum())
    bound = objective if optimal else min(spent + max(bound, 0.0), objective)
    gap = gap_frac(objective, bound, sense="min")
    sense: Sense = "min"
    wall_s = time.monotonic() - started
    return FlowRefuelling(
        status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        open_site_idx=np.flatnonzero(is_open),
        driven_frac=driven_flows(problem, is_open),
        objective=objective,
        bound=bound,
        gap_frac=gap,
        wall_s=wall_s,
        history=(Progress("corridors", objective, bound, wall_s, "done", sense),),
    )


def _cheapest_exactly(
    rows: ReducedFlows, wanted: float, options: SolveOptions, stop: StopRequest | None
) -> tuple[BoolArray, float, bool]:
    limit_s = math.inf if options.deterministic else options.time_limit_s
    result = solve_mip(
        refuelling_mip(rows, wanted=wanted), time_limit_s=limit_s, seed=options.seed, stop=stop
    )
    if result.status is Status.INFEASIBLE:
        raise InfeasibleError(
            f"flows worth {wanted:,.6g} need more than {rows.num_stations} further corridor "
            f"stations or {rows.budget:,.0f} CNY"
        )
    if result.values is None:
        raise NoPlanError(f"corridors: no plan within {limit_s:.3g} s; raise the time limit")
    plan = result.values[: rows.num_sites] > 0.5
    return plan, -result.bound, result.status is Status.OPTIMAL


def _cheapest_by_halving(
    problem: FlowRefuellingProblem,
    rows: ReducedFlows,
    wanted: float,
    options: SolveOptions,
    stop: StopRequest | None,
) -> tuple[BoolArray, float, bool]:
    """Halve the interval of money; each step's multipliers say how much is needed at least."""
    spent = float(problem.cost[problem.forced].sum())
    low, high = 0.0, min(rows.budget, float(rows.cost.sum()))
    best: BoolArray | None = None
    started = time.monotonic()
    for _ in range(20):
        left_s = options.time_limit_s - (time.monotonic() - started)
        if (left_s <= 0 and not options.deterministic) or high <= low * (1 + options.gap_frac):
            break
        money = (low + high) / 2
        step = replace(options, time_limit_s=max(left_s / 4, 1.0), gap_frac=options.gap_frac / 2)
        found = solve_flow_refuelling(replace(problem, budget=spent + money), step, stop=stop)
        if found.objective >= wanted:
            is_open = np.zeros(problem.num_sites, dtype=np.bool_)
            is_open[found.open_site_idx] = True
            best = is_open[rows.site_idx]
            high = float(rows.cost[best].sum())
        elif found.bound < wanted:
            low = money
        else:
            break  # between plan and bound: neither is proven
    if best is None:
        raise NoPlanError("corridors: no plan that refuels the wanted flow; raise the time limit")
    return best, low, False
