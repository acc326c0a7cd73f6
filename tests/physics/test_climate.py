"""Hours within a month: the year's 1 % quantile lies at the design temperature."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from planner.instance import Instance
from planner.physics.climate import FALLBACK_STD_C, CityClimate, city_climate, implied_hour_std_c
from planner.units import DAYS_PER_MONTH

HARBIN = [-18.2, -12.8, -2.1, 8.0, 15.8, 21.4, 23.7, 21.8, 15.9, 6.7, -5.1, -15.6]
GUANGZHOU = [14.8, 16.6, 19.6, 23.5, 26.8, 28.7, 29.7, 29.3, 28.3, 25.2, 21.0, 16.1]


def _climate(tutorial: Instance, months: list[list[float]], design_c: list[float]) -> CityClimate:
    names = [f"c{number}" for number in range(len(months))]
    cities = pd.concat([tutorial.cities.iloc[[0]]] * len(months), ignore_index=True)
    climate = pd.DataFrame(
        [
            (name, month, mean_c, "test")
            for name, year in zip(names, months, strict=True)
            for month, mean_c in enumerate(year, start=1)
        ],
        columns=["city_id", "month", "mean_c", "source"],
    )
    cities = cities.assign(city_id=names, winter_design_c=design_c)
    return city_climate(replace(tutorial, cities=cities, climate=climate))


def test_one_percent_of_the_year_is_colder_by_integration() -> None:
    design_c = np.array([-25.2, 7.0])
    spread = implied_hour_std_c(np.array([HARBIN, GUANGZHOU]), design_c)
    for months, design, std in zip((HARBIN, GUANGZHOU), design_c, spread, strict=True):
        colder = sum(
            days * quad(norm(mean, std).pdf, mean - 12 * std, design)[0]
            for days, mean in zip(DAYS_PER_MONTH, months, strict=True)
        )
        assert colder / sum(DAYS_PER_MONTH) == pytest.approx(0.01, rel=1e-6)


@given(
    st.lists(st.floats(-30, 35), min_size=12, max_size=12),
    st.floats(0.1, 25),
    st.floats(0.1, 10),
)
def test_colder_design_day_means_wider_hours(
    months: list[float], below_c: float, further_c: float
) -> None:
    means = np.array([months, months])
    design_c = min(months) - np.array([below_c, below_c + further_c])
    narrow, wide = implied_hour_std_c(means, design_c)
    assert narrow < wide
    colder = norm.cdf((design_c[0] - np.array(months)) / narrow) @ np.array(DAYS_PER_MONTH)
    assert colder / sum(DAYS_PER_MONTH) == pytest.approx(0.01, abs=1e-9)


def test_points_are_equally_likely(tutorial: Instance) -> None:
    climate = _climate(tutorial, [HARBIN, GUANGZHOU], [-25.2, 7.0])
    hours = climate.hour_temperatures_c(24)
    assert hours.shape == (2, 12, 24)
    assert (np.diff(hours) > 0).all()
    assert hours.mean(axis=-1) == pytest.approx(climate.monthly_mean_c)
    assert hours.std(axis=-1) == pytest.approx(
        np.broadcast_to(0.974 * climate.hour_std_c[:, None], (2, 12)), rel=1e-3
    )
    fine = climate.hour_temperatures_c(2000)
    days = np.array(DAYS_PER_MONTH) / sum(DAYS_PER_MONTH)
    colder = (fine < climate.winter_design_c[:, None, None]).mean(axis=-1) @ days
    assert colder == pytest.approx(0.01, abs=3e-4)
    assert climate.hour_temperatures_c(1)[..., 0] == pytest.approx(climate.monthly_mean_c)


def test_design_day_of_every_month(tutorial: Instance) -> None:
    climate = _climate(tutorial, [HARBIN], [-25.2])
    assert climate.month_design_c[0, 0] == pytest.approx(-25.2)
    assert climate.month_design_c[0] - HARBIN == pytest.approx(-7.0)


def test_suspects_take_the_median_of_the_others_and_are_told(tutorial: Instance) -> None:
    climate = _climate(
        tutorial,
        [HARBIN, GUANGZHOU, HARBIN, HARBIN, HARBIN],
        [-25.2, 7.0, -10.0, -60.0, -18.5],
    )
    assert climate.suspects["city_id"].tolist() == ["c2", "c3", "c4"]
    warmer, wide, narrow = climate.suspects["why"]
    assert "-10 C is not below the coldest month's mean" in warmer
    assert "-60 C and monthly means imply that hours vary by" in wide
    assert "vary by 0." in narrow
    assert climate.hour_std_c[2:] == pytest.approx(np.median(climate.hour_std_c[:2]))
    assert climate.winter_design_c.tolist() == [-25.2, 7.0, -10.0, -60.0, -18.5]
    # A design day warmer than the coldest month takes nothing off, and adds nothing.
    assert climate.month_design_c[2] == pytest.approx(HARBIN)


def test_without_any_plausible_city_the_stated_spread_is_taken(tutorial: Instance) -> None:
    climate = _climate(tutorial, [HARBIN], [0.0])
    assert climate.hour_std_c.tolist() == [FALLBACK_STD_C]
    assert f"taken: {FALLBACK_STD_C} C" in climate.suspects["why"][0]
