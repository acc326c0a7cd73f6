"""Poisson streams of drivers with hourly rates: how many to expect, how probable each number is.

Compiled kernels that those of packs, lane and grid share.
"""

import math

from numba import njit

from planner.arrays import FloatArray
from planner.units import HOURS_PER_DAY

NEGLIGIBLE = 1e-5
"""Bound of the probability of an event that is left out; shares are good to ten times as much."""
LOG_NEGLIGIBLE = math.log(NEGLIGIBLE)


@njit(cache=True, nogil=True)
def arrivals_until(cumulative: FloatArray, moment_h: float) -> float:
    """Drivers expected from the first day's start to a moment, < 0 before it.

    Parameters
    ----------
    cumulative : float array, shape (25,)
        Drivers until each full hour of the day, from 0.
    moment_h : float
        Any moment; the day repeats itself [h].

    Returns
    -------
    float
    """
    days = math.floor(moment_h / HOURS_PER_DAY)
    in_day = moment_h - days * HOURS_PER_DAY
    hour = min(int(in_day), HOURS_PER_DAY - 1)
    of_hour = cumulative[hour + 1] - cumulative[hour]
    return float(days * cumulative[HOURS_PER_DAY] + cumulative[hour] + (in_day - hour) * of_hour)


@njit(cache=True, nogil=True)
def most_drawn(mean: float) -> int:
    """Number above which a Poisson variable practically never comes: nine deviations up.

    Parameters
    ----------
    mean : float
        Its mean, >= 0.

    Returns
    -------
    int
    """
    return int(mean + 9.0 * math.sqrt(mean) + 12.0)


@njit(cache=True, nogil=True)
def poisson_shares(mean: float, probability: FloatArray) -> int:
    """Probabilities of 0, 1, 2 ... of a Poisson variable, written into an array.

    Parameters
    ----------
    mean : float
        Its mean, >= 0.
    probability : float array
        Is filled as far as it goes, or up to `most_drawn`.

    Returns
    -------
    int
        How many were written.
    """
    if mean <= 0:
        probability[0] = 1.0
        return 1
    count = min(most_drawn(mean) + 1, len(probability))
    mode = min(int(mean), count - 1)
    probability[mode] = math.exp(mode * math.log(mean) - mean - math.lgamma(mode + 1.0))
    for more in range(mode, 0, -1):
        probability[more - 1] = probability[more] * more / mean
    for more in range(mode + 1, count):
        probability[more] = probability[more - 1] * mean / more
    return int(count)


@njit(cache=True, nogil=True)
def is_rare(mean: float, count: int, log_share: float) -> bool:
    """Whether a Poisson variable is that far from its mean, or farther, less often than a share.

    By Chernoff's bound, log P <= c - m - c log(c / m), for P(A >= c) above and P(A <= c) below m;
    the bound is no more than -(c - m)^2 / (2 max(c, m)), which needs no logarithm.

    Parameters
    ----------
    mean : float
        m, >= 0.
    count : int
        c, >= 0.
    log_share : float
        Logarithm of the share, < 0.

    Returns
    -------
    bool
        False where the bound cannot tell.
    """
    away = count - mean
    if away * away > -2.0 * log_share * max(mean, count):
        return True
    if count == 0 or mean == 0:
        return bool(count > 0 or -mean < log_share)
    return bool(away - count * math.log(count / mean) < log_share)
