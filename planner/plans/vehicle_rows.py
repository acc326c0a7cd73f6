"""What each vehicle takes from each pack, row by row, in every city, month and hour.

Written apart from `planner.physics.pack_use`, which works on aligned arrays; shared are only the
physical formulas and the climate.
"""

import numpy as np
import pandas as pd

from planner.instance import Instance, curve_rows
from planner.physics.cabin import cooling_kw, start_energy_kwh
from planner.physics.climate import MONTHS, CityClimate
from planner.physics.pack_heat import (
    own_heat_rise_k,
    pack_temperature_c,
    soak_of_driving,
    warmer_by_start_heat_k,
)
from planner.physics.vehicle_range import (
    REFERENCE_C,
    TemperatureCurve,
    consumption_kwh_per_km,
    heat_pump_cop,
    swaps_per_vehicle_day,
    usable_energy_kwh,
)
from planner.units import HOURS_PER_DAY

MONTH_MEAN, DESIGN_DAY = -2, -1
"""Stand in the column ``hour_point`` beside 0, 1, ... of the month's hours."""

_DRIVER_COLUMNS = {
    "real_use_factor": 1.0, "rated_speed_kmh": np.nan, "trips_per_day": np.nan,
    "soak_frac": np.nan, "driver_window_frac": np.nan,
}  # fmt: skip
"""What an empty cell, or a column that was left out, of the table of vehicles means."""


_NOT_OF_DRIVING = ("source", "envelope", "available_from", "cost_cny_per_kwh", "cycle_life")
"""Columns of neither use: there are hundreds of thousands of rows."""


def driving_rows(instance: Instance, climate: CityClimate) -> pd.DataFrame:
    """Every class with every fitting pack, at every temperature of each city and month.

    Returns
    -------
    DataFrame
        The columns of both tables but for `_NOT_OF_DRIVING`, ``city_id, month, hour_point,
        ambient_c``, and ``window_frac`` (used between two swaps), ``pack_c``, ``energy_kwh``,
        ``range_km``, ``swaps`` and ``swapped_kwh`` (both per vehicle and day).
    """
    vehicles = instance.vehicles.rename(columns={"soc_window_frac": "driver_window_frac"})
    vehicles = vehicles.assign(
        **{
            name: vehicles[name].fillna(neutral) if name in vehicles else neutral
            for name, neutral in _DRIVER_COLUMNS.items()
        }
    )
    pairs = vehicles.merge(
        instance.packs.drop(columns="source"), on="envelope", validate="many_to_many"
    )
    day_h = pairs["km_per_day"] / pairs["speed_kmh"]
    pairs = pairs.assign(
        base_kwh_per_km=pairs["consumption_kwh_per_km"] * pairs["real_use_factor"],
        rated_speed_kmh=pairs["rated_speed_kmh"].fillna(pairs["speed_kmh"]),
        window_frac=pairs["driver_window_frac"].fillna(pairs["soc_window_frac"]),
        drive_h=day_h / pairs["trips_per_day"],
        park_h=(HOURS_PER_DAY - day_h).clip(lower=0) / pairs["trips_per_day"],
    )
    pairs["starts_per_swap"] = pairs["vehicle_id"].map(_starts_per_swap(instance, pairs))
    pairs = pairs.drop(columns=[name for name in _NOT_OF_DRIVING if name in pairs])
    rows = pairs.merge(_temperatures(instance, climate), how="cross")
    warm = _warm_kwh_per_km(instance, rows)
    pack_c = _pack_c(instance, rows, warm)
    energy = usable_energy_kwh(
        rows["nominal_kwh"],
        rows["window_frac"],
        _by_chemistry(instance, rows, "usable_energy", pack_c),
    )
    start_kwh = (
        _cabin_start_kwh(instance, rows)
        + _by_chemistry(instance, rows, "start_heat", pack_c) * rows["nominal_kwh"]
    )
    # Nobody starts who does not drive, or of whom no trips are stated.
    starts_kwh = (rows["trips_per_day"] * start_kwh).where(rows["km_per_day"] > 0).fillna(0.0)
    per_km = warm + (starts_kwh / rows["km_per_day"].where(rows["km_per_day"] > 0)).fillna(0.0)
    return rows.assign(
        pack_c=pack_c,
        energy_kwh=energy,
        range_km=energy / per_km,
        swaps=swaps_per_vehicle_day(rows["km_per_day"], per_km, energy, rows["swap_energy_frac"]),
        swapped_kwh=rows["km_per_day"] * per_km * rows["swap_energy_frac"],
    )


