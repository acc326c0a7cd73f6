"""Vehicles x range x climate -> swaps per vehicle, city, zone, month and hour."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.arrays import FloatArray
from planner.errors import Fault, InputError
from planner.instance import SEGMENTS, Instance
from planner.physics.climate import CityClimate
from planner.physics.curves import temperature_curve
from planner.physics.pack_use import use_packs
from planner.physics.station_rate import fastest_turn
from planner.units import DAYS_PER_MONTH, HOURS_PER_DAY


@dataclass(frozen=True)
class FleetOperation:
    """What each vehicle class does in each city and month with each pack that fits it.

    Axes: quarter q of the horizon; city c, vehicle class v, pack k and station type t in the
    order of the instance's tables; month m. NaN where a pack does not fit the vehicle's
    envelope. A month's mean is one over its hours, not the value at its mean temperature; its
    design day is as much colder than its mean as the year's is than the coldest month.

    Attributes
    ----------
    vehicles : ndarray, shape (num_quarters, num_cities, num_vehicles)
        Swap vehicles of the class.
    swaps_per_day : ndarray, shape (num_cities, num_vehicles, num_packs, 12)
        Per vehicle, mean over the month's hours.
    mean_range_km : ndarray, same shape
        Between two swaps at the month's mean temperature.
    design_swaps_per_day, design_range_km, design_energy_kwh : ndarray, same shape
        Per vehicle, between two swaps, and per swap, on the month's design day.
    design_turn_h : ndarray, shape (num_cities, num_vehicles, num_packs, num_types, 12)
        Time of a pack in a bay of each station type on the design day.
    design_grid_kwh : ndarray, same shape
        Energy that a swap then takes from the grid: charge, its losses, and the pack's heat.
    grid_kwh_per_day : ndarray, shape (num_cities, num_vehicles, num_packs, 12)
        Energy that a vehicle's swaps take from the grid, mean over the month; heat as on the
        design day.
    hour_frac : ndarray, shape (num_vehicles, 24)
        Share of a class's swaps in each hour of the day.
    peak_hour : int ndarray, shape (num_cities,)
        Hour of the winter design day in which the city's vehicles swap most.
    coldest_month : int ndarray, shape (num_cities,)
        Month, 0 = January, whose design day is the year's.
    extrapolated : DataFrame
        Temperatures outside a curve's domain, where its end value was held: columns
        ``city_id``, ``chemistry``, ``pack_temperature_c``, ``domain_c``.
    """

    vehicles: FloatArray
    swaps_per_day: FloatArray
    mean_range_km: FloatArray
    design_swaps_per_day: FloatArray
    design_range_km: FloatArray
    design_energy_kwh: FloatArray
    design_turn_h: FloatArray
    design_grid_kwh: FloatArray
    grid_kwh_per_day: FloatArray
    hour_frac: FloatArray
    peak_hour: NDArray[np.int64]
    coldest_month: NDArray[np.int64]
    extrapolated: pd.DataFrame

    def on_design_day(self, monthly: FloatArray) -> FloatArray:
        """A monthly array's values in each city's coldest month, without the last axis."""
        cities = np.arange(len(self.coldest_month))
        return np.asarray(np.moveaxis(monthly, -1, 1)[cities, self.coldest_month])

    @property
    def yearly_swaps_per_day(self) -> FloatArray:
        """Mean over the year, per vehicle; shape (num_cities, num_vehicles, num_packs)."""
        return np.asarray(np.average(self.swaps_per_day, axis=-1, weights=DAYS_PER_MONTH))

    @property
    def peak_hour_frac(self) -> FloatArray:
        """Share of a class's swaps in its city's peak hour, shape (num_cities, num_vehicles)."""
        return self.hour_frac.T[self.peak_hour]


def operate_fleet(instance: Instance, climate: CityClimate) -> FleetOperation:
    """Range and swaps of every vehicle class in every city with every fitting pack.

    Parameters
    ----------
    instance : Instance
        Vehicles, packs, curves, stations, cities, adoption, hours and the scenario's physics.
    climate : CityClimate
        Of the instance's cities.

    Returns
    -------
    FleetOperation
        A pack colder than its curve's domain keeps the curve's last value and is listed.
    """
    packs, physics = instance.packs, instance.scenario.physics
    # Axes: city, month, and within the month its hours' temperatures, then its mean, then its
    # design day.
    ambient_c = np.concatenate(
        (
            climate.hour_temperatures_c(),
            climate.monthly_mean_c[..., None],
            climate.month_design_c[..., None],
        ),
        axis=-1,
    )
    hours, mean, design = slice(0, -2), -2, -1
    use = use_packs(
        instance, instance.vehicles, packs, ambient_c,
        snow_frac=climate.snow_frac[..., None], wet_frac=climate.wet_frac[..., None],
    )  # fmt: skip
    fits = instance.vehicles["envelope"].to_numpy()[:, None] == packs["envelope"].to_numpy()

    def where_it_fits(values: FloatArray) -> FloatArray:
        """Axes: city, vehicle class, pack, month, temperature."""
        return np.where(fits[:, :, None, None], np.moveaxis(values, 2, 0), np.nan)

    pack_c, energy, kwh_per_km, swaps = (
        where_it_fits(values)
        for values in (use.pack_c, use.energy_kwh, use.kwh_per_km, use.swaps_per_day)
    )
    range_km = energy / kwh_per_km
    swapped_km = (instance.vehicles["km_per_day"] * instance.vehicles["swap_energy_frac"]).to_numpy(
        float
    )
    turn_h, grid_kwh = _station_turns(instance, pack_c[..., design], energy[..., design])
    efficiency = physics.charger_efficiency_frac
    charged = swapped_km[:, None, None] * kwh_per_km[..., hours].mean(axis=-1)
    mean_swaps = swaps[..., hours].mean(axis=-1)
    heat_kwh = grid_kwh.max(axis=3) - energy[..., design] / efficiency
    coldest_month = climate.coldest_month
    vehicles = np.stack([vehicles_by_class(instance, name) for name in instance.scenario.quarters])
    hour_frac = hours_of_classes(instance)
    design_swaps = swaps[..., design]
    planned = vehicles[instance.scenario.quarters.index(instance.scenario.planning_quarter)]
    winter = np.moveaxis(design_swaps, -1, 1)[np.arange(len(planned)), coldest_month]
    by_hour = (planned * default_pack_swaps(instance, winter)) @ hour_frac
    return FleetOperation(
        vehicles=vehicles,
        swaps_per_day=mean_swaps,
        mean_range_km=range_km[..., mean],
        design_swaps_per_day=design_swaps,
        design_range_km=range_km[..., design],
        design_energy_kwh=energy[..., design],
        design_turn_h=turn_h,
        design_grid_kwh=grid_kwh,
        grid_kwh_per_day=charged / efficiency + mean_swaps * heat_kwh,
        hour_frac=hour_frac,
        peak_hour=by_hour.argmax(axis=1),
        coldest_month=coldest_month,
        extrapolated=_extrapolated(instance, pack_c),
    )


def check_turns(instance: Instance, fleet: FleetOperation) -> None:
    """Say which packs would not be full again within a day.

    Parameters
    ----------
    instance : Instance
    fleet : FleetOperation
        Of the instance; the year's coldest design day is looked at, and classes that have vehicles
        in some quarter.

    Raises
    ------
    InputError
        With station type, pack and city where a turn is longest, all pairs at once.
    """
    is_there = fleet.vehicles.max(axis=0) > 0
    turn_h = np.where(is_there[:, :, None, None], fleet.on_design_day(fleet.design_turn_h), -np.inf)
    by_city = np.nan_to_num(turn_h, nan=-np.inf, posinf=np.inf, neginf=-np.inf).max(
        axis=1, initial=-np.inf
    )
    faults = []
    names, packs = instance.cities["name_en"], instance.packs["pack_id"]
    for size, type_id in enumerate(instance.stations["station_type_id"]):
        for pack, pack_id in enumerate(packs):
            longest_h = by_city[:, pack, size]
            num_cities = int((longest_h > HOURS_PER_DAY).sum())
            if num_cities:
                city = int(longest_h.argmax())
                others = f", and too long in {num_cities - 1} more cities" if num_cities > 1 else ""
                turn = f"{longest_h[city]:.1f} h" if np.isfinite(longest_h[city]) else "without end"
                faults.append(
                    Fault(
                        "stations", None, "charger_kw_per_bay",
                        f"a turn of pack {pack_id} takes {turn} in {names.iloc[city]} on the "
                        f"coldest design day{others}",
                        "must be at most a day: give the type more charger power, the bays more "
                        "heat (physics.bay_heater_kw), or correct the chemistry's charge_power in "
                        "curves",
                        type_id,
                    )
                )  # fmt: skip
    if faults:
        raise InputError(faults, source=str(instance.folder))


def _station_turns(
    instance: Instance, arrival_c: FloatArray, energy_kwh: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Turn time [h] and grid energy [kWh], shape (num_cities, ..., num_packs, num_types, 12)."""
    physics, packs, stations = instance.scenario.physics, instance.packs, instance.stations
    turns = [
        [
            fastest_turn(
                arrival_c[:, :, pack_idx],
                energy_kwh=energy_kwh[:, :, pack_idx],
                nominal_kwh=nominal_kwh,
                charge_power=temperature_curve(instance, chemistry, "charge_power"),
                charger_kw=charger_kw,
                heater_kw=physics.bay_heater_kw,
                handling_s=handling_s,
                heat_kwh_per_kwh_k=physics.pack_heat_kwh_per_kwh_k,
                charger_efficiency_frac=physics.charger_efficiency_frac,
            )
            for charger_kw, handling_s in zip(
                stations["charger_kw_per_bay"], stations["handling_s"], strict=True
            )
        ]
        for pack_idx, (chemistry, nominal_kwh) in enumerate(
            zip(packs["chemistry"], packs["nominal_kwh"], strict=True)
        )
    ]

    fits = ~np.isnan(energy_kwh)[:, :, :, None]

    def by_pack_and_type(name: str) -> FloatArray:
        values = np.array([[getattr(turn, name) for turn in row] for row in turns])
        return np.where(fits, np.moveaxis(values, (0, 1), (2, 3)), np.nan)

    return by_pack_and_type("turn_h"), by_pack_and_type("grid_kwh")


