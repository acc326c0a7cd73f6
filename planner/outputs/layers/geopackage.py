"""The GeoPackage of a run: layers, tables, descriptions of columns, styles.

Follows OGC 12-128r15 (GeoPackage 1.2.1) with its R-tree, Schema and Metadata extensions.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyogrio
import pyogrio.raw

from planner.outputs.layers.arrow import ROWS_AT_ONCE, arrow_rows
from planner.outputs.layers.keys import Keys, keys_of, meant_keys
from planner.outputs.layers.layer import CRS, Layer

_FIXED_DATE = "2000-01-01T00:00:00.000Z"
"""Stands wherever the format asks for the time of writing: same plan, same bytes."""

_COUNTS_AT = (24, 92)
_FIXED_COUNT = (1).to_bytes(4, "big")
"""SQLite counts a file's transactions in two places, which must agree; how many it takes to write
the same rows depends on how they lay in memory."""

_VERSION = "1.2"  # GDAL before 3.7, so QGIS on many desks, warns of anything newer
_SCHEMA_EXTENSION = "http://www.geopackage.org/spec121/#extension_schema"
_SCHEMA_TABLES = """
CREATE TABLE IF NOT EXISTS gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT,
  description TEXT, mime_type TEXT, constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE IF NOT EXISTS gpkg_data_column_constraints (
  constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT, min NUMERIC,
  min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
"""


LARGEST = "zones"
"""Stands first on the disk, though not in lists: it can be written while other layers are made."""


def begin_geopackage(
    path: Path,
    layer: Layer,
    dataset_metadata: Mapping[str, str],
    on_progress: Callable[[str], None],
) -> None:
    """Write the first layer of a GeoPackage with its indexes; `write_geopackage` adds the others.

    Parameters
    ----------
    path, dataset_metadata, on_progress
        As of `write_geopackage`.
    layer : Layer
        The one called `LARGEST`.
    """
    with _fixed_date():
        _add_largest(path, layer, dataset_metadata, on_progress)


def _add_largest(path: Path, layer: Layer, *told: Any) -> None:
    _add_layer(path, layer, *told)
    with closing(sqlite3.connect(path)) as connection, connection:
        _add_indexes(connection, layer.name, meant_keys(layer))


def write_geopackage(
    path: Path,
    layers: Mapping[str, Layer],
    styles: Mapping[str, tuple[str, str]],
    dataset_metadata: Mapping[str, str],
    on_progress: Callable[[str], None],
    *,
    is_begun: bool = False,
) -> None:
    """Write layers and tables into one GeoPackage.

    Parameters
    ----------
    path : Path
        File to write; must not exist unless it is begun.
    layers : mapping of str to Layer
        In the order in which they shall stand in the file.
    styles : mapping of style name to (QML document, description)
        The style named as its layer becomes the layer's default in QGIS, the others, whose names
        `styled_layer` reads, are offered beside it.
    dataset_metadata : mapping of str to str
        Title, description, attribution and the like, for the whole file.
    on_progress : callable
        Called with what is being written.
    is_begun : bool
        Whether `begin_geopackage` has written `LARGEST`, whose rows are then not looked at.
    """
    with _fixed_date():
        if not is_begun and LARGEST in layers:
            _add_largest(path, layers[LARGEST], dataset_metadata, on_progress)
        for name, layer in layers.items():
            if name != LARGEST:
                _add_layer(path, layer, dataset_metadata, on_progress)
        pyogrio.write_dataframe(
            _style_rows(styles, layers), path, layer="layer_styles", driver="GPKG",
            use_arrow=True, layer_options={"FID": "id", "IDENTIFIER": "layer_styles"},
        )  # fmt: skip
    _finish(path, layers)


def styled_layer(style_name: str) -> str:
    """The layer that a style is for: the first word of its name.

    >>> styled_layer("stations by verdict"), styled_layer("stations")
    ('stations', 'stations')
    """
    return style_name.partition(" ")[0]


def with_run(text: str, dataset_metadata: Mapping[str, str]) -> str:
    """Text followed by scenario and run, for those who have layers of several open."""
    told = (("Scenario", "SCENARIO"), ("Run", "RUN"))
    named = [f"{word}: {dataset_metadata[key]}." for word, key in told if key in dataset_metadata]
    return " ".join((text, *named))


@contextmanager
def _fixed_date() -> Iterator[None]:
    option = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(option)
    pyogrio.set_gdal_config_options({option: _FIXED_DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({option: before})


def _add_layer(
    path: Path,
    layer: Layer,
    dataset_metadata: Mapping[str, str],
    on_progress: Callable[[str], None],
) -> None:
    on_progress(f"{path.name}: {layer.name} ({len(layer.frame):,} rows)")
    is_new = not path.exists()
    identity = {
        "IDENTIFIER": layer.name,
        "DESCRIPTION": with_run(layer.description, dataset_metadata),
    }
    options = {
        "layer": layer.name,
        "driver": "GPKG",
        "geometry_type": layer.geometry_type,
        "layer_options": identity | ({"SPATIAL_INDEX": "YES"} if layer.geometry_type else {}),
        "dataset_options": {"VERSION": _VERSION} if is_new else None,
        "dataset_metadata": dict(dataset_metadata) if is_new else None,
    }
    if layer.geometry_type and len(layer.frame) > ROWS_AT_ONCE:
        rows = arrow_rows(layer)
        pyogrio.raw.write_arrow(
            pa.RecordBatchReader.from_batches(rows.schema, rows.batches()), path,
            geometry_name="geometry", crs=CRS, **options,
        )  # fmt: skip
    else:
        pyogrio.write_dataframe(layer.drawn().frame, path, use_arrow=True, **options)


def _style_rows(styles: Mapping[str, tuple[str, str]], layers: Mapping[str, Layer]) -> pd.DataFrame:
    # Columns and their spelling are those of the table that QGIS itself makes.
    return pd.DataFrame(
        [
            {
                "f_table_catalog": "",
                "f_table_schema": "",
                "f_table_name": styled_layer(name),
                "f_geometry_column": "geom" if layers[styled_layer(name)].geometry_type else "",
                "styleName": name,
                "styleQML": qml,
                "styleSLD": "",
                "useAsDefault": name == styled_layer(name),
                "description": description,
                "owner": "",
                "ui": "",
                "update_time": pd.Timestamp(_FIXED_DATE),
            }
            for name, (qml, description) in styles.items()
        ]
    )


def _finish(path: Path, layers: Mapping[str, Layer]) -> None:
    titles = [
        (layer.name, column.name, column.title, column.title, column.description)
        for layer in layers.values()
        for column in layer.columns
        if column.title
    ]
    extensions = [
        (table, "gpkg_schema", _SCHEMA_EXTENSION, "read-write")
        for table in ("gpkg_data_columns", "gpkg_data_column_constraints")
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        # Whole seconds are written without decimals, which readers call non-conformant.
        connection.execute("UPDATE layer_styles SET update_time = ?", (_FIXED_DATE,))
        connection.executescript(_SCHEMA_TABLES)
        connection.executemany(
            "INSERT INTO gpkg_data_columns"
            " (table_name, column_name, name, title, description) VALUES (?, ?, ?, ?, ?)",
            titles,
        )
        connection.executemany(
            "INSERT INTO gpkg_extensions"
            " (table_name, extension_name, definition, scope) VALUES (?, ?, ?, ?)",
            extensions,
        )
        _list_in_order(connection, list(layers))
        for name, keys in keys_of(layers).items():
            _add_indexes(connection, name, keys)
    same_bytes(path)


def same_bytes(path: Path) -> None:
    """Let a file whose writing is finished have the same bytes whenever it has the same rows."""
    with path.open("r+b") as stream:
        for offset in _COUNTS_AT:
            stream.seek(offset)
            stream.write(_FIXED_COUNT)


def _add_indexes(connection: sqlite3.Connection, name: str, keys: Keys) -> None:
    """Indexes of the columns that identify rows, or name rows of other layers."""
    indexed = [keys.unique] if keys.unique else []
    named = [(each.column,) for each in keys.references]
    # An index on several columns also finds rows by the first of them.
    indexed += [columns for columns in named if columns != keys.unique[:1]]
    for columns in indexed:
        kind = "UNIQUE INDEX" if columns == keys.unique else "INDEX"
        quoted = ", ".join(f'"{column}"' for column in columns)
        index = f"idx_{name}_{'_'.join(columns)}"
        connection.execute(f'CREATE {kind} IF NOT EXISTS "{index}" ON "{name}" ({quoted})')


def _list_in_order(connection: sqlite3.Connection, names: list[str]) -> None:
    """Readers list layers as they stand in ``gpkg_contents``."""
    listed = [name for (name,) in connection.execute(
        "SELECT table_name FROM gpkg_contents ORDER BY rowid")]  # fmt: skip
    place = {name: number for number, name in enumerate(names)}
    listed.sort(key=lambda name: place.get(name, len(place)))
    connection.execute("UPDATE gpkg_contents SET rowid = -rowid")
    connection.executemany(
        "UPDATE gpkg_contents SET rowid = ? WHERE table_name = ?", enumerate(listed, start=1)
    )
