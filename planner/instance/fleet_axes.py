"""Scale the tables' swap vehicles to the scenario's mix and vehicles per station.

Takes the tables as read; adoption, vehicles, opening packs and stated trips follow each other.
Leaves out which vehicle classes a segment has and where it stands: shares of cities are kept.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.instance.notes import Note
from planner.instance.settings.scenario import Scenario
from planner.instance.tables import SEGMENTS

Factors = Mapping[str, float]


def check_fleet_axes(
    frames: Mapping[str, pd.DataFrame], files: Mapping[str, str], scenario: Scenario
) -> list[Fault]:
    """Check that every segment that shall have swap vehicles has some to be scaled.

    Parameters
    ----------
    frames : mapping of table name to DataFrame
        Nothing is checked unless ``cities`` and ``adoption`` are among them.
    files : mapping of table name to file name
        For the faults.
    scenario : Scenario
    """
    if not _is_scaled(scenario) or not {"cities", "adoption"} <= set(frames):
        return []
    quarter, mix = scenario.planning_quarter, _mix(scenario)
    fleet = _swap_vehicles(frames, quarter).sum()
    table = files.get("adoption", files["cities"])
    faults = [
        Fault(
            files["cities"], None, f"vehicles_{segment}", "",
            f"none of them swaps in {quarter}, but demand.fleet_mix gives them a share of "
            f"{share:g}; give some in {table}, or no share",
        )
        for segment, share in mix.items()
        if share > 0 and not fleet[segment] > 0
    ]  # fmt: skip
    if not faults and not fleet.sum() > 0:
        remedy = (
            f"no vehicle swaps in {quarter}, but demand.vehicles_per_station scales them; "
            f"give some in {table}, or leave the setting out"
        )
        faults.append(Fault(files["cities"], None, "", "", remedy))
    return faults


def fit_fleet(
    frames: Mapping[str, pd.DataFrame], scenario: Scenario
) -> tuple[dict[str, pd.DataFrame], list[Note]]:
    """Tables with the swap vehicles that ``demand.fleet_mix`` and ``vehicles_per_station`` ask for.

    Parameters
    ----------
    frames : mapping of table name to DataFrame
        Without faults, those of `check_fleet_axes` included.
    scenario : Scenario

    Returns
    -------
    dict of str to DataFrame
        The same tables; of those that were scaled copies.
    list of Note
        What was scaled by how much; none if the scenario asks for nothing.

    Notes
    -----
    In the planning quarter segment s has N_s = sum_c V_cs a_cs swap vehicles, V vehicles of city c
    and a the share that can swap. With the mix m and the total N (left as they are where the
    scenario does not state them) all a_cs of all quarters are multiplied by f_s = m_s N / N_s.
    Where one would exceed 1, V_cs is raised so that the largest is 1, and V_cs a_cs stays as meant.
    Opening packs k of a city are multiplied by sum_v n_cv f_v / sum_v n_cv over the classes v whose
    default pack k is (or, if it is none's, that take it), n_cv their swap vehicles before the
    horizon: in the last quarter of ``adoption`` before it, or in its first. Stated trips follow
    their city's swap vehicles. Whole vehicles are rounded city by city afterwards.
    """
    if not _is_scaled(scenario):
        return dict(frames), []
    now = _swap_vehicles(frames, scenario.planning_quarter)
    factors = _factors(now.sum(), scenario)
    fitted = dict(frames)
    fitted["cities"], fitted["adoption"], raised = _scale_fleet(
        frames["cities"], frames["adoption"], factors
    )
    by_segment = now.sum()
    asked = [
        f"demand.{name}"
        for name in ("fleet_mix", "vehicles_per_station")
        if getattr(scenario.demand, name) is not None
    ]
    told = ", ".join(
        f"{segment} {by_segment[segment]:,.0f} to {by_segment[segment] * factors[segment]:,.0f}"
        for segment in SEGMENTS
    )
    table = "adoption" if len(frames["adoption"]) else "cities"
    source = f"{' and '.join(asked)}: table {table} scaled, cities' shares of each segment kept"
    notes = [Note(f"swap vehicles in {scenario.planning_quarter}, scaled", told, "set", source)]
    if raised:
        value = ", ".join(f"{name} in {count:,} cities" for name, count in raised.items())
        source = "more vehicles would swap than the table has: raised to those that do"
        notes.append(Note("cities: vehicles, raised", value, "INF", source))
    if len(frames["pack_stock"]):
        fitted["pack_stock"] = _scale_stock(frames, scenario, factors)
        before, after = (each["pack_stock"]["packs"].sum() for each in (frames, fitted))
        source = "scaled by the swap vehicles that they were given for, pack by pack"
        notes.append(
            Note("pack_stock: packs, scaled", f"{before:,.0f} to {after:,.0f}", "INF", source)
        )
    if len(frames["flows"]):
        fitted["flows"] = _scale_trips(frames["flows"], now, factors)
        notes.append(
            Note("flows: vehicles_per_day, scaled", "city by city", "INF", "by its swap vehicles")
        )
    return fitted, notes


def _is_scaled(scenario: Scenario) -> bool:
    demand = scenario.demand
    return demand.fleet_mix is not None or demand.vehicles_per_station is not None


def _mix(scenario: Scenario) -> dict[str, float]:
    """Shares by segment; empty where the scenario states none."""
    return {str(name): share for name, share in (scenario.demand.fleet_mix or {}).items()}


def _swap_vehicles(frames: Mapping[str, pd.DataFrame], quarter: str) -> pd.DataFrame:
    """Vehicles that swap, not rounded: index city_id, a column per segment."""
    cities, adoption = frames["cities"].set_index("city_id"), frames["adoption"]
    fleet = pd.DataFrame({name: cities[f"vehicles_{name}"].astype(float) for name in SEGMENTS})
    if adoption.empty:
        return fleet
    of_quarter = adoption[adoption["quarter"] == quarter]
    shares = of_quarter.pivot_table(
        index="city_id", columns="segment", values="swap_capable_frac", aggfunc="first"
    )
    return fleet * shares.reindex(index=fleet.index, columns=list(SEGMENTS)).fillna(0.0)


def _factors(fleet: "pd.Series[float]", scenario: Scenario) -> dict[str, float]:
    """What the swap vehicles of each segment are multiplied by."""
    demand, num_stations = scenario.demand, scenario.siting.num_stations
    total = float(fleet.sum())
    if demand.vehicles_per_station is not None and num_stations is not None:
        total = demand.vehicles_per_station * num_stations
    shares = _mix(scenario) or (fleet / fleet.sum()).to_dict()
    asked = sum(shares.values())
    return {
        name: total * shares.get(name, 0.0) / asked / fleet[name] if fleet[name] > 0 else 0.0
        for name in SEGMENTS
    }


def _scale_fleet(
    cities: pd.DataFrame, adoption: pd.DataFrame, factors: Factors
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """Cities and adoption, and by column how many cities had their vehicles raised."""
    if adoption.empty:
        scaled = {f"vehicles_{s}": cities[f"vehicles_{s}"] * factors[s] for s in SEGMENTS}
        return cities.assign(**scaled), adoption, {}
    share = adoption["swap_capable_frac"] * adoption["segment"].map(factors)
    keys = [adoption["city_id"], adoption["segment"]]
    most = share.groupby(keys).transform("max").clip(lower=1.0)
    by_city = most.groupby(keys).first().unstack("segment")
    by_city = by_city.reindex(index=cities["city_id"], columns=list(SEGMENTS)).fillna(1.0)
    raised = {f"vehicles_{name}": int((by_city[name] > 1).sum()) for name in SEGMENTS}
    vehicles = {
        f"vehicles_{name}": cities[f"vehicles_{name}"].astype(float) * by_city[name].to_numpy()
        for name in SEGMENTS
    }
    return (
        cities.assign(**vehicles),
        adoption.assign(swap_capable_frac=(share / most).clip(upper=1.0)),
        {name: count for name, count in raised.items() if count},
    )


def _scale_stock(
    frames: Mapping[str, pd.DataFrame], scenario: Scenario, factors: Factors
) -> pd.DataFrame:
    stock, classes = frames["pack_stock"], frames["vehicles"]
    first = scenario.quarters[0]
    earlier = frames["adoption"]["quarter"]
    earlier = earlier[earlier < first]
    opening = _swap_vehicles(frames, earlier.max() if len(earlier) else first)
    envelope = frames["packs"].set_index("pack_id")["envelope"]
    by_pack = {}
    for pack_id in stock["pack_id"].unique():
        takes = classes["default_pack_id"] == pack_id
        if not takes.any():
            takes = classes["envelope"] == envelope[pack_id]
        share = classes[takes].groupby("segment")["segment_frac"].sum()
        vehicles = opening * share.reindex(SEGMENTS).fillna(0.0)
        scaled = (vehicles * pd.Series(factors)).sum(axis=1)
        weight = vehicles.sum() if vehicles.to_numpy().any() else share.clip(lower=1.0)
        nationwide = float(np.average([factors[name] for name in weight.index], weights=weight))
        # Packs that stand in a city without vehicles for them follow those of the whole nation.
        by_pack[pack_id] = (scaled / vehicles.sum(axis=1)).fillna(nationwide)
    factor = [
        by_pack[pack_id][city_id]
        for city_id, pack_id in zip(stock["city_id"], stock["pack_id"], strict=True)
    ]
    return stock.assign(packs=stock["packs"].to_numpy(float) * np.array(factor))


def _scale_trips(flows: pd.DataFrame, now: pd.DataFrame, factors: Factors) -> pd.DataFrame:
    scaled = (now * pd.Series(factors)).sum(axis=1)
    grown = (scaled / now.sum(axis=1)).fillna(1.0)
    return flows.assign(
        vehicles_per_day=flows["vehicles_per_day"] * flows["from_city_id"].map(grown)
    )
