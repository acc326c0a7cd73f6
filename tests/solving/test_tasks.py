"""Workers of a run whose process is killed must not stay behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PARENT = """
import os, sys, time
from planner.solving.tasks import TaskRunner
from tests.solving.test_tasks import sleep_long

if __name__ == "__main__":
    with TaskRunner(sleep_long, workers=2) as runner:
        for _ in runner.run([60.0, 60.0], lambda: True):
            pass
"""


def sleep_long(seconds: float, stop: object) -> int:
    """Tell who works on it, then work for long."""
    print(os.getpid(), flush=True)
    time.sleep(seconds)
    return 0


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process_id}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


def test_workers_end_with_a_killed_parent(tmp_path: object) -> None:
    script = tmp_path / "parent.py"  # type: ignore[operator]
    script.write_text(PARENT, encoding="utf-8")
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert parent.stdout is not None
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    assert all(map(_is_alive, workers))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 20
    while any(map(_is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    parent.stdout.close()
    assert not any(map(_is_alive, workers))
