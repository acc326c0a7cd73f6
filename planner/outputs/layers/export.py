"""A finished run's layers in other formats and reference systems."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from pandas.api.types import is_bool_dtype, is_string_dtype
from pyproj import CRS
from pyproj.exceptions import CRSError

from planner.errors import Fault, InputError
from planner.files import write_json
from planner.outputs.layers.antimeridian import box_of
from planner.outputs.layers.describe import dataset_metadata, with_origin
from planner.outputs.layers.frames import whole_layers
from planner.outputs.layers.geopackage import write_geopackage
from planner.outputs.layers.layer import CRS as PLAN_CRS
from planner.outputs.layers.layer import Layer
from planner.outputs.layers.parquet import write_parquet
from planner.outputs.layers.read_back import RunFiles, open_run, read_layer, read_styles
from planner.outputs.layers.tables import write_table
from planner.outputs.phases import DATE

METADATA_FILE = "metadata.json"
SHAPEFILE_NAMES = "shapefile_names.csv"

_AREA_MARGIN_DEG = 6.0  # a zone's system is used for the zones beside it too
_SHIFTED = ("GCJ", "BD-09", "BD09", "MARS")
_SHAPEFILE_NAME_LENGTH = 10
_SHAPEFILE_TEXT_BYTES = 254


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

# Zoom levels that tiles are cut for; a map shows the last level enlarged beyond it.
_ZOOMS = {
    "zones": (8, 10),
    "candidates": (8, 12),
    "allocation": (8, 12),
    "service_areas": (5, 11),
    "zones_overview": (5, 8),
    "zones_overview_coarse": (0, 6),
    "climate_regions": (0, 7),
    "chemistry_regions": (0, 7),
    "corridor_roads": (2, 10),
    "corridor_legs": (5, 10),
    "corridor_unserved": (4, 10),
}
_ALL_ZOOMS = (0, 12)


def export_run(
    run_folder: Path,
    file_format: str,
    out: Path,
    *,
    names: Sequence[str] = (),
    crs: str = PLAN_CRS,
    with_bom: bool = False,
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
        _write(run, file_format, partial, chosen, target_crs, metadata, with_bom, on_progress)
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


def shapefile_names(columns: Sequence[str]) -> dict[str, str]:
    """Names of at most ten characters for a Shapefile, different from each other.

    >>> shapefile_names(["site_id", "car_owning_households", "car_owning_hours"])
    {'site_id': 'site_id', 'car_owning_households': 'car_own_ho', 'car_owning_hours': 'car_own_h1'}
    """
    names: dict[str, str] = {}
    for column in columns:
        short = column if len(column) <= _SHAPEFILE_NAME_LENGTH else _shorten(column)
        number, unlike = 0, short
        while unlike in names.values():
            number += 1
            unlike = short[: _SHAPEFILE_NAME_LENGTH - len(str(number))] + str(number)
        names[column] = unlike
    return names


def _shorten(name: str) -> str:
    """Beginnings of a name's words: the last of them is its unit, so all of them count."""
    words = name.split("_")
    joint = "_" if 2 * len(words) - 1 <= _SHAPEFILE_NAME_LENGTH else ""
    room = _SHAPEFILE_NAME_LENGTH - len(joint) * (len(words) - 1)
    letters = [0] * len(words)
    while room > 0:
        for number, word in enumerate(words):
            if room > 0 and letters[number] < len(word):
                letters[number] += 1
                room -= 1
    return joint.join(word[:kept] for word, kept in zip(words, letters, strict=True))


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


def _write(
    run: RunFiles,
    file_format: str,
    folder: Path,
    names: Sequence[str],
    crs: CRS,
    metadata: dict[str, str],
    with_bom: bool,
    on_progress: Callable[[str], None],
) -> None:
    if file_format == "gpkg":
        layers = {name: project_layer(read_layer(run, name), crs) for name in names}
        styles = read_styles(run, names)
        path = folder / "plan.gpkg"
        write_geopackage(path, whole_layers(layers), styles, metadata, on_progress)
        return
    short_names = []
    for name in names:
        on_progress(f"{file_format}: {name}")
        layer = project_layer(read_layer(run, name), crs)
        if file_format == "parquet":
            write_parquet(folder / f"{name}.parquet", layer, metadata)
        elif file_format == "csv":
            write_table(folder / f"{name}.csv", _with_wkt(layer), with_bom=with_bom)
        elif file_format == "shapefile":
            short_names.append(_write_shapefile(folder, layer))
        else:
            _WRITERS[file_format](folder, layer, metadata)
    if short_names:
        write_table(folder / SHAPEFILE_NAMES, pd.concat(short_names), with_bom=with_bom)


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


def _write_pmtiles(folder: Path, layer: Layer, metadata: dict[str, str]) -> None:
    lowest, highest = _ZOOMS.get(layer.name, _ALL_ZOOMS)
    pyogrio.write_dataframe(
        layer.frame, folder / f"{layer.name}.pmtiles", layer=layer.name, driver="PMTiles",
        use_arrow=True, geometry_type=layer.geometry_type,
        dataset_options={
            "NAME": layer.name, "DESCRIPTION": with_origin(layer.description, metadata),
            "TYPE": "overlay", "MINZOOM": str(lowest), "MAXZOOM": str(highest),
            # Large tiles are slow; the default limits would silently leave rows out instead.
            "MAX_SIZE": "20000000", "MAX_FEATURES": "2000000",
        },
    )  # fmt: skip


_WRITERS: dict[str, Callable[[Path, Layer, dict[str, str]], None]] = {
    "flatgeobuf": _write_flatgeobuf,
    "geojson": _write_geojson,
    "pmtiles": _write_pmtiles,
}


def _write_shapefile(folder: Path, layer: Layer) -> pd.DataFrame:
    plain = layer.frame.drop(columns="geometry")
    names = shapefile_names(list(plain.columns))
    flags = {name: "int8" for name in plain.columns if is_bool_dtype(plain[name])}
    _refuse_long_texts(layer.name, plain)
    pyogrio.write_dataframe(
        layer.frame.astype(flags).rename(columns=names), folder / f"{layer.name}.shp",
        driver="ESRI Shapefile", encoding="UTF-8", geometry_type=layer.geometry_type,
        layer_options={"RESIZE": "YES"}, use_arrow=bool((plain.dtypes == DATE).any()),
    )  # fmt: skip
    return pd.DataFrame(
        [(layer.name, names[column.name], column.name, column.title) for column in layer.columns],
        columns=["layer", "shapefile_name", "column", "title"],
    )


def _refuse_long_texts(layer: str, frame: pd.DataFrame) -> None:
    faults = []
    for name in frame.columns:
        if not is_string_dtype(frame[name]):
            continue
        longest = frame[name].dropna().map(lambda text: len(text.encode())).max()
        if longest > _SHAPEFILE_TEXT_BYTES:
            remedy = f"a Shapefile cuts texts at {_SHAPEFILE_TEXT_BYTES} bytes; take gpkg"
            faults.append(Fault(layer, None, name, f"text of {longest} bytes", remedy))
    if faults:
        raise InputError(faults)
