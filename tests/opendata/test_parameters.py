"""What must hold of the tables that every recipe copies."""

from decimal import Decimal

import pandas as pd
import pytest

from planner.opendata.parameters import read_table

MORE, LESS = 1, -1
FAVOURS_SODIUM = {
    ("curves", "lfp", "value_frac", "usable_energy"): LESS,
    ("curves", "lfp", "value_frac", "charge_power"): LESS,
    ("curves", "lfp", "value_frac", "start_heat"): MORE,
    ("curves", "sodium_ion", "value_frac", "usable_energy"): MORE,
    ("curves", "sodium_ion", "value_frac", "charge_power"): MORE,
    ("packs", "lfp", "cost_cny_per_kwh", ""): MORE,
    ("packs", "lfp", "cycle_life", ""): LESS,
    ("packs", "sodium_ion", "cost_cny_per_kwh", ""): LESS,
    ("packs", "sodium_ion", "cycle_life", ""): MORE,
    ("packs", "sodium_ion", "nominal_kwh", ""): MORE,
    # A smaller pack needs more energy per km and more swaps: dear and weak stations count more.
    ("vehicles", "", "real_use_factor", ""): LESS,
    ("stations", "", "charger_kw_per_bay", ""): MORE,
    ("stations", "", "grid_kw", ""): MORE,
    ("stations", "", "capex_cny", ""): LESS,
    ("stations", "", "opex_cny_per_year", ""): LESS,
}
"""Table, chemistry, column and quantity: whether more or less of it favours sodium-ion."""


@pytest.mark.parametrize("case", FAVOURS_SODIUM, ids="-".join)
def test_the_low_set_is_the_least_favourable_to_sodium_ion(case):
    name, chemistry, column, quantity = case
    table = read_table(name)
    if chemistry:
        table = table[table["chemistry"] == chemistry]
    if quantity:
        table = table[table["quantity"] == quantity]
    mid = pd.to_numeric(table[column])
    low, high = (pd.to_numeric(table[f"{column}_{end}"]).fillna(mid) for end in ("low", "high"))
    way = FAVOURS_SODIUM[case]
    assert len(table)
    assert (way * low <= way * mid).all()
    assert (way * mid <= way * high).all()


def test_hours_of_a_segment_add_up_to_one_to_the_digit():
    hours = read_table("hour_profile")
    for segment, rows in hours.groupby("segment"):
        assert rows["hour"].astype(int).tolist() == list(range(24)), segment
        assert sum(map(Decimal, rows["day_frac"])) == 1, segment


def test_drivers_stay_within_what_their_packs_allow():
    allowed = read_table("packs").set_index("pack_id")["soc_window_frac"].astype(float)
    vehicles = read_table("vehicles")
    used = vehicles["soc_window_frac"].astype(float)
    assert (used.to_numpy() <= allowed[vehicles["default_pack_id"]].to_numpy()).all()
