"""Poisson streams of drivers with hourly rates: how many to expect, how probable each number is.

Compiled kernels that those of packs, lane and grid share.
"""

import math

from numba import njit

from planner.arrays import FloatArray
from planner.units import HOURS_PER_DAY

NEGLIGIBLE = 1e-6
"""Probability of an event that is left out; at most a day's turns of them are."""


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
def rare_above(mean: float, count: int) -> bool:
    """Whether a Poisson variable hardly comes up to a count, by Chernoff's bound.

    Parameters
    ----------
    mean : float
        Its mean, >= 0.
    count : int
        The count.

    Returns
    -------
    bool
    """
    return count > mean and (mean == 0 or _chernoff(mean, count) < math.log(NEGLIGIBLE))


@njit(cache=True, nogil=True)
def rare_below(mean: float, count: int) -> bool:
    """Whether a Poisson variable hardly stays at or below a count, by Chernoff's bound.

    Parameters
    ----------
    mean : float
        Its mean, >= 0.
    count : int
        The count, >= 0.

    Returns
    -------
    bool
    """
    return count < mean and _chernoff(mean, count) < math.log(NEGLIGIBLE)


@njit(cache=True, nogil=True)
def _chernoff(mean: float, count: int) -> float:
    """Logarithm of the bound of the probability that a Poisson variable comes beyond the count."""
    if count == 0:
        return -mean
    return count - mean - count * math.log(count / mean)
