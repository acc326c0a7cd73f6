"""The cities of a region: which places count, where they end, how cold they are."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from planner.arrays import FloatArray
from planner.errors import Fault, InputError
from planner.geodesy import great_circle_km, to_sphere_km
from planner.instance.names import nearest
from planner.opendata.climate import MONTHS


def correct_entries(
    entries: Iterable[Mapping[str, Any]], corrections: pd.DataFrame
) -> list[dict[str, Any]]:
    """Correct populations that GeoNames has wrong.

    Parameters
    ----------
    entries : iterable of dict
        Places as GeoNames has them.
    corrections : DataFrame
        ``geonames_id``, ``residents``.

    Returns
    -------
    list of dict
        New entries.
    """
    right = corrections.set_index("geonames_id")["residents"].to_dict()
    return [
        {**entry, "population": right.get(entry["geonameid"], entry["population"])}
        for entry in entries
    ]


def catchment_km2(
    residents: FloatArray, residents_per_km2: float, min_radius_km: float
) -> FloatArray:
    """Area of the disc around each city whose people are the city's.

    Parameters
    ----------
    residents : float array, shape (num_cities,)
        People of each city.
    residents_per_km2 : float
        Mean density that the disc is given.
    min_radius_km : float
        Smallest disc.

    Returns
    -------
    float array, shape (num_cities,)
        In km2.

    >>> catchment_km2(np.array([1e6, 1e3]), 500.0, 10.0).round().tolist()
    [2000.0, 314.0]
    """
    area_km2: FloatArray = np.maximum(residents / residents_per_km2, np.pi * min_radius_km**2)
    return area_km2


def choose_cities(
    entries: Iterable[Mapping[str, Any]],
    min_residents: float,
    residents_per_km2: float,
    min_radius_km: float,
) -> pd.DataFrame:
    """Choose cities among places, the largest first; places on a larger one's ground are parts.

    A place whose disc of radius r lies at distance d from a larger city's of radius R has its
    own centre on that city's ground if d^2 - R^2 < -r^2, as in the power diagram that parts
    the discs afterwards.

    Parameters
    ----------
    entries : iterable of dict
        Places of the region, as GeoNames has them.
    min_residents : float
        Smallest city.
    residents_per_km2, min_radius_km : float
        See `catchment_km2`.

    Returns
    -------
    DataFrame
        ``city_id`` (country and GeoNames id), ``geonames_id``, ``name_en``, ``country_code``,
        ``lon``, ``lat``, ``residents``, ``area_km2`` and ``parts``, the names of the places
        that would have been large enough; sorted by ``city_id``. Cities of one name bear their
        id behind it.

    Raises
    ------
    InputError
        If no place is large enough.
    """
    entries = list(entries)
    large = [entry for entry in entries if entry["population"] >= min_residents]
    if not large:
        remedy = "no place of GeoNames lies in the region"
        if entries:
            most = max(entries, key=lambda entry: float(entry["population"]))
            remedy = (
                f"no place of GeoNames there has {min_residents:,.0f} people, the largest is "
                f"{most['name']} with {most['population']:,}; lower it"
            )
        raise InputError([Fault("recipe", None, "cities.min_residents", "", remedy)])
    large.sort(key=lambda entry: (-entry["population"], int(entry["geonameid"])))
    residents = np.array([entry["population"] for entry in large], dtype=np.float64)
    area_km2 = catchment_km2(residents, residents_per_km2, min_radius_km)
    chosen: list[dict[str, Any]] = []
    for entry, own_km2 in zip(large, area_km2.tolist(), strict=True):
        power_km2 = [
            float(great_circle_km(city["lon"], city["lat"], entry["longitude"], entry["latitude"]))
            ** 2
            - city["area_km2"] / np.pi
            for city in chosen
        ]
        if min(power_km2, default=0.0) < -own_km2 / np.pi:
            chosen[int(np.argmin(power_km2))]["parts"].append(entry["name"])
            continue
        chosen.append(
            {
                "city_id": f"{entry['countrycode']}-{entry['geonameid']}",
                "geonames_id": int(entry["geonameid"]),
                "name_en": entry["name"],
                "country_code": entry["countrycode"],
                "lon": entry["longitude"],
                "lat": entry["latitude"],
                "residents": float(entry["population"]),
                "area_km2": own_km2,
                "parts": [],
            }
        )
    cities = pd.DataFrame(chosen).sort_values("city_id", ignore_index=True)
    is_shared = cities["name_en"].duplicated(keep=False)
    told_apart = cities["name_en"] + " (" + cities["city_id"] + ")"
    return cities.assign(name_en=cities["name_en"].mask(is_shared, told_apart))


def keep_named(cities: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Keep the cities that a recipe names.

    Parameters
    ----------
    cities : DataFrame
        As `choose_cities` gives them.
    names : sequence of str
        English names, GeoNames ids or ``city_id``; none keeps all.

    Returns
    -------
    DataFrame
        In the same order.

    Raises
    ------
    InputError
        If a name is none of the cities', with the nearest name.
    """
    if not names:
        return cities
    keys = [
        {str(row["name_en"]), str(row["geonames_id"]), str(row["city_id"])}
        for row in cities.to_dict("records")
    ]
    faults = []
    for name in names:
        if not any(name in key for key in keys):
            near = nearest(name, cities["name_en"].astype(str))
            remedy = "no city of the region that is large enough bears this name"
            remedy += f"; did you mean {near}?" if near else ""
            faults.append(Fault("recipe", None, "cities.names", name, remedy))
    if faults:
        raise InputError(faults)
    return cities[[bool(key & set(names)) for key in keys]].reset_index(drop=True)


