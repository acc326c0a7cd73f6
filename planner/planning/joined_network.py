"""Who reaches whom in an instance, by its roads or by its stated times, and the audit of that."""

from functools import cache as remembered
from typing import NamedTuple

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray
from planner.instance import Instance
from planner.instance.settings.network import HOURS, Hour
from planner.instance.tables import SHUT
from planner.network import (
    Access,
    LocalStreets,
    Reach,
    RoadGraph,
    audit_drive_times,
    audit_nearest,
    audit_stated_nearest,
    audit_stated_times,
    build_road_graph,
    drive_areas,
    drive_time_reach,
    has_travel_times,
    is_one_way,
    join_places,
    nearest_other_station,
    points_that_lead_on,
    road_parts,
    stated_min_per_km,
    stated_next_station,
    stated_reach,
)
from planner.planning.array_cache import ArrayCache, content_key
from planner.plans import AuditedTimes, Plan
from planner.plans.labels import positions_of
from planner.plans.question import judge_of
from planner.plans.station_costs import least_cost_cny
from planner.units import MINUTES_PER_HOUR


class JoinedNetwork(NamedTuple):
    """Roads, and where the instance's sites and zones join them."""

    graph: RoadGraph
    sites: Access
    zones: Access


def join_network(instance: Instance, cache: ArrayCache | None = None) -> JoinedNetwork | None:
    """Build the road graph and join sites and zones to it.

    Parameters
    ----------
    instance : Instance
    cache : ArrayCache, optional
        Has them if another scenario had the same roads, sites and zones.

    Returns
    -------
    JoinedNetwork or None
        None if the instance states its drive times.
    """
    if has_travel_times(instance):
        return None
    if cache is None:
        graph = build_road_graph(instance)
        return JoinedNetwork(graph, *join_places(graph, instance))
    graph = cache.once(RoadGraph, _road_key(instance), lambda: build_road_graph(instance))
    key, joined = _place_key(instance), remembered(lambda: join_places(graph, instance))
    return JoinedNetwork(
        graph,
        cache.once(Access, content_key(key, "sites"), lambda: joined()[0]),
        cache.once(Access, content_key(key, "zones"), lambda: joined()[1]),
    )


def reach_on_network(
    instance: Instance, cache: ArrayCache | None = None
) -> tuple[JoinedNetwork | None, Reach]:
    """Join sites and zones to the roads, and find who reaches whom within the standard.

    Parameters
    ----------
    instance, cache
        As of `join_network`.
    """
    network, minutes = join_network(instance, cache), instance.scenario.siting.drive_time_min
    if network is None:
        return None, stated_reach(instance)
    if cache is None:
        return network, drive_time_reach(*network, minutes)
    key = content_key(_place_key(instance), minutes)
    return network, cache.once(Reach, key, lambda: drive_time_reach(*network, minutes))


def _road_key(instance: Instance) -> str:
    return content_key(
        instance.road_nodes[["node_id", "lon", "lat"]],
        instance.roads[["from_node", "to_node", "length_km", "speed_kmh"]],
        is_one_way(instance.roads).tobytes(),
        instance.scenario.network.speed_frac(),
    )


def _place_key(instance: Instance) -> str:
    return content_key(
        _road_key(instance),
        instance.scenario.network,
        instance.sites[["lon", "lat", "status"]],
        instance.zones[["lon", "lat"]],
    )


def audit(instance: Instance, network: JoinedNetwork | None, plan: Plan) -> AuditedTimes:
    """Drive times that the plan relies on, by other code than its own."""
    judge = judge_of(instance.scenario.siting.objective)
    num_stations, num_sites = judge.num_nearest(instance.scenario)
    site_ids, num_rows = instance.sites["site_id"], len(plan.allocation)
    minutes = audit_pairs(instance, network, *_pairs_of(instance, plan))
    is_open = site_ids.isin(plan.stations["site_id"])
    may_open = ~instance.sites["status"].isin(SHUT) & np.isfinite(least_cost_cny(instance))
    if network is None:
        nearest_stated = audit_stated_nearest(instance, site_ids[is_open], 1)[:, 0]
        return AuditedTimes(
            allocation_min=minutes[:num_rows],
            phase_min=minutes[num_rows:],
            station_min=audit_stated_nearest(instance, site_ids[is_open], num_stations),
            site_min=audit_stated_nearest(instance, site_ids[may_open], num_sites),
            hour_min=dict.fromkeys(HOURS, nearest_stated),
        )
    graph, sites, zones = network

    def nearest(site_idx: np.ndarray, number: int, hour: Hour | None = None) -> np.ndarray:
        return audit_nearest(instance, graph, sites, zones, site_idx, number, hour)

    station_min = nearest(np.flatnonzero(is_open), num_stations)
    planned = instance.scenario.network.planning_hour
    return AuditedTimes(
        allocation_min=minutes[:num_rows],
        phase_min=minutes[num_rows:],
        station_min=station_min,
        site_min=nearest(np.flatnonzero(may_open), num_sites),
        hour_min={
            hour: station_min[:, 0]
            if hour == planned
            else nearest(np.flatnonzero(is_open), 1, hour)[:, 0]
            for hour in HOURS
        },
    )


