"""A study file beside its instance, and `planner batch` as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import tomli_w

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "instances" / "tutorial"
FAULTS = Path(__file__).parent / "faults"
GRID: dict[str, Any] = {
    "method": "grid",
    "axes": [
        {"setting": "siting.num_stations", "values": [1, 2]},
        {"factor_of": {"table": "supply", "column": "gwh"}, "values": [0.5, 1.0]},
    ],
}


@dataclass(frozen=True)
class StudyFolder:
    """A study file, the instance beside it, and where results go."""

    file: Path
    instance: Path
    out: Path

    def write(self, **content: Any) -> Path:
        """Write the study file; keys replace those of a study of the tutorial."""
        whole = {
            "schema_version": 1,
            "name": "study",
            "instance": "tutorial",
            "settings": {"solver": {"deterministic": True}},
        } | content
        self.file.write_text(tomli_w.dumps(whole), encoding="utf-8")
        return self.file

    def start(
        self,
        *arguments: str,
        faults: bool = False,
        out: Path | None = None,
        stdout: IO[str] | int = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Start `planner batch` on the study."""
        environment = dict(os.environ)
        if faults:
            paths = [str(FAULTS), environment.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        command = "from planner.cli import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", command, "batch", str(self.file),
             "--out", str(out or self.out), *arguments],
            stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def run(
        self, *arguments: str, faults: bool = False, out: Path | None = None
    ) -> tuple[int, str, str]:
        """Run `planner batch` to its end: exit code, output, errors."""
        process = self.start(*arguments, faults=faults, out=out)
        output, errors = process.communicate(timeout=600)
        return process.returncode, output, errors


def events(output: str) -> list[Mapping[str, Any]]:
    """The JSON lines that a command printed."""
    return [json.loads(line) for line in output.splitlines()]


def table_bytes(out: Path) -> dict[str, bytes]:
    """Every table of every finished run, by place."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.glob("runs/*/tables/*"))
    }
