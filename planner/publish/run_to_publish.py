"""What is published: a finished run's layers and tables, under a name, for a database."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import parquet
from pyproj import CRS

from planner.errors import Fault, InputError
from planner.outputs.layers.columns import safe_name
from planner.outputs.layers.describe import dataset_metadata
from planner.outputs.layers.export import parse_crs, project_layer
from planner.outputs.layers.frames import whole_layers
from planner.outputs.layers.read_back import RunFiles, open_run, read_layer, read_styles
from planner.publish.tables import PublishedTable, parent_of, published_table

MOST_NAME_CHARACTERS = 30
"""Of the name that a run is published as: PostgreSQL's names end at 63 with the layer's behind."""
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{MOST_NAME_CHARACTERS - 1}}}")
_KEY_CHARACTERS = 12
_FORM = "1"
"""Counts up when the tables of the same run look different, so that they are written anew."""


@dataclass(frozen=True)
class RunToPublish:
    """A run and how it shall stand in the database.

    Attributes
    ----------
    files : RunFiles
        The run folder.
    key : str
        Of its content and reference system: the same plan has the same key.
    name : str
        Its tables are called ``NAME__LAYER``.
    layers : tuple of str
        Those chosen, in the run's order.
    srid : int
        EPSG code of the shapes.
    described : dict
        ``run.json``.
    """

    files: RunFiles
    key: str
    name: str
    layers: tuple[str, ...]
    srid: int
    described: dict[str, Any]

    def table(self, layer: str) -> PublishedTable:
        """Read one layer and shape it."""
        crs = CRS.from_epsg(self.srid)
        projected = project_layer(read_layer(self.files, layer), crs)
        metadata = dataset_metadata(self.files.run_info, crs=f"EPSG:{self.srid}")
        return published_table(whole_layers({layer: projected})[layer], metadata)

    def parent(self, layer: str) -> str:
        """Table of all runs that a layer goes to."""
        return parent_of(layer, self.files.resources[layer]["geometry_type"])

    def num_rows(self, layer: str) -> int:
        """Rows of a layer."""
        path = self.files.folder / self.files.resources[layer]["path"]
        return int(parquet.read_metadata(path).num_rows)

    def styles(self) -> dict[str, tuple[str, str]]:
        """QML and description of each style of the chosen layers."""
        return read_styles(self.files, self.layers)


def run_to_publish(
    folder: Path, *, name: str | None = None, layers: Sequence[str] = (), crs: str = "EPSG:4326"
) -> RunToPublish:
    """Open a run folder for publishing.

    Parameters
    ----------
    folder : Path
        What `planner run` left.
    name : str, optional
        What its tables are called after; the scenario's name if left out.
    layers : sequence of str
        Layers and tables; all if empty.
    crs : str
        An EPSG code.

    Raises
    ------
    InputError
        If the folder holds no finished run, or its files are not those that were written, or
        name, layers or reference system cannot be used.
    """
    run = open_run(folder)
    lost = [name for name in ("checksums.txt", "run.json") if not (folder / name).is_file()]
    if lost:
        remedy = "is missing; run the instance again"
        raise InputError([Fault(str(folder / name), None, "", "", remedy) for name in lost])
    faults = _faults_of_files(run)
    unknown = [layer for layer in layers if layer not in run.resources]
    for layer in unknown:
        remedy = f"the run has no such layer; it has {', '.join(run.resources)}"
        faults.append(Fault("--layers", None, "", layer, remedy))
    given = name if name is not None else _name_of(run.run_info.get("name", "plan"))
    if not _NAME.fullmatch(given):
        remedy = (
            f"must be lower-case letters, digits and _, begin with a letter and have "
            f"{MOST_NAME_CHARACTERS} characters at most"
        )
        faults.append(Fault("--as", None, "", given, remedy))
    srid = parse_crs(crs).to_epsg()
    if srid is None:
        remedy = "has no EPSG code, by which PostGIS knows reference systems"
        faults.append(Fault("--crs", None, "", crs, remedy))
    if faults or srid is None:
        raise InputError(faults)
    chosen = tuple(each for each in run.resources if not layers or each in layers)
    described = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return RunToPublish(run, _key_of(run, srid), given, chosen, srid, described)


def _name_of(scenario: str) -> str:
    name = safe_name(scenario)
    return (name if name[:1].isalpha() else f"run_{name}")[:MOST_NAME_CHARACTERS].rstrip("_")


def _key_of(run: RunFiles, srid: int) -> str:
    hashes = _stated_hashes(run)
    content = [hashes[resource["path"]] for resource in run.resources.values()]
    text = json.dumps([_FORM, srid, list(run.resources), content])
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_CHARACTERS]


def _stated_hashes(run: RunFiles) -> dict[str, str]:
    lines = (run.folder / "checksums.txt").read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def _faults_of_files(run: RunFiles) -> list[Fault]:
    """Files that are not those that the run left."""
    stated = _stated_hashes(run)
    faults = []
    for resource in run.resources.values():
        path = run.folder / resource["path"]
        if not path.is_file():
            faults.append(Fault(str(path), None, "", "", "is missing; run the instance again"))
            continue
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != stated.get(resource["path"]):
            remedy = "is not the file that the run left (checksums.txt); run the instance again"
            faults.append(Fault(str(path), None, "", "", remedy))
    return faults
