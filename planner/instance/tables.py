"""The tables of an instance, specified once in `schema.csv` for validation and for docs.

`docs/instance-format.md` is printed from here (``planner schema tables``), so text and check
cannot drift apart.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType

SWAP_CAR, FIXED_CAR, ESS, OFF_ROAD = "swap_car", "fixed_car", "ess", "off_road"
APPLICATIONS = (SWAP_CAR, FIXED_CAR, ESS, OFF_ROAD)
"""Uses of cells: cars that swap packs, cars with fixed packs, stationary storage, off-road."""

SEGMENTS = ("private", "taxi", "ride_hailing")
"""Vehicle segments; a city's fleet stands in the columns ``vehicles_<segment>``."""

WORKDAY, HOLIDAY = "workday", "holiday"
"""Kinds of day with hours of their own: mean and design days are workdays, the busiest day is a
holiday."""

QUARTER_PATTERN = r"20\d\dQ[1-4]"
COLOUR_PATTERN = r"#[0-9a-fA-F]{6}"


def quarters_between(first: str, last: str) -> tuple[str, ...]:
    """All quarters from one to another; none if the last is before the first.

    >>> quarters_between("2026Q3", "2027Q1")
    ('2026Q3', '2026Q4', '2027Q1')
    """
    low, high = (_quarter_index(name) for name in (first, last))
    return tuple(_quarter_name(index) for index in range(low, high + 1))


def quarters_later(quarter: str, number: int) -> str:
    """The quarter so many later, or earlier.

    >>> quarters_later("2027Q3", 2), quarters_later("2027Q1", -1)
    ('2028Q1', '2026Q4')
    """
    return _quarter_name(_quarter_index(quarter) + number)


def _quarter_index(name: str) -> int:
    return int(name[:4]) * 4 + int(name[5]) - 1


def _quarter_name(index: int) -> str:
    return f"{index // 4}Q{index % 4 + 1}"


PARAMETER_SETS = ("low", "mid", "high")
"""Sets of contested figures, from the least to the most favourable to sodium-ion. A column that
has one may have companions ``NAME_low`` and ``NAME_high``; ``NAME`` itself is the middle set."""


class Kind(StrEnum):
    """Type of a column's values."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "true/false"
    QUARTER = "quarter"
    COLOUR = "colour"


@dataclass(frozen=True)
class Column:
    """One column: what it means and what values it may hold."""

    name: str
    kind: Kind
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    required: bool
    nullable: bool
    meaning: str
    by_set: bool = False
    """Whether companions for the low and the high parameter set may stand beside it."""


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its key, and the columns that point into other tables.

    A column of the key that may be left out, or empty, tells rows apart where it is given.
    """

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    references: Mapping[str, tuple[str, str]]
    optional: bool

    @property
    def least_key(self) -> tuple[str, ...]:
        """The columns of the key that neither are left out nor have empty cells."""
        needed = {each.name for each in self.columns if each.required and not each.nullable}
        return tuple(name for name in self.key if name in needed)

    def key_in(self, columns: Iterable[object]) -> list[str]:
        """The key's columns that are among some: one that may be left out may be missing."""
        present = set(columns)
        return [name for name in self.key if name in present]

    @property
    def accepted(self) -> tuple[Column, ...]:
        """The columns, and after each that has them its companions by parameter set."""
        return tuple(
            column
            for named in self.columns
            for column in (
                named,
                *(
                    replace(named, name=f"{named.name}_{which}", required=False, nullable=True,
                            meaning=f"{named.name} in the {which} set; empty = as {named.name}")
                    for which in PARAMETER_SETS
                    if named.by_set and which != "mid"
                ),
            )
        )  # fmt: skip


@dataclass(frozen=True)
class _Frame:
    row: str
    key: tuple[str, ...]
    references: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    optional: bool = False


SHUT = ("forbidden", "closing")
"""Statuses of sites that no plan opens."""

