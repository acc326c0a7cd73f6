"""Temperatures of a place, aligned to the cities of an instance."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from planner.arrays import FloatArray, IntArray
from planner.instance import Instance
from planner.units import DAYS_PER_MONTH

MONTHS = 12

COLDER_FRAC = 0.01
"""Share of the year's hours that are colder than the winter design temperature."""

PLAUSIBLE_STD_C = (2.0, 10.0)
"""Spread of a month's hours that design temperature and means may imply [C].

INF: over the 140 Chinese cities of `instances/china-140` (ERA5 means, station design
temperatures) it lies between 2.8 and 9.0; outside 2 to 10 the two sources contradict each other.
"""

BISECTIONS = 50
"""Halvings of an interval of some 10 C; ends at the precision of a float."""

FALLBACK_STD_C = 4.4
"""Spread where no city of the instance has a plausible one [C]; INF: median of those 140."""


@dataclass(frozen=True)
class CityClimate:
    """Air temperatures, one row per city in the order of ``Instance.cities``.

    Attributes
    ----------
    monthly_mean_c : ndarray, shape (num_cities, 12)
        Mean of each month, January first [C].
    winter_design_c : ndarray, shape (num_cities,)
        99 % of the year's hours are warmer [C]; as the instance states it, never changed.
    hour_std_c : ndarray, shape (num_cities,)
        Standard deviation of the hours within a month [C]; the others' median where the
        implied one is not plausible.
    snow_frac, wet_frac : ndarray, shape (num_cities, 12)
        Share of a month's days with snow on the roads, and with wet roads.
    suspects : DataFrame
        Cities whose design temperature and means contradict each other: columns ``city_id``,
        ``why``.
    """

    monthly_mean_c: FloatArray
    winter_design_c: FloatArray
    hour_std_c: FloatArray
    snow_frac: FloatArray
    wet_frac: FloatArray
    suspects: pd.DataFrame

    @property
    def coldest_month(self) -> IntArray:
        """Month of each city with the lowest mean, 0 = January; the first of equals."""
        return np.asarray(self.monthly_mean_c.argmin(axis=1), dtype=np.int64)

    @property
    def hottest_month(self) -> IntArray:
        """Month of each city with the highest mean, 0 = January; the first of equals."""
        return np.asarray(self.monthly_mean_c.argmax(axis=1), dtype=np.int64)

    @property
    def month_design_c(self) -> FloatArray:
        """Design temperature of every month, shape (num_cities, 12) [C].

        A month's mean less what the year's design temperature lies below the coldest month's
        mean; nothing is taken off where it lies above (a suspect). Not modelled: winter
        months vary more than summer months.
        """
        coldest_c = self.monthly_mean_c.min(axis=1)
        below_c = np.maximum(0.0, coldest_c - self.winter_design_c)
        return np.asarray(self.monthly_mean_c - below_c[:, None])

    def hour_temperatures_c(self, num_points: int = 24) -> FloatArray:
        """Equally likely temperatures of a month's hours.

        Parameters
        ----------
        num_points : int
            Points per month, >= 1: midpoint quantiles (k - 1/2) / n of the normal
            distribution. 24 of them have its mean and 97 % of its standard deviation.

        Returns
        -------
        ndarray, shape (num_cities, 12, num_points)
            Ascending along the last axis [C].
        """
        deviations = ndtri((np.arange(num_points) + 0.5) / num_points)
        return np.asarray(
            self.monthly_mean_c[:, :, None] + self.hour_std_c[:, None, None] * deviations
        )


