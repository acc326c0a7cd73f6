"""The sheets of a workbook, shaped from the files of a run folder."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from planner.errors import Fault, InputError
from planner.outputs.chemistries import Chemistries, read_chemistries
from planner.outputs.kpi import describe_kpi
from planner.outputs.layers.describe import DATA_PACKAGE
from planner.outputs.markets import SHEETS
from planner.outputs.run_json import read_run_json
from planner.outputs.station_reasons import FORCE_IN, closest_first
from planner.outputs.whole import whole_kpi, whole_table
from planner.outputs.workbook.formats import (
    PERCENT,
    TEXT,
    distinct,
    heading,
    kpi_format,
    number_format,
)

MOST_ROWS = 100_000
"""Longer tables stay in the run's files: spreadsheets get slow, and end at 1,048,576 rows."""

_DECIMALS = 6  # as in tables/*.csv
_WAITS, _STATION_WAIT = "simulation_figure", "station_wait"
_NO_PACK_TYPE = "no_pack_type"
_MEASURE = "measure"
_CANDIDATES, _CLOSEST = "candidates", "closest_sites"
_FIRST = (
    "kpi", "cities", "stations", _CANDIDATES, "phase", "future", _MEASURE, _WAITS, _STATION_WAIT,
    "corridor_summary", *chain(*SHEETS.values()),
)  # fmt: skip
_LAST = ("assumptions", "run_info")
_CORRIDORS = ("corridor_stations", "corridor_legs", "corridor_unserved")
_OVER_TIME = ("station_phases", "city_phases", "future_sites")
_PLACES = ("cities", "stations", *_CORRIDORS, *_OVER_TIME)  # layers worth reading without a map
_FIRST_ROWS = {"corridor_legs": 5_000, "corridor_unserved": 5_000, _CANDIDATES: 5_000}
"""Tables of which the first rows are enough; the others stand in the run's files."""

