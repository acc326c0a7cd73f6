"""3 x 0.1 is not 0.3 in binary: a limit is kept up to a billionth, by all functions alike."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planner.errors import InfeasibleError
from planner.location import facility_location, maximal_covering, p_median, set_cover

PLACES = pd.DataFrame(index=["A", "B", "C"])
FAR = np.where(np.eye(3), 0.0, 9.0)


def _p_median(budget: float) -> Any:
    return p_median(
        PLACES, PLACES, distances=FAR, unserved=9.0, weight=1.0, num_stations=3,
        site_cost=0.1, budget=budget, gap_frac=0.0,
    )  # fmt: skip


def _set_cover(budget: float) -> Any:
    return set_cover(PLACES, PLACES, reach=np.eye(3, dtype=int), site_cost=0.1, budget=budget)


def _facility_location(budget: float) -> Any:
    return facility_location(
        PLACES, PLACES, unit_costs=np.where(np.eye(3), 0.0, np.nan), capacity=1.0,
        fixed_cost=0.1, demand=1.0, budget=budget, gap_frac=0.0,
    )  # fmt: skip


@pytest.mark.parametrize("ask", [_p_median, _set_cover, _facility_location])
@pytest.mark.parametrize("budget", [0.3, 0.3 * (1 - 5e-10)])
def test_three_stations_of_a_tenth_cost_three_tenths(ask: Callable[[float], Any], budget: float):
    assert 3 * 0.1 > 0.3
    assert ask(budget).stations.index.to_list() == ["A", "B", "C"]


def test_what_is_more_than_rounding_is_not_kept():
    short = 0.3 * (1 - 1e-7)
    assert len(_p_median(short).stations) == 2
    for ask in (_set_cover, _facility_location):
        with pytest.raises(InfeasibleError, match="budget"):
            ask(short)


@pytest.mark.parametrize("budget", [0.3, 0.3 * (1 - 1e-7)])
def test_existing_stations_of_three_tenths(budget: float):
    questions = [
        lambda: p_median(
            PLACES, PLACES, distances=FAR, unserved=9.0, weight=1.0, num_stations=3,
            site_cost=0.1, budget=budget, existing=["A", "B", "C"],
        ),
        lambda: set_cover(
            PLACES, PLACES, reach=np.eye(3, dtype=int), site_cost=0.1, budget=budget,
            existing=["A", "B", "C"],
        ),
        lambda: facility_location(
            PLACES, PLACES, unit_costs=FAR, capacity=1.0, fixed_cost=0.1, demand=1.0,
            budget=budget, existing=["A", "B", "C"],
        ),
    ]  # fmt: skip
    for ask in questions:
        if budget == 0.3:
            assert len(ask().stations) == 3
        else:
            with pytest.raises(InfeasibleError, match="budget"):
                ask()


def test_distances_met_to_the_digit():
    longitudes = pd.DataFrame({"lon": [116.0, 116.3], "lat": 0.0, "value": 1.0})
    km = p_median(longitudes, longitudes[:1], num_stations=1, weight=1.0).zones["distance"][1]
    for limit, covered in ((km, 2), (km * (1 - 5e-10), 2), (km * (1 - 1e-7), 1)):
        result = maximal_covering(longitudes, longitudes[:1], max_distance_km=limit, num_stations=1)
        assert result.zones["covered"].sum() == covered


def test_a_way_as_long_as_none_counts():
    zones, sites = pd.DataFrame(index=["Z"]), pd.DataFrame(index=["A"])
    result = p_median(
        zones, sites, distances=np.array([[3 * 0.1]]), unserved=0.3, weight=1.0, num_stations=1
    )
    assert result.zones["distance"].to_list() == [0.3]
