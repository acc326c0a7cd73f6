"""Columns of an instance's tables, multiplied."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import pandas as pd

from planner.errors import Fault, InputError
from planner.instance.check_table import check_table
from planner.instance.layer import numbered
from planner.instance.names import suggest
from planner.instance.notes import Note, with_notes
from planner.instance.read import Instance
from planner.instance.settings.scale import Scale
from planner.instance.tables import TABLES, Kind


def scale_faults(scale: Scale) -> list[str]:
    """What is wrong with a scale whatever the tables hold: names that the format does not know."""
    if scale.table not in TABLES:
        return [f"no table is called {scale.table}; {suggest(scale.table, list(TABLES))}"]
    columns = {column.name: column for column in TABLES[scale.table].columns}
    faults = [
        f"{scale.table} has no column {name}; {suggest(name, list(columns))}"
        for name in (scale.column, *scale.where)
        if name not in columns
    ]
    if not faults and columns[scale.column].kind not in (Kind.NUMBER, Kind.INTEGER):
        faults.append(f"{scale.table}.{scale.column} is not a number")
    return faults


def match_faults(scale: Scale, frame: pd.DataFrame) -> list[str]:
    """What is wrong with a scale for a given table: a column or rows that it does not have."""
    faults = [
        f"column {name} is not in the table"
        for name in (scale.column, *scale.where)
        if name not in frame.columns
    ]
    if faults:
        return faults
    for name, wanted in scale.where.items():
        present = sorted(frame[name].astype(str).unique())
        for value in [wanted] if isinstance(wanted, str) else wanted:
            if value not in present:
                close = get_close_matches(value, present, n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                faults.append(f"no row has {name} = {value}{hint}")
    if not faults and not _rows(scale, frame).any():
        faults.append("no row has all of these values")
    return faults


def scale_tables(
    instance: Instance, scales: Sequence[Scale], source: str = "set in the study"
) -> Instance:
    """An instance with columns multiplied, in order, each listed among its assumptions.

    Parameters
    ----------
    instance : Instance
    scales : sequence of Scale
    source : str
        Who says so, for the assumptions.

    Raises
    ------
    InputError
        If a column or the rows are not there, or a product is out of the column's bounds.
    """
    tables: dict[str, pd.DataFrame] = {}
    faults, notes = [], []
    for scale in scales:
        frame = tables.get(scale.table, getattr(instance, scale.table))
        wrong = match_faults(scale, frame)
        faults += [Fault(scale.table, None, scale.column, "", remedy) for remedy in wrong]
        if wrong:
            continue
        rows = _rows(scale, frame)
        numbers = frame[scale.column].astype(float)
        scaled = numbers.where(~rows, numbers * scale.factor)
        if frame[scale.column].dtype.kind != "f":
            scaled = scaled.round().astype(frame[scale.column].dtype)
        tables[scale.table] = frame.assign(**{scale.column: scaled})
        notes.append(Note(scale.place, f"x {scale.factor:g} ({rows.sum()} rows)", "set", source))
    for name, frame in tables.items():
        table = TABLES[name]
        known = [column.name for column in table.columns if column.name in frame.columns]
        faults += check_table(numbered(frame[known]), table, f"{name}, scaled")[1]
    if faults:
        raise InputError(faults)
    tables["assumptions"] = with_notes(instance.assumptions, notes)
    changes: dict[str, Any] = {**tables}
    return replace(instance, **changes)


def _rows(scale: Scale, frame: pd.DataFrame) -> "pd.Series[bool]":
    rows = pd.Series(True, index=frame.index)
    for name, wanted in scale.where.items():
        rows &= frame[name].astype(str).isin([wanted] if isinstance(wanted, str) else wanted)
    return rows
