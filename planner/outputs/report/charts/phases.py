"""The build-out period by period: stations, swaps served, money, and what more would bring."""

import math
from typing import Any

from planner.outputs.palette import AXIS, BLUE, BOUND, INK, ORANGE, SERVED, SKY, VERMILION
from planner.outputs.phases import PHASE, period_names
from planner.outputs.report.charts.drawing import (
    Chart,
    Spec,
    axis,
    complete,
    count_axis,
    hover_points,
    says,
)
from planner.outputs.report.numbers import large, number, percent
from planner.outputs.report.read import RunFiles, records

_MOST_LABELS = 12
_PARTS = ("stood before", "opened")
_MILLION = 1e6


def stations_by_period(run: RunFiles) -> Chart:
    """Stations that stand in each period, those just opened apart."""
    rows, names = _rows(run)
    values = [
        {
            "period": names[row["quarter"]],
            "part": part,
            "order": order,
            "stations": float(count),
            "says": f"{names[row['quarter']]}: {number(row['stations'])} stations, "
            f"{number(row['opened'])} of them opened then, {number(row['enlarged'])} enlarged"
            + _most(row["openings_most"]),
        }
        for row in rows
        for order, (part, count) in enumerate(
            zip(_PARTS, (row["stations"] - row["opened"], row["opened"]), strict=True)
        )
    ]
    spec = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "x": _periods(rows, names),
            "y": count_axis("stations", "stations"),
            "color": {"field": "part", "type": "nominal",
                      "scale": {"domain": list(_PARTS), "range": [AXIS, BLUE]}},
            "order": {"field": "order", "type": "quantitative"},
            **says(),
        },
    }  # fmt: skip
    busiest = max(rows, key=lambda row: row["opened"])
    opened = sum(row["opened"] for row in rows)
    title = (
        f"{number(opened)} stations open in {number(len(rows))} periods, "
        f"{number(busiest['opened'])} at once in {names[busiest['quarter']]}"
        if opened else "No new station opens"
    )  # fmt: skip
    return Chart("phase-stations", title, "Stations that stand in each period", complete(spec))


def share_by_period(run: RunFiles) -> Chart:
    """Share served in each period, beneath what a plan for that period alone could serve."""
    rows, names = _rows(run)
    values = [
        {
            "period": names[row["quarter"]],
            "share": 100 * row["served_frac"],
            "says": f"{names[row['quarter']]}: {percent(row['served_frac'])} of "
            f"{number(row['swaps_per_day'])} swaps a day served",
        }
        for row in rows
    ]
    bounds = [
        {
            "period": names[row["quarter"]],
            "share": 100 * row["own_bound_frac"],
            "says": f"{names[row['quarter']]}: no plan for this period alone serves more than "
            f"{percent(row['own_bound_frac'])}",
        }
        for row in rows
        if math.isfinite(row["own_bound_frac"])
    ]
    x, y = _periods(rows, names), axis("share", "swaps served [%]")
    layers: list[Spec] = [
        {"data": {"values": values}, "layer": [
            {"mark": {"type": "line", "color": SERVED, "aria": False,
                      "point": {"color": SERVED, "size": 60, "filled": True}},
             "encoding": {"x": x, "y": y}},
            hover_points(x, y),
        ]},
    ]  # fmt: skip
    if bounds:
        layers.append(
            {"data": {"values": bounds},
             "mark": {"type": "tick", "color": BOUND, "thickness": 2.5, "width": 26},
             "encoding": {"x": x, "y": y, **says()}}
        )  # fmt: skip
    first, last = rows[0], rows[-1]
    title = (
        f"The share of swaps served goes from {percent(first['served_frac'])} to "
        f"{percent(last['served_frac'])}"
    )
    known = [row for row in rows if math.isfinite(row["nested_loss_frac"])]
    note = ""
    if known:
        worst = max(known, key=lambda row: row["nested_loss_frac"])
        note = (
            "Marks: proven, no plan made for that period alone, within the limits up to then, "
            "serves more. That stations stay where they once opened costs "
            f"{percent(worst['nested_loss_frac'], 2)} of a period's swaps at most "
            f"({names[worst['quarter']]})."
        )
    return Chart(
        "phase-share", title, "Share of the swaps asked for that is served in each period",
        complete({"layer": layers}), note,
    )  # fmt: skip


