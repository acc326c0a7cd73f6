"""How all charts look: Vega-Lite specifications, completed with one look, and drawn together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from planner.outputs.palette import AXIS, GRID, OUTLINE
from planner.outputs.report.charts.process import VEGA_LITE, draw_apart

Spec = dict[str, Any]

_WIDTH_PX, HEIGHT_PX = 520, 260
_BETWEEN_PANELS_PX = 45  # a gap and the second axis
# Liberation Sans has Arial's widths and comes with the renderer: alike on every machine.
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_AXIS = {
    "labelColor": OUTLINE, "titleColor": OUTLINE, "labelFontSize": 12, "titleFontSize": 12,
    "titleFontWeight": "normal", "titlePadding": 8, "gridColor": GRID,
    "domainColor": AXIS, "tickColor": AXIS, "labelFlush": False,
}  # fmt: skip
_CONFIG = {
    "background": "transparent",
    "font": _FONT,
    "view": {"stroke": None},
    "axis": _AXIS,
    "axisX": {"grid": False, "labelAngle": 0},
    "axisY": {"domain": False, "ticks": False},
    "legend": {"orient": "top", "direction": "horizontal", "labelFontSize": 12, "title": None,
               "offset": 6, "symbolStrokeWidth": 2},
    "header": {"labelFontSize": 12, "labelColor": OUTLINE, "title": None},
    "text": {"fontSize": 12, "color": OUTLINE},
    "line": {"strokeWidth": 2.5},
}  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """One figure.

    Attributes
    ----------
    key : str
        Anchor within the page.
    title : str
        What the chart shows, as a finding.
    subtitle : str
        What is drawn, with units.
    spec : dict, optional
        What is drawn, complete; None where the run lacks the data.
    note : str
        What the reader must know; why there is no drawing, where there is none.
    svg : str
        The drawing, once `draw` made it.
    """

    key: str
    title: str
    subtitle: str
    spec: Spec | None = None
    note: str = ""
    svg: str = ""


def axis(field: str, title: str | None, *, grid: bool = True) -> Spec:
    """Encoding of a quantity, its axis with thousands separated."""
    look: Spec = {"title": title, "format": ",.3~f", "tickCount": 6}
    if not grid:
        look["grid"] = False
    return {"field": field, "type": "quantitative", "axis": look}


def count_axis(field: str, title: str) -> Spec:
    """Encoding of a count: its axis has no halves."""
    counted = axis(field, title)
    counted["axis"]["tickMinStep"] = 1
    return counted


def padded() -> Spec:
    """Scale of a quantity that need not begin at 0, its ends apart from the axes."""
    return {"zero": False, "nice": False, "padding": 14}


def says() -> Spec:
    """Encoding of what a mark says of itself: the column `says`."""
    return {"description": {"field": "says", "type": "nominal"}}


def hover_points(x: Spec, y: Spec) -> Spec:
    """Points too faint to be seen that tell the figures of a line."""
    return {
        "mark": {"type": "circle", "size": 160, "opacity": 0},
        "encoding": {"x": x, "y": y, **says()},
    }


def panel_width_px(num_panels: int) -> int:
    """Width of panels that stand side by side, so that all charts come out equally wide."""
    return (_WIDTH_PX - _BETWEEN_PANELS_PX * (num_panels - 1)) // num_panels


def level_line(
    y: Spec, value: float, text: str, colour: str, *, dash: tuple[int, int] = (7, 4)
) -> Spec:
    """A dashed line across the chart, with what it stands for above its left end."""
    return {
        "data": {"values": [{y["field"]: value, "says": text}]},
        "layer": [
            {
                "mark": {"type": "rule", "color": colour, "strokeDash": dash, "strokeWidth": 2},
                "encoding": {"y": y, **says()},
            },
            {
                "mark": {"type": "text", "align": "left", "x": 0, "dx": 4, "dy": -8, "aria": False},
                "encoding": {"y": y, "text": {"field": "says"}},
            },
        ],
    }


def draw(charts: Sequence[Chart], on_loss: Callable[[str], None]) -> list[Chart]:
    """Charts with their drawings; those that lack one come last and say why.

    Parameters
    ----------
    charts : sequence of Chart
        As specified.
    on_loss : callable
        Hears of each drawing that could not be made.
    """
    specs = [chart.spec for chart in charts if chart.spec is not None]
    drawings = iter(draw_apart(specs))
    drawn = []
    for chart in charts:
        drawing = None if chart.spec is None else next(drawings)
        if drawing is None:
            drawn.append(chart)
        elif drawing.failure:
            on_loss(f"the chart '{chart.key}' is left out: {drawing.failure}")
            note = f"This chart could not be drawn: {drawing.failure}. The run's tables are whole."
            drawn.append(replace(chart, note=note))
        else:
            drawn.append(replace(chart, svg=drawing.svg))
    return sorted(drawn, key=lambda chart: not chart.svg)


def complete(spec: Spec, *, left_px: int = 0) -> Spec:
    """A specification with the look of all; ``left_px`` are kept free for names beside it."""
    whole = {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VEGA_LITE}.json",
        "config": _CONFIG,
        "padding": {"left": 4 + left_px, "right": 12, "top": 6, "bottom": 4},
        **spec,
    }
    if not {"concat", "facet", "hconcat"} & set(spec):
        whole = {"width": _WIDTH_PX - left_px, "height": HEIGHT_PX, **whole}
    return whole
