"""Linear relaxation of set covering by the primal-dual hybrid gradient method: proven bounds.

With v_i, r_i, c_j, N(i) and the value D that is asked for as in
:mod:`planner.models.set_cover.presolve`, and Y the site choices that keep the numbers, nationwide
and by city,

    min  sum_j c_j y_j
    (1)  sum_{j in N(i)} y_j >= r_i x_i       every row i            [multiplier a_i l_i]
    (2)  sum_i v_i x_i >= D,  0 <= x_i <= 1                           [multiplier m]
    (3)  y in Y

with a_i = v_i / r_i. Any l >= 0 bounds every plan from below by

    (4)  min {sum_i v_i l_i x_i : (2)} + min {sum_j (c_j - sum_{i in N(j)} a_i l_i) y_j : (3)},

a fractional knapsack, solved by taking rows in the order of l_i, and a choice of sites. One
iteration (Chambolle and Pock 2011, JMIV 40:120-145; a step per coordinate, Pock and Chambolle
2011, ICCV) is, with W = sum_i v_i and C_j = sum_{i in N(j)} a_i,

    (5)  t_i = l_i + omega (r_i - sum_{j in N(i)} y_j) / |N(i)|,
    (6)  l_i <- clip(t_i, 0, m), m >= 0 such that
         sum_i a_i |N(i)| max(t_i - m, 0) = omega (W - D),
    (7)  y_j <- clip(y_j + (sum_{i in N(j)} a_i (2 l_i - l_i old) - c_j) / (omega C_j), 0, 1).

(5) and (6) maximize m (D - W) - sum_i a_i |N(i)| (l_i - t_i)^2 / (2 omega) over 0 <= l_i <= m:
what (6) cuts off is the value left uncovered. Where all rows must be covered W = D, and nothing is
cut off. Numbers of stations enter (7) as further rows of weight b, the mean of C_j; in (4) the
choice of sites keeps them exactly. Averages, restarts and omega follow PDLP (Applegate et al. 2021,
NeurIPS 34), with the cost of y, what it leaves undone at twice its price, less (4) as the measure.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.set_cover.presolve import CoverTask, Incidence
from planner.solving.best_sites import best_sites
from planner.solving.incidence import sum_over_lists

ITERATIONS_PER_POINT = 20
"""Iterations between two looks at the bound."""
SUFFICIENT_DECAY, NECESSARY_DECAY, ARTIFICIAL_SHARE = 0.2, 0.8, 0.36
"""Restart rules of PDLP (section 3.2)."""


@dataclass(frozen=True)
class CoverPoint:
    """Best multipliers so far, and the relaxed plan that belongs to them.

    Attributes
    ----------
    share : float array, shape (num_rows,)
        l_i >= 0 [cost per value].
    number_price : float array, shape (num_sites,)
        What one more station at each site costs or saves for the sake of numbers [cost].
    bound : float
        (4), forced sites included.
    price : float
        m: what one more unit of value costs; 0 where all rows must be covered.
    opening : float array, shape (num_sites,)
        y_j in [0, 1] of the relaxation, nearly.
    relaxed_cost : float
        Estimate of the optimum of the relaxation, forced sites included: the cost of ``opening``
        with what it leaves undone at twice its price.
    iterations : int
    """

    share: FloatArray
    number_price: FloatArray
    bound: float
    price: float
    opening: FloatArray
    relaxed_cost: float
    iterations: int

    @property
    def relaxation_gap_frac(self) -> float:
        """How far, as a fraction, the bound may lie below the optimum of the relaxation."""
        missing = self.relaxed_cost - self.bound
        return max(missing, 0.0) / self.bound if self.bound > 0.0 else math.inf


@numba.njit(cache=True, nogil=True)
def _row_targets(
    inc: Incidence,
    need: IntArray,
    opening: FloatArray,
    share: FloatArray,
    omega: float,
    target: FloatArray,
) -> None:
    """Equation (5)."""
    for row in range(len(share)):
        start, stop = inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]
        missing = np.float64(need[row])
        for arc in range(start, stop):
            missing -= opening[inc.sites_of_row.idx[arc]]
        target[row] = share[row] + omega * missing / (stop - start)


@numba.njit(cache=True, nogil=True)
def _price_of_value(target: FloatArray, weight: FloatArray, cut: float, price: float) -> float:
    """The price m of equation (6), by Newton's method on a convex piecewise linear function."""
    for _ in range(100):
        excess, slope = -cut, 0.0
        for row in range(len(target)):
            if target[row] > price:
                excess += weight[row] * (target[row] - price)
                slope += weight[row]
        if slope == 0.0:
            if price <= 0.0:
                return 0.0
            price = 0.5 * price if price > 1e-300 else 0.0
            continue
        step = excess / slope
        if price + step <= 0.0:
            if price == 0.0:
                return 0.0
            price = 0.0
            continue
        price += step
        if abs(step) <= 1e-12 * price:
            break
    return price


