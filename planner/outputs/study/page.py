"""`study.html`: all scenarios of a study on one page that opens without a network."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from planner.outputs.chemistries import Chemistries
from planner.outputs.kpi import describe_kpi, is_share
from planner.outputs.report.charts.drawing import draw
from planner.outputs.report.numbers import MISSING, large, number, percent
from planner.outputs.study.charts import robust_sites, trade_off
from planner.outputs.study.dates import dates_table
from planner.outputs.study.tornado import tornado_charts

PAGE_FILE = "study.html"
_FIGURES = ("num_stations", "capex_cny", "swaps_served_frac", "households_served_frac")
_ADDED = {"gap_frac": "Proven gap", "wall_s": "Seconds"}
_MOST_ROWS = 2_000


@dataclass(frozen=True)
class StudyContent:
    """What the page is made of.

    Attributes
    ----------
    name, title : str
    base : tuple of str
        What holds for every scenario, a line each.
    varied : tuple of str
        Columns of the catalogue that scenarios differ in.
    catalogue : DataFrame
        A row per scenario of the study, as `catalogue.parquet` has it.
    sites : DataFrame
        ``site_id, city_id, lon, lat, num_chosen, num_scenarios, chosen_frac``.
    reports : dict of str to str
        Address of a run's report as seen from the page, by the run's folder.
    tornado : DataFrame
        As `tornado_table` makes it; empty for a study that has none.
    """

    name: str
    title: str
    base: tuple[str, ...]
    varied: tuple[str, ...]
    catalogue: pd.DataFrame
    sites: pd.DataFrame
    reports: dict[str, str]
    tornado: pd.DataFrame


@dataclass(frozen=True)
class _Row:
    scenario: str
    href: str
    state: str
    cells: tuple[str, ...]
    reason: str


def render_study(content: StudyContent) -> str:
    """The whole page as HTML; the same study gives the same text."""
    catalogue = content.catalogue
    done = catalogue[catalogue["state"] == "done"]
    figures = [name for name in _FIGURES if name in catalogue]
    varied = [name for name in content.varied if name in catalogue]
    headings = [
        *(_breakable(name) for name in varied),
        *(describe_kpi(name, Chemistries({})).title for name in figures),
        *_ADDED.values(),
    ]
    shown = catalogue.head(_MOST_ROWS)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = (files("planner.outputs.study") / "page.html.j2").read_text(encoding="utf-8")
    style = (files("planner.outputs.report") / "page.css").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        content=content,
        counts=_counts(catalogue),
        finding=_finding(done),
        charts=[
            {"chart": chart, "svg": Markup(chart.svg)}
            for chart in draw(
                [*tornado_charts(content.tornado, done), trade_off(done),
                 robust_sites(content.sites)],
                lambda _: None,
            )
        ],
        headings=headings,
        rows=[_row(row, [*varied, *figures, *_ADDED], content.reports)
              for row in shown.to_dict("records")],
        dates=[_date_row(row) for row in dates_table(catalogue, varied).to_dict("records")],
        tornado=[_end_row(row) for row in content.tornado.to_dict("records")],
        num_left=len(catalogue) - len(shown),
        page_style=Markup(style),
    )  # fmt: skip


def _breakable(name: str) -> Markup:
    """A setting's name that may be broken where its parts meet."""
    return Markup(str(escape(name)).replace(".", ".<wbr>").replace("_", "_<wbr>"))


def _counts(catalogue: pd.DataFrame) -> str:
    of_state = catalogue["state"].value_counts()
    told = ", ".join(f"{number(count)} {state}" for state, count in of_state.items())
    return f"{number(len(catalogue))} scenarios: {told}" if told else "no scenario"


def _finding(done: pd.DataFrame) -> str:
    """From how much to how much the scenarios serve, and for how much money."""
    rows = done.dropna(subset=["swaps_served_frac"]) if "swaps_served_frac" in done else done[:0]
    if rows.empty:
        return "No scenario is done yet."
    served, money = rows["swaps_served_frac"], rows["capex_cny"]
    least, most = percent(served.min()), percent(served.max())
    span = f"{least}" if least == most else f"{least} to {most}"
    low, high = large(money.min()), large(money.max())
    cost = f"{low}" if low == high else f"{low} to {high}"
    return f"The scenarios serve {span} of all swaps asked for, for {cost} CNY of investment."


def _row(row: dict[Any, Any], names: list[str], reports: dict[str, str]) -> _Row:
    return _Row(
        str(row["scenario"]),
        reports.get(str(row["folder"]), ""),
        str(row["status"]) if row["state"] == "done" else f"{row['state']} {row['status']}".strip(),
        tuple(_cell(name, row[name]) for name in names),
        str(row["reason"]),
    )


def _date_row(row: dict[Any, Any]) -> tuple[str, ...]:
    """Cells of the page's table of dates."""
    figure = str(row["figure"])
    means = (_cell(figure, row[name]) for name in ("earliest", "expected", "latest"))
    drawn = "/".join(str(row[f"num_{name}"]) for name in ("earliest", "expected", "latest"))
    return (str(row["figure_title"]), str(row["certificate"]), *means, drawn)


def _end_row(row: dict[Any, Any]) -> tuple[str, ...]:
    """Cells of the page's table of assumptions."""
    figure = str(row["figure"])
    values = (_cell(figure, row[name]) for name in ("low_value", "base_value", "high_value"))
    return (str(row["figure_title"]), str(row["assumption"]), str(row["low"]), str(row["high"]),
            *values)  # fmt: skip


def _cell(name: str, value: Any) -> str:
    if value is None or value != value:  # NaN alone is not itself
        return MISSING
    if isinstance(value, str | bool):
        return str(value)
    if is_share(name):
        return percent(value, 2 if name == "gap_frac" else 1)
    if name.endswith("_cny"):
        return large(value)
    return f"{value:,.6g}" if name not in _ADDED else number(value, 1)
