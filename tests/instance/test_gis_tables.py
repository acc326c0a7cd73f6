"""Tables as GIS teams bring them: every format, every reference, every way to be broken."""

import re
import shutil
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import pytest
from pyarrow import parquet
from shapely import LineString, MultiPoint, MultiPolygon, Point, Polygon, box

from planner.errors import InputError
from planner.instance import Instance, read_instance
from planner.instance.china_datum import shift_to_bd09, shift_to_gcj02

TUTORIAL = Path(__file__).parents[2] / "instances" / "tutorial"
FORMATS = (".gpkg", ".geojson", ".fgb", ".shp", ".parquet")


def _layer(instance: Instance, table: str = "sites") -> geopandas.GeoDataFrame:
    frame = getattr(instance, table)
    points = geopandas.points_from_xy(frame["lon"], frame["lat"])
    return geopandas.GeoDataFrame(frame.drop(columns=["lon", "lat"]), geometry=points, crs=4326)


def _put(folder: Path, layer: geopandas.GeoDataFrame, ending: str, table: str = "sites") -> Path:
    for old in folder.glob(f"{table}.*"):
        old.unlink()
    path = folder / (table + ending)
    if ending == ".parquet":
        layer.to_parquet(path, write_covering_bbox=True, schema_version="1.1.0")
    else:
        with warnings.catch_warnings():  # of the writer: names cut, no reference
            warnings.simplefilter("ignore")
            layer.to_file(path)
    return path


def _say(folder: Path, text: str) -> None:
    """Add settings to the scenario file: top-level ones before, tables after."""
    path = folder / "scenario.toml"
    old = path.read_text(encoding="utf-8")
    if text.startswith("["):
        path.write_text(f"{old}\n{text}\n", encoding="utf-8")
    else:
        lines = [line for line in old.splitlines() if not line.startswith("coordinate_reference")]
        path.write_text("\n".join([text, *lines]) + "\n", encoding="utf-8")


def _places(instance: Instance, table: str = "sites") -> np.ndarray:
    return getattr(instance, table)[["lon", "lat"]].to_numpy()


@pytest.mark.parametrize(
    ("ending", "crs"),
    [
        (ending, crs)
        for ending in FORMATS
        for crs in (4326, 4490, 32652, 3857)
        if ending != ".geojson" or crs == 4326  # GeoJSON is WGS84 by RFC 7946
    ],
)
def test_points_of_any_format_and_reference(
    tutorial: Instance, tutorial_copy: Path, ending: str, crs: int
) -> None:
    _put(tutorial_copy, _layer(tutorial).to_crs(crs), ending)
    read = read_instance(tutorial_copy)
    np.testing.assert_allclose(_places(read), _places(tutorial), atol=1e-8)
    pd.testing.assert_frame_equal(
        read.sites[tutorial.sites.columns], tutorial.sites, rtol=0, atol=1e-8
    )
    said = read.assumptions["item"].str.endswith("coordinate reference")
    assert said.sum() == (crs != 4326)


def test_tables_without_geometry_in_a_geopackage(tutorial: Instance, tutorial_copy: Path) -> None:
    for name in ("packs", "gates", "roads"):
        table = getattr(tutorial, name)
        if name == "roads":  # lines may be drawn: the table has no place of its own
            lines = [LineString([(0, 0), (1, 1)])] * len(table)
            table = geopandas.GeoDataFrame(table, geometry=lines, crs=4326)
        (tutorial_copy / f"{name}.csv").unlink()
        pyogrio.write_dataframe(table, tutorial_copy / f"{name}.gpkg")
    read = read_instance(tutorial_copy)
    for name in ("packs", "gates", "roads"):
        pd.testing.assert_frame_equal(
            getattr(read, name), getattr(tutorial, name), check_dtype=False
        )


def test_csv_with_well_known_text(tutorial: Instance, tutorial_copy: Path) -> None:
    layer = _layer(tutorial)
    table = pd.DataFrame(layer.drop(columns="geometry")).assign(WKT=layer.geometry.to_wkt())
    table.to_csv(tutorial_copy / "sites.csv", index=False)
    np.testing.assert_allclose(_places(read_instance(tutorial_copy)), _places(tutorial))
    table.loc[[1, 2], "WKT"] = ["POINT(1", None]
    table.to_csv(tutorial_copy / "sites.csv", index=False)
    faults = _faults(tutorial_copy)
    assert [str(fault) for fault in faults] == [
        "sites.csv, row 3 (B), WKT: POINT(1: not well-known text such as POINT (126.6 45.7)",
        "sites.csv, row 4 (C), geometry: no geometry: geometry is empty; draw it, or remove "
        "the feature",
    ]


