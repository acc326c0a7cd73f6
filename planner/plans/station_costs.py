"""What stations cost at each site, from the instance's rows: cheapest types, yearly payments."""

import numpy as np
from numpy.typing import NDArray

from planner.instance import Instance
from planner.limits import within

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
    """Cost of the cheapest station type that fits each site, plot included; NaN if none fits."""
    return least_cost(_cost_cny(instance), _fits(instance))


def least_cost_cny_per_year(instance: Instance) -> FloatArray:
    """Payments and opex of the type that takes least at each site; NaN if none fits."""
    opex = instance.stations["opex_cny_per_year"].to_numpy(float)
    return least_cost(yearly_payment(instance) * _cost_cny(instance) + opex, _fits(instance))


def yearly_payment(instance: Instance) -> float:
    """What an investment of 1 takes in equal payments at the end of each of a station's years."""
    rate, years = instance.scenario.costs.interest_rate, instance.scenario.siting.station_years
    return rate / (1 - (1 + rate) ** -years) if rate > 0 else 1 / years


def _fits(instance: Instance) -> NDArray[np.bool_]:
    """Whether each type fits each site, shape (num_sites, num_types)."""
    sites, types = instance.sites, instance.stations
    fits = np.ones((len(sites), len(types)), bool)
    for limit, need in (("max_bays", "bays"), ("grid_kw", "grid_kw")):
        if limit in sites.columns:
            fits &= within(types[need].to_numpy(float), sites[limit].to_numpy(float)[:, None])
    return fits


def _cost_cny(instance: Instance) -> FloatArray:
    """Cost of each type at each site, whether it fits or not, shape (num_sites, num_types)."""
    sites, types = instance.sites, instance.stations
    cost = np.tile(types["capex_cny"].to_numpy(float), (len(sites), 1))
    if "site_cost_cny" in sites.columns:
        cost = cost + sites["site_cost_cny"].to_numpy(float)[:, None]
    return cost
