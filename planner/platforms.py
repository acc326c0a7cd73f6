"""What operating systems do differently, each behind one function: file locks, peak memory.

Modules that only some systems have are imported here alone, and only when they are called for.
"""

import importlib
import sys
from typing import IO, Any


def try_lock(stream: IO[bytes]) -> bool:
    """Lock an open file unless another process has; the lock ends with the file or the process."""
    try:
        import fcntl
    except ImportError:
        return _try_lock_on_windows(stream)
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_lock_on_windows(stream: IO[bytes]) -> bool:
    msvcrt: Any = importlib.import_module("msvcrt")
    stream.seek(0)
    try:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


def peak_rss_mb() -> float:
    """Largest resident memory of this process, and of the largest of its children [MB].

    Windows tells that of this process only.
    """
    try:
        import resource
    except ImportError:
        import psutil

        memory: Any = psutil.Process().memory_info()
        return float(getattr(memory, "peak_wset", memory.rss)) / 1e6
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    usage = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF,
             resource.RUSAGE_CHILDREN))  # fmt: skip
    return max(usage) * unit / 1e6
