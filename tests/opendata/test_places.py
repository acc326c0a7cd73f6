"""What a planner who knows the places expects of them.

Climates: ERA5 monthly means 2000-2025 (Copernicus C3S) and station design temperatures, 99 % of
hours warmer (Climate.OneBuilding.Org). Vehicles, packs and curves are the tutorial's: 56 kWh of
LFP and 45 kWh of sodium-ion in one envelope, manufacturers' figures on both sides.
"""

from dataclasses import replace

import pandas as pd
import pytest

from planner.instance import Instance
from planner.physics.climate import city_climate
from planner.physics.range_table import range_table

PLACES = {
    "Harbin": (-25.2, [-18.2, -12.8, -2.1, 8.0, 15.8, 21.4, 23.7, 21.8, 15.9, 6.7, -5.1, -15.6]),
    "Beijing": (-9.8, [-3.6, -0.1, 7.4, 15.6, 22.3, 26.6, 27.8, 26.1, 21.3, 13.4, 4.4, -2.3]),
    "Guangzhou": (7.0, [14.8, 16.6, 19.6, 23.5, 26.8, 28.7, 29.7, 29.3, 28.3, 25.2, 21.0, 16.1]),
    "Oslo": (-11.7, [-3.7, -2.9, 0.5, 5.6, 10.9, 15.1, 17.2, 15.7, 12.0, 6.6, 2.2, -2.1]),
    "Bangkok": (21.9, [26.6, 28.1, 29.6, 30.8, 30.4, 30.0, 29.4, 29.4, 28.8, 28.5, 28.0, 26.7]),
}
JANUARY = "January mean"
DESIGN = "design day"


@pytest.fixture(scope="module")
def world(tutorial: Instance) -> Instance:
    cities = pd.concat([tutorial.cities.iloc[[0]]] * len(PLACES), ignore_index=True).assign(
        city_id=list(PLACES),
        name_en=list(PLACES),
        name_zh="",
        winter_design_c=[design_c for design_c, _ in PLACES.values()],
    )
    climate = pd.DataFrame(
        [
            (name, month, mean_c, "ERA5")
            for name, (_, means) in PLACES.items()
            for month, mean_c in enumerate(means, start=1)
        ],
        columns=["city_id", "month", "mean_c", "source"],
    )
    return replace(tutorial, cities=cities, climate=climate)


def _at(world: Instance, city: str, label: str, vehicle_id: str = "private_ab") -> pd.DataFrame:
    """Rows of a vehicle's packs in a city's air on one occasion, by pack."""
    table = range_table(world, [20.0], vehicle_id=vehicle_id, city=city)
    air_c = table.places.set_index("label").loc[label, "ambient_c"]
    return table.rows[table.rows["ambient_c"] == air_c].set_index("pack_id")


def _crossover_c(world: Instance, vehicle_id: str) -> float:
    return float(range_table(world, [20.0], vehicle_id=vehicle_id).crossovers["ambient_c"].item())


def test_harbin_private_cars_go_farther_on_sodium_ion_all_january(world: Instance) -> None:
    for occasion in (JANUARY, DESIGN):
        packs = _at(world, "Harbin", occasion)
        assert packs.loc["na_25", "range_km"] > 1.05 * packs.loc["lfp_25", "range_km"]
        assert packs.loc["na_25", "swaps_per_day"] < packs.loc["lfp_25", "swaps_per_day"]


def test_harbin_winter_takes_more_than_half_of_the_summer_range(world: Instance) -> None:
    table = range_table(world, [20.0], vehicle_id="private_ab", city="Harbin")
    km = table.rows.pivot_table(index="ambient_c", columns="pack_id", values="range_km")
    assert km.loc[-25.2, "lfp_25"] < 0.5 * km.loc[20.0, "lfp_25"]
    assert km.loc[-25.2, "na_25"] > km.loc[-25.2, "lfp_25"]
    # The heater takes most of it: consumption doubles, a pack loses a third at most.
    row = table.rows.set_index(["pack_id", "ambient_c"])
    cold, mild = row.loc[("lfp_25", -25.2)], row.loc[("lfp_25", 20.0)]
    assert cold["kwh_per_100km"] > 2 * mild["kwh_per_100km"]
    assert cold["usable_kwh"] > 0.6 * mild["usable_kwh"]


