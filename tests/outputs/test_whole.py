"""Whole vehicles and packs: each within one of what was planned, sums kept."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
from hypothesis import given
from hypothesis import strategies as st

from planner.outputs.run_folder import write_run
from planner.outputs.whole import largest_remainder, whole_kpi, whole_table
from planner.planning.result import Planned

AMOUNTS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.floats(0, 1e5)), min_size=1
)


@given(AMOUNTS)
def test_sums_are_kept_and_nothing_moves_by_one(rows: list[tuple[str, str, float]]) -> None:
    group, _, amount = (pd.Series(column) for column in zip(*rows, strict=True))
    whole = largest_remainder(amount, group)
    assert (whole % 1 == 0).all()
    assert ((whole - amount).abs() < 1 + 1e-5).all()
    sums = amount.groupby(group).sum()
    assert ((whole.groupby(group).sum() - sums).abs() <= 0.5 + 1e-5).all()


@given(AMOUNTS)
def test_packs_add_up_to_chemistries_and_those_to_the_city(
    rows: list[tuple[str, str, float]],
) -> None:
    packs = pd.DataFrame(rows, columns=["city_id", "chemistry", "vehicles"])
    whole = whole_table("packs", packs)["vehicles"]
    assert (whole % 1 == 0).all()
    assert ((whole - packs["vehicles"]).abs() < 1 + 1e-5).all()
    for key in (["city_id"], ["city_id", "chemistry"]):
        keys = [packs[name] for name in key]
        off = whole.groupby(keys).sum() - packs["vehicles"].groupby(keys).sum()
        assert (off.abs() < 1 + 1e-5).all()
    by_city = whole.groupby(packs["city_id"]).sum() - packs.groupby("city_id")["vehicles"].sum()
    assert (by_city.abs() <= 0.5 + 1e-5).all()


def test_a_city_has_as_many_vehicles_as_on_its_chemistries() -> None:
    cities = pd.DataFrame(
        {
            "vehicles": [100, 3], "vehicles_lfp": [20.62, 1.0], "vehicles_na": [79.38, 1.0],
            "vehicles_nmc": [np.nan, 1.0], "vehicles_without_pack": [0.0, 0.0],
        }
    )  # fmt: skip
    whole = whole_table("cities", cities)
    assert whole["vehicles_lfp"].tolist() == [21, 1]
    assert whole["vehicles_na"].tolist() == [79, 1]
    assert np.isnan(whole["vehicles_nmc"].iloc[0])
    assert cities["vehicles_lfp"].tolist() == [20.62, 1.0]


def test_stocks_of_a_quarter_add_up_over_the_cities() -> None:
    table = pd.DataFrame({"quarter": ["q1"] * 3 + ["q2"], "stock_lfp": [0.4, 0.4, 0.4, 7.6]})
    assert whole_table("city_quarter", table)["stock_lfp"].tolist() == [1, 0, 0, 8]


def test_figures_of_the_plan_add_up_too() -> None:
    kpi = {"vehicles": 10, "vehicles_a": 3.4, "vehicles_b": 3.4, "vehicles_without_pack": 3.2,
           "vehicles_below_promised_range": 6.8, "swaps_per_day": 5.5}  # fmt: skip
    whole = whole_kpi(kpi)
    assert whole["vehicles_a"] + whole["vehicles_b"] + whole["vehicles_without_pack"] == 10
    assert whole["vehicles_below_promised_range"] == 7
    assert whole["swaps_per_day"] == 5.5


def test_people_read_whole_vehicles_and_programs_the_amounts(
    planned_tutorial: Planned, tmp_path: Path
) -> None:
    evaluation = planned_tutorial.evaluation
    planned = evaluation.packs["station_packs"]
    assert (planned % 1 != 0).any()
    folder = write_run(planned_tutorial, tmp_path / "run")
    kept = pd.read_parquet(folder / "tables/packs.parquet")
    np.testing.assert_array_equal(kept["station_packs"], planned)
    shown = pyogrio.read_dataframe(folder / "plan.gpkg", layer="packs")
    assert (shown["station_packs"] % 1 == 0).all()
    assert abs(shown["station_packs"].sum() - planned.sum()) <= 0.5
    book = pd.read_excel(folder / "workbook.xlsx", sheet_name="packs", header=1, skiprows=[2])
    assert book["station_packs"].tolist() == shown["station_packs"].tolist()
