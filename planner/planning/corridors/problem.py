"""The flow-refuelling problem from roads, climate, packs and trips."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.geodesy import great_circle_km
from planner.instance import Instance
from planner.models.refuelling.problem import FlowRefuellingProblem
from planner.network.driving import OpenStops, Trips, Windows, find_windows
from planner.network.intercity import IntercityNetwork, TripPaths
from planner.physics.cabin import cooling_kw
from planner.physics.climate import CityClimate
from planner.physics.curves import temperature_curve
from planner.physics.pack_heat import pack_temperature_c
from planner.physics.pack_use import driver_windows, real_kwh_per_km
from planner.physics.vehicle_range import (
    consumption_kwh_per_km,
    heat_pump_cop,
    usable_energy_kwh,
)
from planner.solving.rules import SiteRules

SEASONS = ("winter", "summer")
NEAR_CITIES = 4
"""A place's temperature is that of so many cities nearby, weighted by distance^-2."""
LEAST_KM = 1.0
"""Nearer than this counts as this near, in the weights."""


@dataclass(frozen=True)
class RoadEnergy:
    """What driving takes and packs give along every segment, by season and kind of vehicle.

    Axes: season in the order of `SEASONS`; profile, a vehicle class with a pack; segment of the
    network.

    Attributes
    ----------
    profiles : DataFrame
        Columns ``vehicle_id``, ``pack_id``, ``chemistry``, ``full_kwh`` (energy at 25 C within
        the window of charge).
    temperature_c : ndarray, shape (2, num_segments)
        Of the air: winter's design day, summer's mean.
    draw_kwh : ndarray, shape (2, num_profiles, num_segments)
        Energy that driving the segment takes; none on a ferry.
    usable_kwh : ndarray, same shape
        Energy of a full pack at the segment's temperature, within the window of charge.
    extrapolated : DataFrame
        Chemistries whose curve ends above the coldest pack, where its last value was held:
        columns ``chemistry``, ``pack_temperature_c``, ``domain_c``.
    """

    profiles: pd.DataFrame
    temperature_c: FloatArray
    draw_kwh: FloatArray
    usable_kwh: FloatArray
    extrapolated: pd.DataFrame


def along_roads(
    network: IntercityNetwork, cities: pd.DataFrame, of_cities: FloatArray
) -> FloatArray:
    """Weather at the middle of every segment, such as its temperature, from cities nearby.

    Elevation is ignored: a pass is as warm as the cities around it.

    Parameters
    ----------
    network : IntercityNetwork
    cities : DataFrame
        ``lon`` and ``lat`` of each city.
    of_cities : ndarray, shape (num_seasons, num_cities)

    Returns
    -------
    ndarray, shape (num_seasons, num_segments)
        Mean of the `NEAR_CITIES` nearest cities, weighted by distance^-2.
    """
    lon, lat = (
        (place[network.from_idx] + place[network.to_idx]) / 2
        for place in (network.lon, network.lat)
    )
    apart_km = great_circle_km(
        lon[:, None], lat[:, None], cities["lon"].to_numpy(float), cities["lat"].to_numpy(float)
    )
    near = np.argsort(apart_km, axis=1, kind="stable")[:, :NEAR_CITIES]
    weight = np.maximum(np.take_along_axis(apart_km, near, axis=1), LEAST_KM) ** -2
    return np.asarray((of_cities[:, near] * weight).sum(axis=-1) / weight.sum(axis=-1))


