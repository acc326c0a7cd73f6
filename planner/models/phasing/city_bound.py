"""The bound of one city over time at given prices, and the exact model of what it leaves open.

Sets: nodes n of a tree, rows i (zones that the same sites reach, merged) of value W_in, sites j,
q_jn the price of opening j at n, T(n) the node n and all after it. y_jn = 1 if j stands at n.

    max  sum_in W_in x_in - sum_jn q_jn (y_jn - y_j,parent(n))
    (1)  x_in <= sum_{j in N(i)} y_jn,  0 <= x_in <= 1
    (2)  y_jn >= y_j,parent(n);  y_jn = 1 where it must stand, 0 where it may not
    (3)  sum_j y_jn <= most, >= least at leaves;  new stations of each node, or up to it, <= rate

Capacity is left out, so the bound holds with it. With multipliers 0 <= l_in <= W_in of (1) and d
of (3), its sites fall apart:

(A) sum_in (W_in - l_in) + sum over (3) of d * limit + sum_j f_j,

f_j the best of all ways to stand: with c_jn = sum_{i in N_j} l_in less the d of the rows of (3)
that count j at n,

(B) f_j(n) = max(sum_{m in T(n)} c_jm - q_jn, sum over children m of n of f_j(m)),  f_j = f_j(root).

The inner problem is integral, so the least (A) is the bound of the linear relaxation, whose duals
GLOP gives. Where the best of a site under some condition lies below f_j by more than what (A) is
above a known plan, no better plan meets the condition: the model that is left is solved instead.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.models.coverage.rows import merge_alike
from planner.models.phasing.priced_search import Numbers, Rows, Sites
from planner.models.phasing.tree import ROOT, Tree
from planner.solving.incidence import transpose
from planner.solving.linear_model import LinearModel, solve_linear


def best_openings(tree: Tree, worth: FloatArray, sites: Sites) -> FloatArray:
    """f_j of (B).

    Parameters
    ----------
    tree : Tree
    worth : float array, shape (num_sites, num_nodes)
        c_jn: what standing at the node earns.
    sites : Sites
        Prices of openings, where sites may and must stand.

    Returns
    -------
    float array, shape (num_sites,)
        -inf where a site can do nothing that is allowed.
    """
    from_on = worth @ tree.from_node.T.astype(np.float64) - sites.price
    best = np.zeros(worth.shape)
    for node in range(tree.num_nodes - 1, -1, -1):
        waits = best[:, np.flatnonzero(tree.parent == node)].sum(axis=1)
        opens = np.where(sites.may_stand[:, node], from_on[:, node], -np.inf)
        best[:, node] = np.where(sites.must_stand[:, node], opens, np.maximum(opens, waits))
    return best[:, 0]


@dataclass(frozen=True)
class CityDual:
    """Multipliers of (1) and (3).

    Attributes
    ----------
    multiplier : tuple of float arrays, one per node
        l_in of the rows of the node (`CityModel.rows_of_node`).
    most, least, rate : float arrays, shape (num_nodes,)
        d >= 0 of most and rate, <= 0 of least.
    """

    multiplier: tuple[FloatArray, ...]
    most: FloatArray
    least: FloatArray
    rate: FloatArray


@dataclass(frozen=True)
class NodeRows:
    """Rows of one node that the free sites of the node reach, merged once more.

    Attributes
    ----------
    value : float array, shape (num_node_rows,)
    sites_of_row, rows_of_site : Lists
        Sites as positions in ``site_idx``.
    site_idx : int array
        Free sites that reach a row.
    row_of : int array, shape (num_rows,)
        Row here of each row of the city, -1 without.
    base_value : float
        What stations that must stand at the node cover.
    """

    value: FloatArray
    sites_of_row: Lists
    rows_of_site: Lists
    site_idx: IntArray
    row_of: IntArray
    base_value: float

    def merged(self, of_rows: FloatArray) -> FloatArray:
        """Sums over the rows of the city that each row here stands for."""
        kept = self.row_of >= 0
        return np.bincount(self.row_of[kept], of_rows[kept], minlength=len(self.value)).astype(
            np.float64
        )


@dataclass(frozen=True)
class CityModel:
    """Model (1) to (3) of a city, presolved: sites that may and must stand settle rows by node.

    Attributes
    ----------
    rows : Rows
    sites : Sites
    numbers : Numbers
    tree : Tree
    """

    rows: Rows
    sites: Sites
    numbers: Numbers
    tree: Tree

    @cached_property
    def rows_of_node(self) -> tuple[NodeRows, ...]:
        """Rows of each node that sites free there may cover, and what is covered for good."""
        lists, value, found = self.rows.rows_of_site, self.rows.value, []
        for node in range(self.tree.num_nodes):
            must, may = self.sites.must_stand[:, node], self.sites.may_stand[:, node]
            covered = np.zeros(len(value), dtype=np.bool_)
            covered[lists.entries_of(must)] = True
            by_row = transpose(
                lists,
                len(value),
                keep_list=may & ~must,
                keep_member=~covered & (value[:, node] > 0),
            )
            each = merge_alike(by_row, np.zeros(len(may), dtype=np.bool_))
            kept = each.row_of_zone >= 0
            sums = np.bincount(
                each.row_of_zone[kept], value[kept, node], minlength=each.sites_of_row.num_lists
            )
            found.append(
                NodeRows(
                    value=sums.astype(np.float64),
                    sites_of_row=each.sites_of_row,
                    rows_of_site=transpose(each.sites_of_row, len(each.site_idx)),
                    site_idx=each.site_idx,
                    row_of=each.row_of_zone,
                    base_value=math.fsum(value[covered, node]),
                )
            )
        return tuple(found)

    @cached_property
    def free(self) -> tuple[IntArray, IntArray, IntArray]:
        """Site and node of each column y, and the column of each pair (-1 without), flattened."""
        open_pairs = self.sites.may_stand & ~self.sites.must_stand
        node, site = np.nonzero(open_pairs.T)
        column = np.full(open_pairs.shape, -1, dtype=np.int64)
        column[site, node] = np.arange(len(site))
        return site, node, column

    @cached_property
    def rent(self) -> FloatArray:
        """What standing at a node costs beyond standing after it, shape (num_sites, num_nodes)."""
        rent = self.sites.price.copy()
        for node in range(1, self.tree.num_nodes):
            rent[:, self.tree.parent[node]] -= self.sites.price[:, node]
        return rent

    @property
    def num_rows(self) -> int:
        """Rows of all nodes together."""
        return sum(len(rows.value) for rows in self.rows_of_node)

    @property
    def num_columns(self) -> int:
        """Columns of the model."""
        return len(self.free[0]) + self.num_rows

    @property
    def is_possible(self) -> bool:
        """Whether no site must stand where it may not."""
        return not (self.sites.must_stand & ~self.sites.may_stand).any()

    def bound(self, dual: CityDual) -> float:
        """(A), correctly rounded; valid for any multipliers, which are clipped into their limits.

        The rates of cities whose openings expire are priced as openings, others as standing.
        """
        terms, tree, numbers = [], self.tree, self.numbers
        worth, sites = self._worth(dual)
        for rows, each in zip(self.rows_of_node, dual.multiplier, strict=True):
            left = rows.value - np.clip(each, 0.0, rows.value)
            terms += [rows.base_value, math.fsum(left)]
        terms += (np.maximum(dual.most, 0.0) * numbers.most).tolist()
        terms += (np.where(tree.is_leaf, np.minimum(dual.least, 0.0), 0.0) * numbers.least).tolist()
        limited = np.isfinite(numbers.rate)
        terms += (np.maximum(dual.rate, 0.0)[limited] * numbers.rate[limited]).tolist()
        return math.fsum((*terms, math.fsum(best_openings(tree, worth, sites))))

    def _worth(self, dual: CityDual) -> tuple[FloatArray, Sites]:
        """c_jn of (B), and sites with the prices of their openings."""
        num_sites, tree = len(self.sites.price), self.tree
        worth = np.zeros(self.sites.price.shape)
        for node, (rows, each) in enumerate(zip(self.rows_of_node, dual.multiplier, strict=True)):
            clipped = np.clip(each, 0.0, rows.value)
            pairs = rows.rows_of_site
            sums = np.bincount(pairs.owner, clipped[pairs.idx], minlength=len(rows.site_idx))
            worth[rows.site_idx, node] = sums
        worth -= np.maximum(dual.most, 0.0)
        worth -= np.where(tree.is_leaf, np.minimum(dual.least, 0.0), 0.0)
        limited = np.isfinite(self.numbers.rate)
        per_new = np.where(limited, np.maximum(dual.rate, 0.0), 0.0) * np.ones((num_sites, 1))
        per_new[~self.numbers.is_new] = 0.0
        if self.numbers.carries_over:
            return worth - per_new, self.sites
        return worth, self.sites._replace(price=self.sites.price + per_new)

    def without(self, dual: CityDual, slack: float) -> "CityModel":
        """The same without what no plan does that is less than ``slack`` below the bound."""
        worth, sites = self._worth(dual)
        best = best_openings(self.tree, worth, sites)
        may, must = self.sites.may_stand.copy(), self.sites.must_stand.copy()
        for node in range(self.tree.num_nodes):
            later, earlier = self.tree.from_node[node], self.tree.from_node[:, node]
            standing = sites._replace(must_stand=sites.must_stand | later)
            with np.errstate(invalid="ignore"):
                lost = best - best_openings(self.tree, worth, standing)
                may[:, node] &= ~(lost > slack)
                absent = sites._replace(may_stand=sites.may_stand & ~earlier)
                lost = best - best_openings(self.tree, worth, absent)
                must[:, node] |= lost > slack
        kept = self.sites._replace(may_stand=may, must_stand=must)
        return CityModel(self.rows, kept, self.numbers, self.tree)

    def linear_model(self, *, integer: bool, hint: BoolArray | None = None) -> LinearModel:
        """(1) to (3) as arrays: columns y then x; rows ``cover``, ``stays``, then (3).

        Parameters
        ----------
        integer : bool
            False for the linear relaxation.
        hint : bool array, shape (num_sites, num_nodes), optional
            A plan to start from.
        """
        site, node, _ = self.free
        stays, city = self._stays(), self._numbers()
        num_y, num_x = len(site), self.num_rows
        cover = self._cover()
        identity = scipy.sparse.identity(num_x, format="csr")
        rest = scipy.sparse.vstack([stays, city[0]], format="csr")
        matrix = scipy.sparse.vstack(
            [
                scipy.sparse.hstack([cover, -identity]),
                scipy.sparse.hstack([rest, scipy.sparse.csr_matrix((rest.shape[0], num_x))]),
            ],
            format="csr",
        )
        base = [rows.base_value for rows in self.rows_of_node]
        fixed = math.fsum(self.rent[self.sites.must_stand])
        levels = None
        if hint is not None:
            chosen = hint[site, node].astype(np.float64)
            levels = np.r_[chosen, np.minimum(cover @ chosen, 1.0)]
        nodes_of_x = np.repeat(
            np.arange(self.tree.num_nodes), [len(rows.value) for rows in self.rows_of_node]
        )
        rows_of_x = np.concatenate([np.arange(len(rows.value)) for rows in self.rows_of_node])
        return LinearModel(
            name="phased_city",
            matrix=matrix,
            row_lower=np.r_[np.zeros(num_x + stays.shape[0]), city[1]],
            row_upper=np.r_[np.full(num_x + stays.shape[0], np.inf), city[2]],
            lower=np.zeros(num_y + num_x),
            upper=np.ones(num_y + num_x),
            objective=np.r_[-self.rent[site, node], *(rows.value for rows in self.rows_of_node)],
            maximize=True,
            offset=math.fsum((*base, -fixed)),
            integer=np.arange(num_y + num_x) < num_y if integer else None,
            column_names=[
                *(f"y_{j}_{n}" for j, n in zip(site.tolist(), node.tolist(), strict=True)),
                *(f"x_{i}_{n}" for i, n in zip(rows_of_x, nodes_of_x, strict=True)),
            ],
            row_names=[
                *(f"cover_{i}_{n}" for i, n in zip(rows_of_x, nodes_of_x, strict=True)),
                *(f"stays_{k}" for k in range(stays.shape[0])),
                *city[3],
            ],
            hint=levels,
        )

    def with_free(self, columns: FloatArray) -> BoolArray:
        """Where sites stand, from the columns y of the model; shape (num_sites, num_nodes)."""
        site, node, _ = self.free
        stands = self.sites.must_stand.copy()
        stands[site, node] = columns[: len(site)] > 0.5
        return stands

    def _cover(self) -> scipy.sparse.csr_matrix:
        _, _, column = self.free
        blocks = []
        for node, rows in enumerate(self.rows_of_node):
            pairs = rows.sites_of_row
            ends = column[rows.site_idx[pairs.idx], node]
            blocks.append(
                scipy.sparse.csr_matrix(
                    (np.ones(pairs.num_entries), ends, pairs.ptr),
                    shape=(len(rows.value), len(self.free[0])),
                )
            )
        matrix: scipy.sparse.csr_matrix = scipy.sparse.vstack(blocks, format="csr")
        return matrix

    def _stays(self) -> scipy.sparse.csr_matrix:
        """(2) where both nodes are free."""
        _, node, column = self.free
        site = self.free[0]
        parent = self.tree.parent[node]
        before = np.where(parent == ROOT, -1, column[site, parent])
        linked = np.flatnonzero(before >= 0)
        entries = np.r_[np.ones(len(linked)), -np.ones(len(linked))]
        at = np.r_[np.arange(len(linked)), np.arange(len(linked))]
        return scipy.sparse.csr_matrix(
            (entries, (at, np.r_[linked, before[linked]])), shape=(len(linked), len(node))
        )

    def _numbers(self) -> tuple[scipy.sparse.csr_matrix, FloatArray, FloatArray, list[str]]:
        """(3): number at each node, then rates; what stands for sure is taken off."""
        site, node, _ = self.free
        numbers, tree = self.numbers, self.tree
        sure = self.sites.must_stand.sum(axis=0)
        sure_new = self.sites.must_stand[numbers.is_new].sum(axis=0)
        new = numbers.is_new[site]
        rows = [(node == n).astype(np.float64) for n in range(tree.num_nodes)]
        lower = np.where(tree.is_leaf, numbers.least - sure, -np.inf).tolist()
        upper = (numbers.most - sure).astype(np.float64).tolist()
        names = [f"number_{n}" for n in range(tree.num_nodes)]
        for n in self._limited.tolist():
            opened = ((node == n) & new).astype(np.float64)
            left = numbers.rate[n] - sure_new[n]
            if not numbers.carries_over and tree.parent[n] != ROOT:
                opened -= (node == tree.parent[n]) & new
                left += sure_new[tree.parent[n]]
            rows.append(opened)
            lower.append(-np.inf)
            upper.append(float(left))
            names.append(f"rate_{n}")
        matrix = scipy.sparse.csr_matrix(np.array(rows).reshape(len(rows), len(site)))
        return matrix, np.array(lower), np.array(upper), names

    @property
    def _limited(self) -> IntArray:
        """Nodes with a limit on new stations."""
        return np.flatnonzero(np.isfinite(self.numbers.rate))

    def relaxed(self, time_limit_s: float = math.inf) -> CityDual | None:
        """Duals of the linear relaxation by GLOP; None if it has none in time."""
        result = solve_linear(
            self.linear_model(integer=False).to_ortools(), time_limit_s=time_limit_s
        )
        if result.duals is None:
            return None
        dual, num_nodes = result.duals, self.tree.num_nodes
        ends = np.cumsum([0, *(len(rows.value) for rows in self.rows_of_node)])
        of_number, of_rate = np.split(
            dual[len(dual) - num_nodes - len(self._limited) :], [num_nodes]
        )
        rate = np.zeros(num_nodes)
        rate[self._limited] = of_rate
        return CityDual(
            tuple(-dual[ends[n] : ends[n + 1]] for n in range(num_nodes)),
            np.maximum(of_number, 0.0),
            np.minimum(of_number, 0.0),
            rate,
        )

    def known(self, of_rows: FloatArray, of_numbers: FloatArray) -> CityDual:
        """Multipliers (num_rows, num_nodes) of the rows of the city, (2, num_nodes) of (3).

        The latter are of most and rate; least is left out.
        """
        return CityDual(
            tuple(rows.merged(of_rows[:, n]) for n, rows in enumerate(self.rows_of_node)),
            of_numbers[0],
            np.zeros(self.tree.num_nodes),
            of_numbers[1],
        )
