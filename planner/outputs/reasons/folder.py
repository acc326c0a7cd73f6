"""A folder of tables: page, GeoPackage, Parquet and CSV twins, data dictionary, JSON."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from planner.errors import Fault, InputError
from planner.files import replaced_folder, write_json, write_text
from planner.outputs.layers.geopackage import write_geopackage
from planner.outputs.layers.layer import Layer
from planner.outputs.layers.parquet import write_parquet
from planner.outputs.layers.tables import write_data_dictionary, write_table
from planner.outputs.reasons.about import About
from planner.outputs.reasons.layers import build_styles
from planner.outputs.run_json import without_infinity


def check_target(folder: Path, stem: str) -> None:
    """Refuse, before any work, a folder that holds something else.

    Parameters
    ----------
    folder : Path
        Where to write.
    stem : str
        ``alternatives`` or ``frontier``.

    Raises
    ------
    InputError
        If writing there would destroy what stands in it.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError([Fault(str(folder), None, "", "", "a file stands here; choose a folder")])
    if folder.is_dir() and not (folder / f"{stem}.html").is_file() and any(folder.iterdir()):
        remedy = f"folder holds something else than {stem}; choose another or empty it"
        raise InputError([Fault(str(folder), None, "", "", remedy)])


def as_json(tables: Mapping[str, pd.DataFrame], about: About) -> dict[str, Any]:
    """Tables as rows, with the unit and sense of the objective; what is not known is null."""
    rows = {
        name: frame.drop(columns="geometry", errors="ignore").to_dict("records")
        for name, frame in tables.items()
    }
    found = {
        "name": about.name,
        "parent_run": about.parent_run or None,
        "unit": about.unit,
        "sense": about.measure.sense,
        "notes": list(about.notes),
        **rows,
    }
    plain: dict[str, Any] = without_infinity(_plain(found))
    return plain


def _plain(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_plain(value) for value in content]
    if content is None or content is pd.NA:
        return None
    # Figures of numpy become Python's.
    return content.item() if hasattr(content, "item") else content


def write_folder(
    folder: Path,
    stem: str,
    about: About,
    layers: dict[str, Layer],
    page: str,
    document: Mapping[str, Any],
    more: Callable[[Path], None] = lambda _: None,
) -> Path:
    """Write all of it; an earlier folder of the kind is replaced.

    Parameters
    ----------
    folder : Path
        Where to write.
    stem : str
        Name of page, GeoPackage and JSON.
    about : About
        What it is about.
    layers : dict of str to Layer
        Layers and tables.
    page : str
        HTML.
    document : mapping
        Content of the JSON file.
    more : callable
        Writes further files into the folder that is given to it.

    Returns
    -------
    Path
        The folder.
    """
    folder = folder.resolve()
    check_target(folder, stem)
    metadata = {
        "TITLE": about.title,
        "ABSTRACT": " ".join(about.notes) or f"{stem.capitalize()} of {about.name}.",
        "SCENARIO": about.name,
        **({"PARENT_RUN": about.parent_run} if about.parent_run else {}),
        "ATTRIBUTION": about.attribution,
    }
    with replaced_folder(folder) as partial:
        write_geopackage(
            partial / f"{stem}.gpkg", layers, build_styles(layers), metadata, lambda _: None
        )
        for name, layer in layers.items():
            write_parquet(partial / f"{name}.parquet", layer, metadata)
            frame = pd.DataFrame(layer.frame).drop(columns="geometry", errors="ignore")
            write_table(partial / f"{name}.csv", frame)
        write_data_dictionary(partial / "data_dictionary.csv", layers)
        write_json(partial / f"{stem}.json", document)
        write_text(partial / f"{stem}.html", page)
        more(partial)
    return folder
