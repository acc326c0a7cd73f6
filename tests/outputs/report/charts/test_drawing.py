"""Charts as Vega-Lite draws them: equal widths, and figures that screen readers can tell."""

from planner.outputs.report.charts.drawing import (
    axis,
    hover_points,
    level_line,
    panel_width_px,
    render,
)


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
    svg = render(spec)
    assert 'aria-label="8 h: 3 swaps"' in svg
    assert ">most it can do</text>" in svg
    assert svg == render(spec)


def test_room_for_names_narrows_the_chart_not_the_picture() -> None:
    spec = {"data": {"values": [{"a": 1}]}, "mark": "point", "encoding": {"x": axis("a", "a")}}
    widths = {render(spec, left_px=px).split('width="')[1].split('"')[0] for px in (0, 120)}
    assert len(widths) == 1
