"""How long packs wait for power, in closed form: what a scarce grid adds to a turn."""

import math

import numpy as np
from numba import njit

from planner.arrays import FloatArray
from planner.service.poisson import (
    LOG_NEGLIGIBLE,
    arrivals_until,
    is_rare,
    poisson_shares,
)
from planner.units import HOURS_PER_DAY


@njit(cache=True, nogil=True)
def grid_delay(
    cumulative: FloatArray, moment_h: float, power_h: float, places: float, bays: int
) -> float:
    """Mean time for which packs at a moment wait for power.

    M_t/D/n, n packs that the grid gives power to at once, with as many packs as bays at most: those
    at power or waiting for it, Z, follow Crommelin's recursion (see `planner.service.turns`), and
    a driver too many for the bays hands in none,

        Z(u + S) = min((Z(u) - n)^+ + A(u, u + S], bays),

    from empty, as far back as it matters, at most a day. By Little's law a pack waits
    S E[(Z - n)^+] / E[min(Z, n)], since min(Z, n) / S packs an hour are charged. Between whole n
    the delay is interpolated: a part of a place is a pack that charges slower.

    Parameters
    ----------
    cumulative : float array, shape (25,)
        Drivers of all types until each full hour of the day, from 0.
    moment_h : float
        The moment [h].
    power_h : float
        S, time for which a pack draws power if the grid gives it, > 0 [h].
    places : float
        How many can at once, >= 1.
    bays : int
        Packs at most: none waits for power if that is no more than ``places``.

    Returns
    -------
    float
        [h].
    """
    if places >= bays:
        return 0.0
    whole = int(places)
    part = places - whole
    delay_h: float = (1.0 - part) * _whole_delay(cumulative, moment_h, power_h, whole, bays)
    if part > 0 and delay_h > 0:
        delay_h += part * _whole_delay(cumulative, moment_h, power_h, whole + 1, bays)
    return float(delay_h)


@njit(cache=True, nogil=True)
def _whole_delay(
    cumulative: FloatArray, moment_h: float, power_h: float, places: int, bays: int
) -> float:
    """`grid_delay` with a whole number of places."""
    until = arrivals_until(cumulative, moment_h)
    steps = math.ceil(HOURS_PER_DAY / power_h)
    while steps > 0:
        expected = until - arrivals_until(cumulative, moment_h - steps * power_h)
        count = steps * places + 1
        if count <= expected or not is_rare(expected, count, LOG_NEGLIGIBLE):
            break
        steps -= 1
    if steps == 0:
        return 0.0
    present = np.zeros(bays + 1)
    present[0] = 1.0
    after = np.empty(bays + 1)
    drawn = np.empty(bays + 1)
    for k in range(steps, 0, -1):
        begin = arrivals_until(cumulative, moment_h - k * power_h)
        end = arrivals_until(cumulative, moment_h - (k - 1) * power_h)
        num_drawn = poisson_shares(max(end - begin, 0.0), drawn)
        for packs in range(bays + 1):
            after[packs] = 0.0
        for before in range(bays + 1):
            waiting = max(before - places, 0)
            for more in range(min(num_drawn, bays + 1 - waiting)):
                after[waiting + more] += present[before] * drawn[more]
        after[bays] += max(1.0 - after.sum(), 0.0)
        present, after = after, present
    waiting_packs = charging = 0.0
    for packs in range(bays + 1):
        waiting_packs += present[packs] * max(packs - places, 0)
        charging += present[packs] * min(packs, places)
    return power_h * waiting_packs / charging if charging > 0 else 0.0
