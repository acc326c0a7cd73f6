import math
import os
from pathlib import Path

import numpy as np

from planner.models.sized_coverage.cuts import separate_capacity
from planner.models.sized_coverage.model import SizedModel, sized_coverage_mip
from planner.models.sized_coverage.rows import merge_sized_rows
from planner.models.sized_coverage.search import OptionPrices
from tests.models.sized_coverage.sized_cases import sized_problem

GOLDEN = Path(__file__).parent / "golden"


def test_golden_lp():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    problem = sized_problem(
        [3.0, 1.0, 4.0, 1.0, 5.0], [1.0, 0.5, 1.0, 0.0, 2.0],
        [[0, 1], [1, 2, 3], [2, 4], [0, 4], [3]],
        [[1.0, 2.0], [1.0, 2.0], [2.0, 0.0], [1.0, 2.5], [1.0, 2.0]],
        [[3.0, 5.0], [3.0, 5.0], [3.0, 5.0], [4.0, 6.0], [3.0, 5.0]],
        num_stations=3, budget=12.0, city=[0, 0, 0, 1, 1], minima=[1, 0], maxima=[2, 9],
        forced={4}, forbidden={0},
    )  # fmt: skip
    rows = merge_sized_rows(problem)
    prices = OptionPrices(
        option_price=0.1 + 0.01 * rows.cost,
        resource_price=np.zeros(rows.num_options),
    )
    model = SizedModel(rows, prices, np.ones(rows.num_options, dtype=bool), rows.rules.forced)
    opening = np.full(rows.num_options, 0.4)
    cuts = separate_capacity(rows, np.ones(rows.num_rows), opening)
    assert cuts
    text = sized_coverage_mip(model, cuts[:1]).to_ortools().export_to_lp_string()
    path = GOLDEN / "sized_coverage.lp"
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert math.isfinite(model.bounds[1].sum())
