"""Values and files that no table takes: each is a fault that names it."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from planner.errors import Fault, InputError
from planner.instance import Instance, read_instance
from planner.instance.find_table import MOST_BYTES, size_faults


def _faults(folder: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_instance(folder)
    return [str(fault) for fault in caught.value.faults]


def _put(folder: Path, table: pa.Table, name: str) -> Path:
    for old in folder.glob(f"{name}.*"):
        old.unlink()
    path = folder / f"{name}.parquet"
    parquet.write_table(table, path)
    return path


def _with_column(frame: pd.DataFrame, name: str, values: pa.Array) -> pa.Table:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return table.set_column(table.column_names.index(name), name, values)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (pa.array([[("a", 1)]] * 8, pa.map_(pa.string(), pa.int64())), "[('a', 1)]"),
        (pa.array([[1, 2]] * 8), "[1 2]"),
        (pa.array([{"x": 1}] * 8), "{'x': 1}"),
        (pa.array([b"\xff"] * 8), "b'\\xff'"),
        (pa.array([datetime.timedelta(1)] * 8), "1 days 00:00:00"),
        (pa.array([datetime.datetime(2027, 1, 1)] * 8), "2027-01-01 00:00:00"),
        (pa.array([True] * 8), "True"),
    ],
    ids=["map", "list", "struct", "binary", "duration", "timestamp", "flag"],
)
def test_columns_of_parquet_that_are_no_numbers(
    tutorial: Instance, tutorial_copy: Path, values: pa.Array, shown: str
) -> None:
    _put(tutorial_copy, _with_column(tutorial.zones, "car_owning_households", values), "zones")
    remedy = "must be of type number [households]"
    assert _faults(tutorial_copy)[0] == (
        f"zones.parquet, row 1 (Z1), car_owning_households: {shown}: {remedy}"
    )


def test_lists_where_text_is_wanted(tutorial: Instance, tutorial_copy: Path) -> None:
    _put(tutorial_copy, _with_column(tutorial.zones, "zone_id", pa.array([["Z"]] * 8)), "zones")
    assert _faults(tutorial_copy)[0] == (
        "zones.parquet, row 1, zone_id: ['Z']: must be of type text"
    )


@pytest.mark.parametrize(
    "kind",
    [pa.decimal128(12, 2), pa.float32(), pa.int16(), pa.dictionary(pa.int8(), pa.float64())],
    ids=str,
)
def test_numbers_of_every_type(tutorial: Instance, tutorial_copy: Path, kind: pa.DataType) -> None:
    households = [Decimal(int(value)) for value in tutorial.zones["car_owning_households"]]
    values = pa.array(households).cast(pa.float64())
    cast = values.dictionary_encode() if pa.types.is_dictionary(kind) else values.cast(kind)
    _put(tutorial_copy, _with_column(tutorial.zones, "car_owning_households", cast), "zones")
    read = read_instance(tutorial_copy).zones
    pd.testing.assert_frame_equal(read, tutorial.zones)


def test_whole_numbers_beyond_exactness(tutorial: Instance, tutorial_copy: Path) -> None:
    large = 2**53 + 1
    nodes, roads = tutorial.road_nodes.copy(), tutorial.roads.copy()
    nodes["node_id"] += large
    roads[["from_node", "to_node"]] += large
    _put(tutorial_copy, pa.Table.from_pandas(roads), "roads")
    _put(tutorial_copy, pa.Table.from_pandas(nodes), "road_nodes")
    read = read_instance(tutorial_copy)
    assert read.road_nodes["node_id"].tolist() == nodes["node_id"].tolist()
    (tutorial_copy / "road_nodes.parquet").unlink()
    nodes.to_csv(tutorial_copy / "road_nodes.csv", index=False)
    read = read_instance(tutorial_copy)
    assert read.road_nodes["node_id"].tolist() == nodes["node_id"].tolist()
    (tutorial_copy / "road_nodes.csv").unlink()
    as_floats = nodes.assign(node_id=nodes["node_id"].astype(float))
    _put(tutorial_copy, pa.Table.from_pandas(as_floats), "road_nodes")
    fault = _faults(tutorial_copy)[0]
    assert fault.startswith("road_nodes.parquet, row 1, node_id: 9007199254740994.0: must be of")


def test_text_that_is_not_utf8(tutorial: Instance, tutorial_copy: Path) -> None:
    surrogates = pa.array([b"\xed\xa0\x80"] * 8).view(pa.string())
    _put(tutorial_copy, _with_column(tutorial.zones, "zone_id", surrogates), "zones")
    (fault,) = _faults(tutorial_copy)
    assert fault.startswith("zones.parquet, zone_id: ")
    assert "text is not UTF-8" in fault


def test_a_pandas_index_is_a_column(tutorial: Instance, tutorial_copy: Path) -> None:
    for name, frame in (
        ("zones", tutorial.zones.set_index("zone_id")),
        ("gates", tutorial.gates.sample(frac=1.0, random_state=1)),
    ):
        (tutorial_copy / f"{name}.csv").unlink()
        frame.to_parquet(tutorial_copy / f"{name}.parquet")
    read = read_instance(tutorial_copy)
    pd.testing.assert_frame_equal(read.zones, tutorial.zones, check_like=True)
    pd.testing.assert_frame_equal(read.gates, tutorial.gates)


def _sites(instance: Instance) -> geopandas.GeoDataFrame:
    frame = instance.sites
    points = geopandas.points_from_xy(frame["lon"], frame["lat"])
    return geopandas.GeoDataFrame(frame.drop(columns=["lon", "lat"]), geometry=points, crs=4326)


def _rewrite(path: Path, change: Any, metadata: dict[bytes, bytes]) -> None:
    table = parquet.read_table(path)
    said = {**table.schema.metadata, **metadata}
    parquet.write_table(change(table).replace_schema_metadata(said), path)


def test_broken_geoparquet(tutorial: Instance, tutorial_copy: Path) -> None:
    (tutorial_copy / "sites.csv").unlink()
    path = tutorial_copy / "sites.parquet"

    def broken(table: pa.Table) -> pa.Table:
        cells = [b"\x01\x01", *table.column("geometry").to_pylist()[1:]]
        at = table.column_names.index("geometry")
        return table.set_column(at, "geometry", pa.array(cells))

    _sites(tutorial).to_parquet(path)
    _rewrite(path, broken, {b"pandas": b"{broken"})
    assert _faults(tutorial_copy) == [
        "sites.parquet, row 1 (A), geometry: cannot be read as a geometry; write it anew"
    ]
    for entry in (b"{broken", b"[]", b'{"primary_column": "x", "columns": {}}'):
        _sites(tutorial).to_parquet(path)
        _rewrite(path, lambda table: table, {b"geo": entry})
        (fault,) = _faults(tutorial_copy)
        assert fault.startswith("sites.parquet, geo: ")
        assert "the file's entry of its geometries is broken" in fault


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".gpkg"])
@pytest.mark.parametrize(
    ("character", "name"),
    [("\0", "NUL (U+0000)"), ("\x1b", "U+001B"), ("\n", "line feed (U+000A)")],
)
def test_control_characters(
    tutorial: Instance, tutorial_copy: Path, ending: str, character: str, name: str
) -> None:
    frame = tutorial.cities.assign(name_en=f"Tutorial{character}Town")
    (tutorial_copy / "cities.csv").unlink()
    path = tutorial_copy / f"cities{ending}"
    if ending == ".csv":
        frame.to_csv(path, index=False)
    elif ending == ".parquet":
        frame.to_parquet(path)
    elif character == "\0":
        return  # GDAL ends a text there
    else:
        geopandas.GeoDataFrame(frame, geometry=None).to_file(path)
    (fault,) = _faults(tutorial_copy)
    assert f"holds the control character {name}" in fault
    assert fault.isprintable()
    if not (ending == ".csv" and character == "\0"):
        assert f"row {2 if ending == '.csv' else 1} (town), name_en: Tutorial" in fault


def test_control_characters_in_the_scenario_file(tutorial_copy: Path) -> None:
    path = tutorial_copy / "scenario.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('title = "Two', 'title = "\\u0000Two', 1)
        + '\n[scenarios."a\\u001B".siting]\n',
        encoding="utf-8",
    )
    faults = _faults(tutorial_copy)
    assert len(faults) == 2
    assert faults[0].endswith("holds the control character U+001B; remove it")
    assert "title: \\x00Two stations" in faults[1]


@pytest.mark.parametrize("name", ["zones.csv", "zones.parquet", "zones.geojson", "scenario.toml"])
def test_huge_files_are_refused_unread(tutorial_copy: Path, name: str) -> None:
    for old in tutorial_copy.glob(f"{Path(name).stem}.*"):
        if name != "scenario.toml":
            old.unlink()
    with (tutorial_copy / name).open("ab") as stream:
        stream.truncate(MOST_BYTES + 1)  # sparse: takes no room
    (fault,) = _faults(tutorial_copy)
    assert fault.startswith(f"{name}, size: 2,048 MiB: a file holds at most ")


def test_a_workbook_counts_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "sites.xlsx"
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", " " * 10_000_000)
    assert path.stat().st_size < 100_000
    (fault,) = size_faults(path, most_bytes=5_000_000)
    assert "sites.xlsx, size: 10 MiB: a file holds at most 5 MiB" in str(fault)
    assert size_faults(path, most_bytes=10_000_000) == []
    path.write_bytes(b"PK")
    (fault,) = size_faults(path)
    assert str(fault).endswith("file cannot be read")


def test_a_number_of_rows_that_no_memory_holds(tutorial_copy: Path, tmp_path: Path) -> None:
    (tutorial_copy / "supply.csv").unlink()
    schema = pa.schema([("gwh", pa.dictionary(pa.int8(), pa.float64()))])
    piece = pa.table({"gwh": pa.nulls(6_000_000, schema.field(0).type)}, schema=schema)
    with parquet.ParquetWriter(tutorial_copy / "supply.parquet", schema) as writer:
        for _ in range(9):
            writer.write_table(piece)
    assert (tutorial_copy / "supply.parquet").stat().st_size < 1e6
    assert _faults(tutorial_copy) == [
        "supply.parquet, rows: 54,000,000: a table has at most 50,000,000 rows; leave away what is "
        "not needed"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = " + "[" * 5000 + "]" * 5000, "scenario.toml: tables and lists are nested too deeply"),
        ("[" + ".".join("a" * 3000) + "]", "tables and lists are nested too deeply"),
        ("[siting]\nnear_km = 1" + "0" * 400, "siting.near_km: 1000"),
        ("[siting]\nnear_km = 1" + "0" * 5000, "scenario.toml: Exceeds the limit"),
        ("scenarios = [1, 2]", "scenarios: [1, 2]: Input should be a valid dictionary"),
        ("scenarios = { low = 3 }", "scenarios.low: 3: Input should be a valid dictionary"),
        ('[[corridors.ferries]]\nnam = "x"', "corridors.ferries.0.nam: 'x': unknown key; did you"),
    ],
    ids=["list", "dotted", "number", "digits", "scenarios", "scenario", "ferry"],
)  # fmt: skip
def test_strange_scenario_files(tutorial_copy: Path, text: str, expected: str) -> None:
    path = tutorial_copy / "scenario.toml"
    old = path.read_text(encoding="utf-8").partition("[scenarios")[0]
    if text.startswith("[siting]"):
        new = old.replace("near_km = 1.5", "").replace("[siting]", text)
    elif text.startswith("["):
        new = f"{old}\n{text}"
    else:
        new = f"{text}\n{old}"
    path.write_text(new, encoding="utf-8")
    assert any(expected in fault for fault in _faults(tutorial_copy))
    with pytest.raises(InputError):
        read_instance(tutorial_copy, scenario_name="low")


def test_a_scenario_file_with_a_mark_of_byte_order(tutorial_copy: Path) -> None:
    path = tutorial_copy / "scenario.toml"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert read_instance(tutorial_copy).scenario.name == "tutorial"


def test_faults_can_always_be_printed() -> None:
    fault = Fault("a\nb.csv", 2, "x", "\ud800" + "y" * 1000, "z", "i\u200bd")
    assert str(fault).startswith("a\\nb.csv, row 2 (i\\u200bd), x: \\ud800yyy")
    assert len(str(fault)) < 600


def test_whole_ids_as_decimals_are_exact_or_refused(
    tutorial: Instance, tutorial_copy: Path
) -> None:
    table = _with_column(tutorial.zones, "zone_id", pa.array(np.arange(8.0) + 2.0**60))
    _put(tutorial_copy, table, "zones")
    assert (
        "row 1, zone_id: 1.152921504606847e+18: must be of type text" in _faults(tutorial_copy)[0]
    )
