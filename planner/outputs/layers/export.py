"""A finished run's layers in other formats and reference systems."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from pyproj import CRS
from pyproj.exceptions import CRSError

from planner.errors import Fault, InputError
from planner.files import write_json
from planner.outputs.language import language_of
from planner.outputs.layers.antimeridian import box_of
from planner.outputs.layers.describe import dataset_metadata, with_origin
from planner.outputs.layers.frames import whole_layers
from planner.outputs.layers.gcj02 import cities_in_china, with_gcj02
from planner.outputs.layers.geopackage import write_geopackage
from planner.outputs.layers.layer import CRS as PLAN_CRS
from planner.outputs.layers.layer import Layer
from planner.outputs.layers.map_style import STYLE_FILE, map_style
from planner.outputs.layers.parquet import write_parquet
from planner.outputs.layers.read_back import RunFiles, open_run, read_layer, read_styles
from planner.outputs.layers.shapefile import SHAPEFILE_NAMES, write_shapefile
from planner.outputs.layers.tables import write_table
from planner.outputs.layers.tiles import TILES_FILE, write_tiles, zoom_ranges
from planner.outputs.project import NEEDED, write_project

METADATA_FILE = "metadata.json"

_AREA_MARGIN_DEG = 6.0  # a zone's system is used for the zones beside it too
_SHIFTED = ("GCJ", "BD-09", "BD09", "MARS")


@dataclass(frozen=True)
class ExportFormat:
    """What a format can hold.

    Attributes
    ----------
    holds_tables : bool
        Whether tables without geometry can be written.
    why_fixed_crs : str
        Why coordinates are always those of EPSG:4326; empty if they need not be.
    """

    holds_tables: bool
    why_fixed_crs: str = ""


FORMATS = {
    "gpkg": ExportFormat(holds_tables=True),
    "parquet": ExportFormat(holds_tables=True),
    "csv": ExportFormat(holds_tables=True),
    "flatgeobuf": ExportFormat(holds_tables=False),
    "shapefile": ExportFormat(holds_tables=False),
    "geojson": ExportFormat(False, "GeoJSON is in WGS84 only (RFC 7946, section 4)"),
    "pmtiles": ExportFormat(False, "vector tiles are cut in Web Mercator"),
}


def export_run(
    run_folder: Path,
    file_format: str,
    out: Path,
    *,
    names: Sequence[str] = (),
    crs: str = PLAN_CRS,
    with_bom: bool = False,
    gcj02: bool = False,
    on_progress: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write layers and tables of a run in another format.

    Parameters
    ----------
    run_folder : Path
        What `planner run` left.
    file_format : str
        A key of `FORMATS`.
    out : Path
        Folder to write into; made if missing. Files of the same name must not stand there.
    names : sequence of str
        Layers and tables; all that the format can hold if empty.
    crs : str
        Reference system of the geometries, e.g. ``EPSG:4490``. Columns ``lon`` and ``lat``
        stay WGS84.
    with_bom : bool
        Whether CSV files begin with a byte order mark, which older spreadsheets need to see
        that they are UTF-8.
    gcj02 : bool
        Whether rows in China also tell ``lon_gcj02`` and ``lat_gcj02``, for maps published there;
        shapes and reference system stay as they are.
    on_progress : callable
        Called with what is being written.

    Returns
    -------
    list of Path
        Files written, ``metadata.json`` (title, attribution, reference system) last.

    Raises
    ------
    InputError
        If the run, a layer, the reference system or the target cannot be used.
    """
    run = open_run(run_folder)
    chosen = _choose(run, file_format, names)
    target_crs = parse_crs(crs)
    fixed = FORMATS[file_format].why_fixed_crs
    if fixed and target_crs != CRS(PLAN_CRS):
        raise InputError([Fault("--crs", None, "", crs, f"{fixed}; leave --crs out")])
    metadata = dataset_metadata(run.run_info, crs=_describe_crs(target_crs))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=out) as scratch:
        partial = Path(scratch)
        whole = _Export(run, target_crs, metadata, with_bom, gcj02, on_progress)
        _write(whole, file_format, partial, chosen)
        write_json(partial / METADATA_FILE, metadata)
        written = sorted(partial.iterdir(), key=lambda path: path.name == METADATA_FILE)
        _refuse_existing([out / path.name for path in written if path.name != METADATA_FILE])
        return [path.replace(out / path.name) for path in written]


def parse_crs(text: str) -> CRS:
    """Reference system of horizontal coordinates that a text names.

    Raises
    ------
    InputError
        If it is unknown, shifted by law (GCJ-02, BD-09), or not horizontal.

    Examples
    --------
    >>> parse_crs("EPSG:4490").name
    'China Geodetic Coordinate System 2000'
    """
    if any(word in text.upper() for word in _SHIFTED):
        remedy = (
            "GCJ-02 and BD-09 have no code in any register and no open inverse, so files in them "
            "cannot be labelled; take EPSG:4490 (CGCS2000) or EPSG:4326 (WGS84)"
        )
        raise InputError([Fault("--crs", None, "", text, remedy)])
    try:
        crs = CRS.from_user_input(text)
    except CRSError:
        remedy = "no such reference system; give a code such as EPSG:4490"
        raise InputError([Fault("--crs", None, "", text, remedy)]) from None
    if not (crs.is_geographic or crs.is_projected) or len(crs.axis_info) != 2:
        remedy = f"{crs.name} is not a system of two horizontal coordinates"
        raise InputError([Fault("--crs", None, "", text, remedy)])
    return crs


