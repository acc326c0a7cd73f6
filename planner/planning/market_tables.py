"""Which packs go to which market, from which supply, and what limits it: tables of a checked plan.

Takes the checked plan's labels and the pack model's prices; gives tables by source, buyer,
material, market and offer with their figures, and those of compliance and brands beside them.
Tables that the instance has nothing for are left out.
"""

import numpy as np
import pandas as pd

from planner.compliance.tables import compliance_tables
from planner.instance import Instance
from planner.instance.dated_gates import offer_dates
from planner.planning.rounds import Fitted
from planner.plans import Plan
from planner.plans.brands import brand_tables
from planner.plans.derived import Derived
from planner.plans.gate_rows import placings
from planner.plans.market_rows import buyer_quarters, left_frac
from planner.plans.supply_rows import SOURCE, material_use, stated_sources, supply_used
from planner.units import KG_PER_TONNE, KWH_PER_GWH

Tables = dict[str, pd.DataFrame]

NOTHING_GWH = 1e-9
"""Less energy than this is the solver's rounding: a thousandth of a kilowatt-hour."""


def market_tables(
    instance: Instance, plan: Plan, derived: Derived, fitted: Fitted, gates: pd.DataFrame
) -> tuple[dict[str, float], Tables]:
    """Tables and figures of supply, markets, certificates, compliance and brands.

    Parameters
    ----------
    instance : Instance
    plan : Plan
        Passed its check.
    derived : Derived
        Vehicles of every quarter.
    fitted : Fitted
        The last round, whose prices tell what more supply would be worth.
    gates : DataFrame
        From `planner.planning.earlier_gates.gate_savings`.

    Returns
    -------
    figures : dict of str to float
        Beside those of the check: of gates, compliance and brands.
    tables : dict of str to DataFrame
        ``supply_value``, ``gate_value``, ``market_quarter`` always; ``supply_flow``,
        ``supply_source``, ``buyer_quarter``, ``material_quarter``, ``offer`` where the instance
        has such rows; those of compliance and brands.
    """
    markets = market_quarters(instance, plan)
    made = {
        "supply_value": supply_values(instance, plan, fitted),
        "gate_value": gates,
        "market_quarter": markets,
        "supply_flow": supply_flows(plan),
        "supply_source": supply_sources(instance, plan),
        "buyer_quarter": buyer_quarters(instance, plan),
        "material_quarter": material_quarters(instance, plan, fitted),
        "offer": offers(instance, plan, markets),
    }
    always = ("supply_value", "gate_value", "market_quarter")
    tables = {name: table for name, table in made.items() if len(table) or name in always}
    figures = _gate_figures(gates)
    for more_figures, more_tables in (
        compliance_tables(instance, markets, made["supply_flow"], made["buyer_quarter"]),
        brand_tables(instance, plan.packs, derived.fleet, markets),
    ):
        figures |= more_figures
        tables |= more_tables
    return figures, tables


def supply_values(instance: Instance, plan: Plan, fitted: Fitted) -> pd.DataFrame:
    """Supply by quarter, how far it is used, and what one more kWh then would save."""
    table = supply_used(instance, plan)
    return table.assign(
        value_cny_per_kwh=fitted.packs.supply_value[
            _positions(instance.scenario.quarters, table["quarter"]),
            _positions(fitted.pack_labels.chemistries, table["chemistry"]),
        ]
    )


def supply_flows(plan: Plan) -> pd.DataFrame:
    """Energy by source and use: ``quarter, chemistry, supplier, plant, kind, application, gwh``."""
    key = ["quarter", "chemistry", "supplier", "plant", "kind", "application"]
    flows = plan.supply_flow.groupby(key)["gwh"].sum()
    return flows[flows > NOTHING_GWH].reset_index()


def supply_sources(instance: Instance, plan: Plan) -> pd.DataFrame:
    """What each source can make, makes and gives in a quarter [GWh]."""
    key = ["quarter", *SOURCE]
    taken = plan.supply_flow.groupby(key)["gwh"].sum().rename("used_gwh").reset_index()
    rows = (
        stated_sources(instance)
        .merge(plan.supply_made.rename(columns={"gwh": "made_gwh"}), on=key, how="left")
        .merge(taken, on=key, how="outer")
    )
    amounts = ["capacity_gwh", "made_gwh", "used_gwh"]
    rows[amounts] = rows[amounts].astype(float).fillna(0.0)
    return rows[[*key, *amounts]].sort_values(key, ignore_index=True)


