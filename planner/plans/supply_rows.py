"""Where the energy of packs comes from, and who else gets it: every rule, from the labels alone."""

from collections.abc import Iterator

import pandas as pd

from planner.instance import Instance
from planner.instance.tables import SWAP_CAR
from planner.plans.gate_rows import closed_gates
from planner.plans.plan import Plan
from planner.units import KG_PER_TONNE, KWH_PER_GWH

_TOLERANCE = 1e-6
"""Relative to the largest amount of the rule's kind."""

SOURCE = ["chemistry", "supplier", "plant", "made_for", "kind"]
BUYER = ["buyer", "market", "application", "chemistry", "basis"]


def _text(frame: pd.DataFrame, name: str, default: str = "") -> "pd.Series[str]":
    if name not in frame:
        return pd.Series(default, index=frame.index, dtype=object)
    return frame[name].astype(object).where(frame[name].notna(), default)


def _number(frame: pd.DataFrame, name: str) -> "pd.Series[float]":
    if name not in frame:
        return pd.Series(0.0, index=frame.index)
    return frame[name].astype(float).fillna(0.0)


def _within(instance: Instance, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows up to the horizon's end, those before its first quarter counted with that."""
    quarters = instance.scenario.quarters
    rows = frame[(frame["quarter"] <= quarters[-1]).to_numpy(bool)]
    return rows.assign(quarter=rows["quarter"].where(rows["quarter"] >= quarters[0], quarters[0]))


def stated_sources(instance: Instance) -> pd.DataFrame:
    """What each source can make: ``quarter, chemistry, supplier, plant, made_for, kind``, GWh.

    Chemistries that no pack has are left out; ``capacity_gwh``.
    """
    supply = instance.supply
    rows = pd.DataFrame(
        {
            "quarter": supply["quarter"].astype(object),
            "chemistry": supply["chemistry"],
            "supplier": _text(supply, "supplier"),
            "plant": _text(supply, "plant"),
            "made_for": _text(supply, "application"),
            "kind": _text(supply, "kind", "series"),
            "capacity_gwh": supply["gwh"].astype(float),
        }
    )
    rows = _within(instance, rows[rows["chemistry"].isin(instance.packs["chemistry"])])
    return rows.groupby(["quarter", *SOURCE])["capacity_gwh"].sum().reset_index()


def stated_buyers(instance: Instance) -> pd.DataFrame:
    """What buyers ask for: ``quarter`` and `BUYER`, ``asked_gwh, open_gwh`` (gates are open).

    ``worth_cny_per_kwh``: the mean of what is stated. Chemistries that no pack has are left out.
    """
    buyers = instance.other_buyers
    rows = pd.DataFrame(
        {
            "quarter": buyers["quarter"].astype(object),
            "buyer": buyers["buyer"],
            "market": _text(buyers, "market"),
            "application": buyers["application"],
            "chemistry": buyers["chemistry"],
            "basis": buyers["basis"],
            "asked_gwh": buyers["gwh"].astype(float),
            "worth_cny_per_kwh": _number(buyers, "worth_cny_per_kwh"),
        }
    )
    rows = rows[rows["chemistry"].isin(instance.packs["chemistry"])]
    gate = ["quarter", "market", "application", "chemistry"]
    closed = pd.MultiIndex.from_frame(closed_gates(instance)[gate])
    is_open = ~pd.MultiIndex.from_frame(rows[gate]).isin(closed)
    rows["open_gwh"] = rows["asked_gwh"].where(is_open, 0.0)
    rows["money"] = rows["asked_gwh"] * rows["worth_cny_per_kwh"]
    sums = (
        _within(instance, rows)
        .groupby(["quarter", *BUYER], as_index=False)[["asked_gwh", "open_gwh", "money"]]
        .sum()
    )
    worth = sums["money"] / sums["asked_gwh"]
    sums["worth_cny_per_kwh"] = worth.where(sums["asked_gwh"] > 0, 0.0)
    return sums[sums["asked_gwh"] > 0].drop(columns="money").reset_index(drop=True)


def delivered_gwh(instance: Instance, pack_flows: pd.DataFrame) -> pd.DataFrame:
    """Energy of new packs for the instance's vehicles: ``quarter, chemistry, gwh``."""
    packs = instance.packs[["pack_id", "chemistry", "nominal_kwh"]]
    rows = pack_flows.merge(packs, on="pack_id", validate="m:1")
    rows["gwh"] = rows["delivered"] * rows["nominal_kwh"] / KWH_PER_GWH
    return rows.groupby(["quarter", "chemistry"])["gwh"].sum().reset_index()


def unserved_cny(instance: Instance, plan: Plan) -> float:
    """What buyers by price would have paid beyond, whose gates are open and who get nothing [CNY].

    Part of the packs' cost as the pack model counts it.
    """
    key = ["quarter", *BUYER]
    rows = stated_buyers(instance).merge(plan.buyers[[*key, "served_gwh"]], on=key, how="left")
    short = (rows["open_gwh"] - rows["served_gwh"].fillna(0.0)) * KWH_PER_GWH
    lost = (short * rows["worth_cny_per_kwh"])[rows["basis"] == "price"]
    return float(lost.sum())


def supply_used(instance: Instance, plan: Plan) -> pd.DataFrame:
    """Cumulative energy by quarter and chemistry that has a supply.

    Columns ``quarter, chemistry, produced_gwh`` (what all sources can make), ``available_gwh``
    (what sources of cells for swap cars can, less what contracts take of them), ``used_gwh`` (by
    the instance's vehicles).
    """
    quarters = instance.scenario.quarters
    sources, flow = stated_sources(instance), plan.supply_flow
    used = delivered_gwh(instance, plan.pack_flows)
    contracts = plan.buyers[plan.buyers["basis"] == "contract"]
    rows = []
    for chemistry in sorted(set(sources["chemistry"])):
        made = sources[sources["chemistry"] == chemistry]
        for_cars = made[_serves(made, SWAP_CAR)]
        taken = flow[(flow["chemistry"] == chemistry) & _serves(flow, SWAP_CAR)]
        of_use = used[used["chemistry"] == chemistry]
        promised = contracts[contracts["chemistry"] == chemistry]
        for quarter in quarters:
            produced, capacity, used_gwh = (
                each.loc[each["quarter"] <= quarter, name].sum()
                for each, name in (
                    (made, "capacity_gwh"), (for_cars, "capacity_gwh"), (of_use, "gwh"),
                )
            )  # fmt: skip
            by_use = promised[promised["quarter"] <= quarter].groupby("application")["served_gwh"]
            of_cars = taken[taken["quarter"] <= quarter].groupby("application")["gwh"].sum()
            gone = by_use.sum().clip(upper=of_cars.reindex(by_use.sum().index, fill_value=0.0))
            rows.append((quarter, chemistry, produced, capacity - gone.sum(), used_gwh))
    return pd.DataFrame(
        rows, columns=["quarter", "chemistry", "produced_gwh", "available_gwh", "used_gwh"]
    ).sort_values(["chemistry", "quarter"], ignore_index=True)


def _serves(rows: pd.DataFrame, application: str) -> "pd.Series[bool]":
    """Whether the source of each row makes cells for a use."""
    is_for = rows["made_for"].isin(["", application])
    return is_for & ((application != SWAP_CAR) | (rows["kind"] != "pilot"))


def supply_violations(instance: Instance, plan: Plan) -> Iterator[str]:
    """Every rule on supply, materials and buyers that a plan breaks, in words.

    Parameters
    ----------
    instance : Instance
        What the plan was made for.
    plan : Plan
    """
    sources, buyers = stated_sources(instance), stated_buyers(instance)
    numbers = (plan.supply_flow["gwh"], plan.supply_made["gwh"], plan.buyers["served_gwh"])
    if any((each < 0).any() for each in numbers):
        yield "an amount of supply is negative"
    scale = max(1e-6, sources["capacity_gwh"].sum(), buyers["asked_gwh"].sum())
    yield from _sources(instance, plan, sources, _TOLERANCE * scale)
    yield from _balance(instance, plan, sources, _TOLERANCE * scale)
    yield from _materials(instance, plan)
    yield from _buyers(plan, buyers, _TOLERANCE * scale)
    yield from _contracts_first(plan, buyers, _TOLERANCE * scale)


def _named(row: pd.Series) -> str:
    parts = [row["chemistry"], row["supplier"], row["plant"], row["made_for"], row["kind"]]
    return " / ".join(part for part in parts if part)


def _sources(instance: Instance, plan: Plan, sources: pd.DataFrame, slack: float) -> Iterator[str]:
    """No more is made than can be, no more taken than was made, for uses that it is made for."""
    key = ["quarter", *SOURCE]
    made = plan.supply_made[[*key, "gwh"]].merge(sources, on=key, how="left")
    over = made[made["gwh"] > made["capacity_gwh"].fillna(0.0) + slack]
    for _, row in over.iterrows():
        yield (
            f"{row['quarter']}: {row['gwh']:.6f} GWh of {_named(row)} are made, "
            f"{0.0 if pd.isna(row['capacity_gwh']) else row['capacity_gwh']:.6f} can be"
        )
    flow = plan.supply_flow
    for _, row in flow[~_serves_own(flow)].iterrows():
        yield f"{row['quarter']}: cells of {_named(row)} go to {row['application']}"
    quarters = pd.Index(instance.scenario.quarters)
    taken, stored = (
        frame.groupby(["quarter", *SOURCE])["gwh"].sum().unstack("quarter").reindex(
            columns=quarters
        ).fillna(0.0).cumsum(axis=1)
        for frame in (flow, plan.supply_made)
    )  # fmt: skip
    lacking = taken - stored.reindex(taken.index).fillna(0.0)
    table = lacking.reset_index().melt(SOURCE, var_name="quarter", value_name="over")
    for _, row in table[table["over"] > slack].iterrows():
        yield f"{row['quarter']}: more of {_named(row)} is taken than was made"


def _serves_own(flow: pd.DataFrame) -> "pd.Series[bool]":
    is_for = (flow["made_for"] == "") | (flow["made_for"] == flow["application"])
    return is_for & ~((flow["kind"] == "pilot") & (flow["application"] == SWAP_CAR))


def _balance(instance: Instance, plan: Plan, sources: pd.DataFrame, slack: float) -> Iterator[str]:
    """What is taken for a use is what goes to it."""
    key = ["quarter", "chemistry", "application"]
    goes = pd.concat(
        [
            delivered_gwh(instance, plan.pack_flows).assign(application=SWAP_CAR),
            plan.buyers.rename(columns={"served_gwh": "gwh"})[[*key, "gwh"]],
        ]
    )
    goes = goes[goes["chemistry"].isin(sources["chemistry"])]
    of_goes, of_flow = (each.groupby(key)["gwh"].sum() for each in (goes, plan.supply_flow))
    apart = of_goes.subtract(of_flow, fill_value=0.0)
    for quarter, chemistry, application in apart.index[apart.abs() > slack]:
        row = (quarter, chemistry, application)
        yield (
            f"{quarter}: {of_goes.get(row, 0.0):.6f} GWh of {chemistry} go to {application}, "
            f"{of_flow.get(row, 0.0):.6f} are taken from its sources"
        )


def material_use(instance: Instance, plan: Plan) -> pd.DataFrame:
    """Limited materials: ``quarter, material, available_t, used_t``, both up to the quarter."""
    supply, needs = instance.material_supply, instance.materials
    needs = needs[needs["chemistry"].isin(instance.packs["chemistry"])]
    rows = []
    for material in sorted(set(supply["material"]) & set(needs["material"])):
        of_material = supply[supply["material"] == material]
        qualified = _text(of_material, "qualified_from")
        of_material = of_material[(qualified <= of_material["quarter"]).to_numpy(bool)]
        per_kwh = needs[needs["material"] == material].set_index("chemistry")
        each_kg = plan.supply_made["chemistry"].map(_number(per_kwh, "kg_per_kwh"))
        used_t = plan.supply_made["gwh"] * each_kg.astype(float).fillna(0.0)
        used_t *= KWH_PER_GWH / KG_PER_TONNE
        for quarter in instance.scenario.quarters:
            available = of_material.loc[of_material["quarter"] <= quarter, "tonnes"].sum()
            used = used_t[plan.supply_made["quarter"] <= quarter].sum()
            rows.append((quarter, material, float(available), float(used)))
    return pd.DataFrame(rows, columns=["quarter", "material", "available_t", "used_t"])


def _materials(instance: Instance, plan: Plan) -> Iterator[str]:
    table = material_use(instance, plan)
    slack = _TOLERANCE * max(1e-6, table["available_t"].max() if len(table) else 0.0)
    for row in table[table["used_t"] > table["available_t"] + slack].itertuples():
        yield (
            f"{row.quarter}: {row.used_t:.6f} t of {row.material} are used, "
            f"{row.available_t:.6f} are available"
        )


def _buyers(plan: Plan, buyers: pd.DataFrame, slack: float) -> Iterator[str]:
    """Nobody gets more than was asked for, nor before the gates are open."""
    key = ["quarter", *BUYER]
    served = plan.buyers[[*key, "served_gwh"]].merge(buyers, on=key, how="left")
    known = served["asked_gwh"].notna()
    for row in served[~known & (served["served_gwh"] > slack)].itertuples():
        yield f"{row.quarter}: {row.buyer} gets {row.chemistry} that was not asked for"
    over = served[known & (served["served_gwh"] > served["asked_gwh"] + slack)]
    for row in over.itertuples():
        yield (
            f"{row.quarter}: {row.buyer} gets {row.served_gwh:.6f} GWh of {row.chemistry}, "
            f"{row.asked_gwh:.6f} are asked for"
        )
    early = served[
        known
        & (served["served_gwh"] > served["open_gwh"] + slack)
        & (served["served_gwh"] <= served["asked_gwh"] + slack)
    ]
    for row in early.itertuples():
        yield (
            f"{row.quarter}: {row.buyer} gets {row.chemistry} for {row.application} in "
            f"{row.market} while a gate is closed"
        )


def _contracts_first(plan: Plan, buyers: pd.DataFrame, slack: float) -> Iterator[str]:
    """Nothing that could fill a contract goes to a buyer by price, or a vehicle, until it is full.

    What is made may be kept: neither in the contract's quarter nor in one before.
    """
    key = ["quarter", *BUYER]
    served = buyers.merge(plan.buyers[[*key, "served_gwh"]], on=key, how="left")
    short = served["open_gwh"] - served["served_gwh"].fillna(0.0)
    served = served.assign(short_gwh=short)
    waiting = served[(served["basis"] == "contract") & (short > slack)]
    if waiting.empty:
        return
    of_contract = plan.buyers[plan.buyers["basis"] == "contract"]
    flow = plan.supply_flow
    for row in waiting.itertuples():
        key = ["quarter", "chemistry", "application"]
        usable = (flow["chemistry"] == row.chemistry) & (flow["quarter"] <= row.quarter)
        usable &= _serves(flow, str(row.application))
        promised = of_contract.groupby(key)["served_gwh"].sum()
        by_use = flow[usable].groupby(key)["gwh"].sum()
        others = by_use - promised.reindex(by_use.index).fillna(0.0)
        for quarter, _, application in others.index[others > slack]:
            yield (
                f"{quarter}: {row.chemistry} goes to {application} without a contract, while "
                f"{row.buyer} lacks {row.short_gwh:.6f} GWh of its contract in {row.quarter}"
            )
