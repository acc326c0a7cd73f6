"""One HTML page of findings, drawings and tables, without a network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import jinja2
from markupsafe import Markup

from planner.outputs.report.cards import Card
from planner.outputs.report.charts.drawing import Chart, draw
from planner.outputs.report.tables import Table


@dataclass(frozen=True)
class Content:
    """What stands on the page.

    Attributes
    ----------
    title, subtitle, finding : str
        Head of the page.
    cards : sequence of Card
        Figures in front.
    how_to_read : sequence of str
        What the figures mean and do not mean.
    charts, maps : sequence of Chart
        Drawings side by side; those of places stand alone.
    tables : sequence of Table
        Below them.
    attribution : str
        Who must be named.
    """

    title: str
    subtitle: str
    finding: str
    cards: Sequence[Card]
    how_to_read: Sequence[str]
    charts: Sequence[Chart]
    tables: Sequence[Table]
    maps: Sequence[Chart] = field(default_factory=tuple)
    attribution: str = ""


def render_page(content: Content, on_loss: Callable[[str], None] = lambda _: None) -> str:
    """The page as HTML; the same content gives the same text."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = _asset("planner.outputs.reasons", "page.html.j2")
    drawn = {chart.key: chart for chart in draw([*content.charts, *content.maps], on_loss)}
    return environment.from_string(template).render(
        content=content,
        charts=[_with_markup(drawn[chart.key]) for chart in content.charts],
        maps=[_with_markup(drawn[chart.key]) for chart in content.maps],
        page_style=Markup(_asset("planner.outputs.report", "page.css")),
        scripts=[
            Markup(_asset("planner.outputs.report", name)) for name in ("tables.js", "tooltips.js")
        ],
    )


def _with_markup(chart: Chart) -> dict[str, object]:
    # The renderer escapes text within its drawing; everything else stays under autoescape.
    return {**chart.__dict__, "svg": Markup(chart.svg)}


def _asset(room: str, name: str) -> str:
    return (files(room) / name).read_text(encoding="utf-8")
