"""What may be built by period, from the scenario's settings and the table of build rates."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance import Instance
from planner.plans.station_costs import closing_cny


@dataclass(frozen=True)
class BuildLimits:
    """Limits by period; inf where there is none.

    Attributes
    ----------
    openings : ndarray, shape (num_periods,)
        New stations of the nation in each period, or up to each if what is left carries over.
    city_openings : mapping of city_id to ndarray, shape (num_periods,)
        The same for cities that have a limit.
    budget_cny : ndarray, shape (num_periods,)
        Money in each period, or up to each if what is left carries over.
    openings_carry_over, budget_carries_over : bool
        Which of the two is meant.
    """

    openings: FloatArray
    city_openings: dict[str, FloatArray]
    budget_cny: FloatArray
    openings_carry_over: bool
    budget_carries_over: bool


def build_limits(instance: Instance) -> BuildLimits:
    """Sum the quarters of each period: a row of ``build_rates`` replaces what the settings say.

    Money for the closing of stations is none of a quarter's; it lessens what `siting.budget_cny`
    leaves for all periods together.
    """
    scenario, rates = instance.scenario, instance.build_rates
    phasing = scenario.phasing
    nation = rates[rates["city_id"].isna()].set_index("quarter")
    openings = _by_period(instance, nation["openings"], phasing.openings_per_quarter)
    budgets = nation["budget_cny"] if "budget_cny" in rates.columns else pd.Series(dtype=float)
    budget = _by_period(instance, budgets, phasing.budget_cny_per_quarter)
    cities = {
        str(city_id): _by_period(instance, rows.set_index("quarter")["openings"], None)
        for city_id, rows in rates[rates["city_id"].notna()].groupby("city_id")
    }
    if phasing.openings_carry_over:
        openings = openings.cumsum()
        cities = {city_id: amount.cumsum() for city_id, amount in cities.items()}
    if phasing.budget_carries_over:
        budget = budget.cumsum()
        if scenario.siting.budget_cny is not None:
            budget = np.minimum(budget, scenario.siting.budget_cny - closing_cny(instance))
    return BuildLimits(
        openings, cities, budget, phasing.openings_carry_over, phasing.budget_carries_over
    )


def _by_period(
    instance: Instance, stated: "pd.Series[float]", otherwise: float | None
) -> FloatArray:
    """Sums over the quarters of each period; a missing quarter, or cell, is ``otherwise``."""
    default = np.inf if otherwise is None else otherwise
    by_quarter = stated.astype(float).reindex(list(instance.scenario.quarters)).fillna(default)
    return np.array([by_quarter[list(period)].sum() for period in instance.scenario.periods])
