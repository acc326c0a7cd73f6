"""`markets.html`: a study of markets on one page that opens without a network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from planner.outputs.chemistries import Chemistries, capitalised
from planner.outputs.market_study.charts import (
    USES,
    chance_chart,
    energy_by_market,
    gate_chart,
    price_of_energy,
    who_takes_it,
)
from planner.outputs.report.charts.drawing import Chart, draw
from planner.outputs.report.numbers import MISSING, large, number, percent

PAGE_FILE = "markets.html"


@dataclass(frozen=True)
class MarketsContent:
    """What the page is made of.

    Attributes
    ----------
    name, title : str
    proof : mapping
        ``status, objective_cny, bound_cny, gap_frac, seconds`` of the joint plan.
    titles : mapping of member to str
    names : Chemistries
    limited : tuple of str
        Chemistries that the members share.
    tables : mapping of name to DataFrame
        ``market_quarter, who_first, supply, buyer_quarter, material_quarter``; ``gate_value`` and
        ``date_spread, date_cost`` where they were asked for; ``run`` where members were planned.
    reports : mapping of member to str
        Address of its run's report as seen from the page.
    """

    name: str
    title: str
    proof: Mapping[str, Any]
    titles: Mapping[str, str]
    names: Chemistries
    limited: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame]
    reports: Mapping[str, str]


@dataclass(frozen=True)
class _Head:
    text: str
    is_number: bool


@dataclass(frozen=True)
class _Cell:
    text: str
    href: str = ""


@dataclass(frozen=True)
class _Table:
    key: str
    title: str
    heads: list[_Head]
    rows: list[list[_Cell]]
    note: str


def render_markets(content: MarketsContent) -> str:
    """The whole page as HTML; the same study gives the same text."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = (files("planner.outputs.market_study") / "page.html.j2").read_text(encoding="utf-8")
    style = (files("planner.outputs.report") / "page.css").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        name=content.name,
        title=content.title or content.name,
        proof=_proof(content.proof),
        findings=_findings(content),
        charts=[
            {"chart": chart, "svg": Markup(chart.svg)}
            for chart in draw(_charts(content), lambda _: None)
        ],
        tables=_tables(content),
        page_style=Markup(style),
    )


def _proof(proof: Mapping[str, Any]) -> str:
    told = "proven optimal" if proof["status"] == "OPTIMAL" else "not proven optimal"
    gap = percent(proof["gap_frac"], 4)
    return f"joint pack model {told}, gap {gap}, {number(proof['seconds'], 1)} s"


def _findings(content: MarketsContent) -> list[str]:
    """Who gets each shared chemistry first, in a sentence each."""
    lines = []
    for chemistry in content.limited:
        rows = content.tables["who_first"]
        rows = rows[(rows["chemistry"] == chemistry) & rows["first_delivery"].notna()]
        what = content.names[chemistry].name
        if rows.empty:
            lines.append(f"No market gets {what} packs within the horizon.")
            continue
        parts = []
        for quarter, group in rows.groupby("first_delivery", sort=True):
            parts.append(f"{quarter} {', '.join(dict.fromkeys(group['market']))}")
        lines.append(f"{capitalised(what)} goes first to: {'; then '.join(parts)}.")
    return lines


def _charts(content: MarketsContent) -> list[Chart]:
    tables, names, titles = content.tables, content.names, content.titles
    charts = [
        energy_by_market(tables["market_quarter"], titles, chemistry, names)
        for chemistry in content.limited
    ]
    charts.append(price_of_energy(tables["supply"], names))
    charts += [who_takes_it(tables["supply"], chemistry, names) for chemistry in content.limited]
    if "gate_value" in tables:
        charts.append(gate_chart(tables["gate_value"]))
    if "date_spread" in tables:
        charts += [
            chance_chart(tables["date_spread"], titles, chemistry, names)
            for chemistry in content.limited
        ]
    return charts


