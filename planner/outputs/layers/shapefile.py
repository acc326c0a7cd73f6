"""Shapefiles: names of ten characters, a list of what they stand for, texts of 254 bytes."""

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pyogrio
from pandas.api.types import is_bool_dtype, is_string_dtype

from planner.errors import Fault, InputError
from planner.outputs.layers.layer import Layer
from planner.outputs.phases import DATE

SHAPEFILE_NAMES = "shapefile_names.csv"

_NAME_LENGTH = 10
_TEXT_BYTES = 254


def shapefile_names(columns: Sequence[str]) -> dict[str, str]:
    """Names of at most ten characters for a Shapefile, different from each other.

    Those of the package's list are the same in every layer; others are cut word by word.

    >>> shapefile_names(["site_id", "car_owning_households", "seats_per_bay_frac"])
    {'site_id': 'site_id', 'car_owning_households': 'car_hhs', 'seats_per_bay_frac': 'se_pe_ba_f'}
    """
    # What needs no other name keeps its own.
    known = {column: _listed().get(column, column) for column in columns}
    names = {column: name for column, name in known.items() if len(name) <= _NAME_LENGTH}
    for column in columns:
        if column in names:
            continue
        short = _shorten(column)
        number, unlike = 0, short
        while unlike in names.values():
            number += 1
            unlike = short[: _NAME_LENGTH - len(str(number))] + str(number)
        names[column] = unlike
    return {column: names[column] for column in columns}


def write_shapefile(folder: Path, layer: Layer) -> pd.DataFrame:
    """Write a layer as a Shapefile.

    Returns
    -------
    DataFrame
        What its names stand for: ``layer, shapefile_name, column, title, description``.

    Raises
    ------
    InputError
        If a text is too long for the format.
    """
    plain = layer.frame.drop(columns="geometry")
    names = shapefile_names(list(plain.columns))
    flags = {name: "int8" for name in plain.columns if is_bool_dtype(plain[name])}
    _refuse_long_texts(layer.name, plain)
    pyogrio.write_dataframe(
        layer.frame.astype(flags).rename(columns=names), folder / f"{layer.name}.shp",
        driver="ESRI Shapefile", encoding="UTF-8", geometry_type=layer.geometry_type,
        layer_options={"RESIZE": "YES"}, use_arrow=bool((plain.dtypes == DATE).any()),
    )  # fmt: skip
    rows = [
        (layer.name, names[column.name], column.name, column.title, column.description)
        for column in layer.columns
    ]
    return pd.DataFrame(rows, columns=["layer", "shapefile_name", "column", "title", "description"])


def _shorten(name: str) -> str:
    """Beginnings of a name's words: the last of them is its unit, so all of them count."""
    words = name.split("_")
    joint = "_" if 2 * len(words) - 1 <= _NAME_LENGTH else ""
    room = _NAME_LENGTH - len(joint) * (len(words) - 1)
    letters = [0] * len(words)
    while room > 0:
        for number, word in enumerate(words):
            if room > 0 and letters[number] < len(word):
                letters[number] += 1
                room -= 1
    return joint.join(word[:kept] for word, kept in zip(words, letters, strict=True))


def _refuse_long_texts(layer: str, frame: pd.DataFrame) -> None:
    faults = []
    for name in frame.columns:
        if not is_string_dtype(frame[name]):
            continue
        longest = frame[name].dropna().map(lambda text: len(text.encode())).max()
        if longest > _TEXT_BYTES:
            remedy = f"a Shapefile cuts texts at {_TEXT_BYTES} bytes; take gpkg"
            faults.append(Fault(layer, None, name, f"text of {longest} bytes", remedy))
    if faults:
        raise InputError(faults)


@cache
def _listed() -> Mapping[str, str]:
    text = (files("planner.outputs.layers") / "shapefile_names.csv").read_text(encoding="utf-8")
    return {row["column"]: row["shapefile_name"] for row in csv.DictReader(text.splitlines())}
