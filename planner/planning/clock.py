"""The clock of a run: which stage runs, how long each took, and who hears of it."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from planner.errors import PlannerError
from planner.solving.compiling import compiled_s, num_compiled, told_of_compiling
from planner.solving.kernels import num_left
from planner.solving.progress import Progress
from planner.usage import measured

COMPILE_REPORT_S = 2.0
"""Between two words on compiling."""


@dataclass(frozen=True)
class Stage:
    """A finished stage.

    Attributes
    ----------
    name : str
    wall_s : float
        Seconds of wall clock.
    cpu_s, peak_rss_mb : float
        CPU seconds and largest resident memory [MB] within it, of this process and of all that it
        started (`planner.usage.Usage`).
    """

    name: str
    wall_s: float
    cpu_s: float
    peak_rss_mb: float


@dataclass(frozen=True)
class LeftOut:
    """Something that the run goes without, and why; the plan stands."""

    name: str
    reason: str


@dataclass
class StageClock:
    """Times the stages of one run and passes on what they report.

    Attributes
    ----------
    on_progress : callable, optional
        Hears of the start and end of every stage, and of all progress within.
    stages : list of Stage
        Finished stages, in order.
    history : list of Progress
        Everything reported.
    left_out : list of LeftOut
        What the run goes without.
    started : float
        When the run began, by `time.perf_counter`.
    began_s : float
        The same by the calendar: seconds since 1970, UTC.
    """

    on_progress: Callable[[Progress], None] | None = None
    stages: list[Stage] = field(default_factory=list)
    history: list[Progress] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)
    began_s: float = field(default_factory=time.time)
    _told_of_compiling: float = field(default=-math.inf, init=False, repr=False)

    @contextmanager
    def stage(self, name: str, message: str) -> Iterator[Callable[[str], None]]:
        """Time a block.

        Parameters
        ----------
        name, message : str
            The stage, and what it is about to do.

        Yields
        ------
        callable
            Reports a line of text from inside the block.
        """
        started, compiled_before = time.perf_counter(), (num_compiled(), compiled_s())
        self.say(name, message)
        with told_of_compiling(self._hear_of_compiling), measured() as usage:
            yield lambda text: self.say(name, text)
        num, seconds = num_compiled() - compiled_before[0], compiled_s() - compiled_before[1]
        if num:
            self.say("compile", f"done in {seconds:.1f} s, kept for all later runs")
        wall_s = time.perf_counter() - started
        self.stages.append(Stage(name, wall_s, usage.cpu_s, usage.peak_rss_mb))

    def _hear_of_compiling(self, number: int, so_far_s: float) -> None:
        now = time.perf_counter()
        if now - self._told_of_compiling < COMPILE_REPORT_S:
            return
        self._told_of_compiling = now
        self.say(
            "compile",
            f"function {number}, at most {num_left()} more, {so_far_s:.1f} s so far: once after an "
            "installation, outside all time limits",
        )

    @contextmanager
    def optional_stage(self, name: str, message: str) -> Iterator[Callable[[str], None]]:
        """Time a block that follows the plan: its failure costs what it makes, not the run.

        Parameters
        ----------
        name, message : str
            As of `stage`.

        Yields
        ------
        callable
            Reports a line of text from inside the block.
        """
        try:
            with self.stage(name, message) as say:
                yield say
        except Exception as error:
            self.leave_out(name, error)

    def leave_out(self, name: str, error: Exception) -> None:
        """Note that something is left out because of an error, and report it."""
        kind = "" if isinstance(error, PlannerError) else f"{type(error).__name__}: "
        reason = f"{kind}{error}"
        self.left_out.append(LeftOut(name, reason))
        self.say(name, f"left out: {reason}")

    def say(self, stage: str, message: str) -> None:
        """Report a line of text."""
        elapsed_s = time.perf_counter() - self.started
        self.report(Progress(stage, None, None, elapsed_s, message))

    def report(self, progress: Progress) -> None:
        """Pass progress on, with the time since the run began."""
        self.history.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)

    def from_solver(self, progress: Progress) -> None:
        """Pass on a solver's progress, whose own clock began with the solve."""
        elapsed_s = time.perf_counter() - self.started
        self.report(
            Progress(
                f"siting: {progress.stage}", progress.incumbent, progress.bound, elapsed_s,
                progress.message, progress.sense,
            )
        )  # fmt: skip


def stage_record(stage: Stage) -> dict[str, Any]:
    """A finished stage as a JSON object: one entry of ``stages`` in `run.json`."""
    return {
        "name": stage.name,
        "wall_s": round(stage.wall_s, 3),
        "cpu_s": round(stage.cpu_s, 2),
        "peak_rss_mb": round(stage.peak_rss_mb, 1),
    }


def progress_record(progress: Progress) -> dict[str, Any]:
    """Progress as a JSON object: one line of `progress.jsonl` and of ``--json``."""
    gap = progress.gap_frac
    return {
        "stage": progress.stage,
        "elapsed_s": round(progress.elapsed_s, 3),
        "incumbent": progress.incumbent,
        "bound": progress.bound,
        "gap_frac": gap if math.isfinite(gap) else None,
        "message": progress.message,
    }
