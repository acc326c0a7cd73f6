"""Corridor stations: which trips between cities can be refuelled, in January and in July.

From the instance's roads, the cities' stations and packs to a plan, its proof, and its tables.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from planner.assemble.corridors import (
    SEASONS,
    CorridorLabels,
    RoadEnergy,
    RoadStops,
    RoundTrip,
    assemble_flow_refuelling,
    drive_round_trip,
    road_energy,
)
from planner.assemble.road_legs import Leg, drive_legs, find_break
from planner.assemble.trips import trips_per_day, vehicles_by_profile
from planner.climate import city_climate
from planner.demand import FleetOperation, default_pack_swaps
from planner.errors import Fault, InputError
from planner.geodesy import chord_to_arc_km, to_sphere_km
from planner.instance import Instance
from planner.models.flow_refuelling import FlowRefuelling, drivable_paths, solve_flow_refuelling
from planner.network.intercity import (
    IntercityNetwork,
    TripPaths,
    build_intercity_network,
    find_trip_paths,
    gather_nodes,
)
from planner.problem import BoolArray, FloatArray, FlowRefuellingProblem, IntArray
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.throughput import swaps_per_hour


@dataclass(frozen=True)
class CorridorInput:
    """All that corridor plans with the same cities' stations and packs share.

    Attributes
    ----------
    network, paths, energy, stops : IntercityNetwork, TripPaths, RoadEnergy, RoadStops
    vehicles_per_day : ndarray, shape (2, num_profiles, num_pairs)
        Round trips on a mean day.
    site_node_idx : int array, shape (num_sites,)
        Node at which each candidate site stands.
    capacity : ndarray, shape (num_sites,)
        Swaps an hour of the largest station type there on the winter design day [1/h].
    problem, labels : FlowRefuellingProblem, CorridorLabels
        Under the scenario's limits.
    """

    network: IntercityNetwork
    paths: TripPaths
    energy: RoadEnergy
    stops: RoadStops
    vehicles_per_day: FloatArray
    site_node_idx: IntArray
    capacity: FloatArray
    problem: FlowRefuellingProblem
    labels: CorridorLabels


@dataclass(frozen=True)
class Corridors:
    """A corridor plan and its tables.

    Attributes
    ----------
    given : CorridorInput
    solution : FlowRefuelling
        Stations, value, bound, gap and status.
    summary : DataFrame
        A row per season and chemistry, and per season: ``season, chemistry`` ("all"),
        ``trips_per_day, refuelled_per_day, refuelled_frac, by_cities_frac`` (on the cities'
        stations alone), ``at_most_frac`` (with a station at every site).
    stations : DataFrame
        Corridor stations, the busiest first: ``corridor_station_id, lon, lat, status``,
        ``winter_swaps_per_day, summer_swaps_per_day`` (mean day), ``winter_trips_per_day,
        summer_trips_per_day`` (trips that swap there), ``holiday_swaps_per_hour`` and
        ``capacity_per_hour`` (winter).
    legs : DataFrame
        Ways between two swaps: ``season, vehicle_id, pack_id, chemistry, from_stop, to_stop``
        (city or corridor station), ``km, drawn_kwh, trips_per_day, margin_kwh`` (left beyond the
        reserve where that is least), ``margin_km`` (as far as that goes there),
        ``temperature_c`` (of that place).
    unserved : DataFrame
        Trips that cannot be refuelled: ``season, vehicle_id, pack_id, chemistry, from_city_id,
        to_city_id, km, trips_per_day, breaks_from, breaks_to`` (stops), ``leg_km``,
        ``short_kwh``, ``temperature_c``, ``lon``, ``lat`` (where the pack is empty), ``why``.
    unconnected : DataFrame
        Cities that no road connects: ``city_id, name_en, why``.
    """

    given: CorridorInput
    solution: FlowRefuelling
    summary: pd.DataFrame
    stations: pd.DataFrame
    legs: pd.DataFrame
    unserved: pd.DataFrame
    unconnected: pd.DataFrame


def prepare_corridors(
    instance: Instance,
    fleet: FleetOperation,
    packs: pd.DataFrame,
    city_stations: pd.DataFrame,
    existing: pd.DataFrame | None = None,
) -> CorridorInput:
    """Everything before the optimization.

    Parameters
    ----------
    instance : Instance
        Roads, cities, climate, vehicles, packs, curves, stations, flows and the scenario.
    fleet : FleetOperation
        Of the instance: all swaps of a mean day, and turns in a station.
    packs : DataFrame
        What the travelling vehicles carry: columns ``city_id``, ``vehicle_id``, ``pack_id``,
        ``vehicles``.
    city_stations : DataFrame
        Stations in the cities, which are open: columns ``city_id``, ``lon``, ``lat``.
    existing : DataFrame, optional
        Corridor stations that are open in every plan: columns ``lon``, ``lat``.

    Returns
    -------
    CorridorInput

    Raises
    ------
    InputError
        If a table names what the instance does not have, or an existing station stands beside
        no road between cities.
    """
    _check_tables(instance, packs, city_stations)
    settings = instance.scenario.corridors
    network = build_intercity_network(
        instance,
        max_trip_km=settings.max_trip_km,
        spacing_km=settings.site_spacing_km,
        ferries=settings.ferries,
    )
    paths = find_trip_paths(
        network,
        max_trip_km=settings.max_trip_km,
        num_paths=settings.num_paths,
        max_detour_frac=settings.max_detour_frac,
    )
    energy = road_energy(instance, city_climate(instance), network, packs)
    stops, site_node_idx, forced = _road_stops(instance, network, paths, city_stations, existing)
    vehicles = trips_per_day(
        instance, paths, energy, vehicles_by_profile(instance, energy, packs),
        _swaps_per_day(instance, fleet),
    )  # fmt: skip
    capacity = _station_capacity(instance, fleet, energy, network, site_node_idx)
    limited = settings.limit_capacity
    problem, labels = assemble_flow_refuelling(
        instance, paths, energy, stops, vehicles,
        capacity=capacity if limited else np.full(len(capacity), np.inf),
        cost=np.full(len(capacity), _largest_type(instance)["capex_cny"]),
        forced=forced,
        num_stations=len(capacity) if settings.num_stations is None else settings.num_stations,
        budget=math.inf if settings.budget_cny is None else settings.budget_cny,
    )  # fmt: skip
    return CorridorInput(
        network, paths, energy, stops, vehicles, site_node_idx, capacity, problem, labels
    )


def plan_corridors(
    instance: Instance,
    fleet: FleetOperation,
    packs: pd.DataFrame,
    city_stations: pd.DataFrame,
    options: SolveOptions,
    *,
    existing: pd.DataFrame | None = None,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> Corridors:
    """Plan the corridor stations of the scenario's section ``corridors``.

    Parameters
    ----------
    instance, fleet, packs, city_stations, existing
        As in `prepare_corridors`.
    options : SolveOptions
        Gap and time limit of the optimization alone.
    on_progress, stop
        As in `planner.models.flow_refuelling.solve_flow_refuelling`.

    Returns
    -------
    Corridors

    Raises
    ------
    InputError
        See `prepare_corridors`.
    InfeasibleError
        If existing stations break a limit.
    """
    given = prepare_corridors(instance, fleet, packs, city_stations, existing)
    solution = solve_flow_refuelling(given.problem, options, on_progress=on_progress, stop=stop)
    return describe_corridors(instance, given, solution)


def describe_corridors(
    instance: Instance, given: CorridorInput, solution: FlowRefuelling
) -> Corridors:
    """Tables of a plan.

    Parameters
    ----------
    instance : Instance
    given : CorridorInput
    solution : FlowRefuelling
        A plan for its problem.

    Returns
    -------
    Corridors
    """
    labels, problem = given.labels, given.problem
    is_open = np.zeros(problem.num_sites, dtype=np.bool_)
    is_open[solution.open_site_idx] = True
    flow_met = np.bincount(problem.flow_idx, solution.driven_frac) > 0
    first = np.zeros(problem.num_paths, dtype=np.bool_)
    first[np.unique(problem.flow_idx, return_index=True)[1]] = True
    stop_name = _stop_names(instance, given, solution.open_site_idx)
    node_open = given.stops.is_open | np.where(
        given.stops.site_idx >= 0, is_open[given.stops.site_idx], False
    )
    legs: list[tuple[object, ...]] = []
    breaks: list[tuple[object, ...]] = []
    swaps = np.zeros((len(SEASONS), problem.num_sites))
    trips = np.zeros_like(swaps)
    for at in np.flatnonzero((solution.driven_frac > 0) | (first & ~flow_met[problem.flow_idx])):
        trip, opened, deficit = _trip_on(instance, given, int(at), node_open)
        if solution.driven_frac[at] > 0:
            vehicles = labels.vehicles_per_day[at] * solution.driven_frac[at]
            met = set()
            for leg in drive_legs(trip, opened, deficit):
                legs.append(_leg_row(given, int(at), trip, leg, vehicles))
                site = given.stops.site_idx[trip.node_idx[leg.end % len(opened)]]
                if deficit[leg.end % len(opened)] == 0 and site >= 0:
                    swaps[labels.season_idx[at], site] += vehicles
                    met.add(int(site))
            for site in met:
                trips[labels.season_idx[at], site] += vehicles
        else:
            breaks.append(_break_row(instance, given, int(at), trip, opened, deficit))
    return Corridors(
        given=given,
        solution=solution,
        summary=_summary(given, solution),
        stations=_stations(instance, given, solution.open_site_idx, swaps, trips),
        legs=_gather_legs(given, legs, stop_name),
        unserved=_unserved(breaks, stop_name),
        unconnected=given.network.unconnected,
    )


def _check_tables(instance: Instance, packs: pd.DataFrame, city_stations: pd.DataFrame) -> None:
    known = {
        "city_id": set(instance.cities["city_id"]),
        "vehicle_id": set(instance.vehicles["vehicle_id"]),
        "pack_id": set(instance.packs["pack_id"]),
    }
    faults = []
    for name, table, columns in (
        ("packs by city", packs, ("city_id", "vehicle_id", "pack_id", "vehicles")),
        ("city stations", city_stations, ("city_id", "lon", "lat")),
    ):
        for column in columns:
            if column not in table.columns:
                faults.append(Fault(name, None, column, "", "column missing"))
            elif column in known:
                strange = ~table[column].isin(known[column])
                faults += [
                    Fault(name, None, column, str(value), "is not in the instance")
                    for value in table.loc[strange, column].unique()
                ]
            elif not np.isfinite(table[column].to_numpy(float)).all():
                faults.append(Fault(name, None, column, "", "must be finite numbers"))
    if not faults and (packs["vehicles"] < 0).any():
        faults.append(Fault("packs by city", None, "vehicles", "", "must be >= 0"))
    if faults:
        raise InputError(faults, source="corridors")


def _swaps_per_day(instance: Instance, fleet: FleetOperation) -> float:
    planned = instance.scenario.quarters.index(instance.scenario.planning_quarter)
    per_vehicle = default_pack_swaps(instance, fleet.yearly_swaps_per_day)
    return float((fleet.vehicles[planned] * per_vehicle).sum())


def _largest_type(instance: Instance) -> "pd.Series[Any]":
    return instance.stations.iloc[int(instance.stations["bays"].to_numpy().argmax())]


def _station_capacity(
    instance: Instance,
    fleet: FleetOperation,
    energy: RoadEnergy,
    network: IntercityNetwork,
    site_node_idx: IntArray,
) -> FloatArray:
    """Swaps an hour on the winter design day of the nearest city, of the slowest profile."""
    if not len(site_node_idx):
        return np.zeros(0)
    cities = instance.cities
    city = KDTree(to_sphere_km(cities["lon"], cities["lat"])).query(
        to_sphere_km(network.lon[site_node_idx], network.lat[site_node_idx])
    )[1]
    vehicle = pd.Index(instance.vehicles["vehicle_id"]).get_indexer(energy.profiles["vehicle_id"])
    pack = pd.Index(instance.packs["pack_id"]).get_indexer(energy.profiles["pack_id"])
    size = int(instance.stations["bays"].to_numpy().argmax())
    turn_h = fleet.on_design_day(fleet.design_turn_h)[:, vehicle, pack, size]
    grid_kwh = fleet.on_design_day(fleet.design_grid_kwh)[:, vehicle, pack, size]
    station = _largest_type(instance)
    rate = swaps_per_hour(
        bays=station["bays"],
        seconds_per_swap=station["seconds_per_swap"],
        grid_kw=station["grid_kw"],
        turn_h=turn_h.max(axis=1),
        grid_kwh_per_swap=grid_kwh.max(axis=1),
        utilisation_frac=instance.scenario.throughput.utilisation_frac,
    )
    return np.asarray(rate[city])


def _road_stops(
    instance: Instance,
    network: IntercityNetwork,
    paths: TripPaths,
    city_stations: pd.DataFrame,
    existing: pd.DataFrame | None,
) -> tuple[RoadStops, IntArray, BoolArray]:
    """Nodes that cities' stations serve, and candidate sites at the others, busiest first."""
    within_km = instance.scenario.corridors.station_access_km
    cities = instance.cities
    end_is_open = cities["city_id"].isin(city_stations["city_id"]).to_numpy()
    xyz = to_sphere_km(network.lon, network.lat)
    is_open = np.zeros(len(network.lon), dtype=np.bool_)
    if len(city_stations) and len(xyz):
        places = to_sphere_km(city_stations["lon"], city_stations["lat"])
        near_km = KDTree(places).query(xyz, distance_upper_bound=within_km)[0]
        is_open = np.asarray(np.isfinite(near_km))
    portal = network.portal_idx[end_is_open]
    is_open[portal[portal >= 0]] = True
    num_passing = np.bincount(paths.node_idx, minlength=len(network.lon)).astype(float)
    free = np.flatnonzero(~is_open & (num_passing > 0))
    rank = num_passing[free]
    stand_at = _nodes_of_existing(network, free, existing, within_km)
    rank[stand_at] = np.inf  # an existing station leads the nodes around it
    leader = gather_nodes(network.lon[free], network.lat[free], rank, within_km)
    leads, site = np.unique(leader, return_inverse=True)
    site_idx = np.full(len(network.lon), -1, dtype=np.int64)
    site_idx[free] = site
    forced = np.isin(leads, leader[stand_at])
    return RoadStops(site_idx, is_open, end_is_open), free[leads], forced


