"""Physics: pinned values, shapes, and what must hold at any temperature."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import OutOfDomainError
from planner.throughput import swaps_per_hour
from planner.vehicle_range import (
    TemperatureCurve,
    consumption_kwh_per_km,
    heat_pump_cop,
    pack_temperature_c,
    swaps_per_vehicle_day,
    usable_energy_kwh,
)

LFP = TemperatureCurve(np.array([-20.0, 0.0, 25.0]), np.array([0.7, 0.8, 1.0]))
CAR = {
    "base_kwh_per_km": 0.109,
    "drag_frac": 0.35,
    "speed_kmh": 33.0,
    "cabin_loss_kw_per_k": 0.09,
    "auxiliary_kw": 0.3,
    "cabin_c": 20.0,
    "tyre_loss_per_k": 0.002,
}


def test_curve_holds_or_raises_outside_its_domain() -> None:
    assert LFP.at([-20, -10, 12.5]).tolist() == pytest.approx([0.7, 0.75, 0.9])
    assert LFP.is_outside([-20.1, -20, 25, 25.1]).tolist() == [True, False, False, True]
    with pytest.raises(OutOfDomainError, match="-20 to 25 C"):
        LFP.at(-27)
    assert LFP.at(-27, outside="hold") == 0.7
    with pytest.raises(ValueError, match="ascending"):
        TemperatureCurve(np.array([0.0, 0.0]), np.array([1.0, 1.0]))


def test_consumption_by_hand() -> None:
    # At -6.7 C without cabin heat: drag +10.0 %, tyres +5.3 %; AAA measured 12 % less range.
    unheated = consumption_kwh_per_km(
        -6.7, heating_cop=1.0, **(CAR | {"cabin_loss_kw_per_k": 0.0, "auxiliary_kw": 0.0})
    )
    assert unheated == pytest.approx(0.109 * (0.35 * 293.15 / 266.45 + 0.65 * 1.0534), rel=1e-6)
    # Cabin heat at -20 C by resistor: 3.6 kW at 33 km/h.
    heat = consumption_kwh_per_km(-20.0, heating_cop=1.0, **CAR) - consumption_kwh_per_km(
        -20.0, heating_cop=1.0, **(CAR | {"cabin_loss_kw_per_k": 0.0})
    )
    assert heat == pytest.approx(3.6 / 33)


def test_heat_pump_fades_to_a_resistor() -> None:
    cop = heat_pump_cop([-30, -12, -1, 10, 25], cop_mild=3.0, limit_c=-12.0)
    assert cop.tolist() == pytest.approx([1, 1, 2, 3, 3])


@given(st.floats(-40, 40), st.floats(0, 20))
def test_colder_is_never_better(ambient_c: float, colder_by: float) -> None:
    colder_c = max(-40.0, ambient_c - colder_by)
    for cop in (1.0, 3.0):
        warm, cold = (
            consumption_kwh_per_km(t, heating_cop=cop, **CAR) for t in (ambient_c, colder_c)
        )
        assert cold >= warm - 1e-12
    assert LFP.at(colder_c, outside="hold") <= LFP.at(ambient_c, outside="hold") + 1e-12


def test_soak_between_station_and_air() -> None:
    assert pack_temperature_c(-20, [0, 0.25, 1], station_c=20).tolist() == [20, 10, -20]


def test_swaps_by_hand() -> None:
    energy = usable_energy_kwh(56, 0.8, 0.75)
    assert energy == pytest.approx(33.6)
    assert swaps_per_vehicle_day(500, 0.21, energy, 1.0) == pytest.approx(3.125)


def test_station_rate_is_the_least_of_its_limits() -> None:
    station = {
        "bays": 30,
        "seconds_per_swap": 100,
        "handling_s": 300,
        "charger_kw_per_bay": 62.5,
        "grid_kw": 1500,
        "energy_per_swap_kwh": 44.8,
        "charge_power_frac": 1.0,
        "utilisation_frac": 1.0,
    }
    assert swaps_per_hour(**station) == pytest.approx(1500 / 44.8)
    assert swaps_per_hour(**(station | {"grid_kw": 9e9})) == pytest.approx(36)  # mechanical
    turn_h = 44.8 / 62.5 + 300 / 3600
    assert swaps_per_hour(**(station | {"bays": 10})) == pytest.approx(10 / turn_h)
    assert swaps_per_hour(**(station | {"charge_power_frac": 0.0})) == 0
    assert swaps_per_hour(**(station | {"utilisation_frac": 0.5})) == pytest.approx(750 / 44.8)
