"""What may be built in each period, from the scenario's settings and the table of build rates."""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.instance import Instance


class BuildRates(NamedTuple):
    """Openings and money of each period; inf where there is no limit.

    Attributes
    ----------
    openings : float array, shape (num_periods,)
        New stations of the nation.
    city_openings : float array, shape (num_cities, num_periods)
        New stations of each city.
    budget_cny : float array, shape (num_periods,)
        Money for stations [CNY].
    """

    openings: FloatArray
    city_openings: FloatArray
    budget_cny: FloatArray


def build_rates(instance: Instance) -> BuildRates:
    """Sums over the quarters of each period; a row of the table replaces the setting."""
    phasing, table = instance.scenario.phasing, instance.build_rates
    of_nation = table["city_id"].isna()
    openings = _by_period(
        instance, table[of_nation], "openings", _or_unlimited(phasing.openings_per_quarter)
    )
    budget = _by_period(
        instance, table[of_nation], "budget_cny", _or_unlimited(phasing.budget_cny_per_quarter)
    )
    by_city = np.full((len(instance.cities), len(openings)), math.inf)
    city_idx = pd.Index(instance.cities["city_id"])
    for city_id, rows in table[~of_nation].groupby("city_id"):
        by_city[city_idx.get_loc(city_id)] = _by_period(instance, rows, "openings", math.inf)
    return BuildRates(openings, by_city, budget)


def first_periods(instance: Instance) -> IntArray:
    """First period in which each site may hold a station, num_periods if in none.

    A period counts from its first day, so that a quarter amid one waits for the next.
    """
    firsts = np.array([period[0] for period in instance.scenario.periods])
    sites = instance.sites
    if "earliest_quarter" not in sites.columns:
        return np.zeros(len(sites), dtype=np.int64)
    earliest = np.searchsorted(firsts, sites["earliest_quarter"].fillna("").tolist())
    return np.where(_stands(instance), 0, earliest).astype(np.int64)


def committed_periods(instance: Instance) -> IntArray:
    """Period in which each committed site opens whose quarter is stated, -1 of all others."""
    sites, periods = instance.sites, instance.scenario.periods
    when = np.full(len(sites), -1, dtype=np.int64)
    if "opens_quarter" not in sites.columns:
        return when
    stated = (sites["status"] == "committed") & sites["opens_quarter"].notna()
    period_of = {quarter: number for number, period in enumerate(periods) for quarter in period}
    when[stated] = sites.loc[stated, "opens_quarter"].map(period_of).to_numpy(np.int64)
    return when


def most_stations(instance: Instance, otherwise: int) -> int:
    """Stations of the nation after the last period at most."""
    rate = build_rates(instance).openings.sum()
    return int(min(otherwise, _stands(instance).sum() + rate))


def most_stations_of_cities(instance: Instance, otherwise: IntArray) -> IntArray:
    """The same of each city, shape (num_cities,)."""
    city_idx = pd.Index(instance.cities["city_id"]).get_indexer(instance.sites["city_id"])
    standing = np.bincount(city_idx[_stands(instance)], minlength=len(instance.cities))
    rate = build_rates(instance).city_openings.sum(axis=1)
    most: IntArray = np.minimum(otherwise, standing + rate).astype(np.int64)
    return most


def _stands(instance: Instance) -> BoolArray:
    return np.asarray((instance.sites["status"] == "existing").to_numpy(bool))


def _or_unlimited(amount: float | None) -> float:
    return math.inf if amount is None else amount


def _by_period(instance: Instance, rows: pd.DataFrame, column: str, otherwise: float) -> FloatArray:
    """Amounts of each period's quarters together; ``otherwise`` in quarters that none is stated."""
    stated = {}
    if column in rows.columns:
        known = rows[rows[column].notna()]
        stated = dict(zip(known["quarter"], known[column].astype(float), strict=True))
    periods = instance.scenario.periods
    return np.array([sum(stated.get(name, otherwise) for name in names) for names in periods])
