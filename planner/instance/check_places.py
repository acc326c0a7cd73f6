"""Where cities, zones and sites lie: far from their city, or several at one point."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.geodesy import great_circle_km
from planner.instance.layer import row_faults
from planner.instance.notes import Note
from planner.instance.tables import TABLES
from planner.land import ATTRIBUTION, is_land

FAR_FROM_CITY_KM = 400.0
"""A zone or site farther from its city's point than this is taken for a mistake: the largest
prefecture-level city, Hulunbuir, is some 700 km across."""

SAME_POINT_DECIMALS = 6
"""Degrees that agree in so many decimals, some 10 cm, are one point."""

SHORE_KM = 2.0
"""A place counts as lying on water if no land is so near: the shore is drawn for maps."""

_MOST_NAMED = 5
_ODD = np.int64(0x1E3779B97F4A7C15)


def far_places(
    cities: pd.DataFrame, zones: pd.DataFrame, sites: pd.DataFrame, files: Mapping[str, str]
) -> list[Fault]:
    """Points that lie far from their city, as happens when lon and lat change places."""
    faults = []
    places = cities.drop_duplicates("city_id").set_index("city_id")[["lon", "lat"]]
    for name, frame in (("zones", zones), ("sites", sites)):
        if not {"lon", "lat", "city_id"} <= set(frame.columns):
            continue
        city = places.reindex(frame["city_id"]).set_axis(frame.index)
        far = great_circle_km(frame["lon"], frame["lat"], city["lon"], city["lat"])
        swapped = great_circle_km(frame["lat"], frame["lon"], city["lon"], city["lat"])
        is_far = far > FAR_FROM_CITY_KM
        label, table = files[name], TABLES[name]
        if not is_far.any():
            continue
        points = frame["lon"].astype("str") + ", " + frame["lat"].astype("str")
        rows = np.flatnonzero(is_far & (swapped <= FAR_FROM_CITY_KM))
        remedy = "lon and lat are swapped: exchange them"
        faults += row_faults(label, table, frame, rows, "lon, lat", remedy, points)
        in_range = frame["lat"].abs() <= 90
        rows = np.flatnonzero(is_far & ~(swapped <= FAR_FROM_CITY_KM) & in_range)
        remedy = f"lies more than {FAR_FROM_CITY_KM:g} km from its city; correct point or city_id"
        faults += row_faults(label, table, frame, rows, "lon, lat", remedy, points)
    return faults


def contradicting_sites(name: str, frame: pd.DataFrame, files: Mapping[str, str]) -> list[Fault]:
    """Forbidden sites at the point of one that is open or may be."""
    if name not in files or not {"lon", "lat", "status", *TABLES[name].key} <= set(frame.columns):
        return []
    point = _shared_point(frame)
    status = frame["status"].reindex(point.index)
    is_forbidden = status == "forbidden"
    other = frame.loc[status.index[~is_forbidden & status.notna()]]
    names = other[TABLES[name].key[0]].fillna("a site") + " (" + other["status"] + ")"
    at_point = point[is_forbidden].map(names.groupby(point).agg(" and ".join)).dropna()
    rows = frame.index.get_indexer(at_point.index)
    return [
        fault
        for row, others in zip(rows.tolist(), at_point, strict=True)
        for fault in row_faults(
            files[name], TABLES[name], frame, [row], "status",
            f"stands at the point of {others}; a place that is forbidden holds no "
            "station: correct point or status",
        )
    ]  # fmt: skip


def shared_points(frames: Mapping[str, pd.DataFrame], files: Mapping[str, str]) -> list[Note]:
    """Tables in which several rows lie at one point: taken as they are, and said.

    Parameters
    ----------
    frames, files : mapping
        As of `check_across_tables`, without faults.
    """
    notes = []
    for name in ("cities", "zones", "sites", "corridor_sites"):
        frame = frames[name]
        if name not in files or not {"lon", "lat"} <= set(frame.columns):
            continue
        point = _shared_point(frame)
        ids = frame[TABLES[name].key[0]].reindex(point.index)
        groups = ids.groupby(point, sort=False).agg(" and ".join)
        if len(groups):
            more = f" and {len(groups) - _MOST_NAMED} more" if len(groups) > _MOST_NAMED else ""
            value = f"{'; '.join(groups[:_MOST_NAMED])}{more}"
            source = "each counts by itself; remove rows that stand for the same thing"
            notes.append(Note(f"{files[name]}: several {name} at one point", value, "INF", source))
    return notes


def places_on_water(frames: Mapping[str, pd.DataFrame], files: Mapping[str, str]) -> list[Note]:
    """Tables of which rows lie on sea or lakes, as on a bridge: taken as they are, and said.

    Parameters
    ----------
    frames, files : mapping
        As of `check_across_tables`, without faults; zones with ``lon`` and ``lat``.
    """
    notes = []
    for name in ("cities", "zones", "sites", "corridor_sites"):
        frame = frames[name]
        if name not in files or frame.empty:
            continue
        wet = frame[~is_land(frame["lon"], frame["lat"], shore_km=SHORE_KM)]
        if wet.empty:
            continue
        value = f"{len(wet):,} of {len(frame):,} {name}"
        if name == "zones":
            value += f", {wet['car_owning_households'].sum():,.0f} car-owning households"
        ids = wet[TABLES[name].key[0]].sort_values().tolist()
        more = f" and {len(ids) - _MOST_NAMED:,} more" if len(ids) > _MOST_NAMED else ""
        value += f": {'; '.join(map(str, ids[:_MOST_NAMED]))}{more}"
        source = (
            f"no land within {SHORE_KM:g} km ({ATTRIBUTION}): on a bridge, a lake, a small island, "
            "or misplaced; planned for as they are, so remove or move those that are wrong"
        )
        notes.append(Note(f"{files[name]}: {name} on water", value, "?", source))
    return notes


def _shared_point(frame: pd.DataFrame) -> "pd.Series[str]":
    """The point, as text, of the rows that lie at the point of another row."""
    points = frame[["lon", "lat"]].round(SAME_POINT_DECIMALS)
    # One whole number of both, the same for equal points and for hardly any others, is told apart
    # in a fraction of the time.
    lon, lat = ((points[name].to_numpy(float) + 0.0).view(np.int64) for name in ("lon", "lat"))
    points = points[pd.Series(lon * _ODD + lat, frame.index).duplicated(keep=False)]
    shared = points[points.duplicated(keep=False) & points.notna().all(axis=1)].astype("str")
    return shared["lon"] + " " + shared["lat"]