def material_quarters(instance: Instance, plan: Plan, fitted: Fitted) -> pd.DataFrame:
    """Limited materials up to each quarter [t], and what one more kilogram then would save.

    ``tightest``: the one of which the smallest share is left in the quarter.
    """
    rows = material_use(instance, plan)
    if rows.empty:
        return rows.assign(value_cny_per_kg=pd.Series(dtype=float), tightest=False)
    value = fitted.packs.material_value[
        _positions(instance.scenario.quarters, rows["quarter"]),
        _positions(fitted.pack_labels.supply.materials, rows["material"]),
    ]
    left = left_frac(rows)
    least = left.groupby(rows["quarter"]).transform("idxmin")
    return rows.assign(value_cny_per_kg=value, tightest=least == rows.index)


def market_quarters(instance: Instance, plan: Plan) -> pd.DataFrame:
    """Packs of each market by quarter and type, and whether they may be placed there."""
    places, key = instance.cities[["city_id", "market"]], ["quarter", "market", "pack_id"]
    packs = instance.packs[["pack_id", "nominal_kwh"]]
    flows = plan.pack_flows.merge(places, on="city_id").groupby(key)[["delivered", "stock"]].sum()
    vehicles = plan.packs.merge(places, on="city_id").groupby(key)["vehicles"].sum()
    rows = placings(instance).merge(packs, on="pack_id", validate="m:1")
    index = pd.MultiIndex.from_frame(rows[key])
    delivered = flows["delivered"].reindex(index).fillna(0.0).to_numpy()
    kg = pd.Series(0.0, index=instance.packs["pack_id"])
    if "kgco2e_per_kwh" in instance.packs:
        kg = instance.packs.set_index("pack_id")["kgco2e_per_kwh"].astype(float)
    rows = rows.assign(
        vehicles=vehicles.reindex(index).fillna(0.0).to_numpy(),
        delivered_packs=delivered,
        delivered_gwh=delivered * rows["nominal_kwh"] / KWH_PER_GWH,
        stock_packs=flows["stock"].reindex(index).fillna(0.0).to_numpy(),
        open=rows["placed"],
        carbon_t=delivered * rows["nominal_kwh"] * rows["pack_id"].map(kg) / KG_PER_TONNE,
    )
    columns = [
        "quarter", "market", "chemistry", "pack_id", "vehicles", "delivered_packs",
        "delivered_gwh", "stock_packs", "min_order_packs", "first_delivery", "open", "carbon_t",
    ]  # fmt: skip
    return rows[columns].sort_values(key, ignore_index=True)


def offers(instance: Instance, plan: Plan, markets: pd.DataFrame) -> pd.DataFrame:
    """The offers, when each delivers first, gates too, and what is ordered of it.

    ``first_open`` is missing where no quarter of the horizon is open. Deliveries are those of the
    pack in the market, whoever of its suppliers sends them.
    """
    terms = offer_dates(instance).drop(columns="series_from")
    terms = terms[terms["market"].isin(instance.cities["market"])]
    key = ["market", "pack_id"]
    open_ = markets[markets["open"]]
    # An offer that comes after another supplier's opens with its own first delivery.
    rows = []
    for offer in terms.to_dict("records"):
        mine = (open_["market"] == offer["market"]) & (open_["pack_id"] == offer["pack_id"])
        quarters = open_.loc[mine & (open_["quarter"] >= offer["first_delivery"]), "quarter"]
        of_pair = markets[
            (markets["market"] == offer["market"]) & (markets["pack_id"] == offer["pack_id"])
        ]
        ordered = of_pair.loc[of_pair["delivered_packs"] > 0, "delivered_packs"]
        rows.append(
            offer
            | {
                "first_open": quarters.min() if len(quarters) else None,
                "delivered_packs": float(ordered.sum()),
                "smallest_order_packs": float(ordered.min()) if len(ordered) else np.nan,
            }
        )
    columns = [
        *key, "supplier", "samples_from", "qualification_quarters", "lead_quarters",
        "min_order_packs", "first_delivery", "first_open", "delivered_packs",
        "smallest_order_packs",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).sort_values([*key, "supplier"], ignore_index=True)


def _gate_figures(gates: pd.DataFrame) -> dict[str, float]:
    if gates.empty:
        return {}
    figures = {"gates_closing": float(len(gates))}
    known = gates["saving_cny"].dropna()
    if len(known):
        figures["largest_gate_saving_cny"] = float(known.max())
    return figures


def _positions(labels: "tuple[str, ...] | list[str]", named: "pd.Series[str]") -> "np.ndarray":
    return pd.Index(labels).get_indexer(pd.Index(named))
