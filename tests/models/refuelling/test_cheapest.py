from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InfeasibleError
from planner.models.refuelling.cheapest import cheapest_flow_refuelling
from planner.models.refuelling.problem import FlowRefuellingProblem
from planner.models.refuelling.solve import solve_flow_refuelling
from planner.models.refuelling.tuning import Tuning
from planner.solving.options import SolveOptions
from planner.solving.status import Status
from tests.models.refuelling.test_solve import (
    DETERMINISTIC,
    flow_problem,
    plain_value,
    plans,
    small_problems,
)


@given(small_problems(), st.floats(0.0, 1.0))
@settings(max_examples=12, deadline=None)
def test_cheapest_variant_agrees_with_brute_force(problem: FlowRefuellingProblem, share: float):
    wanted = share * plain_value(problem, set(np.flatnonzero(~problem.rules.forbidden).tolist()))
    costs = [
        float(problem.rules.cost[sorted(plan)].sum())
        for plan in plans(problem)
        if plain_value(problem, plan) >= wanted - 1e-9
    ]
    if not costs:
        with pytest.raises(InfeasibleError):
            cheapest_flow_refuelling(problem, wanted, DETERMINISTIC)
        return
    solution = cheapest_flow_refuelling(problem, wanted, DETERMINISTIC)
    assert solution.proof.objective == pytest.approx(min(costs))
    assert solution.proof.status is Status.OPTIMAL
    assert solution.driven_frac @ problem.value >= wanted - 1e-6


def test_a_large_cheapest_problem_is_bounded_from_both_sides():
    # Ten roads of their own, each refuelled by one of its two stations.
    paths = [(float(10 - road), road, [[2 * road, 2 * road + 1]]) for road in range(10)]
    problem = flow_problem(paths, 20, 20)
    tuning = Tuning(exact_needs=-1, first_moves=2000)
    compiled = replace(tuning, first_moves=1, max_rounds=1)  # before the clock runs
    solve_flow_refuelling(problem, DETERMINISTIC, tuning=compiled)
    options = SolveOptions(time_limit_s=3.0)
    solution = cheapest_flow_refuelling(problem, 27.0, options, tuning=tuning)
    assert solution.proof.objective == 3.0  # 10 + 9 + 8
    assert 0.0 < solution.proof.bound <= 3.0
