import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.arrays import Lists
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import merge_rows
from planner.models.coverage.search import plan_value, swap_tables
from planner.solving.incidence import equal_list_leaders
from tests.models.coverage.coverage_cases import coverage_problem, plain_value, small_problems


@given(small_problems(), st.data())
@settings(max_examples=60, deadline=None)
def test_merging_preserves_the_value_of_every_plan(problem: CoverageProblem, data):
    rows = merge_rows(problem)
    plan = data.draw(st.sets(st.sampled_from(range(rows.num_sites)))) if rows.num_sites else set()
    open_sites = np.array(sorted(plan), dtype=np.int64)
    merged = plan_value(rows, swap_tables(rows, open_sites))
    forced = set(np.flatnonzero(problem.rules.forced).tolist())
    original = plain_value(problem, forced | set(rows.site_idx[open_sites].tolist()))
    assert merged == pytest.approx(original, rel=1e-12)


@given(small_problems())
@settings(max_examples=60, deadline=None)
def test_rows_are_distinct_worth_something_and_consistent(problem: CoverageProblem):
    rows = merge_rows(problem)
    lists = [tuple(rows.sites_of_row.row(row).tolist()) for row in range(rows.num_rows)]
    assert len(set(lists)) == len(lists) == rows.num_rows
    assert all(len(sites) > 0 and list(sites) == sorted(sites) for sites in lists)
    assert (rows.value > 0).all()
    assert (rows.rows_of_site.sizes > 0).all()
    arcs = {(site, row) for row, sites in enumerate(lists) for site in sites}
    back = {(j, row) for j in range(rows.num_sites) for row in rows.rows_of_site.row(j).tolist()}
    assert arcs == back


def test_colliding_hashes_never_merge_different_lists():
    lists = [[1, 2], [3], [1, 2], [3, 4], [3], [2, 1], []]
    found = Lists.of(lists)
    everything_collides = np.zeros(len(lists), dtype=np.int64)
    expected = [0, 1, 0, 3, 1, 5, 6]
    assert equal_list_leaders(found, everything_collides).tolist() == expected
    assert equal_list_leaders(found).tolist() == expected


def test_drops_what_cannot_matter_and_counts_forced_cover_once():
    problem = coverage_problem(
        [1.0, 2.0, 4.0, 0.0, 8.0, 16.0],
        [[0, 1], [1, 2, 3], [2, 3], [4]],
        3,
        forced={0},
        forbidden={3},
    )
    rows = merge_rows(problem)
    assert rows.base_value == 3.0
    assert rows.value.tolist() == [4.0]
    assert rows.site_idx.tolist() == [1, 2]
    assert rows.num_stations == 2


def test_input_is_not_changed():
    problem = coverage_problem([1.0, 2.0], [[0], [0, 1]], 1)
    before = problem.reach.idx.copy()
    merge_rows(problem)
    assert (problem.reach.idx == before).all()
