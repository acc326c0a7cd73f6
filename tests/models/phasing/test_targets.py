import numpy as np
import pytest

from planner.arrays import FloatArray
from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.rows import node_values
from planner.models.phasing.targets import earliest_node
from planner.models.phasing.tree import Tree
from planner.solving.options import SolveOptions
from tests.models.phasing.phasing_cases import all_plans, random_problem

OPTIONS = SolveOptions(gap_frac=0.0, deterministic=True)


def shares(problem: PhasedProblem, stands: FloatArray) -> FloatArray:
    """Served share of each node, stations that carry all they reach."""
    covers = np.zeros((problem.num_sites, problem.num_zones))
    covers[problem.reach.owner, problem.reach.idx] = 1.0
    value = node_values(problem)
    covered = (stands.T @ covers) > 0
    return np.asarray((value * covered.T).sum(axis=0) / value.sum(axis=0))


@pytest.mark.parametrize(("seed", "quantile"), [(0, 0.3), (1, 0.9), (2, 0.9)])
def test_the_earliest_node_is_that_of_all_schedules(seed: int, quantile: float):
    problem = random_problem(seed, Tree.line(3))
    found = [shares(problem, plan) for plan in all_plans(problem)]
    wanted = float(np.quantile(np.max(found, axis=0), quantile))
    expected = min(
        (n for n in range(3) if any(share[n] >= wanted * (1 - 1e-9) for share in found)),
        default=None,
    )
    answer = earliest_node(problem, wanted, OPTIONS)
    assert answer.node == expected
    assert answer.proven
    assert answer.not_before == expected
    assert (answer.bound_frac[: expected or 0] < wanted).all()
    value = node_values(problem).sum(axis=0)
    totals = [share @ value for share in found if share[expected] >= wanted * (1 - 1e-9)]
    assert answer.solution.served.sum() <= max(totals) * (1 + 1e-9)
    assert answer.solution.proof.bound >= max(totals) * (1 - 1e-9)
    assert keeps_limits(problem, answer.solution.plan) == []
    at_node = answer.solution.served[problem.node_of == expected].sum() / value[expected]
    assert at_node >= wanted * (1 - 1e-9)


def test_a_share_out_of_reach_has_no_node():
    problem = random_problem(1, Tree.line(3))
    most = max(shares(problem, plan).max() for plan in all_plans(problem))
    answer = earliest_node(problem, min(most * 1.01 + 0.01, 1.0), OPTIONS)
    assert answer.node is None
    assert answer.proven
    assert answer.not_before == 3


def test_targets_are_for_periods_in_a_line():
    problem = random_problem(1, Tree(np.array([-1, 0, 0])))
    with pytest.raises(ValueError, match="in a line"):
        earliest_node(problem, 0.5, OPTIONS)
