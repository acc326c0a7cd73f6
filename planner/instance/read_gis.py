"""Read GIS layers and sheets of workbooks, with GDAL."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.instance.find_table import ending_of, side_file
from planner.instance.grid import table_of_grid
from planner.instance.layer import Layer, known_crs, numbered, with_geometry
from planner.instance.notes import Note
from planner.instance.settings.sources import TableSource
from planner.instance.tables import Table

_STYLES = "layer_styles"
"""Table in which QGIS keeps styles inside a GeoPackage: not a layer of data."""

_AS_TEXT = {"OGR_XLSX_HEADERS": "DISABLE", "OGR_XLSX_FIELD_TYPES": "STRING"}
"""A sheet's cells are text and its first row is one of them; the planner looks for the header."""

_OF_KML = (
    "id", "Name", "description", "timestamp", "begin", "end", "altitudeMode", "tessellate",
    "extrude", "visibility", "drawOrder", "icon", "snippet",
)  # fmt: skip
_OF_FORMAT = {".kml": _OF_KML, ".kmz": _OF_KML, ".gdb": ("Shape_Length", "Shape_Area")}
"""Columns that a format has of itself: left away where neither table nor scenario knows them."""


def read_gis(path: Path, table: Table, source: TableSource) -> tuple[Layer | None, list[Fault]]:
    """Read a layer of a GIS file, or a sheet of a workbook.

    Parameters
    ----------
    path : Path
        The file.
    table : Table
        The layer is called like it, or is the only one, if ``source`` names none.
    source : TableSource
        Layer, and encoding of a Shapefile, where the scenario file states them.

    Returns
    -------
    layer : Layer or None
        None if there is no such layer; of a sheet all cells are text.
    faults : list of Fault
        Of layer, header and well-known text.
    """
    import pyogrio

    names = [str(name) for name in pyogrio.list_layers(path)[:, 0] if name != _STYLES]
    name, faults = _choose_layer(names, path, table, source)
    if name is None:
        return None, faults
    if ending_of(path) == ".xlsx":
        return _read_sheet(path, name, table)
    ending = ending_of(path)
    label = f"{path.name}, layer {name}" if ending in (".gpkg", ".gdb") else path.name
    # Without a code page GDAL takes the text of a Shapefile for Latin letters: GBK turns to
    # nonsense without a word. UTF-8 or an error instead.
    is_unsaid = ending == ".shp" and side_file(path, ".cpg") is None
    encoding = source.encoding or ("UTF-8" if is_unsaid else None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer = pyogrio.read_dataframe(path, layer=name, fid_as_index=True, encoding=encoding)
    said = dict.fromkeys(str(warning.message) for warning in caught)
    notes = [Note(f"{label}: said while reading", text, "?", "GDAL") for text in said]
    if source.encoding is not None:
        notes.append(Note(f"{label}: encoding", source.encoding, "set", "set in scenario.toml"))
    ids = layer.index.to_numpy()
    geometry, crs = None, None
    if "geometry" in layer.columns:
        geometry, crs = np.asarray(layer.geometry.array), known_crs(layer.crs)
        layer = layer.drop(columns="geometry")
    used = {column.name for column in table.accepted} | {*source.columns, *source.ignore}
    own = [
        each for each in _OF_FORMAT.get(ending, ()) if each in layer.columns and each not in used
    ]
    frame = numbered(pd.DataFrame(layer.drop(columns=own)))
    return Layer(frame, label, geometry, crs, ids, states_crs=True, notes=tuple(notes)), []


def _read_sheet(path: Path, name: str, table: Table) -> tuple[Layer | None, list[Fault]]:
    import pyogrio

    label = f"{path.name}, sheet {name}"
    # As options of the configuration they hold for every sheet, as options of opening not always.
    before = {name: pyogrio.get_gdal_config_option(name) for name in _AS_TEXT}
    pyogrio.set_gdal_config_options(_AS_TEXT)
    try:
        grid = pyogrio.read_dataframe(path, layer=name, fid_as_index=True, read_geometry=False)
    finally:
        pyogrio.set_gdal_config_options(before)
    frame, faults = table_of_grid(grid, label)
    if frame is None:
        return None, faults
    layer, geometry_faults = with_geometry(Layer(frame, label), table)
    return layer, faults + geometry_faults


def _choose_layer(
    names: list[str], path: Path, table: Table, source: TableSource
) -> tuple[str | None, list[Fault]]:
    listed = ", ".join(names) or "none"
    kind = "sheet" if ending_of(path) == ".xlsx" else "layer"
    if source.layer is not None and source.layer in names:
        return source.layer, []
    if source.layer is not None:
        remedy = f"no such {kind}; it has: {listed}"
        return None, [Fault(path.name, None, f"tables.{table.name}.layer", source.layer, remedy)]
    if table.name in names:
        return table.name, []
    if len(names) == 1:
        return names[0], []
    remedy = (
        f"call the {kind} of the table {table.name}, or name it in scenario.toml: "
        f'[tables.{table.name}] layer = "..."'
    )
    return None, [Fault(path.name, None, f"{kind}s", listed, remedy)]
