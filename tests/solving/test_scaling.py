import numpy as np
import pytest
import scipy.sparse

from planner.solving.linear_model import LinearModel
from planner.solving.mip import solve_mip
from planner.solving.scaling import scaled
from planner.solving.status import Status


def _knapsack(cost: float, load: float) -> LinearModel:
    """Three things to be bought at least cost, of which two must be: the cheap ones."""
    return LinearModel(
        name="knapsack",
        matrix=scipy.sparse.csr_matrix(load * np.ones((1, 3))),
        row_lower=np.array([2.0 * load]),
        row_upper=np.array([np.inf]),
        lower=np.zeros(3),
        upper=np.ones(3),
        objective=cost * np.array([3.0, 1.0, 2.0]),
        maximize=False,
        offset=cost,
        integer=np.ones(3, np.bool_),
    )


@pytest.mark.parametrize("cost", [1.0, 1e-13, 1e15, 1e100])
@pytest.mark.parametrize("load", [1.0, 1e-13, 1e15])
def test_any_unit_gives_the_same_plan(cost: float, load: float):
    model, factor = scaled(_knapsack(cost, load))
    result = solve_mip(model.to_ortools())
    assert result.status is Status.OPTIMAL
    assert result.values is not None
    assert result.values.round(6).tolist() == [0.0, 1.0, 1.0]
    assert result.bound / factor == pytest.approx(4.0 * cost)
    assert np.log2(factor) % 1.0 == 0.0


def test_usual_numbers_stay_as_they_are():
    usual = _knapsack(5e6, 40.0)
    assert scaled(usual) == (usual, 1.0)
    noise = _knapsack(5e6, 40.0)
    noise.objective[0] = 1e-11  # what a difference of such costs leaves over
    assert scaled(noise) == (noise, 1.0)
