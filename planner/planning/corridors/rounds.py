"""The corridors' part in the rounds in which packs and stations are fitted to each other.

The cities' stations are open to trips; trips need packs that stand along the road and swaps that
cost like others. Where stations and money are shared, corridors claim them at the siting's prices.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray
from planner.instance import Instance
from planner.models.refuelling.claim import RefuellingClaim
from planner.physics.fleet import FleetOperation
from planner.planning.clock import StageClock
from planner.planning.corridors.drive import (
    DrivenTrips,
    drive,
    road_kwh_per_vehicle,
    winter_swaps_by_pack,
)
from planner.planning.corridors.plan import (
    CorridorPlan,
    corridor_claim,
    plan_granted,
    plan_on_own_limits,
    plan_roughly,
)
from planner.planning.corridors.prepare import CorridorInput, prepare_corridors
from planner.planning.corridors.roads import CorridorRoads, corridor_type
from planner.planning.siting.question import Siting
from planner.planning.station_packs import RoadUse
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest


class CorridorRounds:
    """What corridors ask for and answer in each round, and their plan at the end.

    Parameters
    ----------
    instance, fleet, roads : Instance, FleetOperation, CorridorRoads
    options : SolveOptions
    clock : StageClock
    stop : StopRequest, optional
    """

    def __init__(
        self,
        instance: Instance,
        fleet: FleetOperation,
        roads: CorridorRoads,
        options: SolveOptions,
        clock: StageClock,
        stop: StopRequest | None,
    ) -> None:
        self._instance, self._fleet, self._roads = instance, fleet, roads
        self._options, self._clock, self._stop = options, clock, stop
        self._national = instance.scenario.corridors.funding == "national"
        # Before the first round every city counts as having a station at its centre.
        self._city_stations = instance.cities[["city_id", "lon", "lat"]]

    def begin(self, assigned: FloatArray) -> tuple[RefuellingClaim, ...]:
        """Trips of a round, and who claims national limits for them.

        Parameters
        ----------
        assigned : ndarray, shape (num_cities, num_vehicles, num_packs)
            Vehicles per pack in the planning quarter.
        """
        with self._clock.stage("trips", "trips between cities, and what breaks them") as say:
            self._inputs = self._prepare(assigned)
            say(f"{self._inputs.problem.num_paths:,} ways, {len(self._roads.cost):,} sites")
        if not self._national:
            return ()
        self._claim = corridor_claim(self._instance, self._inputs, self._options, self._stop)
        return (self._claim,)

    def end(self, siting: Siting) -> RoadUse:
        """What corridor stations give in a round."""
        with self._clock.stage("trips", "what corridor stations give"):
            if self._national:
                sites = siting.claimed[0].site_idx
            else:
                sites = plan_roughly(self._instance, self._inputs, self._options)
            self._city_stations = self._instance.sites.iloc[siting.open_site_idx][
                ["city_id", "lon", "lat"]
            ]
            return self._use(drive(self._instance, self._inputs, sites), sites)

    def finish(self, assigned: FloatArray, siting: Siting) -> tuple[CorridorPlan, Siting, RoadUse]:
        """Plan the corridors for the cities' final stations.

        Parameters
        ----------
        assigned : ndarray, shape (num_cities, num_vehicles, num_packs)
            That of the last `begin`.
        siting : Siting
            That of the last `end`.

        Returns
        -------
        CorridorPlan
        Siting
            With national funding its objective and bound count these corridors: no plan of cities
            and corridors is better whose trips can swap at the same places in the cities.
        RoadUse
            What these corridor stations give.
        """
        with self._clock.stage("corridors", "corridor stations, for those of the cities"):
            self._inputs = self._prepare(assigned)
            if not self._national:
                plan = plan_on_own_limits(
                    self._instance, self._inputs, self._options,
                    on_progress=self._clock.from_solver, stop=self._stop,
                )  # fmt: skip
                return plan, siting, self._use_of(plan)
            granted = siting.claimed[0]
            claim = corridor_claim(self._instance, self._inputs, self._options, self._stop)
            claim.answer(siting.resource_price)
            plan = plan_granted(self._instance, self._inputs, claim, granted)
            weight = self._instance.scenario.corridors.trip_swap_weight
            change = claim.bound(siting.resource_price) - self._claim.bound(siting.resource_price)
            return (
                plan,
                replace(
                    siting,
                    objective=siting.objective - granted.value + weight * plan.proof.objective,
                    bound=siting.bound + change,
                ),
                self._use_of(plan),
            )

    def _use_of(self, plan: CorridorPlan) -> RoadUse:
        sites, shares = plan.open_site_idx, plan.driven_frac
        return self._use(drive(self._instance, self._inputs, sites, shares), sites)

    def _use(self, driven: DrivenTrips, sites: IntArray) -> RoadUse:
        instance, roads = self._instance, self._roads
        busiest = (
            instance.scenario.corridors.holiday_factor * instance.scenario.demand.peak_hour_frac
        )
        name = corridor_type(instance)["station_type_id"].iloc[0]
        type_idx = pd.Index(instance.stations["station_type_id"]).get_loc(name)
        return RoadUse(
            kwh_per_day=road_kwh_per_vehicle(instance, driven),
            station_id=np.array([roads.site_id[site] for site in sites.tolist()], dtype=np.str_),
            city_idx=roads.city_idx[sites],
            type_idx=np.full(len(sites), type_idx, dtype=np.int64),
            per_hour=winter_swaps_by_pack(instance, driven)[sites] * busiest,
        )

    def _prepare(self, assigned: FloatArray) -> CorridorInput:
        instance = self._instance
        city, vehicle, pack = np.nonzero(assigned > 0)
        packs = pd.DataFrame(
            {
                "city_id": instance.cities["city_id"].to_numpy()[city],
                "vehicle_id": instance.vehicles["vehicle_id"].to_numpy()[vehicle],
                "pack_id": instance.packs["pack_id"].to_numpy()[pack],
                "vehicles": assigned[city, vehicle, pack],
            }
        )
        return prepare_corridors(instance, self._fleet, self._roads, packs, self._city_stations)
