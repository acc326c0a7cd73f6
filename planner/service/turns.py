"""Packs that turn, in closed form: who of one type's drivers finds a full pack in time.

Compiled kernels on plain arrays; days of stations are `planner.service.waits`'s.

A pack handed in is full a turn of D hours later, drivers come as a Poisson process A of hourly
rates, served in their order: M_t/D/P with P packs for servers. Let Q(u) be the drivers who wait at
u. All who are being turned at u are full at u + D, those who waited have begun by then:

    N(u + D) = Q(u) + A(u, u + D],    Q(u + D) = (N(u + D) - P)^+        (Crommelin 1932)

A driver who comes at t waits no longer than w < D exactly if (Franx 2001)

    Q(u) + A(u, t] <= P - 1,    u = t + w - D,

and no longer than w = m D + v, 0 <= v < D, if the sum with u = t + v - D is <= (m + 1) P - 1, since
every turn serves P of them. Written out with Q(u) = max over k of (A(u - k D, u] - k P), nobody who
comes in between is left out:

    in time  <=>  A(u - k D, t] <= (m + 1 + k) P - 1  for all k >= 0.

So the recursion may begin empty n turns before u, where each event of a larger k has a probability
below `NEGLIGIBLE` by Chernoff's bound, at most a day before; and no share is counted where the
bound makes one of the events in time rare.

References
----------
C. D. Crommelin (1932). Delay probability formulae when the holding times are constant. Post Office
Electrical Engineers Journal 25:41-50.
G. J. Franx (2001). A simple solution for the M/D/c waiting time distribution. Operations Research
Letters 29:221-229, https://doi.org/10.1016/S0167-6377(01)00108-0.
"""

import math

import numpy as np
from numba import njit

from planner.arrays import FloatArray, IntArray
from planner.service.poisson import (
    LOG_NEGLIGIBLE,
    arrivals_until,
    is_rare,
    most_drawn,
    poisson_shares,
)
from planner.units import HOURS_PER_DAY

TOO_FEW = 1e-4
"""A lower share is not told from none."""
SATURATED = 1e-7
"""No more packs are looked at where so few drivers are not in time."""
FEW_STEPS = 2
"""Turns that a quick look goes back."""


@njit(cache=True, nogil=True)
def shares_in_time(
    cumulative: FloatArray, moment_h: float, turn_h: float, wait_h: float, least: int, most: int,
    hopeless: float,
) -> FloatArray:  # fmt: skip
    """Probability that a driver who comes at a moment finds a full pack in time.

    Parameters
    ----------
    cumulative : float array, shape (25,)
        As for `arrivals_until`.
    moment_h : float
        When the driver comes [h].
    turn_h : float
        From a pack's arrival to when it is full again, > 0 [h].
    wait_h : float
        Time in which it must be there, >= 0 [h].
    least, most : int
        For so many packs, 0 <= least <= most.
    hopeless : float
        Lower shares may be given as 0, which is quicker; `TOO_FEW` at least.

    Returns
    -------
    float array, shape (most + 1 - least,)
        For each number of packs; rises with it.
    """
    shares = np.zeros(most + 1 - least)
    served_turns = int(wait_h / turn_h)
    begin_h = moment_h + (wait_h - served_turns * turn_h) - turn_h
    most_steps = math.ceil(HOURS_PER_DAY / turn_h)
    until = arrivals_until(cumulative, moment_h)
    # Drivers expected from k turns before `begin_h` to the moment.
    expected = np.empty(most_steps + 1)
    largest = 0.0
    for k in range(most_steps + 1):
        expected[k] = max(until - arrivals_until(cumulative, begin_h - k * turn_h), 0.0)
        largest = max(largest, expected[k] - (expected[k - 1] if k else 0.0))
    drawn = np.empty((most_steps + 1, most_drawn(largest) + 1))
    num_drawn = np.zeros(most_steps + 1, dtype=np.int64)
    size = (served_turns + most_steps + 1) * most + 1
    waiting = np.empty(size)
    present = np.empty(size)
    steps = most_steps
    least_log = math.log(max(hopeless, TOO_FEW))
    for packs in range(max(least, 1), most + 1):
        too_few = False
        for k in range(most_steps + 1):
            count = (served_turns + 1 + k) * packs - 1
            if count < expected[k] and is_rare(expected[k], count, least_log):
                too_few = True
                break
        if too_few:
            continue
        while steps > 0:
            count = (served_turns + 1 + steps) * packs
            if count <= expected[steps] or not is_rare(expected[steps], count, LOG_NEGLIGIBLE):
                break
            steps -= 1
        for k in range(steps + 1):
            if num_drawn[k] == 0:
                mean = expected[k] - (expected[k - 1] if k else 0.0)
                num_drawn[k] = poisson_shares(mean, drawn[k])
        share = _in_time(steps, packs, served_turns, drawn, num_drawn, waiting, present)
        shares[packs - least] = min(share, 1.0)
        if steps == 0 and share > 1.0 - SATURATED:
            shares[packs - least :] = 1.0
            break
    return shares


