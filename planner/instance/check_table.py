"""Check one table against its specification: every fault, and the columns converted."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import BoolArray, IntArray
from planner.errors import Fault
from planner.instance.cells import (
    CONTROL,
    EXACT_BELOW,
    as_numbers,
    control_name,
    plain_cells,
)
from planner.instance.layer import row_faults
from planner.instance.names import nearest
from planner.instance.tables import COLOUR_PATTERN, QUARTER_PATTERN, Column, Kind, Table
from planner.instance.texts import is_ascending, is_plain

_TRUE, _FALSE = ("true", "True", "TRUE", "1"), ("false", "False", "FALSE", "0")


def check_table(
    frame: pd.DataFrame, table: Table, file: str
) -> tuple[pd.DataFrame | None, list[Fault]]:
    """Check one table against its specification and convert its columns.

    Parameters
    ----------
    frame : DataFrame
        As read; text cells where the file has no types. The index holds the numbers that the
        user knows the rows by.
    table : Table
        The specification.
    file : str
        Name that faults carry.

    Returns
    -------
    frame : DataFrame or None
        With converted columns; None if a fault makes the table useless for further checks.
    faults : list of Fault
        All of them, in column order.
    """
    known = [column.name for column in table.accepted]
    faults = []
    for name in frame.columns:
        if name not in known:
            close = nearest(str(name), known)
            ignore = f"remove it, or write it under [tables.{table.name}] ignore in scenario.toml"
            hint = f"did you mean {close}?" if close else ignore
            faults.append(Fault(file, None, str(name), "", f"unknown column; {hint}"))
    missing = [
        column for column in table.columns if column.required and column.name not in frame.columns
    ]
    for column in missing:
        remedy = f"column is missing; {column.meaning}" + _unit(column)
        faults.append(Fault(file, None, column.name, "", remedy))
    present = [column for column in table.accepted if column.name in frame.columns]
    raw = frame[[column.name for column in present]]
    converted = pd.DataFrame(
        {column.name: _convert(raw[column.name], column) for column in present}, index=raw.index
    )
    unreadable = {
        column.name: (raw[column.name].notna() & converted[column.name].isna()).to_numpy()
        for column in present
    }
    for column in present:
        rows = np.flatnonzero(unreadable[column.name])
        remedy = f"must be of type {column.kind}" + _unit(column)
        faults += row_faults(file, table, raw, rows, column.name, remedy)
        if column.kind is Kind.TEXT:
            faults += _control_characters(converted, column.name, table, file)
    for column in present:
        for remedy, rows in _broken_rules(converted[column.name], column, unreadable[column.name]):
            faults += row_faults(file, table, raw, rows, column.name, remedy)
    faults += _duplicate_keys(converted, table, file)
    return (None if missing else converted), faults


def _control_characters(frame: pd.DataFrame, column: str, table: Table, file: str) -> list[Fault]:
    """Cells that hold what no program shows, by the character's name."""
    if is_plain(frame[column]) or not CONTROL.search("".join(frame[column].dropna().tolist())):
        return []
    found = frame[column].astype(object).map(_first_control)
    return [
        fault
        for character in sorted(set(found.dropna()))
        for fault in row_faults(
            file, table, frame, np.flatnonzero(found == character), column,
            f"holds the control character {character}; remove it",
        )
    ]  # fmt: skip


def _first_control(value: Any) -> str | None:
    found = CONTROL.search(value) if isinstance(value, str) else None
    return control_name(found[0]) if found else None


def _unit(column: Column) -> str:
    return f" [{column.unit}]" if column.unit else ""


def _convert(values: pd.Series, column: Column) -> pd.Series:
    values = plain_cells(values)
    if column.kind in (Kind.TEXT, Kind.QUARTER, Kind.COLOUR):
        return _as_text(values)
    if column.kind is Kind.FLAG:
        flags = _as_text(values).map(
            dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False), na_action="ignore"
        )
        return flags.astype("boolean")
    numbers = as_numbers(values)
    if column.kind is Kind.NUMBER:
        return numbers.astype(np.float64)
    if numbers.dtype.kind == "u":
        numbers = numbers.where(numbers < 2**63) if (numbers >= 2**63).any() else numbers
    if numbers.dtype.kind == "f":
        numbers = numbers.where((numbers == np.floor(numbers)) & (numbers.abs() <= EXACT_BELOW))
    return numbers.astype("Int64") if numbers.isna().any() else numbers.astype(np.int64)


def _as_text(values: pd.Series) -> pd.Series:
    if values.dtype == "str":
        return values
    if values.dtype.kind == "f":  # a GIS keeps whole ids as 230100.0
        exact = values.where(values.abs() <= EXACT_BELOW)
        if (exact.dropna() % 1 == 0).all():
            values = exact.astype("Int64")
    return values.astype("str").where(values.notna())


def _broken_rules(
    values: pd.Series, column: Column, is_unreadable: BoolArray
) -> Iterator[tuple[str, IntArray]]:
    """What to do about a column's cells, and the rows in which it is to be done."""
    is_empty = values.isna().to_numpy()
    if not column.nullable:
        yield "cell is empty; fill it in", np.flatnonzero(is_empty & ~is_unreadable)
    for remedy, keeps in _rules(column):
        yield remedy, np.flatnonzero(~keeps(values).fillna(False).to_numpy(bool) & ~is_empty)


def _rules(column: Column) -> Iterator[tuple[str, Callable[[pd.Series], "pd.Series[bool]"]]]:
    """What to do about a value that breaks a rule, and which values keep it."""
    low, high = column.low, column.high
    if column.choices:
        choices = ", ".join(column.choices)
        yield f"unknown value; use one of: {choices}", lambda values: values.isin(column.choices)
    if column.kind is Kind.QUARTER:
        quarter = f"^{QUARTER_PATTERN}$"
        yield "write a quarter such as 2027Q4", lambda values: values.str.match(quarter)
    if column.kind is Kind.COLOUR:
        colour = f"^{COLOUR_PATTERN}$"
        yield "write a colour such as #0072b2", lambda values: values.str.match(colour)
    swapped = "; are lon and lat swapped?" if column.name in ("lon", "lat") else ""
    if low is not None:
        remedy = f"must be at least {low:g}{_unit(column)}{swapped}"
        yield remedy, lambda values: values >= low
    if high is not None:
        remedy = f"must be at most {high:g}{_unit(column)}{swapped}"
        yield remedy, lambda values: values <= high


def _ascends(values: pd.Series) -> bool:
    """Whether all values are there and each is above the one before; False may mean unknown."""
    if values.dtype == "str":
        return is_ascending(values)
    numbers = values.to_numpy() if values.dtype.kind in "iu" else None
    return isinstance(numbers, np.ndarray) and bool((numbers[1:] > numbers[:-1]).all())


def _duplicate_keys(frame: pd.DataFrame, table: Table, file: str) -> list[Fault]:
    needed = list(table.least_key)
    if not set(needed) <= set(frame.columns):
        return []
    key = frame[table.key_in(frame.columns)]
    if key.shape[1] == 1 and _ascends(key.iloc[:, 0]):
        return []
    rows = np.flatnonzero(key.duplicated() & key[needed].notna().all(axis=1))
    shown = key[table.key[0]]
    if len(rows):
        parts = key.astype("str").fillna("").itertuples(index=False)
        shown = pd.Series([" / ".join(filter(None, row)) for row in parts], index=key.index)
    remedy = "stands in an earlier row already; keys are unique"
    return row_faults(file, table, frame, rows, " + ".join(key.columns), remedy, shown)
