"""Per-vehicle rates and packs, recomputed row by row from the instance's tables by label.

Written apart from `planner.demand`, which works on aligned arrays: the two must agree, and
`check_plan` finds out when they do not. Shared are only the physical formulas.
"""

import numpy as np
import pandas as pd

from planner.instance import SEGMENTS, Instance
from planner.throughput import turn_hours
from planner.units import DAYS_PER_MONTH
from planner.vehicle_range import (
    TemperatureCurve,
    consumption_kwh_per_km,
    heat_pump_cop,
    pack_temperature_c,
    swaps_per_vehicle_day,
    usable_energy_kwh,
)

_DESIGN_DAY = 0  # stands in the column "month" beside 1..12
_FLEET_KEY = ["city_id", "vehicle_id", "pack_id"]


def whole_fleet(instance: Instance) -> pd.DataFrame:
    """Whole vehicles per city and class: ``city_id, vehicle_id, vehicles``.

    Classes of a segment share its rounded fleet so that running totals are rounded totals.
    """
    cities, vehicles = instance.cities, instance.vehicles
    rows: list[tuple[str, str, int]] = []
    for segment in SEGMENTS:
        for city_id, size in zip(cities["city_id"], cities[f"vehicles_{segment}"], strict=True):
            fleet, share, placed = round(size), 0.0, 0
            for vehicle_id, of_segment, segment_frac in zip(
                vehicles["vehicle_id"], vehicles["segment"], vehicles["segment_frac"], strict=True
            ):
                if of_segment == segment:
                    share += segment_frac
                    rows.append((city_id, vehicle_id, round(fleet * share) - placed))
                    placed = round(fleet * share)
    return pd.DataFrame(rows, columns=["city_id", "vehicle_id", "vehicles"])


def fleet_rates(instance: Instance) -> pd.DataFrame:
    """Swaps, range and energy per vehicle of every class in every city with every fitting pack.

    Columns: the key, ``segment, chemistry, nominal_kwh, swaps_per_vehicle_day`` (mean of the
    year), ``design_swaps_per_vehicle_day, design_range_km, design_energy_kwh, default``.
    """
    physics = instance.scenario.physics
    months = instance.climate[["city_id", "month", "mean_c"]]
    design_day = instance.cities[["city_id", "winter_design_c"]].rename(
        columns={"winter_design_c": "mean_c"}
    )
    ambient = pd.concat([months, design_day.assign(month=_DESIGN_DAY)], ignore_index=True)
    fitting = instance.vehicles.merge(
        instance.packs.drop(columns="source"), on="envelope", validate="many_to_many"
    )
    rows = fitting.merge(ambient, how="cross")
    pack_c = pack_temperature_c(
        rows["mean_c"], rows["soak_frac"], station_c=physics.station_temperature_c
    )
    usable_frac = np.full(len(rows), np.nan)
    for chemistry in instance.packs["chemistry"].unique():
        points = instance.curves[
            (instance.curves["chemistry"] == chemistry)
            & (instance.curves["quantity"] == "usable_energy")
        ]
        curve = TemperatureCurve(
            points["temperature_c"].to_numpy(float), points["value_frac"].to_numpy(float)
        )
        chosen = (rows["chemistry"] == chemistry).to_numpy()
        usable_frac[chosen] = curve.at(pack_c[chosen], outside="hold")
    energy = usable_energy_kwh(rows["nominal_kwh"], rows["soc_window_frac"], usable_frac)
    fading = heat_pump_cop(
        rows["mean_c"], cop_mild=physics.heat_pump_cop, limit_c=physics.heat_pump_limit_c
    )
    consumption = consumption_kwh_per_km(
        rows["mean_c"],
        base_kwh_per_km=rows["consumption_kwh_per_km"],
        drag_frac=rows["drag_frac"],
        speed_kmh=rows["speed_kmh"],
        cabin_loss_kw_per_k=rows["cabin_loss_kw_per_k"],
        heating_cop=np.where(rows["heating"] == "heat_pump", fading, 1.0),
        auxiliary_kw=rows["auxiliary_kw"],
        cabin_c=physics.cabin_temperature_c,
        tyre_loss_per_k=physics.tyre_loss_per_k,
    )
    rows = rows.assign(
        energy_kwh=energy,
        range_km=energy / consumption,
        swaps=swaps_per_vehicle_day(
            rows["km_per_day"], consumption, energy, rows["swap_energy_frac"]
        ),
        default=rows["pack_id"] == rows["default_pack_id"],
    )
    design = rows[rows["month"] == _DESIGN_DAY].rename(
        columns={
            "swaps": "design_swaps_per_vehicle_day",
            "range_km": "design_range_km",
            "energy_kwh": "design_energy_kwh",
        }
    )
    monthly = rows[rows["month"] != _DESIGN_DAY]
    days = monthly["month"].map(dict(enumerate(DAYS_PER_MONTH, start=1)))
    mean = (
        (monthly["swaps"] * days).groupby([monthly[key] for key in _FLEET_KEY]).sum()
        / sum(DAYS_PER_MONTH)
    ).rename("swaps_per_vehicle_day")
    wanted = ["segment", "chemistry", "nominal_kwh", "design_swaps_per_vehicle_day",
              "design_range_km", "design_energy_kwh", "default"]  # fmt: skip
    return design[_FLEET_KEY + wanted].merge(mean.reset_index(), on=_FLEET_KEY, validate="1:1")


