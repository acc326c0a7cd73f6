"""Vehicles x range x climate -> swaps per vehicle, city, zone, month and design hour."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import SEGMENTS, Instance
from planner.units import DAYS_PER_MONTH
from planner.vehicle_range import (
    TemperatureCurve,
    consumption_kwh_per_km,
    heat_pump_cop,
    pack_temperature_c,
    swaps_per_vehicle_day,
    usable_energy_kwh,
)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FleetOperation:
    """What each vehicle class does in each city with each pack that fits it.

    Axes: city c and vehicle class v and pack k in the order of the instance's tables; NaN
    where a pack does not fit the vehicle's envelope.

    Attributes
    ----------
    vehicles : ndarray, shape (num_cities, num_vehicles)
        Vehicles of the class in the city.
    swaps_per_day : ndarray, shape (num_cities, num_vehicles, num_packs)
        Mean over the year's months, per vehicle.
    design_swaps_per_day : ndarray, same shape
        On the winter design day, per vehicle.
    design_range_km : ndarray, same shape
        Between two swaps on the winter design day.
    monthly_range_km : ndarray, shape (num_cities, num_vehicles, num_packs, 12)
        At each month's mean temperature.
    design_energy_kwh : ndarray, shape (num_cities, num_vehicles, num_packs)
        Energy of a swap on the winter design day.
    charge_power_frac : ndarray, shape (num_packs,)
        Share of the charger's power that the pack accepts inside the station.
    held : DataFrame
        Temperatures outside a curve's domain, where its end value was held: columns
        ``city_id``, ``chemistry``, ``pack_temperature_c``, ``domain_c``.
    """

    vehicles: FloatArray
    swaps_per_day: FloatArray
    design_swaps_per_day: FloatArray
    design_range_km: FloatArray
    monthly_range_km: FloatArray
    design_energy_kwh: FloatArray
    charge_power_frac: FloatArray
    held: pd.DataFrame


def operate_fleet(
    instance: Instance, monthly_mean_c: FloatArray, winter_design_c: FloatArray
) -> FleetOperation:
    """Range and swaps of every vehicle class in every city with every fitting pack.

    Parameters
    ----------
    instance : Instance
        Vehicles, packs, curves, cities and the scenario's physics.
    monthly_mean_c : ndarray, shape (num_cities, 12)
        Air temperature [C].
    winter_design_c : ndarray, shape (num_cities,)
        Air temperature of the design day [C].

    Returns
    -------
    FleetOperation
        A pack colder than its curve's domain keeps the curve's last value and is listed.
    """
    vehicles, packs = instance.vehicles, instance.packs
    physics = instance.scenario.physics
    # Axes: city, vehicle class, pack, and thirteen air temperatures: the months, the design day.
    ambient_c = np.column_stack((monthly_mean_c, winter_design_c))[:, None, None, :]
    by_vehicle = {
        name: vehicles[name].to_numpy(float)[None, :, None, None]
        for name in (
            "consumption_kwh_per_km", "drag_frac", "speed_kmh", "km_per_day",
            "swap_energy_frac", "soak_frac", "cabin_loss_kw_per_k", "auxiliary_kw",
        )
    }  # fmt: skip
    fading_cop = heat_pump_cop(
        ambient_c, cop_mild=physics.heat_pump_cop, limit_c=physics.heat_pump_limit_c
    )
    has_heat_pump = (vehicles["heating"] == "heat_pump").to_numpy()[None, :, None, None]
    consumption = consumption_kwh_per_km(
        ambient_c,
        base_kwh_per_km=by_vehicle["consumption_kwh_per_km"],
        drag_frac=by_vehicle["drag_frac"],
        speed_kmh=by_vehicle["speed_kmh"],
        cabin_loss_kw_per_k=by_vehicle["cabin_loss_kw_per_k"],
        heating_cop=np.where(has_heat_pump, fading_cop, 1.0),
        auxiliary_kw=by_vehicle["auxiliary_kw"],
        cabin_c=physics.cabin_temperature_c,
        tyre_loss_per_k=physics.tyre_loss_per_k,
    )
    pack_c = pack_temperature_c(
        ambient_c, by_vehicle["soak_frac"], station_c=physics.station_temperature_c
    )[:, :, 0, :]
    curves = {
        chemistry: temperature_curve(instance, chemistry, "usable_energy")
        for chemistry in packs["chemistry"].unique()
    }
    usable_frac = np.stack(
        [curves[chemistry].at(pack_c, outside="hold") for chemistry in packs["chemistry"]], axis=2
    )
    energy = usable_energy_kwh(
        packs["nominal_kwh"].to_numpy(float)[None, None, :, None],
        packs["soc_window_frac"].to_numpy(float)[None, None, :, None],
        usable_frac,
    )
    fits = vehicles["envelope"].to_numpy()[:, None] == packs["envelope"].to_numpy()[None, :]
    energy = np.where(fits[None, :, :, None], energy, np.nan)
    range_km = energy / consumption
    swaps = swaps_per_vehicle_day(
        by_vehicle["km_per_day"], consumption, energy, by_vehicle["swap_energy_frac"]
    )
    return FleetOperation(
        vehicles=_vehicles_by_class(instance),
        swaps_per_day=np.average(swaps[..., :12], axis=-1, weights=DAYS_PER_MONTH),
        design_swaps_per_day=swaps[..., 12],
        design_range_km=range_km[..., 12],
        monthly_range_km=range_km[..., :12],
        design_energy_kwh=energy[..., 12],
        charge_power_frac=np.array(
            [
                float(
                    temperature_curve(instance, chemistry, "charge_power").at(
                        physics.station_temperature_c, outside="hold"
                    )
                )
                for chemistry in packs["chemistry"]
            ]
        ),
        held=_held(instance, curves, pack_c),
    )


def temperature_curve(instance: Instance, chemistry: str, quantity: str) -> TemperatureCurve:
    """One curve of the instance's table ``curves``."""
    rows = instance.curves.query("chemistry == @chemistry and quantity == @quantity")
    return TemperatureCurve(
        rows["temperature_c"].to_numpy(float), rows["value_frac"].to_numpy(float)
    )


