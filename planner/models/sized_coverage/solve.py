"""Maximal covering by stations of several sizes, within money, numbers per city and capacity.

Sets: demand zones i of value w_i >= 0 (swaps per day) and design-hour load a_i >= 0, candidate
sites j in cities c, station types t, N(i) = sites within the drive-time standard of zone i, N_j =
zones within that of site j. K_jt = capacity [swaps/h], c_jt = cost [CNY], f = station_price and
g = money_price, in units of value. y_jt = 1 if a station of type t stands at j, x_i = share of
zone i that is served (a zone may be served in part, and by several stations).

    max  sum_i w_i x_i - sum_jt (f + g c_jt) y_jt
    (1)  x_i <= sum_{j in N(i), t} y_jt                          every zone i
    (2)  sum_t y_jt <= 1,  = 1 forced,  = 0 forbidden,  y_jt = 0 where the type does not fit
    (3)  sum_jt y_jt <= p,  sum_jt c_jt y_jt <= budget,
         min_c <= sum_{j in c, t} y_jt <= max_c                  every city c
    (4)  sum_{i in S} a_i x_i <= sum_jt min(K_jt, a(S and N_j)) y_jt     every set S of zones
         y_jt in {0, 1},  0 <= x_i <= 1

Without (4) this is Church and ReVelle 1974 with sizes and limits; (4) says that the served loads
can be carried to the stations (see :mod:`planner.models.sized_coverage.service`), and replaces the
flows of the capacitated model of Pirkul and Schilling 1991 (Management Science 37:233-248), there
with whole zones. It is left out until a plan or a relaxation violates it. Not modelled: queues (the
capacities are net of them), and which station a driver prefers.

In the solver's model z_j = sum_t y_jt is a variable of its own, so that (1) has one entry per
site; a site with one type has z_j alone.

How it is solved: presolve merges zones and drops types and sites that no plan needs; the linear
relaxation is solved by GLOP, from its last basis after each round of cuts (4); its duals, whatever
their accuracy, give a valid bound and fix options by reduced cost; plans are built from it and
improved by removal and insertion; SCIP searches what is left, and (4) is separated again at the
plans it finds. The value of a plan is always that of its exact best service.
"""

import math
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import InfeasibleError, PlannerError
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.search import (
    CLOSED,
    Limits,
    SizedPlan,
    build_up,
    cheapest_plan,
    is_feasible,
    plan_of,
    rebuild_step,
)
from planner.models.sized_coverage.service import (
    CapacityCut,
    SizedRows,
    merge_sized_rows,
    separate_capacity,
    served_flow,
    service_cuts,
    smallest_types,
)
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

if TYPE_CHECKING:
    from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper

ALWAYS_EXACT_ARCS = 500
"""Up to this many arcs optimality is proven in a second or so: done whatever the gap asked for."""
CUTS_PER_ROUND = 40
"""Most violated cuts added at once."""
MAX_CUT_ROUNDS = 200
"""Rounds of cuts on the linear relaxation."""
MIN_ROUND_GAIN = 0.02
"""Separation on the relaxation ends when rounds gain less than this share of the gap each."""
MAX_ROUNDS = 5
"""Rounds of search and branching: twice the search and four times the branching in each next."""
HOT_FRAC = 0.1
"""First temperature of the search as a fraction of what a station serves. Measured on random
instances with scarce capacity: 0.1 to 0.2 alike, 0.03 and 0.4 worse."""
FIRST_STEPS, FIRST_NODES = 200, 100
"""Removals and insertions, and branch-and-bound nodes, of the first round in deterministic mode."""
MAX_MIP_ROUNDS = 10
"""SCIP runs in one round."""
RELAXATION_SHARE = 0.25
"""Of the time left, for cuts on the relaxation."""
SCIP_TOLERANCE = 1e-7
"""SCIP's bound is that of a floating-point LP: closer than this its digits mean nothing."""


