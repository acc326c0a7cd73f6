"""`planner passport` on a run of the tutorial that sends its packs to a market with passports."""

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from planner.cli import main
from planner.compliance.points import passport_points
from planner.compliance.tables import compliance_tables
from planner.outputs.run_folder import Outputs, write_run
from planner.planning.result import Planned

Command = Callable[..., tuple[int, str, str]]
FLOW = ("--market", "EU", "--pack", "na_25", "--quarter", "2027Q1")


@pytest.fixture(scope="module")
def with_passports(planned_tutorial: Planned) -> Planned:
    instance = planned_tutorial.instance
    gates = pd.DataFrame(
        [("EU", chemistry, "EU battery passport", "2027Q1", "2026Q4", True, "by hand")
         for chemistry in ("lfp", "sodium_ion")],
        columns=["market", "chemistry", "certificate", "asked_from", "opens", "binding", "source"],
    )  # fmt: skip
    flows = pd.DataFrame(
        [(quarter, "EU", pack, packs) for quarter in ("2026Q4", "2027Q1")
         for pack, packs in (("lfp_25", 10.0), ("na_25", 1200.0))
         if (quarter, pack) != ("2026Q4", "lfp_25")],
        columns=["quarter", "market", "pack_id", "delivered_packs"],
    )  # fmt: skip
    taken = pd.DataFrame(
        [("2026Q4", "sodium_ion", "CATL", "=Yibin", "series", "swap_car", 0.1)],
        columns=["quarter", "chemistry", "supplier", "plant", "kind", "application", "gwh"],
    )
    _, tables = compliance_tables(replace(instance, gates=gates), flows, taken)
    return replace(planned_tutorial, tables={**planned_tutorial.tables, **tables})


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, with_passports: Planned) -> Path:
    return write_run(with_passports, tmp_path_factory.mktemp("run") / "town", Outputs.TABLES)


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["planner", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        previous = signal.getsignal(signal.SIGINT)
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            signal.signal(signal.SIGINT, previous)
        out, err = capsys.readouterr()
        return code, out, err

    return command


def test_without_a_choice_the_flows_are_listed(run_folder: Path, planner: Command) -> None:
    code, out, _ = planner("passport", run_folder)
    assert code == 0
    rows = [line.split() for line in out.splitlines() if line.split()[:1] == ["EU"]]
    assert [row[:4] for row in rows] == [
        ["EU", "lfp_25", "2027Q1", "10"], ["EU", "na_25", "2026Q4", "1,200"],
        ["EU", "na_25", "2027Q1", "1,200"],
    ]  # fmt: skip


def test_one_flow_is_shown_point_by_point(run_folder: Path, planner: Command) -> None:
    code, out, _ = planner("passport", run_folder, *FLOW)
    assert code == 0
    assert "EU, na_25, 2027Q1: 1,200 packs" in out
    assert "asked for by law" in out
    for point in passport_points():
        assert point.name in out
    assert "before the deliveries of 2027Q1 ask CATL for the mass of the whole pack" in out


def test_json_holds_what_the_tables_hold(
    run_folder: Path, with_passports: Planned, planner: Command
) -> None:
    said = json.loads(planner("passport", run_folder, *FLOW, "--json")[1])
    counts = with_passports.tables["passport_flow"].set_index(["market", "pack_id", "quarter"])
    flow = counts.loc[("EU", "na_25", "2027Q1")]
    assert (said["run"], said["asked"]) == ("town", True)
    assert said["num_filled"] == flow["num_filled"]
    assert len(said["points"]) == len(passport_points())
    assert said["declared_frac"] is None
    filled = [each for each in said["points"] if each["status"] == "filled"]
    assert len(filled) == said["num_filled"]


def test_two_quarters_differ_by_what_is_asked(run_folder: Path, planner: Command) -> None:
    arguments = ("passport", run_folder, *FLOW, "--against", "2026Q4")
    said = json.loads(planner(*arguments, "--json")[1])
    assert said["against"] == "2026Q4"
    assert {each["status_before"] for each in said["changes"]} == {"not_asked"}
    asked = {
        point.number for point in passport_points() if point.requirement["ev"] in ("m", "if_any")
    }
    assert {each["point"] for each in said["changes"]} == asked
    code, out, _ = planner(*arguments)
    assert code == 0
    assert f"{len(asked)} points differ from 2026Q4." in out


def test_a_pack_not_delivered_before_has_nothing_to_compare(
    run_folder: Path, planner: Command
) -> None:
    code, out, _ = planner("passport", run_folder, "--quarter", "2027Q1", "--against", "2026Q4")
    assert code == 0
    assert out.count("Nothing was delivered in the quarter to compare with.") == 1
    assert out.count("points differ from") == 1
    code, _, err = planner("passport", run_folder, "--quarter", "2026Q4", "--against", "2026Q4")
    assert code == 2
    assert "needs another quarter" in err


def test_a_csv_file_per_flow_that_no_spreadsheet_runs(
    run_folder: Path, with_passports: Planned, planner: Command, tmp_path: Path
) -> None:
    code, out, _ = planner("passport", run_folder, "--csv", tmp_path / "sheets")
    assert code == 0
    names = ["passport-eu-lfp_25-2027q1", "passport-eu-na_25-2026q4", "passport-eu-na_25-2027q1"]
    assert sorted(path.stem for path in (tmp_path / "sheets").iterdir()) == names
    assert all(name in out for name in names)
    sheet = pd.read_csv(tmp_path / "sheets" / f"{names[2]}.csv").set_index("point")
    points = with_passports.tables["passport_point"]
    key = (points["pack_id"] == "na_25") & (points["quarter"] == "2027Q1")
    expected = points[key].set_index("point")
    assert list(sheet["status"]) == list(expected["status"])
    assert expected.loc[8, "value"] == "=Yibin"
    assert sheet.loc[8, "value"] == "'=Yibin"


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (("--market", "US"), "US"),
        (("--market", "EU", "--pack", "nmc_25"), "lfp_25, na_25"),
        (("--pack", "na_25", "--quarter", "2031Q1"), "2026Q4, 2027Q1"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    run_folder: Path, planner: Command, choice: tuple[str, ...], words: str
) -> None:
    code, _, err = planner("passport", run_folder, *choice)
    assert code == 2
    assert words in err


def test_a_run_in_chinese_names_the_points_so(
    with_passports: Planned, planner: Command, tmp_path: Path
) -> None:
    folder = write_run(with_passports, tmp_path / "town", Outputs.TABLES, None, "zh")
    said = json.loads(planner("passport", folder, *FLOW, "--json")[1])
    assert [each["name"] for each in said["points"]] == [
        point.name_zh for point in passport_points()
    ]


def test_a_run_without_passports_says_so(
    planned_tutorial: Planned, planner: Command, tmp_path: Path
) -> None:
    folder = write_run(planned_tutorial, tmp_path / "town", Outputs.TABLES)
    code, _, err = planner("passport", folder)
    assert code == 2
    assert "no such table" in err
    assert planner("passport", tmp_path)[0] == 2
