"""Drive every trip of a corridor problem on a plan's stations: what really happens on the road.

Apart from the model: no cover sets, no solver. The model's claims are checked against it.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray
from planner.instance import Instance
from planner.network.driving import Legs, OpenStops, Trips, drive_trips
from planner.planning.corridors.prepare import CorridorInput
from planner.planning.corridors.problem import SEASONS
from planner.planning.corridors.trips import packs_per_trip, vehicles_of_profiles


@dataclass(frozen=True)
class DrivenTrips:
    """The trips that drive, their legs, and what stations do for them.

    Attributes
    ----------
    inputs : CorridorInput
    stops : OpenStops
    legs : Legs
        Of every path of the problem, on a full set of the plan's stations.
    driven_frac : ndarray, shape (num_problem_paths,)
        Share of the flow that drives on the path; without limits of capacity the most valuable
        path that can be driven, whole.
    leg_trips : ndarray, shape (num_legs,)
        Round trips a day on each leg.
    """

    inputs: CorridorInput
    stops: OpenStops
    legs: Legs
    driven_frac: FloatArray
    leg_trips: FloatArray

    @property
    def leg_of_path(self) -> IntArray:
        """Problem path of each leg."""
        return np.repeat(np.arange(len(self.driven_frac)), np.diff(self.legs.ptr))

    @property
    def value(self) -> float:
        """What the trips that drive are worth."""
        return math.fsum((self.driven_frac * self.inputs.problem.value).tolist())

    def swaps_per_day(self, instance: Instance) -> float:
        """Full packs that the trips that drive take, at the weights of the seasons."""
        winter = instance.scenario.corridors.winter_weight
        labels, roads = self.inputs.labels, self.inputs.roads
        weight = np.where(labels.season_idx == 0, winter, 1.0 - winter)
        each = packs_per_trip(roads.paths, roads.energy)[
            labels.season_idx, labels.profile_idx, self.inputs.pair_of_label
        ]
        return math.fsum((self.driven_frac * labels.vehicles_per_day * weight * each).tolist())


def drive(
    instance: Instance,
    inputs: CorridorInput,
    open_site_idx: IntArray,
    shared_frac: FloatArray | None = None,
) -> DrivenTrips:
    """Drive all trips on the cities' stations and those of a plan.

    Parameters
    ----------
    instance : Instance
        For the scenario's section ``corridors``.
    inputs : CorridorInput
    open_site_idx : int array
        Corridor stations.
    shared_frac : ndarray, shape (num_problem_paths,), optional
        Shares that the stations' capacity allows; taken as they are where the path can be driven.

    Returns
    -------
    DrivenTrips
    """
    roads, labels, problem = inputs.roads, inputs.labels, inputs.problem
    settings = instance.scenario.corridors
    is_open = np.zeros(problem.num_sites, dtype=np.bool_)
    is_open[open_site_idx] = True
    has_site = roads.site_of_node >= 0
    on_road = np.zeros(len(has_site), dtype=np.bool_)
    on_road[has_site] = is_open[roads.site_of_node[has_site]]
    stops = OpenStops(on_road, inputs.stops.is_open, inputs.stops.end_is_open)
    legs = drive_trips(
        roads.paths, roads.network.length_km, roads.energy.draw_kwh, roads.energy.usable_kwh,
        roads.energy.profiles["full_kwh"].to_numpy(float), stops,
        Trips(labels.path_idx, labels.season_idx, labels.profile_idx),
        start_frac=settings.start_frac, reserve_frac=settings.reserve_frac,
    )  # fmt: skip
    frac = _best_path(inputs, legs) if shared_frac is None else shared_frac * legs.is_driven
    trips = np.repeat(labels.vehicles_per_day * frac, np.diff(legs.ptr))
    return DrivenTrips(inputs, stops, legs, frac, trips)


def _best_path(inputs: CorridorInput, legs: Legs) -> FloatArray:
    """1 for each flow's most valuable path that can be driven, the first of equals."""
    problem = inputs.problem
    order = np.lexsort((np.arange(problem.num_paths), -problem.value, problem.flow_idx))
    order = order[legs.is_driven[order]]
    frac = np.zeros(problem.num_paths)
    frac[order[np.unique(problem.flow_idx[order], return_index=True)[1]]] = 1.0
    return frac


