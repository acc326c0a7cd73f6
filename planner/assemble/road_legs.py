"""What stations on the road do: the legs that vehicles drive between swaps, and where trips break.

A vehicle drives on as far as it can and swaps at the last open stop that it must: the fewest swaps.
It also swaps in the city at either end, if that has a station.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.assemble.corridors import RoundTrip

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class Leg(NamedTuple):
    """Way between two swaps: stops on two laps, and what the pack has left where it is least.

    Attributes
    ----------
    start, end : int
        Stops, ``start < end``.
    margin_kwh : float
        Energy that could still be drawn, reserve apart, at the arc where that is least [kWh].
    tightest : int
        That arc.
    """

    start: int
    end: int
    margin_kwh: float
    tightest: int


@dataclass(frozen=True)
class Break:
    """The first way between two open stops that a vehicle cannot drive.

    Attributes
    ----------
    start, end : int
        Last open stop before, first open stop behind, counted on two laps.
    arc : int
        First arc that is not reached.
    short_kwh : float
        Energy that is missing at its end [kWh].
    """

    start: int
    end: int
    arc: int
    short_kwh: float


def drive_legs(trip: RoundTrip, is_open: BoolArray, deficit_kwh: NDArray[np.float64]) -> list[Leg]:
    """Legs of one lap on open stops that suffice.

    Parameters
    ----------
    trip : RoundTrip
    is_open : bool array, shape (num_stops,)
        Open stops, ends with a station included.
    deficit_kwh : ndarray, shape (num_stops,)
        Energy already drawn from the pack when it leaves the stop [kWh]; stops where that is
        not 0 are ends, where every vehicle swaps.

    Returns
    -------
    list of Leg
        From the first open stop around to it again.

    Raises
    ------
    ValueError
        If the stops do not suffice.
    """
    num_stops = len(is_open)
    opened = np.flatnonzero(np.tile(is_open, 2))
    if not len(opened):
        raise ValueError("no stop is open")
    drawn = np.concatenate(([0.0], np.cumsum(np.tile(trip.draw_kwh, 2))))
    allowed = np.tile(trip.limit_kwh, 2)
    slack = 2e-9 * drawn[-1]
    home = int(opened[0])
    legs: list[Leg] = []
    here = home
    while here < home + num_stops:
        base = drawn[here] - deficit_kwh[here % num_stops]
        left = allowed[here : here + num_stops] - (drawn[here + 1 : here + num_stops + 1] - base)
        short = np.flatnonzero(left < -slack)
        farthest = here + (int(short[0]) if len(short) else num_stops)
        ahead = opened[(opened > here) & (opened <= min(farthest, home + num_stops))]
        if not len(ahead):
            raise ValueError("a leg is longer than the pack allows")
        must = ahead[deficit_kwh[ahead % num_stops] > 0]
        end = int(must[0]) if len(must) else int(ahead[-1])
        tightest = int(left[: end - here].argmin())
        legs.append(Leg(here, end, float(left[tightest]), here + tightest))
        here = end
    return legs


def find_break(trip: RoundTrip, is_open: BoolArray, deficit_kwh: NDArray[np.float64]) -> Break:
    """Where a trip that cannot be driven breaks first.

    Parameters
    ----------
    trip, is_open, deficit_kwh
        As in `drive_legs`.

    Returns
    -------
    Break
        With no open stop at all: the whole lap.

    Raises
    ------
    ValueError
        If the trip can be driven.
    """
    num_stops = len(is_open)
    opened = np.flatnonzero(np.tile(is_open, 2))
    drawn = np.concatenate(([0.0], np.cumsum(np.tile(trip.draw_kwh, 2))))
    for arc in range(num_stops, 2 * num_stops):
        limit = trip.limit_kwh[arc - num_stops]
        before = opened[(opened <= arc) & (opened > arc - num_stops)]
        need = drawn[arc + 1] - (
            drawn[before] - deficit_kwh[before % num_stops] if len(before) else drawn[0]
        )
        if not len(before) or need.min() > limit + 2e-9 * drawn[-1]:
            start = int(before[-1]) if len(before) else num_stops
            behind = opened[opened > arc]
            end = int(behind[0]) if len(behind) else start + num_stops
            return Break(start, end, arc, float(np.min(need) - limit))
    raise ValueError("the trip can be driven")
