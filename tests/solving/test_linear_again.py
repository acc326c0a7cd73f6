import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from ortools.math_opt.core.python import solver
from scipy.optimize import linprog

from planner.solving.linear_again import solve_linear_again
from planner.solving.linear_basis import LinearBasis
from planner.solving.linear_model import LinearModel
from planner.solving.status import Status


def transport(seed: int, num_columns: int = 12) -> LinearModel:
    """Cheapest shipments: each of three places gets what it asks for."""
    random = np.random.default_rng(seed)
    rows = np.arange(num_columns) % 3
    matrix = scipy.sparse.csr_matrix(
        (random.uniform(1, 2, num_columns), (rows, np.arange(num_columns))), (3, num_columns)
    )
    return LinearModel(
        name="transport", matrix=matrix,
        row_lower=random.uniform(1, 2, 3), row_upper=np.full(3, np.inf),
        lower=np.zeros(num_columns), upper=np.full(num_columns, 0.8),
        objective=random.uniform(1, 3, num_columns), maximize=False,
    )  # fmt: skip


@given(seed=st.integers(0, 1000), other=st.integers(0, 1000))
def test_the_optimum_is_the_same_from_any_basis(seed: int, other: int) -> None:
    model = transport(seed)
    cold, basis = solve_linear_again(model)
    _, of_other = solve_linear_again(transport(other))
    expected = linprog(
        model.objective, A_ub=-model.matrix, b_ub=-model.row_lower, bounds=(0, 0.8)
    ).fun  # fmt: skip
    for start in (None, basis, of_other):
        found, _ = solve_linear_again(model, start)
        assert found.status is Status.OPTIMAL
        assert found.objective == pytest.approx(expected)
        assert found.objective == pytest.approx(cold.objective)


def test_from_its_own_basis_there_is_no_step_left(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    solve = solver.solve

    def counted(*args: object) -> object:
        result = solve(*args)
        steps.append(result.solve_stats.simplex_iterations)
        return result

    monkeypatch.setattr(solver, "solve", counted)
    _, basis = solve_linear_again(transport(1, 60))
    solve_linear_again(transport(1, 60), basis)
    assert steps[0] > 0
    assert steps[1] == 0


def test_a_basis_of_another_shape_does_not_count() -> None:
    _, basis = solve_linear_again(transport(1, 9))
    assert isinstance(basis, LinearBasis)
    assert not basis.fits(transport(1))
    found, _ = solve_linear_again(transport(1), basis)
    assert found.status is Status.OPTIMAL


def test_where_mathopt_fails_glop_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _ = solve_linear_again(transport(1))

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(solver, "solve", fail)
    found, basis = solve_linear_again(transport(1))
    assert basis is None
    assert found.objective == pytest.approx(expected.objective)
