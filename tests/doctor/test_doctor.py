"""What is wrong with a machine is told with its remedy, and decides the exit code."""

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from planner.doctor import checks, kernels
from planner.doctor.compile import compile_kernels
from planner.doctor.finding import Finding
from planner.doctor.show import show_findings
from planner.errors import InputError, PlannerError
from planner.solving import self_test

ROOT = Path(__file__).parents[2]


def _by_name() -> dict[str, Finding]:
    return {finding.name: finding for finding in checks.examine()}


def _doctor(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from planner.cli import main; sys.argv = ['planner', *sys.argv[1:]]; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "doctor", *arguments],
        cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_every_solver_gdal_and_proj_work_here_within_five_seconds() -> None:
    before = os.times()
    done = _doctor("--json")
    after = os.times()  # its work, however busy the machine is
    work_s = after.children_user - before.children_user
    assert work_s + after.children_system - before.children_system < 5.0
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["works"]
    state = {each["name"]: each["state"] for each in told["findings"]}
    names = ("GLOP", "PDLP", "HIGHS", "SCIP", "CP_SAT")
    for name in (*(f"solver {each}" for each in names), "GDAL", "PROJ", "DuckDB", "file locks"):
        assert state[name] == "ok", name
    assert all(each["remedy"] for each in told["findings"] if each["state"] != "ok")


def test_solver_that_errs_is_a_fault_and_the_rest_is_still_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(self_test, "BEST_WHOLE", 13.0)
    with pytest.raises(PlannerError, match="found 12 where 13 is best"):
        self_test.solve_three_rows("HIGHS")
    found = _by_name()
    assert found["solver SCIP"].state == "fault"
    assert found["solver GLOP"].state == "ok"
    assert "ortools" in found["solver SCIP"].remedy
    assert not show_findings(found.values(), as_json=False)
    assert "will not work" in capsys.readouterr().out


def test_missing_old_and_broken_packages_are_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    known = metadata.version

    def version(name: str) -> str:
        if name == "h3":
            raise metadata.PackageNotFoundError(name)
        return "1.0" if name == "pandas" else known(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setitem(sys.modules, "pyproj", None)
    found = _by_name()
    assert found["packages"].state == "fault"
    assert "h3 is not installed" in found["packages"].found
    assert "pandas 1.0 is not >=2.3" in found["packages"].found
    assert found["proj"].state == "fault"
    assert found["GDAL"].state == "ok"


def test_machine_code_that_nobody_can_keep_is_told_with_the_variable_that_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused() -> None:
        raise RuntimeError("cannot cache function 'scratch_for': no locator available")

    monkeypatch.setattr(kernels, "find_kernels", refused)
    finding = _by_name()["compiled kernels"]
    assert finding.state == "fault"
    assert "NUMBA_CACHE_DIR" in finding.remedy
    cold = kernels.Kernels(84, 0, (tmp_path,))
    monkeypatch.setattr(kernels, "find_kernels", lambda: cold)
    assert _by_name()["compiled kernels"].state == "note"
    monkeypatch.setattr(kernels, "find_kernels", lambda: cold._replace(num_compiled=5))
    assert _by_name()["compiled kernels"].state == "ok"


def test_kernels_on_the_disk_are_counted(tmp_path: Path) -> None:
    code = (
        "from planner.doctor.kernels import find_kernels\n"
        "from planner.models.coverage.search import scratch_for\n"
        "before = find_kernels()\n"
        "scratch_for(3)\n"
        "after = find_kernels()\n"
        "print(before.num_all, before.num_compiled, after.num_compiled)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
    )  # fmt: skip
    num_all, before, after = map(int, done.stdout.split())
    assert num_all > 50
    assert (before, after) == (0, 1)


def test_scenarios_that_fail_to_compile_for_are_faults(tmp_path: Path) -> None:
    instance = tmp_path / "broken"
    shutil.copytree(ROOT / "instances" / "tutorial", instance)
    with (instance / "vehicles.csv").open("a") as stream:
        stream.write("a,row,too,short\n")
    text = (instance / "scenario.toml").read_text(encoding="utf-8")
    (instance / "scenario.toml").write_text(text.partition("\n# `planner run")[0], encoding="utf-8")
    found = list(compile_kernels(instance, lambda _: None))
    assert [finding.name for finding in found] == ["scenario base", "compiled"]
    assert found[0].state == "fault"
    assert "vehicles.csv" in found[0].found


def test_nothing_is_compiled_for_what_is_no_instance(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give an instance"):
        list(compile_kernels(tmp_path, lambda _: None))


@pytest.mark.slow
def test_nothing_is_left_to_compile_for_a_scenario_compiled_for(tmp_path: Path) -> None:
    instance, kept = tmp_path / "town", {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    shutil.copytree(ROOT / "instances" / "tutorial", instance)
    text = (instance / "scenario.toml").read_text(encoding="utf-8")
    (instance / "scenario.toml").write_text(text.partition("\n# `planner run")[0], encoding="utf-8")
    done = _doctor("--compile", str(instance), **kept)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "base: function 1, at most" in done.stderr
    assert "all that" in done.stdout
    code = "import sys; from planner.cli import main; sys.argv = ['planner', *sys.argv[1:]]; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, "run", str(instance), "--out", str(tmp_path / "run")],
        cwd=ROOT, env=os.environ | kept, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert " compile " not in run.stderr
