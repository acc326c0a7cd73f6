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
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.physics.fleet import FleetOperation
from planner.planning.clock import StageClock
from planner.planning.corridors.plan import CorridorPlan
from planner.planning.corridors.roads import CorridorRoads
from planner.planning.corridors.rounds import CorridorRounds
from planner.planning.packs import PackLabels, StationAnswer
from planner.planning.paid_packs import (
    PaidPacks,
    balance,
    pay_for_stock,
    plan_packs,
    saving_frac,
)
from planner.planning.service import Capacity, station_capacity
from planner.planning.siting.answer import choose_stations
from planner.planning.siting.least_money import spend_least
from planner.planning.siting.problem import assemble_allocation, assemble_siting
from planner.planning.siting.question import Siting, SitingTask, ask_of
from planner.planning.station_packs import (
    CityService,
    RoadUse,
    answer_of_stock,
    open_stations,
    stock_stations,
)
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.proof import Proof

ROUGH_GAP_FRAC = 0.02
"""Gap of the siting in all rounds but the last."""
MORE_LOAD_FRAC = 0.01
"""Growth of the design hour's load that its price is measured with."""


@dataclass(frozen=True)
class Fitted:
    """Packs and stations of the last round.

    Attributes
    ----------
    pack_problem, pack_labels, packs : PackAssignmentProblem, PackLabels, PackAssignment
        The packs as the last round found them, whose prices tell what more would be worth.
    paid : PaidPacks
        The packs that are planned: every whole pack of the stations paid for.
    capacity : ndarray, shape (num_cities, num_types)
        Swaps in the peak hour that each type can do in each city [1/h].
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
    """

    pack_problem: PackAssignmentProblem
    pack_labels: PackLabels
    packs: PackAssignment
    siting_problem: SizedCoverageProblem
    siting: Siting
    allocation: Allocation
    paid: PaidPacks
    capacity: FloatArray
    rounds: pd.DataFrame
    corridors: CorridorPlan | None = None

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
        if is_full:
            with clock.stage("money", "the same for less money") as say:
                siting = spend_least(task, siting, allocation, fixed_sites=roads is not None)
                if siting.money is not None:
                    allocation = _allocate(task, siting)
                    say(_money_message(siting.money))
        with clock.stage("service", "what the stations serve, city by city"):
            service = _service(instance, reach, siting_problem, siting, allocation)
        on_road = corridors.end(siting) if corridors else RoadUse.none(instance)
        with clock.stage("stock", "whole packs in every station") as say:
            stations = open_stations(instance, siting_problem, siting, allocation, on_road)
            stock = stock_stations(instance, fleet, packs.vehicles, stations, [planned_quarter])
            answer = answer_of_stock(
                instance,
                fleet,
                packs.vehicles,
                stock,
                stations,
                [planned_quarter],
                service,
                on_road.kwh_per_day,
            )
            standing = int(stock.sum())
            say(f"round {number}: {standing:,} packs in {len(stations.station_id):,} stations")
        # Prices may make packs jump to and fro: later answers are taken by half.
        mixed = answer.mixed_with(packs.assumed_stations, 0.0 if number == 1 else 0.5)
        again, changing, saving = packs, math.nan, math.nan
        # The plan stands without it: packs of this round, and stations for them.
        with clock.optional_stage("packs", "packs again, for these stations") as say:
            again = plan_packs(instance, fleet, mixed, options)
            moving = np.abs(again.planned - packs.planned).sum() / 2
            changing = float(moving / max(packs.planned.sum(), 1.0))
            saving = saving_frac(packs, again, options)
            say(
                f"round {number}: {changing:.2%} of the vehicles would change their pack, "
                f"which saves {saving:.4%}"
            )
        served_change = np.abs(answer.served_frac - packs.assumed_stations.served_frac)
        rows.append(
            {
                "round": number,
                "pack_cost_cny": packs.solution.proof.objective,
                "swaps_per_day_served": _served(siting_problem, allocation),
                "siting_gap_frac": siting.gap_frac,
                "served_change_frac": float(served_change.max(initial=0.0)),
                "capacity_change_frac": _change_frac(capacity, before),
                "station_packs": standing,
                "vehicles_changing_frac": changing,
                "saving_frac": saving,
            }
        )
        # The first round assumed stations everywhere: its packs are never final.
        settled = number > 1 and saving <= coupling.tolerance_frac
        stopped = math.isnan(saving) or (stop is not None and stop.is_set())
        if stopped or (is_full and (settled or number >= coupling.max_rounds)):
            corridor_plan = None
            if corridors:
                corridor_plan, siting, on_road = corridors.finish(packs.planned, siting)
                stations = open_stations(instance, siting_problem, siting, allocation, on_road)
            with clock.stage("stock", "every pack in a station paid for") as say:
                paid = pay_for_stock(instance, fleet, packs, stations, options)
                held = paid.station_packs[instance.scenario.quarters.index(planned_quarter)]
                say(f"{int(held.sum()):,} packs in stations in {planned_quarter}")
            return Fitted(
                packs.problem, packs.labels, packs.solution, siting_problem, siting, allocation,
                paid, capacity.swaps_per_hour, pd.DataFrame(rows), corridor_plan,
            )  # fmt: skip
        if not settled:
            packs = again
        if settled or number + 1 >= coupling.max_rounds:
            with clock.optional_stage("packs", "packs that supply has for vehicles and stations"):
                packs = balance(instance, fleet, packs, answer, options)