def _choose(run: RunFiles, file_format: str, names: Sequence[str]) -> list[str]:
    holds_tables = FORMATS[file_format].holds_tables
    if not names:
        return [name for name in run.resources if holds_tables or run.has_geometry(name)]
    faults = []
    for name in names:
        if name not in run.resources:
            remedy = f"the run has no such layer; it has {', '.join(run.resources)}"
            faults.append(Fault("--layers", None, "", name, remedy))
        elif not (holds_tables or run.has_geometry(name)):
            remedy = f"a table without geometry, which {file_format} cannot hold; take gpkg or csv"
            faults.append(Fault("--layers", None, "", name, remedy))
    if faults:
        raise InputError(faults)
    return [name for name in run.resources if name in names]


def _describe_crs(crs: CRS) -> str:
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.name)


def _refuse_existing(paths: Sequence[Path]) -> None:
    faults = [
        Fault(str(path), None, "", "", "stands already; choose another --out or remove it")
        for path in paths
        if path.exists()
    ]
    if faults:
        raise InputError(faults)


@dataclass(frozen=True)
class _Export:
    """What is exported, and how."""

    run: RunFiles
    crs: CRS
    metadata: dict[str, str]
    with_bom: bool
    gcj02: bool
    say: Callable[[str], None]

    def layer(self, name: str, file_format: str) -> Layer:
        self.say(f"{file_format}: {name}")
        layer = project_layer(read_layer(self.run, name), self.crs)
        if not self.gcj02:
            return layer
        return with_gcj02(layer, self._chinese, language_of(self.run.run_info))

    @cached_property
    def _chinese(self) -> frozenset[str]:
        return cities_in_china(read_layer(self.run, "cities").frame)


def _write(export: _Export, file_format: str, folder: Path, names: Sequence[str]) -> None:
    metadata = export.metadata
    if file_format in ("gpkg", "pmtiles"):
        layers = {name: export.layer(name, file_format) for name in names}
        styles = read_styles(export.run, names)
        if file_format == "gpkg":
            path = folder / "plan.gpkg"
            write_geopackage(path, whole_layers(layers), styles, metadata, export.say)
            if set(names) >= NEEDED:
                write_project(path)
            return
        tiled = list(whole_layers(layers).values())
        export.say(f"pmtiles: cutting tiles of {len(tiled)} layers")
        write_tiles(folder / TILES_FILE, tiled, metadata)
        write_json(folder / STYLE_FILE, map_style(tiled, styles, zoom_ranges(tiled), metadata))
        return
    short_names = []
    for name in names:
        layer = export.layer(name, file_format)
        if file_format == "parquet":
            write_parquet(folder / f"{name}.parquet", layer, metadata)
        elif file_format == "csv":
            write_table(folder / f"{name}.csv", _with_wkt(layer), with_bom=export.with_bom)
        elif file_format == "shapefile":
            short_names.append(write_shapefile(folder, layer))
        else:
            _WRITERS[file_format](folder, layer, metadata)
    if short_names:
        path = folder / SHAPEFILE_NAMES
        write_table(path, pd.concat(short_names), with_bom=export.with_bom)


def project_layer(layer: Layer, crs: CRS) -> Layer:
    """A layer in another reference system.

    Raises
    ------
    InputError
        If the system is made for places where the layer does not lie.
    """
    if not isinstance(layer.frame, gpd.GeoDataFrame) or layer.frame.crs == crs:
        return layer
    area = crs.area_of_use
    if area is not None and _misses(box_of(np.asarray(layer.frame.geometry)), area.bounds):
        remedy = f"made for {area.name}, where the layer {layer.name} does not lie"
        raise InputError([Fault("--crs", None, "", _describe_crs(crs), remedy)])
    frame = layer.frame.to_crs(crs)
    return replace(layer, frame=frame)


def _misses(box: Sequence[float], area: Sequence[float]) -> bool:
    """Whether a box lies well outside another: west, south, east, north [degrees]."""
    west, south, east, north = box
    area_west, area_south, area_east, area_north = area
    margin = _AREA_MARGIN_DEG
    # Boxes and areas that cross the antimeridian have their western edge in the east.
    cross = west > east or area_west > area_east
    beside = not cross and (west > area_east + margin or east < area_west - margin)
    return beside or south > area_north + margin or north < area_south - margin


def _with_wkt(layer: Layer) -> pd.DataFrame:
    """Rows with their geometry as text, unless it is the point that lon and lat tell."""
    frame = layer.frame
    if not isinstance(frame, gpd.GeoDataFrame):
        return frame
    plain = pd.DataFrame(frame.drop(columns="geometry"))
    has_lon_lat = layer.geometry_type == "Point" and frame.crs == CRS(PLAN_CRS)
    return plain if has_lon_lat else plain.assign(wkt=frame.geometry.to_wkt(rounding_precision=7))


def _write_flatgeobuf(folder: Path, layer: Layer, metadata: dict[str, str]) -> None:
    about = {
        "TITLE": metadata["TITLE"],
        "DESCRIPTION": with_origin(layer.description, metadata),
    }
    pyogrio.write_dataframe(
        layer.frame, folder / f"{layer.name}.fgb", layer=layer.name, driver="FlatGeobuf",
        use_arrow=True, geometry_type=layer.geometry_type, layer_options=about,
    )  # fmt: skip


def _write_geojson(folder: Path, layer: Layer, metadata: dict[str, str]) -> None:
    pyogrio.write_dataframe(
        layer.frame, folder / f"{layer.name}.geojson", layer=layer.name, driver="GeoJSON",
        use_arrow=True, geometry_type=layer.geometry_type,
        layer_options={
            "RFC7946": "YES", "DESCRIPTION": with_origin(layer.description, metadata),
        },
    )  # fmt: skip


_WRITERS: dict[str, Callable[[Path, Layer, dict[str, str]], None]] = {
    "flatgeobuf": _write_flatgeobuf,
    "geojson": _write_geojson,
}
