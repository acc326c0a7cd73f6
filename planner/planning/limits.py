"""Limits that no plan can keep, known before any road is looked at: all that limits stations.

Takes an instance's statuses of sites, limits by city, numbers, money, and of a plan over time its
rates, permits and commitments; says which of them conflict and what mends it.
"""

import math

import numpy as np
import pandas as pd

from planner.arrays import IntArray
from planner.instance import Instance
from planner.instance.tables import SHUT
from planner.planning.siting.build_rates import build_rates, committed_periods, first_periods
from planner.planning.siting.problem import city_limit
from planner.planning.siting.standing import find_standing, fitting_types, station_cost_cny
from planner.plans.station_costs import least_cost
from planner.solving.conflicts import check_plan_exists
from planner.solving.station_limits import Cap, StationLimits, limited_stations


def check_limits(instance: Instance) -> None:
    """Say which limits on stations conflict, if no plan keeps them all.

    Parameters
    ----------
    instance : Instance

    Raises
    ------
    InfeasibleError
        With minimal conflicts and repairs; sites, cities and periods by name.
    """
    check_plan_exists(limited_stations(station_limits(instance)))


def station_limits(instance: Instance) -> StationLimits:
    """All that limits the stations of an instance, whatever they are to serve.

    Parameters
    ----------
    instance : Instance
    """
    sites, cities, siting = instance.sites, instance.cities, instance.scenario.siting
    standing = find_standing(instance)
    cost = least_cost(station_cost_cny(instance, standing), fitting_types(instance, standing))
    names = {period: _name(period) for period in instance.scenario.periods}
    rates = build_rates(instance) if names else None
    phasing = instance.scenario.phasing
    status = sites["status"]
    closes = (status == "closing").to_numpy()
    closing = np.where(closes, 0.0, np.nan)
    if "closing_cny" in sites.columns:
        closing[closes] = sites["closing_cny"].fillna(0.0).to_numpy(float)[closes]
    return StationLimits(
        site_names=sites["site_id"].tolist(),
        city_names=cities["city_id"].tolist(),
        city_idx=pd.Index(cities["city_id"]).get_indexer(sites["city_id"]).astype(np.int64),
        cost=np.where(np.isnan(cost), np.inf, cost),
        forced=status.isin(["existing", "committed"]).to_numpy(),
        forbidden=status.isin(SHUT).to_numpy(),
        num_stations=_or_unlimited(siting.num_stations),
        budget=_or_unlimited(siting.budget_cny),
        least=city_limit(cities, "min_stations", 0),
        most=city_limit(cities, "max_stations", len(sites)),
        is_new=(status != "existing").to_numpy(bool),
        closing=closing,
        periods=list(names.values()) or [""],
        first=first_periods(instance) if names else np.zeros(len(sites), dtype=np.int64),
        opens=_opens(instance, bool(names)),
        openings=None if rates is None else Cap(rates.openings, phasing.openings_carry_over),
        money=None if rates is None else Cap(rates.budget_cny, phasing.budget_carries_over),
        city_openings=[]
        if rates is None
        else [Cap(each, phasing.openings_carry_over) for each in rates.city_openings],
    )


def _name(period: tuple[str, ...]) -> str:
    return period[0] if len(period) == 1 else f"{period[0]} to {period[-1]}"


def _opens(instance: Instance, is_phased: bool) -> IntArray:
    if not is_phased:
        return np.full(len(instance.sites), -1, dtype=np.int64)
    return committed_periods(instance)


def _or_unlimited(amount: float | None) -> float:
    return math.inf if amount is None else float(amount)
