"""What each element of the physics is worth: left out in turn, against tests and in swaps.

The swaps are a private car's, of the inputs in `PrivateCar`; not an instance's, so that the
figures of `docs/physics.md` stand still when an instance changes.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance.settings.physics import Physics
from planner.physics.cabin import cooling_kw, start_energy_kwh
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
from planner.physics.winter_tests import (
    SOAKED_PACK,
    Elements,
    compare_with_measurement,
    range_errors,
)
from planner.units import HOURS_PER_DAY

FloatArray = NDArray[np.float64]

AIR_C = (-20.0, 0.0, 20.0, 35.0)
"""Air temperatures of the table [C]."""

SODIUM_PACK = TemperatureCurve(np.array([-40.0, -30.0, 25.0, 45.0]), np.array([0.9, 0.93, 1, 1]))
"""Usable energy of sodium-ion packs: maker's claim (Naxtra), no heat at a start."""

NO_COOLING_C = 60.0
SODIUM_KWH = (45.0, 50.0)


@dataclass(frozen=True)
class PrivateCar:
    """The private car of the table; marks of the figures as in `instances/china-140`.

    Attributes
    ----------
    rating_kwh_per_km, drag_frac, speed_kmh, km_per_day, trips_per_day : float
        56 kWh for 515 km by CLTC; 33 km a day in 11.4 km trips of the national platform (M).
    swap_energy_frac, soc_window_frac : float
        NIO: 56 % of the energy by swap (MC), windows 0.57 to 0.62 (M).
    auxiliary_kw : float
    lfp_kwh, sodium_kwh : float
        Packs of the same envelope.
    snow_frac : tuple of float
        Share of the driving on packed snow at each of `AIR_C` (?: assumed).
    """

    rating_kwh_per_km: float = 0.109
    drag_frac: float = 0.35
    speed_kmh: float = 33.0
    km_per_day: float = 33.0
    trips_per_day: float = 2.9
    swap_energy_frac: float = 0.56
    soc_window_frac: float = 0.6
    auxiliary_kw: float = 0.3
    lfp_kwh: float = 56.0
    sodium_kwh: float = 45.0
    snow_frac: tuple[float, ...] = (0.3, 0.1, 0.0, 0.0)


@dataclass(frozen=True)
class Variant:
    """One line of the table: what is left out.

    Attributes
    ----------
    name : str
    elements : Elements
        What is counted of tests and car.
    has_thermal_state : bool
        False: a pack is as cold as the air at each start.
    keeps_start_heat : bool
        False: of the heat put in at a start nothing is left at the next.
    """

    name: str
    elements: Elements
    has_thermal_state: bool = True
    keeps_start_heat: bool = True


def variants() -> tuple[Variant, ...]:
    """All elements, each left out in turn, and none."""
    whole = Elements(Physics())

    def without(**settings: float) -> Elements:
        return replace(whole, physics=Physics(**settings))  # type: ignore[arg-type]

    none = Elements(
        Physics(
            cabin_heat_kwh_per_k=0.0, snow_road_loss_frac=0.0, wet_road_loss_frac=0.0,
            cooling_from_c=NO_COOLING_C,
        ),
        real_use_factor=1.0, heated=SOAKED_PACK, start_heat=None,
    )  # fmt: skip
    return (
        Variant("all elements", whole),
        Variant("rating taken as real use", replace(whole, real_use_factor=1.0)),
        Variant("no warming of the cabin at a start", without(cabin_heat_kwh_per_k=0.0)),
        Variant("no limit of the cabin's heater", without(cabin_heater_kw=30.0)),
        Variant("no packed snow, no wet roads",
                without(snow_road_loss_frac=0.0, wet_road_loss_frac=0.0)),
        Variant("no cooling", without(cooling_from_c=NO_COOLING_C)),
        Variant("no own heat while driving", without(pack_own_heat_frac=0.0)),
        Variant("nothing left of the last start's heat", whole, keeps_start_heat=False),
        Variant("pack as cold as the air at each start", whole, has_thermal_state=False),
        Variant("curve set `driven_no_heat`", replace(whole, start_heat=None)),
        Variant("curve set `soaked_cells`", replace(whole, heated=SOAKED_PACK, start_heat=None)),
        Variant("none of them, cells cold-soaked", none, has_thermal_state=False),
    )  # fmt: skip