def city_climate(instance: Instance) -> CityClimate:
    """Align the climate table to the cities and derive how much hours vary.

    Returns
    -------
    CityClimate
        Without gaps: a validated instance has twelve months for every city.
    """
    monthly = _by_month(instance, "mean_c")
    design = instance.cities["winter_design_c"].to_numpy(float)
    implied = implied_hour_std_c(monthly, design)
    low, high = PLAUSIBLE_STD_C
    plausible = (implied >= low) & (implied <= high)  # False for NaN
    taken = float(np.median(implied[plausible])) if plausible.any() else FALLBACK_STD_C
    return CityClimate(
        monthly_mean_c=monthly,
        winter_design_c=design,
        hour_std_c=np.where(plausible, implied, taken),
        snow_frac=_day_frac(instance, "snow_days"),
        wet_frac=_day_frac(instance, "wet_days"),
        suspects=pd.DataFrame(
            [
                (instance.cities["city_id"].iloc[city], _why(implied[city], design[city], taken))
                for city in np.flatnonzero(~plausible)
            ],
            columns=["city_id", "why"],
        ),
    )


def _by_month(instance: Instance, column: str) -> FloatArray:
    """A column of the climate table, shape (num_cities, 12)."""
    table = instance.climate.pivot(index="city_id", columns="month", values=column)
    return table.loc[instance.cities["city_id"], range(1, MONTHS + 1)].to_numpy(float)


def _day_frac(instance: Instance, column: str) -> FloatArray:
    """Share of a month's days, none where the table says nothing."""
    if column not in instance.climate:
        return np.zeros((len(instance.cities), MONTHS))
    days = np.nan_to_num(_by_month(instance, column))
    return np.asarray(np.minimum(1.0, days / np.asarray(DAYS_PER_MONTH)))


def implied_hour_std_c(monthly_mean_c: FloatArray, winter_design_c: FloatArray) -> FloatArray:
    """Spread of a month's hours that makes the design temperature the year's 1 % quantile.

    The year is a mixture of twelve normal months N(mean, std) with one spread, weighted by
    their days. Not modelled: winter hours vary more than summer hours; only the cold end is
    matched.

    Parameters
    ----------
    monthly_mean_c : ndarray, shape (num_cities, 12)
        Mean of each month [C].
    winter_design_c : ndarray, shape (num_cities,)
        1 % quantile of the year's hours [C].

    Returns
    -------
    ndarray, shape (num_cities,)
        The root s > 0 of sum_m w_m Phi((t_design - t_m) / s) = 0.01 [C]; unique, since the sum
        rises with s while the design temperature lies below every mean. NaN where it does
        not: half of the coldest month would already be 4 % of the year.

    Examples
    --------
    >>> one_season = np.full((1, 12), 10.0)  # the year is one normal distribution
    >>> implied_hour_std_c(one_season, np.array([10 - 2.326 * 5])).round(2).tolist()
    [5.0]
    """
    weights = np.asarray(DAYS_PER_MONTH) / sum(DAYS_PER_MONTH)
    coldest = monthly_mean_c.argmin(axis=1)
    below_c = np.take_along_axis(monthly_mean_c, coldest[:, None], axis=1)[:, 0] - winter_design_c
    below_c = np.where(below_c > 0, below_c, np.nan)
    # All months as cold as the coldest, and the coldest alone, enclose the root.
    low = below_c / -ndtri(COLDER_FRAC)
    high = below_c / -ndtri(COLDER_FRAC / weights[coldest])
    to_design_c = winter_design_c[:, None] - monthly_mean_c
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        too_wide = ndtr(to_design_c / middle[:, None]) @ weights > COLDER_FRAC
        low, high = np.where(too_wide, low, middle), np.where(too_wide, middle, high)
    return np.asarray((low + high) / 2)


def _why(implied_std_c: float, design_c: float, taken_c: float) -> str:
    found = (
        f"winter design temperature {design_c:g} C is not below the coldest month's mean"
        if np.isnan(implied_std_c)
        else f"winter design temperature {design_c:g} C and monthly means imply that hours vary "
        f"by {implied_std_c:.1f} C within a month"
    )
    low, high = PLAUSIBLE_STD_C
    return f"{found} ({low:g} to {high:g} C are plausible); taken: {taken_c:.1f} C"
