"""All layers of a run as one archive of vector tiles (PMTiles 3, Mapbox Vector Tile 2).

Each layer begins at the zoom from which no tile holds too much of it: before it, zones are shown by
their overviews, stations with few columns, other layers not at all. No row is dropped within.
"""

import gzip
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_float_dtype

from planner.errors import Fault, InputError
from planner.outputs.layers.base_map import LAND
from planner.outputs.layers.layer import Layer
from planner.outputs.layers.zone_layers import OVERVIEWS
from planner.outputs.phases import DATE

TILES_FILE = "plan.pmtiles"
DEEPEST_ZOOM = 11
"""A unit of a tile is 5 m there at most; maps show its tiles enlarged beyond it."""

GROUND = (LAND, "climate_regions", "chemistry_regions")
GROUND_ZOOM = 7
"""Deepest zoom of wide shapes, which maps show enlarged beyond it."""

_MOST_VALUES = 40_000
"""Rows times columns of a layer within one tile: some 150 kB."""
_ZONES = (*reversed(OVERVIEWS), "zones")
"""From coarse to fine: each ends where the next begins."""
_LEAST_ZOOMS = {"candidates": 9, "allocation": 8, "service_areas": 5, "drive_areas": 8,
                "corridor_roads": 2, "corridor_legs": 5, "corridor_unserved": 4}  # fmt: skip
_LAST_ZOOMS = dict.fromkeys(GROUND, GROUND_ZOOM)
_FAR = {"stations": ["site_id", "station_type_id", "swaps_per_day", "utilisation_frac"]}
"""Columns of layers that are shown before all of their columns fit."""
_TOLD = {"TITLE", "ABSTRACT", "ATTRIBUTION"}
"""Of the metadata, what an archive has fields of its own for."""
_REMEDY = "tiles are cut by another package: pip install 'planner[tiles]'"
_LATITUDE_END = 85.051129
"""Where the square world of Web Mercator ends [degrees]."""
_SIGNIFICANT = 4
"""Digits of figures in tiles: enough for colours and for what a click shows."""


@dataclass(frozen=True)
class ZoomRange:
    """First and last zoom level whose tiles hold a layer."""

    first: int
    last: int


def zoom_ranges(layers: Sequence[Layer]) -> dict[str, ZoomRange]:
    """Zoom levels of each layer.

    Parameters
    ----------
    layers : sequence of Layer
        With shapes, in EPSG:4326.

    Returns
    -------
    dict of str to ZoomRange
    """
    first = {layer.name: _first_zoom(layer) for layer in layers}
    last = {name: _LAST_ZOOMS.get(name, DEEPEST_ZOOM) for name in first}
    ranges = {name: ZoomRange(min(first[name], last[name]), last[name]) for name in first}
    steps = [name for name in _ZONES if name in first]
    for coarse, fine in pairwise(steps):
        begins = max(first[fine], ranges[coarse].first + 1)
        ranges[coarse] = ZoomRange(ranges[coarse].first, begins - 1)
        ranges[fine] = ZoomRange(begins, DEEPEST_ZOOM)
    return ranges


def write_tiles(path: Path, layers: Sequence[Layer], metadata: Mapping[str, str]) -> None:
    """Write layers as one archive.

    Parameters
    ----------
    path : Path
        File to write.
    layers : sequence of Layer
        With shapes, in EPSG:4326.
    metadata : mapping
        From `planner.outputs.layers.describe.dataset_metadata`.

    Raises
    ------
    InputError
        If the package that cuts tiles is not installed.
    """
    try:
        from freestiler import freestile, freestile_layer
    except ImportError:
        raise InputError([Fault("--format", None, "", "pmtiles", _REMEDY)]) from None
    ranges = zoom_ranges(layers)
    near = {
        layer.name: freestile_layer(
            _tiled(layer), min_zoom=ranges[layer.name].first, max_zoom=ranges[layer.name].last
        )
        for layer in layers
    }
    far = {
        layer.name: freestile_layer(
            _tiled(layer)[[*_FAR[layer.name], "geometry"]],
            min_zoom=0, max_zoom=ranges[layer.name].first - 1,
        )
        for layer in layers
        if layer.name in _FAR and ranges[layer.name].first > 0
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix=".tiles-", dir=path.parent) as scratch:
        archives = []
        for name, cut in (("near", near), ("far", far)):
            if cut:
                archives.append(Path(scratch) / f"{name}.pmtiles")
                freestile(
                    cut, archives[-1], min_zoom=0, max_zoom=DEEPEST_ZOOM, simplification=False,
                    generate_ids=False, quiet=True,
                )  # fmt: skip
        _join(archives, path, layers, ranges, metadata)


