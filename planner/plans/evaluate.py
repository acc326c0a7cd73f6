"""A plan's figures, recomputed from the instance's rows by label, without any model or solver."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

from planner.arrays import IntArray
from planner.geodesy import chord_to_arc_km, to_sphere_km
from planner.instance import HOLIDAY, ORIGINALS, SEGMENTS, Instance
from planner.limits import LIMIT_TOLERANCE
from planner.plans.city_chemistries import chemistry_shares
from planner.plans.derived import Derived
from planner.plans.fleet_rows import (
    FLEET_KEY,
    fleet_mean,
    hour_shares,
    pack_rows,
    peak_shares,
)
from planner.plans.labels import positions_of
from planner.plans.market_rows import supply_figures
from planner.plans.pack_rows import city_quarters, pack_cost_cny
from planner.plans.phase_rows import Stages, opening_quarters, phase_tables, stages_of
from planner.plans.plan import AuditedTimes, Evaluation, Plan
from planner.plans.question import judge_of, share
from planner.plans.station_costs import (
    closing_cny,
    new_money_cny,
    standing_type_ids,
    worn_out_sites,
)
from planner.plans.station_figures import station_figures
from planner.plans.supply_rows import unserved_cny
from planner.plans.zone_swaps import swaps_by_zone, zone_shares
from planner.units import KWH_PER_GWH


def evaluate_plan(
    instance: Instance, plan: Plan, audited: AuditedTimes, derived: Derived
) -> Evaluation:
    """Recompute everything a plan is reported with.

    Parameters
    ----------
    instance : Instance
        What the plan was made for.
    plan : Plan
        Decisions by label; every label must stand in the instance.
    audited : AuditedTimes
        Of the plan; its ``station_min`` and ``hour_min`` are used.
    derived : Derived
        From `planner.plans.derived.derive`, of the instance.

    Returns
    -------
    Evaluation
        Figures only: whether the plan keeps its limits is `check_labels`'s to say.
    """
    rates, winter = derived.rates, derived.winter
    station_min = audited.station_min
    shares = peak_shares(instance, winter, derived.planned_fleet)
    periods = pack_rows(instance, plan, rates, winter, shares)
    packs = _planned_packs(instance, periods, winter)
    of_city = zone_shares(instance)
    asked = _swaps_asked(instance, winter, derived, of_city)
    peak = _peak_asked(instance, packs, shares, of_city)
    zone_idx = positions_of(plan.allocation["zone_id"], instance.zones["zone_id"])
    by_id = _zones(instance, plan, zone_idx, asked, peak, station_min[:, 0])
    zones = by_id.sort_values("zone_id", ignore_index=True)
    stages = stages_of(instance, plan)
    stations = _stations(instance, plan, zone_idx, by_id, stages)
    over_time, by_phase = phase_tables(instance, plan, stages, derived, periods, shares)
    cities = _cities(instance, zones, stations, packs, winter, derived)
    tables = {
        "city_quarter": city_quarters(instance, periods, plan.pack_flows, derived),
        "city_month": _city_months(instance, rates, packs, derived),
        **by_phase,
    }
    if len(instance.hour_profile):
        tables["station_hour"] = _station_hours(instance, stations, packs)
    return Evaluation(
        _kpi(instance, plan, zones, asked, stations, packs, derived)
        | chemistry_shares(cities, sorted(instance.packs["chemistry"].unique()))
        | supply_figures(instance, plan)
        | over_time
        | _hour_figures(by_id["car_owning_households"], audited.hour_min)
        | _question_figures(instance, by_id, stations, station_min),
        stations,
        zones,
        cities,
        packs,
        periods,
        tables,
        pack_cost_cny(instance, periods, plan.pack_flows, derived) + unserved_cny(instance, plan),
    )


def _planned_packs(instance: Instance, periods: pd.DataFrame, winter: pd.DataFrame) -> pd.DataFrame:
    """The planning quarter's packs with the rates of the winter design day."""
    of_quarter = periods["quarter"] == instance.scenario.planning_quarter
    rates = winter[[*FLEET_KEY, "swaps_per_vehicle_day", "design_swaps_per_vehicle_day",
                    "design_range_km"]]  # fmt: skip
    rows = periods[of_quarter].merge(rates, on=FLEET_KEY, how="left", validate="1:1")
    rows["energy_kwh"] = (rows["vehicles"] + rows["station_packs"]) * rows["nominal_kwh"]
    columns = [
        "city_id", "vehicle_id", "segment", "pack_id", "chemistry", "vehicles", "station_packs",
        "energy_kwh", "swaps_per_vehicle_day", "design_swaps_per_vehicle_day", "design_range_km",
    ]  # fmt: skip
    return rows[columns].sort_values(FLEET_KEY, ignore_index=True)


