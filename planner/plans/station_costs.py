"""What stations take of new money at each site, from the instance's rows: what stands is paid."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance
from planner.units import QUARTERS_PER_YEAR

FloatArray = NDArray[np.float64]


def least_cost(cost: FloatArray, fits: NDArray[np.bool_]) -> FloatArray:
    """Cost of the cheapest type that fits each site, shape (num_sites,); NaN where none does.

    Parameters
    ----------
    cost : ndarray, shape (num_sites, num_types)
    fits : bool ndarray, shape (num_sites, num_types)

    Examples
    --------
    >>> least_cost(np.array([[3.0, 2.0], [3.0, 2.0]]), np.array([[True, False], [False, False]]))
    array([ 3., nan])
    """
    least = np.where(fits, cost, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(least), least, np.nan)


def least_cost_cny(instance: Instance) -> FloatArray:
    """New money for the cheapest station type that fits each site; NaN if none fits."""
    return least_cost(new_money_cny(instance), fitting_types(instance))


def least_cost_cny_per_year(instance: Instance) -> FloatArray:
    """Payments and opex of the type that takes least at each site; NaN if none fits."""
    opex = instance.stations["opex_cny_per_year"].to_numpy(float)
    return least_cost(
        yearly_payment(instance) * new_money_cny(instance) + opex, fitting_types(instance)
    )


def yearly_payment(instance: Instance) -> float:
    """What an investment of 1 takes in equal payments at the end of each of a station's years."""
    rate, years = instance.scenario.costs.interest_rate, instance.scenario.siting.station_years
    return rate / (1 - (1 + rate) ** -years) if rate > 0 else 1 / years


def standing_type_ids(instance: Instance) -> "pd.Series[str]":
    """Type of the station that stands at each existing site, by site_id.

    Where the table of sites states none, the smallest that has room; missing if none has.
    """
    sites, room = instance.sites, _has_room(instance)
    ids = instance.stations["station_type_id"].to_numpy(object)
    smallest_first = instance.stations.sort_values(["bays", "station_type_id"]).index.to_numpy()
    found: dict[str, str | None] = {}
    stated = sites["station_type_id"] if "station_type_id" in sites.columns else None
    for row in np.flatnonzero(sites["status"] == "existing"):
        type_id = None if stated is None or pd.isna(stated.iloc[row]) else stated.iloc[row]
        if type_id is None:
            type_id = next((ids[kind] for kind in smallest_first if room[row, kind]), None)
        found[sites["site_id"].iloc[row]] = type_id
    return pd.Series(found, dtype="str")


def worn_out_sites(instance: Instance) -> set[str]:
    """Existing sites whose station has reached the end of its life by the planning quarter."""
    sites, scenario = instance.sites, instance.scenario
    if "opened" not in sites.columns:
        return set()
    dated = sites[(sites["status"] == "existing") & sites["opened"].notna()]
    year, quarter = _year_and_quarter(scenario.planning_quarter)
    return {
        site_id
        for site_id, opened in zip(dated["site_id"], dated["opened"], strict=True)
        if (year - _year_and_quarter(opened)[0])
        + (quarter - _year_and_quarter(opened)[1]) / QUARTERS_PER_YEAR
        >= scenario.siting.station_years
    }


def closing_cny(instance: Instance) -> float:
    """What the stations that close take [CNY]."""
    if "closing_cny" not in instance.sites.columns:
        return 0.0
    closes = instance.sites["status"] == "closing"
    return float(instance.sites.loc[closes, "closing_cny"].fillna(0.0).sum())


def _year_and_quarter(name: str) -> tuple[int, int]:
    return int(name[:4]), int(name[-1])


def _has_room(instance: Instance) -> NDArray[np.bool_]:
    """Whether each site has the room and the power for a type, shape (num_sites, num_types)."""
    sites, types = instance.sites, instance.stations
    fits = np.ones((len(sites), len(types)), bool)
    for limit, need in (("max_bays", "bays"), ("grid_kw", "grid_kw")):
        if limit in sites.columns:
            fits &= types[need].to_numpy(float) <= sites[limit].to_numpy(float)[:, None]
    return fits


def _standing_rows(instance: Instance) -> Iterator[tuple[int, int, bool]]:
    """Row of each existing site, row of the type that stands there, and whether it is worn out."""
    rows = pd.Index(instance.sites["site_id"])
    kinds = pd.Index(instance.stations["station_type_id"])
    worn_out = worn_out_sites(instance)
    for site_id, type_id in standing_type_ids(instance).dropna().items():
        yield rows.get_loc(site_id), kinds.get_loc(type_id), site_id in worn_out


def fitting_types(instance: Instance) -> NDArray[np.bool_]:
    """Whether each type may stand at each site, shape (num_sites, num_types).

    Types in the order of the instance. A new station has the site's room and power and a type on
    offer; one that stands stays or grows, unless it is worn out; a committed one has its stated
    type.
    """
    sites, types = instance.sites, instance.stations
    fits = _has_room(instance)
    if "offered" in types.columns:
        fits &= types["offered"].to_numpy(bool)
    bays = types["bays"].to_numpy()
    for row, kind, is_worn_out in _standing_rows(instance):
        if not is_worn_out:
            fits[row] &= bays > bays[kind]
        fits[row, kind] = True
    if "station_type_id" in sites.columns:
        stated = sites["station_type_id"].where(sites["status"] == "committed")
        for site, type_id in enumerate(stated):
            if not pd.isna(type_id):
                fits[site] = (types["station_type_id"] == type_id).to_numpy()
    return fits


def new_money_cny(instance: Instance) -> FloatArray:
    """What each type takes at each site, whether it fits or not, shape (num_sites, num_types).

    Nothing for a station that stands as it is; for a larger one what its capex exceeds that of the
    old one by, and ``enlarging_cny``; capex where it is worn out; capex and plot elsewhere [CNY].
    """
    sites, capex = instance.sites, instance.stations["capex_cny"].to_numpy(float)
    cost = np.tile(capex, (len(sites), 1))
    if "site_cost_cny" in sites.columns:
        cost = cost + sites["site_cost_cny"].fillna(0.0).to_numpy(float)[:, None]
    for row, kind, is_worn_out in _standing_rows(instance):
        if is_worn_out:
            cost[row] = capex
            continue
        works = sites["enlarging_cny"].iloc[row] if "enlarging_cny" in sites.columns else 0.0
        cost[row] = np.maximum(capex - capex[kind], 0.0) + (0.0 if pd.isna(works) else works)
        cost[row, kind] = 0.0
    return cost
