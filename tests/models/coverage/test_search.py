import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import CoverRows, merge_rows
from planner.models.coverage.search import (
    Schedule,
    SwapTables,
    anneal,
    greedy,
    plan_value,
    swap_pass,
    swap_tables,
)
from tests.models.coverage.coverage_cases import (
    coverage_problem,
    plain_value,
    random_problem,
    reach_lists,
    small_problems,
)


def plain_greedy(problem: CoverageProblem) -> float:
    """Value of the textbook greedy plan; ties go to the lowest position."""
    reach = reach_lists(problem)
    chosen = set(np.flatnonzero(problem.rules.forced).tolist())
    covered = set().union(*(reach[site] for site in chosen))
    while len(chosen) < problem.rules.most:
        gains = {
            site: sum(problem.value[zone] for zone in sorted(reach[site] - covered))
            for site in range(problem.num_sites)
            if site not in chosen and not problem.rules.forbidden[site]
        }
        if not gains or max(gains.values()) <= 0:
            break
        best = max(gains, key=lambda site: (gains[site], -site))
        chosen.add(best)
        covered |= reach[best]
    return plain_value(problem, chosen)


def assert_tables_equal_recomputation(rows: CoverRows, tables: SwapTables) -> None:
    fresh = swap_tables(rows, np.flatnonzero(tables.is_open))
    assert (fresh.num_covering == tables.num_covering).all()
    assert (fresh.sum_covering == tables.sum_covering).all()
    np.testing.assert_allclose(tables.change, fresh.change, atol=1e-9 * rows.value.sum())
    for site in range(rows.num_sites):
        reached = rows.rows_of_site.row(site)
        alone = 1 if tables.is_open[site] else 0
        expected = rows.value[reached][fresh.num_covering[reached] == alone].sum()
        assert tables.change[site] == pytest.approx(expected, abs=1e-9 * rows.value.sum())


def scattered(seed: int) -> CoverRows:
    return merge_rows(random_problem(seed, num_zones=150, num_sites=30, num_stations=6, radius=0.2))


@given(small_problems())
@settings(max_examples=80, deadline=None)
def test_lazy_greedy_is_greedy(problem: CoverageProblem):
    # Values that are no multiples of one another leave no ties for rounding to decide.
    distinct = problem.value * (1.0 + np.arange(problem.num_zones) * 1e-3)
    problem = coverage_problem(
        distinct.tolist(),
        [sorted(zones) for zones in reach_lists(problem)],
        problem.rules.most,
        forced=set(np.flatnonzero(problem.rules.forced).tolist()),
        forbidden=set(np.flatnonzero(problem.rules.forbidden).tolist()),
    )
    rows = merge_rows(problem)
    value = plan_value(rows, swap_tables(rows, greedy(rows)))
    assert value == pytest.approx(plain_greedy(problem), rel=1e-12)


def test_greedy_continues_from_given_sites():
    rows = scattered(0)
    plan = greedy(rows, first=np.array([7, 3]))
    assert plan[:2].tolist() == [7, 3]
    assert len(plan) == len(set(plan.tolist())) <= rows.num_stations
    with pytest.raises(ValueError, match="exceed"):
        greedy(rows, first=np.arange(7))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_swap_never_lowers_the_value_and_keeps_its_tables(seed: int):
    rows = scattered(seed % 5)
    rng = np.random.default_rng(seed)
    start = np.sort(rng.choice(rows.num_sites, rows.num_stations, replace=False))
    tables = swap_tables(rows, start)
    value = plan_value(rows, tables)
    while True:
        num_swaps, gained = swap_pass(rows, tables, rng)
        assert_tables_equal_recomputation(rows, tables)
        assert tables.is_open.sum() == len(start)
        assert plan_value(rows, tables) == pytest.approx(value + gained, rel=1e-9)
        assert gained >= 0.0
        value = plan_value(rows, tables)
        if num_swaps == 0:
            break
    for leaving in np.flatnonzero(tables.is_open):
        for entering in np.flatnonzero(~tables.is_open):
            plan = np.setdiff1d(np.flatnonzero(tables.is_open), leaving)
            other = swap_tables(rows, np.append(plan, entering))
            assert plan_value(rows, other) <= value * (1 + 1e-9)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_annealing_keeps_its_tables_and_its_count(seed: int):
    rows = scattered(seed % 5)
    rng = np.random.default_rng(seed)
    tables = swap_tables(rows, greedy(rows))
    before, num_open = plan_value(rows, tables), tables.is_open.sum()
    candidates = np.arange(0, rows.num_sites, 2)
    untouched = tables.is_open[1::2].copy()
    gained = anneal(rows, tables, candidates, Schedule(500, hot=5.0, cold=0.1), rng)
    assert_tables_equal_recomputation(rows, tables)
    assert tables.is_open.sum() == num_open
    assert plan_value(rows, tables) == pytest.approx(before + gained, rel=1e-9)
    assert not (tables.is_open[1::2] & ~untouched).any()


def test_same_generator_state_gives_the_same_plan():
    rows = scattered(1)
    plans = []
    for _ in range(2):
        tables = swap_tables(rows, greedy(rows))
        rng = np.random.default_rng(42)
        anneal(rows, tables, np.arange(rows.num_sites), Schedule(2000, hot=5.0, cold=0.1), rng)
        plans.append(np.flatnonzero(tables.is_open).tolist())
    assert plans[0] == plans[1]
