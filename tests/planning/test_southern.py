"""Where July is the coldest month, everything is planned for July."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner.instance import Instance
from planner.network.intercity import IntercityNetwork
from planner.outputs.report.map_data import build_map
from planner.outputs.report.read import read_run
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.physics.range_table import range_table
from planner.planning.corridors.problem import road_energy
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from tests.outputs.report.made_up_run import write_run_folder

JANUARY, JULY = 0, 6


def _half_a_year_later(climate: pd.DataFrame) -> pd.DataFrame:
    return climate.assign(month=(climate["month"] + 5) % 12 + 1)


@pytest.fixture(scope="module")
def southern(tutorial: Instance) -> Instance:
    """The tutorial's town, its climate and its planning quarter half a year later."""
    climate = _half_a_year_later(tutorial.climate).sort_values(["city_id", "month"])
    scenario = tutorial.scenario.model_copy(update={"planning_quarter": "2027Q3"})
    supply, buyers = (
        table[table["quarter"] <= tutorial.scenario.planning_quarter]
        for table in (tutorial.supply, tutorial.other_buyers)
    )
    climate = climate.reset_index(drop=True)
    return replace(tutorial, climate=climate, scenario=scenario, supply=supply, other_buyers=buyers)


def test_stations_are_sized_for_july(
    tutorial: Instance, southern: Instance, planned_tutorial: Planned
) -> None:
    fleets = {
        month: operate_fleet(each, city_climate(each))
        for month, each in ((JANUARY, tutorial), (JULY, southern))
    }
    for month, fleet in fleets.items():
        assert fleet.coldest_month.tolist() == [month]
    assert np.array_equal(
        *(fleet.on_design_day(fleet.design_swaps_per_day) for fleet in fleets.values())
    )
    found, north = plan(southern), planned_tutorial
    columns = ["site_id", "station_type_id"]
    assert found.plan.stations[columns].equals(north.plan.stations[columns])
    for column in ("coldest_mean_c", "hottest_mean_c", "design_range_lfp_25_km"):
        values = [each.evaluation.cities[column].item() for each in (found, north)]
        assert values[0] == pytest.approx(values[1])
    assert found.evaluation.cities["coldest_mean_c"].item() == -14.0
    assert found.evaluation.cities["hottest_mean_c"].item() == 23.0
    months = found.evaluation.tables["city_month"].set_index("month")
    assert months["design_range_lfp_25_km"].idxmin() == JULY + 1
    # Packs of the third quarter are for July as those of the first are for January.
    ranges = [each.evaluation.periods["quarter_range_km"].to_numpy() for each in (found, north)]
    assert ranges[0] == pytest.approx(ranges[1])


def test_the_range_table_names_the_months(tutorial: Instance, southern: Instance) -> None:
    for instance, coldest, hottest in (
        (tutorial, "January", "July"), (southern, "July", "January")
    ):  # fmt: skip
        places = range_table(instance, [0.0], city="town").places.set_index("label")["ambient_c"]
        assert places[f"{coldest} mean"] == -14.0
        assert places[f"{hottest} mean"] == 23.0


def test_roads_have_each_citys_own_winter(tutorial: Instance, southern: Instance) -> None:
    """A northern town and a southern one, at the two ends of a road."""
    lon = [float(tutorial.cities["lon"].item()) + shift for shift in (0.0, -20.0)]
    lat = float(tutorial.cities["lat"].item())
    both = replace(
        tutorial,
        cities=pd.concat([tutorial.cities] * 2).assign(city_id=["n", "s"], lon=lon),
        climate=pd.concat(
            [tutorial.climate.assign(city_id="n"), southern.climate.assign(city_id="s")]
        ).assign(snow_days=lambda rows: np.where(rows["mean_c"] < -13, 31.0, 0.0)),
    )
    network = IntercityNetwork(
        lon=np.array(lon), lat=np.array([lat, lat]), from_idx=np.array([0]), to_idx=np.array([1]),
        length_km=np.array([100.0]), drive_min=np.array([60.0]),
        is_ferry=np.array([False]), portal_idx=np.array([0, 1]), unconnected=pd.DataFrame(),
    )  # fmt: skip
    packs = pd.DataFrame({"vehicle_id": ["private_ab"], "pack_id": ["lfp_25"]})

    def energy(**months: int) -> tuple[np.ndarray, np.ndarray]:
        scenario = both.scenario.model_copy(
            update={"corridors": both.scenario.corridors.model_copy(update=months)}
        )
        found = road_energy(replace(both, scenario=scenario), city_climate(both), network, packs)
        return found.temperature_c[:, 0], found.draw_kwh[:, 0, 0]

    design_c = float(tutorial.cities["winter_design_c"].item())
    own_c, own_kwh = energy()
    assert own_c == pytest.approx([design_c, 23.0])
    january_c, january_kwh = energy(winter_month=1, summer_month=7)
    # In January the southern town has the northern one's July.
    assert january_c == pytest.approx(
        [(design_c + 23.0 - (-14.0 - design_c)) / 2, (23.0 - 14.0) / 2]
    )
    assert own_kwh[0] > january_kwh[0]


def test_the_map_shows_each_citys_own_months(tmp_path: Path) -> None:
    folder = write_run_folder(tmp_path / "run", with_optional=True)
    ranges = [city["range"] for city in build_map(read_run(folder))["cities"]]
    path = folder / "tables" / "city_month.parquet"
    months = pd.read_parquet(path)
    is_first = months["city_id"] == months["city_id"].iloc[0]
    months.loc[is_first, "month"] = _half_a_year_later(months[is_first])["month"]
    months.to_parquet(path)
    assert [city["range"] for city in build_map(read_run(folder))["cities"]] == ranges
