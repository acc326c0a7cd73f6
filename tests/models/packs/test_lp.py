import os
from pathlib import Path

import numpy as np

from planner.models.packs.lp import pack_assignment_lp, pack_assignment_model
from tests.models.packs.test_solve import two_cities

GOLDEN = Path(__file__).parent / "golden" / "pack_assignment.lp"


def test_golden_lp() -> None:
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    problem = two_cities(
        life_quarters=np.array([1, 32]), initial_retirement=np.array([[2.0, 0.0], [0.0, 0.0]])
    )
    text = pack_assignment_model(pack_assignment_lp(problem)).to_ortools().export_to_lp_string()
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
