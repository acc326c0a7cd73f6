"""The road network of an instance: where sites and zones join it, who reaches whom, the audit."""

from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from planner.instance import Instance
from planner.network import (
    Access,
    Reach,
    RoadGraph,
    attach,
    audit_drive_times,
    audit_nearest,
    build_road_graph,
    drive_time_reach,
)
from planner.planning.array_cache import ArrayCache, content_key
from planner.plans import AuditedTimes, Plan
from planner.plans.question import judge_of
from planner.plans.station_costs import least_cost_cny


class JoinedNetwork(NamedTuple):
    """Roads, and where the instance's sites and zones join them."""

    graph: RoadGraph
    sites: Access
    zones: Access


def join_network(instance: Instance) -> JoinedNetwork:
    """Build the road graph and join sites and zones to it."""
    graph = build_road_graph(instance)
    sites, zones = (
        attach(graph, table["lon"].to_numpy(float), table["lat"].to_numpy(float), instance)
        for table in (instance.sites, instance.zones)
    )
    return JoinedNetwork(graph, sites, zones)


def reach_on_network(
    instance: Instance, cache: ArrayCache | None = None
) -> tuple[JoinedNetwork, Reach]:
    """Join sites and zones to the roads, and find who reaches whom within the standard.

    Parameters
    ----------
    instance : Instance
    cache : ArrayCache, optional
        Has them if another scenario had the same roads, sites and zones.
    """
    minutes = instance.scenario.siting.drive_time_min
    if cache is None:
        network = join_network(instance)
        return network, drive_time_reach(*network, minutes)
    roads = content_key(
        instance.road_nodes[["node_id", "lon", "lat"]],
        instance.roads[["from_node", "to_node", "length_km", "speed_kmh"]],
    )
    graph = cache.once(RoadGraph, roads, lambda: build_road_graph(instance))
    keys, joined = [], []
    for table in (instance.sites, instance.zones):
        lon, lat = table["lon"].to_numpy(float), table["lat"].to_numpy(float)
        keys.append(content_key(roads, instance.scenario.network, table[["lon", "lat"]]))
        joined.append(cache.once(Access, keys[-1], partial(attach, graph, lon, lat, instance)))
    network = JoinedNetwork(graph, *joined)
    reach = cache.once(
        Reach, content_key(keys, minutes), lambda: drive_time_reach(*network, minutes)
    )
    return network, reach


def audit(instance: Instance, network: JoinedNetwork, plan: Plan) -> AuditedTimes:
    """Drive times that the plan relies on, by other code than its own."""
    graph, sites, zones = network
    pairs = pd.DataFrame(
        {
            "site_idx": pd.Index(instance.sites["site_id"]).get_indexer(plan.allocation["site_id"]),
            "zone_idx": pd.Index(instance.zones["zone_id"]).get_indexer(plan.allocation["zone_id"]),
        }
    )
    judge = judge_of(instance.scenario.siting.objective)
    num_stations, num_sites = judge.num_nearest(instance.scenario)

    def nearest(site_idx: np.ndarray, number: int) -> np.ndarray:
        return audit_nearest(instance, graph, sites, zones, site_idx, number)

    is_open = instance.sites["site_id"].isin(plan.stations["site_id"])
    is_shut = instance.sites["status"].isin(["forbidden", "closing"])
    may_open = ~is_shut & np.isfinite(least_cost_cny(instance))
    return AuditedTimes(
        allocation_min=audit_drive_times(instance, graph, sites, zones, pairs),
        station_min=nearest(np.flatnonzero(is_open), num_stations),
        site_min=nearest(np.flatnonzero(may_open), num_sites),
    )


def without_roads(network: JoinedNetwork) -> dict[str, int]:
    """How many sites and zones join no road, by what an assumption calls them."""
    return {
        "sites farther than max_access_km from any road": int((network.sites.point_idx < 0).sum()),
        "zones farther than max_access_km from any road": int((network.zones.point_idx < 0).sum()),
    }
