"""A plan's alternatives: how different plans nearly as good can be, in words, charts and tables."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from planner.outputs.palette import AXIS, BLUE, BOUND, VERMILION
from planner.outputs.reasons.about import About, exact, places, tolerance
from planner.outputs.reasons.folder import as_json, write_folder
from planner.outputs.reasons.layers import (
    ALTERNATIVES,
    CURVE,
    HEXAGONS,
    LABELS,
    PLANS,
    SITES,
    STEPS,
    build_layers,
)
from planner.outputs.reasons.maps import cities_that_differ, map_of_hexagons
from planner.outputs.reasons.page import Content, render_page
from planner.outputs.report.cards import Card
from planner.outputs.report.charts.drawing import (
    Chart,
    Spec,
    axis,
    complete,
    count_axis,
    hover_points,
    padded,
    says,
)
from planner.outputs.report.numbers import MISSING, number, percent
from planner.outputs.report.read import records
from planner.outputs.report.tables import MOST_ROWS, Table
from planner.outputs.station_reasons import figure, interval

STEM = "alternatives"
PLAN = "plan"
"""What tolerances are counted from, if not from the bound."""

_FROM = {
    PLAN: "worse than the plan of the run",
    "bound": "worse than the proven limit of all plans",
}
_MOST_CITIES = 14


def write_alternatives(
    tables: Mapping[str, pd.DataFrame],
    about: About,
    folder: Path,
    on_loss: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write the alternatives to a plan into a folder; an earlier one there is replaced.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        ``alternative_plans, alternative_curve, alternative_sites, alternative_hexagons,
        city_steps``, as docs/reasons.md describes them; of ``city_steps``, ``name_en`` names the
        cities if it is there.
    about : About
        The run, and what it minimises or maximises.
    folder : Path
        Where to write.
    on_loss : callable
        Hears of each drawing that could not be made.

    Returns
    -------
    Path
        The folder: ``alternatives.html``, ``.gpkg`` and ``.json``, Parquet and CSV of every
        table, ``data_dictionary.csv``. The same tables and versions give the same bytes.

    Raises
    ------
    InputError
        If the folder holds something else.
    """
    layers = build_layers(tables, ALTERNATIVES, about.unit)
    small = {name: tables[name] for name in (PLANS, CURVE, STEPS) if name in tables}
    page = render_page(describe_alternatives(tables, about), on_loss)
    return write_folder(folder, STEM, about, layers, page, as_json(small, about))


def describe_alternatives(tables: Mapping[str, pd.DataFrame], about: About) -> Content:
    """What the page tells."""
    names = _city_names(tables)
    charts = (_curve(tables[CURVE]), _plans(tables[PLANS]), _steps(tables[STEPS], names, about))
    cities = cities_that_differ(tables[HEXAGONS], tables[SITES], names)
    return Content(
        title=f"Alternatives to {about.title or about.name}",
        subtitle=f"Run {about.name}",
        finding=in_one_sentence(tables),
        cards=_cards(tables),
        how_to_read=(*about.notes, *how_to_read()),
        charts=[chart for chart in charts if chart is not None],
        maps=[map_of_hexagons(tables[HEXAGONS]), *([cities] if cities else [])],
        tables=(_plan_table(tables[PLANS], about), _curve_table(tables[CURVE]),
                _step_table(tables[STEPS], names, about), _site_table(tables[SITES], names)),
        attribution=about.attribution,
    )  # fmt: skip


def in_one_sentence(tables: Mapping[str, pd.DataFrame]) -> str:
    """How many places can differ within the smallest and the largest tolerance."""
    curve = tables[CURVE]
    rows = curve[(curve["counted_from"] == PLAN) & (curve["places_found"] >= 0)].sort_values(
        "within_frac"
    )
    if rows.empty:
        return "No other plan nearly as good was found."
    ends = rows.iloc[[0, -1]] if len(rows) > 1 else rows
    parts = [
        f"{places(row['places_found'])} can differ at a loss of "
        f"{tolerance(row['within_frac'])} at most{_proven(row['places_proven_most'])}"
        for row in records(ends)
    ]
    return f"{', '.join(parts)}."


