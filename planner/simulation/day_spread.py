"""Good and bad days: how much more or less than its mean comes on a day, beyond chance.

Takes the part of the drivers that has such days, gives a factor per segment and day; knows no
stations' packs or queues.

A factor is gamma-distributed with mean 1 and the standard deviation that the vehicle class states,
so that a day's drivers are negative binomial: their variance is m + (v m)^2 with the mean m and the
spread v. It is the same at all stations on a day. Classes of a segment take the quantile of one
draw, since it is the segment's drivers who have a busy day; segments are drawn independently.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import gammaincinv

from planner.arrays import FloatArray, StringArray, freeze
from planner.service.day import StationDay
from planner.simulation.streams import DAY, keys_of, uniforms


@dataclass(frozen=True)
class DaySpread:
    """Parts g of the drivers, each with a factor of its own on every day.

    Attributes
    ----------
    segment : str array, shape (num_parts,)
        Parts of a segment have their good days together.
    spread_frac : float array, shape (num_parts,)
        Standard deviation of the factor, > 0.
    swaps_per_hour : float array, shape (num_parts, num_stations, num_packs, 24)
        On a mean day; contained in the day's rates [1/h].
    """

    segment: StringArray
    spread_frac: FloatArray
    swaps_per_hour: FloatArray

    def __post_init__(self) -> None:
        freeze(self)

    @classmethod
    def none(cls, day: StationDay) -> Self:
        """No drivers: days differ by chance alone."""
        return cls(
            np.zeros(0, dtype=np.str_), np.zeros(0), np.zeros((0, *day.swaps_per_hour.shape))
        )


def day_factors(spread: DaySpread, seed: int, first: int, num_days: int) -> FloatArray:
    """Factors of some days by which the drivers of each part are more or fewer.

    Parameters
    ----------
    spread : DaySpread
    seed : int
    first, num_days : int
        Number of the first replication, and how many.

    Returns
    -------
    float array, shape (num_days, num_parts)
        The same for a replication whatever the others, of mean 1.
    """
    if not len(spread.segment):
        return np.zeros((num_days, 0))
    keys = keys_of(spread.segment, seed, DAY)
    drawn = np.array([uniforms(keys, first + day) for day in range(num_days)])
    shape = spread.spread_frac**-2.0
    return np.asarray(gammaincinv(shape, drawn) / shape)
