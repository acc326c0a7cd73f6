"""Charts as Vega-Lite draws them: equal widths, and figures that screen readers can tell."""

import re

import pytest

from planner.outputs.report.charts import process
from planner.outputs.report.charts.drawing import (
    Chart,
    axis,
    complete,
    draw,
    hover_points,
    level_line,
    panel_width_px,
)
from planner.outputs.report.charts.process import draw_apart

POINTS = complete(
    {"data": {"values": [{"a": 1}]}, "mark": "point", "encoding": {"x": axis("a", "a")}}
)
DEADLY = complete({"data": {"values": [{"a": 1}]}, "mark": "point", "title": "a\0b"})
"""The renderer panics on NUL, and its process with it."""


def test_panels_and_what_is_between_them_are_as_wide_as_one_chart() -> None:
    beside = [panel_width_px(1) - num * panel_width_px(num) for num in (2, 3)]
    assert beside[0] > 0
    assert abs(beside[1] - 2 * beside[0]) <= 2  # panels are whole pixels wide


def test_marks_say_their_figures_and_levels_what_they_stand_for() -> None:
    x, y = axis("hour", "Hour"), axis("load", "Load", grid=False)
    assert "grid" not in x["axis"]
    assert y["axis"]["grid"] is False
    spec = {
        "data": {"values": [{"hour": 8, "load": 3, "says": "8 h: 3 swaps"}]},
        "layer": [hover_points(x, y), level_line(y, 4.0, "most it can do", "#000000")],
    }
    first, second = (drawing.svg for drawing in draw_apart([complete(spec)] * 2))
    assert 'aria-label="8 h: 3 swaps"' in first
    assert ">most it can do</text>" in first
    assert first == second


def test_room_for_names_narrows_the_chart_not_the_picture() -> None:
    spec = {"data": {"values": [{"a": 1}]}, "mark": "point", "encoding": {"x": axis("a", "a")}}
    drawn = draw_apart([complete(spec, left_px=px) for px in (0, 120)])
    widths = [re.search('width="([0-9.]+)"', drawing.svg) for drawing in drawn]
    assert all(widths)
    assert widths[0][1] == widths[1][1]


def test_a_drawing_that_kills_its_process_costs_that_drawing_alone() -> None:
    first, lost, last = draw_apart([POINTS, DEADLY, POINTS])
    assert lost.svg == ""
    assert lost.failure.startswith("the renderer ended by SIG")
    assert first.failure == last.failure == ""
    assert first.svg == last.svg != ""


def test_charts_without_a_drawing_come_last_and_say_why() -> None:
    told: list[str] = []
    charts = [
        Chart("bare", "Bare", "", None, "This run has no table bare."),
        Chart("deadly", "Deadly", "", DEADLY, "read me so"),
        Chart("sound", "Sound", "", POINTS, "dashed: the bound"),
    ]
    sound, bare, deadly = draw(charts, told.append)
    assert (sound.key, bare.key, deadly.key) == ("sound", "bare", "deadly")
    assert sound.svg.startswith("<svg")
    assert sound.note == "dashed: the bound"
    assert bare.note == "This run has no table bare."
    assert deadly.note.startswith("This chart could not be drawn: the renderer ended by SIG")
    assert len(told) == 1
    assert told[0].startswith("the chart 'deadly' is left out: ")


def test_a_specification_in_error_and_a_renderer_that_hangs_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (wrong,) = draw_apart([{"mark": {"type": 7}}])
    assert "ended with code 1: ValueError" in wrong.failure
    monkeypatch.setattr(process, "_MOST_S", 0.01)
    (late,) = draw_apart([POINTS])
    assert late.failure == "it took more than 0.01 s"