def vehicles_by_class(instance: Instance, quarter: str) -> FloatArray:
    """Whole swap vehicles of a quarter, shape (num_cities, num_vehicles).

    A segment's vehicles times the share that can swap by then, rounded; its classes add up to it.
    """
    cities, adoption = instance.cities, instance.adoption
    counts = np.zeros((len(cities), len(instance.vehicles)))
    of_quarter = adoption[adoption["quarter"] == quarter]
    for segment in SEGMENTS:
        classes = np.flatnonzero(instance.vehicles["segment"] == segment)
        share = np.cumsum(instance.vehicles["segment_frac"].to_numpy(float)[classes])
        fleet = cities[f"vehicles_{segment}"].to_numpy(float)
        if len(adoption):
            rows = of_quarter[of_quarter["segment"] == segment].set_index("city_id")
            fleet = fleet * rows["swap_capable_frac"].reindex(cities["city_id"]).to_numpy(float)
        up_to = np.rint(np.rint(fleet)[:, None] * share)
        counts[:, classes] = np.diff(up_to, axis=1, prepend=0.0)
    return counts


def hours_of_classes(instance: Instance) -> FloatArray:
    """Share of a vehicle class's swaps in each hour, shape (num_vehicles, 24).

    Without a table of hours every hour counts as the peak hour of the scenario.
    """
    segments = instance.vehicles["segment"]
    if instance.hour_profile.empty:
        share = instance.scenario.demand.peak_hour_frac
        return np.full((len(segments), HOURS_PER_DAY), share)
    profile = instance.hour_profile.pivot(index="segment", columns="hour", values="day_frac")
    profile = profile.reindex(columns=range(HOURS_PER_DAY)).fillna(0.0)
    return np.asarray(profile.loc[segments].to_numpy(float))


