"""The physics against published tests; errors are pinned, the document is current."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner.instance.settings.physics import Physics
from planner.physics.ablation import (
    AIR_C,
    SODIUM_PACK,
    PrivateCar,
    ablation,
    contested_curves,
    swaps_per_day,
    variants,
)  # fmt: skip
from planner.physics.page_tables import format_page_tables
from planner.physics.winter_tests import (
    DRIVEN_PACK,
    SOAKED_PACK,
    START_HEAT,
    Elements,
    TemperatureCurve,
    calibration_error,
    compare_with_measurement,
    measured_tests,
    modelled,
    range_errors,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "physics.md"

# How far off the model is, and in which direction [share of the reference].
CALIBRATION = {
    "AAA 2019, 5 cars, no cabin heat": 0.015,
    "AAA 2019, 5 cars, cabin heat": -0.025,
    "AAA 2019, 5 cars, 35 C, air conditioning": 0.0,
    "Recurrent 2024/25, cars without heat pump": 0.018,
    "Recurrent 2024/25, cars with heat pump": 0.013,
    "ADAC 2024, 15 cars, WLTC from a cold start": -0.097,
    "Dongchedi, Dec 2022, mild: 45 cars": 0.043,
    "Autohome, mild: 2 cars": -0.082,
    "Xiaomi SU7 Max, energy of the driven pack": -0.03,
    "Range that packed snow takes": 0.0,
}
HELD_OUT = {
    "AAA 2019, 5 cars, 35 C, no air conditioning": 0.055,
    "Recurrent 2025/26, 34 models": 0.063,
    "ADAC 2026, motorway at 0 C over WLTP": 0.021,
    "AAA, later report, cabin heat": 0.032,
    "Argonne, Nissan Leaf 2012, city cycle": -0.206,
    "Argonne, Nissan Leaf 2012, highway cycle": -0.028,
    "NAF Jan 2025, 24 cars": 0.038,
    "NAF Jan 2026, 24 cars": 0.019,
    "Dongchedi, Dec 2022, cold: LFP among the best 15": -0.015,
    "Dongchedi, Dec 2022, cold: NMC among the best 15": 0.021,
    "Autohome Dec 2025, Yakeshi, heated LFP pack": 0.025,
    "Autohome Dec 2025, Yakeshi, best consumption": 0.02,
    "Autohome Dec 2024, Hulunbuir: Xiaomi SU7": -0.025,
}


@pytest.mark.parametrize(("role", "errors"), [("calibration", CALIBRATION), ("held out", HELD_OUT)])
def test_errors_are_as_documented(role: str, errors: dict[str, float]) -> None:
    table = compare_with_measurement()
    found = table[table["role"] == role].set_index("name")["error"]
    assert found.to_dict() == pytest.approx(errors, abs=0.004)


def test_errors_are_within_the_goals() -> None:
    errors = range_errors(compare_with_measurement()).set_index("role")
    assert abs(errors.loc["all", "mean"]) < 2
    assert (errors["rmse"] < 5).all()
    cold = compare_with_measurement().set_index("name").loc[list(CALIBRATION)[5]]
    assert abs(cold["modelled"] / cold["measured"] - 1) < 0.10


def test_table_of_tests_is_sound() -> None:
    table = measured_tests()
    assert table["name"].is_unique
    assert (table["measured_low"] <= table["measured"]).all()
    assert (table["measured"] <= table["measured_high"]).all()
    assert table["source"].str.match(r"(M|M second-hand|INF): ").all()
    assert table["assumed"].notna().all()
    assert table["nominal_kwh"].notna().equals(table["pack"] == "heated")
    assert set(table["quantity"]) == {"range", "consumption", "energy", "snow"}


def test_a_test_by_hand() -> None:
    # -20 C, resistor, drag and rest half each, one start for 50 km, packed snow, LFP pack.
    test = pd.DataFrame(
        {
            "quantity": ["range"], "ambient_c": [-20.0], "reference_c": [20.0],
            "base_kwh_per_km": [0.1], "drag_frac": [0.5], "speed_kmh": [50.0],
            "rated_speed_kmh": [np.nan], "rating": ["cltc"], "heating": ["resistive"],
            "cabin_c": [20.0], "cooled": [0], "pack": ["heated"], "nominal_kwh": [60.0],
            "trip_km": [50.0], "snow_frac": [1.0], "wet_frac": [0.0],
        }
    )  # fmt: skip
    traction = 0.115 * (0.5 * 293.15 / 253.15 + 0.5 * (1 + 0.003 * 40) * 1.35)
    start = (0.075 * 40 + 0.05 * 60) / 50
    usable = 0.97 / (0.97 + 0.03 * 40 / 45)
    expected = usable * 0.1 / (traction + 0.09 * 40 / 50 + start)
    assert modelled(test, Elements(Physics())) == pytest.approx([expected], rel=1e-6)
    soaked = Elements(Physics(), heated=SOAKED_PACK, start_heat=None)
    expected = 0.7 / 0.96 * 0.1 / (traction + 0.09 * 40 / 50 + 3 / 50)
    assert modelled(test, soaked) == pytest.approx([expected], rel=1e-6)


def test_parameters_lie_near_the_calibration_s_best() -> None:
    best = min(
        calibration_error(tyres, loss)
        for tyres in (0.0, 0.002, 0.003, 0.004, 0.006)
        for loss in (0.06, 0.08, 0.09, 0.10, 0.12)
    )
    assert calibration_error(0.003, 0.09) < best + 0.005


def test_a_colder_cabin_loss_shortens_every_heated_range() -> None:
    before = compare_with_measurement()
    after = compare_with_measurement(cabin_loss_kw_per_k=0.12)
    heated = (before["heating"] != "none") & (before["quantity"] != "snow")
    is_consumption = before["quantity"] == "consumption"
    assert (after["modelled"] < before["modelled"])[heated & ~is_consumption].all()
    assert (after["modelled"] > before["modelled"])[heated & is_consumption].all()


def test_ablation_by_hand_and_by_sign() -> None:
    table = ablation().set_index("name")
    whole, none = table.iloc[0], table.iloc[-1]
    # 20 C: no heat, no cooling, no snow: (0.109 x 1.15 + 0.3 / 33) kWh/km, of which the pack
    # gives 56 x 0.6 x u(20.8 C) between swaps.
    per_day = 33 * (0.109 * 1.15 + 0.3 / 33) * 0.56
    assert whole["lfp_20"] == pytest.approx(per_day / (56 * 0.6 * 0.9972), rel=1e-3)
    swaps = [name for name in table if name.startswith("lfp_")]
    assert (whole[swaps] >= none[swaps]).all()
    less = ["rating taken as real use", "no warming of the cabin at a start",
            "no packed snow, no wet roads", "curve set `driven_no_heat`"]  # fmt: skip
    assert (table.loc[less, "lfp_-20"] < whole["lfp_-20"]).all()
    more = ["no limit of the cabin's heater", "no own heat while driving",
            "nothing left of the last start's heat", "curve set `soaked_cells`"]  # fmt: skip
    assert (table.loc[more, "lfp_-20"] > whole["lfp_-20"]).all()
    assert table.loc["no cooling", "lfp_35"] < whole["lfp_35"]
    # What is contested decides which pack needs fewer swaps in the cold.
    assert table.loc["curve set `driven_no_heat`", "lfp_-20"] < whole["sodium_-20"]
    assert table.loc["curve set `soaked_cells`", "lfp_-20"] > whole["sodium_-20"]


def test_one_variant_of_the_private_car_is_one_swap_s_energy() -> None:
    bare = variants()[-1]
    air_c = np.array(AIR_C)
    swaps = swaps_per_day(bare, PrivateCar(), air_c)
    c20 = 0.109 + 0.3 / 33
    c35 = 0.109 * (0.35 * 293.15 / 308.15 + 0.65) + 0.3 / 33
    for at, consumption, usable in ((2, c20, 0.96), (3, c35, 1.0)):
        assert swaps[at] == pytest.approx(33 * consumption * 0.56 / (56 * 0.6 * usable))


def test_contested_curves_decide_where_sodium_ion_needs_fewer_swaps() -> None:
    table = contested_curves().set_index("curve_set")
    assert table["usable_-20"].tolist() == pytest.approx([0.97, 0.7, 0.97])
    assert table["start_kwh_-20"].tolist() == pytest.approx([2.8, 0, 0])
    # A cold-soaked pack's energy alone: 56 u(t) = 45 u_sodium(t) at -5.5 C; heat left of
    # driving and of the station shifts the air by some kelvins.
    assert table.loc["soaked_cells", "below_45"] == pytest.approx(-5.5, abs=3)
    assert table.loc["", "below_45"] < table.loc["", "below_50"] < 0
    assert np.isneginf(table.loc["driven_no_heat", ["below_45", "below_50"]].to_numpy(float)).all()


def test_document_is_current() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert format_page_tables() in text, "run: python tests/benchmarks/physics.py"
    assert (DOCUMENT.parent / "figures" / "range_over_temperature.svg").is_file()


@pytest.mark.parametrize(
    ("chemistry", "curve_set", "quantity", "curve"),
    [
        ("lfp", "", "usable_energy", DRIVEN_PACK),
        ("lfp", "", "start_heat", START_HEAT),
        ("lfp", "soaked_cells", "usable_energy", SOAKED_PACK),
        ("sodium_ion", "", "usable_energy", SODIUM_PACK),
    ],
)
def test_curves_of_the_page_are_those_of_the_instances(
    chemistry: str, curve_set: str, quantity: str, curve: TemperatureCurve
) -> None:
    with (files("planner.opendata") / "parameters" / "curves.csv").open() as stream:
        table = pd.read_csv(stream).fillna({"curve_set": ""})
    is_row = (table["chemistry"] == chemistry) & (table["quantity"] == quantity)
    rows = table[is_row & (table["curve_set"] == curve_set)].sort_values("temperature_c")
    at_c = np.linspace(-30, 45, 200)
    expected = np.interp(at_c, rows["temperature_c"], rows["value_frac"])
    assert curve.at(at_c) == pytest.approx(expected, abs=1e-4)