def chemistry_curve(instance: Instance, chemistry: str, quantity: str) -> TemperatureCurve:
    """One curve of the table ``curves``, of the chosen set."""
    points = curve_rows(instance.curves, instance.scenario.physics.curve_set, chemistry, quantity)
    return TemperatureCurve(
        points["temperature_c"].to_numpy(float), points["value_frac"].to_numpy(float)
    )


def _has_start_heat(instance: Instance, chemistry: str) -> bool:
    chosen = instance.scenario.physics.curve_set
    return not curve_rows(instance.curves, chosen, chemistry, "start_heat").empty


def _by_chemistry(
    instance: Instance, rows: pd.DataFrame, quantity: str, pack_c: "pd.Series[float]"
) -> "pd.Series[float]":
    """A curve's value in each row, the end value held; no heat where a chemistry needs none."""
    values = pd.Series(0.0, index=rows.index)
    for chemistry, of_chemistry in pack_c.groupby(rows["chemistry"]):
        if quantity == "start_heat" and not _has_start_heat(instance, str(chemistry)):
            continue
        curve = chemistry_curve(instance, str(chemistry), quantity)
        values[of_chemistry.index] = curve.at(of_chemistry, outside="hold")
    return values


def _cop(instance: Instance, rows: pd.DataFrame) -> "pd.Series[float]":
    physics = instance.scenario.physics
    fading = heat_pump_cop(
        rows["ambient_c"], cop_mild=physics.heat_pump_cop, limit_c=physics.heat_pump_limit_c
    )
    return pd.Series(fading, index=rows.index).where(rows["heating"] == "heat_pump", 1.0)


def _warm_kwh_per_km(instance: Instance, rows: pd.DataFrame) -> "pd.Series[float]":
    """Consumption of a vehicle that is warm already."""
    physics = instance.scenario.physics
    values = consumption_kwh_per_km(
        rows["ambient_c"],
        base_kwh_per_km=rows["base_kwh_per_km"],
        drag_frac=rows["drag_frac"],
        speed_kmh=rows["speed_kmh"],
        rated_speed_kmh=rows["rated_speed_kmh"],
        cabin_loss_kw_per_k=rows["cabin_loss_kw_per_k"],
        heating_cop=_cop(instance, rows),
        auxiliary_kw=rows["auxiliary_kw"],
        cabin_c=physics.cabin_temperature_c,
        tyre_loss_per_k=physics.tyre_loss_per_k,
        snow_frac=rows["snow_frac"],
        wet_frac=rows["wet_frac"],
        snow_loss_frac=physics.snow_road_loss_frac,
        wet_loss_frac=physics.wet_road_loss_frac,
        cooling=cooling_kw(
            rows["ambient_c"],
            cabin_loss_kw_per_k=rows["cabin_loss_kw_per_k"],
            cooling_from_c=physics.cooling_from_c,
            cooling_gain_kw=physics.cooling_gain_kw,
            cooling_cop=physics.cooling_cop,
        ),
    )
    return pd.Series(values, index=rows.index)


def _cabin_start_kwh(instance: Instance, rows: pd.DataFrame) -> "pd.Series[float]":
    physics = instance.scenario.physics
    values = start_energy_kwh(
        rows["ambient_c"],
        parked_h=rows["park_h"],
        drive_h=rows["drive_h"],
        cabin_c=physics.cabin_temperature_c,
        cabin_heat_kwh_per_k=physics.cabin_heat_kwh_per_k,
        cabin_loss_kw_per_k=rows["cabin_loss_kw_per_k"],
        heating_cop=_cop(instance, rows),
        heater_kw=physics.cabin_heater_kw,
    )
    return pd.Series(values, index=rows.index)


