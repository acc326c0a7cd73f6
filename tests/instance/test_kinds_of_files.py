"""Tables in a file geodatabase, in KML, zipped, endings in upper case; and what is not read."""

import shutil
import zipfile
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest

from planner.errors import Fault
from planner.instance import Instance, input_file, instance_files, read_instance, read_one_table
from planner.instance.settings.sources import Sources, TableSource

DRIVERS = {".kml": "LIBKML", ".kmz": "LIBKML", ".gdb": "OpenFileGDB", ".gpkg": "GPKG"}


def _layer(instance: Instance) -> geopandas.GeoDataFrame:
    sites = instance.sites
    points = geopandas.points_from_xy(sites["lon"], sites["lat"])
    return geopandas.GeoDataFrame(sites.drop(columns=["lon", "lat"]), geometry=points, crs=4326)


def _read(folder: Path, **source: object) -> tuple[pd.DataFrame | None, list[Fault]]:
    tables = {"sites": TableSource.model_validate(source)} if source else {}
    return read_one_table(folder, "sites", Sources(tables=tables))


def _assert_sites(folder: Path, tutorial: Instance, **source: object) -> None:
    frame, faults = _read(folder, **source)
    assert faults == []
    assert frame is not None
    frame = frame.sort_values("site_id", ignore_index=True)[tutorial.sites.columns]
    pd.testing.assert_frame_equal(frame, tutorial.sites, check_dtype=False, atol=1e-7, rtol=0)


def _write(layer: geopandas.GeoDataFrame, path: Path) -> Path:
    pyogrio.write_dataframe(layer, path, driver=DRIVERS.get(path.suffix.lower()), layer="sites")
    return path


def _zip(path: Path, *files: Path, below: str = "") -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            parts = sorted(file.iterdir()) if file.is_dir() else [file]
            for part in parts:
                packed.write(part, below + part.relative_to(file.parent).as_posix())


@pytest.mark.parametrize("ending", [".gdb", ".kml", ".kmz", ".KML", ".GPKG"])
def test_a_table_of_any_kind(tutorial: Instance, tmp_path: Path, ending: str) -> None:
    written = _write(_layer(tutorial), tmp_path / f"sites{ending.lower()}")
    (tmp_path / "sites.kml").unlink(missing_ok=True) if ending == ".kmz" else None
    written.rename(tmp_path / f"SITES{ending}" if ending.isupper() else written)
    _assert_sites(tmp_path, tutorial)


def test_the_columns_of_a_format_itself_may_be_used(tutorial: Instance, tmp_path: Path) -> None:
    layer = _layer(tutorial).rename(columns={"site_id": "Name"})
    _write(layer, tmp_path / "places.kml")
    _assert_sites(tmp_path, tutorial, file="places.kml", columns={"Name": "site_id"})


def test_endings_in_upper_case(tutorial: Instance, tmp_path: Path) -> None:
    pd.DataFrame(tutorial.sites).to_csv(tmp_path / "Sites.CSV", index=False)
    _assert_sites(tmp_path, tutorial)
    (tmp_path / "Sites.CSV").unlink()
    layer = _layer(tutorial).set_geometry(_layer(tutorial).to_crs(32652).geometry)
    layer.to_file(tmp_path / "sites.shp")
    for side in sorted(tmp_path.iterdir()):
        side.rename(tmp_path / side.name.upper())
    _assert_sites(tmp_path, tutorial)
    names = {path.name for path in instance_files(tmp_path, Sources())}
    assert names == {"SITES.SHP", "SITES.SHX", "SITES.DBF", "SITES.PRJ", "SITES.CPG"}
    (tmp_path / "SITES.DBF").unlink()
    _, (fault,) = _read(tmp_path)
    assert (fault.file, fault.value) == ("SITES.SHP", "SITES.DBF")


@pytest.mark.parametrize(
    ("kind", "archive"),
    [
        (".shp", "sites.zip"),
        (".shp", "sites.shp.zip"),
        (".gpkg", "SITES.ZIP"),
        (".csv", "sites.zip"),
        (".gdb", "sites.gdb.zip"),
    ],
)
def test_a_packed_table(tutorial: Instance, tmp_path: Path, kind: str, archive: str) -> None:
    inside, folder = tmp_path / "inside", tmp_path / "instance"
    inside.mkdir()
    folder.mkdir()
    if kind == ".csv":
        tutorial.sites.to_csv(inside / "plots.csv", index=False)
    elif kind == ".shp":
        _layer(tutorial).to_file(inside / "sites.shp")
    else:
        _write(_layer(tutorial), inside / f"sites{kind}")
    (inside / "._sites.csv").write_text("of macOS")
    _zip(folder / archive, *sorted(inside.iterdir()), below="delivered/")
    _assert_sites(folder, tutorial)
    assert [path.name for path in instance_files(folder, Sources())] == [archive]


