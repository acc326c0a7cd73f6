"""What buyers get of a plan's supply, what is left of materials, and figures of both."""

import pandas as pd

from planner.instance import Instance
from planner.plans.pack_rows import carbon_kt
from planner.plans.plan import Plan
from planner.plans.supply_rows import BUYER, delivered_gwh, material_use, stated_buyers

NOTHING_GWH = 1e-9
"""Less energy than this is the solver's rounding: a thousandth of a kilowatt-hour."""


def buyer_quarters(instance: Instance, plan: Plan) -> pd.DataFrame:
    """What each buyer asks for and gets, and why no more [GWh].

    ``limited_by``: ``gate`` where a gate is closed, else ``supply`` of a contract that is short, or
    ``price`` of a buyer who pays less than others save; empty where all is served.
    """
    key = ["quarter", *BUYER]
    rows = stated_buyers(instance).merge(plan.buyers, on=key, how="left")
    rows["served_gwh"] = rows["served_gwh"].astype(float).fillna(0.0)
    rows["short_gwh"] = (rows["asked_gwh"] - rows["served_gwh"]).clip(lower=0.0)
    slack = NOTHING_GWH + 1e-6 * rows["asked_gwh"]
    by_basis = rows["basis"].map({"contract": "supply", "price": "price"})
    limit = by_basis.where(rows["open_gwh"] - rows["served_gwh"] > slack, "gate")
    rows["limited_by"] = limit.where(rows["short_gwh"] > slack, "")
    rows["short_gwh"] = rows["short_gwh"].where(rows["short_gwh"] > slack, 0.0)
    columns = [*key, "asked_gwh", "served_gwh", "short_gwh", "worth_cny_per_kwh", "limited_by"]
    return rows[columns].sort_values(key, ignore_index=True)


def left_frac(materials: pd.DataFrame) -> "pd.Series[float]":
    """Share of a material that is left; 0 where there is none."""
    available = materials["available_t"]
    left = (available - materials["used_t"]) / available.where(available > 0)
    return left.fillna(0.0).clip(lower=0.0)


def supply_figures(instance: Instance, plan: Plan) -> dict[str, float]:
    """Figures of all quarters: packs by chemistry, what buyers get, materials left, carbon.

    Parameters
    ----------
    instance : Instance
    plan : Plan

    Returns
    -------
    dict of str to float
        ``delivered_gwh, delivered_<chemistry>_frac``; with buyers ``buyers_<application>_gwh,
        contracts_short_gwh, contracts_behind_gates_gwh``; with limited materials
        ``tightest_material_left_frac``; with footprints of packs ``carbon_kt``.
    """
    delivered = delivered_gwh(instance, plan.pack_flows)
    total = float(delivered["gwh"].sum())
    figures = {"delivered_gwh": total}
    for chemistry in sorted(instance.packs["chemistry"].unique()):
        gwh = float(delivered.loc[delivered["chemistry"] == chemistry, "gwh"].sum())
        figures[f"delivered_{chemistry}_frac"] = gwh / total if total > 0 else 0.0
    buyers = buyer_quarters(instance, plan)
    if len(buyers):
        for application, rows in buyers.groupby("application"):
            figures[f"buyers_{application}_gwh"] = float(rows["served_gwh"].sum())
        contracts = buyers[buyers["basis"] == "contract"]
        behind = contracts["limited_by"] == "gate"
        figures["contracts_short_gwh"] = float(contracts["short_gwh"].sum())
        figures["contracts_behind_gates_gwh"] = float(contracts.loc[behind, "short_gwh"].sum())
    materials = material_use(instance, plan)
    if len(materials):
        last = materials[materials["quarter"] == instance.scenario.quarters[-1]]
        figures["tightest_material_left_frac"] = float(left_frac(last).min())
    if "kgco2e_per_kwh" in instance.packs:
        figures["carbon_kt"] = carbon_kt(instance, plan.pack_flows)
    return figures
