"""Tables of the report, every cell as the text that stands on the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from planner.outputs.chemistries import Chemistries
from planner.outputs.kpi import is_share
from planner.outputs.language import phrase
from planner.outputs.layers.columns import describe_columns
from planner.outputs.markets import application_name, tells_gates
from planner.outputs.report.numbers import MISSING, number
from planner.outputs.report.read import RunFiles

MOST_ROWS = 5_000
"""Longer tables are cut: a page of more rows is slow to open, and the run's files have them all."""

_PRINTED_ROWS = 200
_DECIMALS_BY_ENDING = {
    "trips_per_day": 2, "margin_km": 2, "short_kwh": 1, "_c": 1, "_min": 1, "km": 0,
    "_per_day": 1, "_day": 2, "_hour": 2, "_cny": 0, "_kwh": 0, "gwh": 3, "_s": 1, "_packs": 0,
    "lon": 4, "lat": 4,
}  # fmt: skip
_HOUSEHOLDS = "car_owning_households"
_WHOLE = ("num_", "vehicles", "stock_", _HOUSEHOLDS)  # counted in ones, whatever a model splits

_CITY_COLUMNS = (
    "name_en", "name_zh", "province", "coldest_mean_c", "hottest_mean_c", "winter_design_c",
    "num_stations", "swaps_per_day", "swaps_served_frac", _HOUSEHOLDS, "households_served_frac",
    "vehicles",
)  # fmt: skip
_STATION_COLUMNS = (
    "site_id", "city", "site_status", "station_type_id", "bays", "swaps_per_day",
    "peak_swaps_per_hour", "capacity_swaps_per_hour", "utilisation_frac", "mean_drive_min",
    "num_zones", "lon", "lat",
)  # fmt: skip
_PLACES = ("site_id", "station_id", "corridor_station_id", "city_id")
_WAIT_COLUMNS = ("within_5min_frac", "p95_wait_min", "station_packs", "verdict")
"""Of stations that were simulated, before their places."""
_PACK_COLUMNS = (
    "city", "vehicle_id", "pack_id", "chemistry", "vehicles", "station_packs", "energy_kwh",
    "swaps_per_vehicle_day", "design_swaps_per_vehicle_day", "design_range_km",
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """One table of the page.

    Attributes
    ----------
    key : str
        Anchor within the page.
    title, note : str
        Heading, and what to know about it.
    headings : tuple of (str, str, bool)
        Text of the heading, what it means, and whether the column holds numbers.
    rows : list of list of str
        Cells as shown.
    printed_rows : int
        Rows that go onto paper.
    places : tuple of str
        Per row the id of the station or city that it is about; empty if rows have none.
    """

    key: str
    title: str
    note: str
    headings: tuple[tuple[str, str, bool], ...]
    rows: list[list[str]]
    printed_rows: int = _PRINTED_ROWS
    places: tuple[str, ...] = ()


def city_table(run: RunFiles) -> Table:
    """Cities, those with the most swaps first."""
    columns = [
        *_CITY_COLUMNS,
        *(f"vehicles_{name}" for name in run.chemistry_ids),
        "vehicles_without_pack",
        *(f"design_range_{pack}_km" for pack in run.pack_ids),
    ]
    cities = run.cities.sort_values(["swaps_per_day", "city_id"], ascending=[False, True])
    return build_table(run, "cities", "Cities", cities, "cities", columns)


def station_table(run: RunFiles) -> Table:
    """Stations, the busiest first."""
    stations = _with_city(run, run.stations).sort_values(
        ["swaps_per_day", "site_id"], ascending=[False, True]
    )
    columns = (*_STATION_COLUMNS[:-2], *_WAIT_COLUMNS, *_STATION_COLUMNS[-2:])
    return build_table(run, "stations", "Stations", stations, "stations", columns, printed=40)


def pack_table(run: RunFiles) -> Table:
    """Packs by city and vehicle class, most vehicles first."""
    packs = _with_city(run, run.packs).sort_values(
        ["vehicles", "city_id", "pack_id"], ascending=[False, True, True]
    )
    return build_table(
        run, "packs-table", "Packs by city", packs, "packs", _PACK_COLUMNS, printed=40
    )


def assumption_table(run: RunFiles) -> Table:
    """Every figure that was assumed, with its source; all of it goes onto paper."""
    note = (
        "Marks: MC manufacturer's or operator's claim, M measured, PR peer-reviewed, AN analyst's "
        "estimate, INF inferred, ? weak."
    )
    columns = ("item", "value", "mark", "source")
    return build_table(
        run, "assumptions", "Assumptions and their sources", run.assumptions,
        "assumptions", columns, note=note, printed=MOST_ROWS,
    )  # fmt: skip


def optional_tables(run: RunFiles) -> list[Table]:
    """What supply, certificates and the loop of packs and siting are worth, where a run has it."""
    titles = {
        "supply_value": ("supply-value", "Value of supply"),
        "gate_value": ("gate-value", "Certificates"),
        "coupling": ("coupling", "Rounds"),
    }
    if tells_gates(run.optional):
        del titles["gate_value"]  # it has a section of its own
    return [
        build_table(run, key, title, run.optional[name], name, list(run.optional[name].columns))
        for name, (key, title) in titles.items()
        if name in run.optional and len(run.optional[name])
    ]


def build_table(
    run: RunFiles,
    key: str,
    title: str,
    frame: pd.DataFrame,
    layer: str,
    columns: Sequence[str],
    *,
    note: str = "",
    printed: int = _PRINTED_ROWS,
) -> Table:
    """A frame's columns under the titles that GIS users see; columns it lacks are left out."""
    shown = [column for column in columns if column in frame]
    chemistries = run.chemistries
    shortened = frame.head(MOST_ROWS)
    cells = [_cells(shortened[column], column, chemistries) for column in shown]
    notes = [note] if note else []
    if len(frame) > MOST_ROWS:
        notes.append(f"The first {number(MOST_ROWS)} of {number(len(frame))} rows.")
    return Table(
        key,
        title,
        " ".join(notes),
        tuple(
            (
                heading,
                meaning,
                is_numeric_dtype(frame[column]) and not is_bool_dtype(frame[column]),
            )
            for column, (heading, meaning) in zip(shown, _headings(run, layer, shown), strict=True)
        ),
        [list(row) for row in zip(*cells, strict=True)],
        printed,
        places_of(shortened),
    )


def places_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """Per row the id of what it is about that has a place on the map; empty if nothing has."""
    column = next((name for name in _PLACES if name in frame), None)
    return () if column is None else tuple(frame[column].fillna("").astype(str))


def _with_city(run: RunFiles, frame: pd.DataFrame) -> pd.DataFrame:
    names = run.cities.set_index("city_id")["name_en"]
    return frame.assign(city=frame["city_id"].map(names))


def _headings(run: RunFiles, layer: str, columns: list[str]) -> list[tuple[str, str]]:
    """Texts of headings, in the run's language, and what they mean."""
    known, titled = (
        describe_columns(layer, columns, language) for language in ("en", run.language)
    )
    return [
        (_heading(column, entry.title, shown.title, run), entry.description)
        for column, entry, shown in zip(columns, known, titled, strict=True)
    ]


def _heading(column: str, title: str, shown: str, run: RunFiles) -> str:
    if column == "city":
        return phrase("City", run.language)
    if title.startswith("Vehicles with ") and column.startswith("vehicles_"):
        nickname = run.chemistries.nickname(column.removeprefix("vehicles_"))
        return phrase(f"Vehicles with {nickname}", run.language)
    if not title:
        return column.removesuffix("_frac").replace("_", " ") + " [%]" * column.endswith("_frac")
    return shown.replace("[0-1]", "[%]")


def _cells(column: "pd.Series[Any]", name: str, chemistries: Chemistries) -> list[str]:
    if is_bool_dtype(column):
        return ["yes" if value else "no" for value in column]
    if not is_numeric_dtype(column):
        shown = column.map(chemistries.nickname) if name == "chemistry" else column
        if name in ("application", "made_for"):
            shown = column.map(application_name, na_action="ignore")
        return [MISSING if pd.isna(value) or value == "" else str(value) for value in shown]
    decimals = _decimals(column, name)
    scale = 100 if is_share(name) else 1
    return [number(scale * value, decimals) for value in column.astype(float).tolist()]


def _decimals(column: "pd.Series[Any]", name: str) -> int:
    if name.startswith(_WHOLE) or not (column.dropna() % 1 != 0).any():
        return 1 if is_share(name) else 0
    if is_share(name):
        return 1
    return next(
        (
            decimals
            for ending, decimals in _DECIMALS_BY_ENDING.items()
            if name.endswith(ending)
        ),
        2,
    )  # fmt: skip