def _swaps_asked(
    instance: Instance, winter: pd.DataFrame, derived: Derived, of_city: pd.DataFrame
) -> pd.DataFrame:
    """Swaps per day of each zone and segment with the classes' default packs."""
    default = winter[winter["default"]].merge(
        derived.planned_fleet, on=["city_id", "vehicle_id"], validate="1:1"
    )
    swaps = default["vehicles"] * default["swaps_per_vehicle_day"]
    by_city = swaps.groupby([default["city_id"], default["segment"]]).sum()
    return swaps_by_zone(instance, by_city, of_city)


def _peak_asked(
    instance: Instance, packs: pd.DataFrame, shares: "pd.Series[float]", of_city: pd.DataFrame
) -> pd.DataFrame:
    """Swaps of each zone and segment in the city's peak hour with the packs of the plan [1/h]."""
    keys = pd.MultiIndex.from_frame(packs[["city_id", "segment"]])
    peak = (
        packs["vehicles"] * packs["design_swaps_per_vehicle_day"] * shares.reindex(keys).to_numpy()
    )
    by_city = peak.groupby([packs["city_id"], packs["segment"]]).sum()
    return swaps_by_zone(instance, by_city * instance.scenario.demand.peak_day_factor, of_city)


def _zones(
    instance: Instance,
    plan: Plan,
    zone_idx: IntArray,
    asked: pd.DataFrame,
    peak: pd.DataFrame,
    nearest_min: NDArray[np.float64],
) -> pd.DataFrame:
    """Zones in the instance's order."""
    zones = instance.zones
    columns = [name for name in ("zone_id", "city_id", "county_id", "lon", "lat", *ORIGINALS,
               "car_owning_households") if name in zones.columns]  # fmt: skip
    rows = zones[columns].assign(
        swaps_per_day=asked.sum(axis=1).to_numpy(),
        peak_swaps_per_hour=peak.sum(axis=1).to_numpy(),
    )
    served, mean_min, main_site = _service(plan.allocation, zone_idx, len(zones))
    is_served = served > 0
    return rows.assign(
        is_near=_near_station(instance, plan),
        nearest_min=np.where(np.isfinite(nearest_min), nearest_min, np.nan),
        is_served=is_served,
        served_frac=served,
        site_id=pd.Series(main_site, index=rows.index, dtype="str"),
        drive_min=mean_min,
    )


def _service(
    allocation: pd.DataFrame, zone_idx: IntArray, num_zones: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.object_]]:
    """Share served of each zone, its mean drive, and the site of its largest share if any."""
    share = allocation["share_frac"].to_numpy(float)
    minutes = share * allocation["drive_min"].to_numpy(float)
    served, driven = (
        np.bincount(zone_idx, values, minlength=num_zones).astype(float)
        for values in (share, minutes)
    )
    mean_min: NDArray[np.float64] = np.divide(
        driven, served, out=np.full(len(served), np.nan), where=served > 0
    )
    site_idx, site_ids = pd.factorize(allocation["site_id"], sort=True)
    largest_first = np.lexsort((site_idx, -share, zone_idx))
    zone, first = np.unique(zone_idx[largest_first], return_index=True)
    main_site: NDArray[np.object_] = np.full(num_zones, None, dtype=object)
    main_site[zone] = np.asarray(site_ids, dtype=object)[site_idx[largest_first[first]]]
    return served, mean_min, main_site


