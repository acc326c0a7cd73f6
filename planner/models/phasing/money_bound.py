"""Prices of wanted shares, and what no plan that serves them can spend less than.

S_n is the value wanted at node n, V_n(y) what plan y serves there, d_n what money at n counts and
u_j the least that a station at j costs. For nu_n >= 0 every plan within the limits has

(1)  money >= min over y of  sum_jn u_j (d_n - d_n+1) y_jn + sum_n nu_n (S_n - V_n(y))
           =  sum_n nu_n S_n - max over y of [sum_n nu_n V_n(y) - sum_jn r_jn y_jn],

the max a problem of openings with the values of node n times nu_n and rents r_jn = u_j (d_n -
d_n+1): :mod:`planner.models.phasing.dual` bounds it, so every nu gives a valid bound. The best nu
lie where the cuts that known relaxed plans make, all of (1) for one y, are highest (Kelley 1960,
SIAM 8:703-712), every other time drawn halfway to the best nu so far
(Wentges 1997). Relaxed are the openings and
the capacity of stations.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.coverage.primal_dual import relaxed_cover
from planner.models.coverage.rows import Incidence
from planner.models.phasing.dual import DualStart, PhasedDualPoint, phased_duals
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.rows import PhasedRows, merge_phased_rows, node_values
from planner.models.phasing.sizes import table_of_plan
from planner.models.phasing.solution import PhasedPlan
from planner.solving.linear_model import LinearModel, solve_linear

PRICES = 40
"""Prices tried at most."""
ITERATIONS = 200
"""Primal-dual iterations at most for each."""
CLOSE_FRAC = 3e-4
"""The bound is close enough to that of the relaxation then."""
FIRST_RANGE = 8.0
"""Prices looked at go up to so many times the first guess; to the tenfold where they end there."""
LEAST_FRAC = 1e-6
"""Prices are at least this share of the largest looked at."""


@dataclass(frozen=True)
class MoneyBound:
    """What is known from below of the money for wanted shares.

    Attributes
    ----------
    bound : float
        No plan that serves them spends less, each node's money counted as told.
    price : float array, shape (num_nodes,)
        Money for one more unit of value at each node, >= 0; 0 where nothing is wanted.
    up_to : float array, shape (num_nodes,)
        Money that the cheapest relaxed plan found spends up to each node.
    """

    bound: float
    price: FloatArray
    up_to: FloatArray


class _Cut(NamedTuple):
    """What (1) says for one relaxed plan: its money, and what each wanted share is short of 1."""

    money: float
    short: FloatArray
    opening: FloatArray


@dataclass(frozen=True)
class _Shares:
    """The rows with their values in shares of what is wanted at each node."""

    problem: PhasedProblem
    rows: PhasedRows
    wanted: IntArray
    base: FloatArray
    standing: float
    use: FloatArray
    rent: FloatArray

    def at(self, price: FloatArray) -> PhasedRows:
        """The rows at prices of the wanted shares, shape (num_wanted,)."""
        by_node = np.zeros(self.rows.num_nodes)
        by_node[self.wanted] = price
        return replace(
            self.rows,
            value=np.ascontiguousarray(self.rows.value * by_node),
            base_value=math.fsum(price * self.base),
            rent=self.rent,
        )

    def served(self, opening: FloatArray) -> FloatArray:
        """Shares of what is wanted that relaxed openings serve, shape (num_wanted,)."""
        _, sites_of_row, rows_of_site = self.rows.incidence
        served: FloatArray = np.array(
            [
                relaxed_cover(
                    Incidence(
                        np.ascontiguousarray(self.rows.value[:, node]), sites_of_row, rows_of_site
                    ),
                    np.ascontiguousarray(opening[:, node], dtype=np.float64),
                )
                for node in self.wanted.tolist()
            ]
        )
        return self.base + served

    def money(self, opening: FloatArray) -> float:
        """Money that relaxed openings take."""
        return self.standing + float((self.rent * opening).sum())


def money_bound(
    problem: PhasedProblem,
    at: int,
    least: FloatArray,
    money_counts: FloatArray,
    plan: PhasedPlan,
    may_go_on: Callable[[], bool],
) -> MoneyBound:
    """Bound the money for wanted shares from below.

    Parameters
    ----------
    problem : PhasedProblem
        Over periods in a line.
    at : int
        Position of the limit that is money.
    least : float array, shape (num_nodes,)
        S_n; nan where nothing is wanted.
    money_counts : float array, shape (num_nodes,)
        d_n > 0.
    plan : PhasedPlan
        Serves what is wanted within the limits.
    may_go_on : callable
        Asked before each further price.

    Returns
    -------
    MoneyBound
    """
    wanted = np.flatnonzero(np.isfinite(least) & (least > 0.0))
    shares = _shares(problem, at, least, money_counts, wanted)
    nothing = np.zeros(problem.tree.num_nodes)
    if len(wanted) == 0 or shares.rows.num_rows == 0:
        return MoneyBound(shares.standing, nothing, nothing + _standing(problem, at))
    table = table_of_plan(problem, plan)
    opening = np.ascontiguousarray((table[shares.rows.site_idx] != CLOSED).astype(np.float64))
    committed = shares.rows.must_stand.astype(np.float64)
    cuts = [
        _Cut(shares.money(each), 1.0 - shares.served(each), each) for each in (opening, committed)
    ]
    guess = max(cuts[0].money - shares.standing, 1e-9 * max(cuts[0].money, 1.0))
    most = np.full(len(wanted), FIRST_RANGE * guess / max(1.0 - float(shares.base.min()), 1e-3))
    price = most / FIRST_RANGE / len(wanted)
    best, best_price = shares.standing, np.zeros(len(wanted))
    known: tuple[PhasedDualPoint, FloatArray] | None = None
    relaxed = opening
    for number in range(PRICES):
        point = _relaxed(shares, price, known, CLOSE_FRAC / 3.0 * cuts[0].money)
        known = point, price
        found = math.fsum(price) + shares.standing - point.bound
        if found > best:
            best, best_price = found, price
        served = shares.served(point.opening)
        cuts.append(_Cut(shares.money(point.opening), 1.0 - served, point.opening))
        highest = _highest(cuts, most)
        if highest is None:
            break
        level, next_price, parts = highest
        relaxed = sum((part * cut.opening for part, cut in zip(parts, cuts, strict=True)), nothing)
        ends = next_price >= most * (1.0 - 1e-9)
        is_close = level - best <= CLOSE_FRAC * abs(level) and not ends.any()
        if is_close or not may_go_on():
            break
        most = np.where(ends, 10.0 * most, most)
        # Every other price is the highest itself: where cuts are true they are so there at once.
        step = 1.0 if number % 2 else 0.5
        price = np.maximum(step * next_price + (1.0 - step) * best_price, LEAST_FRAC * most)
    by_node = nothing.copy()
    by_node[wanted] = best_price / least[wanted]
    return MoneyBound(best, by_node, shares.use @ relaxed + _standing(problem, at))


def _standing(problem: PhasedProblem, at: int) -> float:
    """Least that the stations which stand from the first node on take of the money."""
    from_root = problem.must_stand.all(axis=1)
    cost = np.where(problem.fits, problem.limits[at].use, np.inf).min(axis=1)
    return math.fsum(np.where(np.isfinite(cost), cost, 0.0)[from_root])


def _shares(
    problem: PhasedProblem, at: int, least: FloatArray, money_counts: FloatArray, wanted: IntArray
) -> _Shares:
    scale = np.zeros(problem.tree.num_nodes)
    scale[wanted] = 1.0 / least[wanted]
    scaled = problem.weighted(scale[problem.node_of])
    rows = merge_phased_rows(scaled)
    value = node_values(scaled)
    base = []
    for node in wanted.tolist():
        served = np.zeros(problem.num_zones, dtype=np.bool_)
        served[problem.reach.entries_of(problem.must_stand[:, node])] = True
        base.append(math.fsum(value[served, node]))
    use = rows.use[at]
    rent = np.ascontiguousarray(use[:, None] * -np.diff(money_counts, append=0.0))
    return _Shares(
        problem, rows, wanted, np.array(base), _standing(problem, at) * float(money_counts[0]),
        use, rent,
    )  # fmt: skip


def _relaxed(
    shares: _Shares,
    price: FloatArray,
    known: tuple[PhasedDualPoint, FloatArray] | None,
    close: float,
) -> PhasedDualPoint:
    """Multipliers and openings at prices, from those at the last ones, until they are close."""
    start = None
    if known is not None:
        point, earlier = known
        grown = np.ones(shares.rows.num_nodes)
        grown[shares.wanted] = price / earlier
        start = DualStart(point.multiplier * grown, point.price, point.opening)
    for point in phased_duals(shares.at(price), shares.problem, start=start):
        if point.bound - point.relaxed_value <= close or point.iterations >= ITERATIONS:
            break
    return point


def _highest(cuts: list[_Cut], most: FloatArray) -> tuple[float, FloatArray, FloatArray] | None:
    """The level of all cuts together, the prices where it is, and the mixture of plans behind it.

    max level with level <= money_p + sum_n price_n short_pn, 0 <= price <= most; the duals of the
    rows are shares of the plans.
    """
    import scipy.sparse

    money = np.array([cut.money for cut in cuts])
    short = np.array([cut.short for cut in cuts])
    unit = max(float(np.abs(money).max()), 1e-300)
    num = len(most)
    top = float(most.max())
    result = solve_linear(
        LinearModel(
            name="prices_of_shares",
            matrix=scipy.sparse.csr_matrix(
                np.column_stack([-short * (top / unit), np.ones(len(cuts))])
            ),
            row_lower=np.full(len(cuts), -np.inf),
            row_upper=money / unit,
            lower=np.append(np.zeros(num), -np.inf),
            upper=np.append(most / top, np.inf),
            objective=np.append(np.zeros(num), 1.0),
            maximize=True,
        ).to_ortools()
    )
    if result.values is None or result.duals is None:
        return None
    mixture = np.maximum(result.duals, 0.0)
    if not mixture.sum() > 0.0:
        return None
    return float(result.values[-1]) * unit, result.values[:-1] * top, mixture / mixture.sum()
