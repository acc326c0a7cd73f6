"""Stations period by period in place of those for good, and packs for the stations of each quarter.

Takes packs and stations fitted to each other for the planning quarter, plans which station opens
when, fills each with packs in the quarters in which it stands, and plans once more where other
packs would then save. Leaves out tables (`planner.planning.phasing.label`).
"""

from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import FloatArray
from planner.instance import Instance
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.solution import PhasedPlan, PhasedSolution, PhasedStart
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.physics.fleet import FleetOperation
from planner.planning.clock import StageClock
from planner.planning.packs import StationAnswer
from planner.planning.paid_packs import PlannedPacks, balance, pay_for_stock
from planner.planning.phasing.problem import assemble_phasing
from planner.planning.phasing.question import Openings, answer_question
from planner.planning.phasing.stages import (
    quarters_before,
    served_by_stage,
    sizes_cost,
    stage_before,
    stages_of_plan,
)
from planner.planning.rounds import Fitted
from planner.planning.service import Capacity, station_capacity
from planner.planning.siting.answer import choose_stations
from planner.planning.siting.problem import assemble_siting, zone_loads, zone_values
from planner.planning.siting.question import Siting, SitingTask
from planner.planning.station_answer import answer_of_stations, city_service, plan_packs_again
from planner.planning.station_packs import OpenStations, RoadUse, Stage, open_stations
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest

FIRST_TIME_FRAC = 0.7
"""Of the time for openings, that the first round may take: a second starts from its end."""
AGAIN_TIME_FRAC = 0.3
"""Of the time of a second round, that the bound of the planning quarter alone may take."""


@dataclass(frozen=True)
class Phased:
    """Which station opens when.

    Attributes
    ----------
    fitted : Fitted
        The stations of the last period, with packs for those of every quarter.
    problem, openings : PhasedProblem, Openings
        Values are discounted swaps.
    stages : tuple of Stage
        One per period.
    rates : tuple of Capacity
        What each type can do in each period.
    served : ndarray, shape (num_periods,)
        Discounted swaps that the stages serve.
    """

    fitted: Fitted
    problem: PhasedProblem
    openings: Openings
    stages: tuple[Stage, ...]
    rates: tuple[Capacity, ...]
    served: FloatArray

    @property
    def solution(self) -> PhasedSolution:
        """The openings' plan, proof and prices."""
        return self.openings.solution


@dataclass(frozen=True)
class _Round:
    """Openings for the packs of a round, and what the stations then tell them."""

    packs: PlannedPacks
    siting_problem: SizedCoverageProblem
    siting: Siting
    problem: PhasedProblem
    openings: Openings
    stages: list[Stage]
    rates: list[Capacity]
    on_road: RoadUse
    stations: OpenStations
    answer: StationAnswer


def phase_openings(
    instance: Instance,
    fleet: FleetOperation,
    reach: Reach,
    fitted: Fitted,
    options: SolveOptions,
    clock: StageClock,
    stop: StopRequest | None = None,
    executor: Executor | None = None,
) -> Phased:
    """Plan the openings of an instance with periods.

    Parameters
    ----------
    instance : Instance
    fleet, reach : FleetOperation, Reach
        Of the instance.
    fitted : Fitted
        Packs and stations for the planning quarter.
    options : SolveOptions
        The time limit holds for the openings.
    clock : StageClock
    stop : threading.Event or alike, optional
        When set, the round in progress is the last.
    executor : concurrent.futures.Executor, optional
        Where cities are solved.

    Raises
    ------
    InfeasibleError
        If no plan keeps the limits of every period, with the reason.
    """
    ask = _Ask(instance, fleet, reach, fitted, clock, stop, executor)
    first = replace(options, time_limit_s=options.time_limit_s * FIRST_TIME_FRAC)
    last = ask.round(fitted.planned_packs, fitted.siting_problem, fitted.siting, first, None)
    left_s = options.time_limit_s - last.openings.solution.proof.wall_s
    packs = last.packs
    with clock.optional_stage("packs", "packs again, for the stations of each quarter") as say:
        again = plan_packs_again(instance, fleet, packs, last.answer, options)
        say(again.message)
        if again.saving_frac > instance.scenario.coupling.tolerance_frac:
            packs = balance(instance, fleet, again.packs, last.answer, options)
    if packs is not last.packs and not (stop is not None and stop.is_set()):
        last = ask.again(packs, last, replace(options, time_limit_s=max(1.0, left_s)))
    corridor_plan, on_road, stations = None, last.on_road, last.stations
    if fitted.corridor_rounds is not None:
        corridor_plan, _, on_road = fitted.corridor_rounds.finish(last.packs.planned, last.siting)
        stations = ask.open_stations(last.packs, last.stages, on_road)
    with clock.stage("stock", "every pack in a station paid for") as say:
        paid = pay_for_stock(instance, fleet, last.packs, stations, options)
        held = paid.station_packs.sum(axis=(1, 2))
        quarters = instance.scenario.quarters
        for quarter in (instance.scenario.periods[0][-1], instance.scenario.planning_quarter):
            say(f"{int(held[quarters.index(quarter)]):,} packs in stations in {quarter}")
    return Phased(
        fitted=replace(
            fitted,
            planned_packs=last.packs,
            siting_problem=last.siting_problem,
            siting=last.siting,
            allocation=last.stages[-1].allocation,
            paid=paid,
            rates=last.rates[-1],
            on_road=on_road,
            corridors=corridor_plan,
        ),
        problem=last.problem,
        openings=last.openings,
        stages=tuple(last.stages),
        rates=tuple(last.rates),
        served=served_by_stage(last.problem, last.stages),
    )