def _tables(content: MarketsContent) -> list[_Table]:
    tables = content.tables
    made = [_first_table(content)]
    if "gate_value" in tables:
        made.append(_gate_table(content))
    if len(tables["buyer_quarter"]):
        made.append(_buyer_table(tables["buyer_quarter"]))
    if len(tables["material_quarter"]):
        made.append(_material_table(tables["material_quarter"]))
    if "date_spread" in tables:
        made.append(_spread_table(content))
    if "run" in tables:
        made.append(_run_table(content))
    return made


Shown = tuple[str, str, Callable[[Any], str] | None]
"""Column, heading, and how a number is shown; None for text."""


def _table(
    key: str, title: str, frame: pd.DataFrame, shown: list[Shown], note: str,
    href: Callable[[Mapping[Any, Any], str], str] = lambda row, name: "",
) -> _Table:  # fmt: skip
    heads = [_Head(text, shape is not None) for _, text, shape in shown]
    rows = [
        [_Cell(_text(row[name], shape), href(row, name)) for name, _, shape in shown]
        for row in frame.to_dict("records")
    ]
    return _Table(key, title, heads, rows, note)


def _text(value: Any, shape: Callable[[Any], str] | None) -> str:
    if value is None or value != value:  # NaN alone is not itself
        return MISSING
    return str(value) if shape is None else shape(value)


def _whole(value: float) -> str:
    return number(value)


def _one(value: float) -> str:
    return number(value, 1)


def _three(value: float) -> str:
    return number(value, 3)


def _first_table(content: MarketsContent) -> _Table:
    frame = content.tables["who_first"]
    frame = frame.assign(
        what=[content.names[each].name for each in frame["chemistry"]],
        who=[content.titles[each] for each in frame["member"]],
    )
    shown: list[Shown] = [
        ("place", "Place", _whole), ("what", "Chemistry", None), ("market", "Market", None),
        ("who", "Of", None), ("first_open", "Allowed from", None),
        ("first_delivery", "First packs", None), ("why", "Why", None), ("gwh", "GWh", _three),
        ("share_frac", "Share", percent), ("vehicles_waiting", "Vehicles waiting", _whole),
        ("most_value_cny_per_kwh", "kWh here [CNY]", _one),
        ("price_cny_per_kwh", "Price [CNY/kWh]", _one),
        ("winter_range_km", "Winter range [km]", _whole),
        ("other_range_km", "Of others [km]", _whole),
    ]  # fmt: skip
    if len(content.limited) == 1:
        shown = [each for each in shown if each[0] != "what"]
    note = (
        "By first delivery, then by what a kWh saves there in the first quarter in which it is "
        "allowed (kWh here: in the best city, the pack's lease paid; below 0: packs that stand do "
        "better). The price is what one more kWh made then would save anywhere: a market gets "
        "packs once a kWh saves as much there. Vehicles waiting: without such a pack then. "
        "Winter range: on the coldest design day between two swaps, mean over the vehicles. The "
        "same: who_first.csv; by quarter: market_quarter.csv."
    )
    return _table("first", "Who is first, and why", frame, shown, note)


def _gate_table(content: MarketsContent) -> _Table:
    frame = content.tables["gate_value"]
    frame = frame.assign(
        use=[USES[each] for each in frame["application"]],
        what=[content.names[each].name for each in frame["chemistry"]],
    )
    shown: list[Shown] = [
        ("market", "Market", None), ("use", "Use", None), ("what", "Chemistry", None),
        ("certificate", "Certificate", None), ("scope", "Covers it", None),
        ("opens_low", "Earliest", None), ("opens", "Expected", None),
        ("opens_high", "Latest", None), ("opens_used", "Planned with", None),
        ("opens_earlier", "Instead", None), ("saving_cny", "Saves [CNY]", large),
    ]  # fmt: skip
    note = (
        "What all markets together would save over all quarters if this certificate alone were "
        "held a quarter earlier. 0: another certificate, or the offer, keeps the gate closed. "
        "Below 0: a contract then has to be kept. A dash: the time was over."
    )
    return _table("gates", "Certificates a quarter earlier", frame, shown, note)


