"""Capacity: the level holds at it and not above, and it scales as it should."""

from dataclasses import replace

import numpy as np
import pytest

from planner.service.capacity import most_swaps_per_hour
from planner.service.day import StationDay, busiest_hours
from planner.service.stock import fewest_packs
from tests.station_days import EVENING, made_day

LEVEL = 4, 5.0, 0.95


def cases() -> StationDay:
    mixes = np.array([[1, 0, 0], [0.3, 0.7, 0], [0.2, 0.5, 0.3], [0.9, 0.05, 0.05]])
    return made_day(mixes[:, :, None] * EVENING, np.zeros((4, 3)), lane_s=100, bays=14)


def test_level_holds_at_capacity_and_not_above() -> None:
    day = cases()
    capacity = most_swaps_per_hour(day, *LEVEL)
    hours = busiest_hours(day.swaps_per_hour, 4)
    for factor, holds in ((1.0, True), (1 + 2e-6, False), (0.9, True), (1.2, False)):
        rates = capacity.swaps_per_hour * factor
        scaled = replace(day, swaps_per_hour=day.swaps_per_hour * rates[:, None, None])
        stock = fewest_packs(scaled, day.bays, hours, *LEVEL[1:])
        assert (stock.enough == holds).all()
        if factor == 1:
            np.testing.assert_array_equal(stock.packs, capacity.packs)
    assert (np.diff(capacity.swaps_per_hour[:3]) < 0).all()  # more types, less room


def test_more_bays_carry_more() -> None:
    day = cases()
    rates = [
        most_swaps_per_hour(replace(day, bays=np.full(4, bays)), *LEVEL).swaps_per_hour
        for bays in (8, 14, 30)
    ]
    assert (np.diff(rates, axis=0) > 0).all()


def test_time_twice_as_slow_halves_the_rate_and_keeps_packs() -> None:
    """With rates alike all day, so that the day's own length plays no part."""
    flat = made_day(np.full((1, 2, 24), 0.5), [[0, 0]], lane_s=100, bays=14)
    slow = made_day(np.full((1, 2, 24), 0.5), [[0, 0]], 2.3, lane_s=200, bays=14)
    once, twice = most_swaps_per_hour(flat, *LEVEL), most_swaps_per_hour(slow, 4, 10.0, 0.95)
    assert twice.swaps_per_hour[0] * 2 == pytest.approx(once.swaps_per_hour[0], rel=1e-3)
    np.testing.assert_array_equal(once.packs, twice.packs)


def test_cases_that_cannot_be() -> None:
    day = cases()
    none = most_swaps_per_hour(replace(day, bays=np.ones(4, dtype=np.int64)), *LEVEL)
    assert none.swaps_per_hour[2] == 0
    with pytest.raises(ValueError, match="case s1 do not add up to 1"):
        most_swaps_per_hour(
            replace(day, swaps_per_hour=day.swaps_per_hour * [[[1]], [[0]], [[1]], [[1]]]), *LEVEL
        )
