"""Rows that match nothing, places that contradict each other, limits that no plan keeps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from planner.cli import cli
from planner.errors import InfeasibleError, InputError
from planner.instance import Instance, read_instance
from planner.planning.limits import check_limits
from planner.planning.pipeline import plan


def _change(folder: Path, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = folder / f"{table}.csv"
    change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)


def _faults(folder: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_instance(folder)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("market", "remedy"),
    [
        ("cn", "did you mean CN?"),
        ("CN ", None),
    ],
)
def test_gates_of_a_market_without_cities(
    tutorial_copy: Path, market: str, remedy: str | None
) -> None:
    _change(tutorial_copy, "gates", lambda gates: gates.assign(market=market))
    if remedy is None:
        assert set(read_instance(tutorial_copy).gates["market"]) == {"CN"}
        return
    assert _faults(tutorial_copy) == [
        f"gates.csv, row {row}, market: {market}: no city has this market; {remedy}"
        for row in (2, 3)
    ]


def test_gates_of_another_market_are_noted(tutorial_copy: Path) -> None:
    _change(tutorial_copy, "gates", lambda gates: gates.assign(market="EU"))
    notes = read_instance(tutorial_copy).assumptions.set_index("item")
    assert notes.loc["gates.csv: market", "value"] == "2 rows of EU are not used"


def test_packs_that_no_vehicle_takes(tutorial_copy: Path) -> None:
    def add_packs(packs: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([packs, packs.assign(pack_id=packs["pack_id"] + "x", envelope="25")])

    _change(tutorial_copy, "packs", add_packs)
    assert _faults(tutorial_copy) == [
        f"packs.csv, row {row} ({pack}), envelope: 25: no vehicle takes this envelope; "
        "did you mean #25?"
        for row, pack in ((4, "lfp_25x"), (5, "na_25x"))
    ]


def test_references_say_what_they_may_mean(tutorial_copy: Path) -> None:
    _change(tutorial_copy, "zones", lambda zones: zones.assign(
        city_id=["Town", "twon", *zones["city_id"][2:]]))  # fmt: skip
    assert _faults(tutorial_copy) == [
        f"zones.csv, row {row} ({zone}), city_id: {city}: not in cities.csv; did you mean town?"
        for row, zone, city in ((2, "Z1", "Town"), (3, "Z2", "twon"))
    ]


def test_rows_of_a_chemistry_without_packs_are_told(tutorial_copy: Path) -> None:
    _change(tutorial_copy, "packs", lambda packs: packs[packs["chemistry"] == "lfp"])
    notes = read_instance(tutorial_copy).assumptions.set_index("item")["value"]
    assert notes["supply.csv: chemistry"] == "3 rows of sodium_ion are not used"
    assert notes["gates.csv: chemistry"] == "1 rows of sodium_ion are not used"


def _more_sites(*rows: tuple[str, str]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Rows at the point of site A, with id and status."""
    return lambda sites: pd.concat(
        [sites, *(sites[sites["site_id"] == "A"].assign(site_id=site, status=status)
                  for site, status in rows)]
    )  # fmt: skip


def test_a_place_is_open_or_forbidden(tutorial_copy: Path) -> None:
    _change(tutorial_copy, "sites", _more_sites(("A1", "existing"), ("A2", "forbidden")))
    assert _faults(tutorial_copy) == [
        "sites.csv, row 8 (A2), status: forbidden: stands at the point of A (candidate) and A1 "
        "(existing); a place that is forbidden holds no station: correct point or status"
    ]


def test_several_sites_at_one_point_are_told(tutorial_copy: Path) -> None:
    _change(tutorial_copy, "sites", _more_sites(("A1", "existing"), ("A2", "candidate")))
    notes = read_instance(tutorial_copy).assumptions.set_index("item")["value"]
    assert notes["sites.csv: several sites at one point"] == "A and A1 and A2"


def test_stations_that_no_type_fits(tutorial_copy: Path) -> None:
    _change(tutorial_copy, "sites", lambda sites: sites.assign(
        max_bays=[5, 5, 100, 100, 100], status=["existing", *sites["status"][1:]]))  # fmt: skip
    (fault,) = _faults(tutorial_copy)
    assert fault.startswith("sites.csv, row 2, site_id: A: no station type fits its max_bays")


