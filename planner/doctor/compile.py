"""Compile all that an instance's scenarios call, before somebody waits for it.

Each scenario is planned by `planner run` in a process of its own, the base first: what it compiles,
the others need too, and they follow side by side. The plans are thrown away.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from planner.doctor.finding import Finding
from planner.doctor.kernels import PACKAGE, find_kernels
from planner.errors import Fault, InputError

SCENARIO_FILE = "scenario.toml"
EXIT_LIMIT_WITH_PLAN = 4
_RUN = "import sys; from planner.cli import main; sys.argv = ['planner', *sys.argv[1:]]; main()"


def compile_kernels(instance: Path, say: Callable[[str], None]) -> Iterator[Finding]:
    """Plan every scenario of an instance, so that no later run has to compile for it.

    Parameters
    ----------
    instance : Path
        Folder of a small instance whose scenarios ask all that will be asked.
    say : callable
        Told what is compiled, and how far it is.

    Yields
    ------
    Finding
        A fault for each scenario that fails.

    Raises
    ------
    InputError
        If the folder is no instance.
    """
    path = instance / SCENARIO_FILE
    if not path.is_file():
        raise InputError([Fault(str(path), None, "", "", "no such file; give an instance")])
    began = time.monotonic()
    variants = list(tomllib.loads(path.read_text(encoding="utf-8")).get("scenarios", {}))
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads:
        for group in ([""], variants):
            for name, wrong in zip(
                group, threads.map(lambda name: _plan(instance, name, say), group), strict=True
            ):
                if wrong:
                    named = name or "base"
                    yield Finding(f"scenario {named}", "fault", wrong, "planner validate tells why")
    kernels = find_kernels()
    took = f"{kernels.num_compiled} of {kernels.num_all}, {time.monotonic() - began:.0f} s"
    yield Finding("compiled", "ok", f"all that {instance} calls: {took}")


def _plan(instance: Path, scenario: str, say: Callable[[str], None]) -> str:
    """Plan a scenario and pass on word of compiling; what went wrong, else nothing."""
    found = os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryDirectory(prefix="planner-doctor-") as folder:
        words = ["run", str(instance.resolve()), "--json", "--outputs", "tables",
                 "--out", str(Path(folder, "run"))]  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN, *words, *(["--scenario", scenario] if scenario else [])],
            cwd=folder, env=os.environ | {"PYTHONPATH": found}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        last: dict[str, Any] = {}
        with process:
            for line in process.stdout:
                last = json.loads(line)
                if last.get("stage") == "compile":
                    say(f"{scenario or 'base'}: {last['message']}")
    if process.returncode in (0, EXIT_LIMIT_WITH_PLAN):
        return ""
    return str(last["error"]["message"] if "error" in last else f"exit {process.returncode}")