def swaps_per_day(
    variant: Variant, car: PrivateCar, ambient_c: FloatArray, *, is_sodium: bool = False
) -> FloatArray:
    """Swaps of the private car per day.

    Parameters
    ----------
    variant : Variant
        What is counted.
    car : PrivateCar
    ambient_c : ndarray, shape (num_temperatures,)
        Air temperatures, in the order of the car's ``snow_frac`` [C].
    is_sodium : bool
        With the sodium-ion pack instead of the LFP pack.

    Returns
    -------
    ndarray, shape (num_temperatures,)
    """
    elements, physics = variant.elements, variant.elements.physics
    nominal = car.sodium_kwh if is_sodium else car.lfp_kwh
    usable = SODIUM_PACK if is_sodium else elements.heated
    start_heat = None if is_sodium else elements.start_heat
    drive_h = car.km_per_day / car.speed_kmh / car.trips_per_day
    park_h = HOURS_PER_DAY / car.trips_per_day - drive_h
    mild = _driving(elements, car, np.array([REFERENCE_C]), np.zeros(1))[0]
    # The rhythm of swaps is that of mild air and of the default pack.
    mild_swaps = swaps_per_vehicle_day(
        car.km_per_day, mild, car.lfp_kwh * car.soc_window_frac, car.swap_energy_frac
    )
    soak_frac: FloatArray | float = 1.0
    warmer_k: FloatArray | float = 0.0
    heat = {
        "pack_heat_kwh_per_kwh_k": physics.pack_heat_kwh_per_kwh_k,
        "pack_loss_kw_per_kwh_k": physics.pack_loss_kw_per_kwh_k,
    }
    if variant.has_thermal_state:
        soak_frac, warmer_k = soak_of_driving(
            drive_h=drive_h,
            park_h=park_h,
            starts_per_swap=np.maximum(1, car.trips_per_day / mild_swaps),
            rise_k=own_heat_rise_k(
                consumption=mild, speed_kmh=car.speed_kmh, nominal_kwh=nominal,
                own_heat_frac=physics.pack_own_heat_frac,
                loss_kw_per_kwh_k=physics.pack_loss_kw_per_kwh_k,
            ),
            **heat,
        )  # fmt: skip
        if start_heat is not None and variant.keeps_start_heat:
            warmer_k = warmer_by_start_heat_k(
                ambient_c, warmer_k, start_heat, drive_h=drive_h, park_h=park_h, **heat
            )
    pack_c = pack_temperature_c(
        ambient_c, soak_frac, station_c=physics.station_temperature_c, warmer_k=warmer_k
    )
    start_kwh = start_energy_kwh(
        ambient_c,
        parked_h=park_h,
        cabin_c=physics.cabin_temperature_c,
        cabin_heat_kwh_per_k=physics.cabin_heat_kwh_per_k,
        cabin_loss_kw_per_k=elements.cabin_loss_kw_per_k,
        heating_cop=_cop(physics, ambient_c),
        drive_h=drive_h,
        heater_kw=physics.cabin_heater_kw,
    )
    if start_heat is not None:
        start_kwh = start_kwh + start_heat.at(pack_c) * nominal
    driving = _driving(elements, car, ambient_c, np.array(car.snow_frac))
    return swaps_per_vehicle_day(
        car.km_per_day,
        driving + start_kwh * car.trips_per_day / car.km_per_day,
        usable_energy_kwh(nominal, car.soc_window_frac, usable.at(pack_c)),
        car.swap_energy_frac,
    )


