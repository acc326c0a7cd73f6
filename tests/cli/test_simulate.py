"""`planner simulate` on a finished run of the tutorial."""

import json
import re
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from planner.cli import main
from planner.instance import Instance
from planner.outputs.run_folder import Outputs, write_run
from planner.physics.climate import city_climate
from planner.planning.joined_network import join_network, next_stations
from planner.planning.result import Planned
from planner.plans.derived import derive
from planner.plans.fleet_rows import fleet_rates, winter_rates
from planner.plans.service_rows import service_tables

Command = Callable[..., tuple[int, str, str]]
FEW = ("--replications", 3)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, planned_tutorial: Planned) -> Path:
    """A run of the tutorial with all that a simulation needs."""
    return _write(planned_tutorial, planned_tutorial.instance, tmp_path_factory.mktemp("simulate"))


def _write(planned_tutorial: Planned, instance: Instance, parent: Path) -> Path:
    evaluation = planned_tutorial.evaluation
    derived = derive(instance, city_climate(instance))
    rates = fleet_rates(instance, derived.climate)
    onward = next_stations(instance, join_network(instance), evaluation.stations)
    tables = service_tables(
        instance, rates, winter_rates(instance, rates, derived.climate), evaluation.packs,
        evaluation.zones, evaluation.stations, onward,
    )  # fmt: skip
    packs = planned_tutorial.plan.station_packs
    planned = replace(
        planned_tutorial, tables={**planned_tutorial.tables, **tables, "station_packs": packs}
    )
    return write_run(planned, parent / "town", Outputs.TABLES)


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
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_is_simulated_beside_it(planner: Command, run_folder: Path) -> None:
    before = _content(run_folder)
    code, out, err = planner("simulate", run_folder, "--workers", 2)
    assert code == 0, err
    assert re.search(r"\d+ of at most 200 days: \d+\.\d+% \(\+-", err)
    for part in ("winter peak day", "Drivers served within 5 min", "closed form", "2 stations: ",
                 "target: 95.0 %", "Busiest stations"):  # fmt: skip
        assert part in out
    folder = run_folder.with_name("town-simulation-winter_peak")
    result = json.loads((folder / "simulation.json").read_text(encoding="utf-8"))
    assert result["day"] == "winter_peak"
    assert sum(result["verdicts"].values()) == 2
    packs = pd.read_parquet(run_folder / "tables/station_packs.parquet")
    planned = packs.loc[packs["quarter"] == result["quarter"], "packs"].sum()
    assert result["kpi"]["station_packs"] == planned
    assert 0.5 < result["kpi"]["within_5min_frac"] <= 1
    wait = pd.read_parquet(folder / "station_wait.parquet")
    stations = pd.read_parquet(run_folder / "tables/station_service.parquet")
    assert wait["station_id"].tolist() == stations["station_id"].tolist()
    assert len(pd.read_csv(folder / "station_wait.csv")) == 2
    assert {path.stem for path in folder.glob("*.csv")} == {
        "station_wait", "simulation_figure", "wait_histogram", "no_pack_hour", "no_pack_type",
    }  # fmt: skip
    assert _content(run_folder) == before


def test_as_json_all_stands_in_one_line(planner: Command, run_folder: Path, tmp_path: Path) -> None:
    outs = []
    for name, workers in (("one", 1), ("two", 2)):
        code, out, err = planner(
            "simulate", run_folder, *FEW, "--json", "--out", tmp_path / name, "--seed", 5,
            "--workers", workers, "--day", "mean",
        )  # fmt: skip
        assert code == 0, err
        assert out.count("\n") == 1
        outs.append(json.loads(out))
        assert outs[-1].pop("written_to") == str(tmp_path / name)
    assert outs[0] == outs[1]
    result = outs[0]
    assert (result["seed"], result["day"]) == (5, "mean")
    assert result["kpi"]["replications"] == 3
    figures = {row["figure"]: row for row in result["figures"]}
    share = figures["within_5min_frac"]
    assert share["low"] <= share["value"] <= share["high"]
    assert share["value"] == result["kpi"]["within_5min_frac"]
    assert figures["no_pack_frac"]["expected"] == result["kpi"]["expected_no_pack_frac"]
    assert sum(row["drivers_frac"] for row in result["waits"]) == pytest.approx(1)
    assert _content(tmp_path / "one") == _content(tmp_path / "two")


