"""Tables of a joint plan: who gets how much when, who is first and why, where supply goes."""

from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import BoolArray, FloatArray
from planner.instance.tables import APPLICATIONS
from planner.limits import at_least
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.models.packs.stack import cost_of
from planner.physics.fleet import FleetOperation
from planner.planning.markets.joint import JointPlan
from planner.planning.markets.members import MarketMember
from planner.units import KWH_PER_GWH

_RANGES = (
    "winter_range_km", "other_range_km", "below_promise_frac", "other_below_promise_frac",
)  # fmt: skip
NEAR_FRAC = 1e-6
"""Energy below this share of all that is delivered counts as none."""


def delivered_gwh(plan: JointPlan) -> list[FloatArray]:
    """Energy of new packs of each member, shape (num_quarters, num_chemistries) [GWh]."""
    return [
        _by_chemistry(problem, part.delivered.sum(axis=1)) / KWH_PER_GWH
        for problem, part in zip(plan.problem.problems, plan.parts, strict=True)
    ]


def money_cny(plan: JointPlan) -> float:
    """What the packs of all members cost, less the stated worth of what other buyers get [CNY]."""
    pairs = zip(plan.problem.problems, plan.parts, strict=True)
    cost = sum(cost_of(problem, part) for problem, part in pairs)
    return cost - float((plan.whole.buyer_served * plan.problem.supply_labels.worth).sum())


def _by_chemistry(problem: PackAssignmentProblem, packs: FloatArray) -> FloatArray:
    """Energy by chemistry of packs, of shape (..., num_packs) [kWh]."""
    of_chemistry = np.eye(problem.num_chemistries)[problem.pack_chemistry_idx]
    return np.asarray((packs * problem.pack_kwh) @ of_chemistry)


def market_quarters(plan: JointPlan) -> pd.DataFrame:
    """What each market gets in each quarter, and what one more kilowatt-hour there would save.

    Returns
    -------
    DataFrame
        ``member, market, quarter, chemistry, vehicles`` (that have such a pack), ``all_vehicles,
        delivered_gwh, stock_gwh, open`` (whether anything of the chemistry may be delivered),
        ``mean_value_cny_per_kwh, most_value_cny_per_kwh`` (what one more pack there would save, its
        lease paid, per energy: over the cities by their vehicles, best pack of each, and in the
        best city), ``price_cny_per_kwh`` (what one more kilowatt-hour made then saves anywhere).
    """
    rows = list[dict[str, Any]]()
    joint = plan.problem
    for member, problem, part in zip(joint.members, joint.problems, plan.parts, strict=True):
        markets = member.instance.cities["market"].to_numpy()
        for market in dict.fromkeys(markets.tolist()):
            for number, chemistry in enumerate(joint.chemistries):
                of_market = _of_market(problem, part, markets == market, number)
                for quarter_idx, quarter in enumerate(joint.quarters):
                    figures = {name: of[quarter_idx] for name, of in of_market.items()}
                    price = float(plan.whole.supply_value[quarter_idx, number])
                    rows.append(
                        {"member": member.name, "market": market, "quarter": quarter,
                         "chemistry": chemistry, **figures, "price_cny_per_kwh": price}
                    )  # fmt: skip
    return pd.DataFrame(rows)


def _of_market(
    problem: PackAssignmentProblem, part: PackAssignment, is_here: BoolArray, chemistry_idx: int
) -> dict[str, list[Any]]:
    """Figures of some cities and one chemistry, each a list over the quarters."""
    packs = np.flatnonzero(problem.pack_chemistry_idx == chemistry_idx)
    group_here = is_here[problem.group_city_idx]
    option_here = group_here[problem.option_group_idx] & np.isin(problem.option_pack_idx, packs)
    by_city = np.stack(
        [
            np.bincount(problem.group_city_idx, row, minlength=problem.num_cities)[is_here]
            for row in problem.vehicles
        ]
    )
    kwh = problem.pack_kwh[packs]
    best = (part.pack_value[:, is_here][:, :, packs] / kwh).max(axis=2, initial=-np.inf)
    weight = np.where(by_city.sum(axis=1, keepdims=True) > 0, by_city, 1.0)
    figures = {
        "vehicles": part.option_vehicles[:, option_here].sum(axis=1),
        "all_vehicles": problem.vehicles[:, group_here].sum(axis=1),
        "delivered_gwh": part.delivered[:, is_here][:, :, packs].sum(axis=1) @ kwh / KWH_PER_GWH,
        "stock_gwh": part.stock[:, is_here][:, :, packs].sum(axis=1) @ kwh / KWH_PER_GWH,
        "open": problem.delivery_allowed[:, is_here][:, :, packs].any(axis=(1, 2)),
        "mean_value_cny_per_kwh": (best * weight).sum(axis=1) / weight.sum(axis=1),
        "most_value_cny_per_kwh": best.max(axis=1),
    }
    return {name: values.tolist() for name, values in figures.items()}


