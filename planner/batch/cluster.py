"""Runs on a Dask cluster: each Dask worker drives processes of its own machine, within limits.

The folder of the runs must be the same for all machines. Dask hands the tasks out and gives
those of a lost worker to another; everything else is as with processes of one machine.
"""

import json
import select
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from distributed import Client, Future
from distributed.client import ClosedClientError
from distributed.scheduler import KilledWorker

from planner.batch.local import WATCH_S, WorkerProcess
from planner.batch.run import WorkersLostError
from planner.batch.store import State
from planner.batch.study import Limits
from planner.batch.task import Ended, Event, RunTask

LOST_S = 20.0
"""Without a word from the scheduler, it is taken for lost."""
COUNT_S = 2.0
"""Between two looks at how many workers there are."""
ANSWER_S = 10.0
"""For an answer to come over the network once it is there."""
_AT_ONCE = "now"

_idle: list[tuple[str, WorkerProcess]] = []
_idle_lock = threading.Lock()


def drive(task: str, limits: str, signal_file: str) -> dict[str, Any]:
    """Make a run on a process beside this Dask worker.

    Parameters
    ----------
    task, limits : str
        `RunTask` and `Limits` as JSON.
    signal_file : str
        Once it is there the run ends with its best plan, or at once if it holds "now".

    Returns
    -------
    dict
        An `Ended` as plain values.
    """
    with _idle_lock:
        position = next((i for i, (kind, _) in enumerate(_idle) if kind == limits), None)
        taken = _idle.pop(position)[1] if position is not None else None
    worker = taken or WorkerProcess(Limits.model_validate_json(limits))
    told = False
    try:
        worker.start(RunTask.from_json(task))
        while True:
            select.select([worker], [], [], WATCH_S)
            for event in worker.poll():
                if isinstance(event, Ended):
                    if worker.is_reusable():
                        with _idle_lock:
                            _idle.append((limits, worker))
                    else:
                        worker.close()
                    return asdict(event)
            signal = _read_signal(signal_file)
            if signal == _AT_ONCE:
                worker.close()
                return asdict(Ended(json.loads(task)["key"], State.STOPPED))
            if signal is not None and not told:
                worker.stop()
                told = True
    except BaseException:
        worker.close()
        raise


def _read_signal(file: str) -> str | None:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError:
        return None


class DaskWorkers:
    """The workers of a Dask scheduler.

    Parameters
    ----------
    address : str
        Of the scheduler, e.g. ``tcp://10.0.0.1:8786``.
    limits : Limits
        For each run.
    folder : Path
        Seen by this process and by all workers.

    Raises
    ------
    WorkersLostError
        If no scheduler answers.
    """

    def __init__(self, address: str, limits: Limits, folder: Path) -> None:
        try:
            self._client = Client(address, timeout=ANSWER_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise WorkersLostError(f"no Dask scheduler answers at {address}: {error}") from error
        self._address = address
        self._limits = limits.model_dump_json()
        folder.mkdir(parents=True, exist_ok=True)
        self._signal_file = folder / f".signal-{uuid.uuid4().hex}"
        self._futures: dict[str, Future] = {}
        self._num_threads, self._counted, self._heard = 0, -COUNT_S, time.monotonic()

    @property
    def num_free(self) -> int:
        """Threads of all workers that have no run."""
        now = time.monotonic()
        if self._client.status == "running" and now - self._counted > COUNT_S:
            self._counted = now
            with suppress(OSError, TimeoutError):
                self._num_threads = sum(self._client.nthreads().values())
        return max(0, self._num_threads - len(self._futures))

    def start(self, task: RunTask) -> None:
        """Hand a run to the scheduler."""
        try:
            self._futures[task.key] = self._client.submit(
                drive, task.to_json(), self._limits, str(self._signal_file),
                key=f"{task.key}-{uuid.uuid4().hex[:8]}", pure=False,
            )  # fmt: skip
        except ClosedClientError as error:
            raise self._lost() from error

    def poll(self, timeout_s: float) -> list[Event]:
        """What happened, waiting for so long at most; see `Workers`."""
        if not self._is_connected():  # it may come back
            time.sleep(timeout_s)
            return []
        until = time.monotonic() + timeout_s
        while not any(future.done() for future in self._futures.values()):
            if time.monotonic() >= until:
                return []
            time.sleep(min(0.02, timeout_s))
        events: list[Event] = []
        for key in [key for key, future in self._futures.items() if future.done()]:
            try:
                events.append(_ended(key, self._futures[key]))
            except (TimeoutError, OSError):
                continue  # the answer's worker may be lost: Dask has the run made again
            del self._futures[key]
        return events

    def stop(self) -> None:
        """Ask all runs to end with their best plans."""
        self._signal_file.write_text("stop", encoding="utf-8")

    def close(self) -> None:
        """Leave the cluster as it was, its processes for the runs ended."""
        if self._futures:
            with suppress(OSError):
                self._signal_file.write_text(_AT_ONCE, encoding="utf-8")
            time.sleep(3 * WATCH_S)  # until the workers have seen it
        self._futures.clear()
        with suppress(OSError, TimeoutError):
            self._client.close(timeout=ANSWER_S)
        self._signal_file.unlink(missing_ok=True)

    def _is_connected(self) -> bool:
        now = time.monotonic()
        if self._client.status == "running":
            self._heard = now
            return True
        if self._client.status == "closed" or now - self._heard > LOST_S:
            raise self._lost()
        return False

    def _lost(self) -> WorkersLostError:
        return WorkersLostError(
            f"the Dask scheduler at {self._address} is lost; finished runs are kept, the same "
            "command goes on with the others"
        )


def _ended(key: str, future: Future) -> Ended:
    if future.status == "finished":
        answer: Mapping[str, Any] = future.result(timeout=ANSWER_S)
        return Ended(**answer)
    if future.status != "error":  # cancelled or lost: the scheduler was, for a while
        return Ended(key, State.FAILED, "CRASHED", "lost by the Dask scheduler", is_lost=True)
    error = future.exception(timeout=ANSWER_S)
    if isinstance(error, KilledWorker):
        return Ended(key, State.FAILED, "CRASHED", f"its Dask workers died: {error}", is_lost=True)
    return Ended(key, State.FAILED, "DEFECT", f"{type(error).__name__}: {error}")
