import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.rows import merge_sized_rows, rows_of_plan
from planner.models.sized_coverage.service import best_service, served_flow
from tests.models.sized_coverage.sized_cases import (
    cut_service,
    feasible_plans,
    linear_service,
    random_sized_problem,
    sized_problem,
    small_sized_problems,
)

MEDIUM = random_sized_problem(3, num_zones=400, num_sites=40, demand_frac=1.2, num_bought=12)


@given(small_sized_problems(), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_service_agrees_with_linear_program(problem: SizedCoverageProblem, pick: int):
    plans = feasible_plans(problem)
    assume(plans)
    sites, types = plans[pick % len(plans)]
    served_frac, value = served_flow(problem, np.array(sites, int), np.array(types, int))
    assert value == pytest.approx(linear_service(problem, sites, types), abs=1e-7)
    assert value == pytest.approx(cut_service(problem, sites, types), abs=1e-9)
    assert value == pytest.approx(problem.coverage.value @ served_frac, rel=1e-12)
    assert (served_frac >= 0).all()
    assert (served_frac <= 1).all()


def test_no_station_carries_more_than_its_capacity():
    rng = np.random.default_rng(0)
    sites = np.sort(rng.choice(MEDIUM.coverage.num_sites, 15, replace=False))
    types = rng.integers(0, 2, 15)
    rows = rows_of_plan(MEDIUM, sites, types)
    service = best_service(rows, rows.capacity)
    load = np.bincount(rows.sites_of_row.idx, service.flow, minlength=rows.num_sites)
    assert (load <= rows.capacity * (1 + 1e-11)).all()
    assert (load > rows.capacity * (1 - 1e-11)).any()
    carried = np.bincount(rows.row_of_arc, service.flow, minlength=rows.num_rows)
    assert carried == pytest.approx(rows.load * service.served_frac, rel=1e-9)
    assert ((service.site_price > 0) <= (load > rows.capacity * (1 - 1e-11))).all()


def test_best_ratios_are_served_first_and_zones_in_part():
    problem = sized_problem([3.0, 2.0, 5.0], [1.0, 1.0, 0.0], [[0, 1, 2]], [[1.5]], [[1.0]])
    served_frac, value = served_flow(problem, np.array([0]), np.array([0]))
    assert served_frac.tolist() == [1.0, 0.5, 1.0]
    assert value == 9.0


@pytest.mark.parametrize("num_open", [1, 9, 30])
def test_leaving_closed_sites_out_changes_nothing(num_open: int, monkeypatch: pytest.MonkeyPatch):
    rows = merge_sized_rows(
        random_sized_problem(3, num_zones=600, num_sites=60, demand_frac=1.5, num_bought=20)
    )
    capacity = np.full(rows.num_sites, -1.0)
    open_sites = np.random.default_rng(num_open).permutation(rows.num_sites)[:num_open]
    capacity[open_sites] = rows.capacity[rows.option_ptr[open_sites]]
    services = []
    for many in (1_000, 0):  # never, and always
        monkeypatch.setattr("planner.models.sized_coverage.service.MANY_CLOSED", many)
        services.append(best_service(rows, capacity))
    first, second = services
    assert first.value == second.value
    assert first.served_frac.tolist() == second.served_frac.tolist()
    assert first.flow.tolist() == second.flow.tolist()
    assert first.site_price.tolist() == second.site_price.tolist()
    assert (first.site_price > 0.0).any()
