"""Tables of contested curves, made up by hand: sodium-ion leaves the cold city for the warm one."""

import pandas as pd

SETS = ("base", "driven & <b>warm</b>")


def make_curve_tables(cold: str, warm: str) -> dict[str, pd.DataFrame]:
    """The tables of a run with two sets of curves and these two cities."""
    sodium = {(cold, SETS[0]): 0.75, (cold, SETS[1]): 0.1,
              (warm, SETS[0]): 0.0, (warm, SETS[1]): 0.6}  # fmt: skip
    cities = pd.DataFrame(
        {
            "city_id": [city for city, _ in sodium],
            "curve_set": [name for _, name in sodium],
            "main_chemistry": ["sodium_ion", "lfp", "lfp", "sodium_ion"],
            "is_contested": True,
            "lfp_frac": [1 - share for share in sodium.values()],
            "sodium_ion_frac": list(sodium.values()),
        }
    )
    cases = pd.DataFrame(
        {
            "curve_set": SETS,
            "is_chosen": [True, False],
            "pack_cost_cny": [50e6, 40e6],
            "regret_cny": [0.0, 6e6],
            "mean_regret_cny": [3e6, 4e6],
            "cities_extreme": 1,
            "lfp_frac": [0.325, 0.85], "sodium_ion_frac": [0.675, 0.15],
            "lfp_coldest_frac": [0.25, 0.9], "sodium_ion_coldest_frac": [0.75, 0.1],
            "lfp_warmest_frac": [1.0, 0.4], "sodium_ion_warmest_frac": [0.0, 0.6],
            "cities_lfp": 1, "cities_sodium_ion": 1,
        }
    )  # fmt: skip
    cost = pd.DataFrame(
        {
            "planned_for": [SETS[0], SETS[0], SETS[1], SETS[1]],
            "true_set": [*SETS, *SETS],
            "cost_cny": [50e6, 46e6, 58e6, 40e6],
            "vehicles_without_pack": 0.0,
        }
    )
    return {"curve_case": cases, "curve_cost": cost, "curve_city": cities}


CURVE_KPI = {"settling_cny": 3e6, "settling_cny_per_year": 12e6, "cities_contested": 2.0}
"""What these tables come to, over one quarter."""
