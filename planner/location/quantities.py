"""Numbers of tables into index-aligned arrays: per place, and per pair of zone and site."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.limits import within
from planner.location.points import Points
from planner.location.tables import FaultList, Places, pairs_of_table, read_locks, shown
from planner.models.p_median.problem import PairDistances, PointDistances
from planner.solving.rules import CityLimits, SiteRules


def read_amounts(amounts: Any, name: str, places: Places, faults: FaultList) -> FloatArray:
    """A number >= 0 per zone or site.

    Parameters
    ----------
    amounts : str, Series, array_like or number
        A column, values by label, values in order, or one value for all.
    name : str
        Name of the argument.
    places : Places
    faults : FaultList
        Told of missing columns, labels that do not match, and what is no number >= 0.
    """
    nothing = np.zeros(len(places))
    if isinstance(amounts, str):
        if amounts not in places.frame.columns:
            faults.add(places.role, amounts, "no such column", f"name it, or pass values: {name}=")
            return nothing
        amounts = places.frame[amounts].to_numpy()
    elif isinstance(amounts, pd.Series):
        if amounts.index.has_duplicates or set(amounts.index) != set(places.labels):
            odd = places.labels.symmetric_difference(amounts.index)
            faults.add(name, "index", shown(odd if len(odd) else amounts.index),
                       f"must hold every label of {places.role} once, and no other")  # fmt: skip
            return nothing
        amounts = amounts.reindex(places.labels).to_numpy()
    elif np.ndim(amounts) == 0:
        amounts = np.full(len(places), amounts)
    numbers = pd.to_numeric(pd.Series(np.asarray(amounts).ravel()), errors="coerce")
    if len(numbers) != len(places):
        faults.add(name, "", f"{len(numbers)} values", f"there are {len(places)} {places.role}")
        return nothing
    values: FloatArray = numbers.to_numpy(np.float64, na_value=np.nan)
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        faults.add(places.role, name, shown(places.labels[wrong]), "a number >= 0, none missing")
    return values


def read_count(count: Any, name: str, faults: FaultList) -> int:
    """A whole number >= 0."""
    try:
        whole = int(count)
    except (TypeError, ValueError, OverflowError):
        whole = -1
    if isinstance(count, bool) or whole != count or whole < 0:
        faults.add(name, "", count, "a whole number >= 0")
        return 0
    return whole


def read_limit(limit: Any, name: str, faults: FaultList) -> float:
    """A number >= 0, or none for no limit."""
    if limit is None:
        return float("inf")
    if isinstance(limit, bool) or not isinstance(limit, int | float | np.number) or not limit >= 0:
        faults.add(name, "", limit, "a number >= 0, or None for no limit")
        return float("inf")
    return float(limit)


class SiteLimits(NamedTuple):
    """Locks and limits as users state them, by the names of the location functions."""

    forced: BoolArray
    forbidden: BoolArray
    min_stations: int
    max_stations: int
    budget: float
    cities: CityLimits | None

    def rules(self, cost: FloatArray) -> SiteRules:
        """As a part of a problem whose stations cost this."""
        return SiteRules(
            self.forced, self.forbidden, cost, self.budget, self.min_stations, self.max_stations,
            self.cities,
        )  # fmt: skip


def read_site_limits(
    sites: Places,
    faults: FaultList,
    *,
    existing: str | Iterable[Any] | None,
    forbidden: str | Iterable[Any] | None,
    min_stations: int,
    max_stations: int | None,
    most_name: str = "max_stations",
    budget: float | None,
    by_city: tuple[Any, Any, Any],
) -> SiteLimits:
    """Locks, numbers, money and limits by city, as users state them.

    Parameters
    ----------
    sites : Places
    faults : FaultList
        Told of everything that cannot be used.
    existing, forbidden, min_stations, max_stations, budget
        As in the location functions; without ``max_stations`` every site may be open.
    most_name : str
        What the argument for ``max_stations`` is called.
    by_city : tuple
        Arguments ``cities``, ``min_per_city`` and ``max_per_city``.
    """
    forced, never = read_locks(existing, forbidden, sites, faults)
    return SiteLimits(
        forced=forced,
        forbidden=never,
        min_stations=read_count(min_stations, "min_stations", faults),
        max_stations=read_count(
            len(sites) if max_stations is None else max_stations, most_name, faults
        ),
        budget=read_limit(budget, "budget", faults),
        cities=read_city_limits(*by_city, sites, faults),
    )


def read_city_limits(
    cities: Any, min_per_city: Any, max_per_city: Any, sites: Places, faults: FaultList
) -> CityLimits | None:
    """How many stations each city may have; None without limits.

    Parameters
    ----------
    cities : str, Series, array_like or None
        City of each site: a column, labels by site label, or labels in order.
    min_per_city, max_per_city : int, mapping, Series or None
        A number for every city, or numbers by city: cities that are not named have no limit.
    sites : Places
    faults : FaultList
        Told of missing columns and cities, labels that do not match, and what is no whole number.
    """
    if cities is None and min_per_city is None and max_per_city is None:
        return None
    if cities is None or (min_per_city is None and max_per_city is None):
        faults.add("cities", "", "", "goes with min_per_city or max_per_city, and they with it")
        return None
    found = _read_cities(cities, sites, faults)
    if found is None:
        return None
    city_idx, names = found
    least = _by_city(min_per_city, "min_per_city", 0, names, faults)
    most = _by_city(max_per_city, "max_per_city", len(sites), names, faults)
    crossed = least > most
    if crossed.any():
        faults.add("min_per_city", "", shown(names[crossed]), "more than max_per_city")
    return CityLimits(city_idx, least, most, np.array([str(name) for name in names]))


def _read_cities(cities: Any, sites: Places, faults: FaultList) -> tuple[IndexArray, Any] | None:
    """City of each site as a position, and the labels of the cities; None with a fault."""
    if isinstance(cities, str):
        if cities not in sites.frame.columns:
            faults.add("sites", cities, "no such column", "name it, or pass labels: cities=")
            return None
        cities = sites.frame[cities]
    elif isinstance(cities, pd.Series):
        if cities.index.has_duplicates or set(cities.index) != set(sites.labels):
            odd = sites.labels.symmetric_difference(cities.index)
            faults.add("cities", "index", shown(odd if len(odd) else cities.index),
                       "must hold every label of sites once, and no other")  # fmt: skip
            return None
        cities = cities.reindex(sites.labels)
    labels = pd.Index(cities)
    if len(labels) != len(sites):
        faults.add("cities", "", f"{len(labels)} labels", f"there are {len(sites)} sites")
        return None
    missing = labels.isna()
    if missing.any():
        faults.add("sites", "cities", shown(sites.labels[missing]), "every site needs a city")
        return None
    city_idx, names = pd.factorize(labels)
    return city_idx.astype(np.int32), names


def _by_city(limit: Any, name: str, otherwise: int, cities: Any, faults: FaultList) -> IntArray:
    """One limit per city."""
    by_city = np.full(len(cities), otherwise, dtype=np.int64)
    if limit is None:
        return by_city
    if not isinstance(limit, Mapping | pd.Series):
        by_city[:] = read_count(limit, name, faults)
        return by_city
    named = pd.Series(limit)
    position = cities.get_indexer(named.index)
    unknown = named.index[position < 0]
    if len(unknown):
        faults.add(name, "labels of cities", shown(unknown),
                   f"no such city among the sites ({shown(cities[:3])}, ...)")  # fmt: skip
    if named.index.has_duplicates:
        faults.add(name, "", shown(named.index[named.index.duplicated()].unique()), "named twice")
    for city, number in zip(position.tolist(), named.tolist(), strict=True):
        if city >= 0:
            by_city[city] = read_count(number, f"{name} of {shown([cities[city]])}", faults)
    return by_city


def read_pairs(
    pairs: Any, column: str, zones: Places, sites: Places, faults: FaultList
) -> tuple[IntArray, IndexArray, FloatArray]:
    """A number >= 0 per pair that is allowed, grouped by zone.

    Parameters
    ----------
    pairs : DataFrame, sparse matrix or array (zones x sites)
        A table with labels of zone and site and ``column``; or a matrix, where pairs that are
        not stored (sparse), missing or infinite (array) are not allowed.
    column : str
        What the numbers are.
    zones, sites : Places
    faults : FaultList
        Told of unknown labels, repeated pairs, wrong shapes, and what is no number >= 0.

    Returns
    -------
    zone_ptr : int array, shape (num_zones + 1,)
    site_idx : int array, shape (num_pairs,)
    amount : float array, shape (num_pairs,)
    """
    nothing = np.zeros(len(zones) + 1, np.int64), np.empty(0, np.int32), np.empty(0)
    if isinstance(pairs, pd.DataFrame):
        if column not in pairs.columns:
            faults.add("pairs", column, f"columns {shown(pairs.columns)}", "no such column")
            return nothing
        before = len(faults.faults)
        zone_idx, site_idx = pairs_of_table(pairs, zones, sites, faults)
        amount = pd.to_numeric(pairs[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        if len(faults.faults) > before:
            return nothing
    else:
        matrix: Any = pairs
        if not scipy.sparse.issparse(pairs):
            full = np.atleast_2d(np.asarray(pairs, dtype=np.float64))
            allowed = np.nonzero(np.isfinite(full))
            matrix = scipy.sparse.coo_array((full[allowed], allowed), shape=full.shape)
        shape, entries = matrix.shape, matrix.tocoo()
        zone_idx, site_idx, amount = entries.row, entries.col, entries.data
        if shape != (len(zones), len(sites)):
            expected = f"expected zones x sites = {(len(zones), len(sites))}"
            faults.add("pairs", "shape", shape, expected)
            return nothing
    wrong = ~(np.isfinite(amount) & (amount >= 0))
    if wrong.any():
        named = zip(zones.labels[zone_idx[wrong]], sites.labels[site_idx[wrong]], strict=True)
        faults.add("pairs", column, shown(named), "a number >= 0, none missing")
    order = np.lexsort((site_idx, zone_idx))
    zone_idx, site_idx, amount = zone_idx[order], site_idx[order], amount[order]
    again = np.flatnonzero((np.diff(zone_idx) == 0) & (np.diff(site_idx) == 0))
    if len(again):
        named = zip(zones.labels[zone_idx[again]], sites.labels[site_idx[again]], strict=True)
        faults.add("pairs", "", shown(named), "pair named twice")
    zone_ptr = np.searchsorted(zone_idx, np.arange(len(zones) + 1)).astype(np.int64)
    return zone_ptr, site_idx.astype(np.int32), np.asarray(amount, dtype=np.float64)


def read_distances(
    pairs: Any,
    unserved: float | None,
    zones: tuple[Places, Points | None],
    sites: tuple[Places, Points | None],
    faults: FaultList,
) -> PairDistances | PointDistances | None:
    """Distances pair by pair, or between points [km]; None with a fault.

    Parameters
    ----------
    pairs : DataFrame, matrix or None
        With a column ``distance``; None to measure between points.
    unserved : float or None
        What counts as distance of a zone without an open pair; needed with pairs.
    zones, sites : (Places, Points)
    faults : FaultList
    """
    before = len(faults.faults)
    if pairs is not None:
        zone_ptr, site_idx, distance = read_pairs(pairs, "distance", zones[0], sites[0], faults)
        longest = float(distance.max()) if len(distance) else 0.0
        if unserved is None or not np.isfinite(unserved) or not within(longest, unserved):
            faults.add("unserved", "", unserved, f"a finite number, at least {longest:g}")
        if len(faults.faults) > before or unserved is None:
            return None
        return PairDistances(
            Lists(zone_ptr, site_idx), np.minimum(distance, unserved), float(unserved),
            len(sites[0]),
        )  # fmt: skip
    if unserved is not None:
        faults.add("unserved", "", unserved, "only with distances given as pairs")
    for places, points in (zones, sites):
        if points is None:
            faults.add(places.role, "lon, lat", "no usable coordinates",
                       "columns lon and lat, or point geometry; or pass distances")  # fmt: skip
    zone_points, site_points = zones[1], sites[1]
    if zone_points is None or site_points is None:
        return None
    if zone_points.plane != site_points.plane:
        faults.add("sites", "crs", site_points.plane or "degrees",
                   f"zones are in {zone_points.plane or 'degrees'}: .to_crs() one")  # fmt: skip
    if len(faults.faults) > before:
        return None
    return PointDistances(
        zone_points.xyz_km(), site_points.xyz_km(), on_sphere=not zone_points.plane
    )
