"""Packs and stations, planned in turn until they fit each other.

Packs set the winter load of the zones and the rate at which a station keeps the service level;
stations set how many whole packs stand in them, and where another swap in the worst hour would
crowd out others. Each round plans the stations for the packs, then the packs again for these
stations, filled anew until they fit. When packs hardly change, exchanges improve the stations and
their types, and every pack that stands in one is paid for.
"""

import math
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray
from planner.instance import Instance
from planner.models.allocation.solve import Allocation, allocate_zones
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.models.reasons.result import SiteReasons
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.physics.fleet import FleetOperation
from planner.planning.array_cache import ArrayCache
from planner.planning.clock import StageClock
from planner.planning.corridors.plan import CorridorPlan
from planner.planning.corridors.roads import CorridorRoads
from planner.planning.corridors.rounds import CorridorRounds
from planner.planning.first_round import first_capacity, first_packs
from planner.planning.packs import PackLabels, StationAnswer
from planner.planning.paid_packs import PaidPacks, PlannedPacks, balance, pay_for_stock
from planner.planning.reasons.stations import find_reasons, polish
from planner.planning.service import Capacity, station_capacity
from planner.planning.siting.answer import choose_stations
from planner.planning.siting.kept_start import keep_start, kept_start
from planner.planning.siting.least_money import spend_least
from planner.planning.siting.problem import assemble_allocation, assemble_siting
from planner.planning.siting.question import Siting, SitingTask, ask_of
from planner.planning.station_answer import (
    OtherPacks,
    answer_of_stations,
    city_service,
    plan_packs_again,
    served_swaps,
)
from planner.planning.station_packs import CityService, OpenStations, RoadUse, Stage, open_stations
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.proof import Proof

ROUGH_GAP_FRAC = 0.02
"""Gap of the siting in the first round, whose packs are planned as if all swaps were served."""
MOST_TURNS = 4
"""Times that packs are planned again at a round's stations, filled anew, before the next round."""


@dataclass(frozen=True)
class Fitted:
    """Packs and stations of the last round.

    Attributes
    ----------
    planned_packs : PlannedPacks
        The packs as the last round found them.
    paid : PaidPacks
        The packs that are planned: every whole pack of the stations paid for.
    rates : Capacity
        What each type can do in each city.
    on_road : RoadUse
        What stations between the cities give.
    siting_problem, siting, allocation : SizedCoverageProblem, Siting, Allocation
        The stations, for these packs.
    rounds : DataFrame
        A row per round: ``round, pack_cost_cny, swaps_per_day_served, siting_gap_frac,
        served_change_frac`` (largest change of a city's served share against what the packs
        were planned for), ``capacity_change_frac`` (largest change of what a type can do in a city
        against the round before), ``station_packs`` (whole, of the planning quarter),
        ``vehicles_changing_frac`` (share of the vehicles that would change their pack, were the
        packs planned again for these stations), ``saving_frac`` (what that would save of their
        cost); both missing where that failed.
    corridors : CorridorPlan, optional
        For these stations and packs, if corridors are planned.
    corridor_rounds : CorridorRounds, optional
        What plans them again for other stations.
    reasons : SiteReasons, optional
        What each of the stations is worth, where the search for that came on the way.
    """

    planned_packs: PlannedPacks
    siting_problem: SizedCoverageProblem
    siting: Siting
    allocation: Allocation
    paid: PaidPacks
    rates: Capacity
    on_road: RoadUse
    rounds: pd.DataFrame
    corridors: CorridorPlan | None = None
    corridor_rounds: CorridorRounds | None = None
    reasons: SiteReasons | None = None

    @property
    def pack_problem(self) -> PackAssignmentProblem:
        """What the last round asked of the packs."""
        return self.planned_packs.problem

    @property
    def pack_labels(self) -> PackLabels:
        """What the indices of the pack problem stand for."""
        return self.planned_packs.labels

    @property
    def packs(self) -> PackAssignment:
        """The last round's answer, whose prices tell what more packs would be worth."""
        return self.planned_packs.solution

    @property
    def capacity(self) -> FloatArray:
        """Swaps in the peak hour of each type in each city, (num_cities, num_types) [1/h]."""
        return self.rates.swaps_per_hour

    def trip_swaps_per_day(self, instance: Instance) -> float:
        """What trips between cities add to the siting's objective."""
        settings = instance.scenario.corridors
        if self.corridors is None or settings.funding != "national":
            return 0.0
        return settings.trip_swap_weight * self.corridors.proof.objective


