"""The kernel beside a simulation by SimPy, cases by hand, and what must never happen."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.simulation.kernel import (
    GRID,
    LANE,
    LOST,
    LOST_NEXT,
    PACK,
    SERVED,
    SERVED_NEXT,
    Drivers,
)
from tests.simulation.days import draw, flat, made_up, served, station_day
from tests.simulation.simpy_station import serve_by_simpy


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("grid_kw", [1e9, 250.0, 95.0])
@pytest.mark.parametrize("any_of_envelope", [False, True])
@pytest.mark.parametrize("goes_on", [False, True])
def test_simpy_has_the_same_trace(
    seed: int, grid_kw: float, any_of_envelope: bool, goes_on: bool
) -> None:
    patience_h = (0.5, 0.2, 2.0)[seed % 3]
    day = made_up(3, 3, seed, per_day=120.0, grid_kw=grid_kw, heat_kw=15.0 * (seed % 2))
    drivers = draw(day, seed, 0, 24)
    found = served(day, drivers, patience_h, goes_on=goes_on, any_of_envelope=any_of_envelope)
    twin = serve_by_simpy(
        day, drivers, patience_h, goes_on=goes_on, any_of_envelope=any_of_envelope
    )
    assert found.outcome.tolist() == twin["outcome"]
    assert found.no_pack.tolist() == twin["no_pack"]
    np.testing.assert_allclose(found.wait_h, twin["wait_h"], atol=1e-9)
    assert max(twin["wait_h"]) > 0.0


@pytest.mark.parametrize("seed", range(4))
def test_simpy_has_the_same_trace_of_a_crowd(seed: int) -> None:
    """Seven stations that send on in chains and circles, more drivers than they can serve."""
    rng = np.random.default_rng(seed)
    following = (np.arange(7) + rng.integers(1, 7, 7)) % 7
    following[seed] = -1
    day = made_up(
        7, 2, seed, per_day=250.0, grid_kw=[90.0, 150.0, 250.0, 400.0, 130.0, 1e9, 310.0],
        handling_h=0.02 * seed, next_idx=following, next_min=rng.uniform(0.5, 40.0, 7),
    )  # fmt: skip
    drivers = draw(day, seed, 0, 24)
    found = served(day, drivers, 0.3, goes_on=True)
    twin = serve_by_simpy(day, drivers, 0.3, goes_on=True, any_of_envelope=False)
    assert found.outcome.tolist() == twin["outcome"]
    assert found.no_pack.tolist() == twin["no_pack"]
    np.testing.assert_allclose(found.wait_h, twin["wait_h"], atol=1e-9)
    assert (found.outcome == LOST_NEXT).any()
    assert (found.outcome == SERVED_NEXT).any()


def _given(*arrivals: tuple[float, int]) -> Drivers:
    time_h, kind = zip(*arrivals, strict=True)
    return Drivers(np.array([0, len(arrivals)]), np.array(time_h), np.array(kind))


def test_two_packs_and_power_for_one() -> None:
    """The second pack charges after the first; the third driver waits for the first pack."""
    day = station_day(flat(1.0), 2, charge_h=1.0, charge_kw=60.0, grid_kw=60.0, handling_h=0.1)
    drivers = _given((0.0, 0), (0.5, 0), (0.7, 0), (0.8, 0))
    found = served(day, drivers)
    # Full at 1.1; then the second until 2.1; the one handed in at 1.1 until 3.1.
    np.testing.assert_allclose(found.wait_h, [0.0, 0.0, 0.4, 1.3], atol=1e-9)
    assert found.no_pack.tolist() == [False, False, True, True]
    # With power for both the second would have been full at 1.6.
    assert found.cause.tolist()[2:] == [PACK, PACK]
    assert served(day, drivers, wait_h=0.81).cause.tolist()[2:] == [PACK, GRID]


def test_half_the_power_takes_twice_as_long() -> None:
    day = station_day(flat(1.0), 2, charge_h=1.0, charge_kw=60.0, grid_kw=90.0)
    found = served(day, _given((0.0, 0), (0.0, 0), (0.0, 0), (0.0, 0)))
    # The second has 30 kW for an hour, then 60 kW for the half that is left.
    np.testing.assert_allclose(found.wait_h, [0.0, 0.0, 1.0, 1.5], atol=1e-6)
    weak = replace(day, grid_kw=np.array([20.0]))
    found = served(weak, _given((0.0, 0), (0.0, 0), (0.0, 0)))
    np.testing.assert_allclose(found.wait_h[2], 3.0, atol=1e-6)


def test_who_can_be_served_overtakes_who_waits_for_a_pack() -> None:
    day = station_day(flat(1.0, 1.0), [[1, 2]], charge_h=[2.0, 1.0], lane_s=360.0)
    found = served(day, _given((0.0, 0), (0.01, 0), (0.02, 1), (0.03, 1)))
    np.testing.assert_allclose(found.wait_h, [0.0, 1.99, 0.08, 0.17], atol=1e-9)
    assert found.cause.tolist() == [LANE, PACK, LANE, LANE]


def test_another_pack_of_the_envelope_is_taken_and_the_own_handed_in() -> None:
    day = station_day(flat(1.0, 1.0, 1.0), [[0, 1, 2]], charge_h=[3.0, 1.0, 1.0])
    drivers = _given((0.0, 0), (0.1, 0), (0.2, 0), (0.3, 0))
    found = served(day, drivers, any_of_envelope=True)
    np.testing.assert_allclose(found.wait_h, [0.0, 0.0, 0.0, 2.7], atol=1e-8)
    assert served(day, drivers, 0.5).outcome.tolist() == [LOST] * 4


def test_who_gives_up_goes_on_once() -> None:
    day = station_day(
        np.ones((3, 1, 24)), [[0], [1], [0]], next_idx=[1, 2, 0], next_min=[6.0, 12.0, 30.0]
    )
    drivers = Drivers(np.array([0, 2, 2, 3]), np.array([0.0, 0.0, 9.0]), np.zeros(3, dtype=int))
    found = served(day, drivers, 0.5, goes_on=True)
    assert found.outcome.tolist() == [SERVED_NEXT, LOST_NEXT, LOST_NEXT]
    assert found.wait_h.tolist() == [0.5, 0.5, 0.5]


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000), stations=st.integers(1, 5), types=st.integers(1, 4),
    per_day=st.floats(1.0, 400.0), grid_kw=st.sampled_from([20.0, 150.0, 1e9]),
    patience_h=st.floats(0.01, 3.0), any_of_envelope=st.booleans(),
)  # fmt: skip
def test_every_driver_is_served_or_lost_in_time(
    seed: int, stations: int, types: int, per_day: float, grid_kw: float, patience_h: float,
    any_of_envelope: bool,
) -> None:  # fmt: skip
    day = made_up(stations, types, seed, per_day=per_day, grid_kw=grid_kw)
    drivers = draw(day, seed, 0, 24)
    found = served(day, drivers, patience_h, goes_on=True, any_of_envelope=any_of_envelope)
    assert set(found.outcome.tolist()) <= {SERVED, SERVED_NEXT, LOST, LOST_NEXT}
    assert (found.wait_h >= 0.0).all()
    assert (found.wait_h <= patience_h).all()
    assert (found.wait_h[found.outcome != SERVED] == patience_h).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), more=st.integers(1, 5), per_day=st.floats(20.0, 400.0))
def test_more_of_anything_makes_no_driver_wait_longer(seed: int, more: int, per_day: float) -> None:
    """For one type that is not warmed, and patient drivers.

    A phase of other power, or who gives up and hands nothing in, may reverse it for a later driver.
    """
    day = made_up(1, 1, seed, per_day=per_day, next_idx=-1, grid_kw=300.0, heat_h=0.0)
    drivers = draw(day, seed, 0, 24)
    more_packs = replace(day, packs=day.packs + more, bays=day.bays + more)
    more_power = replace(day, grid_kw=day.grid_kw + 60.0 * more)
    before = served(day, drivers)
    for other in (more_packs, more_power, replace(day, lane_s=day.lane_s / (1 + more))):
        assert (served(other, drivers).wait_h <= before.wait_h + 1e-9).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), more=st.integers(1, 5), per_day=st.floats(20.0, 400.0))
def test_more_packs_leave_no_driver_without_who_had_one(
    seed: int, more: int, per_day: float
) -> None:
    """With a lane that holds nobody up: two types, each with its own packs."""
    day = made_up(1, 2, seed, per_day=per_day, next_idx=-1, grid_kw=1e9, lane_s=1e-9)
    drivers = draw(day, seed, 0, 24)
    richer = replace(day, packs=day.packs + more, bays=day.bays + 2 * more)
    assert not (served(richer, drivers).no_pack & ~served(day, drivers).no_pack).any()


def test_ten_thousand_wait_and_nobody_is_dropped() -> None:
    day = station_day(flat(1.0), 1, charge_h=0.5)
    drivers = Drivers(
        np.array([0, 10_000]), np.linspace(0.0, 0.1, 10_000), np.zeros(10_000, dtype=int)
    )
    found = served(day, drivers)
    np.testing.assert_allclose(
        found.wait_h, 0.5 * np.arange(10_000) - drivers.time_h + 0.0, atol=1e-5
    )
