"""The Lagrangian bound of covering over time, whatever made its multipliers and prices.

Sites j, rows i of values W_in at nodes n, limits r; u_rj is the least that a station at j takes.
Relaxing the covering constraints with 0 <= lambda_in <= W_in and the limits with pi_rn >= 0 leaves

(1) L(lambda, pi) = sum_in (W_in - lambda_in) + sum_rn pi_rn available_rn + sum_j f_j(root),
(2) f_j(n) = max(c_jn+ - sum_r P_rn u_rj,  sum over children m of n of f_j(m)),
    c_jn+ = sum over the nodes m from n on of c_jm,   c_jm = sum of lambda_im over i in N(j):

a site opens at n and stands at every node from there on, or later on each branch or not at all.
Where it may not stand the first of the two is left out, where it must the second. An opening at n
takes of what there is at n, or, if the limit carries over, of what there is up to each later node:

(3) P_rn = pi_rn if r expires, the sum of pi_rm over the nodes m from n on if it carries over.

The inner problem is integral, so the least L is the value of the linear relaxation without
capacities, loads and limits by city. On a line (2) is the choice of one suffix of the periods.
"""

import math

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.rows import PhasedRows
from planner.models.phasing.tree import ROOT
from planner.solving.incidence import sum_over_lists, unsigned


def site_worth(rows: PhasedRows, multiplier: FloatArray) -> FloatArray:
    """c_jn of equation (2), less rents: what a station earns at each node at these multipliers.

    Parameters
    ----------
    rows : PhasedRows
    multiplier : float array, shape (num_rows, num_nodes)

    Returns
    -------
    float array, shape (num_sites, num_nodes)
    """
    worth = np.empty((rows.num_nodes, rows.num_sites))
    for node in range(rows.num_nodes):
        of_node = np.ascontiguousarray(multiplier[:, node])
        sum_over_lists(unsigned(rows.rows_of_site), of_node, worth[node])
    earned = worth.T if rows.rent is None else worth.T - rows.rent
    return np.ascontiguousarray(earned)


def opening_price(problem: PhasedProblem, rows: PhasedRows, price: FloatArray) -> FloatArray:
    """What an opening at each node costs at these prices, whatever stands later.

    Parameters
    ----------
    problem : PhasedProblem
    rows : PhasedRows
    price : float array, shape (num_limits, num_nodes)
        pi_rn; negative ones, and those of limits without an amount, count as 0.

    Returns
    -------
    float array, shape (num_sites, num_nodes)
        sum_r P_rn u_rj of equations (2) and (3).
    """
    return np.asarray(rows.use.T @ _prices_of_openings(problem, rows, price)[1])


def _prices_of_openings(
    problem: PhasedProblem, rows: PhasedRows, price: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """pi_rn made valid, and P_rn of equation (3)."""
    valid = np.where(np.isfinite(rows.available), np.maximum(price, 0.0), 0.0)
    of_opening = valid.copy()
    for position, limit in enumerate(problem.limits):
        if limit.carries_over:
            of_opening[position] = problem.tree.from_node @ valid[position]
    return valid, of_opening


@numba.njit(cache=True, nogil=True)
def best_profits(
    parent: IntArray,
    worth: FloatArray,
    cost: FloatArray,
    may_stand: BoolArray,
    must_stand: BoolArray,
    out: FloatArray,
) -> None:
    """Write f_j(root) of equation (2) into ``out`` (num_sites,); ``cost`` is of an opening."""
    num_nodes = len(parent)
    from_here = np.empty(num_nodes)
    of_children = np.empty(num_nodes)
    for site in range(len(out)):
        out[site] = 0.0
        for node in range(num_nodes):
            from_here[node] = worth[site, node]
            of_children[node] = 0.0
        for node in range(num_nodes - 1, -1, -1):
            best = of_children[node]
            if may_stand[site, node]:
                now = from_here[node] - cost[site, node]
                if must_stand[site, node] or now > best:
                    best = now
            if parent[node] == ROOT:
                out[site] += best
            else:
                from_here[parent[node]] += from_here[node]
                of_children[parent[node]] += best


def site_profits(
    problem: PhasedProblem, rows: PhasedRows, multiplier: FloatArray, price: FloatArray
) -> FloatArray:
    """f_j(root) of equation (2): the most that each site adds to the bound.

    Parameters
    ----------
    problem : PhasedProblem
    rows : PhasedRows
    multiplier : float array, shape (num_rows, num_nodes)
    price : float array, shape (num_limits, num_nodes)

    Returns
    -------
    float array, shape (num_sites,)
        >= 0 but where a station must stand at some node.
    """
    profit = np.empty(rows.num_sites)
    best_profits(
        rows.tree.parent,
        site_worth(rows, multiplier),
        opening_price(problem, rows, price),
        rows.may_stand,
        rows.must_stand,
        profit,
    )
    return profit


def phased_bound(
    problem: PhasedProblem, rows: PhasedRows, multiplier: FloatArray, price: FloatArray
) -> float:
    """L(lambda, pi) of equation (1) plus what stations serve where they must stand.

    Multipliers outside [0, W] and prices below 0 are clipped first: the result is a bound for any
    input. Sums are correctly rounded (``math.fsum``).

    Parameters
    ----------
    problem : PhasedProblem
    rows : PhasedRows
        Its merged rows.
    multiplier : float array, shape (num_rows, num_nodes)
    price : float array, shape (num_limits, num_nodes)

    Returns
    -------
    float
        At least the value of every plan, up to the rounding of c_jn.
    """
    clipped = np.clip(multiplier, 0.0, rows.value)
    valid, _ = _prices_of_openings(problem, rows, price)
    rent = valid[valid > 0] * rows.available[valid > 0]
    return math.fsum(
        (
            rows.base_value,
            math.fsum((rows.value - clipped).ravel()),
            math.fsum(rent),
            math.fsum(site_profits(problem, rows, clipped, price)),
        )
    )


def quick_bound(
    problem: PhasedProblem, rows: PhasedRows, multiplier: FloatArray, price: FloatArray
) -> float:
    """:func:`phased_bound` with plain summation, for multipliers known to lie in [0, W]."""
    valid, _ = _prices_of_openings(problem, rows, price)
    rent = valid[valid > 0] * rows.available[valid > 0]
    profit = site_profits(problem, rows, multiplier, price)
    return float(rows.base_value + (rows.value - multiplier).sum() + rent.sum() + profit.sum())