def with_other_stations(
    instance: Instance,
    fleet: FleetOperation,
    reach: Reach,
    phased: Phased,
    plan: PhasedPlan,
    options: SolveOptions,
    clock: StageClock,
) -> Phased:
    """The same packs with the stations and sizes of another plan, every pack in them paid for.

    Parameters
    ----------
    instance, fleet, reach : Instance, FleetOperation, Reach
    phased : Phased
        Without corridors. Its bound holds for the other plan, too.
    plan : PhasedPlan
        For its problem.
    options, clock : SolveOptions, StageClock
    """
    fitted, packs = phased.fitted, phased.fitted.planned_packs
    stages = stages_of_plan(instance, reach, phased.problem, plan, sizes_given=True)
    ask = _Ask(instance, fleet, reach, fitted, clock, None, None)
    paid = pay_for_stock(
        instance, fleet, packs, ask.open_stations(packs, stages, fitted.on_road), options
    )
    last = stages[-1]
    siting = replace(
        fitted.siting,
        open_site_idx=last.site_idx,
        type_idx=last.allocation.type_idx.astype(np.int64),
        allocation=None,
        money=None,
    )
    return replace(
        phased,
        fitted=replace(fitted, siting=siting, allocation=last.allocation, paid=paid),
        openings=phased.openings._replace(solution=replace(phased.solution, plan=plan)),
        stages=tuple(stages),
        served=served_by_stage(phased.problem, stages),
    )