def test_any_pack_of_the_envelope_is_no_worse_and_has_no_closed_form(
    planner: Command, run_folder: Path, tmp_path: Path
) -> None:
    found = {}
    for exchange in ("pack", "envelope"):
        code, out, err = planner(
            "simulate", run_folder, "--replications", 20, "--json", "--out", tmp_path / exchange,
            "--exchange", exchange,
        )  # fmt: skip
        assert code == 0, err
        found[exchange] = json.loads(out)["kpi"]
    assert found["envelope"]["no_pack_frac"] < found["pack"]["no_pack_frac"]
    assert found["envelope"]["expected_no_pack_frac"] is None
    assert found["pack"]["expected_no_pack_frac"] == pytest.approx(
        found["pack"]["no_pack_frac"], abs=0.02
    )


def test_drivers_who_spread_from_day_to_day_do_so_on_usual_days(
    planner: Command, run_folder: Path, planned_tutorial: Planned, tmp_path: Path
) -> None:
    """The busiest day is an extreme already; days that differ have no closed form."""
    instance = planned_tutorial.instance
    vehicles = instance.vehicles.assign(day_spread_frac=0.5)
    spreading = _write(planned_tutorial, replace(instance, vehicles=vehicles), tmp_path)
    found = {}
    for day in ("mean", "winter_peak"):
        for name, run in (("alike", run_folder), ("spread", spreading)):
            code, out, _ = planner("simulate", run, "--day", day, "--replications", 40,
                                   "--out", tmp_path / f"{name}-{day}", "--json")  # fmt: skip
            assert code == 0
            content = json.loads(out)
            found[name, day] = {each["figure"]: each for each in content["figures"]}
    assert found["spread", "winter_peak"] == found["alike", "winter_peak"]
    alike, spread = (found[name, "mean"]["no_pack_frac"] for name in ("alike", "spread"))
    assert spread["value"] > alike["value"]
    assert spread["high"] - spread["low"] > alike["high"] - alike["low"]
    assert alike["expected"] is not None
    assert spread["expected"] is None


def test_a_station_without_a_pack_that_drivers_come_for_is_named(
    planner: Command, run_folder: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(run_folder, tmp_path / "run"))
    path = copy / "tables/station_packs.parquet"
    packs = pd.read_parquet(path)
    packs[packs["pack_id"] != "na_25"].to_parquet(path)
    code, out, err = planner("simulate", copy, "--replications", 10)
    assert code == 0, err
    assert "drivers come for packs that the station has none of: A (na_25), B (na_25)" in out
    assert "Refuted stations, the worst first" in out
    assert "packs of na_25" in out


def _fails(planner: Command, *arguments: object) -> str:
    code, _, err = planner("simulate", *arguments)
    assert code == 2
    assert "Traceback" not in err
    return err


def test_what_cannot_be_simulated_is_told(
    planner: Command, run_folder: Path, tmp_path: Path
) -> None:
    assert "not a finished run" in _fails(planner, tmp_path)
    assert "--replications" in _fails(planner, run_folder, "--replications", 0)
    older = Path(shutil.copytree(run_folder, tmp_path / "older"))
    package = json.loads((older / "datapackage.json").read_text(encoding="utf-8"))
    package["resources"] = [
        each for each in package["resources"] if each["name"] not in ("mix_hour", "pack_type")
    ]
    (older / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    err = _fails(planner, older)
    for name in ("mix_hour", "pack_type"):
        assert f"{name}: the run lacks this table; plan again" in err
    (run_folder.parent / "notes").mkdir()
    (run_folder.parent / "notes/mine.txt").write_text("mine", encoding="utf-8")
    assert "not a simulation" in _fails(planner, run_folder, "--out", run_folder.parent / "notes")
    assert "in the run folder" in _fails(planner, run_folder, "--out", run_folder / "simulated")


def test_a_run_that_left_the_simulation_out_needs_replications(
    planner: Command, run_folder: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(run_folder, tmp_path / "run"))
    path = copy / "scenario.resolved.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("replications = 200", "replications = 0"), encoding="utf-8")
    assert "give --replications" in _fails(planner, copy)
    assert planner("simulate", copy, *FEW)[0] == 0
    path.write_text(text.replace("replications = 200", "replications = -1"), encoding="utf-8")
    assert "simulation.replications" in _fails(planner, copy)
