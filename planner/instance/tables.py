"""The tables of an instance: one declarative specification, read by validation and docs.

Every column states its type, unit, bounds and meaning once. `docs/instance-format.md` is
printed from here (``python -m planner.instance.tables``), so text and check cannot drift.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

SEGMENTS = ("private", "taxi", "ride_hailing")
"""Vehicle segments; a city's fleet stands in the column ``vehicles_<segment>``."""

CHEMISTRIES = ("sodium_ion", "lfp", "nmc")
QUARTER_PATTERN = r"20\d\dQ[1-4]"


class Kind(StrEnum):
    """Type of a column's values."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "true/false"
    QUARTER = "quarter"


@dataclass(frozen=True)
class Column:
    """One column: what it means and what values it may hold."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    required: bool = True
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its columns, its key, and the columns that point into other tables."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    references: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    optional: bool = False

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)


def _text(name: str, meaning: str, *, required: bool = True, nullable: bool = False,
          choices: tuple[str, ...] = ()) -> Column:  # fmt: skip
    return Column(name, Kind.TEXT, meaning, required=required, nullable=nullable, choices=choices)


def _number(name: str, meaning: str, unit: str = "", low: float | None = None,
            high: float | None = None, *, required: bool = True,
            nullable: bool = False) -> Column:  # fmt: skip
    return Column(name, Kind.NUMBER, meaning, unit, low, high, required=required, nullable=nullable)


def _integer(name: str, meaning: str, low: float | None = None, high: float | None = None,
             *, required: bool = True) -> Column:  # fmt: skip
    return Column(name, Kind.INTEGER, meaning, "", low, high, required=required)