def fit_packs_and_stations(
    instance: Instance,
    fleet: FleetOperation,
    reach: Reach,
    options: SolveOptions,
    clock: StageClock,
    stop: StopRequest | None = None,
    executor: Executor | None = None,
    roads: CorridorRoads | None = None,
    cache: ArrayCache | None = None,
) -> Fitted:
    """Plan packs and stations in turn.

    Parameters
    ----------
    instance : Instance
        ``coupling`` of its scenario bounds the rounds.
    fleet, reach : FleetOperation, Reach
        Of the instance.
    options : SolveOptions
        The time limit holds for all rounds of siting together.
    clock : StageClock
        Hears of every round.
    stop : threading.Event or alike, optional
        When set, the round in progress is the last.
    executor : concurrent.futures.Executor, optional
        Where cities are solved; processes of this machine otherwise.
    roads : CorridorRoads, optional
        Those between the cities, if corridors are planned.
    cache : ArrayCache, optional
        Keeps what the first round begins with, and where the last one ends. A deterministic run
        takes nothing from it that would not be computed bit for bit the same.

    Returns
    -------
    Fitted
        A fixed point within the scenario's tolerance, unless the rounds ran out before.
    """
    coupling = instance.scenario.coupling
    with clock.stage("packs", "packs to cities and vehicles, as if all swaps were served"):
        packs = first_packs(instance, fleet, options, cache)
    corridors = (
        None if roads is None else CorridorRounds(instance, fleet, roads, options, clock, stop)
    )
    asked = _Asked(instance, fleet, reach, options, clock, stop, executor, corridors, cache)
    rows: list[dict[str, float]] = []
    spent_s, settled = 0.0, False
    last: _Round | None = None
    depends_on_packs = ask_of(instance).depends_on_packs
    while True:
        number, before = len(rows) + 1, last
        is_last = settled or number >= coupling.max_rounds or not depends_on_packs
        left_s = max(1.0, options.time_limit_s - spent_s)
        of_round = replace(
            options,
            # The first round's packs are never final; any later round may be the last.
            gap_frac=options.gap_frac if is_last or before else _rough(options.gap_frac),
            # Half of what is left, so that a later round has the other half.
            time_limit_s=left_s if is_last else left_s / 2,
        )
        last = _choose(asked, packs, before, of_round)
        spent_s += last.siting.wall_s
        stocked = _stock(asked, last)
        # What the first round's rough stations answered counts no more once others have; later
        # answers are taken by half, as prices may make packs jump to and fro.
        weight = 0.0 if number <= 2 else 0.5
        again = _packs_again(asked, last, stocked, weight)
        rows.append(_told(last, before, stocked, again))
        settled = number > 1 and again.saving_frac <= coupling.tolerance_frac
        is_ended = stop is not None and stop.is_set()
        stopped = is_ended or math.isnan(again.saving_frac)
        is_enough = is_last or last.siting.gap_frac <= options.gap_frac
        if stopped or (is_enough and (settled or number >= coupling.max_rounds)):
            better = last if is_ended else _better(asked, last)
            if better is not last:
                # Corridors know the places of stations only, which stay.
                on_road = stocked.on_road if corridors else None
                last, stocked = better, _stock(asked, better, on_road)
                if not stopped:
                    again = _packs_again(asked, last, stocked, weight)
                    settled = again.saving_frac <= coupling.tolerance_frac
                    stopped = math.isnan(again.saving_frac)
                rows[-1] = _told(last, before, stocked, again)
            if stopped or settled or number >= coupling.max_rounds:
                return _finish(asked, last, stocked, pd.DataFrame(rows))
        if not settled:
            packs = _settle(asked, stocked, again.packs)


