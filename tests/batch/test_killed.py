"""Batches whose processes are killed at random moments lose nothing and do nothing twice."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from planner.batch.catalogue import status_rows
from planner.batch.store import RunStore
from tests.batch.study_folder import StudyFolder, table_bytes

LINES_AT_START = 4
"""Lines that a batch on two processes prints until a run is past its start."""


def _sweep(num: int) -> dict[str, Any]:
    ranges = [150.0 + 5 * step for step in range(num)]
    axis = {"setting": "packs.promised_range_km", "values": ranges}
    return {"method": "grid", "axes": [axis]}


def _kill_one(process: "subprocess.Popen[str]", chance: random.Random, wanted: str) -> str:
    """SIGKILL for the parent, or for one of its workers if there is any; returns who died."""
    workers = psutil.Process(process.pid).children()
    if workers and wanted == "worker":
        victim = chance.choice(workers)
        os.kill(victim.pid, signal.SIGKILL)
        return "worker"
    process.kill()
    return "parent"


def _wait_for_lines(process: "subprocess.Popen[str]", log: Path, num_lines: int) -> None:
    """Wait until a batch has told so much: a moment that does not depend on the machine's pace."""
    begin = log.stat().st_size
    while process.poll() is None:
        if log.read_bytes()[begin:].count(b"\n") >= num_lines:
            return
        time.sleep(0.02)


def _wait_until_gone(pids: list[int]) -> None:
    until = time.monotonic() + 20
    while any(psutil.pid_exists(pid) and not _is_zombie(pid) for pid in pids):
        assert time.monotonic() < until, "a worker outlives its parent"
        time.sleep(0.05)


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _finished(out: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("runs/[!.]*/DONE")}


def _kill_and_compare(study: StudyFolder, num_kills: int, num_runs: int, seed: int) -> None:
    study.write(limits={"attempts": 100}, sweeps={"s": _sweep(num_runs)})
    # First, so that all is compiled, and to know how much a run tells: kills are to come amid them.
    undisturbed = study.out.with_name("undisturbed")
    code, told, errors = study.run("--json", out=undisturbed)
    assert code == 0, errors
    lines_of_a_run = told.count("\n") // num_runs
    chance = random.Random(seed)
    died: list[str] = []
    seen: dict[str, int] = {}
    num_amid = 0
    process = None
    log = study.out.with_name("log.jsonl")
    with log.open("w", encoding="utf-8") as lines:
        while len(died) < num_kills:
            if process is None:
                process = study.start("--json", stdout=lines)
                _wait_for_lines(process, log, LINES_AT_START)
            _wait_for_lines(process, log, chance.randrange(lines_of_a_run * 4))
            time.sleep(chance.uniform(0.0, 0.1))
            if process.poll() is not None:
                # All runs are made: take some away, so that there is work to be killed.
                process.communicate()
                assert process.returncode == 0
                process = None
                for key in sorted(_finished(study.out))[: num_runs // 2]:
                    (study.out / "runs" / key / "DONE").unlink()
                    seen.pop(key, None)
                continue
            pids = [child.pid for child in psutil.Process(process.pid).children()]
            died.append(_kill_one(process, chance, ("worker", "parent")[len(died) % 2]))
            if died[-1] == "parent":
                process.communicate()
                process = None
                _wait_until_gone(pids)
            now = _finished(study.out)
            assert seen.items() <= now.items(), "a finished run was made again, or lost"
            num_amid += 0 < len(now) < num_runs
            seen = now
        if process is not None:
            process.communicate(timeout=600)
            assert process.returncode == 0
    code, _, errors = study.run("--json")
    assert code == 0, errors
    now = _finished(study.out)
    assert seen.items() <= now.items()
    assert len(now) == num_runs
    assert not list(study.out.glob("runs/.*")), "a half-written run is left"
    rows = status_rows(RunStore(study.out))
    assert [row["state"] for row in rows] == ["done"] * num_runs
    assert table_bytes(study.out) == table_bytes(undisturbed)
    assert len(table_bytes(undisturbed)) > 10 * num_runs
    assert {"parent", "worker"} == set(died)
    assert num_amid > num_kills // 4, "most kills came before the first run or after the last"


def test_killed_five_times(study: StudyFolder) -> None:
    _kill_and_compare(study, num_kills=5, num_runs=6, seed=3)


@pytest.mark.slow
def test_killed_fifty_times(study: StudyFolder) -> None:
    _kill_and_compare(study, num_kills=50, num_runs=24, seed=1)


def test_workers_end_with_their_parent(study: StudyFolder) -> None:
    study.write(scenarios={"patient": {}})
    process = study.start("--json", faults=True)
    assert process.stdout is not None
    said = "starting"
    while said == "starting":
        said = json.loads(process.stdout.readline()).get("running", {}).get("patient", said)
    workers = psutil.Process(process.pid).children()
    assert workers
    process.kill()
    process.communicate()
    _wait_until_gone([worker.pid for worker in workers])