def _near_station(instance: Instance, plan: Plan) -> np.ndarray:
    """Whether a station lies within the scenario's near_km of each zone, as the crow flies."""
    zones = instance.zones
    stations = instance.sites[instance.sites["site_id"].isin(plan.stations["site_id"])]
    if stations.empty:
        return np.zeros(len(zones), dtype=bool)
    limit_km = instance.scenario.siting.near_km * (1 + LIMIT_TOLERANCE)
    tree = KDTree(to_sphere_km(stations["lon"], stations["lat"]))
    # No chord is longer than its arc; farther ones are infinite.
    chord_km, _ = tree.query(
        to_sphere_km(zones["lon"], zones["lat"]), distance_upper_bound=1.01 * limit_km
    )
    return np.asarray(chord_to_arc_km(chord_km) <= limit_km)


def _stations(
    instance: Instance,
    plan: Plan,
    zone_idx: IntArray,
    zones: pd.DataFrame,
    stages: Stages,
) -> pd.DataFrame:
    """Stations with what they serve; ``zones`` stand in the order of the instance."""
    types = instance.stations.drop(columns="source").rename(columns={"grid_kw": "type_grid_kw"})
    sites = instance.sites.drop(columns="station_type_id", errors="ignore")
    rows = (
        plan.stations.merge(sites, on="site_id", how="left", validate="1:1")
        .merge(types, on="station_type_id", how="left", validate="m:1")
        .sort_values("site_id", ignore_index=True)
        .rename(columns={"status": "site_status"})
    )
    of_station = pd.MultiIndex.from_frame(rows[["city_id", "station_type_id"]])
    stated = plan.capacity.set_index(["city_id", "station_type_id"])["swaps_per_hour"]
    capacity = stated.reindex(of_station).to_numpy(float)
    measures = ["car_owning_households", "swaps_per_day", "peak_swaps_per_hour"]
    share_frac = plan.allocation["share_frac"].to_numpy(float)
    parts = plan.allocation.assign(
        **{name: zones[name].to_numpy(float)[zone_idx] * share_frac for name in measures}
    )
    parts["swap_min"] = parts["drive_min"] * parts["swaps_per_day"]
    by_site = parts.groupby("site_id")
    load = by_site[[*measures, "swap_min"]].sum().assign(num_zones=by_site.size())
    load["mean_drive_min"] = load.pop("swap_min") / load["swaps_per_day"]
    load = load.reindex(rows["site_id"])
    for name in load.columns:
        filled = load[name] if name == "mean_drive_min" else load[name].fillna(0)
        rows[name] = filled.to_numpy()
    site_idx = pd.Index(instance.sites["site_id"]).get_indexer(pd.Index(rows["site_id"]))
    kind_idx = pd.Index(instance.stations["station_type_id"]).get_indexer(
        pd.Index(rows["station_type_id"])
    )
    rows = rows.assign(
        num_zones=rows["num_zones"].astype(np.int64),
        capacity_swaps_per_hour=capacity,
        utilisation_frac=np.divide(
            rows["peak_swaps_per_hour"], capacity, out=np.zeros(len(rows)), where=capacity > 0
        ),
        grid_kw=rows["type_grid_kw"],
        capex_cny=new_money_cny(instance)[site_idx, kind_idx],
        construction=_construction(instance, rows),
        standing_type_id=rows["site_id"].map(standing_type_ids(instance)),
        opening_quarter=rows["site_id"].map(opening_quarters(instance, stages)),
        opened=rows["opened"] if "opened" in rows.columns else None,
        standing_packs=rows["packs"] if "packs" in rows.columns else np.nan,
    )
    originals = [name for name in ORIGINALS if name in rows.columns]
    columns = [
        "site_id", "city_id", "lon", "lat", *originals, "kind", "site_status", "station_type_id",
        "bays",
        "grid_kw", "num_zones", "car_owning_households", "swaps_per_day", "peak_swaps_per_hour",
        "capacity_swaps_per_hour", "utilisation_frac", "mean_drive_min", "capex_cny",
        "construction", "opening_quarter", "standing_type_id", "opened", "standing_packs",
    ]  # fmt: skip
    texts = dict.fromkeys(["opening_quarter", "standing_type_id", "opened"], "str")
    return rows[columns].astype(texts | {"standing_packs": float})