@numba.njit(cache=True, nogil=True)
def _clip_rows(
    target: FloatArray,
    price: float,
    share: FloatArray,
    row_scale: FloatArray,
    extrapolated: FloatArray,
) -> None:
    """Equation (6), in place; ``extrapolated`` receives a_i (2 l_i - l_i old)."""
    for row in range(len(share)):
        moved = min(max(target[row], 0.0), price)
        extrapolated[row] = row_scale[row] * (2.0 * moved - share[row])
        share[row] = moved


@dataclass
class _Numbers:
    """Rows of equation (3) that may bind: limits on the number of stations of groups of sites."""

    group: list[IntArray] = field(default_factory=list)
    least: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)


def _numbers(task: CoverTask) -> _Numbers:
    numbers = _Numbers()

    def add(group: IntArray, least: int, most: int) -> None:
        if least > 0 or most < len(group):
            numbers.group.append(group)
            numbers.least.append(float(min(least, len(group))))
            numbers.most.append(float(max(most, 0)))

    add(np.arange(task.num_sites), task.least, task.most)
    if task.cities is not None:
        order = np.argsort(task.cities.city_idx, kind="stable").astype(np.int64)
        ptr = np.searchsorted(
            task.cities.city_idx[order], np.arange(len(task.cities.min_stations) + 1)
        )
        for city, (least, most) in enumerate(
            zip(task.cities.min_stations.tolist(), task.cities.max_stations.tolist(), strict=True)
        ):
            add(order[ptr[city] : ptr[city + 1]], least, most)
    return numbers


def reduced_cost(task: CoverTask, share: FloatArray) -> FloatArray:
    """c_j - sum_{i in N(j)} a_i l_i, shape (num_sites,)."""
    worth = np.empty(task.num_sites)
    sum_over_lists(
        task.incidence.rows_of_site,
        task.row_scale * share,
        worth,
    )
    return task.cost - worth


def _row_cost(task: CoverTask, share: FloatArray) -> FloatArray:
    """What each row taken in whole or part by the knapsack of (4) contributes."""
    if task.covers_all:
        return task.value * share
    order = np.argsort(share, kind="stable")
    before = np.cumsum(task.value[order]) - task.value[order]
    taken = np.clip(task.required - before, 0.0, task.value[order])
    return np.asarray(taken * share[order])


def lagrangian_cost(task: CoverTask, share: FloatArray) -> float:
    """(4) with the cost of the forced sites; multipliers below 0 are raised to it first.

    Parameters
    ----------
    task : CoverTask
    share : float array, shape (num_rows,)

    Returns
    -------
    float
        No plan costs less, up to the rounding of reduced costs.
    """
    share = np.maximum(share, 0.0)
    reduced = reduced_cost(task, share)
    chosen = _cheapest_choice(task, reduced)
    return math.fsum(
        (task.base_cost, math.fsum(_row_cost(task, share)), math.fsum(reduced[chosen]))
    )


