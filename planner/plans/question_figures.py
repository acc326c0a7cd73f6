"""What the siting's objective is worth for a plan, from its own rows, without any model."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance
from planner.units import DAYS_PER_YEAR

KPI_BY_UNIT = {
    "swaps/day": "swaps_per_day_served",
    "swap-min/day": "swap_min_per_day",
    "CNY": "least_stations_cny",
    "stations": "num_stations",
    "CNY/year": "cost_cny_per_year",
}
"""The figure that is the siting's objective, by the unit that tells which question was asked."""

_LEAST_PEAK_PER_SWAP = 1e-6  # of a zone whose vehicles have packs


def objective_figures(
    instance: Instance,
    zones: pd.DataFrame,
    stations: pd.DataFrame,
    station_min: NDArray[np.float64],
) -> dict[str, float]:
    """Figures of the question that the scenario asks, and of access, which all plans have.

    Parameters
    ----------
    instance : Instance
        The scenario's question, its costs and minutes.
    zones, stations : DataFrame
        Of the evaluation.
    station_min : ndarray, shape (num_zones, n)
        Minutes to the nearest open stations, in the order of ``zones``; inf where there is none.

    Returns
    -------
    dict
        ``swaps_in_reach_frac, mean_nearest_min`` (of those swaps), and of
        p_median ``swap_min_per_day, mean_counted_min``;
        set_cover ``swaps_covered_frac, least_stations_cny``;
        facility_location ``stations_cny_per_year, drive_cny_per_year, unserved_cny_per_year,
        cost_cny_per_year``.
    """
    swaps = zones["swaps_per_day"].to_numpy(float)
    nearest_min = station_min[:, 0]
    within = np.isfinite(nearest_min)
    in_reach = swaps[within].sum()
    figures = {
        "swaps_in_reach_frac": _share(in_reach, swaps.sum()),
        "mean_nearest_min": _share((swaps[within] * nearest_min[within]).sum(), in_reach),
    }
    siting = instance.scenario.siting
    if siting.objective == "p_median":
        counted_min = np.where(within, nearest_min, siting.unserved_min)
        swap_min = (swaps * counted_min).sum()
        figures["swap_min_per_day"] = swap_min
        figures["mean_counted_min"] = _share(swap_min, swaps.sum())
    elif siting.objective == "set_cover":
        covered = np.isfinite(station_min[:, siting.cover_times - 1])
        cost = pd.Series(least_cost_cny(instance), index=instance.sites["site_id"])
        figures["swaps_covered_frac"] = _share(swaps[covered].sum(), swaps.sum())
        figures["least_stations_cny"] = cost.reindex(stations["site_id"]).sum()
    elif siting.objective == "facility_location":
        figures |= _yearly_costs(instance, zones, stations)
    return {name: float(value) for name, value in figures.items()}


def least_cost_cny(instance: Instance) -> NDArray[np.float64]:
    """Cost of the cheapest station type that fits each site, plot included; NaN if none fits."""
    return _least(_cost_cny(instance))


def least_cost_cny_per_year(instance: Instance) -> NDArray[np.float64]:
    """Payments and opex of the type that takes least at each site; NaN if none fits."""
    opex = instance.stations["opex_cny_per_year"].to_numpy(float)
    return _least(yearly_payment(instance) * _cost_cny(instance) + opex)


def _cost_cny(instance: Instance) -> NDArray[np.float64]:
    """Cost of each type at each site, inf where it does not fit, shape (num_sites, num_types)."""
    sites, types = instance.sites, instance.stations
    fits = np.ones((len(sites), len(types)), bool)
    for limit, need in (("max_bays", "bays"), ("grid_kw", "grid_kw")):
        if limit in sites.columns:
            fits &= types[need].to_numpy(float) <= sites[limit].to_numpy(float)[:, None]
    cost = np.where(fits, types["capex_cny"].to_numpy(float), np.inf)
    if "site_cost_cny" in sites.columns:
        cost = cost + sites["site_cost_cny"].to_numpy(float)[:, None]
    return cost


def _least(cost: NDArray[np.float64]) -> NDArray[np.float64]:
    least = cost.min(axis=1, initial=np.inf)
    return np.where(np.isfinite(least), least, np.nan)


def coverage_violations(
    instance: Instance,
    kpi: Mapping[str, float],
    station_min: NDArray[np.float64],
    site_min: NDArray[np.float64],
) -> list[str]:
    """What set_cover asks for and the plan lacks.

    Parameters
    ----------
    instance : Instance
        Zones in the order of the two arrays.
    kpi : mapping
        With `objective_figures`.
    station_min, site_min : ndarrays, shape (num_zones, cover_times)
        Minutes to the nearest open stations, and to the nearest sites that may hold one.
    """
    siting = instance.scenario.siting
    if siting.objective != "set_cover":
        return []
    if siting.cover_share_frac < 1.0:
        covered, asked = kpi["swaps_covered_frac"], siting.cover_share_frac
        if covered < asked - 1e-6:
            return [f"{covered:.4%} of the swaps are covered, {asked:.4%} are asked for"]
        return []
    built, possible = (np.isfinite(minutes).sum(axis=1) for minutes in (station_min, site_min))
    short = np.flatnonzero(built < possible)
    if not len(short):
        return []
    first = instance.zones["zone_id"].iloc[short[0]]
    return [
        f"{len(short)} zones have fewer than {siting.cover_times} stations within reach although "
        f"sites are there, {first} first"
    ]


def _yearly_costs(
    instance: Instance, zones: pd.DataFrame, stations: pd.DataFrame
) -> dict[str, float]:
    """Stations, drivers' time and swaps that are not served, of vehicles that have packs."""
    siting = instance.scenario.siting
    opex = instance.stations.set_index("station_type_id")["opex_cny_per_year"]
    per_year = asking_swaps_per_year(zones)
    unserved_frac = (1 - zones["served_frac"]).clip(lower=0.0)
    costs = {
        "stations_cny_per_year": yearly_payment(instance) * stations["capex_cny"].sum()
        + opex.reindex(stations["station_type_id"]).sum(),
        "drive_cny_per_year": siting.drive_cny_per_min
        * (per_year * zones["served_frac"] * zones["drive_min"].fillna(0.0)).sum(),
        "unserved_cny_per_year": siting.unserved_swap_cny * (per_year * unserved_frac).sum(),
    }
    return costs | {"cost_cny_per_year": sum(costs.values())}


def yearly_payment(instance: Instance) -> float:
    """What an investment of 1 takes in equal payments at the end of each of a station's years."""
    rate, years = instance.scenario.costs.interest_rate, instance.scenario.siting.station_years
    return rate / (1 - (1 + rate) ** -years) if rate > 0 else 1 / years


def asking_swaps_per_year(zones: pd.DataFrame) -> "pd.Series[float]":
    """Swaps that zones ask for in a year; none where the vehicles have no packs to swap."""
    asks = zones["peak_swaps_per_hour"] > _LEAST_PEAK_PER_SWAP * zones["swaps_per_day"]
    return zones["swaps_per_day"].where(asks, 0.0) * DAYS_PER_YEAR


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
