"""Bounds by areas: rows that share sites are parted into areas, each solved on its own.

A Lagrangian bound of covering is a sum over rows. Where the price of each site is shared out among
the areas of its rows, the sum of what each area's whole problem gives is a bound as well, and as
good at least: within an area the gap of the linear relaxation is gone (Lagrangean decomposition,
Guignard and Kim 1987, Mathematical Programming 39:215-228). What remains is lost on borders, so
that areas solved are joined in pairs and solved again, from small ones upwards, while time is left.

Areas come by halving rows again and again where they hang together least: by the second singular
vector of the incidence of rows and sites (Dhillon 2001, KDD 7:269-274).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists

if TYPE_CHECKING:
    import scipy.sparse

LEAST_ROWS = 8
"""Smaller sets of rows are halved in the order they come in."""


class AreaAnswer(NamedTuple):
    """What solving an area gave.

    Attributes
    ----------
    gain : float
        By how much its bound is better than its part of the Lagrangian bound, >= 0.
    exact : bool
        Whether it was solved to the end: a larger area is worth a try.
    """

    gain: float
    exact: bool


def halved_areas(
    sites_of_row: Lists, num_sites: int, weight: FloatArray, num_halvings: int
) -> IntArray:
    """Part rows into areas of about equal weight.

    Parameters
    ----------
    sites_of_row : Lists, num_rows of them
        Sites within reach of each row, at least one.
    num_sites : int
    weight : float array, shape (num_rows,)
        >= 0.
    num_halvings : int
        So often everything is halved.

    Returns
    -------
    int array, shape (num_rows,)
        Area in [0, 2**num_halvings); areas of one half share the digits before the last of their
        binary number, and so on.
    """
    import scipy.sparse

    near = scipy.sparse.csr_matrix(
        (np.ones(sites_of_row.num_entries), sites_of_row.idx, sites_of_row.ptr),
        shape=(sites_of_row.num_lists, num_sites),
    )
    area = np.zeros(sites_of_row.num_lists, dtype=np.int64)
    # Rows of no weight are parted as well.
    weight = weight + 1e-9 * max(float(weight.sum()), 1e-300) / max(len(weight), 1)
    for _ in range(num_halvings):
        half = np.zeros(len(area), dtype=np.int64)
        for one in np.unique(area):
            members = np.flatnonzero(area == one)
            order = members[np.argsort(_along(near[members]), kind="stable")]
            so_far = np.cumsum(weight[order])
            half[order[so_far > 0.5 * so_far[-1]]] = 1
        area = 2 * area + half
    return area


def _along(near: "scipy.sparse.csr_matrix") -> FloatArray:
    """Where each row lies along the direction in which rows hang together least."""
    import scipy.sparse
    from scipy.sparse.linalg import svds

    near = near[:, np.flatnonzero(near.getnnz(axis=0))]
    if min(near.shape) < LEAST_ROWS:
        return np.arange(near.shape[0], dtype=np.float64)
    of_row = 1.0 / np.sqrt(np.asarray(near.sum(axis=1)).ravel())
    of_site = 1.0 / np.sqrt(np.asarray(near.sum(axis=0)).ravel())
    scaled = scipy.sparse.diags(of_row) @ near @ scipy.sparse.diags(of_site)
    start = np.linspace(1.0, 2.0, min(near.shape))
    vectors, _, _ = svds(scaled, k=2, tol=1e-3, v0=start, maxiter=1_000)
    # Singular values come in ascending order.
    return np.asarray(vectors[:, 0] * of_row)


def gain_by_areas(
    area_of_row: IntArray,
    num_halvings: int,
    answer: Callable[[BoolArray, float], AreaAnswer],
    may_go_on: Callable[[], bool],
) -> float:
    """Solve areas, then pairs of areas solved, and so on; tell what all of them gain.

    Parameters
    ----------
    area_of_row : int array, shape (num_rows,)
        From `halved_areas`.
    num_halvings : int
    answer : callable
        Solves the area of the rows given, within the share given of the time left.
    may_go_on : callable
        Asked before each area.

    Returns
    -------
    float
        To be added to the Lagrangian bound (or taken off, where more is better).
    """
    gain = np.zeros(2**num_halvings)
    hopeful = np.ones(2**num_halvings, dtype=np.bool_)
    for level in range(num_halvings + 1):
        areas = np.flatnonzero(hopeful)
        for at, area in enumerate(areas.tolist()):
            if not may_go_on():
                return float(gain.sum())
            # Half of the time left is for areas of this size.
            found = answer(area_of_row >> level == area, 0.5 / (len(areas) - at))
            gain[area] = max(gain[area], found.gain)
            hopeful[area] = found.exact
        if level < num_halvings:
            gain = gain[0::2] + gain[1::2]
            hopeful = hopeful[0::2] & hopeful[1::2]
    return float(gain.sum())