def who_is_first(plan: JointPlan, quarters: pd.DataFrame) -> pd.DataFrame:
    """For each market and limited chemistry: when it may have packs, when it does, and why.

    Parameters
    ----------
    plan : JointPlan
    quarters : DataFrame
        From `market_quarters`.

    Returns
    -------
    DataFrame
        ``chemistry, place`` (1 for the first delivery, ties by value), ``member, market,
        first_open`` (gates and offers allow it), ``first_delivery`` (missing where none),
        ``quarters_closed`` (of the horizon), ``gwh, share_frac`` (of all packs of the chemistry),
        ``vehicles_waiting`` (in the market in the first quarter open, or the last where never),
        ``value_cny_per_kwh, most_value_cny_per_kwh`` (in the first quarter open, as
        `market_quarters`), ``price_cny_per_kwh`` (then), ``winter_range_km, other_range_km`` (on
        the coldest design day, with the best pack of the chemistry and of all others, mean over
        vehicles), ``below_promise_frac, other_below_promise_frac`` (of vehicles), ``why``.
    """
    limited = plan.problem.whole.supply.is_limited
    rows = []
    for member, fleet in zip(plan.problem.members, plan.problem.fleets, strict=True):
        for number, chemistry in enumerate(plan.problem.chemistries):
            if not limited[number]:
                continue
            of_member = quarters[
                (quarters["member"] == member.name) & (quarters["chemistry"] == chemistry)
            ]
            for market, of_market in of_member.groupby("market", sort=False):
                is_here = (member.instance.cities["market"] == market).to_numpy()
                ranges = _winter(member, fleet, is_here, chemistry)
                rows.append(
                    {"chemistry": chemistry, "member": member.name, "market": market,
                     **_dates_of(of_market), **ranges}
                )  # fmt: skip
    table = pd.DataFrame(rows)
    table["share_frac"] = table["gwh"] / table.groupby("chemistry")["gwh"].transform("sum")
    late = table["first_delivery"].fillna("9999Q4")
    order = table.assign(late=late).sort_values(
        ["chemistry", "late", "value_cny_per_kwh"], ascending=[True, True, False], kind="stable"
    )
    order["place"] = order.groupby("chemistry").cumcount() + 1
    names = ["chemistry", "place", "member", "market", "first_open", "first_delivery",
             "quarters_closed", "gwh", "share_frac", "vehicles_waiting", "value_cny_per_kwh",
             "most_value_cny_per_kwh", "price_cny_per_kwh", "winter_range_km", "other_range_km",
             "below_promise_frac", "other_below_promise_frac", "why"]  # fmt: skip
    return order[names].reset_index(drop=True)


def _dates_of(rows: pd.DataFrame) -> dict[str, Any]:
    """When a market may and does get a chemistry, and why not before."""
    gwh = rows["delivered_gwh"].to_numpy()
    is_open, gets = rows["open"].to_numpy(bool), gwh > NEAR_FRAC * max(gwh.sum(), 1e-9)
    quarters = rows["quarter"].tolist()
    first_open, first = (
        quarters[int(np.argmax(flags))] if flags.any() else None for flags in (is_open, gets)
    )
    at = rows.iloc[quarters.index(first_open)] if first_open else rows.iloc[-1]
    return {
        "first_open": first_open,
        "first_delivery": first,
        "quarters_closed": int((~is_open).sum()),
        "gwh": float(gwh.sum()),
        "vehicles_waiting": float(at["all_vehicles"] - at["vehicles"]),
        "value_cny_per_kwh": float(at["mean_value_cny_per_kwh"]),
        "most_value_cny_per_kwh": float(at["most_value_cny_per_kwh"]),
        "price_cny_per_kwh": float(at["price_cny_per_kwh"]),
        "why": _why(rows, quarters, first_open, first),
    }


