"""Days of made-up stations, for tests of the service level and of the simulation."""

import numpy as np
from numpy.typing import ArrayLike

from planner.service.day import StationDay

EVENING = np.array([
    1, 1, 1, 1, 1, 1, 2, 4, 6, 7, 7, 7, 7, 7, 7, 7, 8, 9, 10, 10, 8, 6, 4, 2
]) / 10.0  # fmt: skip
"""Drivers of each hour, as shares of the busiest."""


def made_day(
    rates: ArrayLike, packs: ArrayLike, turn_h: ArrayLike = 1.15, *, lane_s: float = 1e-3,
    grid_kw: float = 1e6, bays: int | None = None, handling_h: float = 0.0,
) -> StationDay:  # fmt: skip
    """Stations from rates (stations, packs, 24 or 1), packs and turns (stations, packs)."""
    shape = np.shape(packs)
    per_hour = np.broadcast_to(np.asarray(rates, dtype=float), (*shape, 24))
    num_stations, num_packs = shape
    charge_h = np.broadcast_to(np.asarray(turn_h, dtype=float), shape) - handling_h
    owned = np.asarray(packs, dtype=np.int64)
    none = np.zeros(shape)
    return StationDay(
        station_id=np.array([f"s{i}" for i in range(num_stations)]),
        pack_id=np.array([f"p{i}" for i in range(num_packs)]),
        envelope_idx=np.arange(num_packs),
        group_idx=np.zeros(num_stations, dtype=np.int64),
        swaps_per_hour=per_hour,
        packs=owned,
        bays=owned.sum(axis=1) if bays is None else np.full(num_stations, bays),
        lane_s=np.full(num_stations, lane_s),
        grid_kw=np.full(num_stations, grid_kw),
        handling_h=np.full(num_stations, handling_h),
        heat_h=none,
        heat_kw=none,
        charge_h=charge_h,
        charge_kw=np.full(shape, 50.0),
        next_idx=np.full(num_stations, -1),
        next_min=np.zeros(num_stations),
    )