def _nodes_of_existing(
    network: IntercityNetwork, free: IntArray, existing: pd.DataFrame | None, within_km: float
) -> IntArray:
    if existing is None or not len(existing) or not len(free):
        return np.zeros(0, dtype=np.int64)
    tree = KDTree(to_sphere_km(network.lon[free], network.lat[free]))
    chord_km, node = tree.query(to_sphere_km(existing["lon"], existing["lat"]))
    away_km = chord_to_arc_km(chord_km)
    half_km = 12.5 + within_km
    faults = [
        Fault("existing corridor stations", row, "", f"{km:.0f} km from the next free stop",
              "stands beside no road between cities, or in a city with stations")
        for row, km in enumerate(away_km, start=1)
        if km > half_km
    ]  # fmt: skip
    if faults:
        raise InputError(faults)
    return np.unique(node).astype(np.int64)


def _trip_on(
    instance: Instance, given: CorridorInput, at: int, node_open: BoolArray
) -> tuple[RoundTrip, BoolArray, FloatArray]:
    """The round trip of a path of the problem, its open stops, and what the ends have drawn."""
    settings, labels = instance.scenario.corridors, given.labels
    path, profile = int(labels.path_idx[at]), int(labels.profile_idx[at])
    full_kwh = float(given.energy.profiles["full_kwh"].iloc[profile])
    trip = drive_round_trip(
        path,
        given.paths,
        given.stops,
        given.energy.draw_kwh[labels.season_idx[at], profile],
        given.energy.usable_kwh[labels.season_idx[at], profile],
        full_kwh=full_kwh,
        start_frac=settings.start_frac,
        reserve_frac=settings.reserve_frac,
    )
    opened = node_open[trip.node_idx]
    deficit = np.zeros(len(opened))
    for stop, city in (
        (0, given.paths.from_city_idx[path]),
        (trip.turn, given.paths.to_city_idx[path]),
    ):
        opened[stop] = given.stops.end_is_open[city] or (
            given.stops.site_idx[trip.node_idx[stop]] >= 0 and opened[stop]
        )
        if given.stops.end_is_open[city]:
            deficit[stop] = (1.0 - settings.start_frac) * full_kwh
    return trip, opened, deficit


