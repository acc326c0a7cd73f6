"""Projection of relaxed openings onto what order, windows and limits allow.

A step of :mod:`planner.models.phasing.dual`. At rents rho_rn of the limits the sites fall apart:
each takes the isotonic regression, with y_child >= y_parent, of its point less the rents (pool
adjacent violators on a tree: Pardalos and Xue 1999, Algorithmica 23:211-222), clipped to [0, 1]
and to its window. A limit r that carries over takes sum_j u_rj y_jn, one that expires
sum_j u_rj (y_jn - y_j,parent(n)), so that

(1) rho_rn = pi_rn if r carries over,  pi_rn less pi_rm of the children m of n if it expires.

The prices pi >= 0 keep the limits when the convex, piecewise quadratic dual of the projection is
least: semi-smooth Newton steps from the last prices, on the blocks that lie between 0 and 1.
"""

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.rows import PhasedRows
from planner.models.phasing.tree import ROOT

TOLERANCE = 1e-5
"""Limits are kept up to this share of them; what is left is drawn in by `within_limits`."""
EVALUATIONS = 3
"""Projections in each iteration, from the last prices, while they keep the limits nearly."""
NEARLY = 0.01
"""Share of the limits by which they may be missed then."""
FIRST_STEPS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""The first prices, from none, by longer and longer parts of the step: the shorter the step, the
more sites lie between 0 and 1 and the better a Newton step."""
MOST_EVALUATIONS = 25
"""Projections at most."""


@numba.njit(cache=True, nogil=True)
def _project_at_rents(
    parent: IntArray,
    point: FloatArray,
    worth: FloatArray,
    norm: FloatArray,
    omega: float,
    use: FloatArray,
    rent: FloatArray,
    may_stand: BoolArray,
    must_stand: BoolArray,
    out: FloatArray,
    taken: FloatArray,
    slope: FloatArray,
) -> float:
    """Project at rents; ``taken`` (limits, nodes) and ``slope`` (the same twice) receive sums.

    ``taken`` is sum_j u_rj y_jn, ``slope`` how fast it falls with each rent. Returns what the
    sites earn at these rents, less half the squared distance: the dual but for the limits' part.
    """
    num_nodes, num_limits = len(parent), len(use)
    block = np.empty(num_nodes, np.int64)
    total, weight = np.empty(num_nodes), np.empty(num_nodes)
    earned = 0.0
    taken[:] = 0.0
    slope[:] = 0.0
    for site in range(out.shape[1]):
        idle = True
        for node in range(num_nodes):
            block[node] = -1
            out[node, site] = 0.0
            if must_stand[site, node]:
                out[node, site] = 1.0
                idle = False
            cost = 0.0
            for limit in range(num_limits):
                cost += use[limit, site] * rent[limit, node]
            if must_stand[site, node]:
                earned -= cost
            elif may_stand[site, node]:
                weight[node] = norm[node, site]
                total[node] = weight[node] * point[node, site] + omega * (worth[node, site] - cost)
                block[node] = node
                if total[node] > 0.0:
                    idle = False
        if idle:
            continue
        for node in range(num_nodes - 1, -1, -1):
            if block[node] < 0:
                continue
            while True:
                lowest = -1
                for later in range(node + 1, num_nodes):
                    if (
                        block[later] == later
                        and parent[later] != ROOT
                        and block[parent[later]] == node
                        and (
                            lowest < 0
                            or total[later] * weight[lowest] < total[lowest] * weight[later]
                        )
                    ):
                        lowest = later
                if lowest < 0 or total[lowest] * weight[node] >= total[node] * weight[lowest]:
                    break
                total[node] += total[lowest]
                weight[node] += weight[lowest]
                for later in range(lowest, num_nodes):
                    if block[later] == lowest:
                        block[later] = node
        for node in range(num_nodes):
            if block[node] >= 0:
                y = total[block[node]] / weight[block[node]]
                out[node, site] = min(max(y, 0.0), 1.0)
                if block[node] == node and y > 0.0:
                    y = min(y, 1.0)
                    earned += (total[node] * y - 0.5 * weight[node] * y**2) / omega
                    y = total[node] / weight[node]
                if 0.0 < y < 1.0:
                    for other in range(num_nodes):
                        if block[other] == block[node]:
                            for limit in range(num_limits):
                                for second in range(num_limits):
                                    slope[limit, node, second, other] += (
                                        use[limit, site]
                                        * use[second, site]
                                        * omega
                                        / weight[block[node]]
                                    )
            for limit in range(num_limits):
                taken[limit, node] += use[limit, site] * out[node, site]
    return earned


class LimitedSites:
    """The sites with their limits, and the prices that last kept them.

    Attributes
    ----------
    price : float array, shape (num_limits, num_nodes)
        pi_rn of the last projection.
    """

    def __init__(self, problem: PhasedProblem, rows: PhasedRows, norm: FloatArray) -> None:
        """Set up limits.

        Parameters
        ----------
        problem : PhasedProblem
        rows : PhasedRows
        norm : float array, shape (num_nodes, num_sites)
            Norm in which points are projected, > 0.
        """
        num_limits, num_nodes = rows.available.shape
        self._rows, self._norm = rows, norm
        self._finite = np.isfinite(rows.available)
        # What the limits take, as a linear function of sum_j u_rj y_jn.
        self._of_limit = np.zeros((num_limits, num_nodes, num_limits, num_nodes))
        later = np.flatnonzero(problem.tree.parent != ROOT)
        for position, limit in enumerate(problem.limits):
            self._of_limit[position, :, position] = np.eye(num_nodes)
            if not limit.carries_over:
                self._of_limit[position, later, position, problem.tree.parent[later]] = -1.0
        size = num_limits * num_nodes
        self._matrix = self._of_limit.reshape(size, size)
        finite = np.where(self._finite, rows.available, 0.0)
        self._scale = np.maximum(finite, 1e-3 * finite.max(axis=1, keepdims=True, initial=0.0))
        self._scale = np.maximum(self._scale, 1e-9).ravel()
        self._available = np.where(self._finite, rows.available, np.inf).ravel()
        self._least = np.ascontiguousarray(rows.must_stand.T, dtype=np.float64)
        self._least_taken = self._taken(self._least)
        # A price at which a unit of the limit earns what the mean of all units would.
        worth = float(rows.value.sum())
        self._price_scale = np.where(self._finite.ravel(), worth / (self._scale * num_nodes), 0.0)
        self._is_first, self._damping = True, 1.0
        self.price = np.zeros((num_limits, num_nodes))

    def _taken(self, opening: FloatArray) -> FloatArray:
        return np.asarray(self._matrix @ (self._rows.use @ opening.T).ravel())

    def begin_at(self, price: FloatArray) -> None:
        """Take these prices, shape (num_limits, num_nodes), for the last ones."""
        self.price = np.where(self._finite, np.maximum(price, 0.0), 0.0)
        self._is_first = False

    def spread(self) -> FloatArray:
        """Every site as open as all of them can be, shape (num_nodes, num_sites)."""
        return self.within_limits(np.ascontiguousarray(self._rows.may_stand.T, dtype=np.float64))

    def within_limits(self, opening: FloatArray) -> FloatArray:
        """The point nearest to a relaxed plan on its way to the least one within the limits."""
        more = self._taken(opening) - self._least_taken
        left = np.maximum(self._available - self._least_taken, 0.0)
        over = more > left
        part = float((left[over] / more[over]).min(initial=1.0))
        return self._least + part * (opening - self._least)

    def project(self, point: FloatArray, worth: FloatArray, omega: float, out: FloatArray) -> None:
        """Write into ``out`` the projection of point + omega * worth / norm, all node by site.

        The limits are kept up to `TOLERANCE`, or nearly: the prices are those of a few steps from
        the last ones.
        """
        if self._is_first:
            self._is_first = False
            for part in FIRST_STEPS:
                self._project(point, worth, omega * part, out)
        else:
            self._project(point, worth, omega, out)

    def _project(
        self,
        point: FloatArray,
        worth: FloatArray,
        omega: float,
        out: FloatArray,
    ) -> None:
        rows = self._rows
        num_limits, num_nodes = self.price.shape
        taken = np.empty((num_limits, num_nodes))
        slope = np.empty((num_limits, num_nodes, num_limits, num_nodes))
        size = num_limits * num_nodes
        price, curvature, lowest = self.price.ravel(), self._matrix, np.inf
        excess = np.zeros(size)
        for evaluation in range(MOST_EVALUATIONS):
            rent = (self._matrix.T @ price).reshape(self.price.shape)
            earned = _project_at_rents(
                rows.tree.parent, point, worth, self._norm, omega, rows.use, rent,
                rows.may_stand, rows.must_stand, out, taken, slope,
            )  # fmt: skip
            dual = earned + float(price[price > 0] @ self._available[price > 0])
            if dual <= lowest:
                lowest, best = dual, price
                excess = self._matrix @ taken.ravel() - self._available
                curvature = self._matrix @ slope.reshape(size, size) @ self._matrix.T
                self._damping = max(self._damping / 4.0, 1e-3)
                wrong = np.where(price > 0, np.abs(excess), excess)
                missed = float((wrong / self._scale).max())
            else:
                self._damping *= 8.0
            enough = TOLERANCE if evaluation < EVALUATIONS - 1 else NEARLY
            if dual <= lowest and missed <= enough:
                break
            if evaluation < MOST_EVALUATIONS - 1:
                step = _newton_step(best, excess, curvature, self._price_scale, self._damping)
                price = np.maximum(best + step, 0.0)
        self.price = price.reshape(self.price.shape)


def _newton_step(
    price: FloatArray,
    excess: FloatArray,
    curvature: FloatArray,
    price_scale: FloatArray,
    damping: float,
) -> FloatArray:
    """Step towards the prices >= 0 at which the model excess - curvature @ step vanishes.

    A term that vanishes with the excess keeps a price from more than doubling at once where
    few sites tell how fast it acts.
    """
    step = np.zeros_like(price)
    free = (price > 0) | (excess > 0)
    with np.errstate(invalid="ignore"):
        ridge = np.where(free, damping * np.abs(excess) / (price + price_scale), 0.0)
    ridge += 1e-9 * np.trace(curvature) + 1e-300
    pinned = np.zeros_like(free)
    for _ in range(len(price)):
        if not free.any():
            break
        inner = curvature[np.ix_(free, free)] + np.diag(ridge[free])
        right = excess[free] - curvature[np.ix_(free, pinned)] @ step[pinned]
        step[free] = np.linalg.solve(inner, right)
        below = free & (price + step < 0)
        if not below.any():
            break
        step[below] = -price[below]
        pinned |= below
        free &= ~below
    return step
