"""Made-up days of stations, and drivers served without the rest of a simulation."""

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.service.day import StationDay
from planner.simulation.kernel import Drivers, Served, serve
from planner.simulation.run import kernel_stations
from planner.simulation.streams import keys_of, station_drivers

PROFILE = np.array(
    [2, 1, 1, 1, 1, 2, 4, 7, 8, 8, 8, 8, 9, 8, 8, 8, 9, 11, 12, 11, 9, 7, 5, 3], dtype=float
)
FOR_EVER_H = 1e6


def station_day(
    swaps_per_hour: FloatArray,
    packs: object,
    *,
    charge_h: object = 1.0,
    charge_kw: object = 60.0,
    heat_h: object = 0.0,
    heat_kw: object = 0.0,
    handling_h: float = 0.0,
    lane_s: object = 1e-6,
    grid_kw: object = 1e9,
    envelope_idx: object = 0,
    next_idx: object = -1,
    next_min: object = 0.0,
    station_id: list[str] | None = None,
) -> StationDay:
    """Single figures hold for all stations and types."""
    num, types, _ = swaps_per_hour.shape

    def each(value: object, *shape: int) -> FloatArray:
        return np.broadcast_to(np.asarray(value, dtype=float), shape).copy()

    owned = each(packs, num, types).astype(np.int64)
    return StationDay(
        station_id=np.array(station_id or [f"station {s}" for s in range(num)]),
        pack_id=np.array([f"pack_{k}" for k in range(types)]),
        envelope_idx=each(envelope_idx, types).astype(np.int64),
        group_idx=np.zeros(num, dtype=np.int64),
        swaps_per_hour=swaps_per_hour,
        packs=owned,
        bays=owned.sum(axis=1),
        lane_s=each(lane_s, num),
        grid_kw=each(grid_kw, num),
        handling_h=each(handling_h, num),
        heat_h=each(heat_h, num, types),
        heat_kw=each(heat_kw, num, types),
        charge_h=each(charge_h, num, types),
        charge_kw=each(charge_kw, num, types),
        next_idx=each(next_idx, num).astype(np.int64),
        next_min=each(next_min, num),
    )


def flat(*rates: float) -> FloatArray:
    """One station, the same rate all day, by pack type."""
    return np.repeat(np.array(rates)[None, :, None], 24, axis=2)


def made_up(
    num: int, types: int, seed: int, *, per_day: float = 83.0, spare: float = 0.0, **other: object
) -> StationDay:
    """A country of stations at random places, who send drivers to the nearest."""
    rng = np.random.default_rng(seed)
    total = per_day * rng.lognormal(0.0, 0.4, num)
    mix = rng.dirichlet(np.full(types, 4.0), num)
    rates = total[:, None, None] * mix[:, :, None] * PROFILE / PROFILE.sum()
    peak = rates.max(axis=2) * 1.3
    places = rng.uniform(0.0, 300.0, (num, 2))
    apart = np.linalg.norm(places[:, None] - places, axis=2) if num <= 500 else None
    if apart is None:
        nearest = np.arange(num) ^ 1
    else:
        np.fill_diagonal(apart, np.inf)
        nearest = apart.argmin(axis=1) if num > 1 else np.array([-1])
    settings: dict[str, object] = {
        "packs": np.ceil(peak + spare * np.sqrt(peak)),
        "charge_h": rng.uniform(0.7, 1.2, types), "charge_kw": 60.0, "heat_h": 0.1,
        "heat_kw": 20.0, "handling_h": 0.05, "lane_s": 100.0, "grid_kw": 720.0,
        "envelope_idx": np.arange(types) // 2, "next_idx": nearest, "next_min": 12.0,
    }  # fmt: skip
    return station_day(rates, **(settings | other))  # type: ignore[arg-type]


def draw(day: StationDay, seed: int, replication: int, hours: int) -> Drivers:
    """Drivers of all stations from midnight on."""
    keys = keys_of(day.station_id, seed)
    drawn = [
        station_drivers(key, replication, rates, 0, hours)
        for key, rates in zip(keys, day.swaps_per_hour, strict=True)
    ]
    ptr = np.cumsum([0, *(len(time_h) for time_h, _ in drawn)])
    return Drivers(ptr, *(np.concatenate(parts) for parts in zip(*drawn, strict=True)))


def served(
    day: StationDay,
    drivers: Drivers,
    patience_h: float = FOR_EVER_H,
    *,
    goes_on: bool = False,
    any_of_envelope: bool = False,
    wait_h: float = 5 / 60,
) -> Served:
    """All stations as one group."""
    rows: IntArray = np.arange(len(day.station_id))
    stations = kernel_stations(day, any_of_envelope, rows)
    return serve(stations, np.array([0, len(rows)]), drivers, patience_h, goes_on, wait_h)
