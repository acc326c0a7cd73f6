"""`compare.html`: what differs between two runs, on one page without script or host."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup
from pandas.api.types import is_numeric_dtype

from planner.outputs.compare.describe import as_layers
from planner.outputs.compare.difference import SITING, Comparison, rank_cities
from planner.outputs.compare.drawing import draw_stations
from planner.outputs.compare.phases import AS_BEFORE, count_openings
from planner.outputs.compare.read import FinishedRun
from planner.outputs.compare.reasons import reasons_in_words
from planner.outputs.compare.stations import GAINED, KEPT, LOST, MOVED, RESIZED
from planner.outputs.compare.verdict import EQUAL, UNLIKE, WITHIN
from planner.outputs.compare.waits import count_verdict_changes
from planner.outputs.kpi import is_share, shown_kpis
from planner.outputs.layers.columns import WrittenColumn
from planner.outputs.palette import WATER
from planner.outputs.report.numbers import MISSING, large, number, percent
from planner.outputs.report.water import SOURCE
from planner.plans.question import measure_of_run

MOST_ROWS = 1_000
"""Longer tables are cut on the page; the files have them all."""

_WITHIN = "within_5min_frac"
_WHOLE_FROM = 10_000  # decimals of larger figures tell nothing

_TITLES = {
    "kpi": "Figures of the whole plan",
    "models": "What is proven",
    "cities_change": "Cities",
    "stations_change": "Stations that change",
    "verdicts_change": "Stations with another verdict",
    "station_packs_change": "Packs in stations",
    "openings_change": "Openings that move",
    "phase_change": "Period by period",
    "future_change": "Future by future",
    "measure_change": "Worth over all futures",
    "reasons_change": "What stations cost to replace",
    "packs_by_city": "Packs by city, planning quarter",
    "packs_by_quarter": "Packs by quarter",
    "corridor_summary": "Trips between cities",
    "corridor_stations_change": "Corridor stations that change",
    "supply_value": "Value of supply",
    "gate_value": "Certificates",
    "market_change": "Deliveries to markets",
    "prices": "Prices",
    "settings": "Settings that differ",
    "inputs": "Input files that differ (sha256)",
}
_SKIPPED = {
    "lon",
    "lat",
    "city_id",
    "near_city_id",
}  # places stand on the map, names are enough for readers


@dataclass(frozen=True)
class Heading:
    """Head of a column."""

    text: str
    meaning: str
    is_number: bool


@dataclass(frozen=True)
class Shown:
    """A table whose cells are the text that stands on the page."""

    key: str
    title: str
    headings: tuple[Heading, ...]
    rows: list[list[str]]
    note: str


def render_page(comparison: Comparison) -> str:
    """The whole page as HTML; the same runs give the same text."""
    base, other = comparison.base, comparison.other
    tables = comparison.tables
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            base=_about(base),
            other=_about(other),
            verdict=_verdict(comparison),
            finding=" ".join(
                filter(
                    None,
                    (
                        finding(comparison),
                        waits_finding(comparison),
                        openings_finding(comparison),
                        reasons_finding(comparison),
                    ),
                )
            ),
            cards=_cards(comparison),
            notes=comparison.notes,
            drawing=draw_stations(tables["stations_change"], tables["cities_change"]),
            tables=[_shown(comparison, name) for name in _TITLES if name in tables],
            water_colour=WATER,
            water_source=SOURCE,
            attribution=base.scenario.get("attribution", ""),
            page_style=Markup(
                (files("planner.outputs.report") / "page.css").read_text(encoding="utf-8")
            ),
        )
    )


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(
            lambda name: (files("planner.outputs.compare") / name).read_text(encoding="utf-8")
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def finding(comparison: Comparison) -> str:
    """The difference in the siting's objective, and whether the gaps leave more open."""
    models = comparison.tables["models"].set_index("model")
    if comparison.verdict == UNLIKE:
        plans = (
            f"{run.label} {measure_of_run(run.run).words.plan(number(float(run.run['objective'])))}"
            for run in (comparison.base, comparison.other)
        )
        return f"The runs ask different questions: {', '.join(plans)}."
    words = measure_of_run(comparison.base.run).words
    change, base = (float(models[f"{which}_objective"][SITING]) for which in ("change", "base"))
    text = (
        f"{comparison.other.label} {words.plan(number(abs(change), 1))} "
        f"{words.more_or_less(change)} than {comparison.base.label} "
        f"({signed(change / base if base else float('nan'), is_share=True)})"
    )
    if comparison.verdict == EQUAL:
        return words.same
    if comparison.verdict == WITHIN:
        return f"{text}: within the proven gaps, so the search alone may have made the difference."
    return f"{text}: more than the proven gaps leave open."


