"""Check what no single table can show: references, completeness, places."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.instance.check_places import contradicting_sites, far_places
from planner.instance.check_roads import check_road_ends, check_road_lengths, check_road_places
from planner.instance.check_supply import check_supply
from planner.instance.curve_sets import check_curves
from planner.instance.layer import MAX_FAULTS_SHOWN, row_faults
from planner.instance.names import nearest, suggest
from planner.instance.notes import Note
from planner.instance.tables import HOLIDAY, SEGMENTS, TABLES, WORKDAY
from planner.instance.zone_cells import are_cells


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
                is_unknown = frame[column].notna() & ~_is_among(frame[column], known)
                if target == "chemistries":
                    faults += _unknown_chemistries(frame, is_unknown, known, name, files)
                    continue
                faults += _unknown(frame, column, is_unknown, known, name, files, target)
    for names, check in _CHECKS:
        if set(names) <= set(frames):
            faults += check(*(frames[name] for name in names), files)
    return faults + check_supply(frames, files)


def _is_among(values: pd.Series, known: pd.Series) -> "pd.Series[bool]":
    """`Series.isin`, which makes an object of each of a million known texts one by one."""
    if not all(isinstance(each.dtype, pd.StringDtype) for each in (values, known)):
        return values.isin(known)
    import pyarrow as pa
    import pyarrow.compute as pc

    found = np.asarray(pc.is_in(pa.array(values), value_set=pa.array(known)), dtype=np.bool_)
    return pd.Series(found, index=values.index, dtype=bool)


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


def check_trips(frames: Mapping[str, pd.DataFrame], files: Mapping[str, str]) -> list[Fault]:
    """Check that trips between the cities are stated, or can be estimated from residents.

    Parameters
    ----------
    frames, files : mapping
        As of `check_across_tables`, of a scenario that plans corridors.
    """
    is_stated = "flows" in files and not ("flows" in frames and frames["flows"].empty)
    if is_stated or "cities" not in frames or "population" in frames["cities"].columns:
        return []
    remedy = "the gravity model needs it; give the column, or a table of flows"
    return [Fault(files["cities"], None, "population", "", remedy)]


def _unknown(
    frame: pd.DataFrame, column: str, is_unknown: "pd.Series[bool]", known: pd.Series,
    name: str, files: Mapping[str, str], target: str,
) -> list[Fault]:  # fmt: skip
    """References to rows that are not there, with the nearest id where one is alike."""
    table = files.get(target, f"{target}.csv")
    remedy = f"not in {table}; add it there or correct it here"
    unknown = frame[column][is_unknown].unique()
    if frame[column].dtype.kind in "iu" or len(unknown) > MAX_FAULTS_SHOWN:
        return _at(files, name, frame, column, np.flatnonzero(is_unknown), remedy)
    close = {value: nearest(value, known) for value in unknown}
    return [
        fault
        for value, like in close.items()
        for fault in _at(
            files, name, frame, column, np.flatnonzero(frame[column] == value),
            f"not in {table}; did you mean {like}?" if like else remedy,
        )
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
            files, name, frame, "chemistry", np.flatnonzero(column == chemistry),
            _chemistry_remedy(chemistry, known, files),
        )
    ]  # fmt: skip


def _chemistry_remedy(chemistry: str, known: "pd.Series[str]", files: Mapping[str, str]) -> str:
    close = nearest(chemistry, known)
    table = files.get("chemistries", "chemistries.csv")
    if close:
        return f"no such chemistry; did you mean {close}? Or add it to {table}"
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
        faults += _at(files, "pack_stock", frames["pack_stock"], "retires", rows, remedy)
    return faults


def _at(
    files: Mapping[str, str], table: str, frame: pd.DataFrame, column: str, rows: Any,
    remedy: str, values: pd.Series | None = None,
) -> list[Fault]:  # fmt: skip
    return row_faults(files[table], TABLES[table], frame, rows, column, remedy, values)


def _pack_envelopes(
    vehicles: pd.DataFrame, packs: pd.DataFrame, files: Mapping[str, str]
) -> list[Fault]:
    """Packs that no vehicle takes."""
    known = vehicles["envelope"].dropna().unique().tolist()
    is_unknown = packs["envelope"].notna() & ~packs["envelope"].isin(known)
    return [
        fault
        for envelope in packs["envelope"][is_unknown].unique()
        for fault in _at(
            files, "packs", packs, "envelope", np.flatnonzero(packs["envelope"] == envelope),
            f"no vehicle takes this envelope; {suggest(envelope, known)}",
        )
    ]  # fmt: skip


def _forced_sites_fit(
    sites: pd.DataFrame, stations: pd.DataFrame, files: Mapping[str, str]
) -> list[Fault]:
    """Sites where a station stands or is committed, but no type has room."""
    pairs = [(limit, need) for limit, need in (("max_bays", "bays"), ("grid_kw", "grid_kw"))
             if limit in sites.columns]  # fmt: skip
    has_room = np.zeros(len(sites), dtype=np.bool_)
    for station in stations.dropna(subset=["bays", "grid_kw"]).to_dict("records"):
        has_room |= np.logical_and.reduce(
            [(sites[limit] >= station[need]).fillna(True).to_numpy(bool) for limit, need in pairs]
            or [np.ones(len(sites), dtype=np.bool_)]
        )
    is_forced = sites["status"].isin(["existing", "committed"]).to_numpy()
    if "station_type_id" in sites.columns:  # what stands, or is agreed on, stands
        is_forced = is_forced & sites["station_type_id"].isna().to_numpy(bool)
    remedy = "no station type fits its max_bays and grid_kw; correct them or the status"
    rows = np.flatnonzero(is_forced & ~has_room & bool(len(stations)))
    return _at(files, "sites", sites, "site_id", rows, remedy)


def unused_rows(frames: Mapping[str, pd.DataFrame], files: Mapping[str, str]) -> list[Note]:
    """Rows for chemistries that no pack has: allowed, and said.

    Parameters
    ----------
    frames, files : mapping
        As of `check_across_tables`, without faults.
    """
    used = set(frames["packs"]["chemistry"])
    notes = []
    for name in ("curves", "supply", "gates", "materials", "other_buyers"):
        if name not in files:
            continue
        idle = frames[name]["chemistry"][~frames[name]["chemistry"].isin(used)]
        if len(idle):
            value = f"{len(idle)} rows of {', '.join(sorted(idle.unique()))} are not used"
            notes.append(Note(f"{files[name]}: chemistry", value, "INF", "no pack has it"))
    return notes


def spread_notes(frames: Mapping[str, pd.DataFrame], files: Mapping[str, str]) -> list[Note]:
    """Cities whose taxis and ride-hailing cars are spread as private cars are, for want of places.

    Parameters
    ----------
    frames, files : mapping
        As of `check_across_tables`, without faults.
    """
    cities, zones = frames["cities"], frames["zones"]
    commercial = [f"vehicles_{segment}" for segment in SEGMENTS if segment != "private"]
    concerned = cities[cities[commercial].sum(axis=1) > 0]
    weight = zones.get("commercial_weight", pd.Series(0.0, index=zones.index))
    known = weight.groupby(zones["city_id"]).sum()
    without = concerned["city_id"][~(concerned["city_id"].map(known) > 0)]
    if without.empty:
        return []
    value = f"by car_owning_households in {len(without):,} of {len(concerned):,} cities"
    source = f"{files['zones']} has no commercial_weight there: taxis and ride-hailing cars have "
    item = f"{files['zones']}: where taxis and ride-hailing cars swap"
    return [Note(item, value, "?", f"{source}ranks, stations and depots of their own")]


def _zone_ids(zones: pd.DataFrame, files: Mapping[str, str]) -> list[Fault]:
    if {"lon", "lat"} <= set(zones.columns):
        return []
    is_cell = are_cells(zones["zone_id"])
    remedy = "not an H3 cell; correct it, or give the columns lon and lat"
    return _at(files, "zones", zones, "zone_id", np.flatnonzero(~is_cell), remedy)


def _fleet_has_zones(
    cities: pd.DataFrame, zones: pd.DataFrame, files: Mapping[str, str]
) -> list[Fault]:
    fleet = cities[[f"vehicles_{segment}" for segment in SEGMENTS]].sum(axis=1)
    weight = zones.groupby("city_id")["car_owning_households"].sum()
    city_weight = cities["city_id"].map(weight).fillna(0.0)
    rows = np.flatnonzero((fleet > 0) & (city_weight <= 0))
    remedy = "city has vehicles but no zone with car_owning_households > 0; add zones"
    return _at(files, "cities", cities, "city_id", rows, remedy)


def _months(cities: pd.DataFrame, climate: pd.DataFrame, files: Mapping[str, str]) -> list[Fault]:
    months = climate.groupby("city_id")["month"].nunique()
    rows = np.flatnonzero(cities["city_id"].map(months).fillna(0) != 12)
    remedy = f"needs 12 months in {files['climate']}; add the missing ones"
    return _at(files, "cities", cities, "city_id", rows, remedy)


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


def _pack_warmth(vehicles: pd.DataFrame, files: Mapping[str, str]) -> list[Fault]:
    """Classes of which nothing tells how warm their packs are."""
    told = [name for name in ("soak_frac", "trips_per_day") if name in vehicles]
    rows = np.flatnonzero(vehicles[told].isna().all(axis=1))
    remedy = "how warm its packs are is not known; give it or trips_per_day"
    values = pd.Series("", index=vehicles.index)
    return _at(files, "vehicles", vehicles, "soak_frac", rows, remedy, values)


def _envelopes(
    vehicles: pd.DataFrame, packs: pd.DataFrame, files: Mapping[str, str]
) -> list[Fault]:
    envelope_by_pack = packs.drop_duplicates("pack_id").set_index("pack_id")["envelope"]
    fitted = vehicles["default_pack_id"].map(envelope_by_pack)
    has_pack = vehicles["envelope"].isin(packs["envelope"])
    rows = np.flatnonzero(fitted.notna() & has_pack & (fitted != vehicles["envelope"]))
    remedy = "pack does not fit the vehicle's envelope; choose one that does"
    faults = _at(files, "vehicles", vehicles, "default_pack_id", rows, remedy)
    remedy = f"no pack has this envelope; correct it, or add a pack to {files['packs']}"
    without = np.flatnonzero(~has_pack)
    return faults + _at(files, "vehicles", vehicles, "envelope", without, remedy)


def _hours(hour_profile: pd.DataFrame, files: Mapping[str, str]) -> list[Fault]:
    if hour_profile.empty:
        return []
    file, every_day = files["hour_profile"], "every day"
    kind = hour_profile.get("day_kind", pd.Series(None, hour_profile.index, object))
    sums = hour_profile["day_frac"].groupby([hour_profile["segment"], kind.fillna(every_day)]).sum()
    faults = []
    for segment in SEGMENTS:
        totals = sums.loc[[segment]].droplevel(0).to_dict() if segment in sums.index else {}
        kinds = set(totals)
        if kinds - {every_day} and kinds != {WORKDAY, HOLIDAY}:
            remedy = (f"state the segment's hours either for every day (day_kind empty) or for "
                      f"{WORKDAY} and {HOLIDAY} both")  # fmt: skip
            value = f"{segment} has hours of {' and '.join(sorted(map(str, kinds)))}"
            faults.append(Fault(file, None, "day_kind", value, remedy))
        for name, total in (totals or {every_day: 0.0}).items():
            if abs(total - 1) > 1e-6:
                value = f"{segment} adds up to {total:g}"
                value += "" if name == every_day else f" on a {name}"
                remedy = "the hours of every segment must add up to 1 for each kind of day"
                faults.append(Fault(file, None, "day_frac", value, remedy))
    return faults


_CHECKS: tuple[tuple[tuple[str, ...], Callable[..., list[Fault]]], ...] = (
    (("cities", "zones", "sites"), far_places),
    (("sites",), partial(contradicting_sites, "sites")),
    (("corridor_sites",), partial(contradicting_sites, "corridor_sites")),
    (("sites", "stations"), _forced_sites_fit),
    (("zones",), _zone_ids),
    (("cities", "zones"), _fleet_has_zones),
    (("cities", "climate"), _months),
    (("vehicles",), _segments),
    (("vehicles",), _pack_warmth),
    (("vehicles", "packs"), _envelopes),
    (("vehicles", "packs"), _pack_envelopes),
    (("packs", "curves"), check_curves),
    (("roads",), check_road_ends),
    (("road_nodes", "roads"), check_road_lengths),
    (("cities", "road_nodes"), check_road_places),
    (("hour_profile",), _hours),
)