def test_harbin_taxis_lose_less_for_their_packs_come_warm_from_the_station(world: Instance) -> None:
    kept = {}
    for vehicle_id in ("private_ab", "taxi_ab"):
        cold = _at(world, "Harbin", DESIGN, vehicle_id).loc["lfp_25"]
        rows = range_table(world, [20.0], vehicle_id=vehicle_id).rows.set_index("pack_id")
        kept[vehicle_id] = cold["usable_kwh"] / rows.loc["lfp_25", "usable_kwh"]
        assert cold["pack_c"] > -25.2 or vehicle_id == "private_ab"
    assert kept["taxi_ab"] > kept["private_ab"] + 0.15
    # And so LFP stays ahead in a taxi where sodium-ion is ahead in a private car.
    packs = _at(world, "Harbin", DESIGN, "taxi_ab")
    assert packs.loc["lfp_25", "range_km"] > packs.loc["na_25", "range_km"]


def test_beijing_needs_sodium_ion_on_the_design_day_but_not_in_the_mean(world: Instance) -> None:
    mean, design = _at(world, "Beijing", JANUARY), _at(world, "Beijing", DESIGN)
    assert mean.loc["lfp_25", "range_km"] > mean.loc["na_25", "range_km"]
    assert design.loc["na_25", "range_km"] > design.loc["lfp_25", "range_km"]
    hours = city_climate(world).hour_temperatures_c()[list(PLACES).index("Beijing"), 0]
    assert 0.2 < (hours < _crossover_c(world, "private_ab")).mean() < 0.5


def test_guangzhou_lfp_is_never_short(world: Instance) -> None:
    promised_km = 250.0
    coldest = _at(world, "Guangzhou", DESIGN)
    assert coldest.loc["lfp_25", "range_km"] > promised_km
    assert coldest.loc["lfp_25", "range_km"] > coldest.loc["na_25", "range_km"]


def test_oslo_lies_near_the_crossover(world: Instance) -> None:
    design_c, means = PLACES["Oslo"]
    crossover_c = _crossover_c(world, "private_ab")
    assert design_c < crossover_c < min(means)
    packs = _at(world, "Oslo", JANUARY)
    assert packs.loc["na_25", "range_km"] == pytest.approx(
        packs.loc["lfp_25", "range_km"], rel=0.03
    )


def test_bangkok_nothing_cold_moves_the_choice(world: Instance) -> None:
    design = _at(world, "Bangkok", DESIGN)
    kwh = world.packs.set_index("pack_id")["nominal_kwh"]
    assert design.loc["lfp_25", "range_km"] / design.loc["na_25", "range_km"] == pytest.approx(
        kwh["lfp_25"] / kwh["na_25"], rel=0.03
    )
    warm = range_table(world, [21.9, 30.8], vehicle_id="private_ab").rows
    # Cooling takes up to a fifth of the range, and as much with either pack.
    km = warm.pivot_table(index="ambient_c", columns="pack_id", values="range_km")
    kept = km.loc[30.8] / km.loc[21.9]
    assert kept.between(0.8, 1.05).all()
    assert kept["na_25"] == pytest.approx(kept["lfp_25"], rel=0.03)
    assert not warm["outside_curve"].any()
    assert city_climate(world).hour_temperatures_c()[list(PLACES).index("Bangkok")].min() > 15


def test_the_colder_the_city_the_more_swaps(world: Instance) -> None:
    coldest_first = ["Harbin", "Oslo", "Beijing", "Guangzhou", "Bangkok"]
    for vehicle_id in ("private_ab", "taxi_ab", "ride_hailing_ab"):
        for pack_id in ("lfp_25", "na_25"):
            swaps = [
                _at(world, city, DESIGN, vehicle_id).loc[pack_id, "swaps_per_day"]
                for city in coldest_first
            ]
            assert swaps == sorted(swaps, reverse=True)


def test_no_place_is_a_suspect(world: Instance) -> None:
    assert city_climate(world).suspects.empty
