"""Shares in time against other formulas and against simulated queues."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from planner.arrays import FloatArray
from planner.service.day import busiest_hours
from planner.service.turns import (
    lane_share,
    most_in_time,
    shares_by_wait,
    shares_in_time,
    wait_room,
)
from planner.service.waits import (
    drivers_by_pack,
    no_pack,
    on_time,
    served_by_packs,
    wait_shares,
    waits_of_day,
)
from tests.station_days import EVENING, made_day


def in_time(rate: float, turn_h: float, wait_h: float, packs: int) -> float:
    cumulative = np.arange(25) * rate
    return float(shares_in_time(cumulative, 12.3, turn_h, wait_h, packs, packs, 0.0)[0])


@pytest.mark.parametrize(("packs", "load"), [(1, 0.4), (2, 0.6), (5, 0.7), (14, 0.85), (30, 0.9)])
def test_delay_of_md_c_is_that_of_pollaczek(packs: int, load: float) -> None:
    """By Spitzer's identity P(no wait) = exp(-sum over k of P(A(k D) >= k c) / k)."""
    k = np.arange(1, 3000)
    none = math.exp(-(poisson.sf(k * packs - 1, k * packs * load) / k).sum())
    assert in_time(packs * load / 0.1, 0.1, 0.0, packs) == pytest.approx(none, abs=1e-4)


def test_delay_of_md_c_as_published() -> None:
    """M/D/14 at 0.85 and M/D/30 at 0.9 by Crommelin's chain."""
    assert 1 - in_time(14 * 0.85 / 0.1, 0.1, 0.0, 14) == pytest.approx(0.4349, abs=2e-4)
    assert 1 - in_time(30 * 0.90 / 0.1, 0.1, 0.0, 30) == pytest.approx(0.4423, abs=2e-4)


def erlang_md_1(rate: float, lane: float, wait: float) -> float:
    terms = (
        (-rate * (wait - k * lane)) ** k / math.factorial(k) * math.exp(rate * (wait - k * lane))
        for k in range(int(wait / lane) + 1)
    )
    return (1 - rate * lane) * sum(terms)


@pytest.mark.parametrize("wait", [0.0, 0.4, 1.0, 1.7, 3.0, 5.2])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_lane_and_a_single_pack_are_md_1(rate: float, wait: float) -> None:
    expected = erlang_md_1(rate, 1.0, wait)
    assert lane_share(rate, 1.0, wait) == pytest.approx(expected, abs=1e-12)
    assert in_time(rate * 10, 0.1, wait / 10, 1) == pytest.approx(expected, abs=2e-4)


def test_lane_at_long_waits_and_over_its_capacity() -> None:
    """Erlang's alternating sum has no digit left there; the tail falls as its exponential does."""
    shares = 1 - np.array([lane_share(0.9, 1.0, wait) for wait in (40.0, 50.0, 60.0)])
    tau = 1.2070989  # root above 1 of tau = e^(0.9 (tau - 1))
    for _ in range(60):
        tau -= (tau - math.exp(0.9 * (tau - 1))) / (1 - 0.9 * math.exp(0.9 * (tau - 1)))
    asymptote = 0.1 / (0.9 * tau - 1) * np.exp(-0.9 * (tau - 1) * np.array([40.0, 50.0, 60.0]))
    np.testing.assert_allclose(shares, asymptote, rtol=1e-6)
    assert lane_share(1.0, 1.0, 1e3) == 0
    assert lane_share(0.0, 1.0, 0.0) == 1


def test_many_packs_come_to_a_poisson_variable() -> None:
    """Nobody waits then, and no pack is there if as many came within the last turn."""
    rates = 12.0 * EVENING
    day = made_day(rates[None, None, :], [[30]], turn_h=1.5)
    hour = 20  # the turn before half past reaches to 19:00
    expected = poisson.sf(29, rates[19] + rates[20] / 2)
    assert no_pack(day)[0, 0, hour] == pytest.approx(expected, rel=0.05)


def test_no_pack_of_a_type_that_is_not_there() -> None:
    day = made_day(np.ones((1, 2, 24)), [[0, 3]])
    assert (no_pack(day)[0, 0] == 1).all()
    shares = on_time(day, np.array([[3, 4]]), 5.0)
    assert shares.by_pack[0, 0] == 0
    assert shares.share[0] == pytest.approx(shares.by_pack[0, 1] / 2)


def arrivals(rates: FloatArray, num_days: int, num_drivers: int) -> FloatArray:
    """Moments of drivers of days that begin empty, by inversion of the expected number."""
    rng = np.random.default_rng(7)
    sums = np.cumsum(rng.exponential(size=(num_days, num_drivers)), axis=1)
    expected = np.concatenate(([0.0], np.cumsum(rates)))
    moments = np.interp(sums, expected, np.arange(25.0))
    moments[sums > expected[-1]] = np.inf
    assert np.isinf(moments[:, -1]).all()
    return np.asarray(moments)