_LON = _number("lon", "longitude", "degrees", -180, 180)
_LAT = _number("lat", "latitude", "degrees", -90, 90)
_SOURCE = _text("source", "where the row's figures come from")

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            Table(
                "cities",
                "city",
                (
                    _text("city_id", "stable id, for China the GB/T 2260 adcode"),
                    _text("name_en", "name in Latin letters"),
                    _text("name_zh", "name in Chinese", required=False, nullable=True),
                    _text("province", "province or other first-level division"),
                    _text("market", "market whose certification gates apply, e.g. CN"),
                    _LON,
                    _LAT,
                    _number("population", "residents", "persons", 0, 1e9, required=False),
                    _number("winter_design_c", "99 % of the year's hours are warmer", "C", -60, 40),
                    _text("winter_design_source", "source of winter_design_c"),
                    *(
                        _number(
                            f"vehicles_{segment}",
                            f"{segment.replace('_', '-')} swap vehicles in the planning quarter",
                            "vehicles",
                            0,
                            1e8,
                        )
                        for segment in SEGMENTS
                    ),
                ),
                ("city_id",),
            ),
            Table(
                "zones",
                "demand zone",
                (
                    _text("zone_id", "H3 index (then lon and lat may be left out) or own id"),
                    _text("city_id", "city whose vehicles live here"),
                    _text("county_id", "county or district", required=False, nullable=True),
                    _number(
                        "lon",
                        "longitude of the zone's centre",
                        "degrees",
                        -180,
                        180,
                        required=False,
                    ),  # fmt: skip
                    _number(
                        "lat", "latitude of the zone's centre", "degrees", -90, 90, required=False
                    ),  # fmt: skip
                    _number(
                        "car_owning_households",
                        "weight that spreads the city's vehicles over its zones",
                        "households",
                        0,
                        1e8,
                    ),
                ),
                ("zone_id",),
                MappingProxyType({"city_id": ("cities", "city_id")}),
            ),
            Table(
                "sites",
                "candidate site",
                (
                    _text("site_id", "stable id"),
                    _text("city_id", "city that the site belongs to"),
                    _LON,
                    _LAT,
                    _text("kind", "what stands there, e.g. road_node, fuel_station"),
                    _text(
                        "status",
                        "existing and committed sites are open in every plan, forbidden in none",
                        choices=("candidate", "existing", "committed", "forbidden"),
                    ),
                    _integer("max_bays", "largest station that fits", 1, 1000, required=False),
                    _number("grid_kw", "grid connection available", "kW", 0, 1e6, required=False),
                    _number(
                        "site_cost_cny",
                        "cost of the plot beyond the station's capex",
                        "CNY",
                        0,
                        1e10,
                        required=False,
                    ),  # fmt: skip
                ),
                ("site_id",),
                MappingProxyType({"city_id": ("cities", "city_id")}),
            ),
            Table(
                "road_nodes",
                "road junction",
                (_integer("node_id", "stable id", 0), _LON, _LAT),
                ("node_id",),
            ),
            Table(
                "roads",
                "road edge, passable both ways",
                (
                    _integer("from_node", "road_nodes.node_id", 0),
                    _integer("to_node", "road_nodes.node_id", 0),
                    _number("length_km", "length along the road", "km", 0, 2000),
                    _number("speed_kmh", "travel speed planned with", "km/h", 1, 200),
                ),
                ("from_node", "to_node"),
                MappingProxyType(
                    {
                        "from_node": ("road_nodes", "node_id"),
                        "to_node": ("road_nodes", "node_id"),
                    }
                ),
            ),
            Table(
                "climate",
                "city and month",
                (
                    _text("city_id", "city"),
                    _integer("month", "1 = January", 1, 12),
                    _number("mean_c", "monthly mean of the air temperature", "C", -60, 50),
                    _SOURCE,
                ),
                ("city_id", "month"),
                MappingProxyType({"city_id": ("cities", "city_id")}),
            ),
            Table(
                "vehicles",
                "vehicle class",
                (
                    _text("vehicle_id", "stable id"),
                    _text("segment", "fleet segment", choices=SEGMENTS),
                    _number("segment_frac", "share of the segment's vehicles", "", 0, 1),
                    _text("envelope", "pack envelope that the vehicle takes, e.g. #25"),
                    _text("default_pack_id", "pack that demand is computed with before assignment"),
                    _number(
                        "consumption_kwh_per_km",
                        "consumption at 20 C without cabin heat",
                        "kWh/km",
                        0.01,
                        2,
                    ),  # fmt: skip
                    _number("drag_frac", "share of that consumption that is air drag", "", 0, 1),
                    _number("speed_kmh", "mean speed while driving", "km/h", 1, 150),
                    _number("km_per_day", "distance per vehicle and day", "km", 0, 1500),
                    _number("swap_energy_frac", "share of the energy taken by swapping", "", 0, 1),
                    _number(
                        "soak_frac", "0 = pack stays station-warm, 1 = pack at ambient", "", 0, 1
                    ),  # fmt: skip
                    _number("cabin_loss_kw_per_k", "heat the cabin loses per kelvin", "kW/K", 0, 1),
                    _text("heating", "how the cabin is heated", choices=("resistive", "heat_pump")),
                    _number("auxiliary_kw", "lights, electronics, pumps", "kW", 0, 10),
                    _SOURCE,
                ),
                ("vehicle_id",),
                MappingProxyType({"default_pack_id": ("packs", "pack_id")}),
            ),
            Table(
                "packs",
                "pack type",
                (
                    _text("pack_id", "stable id"),
                    _text("chemistry", "cell chemistry", choices=CHEMISTRIES),
                    _text("envelope", "envelope that it fits, e.g. #25"),
                    _number("nominal_kwh", "energy at 25 C, full window", "kWh", 1, 1000),
                    _number("soc_window_frac", "share of the pack used between swaps", "", 0.1, 1),
                    _number("cost_cny_per_kwh", "price of the pack", "CNY/kWh", 0, 1e5),
                    _number("cycle_life", "full cycles until retirement", "cycles", 1, 1e6),
                    Column("available_from", Kind.QUARTER, "first quarter of delivery"),
                    _SOURCE,
                ),
                ("pack_id",),
            ),
            Table(
                "curves",
                "point of a chemistry's temperature curve",
                (
                    _text("chemistry", "cell chemistry", choices=CHEMISTRIES),
                    _text(
                        "quantity",
                        "usable_energy: fraction of the energy at 25 C; charge_power: "
                        "fraction of the charger's power the pack accepts",
                        choices=("usable_energy", "charge_power"),
                    ),  # fmt: skip
                    _number("temperature_c", "pack temperature, not ambient", "C", -60, 80),
                    _number("value_frac", "value of the curve", "", 0, 1),
                    _SOURCE,
                ),
                ("chemistry", "quantity", "temperature_c"),
            ),
            Table(
                "stations",
                "station type",
                (
                    _text("station_type_id", "stable id"),
                    _integer("bays", "packs the station holds and charges", 1, 1000),
                    _number("seconds_per_swap", "mechanical time per vehicle", "s", 1, 3600),
                    _number("handling_s", "time a bay is idle between two charges", "s", 0, 3600),
                    _number("charger_kw_per_bay", "charger power per bay", "kW", 1, 1000),
                    _number("grid_kw", "grid connection", "kW", 1, 1e5),
                    _number("capex_cny", "investment, packs not included", "CNY", 0, 1e10),
                    _number(
                        "opex_cny_per_year", "running cost without energy", "CNY/year", 0, 1e10
                    ),
                    _SOURCE,
                ),
                ("station_type_id",),
            ),
            Table(
                "supply",
                "chemistry and quarter; a chemistry without rows is not limited",
                (
                    _text("chemistry", "cell chemistry", choices=CHEMISTRIES),
                    Column("quarter", Kind.QUARTER, "quarter of delivery"),
                    _number("gwh", "production in the quarter", "GWh", 0, 1e5),
                    _SOURCE,
                ),
                ("chemistry", "quarter"),
            ),
            Table(
                "gates",
                "certificate that a chemistry needs in a market",
                (
                    _text("market", "market, as in cities"),
                    _text("chemistry", "cell chemistry", choices=CHEMISTRIES),
                    _text("certificate", "name of the rule"),
                    Column(
                        "opens",
                        Kind.QUARTER,
                        "quarter from which it is held; empty = closed until set",
                        nullable=True,
                    ),  # fmt: skip
                    Column("binding", Kind.FLAG, "false: recommended only, not enforced"),
                    _SOURCE,
                ),
                ("market", "chemistry", "certificate"),
            ),
            Table(
                "assumptions",
                "figure that was assumed or filled in while the instance was made",
                (
                    _text("item", "what the figure concerns"),
                    _text("value", "the figure with its unit"),
                    _text(
                        "mark",
                        "MC claim, M measured, PR peer-reviewed, AN estimate, INF inferred, ? weak",
                    ),  # fmt: skip
                    _text("source", "where it comes from, or how it was inferred"),
                ),
                ("item",),
                optional=True,
            ),
        )
    }
)


