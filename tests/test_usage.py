"""What a process takes is what it and all that it started take."""

import subprocess
import sys
import time

import numpy as np
import pytest

from planner.usage import cpu_s, give_back, measured, rss_mb

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
    give_back()  # or what others left would go meanwhile
    with measured() as small:
        time.sleep(0.01)
    with measured() as large:
        ballast = np.ones(80_000_000)  # the system takes back what others left meanwhile
        assert ballast[-1] == 1.0
        del ballast
    assert large.peak_rss_mb > small.peak_rss_mb + 250.0


def test_a_process_that_is_gone_takes_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert rss_mb(child.pid) == 0.0
    assert cpu_s(child.pid) == 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone keeps what is free")
def test_memory_of_small_objects_that_are_gone_is_given_back() -> None:
    alone_mb = rss_mb()
    every = [bytes(2_000) for _ in range(60_000)]
    kept = every[::1000]  # between those that are gone: the heap does not shrink by itself
    full_mb = rss_mb()
    del every
    give_back()
    assert full_mb > alone_mb + 100.0
    assert rss_mb() < alone_mb + 40.0
    assert len(kept) == 60


def test_modules_that_are_loaded_are_not_searched_for_garbage() -> None:
    code = (
        "import gc\n"
        "from planner.usage import loading_modules\n"
        "with loading_modules():\n"
        "    import decimal\n"
        "    assert not gc.isenabled()\n"
        "assert gc.isenabled()\n"
        "assert not any(each is decimal.__dict__ for each in gc.get_objects())\n"
        "made = [[]]\n"
        "assert any(each is made for each in gc.get_objects())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
