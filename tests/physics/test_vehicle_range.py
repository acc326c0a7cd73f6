"""Physics: pinned values, shapes, and what must hold at any temperature."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import OutOfDomainError
from planner.physics.pack_heat import ambient_temperature_c, pack_temperature_c
from planner.physics.vehicle_range import (
    TemperatureCurve,
    consumption_kwh_per_km,
    crossover_temperature_c,
    heat_pump_cop,
    swaps_per_vehicle_day,
    usable_energy_kwh,
)

LFP = TemperatureCurve(np.array([-20.0, 0.0, 25.0]), np.array([0.7, 0.8, 1.0]))
LFP_OPTIMISTIC = TemperatureCurve(
    np.array([-35.0, -20.0, 0.0, 25.0]), np.array([0.71, 0.8, 0.92, 1.0])
)
SODIUM = TemperatureCurve(np.array([-40.0, -30.0, 25.0]), np.array([0.90, 0.93, 1.0]))
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


def test_snow_wet_speed_and_cooling_are_neutral_if_left_out_and_add_up() -> None:
    calm = CAR | {"cabin_loss_kw_per_k": 0.0, "auxiliary_kw": 0.0}
    plain = float(consumption_kwh_per_km(-10.0, heating_cop=1.0, **calm))
    density, tyres = 293.15 / 263.15, 1 + 0.002 * 30
    assert plain == pytest.approx(0.109 * (0.35 * density + 0.65 * tyres))
    told = consumption_kwh_per_km(
        [-10.0, -10.0, -10.0, np.nan], heating_cop=1.0, rated_speed_kmh=[33.0, 66.0, 33.0, 33.0],
        snow_frac=[0.0, 0.0, 0.5, 0.0], snow_loss_frac=0.3, wet_frac=[0.0, 0.0, 0.25, 0.0],
        wet_loss_frac=0.02, cooling=[0.0, 0.0, 0.66, 0.0], **calm,
    )  # fmt: skip
    slow = 0.109 * (0.35 * density / 4 + 0.65 * tyres)
    snowy = 0.109 * (0.35 * density + 0.65 * tyres * (1 + 0.15 + 0.005)) + 0.66 / 33
    assert told == pytest.approx([plain, slow, snowy, np.nan], nan_ok=True)


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


def test_soak_and_back() -> None:
    pack_c = pack_temperature_c([-20.0, 5.0, 30.0], 0.4, station_c=20)
    assert ambient_temperature_c(pack_c, 0.4, station_c=20) == pytest.approx([-20, 5, 30])
    stays_warm = ambient_temperature_c([-5.0, 25.0, 20.0], 0.0, station_c=20)
    assert stays_warm[0] == -np.inf
    assert stays_warm[1] == np.inf
    assert np.isnan(stays_warm[2])


def test_crossovers_of_sodium_ion_and_lfp() -> None:
    # 45 kWh and 50 kWh of sodium-ion against 56 kWh of LFP.
    vendor_minimum = crossover_temperature_c(SODIUM, [45.0, 50.0], LFP, 56.0)
    assert vendor_minimum == pytest.approx([-5.53, 9.39], abs=0.01)
    optimistic = crossover_temperature_c(SODIUM, [45.0, 50.0], LFP_OPTIMISTIC, 56.0)
    assert optimistic == pytest.approx([-28.53, -11.42], abs=0.01)


def test_no_crossover_is_told_and_never_extrapolated() -> None:
    crossing = crossover_temperature_c(SODIUM, [60.0, 30.0, np.nan], LFP, 56.0)
    assert crossing[0] == np.inf
    assert crossing[1] == -np.inf  # would cross below -20 C, where nothing is known of LFP
    assert np.isnan(crossing[2])
    arctic = TemperatureCurve(np.array([-60.0, -30.0]), np.array([0.5, 0.6]))
    with pytest.raises(OutOfDomainError, match="no common domain"):
        crossover_temperature_c(arctic, 45.0, LFP, 56.0)


@given(st.floats(20, 80), st.floats(20, 80), st.floats(-20, 25))
def test_crossover_is_where_the_cold_pack_stops_giving_more(
    sodium_kwh: float, lfp_kwh: float, at_c: float
) -> None:
    crossing = float(crossover_temperature_c(SODIUM, sodium_kwh, LFP, lfp_kwh))
    surplus = sodium_kwh * SODIUM.at(at_c) - lfp_kwh * LFP.at(at_c)
    if at_c <= crossing:
        assert surplus >= -1e-9
    if -np.inf < crossing < np.inf:
        at_crossing = sodium_kwh * SODIUM.at(crossing) - lfp_kwh * LFP.at(crossing)
        assert at_crossing == pytest.approx(0, abs=1e-9)
        just_above = min(crossing + 0.01, 25.0)
        assert sodium_kwh * SODIUM.at(just_above) <= lfp_kwh * LFP.at(just_above) + 1e-9


@given(st.floats(40, 60), st.floats(0, 10))
def test_a_larger_sodium_ion_pack_stays_ahead_in_warmer_air(kwh: float, more_kwh: float) -> None:
    small, large = crossover_temperature_c(SODIUM, [kwh, kwh + more_kwh], LFP, 56.0)
    assert large >= small


@given(st.floats(-20, 25), st.floats(0, 10))
def test_usable_energy_lies_between_its_neighbours(at_c: float, warmer_by: float) -> None:
    for curve in (LFP, SODIUM):
        warmer_c = min(at_c + warmer_by, 25.0)
        between = curve.at((at_c + warmer_c) / 2)
        assert curve.at(at_c) - 1e-12 <= between <= curve.at(warmer_c) + 1e-12


def test_a_million_temperatures_take_a_moment() -> None:
    ambient = np.linspace(-40, 40, 1_000_000)

    def range_km() -> None:
        cop = heat_pump_cop(ambient, cop_mild=3.0, limit_c=-12.0)
        pack_c = pack_temperature_c(ambient, 0.4, station_c=20.0)
        energy = usable_energy_kwh(56.0, 0.8, LFP.at(pack_c, outside="hold"))
        assert (energy / consumption_kwh_per_km(ambient, heating_cop=cop, **CAR)).min() > 0

    def plain() -> None:
        np.interp(ambient, LFP.temperature_c, LFP.value_frac)

    taken_s, plain_s = (min(_seconds(work) for _ in range(5)) for work in (range_km, plain))
    assert taken_s < 30 * plain_s  # about 4 passes of interpolation; 0.03 s in all


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
