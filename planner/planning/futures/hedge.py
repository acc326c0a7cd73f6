"""One plan of stations for many futures, in place of the one for the tables as they are.

Takes the packs and stations fitted for the tables, plans the stations anew for all futures of
``[uncertainty]`` together, then fills them with packs for the tables again. Leaves out whether the
figures are right: `planner.planning.futures.confirm` has them recomputed.
"""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import IntArray
from planner.errors import InfeasibleError
from planner.instance import Instance
from planner.instance.futures import AS_IT_IS, futures_of
from planner.models.allocation.solve import allocate_zones
from planner.models.phasing.problem import CLOSED
from planner.models.phasing.solution import PhasedPlan, PhasedStart
from planner.models.robust.futures import Futures
from planner.models.robust.measure import Measure
from planner.models.robust.solution import RobustSolution
from planner.models.robust.solve import solve_robust
from planner.network import Reach
from planner.physics.fleet import FleetOperation
from planner.planning.clock import StageClock
from planner.planning.futures.demand import FutureDemand, as_one_node, demand_of_future
from planner.planning.futures.join import Joined, join_futures
from planner.planning.futures.stations import FutureStations, stations_of_plan
from planner.planning.paid_packs import pay_for_stock
from planner.planning.phasing.openings import Phased, with_other_stations
from planner.planning.phasing.problem import period_weights
from planner.planning.phasing.stages import sizes_cost, stages_of_plan
from planner.planning.rounds import Fitted
from planner.planning.service import Capacity
from planner.planning.siting.problem import assemble_allocation
from planner.planning.station_packs import RoadUse, Stage, open_stations
from planner.plans import ModelResult
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.status import Status


@dataclass(frozen=True)
class Hedged:
    """Stations for many futures.

    Attributes
    ----------
    fitted : Fitted
        These stations, with packs for the tables as they are.
    phased : Phased, optional
        Likewise, with phasing.
    measure : str
        What the plan is best by.
    demands : tuple of FutureDemand
        One per future.
    joined : Joined
    solution : RobustSolution
    stations : FutureStations
    shown : int
        Future whose stations stand in the plan where news parts them.
    days : float
        Days that the swaps of a column add up over; 1 where a column counts a single day's.
    """

    fitted: Fitted
    phased: Phased | None
    measure: str
    demands: tuple[FutureDemand, ...]
    joined: Joined
    solution: RobustSolution
    stations: FutureStations
    shown: int
    days: float

    @property
    def result(self) -> ModelResult:
        """How far the search for the plan got, by its measure."""
        proof, kind = self.solution.proof, self.measure
        scale = 1.0 if kind == "regret" else 1.0 / self.days
        return ModelResult(
            "futures", proof.sense,
            "share of each future's best" if kind == "regret" else self.fitted.siting.unit,
            proof.status, proof.objective * scale, proof.bound * scale, proof.gap_frac,
            proof.wall_s,
        )  # fmt: skip


def hedge(
    instance: Instance,
    fleet: FleetOperation,
    reach: Reach,
    fitted: Fitted,
    phased: Phased | None,
    options: SolveOptions,
    clock: StageClock,
    stop: StopRequest | None = None,
    executor: Executor | None = None,
) -> Hedged:
    """Plan stations for the futures of an instance.

    Parameters
    ----------
    instance : Instance
    fleet, reach : FleetOperation, Reach
        Of the instance.
    fitted : Fitted
        For the tables as they are.
    phased : Phased, optional
        Openings for the tables as they are.
    options : SolveOptions
        The time limit holds for the futures' siting.
    clock : StageClock
    stop : threading.Event or alike, optional
        When set, the best plan so far is taken.
    executor : concurrent.futures.Executor, optional

    Raises
    ------
    InfeasibleError
        If no plan keeps the limits of all futures.
    """
    uncertainty, periods = instance.scenario.uncertainty, instance.scenario.periods
    days = float(period_weights(instance.scenario).sum()) if periods else 1.0
    firsts = [period[0] for period in periods]
    news = len(firsts) or 1
    if uncertainty.news_quarter is not None:
        news = firsts.index(uncertainty.news_quarter)
    demands: list[FutureDemand] = []
    with clock.stage("futures", "packs and loads in each future") as say:
        earlier: Capacity = fitted.rates
        for future in futures_of(instance):
            demands.append(demand_of_future(future, reach, fitted, options, earlier))
            earlier = demands[-1].rates[-1]
            asked = float(demands[-1].problem.value.sum()) / days
            say(f"{future.name}: {asked:,.1f} swaps a day, {future.words}")
    shown = shown_future(demands)
    joined = join_futures(
        [demand.problem for demand in demands],
        [demand.future.name for demand in demands],
        (as_one_node(instance, fitted.siting_problem) if phased is None else phased.problem).limits,
        news=news,
        shown=shown,
    )
    with clock.stage("hedging", f"one plan for {len(demands)} futures") as say:
        solution = solve_robust(
            joined.problem,
            Futures(joined.future_of, np.array([demand.future.weight for demand in demands])),
            Measure(
                kind=uncertainty.measure,
                tail_frac=uncertainty.tail_frac,
                mean_weight=uncertainty.mean_weight,
                robust_frac=uncertainty.robust_frac,
            ),
            options,
            num_kept=uncertainty.optimize_on,
            start=_start(joined, fitted, phased),
            executor=executor,
            on_progress=clock.from_solver,
            stop=stop,
        )
        _check_shares(instance, solution)
        stations = stations_of_plan(joined, solution.plan, reach)
    with clock.stage("hedging", "packs of these stations"):
        if phased is None:
            fitted = _fitted_to(instance, fleet, reach, fitted, stations, joined, shown, options)
        else:
            plan = _plan_on_path(instance, reach, phased, stations, joined.node_of[shown])
            phased = with_other_stations(instance, fleet, reach, phased, plan, options, clock)
            fitted = phased.fitted
    return Hedged(
        fitted, phased, uncertainty.measure, tuple(demands), joined, solution, stations, shown,
        days,
    )  # fmt: skip


