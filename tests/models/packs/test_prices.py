import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.models.packs.lp import pack_assignment_lp
from planner.models.packs.prices import dual_bound, prices_of
from planner.models.packs.problem import PackAssignmentProblem
from tests.models.packs.test_solve import cost_of, problems


@settings(max_examples=50, deadline=None)
@given(problems(), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1.0, 300.0]))
def test_bound_holds_for_any_multipliers(
    problem: PackAssignmentProblem, seed: int, size: float
) -> None:
    lp = pack_assignment_lp(problem)
    duals = np.random.default_rng(seed).normal(0.0, size, len(lp.row_lower))
    best = cost_of(problem)
    assert dual_bound(problem, lp, prices_of(problem, lp, duals)) <= best + 1e-9 * abs(best)
