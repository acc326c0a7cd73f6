"""Zero-half cuts of set covering as further rows, and the bound that prices them.

Takes a task whose rows must all be covered, by one station each, and odd sets of them; which sets
are worth it is left to `planner.solving.odd_sets`.

Half of each row of a set T of an odd number of rows, added up and rounded upwards (Caprara and
Fischetti 1996, Mathematical Programming 74:221-235), gives for all plans, with n_Tj the number of
rows of T that site j covers,

(1) sum_j ceil(n_Tj / 2) y_j >= (|T| + 1) / 2:

a row that takes (|T| + 1) / 2 stations, where site j counts ceil(n_Tj / 2) times. As its sites are
listed so many times, bound, reduced costs and areas treat it like any other row.

The multipliers u_i >= 0 of all rows, cuts among them, walk by the primal-dual method on the saddle
point sum_i r_i u_i + sum_j (c_j - sum_{i in N(j)} u_i) y_j, drawn back to an anchor after being
reflected (Lu and Yang 2024, arXiv:2407.16144), at a fixed weight of both sides: the rule that makes
both move alike leaves the bound farther off. A look at the bound makes them feasible beforehand,

(2) u_i <- u_i / max over j in N(i) of max(1, sum_{k in N(j)} u_k / c_j),

so that no site earns more than it costs: what is a little too much at a thousand sites would be
taken off a thousand times otherwise.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numba
import numpy as np

from planner.arrays import FloatArray, IndexArray, Lists
from planner.models.set_cover.dual import (
    NECESSARY_DECAY,
    SUFFICIENT_DECAY,
    CoverPoint,
    cheapest_site,
    lagrangian_cost,
)
from planner.models.set_cover.presolve import CoverTask
from planner.models.set_cover.tuning import Tuning
from planner.solving.incidence import UnsignedLists, sum_over_lists, transpose, unsigned
from planner.solving.odd_sets import broken_sets, halved_sites, kept_and_new

LEAST_SINCE_RESTART, LONGEST_SHARE = 100, 0.36
"""The method begins anew after that share of all iterations on the same cuts, and not before."""
PRICED, SLACK_TO_GO = 1e-9, 0.05
"""A cut without price that is slack by more goes."""


@dataclass(frozen=True)
class CutPoint:
    """Cuts with the best multipliers so far.

    Attributes
    ----------
    task : CoverTask
        The rows of the task, then those of the cuts.
    point : CoverPoint
        Of that task.
    num_cuts : int
    """

    task: CoverTask
    point: CoverPoint
    num_cuts: int


def with_cuts(task: CoverTask, rows_of_cut: Lists) -> CoverTask:
    """The task with the cuts (1) of odd sets of rows as further rows.

    Parameters
    ----------
    task : CoverTask
        All rows must be covered, by one station each.
    rows_of_cut : Lists, num_cuts of them
        T: distinct rows, an odd number.

    Raises
    ------
    ValueError
        If a set has an even number of rows, or a row takes several stations: (1) would not round.
    """
    if (rows_of_cut.sizes % 2 == 0).any() or not task.covers_all or (task.need != 1).any():
        raise ValueError("a cut needs an odd number of rows that take one station each")
    ptr, idx = halved_sites(
        unsigned(rows_of_cut), unsigned(task.sites_of_row), task.num_sites, True
    )
    sites_of_row = _joined(task.sites_of_row, Lists(ptr, idx))
    need = np.concatenate((task.need, (rows_of_cut.sizes + 1) // 2)).astype(np.int32)
    return replace(
        task,
        value=np.ones(len(need)),
        need=need,
        sites_of_row=sites_of_row,
        rows_of_site=transpose(sites_of_row, task.num_sites),
        required=float(len(need)),
    )


def _joined(first: Lists, second: Lists) -> Lists:
    ptr = np.concatenate((first.ptr, first.ptr[-1] + second.ptr[1:]))
    return Lists(ptr, np.concatenate((first.idx, second.idx)))


def improve_by_cuts(
    task: CoverTask, start: CoverPoint, rng: np.random.Generator, tuning: Tuning
) -> Iterator[CutPoint]:
    """Improve the bound by cuts for as long as the caller asks for the next point.

    Parameters
    ----------
    task : CoverTask
        All rows must be covered, by one station each; no numbers of stations bind.
    start : CoverPoint
        Where the method without cuts ended.
    rng : numpy.random.Generator
        For the search of cuts.
    tuning : Tuning

    Yields
    ------
    CutPoint
        Every ``tuning.iterations_per_look`` iterations; bounds never fall. Ends if the first search
        finds no cut.
    """
    rows_of_cut = Lists.of([])
    iterate = _Iterate(start.opening.copy(), start.share * task.row_scale)
    omega = tuning.cut_weight * _balance(task, iterate)
    best: CutPoint | None = None
    iterations, longer = 0, task
    while True:
        rows_of_cut, iterate = _next_cuts(task, longer, rows_of_cut, iterate, rng)
        num_cuts = rows_of_cut.num_lists
        if num_cuts == 0:
            return
        longer = with_cuts(task, rows_of_cut)
        steps = _Steps(longer, iterate, omega, tuning.iterations_per_look)
        until = max(tuning.least_cut_iterations, int(tuning.cut_iterations_share * iterations))
        for _ in range(-(-until // tuning.iterations_per_look)):
            point = steps.advance()
            iterations += tuning.iterations_per_look
            if best is None or point.bound > best.point.bound:
                best = CutPoint(longer, point, num_cuts)
            now = replace(
                best.point, relaxed_cost=point.relaxed_cost, opening=point.opening,
                iterations=iterations,
            )  # fmt: skip
            best = replace(best, point=now)
            yield best
        iterate = steps.iterate


@dataclass(frozen=True)
class _Iterate:
    opening: FloatArray
    multiplier: FloatArray


def _balance(task: CoverTask, iterate: _Iterate) -> float:
    """Weight at which multipliers and openings are alike in size."""
    openings = float(task.rows_of_site.sizes @ iterate.opening**2)
    return math.sqrt(
        max(float(task.sites_of_row.sizes @ iterate.multiplier**2), 1e-300) / max(openings, 1e-300)
    )


def _next_cuts(
    task: CoverTask,
    longer: CoverTask,
    rows_of_cut: Lists,
    iterate: _Iterate,
    rng: np.random.Generator,
) -> tuple[Lists, _Iterate]:
    """Let cuts go that do nothing and take in those that are broken."""
    surplus = _sums(longer.sites_of_row, iterate.opening) - longer.need
    of_rows, of_cuts = np.split(iterate.multiplier, [task.num_rows])
    keep = (of_cuts > PRICED) | (surplus[task.num_rows :] < SLACK_TO_GO)
    excess = np.maximum(surplus[: task.num_rows], 0.0)
    found = broken_sets(task.rows_of_site, iterate.opening, excess, rng)
    old, new = kept_and_new(rows_of_cut, keep, found)
    multiplier = np.concatenate((of_rows, of_cuts[keep], np.zeros(new.num_lists)))
    return _joined(old, new), replace(iterate, multiplier=multiplier)


def _sums(lists: Lists, quantity: FloatArray) -> FloatArray:
    out = np.empty(lists.num_lists)
    sum_over_lists(unsigned(lists), quantity, out)
    return out


@numba.njit(cache=True, nogil=True)
def _multiplier_step(
    sites_of_row: UnsignedLists,
    need: IndexArray,
    opening: FloatArray,
    multiplier: FloatArray,
    omega: float,
    moved: FloatArray,
    extrapolated: FloatArray,
) -> None:
    ptr, idx = sites_of_row
    for row in range(len(need)):
        start, stop = ptr[row], ptr[row + 1]
        missing = np.float64(need[row])
        for arc in range(start, stop):
            missing -= opening[idx[arc]]
        moved[row] = max(multiplier[row] + omega * missing / (stop - start), 0.0)
        extrapolated[row] = 2.0 * moved[row] - multiplier[row]


@numba.njit(cache=True)
def _largest_of_row(sites_of_row: UnsignedLists, quantity: FloatArray) -> FloatArray:
    ptr, idx = sites_of_row
    largest = np.zeros(len(ptr) - 1)
    for row in range(len(largest)):
        for arc in range(ptr[row], ptr[row + 1]):
            largest[row] = max(largest[row], quantity[idx[arc]])
    return largest


def feasible_multipliers(task: CoverTask, multiplier: FloatArray) -> FloatArray:
    """Equation (2), shape (num_rows,); what earns at a site that costs nothing becomes 0."""
    worth = _sums(task.rows_of_site, multiplier)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.where(worth > task.cost, worth / task.cost, 1.0)
    return np.asarray(multiplier / _largest_of_row(unsigned(task.sites_of_row), excess))


class _Steps:
    """Iterations on a fixed set of cuts."""

    def __init__(self, task: CoverTask, start: _Iterate, omega: float, per_look: int) -> None:
        self.task, self.omega, self.per_look = task, omega, per_look
        self.step_of_site = 1.0 / (omega * np.maximum(task.rows_of_site.sizes, 1))
        self.row_price = cheapest_site(task)
        self.iterate = self.at = self.anchor = start
        self.since_restart = self.total = 0
        self.gap_at_restart = self.last_gap = math.inf

    def advance(self) -> CoverPoint:
        """Iterate up to the next look; the bound there."""
        task, need = self.task, self.task.need
        moved, extrapolated = np.empty(task.num_rows), np.empty(task.num_rows)
        for _ in range(self.per_look):
            at, anchor = self.at, self.anchor
            _multiplier_step(
                unsigned(task.sites_of_row), need, at.opening, at.multiplier, self.omega,
                moved, extrapolated,
            )  # fmt: skip
            earned = _sums(task.rows_of_site, extrapolated) - task.cost
            opening = np.clip(at.opening + earned * self.step_of_site, 0.0, 1.0)
            share = (self.since_restart + 1.0) / (self.since_restart + 2.0)
            self.at = _Iterate(
                share * (2.0 * opening - at.opening) + (1.0 - share) * anchor.opening,
                share * (2.0 * moved - at.multiplier) + (1.0 - share) * anchor.multiplier,
            )
            self.since_restart += 1
        self.total += self.per_look
        self.iterate = _Iterate(opening, moved)
        lack = np.maximum(need - _sums(task.sites_of_row, opening), 0.0)
        relaxed = task.base_cost + float(task.cost @ opening) + float(lack @ self.row_price)
        shares = [each / task.row_scale for each in (moved, feasible_multipliers(task, moved))]
        bounds = [lagrangian_cost(task, share) for share in shares]
        self._restart_if_due(relaxed - bounds[0])
        return CoverPoint(
            share=shares[int(bounds[1] > bounds[0])],
            number_price=np.zeros(task.num_sites),
            bound=max(bounds),
            price=0.0,
            opening=opening,
            relaxed_cost=relaxed,
            iterations=self.total,
        )

    def _restart_if_due(self, gap: float) -> None:
        longest = max(LONGEST_SHARE * self.total, LEAST_SINCE_RESTART)
        if (
            gap <= SUFFICIENT_DECAY * self.gap_at_restart
            or (gap <= NECESSARY_DECAY * self.gap_at_restart and gap > self.last_gap)
            or self.since_restart >= longest
        ):
            self.at = self.anchor = self.iterate
            self.since_restart, self.gap_at_restart, self.last_gap = 0, gap, math.inf
        else:
            self.last_gap = gap