def _leg_row(
    given: CorridorInput, at: int, trip: RoundTrip, leg: Leg, vehicles: float
) -> tuple[object, ...]:
    size = len(trip.node_idx)
    arcs = np.arange(leg.start, leg.end) % size
    segment = trip.segment_idx[leg.tightest % size]
    return (
        at, trip.node_idx[leg.start % size], trip.node_idx[leg.end % size],
        given.network.length_km[trip.segment_idx[arcs]].sum(), trip.draw_kwh[arcs].sum(),
        vehicles, leg.margin_kwh, segment,
    )  # fmt: skip


def _stop_names(
    instance: Instance, given: CorridorInput, open_site_idx: IntArray
) -> dict[int, str]:
    cities, names = instance.cities, dict[int, str]()
    nodes = np.flatnonzero(given.stops.is_open)
    if len(nodes):
        tree = KDTree(to_sphere_km(cities["lon"], cities["lat"]))
        places = to_sphere_km(given.network.lon[nodes], given.network.lat[nodes])
        nearest = np.asarray(tree.query(places)[1])
        for node, city in zip(nodes.tolist(), nearest.tolist(), strict=True):
            names[node] = str(cities["city_id"].iloc[city])
    for city, node in enumerate(given.network.portal_idx.tolist()):
        names[node] = str(cities["city_id"].iloc[city])
    ids = _station_ids(given, open_site_idx)
    for node, site in enumerate(given.stops.site_idx.tolist()):
        if site in ids:
            names[node] = ids[site]
    return names