def _why(rows: pd.DataFrame, quarters: list[str], opens: str | None, first: str | None) -> str:
    if opens is None:
        return "no certificate and offer allows it within the horizon"
    waited = "" if opens == quarters[0] else f"certificates and offers allow it from {opens} on"
    if first == opens:
        return waited or "allowed from the first quarter on, and worth its price at once"
    then = rows[(rows["quarter"] >= opens) & (rows["quarter"] < (first or "9999Q4"))]
    worth, price = then["most_value_cny_per_kwh"].max(), then["price_cny_per_kwh"].max()
    if worth <= 0:
        dearer = "packs that stand, or others, do better here"
    elif worth < price:
        dearer = f"a kWh saves at most {worth:,.1f} CNY here, up to {price:,.1f} elsewhere"
    else:
        dearer = "worth its price, but not in orders of the smallest size"
    return "; ".join(filter(None, [waited, f"until {first}: {dearer}" if first else dearer]))


def _winter(
    member: MarketMember, fleet: FleetOperation, is_here: BoolArray, chemistry: str
) -> dict[str, float]:
    """Range on the coldest design day with a chemistry and with the others, over the vehicles."""
    coldest = np.nan_to_num(fleet.design_range_km).min(axis=3)
    is_it = (member.instance.packs["chemistry"] == chemistry).to_numpy()
    with_it, other = (coldest[:, :, packs].max(axis=2, initial=0.0) for packs in (is_it, ~is_it))
    fits_both = (with_it > 0) & (other > 0) & is_here[:, None]
    weight = np.where(fits_both, fleet.vehicles[-1], 0.0)
    total = weight.sum()
    if total == 0:
        return dict.fromkeys(_RANGES, np.nan)
    promised = member.instance.scenario.packs.promised_range_km
    figures = (
        (weight * with_it).sum(),
        (weight * other).sum(),
        weight[~at_least(with_it, promised)].sum(),
        weight[~at_least(other, promised)].sum(),
    )
    return {name: float(of / total) for name, of in zip(_RANGES, figures, strict=True)}


def supply_rows(plan: JointPlan) -> pd.DataFrame:
    """Each source by quarter: what it could make and made, and who took it.

    Returns
    -------
    DataFrame
        ``quarter, chemistry, supplier, plant, made_for, kind, capacity_gwh, made_gwh`` and
        ``<application>_gwh`` for each use; of each chemistry ``value_cny_per_kwh``: what one more
        kilowatt-hour for swap cars would save.
    """
    joint, whole = plan.problem, plan.whole
    sources = joint.supply_labels.sources
    frames = []
    for number, quarter in enumerate(joint.quarters):
        frame = sources.assign(
            quarter=quarter,
            capacity_gwh=joint.whole.supply.produced_kwh[number] / KWH_PER_GWH,
            made_gwh=whole.made[number] / KWH_PER_GWH,
            value_cny_per_kwh=whole.supply_value[number, joint.whole.supply.source_chemistry_idx],
        )
        for application_idx, application in enumerate(APPLICATIONS):
            flow = whole.supply_flow[number, :, application_idx]
            frame[f"{application}_gwh"] = flow / KWH_PER_GWH
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def buyer_rows(plan: JointPlan) -> pd.DataFrame:
    """Each other buyer by quarter: ``asked_gwh, open_gwh`` (its gates are open), ``served_gwh``."""
    joint = plan.problem
    labels, supply = joint.supply_labels, joint.whole.supply
    frames = [
        labels.buyers.assign(
            quarter=quarter,
            asked_gwh=labels.asked_kwh[number] / KWH_PER_GWH,
            is_open=supply.buyer_kwh[number] > 0,
            served_gwh=plan.whole.buyer_served[number] / KWH_PER_GWH,
            worth_cny_per_kwh=labels.worth[number],
        )
        for number, quarter in enumerate(joint.quarters)
    ]
    table = pd.concat(frames, ignore_index=True)
    return table[table["asked_gwh"] > 0].reset_index(drop=True)


def material_rows(plan: JointPlan) -> pd.DataFrame:
    """Each limited material by quarter: ``available_t, used_t`` up to it, ``value_cny_per_kg``."""
    joint = plan.problem
    supply = joint.whole.supply
    used = (plan.whole.made @ supply.source_kg_per_kwh.T).cumsum(axis=0)
    rows = [
        (quarter, name, available / 1e3, used[number, of] / 1e3, value)
        for number, quarter in enumerate(joint.quarters)
        for of, (name, available, value) in enumerate(
            zip(joint.supply_labels.materials, supply.material_kg[number].tolist(),
                plan.whole.material_value[number].tolist(), strict=True)
        )
    ]  # fmt: skip
    columns = ["quarter", "material", "available_t", "used_t", "value_cny_per_kg"]
    return pd.DataFrame(rows, columns=columns)