def _extrapolated(instance: Instance, pack_c: FloatArray) -> pd.DataFrame:
    rows = []
    chemistries = instance.packs["chemistry"]
    for chemistry in chemistries.unique():
        curve = temperature_curve(instance, chemistry, "usable_energy")
        of_chemistry = pack_c[:, :, (chemistries == chemistry).to_numpy()]
        coldest_c = np.nanmin(of_chemistry, axis=(1, 2, 3, 4))
        for city, coldest in zip(instance.cities["city_id"], coldest_c, strict=True):
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


def spread_to_zones(instance: Instance, by_class: FloatArray) -> FloatArray:
    """Spread what a city's vehicle classes ask for over its zones.

    Private vehicles stand where car-owning households live, taxis and ride-hailing cars where
    ``commercial_weight`` says; by households in a city that has none.

    Parameters
    ----------
    instance : Instance
        Zones, cities and vehicle classes.
    by_class : ndarray, shape (num_cities, num_vehicles)
        Any total per city and vehicle class.

    Returns
    -------
    ndarray, shape (num_zones,)
        Sums over the classes; they add up to the total in every city that has zones.
    """
    zones = instance.zones
    city_idx = pd.Index(instance.cities["city_id"]).get_indexer(zones["city_id"])
    households = zones["car_owning_households"].to_numpy(float)

    def spread(by_city: FloatArray, weight: FloatArray) -> FloatArray:
        city_weight = np.bincount(city_idx, weight, minlength=len(by_city))
        per_weight = np.divide(
            by_city, city_weight, out=np.zeros(len(by_city)), where=city_weight > 0
        )
        return np.asarray(weight * per_weight[city_idx])

    if "commercial_weight" not in zones.columns:
        return spread(by_class.sum(axis=1), households)
    commercial = zones["commercial_weight"].to_numpy(float)
    is_known = np.bincount(city_idx, commercial, minlength=len(by_class))[city_idx] > 0
    is_private = (instance.vehicles["segment"] == "private").to_numpy()
    private = spread(by_class[:, is_private].sum(axis=1), households)
    others = spread(
        by_class[:, ~is_private].sum(axis=1), np.where(is_known, commercial, households)
    )
    return private + others
