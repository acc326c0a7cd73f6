"""From the columns of a file to those of the instance format: names, constants, marks, units."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.errors import Fault
from planner.instance.cells import (
    SPACES,
    as_numbers,
    plain_cells,
    trimmed,
    trimmed_cells,
)
from planner.instance.layer import Layer, row_faults
from planner.instance.notes import Note
from planner.instance.settings.sources import TableSource
from planner.instance.tables import Kind, Table

SHAPEFILE_NAME_LENGTH = 10
_SET = ("set", "set in scenario.toml")
_POINTED = r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?"
_WITH_COMMA = r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?"
_THOUSANDS = r"[+-]?[1-9]\d{0,2}(?:,\d{3})+"


def format_columns(
    layer: Layer, table: Table, source: TableSource, *, cuts_names: bool = False
) -> tuple[Layer, list[Fault]]:
    """Bring a file's columns to the instance format.

    Columns are left away and renamed, names cut by Shapefile as well; spaces around values go, and
    with them rows that hold nothing else; decimal commas become points; constant columns are added
    and numbers multiplied by their factors.

    Parameters
    ----------
    layer : Layer
        As read.
    table : Table
        The specification.
    source : TableSource
        What the scenario file says of names, constants, decimal mark and factors.
    cuts_names : bool
        Whether the file's format cuts names to ten characters, as Shapefile does.

    Returns
    -------
    layer : Layer
        With notes of what was assumed.
    faults : list of Fault
        Of names, constants, marks and factors; cells are not looked at.
    """
    frame, faults = _name_columns(layer, table, source, cuts_names)
    frame, notes = _trim(frame, layer.label)
    layer = _without_blank_rows(replace(layer, frame=frame))
    frame = layer.frame
    numeric = [
        column.name
        for column in table.accepted
        if column.kind in (Kind.INTEGER, Kind.NUMBER) and column.name in frame.columns
    ]
    frame, decimal_notes, decimal_faults = _point_decimals(frame, numeric, layer, table, source)
    frame, own_notes, own_faults = _constants_and_factors(frame, layer, table, source)
    notes = (*layer.notes, *notes, *decimal_notes, *own_notes)
    return replace(layer, frame=frame, notes=notes), [*faults, *decimal_faults, *own_faults]


def _name_columns(
    layer: Layer, table: Table, source: TableSource, cuts_names: bool
) -> tuple[pd.DataFrame, list[Fault]]:
    setting = f"tables.{table.name}"
    frame = layer.frame.set_axis([trimmed(str(name)) or "" for name in layer.frame.columns], axis=1)
    present = list(frame.columns)
    faults = [
        Fault(layer.label, None, name, "", f"no such column; scenario.toml names it in {setting}")
        for name in (*source.columns, *source.ignore)
        if name not in present
    ]
    frame = frame.loc[:, ~frame.columns.isin(source.ignore)]
    names = dict(source.columns)
    if cuts_names:
        known = [column.name for column in table.accepted]
        for name in frame.columns:
            full = [long for long in known if long[:SHAPEFILE_NAME_LENGTH] == name]
            if name not in known and name not in names and len(full) == 1:
                names[name] = full[0]
    frame = frame.rename(columns=names)
    twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    remedy = f"two columns have this name; remove or rename one, or see {setting}"
    faults += [Fault(layer.label, None, name, "", remedy) for name in twice]
    return frame.loc[:, ~frame.columns.duplicated()], faults


def _trim(frame: pd.DataFrame, label: str) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """Values without spaces around them; characters that no eye sees are told of."""
    clean, found = {}, []
    for name in frame.columns:
        given = frame[name]
        clean[name] = trimmed_cells(given)
        if clean[name] is given:
            continue
        changed = given[clean[name].notna() & (clean[name] != given)]
        num_unseen = int((trimmed_cells(changed, SPACES) != clean[name][changed.index]).sum())
        if num_unseen:
            found.append(f"{name} ({num_unseen})")
    trimmed_frame = pd.DataFrame(clean, index=frame.index)
    if not found:
        return trimmed_frame, ()
    item = f"{label}: characters that are not seen"
    value = f"removed around values of {', '.join(found)}"
    return trimmed_frame, (Note(item, value, "INF", "no-break spaces and the like"),)


def _without_blank_rows(layer: Layer) -> Layer:
    blank = layer.frame.isna().all(axis=1).to_numpy()
    if layer.geometry is not None:
        blank = blank & pd.isna(layer.geometry) & ~_or_none(layer.is_told, blank)
    if not blank.any():
        return layer
    kept = ~blank
    geometry, ids, is_told = (
        None if values is None else values[kept]
        for values in (layer.geometry, layer.feature_ids, layer.is_told)
    )
    item, value = f"{layer.label}: blank rows", f"{int(blank.sum())} skipped"
    note = Note(item, value, "INF", "no cell of them holds anything")
    return replace(
        layer, frame=layer.frame[kept], geometry=geometry, feature_ids=ids, is_told=is_told,
        notes=(*layer.notes, note),
    )  # fmt: skip


def _or_none(flags: NDArray[np.bool_] | None, like: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.zeros_like(like) if flags is None else flags


def _point_decimals(
    frame: pd.DataFrame, numeric: list[str], layer: Layer, table: Table, source: TableSource
) -> tuple[pd.DataFrame, tuple[Note, ...], list[Fault]]:
    """Decimal points for decimal commas, where all numbers that are text are written with them."""
    texts = [name for name in numeric if isinstance(frame[name].dtype, pd.StringDtype)]
    comma = _matches(frame, texts, _WITH_COMMA)
    if source.decimal == "." or not any(cells.any() for cells in comma.values()):
        return frame, (), []
    setting = f"[tables.{table.name}] decimal"
    pointed, thousands = (_matches(frame, texts, mark) for mark in (_POINTED, _THOUSANDS))
    if any(cells.any() for cells in pointed.values()):
        if source.decimal is None:
            return frame, (), []  # the cells with a comma are faults by themselves
        remedy = f'has a decimal point, though scenario.toml says {setting} = ","; make them alike'
        return frame, (), _in_cells(frame, pointed, layer, table, remedy)
    if source.decimal is None and all((comma[name] == thousands[name]).all() for name in texts):
        remedy = (
            "does the comma mark decimals or thousands? Remove it, or write "
            f'{setting} = "," into scenario.toml'
        )
        return frame, (), _in_cells(frame, comma, layer, table, remedy)
    replaced = {
        name: frame[name].where(~comma[name], frame[name].str.replace(",", ".", regex=False))
        for name in texts
    }
    how = _SET if source.decimal else ("INF", "found in the file")
    note = Note(f"{layer.label}: decimal mark", "comma", *how)
    return frame.assign(**replaced), (note,), []


def _matches(frame: pd.DataFrame, names: list[str], mark: str) -> dict[str, "pd.Series[bool]"]:
    return {name: frame[name].str.fullmatch(mark).fillna(False).astype(bool) for name in names}


def _in_cells(
    frame: pd.DataFrame, cells: Mapping[str, "pd.Series[bool]"], layer: Layer, table: Table,
    remedy: str,
) -> list[Fault]:  # fmt: skip
    return [
        fault
        for name, is_meant in cells.items()
        for fault in row_faults(layer.label, table, frame, np.flatnonzero(is_meant), name, remedy)
    ]


def _constants_and_factors(
    frame: pd.DataFrame, layer: Layer, table: Table, source: TableSource
) -> tuple[pd.DataFrame, list[Note], list[Fault]]:
    setting = f"tables.{table.name}"
    notes, faults = [], []
    for name, value in source.constants.items():
        if name in frame.columns or (name in ("lon", "lat") and layer.geometry is not None):
            remedy = f"stands in the data; remove it from {setting}.constants, or ignore it"
            faults.append(Fault(layer.label, None, name, str(value), remedy))
            continue
        frame = frame.assign(**{name: value})
        notes.append(Note(f"{layer.label}: {name}", f"{value} in every row", *_SET))
    for name, factor in source.factors.items():
        if name not in frame.columns:
            remedy = f"no such column; scenario.toml names it in {setting}.factors"
            faults.append(Fault(layer.label, None, name, "", remedy))
            continue
        numbers = as_numbers(plain_cells(frame[name])) * factor
        is_number = numbers.notna()
        if not is_number.all():  # what is no number stays for the fault that tells of it
            numbers = numbers.astype(object).where(is_number, frame[name].astype(object))
        frame = frame.assign(**{name: numbers})
        notes.append(Note(f"{layer.label}: {name}", f"x {factor:g}", *_SET))
    return frame, notes, faults
