import os
from pathlib import Path

from planner.models.coverage.model import coverage_mip
from planner.models.coverage.rows import merge_rows
from tests.models.coverage.coverage_cases import coverage_problem

GOLDEN = Path(__file__).parent / "golden" / "coverage.lp"


def test_golden_lp():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    problem = coverage_problem(
        [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0],
        [[0, 1], [1, 2, 3], [2, 3, 4], [4, 5], [5, 6], [0, 6]],
        3,
        forced={3},
        forbidden={5},
    )
    text = coverage_mip(merge_rows(problem)).to_ortools().export_to_lp_string()
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