def _cheapest_choice(task: CoverTask, cost: FloatArray) -> IntArray:
    """Sites of least total cost, which may be negative, that keep the numbers."""
    nowhere = np.zeros(task.num_sites, dtype=np.bool_)
    return best_sites(-cost, nowhere, nowhere, task.least, task.most, task.cities)


def fix_by_bound(task: CoverTask, point: CoverPoint, ceiling: float) -> tuple[BoolArray, BoolArray]:
    """Sites that every plan of at most a given cost opens, and sites that none opens.

    With prices p_j for numbers the choice of sites in (4) costs at least the sum of the negative
    d_j = c_j - sum_{i in N(j)} a_i l_i - p_j, and the least that sum_j p_j y_j can be within the
    numbers. To open a site that this leaves out, or to close one that it takes, costs |d_j| more.

    Parameters
    ----------
    task : CoverTask
    point : CoverPoint
    ceiling : float
        Plans that cost more are of no interest.

    Returns
    -------
    always_open, never_open : bool arrays, shape (num_sites,)
    """
    reduced = reduced_cost(task, point.share) - point.number_price
    bound = math.fsum(
        (
            task.base_cost,
            math.fsum(_row_cost(task, point.share)),
            math.fsum(np.minimum(reduced, 0.0)),
            math.fsum(point.number_price[_cheapest_choice(task, point.number_price)]),
        )
    )
    # A margin well above the rounding of the sums.
    slack = ceiling - bound + 1e-9 * max(abs(ceiling), 1.0)
    return -reduced > slack, reduced > slack


