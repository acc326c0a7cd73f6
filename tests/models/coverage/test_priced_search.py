import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.arrays import FloatArray, IntArray
from planner.models.coverage.priced_search import Number, priced_search
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import CoverRows, merge_rows
from planner.models.coverage.search import Schedule, plan_value, swap_tables
from tests.models.coverage.coverage_cases import random_problem, small_problems


def worth(rows: CoverRows, price: FloatArray, plan: IntArray) -> float:
    return plan_value(rows, swap_tables(rows, plan)) - float(price[plan].sum())


def search(rows: CoverRows, price: FloatArray, start: IntArray, **given_limits: int) -> IntArray:
    options = {"least": 0, "most": rows.num_sites, "num_moves": 2_000} | given_limits
    schedule = Schedule(options.pop("num_moves"), hot=1.0, cold=0.01)
    return priced_search(rows, price, start, Number(**options), schedule, np.random.default_rng(0))


@given(small_problems(locks=False), st.integers(0, 8), st.integers(0, 8), st.randoms())
@settings(max_examples=60, deadline=None)
def test_keeps_the_limits_and_never_worsens(
    problem: CoverageProblem, first: int, second: int, random
):
    rows = merge_rows(problem)
    least, most = sorted(min(each, rows.num_sites) for each in (first, second))
    price = np.array([random.choice([0.0, 0.3, 1.0, 2.0]) for _ in range(rows.num_sites)])
    start = np.flatnonzero([random.random() < 0.5 for _ in range(rows.num_sites)])
    plan = search(rows, price, start, least=least, most=most)
    assert least <= len(plan) <= most
    assert (np.diff(plan) > 0).all()
    best = max(
        worth(rows, price, np.array(sites, dtype=np.int64))
        for size in range(least, most + 1)
        for sites in itertools.combinations(range(rows.num_sites), size)
    )
    assert worth(rows, price, plan) <= best + 1e-9
    if least <= len(start) <= most:
        assert worth(rows, price, plan) >= worth(rows, price, start) - 1e-9


@pytest.mark.parametrize("num_moves", [0, 20_000])
def test_annealing_pays(num_moves: int):
    rows = merge_rows(
        random_problem(3, num_zones=800, num_sites=120, num_stations=120, radius=0.12)
    )
    price = np.full(rows.num_sites, 12.0)
    plan = search(rows, price, np.empty(0, np.int64), num_moves=num_moves)
    descended = search(rows, price, np.empty(0, np.int64), num_moves=0)
    gain = worth(rows, price, plan) - worth(rows, price, descended)
    assert gain > 0.0 if num_moves else gain == 0.0
    assert search(rows, price, np.empty(0, np.int64), num_moves=num_moves).tolist() == plan.tolist()
