"""Which assumption moves a figure most: each at its low and high end, the others as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from planner.outputs.chemistries import Chemistries
from planner.outputs.kpi import describe_kpi, is_share
from planner.outputs.palette import BLUE, INK, VERMILION
from planner.outputs.report.charts.drawing import Chart, Spec, axis, complete, says
from planner.outputs.report.numbers import percent

ENDS = ("low", "high")
_ROW_PX = 30
_WIDER_FONT_PX = 60
"""Kept free beside the names, for a reader whose font is wider than the one measured with."""
_GIVEN = "ends known"
_COLUMNS = ("sweep", "figure", "figure_title", "assumption", *ENDS, "low_value", "base_value",
            "high_value", "effect")  # fmt: skip


@dataclass(frozen=True)
class Ends:
    """An assumption and the scenarios at its ends.

    Attributes
    ----------
    title : str
        The assumption, for people.
    scenarios, titles : mapping of end to str
        Name of the scenario, and what holds there for people; only the ends that are given.
    """

    title: str
    scenarios: Mapping[str, str]
    titles: Mapping[str, str]


@dataclass(frozen=True)
class Tornado:
    """A sweep of one assumption at a time.

    Attributes
    ----------
    name : str
        Of the sweep.
    figures : tuple of str
        Figures of a run that are compared.
    base : str
        Scenario in which no assumption is changed.
    assumptions : tuple of Ends
    """

    name: str
    figures: tuple[str, ...]
    base: str
    assumptions: tuple[Ends, ...]


def read_tornado(content: Mapping[str, Any]) -> Tornado:
    """A tornado as `study.json` keeps it."""
    return Tornado(
        name=content["name"],
        figures=tuple(content["figures"]),
        base=content["base"],
        assumptions=tuple(Ends(**each) for each in content["assumptions"]),
    )


def tornado_table(
    tornadoes: Sequence[Tornado], catalogue: pd.DataFrame, chemistries: Chemistries
) -> pd.DataFrame:
    """Each figure at both ends of each assumption, the one that moves it most first.

    Parameters
    ----------
    tornadoes : sequence of Tornado
    catalogue : DataFrame
        ``scenario, state, differences`` and the figures of finished scenarios.
    chemistries : Chemistries
        For the figures' titles.

    Returns
    -------
    DataFrame
        ``sweep, figure, figure_title, assumption, low, high`` (what holds at the ends),
        ``low_value, base_value, high_value`` (NaN where a run is not done or lacks the figure;
        the base's where the base is that end), ``effect`` (largest less smallest of the three,
        NaN without a base or any end; those rows last).
    """
    by_name = catalogue.set_index("scenario")
    done = by_name[by_name["state"] == "done"]
    rows = []
    for tornado in tornadoes:
        for figure in tornado.figures:
            title = describe_kpi(figure, chemistries).title
            base = _value(done, tornado.base, figure)
            rows += [
                {
                    "sweep": tornado.name,
                    "figure": figure,
                    "figure_title": title,
                    "assumption": ends.title,
                    **{end: _holds(by_name, ends, end) for end in ENDS},
                    **{
                        f"{end}_value": _value(done, ends.scenarios[end], figure)
                        if end in ends.scenarios
                        else base
                        for end in ENDS
                    },
                    "base_value": base,
                    _GIVEN: sum(
                        not np.isnan(_value(done, scenario, figure))
                        for scenario in ends.scenarios.values()
                    ),
                }
                for ends in tornado.assumptions
            ]
    table = pd.DataFrame(rows, columns=[*_COLUMNS, _GIVEN])
    values = table[["low_value", "base_value", "high_value"]].astype(float)
    known = values["base_value"].notna() & (table[_GIVEN].astype(float) > 0)
    table["effect"] = (values.max(axis=1) - values.min(axis=1)).where(known)
    order = {key: place for place, key in enumerate(
        dict.fromkeys(zip(table["sweep"], table["figure"], strict=True)))}  # fmt: skip
    place = [order[key] for key in zip(table["sweep"], table["figure"], strict=True)]
    table = table.assign(place=place).sort_values(
        ["place", "effect"], ascending=[True, False], kind="stable", ignore_index=True
    )
    return table[list(_COLUMNS)]


def _value(done: pd.DataFrame, scenario: str, figure: str) -> float:
    if scenario not in done.index or figure not in done.columns:
        return np.nan
    return float(done.loc[[scenario], figure].astype(float).iloc[0])


def _holds(catalogue: pd.DataFrame, ends: Ends, end: str) -> str:
    """What holds at an end, for people."""
    if end not in ends.scenarios:
        return "as the base"
    differences = catalogue["differences"].get(ends.scenarios[end], "")
    return ends.titles[end] or str(differences)


def tornado_charts(table: pd.DataFrame, done: pd.DataFrame) -> list[Chart]:
    """A chart per sweep and figure: bars from the base to both ends, the longest on top.

    Parameters
    ----------
    table : DataFrame
        From `tornado_table`.
    done : DataFrame
        ``gap_frac`` of finished scenarios.
    """
    several = len(set(table["sweep"])) > 1
    return [
        _chart(f"{sweep}: " if several else "", f"tornado-{sweep}-{figure}", rows, done)
        for (sweep, figure), rows in table.groupby(["sweep", "figure"], sort=False)
    ]


def _chart(head: str, key: str, rows: pd.DataFrame, done: pd.DataFrame) -> Chart:
    figure, title = str(rows["figure"].iloc[0]), str(rows["figure_title"].iloc[0])
    kpi = describe_kpi(figure, Chemistries({}))
    subtitle = f"{head}{title} at the ends of each assumption, the others as in the base"
    known = rows[rows["effect"].notna()]
    if known.empty:
        return Chart(key, title, subtitle, note="No end is done beside the base yet.")
    times, unit = (100.0, "%") if is_share(figure) else (1.0, "" if kpi.unit == "1" else kpi.unit)
    base = float(known["base_value"].iloc[0]) * times
    bars = [
        {
            "assumption": row["assumption"],
            "end": f"{end} end",
            "from": base,
            "to": row[f"{end}_value"] * times,
            "says": f"{row['assumption']}, {end} end ({row[end]}): "
            f"{row[f'{end}_value'] * times:.4g} {unit}".strip(),
        }
        for row in known.to_dict("records")
        for end in ENDS
        if row[f"{end}_value"] == row[f"{end}_value"]  # NaN alone is not itself
    ]
    y: Spec = {
        "field": "assumption", "type": "nominal", "sort": list(known["assumption"]),
        "scale": {"paddingInner": 0.3},
        "axis": {"title": None, "labelLimit": 320, "grid": False, "domain": False, "ticks": False},
    }  # fmt: skip
    x = axis("to", f"{title} [{unit}]" if unit else title)
    x["scale"] = {"zero": False, "nice": True}
    ends = [f"{end} end" for end in ENDS]
    spec: Spec = {
        "height": _ROW_PX * len(known),
        "layer": [
            {
                "data": {"values": bars},
                "mark": {"type": "bar", "minBandSize": 2},
                "encoding": {
                    "y": y, "x": x, "x2": {"field": "from"},
                    "yOffset": {"field": "end", "sort": ends},
                    "color": {"field": "end", "type": "nominal",
                              "scale": {"domain": ends, "range": [BLUE, VERMILION]}},
                    **says(),
                },
            },
            {
                "data": {"values": [{"to": base, "says": f"base: {base:.4g} {unit}".strip()}]},
                "mark": {"type": "rule", "color": INK, "strokeWidth": 1.5},
                "encoding": {"x": x, **says()},
            },
        ],
    }  # fmt: skip
    first = known.iloc[0]
    note = f"Upright line: the base, {base:.4g} {unit}".rstrip() + "."
    if "gap_frac" in done and done["gap_frac"].notna().any():
        note += (
            f" Runs are proven to {percent(float(done['gap_frac'].max()), 2)} or better: smaller "
            "differences between two may be none."
        )
    moves = f"{first['assumption']} moves it most" if first["effect"] > 0 else "nothing moves it"
    return Chart(key, f"{title}: {moves}", subtitle, complete(spec, left_px=_WIDER_FONT_PX), note)
