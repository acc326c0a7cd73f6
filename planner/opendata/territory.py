"""Territory without borders: which area a point belongs to, from centres and sizes alone."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from planner.arrays import FloatArray, IntArray
from planner.geodesy import to_sphere_km


class PowerDiagram:
    """Power diagram of discs on the sphere.

    A point belongs to the disc that minimises distance^2 - area / pi, so that two discs
    meet where their circles would cross. No border enters, and none can be read off to
    better than a few km.

    Parameters
    ----------
    lon, lat : float array, shape (num_discs,)
        Centres, degrees.
    area_km2 : float array, shape (num_discs,)
        Area of each disc; only differences count, so that it may be below 0.

    Notes
    -----
    Aurenhammer (1987), SIAM Journal on Computing 16:78-96. Found exactly as the nearest
    neighbour in one dimension more, the disc at height sqrt(max weight - weight).
    """

    def __init__(self, lon: FloatArray, lat: FloatArray, area_km2: FloatArray) -> None:
        if not np.isfinite(area_km2).all():
            raise ValueError("area_km2 must be finite")
        weight_km2 = area_km2 / np.pi
        self._max_weight_km2 = float(weight_km2.max())
        height_km = np.sqrt(self._max_weight_km2 - weight_km2)
        self._tree = KDTree(np.column_stack([to_sphere_km(lon, lat), height_km]))

    def assign(self, lon: FloatArray, lat: FloatArray) -> tuple[IntArray, FloatArray]:
        """Find the disc that each point belongs to.

        Parameters
        ----------
        lon, lat : float array, shape (n,)
            Degrees.

        Returns
        -------
        disc_idx : int array, shape (n,)
            Position of the disc.
        power_km2 : float array, shape (n,)
            distance^2 - area / pi: negative inside the disc.
        """
        points = np.column_stack([to_sphere_km(lon, lat), np.zeros(len(lon))])
        lifted_km, disc_idx = (np.asarray(found) for found in self._tree.query(points))
        return disc_idx.astype(np.int64), lifted_km**2 - self._max_weight_km2


@dataclass(frozen=True)
class CrowdingRule:
    """When ground is moved between districts, and how much of it.

    Attributes
    ----------
    crowded_residents_per_km2 : float
        Only districts denser than this on the ground they own gain any.
    max_residents_per_km2 : float
        Mean density that no district need exceed.
    max_growth_km2 : float
        Most by which a disc may grow; keeps an island without roads from growing forever.
    """

    crowded_residents_per_km2: float
    max_residents_per_km2: float
    max_growth_km2: float


def grow_crowded(
    lon: FloatArray,
    lat: FloatArray,
    area_km2: FloatArray,
    residents: FloatArray,
    points: tuple[FloatArray, FloatArray],
    point_km2: float,
    rule: CrowdingRule,
) -> PowerDiagram:
    """Power diagram whose discs have grown where their ground cannot hold their residents.

    Where districts crowd, a centre a few km off leaves a district almost without ground.
    Its disc is given what it lacks, again and again, until it owns about its area, or
    ground for its residents at the highest density if that is more.

    Parameters
    ----------
    lon, lat, area_km2 : float array, shape (num_discs,)
        The discs to start from.
    residents : float array, shape (num_discs,)
        0 for discs that never grow.
    points : pair of float array, shape (num_points,)
        Longitude and latitude of the ground near the discs that may grow.
    point_km2 : float
        Area that each point stands for.
    rule : CrowdingRule
        Thresholds.

    Returns
    -------
    PowerDiagram
        With other areas.

    Notes
    -----
    A capacity-constrained power diagram with tolerance; see Balzer, Schloemer and Deussen
    (2009), ACM Transactions on Graphics 28(3):86.
    """
    num_rounds = 40
    share_per_round = 0.5
    tolerance_frac = 0.1
    wanted_km2 = np.maximum(area_km2, residents / rule.max_residents_per_km2)
    grown_km2 = area_km2.astype(np.float64, copy=True)
    diagram = PowerDiagram(lon, lat, grown_km2)
    for _ in range(num_rounds):
        disc_idx, _ = diagram.assign(*points)
        owned_km2 = point_km2 * np.bincount(disc_idx, minlength=len(lon))
        lacks_km2 = wanted_km2 - owned_km2
        grows = (
            (residents > rule.crowded_residents_per_km2 * owned_km2)
            & (lacks_km2 > tolerance_frac * wanted_km2)
            & (grown_km2 < area_km2 + rule.max_growth_km2)
        )
        if not grows.any():
            break
        grown_km2[grows] += share_per_round * lacks_km2[grows]
        grown_km2 = np.minimum(grown_km2, area_km2 + rule.max_growth_km2)
        diagram = PowerDiagram(lon, lat, grown_km2)
    return diagram


def claim_nearest(
    owner_idx: IntArray,
    group_idx: IntArray,
    residents: FloatArray,
    centres_km: FloatArray,
    points_km: FloatArray,
    max_residents: float,
) -> IntArray:
    """Let owners that are still crowded take the nearest points of their group.

    Parameters
    ----------
    owner_idx : int array, shape (num_points,)
        Owner of each point; -1 for none.
    group_idx : int array, shape (num_owners,)
        Points change hands only inside a group; owners below 0 take no part.
    residents : float array, shape (num_owners,)
        Residents of each owner.
    centres_km, points_km : float array, shape (num_owners, 3), (num_points, 3)
        Where owners and points are.
    max_residents : float
        Residents per point above which an owner is crowded; nobody is made crowded to help
        another.

    Returns
    -------
    int array, shape (num_points,)
        New owners.
    """
    owner_idx = owner_idx.copy()
    needs = np.ceil(residents / max_residents).astype(np.int64)
    owns = np.bincount(owner_idx[owner_idx >= 0], minlength=len(residents))
    crowded_idx = np.flatnonzero((group_idx >= 0) & (owns < needs))
    point_group_idx = np.where(owner_idx >= 0, group_idx[owner_idx], -1)
    for taker_idx in crowded_idx.tolist():
        mine = np.flatnonzero(point_group_idx == group_idx[taker_idx])
        away_km = np.linalg.norm(points_km[mine] - centres_km[taker_idx], axis=1)
        for point_idx in mine[np.argsort(away_km, kind="stable")].tolist():
            if owns[taker_idx] >= needs[taker_idx]:
                break
            giver_idx = owner_idx[point_idx]
            if giver_idx != taker_idx and owns[giver_idx] > needs[giver_idx]:
                owner_idx[point_idx] = taker_idx
                owns[giver_idx] -= 1
                owns[taker_idx] += 1
    return owner_idx