@dataclass(frozen=True)
class _Ask:
    """What all rounds share."""

    instance: Instance
    fleet: FleetOperation
    reach: Reach
    fitted: Fitted
    clock: StageClock
    stop: StopRequest | None
    executor: Executor | None

    def round(
        self,
        packs: PlannedPacks,
        siting_problem: SizedCoverageProblem,
        siting: Siting,
        options: SolveOptions,
        start: PhasedStart | None,
    ) -> _Round:
        """Openings for some packs."""
        instance, fleet, clock = self.instance, self.fleet, self.clock
        periods = instance.scenario.periods
        with clock.stage("capacity", f"rates of the stations in {len(periods)} periods"):
            rates = self._rates(packs)
        with clock.stage("phasing", f"which station opens when, {len(periods)} periods") as say:
            problem = assemble_phasing(
                instance, fleet, siting_problem, packs.vehicles,
                [rate.swaps_per_hour for rate in rates],
            )  # fmt: skip
            openings = answer_question(
                instance.scenario,
                problem,
                options,
                start=start or _at_the_end(siting, problem),
                executor=self.executor,
                on_progress=clock.from_solver,
                stop=self.stop,
            )
            solution = openings.solution
            say(f"{len(solution.plan.site_idx):,} stations, gap {solution.proof.gap_frac:.2%}")
        with clock.stage("allocation", "zones to the stations of each period"):
            stages = stages_of_plan(instance, self.reach, problem, solution.plan)
        last = stages[-1]
        chosen = replace(
            siting,
            open_site_idx=last.site_idx,
            type_idx=last.allocation.type_idx.astype(np.int64) if sizes_cost(problem) else None,
            allocation=None,
            money=None,
        )
        with clock.stage("service", "what the stations serve, city by city"):
            service = city_service(instance, self.reach, siting_problem, chosen, last.allocation)
        corridors = self.fitted.corridor_rounds
        on_road = RoadUse.none(instance) if corridors is None else corridors.end(chosen)
        with clock.stage("stock", "whole packs in every station and quarter") as say:
            stations = self.open_stations(packs, stages, on_road)
            answer, stock = answer_of_stations(
                instance, fleet, packs, stations, instance.scenario.quarters, service, on_road
            )
            last_packs, num_stations = int(stock[-1].sum()), len(stations.station_id)
            say(f"{last_packs:,} packs in {num_stations:,} stations at last")
        return _Round(
            packs, siting_problem, chosen, problem, openings, stages, rates, on_road, stations,
            answer,
        )  # fmt: skip

    def again(self, packs: PlannedPacks, before: _Round, options: SolveOptions) -> _Round:
        """Openings for other packs, and the bound of the planning quarter alone for them."""
        instance, clock = self.instance, self.clock
        with clock.stage("siting", "the planning quarter alone, for these packs"):
            rate = station_capacity(instance, self.fleet, packs.planned, before.rates[-1])
            problem = assemble_siting(
                instance, self.reach, self.fleet, packs.planned, rate.swaps_per_hour
            )
            quick = replace(options, time_limit_s=options.time_limit_s * AGAIN_TIME_FRAC)
            siting = choose_stations(
                SitingTask(
                    instance, problem, self.reach, quick, earlier=self.fitted.siting,
                    on_progress=clock.from_solver, stop=self.stop, executor=self.executor,
                )
            )  # fmt: skip
        left_s = max(1.0, options.time_limit_s - siting.wall_s)
        return self.round(
            packs,
            problem,
            siting,
            replace(options, time_limit_s=left_s),
            before.openings.solution.end,
        )

    def open_stations(
        self, packs: PlannedPacks, stages: list[Stage], on_road: RoadUse
    ) -> OpenStations:
        """Stations of every quarter of the horizon, those before the first period included."""
        instance = self.instance
        before = None
        if quarters_before(instance):
            quarter = quarters_before(instance)[-1]
            vehicles = packs.vehicles[instance.scenario.quarters.index(quarter)]
            of_last = stages[-1].problem
            value = zone_values(instance, self.fleet, quarter)
            problem = replace(
                of_last,
                coverage=replace(of_last.coverage, value=value),
                load=zone_loads(instance, self.fleet, vehicles),
            )
            rate = station_capacity(instance, self.fleet, vehicles, self.fitted.rates)
            before = stage_before(instance, self.reach, problem, rate.swaps_per_hour)
        all_stages = stages if before is None else [before, *stages]
        return open_stations(instance, self.fleet, packs.vehicles, all_stages, on_road)

    def _rates(self, packs: PlannedPacks) -> list[Capacity]:
        """What each type can do in the last quarter of each period, last period first."""
        quarters, rates = self.instance.scenario.quarters, [self.fitted.rates]
        if packs is not self.fitted.planned_packs:
            rates = [station_capacity(self.instance, self.fleet, packs.planned, self.fitted.rates)]
        for period in reversed(self.instance.scenario.periods[:-1]):
            vehicles = packs.vehicles[quarters.index(period[-1])]
            rates.append(station_capacity(self.instance, self.fleet, vehicles, rates[-1]))
        return rates[::-1]


def _at_the_end(siting: Siting, problem: PhasedProblem) -> PhasedStart:
    """The stations for good as a plan in which all of them open in the last period."""
    num_periods = problem.tree.num_nodes
    size = np.full((len(siting.open_site_idx), num_periods), CLOSED, dtype=np.int32)
    largest = np.where(problem.fits, np.arange(problem.num_types), -1).max(axis=1)
    size[:, -1] = largest[siting.open_site_idx] if siting.type_idx is None else siting.type_idx
    return PhasedStart(PhasedPlan(siting.open_site_idx, size))
