"""GeoParquet 1.1 of layers, Parquet of tables."""

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd

from planner.outputs.layers.layer import Layer

_ROWS_PER_GROUP = 65_536  # readers skip groups outside their window by the bbox column


def parquet_path(layer: Layer) -> Path:
    """Where a layer's twin stands in the run folder."""
    return Path("layers" if layer.geometry_type else "tables") / f"{layer.name}.parquet"


def write_parquet(path: Path, layer: Layer, dataset_metadata: Mapping[str, str]) -> None:
    """Write a layer as GeoParquet with the rows' boxes, a table as plain Parquet.

    Rows of a large layer stand along a Hilbert curve, so that a reader who looks at one place finds
    it in few groups of rows.
    """
    frame = layer.frame.copy(deep=False)
    if isinstance(frame, gpd.GeoDataFrame) and len(frame) > _ROWS_PER_GROUP:
        frame = frame.iloc[frame.hilbert_distance().argsort(kind="stable")]
    frame.attrs.update(dataset_metadata)  # ends up in the file's key-value metadata
    if isinstance(frame, gpd.GeoDataFrame):
        frame.to_parquet(
            path,
            index=False,
            compression="zstd",
            schema_version="1.1.0",
            write_covering_bbox=True,
            row_group_size=_ROWS_PER_GROUP,
        )
    else:
        frame.to_parquet(path, index=False, compression="zstd")
