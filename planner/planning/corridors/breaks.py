"""Where a trip breaks that cannot be driven on the stations there are."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.network.intercity import TripPaths
from planner.physics.round_trip import there_and_back


@dataclass(frozen=True)
class RoundTrip:
    """One path there and back.

    Attributes
    ----------
    node_idx, segment_idx : int arrays, shape (num_stops,)
        Node of each stop, and the segment from it to the next.
    draw_kwh, limit_kwh : float arrays, shape (num_stops,)
        Energy of each arc, and energy drawn from a full pack that it allows.
    """

    node_idx: IntArray
    segment_idx: IntArray
    draw_kwh: FloatArray
    limit_kwh: FloatArray

    @property
    def turn(self) -> int:
        """Stop at which the vehicle turns back."""
        return len(self.node_idx) // 2


def lay_round_trip(
    path: int,
    paths: TripPaths,
    draw_kwh: FloatArray,
    usable_kwh: FloatArray,
    *,
    reserve_frac: float,
) -> RoundTrip:
    """Lay a path there and back.

    Parameters
    ----------
    path : int
        Position among the paths.
    paths : TripPaths
    draw_kwh, usable_kwh : ndarray, shape (num_segments,)
        Of one season and profile.
    reserve_frac : float
        Share of the usable energy that is never drawn.

    Returns
    -------
    RoundTrip
    """
    there = paths.segment_idx[paths.ptr[path] : paths.ptr[path + 1]]
    nodes = paths.node_idx[paths.node_ptr[path] : paths.node_ptr[path + 1]]
    return RoundTrip(
        node_idx=np.concatenate((nodes[:-1], nodes[:0:-1])),
        segment_idx=np.concatenate((there, there[::-1])),
        draw_kwh=there_and_back(draw_kwh[there]),
        limit_kwh=(1.0 - reserve_frac) * there_and_back(usable_kwh[there]),
    )


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


def find_break(trip: RoundTrip, is_open: BoolArray, deficit_kwh: FloatArray) -> Break:
    """Where a trip that cannot be driven breaks first.

    Parameters
    ----------
    trip : RoundTrip
    is_open : bool array, shape (num_stops,)
        Open stops, ends with a station included.
    deficit_kwh : ndarray, shape (num_stops,)
        Energy already drawn from the pack when it leaves the stop [kWh].

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