def _pairs_of(instance: Instance, plan: Plan) -> tuple[IntArray, IntArray]:
    """Site and zone of each row of the allocation, and behind them of each period before."""
    tables = (plan.allocation, plan.phase_allocation)
    site_idx, zone_idx = (
        np.concatenate([positions_of(table[name], known) for table in tables])
        for name, known in (
            ("site_id", instance.sites["site_id"]), ("zone_id", instance.zones["zone_id"])
        )
    )  # fmt: skip
    return site_idx, zone_idx


def audit_pairs(
    instance: Instance, network: JoinedNetwork | None, site_idx: IntArray, zone_idx: IntArray
) -> FloatArray:
    """Drive times of pairs of site and zone [min], by other code than reach's; each asked once.

    Parameters
    ----------
    instance : Instance
    network : JoinedNetwork or None
    site_idx, zone_idx : int arrays, shape (num_pairs,)
        Rows of the instance's tables; a pair may stand more than once.

    Returns
    -------
    ndarray, shape (num_pairs,)
    """
    num_zones = len(instance.zones)
    key, of_pair = np.unique(site_idx * num_zones + zone_idx, return_inverse=True)
    site, zone = np.divmod(key, num_zones)
    if network is None:
        labels = pd.DataFrame(
            {
                "site_id": instance.sites["site_id"].to_numpy()[site],
                "zone_id": instance.zones["zone_id"].to_numpy()[zone],
            }
        )
        return audit_stated_times(instance, labels)[of_pair]
    pairs = pd.DataFrame({"site_idx": site, "zone_idx": zone})
    return np.asarray(audit_drive_times(instance, *network, pairs)[of_pair])


def next_stations(
    instance: Instance, network: JoinedNetwork | None, stations: pd.DataFrame
) -> pd.DataFrame:
    """The station that a driver goes on to: the nearest other open one of the city.

    Parameters
    ----------
    instance : Instance
    network : JoinedNetwork or None
        From `join_network`.
    stations : DataFrame
        Open stations: ``site_id, city_id``.

    Returns
    -------
    DataFrame
        ``station_id, next_station_id, next_min``, the last two missing where there is none.
    """
    names = stations["site_id"].reset_index(drop=True)
    city_idx = pd.factorize(stations["city_id"])[0].astype(np.int64)
    if network is None:
        found = stated_next_station(instance, names, city_idx)
    else:
        joined = _joined_stations(instance, network, names)
        found = nearest_other_station(network.graph, joined, city_idx)
    has_next = found.idx >= 0
    return pd.DataFrame(
        {
            "station_id": names,
            "next_station_id": names.iloc[found.idx].where(has_next).to_numpy(object),
            "next_min": np.where(has_next, found.minutes, np.nan),
        }
    ).astype({"next_station_id": "str"})


