import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.models.pack_assignment import pack_assignment_lp, solve_pack_assignment
from planner.problem import PackAssignmentProblem
from planner.solving.options import SolveOptions

GOLDEN = Path(__file__).parent / "golden" / "pack_assignment.lp"


def _problem(supply_kwh: float = 500.0) -> PackAssignmentProblem:
    # Two groups; sodium-ion (chemistry 1) saves 300 in the first, 100 in the second.
    return PackAssignmentProblem(
        vehicles=np.array([10.0, 20.0]),
        option_group_idx=np.array([0, 0, 1, 1], dtype=np.int32),
        option_chemistry_idx=np.array([0, 1, 0, 1], dtype=np.int32),
        option_kwh=np.array([56.0, 45.0, 56.0, 45.0]),
        option_cost=np.array([1000.0, 700.0, 800.0, 700.0]),
        supply_kwh=np.array([np.inf, supply_kwh]),
        no_pack_cost=1e5,
    )


def test_scarce_packs_go_where_they_save_most() -> None:
    result = solve_pack_assignment(_problem(), SolveOptions())
    assert result.option_vehicles.tolist() == [0, 10, 19, 1]
    assert result.without_pack.tolist() == [0, 0]
    # One more kWh turns 1/45 of a vehicle of the second group over.
    assert result.supply_price[1] == pytest.approx(100 / 45)
    assert result.bound <= result.objective
    assert result.bound == pytest.approx(10 * 700 + 20 * 800 - 50 / 45 * 100)


def test_vehicles_stay_without_a_pack_only_when_nothing_is_left() -> None:
    problem = _problem()
    short = PackAssignmentProblem(**{**problem.__dict__, "supply_kwh": np.array([560.0, 100.0])})
    result = solve_pack_assignment(short, SolveOptions())
    assert result.option_vehicles.sum() == 12
    assert result.without_pack.sum() == 18


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_brute_force_agrees_within_the_gap(data: st.DataObject) -> None:
    vehicles = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    num_groups = len(vehicles)
    costs = data.draw(
        st.lists(st.integers(1, 50), min_size=2 * num_groups, max_size=2 * num_groups)
    )
    supply = data.draw(st.integers(0, 300))
    problem = PackAssignmentProblem(
        vehicles=np.array(vehicles, dtype=float),
        option_group_idx=np.repeat(np.arange(num_groups), 2).astype(np.int32),
        option_chemistry_idx=np.tile([0, 1], num_groups).astype(np.int32),
        option_kwh=np.tile([56.0, 45.0], num_groups),
        option_cost=np.array(costs, dtype=float),
        supply_kwh=np.array([np.inf, float(supply)]),
        no_pack_cost=1000.0,
    )
    best = np.inf
    for sodium in itertools.product(*(range(count + 1) for count in vehicles)):
        if 45 * sum(sodium) <= supply:
            cost = sum(
                count * costs[2 * g] + chosen * (costs[2 * g + 1] - costs[2 * g])
                for g, (count, chosen) in enumerate(zip(vehicles, sodium, strict=True))
            )
            best = min(best, cost)
    result = solve_pack_assignment(problem, SolveOptions())
    assert result.bound <= best + 1e-6
    assert result.objective >= best - 1e-6
    assert result.option_vehicles.reshape(-1, 2).sum(axis=1) + result.without_pack == pytest.approx(
        problem.vehicles
    )
    assert problem.option_kwh @ (result.option_vehicles * (problem.option_chemistry_idx == 1)) <= (
        supply + 1e-6
    )
    more = PackAssignmentProblem(
        **{**problem.__dict__, "supply_kwh": np.array([np.inf, supply + 45.0])}
    )
    assert solve_pack_assignment(more, SolveOptions()).bound <= result.bound + 1e-6


def test_golden_lp() -> None:
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    text = pack_assignment_lp(_problem())[0].export_to_lp_string()
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
