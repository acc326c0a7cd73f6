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


def test_all_faults_at_once():
    with pytest.raises(InputError) as caught:
        facility_location(
            ZONES, SITES, unit_costs=PAIRS.assign(unit_cost=[1, 2, 3, np.nan]), demand="swaps",
            capacity=[1.0, 2.0], fixed_cost=-1.0, max_stations=0.5, existing=["Z"],
        )  # fmt: skip
    text = str(caught.value)
    for part in ("unit_cost", "swaps", "2 and 1 types", "fixed_cost", "max_stations", "'Z'"):
        assert part in text
