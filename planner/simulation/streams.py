"""Who comes to a station and when: a stream of its own per seed, station and replication.

Takes hourly rates by pack type, gives times and types of drivers; knows nothing of packs or queues.

Drivers of pack type k come as a Poisson process whose rate lambda_k(h) is constant within each
hour h. With Lambda(t) the integral of sum_k lambda_k, the n-th driver comes at
Lambda^{-1}(E_1 + ... + E_n), E_i independent exponentials of mean 1 (time change: Cinlar 1975,
Introduction to Stochastic Processes, section 4.7), and is of type k with probability
lambda_k / sum_j lambda_j at that hour. Uniforms are those of splitmix64 (Steele, Lea, Flood 2014,
OOPSLA, doi:10.1145/2660193.2660195), begun at a place that a hash gives; a driver takes two of
them, so that what happens at stations never changes who comes.
"""

from hashlib import blake2b

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.arrays import FloatArray, IntArray, StringArray

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S11 = (np.uint64(bits) for bits in (27, 30, 31, 11))
_FROM_53_BITS = 2.0**-53
STATION, DAY = b"", b"day"
"""What streams are for: a station's drivers, or how many come on a day at all stations alike."""


def keys_of(names: StringArray, seed: int, kind: bytes = STATION) -> NDArray[np.uint64]:
    """Where each name's streams begin: the same on every machine and in any order of names.

    Parameters
    ----------
    names : str array, shape (num_names,)
        Of stations, or of what `DAY` is drawn for.
    seed : int
    kind : bytes
        `STATION` or `DAY`: names of different kinds have different streams.

    Returns
    -------
    uint64 array, shape (num_names,)
    """
    digests = (
        blake2b(f"{seed}/{each}".encode(), digest_size=8, person=kind).digest() for each in names
    )
    return np.array([int.from_bytes(each, "little") for each in digests], dtype=np.uint64)


@njit(cache=True, nogil=True)
def _mixed(state):  # type: ignore[no-untyped-def]
    mixed = (state ^ (state >> _S30)) * _MIX_1
    mixed = (mixed ^ (mixed >> _S27)) * _MIX_2
    return mixed ^ (mixed >> _S31)


@njit(cache=True, nogil=True)
def _begun(key, replication):  # type: ignore[no-untyped-def]
    return _mixed(key ^ _mixed(np.uint64(replication) * _STEP + _STEP)) + _STEP


@njit(cache=True, nogil=True)
def _uniform(state):  # type: ignore[no-untyped-def]
    return (np.float64(_mixed(state) >> _S11) + 0.5) * _FROM_53_BITS


@njit(cache=True, nogil=True)
def uniforms(keys, replication):  # type: ignore[no-untyped-def]
    """One number in (0, 1) of each stream.

    Parameters
    ----------
    keys : uint64 array, shape (num_streams,)
        From `keys_of`.
    replication : int
        Each has other numbers.

    Returns
    -------
    float array, shape (num_streams,)
    """
    drawn = np.empty(len(keys))
    for i in range(len(keys)):
        drawn[i] = _uniform(_begun(keys[i], replication))
    return drawn


# It makes no array: without numba's counting of references, as `planner.simulation.kernel` has it.
@njit(cache=True, nogil=True, _nrt=False)
def draw_drivers(  # type: ignore[no-untyped-def]
    key, replication, swaps_per_hour, first_hour, num_hours, time_h, pack_idx, count
):
    """Append one station's drivers, in order of arrival, to arrays with room for them.

    Parameters
    ----------
    key : uint64
        Of `keys_of`.
    replication : int
        Each has other drivers.
    swaps_per_hour : float array, shape (num_packs, 24)
        Rates, >= 0 [1/h]; the day repeats itself.
    first_hour : int
        Hour of the day at which time begins, 0 to 23.
    num_hours : int
        For so long drivers come, > 0 [h].
    time_h : float array
        Times since then, to which they are appended [h].
    pack_idx : int array
        Their types, likewise.
    count : int
        Drivers in both so far.

    Returns
    -------
    int
        Drivers in them now; -1 if the arrays are too short.
    """
    state = _begun(key, replication)
    num_packs = swaps_per_hour.shape[0]
    need = -np.log(_uniform(state))
    for slot in range(num_hours):
        hour = (first_hour + slot) % swaps_per_hour.shape[1]
        rate, last = 0.0, -1
        for k in range(num_packs):
            rate += swaps_per_hour[k, hour]
            if swaps_per_hour[k, hour] > 0.0:
                last = k
        now = np.float64(slot)
        end = now + 1.0
        while need <= rate * (end - now) and rate > 0.0:
            now += need / rate
            if count == len(time_h):
                return -1
            state += _STEP
            left = rate * _uniform(state)
            chosen = 0  # as many types as do not reach so far, counted without a branch
            for k in range(num_packs):
                left -= swaps_per_hour[k, hour]
                chosen += left > 0.0
            time_h[count] = now
            pack_idx[count] = min(chosen, last)
            count += 1
            state += _STEP
            need = -np.log(_uniform(state))
        need -= rate * (end - now)
    return count


def station_drivers(
    key: np.uint64, replication: int, swaps_per_hour: FloatArray, first_hour: int, num_hours: int
) -> tuple[FloatArray, IntArray]:
    """One station's drivers.

    Parameters
    ----------
    key, replication, swaps_per_hour, first_hour, num_hours
        As of `draw_drivers`.

    Returns
    -------
    time_h : float array, shape (num_drivers,)
        Times since ``first_hour``, in order [h].
    pack_idx : int array, shape (num_drivers,)
        Their types.
    """
    room, count = 64, -1
    while count < 0:
        room *= 2
        time_h, pack_idx = np.empty(room), np.empty(room, dtype=np.int64)
        count = draw_drivers(
            key, replication, swaps_per_hour, first_hour, num_hours, time_h, pack_idx, 0
        )
    return time_h[:count], pack_idx[:count]
