"""Queues whose answers are known, simulated: each inside its 99 % interval.

At least 200,000 drivers a case, in replications with other seeds for each case; the first of each
replication are left out, while the queue is not yet what it will be.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import chi2, poisson
from scipy.stats import t as student_t

from planner.arrays import FloatArray
from planner.service.day import StationDay
from planner.simulation.behaviour import Behaviour
from planner.simulation.kernel import LOST, Drivers, Served
from planner.simulation.run import simulate
from planner.simulation.streams import keys_of, station_drivers
from planner.simulation.tally import Count
from tests.simulation.days import FOR_EVER_H, PROFILE, draw, flat, served, station_day

REPLICATIONS, WARM_UP_DRIVERS, DRIVERS = 20, 2_000, 12_000
TINY_H = 1e-5


def deterministic_queue(servers: int, load: float, level: int) -> tuple[float, float]:
    """P(N >= level) and E[(N - servers)^+] in M/D/c, by its chain.

    N a service time later is (N - c)^+ and a Poisson number (Crommelin 1932).
    """
    size = servers + int(60 / (1 - load)) + 40
    arrivals = poisson.pmf(np.arange(size), servers * load)
    step = np.zeros((size, size))
    for n in range(size):
        left = max(n - servers, 0)
        step[n, left:] = arrivals[: size - left]
        step[n, -1] += 1.0 - step[n].sum()
    equations = np.vstack((step.T - np.eye(size), np.ones(size)))
    chance = np.linalg.lstsq(equations, np.append(np.zeros(size), 1.0), rcond=None)[0]
    numbers = np.arange(size)
    return float(chance[level:].sum()), float(chance @ np.maximum(numbers - servers, 0))


def erlang_b(servers: int, offered: float) -> float:
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = offered * blocked / (n + offered * blocked)
    return blocked


def wait_in_one_server_queue(load: float, service: float, wait: float) -> float:
    """P(W <= t) in M/D/1 (Erlang 1909)."""
    total, rate = 0.0, load / service
    for k in range(int(wait / service) + 1):
        x = rate * (k * service - wait)
        total += x**k / math.factorial(k) * math.exp(-x)
    return (1 - load) * total


def replicated(
    day: StationDay, seed: int, measure: Callable[[Drivers, Served], float], patience_h: float
) -> FloatArray:
    hours = math.ceil((WARM_UP_DRIVERS + DRIVERS) / day.swaps_per_hour[:, :, 0].sum())
    values = []
    for replication in range(REPLICATIONS):
        drivers = draw(day, seed, replication, hours)
        values.append(measure(drivers, served(day, drivers, patience_h)))
    return np.array(values)


def assert_inside(values: FloatArray, known: float) -> None:
    half = student_t.ppf(0.995, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    assert abs(values.mean() - known) <= half, f"{values.mean():.5f} +- {half:.5f}, not {known:.5f}"
    assert half < max(0.15 * known, 0.02)


def waited(drivers: Drivers, result: Served) -> float:
    return float((result.wait_h[WARM_UP_DRIVERS:] > TINY_H).mean())


def mean_wait(drivers: Drivers, result: Served) -> float:
    return float(result.wait_h[WARM_UP_DRIVERS:].mean())


def no_pack(drivers: Drivers, result: Served) -> float:
    return float(result.no_pack[WARM_UP_DRIVERS:].mean())


def lost(drivers: Drivers, result: Served) -> float:
    return float((result.outcome[WARM_UP_DRIVERS:] == LOST).mean())


@pytest.mark.parametrize(
    ("packs", "load", "seed"),
    [(1, 0.5, 1), (1, 0.8, 2), (2, 0.7, 3), (14, 0.7, 4), (14, 0.85, 5), (30, 0.9, 6)],
)
@pytest.mark.parametrize("measure", [waited, mean_wait])
def test_one_type_of_pack_is_a_queue_of_many_servers(
    packs: int, load: float, seed: int, measure: Callable[[Drivers, Served], float]
) -> None:
    turn_h = 1.15
    rate = packs * load / turn_h
    chance, queue = deterministic_queue(packs, load, packs)
    known = chance if measure is waited else queue / rate
    day = station_day(flat(rate), packs, handling_h=0.05, heat_h=0.1, heat_kw=9.0, charge_h=1.0)
    assert_inside(replicated(day, 10 * seed + (measure is waited), measure, FOR_EVER_H), known)


@pytest.mark.parametrize(("packs", "powered", "load", "seed"), [(20, 10, 0.8, 7), (8, 3, 0.7, 8)])
def test_power_for_some_of_the_packs_is_a_queue_of_packs(
    packs: int, powered: int, load: float, seed: int
) -> None:
    rate = powered * load / 1.0
    known, _ = deterministic_queue(powered, load, packs)
    day = station_day(flat(rate), packs, charge_h=1.0, charge_kw=60.0, grid_kw=60.0 * powered)
    assert_inside(replicated(day, seed, no_pack, FOR_EVER_H), known)


@pytest.mark.parametrize(("load", "seed"), [(0.6, 9), (0.8, 10)])
def test_lane_is_a_queue_of_one_server(load: float, seed: int) -> None:
    lane_s = 100.0
    lane_h = lane_s / 3600.0
    day = station_day(flat(load / lane_h), 5_000, charge_h=1.0, lane_s=lane_s)
    known = load * lane_h / (2 * (1 - load))  # Pollaczek and Khinchine
    assert_inside(replicated(day, seed, mean_wait, FOR_EVER_H), known)

    def within(drivers: Drivers, result: Served) -> float:
        return float((result.wait_h[WARM_UP_DRIVERS:] <= 5 / 60).mean())

    known = wait_in_one_server_queue(load, lane_h, 5 / 60)
    assert_inside(replicated(day, seed + 100, within, FOR_EVER_H), known)


@pytest.mark.parametrize(("packs", "offered", "seed"), [(5, 4.0, 11), (14, 13.0, 12)])
def test_without_patience_drivers_are_lost_as_erlang_says(
    packs: int, offered: float, seed: int
) -> None:
    day = station_day(flat(offered / 0.9), packs, charge_h=0.9, lane_s=1e-9)
    assert_inside(replicated(day, seed, lost, 1e-9), erlang_b(packs, offered))


@pytest.mark.parametrize(("load", "patience_lanes", "seed"), [(0.7, 2.0, 13), (0.9, 4.5, 14)])
def test_who_gives_up_leaves_the_lane_to_others(
    load: float, patience_lanes: float, seed: int
) -> None:
    """P(lost) = (1 - rho) q / (1 - rho q), q = P(W > patience) (de Kok, Tijms 1985)."""
    lane_h = 100.0 / 3600.0
    late = 1.0 - wait_in_one_server_queue(load, lane_h, patience_lanes * lane_h)
    day = station_day(flat(load / lane_h), 5_000, charge_h=1.0, lane_s=100.0)
    known = (1 - load) * late / (1 - load * late)
    assert_inside(replicated(day, seed, lost, patience_lanes * lane_h), known)


def test_types_with_packs_of_their_own_are_queues_of_their_own() -> None:
    turn_h, packs, loads = 0.8, (4, 10), (0.6, 0.8)
    rates = [n * load / turn_h for n, load in zip(packs, loads, strict=True)]
    day = station_day(flat(*rates), [packs], charge_h=turn_h)
    for k in range(2):

        def waited_for(drivers: Drivers, result: Served, k: int = k) -> float:
            late = result.wait_h[WARM_UP_DRIVERS:] > TINY_H
            return float(late[drivers.pack_idx[WARM_UP_DRIVERS:] == k].mean())

        known, _ = deterministic_queue(packs[k], loads[k], packs[k])
        assert_inside(replicated(day, 15 + k, waited_for, FOR_EVER_H), known)


def test_packs_in_turn_follow_the_hours_of_the_day() -> None:
    """M_t/D/c from full packs: N(t + D) = (N(t) - c)^+ + Poisson(arrivals of the turn)."""
    packs, turn_h, per_hour = 12, 1.0, 30
    rates = PROFILE / PROFILE.sum() * 170.0
    day = station_day(rates[None, None, :], packs, charge_h=turn_h, lane_s=1e-6)
    behaviour = Behaviour(
        patience_min=1440.0, goes_on=False, replications=1_200, precision_frac=1e-9
    )
    found = simulate(day, behaviour, seed=16)
    assert found.by_hour[0, :, 0].sum() > 200_000
    first = int(np.argmin(rates))
    size = 200
    late = np.zeros((27, per_hour))
    for part in range(per_hour):  # moments of an hour, each followed from turn to turn
        offset = (part + 0.5) / per_hour
        chance = poisson.pmf(np.arange(size), rates[first] * offset)
        late[0, part] = chance[packs:].sum()
        for slot in range(1, 27):
            came = rates[(first + slot - 1) % 24] * (1 - offset)
            came += rates[(first + slot) % 24] * offset
            left = np.zeros(size)
            left[0] = chance[: packs + 1].sum()
            left[1 : size - packs] = chance[packs + 1 :]
            chance = np.convolve(left, poisson.pmf(np.arange(size), came))[:size]
            late[slot, part] = chance[packs:].sum()
    share = late.mean(axis=1)
    drivers, without = found.by_hour[0, :, 0], found.by_hour[0, :, 1]
    for slot in range(3, 27):
        hour = (first + slot) % 24
        p = share[slot]
        # Drivers of an hour share its packs: counts spread more than independent ones would.
        deviation = math.sqrt(max(p * (1 - p), 1e-5) / drivers[hour])
        assert abs(without[hour] / drivers[hour] - p) < 2.6 * 2.5 * deviation + 1e-4
    whole_day = sum(share[slot] * rates[(first + slot) % 24] for slot in range(3, 27)) / rates.sum()
    drivers, without = found.network[:, Count.DRIVERS], found.network[:, Count.NO_PACK]
    assert_inside((without - whole_day * drivers) / drivers.mean(), 0.0)


def test_drivers_come_as_poisson_by_hour_and_type() -> None:
    rates = np.outer([0.2, 0.5, 0.3], PROFILE)
    key = keys_of(np.array(["here"]), 17)[0]
    days = 1_000
    counts = np.zeros((days, 3, 24))
    for day in range(days):
        time_h, kind = station_drivers(key, day, rates, 3, 24)
        assert (np.diff(time_h) >= 0.0).all()
        np.add.at(counts[day], (kind, (time_h.astype(int) + 3) % 24), 1.0)
    assert counts.sum() > 100_000
    expected = rates * days
    total = ((counts.sum(axis=0) - expected) ** 2 / expected).sum()
    assert chi2.ppf(0.005, 72) < total < chi2.ppf(0.995, 72)
    spread = counts.var(axis=0, ddof=1) / rates  # a Poisson number's variance is its mean
    assert abs(spread.mean() - 1.0) < 2.6 * math.sqrt(2 / (days - 1) / 72 * 2)
    assert abs(np.corrcoef(counts[:, 0].sum(axis=1), counts[:, 1].sum(axis=1))[0, 1]) < 0.09