def _buyer_table(buyers: pd.DataFrame) -> _Table:
    key = ["buyer", "market", "application", "chemistry", "basis"]
    frame = buyers.groupby(key, sort=False)[["asked_gwh", "served_gwh"]].sum().reset_index()
    closed = buyers[~buyers["is_open"].astype(bool)].groupby(key)["quarter"].nunique()
    index = pd.MultiIndex.from_frame(frame[key])
    frame["closed"] = closed.reindex(index).fillna(0).to_numpy()
    frame["use"] = [USES[each] for each in frame["application"]]
    shown: list[Shown] = [
        ("buyer", "Buyer", None), ("market", "Market", None), ("use", "Use", None),
        ("basis", "Basis", None), ("asked_gwh", "Asked [GWh]", _three),
        ("served_gwh", "Served [GWh]", _three), ("closed", "Quarters closed", _whole),
    ]  # fmt: skip
    note = "Contracts come first, as far as supply and gates reach. By quarter: buyer_quarter.csv."
    return _table("buyers", "Other buyers", frame, shown, note)


def _material_table(materials: pd.DataFrame) -> _Table:
    last = materials.groupby("material", sort=False).last().reset_index()
    most = materials.groupby("material", sort=False)["value_cny_per_kg"].max()
    frame = last.assign(most=most.reindex(last["material"]).to_numpy())
    shown: list[Shown] = [
        ("material", "Material", None), ("available_t", "Available [t]", _whole),
        ("used_t", "Used [t]", _whole), ("most", "A kg more saves at most [CNY]", _one),
    ]  # fmt: skip
    return _table("materials", "Materials", frame, shown, "Up to the last quarter.")


def _spread_table(content: MarketsContent) -> _Table:
    frame = content.tables["date_spread"]
    frame = frame[frame["chemistry"].isin(content.limited)]
    last = frame[frame["quarter"] == frame["quarter"].max()]
    frame = last.assign(
        who=[content.titles[each] for each in last["member"]],
        what=[content.names[each].name for each in last["chemistry"]],
    )
    shown: list[Shown] = [
        ("who", "Market", None), ("what", "Chemistry", None), ("p10_gwh", "P10 [GWh]", _three),
        ("p50_gwh", "P50 [GWh]", _three), ("p90_gwh", "P90 [GWh]", _three),
        ("had_first_frac", "Draws with any", percent),
    ]  # fmt: skip
    low, middle, high = content.tables["date_cost"]["money_cny"].quantile([0.1, 0.5, 0.9])
    note = (
        "All packs of the horizon, over the sampled dates. Packs of all markets, less what other "
        f"buyers' energy is worth, cost {large(low)}, {large(middle)} and {large(high)} CNY at "
        "P10, P50 and P90. By quarter: date_spread.csv; each draw: date_draw.csv, date_cost.csv."
    )
    return _table("dates", "What uncertain dates change", frame, shown, note)


def _run_table(content: MarketsContent) -> _Table:
    frame = content.tables["run"]
    frame = frame.assign(who=[content.titles[each] for each in frame["member"]])
    shown: list[Shown] = [
        ("who", "Market", None), ("state", "State", None), ("status", "Status", None),
        ("swaps_served_frac", "Swaps served", percent), ("num_stations", "Stations", _whole),
        ("capex_cny", "Investment [CNY]", large), ("share_gwh", "Share [GWh]", _three),
        ("used_gwh", "Used of it [GWh]", _three), ("reason", "Reason", None),
    ]  # fmt: skip
    note = (
        "Each market planned by itself, within its share of the joint plan: its stations' packs "
        "are whole and paid for, and its check holds every quarter's deliveries against the share. "
        "The joint plan above counts stations as before a run's first round."
    )

    def href(row: Mapping[Any, Any], name: str) -> str:
        return content.reports.get(str(row["member"]), "") if name == "who" else ""

    return _table("runs", "Each market within its share", frame, shown, note, href)