def test_zones_may_be_areas(tutorial: Instance, tutorial_copy: Path) -> None:
    zones = _layer(tutorial, "zones")
    squares = [
        box(x - 0.005, y - 0.005, x + 0.005, y + 0.005) for x, y in _places(tutorial, "zones")
    ]
    x, y = _places(tutorial, "zones")[0]
    # A horseshoe: its centroid lies in the gap.
    horseshoe = box(x - 0.01, y - 0.01, x + 0.01, y + 0.01) - box(
        x - 0.009, y - 0.02, x + 0.009, y + 0.008
    )
    squares[0], squares[1] = horseshoe, MultiPolygon([squares[1]])
    zones = zones.set_geometry(squares)
    _put(tutorial_copy, zones.to_crs(32652), ".gpkg", "zones")
    read = _places(read_instance(tutorial_copy), "zones")
    np.testing.assert_allclose(read[1:], _places(tutorial, "zones")[1:], atol=1e-7)
    assert horseshoe.contains(Point(read[0]))
    own_centre = zones.assign(lon=_places(tutorial, "zones")[:, 0] + 0.003, lat=y).iloc[1:]
    _put(tutorial_copy, own_centre, ".gpkg", "zones")
    read = _places(read_instance(tutorial_copy), "zones")
    np.testing.assert_allclose(read[:, 0], _places(tutorial, "zones")[1:, 0] + 0.003)
    _put(tutorial_copy, own_centre.assign(lon=126.6), ".gpkg", "zones")
    with pytest.raises(InputError, match=r"row 1 \(Z2\), lon, lat: 126\.6, .*do not agree"):
        read_instance(tutorial_copy)


def test_a_multipoint_of_one_is_a_point(tutorial: Instance, tutorial_copy: Path) -> None:
    layer = _layer(tutorial)
    _put(tutorial_copy, layer.set_geometry([MultiPoint([p]) for p in layer.geometry]), ".gpkg")
    np.testing.assert_allclose(_places(read_instance(tutorial_copy)), _places(tutorial))


def test_shapefile_names_and_side_files(tutorial: Instance, tutorial_copy: Path) -> None:
    zones = _layer(tutorial, "zones")
    _put(tutorial_copy, zones, ".shp", "zones")
    read = read_instance(tutorial_copy)
    assert read.zones["car_owning_households"].tolist() == [1000, 1200, 500, 1200, 1000, 400, 600, 300]  # noqa: E501  # fmt: skip
    names = {file.path for file in read.input_files}
    assert names >= {f"zones.{end}" for end in ("shp", "shx", "dbf", "prj", "cpg")}
    assert len(names) == len(read.input_files)
    cities = _layer(tutorial, "cities")
    _put(tutorial_copy, cities, ".shp", "cities")
    # Two names begin alike: GDAL writes winter_des and winter_d_1.
    with pytest.raises(InputError, match=r"cities\.shp, winter_des: unknown column"):
        read_instance(tutorial_copy)
    _say(
        tutorial_copy,
        '[tables.cities.columns]\nwinter_des = "winter_design_c"\n'
        'winter_d_1 = "winter_design_source"',
    )
    pd.testing.assert_frame_equal(
        read_instance(tutorial_copy).cities[tutorial.cities.columns], tutorial.cities,
        check_dtype=False,
    )  # fmt: skip


def test_one_geopackage_with_a_layer_per_table(tutorial: Instance, tutorial_copy: Path) -> None:
    path = tutorial_copy / "project.gpkg"
    _layer(tutorial).rename(columns={"site_id": "plot", "city_id": "town"}).assign(
        OBJECTID=range(5)
    ).to_file(path, layer="plots")
    _layer(tutorial, "zones").to_file(path, layer="zones")
    for name in ("sites", "zones"):
        (tutorial_copy / f"{name}.csv").unlink()
    _say(tutorial_copy, '[tables.zones]\nfile = "project.gpkg"')
    _say(tutorial_copy, '[tables.sites]\nfile = "project.gpkg"\nlayer = "plots"')
    with pytest.raises(InputError, match="OBJECTID: unknown column; remove it, or write it under"):
        read_instance(tutorial_copy)
    path = tutorial_copy / "scenario.toml"
    more = 'ignore = ["OBJECTID"]\ncolumns = { plot = "site_id", town = "city_id" }\n'
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    read = read_instance(tutorial_copy)
    assert [file.path for file in read.input_files].count("project.gpkg") == 1
    np.testing.assert_allclose(_places(read), _places(tutorial))
    np.testing.assert_allclose(_places(read, "zones"), _places(tutorial, "zones"))