def _verdict(comparison: Comparison) -> str:
    if comparison.verdict == UNLIKE:
        return UNLIKE
    words = measure_of_run(comparison.base.run).words
    return f"{words.name.lower()}: {comparison.verdict}"


def station_counts(comparison: Comparison) -> str:
    """How many stations were gained, lost, moved, resized and kept."""
    changes = (GAINED, LOST, MOVED, RESIZED, KEPT)
    return ", ".join(f"{number(comparison.count(change))} {change}" for change in changes)


def corridor_station_counts(comparison: Comparison) -> str:
    """How many corridor stations were gained, lost and kept."""
    counts = (
        f"{number(comparison.count(change, 'corridor_stations_change'))} {change}"
        for change in (GAINED, LOST, KEPT)
    )
    return ", ".join(counts)


def waits_finding(comparison: Comparison) -> str:
    """What becomes of drivers' waits and stations' verdicts; empty unless both were simulated."""
    tables = comparison.tables
    kpi = tables["kpi"].set_index("name")
    if "verdicts_change" not in tables or _WITHIN not in kpi.index:
        return ""
    base, other, change = (
        figure(_WITHIN, float(kpi[f"{side}_value"][_WITHIN]), is_change=side == "change")
        for side in ("base", "other", "change")
    )
    verdict = kpi["verdict"][_WITHIN]
    return (
        f"Drivers served within 5 min: {base} → {other} ({change}{verdict and f', {verdict}'}); "
        f"stations: {count_verdict_changes(tables['verdicts_change'])}."
    )


def openings_finding(comparison: Comparison) -> str:
    """How many stations open earlier or later; empty unless both runs planned openings."""
    openings = comparison.tables.get("openings_change")
    return "" if openings is None else f"Openings: {count_openings(openings)}."


def reasons_finding(comparison: Comparison) -> str:
    """How stations' worth differs; empty unless both runs told it by one question."""
    changes = comparison.tables.get("reasons_change")
    unit = measure_of_run(comparison.base.run).unit
    return "" if changes is None else reasons_in_words(changes, unit)


def signed(value: float, decimals: int = 1, *, is_share: bool = False) -> str:
    """A change with its sign.

    >>> signed(12.34), signed(-0.0512, is_share=True), signed(float("nan"))
    ('+12.3', '\N{MINUS SIGN}5.1 %', '–')
    """
    text = percent(value, decimals) if is_share else number(value, decimals)
    return f"+{text}" if value > 0 and any(digit in text for digit in "123456789") else text


def figure(name: str, value: float, *, is_change: bool = False) -> str:
    """A figure by its name, which ends in its unit; shares change by percentage points.

    >>> figure("served_frac", 0.5), figure("served_frac", 0.051, is_change=True)
    ('50.00 %', '+5.10 pp')
    """
    as_share = is_share(name)
    is_whole = value % 1 == 0 or abs(value) >= _WHOLE_FROM
    decimals = 2 if as_share else 0 if is_whole else 3 if abs(value) < 1 else 1
    if is_change and as_share:
        points = signed(100 * value, decimals)
        return points if points == MISSING else f"{points} pp"
    if is_change:
        return signed(value, decimals)
    return percent(value, decimals) if as_share else number(value, decimals)


