"""Capacity as a service level: the largest peak rate that whole packs in the bays still keep.

Takes cases (a mix of drivers at a station of a type) as a day of stations, gives rates.
"""

from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import FloatArray, IntArray, freeze
from planner.service.day import StationDay, busiest_hours
from planner.service.stock import fewest_packs
from planner.units import SECONDS_PER_HOUR

PRECISION = 5e-7
"""Share of its rate by which a capacity may be too low."""


@dataclass(frozen=True)
class Capacity:
    """What stations can take.

    Attributes
    ----------
    swaps_per_hour : float array, shape (num_cases,)
        Drivers of the busiest hour, of all types; 0 where the level is out of reach at any rate.
    packs : int array, shape (num_cases, num_packs)
        The packs that keep the level at that rate.
    """

    swaps_per_hour: FloatArray
    packs: IntArray

    def __post_init__(self) -> None:
        freeze(self)


def most_swaps_per_hour(
    mix: StationDay, busy_hours: int, wait_min: float, within_frac: float
) -> Capacity:
    """Largest peak rate of each case at which packs up to the bays keep the service level.

    By bisection: with more drivers fewer of them are on time, whatever packs are there. A case
    with fewer bays than types of packs may not keep the level at any rate.

    Parameters
    ----------
    mix : StationDay
        Every case is a station; its drivers add up to 1 in the busiest hour. Packs do not matter.
    busy_hours : int
        How many of the busiest hours count, 1 to 24.
    wait_min, within_frac
        As for `fewest_packs`.

    Returns
    -------
    Capacity

    Raises
    ------
    ValueError
        If a case's drivers do not add up to 1 in the busiest hour.
    """
    peak = mix.swaps_per_hour.sum(axis=1).max(axis=1, initial=0.0)
    if (np.abs(peak - 1) > 1e-9).any():
        case = mix.station_id[np.abs(peak - 1) > 1e-9][0]
        raise ValueError(f"drivers of case {case} do not add up to 1 in the busiest hour")
    hours = busiest_hours(mix.swaps_per_hour, busy_hours)
    low = np.zeros(len(peak))
    high = SECONDS_PER_HOUR / mix.lane_s  # no lane takes more
    packs = np.zeros(mix.packs.shape, dtype=np.int64)
    while (high - low > PRECISION * high).any():
        middle = (low + high) / 2
        day = replace(mix, swaps_per_hour=mix.swaps_per_hour * middle[:, None, None])
        stock = fewest_packs(day, mix.bays, hours, wait_min, within_frac)
        low = np.where(stock.enough, middle, low)
        high = np.where(stock.enough, high, middle)
        packs = np.where(stock.enough[:, None], stock.packs, packs)
        high = np.where(high < 1e-6, low, high)
    return Capacity(low, packs)
