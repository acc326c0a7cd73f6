"""Round trips between cities: from the table of flows, or by a gravity model."""

import numpy as np
import pandas as pd
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import Fault, InputError
from planner.geodesy import great_circle_km
from planner.instance import Instance
from planner.instance.settings.corridors import Corridors
from planner.limits import at_least
from planner.network.intercity import TripPaths
from planner.planning.corridors.problem import SEASONS, RoadEnergy, pair_of_path

ROAD_DETOUR = 1.26
"""Kilometres by road over the great circle (`planner/network/street_check.py`)."""


def vehicles_by_profile(instance: Instance, energy: RoadEnergy, packs: pd.DataFrame) -> FloatArray:
    """Vehicles of each city and profile, shape (num_cities, num_profiles).

    Parameters
    ----------
    instance : Instance
    energy : RoadEnergy
        For the profiles.
    packs : DataFrame
        Columns ``city_id``, ``vehicle_id``, ``pack_id``, ``vehicles``.
    """
    table = packs.pivot_table(
        index="city_id", columns=["vehicle_id", "pack_id"], values="vehicles", aggfunc="sum"
    )
    columns = pd.MultiIndex.from_frame(energy.profiles[["vehicle_id", "pack_id"]])
    table = table.reindex(index=instance.cities["city_id"], columns=columns)
    return np.asarray(table.fillna(0.0).to_numpy(float))


