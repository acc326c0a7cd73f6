"""Tables into index-aligned arrays: labels, points, values, locks and pairs, or every fault."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.errors import Fault, InfeasibleError, InputError
from planner.location.points import Points, within_distance
from planner.solving.conflicts import check_plan_exists
from planner.solving.rule_conflicts import limits_of_rules
from planner.solving.rules import SiteRules
from planner.solving.station_limits import limited_stations

NUM_SHOWN = 5
"""Offending labels named in a message; the others are counted."""
MERCATOR = ("Mercator (", "Popular Visualisation Pseudo Mercator")
"""Projections whose metres are off by 30 % at 40 degrees of latitude; transverse ones are not."""

Table = Any
"""A DataFrame, a GeoDataFrame (told by its ``to_crs``; geopandas is not needed) or an array of
longitudes and latitudes with shape (n, 2)."""


@dataclass
class FaultList:
    """Collects what is wrong with the arguments of a call, to be raised at once."""

    source: str
    faults: list[Fault] = field(default_factory=list)

    def add(self, table: str, column: str, value: object, remedy: str) -> None:
        """Note one fault."""
        self.faults.append(Fault(table, None, column, str(value), remedy))

    def raise_if_any(self) -> None:
        """Raise InputError with every fault noted so far."""
        if self.faults:
            raise InputError(self.faults, source=self.source)


@dataclass(frozen=True)
class Places:
    """Zones or sites: labels in the order of the table, and the table to hand back.

    Attributes
    ----------
    role : str
        ``"zones"`` or ``"sites"``.
    labels : pandas.Index
        Distinct, none missing.
    frame : DataFrame or GeoDataFrame
        The table as it came, or longitude and latitude of an array.
    """

    role: str
    labels: Any
    frame: Any

    def __len__(self) -> int:
        return len(self.labels)

    def find(self, labels: Any, column: str, faults: FaultList) -> IntArray:
        """Positions of labels; unknown ones are a fault and left out."""
        position = self.labels.get_indexer(pd.Index(labels))
        unknown = np.asarray(labels, dtype=object)[position < 0]
        if len(unknown):
            faults.add(
                column, f"labels of {self.role}", shown(pd.unique(pd.Series(unknown))),
                f"no such label among the {self.role} ({shown(self.labels[:3])}, ...); "
                "labels keep their type: 1 is not '1'",
            )  # fmt: skip
        return np.asarray(position[position >= 0], dtype=np.int64)


def shown(labels: Iterable[Any]) -> str:
    """The first labels, and how many there are more."""
    named = list(labels)
    text = ", ".join(repr(getattr(one, "item", lambda one=one: one)()) for one in named[:NUM_SHOWN])
    return text + (f" and {len(named) - NUM_SHOWN} more" if len(named) > NUM_SHOWN else "")


@contextmanager
def told_by_label(rules: SiteRules, sites: Places, zones: Places) -> Iterator[None]:
    """Name what an infeasible problem is about: zones, and limits that conflict with repairs."""
    try:
        yield
    except InfeasibleError as error:
        said = str(error)
        if error.zone_idx:
            said = f"{said}: {shown(zones.labels[list(error.zone_idx)])}"
        conflict, repair, further = error.conflict, error.repair, error.further
        try:
            names = [str(label) for label in sites.labels]
            check_plan_exists(limited_stations(limits_of_rules(rules, names)))
        except InfeasibleError as explained:
            said = f"{said}\n{explained}"
            conflict, repair = explained.conflict, explained.repair
            further = explained.further
        raise InfeasibleError(
            said, zone_idx=error.zone_idx, conflict=conflict, repair=repair, further=further
        ) from None


def read_places(table: Table, role: str, faults: FaultList) -> Places:
    """Labels of zones or sites: column ``zone_id`` or ``site_id`` if there is one, else the index.

    Parameters
    ----------
    table : DataFrame, GeoDataFrame or array of shape (n, 2)
    role : str
        ``"zones"`` or ``"sites"``.
    faults : FaultList
        Told of missing and repeated labels.
    """
    if not hasattr(table, "columns"):
        array = np.asarray(table)
        if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iuf":
            faults.add(
                role, "", f"{type(table).__name__} of shape {array.shape}",
                "pass a DataFrame, a GeoDataFrame or an array (n, 2) of lon, lat",
            )  # fmt: skip
            faults.raise_if_any()
        table = pd.DataFrame(np.array(array, dtype=np.float64), columns=["lon", "lat"])
    id_column = f"{role[:-1]}_id"
    labels = pd.Index(table[id_column]) if id_column in table.columns else table.index
    if isinstance(labels, pd.MultiIndex):
        faults.add(role, id_column, "index of several levels", "one label per row: .reset_index()")
        faults.raise_if_any()
    missing = labels.isna()
    if missing.any():
        faults.add(role, id_column, f"positions {shown(np.flatnonzero(missing))}",
                   "every row needs a label")  # fmt: skip
    repeated = labels[labels.duplicated() & ~missing].unique()
    if len(repeated):
        faults.add(role, id_column, shown(repeated), "labels must be distinct")
    faults.raise_if_any()
    return Places(role, labels, table)


def read_points(places: Places, faults: FaultList) -> Points | None:
    """Where the places are: point geometry with a declared reference, or lon and lat columns.

    Returns
    -------
    Points or None
        None if the table has neither.
    """
    frame = places.frame
    if hasattr(frame, "to_crs") and hasattr(frame, "geometry"):
        return _points_of_geometry(places, faults)
    if not {"lon", "lat"} <= set(frame.columns):
        return None
    lon, lat = (
        pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        for name in ("lon", "lat")
    )
    return _points_on_sphere(lon, lat, places, faults)


def _points_on_sphere(
    lon: FloatArray, lat: FloatArray, places: Places, faults: FaultList
) -> Points:
    for column, degrees, limit in (("lon", lon, 180.0), ("lat", lat, 90.0)):
        outside = ~(np.abs(degrees) <= limit)
        if outside.any():
            faults.add(places.role, column, shown(places.labels[outside]),
                       f"degrees between -{limit:g} and {limit:g}, none missing")  # fmt: skip
    return Points(lon, lat, "")


def _points_of_geometry(places: Places, faults: FaultList) -> Points | None:
    geometry, crs = places.frame.geometry, places.frame.crs
    no_point = np.asarray(geometry.isna() | (geometry.geom_type != "Point") | geometry.is_empty)
    if no_point.any():
        faults.add(places.role, "geometry", shown(places.labels[no_point]),
                   "points only, none missing (areas: .representative_point())")  # fmt: skip
        return None
    x, y = (np.asarray(values, dtype=np.float64) for values in (geometry.x, geometry.y))
    if crs is None:
        faults.add(places.role, "crs", "not set",
                   "say what the coordinates are, e.g. .set_crs(4326) for degrees")  # fmt: skip
        return None
    units = {axis.unit_name for axis in crs.axis_info}
    if crs.is_geographic and units == {"degree"}:
        return _points_on_sphere(x, y, places, faults)
    method = getattr(crs.coordinate_operation, "method_name", "")
    if not crs.is_projected or units != {"metre"} or method.startswith(MERCATOR):
        faults.add(places.role, "crs", crs.name,
                   "neither degrees nor metres that measure distances: .to_crs(4326)")  # fmt: skip
        return None
    not_finite = ~np.isfinite(x + y)
    if not_finite.any():
        faults.add(places.role, "geometry", shown(places.labels[not_finite]),
                   "coordinates must be finite")  # fmt: skip
    return Points(x, y, crs.name)


def read_locks(
    existing: Any, forbidden: Any, sites: Places, faults: FaultList
) -> tuple[BoolArray, BoolArray]:
    """Sites that must be open, and sites that must not: labels, or a boolean column.

    Parameters
    ----------
    existing, forbidden : str, iterable of labels, or None
        A string names a boolean column.
    sites : Places
    faults : FaultList
        Told of unknown and repeated labels, of columns that are not boolean, of sites in both.
    """
    masks = []
    for name, lock in (("existing", existing), ("forbidden", forbidden)):
        mask = np.zeros(len(sites), dtype=np.bool_)
        if isinstance(lock, str):
            column = sites.frame[lock] if lock in sites.frame.columns else None
            if column is None or not pd.api.types.is_bool_dtype(column) or column.isna().any():
                faults.add("sites", lock, "no boolean column",
                           f"{name} names a column of true and false, or lists labels")  # fmt: skip
            else:
                mask = column.to_numpy(np.bool_)
        elif lock is not None:
            labels = pd.Index(lock)
            if labels.has_duplicates:
                faults.add(name, "", shown(labels[labels.duplicated()].unique()), "named twice")
            mask[sites.find(labels, name, faults)] = True
        masks.append(mask)
    both = masks[0] & masks[1]
    if both.any():
        faults.add("sites", "", shown(sites.labels[both]), "both existing and forbidden")
    return masks[0], masks[1]


def read_reach(
    reach: Any,
    max_distance_km: float | None,
    zones: tuple[Places, Points | None],
    sites: tuple[Places, Points | None],
    faults: FaultList,
) -> tuple[IntArray, IndexArray]:
    """Zones that each site reaches, as ``reach_ptr`` and ``reach_zone_idx``.

    Parameters
    ----------
    reach : DataFrame, sparse matrix (zones x sites) or None
        Pairs of labels, or non-zero where a site reaches a zone.
    max_distance_km : float or None
        Otherwise, the distance that still counts [km].
    zones, sites : (Places, Points)
    faults : FaultList
        Told of unknown labels, repeated pairs, wrong shapes, missing coordinates.
    """
    nothing = np.zeros(len(sites[0]) + 1, np.int64), np.empty(0, np.int32)
    if (reach is None) == (max_distance_km is None):
        faults.add("reach", "", "", "pass either reach or max_distance_km")
        return nothing
    if max_distance_km is not None:
        return _reach_by_distance(max_distance_km, zones, sites, faults) or nothing
    if hasattr(reach, "columns"):
        zone_idx, site_idx = pairs_of_table(reach, zones[0], sites[0], faults)
    else:
        matrix = scipy.sparse.coo_array(reach)
        if matrix.shape != (len(zones[0]), len(sites[0])):
            faults.add("reach", "shape", matrix.shape,
                       f"expected zones x sites = {(len(zones[0]), len(sites[0]))}")  # fmt: skip
            return nothing
        if not np.isfinite(matrix.data).all():
            faults.add("reach", "", "missing or infinite entries", "non-zero means within reach")
        zone_idx, site_idx = (np.asarray(idx)[matrix.data != 0] for idx in matrix.coords)
    order = np.lexsort((zone_idx, site_idx))
    zone_idx, site_idx = zone_idx[order], site_idx[order]
    again = np.flatnonzero((np.diff(zone_idx) == 0) & (np.diff(site_idx) == 0))
    if len(again):
        pairs = zip(zones[0].labels[zone_idx[again]], sites[0].labels[site_idx[again]], strict=True)
        faults.add("reach", "", shown(itertools.islice(dict.fromkeys(pairs), 1000)),
                   "pair named twice")  # fmt: skip
    reach_ptr = np.searchsorted(site_idx, np.arange(len(sites[0]) + 1))
    return reach_ptr.astype(np.int64), zone_idx.astype(np.int32)


def _reach_by_distance(
    max_distance_km: float,
    zones: tuple[Places, Points | None],
    sites: tuple[Places, Points | None],
    faults: FaultList,
) -> tuple[IntArray, IndexArray] | None:
    if not (np.isfinite(max_distance_km) and max_distance_km >= 0):
        faults.add("max_distance_km", "", max_distance_km, "a distance in kilometres, >= 0")
    for places, points in (zones, sites):
        if points is None:
            faults.add(places.role, "lon, lat", "no usable coordinates",
                       "columns lon and lat, or point geometry")  # fmt: skip
    zone_points, site_points = zones[1], sites[1]
    if zone_points is None or site_points is None:
        return None
    if zone_points.plane != site_points.plane:
        faults.add(
            "sites", "crs", site_points.plane or "degrees",
            f"zones are in {zone_points.plane or 'degrees'}: .to_crs() one of them",
        )  # fmt: skip
    return None if faults.faults else within_distance(zone_points, site_points, max_distance_km)


def pairs_of_table(
    reach: Any, zones: Places, sites: Places, faults: FaultList
) -> tuple[IntArray, IntArray]:
    """Positions of the labelled pairs of a table."""
    nothing = np.empty(0, np.int64), np.empty(0, np.int64)
    columns: Sequence[str] = [
        next((name for name in (f"{role}_id", role) if name in reach.columns), "")
        for role in ("zone", "site")
    ]
    if not all(columns):
        faults.add("reach", "", f"columns {shown(reach.columns)}",
                   "pairs of labels in columns zone_id and site_id")  # fmt: skip
        return nothing
    before = len(faults.faults)
    missing = reach[columns].isna().any(axis=1).to_numpy()
    if missing.any():
        faults.add("reach", ", ".join(columns), f"positions {shown(np.flatnonzero(missing))}",
                   "every pair needs both labels")  # fmt: skip
        return nothing
    zone_idx = zones.find(reach[columns[0]], "reach", faults)
    site_idx = sites.find(reach[columns[1]], "reach", faults)
    return (zone_idx, site_idx) if len(faults.faults) == before else nothing