def _city_seasons(
    instance: Instance, climate: CityClimate
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Air temperature and shares of days with snow and wet roads, by season and city.

    Each of shape (2, num_cities). In winter of the month's design day, in summer of its mean; each
    city's own coldest and hottest month where the scenario names none.
    """
    corridors, cities = instance.scenario.corridors, np.arange(len(instance.cities))
    winter, summer = (
        own if stated is None else np.full_like(own, stated - 1)
        for own, stated in (
            (climate.coldest_month, corridors.winter_month),
            (climate.hottest_month, corridors.summer_month),
        )
    )
    temperature_c = np.stack(
        (climate.month_design_c[cities, winter], climate.monthly_mean_c[cities, summer])
    )
    snow, wet = (
        np.stack((frac[cities, winter], frac[cities, summer]))
        for frac in (climate.snow_frac, climate.wet_frac)
    )
    return temperature_c, snow, wet


def road_energy(
    instance: Instance, climate: CityClimate, network: IntercityNetwork, packs: pd.DataFrame
) -> RoadEnergy:
    """Energy along the road for each vehicle class with each of its packs.

    Parameters
    ----------
    instance : Instance
        Vehicles, packs, curves, and the scenario's physics and corridors.
    climate : CityClimate
        Of its cities.
    network : IntercityNetwork
    packs : DataFrame
        Columns ``vehicle_id`` and ``pack_id``; each combination is a profile.

    Returns
    -------
    RoadEnergy
        Consumption at the scenario's speed on the road: the share of air drag grows with its
        square over that of the rated consumption. What a start takes is not counted apart: a
        vehicle leaves its city warm, with ``corridors.start_frac``.
    """
    physics, corridors = instance.scenario.physics, instance.scenario.corridors
    profiles = (
        packs[["vehicle_id", "pack_id"]].drop_duplicates().sort_values(["vehicle_id", "pack_id"])
        .merge(instance.vehicles, on="vehicle_id").merge(instance.packs, on="pack_id",
                                                         suffixes=("", "_pack"))
    )  # fmt: skip
    temperature_c, snow_frac, wet_frac = (
        along_roads(network, instance.cities, of_season)
        for of_season in _city_seasons(instance, climate)
    )
    ambient_c = temperature_c[:, None, :]
    column = {
        name: profiles[name].to_numpy(float)[:, None]
        for name in ("drag_frac", "cabin_loss_kw_per_k", "auxiliary_kw", "nominal_kwh")
    }
    windows = driver_windows(instance.vehicles, instance.packs)
    window_frac = windows[
        pd.Index(instance.vehicles["vehicle_id"]).get_indexer(pd.Index(profiles["vehicle_id"])),
        pd.Index(instance.packs["pack_id"]).get_indexer(pd.Index(profiles["pack_id"])),
    ][:, None]
    has_heat_pump = (profiles["heating"] == "heat_pump").to_numpy()[:, None]
    fading_cop = heat_pump_cop(
        ambient_c, cop_mild=physics.heat_pump_cop, limit_c=physics.heat_pump_limit_c
    )
    per_km = consumption_kwh_per_km(
        ambient_c,
        base_kwh_per_km=real_kwh_per_km(profiles)[:, None],
        drag_frac=column["drag_frac"],
        speed_kmh=corridors.speed_kmh,
        rated_speed_kmh=corridors.rated_drag_speed_kmh,
        cabin_loss_kw_per_k=column["cabin_loss_kw_per_k"],
        heating_cop=np.where(has_heat_pump, fading_cop, 1.0),
        auxiliary_kw=column["auxiliary_kw"],
        cabin_c=physics.cabin_temperature_c,
        tyre_loss_per_k=physics.tyre_loss_per_k,
        snow_frac=snow_frac[:, None, :],
        wet_frac=wet_frac[:, None, :],
        snow_loss_frac=physics.snow_road_loss_frac,
        wet_loss_frac=physics.wet_road_loss_frac,
        cooling=cooling_kw(
            ambient_c,
            cabin_loss_kw_per_k=column["cabin_loss_kw_per_k"],
            cooling_from_c=physics.cooling_from_c,
            cooling_gain_kw=physics.cooling_gain_kw,
            cooling_cop=physics.cooling_cop,
        ),
    )
    pack_c = pack_temperature_c(
        temperature_c, corridors.soak_frac, station_c=physics.station_temperature_c
    )
    curves = {
        chemistry: temperature_curve(instance, chemistry, "usable_energy")
        for chemistry in sorted(profiles["chemistry"].unique())
    }
    usable_frac = np.stack(
        [curves[chemistry].at(pack_c, outside="hold") for chemistry in profiles["chemistry"]],
        axis=1,
    )
    coldest_c = float(pack_c.min(initial=np.inf))
    extrapolated = [
        (chemistry, round(coldest_c, 1),
         f"{curve.temperature_c[0]:g} to {curve.temperature_c[-1]:g}")
        for chemistry, curve in curves.items()
        if pack_c.size and curve.is_outside(coldest_c)
    ]  # fmt: skip
    full_kwh = column["nominal_kwh"] * window_frac
    return RoadEnergy(
        profiles=profiles[["vehicle_id", "pack_id", "chemistry"]].assign(full_kwh=full_kwh[:, 0]),
        temperature_c=temperature_c,
        draw_kwh=per_km * network.length_km,
        usable_kwh=usable_energy_kwh(column["nominal_kwh"], window_frac, usable_frac),
        extrapolated=pd.DataFrame(
            extrapolated, columns=["chemistry", "pack_temperature_c", "domain_c"]
        ),
    )


@dataclass(frozen=True)
class RoadStops:
    """Where vehicles can swap along the network.

    Attributes
    ----------
    site_idx : int array, shape (num_nodes,)
        Candidate site that serves the node, -1 for none.
    is_open : bool array, shape (num_nodes,)
        Whether a city's station serves the node.
    end_is_open : bool array, shape (num_cities,)
        Whether the city has a station, where a trip that begins or ends there swaps.
    """

    site_idx: IntArray
    is_open: BoolArray
    end_is_open: BoolArray


@dataclass(frozen=True)
class CorridorLabels:
    """What the indices of the problem stand for, one entry per path of it.

    Attributes
    ----------
    path_idx, season_idx, profile_idx : int arrays, shape (num_problem_paths,)
        Path on the road, season and profile.
    vehicles_per_day : float array, shape (num_problem_paths,)
        Round trips begun on a mean day of the season, from both ends.
    """

    path_idx: IntArray
    season_idx: IntArray
    profile_idx: IntArray
    vehicles_per_day: FloatArray


def assemble_flow_refuelling(
    instance: Instance,
    paths: TripPaths,
    energy: RoadEnergy,
    stops: RoadStops,
    vehicles_per_day: FloatArray,
    packs_each: FloatArray,
    *,
    capacity: FloatArray,
    rules: SiteRules,
) -> tuple[FlowRefuellingProblem, CorridorLabels]:
    """The flow-refuelling problem of the intercity network.

    A flow is a pair of cities, season and profile; from both ends, as they drive the same tour.

    Parameters
    ----------
    instance : Instance
        ``corridors`` and ``demand`` of its scenario.
    paths : TripPaths
    energy : RoadEnergy
    stops : RoadStops
    vehicles_per_day : ndarray, shape (2, num_profiles, num_pairs)
        Round trips on a mean day of each season; pairs in the order in which paths name them.
    packs_each : ndarray, same shape
        Full packs that each of these trips takes.
    capacity : ndarray, shape (num_sites,)
        Of the candidate sites [1/h].
    rules : SiteRules
        See `FlowRefuellingProblem`.

    Returns
    -------
    FlowRefuellingProblem
        Flows without vehicles are left out.
    CorridorLabels
    """
    corridors = instance.scenario.corridors
    weights = (corridors.winter_weight, 1.0 - corridors.winter_weight)
    pair = pair_of_path(paths)
    first_path = np.unique(pair, return_index=True)[1]
    season_idx, profile_idx, pair_idx = np.nonzero(vehicles_per_day > 0)
    paths_of_pair = np.split(np.argsort(pair, kind="stable"), np.cumsum(np.bincount(pair))[:-1])
    num_paths = np.array([len(each) for each in paths_of_pair], dtype=np.int64)[pair_idx]
    season_idx, profile_idx = np.repeat(season_idx, num_paths), np.repeat(profile_idx, num_paths)
    path_idx = np.concatenate(
        [np.zeros(0, dtype=np.int64), *(paths_of_pair[each] for each in pair_idx.tolist())]
    )
    windows = find_windows(
        paths, energy.draw_kwh, energy.usable_kwh, energy.profiles["full_kwh"].to_numpy(float),
        OpenStops(np.zeros_like(stops.is_open), stops.is_open, stops.end_is_open),
        Trips(path_idx, season_idx, profile_idx),
        start_frac=corridors.start_frac, reserve_frac=corridors.reserve_frac,
    )  # fmt: skip
    needs, members = _cover_sets(paths, path_idx, stops.site_idx, windows)
    vehicles = vehicles_per_day[season_idx, profile_idx, pair[path_idx]]
    worth = vehicles * np.array(weights)[season_idx]
    if corridors.objective == "swaps":
        worth = worth * packs_each[season_idx, profile_idx, pair[path_idx]]
    elif corridors.objective == "vehicle_km":
        worth = worth * paths.length_km[first_path[pair[path_idx]]]
    flow = np.unique(
        np.column_stack((pair[path_idx], season_idx, profile_idx)), axis=0, return_inverse=True
    )[1].ravel()
    busiest_hour = corridors.holiday_factor * instance.scenario.demand.peak_hour_frac
    problem = FlowRefuellingProblem(
        value=worth,
        flow_idx=flow.astype(np.int64),
        needs=needs,
        members=Lists(members.ptr, members.idx // 2),
        is_return=members.idx % 2 == 1,
        load=vehicles * busiest_hour,
        season_idx=season_idx,
        capacity=capacity,
        rules=rules,
    )
    return problem, CorridorLabels(path_idx, season_idx, profile_idx, vehicles)


def pair_of_path(paths: TripPaths) -> IntArray:
    """Pair of cities of each path, counted from 0 in the order of the paths."""
    num_cities = 1 + int(paths.to_city_idx.max(initial=0))
    code = paths.from_city_idx * num_cities + paths.to_city_idx
    pair: IntArray = np.unique(code, return_inverse=True)[1].astype(np.int64)
    return pair


def _cover_sets(
    paths: TripPaths, path_idx: IntArray, site_of_node: IntArray, windows: Windows
) -> tuple[Lists, Lists]:
    """Sets that each problem path needs, and the sites of each set with their direction.

    A window becomes the set of 2 * site, plus 1 on the way back; equal ones are one.
    """
    token_of: dict[int, IntArray] = {}
    sets: dict[bytes, int] = {}
    members: list[IntArray] = []
    needs: list[list[int]] = []
    first, last = windows.first.tolist(), windows.last.tolist()
    for at, path in enumerate(path_idx.tolist()):
        needed = set()
        for window in range(windows.ptr[at], windows.ptr[at + 1]):
            if path not in token_of:
                token_of[path] = _tokens(paths, path, site_of_node)
            tokens = token_of[path][first[window] : last[window] + 1]
            place = sets.setdefault(tokens.tobytes(), len(sets))
            if place == len(members):
                members.append(np.unique(tokens[tokens >= 0]))
            needed.add(place)
        needs.append(sorted(needed))
    return Lists.of(needs), Lists.of(each.tolist() for each in members)


def _tokens(paths: TripPaths, path: int, site_of_node: IntArray) -> IntArray:
    """Site and direction at each stop of two laps; negative where there is no site."""
    nodes = paths.node_idx[paths.node_ptr[path] : paths.node_ptr[path + 1]]
    there, back = site_of_node[nodes[:-1]], site_of_node[nodes[:0:-1]]
    lap = np.concatenate((2 * there, np.where(back >= 0, 2 * back + 1, -1)))
    return np.tile(lap, 2)