@njit(cache=True, nogil=True, _nrt=False)
def shares_by_wait(
    cumulative: FloatArray, moment_h: float, turn_h: float, waits_h: FloatArray, packs: int,
    shares: FloatArray, drawn: FloatArray, num_drawn: IntArray, waiting: FloatArray,
    present: FloatArray,
) -> None:  # fmt: skip
    """`shares_in_time` for one number of packs and rising waits.

    What a longer wait cannot change is not asked again: a driver who may find a pack in time may so
    later, drivers who practically never were too many are not, and what is certain stays so.

    Parameters
    ----------
    cumulative, moment_h, turn_h
        As of `shares_in_time`.
    waits_h : float array, shape (num_waits,)
        Times in which it must be there, >= 0 and rising [h].
    packs : int
    shares : float array, shape (num_waits,)
        Is filled.
    drawn, num_drawn, waiting, present : arrays
        Room to work in, for `wait_room`.
    """
    most_steps = math.ceil(HOURS_PER_DAY / turn_h)
    until = arrivals_until(cumulative, moment_h)
    steps, is_hopeful, least_log = most_steps, False, math.log(TOO_FEW)
    for i in range(len(waits_h)):
        shares[i] = 0.0
        if packs == 0:
            continue
        if i > 0 and shares[i - 1] >= 1.0:
            shares[i] = 1.0
            continue
        served_turns = int(waits_h[i] / turn_h)
        begin_h = moment_h + (waits_h[i] - served_turns * turn_h) - turn_h
        if not is_hopeful:
            is_hopeful = True
            for k in range(most_steps + 1):
                expected = max(until - arrivals_until(cumulative, begin_h - k * turn_h), 0.0)
                count = (served_turns + 1 + k) * packs - 1
                if count < expected and is_rare(expected, count, least_log):
                    is_hopeful = False
                    break
            if not is_hopeful:
                continue
        while steps > 0:
            expected = max(until - arrivals_until(cumulative, begin_h - steps * turn_h), 0.0)
            count = (served_turns + 1 + steps) * packs
            if count <= expected or not is_rare(expected, count, LOG_NEGLIGIBLE):
                break
            steps -= 1
        before = 0.0
        for k in range(steps + 1):
            expected = max(until - arrivals_until(cumulative, begin_h - k * turn_h), 0.0)
            num_drawn[k] = poisson_shares(expected - before, drawn[k])
            before = expected
        share = _in_time(steps, packs, served_turns, drawn, num_drawn, waiting, present)
        shares[i] = min(share, 1.0)
        if steps == 0 and share > 1.0 - SATURATED:
            shares[i] = 1.0


@njit(cache=True, nogil=True)
def wait_room(peak_per_h: float, turn_h: float, wait_h: float, packs: int) -> tuple[int, int, int]:
    """How much room `shares_by_wait` needs.

    Parameters
    ----------
    peak_per_h : float
        The largest rate of the day [1/h].
    turn_h, wait_h, packs
        Its turn, longest wait and packs.

    Returns
    -------
    num_turns, num_drawn, num_states : int
        ``drawn`` is of shape (num_turns, num_drawn), ``num_drawn`` of (num_turns,), the others of
        (num_states,).
    """
    turns = math.ceil(HOURS_PER_DAY / turn_h) + 1
    return turns, most_drawn(peak_per_h * turn_h) + 2, (int(wait_h / turn_h) + turns) * packs + 1


