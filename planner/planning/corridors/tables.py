"""Tables of a corridor plan: stations, legs, roads, and the trips that break."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from planner.arrays import FloatArray, IntArray
from planner.geodesy import to_sphere_km
from planner.instance import Instance
from planner.models.refuelling.capacity import drivable_paths
from planner.planning.corridors.breaks import find_break, lay_round_trip
from planner.planning.corridors.drive import DrivenTrips, drive, station_use
from planner.planning.corridors.prepare import CorridorInput
from planner.planning.corridors.problem import SEASONS
from planner.planning.corridors.roads import corridor_type


@dataclass(frozen=True)
class CorridorTables:
    """What a corridor plan does, by label.

    Attributes
    ----------
    summary : DataFrame
        A row per season and chemistry, and per season: ``season, chemistry`` ("all"),
        ``trips_per_day, refuelled_per_day, refuelled_frac, by_cities_frac`` (on the cities'
        stations alone), ``at_most_frac`` (with a station at every site).
    stations : DataFrame
        Corridor stations, the busiest first: ``corridor_station_id, lon, lat, site_status``
        (candidate, existing, committed), ``near_city_id, station_type_id, capex_cny,
        winter_swaps_per_day, summer_swaps_per_day`` (mean day), ``winter_trips_per_day,
        summer_trips_per_day`` (trips that swap there), ``holiday_swaps_per_hour`` and
        ``capacity_per_hour`` (winter).
    station_packs : DataFrame
        Their swaps by class and pack: ``season, corridor_station_id, vehicle_id, pack_id,
        swaps_per_day`` (mean day of the season).
    legs : DataFrame
        Ways between two swaps: ``season, vehicle_id, pack_id, chemistry, from_stop, to_stop``
        (city or corridor station), ``from_lon, from_lat, to_lon, to_lat, km, drawn_kwh,
        trips_per_day, margin_kwh`` (left beyond the reserve where that is least), ``margin_km``
        (as far as that goes there), ``temperature_c`` (of that place). Of several ways between
        the same stops the tightest.
    roads : DataFrame
        Stretches between junctions, portals and candidate sites: ``from_lon, from_lat, to_lon,
        to_lat, km, is_ferry``, and by season ``<season>_c, <season>_trips_per_day`` (round trips
        that pass) and ``<season>_refuelled_frac`` (share of them that can be refuelled).
    unserved : DataFrame
        Trips that cannot be refuelled: ``season, vehicle_id, pack_id, chemistry, from_city_id,
        to_city_id, km, trips_per_day, breaks_from, breaks_to`` (stops), ``leg_km``,
        ``short_kwh``, ``temperature_c``, ``lon``, ``lat`` (where the pack is empty), ``why``.
    unconnected : DataFrame
        Cities that no road connects: ``city_id, name_en, why``.
    """

    summary: pd.DataFrame
    stations: pd.DataFrame
    station_packs: pd.DataFrame
    legs: pd.DataFrame
    roads: pd.DataFrame
    unserved: pd.DataFrame
    unconnected: pd.DataFrame


def describe_corridors(
    instance: Instance,
    inputs: CorridorInput,
    open_site_idx: IntArray,
    shared_frac: FloatArray | None = None,
) -> CorridorTables:
    """Tables of a plan.

    Parameters
    ----------
    instance : Instance
    inputs : CorridorInput
    open_site_idx : int array
        Its corridor stations.
    shared_frac : ndarray, shape (num_problem_paths,), optional
        What the stations' capacities allow, if they are limited.

    Returns
    -------
    CorridorTables
    """
    driven = drive(instance, inputs, open_site_idx, shared_frac)
    stop_name = _stop_names(instance, driven, open_site_idx)
    return CorridorTables(
        summary=_summary(driven),
        stations=_stations(instance, driven, open_site_idx),
        station_packs=_station_packs(driven),
        legs=_legs(driven, stop_name),
        roads=_roads(driven),
        unserved=_unserved(instance, driven, stop_name),
        unconnected=inputs.roads.network.unconnected,
    )


def _stop_names(instance: Instance, driven: DrivenTrips, open_site_idx: IntArray) -> dict[int, str]:
    """What stands at each node where vehicles swap: a corridor station, else a city."""
    roads, cities = driven.inputs.roads, instance.cities
    network, names = roads.network, dict[int, str]()
    nodes = np.flatnonzero(driven.stops.in_city)
    if len(nodes):
        tree = KDTree(to_sphere_km(cities["lon"], cities["lat"]))
        nearest = tree.query(to_sphere_km(network.lon[nodes], network.lat[nodes]))[1]
        names = dict(zip(nodes.tolist(), cities["city_id"].iloc[nearest], strict=True))
    for city, node in enumerate(network.portal_idx.tolist()):
        names[node] = str(cities["city_id"].iloc[city])
    is_open = set(open_site_idx.tolist())
    for node in np.flatnonzero(driven.stops.on_road & ~driven.stops.in_city).tolist():
        site = int(roads.site_of_node[node])
        if site in is_open:
            names[node] = roads.site_id[site]
    return names


def _legs(driven: DrivenTrips, stop_name: dict[int, str]) -> pd.DataFrame:
    labels, roads, legs = driven.inputs.labels, driven.inputs.roads, driven.legs
    network, energy = roads.network, roads.energy
    at = np.flatnonzero(driven.leg_trips > 0)
    path = driven.leg_of_path[at]
    season, profile = labels.season_idx[path], labels.profile_idx[path]
    segment = legs.tightest_segment[at]
    margin_kwh = np.maximum(legs.margin_kwh[at], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_km = energy.draw_kwh[season, profile, segment] / network.length_km[segment]
        margin_km = margin_kwh / per_km
    from_node, to_node = legs.from_node[at], legs.to_node[at]
    table = pd.DataFrame(
        {
            "season": np.array(SEASONS)[season],
            "profile": profile,
            "from_stop": [stop_name[node] for node in from_node.tolist()],
            "to_stop": [stop_name[node] for node in to_node.tolist()],
            "from_lon": network.lon[from_node],
            "from_lat": network.lat[from_node],
            "to_lon": network.lon[to_node],
            "to_lat": network.lat[to_node],
            "km": legs.length_km[at],
            "drawn_kwh": legs.drawn_kwh[at],
            "margin_kwh": margin_kwh,
            "margin_km": margin_km,
            "temperature_c": energy.temperature_c[season, segment],
            "trips_per_day": driven.leg_trips[at],
        }
    )
    keys = ["season", "profile", "from_stop", "to_stop"]
    table = table.sort_values([*keys, "margin_kwh", "km"], kind="stable")
    total = table.groupby(keys, sort=True)["trips_per_day"].sum()
    tightest = table.drop_duplicates(keys).set_index(keys)
    tightest["trips_per_day"] = total
    rows = tightest.reset_index().join(
        energy.profiles[["vehicle_id", "pack_id", "chemistry"]], on="profile"
    )
    return rows[
        ["season", "vehicle_id", "pack_id", "chemistry", "from_stop", "to_stop", "from_lon",
         "from_lat", "to_lon", "to_lat", "km", "drawn_kwh", "trips_per_day", "margin_kwh",
         "margin_km", "temperature_c"]
    ].sort_values(["margin_kwh", "season", "from_stop", "to_stop", "vehicle_id", "pack_id"],
                  ignore_index=True)  # fmt: skip


def _roads(driven: DrivenTrips) -> pd.DataFrame:
    inputs = driven.inputs
    labels, network, paths = inputs.labels, inputs.roads.network, inputs.roads.paths
    columns: dict[str, object] = {
        "from_lon": network.lon[network.from_idx],
        "from_lat": network.lat[network.from_idx],
        "to_lon": network.lon[network.to_idx],
        "to_lat": network.lat[network.to_idx],
        "km": network.length_km,
        "is_ferry": network.is_ferry,
    }
    missing = _first_paths(inputs) * (1.0 - _flow_frac(driven)[inputs.problem.flow_idx])
    used = np.zeros(len(network.length_km), dtype=np.bool_)
    path_of = np.repeat(np.arange(len(paths.length_km)), np.diff(paths.ptr))
    for season, name in enumerate(SEASONS):
        of_season = labels.vehicles_per_day * (labels.season_idx == season)
        passing = [
            np.bincount(
                paths.segment_idx,
                np.bincount(labels.path_idx, of_season * frac, minlength=len(paths.length_km))[
                    path_of
                ],
                minlength=len(network.length_km),
            )
            for frac in (driven.driven_frac, missing)
        ]
        total = passing[0] + passing[1]
        used |= total > 0
        columns[f"{name}_c"] = inputs.roads.energy.temperature_c[season]
        columns[f"{name}_trips_per_day"] = total
        columns[f"{name}_refuelled_frac"] = np.divide(
            passing[0], total, out=np.full(len(total), np.nan), where=total > 0
        )
    return pd.DataFrame(columns)[used].reset_index(drop=True)


def _first_paths(inputs: CorridorInput) -> FloatArray:
    """1 for the first path of each flow."""
    first = np.zeros(inputs.problem.num_paths)
    first[np.unique(inputs.problem.flow_idx, return_index=True)[1]] = 1.0
    return first


def _flow_frac(driven: DrivenTrips) -> FloatArray:
    """Share of each flow that drives."""
    return np.bincount(driven.inputs.problem.flow_idx, driven.driven_frac).astype(float)


def _unserved(instance: Instance, driven: DrivenTrips, stop_name: dict[int, str]) -> pd.DataFrame:
    inputs = driven.inputs
    missing = _first_paths(inputs) * (1.0 - _flow_frac(driven)[inputs.problem.flow_idx])
    rows = [
        _unserved_row(instance, driven, int(at), float(missing[at]), stop_name)
        for at in np.flatnonzero(missing > 0)
    ]
    columns = ["season", "vehicle_id", "pack_id", "chemistry", "from_city_id", "to_city_id", "km",
               "trips_per_day", "breaks_from", "breaks_to", "leg_km", "short_kwh",
               "temperature_c", "lon", "lat", "why"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).sort_values(
        ["trips_per_day", "season", "vehicle_id", "pack_id", "from_city_id", "to_city_id"],
        ascending=[False, True, True, True, True, True], ignore_index=True,
    )  # fmt: skip


def _unserved_row(
    instance: Instance, driven: DrivenTrips, at: int, missing: float, stop_name: dict[int, str]
) -> tuple[object, ...]:
    """Where the fastest way of a flow breaks, or that its stations are full."""
    inputs, settings = driven.inputs, instance.scenario.corridors
    roads, labels, stops = inputs.roads, inputs.labels, driven.stops
    paths, network, city_ids = roads.paths, roads.network, instance.cities["city_id"]
    path, profile, season = (
        int(each[at]) for each in (labels.path_idx, labels.profile_idx, labels.season_idx)
    )
    kind = roads.energy.profiles.iloc[profile]
    ends = (int(paths.from_city_idx[path]), int(paths.to_city_idx[path]))
    trip = lay_round_trip(
        path, paths, roads.energy.draw_kwh[season, profile],
        roads.energy.usable_kwh[season, profile], reserve_frac=settings.reserve_frac,
    )  # fmt: skip
    about = (
        SEASONS[season], kind["vehicle_id"], kind["pack_id"], kind["chemistry"],
        *(city_ids.iloc[city] for city in ends), paths.length_km[path],
        labels.vehicles_per_day[at] * missing,
    )  # fmt: skip
    if driven.legs.is_driven[at]:
        return (*about, "", "", math.nan, math.nan, math.nan, math.nan, math.nan,
                "its stations are full")  # fmt: skip
    opened = stops.on_road[trip.node_idx] | stops.in_city[trip.node_idx]
    deficit = np.zeros(len(opened))
    for stop, city in zip((0, trip.turn), ends, strict=True):
        has_station = bool(stops.on_road[trip.node_idx[stop]])
        opened[stop] = has_station or stops.at_end[city]
        if stops.at_end[city] and not has_station:
            deficit[stop] = (1.0 - settings.start_frac) * float(kind["full_kwh"])
    broken, size = find_break(trip, opened, deficit), len(opened)
    arcs = np.arange(broken.start, broken.end) % size
    head = trip.node_idx[(broken.arc + 1) % size]
    problem = inputs.problem
    forbidden = problem.rules.forbidden
    hopeless = any(
        forbidden[problem.members.row(each)].all() for each in problem.needs.row(at).tolist()
    )
    return (
        *about,
        *(stop_name.get(int(trip.node_idx[stop % size]), "") for stop in (broken.start,
                                                                          broken.end)),
        network.length_km[trip.segment_idx[arcs]].sum(), broken.short_kwh,
        roads.energy.temperature_c[season, trip.segment_idx[broken.arc % size]],
        network.lon[head], network.lat[head],
        "no candidate site reaches this road" if hopeless else "no station opened here",
    )  # fmt: skip


def _stations(instance: Instance, driven: DrivenTrips, open_site_idx: IntArray) -> pd.DataFrame:
    roads, scenario = driven.inputs.roads, instance.scenario
    node = roads.node_of_site[open_site_idx]
    swaps, trips = station_use(driven)
    peak = scenario.corridors.holiday_factor * scenario.demand.peak_hour_frac
    station = corridor_type(instance).iloc[0]
    table = pd.DataFrame(
        {
            "corridor_station_id": [roads.site_id[site] for site in open_site_idx.tolist()],
            "lon": roads.network.lon[node],
            "lat": roads.network.lat[node],
            "site_status": [roads.site_status[site] for site in open_site_idx.tolist()],
            "near_city_id": instance.cities["city_id"].to_numpy()[roads.city_idx[open_site_idx]],
            "station_type_id": station["station_type_id"],
            "capex_cny": roads.cost[open_site_idx],
            "winter_swaps_per_day": swaps[0, open_site_idx],
            "summer_swaps_per_day": swaps[1, open_site_idx],
            "winter_trips_per_day": trips[0, open_site_idx],
            "summer_trips_per_day": trips[1, open_site_idx],
            "holiday_swaps_per_hour": swaps[0, open_site_idx] * peak,
            "capacity_per_hour": roads.capacity[open_site_idx],
        }
    )
    return table.sort_values(
        ["winter_swaps_per_day", "corridor_station_id"], ascending=[False, True], ignore_index=True
    )


def _station_packs(driven: DrivenTrips) -> pd.DataFrame:
    labels, roads, legs = driven.inputs.labels, driven.inputs.roads, driven.legs
    at = np.flatnonzero(legs.at_station & (driven.leg_trips > 0))
    path = driven.leg_of_path[at]
    site = roads.site_of_node[legs.to_node[at]]
    rows = pd.DataFrame(
        {
            "season": np.array(SEASONS)[labels.season_idx[path]],
            "corridor_station_id": np.array(roads.site_id, dtype=object)[site],
            "profile": labels.profile_idx[path],
            "swaps_per_day": driven.leg_trips[at],
        }
    ).join(roads.energy.profiles[["vehicle_id", "pack_id"]], on="profile")
    key = ["season", "corridor_station_id", "vehicle_id", "pack_id"]
    return rows.groupby(key, sort=True)["swaps_per_day"].sum().reset_index()


def _summary(driven: DrivenTrips) -> pd.DataFrame:
    inputs = driven.inputs
    labels, problem = inputs.labels, inputs.problem
    first = _first_paths(inputs)
    alone, at_most = (
        np.bincount(problem.flow_idx, drivable_paths(problem, is_open)) > 0
        for is_open in (problem.rules.forbidden & False, ~problem.rules.forbidden)
    )
    chemistry = inputs.roads.energy.profiles["chemistry"].to_numpy()[labels.profile_idx]
    rows = []
    for season, name in enumerate(SEASONS):
        for kind in [*sorted(set(chemistry)), "all"]:
            chosen = (labels.season_idx == season) & ((chemistry == kind) | (kind == "all"))
            begun = labels.vehicles_per_day * (chosen * first)
            total = math.fsum(begun)
            refuelled = math.fsum(labels.vehicles_per_day * chosen * driven.driven_frac)
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
