"""One layer or table as it is written: rows in order, columns under the names of the files.

Takes frames with points or shapes; leaves to others what rows there are.
"""

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pandas.api.types import is_string_dtype

from planner.outputs.layers.antimeridian import same_type, split_shapes
from planner.outputs.layers.columns import WrittenColumn, describe_columns
from planner.outputs.layers.rings import Rings

CRS = "EPSG:4326"
_AT_ONCE = 50_000
"""Shapes whose outlines are looked at together."""


@dataclass(frozen=True)
class Layer:
    """One layer or table, ready to be written.

    Attributes
    ----------
    name : str
        As in the files.
    description : str
        One sentence.
    frame : DataFrame or GeoDataFrame
        Rows sorted, columns under the names they are written with.
    columns : tuple of WrittenColumn
        One per column, geometry left out.
    geometry_type : str or None
        ``Point``, ``LineString``, ``Polygon`` or ``MultiPolygon``; ``MultiLineString`` too where
        lines are cut at the antimeridian, likewise polygons; None for a table.
    cell_resolution : int or None
        H3 resolution of the cells that are the layer's rows, if they are.
    unplaced : DataFrame or None
        Rows that have no place on a map, with the columns of the others; the layer's CSV alone
        has them.
    full_size : float or None
        Swaps per day from which a zone or cell is drawn at its full size; per km2 of areas that
        are no cells.
    rings : Rings or None
        Shapes of a large layer, which its frame then lacks until it is `drawn`.
    """

    name: str
    description: str
    frame: pd.DataFrame
    columns: tuple[WrittenColumn, ...]
    geometry_type: str | None = None
    cell_resolution: int | None = None
    unplaced: pd.DataFrame | None = None
    full_size: float | None = None
    rings: Rings | None = None

    def drawn(self) -> "Layer":
        """The layer with its rings as geometries of its frame."""
        if self.rings is None:
            return self
        frame = with_geometry(self.frame, self.rings.polygons())
        return replace(self, frame=frame, rings=None)

    def head(self, num_rows: int) -> "Layer":
        """The layer of the first rows only, which keeps none of the others."""
        rings = None if self.rings is None else self.rings.take(np.arange(num_rows))
        return replace(self, frame=self.frame.iloc[:num_rows].copy(), rings=rings)


def make_layer(
    name: str,
    description: str,
    frame: pd.DataFrame,
    geometry_type: str | None = None,
    cell_resolution: int | None = None,
) -> Layer:
    """A layer with its columns described; shapes are cut at the antimeridian.

    Areas have their outer rings counter-clockwise, as RFC 7946 asks (3.1.6).

    Parameters
    ----------
    name, description, geometry_type, cell_resolution
        As of `Layer`; one of single shapes becomes one of several where shapes are cut.
    frame : DataFrame or GeoDataFrame
        Rows as they shall stand in the files, columns under their machine names.
    """
    columns = describe_columns(name, [column for column in frame.columns if column != "geometry"])
    # A label that is missing in every row would otherwise be taken for a number.
    labels = [
        column.source
        for column in columns
        if frame[column.source].dtype == object
        or (column.source.endswith("_id") and not is_string_dtype(frame[column.source]))
    ]
    renamed = frame.astype(dict.fromkeys(labels, "string")).rename(
        columns={column.source: column.name for column in columns}
    )
    if isinstance(renamed, gpd.GeoDataFrame) and str(geometry_type).endswith("Polygon"):
        shapes = np.asarray(renamed.geometry, object)
        if not _are_oriented(shapes):
            turned = gpd.GeoSeries(shapely.orient_polygons(shapes), index=renamed.index, crs=CRS)
            renamed = renamed.set_geometry(turned)
    if isinstance(renamed, gpd.GeoDataFrame) and geometry_type in ("LineString", "Polygon"):
        shapes = same_type(split_shapes(np.asarray(renamed.geometry, object)))
        if shapely.get_type_id(shapes).max(initial=-1) >= shapely.GeometryType.MULTIPOINT:
            geometry_type = f"Multi{geometry_type}"
            renamed = renamed.set_geometry(gpd.GeoSeries(shapes, index=renamed.index, crs=CRS))
    return Layer(name, description, renamed, columns, geometry_type, cell_resolution)


def _are_oriented(shapes: NDArray[np.object_]) -> bool:
    """Whether all are single shapes without holes, counter-clockwise already, as cells are.

    Asked so as not to have a second copy of each cell of a nation.
    """
    if not (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all():
        return False
    parts = np.array_split(shapes, max(1, len(shapes) // _AT_ONCE))
    return all(
        not shapely.get_num_interior_rings(part).any()
        and bool(shapely.is_ccw(shapely.get_exterior_ring(part)).all())
        for part in parts
    )


def at_points(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    """Rows at the points that their ``lon, lat`` tell."""
    points = shapely.points(frame[["lon", "lat"]].to_numpy(np.float64))
    return with_geometry(frame, np.asarray(points))


def with_geometry(frame: pd.DataFrame, shapes: NDArray[np.object_]) -> gpd.GeoDataFrame:
    """Rows with a shape each."""
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, index=frame.index, crs=CRS))
