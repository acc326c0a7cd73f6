"""Read the file of a table, of whichever format, into columns named as in the instance format."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.errors import Fault
from planner.instance.coordinates import reference_of
from planner.instance.notes import Note
from planner.instance.settings.sources import Reference, Sources, TableSource
from planner.instance.tables import Table

if TYPE_CHECKING:
    from pyproj import CRS

WKT_COLUMNS = ("geometry", "wkt", "geom", "the_geom")
"""Names, in any case, of a CSV column that holds geometry as well-known text."""

SHAPEFILE_NAME_LENGTH = 10
_STYLES = "layer_styles"
"""Table in which QGIS keeps styles inside a GeoPackage: not a layer of data."""


@dataclass(frozen=True)
class Cells:
    """A table as its file holds it, before its cells are checked.

    Attributes
    ----------
    frame : DataFrame
        Columns named as in the instance format.
    label : str
        File and layer, as faults name them.
    first_row : int
        Number that the user knows the first record by.
    reference : str
        Of ``lon`` and ``lat``, which are degrees.
    is_placed : bool
        Whether ``lon`` and ``lat`` were made from geometries.
    notes : tuple of Note
        What reading decided.
    """

    frame: pd.DataFrame
    label: str
    first_row: int
    reference: Reference
    is_placed: bool
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class _Layer:
    frame: pd.DataFrame
    label: str
    first_row: int
    geometry: NDArray[Any] | None = None
    crs: "CRS | None" = None
    feature_ids: NDArray[Any] | None = None
    is_told: NDArray[np.bool_] | None = None
    states_crs: bool = False
    warnings: tuple[str, ...] = ()


def read_cells(path: Path, table: Table, sources: Sources) -> tuple[Cells | None, list[Fault]]:
    """Read a table's file.

    Parameters
    ----------
    path : Path
        Its ending tells the format.
    table : Table
        The specification.
    sources : Sources
        What the scenario file says of layers, column names and coordinate references.

    Returns
    -------
    cells : Cells or None
        None if nothing could be read.
    faults : list of Fault
        Of file, layer, reference and geometry; cells are not looked at.
    """
    source = sources.of_table(table.name)
    try:
        layer, faults = _read_layer(path, table, source)
    except UnicodeError as error:
        remedy = "text is not in the stated encoding; save the file as UTF-8"
        if path.suffix == ".shp":
            side = path.with_suffix(".cpg").name
            remedy = f"text is not in the stated encoding; name it in {side}, e.g. GBK or UTF-8"
        return None, [Fault(path.name, None, "", str(error), remedy)]
    except (OSError, ValueError, RuntimeError) as error:
        return None, [Fault(path.name, None, "", str(error), "file cannot be read as a table")]
    if layer is None:
        return None, faults
    frame, naming_faults = _name_columns(layer, path, table, source)
    faults += naming_faults
    has_places = any(column.name == "lon" for column in table.columns)
    if not has_places:
        cells = Cells(frame, layer.label, layer.first_row, "WGS84", False, _notes(layer))
        return cells, faults
    reference, reference_faults = reference_of(
        table.name, sources, layer.label, layer.crs.name if layer.crs is not None else None,
        is_layer=layer.states_crs and layer.geometry is not None,
    )  # fmt: skip
    faults += reference_faults
    notes = _notes(layer)
    is_placed = layer.geometry is not None and not {"lon", "lat"} <= set(frame.columns)
    if layer.geometry is not None:
        from planner.instance.features import place_features

        geometry, note, crs_faults = _to_degrees(layer)
        frame, geometry_faults = place_features(
            frame, geometry, table, layer.label, layer.first_row, layer.feature_ids, layer.is_told
        )
        faults += crs_faults or geometry_faults
        notes += note
    return Cells(frame, layer.label, layer.first_row, reference, is_placed, notes), faults


def _to_degrees(layer: _Layer) -> tuple[NDArray[Any], tuple[Note, ...], list[Fault]]:
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


def _read_layer(path: Path, table: Table, source: TableSource) -> tuple[_Layer | None, list[Fault]]:
    if path.suffix == ".csv":
        return _read_csv(path, table)
    if path.suffix == ".parquet":
        return _read_parquet(path), []
    return _read_gis(path, table, source)


def _read_csv(path: Path, table: Table) -> tuple[_Layer, list[Fault]]:
    frame = pd.read_csv(
        path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig",
        skip_blank_lines=False,
    )  # fmt: skip
    known = {column.name for column in table.columns}
    found = [name for name in frame.columns if str(name).lower() in WKT_COLUMNS]
    if "lon" not in known or not found:
        return _Layer(frame, path.name, 2), []
    import shapely

    from planner.instance.check_table import limited_faults

    text = frame[found[0]]
    geometry = shapely.from_wkt(text.astype(object).where(text.notna(), None), on_invalid="ignore")
    is_told = text.notna().to_numpy() & pd.isna(geometry)
    rows = np.flatnonzero(is_told)
    remedy = "not well-known text such as POINT (126.6 45.7)"
    faults = limited_faults(path.name, str(found[0]), text, rows, 2, remedy)
    return _Layer(frame.drop(columns=found[0]), path.name, 2, geometry, is_told=is_told), faults


def _read_parquet(path: Path) -> _Layer:
    from pyarrow.parquet import read_schema

    if b"geo" not in (read_schema(path).metadata or {}):
        return _Layer(pd.read_parquet(path), path.name, 1)
    import geopandas

    layer = geopandas.read_parquet(path)
    geometry = np.asarray(layer.geometry.array)
    frame = pd.DataFrame(layer.drop(columns=layer.geometry.name)).reset_index(drop=True)
    return _Layer(frame, path.name, 1, geometry, _known(layer.crs), states_crs=True)


def _read_gis(path: Path, table: Table, source: TableSource) -> tuple[_Layer | None, list[Fault]]:
    import pyogrio

    names = [str(name) for name in pyogrio.list_layers(path)[:, 0] if name != _STYLES]
    name, faults = _choose_layer(names, path, table, source)
    if name is None:
        return None, faults
    label = path.name if path.suffix != ".gpkg" else f"{path.name}, layer {name}"
    # Without a code page GDAL takes the text of a Shapefile for Latin letters: GBK turns to
    # nonsense without a word. UTF-8 or an error instead.
    is_unsaid = path.suffix == ".shp" and not path.with_suffix(".cpg").is_file()
    encoding = "UTF-8" if is_unsaid else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer = pyogrio.read_dataframe(path, layer=name, fid_as_index=True, encoding=encoding)
    said = tuple(dict.fromkeys(str(warning.message) for warning in caught))
    ids = layer.index.to_numpy()
    layer = layer.reset_index(drop=True)
    geometry, crs = None, None
    if "geometry" in layer.columns:
        geometry, crs = np.asarray(layer.geometry.array), _known(layer.crs)
        layer = pd.DataFrame(layer.drop(columns="geometry"))
    for column in layer.columns:
        if isinstance(layer[column].dtype, pd.StringDtype) or layer[column].dtype == object:
            layer[column] = layer[column].where(layer[column] != "", None)
    return _Layer(layer, label, 1, geometry, crs, ids, states_crs=True, warnings=said), []


def _choose_layer(
    names: list[str], path: Path, table: Table, source: TableSource
) -> tuple[str | None, list[Fault]]:
    listed = ", ".join(names) or "none"
    if source.layer is not None and source.layer in names:
        return source.layer, []
    if source.layer is not None:
        remedy = f"no such layer; it has: {listed}"
        return None, [Fault(path.name, None, f"tables.{table.name}.layer", source.layer, remedy)]
    if table.name in names:
        return table.name, []
    if len(names) == 1:
        return names[0], []
    remedy = (
        f"call the layer of the table {table.name}, or name it in scenario.toml: "
        f'[tables.{table.name}] layer = "..."'
    )
    return None, [Fault(path.name, None, "layers", listed, remedy)]


def _name_columns(
    layer: _Layer, path: Path, table: Table, source: TableSource
) -> tuple[pd.DataFrame, list[Fault]]:
    """Leave ignored columns away and rename the others, names cut by Shapefile as well."""
    setting = f"tables.{table.name}"
    present = list(layer.frame.columns)
    faults = [
        Fault(layer.label, None, name, "", f"no such column; scenario.toml names it in {setting}")
        for name in (*source.columns, *source.ignore)
        if name not in present
    ]
    frame = layer.frame.drop(columns=[name for name in source.ignore if name in present])
    names = dict(source.columns)
    if path.suffix == ".shp":
        known = [column.name for column in table.accepted]
        for name in frame.columns:
            full = [long for long in known if long[:SHAPEFILE_NAME_LENGTH] == name]
            if name not in known and name not in names and len(full) == 1:
                names[name] = full[0]
    frame = frame.rename(columns=names)
    twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    faults += [
        Fault(layer.label, None, name, "", f"two columns get this name; see {setting}")
        for name in twice
    ]
    return frame.loc[:, ~frame.columns.duplicated()], faults


def _known(crs: "CRS | None") -> "CRS | None":
    """None for the entries that GeoPackage has for "no reference"."""
    return None if crs is None or crs.name.startswith("Undefined") else crs


def _notes(layer: _Layer) -> tuple[Note, ...]:
    item = f"{layer.label}: said while reading"
    return tuple(Note(item, text, "?", "GDAL") for text in layer.warnings)
