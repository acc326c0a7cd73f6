"""Sites near each zone in ascending order of distance, as far out as a search needs them.

A list may end early. Whatever is not listed is at least ``beyond`` away, so that relaxations in
which a zone may always be served at that distance are valid, and no full matrix is ever held.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.geodesy import chord_to_arc_km
from planner.models.p_median.problem import PairDistances, PointDistances

DISTANCES_PER_CHUNK = 4_000_000
"""Distances computed at one time, 32 MB."""
TREE_SHARE = 0.05
"""Shorter lists than this share of the sites come from a tree, longer ones from sorted rows."""
ROUNDING = 1e-12
"""Distances by different formulas may differ by this share."""


class NearSites(NamedTuple):
    """Lists by zone, and the same pairs by site.

    Attributes
    ----------
    sites : Lists, shape (num_zones,)
        Sites of each zone, nearest first.
    distance : float array, shape (num_pairs,)
        Of these pairs.
    beyond : float array, shape (num_zones,)
        No site that is not listed is nearer than this; for complete lists what an unserved zone
        counts, or more than any distance.
    zones : Lists, shape (num_sites,)
        The same pairs by site.
    zone_distance : float array, shape (num_pairs,)
        Of these pairs.
    """

    sites: Lists
    distance: FloatArray
    beyond: FloatArray
    zones: Lists
    zone_distance: FloatArray

    @property
    def num_zones(self) -> int:
        """Number of zones."""
        return len(self.beyond)

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return self.zones.num_lists


def pair_distance(points: PointDistances, zone: IntArray, site: IntArray) -> FloatArray:
    """Distances of pairs of points, shape (num_pairs,)."""
    straight = np.linalg.norm(points.zone_xyz[zone] - points.site_xyz[site], axis=1)
    return _measured(points, straight)


def _measured(points: PointDistances, straight: FloatArray) -> FloatArray:
    distance = chord_to_arc_km(straight) if points.on_sphere else straight
    return np.floor(distance) if points.whole else distance


@numba.njit(cache=True, nogil=True)
def _by_site(
    zone_ptr: IntArray, site: IndexArray, distance: FloatArray, num_sites: int
) -> tuple[IntArray, IndexArray, FloatArray]:
    site_ptr = np.zeros(num_sites + 1, np.int64)
    for arc in range(len(site)):
        site_ptr[site[arc] + 1] += 1
    for number in range(num_sites):
        site_ptr[number + 1] += site_ptr[number]
    filled = site_ptr[:-1].copy()
    zone = np.empty(len(site), np.int32)
    zone_distance = np.empty(len(site))
    for number in range(len(zone_ptr) - 1):
        for arc in range(zone_ptr[number], zone_ptr[number + 1]):
            at = filled[site[arc]]
            zone[at] = number
            zone_distance[at] = distance[arc]
            filled[site[arc]] += 1
    return site_ptr, zone, zone_distance


def _index(
    zone_ptr: IntArray, site: IndexArray, distance: FloatArray, beyond: FloatArray, num_sites: int
) -> NearSites:
    """Add the pairs by site to lists that are sorted by distance."""
    site_ptr, zone, zone_distance = _by_site(zone_ptr, site, distance, num_sites)
    return NearSites(Lists(zone_ptr, site), distance, beyond, Lists(site_ptr, zone), zone_distance)


@numba.njit(cache=True, nogil=True)
def _kept(
    zone_ptr: IntArray, site: IndexArray, distance: FloatArray, number: IndexArray, cap: FloatArray
) -> tuple[IntArray, IndexArray, FloatArray]:
    """Lists without sites whose number is negative, and without what is not nearer than ``cap``."""
    kept_ptr = np.zeros(len(zone_ptr), np.int64)
    for zone in range(len(cap)):
        count = 0
        for arc in range(zone_ptr[zone], zone_ptr[zone + 1]):
            if distance[arc] >= cap[zone]:
                break
            if number[site[arc]] >= 0:
                count += 1
        kept_ptr[zone + 1] = kept_ptr[zone] + count
    kept_site = np.empty(kept_ptr[-1], np.int32)
    kept_distance = np.empty(kept_ptr[-1])
    for zone in range(len(cap)):
        at = kept_ptr[zone]
        for arc in range(zone_ptr[zone], zone_ptr[zone + 1]):
            if at == kept_ptr[zone + 1]:
                break
            if number[site[arc]] >= 0:
                kept_site[at] = number[site[arc]]
                kept_distance[at] = distance[arc]
                at += 1
    return kept_ptr, kept_site, kept_distance


def restrict(near: NearSites, keep: IntArray, cap: FloatArray) -> NearSites:
    """Keep some sites, renumbered in their order, and of each list what is nearer than ``cap``.

    Valid where no plan of interest opens another site, or serves a zone farther away than ``cap``.
    """
    number = np.full(near.num_sites, -1, dtype=np.int32)
    number[keep] = np.arange(len(keep), dtype=np.int32)
    zone_ptr, site, distance = _kept(*near.sites, near.distance, number, cap)
    return _index(zone_ptr, site, distance, np.minimum(near.beyond, cap), len(keep))


@numba.njit(cache=True, nogil=True)
def _sort_lists(
    zone_ptr: IntArray, site: IndexArray, distance: FloatArray
) -> tuple[IndexArray, FloatArray]:
    """Each zone's pairs in ascending order of distance."""
    sorted_site = np.empty(len(site), np.int32)
    sorted_distance = np.empty(len(site))
    for zone in range(len(zone_ptr) - 1):
        first, last = zone_ptr[zone], zone_ptr[zone + 1]
        order = np.argsort(distance[first:last], kind="mergesort")
        for at in range(last - first):
            sorted_site[first + at] = site[first + order[at]]
            sorted_distance[first + at] = distance[first + order[at]]
    return sorted_site, sorted_distance


