"""`planner explain` on a finished run of the tutorial, and words of the commands for reasons."""

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.cli import main
from planner.outputs.run_folder import Outputs, write_run
from planner.outputs.screen.explanation import sentences
from planner.planning.result import Planned

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, planned_tutorial: Planned) -> Path:
    return write_run(planned_tutorial, tmp_path_factory.mktemp("explain") / "town", Outputs.TABLES)


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["planner", *map(str, arguments)])
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


def test_a_station_is_explained_by_the_best_plan_without_it(
    run_folder: Path, planner: Command
) -> None:
    code, out, _ = planner("explain", run_folder, "A", "--json")
    said = json.loads(out)
    assert code == 0
    assert (said["run"], said["kind"], said["unit"]) == ("town", "station", "swaps/day")
    assert said["is_exact"]
    assert said["cost_low"] == pytest.approx(said["cost"])
    # Without A the two best of B, C and D serve 176.2 of 215.2 swaps a day.
    assert said["cost"] == pytest.approx(38.98, abs=0.01)
    assert {move["site_id"] for move in said["moves"] if move["change"] == "closes"} >= {"A"}
    assert said["lost_swaps_per_day"] >= said["cost"] - 1e-6


def test_a_closed_site_is_explained_by_the_best_plan_with_it(
    run_folder: Path, planner: Command
) -> None:
    said = json.loads(planner("explain", run_folder, "D", "--json")[1])
    assert said["kind"] == "site"
    assert said["next_best"]
    assert set(said["next_best"]) <= {"A", "B"}
    code, out, _ = planner("explain", run_folder, "D")
    assert code == 0
    assert "site D: a station here would cost the plan" in out


def test_a_city_loses_all_its_stations_together(run_folder: Path, planner: Command) -> None:
    town = json.loads(planner("explain", run_folder, "town", "--json")[1])
    assert (town["kind"], town["stations"]) == ("city", 2)
    pair = json.loads(planner("explain", run_folder, "A,B", "--json")[1])
    assert pair["kind"] == "group"
    # Without a station in its only city the plan serves nothing; C and D may stand in for A and B.
    assert town["cost"] == pytest.approx(215.218, abs=0.001)
    assert pair["cost"] == pytest.approx(38.98, abs=0.01)
    alone = json.loads(planner("explain", run_folder, "A", "--json")[1])
    assert pair["cost"] >= alone["cost"] - 1e-6


def test_an_unknown_name_is_answered_with_a_near_one(run_folder: Path, planner: Command) -> None:
    code, _, err = planner("explain", run_folder, "twon")
    assert code == 2
    assert "did you mean town?" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "1"), "belong together"),
        (("--from", "5", "--to", "2", "--step", "1"), "below --from"),
        (("--from", "1", "--to", "1e9", "--step", "1"), "more than 1000 points"),
    ],
)
def test_numbers_of_a_frontier_are_checked_first(
    planner: Command, words: tuple[str, ...], told: str
) -> None:
    code, _, err = planner("frontier", "nowhere", *words)
    assert code == 2
    assert told in err


def test_what_was_not_asked_is_told_in_words() -> None:
    nan = float("nan")
    said = {
        "kind": "site", "subject": "X", "unit": "swaps/day", "why_not": "no station may stand here",
        "cost": nan, "price": nan, "one_more": None, "one_fewer": None,
    }  # fmt: skip
    assert sentences(said) == ["site X: no station may stand here."]
