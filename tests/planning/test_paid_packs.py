"""Who accepts a chemistry once groups are split by what they had."""

import numpy as np
import pytest

from planner.models.packs.solve import solve_pack_assignment
from planner.planning.paid_packs import accepting_of_split
from planner.solving.options import SolveOptions
from tests.models.packs.made_up import random_problem


@pytest.mark.parametrize("seed", range(40))
def test_parts_of_a_group_accept_what_the_group_does(seed: int) -> None:
    """However the parts choose, within their shares, the group keeps to its own."""
    problem = random_problem(seed, orders=False)
    plan = solve_pack_assignment(problem, SolveOptions())
    split = accepting_of_split(problem, plan, 2)
    parts = np.hstack((plan.option_vehicles, plan.without_pack))
    assert split.shape == (problem.num_quarters, parts.shape[1] + 2, problem.num_chemistries)
    assert ((split >= 0) & (split <= 1)).all()
    assert (split[:, -2:] == 1).all()
    group = np.concatenate((problem.option_group_idx, np.arange(problem.num_groups)))
    for g in range(problem.num_groups):
        mine = group == g
        most = (split[:, :-2][:, mine] * parts[:, mine, None]).sum(axis=1)
        accepting = problem.accepting_frac[:, g] * problem.vehicles[:, g, None]
        assert (most <= accepting + 1e-6).all()
        # Nothing is given away: the parts together may do all that the group may.
        assert most == pytest.approx(accepting, abs=1e-6)
    # What they have they may keep.
    kept = split[:, np.arange(problem.num_options), problem.option_chemistry_idx]
    assert (kept == 1).all()
