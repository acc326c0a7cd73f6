"""Packs by quarter: what each city has, gets and gives, what it costs, and every rule on it."""

from collections.abc import Iterator

import pandas as pd

from planner.instance import Instance
from planner.limits import LIMIT_TOLERANCE
from planner.plans.derived import Derived
from planner.plans.fleet_rows import lease_cny, station_packs_by_city
from planner.plans.plan import Plan
from planner.units import KWH_PER_GWH, MONTHS_PER_QUARTER, QUARTERS_PER_YEAR

_TOLERANCE = 1e-6
"""Relative; the solver keeps its rows to 1e-9 of the packs they hold."""

_FLOWS = ["stock", "delivered", "retired", "moved_in", "moved_out"]


def city_quarters(
    instance: Instance, periods: pd.DataFrame, pack_flows: pd.DataFrame, derived: Derived
) -> pd.DataFrame:
    """One row per quarter and city: vehicles and packs by chemistry, what comes and goes.

    Parameters
    ----------
    instance : Instance
        Cities and packs.
    periods : DataFrame
        From `planner.plans.fleet_rows.pack_rows`.
    pack_flows : DataFrame
        ``Plan.pack_flows``.
    derived : Derived
        Climate and vehicles.

    Returns
    -------
    DataFrame
        ``quarter, city_id, design_c`` (coldest design day), ``vehicles,
        vehicles_<chemistry>, vehicles_without_pack, sodium_ion_frac, <flow>_<chemistry>`` for
        stock, delivered, retired, moved_in, moved_out; sorted by quarter and city.
    """
    key = ["quarter", "city_id"]
    index = pd.MultiIndex.from_product(
        [instance.scenario.quarters, instance.cities["city_id"]], names=key
    )
    rows = pd.DataFrame(index=index)
    design_c = pd.DataFrame(derived.climate.month_design_c, index=instance.cities["city_id"])
    coldest = design_c.T.groupby(lambda month: f"Q{month // MONTHS_PER_QUARTER + 1}").min()
    of_year = index.get_level_values("quarter").str[4:]
    by_place = coldest.stack()
    rows["design_c"] = by_place.loc[
        list(zip(of_year, index.get_level_values("city_id"), strict=True))
    ].to_numpy()
    rows["vehicles"] = derived.fleet.groupby(key)["vehicles"].sum().reindex(index)
    chemistries = sorted(instance.packs["chemistry"].unique())
    by_chemistry = periods.pivot_table(
        index=key, columns="chemistry", values="vehicles", aggfunc="sum"
    ).reindex(index=index, columns=chemistries, fill_value=0.0)
    by_chemistry = by_chemistry.fillna(0.0)
    for chemistry in chemistries:
        rows[f"vehicles_{chemistry}"] = by_chemistry[chemistry]
    without = rows["vehicles"] - by_chemistry.sum(axis=1)
    rows["vehicles_without_pack"] = without.clip(lower=0.0)
    sodium = rows.get("vehicles_sodium_ion", pd.Series(0.0, index=index))
    rows["sodium_ion_frac"] = (sodium / rows["vehicles"]).fillna(0.0)
    flows = pack_flows.merge(instance.packs[["pack_id", "chemistry"]], on="pack_id")
    sums = flows.groupby([*key, "chemistry"])[_FLOWS].sum().unstack("chemistry")
    sums = sums.reindex(index).fillna(0.0)
    for flow in _FLOWS:
        for chemistry in chemistries:
            rows[f"{flow}_{chemistry}"] = sums.get((flow, chemistry), 0.0)
    return rows.reset_index().sort_values(key, ignore_index=True)


def pack_cost_cny(
    instance: Instance, periods: pd.DataFrame, pack_flows: pd.DataFrame, derived: Derived
) -> float:
    """Cost of all quarters as the assignment counts it [CNY].

    Running cost of the vehicles, lease of all packs that stand anywhere, moves, and the
    vehicles without a pack.
    """
    costs = instance.scenario.costs
    lease = pack_flows["stock"] * pack_flows["pack_id"].map(lease_cny(instance))
    without = derived.fleet["vehicles"].sum() - periods["vehicles"].sum()
    return float(
        periods["running_cny"].sum()
        + lease.sum()
        + costs.relocation_cny_per_pack * pack_flows["moved_in"].sum()
        + costs.no_pack_cny / QUARTERS_PER_YEAR * without
    )


