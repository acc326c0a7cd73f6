"""Read a Parquet file, plain or GeoParquet, by its own types alone."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.instance.layer import Layer, known_crs, numbered, parsed_geometries, row_faults
from planner.instance.tables import Table

MAX_ROWS = 50_000_000
"""More are refused before they are read: a few bytes of Parquet can stand for any number."""

_INDEX = re.compile(r"__index_level_\d+__")


def read_parquet(path: Path, table: Table) -> tuple[Layer | None, list[Fault]]:
    """Read a Parquet file.

    What pandas writes about itself is not looked at: a named index is a column like others.

    Parameters
    ----------
    path : Path
        The file.
    table : Table
        Whose key tells the rows' ids.

    Returns
    -------
    layer : Layer or None
        None if the file cannot be read as a table.
    faults : list of Fault
        Of size, text, geometry and what is said of it.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        num_rows = parquet.read_metadata(path).num_rows
        if num_rows > MAX_ROWS:
            remedy = f"a table has at most {MAX_ROWS:,} rows; leave away what is not needed"
            return None, [Fault(path.name, None, "rows", f"{num_rows:,}", remedy)]
        cells = parquet.ParquetFile(path).read()
        keep = [i for i, name in enumerate(cells.column_names) if not _INDEX.fullmatch(name)]
        cells = cells.select(keep)
        faults = [fault for i in range(cells.num_columns) for fault in _text(cells, i, path.name)]
        if faults:
            return None, faults
        geo = (cells.schema.metadata or {}).get(b"geo")
        cells = cells.replace_schema_metadata(None)
        if geo is not None:
            return _read_geometry(cells, geo, path, table)
        frame = cells.to_pandas()
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        return None, [Fault(path.name, None, "", str(error), "file cannot be read as a table")]
    return Layer(numbered(frame), path.name), []


def _text(cells: Any, position: int, label: str) -> list[Fault]:
    """Text that is not UTF-8: Parquet promises it, Arrow does not look."""
    import pyarrow as pa

    column = cells.column(position)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return []
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        remedy = "text is not UTF-8; write the column anew"
        return [Fault(label, None, cells.column_names[position], str(error), remedy)]
    return []


def _read_geometry(
    cells: Any, geo: bytes, path: Path, table: Table
) -> tuple[Layer | None, list[Fault]]:
    """Read the primary geometry of GeoParquet: https://geoparquet.org/releases/v1.1.0/."""
    import shapely
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    remedy = "the file's entry of its geometries is broken; write it anew"
    try:
        said = json.loads(geo)
        name = said["primary_column"]
        column = said["columns"][name]
        encoding, crs = column["encoding"], column.get("crs", "OGC:CRS84")
        values = cells.column(name)
        boxes = {place[0] for place in column.get("covering", {}).get("bbox", {}).values()}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        return None, [Fault(path.name, None, "geo", str(error), remedy)]
    try:
        reference = None if crs is None else CRS.from_user_input(crs)
    except (CRSError, ValueError, TypeError) as error:
        return None, [Fault(path.name, None, "coordinate reference", str(error), remedy)]
    rest = cells.drop_columns([name, *boxes])
    if encoding != "WKB":
        import geopandas

        geometry = np.asarray(geopandas.read_parquet(path, columns=[name]).geometry.array)
    else:
        geometry = parsed_geometries(shapely.from_wkb, values.to_numpy())
    frame = numbered(rest.to_pandas())
    is_told = values.is_valid().to_numpy() & pd.isna(geometry)
    layer = Layer(
        frame, path.name, geometry, known_crs(reference), is_told=is_told, states_crs=True
    )
    rows = np.flatnonzero(is_told)
    remedy = "cannot be read as a geometry; write it anew"
    no_text = pd.Series("", index=frame.index)
    return layer, row_faults(path.name, table, frame, rows, str(name), remedy, no_text)
