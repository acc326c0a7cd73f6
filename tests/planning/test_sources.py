"""Sources of rows reach the assumptions, each once, with the weakest mark that they carry."""

from dataclasses import replace

import pandas as pd
import pytest

from planner.instance import TABLES, Instance
from planner.planning.neutral import neutral_columns
from planner.planning.result import Planned
from planner.planning.sources import table_sources, weakest_mark


def test_every_source_of_a_row_is_told_once(tutorial: Instance) -> None:
    rows = pd.DataFrame(table_sources(tutorial))
    assert rows["item"].is_unique
    for name in TABLES:
        frame = getattr(tutorial, name)
        if "source" in frame and name != "assumptions":
            told = rows.loc[rows["item"].str.startswith(f"{name}: "), "source"]
            assert sorted(told) == sorted(frame["source"].dropna().unique())
    climate = rows.set_index("item").loc["climate: town 1 and 11 more"]
    assert climate.to_list() == ["12 rows", "?", "invented for the tutorial"]
    assert "cities (winter_design): town" in set(rows["item"])


def test_a_plan_lists_them_among_its_assumptions(planned_tutorial: Planned) -> None:
    sources = planned_tutorial.assumptions["source"]
    assert (sources == "invented for the tutorial").sum() == 3
    assert planned_tutorial.assumptions["item"].is_unique


def test_what_the_instance_itself_tells_is_not_told_twice(tutorial: Instance) -> None:
    assumed = pd.DataFrame(
        {"item": ["all"], "value": ["made up"], "mark": ["?"],
         "source": ["invented for the tutorial"]}
    )  # fmt: skip
    rows = table_sources(replace(tutorial, assumptions=assumed))
    assert "invented for the tutorial" not in [row["source"] for row in rows]


def test_what_real_driving_leaves_out_is_told(
    tutorial: Instance, planned_tutorial: Planned
) -> None:
    rows = planned_tutorial.assumptions.set_index("item")["value"]
    assert rows["vehicles: real_use_factor"] == "1 in every row"
    assert rows["vehicles: trips_per_day"] == "no starts in every row"
    assert rows["climate: snow_days"] == "0 in every row"
    some = tutorial.vehicles.assign(trips_per_day=[3.0, None, None], real_use_factor=1.15)
    climate = tutorial.climate.assign(snow_days=0.0, wet_days=0.0)
    left_out = neutral_columns(replace(tutorial, vehicles=some, climate=climate))
    assert {row["item"]: row["value"] for row in left_out} == {
        "vehicles: trips_per_day": "no starts in rows of ride_hailing_ab, taxi_ab",
        "vehicles: soc_window_frac": "the pack's in every row",
    }


def test_a_source_per_city_is_one_row_with_the_weakest_mark(tutorial: Instance) -> None:
    cities = pd.concat([tutorial.cities] * 30, ignore_index=True).assign(
        city_id=[f"c{number:02}" for number in range(30)],
        winter_design_source=[f"station {number} (M)" for number in range(29)] + ["fit (INF)"],
    )
    (row,) = (row for row in table_sources(replace(tutorial, cities=cities))
              if row["item"].startswith("cities"))  # fmt: skip
    assert row == {
        "item": "cities (winter_design): c00 and 29 more",
        "value": "30 rows",
        "mark": "INF",
        "source": "station 0 (M); and 29 others, in the table's rows",
    }


@pytest.mark.parametrize(
    ("source", "mark"),
    [
        ("MC: charge from 0 C", "MC"),
        ("bays: CATL (MC); grid: 14/30 of 1.5 MW (INF)", "INF"),
        ("km per day ?: no figure found; speed M: measured", "?"),
        ("distance: JAT 2021, 400-600 km (PR)", "PR"),
        ("invented for the tutorial", "?"),
        ("MANUFACTURER", "?"),
    ],
)
def test_marks_are_read_from_words(source: str, mark: str) -> None:
    assert weakest_mark(source) == mark
