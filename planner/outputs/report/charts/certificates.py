"""Certificates on the calendar, and what each would save a quarter earlier."""

import math
from typing import Any

import pandas as pd

from planner.outputs.markets import (
    BUYER_QUARTER,
    GATE_VALUE,
    MARKET_QUARTER,
    SWAP_CAR,
    application_name,
)
from planner.outputs.palette import ASKED, AXIS, BLUE, INK, SERVED, VERMILION
from planner.outputs.report.charts.drawing import Chart, Spec, axis, complete, says
from planner.outputs.report.numbers import large, number
from planner.outputs.report.read import RunFiles, records

NO_DATE = "no date"
"""Where a certificate stands that has no date by which it is held, in words."""

MOST_GATES = 24
"""Certificates that charts show; all stand in the table."""

_NAMES_PX, _PLOT_PX, _ROW_PX = 290, 330, 26
_FREE_PX = 60  # browsers may lack the renderer's font, and have a wider one
_MONEY = ((1e6, "million CNY"), (1e3, "thousand CNY"), (1.0, "CNY"))
_MARKS = {
    "asked for from": ("square", ASKED),
    "low": ("triangle-right", INK),
    "mid": ("circle", BLUE),
    "high": ("triangle-left", INK),
    "used": ("diamond", VERMILION),
    "first delivery": ("triangle-up", SERVED),
}


def gates_by_worth(run: RunFiles) -> pd.DataFrame:
    """Certificates, those that would save most first, each with its ``row`` of the charts."""
    gates = run.optional[GATE_VALUE].copy()
    of_many = len(set(gates["chemistry"])) > 1
    gates["row"] = [
        f"{row['market']} · {application_name(row['application'])}"
        + (f" · {run.chemistries.nickname(row['chemistry'])}" if of_many else "")
        + f": {row['certificate']}"
        for row in records(gates)
    ]
    order = ["saving_cny", "row"]
    return gates.sort_values(order, ascending=[False, True], kind="stable", ignore_index=True)


def first_deliveries(run: RunFiles) -> dict[tuple[str, str, str], str]:
    """First quarter in which a market gets a chemistry for a use, by the three."""
    parts = []
    cars = run.optional.get(MARKET_QUARTER, pd.DataFrame())
    if len(cars):
        parts.append(cars[cars["delivered_packs"] > 0].assign(application=SWAP_CAR))
    others = run.optional.get(BUYER_QUARTER, pd.DataFrame())
    if len(others):
        parts.append(others[(others["served_gwh"] > 0) & others["market"].notna()])
    found: dict[tuple[str, str, str], str] = {}
    keys = ["market", "application", "chemistry"]
    for row in (row for part in parts for row in records(part[[*keys, "quarter"]])):
        key = (row["market"], row["application"], row["chemistry"])
        found[key] = min(row["quarter"], found.get(key, row["quarter"]))
    return found


