"""Comma-separated tables that a spreadsheet opens without running what stands in them."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.outputs.layers.layer import Layer

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_DECIMALS = 6
_AS_WRITTEN = {"nan": "", "-0": "0"}


def write_table(path: Path, frame: pd.DataFrame, *, with_bom: bool = False) -> None:
    """Write a frame as CSV: UTF-8, lines end in LF, missing values are empty cells.

    Text that a spreadsheet would take for a formula gets an apostrophe in front. Numbers
    keep at most six decimals, so that the last bits of a sum do not change the file.
    """
    columns = [_format_cells(frame[column]) for column in frame.columns]
    with path.open("w", encoding="utf-8-sig" if with_bom else "utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(frame.columns)
        writer.writerows(zip(*columns, strict=True))


def write_data_dictionary(path: Path, layers: dict[str, Layer]) -> None:
    """Write what every column of every layer and table means."""
    rows = [
        (layer.name, column.name, column.title, column.description)
        for layer in layers.values()
        for column in layer.columns
    ]
    write_table(path, pd.DataFrame(rows, columns=["layer", "column", "title", "description"]))


def _format_cells(column: "pd.Series[Any]") -> list[str]:
    cells = column.tolist()
    if column.dtype == np.float64:
        return _format_floats(cells)
    if column.dtype == np.int64:
        return list(map(str, cells))
    if not isinstance(column.dtype, pd.StringDtype):
        return list(map(_format_cell, cells))
    told = {cell: _format_cell(cell) for cell in set(cells)}  # many rows name the same few
    return [told[cell] for cell in cells]


def _format_cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _format_floats([value])[0]
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    text = str(value)
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def _format_floats(values: list[float]) -> list[str]:
    texts = [f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".") for value in values]
    return [_AS_WRITTEN.get(text, text) for text in texts]
