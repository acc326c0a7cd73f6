"""The mixed-integer model of sized covering: columns, rows and cuts of a presolved problem.

Takes `SizedRows` and prices, gives arrays and a `LinearModel`; the equations are those of
`planner.models.sized_coverage.solve`.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.sized_coverage.cuts import CapacityCut
from planner.models.sized_coverage.rows import SizedRows
from planner.models.sized_coverage.search import CLOSED, OptionPrices, SizedPlan
from planner.solving.linear_model import LinearModel


@dataclass(frozen=True)
class SizedModel:
    """Columns and rows of (1) to (3); the cuts (4) come on top.

    Columns are z (num_sites), y (options of sites with more than one), x (num_rows). Rows are
    ``cover`` (rows that no forced site reaches), ``link`` (z_j = sum_t y_jt), then limits.

    Attributes
    ----------
    rows : SizedRows
    prices : OptionPrices
    open_options : bool array, shape (num_options,)
        Options not yet excluded by reduced cost.
    must_open : bool array, shape (num_sites,)
        Sites with a station in every plan of interest, the forced ones included.
    """

    rows: SizedRows
    prices: OptionPrices
    open_options: BoolArray
    must_open: BoolArray

    @cached_property
    def option_column(self) -> IntArray:
        """Column of each option: that of its site where it has no other."""
        several = (np.diff(self.rows.option_ptr) > 1)[self.rows.option_site]
        own = self.rows.num_sites + np.cumsum(several) - 1
        return np.where(several, own, self.rows.option_site)

    @cached_property
    def num_openings(self) -> int:
        """Columns of z and y: those that are integer."""
        several = np.diff(self.rows.option_ptr) > 1
        return self.rows.num_sites + int(np.diff(self.rows.option_ptr)[several].sum())

    @property
    def num_columns(self) -> int:
        """Columns in all."""
        return self.num_openings + self.rows.num_rows

    @cached_property
    def cover_rows(self) -> IntArray:
        """Rows with a constraint (1); the others are reached by a forced site."""
        reached = np.bincount(
            self.rows.row_of_arc,
            self.rows.rules.forced[self.rows.sites_of_row.idx],
            minlength=self.rows.num_rows,
        )
        return np.flatnonzero(reached == 0)

    @cached_property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bounds of the columns."""
        upper = np.ones(self.num_columns)
        upper[self.option_column] = self.open_options
        lower = np.zeros(self.num_columns)
        lower[: self.rows.num_sites] = self.must_open
        return lower, upper

    @cached_property
    def objective(self) -> FloatArray:
        """Objective coefficients of the columns."""
        coefficient = np.zeros(self.num_columns)
        coefficient[self.option_column] = -self.prices.option_price
        coefficient[self.num_openings :] = self.rows.value
        return coefficient

    @cached_property
    def base(self) -> "tuple[scipy.sparse.csr_matrix, FloatArray, FloatArray, list[str]]":
        """Matrix, lower and upper limits and names of the rows without cuts."""
        blocks = [self._cover(), self._links(), self._totals()]
        matrix = scipy.sparse.vstack([block[0] for block in blocks], format="csr")
        lower = np.concatenate([block[1] for block in blocks])
        upper = np.concatenate([block[2] for block in blocks])
        return matrix, lower, upper, [name for block in blocks for name in block[3]]

    def _cover(self) -> "tuple[scipy.sparse.csr_matrix, FloatArray, FloatArray, list[str]]":
        rows, count = self.rows, len(self.cover_rows)
        pairs = rows.sites_of_row
        reach = scipy.sparse.csr_matrix(
            (np.ones(pairs.num_entries), pairs.idx, pairs.ptr),
            shape=(rows.num_rows, self.num_openings),
        )
        served = scipy.sparse.identity(rows.num_rows, format="csr")
        matrix = scipy.sparse.hstack(
            [-reach[self.cover_rows], served[self.cover_rows]], format="csr"
        )
        names = [f"cover_{row}" for row in self.cover_rows]
        return matrix, np.full(count, -np.inf), np.zeros(count), names

    def _links(self) -> "tuple[scipy.sparse.csr_matrix, FloatArray, FloatArray, list[str]]":
        several = np.flatnonzero(np.diff(self.rows.option_ptr) > 1)
        position = np.full(self.rows.num_sites, -1)
        position[several] = np.arange(len(several))
        options = np.flatnonzero(position[self.rows.option_site] >= 0)
        row = np.concatenate([np.arange(len(several)), position[self.rows.option_site[options]]])
        column = np.concatenate([several, self.option_column[options]])
        entry = np.concatenate([np.ones(len(several)), -np.ones(len(options))])
        matrix = scipy.sparse.csr_matrix(
            (entry, (row, column)), shape=(len(several), self.num_columns)
        )
        zero = np.zeros(len(several))
        return matrix, zero, zero, [f"link_{self.rows.site_idx[site]}" for site in several]

    def _totals(self) -> "tuple[scipy.sparse.csr_matrix, FloatArray, FloatArray, list[str]]":
        rows, rules, cities = self.rows, self.rows.rules, self.rows.cities
        entries = np.zeros((2 + len(cities.min_stations), self.num_openings))
        entries[0, : rows.num_sites] = 1.0
        # Money in units of the budget: coefficients of a size with the others.
        unit = rules.budget if 0.0 < rules.budget < math.inf else 1.0
        np.add.at(entries[1], self.option_column, rows.cost / unit)
        entries[2 + cities.city_idx, np.arange(rows.num_sites)] = 1.0
        lower = np.concatenate([[-np.inf, -np.inf], cities.min_stations])
        upper = np.concatenate([[rules.most, rules.budget / unit], cities.max_stations])
        in_city = np.bincount(cities.city_idx, minlength=len(cities.min_stations))
        binds = np.concatenate(
            [
                [rules.most < rows.num_sites, rules.budget < math.inf],
                (cities.min_stations > 0) | (cities.max_stations < in_city),
            ]
        )
        names = ["stations", "money", *(f"city_{city}" for city in range(len(in_city)))]
        entries = np.hstack([entries[binds], np.zeros((int(binds.sum()), rows.num_rows))])
        matrix = scipy.sparse.csr_matrix(entries)
        return (
            matrix,
            lower[binds],
            upper[binds],
            [n for n, b in zip(names, binds, strict=True) if b],
        )

    def cut_row(self, cut: CapacityCut) -> tuple[IntArray, FloatArray]:
        """Columns and coefficients of a cut as a row <= 0, the largest coefficient 1."""
        columns, place = np.unique(self.option_column[cut.options], return_inverse=True)
        entries = np.zeros(len(columns))
        np.add.at(entries, place, -cut.coefficient)
        scale = max(float(cut.coefficient.max()), float(self.rows.load[cut.rows].max()))
        column = np.concatenate([columns, self.num_openings + cut.rows])
        return column, np.concatenate([entries, self.rows.load[cut.rows]]) / scale


