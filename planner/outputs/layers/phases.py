"""Stations and cities period by period, and the sites of several futures, as layers with dates."""

from collections.abc import Mapping

import pandas as pd

from planner.outputs.futures import SITES
from planner.outputs.phases import (
    OF_CITIES,
    OF_STATIONS,
    OPENING,
    PHASE,
    changes_of,
    first_days,
    last_days,
)

STATION_PHASES, CITY_PHASES, FUTURE_SITES = "station_phases", "city_phases", "future_sites"
LAYER_TABLES = {STATION_PHASES: OF_STATIONS, CITY_PHASES: OF_CITIES, FUTURE_SITES: SITES}
"""Layers, and the tables of a plan that they are made of and stand for."""

DATED = (STATION_PHASES, CITY_PHASES)
"""Layers whose rows hold from the day ``from_on`` to the day ``to_on``."""

DESCRIPTIONS = {
    STATION_PHASES: "Stations period by period, a row each, from the period's first day to its "
    "last.",
    CITY_PHASES: "Cities period by period, a row each, from the period's first day to its last.",
    FUTURE_SITES: "Sites of the plan, and sites that the best plan of a single future has.",
}


def place_phases(
    tables: Mapping[str, pd.DataFrame],
    stations: pd.DataFrame,
    cities: pd.DataFrame,
    station_types: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Rows of a plan over time and for futures, with places and dates.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        Tables of a run; of those of `LAYER_TABLES` the ones that are there are placed.
    stations : DataFrame
        Columns ``site_id, lon, lat, opening_quarter``.
    cities : DataFrame
        Columns ``city_id, name_en, lon, lat``.
    station_types : DataFrame
        Columns ``station_type_id, bays``.

    Returns
    -------
    dict of layer to DataFrame
        Each with ``lon, lat``.
    """
    found = {}
    if OF_STATIONS in tables:
        found[STATION_PHASES] = _stations(tables, stations, station_types)
    if OF_CITIES in tables:
        rows = tables[OF_CITIES].merge(
            cities[["city_id", "name_en", "lon", "lat"]], on="city_id", how="left"
        )
        rows = _with_days(rows, tables[PHASE])
        head = ["city_id", "name_en", "lon", "lat", "quarter", "from_on", "to_on"]
        found[CITY_PHASES] = rows[[*head, *(name for name in rows if name not in head)]]
    if SITES in tables:
        found[FUTURE_SITES] = tables[SITES].sort_values("site_id", ignore_index=True)
    return found


def _stations(
    tables: Mapping[str, pd.DataFrame], stations: pd.DataFrame, station_types: pd.DataFrame
) -> pd.DataFrame:
    about = stations[["site_id", "lon", "lat", OPENING]]
    rows = tables[OF_STATIONS].merge(about, on="site_id", how="left")
    rows["change"] = changes_of(rows, tables[PHASE])
    bays = station_types.set_index("station_type_id")["bays"]
    rows["bays"] = rows["station_type_id"].map(bays).astype("Int64")
    rows = _with_days(rows, tables[PHASE])
    rows["utilisation_frac"] = rows["peak_swaps_per_hour"] / rows["capacity_swaps_per_hour"]
    return rows[[
        "site_id", "city_id", "lon", "lat", "quarter", "from_on", "to_on", "change",
        "station_type_id", "bays", "swaps_per_day", "peak_swaps_per_hour",
        "capacity_swaps_per_hour", "utilisation_frac",
    ]]  # fmt: skip


def _with_days(rows: pd.DataFrame, phase: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order of the periods, each with the period's first and last day."""
    last = dict(zip(phase["quarter"], phase["last_quarter"], strict=True))
    order = rows["quarter"].map({name: idx for idx, name in enumerate(phase["quarter"])})
    rows = rows.loc[order.sort_values(kind="stable").index].reset_index(drop=True)
    return rows.assign(
        from_on=first_days(rows["quarter"]), to_on=last_days(rows["quarter"].map(last))
    )
