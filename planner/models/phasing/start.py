"""The first plan over time: what must stand, city minima, then the best sites by node.

Takes a `PhasedProblem` and its merged rows, gives a state for :mod:`planner.models.phasing.search`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray
from planner.errors import InfeasibleError, NoPlanError
from planner.limits import widened
from planner.models.coverage.rows import CoverRows
from planner.models.coverage.search import Schedule, anneal, greedy, swap_pass, swap_tables
from planner.models.phasing.cuts import CutFamily, crowding_from
from planner.models.phasing.feasible import (
    count_by_city,
    keeps_limits,
    new_by_city,
    rates_available,
)
from planner.models.phasing.model import PhasedModel, phased_rules
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.rows import PhasedRows
from planner.models.phasing.search import fill_greedily
from planner.models.phasing.sizes import available, plain_types, plan_of_table, taken
from planner.models.phasing.tables import Board, Nested, Room, build_stations, empty_plan
from planner.models.phasing.tree import ROOT
from planner.models.phasing.tuning import Tuning
from planner.solving.mip import solve_mip
from planner.solving.status import Status


@dataclass(frozen=True)
class NestedState:
    """A plan in the tables of the search, and what stands outside of them.

    Attributes
    ----------
    problem, rows
    kinds : int array, shape (num_sites,)
        Type that each site of the problem is counted with.
    board, room, plan
        Of the sites of ``rows``.
    fixed : bool array, shape (num_sites, num_nodes)
        What stands at the other sites.
    """

    problem: PhasedProblem
    rows: PhasedRows
    kinds: IndexArray
    board: Board
    room: Room
    plan: Nested
    fixed: BoolArray

    @property
    def table(self) -> IndexArray:
        """Types by site and node of the whole plan."""
        stands = self.fixed.copy()
        stands[self.rows.site_idx] |= self.plan.stands
        return np.where(stands, self.kinds[:, None], CLOSED).astype(np.int32)


def state_of(
    problem: PhasedProblem,
    rows: PhasedRows,
    stands: BoolArray,
    families: Sequence[CutFamily] = (),
) -> NestedState:
    """The tables of a plan.

    Parameters
    ----------
    problem : PhasedProblem
    rows : PhasedRows
    stands : bool array, shape (num_sites, num_nodes)
        Of the problem's sites.
    families : sequence of CutFamily
        What is known of the load that stations turn away.
    """
    kinds = plain_types(problem)
    fixed = stands.copy()
    fixed[rows.site_idx] = False
    incidence = rows.incidence
    board = Board(
        rows.value,
        incidence.sites_of_row,
        incidence.rows_of_site,
        problem.tree.parent.astype(np.int64),
        problem.tree.from_node,
    )
    room = _room(problem, rows, kinds, fixed)
    plan = empty_plan(board, crowding_from(problem, rows, families))
    build_stations(np.ascontiguousarray(stands[rows.site_idx]), board, room, plan)
    return NestedState(problem, rows, kinds, board, room, plan, fixed)


def _room(problem: PhasedProblem, rows: PhasedRows, kinds: IndexArray, fixed: BoolArray) -> Room:
    """What limits leave beside the stations that are not the search's."""
    cities, sites = problem.cities, rows.site_idx
    finite = np.array([np.isfinite(limit.amount).any() for limit in problem.limits])
    fixed_table = np.where(fixed, kinds[:, None], CLOSED).astype(np.int32)
    left = widened(available(problem)) - taken(problem, fixed_table)
    use = np.array([limit.use[np.arange(problem.num_sites), kinds] for limit in problem.limits]).T
    count = count_by_city(problem, fixed)
    # Minima hold at leaves; elsewhere any number may go.
    least = np.where(problem.tree.is_leaf, cities.least[:, None], -problem.num_sites)
    rates = rates_available(problem)
    in_city = np.bincount(cities.city_idx, minlength=len(cities.least))
    limited = (cities.least > 0) | (cities.most < in_city) | np.isfinite(rates).any(axis=1)
    key = np.column_stack(
        [
            np.where(limited, np.arange(len(in_city)), -1)[cities.city_idx[sites]],
            problem.is_new[sites],
            use[sites][:, finite],
        ]
    )
    alike = np.unique(key, axis=0, return_inverse=True)[1].reshape(-1)
    return Room(
        use=np.ascontiguousarray(use[sites][:, finite]),
        left=np.ascontiguousarray(left[finite]),
        carries_over=np.array([limit.carries_over for limit in problem.limits])[finite],
        alike=alike.astype(np.int64),
        city=cities.city_idx[sites].astype(np.int64),
        city_left=(cities.most[:, None] - count).astype(np.int64),
        city_spare=(count - least).astype(np.int64),
        is_new=problem.is_new[sites].copy(),
        rate_left=rates - new_by_city(problem, fixed),
        rates_carry_over=bool(cities.carries_over),
        may=rows.may_stand.copy(),
        must=rows.must_stand.copy(),
    )


def first_state(
    problem: PhasedProblem,
    rows: PhasedRows,
    preferred: BoolArray | None,
    tuning: Tuning,
    rng: np.random.Generator,
) -> NestedState:
    """A plan that keeps every limit, filled greedily.

    Parameters
    ----------
    problem : PhasedProblem
    rows : PhasedRows
    preferred : bool array, shape (num_sites,), optional
        Sites to choose from first; without them those of a good last node.
    tuning : Tuning
    rng : numpy.random.Generator

    Raises
    ------
    InfeasibleError
        If there is no plan.
    """
    state = _least_state(problem, rows)
    effort = _effort(problem, rows, state.kinds)
    everywhere = np.ones(rows.num_sites, dtype=np.bool_)
    if preferred is not None:
        _fill(state, preferred[rows.site_idx], effort)
    elif problem.tree.num_nodes > 1 and rows.num_rows > 0:
        rough = state_of(problem, rows, state.table != CLOSED)
        _fill(rough, everywhere, effort)
        wanted = _last_sites(rough, tuning, rng)
        _fill(state, wanted, effort)
    _fill(state, everywhere, effort)
    return state