_NAMED = {
    "city_id": ("name_en", "City name"),
    "near_city_id": ("near_name_en", "Name of the nearest city"),
    "from_city_id": ("from_name_en", "Name of the city it begins in"),
    "to_city_id": ("to_name_en", "Name of the city it leads to"),
    "from_stop": ("from_name_en", "City it begins in"),
    "to_stop": ("to_name_en", "City it ends in"),
    "breaks_from": ("breaks_from_name_en", "City it breaks from"),
    "breaks_to": ("breaks_to_name_en", "City it breaks to"),
}
"""Per column with ids of cities the name and heading of the one that is added beside it."""
_STATION_HOUR = "station_hour"
_FOR_SIMULATION = ("station_packs", "station_service", "mix_hour", "mix_spread", "mix_turn")
"""Tables that programs simulate a run from; what people read of them stands in other sheets."""
_FOR_REASONS = ("siting_packs", "siting_capacity")
"""Tables that reasons are asked of once more when the run is finished."""
_OF_FIGURES = {"value", "low", "high", "expected"}
_SHEET_NAMES = {_WAITS: "waits", _STATION_WAIT: "waits_by_station", _CANDIDATES: _CLOSEST}
"""Sheets that are not called as their tables."""
_REMEDY = "not a run folder of this version; plan again with `planner run`"


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Attributes
    ----------
    name, heading, description : str
        Machine name, what a reader sees with its unit, and what the column holds.
    values : list
        Text, number, bool or None per row.
    number_formats : sequence of str
        Format code of each row.
    """

    name: str
    heading: str
    description: str
    values: list[Any]
    number_formats: Sequence[str]


@dataclass(frozen=True)
class Part:
    """A table as it stands on a sheet: under its headings, with what it holds above them."""

    name: str
    description: str
    columns: tuple[Column, ...]

    @property
    def num_rows(self) -> int:
        """Rows below the headings."""
        return len(self.columns[0].values)


@dataclass(frozen=True)
class Sheet:
    """Tables, one below the other: of most sheets one; the name is what a reader looks for."""

    name: str
    description: str
    parts: tuple[Part, ...]

    @property
    def num_rows(self) -> int:
        """Rows of all parts below their headings."""
        return sum(part.num_rows for part in self.parts)


@dataclass(frozen=True)
class LeftOut:
    """A layer or table that has no sheet, and where it stands instead."""

    name: str
    path: str
    num_rows: int
    description: str
    reason: str


@dataclass(frozen=True)
class RunTables:
    """What the workbook shows of a run.

    Attributes
    ----------
    run : mapping
        `run.json`.
    chemistries : Chemistries
        Names and colours of the instance's cell chemistries.
    attribution : str
        Who must be named; empty if the instance states nothing.
    sheets : tuple of Sheet
        In order.
    left_out : tuple of LeftOut
        What has no sheet.
    """

    run: Mapping[str, Any]
    chemistries: Chemistries
    attribution: str
    sheets: tuple[Sheet, ...]
    left_out: tuple[LeftOut, ...]


def read_tables(folder: Path) -> RunTables:
    """Read the tables of a run folder and shape them into sheets.

    Parameters
    ----------
    folder : Path
        With `run.json`, `datapackage.json` and the Parquet files that the latter names.

    Raises
    ------
    InputError
        If one of them is missing or broken.
    """
    with _naming(folder / "run.json"):
        run = read_run_json(folder / "run.json")
    run["kpi"] = whole_kpi(run["kpi"])
    package = _read_json(folder / DATA_PACKAGE)
    resources = {
        each["name"]: each for each in package["resources"] if each.get("format") == "parquet"
    }
    names = _read_table(folder, resources["cities"]).set_index("city_id")["name_en"]
    chemistries = read_chemistries(_read_table(folder, resources["chemistries"]))
    parts, left_out = dict[str, Part](), []
    for name in _ordered(resources):
        resource = resources[name]
        reason = _why_not(folder, resource)
        if reason:
            left_out.append(
                LeftOut(name, resource["path"], _num_rows(folder, resource),
                        resource["description"], reason)
            )  # fmt: skip
        else:
            frame = whole_table(name, _read_table(folder, resource))
            parts[name] = _part(resource, frame, names)
    sheets = [*_sheets(parts), _dictionary(resources)]
    attribution = " ".join(source["title"] for source in package["sources"])
    return RunTables(run, chemistries, attribution, tuple(sheets), tuple(left_out))


def _sheets(parts: Mapping[str, Part]) -> Iterator[Sheet]:
    """A sheet for each table; those of one subject on one sheet, in the place of the first."""
    sheet_of = {name: sheet for sheet, names in SHEETS.items() for name in names}
    done = set[str]()
    for name, part in parts.items():
        title = sheet_of.get(name)
        if title is None:
            yield Sheet(part.name, part.description, (part,))
        elif title not in done:
            done.add(title)
            held = tuple(parts[each] for each in SHEETS[title] if each in parts)
            yield Sheet(title, " ".join(each.description for each in held), held)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: what parsers raise for a broken file
        fault = Fault(str(path), None, "", str(error).split("\n")[0], _REMEDY)
        raise InputError([fault]) from error


def _read_json(path: Path) -> dict[str, Any]:
    with _naming(path):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _read_table(folder: Path, resource: Mapping[str, Any]) -> pd.DataFrame:
    path = folder / resource["path"]
    with _naming(path):
        return pd.read_parquet(path, columns=[field["name"] for field in _fields(resource)])


def _num_rows(folder: Path, resource: Mapping[str, Any]) -> int:
    path = folder / resource["path"]
    with _naming(path):
        return int(pq.read_metadata(path).num_rows)


def _fields(resource: Mapping[str, Any]) -> list[dict[str, str]]:
    fields: list[dict[str, str]] = resource["schema"]["fields"]
    return fields


def _ordered(resources: Mapping[str, Any]) -> list[str]:
    between = [name for name in resources if name not in _FIRST + _LAST]
    return [name for name in (*_FIRST, *between, *_LAST) if name in resources]


def _why_not(folder: Path, resource: Mapping[str, Any]) -> str:
    if resource["name"] == _CANDIDATES and _tells_costs(resource):
        return ""  # the nearest to a station, not all places
    if resource["geometry_type"] and resource["name"] not in _PLACES:
        return "shapes and places for a map"
    if resource["name"] in _FOR_SIMULATION:
        return "what the simulation is given"
    if resource["name"] in _FOR_REASONS:
        return "what the stations were planned for, to ask the same question again"
    if resource["name"] != _STATION_HOUR and _num_rows(folder, resource) > MOST_ROWS:
        return f"more than {MOST_ROWS:,} rows"
    return ""


def _tells_costs(resource: Mapping[str, Any]) -> bool:
    return any(field["name"] == FORCE_IN for field in _fields(resource))


def _part(resource: Mapping[str, Any], frame: pd.DataFrame, names: "pd.Series[Any]") -> Part:
    fields, description = _fields(resource), resource["description"]
    if resource["name"] == _STATION_HOUR:
        return _hours_across(fields, frame)
    if resource["name"] == _CANDIDATES:
        frame = closest_first(frame)
        description = "Sites without a station, the nearest to having one first."
    if resource["name"] in _FIRST_ROWS and len(frame) > _FIRST_ROWS[resource["name"]]:
        kept = _FIRST_ROWS[resource["name"]]
        description += f" Here the first {kept:,} of {len(frame):,} rows."
        frame = frame.head(kept)
    if "name_en" not in frame:
        frame, fields = _with_names(frame, fields, names)
    headings = distinct(
        (heading(field["name"], field["title"]) for field in fields),
        (field["name"] for field in fields),
    )
    columns = [
        _column(field["name"], text, field["description"], frame[field["name"]])
        for field, text in zip(fields, headings, strict=True)
    ]
    if resource["name"] == "kpi":
        columns = [_figures(column, frame["name"]) for column in columns]
    if resource["name"] == _NO_PACK_TYPE:
        columns = [
            replace(column, number_formats=[PERCENT] * len(column.values))
            if column.name in _OF_FIGURES
            else column
            for column in columns
        ]
    if resource["name"] == _MEASURE:
        columns = [_measures(column, frame["unit"]) for column in columns]
    if resource["name"] == _WAITS:
        columns = _titled(columns, frame["figure"])
    sheet_name = _SHEET_NAMES.get(resource["name"], resource["name"])
    return Part(sheet_name, description, tuple(columns))


def _with_names(
    frame: pd.DataFrame, fields: Sequence[dict[str, str]], names: "pd.Series[Any]"
) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    """Names of cities beside their ids; empty where the id is a corridor station's."""
    columns, described = {}, list[dict[str, str]]()
    for field in fields:
        columns[field["name"]] = frame[field["name"]]
        described.append(field)
        if field["name"] in _NAMED:
            name, title = _NAMED[field["name"]]
            columns[name] = frame[field["name"]].map(names)
            described.append({"name": name, "title": title, "description": "Name in Latin letters"})
    return pd.DataFrame(columns), described