def waits(moments: FloatArray, packs: int, turn_h: float, places: int = 999) -> FloatArray:
    """First come, first served; power for ``places`` packs at once, from the moment of arrival."""
    num_days, num_drivers = moments.shape
    full = np.zeros((num_days, num_drivers))
    waited = np.full((num_days, num_drivers), np.inf)
    for n in range(num_drivers):
        start = np.maximum(moments[:, n], full[:, n - packs] if n >= packs else 0.0)
        power = np.maximum(start, full[:, n - places] if n >= places else 0.0)
        full[:, n] = power + turn_h
        with np.errstate(invalid="ignore"):
            waited[:, n] = start - moments[:, n]
    return waited


def simulated(
    moments: FloatArray, waited: FloatArray, hours: range, wait_h: float
) -> tuple[float, float]:
    """Share of all drivers of some hours, and its standard error over days."""
    counted = (moments >= hours.start) & (moments < hours.stop)
    served = (counted & (waited <= wait_h)).sum(axis=1)
    drivers = counted.sum(axis=1)
    share = served.sum() / drivers.sum()
    error = (served - share * drivers).std() / drivers.mean() / math.sqrt(len(drivers))
    return float(share), float(error)


@pytest.mark.parametrize("wait_min", [0.0, 5.0, 20.0, 80.0])
@pytest.mark.parametrize("packs", [6, 9, 11])
def test_hourly_rates_as_in_a_simulated_queue(packs: int, wait_min: float) -> None:
    rates, turn_h = 8.0 * EVENING, 1.15
    moments = arrivals(rates, 4000, 200)
    waited = waits(moments, packs, turn_h)
    day = made_day(rates[None, None, :], [[packs]], turn_h)
    for hours in (range(8, 10), range(17, 21)):
        share, error = simulated(moments, waited, hours, wait_min / 60)
        found = on_time(day, np.array([list(hours)]), wait_min).share[0]
        assert found == pytest.approx(share, abs=4 * error + 2e-3)


@pytest.mark.parametrize("places", [7, 8, 10])
def test_scarce_grid_as_in_a_simulated_queue(places: int) -> None:
    rates = 6.0 * EVENING
    moments = arrivals(rates, 4000, 200)
    hours = range(17, 21)
    share, _ = simulated(moments, waits(moments, 13, 1.15, places), hours, 5 / 60)
    assert share > 0.93  # where the level is kept; a mean delay is too much far below it
    day = made_day(rates[None, None, :], [[13]], 1.15, grid_kw=50.0 * places)
    assert on_time(day, np.array([list(hours)]), 5.0).share[0] == pytest.approx(share, abs=0.012)


def test_grid_for_every_bay_is_no_limit_and_less_serves_fewer() -> None:
    hours = np.array([[17, 18, 19, 20]])
    shares = [
        on_time(made_day(9.0 * EVENING[None, None, :], [[14]], grid_kw=kw), hours, 5.0).share[0]
        for kw in (1e6, 700.0, 525.0, 500.0, 400.0, 40.0)
    ]
    assert shares[0] == shares[1]
    assert (np.diff(shares[1:]) < 0).all()


@settings(max_examples=60)
@given(
    rate=st.floats(0.2, 15), packs=st.integers(1, 16), turn_h=st.floats(0.3, 3),
    wait_min=st.floats(0, 60), more=st.floats(1, 1.5), places=st.integers(4, 20),
)  # fmt: skip
def test_shares_rise_with_packs_and_waits_and_fall_with_rates_and_turns(
    rate: float, packs: int, turn_h: float, wait_min: float, more: float, places: int
) -> None:
    rates = rate * EVENING[None, None, :]

    def share(scale: float = 1, turn: float = 1, wait: float = 1, further: int = 0) -> float:
        day = made_day(
            rates * scale, [[packs + further]], turn_h * turn, lane_s=60, grid_kw=50.0 * places,
            bays=20,
        )  # fmt: skip
        hours = busiest_hours(day.swaps_per_hour, 4)
        return float(on_time(day, hours, wait_min * wait).share[0])

    slack = 3e-4
    assert share() <= share(further=1) + slack
    assert share() <= share(wait=more) + slack
    assert share() >= share(scale=more) - slack
    assert share() >= share(turn=more) - slack


def test_table_by_packs_agrees_with_single_numbers() -> None:
    rates = np.array([[[4.0]], [[9.0]]]) * EVENING
    day = made_day(rates, [[0], [0]], lane_s=100, bays=14)
    hours = busiest_hours(rates, 4)
    least, most = np.array([[0], [3]]), np.array([[14], [9]])
    table = served_by_packs(day, hours, 5.0, least, most)
    for packs in range(15):
        own = on_time(replace(day, packs=np.full((2, 1), packs)), hours, 5.0).share
        served = own * np.take_along_axis(rates[:, 0], hours, axis=1).sum(axis=1)
        assert table[0, 0, packs] == pytest.approx(served[0], abs=1e-4)
        if 3 <= packs <= 9:
            assert table[1, 0, packs - 3] == pytest.approx(served[1], abs=1e-4)
    assert (table[1, 0, 6:] == table[1, 0, 6]).all()


