"""The table of monthly climate, and the days with snow on the roads that follow from it."""

import numpy as np
import pandas as pd
from scipy.special import ndtr

from planner.arrays import FloatArray

MONTHS = tuple(f"t{month:02d}_mean_c" for month in range(1, 13))
"""Columns of the fact tables: mean temperature of each month [C]."""
DAYS_OF_MONTH = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
SNOW_SOURCE = "; snow_days ?: hours below the snow limit times a share of days, see assumptions.csv"


def snow_days(
    mean_c: FloatArray,
    days: FloatArray,
    *,
    hour_spread_c: float,
    snow_limit_c: float,
    snowy_road_frac: float,
) -> FloatArray:
    """Days of a month with snow on the roads that are driven.

    ``days * snowy_road_frac * P(T < snow_limit_c)``, T normal around the month's mean.

    Parameters
    ----------
    mean_c : float array
        Mean temperature of the month [C].
    days : float array
        Days of the month.
    hour_spread_c : float
        Standard deviation of the hours' temperatures around it [K].
    snow_limit_c : float
        Warmest temperature at which snow stays on a road [C].
    snowy_road_frac : float
        Share of such days on which it lies on a driven road.

    Returns
    -------
    float array
        Days, in the shape of ``mean_c``.
    """
    cold_frac = ndtr((snow_limit_c - mean_c) / hour_spread_c)
    found: FloatArray = days * snowy_road_frac * cold_frac
    return found


def make_climate(
    cities: pd.DataFrame, source: "pd.Series[str]", value: "dict[str, float]"
) -> pd.DataFrame:
    """The table ``climate``.

    Parameters
    ----------
    cities : DataFrame
        ``city_id`` and `MONTHS`.
    source : Series of str
        Of the temperatures, by city in the order of ``cities``.
    value : mapping of str to float
        The recipe's parameters: those of `snow_days`.

    Returns
    -------
    DataFrame
        One row per city and month.
    """
    month = np.arange(1, 13)
    mean_c = cities[list(MONTHS)].to_numpy(dtype=np.float64)
    snowy = snow_days(
        mean_c,
        DAYS_OF_MONTH,
        hour_spread_c=value["hour_spread_c"],
        snow_limit_c=value["snow_limit_c"],
        snowy_road_frac=value["snowy_road_frac"],
    )
    return pd.DataFrame(
        {
            "city_id": np.repeat(cities["city_id"].to_numpy(), len(month)),
            "month": np.tile(month, len(cities)),
            "mean_c": mean_c.ravel(),
            "snow_days": snowy.round(2).ravel(),
            "source": np.repeat((source + SNOW_SOURCE).to_numpy(), len(month)),
        }
    )
