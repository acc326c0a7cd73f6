"""Linear relaxation of maximal covering with zero-half cuts, by the primal-dual method.

Goes on where `planner.models.coverage.primal_dual` ends, with its iteration, steps and restarts, on
the saddle point of a larger matrix. Cuts need the x_i: what rows of cuts are covered beyond x_i is
their excess e_i = sum_{j in N(i)} y_j - x_i >= 0, and with l_i = 1 - (multiplier of x_i <= 1) / w_i
and nu_T = W_T n_T, W_T the mean w_i of a cut's rows,

(1) min over l in [0, 1]^I, n >= 0, max over y in Y, e >= 0 of
    sum_i w_i (1 - l_i (1 + e_i)) + sum_j y_j sum_{i in N(j)} w_i l_i
      + sum_T W_T n_T ((|T| - 1) / 2 + sum_{i in T} e_i - sum_j floor(n_Tj / 2) y_j).

Any n >= 0 gives a bound: equation (2) of `planner.models.coverage.cuts` with
lambda_i = max(0, w_i l_i - N_i). Any y gives a value of this relaxation, by an e that keeps all
cuts.
From time to time cuts that the iterate breaks come in, and those that neither bind nor are priced
go. The primal weight stays what it is: the rule that makes both sides move alike suits the relaxed
plan, but leaves the bound, which alone counts here, several times farther off.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numba
import numpy as np

from planner.arrays import FloatArray, Lists
from planner.models.coverage.cuts import CutPrices, Cuts, sums
from planner.models.coverage.primal_dual import DualStart, draw_back, project
from planner.models.coverage.restarts import Restarts
from planner.models.coverage.rows import CoverRows
from planner.models.coverage.tuning import Tuning
from planner.solving.incidence import UnsignedLists, unsigned
from planner.solving.odd_sets import broken_sets, kept_and_new

SLACK_TO_GO = 0.05
"""A cut without price that is slack by more goes."""


@dataclass(frozen=True)
class CutPoint:
    """Best prices and relaxed plan so far.

    Attributes
    ----------
    prices : CutPrices
    bound : float
        What they prove, forced sites included.
    worth : float array, shape (num_sites,)
        c_j at these prices.
    opening : float array, shape (num_sites,)
        y_j of the last iterate.
    relaxed_value : float
        A value of the last relaxation with cuts; its best lies between this and its best bound.
    iterations : int
        Iterations done.
    num_cuts : int
        Cuts in force.
    """

    prices: CutPrices
    bound: float
    worth: FloatArray
    opening: FloatArray
    relaxed_value: float
    iterations: int
    num_cuts: int


@dataclass(frozen=True)
class _Iterate:
    """Where the method stands; `cut_share` is n, one entry per cut."""

    opening: FloatArray
    excess: FloatArray
    share: FloatArray
    cut_share: FloatArray
    omega: float
    price: float


def cut_dual(
    rows: CoverRows, start: DualStart, rng: np.random.Generator, tuning: Tuning = Tuning()
) -> Iterator[CutPoint]:
    """Improve the bound by cuts for as long as the caller asks for the next point.

    Parameters
    ----------
    rows : CoverRows
        With at least one row and one station to place.
    start : DualStart
        Where the method without cuts ended.
    rng : numpy.random.Generator
        For the search of cuts.
    tuning : Tuning, optional

    Yields
    ------
    CutPoint
        After every ``tuning.iterations_per_point`` iterations; bounds never rise. Ends if the first
        search finds no cut.
    """
    iterate = _Iterate(
        start.opening.copy(), np.zeros(rows.num_rows), start.share.copy(), np.empty(0),
        tuning.cut_weight * start.omega, start.price,
    )  # fmt: skip
    cuts = Cuts.of(rows, Lists.of([]))
    best: CutPoint | None = None
    iterations = 0
    while True:
        cuts, iterate = _next_cuts(rows, cuts, iterate, rng)
        if cuts.num_cuts == 0:
            return
        steps = _Steps(rows, cuts, tuning, iterate)
        until = max(tuning.min_cut_iterations, int(tuning.cut_iterations_share * iterations))
        for _ in range(-(-until // tuning.iterations_per_point)):
            prices, relaxed = steps.advance()
            iterations += tuning.iterations_per_point
            bound, worth = prices.bound(rows), prices.worth(rows)
            if best is None or bound < best.bound:
                best = CutPoint(
                    prices, bound, worth, steps.opening, relaxed, iterations, cuts.num_cuts
                )
            best = replace(
                best, opening=steps.opening.copy(), relaxed_value=relaxed, iterations=iterations,
                num_cuts=cuts.num_cuts,
            )  # fmt: skip
            yield best
        iterate = steps.iterate


def _next_cuts(
    rows: CoverRows, cuts: Cuts, iterate: _Iterate, rng: np.random.Generator
) -> tuple[Cuts, _Iterate]:
    """Let cuts go that do nothing and take in those that are broken."""
    keep = (iterate.cut_share > 1e-6) | (_broken(cuts, iterate) > -SLACK_TO_GO)
    found = broken_sets(rows.rows_of_site, iterate.opening, iterate.excess, rng)
    old, new = kept_and_new(cuts.rows_of_cut, keep, found)
    members = Lists(
        np.concatenate((old.ptr, old.ptr[-1] + new.ptr[1:])), np.concatenate((old.idx, new.idx))
    )
    cut_share = np.concatenate((iterate.cut_share[keep], np.zeros(new.num_lists)))
    return Cuts.of(rows, members), replace(iterate, cut_share=cut_share)


def _broken(cuts: Cuts, iterate: _Iterate) -> FloatArray:
    """By how much each cut is broken, shape (num_cuts,)."""
    paired = sums(cuts.pairs_of_cut, iterate.opening)
    return paired - sums(cuts.rows_of_cut, iterate.excess) - cuts.limit


@numba.njit(cache=True, nogil=True)
def _share_step(
    value: FloatArray,
    sites_of_row: UnsignedLists,
    in_cut: FloatArray,
    opening: FloatArray,
    excess: FloatArray,
    share: FloatArray,
    omega: float,
    new_share: FloatArray,
    extrapolated: FloatArray,
) -> None:
    """Equation (2) of the method without cuts, with the excess of rows of cuts."""
    ptr, idx = sites_of_row
    for row in range(len(value)):
        first, stop = ptr[row], ptr[row + 1]
        surplus = -1.0 - excess[row]
        for arc in range(first, stop):
            surplus += opening[idx[arc]]
        moved = share[row] - surplus / (omega * (stop - first + in_cut[row]))
        moved = min(max(moved, 0.0), 1.0)
        new_share[row] = moved
        extrapolated[row] = value[row] * (2.0 * moved - share[row])


@numba.njit(cache=True, nogil=True)
def _keep_cuts(
    value: FloatArray, rows_of_cut: UnsignedLists, needed: FloatArray, excess: FloatArray
) -> None:
    """Raise the excess of the cheapest row of each cut that is broken."""
    ptr, idx = rows_of_cut
    for cut in range(len(needed)):
        total, cheapest = 0.0, idx[ptr[cut]]
        for member in range(ptr[cut], ptr[cut + 1]):
            row = idx[member]
            total += excess[row]
            if value[row] < value[cheapest]:
                cheapest = row
        if total < needed[cut]:
            excess[cheapest] += needed[cut] - total


class _Steps:
    """Iterations on a fixed set of cuts."""

    def __init__(self, rows: CoverRows, cuts: Cuts, tuning: Tuning, iterate: _Iterate) -> None:
        self.rows, self.cuts, self.tuning = rows, cuts, tuning
        value = rows.value
        members = cuts.rows_of_cut.sizes
        self.in_cut = (cuts.cuts_of_row.sizes > 0).astype(np.float64)
        self.scale = sums(cuts.rows_of_cut, value) / members
        # Row and column sums of the matrix, which the steps are the inverse of.
        self.opening_norm = sums(rows.rows_of_site, value) + sums(cuts.cuts_of_pair, self.scale)
        self.excess_norm = np.where(
            self.in_cut > 0, value + sums(cuts.cuts_of_row, self.scale), np.inf
        )
        self.cut_size = (cuts.pairs_of_cut.sizes + members).astype(np.float64)

        self.omega, self.price = iterate.omega, iterate.price
        self.opening = iterate.opening
        self.excess = iterate.excess * self.in_cut
        self.share, self.cut_share = iterate.share, iterate.cut_share
        self.at = [each.copy() for each in self._moved]
        self.anchor = [each.copy() for each in self._moved]
        self.restarts = Restarts(tuning)

    @property
    def _moved(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        return self.opening, self.excess, self.share, self.cut_share

    @property
    def iterate(self) -> _Iterate:
        """Where the iterations ended."""
        opening, excess, share, cut_share = (each.copy() for each in self._moved)
        return _Iterate(opening, excess, share, cut_share, self.omega, self.price)

    def advance(self) -> tuple[CutPrices, float]:
        """Iterate up to the next look; prices there, and a value of the relaxation."""
        per_point = self.tuning.iterations_per_point
        for number in range(self.restarts.since_restart, self.restarts.since_restart + per_point):
            self._iterate()
            for at, moved, anchor in zip(self.at, self._moved, self.anchor, strict=True):
                draw_back(at, moved, anchor, number)
        self.restarts.advance(per_point)
        prices, relaxed = self._prices(), self._relaxed_value()
        if self.restarts.due(prices.bound(self.rows) - relaxed):
            self._restart()
        return prices, relaxed

    def _iterate(self) -> None:
        rows, cuts, value, omega = self.rows, self.cuts, self.rows.value, self.omega
        at_opening, at_excess, at_share, at_cut = self.at
        extrapolated = np.empty(rows.num_rows)
        self.share = np.empty(rows.num_rows)
        _share_step(
            value, unsigned(rows.sites_of_row), self.in_cut, at_opening, at_excess, at_share, omega,
            self.share, extrapolated,
        )  # fmt: skip
        broken = (
            sums(cuts.pairs_of_cut, at_opening) - sums(cuts.rows_of_cut, at_excess) - cuts.limit
        )
        self.cut_share = np.maximum(at_cut + broken / (omega * self.cut_size), 0.0)
        priced = self.scale * (2.0 * self.cut_share - at_cut)
        step = omega / self.opening_norm
        worth = sums(rows.rows_of_site, extrapolated) - sums(cuts.cuts_of_pair, priced)
        self.opening = np.empty(rows.num_sites)
        budget = float(rows.num_stations)
        self.price = project(at_opening + step * worth, step, budget, self.price, self.opening)
        pull = sums(cuts.cuts_of_row, priced) - extrapolated
        self.excess = np.maximum(at_excess + omega / self.excess_norm * pull, 0.0)

    def _prices(self) -> CutPrices:
        cut_multiplier = self.scale * self.cut_share
        on_row = sums(self.cuts.cuts_of_row, cut_multiplier)
        multiplier = np.maximum(self.rows.value * self.share - on_row, 0.0)
        return CutPrices(self.cuts, multiplier, cut_multiplier)

    def _relaxed_value(self) -> float:
        rows, cuts = self.rows, self.cuts
        served = sums(rows.sites_of_row, self.opening)
        needed = sums(cuts.pairs_of_cut, self.opening) - cuts.limit
        lost = np.inf
        for least in (np.zeros(rows.num_rows), self.excess):
            excess = np.maximum(served - 1.0, least)
            _keep_cuts(rows.value, unsigned(cuts.rows_of_cut), needed, excess)
            lost = min(lost, float(rows.value @ excess))
        return rows.base_value + float(rows.value @ served) - lost

    def _restart(self) -> None:
        self.at = [each.copy() for each in self._moved]
        self.anchor = [each.copy() for each in self._moved]
