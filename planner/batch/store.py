"""Where a study's runs are kept: a folder per run, named after the hash of all that decides it.

::

    runs/NAME-HASH/      finished runs, as `planner run` leaves them
    stopped/NAME-HASH/   best plans of runs that were stopped; the next batch does them in full
    records/NAME-HASH.json   how each run ended, failures with their reason
    locks/NAME-HASH      who works on a run holds its file's lock
    cache/               arrays that scenarios share
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from planner.files import try_lock, write_json
from planner.instance import InputFile, Scenario, input_file, instance_files
from planner.instance.settings.scale import Scale
from planner.outputs.versions import code_digest, installed_versions

DONE_FILE, CHECKSUM_FILE = "DONE", "checksums.txt"


class State(StrEnum):
    """How far a run is."""

    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    RUNNING = "running"
    WAITING = "waiting"


@dataclass(frozen=True)
class Record:
    """How a run ended.

    Attributes
    ----------
    scenario, key : str
        Name in the study, and of the run.
    state : State
        ``DONE``, ``FAILED`` or ``STOPPED``.
    status : str
        ``OPTIMAL`` or ``FEASIBLE``, or what kind of failure: ``INFEASIBLE``, ``BAD_INPUT``,
        ``NO_PLAN``, ``OUT_OF_MEMORY``, ``OUT_OF_TIME``, ``NOT_WRITTEN``, ``CRASHED``,
        ``DEFECT``.
    reason : str
        Of a failure, for people.
    attempts : int
        Times it was started in this batch.
    wall_s, peak_rss_mb : float
        Of the last attempt, as seen from outside: seconds, and memory of its processes [MB].
    """

    scenario: str
    key: str
    state: State
    status: str
    reason: str = ""
    attempts: int = 1
    wall_s: float = 0.0
    peak_rss_mb: float = 0.0


def run_key(
    scenario: Scenario, scales: Sequence[Scale], instance: Path, rows: Sequence[InputFile] = ()
) -> str:
    """Name of a run's folder: the scenario's, and a hash of settings, inputs, code and versions.

    Parameters
    ----------
    scenario : Scenario
        Every setting filled in.
    scales : sequence of Scale
        Columns multiplied after reading.
    instance : Path
        Its folder; the hash covers the tables' content, not their dates.
    rows : sequence of InputFile
        Tables that stand in databases, from `planner.instance.instance_rows`.
    """
    decides = [
        scenario.model_dump(mode="json", exclude={"scenarios"}),
        [scale.model_dump(mode="json") for scale in scales],
        [(path.name, _file_digest(path)) for path in instance_files(instance, scenario)]
        + [(each.path, each.sha256) for each in rows],
        installed_versions(),
        code_digest(),
    ]
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode())
    return f"{scenario.name}-{digest.hexdigest()[:16]}"


def _file_digest(path: Path) -> str:
    if path.is_dir():  # its date is not that of its files
        return input_file(path).sha256
    status = path.stat()
    return _digest_of_state(path, status.st_size, status.st_mtime_ns)


@cache
def _digest_of_state(path: Path, size: int, changed_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class RunStore:
    """The folder of a study's runs; several batches may work in it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def run_folder(self, key: str) -> Path:
        """Where a finished run stands."""
        return self.folder / "runs" / key

    def stopped_folder(self, key: str) -> Path:
        """Where the best plan of a stopped run stands."""
        return self.folder / "stopped" / key

    def is_done(self, key: str) -> bool:
        """Whether a finished run stands here; its content is not looked at."""
        return (self.run_folder(key) / DONE_FILE).is_file()

    def is_whole(self, key: str) -> bool:
        """Whether a finished run stands here and every file has the checksum it was given."""
        folder = self.run_folder(key)
        if not (folder / DONE_FILE).is_file():
            return False
        try:
            lines = (folder / CHECKSUM_FILE).read_text(encoding="utf-8").splitlines()
            for line in lines:
                digest, _, name = line.partition("  ")
                with (folder / name).open("rb") as stream:
                    if hashlib.file_digest(stream, "sha256").hexdigest() != digest:
                        return False
        except (OSError, UnicodeDecodeError):
            return False
        return bool(lines)

    @contextmanager
    def lock(self, key: str) -> Iterator[bool]:
        """Claim a run; yields False at once if another process has it.

        The system frees the lock when the process ends, however it ends.
        """
        path = self.folder / "locks" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            yield try_lock(stream)

    def is_locked(self, key: str) -> bool:
        """Whether some process works on a run."""
        if not (self.folder / "locks" / key).exists():
            return False
        with self.lock(key) as is_free:
            return not is_free

    def clear(self, key: str) -> None:
        """Remove what earlier attempts left of a run; the caller holds its lock."""
        for folder in (self.run_folder(key), self.stopped_folder(key)):
            shutil.rmtree(folder, ignore_errors=True)
            for left in folder.parent.glob(f".{key}-*"):
                shutil.rmtree(left, ignore_errors=True)

    def write_record(self, record: Record) -> None:
        """Keep how a run ended, in place of what was kept of it before."""
        path = self.folder / "records" / f"{record.key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, asdict(record))

    def read_record(self, key: str) -> Record | None:
        """How a run ended, if that is known."""
        content = read_json(self.folder / "records" / f"{key}.json")
        try:
            return Record(**content | {"state": State(content["state"])}) if content else None
        except (KeyError, TypeError, ValueError):
            return None

    def ended_keys(self) -> list[str]:
        """Every run that ended here, also of earlier states of the study."""
        finished = {path.parent.name for path in self.folder.glob(f"runs/[!.]*/{DONE_FILE}")}
        return sorted(finished | {path.stem for path in self.folder.glob("records/[!.]*.json")})


def read_json(path: Path) -> Any:
    """The content of a JSON file; None if there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
