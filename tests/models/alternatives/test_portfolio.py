import numpy as np
import pytest

from planner.models.alternatives.coverage import reward_coverage
from planner.models.alternatives.portfolio import count_plans, find_portfolio
from planner.models.alternatives.result import Plan
from planner.models.alternatives.sweep import loss_frac
from planner.solving.options import SolveOptions
from tests.models.alternatives.small_nations import PLACES, all_plans, two_cities


@pytest.mark.parametrize("seed", range(4))
def test_plans_lose_no_more_than_allowed_and_differ(seed: int) -> None:
    problem = two_cities(seed)
    plans = all_plans(problem)
    ask = reward_coverage(problem, PLACES, plans[0], SolveOptions())
    found = find_portfolio(
        ask, PLACES, plans[0], 0.2, num_plans=5, beta=0.1 * plans[0].gain, seconds=0.5
    )
    allowed = {plan.open_site_idx.tobytes() for plan in plans}
    keys = [plan.open_site_idx.tobytes() for plan in found.plans]
    assert len(set(keys)) == len(keys) > 1
    assert set(keys) <= allowed
    assert keys[0] == plans[0].open_site_idx.tobytes()
    assert all(loss_frac(plan, plans[0]) <= 0.2 for plan in found.plans)
    assert found.earned_frac[0] == 0.0
    assert ((found.earned_frac >= 0.0) & (found.earned_frac <= 1.0)).all()


def test_what_plans_have_in_common_is_counted() -> None:
    plans = [Plan(np.array(sites), None, 1.0) for sites in ([0, 1, 4], [0, 2, 4], [1, 4, 7])]
    counts = count_plans(plans, PLACES)
    thirds = np.array([2, 2, 1, 0, 3, 0, 0, 1]) / 3
    assert counts.site_frequency == pytest.approx(thirds)
    assert counts.place_least.tolist() == [1, 0, 1, 0, 0]
    assert counts.place_most.tolist() == [2, 1, 1, 0, 1]
    assert counts.place_mean == pytest.approx([4 / 3, 1 / 3, 1.0, 0.0, 1 / 3])
