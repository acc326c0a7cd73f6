"""Rows of a large layer as Arrow batches, one after the other: shapes are never all there twice."""

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from planner.arrays import IntArray

ROWS_AT_ONCE = 65_536
"""Of a batch; in a file, readers skip such groups outside their window by the bbox column."""


def plain_schema(frame: gpd.GeoDataFrame) -> pa.Schema:
    """Columns of a layer, its shapes as WKB.

    Parameters
    ----------
    frame : GeoDataFrame
        Whose columns of text have a type of their own, as those of a `Layer` do.
    """
    return pa.Schema.from_pandas(_with_wkb(frame.iloc[:1]), preserve_index=False)


def in_batches(
    frame: gpd.GeoDataFrame, schema: pa.Schema, order: IntArray | None = None
) -> Iterator[tuple[gpd.GeoDataFrame, pa.RecordBatch]]:
    """Rows with their batch.

    Parameters
    ----------
    frame : GeoDataFrame
    schema : Schema
        From `plain_schema`, or one alike.
    order : int array, optional
        Positions of the rows as they shall stand; as they are otherwise.

    Yields
    ------
    GeoDataFrame, RecordBatch
        `ROWS_AT_ONCE` rows, of the last ones what is left.
    """
    for begin in range(0, len(frame), ROWS_AT_ONCE):
        rows = np.s_[begin : begin + ROWS_AT_ONCE]
        part = frame.iloc[rows if order is None else order[rows]]
        yield part, pa.RecordBatch.from_pandas(_with_wkb(part), schema, preserve_index=False)


def _with_wkb(part: gpd.GeoDataFrame) -> pd.DataFrame:
    name = part.geometry.name
    plain = pd.DataFrame(part).drop(columns=name)
    plain[name] = shapely.to_wkb(part.geometry.to_numpy())
    return plain[list(part)]