def _station_ids(given: CorridorInput, open_site_idx: IntArray) -> dict[int, str]:
    """Stable ids by place, so that a station keeps its name from plan to plan."""
    network = given.network
    return {
        int(site): f"R{network.lat[node]:+07.3f}{network.lon[node]:+08.3f}"
        for site, node in zip(open_site_idx, given.site_node_idx[open_site_idx], strict=True)
    }


def _gather_legs(
    given: CorridorInput, rows: list[tuple[object, ...]], stop_name: dict[int, str]
) -> pd.DataFrame:
    names = ("at", "from_node", "to_node", "km", "drawn_kwh", "trips_per_day", "margin_kwh",
             "segment")  # fmt: skip
    table = pd.DataFrame(rows, columns=list(names))
    labels, energy = given.labels, given.energy
    at = table.pop("at").to_numpy(np.int64)
    segment = table.pop("segment").to_numpy(np.int64)
    season, profile = labels.season_idx[at], labels.profile_idx[at]
    with np.errstate(divide="ignore", invalid="ignore"):
        per_km = energy.draw_kwh[season, profile, segment] / given.network.length_km[segment]
        table["margin_km"] = np.maximum(table["margin_kwh"], 0.0) / per_km
    table["temperature_c"] = energy.temperature_c[season, segment]
    table["season"] = np.array(SEASONS)[season]
    table["profile"] = profile
    for end in ("from", "to"):
        table[f"{end}_stop"] = [stop_name[int(node)] for node in table.pop(f"{end}_node")]
    keys = ["season", "profile", "from_stop", "to_stop"]
    table = table.sort_values([*keys, "margin_kwh", "km"], kind="stable")
    total = table.groupby(keys, sort=True)["trips_per_day"].sum()
    tightest = table.drop_duplicates(keys).set_index(keys)
    tightest["trips_per_day"] = total
    legs = tightest.reset_index().join(
        energy.profiles[["vehicle_id", "pack_id", "chemistry"]], on="profile"
    )
    return legs[
        ["season", "vehicle_id", "pack_id", "chemistry", "from_stop", "to_stop", "km", "drawn_kwh",
         "trips_per_day", "margin_kwh", "margin_km", "temperature_c"]
    ].sort_values(["margin_kwh", "season", "from_stop", "to_stop"], ignore_index=True)  # fmt: skip


