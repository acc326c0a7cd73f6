"""Which reference a table's coordinates are in, and their conversion to WGS84, once."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.instance.china_datum import from_bd09, from_gcj02
from planner.instance.layer import Layer
from planner.instance.notes import Note
from planner.instance.settings.sources import SHIFTED_REFERENCES, Reference, Sources

ORIGINALS = ("lon_original", "lat_original", "coordinate_reference_original")
"""Columns that keep shifted coordinates as they were given, and what they are."""


def reference_of(
    table: str, sources: Sources, label: str, stated_crs: str | None, is_layer: bool,
    without_crs: str = Layer.without_crs,
) -> tuple[Reference, list[Fault]]:  # fmt: skip
    """Tell which reference the degrees of a table are in.

    What the scenario file says of the table goes first. A file that states a coordinate
    reference of its own is believed where the scenario speaks of all tables, but not against
    GCJ-02 and BD-09: those have no code, so a file cannot tell them from WGS84.

    Parameters
    ----------
    table : str
        Its name.
    sources : Sources
        What the scenario file says.
    label : str
        File and layer, for faults.
    stated_crs : str or None
        What the file states.
    is_layer : bool
        Whether the file is of a kind that states its reference, as GIS layers do.
    without_crs : str
        What is to be done if it does not.

    Returns
    -------
    reference : str
        Of the coordinates after the file's own reference has brought them to degrees.
    faults : list of Fault
        If the file states none, or another one than the scenario file.
    """
    own = sources.of_table(table).coordinate_reference
    setting = f"[tables.{table}] coordinate_reference"
    if own is None and stated_crs and sources.coordinate_reference in SHIFTED_REFERENCES:
        remedy = (
            f"stands with the data, but scenario.toml says {sources.coordinate_reference} for all "
            f'tables; say which is true: {setting} = "WGS84" or '
            f'"{sources.coordinate_reference}"'
        )
        return "WGS84", [Fault(label, None, "coordinate reference", stated_crs, remedy)]
    is_said = own is not None or "coordinate_reference" in sources.model_fields_set
    if is_layer and not stated_crs and not is_said:
        remedy = (
            f"{without_crs}, or write "
            f'{setting} = "WGS84" (or CGCS2000, GCJ-02, BD-09) into scenario.toml'
        )
        return "WGS84", [Fault(label, None, "coordinate reference", "", remedy)]
    return own or sources.coordinate_reference, []


def convert_to_wgs84(frame: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """Replace shifted coordinates by WGS84 and keep the originals beside them.

    Parameters
    ----------
    frame : DataFrame
        With ``lon`` and ``lat`` [degrees].
    reference : str
        CGCS2000 differs from WGS84 by less than a metre and is taken for it.

    Returns
    -------
    DataFrame
        With the columns `ORIGINALS` if the reference is a shifted one.
    """
    if reference not in SHIFTED_REFERENCES:
        return frame
    convert = from_gcj02 if reference == "GCJ-02" else from_bd09
    lon, lat = convert(frame["lon"], frame["lat"])
    originals = dict(zip(ORIGINALS, (frame["lon"], frame["lat"], reference), strict=True))
    return frame.assign(lon=np.round(lon, 9), lat=np.round(lat, 9), **originals)


def convert_shapes(shapes: "pd.Series[Any]", reference: Reference) -> "pd.Series[Any]":
    """Areas in a shifted reference brought to WGS84, corner by corner; others as they are."""
    if reference not in SHIFTED_REFERENCES:
        return shapes
    import shapely

    convert = from_gcj02 if reference == "GCJ-02" else from_bd09
    moved = shapely.transform(
        shapes.to_numpy(object), lambda corners: np.column_stack(convert(*corners.T))
    )
    return pd.Series(moved, shapes.index, object)


def conversion_note(label: str, reference: Reference, *, keeps_originals: bool) -> Note:
    """What the assumptions table says of a conversion."""
    source = "published formulas, inverted exactly: planner/instance/china_datum.py"
    kept = f"; as given in {', '.join(ORIGINALS[:2])}" if keeps_originals else ""
    told = f"{reference}, converted to WGS84 once{kept}"
    return Note(f"{label}: coordinate reference", told, "INF", source)


def tell_references(given: Mapping[str, str]) -> str:
    """What the tables' coordinates were given in, in one line.

    Parameters
    ----------
    given : mapping of table to reference
        Of the tables that hold coordinates.

    Examples
    --------
    >>> tell_references({"cities": "WGS84", "sites": "WGS84"})
    'WGS84'
    >>> tell_references({"cities": "WGS84", "sites": "GCJ-02"})
    'WGS84 (cities), GCJ-02 (sites); brought to WGS84 once'
    """
    tables: dict[str, list[str]] = {}
    for table, reference in given.items():
        tables.setdefault(reference, []).append(table)
    if set(tables) <= {"WGS84"}:
        return "WGS84"
    if len(tables) == 1:
        return f"{next(iter(tables))}; brought to WGS84 once"
    told = ", ".join(f"{reference} ({', '.join(names)})" for reference, names in tables.items())
    return f"{told}; brought to WGS84 once"