def _construction(instance: Instance, rows: pd.DataFrame) -> list[str]:
    """What is built at each station: ``new``, ``enlarged``, ``rebuilt`` or ``none``."""
    standing, worn_out = standing_type_ids(instance), worn_out_sites(instance)
    built = []
    for site_id, type_id in zip(rows["site_id"], rows["station_type_id"], strict=True):
        if site_id not in standing.index:
            built.append("new")
        elif site_id in worn_out:
            built.append("rebuilt")
        else:
            built.append("none" if standing[site_id] == type_id else "enlarged")
    return built


def _station_hours(instance: Instance, stations: pd.DataFrame, packs: pd.DataFrame) -> pd.DataFrame:
    """Swaps per hour of each station through the busiest winter design day, at its city's mix."""
    by_hour = hour_shares(instance, HOLIDAY)
    swaps = packs["vehicles"] * packs["design_swaps_per_vehicle_day"]
    wide = swaps.groupby([packs["city_id"], packs["segment"]]).sum().unstack("segment").fillna(0.0)
    by_city = wide.reindex(columns=by_hour.index, fill_value=0.0).dot(by_hour)
    shape = by_city.div(by_city.max(axis=1), axis=0).reindex(stations["city_id"]).fillna(0.0)
    load = shape.to_numpy() * stations["peak_swaps_per_hour"].to_numpy()[:, None]
    hours = by_hour.columns.to_numpy()
    return pd.DataFrame(
        {
            "site_id": np.repeat(stations["site_id"].to_numpy(), len(hours)),
            "hour": np.tile(hours, len(stations)),
            "swaps_per_hour": load.ravel(),
            "capacity_swaps_per_hour": np.repeat(
                stations["capacity_swaps_per_hour"].to_numpy(), len(hours)
            ),
        }
    )


def _city_months(
    instance: Instance, rates: pd.DataFrame, packs: pd.DataFrame, derived: Derived
) -> pd.DataFrame:
    """Mean and design temperature of each month, each pack's range at both, and the swaps.

    Ranges are means over the planning quarter's vehicles of the classes that take the pack; swaps
    those of its vehicles and packs through a whole year, by segment.
    """
    climate = derived.climate
    key = ["city_id", "month"]
    months = pd.MultiIndex.from_product([instance.cities["city_id"], range(1, 13)], names=key)
    rows = pd.DataFrame(
        {"mean_c": climate.monthly_mean_c.ravel(), "design_c": climate.month_design_c.ravel()},
        index=months,
    )
    for column, name in (("mean_range_km", "range"), ("design_range_km", "design_range")):
        wide = fleet_mean(rates, derived.planned_fleet, key, column)
        for pack_id in instance.packs["pack_id"]:
            rows[f"{name}_{pack_id}_km"] = wide.get(pack_id)
    used = rates.merge(packs[[*FLEET_KEY, "vehicles"]], on=FLEET_KEY, validate="m:1")
    swaps = used["vehicles"] * used["swaps_per_vehicle_day"]
    by_segment = swaps.groupby([used["city_id"], used["month"], used["segment"]]).sum()
    wide = by_segment.unstack("segment").reindex(index=months, columns=list(SEGMENTS))
    for segment in SEGMENTS:
        rows[f"swaps_per_day_{segment}"] = wide[segment].fillna(0.0)
    return rows.reset_index().sort_values(key, ignore_index=True)