@dataclass(frozen=True)
class SizedCoverageSolution:
    """Plan and proof.

    Attributes
    ----------
    status : Status
        OPTIMAL if the bound proves the plan the best, FEASIBLE otherwise.
    open_site_idx : int array, shape (num_open,)
        Sites with a station, forced ones included, ascending.
    type_idx : int array, shape (num_open,)
        Type of each of them.
    served_frac : float array, shape (num_zones,)
        Share of each zone that is served.
    value : float
        Sum of value * served_frac, of the best service that the stations can give.
    objective : float
        Value less the prices of the stations.
    bound : float
        No plan has a greater objective.
    gap_frac : float
        (bound - objective) / abs(bound), see :func:`planner.solving.status.gap_frac`.
    num_cuts : int
        Constraints (4) that were needed.
    wall_s : float
        Seconds taken.
    history : tuple of Progress
        Incumbent and bound over time.
    """

    status: Status
    open_site_idx: IntArray
    type_idx: IntArray
    served_frac: FloatArray
    value: float
    objective: float
    bound: float
    gap_frac: float
    num_cuts: int
    wall_s: float
    history: tuple[Progress, ...]


@dataclass(frozen=True)
class SizedModel:
    """Columns and rows of (1) to (3); the cuts (4) come on top.

    Columns are z (num_sites), y (options of sites with more than one), x (num_rows). Rows are
    ``cover`` (rows that no forced site reaches), ``link`` (z_j = sum_t y_jt), then limits.

    Attributes
    ----------
    rows : SizedRows
    limits : Limits
    open_options : bool array, shape (num_options,)
        Options not yet excluded by reduced cost.
    must_open : bool array, shape (num_sites,)
        Sites with a station in every plan of interest, the forced ones included.
    """

    rows: SizedRows
    limits: Limits
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
            self.rows.forced[self.rows.row_site],
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
        coefficient[self.option_column] = -self.limits.option_price
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
        reach = scipy.sparse.csr_matrix(
            (np.ones(len(rows.row_site)), rows.row_site, rows.row_ptr),
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
        rows, limits = self.rows, self.limits
        entries = np.zeros((2 + len(limits.min_stations), self.num_openings))
        entries[0, : rows.num_sites] = 1.0
        # Money in units of the budget: coefficients of a size with the others.
        unit = limits.budget if 0.0 < limits.budget < math.inf else 1.0
        np.add.at(entries[1], self.option_column, rows.cost / unit)
        entries[2 + rows.city_idx, np.arange(rows.num_sites)] = 1.0
        lower = np.concatenate([[-np.inf, -np.inf], limits.min_stations])
        upper = np.concatenate([[limits.num_stations, limits.budget / unit], limits.max_stations])
        in_city = np.bincount(rows.city_idx, minlength=len(limits.min_stations))
        binds = np.concatenate(
            [
                [limits.num_stations < rows.num_sites, limits.budget < math.inf],
                (limits.min_stations > 0) | (limits.max_stations < in_city),
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


def _best_profit(rows: SizedRows, profit: FloatArray) -> FloatArray:
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
    site_worth = np.bincount(rows.row_site, multiplier[rows.row_of_arc], minlength=rows.num_sites)
    profit = site_worth[rows.option_site] - model.limits.option_price
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
    best = _best_profit(rows, profit)
    earned = np.where(rows.forced, best, np.maximum(best, 0.0))
    bound = math.fsum((rent, math.fsum(np.maximum(left, 0.0)), math.fsum(earned)))
    return bound, profit, resource_price


class Relaxation:
    """The linear relaxation in GLOP, solved again from its last basis as cuts are added."""

    def __init__(self, model: SizedModel) -> None:
        from ortools.math_opt import model_pb2
        from ortools.math_opt.python import mathopt

        self.model = model
        self.cuts: list[CapacityCut] = []
        self.num_solved = 0
        matrix, lower, upper, _ = model.base
        proto = model_pb2.ModelProto(name="sized_coverage")
        column_lower, column_upper = model.bounds
        columns = list(range(model.num_columns))
        proto.variables.ids.extend(columns)
        proto.variables.lower_bounds.extend(column_lower.tolist())
        proto.variables.upper_bounds.extend(column_upper.tolist())
        proto.variables.integers.extend([False] * len(columns))
        proto.objective.maximize = True
        priced = np.flatnonzero(model.objective)
        proto.objective.linear_coefficients.ids.extend(priced.tolist())
        proto.objective.linear_coefficients.values.extend(model.objective[priced].tolist())
        proto.linear_constraints.ids.extend(range(matrix.shape[0]))
        proto.linear_constraints.lower_bounds.extend(lower.tolist())
        proto.linear_constraints.upper_bounds.extend(upper.tolist())
        matrix.sort_indices()
        row_of_entry = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        proto.linear_constraint_matrix.row_ids.extend(row_of_entry.tolist())
        proto.linear_constraint_matrix.column_ids.extend(matrix.indices.tolist())
        proto.linear_constraint_matrix.coefficients.extend(matrix.data.tolist())
        self._model = mathopt.Model.from_model_proto(proto)
        self._variables = [self._model.get_variable(column) for column in columns]
        self._rows = [self._model.get_linear_constraint(row) for row in range(matrix.shape[0])]
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

        limit = None
        if math.isfinite(time_limit_s):
            limit = datetime.timedelta(seconds=max(time_limit_s, 0.01))
        result = self._solver.solve(params=mathopt.SolveParameters(time_limit=limit))
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


def sized_coverage_mip(
    model: SizedModel, cuts: list[CapacityCut], *, hint: SizedPlan | None = None
) -> "ModelBuilderHelper":
    """The mixed-integer model with the cuts known so far.

    Parameters
    ----------
    model : SizedModel
    cuts : list of CapacityCut
    hint : SizedPlan, optional
        A plan to start from.

    Returns
    -------
    ModelBuilderHelper
        Columns ``z_site``, ``y_site_type``, ``x_row``; rows as in `SizedModel`, then ``cut_k``.
    """
    from ortools.linear_solver.python import model_builder_helper

    rows = model.rows
    base, row_lower, row_upper, names = model.base
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
    helper = model_builder_helper.ModelBuilderHelper()
    helper.set_name("sized_coverage")
    sparse_model: Any = helper  # OR-Tools' stubs of this call name shapes that no array has
    sparse_model.fill_model_from_sparse_data(
        lower,
        upper,
        model.objective,
        np.concatenate([row_lower, np.full(len(cuts), -np.inf)]),
        np.concatenate([row_upper, np.zeros(len(cuts))]),
        scipy.sparse.vstack([base, extra], format="csr"),
    )
    helper.set_maximize(True)
    for column in range(model.num_openings):
        helper.set_var_integrality(column, True)
    for option, column in enumerate(model.option_column.tolist()):
        site = rows.site_idx[rows.option_site[option]]
        helper.set_var_name(column, f"y_{site}_{rows.option_type[option]}")
    for site in range(rows.num_sites):
        helper.set_var_name(site, f"z_{rows.site_idx[site]}")
    for row in range(rows.num_rows):
        helper.set_var_name(model.num_openings + row, f"x_{row}")
    for position, name in enumerate([*names, *(f"cut_{k}" for k in range(len(cuts)))]):
        helper.set_constraint_name(position, name)
    if hint is not None:
        levels = np.zeros(model.num_columns)
        is_open = hint.option != CLOSED
        levels[model.option_column[hint.option[is_open]]] = 1.0
        levels[: rows.num_sites] = is_open
        levels[model.num_openings :] = hint.service.served_frac
        for column, level in enumerate(levels.tolist()):
            helper.add_hint(column, level)
    return helper


def check_feasible(problem: SizedCoverageProblem) -> None:
    """Name the reason if no plan satisfies the limits.

    The checks are complete: cities share nothing but the number of stations and the money, and
    the fewest and the cheapest stations that satisfy each of them are known.

    Raises
    ------
    InfeasibleError
        With the first reason found.
    """
    coverage = problem.coverage
    fits = problem.capacity > 0
    can_open = fits.any(axis=1) & ~coverage.forbidden
    if coverage.num_stations < 0:
        raise InfeasibleError(f"the budget is {coverage.num_stations} stations, below zero")
    if problem.budget < 0:
        raise InfeasibleError(f"the budget is {_money(problem.budget)}, below zero")
    without_type = np.flatnonzero(coverage.forced & ~can_open)
    if len(without_type):
        raise InfeasibleError(
            f"no station type fits site {without_type[0]}, which is forced open "
            f"({len(without_type)} such sites)"
        )
    num_cities = len(problem.min_stations)
    forced = np.bincount(coverage.city_idx[coverage.forced], minlength=num_cities)
    available = np.bincount(coverage.city_idx[can_open], minlength=num_cities)
    _check_cities(problem, forced, available)
    if forced.sum() > coverage.num_stations:
        raise InfeasibleError(
            f"{forced.sum()} sites are forced open (existing or committed), "
            f"but the budget allows {coverage.num_stations} stations"
        )
    least = np.maximum(problem.min_stations, forced)
    if least.sum() > coverage.num_stations:
        raise InfeasibleError(
            f"city minima and forced sites take {least.sum()} stations, "
            f"but the budget allows {coverage.num_stations}"
        )
    _check_money(problem, can_open, least - forced)


def _check_cities(problem: SizedCoverageProblem, forced: IntArray, available: IntArray) -> None:
    limits = zip(problem.min_stations, problem.max_stations, forced, available, strict=True)
    for city, (minimum, maximum, num_forced, num_available) in enumerate(limits):
        if minimum > maximum:
            raise InfeasibleError(f"city {city}: minimum {minimum} exceeds maximum {maximum}")
        if num_forced > maximum:
            raise InfeasibleError(
                f"city {city}: {num_forced} sites are forced open, its maximum is {maximum}"
            )
        if minimum > num_available:
            raise InfeasibleError(
                f"city {city}: minimum {minimum} exceeds its {num_available} usable sites"
            )


def _check_money(problem: SizedCoverageProblem, can_open: BoolArray, missing: IntArray) -> None:
    coverage = problem.coverage
    cheapest = np.where(problem.capacity > 0, problem.cost, np.inf).min(axis=1, initial=np.inf)
    limit = problem.budget * (1 + 1e-12)
    forced_cost = math.fsum(cheapest[coverage.forced])
    if forced_cost > limit:
        raise InfeasibleError(
            f"committed stations cost {_money(forced_cost)}, budget {_money(problem.budget)}"
        )
    free = can_open & ~coverage.forced
    costs = [forced_cost]
    for city in np.flatnonzero(missing > 0):
        of_city = np.sort(cheapest[free & (coverage.city_idx == city)])
        costs += of_city[: missing[city]].tolist()
    if math.fsum(costs) > limit:
        raise InfeasibleError(
            f"the cheapest stations that satisfy forced sites and city minima cost "
            f"{_money(math.fsum(costs))}, budget {_money(problem.budget)}"
        )


def _money(amount: float) -> str:
    return f"{amount / 1e6:,.6g} M" if abs(amount) >= 1e5 else f"{amount:,.6g}"


@dataclass
class _Search:
    """What is known so far, and when to give up; the only state that changes during a solve."""

    model: SizedModel
    options: SolveOptions
    on_progress: ProgressCallback | None
    stop: StopRequest | None
    started: float
    plan: SizedPlan
    target: float
    bound: float
    point: RelaxedPoint | None = None
    cuts: list[CapacityCut] = field(default_factory=list)
    history: list[Progress] = field(default_factory=list)

    @property
    def gap_frac(self) -> float:
        """Gap between plan and bound."""
        return gap_frac(self.plan.objective, self.bound)

    @property
    def remaining_s(self) -> float:
        """Seconds left; unlimited in deterministic mode."""
        if self.options.deterministic:
            return math.inf
        return self.options.time_limit_s - (time.monotonic() - self.started)

    def may_go_on(self) -> bool:
        """Whether neither the clock nor the caller has called an end."""
        return self.remaining_s > 0.0 and not (self.stop is not None and self.stop.is_set())

    def unfinished(self) -> bool:
        """Whether the gap asks for more and the limits allow it."""
        return self.gap_frac > self.target and self.may_go_on()

    def offer(self, plan: SizedPlan) -> None:
        """Keep a plan if it is better than the incumbent."""
        if plan.objective > self.plan.objective:
            self.plan = plan

    def lower_bound_to(self, bound: float) -> None:
        """Keep a bound if it is better than the best known."""
        self.bound = max(min(self.bound, bound), self.plan.objective)

    def add_cuts(self, cuts: list[CapacityCut]) -> int:
        """Keep cuts that are new; returns how many are."""
        known = {cut.rows.tobytes() for cut in self.cuts}
        new = {cut.rows.tobytes(): cut for cut in cuts if cut.rows.tobytes() not in known}
        self.cuts = [*self.cuts, *new.values()]
        return len(new)

    def report(self, stage: str, message: str) -> None:
        """Note the state in the history and tell the caller."""
        elapsed_s = time.monotonic() - self.started
        bound = max(self.bound, self.plan.objective)
        progress = Progress(stage, self.plan.objective, bound, elapsed_s, message)
        self.history.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)


def _cut_rounds(search: _Search, relaxation: Relaxation) -> None:
    """Solve the linear relaxation, separate (4), add, and solve again, while that pays."""
    relaxation.add(search.cuts[len(relaxation.cuts) :])
    last_bound = math.inf
    until = time.monotonic() + RELAXATION_SHARE * search.remaining_s
    for round_number in range(MAX_CUT_ROUNDS):
        point = relaxation.solve(search.remaining_s)
        if point is None:
            return
        if search.point is None or point.bound < search.point.bound:
            search.point = point
        search.lower_bound_to(point.bound)
        search.report("relaxation", f"round {round_number}: {len(relaxation.cuts)} cuts")
        if relaxation.num_solved <= 2:
            _plan_from_relaxation(search)
        cuts = separate_capacity(search.model.rows, point.x, point.opening)
        gain = last_bound - point.bound
        pays = gain >= MIN_ROUND_GAIN * (point.bound - search.plan.objective)
        late = time.monotonic() > until and not search.options.deterministic
        if not cuts or late or not (pays or relaxation.num_solved <= 2) or not search.unfinished():
            return
        last_bound = point.bound
        search.add_cuts(cuts[:CUTS_PER_ROUND])
        relaxation.add(search.cuts[len(relaxation.cuts) :])


def _plan_from_relaxation(search: _Search) -> None:
    """Open what the relaxation opens for more than half, then build up at its prices."""
    point, rows = search.point, search.model.rows
    if point is None:
        return
    search.model = replace(
        search.model, limits=replace(search.model.limits, resource_price=point.resource_price)
    )
    limits = search.model.limits
    option = cheapest_plan(rows, limits)
    for o in np.argsort(-point.opening, kind="stable"):
        if point.opening[o] <= 0.5:
            break
        site = rows.option_site[o]
        previous = option[site]
        option[site] = o
        if not is_feasible(rows, limits, option):
            option[site] = previous
    plan = build_up(
        rows,
        limits,
        plan_of(rows, limits, option),
        np.arange(rows.num_sites),
        may_go_on=search.may_go_on,
    )
    search.offer(plan)
    search.report("build", f"{int((plan.option != CLOSED).sum())} stations")


def _improve_plan(search: _Search, seconds: float, steps: int, rng: np.random.Generator) -> None:
    """Removal and insertion, accepting losses that shrink to nothing."""
    rows, limits = search.model.rows, search.model.limits
    started = time.monotonic()
    plan = search.plan
    per_station = plan.service.value / max(int((plan.option != CLOSED).sum()), 1)
    num_steps = 0
    while search.unfinished():
        done = num_steps / steps
        if not search.options.deterministic:
            done = (time.monotonic() - started) / seconds
        if done >= 1.0:
            break
        temperature = HOT_FRAC * per_station * (1.0 - done) ** 2
        candidate = rebuild_step(rows, limits, plan, rng)
        loss = plan.objective - candidate.objective
        if loss <= 0.0 or rng.random() < math.exp(-loss / max(temperature, 1e-300)):
            plan = candidate
            search.offer(plan)
        num_steps += 1
    search.report("improve", f"{num_steps} removals and insertions")


def _fix_by_reduced_cost(search: _Search) -> None:
    """Leave out options, and open sites, where every better plan does so."""
    point, model = search.point, search.model
    if point is None:
        return
    rows = model.rows
    slack = point.bound - search.plan.objective + 1e-9 * max(abs(search.plan.objective), 1.0)
    best = _best_profit(rows, point.profit)
    earned = np.where(rows.forced, best, np.maximum(best, 0.0))
    open_options = earned[rows.option_site] - point.profit <= slack
    must_open = rows.forced | (best > slack)
    search.model = replace(
        model,
        open_options=model.open_options & open_options,
        must_open=model.must_open | must_open,
    )
    left = int(search.model.open_options.sum())
    search.report(
        "fix", f"{left} of {rows.num_options} options left, {int(must_open.sum())} sites fixed open"
    )


def _branch_rounds(search: _Search, seconds: float, nodes: int) -> bool:
    """SCIP on what is left; separate (4) at its plans; again until plan and bound agree.

    Returns whether it came to an end within the time, or the nodes, given.
    """
    rows = search.model.rows
    until = time.monotonic() + seconds
    if search.cuts:
        search.add_cuts(service_cuts(rows, search.plan.option))
    for round_number in range(MAX_MIP_ROUNDS):
        left_s = max(until - time.monotonic(), 0.05)
        result = solve_mip(
            sized_coverage_mip(search.model, search.cuts, hint=search.plan),
            time_limit_s=math.inf if search.options.deterministic else left_s,
            node_limit=nodes if search.options.deterministic else None,
            seed=search.options.seed,
            stop=search.stop,
        )
        if result.status is Status.INFEASIBLE:
            # Reduced costs leave only plans that are no better than the incumbent.
            search.lower_bound_to(search.plan.objective)
        num_new = 0
        if result.values is not None:
            opening = result.values[search.model.option_column] > 0.5
            option = np.full(rows.num_sites, CLOSED, dtype=np.int64)
            option[rows.option_site[opening]] = np.flatnonzero(opening)
            if is_feasible(rows, search.model.limits, option):
                search.offer(plan_of(rows, search.model.limits, option))
            x = result.values[search.model.num_openings :]
            cuts = separate_capacity(rows, x, opening.astype(np.float64), tolerance=1e-8)
            if cuts:
                num_new = search.add_cuts(cuts + service_cuts(rows, option))
        proven = result.status is Status.OPTIMAL and (
            gap_frac(search.plan.objective, result.bound) <= SCIP_TOLERANCE
        )
        search.lower_bound_to(search.plan.objective if proven else result.bound)
        search.report("exact", f"round {round_number}: {num_new} new cuts, {result.message}")
        if not search.unfinished():
            return True
        if num_new == 0 or result.status is not Status.OPTIMAL:
            return proven
    return False


def solve_sized_coverage(
    problem: SizedCoverageProblem,
    options: SolveOptions,
    *,
    station_price: float = 0.0,
    money_price: float = 0.0,
    hint: tuple[IntArray, IntArray] | None = None,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> SizedCoverageSolution:
    """Choose stations and their sizes so that served value less prices is greatest.

    Parameters
    ----------
    problem : SizedCoverageProblem
        Not changed.
    options : SolveOptions
        The search ends at ``gap_frac`` or at the time limit; in deterministic mode after a fixed
        amount of work.
    station_price : float
        Taken off the objective per station, >= 0 [units of value].
    money_price : float
        Taken off the objective per unit of cost, >= 0 [units of value per CNY].
    hint : (open_site_idx, type_idx), optional
        A plan to start from; passed over if it breaks a limit.
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    SizedCoverageSolution
        Always with a plan.

    Raises
    ------
    InfeasibleError
        If no plan satisfies the limits, with the reason.
    ValueError
        If a price is negative.
    """
    started = time.monotonic()
    if not (station_price >= 0.0 and money_price >= 0.0):
        raise ValueError("station_price and money_price must be >= 0")
    check_feasible(problem)
    rng = np.random.default_rng(options.seed)
    money_matters = money_price > 0.0 or math.isfinite(problem.budget)
    rows = merge_sized_rows(problem, money_matters=money_matters)
    limits = Limits(
        option_price=station_price + money_price * rows.cost,
        resource_price=np.zeros(rows.num_options),
        num_stations=problem.coverage.num_stations,
        budget=problem.budget,
        min_stations=problem.min_stations,
        max_stations=problem.max_stations,
    )
    plan = plan_of(rows, limits, cheapest_plan(rows, limits))
    search = _Search(
        model=SizedModel(rows, limits, np.ones(rows.num_options, dtype=np.bool_), rows.forced),
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
        plan=plan,
        target=OPTIMAL_GAP_FRAC if len(rows.row_site) <= ALWAYS_EXACT_ARCS else options.gap_frac,
        bound=float(rows.value.sum()),
    )
    if hint is not None:
        _offer_hint(search, *hint)
    search.report("presolve", f"{rows.num_options} options x {rows.num_rows} rows")
    if rows.num_sites > 0:
        _search_until_done(search, rng)
    return _solution(problem, search, station_price, money_price)


def _offer_hint(search: _Search, open_site_idx: IntArray, type_idx: IntArray) -> None:
    """Take a plan in the original numbering; a type that presolve dropped becomes its better."""
    rows = search.model.rows
    option = cheapest_plan(rows, search.model.limits)
    option[~rows.forced] = CLOSED
    types = dict(
        zip(np.asarray(open_site_idx).tolist(), np.asarray(type_idx).tolist(), strict=True)
    )
    for site, original in enumerate(rows.site_idx.tolist()):
        if original not in types:
            continue
        first, last = rows.option_ptr[site], rows.option_ptr[site + 1]
        same = np.flatnonzero(rows.option_type[first:last] == types[original])
        option[site] = first + same[0] if len(same) else last - 1
    if is_feasible(rows, search.model.limits, option):
        search.offer(plan_of(rows, search.model.limits, option))


def _search_until_done(search: _Search, rng: np.random.Generator) -> None:
    """Rounds of relaxation, search and branching, each with more work than the one before."""
    relaxation = Relaxation(search.model)
    started = time.monotonic()
    for round_number in range(MAX_ROUNDS):
        _cut_rounds(search, relaxation)
        if round_number == 0:
            # Short runs of all three first: most instances are done then.
            first_s = time.monotonic() - started
        if not search.unfinished():
            return
        _plan_from_relaxation(search)
        seconds = min(first_s * 2.0**round_number, 0.5 * search.remaining_s)
        _improve_plan(search, seconds, FIRST_STEPS * 2**round_number, rng)
        if not search.unfinished():
            return
        _fix_by_reduced_cost(search)
        last = round_number == MAX_ROUNDS - 1
        seconds = search.remaining_s if last else first_s * 4.0**round_number
        if _branch_rounds(search, min(seconds, search.remaining_s), FIRST_NODES * 4**round_number):
            return


def _solution(
    problem: SizedCoverageProblem, search: _Search, station_price: float, money_price: float
) -> SizedCoverageSolution:
    """Recompute value and objective on the original zones."""
    rows = search.model.rows
    chosen = search.plan.option[search.plan.option != CLOSED]
    open_site_idx = rows.site_idx[rows.option_site[chosen]]
    type_idx = rows.option_type[chosen]
    if money_price == 0.0 and math.isinf(problem.budget):
        type_idx = smallest_types(problem, open_site_idx, type_idx)
    served_frac, value = served_flow(problem, open_site_idx, type_idx)
    prices = station_price + money_price * problem.cost[open_site_idx, type_idx]
    objective = value - math.fsum(prices)
    scale = max(abs(value), math.fsum(prices), 1e-300)
    if search.bound < objective - OPTIMAL_GAP_FRAC * scale:
        raise PlannerError(
            f"the bound {search.bound!r} is below the plan's objective {objective!r}: a defect"
        )
    bound = max(search.bound, objective)
    gap = gap_frac(objective, bound)
    if bound - objective <= 1e-12 * scale:
        gap, bound = 0.0, objective
    status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
    search.report("done", f"{len(open_site_idx)} stations, {status}")
    return SizedCoverageSolution(
        status=status,
        open_site_idx=open_site_idx,
        type_idx=type_idx,
        served_frac=served_frac,
        value=value,
        objective=objective,
        bound=bound,
        gap_frac=gap,
        num_cuts=len(search.cuts),
        wall_s=time.monotonic() - search.started,
        history=tuple(search.history),
    )
