"""What operators report of their stations, by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from planner.instance import Instance
from planner.planning.result import Planned
from planner.plans.station_figures import station_figures
from tests.scenarios import with_settings
from tests.two_towns import two_towns


def test_by_hand(tutorial: Instance) -> None:
    towns = with_settings(
        two_towns(tutorial), siting={"station_years": 4.0}, costs={"interest_rate": 0.0}
    )
    mild = towns.cities.assign(winter_design_c=[-10.1, -10.0])
    towns = replace(towns, cities=mild, sites=towns.sites.assign(site_cost_cny=[1e6] + 9 * [None]))
    stations = pd.DataFrame(
        [("A", "town", "choco_14"), ("B", "town", "choco_30"), ("A_e", "town_e", "choco_14")],
        columns=["site_id", "city_id", "station_type_id"],
    )
    found = station_figures(towns, stations, vehicles=600, packs=60, swaps_per_day=100)
    # 3 + 5 + 3 M CNY and a plot of 1 M over 4 years without interest; 0.4 + 0.6 + 0.4 M to run.
    assert found == {
        "vehicles_per_station": 200.0,
        "packs_per_station": 20.0,
        "cost_per_swap_cny": pytest.approx((3e6 + 1.4e6) / 36500),
        "capex_per_swap_cny": pytest.approx(3e6 / 36500),
        "opex_per_swap_cny": pytest.approx(1.4e6 / 36500),
        "num_stations_below_minus_10c": 2,
        "stations_below_minus_10c_frac": pytest.approx(2 / 3),
    }
    dearer = with_settings(towns, costs={"interest_rate": 0.1})
    paid = station_figures(dearer, stations, vehicles=600, packs=60, swaps_per_day=100)
    due = paid["capex_per_swap_cny"] * 36500
    assert sum(due / 1.1**year for year in range(1, 5)) == pytest.approx(12e6)


def test_no_stations_cost_nothing(tutorial: Instance) -> None:
    nothing = pd.DataFrame(columns=["site_id", "city_id", "station_type_id"])
    found = station_figures(tutorial, nothing, vehicles=600, packs=0, swaps_per_day=0)
    assert set(found.values()) == {0.0}


def test_a_plan_tells_them(planned_tutorial: Planned) -> None:
    kpi, stations = planned_tutorial.evaluation.kpi, planned_tutorial.evaluation.stations
    assert kpi["vehicles_per_station"] == kpi["vehicles"] / len(stations) == 550
    assert kpi["packs_per_station"] == kpi["station_packs"] / len(stations)
    assert kpi["stations_below_minus_10c_frac"] == 1.0
    opex_cny = stations["station_type_id"].map({"choco_14": 4e5, "choco_30": 6e5}).sum()
    per_year = 365 * kpi["swaps_per_day_served"]
    assert kpi["opex_per_swap_cny"] == pytest.approx(opex_cny / per_year)
    assert kpi["cost_per_swap_cny"] == pytest.approx(
        kpi["capex_per_swap_cny"] + kpi["opex_per_swap_cny"]
    )
