"""Fewest packs against every allotment, further ones against what they are worth."""

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest

from planner.arrays import FloatArray, IntArray
from planner.service.day import StationDay, busiest_hours
from planner.service.stock import fewest_packs, further_packs
from planner.service.waits import on_time, served_by_packs
from tests.station_days import EVENING, made_day

MOST, WAIT_MIN, WITHIN = 12, 5.0, 0.9


def made_case(seed: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    rates = rng.uniform(1, 5) * rng.dirichlet([1, 2, 1])
    return rates[:, None] * EVENING, rng.uniform(0.7, 1.6, 3)


def of(rates: FloatArray, turn_h: FloatArray, packs: IntArray) -> StationDay:
    """The same station with every row of packs."""
    shape = len(packs), 1, 1
    return made_day(np.tile(rates, shape), packs, np.tile(turn_h, shape[:2]), lane_s=100, bays=MOST)


@pytest.mark.parametrize("seed", range(12))
def test_no_allotment_is_better(seed: int) -> None:
    rates, turn_h = made_case(seed)
    every = np.array([p for p in product(range(1, MOST), repeat=3) if sum(p) <= MOST])
    day = of(rates, turn_h, every)
    hours = busiest_hours(day.swaps_per_hour, 4)
    shares = on_time(day, hours, WAIT_MIN).share
    stock = fewest_packs(
        of(rates, turn_h, every[:1]), np.array([MOST]), hours[:1], WAIT_MIN, WITHIN
    )
    found = on_time(of(rates, turn_h, stock.packs), hours[:1], WAIT_MIN).share[0]
    assert stock.share[0] == pytest.approx(found, abs=1e-4)
    enough = shares >= WITHIN
    assert stock.enough[0] == enough.any()
    if enough.any():
        fewest = every[enough].sum(axis=1).min()
        assert stock.packs.sum() == fewest
        assert found == pytest.approx(shares[every.sum(axis=1) == fewest].max(), abs=1e-4)
    else:
        assert found == pytest.approx(shares.max(), abs=3e-4)


def test_permuted_types_permute_packs() -> None:
    rates, turn_h = made_case(5)
    packs = []
    for order in permutations(range(3)):
        day = of(rates[list(order)], turn_h[list(order)], np.ones((1, 3), dtype=np.int64))
        hours = busiest_hours(day.swaps_per_hour, 4)
        stock = fewest_packs(day, np.array([MOST]), hours, WAIT_MIN, WITHIN)
        packs.append(stock.packs[0][np.argsort(order)])
    assert (np.array(packs) == packs[0]).all()


def test_ties_go_to_the_earlier_type_and_every_type_gets_a_pack() -> None:
    rates = np.stack([3.0 * EVENING, 3.0 * EVENING, 1e-6 * EVENING, 0.0 * EVENING])
    day = made_day(rates[None], [[0, 0, 0, 0]], bays=40)
    hours = busiest_hours(day.swaps_per_hour, 4)
    for within in (0.8, 0.9, 0.95, 0.99):
        packs = fewest_packs(day, np.array([40]), hours, 5.0, within).packs[0]
        assert packs[0] - packs[1] in (0, 1)
        assert packs[2:].tolist() == [1, 0]
    packs = fewest_packs(day, np.array([2]), hours, 5.0, 0.9).packs[0]
    assert packs.sum() == 2  # not one for each


def test_stations_out_of_reach_get_no_packs_that_do_not_help() -> None:
    rates = 20.0 * EVENING[None, None, :]  # more than half of the time the lane is taken
    day = made_day(rates, [[0]], turn_h=0.2, lane_s=150, bays=60)
    hours = busiest_hours(day.swaps_per_hour, 4)
    stock = fewest_packs(day, np.array([60]), hours, 1.0, 0.99)
    assert not stock.enough[0]
    assert stock.packs[0, 0] < 20
    best = on_time(replace(day, packs=np.array([[60]])), hours, 1.0).share[0]
    assert stock.share[0] == pytest.approx(best, abs=2e-4)


def test_further_packs_are_worth_it_and_no_other_is() -> None:
    rates, turn_h = made_case(3)
    day = of(rates, turn_h, np.ones((1, 3), dtype=np.int64))
    most = np.array([20])
    hours = busiest_hours(day.swaps_per_hour, 4)
    stock = fewest_packs(day, most, hours, WAIT_MIN, 0.7)
    cost = np.array([3.0, 4.0, 5.0])
    sums = []
    for worth in (0.0, 5.0, 50.0, 1e9):
        packs = further_packs(day, stock, most, WAIT_MIN, worth, cost)
        assert (packs >= stock.packs).all()
        sums.append(int(packs.sum()))
        served = served_by_packs(day, None, WAIT_MIN, packs, packs + 1)
        gain = (served[:, :, 1] - served[:, :, 0]) * worth - cost
        assert packs.sum() == 20 or (gain <= 0).all()
    assert sums[0] == stock.packs.sum()
    assert sums == sorted(sums)
    assert sums[0] < sums[2] < 21