@pytest.mark.parametrize(
    ("reference", "shift"), [("GCJ-02", shift_to_gcj02), ("BD-09", shift_to_bd09)]
)
def test_shifted_coordinates_are_converted_once(
    tutorial: Instance, tutorial_copy: Path, reference: str, shift: Callable
) -> None:
    given = tutorial.sites.copy()
    given["lon"], given["lat"] = shift(given["lon"], given["lat"])
    given.to_csv(tutorial_copy / "sites.csv", index=False)
    _say(tutorial_copy, f'[tables.sites]\ncoordinate_reference = "{reference}"')
    read = read_instance(tutorial_copy)
    np.testing.assert_allclose(_places(read), _places(tutorial), atol=2e-9)
    np.testing.assert_allclose(
        read.sites[["lon_original", "lat_original"]], given[["lon", "lat"]], atol=1e-12
    )
    assert set(read.sites["coordinate_reference_original"]) == {reference}
    assert "lon_original" not in read.zones.columns
    said = read.assumptions.set_index("item").loc["sites.csv: coordinate reference", "value"]
    assert said.startswith(f"{reference}, converted to WGS84")
    # A layer that calls such numbers WGS84 is converted too, if the scenario says so.
    points = geopandas.points_from_xy(given["lon"], given["lat"])
    layer = geopandas.GeoDataFrame(given.drop(columns=["lon", "lat"]), geometry=points, crs=4326)
    _put(tutorial_copy, layer, ".geojson")
    np.testing.assert_allclose(_places(read_instance(tutorial_copy)), _places(tutorial), atol=2e-7)


def test_a_reference_for_all_tables(tutorial: Instance, tutorial_copy: Path) -> None:
    for name in ("cities", "zones", "sites", "road_nodes"):
        table = getattr(tutorial, name).copy()
        table["lon"], table["lat"] = shift_to_gcj02(table["lon"], table["lat"])
        table.to_csv(tutorial_copy / f"{name}.csv", index=False)
    _say(tutorial_copy, 'coordinate_reference = "GCJ-02"')
    read = read_instance(tutorial_copy)
    for name in ("cities", "zones", "sites", "road_nodes"):
        np.testing.assert_allclose(_places(read, name), _places(tutorial, name), atol=2e-9)
    # A file that states its own reference contradicts: which is true only the user knows.
    _put(tutorial_copy, _layer(tutorial), ".gpkg")
    with pytest.raises(InputError, match=r"sites\.gpkg, layer sites, .*: WGS 84: .*GCJ-02 for all"):
        read_instance(tutorial_copy)
    _say(tutorial_copy, '[tables.sites]\ncoordinate_reference = "WGS84"')
    np.testing.assert_allclose(_places(read_instance(tutorial_copy)), _places(tutorial))


def test_h3_cells_are_wgs84(tutorial_copy: Path) -> None:
    import h3

    cell = h3.latlng_to_cell(45.75, 126.61, 8)
    (tutorial_copy / "zones.csv").write_text(
        f"zone_id,city_id,car_owning_households\n{cell},town,100\n", encoding="utf-8"
    )
    _say(tutorial_copy, 'coordinate_reference = "GCJ-02"')
    zone = read_instance(tutorial_copy).zones.iloc[0]
    assert (zone["lat"], zone["lon"]) == pytest.approx(h3.cell_to_latlng(cell), abs=1e-6)
    _say(tutorial_copy, '[tables.zones]\ncoordinate_reference = "GCJ-02"')
    with pytest.raises(InputError, match=r"tables\.zones\.coordinate_reference.*H3 cells are WGS"):
        read_instance(tutorial_copy)


