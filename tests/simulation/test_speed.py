"""Events per CPU second, beside SimPy on the same drivers: minutes, and a machine of its own."""

import time

import numpy as np
import pytest

from planner.simulation.behaviour import Behaviour
from planner.simulation.kernel import LOST_NEXT, SERVED, SERVED_NEXT, Drivers
from planner.simulation.run import simulate
from tests.simulation.days import draw, flat, made_up, served, station_day
from tests.simulation.simpy_station import serve_by_simpy

PATIENCE_H = 0.5


def num_events(outcome: np.ndarray) -> int:
    """Arrivals, begun swaps, packs full again, those who gave up, those who went on."""
    begun = int(((outcome == SERVED) | (outcome == SERVED_NEXT)).sum())
    went_on = int(((outcome == SERVED_NEXT) | (outcome == LOST_NEXT)).sum())
    return len(outcome) + 2 * begun + int((outcome != SERVED).sum()) + went_on


@pytest.mark.slow
def test_events_per_second_and_simpy_in_the_same_run() -> None:
    rate = 14 * 0.75 / 1.15
    day = station_day(flat(rate), 14, charge_h=1.15, lane_s=100.0)
    drivers = draw(day, 1, 0, int(500_000 / rate))
    served(day, drivers, PATIENCE_H)  # compiles
    seconds = []
    for _ in range(5):
        began = time.thread_time()
        result = served(day, drivers, PATIENCE_H)
        seconds.append(time.thread_time() - began)
    per_s = num_events(result.outcome) / min(seconds)
    few = 20_000
    part = Drivers(np.array([0, few]), drivers.time_h[:few], drivers.pack_idx[:few])
    began = time.thread_time()
    twin = serve_by_simpy(day, part, PATIENCE_H, goes_on=False, any_of_envelope=False)
    simpy_per_s = num_events(np.array(twin["outcome"])) / (time.thread_time() - began)
    ratio = per_s / simpy_per_s
    print(f"{per_s / 1e6:.1f} M events/s; SimPy {simpy_per_s / 1e6:.3f} M: {ratio:.0f} times")
    assert per_s >= 4e6
    assert ratio >= 40.0


@pytest.mark.slow
@pytest.mark.parametrize(("replications", "limit_s"), [(10, 10.0), (30, 25.0)])
def test_a_country_of_3000_stations(replications: int, limit_s: float) -> None:
    day = made_up(3_000, 4, 1, spare=2.0)
    behaviour = Behaviour(replications=replications, precision_frac=1e-9)
    simulate(made_up(4, 4, 1), behaviour, seed=1, workers=2)  # compiles
    began, cpu = time.perf_counter(), time.process_time()
    simulate(day, behaviour, seed=1, workers=2)
    wall_s = time.perf_counter() - began
    print(f"{replications} days: {wall_s:.1f} s, {time.process_time() - cpu:.1f} CPU s")
    assert wall_s <= limit_s