def test_distribution_of_waits_is_that_of_all_drivers() -> None:
    rates = np.array([[[2.0], [3.0]], [[6.0], [0.0]]]) * EVENING
    day = made_day(rates, [[4, 6], [9, 0]], lane_s=100)
    shares = wait_shares(day, waits_of_day(day, np.array([0.0, 5.0, 30.0, 1e4])).served)
    assert (np.diff(shares) > 0).all()
    assert shares[-1] == pytest.approx(1)
    every = np.tile(np.arange(24), (2, 1))
    by_station = on_time(day, every, 5.0).share
    drivers = rates.sum(axis=(1, 2))
    assert shares[1] == pytest.approx(by_station @ drivers / drivers.sum(), abs=2e-3)


def test_nobody_comes() -> None:
    day = made_day(np.zeros((1, 1, 24)), [[2]])
    assert on_time(day, np.array([[0]]), 5.0).share[0] == 1
    assert wait_shares(day, waits_of_day(day, np.array([0.0])).served)[0] == 1


@pytest.mark.parametrize("wait_h", [0.0, 0.1, 1.3])
def test_a_quick_look_bounds_the_share(wait_h: float) -> None:
    """It is the share itself where nobody waits for long, and above where queues grow."""
    random = np.random.default_rng(7)
    cumulative = np.concatenate(([0.0], np.cumsum(random.uniform(2.0, 9.0, 24))))
    shares = shares_in_time(cumulative, 12.3, 0.9, wait_h, 0, 30, 0.0)
    bounds = [most_in_time(cumulative, 12.3, 0.9, wait_h, packs) for packs in range(31)]
    assert (np.array(bounds) >= shares - 1e-4).all()
    assert (np.diff(bounds) >= -1e-9).all()
    assert bounds[30] == pytest.approx(shares[30], abs=1e-4)
    assert (np.array(bounds) > shares + 0.01).any()


def test_what_cannot_keep_the_level_is_ruled_out_and_nothing_else() -> None:
    """Shares of packs that might keep it are told as they are without a level."""
    rates = np.array([[[5.0], [3.0], [1.0]], [[9.0], [6.0], [2.0]]]) * EVENING
    day = made_day(rates, [[0, 0, 0], [0, 0, 0]], lane_s=100, bays=30)
    hours = busiest_hours(day.swaps_per_hour, 4)
    none = np.zeros(day.packs.shape, dtype=np.int64)
    most = np.broadcast_to(day.bays[:, None], none.shape)
    exact = served_by_packs(day, hours, 5.0, none, most)
    ruled = served_by_packs(day, hours, 5.0, none, most, 0.9)
    told = ruled > 0
    assert told.any()
    assert (~told & (exact > 0)).any()
    by_lane = exact[:, :, -1]
    spare = by_lane.sum(axis=1) - 0.9 * drivers_by_pack(day, hours).sum(axis=1)
    hopeful = by_lane[:, :, None] - exact <= spare[:, None, None]
    np.testing.assert_allclose(ruled[hopeful], exact[hopeful], rtol=1e-9)


@settings(max_examples=100)
@given(
    seed=st.integers(0, 10_000), turn_h=st.floats(0.1, 6.0), packs=st.integers(0, 25),
    busy=st.floats(0.2, 1.3), moment_h=st.floats(0.0, 24.0),
)  # fmt: skip
def test_rising_waits_at_once_are_those_one_by_one(
    seed: int, turn_h: float, packs: int, busy: float, moment_h: float
) -> None:
    rng = np.random.default_rng(seed)
    rates = rng.uniform(0.0, 2.0, 24) * busy * max(packs, 1) / turn_h
    cumulative = np.concatenate(([0.0], np.cumsum(rates)))
    waits_h = np.cumsum(rng.exponential(turn_h / 2, 8)) - rng.uniform(0.0, 1e-3)
    waits_h = np.maximum(waits_h, 0.0)
    turns, numbers, states = wait_room(rates.max(), turn_h, waits_h[-1], packs)
    shares, num_drawn = np.empty(8), np.empty(turns, dtype=np.int64)
    drawn, waiting, present = np.empty((turns, numbers)), np.empty(states), np.empty(states)
    shares_by_wait(
        cumulative, moment_h, turn_h, waits_h, packs, shares, drawn, num_drawn, waiting, present
    )
    one_by_one = [
        shares_in_time(cumulative, moment_h, turn_h, wait_h, packs, packs, 0.0)[0]
        for wait_h in waits_h
    ]
    np.testing.assert_allclose(shares, one_by_one, rtol=0, atol=1e-12)
