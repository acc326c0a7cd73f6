"""Figures for the eye: a mean over vehicles counts the vehicles that are there, and no others."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planner.instance import Instance
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from planner.plans.fleet_rows import fleet_mean


def test_a_mean_of_the_fleet_counts_vehicles_not_classes() -> None:
    rates = pd.DataFrame(
        [
            ("a", "private", "lfp", 100.0), ("a", "taxi", "lfp", 160.0),
            ("a", "private", "na", 120.0), ("a", "taxi", "na", 130.0),
            ("b", "private", "lfp", 90.0), ("b", "taxi", "lfp", 150.0), ("b", "truck", "big", 70.0),
        ],
        columns=["city_id", "vehicle_id", "pack_id", "km"],
    )  # fmt: skip
    fleet = pd.DataFrame(
        [
            ("a", "private", 90), ("a", "taxi", 10), ("a", "truck", 0),
            ("b", "private", 0), ("b", "taxi", 5), ("b", "truck", 0),
        ],
        columns=["city_id", "vehicle_id", "vehicles"],
    )  # fmt: skip
    mean = fleet_mean(rates, fleet, ["city_id"], "km")
    # The mean of the classes would put lfp (130) above na (125) in the city of private cars.
    assert mean.loc["a"].to_dict() == {"lfp": 106.0, "na": 121.0}
    assert mean.loc["b", "lfp"] == 150.0
    assert np.isnan(mean.loc["b", "na"])
    assert "big" not in mean


@pytest.mark.parametrize("segment", ["private", "taxi"])
def test_ranges_of_a_city_are_those_of_the_vehicles_that_it_has(
    tutorial: Instance, segment: str
) -> None:
    emptied = {name: 0 for name in ("private", "taxi", "ride_hailing") if name != segment}
    cities = tutorial.cities.assign(**{f"vehicles_{name}": 0 for name in emptied})
    found = plan(replace(tutorial, cities=cities))
    curve = found.tables["range_curve"]
    at = found.evaluation.cities["winter_design_c"].iloc[0]
    months = found.evaluation.tables["city_month"].set_index("month")
    of_vehicle = curve[curve["vehicle_id"] == f"{segment}_ab"]
    assert {"lfp_25", "na_25"} <= set(of_vehicle["pack_id"])
    for pack_id, rows in of_vehicle.groupby("pack_id"):
        told = found.evaluation.cities[f"design_range_{pack_id}_km"].iloc[0]
        on_curve = np.interp(at, rows["ambient_c"], rows["range_km"])
        assert told == pytest.approx(on_curve, rel=0.01)
        assert months[f"design_range_{pack_id}_km"].min() == pytest.approx(told)


def test_use_of_stations_is_of_all_their_capacity(planned_tutorial: Planned) -> None:
    stations = planned_tutorial.evaluation.stations
    used = stations["peak_swaps_per_hour"].sum() / stations["capacity_swaps_per_hour"].sum()
    assert planned_tutorial.evaluation.kpi["mean_utilisation_frac"] == pytest.approx(used)
