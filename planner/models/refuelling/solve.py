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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from planner.arrays import BoolArray
from planner.errors import InfeasibleError
from planner.models.refuelling.capacity import CapacityCut, share_capacity
from planner.models.refuelling.dual import FlowDual, improve_bound
from planner.models.refuelling.model import refuelling_mip
from planner.models.refuelling.presolve import reduce_flows, restrict_sites
from planner.models.refuelling.problem import FlowRefuelling, FlowRefuellingProblem
from planner.models.refuelling.regions import Region, group_sets, share_out
from planner.models.refuelling.search import anneal_plan, round_opening, search_tables
from planner.models.refuelling.state import RefuellingSearch
from planner.models.refuelling.tuning import DEFAULT, Tuning
from planner.solving.compiling import work_s
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.status import Status, gap_frac

SOLVER_GAP_FRAC = 1e-7
"""Closer than this, solvers' floating-point bounds say no more."""


def solve_flow_refuelling(
    problem: FlowRefuellingProblem,
    options: SolveOptions,
    *,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
    tuning: Tuning = DEFAULT,
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
    tuning : Tuning, optional
        Amounts of work.

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
    search = RefuellingSearch(
        problem=problem,
        rows=reduce_flows(problem),
        tuning=tuning,
        options=options,
        on_progress=on_progress,
        stop=stop,
    )
    search.offer(np.zeros(search.rows.num_sites, dtype=np.bool_), "forced stations alone")
    if search.rows.num_paths and search.rows.num_stations > 0:
        if search.rows.needs.nnz <= tuning.exact_needs:
            _search_quickly(search)
            _solve_exactly(search)
        else:
            _search_at_length(search)
    else:
        search.bound = search.rows.base_value
    if search.is_limited:
        _respect_capacity(search)
    return search.result()


def check_limits(problem: FlowRefuellingProblem) -> None:
    """Say which limit the forced stations alone break, if any does.

    Raises
    ------
    InfeasibleError
    """
    rules = problem.rules
    if rules.num_forced > rules.most:
        raise InfeasibleError(
            f"{rules.num_forced} corridor stations are forced open (existing or committed), but at "
            f"most {rules.most} may be open"
        )
    spent = float(rules.cost[rules.forced].sum())
    if spent > rules.most_cost:
        raise InfeasibleError(
            f"the forced corridor stations cost {spent:,.0f} CNY, the budget is "
            f"{rules.budget:,.0f} CNY"
        )


def _search_quickly(search: RefuellingSearch) -> None:
    *_, dual = _improve(search, 3)
    _anneal(search, dual, search.tuning.first_moves // 5, 1.0)


def _search_at_length(search: RefuellingSearch) -> None:
    """Bound and plan in turn until the gap asked for, the clock or the rounds end it."""
    tuning = search.tuning
    points = _improve(search, None)
    dual = None
    for rounds in range(tuning.max_rounds if search.options.deterministic else 10**6):
        for _ in range(tuning.dual_rounds if rounds == 0 else tuning.further_dual_rounds):
            if search.may_go_on():
                dual = next(points)
        if dual is None:
            break
        if 0 < rounds <= len(tuning.region_sets):
            _bound_by_regions(search, dual, tuning.region_sets[rounds - 1])
        for fresh in range(1 if rounds == 0 else tuning.new_plans):
            if search.may_go_on():
                _anneal(
                    search,
                    dual,
                    search.tuning.first_moves,
                    1.0,
                    seed=search.tuning.new_plans * rounds + fresh,
                )
        if rounds > 0 and search.may_go_on():
            _merge_plans(search)
        if search.plan_gap_frac <= search.options.gap_frac or not search.may_go_on():
            break


def _merge_plans(search: RefuellingSearch) -> None:
    """Let SCIP choose the best of the last plans' stations; those of all plans stay open."""
    rows = search.rows
    plans = np.array([search.plan, *search.plans[-search.tuning.new_plans :]])
    always: BoolArray = np.logical_and.reduce(plans)
    part = restrict_sites(rows, always, np.logical_or.reduce(plans) & ~always)
    if not part.num_paths or not part.num_sites:
        return
    result = solve_mip(
        refuelling_mip(part, hint=search.plan[part.site_idx]).to_ortools(),
        time_limit_s=max(search.tuning.merge_time_frac * search.remaining_s, 1e-3),
        node_limit=search.tuning.region_nodes if search.options.deterministic else None,
        seed=search.options.seed,
        stop=search.stop,
    )
    if result.values is not None:
        merged = always.copy()
        merged[part.site_idx] = result.values[: part.num_sites] > 0.5
        search.offer(merged, f"{len(plans)} plans merged: {result.message}")


def _bound_by_regions(search: RefuellingSearch, dual: FlowDual, max_sets: int) -> None:
    """Bound the value by the best plans of regions, in whole stations.

    Where the clock allows, several at a time: SCIP lets go of the interpreter.
    """
    constant, regions = share_out(search.rows, dual, group_sets(search.rows, dual, max_sets))
    regions.sort(key=lambda region: -region.rows.needs.nnz)
    limit_s = search.tuning.regions_time_frac * search.remaining_s
    ends_at = work_s() + limit_s
    needs_left = sum(region.rows.needs.nnz for region in regions)

    patience = search.tuning.patience * search.options.workers

    def solve(region: Region) -> float:
        nonlocal needs_left
        left_s = ends_at - work_s()
        share = patience * region.rows.needs.nnz / max(needs_left, 1)
        needs_left -= region.rows.needs.nnz
        if left_s <= 0.0 or not search.may_go_on():
            return region.bound
        result = solve_mip(
            refuelling_mip(region.rows, priced=True).to_ortools(),
            time_limit_s=min(left_s, max(left_s * share, search.tuning.least_region_s)),
            node_limit=search.tuning.region_nodes if search.options.deterministic else None,
            seed=search.options.seed,
            stop=search.stop,
        )
        return min(region.bound, result.bound)

    bound = constant + math.fsum(region.bound for region in regions)
    with ThreadPoolExecutor(search.options.workers) as pool:
        for region, found in zip(regions, pool.map(solve, regions), strict=True):
            bound -= region.bound - found
            search.tighten(bound)
    search.report(
        "corridors", f"{len(regions)} regions of at most {max_sets} sets in whole stations"
    )


def _improve(search: RefuellingSearch, num_looks: int | None) -> Iterator[FlowDual]:
    for look, dual in enumerate(improve_bound(search.rows), start=1):
        search.tighten(dual.bound)
        if look % 10 == 0:
            search.report("corridors", f"{dual.iterations} primal-dual iterations")
        yield dual
        if look == num_looks:
            return


def _anneal(
    search: RefuellingSearch, dual: FlowDual, num_moves: int, heat: float, *, seed: int = 0
) -> None:
    rows = search.rows
    last_in = np.sort(dual.site_worth)[-min(rows.num_stations, rows.num_sites)]
    candidates = np.flatnonzero(dual.site_worth >= search.tuning.candidate_worth_frac * last_in)
    start = round_opening(rows, dual.opening)  # not the best plan: merging lives on differences
    if not search.options.deterministic:  # a schedule is fitted into the time left
        num_moves = int(max(1.0, min(num_moves, search.moves_per_s * search.remaining_s)))
    started = work_s()
    plan = anneal_plan(
        rows, search_tables(rows), start, candidates, num_moves=num_moves, heat=heat,
        seed=(search.options.seed + seed) % 2**31, may_go_on=search.may_go_on,
    )  # fmt: skip
    search.plans.append(plan)
    search.moves_per_s = num_moves / max(work_s() - started, 1e-3)
    search.offer(plan, f"{num_moves} exchanges offered among {len(candidates)} sites")


def _solve_exactly(search: RefuellingSearch, cuts: list[CapacityCut] | None = None) -> None:
    """Let SCIP find a better plan, or prove that there is none."""
    rows = search.rows
    result = solve_mip(
        refuelling_mip(rows, cuts=cuts or (), hint=None if cuts else search.plan).to_ortools(),
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
                if proven and gap_frac(search.plan_value, bound) <= SOLVER_GAP_FRAC:
                    # SCIP closed its tree within its tolerance: the last digits say nothing.
                    bound = search.plan_value
            else:
                search.plan = plan
        search.tighten(bound)


def _respect_capacity(search: RefuellingSearch) -> None:
    """Evaluate plans with their capacities; cut off what cannot be served and plan again.

    Plans and cuts alternate where SCIP solves the model; a larger problem's plan is evaluated
    once, against the bound without capacities.
    """
    problem, rows = search.problem, search.rows
    cuts: list[CapacityCut] = []
    while True:
        is_open = problem.rules.forced.copy()
        is_open[rows.site_idx[search.plan]] = True
        driven, cut = share_capacity(problem, is_open)
        search.keep(np.flatnonzero(is_open), math.fsum((driven * problem.value).tolist()))
        search.report("corridors", f"capacity shared, {len(cuts)} cuts")
        cuts.append(cut)
        if gap_frac(search.objective, search.bound) <= SOLVER_GAP_FRAC:
            search.bound = search.objective
        if (
            search.bound <= search.objective
            or rows.needs.nnz > search.tuning.exact_needs
            or rows.num_stations <= 0
            or not rows.num_sites
            or len(cuts) > search.tuning.max_cuts
            or not search.may_go_on()
        ):
            return
        before = search.plan
        _solve_exactly(search, cuts)
        if (search.plan == before).all():  # the cut of this very plan meets its value
            search.bound = search.objective
            return
