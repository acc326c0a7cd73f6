"""A pack's own temperature: hand values, and the closed forms against stepping the recursion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.physics.pack_heat import (
    ambient_temperature_c,
    own_heat_rise_k,
    pack_temperature_c,
    soak_of_driving,
    warmer_by_start_heat_k,
)
from planner.physics.vehicle_range import TemperatureCurve

HEAT = {"pack_heat_kwh_per_kwh_k": 0.002, "pack_loss_kw_per_kwh_k": 0.00015}
TAU_H = 0.002 / 0.00015
START_HEAT = TemperatureCurve(
    np.array([-40.0, -20.0, 0.0, 5.0, 45.0]), np.array([0.09, 0.05, 0.01, 0.0, 0.0])
)
hours = st.floats(0.01, 24)


def _stepped(
    *, ambient_c: float, station_c: float, drive_h: float, park_h: float, rise_k: float,
    starts: int, start_heat: TemperatureCurve | None = None,
) -> np.ndarray:  # fmt: skip
    """Temperature at each start, one drive and one stay at a time."""
    start_c, found = station_c, []
    for _ in range(starts):
        found.append(start_c)
        warm_c = start_c
        if start_heat is not None:
            warm_c += float(start_heat.at(start_c, outside="hold")) / 0.002
        driven_c = ambient_c + rise_k + (warm_c - ambient_c - rise_k) * np.exp(-drive_h / TAU_H)
        start_c = ambient_c + (driven_c - ambient_c) * np.exp(-park_h / TAU_H)
    return np.array(found)


def test_pinned_scalar_array_and_nan() -> None:
    assert pack_temperature_c(-20, 0.25, station_c=20) == 10
    assert pack_temperature_c(-20, [0, 0.5, 1], station_c=20, warmer_k=4).tolist() == [20, 2, -16]
    assert np.isnan(pack_temperature_c([np.nan, 0], 1.0, station_c=20)).tolist() == [True, False]
    rise_k = own_heat_rise_k(
        consumption=[0.12, np.nan], speed_kmh=28.0, nominal_kwh=56.0, own_heat_frac=0.05,
        loss_kw_per_kwh_k=0.00015,
    )  # fmt: skip
    assert rise_k == pytest.approx([20, np.nan], nan_ok=True)
    soak_frac, warmer_k = soak_of_driving(
        drive_h=[0.5, np.nan], park_h=7.5, starts_per_swap=2.0, rise_k=20.0, **HEAT
    )
    q, a, b = np.exp(-8 / TAU_H), np.exp(-0.5 / TAU_H), np.exp(-7.5 / TAU_H)
    assert soak_frac == pytest.approx([1 - (1 + q) / 2, np.nan], nan_ok=True)
    assert warmer_k == pytest.approx([20 * (1 - a) * b / (1 - q), np.nan], nan_ok=True)


def test_ambient_temperature_is_the_inverse() -> None:
    pack_c = pack_temperature_c([-20.0, 5.0, 30.0], 0.4, station_c=20, warmer_k=3)
    back_c = ambient_temperature_c(pack_c, 0.4, station_c=20, warmer_k=3)
    assert back_c == pytest.approx([-20, 5, 30])


@given(drive_h=hours, park_h=hours, starts=st.integers(1, 60), rise_k=st.floats(0, 40),
       ambient_c=st.floats(-40, 40))  # fmt: skip
def test_mean_over_starts_is_that_of_stepping(
    drive_h: float, park_h: float, starts: int, rise_k: float, ambient_c: float
) -> None:
    soak_frac, warmer_k = soak_of_driving(
        drive_h=drive_h, park_h=park_h, starts_per_swap=starts, rise_k=rise_k, **HEAT
    )
    stepped = _stepped(
        ambient_c=ambient_c, station_c=20, drive_h=drive_h, park_h=park_h, rise_k=rise_k,
        starts=starts,
    )  # fmt: skip
    mean_c = pack_temperature_c(ambient_c, soak_frac, station_c=20, warmer_k=warmer_k)
    assert mean_c == pytest.approx(stepped.mean(), abs=1e-8)
    assert 0 <= soak_frac < 1
    assert 0 <= warmer_k <= rise_k


@given(drive_h=hours, park_h=hours, rise_k=st.floats(0, 40), ambient_c=st.floats(-39, 40))
def test_state_that_repeats_itself_is_the_limit_of_stepping(
    drive_h: float, park_h: float, rise_k: float, ambient_c: float
) -> None:
    long = 2000 if drive_h + park_h > 0.5 else 20_000
    _, warmer_k = soak_of_driving(
        drive_h=drive_h, park_h=park_h, starts_per_swap=1e9, rise_k=rise_k, **HEAT
    )
    heated_k = warmer_by_start_heat_k(
        ambient_c, warmer_k, START_HEAT, drive_h=drive_h, park_h=park_h, **HEAT
    )
    for value, curve in ((warmer_k, None), (heated_k, START_HEAT)):
        limit = _stepped(
            ambient_c=ambient_c, station_c=20, drive_h=drive_h, park_h=park_h, rise_k=rise_k,
            starts=long, start_heat=curve,
        )[-1]  # fmt: skip
        assert ambient_c + value == pytest.approx(limit, abs=1e-4)
    assert heated_k >= warmer_k - 1e-9


def test_limits() -> None:
    taxi = {"drive_h": 0.45, "starts_per_swap": 27.0, "rise_k": 20.0}
    # Never parked: as warm as driving makes it. Huge heat capacity, no rise: station-warm.
    _, warmer_k = soak_of_driving(park_h=0.0, **taxi, **HEAT)
    assert warmer_k == pytest.approx(20)
    soak_frac, _ = soak_of_driving(
        park_h=0.0, **taxi, pack_heat_kwh_per_kwh_k=2e6, pack_loss_kw_per_kwh_k=0.00015
    )
    assert soak_frac == pytest.approx(0, abs=1e-6)
    # One start per swap: at it the pack is station-warm. Many and long stays: cold-soaked.
    soak_frac, _ = soak_of_driving(park_h=9.0, **(taxi | {"starts_per_swap": 1.0}), **HEAT)
    assert soak_frac == pytest.approx(0, abs=1e-12)
    soak_frac, warmer_k = soak_of_driving(park_h=1e6, **taxi, **HEAT)
    assert (soak_frac, warmer_k) == (pytest.approx(1 - 1 / 27), pytest.approx(0, abs=1e-9))
    # Neither driven nor parked.
    still = soak_of_driving(drive_h=0.0, park_h=0.0, starts_per_swap=3, rise_k=20.0, **HEAT)
    assert [float(value) for value in still] == [0, 0]


def test_longer_stays_cool_and_longer_drives_warm() -> None:
    stays = np.linspace(0.1, 24, 50)
    soak_frac, warmer_k = soak_of_driving(
        drive_h=0.4, park_h=stays, starts_per_swap=10, rise_k=20.0, **HEAT
    )
    assert (np.diff(soak_frac) > 0).all()
    assert (np.diff(warmer_k) < 0).all()
    _, warmer_k = soak_of_driving(
        drive_h=stays, park_h=1.0, starts_per_swap=10, rise_k=20.0, **HEAT
    )
    assert (np.diff(warmer_k) > 0).all()


def test_heat_at_starts_by_hand() -> None:
    # From T to +5 C at each start, eight hours in -20 C between: T = -20 + 25 exp(-8 / tau).
    heat_to_5 = TemperatureCurve(np.array([-40.0, 5.0, 45.0]), np.array([0.09, 0.0, 0.0]))
    warmer_k = warmer_by_start_heat_k(
        [-20.0, np.nan, 10.0], 0.0, heat_to_5, drive_h=0.5, park_h=7.5, **HEAT
    )
    assert warmer_k == pytest.approx([25 * np.exp(-8 / TAU_H), np.nan, 0], nan_ok=True)
    growing = TemperatureCurve(np.array([-40.0, 5.0]), np.array([0.0, 0.1]))
    with pytest.raises(ValueError, match="must not grow"):
        warmer_by_start_heat_k(0.0, 0.0, growing, drive_h=0.5, park_h=7.5, **HEAT)
