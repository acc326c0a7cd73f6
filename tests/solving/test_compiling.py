"""What has to be compiled counts for no limit, is told, and is done once for all processes."""

import time
from typing import Any

import numba
import numpy as np
import pytest

from planner.planning.clock import StageClock
from planner.solving.compiling import compiled_s, num_compiled, told_of_compiling, work_s
from planner.solving.tasks import TaskRunner


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
    assert len(heard) >= 2
    _new_kernel()(np.ones(3))
    assert len(heard) < num_compiled() - before


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
