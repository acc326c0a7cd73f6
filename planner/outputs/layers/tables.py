"""Comma-separated tables that a spreadsheet opens without running what stands in them."""

import math
from pathlib import Path

import pandas as pd

from planner.outputs.layers.layer import Layer

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_DECIMALS = 6


def write_table(path: Path, frame: pd.DataFrame, *, with_bom: bool = False) -> None:
    """Write a frame as CSV: UTF-8, lines end in LF, missing values are empty cells.

    Text that a spreadsheet would take for a formula gets an apostrophe in front. Numbers
    keep at most six decimals, so that the last bits of a sum do not change the file.
    """
    cells = {column: _format_cells(frame[column]) for column in frame.columns}
    pd.DataFrame(cells, columns=frame.columns, dtype=object).to_csv(
        path, index=False, encoding="utf-8-sig" if with_bom else "utf-8", lineterminator="\n"
    )


def write_data_dictionary(path: Path, layers: dict[str, Layer]) -> None:
    """Write what every column of every layer and table means."""
    rows = [
        (layer.name, column.name, column.title, column.description)
        for layer in layers.values()
        for column in layer.columns
    ]
    write_table(path, pd.DataFrame(rows, columns=["layer", "column", "title", "description"]))


def _format_cells(column: "pd.Series[float]") -> list[str]:
    return [_format_cell(value) for value in column.tolist()]


def _format_cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _format_float(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    text = str(value)
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def _format_float(value: float) -> str:
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return str(value)
    text = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
