"""Which packs the vehicles take, quarter by quarter, and how far supply reaches."""

import numpy as np
import pandas as pd

from planner.outputs.chemistries import Chemistries, capitalised
from planner.outputs.palette import MISSING, SERVED
from planner.outputs.report.charts.drawing import (
    HEIGHT_PX,
    Chart,
    axis,
    complete,
    hover_points,
    panel_width_px,
    says,
)
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, records

_QUARTER_AXIS = {"labelOverlap": "greedy", "labelSeparation": 8}


def packs_by_quarter(run: RunFiles) -> Chart:
    """Vehicles by the chemistry of their pack, stacked, quarter by quarter."""
    frame = run.optional.get("city_quarter")
    subtitle = "Swap vehicles by the chemistry of their pack"
    if frame is None:
        total = run.cities[[f"vehicles_{name}" for name in run.chemistry_ids]].sum()
        shares = ", ".join(
            f"{number(count)} take {run.chemistries.nickname(name)}"
            for name, count in zip(run.chemistry_ids, total, strict=True)
        )
        return Chart(
            "packs",
            "Packs by quarter",
            subtitle,
            note="This run has no table city_quarter: packs were planned for one quarter, "
            f"{run.scenario.get('planning_quarter', 'the planning quarter')}. Of its vehicles "
            f"{shares or 'none has a pack'}.",
        )
    columns = [
        *(f"vehicles_{name}" for name in run.chemistry_ids if f"vehicles_{name}" in frame),
        "vehicles_without_pack",
    ]
    sums = frame.groupby("quarter")[columns].sum().sort_index()
    names = {
        column: "no pack left" if column == "vehicles_without_pack"
        else run.chemistries.nickname(column.removeprefix("vehicles_"))
        for column in columns
    }  # fmt: skip
    colours = [run.chemistries.colour(column.removeprefix("vehicles_")) for column in columns]
    values = [
        {
            "quarter": quarter,
            "kind": names[column],
            "rank": rank,
            "vehicles": float(sums.loc[quarter, column]),
            "says": f"{quarter}: {number(sums.loc[quarter, column])} vehicles, {names[column]} "
            f"({percent(sums.loc[quarter, column] / max(sums.loc[quarter].sum(), 1))})",
        }
        for quarter in sums.index
        for rank, column in enumerate(columns)
    ]
    spec = {
        "data": {"values": values},
        "mark": {"type": "bar", "stroke": "white", "strokeWidth": 0.5},
        "encoding": {
            "x": {"field": "quarter", "type": "ordinal", "title": None, "sort": None,
                  "axis": _QUARTER_AXIS},
            "y": axis("vehicles", "swap vehicles"),
            "order": {"field": "rank"},
            "color": {"field": "kind", "type": "nominal",
                      "scale": {"domain": list(names.values()), "range": colours}},
            **says(),
        },
    }  # fmt: skip
    return Chart("packs", _packs_finding(sums, run.chemistries), subtitle, complete(spec))


def _packs_finding(sums: pd.DataFrame, chemistries: Chemistries) -> str:
    """How the chemistry that gains most does so; the leading one where there is one quarter."""
    shares = sums.drop(columns="vehicles_without_pack").div(
        sums.sum(axis=1).clip(lower=1), axis="index"
    )
    if shares.empty or shares.shape[1] < 2:
        return f"Packs for {number(sums.iloc[-1].sum())} vehicles by {sums.index[-1]}"
    gain = shares.iloc[-1] - (shares.iloc[0] if len(shares) > 1 else 0.0)
    column = str(gain.idxmax())
    share, name = shares[column], chemistries.nickname(column.removeprefix("vehicles_"))
    if len(share) == 1:
        return f"{capitalised(name)} moves {percent(share.iloc[0], 0)} of the vehicles in " + str(
            share.index[0]
        )
    return (
        f"{capitalised(name)} goes from {percent(share.iloc[0], 0)} of the vehicles in "
        f"{share.index[0]} to {percent(share.iloc[-1], 0)} in {share.index[-1]}"
    )


def supply_used(run: RunFiles) -> Chart:
    """What is available of each chemistry, and what the plan uses of it."""
    frame = run.optional.get("supply_value")
    subtitle = "Packs available and packs used, cumulative [GWh]"
    if frame is None:
        return Chart(
            "supply",
            "Supply of packs",
            subtitle,
            note="This run has no table supply_value, which tells per quarter what was "
            "available, what was used, and what one more kWh would have been worth.",
        )
    frame = frame.sort_values(["chemistry", "quarter"])
    kinds = {"available_gwh": "available", "used_gwh": "used"}
    values = [
        {
            "quarter": row["quarter"],
            "chemistry": run.chemistries.nickname(row["chemistry"]),
            "kind": kind,
            "gwh": float(row[column]),
            "says": f"{run.chemistries.nickname(row['chemistry'])}, {row['quarter']}: "
            f"{number(row[column], 2)} GWh {kind}; one more kWh is worth "
            f"{number(row['value_cny_per_kwh'])} CNY",
        }
        for row in records(frame)
        for column, kind in kinds.items()
        if np.isfinite(row[column])
    ]
    if not values:
        note = "No chemistry has a limit."
        return Chart("supply", "Supply of packs", subtitle, note=note)
    x = {"field": "quarter", "type": "ordinal", "title": None, "sort": None,
         "axis": _QUARTER_AXIS}  # fmt: skip
    y = axis("gwh", "GWh")
    names = list(dict.fromkeys(str(value["chemistry"]) for value in values))
    spec = {
        "data": {"values": values},
        "facet": {"column": {"field": "chemistry", "type": "nominal", "title": None}},
        "resolve": {"scale": {"y": "independent"}},
        "spec": {
            "width": panel_width_px(len(names)),
            "height": HEIGHT_PX,
            "layer": [
                # A line through one quarter would not show.
                {"mark": {"type": "line", "aria": False,
                          "point": len({row["quarter"] for row in values}) == 1},
                 "encoding": {"x": x, "y": y, "color": {
                     "field": "kind", "type": "nominal",
                     "scale": {"domain": list(kinds.values()), "range": [MISSING, SERVED]}}}},
                hover_points(x, y),
            ],
        },
    }  # fmt: skip
    binding = frame[frame["value_cny_per_kwh"] > 0].sort_values("value_cny_per_kwh").tail(1)
    title = "Supply of packs never binds"
    if len(binding):
        row = binding.iloc[0]
        title = (
            f"One more kWh of {run.chemistries.nickname(row['chemistry'])} is worth up to "
            f"{number(row['value_cny_per_kwh'])} CNY, in {row['quarter']}"
        )
    return Chart("supply", title, subtitle, complete(spec))
