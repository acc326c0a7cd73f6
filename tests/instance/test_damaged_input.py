"""Whatever is done to an instance's files, reading it gives tables or named faults."""

import datetime
import json
import random
import shutil
import tomllib
import warnings
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tomli_w
from pyarrow import parquet

from planner.errors import InputError
from planner.instance import TABLES, read_instance

TUTORIAL = Path(__file__).parents[2] / "instances" / "tutorial"
SEEDS = range(6)

TABLE_NAMES = sorted(TABLES)
SEGMENTS = ("private", "taxi", "ride_hailing")
OPTIONAL_TABLES: dict[str, dict[str, Any]] = {
    "adoption": {
        "city_id": "town", "segment": SEGMENTS, "quarter": "2027Q1", "swap_capable_frac": 0.5,
    },
    "hour_profile": {
        "segment": [name for name in SEGMENTS for _ in range(24)], "hour": [*range(24)] * 3,
        "day_frac": 1 / 24, "source": "made up",
    },
    "pack_stock": {
        "city_id": ["town"], "pack_id": ["lfp_25"], "packs": [5], "retires": ["2027Q2"],
    },
    "flows": {
        "from_city_id": "town", "to_city_id": "town", "season": ["winter", "summer"],
        "vehicles_per_day": 1.5,
    },
    "corridor_sites": {
        "corridor_site_id": ["R1", "R2"], "lon": 126.6, "lat": [45.7, 45.8], "status": "candidate",
    },
    "chemistries": {
        "chemistry": ["lfp", "sodium_ion"], "name": ["LFP", "Na"], "nickname": ["LFP", "Na"],
        "colour": ["#0072b2", "#009e73"],
    },
    "build_rates": {
        "quarter": "2027Q1", "city_id": ["", "town"], "openings": [2, 1], "budget_cny": [1e9, ""],
    },
    "winters": {
        "winter": "2012-13", "city_id": ["town"], "shift_c": [-3.0], "source": "made up",
    },
    "travel_times": {"zone_id": "Z1", "site_id": ["A", "B"], "minutes": [1.0, 2.5]},
    "assumptions": {"item": ["a", "b"], "value": "1", "mark": "?", "source": "made up"},
    "materials": {
        "material": ["precursor"], "chemistry": "sodium_ion", "kg_per_kwh": 2.2,
        "source": "made up",
    },
    "material_supply": {
        "material": "precursor", "supplier": ["", "mine"], "quarter": ["2026Q4", "2027Q1"],
        "tonnes": 500.0, "source": "made up",
    },
    "offers": {
        "pack_id": "na_25", "market": "CN", "samples_from": "2026Q1", "qualification_quarters": 2,
        "lead_quarters": [1], "min_order_packs": [10.0], "source": "made up",
    },
    "declarations": {
        "pack_id": "na_25", "item": ["origin", "abuse"], "status": ["held", "asked"],
        "source": "made up",
    },
    "envelopes": {"envelope": ["#20", "#25"], "max_mass_kg": 500.0, "source": "made up"},
    "brands": {"brand": ["A", "B"], "source": "made up"},
    "brand_suppliers": {
        "brand": "A", "chemistry": "sodium_ion", "supplier": "S", "exclusive": [False],
        "source": "made up",
    },
    "car_models": {
        "model": ["A1", "B1"], "brand": ["A", "B"], "envelope": "#25", "application": "swap_car",
        "swap_version_from": "2026Q4", "source": "made up",
    },
    "model_chemistries": {
        "model": ["A1"], "chemistry": "sodium_ion", "accepted_from": "2027Q1", "source": "made up",
    },
    "launches": {
        "model": ["A1"], "market": "CN", "pack_id": "na_25", "quarter": "2027Q1", "packs": 5.0,
        "source": "made up",
    },
}  # fmt: skip
ODD_TEXTS = (
    "", " ", "\u00a0", "x", "-1", "0", "1e999", "1e308", "-0.0", "nan", "inf", "1,5", "1;5", "1_0",
    "0x1F", "9007199254740993", "9" * 30, "１２", "TRUE", "\0", "a\0b", "\x1b[31m", "a\nb", '"',
    "\u202e", "2027Q9", "2027Q1", "#25", "CN", "cn", "town", "lfp", "8" * 400, "=1+1", "None",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**53 + 1, 2**63 - 1, 10**25, 1.5, np.nan, np.inf, 1e300, b"\xff\x00", [1],
    [], {"a": 1}, Decimal("1.10"), Decimal("NaN"), datetime.date(2027, 1, 1), datetime.time(1),
    datetime.timedelta(1), np.datetime64("2027-01-01"), complex(1, 1), *ODD_TEXTS,
)  # fmt: skip
ODD_ARROWS = (
    pa.map_(pa.string(), pa.int64()), pa.list_(pa.float64()), pa.binary(), pa.binary(3),
    pa.decimal128(12, 2), pa.decimal256(60, 0), pa.struct([("x", pa.int8())]), pa.large_string(),
    pa.dictionary(pa.int8(), pa.string()), pa.timestamp("ns", "UTC"), pa.timestamp("s"),
    pa.duration("s"), pa.time32("s"), pa.date32(), pa.date64(), pa.float16(), pa.uint64(),
    pa.uint8(), pa.bool_(), pa.null(), pa.string_view(), pa.month_day_nano_interval(), pa.uuid(),
)  # fmt: skip
ENCODINGS = ("gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "utf-8-sig", "big5")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tutorial with every table of the format."""
    folder = Path(shutil.copytree(TUTORIAL, tmp_path_factory.mktemp("whole") / "instance"))
    for name, columns in OPTIONAL_TABLES.items():
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False)
    assert {path.stem for path in folder.glob("*.csv")} >= set(TABLES)
    read_instance(folder)
    return folder


