"""Rows of a layer as PostgreSQL's COPY takes them, and the types of their columns."""

from collections.abc import Iterator
from io import BytesIO

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from pandas.api.types import is_object_dtype
from pyarrow import csv

from planner.errors import Fault, InputError
from planner.outputs.layers.layer import Layer

_ROWS_PER_BATCH = 50_000
_WRITTEN = csv.WriteOptions(include_header=False)
_MULTI = {"LineString": "MultiLineString", "Polygon": "MultiPolygon"}


def published_geometry(layer: Layer) -> str | None:
    """Type of a layer's shapes in the database: lines and polygons are always multiple ones.

    A layer has single or multiple ones from run to run, as it is cut at the antimeridian or not;
    runs of one layer share a table there.
    """
    single = layer.geometry_type
    return None if single is None else _MULTI.get(single, single)


def column_types(layer: Layer) -> dict[str, str]:
    """PostgreSQL's type of each column but the geometry.

    Examples
    --------
    >>> column_types(Layer("t", "", pd.DataFrame({"a": [1], "b": [0.5], "c": ["x"]}), ()))
    {'a': 'bigint', 'b': 'double precision', 'c': 'text'}
    """
    schema = pa.Schema.from_pandas(_plain(layer.frame), preserve_index=False)
    return {field.name: _postgres_type(field.type) for field in schema}


def _postgres_type(arrow: pa.DataType) -> str:
    if pa.types.is_boolean(arrow):
        return "boolean"
    if pa.types.is_integer(arrow):
        return "bigint"
    if pa.types.is_floating(arrow):
        return "double precision"
    if pa.types.is_date(arrow):
        return "date"
    if pa.types.is_timestamp(arrow):
        return "timestamp"
    return "text"


def copy_rows(layer: Layer, run_key: str, srid: int) -> Iterator[bytes]:
    """CSV for ``COPY ... WITH (FORMAT csv)``: run key, number, columns, then the shape as EWKB.

    Missing values are empty, empty texts quoted, so that they stay apart.

    Raises
    ------
    InputError
        If a text holds the character NUL, which PostgreSQL cannot store.
    """
    frame = layer.frame
    _refuse_nul(layer)
    shapes = None
    if isinstance(frame, gpd.GeoDataFrame):
        shapes = _as_published(np.asarray(frame.geometry))
    plain = _plain(frame)
    for start in range(0, len(frame), _ROWS_PER_BATCH):
        part = plain.iloc[start : start + _ROWS_PER_BATCH]
        table = pa.Table.from_pandas(part, preserve_index=False)
        numbers = np.arange(start + 1, start + len(part) + 1)
        table = table.add_column(0, "fid", pa.array(numbers))
        table = table.add_column(0, "run_key", pa.array([run_key] * len(part)))
        if shapes is not None:
            placed = shapely.set_srid(shapes[start : start + len(part)], srid)
            texts = shapely.to_wkb(placed, hex=True, include_srid=True, output_dimension=2)
            table = table.append_column("geom", pa.array(texts, type=pa.string()))
        buffer = BytesIO()
        csv.write_csv(table, buffer, _WRITTEN)
        yield buffer.getvalue()


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    plain = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    objects = [name for name in plain.columns if is_object_dtype(plain[name])]
    # Texts with gaps, or nothing at all: a column of missing values would have no type.
    return plain.astype(dict.fromkeys(objects, "string"))


def _as_published(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    made = shapes.copy()
    for single, make in (
        (shapely.GeometryType.LINESTRING, shapely.multilinestrings),
        (shapely.GeometryType.POLYGON, shapely.multipolygons),
    ):
        is_single = shapely.get_type_id(shapes) == single
        made[is_single] = make(shapes[is_single], indices=np.arange(int(is_single.sum())))
    return made


def _refuse_nul(layer: Layer) -> None:
    faults = []
    for name, kind in column_types(layer).items():
        if kind != "text":
            continue
        texts = layer.frame[name].dropna().astype(str)
        if texts.str.contains("\x00", regex=False).any():
            remedy = "holds the character NUL, which PostgreSQL cannot store; take it out"
            faults.append(Fault(layer.name, None, name, "", remedy))
    if faults:
        raise InputError(faults)