def _starts_per_swap(instance: Instance, pairs: pd.DataFrame) -> "pd.Series[float]":
    """By vehicle: starts between two swaps of a warm vehicle with its default pack at 20 C."""
    default = pairs[pairs["pack_id"] == pairs["default_pack_id"]].assign(
        ambient_c=REFERENCE_C, snow_frac=0.0, wet_frac=0.0
    )
    mild_c = pd.Series(REFERENCE_C, index=default.index)
    swaps_per_day = (
        default["km_per_day"]
        * _warm_kwh_per_km(instance, default)
        * default["swap_energy_frac"]
        / usable_energy_kwh(
            default["nominal_kwh"],
            default["window_frac"],
            _by_chemistry(instance, default, "usable_energy", mild_c),
        )
    )
    starts = (default["trips_per_day"] / swaps_per_day).clip(lower=1.0)
    return starts.set_axis(default["vehicle_id"])


def _pack_c(
    instance: Instance, rows: pd.DataFrame, warm_kwh_per_km: "pd.Series[float]"
) -> "pd.Series[float]":
    """Temperature of the pack at its starts: by the class's soak, or by its trips without one."""
    physics = instance.scenario.physics
    heat_per_k, loss_per_k = physics.pack_heat_kwh_per_kwh_k, physics.pack_loss_kw_per_kwh_k
    rise_k = own_heat_rise_k(
        consumption=warm_kwh_per_km,
        speed_kmh=rows["speed_kmh"],
        nominal_kwh=rows["nominal_kwh"],
        own_heat_frac=physics.pack_own_heat_frac,
        loss_kw_per_kwh_k=loss_per_k,
    )
    by_trips, warmer = soak_of_driving(
        drive_h=rows["drive_h"],
        park_h=rows["park_h"],
        starts_per_swap=rows["starts_per_swap"],
        rise_k=rise_k,
        pack_heat_kwh_per_kwh_k=heat_per_k,
        pack_loss_kw_per_kwh_k=loss_per_k,
    )
    warmer_k = pd.Series(warmer, index=rows.index)
    for chemistry, own in warmer_k.groupby(rows["chemistry"]):
        if _has_start_heat(instance, str(chemistry)):
            of_chemistry = rows.loc[own.index]
            warmer_k[own.index] = warmer_by_start_heat_k(
                of_chemistry["ambient_c"],
                own,
                chemistry_curve(instance, str(chemistry), "start_heat"),
                drive_h=of_chemistry["drive_h"],
                park_h=of_chemistry["park_h"],
                pack_heat_kwh_per_kwh_k=heat_per_k,
                pack_loss_kw_per_kwh_k=loss_per_k,
            )
    soak = rows["soak_frac"].fillna(pd.Series(by_trips, index=rows.index))
    values = pack_temperature_c(
        rows["ambient_c"],
        soak,
        station_c=physics.station_temperature_c,
        warmer_k=warmer_k.where(rows["soak_frac"].isna(), 0.0),
    )
    return pd.Series(values, index=rows.index)


def _temperatures(instance: Instance, climate: CityClimate) -> pd.DataFrame:
    """Columns ``city_id, month, hour_point, ambient_c, snow_frac, wet_frac``."""
    hours_c = climate.hour_temperatures_c()
    parts: list[pd.DataFrame] = []
    for point, of_month_c in (
        *((point, hours_c[..., point]) for point in range(hours_c.shape[-1])),
        (MONTH_MEAN, climate.monthly_mean_c),
        (DESIGN_DAY, climate.month_design_c),
    ):
        parts.append(
            pd.DataFrame(
                {
                    "city_id": np.repeat(instance.cities["city_id"].to_numpy(), MONTHS),
                    "month": np.tile(np.arange(1, MONTHS + 1), len(instance.cities)),
                    "hour_point": point,
                    "ambient_c": of_month_c.ravel(),
                    "snow_frac": climate.snow_frac.ravel(),
                    "wet_frac": climate.wet_frac.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
