"""Trips between cities: what can be refuelled, which legs are tight, which trips break where."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from planner.outputs.report.cards import Card
from planner.outputs.report.charts.corridors import season_totals, trips_refuelled
from planner.outputs.report.charts.drawing import Chart
from planner.outputs.report.numbers import large, number, percent
from planner.outputs.report.read import RunFiles
from planner.outputs.report.tables import Table, build_table

_MOST_ROWS = 10
_STATION_COLUMNS = (
    "corridor_station_id", "near_city_id", "site_status", "station_type_id",
    "winter_swaps_per_day", "summer_swaps_per_day", "winter_trips_per_day",
    "summer_trips_per_day", "holiday_swaps_per_hour", "capacity_per_hour", "capex_cny", "lon",
    "lat",
)  # fmt: skip
_LEG_COLUMNS = (
    "from_stop", "to_stop", "margin_km", "km", "temperature_c", "pack_id", "trips_per_day",
)  # fmt: skip
_BREAK_COLUMNS = (
    "from_city_id", "to_city_id", "trips_per_day", "km", "pack_id", "chemistry", "breaks_from",
    "breaks_to", "leg_km", "short_kwh", "temperature_c", "why",
)  # fmt: skip
_CITY_COLUMNS = ("name_en", "why")


@dataclass(frozen=True)
class TripSection:
    """What the page tells of trips between cities.

    Attributes
    ----------
    finding : str
        Shares refuelled, and by how many stations.
    chart : Chart
        Shares by season and chemistry.
    tables : tuple of Table
        Tightest legs, busiest unserved trips, cities without a road; those with rows.
    notes : tuple of str
        What has no rows.
    """

    finding: str
    chart: Chart
    tables: tuple[Table, ...]
    notes: tuple[str, ...]


def describe_trips(run: RunFiles) -> TripSection:
    """The section of a run that planned corridors."""
    found = (
        (_tightest_legs(run), "No trip between cities is refuelled in winter."),
        (_busiest_unserved(run), "No trip between cities breaks in winter."),
        (_unconnected(run), "Every city is connected by road."),
    )
    return TripSection(
        _finding(run),
        trips_refuelled(run),
        tuple(table for table, _ in found if table.rows),
        tuple(note for table, note in found if not table.rows),
    )


def corridor_station_table(run: RunFiles) -> Table:
    """Corridor stations, the busiest in winter first."""
    stations = _named(run.optional["corridor_stations"], _city_names(run), "near_city_id")
    return build_table(
        run,
        "corridor-stations", "Corridor stations", stations, "corridor_stations",
        _STATION_COLUMNS, printed=40,
    )  # fmt: skip


def trip_cards(run: RunFiles) -> list[Card]:
    """Figures of trips between cities."""
    stations = run.optional["corridor_stations"]
    seasons = season_totals(run)
    return [
        Card(
            "Trips refuelled in winter", percent(seasons["winter"]["refuelled_frac"]), "",
            f"{percent(seasons['summer']['refuelled_frac'])} in summer",
        ),
        Card(
            "Corridor stations", number(len(stations)), "",
            f"{large(stations['capex_cny'].sum())} CNY, without packs",
        ),
    ]  # fmt: skip


def corridor_limits() -> list[str]:
    """What the figures of trips between cities do not say."""
    return [
        "Trips between cities are round trips at constant mean speed; mountains, wind, snow and "
        "queues at stations are not modelled. How many there are comes from the instance's flows "
        "or from a gravity model that no traffic count has calibrated. Roads and legs are drawn "
        "straight; their lengths are those by road.",
    ]


def _finding(run: RunFiles) -> str:
    seasons = season_totals(run)
    winter, summer = seasons["winter"], seasons["summer"]
    count = len(run.optional["corridor_stations"])
    if not winter["trips_per_day"]:
        return "There are no trips between cities."
    return (
        f"With {number(count)} corridor {'station' if count == 1 else 'stations'}, "
        f"{percent(winter['refuelled_frac'])} of the {number(winter['trips_per_day'])} trips a "
        "day between cities can be driven there and back in winter, and "
        f"{percent(summer['refuelled_frac'])} in summer."
    )


def _tightest_legs(run: RunFiles) -> Table:
    legs = run.optional["corridor_legs"]
    winter = legs[legs["season"] == "winter"].sort_values("margin_km", kind="stable")
    return build_table(
        run,
        "tight-legs", "Tightest legs in winter",
        _named(winter.head(_MOST_ROWS), _place_names(run), "from_stop", "to_stop"),
        "corridor_legs", _LEG_COLUMNS,
        note=f"Of {number(len(winter))} ways from swap to swap, by vehicle and pack: those that "
        "leave least at the design temperature, the drivers' reserve not counted.",
    )  # fmt: skip


def _busiest_unserved(run: RunFiles) -> Table:
    unserved = run.optional["corridor_unserved"]
    winter = unserved[unserved["season"] == "winter"].sort_values(
        "trips_per_day", ascending=False, kind="stable"
    )
    return build_table(
        run,
        "unserved-trips", "Busiest trips that winter breaks",
        _named(winter.head(_MOST_ROWS), _place_names(run), "from_city_id", "to_city_id",
               "breaks_from", "breaks_to"),
        "corridor_unserved", _BREAK_COLUMNS,
        note=f"Of {number(len(winter))}, by pair of cities, vehicle and pack, with the leg that is "
        "too long and what the pack lacks on it.",
    )  # fmt: skip


def _unconnected(run: RunFiles) -> Table:
    return build_table(
        run,
        "unconnected", "Cities that no road connects", run.optional["corridor_unconnected"],
        "corridor_unconnected", _CITY_COLUMNS,
    )  # fmt: skip


def _named(frame: pd.DataFrame, names: Mapping[str, str], *columns: str) -> pd.DataFrame:
    return frame.assign(
        **{column: [names.get(label, label) for label in frame[column]] for column in columns}
    )


def _city_names(run: RunFiles) -> dict[str, str]:
    return dict(zip(run.cities["city_id"], run.cities["name_en"], strict=True))


def _place_names(run: RunFiles) -> dict[str, str]:
    """Names of cities and corridor stations, where vehicles swap."""
    cities, stations = _city_names(run), run.optional["corridor_stations"]
    near = stations["near_city_id"].map(cities)
    return cities | {
        station: f"{station} near {city}"
        for station, city in zip(stations["corridor_station_id"], near, strict=True)
    }
