"""The best set of sites within locks and numbers, nationwide and by city.

Sites have a worth of their own, so that the numbers form a laminar family: greedy opening is exact
(Edmonds 1970, Combinatorial Structures and Their Applications: 69-87).
"""

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.solving.rules import CityLimits


def best_sites(
    worth: FloatArray,
    forced: BoolArray,
    forbidden: BoolArray,
    least: int,
    most: int,
    cities: CityLimits | None = None,
) -> IntArray:
    """Sites of greatest total worth that keep the locks and numbers, ascending.

    Parameters
    ----------
    worth : float array, shape (num_sites,)
        Of opening each site; sites worth less than nothing open only if numbers ask for them.
    forced, forbidden : bool arrays, shape (num_sites,)
        Sites open in every set, and in none.
    least, most : int
        Open sites, the forced ones included.
    cities : CityLimits, optional
        Least and most by city.

    Returns
    -------
    int array
        Numbers that cannot be kept together are kept as far as the most allows: whether a plan
        exists is not told here.

    Examples
    --------
    >>> free = np.zeros(4, dtype=bool)
    >>> by_city = CityLimits(np.array([0, 0, 1, 1]), np.array([0, 1]), np.array([1, 2]))
    >>> best_sites(np.array([5.0, 4.0, -2.0, -1.0]), free, free, 0, 2, by_city)
    array([0, 3])
    """
    order = np.lexsort((-worth, ~forced))
    order = order[~forbidden[order]]
    must = forced.copy()
    if cities is not None:
        city = cities.city_idx[order]
        by_city = np.argsort(city, kind="stable")
        starts = np.searchsorted(city[by_city], city[by_city])
        rank = np.empty(len(order), dtype=np.int64)
        rank[by_city] = np.arange(len(order)) - starts
        must[order[rank < cities.min_stations[city]]] = True
        order = order[(rank < cities.max_stations[city]) | forced[order]]
    free = order[~must[order]]
    free = free[np.argsort(-worth[free], kind="stable")]
    num_must = int(must.sum())
    wanted = max(int((worth[free] > 0).sum()), least - num_must)
    chosen = np.concatenate((np.flatnonzero(must), free[: max(min(wanted, most - num_must), 0)]))
    return np.sort(chosen).astype(np.int64)
