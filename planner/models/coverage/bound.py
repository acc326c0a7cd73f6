"""The Lagrangian bound of maximal covering, and what it proves about single sites.

Relaxing x_i <= sum_{j in N(i)} y_j with multipliers 0 <= lambda_i <= w_i (Galvao and ReVelle 1996,
EJOR 88:114-123) leaves

(1) L(lambda) = sum_i (w_i - lambda_i) + sum of the p largest c_j that are positive,
(2) c_j = sum of lambda_i over i in N(j).

L bounds every plan from above whatever made the multipliers. Its least value equals that of the
linear relaxation (the relaxed problem has the integrality property).
"""

import math

import numpy as np

from planner.arrays import BoolArray, FloatArray
from planner.models.coverage.rows import CoverRows
from planner.solving.incidence import sum_over_lists, unsigned


def site_worth(rows: CoverRows, multiplier: FloatArray) -> FloatArray:
    """c_j of equation (2): what opening each site earns at these multipliers.

    Parameters
    ----------
    rows : CoverRows
    multiplier : float array, shape (num_rows,)
        lambda_i in [0, w_i].

    Returns
    -------
    float array, shape (num_sites,)
    """
    worth = np.empty(rows.num_sites)
    sum_over_lists(unsigned(rows.rows_of_site), multiplier, worth)
    return worth


def largest(worth: FloatArray, count: int) -> FloatArray:
    """Give the ``count`` largest entries that are positive, in any order."""
    if 0 < count < len(worth):
        worth = np.partition(worth, len(worth) - count)[len(worth) - count :]
    return worth[worth > 0.0] if count > 0 else worth[:0]


def lagrangian_bound(rows: CoverRows, multiplier: FloatArray) -> float:
    """L(lambda) of equation (1) plus the value the forced sites cover already.

    Multipliers outside [0, w] are clipped into it first, so the result is a bound for any input.
    Sums are correctly rounded (``math.fsum``), c_j is summed in ascending order of rows: the
    result depends on the multipliers alone.

    Parameters
    ----------
    rows : CoverRows
    multiplier : float array, shape (num_rows,)

    Returns
    -------
    float
        At least the value of every plan, up to the rounding of c_j.
    """
    clipped = np.clip(multiplier, 0.0, rows.value)
    earned = largest(site_worth(rows, clipped), rows.num_stations)
    return math.fsum((rows.base_value, math.fsum(rows.value - clipped), math.fsum(earned)))


def quick_bound(rows: CoverRows, multiplier: FloatArray) -> float:
    """:func:`lagrangian_bound` with plain summation, for multipliers known to lie in [0, w]."""
    earned = largest(site_worth(rows, multiplier), rows.num_stations)
    return float(rows.base_value + (rows.value - multiplier).sum() + earned.sum())


def fix_by_reduced_cost(
    rows: CoverRows, multiplier: FloatArray, incumbent: float
) -> tuple[BoolArray, BoolArray]:
    """:func:`fix_by_worth` at the multipliers of (1).

    Parameters
    ----------
    rows : CoverRows
    multiplier : float array, shape (num_rows,)
        In [0, w].
    incumbent : float
        Value of a plan, forced sites included.

    Returns
    -------
    always_open, never_open : bool arrays, shape (num_sites,)
    """
    worth = site_worth(rows, multiplier)
    return fix_by_worth(worth, lagrangian_bound(rows, multiplier), rows.num_stations, incumbent)


def fix_by_worth(
    worth: FloatArray, bound: float, num_stations: int, incumbent: float
) -> tuple[BoolArray, BoolArray]:
    """Sites that every plan better than the incumbent opens, and sites that none opens.

    Opening a site outside the p best costs the bound c_(p) - c_j, closing one among them costs
    c_j - max(c_(p+1), 0); where what is left does not exceed the incumbent the choice is made.

    Parameters
    ----------
    worth : float array, shape (num_sites,)
        c_j at some multipliers.
    bound : float
        What those multipliers prove.
    num_stations : int
        p.
    incumbent : float
        Value of a plan, forced sites included.

    Returns
    -------
    always_open, never_open : bool arrays, shape (num_sites,)
        Valid for the search of a plan worth more than the incumbent; both all False when there
        are no stations left to choose or fewer sites than stations.
    """
    num_sites = len(worth)
    always_open = np.zeros(num_sites, dtype=np.bool_)
    never_open = np.zeros(num_sites, dtype=np.bool_)
    if not 0 < num_stations < num_sites:
        return always_open, never_open
    # A margin well above the rounding of the sums keeps ties with the incumbent open.
    slack = bound - incumbent + 1e-9 * max(abs(incumbent), 1.0)
    order = np.argsort(-worth, kind="stable")
    best, rest = order[:num_stations], order[num_stations:]
    last_in = max(worth[best[-1]], 0.0)
    first_out = max(worth[rest[0]], 0.0)
    always_open[best] = worth[best] - first_out > slack
    never_open[rest] = last_in - worth[rest] > slack
    return always_open, never_open