def _rough(gap_frac: float) -> float:
    return max(gap_frac, ROUGH_GAP_FRAC)


@dataclass(frozen=True)
class _Asked:
    """What is the same in all rounds."""

    instance: Instance
    fleet: FleetOperation
    reach: Reach
    options: SolveOptions
    clock: StageClock
    stop: StopRequest | None
    executor: Executor | None
    corridors: CorridorRounds | None
    cache: ArrayCache | None


@dataclass(frozen=True)
class _Round:
    """Stations of a round, and the packs that they were planned for.

    Attributes
    ----------
    number : int
        1 for the first.
    packs, rates : PlannedPacks, Capacity
        What the siting was told.
    task, siting, allocation : SitingTask, Siting, Allocation
    reasons : SiteReasons, optional
        Of the stations, where the round searched for them.
    """

    number: int
    packs: PlannedPacks
    rates: Capacity
    task: SitingTask
    siting: Siting
    allocation: Allocation
    reasons: SiteReasons | None = None


@dataclass(frozen=True)
class _Stocked:
    """Whole packs in a round's stations.

    Attributes
    ----------
    stage : Stage
        The planning quarter's stations as `open_stations` takes them.
    stations : OpenStations
    service : CityService
        What they do for their cities.
    answer : StationAnswer
        What they tell the packs.
    on_road : RoadUse
    packs : int array, shape (num_stations, num_packs)
        In them, in the planning quarter.
    """

    stage: Stage
    stations: OpenStations
    service: CityService
    answer: StationAnswer
    on_road: RoadUse
    packs: IntArray


def _choose(
    asked: _Asked,
    packs: PlannedPacks,
    before: _Round | None,
    options: SolveOptions,
) -> _Round:
    """Stations for packs."""
    instance, clock = asked.instance, asked.clock
    number = 1 if before is None else before.number + 1
    claimants = asked.corridors.begin(packs.planned) if asked.corridors else ()
    with clock.stage("capacity", "rates at which stations keep the service level"):
        if before is None:
            rates = first_capacity(instance, asked.fleet, packs.planned, asked.cache)
        else:
            rates = station_capacity(instance, asked.fleet, packs.planned, before.rates)
    with clock.stage("siting", f"round {number}: up to {len(instance.sites):,} sites"):
        problem = assemble_siting(
            instance, asked.reach, asked.fleet, packs.planned, rates.swaps_per_hour
        )
        start = None
        if before is None and asked.cache and not (claimants or options.deterministic):
            start = kept_start(instance, problem, asked.cache)
        task = SitingTask(
            instance, problem, asked.reach, options,
            earlier=None if before is None else before.siting, start=start, claimants=claimants,
            on_progress=clock.from_solver, stop=asked.stop, executor=asked.executor,
        )  # fmt: skip
        siting = choose_stations(task)
    with clock.stage("allocation", "zones to stations, station sizes"):
        allocation = _allocate(task, siting)
    return _Round(number, packs, rates, task, siting, allocation)


def _better(asked: _Asked, last: _Round) -> _Round:
    """The last round's plan improved by exchanges, then as good for less money.

    Where other stations follow, for periods or for many futures, their search improves them.
    """
    scenario = asked.instance.scenario
    better = last
    if not (asked.corridors or scenario.periods or scenario.uncertainty.planned):
        better = _improved(asked, better)
    if not scenario.periods:
        better = _for_less_money(asked, better)
    return better


