"""Check one table against its specification: every fault, and the columns converted."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from planner.errors import Fault
from planner.instance.tables import COLOUR_PATTERN, QUARTER_PATTERN, Column, Kind, Table

MAX_FAULTS_SHOWN = 5
"""Faults of one kind in one column that are shown; the rest are counted."""

_TRUE, _FALSE = ("true", "True", "TRUE", "1"), ("false", "False", "FALSE", "0")


def check_table(
    frame: pd.DataFrame, table: Table, file: str, first_row: int
) -> tuple[pd.DataFrame | None, list[Fault]]:
    """Check one table against its specification and convert its columns.

    Parameters
    ----------
    frame : DataFrame
        As read; text cells where the file has no types.
    table : Table
        The specification.
    file : str
        Name that faults carry.
    first_row : int
        Number that the user knows the first record by.

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
            close = get_close_matches(str(name), known, n=1)
            ignore = f"remove it, or write it under [tables.{table.name}] ignore in scenario.toml"
            hint = f"did you mean {close[0]}?" if close else ignore
            faults.append(Fault(file, None, str(name), "", f"unknown column; {hint}"))
    missing = [
        column for column in table.columns if column.required and column.name not in frame.columns
    ]
    for column in missing:
        remedy = f"column is missing; {column.meaning}" + _unit(column)
        faults.append(Fault(file, None, column.name, "", remedy))
    present = [column for column in table.accepted if column.name in frame.columns]
    raw = frame[[column.name for column in present]].reset_index(drop=True)
    converted = pd.DataFrame(
        {column.name: _convert(raw[column.name], column) for column in present}
    )
    unreadable = {
        column.name: raw[column.name].notna() & converted[column.name].isna() for column in present
    }
    for column in present:
        rows = np.flatnonzero(unreadable[column.name])
        remedy = f"must be of type {column.kind}" + _unit(column)
        faults += limited_faults(file, column.name, raw[column.name], rows, first_row, remedy)
    try:
        _schema(present).validate(converted, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        for (name, check), group in cases.groupby(["column", "check"], sort=False):
            rows = np.sort(group["index"].to_numpy(dtype=np.int64))
            rows = rows[~unreadable[name].to_numpy()[rows]]
            remedy = "cell is empty; fill it in" if check == "not_nullable" else str(check)
            faults += limited_faults(file, name, raw[name], rows, first_row, remedy)
    faults += _duplicate_keys(converted, table, file, first_row)
    return (None if missing else converted), faults


def _unit(column: Column) -> str:
    return f" [{column.unit}]" if column.unit else ""


def _convert(values: pd.Series, column: Column) -> pd.Series:
    if column.kind in (Kind.TEXT, Kind.QUARTER, Kind.COLOUR):
        if values.dtype.kind == "f" and (values.dropna() % 1 == 0).all():
            values = values.astype("Int64")  # a GIS keeps whole ids as 230100.0
        text = values.astype("str")
        return text.where(values.notna())
    if column.kind is Kind.FLAG:
        flags = values.astype("str").map(dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False))
        return flags.astype("boolean")
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    numbers = numbers.where(np.isfinite(numbers))
    if column.kind is Kind.INTEGER:
        whole = numbers.where(numbers == np.floor(numbers))
        return whole.astype("Int64") if whole.isna().any() else whole.astype(np.int64)
    return numbers


def _schema(columns: Sequence[Column]) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(
        {
            column.name: pa.Column(
                None, checks=list(_checks(column)), nullable=column.nullable, coerce=False
            )
            for column in columns
        }
    )


def _checks(column: Column) -> Iterable[pa.Check]:
    if column.choices:
        choices = ", ".join(column.choices)
        yield pa.Check.isin(column.choices, error=f"unknown value; use one of: {choices}")
    if column.kind is Kind.QUARTER:
        yield pa.Check.str_matches(f"^{QUARTER_PATTERN}$", error="write a quarter such as 2027Q4")
    if column.kind is Kind.COLOUR:
        yield pa.Check.str_matches(f"^{COLOUR_PATTERN}$", error="write a colour such as #0072b2")
    if column.low is not None:
        remedy = f"must be at least {column.low:g}" + _unit(column)
        if column.name in ("lon", "lat"):
            remedy += "; are lon and lat swapped?"
        yield pa.Check.ge(column.low, error=remedy)
    if column.high is not None:
        remedy = f"must be at most {column.high:g}" + _unit(column)
        if column.name in ("lon", "lat"):
            remedy += "; are lon and lat swapped?"
        yield pa.Check.le(column.high, error=remedy)


def limited_faults(
    file: str, column: str, values: pd.Series, rows: Any, first_row: int, remedy: str
) -> list[Fault]:
    """Faults for the first of ``rows`` (positions), and one that counts the rest."""
    faults = [
        Fault(file, int(row) + first_row, column, _shown(values.iloc[row]), remedy)
        for row in rows[:MAX_FAULTS_SHOWN]
    ]
    if len(rows) > MAX_FAULTS_SHOWN:
        more = f"and {len(rows) - MAX_FAULTS_SHOWN} more rows: {remedy}"
        faults.append(Fault(file, None, column, "", more))
    return faults


def _shown(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _duplicate_keys(frame: pd.DataFrame, table: Table, file: str, first_row: int) -> list[Fault]:
    if not set(table.key) <= set(frame.columns):
        return []
    key = frame[list(table.key)]
    rows = np.flatnonzero(key.duplicated() & key.notna().all(axis=1))
    shown = key.astype("str").agg(" / ".join, axis=1) if len(rows) else key[table.key[0]]
    remedy = "stands in an earlier row already; keys are unique"
    return limited_faults(file, " + ".join(table.key), shown, rows, first_row, remedy)
