"""`docs/truth.md` and its pictures, made from a validation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from planner.errors import Fault, InputError
from planner.files import write_text
from planner.outputs.report.charts.drawing import Chart, draw
from planner.validation.charts import all_charts
from planner.validation.compare import Validation
from planner.validation.measured import SHARE

FIGURES = "figures"
"""Folder of the pictures, beside the document."""
_HEAD = """# Truth: what was measured beside what the planner says

Made by `planner validate-model INSTANCE --run RUN --write docs/truth.md`; do not edit.
{made_of}

Calibrated: an input or a parameter was chosen with the figure in view, so that agreement proves
little. Held out: nobody looked at it. Errors are predicted minus measured: of shares and ratios in
percentage points, of all else in percent of the measured. Marks of sources: M measured or counted
by a third party, PR peer-reviewed, C or MC claimed by the maker or operator, E or AN an analyst's
estimate, I or INF inferred, ? weak.
"""


def write_document(validation: Validation, path: Path) -> list[Path]:
    """Write the document, and its pictures into `FIGURES` beside it.

    Returns
    -------
    list of Path
        The files written, the document first.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    if not path.parent.is_dir():
        raise InputError([Fault(str(path.parent), None, "--write", "", "no such folder")])
    losses: list[str] = []
    charts = draw(all_charts(validation.rows), losses.append)
    drawn = [chart for chart in charts if chart.svg]
    write_text(path, markdown(validation, charts, losses))
    written = [path]
    if drawn:
        (path.parent / FIGURES).mkdir(exist_ok=True)
    for chart in drawn:
        picture = path.parent / FIGURES / f"{chart.key}.svg"
        write_text(picture, chart.svg)
        written.append(picture)
    return written


def markdown(validation: Validation, charts: Sequence[Chart], losses: Sequence[str] = ()) -> str:
    """The document's text; the same validation gives the same text."""
    made_of = f"Instance `{validation.name}`" + (
        f", plan `{validation.run}`." if validation.run else "; no plan: what needs one is missing."
    )
    lines = [_HEAD.format(made_of=made_of), *(f"**{remark}**\n" for remark in validation.remarks)]
    lines += ["## Errors by topic", "", *_topics(validation.topics), ""]
    for chart in charts:
        lines += [f"### {chart.title}", "", f"{chart.subtitle}. {chart.note}".strip(), ""]
        if chart.svg:
            lines += [f"![{chart.title}]({FIGURES}/{chart.key}.svg)", ""]
    lines += [f"{loss}\n" for loss in losses]
    lines += ["## All comparisons"]
    for topic, rows in validation.rows.groupby("topic", sort=False):
        lines += ["", f"### {str(topic).capitalize()}", "", *_comparisons(rows)]
    return "\n".join(lines) + "\n"


def _topics(topics: pd.DataFrame) -> list[str]:
    lines = [
        "| topic | role | compared | missing | mean error | rmse |",
        "|---|---|---|---|---|---|",
    ]
    return lines + [
        f"| {row['topic']} | {row['role']} | {row['compared']} | {row['missing']} "
        f"| {percent(row['mean_error'])} | {percent(row['rmse']).lstrip('+')} |"
        for row in topics.to_dict("records")
    ]


def _comparisons(rows: pd.DataFrame) -> list[str]:
    lines = [
        "| comparison | role | measured | predicted | error | source; note |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows.to_dict("records"):
        text = "; ".join(part for part in (row["source"], row["note"]) if part)
        lines.append(
            f"| {row['comparison']} | {row['role']} | {measured_text(row)} "
            f"| {figure(row['predicted'], row['unit'])} | {percent(row['error'])} "
            f"| {text.replace('|', '/')} |"
        )
    return lines


def measured_text(row: Mapping[Any, Any]) -> str:
    """A measured figure with its unit, and its spread where one is told."""
    unit = str(row["unit"])
    middle, low, high = (
        figure(row[name], unit) for name in ("measured", "measured_low", "measured_high")
    )
    spread = f" ({low} to {high})" if low != high else ""
    return f"{middle}{spread}" + ("" if unit == SHARE or middle == "-" else f" {unit}")


def figure(value: object, unit: str) -> str:
    """A figure for people; a dash where there is none.

    >>> figure(0.1284, "1"), figure(41.575, "swaps/day"), figure(2e6, "CNY")
    ('0.128', '41.6', '2,000,000')
    """
    number = float(str(value))
    if number != number:  # NaN alone is not itself
        return "-"
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3f}" if unit == SHARE else f"{number:.3g}"


def percent(error: object) -> str:
    """An error in percent, or percentage points, with its sign.

    >>> percent(-0.0349), percent(float("nan"))
    ('-3.5', '-')
    """
    number = float(str(error))
    return "-" if number != number else f"{100 * number:+.1f}"
