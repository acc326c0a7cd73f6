"""Descent on a plan that serves wanted shares: what it can do without, later, smaller or elsewhere.

A step of :mod:`planner.models.phasing.least_money`, for periods in a line. Moves, tried from those
that save most, each kept if the plan stays within its limits and serves what is wanted:

- a station less, or one that opens or grows a node later, or one of the next smaller type;
- a station at another site nearby, in place of one or two;
- where few stations stand, a station more, earlier or larger, and then without what others now can
  do without.

Where many stations stand, moves of the first kind are made many at a time before: those first that
save most for the value that the station alone serves, as many as the wanted shares allow
(bisection).
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse

from planner.arrays import FloatArray, IndexArray, IntArray
from planner.limits import at_least
from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.rows import node_values
from planner.models.phasing.sizes import plan_of_table, use_of
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow

MANY = 60
"""Stations from which on moves are made many at a time, and only one station goes for another."""
TRIES = 200_000
"""Moves tried at most, times the stations that stand: each takes the longer, the more there are."""
LEAST_SAVED = 1e-9
"""A move saves at least this share of the money."""


@dataclass(frozen=True)
class Wanted:
    """What a plan has to serve, and what its money counts.

    Attributes
    ----------
    problem : PhasedProblem
        Over periods in a line.
    at : int
        Position of the limit that is money.
    least : float array, shape (num_nodes,)
        Value that is to be served at each node; nan where none is.
    money_counts : float array, shape (num_nodes,)
        d_n > 0: what money spent at each node counts.
    """

    problem: PhasedProblem
    at: int
    least: FloatArray
    money_counts: FloatArray

    @cached_property
    def nodes(self) -> IntArray:
        """Nodes where something is wanted."""
        return np.flatnonzero(np.isfinite(self.least))

    @cached_property
    def _columns(self) -> list[tuple[int, SizedCoverageProblem]]:
        """Node and problem of each column that counts."""
        counted = np.flatnonzero(np.isin(self.problem.node_of, self.nodes))
        nodes = self.problem.node_of[counted]
        return [
            (int(node), self.problem.column_problem(int(column)))
            for node, column in zip(nodes, counted, strict=True)
        ]

    def by_site(self, sites: IntArray, rows: IndexArray) -> FloatArray:
        """Money that types at each node take at some sites, counted, shape (num_sites,)."""
        use = use_of(self.problem.limits[self.at].use[sites], rows)
        return np.asarray(np.diff(use, axis=1, prepend=0.0) @ self.money_counts)

    def money(self, table: IndexArray) -> float:
        """Money of a plan, counted."""
        return math.fsum(self.by_site(np.arange(len(table)), table))

    def is_met(self, table: IndexArray) -> bool:
        """Whether a plan keeps the limits and serves what is wanted."""
        return not keeps_limits(self.problem, plan_of_table(table)) and self.is_served(table)

    def is_served(self, table: IndexArray) -> bool:
        """Whether a plan serves what is wanted, whatever the limits."""
        served = np.zeros(table.shape[1])
        for node, of_column in self._columns:
            sites = np.flatnonzero(table[:, node] != CLOSED)
            served[node] += served_flow(of_column, sites, table[sites, node].astype(np.int64))[1]
        return bool(at_least(served[self.nodes], self.least[self.nodes]).all())


class _Move(NamedTuple):
    """Types of some sites before and after, and what the change saves and may lose."""

    saved: float
    lost: float
    sites: IntArray
    old: IndexArray
    new: IndexArray

    def fits(self, table: IndexArray) -> bool:
        """Whether the sites are still as they were."""
        return bool((table[self.sites] == self.old).all())

    def made(self, table: IndexArray) -> IndexArray:
        """The table with the move made."""
        changed = table.copy()
        changed[self.sites] = self.new
        return changed


def descend(wanted: Wanted, table: IndexArray, may_go_on: Callable[[], bool]) -> IndexArray:
    """Find a cheaper plan by small moves.

    Parameters
    ----------
    wanted : Wanted
    table : int array, shape (num_sites, num_nodes)
        Types; within the limits, and serves what is wanted.
    may_go_on : callable
        Asked before each move.

    Returns
    -------
    int array, shape (num_sites, num_nodes)
        Alike, and no dearer.
    """
    if _number(table) > MANY:
        table = _many_less(wanted, table, may_go_on)
    trial = _Trial(wanted, may_go_on, TRIES // max(_number(table), 1))
    neighbours = _neighbours(wanted.problem)
    while not trial.is_over:
        old = table
        table = trial.first_better(table, _less(wanted, table), wanted.is_met)
        if table is old:
            table = trial.first_better(table, _elsewhere(wanted, table, neighbours), wanted.is_met)
        if table is old and _number(table) <= MANY:
            table = _more_and_less(trial, table)
        if table is old:
            break
    return table


@dataclass
class _Trial:
    """Moves tried, as many as there may be."""

    wanted: Wanted
    may_go_on: Callable[[], bool]
    tries_left: int

    @property
    def is_over(self) -> bool:
        return self.tries_left <= 0 or not self.may_go_on()

    def first_better(
        self, table: IndexArray, moves: list[_Move], is_good: Callable[[IndexArray], bool]
    ) -> IndexArray:
        """The plan with every move made that leaves it good, those first that save most."""
        for move in sorted(moves, key=lambda each: -each.saved):
            if move.fits(table):
                if self.is_over:
                    break
                self.tries_left -= 1
                if is_good(move.made(table)):
                    table = move.made(table)
        return table


def _more_and_less(trial: _Trial, table: IndexArray) -> IndexArray:
    """The first cheaper plan with a station more, earlier or larger, and less of the others."""
    wanted = trial.wanted
    money = wanted.money(table)
    for site, row in _more(wanted.problem, table):
        changed = table.copy()
        changed[site] = row
        while not trial.is_over:
            moves = [move for move in _less(wanted, changed) if move.sites[0] != site]
            less = trial.first_better(changed, moves, wanted.is_served)
            if less is changed:
                break
            changed = less
        if trial.is_over:
            break
        is_cheaper = wanted.money(changed) < money * (1.0 - LEAST_SAVED)
        if is_cheaper and wanted.is_met(changed):
            return changed
    return table


def _more(problem: PhasedProblem, table: IndexArray) -> Iterator[tuple[int, IndexArray]]:
    """Sites with the types that would stand there, were something built from some node on."""
    for site in range(problem.num_sites):
        for node in np.flatnonzero(problem.may_stand[site]).tolist():
            for kind in np.flatnonzero(problem.fits[site]).tolist():
                if kind > table[site, node]:
                    row = table[site].copy()
                    row[node:] = np.maximum(row[node:], kind)
                    yield site, row


def _number(table: IndexArray) -> int:
    return int((table != CLOSED).any(axis=1).sum())


def _many_less(wanted: Wanted, table: IndexArray, may_go_on: Callable[[], bool]) -> IndexArray:
    """Moves made many at a time, one of each station, while that saves anything."""
    while may_go_on():
        moves = sorted(_less(wanted, table), key=lambda each: each.lost / each.saved)
        first = list({int(move.sites[0]): move for move in reversed(moves)}.values())[::-1]

        def made(number: int, first: list[_Move] = first, old: IndexArray = table) -> IndexArray:
            changed = old.copy()
            for move in first[:number]:
                changed[move.sites] = move.new
            return changed

        fits, too_many = 0, len(first) + 1
        while too_many - fits > 1 and may_go_on():
            middle = (fits + too_many) // 2
            if wanted.is_met(made(middle)):
                fits = middle
            else:
                too_many = middle
        if fits == 0:
            break
        table = made(fits)
    return table


def _least_rows(problem: PhasedProblem, sites: IntArray) -> IndexArray:
    """The least that may stand at sites: nothing, or the smallest type where one must."""
    smallest = problem.fits[sites].argmax(axis=1)
    return np.where(problem.must_stand[sites], smallest[:, None], CLOSED).astype(np.int32)


def _less(wanted: Wanted, table: IndexArray) -> list[_Move]:
    """A station less, later or smaller."""
    problem, fits = wanted.problem, wanted.problem.fits
    sites = np.flatnonzero((table != CLOSED).any(axis=1))
    alone = _alone(wanted, table, sites)
    least = _least_rows(problem, sites)
    found: list[_Move] = []
    for at, site in enumerate(sites.tolist()):
        row, lost = table[site], alone[at]
        found += _move(wanted, site, row, least[at], float(lost.sum()))
        for node in range(len(row)):
            earlier = row[node - 1] if node else np.int32(CLOSED)
            if row[node] != earlier and earlier >= least[at, node]:
                later = row.copy()
                later[node] = earlier
                found += _move(wanted, site, row, later, float(lost[node]))
        for kind in set(row[row > CLOSED].tolist()):
            smaller = np.flatnonzero(fits[site, :kind])
            if len(smaller):
                shrunk = np.where(row == kind, smaller[-1], row).astype(np.int32)
                shrunk = np.maximum(shrunk, least[at])
                found += _move(wanted, site, row, shrunk, float(lost[row == kind].sum()))
    return found


def _move(wanted: Wanted, site: int, old: IndexArray, new: IndexArray, lost: float) -> list[_Move]:
    """The move of one site, if it saves anything."""
    sites = np.array([site])
    costs = [float(wanted.by_site(sites, row[None, :])[0]) for row in (old, new)]
    saved = costs[0] - costs[1]
    if saved <= LEAST_SAVED * abs(costs[0]):
        return []
    return [_Move(saved, lost, sites, old[None, :].copy(), new[None, :].copy())]


def _alone(wanted: Wanted, table: IndexArray, sites: IntArray) -> FloatArray:
    """Value of zones that no other station reaches, shape (num_sites, num_nodes)."""
    problem = wanted.problem
    value = node_values(problem)
    of_site = _reach_matrix(problem)[sites]
    found = np.zeros((len(sites), table.shape[1]))
    for node in wanted.nodes.tolist():
        stands = (table[sites, node] != CLOSED).astype(np.float64)
        counts = of_site.T @ stands
        found[:, node] = stands * (of_site @ np.where(counts == 1.0, value[:, node], 0.0))
    return found


def _reach_matrix(problem: PhasedProblem) -> "scipy.sparse.csr_matrix":
    """Sites by zones within their reach."""
    reach = problem.reach
    shape = (problem.num_sites, problem.num_zones)
    return scipy.sparse.csr_matrix((np.ones(reach.num_entries), reach.idx, reach.ptr), shape=shape)


def _neighbours(problem: PhasedProblem) -> "scipy.sparse.csr_matrix":
    """Pairs of sites with a zone in common."""
    of_site = _reach_matrix(problem)
    return scipy.sparse.csr_matrix(of_site @ of_site.T)


def _elsewhere(
    wanted: Wanted, table: IndexArray, neighbours: "scipy.sparse.csr_matrix"
) -> list[_Move]:
    """A station at another site, in place of one or two nearby."""
    problem = wanted.problem
    stands = (table != CLOSED).any(axis=1)
    sites = np.flatnonzero(stands)
    saved = np.zeros(problem.num_sites)
    least = np.full(table.shape, CLOSED, dtype=np.int32)
    least[sites] = _least_rows(problem, sites)
    saved[sites] = wanted.by_site(sites, table[sites]) - wanted.by_site(sites, least[sites])
    opens = (table != CLOSED).argmax(axis=1)
    use, counts = problem.limits[wanted.at].use, wanted.money_counts
    found: list[_Move] = []
    for new in np.flatnonzero(~stands & problem.fits.any(axis=1)).tolist():
        near = neighbours[new].indices
        near = near[stands[near] & (saved[near] > 0.0)]
        windows = np.flatnonzero(problem.may_stand[new])
        if not len(near) or not len(windows):
            continue
        kinds = np.flatnonzero(problem.fits[new])
        first = np.maximum(opens, windows[0])
        groups = [np.array([each]) for each in near]
        if len(sites) > MANY:
            # The best of all alone: there are too many to list.
            gained = saved[near][:, None] - use[new, kinds] * counts[first[near]][:, None]
            at, which = np.unravel_index(int(gained.argmax()), gained.shape)
            groups, kinds = [near[at : at + 1]], kinds[which : which + 1]
        else:
            groups += [np.array(pair) for pair in itertools.combinations(near, 2)]
        for gone in groups:
            begins = int(first[gone].min())
            for kind in kinds.tolist():
                cost = float(use[new, kind] * counts[begins])
                gain = float(saved[gone].sum()) - cost
                if gain <= LEAST_SAVED * abs(cost):
                    continue
                row = np.full((1, table.shape[1]), CLOSED, dtype=np.int32)
                row[0, begins:] = kind
                both = np.append(new, gone)
                after = np.concatenate([row, least[gone]])
                found.append(_Move(gain, 0.0, both, table[both].copy(), after))
    return found