def test_missing_reference(tutorial: Instance, tutorial_copy: Path) -> None:
    layer = _layer(tutorial).set_crs(None, allow_override=True)
    for ending in (".shp", ".parquet"):
        _put(tutorial_copy, layer, ending)
        np.testing.assert_allclose(_places(read_instance(tutorial_copy)), _places(tutorial))
    _say(tutorial_copy, "")  # takes the setting away
    with pytest.raises(InputError, match=r"sites\.parquet, coordinate reference: the file states"):
        read_instance(tutorial_copy)
    # GeoPackage has entries 0 and -1 for it, which GDAL calls "Undefined ...".
    path = _put(tutorial_copy, _layer(tutorial), ".gpkg")
    for number in (0, -1):
        with closing(sqlite3.connect(path)) as base, base:
            base.execute("UPDATE gpkg_geometry_columns SET srs_id = ?", (number,))
        with pytest.raises(InputError, match=r"sites, coordinate reference: the file states none"):
            read_instance(tutorial_copy)
    _say(tutorial_copy, '[tables.sites]\ncoordinate_reference = "CGCS2000"')
    np.testing.assert_allclose(_places(read_instance(tutorial_copy)), _places(tutorial))


Change = Callable[[geopandas.GeoDataFrame], geopandas.GeoDataFrame]


def _geometry(row: int, shape: object) -> Change:
    def change(layer: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
        shapes = list(layer.geometry)
        shapes[row] = shape
        return layer.set_geometry(shapes, crs=layer.crs)

    return change


_BOWTIE = Polygon([(126.6, 45.7), (126.7, 45.8), (126.7, 45.7), (126.6, 45.8)])
_SQUARE = box(126.6, 45.7, 126.61, 45.71)


@pytest.mark.parametrize(
    ("table", "change", "expected"),
    [
        ("sites", _geometry(2, LineString([(126.6, 45.7), (126.7, 45.8)])),
         ["sites.gpkg, layer sites, row 3 (C), geometry: feature 3, LineString: each of the sites "
          "needs a point; take the centroids of areas, drop lines"]),
        ("sites", _geometry(1, _SQUARE), ["row 2 (B), geometry: feature 2, Polygon: each of the"]),
        ("sites", _geometry(1, MultiPoint([(126.6, 45.7), (126.7, 45.8)])),
         ["row 2 (B), geometry: feature 2, MultiPoint: each of the sites needs a point"]),
        ("sites", _geometry(0, None), ["row 1 (A), geometry: feature 1, no geometry: geometry"]),
        ("sites", _geometry(0, Point()), ["row 1 (A), geometry: feature 1, Point: geometry is"]),
        ("sites", _geometry(4, Point(np.nan, 45.7)),
         ["row 5 (E), geometry: feature 5, Point, ", "coordinate is not a finite number; correct"]),
        ("zones", _geometry(4, _SQUARE), ["row 5 (Z5), geometry: feature 5, Polygon: points and"]),
        ("zones", lambda layer: layer.set_geometry([*[_SQUARE] * 7, _BOWTIE]),
         ["row 8 (Z8), geometry: feature 8, Polygon, Self-intersection", "QGIS: Fix geometries"]),
        ("sites", lambda layer: layer.set_geometry([Point(p.y, p.x) for p in layer.geometry]),
         ["row 1 (A), lat: 126.612888: must be at most 90", "lon, lat: 45.75, 126.612888: lon and "
          "lat are swapped: exchange them"]),
        ("sites", lambda layer: layer.assign(site_id=["A", "B", "C", "D", "A"]),
         ["sites.gpkg, layer sites, row 5, site_id: A: stands in an earlier row already"]),
        ("sites", lambda layer: layer.assign(status=[None, *layer["status"][1:]]),
         ["sites.gpkg, layer sites, row 1 (A), status: cell is empty"]),
        ("sites", lambda layer: layer.assign(lon=126.6, lat=45.75),
         ["row 1 (A), lon, lat: 126.6, 45.75 (feature 1, Point): the columns do not agree"]),
        ("sites", lambda layer: layer.assign(lon=[np.nan, *[126.6] * 4], lat=45.75),
         ["sites.gpkg, layer sites, row 1 (A), lon: cell is empty; fill it in"]),
        ("sites", lambda layer: layer.assign(OBJECTID=1), ["OBJECTID: unknown column; remove it"]),
        ("sites", lambda layer: layer.set_crs('LOCAL_CS["site grid",UNIT["metre",1]]',
                                              allow_override=True),
         ["coordinate reference: site grid: PROJ cannot convert it to WGS84"]),
    ],
)  # fmt: skip
def test_broken_features(
    tutorial: Instance, tutorial_copy: Path, table: str, change: Change, expected: list[str]
) -> None:
    _put(tutorial_copy, change(_layer(tutorial, table)), ".gpkg", table)
    message = "\n".join(str(fault) for fault in _faults(tutorial_copy))
    for part in expected:
        assert part in message
    assert ("lon: cell is empty" in message) == ("lon: cell is empty" in expected[0])


def test_layers(tutorial: Instance, tutorial_copy: Path) -> None:
    path = _put(tutorial_copy, _layer(tutorial), ".gpkg")
    path.unlink()
    _layer(tutorial).to_file(path, layer="plots")
    read_instance(tutorial_copy)  # the only layer, whatever it is called
    _layer(tutorial).to_file(path, layer="parcels")
    with pytest.raises(InputError, match=r"sites\.gpkg, layers: plots, parcels: call the layer of"):
        read_instance(tutorial_copy)
    _say(tutorial_copy, '[tables.sites]\nlayer = "plot"')
    with pytest.raises(InputError, match=r"tables\.sites\.layer: plot: no such layer; it has: plo"):
        read_instance(tutorial_copy)
    _say(tutorial_copy, "")
    _layer(tutorial).to_file(path, layer="sites")
    settings = (tutorial_copy / "scenario.toml").read_text(encoding="utf-8")
    (tutorial_copy / "scenario.toml").write_text(
        settings.replace('layer = "plot"', ""), encoding="utf-8"
    )
    read_instance(tutorial_copy)


@pytest.mark.parametrize("ending", FORMATS)
def test_truncated_files(tutorial: Instance, tutorial_copy: Path, ending: str) -> None:
    many = pd.concat([_layer(tutorial)] * 200, ignore_index=True)
    many["site_id"] = [f"S{row}" for row in range(1000)]
    path = _put(tutorial_copy, many, ending)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=rf"sites\{ending}.*(cannot be read|is empty)"):
        read_instance(tutorial_copy)