def trust_stations(climate: pd.DataFrame, value: Mapping[str, float]) -> pd.DataFrame:
    """Forget stations that are too far away, or too far off the fit to be right.

    Parameters
    ----------
    climate : DataFrame
        As `add_climate` takes it.
    value : mapping of str to float
        The recipe's parameters.

    Returns
    -------
    DataFrame
        With empty stations in their place.
    """
    fitted = _fit_design(climate[list(MONTHS)].to_numpy(dtype=np.float64), value)
    off_c = (climate["winter_design_c_station"] - fitted).abs()
    doubted = (climate["station_km"] > value["max_station_km"]) | (
        off_c > value["suspect_design_difference_c"]
    )
    station = ["winter_design_c_station", "station_name", "station_km"]
    return climate.assign(**{name: climate[name].mask(doubted) for name in station})


def nearest_climate(
    cities: pd.DataFrame,
    climate: pd.DataFrame,
    entries: Iterable[Mapping[str, Any]],
    max_km: float,
) -> pd.DataFrame:
    """Give each city its own climate, or else that of the nearest place that has one.

    Parameters
    ----------
    cities : DataFrame
        ``geonames_id``, ``name_en``, ``lon``, ``lat``.
    climate : DataFrame
        As `add_climate` takes it.
    entries : iterable of dict
        Places as GeoNames has them.
    max_km : float
        Farthest such place.

    Returns
    -------
    DataFrame
        The climate's columns, one row per city.

    Raises
    ------
    InputError
        Naming the cities without a climate near enough.
    """
    listed = set(climate["geonames_id"])
    where = {
        int(entry["geonameid"]): (entry["longitude"], entry["latitude"])
        for entry in entries
        if int(entry["geonameid"]) in listed
    }
    known = np.array(sorted(where), dtype=np.int64)
    lon, lat = np.array([where[place] for place in known]).reshape(-1, 2).T
    tree = KDTree(to_sphere_km(lon, lat))
    away_km, row = tree.query(to_sphere_km(cities["lon"], cities["lat"]))
    own = cities["geonames_id"].isin(known).to_numpy()
    taken = np.where(own, cities["geonames_id"], known[row])
    faults = [
        Fault(
            "recipe", None, "cities", str(name),
            f"no climate is known within {max_km:g} km; raise cities.min_residents, or give "
            "[tables.climate] with a row for it",
        )
        for name, far in zip(cities["name_en"], ~own & (away_km > max_km), strict=True)
        if far
    ]  # fmt: skip
    if faults:
        raise InputError(faults)
    found = climate.set_index("geonames_id").loc[taken].reset_index(drop=True)
    return found.assign(geonames_id=cities["geonames_id"].to_numpy())


def _fit_design(means_c: FloatArray, value: Mapping[str, float]) -> FloatArray:
    """Design temperature that the coldest month's mean suggests."""
    coldest_c = means_c.min(axis=1)
    fitted: FloatArray = (
        value["winter_design_slope"] * coldest_c + value["winter_design_intercept_c"]
    ).round(1)
    return fitted


def add_climate(
    cities: pd.DataFrame, climate: pd.DataFrame, value: Mapping[str, float]
) -> pd.DataFrame:
    """Add monthly means and winter design temperatures.

    Parameters
    ----------
    cities : DataFrame
        ``geonames_id``.
    climate : DataFrame
        By ``geonames_id``: the ERA5 means of `MONTHS`, ``relief_shift_c`` if any is known, and
        the design temperature of the nearest station where it is known.
    value : mapping of str to float
        ``winter_design_slope`` and ``winter_design_intercept_c`` of the design temperature over
        the coldest month's mean.

    Returns
    -------
    DataFrame
        The cities with the climate's columns, the means shifted, and ``winter_design_c`` with
        its ``winter_design_source``: the station's where known, the fit's elsewhere.

    Raises
    ------
    KeyError
        If a city has no climate.
    """
    found = climate.set_index("geonames_id").loc[cities["geonames_id"]].reset_index(drop=True)
    shift_c = np.zeros(len(found))
    if "relief_shift_c" in found:
        shift_c = found["relief_shift_c"].to_numpy(dtype=np.float64)
    means_c = found[list(MONTHS)].to_numpy(dtype=np.float64) + shift_c[:, None]
    fitted = _fit_design(means_c, value)
    at_station = found["winter_design_c_station"].to_numpy(dtype=np.float64)
    known = np.isfinite(at_station)
    from_station = (
        "station "
        + found["station_name"].fillna("")
        + " ("
        + found["station_km"].map("{:.0f}".format)
        + " km away), 99 % of hours warmer, Climate.OneBuilding.Org"
    )
    slope, intercept_c = value["winter_design_slope"], value["winter_design_intercept_c"]
    from_fit = f"INF: {slope:g} x mean of the coldest month - {-intercept_c:g}, no station taken"
    return cities.assign(
        **dict(zip(MONTHS, means_c.round(1).T, strict=True)),
        relief_shift_c=shift_c,
        winter_design_c=np.where(known, at_station, fitted),
        winter_design_c_fit=fitted,
        winter_design_source=from_station.where(known, from_fit),
    )
