"""A frontier: what more stations or money bring, with what is proven, in words, charts, tables."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.files import write_bytes, write_text
from planner.outputs.palette import BLUE, BOUND, ORANGE, SERVED, VERMILION
from planner.outputs.phases import shades
from planner.outputs.reasons.about import About, exact, value
from planner.outputs.reasons.folder import as_json, write_folder
from planner.outputs.reasons.layers import (
    BOUNDS,
    FRONTIER,
    FRONTIER_SITES,
    FRONTIERS,
    build_layers,
)
from planner.outputs.reasons.maps import plain_map
from planner.outputs.reasons.page import Content, render_page
from planner.outputs.report.cards import Card
from planner.outputs.report.charts.drawing import (
    Chart,
    Spec,
    axis,
    complete,
    count_axis,
    draw,
    hover_points,
    padded,
)
from planner.outputs.report.numbers import large, number, percent
from planner.outputs.report.read import records
from planner.outputs.report.tables import Table

STEM = "frontier"
STATIONS, MONEY, SHARE = "stations", "money_cny", "covered_frac"
_MILLION = 1e6
_MOST_CLASSES = 6
_MOST_DRAWN = 600


def write_frontier(
    tables: Mapping[str, pd.DataFrame],
    about: About,
    folder: Path,
    *,
    over: str = STATIONS,
    on_loss: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write a frontier into a folder; an earlier one there is replaced.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        ``frontier``, by rising ``over``, and where they are known ``frontier_sites`` and
        ``frontier_bounds``, as docs/reasons.md describes them.
    about : About
        The instance's scenario, and what it minimises or maximises.
    folder : Path
        Where to write.
    over : str
        Column that the frontier runs over: ``stations``, ``money_cny`` or ``covered_frac``.
    on_loss : callable
        Hears of each drawing that could not be made.

    Returns
    -------
    Path
        The folder: ``frontier.html``, ``.gpkg``, ``.json``, ``.svg`` and ``.png``, Parquet and
        CSV of both tables, ``data_dictionary.csv``. The same tables and versions give the same
        bytes.

    Raises
    ------
    InputError
        If the folder holds something else.
    """
    layers = build_layers(tables, FRONTIERS, about.unit)
    page = render_page(describe_frontier(tables, about, over), on_loss)
    document = as_json({FRONTIER: tables[FRONTIER]}, about)
    chart = _main(tables, about, over)
    return write_folder(
        folder, STEM, about, layers, page, document, partial(_write_pictures, chart, on_loss)
    )


def describe_frontier(tables: Mapping[str, pd.DataFrame], about: About, over: str) -> Content:
    """What the page tells."""
    frontier = tables[FRONTIER]
    charts = (_main(tables, about, over), _prices(frontier, about, over),
              _shares(frontier, over), _money(frontier, over))  # fmt: skip
    sites = tables.get(FRONTIER_SITES)
    return Content(
        title=f"Frontier of {about.title or about.name}",
        subtitle=f"Scenario {about.name}",
        finding=in_one_sentence(frontier, about, over),
        cards=_cards(frontier, about, over),
        how_to_read=(*about.notes, *how_to_read(about)),
        charts=[chart for chart in charts if chart is not None],
        maps=[] if sites is None or sites.empty else [_map(sites, over)],
        tables=(_table(frontier, about, over),),
        attribution=about.attribution,
    )


def in_one_sentence(frontier: pd.DataFrame, about: About, over: str) -> str:
    """From where to where the frontier goes, and how well it is proven."""
    first, last = frontier.iloc[0], frontier.iloc[-1]
    text = (
        f"From {_at(first[over], over)} to {_at(last[over], over)}, "
        f"{about.measure.words.name.lower()} go from {value(first['objective'])} to "
        f"{value(last['objective'])} {about.unit}"
    )
    worst = float(frontier["gap_frac"].max())
    if not np.isfinite(worst):
        return f"{text}; not every bound is known."
    return f"{text}; no plan is better than these by more than {percent(worst, 2)} anywhere."


def how_to_read(about: About) -> tuple[str, ...]:
    """What the figures mean, and what they do not."""
    better = "more" if about.is_max else "less"
    return (
        "Line: plans that are known. Edge of the band: no plan for that number comes to "
        f"{better}. The bound holds at every number between the points too; plans between them "
        "are not drawn up.",
        "Price: what one more station, or money for one, would bring at most. It falls where "
        "stations share what they serve, and may rise where bounds are loose.",
        "Nested: the plan has every station of the plan before it, so that it can be built in that "
        "order. Nested plans may be a little worse than plans for a single number.",
    )


def _at(amount: float, over: str) -> str:
    if over == MONEY:
        return f"{large(amount)} CNY"
    if over == STATIONS:
        return f"{number(amount)} station{'' if amount == 1 else 's'}"
    return percent(amount)