def test_faults_in_a_packed_table_name_both_files(tutorial: Instance, tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text(tutorial.sites.to_csv(index=False).replace("126", "x", 1))
    _zip(tmp_path / "sites.zip", tmp_path / "sites.csv")
    (tmp_path / "sites.csv").unlink()
    _, (fault,) = _read(tmp_path)
    assert (fault.file, fault.row, fault.column) == ("sites.zip, sites.csv", 2, "lon")


def test_which_of_several_packed_files_counts(tutorial: Instance, tmp_path: Path) -> None:
    for name in ("sites.csv", "old.csv"):
        tutorial.sites.to_csv(tmp_path / name, index=False)
    _zip(tmp_path / "given.zip", tmp_path / "old.csv", tmp_path / "sites.csv")
    (tmp_path / "sites.csv").unlink()
    _assert_sites(tmp_path, tutorial, file="given.zip")
    _zip(tmp_path / "given.zip", tmp_path / "old.csv")
    with zipfile.ZipFile(tmp_path / "given.zip", "a") as packed:
        packed.writestr("older.csv", "site_id\n")
    _, (fault,) = _read(tmp_path, file="given.zip")
    assert fault.value == "old.csv, older.csv"
    assert "pack one file for sites" in fault.remedy


def test_archives_that_cannot_be_unpacked(tutorial: Instance, tmp_path: Path) -> None:
    (tmp_path / "sites.zip").write_bytes(b"PK\x03\x04 broken")
    _, (fault,) = _read(tmp_path)
    assert fault.file == "sites.zip"
    tutorial.sites.to_csv(tmp_path / "sites.csv", index=False)
    _zip(tmp_path / "sites.zip", tmp_path / "sites.csv")
    (tmp_path / "sites.csv").unlink()
    whole = bytearray((tmp_path / "sites.zip").read_bytes())
    whole[45:60] = bytes(15)
    (tmp_path / "sites.zip").write_bytes(whole)
    _, (fault,) = _read(tmp_path)
    assert "archive cannot be unpacked" in fault.remedy
    with zipfile.ZipFile(tmp_path / "sites.zip", "w") as packed:
        packed.writestr("readme.md", "nothing here")
    _, (fault,) = _read(tmp_path)
    assert fault.value == "readme.md"


@pytest.mark.parametrize("name", ["sites.tab", "Sites.GML", "sites.xls", "adoption.ods"])
def test_files_that_are_not_read_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("?")
    _, (fault,) = read_one_table(tmp_path, name.split(".")[0].lower(), Sources())
    assert fault.file == name
    assert "cannot be read; save the table as one of: .csv" in fault.remedy


def test_a_folder_is_no_file_and_a_file_no_geodatabase(tmp_path: Path) -> None:
    (tmp_path / "sites.gpkg").mkdir()
    (tmp_path / "sites.gdb").write_text("")
    _, (fault,) = _read(tmp_path)
    assert "table is missing" in fault.remedy
    _, (fault,) = _read(tmp_path, file="sites.gdb")
    assert "a table's file ends in one of" in fault.remedy


def test_a_geodatabase_is_one_input(tutorial: Instance, tutorial_copy: Path) -> None:
    (tutorial_copy / "sites.csv").unlink()
    path = _write(_layer(tutorial), tutorial_copy / "sites.gdb")
    read = read_instance(tutorial_copy)
    np.testing.assert_allclose(read.sites["lon"], tutorial.sites["lon"], atol=1e-8)
    assert "sites.gdb" in {each.path for each in read.input_files}
    first = input_file(path)
    (path / "_gdb.PC.1.lock").write_text("")  # of a program that looks at it
    assert input_file(path) == first
    shutil.copy(path / "gdb", path / "more")
    assert input_file(path) != first


def test_gbk_with_semicolons(tutorial: Instance, tmp_path: Path) -> None:
    """As a Chinese Excel saves it: the fault says what to write, and with it the table is read."""
    text = tutorial.sites.assign(kind="加油站").to_csv(index=False, sep=";", decimal=",")
    (tmp_path / "sites.csv").write_bytes(text.encode("gbk"))
    _, (fault,) = _read(tmp_path)
    assert "加油站" in fault.value
    assert '[tables.sites] encoding = "GB18030"' in fault.remedy
    frame, faults = _read(tmp_path, encoding="GB18030")
    assert faults == []
    assert frame is not None
    assert set(frame["kind"]) == {"加油站"}
    np.testing.assert_allclose(frame["lon"], tutorial.sites["lon"])
