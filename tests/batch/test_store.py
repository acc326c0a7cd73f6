"""Names of runs, what counts as finished, who may work on a run."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.batch import store as store_module
from planner.batch.resolve import resolve
from planner.batch.run import make_tasks
from planner.batch.store import Record, RunStore, State, run_key
from planner.batch.study import read_study
from planner.instance import Scenario, read_instance
from planner.instance.settings.scale import Scale
from tests.batch.study_folder import ROOT, TUTORIAL, StudyFolder


@pytest.fixture
def scenario() -> Scenario:
    return read_instance(TUTORIAL).scenario


def test_key_changes_with_all_that_decides(
    study: StudyFolder, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = study.instance
    key = run_key(scenario, [], folder)
    assert key == run_key(scenario, [], TUTORIAL)  # the place does not decide
    scale = Scale(table="supply", column="gwh", factor=0.5)
    seed = scenario.model_copy(update={"solver": scenario.solver.model_copy(update={"seed": 1})})
    keys = {key, run_key(scenario, [scale], folder), run_key(seed, [], folder)}
    supply = folder / "supply.csv"
    supply.write_text(supply.read_text(encoding="utf-8").replace("0.04", "0.05"), encoding="utf-8")
    keys.add(run_key(scenario, [], folder))
    monkeypatch.setattr(store_module, "code_digest", lambda: "other code")
    keys.add(run_key(scenario, [], folder))
    monkeypatch.setattr(store_module, "installed_versions", lambda: {"ortools": "0"})
    keys.add(run_key(scenario, [], folder))
    assert len(keys) == 6


def test_file_beside_the_tables_does_not_decide(study: StudyFolder, scenario: Scenario) -> None:
    key = run_key(scenario, [], study.instance)
    (study.instance / "SOURCES.md").write_text("where from", encoding="utf-8")
    shutil.copy(study.instance / "supply.csv", study.instance / "supply_less.csv")
    assert run_key(scenario, [], study.instance) == key


def _finished_run(store: RunStore, key: str) -> Path:
    folder = store.run_folder(key)
    (folder / "tables").mkdir(parents=True)
    (folder / "tables" / "kpi.csv").write_text("kpi,value\n", encoding="utf-8")
    digest = hashlib.sha256((folder / "tables" / "kpi.csv").read_bytes()).hexdigest()
    (folder / "checksums.txt").write_text(f"{digest}  tables/kpi.csv\n", encoding="utf-8")
    (folder / "DONE").touch()
    return folder


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "DONE").unlink(),
        lambda folder: (folder / "tables" / "kpi.csv").unlink(),
        lambda folder: (folder / "tables" / "kpi.csv").write_text("kpi,valuf\n", encoding="utf-8"),
        lambda folder: (folder / "checksums.txt").unlink(),
        lambda folder: (folder / "checksums.txt").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "checksums.txt").write_text("", encoding="utf-8"),
    ],
)
def test_damaged_runs_are_not_whole(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    store = RunStore(tmp_path)
    folder = _finished_run(store, "a-1")
    assert store.is_whole("a-1")
    damage(folder)
    assert not store.is_whole("a-1")


def test_a_lock_is_held_by_one_process_and_freed_by_its_death(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    hold = (
        "import sys, time; from pathlib import Path; from planner.batch.store import RunStore\n"
        f"with RunStore(Path({str(tmp_path)!r})).lock('a-1') as mine:\n"
        "    print(mine, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with store.lock("a-1") as is_mine:
            assert not is_mine
        assert store.is_locked("a-1")
        assert not store.is_locked("b-2")
        other.kill()
    with store.lock("a-1") as is_mine:
        assert is_mine


def test_clear_removes_all_that_attempts_left(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    kept = _finished_run(store, "b-2")
    folder = _finished_run(store, "a-1")
    (folder.parent / ".a-1-x7f3").mkdir()
    store.clear("a-1")
    assert list(folder.parent.iterdir()) == [kept]


def test_a_broken_record_is_none(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    record = Record("a", "a-1", State.FAILED, "CRASHED", "signal", 2, 1.5, 300.0)
    store.write_record(record)
    assert store.read_record("a-1") == record
    (tmp_path / "records" / "a-1.json").write_text('{"scenario": "a"', encoding="utf-8")
    assert store.read_record("a-1") is None


def test_tasks_cross_as_json(study: StudyFolder) -> None:
    scale = {"table": "supply", "column": "gwh", "factor": 0.5}
    file = study.write(scenarios={"a": {"scale": [scale]}})
    (task,) = make_tasks(resolve(read_study(file), file), RunStore(study.out))
    assert type(task).from_json(task.to_json()) == task
