import math

import numpy as np

from planner.arrays import Lists
from planner.models.p_median.dual import Openings
from planner.models.p_median.near_sites import near_sites
from planner.models.p_median.problem import PairDistances
from planner.models.p_median.search import (
    Zones,
    best_leaving,
    exchange_rules,
    exchange_work,
    nearest_tables,
)


def test_many_zones_without_weight_do_not_overrun_the_table():
    """Each leaves the station that it is nearest to unmarked, which then comes again."""
    num_zones = 50
    distances = PairDistances(
        Lists.of([[0, 1, 2]] * num_zones), np.tile([1.0, 2.0, 0.5], num_zones), 9.0, 3
    )
    weight = np.zeros(num_zones)
    weight[-1] = 1.0
    near = near_sites(distances, np.arange(3), np.ones(num_zones, np.int64))
    openings = Openings(np.zeros(3, np.bool_), 0, 2, np.zeros(3), math.inf)
    state = nearest_tables(weight, near, np.array([0, 1]))
    work = exchange_work.py_func(3)
    gain, profit, leaving = best_leaving.py_func(
        2, -1, 0.0, exchange_rules(openings), np.array([2]), Zones(weight, near, state), work
    )
    assert (gain, profit, leaving) == (0.5, 0.5, 0)
    assert not work.extra.any()
