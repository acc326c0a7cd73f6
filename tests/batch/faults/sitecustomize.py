"""Makes worker processes fail for real: scenarios of certain names take too much of something.

Python imports a module of this name by itself; tests put its folder on PYTHONPATH.
"""

import os
import resource
import signal
import sys
import time
from typing import Any

MB = 1_000_000
GREEDY_MB = 900
"""What `greedy` takes on top of what any run needs."""
FILE_LIMIT_BYTES = 30_000
"""Files that `full` can write: less than a plan's."""


def _spoil(plan: Any) -> Any:
    def spoiled(instance: Any, **options: Any) -> Any:
        name = instance.scenario.name
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        if name == "greedy":
            hoard = [bytearray(b"x" * 10 * MB) for _ in range(GREEDY_MB // 10)]
            time.sleep(600)
            assert hoard
        elif name == "slow":
            time.sleep(600)
        elif name == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
        elif name == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT_BYTES, hard))
        elif name == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif name == "patient":
            stop = options["stop"]
            while not stop.is_set():
                time.sleep(0.05)
        return plan(instance, **options)

    return spoiled


if "planner.batch.worker" in sys.orig_argv:
    import planner.planning.pipeline

    planner.planning.pipeline.plan = _spoil(planner.planning.pipeline.plan)
