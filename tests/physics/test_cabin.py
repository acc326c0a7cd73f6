"""Energy of the cabin: pinned values, limits and directions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.physics.cabin import cooling_kw, start_energy_kwh
from planner.physics.vehicle_range import consumption_kwh_per_km, heat_pump_cop

CABIN = {"cabin_c": 20.0, "cabin_heat_kwh_per_k": 0.075, "cabin_loss_kw_per_k": 0.09}
COOLING = {
    "cabin_loss_kw_per_k": 0.09,
    "cooling_from_c": 22.0,
    "cooling_gain_kw": 1.5,
    "cooling_cop": 2.5,
}


def test_cold_start_of_the_test_cycle_by_hand() -> None:
    cop = float(heat_pump_cop(-7.0, cop_mild=3.0, limit_c=-12.0))
    assert cop == pytest.approx(1 + 2 * 5 / 22)
    start_kwh = start_energy_kwh(-7.0, parked_h=1e6, heating_cop=cop, **CABIN)
    assert start_kwh == pytest.approx(0.075 * 27 / cop, rel=1e-5)
    assert start_kwh == pytest.approx(1.4, abs=0.01)
    # With it and steady heat, 23 km at 46.5 km/h take within 10 % of 1.70 times the summer's.
    calm = {"base_kwh_per_km": 0.19, "drag_frac": 0.4, "speed_kmh": 46.5, "auxiliary_kw": 0.0,
            "cabin_c": 20.0, "tyre_loss_per_k": 0.003, "heating_cop": cop}  # fmt: skip
    cold = consumption_kwh_per_km(-7.0, cabin_loss_kw_per_k=0.09, **calm) + start_kwh / 23
    summer = consumption_kwh_per_km(23.0, cabin_loss_kw_per_k=0.0, **calm)
    assert cold / summer == pytest.approx(1.70, rel=0.10)


def test_scalar_array_and_nan() -> None:
    # Stood for as long as its time constant: half of the warmth is gone.
    tau_h = 0.075 / 0.09
    assert start_energy_kwh(0.0, parked_h=tau_h, heating_cop=2.0, **CABIN) == pytest.approx(0.375)
    values = start_energy_kwh([-20.0, 20.0, 30.0, np.nan], parked_h=1e9, heating_cop=1.0, **CABIN)
    assert values == pytest.approx([3, 0, 0, np.nan], nan_ok=True)
    assert start_energy_kwh(-20.0, parked_h=0.0, heating_cop=1.0, **CABIN) == 0
    bare = CABIN | {"cabin_heat_kwh_per_k": 0.0, "cabin_loss_kw_per_k": 0.0}
    assert start_energy_kwh(-20.0, parked_h=5.0, heating_cop=1.0, **bare) == 0


def test_heater_bounds_what_a_short_trip_takes() -> None:
    short = {"parked_h": 8.0, "heating_cop": 1.0, "drive_h": 1 / 3, "heater_kw": 7.0}
    # 3.6 of 7 kW hold the cabin in -20 C.
    assert start_energy_kwh(-20.0, **short, **CABIN) == pytest.approx(3.4 / 3)
    assert start_energy_kwh(5.0, **short, **CABIN) == pytest.approx(0.075 * 15 * 0.72 / 0.795)
    weak = short | {"heater_kw": 3.0}
    assert start_energy_kwh(-20.0, **weak, **CABIN) == 0


@given(colder=st.floats(-40, 20), k=st.floats(0.1, 20), parked_h=st.floats(0, 100))
def test_colder_and_longer_takes_more(colder: float, k: float, parked_h: float) -> None:
    def taken(ambient_c: float, hours: float) -> float:
        return float(start_energy_kwh(ambient_c, parked_h=hours, heating_cop=1.0, **CABIN))

    assert taken(colder, parked_h) >= taken(colder + k, parked_h)
    assert taken(colder, parked_h + k) >= taken(colder, parked_h)


def test_cooling_by_hand() -> None:
    expected = [0.0, 0.0, (0.09 * 2.5 + 0.75) / 2.5, (0.09 * 13 + 1.5) / 2.5]
    assert cooling_kw([-10.0, 22.0, 24.5, 35.0], **COOLING) == pytest.approx(expected)
    assert cooling_kw(35.0, **(COOLING | {"cooling_from_c": 60.0})) == 0
    assert np.isnan(cooling_kw(np.nan, **COOLING))
    # 43 km/h at 35 C: range is 83 % of that at 24 C.
    car = {"base_kwh_per_km": 0.114, "drag_frac": 0.4, "speed_kmh": 43.0, "auxiliary_kw": 0.0,
           "cabin_c": 22.0, "tyre_loss_per_k": 0.003, "heating_cop": 1.0,
           "cabin_loss_kw_per_k": 0.0}  # fmt: skip
    hot = consumption_kwh_per_km(35.0, cooling=cooling_kw(35.0, **COOLING), **car)
    assert consumption_kwh_per_km(24.0, **car) / hot == pytest.approx(0.83, abs=0.003)