def pack_figures(instance: Instance, assigned: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """The plan's packs with their rates, the stations' float and their energy.

    Parameters
    ----------
    instance : Instance
        Demand and station parameters.
    assigned : DataFrame
        ``Plan.packs``.
    rates : DataFrame
        From `fleet_rates`; a pack that does not fit its vehicle finds no row there.

    Returns
    -------
    DataFrame
        As ``Evaluation.packs``.
    """
    demand = instance.scenario.demand
    rows = assigned.merge(rates, on=_FLEET_KEY, how="left", validate="1:1")
    charge_frac = rows["chemistry"].map(charge_power_frac(instance)).to_numpy(float)
    turn_h = np.zeros(len(rows))
    for kw, handling_s in zip(
        instance.stations["charger_kw_per_bay"], instance.stations["handling_s"], strict=True
    ):
        turn_h = np.maximum(
            turn_h, turn_hours(rows["design_energy_kwh"], kw * charge_frac, handling_s)
        )
    per_hour = (
        rows["vehicles"]
        * rows["design_swaps_per_vehicle_day"]
        * demand.peak_hour_frac
        * demand.peak_day_factor
    )
    station_packs = per_hour * turn_h / instance.scenario.throughput.utilisation_frac
    rows = rows.assign(
        station_packs=station_packs,
        energy_kwh=(rows["vehicles"] + station_packs) * rows["nominal_kwh"],
    )
    columns = [
        "city_id", "vehicle_id", "segment", "pack_id", "chemistry", "vehicles", "station_packs",
        "energy_kwh", "swaps_per_vehicle_day", "design_swaps_per_vehicle_day",
        "design_range_km", "design_energy_kwh",
    ]  # fmt: skip
    return rows[columns].sort_values(_FLEET_KEY, ignore_index=True)


def charge_power_frac(instance: Instance) -> dict[str, float]:
    """Share of the charger's power that each chemistry accepts inside the station."""
    result = {}
    points = instance.curves[instance.curves["quantity"] == "charge_power"]
    for chemistry, rows in points.groupby("chemistry"):
        curve = TemperatureCurve(
            rows["temperature_c"].to_numpy(float), rows["value_frac"].to_numpy(float)
        )
        result[str(chemistry)] = float(
            curve.at(instance.scenario.physics.station_temperature_c, outside="hold")
        )
    return result