def _axis_of(over: str) -> tuple[Spec, float]:
    """Encoding of what the frontier runs over, and what its values are multiplied by."""
    if over == MONEY:
        return axis("x", "million CNY for stations", grid=False) | {"scale": padded()}, 1 / _MILLION
    if over == STATIONS:
        return count_axis("x", "stations") | {"scale": padded()}, 1.0
    return axis("x", "share [%]", grid=False) | {"scale": padded()}, 100.0


def _main(tables: Mapping[str, pd.DataFrame], about: About, over: str) -> Chart:
    """The objective with the band up to its bound."""
    frontier = tables[FRONTIER]
    bounds = tables.get(BOUNDS, frontier)
    x, scale = _axis_of(over)
    name = about.measure.words.name
    y = axis("y", f"{name} [{about.unit}]") | {"scale": {"zero": False}}
    values = [
        {
            "x": scale * row[over], "y": row["objective"], "bound": row["bound"],
            "says": f"{_at(row[over], over)}: {value(row['objective'])} {about.unit}, none better "
            f"than {value(row['bound'])} (gap {percent(row['gap_frac'], 2)})",
        }
        for row in records(frontier)
    ]  # fmt: skip
    known = [each for each in values if np.isfinite(each["bound"])]
    limit = [
        {"x": scale * row[over], "bound": row["bound"]}
        for row in records(_thinned(bounds))
        if np.isfinite(row["bound"])
    ]
    layers: list[Spec] = [
        {"data": {"values": known},
         "mark": {"type": "area", "color": BOUND, "opacity": 0.18, "aria": False},
         "encoding": {"x": x, "y": y, "y2": {"field": "bound"}}},
        {"data": {"values": limit},
         "mark": {"type": "line", "color": BOUND, "strokeDash": [5, 3], "strokeWidth": 1.5,
                  "aria": False},
         "encoding": {"x": x, "y": {**y, "field": "bound"}}},
        {"data": {"values": values}, "layer": [
            {"mark": {"type": "line", "color": SERVED, "aria": False,
                      "point": {"color": SERVED, "size": 45, "filled": True}},
             "encoding": {"x": x, "y": y}},
            hover_points(x, y),
        ]},
    ]  # fmt: skip
    return Chart(
        "frontier-objective", in_one_sentence(frontier, about, over).split(";")[0],
        f"{name}: plans (line with dots), and the proven limit of all plans (broken line)",
        complete({"layer": layers}),
        f"The bound is at most {percent(frontier['gap_frac'].max(), 2)} away."
        if np.isfinite(frontier["gap_frac"].max()) else "",
    )  # fmt: skip