def contested_curves() -> pd.DataFrame:
    """A private car's swaps under each curve set of lithium packs.

    Returns
    -------
    DataFrame
        One row per curve set (the base set is ""): ``curve_set``; ``usable_-20`` and
        ``start_kwh_-20``, energy over nominal and heat at a start of a pack of -20 C [kWh];
        ``lfp_-20`` and ``lfp_0``, swaps per day on cleared roads; ``below_45`` and
        ``below_50``, air temperature below which a sodium-ion pack of that energy [kWh] needs
        no more swaps, between -35 and 20 C; -inf where not even there [C].
    """
    whole = Elements(Physics())
    air_c = np.round(np.arange(-35.0, 20.05, 0.1), 1)
    sets = {
        "": whole,
        "soaked_cells": replace(whole, heated=SOAKED_PACK, start_heat=None),
        "driven_no_heat": replace(whole, start_heat=None),
    }
    rows = []
    for name, elements in sets.items():
        car = PrivateCar(snow_frac=(0.0,) * len(air_c))
        lfp = swaps_per_day(Variant(name, elements), car, air_c)
        row = {
            "curve_set": name,
            "usable_-20": float(elements.heated.at(-20.0)),
            "start_kwh_-20": car.lfp_kwh
            * (float(elements.start_heat.at(-20.0)) if elements.start_heat else 0.0),
            "lfp_-20": lfp[air_c == -20][0],
            "lfp_0": lfp[air_c == 0][0],
        }
        for kwh in SODIUM_KWH:
            sodium = swaps_per_day(
                Variant(name, elements), replace(car, sodium_kwh=kwh), air_c, is_sodium=True
            )
            # From the cold end, as far as sodium-ion needs no more.
            reach = int(np.cumprod(sodium <= lfp).sum())
            row[f"below_{kwh:g}"] = air_c[reach - 1] if reach else -np.inf
        rows.append(row)
    return pd.DataFrame(rows)


def _cop(physics: Physics, ambient_c: FloatArray) -> FloatArray:
    return heat_pump_cop(
        ambient_c, cop_mild=physics.heat_pump_cop, limit_c=physics.heat_pump_limit_c
    )


def _driving(
    elements: Elements, car: PrivateCar, ambient_c: FloatArray, snow_frac: FloatArray
) -> FloatArray:
    physics = elements.physics
    return consumption_kwh_per_km(
        ambient_c,
        base_kwh_per_km=car.rating_kwh_per_km * elements.real_use_factor,
        drag_frac=car.drag_frac,
        speed_kmh=car.speed_kmh,
        cabin_loss_kw_per_k=elements.cabin_loss_kw_per_k,
        heating_cop=_cop(physics, ambient_c),
        auxiliary_kw=car.auxiliary_kw,
        cabin_c=physics.cabin_temperature_c,
        tyre_loss_per_k=physics.tyre_loss_per_k,
        snow_frac=snow_frac,
        snow_loss_frac=physics.snow_road_loss_frac,
        cooling=cooling_kw(
            ambient_c,
            cabin_loss_kw_per_k=elements.cabin_loss_kw_per_k,
            cooling_from_c=physics.cooling_from_c,
            cooling_gain_kw=physics.cooling_gain_kw,
            cooling_cop=physics.cooling_cop,
        ),
    )


def ablation() -> pd.DataFrame:
    """Errors against measurement and a private car's swaps, element by element left out.

    Returns
    -------
    DataFrame
        One row per variant: ``name``; ``mean`` and ``rmse`` over all range rows and
        ``rmse_held_out`` over those held out [points]; ``cold_start`` (modelled over measured
        consumption of ADAC's cold start, less 1); ``swaps_per_day`` with the LFP pack at each
        of `AIR_C`, columns ``lfp_-20`` ...; ``sodium_-20`` with the sodium-ion pack at -20 C.
    """
    air_c, car = np.array(AIR_C), PrivateCar()
    rows = []
    for variant in variants():
        table = compare_with_measurement(elements=variant.elements)
        errors = range_errors(table).set_index("role")
        cold = table[table["name"].str.contains("cold start")].iloc[0]
        lfp = swaps_per_day(variant, car, air_c)
        sodium = swaps_per_day(variant, car, air_c, is_sodium=True)
        rows.append(
            {
                "name": variant.name,
                "mean": errors.loc["all", "mean"],
                "rmse": errors.loc["all", "rmse"],
                "rmse_held_out": errors.loc["held out", "rmse"],
                "cold_start": cold["modelled"] / cold["measured"] - 1,
                **{f"lfp_{at:g}": value for at, value in zip(air_c, lfp, strict=True)},
                "sodium_-20": sodium[0],
            }
        )
    return pd.DataFrame(rows)
