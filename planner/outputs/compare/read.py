"""What a comparison reads of a finished run, each file checked against the run's checksums."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from planner.errors import Fault, InputError
from planner.outputs.chemistries import Chemistries, read_chemistries
from planner.outputs.layers.describe import DATA_PACKAGE
from planner.outputs.layers.read_back import open_run, read_layer
from planner.outputs.run_json import read_run_json

_CHECKSUMS = "checksums.txt"
_RUN, _SCENARIO = "run.json", "scenario.resolved.toml"
_NEEDED = ("stations", "cities", "packs", "kpi", "chemistries")
_OPTIONAL = (
    "city_quarter", "supply_value", "gate_value", "market_quarter", "corridor_summary",
    "corridor_stations", "simulation_figure", "station_wait", "phase", "future", "measure",
)  # fmt: skip
_REMEDY = "plan again with this version of planner, then compare"


@dataclass(frozen=True)
class FinishedRun:
    """A run as `planner run` left it.

    Attributes
    ----------
    folder : Path
        The run folder; its name tells the run apart from others.
    run, scenario : dict
        `run.json` and `scenario.resolved.toml`.
    tables : dict of name to DataFrame
        Stations, cities, packs, kpi, chemistries and, where the run has them, city_quarter,
        supply_value, gate_value, market_quarter, corridor_summary, corridor_stations,
        simulation_figure, station_wait, phase, future and measure; without geometry.
    """

    folder: Path
    run: dict[str, Any]
    scenario: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    @property
    def chemistries(self) -> Chemistries:
        """Names and colours of the instance's cell chemistries."""
        return read_chemistries(self.tables["chemistries"])

    @property
    def has_corridors(self) -> bool:
        """Whether the run planned trips between cities."""
        return "corridor_summary" in self.tables

    @property
    def simulated_day(self) -> str:
        """The kind of day that stations were simulated on; empty if they were not."""
        day: str = self.scenario.get("simulation", {}).get("day", "")
        return day if "simulation_figure" in self.tables else ""

    @property
    def counts_trips(self) -> bool:
        """Whether the siting's objective counts swaps on trips between cities too."""
        funding: str = self.scenario.get("corridors", {}).get("funding", "none")
        return funding == "national"

    @property
    def label(self) -> str:
        """Name of the folder: two runs of one instance bear the same name."""
        return self.folder.resolve().name


def read_finished_run(folder: Path) -> FinishedRun:
    """Read a finished run.

    Raises
    ------
    InputError
        If the folder is not a finished run, or a file that is read is missing, broken or not the
        one that the run wrote.
    """
    files = open_run(folder)
    names = [
        *_NEEDED,
        *(name for name in _OPTIONAL if name in files.resources),
    ]
    faults = [
        Fault(str(folder), None, name, "", f"the run lacks this table; {_REMEDY}")
        for name in _NEEDED
        if name not in files.resources
    ]
    if not faults:
        paths = [_RUN, _SCENARIO, DATA_PACKAGE]
        faults = _unlike_checksums(
            folder, paths + [files.resources[name]["path"] for name in names]
        )
    if faults:
        raise InputError(faults, source=str(folder))
    return FinishedRun(
        folder,
        read_run_json(folder / _RUN),
        tomllib.loads((folder / _SCENARIO).read_text(encoding="utf-8")),
        {
            name: pd.DataFrame(read_layer(files, name).frame).drop(
                columns=["geometry", "bbox"], errors="ignore"
            )
            for name in names
        },
    )


def _unlike_checksums(folder: Path, paths: list[str]) -> list[Fault]:
    listing = folder / _CHECKSUMS
    if not listing.is_file():
        remedy = f"is missing: nothing tells whether the run was changed; {_REMEDY}"
        return [Fault(str(listing), None, "", "", remedy)]
    pairs = (line.partition("  ") for line in listing.read_text(encoding="utf-8").splitlines())
    digests = {path: digest for digest, _, path in pairs}
    faults = []
    for path in paths:
        if not (folder / path).is_file():
            faults.append(Fault(str(folder / path), None, "", "", f"is missing; {_REMEDY}"))
            continue
        with (folder / path).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digests.get(path) != digest:
            remedy = f"differs from {_CHECKSUMS}: changed after the run wrote it; {_REMEDY}"
            faults.append(Fault(str(folder / path), None, "", "", remedy))
    return faults
