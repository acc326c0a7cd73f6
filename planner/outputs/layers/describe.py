"""What describes a run's files to people and catalogues, by open specifications."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

from planner.outputs.layers.antimeridian import box_of
from planner.outputs.layers.base_map import BASE_ROADS, LAND
from planner.outputs.layers.columns import safe_name
from planner.outputs.layers.geopackage import LARGEST, with_run
from planner.outputs.layers.keys import Keys, keys_of
from planner.outputs.layers.layer import CRS, Layer
from planner.outputs.layers.licences import licences_named
from planner.outputs.layers.parquet import parquet_path
from planner.outputs.lineage import inputs_of
from planner.outputs.phases import DATE

DATA_PACKAGE = "datapackage.json"
STAC_ITEM = "stac-item.json"

FloatArray = NDArray[np.float64]
RunInfo = Mapping[str, str | float | int]

_ABSTRACT = (
    "Stations, the sites not chosen, demand zones, who serves whom, cities and packs of a plan, "
    "with its figures, the run's particulars and the assumptions made."
)
_GROUND = (LAND, BASE_ROADS)
"""Layers drawn below a plan, which reach beyond it."""
_LINEAGE = {
    "SCENARIO": "name",
    "RUN": "run_id",
    "DATE": "run_date",
    "INSTANCE": "instance",
    "PLANNER": "planner_version",
}
"""Key in a file's metadata, and that of the run's particulars which it tells."""
_GEOPACKAGE_TYPE = "application/geopackage+sqlite3"
_PARQUET_TYPE = "application/vnd.apache.parquet"


def dataset_metadata(run_info: RunInfo, crs: str = CRS) -> dict[str, str]:
    """Title, abstract, scenario, run, date, inputs and the like, for files with metadata."""
    inputs = "; ".join(f"{name} sha256:{digest}" for name, digest in inputs_of(run_info).items())
    told = {key: str(run_info.get(name, "")) for key, name in _LINEAGE.items()} | {"INPUTS": inputs}
    return {
        "TITLE": str(run_info.get("title", "Battery-swap network plan")),
        "ABSTRACT": _ABSTRACT,
        **{key: text for key, text in told.items() if text},
        "ATTRIBUTION": str(run_info.get("attribution", "")),
        "CRS": (
            f"{crs}. Planned in EPSG:4326 (WGS84); CGCS2000 (EPSG:4490) differs by less than a "
            "metre and is treated as equal: a shift of zero. Coordinates were given in: "
            f"{run_info.get('input_coordinate_reference', 'WGS84')}."
        ),
    }


def with_origin(text: str, metadata: Mapping[str, str]) -> str:
    """Text followed by scenario, run and attribution, as far as there are any."""
    attribution = metadata["ATTRIBUTION"]
    told = with_run(text, metadata)
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
    keys = keys_of(layers)
    with_csv = {name for name in layers if (folder / "tables" / f"{name}.csv").is_file()}
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
                "schema": schema | _key_schema(keys[layer.name], {name: name for name in layers}),
            }
        )
        if layer.name in with_csv:
            tables = {name: f"{name}-csv" for name in with_csv}
            # Rows without a place, which the CSV alone has, need not keep the keys.
            told = _key_schema(keys[layer.name], tables) if layer.unplaced is None else {}
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
                    "schema": schema | told,
                }
            )
    return {
        "profile": "data-package",
        "name": safe_name(str(run_info.get("name", "plan"))),
        "title": metadata["TITLE"],
        "description": (f"{with_run(_ABSTRACT, metadata)} Reference system: {metadata['CRS']}"),
        **{
            key: str(run_info[name])
            for key, name in (("id", "run_id"), ("created", "run_date"))
            if name in run_info
        },
        "sources": [{"title": metadata["ATTRIBUTION"]}] if metadata["ATTRIBUTION"] else [],
        **_licences(metadata["ATTRIBUTION"]),
        "run_info": {key: str(value) for key, value in run_info.items()},
        "resources": resources,
    }


def stac_item(
    layers: Mapping[str, Layer], run_info: RunInfo, *, with_geopackage: bool = True
) -> dict[str, Any]:
    """Describe the run as an item of a SpatioTemporal Asset Catalog (STAC 1.1.0).

    Its box holds every layer's shapes; one that spans the antimeridian has west > east. Its
    geometry is that box, its time the planning quarter.
    """
    boxes = _boxes(layers)
    low, high = np.reshape(box_of(boxes), (2, 2))
    west, south, east, north = [*_rounded(low, np.floor), *_rounded(high, np.ceil)]
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
        "id": str(run_info.get("run_id", run_info.get("name", "plan"))),
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
            **{
                key: str(run_info[name])
                for key, name in (("created", "run_date"), ("planner:version", "planner_version"))
                if name in run_info
            },
            "planner:inputs": inputs_of(run_info),
        },
        "links": [
            {"rel": "license", "href": each.url, "title": each.title, "type": "text/html"}
            for each in licences_named(metadata["ATTRIBUTION"])
        ],
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


def _boxes(layers: Mapping[str, Layer]) -> NDArray[np.object_]:
    """Box of each layer with shapes; two where one spans the antimeridian."""
    found = []
    for name, layer in layers.items():
        # Of the zones, whose rows may be elsewhere, the overview's cells tell where they are.
        if layer.geometry_type is None or layer.frame.empty or name in {LARGEST, *_GROUND}:
            continue
        west, south, east, north = box_of(np.asarray(layer.frame.geometry, object))
        spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        found += [shapely.box(left, south, right, north) for left, right in spans]
    return np.asarray(found, object)


def _rounded(degrees: FloatArray, away: Callable[[FloatArray], FloatArray]) -> list[float]:
    """Edges of a box in six decimals, rounded outwards: all shapes stay within."""
    edges: list[float] = (away(np.round(degrees * 1e6, 3)) / 1e6).tolist()
    return edges


def _key_schema(keys: Keys, resources: Mapping[str, str]) -> dict[str, Any]:
    """Keys as Table Schema writes them, of what has a resource."""
    references = [
        {
            "fields": [each.column],
            "reference": {"resource": resources[each.layer], "fields": [each.target]},
        }
        for each in keys.references
        if each.layer in resources
    ]
    return {
        **({"primaryKey": list(keys.unique)} if keys.unique else {}),
        **({"foreignKeys": references} if references else {}),
    }


def _licences(attribution: str) -> dict[str, Any]:
    """Licences as Data Package writes them; those without an identifier by their page alone."""
    licences = [
        {**({"name": each.spdx} if each.spdx else {}), "path": each.url, "title": each.title}
        for each in licences_named(attribution)
    ]
    return {"licenses": licences} if licences else {}


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
