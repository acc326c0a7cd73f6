"""Sites near each zone in ascending order of distance, as far out as a search needs them.

A list may end early. Whatever is not listed is at least ``beyond`` away, so that relaxations in
which a zone may always be served at that distance are valid, and no full matrix is ever held.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from planner.geodesy import chord_to_arc_km
from planner.problem import FloatArray, IndexArray, IntArray, PairDistances, PointDistances

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
    zone_ptr, site, distance : arrays
        Sites of each zone, nearest first.
    beyond : float array, shape (num_zones,)
        No site that is not listed is nearer than this; for complete lists what an unserved zone
        counts, or more than any distance.
    site_ptr, zone, zone_distance : arrays
        The pairs of each site.
    """

    zone_ptr: IntArray
    site: IndexArray
    distance: FloatArray
    beyond: FloatArray
    site_ptr: IntArray
    zone: IndexArray
    zone_distance: FloatArray

    @property
    def num_zones(self) -> int:
        """Number of zones."""
        return len(self.beyond)

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return len(self.site_ptr) - 1


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
    return NearSites(
        zone_ptr, site, distance, beyond, *_by_site(zone_ptr, site, distance, num_sites)
    )


def restrict(near: NearSites, keep: IntArray, cap: FloatArray) -> NearSites:
    """Keep some sites, renumbered in their order, and of each list what is nearer than ``cap``.

    Valid where no plan of interest opens another site, or serves a zone farther away than ``cap``.
    """
    number = np.full(near.num_sites, -1, dtype=np.int32)
    number[keep] = np.arange(len(keep), dtype=np.int32)
    zone = np.repeat(np.arange(near.num_zones), np.diff(near.zone_ptr))
    kept = (number[near.site] >= 0) & (near.distance < cap[zone])
    zone_ptr = np.zeros(near.num_zones + 1, dtype=np.int64)
    np.cumsum(np.bincount(zone[kept], minlength=near.num_zones), out=zone_ptr[1:])
    beyond = np.minimum(near.beyond, cap)
    return _index(zone_ptr, number[near.site[kept]], near.distance[kept], beyond, len(keep))


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
        zone = np.repeat(np.arange(distances.num_zones), np.diff(distances.zone_ptr))
        order = np.lexsort((distances.site_idx, distances.distance, zone))
        everything = _index(
            np.asarray(distances.zone_ptr, dtype=np.int64),
            distances.site_idx[order].astype(np.int32), distances.distance[order],
            np.full(distances.num_zones, distances.unserved), distances.num_sites,
        )  # fmt: skip
        if len(sites) == distances.num_sites:
            return everything
        return restrict(everything, sites, np.full(distances.num_zones, np.inf))
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


def nearest_open(
    distances: PairDistances | PointDistances, open_site_idx: IntArray
) -> tuple[IntArray, FloatArray]:
    """Nearest open site of each zone and its distance, computed exactly and independently.

    Returns
    -------
    site_idx : int array, shape (num_zones,)
        -1 for zones that no open site serves.
    distance : float array, shape (num_zones,)

    Raises
    ------
    ValueError
        If nothing is open and distances are between points.
    """
    if isinstance(distances, PairDistances):
        is_open = np.zeros(distances.num_sites, dtype=np.bool_)
        is_open[open_site_idx] = True
        zone = np.repeat(np.arange(distances.num_zones), np.diff(distances.zone_ptr))
        usable = np.flatnonzero(is_open[distances.site_idx])
        order = usable[
            np.lexsort((distances.site_idx[usable], distances.distance[usable], zone[usable]))
        ]
        served, first = np.unique(zone[order], return_index=True)
        site = np.full(distances.num_zones, -1, dtype=np.int64)
        distance = np.full(distances.num_zones, distances.unserved)
        site[served] = distances.site_idx[order[first]]
        distance[served] = distances.distance[order[first]]
        return site, distance
    if len(open_site_idx) == 0:
        raise ValueError("no site is open")
    nearest = cKDTree(distances.site_xyz[open_site_idx]).query(distances.zone_xyz)[1]
    site = np.asarray(open_site_idx, dtype=np.int64)[nearest]
    return site, pair_distance(distances, np.arange(distances.num_zones), site)