def how_to_read() -> tuple[str, ...]:
    """What the figures mean, and what they do not."""
    return (
        "Places are counted, not sites: a place is a hexagon, and differs if a plan has a station "
        "there and the plan of the run has none. Twins 300 m apart are one place.",
        "Found: a plan with so many other places is known. Proven at most: no plan within the "
        "tolerance has more. Nothing is known of the numbers between.",
        "Must have and never are told only where they are proven: for the city alone, at the "
        "plan's price of a station and the tolerance stated. Seen in all plans proves nothing: "
        "the next plan may lack the site.",
        "A cost of stations more or fewer takes each from the nation, or gives it back, at the "
        "plan's price of a station. Costs of several cities do not add up.",
    )


def _proven(most: float) -> str:
    return f" (proven: no more than {number(most)})" if most >= 0 else ""


def _count(places: float) -> str:
    """So many places or sites; a dash where no plan is known, or nothing proven."""
    return number(places) if places >= 0 else MISSING


def _cards(tables: Mapping[str, pd.DataFrame]) -> tuple[Card, ...]:
    sites, plans, curve = tables[SITES], tables[PLANS], tables[CURVE]
    counts = sites["label"].value_counts()
    by_plan = curve[curve["counted_from"] == PLAN].sort_values("within_frac")
    others = plans[plans["plan"] != 0]
    return (
        *(
            Card(f"Places that differ within {tolerance(row['within_frac'])}",
                 _count(row["places_found"]), "",
                 f"proven: at most {_count(row['places_proven_most'])}")
            for row in records(by_plan)
        ),
        Card("Plans found", number(len(others)), "",
             f"worse by {percent(others['loss_frac'].max(), 2)} at most" if len(others) else ""),
        Card("Must have, proven", number(counts.get("must_have", 0)), "",
             f"{number(counts.get('seen_in_all', 0))} more seen in all plans"),
        Card("Never, proven", number(counts.get("never", 0)), "",
             f"{number(counts.get('not_seen', 0))} more seen in none"),
    )  # fmt: skip


def _curve(curve: pd.DataFrame) -> Chart | None:
    """Places that differ over the loss: found, and proven at most."""
    if curve.empty:
        return None
    kinds: tuple[tuple[str, str, str, str, list[int]], ...] = (
        ("places_found", PLAN, "found", BLUE, []),
        ("places_proven_most", PLAN, "proven at most", BOUND, []),
        ("places_proven_most", "bound", "proven at most, counted from the bound", AXIS, [5, 3]),
    )
    x = axis("within", "worse by at most [%]", grid=False) | {"scale": padded()}
    y = count_axis("places", "places that differ")
    domain = [text for _, _, text, _, _ in kinds]
    layers: list[Spec] = []
    for column, origin, text, _, dash in kinds:
        # Below 0: no plan is known, or nothing proven.
        rows = curve[(curve["counted_from"] == origin) & (curve[column].astype(float) >= 0)]
        if rows.empty:
            continue
        values = [
            {
                "within": 100 * row["within_frac"],
                "places": float(row[column]),
                "kind": text,
                "says": f"{text}: {number(row[column])} places within "
                f"{tolerance(row['within_frac'])} ({_FROM[origin]})",
            }
            for row in records(rows.sort_values("within_frac"))
        ]
        layers.append(
            {"data": {"values": values}, "layer": [
                {"mark": {"type": "line", "strokeDash": dash, "aria": False,
                          "point": {"filled": True, "size": 60}},
                 "encoding": {"x": x, "y": y, "color": {
                     "field": "kind", "type": "nominal",
                     "scale": {"domain": domain, "range": [kind[3] for kind in kinds]},
                     "legend": {"labelLimit": 0, "columns": 2}}}},
                hover_points(x, y),
            ]}
        )  # fmt: skip
    last = curve[curve["counted_from"] == PLAN].sort_values("within_frac").tail(1)
    title = "How many places can differ"
    if len(last):
        row = last.iloc[0]
        title = (
            f"At a loss of {tolerance(row['within_frac'])}, {places(max(row['places_found'], 0))} "
            f"can differ{_proven(row['places_proven_most'])}"
        )
    return Chart(
        "alternative-curve", title,
        "Places with a station that the plan lacks, over how much worse a plan may be",
        complete({"layer": layers}),
        "Between the lines nothing is known: no plan found differs more, none is proven not to.",
    )  # fmt: skip


