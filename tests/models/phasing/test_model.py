import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from planner.models.phasing.model import PhasedModel, phased_mip
from planner.models.phasing.tree import Tree
from tests.models.phasing.nested_cases import limit, no_city_limits, random_problem

GOLDEN = Path(__file__).parent / "golden"


def test_golden_lp():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    tree = Tree(np.array([-1, 0, 0]))
    cities = no_city_limits(
        3,
        3,
        city_idx=np.array([0, 0, 1], dtype=np.int32),
        least=np.array([1, 0]),
        most=np.array([1, 1]),
        rate=np.array([[1.0, np.inf, 1.0], [np.inf, np.inf, np.inf]]),
    )
    may = np.ones((3, 3), dtype=bool)
    may[2, 0] = False
    must = np.zeros((3, 3), dtype=bool)
    must[0, 1] = True
    cost = np.array([[1.0, 2.0], [1.5, 2.5], [1.0, 3.0]])
    problem = random_problem(
        0,
        tree=tree,
        num_sites=3,
        num_zones=5,
        num_types=2,
        capacity=12.0,
        limits=(
            limit("openings", np.ones((3, 2)), [1, 2, 1], False),
            limit("money", cost, [2.0, 1.0, 3.0], True),
        ),
        cities=cities,
        may_stand=may,
        must_stand=must,
    )
    rounded = replace(problem, value=np.round(problem.value), load=np.round(problem.load))
    text = phased_mip(PhasedModel(rounded, np.arange(3))).to_ortools().export_to_lp_string()
    path = GOLDEN / "phasing.lp"
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