def gates_on_the_calendar(run: RunFiles) -> Chart:
    """Each certificate's dates: asked for, held at the earliest, likely and latest, used."""
    gates = gates_by_worth(run)
    shown, first = gates.head(MOST_GATES), first_deliveries(run)
    dates: list[dict[str, Any]] = []
    spans: list[dict[str, Any]] = []
    for row in records(shown):
        held = _text(row["opens"])
        low, high = (_text(row[name]) or held for name in ("opens_low", "opens_high"))
        ends = [each or NO_DATE for each in (low, high)]
        spans.append({
            "row": row["row"], "quarter": ends[0], "until": ends[1],
            "says": f"{row['row']}: held from {ends[0]} at the earliest, {ends[1]} at the latest",
        })  # fmt: skip
        key = (row["market"], row["application"], row["chemistry"])
        told = {
            "asked for from": _text(row["asked_from"]),
            "low": ends[0], "mid": held or NO_DATE, "high": ends[1],
            "used": _text(row["opens_used"]) or NO_DATE,
            "first delivery": first.get(key, ""),
        }  # fmt: skip
        dates += [
            {"row": row["row"], "quarter": quarter, "kind": kind,
             "says": f"{row['row']}, {kind}: {quarter}"}
            for kind, quarter in told.items() if quarter
        ]  # fmt: skip
    x: Spec = {"field": "quarter", "type": "ordinal", "title": None,
               "sort": _calendar({row["quarter"] for row in dates}),
               "scale": {"domain": _calendar({row["quarter"] for row in dates})},
               "axis": {"labelOverlap": "greedy", "labelSeparation": 8, "grid": True}}  # fmt: skip
    y: Spec = {"field": "row", "type": "nominal", "title": None,
               "sort": shown["row"].tolist(), "axis": {"labelLimit": _NAMES_PX}}  # fmt: skip
    kinds = [kind for kind in _MARKS if any(row["kind"] == kind for row in dates)]
    look = [_MARKS[kind] for kind in kinds]
    legend = {"scale": {"domain": kinds, "range": [shape for shape, _ in look]}}
    colour = {"scale": {"domain": kinds, "range": [paint for _, paint in look]}}
    spec = {
        "width": _PLOT_PX,
        "height": max(90, _ROW_PX * len(shown)),
        "layer": [
            {"data": {"values": spans}, "mark": {"type": "rule", "color": AXIS, "strokeWidth": 5},
             "encoding": {"x": x, "x2": {"field": "until"}, "y": y, **says()}},
            {"data": {"values": dates},
             "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
             "encoding": {"x": x, "y": y,
                          "shape": {"field": "kind", "type": "nominal", **legend},
                          "color": {"field": "kind", "type": "nominal", **colour}, **says()}},
        ],
    }  # fmt: skip
    title = f"{number(len(gates))} certificates close a market or a use for some time"
    if len(gates) == 1:
        title = "One certificate closes a market or a use for some time"
    note = "The bar spans the earliest and the latest date; the plan counts with the date used."
    if len(gates) > len(shown):
        note += f" Shown: the {number(len(shown))} of {number(len(gates))} that would save most."
    return Chart(
        "gates", title, "Certificates by market, use, chemistry: quarter from which each is held",
        complete(spec, left_px=_FREE_PX), note,
    )  # fmt: skip


def savings_of_gates(run: RunFiles) -> Chart | None:
    """What each certificate would save, were it held a quarter earlier; None if none would."""
    gates = gates_by_worth(run)
    gates = gates[gates["saving_cny"] > 0].head(MOST_GATES)
    if gates.empty:
        return None
    told = [
        f"{row['row']}: held from {_text(row['opens_earlier']) or 'earlier'} on, "
        f"it would save {large(row['saving_cny'])} CNY"
        for row in records(gates)
    ]
    spec = bars_of_savings(gates["row"].tolist(), gates["saving_cny"].tolist(), told)
    top = gates.iloc[0]
    title = (
        f"{top['certificate']} in {top['market']} a quarter earlier would save "
        f"{large(float(top['saving_cny']))} CNY"
    )
    subtitle = "What each certificate would save a quarter earlier"
    return Chart("gate-savings", title, subtitle, complete(spec, left_px=_FREE_PX))


def bars_of_savings(names: list[str], savings_cny: list[float], told: list[str]) -> Spec:
    """A bar for each saving, in the order given, in the unit that suits the greatest.

    Parameters
    ----------
    names, told : list of str
        Beside each bar, and when it is pointed at.
    savings_cny : list of float
        At least one [CNY].
    """
    size, unit = next(each for each in _MONEY if max(savings_cny) >= each[0] or each[0] == 1.0)
    values = [
        {"row": name, "amount": saving / size, "says": text}
        for name, saving, text in zip(names, savings_cny, told, strict=True)
    ]
    return {
        "width": _PLOT_PX,
        "height": max(90, _ROW_PX * len(values)),
        "data": {"values": values},
        "mark": {"type": "bar", "color": BLUE},
        "encoding": {
            "y": {"field": "row", "type": "nominal", "title": None, "sort": names,
                  "axis": {"labelLimit": _NAMES_PX}},
            "x": axis("amount", unit),
            **says(),
        },
    }  # fmt: skip


def _text(value: Any) -> str:
    """A quarter, or nothing where there is none."""
    is_missing = value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
    return "" if is_missing else str(value)


def _calendar(quarters: set[str]) -> list[str]:
    """All quarters from the first to the last that occurs, and no date behind them."""
    dated = sorted(quarters - {NO_DATE})
    found = []
    if dated:
        first, last = (4 * int(each[:4]) + int(each[-1]) - 1 for each in (dated[0], dated[-1]))
        found = [f"{number // 4}Q{number % 4 + 1}" for number in range(first, last + 1)]
    return [*found, *([NO_DATE] if NO_DATE in quarters else [])]
