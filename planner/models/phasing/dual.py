"""Linear relaxation of covering over time, without capacities, by a primal-dual method.

With l_in = lambda_in / W_in the relaxation is the saddle point

(1) min over l in [0, 1], max over y in Y of  sum_in W_in (1 - l_in) + sum_jn y_jn c_jn(l),
    c_jn(l) = sum of W_in l_in over i in N(j),
    Y: y_jn >= y_j,parent(n), 0 <= y <= 1, = 1 where a station must stand, = 0 where none may,
       within the limits; :mod:`planner.models.phasing.limited` projects onto it.

One iteration z = (l, y) -> T(z) is that of :mod:`planner.models.coverage.primal_dual` with a
column for each node. The iterates are those of the reflected and restarted Halpern method (Lu and
Yang 2024, arXiv:2407.16144),

(2) z_k+1 = (k + 1) / (k + 2) (2 T(z_k) - z_k) + 1 / (k + 2) z_0,

which needs no averages and half the iterations; it begins anew from T(z_k) by the rules that the
static method has. Every l and every prices of the limits give a valid bound
(:mod:`planner.models.phasing.bound`), every y that is drawn within the limits a plan of the
relaxation.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np

from planner.arrays import FloatArray
from planner.models.coverage.primal_dual import relaxed_cover
from planner.models.coverage.restarts import Restarts, next_weight
from planner.models.coverage.rows import Incidence
from planner.models.coverage.tuning import Tuning
from planner.models.phasing.bound import quick_bound
from planner.models.phasing.limited import LimitedSites
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.rows import PhasedRows
from planner.solving.incidence import UnsignedLists, sum_over_lists


@dataclass(frozen=True)
class DualStart:
    """Where the iterations begin, if something is known.

    Attributes
    ----------
    multiplier : float array, shape (num_rows, num_nodes)
    price : float array, shape (num_limits, num_nodes)
    opening : float array, shape (num_sites, num_nodes)
        Relaxed, or the stations of a plan; it is drawn within the limits.
    """

    multiplier: FloatArray
    price: FloatArray
    opening: FloatArray


@dataclass(frozen=True)
class PhasedDualPoint:
    """Best multipliers, prices and relaxed plan so far.

    Attributes
    ----------
    multiplier : float array, shape (num_rows, num_nodes)
        lambda_in in [0, W_in].
    price : float array, shape (num_limits, num_nodes)
        pi_rn >= 0 that make the bound with these multipliers.
    bound : float
        Lagrangian bound of both.
    opening : float array, shape (num_sites, num_nodes)
        y_jn in Y.
    relaxed_value : float
        What ``opening`` covers in the linear relaxation; at most ``bound``.
    iterations : int
        Iterations done.
    """

    multiplier: FloatArray
    price: FloatArray
    bound: float
    opening: FloatArray
    relaxed_value: float
    iterations: int

    @property
    def relaxation_gap_frac(self) -> float:
        """How far, as a fraction, the bound may lie above that of the linear relaxation."""
        return max(self.bound - self.relaxed_value, 0.0) / self.bound if self.bound > 0 else 0.0


@numba.njit(cache=True, nogil=True)
def _multiplier_step(
    sites_of_row: UnsignedLists,
    value: FloatArray,
    opening: FloatArray,
    omega: float,
    forward: float,
    anchor: FloatArray,
    share: FloatArray,
    stepped: FloatArray,
    extrapolated: FloatArray,
) -> None:
    """The multipliers' half of T and of equation (2) at one node, ``share`` in place.

    ``stepped`` receives that of T(z), ``extrapolated`` W_in (2 l_in - l_in old).
    """
    ptr, idx = sites_of_row
    for row in range(len(value)):
        start, stop = ptr[row], ptr[row + 1]
        excess = -1.0
        for arc in range(start, stop):
            excess += opening[idx[arc]]
        old = share[row]
        moved = min(max(old - excess / (omega * (stop - start)), 0.0), 1.0)
        reflected = 2.0 * moved - old
        stepped[row] = moved
        extrapolated[row] = value[row] * reflected
        share[row] = forward * reflected + (1.0 - forward) * anchor[row]


@numba.njit(cache=True, nogil=True)
def _opening_step(
    stepped: FloatArray, forward: float, anchor: FloatArray, opening: FloatArray
) -> None:
    """Equation (2) of the openings at one node, in place."""
    for site in range(len(opening)):
        reflected = 2.0 * stepped[site] - opening[site]
        opening[site] = forward * reflected + (1.0 - forward) * anchor[site]


def _site_norm(value: FloatArray, rows_of_site: UnsignedLists, num_sites: int) -> FloatArray:
    """Value within reach of each site at each node, made positive where it is 0."""
    norm = np.empty((len(value), num_sites))
    for node, of_node in enumerate(value):
        sum_over_lists(rows_of_site, of_node, norm[node])
    least = 1e-3 * norm.max(axis=0, initial=0.0)
    least[least == 0.0] = norm.mean()
    return np.asarray(np.maximum(norm, least))


def phased_duals(
    rows: PhasedRows,
    problem: PhasedProblem,
    tuning: Tuning = Tuning(),
    *,
    start: DualStart | None = None,
) -> Iterator[PhasedDualPoint]:
    """Improve bound and relaxed plan for as long as the caller asks for the next point.

    Parameters
    ----------
    rows : PhasedRows
        Of the problem, with at least one row of value; commitments must keep the limits.
    problem : PhasedProblem
    tuning : Tuning, optional
        Its ``iterations_per_point`` and rules of restart.
    start : DualStart, optional
        Where iterations for other values or limits ended.

    Yields
    ------
    PhasedDualPoint
        The best so far, first without iterations. Bounds never rise, relaxed values never fall.
    """
    per_point = tuning.iterations_per_point
    _, sites_of_row, rows_of_site = rows.incidence
    # Node by node: what loops over arcs reads stays in the cache.
    value = np.ascontiguousarray(rows.value.T)
    norm = _site_norm(value, rows_of_site, rows.num_sites)
    row_norm = value * rows.sites_of_row.sizes
    sites = LimitedSites(problem, rows, norm)
    restarts = Restarts(tuning)

    opening = sites.spread()
    share = np.full(value.shape, 0.5)
    rent = np.zeros_like(opening) if rows.rent is None else np.ascontiguousarray(rows.rent.T)
    starts = [(np.ones(value.shape), np.zeros_like(sites.price))]
    if start is not None:
        np.divide(start.multiplier.T, value, out=share, where=value > 0)
        np.clip(share, 0.0, 1.0, out=share)
        within = np.clip(start.opening.T, rows.must_stand.T, rows.may_stand.T)
        opening = sites.within_limits(np.ascontiguousarray(within, dtype=np.float64))
        sites.begin_at(start.price)
        starts.append((share.copy(), sites.price.copy()))
    stepped_opening, stepped_share = opening.copy(), share.copy()
    anchor_opening, anchor_share = opening.copy(), share.copy()
    extrapolated, worth = np.empty(rows.num_rows), np.empty_like(opening)
    omega = 1.0

    def relaxed_value(some_opening: FloatArray) -> float:
        pairs = zip(value, some_opening, strict=True)
        covered = (relaxed_cover(Incidence(w, sites_of_row, rows_of_site), y) for w, y in pairs)
        return rows.base_value + float(sum(covered)) - float((rent * some_opening).sum())

    def bound_of(some_share: FloatArray, price: FloatArray) -> float:
        return quick_bound(problem, rows, np.ascontiguousarray((value * some_share).T), price)

    bounds = [bound_of(*each) for each in starts]
    best_bound = min(bounds)
    best_share, best_price = starts[int(np.argmin(bounds))]
    best_opening, best_relaxed = opening.copy(), relaxed_value(opening)
    while True:
        yield PhasedDualPoint(
            multiplier=np.ascontiguousarray((value * best_share).T),
            price=best_price,
            bound=best_bound,
            opening=np.ascontiguousarray(best_opening.T),
            relaxed_value=best_relaxed,
            iterations=restarts.iterations,
        )
        for step in range(per_point):
            count = restarts.since_restart + step + 1
            forward = count / (count + 1.0)
            for node in range(rows.num_nodes):
                _multiplier_step(
                    sites_of_row, value[node], opening[node], omega, forward,
                    anchor_share[node], share[node], stepped_share[node], extrapolated,
                )  # fmt: skip
                sum_over_lists(rows_of_site, extrapolated, worth[node])
            worth -= rent
            sites.project(opening, worth, omega, stepped_opening)
            for node in range(rows.num_nodes):
                _opening_step(stepped_opening[node], forward, anchor_opening[node], opening[node])
        restarts.advance(per_point)

        price = sites.price.copy()
        bound = bound_of(stepped_share, price)
        kept_opening = sites.within_limits(stepped_opening)
        relaxed = relaxed_value(kept_opening)
        if bound < best_bound:
            best_bound, best_share, best_price = bound, stepped_share.copy(), price
        if relaxed > best_relaxed:
            best_relaxed, best_opening = relaxed, kept_opening
        if restarts.due(bound - relaxed):
            omega = next_weight(
                omega,
                norm.ravel(),
                (stepped_opening - anchor_opening).ravel(),
                row_norm.ravel(),
                (stepped_share - anchor_share).ravel(),
            )
            opening, share = stepped_opening.copy(), stepped_share.copy()
            anchor_opening, anchor_share = opening.copy(), share.copy()
