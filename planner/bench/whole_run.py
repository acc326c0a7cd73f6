"""`planner run` as a whole, in a process of its own: seconds, CPU seconds, memory, by stage too.

This release's or another's: a release is where its code and its Python stand.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import planner
from planner.errors import Fault, InputError, PlannerError
from planner.usage import WATCH_S, rss_mb

WHOLE = "all"
"""Name of the whole run beside its stages': Python's start and loading included."""
EXIT_LIMIT_WITH_PLAN = 4
CACHE_VARIABLE = "PLANNER_CACHE"
"""Names the folder of what a run takes from those before it; nothing, if set to nothing."""
_RUN = "import sys; from planner.cli import main; sys.argv = ['planner', *sys.argv[1:]]; main()"
_VERSION = "from importlib.metadata import version; print(version('planner'))"


@dataclass(frozen=True)
class Release:
    """Some state of the code, with the Python that runs it.

    Attributes
    ----------
    name : str
        Version, and the commit where it is known.
    python : str
        Executable.
    code : Path or None
        Folder that holds the package; None where it is installed with that Python.
    """

    name: str
    python: str
    code: Path | None


@dataclass(frozen=True)
class Took:
    """What a stage took, or the whole run under the name `WHOLE`.

    Attributes
    ----------
    stage : str
    wall_s : float
        Seconds of wall clock.
    cpu_s, peak_rss_mb : float or None
        CPU seconds and largest resident memory [MB], of all processes; None where not told.
    """

    stage: str
    wall_s: float
    cpu_s: float | None
    peak_rss_mb: float | None


@dataclass(frozen=True)
class WholeRun:
    """A finished run.

    Attributes
    ----------
    status : str
    gap_frac : float
        Proven gap of the siting.
    took : tuple of Took
        The whole run first, then its stages in the order of their first appearance, each once.
    from_cache : tuple of str
        What it took from earlier runs.
    """

    status: str
    gap_frac: float
    took: tuple[Took, ...]
    from_cache: tuple[str, ...] = ()


def this_release() -> Release:
    """The code that runs now."""
    code = Path(planner.__file__).resolve().parents[1]
    return Release(_named(metadata.version("planner"), code), sys.executable, code)


def other_release(folder: Path) -> Release:
    """A release that stands in a folder.

    Parameters
    ----------
    folder : Path
        A checkout, run by this Python, or a virtual environment in which `planner` is installed.

    Raises
    ------
    InputError
        If it is neither.
    """
    folder = folder.resolve()
    if (folder / "planner" / "__init__.py").is_file():
        return Release(_named(metadata.version("planner"), folder), sys.executable, folder)
    for python in (folder / "bin" / "python", folder / "Scripts" / "python.exe"):
        if python.is_file():
            asked = subprocess.run(
                [str(python), "-c", _VERSION], cwd=folder, env=_environment(None),
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if asked.returncode == 0:
                return Release(asked.stdout.strip(), str(python), None)
    remedy = "give a checkout, or a virtual environment in which planner is installed"
    raise InputError([Fault("planner bench releases", None, "OTHER", str(folder), remedy)])


def run_whole(
    release: Release,
    instance: Path,
    *,
    gap: float,
    time_limit_s: float,
    scenario: str = "",
    cache: Path | None = None,
) -> WholeRun:
    """Plan an instance and write all outputs, which are then deleted.

    Parameters
    ----------
    release : Release
        Whose `planner run` is called.
    instance : Path
        Instance folder.
    gap : float
        Proven gap to stop at, in [0, 1].
    time_limit_s : float
        Of the siting model [s].
    scenario : str
        Named variant; empty for the base.
    cache : Path, optional
        Folder of what runs keep for later ones; nothing is kept otherwise.

    Returns
    -------
    WholeRun
        Stages that ran several times are summed, their largest memory taken.

    Raises
    ------
    PlannerError
        If the run fails.
    """
    with tempfile.TemporaryDirectory(prefix="planner-bench-") as scratch:
        folder, log = Path(scratch, "run"), Path(scratch, "log.txt")
        command = [
            release.python, "-c", _RUN, "run", str(instance.resolve()), "--out", str(folder),
            "--gap", str(gap), "--time-limit", str(time_limit_s),
            *(["--scenario", scenario] if scenario else []),
        ]  # fmt: skip
        before, began, peak_mb = os.times(), time.perf_counter(), 0.0
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=scratch, env=_environment(release.code, cache),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
            try:
                while process.poll() is None:
                    peak_mb = max(peak_mb, rss_mb(process.pid))
                    try:
                        process.wait(WATCH_S)
                    except subprocess.TimeoutExpired:
                        continue
            finally:
                process.kill()
                process.wait()
        wall_s, after = time.perf_counter() - began, os.times()
        if process.returncode not in (0, EXIT_LIMIT_WITH_PLAN):
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            told = lines[-1] if lines else f"exit code {process.returncode}"
            raise PlannerError(f"{release.name} failed on {instance.name}: {told}")
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    cpu_s = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    stages: dict[str, Took] = {}
    for stage in run["stages"]:
        took = Took(
            stage["name"], stage["wall_s"], stage.get("cpu_s"), stage.get("peak_rss_mb")
        )  # fmt: skip
        stages[took.stage] = _together(stages[took.stage], took) if took.stage in stages else took
    whole = Took(WHOLE, wall_s, cpu_s or None, peak_mb or None)
    taken = tuple(run.get("from_cache", ()))
    return WholeRun(run["status"], run["gap_frac"], (whole, *stages.values()), taken)


def _together(one: Took, other: Took) -> Took:
    cpu_s = None if one.cpu_s is None or other.cpu_s is None else one.cpu_s + other.cpu_s
    peaks = [took.peak_rss_mb for took in (one, other) if took.peak_rss_mb is not None]
    return Took(one.stage, one.wall_s + other.wall_s, cpu_s, max(peaks, default=None))


def _environment(code: Path | None, cache: Path | None = None) -> dict[str, str]:
    """Environment of this process, its Python looking in ``code`` first; results are kept there."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment[CACHE_VARIABLE] = "" if cache is None else str(cache)
    return environment if code is None else environment | {"PYTHONPATH": str(code)}


def _named(version: str, code: Path) -> str:
    """A version with the commit that is checked out, marked if files differ from it."""
    command = ["git", "-C", str(code), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git here
        return version
    commit = asked.stdout.strip()
    return f"{version} ({commit})" if asked.returncode == 0 and commit else version
