"""Capacity as a service level: the largest peak rate that whole packs in the bays still keep.

Takes cases (a mix of drivers at a station of a type) as a day of stations, gives rates.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize.elementwise import find_root

from planner.arrays import FloatArray, IntArray, freeze
from planner.service.day import StationDay, busiest_hours, take_stations
from planner.service.stock import best_share, fewest_packs
from planner.units import SECONDS_PER_HOUR

NEAR_FRAC = 0.02
"""What is expected near a rate is looked for so near at first."""
PRECISION = 1e-6
"""Share of its rate by which a capacity may be too low."""
FAR_FRAC = 0.05
"""Shares so far below the one asked for need not be known to be found too low."""
LEAST_RATE = 1e-6
"""A station that keeps the level for next to nobody keeps it at some rate [1/h]."""


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
    mix: StationDay,
    busy_hours: int,
    wait_min: float,
    within_frac: float,
    near: FloatArray | None = None,
) -> Capacity:
    """Largest peak rate of each case at which packs up to the bays keep the service level.

    With more drivers fewer of them are on time, whatever packs are there: the rate is bracketed and
    found by Chandrupatla's method (1997), and is the bracket's lower end. A case with fewer bays
    than types of packs may not keep the level at any rate.

    Parameters
    ----------
    mix : StationDay
        Every case is a station; its drivers add up to 1 in the busiest hour. Packs do not matter.
    busy_hours : int
        How many of the busiest hours count, 1 to 24.
    wait_min, within_frac
        As for `fewest_packs`.
    near : float array, shape (num_cases,), optional
        Rates that the answers are expected near, for a mix much like it; NaN where not known.

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
    num_cases = len(peak)

    def share_above(rate: FloatArray, case: NDArray[Any]) -> FloatArray:
        """By how much the best packs' share exceeds the one asked for, at a peak rate."""
        chosen = case.astype(np.int64)  # handed on as floats
        day = take_stations(mix, chosen)
        day = replace(day, swaps_per_hour=day.swaps_per_hour * rate[:, None, None])
        share = best_share(day, day.bays, hours[chosen], wait_min, within_frac - FAR_FRAC)
        return share - within_frac

    # No lane takes more than its rate, no bays more than they turn at best.
    most = np.minimum(SECONDS_PER_HOUR / mix.lane_s, mix.bays / mix.turn_h.min(axis=1))
    ends = np.full(num_cases, LEAST_RATE), most
    every = np.arange(num_cases)
    reaches = share_above(ends[0], every) >= 0
    if near is not None:
        for end, factor in enumerate((1 - NEAR_FRAC, 1 + NEAR_FRAC)):
            guess = np.clip(np.where(np.isnan(near), ends[end], near * factor), *ends)
            is_end = (share_above(guess, every) >= 0) == (end == 0)
            ends[end][:] = np.where(is_end, guess, ends[end])
    case = np.flatnonzero(reaches)
    rate = np.zeros(num_cases)
    if len(case):
        found = find_root(
            share_above, (ends[0][case], ends[1][case]), args=(case,),
            tolerances={"xatol": 0.0, "xrtol": PRECISION, "fatol": 0.0, "frtol": 0.0},
        )  # fmt: skip
        rate[case] = found.bracket[0]
    day = replace(mix, swaps_per_hour=mix.swaps_per_hour * rate[:, None, None])
    stock = fewest_packs(day, mix.bays, hours, wait_min, within_frac)
    return Capacity(rate, np.where(reaches[:, None], stock.packs, 0))