def _vehicles_by_class(instance: Instance) -> FloatArray:
    """Whole vehicles per city and class; a segment's classes add up to its rounded fleet."""
    counts = np.zeros((len(instance.cities), len(instance.vehicles)))
    for segment in SEGMENTS:
        classes = np.flatnonzero(instance.vehicles["segment"] == segment)
        share = np.cumsum(instance.vehicles["segment_frac"].to_numpy(float)[classes])
        fleet = np.rint(instance.cities[f"vehicles_{segment}"].to_numpy(float))
        up_to = np.rint(fleet[:, None] * share)
        counts[:, classes] = np.diff(up_to, axis=1, prepend=0.0)
    return counts


def _held(
    instance: Instance, curves: dict[str, TemperatureCurve], pack_c: FloatArray
) -> pd.DataFrame:
    rows = []
    for chemistry, curve in curves.items():
        for city, coldest in zip(instance.cities["city_id"], pack_c.min(axis=(1, 2)), strict=True):
            if curve.is_outside(coldest):
                domain = f"{curve.temperature_c[0]:g} to {curve.temperature_c[-1]:g}"
                rows.append((city, chemistry, round(float(coldest), 1), domain))
    return pd.DataFrame(rows, columns=["city_id", "chemistry", "pack_temperature_c", "domain_c"])


def default_pack_swaps(instance: Instance, per_vehicle: FloatArray) -> FloatArray:
    """Swaps per vehicle with each class's default pack.

    Parameters
    ----------
    instance : Instance
        For the default packs.
    per_vehicle : ndarray, shape (num_cities, num_vehicles, num_packs)
        Swaps per vehicle and day.

    Returns
    -------
    ndarray, shape (num_cities, num_vehicles)
    """
    pack_idx = pd.Index(instance.packs["pack_id"]).get_indexer(instance.vehicles["default_pack_id"])
    return np.asarray(per_vehicle[:, np.arange(len(pack_idx)), pack_idx])


def spread_to_zones(instance: Instance, by_city: FloatArray) -> FloatArray:
    """Spread a city's total over its zones by their car-owning households.

    Parameters
    ----------
    instance : Instance
        Zones and cities.
    by_city : ndarray, shape (num_cities,)
        Any total per city.

    Returns
    -------
    ndarray, shape (num_zones,)
        Adds up to the total in every city that has zones.
    """
    city_idx = pd.Index(instance.cities["city_id"]).get_indexer(instance.zones["city_id"])
    weight = instance.zones["car_owning_households"].to_numpy(float)
    city_weight = np.bincount(city_idx, weight, minlength=len(by_city))
    per_weight = np.divide(by_city, city_weight, out=np.zeros(len(by_city)), where=city_weight > 0)
    return np.asarray(weight * per_weight[city_idx])
