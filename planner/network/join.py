"""Where demand zones and sites join the road network, and the parts that it falls into."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.spatial import KDTree

from planner.geodesy import chord_to_arc_km, to_sphere_km
from planner.instance import Instance
from planner.instance.tables import SHUT
from planner.limits import widened
from planner.network.graph import FloatArray, IndexArray, RoadGraph
from planner.units import MINUTES_PER_HOUR

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Access:
    """Where places join the road network.

    Attributes
    ----------
    point_idx : ndarray, shape (num_places,)
        A road point, -1 if none lies within the scenario's ``max_access_km``.
    access_min : ndarray, shape (num_places,)
        Time between the place and that point [min]; inf if there is none.
    passes_over : ndarray, shape (num_places,)
        Whether a nearer road was passed over because it leads nowhere.
    leads_on : ndarray, shape (num_places,)
        Of a zone: whether roads lead from there to some site that may open. Of a site: whether
        roads lead there from some zone.
    """

    point_idx: IndexArray
    access_min: FloatArray
    passes_over: BoolArray
    leads_on: BoolArray


def join_places(graph: RoadGraph, instance: Instance) -> tuple[Access, Access]:
    """Join sites and zones to roads between them.

    Each place joins the nearest road point within ``max_access_km``. A site that no road leads to
    from any zone joins the nearest point where one does, if there is one within
    ``max_access_km``. Then, likewise, a zone from whose point no road leads to any site that may
    open (a stray road, a part of the network without a site, a one-way street out of the map)
    joins the nearest point that leads to one.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    instance : Instance
        Sites and zones; the scenario's access speed, detour and limit.

    Returns
    -------
    sites, zones : Access
        Access time = straight distance x (1 + detour) / access speed.
    """
    sites, zones = instance.sites, instance.zones
    limit_km = widened(instance.scenario.network.max_access_km)
    points = KDTree(to_sphere_km(graph.lon, graph.lat))
    site_point, site_km = _nearest(points, sites, limit_km)
    zone_point, zone_km = _nearest(points, zones, limit_km)
    from_zone = _led_to(_incoming(graph).T.tocsr(), zone_point[zone_point >= 0])
    joined_sites = _access(graph, sites, instance, site_point, site_km, from_zone)
    to_site = points_that_lead_on(graph, instance, joined_sites)
    return joined_sites, _access(graph, zones, instance, zone_point, zone_km, to_site)


def points_that_lead_on(graph: RoadGraph, instance: Instance, sites: Access) -> BoolArray:
    """Points from which roads lead to some site that may open: those that zones join.

    Parameters
    ----------
    graph : RoadGraph
    instance : Instance
    sites : Access
        From `join_places`.

    Returns
    -------
    ndarray, shape (num_points,)
    """
    may_open = ~instance.sites["status"].isin(SHUT).to_numpy() & (sites.point_idx >= 0)
    return _led_to(_incoming(graph), sites.point_idx[may_open])


def _incoming(graph: RoadGraph) -> csr_array:
    """A row per point, with those that lead to it."""
    return csr_array(
        (np.ones(len(graph.neighbour_idx), dtype=np.int8), graph.neighbour_idx,
         graph.neighbour_ptr),
        shape=(len(graph.lon), len(graph.lon)),
    )  # fmt: skip


def _nearest(
    points: KDTree, places: pd.DataFrame, limit_km: float
) -> tuple[IndexArray, FloatArray]:
    """Nearest point of each place, -1 beyond the limit, and the great circle to it, then 0 [km]."""
    chord_km, found = points.query(
        to_sphere_km(places["lon"].to_numpy(float), places["lat"].to_numpy(float)),
        distance_upper_bound=limit_km,
    )
    is_near = np.isfinite(chord_km)
    point_idx = np.where(is_near, found, -1).astype(np.int32)
    return point_idx, chord_to_arc_km(np.where(is_near, chord_km, 0))


def _led_to(neighbours: csr_array, start: IndexArray) -> BoolArray:
    """Points that are met on the way from some points along the rows of ``neighbours``."""
    num = neighbours.shape[0]
    starts = np.flatnonzero(np.bincount(start, minlength=num))
    from_all = csr_array(
        (
            np.ones(neighbours.nnz + len(starts), dtype=np.int8),
            np.concatenate((neighbours.indices, starts)),
            np.append(neighbours.indptr, neighbours.nnz + len(starts)),
        ),
        shape=(num + 1, num + 1),
    )
    is_met = np.zeros(num + 1, dtype=np.bool_)
    is_met[breadth_first_order(from_all, num, return_predecessors=False)] = True
    return is_met[:num]


def _access(
    graph: RoadGraph,
    places: pd.DataFrame,
    instance: Instance,
    point_idx: IndexArray,
    away_km: FloatArray,
    leads_on: BoolArray,
) -> Access:
    """Access by the nearest points, or by the nearest that lead on where those do not."""
    settings = instance.scenario.network
    astray = np.flatnonzero((point_idx >= 0) & ~leads_on[point_idx])
    point_idx, away_km = point_idx.copy(), away_km.copy()
    passes_over = np.zeros(len(point_idx), dtype=np.bool_)
    leading = np.flatnonzero(leads_on)
    if len(astray) and len(leading):
        points = KDTree(to_sphere_km(graph.lon[leading], graph.lat[leading]))
        found, found_km = _nearest(points, places.iloc[astray], widened(settings.max_access_km))
        moved = astray[found >= 0]
        point_idx[moved], away_km[moved] = leading[found[found >= 0]], found_km[found >= 0]
        passes_over[moved] = True
    is_near = point_idx >= 0
    road_km = away_km * (1 + settings.access_detour_frac)
    access_min = np.where(is_near, MINUTES_PER_HOUR * road_km / settings.access_speed_kmh, np.inf)
    return Access(point_idx, access_min, passes_over, is_near & leads_on[point_idx])


def road_parts(instance: Instance, graph: RoadGraph, sites: Access, zones: Access) -> pd.DataFrame:
    """Parts of the roads between which no road leads, one-way or not.

    Returns
    -------
    DataFrame
        Columns ``length_km``, ``sites``, ``zones`` (how many join it), the longest part first.
    """
    roads = instance.roads
    junction = pd.Index(instance.road_nodes["node_id"])
    start, end = (junction.get_indexer(roads[name]) for name in ("from_node", "to_node"))
    links = coo_array((np.ones(len(roads)), (start, end)), (len(junction), len(junction)))
    count, part = connected_components(links, directed=False)
    of_point = np.concatenate((part, part[start[graph.edge_idx[len(junction) :]]]))
    parts = pd.DataFrame(
        {
            "length_km": np.bincount(part[start], roads["length_km"].to_numpy(float), count),
            **{
                name: np.bincount(
                    of_point[access.point_idx[access.point_idx >= 0]], minlength=count
                )
                for name, access in (("sites", sites), ("zones", zones))
            },
        }
    )
    return parts.sort_values("length_km", ascending=False, kind="stable", ignore_index=True)
