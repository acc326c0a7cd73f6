"""A batch: start the runs that are missing, hear how they end, keep what they leave."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from planner.batch.resolve import Resolved
from planner.batch.store import Record, RunStore, State, run_key
from planner.batch.sweeps import tornadoes
from planner.batch.task import BUSY, Ended, Event, Progressed, RunTask
from planner.errors import PlannerError
from planner.files import write_json
from planner.instance import InputFile, instance_rows
from planner.outputs.run_folder import Outputs
from planner.outputs.versions import code_digest
from planner.solving.progress import StopRequest

POLL_S = 0.1
BUSY_AGAIN_S = 1.0
"""Before asking again for a run that another batch works on."""
STUDY_FILE = "study.json"


class WorkersLostError(PlannerError):
    """Nobody is left to work on the runs; what is finished stays."""

    exit_code = 6


class Workers(Protocol):
    """Whoever works on runs: processes of this machine, or a cluster."""

    @property
    def num_free(self) -> int:
        """Runs that can be started now."""
        ...

    def start(self, task: RunTask) -> None:
        """Begin a run."""
        ...

    def poll(self, timeout_s: float) -> list[Event]:
        """What happened, waiting for so long at most.

        Raises
        ------
        WorkersLostError
            If no answer will come any more.
        """
        ...

    def stop(self) -> None:
        """Ask all runs to end with their best plans."""
        ...

    def close(self) -> None:
        """End all work at once."""
        ...


@dataclass(frozen=True)
class BatchState:
    """How far a batch is.

    Attributes
    ----------
    num_all, num_kept, num_done, num_failed, num_stopped : int
        Runs; kept are those that stood already, and are counted among the done or failed.
    running : mapping of scenario to its last line of progress
    elapsed_s : float
    left_s : float or None
        Expected, from the runs ended so far.
    """

    num_all: int
    num_kept: int
    num_done: int
    num_failed: int
    num_stopped: int
    running: dict[str, str]
    elapsed_s: float
    left_s: float | None


Listener = Callable[[BatchState, "Record | None"], None]
"""Told how far the batch is after every change, and which run has just ended."""


def make_tasks(
    resolved: Resolved, store: RunStore, outputs: Outputs = Outputs.ALL
) -> list[RunTask]:
    """The runs of a study, in its order."""
    shared = store.folder / "cache" / code_digest()[:16]
    rows: dict[str, list[InputFile]] = {}  # a database is asked the same once for all scenarios
    asked = [
        scenario.scenario.model_dump_json(include={"tables"}) for scenario in resolved.scenarios
    ]
    for scenario, tables in zip(resolved.scenarios, asked, strict=True):
        if tables not in rows:
            rows[tables] = instance_rows(scenario.scenario)
    return [
        RunTask(
            scenario=scenario.name,
            key=run_key(scenario.scenario, scenario.scale, resolved.instance, rows[tables]),
            instance=str(resolved.instance),
            variant=resolved.study.scenario or "",
            settings=scenario.settings,
            scale=tuple(scale.model_dump(mode="json") for scale in scenario.scale),
            store=str(store.folder),
            cache=str(shared),
            outputs=str(outputs),
        )
        for scenario, tables in zip(resolved.scenarios, asked, strict=True)
    ]


def run_batch(
    tasks: list[RunTask],
    store: RunStore,
    workers: Workers,
    *,
    attempts: int,
    stop: StopRequest,
    listen: Listener,
) -> dict[str, Record]:
    """Make the runs that are not finished yet.

    Parameters
    ----------
    tasks : list of RunTask
        Started in this order.
    store : RunStore
        Where finished runs stand and new ones are written.
    workers : Workers
        Closed by the caller.
    attempts : int
        Starts of a run whose process dies, >= 1.
    stop : StopRequest
        When set, no run is started any more, and those under way end with their best plans.
    listen : callable
        Told how far the batch is.

    Returns
    -------
    dict of run key to Record
        How each run ended; those not started or cut off are missing.

    Raises
    ------
    WorkersLostError
        If nobody is left to work.
    """
    return _Batch(tasks, store, workers, attempts, listen).run(stop)


class _Batch:
    def __init__(
        self, tasks: list[RunTask], store: RunStore, workers: Workers, attempts: int,
        listen: Listener,
    ) -> None:  # fmt: skip
        self.store, self.workers, self.attempts, self.listen = store, workers, attempts, listen
        self.tasks = {task.key: task for task in tasks}
        self.records: dict[str, Record] = {}
        self.waiting: deque[tuple[float, RunTask]] = deque()
        self.running: dict[str, str] = {}
        self.started: dict[str, int] = dict.fromkeys(self.tasks, 0)
        self.began = time.monotonic()
        self.num_kept = 0

    def run(self, stop: StopRequest) -> dict[str, Record]:
        for key, task in self.tasks.items():
            record = self._kept(task)
            if record is None:
                self.waiting.append((0.0, task))
            else:
                self.records[key] = record
                self.num_kept += 1
        self.listen(self.state(), None)
        is_stopping = False
        while self.running or (self.waiting and not is_stopping):
            if stop.is_set() and not is_stopping:
                is_stopping = True
                self.workers.stop()
            if not is_stopping:
                self._start_what_fits()
            for event in self.workers.poll(POLL_S):
                self._hear(event)
        return self.records

    def _kept(self, task: RunTask) -> Record | None:
        """How a run ended that need not be made again."""
        record = self.store.read_record(task.key)
        if self.store.is_whole(task.key):
            is_known = record is not None and record.state is State.DONE
            return record if is_known else Record(task.scenario, task.key, State.DONE, "")
        return record if record is not None and record.status == "INFEASIBLE" else None

    def _start_what_fits(self) -> None:
        for _ in range(min(self.workers.num_free, len(self.waiting))):
            due, task = self.waiting.popleft()
            if due > time.monotonic():
                self.waiting.append((due, task))
                continue
            self.started[task.key] += 1
            self.running[task.key] = "starting"
            self.workers.start(task)
            self.listen(self.state(), None)

    def _hear(self, event: Event) -> None:
        if event.key not in self.running:
            return
        if isinstance(event, Progressed):
            self.running[event.key] = event.message
            self.listen(self.state(), None)
            return
        del self.running[event.key]
        task = self.tasks[event.key]
        if event.state == BUSY:
            self.started[event.key] -= 1
            self.waiting.append((time.monotonic() + BUSY_AGAIN_S, task))
        elif event.is_lost and self.started[event.key] < self.attempts:
            self.waiting.append((0.0, task))
        else:
            self._keep(task, event)

    def _keep(self, task: RunTask, ended: Ended) -> None:
        stands_anyway = ended.state == State.FAILED and self.store.is_whole(task.key)
        if stands_anyway or (ended.state == State.DONE and not ended.status):
            # Another batch was faster, or the process died after its last stroke.
            self.records[task.key] = self._kept(task) or Record(
                task.scenario, task.key, State.DONE, ""
            )
            self.num_kept += 1
            self.listen(self.state(), None)
            return
        record = Record(
            task.scenario, task.key, State(ended.state), ended.status, ended.reason,
            self.started[task.key], round(ended.wall_s, 3), ended.peak_rss_mb,
        )  # fmt: skip
        self.records[task.key] = record
        with suppress(OSError):  # a full disk: the record goes on in this process
            if record.state is State.FAILED:
                self._clear(task.key)
            self.store.write_record(record)
        self.listen(self.state(), record)

    def _clear(self, key: str) -> None:
        """Remove what a process that was killed has left half-written."""
        with self.store.lock(key) as is_mine:
            if is_mine and not self.store.is_done(key):
                self.store.clear(key)

    def state(self) -> BatchState:
        of_state = [record.state for record in self.records.values()]
        elapsed_s = time.monotonic() - self.began
        num_made = len(self.records) - self.num_kept
        left = len(self.tasks) - len(self.records)
        return BatchState(
            len(self.tasks), self.num_kept,
            of_state.count(State.DONE), of_state.count(State.FAILED),
            of_state.count(State.STOPPED),
            {self.tasks[key].scenario: line for key, line in self.running.items()},
            elapsed_s,
            elapsed_s / num_made * left if num_made else None,
        )  # fmt: skip


def write_study(resolved: Resolved, tasks: list[RunTask], store: RunStore, file: Path) -> None:
    """Keep which scenarios the study has, for `planner status` and the catalogue."""
    store.folder.mkdir(parents=True, exist_ok=True)
    write_json(
        store.folder / STUDY_FILE,
        {
            "name": resolved.study.name,
            "title": resolved.study.title,
            "file": str(file.resolve()),
            "instance": str(resolved.instance),
            "base": list(resolved.base),
            "tornadoes": [asdict(each) for each in tornadoes(resolved.study)],
            "scenarios": [
                {
                    "name": scenario.name,
                    "key": task.key,
                    "differences": list(scenario.differences),
                    "varied": dict(scenario.varied),
                }
                for scenario, task in zip(resolved.scenarios, tasks, strict=True)
            ],
        },
    )
