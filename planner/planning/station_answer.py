"""What stations tell the pack model, and whether other packs would then save."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray
from planner.instance import Instance
from planner.models.allocation.solve import Allocation, allocate_zones
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.physics.fleet import FleetOperation
from planner.planning.packs import StationAnswer
from planner.planning.paid_packs import PlannedPacks, plan_packs_from, saving_frac
from planner.planning.siting.problem import assemble_allocation
from planner.planning.siting.question import Siting
from planner.planning.station_packs import (
    CityService,
    OpenStations,
    RoadUse,
    answer_of_stock,
    stock_stations,
)
from planner.solving.options import SolveOptions

MORE_LOAD_FRAC = 0.01
"""Growth of the design hour's load that its price is measured with."""
ROUNDING_FRAC = 1e-9
"""Less of a city's swaps is not lost, but the rounding of sums."""


class OtherPacks(NamedTuple):
    """Packs planned again for the stations of a round.

    Attributes
    ----------
    packs : PlannedPacks
    changing_frac : float
        Share of the vehicles that would change their pack.
    saving_frac : float
        What that would save of the packs' cost.
    """

    packs: PlannedPacks
    changing_frac: float
    saving_frac: float

    @property
    def message(self) -> str:
        """In words, for the clock."""
        return (
            f"{self.changing_frac:.2%} of the vehicles would change their pack, "
            f"which saves {self.saving_frac:.4%}"
        )


def served_swaps(problem: SizedCoverageProblem, allocation: Allocation) -> float:
    """Value that an allocation serves, summed exactly."""
    return math.fsum(problem.coverage.value[allocation.zone_idx] * allocation.share_frac)


def city_service(
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
    lost = most - served_by_city(most_served(more))
    lost[lost <= ROUNDING_FRAC * value] = 0.0
    worth = instance.scenario.coupling.served_swap_cny
    return CityService(
        served_frac=np.divide(served, value, out=np.zeros(num_cities), where=value > 0),
        capacity_cny=worth * np.divide(lost, added, out=np.zeros(num_cities), where=added > 0),
    )


def answer_of_stations(
    instance: Instance,
    fleet: FleetOperation,
    packs: PlannedPacks,
    stations: OpenStations,
    quarters: Sequence[str],
    service: CityService,
    on_road: RoadUse,
) -> tuple[StationAnswer, IntArray]:
    """What stations filled with whole packs tell the pack model, and these packs.

    Parameters
    ----------
    instance, fleet, packs, stations : Instance, FleetOperation, PlannedPacks, OpenStations
    quarters : sequence of str
        All of the scenario, or one that stands for all.
    service, on_road : CityService, RoadUse
        Of the same stations.
    """
    stock = stock_stations(instance, fleet, packs.vehicles, stations, quarters)
    answer = answer_of_stock(
        instance, fleet, packs.vehicles, stock, stations, quarters, service, on_road.kwh_per_day,
        packs.assumed_stations,
    )  # fmt: skip
    return answer, stock


def plan_packs_again(
    instance: Instance,
    fleet: FleetOperation,
    packs: PlannedPacks,
    answer: StationAnswer,
    options: SolveOptions,
) -> OtherPacks:
    """Packs for the stations of a round, and what they would save.

    Raises
    ------
    NoPlanError
        If the time limit comes first.
    """
    again = plan_packs_from(instance, fleet, packs, answer, options)
    moving = np.abs(again.planned - packs.planned).sum() / 2
    changing = float(moving / max(packs.planned.sum(), 1.0))
    return OtherPacks(again, changing, saving_frac(packs, again, options))
