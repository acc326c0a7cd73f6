"""Frontiers of the tutorial, for every question, as tables with labels."""

import numpy as np
import pytest

from planner.errors import InputError
from planner.instance import Instance, read_instance
from planner.planning.reasons.frontier import MONEY, find_frontier
from planner.plans.question import OBJECTIVES, measure_asked
from tests.conftest import TUTORIAL
from tests.scenarios import with_settings

PROVEN = 1e-6
COLUMNS = ["objective", "bound", "gap_frac", "served_frac", "cost_cny", "price", "is_nested"]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_question_has_a_proven_frontier(tutorial: Instance, objective: str) -> None:
    asked: dict[str, object] = {"objective": objective}
    if objective == "set_cover":
        asked["num_stations"] = None
    instance = with_settings(tutorial, siting=asked, solver={"deterministic": True})
    over = "covered_frac" if objective == "set_cover" else "stations"
    numbers = [0.5, 0.75, 1.0] if over == "covered_frac" else [1, 2, 3]
    found = find_frontier(instance, numbers)
    points, bounds, sites = (
        found.tables[name] for name in ("frontier", "frontier_bounds", "frontier_sites")
    )
    assert found.over == over
    assert points.columns.tolist() == [over, *COLUMNS]
    assert points[over].tolist() == numbers
    assert found.unit == measure_asked(instance.scenario).unit
    assert points["gap_frac"].max() <= PROVEN
    more_is_better = measure_asked(instance.scenario).sense == "max"
    rises = more_is_better or over == "covered_frac"
    assert points["objective"].is_monotonic_increasing if rises else True
    assert points["objective"].is_monotonic_decreasing if not rises else True
    assert points["served_frac"].between(0, 1).all()
    stated = bounds.set_index(over)["bound"].loc[numbers].to_numpy()
    assert stated == pytest.approx(points["bound"].to_numpy())
    assert sites["site_id"].is_unique
    assert set(sites["first_number"]) <= set(numbers)
    assert {"city_id", "lon", "lat"} <= set(sites)


def test_shares_and_money_of_the_tutorial_by_hand(tutorial: Instance) -> None:
    """Two stations of 30 bays serve most of the town, each for 5 M CNY."""
    instance = with_settings(tutorial, solver={"deterministic": True})
    by_number = find_frontier(instance, [1, 2]).tables["frontier"]
    budgets = by_number["cost_cny"].tolist()
    by_money = find_frontier(instance, budgets, money=True)
    assert by_money.over == MONEY
    points = by_money.tables["frontier"]
    assert (points["cost_cny"] <= points[MONEY] * (1 + 1e-9)).all()
    assert points["objective"].to_numpy() == pytest.approx(by_number["objective"].to_numpy())
    assert points["gap_frac"].max() <= PROVEN


def test_usual_amounts_run_from_what_is_forced_to_twice_what_is_asked_for(
    tutorial: Instance,
) -> None:
    instance = with_settings(tutorial, solver={"deterministic": True})
    points = find_frontier(instance).tables["frontier"]
    assert points["stations"].tolist() == [1, 2, 3, 4]
    spent = find_frontier(instance, money=True).tables["frontier"]
    assert spent[MONEY].is_monotonic_increasing
    assert np.diff(spent["served_frac"]).min() >= 0


def test_plans_over_time_are_nested() -> None:
    instance = read_instance(TUTORIAL, scenario_name="phased")
    found = find_frontier(with_settings(instance, solver={"deterministic": True}), [1, 2, 3])
    assert found.tables["frontier"]["is_nested"].all()
    first = found.tables["frontier_sites"]["first_number"]
    assert sorted(first.tolist()) == [1, 2, 3]
    assert any("nested" in note for note in found.notes)


@pytest.mark.parametrize(
    ("objective", "numbers", "money"),
    [
        ("max_coverage", [1.5, 2], False),
        ("max_coverage", [], False),
        ("max_coverage", [-1.0], True),
        ("set_cover", [0.5, 1.5], False),
        ("set_cover", [1e6], True),
    ],
)
def test_numbers_out_of_range_are_faults(
    tutorial: Instance, objective: str, numbers: list[float], money: bool
) -> None:
    instance = with_settings(tutorial, siting={"objective": objective})
    with pytest.raises(InputError):
        find_frontier(instance, numbers, money=money)