def _cities(
    instance: Instance,
    zones: pd.DataFrame,
    stations: pd.DataFrame,
    packs: pd.DataFrame,
    winter: pd.DataFrame,
    derived: Derived,
) -> pd.DataFrame:
    names = [name for name in ("city_id", "name_en", "name_zh", "province", "market", "lon", "lat",
             *ORIGINALS, "winter_design_c") if name in instance.cities.columns]  # fmt: skip
    rows = instance.cities[names].set_index("city_id")
    months_c = instance.climate.groupby("city_id")["mean_c"]
    fleet = derived.planned_fleet.groupby("city_id")["vehicles"].sum()
    households = _city_sum(zones, "car_owning_households")
    swaps = _city_sum(zones, "swaps_per_day")
    rows = rows.assign(
        coldest_mean_c=months_c.min(),
        hottest_mean_c=months_c.max(),
        vehicles=fleet,
        num_stations=stations.groupby("city_id").size(),
        num_bays=stations.groupby("city_id")["bays"].sum(),
        car_owning_households=households,
        households_served_frac=_city_sum(zones, "car_owning_households", "served_frac")
        / households,
        households_near_frac=_city_sum(zones, "car_owning_households", "is_near") / households,
        swaps_per_day=swaps,
        swaps_served_frac=_city_sum(zones, "swaps_per_day", "served_frac") / swaps,
    )
    chemistries = sorted(instance.packs["chemistry"].unique())
    by_chemistry = packs.pivot_table(
        index="city_id", columns="chemistry", values="vehicles", aggfunc="sum"
    ).reindex(columns=chemistries)
    rows = rows.join(by_chemistry.add_prefix("vehicles_"))
    whole = ["num_stations", "num_bays", "vehicles"]
    by_pack = [f"vehicles_{name}" for name in chemistries]
    shares = ["households_served_frac", "households_near_frac", "swaps_served_frac"]
    rows = rows.fillna(dict.fromkeys([*whole, *by_pack, *shares], 0))
    with_pack = rows[[f"vehicles_{name}" for name in chemistries]].sum(axis=1)
    rows["vehicles_without_pack"] = (rows["vehicles"] - with_pack).clip(lower=0.0)
    sodium = rows.get("vehicles_sodium_ion", pd.Series(0.0, index=rows.index))
    rows["sodium_ion_frac"] = (sodium / rows["vehicles"]).fillna(0)
    ranges = fleet_mean(winter, derived.planned_fleet, ["city_id"], "design_range_km")
    for pack_id in instance.packs["pack_id"]:
        rows[f"design_range_{pack_id}_km"] = ranges.get(pack_id)
    return rows.astype(dict.fromkeys(whole, np.int64)).reset_index()


def _city_sum(zones: pd.DataFrame, measure: str, share: str | None = None) -> "pd.Series[float]":
    values = zones[measure] if share is None else zones[measure] * zones[share]
    return values.groupby(zones["city_id"]).sum()


