import numpy as np
import pytest

from planner.models.refuelling.dual import improve_bound
from planner.models.refuelling.presolve import reduce_flows
from planner.models.refuelling.solve import solve_flow_refuelling
from tests.models.refuelling.test_solve import DETERMINISTIC, flow_problem


def test_multipliers_bound_the_relaxation():
    # Three roads, pairwise sharing: halves of three stations refuel all that two cannot.
    paths = [(1.0, 0, [[0], [1]]), (1.0, 1, [[1], [2]]), (1.0, 2, [[0], [2]])]
    rows = reduce_flows(flow_problem(paths, 3, 2))
    bounds = [dual.bound for dual, _ in zip(improve_bound(rows), range(20), strict=False)]
    assert (np.diff(bounds) <= 1e-12).all()
    assert bounds[-1] == pytest.approx(2.0, abs=1e-3)  # y = 2/3 each
    assert solve_flow_refuelling(flow_problem(paths, 3, 2), DETERMINISTIC).proof.objective == 1.0
