import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.arrays import BoolArray
from planner.models.refuelling.dual import FlowDual, bound_at, improve_bound
from planner.models.refuelling.presolve import ReducedFlows
from planner.models.refuelling.regions import group_sets, share_out
from planner.models.refuelling.search import plan_value


def flow_rows(
    paths: list[tuple[float, int, list[int]]],
    sets: list[list[int]],
    num_sites: int,
    num_stations: int,
    *,
    cost: list[float] | None = None,
    budget: float = np.inf,
) -> ReducedFlows:
    """Rows from (value, flow, sets needed) per path, several paths of a flow side by side."""
    needs, members = np.zeros((len(paths), len(sets))), np.zeros((len(sets), num_sites))
    for path, (_, _, needed) in enumerate(paths):
        needs[path, needed] = 1.0
    for each, sites in enumerate(sets):
        members[each, sites] = 1.0
    return ReducedFlows(
        value=np.array([value for value, _, _ in paths]),
        flow_idx=np.array([flow for _, flow, _ in paths], dtype=np.int64),
        needs=scipy.sparse.csr_matrix(needs),
        members=scipy.sparse.csr_matrix(members),
        site_idx=np.arange(num_sites),
        cost=np.array(cost or [1.0] * num_sites),
        num_stations=num_stations,
        budget=budget,
        base_value=0.5,
    )


def plans(num_sites: int) -> list[BoolArray]:
    return [np.array(plan) for plan in itertools.product([False, True], repeat=num_sites)]


def best_value(rows: ReducedFlows) -> float:
    return max(
        plan_value(rows, plan)
        for plan in plans(rows.num_sites)
        if plan.sum() <= rows.num_stations and rows.cost @ plan <= rows.budget
    )


def region_bound(rows: ReducedFlows, dual: FlowDual, set_region: list[int]) -> float:
    """Equation (1) in whole stations, every region's plans written out."""
    constant, regions = share_out(rows, dual, np.array(set_region))
    return constant + sum(
        max(
            plan_value(region.rows, plan) - float(region.rows.cost @ plan)
            for plan in plans(region.rows.num_sites)
        )
        for region in regions
    )


def dual_at(rows: ReducedFlows, multiplier: list[float]) -> FlowDual:
    price = np.array(multiplier)
    path = np.repeat(np.arange(rows.num_paths), np.diff(rows.needs.indptr))
    slack = rows.value - np.bincount(path, price, minlength=rows.num_paths)
    set_price = np.bincount(rows.needs.indices, price, minlength=rows.num_sets)
    worth = rows.members.T @ set_price
    return FlowDual(
        bound_at(rows, slack, worth), slack, worth, np.full(rows.num_sites, 0.5), 0, price
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[ReducedFlows, list[float], list[int]]:
    num_sites, num_sets = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    some_sites = st.lists(st.integers(0, num_sites - 1), min_size=1, unique=True)
    some_sets = st.lists(st.integers(0, num_sets - 1), min_size=1, unique=True)
    sets = draw(st.lists(some_sites, min_size=num_sets, max_size=num_sets))
    flows = sorted(draw(st.lists(st.integers(0, 3), min_size=1, max_size=6)))
    names = {flow: position for position, flow in enumerate(dict.fromkeys(flows))}
    paths = [(float(draw(st.integers(1, 9))), names[flow], draw(some_sets)) for flow in flows]
    rows = flow_rows(
        paths,
        sets,
        num_sites,
        draw(st.integers(1, num_sites)),
        cost=draw(st.lists(st.integers(1, 4).map(float), min_size=num_sites, max_size=num_sites)),
        budget=draw(st.one_of(st.just(np.inf), st.integers(0, 9).map(float))),
    )
    entries = rows.needs.nnz
    multiplier = draw(st.lists(st.floats(0.0, 6.0), min_size=entries, max_size=entries))
    return rows, multiplier, draw(
        st.lists(st.integers(0, 2), min_size=num_sets, max_size=num_sets)
    )  # fmt: skip


@given(cases())
@settings(max_examples=60, deadline=None)
def test_regions_bound_every_plan_at_any_multipliers(case):
    rows, multiplier, set_region = case
    dual = dual_at(rows, multiplier)
    constant, regions = share_out(rows, dual, np.array(set_region))
    relaxed = constant + sum(region.bound for region in regions)
    bound = region_bound(rows, dual, set_region)
    assert best_value(rows) <= bound + 1e-6
    assert bound <= relaxed + 1e-6
    assert relaxed <= dual.bound + 1e-6


def triangles() -> ReducedFlows:
    """Two triangles of stations, each with three trips that any two of them refuel; three trips
    with a station of their own. Halves refuel a triangle for 1.5, whole stations for 2.
    """
    sets = [[0, 1], [1, 2], [0, 2], [3, 4], [4, 5], [3, 5], [6], [7], [8]]
    return flow_rows([(1.0, each, [each]) for each in range(9)], sets, 9, 4)


def best_dual(rows: ReducedFlows) -> FlowDual:
    return [dual for dual, _ in zip(improve_bound(rows), range(30), strict=False)][-1]


def test_whole_stations_close_the_gap_of_the_relaxation():
    rows = triangles()
    dual = best_dual(rows)
    regions = group_sets(rows, dual, 3)
    assert dual.bound == pytest.approx(7.5, abs=1e-3)
    assert best_value(rows) == 6.5
    assert region_bound(rows, dual, regions.tolist()) == pytest.approx(6.5, abs=1e-3)


def test_regions_hold_what_belongs_together():
    rows = triangles()
    region = group_sets(rows, best_dual(rows), 3)
    assert len(set(region[:3].tolist())) == len(set(region[3:6].tolist())) == 1
    assert not set(region[:3].tolist()) & set(region[3:].tolist())
    assert np.bincount(group_sets(rows, best_dual(rows), 2)).max() <= 3  # a piece is never cut


def test_a_trip_across_pieces_joins_them():
    # Two stations far apart share only the trip that needs both.
    sets = [[0, 1], [1], [2, 3], [3]]
    rows = flow_rows([(1.0, 0, [0, 1]), (9.0, 1, [1, 3]), (1.0, 2, [2, 3])], sets, 4, 2)
    dual = best_dual(rows)
    assert group_sets(rows, dual, 4).tolist() == [0, 0, 0, 0]
    apart = replace(rows, needs=scipy.sparse.csr_matrix(np.array(
        [[1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]
    )))  # fmt: skip
    assert len(set(group_sets(apart, best_dual(apart), 4).tolist())) > 1