def _first_zoom(layer: Layer) -> int:
    """Lowest zoom at which no tile holds too much of a layer."""
    least = _LEAST_ZOOMS.get(layer.name, 0)
    points = shapely.get_coordinates(shapely.point_on_surface(np.asarray(layer.frame.geometry)))
    x, y = _world_of(points)
    for zoom in range(least, DEEPEST_ZOOM):
        tiles = np.floor(x * 2**zoom).astype(np.int64) << 32 | np.floor(y * 2**zoom).astype(int)
        most_rows = np.unique(tiles, return_counts=True)[1].max(initial=0)
        if most_rows * len(layer.columns) <= _MOST_VALUES:
            return zoom
    return DEEPEST_ZOOM


def _world_of(lonlat: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places in the square of Web Mercator, from 0 to 1 eastwards and southwards."""
    lat = np.radians(np.clip(lonlat[:, 1], -_LATITUDE_END, _LATITUDE_END))
    return (lonlat[:, 0] + 180) / 360, (1 - np.arcsinh(np.tan(lat)) / np.pi) / 2


def _tiled(layer: Layer) -> gpd.GeoDataFrame:
    """Rows as tiles hold them: figures in few digits, flags and dates as what tiles know."""
    frame = gpd.GeoDataFrame(layer.frame)
    plain: dict[str, Any] = {}
    for name in frame.columns.drop("geometry"):
        column = frame[name]
        if is_bool_dtype(column):
            plain[name] = column.astype("int64")
        elif column.dtype == DATE:
            plain[name] = column.astype("string")
        elif is_float_dtype(column) and name not in ("lon", "lat"):
            plain[name] = _shortened(column.to_numpy(np.float64))
    return frame.assign(**plain).drop(columns=["lon", "lat"], errors="ignore")


def _shortened(values: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        magnitude = np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** (_SIGNIFICANT - 1 - np.where(np.isfinite(magnitude), magnitude, 0.0))
    return np.asarray(np.round(values * scale) / scale)


def _join(
    archives: Sequence[Path],
    path: Path,
    layers: Sequence[Layer],
    ranges: Mapping[str, ZoomRange],
    metadata: Mapping[str, str],
) -> None:
    """Copy archives into one, told whose it is and what its layers hold.

    A tile is a list of layers: tiles one after the other are a tile with the layers of all.
    """
    from pmtiles.reader import MmapSource, Reader, all_tiles
    from pmtiles.tile import zxy_to_tileid
    from pmtiles.writer import Writer

    with ExitStack() as opened:
        sources = [MmapSource(opened.enter_context(each.open("rb"))) for each in archives]
        tiles = [dict(all_tiles(source)) for source in sources]
        main, writer = Reader(sources[0]), Writer(opened.enter_context(path.open("wb")))
        for place in sorted(set().union(*tiles), key=lambda place: zxy_to_tileid(*place)):
            found = [each.get(place) for each in tiles]
            parts = [data for data in found if data is not None]
            if len(parts) > 1:
                parts = [gzip.compress(b"".join(map(gzip.decompress, parts)), mtime=0)]
            writer.write_tile(zxy_to_tileid(*place), parts[0])
        described = {layer.name: layer.description for layer in layers}
        told = dict(main.metadata())
        for entry in told["vector_layers"]:
            entry["description"] = described[entry["id"]]
            entry["minzoom"] = 0 if entry["id"] in _FAR else ranges[entry["id"]].first
        told |= {
            "name": metadata["TITLE"],
            "description": metadata["ABSTRACT"],
            "attribution": metadata["ATTRIBUTION"],
            "type": "overlay",
        }
        more = {f"planner:{key.lower()}": metadata[key] for key in sorted(metadata.keys() - _TOLD)}
        writer.finalize(main.header(), told | more)
