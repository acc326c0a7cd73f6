"""The linear relaxation of sized covering: its optimum under cuts, and what its duals prove.

The model is that of `planner.models.sized_coverage.model`; which cuts there are is up to the
caller.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import FloatArray
from planner.models.sized_coverage.cuts import CapacityCut
from planner.models.sized_coverage.model import SizedModel, sized_coverage_mip
from planner.models.sized_coverage.rows import SizedRows


@dataclass(frozen=True)
class RelaxedPoint:
    """Optimum of the linear relaxation, and what its duals prove.

    Attributes
    ----------
    x : float array, shape (num_rows,)
    opening : float array, shape (num_options,)
        y.
    bound : float
        Lagrangian bound of the duals: valid however exact they are.
    profit : float array, shape (num_options,)
        What opening each option adds to the bound, before sites choose the best of theirs.
    resource_price : float array, shape (num_options,)
        Part of the profit that goes for stations, money and city limits.
    """

    x: FloatArray
    opening: FloatArray
    bound: float
    profit: FloatArray
    resource_price: FloatArray


def best_profit(rows: SizedRows, profit: FloatArray) -> FloatArray:
    """Profit of the best option of each site, shape (num_sites,)."""
    return np.asarray(np.maximum.reduceat(profit, rows.option_ptr[:-1]))


def dual_bound(
    model: SizedModel, cuts: list[CapacityCut], row_dual: FloatArray, cut_dual: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Bound of the Lagrangian in which (1), (3) and the cuts (4) are priced.

    With prices lambda_i of (1), pi_S of cuts, mu of totals, each clipped to its sign, the bound is

        sum_i max(0, w_i - lambda_i - a_i sum_{S: i in S} pi_S) + mu-weighted limits
        + sum_j max(0, max_t profit_jt),    without the 0 where j is forced.

    Parameters
    ----------
    model : SizedModel
    cuts : list of CapacityCut
    row_dual : float array
        Duals of ``model.base`` (those of its links are not used).
    cut_dual : float array, shape (len(cuts),)

    Returns
    -------
    bound : float
    profit, resource_price : float arrays, shape (num_options,)
        See `RelaxedPoint`.
    """
    rows = model.rows
    matrix, lower, upper, _ = model.base
    num_cover = len(model.cover_rows)
    multiplier = np.zeros(rows.num_rows)
    multiplier[model.cover_rows] = np.maximum(row_dual[:num_cover], 0.0)
    site_worth = np.bincount(
        rows.sites_of_row.idx, multiplier[rows.row_of_arc], minlength=rows.num_sites
    )
    profit = site_worth[rows.option_site] - model.prices.option_price
    left = rows.value - multiplier
    for cut, price in zip(cuts, np.maximum(cut_dual, 0.0), strict=True):
        if price > 0.0:
            scale = max(float(cut.coefficient.max()), float(rows.load[cut.rows].max()))
            left[cut.rows] -= rows.load[cut.rows] * (price / scale)
            profit[cut.options] += cut.coefficient * (price / scale)
    num_links = int((np.diff(rows.option_ptr) > 1).sum())
    totals = slice(num_cover + num_links, matrix.shape[0])
    dual = row_dual[totals]
    dual = np.where(np.isfinite(upper[totals]), dual, np.minimum(dual, 0.0))
    dual = np.where(np.isfinite(lower[totals]), dual, np.maximum(dual, 0.0))
    limit = np.where(dual > 0, upper[totals], lower[totals])
    rent = math.fsum((dual * np.where(dual != 0, limit, 0.0)).tolist())
    by_column = np.asarray(matrix[totals].T @ dual).ravel()
    resource_price = by_column[model.option_column].copy()
    several = (np.diff(rows.option_ptr) > 1)[rows.option_site]
    resource_price[several] += by_column[rows.option_site[several]]
    profit = profit - resource_price
    best = best_profit(rows, profit)
    earned = np.where(rows.rules.forced, best, np.maximum(best, 0.0))
    bound = math.fsum((rent, math.fsum(np.maximum(left, 0.0)), math.fsum(earned)))
    return bound, profit, resource_price


class Relaxation:
    """The linear relaxation in GLOP, solved again from its last basis as cuts are added."""

    def __init__(self, model: SizedModel) -> None:
        from ortools.math_opt.python import mathopt

        self.model = model
        self.cuts: list[CapacityCut] = []
        self.num_solved = 0
        relaxed = replace(sized_coverage_mip(model, []), integer=None)
        self._model = relaxed.to_mathopt()
        self._variables = [self._model.get_variable(column) for column in range(model.num_columns)]
        num_rows = relaxed.matrix.shape[0]
        self._rows = [self._model.get_linear_constraint(row) for row in range(num_rows)]
        self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)

    def add(self, cuts: list[CapacityCut]) -> None:
        """Add cuts."""
        for cut in cuts:
            row = self._model.add_linear_constraint(ub=0.0)
            for column, entry in zip(*self.model.cut_row(cut), strict=True):
                row.set_coefficient(self._variables[column], float(entry))
            self._rows.append(row)
        self.cuts = [*self.cuts, *cuts]

    def solve(self, time_limit_s: float) -> RelaxedPoint | None:
        """Solve within the limit; None if the limit or an error came first."""
        import datetime

        from ortools.math_opt.python import mathopt

        # Cuts leave the last basis dual feasible.
        algorithm = mathopt.LPAlgorithm.DUAL_SIMPLEX if self.num_solved > 0 else None
        limit = None
        if math.isfinite(time_limit_s):
            limit = datetime.timedelta(seconds=max(time_limit_s, 0.01))
        try:
            result = self._solver.solve(
                params=mathopt.SolveParameters(time_limit=limit, lp_algorithm=algorithm)
            )
        # What MathOpt raises for a solver's failure; the first where it words an internal one.
        except (AttributeError, RuntimeError, ValueError):
            return None
        if result.termination.reason != mathopt.TerminationReason.OPTIMAL:
            return None
        self.num_solved += 1
        values = np.array(result.variable_values(self._variables))
        duals = np.array(result.dual_values(self._rows))
        split = len(duals) - len(self.cuts)
        bound, profit, resource = dual_bound(self.model, self.cuts, duals[:split], duals[split:])
        return RelaxedPoint(
            x=np.clip(values[self.model.num_openings :], 0.0, 1.0),
            opening=np.clip(values[self.model.option_column], 0.0, 1.0),
            bound=bound,
            profit=profit,
            resource_price=resource,
        )