def _kpi(
    instance: Instance,
    plan: Plan,
    zones: pd.DataFrame,
    asked: pd.DataFrame,
    stations: pd.DataFrame,
    packs: pd.DataFrame,
    derived: Derived,
) -> dict[str, float]:
    served = zones["served_frac"]
    of_segment = asked.mul(zones.set_index("zone_id")["served_frac"], axis=0)
    households = zones["car_owning_households"]
    swaps = zones["swaps_per_day"]
    swaps_served = (swaps * served).sum()
    fleet = derived.planned_fleet["vehicles"].sum()
    planned = plan.station_packs["quarter"] == instance.scenario.planning_quarter
    of_pack = instance.packs.set_index("pack_id")
    in_stations = plan.station_packs[planned]
    held = in_stations.groupby("pack_id")["packs"].sum()
    held = held.reindex(of_pack.index, fill_value=0)
    kpi: dict[str, float] = {
        "num_stations": len(stations),
        "num_bays": int(stations["bays"].sum()),
    }
    for station_type, count in stations["station_type_id"].value_counts().sort_index().items():
        kpi[f"num_stations_{station_type}"] = int(count)
    kpi |= {
        **{
            f"num_{built}_stations": int((stations["construction"] == built).sum())
            for built in ("new", "enlarged", "rebuilt")
        },
        "num_closed_stations": int((instance.sites["status"] == "closing").sum()),
        "capex_cny": stations["capex_cny"].sum(),
        "closing_cny": closing_cny(instance),
        "swaps_per_day": swaps.sum(),
        "swaps_per_day_served": swaps_served,
        "swaps_served_frac": share(swaps_served, swaps.sum()),
        **{
            f"swaps_served_{segment}_frac": of_segment[segment].sum() / asked[segment].sum()
            for segment in SEGMENTS
            if asked[segment].sum() > 0
        },
        "swaps_per_station_day": share(swaps_served, len(stations)),
        "peak_swaps_per_hour": zones["peak_swaps_per_hour"].sum(),
        "peak_swaps_per_hour_served": (zones["peak_swaps_per_hour"] * served).sum(),
        "mean_utilisation_frac": share(
            stations["peak_swaps_per_hour"].sum(), stations["capacity_swaps_per_hour"].sum()
        ),
        "car_owning_households": households.sum(),
        "households_served_frac": share((households * served).sum(), households.sum()),
        "households_near_frac": share((households * zones["is_near"]).sum(), households.sum()),
        "mean_drive_min": share((zones["drive_min"] * swaps * served).sum(), swaps_served),
        "station_packs": int(held.sum()),
        "vehicles": int(fleet),
        "vehicles_without_pack": max(0.0, float(fleet - packs["vehicles"].sum())),
    }
    for chemistry in sorted(instance.packs["chemistry"].unique()):
        rows = packs[packs["chemistry"] == chemistry]
        kpi[f"vehicles_{chemistry}"] = rows["vehicles"].sum()
        kpi[f"station_packs_{chemistry}"] = int(held[of_pack["chemistry"] == chemistry].sum())
        kpi[f"packs_{chemistry}_gwh"] = rows["energy_kwh"].sum() / KWH_PER_GWH
    in_cities = in_stations["station_id"].isin(stations["site_id"])
    kpi |= station_figures(
        instance, stations, vehicles=float(fleet), swaps_per_day=swaps_served,
        packs=float(in_stations.loc[in_cities, "packs"].sum()),
    )  # fmt: skip
    promised_km = instance.scenario.packs.promised_range_km
    short = packs["design_range_km"] < promised_km * (1 - LIMIT_TOLERANCE)
    kpi["vehicles_below_promised_range"] = packs.loc[short, "vehicles"].sum()
    return {name: float(value) if isinstance(value, float) else value
            for name, value in kpi.items()}  # fmt: skip


def _hour_figures(
    households: "pd.Series[float]", hour_min: Mapping[str, NDArray[np.float64]]
) -> dict[str, float]:
    """Households from which some open station is reached within the standard, by hour.

    In the order of ``hour_min``; full stations count.
    """
    figures = {}
    for hour, minutes in hour_min.items():
        within = float(households[np.isfinite(minutes)].sum())
        figures[f"households_{hour}_hour"] = within
        figures[f"households_{hour}_hour_frac"] = share(within, households.sum())
    return figures


def _question_figures(
    instance: Instance,
    zones: pd.DataFrame,
    stations: pd.DataFrame,
    station_min: NDArray[np.float64],
) -> dict[str, float]:
    """Figures of access, which all plans have, and of the question that the scenario asks.

    ``swaps_in_reach_frac, mean_nearest_min`` (of those swaps), and those of the question's judge;
    zones in the order of ``station_min``.
    """
    swaps, nearest_min = zones["swaps_per_day"].to_numpy(float), station_min[:, 0]
    within = np.isfinite(nearest_min)
    in_reach = swaps[within].sum()
    judge = judge_of(instance.scenario.siting.objective)
    figures = {
        "swaps_in_reach_frac": share(in_reach, swaps.sum()),
        "mean_nearest_min": share((swaps[within] * nearest_min[within]).sum(), in_reach),
        **judge.figures(instance, zones, stations, station_min),
    }
    return {name: float(value) for name, value in figures.items()}
