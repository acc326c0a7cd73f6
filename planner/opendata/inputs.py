"""Check a recipe's own files before anything is built: all faults at once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import pandas as pd
import pyogrio
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from planner.errors import Fault, InputError
from planner.opendata.anywhere.ground import find_ground
from planner.opendata.anywhere.knowledge import Knowledge
from planner.opendata.downloads import list_downloads
from planner.opendata.population import RASTERS
from planner.opendata.recipe import GivenFile, Recipe
from planner.opendata.region import bounds_of

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class CheckedInput:
    """What a file of a recipe holds.

    Attributes
    ----------
    place : str
        Where the recipe names it.
    file : str
        Path in the folder of ``--data``.
    found : bool
        Whether it is there.
    size_bytes : int
        Size.
    sha256 : str
        Checksum.
    version : str
        What the file says of its own date; the recipe's year where it says nothing.
    crs : str
        Reference system; empty for a table without places.
    extent : tuple of float or None
        West, south, east, north in degrees.
    total : float or None
        Sum of the count.
    """

    place: str
    file: str
    found: bool
    size_bytes: int = 0
    sha256: str = ""
    version: str = ""
    crs: str = ""
    extent: Box | None = None
    total: float | None = None


def check_inputs(
    recipe: Recipe, data_dir: Path, level: str
) -> tuple[list[CheckedInput], list[Fault]]:
    """Check every file that a recipe names.

    Parameters
    ----------
    recipe : Recipe
        What is asked for.
    data_dir : path
        Folder of its files.
    level : {"offline", "grid", "full"}
        What is to be built from: ``grid`` needs people, ``full`` streets.

    Returns
    -------
    inputs : list of CheckedInput
        In the order of the recipe.
    faults : list of Fault
        All of them.
    """
    faults: list[Fault] = []
    needed = {"grid": ("people",), "full": ("streets",)}.get(level, ())
    for place in needed:
        if place not in recipe.files:
            remedy = f"--level {level} needs it: planner build-instance RECIPE --downloads"
            faults.append(Fault("recipe", None, place, "", remedy))
    grounds: list[Box] = []
    try:
        region = find_ground(recipe.region, data_dir).region
        grounds = [] if region is None else bounds_of(region)
    except InputError as error:
        faults += error.faults
    addresses = {each.file.removesuffix(".gz"): each.url for each in list_downloads(recipe)}
    inputs = []
    for place, said in recipe.files.items():
        path = data_dir / said.file
        if not path.is_file():
            address = addresses.get(path.name, "")
            remedy = f"not found in {data_dir}" + (f"; it is at {address}" if address else "")
            faults.append(Fault(said.file, None, "", "", remedy))
            inputs.append(CheckedInput(place, said.file, found=False))
            continue
        checked, wrong = _check(place, said, path, recipe, data_dir)
        faults += wrong + _outside(checked, grounds)
        inputs.append(checked)
    return inputs, faults


def format_inputs(inputs: Sequence[CheckedInput]) -> str:
    """Write checked files for people to read.

    Parameters
    ----------
    inputs : sequence of CheckedInput
        Files.

    Returns
    -------
    str
    """
    lines = []
    for each in inputs:
        if not each.found:
            lines.append(f"{each.place}: {each.file}: not found")
            continue
        lines.append(
            f"{each.place}: {each.file}: {each.size_bytes:,} bytes, of {each.version}\n"
            f"  sha256 {each.sha256}"
        )
        if each.extent is not None:
            west, south, east, north = each.extent
            lines.append(f"  {each.crs}, {west:.3f} {south:.3f} to {east:.3f} {north:.3f}")
        if each.total is not None:
            lines.append(f"  total {each.total:,.1f}")
    return "\n".join(lines) or "the recipe names no file of its own"


def _check(
    place: str, said: GivenFile, path: Path, recipe: Recipe, data_dir: Path
) -> tuple[CheckedInput, list[Fault]]:
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    faults = []
    if said.sha256 and sha256 != said.sha256:
        remedy = f"the recipe wants sha256 {said.sha256}; fetch the file again, or change it"
        faults.append(Fault(said.file, None, "sha256", sha256, remedy))
    details: dict[str, Any] = {"version": str(said.year)}
    try:
        if place.startswith("tables."):
            name = place.removeprefix("tables.")
            known = Knowledge(recipe, data_dir)
            details["total"] = float(len(known.facts(name, []) if name in _FACTS
                                         else known.table(name)))  # fmt: skip
        elif place == "streets":
            details |= _extract(said, path)
        elif path.suffix.lower() in RASTERS:
            details |= _raster(said, path)
        else:
            details |= _features(said, path, is_counted=place == "people")
    except InputError as error:
        faults += error.faults
    size = path.stat().st_size
    return CheckedInput(place, said.file, True, size, sha256, **details), faults


_FACTS = ("climate", "links", "places")


def _extract(said: GivenFile, path: Path) -> dict[str, Any]:
    try:
        header = osmium.io.Reader(str(path), osmium.osm.osm_entity_bits.NOTHING).header()
    except (RuntimeError, OSError) as error:
        raise InputError([Fault(said.file, None, "", "", f"no .osm.pbf: {error}")]) from error
    box = header.box()
    extent = None
    if box.valid():
        low, high = box.bottom_left, box.top_right
        extent = (low.lon, low.lat, high.lon, high.lat)
    stated = header.get("osmosis_replication_timestamp") or header.get("timestamp")
    return {"crs": "EPSG:4326", "extent": extent, "version": stated or str(said.year)}


def _features(said: GivenFile, path: Path, *, is_counted: bool) -> dict[str, Any]:
    try:
        info = pyogrio.read_info(path, layer=said.layer or None, force_total_bounds=True)
    except (ValueError, pyogrio.errors.DataSourceError) as error:
        raise InputError([Fault(said.file, None, "", "", f"cannot be read: {error}")]) from error
    found = {"crs": said.crs or info["crs"] or ""}
    found["extent"] = _to_degrees(said, found["crs"], info["total_bounds"])
    fields = [str(name) for name in info["fields"]]
    if not is_counted:
        return found
    if said.field and said.field not in fields:
        remedy = f"no such column; the file has {', '.join(fields)}"
        raise InputError([Fault(said.file, None, "field", said.field, remedy)])
    if said.field:
        frame = pyogrio.read_dataframe(
            path, layer=said.layer or None, columns=[said.field], read_geometry=False
        )
        found["total"] = float(pd.to_numeric(frame[said.field], errors="coerce").sum())
    return found


def _raster(said: GivenFile, path: Path) -> dict[str, Any]:
    try:
        import rasterio
    except ImportError as error:
        remedy = "rasters need rasterio: pip install 'planner[raster]'"
        raise InputError([Fault(said.file, None, "", "", remedy)]) from error
    total = 0.0
    with rasterio.open(path) as raster:
        band = int(said.field or 1)
        for _, window in raster.block_windows(band):
            total += float(raster.read(band, window=window, masked=True).sum() or 0.0)
        crs = said.crs or (raster.crs.to_string() if raster.crs else "")
        extent = _to_degrees(said, crs, raster.bounds)
    return {"crs": crs, "extent": extent, "total": total}


def _to_degrees(said: GivenFile, crs: str, bounds: Sequence[float]) -> Box:
    if not crs:
        remedy = "states no reference system; give crs in the recipe, e.g. EPSG:4326"
        raise InputError([Fault(said.file, None, "crs", "", remedy)])
    try:
        transformer = Transformer.from_crs(CRS.from_user_input(crs), "EPSG:4326", always_xy=True)
    except CRSError as error:
        raise InputError([Fault(said.file, None, "crs", crs, "PROJ does not know it")]) from error
    west, south, east, north = transformer.transform_bounds(*np.asarray(bounds, dtype=float))
    return float(west), float(south), float(east), float(north)


def _outside(checked: CheckedInput, grounds: Sequence[Box]) -> list[Fault]:
    """A file that lies nowhere near the region, or would if its axes were swapped."""
    if checked.extent is None or not grounds:
        return []
    west, south, east, north = checked.extent
    if any(_meet((west, south, east, north), ground) for ground in grounds):
        return []
    is_swapped = any(_meet((south, west, north, east), ground) for ground in grounds)
    remedy = "lies outside of the region: " + (
        "longitude and latitude are swapped" if is_swapped else "is it a file of another country?"
    )
    return [Fault(checked.file, None, "extent", f"{west:.2f} {south:.2f} to {east:.2f} "
                  f"{north:.2f}", remedy)]  # fmt: skip


def _meet(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
