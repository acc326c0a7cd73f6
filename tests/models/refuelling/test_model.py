import os
from pathlib import Path

from planner.models.refuelling.model import refuelling_mip
from planner.models.refuelling.presolve import reduce_flows
from tests.models.refuelling.test_solve import flow_problem

GOLDEN = Path(__file__).parent / "golden" / "flow_refuelling.lp"


def test_golden_lp():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    problem = flow_problem(
        [
            (3.0, 0, [[0, 1], [1, 2, -3]]),
            (2.0, 0, [[3]]),
            (5.0, 1, [[0, 4], [2]]),
            (7.0, 2, [[4, 5], [1, 3]]),
            (1.0, 3, []),
        ],
        7,
        3,
        forced={6},
        cost=[2.0, 3.0, 2.0, 1.0, 4.0, 1.0, 1.0],
        budget=8.0,
    )
    text = refuelling_mip(reduce_flows(problem)).to_ortools().export_to_lp_string()
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
