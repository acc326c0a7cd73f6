"""Blank tables for a planner's own figures: a folder that is an instance once they are filled."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from planner.errors import Fault, InputError
from planner.instance.tables import TABLES, Column, Table
from planner.opendata.parameters import read_table
from planner.opendata.writing import write_csv

KNOWN_TABLES = ("vehicles", "packs", "curves", "stations", "supply", "hour_profile")
"""Tables that come filled, each row with its source."""
BLANK_TABLES = ("cities", "climate", "zones", "sites", "road_nodes", "roads", "gates")
"""Tables that are the planner's own."""
HELPFUL = {"zones": ("lon", "lat")}
"""Columns that a blank table has though they may be left out."""
README = "README.md"

_SCENARIO = """\
# What is decided, as against the tables, which say what is. Every setting and its default:
# planner schema scenario. All that stands here may be changed; nothing else need be filled in.
schema_version = 1
name = "my-town"
title = "Stations for my town"
# Whom reports and maps have to credit, e.g. "© OpenStreetMap contributors (ODbL)".
attribution = ""
# Coordinates of tables that state no reference system: WGS84, CGCS2000, GCJ-02 or BD-09.
coordinate_reference = "WGS84"
# The quarter that stations are planned for.
planning_quarter = "2027Q4"

[siting]
num_stations = 2      # stations of the plan, existing ones included
drive_time_min = 10.0 # a zone is served by stations so near

[solver]
time_limit_s = 60.0
"""


@dataclass(frozen=True)
class _Blank:
    """Rows that a blank table begins with: what is known of them stands there."""

    rows: tuple[dict[str, str | int], ...]
    hint: str


_BLANKS = {
    "cities": _Blank(({"city_id": "town"},), "one row per city"),
    "climate": _Blank(
        tuple({"city_id": "town", "month": month} for month in range(1, 13)),
        "twelve rows per city: mean air temperature of each month",
    ),
    "zones": _Blank(
        ({"zone_id": "Z1", "city_id": "town"},),
        "one row per zone; or remove it and put zones.gpkg or zones.shp there, with these columns",
    ),
    "sites": _Blank(
        ({"site_id": "S1", "city_id": "town", "status": "candidate"},),
        "one row per site; or remove it and put sites.gpkg or sites.shp there, with these columns",
    ),
    "road_nodes": _Blank(
        ({"node_id": 1},),
        "one row per junction; or remove it and roads.csv, and put roads.osm.pbf there, an extract "
        "of OpenStreetMap",
    ),
    "roads": _Blank(({"from_node": 1},), "one row per road between two junctions"),
    "gates": _Blank(
        ({"binding": "true"},),
        "one row per certificate that packs of a chemistry need before they may be sold",
    ),
}


def write_templates(folder: Path) -> list[str]:
    """Write a folder of tables to be filled in, with a page that explains each column.

    Parameters
    ----------
    folder : path
        Made if missing.

    Returns
    -------
    list of str
        Names of the files that have blanks.

    Raises
    ------
    InputError
        If one of the files is there already: nothing is written then.
    """
    tables = {name: read_table(name) for name in KNOWN_TABLES}
    tables |= {name: _blank_table(TABLES[name]) for name in BLANK_TABLES}
    names = ["scenario.toml", README, *(f"{name}.csv" for name in tables)]
    taken = [name for name in names if (folder / name).exists()]
    if taken:
        remedy = "is there already, and nothing is overwritten; name a new folder"
        raise InputError([Fault(str(folder / name), None, "", "", remedy) for name in taken])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.toml").write_text(_SCENARIO, encoding="utf-8", newline="\n")
    (folder / README).write_text(_explain(), encoding="utf-8", newline="\n")
    for name, table in tables.items():
        write_csv(table, folder, name)
    return [f"{name}.csv" for name in BLANK_TABLES]


def _columns(table: Table) -> list[Column]:
    helpful = HELPFUL.get(table.name, ())
    return [each for each in table.columns if each.required or each.name in helpful]


def _blank_table(table: Table) -> pd.DataFrame:
    names = [column.name for column in _columns(table)]
    return pd.DataFrame(list(_BLANKS[table.name].rows), columns=names, dtype=object)


def _explain() -> str:
    lines = [
        "# Tables to fill in",
        "",
        "Fill the empty cells of the tables below and add rows, then",
        "",
        "    planner validate .",
        "    planner run .",
        "",
        "`validate` names every cell that is still empty or wrong, all at once. Every further",
        "column that `planner schema tables` lists may be added. What you assume belongs into",
        "`source`.",
        "",
        f"{', '.join(f'{name}.csv' for name in KNOWN_TABLES)} come filled with published figures,",
        "their sources row by row. Prices and the supply of cells in them are Chinese: put your",
        "own in their place where you know better.",
    ]
    for name in BLANK_TABLES:
        lines += ["", f"## {name}.csv: {_BLANKS[name].hint}", ""]
        lines += ["| column | what it is | values |", "|---|---|---|"]
        lines += [
            f"| `{column.name}` | {column.meaning} | {_values(column)} |"
            for column in _columns(TABLES[name])
        ]
    return "\n".join(lines) + "\n"


def _values(column: Column) -> str:
    words = [str(column.kind)]
    if column.choices:
        words = [" or ".join(f"`{choice}`" for choice in column.choices)]
    if column.unit:
        words.append(column.unit)
    if column.low is not None or column.high is not None:
        low = "" if column.low is None else f"from {column.low:g}"
        high = "" if column.high is None else f"to {column.high:g}"
        words.append(f"{low} {high}".strip())
    if column.kind == "quarter":
        words = ["quarter, e.g. 2027Q1"]
    if column.nullable:
        words.append("*may be empty*")
    elif not column.required:
        words.append("*or no such column*")
    return ", ".join(words)
