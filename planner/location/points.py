"""Points with a declared reference: longitude and latitude on the sphere, or metres in a plane."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from planner.arrays import FloatArray, IndexArray, IntArray
from planner.geodesy import great_circle_km, to_sphere_km
from planner.limits import widened
from planner.units import EARTH_RADIUS_KM, METRES_PER_KM

SITES_PER_CHUNK = 2_000
"""Sites whose neighbours are held as Python lists at one time."""


@dataclass(frozen=True)
class Points:
    """Points that distances can be measured between.

    Attributes
    ----------
    x, y : float arrays, shape (num_points,)
        Longitude and latitude [degrees], or coordinates in a plane [m].
    plane : str
        Name of the metric reference system of a plane; empty on the sphere.
    """

    x: FloatArray
    y: FloatArray
    plane: str

    def __len__(self) -> int:
        return len(self.x)

    def xyz_km(self) -> FloatArray:
        """Coordinates whose straight distances rank like distances between points [km]."""
        if self.plane:
            return np.column_stack((self.x, self.y)) / METRES_PER_KM
        return to_sphere_km(self.x, self.y)


def distance_km(
    points: Points, points_idx: IntArray, others: Points, others_idx: IntArray
) -> FloatArray:
    """Distance between pairs of points: along the great circle, or straight in a plane [km].

    Parameters
    ----------
    points, others : Points
        Both on the sphere or both in the same plane.
    points_idx, others_idx : int arrays, shape (num_pairs,)

    Returns
    -------
    float array, shape (num_pairs,)

    Raises
    ------
    ValueError
        If the points have different references.
    """
    if points.plane != others.plane:
        raise ValueError(f"no distance between {points.plane!r} and {others.plane!r}")
    x, y = points.x[points_idx], points.y[points_idx]
    other_x, other_y = others.x[others_idx], others.y[others_idx]
    if points.plane:
        return np.asarray(np.hypot(x - other_x, y - other_y) / METRES_PER_KM)
    return great_circle_km(x, y, other_x, other_y)


def within_distance(zones: Points, sites: Points, max_km: float) -> tuple[IntArray, IndexArray]:
    """Zones at most a distance away from each site.

    Parameters
    ----------
    zones, sites : Points
        Of the same reference.
    max_km : float
        Distance that still counts [km], >= 0.

    Returns
    -------
    reach_ptr : int array, shape (num_sites + 1,)
    reach_zone_idx : int array, shape (num_arcs,)
        As in `planner.arrays.CoverageProblem`.

    Examples
    --------
    >>> line = Points(np.array([0.0, 3000.0, 9000.0]), np.zeros(3), "EPSG:32650")
    >>> ptr, zone_idx = within_distance(line, line, 3.0)
    >>> ptr.tolist(), zone_idx.tolist()
    ([0, 2, 4, 5], [0, 1, 0, 1, 2])
    """
    straight_km = max_km
    if not zones.plane:
        half_turn = np.pi * EARTH_RADIUS_KM
        straight_km = 2 * EARTH_RADIUS_KM * np.sin(min(max_km, half_turn) / (2 * EARTH_RADIUS_KM))
    # A little wider than asked: the exact distance decides, not the rounding of the tree.
    straight_km = straight_km * (1 + 1e-8) + 1e-9
    tree = cKDTree(zones.xyz_km())
    site_xyz = sites.xyz_km()
    counts, lists = [np.zeros(1, np.int64)], [np.empty(0, np.int32)]
    for first in range(0, len(sites), SITES_PER_CHUNK):
        near: Any = tree.query_ball_point(
            site_xyz[first : first + SITES_PER_CHUNK], straight_km, return_sorted=True
        )
        num_near = np.array([len(one) for one in near], dtype=np.int64)
        zone_idx = np.concatenate([np.asarray(one, dtype=np.int64) for one in near])
        site_idx = np.repeat(np.arange(first, first + len(near)), num_near)
        close = distance_km(zones, zone_idx, sites, site_idx) <= widened(max_km)
        counts.append(np.bincount(site_idx[close] - first, minlength=len(near)))
        lists.append(zone_idx[close].astype(np.int32))
    return np.cumsum(np.concatenate(counts)), np.concatenate(lists)
