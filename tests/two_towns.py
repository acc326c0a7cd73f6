"""The tutorial's town twice, with a road between that no pack lasts for."""

from dataclasses import replace

import pandas as pd

from planner.instance import Instance

APART_KM = 500.0
EAST_DEGREES = APART_KM / 77.6  # at the towns' latitude


def two_towns(tutorial: Instance, *, num_stations: int = 4, **corridors: object) -> Instance:
    """Town and its copy in the east; ids of the copy end in ``_e``."""
    scenario = tutorial.scenario
    scenario = scenario.model_copy(
        update={
            "siting": scenario.siting.model_copy(update={"num_stations": num_stations}),
            "corridors": scenario.corridors.model_copy(update=corridors),
        }
    )
    nodes, roads = tutorial.road_nodes, tutorial.roads
    shift = int(nodes["node_id"].max())
    east_nodes = nodes.assign(node_id=nodes["node_id"] + shift, lon=nodes["lon"] + EAST_DEGREES)
    east_roads = roads.assign(
        from_node=roads["from_node"] + shift, to_node=roads["to_node"] + shift
    )
    between = pd.DataFrame(
        {"from_node": [4], "to_node": [4 + shift], "length_km": [APART_KM], "speed_kmh": [100.0]}
    )

    def twice(table: pd.DataFrame, *ids: str, lon: bool = True) -> pd.DataFrame:
        east = table.assign(**{name: table[name] + "_e" for name in ids})
        if lon:
            east["lon"] = east["lon"] + EAST_DEGREES
        return pd.concat([table, east], ignore_index=True)

    return replace(
        tutorial,
        scenario=scenario,
        cities=twice(tutorial.cities, "city_id"),
        zones=twice(tutorial.zones, "city_id", "zone_id"),
        sites=twice(tutorial.sites, "city_id", "site_id"),
        climate=twice(tutorial.climate, "city_id", lon=False),
        road_nodes=pd.concat([nodes, east_nodes], ignore_index=True),
        roads=pd.concat([roads, east_roads, between], ignore_index=True),
    )
