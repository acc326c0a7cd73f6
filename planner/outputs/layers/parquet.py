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
from numpy.typing import NDArray

from planner.arrays import FloatArray, IntArray
from planner.outputs.layers.arrow import ROWS_AT_ONCE, arrow_rows, first_row
from planner.outputs.layers.layer import Layer

_GEO_OPTIONS: dict[str, Any] = {
    "index": False, "compression": "zstd", "schema_version": "1.1.0", "write_covering_bbox": True,
}  # fmt: skip


_CURVE_BITS = 16
_MOST_STEPS = 2**_CURVE_BITS - 1


def parquet_path(layer: Layer) -> Path:
    """Where a layer's twin stands in the run folder."""
    return Path("layers" if layer.geometry_type else "tables") / f"{layer.name}.parquet"


def write_parquet(path: Path, layer: Layer, dataset_metadata: Mapping[str, str]) -> None:
    """Write a layer as GeoParquet with the rows' boxes, a table as plain Parquet.

    Rows of a large layer stand along a Hilbert curve, so that a reader who looks at one place finds
    it in few groups of rows; they are sorted and written a group at a time, without a copy of all.
    """
    if layer.geometry_type and len(layer.frame) > ROWS_AT_ONCE:
        _write_in_groups(path, layer, dataset_metadata)
        return
    frame = layer.drawn().frame.copy(deep=False)
    frame.attrs.update(dataset_metadata)  # ends up in the file's key-value metadata
    if isinstance(frame, gpd.GeoDataFrame):
        frame.to_parquet(path, **_GEO_OPTIONS)
    else:
        frame.to_parquet(path, index=False, compression="zstd")


def _write_in_groups(path: Path, layer: Layer, dataset_metadata: Mapping[str, str]) -> None:
    """The rows that GeoPandas would write, in their order along the curve."""
    rows = arrow_rows(layer)
    boxes = rows.boxes()
    order = _along_curve(boxes)
    schema = _schema(layer, boxes, dataset_metadata)
    # Numbers and shapes seldom repeat, and neither do ids, which stand first.
    texts = [each.name for each in list(schema)[1:] if pa.types.is_large_string(each.type)]
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=texts) as writer:
        for number, batch in enumerate(rows.batches(order)):
            part = boxes[order[number * ROWS_AT_ONCE :][: batch.num_rows]]
            sides = [pa.array(part[:, side]) for side in range(4)]
            box = pa.StructArray.from_arrays(sides, names=["xmin", "ymin", "xmax", "ymax"])
            whole = pa.table([*batch.columns, box], schema=schema)
            writer.write_table(whole, row_group_size=ROWS_AT_ONCE)


def _along_curve(boxes: FloatArray) -> IntArray:
    """Positions of the rows along a Hilbert curve, by the middles of their boxes."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    width = np.ptp(middles, axis=0)
    per_degree = np.divide(_MOST_STEPS, width, out=np.zeros(2), where=width > 0)
    steps = (middles - middles.min(axis=0)) * per_degree
    return np.argsort(_on_curve(*steps.astype(np.uint32).T), kind="stable").astype(np.int64)


def _on_curve(x: NDArray[np.uint32], y: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """How far along the curve points lie: a quarter after the other, each turned to join the next.

    Parameters
    ----------
    x, y : ndarray of uint32, shape (n,)
        0 to `_MOST_STEPS`.
    """
    far: NDArray[np.uint32] = np.zeros(len(x), np.uint32)
    none, one, all_ones = np.uint32(0), np.uint32(1), np.uint32(_MOST_STEPS)
    for bit in range(_CURVE_BITS - 1, -1, -1):
        is_right, is_upper = (x >> np.uint32(bit)) & one, (y >> np.uint32(bit)) & one
        far = far << np.uint32(2) | (is_right * np.uint32(3)) ^ is_upper
        mirrored = np.where((is_upper == 0) & (is_right == 1), all_ones, none)
        x, y = x ^ mirrored, y ^ mirrored
        swapped = np.where(is_upper == 0, x ^ y, none)
        x, y = x ^ swapped, y ^ swapped
    return far


def _around(boxes: FloatArray) -> list[float]:
    return [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]


def _schema(layer: Layer, boxes: FloatArray, dataset_metadata: Mapping[str, str]) -> pa.Schema:
    """Of the file of all rows: that of the first, with the box and the kinds of shape of all."""
    first, row = io.BytesIO(), first_row(layer)
    row.attrs.update(dataset_metadata)
    row.to_parquet(first, **_GEO_OPTIONS)
    schema = pq.read_schema(first)
    geo = json.loads(schema.metadata[b"geo"])
    shapes = geo["columns"][geo["primary_column"]]
    shapes["bbox"] = _around(boxes)
    if isinstance(layer.frame, gpd.GeoDataFrame):
        shapes["geometry_types"] = sorted(pd.unique(layer.frame.geom_type).tolist())
    return schema.with_metadata({**schema.metadata, b"geo": json.dumps(geo).encode()})