def _break_row(
    instance: Instance,
    given: CorridorInput,
    at: int,
    trip: RoundTrip,
    opened: BoolArray,
    deficit: FloatArray,
) -> tuple[object, ...]:
    labels, paths, size = given.labels, given.paths, len(opened)
    path = labels.path_idx[at]
    broken = find_break(trip, opened, deficit)
    segment = trip.segment_idx[broken.arc % size]
    arcs = np.arange(broken.start, broken.end) % size
    profile = given.energy.profiles.iloc[int(labels.profile_idx[at])]
    sets = given.problem.path_set_idx[given.problem.path_ptr[at] : given.problem.path_ptr[at + 1]]
    hopeless = (np.diff(given.problem.set_ptr)[sets] == 0).any()
    head = trip.node_idx[(broken.arc + 1) % size]
    return (
        SEASONS[labels.season_idx[at]], profile["vehicle_id"], profile["pack_id"],
        profile["chemistry"],
        instance.cities["city_id"].iloc[int(paths.from_city_idx[path])],
        instance.cities["city_id"].iloc[int(paths.to_city_idx[path])],
        paths.length_km[path], labels.vehicles_per_day[at],
        int(trip.node_idx[broken.start % size]), int(trip.node_idx[broken.end % size]),
        given.network.length_km[trip.segment_idx[arcs]].sum(), broken.short_kwh,
        given.energy.temperature_c[labels.season_idx[at], segment],
        given.network.lon[head], given.network.lat[head],
        "no candidate site reaches this road" if hopeless else "no station opened here",
    )  # fmt: skip