def areas_of_stations(
    instance: Instance, network: JoinedNetwork | None, stations: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """The table ``drive_areas``: from where each station is reached within some minutes.

    Parameters
    ----------
    instance : Instance
        Its scenario has the minutes.
    network : JoinedNetwork or None
        From `join_network`.
    stations : DataFrame
        Open stations: ``site_id, lon, lat``.

    Returns
    -------
    dict of str to DataFrame
        ``site_id, minutes, geometry``, sorted, the shapes as of `planner.network.drive_areas`;
        nothing where drive times are stated or no minutes are asked for.
    """
    settings = instance.scenario.network
    minutes = settings.drive_area_min
    if network is None or not minutes or stations.empty:
        return {}
    stations = stations.sort_values("site_id")
    shapes = drive_areas(
        network.graph,
        _joined_stations(instance, network, stations["site_id"]),
        stations[["lon", "lat"]].to_numpy(float),
        points_that_lead_on(network.graph, instance, network.sites),
        LocalStreets(
            MINUTES_PER_HOUR * (1 + settings.access_detour_frac) / settings.access_speed_kmh,
            settings.max_access_km,
        ),
        minutes,
    )
    table = pd.DataFrame(
        {
            "site_id": np.repeat(stations["site_id"].to_numpy(), len(minutes)),
            "minutes": np.tile(minutes, len(stations)),
            "geometry": shapes.ravel(),
        }
    )
    return {"drive_areas": table.dropna(subset="geometry", ignore_index=True)}


def _joined_stations(
    instance: Instance, network: JoinedNetwork, site_ids: "pd.Series[str]"
) -> Access:
    """Where some of the sites join the roads."""
    site_idx = pd.Index(instance.sites["site_id"]).get_indexer(site_ids)
    return Access(*(values[site_idx] for values in vars(network.sites).values()))


def is_connected(instance: Instance, network: JoinedNetwork | None) -> np.ndarray:
    """Whether each site joins a road; all do if drive times are stated."""
    if network is None:
        return np.ones(len(instance.sites), dtype=np.bool_)
    return np.asarray(network.sites.point_idx >= 0)


def network_assumptions(instance: Instance, network: JoinedNetwork | None) -> list[dict[str, str]]:
    """What is left out of reach and why, as rows of the assumptions."""
    if network is None:
        return _stated_assumptions(instance)
    left_out = "left out of every reach"
    sites, zones = network.sites, network.zones
    rows = [
        _row("sites farther than max_access_km from any road", f"{(sites.point_idx < 0).sum()}",
             "INF", left_out),
        _row("zones farther than max_access_km from any road", f"{(zones.point_idx < 0).sum()}",
             "INF", left_out),
    ]  # fmt: skip
    one_way = is_one_way(instance.roads)
    if one_way.any():
        length_km = instance.roads["length_km"].to_numpy(float)
        rows.append(
            _row("one-way roads", f"{length_km[one_way].sum() / length_km.sum():.1%} of the length",
                 "INF", "driven in their direction only; the drive that counts is from zone to "
                 "station, the way back is not looked at")
        )  # fmt: skip
    parts = road_parts(instance, *network)
    if len(parts) > 1:
        rows.append(
            _row("roads in parts that do not meet", _describe_parts(parts), "M",
                 "no road leads from one to another; if one should, join them in the roads")
        )  # fmt: skip
    for name, ids, access, led in (
        ("sites", instance.sites["site_id"], sites, "no zone's roads lead to it"),
        ("zones", instance.zones["zone_id"], zones, "it leads to no site"),
    ):
        if access.passes_over.any():
            rows.append(
                _row(f"{name} that pass over their nearest road", _ids(ids[access.passes_over]),
                     "INF", f"{led}; they join the nearest road where that is otherwise")
            )  # fmt: skip
    astray = instance.zones["zone_id"][(zones.point_idx >= 0) & ~zones.leads_on]
    if len(astray):
        why = f"{left_out}: their part of the roads has no site that may open"
        rows.append(_row("zones from which no road leads to a site", _ids(astray), "INF", why))
    return rows


_MOST_SHOWN = 5


def _stated_assumptions(instance: Instance) -> list[dict[str, str]]:
    table = instance.travel_times
    rows = [
        _row("drive times", f"{len(table):,} pairs of the table travel_times", "INF",
             "taken as stated, at every hour, in place of a search on roads; pairs without a row "
             "are not reached"),
        _row("drives from a station to the next",
             f"{stated_min_per_km(instance):.2f} min/km of great circle", "INF",
             "mean of the table travel_times, which states no drive between sites"),
    ]  # fmt: skip
    for name, key in (("sites", "site_id"), ("zones", "zone_id")):
        ids = getattr(instance, name)[key]
        named = np.zeros(len(ids), dtype=np.bool_)
        named[positions_of(table[key], ids)] = True
        missing = ids[~named]
        if len(missing):
            rows.append(
                _row(f"{name} without a row in travel_times", _ids(missing), "INF",
                     "left out of every reach")
            )  # fmt: skip
    return rows


def _describe_parts(parts: pd.DataFrame) -> str:
    total_km = max(float(parts["length_km"].sum()), 1e-9)
    shown = [
        f"{length_km:,.6g} km ({length_km / total_km:.1%}) with {zones} zones and {sites} sites"
        for length_km, zones, sites in zip(
            parts["length_km"].round(3), parts["zones"], parts["sites"], strict=True
        )
    ][:_MOST_SHOWN]
    rest = parts[_MOST_SHOWN:]
    if len(rest):
        shown.append(
            f"{len(rest)} more of {rest['length_km'].sum():,.6g} km with {rest['zones'].sum()} "
            f"zones and {rest['sites'].sum()} sites"
        )
    return f"{len(parts)}: {'; '.join(shown)}"


def _ids(ids: "pd.Series[str]") -> str:
    more = f" and {len(ids) - _MOST_SHOWN} more" if len(ids) > _MOST_SHOWN else ""
    return f"{len(ids)}: {', '.join(ids[:_MOST_SHOWN])}{more}"


def _row(item: str, value: str, mark: str, source: str) -> dict[str, str]:
    return {"item": item, "value": value, "mark": mark, "source": source}
