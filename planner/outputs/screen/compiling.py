"""Word of compiling on the error stream, for commands that tell no progress of their own."""

import sys
import time

REPORT_S = 2.0
"""Between two words."""

_told: list[float] = []


def tell_of_compiling(number: int, so_far_s: float) -> None:
    """Say that a kernel is compiled, unless that was said just now.

    Parameters
    ----------
    number : int
        Of the kernel, in this process.
    so_far_s : float
        That compiling took so far [s].
    """
    now = time.monotonic()
    if _told and now - _told[-1] < REPORT_S:
        return
    _told[:] = [now]
    from planner.solving.kernels import num_left

    print(
        f"compiling function {number}, at most {num_left()} more, {so_far_s:.1f} s so far: once "
        "after an installation (planner doctor --compile INSTANCE does it beforehand)",
        file=sys.stderr, flush=True,
    )  # fmt: skip
