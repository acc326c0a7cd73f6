import threading
import time

import numpy as np
import pytest

from planner.models.coverage.model import coverage_mip
from planner.models.coverage.rows import merge_rows
from planner.models.coverage.search import greedy
from planner.solving import mip
from planner.solving.mip import solve_mip
from planner.solving.status import Status
from tests.models.coverage.coverage_cases import brute_force, random_problem

SMALL = random_problem(0, num_zones=60, num_sites=8, num_stations=3, radius=0.3)
HARD = random_problem(1, num_zones=6000, num_sites=500, num_stations=25, radius=0.14)


def test_small_model_is_proven():
    result = solve_mip(coverage_mip(merge_rows(SMALL)).to_ortools())
    assert result.status is Status.OPTIMAL
    assert result.bound == pytest.approx(brute_force(SMALL))


def test_settings_for_the_bound_alone_prove_the_same():
    result = solve_mip(coverage_mip(merge_rows(SMALL)).to_ortools(), proving=True)
    assert result.status is Status.OPTIMAL
    assert result.bound == pytest.approx(brute_force(SMALL))


def test_time_limit_is_not_optimal():
    rows = merge_rows(HARD)
    result = solve_mip(coverage_mip(rows, hint=greedy(rows)).to_ortools(), time_limit_s=0.5)
    assert result.status in (Status.FEASIBLE, Status.NO_SOLUTION)


def test_stop_leaves_the_solver_behind():
    rows = merge_rows(HARD)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    started = time.monotonic()
    # The limit ends the abandoned thread, lest it run on under the next tests.
    result = solve_mip(coverage_mip(rows).to_ortools(), time_limit_s=3.0, stop=stop)
    assert time.monotonic() - started < 2.0
    assert result.status is Status.NO_SOLUTION
    assert result.values is None


def test_hint_is_used():
    rows = merge_rows(HARD)
    plan = greedy(rows)
    result = solve_mip(coverage_mip(rows, hint=plan).to_ortools(), node_limit=1, time_limit_s=2.0)
    if result.values is not None:
        covered = np.zeros(rows.num_rows, dtype=bool)
        for site in plan:
            covered[rows.rows_of_site.row(site)] = True
        reached = result.values[rows.num_sites :] @ rows.value
        assert reached >= rows.value[covered].sum() * (1 - 1e-9)


def test_rejected_settings_name_what_was_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mip, "FEASIBILITY_TOLERANCE", "nonsense")
    result = solve_mip(coverage_mip(merge_rows(SMALL)).to_ortools())
    assert result.status is Status.ERROR
    assert "nonsense" in result.message
