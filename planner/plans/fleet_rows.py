"""Per-vehicle rates, packs and their cost, recomputed row by row from the tables by label.

Written apart from `planner.physics.fleet` and `planner.planning.packs`, which work on aligned
arrays: the two must agree, and `check_labels` finds out when they do not. Shared are only the
physical formulas and the climate.
"""

import numpy as np
import pandas as pd

from planner.instance import HOLIDAY, SEGMENTS, Instance
from planner.physics.climate import CityClimate
from planner.physics.station_rate import fastest_turn
from planner.plans.plan import Plan
from planner.plans.vehicle_rows import DESIGN_DAY, MONTH_MEAN, chemistry_curve, driving_rows
from planner.units import (
    DAYS_PER_MONTH,
    DAYS_PER_YEAR,
    HOURS_PER_DAY,
    MONTHS_PER_QUARTER,
    QUARTERS_PER_YEAR,
)

FLEET_KEY = ["city_id", "vehicle_id", "pack_id"]


def whole_fleet(instance: Instance) -> pd.DataFrame:
    """Whole vehicles per quarter, city and class: ``quarter, city_id, vehicle_id, vehicles``.

    Classes of a segment share its rounded fleet so that running totals are rounded totals; halves
    are rounded to even.
    """
    cities, vehicles = instance.cities, instance.vehicles
    quarters, city_ids = instance.scenario.quarters, cities["city_id"].to_numpy()
    capable_frac = instance.adoption.set_index(["quarter", "segment", "city_id"]).get(
        "swap_capable_frac", pd.Series(dtype=float)
    )
    parts = []
    for segment in SEGMENTS:
        of_segment = vehicles[vehicles["segment"] == segment]
        classes = of_segment["vehicle_id"].to_numpy()
        capable = np.ones((len(quarters), len(cities)))
        if len(capable_frac):
            key = pd.MultiIndex.from_product([quarters, [segment], city_ids])
            capable = capable_frac.loc[key].to_numpy(float).reshape(capable.shape)
        fleet = np.rint(cities[f"vehicles_{segment}"].to_numpy(float) * capable)
        running = np.rint(fleet[:, :, None] * of_segment["segment_frac"].to_numpy(float).cumsum())
        parts.append(
            pd.DataFrame(
                {
                    "quarter": np.repeat(quarters, len(cities) * len(classes)),
                    "city_id": np.tile(np.repeat(city_ids, len(classes)), len(quarters)),
                    "vehicle_id": np.tile(classes, len(quarters) * len(cities)),
                    "vehicles": np.diff(running, prepend=0.0).astype(np.int64).ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def fleet_rates(instance: Instance, climate: CityClimate) -> pd.DataFrame:
    """Rates per vehicle of every class in every city and month with every fitting pack.

    Columns: the key and ``month``, ``segment, chemistry, nominal_kwh, window_frac, default``;
    ``swaps_per_vehicle_day`` and ``grid_kwh_per_vehicle_day`` (mean of the month),
    ``mean_range_km`` (at its mean temperature), and on its design day
    ``design_swaps_per_vehicle_day, design_range_km, design_energy_kwh, design_turn_h`` (in the
    slowest station type's bay) and each type's `turn_columns` and `bay_columns`.
    """
    efficiency = instance.scenario.physics.charger_efficiency_frac
    rows = driving_rows(instance, climate)
    rows["default"] = rows["pack_id"] == rows["default_pack_id"]
    key = [*FLEET_KEY, "month"]
    wanted = ["segment", "chemistry", "nominal_kwh", "window_frac", "default"]
    design = rows[rows["hour_point"] == DESIGN_DAY].rename(
        columns={
            "swaps": "design_swaps_per_vehicle_day",
            "range_km": "design_range_km",
            "energy_kwh": "design_energy_kwh",
        }
    )
    design = _with_turns(instance, design)
    at_mean = rows.loc[rows["hour_point"] == MONTH_MEAN, [*key, "range_km"]].rename(
        columns={"range_km": "mean_range_km"}
    )
    of_hours = rows.loc[rows["hour_point"] >= 0, [*key, "swaps", "swapped_kwh"]]
    hours = of_hours.groupby(key).mean()
    by_type = [name for type_id in instance.stations["station_type_id"]
               for name in (*turn_columns(type_id), *bay_columns(type_id))]  # fmt: skip
    result = (
        design[[*key, *wanted, "design_swaps_per_vehicle_day", "design_range_km",
                "design_energy_kwh", "design_turn_h", "heat_kwh", *by_type]]
        .merge(at_mean, on=key, validate="1:1")
        .merge(hours.reset_index(), on=key, validate="1:1")
    )  # fmt: skip
    result["grid_kwh_per_vehicle_day"] = result["swapped_kwh"] / efficiency + result[
        "swaps"
    ] * result.pop("heat_kwh")
    return result.drop(columns="swapped_kwh").rename(columns={"swaps": "swaps_per_vehicle_day"})


def _with_turns(instance: Instance, design: pd.DataFrame) -> pd.DataFrame:
    """Add `turn_columns` and `bay_columns` of each station type.

    Beside them ``design_turn_h`` and ``heat_kwh``, those of the worst type.
    """
    physics = instance.scenario.physics
    stations = instance.stations
    for type_id, charger_kw, handling_s in zip(
        stations["station_type_id"],
        stations["charger_kw_per_bay"],
        stations["handling_s"],
        strict=True,
    ):
        by_quantity = np.zeros((5, len(design)))
        for chemistry in instance.packs["chemistry"].unique():
            chosen = (design["chemistry"] == chemistry).to_numpy()
            turn = fastest_turn(
                design.loc[chosen, "pack_c"],
                energy_kwh=design.loc[chosen, "design_energy_kwh"],
                nominal_kwh=design.loc[chosen, "nominal_kwh"],
                charge_power=chemistry_curve(instance, chemistry, "charge_power"),
                charger_kw=charger_kw,
                heater_kw=physics.bay_heater_kw,
                handling_s=handling_s,
                heat_kwh_per_kwh_k=physics.pack_heat_kwh_per_kwh_k,
                charger_efficiency_frac=physics.charger_efficiency_frac,
            )
            by_quantity[:, chosen] = (
                turn.turn_h, turn.grid_kwh, turn.heat_h, turn.charge_h, turn.charge_kw
            )  # fmt: skip
        names = (*turn_columns(type_id), *bay_columns(type_id))
        design = design.assign(**dict(zip(names, by_quantity, strict=True)))
    by_type = [turn_columns(name) for name in instance.stations["station_type_id"]]
    charged = design["design_energy_kwh"] / physics.charger_efficiency_frac
    return design.assign(
        design_turn_h=design[[turn for turn, _ in by_type]].max(axis=1),
        heat_kwh=design[[grid for _, grid in by_type]].max(axis=1) - charged,
    )


def turn_columns(station_type_id: str) -> tuple[str, str]:
    """Names of a station type's columns of turn time and grid energy in `fleet_rates`."""
    return f"design_turn_{station_type_id}_h", f"design_grid_{station_type_id}_kwh"


def bay_columns(station_type_id: str) -> tuple[str, str, str]:
    """Names of a type's columns of heating, charging and charging power in `fleet_rates`."""
    charge = f"design_charge_{station_type_id}"
    return f"design_heat_{station_type_id}_h", f"{charge}_h", f"{charge}_kw"


def winter_rates(instance: Instance, rates: pd.DataFrame, climate: CityClimate) -> pd.DataFrame:
    """`fleet_rates` on the winter design day, and the year's mean of ``swaps_per_vehicle_day``.

    One row per city, class and pack; design columns are those of the city's coldest month.
    """
    design_c = pd.DataFrame(
        climate.month_design_c, index=instance.cities["city_id"], columns=range(1, 13),
    )  # fmt: skip
    coldest = design_c.idxmin(axis=1)
    design = rates[rates["month"] == rates["city_id"].map(coldest)]
    days = rates["month"].map(dict(enumerate(DAYS_PER_MONTH, start=1)))
    yearly = (rates["swaps_per_vehicle_day"] * days).groupby(
        [rates[key] for key in FLEET_KEY]
    ).sum() / sum(DAYS_PER_MONTH)
    return design.drop(columns=["swaps_per_vehicle_day", "month"]).merge(
        yearly.rename("swaps_per_vehicle_day").reset_index(), on=FLEET_KEY, validate="1:1"
    )


def fleet_mean(
    rates: pd.DataFrame, fleet: pd.DataFrame, key: list[str], column: str
) -> pd.DataFrame:
    """Mean of a rate over the vehicles whose classes a pack fits, whatever pack they take.

    Parameters
    ----------
    rates : DataFrame
        From `fleet_rates` or `winter_rates`.
    fleet : DataFrame
        ``city_id, vehicle_id, vehicles``.
    key : list of str
        Columns of ``rates`` to keep apart, ``city_id`` among them.
    column : str
        The rate.

    Returns
    -------
    DataFrame
        Index ``key``, a column per pack; NaN where the pack fits no vehicle that is there.
    """
    rows = rates.merge(fleet, on=["city_id", "vehicle_id"], validate="m:1")
    rows = rows[rows["vehicles"] > 0]
    sums = (
        rows.assign(weighted=rows[column] * rows["vehicles"])
        .groupby([*key, "pack_id"])[["weighted", "vehicles"]]
        .sum()
    )
    return (sums["weighted"] / sums["vehicles"]).unstack("pack_id")


def hour_shares(instance: Instance, day_kind: str) -> pd.DataFrame:
    """Share of a segment's swaps in each hour of a kind of day: index segment, columns 0 to 23."""
    if instance.hour_profile.empty:
        share = instance.scenario.demand.peak_hour_frac
        return pd.DataFrame(share, index=list(SEGMENTS), columns=range(HOURS_PER_DAY))
    rows = instance.hour_profile
    if "day_kind" in rows:
        rows = rows[rows["day_kind"].fillna(day_kind) == day_kind]
    wide = rows.pivot(index="segment", columns="hour", values="day_frac")
    return wide.reindex(columns=range(HOURS_PER_DAY)).fillna(0.0)


def peak_shares(instance: Instance, winter: pd.DataFrame, planned_fleet: pd.DataFrame) -> pd.Series:
    """Share of the busiest day's swaps in the city's peak hour, index (city_id, segment).

    That day is a holiday; the peak hour is that of the winter design day with each class's default
    pack.
    """
    shares = hour_shares(instance, HOLIDAY)
    default = winter[winter["default"]].merge(planned_fleet, on=["city_id", "vehicle_id"])
    swaps = default["vehicles"] * default["design_swaps_per_vehicle_day"]
    by_segment = swaps.groupby([default["city_id"], default["segment"]]).sum()
    wide = by_segment.unstack("segment").reindex(columns=shares.index).fillna(0.0)
    peak_hour = wide.dot(shares).idxmax(axis=1).reindex(instance.cities["city_id"]).fillna(0)
    by_city = shares[peak_hour.to_numpy(int)].T.set_axis(peak_hour.index)
    keys = pd.MultiIndex.from_product([by_city.index, by_city.columns])
    return pd.Series(by_city.to_numpy().ravel(), index=keys)


def pack_rows(
    instance: Instance, plan: Plan, rates: pd.DataFrame, winter: pd.DataFrame, shares: pd.Series
) -> pd.DataFrame:
    """The packs in use with the quarter's rates, their share of stations' packs and their cost.

    Parameters
    ----------
    instance : Instance
        Demand, costs and station parameters.
    plan : Plan
        Its packs, and the stations in cities and between them that they were planned for.
    rates : DataFrame
        From `fleet_rates`; a pack that does not fit its vehicle finds no row there.
    winter, shares : DataFrame, Series
        From `winter_rates` and `peak_shares`.

    Returns
    -------
    DataFrame
        Sorted by quarter and key, with ``chemistry, nominal_kwh, vehicles, station_packs`` (its
        share of the whole packs in stations), ``quarter_range_km`` (on the quarter's coldest
        design day), ``running_cny`` (of all the row's vehicles in the quarter, lease apart).
    """
    scenario = instance.scenario
    demand, costs = scenario.demand, scenario.costs
    by_month = rates.merge(plan.station_prices, on="city_id", how="left", validate="m:1")
    fleet = [by_month["city_id"], by_month["vehicle_id"]]
    road_kwh = plan.road_use.set_index(["city_id", "vehicle_id"])["road_kwh_per_day"].astype(float)
    road_kwh = road_kwh.reindex(pd.MultiIndex.from_arrays(fleet)).fillna(0.0)
    road_kwh = road_kwh.set_axis(by_month.index)
    on_road = road_kwh / by_month["design_energy_kwh"]
    holiday_hour = scenario.corridors.holiday_factor * demand.peak_hour_frac
    keys = pd.MultiIndex.from_frame(by_month[["city_id", "segment"]])
    per_hour = (
        by_month["design_swaps_per_vehicle_day"]
        * shares.reindex(keys).to_numpy()
        * demand.peak_day_factor
    )
    days = by_month["month"].map(dict(enumerate(DAYS_PER_MONTH, start=1)))
    by_month = by_month.assign(
        quarter_of_year=(by_month["month"] - 1) // MONTHS_PER_QUARTER + 1,
        days=days,
        swaps=(by_month["swaps_per_vehicle_day"] + on_road) * days,
        grid_kwh=days
        * (
            by_month["grid_kwh_per_vehicle_day"]
            + road_kwh / scenario.physics.charger_efficiency_frac
        ),
        peak_per_hour=per_hour,
        turning_in_city=per_hour * by_month["design_turn_h"],
        turning_on_road=on_road * holiday_hour * by_month["design_turn_h"],
    )
    by_quarter = (
        by_month.groupby([*FLEET_KEY, "quarter_of_year"])
        .agg(
            segment=("segment", "first"), chemistry=("chemistry", "first"),
            nominal_kwh=("nominal_kwh", "first"), window_frac=("window_frac", "first"),
            days=("days", "sum"), swaps=("swaps", "sum"),
            grid_kwh=("grid_kwh", "sum"), peak_per_hour=("peak_per_hour", "max"),
            turning_in_city=("turning_in_city", "max"),
            turning_on_road=("turning_on_road", "max"),
            quarter_range_km=("design_range_km", "min"), capacity_cny=("capacity_cny", "first"),
        )
        .reset_index()
        .merge(winter[[*FLEET_KEY, "swaps_per_vehicle_day"]], on=FLEET_KEY)
    )  # fmt: skip
    rows = (
        plan.packs.assign(quarter_of_year=plan.packs["quarter"].str[-1].astype(int))
        .merge(by_quarter, on=[*FLEET_KEY, "quarter_of_year"], how="left", validate="m:1")
        .merge(
            plan.packs_per_turning, on=["quarter", "city_id", "pack_id"], how="left",
            validate="m:1",
        )
    )  # fmt: skip
    rows["float_packs"] = (
        rows["turning_in_city"] * rows["in_city"] + rows["turning_on_road"] * rows["on_road"]
    )
    shortfall_km = (scenario.packs.promised_range_km - rows["quarter_range_km"]).clip(lower=0)
    running_cny = (
        costs.swap_cny * rows["swaps"]
        + costs.charging_cny_per_kwh * rows["grid_kwh"]
        + rows["capacity_cny"] * rows["days"] * rows["peak_per_hour"]
        + costs.range_shortfall_cny_per_km * shortfall_km
        + _wear_cny(instance, rows) * (1 + rows["float_packs"])
    )
    rows = rows.assign(
        station_packs=_share_of_station_packs(instance, plan, rows),
        running_cny=rows["vehicles"] * running_cny,
    )
    columns = [
        "quarter", *FLEET_KEY, "segment", "chemistry", "nominal_kwh", "vehicles",
        "station_packs", "quarter_range_km", "running_cny",
    ]  # fmt: skip
    return rows[columns].sort_values(["quarter", *FLEET_KEY], ignore_index=True)


def _share_of_station_packs(
    instance: Instance, plan: Plan, rows: pd.DataFrame
) -> "pd.Series[float]":
    """Each row's share of the whole packs in stations, by the packs that its swaps keep turning.

    Those of a city's stations among the rows of the city; those of stations between the cities
    among all rows of the quarter.
    """
    packs = station_packs_by_city(instance, plan)
    shares = pd.Series(0.0, index=rows.index)
    for turning, key, held in (
        ("turning_in_city", ["quarter", "city_id", "pack_id"], packs[packs["city_id"].notna()]),
        ("turning_on_road", ["quarter", "pack_id"], packs[packs["city_id"].isna()]),
    ):
        weight = rows["vehicles"] * rows[turning]
        total = weight.groupby([rows[name] for name in key]).transform("sum")
        by_key = held.groupby(key)["packs"].sum()
        of_key = by_key.reindex(pd.MultiIndex.from_frame(rows[key])).fillna(0.0).to_numpy()
        shares += (of_key * weight / total).where(total > 0, 0.0)
    return shares


def station_packs_by_city(instance: Instance, plan: Plan) -> pd.DataFrame:
    """``Plan.station_packs`` with ``city_id``, missing for stations between the cities."""
    city = instance.sites.set_index("site_id")["city_id"]
    return plan.station_packs.assign(city_id=plan.station_packs["station_id"].map(city))


def _wear_cny(instance: Instance, rows: pd.DataFrame) -> pd.Series:
    """What a life that ends with its cycles adds to the lease, per pack and quarter [CNY]."""
    costs = instance.scenario.costs
    packs = instance.packs.set_index("pack_id").loc[rows["pack_id"]].reset_index()
    per_year = rows["swaps_per_vehicle_day"] * DAYS_PER_YEAR * rows["window_frac"]
    cycle_years = packs["cycle_life"] / (per_year / (1 + rows["float_packs"]))
    life_years = cycle_years.clip(upper=costs.max_pack_years)
    more = life_years.map(lambda years: _payment(years, costs.interest_rate)) - _payment(
        costs.max_pack_years, costs.interest_rate
    )
    return more * packs["cost_cny_per_kwh"] * packs["nominal_kwh"] / QUARTERS_PER_YEAR


def lease_cny(instance: Instance) -> "pd.Series[float]":
    """Lease of a pack for a quarter by ``pack_id`` [CNY]."""
    packs = instance.packs.set_index("pack_id")
    costs = instance.scenario.costs
    yearly = _payment(costs.max_pack_years, costs.interest_rate)
    return packs["cost_cny_per_kwh"] * packs["nominal_kwh"] * yearly / QUARTERS_PER_YEAR


def _payment(years: float, rate: float) -> float:
    """Yearly payment for 1 over some years: the sum of its present values is 1."""
    if rate == 0:
        return 1 / years
    return float(rate / (1 - (1 + rate) ** -years))
