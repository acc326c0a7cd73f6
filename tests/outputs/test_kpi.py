"""Every figure that a run writes is in kpi.csv, and the other way round."""

import re

import pytest

from planner.outputs.chemistries import Chemistries, Chemistry
from planner.outputs.kpi import PLACES, describe_kpi, is_share, known_kpis, shown_kpis

NAMED = Chemistries({"nmc": Chemistry("nickel manganese cobalt", "NMC", "#cc79a7")})


def test_each_is_written_out_and_stands_once() -> None:
    names = [kpi.name for kpi in known_kpis()]
    assert len(set(names)) == len(names)
    titles = [kpi.title for kpi in known_kpis()]
    assert len(set(titles)) == len(titles)
    for kpi in known_kpis():
        assert kpi.description, kpi.name
        assert kpi.unit, kpi.name
        assert kpi.shown <= set(PLACES), kpi.name
        assert re.fullmatch(r"0(\.0+)?%?", kpi.format), kpi.name
        assert kpi.format.endswith("%") == is_share(kpi.name), kpi.name


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("swaps_served_frac", "1"),
        ("num_bays", "1"),
        ("swaps_per_station_day", "swaps/station-day"),
        ("cost_cny_per_year", "CNY/year"),
        ("peak_swaps_per_hour_served", "swaps/hour"),
        ("mean_drive_min", "min"),
        ("swap_min_per_day", "swap-min/day"),
        ("trips_per_day_winter", "trips/day"),
        ("vehicles_below_promised_range", "1"),
        ("packs_lfp_gwh", "GWh"),
    ],
)
def test_unit(name: str, unit: str) -> None:
    assert describe_kpi(name, NAMED).unit == unit


def test_names_without_placeholder_win() -> None:
    assert describe_kpi("vehicles_without_pack", NAMED).title == "Vehicles without pack"
    assert describe_kpi("vehicles_nmc", NAMED).title == "Vehicles on NMC"
    assert describe_kpi("num_stations_small", NAMED).title == "Stations of type small"


def test_figures_stand_in_the_order_of_the_file_and_only_where_they_shall() -> None:
    names = ["vehicles_nmc", "vehicles_lfp", "vehicles", "num_bays", "num_stations", "new_km"]
    cover = [kpi.name for kpi in shown_kpis("cover", names, NAMED)]
    assert cover == ["num_stations", "num_bays", "vehicles", "vehicles_nmc", "vehicles_lfp"]
    assert [kpi.name for kpi in shown_kpis("compare", names, NAMED)] == [
        "num_stations", "vehicles_nmc", "vehicles_lfp",
    ]  # fmt: skip


def test_a_figure_with_a_row_of_its_own_stands_where_that_row_stands() -> None:
    names = ["num_stations_refuted", "vehicles", "within_5min_frac", "num_stations"]
    assert [kpi.name for kpi in shown_kpis("cover", names, NAMED)] == [
        "num_stations", "vehicles", "within_5min_frac", "num_stations_refuted",
    ]  # fmt: skip


def test_unknown_figure_is_its_own_title() -> None:
    assert describe_kpi("new_km", NAMED).title == "new_km"
