"""Workers of a run whose process is killed must not stay behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from planner.solving.linear_model import LinearModel
from planner.solving.mip import solve_mip
from planner.solving.tasks import TaskRunner, deaf_to_interrupts

PARENT = """
import os, sys, time
from planner.solving.tasks import TaskRunner
from tests.solving.test_tasks import sleep_long

if __name__ == "__main__":
    with TaskRunner(sleep_long, workers=2) as runner:
        for _ in runner.run([60.0, 60.0], lambda: True):
            pass
"""


def sleep_long(seconds: float, stop: object) -> int:
    """Tell who works on it, then work for long."""
    print(os.getpid(), flush=True)
    time.sleep(seconds)
    return 0


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process_id}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


def test_workers_end_with_a_killed_parent(tmp_path: object) -> None:
    script = tmp_path / "parent.py"  # type: ignore[operator]
    script.write_text(PARENT, encoding="utf-8")
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert parent.stdout is not None
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    assert all(map(_is_alive, workers))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 20
    while any(map(_is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    parent.stdout.close()
    assert not any(map(_is_alive, workers))


def own_id(_task: int, _stop: object) -> int:
    """Who answers."""
    return os.getpid()


def test_processes_started_ahead_do_the_work() -> None:
    before = {process.pid for process in multiprocessing.active_children()}
    with TaskRunner(own_id, workers=2) as runner:
        runner.warm()
        begun = {process.pid for process in multiprocessing.active_children()} - before
        answers = {answer for _, answer in runner.run([1, 2, 3, 4], lambda: True)}
    assert len(begun) == 2
    assert answers <= begun


class SlowToEnd:
    """Holds the interpreter's end up."""

    def __del__(self) -> None:
        time.sleep(1.0)


kept: list[SlowToEnd] = []


def leave_a_solver_behind(_task: int, _stop: object) -> str:
    """Ask for half a second of a market split, and call an end at once."""
    kept.append(SlowToEnd())
    weights = np.random.default_rng(0).integers(0, 100, (5, 50)).astype(np.float64)
    half = np.floor(weights.sum(axis=1) / 2.0)
    model = LinearModel(
        name="split", matrix=scipy.sparse.csr_matrix(weights), row_lower=half, row_upper=half,
        lower=np.zeros(50), upper=np.ones(50), objective=np.ones(50), maximize=True,
        integer=np.ones(50, dtype=np.bool_),
    )  # fmt: skip
    stop = threading.Event()
    stop.set()
    return solve_mip(model.to_ortools(), time_limit_s=0.5, stop=stop).message


def test_a_solver_left_behind_does_not_abort_its_process(capfd: pytest.CaptureFixture[str]) -> None:
    with TaskRunner(leave_a_solver_behind, workers=2) as runner:
        ((_, message),) = runner.run([1], lambda: True)
    assert message == "stopped, solver left behind"
    assert capfd.readouterr().err == ""


def test_processes_do_not_hear_interrupts_from_their_first_moment_on() -> None:
    asked = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    before = signal.getsignal(signal.SIGINT)
    with deaf_to_interrupts():
        told = subprocess.run(
            [sys.executable, "-c", asked], capture_output=True, text=True, check=True
        )
    assert told.stdout.strip() == "True"
    assert signal.getsignal(signal.SIGINT) is before