def money_by_period(run: RunFiles) -> Chart | None:
    """Money spent in each period, and what there is; None where no station costs any."""
    rows, names = _rows(run)
    if not any(row["spent_cny"] > 0 for row in rows):
        return None
    values = [
        {
            "period": names[row["quarter"]],
            "money": row["spent_cny"] / _MILLION,
            "says": f"{names[row['quarter']]}: {large(row['spent_cny'])} CNY spent"
            + (f" of {large(row['budget_cny'])}" if math.isfinite(row["budget_cny"]) else ""),
        }
        for row in rows
    ]
    budgets = [
        {
            "period": names[row["quarter"]],
            "money": row["budget_cny"] / _MILLION,
            "says": f"{names[row['quarter']]}: {large(row['budget_cny'])} CNY available",
        }
        for row in rows
        if math.isfinite(row["budget_cny"])
    ]
    carries = bool(run.scenario.get("phasing", {}).get("budget_carries_over", True))
    x, y = _periods(rows, names), axis("money", "M CNY")
    layers: list[Spec] = [
        {"data": {"values": values}, "mark": {"type": "bar", "color": ORANGE},
         "encoding": {"x": x, "y": y, **says()}},
    ]  # fmt: skip
    note = ""
    if budgets:
        layers.append(
            {"data": {"values": budgets},
             "mark": {"type": "tick", "color": INK, "thickness": 2.5, "width": 26},
             "encoding": {"x": x, "y": y, **says()}}
        )  # fmt: skip
        note = (
            "Marks: money available up to the period's end; what is left in a period may be "
            "spent later."
            if carries else "Marks: money available in the period; what is left is lost."
        )  # fmt: skip
    total = large(sum(row["spent_cny"] for row in rows))
    most = max(rows, key=lambda row: row["spent_cny"])
    title = (
        f"Stations take {total} CNY, {large(most['spent_cny'])} of it in {names[most['quarter']]}"
    )
    return Chart(
        "phase-money", title, "Money for stations opened or enlarged in each period",
        complete({"layer": layers}), note,
    )  # fmt: skip


def worth_of_more(run: RunFiles) -> Chart | None:
    """What one more opening, and a million more, would bring period by period; None if unknown."""
    rows, names = _rows(run)
    kinds = [
        (column, text, colour)
        for column, text, colour in (
            ("opening_value", "one more opening", VERMILION),
            ("money_value", "a million CNY more", SKY),
        )
        if any(math.isfinite(row[column]) and row[column] > 0 for row in rows)
    ]
    if not kinds:
        return None
    values = [
        {
            "period": names[row["quarter"]],
            "kind": text,
            "swaps": row[column],
            "says": f"{text} in {names[row['quarter']]} brings {number(row[column])} swaps at "
            "most, discounted, over all periods",
        }
        for row in rows
        for column, text, _ in kinds
        if math.isfinite(row[column])
    ]
    spec = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "x": _periods(rows, names),
            "y": axis("swaps", "discounted swaps"),
            "xOffset": {"field": "kind", "sort": [text for _, text, _ in kinds]},
            "color": {"field": "kind", "type": "nominal",
                      "scale": {"domain": [text for _, text, _ in kinds],
                                "range": [colour for *_, colour in kinds]}},
            **says(),
        },
    }  # fmt: skip
    column, text, _ = kinds[0]
    best = max((row for row in rows if math.isfinite(row[column])), key=lambda row: row[column])
    title = f"{text.capitalize()} is worth most in {names[best['quarter']]}"
    return Chart(
        "phase-worth", title.replace("cny", "CNY"),
        "Swaps over all periods, discounted, that more of a limit in a period would bring",
        complete(spec), "Prices behind the proven bound: more than one more brings less each.",
    )  # fmt: skip


def _rows(run: RunFiles) -> tuple[list[dict[str, Any]], dict[str, str]]:
    phase = run.optional[PHASE]
    return records(phase), period_names(phase)


def _periods(rows: list[dict[str, Any]], names: dict[str, str]) -> Spec:
    labels = [names[row["quarter"]] for row in rows]
    step = -(-len(labels) // _MOST_LABELS)
    look: Spec = {"title": None, "values": labels[::step], "labelLimit": 120}
    return {"field": "period", "type": "ordinal", "sort": labels, "axis": look}


def _most(openings: float) -> str:
    return f"; the build rate allows {number(openings)}" if math.isfinite(openings) else ""
