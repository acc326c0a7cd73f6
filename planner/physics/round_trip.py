"""Where on a round trip a vehicle must have refuelled: energy along the road, in kilowatt-hours.

A vehicle drives from O to D and back, again and again. Every swap fills its pack; between two
swaps it draws energy arc by arc, and at each arc it may have drawn no more than what the pack
gives there: usable energy depends on the temperature of the place where the vehicle is. Pure numpy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ROUNDING = 1e-9
"""Share of the energy by which sums along the road may differ from it."""


@dataclass(frozen=True)
class StopWindows:
    """From which stops each arc of a tour is reached.

    The tour has ``num_stops`` stops and as many arcs; arc k leads from stop k to stop k + 1, the
    last one back to stop 0. Windows count stops on the second of two laps: stop ``p % num_stops``.

    Attributes
    ----------
    first, last : int arrays, shape (num_stops,)
        Arc k is reached from the stops p with ``first[k] <= p <= last[k]``, where
        ``last[k] = k + num_stops``; none if ``first > last``.
    """

    first: IntArray
    last: IntArray


def there_and_back(along: FloatArray) -> FloatArray:
    """Values of the arcs of a round trip from those of the way out, shape (2 num_arcs,).

    >>> there_and_back(np.array([10.0, 20.0])).tolist()
    [10.0, 20.0, 20.0, 10.0]
    """
    return np.concatenate((along, along[::-1]))


def reach_windows(draw_kwh: FloatArray, limit_kwh: FloatArray) -> StopWindows:
    """Stops from which each arc of a tour is reached on a full pack.

    Parameters
    ----------
    draw_kwh : ndarray, shape (num_stops,)
        Energy that each arc takes, >= 0 [kWh].
    limit_kwh : ndarray, shape (num_stops,)
        Energy that may be drawn from a full pack up to the end of each arc: what it gives at the
        arc's temperature, less the reserve, >= 0 [kWh].

    Returns
    -------
    StopWindows
        Stop p reaches arc k if the arcs from p to the end of k take no more than ``limit_kwh[k]``.
        A tour whose whole lap takes less is reached from all its stops, each named once.

    Notes
    -----
    A tour can be driven on a set of open stops if and only if every arc is reached from one of
    them. Swap wherever there is a station: then a vehicle on arc k has drawn what lies between the
    last open stop before it and the end of k, which is no more than from any other open stop before
    it, so that this one reaches k if any does. Where usable energy differs along the tour (a
    cold pass in the middle), an arc may be reached from a stop that cannot be come from: then an
    arc in between is reached from no stop as far back, and the tour counts as driven only if
    a nearer one is open.

    Examples
    --------
    Three arcs out and back, 10 kWh each, on 25 kWh: an arc is reached from its own stop and from
    the one before.

    >>> windows = reach_windows(np.full(6, 10.0), np.full(6, 25.0))
    >>> windows.first.tolist(), windows.last.tolist()
    ([5, 6, 7, 8, 9, 10], [6, 7, 8, 9, 10, 11])
    """
    num_stops = len(draw_kwh)
    drawn = np.concatenate(([0.0], np.cumsum(np.tile(draw_kwh, 2))))
    arc = np.arange(num_stops, 2 * num_stops)
    slack = ROUNDING * drawn[-1]
    first = np.searchsorted(drawn[:-1], drawn[arc + 1] - limit_kwh - slack)
    return StopWindows(np.maximum(first, arc - num_stops + 1).astype(np.int64), arc)


def minimal_windows(
    first: IntArray, last: IntArray, stop_is_site: NDArray[np.bool_]
) -> tuple[IntArray, IntArray]:
    """Windows that contain no other, as ranges of a tour's sites.

    Parameters
    ----------
    first, last : int arrays, shape (num_arcs,)
        As in `StopWindows`.
    stop_is_site : bool array, shape (num_stops,)
        Where a station can be.

    Returns
    -------
    first_site, after_site : int arrays
        Ranges ``first_site[k]:after_site[k]`` of the sites met on two laps, in the order of the
        tour; to hit these is to hit all. An empty range is the only one returned if there is one.
    """
    met = np.concatenate(([0], np.cumsum(np.tile(stop_is_site, 2))))
    low, high = met[first], met[last + 1]
    if (low >= high).any():
        return np.zeros(1, np.int64), np.zeros(1, np.int64)
    # The narrowest window that ends at each site, then only those that begin after all before.
    order = np.lexsort((-low, high))
    low, high = low[order], high[order]
    latest = np.maximum.accumulate(low)
    keeps = np.ones(len(low), dtype=bool)
    keeps[1:] = low[1:] > latest[:-1]
    return low[keeps].astype(np.int64), high[keeps].astype(np.int64)
