"""Zero-half cuts of maximal covering, and the Lagrangian bound that prices them.

Takes merged rows and odd sets of them; how good sets are found is left to
`planner.solving.odd_sets`.

Half of each x_i <= sum_{j in N(i)} y_j and half of each x_i <= 1, summed over an odd set T of rows
and rounded (Caprara and Fischetti 1996, Mathematical Programming 74:221-235), give for all plans,
with n_Tj the number of rows of T that site j covers,

(1) sum_{i in T} x_i <= sum_j ceil(n_Tj / 2) y_j + (|T| - 1) / 2.

The smallest set is three rows of which each two share a site: half a station at each of the three
sites covers all three in the linear relaxation, where one station covers two.

With multipliers lambda >= 0 of the rows and nu >= 0 of the cuts, N_i the sum of nu_T over the cuts
of row i, every plan is worth at most

(2) sum_i max(0, w_i - lambda_i - N_i) + sum_T nu_T (|T| - 1) / 2
      + sum of the p largest c_j that are positive,
(3) c_j = sum over i in N(j) of (lambda_i + N_i) - sum_T floor(n_Tj / 2) nu_T.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from planner.arrays import FloatArray, Lists
from planner.models.coverage.bound import largest
from planner.models.coverage.rows import CoverRows
from planner.solving.incidence import sum_over_lists, transpose, unsigned
from planner.solving.odd_sets import halved_sites


@dataclass(frozen=True)
class Cuts:
    """Odd sets of rows.

    Attributes
    ----------
    rows_of_cut : Lists, num_cuts of them
        T: distinct rows, an odd number.
    pairs_of_cut : Lists, num_cuts of them
        Each site floor(n_Tj / 2) times, ascending.
    num_rows, num_sites : int
        Of the covering problem.
    """

    rows_of_cut: Lists
    pairs_of_cut: Lists
    num_rows: int
    num_sites: int

    @staticmethod
    def of(rows: CoverRows, rows_of_cut: Lists) -> "Cuts":
        """Cuts of odd sets of rows.

        Raises
        ------
        ValueError
            If a set has an even number of rows: (1) would not round.
        """
        if (rows_of_cut.sizes % 2 == 0).any():
            raise ValueError("a cut needs an odd number of rows")
        pairs = Lists(
            *halved_sites(unsigned(rows_of_cut), unsigned(rows.sites_of_row), rows.num_sites, False)
        )
        return Cuts(rows_of_cut, pairs, rows.num_rows, rows.num_sites)

    @property
    def num_cuts(self) -> int:
        """Number of cuts."""
        return self.rows_of_cut.num_lists

    @property
    def limit(self) -> FloatArray:
        """(|T| - 1) / 2, shape (num_cuts,)."""
        return (self.rows_of_cut.sizes // 2).astype(np.float64)

    @cached_property
    def cuts_of_row(self) -> Lists:
        """Cuts that hold each row."""
        return transpose(self.rows_of_cut, self.num_rows)

    @cached_property
    def cuts_of_pair(self) -> Lists:
        """For each site its cuts, floor(n_Tj / 2) times each."""
        return transpose(self.pairs_of_cut, self.num_sites)


@dataclass(frozen=True)
class CutPrices:
    """Cuts and multipliers: what proves a bound.

    Attributes
    ----------
    cuts : Cuts
    multiplier : float array, shape (num_rows,)
        lambda_i >= 0.
    cut_multiplier : float array, shape (num_cuts,)
        nu_T >= 0.
    """

    cuts: Cuts
    multiplier: FloatArray
    cut_multiplier: FloatArray

    @property
    def on_row(self) -> FloatArray:
        """N_i, shape (num_rows,)."""
        return sums(self.cuts.cuts_of_row, self.cut_multiplier)

    def worth(self, rows: CoverRows) -> FloatArray:
        """c_j of equation (3), shape (num_sites,)."""
        earned = sums(rows.rows_of_site, self.multiplier + self.on_row)
        return earned - sums(self.cuts.cuts_of_pair, self.cut_multiplier)

    def bound(self, rows: CoverRows) -> float:
        """Equation (2) plus what the forced sites cover; sums correctly rounded."""
        left = np.maximum(rows.value - self.multiplier - self.on_row, 0.0)
        earned = largest(self.worth(rows), rows.num_stations)
        terms = (left, self.cuts.limit * self.cut_multiplier, earned)
        return math.fsum((rows.base_value, *(math.fsum(term) for term in terms)))


def sums(lists: Lists, quantity: FloatArray) -> FloatArray:
    """Sum of a quantity over the entries of each list, shape (num_lists,)."""
    out = np.empty(lists.num_lists)
    sum_over_lists(unsigned(lists), quantity, out)
    return out