LIMITS: list[tuple[dict[str, Any], dict[str, Any], str | None, list[str], str]] = [
    ({"num_stations": 2}, {}, "existing",
     ["at most 2 stations", "any 3 of the 5 existing stations A, B, C, D, E"],
     "allow 5 stations instead of 2"),
    ({"num_stations": 9}, {"min_stations": 5}, None,
     ["city town: at least 5 stations (it has 5 sites)", "forbidden site E"],
     "allow forbidden site E"),
    ({"num_stations": 9}, {"min_stations": 3, "max_stations": 2}, None,
     ["city town: at most 2 stations", "city town: at least 3 stations (it has 5 sites)"],
     "city town: allow 3 stations instead of 2"),
    ({"num_stations": 9}, {"max_stations": 2}, "committed",
     ["city town: at most 2 stations", "any 3 of the 5 committed stations A, B, C, D, E"],
     "give up any 3 of the 5 committed stations A, B, C, D, E"),
    ({"num_stations": 2}, {"min_stations": 3}, None,
     ["at most 2 stations", "city town: at least 3 stations (it has 5 sites)"],
     "city town: ask for 2 stations instead of 3"),
    ({"num_stations": None, "budget_cny": 1e7}, {}, "committed",
     ["a budget of 10 M CNY", "any 4 of the 5 committed stations A, B, C, D, E"],
     "raise the budget by 5 M CNY, from 10 M CNY to 15 M CNY"),
]  # fmt: skip


@pytest.mark.parametrize(("siting", "cities", "status", "conflict", "repair"), LIMITS)
def test_limits_that_no_plan_keeps(
    tutorial: Instance, siting: dict[str, Any], cities: dict[str, Any], status: str | None,
    conflict: list[str], repair: str,
) -> None:  # fmt: skip
    limited = replace(
        tutorial,
        scenario=tutorial.scenario.model_copy(
            update={"siting": tutorial.scenario.siting.model_copy(update=siting)}
        ),
        cities=tutorial.cities.assign(**cities),
        sites=tutorial.sites.assign(**({} if status is None else {"status": status})),
    )
    for refuses in (check_limits, plan):
        with pytest.raises(InfeasibleError) as refused:
            refuses(limited)
        assert list(refused.value.conflict) == conflict
        assert repair in refused.value.repair


def test_validate_refuses_what_run_refuses(tutorial_copy: Path) -> None:
    _change(tutorial_copy, "cities", lambda cities: cities.assign(min_stations=5))
    said = [
        CliRunner().invoke(cli, [command, str(tutorial_copy)], standalone_mode=False).exception
        for command in ("validate", "run")
    ]
    assert [str(error) for error in said] == [
        "no plan keeps these limits together:\n"
        "  - city town: at least 5 stations (it has 5 sites)\n"
        "  - forbidden site E\n"
        "this mends it:\n"
        "  - city town: ask for 2 stations instead of 5"
    ] * 2


def test_trips_need_residents_or_flows(tutorial_copy: Path) -> None:
    _change(tutorial_copy, "cities", lambda cities: cities.drop(columns="population"))
    read_instance(tutorial_copy)
    with (tutorial_copy / "scenario.toml").open("a", encoding="utf-8") as stream:
        stream.write('\n[corridors]\nfunding = "own"\nnum_stations = 1\n')
        stream.write('[scenarios.uncertain.corridors]\nfunding = "none"\n')
    assert _faults(tutorial_copy) == [
        "cities.csv, population: the gravity model needs it; give the column, or a table of flows"
    ]


def test_a_class_needs_soak_or_trips(tutorial_copy: Path) -> None:
    def of_trips(vehicles: pd.DataFrame) -> pd.DataFrame:
        return vehicles.assign(soak_frac=["1.0", "", ""], trips_per_day=["", "", "6"])

    _change(tutorial_copy, "vehicles", of_trips)
    assert _faults(tutorial_copy) == [
        "vehicles.csv, row 3 (taxi_ab), soak_frac: how warm its packs are is not known; give it or "
        "trips_per_day"
    ]
    _change(tutorial_copy, "vehicles", lambda rows: rows.drop(columns="trips_per_day"))
    assert len(_faults(tutorial_copy)) == 2
    _change(tutorial_copy, "vehicles", lambda rows: rows.drop(columns="soak_frac"))
    assert len(_faults(tutorial_copy)) == 3
    _change(tutorial_copy, "vehicles", lambda rows: rows.assign(trips_per_day="3"))
    vehicles = read_instance(tutorial_copy).vehicles
    assert "soak_frac" not in vehicles
    assert vehicles["trips_per_day"].tolist() == [3.0, 3.0, 3.0]


def test_a_companion_stands_without_its_middle_set(tutorial_copy: Path) -> None:
    def in_high(vehicles: pd.DataFrame) -> pd.DataFrame:
        return vehicles.assign(real_use_factor_high=["1.25", "", "1.1"])

    _change(tutorial_copy, "vehicles", in_high)
    assert "real_use_factor" not in read_instance(tutorial_copy).vehicles
    high = read_instance(tutorial_copy, overrides={"parameter_set": "high"}).vehicles
    factor = high.set_index("vehicle_id")["real_use_factor"]
    assert factor.fillna(1.0).to_dict() == {
        "private_ab": 1.25, "taxi_ab": 1.0, "ride_hailing_ab": 1.1
    }  # fmt: skip
