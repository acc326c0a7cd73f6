"""What a process takes is what it and all that it started take."""

import subprocess
import sys
import time

import numpy as np

from planner.usage import cpu_s, measured, rss_mb

BUSY_S, BUSY_MB = 0.6, 120
_BUSY = f"""
import time
ballast = bytearray({BUSY_MB * 1_000_000})
while time.process_time() < {BUSY_S}:
    pass
"""


def test_cpu_and_memory_of_a_child_count_while_it_runs_and_after_its_end() -> None:
    alone_mb = rss_mb()
    with measured() as usage:
        child = subprocess.Popen([sys.executable, "-c", _BUSY])
        began = time.monotonic()
        seen_mb = 0.0
        while child.poll() is None and time.monotonic() - began < 60.0:
            seen_mb = max(seen_mb, rss_mb())
            time.sleep(0.01)
        child.wait()
    assert seen_mb > alone_mb + BUSY_MB
    assert usage.cpu_s > 0.9 * BUSY_S


def test_memory_that_is_given_back_within_a_block_counts() -> None:
    with measured() as small:
        time.sleep(0.01)
    with measured() as large:
        ballast = np.ones(40_000_000)
        assert ballast[-1] == 1.0
        del ballast
    assert large.peak_rss_mb > small.peak_rss_mb + 250.0


def test_a_process_that_is_gone_takes_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert rss_mb(child.pid) == 0.0
    assert cpu_s(child.pid) == 0.0