def station_use(driven: DrivenTrips) -> tuple[FloatArray, FloatArray]:
    """Swaps and trips a day at each site on a mean day, each of shape (2, num_sites)."""
    inputs = driven.inputs
    path = driven.leg_of_path
    at, site, season = _swapping_legs(driven)
    size = (len(SEASONS), inputs.problem.num_sites)
    place = season * size[1] + site
    swaps = np.bincount(place, driven.leg_trips[at], minlength=size[0] * size[1]).astype(float)
    visit = np.unique(np.column_stack((path[at], site)), axis=0, return_index=True)[1]
    trips = np.bincount(place[visit], driven.leg_trips[at][visit], minlength=size[0] * size[1])
    return swaps.reshape(size), trips.astype(float).reshape(size)


def _swapping_legs(driven: DrivenTrips) -> tuple[IntArray, IntArray, IntArray]:
    """Legs that end with a swap on the road, and the site and season of each."""
    inputs, legs = driven.inputs, driven.legs
    at = np.flatnonzero(legs.at_station & (driven.leg_trips > 0))
    site = inputs.roads.site_of_node[legs.to_node[at]]
    return at, site, inputs.labels.season_idx[driven.leg_of_path[at]]


def winter_swaps_by_pack(instance: Instance, driven: DrivenTrips) -> FloatArray:
    """Swaps a day at each site on a winter's mean day, shape (num_sites, num_packs)."""
    inputs = driven.inputs
    at, site, season = _swapping_legs(driven)
    profile = inputs.labels.profile_idx[driven.leg_of_path[at]]
    profiles = inputs.roads.energy.profiles["pack_id"]
    pack = pd.Index(instance.packs["pack_id"]).get_indexer(pd.Index(profiles))[profile]
    swaps = np.zeros((inputs.problem.num_sites, len(instance.packs)))
    winter = season == 0
    np.add.at(swaps, (site[winter], pack[winter]), driven.leg_trips[at[winter]])
    return swaps


def road_kwh_per_vehicle(instance: Instance, driven: DrivenTrips) -> FloatArray:
    """Energy that corridor stations give on a winter's mean day, per vehicle of city and class.

    Returns
    -------
    ndarray, shape (num_cities, num_vehicles)
        What legs drew that end with a swap on the road, over all swap vehicles of the class that
        the trips were shared among [kWh].
    """
    inputs, legs, paths = driven.inputs, driven.legs, driven.inputs.roads.paths
    labels = inputs.labels
    path = driven.leg_of_path
    at_station = legs.at_station & (labels.season_idx[path] == 0)
    each_kwh = np.bincount(
        path[at_station], legs.drawn_kwh[at_station], minlength=len(driven.driven_frac)
    )
    profile_vehicle, vehicles = vehicles_of_profiles(instance, inputs.roads.energy, inputs.vehicles)
    kwh = np.zeros_like(vehicles)
    total = inputs.vehicles_per_day.sum(axis=-1)
    winter = labels.season_idx == 0
    for end, city in enumerate((paths.from_city_idx, paths.to_city_idx)):
        begun = np.divide(
            inputs.vehicles_per_day[..., end], total, out=np.zeros_like(total), where=total > 0
        )[labels.season_idx, labels.profile_idx, inputs.pair_of_label]
        np.add.at(
            kwh,
            (city[labels.path_idx], profile_vehicle[labels.profile_idx]),
            np.where(winter, begun * labels.vehicles_per_day * driven.driven_frac * each_kwh, 0.0),
        )
    return np.divide(kwh, vehicles, out=np.zeros_like(kwh), where=vehicles > 0)
