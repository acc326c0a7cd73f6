"""Layers made by another process while a plan is being made are those that one process writes."""

import multiprocessing
import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from planner.outputs.layers.ahead import LayersAhead
from planner.outputs.run_folder import Outputs, write_run
from planner.planning.clock import StageClock
from planner.planning.result import Checked

TIMED = {"run.json", "progress.jsonl", "solver.log", "report.html"}
"""Files that tell seconds; all others are the same, byte by byte."""


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in TIMED | {"checksums.txt"}
    }


def _begin(ahead: LayersAhead, planned) -> None:
    ahead.hear("instance", planned.instance)
    ahead.hear("zones", Checked(planned.plan, planned.evaluation))


def _worker_of(ahead: LayersAhead) -> int:
    return ahead.beside(os.getpid)()


@pytest.fixture(scope="module")
def planned(planned_tutorial):
    return replace(planned_tutorial, clock=StageClock())


@pytest.fixture(scope="module")
def alone(planned, tmp_path_factory) -> dict[str, bytes]:
    return _files(write_run(planned, tmp_path_factory.mktemp("alone") / "run"))


def test_files_are_those_of_one_process(planned, alone, tmp_path):
    with LayersAhead(tmp_path / "run", planned.clock, many_zones=1) as ahead:
        _begin(ahead, planned)
        assert _worker_of(ahead) != os.getpid()
        folder = write_run(planned, tmp_path / "run", ahead=ahead)
    assert ahead.is_writing
    assert _files(folder) == alone
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert not multiprocessing.active_children()


def test_tables_alone_need_no_geopackage(planned, alone, tmp_path):
    with LayersAhead(tmp_path / "run", planned.clock, with_geopackage=False, many_zones=1) as ahead:
        _begin(ahead, planned)
        folder = write_run(planned, tmp_path / "run", Outputs.TABLES, ahead)
    assert not (folder / "plan.gpkg").exists()
    for name in ("layers/zones.parquet", "layers/stations.parquet"):
        assert (folder / name).read_bytes() == alone[name]


def test_few_zones_need_no_process(planned, alone, tmp_path):
    with LayersAhead(tmp_path / "run", planned.clock) as ahead:
        _begin(ahead, planned)
        assert _worker_of(ahead) == os.getpid()
        folder = write_run(planned, tmp_path / "run", Outputs.LAYERS, ahead)
    assert not ahead.is_writing
    assert (folder / "plan.gpkg").read_bytes() == alone["plan.gpkg"]


@pytest.mark.parametrize(
    "when", ["before the plan", "after the plan", "while the GeoPackage is written"]
)
def test_a_process_that_dies_costs_nothing_but_time(planned, alone, tmp_path, when, monkeypatch):
    with LayersAhead(tmp_path / "run", planned.clock, many_zones=1) as ahead:
        ahead.hear("instance", planned.instance)
        worker = _worker_of(ahead)

        def kill() -> None:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

        if when == "before the plan":
            kill()
            time.sleep(1.0)  # until that is noticed
        ahead.hear("zones", Checked(planned.plan, planned.evaluation))
        if when == "after the plan":
            kill()
        elif when == "while the GeoPackage is written":
            monkeypatch.setattr(
                "planner.outputs.layers.write.write_data_dictionary",
                _then(kill, "planner.outputs.layers.tables.write_data_dictionary"),
            )
        folder = write_run(planned, tmp_path / "run", Outputs.LAYERS, ahead)
    assert _files(folder) == {name: alone[name] for name in alone if name != "workbook.xlsx"}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def _then(act, name: str):
    module, _, function = name.rpartition(".")
    original = getattr(__import__(module, fromlist=[function]), function)

    def both(*given: object) -> None:
        act()
        original(*given)

    return both


def test_an_interrupted_run_leaves_nothing(planned, tmp_path):
    def interrupted() -> None:
        with LayersAhead(tmp_path / "run", planned.clock, many_zones=1) as ahead:
            _begin(ahead, planned)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())
    assert not multiprocessing.active_children()