def _effort(problem: PhasedProblem, rows: PhasedRows, kinds: IndexArray) -> FloatArray:
    """What a station at each site takes: the sum of its shares of all there is; 1 on average."""
    sites = rows.site_idx
    effort = np.zeros(len(sites))
    for limit in problem.limits:
        use = limit.use[sites, kinds[sites]]
        whole = limit.amount[np.isfinite(limit.amount)].sum()
        if np.isfinite(limit.amount).any():
            effort += use / max(whole, use.max(initial=0.0), 1e-300)
    mean = effort.mean() if len(effort) and effort.max() > 0.0 else 1.0
    return np.maximum(effort / mean, 1e-6)


def _fill(state: NestedState, wanted: BoolArray, effort: FloatArray) -> None:
    """Open the best of the wanted sites, node by node."""
    for node in range(state.problem.tree.num_nodes):
        fill_greedily(node, wanted, effort, len(wanted), state.board, state.room, state.plan)


def _last_sites(state: NestedState, tuning: Tuning, rng: np.random.Generator) -> BoolArray:
    """Sites of a good plan at the leaves alone, as many as ``state`` has there."""
    rows, leaf = state.rows, state.problem.tree.is_leaf
    number = int(state.plan.stands[:, leaf].any(axis=1).sum())
    chosen = np.zeros(rows.num_sites, dtype=np.bool_)
    if number == 0:
        return chosen
    last = CoverRows(
        value=np.ascontiguousarray(rows.value[:, leaf].sum(axis=1)),
        sites_of_row=rows.sites_of_row,
        rows_of_site=rows.rows_of_site,
        num_stations=number,
        site_idx=rows.site_idx,
        base_value=0.0,
    )
    plan = greedy(last)
    if len(plan):
        tables = swap_tables(last, plan)
        swap_pass(last, tables, rng)
        open_sites = np.flatnonzero(tables.is_open)
        unit = float(tables.change[open_sites].min())
        if unit > 0.0:
            moves = min(max(tuning.last_moves_per_station * number, 1), tuning.max_moves)
            schedule = Schedule(moves, tuning.last_hot_frac * unit, tuning.cold_frac * unit)
            anneal(last, tables, np.arange(rows.num_sites), schedule, rng)
        plan = np.flatnonzero(tables.is_open)
    chosen[plan] = True
    return chosen


def _least_state(problem: PhasedProblem, rows: PhasedRows) -> NestedState:
    """What must stand and what cities need at least; by SCIP if that is not plain."""
    state = state_of(problem, rows, _committed(problem))
    _fill_minima(state)
    if keeps_limits(problem, plan_of_table(state.table)):
        return state_of(problem, rows, _by_scip(problem))
    return state


def _committed(problem: PhasedProblem) -> BoolArray:
    """Stations where they must stand, those that too many open with moved to the node before."""
    tree = problem.tree
    stands = problem.must_stand.copy()
    kinds = plain_types(problem)
    rates = rates_available(problem)
    most = available(problem)
    for node in range(tree.num_nodes - 1, 0, -1):
        before = int(tree.parent[node])
        if before == ROOT:
            continue
        due = np.flatnonzero(stands[:, node] & ~stands[:, before])
        for site in due[problem.may_stand[due, before]].tolist():
            table = np.where(stands, kinds[:, None], CLOSED).astype(np.int32)
            nation = (taken(problem, table)[:, node] > widened(most[:, node])).any()
            cities = new_by_city(problem, stands)[:, node] > rates[:, node]
            if not (nation or cities.any()):
                break
            if nation or cities[problem.cities.city_idx[site]]:
                stands[site] |= tree.from_node[before]
    return stands


def _fill_minima(state: NestedState) -> None:
    """Open the best sites of cities below their minimum, as late as there is room."""
    problem, tree, cities = state.problem, state.problem.tree, state.problem.cities
    of_site = cities.city_idx[state.rows.site_idx]
    effort = np.ones(len(of_site))
    for leaf in np.flatnonzero(tree.is_leaf).tolist():
        path = np.flatnonzero(tree.from_node[:, leaf])[::-1].tolist()
        count = count_by_city(problem, state.table != CLOSED)[:, leaf]
        for city in np.flatnonzero(count < cities.least).tolist():
            missing = int(cities.least[city] - count[city])
            for node in path:
                if missing > 0:
                    missing -= fill_greedily(
                        node, of_site == city, effort, missing, state.board, state.room, state.plan
                    )


def _by_scip(problem: PhasedProblem) -> BoolArray:
    """Commitments and city minima within all limits together."""
    needed = problem.cities.least[problem.cities.city_idx] > 0
    sites = np.flatnonzero(
        problem.must_stand.any(axis=1) | (needed & problem.may_stand.any(axis=1))
    )
    model = PhasedModel(problem, sites.astype(np.int64))
    result = solve_mip(phased_rules(model).to_ortools())
    if result.status is Status.INFEASIBLE:
        names = ", ".join(limit.name for limit in problem.limits)
        raise InfeasibleError(
            f"committed stations and city minima do not fit into the limits together: {names}, "
            "build rates"
        )
    if result.values is None:
        raise NoPlanError(f"no stations within the limits were found ({result.message})")
    return np.asarray(model.table(result.values) != CLOSED)
