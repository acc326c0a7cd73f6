"""The cities of the Nordic countries: which places count, where they end, how cold they are."""

from collections.abc import Collection, Iterable, Mapping
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.geodesy import great_circle_km
from planner.opendata.climate import MONTHS


def read_nordic_facts(name: str) -> pd.DataFrame:
    """Read one of the Nordic fact tables.

    Parameters
    ----------
    name : str
        ``climate``, ``links`` or ``places``.

    Returns
    -------
    DataFrame
        As in the file.
    """
    path = files("planner.opendata") / "facts" / f"nordic_{name}.csv"
    with path.open(encoding="utf-8") as stream:
        return pd.read_csv(stream)


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
    country_codes: Collection[str],
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
        Places as GeoNames has them.
    country_codes : collection of str
        Countries to look in.
    min_residents : float
        Smallest city.
    residents_per_km2, min_radius_km : float
        See `catchment_km2`.

    Returns
    -------
    DataFrame
        ``city_id`` (country and GeoNames id), ``geonames_id``, ``name_en``, ``country_code``,
        ``lon``, ``lat``, ``residents``, ``area_km2`` and ``parts``, the names of the places
        that would have been large enough; sorted by ``city_id``.
    """
    large = [
        entry
        for entry in entries
        if entry["countrycode"] in country_codes and entry["population"] >= min_residents
    ]
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
    return pd.DataFrame(chosen).sort_values("city_id", ignore_index=True)


def add_climate(
    cities: pd.DataFrame, climate: pd.DataFrame, fit: tuple[float, float]
) -> pd.DataFrame:
    """Add monthly means and winter design temperatures.

    Parameters
    ----------
    cities : DataFrame
        ``geonames_id``.
    climate : DataFrame
        By ``geonames_id``: the ERA5 means of `MONTHS`, ``relief_shift_c``, and the design
        temperature of the nearest station where it is known.
    fit : pair of float
        Slope and intercept [C] of the design temperature over the coldest month's mean.

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
    shift_c = found["relief_shift_c"].to_numpy(dtype=np.float64)
    means_c = found[list(MONTHS)].to_numpy(dtype=np.float64) + shift_c[:, None]
    fitted = (fit[0] * means_c.min(axis=1) + fit[1]).round(1)
    at_station = found["winter_design_c_station"].to_numpy(dtype=np.float64)
    known = np.isfinite(at_station)
    from_station = (
        "station "
        + found["station_name"].fillna("")
        + " ("
        + found["station_km"].map("{:.0f}".format)
        + " km away), 99 % of hours warmer, Climate.OneBuilding.Org"
    )
    from_fit = f"INF: {fit[0]:g} x mean of the coldest month - {-fit[1]:g}, no station taken"
    return cities.assign(
        **dict(zip(MONTHS, means_c.round(1).T, strict=True)),
        relief_shift_c=shift_c,
        winter_design_c=np.where(known, at_station, fitted),
        winter_design_c_fit=fitted,
        winter_design_source=from_station.where(known, from_fit),
    )
