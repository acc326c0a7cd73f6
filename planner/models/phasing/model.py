"""Maximal covering over time as one mixed-integer model, every node and column in it.

Takes a `PhasedProblem` small enough for SCIP, gives a `LinearModel` and the plan behind its
values. g_jtn = 1 if a station of type t or a larger one stands at j at node n (types that fit j
alone), x_ik = share of row i served in column k where no station in reach can be full, and
f_ijk = share of row i that site j serves elsewhere.

    max  sum_ik w_ik (x_ik or sum_j f_ijk)
    (1)  x_ik <= sum_j g_j0n,   sum_j f_ijk <= 1,   f_ijk <= g_j0n,
         sum_i a_ik f_ijk <= sum_t (K_jtk - K_j,t-1,k) g_jtn                 n the node of k
    (2)  g_jtn <= g_j,t-1,n,   g_jtn >= g_jt,parent(n)
    (3)  sum over the g that open at n of u_rjt - u_rj,t-1 <= amount_rn      expires
         sum_jt (u_rjt - u_rj,t-1) g_jtn <= sum of the amounts up to n       carries over
    (4)  the same for new stations by city;  min_c <= sum_j g_j0n at leaves, <= max_c everywhere

In steps of size (2) says both that stations stay and that they never shrink, and a limit that
carries over has no word of the nodes before.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse

from planner.arrays import FloatArray, IndexArray, IntArray
from planner.limits import widened
from planner.models.phasing.feasible import rates_available
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.sizes import available
from planner.models.phasing.tree import ROOT
from planner.models.sized_coverage.rows import merge_sized_rows
from planner.solving.linear_model import LinearModel


class ModelRows:
    """Rows of a model as they are written down, one after the other."""

    def __init__(self) -> None:
        self.row: list[IntArray] = []
        self.column: list[IntArray] = []
        self.entry: list[FloatArray] = []
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.names: list[str] = []

    def add(
        self, column: IntArray, entry: FloatArray, lower: float, upper: float, name: str
    ) -> None:
        """One row."""
        self.row.append(np.full(len(column), len(self.lower)))
        self.column.append(np.asarray(column, dtype=np.int64))
        self.entry.append(np.asarray(entry, dtype=np.float64))
        self.lower.append(lower)
        self.upper.append(upper)
        self.names.append(name)

    def matrix(self, num_columns: int) -> "scipy.sparse.csr_matrix":
        """All of them."""
        parts = [
            np.concatenate([np.empty(0), *each]) for each in (self.entry, self.row, self.column)
        ]
        at = (parts[1].astype(np.int64), parts[2].astype(np.int64))
        return scipy.sparse.csr_matrix((parts[0], at), shape=(len(self.lower), num_columns))


@dataclass(frozen=True)
class PhasedModel:
    """Columns g of a phased problem: which steps of size there are.

    Attributes
    ----------
    problem : PhasedProblem
    sites : int array
        Sites that the model has a say in, ascending; nothing stands elsewhere.
    """

    problem: PhasedProblem
    sites: IntArray

    @cached_property
    def steps(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Site, type, type before (-1: none) and node of each column g."""
        problem = self.problem
        fits = problem.fits[self.sites]
        below = np.full(fits.shape, CLOSED, dtype=np.int64)
        last = np.full(len(fits), CLOSED, dtype=np.int64)
        for kind in range(problem.num_types):
            below[:, kind] = last
            last = np.where(fits[:, kind], kind, last)
        there = fits[:, :, None] & problem.may_stand[self.sites][:, None, :]
        at = np.argwhere(there)
        return self.sites[at[:, 0]], at[:, 1], below[at[:, 0], at[:, 1]], at[:, 2]

    @cached_property
    def column(self) -> IntArray:
        """Column of each (site, type, node); -1 where there is none."""
        site, kind, _, node = self.steps
        problem = self.problem
        column = np.full((problem.num_sites, problem.num_types, problem.tree.num_nodes), -1)
        column[site, kind, node] = np.arange(len(site))
        return column

    @cached_property
    def opening(self) -> IntArray:
        """Column that says whether anything stands at (site, node); -1 where nothing may."""
        problem = self.problem
        first = problem.fits.argmax(axis=1)
        return np.asarray(self.column[np.arange(problem.num_sites), first])

    @property
    def num_openings(self) -> int:
        """Number of columns g."""
        return len(self.steps[0])

    def table(self, values: FloatArray) -> IndexArray:
        """Types by site and node behind values of the columns g."""
        problem = self.problem
        table = np.full((problem.num_sites, problem.tree.num_nodes), CLOSED, dtype=np.int32)
        site, kind, _, node = (each[values[: self.num_openings] > 0.5] for each in self.steps)
        np.maximum.at(table, (site, node), kind.astype(np.int32))
        return table

    def add_rules(self, rows: ModelRows) -> None:
        """(2) to (4)."""
        problem, tree = self.problem, self.problem.tree
        site, kind, below, node = self.steps
        for at in range(len(site)):
            place = f"{site[at]}_{kind[at]}_{node[at]}"
            if below[at] != CLOSED:
                smaller = self.column[site[at], below[at], node[at]]
                rows.add(
                    np.array([at, smaller]), np.array([1.0, -1.0]), -np.inf, 0.0, f"size_{place}"
                )
            parent = tree.parent[node[at]]
            if parent != ROOT and self.column[site[at], kind[at], parent] >= 0:
                earlier = self.column[site[at], kind[at], parent]
                rows.add(
                    np.array([at, earlier]), np.array([-1.0, 1.0]), -np.inf, 0.0, f"stay_{place}"
                )
        most = available(problem)
        for number, limit in enumerate(problem.limits):
            step = limit.use[site, kind] - np.where(below == CLOSED, 0.0, limit.use[site, below])
            unit = max(float(most[number][np.isfinite(most[number])].max(initial=0.0)), 1.0)
            for n in range(tree.num_nodes):
                if np.isfinite(most[number, n]):
                    column, entry = self._taken(step / unit, n, limit.carries_over)
                    upper = widened(float(most[number, n])) / unit
                    rows.add(column, entry, -np.inf, upper, f"{limit.name}_{n}")
        self._add_cities(rows)

    def _taken(
        self, step: FloatArray, node: int, carries_over: bool
    ) -> tuple[IntArray, FloatArray]:
        """Columns and entries of what is taken at a node, or up to it."""
        site, kind, _, node_of = self.steps
        here = np.flatnonzero((node_of == node) & (step != 0.0))
        parent = self.problem.tree.parent[node]
        if carries_over or parent == ROOT:
            return here, step[here]
        earlier = self.column[site[here], kind[here], parent]
        known = earlier >= 0
        return (
            np.concatenate([here, earlier[known]]),
            np.concatenate([step[here], -step[here[known]]]),
        )

    def _add_cities(self, rows: ModelRows) -> None:
        problem, cities, tree = self.problem, self.problem.cities, self.problem.tree
        site, _, below, node = self.steps
        first = (below == CLOSED).astype(np.float64)
        rate = rates_available(problem)
        for city in range(len(cities.least)):
            of_city = first * (cities.city_idx[site] == city)
            for n in range(tree.num_nodes):
                here = np.flatnonzero((of_city > 0) & (node == n))
                least = float(cities.least[city]) if tree.is_leaf[n] else 0.0
                if least > 0 or cities.most[city] < len(here):
                    most = float(cities.most[city])
                    rows.add(here, np.ones(len(here)), least, most, f"city_{city}_{n}")
                if np.isfinite(rate[city, n]):
                    new = of_city * problem.is_new[site]
                    column, entry = self._taken(new, n, cities.carries_over)
                    rows.add(column, entry, -np.inf, float(rate[city, n]), f"rate_{city}_{n}")

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bounds of the columns g."""
        site, _, below, node = self.steps
        lower = (self.problem.must_stand[site, node] & (below == CLOSED)).astype(np.float64)
        return lower, np.ones(len(site))

    def names(self) -> list[str]:
        """``g_site_type_node``."""
        site, kind, _, node = self.steps
        return [f"g_{j}_{t}_{n}" for j, t, n in zip(site, kind, node, strict=True)]


def phased_rules(model: PhasedModel) -> LinearModel:
    """(2) to (4) alone, without an objective: any plan that keeps locks and limits."""
    rows = ModelRows()
    model.add_rules(rows)
    lower, upper = model.bounds()
    return LinearModel(
        name="phasing_rules",
        matrix=rows.matrix(model.num_openings),
        row_lower=np.array(rows.lower),
        row_upper=np.array(rows.upper),
        lower=lower,
        upper=upper,
        objective=np.zeros(model.num_openings),
        maximize=True,
        integer=np.ones(model.num_openings, dtype=np.bool_),
        column_names=model.names(),
        row_names=rows.names,
    )


def phased_mip(model: PhasedModel) -> LinearModel:
    """The model with all columns.

    Parameters
    ----------
    model : PhasedModel

    Returns
    -------
    LinearModel
        Columns ``g_site_type_node``, then ``x_row_column`` and ``f_row_site_column``, column by
        column.
    """
    problem = model.problem
    rows = ModelRows()
    model.add_rules(rows)
    names, worth = model.names(), [np.zeros(model.num_openings)]
    count = model.num_openings
    for column in range(problem.num_columns):
        value, new_names = add_service(model, rows, column, count)
        worth.append(value)
        names += new_names
        count += len(value)
    lower, upper = model.bounds()
    rest = np.zeros(count - model.num_openings)
    return LinearModel(
        name="phasing",
        matrix=rows.matrix(count),
        row_lower=np.array(rows.lower),
        row_upper=np.array(rows.upper),
        lower=np.concatenate([lower, rest]),
        upper=np.concatenate([upper, np.ones(len(rest))]),
        objective=np.concatenate(worth),
        maximize=True,
        integer=np.arange(count) < model.num_openings,
        column_names=names,
        row_names=rows.names,
    )


def add_service(
    model: PhasedModel, rows: ModelRows, column: int, first: int
) -> tuple[FloatArray, list[str]]:
    """Write rows (1) of one column.

    Parameters
    ----------
    model : PhasedModel
    rows : ModelRows
        Written into.
    column : int
        Column of the problem.
    first : int
        Column of the model that is its first x or f.

    Returns
    -------
    value : float array
        w of its x and f.
    names : list of str
    """
    problem = model.problem
    node = int(problem.node_of[column])
    merged = merge_sized_rows(problem.column_problem(column))
    opening = model.opening[merged.site_idx, node]
    value: list[float] = []
    names: list[str] = []
    carried: dict[int, list[tuple[int, float]]] = {}
    for row in range(merged.num_rows):
        sites = merged.sites_of_row.row(row)
        sites = sites[opening[sites] >= 0]
        if merged.load[row] <= 0.0:
            at = first + len(value)
            value.append(float(merged.value[row]))
            names.append(f"x_{row}_{column}")
            rows.add(
                np.append(opening[sites], at),
                np.append(-np.ones(len(sites)), 1.0),
                -np.inf,
                0.0,
                f"cover_{row}_{column}",
            )
            continue
        pairs = first + len(value) + np.arange(len(sites))
        value += [float(merged.value[row])] * len(sites)
        names += [f"f_{row}_{merged.site_idx[site]}_{column}" for site in sites.tolist()]
        rows.add(pairs, np.ones(len(pairs)), -np.inf, 1.0, f"once_{row}_{column}")
        for site, pair in zip(sites.tolist(), pairs.tolist(), strict=True):
            rows.add(
                np.array([pair, opening[site]]),
                np.array([1.0, -1.0]),
                -np.inf,
                0.0,
                f"open_{row}_{merged.site_idx[site]}_{column}",
            )
            carried.setdefault(site, []).append((pair, float(merged.load[row])))
    for site, pairs_of_site in carried.items():
        _add_capacity(model, rows, column, int(merged.site_idx[site]), pairs_of_site)
    return np.array(value), names


def _add_capacity(
    model: PhasedModel, rows: ModelRows, column: int, site: int, pairs: list[tuple[int, float]]
) -> None:
    problem = model.problem
    node = int(problem.node_of[column])
    kinds = np.flatnonzero(model.column[site, :, node] >= 0)
    load = np.array([each for _, each in pairs])
    scale = load.sum()
    capacity = np.minimum(problem.capacity[site, kinds, column], scale)
    rows.add(
        np.concatenate([[pair for pair, _ in pairs], model.column[site, kinds, node]]),
        np.concatenate([load, -np.diff(capacity, prepend=0.0)]) / scale,
        -np.inf,
        0.0,
        f"capacity_{site}_{column}",
    )
