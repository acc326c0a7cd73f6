"""Packs by quarter: what each city has, gets and gives, what it costs, and every rule on it."""

from collections.abc import Iterator

import pandas as pd

from planner.instance import Instance
from planner.instance.car_models import accepting_frac
from planner.limits import LIMIT_TOLERANCE
from planner.plans.derived import Derived
from planner.plans.fleet_rows import lease_cny, station_packs_by_city
from planner.plans.gate_rows import placings
from planner.plans.plan import Plan
from planner.plans.supply_rows import supply_violations
from planner.units import KG_PER_TONNE, MONTHS_PER_QUARTER, QUARTERS_PER_YEAR, TONNES_PER_KT

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
    yield from supply_violations(instance, plan)
    yield from _gates(instance, plan, periods)
    yield from _orders(instance, plan)
    yield from _acceptance(instance, periods, derived)
    yield from _carbon(instance, plan)
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


def _gates(instance: Instance, plan: Plan, periods: pd.DataFrame) -> Iterator[str]:
    """Nothing is used, delivered or moved in before it is on offer and certified.

    What came in time stays in use when a certificate is asked for later.
    """
    places = instance.cities[["city_id", "market"]]
    key = ["quarter", "market", "pack_id"]
    rules = placings(instance).set_index(key)
    comes = plan.pack_flows[plan.pack_flows[["delivered", "moved_in"]].sum(axis=1) > 0]
    for what, rows in (("used", periods), ("placed", comes)):
        named = rows.merge(places, on="city_id")[key].drop_duplicates()
        found = rules.loc[pd.MultiIndex.from_frame(named)].reset_index()
        for row in found[~found[what].astype(bool)].to_dict("records"):
            where = f"{what} in {row['market']} in {row['quarter']}"
            if row["first_delivery"] > row["quarter"]:
                yield (
                    f"pack {row['pack_id']} is {where}; it is not on offer before "
                    f"{row['first_delivery']}"
                )
            else:
                yield f"{row['chemistry']} is {where} without {row['certificate']}"


def _orders(instance: Instance, plan: Plan) -> Iterator[str]:
    """Deliveries of a pack to a market in a quarter are none, or no fewer than an order."""
    least = placings(instance).drop_duplicates(["market", "pack_id"])
    flows = plan.pack_flows.merge(instance.cities[["city_id", "market"]], on="city_id")
    sums = flows.groupby(["quarter", "market", "pack_id"], as_index=False)["delivered"].sum()
    sums = sums.merge(least[["market", "pack_id", "min_order_packs"]], on=["market", "pack_id"])
    slack = _TOLERANCE * max(1.0, float(sums["delivered"].max()) if len(sums) else 0.0)
    few = sums[(sums["delivered"] > slack) & (sums["delivered"] < sums["min_order_packs"] - slack)]
    for row in few.itertuples():
        yield (
            f"{row.quarter}: {row.delivered:.6f} packs {row.pack_id} are ordered for {row.market}, "
            f"the least order is {row.min_order_packs:g}"
        )


def _acceptance(instance: Instance, periods: pd.DataFrame, derived: Derived) -> Iterator[str]:
    """No more vehicles of a class have a chemistry than there are cars that accept it."""
    if instance.car_models.empty:
        return
    chemistries = sorted(instance.packs["chemistry"].unique())
    place = {
        "quarter": pd.Index(instance.scenario.quarters),
        "city_id": pd.Index(instance.cities["city_id"]),
        "vehicle_id": pd.Index(instance.vehicles["vehicle_id"]),
        "chemistry": pd.Index(chemistries),
    }
    share = accepting_frac(instance)
    key = ["quarter", "city_id", "vehicle_id"]
    having = periods.groupby([*key, "chemistry"], as_index=False)["vehicles"].sum()
    of = tuple(labels.get_indexer(pd.Index(having[name])) for name, labels in place.items())
    classes = pd.MultiIndex.from_arrays([having[name] for name in key])
    fleet = derived.fleet.set_index(key)["vehicles"].reindex(classes)
    having["most"] = share[of] * fleet.to_numpy(float)
    over = having[having["vehicles"] > having["most"] + _TOLERANCE * fleet.to_numpy(float)]
    for row in over.itertuples():
        yield (
            f"{row.quarter}, city {row.city_id}, {row.vehicle_id}: {row.vehicles:.3f} have packs "
            f"of {row.chemistry}, {row.most:.3f} accept them"
        )


def carbon_kt(instance: Instance, pack_flows: pd.DataFrame) -> float:
    """Carbon footprint of making all packs delivered within the horizon, as far as known [kt]."""
    packs = instance.packs.set_index("pack_id")
    if "kgco2e_per_kwh" not in packs:
        return 0.0
    each = packs["kgco2e_per_kwh"].astype(float).fillna(0.0) * packs["nominal_kwh"]
    kg = (pack_flows["delivered"] * pack_flows["pack_id"].map(each)).sum()
    return float(kg / (KG_PER_TONNE * TONNES_PER_KT))


def _carbon(instance: Instance, plan: Plan) -> Iterator[str]:
    cap_kt, emitted_kt = instance.scenario.packs.carbon_cap_kt, carbon_kt(instance, plan.pack_flows)
    if cap_kt is not None and emitted_kt > cap_kt * (1 + _TOLERANCE) + _TOLERANCE:
        yield f"the packs emit {emitted_kt:.6f} kt, packs.carbon_cap_kt is {cap_kt:g}"
