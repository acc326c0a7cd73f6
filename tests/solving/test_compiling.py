"""What has to be compiled counts for no limit, is told, and is done once for all processes."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import numba
import numpy as np
import pytest

from planner.outputs.screen import failures
from planner.planning.clock import StageClock
from planner.solving import compile_listeners, compiling
from planner.solving.compiling import compiled_s, num_compiled, told_of_compiling, work_s
from planner.solving.tasks import TaskRunner

ROOT = Path(__file__).parents[2]


def _new_kernel() -> Any:
    """A kernel that is compiled at its first call, another one inside."""

    @numba.njit
    def total(values: Any) -> float:
        found = 0.0
        for value in values:
            found += value
        return found

    @numba.njit
    def twice(values: Any) -> float:
        return total(values) + total(values)

    return twice


def test_clock_of_limits_stands_still_while_compiling() -> None:
    kernel, started, began, before_s = _new_kernel(), time.monotonic(), work_s(), compiled_s()
    assert kernel(np.ones(3)) == 6.0
    compiling_s = compiled_s() - before_s
    assert compiling_s > 0.02
    assert work_s() - began == pytest.approx(time.monotonic() - started - compiling_s, abs=5e-3)
    kernel(np.ones(3))
    assert compiled_s() == before_s + compiling_s


def test_clock_goes_on_after_a_kernel_that_cannot_be_compiled() -> None:
    @numba.njit
    def faulty() -> int:
        return "one" + 1  # type: ignore[operator,no-any-return]

    with pytest.raises(numba.TypingError):
        faulty()
    began, before_s = work_s(), compiled_s()
    time.sleep(0.01)
    assert work_s() - began >= 0.01
    assert compiled_s() == before_s


def test_listeners_hear_of_every_kernel_within_their_block() -> None:
    heard: list[int] = []
    before = num_compiled()
    with told_of_compiling(lambda number, _: heard.append(number)):
        _new_kernel()(np.ones(3))
    assert heard == list(range(before + 1, num_compiled() + 1))
    assert len(heard) == 2  # what numba makes of a kernel is no kernel
    _new_kernel()(np.ones(3))
    assert len(heard) < num_compiled() - before


def test_only_the_innermost_listener_hears() -> None:
    outer: list[int] = []
    inner: list[int] = []
    with told_of_compiling(lambda number, _: outer.append(number)):
        with told_of_compiling(lambda number, _: inner.append(number)):
            _new_kernel()(np.ones(3))
        assert (len(outer), len(inner)) == (0, 2)
        _new_kernel()(np.ones(3))
    assert (len(outer), len(inner)) == (2, 2)


def test_kernels_left_are_those_neither_in_memory_nor_on_the_disk(tmp_path: Path) -> None:
    code = (
        "from planner.models.coverage.search import scratch_for\n"
        "from planner.solving.kernels import num_left\n"
        "before = num_left()\n"
        "scratch_for(3)\n"
        "print(before, before - num_left())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
    )  # fmt: skip
    left, compiled = map(int, done.stdout.split())
    assert left > 5
    assert compiled == 1


def test_a_command_without_progress_says_that_it_compiles(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compile_listeners, "listeners", [])
    monkeypatch.setattr(compiling, "listeners", compile_listeners.listeners)
    monkeypatch.setattr(failures, "listeners", compile_listeners.listeners)

    @click.command()
    def command() -> None:
        _new_kernel()(np.ones(3))

    monkeypatch.setattr(sys, "argv", ["planner"])
    failures.run_command(command)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("compiling function")
    assert said.err.count("\n") == 1  # the second follows at once


def test_a_run_says_that_it_compiles_and_for_how_long() -> None:
    clock = StageClock()
    with clock.stage("siting", "round 1"):
        _new_kernel()(np.ones(3))
    assert [each.stage for each in clock.history] == ["siting", "compile", "compile"]
    assert "once after an installation" in clock.history[1].message
    with clock.stage("siting", "round 2"):
        pass
    assert [each.stage for each in clock.history[3:]] == ["siting"]


def _busy(_: int, __: object) -> float:
    """When a task began, after half a second of work."""
    began = time.time()
    time.sleep(0.5)
    return began


def test_first_task_runs_alone_where_something_was_compiled() -> None:
    with TaskRunner[int, float](_busy, workers=2) as runner:
        _new_kernel()(np.ones(3))
        before = work_s()
        found = dict(runner.run([0, 1, 2], lambda: True))
        assert sorted(found) == [0, 1, 2]
        assert min(found[1], found[2]) >= found[0] + 0.5
        # The workers' start and the first task count for no limit.
        assert work_s() - before < time.time() - found[0]
        found = dict(runner.run([0, 1], lambda: True))
        assert abs(found[0] - found[1]) < 0.4
