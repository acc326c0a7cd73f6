"""The page on how cost grows, drawn from its history: the last measurement, and those before it."""

import math
from pathlib import Path

import pandas as pd

from planner.bench.growth import BY_CITIES, BY_ZONES, exponents
from planner.bench.history import add_to_history, memory, percent, ratio, seconds, table
from planner.bench.whole_run import WHOLE
from planner.files import write_text
from planner.outputs.palette import (
    AXIS,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
)
from planner.outputs.report.charts.drawing import Chart, Spec, axis, complete, draw, panel_width_px

HISTORY, PAGE, KEY = "growth.csv", "growth.md", "growth"
LEAST_S = 0.5
"""Stages that never take so many CPU seconds have no exponent."""
COLOURS = (INK, BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
"""Of the whole run, and of the stages that take most."""
TITLES = {BY_CITIES: "cities with all that is theirs", BY_ZONES: "finer zones, the same people"}
_HEAD = """# Growth: what a run costs as cities and zones become more

Made by `planner bench national INSTANCE --write FOLDER`; do not edit.

`{instance}` cut to some of its cities (evenly along their ids; stations and packs supplied shrink
with the demand, roads farther than 30 km from all sites are left out), and cut to the fewest cities
with each zone split among children of its H3 cell. Every run is a process of its own, all outputs
written, siting to a proven gap of {gap} or the limit of time. CPU seconds and memory are those
of all its processes; stages that run beside others are counted with theirs. `{whole}` is the
process from start to end. Growth is the exponent e in seconds ~ zones^e, by least squares between
logarithms: 1 is linear. Python's start and loading, the same at each size, make it look smaller.

Last measured {date}, version {release}, {cores} cores.
"""


def write_growth(rows: pd.DataFrame, gap: float, folder: Path) -> list[Path]:
    """Add a measurement to the history in a folder, and write its page and picture anew.

    Parameters
    ----------
    rows : DataFrame
        From `measure_growth`.
    gap : float
        That was asked for.
    folder : Path
        As it stands.

    Returns
    -------
    list of Path
        What was written.
    """
    history = add_to_history(folder / HISTORY, rows.assign(gap_asked=gap))
    losses: list[str] = []
    (chart,) = draw([growth_chart(_last(history))], losses.append)
    write_text(folder / PAGE, growth_markdown(history, chart, losses))
    written = [folder / PAGE, folder / HISTORY]
    if chart.svg:
        write_text(folder / f"{KEY}.svg", chart.svg)
        written.append(folder / f"{KEY}.svg")
    return written


def growth_markdown(history: pd.DataFrame, chart: Chart, losses: list[str]) -> str:
    """The page's text; the same history gives the same text."""
    last = _last(history)
    first = last.iloc[0]
    lines = [
        _HEAD.format(
            instance=first["instance"], gap=percent(first["gap_asked"]), whole=WHOLE,
            date=first["date"], release=first["release"], cores=first["cores"],
        )
    ]  # fmt: skip
    lines += [f"![{chart.title}]({KEY}.svg)", ""] if chart.svg else [*losses, ""]
    for series, title in TITLES.items():
        lines += [f"## {title.capitalize()}", "", *growth_table(last[last["series"] == series]), ""]
    lines += ["## History", "", *_history_table(history)]
    return "\n".join(lines) + "\n"


def growth_table(rows: pd.DataFrame) -> list[str]:
    """Stages of the runs of a series side by side, with their growth, as Markdown."""
    sizes = rows.drop_duplicates("zones").sort_values("zones")
    names = [f"{size['cities']} / {size['zones']:,}" for size in sizes.to_dict("records")]
    headings = ["stage; cities / zones"]
    for figure in ("CPU s", "wall s", "GB"):
        headings += [f"{figure}: {names[0]}", *names[1:]]
        headings += [] if figure == "GB" else ["growth"]
    growth = {figure: exponents(rows, figure, LEAST_S) for figure in ("cpu_s", "wall_s")}
    body = []
    for stage in rows["stage"].unique():
        of_stage = rows[rows["stage"] == stage].set_index("zones").reindex(sizes["zones"])
        cells = [stage]
        for figure, told in growth.items():
            cells += [seconds(value) for value in of_stage[figure]]
            cells.append(ratio(told.get(stage, math.nan)))
        body.append(cells + [memory(value) for value in of_stage["peak_rss_mb"]])
    gaps = [percent(gap) for gap in sizes["gap_frac"]]
    return [
        *table(headings, body),
        "",
        f"Gaps reached, in the same order: {', '.join(gaps)}. GB: the most at any moment.",
    ]


def growth_chart(rows: pd.DataFrame) -> Chart:
    """CPU seconds over zones, both on logarithmic scales, stage by stage and in all."""
    title = "CPU seconds of a run over its zones, and of the stages that take most"
    subtitle = "Both scales are logarithmic; dashed: growth in step with the zones"
    by_stage = rows[rows["stage"] != WHOLE].groupby("stage")["cpu_s"].max()
    top = [WHOLE, *by_stage.nlargest(len(COLOURS) - 1).index]
    shown = rows[rows["stage"].isin(top) & (rows["cpu_s"] > 0)]
    if shown.empty:
        return Chart(KEY, title, subtitle, note="No CPU seconds are known.")
    colour: Spec = {"field": "stage", "type": "nominal",
                    "scale": {"domain": top, "range": list(COLOURS[: len(top)])}}  # fmt: skip
    panels = [_panel(shown[shown["series"] == series], series, colour) for series in TITLES]
    spec: Spec = {"hconcat": panels, "background": "white"}
    return Chart(KEY, title, subtitle, complete(spec) | {"background": "white"})


def _panel(rows: pd.DataFrame, series: str, colour: Spec) -> Spec:
    x, y = axis("zones", f"zones ({TITLES[series]})"), axis("cpu_s", "CPU seconds")
    for encoding in (x, y):
        encoding["scale"] = {"type": "log", "nice": False, "padding": 10}
    x["axis"] |= {"format": "~s", "tickCount": 4}
    whole = rows[rows["stage"] == WHOLE].sort_values("zones")
    start, end = whole.iloc[0], whole.iloc[-1]
    linear = [
        {"zones": int(size), "cpu_s": float(start["cpu_s"] * size / start["zones"])}
        for size in (start["zones"], end["zones"])
    ]
    values = rows[["zones", "cpu_s", "stage"]].to_dict("records")
    return {
        "width": panel_width_px(len(TITLES)),
        "height": 320,
        "layer": [
            {
                "data": {"values": linear},
                "mark": {"type": "line", "color": AXIS, "strokeWidth": 1, "strokeDash": [4, 4]},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": values},
                "mark": {"type": "line", "point": {"filled": True, "size": 40}},
                "encoding": {"x": x, "y": y, "color": colour},
            },
        ],
    }


def _last(history: pd.DataFrame) -> pd.DataFrame:
    """Rows of the last measurement."""
    last: pd.DataFrame = history[history["date"] == history["date"].iloc[-1]]
    return last


def _history_table(history: pd.DataFrame) -> list[str]:
    """A row per measurement: its largest run, and the growth of whole runs."""
    rows = []
    for _, measured in history.groupby("date", sort=False):
        whole = measured[measured["stage"] == WHOLE]
        largest = whole[whole["series"] == BY_CITIES].sort_values("zones").iloc[-1]
        growth = [
            ratio(exponents(whole[whole["series"] == series], "cpu_s").get(WHOLE, math.nan))
            for series in TITLES
        ]
        rows.append(
            [str(largest["date"]), str(largest["release"]), f"{largest['cities']}",
             f"{largest['zones']:,}", seconds(largest["cpu_s"]), seconds(largest["wall_s"]),
             memory(largest["peak_rss_mb"]), percent(largest["gap_frac"]), *growth]
        )  # fmt: skip
    headings = ["date", "version", "cities", "zones", "CPU s", "wall s", "GB", "gap",
                "growth with cities", "with zones"]  # fmt: skip
    return table(headings, rows, texts=2)