def _improved(asked: _Asked, last: _Round) -> _Round:
    """A round after exchanges of stations that improve it, with what each station is worth."""
    task, siting, allocation = last.task, last.siting, last.allocation
    reasons, clock = None, asked.clock
    with clock.optional_stage("reasons", "what each station is worth, and what improves") as say:
        found = find_reasons(task, siting, allocation)
        if found is not None and found.improved is not None:
            siting = polish(task, siting, found.improved)
            allocation = _allocate(task, siting)
            say(f"{found.applied} exchanges of stations improve the plan")
            found = replace(found, improved=None)
        reasons = found
    return replace(last, siting=siting, allocation=allocation, reasons=reasons)


def _for_less_money(asked: _Asked, last: _Round) -> _Round:
    """A round whose plan is as good for less money; without reasons if other stations open."""
    task, allocation = last.task, last.allocation
    with asked.clock.stage("money", "the same for less money") as say:
        fixed = asked.corridors is not None
        siting = spend_least(task, last.siting, allocation, fixed_sites=fixed)
        if siting.money is not None:
            allocation = _allocate(task, siting)
            say(_money_message(siting.money))
    reasons = last.reasons if _same_stations(task, last.siting, siting) else None
    return replace(last, siting=siting, allocation=allocation, reasons=reasons)


def _stock(asked: _Asked, last: _Round, on_road: RoadUse | None = None) -> _Stocked:
    """Fill a round's stations with whole packs, and hear what they tell the packs.

    Stations between the cities are asked for what they give where that is not known.
    """
    instance, fleet, clock, packs = asked.instance, asked.fleet, asked.clock, last.packs
    planned_quarter = instance.scenario.planning_quarter
    with clock.stage("service", "what the stations serve, city by city"):
        service = city_service(
            instance, asked.reach, last.task.problem, last.siting, last.allocation
        )
    if on_road is None:
        corridors = asked.corridors
        on_road = corridors.end(last.siting) if corridors else RoadUse.none(instance)
    with clock.stage("stock", "whole packs in every station") as say:
        stage = Stage(
            instance.scenario.quarters, planned_quarter, last.task.problem,
            last.siting.open_site_idx, last.allocation,
        )  # fmt: skip
        stations = open_stations(instance, fleet, packs.vehicles, [stage], on_road)
        answer, stock = answer_of_stations(
            instance, fleet, packs, stations, [planned_quarter], service, on_road
        )
        num_packs, num_stations = int(stock.sum()), len(stations.station_id)
        say(f"round {last.number}: {num_packs:,} packs in {num_stations:,} stations")
    return _Stocked(stage, stations, service, answer, on_road, stock[0])


def _packs_again(asked: _Asked, last: _Round, stocked: _Stocked, weight: float) -> OtherPacks:
    """Packs planned again for a round's stations; those of the round if that fails.

    What was assumed of stations before counts by ``weight``.
    """
    answer = stocked.answer.mixed_with(last.packs.assumed_stations, weight)
    again = OtherPacks(last.packs, math.nan, math.nan)
    # The plan stands without it: packs of this round, and stations for them.
    with asked.clock.optional_stage("packs", "packs again, for these stations") as say:
        again = plan_packs_again(asked.instance, asked.fleet, last.packs, answer, asked.options)
        say(f"round {last.number}: {again.message}")
    return again


def _settle(asked: _Asked, stocked: _Stocked, packs: PlannedPacks) -> PlannedPacks:
    """Packs for the next round: in turn with the whole packs of this round's stations, then paid.

    To plan stations anew takes far longer than to fill those of a round for other packs: what only
    whole packs change is settled before.
    """
    instance, fleet, options, clock = asked.instance, asked.fleet, asked.options, asked.clock
    answer, quarters = stocked.answer, [instance.scenario.planning_quarter]
    with clock.optional_stage("packs", "packs and whole packs in turn, at these stations") as say:
        for _ in range(MOST_TURNS):
            answer, _ = answer_of_stations(
                instance, fleet, packs, stocked.stations, quarters, stocked.service, stocked.on_road
            )
            again = plan_packs_again(instance, fleet, packs, answer, options)
            packs = again.packs
            say(again.message)
            if again.saving_frac <= instance.scenario.coupling.tolerance_frac:
                break
    with clock.optional_stage("packs", "packs that supply has for vehicles and stations"):
        return balance(instance, fleet, packs, answer, options)
    return packs


