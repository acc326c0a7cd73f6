"""Layers and tables of a finished run, read from its Parquet files."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from planner.errors import Fault, InputError
from planner.outputs.layers.columns import WrittenColumn
from planner.outputs.layers.describe import DATA_PACKAGE
from planner.outputs.layers.geopackage import styled_layer
from planner.outputs.layers.layer import Layer

STYLES_FILE = Path("layers/styles.json")
"""Styles of the layers, in runs without a GeoPackage."""


@dataclass(frozen=True)
class RunFiles:
    """What a run's ``datapackage.json`` tells.

    Attributes
    ----------
    folder : Path
        The run folder.
    run_info : dict of str to str
        Particulars of the run.
    resources : dict of name to dict
        Its layers and tables, in the order written.
    """

    folder: Path
    run_info: dict[str, str]
    resources: dict[str, dict[str, Any]]

    def has_geometry(self, name: str) -> bool:
        """Whether a layer can be drawn, or is a plain table."""
        return self.resources[name]["geometry_type"] is not None


def open_run(folder: Path) -> RunFiles:
    """Find the layers and tables of a run folder.

    Raises
    ------
    InputError
        If the folder holds no finished run, or one written by another version.
    """
    if not (folder / "DONE").is_file():
        remedy = "not a finished run: the folder has no file DONE; give one that `planner run` left"
        raise InputError([Fault(str(folder), None, "", "", remedy)])
    path = folder / DATA_PACKAGE
    if not path.is_file():
        remedy = "the run has no such file; run the instance again with this version of planner"
        raise InputError([Fault(str(path), None, "", "", remedy)])
    package = json.loads(path.read_text(encoding="utf-8"))
    resources = {
        resource["name"]: resource
        for resource in package["resources"]
        if resource["format"] == "parquet"
    }
    return RunFiles(folder, package["run_info"], resources)


def read_layer(run: RunFiles, name: str) -> Layer:
    """Read one layer or table with what is known of its columns."""
    resource = run.resources[name]
    path = run.folder / resource["path"]
    frame = gpd.read_parquet(path) if run.has_geometry(name) else pd.read_parquet(path)
    columns = tuple(
        WrittenColumn(field["name"], field["name"], field["title"], field["description"])
        for field in resource["schema"]["fields"]
    )
    return Layer(
        name,
        resource["description"],
        frame,
        columns,
        resource["geometry_type"],
        resource["cell_resolution"],
    )


def read_styles(run: RunFiles, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """QML document and description of each style of some layers, from the run's GeoPackage.

    A run without one has them in a file of their own.
    """
    if not (run.folder / "plan.gpkg").is_file():
        stored = json.loads((run.folder / STYLES_FILE).read_text(encoding="utf-8"))
        return {
            style: (qml, text)
            for style, (qml, text) in stored.items()
            if styled_layer(style) in names
        }
    address = f"{(run.folder / 'plan.gpkg').resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        rows = connection.execute(
            "SELECT styleName, styleQML, description FROM layer_styles ORDER BY id"
        ).fetchall()
    return {style: (qml, text) for style, qml, text in rows if styled_layer(style) in names}