def _unserved(rows: list[tuple[object, ...]], stop_name: dict[int, str]) -> pd.DataFrame:
    columns = ["season", "vehicle_id", "pack_id", "chemistry", "from_city_id", "to_city_id", "km",
               "trips_per_day", "breaks_from", "breaks_to", "leg_km", "short_kwh",
               "temperature_c", "lon", "lat", "why"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    for column in ("breaks_from", "breaks_to"):
        table[column] = [stop_name.get(node, "") for node in table[column]]
    return table.sort_values(
        ["trips_per_day", "season", "pack_id", "from_city_id", "to_city_id"],
        ascending=[False, True, True, True, True], ignore_index=True,
    )  # fmt: skip


def _stations(
    instance: Instance,
    given: CorridorInput,
    open_site_idx: IntArray,
    swaps: FloatArray,
    trips: FloatArray,
) -> pd.DataFrame:
    node = given.site_node_idx[open_site_idx]
    ids = _station_ids(given, open_site_idx)
    scenario = instance.scenario
    peak = scenario.corridors.holiday_factor * scenario.demand.peak_hour_frac
    table = pd.DataFrame(
        {
            "corridor_station_id": [ids[int(site)] for site in open_site_idx],
            "lon": given.network.lon[node],
            "lat": given.network.lat[node],
            "status": np.where(given.problem.forced[open_site_idx], "existing", "new"),
            "winter_swaps_per_day": swaps[0, open_site_idx],
            "summer_swaps_per_day": swaps[1, open_site_idx],
            "winter_trips_per_day": trips[0, open_site_idx],
            "summer_trips_per_day": trips[1, open_site_idx],
            "holiday_swaps_per_hour": swaps[0, open_site_idx] * peak,
            "capacity_per_hour": given.capacity[open_site_idx],
        }
    )
    return table.sort_values(
        ["winter_swaps_per_day", "corridor_station_id"], ascending=[False, True], ignore_index=True
    )


def _summary(given: CorridorInput, solution: FlowRefuelling) -> pd.DataFrame:
    labels, problem = given.labels, given.problem
    first = np.zeros(problem.num_paths, dtype=np.bool_)
    first[np.unique(problem.flow_idx, return_index=True)[1]] = True
    alone, at_most = (
        np.bincount(problem.flow_idx, drivable_paths(problem, is_open)) > 0
        for is_open in (problem.forbidden & False, ~problem.forbidden)
    )
    chemistry = given.energy.profiles["chemistry"].to_numpy()[labels.profile_idx]
    rows = []
    for season, name in enumerate(SEASONS):
        for kind in [*sorted(set(chemistry)), "all"]:
            chosen = (labels.season_idx == season) & ((chemistry == kind) | (kind == "all"))
            begun = labels.vehicles_per_day * (chosen & first)
            total = math.fsum(begun)
            refuelled = math.fsum(labels.vehicles_per_day * chosen * solution.driven_frac)
            shares = [
                math.fsum(begun * met[problem.flow_idx]) / total if total else math.nan
                for met in (alone, at_most)
            ]
            share = refuelled / total if total else math.nan
            rows.append((name, kind, total, refuelled, share, *shares))
    return pd.DataFrame(
        rows,
        columns=["season", "chemistry", "trips_per_day", "refuelled_per_day", "refuelled_frac",
                 "by_cities_frac", "at_most_frac"],
    )  # fmt: skip