def _change_frac(capacity: Capacity, before: Capacity | None) -> float:
    if before is None:
        return math.nan
    rate, earlier = capacity.swaps_per_hour, before.swaps_per_hour
    change = np.divide(np.abs(rate - earlier), earlier, out=np.zeros(rate.shape), where=earlier > 0)
    return float(change.max(initial=0.0))


def _allocate(task: SitingTask, siting: Siting) -> Allocation:
    return siting.allocation or allocate_zones(
        assemble_allocation(task.problem, task.reach, siting.open_site_idx, siting.type_idx)
    )


def _money_message(money: Proof) -> str:
    return (
        f"{money.objective / 1e6:,.1f} M CNY, an equal plan takes at least "
        f"{money.bound / 1e6:,.1f} M CNY"
    )


def _served(problem: SizedCoverageProblem, allocation: Allocation) -> float:
    return math.fsum(problem.coverage.value[allocation.zone_idx] * allocation.share_frac)


def _service(
    instance: Instance,
    reach: Reach,
    problem: SizedCoverageProblem,
    siting: Siting,
    allocation: Allocation,
) -> CityService:
    """Served share of each city, and the price of load where stations are full."""
    city_idx = pd.Index(instance.cities["city_id"]).get_indexer(instance.zones["city_id"])
    num_cities = len(instance.cities)
    more = replace(problem, load=problem.load * (1 + MORE_LOAD_FRAC))

    def most_served(of_problem: SizedCoverageProblem) -> Allocation:
        return allocate_zones(
            assemble_allocation(of_problem, reach, siting.open_site_idx, siting.type_idx)
        )

    def served_by_city(found: Allocation) -> FloatArray:
        value = problem.coverage.value[found.zone_idx] * found.share_frac
        return np.bincount(city_idx[found.zone_idx], value, minlength=num_cities).astype(float)

    value = np.bincount(city_idx, problem.coverage.value, minlength=num_cities)
    added = np.bincount(city_idx, more.load - problem.load, minlength=num_cities)
    served = served_by_city(allocation)
    # Where the siting leaves swaps unserved to save money, that is no sign of full stations.
    most = served if siting.allocation is None else served_by_city(most_served(problem))
    lost = np.maximum(0.0, most - served_by_city(most_served(more)))
    worth = instance.scenario.coupling.served_swap_cny
    return CityService(
        served_frac=np.divide(served, value, out=np.zeros(num_cities), where=value > 0),
        capacity_cny=worth * np.divide(lost, added, out=np.zeros(num_cities), where=added > 0),
    )
