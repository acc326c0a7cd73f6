"""What a process takes, with all that it started: CPU seconds and memory, while it runs.

The system tells both by process; what workers take is part of what their work takes. Memory that
is free within a process can be given back.
"""

import ctypes
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

WATCH_S = 0.5
"""Between two looks at memory: a look takes some milliseconds."""
MB = 1e6


@dataclass
class Usage:
    """What a block took; filled in when it ends.

    Attributes
    ----------
    cpu_s : float
        CPU seconds of this process and of all that it started, of whatever ran beside the block
        too. Processes of Windows are forgotten when they end.
    peak_rss_mb : float
        Largest sum of their resident memory [MB]; what they share counts for each.
    """

    cpu_s: float = 0.0
    peak_rss_mb: float = 0.0


def cpu_s(pid: int | None = None) -> float:
    """CPU seconds of a process, this one by default, and of all that it started, also the ended."""
    return _sum_over_tree(pid, _cpu_s)


def rss_mb(pid: int | None = None) -> float:
    """Resident memory of a process, this one by default, and of all that it started [MB]."""
    return _sum_over_tree(pid, lambda process: process.memory_info().rss / MB)


def give_back() -> None:
    """Give memory that this process no longer uses back to the system, where glibc keeps it.

    Millions of small objects that are gone leave holes, which other processes cannot use.
    """
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def uncollected() -> Iterator[None]:
    """No looking for cycles of garbage within a block, unless `give_back` asks for it.

    For work that makes millions of small objects and few cycles: looking through all of them again
    and again takes a third of its time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def loading_modules() -> Iterator[None]:
    """Load modules within the block: what they make stands to the end and is no garbage.

    Python would go through some hundred thousand objects of theirs again and again, while they are
    loaded, in each later search for garbage and at the end of the process.
    """
    num_loaded = len(sys.modules)
    with uncollected():
        yield
        if len(sys.modules) > num_loaded:
            gc.freeze()


@contextmanager
def measured() -> Iterator[Usage]:
    """Measure a block.

    Yields
    ------
    Usage
        Its figures stand once the block has ended.
    """
    usage, is_over = Usage(), threading.Event()
    before_s, before_mb, usage.peak_rss_mb = cpu_s(), _own_peak_mb(), rss_mb()

    def watch() -> None:
        while not is_over.wait(WATCH_S):
            usage.peak_rss_mb = max(usage.peak_rss_mb, rss_mb())

    watcher = threading.Thread(target=watch, daemon=True, name="watch memory")
    watcher.start()
    try:
        yield usage
    finally:
        is_over.set()
        watcher.join()
        own_mb = _own_peak_mb()  # a peak between two looks shows here, if it is the highest so far
        usage.peak_rss_mb = max(usage.peak_rss_mb, rss_mb(), own_mb if own_mb > before_mb else 0.0)
        usage.cpu_s = max(0.0, cpu_s() - before_s)


def _sum_over_tree(pid: int | None, figure: Callable[[Any], float]) -> float:
    """Sum of a figure over a process and all that it started; those that are gone have none."""
    import psutil

    total = 0.0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += figure(each)
    return total


def _cpu_s(process: Any) -> float:
    times = process.cpu_times()
    of_children = ("children_user", "children_system")  # those that have ended
    return float(times.user + times.system + sum(getattr(times, name, 0.0) for name in of_children))


def _own_peak_mb() -> float:
    """Highest resident memory of this process since it began; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MB
