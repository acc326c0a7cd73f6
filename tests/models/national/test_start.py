import os
from pathlib import Path

import numpy as np
import pytest

from planner.errors import InfeasibleError
from planner.models.national.start import feasible_stations, least_stations_model
from tests.models.national.test_solve import sized_problem

GOLDEN = Path(__file__).parent / "golden" / "least_stations.lp"
PROBLEM = sized_problem(
    [3.0, 1.0, 4.0, 2.0], [[0, 1], [1, 2], [2, 3], [3], [0, 3]], [0, 0, 1, 1, 2],
    num_stations=4, capacity=(1.0, 2.5), cost=(3.0, 5.0), budget=14.0,
    forced={0}, forbidden={3}, min_stations=[1, 1, 0], max_stations=[2, 3, 1],
)  # fmt: skip
USE = np.stack([np.ones((5, 2)), PROBLEM.rules.cost])


def test_golden_lp():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    model, site, kind = least_stations_model(PROBLEM, USE, np.array([4.0, 14.0]))
    assert site.tolist() == [0, 0, 1, 1, 2, 2]
    assert kind.tolist() == [0, 1] * 3
    text = model.to_ortools().export_to_lp_string()
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_forced_sites_and_city_minima_are_met_within_the_limits():
    sites, types = feasible_stations(PROBLEM, ("stations", "money"), USE, np.array([4.0, 6.0]))
    assert sites.tolist() == [0, 2]
    assert types.tolist() == [0, 0]
    with pytest.raises(InfeasibleError, match="stations, money"):
        feasible_stations(PROBLEM, ("stations", "money"), USE, np.array([4.0, 5.5]))
