"""Finished runs are found wherever `planner run` and `planner batch` leave them."""

import json
import os
from pathlib import Path

import pytest

from planner.errors import InputError
from planner.outputs.run_list import find_runs
from planner.outputs.screen.run_list import show_runs


def _leave_run(folder: Path, content: object, *, day: int, done: bool = True) -> None:
    folder.mkdir(parents=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "run.json").write_text(text, encoding="utf-8")
    if done:
        (folder / "DONE").touch()
        os.utime(folder / "DONE", (86_400 * day, 86_400 * day))


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    town = {
        "name": "town", "scenario": "p_median", "question": "p_median", "status": "FEASIBLE",
        "objective": 278.0, "bound": None, "gap_frac": None, "objective_unit": "swap-min/day",
        "kpi": {"capex_cny": 1e7, "swaps_served_frac": 0.79},
    }  # fmt: skip
    _leave_run(tmp_path / "town-1", town, day=1)
    _leave_run(tmp_path / "study/runs/late-2", {"name": "late", "status": "OPTIMAL"}, day=3)
    _leave_run(tmp_path / "broken", "{", day=2)
    _leave_run(tmp_path / "unfinished", town, day=4, done=False)
    _leave_run(tmp_path / ".town-1-partial", town, day=5)
    return tmp_path


def test_finished_runs_newest_first(outputs: Path) -> None:
    runs = find_runs(outputs)
    assert [run.folder.name for run in runs] == ["late-2", "broken", "town-1"]
    assert [run.status for run in runs] == ["OPTIMAL", "UNREADABLE", "FEASIBLE"]
    assert runs[2].finished == "1970-01-02T00:00:00+00:00"
    assert (runs[2].scenario, runs[2].capex_cny, runs[2].bound) == ("p_median", 1e7, None)
    assert [run.folder for run in find_runs(outputs / "town-1")] == [outputs / "town-1"]


def test_runs_are_printed_for_people_and_programs(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    show_runs(find_runs(outputs), outputs, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[1].split()[0] == "study/runs/late-2"
    assert "79.0 %" in lines[3]
    assert "10.0 M" in lines[3]
    show_runs(find_runs(outputs), outputs, as_json=True)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told[2]["folder"] == str(outputs / "town-1")
    assert told[2]["swaps_served_frac"] == 0.79
    show_runs([], outputs, as_json=False)
    assert "no finished run" in capsys.readouterr().out


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_runs(tmp_path / "nowhere")
