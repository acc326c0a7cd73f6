"""Nothing that only Unix has is needed to plan."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from planner.errors import InputError
from planner.files import try_lock
from planner.outputs.versions import peak_rss_mb

ROOT = Path(__file__).parents[1]
UNIX_ONLY = ("fcntl", "grp", "pwd", "resource", "termios")
_WITHOUT_UNIX = f"""
import sys

import psutil  # what it takes from the system differs: on Linux it needs `resource` itself

for name in {UNIX_ONLY!r}:
    sys.modules[name] = None  # importing it then fails, as on Windows
import planner.batch.store
from planner.cli import main

sys.argv = ["planner", *sys.argv[1:]]
main()
"""


def test_run_needs_no_module_that_windows_lacks(tmp_path: Path) -> None:
    command = ["run", str(ROOT / "instances" / "tutorial"), "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_UNIX, *command],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "DONE").is_file()


def test_peak_memory_is_told_with_and_without_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psutil")  # loaded first: on Linux it needs `resource` itself

    assert peak_rss_mb() > 10
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_rss_mb() > 10


def test_lock_is_held_by_one_file_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("ab") as first, path.open("ab") as second:
        assert try_lock(first)
        assert not try_lock(second)
    with path.open("ab") as third:
        assert try_lock(third)


def test_batch_says_where_it_cannot_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from planner.batch.local import LocalWorkers
    from planner.batch.study import Limits

    monkeypatch.delattr(os, "killpg")
    with pytest.raises(InputError, match="need Linux or macOS"):
        LocalWorkers(1, Limits())