def _plans(plans: pd.DataFrame) -> Chart | None:
    """Each plan found: how much worse, and in how many places it differs."""
    others = plans[plans["plan"] != 0]
    if others.empty:
        return None
    values = [
        {
            "loss": 100 * row["loss_frac"],
            "places": float(row["places_differ"]),
            "says": f"plan {number(row['plan'])}: worse by {percent(row['loss_frac'], 2)}, "
            f"{number(row['places_differ'])} places and {number(row['sites_differ'])} sites differ",
        }
        for row in records(others)
    ]
    x = axis("loss", "worse than the plan by [%]", grid=False) | {"scale": padded()}
    y = count_axis("places", "places")
    most = others.iloc[int(others["places_differ"].to_numpy().argmax())]
    title = (
        f"Of {number(len(others))} plans, the one that differs most has "
        f"{number(most['places_differ'])} other places for {percent(most['loss_frac'], 2)}"
    )
    return Chart(
        "alternative-plans", title, "Plans found, by places that differ and what they lose",
        complete({"data": {"values": values},
                  "mark": {"type": "circle", "size": 110, "color": BLUE, "opacity": 0.85},
                  "encoding": {"x": x, "y": y, **says()}}),
    )  # fmt: skip


def _steps(steps: pd.DataFrame, names: Mapping[str, str], about: About) -> Chart | None:
    """What one station fewer and one more would cost in the cities with most stations."""
    rows = steps[steps["step"].isin((-1, 1))]
    if rows.empty:
        return None
    largest = rows.groupby("city_id")["stations"].first().sort_index()
    chosen = largest.sort_values(ascending=False, kind="stable").head(_MOST_CITIES).index
    texts = {-1: "one fewer", 1: "one more"}
    values = [
        {
            "city": names.get(row["city_id"], row["city_id"]),
            "kind": texts[int(row["step"])],
            "low": float(row["cost_low"]),
            "high": float(row["cost_found"]),
            "says": f"{names.get(row['city_id'], row['city_id'])}, {number(row['stations'])} "
            f"stations: {texts[int(row['step'])]} costs "
            f"{interval(row['cost_low'], row['cost_found'])} {about.unit}",
        }
        for city in chosen
        for row in records(rows[rows["city_id"] == city])
        if np.isfinite(row["cost_found"]) and np.isfinite(row["cost_low"])
    ]
    if not values:
        return None
    order = list(dict.fromkeys(value["city"] for value in values))
    colour = {"field": "kind", "type": "nominal",
              "scale": {"domain": list(texts.values()), "range": [VERMILION, BLUE]}}  # fmt: skip
    y = {"field": "city", "type": "nominal", "sort": order,
         "axis": {"title": None, "labelLimit": 140}}  # fmt: skip
    offset = {"field": "kind", "sort": list(texts.values())}
    shared = {"y": y, "yOffset": offset, "color": colour, **says()}
    x = axis("low", about.unit)
    layers: list[Spec] = [
        {"mark": {"type": "bar", "height": 4, "opacity": 0.5},
         "encoding": {"x": x, "x2": {"field": "high"}, **shared}},
        {"mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
         "encoding": {"x": {**x, "field": "high"}, **shared}},
    ]  # fmt: skip
    return Chart(
        "city-steps", "What one station more or fewer costs by city",
        "From what is proven to what is found (dots), in the cities with most stations",
        complete({"data": {"values": values}, "height": {"step": 13}, "layer": layers}),
    )  # fmt: skip


