"""Hold the roads of an instance against their junctions' places: faults, and notes on single roads.

Takes whole tables; each cell has been checked by itself before.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.errors import Fault
from planner.geodesy import chord_to_arc_km, great_circle_km, to_sphere_km
from planner.instance.layer import row_faults
from planner.instance.notes import Note
from planner.instance.tables import TABLES

FloatArray = NDArray[np.float64]

SHORTER_FRAC, SHORTER_KM = 0.2, 0.1
"""A road may be shorter than the great circle between its ends by this share and this much: places
are rounded, joints drawn roughly. Below it is wrong. Roads that are shorter by a tenth of both are
noted."""
LONGER_TIMES, LONGER_KM = 10.0, 5.0
"""A road that is longer than this many times the great circle, and by this much, is noted: some
mountain roads are."""
WRONG_UNIT_TIMES = 100.0
"""If half of the roads are longer than this many times the great circle, the table is wrong."""
LEAST_KM = 0.05
"""Roads whose ends lie nearer than this say nothing of the unit."""
USUAL_KMH = (8.0, 130.0)
"""Mean speed of all roads by length, outside of which it is noted."""
MOST_SHOWN = 3
FAR_FROM_ROADS_KM = 100.0
"""Roads all of which are farther from all cities belong to another place."""


def check_road_ends(roads: pd.DataFrame, files: Mapping[str, str]) -> list[Fault]:
    """Check that no road ends where it starts."""
    if roads.empty:
        return []
    rows = np.flatnonzero((roads["from_node"] == roads["to_node"]).fillna(False))
    remedy = "edge ends where it starts"
    return row_faults(files["roads"], TABLES["roads"], roads, rows, "to_node", remedy)


def check_road_lengths(
    nodes: pd.DataFrame, roads: pd.DataFrame, files: Mapping[str, str]
) -> list[Fault]:
    """Check the lengths against the great circle between the roads' ends.

    Parameters
    ----------
    nodes, roads : DataFrame
        Tables ``road_nodes`` and ``roads``.
    files : mapping of table name to file name

    Returns
    -------
    list of Fault
        One for the table if its unit is wrong as a whole, else those of single roads that are
        shorter than the great circle (`SHORTER_FRAC`, `SHORTER_KM`).
    """
    if roads.empty or nodes.empty:
        return []
    straight_km, length_km = _straight_km(nodes, roads), _numbers(roads["length_km"])
    tells = (straight_km >= LEAST_KM) & (length_km > 0)
    if tells.any():
        times = float(np.median(length_km[tells] / straight_km[tells]))
        if not 1 - SHORTER_FRAC <= times <= WRONG_UNIT_TIMES:
            many = f"{times:,.0f}" if times >= 10 else f"{times:.3g}"
            told = f"the median road is {many} times as long as the straight line"
            return [Fault(files["roads"], None, "length_km", told, _unit_remedy(times))]
    too_short = length_km < (1 - SHORTER_FRAC) * straight_km - SHORTER_KM
    remedy = (
        "shorter than the straight line between its ends; correct the length, the node it is "
        "joined to, or the node's place"
    )
    if not too_short.any():
        return []
    shown = _shown(roads, straight_km)
    rows = np.flatnonzero(too_short)
    return row_faults(files["roads"], TABLES["roads"], roads, rows, "length_km", remedy, shown)


def check_road_places(
    cities: pd.DataFrame, nodes: pd.DataFrame, files: Mapping[str, str]
) -> list[Fault]:
    """Check that the roads are where the cities are; elsewhere lon and lat may be swapped."""
    if nodes.empty:
        return []
    places = nodes[["lon", "lat"]].dropna()
    towns = cities[["lon", "lat"]].dropna()
    towns, places = (each[each["lat"].abs() <= 90] for each in (towns, places))
    if places.empty or towns.empty:
        return []
    towns_xyz = to_sphere_km(towns["lon"], towns["lat"])

    def nearest_km(lon: "pd.Series[float]", lat: "pd.Series[float]") -> float:
        xyz = to_sphere_km(lon, lat)
        nearest = (xyz[np.argmax(xyz @ town)] - town for town in towns_xyz)
        return float(chord_to_arc_km(min(np.linalg.norm(apart) for apart in nearest)))

    away_km = nearest_km(places["lon"], places["lat"])
    if away_km <= FAR_FROM_ROADS_KM:
        return []
    swaps = (places["lon"].abs() <= 90).all()
    if swaps and nearest_km(places["lat"], places["lon"]) <= FAR_FROM_ROADS_KM:
        remedy = "lon and lat are swapped: exchange them"
    else:
        remedy = "give the roads of the cities' own area, or correct the cities' places"
    shown = f"no junction within {away_km:,.0f} km of any city"
    return [Fault(files["road_nodes"], None, "lon, lat", shown, remedy)]


def check_corridor_roads(roads: pd.DataFrame, funding: str) -> list[Fault]:
    """Check that there are roads where corridors are planned."""
    if funding == "none" or len(roads):
        return []
    remedy = (
        "table is missing; corridors lead along roads, which travel_times do not replace: add "
        'roads and road_nodes, or set corridors.funding = "none"'
    )
    return [Fault("roads.csv", None, "", "", remedy)]


def road_notes(nodes: pd.DataFrame, roads: pd.DataFrame, label: str) -> list[Note]:
    """What of the roads is possible, but not likely.

    Parameters
    ----------
    nodes, roads : DataFrame
        Tables that have passed their checks.
    label : str
        File that the notes name.
    """
    if roads.empty:
        return []
    straight_km, length_km = _straight_km(nodes, roads), _numbers(roads["length_km"])
    notes: list[Note] = []
    for item, unlikely, why in (
        (
            "roads shorter than the straight line",
            length_km < (1 - SHORTER_FRAC / 10) * straight_km - SHORTER_KM / 10,
            f"by less than {SHORTER_FRAC:.0%}, so they stand; correct the length or the places",
        ),
        (
            f"roads over {LONGER_TIMES:g} times the straight line",
            (length_km > LONGER_TIMES * straight_km) & (length_km > straight_km + LONGER_KM),
            "not likely, but possible, so they stand; correct the length, or the node at an end",
        ),
    ):
        rows = np.flatnonzero(unlikely)
        if len(rows):
            few = rows[:MOST_SHOWN]
            shown = zip(roads.index[few], _shown(roads.iloc[few], straight_km[few]), strict=True)
            told = "; ".join(f"row {row}, {road}" for row, road in shown)
            more = f"; and {len(rows) - MOST_SHOWN} more" if len(rows) > MOST_SHOWN else ""
            notes.append(Note(f"{label}: {item}", f"{len(rows):,}: {told}{more}", "?", why))
    notes += _told_twice(roads, label, length_km / _numbers(roads["speed_kmh"]))
    hours = (length_km / _numbers(roads["speed_kmh"])).sum()
    mean_kmh = length_km.sum() / hours if hours > 0 else np.nan
    if mean_kmh < USUAL_KMH[0] or mean_kmh > USUAL_KMH[1]:
        why = "not likely of roads for cars: speed_kmh is in km/h, not in m/s or km/min"
        notes.append(Note(f"{label}: mean speed", f"{mean_kmh:.3g} km/h", "?", why))
    return notes


def _told_twice(roads: pd.DataFrame, label: str, hours: FloatArray) -> list[Note]:
    """A note on roads that stand there for both directions with other times, but not as one-way."""
    table = roads[["from_node", "to_node"]].assign(hours=hours)
    if "oneway" in roads.columns:
        table = table[~roads["oneway"].astype("boolean").fillna(False).astype(bool)]
    turned = table.rename(columns={"from_node": "to_node", "to_node": "from_node"})
    both = table.merge(turned, on=["from_node", "to_node"], suffixes=("", "_back"))
    both = both[both["hours"] > both["hours_back"] * 1.01]
    if both.empty:
        return []
    ends = zip(both["from_node"][:MOST_SHOWN], both["to_node"][:MOST_SHOWN], strict=True)
    told = "; ".join(f"{start} to {end}" for start, end in ends)
    why = "each is passable both ways, so the faster holds both ways; is oneway = true meant?"
    return [Note(f"{label}: roads slower than the row back", f"{len(both):,}: {told}", "?", why)]


def _straight_km(nodes: pd.DataFrame, roads: pd.DataFrame) -> FloatArray:
    """Great circle between the ends of each road; nan where an end has no place [km]."""
    places = nodes.drop_duplicates("node_id").set_index("node_id")[["lon", "lat"]].astype(float)
    start, end = (places.reindex(roads[name]).to_numpy() for name in ("from_node", "to_node"))
    return great_circle_km(start[:, 0], start[:, 1], end[:, 0], end[:, 1])


def _numbers(column: "pd.Series[float]") -> FloatArray:
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _shown(roads: pd.DataFrame, straight_km: FloatArray) -> "pd.Series[str]":
    told = [
        f"{length_km:g} km between nodes {start} and {end}, {km:.4g} km apart"
        for length_km, start, end, km in zip(
            roads["length_km"], roads["from_node"], roads["to_node"], straight_km, strict=True
        )
    ]
    return pd.Series(told, dtype="str")


def _unit_remedy(times: float) -> str:
    if 500 <= times < 2500:
        return "in metres? Divide by 1000: length_km is in km"
    if 1 / 2000 <= times < 1 / 300:
        return "divided by 1000 too often? Multiply by 1000: length_km is in km"
    if 0.6 <= times < 1:
        return "in miles? Multiply by 1.609344: length_km is in km"
    return (
        "the lengths are not those of roads between these nodes; correct their unit or the places"
    )
