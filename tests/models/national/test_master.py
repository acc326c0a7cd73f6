import os
from pathlib import Path

import numpy as np

from planner.models.national.master import CityPlan, build_master, master_mip

GOLDEN = Path(__file__).parent / "golden" / "national.lp"


def test_golden_master():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    empty = np.empty(0, dtype=np.int64)

    def plan(part: int, sites: list[int], value: float, border: dict[int, float]) -> CityPlan:
        return CityPlan(
            part=part,
            site_idx=np.array(sites, dtype=np.int64),
            type_idx=np.zeros(len(sites), dtype=np.int64),
            use=np.array([len(sites), 3.0 * len(sites)]),
            inner_value=value,
            border_idx=np.array(list(border), dtype=np.int64),
            border_frac=np.array(list(border.values())),
        )

    plans = [
        plan(0, [], 0.0, {}),
        plan(0, [0], 4.0, {0: 1.0, 1: 1.0}),
        plan(0, [0, 1], 6.0, {0: 1.0, 1: 1.0, 2: 0.5}),
        plan(1, empty.tolist(), 0.0, {}),
        plan(1, [2], 5.0, {2: 1.0}),
    ]
    master = build_master(plans, 2, np.array([2.0, 7.5]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert master.row_of_border.tolist() == [0, 0, 1, -1]
    text = master_mip(master).to_ortools().export_to_lp_string()
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