def format_reference() -> str:
    """Markdown text that describes every table and column."""
    lines = [
        "# Instance format",
        "",
        "Printed by `python -m planner.instance.tables`; do not edit by hand.",
        "",
        "An instance is a folder with `scenario.toml` and the tables below, each as `NAME.csv`",
        "or `NAME.parquet`. CSV is UTF-8 with a header line.",
    ]
    for table in TABLES.values():
        optional = " (the table may be left out)" if table.optional else ""
        lines += [
            "",
            f"## {table.name}",
            "",
            f"One row per {table.row}{optional}. Key: {', '.join(table.key)}.",
            "",
            "| column | type | unit | allowed | meaning |",
            "|---|---|---|---|---|",
        ]
        lines += [_format_column(column) for column in table.columns]
    return "\n".join(lines) + "\n"


def _format_column(column: Column) -> str:
    if column.choices:
        allowed = ", ".join(column.choices)
    elif column.low is not None or column.high is not None:
        low = "" if column.low is None else f"{column.low:g} <= "
        high = "" if column.high is None else f" <= {column.high:g}"
        allowed = f"{low}value{high}"
    else:
        allowed = "20YYQ1 to 20YYQ4" if column.kind is Kind.QUARTER else ""
    notes = [
        note
        for note, holds in (
            ("column may be left out", not column.required),
            ("may be empty", column.nullable),
        )
        if holds
    ]
    meaning = column.meaning + (f" ({'; '.join(notes)})" if notes else "")
    return f"| {column.name} | {column.kind} | {column.unit} | {allowed} | {meaning} |"


if __name__ == "__main__":
    print(format_reference(), end="")
