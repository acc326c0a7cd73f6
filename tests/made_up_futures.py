"""Tables of a plan for three futures, made up by hand."""

from collections.abc import Sequence

import pandas as pd

FUTURES = ("base", "cold winter", "few <b>taxis</b>")


def make_future_tables(
    sites: Sequence[str], city_id: str, places: Sequence[tuple[float, float]]
) -> dict[str, pd.DataFrame]:
    """The tables of a run whose plan has all sites but the last."""
    future = pd.DataFrame(
        {
            "future": FUTURES,
            "weight": [0.5, 0.3, 0.2],
            "changes": ["", "winter of 2008", "taxis of fleet times 0.6 & fewer"],
            "swaps_per_day_asked": [180.0, 210.0, 120.0],
            "swaps_per_day_served": [100.0, 104.0, 96.0],
            "served_frac": [100 / 180, 104 / 210, 96 / 120],
            "best_lower": [101.0, 108.0, 96.0],
            "best_upper": [102.5, 113.4, 97.2],
            "regret_low_frac": [1 - 100 / 101, 1 - 104 / 108, 0.0],
            "regret_high_frac": [1 - 100 / 102.5, 1 - 104 / 113.4, 1 - 96 / 97.2],
        }
    )
    measure = pd.DataFrame(
        [
            ("expected", 100.4, 102.8, "swaps/day", "served by the plan, mean over the futures"),
            ("vss", 0.0, 1.4, "swaps/day", "what planning for all futures brings"),
            ("regret", 0.037, 0.083, "1", "largest regret of the plan over the futures"),
        ],
        columns=["measure", "low", "high", "unit", "meaning"],
    )
    num = len(sites)
    best = {
        "best_in_base": [True] * num,
        "best_in_cold winter": [True, *([False] * (num - 2)), True],
        "best_in_few <b>taxis</b>": [True, *([False] * (num - 1))],
    }
    chosen = sum(
        weight * pd.Series(flags, dtype=float)
        for weight, flags in zip(future["weight"], best.values(), strict=True)
    )
    future_site = pd.DataFrame(
        {
            "site_id": list(sites),
            "city_id": city_id,
            "lon": [lon for lon, _ in places],
            "lat": [lat for _, lat in places],
            "in_plan": [*([True] * (num - 1)), False],
            "chosen_frac": chosen,
            **best,
        }
    )
    future_opening = pd.DataFrame(
        {
            "future": [FUTURES[0], FUTURES[0], FUTURES[1]],
            "site_id": [sites[0], sites[1], sites[0]],
            "quarter": ["2027Q1", "2027Q2", "2027Q1"],
            "station_type_id": ["small", "small", "large"],
        }
    )
    return {
        "future": future, "measure": measure, "future_site": future_site,
        "future_opening": future_opening,
    }  # fmt: skip