def _plan_table(plans: pd.DataFrame, about: About) -> Table:
    headings = (
        ("Plan", "0 is the plan of the run", True),
        (f"{about.measure.words.name} [{about.unit}]", "Objective of the plan", True),
        ("Worse by [%]", "Share of the run's objective", True),
        ("Stations", "Stations open", True),
        ("Places that differ", "Hexagons with a station that the plan of the run lacks", True),
        ("Sites that differ", "Sites that the plan of the run lacks", True),
        ("Swaps moved [1/day]", "Swaps served from another place than in the plan", True),
        ("Share of new places [%]", "Of the places sought after for this plan", True),
    )
    rows = [
        [number(row["plan"]), exact(row["objective"]), _bare(row["loss_frac"], 3),
         number(row["stations"]), number(row["places_differ"]), number(row["sites_differ"]),
         number(row["moved_swaps_per_day"]), _bare(row["share_of_bonus"], 0)]
        for row in records(plans)
    ]  # fmt: skip
    return Table("plans", "Plans found", "", headings, rows)


def _curve_table(curve: pd.DataFrame) -> Table:
    headings = (
        ("Worse by at most [%]", "Tolerance", True),
        ("Counted from", "What the tolerance is counted from", False),
        ("Places, found", "Most places that differ in a plan found", True),
        ("Places, at most", "Proven: no plan within the tolerance differs in more", True),
        ("Sites, found", "Sites that differ in that plan", True),
    )
    rows = [
        [_bare(row["within_frac"], 2), _FROM[row["counted_from"]], _count(row["places_found"]),
         _count(row["places_proven_most"]), _count(row["sites_found"])]
        for row in records(curve)
    ]  # fmt: skip
    return Table("curve", "How many places can differ", "", headings, rows)


def _step_table(steps: pd.DataFrame, names: Mapping[str, str], about: About) -> Table:
    sizes = sorted(steps["step"].unique())
    headings = (
        ("City", "Name of the city", False),
        ("Stations", "Stations of the plan", True),
        *((f"{number(size) if size < 0 else f'+{number(size)}'} [{about.unit}]",
           "From what is proven to what is found", True) for size in sizes),
    )  # fmt: skip
    costs = {
        (row["city_id"], row["step"]): _cost(row["cost_low"], row["cost_found"])
        for row in records(steps)
    }
    cities = steps.drop_duplicates("city_id").sort_values(
        ["stations", "city_id"], ascending=[False, True]
    )
    rows = [
        [names.get(row["city_id"], row["city_id"]), number(row["stations"]),
         *(costs.get((row["city_id"], size), MISSING) for size in sizes)]
        for row in records(cities)
    ]  # fmt: skip
    return Table("city-steps", "Stations more or fewer by city", "", headings, rows)


def _site_table(sites: pd.DataFrame, names: Mapping[str, str]) -> Table:
    words = {code: text for code, text, *_ in LABELS}
    shown = sites.sort_values(
        ["in_plan", "frequency_frac", "site_id"], ascending=[False, False, True]
    )
    headings = (
        ("Site", "Stable id of the site", False),
        ("City", "Name of the city", False),
        ("In the plan", "Whether the plan of the run has it", False),
        ("In plans [%]", "Share of the plans found that have it", True),
        ("Label", "Proven only where it says so", False),
    )
    rows = [
        [str(row["site_id"]), str(names.get(row["city_id"], row["city_id"])),
         "yes" if row["in_plan"] else "no", _bare(row["frequency_frac"], 0),
         words.get(row["label"], str(row["label"]))]
        for row in shown.head(MOST_ROWS).to_dict("records")
    ]  # fmt: skip
    cut = f"The first {number(MOST_ROWS)} of {number(len(shown))} rows."
    return Table(
        "sites", "Sites", cut if len(shown) > MOST_ROWS else "", headings, rows, printed_rows=40
    )


def _cost(low: float, high: float) -> str:
    """A cost between its ends, or what it is at least where no plan is known."""
    if np.isfinite(low) and not np.isfinite(high):
        return f"at least {figure(low)}"
    return interval(low, high)


def _bare(share: float, decimals: int) -> str:
    return percent(share, decimals).removesuffix(" %")


def _city_names(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    steps = tables[STEPS]
    if "name_en" not in steps:
        return {}
    return dict(zip(steps["city_id"].astype(str), steps["name_en"].astype(str), strict=True))
