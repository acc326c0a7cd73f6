"""One day of many stations: who comes when, for which pack, and what the station has for them."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IntArray, StringArray, freeze
from planner.units import HOURS_PER_DAY


@dataclass(frozen=True)
class StationDay:
    """A day of stations that hold packs of several types.

    Sets: stations s, pack types k, hours h of the day. The day repeats itself: what comes before
    its first hour is its last.

    Attributes
    ----------
    station_id : str array, shape (num_stations,)
        Unique; seeds the station's own stream of drivers.
    pack_id : str array, shape (num_packs,)
    envelope_idx : int array, shape (num_packs,)
        Packs with the same number fit the same vehicles.
    group_idx : int array, shape (num_stations,)
        Stations of one group may send drivers to each other.
    swaps_per_hour : float array, shape (num_stations, num_packs, 24)
        Drivers who come for a pack of the type, >= 0 [1/h].
    packs : int array, shape (num_stations, num_packs)
        Packs that the station owns, all full when nobody came for long, >= 0.
    bays : int array, shape (num_stations,)
        Places for packs, >= the sum of ``packs``.
    lane_s : float array, shape (num_stations,)
        Time for which a vehicle keeps the lane, > 0 [s].
    grid_kw : float array, shape (num_stations,)
        What the grid gives, > 0 [kW].
    handling_h : float array, shape (num_stations,)
        From a pack's arrival in the bay until it draws power [h].
    heat_h, heat_kw : float arrays, shape (num_stations, num_packs)
        The pack is warmed for so long, at that power from the grid, >= 0 [h, kW].
    charge_h, charge_kw : float arrays, same shape
        Then it charges for so long, if the grid gives that power, > 0 [h, kW].
    next_idx : int array, shape (num_stations,)
        Station that a driver goes on to who gives up here, -1 if there is none.
    next_min : float array, shape (num_stations,)
        Drive to it [min].

    Raises
    ------
    ValueError
        If a shape, a sign or a reference is wrong, or a turn is longer than a day.
    """

    station_id: StringArray
    pack_id: StringArray
    envelope_idx: IntArray
    group_idx: IntArray
    swaps_per_hour: FloatArray
    packs: IntArray
    bays: IntArray
    lane_s: FloatArray
    grid_kw: FloatArray
    handling_h: FloatArray
    heat_h: FloatArray
    heat_kw: FloatArray
    charge_h: FloatArray
    charge_kw: FloatArray
    next_idx: IntArray
    next_min: FloatArray

    def __post_init__(self) -> None:
        stations, packs = len(self.station_id), len(self.pack_id)
        by_station, by_both = (stations,), (stations, packs)
        shapes: dict[str, tuple[int, ...]] = {
            "envelope_idx": (packs,),
            "swaps_per_hour": (stations, packs, HOURS_PER_DAY),
            **dict.fromkeys(("group_idx", "bays", "lane_s", "grid_kw", "handling_h", "next_idx",
                             "next_min"), by_station),
            **dict.fromkeys(("packs", "heat_h", "heat_kw", "charge_h", "charge_kw"), by_both),
        }  # fmt: skip
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        for name in ("swaps_per_hour", "packs", "handling_h", "heat_h", "heat_kw", "next_min"):
            values = getattr(self, name)
            if not (np.isfinite(values).all() and (values >= 0).all()):
                raise ValueError(f"{name} must be finite and >= 0")
        for name in ("lane_s", "grid_kw", "charge_h", "charge_kw"):
            values = getattr(self, name)
            if not (np.isfinite(values).all() and (values > 0).all()):
                raise ValueError(f"{name} must be finite and > 0")
        if len(np.unique(self.station_id)) != stations:
            raise ValueError("station_id must be unique")
        if (self.packs.sum(axis=1) > self.bays).any():
            raise ValueError("packs must not be more than bays")
        if stations and not (self.next_idx.min() >= -1 and self.next_idx.max() < stations):
            raise ValueError("next_idx must be -1 or a station")
        if (self.turn_h > HOURS_PER_DAY).any():
            raise ValueError("a turn must not be longer than a day")
        freeze(self)

    @property
    def turn_h(self) -> FloatArray:
        """From one pack's arrival to when it is full again, shape (num_stations, num_packs) [h]."""
        return np.asarray(self.handling_h[:, None] + self.heat_h + self.charge_h)

    @property
    def grid_kwh(self) -> FloatArray:
        """Energy that a turn takes from the grid, shape (num_stations, num_packs) [kWh]."""
        return np.asarray(self.heat_h * self.heat_kw + self.charge_h * self.charge_kw)


def busiest_hours(swaps_per_hour: FloatArray, num_hours: int) -> IntArray:
    """The hours of the day in which most drivers come.

    Parameters
    ----------
    swaps_per_hour : float array, shape (num_stations, num_packs, 24)
        As in `StationDay`.
    num_hours : int
        How many, 1 to 24.

    Returns
    -------
    int array, shape (num_stations, num_hours)
        Hours in order of the day; of hours alike the earlier ones.
    """
    total = swaps_per_hour.sum(axis=1)
    hours = np.argsort(-total, axis=1, kind="stable")[:, :num_hours]
    return np.asarray(np.sort(hours, axis=1))


def take_stations(day: StationDay, chosen: IntArray) -> StationDay:
    """Some stations of a day, whose drivers go on to no other.

    Parameters
    ----------
    day : StationDay
    chosen : int array, shape (num_chosen,)
        Positions, each once.

    Returns
    -------
    StationDay
    """
    by_pack = {"pack_id", "envelope_idx"}
    taken = {
        name: values if name in by_pack else values[chosen] for name, values in vars(day).items()
    }
    return StationDay(**{**taken, "next_idx": np.full(len(chosen), -1, dtype=np.int64)})
