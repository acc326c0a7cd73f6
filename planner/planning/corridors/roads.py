"""What all corridor plans of an instance share: roads, ways between cities, energy, sites."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import Fault, InputError
from planner.geodesy import chord_to_arc_km, to_sphere_km
from planner.instance import Instance
from planner.instance.check_across import check_corridor_type
from planner.limits import within
from planner.network.intercity import (
    IntercityNetwork,
    TripPaths,
    build_intercity_network,
    find_trip_paths,
    gather_nodes,
)
from planner.physics.climate import CityClimate
from planner.physics.fleet import FleetOperation
from planner.planning.corridors.problem import RoadEnergy, road_energy
from planner.planning.service import road_capacity
from planner.planning.siting.standing import station_types_by_size


@dataclass(frozen=True)
class CorridorRoads:
    """Where corridor stations may stand, whatever stations and packs the cities have.

    Attributes
    ----------
    network, paths, energy : IntercityNetwork, TripPaths, RoadEnergy
        Profiles of the energy are all fitting packs of the vehicle classes that travel.
    site_of_node : int array, shape (num_nodes,)
        Candidate site that serves the node, -1 where no trip passes.
    node_of_site : int array, shape (num_sites,)
        Node at which each site stands.
    site_id : tuple of str
        That of the table `corridor_sites`, otherwise made from the place.
    site_status : tuple of str
        That of the table, otherwise "candidate".
    city_idx : int array, shape (num_sites,)
        Nearest city, whose climate and mix of packs the station is planned for.
    forced, forbidden : bool arrays, shape (num_sites,)
        Existing or committed stations, and sites that may not be used.
    capacity : float array, shape (num_sites,)
        Swaps an hour of the corridor stations' type on the winter design day
        (`planner.planning.service.road_capacity`) [1/h].
    cost : float array, shape (num_sites,)
        Capex of that type and the plot [CNY].
    left_out : DataFrame
        Rows of `corridor_sites` that no site stands for: ``corridor_site_id, why``.
    """

    network: IntercityNetwork
    paths: TripPaths
    energy: RoadEnergy
    site_of_node: IntArray
    node_of_site: IntArray
    site_id: tuple[str, ...]
    site_status: tuple[str, ...]
    city_idx: IntArray
    forced: BoolArray
    forbidden: BoolArray
    capacity: FloatArray
    cost: FloatArray
    left_out: pd.DataFrame


def travelling_profiles(instance: Instance) -> pd.DataFrame:
    """Vehicle classes that drive between cities, each with the packs that fit: both ids."""
    travel = instance.scenario.corridors.segments
    classes = instance.vehicles[instance.vehicles["segment"].isin(travel)]
    fitting = classes[["vehicle_id", "envelope"]].merge(
        instance.packs[["pack_id", "envelope"]], on="envelope"
    )
    return fitting[["vehicle_id", "pack_id"]]


def prepare_roads(instance: Instance, fleet: FleetOperation, climate: CityClimate) -> CorridorRoads:
    """Find the ways between cities and the candidate sites along them.

    Parameters
    ----------
    instance : Instance
        Roads, cities, vehicles, packs, curves, stations, corridor sites and the scenario.
    fleet, climate : FleetOperation, CityClimate
        Of the instance.

    Returns
    -------
    CorridorRoads

    Raises
    ------
    InputError
        If an existing station stands beside no road between cities.
    """
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
    energy = road_energy(instance, climate, network, travelling_profiles(instance))
    site_of_node, node_of_site, stated, left_out = _candidate_sites(instance, network, paths)
    names = [
        str(instance.corridor_sites["corridor_site_id"].iloc[row]) if row >= 0 else _place_id(
            network.lon[node], network.lat[node]
        )
        for node, row in zip(node_of_site.tolist(), stated.tolist(), strict=True)
    ]  # fmt: skip
    status = instance.corridor_sites["status"].to_numpy(object)
    status = np.where(stated >= 0, status[stated] if len(status) else "candidate", "candidate")
    plot = np.zeros(len(stated))
    if "site_cost_cny" in instance.corridor_sites.columns:
        costs = instance.corridor_sites["site_cost_cny"].to_numpy(float)
        plot[stated >= 0] = costs[stated[stated >= 0]]
    city_idx = _nearest_city(instance, network, node_of_site)
    return CorridorRoads(
        network=network,
        paths=paths,
        energy=energy,
        site_of_node=site_of_node,
        node_of_site=node_of_site,
        site_id=tuple(names),
        site_status=tuple(status.tolist()),
        city_idx=city_idx,
        forced=np.isin(status, ("existing", "committed")),
        forbidden=status == "forbidden",
        capacity=_capacity(instance, fleet, energy, city_idx),
        # What stands is paid for.
        cost=np.where(
            status == "existing", 0.0, plot + float(corridor_type(instance)["capex_cny"].iloc[0])
        ),
        left_out=left_out,
    )


def corridor_type(instance: Instance) -> pd.DataFrame:
    """The station type of all corridor stations, as a table of one row.

    The one that the scenario states, otherwise that with most bays on offer.

    Raises
    ------
    InputError
        If the stated type is not in the table.
    """
    types, stated = station_types_by_size(instance), instance.scenario.corridors.station_type
    if stated is None:
        offered = types[types["offered"].astype(bool)] if "offered" in types.columns else types
        return (offered if len(offered) else types).iloc[[-1]]
    faults = check_corridor_type(types, stated)
    if faults:
        raise InputError(faults, source=str(instance.folder))
    return types[types["station_type_id"] == stated]


def _place_id(lon: float, lat: float) -> str:
    """By place, so that a site keeps its name from plan to plan."""
    return f"R{lat:+07.3f}{lon:+08.3f}"


def _candidate_sites(
    instance: Instance, network: IntercityNetwork, paths: TripPaths
) -> tuple[IntArray, IntArray, IntArray, pd.DataFrame]:
    """Sites that together serve every node on a trip: the stated ones first, then the busiest.

    Returns site of each node, node of each site, its row in the table of stated sites or -1, and
    the rows that no site stands for.
    """
    within_km = instance.scenario.corridors.station_access_km
    num_passing = np.bincount(paths.node_idx, minlength=len(network.lon)).astype(float)
    passed = np.flatnonzero(num_passing > 0)
    rank = num_passing[passed]
    row_at, left_out = _nodes_of_stated(instance, network, passed)
    rank[list(row_at)] = np.inf
    leader = gather_nodes(network.lon[passed], network.lat[passed], rank, within_km)
    for node in row_at:  # a stated site is its own, however near another one stands
        leader[node] = node
    leads, site = np.unique(leader, return_inverse=True)
    site_of_node = np.full(len(network.lon), -1, dtype=np.int64)
    site_of_node[passed] = site
    stated = np.array([row_at.get(int(node), -1) for node in leads], dtype=np.int64)
    return site_of_node, passed[leads], stated, left_out


def _nodes_of_stated(
    instance: Instance, network: IntercityNetwork, passed: IntArray
) -> tuple[dict[int, int], pd.DataFrame]:
    """Row of `corridor_sites` at each node (position among those passed), and rows left out."""
    table = instance.corridor_sites.reset_index(drop=True)
    left_out, row_at = list[tuple[str, str]](), dict[int, int]()
    columns = ["corridor_site_id", "why"]
    if table.empty:
        return row_at, pd.DataFrame(left_out, columns=columns)
    settings = instance.scenario.corridors
    farthest_km = settings.site_spacing_km / 2 + settings.station_access_km
    tree = KDTree(to_sphere_km(network.lon[passed], network.lat[passed]))
    chord_km, nearest = tree.query(to_sphere_km(table["lon"], table["lat"]))
    away_km, nearest = np.atleast_1d(chord_to_arc_km(chord_km)), np.atleast_1d(nearest)
    locked = table["status"].isin(["existing", "committed"]).to_numpy()
    faults = []
    for row in np.argsort(~locked, kind="stable").tolist():
        name, node = str(table["corridor_site_id"].iloc[row]), int(nearest[row])
        if not within(float(away_km[row]), farthest_km):
            why = f"{away_km[row]:.0f} km from the next road between cities"
            left_out.append((name, why))
            if locked[row]:
                remedy = f"{why}; correct the place or remove the row"
                faults.append(Fault("corridor_sites", row + 1, "lon, lat", name, remedy))
        elif node in row_at:
            other = table["corridor_site_id"].iloc[row_at[node]]
            left_out.append((name, f"one with {other}, at the same point of the road"))
        else:
            row_at[node] = row
    if faults:
        raise InputError(faults, source=str(instance.folder))
    return row_at, pd.DataFrame(left_out, columns=columns)


def _nearest_city(instance: Instance, network: IntercityNetwork, nodes: IntArray) -> IntArray:
    cities = instance.cities
    tree = KDTree(to_sphere_km(cities["lon"], cities["lat"]))
    places = to_sphere_km(network.lon[nodes], network.lat[nodes])
    return np.asarray(tree.query(places)[1], dtype=np.int64).reshape(len(nodes))


def _capacity(
    instance: Instance, fleet: FleetOperation, energy: RoadEnergy, city_idx: IntArray
) -> FloatArray:
    """Swaps an hour of the corridor stations' type in the climate of each site's city [1/h]."""
    vehicle = pd.Index(instance.vehicles["vehicle_id"]).get_indexer(energy.profiles["vehicle_id"])
    pack = pd.Index(instance.packs["pack_id"]).get_indexer(energy.profiles["pack_id"])
    travels = np.zeros((len(instance.vehicles), len(instance.packs)), dtype=np.bool_)
    travels[vehicle, pack] = True
    kind = corridor_type(instance)["station_type_id"].iloc[0]
    return road_capacity(instance, fleet, travels, str(kind))[city_idx]