def _start(joined: Joined, fitted: Fitted, phased: Phased | None) -> PhasedStart:
    """The plan for the tables as they are, in every future."""
    if phased is not None:
        plan = phased.solution.plan
        size = np.full((len(plan.site_idx), joined.problem.tree.num_nodes), CLOSED, dtype=np.int32)
        for nodes in joined.node_of:
            size[:, nodes] = plan.size
        return PhasedStart(PhasedPlan(plan.site_idx, size))
    siting = fitted.siting
    types = fitted.allocation.type_idx if siting.type_idx is None else siting.type_idx
    if not sizes_cost(joined.problem):
        types = np.where(joined.problem.fits, np.arange(joined.problem.num_types), 0).max(axis=1)
        types = types[siting.open_site_idx]
    return PhasedStart(PhasedPlan(siting.open_site_idx, types[:, None].astype(np.int32)))


def _plan_on_path(
    instance: Instance,
    reach: Reach,
    phased: Phased,
    stations: FutureStations,
    nodes: IntArray,
) -> PhasedPlan:
    """The openings of one future, in sizes that suffice for the tables as they are, too."""
    size = stations.type_idx[:, nodes].astype(np.int32)
    stands = (size != CLOSED).any(axis=1)
    plan = PhasedPlan(stations.site_idx[stands], size[stands])
    if sizes_cost(phased.problem):
        return plan
    size = plan.size.copy()
    enough = stages_of_plan(instance, reach, phased.problem, plan)
    for number, stage in enumerate(enough):
        rows = np.flatnonzero(size[:, number] != CLOSED)
        size[rows, number] = np.maximum(size[rows, number], stage.allocation.type_idx)
    return PhasedPlan(plan.site_idx, np.maximum.accumulate(size, axis=1))


def _check_shares(instance: Instance, solution: RobustSolution) -> None:
    """Refuse a plan that does not keep the shares that were asked for."""
    if solution.proof.status in (Status.OPTIMAL, Status.FEASIBLE):
        return
    robust_frac = instance.scenario.uncertainty.robust_frac
    reached = 1.0 - float(solution.regret_frac[:, 1].max())
    proven = "no plan" if solution.proof.status == Status.INFEASIBLE else "no plan found"
    raise InfeasibleError(
        f"{proven} serves {robust_frac:.1%} of what each future's own best plan serves; "
        f"{reached:.1%} is reached: lower uncertainty.robust_frac, or set measure regret",
        conflict=(f"{100 * robust_frac:.6g} % of each future's own best plan served",),
        repair=(
            f"set uncertainty.robust_frac to {math.floor(reached * 1e4) / 1e4:.6g} or less",
            "set uncertainty.measure to regret",
        ),
    )


def shown_future(demands: Sequence[FutureDemand]) -> int:
    """The first future in which nothing differs from the tables; without one the likeliest."""
    for number, demand in enumerate(demands):
        if demand.future.words == AS_IT_IS:
            return number
    return int(np.argmax([demand.future.weight for demand in demands]))


def _fitted_to(
    instance: Instance,
    fleet: FleetOperation,
    reach: Reach,
    fitted: Fitted,
    stations: FutureStations,
    joined: Joined,
    shown: int,
    options: SolveOptions,
) -> Fitted:
    """What was fitted, with other stations: who serves whom and packs as the tables are."""
    problem = fitted.siting_problem
    site_idx, type_idx = stations.at_node(int(joined.node_of[shown, -1]))
    if not np.isfinite(problem.coverage.rules.budget):
        enough = allocate_zones(assemble_allocation(problem, reach, site_idx, None))
        type_idx = np.maximum(type_idx, enough.type_idx)
    allocation = allocate_zones(assemble_allocation(problem, reach, site_idx, type_idx))
    siting = replace(
        fitted.siting, open_site_idx=site_idx, type_idx=type_idx, allocation=None, money=None
    )
    packs = fitted.planned_packs
    planned = instance.scenario.planning_quarter
    stage = Stage(instance.scenario.quarters, planned, problem, site_idx, allocation)
    opened = open_stations(instance, fleet, packs.vehicles, [stage], RoadUse.none(instance))
    paid = pay_for_stock(instance, fleet, packs, opened, options)
    return replace(fitted, siting=siting, allocation=allocation, paid=paid)
