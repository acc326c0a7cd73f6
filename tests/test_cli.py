"""The command line as users and schedulers meet it."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyogrio
import pytest

from planner.cli import cli, main
from planner.models.national.solve import NationalSolution, solve_national

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "instances" / "tutorial"


def _planner(
    *arguments: str | Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
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


def test_run_leaves_a_complete_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    code, out, err = _planner(
        "run", TUTORIAL, "--out", folder, monkeypatch=monkeypatch, capsys=capsys
    )
    assert code == 0, err
    assert "OPTIMAL" in out
    assert "gap 0.000%" in err
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert run["status"] == "OPTIMAL"
    assert run["objective"] == pytest.approx(run["bound"])
    assert {"gap_frac", "wall_s", "peak_rss_mb", "seed", "versions", "inputs"} <= run.keys()
    stages = [stage["name"] for stage in run["stages"]]
    # Packs and stations take turns; each name stands where it first comes.
    assert list(dict.fromkeys(stages)) == [
        "read", "fleet", "network", "packs", "capacity", "siting", "allocation", "service",
        "stock", "reasons", "money", "check", "days", "simulation", "areas", "candidates",
        "gates", "curves", "layers", "report", "workbook", "project",
    ]  # fmt: skip
    assert {"report.html", "workbook.xlsx"} <= {path.name for path in folder.iterdir()}
    layers = {name for name, _ in pyogrio.list_layers(folder / "plan.gpkg")}
    assert {"stations", "cities", "zones", "kpi", "assumptions"} <= layers
    assert len(pyogrio.read_dataframe(folder / "plan.gpkg", layer="stations")) == 2
    for line in (folder / "checksums.txt").read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert (folder / "DONE").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    code, _, err = _planner(
        "export", folder, "--format", "xlsx", "--out", tmp_path / "book",
        monkeypatch=monkeypatch, capsys=capsys,
    )  # fmt: skip
    assert code == 0, err
    book = (tmp_path / "book" / "workbook.xlsx").read_bytes()
    assert book == (folder / "workbook.xlsx").read_bytes()


def test_same_input_same_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = []
    for name in ("a", "b"):
        code, _, err = _planner(
            "run", TUTORIAL, "--out", tmp_path / name, "--deterministic",
            monkeypatch=monkeypatch, capsys=capsys,
        )  # fmt: skip
        assert code == 0, err
        lines = (tmp_path / name / "checksums.txt").read_text(encoding="utf-8").splitlines()
        own = ("run.json", "progress.jsonl", "solver.log", "report.html")  # carry times
        digests.append([line for line in lines if not line.endswith(own)])
    assert digests[0] == digests[1]
    assert len(digests[0]) > 8


def test_a_finished_run_is_replaced_but_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for expected in (0, 0):
        code, _, _ = _planner(
            "run", TUTORIAL, "--out", tmp_path / "run", monkeypatch=monkeypatch, capsys=capsys
        )
        assert code == expected
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work", encoding="utf-8")
    code, _, err = _planner(
        "run", TUTORIAL, "--out", tmp_path / "thesis", monkeypatch=monkeypatch, capsys=capsys
    )
    assert code == 2
    assert "not a finished run" in err
    assert (tmp_path / "thesis" / "chapter.txt").is_file()


def test_json_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = _planner(
        "run", TUTORIAL, "--out", tmp_path / "run", "--json", "--scenario", "three_stations",
        monkeypatch=monkeypatch, capsys=capsys,
    )  # fmt: skip
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert lines[-1]["stage"] == "done"
    assert lines[-1]["folder"] == str(tmp_path / "run")
    assert any(line["gap_frac"] == 0 for line in lines)


@pytest.mark.parametrize(
    ("change", "code", "expected"),
    [
        (("near_km = 1.5", "naer_km = 1.5"), 2, "did you mean near_km"),
        (("num_stations = 2", "num_stations = 0"), 3, "allow 1 station instead of 0"),
    ],
)
def test_exit_codes(
    tutorial_copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    code: int,
    expected: str,
) -> None:
    path = tutorial_copy / "scenario.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    sites = tutorial_copy / "sites.csv"
    sites.write_text(sites.read_text().replace("road_node,candidate", "road_node,existing", 1))
    found, out, err = _planner(
        "run", tutorial_copy, "--out", tutorial_copy / "out",
        monkeypatch=monkeypatch, capsys=capsys,
    )  # fmt: skip
    assert found == code
    assert expected in err
    assert "Traceback" not in out + err


def test_gap_not_reached_is_told_by_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped_early(*arguments: Any, **options: Any) -> NationalSolution:
        solution = solve_national(*arguments, **options)
        return replace(solution, proof=replace(solution.proof, bound=1.1 * solution.proof.bound))

    question = "planner.planning.siting.questions.max_coverage"
    monkeypatch.setattr(f"{question}.solve_national", stopped_early)
    code, out, _ = _planner(
        "run", TUTORIAL, "--out", tmp_path / "run", "--gap", "0.05",
        monkeypatch=monkeypatch, capsys=capsys,
    )  # fmt: skip
    assert code == 4
    assert "FEASIBLE, proven gap 9.091%" in out
    assert (tmp_path / "run" / "DONE").is_file()


def test_validate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _planner("validate", TUTORIAL, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0
    assert "valid" in out
    assert "zones" in out
    code, out, err = _planner("validate", "nowhere", monkeypatch=monkeypatch, capsys=capsys)
    assert code == 2
    assert "no such folder" in err


def test_every_command_has_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in cli.commands:
        code, out, _ = _planner(command, "--help", monkeypatch=monkeypatch, capsys=capsys)
        assert code == 0
        assert len(out.splitlines()) > 3


def test_a_defect_is_told_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("something unforeseen")

    monkeypatch.setattr("planner.planning.pipeline.plan", fail)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code, out, err = _planner(
        "run", TUTORIAL, "--out", tmp_path / "run", monkeypatch=monkeypatch, capsys=capsys
    )
    assert code == 70
    assert "RuntimeError: something unforeseen" in err
    assert "Traceback" not in out + err
    (report,) = tmp_path.glob("planner-error-*.txt")
    assert "Traceback" in report.read_text(encoding="utf-8")


def test_killed_run_leaves_no_result(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    for delay_s in (0.3, 1.0):
        process = subprocess.Popen(
            [sys.executable, "-c", "from planner.cli import main; main()",
             "run", str(TUTORIAL), "--out", str(folder)],
            cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(delay_s)
        process.kill()
        process.wait()
        assert not folder.exists() or (folder / "DONE").is_file()
        shutil.rmtree(folder, ignore_errors=True)
