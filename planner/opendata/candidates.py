"""Choose candidate sites: everywhere people live, and denser where they live densely."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import KDTree

from planner.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class CandidateRule:
    """How many candidates a city gets, and how they keep apart.

    Attributes
    ----------
    max_sites : int
        Most candidates of one city.
    reach_km : float
        First half: cover as many households within this distance as possible.
    reach_enough_frac : float
        The first half ends early at this share of the households that can be covered.
    spacing_km : float
        Second half: a candidate halves the pull of households within this distance.
    """

    max_sites: int
    reach_km: float
    reach_enough_frac: float
    spacing_km: float


def choose_candidates(
    pool_xyz_km: FloatArray, zone_xyz_km: FloatArray, households: IntArray, rule: CandidateRule
) -> IntArray:
    """Choose candidates from a pool of places, greedily and deterministically.

    The first half of them cover as many households as possible within ``reach_km``
    (maximal covering, greedy). The others go, one by one, where the pull of the households
    within ``spacing_km`` is largest, each halving the pull around it, so that dense
    quarters get a candidate on almost every road-bearing cell and villages share one.
    Households are whole numbers: sums are exact, and ties go to the earlier place.

    Parameters
    ----------
    pool_xyz_km : float array, shape (num_places, 3)
        Possible sites.
    zone_xyz_km : float array, shape (num_zones, 3)
        Demand zones.
    households : int array, shape (num_zones,)
        Demand in any whole unit, >= 0.
    rule : CandidateRule
        Numbers and distances.

    Returns
    -------
    int array, shape (num_sites,)
        Positions in the pool, ascending; fewer than ``max_sites`` if the pool is smaller
        or no household is left to pull.

    Notes
    -----
    Greedy maximal covering: Church and ReVelle (1974), Papers of the Regional Science
    Association 32:101-118.
    """
    zone_tree = KDTree(zone_xyz_km)
    reach = _near_matrix(pool_xyz_km, zone_tree, rule.reach_km)
    chosen = _cover(reach, households, rule.max_sites // 2, rule.reach_enough_frac)
    near = _near_matrix(pool_xyz_km, zone_tree, rule.spacing_km)
    chosen = _fill(near, households, chosen, rule.max_sites)
    return np.array(sorted(chosen), dtype=np.int64)


def _near_matrix(pool_xyz_km: FloatArray, zone_tree: KDTree, radius_km: float) -> csr_array:
    """Zones within a distance of each place: ones, shape (num_places, num_zones)."""
    found = zone_tree.query_ball_point(pool_xyz_km, radius_km, return_sorted=True)
    lists = [np.asarray(near, dtype=np.int64) for near in found]
    ends = np.cumsum([0, *(len(near) for near in lists)])
    columns = np.concatenate(lists)
    return csr_array(
        (np.ones(len(columns), dtype=np.int64), columns, ends),
        shape=(len(pool_xyz_km), zone_tree.n),
    )


def _cover(near: csr_array, households: IntArray, num_sites: int, enough_frac: float) -> list[int]:
    back = near.T.tocsr()
    gain = near @ households
    reachable = int(households[back.indptr[1:] > back.indptr[:-1]].sum())
    open_zone = np.ones(len(households), dtype=np.bool_)
    covered = 0
    chosen: list[int] = []
    while len(chosen) < num_sites and covered < enough_frac * reachable:
        best = int(np.argmax(gain))
        chosen.append(best)
        zones = _zones_near(near, best)
        new = zones[open_zone[zones]]
        covered += int(households[new].sum())
        open_zone[new] = False
        _lower(gain, back, new, households[new])
    return chosen


def _fill(near: csr_array, households: IntArray, chosen: list[int], max_sites: int) -> list[int]:
    back = near.T.tocsr()
    pull = households.copy()
    for place in chosen:
        zones = _zones_near(near, place)
        pull[zones] -= (pull[zones] + 1) // 2
    gain = near @ pull
    # A place is taken once only: nothing raises a gain, so this keeps it out for good.
    gain[chosen] = -1
    chosen = list(chosen)
    while len(chosen) < max_sites and (best := int(np.argmax(gain))) >= 0 and gain[best] > 0:
        chosen.append(best)
        zones = _zones_near(near, best)
        loss = (pull[zones] + 1) // 2
        pull[zones] -= loss
        _lower(gain, back, zones, loss)
        gain[best] = -1
    return chosen


def _zones_near(near: csr_array, place: int) -> IntArray:
    return near.indices[near.indptr[place] : near.indptr[place + 1]].astype(np.int64)


def _lower(gain: IntArray, back: csr_array, zones: IntArray, loss: IntArray) -> None:
    """Take the loss of each zone from the gain of every place near it."""
    starts, counts = back.indptr[zones], back.indptr[zones + 1] - back.indptr[zones]
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    places = back.indices[np.repeat(starts, counts) + offsets]
    np.subtract.at(gain, places, np.repeat(loss, counts))