def _told(
    last: _Round, before: _Round | None, stocked: _Stocked, again: OtherPacks
) -> dict[str, float]:
    """Row of `Fitted.rounds`."""
    assumed = last.packs.assumed_stations
    served_change = np.abs(stocked.answer.served_frac - assumed.served_frac)
    return {
        "round": last.number,
        "pack_cost_cny": last.packs.solution.proof.objective,
        "swaps_per_day_served": served_swaps(last.task.problem, last.allocation),
        "siting_gap_frac": last.siting.gap_frac,
        "served_change_frac": float(served_change.max(initial=0.0)),
        "capacity_change_frac": _change_frac(last.rates, before.rates if before else None),
        "station_packs": int(stocked.packs.sum()),
        "vehicles_changing_frac": again.changing_frac,
        "saving_frac": again.saving_frac,
    }


def _finish(asked: _Asked, last: _Round, stocked: _Stocked, rows: pd.DataFrame) -> Fitted:
    """Pay for every pack of the last round's stations; plan the corridors for good."""
    instance, fleet, packs = asked.instance, asked.fleet, last.packs
    siting, on_road, stations = last.siting, stocked.on_road, stocked.stations
    if asked.cache and siting.gap_frac <= ROUGH_GAP_FRAC:
        keep_start(instance, last.task.problem, siting, asked.cache)
    corridor_plan, known = None, {instance.scenario.planning_quarter: stocked.packs}
    if asked.corridors:
        known = {}
        corridor_plan, siting, on_road = asked.corridors.finish(packs.planned, siting)
        stations = open_stations(instance, fleet, packs.vehicles, [stocked.stage], on_road)
    with asked.clock.stage("stock", "every pack in a station paid for") as say:
        paid = pay_for_stock(
            instance, fleet, packs, stations, asked.options, known, stocked.service
        )
        planned_quarter = instance.scenario.planning_quarter
        held = paid.station_packs[instance.scenario.quarters.index(planned_quarter)]
        say(f"{int(held.sum()):,} packs in stations in {planned_quarter}")
    return Fitted(
        packs, last.task.problem, siting, last.allocation, paid, last.rates, on_road, rows,
        corridor_plan, asked.corridors, last.reasons,
    )  # fmt: skip


def _change_frac(capacity: Capacity, before: Capacity | None) -> float:
    if before is None:
        return math.nan
    rate, earlier = capacity.swaps_per_hour, before.swaps_per_hour
    change = np.divide(np.abs(rate - earlier), earlier, out=np.zeros(rate.shape), where=earlier > 0)
    return float(change.max(initial=0.0))


def _same_stations(task: SitingTask, one: Siting, other: Siting) -> bool:
    """Whether two answers open the same sites, in the same sizes where money is limited."""
    if not np.array_equal(one.open_site_idx, other.open_site_idx):
        return False
    if not math.isfinite(task.problem.rules.budget):
        return True
    if one.type_idx is None or other.type_idx is None:
        return False
    return np.array_equal(one.type_idx, other.type_idx)


def _allocate(task: SitingTask, siting: Siting) -> Allocation:
    return siting.allocation or allocate_zones(
        assemble_allocation(task.problem, task.reach, siting.open_site_idx, siting.type_idx)
    )


def _money_message(money: Proof) -> str:
    return (
        f"{money.objective / 1e6:,.1f} M CNY, an equal plan takes at least "
        f"{money.bound / 1e6:,.1f} M CNY"
    )
