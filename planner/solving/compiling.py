"""A clock for limits that stands still while numba compiles, and word of it.

The first run after an installation compiles every kernel that it calls (seconds each), later ones
load them from the disk. That is no work on the problem: no limit counts it. Takes numba's events
(https://numba.readthedocs.io/en/stable/developer/event_api.html), knows no kernel by name.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from numba.core import event

from planner.solving.compile_listeners import CompileListener, listeners


@dataclass
class _Watch(event.Listener):  # type: ignore[misc] # numba has no types
    """Counts seconds in which any thread compiles; kernels compiled for others are part of them."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    depth: int = 0
    began_s: float = 0.0
    total_s: float = 0.0
    num_kernels: int = 0

    def on_start(self, event: Any) -> None:
        with self.lock:
            if self.depth == 0:
                self.began_s = time.monotonic()
            self.depth += 1
            if event.data["dispatcher"].py_func.__module__.startswith("numba."):
                return  # a part of what numba makes of a kernel
            self.num_kernels += 1
            number, compiled_s = self.num_kernels, self.compiled_s()
            tell = listeners[-1] if listeners else None
        if tell is not None:
            tell(number, compiled_s)

    def on_end(self, event: Any) -> None:
        with self.lock:
            self.depth -= 1
            if self.depth == 0:
                self.total_s += time.monotonic() - self.began_s

    def compiled_s(self) -> float:
        with self.lock:
            return self.total_s + (time.monotonic() - self.began_s if self.depth else 0.0)


_watch = _Watch()
event.register("numba:compile", _watch)


def compiled_s() -> float:
    """Seconds that this process has compiled so far."""
    return _watch.compiled_s()


def num_compiled() -> int:
    """Kernels that this process had to compile: none once the machine code is on the disk."""
    return _watch.num_kernels


def work_s() -> float:
    """Seconds by a clock that stands still while anything compiles; only differences mean much."""
    with _watch.lock:
        return time.monotonic() - _watch.compiled_s()


@contextmanager
def clock_stands_still() -> Iterator[None]:
    """Within the block `work_s` does not move: another process compiles for this one."""
    with _watch.lock:
        if _watch.depth == 0:
            _watch.began_s = time.monotonic()
        _watch.depth += 1
    try:
        yield
    finally:
        _watch.on_end(None)


@contextmanager
def told_of_compiling(listener: CompileListener) -> Iterator[None]:
    """Have a listener told, within the block, of every kernel that has to be compiled."""
    listeners.append(listener)
    try:
        yield
    finally:
        listeners.remove(listener)