Damage = Callable[[random.Random, Path], str]


def _cells(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _pick(rng: random.Random, folder: Path) -> tuple[Path, pd.DataFrame]:
    path = folder / f"{rng.choice(TABLE_NAMES)}.csv"
    return path, _cells(path)


def _odd_cells(rng: random.Random, folder: Path) -> str:
    path, frame = _pick(rng, folder)
    done = []
    for _ in range(rng.randint(1, 3)):
        row, column = rng.randrange(len(frame)), rng.choice(list(frame.columns))
        frame.loc[row, column] = rng.choice(ODD_TEXTS)
        done.append((row, column, frame.loc[row, column]))
    frame.to_csv(path, index=False)
    return f"{path.name}: cells {done!r}"


def _odd_columns(rng: random.Random, folder: Path) -> str:
    path, frame = _pick(rng, folder)
    columns = list(frame.columns)
    what = rng.choice(("drop", "twice", "name", "more", "none", "rows", "constant", "blank"))
    position = rng.randrange(len(columns))
    if what == "drop":
        frame = frame.drop(columns=columns[position])
    elif what == "twice":
        frame = pd.concat([frame, frame[[columns[position]]]], axis=1)
    elif what == "name":
        frame.columns = [*columns[:position], rng.choice(ODD_TEXTS), *columns[position + 1 :]]
    elif what == "more":
        frame[rng.choice(ODD_TEXTS)] = rng.choice(ODD_TEXTS)
    elif what == "none":
        frame = frame.iloc[:0]
    elif what == "rows":
        frame = pd.concat([frame, frame.iloc[rng.randrange(len(frame)) :]])
    elif what == "constant":
        frame[columns[position]] = rng.choice(ODD_TEXTS)
    else:
        frame = pd.concat([frame, frame.iloc[:3].map(lambda value: " ")])
    frame.to_csv(path, index=False)
    return f"{path.name}: {what} {columns[position]}"


def _odd_dialect(rng: random.Random, folder: Path) -> str:
    path, frame = _pick(rng, folder)
    separator, decimal = rng.choice(",;\t|:"), rng.choice(".,")
    encoding = rng.choice(ENCODINGS)
    end = rng.choice(("\n", "\r\n", "\r"))
    numbers = frame.map(lambda cell: cell.replace(".", decimal))
    text = numbers.to_csv(index=False, sep=separator, lineterminator=end)
    path.write_bytes((rng.choice(("", "\n\n", "sep=;\n")) + text).encode(encoding, "replace"))
    settings = _scenario(folder)
    said = settings.setdefault("tables", {}).setdefault(path.stem, {})
    said.update(rng.choice(({}, {"encoding": rng.choice(ENCODINGS)}, {"decimal": decimal},
                            {"separator": separator})))  # fmt: skip
    _write_scenario(folder, settings)
    return f"{path.name}: {separator!r} {decimal!r} {encoding} {said}"


def _numbers_if_any(column: "pd.Series[str]") -> "pd.Series[Any]":
    """Numbers where all cells that hold something are, missing where they do not."""
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if (numbers.notna() == (column != "")).all() else column


def _odd_parquet(rng: random.Random, folder: Path) -> str:
    path, frame = _pick(rng, folder)
    name = rng.choice(list(frame.columns))
    typed = frame.apply(_numbers_if_any)
    table = pa.Table.from_pandas(typed.convert_dtypes(), preserve_index=False)
    kind = rng.choice(ODD_ARROWS)
    at = table.column_names.index(name)
    values = [_value_of(rng, kind) for _ in range(len(frame))]
    table = table.set_column(at, name, pa.array(values, type=kind))
    path.unlink()
    try:
        parquet.write_table(table, path.with_suffix(".parquet"))
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        table = table.set_column(
            at, name, pa.array([b"\xed\xa0\x80"] * len(frame)).view(pa.string())
        )
        parquet.write_table(table, path.with_suffix(".parquet"))
    return f"{path.stem}.parquet: {name} {kind}"


def _value_of(rng: random.Random, kind: pa.DataType) -> Any:
    for value in rng.sample(ODD_VALUES, len(ODD_VALUES)):
        try:
            pa.array([value], type=kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError):
            continue
        return value
    return None


def _odd_objects(rng: random.Random, folder: Path) -> str:
    """A column of one odd value, in a format that has types, as far as it takes it."""
    path, frame = _pick(rng, folder)
    ending = rng.choice((".parquet", ".gpkg", ".geojson", ".fgb", ".shp", ".xlsx"))
    column, value = rng.choice(list(frame.columns)), rng.choice(ODD_VALUES)
    frame[column] = pd.Series([value] * len(frame), dtype=object)
    if "lon" in frame and ending != ".xlsx" and rng.random() < 0.7:
        points = geopandas.points_from_xy(
            *(pd.to_numeric(frame[c], errors="coerce") for c in ("lon", "lat"))
        )
        frame = geopandas.GeoDataFrame(frame, geometry=points, crs=4326)
    target = path.with_suffix(ending)
    try:
        if ending == ".xlsx":
            frame.to_excel(target, index=False)
        elif ending == ".parquet":
            frame.to_parquet(target)
        else:
            geopandas.GeoDataFrame(frame).to_file(target, engine="pyogrio")
    except Exception as error:  # the writer refuses the value: nothing to read
        for side in folder.glob(f"{path.stem}.*"):
            if side != path:
                side.unlink()
        return f"{ending} does not take {value!r}: {error}"
    path.unlink()
    return f"{target.name}: {column} = {value!r}"


def _damaged_file(rng: random.Random, folder: Path) -> str:
    said = _odd_objects(rng, folder) if rng.random() < 0.7 else ""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    path = rng.choice([p for p in files if p.suffix != ".csv"] * 3 + files)
    raw = bytearray(path.read_bytes())
    what = rng.choice(("cut", "flip", "nul", "empty", "noise", "twice"))
    at = rng.randrange(len(raw) or 1)
    if what == "cut":
        raw = raw[:at]
    elif what == "flip":
        for _ in range(rng.randint(1, 20)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
    elif what == "nul":
        raw[at:at] = b"\0" * rng.randint(1, 5)
    elif what == "noise":
        raw[at:at] = rng.randbytes(30)
    elif what == "twice":
        raw += bytes(raw)
    else:
        raw.clear()
    path.write_bytes(raw)
    return f"{said}; {path.name}: {what} at {at}"


def _odd_metadata(rng: random.Random, folder: Path) -> str:
    frame = _cells(folder / "sites.csv").astype({"lon": float, "lat": float})
    points = geopandas.points_from_xy(frame.pop("lon"), frame.pop("lat"))
    path = folder / "sites.parquet"
    geopandas.GeoDataFrame(frame, geometry=points, crs=4326).to_parquet(path)
    (folder / "sites.csv").unlink()
    table = parquet.read_table(path)
    metadata = dict(table.schema.metadata)
    key = rng.choice((b"geo", b"pandas"))
    said = json.loads(metadata[key])
    place = _random_place(rng, said)
    _put(said, place, rng.choice((None, 1, "x", [], {}, "WKB", "point", [[]], {"bbox": 1})))
    metadata[key] = rng.choice(
        (json.dumps(said).encode(), json.dumps(said).encode(), b"\xff{", b"1")
    )
    parquet.write_table(table.replace_schema_metadata(metadata), path)
    return f"{path.name}: {key!r} {place}"


def _scenario(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "scenario.toml").read_text(encoding="utf-8"))


def _write_scenario(folder: Path, settings: dict[str, Any]) -> None:
    (folder / "scenario.toml").write_bytes(tomli_w.dumps(settings).encode())


def _random_place(rng: random.Random, value: Any) -> list[Any]:
    place: list[Any] = []
    while isinstance(value, dict | list) and value and (not place or rng.random() < 0.8):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        place.append(rng.choice(keys))
        value = value[place[-1]]
    return place


def _put(settings: Any, place: list[Any], value: Any) -> None:
    for part in place[:-1]:
        settings = settings[part]
    settings[place[-1]] = value


ODD_SETTINGS: tuple[Any, ...] = (
    1, -1, 0, 10**400, 1.5, float("nan"), float("inf"), True, "", "x", "\0", "\u00a0", [], [1], {},
    {"x": 1}, [{"x": 1}], {"": {}}, datetime.date(2027, 1, 1), {"x": {"y": {"z": 1}}},
)  # fmt: skip
SECTIONS = (
    "siting", "network", "demand", "packs", "solver", "corridors", "horizon", "tables", "scenarios",
    "coupling", "costs", "physics", "throughput", "x",
)  # fmt: skip


def _odd_settings(rng: random.Random, folder: Path) -> str:
    settings = _scenario(folder)
    if rng.random() < 0.5:
        place = _random_place(rng, settings)
    else:
        known = ("sites", "gates", "ferries", "num_stations", "columns", "constants", "file", "x")
        place = [rng.choice(SECTIONS), rng.choice(known)]
        if not isinstance(settings.setdefault(place[0], {}), dict):
            place = place[:1]
    value = rng.choice(ODD_SETTINGS)
    _put(settings, place, value)
    _write_scenario(folder, settings)
    return f"scenario.toml: {place} = {value!r}"[:200]


def _odd_sources(rng: random.Random, folder: Path) -> str:
    settings = _scenario(folder)
    name = rng.choice(TABLE_NAMES)
    columns = [column.name for column in TABLES[name].columns]
    source = rng.choice((
        {"constants": {rng.choice(columns): rng.choice((1, 1.5, "x", True, "", "\u00a0"))},
         "ignore": rng.sample(columns, 1)},
        {"factors": {rng.choice(columns): rng.choice((0.001, 1e300, -1.0, 1000))}},
        {"columns": {rng.choice(columns): rng.choice(columns)}},
        {"file": f"{rng.choice(TABLE_NAMES)}.csv"},
        {"encoding": rng.choice((*ENCODINGS, "hex", "utf-7", "unicode_escape", "idna", "x"))},
        {"decimal": ",", "separator": rng.choice(",;\t|")},
    ))  # fmt: skip
    settings.setdefault("tables", {})[name] = source
    _write_scenario(folder, settings)
    return f"tables.{name} = {source}"


DAMAGES: tuple[Damage, ...] = (
    _odd_cells, _odd_columns, _odd_dialect, _odd_parquet, _odd_objects, _damaged_file,
    _odd_metadata, _odd_settings, _odd_sources,
)  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_damage_is_read_or_named(whole: Path, seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    for damage in DAMAGES:
        folder = Path(shutil.copytree(whole, tmp_path / damage.__name__))
        with warnings.catch_warnings():  # of the writers
            warnings.simplefilter("ignore")
            said = damage(rng, folder)
        told = _told(folder, said)
        assert told.replace("\n", "").isprintable(), said


def _told(folder: Path, said: str) -> str:
    """What reading refuses, empty if it does not; any other end names the damage."""
    try:
        read_instance(folder)
    except InputError as error:
        return str(error)
    except Exception as error:
        raise AssertionError(said) from error
    return ""
