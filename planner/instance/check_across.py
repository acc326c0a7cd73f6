"""Check what no single table can show: references, completeness, places."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.geodesy import great_circle_km
from planner.instance.check_roads import check_road_ends, check_road_lengths, check_road_places
from planner.instance.check_table import limited_faults
from planner.instance.read_scenario import suggest
from planner.instance.tables import SEGMENTS, TABLES

FAR_FROM_CITY_KM = 400.0
"""A zone or site farther from its city's point than this is taken for a mistake: the largest
prefecture-level city, Hulunbuir, is some 700 km across."""


def check_across_tables(
    frames: Mapping[str, pd.DataFrame], files: Mapping[str, str]
) -> list[Fault]:
    """Check what no single table can show: references, completeness, places.

    Parameters
    ----------
    frames : mapping of table name to DataFrame
        Tables that passed `check_table` well enough to be looked at; others are absent.
    files : mapping of table name to file name
        For the faults; a name that ends in ``.csv`` has its header on line 1.

    Returns
    -------
    list of Fault
        In table order.
    """
    faults: list[Fault] = []
    for name, frame in frames.items():
        if name not in files:
            continue  # an optional table that was left out
        may_be_empty = TABLES[name].optional and name != "travel_times"
        if not len(frame) and not may_be_empty and name not in ("supply", "gates"):
            faults.append(Fault(files[name], None, "", "", "table has no rows"))
        for column, (target, target_column) in TABLES[name].references.items():
            if target in frames:
                known = frames[target][target_column]
                is_unknown = frame[column].notna() & ~frame[column].isin(known)
                if target == "chemistries":
                    faults += _unknown_chemistries(frame, is_unknown, known, name, files)
                    continue
                table = files.get(target, f"{target}.csv")
                remedy = f"not in {table}; add it there or correct it here"
                rows = np.flatnonzero(is_unknown)
                found = _at(files, name, column, frame[column], rows, remedy)
                faults += [_with_nearest(fault, known, table) for fault in found]
    for names, check in _CHECKS:
        if set(names) <= set(frames):
            faults += check(*(frames[name] for name in names), files)
    return faults


def _with_nearest(fault: Fault, known: "pd.Series[Any]", table: str) -> Fault:
    """A fault about a name that a table lacks, with the one that may be meant."""
    close = get_close_matches(fault.value, known[known.notna()].astype("str").unique(), n=1)
    if fault.row is None or fault.value.isdigit() or not close:
        return fault
    return replace(fault, remedy=f"not in {table}; did you mean {close[0]}? Or add it there")


def check_corridor_type(stations: pd.DataFrame, station_type: str | None) -> list[Fault]:
    """Check that the type stated for corridor stations is in the table.

    Parameters
    ----------
    stations : DataFrame
        Column ``station_type_id``.
    station_type : str or None
        The setting ``corridors.station_type``.

    Returns
    -------
    list of Fault
        None or one, with the nearest name.
    """
    known = stations["station_type_id"].tolist()
    if station_type is None or station_type in known:
        return []
    remedy = f"is not in the table stations; {suggest(station_type, known)}"
    return [Fault("scenario.toml", None, "corridors.station_type", station_type, remedy)]


def check_chemistries(
    frames: Mapping[str, pd.DataFrame],
    files: Mapping[str, str],
    sold_elsewhere_frac: Mapping[str, float],
    scenario_file: str,
) -> list[Fault]:
    """Check that the chemistries which settings name stand in the table ``chemistries``.

    Parameters
    ----------
    frames, files : mapping
        As of `check_across_tables`.
    sold_elsewhere_frac : mapping of chemistry to share
        The setting of that name.
    scenario_file : str
        Name that faults carry.
    """
    if "chemistries" not in frames:
        return []
    known = frames["chemistries"]["chemistry"]
    return [
        Fault(
            scenario_file, None, f"packs.sold_elsewhere_frac.{chemistry}", chemistry,
            _chemistry_remedy(chemistry, known, files),
        )
        for chemistry in sold_elsewhere_frac
        if chemistry not in set(known)
    ]  # fmt: skip


def _unknown_chemistries(
    frame: pd.DataFrame,
    is_unknown: "pd.Series[bool]",
    known: "pd.Series[str]",
    name: str,
    files: Mapping[str, str],
) -> list[Fault]:
    column = frame["chemistry"]
    return [
        fault
        for chemistry in column[is_unknown].unique()
        for fault in _at(
            files, name, "chemistry", column, np.flatnonzero(column == chemistry),
            _chemistry_remedy(chemistry, known, files),
        )
    ]  # fmt: skip


def _chemistry_remedy(chemistry: str, known: "pd.Series[str]", files: Mapping[str, str]) -> str:
    close = get_close_matches(chemistry, known, n=1)
    table = files.get("chemistries", "chemistries.csv")
    if close:
        return f"no such chemistry; did you mean {close[0]}? Or add it to {table}"
    return f"no such chemistry; use one of: {', '.join(known)}, or add it to {table}"


def check_horizon(
    frames: Mapping[str, pd.DataFrame], files: Mapping[str, str], quarters: Sequence[str]
) -> list[Fault]:
    """Check the tables by quarter against the scenario's horizon.

    Parameters
    ----------
    frames, files : mapping
        As of `check_across_tables`.
    quarters : sequence of str
        The horizon's.

    Returns
    -------
    list of Fault
        Cities without adoption in some quarter; packs that retired before the first.
    """
    faults: list[Fault] = []
    if "adoption" in files and {"adoption", "cities"} <= set(frames):
        given = frames["adoption"].groupby(["segment", "quarter"])["city_id"].agg(set).to_dict()
        for segment, quarter in product(SEGMENTS, quarters):
            missing = frames["cities"]["city_id"][
                ~frames["cities"]["city_id"].isin(given.get((segment, quarter), set()))
            ]
            if len(missing):
                shown = f"{missing.iloc[0]} / {segment} / {quarter}"
                more = f" (and {len(missing) - 1} more cities)" if len(missing) > 1 else ""
                remedy = f"row is missing{more}; the table must cover the horizon"
                column = "city_id + segment + quarter"
                faults.append(Fault(files["adoption"], None, column, shown, remedy))
    if "pack_stock" in files and "pack_stock" in frames:
        retires = frames["pack_stock"]["retires"]
        rows = np.flatnonzero((retires < quarters[0]).fillna(False).astype(bool))
        remedy = f"is before the first quarter, {quarters[0]}; remove the row"
        faults += _at(files, "pack_stock", "retires", retires, rows, remedy)
    return faults


def _at(
    files: Mapping[str, str], table: str, column: str, values: pd.Series, rows: Any, remedy: str
) -> list[Fault]:
    first_row = 2 if files[table].endswith(".csv") else 1
    return limited_faults(files[table], column, values, rows, first_row, remedy)


def _places(
    cities: pd.DataFrame, zones: pd.DataFrame, sites: pd.DataFrame, files: Mapping[str, str]
) -> list[Fault]:
    """Points that lie far from their city, as happens when lon and lat change places."""
    faults = []
    places = cities.drop_duplicates("city_id").set_index("city_id")[["lon", "lat"]]
    for name, frame in (("zones", zones), ("sites", sites)):
        if not {"lon", "lat", "city_id"} <= set(frame.columns):
            continue
        city = places.reindex(frame["city_id"])
        far = great_circle_km(frame["lon"], frame["lat"], city["lon"], city["lat"])
        swapped = great_circle_km(frame["lat"], frame["lon"], city["lon"], city["lat"])
        is_far = far > FAR_FROM_CITY_KM
        points = frame["lon"].astype("str") + ", " + frame["lat"].astype("str")
        rows = np.flatnonzero(is_far & (swapped <= FAR_FROM_CITY_KM))
        remedy = "lon and lat are swapped: exchange them"
        faults += _at(files, name, "lon, lat", points, rows, remedy)
        in_range = frame["lat"].abs() <= 90
        rows = np.flatnonzero(is_far & ~(swapped <= FAR_FROM_CITY_KM) & in_range)
        remedy = f"lies more than {FAR_FROM_CITY_KM:g} km from its city; correct point or city_id"
        faults += _at(files, name, "lon, lat", points, rows, remedy)
    return faults


def _zone_ids(zones: pd.DataFrame, files: Mapping[str, str]) -> list[Fault]:
    if {"lon", "lat"} <= set(zones.columns):
        return []
    from h3.api import basic_str

    is_cell = np.fromiter((basic_str.is_valid_cell(str(cell)) for cell in zones["zone_id"]), bool)
    remedy = "not an H3 cell; correct it, or give the columns lon and lat"
    return _at(files, "zones", "zone_id", zones["zone_id"], np.flatnonzero(~is_cell), remedy)


def _fleet_has_zones(
    cities: pd.DataFrame, zones: pd.DataFrame, files: Mapping[str, str]
) -> list[Fault]:
    fleet = cities[[f"vehicles_{segment}" for segment in SEGMENTS]].sum(axis=1)
    weight = zones.groupby("city_id")["car_owning_households"].sum()
    city_weight = cities["city_id"].map(weight).fillna(0.0)
    rows = np.flatnonzero((fleet > 0) & (city_weight <= 0))
    remedy = "city has vehicles but no zone with car_owning_households > 0; add zones"
    return _at(files, "cities", "city_id", cities["city_id"], rows, remedy)


def _months(cities: pd.DataFrame, climate: pd.DataFrame, files: Mapping[str, str]) -> list[Fault]:
    months = climate.groupby("city_id")["month"].nunique()
    rows = np.flatnonzero(cities["city_id"].map(months).fillna(0) != 12)
    remedy = f"needs 12 months in {files['climate']}; add the missing ones"
    return _at(files, "cities", "city_id", cities["city_id"], rows, remedy)


def _segments(vehicles: pd.DataFrame, files: Mapping[str, str]) -> list[Fault]:
    shares = vehicles.groupby("segment")["segment_frac"].sum().reindex(SEGMENTS, fill_value=0.0)
    return [
        Fault(
            files["vehicles"],
            None,
            "segment_frac",
            f"{segment} adds up to {share:g}",
            "the classes of a segment must add up to 1",
        )
        for segment, share in shares.items()
        if abs(share - 1) > 1e-6
    ]


def _envelopes(
    vehicles: pd.DataFrame, packs: pd.DataFrame, files: Mapping[str, str]
) -> list[Fault]:
    envelope_by_pack = packs.drop_duplicates("pack_id").set_index("pack_id")["envelope"]
    fitted = vehicles["default_pack_id"].map(envelope_by_pack)
    rows = np.flatnonzero(fitted.notna() & (fitted != vehicles["envelope"]))
    remedy = "pack does not fit the vehicle's envelope; choose one that does"
    return _at(files, "vehicles", "default_pack_id", vehicles["default_pack_id"], rows, remedy)


def _curves(packs: pd.DataFrame, curves: pd.DataFrame, files: Mapping[str, str]) -> list[Fault]:
    points = curves.groupby(["chemistry", "quantity"]).size()
    return [
        Fault(
            files["curves"],
            None,
            "quantity",
            f"{chemistry} {quantity}",
            "needs at least two points; add them",
        )
        for chemistry in sorted(packs["chemistry"].dropna().unique())
        for quantity in ("charge_power", "usable_energy")
        if points.get((chemistry, quantity), 0) < 2
    ]


def _hours(hour_profile: pd.DataFrame, files: Mapping[str, str]) -> list[Fault]:
    if hour_profile.empty:
        return []
    sums = hour_profile.groupby("segment")["day_frac"].sum().reindex(SEGMENTS, fill_value=0.0)
    remedy = "the hours of every segment must add up to 1"
    return [
        Fault(files["hour_profile"], None, "day_frac", f"{segment} adds up to {total:g}", remedy)
        for segment, total in sums.items()
        if abs(total - 1) > 1e-6
    ]


_CHECKS: tuple[tuple[tuple[str, ...], Callable[..., list[Fault]]], ...] = (
    (("cities", "zones", "sites"), _places),
    (("zones",), _zone_ids),
    (("cities", "zones"), _fleet_has_zones),
    (("cities", "climate"), _months),
    (("vehicles",), _segments),
    (("vehicles", "packs"), _envelopes),
    (("packs", "curves"), _curves),
    (("roads",), check_road_ends),
    (("road_nodes", "roads"), check_road_lengths),
    (("cities", "road_nodes"), check_road_places),
    (("hour_profile",), _hours),
)