@pytest.mark.parametrize("side", [".shx", ".dbf"])
def test_shapefile_without_a_side_file(tutorial: Instance, tutorial_copy: Path, side: str) -> None:
    _put(tutorial_copy, _layer(tutorial), ".shp").with_suffix(side).unlink()
    with pytest.raises(InputError, match=rf"sites\.shp: sites\{side}: side file is missing; copy"):
        read_instance(tutorial_copy)


def test_encodings(tutorial: Instance, tutorial_copy: Path) -> None:
    layer = _layer(tutorial).assign(kind="加油站")
    for name in tutorial_copy.glob("sites.*"):
        name.unlink()
    layer.to_file(tutorial_copy / "sites.shp", encoding="GBK")
    assert set(read_instance(tutorial_copy).sites["kind"]) == {"加油站"}
    (tutorial_copy / "sites.cpg").unlink()
    with pytest.raises(InputError, match=r"sites\.shp.*name it in sites\.cpg, e\.g\. GBK"):
        read_instance(tutorial_copy)
    (tutorial_copy / "sites.cpg").write_text("UTF-8", encoding="ascii")
    with pytest.raises(InputError, match=r"sites\.shp.*name it in sites\.cpg, e\.g\. GBK"):
        read_instance(tutorial_copy)
    path = _put(tutorial_copy, layer, ".geojson")
    path.write_bytes(path.read_text(encoding="utf-8").encode("gbk"))
    with pytest.raises(InputError, match=r"sites\.geojson: .*save the file as UTF-8"):
        read_instance(tutorial_copy)
    path.unlink()
    sites = tutorial.sites.assign(kind="加油站")
    sites.to_csv(tutorial_copy / "sites.csv", index=False, encoding="gbk")
    expected = r"sites\.csv, row 2: A,town,.*加油站,candidate: text is not UTF-8; .*as UTF-8"
    with pytest.raises(InputError, match=expected):
        read_instance(tutorial_copy)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("[tables.plots]", "no table is called plots; use one of: cities"),
        ("[tables.sites]\nlyaer = 'x'", "tables.sites.lyaer: 'x': unknown key; did you mean layer"),
        ("[tables.packs]\ncoordinate_reference = 'GCJ-02'", "packs has no coordinates"),
        ("[tables.sites]\ncoordinate_reference = 'GCJ02'", "'WGS84', 'CGCS2000', 'GCJ-02'"),
        ("[tables.sites]\nfile = '../sites.csv'", "String should match pattern"),
        ("[tables.sites]\nfile = 'plots.csv'", "plots.csv: no such file; it is to hold sites"),
        ("[tables.sites]\nfile = 'scenario.toml'", "a table's file ends in one of: .csv, .parq"),
        ("[tables.sites]\nignore = ['x']", "sites.csv, x: no such column; scenario.toml names it"),
        ("[tables.sites.columns]\nkind = 'status'", "status: two columns have this name"),
    ],
)
def test_broken_settings(tutorial_copy: Path, settings: str, expected: str) -> None:
    _say(tutorial_copy, settings)
    with pytest.raises(InputError, match=re.escape(expected)):
        read_instance(tutorial_copy)


