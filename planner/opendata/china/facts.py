"""Census and climate facts of China's cities and counties, corrected and completed openly."""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Facts:
    """What is known of the cities and counties.

    Attributes
    ----------
    cities : DataFrame
        Planned cities by ``city_id``: names, seat, population, climate.
    counties : DataFrame
        All counties of the country by ``county_id``: centre, area, residents, urban share,
        ``car_owning_households``, and whether the county is ``planned``: part of a planned
        city and with people in it.
    filled : DataFrame
        Counties of planned cities whose households were filled in or left at 0.
    left_out : DataFrame
        Counties listed with a planned city that are governed by its province instead.
    corrected : DataFrame
        Planned cities whose name or seat was corrected, with the ``reason``.
    """

    cities: pd.DataFrame
    counties: pd.DataFrame
    filled: pd.DataFrame
    left_out: pd.DataFrame
    corrected: pd.DataFrame


def read_facts(num_cities: int, unknown_county_area_km2: float) -> Facts:
    """Read the fact tables, correct names and seats, and fill in what the census leaves out.

    Parameters
    ----------
    num_cities : int
        Cities planned for: those with the largest urban population of 2020.
    unknown_county_area_km2 : float
        Area of a county whose density is not known.

    Returns
    -------
    Facts
        Sorted by id.
    """
    cities = _read_cities(num_cities)
    counties = _read_csv("counties", ["county_id", "city_id"])
    density = counties["ghsl_density_per_km2"].to_numpy()
    known = density >= 1
    counties["area_km2"] = np.where(
        known, counties["ghsl_population"] / np.where(known, density, 1.0), unknown_county_area_km2
    )
    counties["residents"] = counties["population_2020"].fillna(0.0)
    counties["urban_frac"] = counties["urban_frac"].fillna(0.0)
    in_city = counties["city_id"].isin(cities["city_id"])
    left_out = counties[in_city & _is_governed_by_province(counties)]
    in_city &= ~_is_governed_by_province(counties)
    counties, filled = _fill_households(counties, in_city, cities)
    counties["planned"] = in_city & (counties["car_owning_households"] > 0)
    corrected = _read_csv("city_corrections", ["city_id"])
    corrected = corrected[corrected["city_id"].isin(cities["city_id"])]
    return Facts(cities, counties, filled, left_out, corrected)


def _read_csv(name: str, ids: list[str]) -> pd.DataFrame:
    path = files("planner.opendata") / "facts" / f"{name}.csv"
    with path.open(encoding="utf-8") as stream:
        frame = pd.read_csv(stream, dtype=dict.fromkeys(ids, "str"))
    return frame.sort_values(ids[0], ignore_index=True)


def read_all_cities() -> pd.DataFrame:
    """Read the census and climate figures of all prefecture-level cities, planned or not.

    Returns
    -------
    DataFrame
        As in the fact table, sorted by ``city_id``; names and seats not corrected.
    """
    return _read_csv("cities", ["city_id"])


def _read_cities(num_cities: int) -> pd.DataFrame:
    cities = read_all_cities()
    ranked = cities.sort_values(["urban_population_2020", "city_id"], ascending=[False, True])
    cities = ranked.head(num_cities).sort_values("city_id").set_index("city_id")
    corrections = _read_csv("city_corrections", ["city_id"]).set_index("city_id")
    corrections = corrections.drop(columns="reason")
    cities[corrections.columns] = corrections.reindex(cities.index).combine_first(
        cities[corrections.columns]
    )[corrections.columns]
    # GeoNames writes Xi’an; plain ASCII survives every file format and search box.
    cities["name_en"] = cities["name_en"].str.replace("’", "'", regex=False)
    if not cities["name_en"].is_unique:
        raise ValueError("two cities bear the same name; add a row to city_corrections.csv")
    return cities.reset_index()


def _is_governed_by_province(counties: pd.DataFrame) -> "pd.Series[bool]":
    """Counties listed with a capital city whose code shows that they are not part of it."""
    city, county = counties["city_id"], counties["county_id"]
    is_municipality = city.str[:2].isin(["11", "12", "31", "50"])
    return (county.str[:4] != city.str[:4]) & ~is_municipality


def _fill_households(
    counties: pd.DataFrame, in_city: "pd.Series[bool]", cities: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give counties without households what is left of their city's, by residents."""
    counties = counties.copy()
    known = counties["households"].notna()
    of_city = counties["city_id"].where(in_city)
    counted = counties["households"].groupby(of_city).sum()
    left = cities.set_index("city_id")["households"] - counted.reindex(cities["city_id"])
    empty_residents = counties["residents"].where(~known).groupby(of_city).sum()
    rows = in_city & ~known
    city = counties.loc[rows, "city_id"]
    has_people = counties.loc[rows, "residents"] > 0
    share = counties.loc[rows, "residents"] / city.map(empty_residents).where(has_people, 1.0)
    if (city.map(left)[has_people] <= 0).any():
        raise ValueError("no households left for a county without them")
    counties.loc[rows, "households"] = (share * city.map(left)).where(has_people, 0.0)
    car_frac = cities.set_index("city_id")["car_owning_households_frac"]
    counties.loc[rows, "car_owning_households_frac"] = city.map(car_frac)
    counties["car_owning_households"] = (
        (counties["households"] * counties["car_owning_households_frac"]).fillna(0.0)
    )  # fmt: skip
    filled = counties.loc[
        rows, ["county_id", "city_id", "name_zh", "residents", "households"]
    ].reset_index(drop=True)
    return counties, filled