def near_sites(
    distances: PairDistances | PointDistances, sites: IntArray, length: IntArray
) -> NearSites:
    """Lists of the nearest sites.

    Parameters
    ----------
    distances : PairDistances or PointDistances
    sites : int array
        Sites that may be listed, ascending; positions in this array name them.
    length : int array, shape (num_zones,)
        How many sites to list for each zone, at least 1; pairs are always listed in full.
    """
    if isinstance(distances, PairDistances):
        zone_ptr = np.asarray(distances.sites.ptr, dtype=np.int64)
        site, distance = _sort_lists(zone_ptr, distances.sites.idx, distances.distance)
        unserved = np.full(distances.num_zones, distances.unserved)
        everything = _index(zone_ptr, site, distance, unserved, distances.num_sites)
        if len(sites) == distances.num_sites:
            return everything
        return restrict(everything, sites, np.full(distances.num_zones, np.inf))
    if len(sites) == 0:
        nothing = np.zeros(distances.num_zones + 1, np.int64)
        return _index(nothing, np.empty(0, np.int32), np.empty(0), np.zeros(distances.num_zones), 0)
    length = np.minimum(length, len(sites))
    zone_ptr = np.zeros(distances.num_zones + 1, dtype=np.int64)
    np.cumsum(length, out=zone_ptr[1:])
    site = np.empty(zone_ptr[-1], dtype=np.int32)
    distance = np.empty(zone_ptr[-1])
    beyond = np.empty(distances.num_zones)
    xyz = distances.site_xyz[sites]
    for some in np.unique(length):
        zones = np.flatnonzero(length == some)
        tree = cKDTree(xyz) if some + 1 <= TREE_SHARE * len(sites) else None
        chunk = max(DISTANCES_PER_CHUNK // len(sites), 1)
        for first in range(0, len(zones), chunk):
            part = zones[first : first + chunk]
            if tree is not None:
                found: Any = tree.query(distances.zone_xyz[part], some + 1)
                straight, listed = found
            else:
                straight = cdist(distances.zone_xyz[part], xyz)
                if some < len(sites):
                    listed = np.argpartition(straight, some, axis=1)[:, : some + 1]
                    straight = np.take_along_axis(straight, listed, axis=1)
                    order = np.argsort(straight, axis=1)
                    listed = np.take_along_axis(listed, order, axis=1)
                else:
                    listed = order = np.argsort(straight, axis=1)
                straight = np.take_along_axis(straight, order, axis=1)
            measured = _measured(distances, straight)
            # Where all sites are listed, nothing is beyond: more than any plan would accept.
            beyond[part] = measured[:, some] if some < len(sites) else 2.0 * measured[:, -1] + 1.0
            cells = (zone_ptr[part][:, None] + np.arange(some)).ravel()
            site[cells], distance[cells] = listed[:, :some].ravel(), measured[:, :some].ravel()
    if not distances.whole:
        beyond *= 1.0 - ROUNDING
    return _index(zone_ptr, site, distance, beyond, len(sites))


@numba.njit(cache=True, nogil=True)
def _nearest_pairs(
    zone_ptr: IntArray,
    site_idx: IndexArray,
    distance: FloatArray,
    is_open: BoolArray,
    unserved: float,
) -> tuple[IntArray, FloatArray]:
    num_zones = len(zone_ptr) - 1
    nearest, least = np.full(num_zones, -1), np.full(num_zones, unserved)
    for zone in range(num_zones):
        for pair in range(zone_ptr[zone], zone_ptr[zone + 1]):
            if is_open[site_idx[pair]] and (nearest[zone] < 0 or distance[pair] < least[zone]):
                nearest[zone], least[zone] = site_idx[pair], distance[pair]
    return nearest, least


def nearest_open(
    distances: PairDistances | PointDistances, open_site_idx: IntArray
) -> tuple[IntArray, FloatArray]:
    """Nearest open site of each zone and its distance, computed exactly and independently.

    Returns
    -------
    site_idx : int array, shape (num_zones,)
        -1 for zones that no open site serves.
    distance : float array, shape (num_zones,)
        ``unserved`` for them with pairs, infinite between points.
    """
    if isinstance(distances, PairDistances):
        is_open = np.zeros(distances.num_sites, dtype=np.bool_)
        is_open[open_site_idx] = True
        nearest, least = _nearest_pairs(
            *distances.sites, distances.distance, is_open, distances.unserved
        )
        return nearest, least
    if len(open_site_idx) == 0:
        return np.full(distances.num_zones, -1), np.full(distances.num_zones, np.inf)
    nearest = cKDTree(distances.site_xyz[open_site_idx]).query(distances.zone_xyz)[1]
    site = np.asarray(open_site_idx, dtype=np.int64)[nearest]
    return site, pair_distance(distances, np.arange(distances.num_zones), site)
