"""How much it costs to do without stations, and how near other sites are to having one."""

import numpy as np
import pandas as pd

from planner.outputs.palette import BLUE, COST_COLOURS, INK
from planner.outputs.report.charts.drawing import Chart, Spec, axis, complete, count_axis, says
from planner.outputs.report.numbers import number
from planner.outputs.report.read import RunFiles
from planner.outputs.station_reasons import FORCE_IN, REPLACEMENT, class_of, cost_classes, figure

_MOST_BINS = 24


def replacement_costs(run: RunFiles, unit: str) -> Chart | None:
    """How many stations cost how much to do without; None where none could be replaced."""
    costs = run.stations[REPLACEMENT].to_numpy(float)
    costs = costs[np.isfinite(costs)]
    if not costs.size:
        return None
    top = float(costs.max())
    edges = np.linspace(0.0, top if top > 0 else 1.0, _MOST_BINS + 1)
    counts, _ = np.histogram(costs, edges)
    values = [
        {
            "from": low,
            "to": high,
            "stations": int(count),
            "says": f"{number(int(count))} stations cost {figure(low)} to {figure(high)} {unit}",
        }
        for low, high, count in zip(
            edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True
        )
    ]
    x, median = axis("from", unit, grid=False), float(np.median(costs))
    beside = ("right", -6) if median > float(edges[-1]) / 2 else ("left", 6)
    layers: list[Spec] = [
        {"data": {"values": values},
         "mark": {"type": "bar", "color": COST_COLOURS[3], "binSpacing": 1},
         "encoding": {"x": {**x, "bin": {"binned": True}}, "x2": {"field": "to"},
                      "y": count_axis("stations", "stations"), **says()}},
        {"data": {"values": [{"from": median, "text": f"half cost at most {figure(median)}"}]},
         "layer": [
            {"mark": {"type": "rule", "color": INK, "strokeDash": [4, 3], "strokeWidth": 1.5},
             "encoding": {"x": x}},
            {"mark": {"type": "text", "align": beside[0], "dx": beside[1], "y": 8,
                      "aria": False},
             "encoding": {"x": x, "text": {"field": "text"}}},
         ]},
    ]  # fmt: skip
    return Chart(
        "replacement", f"Half of the stations can be replaced for {figure(median)} {unit} or less",
        f"Stations by what it costs at most to do without them [{unit}]",
        complete({"layer": layers}),
        "One station at a time: two neighbours that replace each other both cost little, and to do "
        "without both may cost much.",
    )  # fmt: skip


def nearness_of_sites(candidates: pd.DataFrame, unit: str) -> Chart | None:
    """How many other sites are how near to having a station; None where none may have one."""
    costs = candidates[FORCE_IN]
    costs = costs[np.isfinite(costs)]
    classes = cost_classes(costs)
    if not classes:
        return None
    counts = np.bincount(class_of(costs, classes), minlength=len(classes)).tolist()
    values = [
        {
            "class": each.label,
            "sites": count,
            "says": f"{number(count)} sites would cost {each.label} {unit}",
        }
        for each, count in zip(classes, counts, strict=True)
    ]
    spec = {
        "data": {"values": values},
        "mark": {"type": "bar", "color": BLUE},
        "encoding": {
            "x": {"field": "class", "type": "ordinal", "sort": [each.label for each in classes],
                  "axis": {"title": unit}},
            "y": count_axis("sites", "sites"),
            **says(),
        },
    }  # fmt: skip
    title = (
        f"{number(counts[0])} of {number(len(costs))} other sites would cost "
        f"{classes[0].label} {unit}"
    )
    return Chart(
        "force-in", title, f"Sites without a station by what one there would cost [{unit}]",
        complete(spec), "A gain of as much from a station there would make it as good as the plan.",
    )  # fmt: skip