def _thinned(bounds: pd.DataFrame) -> pd.DataFrame:
    """So many rows as a chart shows, the last among them."""
    step = -(-len(bounds) // _MOST_DRAWN)
    return bounds.iloc[::-step].iloc[::-1] if step > 1 else bounds


def _line(
    frontier: pd.DataFrame, over: str, column: str, scale: float, title: str, colour: str,
    say: Callable[[Mapping[Any, Any]], str],
) -> Spec | None:  # fmt: skip
    if column not in frontier or not np.isfinite(frontier[column].astype(float)).any():
        return None
    x, x_scale = _axis_of(over)
    y = axis("y", title)
    values = [
        {"x": x_scale * row[over], "y": scale * row[column],
         "says": f"{_at(row[over], over)}: {say(row)}"}
        for row in records(frontier)
        if np.isfinite(row[column])
    ]  # fmt: skip
    return complete(
        {"data": {"values": values}, "layer": [
            {"mark": {"type": "line", "color": colour, "aria": False,
                      "point": {"color": colour, "size": 45, "filled": True}},
             "encoding": {"x": x, "y": y}},
            hover_points(x, y),
        ]}
    )  # fmt: skip


def _prices(frontier: pd.DataFrame, about: About, over: str) -> Chart | None:
    spec = _line(
        frontier, over, "price", 1.0, about.unit, VERMILION,
        lambda row: f"one more brings {value(row['price'])} {about.unit} at most",
    )  # fmt: skip
    if spec is None:
        return None
    known = frontier[np.isfinite(frontier["price"].astype(float))]
    first, last = (value(known["price"].iloc[end]) for end in (0, -1))
    return Chart(
        "frontier-price", f"The price of a station goes from {first} to {last} {about.unit}",
        "What one more station would bring at most", spec,
    )  # fmt: skip


def _shares(frontier: pd.DataFrame, over: str) -> Chart | None:
    if over == SHARE:
        return None
    spec = _line(
        frontier, over, "served_frac", 100.0, "swaps served [%]", BLUE,
        lambda row: f"{percent(row['served_frac'])} of the swaps asked for are served",
    )  # fmt: skip
    if spec is None:
        return None
    ends = (percent(frontier["served_frac"].iloc[end]) for end in (0, -1))
    title = "The share of swaps served goes from {} to {}".format(*ends)
    return Chart("frontier-share", title, "Share of the swaps asked for that is served", spec)


def _money(frontier: pd.DataFrame, over: str) -> Chart | None:
    spec = None
    if over != MONEY:
        spec = _line(
            frontier, over, "cost_cny", 1 / _MILLION, "million CNY", ORANGE,
            lambda row: f"{large(row['cost_cny'])} CNY for stations",
        )  # fmt: skip
    if spec is None:
        return None
    ends = (large(frontier["cost_cny"].iloc[end]) for end in (0, -1))
    title = "Stations take {} to {} CNY".format(*ends)
    return Chart("frontier-money", title, "Money for new stations and plots, without packs", spec)


def _map(sites: pd.DataFrame, over: str) -> Chart:
    """Sites by the number from which on they stand."""
    numbers = np.sort(sites["first_number"].dropna().unique())
    edges = np.unique(
        np.quantile(numbers, np.linspace(0, 1, min(_MOST_CLASSES, len(numbers)) + 1),
                    method="lower")
    )  # fmt: skip
    if len(edges) == 1:
        edges = np.append(edges, edges[0])
    labels = [
        f"from {_at(low, over)} on"
        + (f", below {_at(high, over)}" if rank + 2 < len(edges) else "")
        for rank, (low, high) in enumerate(pairwise(edges))
    ]
    rank = np.clip(np.searchsorted(edges, sites["first_number"], side="right") - 1, 0,
                   len(labels) - 1)  # fmt: skip
    rows = sites.assign(
        says=[f"{site}: stands from {_at(first, over)}" for site, first in
              zip(sites["site_id"], sites["first_number"], strict=True)]
    )  # fmt: skip
    rows["class"] = np.asarray(labels, object)[rank]
    return Chart(
        "frontier-map", f"{number(len(sites))} sites have a station in some plan",
        "Sites by where on the frontier their station first stands",
        plain_map(rows, list(zip(labels, shades(len(labels)), strict=True))),
    )  # fmt: skip


def _cards(frontier: pd.DataFrame, about: About, over: str) -> tuple[Card, ...]:
    first, last = frontier.iloc[0], frontier.iloc[-1]
    nested = frontier["is_nested"].astype(bool) if "is_nested" in frontier else pd.Series([False])
    return (
        Card("Points", number(len(frontier)), "",
             f"{_at(first[over], over)} to {_at(last[over], over)}"),
        Card(about.measure.words.name, value(last["objective"]), "",
             f"{about.unit}, from {value(first['objective'])}"),
        Card("Widest gap", percent(frontier["gap_frac"].max(), 2), "",
             f"mean {percent(frontier['gap_frac'].mean(), 2)}"),
        Card("Price of a station", value(last["price"]), "",
             f"{about.unit}, from {value(first['price'])}"),
        Card("Nested", "yes" if nested.all() else "no" if not nested.any() else "in part", "",
             "whether each plan has all stations of the one before"),
    )  # fmt: skip


def _table(frontier: pd.DataFrame, about: About, over: str) -> Table:
    unit = about.unit
    columns: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
        (SHARE, "Covered [%]", "Share that has to be covered", lambda each: _bare(each, 1)),
        (MONEY, "Money [CNY]", "Most money that a plan may spend", large),
        (STATIONS, "Stations", "Most stations that a plan may have", number),
        ("objective", f"{about.measure.words.name} [{unit}]", "Of the best plan known", exact),
        ("bound", f"Bound [{unit}]", "No plan comes to anything better", exact),
        ("gap_frac", "Gap [%]", "Share of the bound", lambda each: _bare(each, 3)),
        ("served_frac", "Swaps served [%]", "Of those asked for", lambda each: _bare(each, 1)),
        ("cost_cny", "Investment [CNY]", "New money for stations and plots", large),
        ("price", f"Price [{unit}]", "What one more station would bring at most", value),
    )
    shown = [column for column in columns if column[0] in frontier]
    rows = [
        [
            *(write(float(row[name])) if np.isfinite(row[name]) else "–"
              for name, _, _, write in shown),
            *(["yes" if row["is_nested"] else "no"] if "is_nested" in frontier else []),
        ]
        for row in records(frontier)
    ]  # fmt: skip
    nested = (("Nested", "Has all stations of the plan before", False),)
    headings = (
        *((title, meaning, True) for _, title, meaning, _ in shown),
        *(nested if "is_nested" in frontier else ()),
    )
    return Table("points", f"Point by point, over {_title(over)}", "", headings, rows)


def _title(over: str) -> str:
    return {STATIONS: "stations", MONEY: "money", SHARE: "the share covered"}.get(over, over)


def _bare(share: float, decimals: int) -> str:
    return percent(share, decimals).removesuffix(" %")


def _write_pictures(chart: Chart, on_loss: Callable[[str], None], folder: Path) -> None:
    """The chart of the objective for slides and papers, on white."""
    import vl_convert

    spec = dict(chart.spec or {})
    spec["config"] = {**spec["config"], "background": "white"}
    (drawn,) = draw([Chart(chart.key, chart.title, chart.subtitle, spec)], on_loss)
    if drawn.svg:
        write_text(folder / "frontier.svg", drawn.svg)
        write_bytes(folder / "frontier.png", vl_convert.svg_to_png(drawn.svg, scale=2))
