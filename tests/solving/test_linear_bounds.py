"""One program under other bounds: each answer is that of the program made anew."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ortools.math_opt.core.python import solver

from planner.solving.linear_again import solve_linear_again
from planner.solving.linear_basis import LinearBasis
from planner.solving.linear_bounds import BoundedLinear
from planner.solving.status import Status
from tests.solving.test_linear_again import transport


@given(seed=st.integers(0, 1000), other=st.integers(0, 1000))
def test_every_answer_is_that_of_a_new_program(seed: int, other: int) -> None:
    random = np.random.default_rng(seed)
    model = transport(seed)
    _, of_other = solve_linear_again(transport(other))
    program = BoundedLinear(model, of_other)
    upper, lower = model.upper.copy(), model.row_lower.copy()
    for _ in range(6):
        columns = random.choice(len(upper), 4, replace=False)
        rows = random.choice(len(lower), 2, replace=False)
        upper[columns] = random.choice([0.0, 0.4, 0.8], 4)
        lower[rows] = random.uniform(0, 2, 2)
        program.bound(columns, upper[columns])
        program.bound_rows(rows, lower[rows])
        found, basis = program.solve()
        anew, _ = solve_linear_again(replace(model, upper=upper, row_lower=lower))
        assert found.status is anew.status
        if found.status is Status.OPTIMAL:
            assert found.objective == pytest.approx(anew.objective)
            assert found.values is not None
            assert (found.values <= upper + 1e-9).all()
            assert found.objective == pytest.approx(model.objective @ found.values)
            assert basis is not None
            assert basis.fits(model)


def test_a_change_that_is_taken_back_counts_for_nothing() -> None:
    model = transport(3)
    program = BoundedLinear(model)
    before, _ = program.solve()
    every = np.arange(len(model.upper))
    program.bound(every, 0.5 * model.upper)
    program.bound(every, model.upper)
    after, _ = program.solve()
    assert after.objective == pytest.approx(before.objective)


def test_a_basis_of_another_shape_does_not_count() -> None:
    found, _ = BoundedLinear(transport(1), LinearBasis(b"\x01", b"\x01")).solve()
    assert found.status is Status.OPTIMAL


def test_where_the_solver_fails_another_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(solver, "new", fail)
    model = transport(2)
    found, basis = BoundedLinear(model).solve()
    assert found.objective == pytest.approx(solve_linear_again(model)[0].objective)
    assert basis is None
