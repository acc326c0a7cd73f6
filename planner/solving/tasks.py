"""Run independent tasks in this process, on worker processes, or on the caller's executor.

A worker that dies costs its task one retry, never the run.
"""

import atexit
import concurrent.futures
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from planner.solving.compiling import clock_stands_still, num_compiled
from planner.solving.progress import StopRequest

Task = TypeVar("Task")
Answer = TypeVar("Answer")

POLL_S = 0.1
GRACE_S = 5.0
"""How long running tasks may still hand in an answer after the caller called an end."""
ATTEMPTS = 2

_stop_in_worker: StopRequest | None = None


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes started within do not hear Ctrl-C, while they still import, either."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say so
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def become_worker() -> None:
    """Make a fresh process a worker: the caller, not the terminal, tells it when to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A solver that was left behind in a thread would abort the interpreter's own end.
    atexit.register(os._exit, 0)
    threading.Thread(target=_end_with_parent, daemon=True, name="end with parent").start()


def _start_worker(stop: StopRequest) -> None:
    """Make a fresh process a worker that hears of its caller when to stop."""
    global _stop_in_worker
    _stop_in_worker = stop
    become_worker()


def _end_with_parent() -> None:
    """End this worker when its parent is killed: nobody would hear its answer."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call_in_worker(function: "Callable[[Task, StopRequest | None], Answer]", task: Task) -> Answer:
    return function(task, _stop_in_worker)


def _be_ready(_function: "Callable[[Task, StopRequest | None], Answer]") -> None:
    """Naming the function as an argument has its module imported."""


class TaskRunner(Generic[Task, Answer]):
    """Hands tasks to workers and yields their answers as they come.

    Parameters
    ----------
    function : callable
        ``function(task, stop) -> answer``; picklable unless everything runs in this process.
        ``stop`` is a StopRequest or None.
    workers : int
        Tasks under way at once. With 1 and no executor they run in this process.
    executor : Executor, optional
        Anything with ``submit(function, *args) -> Future``; left open at the end. Without one,
        and with more than one worker, processes are started (spawned, so that neither threads
        nor locks are inherited).
    stop : StopRequest, optional
        Ends the run; tasks on processes of this runner and in this process see it too.
    """

    def __init__(
        self,
        function: Callable[[Task, StopRequest | None], Answer],
        *,
        workers: int,
        executor: Executor | None = None,
        stop: StopRequest | None = None,
    ) -> None:
        self._function = function
        self._workers = workers
        self._given = executor
        self._stop = stop
        self._pool: ProcessPoolExecutor | None = None
        self._context = multiprocessing.get_context("spawn")
        self._worker_stop: Any = None
        self._num_compiled = 0

    def __enter__(self) -> "TaskRunner[Task, Answer]":
        return self

    def __exit__(self, *_: object) -> None:
        self._close_pool()

    def run(
        self, tasks: Sequence[Task], may_go_on: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | None]]:
        """Yield (position, answer) as tasks end; None for a task whose workers died.

        Tasks are handed out in the given order. Where this process had to compile, workers will
        have to: the first task then runs alone, so that all others find the machine code on the
        disk, and the clock of limits stands still meanwhile. When ``may_go_on`` turns False no more
        are, and those under way have a few seconds left; tasks without an answer are not yielded.

        Raises
        ------
        Exception
            What a task raised twice, unless its worker died.
        """
        if self._given is None and self._workers == 1:
            for position, task in enumerate(tasks):
                if not may_go_on():
                    return
                yield position, self._function(task, self._stop)
            return
        if tasks and self._given is None and num_compiled() > self._num_compiled and may_go_on():
            with clock_stands_still():
                first = list(self._run_on_executor(tasks[:1], may_go_on))
            yield from first
            self._num_compiled = num_compiled()
            rest = self._run_on_executor(tasks[1:], may_go_on)
            yield from ((position + 1, answer) for position, answer in rest)
            return
        yield from self._run_on_executor(tasks, may_go_on)

    def _run_on_executor(
        self, tasks: Sequence[Task], may_go_on: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | None]]:
        waiting = list(range(len(tasks)))[::-1]
        attempts = [0] * len(tasks)
        running: dict[Future[Answer], int] = {}
        ends_at: float | None = None
        while waiting or running:
            if ends_at is None and not may_go_on():
                ends_at = time.monotonic() + GRACE_S
                waiting.clear()
                if self._worker_stop is not None and self._asked_to_stop():
                    self._worker_stop.set()
            if ends_at is not None and (not running or time.monotonic() > ends_at):
                break
            # One task more than workers keeps each of them busy.
            while waiting and len(running) <= self._workers:
                position = waiting.pop()
                attempts[position] += 1
                future = self._submit(tasks[position])
                running[future] = position
            done, _ = concurrent.futures.wait(
                running, timeout=POLL_S, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in done:
                position = running.pop(future)
                error = _error_of(future)
                if error is None:
                    yield position, future.result()
                elif attempts[position] < ATTEMPTS:
                    waiting.append(position)
                elif isinstance(error, (concurrent.futures.BrokenExecutor, CancelledError)):
                    yield position, None
                else:
                    raise error
        for future in running:
            future.cancel()

    def _asked_to_stop(self) -> bool:
        return self._stop is not None and self._stop.is_set()

    def warm(self) -> None:
        """Start the processes of this runner ahead of its tasks, if it is to have any.

        They import what the function needs while the caller goes on.
        """
        if self._given is None and self._workers > 1:
            pool = self._open_pool()
            for _ in range(self._workers):
                pool.submit(_be_ready, self._function)

    def _open_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._worker_stop = self._context.Event()
            self._pool = ProcessPoolExecutor(
                self._workers,
                mp_context=self._context,
                initializer=_start_worker,
                initargs=(self._worker_stop,),
            )
            with deaf_to_interrupts():
                self._pool.submit(os.getpid)  # the first call starts all processes
        return self._pool

    def _submit(self, task: Task) -> Future[Answer]:
        if self._given is not None:
            try:
                return self._given.submit(_call_in_worker, self._function, task)
            except concurrent.futures.BrokenExecutor:
                # The caller's executor has lost its workers for good: go on with our own.
                self._given = None
        for _ in range(ATTEMPTS):
            pool = self._open_pool()
            try:
                return pool.submit(_call_in_worker, self._function, task)
            except BrokenProcessPool:
                pool.shutdown(wait=False, cancel_futures=True)
                self._pool = None
        raise RuntimeError("worker processes die as soon as they start")

    def _close_pool(self) -> None:
        if self._pool is not None:
            self._worker_stop.set()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _error_of(future: "Future[Answer]") -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:
        return error
