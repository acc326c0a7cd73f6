"""Which chemistry the vehicles of the coldest and of the warmest cities take."""

import pandas as pd

from planner.plans.question import share

MOST_CITIES = 10
"""Cities at either end, where there are so many."""


def cities_at_each_end(num_cities: int) -> int:
    """How many cities count as the coldest, and as the warmest: at most half, at least one.

    >>> [cities_at_each_end(num_cities) for num_cities in (1, 3, 140)]
    [1, 1, 10]
    """
    return max(1, min(MOST_CITIES, num_cities // 2))


def chemistry_shares(cities: pd.DataFrame, chemistries: list[str]) -> dict[str, float]:
    """Shares of vehicles by chemistry at both ends of the climate.

    Parameters
    ----------
    cities : DataFrame
        ``city_id, winter_design_c, vehicles`` and ``vehicles_<chemistry>``.
    chemistries : list of str

    Returns
    -------
    dict of str to float
        ``coldest_<chemistry>_frac`` and ``warmest_<chemistry>_frac``: of the swap vehicles in the
        `cities_at_each_end` with the coldest and the warmest winter design day, without a pack
        or with one.
    """
    by_cold = cities.sort_values(["winter_design_c", "city_id"])
    count = cities_at_each_end(len(cities))
    ends = {"coldest": by_cold.head(count), "warmest": by_cold.tail(count)}
    return {
        f"{end}_{chemistry}_frac": share(
            rows[f"vehicles_{chemistry}"].sum(), rows["vehicles"].sum()
        )
        for chemistry in chemistries
        for end, rows in ends.items()
    }
