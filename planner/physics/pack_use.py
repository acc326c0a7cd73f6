"""What vehicle classes draw from their packs, and what the packs give, over air temperature.

Real use of the rated consumption, starts that warm cabin and pack, the pack's own temperature and
the driver's window of charge come together here, for the plan's demand and for the range table.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from planner.arrays import FloatArray
from planner.instance import Instance
from planner.physics.cabin import cooling_kw, start_energy_kwh
from planner.physics.curves import start_heat_curve, temperature_curve
from planner.physics.pack_heat import (
    own_heat_rise_k,
    pack_temperature_c,
    soak_of_driving,
    warmer_by_start_heat_k,
)
from planner.physics.vehicle_range import (
    REFERENCE_C,
    consumption_kwh_per_km,
    heat_pump_cop,
    swaps_per_vehicle_day,
    usable_energy_kwh,
)
from planner.units import HOURS_PER_DAY

_Row = dict[str, FloatArray]
"""Figures of vehicle classes by column of their table, shaped to be broadcast."""


@dataclass(frozen=True)
class PackUse:
    """What vehicle classes do with packs, whether these fit them or not.

    Axes: vehicle class, pack, then those of the air temperature.

    Attributes
    ----------
    pack_c : ndarray
        Temperature of the pack, mean over the starts from one swap to the next [C].
    energy_kwh : ndarray
        Between two swaps [kWh].
    kwh_per_km : ndarray
        Drawn from the pack, starts included [kWh/km].
    swaps_per_day : ndarray
        Per vehicle.
    """

    pack_c: FloatArray
    energy_kwh: FloatArray
    kwh_per_km: FloatArray
    swaps_per_day: FloatArray


def use_packs(
    instance: Instance,
    vehicles: pd.DataFrame,
    packs: pd.DataFrame,
    ambient_c: ArrayLike,
    *,
    snow_frac: ArrayLike = 0.0,
    wet_frac: ArrayLike = 0.0,
) -> PackUse:
    """Consumption, energy and swaps of vehicle classes with packs.

    A start's heat for the pack is that at its mean temperature over the starts between two swaps.

    Parameters
    ----------
    instance : Instance
        Curves, the vehicles' default packs and the scenario's physics.
    vehicles, packs : DataFrame
        Rows of the instance's tables.
    ambient_c : array_like
        Air temperatures [C].
    snow_frac, wet_frac : array_like
        Share of the driving on snow and on wet roads; broadcast against ``ambient_c``.

    Returns
    -------
    PackUse
        Outside of a curve's domain its end value is held.
    """
    ambient = np.asarray(ambient_c, dtype=np.float64)
    over_air = (None,) * ambient.ndim
    row = {name: values[:, None, *over_air] for name, values in _figures(vehicles).items()}
    mild = _starts_per_swap(instance, vehicles)[:, None, *over_air]
    steady = _steady_kwh_per_km(instance, row, ambient, snow_frac, wet_frac)
    cabin_kwh = _cabin_start_kwh(instance, row, ambient)
    window = driver_windows(vehicles, packs)[..., *over_air]
    by_pack = []
    for idx, (chemistry, nominal_kwh) in enumerate(
        zip(packs["chemistry"], packs["nominal_kwh"], strict=True)
    ):
        pack_c = _pack_c(instance, row, ambient, steady, mild, chemistry, nominal_kwh)
        usable = temperature_curve(instance, chemistry, "usable_energy")
        heat = start_heat_curve(instance, chemistry)
        heat_kwh = 0.0 if heat is None else nominal_kwh * heat.at(pack_c, outside="hold")
        kwh_per_km = steady + row["starts_per_km"] * (cabin_kwh + heat_kwh)
        energy = usable_energy_kwh(nominal_kwh, window[:, [idx]], usable.at(pack_c, outside="hold"))
        by_pack.append(
            (
                pack_c, energy, kwh_per_km,
                swaps_per_vehicle_day(
                    row["km_per_day"], kwh_per_km, energy, row["swap_energy_frac"]
                ),
            )
        )  # fmt: skip
    # Each of shape (num_vehicles, 1, ...).
    return PackUse(*(np.concatenate(values, axis=1) for values in zip(*by_pack, strict=True)))


def driver_windows(vehicles: pd.DataFrame, packs: pd.DataFrame) -> FloatArray:
    """Share of a pack that is used between two swaps, shape (num_vehicles, num_packs).

    The driver's, where the class states one; otherwise the pack's.
    """
    own = packs["soc_window_frac"].to_numpy(float)
    driver = _numbers(vehicles, "soc_window_frac", np.nan)[:, None]
    return np.where(np.isnan(driver), own, driver)


def real_kwh_per_km(vehicles: pd.DataFrame) -> FloatArray:
    """Consumption in real use at 20 C without cabin heat, shape (num_vehicles,) [kWh/km]."""
    rated = vehicles["consumption_kwh_per_km"].to_numpy(float)
    return np.asarray(rated * _numbers(vehicles, "real_use_factor", 1.0))


def _figures(vehicles: pd.DataFrame) -> _Row:
    figures = {
        name: vehicles[name].to_numpy(float)
        for name in ("drag_frac", "speed_kmh", "cabin_loss_kw_per_k", "auxiliary_kw", "km_per_day",
                     "swap_energy_frac")
    }  # fmt: skip
    rated_speed = _numbers(vehicles, "rated_speed_kmh", np.nan)
    trips = _numbers(vehicles, "trips_per_day", np.nan)
    driven_km, driven_h = figures["km_per_day"], figures["km_per_day"] / figures["speed_kmh"]
    starts = np.divide(trips, driven_km, out=np.zeros_like(trips), where=driven_km > 0)
    return figures | {
        "base_kwh_per_km": real_kwh_per_km(vehicles),
        "rated_speed_kmh": np.where(np.isnan(rated_speed), figures["speed_kmh"], rated_speed),
        "has_heat_pump": (vehicles["heating"] == "heat_pump").to_numpy(float),
        "soak_frac": _numbers(vehicles, "soak_frac", np.nan),
        "trips_per_day": trips,
        "starts_per_km": np.nan_to_num(starts),
        "drive_h": driven_h / trips,
        "park_h": np.maximum(0.0, HOURS_PER_DAY - driven_h) / trips,
    }


def _numbers(frame: pd.DataFrame, column: str, default: float) -> FloatArray:
    """A column that may be left out, and its cells that may be empty."""
    if column not in frame:
        return np.full(len(frame), default)
    return frame[column].fillna(default).to_numpy(float)


def _heating_cop(instance: Instance, row: _Row, ambient_c: FloatArray) -> FloatArray:
    physics = instance.scenario.physics
    fading = heat_pump_cop(
        ambient_c, cop_mild=physics.heat_pump_cop, limit_c=physics.heat_pump_limit_c
    )
    return np.where(row["has_heat_pump"] > 0, fading, 1.0)


def _steady_kwh_per_km(
    instance: Instance, row: _Row, ambient_c: FloatArray, snow_frac: ArrayLike, wet_frac: ArrayLike
) -> FloatArray:
    """Consumption with a warm cabin, shape (num_vehicles, 1, ...)."""
    physics = instance.scenario.physics
    return consumption_kwh_per_km(
        ambient_c,
        base_kwh_per_km=row["base_kwh_per_km"],
        drag_frac=row["drag_frac"],
        speed_kmh=row["speed_kmh"],
        rated_speed_kmh=row["rated_speed_kmh"],
        cabin_loss_kw_per_k=row["cabin_loss_kw_per_k"],
        heating_cop=_heating_cop(instance, row, ambient_c),
        auxiliary_kw=row["auxiliary_kw"],
        cabin_c=physics.cabin_temperature_c,
        tyre_loss_per_k=physics.tyre_loss_per_k,
        snow_frac=snow_frac,
        wet_frac=wet_frac,
        snow_loss_frac=physics.snow_road_loss_frac,
        wet_loss_frac=physics.wet_road_loss_frac,
        cooling=cooling_kw(
            ambient_c,
            cabin_loss_kw_per_k=row["cabin_loss_kw_per_k"],
            cooling_from_c=physics.cooling_from_c,
            cooling_gain_kw=physics.cooling_gain_kw,
            cooling_cop=physics.cooling_cop,
        ),
    )


def _cabin_start_kwh(instance: Instance, row: _Row, ambient_c: FloatArray) -> FloatArray:
    """What the cabin takes at a start; nothing in classes without starts."""
    physics = instance.scenario.physics
    start_kwh = start_energy_kwh(
        ambient_c,
        parked_h=row["park_h"],
        cabin_c=physics.cabin_temperature_c,
        cabin_heat_kwh_per_k=physics.cabin_heat_kwh_per_k,
        cabin_loss_kw_per_k=row["cabin_loss_kw_per_k"],
        heating_cop=_heating_cop(instance, row, ambient_c),
        drive_h=row["drive_h"],
        heater_kw=physics.cabin_heater_kw,
    )
    return np.nan_to_num(start_kwh)


def _pack_c(
    instance: Instance,
    row: _Row,
    ambient_c: FloatArray,
    steady: FloatArray,
    starts_per_swap: FloatArray,
    chemistry: str,
    nominal_kwh: float,
) -> FloatArray:
    """Temperature of a pack at its starts: from the class's soak, or from its trips."""
    physics = instance.scenario.physics
    heat_per_k, loss_per_k = physics.pack_heat_kwh_per_kwh_k, physics.pack_loss_kw_per_kwh_k
    soak, warmer_k = soak_of_driving(
        drive_h=row["drive_h"],
        park_h=row["park_h"],
        starts_per_swap=starts_per_swap,
        rise_k=own_heat_rise_k(
            consumption=steady,
            speed_kmh=row["speed_kmh"],
            nominal_kwh=nominal_kwh,
            own_heat_frac=physics.pack_own_heat_frac,
            loss_kw_per_kwh_k=loss_per_k,
        ),
        pack_heat_kwh_per_kwh_k=heat_per_k,
        pack_loss_kw_per_kwh_k=loss_per_k,
    )
    heat = start_heat_curve(instance, chemistry)
    if heat is not None:
        warmer_k = warmer_by_start_heat_k(
            ambient_c, warmer_k, heat, drive_h=row["drive_h"], park_h=row["park_h"],
            pack_heat_kwh_per_kwh_k=heat_per_k, pack_loss_kw_per_kwh_k=loss_per_k,
        )  # fmt: skip
    is_stated = ~np.isnan(row["soak_frac"])
    return pack_temperature_c(
        ambient_c,
        np.where(is_stated, row["soak_frac"], soak),
        station_c=physics.station_temperature_c,
        warmer_k=np.where(is_stated, 0.0, warmer_k),
    )


def _starts_per_swap(instance: Instance, vehicles: pd.DataFrame) -> FloatArray:
    """Starts from one swap to the next in mild air, warm, with the default pack; at least one."""
    row = _figures(vehicles)
    mild_c = np.array(REFERENCE_C)
    packs = instance.packs.set_index("pack_id").loc[vehicles["default_pack_id"]]
    usable_frac = [
        float(temperature_curve(instance, chemistry, "usable_energy").at(mild_c, outside="hold"))
        for chemistry in packs["chemistry"]
    ]
    window = np.diagonal(driver_windows(vehicles, packs))
    swaps = swaps_per_vehicle_day(
        row["km_per_day"],
        _steady_kwh_per_km(instance, row, mild_c, 0.0, 0.0),
        usable_energy_kwh(packs["nominal_kwh"].to_numpy(float), window, usable_frac),
        row["swap_energy_frac"],
    )
    with np.errstate(divide="ignore"):
        return np.maximum(1.0, row["trips_per_day"] / swaps)