def vehicles_of_profiles(
    instance: Instance, energy: RoadEnergy, vehicles: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Vehicle class of each profile, and the vehicles of each city by class.

    Parameters
    ----------
    instance : Instance
    energy : RoadEnergy
    vehicles : ndarray, shape (num_cities, num_profiles)
        From `vehicles_by_profile`.

    Returns
    -------
    int array, shape (num_profiles,), and float array, shape (num_cities, num_vehicles)
        In the order of the instance's table of vehicles.
    """
    ids = pd.Index(instance.vehicles["vehicle_id"])
    vehicle = ids.get_indexer(energy.profiles["vehicle_id"]).astype(np.int64)
    by_class = np.zeros((len(vehicles), len(ids)))
    np.add.at(by_class.T, vehicle, vehicles.T)
    return vehicle, by_class


def trips_per_day(
    instance: Instance,
    paths: TripPaths,
    energy: RoadEnergy,
    vehicles: FloatArray,
    swaps_per_day: float,
) -> FloatArray:
    """Round trips on a mean day of each season.

    Parameters
    ----------
    instance : Instance
        Table ``flows``; without it populations and the scenario's ``corridors``.
    paths : TripPaths
        First paths of the pairs give their distances.
    energy : RoadEnergy
        Energy that trips take, which calibrates the gravity model.
    vehicles : ndarray, shape (num_cities, num_profiles)
        From `vehicles_by_profile`.
    swaps_per_day : float
        All swaps of the network on a mean day, of which ``swap_share_frac`` are on the road.

    Returns
    -------
    ndarray, shape (2, num_profiles, num_pairs, 2)
        Begun at the first and at the second city of each pair; pairs in the order in which paths
        name them.

    Raises
    ------
    InputError
        If there is neither a table of flows nor a population of the cities.

    Notes
    -----
    T_ij = k s_ij V_i P_j / d_ij^g from i to j, with V swap vehicles, P residents, d the kilometres
    of the fastest way and s ``same_province_factor`` within a province, 1 between two: population
    times population over distance, scaled by the swap vehicles per resident of the city where the
    trip begins. k makes the energy of all trips, in full packs,
    the stated share of all swaps. Not modelled: where there is a railway, and which days are off.
    """
    pair = pair_of_path(paths)
    first = np.unique(pair, return_index=True)[1]
    near, far = paths.from_city_idx[first], paths.to_city_idx[first]
    if len(instance.flows):
        return _stated_trips(instance, near, far, vehicles)
    residents, corridors = _residents(instance), instance.scenario.corridors
    distance_km = paths.length_km[first]
    province = instance.cities["province"].to_numpy()
    attraction = _attraction(corridors, distance_km, province[near] == province[far])
    trips = np.stack(
        (vehicles[near].T * residents[far], vehicles[far].T * residents[near]), axis=-1
    ) * attraction[:, None]  # fmt: skip
    by_season = np.stack((corridors.winter_trips_factor * trips, trips))
    weights = np.array([corridors.winter_weight, 1.0 - corridors.winter_weight])
    packs_each = packs_per_trip(paths, energy)
    swaps = float(np.einsum("s,srpe,srp->", weights, by_season, packs_each))
    scale = corridors.swap_share_frac * swaps_per_day / swaps if swaps > 0 else 0.0
    return np.asarray(by_season * scale)


def _attraction(
    corridors: Corridors, distance_km: FloatArray, is_same_province: BoolArray
) -> FloatArray:
    """What the gravity model multiplies people at both ends with: s / d^g."""
    far_enough = at_least(distance_km, max(corridors.min_trip_km, 1e-9))
    by_distance = np.maximum(distance_km, 1e-9) ** -corridors.distance_exponent
    factor = np.where(is_same_province, corridors.same_province_factor, 1.0)
    return np.where(far_enough, factor * by_distance, 0.0)


def flow_figures(instance: Instance) -> dict[str, float]:
    """What the gravity model says of people's trips between all cities, to hold against counts.

    People's, as counts of mobility are: population at both ends, whatever they drive or ride, and
    no trip too long. Distances are great circles times `ROAD_DETOUR`.

    Parameters
    ----------
    instance : Instance
        Cities with population, and the scenario's ``corridors``.

    Returns
    -------
    dict of str to float
        ``mean_trip_km`` and ``same_province_frac``, NaN without trips.

    Raises
    ------
    InputError
        If cities have no population.
    """
    cities, residents = instance.cities, _residents(instance)
    lon, lat = cities["lon"].to_numpy(float), cities["lat"].to_numpy(float)
    province = cities["province"].to_numpy()
    distance_km = ROAD_DETOUR * great_circle_km(lon[:, None], lat[:, None], lon, lat)
    is_same = province[:, None] == province
    trips = _attraction(instance.scenario.corridors, distance_km, is_same)
    trips = trips * residents[:, None] * residents
    np.fill_diagonal(trips, 0.0)
    total = trips.sum()
    if not total > 0:
        return {"mean_trip_km": np.nan, "same_province_frac": np.nan}
    return {
        "mean_trip_km": float((trips * distance_km).sum() / total),
        "same_province_frac": float(trips[is_same].sum() / total),
    }


def _residents(instance: Instance) -> FloatArray:
    if "population" not in instance.cities.columns:
        remedy = "the gravity model needs it; give the column, or a table of flows"
        raise InputError([Fault("cities", None, "population", "", remedy)])
    return instance.cities["population"].to_numpy(float)


def packs_per_trip(paths: TripPaths, energy: RoadEnergy) -> FloatArray:
    """Full packs that a round trip takes on the fastest way, shape (2, num_profiles, num_pairs)."""
    first = np.unique(pair_of_path(paths), return_index=True)[1]
    path_of = np.repeat(np.arange(len(first)), np.diff(paths.ptr)[first])
    taken = np.concatenate(
        [paths.segment_idx[paths.ptr[path] : paths.ptr[path + 1]] for path in first]
        or [np.zeros(0, dtype=np.int64)]
    )
    on_way = scipy.sparse.csr_matrix(
        (np.ones(len(taken)), (path_of, taken)), shape=(len(first), energy.draw_kwh.shape[-1])
    )
    per_segment = energy.draw_kwh / energy.usable_kwh
    return np.stack([2.0 * (on_way @ of_season.T).T for of_season in per_segment])


def _stated_trips(
    instance: Instance, near: IntArray, far: IntArray, vehicles: FloatArray
) -> FloatArray:
    """Trips of the table, shared among the profiles as the vehicles of the city of origin are."""
    flows = instance.flows
    ids = pd.Index(instance.cities["city_id"])
    origin = ids.get_indexer(flows["from_city_id"])
    end = ids.get_indexer(flows["to_city_id"])
    place = pd.Series(np.arange(len(near)), index=pd.MultiIndex.from_arrays([near, far]))
    ends = pd.MultiIndex.from_arrays([np.minimum(origin, end), np.maximum(origin, end)])
    pair = place.reindex(ends).to_numpy()
    known = ~np.isnan(pair)
    fleet = vehicles.sum(axis=1, keepdims=True)
    share = np.divide(vehicles, fleet, out=np.zeros_like(vehicles), where=fleet > 0)
    season = pd.Index(SEASONS).get_indexer(pd.Index(flows["season"]))
    trips = np.zeros((len(SEASONS), vehicles.shape[1], len(near), 2))
    per_day = flows["vehicles_per_day"].to_numpy(float)[known]
    at_end = (origin > end)[known].astype(np.int64)
    for profile in range(vehicles.shape[1]):
        np.add.at(
            trips[:, profile],
            (season[known], pair[known].astype(np.int64), at_end),
            per_day * share[origin[known], profile],
        )
    return trips