def _about(run: FinishedRun) -> dict[str, str]:
    gap = percent(run.run["gap_frac"], 2)
    return {
        "label": run.label,
        "title": str(run.run["title"] or run.run["name"]),
        "status": f"{run.run['status']}, proven gap {gap}",
    }


def _cards(comparison: Comparison) -> list[dict[str, str]]:
    kpi = comparison.tables["kpi"].set_index("name")
    cards = []
    for about in shown_kpis("compare", kpi.index, comparison.base.chemistries):
        name, unit = about.name, "" if about.unit == "1" else f" [{about.unit}]"
        base, other, change = (
            float(kpi[f"{side}_value"][name]) for side in ("base", "other", "change")
        )
        show = _large if "_cny" in name else figure
        cards.append(
            {
                "label": f"{about.title}{unit}",
                "figure": f"{show(name, change, is_change=True)}",
                "context": f"{show(name, base)} → {show(name, other)}"
                + (f" · {verdict}" if (verdict := str(kpi["verdict"][name])) else ""),
            }
        )
    return cards


def _large(name: str, value: float, *, is_change: bool = False) -> str:
    return f"{'+' if is_change and value > 0 else ''}{large(value)}"


def _shown(comparison: Comparison, name: str) -> Shown:
    unit = measure_of_run(comparison.base.run).unit
    layer = as_layers({name: comparison.tables[name]}, unit)[name]
    frame = _worth_showing(name, comparison.tables[name])
    columns = [column for column in layer.columns if column.name not in _SKIPPED]
    if name == "cities_change":
        columns = [column for column in columns if not _is_detail(column.name)]
    cut = frame.head(MOST_ROWS)
    note = ""
    if frame.empty:
        note = "No difference." if len(comparison.tables[name]) else "Nothing to compare."
    elif len(frame) > MOST_ROWS:
        note = f"The first {number(MOST_ROWS)} of {number(len(frame))} rows; the files have all."
    if name in ("settings", "inputs") and frame.empty:
        note = "None: they are the same."
    names = cut["name"] if name == "kpi" else None
    cells = [_cells(column, cut[column.name], names) for column in columns]
    return Shown(
        name.replace("_", "-"),
        _TITLES[name],
        tuple(
            Heading(
                column.title.replace("[0-1]", "[%]"),
                column.description,
                is_numeric_dtype(cut[column.name]),
            )
            for column in columns
        ),
        [list(row) for row in zip(*cells, strict=True)],
        note,
    )


def _worth_showing(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows with a change, the largest first where there are many."""
    if name in ("stations_change", "corridor_stations_change"):
        return frame[frame["change"] != KEPT]
    if name == "openings_change":
        return frame[frame["opening"] != AS_BEFORE]
    if name == "cities_change":
        return rank_cities(frame)
    if name == "packs_by_city":
        shift = frame["change_vehicles"].abs()
        order = shift.sort_values(ascending=False, kind="stable").index
        return frame.loc[order][shift.loc[order] >= 0.5]
    return frame


def _is_detail(name: str) -> bool:
    return name.startswith(("base_", "other_")) and "num_stations" not in name


def _cells(
    column: WrittenColumn, values: "pd.Series[Any]", names: "pd.Series[Any] | None"
) -> list[str]:
    if not is_numeric_dtype(values):
        return [MISSING if pd.isna(value) or value == "" else str(value) for value in values]
    if column.name == "change_frac":
        return [signed(value, is_share=True) for value in values.astype(float)]
    is_change = column.name.startswith("change_")
    labels = [column.name] * len(values)
    if names is not None and column.name.endswith("_value"):
        labels = list(names)  # a figure's own name tells its unit
    return [
        figure(label, float(value), is_change=is_change)
        for label, value in zip(labels, values, strict=True)
    ]
