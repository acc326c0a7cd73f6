"""What each future asks of the stations: its vehicles, its packs, its loads and capacities.

Takes the futures' instances and the plan for the tables as they are, gives a covering problem over
the periods of each future. Packs are planned anew in every future, with its own supply and gates,
as if its stations answered as those of the plan do.
"""

from dataclasses import dataclass

import numpy as np

from planner.instance import Instance
from planner.instance.futures import FutureInstance
from planner.models.phasing.problem import PhasedCities, PhasedLimit, PhasedProblem
from planner.models.phasing.tree import Tree
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.physics.climate import CityClimate, city_climate
from planner.physics.fleet import FleetOperation, check_turns, operate_fleet
from planner.planning.paid_packs import PlannedPacks, plan_packs
from planner.planning.phasing.problem import assemble_phasing
from planner.planning.rounds import Fitted
from planner.planning.service import Capacity, station_capacity
from planner.planning.siting.problem import assemble_siting
from planner.solving.options import SolveOptions


@dataclass(frozen=True)
class FutureDemand:
    """What one future asks for.

    Attributes
    ----------
    future : FutureInstance
    climate : CityClimate
    fleet : FleetOperation
    packs : PlannedPacks
    rates : tuple of Capacity
        For these packs, period by period; one without phasing.
    problem : PhasedProblem
        Periods in order, one column to each; one period without phasing.
    """

    future: FutureInstance
    climate: CityClimate
    fleet: FleetOperation
    packs: PlannedPacks
    rates: tuple[Capacity, ...]
    problem: PhasedProblem


def demand_of_future(
    future: FutureInstance,
    reach: Reach,
    fitted: Fitted,
    options: SolveOptions,
    earlier: Capacity | None,
) -> FutureDemand:
    """Plan a future's packs, and what they ask of the stations.

    Parameters
    ----------
    future : FutureInstance
    reach : Reach
        Roads are the same in all futures.
    fitted : Fitted
        Packs and stations for the tables as they are.
    options : SolveOptions
    earlier : Capacity, optional
        Of another future: cities with the same mix are not asked again.

    Raises
    ------
    InputError
        If a pack's turn in a bay would take longer than a day.
    """
    instance = future.instance
    climate = city_climate(instance)
    fleet = operate_fleet(instance, climate)
    check_turns(instance, fleet)
    packs = plan_packs(instance, fleet, fitted.paid.assumed_stations, options)
    rates = _rates(instance, fleet, packs, earlier)
    siting = assemble_siting(instance, reach, fleet, packs.planned, rates[-1].swaps_per_hour)
    if instance.scenario.periods:
        capacity = [rate.swaps_per_hour for rate in rates]
        problem = assemble_phasing(instance, fleet, siting, packs.vehicles, capacity)
    else:
        problem = as_one_node(instance, siting)
    return FutureDemand(future, climate, fleet, packs, rates, problem)


def _rates(
    instance: Instance, fleet: FleetOperation, packs: PlannedPacks, earlier: Capacity | None
) -> tuple[Capacity, ...]:
    """What each type can do in the last quarter of each period, found from the last one on."""
    quarters = instance.scenario.quarters
    ends = [period[-1] for period in instance.scenario.periods] or [
        instance.scenario.planning_quarter
    ]
    rates = []
    for quarter in reversed(ends):
        vehicles = packs.vehicles[quarters.index(quarter)]
        earlier = station_capacity(instance, fleet, vehicles, earlier)
        rates.append(earlier)
    return tuple(rates[::-1])


def as_one_node(instance: Instance, siting: SizedCoverageProblem) -> PhasedProblem:
    """A siting for good as a problem of one node and one column."""
    coverage, rules = siting.coverage, siting.coverage.rules
    num_sites, num_types = siting.capacity.shape
    cities = rules.cities_or_one()
    limits = []
    if instance.scenario.siting.num_stations is not None:
        each = np.ones((num_sites, num_types))
        limits.append(PhasedLimit("stations", each, np.array([float(rules.most)]), True))
    if np.isfinite(rules.budget):
        limits.append(PhasedLimit("money", rules.cost, np.array([rules.budget]), True))
    return PhasedProblem(
        tree=Tree.line(1),
        node_of=np.zeros(1, dtype=np.int64),
        reach=coverage.reach,
        value=coverage.value[:, None],
        load=siting.load[:, None],
        capacity=siting.capacity[:, :, None],
        may_stand=rules.usable[:, None],
        must_stand=rules.forced[:, None],
        is_new=(instance.sites["status"] != "existing").to_numpy(bool),
        limits=tuple(limits),
        cities=PhasedCities(
            city_idx=cities.city_idx,
            least=cities.min_stations,
            most=cities.max_stations,
            rate=np.full((len(cities.max_stations), 1), np.inf),
            carries_over=True,
            names=cities.names,
        ),
    )