def pack_violations(
    instance: Instance, plan: Plan, periods: pd.DataFrame, derived: Derived
) -> Iterator[str]:
    """Every rule on packs that a plan breaks, in words.

    Parameters
    ----------
    instance : Instance
        What the plan was made for.
    plan : Plan
        Its labels are known and unique.
    periods : DataFrame
        From `planner.plans.fleet_rows.pack_rows`.
    derived : Derived
        Vehicles.
    """
    # Rates are joined by envelope: a pack that does not fit has no range.
    unfit = periods[periods["quarter_range_km"].isna()]
    for row in unfit.drop_duplicates(["vehicle_id", "pack_id"]).itertuples():
        yield f"pack {row.pack_id} does not fit vehicle {row.vehicle_id}"
    if (periods["vehicles"] <= 0).any():
        yield "a row of packs has no vehicle"
    if (plan.pack_flows[_FLOWS] < 0).to_numpy().any():
        yield "a flow of packs is negative"
    key = ["quarter", "city_id", "vehicle_id"]
    fleet = derived.fleet.set_index(key)["vehicles"]
    placed = periods.groupby(key)["vehicles"].sum()
    over = placed[placed > fleet.reindex(placed.index).fillna(0) * (1 + _TOLERANCE)]
    for quarter, city_id, vehicle_id in over.index:
        yield f"{quarter}, city {city_id}, {vehicle_id}: more packs assigned than vehicles"
    yield from _stock(instance, plan, periods)
    yield from _supply(instance, plan)
    yield from _gates(instance, plan, periods)
    promised_km = instance.scenario.packs.promised_range_km
    short = periods[periods["quarter_range_km"] < promised_km * (1 - LIMIT_TOLERANCE)]
    if instance.scenario.packs.promise == "constraint" and len(short):
        first = short.iloc[0]
        yield (
            f"{len(short)} rows of packs miss the promised range of {promised_km:g} km, first "
            f"{first['pack_id']} in {first['city_id']}, {first['quarter']}"
        )


def _stock(instance: Instance, plan: Plan, periods: pd.DataFrame) -> Iterator[str]:
    """In use at most what stands, and what stands is what came less what went."""
    quarters, key = list(instance.scenario.quarters), ["quarter", "city_id", "pack_id"]
    places = [instance.cities["city_id"], instance.packs["pack_id"]]
    index = pd.MultiIndex.from_product([quarters, *places], names=key)
    flows = plan.pack_flows.set_index(key)[_FLOWS].reindex(index, fill_value=0.0)
    slack = _TOLERANCE * max(1.0, float(flows["stock"].max()))
    held = station_packs_by_city(instance, plan)
    need = (
        periods.groupby(key)["vehicles"].sum().reindex(index, fill_value=0.0)
        + held.groupby(key)["packs"].sum().reindex(index, fill_value=0.0)
    )  # fmt: skip
    for quarter, city_id, pack_id in index[need - flows["stock"] > slack]:
        yield f"{quarter}, city {city_id}: more packs {pack_id} in use than there are"
    # Packs between the cities are part of the stock of those whose vehicles use them.
    on_road = held[held["city_id"].isna()].groupby(["quarter", "pack_id"])["packs"].sum()
    spare = (flows["stock"] - need).groupby(["quarter", "pack_id"]).sum()
    for quarter, pack_id in on_road.index[on_road - spare.reindex(on_road.index) > slack]:
        yield f"{quarter}: more packs {pack_id} stand between the cities than there are"
    initial = instance.pack_stock.astype({"packs": float})
    standing = initial.set_index(["city_id", "pack_id"])["packs"]
    at_first = index.get_level_values("quarter") == quarters[0]
    before = flows["stock"].groupby(["city_id", "pack_id"]).shift(1)
    before[at_first] = standing.reindex(index[at_first].droplevel("quarter")).fillna(0.0).to_numpy()
    after = before + flows["delivered"] - flows["retired"] + flows["moved_in"] - flows["moved_out"]
    for quarter, city_id, pack_id in index[(after - flows["stock"]).abs() > slack]:
        yield f"{quarter}, city {city_id}: the stock of {pack_id} does not balance"
    nation = flows.groupby(["quarter", "pack_id"]).sum()
    for quarter, pack_id in nation.index[(nation["moved_in"] - nation["moved_out"]).abs() > slack]:
        yield f"{quarter}: {pack_id} moved in and out do not agree"
    life = max(1, round(instance.scenario.costs.max_pack_years * QUARTERS_PER_YEAR))
    due = nation["delivered"].groupby("pack_id").shift(life, fill_value=0.0)
    leaving = initial.groupby(["retires", "pack_id"])["packs"].sum()
    due += leaving.reindex(nation.index).fillna(0.0)
    for quarter, pack_id in nation.index[(nation["retired"] - due).abs() > slack]:
        row = (quarter, pack_id)
        yield f"{quarter}: {nation['retired'][row]:.3f} {pack_id} retire, {due[row]:.3f} are due"


