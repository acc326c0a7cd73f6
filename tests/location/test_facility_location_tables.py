import numpy as np
import pandas as pd
import pytest

from planner.errors import InfeasibleError, InputError
from planner.location import facility_location
from planner.solving.status import Status

ZONES = pd.DataFrame({"demand": [10.0, 20.0, 0.0]}, index=["north", "south", "empty"])
SITES = pd.DataFrame({"capacity": [15.0, 40.0], "fixed_cost": [5.0, 30.0]}, index=["A", "B"])
PAIRS = pd.DataFrame(
    [("north", "A", 1.0), ("south", "A", 2.0), ("north", "B", 3.0), ("south", "B", 1.0)],
    columns=["zone", "site", "unit_cost"],
)


def test_tables_in_tables_out():
    result = facility_location(ZONES, SITES, unit_costs=PAIRS, gap_frac=0.0)
    assert result.status is Status.OPTIMAL
    # Both: 35 + 10 x 1 + 20 x 1; B alone: 30 + 30 + 20; A cannot serve all.
    assert result.objective == pytest.approx(65.0)
    assert result.stations["demand_assigned"].to_list() == pytest.approx([10.0, 20.0])
    assert result.stations["fixed_cost_paid"].to_list() == [5.0, 30.0]
    assert result.zones["station"].to_list()[:2] == ["A", "B"]
    assert pd.isna(result.zones["station"].iloc[2])
    assert result.zones["unit_cost"].to_list()[:2] == pytest.approx([1.0, 1.0])


def test_demand_may_be_split_unless_told():
    split = {"unit_costs": PAIRS, "capacity": 15.0, "fixed_cost": 1.0, "gap_frac": 0.0}
    result = facility_location(ZONES, SITES, **split)
    assert result.zones["share"].to_list()[1] == pytest.approx(0.75)
    with pytest.raises(InfeasibleError, match="no choice of stations"):
        facility_location(ZONES, SITES, single=True, **split)


def test_types_budget_and_locks():
    asked = {"unit_costs": PAIRS, "capacity": [15.0, 30.0], "fixed_cost": [4.0, 10.0]}
    result = facility_location(ZONES, SITES, forbidden=["B"], gap_frac=0.0, **asked)
    assert result.stations["type"].to_list() == [1]
    assert result.objective == pytest.approx(10.0 + 10.0 + 40.0)
    with pytest.raises(InfeasibleError):
        facility_location(ZONES, SITES, existing=["A"], budget=3.0, **asked)


def test_limits_by_city():
    asked = {"unit_costs": PAIRS, "capacity": 40.0, "fixed_cost": [[5.0, 30.0]], "gap_frac": 0.0}
    assert facility_location(ZONES, SITES, **asked).stations.index.to_list() == ["A"]
    limits = {"cities": ["east", "west"], "min_per_city": {"west": 1}}
    both = facility_location(ZONES, SITES, **asked, **limits)
    assert both.stations.index.to_list() == ["A", "B"]
    west = facility_location(ZONES, SITES, **asked, **limits, max_per_city={"east": 0})
    assert west.stations.index.to_list() == ["B"]
    with pytest.raises(InfeasibleError, match="city west: at least 1 stations, but at most 0"):
        facility_location(ZONES, SITES, **asked, **limits, forbidden=["B"])
    with pytest.raises(InfeasibleError, match="take 2 stations, but at most 1"):
        facility_location(ZONES, SITES, **asked, cities=["x", "x"], min_per_city=2, max_stations=1)


def test_demand_that_is_not_worth_serving_stays_unserved():
    asked = {"unit_costs": PAIRS, "gap_frac": 0.0}
    # Serving the south from A costs 2 each, from B 1 each and 30 for the station.
    result = facility_location(ZONES, SITES, unserved_cost=1.8, **asked)
    assert result.objective == pytest.approx(5.0 + 10.0 + 20.0 * 1.8)
    assert result.zones["unserved_share"].to_list() == pytest.approx([0.0, 1.0, 0.0])
    assert pd.isna(result.zones["station"].iloc[1])
    far = pd.DataFrame({"demand": [1.0]}, index=["nowhere"])
    with pytest.raises(InfeasibleError, match=r"1 zones.*'nowhere'"):
        facility_location(pd.concat((ZONES, far)), SITES, **asked)
    result = facility_location(pd.concat((ZONES, far)), SITES, unserved_cost=100.0, **asked)
    assert result.objective == pytest.approx(65.0 + 100.0)
    assert result.zones["unserved_share"].to_list() == pytest.approx([0.0, 0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("limits", "parts"),
    [
        ({"cities": "town", "min_per_city": 1}, ["town", "no such column"]),
        ({"cities": ["x", None], "min_per_city": 1}, ["'B'", "every site needs a city"]),
        ({"cities": ["x"], "min_per_city": 1}, ["1 labels", "2 sites"]),
        ({"cities": pd.Series("x", index=["A", "C"]), "max_per_city": 1}, ["'B', 'C'"]),
        ({"cities": ["x", "y"], "max_per_city": {"z": 1}}, ["'z'", "'x', 'y'"]),
        ({"cities": ["x", "y"], "max_per_city": {"x": 0.5}}, ["of 'x'", "0.5"]),
        ({"cities": ["x", "y"], "min_per_city": {"x": 2}, "max_per_city": 1}, ["'x'", "more than"]),
        ({"cities": ["x", "y"]}, ["min_per_city or max_per_city"]),
        ({"max_per_city": 1}, ["min_per_city or max_per_city"]),
        ({"cities": ["x", "y"], "max_per_city": pd.Series([1, 2], ["x", "x"])}, ["named twice"]),
    ],
)
def test_limits_by_city_that_cannot_be_used(limits: dict[str, object], parts: list[str]):
    with pytest.raises(InputError) as caught:
        facility_location(ZONES, SITES, unit_costs=PAIRS, **limits)
    for part in parts:
        assert part in str(caught.value)


def test_all_faults_at_once():
    with pytest.raises(InputError) as caught:
        facility_location(
            ZONES, SITES, unit_costs=PAIRS.assign(unit_cost=[1, 2, 3, np.nan]), demand="swaps",
            capacity=[1.0, 2.0], fixed_cost=-1.0, max_stations=0.5, existing=["Z"],
            unserved_cost=-1,
        )  # fmt: skip
    text = str(caught.value)
    for part in (
        "unit_cost",
        "swaps",
        "2 and 1 types",
        "fixed_cost",
        "max_stations",
        "'Z'",
        "unserved_cost",
    ):
        assert part in text
