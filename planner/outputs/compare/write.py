"""Write a comparison: page, GeoPackage, tables."""

from pathlib import Path

import pandas as pd

from planner.errors import Fault, InputError
from planner.files import replaced_folder, write_text
from planner.outputs.compare.describe import as_layers
from planner.outputs.compare.difference import Comparison
from planner.outputs.compare.page import render_page
from planner.outputs.compare.symbols import build_styles
from planner.outputs.layers.geopackage import write_geopackage
from planner.outputs.layers.tables import write_data_dictionary, write_table
from planner.plans.question import measure_of_run

PAGE_FILE = "compare.html"
GEOPACKAGE_FILE = "compare.gpkg"


def check_target(folder: Path) -> None:
    """Refuse, before any work, a folder that holds something else than a comparison.

    Raises
    ------
    InputError
        If writing there would destroy it.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError([Fault(str(folder), None, "", "", "a file stands here; choose a folder")])
    if folder.is_dir() and not (folder / PAGE_FILE).is_file() and any(folder.iterdir()):
        remedy = "folder holds something that is not a comparison; choose another or empty it"
        raise InputError([Fault(str(folder), None, "", "", remedy)])


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write a comparison into a folder; an earlier comparison there is replaced.

    Returns
    -------
    Path
        The folder, with ``compare.html``, ``compare.gpkg``, a CSV per table and
        ``data_dictionary.csv``. The same runs and versions give the same bytes.

    Raises
    ------
    InputError
        If the folder holds something else.
    """
    folder = folder.resolve()
    check_target(folder)
    with replaced_folder(folder) as partial:
        _write_files(comparison, partial)
    return folder


def _write_files(comparison: Comparison, folder: Path) -> None:
    layers = as_layers(comparison.tables, measure_of_run(comparison.base.run).unit)
    runs = (comparison.base.run, comparison.other.run)
    parents = [str(run["run_id"]) for run in runs if "run_id" in run]
    metadata = {
        "TITLE": f"{comparison.base.label} and {comparison.other.label}",
        "ABSTRACT": "Two runs side by side; a change is the other run minus the base. "
        + " ".join(comparison.notes),
        **({"PARENT_RUN": "; ".join(parents)} if parents else {}),
        "ATTRIBUTION": str(comparison.base.scenario.get("attribution", "")),
    }
    geopackage = folder / GEOPACKAGE_FILE
    write_geopackage(geopackage, layers, build_styles(layers), metadata, lambda line: None)
    for name, layer in layers.items():
        frame = pd.DataFrame(layer.frame).drop(columns="geometry", errors="ignore")
        write_table(folder / f"{name}.csv", frame)
    write_data_dictionary(folder / "data_dictionary.csv", layers)
    write_text(folder / PAGE_FILE, render_page(comparison))
