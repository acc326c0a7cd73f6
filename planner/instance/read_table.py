"""Read the file of a table, of whichever format, into columns named as in the instance format."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.errors import Fault
from planner.instance.columns import format_columns
from planner.instance.coordinates import reference_of
from planner.instance.layer import Layer
from planner.instance.notes import Note
from planner.instance.settings.sources import Reference, Sources, TableSource
from planner.instance.tables import Table


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
    is_placed : bool
        Whether ``lon`` and ``lat`` were made from geometries.
    notes : tuple of Note
        What reading decided.
    """

    frame: pd.DataFrame
    label: str
    reference: Reference
    is_placed: bool
    notes: tuple[Note, ...]


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
    source = sources.of_table(table.name)
    faults = _misplaced_settings(path, table, source)
    try:
        layer, layer_faults = _read_layer(path, table, source)
    except UnicodeError as error:
        remedy = "text is not in the stated encoding; save the file as UTF-8"
        if path.suffix == ".shp":
            side = path.with_suffix(".cpg").name
            remedy = f"text is not in the stated encoding; name it in {side}, e.g. GBK or UTF-8"
        return None, [*faults, Fault(path.name, None, "", str(error), remedy)]
    except (OSError, ValueError, RuntimeError) as error:
        remedy = "file cannot be read as a table"
        return None, [*faults, Fault(path.name, None, "", str(error), remedy)]
    faults += layer_faults
    if layer is None:
        return None, faults
    cells, cell_faults = place_cells(
        layer, table, sources, source, cuts_names=path.suffix == ".shp"
    )
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
    layer, faults = format_columns(layer, table, source, cuts_names=cuts_names)
    frame, label, notes = layer.frame, layer.label, layer.notes
    has_places = any(column.name == "lon" for column in table.columns)
    if not has_places:
        return Cells(frame, label, "WGS84", False, notes), faults
    reference, reference_faults = reference_of(
        table.name, sources, label, layer.crs.name if layer.crs is not None else None,
        is_layer=layer.states_crs and layer.geometry is not None, without_crs=layer.without_crs,
    )  # fmt: skip
    faults += reference_faults
    is_placed = layer.geometry is not None and not {"lon", "lat"} <= set(frame.columns)
    if layer.geometry is not None:
        from planner.instance.features import place_features

        geometry, note, crs_faults = _to_degrees(layer)
        frame, geometry_faults = place_features(replace(layer, geometry=geometry), table)
        faults += crs_faults or geometry_faults
        notes += note
    return Cells(frame, label, reference, is_placed, notes), faults


def _misplaced_settings(path: Path, table: Table, source: TableSource) -> list[Fault]:
    """What the scenario file says and the file's format has no use for."""
    takes = {
        "encoding": (".csv", ".shp"),
        "separator": (".csv",),
        "layer": (".gpkg", ".xlsx", ".geojson", ".fgb", ".shp"),
    }
    return [
        Fault("scenario.toml", None, f"tables.{table.name}.{name}", str(getattr(source, name)),
              f"{path.name} has no {name}; remove the setting")
        for name, endings in takes.items()
        if getattr(source, name) is not None and path.suffix not in endings
    ]  # fmt: skip


def _to_degrees(layer: Layer) -> tuple[NDArray[Any], tuple[Note, ...], list[Fault]]:
    """The layer's geometries on WGS84, and how they came there."""
    assert layer.geometry is not None
    if layer.crs is None or layer.crs.equals("EPSG:4326", ignore_axis_order=True):
        return layer.geometry, (), []
    import shapely
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    item = f"{layer.label}: coordinate reference"
    try:
        way = Transformer.from_crs(layer.crs, "EPSG:4326", always_xy=True)
        geometry = shapely.transform(
            layer.geometry, lambda points: np.column_stack(way.transform(*points.T))
        )
    except ProjError as error:
        remedy = f"PROJ cannot convert it to WGS84 ({error}); save the layer in EPSG:4326"
        fault = Fault(layer.label, None, "coordinate reference", layer.crs.name, remedy)
        return layer.geometry, (), [fault]
    accuracy = f"accuracy {way.accuracy:g} m" if way.accuracy >= 0 else "accuracy not known"
    note = Note(item, f"{layer.crs.name}, converted to WGS84, {accuracy}", "INF", "PROJ")
    return np.asarray(geometry), (note,), []


def _read_layer(path: Path, table: Table, source: TableSource) -> tuple[Layer | None, list[Fault]]:
    if path.suffix == ".csv":
        from planner.instance.read_csv import read_csv

        return read_csv(path, table, source)
    if path.suffix == ".parquet":
        from planner.instance.read_parquet import read_parquet

        return read_parquet(path, table)
    from planner.instance.read_gis import read_gis

    return read_gis(path, table, source)
