"""Bars in stacked parts, upright or lying, in one panel or several side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

from planner.outputs.report.charts.drawing import (
    HEIGHT_PX,
    Spec,
    axis,
    complete,
    panel_width_px,
    says,
)

_QUARTERS = {"labelOverlap": "greedy", "labelSeparation": 8}
_BAR = {"type": "bar", "stroke": "white", "strokeWidth": 0.5}
_ROW_PX, _NAMES_PX, _PLOT_PX = 30, 220, 400
_LEAST_PX = 90
_LEGEND_COLUMNS = 3
_FREE_PX = 40  # browsers may lack the renderer's font, and have a wider one


def _colours(kinds: Mapping[str, str]) -> Spec:
    return {"field": "kind", "type": "nominal",
            "scale": {"domain": list(kinds), "range": list(kinds.values())},
            "legend": {"columns": _LEGEND_COLUMNS, "columnPadding": _FREE_PX}}  # fmt: skip


def upright_bars(
    values: Sequence[Mapping[str, Any]],
    kinds: Mapping[str, str],
    title: str,
    *,
    per_row: int = 3,
    marks: Sequence[Mapping[str, Any]] = (),
    marks_colour: str = "",
) -> Spec:
    """Stacked bars over quarters, a panel for each value of ``panel``.

    Parameters
    ----------
    values : sequence of dict
        ``panel, quarter, kind, rank`` (place in the stack), ``amount, says``.
    kinds : mapping of kind to colour
        In the order of the legend.
    title : str
        Of the axis of amounts.
    per_row : int
        Panels side by side at most.
    marks : sequence of dict
        ``panel, quarter, amount, says`` of a tick across the bar, if there are any.
    marks_colour : str
        Of the ticks.
    """
    panels = list(dict.fromkeys(row["panel"] for row in values))
    x = {"field": "quarter", "type": "ordinal", "title": None, "sort": None, "axis": _QUARTERS}
    bars = {
        "transform": [{"filter": "!datum.is_mark"}],
        "mark": _BAR,
        "encoding": {"x": x, "y": axis("amount", title), "order": {"field": "rank"},
                     "color": _colours(kinds), **says()},
    }  # fmt: skip
    layers: list[Spec] = [bars]
    if marks:
        layers.append(
            {"transform": [{"filter": "datum.is_mark"}],
             "mark": {"type": "tick", "color": marks_colour, "thickness": 2.5, "width": 26},
             "encoding": {"x": x, "y": axis("amount", title), **says()}}
        )  # fmt: skip
    rows = [{**row, "is_mark": False} for row in values]
    rows += [{**row, "is_mark": True} for row in marks]
    if len(panels) < 2:
        return complete({"data": {"values": rows}, "layer": layers})
    columns = min(len(panels), per_row)
    return complete(
        {
            "data": {"values": rows},
            "facet": {"field": "panel", "type": "nominal", "title": None, "sort": panels},
            "columns": columns,
            "resolve": {"scale": {"y": "independent"}},
            "spec": {
                "width": panel_width_px(columns),
                "height": HEIGHT_PX if len(panels) <= columns else HEIGHT_PX // 2,
                "layer": layers,
            },
        }
    )


def lying_bars(values: Sequence[Mapping[str, Any]], kinds: Mapping[str, str], title: str) -> Spec:
    """Stacked bars that lie, a row for each value of ``row``.

    Parameters
    ----------
    values : sequence of dict
        ``row, kind, rank, amount, says``.
    kinds, title
        As of `upright_bars`.
    """
    rows = list(dict.fromkeys(value["row"] for value in values))
    spec = {
        "width": _PLOT_PX,
        "height": max(_LEAST_PX, _ROW_PX * len(rows)),
        "data": {"values": list(values)},
        "mark": _BAR,
        "encoding": {
            "y": {"field": "row", "type": "nominal", "title": None, "sort": rows,
                  "axis": {"labelLimit": _NAMES_PX}},
            "x": axis("amount", title),
            "order": {"field": "rank"},
            "color": _colours(kinds),
            **says(),
        },
    }  # fmt: skip
    return complete(spec, left_px=_FREE_PX)
