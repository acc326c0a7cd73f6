import os
from pathlib import Path

import numpy as np

from planner.models.refuelling.capacity import Stops, drivable_paths, shares_lp
from tests.models.refuelling.test_solve import flow_problem

GOLDEN = Path(__file__).parent / "golden" / "share_capacity.lp"


def test_golden_lp():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    problem = flow_problem(
        [
            (3.0, 0, [[0, 1], [1, -2]]),  # two ways for flow 0, on and back
            (2.0, 0, [[2]]),
            (5.0, 1, [[1], [3]]),  # site 3 is closed
            (7.0, 2, [[-1, 2]]),
            (1.0, 3, []),
        ],
        4,
        4,
        capacity=[2.0, np.inf, 1.5, 1.0],
        load=[1.0, 0.5, 2.0, 3.0, 0.0],
        season=[0, 0, 0, 1, 1],
    )
    is_open = np.array([True, True, True, False])
    stops, met = Stops(problem), drivable_paths(problem, is_open)
    stop_in = np.flatnonzero(met[stops.stop_path] & is_open[stops.stop_site])
    pair_in = np.flatnonzero(met[stops.pair_path])
    text = shares_lp(problem, stops, met, stop_in, pair_in).to_ortools().export_to_lp_string()
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