@njit(cache=True, nogil=True)
def most_in_time(
    cumulative: FloatArray, moment_h: float, turn_h: float, wait_h: float, packs: int
) -> float:  # fmt: skip
    """Upper bound of `shares_in_time` for one number of packs, in a fraction of the time.

    The recursion begins empty `FEW_STEPS` turns before, which leaves events out.

    Parameters
    ----------
    cumulative, moment_h, turn_h, wait_h
        As of `shares_in_time`.
    packs : int

    Returns
    -------
    float
    """
    if packs == 0:
        return 0.0
    served_turns = int(wait_h / turn_h)
    begin_h = moment_h + (wait_h - served_turns * turn_h) - turn_h
    steps = min(FEW_STEPS, math.ceil(HOURS_PER_DAY / turn_h))
    until = arrivals_until(cumulative, moment_h)
    means = np.empty(steps + 1)
    before = 0.0
    for k in range(steps + 1):
        expected = max(until - arrivals_until(cumulative, begin_h - k * turn_h), 0.0)
        means[k] = expected - before
        before = expected
    drawn = np.empty((steps + 1, most_drawn(means.max()) + 1))
    num_drawn = np.zeros(steps + 1, dtype=np.int64)
    for k in range(steps + 1):
        num_drawn[k] = poisson_shares(means[k], drawn[k])
    size = (served_turns + steps + 1) * packs + 1
    waiting, present = np.empty(size), np.empty(size)
    share = _in_time(steps, packs, served_turns, drawn, num_drawn, waiting, present)
    return float(min(share, 1.0))


@njit(cache=True, nogil=True, _nrt=False)
def _in_time(
    steps: int, packs: int, served_turns: int, drawn: FloatArray, num_drawn: IntArray,
    waiting: FloatArray, present: FloatArray,
) -> float:  # fmt: skip
    """Probability that a driver is in time, if nobody waits so many turns before.

    ``drawn`` has the probabilities of numbers of drivers in each turn, the last first; the last
    two arrays are room to work in.
    """
    num_waiting = 1  # states 0 .. num_waiting - 1
    waiting[0] = 1.0
    for k in range(steps, 0, -1):
        # From k to k - 1 turns before: who is one of more than `size` is not served in time.
        size = (served_turns + 1 + k) * packs
        num_present = min(num_waiting + num_drawn[k] - 1, size)
        for state in range(num_present):
            present[state] = 0.0
        for queue in range(min(num_waiting, num_present)):
            weight = waiting[queue]
            for more in range(min(num_drawn[k], num_present - queue)):
                present[queue + more] += weight * drawn[k, more]
        waiting[0] = 0.0
        for state in range(min(packs + 1, num_present)):
            waiting[0] += present[state]
        num_waiting = max(num_present - packs, 1)
        for state in range(1, num_waiting):
            waiting[state] = present[packs + state]
    limit = (served_turns + 1) * packs - 1
    below = share = 0.0
    for more in range(limit + 1):  # so many in the last stretch, at most limit - more waiting
        below += drawn[0, more] if more < num_drawn[0] else 0.0
        if limit - more < num_waiting:
            share += below * waiting[limit - more]
    return share


@njit(cache=True, nogil=True)
def lane_share(rate_per_h: float, lane_h: float, wait_h: float) -> float:
    """Probability that the lane is free for a driver in time: M/D/1, first come, first served.

    Numbers at the lane by the recursion of Ramaswami (1988), whose terms are all positive, waits
    from them as from packs above, with one pack and the lane's time for a turn. (Erlang's sum for
    the same share alternates and loses all digits at long waits.)

    Parameters
    ----------
    rate_per_h : float
        Drivers of all types [1/h].
    lane_h : float
        Time for which each keeps the lane, > 0 [h].
    wait_h : float
        Time in which it must be free, >= 0 [h].

    Returns
    -------
    float
        0 where more come than the lane takes.

    References
    ----------
    V. Ramaswami (1988). A stable recursion for the steady state vector in Markov chains of M/G/1
    type. Stochastic Models 4:183-188, https://doi.org/10.1080/15326348808807077.
    """
    load = rate_per_h * lane_h
    if load >= 1:
        return 0.0
    served = int(wait_h / lane_h)
    none_comes = math.exp(-load)
    # More than i come while one keeps the lane, from that what flows up and down past j at it.
    above = np.empty(served + 2)
    one = none_comes
    above[0] = 1.0 - one
    present = np.empty(served + 2)
    present[0] = 1.0 - load
    so_far = present[0]
    for j in range(served + 1):
        up = present[0] * above[j]
        for i in range(1, j + 1):
            up += present[i] * above[j - i + 1]
        present[j + 1] = up / none_comes
        so_far += present[j + 1]
        if so_far > 1.0 - 1e-12 and j < served:
            return 1.0  # no more are ever at the lane than it serves in that time
        one *= load / (j + 1)
        above[j + 1] = max(above[j] - one, 0.0)
    # So many come in the last stretch of a lane's time, at most `served` less them are waiting.
    rest = rate_per_h * (lane_h - (wait_h - served * lane_h))
    one = math.exp(-rest)
    below = one
    share = 0.0
    for come in range(served + 1):
        waiting = present[served - come + 1] + (present[0] if come == served else 0.0)
        share += below * waiting
        one *= rest / (come + 1)
        below += one
    return min(share, 1.0)