def test_a_geopackage_that_another_program_writes(tutorial: Instance, tutorial_copy: Path) -> None:
    path = _put(tutorial_copy, _layer(tutorial), ".gpkg")
    journal = path.with_name("sites.gpkg-wal")
    journal.write_bytes(b"")
    read_instance(tutorial_copy)
    journal.write_bytes(b"unsaved")
    with pytest.raises(InputError, match=r"sites\.gpkg-wal: holds changes not yet in the file"):
        read_instance(tutorial_copy)


def test_reading_leaves_the_folder_as_it_was(tutorial: Instance, tutorial_copy: Path) -> None:
    for ending in FORMATS:
        _put(tutorial_copy, _layer(tutorial), ending)
        before = {path.name: path.read_bytes() for path in tutorial_copy.iterdir()}
        read_instance(tutorial_copy)
        assert {path.name: path.read_bytes() for path in tutorial_copy.iterdir()} == before
    shutil.rmtree(tutorial_copy)


def test_whole_ids_kept_as_decimals(tutorial_copy: Path) -> None:
    cities = pd.read_csv(tutorial_copy / "cities.csv")
    for name in ("cities", "zones", "sites", "climate"):
        table = pd.read_csv(tutorial_copy / f"{name}.csv").assign(city_id=230100.0)
        (tutorial_copy / f"{name}.csv").unlink()
        table.to_parquet(tutorial_copy / f"{name}.parquet")
    assert len(cities) == 1
    assert read_instance(tutorial_copy).cities["city_id"].tolist() == ["230100"]


def _faults(folder: Path) -> tuple:
    with pytest.raises(InputError) as caught:
        read_instance(folder)
    return caught.value.faults


def test_libraries_of_other_formats_wait_until_they_are_needed() -> None:
    code = (
        "import sys; from planner.instance import read_instance; "
        f"read_instance({str(TUTORIAL)!r}); "
        "heavy = {'pyogrio', 'networkx', 'osmium', 'scipy'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_curves_are_faults_of_their_rows(
    tutorial_copy: Path, tutorial: Instance, ending: str
) -> None:
    layer = _layer(tutorial)
    path = _put(tutorial_copy, layer, ".parquet")
    curve = "CIRCULARSTRING (0 0, 1 1, 1 0)"
    if ending == ".parquet":
        cells = parquet.read_table(path)
        as_bytes = cells.column("geometry").to_pylist()
        as_bytes[1] = bytes([1, 8, 0, 0, 0, 3, 0, 0, 0]) + np.array([0, 0, 1, 1, 1, 0.0]).tobytes()
        place = cells.column_names.index("geometry")
        field = cells.schema.field("geometry")
        changed = cells.set_column(place, field, pa.array(as_bytes, field.type))
        parquet.write_table(changed, path)
    else:
        path.unlink()
        text = layer.geometry.to_wkt().tolist()
        text[1] = curve
        frame = pd.DataFrame(layer.drop(columns="geometry")).assign(wkt=text)
        frame.to_csv(tutorial_copy / "sites.csv", index=False)
    row = 2 if ending == ".parquet" else 3
    with pytest.raises(InputError, match=rf"^1 fault in .*\n.*sites\{ending}, row {row} \(B\), "):
        read_instance(tutorial_copy)
