"""Who gets the cells, by quarter and by market, what one more kWh is worth, and materials."""

import math

import pandas as pd

from planner.outputs.chemistries import capitalised
from planner.outputs.markets import (
    APPLICATIONS,
    BUYER_QUARTER,
    MARKET_QUARTER,
    MATERIAL_QUARTER,
    SUPPLY_FLOW,
    SUPPLY_SOURCE,
    SUPPLY_VALUE,
    SWAP_CAR,
    application_name,
)
from planner.outputs.palette import APPLICATION_COLOURS, INK, LINE_COLOURS
from planner.outputs.report.charts.drawing import Chart, axis, complete, hover_points, says
from planner.outputs.report.charts.stacked import lying_bars, upright_bars
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, largest_by, records, sum_by

NO_MARKET = "no market"
"""Where a buyer's cells go that names none, in words."""

_QUARTER_AXIS = {"labelOverlap": "greedy", "labelSeparation": 8}
_FULL = 100.0


def use_colours(applications: "pd.Series[str]") -> dict[str, str]:
    """Colour by name of each use that occurs, in the order of `APPLICATIONS`."""
    colours = dict(zip(APPLICATIONS, APPLICATION_COLOURS, strict=False))
    found = set(applications)
    known = {application_name(key): colours[key] for key in APPLICATIONS if key in found}
    others = sorted(found - set(APPLICATIONS))
    return known | dict.fromkeys(others, APPLICATION_COLOURS[-1])


def supply_by_use(run: RunFiles) -> Chart | None:
    """Cells by use and quarter, a panel per chemistry; None where no source is limited."""
    flow = run.optional.get(SUPPLY_FLOW)
    if flow is None or flow.empty:
        return None
    sums = sum_by(flow, ["chemistry", "quarter", "application"], ["gwh"])
    kinds = use_colours(sums["application"])
    ranks = {kind: rank for rank, kind in enumerate(kinds)}
    values = []
    for row in records(sums.sort_values(["chemistry", "quarter"])):
        kind, name = (
            application_name(row["application"]),
            run.chemistries.nickname(row["chemistry"]),
        )
        values.append({
            "panel": name, "quarter": row["quarter"], "kind": kind, "rank": ranks[kind],
            "amount": row["gwh"],
            "says": f"{name}, {row['quarter']}: {number(row['gwh'], 3)} GWh for {kind}",
        })  # fmt: skip
    marks = []
    source = run.optional.get(SUPPLY_SOURCE, pd.DataFrame())
    if len(source):
        able = sum_by(source, ["chemistry", "quarter"], ["capacity_gwh"])
        for row in records(able):
            name = run.chemistries.nickname(row["chemistry"])
            if row["chemistry"] in set(sums["chemistry"]) and math.isfinite(row["capacity_gwh"]):
                marks.append({
                    "panel": name, "quarter": row["quarter"], "amount": row["capacity_gwh"],
                    "says": f"{name}, {row['quarter']}: plants could make "
                    f"{number(row['capacity_gwh'], 3)} GWh",
                })  # fmt: skip
    by_use = sums.groupby("application")["gwh"].sum()
    total, cars = float(by_use.sum()), float(by_use.get(SWAP_CAR, 0.0))
    title = f"Swap cars get {percent(cars / total if total else None)} of the cells that are made"
    note = "Marks: what the plants could make in the quarter." if marks else ""
    spec = upright_bars(values, kinds, "GWh", marks=marks, marks_colour=INK)
    return Chart("supply-use", title, "Cells by use and quarter [GWh]", spec, note)


def gwh_by_market(run: RunFiles) -> Chart | None:
    """Energy that each market gets over all quarters, by use; None where nothing is told."""
    parts = market_gwh(run)
    if parts.empty:
        return None
    kinds = use_colours(parts["application"])
    ranks = {kind: rank for rank, kind in enumerate(kinds)}
    values = []
    for row in records(parts):
        kind = application_name(row["application"])
        values.append({
            "row": row["market"], "kind": kind, "rank": ranks[kind], "amount": row["gwh"],
            "says": f"{row['market']}: {number(row['gwh'], 3)} GWh for {kind}",
        })  # fmt: skip
    by_market = parts.groupby("market")["gwh"].sum().sort_values(ascending=False, kind="stable")
    first, share = str(by_market.index[0]), by_market.iloc[0] / max(by_market.sum(), 1e-12)
    title = f"{first} gets {percent(share)} of the energy of packs and cells"
    return Chart(
        "market-gwh", title, "Packs of swap cars and cells of other buyers, all quarters [GWh]",
        lying_bars(values, kinds, "GWh"),
    )  # fmt: skip


