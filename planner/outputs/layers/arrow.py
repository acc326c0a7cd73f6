"""Rows of a large layer as Arrow batches, one after the other: shapes are never all there twice."""

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from planner.arrays import FloatArray, IntArray
from planner.outputs.layers.layer import CRS, Layer, with_geometry
from planner.outputs.layers.rings import Rings

ROWS_AT_ONCE = 65_536
"""Of a batch; in a file, readers skip such groups outside their window by the bbox column."""

_GEOMETRY = "geometry"


@dataclass(frozen=True)
class ArrowRows:
    """Rows of a layer with shapes.

    Attributes
    ----------
    plain : Table
        All columns but the shapes.
    shapes : ndarray of geometries, or Rings
        In the same order.
    schema : Schema
        Of the batches: the shapes as WKB.
    """

    plain: pa.Table
    shapes: NDArray[np.object_] | Rings
    schema: pa.Schema

    def boxes(self) -> FloatArray:
        """West, south, east, north of each row's shape, shape (n, 4)."""
        if isinstance(self.shapes, Rings):
            return self.shapes.boxes()
        return np.asarray(shapely.bounds(self.shapes))

    def batches(self, order: IntArray | None = None) -> Iterator[pa.RecordBatch]:
        """`ROWS_AT_ONCE` rows at a time, of the last ones what is left.

        Parameters
        ----------
        order : int array, optional
            Positions of the rows as they shall stand; as they are otherwise.
        """
        for begin in range(0, self.plain.num_rows, ROWS_AT_ONCE):
            end = min(begin + ROWS_AT_ONCE, self.plain.num_rows)
            rows = np.arange(begin, end) if order is None else order[begin:end]
            part = self.plain.slice(begin, len(rows)) if order is None else self.plain.take(rows)
            columns = {name: part[name].combine_chunks() for name in part.column_names}
            columns[_GEOMETRY] = self._wkb(rows)
            arrays = [columns[name] for name in self.schema.names]
            yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _wkb(self, rows: IntArray) -> pa.Array:
        if not isinstance(self.shapes, Rings):
            return pa.array(shapely.to_wkb(self.shapes[rows]), pa.binary())
        binary, begin = self.shapes.take(rows).wkb()
        buffers = [None, pa.py_buffer(begin.astype(np.int32)), pa.py_buffer(binary)]
        return pa.BinaryArray.from_buffers(pa.binary(), len(rows), buffers)


def arrow_rows(layer: Layer) -> ArrowRows:
    """Rows of a layer, whether it has shapes as geometries or as rings."""
    shapes: NDArray[np.object_] | Rings
    if layer.rings is not None:
        frame, shapes = layer.frame, layer.rings
    else:
        frame, shapes = layer.frame.drop(columns=_GEOMETRY), layer.frame[_GEOMETRY].to_numpy()
    first = pd.DataFrame(first_row(layer))
    first[_GEOMETRY] = shapely.to_wkb(first[_GEOMETRY].to_numpy())
    schema = pa.Schema.from_pandas(first, preserve_index=False)
    of_plain = pa.schema([field for field in schema if field.name != _GEOMETRY])
    plain = pa.Table.from_pandas(pd.DataFrame(frame), of_plain, preserve_index=False)
    return ArrowRows(plain, shapes, schema)


def first_row(layer: Layer) -> gpd.GeoDataFrame:
    """The first row with its shape as a geometry; none of a layer without rows."""
    frame = layer.frame.iloc[:1]
    if layer.rings is None:
        return gpd.GeoDataFrame(frame, geometry=_GEOMETRY, crs=CRS)
    return with_geometry(frame, layer.rings.take(np.arange(len(frame))).polygons())
