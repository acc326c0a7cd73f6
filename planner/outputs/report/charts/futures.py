"""The plan in each of its futures, beside the best plan for that future alone."""

import math

import pandas as pd

from planner.outputs.futures import FUTURE, span
from planner.outputs.layers.phases import FUTURE_SITES
from planner.outputs.palette import AXIS, BLUE, CHOSEN_COLOURS, INK, SERVED, VERMILION
from planner.outputs.report.charts.drawing import Chart, Spec, axis, complete, count_axis, says
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, records

_ROW_PX = 26
_NAMES_PX = 150
_CLASSES = ("none", "less than half", "half or more", "all")
_CLASS_TITLE = "futures, by weight, whose own best plan has the site"


def service_by_future(run: RunFiles) -> Chart:
    """Share served by the plan in each future, and what the best plan for it alone serves."""
    rows = records(run.optional[FUTURE])
    values = []
    for rank, row in enumerate(rows):
        asked = row["swaps_per_day_asked"]
        low, high = (row[name] / asked if asked else math.nan for name in
                     ("best_lower", "best_upper"))  # fmt: skip
        values.append(
            {
                "future": f"{rank}",
                "name": row["future"],
                "share": 100 * row["served_frac"],
                "low": 100 * low,
                "high": 100 * high,
                "says": f"{row['future']} (weight {percent(row['weight'], 0)}): the plan serves "
                f"{percent(row['served_frac'])} of {number(asked)} swaps a day, the best plan for "
                f"it alone {span(low, high, '1')}",
            }
        )
    x = {**axis("share", "swaps served [%]"), "scale": {"zero": False, "nice": True}}
    y = _futures(values)
    layers: list[Spec] = [
        {"mark": {"type": "bar", "color": AXIS, "height": 9, "opacity": 0.75},
         "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, **says()}},
        # Ends, or a bar without width would not be seen.
        *({"mark": {"type": "tick", "color": INK, "thickness": 2, "height": 15, "aria": False},
           "encoding": {"x": {**x, "field": end}, "y": y}} for end in ("low", "high")),
        {"mark": {"type": "point", "filled": True, "size": 90, "color": SERVED, "opacity": 1,
                  "stroke": "white", "strokeWidth": 1},
         "encoding": {"x": x, "y": y, **says()}},
        _names(y),
    ]  # fmt: skip
    served = [row["served_frac"] for row in rows]
    title = f"The plan serves {percent(min(served))} to {percent(max(served))} of the swaps"
    if len(rows) > 1 and max(served) - min(served) < 0.0005:
        title = f"The plan serves {percent(min(served))} of the swaps in every future"
    return Chart(
        "future-service",
        title,
        "Share served in each future: the plan (dots), the best plan for that future alone (bars)",
        complete({"data": {"values": values}, "height": {"step": _ROW_PX}, "layer": layers},
                 left_px=_NAMES_PX),
        "A bar reaches from the best plan found for that future to the proven limit of all.",
    )  # fmt: skip


def regret_by_future(run: RunFiles) -> Chart:
    """What the plan misses of each future's best, from the least to the most it may be."""
    rows = records(run.optional[FUTURE])
    values = [
        {
            "future": f"{rank}",
            "name": row["future"],
            "low": 100 * row["regret_low_frac"],
            "high": 100 * row["regret_high_frac"],
            "text": span(row["regret_low_frac"], row["regret_high_frac"], "1"),
            "says": f"{row['future']}: the plan misses "
            f"{span(row['regret_low_frac'], row['regret_high_frac'], '1')} of what the best plan "
            "for this future alone serves",
        }
        for rank, row in enumerate(rows)
    ]
    y = _futures(values)
    x = axis("low", "regret [%]")
    layers: list[Spec] = [
        {"mark": {"type": "bar", "color": VERMILION, "height": 11, "opacity": 0.55},
         "encoding": {"x": x, "x2": {"field": "high"}, "y": y, **says()}},
        *({"mark": {"type": "tick", "color": INK, "thickness": 2, "height": 15, "aria": False},
           "encoding": {"x": {**x, "field": end}, "y": y}} for end in ("low", "high")),
        {"mark": {"type": "text", "align": "left", "dx": 7, "aria": False},
         "encoding": {"x": {**x, "field": "high"}, "y": y, "text": {"field": "text"}}},
        _names(y),
    ]  # fmt: skip
    worst = max(rows, key=lambda row: row["regret_high_frac"])
    least = max(row["regret_low_frac"] for row in rows)
    regret = span(least, worst["regret_high_frac"], "1")
    title = f"Where it misses most, the plan misses {regret} of a future's best"
    return Chart(
        "future-regret",
        title,
        "Share of each future's best that the plan misses: at least, at most",
        complete({"data": {"values": values}, "height": {"step": _ROW_PX}, "layer": layers},
                 left_px=_NAMES_PX),
        "Nothing else is known of the regret than that it lies in between: at least against the "
        "best plan found, at most against the proven limit.",
    )  # fmt: skip


def sites_by_weight(run: RunFiles) -> Chart | None:
    """How many futures want each site, those of the plan and others; None without sites."""
    sites = run.optional[FUTURE_SITES]
    if sites.empty:
        return None
    weight = sites["chosen_frac"].to_numpy(float).round(9)
    wanted = pd.Series("less than half", index=sites.index)
    wanted[weight >= 0.5] = "half or more"
    wanted[weight >= 1] = "all"
    wanted[weight <= 0] = "none"
    parts = {True: "in the plan", False: "not in the plan"}
    count = wanted.groupby([wanted, sites["in_plan"].astype(bool)]).size()
    values = [
        {
            "weight": each,
            "part": part,
            "sites": int(count.get((each, is_in), 0)),
            "says": f"{number(int(count.get((each, is_in), 0)))} sites {part}: best in {each}"
            + (" of the weight" if "half" in each else " of the futures"),
        }
        for each in _CLASSES
        for is_in, part in parts.items()
    ]
    spec = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "weight", "type": "ordinal", "sort": list(_CLASSES),
                  "axis": {"title": _CLASS_TITLE}},
            "y": count_axis("sites", "sites"),
            "color": {"field": "part", "type": "nominal",
                      "scale": {"domain": list(parts.values()),
                                "range": [BLUE, CHOSEN_COLOURS[1]]}},
            **says(),
        },
    }  # fmt: skip
    is_in = sites["in_plan"].astype(bool)
    sure = int((is_in & (weight >= 1)).sum())
    title = (
        f"{number(sure)} of the plan's {number(int(is_in.sum()))} stations "
        f"{'is' if sure == 1 else 'are'} best in every future"
    )
    return Chart(
        "future-sites", title, "Sites of the plan, and those that a future's own best plan has",
        complete(spec),
        "Best plans are those found for each future alone; another as good may have other sites.",
    )  # fmt: skip


def _futures(values: list[dict[str, object]]) -> Spec:
    order = [value["future"] for value in values]
    return {"field": "future", "type": "nominal", "sort": order, "axis": None}


def _names(y: Spec) -> Spec:
    return {
        "mark": {"type": "text", "align": "right", "dx": -6, "x": 0, "aria": False,
                 "limit": _NAMES_PX - 8},
        "encoding": {"y": y, "text": {"field": "name"}},
    }  # fmt: skip