_IN_CITY = {"city_id": ("cities", "city_id")}
_OF_CHEMISTRY = {"chemistry": ("chemistries", "chemistry")}
_FRAMES = {
    "cities": _Frame("city", ("city_id",)),
    "zones": _Frame("demand zone", ("zone_id",), _IN_CITY),
    "sites": _Frame("candidate site", ("site_id",), _IN_CITY),
    "road_nodes": _Frame(
        "road junction (the table may be left out where `travel_times` is given)", ("node_id",)
    ),
    "roads": _Frame(
        "road edge, passable both ways unless `oneway` (the table may be left out as `road_nodes`)",
        ("from_node", "to_node"),
        {"from_node": ("road_nodes", "node_id"), "to_node": ("road_nodes", "node_id")},
    ),
    "travel_times": _Frame(
        "zone and site with a stated drive time, in place of a search on roads (a pair without a "
        "row is not reached)",
        ("zone_id", "site_id"),
        {"zone_id": ("zones", "zone_id"), "site_id": ("sites", "site_id")},
        optional=True,
    ),
    "climate": _Frame("city and month", ("city_id", "month"), _IN_CITY),
    "vehicles": _Frame("vehicle class", ("vehicle_id",), {"default_pack_id": ("packs", "pack_id")}),
    "chemistries": _Frame(
        "cell chemistry (without the table: sodium_ion, lfp and nmc, named and coloured as usual)",
        ("chemistry",),
        optional=True,
    ),
    "packs": _Frame("pack type", ("pack_id",), _OF_CHEMISTRY),
    "curves": _Frame(
        "point of a chemistry's temperature curve, or of one of its sets",
        ("chemistry", "quantity", "curve_set", "temperature_c"),
        _OF_CHEMISTRY,
    ),
    "stations": _Frame("station type", ("station_type_id",)),
    "supply": _Frame(
        "chemistry, quarter and, where told apart, factory, use and kind (a chemistry without rows "
        "is not limited)",
        ("chemistry", "quarter", "supplier", "plant", "application", "kind"),
        _OF_CHEMISTRY,
    ),
    "gates": _Frame(
        "certificate that a chemistry needs in a market and a use",
        ("market", "application", "chemistry", "certificate"),
        _OF_CHEMISTRY,
    ),
    "adoption": _Frame(
        "city, segment and quarter (without the table every vehicle of `cities` can swap)",
        ("city_id", "segment", "quarter"),
        _IN_CITY,
        optional=True,
    ),
    "hour_profile": _Frame(
        "segment, hour of the day and kind of day (without the table: demand.peak_hour_frac)",
        ("segment", "hour", "day_kind"),
        optional=True,
    ),
    "pack_stock": _Frame(
        "city and pack type that are there before the first quarter",
        ("city_id", "pack_id"),
        _IN_CITY | {"pack_id": ("packs", "pack_id")},
        optional=True,
    ),
    "build_rates": _Frame(
        "quarter, and city or the nation, with a rate of its own at which stations are built",
        ("quarter", "city_id"),
        _IN_CITY,
        optional=True,
    ),
    "winters": _Frame(
        "winter that has been, and city that it differed in from the climate table (one without a "
        "row had its usual winter)",
        ("winter", "city_id"),
        _IN_CITY,
        optional=True,
    ),
    "flows": _Frame(
        "trip between two cities and season (without the table: the gravity model of corridors)",
        ("from_city_id", "to_city_id", "season"),
        {"from_city_id": ("cities", "city_id"), "to_city_id": ("cities", "city_id")},
        optional=True,
    ),
    "corridor_sites": _Frame(
        "stated site beside a road between cities, e.g. a service area (others are found)",
        ("corridor_site_id",),
        optional=True,
    ),
    "materials": _Frame(
        "material that a chemistry's cells are made of",
        ("material", "chemistry"),
        _OF_CHEMISTRY,
        optional=True,
    ),
    "material_supply": _Frame(
        "material, supplier and quarter (a material without rows is not limited)",
        ("material", "supplier", "quarter"),
        {"material": ("materials", "material")},
        optional=True,
    ),
    "other_buyers": _Frame(
        "buyer of cells beside the instance's swap cars, market, chemistry and quarter",
        ("buyer", "market", "chemistry", "quarter"),
        _OF_CHEMISTRY,
        optional=True,
    ),
    "offers": _Frame(
        "pack type, market and supplier with terms of its own (without a row: "
        "packs.available_from)",
        ("pack_id", "market", "supplier"),
        {"pack_id": ("packs", "pack_id")},
        optional=True,
    ),
    "declarations": _Frame(
        "declaration that a pack type needs, in one market or all",
        ("pack_id", "market", "item"),
        {"pack_id": ("packs", "pack_id")},
        optional=True,
    ),
    "envelopes": _Frame("pack envelope with limits", ("envelope",), optional=True),
    "brands": _Frame("brand of cars", ("brand",), optional=True),
    "brand_suppliers": _Frame(
        "brand, chemistry and supplier",
        ("brand", "chemistry", "supplier"),
        {"brand": ("brands", "brand")} | _OF_CHEMISTRY,
        optional=True,
    ),
    "car_models": _Frame(
        "model of a car (without the table every vehicle takes every pack of its envelope)",
        ("model", "market"),
        {"brand": ("brands", "brand")},
        optional=True,
    ),
    "model_chemistries": _Frame(
        "model and chemistry that it takes from a quarter on, or never",
        ("model", "chemistry"),
        {"model": ("car_models", "model")} | _OF_CHEMISTRY,
        optional=True,
    ),
    "launches": _Frame(
        "announced launch of a model with a pack type in a market",
        ("model", "market", "pack_id", "quarter"),
        {"model": ("car_models", "model"), "pack_id": ("packs", "pack_id")},
        optional=True,
    ),
    "assumptions": _Frame(
        "figure that was assumed or filled in while the instance was made",
        ("item",),
        optional=True,
    ),
}