def market_gwh(run: RunFiles) -> pd.DataFrame:
    """Energy by market and use over all quarters: ``market, application, gwh``, the most first."""
    cars = run.optional.get(MARKET_QUARTER, pd.DataFrame())
    others = run.optional.get(BUYER_QUARTER, pd.DataFrame())
    parts = []
    if len(cars):
        gwh = sum_by(cars, ["market"], ["delivered_gwh"]).rename(columns={"delivered_gwh": "gwh"})
        parts.append(gwh.assign(application=SWAP_CAR))
    if len(others):
        named = others["market"].fillna("").replace("", NO_MARKET)
        gwh = sum_by(others.assign(market=named), ["market", "application"], ["served_gwh"])
        parts.append(gwh.rename(columns={"served_gwh": "gwh"}))
    if not parts:
        return pd.DataFrame({"market": [], "application": [], "gwh": []})
    told = pd.concat(parts, ignore_index=True)
    told = sum_by(told, ["market", "application"], ["gwh"])
    whole = told.groupby("market")["gwh"].transform("sum")
    told = told[whole > 0].assign(whole=whole[whole > 0])
    order = told.sort_values(["whole", "market"], ascending=[False, True], kind="stable")
    return order[["market", "application", "gwh"]].reset_index(drop=True)


def price_of_a_kwh(run: RunFiles) -> Chart | None:
    """What one more kilowatt-hour is worth to swap cars, by quarter; None where none is short."""
    frame = run.optional.get(SUPPLY_VALUE)
    if frame is None or frame.empty or not (frame["value_cny_per_kwh"] > 0).any():
        return None
    frame = frame.sort_values(["chemistry", "quarter"])
    values = [
        {
            "quarter": row["quarter"],
            "kind": run.chemistries.nickname(row["chemistry"]),
            "amount": float(row["value_cny_per_kwh"]),
            "says": f"{run.chemistries.nickname(row['chemistry'])}, {row['quarter']}: one more "
            f"kWh is worth {number(row['value_cny_per_kwh'], 1)} CNY",
        }
        for row in records(frame)
        if math.isfinite(row["value_cny_per_kwh"])
    ]
    colours = {run.chemistries.nickname(each): run.chemistries.colour(each)
               for each in dict.fromkeys(frame["chemistry"])}  # fmt: skip
    x = {"field": "quarter", "type": "ordinal", "title": None, "sort": None, "axis": _QUARTER_AXIS}
    y = axis("amount", "CNY/kWh")
    spec = {
        "data": {"values": values},
        "layer": [
            {"mark": {"type": "line", "aria": False, "point": {"size": 50, "filled": True}},
             "encoding": {"x": x, "y": y, "color": {
                 "field": "kind", "type": "nominal",
                 "scale": {"domain": list(colours), "range": list(colours.values())}}}},
            hover_points(x, y),
        ],
    }  # fmt: skip
    top = largest_by(frame, "value_cny_per_kwh")
    title = (
        f"{capitalised(run.chemistries.nickname(top['chemistry']))} is dearest in "
        f"{top['quarter']}: {number(top['value_cny_per_kwh'], 1)} CNY more per kWh"
    )
    return Chart(
        "supply-price", title, "What one more kWh of cells is worth to the plan [CNY/kWh]",
        complete(spec),
    )  # fmt: skip


def materials_used(run: RunFiles) -> Chart | None:
    """Share of each limited material that is used up, by quarter; None without materials."""
    frame = limited_materials(run)
    if frame.empty:
        return None
    names = list(dict.fromkeys(frame["material"]))
    colours = [LINE_COLOURS[rank % len(LINE_COLOURS)] for rank in range(len(names))]
    values = [
        {
            "quarter": row["quarter"], "kind": row["material"],
            "amount": _FULL * row["used_frac"],
            "says": f"{row['material']}, {row['quarter']}: {number(row['used_t'], 1)} of "
            f"{number(row['available_t'], 1)} t used; one more kg is worth "
            f"{number(row['value_cny_per_kg'], 2)} CNY",
        }
        for row in records(frame)
    ]  # fmt: skip
    spec = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "quarter", "type": "ordinal", "title": None, "sort": None,
                  "axis": _QUARTER_AXIS},
            "xOffset": {"field": "kind", "sort": names},
            "y": axis("amount", "used [%]"),
            "color": {"field": "kind", "type": "nominal",
                      "scale": {"domain": names, "range": colours}},
            **says(),
        },
    }  # fmt: skip
    top = largest_by(frame, "used_frac")
    title = (
        f"{capitalised(str(top['material']))} is the tightest material: "
        f"{percent(top['used_frac'])} used by {top['quarter']}"
    )
    return Chart("materials", title, "Share of each material used up to the quarter [%]",
                 complete(spec))  # fmt: skip


def limited_materials(run: RunFiles) -> pd.DataFrame:
    """Rows of materials that have a limit, with ``used_frac``, in the order of quarters."""
    frame = run.optional.get(MATERIAL_QUARTER, pd.DataFrame())
    if frame.empty:
        return pd.DataFrame()
    limited = frame[(frame["available_t"] > 0) & (frame["available_t"] < math.inf)]
    found = limited.assign(used_frac=limited["used_t"] / limited["available_t"])
    return found.sort_values(["quarter", "material"], ignore_index=True)
