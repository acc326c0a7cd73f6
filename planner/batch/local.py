"""Runs on processes of this machine, each kept within limits from outside."""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from typing import IO, Any

from planner.batch.store import State
from planner.batch.study import Limits
from planner.batch.task import Ended, Event, Progressed, RunTask
from planner.errors import Fault, InputError
from planner.usage import rss_mb

WATCH_S = 0.1
"""Between two looks at memory and time."""
LOADING_LIMIT_S = 300.0
"""For a process to load its libraries; the first after an installation compiles."""
GRACE_S = 2.0
"""Between asking a process group to end and killing it."""
ROOMY_FRAC = 0.5
"""A process that has grown beyond this share of the memory limit is not used again."""
TAIL_BYTES = 2_000
NOT_SYNCED = {"OGR_SQLITE_SYNCHRONOUS": "OFF"}
"""GeoPackages need not wait for the disk layer by layer: a run whose files never arrived there, as
the power failed, does not have its checksums, and is made again."""


class WorkerProcess:
    """One process that makes runs one after the other, and what it starts itself.

    Parameters
    ----------
    limits : Limits
        For each run.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 lives as long as this
        self._process = subprocess.Popen(
            [sys.executable, "-m", "planner.batch.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            start_new_session=True, env=os.environ | NOT_SYNCED,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdout.fileno(), False)
        self._unread = b""
        self._is_ready = False
        self._task: RunTask | None = None
        self._began = self._watched = time.monotonic()
        self._peak_mb = 0.0

    @property
    def task(self) -> RunTask | None:
        """The run at hand."""
        return self._task

    def fileno(self) -> int:
        """Readable when there is something to `poll`."""
        return self._stdout.fileno()

    def start(self, task: RunTask) -> None:
        """Begin a run; the process may still be loading."""
        self._task, self._began, self._peak_mb = task, time.monotonic(), 0.0
        self._send({"task": json.loads(task.to_json())})

    def stop(self) -> None:
        """Ask the run at hand to end with its best plan."""
        self._send({"stop": True})

    def poll(self) -> list[Event]:
        """What happened since the last call; a process over a limit is ended here."""
        events = self._read()
        if self._task is None:
            return events
        if self._process.poll() is not None:
            events.append(self._ended_by_death())
        elif time.monotonic() - self._watched >= WATCH_S:
            self._watched = time.monotonic()
            wrong = self._over_a_limit()
            if wrong is not None:
                self.close()
                events.append(self._end(Ended(self._key, State.FAILED, *wrong)))
        return events

    def is_reusable(self) -> bool:
        """Whether the process can make another run within its limits."""
        if self._process.poll() is not None:
            return False
        limit_mb = self._limits.memory_mb
        return limit_mb is None or self._memory_mb() < ROOMY_FRAC * limit_mb

    def close(self) -> None:
        """End the process and all that it started: asked first, then killed."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        self._signal(signal.SIGKILL)  # what it started may be left
        self._process.wait()
        for stream in (self._stdin, self._stdout, self._errors):
            with suppress(OSError):
                stream.close()

    @property
    def _key(self) -> str:
        assert self._task is not None
        return self._task.key

    def _send(self, message: dict[str, Any]) -> None:
        with suppress(OSError):  # a dead process shows at the next poll
            self._stdin.write(json.dumps(message).encode() + b"\n")
            self._stdin.flush()

    def _signal(self, number: int) -> None:
        with suppress(OSError):
            os.killpg(self._process.pid, number)

    def _read(self) -> list[Event]:
        with suppress(BlockingIOError):
            while chunk := self._stdout.read(65_536):
                self._unread += chunk
        *lines, self._unread = self._unread.split(b"\n")
        events: list[Event] = []
        for line in lines:
            message = json.loads(line)
            if "progressed" in message:
                events.append(Progressed(**message["progressed"]))
            elif "ended" in message:
                self._peak_mb = max(self._peak_mb, self._memory_mb())
                events.append(self._end(Ended(**message["ended"])))
            else:  # loaded: the run's time begins now
                self._is_ready, self._began = True, time.monotonic()
        return events

    def _end(self, ended: Ended) -> Ended:
        self._task = None
        return replace(
            ended, wall_s=time.monotonic() - self._began, peak_rss_mb=round(self._peak_mb, 1)
        )

    def _over_a_limit(self) -> tuple[str, str] | None:
        """Which limit the run exceeds, as status and reason."""
        limits, seconds = self._limits, time.monotonic() - self._began
        memory_mb = self._memory_mb()
        self._peak_mb = max(self._peak_mb, memory_mb)
        if limits.memory_mb is not None and memory_mb > limits.memory_mb:
            return "OUT_OF_MEMORY", (
                f"took {memory_mb:,.0f} MB, limits.memory_mb is {limits.memory_mb:,.0f}"
            )
        limit_s = limits.time_s if self._is_ready else LOADING_LIMIT_S
        if limit_s is not None and seconds > limit_s:
            what = "limits.time_s is" if self._is_ready else "loading may take"
            return "OUT_OF_TIME", f"took {seconds:,.1f} s, {what} {limit_s:,.1f}"
        return None

    def _memory_mb(self) -> float:
        """Resident memory of the process and all that it started."""
        return rss_mb(self._process.pid)

    def _ended_by_death(self) -> Ended:
        self._signal(signal.SIGKILL)
        code = self._process.returncode
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        last = self._last_words()
        reason = f"its process ended by {how}" + (f": {last}" if last else "")
        ended = Ended(self._key, State.FAILED, "CRASHED", reason, is_lost=True)
        return self._end(ended)

    def _last_words(self) -> str:
        end = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, end - TAIL_BYTES))
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return next((line for line in lines if "Fatal" in line or "Error" in line), "")


class LocalWorkers:
    """So many processes of this machine.

    Parameters
    ----------
    num_processes : int
        Runs under way at once, >= 1.
    limits : Limits
        For each run.

    Raises
    ------
    InputError
        Where the system has no process groups, by which a run is ended with all it started.
    """

    def __init__(self, num_processes: int, limits: Limits) -> None:
        if not hasattr(os, "killpg"):
            remedy = "batches need Linux or macOS; make the runs one by one with `planner run`"
            raise InputError([Fault("planner batch", None, "", sys.platform, remedy)])
        self._num, self._limits = num_processes, limits
        self._idle: list[WorkerProcess] = []
        self._busy: list[WorkerProcess] = []

    @property
    def num_free(self) -> int:
        """Runs that can be started now."""
        return self._num - len(self._busy)

    def start(self, task: RunTask) -> None:
        """Begin a run on a process that is free."""
        worker = self._idle.pop() if self._idle else WorkerProcess(self._limits)
        worker.start(task)
        self._busy.append(worker)

    def poll(self, timeout_s: float) -> list[Event]:
        """What happened, waiting for so long at most."""
        with selectors.DefaultSelector() as selector:
            for worker in self._busy:
                selector.register(worker, selectors.EVENT_READ)
            if self._busy:
                selector.select(min(timeout_s, WATCH_S))
            else:
                time.sleep(min(timeout_s, WATCH_S))
        events = [event for worker in self._busy for event in worker.poll()]
        for worker in [worker for worker in self._busy if worker.task is None]:
            self._busy.remove(worker)
            if worker.is_reusable():
                self._idle.append(worker)
            else:
                worker.close()
        return events

    def stop(self) -> None:
        """Ask all runs to end with their best plans."""
        for worker in self._busy:
            worker.stop()

    def close(self) -> None:
        """End every process at once."""
        for worker in (*self._idle, *self._busy):
            worker.close()
        self._idle, self._busy = [], []
