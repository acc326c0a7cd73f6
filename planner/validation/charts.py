"""Measured against predicted, drawn in the look of all charts."""

import pandas as pd

from planner.outputs.palette import AXIS, BLUE, INK, VERMILION
from planner.outputs.report.charts.drawing import Chart, Spec, axis, complete, says
from planner.validation.measured import ROLES
from planner.validation.vehicles import WHOLE_CARS

ROLE_COLOURS = (VERMILION, BLUE)
"""Of predictions, in the order of `ROLES`."""
_ROW_PX = 30
_WIDER_FONT_PX = 60
"""Kept free beside long names, for a reader whose font is wider than the one measured with."""


def whole_cars(rows: pd.DataFrame) -> Chart:
    """Measured against predicted range and consumption; on the line they agree."""
    subtitle = "Range or consumption in the cold over that in mild air: predicted over measured"
    topics = [f"{WHOLE_CARS}: {quantity}" for quantity in ("range", "consumption")]
    known = rows[rows["topic"].isin(topics) & rows["predicted"].notna()]
    held_out = known[known["role"] == ROLES[1]]
    title = f"{len(known)} tests of whole cars, {len(held_out)} of them held out"
    if known.empty:
        return Chart("truth_whole_cars", title, subtitle, note="No test is compared.")
    values = [
        {
            **{name: row[name] for name in ("measured", "measured_low", "measured_high",
                                            "predicted", "role")},
            "says": f"{row['comparison']}: measured {row['measured']:.2f}, predicted "
            f"{row['predicted']:.2f}",
        }
        for row in known.to_dict("records")
    ]  # fmt: skip
    ends = known[["measured_low", "measured_high", "predicted"]]
    low, high = float(ends.min().min()), float(ends.max().max())
    x, y = axis("measured", "measured"), axis("predicted", "predicted")
    for encoding in (x, y):
        encoding["scale"] = {"domain": [low - 0.05, high + 0.05], "nice": False}
    spec: Spec = {
        "height": 420,
        "layer": [
            {
                "data": {"values": [{"measured": end, "predicted": end} for end in (low, high)]},
                "mark": {"type": "line", "color": AXIS, "strokeWidth": 1, "strokeDash": [4, 4]},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": values},
                "mark": {"type": "rule", "strokeWidth": 1, "opacity": 0.6},
                "encoding": {"x": {**x, "field": "measured_low"}, "x2": {"field": "measured_high"},
                             "y": y, "color": _role_colour()},
            },
            {
                "data": {"values": values},
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 0.9},
                "encoding": {"x": x, "y": y, "color": _role_colour(), "shape": _role_shape(),
                             **says()},
            },
        ],
    }  # fmt: skip
    return Chart("truth_whole_cars", title, subtitle, _on_white(spec))


def _role_colour() -> Spec:
    return {"field": "role", "type": "nominal", "legend": {"symbolType": "circle"},
            "scale": {"domain": list(ROLES), "range": list(ROLE_COLOURS)}}  # fmt: skip


def _role_shape() -> Spec:
    return {"field": "role", "type": "nominal", "legend": None,
            "scale": {"domain": list(ROLES), "range": ["square", "circle"]}}  # fmt: skip


def _on_white(spec: Spec, left_px: int = 0) -> Spec:
    """Complete, with a ground of its own: a picture in a page of any colour."""
    return {**complete(spec, left_px=left_px), "background": "white"}


def beside_each_other(
    rows: pd.DataFrame, key: str, title: str, subtitle: str, unit: str, scale: float = 1.0
) -> Chart:
    """A line per comparison: the measured spread as a bar, its middle, and the prediction.

    Parameters
    ----------
    rows : DataFrame
        Comparisons of one unit.
    key, title, subtitle, unit : str
        Of the chart; the unit stands at the axis.
    scale : float
        What figures are multiplied by: 100 for percent.
    """
    known = rows[rows["predicted"].notna() & rows["measured"].notna()]
    if known.empty:
        return Chart(key, title, subtitle, note="Nothing is compared.")
    numbers = ["measured", "measured_low", "measured_high", "predicted"]
    known = known.assign(**{name: known[name] * scale for name in numbers})
    values = known[["comparison", "role", *numbers]].assign(
        says=[
            f"{row['comparison']}: measured {row['measured']:.3g}, predicted "
            f"{row['predicted']:.3g} {unit}"
            for row in known.to_dict("records")
        ]
    )
    y = {
        "field": "comparison", "type": "nominal", "sort": list(known["comparison"]),
        "axis": {"title": None, "labelLimit": 0, "grid": True},
    }  # fmt: skip
    x = axis("measured", unit)
    x["scale"] = {"zero": True, "nice": True}
    spec: Spec = {
        "height": _ROW_PX * len(known),
        "data": {"values": values.to_dict("records")},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 8, "color": AXIS, "opacity": 0.35},
                "encoding": {"y": y, "x": {**x, "field": "measured_low"},
                             "x2": {"field": "measured_high"}},
            },
            {
                "mark": {"type": "tick", "thickness": 3, "size": 18, "color": INK},
                "encoding": {"y": y, "x": x},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 0.9},
                "encoding": {"y": y, "x": {**x, "field": "predicted"}, "color": _role_colour(),
                             "shape": _role_shape(), **says()},
            },
        ],
    }  # fmt: skip
    note = "Upright line: measured, with its spread in grey. Point: predicted."
    return Chart(key, title, subtitle, _on_white(spec, _WIDER_FONT_PX), note)


def all_charts(rows: pd.DataFrame) -> list[Chart]:
    """The charts of the document."""
    swaps = rows[(rows["topic"] == "drivers") & (rows["unit"] == "1/day")]
    places = rows[rows["topic"] == "places"]
    return [
        whole_cars(rows),
        beside_each_other(
            swaps, "truth_swaps", "Swaps per car", "By segment, mean of the year", "swaps a day"
        ),
        beside_each_other(
            places, "truth_places", "Where stations and swaps are",
            "Shares of the nation's stations, swaps and vehicles", "% of the nation", 100.0,
        ),
    ]  # fmt: skip