def _supply(instance: Instance, plan: Plan) -> Iterator[str]:
    table = supply_used(instance, plan.pack_flows)
    over = table[table["used_gwh"] > table["available_gwh"] * (1 + _TOLERANCE)]
    for row in over.itertuples():
        yield (
            f"{row.quarter}: {row.used_gwh:.6f} GWh of {row.chemistry} are used, "
            f"{row.available_gwh:.6f} are available"
        )


def supply_used(instance: Instance, pack_flows: pd.DataFrame) -> pd.DataFrame:
    """Cumulative energy of new packs by quarter and chemistry that has a supply.

    Columns ``quarter, chemistry, produced_gwh, available_gwh`` (less what others buy),
    ``used_gwh``.
    """
    packs = instance.packs[["pack_id", "chemistry", "nominal_kwh"]]
    delivered = pack_flows.merge(packs, on="pack_id", validate="m:1")
    gwh = delivered["delivered"] * delivered["nominal_kwh"] / KWH_PER_GWH
    rows = []
    for chemistry, supply in instance.supply.groupby("chemistry"):
        elsewhere = dict(instance.scenario.packs.sold_elsewhere_frac).get(str(chemistry), 0.0)
        of_chemistry = delivered["chemistry"] == chemistry
        for quarter in instance.scenario.quarters:
            produced = supply.loc[supply["quarter"] <= quarter, "gwh"].sum()
            used = gwh[of_chemistry & (delivered["quarter"] <= quarter)].sum()
            rows.append((quarter, chemistry, produced, produced * (1 - elsewhere), used))
    return pd.DataFrame(
        rows, columns=["quarter", "chemistry", "produced_gwh", "available_gwh", "used_gwh"]
    )


def _gates(instance: Instance, plan: Plan, periods: pd.DataFrame) -> Iterator[str]:
    """Nothing is used, delivered or moved in before it is on offer and certified."""
    comes = plan.pack_flows[plan.pack_flows[["delivered", "moved_in"]].sum(axis=1) > 0]
    key = ["quarter", "city_id", "pack_id"]
    used = (
        pd.concat([periods[key], comes[key]])
        .merge(instance.packs[["pack_id", "chemistry", "available_from"]], on="pack_id")
        .merge(instance.cities[["city_id", "market"]], on="city_id")
    )
    early = used[used["available_from"] > used["quarter"]]
    for row in early.drop_duplicates(["pack_id", "quarter"]).itertuples():
        yield (
            f"pack {row.pack_id} is used in {row.quarter}; it is not on offer before "
            f"{row.available_from}"
        )
    gates = used.merge(instance.gates, on=["market", "chemistry"])
    is_open = gates["opens"].notna() & (gates["opens"].fillna("") <= gates["quarter"])
    closed = gates[gates["binding"].astype(bool) & ~is_open]
    for row in closed.drop_duplicates(["market", "chemistry", "certificate"]).itertuples():
        yield (
            f"{row.chemistry} is used in {row.market} without {row.certificate} in {row.quarter}"
        )
