"""Read the file of a table, of whichever format, into columns named as in the instance format."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.errors import Fault, InputError
from planner.instance.columns import format_columns
from planner.instance.coordinates import reference_of
from planner.instance.credits import is_of_openstreetmap
from planner.instance.find_table import ending_of
from planner.instance.layer import Layer
from planner.instance.notes import Note
from planner.instance.projections import name_of, to_degrees
from planner.instance.settings.sources import Reference, Sources, TableSource
from planner.instance.tables import Table
from planner.instance.unpack import unpacked


@dataclass(frozen=True)
class Cells:
    """A table as its file holds it, before its cells are checked.

    Attributes
    ----------
    frame : DataFrame
        Columns named as in the instance format; the index holds the rows' numbers.
    label : str
        File and layer, as faults name them.
    reference : str
        Of ``lon`` and ``lat``, which are degrees.
    stated_crs : str
        What the file says that its coordinates are in; empty if it says nothing.
    is_placed : bool
        Whether ``lon`` and ``lat`` were made from geometries.
    notes : tuple of Note
        What reading decided.
    is_osm : bool
        Whether it shows that it comes from OpenStreetMap.
    shapes : Series of shapely polygons, optional
        Where the rows are areas, in the reference of ``lon`` and ``lat``; aligned with ``frame``.
    """

    frame: pd.DataFrame
    label: str
    reference: Reference
    stated_crs: str
    is_placed: bool
    notes: tuple[Note, ...]
    is_osm: bool = False
    shapes: "pd.Series[Any] | None" = None


def read_cells(path: Path, table: Table, sources: Sources) -> tuple[Cells | None, list[Fault]]:
    """Read a table's file.

    Parameters
    ----------
    path : Path
        Its ending tells the format.
    table : Table
        The specification.
    sources : Sources
        What the scenario file says of dialects, layers, columns and coordinate references.

    Returns
    -------
    cells : Cells or None
        None if nothing could be read.
    faults : list of Fault
        Of file, layer, columns, reference and geometry; cells are not looked at.
    """
    if ending_of(path) != ".zip":
        return _read_file(path, table, sources)
    try:
        with unpacked(path, table) as inside:
            cells, faults = _read_file(inside, table, sources)
    except InputError as error:
        return None, list(error.faults)
    except RuntimeError as error:  # a password, or a way to pack that is not known here
        remedy = "archive cannot be unpacked; pack it without a password"
        return None, [Fault(path.name, None, "", str(error), remedy)]
    lead = f"{path.name}, "
    faults = [
        replace(fault, file=lead + fault.file) if fault.file.startswith(inside.name) else fault
        for fault in faults
    ]
    if cells is None:
        return None, faults
    notes = tuple(replace(note, item=lead + note.item) for note in cells.notes)
    return replace(cells, label=lead + cells.label, notes=notes), faults


def _read_file(path: Path, table: Table, sources: Sources) -> tuple[Cells | None, list[Fault]]:
    ending = ending_of(path)
    source = sources.of_table(table.name)
    faults = _misplaced_settings(path, table, source)
    try:
        layer, layer_faults = _read_layer(path, table, source)
    except UnicodeError as error:
        remedy = "text is not in the stated encoding; save the file as UTF-8"
        if ending == ".shp":
            side = path.with_suffix(".cpg").name
            remedy = f"text is not in the stated encoding; name it in {side}, e.g. GBK or UTF-8"
        return None, [*faults, Fault(path.name, None, "", str(error), remedy)]
    except (OSError, ValueError, RuntimeError) as error:
        remedy = "file cannot be read as a table"
        return None, [*faults, Fault(path.name, None, "", str(error), remedy)]
    faults += layer_faults
    if layer is None:
        return None, faults
    cells, cell_faults = place_cells(layer, table, sources, source, cuts_names=ending == ".shp")
    return cells, faults + cell_faults


def place_cells(
    layer: Layer, table: Table, sources: Sources, source: TableSource, *, cuts_names: bool = False
) -> tuple[Cells, list[Fault]]:
    """Bring what a file or a database gave to the columns and degrees of the instance format.

    Parameters
    ----------
    layer : Layer
        As read.
    table : Table
        The specification.
    sources : Sources
        What the scenario file says of coordinate references.
    source : TableSource
        What it says of this table's columns.
    cuts_names : bool
        Whether names may be cut to ten characters.

    Returns
    -------
    cells : Cells
        Not checked yet.
    faults : list of Fault
        Of columns, reference and geometry.
    """
    is_osm = is_of_openstreetmap(layer.frame, (*source.columns, *source.ignore))
    layer, faults = format_columns(layer, table, source, cuts_names=cuts_names)
    frame, label = layer.frame, layer.label
    has_places = any(column.name == "lon" for column in table.columns)
    if not has_places:
        return Cells(frame, label, "WGS84", "", False, layer.notes, is_osm), faults
    reference, reference_faults = reference_of(
        table.name, sources, label, layer.crs.name if layer.crs is not None else None,
        is_layer=layer.states_crs and layer.geometry is not None, without_crs=layer.without_crs,
    )  # fmt: skip
    faults += reference_faults
    is_placed = layer.geometry is not None and not {"lon", "lat"} <= set(frame.columns)
    stated = name_of(layer.crs) if layer.crs is not None else ""
    shapes = None
    if layer.geometry is not None:
        from planner.instance.features import place_features

        layer, crs_faults = _in_degrees(layer)
        frame, shapes, geometry_faults = place_features(layer, table)
        faults += crs_faults or geometry_faults
    return Cells(frame, label, reference, stated, is_placed, layer.notes, is_osm, shapes), faults


def _misplaced_settings(path: Path, table: Table, source: TableSource) -> list[Fault]:
    """What the scenario file says and the file's format has no use for."""
    takes = {
        "encoding": (".csv", ".shp"),
        "separator": (".csv",),
        "layer": (".gpkg", ".xlsx", ".geojson", ".fgb", ".shp", ".kml", ".kmz", ".gdb"),
    }
    return [
        Fault("scenario.toml", None, f"tables.{table.name}.{name}", str(getattr(source, name)),
              f"{path.name} has no {name}; remove the setting")
        for name, endings in takes.items()
        if getattr(source, name) is not None and ending_of(path) not in endings
    ]  # fmt: skip


def _in_degrees(layer: Layer) -> tuple[Layer, tuple[Fault, ...]]:
    """The layer with its geometries on WGS84 and a note of how they came there."""
    assert layer.geometry is not None
    if layer.crs is None:
        return layer, ()
    import shapely

    x, y = shapely.get_coordinates(layer.geometry).T
    converted = to_degrees(x, y, layer.crs, layer.label)
    points = np.column_stack((converted.lon, converted.lat))
    geometry = np.asarray(shapely.set_coordinates(layer.geometry.copy(), points))
    notes = (*layer.notes, *converted.notes)
    return replace(layer, geometry=geometry, notes=notes), converted.faults


def _read_layer(path: Path, table: Table, source: TableSource) -> tuple[Layer | None, list[Fault]]:
    if ending_of(path) == ".csv":
        from planner.instance.read_csv import read_csv

        return read_csv(path, table, source)
    if ending_of(path) == ".parquet":
        from planner.instance.read_parquet import read_parquet

        return read_parquet(path, table)
    from planner.instance.read_gis import read_gis

    return read_gis(path, table, source)
