"""GeoParquet 1.1 of layers, Parquet of tables; a large layer a group of rows at a time."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from planner.outputs.layers.arrow import ROWS_AT_ONCE, in_batches
from planner.outputs.layers.layer import Layer

_GEO_OPTIONS: dict[str, Any] = {
    "index": False, "compression": "zstd", "schema_version": "1.1.0", "write_covering_bbox": True,
}  # fmt: skip


def parquet_path(layer: Layer) -> Path:
    """Where a layer's twin stands in the run folder."""
    return Path("layers" if layer.geometry_type else "tables") / f"{layer.name}.parquet"


def write_parquet(path: Path, layer: Layer, dataset_metadata: Mapping[str, str]) -> None:
    """Write a layer as GeoParquet with the rows' boxes, a table as plain Parquet.

    Rows of a large layer stand along a Hilbert curve, so that a reader who looks at one place finds
    it in few groups of rows; they are sorted and written a group at a time, without a copy of all.
    """
    frame = layer.frame.copy(deep=False)
    frame.attrs.update(dataset_metadata)  # ends up in the file's key-value metadata
    if not isinstance(frame, gpd.GeoDataFrame):
        frame.to_parquet(path, index=False, compression="zstd")
    elif len(frame) > ROWS_AT_ONCE:
        _write_in_groups(path, frame)
    else:
        frame.to_parquet(path, **_GEO_OPTIONS)


def _write_in_groups(path: Path, frame: gpd.GeoDataFrame) -> None:
    """The file that GeoPandas would write of the rows in their order along the curve."""
    order = np.argsort(frame.hilbert_distance().to_numpy(), kind="stable").astype(np.int64)
    schema = _schema(frame)
    rows = pa.schema([field for field in schema if field.name != "bbox"])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for part, batch in in_batches(frame, rows, order):
            bounds = part.bounds.to_numpy()
            sides = [pa.array(bounds[:, side]) for side in range(4)]
            box = pa.StructArray.from_arrays(sides, names=["xmin", "ymin", "xmax", "ymax"])
            whole = pa.table([*batch.columns, box], schema=schema)
            writer.write_table(whole, row_group_size=ROWS_AT_ONCE)


def _schema(frame: gpd.GeoDataFrame) -> pa.Schema:
    """Of the file of all rows: that of the first, with the box and the kinds of shape of all."""
    first = io.BytesIO()
    frame.iloc[:1].to_parquet(first, **_GEO_OPTIONS)
    schema = pq.read_schema(first)
    geo = json.loads(schema.metadata[b"geo"])
    shapes = geo["columns"][geo["primary_column"]]
    shapes["bbox"] = frame.total_bounds.tolist()
    shapes["geometry_types"] = sorted(pd.unique(frame.geom_type).tolist())
    return schema.with_metadata({**schema.metadata, b"geo": json.dumps(geo).encode()})
