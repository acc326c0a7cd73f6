"""Which gates are closed and which packs are on offer, row by row from the tables.

Written apart from `planner.instance.dated_gates`, which the packs are planned with: the two must
agree, and the check of a plan finds out when they do not.
"""

from typing import Any, TypeGuard

import pandas as pd

from planner.instance import Instance
from planner.instance.tables import SWAP_CAR, quarters_between

_FIRST, _LAST = "2000Q1", "2124Q4"


def _is_given(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value != ""


def _third(instance: Instance, name: str) -> str:
    """Which of three dates something takes: ``low``, ``mid`` or ``high``."""
    settings = instance.scenario.gates
    quantile = settings.quantile_of.get(name, settings.quantile)
    if quantile < 0.3:
        return "low"
    return "mid" if quantile < 0.7 else "high"


def closed_gates(instance: Instance) -> pd.DataFrame:
    """Every quarter of the horizon, and before it from the first row of buyers on, and closed gate.

    Returns
    -------
    DataFrame
        ``quarter, market, application, chemistry, certificate``: binding, asked for, not yet held.
    """
    quarters = instance.scenario.quarters
    first = min([quarters[0], *instance.other_buyers["quarter"].dropna().tolist()])
    rows = []
    for gate in instance.gates.to_dict("records"):
        if not bool(gate["binding"]):
            continue
        third = _third(instance, gate["certificate"])
        own = gate.get(f"opens_{third}") if third != "mid" else None
        held = own if _is_given(own) else gate.get("opens")
        asked = gate.get("asked_from")
        use = gate.get("application")
        for quarter in quarters_between(first, quarters[-1]):
            if _is_given(asked) and quarter < asked:
                continue
            if _is_given(held) and quarter >= held:
                continue
            rows.append(
                (quarter, gate["market"], use if _is_given(use) else SWAP_CAR, gate["chemistry"],
                 gate["certificate"])
            )  # fmt: skip
    columns = ["quarter", "market", "application", "chemistry", "certificate"]
    return pd.DataFrame(rows, columns=columns)


def placings(instance: Instance) -> pd.DataFrame:
    """Which packs may be placed on which markets, and be in use there.

    Returns
    -------
    DataFrame
        A row per quarter, market with cities and pack: ``quarter, market, pack_id, chemistry,
        first_delivery`` (that offers allow), ``certificate`` (that closes it; empty if none does),
        ``placed`` (on offer and certified in the quarter), ``used`` (then or before),
        ``min_order_packs``.
    """
    closed = closed_gates(instance)
    closed = closed[closed["application"] == SWAP_CAR].drop_duplicates(
        ["quarter", "market", "chemistry"]
    )
    packs = instance.packs[["pack_id", "chemistry", "available_from"]]
    rows = (
        pd.DataFrame({"quarter": list(instance.scenario.quarters)})
        .merge(instance.cities[["market"]].drop_duplicates(), how="cross")
        .merge(packs, how="cross")
        .merge(_offered(instance), on=["pack_id", "market"], how="left")
        .merge(
            closed[["quarter", "market", "chemistry", "certificate"]],
            on=["quarter", "market", "chemistry"], how="left",
        )
    )  # fmt: skip
    rows["first_delivery"] = rows["first_delivery"].fillna(rows["available_from"])
    rows["min_order_packs"] = rows["min_order_packs"].fillna(0.0)
    rows["certificate"] = rows["certificate"].fillna("")
    rows["placed"] = (rows["first_delivery"] <= rows["quarter"]) & (rows["certificate"] == "")
    rows = rows.sort_values(["market", "pack_id", "quarter"], ignore_index=True)
    rows["used"] = rows.groupby(["market", "pack_id"])["placed"].cummax()
    return rows.drop(columns="available_from")


def _offered(instance: Instance) -> pd.DataFrame:
    """Earliest delivery and smallest order of each pack and market that has an offer."""
    calendar = quarters_between(_FIRST, _LAST)
    place = {quarter: number for number, quarter in enumerate(calendar)}
    available = dict(zip(instance.packs["pack_id"], instance.packs["available_from"], strict=True))
    third, rows = _third(instance, "qualification"), []
    for offer in instance.offers.to_dict("records"):
        stated = offer.get(f"qualification_quarters_{third}") if third != "mid" else None
        if stated is None or pd.isna(stated):
            stated = offer["qualification_quarters"]
        released = place[offer["samples_from"]] + int(stated)
        series = offer.get("series_from")
        made = place[str(series if _is_given(series) else available[offer["pack_id"]])]
        lead, least = offer.get("lead_quarters"), offer.get("min_order_packs")
        first = max(released, made) + (0 if lead is None or pd.isna(lead) else int(lead))
        least = 0.0 if least is None or pd.isna(least) else float(least)
        rows.append((offer["pack_id"], offer["market"], calendar[first], least))
    columns = ["pack_id", "market", "first_delivery", "min_order_packs"]
    return pd.DataFrame(rows, columns=columns).groupby(["pack_id", "market"], as_index=False).min()
