"""Temperatures of a place, aligned to the cities of an instance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.instance import Instance

MONTHS = 12


@dataclass(frozen=True)
class CityClimate:
    """Air temperatures, one row per city in the order of ``Instance.cities``.

    Attributes
    ----------
    monthly_mean_c : ndarray, shape (num_cities, 12)
        Mean of each month, January first [C].
    winter_design_c : ndarray, shape (num_cities,)
        99 % of the year's hours are warmer [C].
    """

    monthly_mean_c: NDArray[np.float64]
    winter_design_c: NDArray[np.float64]


def city_climate(instance: Instance) -> CityClimate:
    """Align the climate table to the cities.

    Returns
    -------
    CityClimate
        Without gaps: a validated instance has twelve months for every city.
    """
    table = instance.climate.pivot(index="city_id", columns="month", values="mean_c")
    monthly = table.loc[instance.cities["city_id"], range(1, MONTHS + 1)].to_numpy(float)
    return CityClimate(monthly, instance.cities["winter_design_c"].to_numpy(float))