def _read_schema() -> Mapping[str, Table]:
    columns: dict[str, list[Column]] = {name: [] for name in _FRAMES}
    text = (files("planner.instance") / "schema.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        columns[row["table"]].append(
            Column(
                row["column"],
                Kind(row["kind"]),
                row["unit"],
                float(row["low"]) if row["low"] else None,
                float(row["high"]) if row["high"] else None,
                tuple(row["choices"].split("|")) if row["choices"] else (),
                row["required"] == "yes",
                row["nullable"] == "yes",
                row["meaning"],
                row["by_set"] == "yes",
            )
        )
    return MappingProxyType(
        {
            name: Table(
                name, frame.row, frame.key, tuple(columns[name]), frame.references, frame.optional
            )
            for name, frame in _FRAMES.items()
        }
    )


TABLES = _read_schema()


def format_reference() -> str:
    """Markdown text that describes every table and column."""
    lines = [
        "# Instance format",
        "",
        "Printed by `planner schema tables`; do not edit by hand.",
        "",
        "An instance is a folder with `scenario.toml` and the tables below, each in one file:",
        "`NAME.csv`, `NAME.xlsx`, `NAME.parquet` (plain or GeoParquet), `NAME.gpkg`, `NAME.gdb`,",
        "`NAME.geojson`, `NAME.fgb`, `NAME.shp`, `NAME.kml`, or one of these in `NAME.zip`.",
        "Instead of `road_nodes` and `roads` there may be `roads.osm.pbf` or `roads.graphml`. A",
        "table may stand in PostGIS instead: `url`, `table`, `where` in `[tables.NAME]`. A column",
        "that is not listed is an error.",
        "",
        "Where a table has `lon` and `lat`, a geometry may stand for them. `[tables.NAME]` in",
        "`scenario.toml` tells of other file, layer and column names, dialects and units, and of",
        "coordinates in GCJ-02 or BD-09; see [Bring your own data](bring-your-own-data.md).",
    ]
    for table in TABLES.values():
        optional = " The table may be left out." if table.optional else ""
        lines += [
            "",
            f"## {table.name}",
            "",
            f"One row per {table.row}. Key: {', '.join(table.key)}.{optional}",
            "",
            "| column | type | unit | allowed | meaning |",
            "|---|---|---|---|---|",
        ]
        lines += [_format_column(column) for column in table.columns]
    return "\n".join(lines) + "\n"


def _format_column(column: Column) -> str:
    allowed = ""
    if column.choices:
        allowed = ", ".join(column.choices)
    elif column.kind is Kind.QUARTER:
        allowed = "20YYQ1 to 20YYQ4"
    elif column.kind is Kind.COLOUR:
        allowed = "#rrggbb"
    elif column.low is not None and column.high is not None:
        allowed = f"{column.low:g} to {column.high:g}"
    notes = []
    if not column.required:
        notes.append("column may be left out")
    if column.nullable:
        notes.append("may be empty")
    if column.by_set:
        notes.append(f"also {column.name}_low and {column.name}_high, by parameter set")
    meaning = column.meaning + (f" ({'; '.join(notes)})" if notes else "")
    return f"| {column.name} | {column.kind} | {column.unit} | {allowed} | {meaning} |"