def improve_cover_bound(task: CoverTask, start: IntArray) -> Iterator[CoverPoint]:
    """Better and better multipliers for as long as the caller asks.

    Parameters
    ----------
    task : CoverTask
        With at least one row.
    start : int array
        Open sites of a plan to start from.

    Yields
    ------
    CoverPoint
        The best so far, one every ``ITERATIONS_PER_POINT`` iterations.
    """
    inc, cost, scale = task.incidence, task.cost, task.row_scale
    numbers = _numbers(task)
    row_norm = scale * task.sites_of_row.sizes
    reach_scale = np.empty(task.num_sites)
    sum_over_lists(inc.rows_of_site, scale, reach_scale)
    weight = float(reach_scale.mean())
    norm = reach_scale.copy()
    for group in numbers.group:
        norm[group] += weight
    norm = np.maximum(norm, 1e-12 * weight)
    spare = float(task.value.sum()) - task.required
    row_price = cheapest_site(task)

    opening = np.zeros(task.num_sites)
    opening[start] = 1.0
    typical = float(np.median(cost / norm))
    omega = typical if typical > 0.0 else float(max((cost / norm).mean(), 1e-12))
    share = np.full(task.num_rows, omega)
    group_price = np.zeros(len(numbers.group))
    target, extrapolated = np.empty_like(share), np.empty_like(share)
    worth = np.empty_like(opening)
    price = math.inf if task.covers_all else 2.0 * omega
    sums = [np.zeros_like(opening), np.zeros_like(share), np.zeros_like(group_price)]
    anchor_opening, anchor_share = opening.copy(), share.copy()
    since_restart, gap_at_restart, last_gap = 0, math.inf, math.inf
    best = CoverPoint(share.copy(), np.zeros(task.num_sites), -math.inf, 0.0, opening, math.inf, 0)
    iterations = 0

    def site_prices(some_group_price: FloatArray) -> FloatArray:
        prices = np.zeros(task.num_sites)
        for group, one in zip(numbers.group, some_group_price, strict=True):
            prices[group] += one
        return prices

    def relaxed_cost(
        some_opening: FloatArray, some_price: float, some_group_price: FloatArray
    ) -> float:
        near = _row_sums(inc, some_opening)
        if task.covers_all:
            lack = float((np.maximum(task.need - near, 0.0) * row_price).sum())
        else:
            covered = float((task.value * np.minimum(near / task.need, 1.0)).sum())
            lack = 2.0 * some_price * max(task.required - covered, 0.0)
        for at, group in enumerate(numbers.group):
            number = float(some_opening[group].sum())
            beyond = max(numbers.least[at] - number, number - numbers.most[at], 0.0)
            lack += 2.0 * abs(some_group_price[at]) * beyond
        return task.base_cost + float(cost @ some_opening) + lack

    while True:
        for _ in range(ITERATIONS_PER_POINT):
            _row_targets(inc, task.need, opening, share, omega, target)
            if not task.covers_all:
                price = _price_of_value(target, row_norm, omega * spare, price)
            _clip_rows(target, price, share, scale, extrapolated)
            sum_over_lists(inc.rows_of_site, extrapolated, worth)
            for at, group in enumerate(numbers.group):
                step = omega * weight / len(group)
                before, number = group_price[at], float(opening[group].sum())
                moved = before - step * number
                group_price[at] = max(moved + step * numbers.least[at], 0.0) + min(
                    moved + step * numbers.most[at], 0.0
                )
                worth[group] += 2.0 * group_price[at] - before
            opening = np.clip(opening + (worth - cost) / (omega * norm), 0.0, 1.0)
            sums[0] += opening
            sums[1] += share
            sums[2] += group_price
        iterations += ITERATIONS_PER_POINT
        since_restart += ITERATIONS_PER_POINT

        means = [total / since_restart for total in sums]
        candidates = []
        for some_opening, some_share, some_group in ((opening, share, group_price), tuple(means)):
            some_price = 0.0 if task.covers_all else price
            bound = lagrangian_cost(task, some_share)
            relaxed = relaxed_cost(some_opening, some_price, some_group)
            candidates.append((relaxed - bound, some_opening, some_share, some_group))
            better = bound > best.bound
            best = CoverPoint(
                some_share.copy() if better else best.share,
                site_prices(some_group) if better else best.number_price,
                max(bound, best.bound),
                some_price,
                some_opening.copy() if relaxed < best.relaxed_cost else best.opening,
                min(relaxed, best.relaxed_cost),
                iterations,
            )
        yield best
        gap, best_opening, best_share, best_group = min(candidates, key=lambda one: one[0])
        if (
            gap <= SUFFICIENT_DECAY * gap_at_restart
            or (gap <= NECESSARY_DECAY * gap_at_restart and gap > last_gap)
            or since_restart >= ARTIFICIAL_SHARE * iterations
        ):
            opening, share, group_price = best_opening.copy(), best_share.copy(), best_group.copy()
            moved_opening = math.sqrt(float(norm @ (opening - anchor_opening) ** 2))
            moved_share = math.sqrt(float(row_norm @ (share - anchor_share) ** 2))
            if moved_opening > 1e-10 * math.sqrt(weight) and moved_share > 0.0:
                omega = math.sqrt(omega * moved_share / moved_opening)
            anchor_opening, anchor_share = opening.copy(), share.copy()
            for total in sums:
                total[:] = 0.0
            since_restart, gap_at_restart, last_gap = 0, gap, math.inf
        else:
            last_gap = gap


@numba.njit(cache=True, nogil=True)
def _row_sums(inc: Incidence, opening: FloatArray) -> FloatArray:
    near = np.zeros(len(inc.value))
    for row in range(len(near)):
        for arc in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
            near[row] += opening[inc.sites_of_row.idx[arc]]
    return near


@numba.njit(cache=True, nogil=True)
def _cheapest(inc: Incidence, cost: FloatArray) -> FloatArray:
    least = np.full(len(inc.value), np.inf)
    for row in range(len(least)):
        for arc in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
            least[row] = min(least[row], cost[inc.sites_of_row.idx[arc]])
    return least


def cheapest_site(task: CoverTask) -> FloatArray:
    """Cost of the cheapest site of each row."""
    least: FloatArray = _cheapest(task.incidence, task.cost)
    return least
