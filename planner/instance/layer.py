"""What the reader of a file format gives: records with the numbers that the user knows them by."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.errors import Fault
from planner.instance.notes import Note
from planner.instance.tables import Table

if TYPE_CHECKING:
    from pyproj import CRS

WKT_COLUMNS = ("geometry", "wkt", "geom", "the_geom")
"""Names, in any case, of a text column that holds geometry as well-known text."""

MAX_FAULTS_SHOWN = 5
"""Faults of one kind in one column that are shown; the rest are counted."""


@dataclass(frozen=True)
class Layer:
    """The records of a file, before they are named and checked.

    Attributes
    ----------
    frame : DataFrame
        The index holds the rows' numbers: lines of a CSV file and rows of a sheet, where the
        header is the first, or records from 1.
    label : str
        File and layer, as faults name them.
    geometry : ndarray of shapely geometries, optional
        Aligned with ``frame``.
    crs : CRS, optional
        Reference that the file states for them.
    feature_ids : ndarray, optional
        The features' own numbers.
    is_told : bool ndarray, optional
        Rows whose geometry has a fault that has been told already.
    states_crs : bool
        Whether the file is of a kind that states its reference.
    without_crs : str
        What is to be done if it does not.
    notes : tuple of Note
        What was assumed.
    """

    frame: pd.DataFrame
    label: str
    geometry: NDArray[Any] | None = None
    crs: "CRS | None" = None
    feature_ids: NDArray[Any] | None = None
    is_told: NDArray[np.bool_] | None = None
    states_crs: bool = False
    without_crs: str = "the file states none; assign one in the GIS and save again"
    notes: tuple[Note, ...] = ()


def numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose index counts the records from 1."""
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1))


def row_faults(
    label: str, table: Table, frame: pd.DataFrame, rows: Any, column: str, remedy: str,
    values: pd.Series | None = None,
) -> list[Fault]:  # fmt: skip
    """Faults for the first of some rows, with number and id, and one that counts the rest.

    Parameters
    ----------
    label : str
        File and layer.
    table : Table
        Whose key tells the rows' ids.
    frame : DataFrame
        The index holds the rows' numbers.
    rows : sequence of int
        Positions in it.
    column : str
        That the fault is in.
    remedy : str
        What to do.
    values : Series, optional
        What stands there, aligned with ``frame``; the column's cells if left out.
    """
    cells = frame[column] if values is None else values
    faults = [
        Fault(label, int(frame.index[row]), column, shown(cells.iloc[row]), remedy,
              _id_of(frame, table, row, column))
        for row in rows[:MAX_FAULTS_SHOWN]
    ]  # fmt: skip
    return faults + _rest(label, column, rows, remedy)


def limited_faults(
    file: str, column: str, values: pd.Series, rows: Any, first_row: int, remedy: str
) -> list[Fault]:
    """Faults for the first of ``rows`` (positions), and one that counts the rest."""
    faults = [
        Fault(file, int(row) + first_row, column, shown(values.iloc[row]), remedy)
        for row in rows[:MAX_FAULTS_SHOWN]
    ]
    return faults + _rest(file, column, rows, remedy)


def shown(value: Any) -> str:
    """A cell as a fault shows it; nothing where it is empty."""
    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)


def _rest(file: str, column: str, rows: Sequence[int], remedy: str) -> list[Fault]:
    more = len(rows) - MAX_FAULTS_SHOWN
    return [Fault(file, None, column, "", f"and {more} more rows: {remedy}")] if more > 0 else []


def _id_of(frame: pd.DataFrame, table: Table, row: int, column: str) -> str:
    """The row's key; empty where the fault is in the key itself, or the key is not whole."""
    if column in table.key or not set(table.least_key) <= set(frame.columns):
        return ""
    parts = {name: shown(frame[name].iloc[row]) for name in table.key_in(frame.columns)}
    is_whole = all(parts[name] for name in table.least_key)
    return " / ".join(filter(None, parts.values())) if is_whole else ""


def with_geometry(layer: Layer, table: Table) -> tuple[Layer, list[Fault]]:
    """Take the column of a text table that holds geometry as well-known text for what it is."""
    known = {column.name for column in table.columns}
    found = [name for name in layer.frame.columns if str(name).lower() in WKT_COLUMNS]
    if "lon" not in known or len(found) != 1:
        return layer, []
    import shapely

    text = layer.frame[found[0]]
    geometry = parsed_geometries(shapely.from_wkt, text.astype(object).where(text.notna(), None))
    is_told = text.notna().to_numpy() & pd.isna(geometry)
    remedy = "not well-known text such as POINT (126.6 45.7)"
    faults = row_faults(
        layer.label, table, layer.frame, np.flatnonzero(is_told), str(found[0]), remedy
    )
    frame = layer.frame.drop(columns=found[0])
    placed = Layer(frame, layer.label, geometry, is_told=is_told, notes=layer.notes)
    return placed, faults


def parsed_geometries(parse: Callable[..., Any], values: Any) -> NDArray[Any]:
    """Geometries of texts or bytes; None where one cannot be read, or is curved.

    Parameters
    ----------
    parse : callable
        `shapely.from_wkt` or `shapely.from_wkb`.
    values : sequence
        None where there is none.
    """
    try:
        return np.asarray(parse(values, on_invalid="ignore"))
    except NotImplementedError:  # shapely has no curves, and says so for all values together
        read = np.full(len(values), None, dtype=object)
        for position, value in enumerate(values):
            with suppress(NotImplementedError):
                read[position] = parse(value, on_invalid="ignore")
        return read


def known_crs(crs: Any) -> Any:
    """None for the entries that GeoPackage has for "no reference"."""
    return None if crs is None or crs.name.startswith("Undefined") else crs
