"""Whatever a solver dies of, another setting answers or the status says so."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ortools.linear_solver.python import model_builder_helper
from ortools.math_opt.python import mathopt
from ortools.sat.python import cp_model

from planner.arrays import Lists
from planner.errors import NoPlanError
from planner.models.coverage.model import coverage_mip
from planner.models.coverage.rows import merge_rows
from planner.models.coverage.solve import solve_coverage
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.facility_location.solve import solve_facility_location
from planner.models.national.solve import solve_national
from planner.models.set_cover.solve import solve_set_cover
from planner.models.sized_coverage.solve import solve_sized_coverage
from planner.solving.linear_model import solve_linear
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.proof import Proof
from planner.solving.rules import SiteRules
from planner.solving.status import Status
from tests.models.coverage.coverage_cases import brute_force, random_problem
from tests.models.set_cover.cover_cases import random_cover
from tests.models.sized_coverage.sized_cases import random_sized_problem

SMALL = random_problem(0, num_zones=60, num_sites=8, num_stations=3, radius=0.3)
OPTIONS = SolveOptions(gap_frac=0.0, time_limit_s=2.0, deterministic=True)


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """Let the first so many solves of SCIP and GLOP, and all others', die; tells who was asked."""

    def install(number: int) -> list[str]:
        real, asked = model_builder_helper.ModelSolverHelper, []

        class Dying:
            def __init__(self, name: str) -> None:
                self._solver, self._name = real(name), name

            def __getattr__(self, name: str) -> Any:
                return getattr(self._solver, name)

            def solve(self, model: Any) -> None:
                asked.append(self._name)
                if len(asked) <= number:
                    raise RuntimeError("numerical trouble")
                self._solver.solve(model)

        def die(*_args: object, **_named: object) -> None:
            raise RuntimeError("numerical trouble")

        monkeypatch.setattr(model_builder_helper, "ModelSolverHelper", Dying)
        monkeypatch.setattr(cp_model.CpSolver, "solve", die)
        monkeypatch.setattr(mathopt.IncrementalSolver, "solve", die)
        return asked

    return install


def test_cautious_settings_answer(fail: Callable[[int], list[str]]):
    asked = fail(1)
    result = solve_mip(coverage_mip(merge_rows(SMALL)).to_ortools())
    assert asked == ["scip", "scip"]
    assert result.status is Status.OPTIMAL
    assert result.bound == pytest.approx(brute_force(SMALL))
    assert "numerical trouble" in result.message


def test_the_other_simplex_answers(fail: Callable[[int], list[str]]):
    whole = solve_linear(coverage_mip(merge_rows(SMALL)).to_ortools())
    fail(1)
    again = solve_linear(coverage_mip(merge_rows(SMALL)).to_ortools())
    assert again.status is Status.OPTIMAL
    assert again.objective == pytest.approx(whole.objective)


def test_failures_are_a_status(fail: Callable[[int], list[str]]):
    fail(99)
    model = coverage_mip(merge_rows(SMALL)).to_ortools()
    result = solve_mip(model)
    assert (result.status, result.values, result.bound) == (Status.ERROR, None, math.inf)
    assert "numerical trouble" in result.message
    assert solve_linear(model).status is Status.ERROR


def _facilities(unserved_cost: float) -> FacilityLocationProblem:
    rng = np.random.default_rng(0)
    return FacilityLocationProblem(
        demand=rng.uniform(1.0, 2.0, 12),
        sites=Lists.of([range(5)] * 12),
        unit_cost=rng.uniform(0.0, 1.0, 60),
        capacity=np.full((5, 1), 9.0),
        rules=SiteRules(
            np.zeros(5, np.bool_), np.zeros(5, np.bool_), np.full((5, 1), 3.0), math.inf, 0, 5
        ),
        unserved_cost=unserved_cost,
    )


def _proofs() -> dict[str, Callable[[], Proof]]:
    sized = random_sized_problem(3, num_zones=60, num_sites=12, demand_frac=0.8, num_bought=4)
    cover = random_cover(0, 60, 20, 0.3, min_share=0.9)
    return {
        "coverage": lambda: solve_coverage(SMALL, OPTIONS).proof,
        "set_cover": lambda: solve_set_cover(cover, OPTIONS).proof,
        "sized_coverage": lambda: solve_sized_coverage(sized, OPTIONS).proof,
        "national": lambda: solve_national(sized, OPTIONS).proof,
        "facility_location": lambda: solve_facility_location(_facilities(5.0), OPTIONS).proof,
    }


@pytest.mark.parametrize("name", list(_proofs()))
def test_models_outlive_their_solvers(name: str, fail: Callable[[int], list[str]]):
    best = _proofs()[name]()
    assert best.status is Status.OPTIMAL
    fail(10**6)
    found = _proofs()[name]()
    sign = 1.0 if best.sense == "max" else -1.0
    rounding = 1e-9 * abs(best.objective)
    assert sign * found.objective <= sign * best.objective + rounding
    assert sign * found.bound >= sign * best.objective - rounding
    assert found.status is (Status.OPTIMAL if found.gap_frac <= 1e-9 else Status.FEASIBLE)


def test_no_plan_is_told_with_the_solvers_words(fail: Callable[[int], list[str]]):
    fail(10**6)
    with pytest.raises(NoPlanError, match="numerical trouble"):
        solve_facility_location(_facilities(math.inf), OPTIONS)