def sized_coverage_mip(
    model: SizedModel, cuts: list[CapacityCut], *, hint: SizedPlan | None = None
) -> LinearModel:
    """The mixed-integer model with the cuts known so far.

    Parameters
    ----------
    model : SizedModel
    cuts : list of CapacityCut
    hint : SizedPlan, optional
        A plan to start from.

    Returns
    -------
    LinearModel
        Columns ``z_site``, ``y_site_type``, ``x_row``; rows as in `SizedModel`, then ``cut_k``.
    """
    rows = model.rows
    base, row_lower, row_upper, row_names = model.base
    cut_rows = [model.cut_row(cut) for cut in cuts]
    extra = scipy.sparse.csr_matrix(
        (
            np.concatenate([np.empty(0), *(entries for _, entries in cut_rows)]),
            np.concatenate([np.empty(0, np.int64), *(columns for columns, _ in cut_rows)]),
            np.cumsum([0, *(len(columns) for columns, _ in cut_rows)]),
        ),
        shape=(len(cuts), model.num_columns),
    )
    lower, upper = model.bounds
    levels = None
    if hint is not None:
        levels = np.zeros(model.num_columns)
        is_open = hint.option != CLOSED
        levels[model.option_column[hint.option[is_open]]] = 1.0
        levels[: rows.num_sites] = is_open
        levels[model.num_openings :] = hint.service.served_frac
    return LinearModel(
        name="sized_coverage",
        matrix=scipy.sparse.vstack([base, extra], format="csr"),
        row_lower=np.concatenate([row_lower, np.full(len(cuts), -np.inf)]),
        row_upper=np.concatenate([row_upper, np.zeros(len(cuts))]),
        lower=lower,
        upper=upper,
        objective=model.objective,
        maximize=True,
        integer=np.arange(model.num_columns) < model.num_openings,
        column_names=_column_names(model),
        row_names=[*row_names, *(f"cut_{k}" for k in range(len(cuts)))],
        hint=levels,
    )


def _column_names(model: SizedModel) -> list[str]:
    """Names ``y_site_type``, ``z_site`` by original site, ``x_row``."""
    rows = model.rows
    names = [""] * model.num_openings
    for option, column in enumerate(model.option_column.tolist()):
        site = rows.site_idx[rows.option_site[option]]
        names[column] = f"y_{site}_{rows.option_type[option]}"
    names[: rows.num_sites] = [f"z_{site}" for site in rows.site_idx]
    return [*names, *(f"x_{row}" for row in range(rows.num_rows))]
