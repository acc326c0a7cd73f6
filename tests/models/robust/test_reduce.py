import itertools

import numpy as np
import pytest

from planner.models.robust.reduce import opportunity_cost, reduce_futures
from tests.models.robust.robust_cases import EXACT


def test_futures_that_ask_for_the_same_stations_stand_for_each_other():
    """Futures 0 and 2 lose nothing with each other's plan, 1 and 3 next to nothing."""
    value = np.array(
        [[10.0, 5.0, 10.0, 5.0], [4.0, 8.0, 4.0, 7.9], [20.0, 12.0, 20.0, 12.0], [6, 9.9, 6, 10.0]]
    )
    cost = opportunity_cost(value, value.max(axis=1))
    found = reduce_futures(cost, np.array([0.1, 0.2, 0.3, 0.4]), 2, EXACT)
    assert found.stands_for[0] == found.stands_for[2]
    assert found.stands_for.tolist()[1::2] == [3, 3]
    assert sorted(found.probability.tolist()) == pytest.approx([0.4, 0.6])
    assert found.cost == pytest.approx(0.2 * (1.0 - 7.9 / 8.0))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("num_kept", [1, 2, 3])
def test_cost_is_the_least_of_all_choices(seed: int, num_kept: int):
    rng = np.random.default_rng(seed)
    value = rng.uniform(5.0, 9.0, (6, 6))
    np.fill_diagonal(value, 10.0)
    chance = rng.dirichlet(np.ones(6))
    cost = opportunity_cost(value, value.max(axis=1))
    least = min(
        (chance * cost[:, list(kept)].min(axis=1)).sum()
        for kept in itertools.combinations(range(6), num_kept)
    )
    found = reduce_futures(cost, chance, num_kept, EXACT)
    assert found.cost == pytest.approx(least)
    assert found.probability.sum() == pytest.approx(1.0)


def test_more_kept_than_there_are_is_all():
    found = reduce_futures(1.0 - np.eye(3), np.array([0.2, 0.3, 0.5]), 9, EXACT)
    assert found.kept.tolist() == [0, 1, 2]
    assert found.probability.tolist() == [0.2, 0.3, 0.5]
    assert found.cost == 0.0
