"""Which chemistry the vehicles of the coldest and of the warmest cities take."""

import pandas as pd

from planner.plans.question import share

NUM_CITIES = 10
"""Cities at either end; all of an instance that has fewer."""


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
        `NUM_CITIES` cities with the coldest and the warmest winter design day, without a pack
        or with one.
    """
    by_cold = cities.sort_values(["winter_design_c", "city_id"])
    ends = {"coldest": by_cold.head(NUM_CITIES), "warmest": by_cold.tail(NUM_CITIES)}
    return {
        f"{end}_{chemistry}_frac": share(
            rows[f"vehicles_{chemistry}"].sum(), rows["vehicles"].sum()
        )
        for chemistry in chemistries
        for end, rows in ends.items()
    }
