"""Packs and stations, planned in turn until they fit each other.

Packs set the winter load of the zones and the rate at which a station keeps the service level;
stations set how many whole packs stand in them, and where another swap in the worst hour would
crowd out others. Each round plans the stations for the packs, then the packs again for these
stations. When they hardly change, the stations are planned to the full gap, and every pack that
stands in one is paid for.
"""

import math
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance import Instance
from planner.models.allocation.solve import Allocation, allocate_zones
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.models.reasons.result import SiteReasons
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.physics.fleet import FleetOperation
from planner.planning.clock import StageClock
from planner.planning.corridors.plan import CorridorPlan
from planner.planning.corridors.roads import CorridorRoads
from planner.planning.corridors.rounds import CorridorRounds
from planner.planning.packs import PackLabels, StationAnswer
from planner.planning.paid_packs import PaidPacks, PlannedPacks, balance, pay_for_stock, plan_packs
from planner.planning.reasons.stations import find_reasons, polish
from planner.planning.service import Capacity, station_capacity
from planner.planning.siting.answer import choose_stations
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
from planner.planning.station_packs import RoadUse, Stage, open_stations
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.proof import Proof

ROUGH_GAP_FRAC = 0.02
"""Gap of the siting in all rounds but the last."""


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

    Returns
    -------
    Fitted
        A fixed point within the scenario's tolerance, unless the rounds ran out before.
    """
    coupling = instance.scenario.coupling
    planned_quarter = instance.scenario.planning_quarter
    rows: list[dict[str, float]] = []
    spent_s = 0.0
    with clock.stage("packs", "packs to cities and vehicles, as if all swaps were served"):
        packs = plan_packs(instance, fleet, StationAnswer.everywhere(instance), options)
    depends_on_packs = ask_of(instance).depends_on_packs
    settled = False
    chosen: Siting | None = None
    capacity: Capacity | None = None
    reasons: SiteReasons | None = None
    corridors = (
        None if roads is None else CorridorRounds(instance, fleet, roads, options, clock, stop)
    )
    while True:
        number, before = len(rows) + 1, capacity
        is_full = settled or number >= coupling.max_rounds or not depends_on_packs
        left_s = max(1.0, options.time_limit_s - spent_s)
        claimants = corridors.begin(packs.planned) if corridors else ()
        with clock.stage("capacity", "rates at which stations keep the service level"):
            capacity = station_capacity(instance, fleet, packs.planned, before)
        with clock.stage("siting", f"round {number}: up to {len(instance.sites):,} sites"):
            siting_problem = assemble_siting(
                instance, reach, fleet, packs.planned, capacity.swaps_per_hour
            )
            of_round = replace(
                options,
                gap_frac=options.gap_frac if is_full else max(options.gap_frac, ROUGH_GAP_FRAC),
                # Half of what is left, so that a later round has the other half.
                time_limit_s=left_s if is_full else left_s / 2,
            )
            task = SitingTask(
                instance, siting_problem, reach, of_round,
                earlier=chosen, claimants=claimants, on_progress=clock.from_solver, stop=stop,
                executor=executor,
            )  # fmt: skip
            siting = chosen = choose_stations(task)
        spent_s += siting.wall_s
        with clock.stage("allocation", "zones to stations, station sizes"):
            allocation = _allocate(task, siting)
        is_last_word = is_full and not corridors and not _replans(instance)
        if is_last_word and (depends_on_packs or reasons is None):
            siting, allocation, reasons = _improved(task, siting, allocation, clock)
            chosen = siting
        of_stations = reasons
        if is_full and not instance.scenario.periods:
            with clock.stage("money", "the same for less money") as say:
                dearer, siting = (
                    siting,
                    spend_least(task, siting, allocation, fixed_sites=roads is not None),
                )
                if siting.money is not None:
                    allocation = _allocate(task, siting)
                    say(_money_message(siting.money))
            if not _same_stations(task, dearer, siting):
                of_stations = None
        with clock.stage("service", "what the stations serve, city by city"):
            service = city_service(instance, reach, siting_problem, siting, allocation)
        on_road = corridors.end(siting) if corridors else RoadUse.none(instance)
        with clock.stage("stock", "whole packs in every station") as say:
            stage = Stage(
                instance.scenario.quarters, planned_quarter, siting_problem, siting.open_site_idx,
                allocation,
            )  # fmt: skip
            stations = open_stations(instance, fleet, packs.vehicles, [stage], on_road)
            answer, standing = answer_of_stations(
                instance, fleet, packs, stations, [planned_quarter], service, on_road
            )
            say(f"round {number}: {standing:,} packs in {len(stations.station_id):,} stations")
        # Prices may make packs jump to and fro: later answers are taken by half.
        mixed = answer.mixed_with(packs.assumed_stations, 0.0 if number == 1 else 0.5)
        again = OtherPacks(packs, math.nan, math.nan)
        # The plan stands without it: packs of this round, and stations for them.
        with clock.optional_stage("packs", "packs again, for these stations") as say:
            again = plan_packs_again(instance, fleet, packs, mixed, options)
            say(f"round {number}: {again.message}")
        served_change = np.abs(answer.served_frac - packs.assumed_stations.served_frac)
        rows.append(
            {
                "round": number,
                "pack_cost_cny": packs.solution.proof.objective,
                "swaps_per_day_served": served_swaps(siting_problem, allocation),
                "siting_gap_frac": siting.gap_frac,
                "served_change_frac": float(served_change.max(initial=0.0)),
                "capacity_change_frac": _change_frac(capacity, before),
                "station_packs": standing,
                "vehicles_changing_frac": again.changing_frac,
                "saving_frac": again.saving_frac,
            }
        )
        # The first round assumed stations everywhere: its packs are never final.
        settled = number > 1 and again.saving_frac <= coupling.tolerance_frac
        stopped = math.isnan(again.saving_frac) or (stop is not None and stop.is_set())
        if stopped or (is_full and (settled or number >= coupling.max_rounds)):
            corridor_plan = None
            if corridors:
                corridor_plan, siting, on_road = corridors.finish(packs.planned, siting)
                stations = open_stations(instance, fleet, packs.vehicles, [stage], on_road)
            with clock.stage("stock", "every pack in a station paid for") as say:
                paid = pay_for_stock(instance, fleet, packs, stations, options)
                held = paid.station_packs[instance.scenario.quarters.index(planned_quarter)]
                say(f"{int(held.sum()):,} packs in stations in {planned_quarter}")
            return Fitted(
                packs, siting_problem, siting, allocation, paid, capacity, on_road,
                pd.DataFrame(rows), corridor_plan, corridors, of_stations,
            )  # fmt: skip
        if not settled:
            packs = again.packs
        if settled or number + 1 >= coupling.max_rounds:
            with clock.optional_stage("packs", "packs that supply has for vehicles and stations"):
                packs = balance(instance, fleet, packs, answer, options)


def _change_frac(capacity: Capacity, before: Capacity | None) -> float:
    if before is None:
        return math.nan
    rate, earlier = capacity.swaps_per_hour, before.swaps_per_hour
    change = np.divide(np.abs(rate - earlier), earlier, out=np.zeros(rate.shape), where=earlier > 0)
    return float(change.max(initial=0.0))


def _replans(instance: Instance) -> bool:
    """Whether other stations follow, for periods or for many futures."""
    return bool(instance.scenario.periods) or instance.scenario.uncertainty.planned


def _improved(
    task: SitingTask, siting: Siting, allocation: Allocation, clock: StageClock
) -> tuple[Siting, Allocation, SiteReasons | None]:
    """The answer after exchanges of stations that improve it, and what each station is worth."""
    reasons = None
    with clock.optional_stage("reasons", "what each station is worth, and what improves") as say:
        found = find_reasons(task, siting, allocation)
        if found is not None and found.improved is not None:
            siting = polish(task, siting, found.improved)
            allocation = _allocate(task, siting)
            say(f"{found.applied} exchanges of stations improve the plan")
            found = replace(found, improved=None)
        reasons = found
    return siting, allocation, reasons


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
