"""A pack's turn in the bay: exact against a fine grid, and what must hold at any temperature."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.physics.station_rate import fastest_turn, swaps_per_hour
from planner.physics.vehicle_range import TemperatureCurve

CURVES = pd.read_csv(Path(__file__).parents[2] / "instances" / "china-140" / "curves.csv")
BAY = {
    "energy_kwh": 31.4,
    "nominal_kwh": 56.0,
    "charger_kw": 62.5,
    "handling_s": 300.0,
    "heater_kw": 6.0,
    "heat_kwh_per_kwh_k": 0.002,
    "charger_efficiency_frac": 0.94,
}


def _charge_power(chemistry: str) -> TemperatureCurve:
    rows = CURVES.query("chemistry == @chemistry and quantity == 'charge_power'")
    rows = rows.sort_values("temperature_c")
    return TemperatureCurve(rows["temperature_c"].to_numpy(), rows["value_frac"].to_numpy())


@st.composite
def _curves(draw: st.DrawFn) -> TemperatureCurve:
    gaps = draw(st.lists(st.floats(0.5, 30), min_size=1, max_size=4))
    frac = st.just(0.0) | st.floats(0.001, 1)
    values = draw(st.lists(frac, min_size=len(gaps) + 1, max_size=len(gaps) + 1))
    return TemperatureCurve(-30 + np.cumsum([0.0, *gaps]), np.array(values))


@given(
    _curves(),
    st.floats(-45, 60),
    st.floats(1, 80),
    st.floats(0.5, 40),
    st.floats(10, 400),
)
def test_no_temperature_on_a_fine_grid_is_faster(
    curve: TemperatureCurve, arrive_c: float, energy: float, heater_kw: float, charger_kw: float
) -> None:
    bay = BAY | {"energy_kwh": energy, "heater_kw": heater_kw, "charger_kw": charger_kw}
    turn = fastest_turn(arrive_c, charge_power=curve, **bay)
    least = max(arrive_c, curve.temperature_c[0])
    grid = np.linspace(least, max(least, curve.temperature_c[-1]), 20_001)
    power = charger_kw * curve.at(grid, outside="hold")
    with np.errstate(divide="ignore"):
        hours = 0.112 * (grid - arrive_c) / heater_kw + energy / power + 300 / 3600
    best = hours.min()
    if np.isinf(best):
        assert np.isinf(turn.turn_h)
        return
    assert turn.turn_h <= best + 1e-9
    # And it is attained: the stated temperature gives the stated time.
    at_c = float(turn.charge_at_c)
    attained = energy / (charger_kw * float(curve.at(at_c, outside="hold")))
    assert turn.turn_h == pytest.approx(0.112 * (at_c - arrive_c) / heater_kw + attained + 1 / 12)
    assert turn.grid_kwh == pytest.approx(energy / 0.94 + 0.112 * (at_c - arrive_c))
    # Its parts add up to the turn, and what they draw to its energy.
    assert 300 / 3600 + turn.heat_h + turn.charge_h == pytest.approx(turn.turn_h)
    assert turn.charge_kw == pytest.approx(charger_kw * curve.at(at_c, outside="hold") / 0.94)
    drawn = turn.heat_h * heater_kw + turn.charge_h * turn.charge_kw
    assert drawn == pytest.approx(turn.grid_kwh, rel=1e-9)


def test_lfp_is_warmed_and_sodium_is_not() -> None:
    lfp = fastest_turn(-20.0, charge_power=_charge_power("lfp"), **BAY)
    sodium = fastest_turn(
        -20.0, charge_power=_charge_power("sodium_ion"), **(BAY | {"nominal_kwh": 45.0})
    )
    assert lfp.charge_at_c > 0
    assert sodium.charge_at_c == -20.0
    assert lfp.turn_h > 1.5 * sodium.turn_h
    assert sodium.grid_kwh == pytest.approx(31.4 / 0.94)
    assert lfp.grid_kwh > sodium.grid_kwh


def test_a_strong_heater_warms_to_where_the_power_no_longer_grows() -> None:
    lfp = TemperatureCurve(np.array([0.0, 25.0, 60.0]), np.array([0.0, 1.0, 1.0]))
    weak, strong = (
        fastest_turn(-20.0, charge_power=lfp, **(BAY | {"heater_kw": heater}))
        for heater in (0.5, 1000.0)
    )
    assert 0 < weak.charge_at_c < 25.0
    # Interior optimum by hand: f* = sqrt(E s P_heat / (P C)), f = t / 25.
    assert weak.charge_at_c == pytest.approx(25 * np.sqrt(31.4 / 25 * 0.5 / (62.5 * 0.112)))
    assert strong.charge_at_c == 25.0


@given(st.floats(-40, 40), st.floats(0, 30), st.sampled_from(["lfp", "sodium_ion"]))
def test_colder_arrival_never_shortens_the_turn(
    arrive_c: float, colder_by: float, chemistry: str
) -> None:
    warm, cold = fastest_turn(
        [arrive_c, arrive_c - colder_by], charge_power=_charge_power(chemistry), **BAY
    ).turn_h
    assert cold >= warm - 1e-12


def test_a_whole_grid_at_once() -> None:
    arrive = np.linspace(-30, 30, 140 * 4 * 4 * 12).reshape(140, 4, 4, 12)
    energy = np.linspace(20, 40, 4)[None, None, :, None]
    turn = fastest_turn(arrive, charge_power=_charge_power("lfp"), **(BAY | {"energy_kwh": energy}))
    assert turn.turn_h.shape == turn.grid_kwh.shape == turn.charge_at_c.shape == arrive.shape
    one = fastest_turn(
        arrive[7, 1, 2, 3],
        charge_power=_charge_power("lfp"),
        **(BAY | {"energy_kwh": float(energy[0, 0, 2, 0])}),
    )
    assert turn.turn_h[7, 1, 2, 3] == one.turn_h


def test_no_power_at_any_warmer_temperature() -> None:
    hot = TemperatureCurve(np.array([0.0, 45.0, 60.0]), np.array([0.0, 1.0, 0.0]))
    turn = fastest_turn([60.0, 50.0], charge_power=hot, **BAY)
    assert np.isinf(turn.turn_h[0])
    assert np.isinf(turn.charge_h[0])
    assert turn.charge_kw[0] == 0
    assert np.isfinite(turn.turn_h[1])
    assert swaps_per_hour(
        bays=30, seconds_per_swap=100, grid_kw=1500, turn_h=turn.turn_h[0],
        grid_kwh_per_swap=40.0, utilisation_frac=1.0,
    ) == 0  # fmt: skip


def test_station_rate_is_the_least_of_its_limits() -> None:
    station = {
        "bays": 30, "seconds_per_swap": 100, "grid_kw": 1500, "turn_h": 0.8,
        "grid_kwh_per_swap": 44.8, "utilisation_frac": 1.0,
    }  # fmt: skip
    assert swaps_per_hour(**station) == pytest.approx(1500 / 44.8)
    assert swaps_per_hour(**(station | {"grid_kw": 9e9})) == pytest.approx(36)  # mechanical
    assert swaps_per_hour(**(station | {"bays": 10})) == pytest.approx(10 / 0.8)
    assert swaps_per_hour(**(station | {"utilisation_frac": 0.5})) == pytest.approx(750 / 44.8)
