"""What describes a run's files to people and catalogues, by open specifications."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

from planner.outputs.layers.antimeridian import box_of
from planner.outputs.layers.columns import safe_name
from planner.outputs.layers.geopackage import with_scenario
from planner.outputs.layers.layer import CRS, Layer
from planner.outputs.layers.parquet import parquet_path
from planner.outputs.layers.zone_layers import OVERVIEWS
from planner.outputs.phases import DATE

DATA_PACKAGE = "datapackage.json"
STAC_ITEM = "stac-item.json"

RunInfo = Mapping[str, str | float | int]

_ABSTRACT = (
    "Stations, the sites not chosen, demand zones, who serves whom, cities and packs of a plan, "
    "with its figures, the run's particulars and the assumptions made."
)
_GEOPACKAGE_TYPE = "application/geopackage+sqlite3"
_PARQUET_TYPE = "application/vnd.apache.parquet"


def dataset_metadata(run_info: RunInfo, crs: str = CRS) -> dict[str, str]:
    """Title, abstract, scenario, attribution and reference system, for files with metadata."""
    name = str(run_info.get("name", ""))
    return {
        "TITLE": str(run_info.get("title", "Battery-swap network plan")),
        "ABSTRACT": _ABSTRACT,
        **({"SCENARIO": name} if name else {}),
        "ATTRIBUTION": str(run_info.get("attribution", "")),
        "CRS": (
            f"{crs}. Planned in EPSG:4326 (WGS84); CGCS2000 (EPSG:4490) differs by less than a "
            "metre and is treated as equal: a shift of zero. GCJ-02 and BD-09 are not used here."
        ),
    }


def with_origin(text: str, metadata: Mapping[str, str]) -> str:
    """Text followed by scenario and attribution, as far as there are any."""
    attribution = metadata["ATTRIBUTION"]
    told = with_scenario(text, metadata)
    return f"{told} Attribution: {attribution}" if attribution else told


def data_package(
    folder: Path, layers: Mapping[str, Layer], run_info: RunInfo, *, with_geopackage: bool = True
) -> dict[str, Any]:
    """Describe the files of a run as a Data Package (specs.frictionlessdata.io, version 1).

    Parameters
    ----------
    folder : Path
        Run folder whose Parquet and CSV files stand already.
    layers : mapping of str to Layer
        What was written.
    run_info : mapping
        What to tell about the run.
    with_geopackage : bool
        Whether there is a ``plan.gpkg``, or will be.

    Returns
    -------
    dict
        Content of ``datapackage.json``; its Parquet resources are what `planner export` reads.
    """
    metadata = dataset_metadata(run_info)
    resources: list[dict[str, Any]] = []
    if with_geopackage:
        resources.append(
            {
                "name": "plan",
                "path": "plan.gpkg",
                "title": "All layers and tables with their styles",
                "format": "gpkg",
                "mediatype": _GEOPACKAGE_TYPE,
                "profile": "data-resource",
                "type": "file",
            }
        )
    for layer in layers.values():
        about = {"title": _title(layer.name), "description": layer.description}
        schema = {"fields": _fields(layer), "missingValues": [""]}
        resources.append(
            {
                "name": layer.name,
                "path": parquet_path(layer).as_posix(),
                **about,
                "format": "parquet",
                "mediatype": _PARQUET_TYPE,
                "profile": "data-resource",
                "type": "file",  # validators without a Parquet reader pass over its rows
                "geometry_type": layer.geometry_type,
                "cell_resolution": layer.cell_resolution,
                "schema": schema,
            }
        )
        if (folder / "tables" / f"{layer.name}.csv").is_file():
            resources.append(
                {
                    "name": f"{layer.name}-csv",
                    "path": f"tables/{layer.name}.csv",
                    **about,
                    "format": "csv",
                    "mediatype": "text/csv",
                    "encoding": "utf-8",
                    "profile": "tabular-data-resource",
                    "type": "table",
                    "schema": schema,
                }
            )
    return {
        "profile": "data-package",
        "name": safe_name(str(run_info.get("name", "plan"))),
        "title": metadata["TITLE"],
        "description": (
            f"{with_scenario(_ABSTRACT, metadata)} Reference system: {metadata['CRS']}"
        ),
        "sources": [{"title": metadata["ATTRIBUTION"]}] if metadata["ATTRIBUTION"] else [],
        "run_info": {key: str(value) for key, value in run_info.items()},
        "resources": resources,
    }


def stac_item(
    layers: Mapping[str, Layer], run_info: RunInfo, *, with_geopackage: bool = True
) -> dict[str, Any]:
    """Describe the run as an item of a SpatioTemporal Asset Catalog (STAC 1.1.0).

    Its box is that of the overview cells, which have an area even where zones are points on a
    line, and of the roads between cities; one that spans the antimeridian has west > east. Its
    time is the planning quarter.
    """
    west, south, east, north = _extent(layers)
    metadata = dataset_metadata(run_info)
    first, last = _quarter_ends(str(run_info["planning_quarter"]))
    assets: dict[str, dict[str, Any]] = {}
    if with_geopackage:
        assets["plan"] = {
            "href": "./plan.gpkg",
            "type": _GEOPACKAGE_TYPE,
            "title": "All layers and tables with their styles",
            "roles": ["data"],
        }
    for layer in layers.values():
        assets[layer.name] = {
            "href": f"./{parquet_path(layer).as_posix()}",
            "type": _PARQUET_TYPE,
            "title": _title(layer.name),
            "description": layer.description,
            "roles": ["data"],
        }
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": safe_name(str(run_info.get("name", "plan"))),
        "geometry": shapely.geometry.mapping(
            shapely.box(west, south, east, north)
            if west <= east
            else shapely.MultiPolygon(
                [shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)]
            )
        ),
        "bbox": [west, south, east, north],
        "properties": {
            "title": metadata["TITLE"],
            "planner:scenario": str(run_info.get("name", "")),
            "description": with_origin(_ABSTRACT, metadata),
            "datetime": None,
            "start_datetime": first,
            "end_datetime": last,
            "license": "other",
        },
        "links": [],
        "assets": {
            name: {key: value for key, value in asset.items() if value}
            for name, asset in assets.items()
        },
    }


def field_type(column: "pd.Series[Any]") -> str:
    """Type of a column as Table Schema calls it.

    >>> field_type(pd.Series([1.5, 2.0]))
    'number'
    """
    if column.dtype == DATE:
        return "date"
    kinds = ((is_bool_dtype, "boolean"), (is_integer_dtype, "integer"), (is_float_dtype, "number"))
    return next((name for is_kind, name in kinds if is_kind(column.dtype)), "string")


def _extent(layers: Mapping[str, Layer]) -> list[float]:
    """West, south, east, north of what a run covers [degrees]."""
    shapes = [
        np.asarray(layers[name].frame.geometry, object)
        for name in (OVERVIEWS[0], "corridor_roads")
        if name in layers
    ]
    return [round(edge, 6) for edge in box_of(np.concatenate(shapes))]


def _fields(layer: Layer) -> list[dict[str, str]]:
    return [
        {
            "name": column.name,
            "type": field_type(layer.frame[column.name]),
            "title": column.title,
            "description": column.description,
        }
        for column in layer.columns
    ]


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _quarter_ends(quarter: str) -> tuple[str, str]:
    """First and last second of a quarter such as 2027Q1."""
    period = pd.Period(quarter, freq="Q")
    first, last = (f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (period.start_time, period.end_time))
    return first, last
