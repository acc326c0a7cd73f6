"""Vehicles of each brand by the chemistry of their pack, quarter by quarter."""

import pandas as pd

from planner.outputs.markets import BRAND_QUARTER
from planner.outputs.palette import NO_PACK_COLOUR
from planner.outputs.report.charts.drawing import Chart
from planner.outputs.report.charts.stacked import upright_bars
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, records, sum_by

NO_PACK = "no pack left"
"""Vehicles that no pack is left for, in words."""

MOST_BRANDS = 9
"""Brands that the chart shows, those with most vehicles; all stand in the table."""


NO_MODEL = "no model on sale"
"""Brand of cars whose class has no model on sale, in words."""


def brand_names(frame: pd.DataFrame) -> "pd.Series[str]":
    """Brand of each row, `NO_MODEL` where there is none."""
    return frame["brand"].fillna("").replace("", NO_MODEL)


def vehicles_by_brand(run: RunFiles) -> Chart:
    """Vehicles by brand, quarter and chemistry, a panel per brand."""
    frame = run.optional[BRAND_QUARTER]
    named = frame.assign(chemistry=frame["chemistry"].fillna(""), brand=brand_names(frame))
    sums = sum_by(named, ["brand", "quarter", "chemistry"], ["vehicles"])
    most = sums.groupby("brand")["vehicles"].max().sort_values(ascending=False, kind="stable")
    shown = most.index[:MOST_BRANDS].tolist()
    kinds = {
        run.chemistries.nickname(each): run.chemistries.colour(each)
        for each in sorted(set(sums["chemistry"]) - {""})
    } | ({NO_PACK: NO_PACK_COLOUR} if (sums["chemistry"] == "").any() else {})
    ranks = {kind: rank for rank, kind in enumerate(kinds)}
    sums["order"] = sums["brand"].map({brand: idx for idx, brand in enumerate(shown)})
    kept = sums.dropna(subset=["order"]).sort_values(["order", "quarter"], kind="stable")
    values = []
    for row in records(kept):
        kind = run.chemistries.nickname(row["chemistry"]) if row["chemistry"] else NO_PACK
        values.append({
            "panel": row["brand"], "quarter": row["quarter"], "kind": kind, "rank": ranks[kind],
            "amount": row["vehicles"],
            "says": f"{row['brand']}, {row['quarter']}: {number(row['vehicles'])} vehicles, {kind}",
        })  # fmt: skip
    last = sums[sums["quarter"] == sums["quarter"].max()]
    total = float(last["vehicles"].sum())
    without = float(last.loc[last["chemistry"] == "", "vehicles"].sum())
    title = (
        f"{number(total)} vehicles of {number(len(most))} brands in {sums['quarter'].max()}, "
        f"{percent(without / total if total else None)} of them without a pack"
    )
    note = ""
    if len(most) > len(shown):
        note = f"The {number(len(shown))} of {number(len(most))} brands with most vehicles."
    return Chart(
        "brand-packs", title, "Vehicles of each brand by the chemistry of their pack",
        upright_bars(values, kinds, "vehicles"), note,
    )  # fmt: skip
