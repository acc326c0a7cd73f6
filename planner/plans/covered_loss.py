"""What an exchange of stations loses where every swap within reach of a station is served."""

import numpy as np
from numpy.typing import NDArray

from planner.instance import Instance
from planner.plans.labels import positions_of
from planner.plans.plan import Evaluation
from planner.plans.station_costs import fitting_types
from planner.plans.worth import LEAST_SWAPS_PER_DAY, Reached

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ROOM_FRAC = 0.99
"""Stations fuller than this may be full."""


def covered_loss(
    instance: Instance,
    evaluation: Evaluation,
    reached: Reached,
    leaving: IntArray,
    entering: IntArray,
) -> FloatArray:
    """Swaps a day that exchanges lose: those of zones that lose their only station, less gains.

    Parameters
    ----------
    instance, evaluation, reached : Instance, Evaluation, Reached
    leaving, entering : int arrays, shape (n,)
        Sites; -1 for an entering one that is none.

    Returns
    -------
    ndarray, shape (n,)
        NaN where a station may be full before or after: one that shares a zone with the leaving
        could not take all its load, or the entering, in the leaving's type, not all within reach.
    """
    sites, zones = instance.sites, evaluation.zones.set_index("zone_id")
    zones = zones.loc[instance.zones["zone_id"]]
    swaps, peak = (zones[name].to_numpy(float) for name in ("swaps_per_day", "peak_swaps_per_hour"))
    stations = evaluation.stations
    open_idx = positions_of(stations["site_id"], sites["site_id"])
    load, room = np.zeros(len(sites)), np.zeros(len(sites))
    load[open_idx] = stations["peak_swaps_per_hour"].to_numpy(float)
    room[open_idx] = ROOM_FRAC * stations["capacity_swaps_per_hour"].to_numpy(float)
    type_of = np.full(len(sites), -1)
    type_of[open_idx] = positions_of(
        stations["station_type_id"], instance.stations["station_type_id"]
    )
    fits, city = fitting_types(instance), sites["city_id"].to_numpy(str)

    def zones_of(site: int) -> IntArray:
        return reached.zone_idx[reached.ptr[site] : reached.ptr[site + 1]].astype(np.int64)

    is_open = np.isin(np.arange(len(sites)), open_idx)
    site_idx = reached.site_idx
    pairs = is_open[site_idx]
    by_zone = np.argsort(reached.zone_idx[pairs], kind="stable")
    server, count = (
        site_idx[pairs][by_zone],
        np.bincount(reached.zone_idx[pairs], minlength=len(swaps)),
    )
    ptr = np.concatenate(([0], np.cumsum(count)))
    served = zones["served_frac"].to_numpy(float)
    loss = np.full(len(leaving), np.nan)
    if ((count > 0) & (swaps * (1 - served) > LEAST_SWAPS_PER_DAY)).any():
        return loss
    for row, (out, into) in enumerate(zip(leaving.tolist(), entering.tolist(), strict=True)):
        losing = zones_of(out)
        taking = np.unique(
            np.concatenate(
                [np.empty(0, np.int64), *(server[ptr[zone] : ptr[zone + 1]] for zone in losing)]
            )
        )
        taking = taking[taking != out]
        if (load[taking] + load[out] > room[taking]).any():
            continue
        gaining = np.empty(0, np.int64)
        if into >= 0:
            gaining = zones_of(into)
            alike = city[into] == city[out] and fits[into, type_of[out]]
            if not alike or peak[gaining].sum() > room[out]:
                continue
        lost = losing[(count[losing] == 1) & ~np.isin(losing, gaining)]
        gained = gaining[count[gaining] == 0]
        loss[row] = float(swaps[lost].sum() - swaps[gained].sum())
    return loss