def _column(name: str, text: str, description: str, values: "pd.Series[Any]") -> Column:
    if not is_numeric_dtype(values) or is_bool_dtype(values):
        return Column(name, text, description, _cells(values), [TEXT] * len(values))
    numbers = values.astype("float64").round(_DECIMALS)
    code = number_format(name, is_whole=not (numbers.dropna() % 1 != 0).any())
    return Column(name, text, description, _cells(numbers), [code] * len(numbers))


def _cells(values: "pd.Series[Any]") -> list[Any]:
    cells, missing = values.tolist(), values.isna().to_numpy()
    for row in np.flatnonzero(missing).tolist():
        cells[row] = None
    return cells


def _figures(column: Column, names: "pd.Series[Any]") -> Column:
    """Each figure in the format of its own name."""
    if column.name not in _OF_FIGURES:
        return column
    codes = [kpi_format(describe_kpi(name, Chemistries({}))) for name in names]
    return Column(column.name, column.heading, column.description, column.values, codes)


def _measures(column: Column, units: "pd.Series[Any]") -> Column:
    """Each end of an interval in the format of its unit; 1 stands for shares."""
    if column.name not in _OF_FIGURES:
        return column
    codes = [
        PERCENT if unit == "1" else code
        for unit, code in zip(units, column.number_formats, strict=True)
    ]
    return replace(column, number_formats=codes)


def _titled(columns: Sequence[Column], names: "pd.Series[Any]") -> list[Column]:
    """Figures with intervals, each with its title and unit beside its name."""
    about = [describe_kpi(name, Chemistries({})) for name in names]
    text = [TEXT] * len(about)
    name, *values = columns
    titles = Column("title", "Title", "What is counted", [each.title for each in about], text)
    units = Column(
        "unit", "Unit", "1 for counts and shares", [each.unit for each in about], text
    )  # fmt: skip
    return [name, titles, *(_figures(column, names) for column in values), units]


def _hours_across(fields: Sequence[Mapping[str, str]], frame: pd.DataFrame) -> Part:
    """A row per station and a column per hour: 3,000 rows read better than 72,000."""
    about = {field["name"]: field for field in fields}
    table = frame.pivot_table(index="site_id", columns="hour", values="swaps_per_hour")
    site = about["site_id"]
    columns = [
        _column("site_id", site["title"], site["description"], pd.Series(table.index)),
        *(
            _column(
                f"swaps_per_hour_{hour:02d}",
                f"{hour:02d}:00",
                f"{about['swaps_per_hour']['description']}, from {hour:02d}:00",
                table[hour],
            )
            for hour in table.columns
        ),
    ]
    description = (
        "Swaps [1/h] of each station by hour of the winter design day, hours across; the "
        "capacity stands in sheet stations."
    )
    return Part(_STATION_HOUR, description, tuple(columns))


def _dictionary(resources: Mapping[str, Mapping[str, Any]]) -> Sheet:
    rows = [
        (name, field["name"], field["title"], field["description"])
        for name, resource in resources.items()
        for field in _fields(resource)
    ]
    titles = {
        "layer": "Layer or table", "column": "Column", "title": "Heading", "description": "Meaning"
    }  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(titles), dtype="str")
    columns = (_column(name, title, "", frame[name]) for name, title in titles.items())
    name, told = "data_dictionary", "What every column of the run holds."
    return Sheet(name, told, (Part(name, told, tuple(columns)),))
