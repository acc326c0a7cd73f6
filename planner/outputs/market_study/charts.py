"""Charts of a study of markets: energy by market and quarter, its price, certificates, dates."""

from collections.abc import Mapping, Sequence

import pandas as pd

from planner.outputs.chemistries import Chemistries, capitalised
from planner.outputs.markets import APPLICATIONS
from planner.outputs.palette import LINE_COLOURS, STATION_TYPE_COLOURS, UNCHANGED
from planner.outputs.report.charts.certificates import bars_of_savings
from planner.outputs.report.charts.drawing import Chart, Spec, axis, complete, says
from planner.outputs.report.numbers import large, number, percent

USES = {**APPLICATIONS, "unused": "nobody"}
_MOST_GATES = 14


def market_colours(members: Sequence[str]) -> tuple[list[str], list[str]]:
    """Domain and range of a scale of colours for members."""
    colours = [STATION_TYPE_COLOURS[k % len(STATION_TYPE_COLOURS)] for k in range(len(members))]
    return list(members), colours


def _quarter(field: str = "quarter") -> Spec:
    return {"field": field, "type": "ordinal", "axis": {"title": None, "grid": False}}


def _coloured(field: str, domain: Sequence[str], colours: Sequence[str]) -> Spec:
    return {
        "field": field, "type": "nominal",
        "scale": {"domain": list(domain), "range": list(colours)},
        "legend": {"columns": 3, "columnPadding": 50, "symbolOpacity": 1, "labelLimit": 0},
    }  # fmt: skip


def energy_by_market(
    quarters: pd.DataFrame, titles: Mapping[str, str], chemistry: str, names: Chemistries
) -> Chart:
    """Energy of new packs by member and quarter, stacked.

    Parameters
    ----------
    quarters : DataFrame
        ``member, quarter, chemistry, delivered_gwh``.
    titles : mapping of member to str
    chemistry : str
    names : Chemistries
    """
    rows = quarters[quarters["chemistry"] == chemistry]
    rows = rows.groupby(["member", "quarter"], sort=False)["delivered_gwh"].sum().reset_index()
    of_member = rows.groupby("member", sort=False)["delivered_gwh"].sum()
    total = float(of_member.sum())
    what = capitalised(names[chemistry].name)
    key, subtitle = f"energy-{chemistry}", "Energy of new packs by market and quarter [GWh]"
    if total <= 0:
        return Chart(key, f"{what}: no market gets any", subtitle, note="Nothing is delivered.")
    most = str(of_member.idxmax())
    title = f"{what}: {titles[most]} gets {percent(of_member[most] / total, 0)} of the packs"
    domain, colours = market_colours([titles[name] for name in titles])
    values = [
        {"quarter": row["quarter"], "market": titles[row["member"]], "gwh": row["delivered_gwh"],
         "says": f"{row['quarter']}, {titles[row['member']]}: {row['delivered_gwh']:.4g} GWh"}
        for row in rows.to_dict("records")
    ]  # fmt: skip
    spec = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "x": _quarter(), "y": axis("gwh", "GWh"), **says(),
            "color": _coloured("market", domain, colours),
        },
    }  # fmt: skip
    return Chart(key, title, subtitle, complete(spec))


def price_of_energy(supply: pd.DataFrame, names: Chemistries) -> Chart:
    """What one more kilowatt-hour made in a quarter would save, by chemistry.

    Parameters
    ----------
    supply : DataFrame
        ``quarter, chemistry, value_cny_per_kwh``.
    names : Chemistries
    """
    key, subtitle = "price", "What one more kWh made in the quarter would save all markets [CNY]"
    rows = supply.groupby(["chemistry", "quarter"], sort=False)["value_cny_per_kwh"].max()
    table = rows.reset_index()
    if table.empty or table["value_cny_per_kwh"].max() <= 0:
        note = "No market would save anything by more of it."
        return Chart(key, "Supply is not scarce", subtitle, note=note)
    at = table.nlargest(1, "value_cny_per_kwh").to_dict("records")[0]
    title = (
        f"A kWh of {names[at['chemistry']].name} is worth most in {at['quarter']}: "
        f"{number(at['value_cny_per_kwh'], 1)} CNY"
    )
    used = list(dict.fromkeys(table["chemistry"]))
    values = [
        {"quarter": row["quarter"], "chemistry": names[row["chemistry"]].name,
         "cny": row["value_cny_per_kwh"],
         "says": f"{row['quarter']}, {names[row['chemistry']].name}: "
                 f"{number(row['value_cny_per_kwh'], 2)} CNY/kWh"}
        for row in table.to_dict("records")
    ]  # fmt: skip
    colour = _coloured("chemistry", [names[c].name for c in used], [names.colour(c) for c in used])
    spec = {
        "data": {"values": values},
        "mark": {"type": "line", "point": {"size": 60}},
        "encoding": {"x": _quarter(), "y": axis("cny", "CNY/kWh"), "color": colour, **says()},
    }
    note = "The same in every market: where it would save more, the plan sends more."
    return Chart(key, title, subtitle, complete(spec), note)


def who_takes_it(supply: pd.DataFrame, chemistry: str, names: Chemistries) -> Chart:
    """What is made of a chemistry in each quarter, by use.

    Parameters
    ----------
    supply : DataFrame
        ``quarter, chemistry, capacity_gwh`` and ``<application>_gwh``.
    chemistry : str
    names : Chemistries
    """
    uses = [name for name in USES if name != "unused"]
    rows = supply[supply["chemistry"] == chemistry].groupby("quarter", sort=False)
    table = rows[["capacity_gwh", *(f"{use}_gwh" for use in uses)]].sum()
    table["unused_gwh"] = table["capacity_gwh"] - table[[f"{use}_gwh" for use in uses]].sum(axis=1)
    table["unused_gwh"] = table["unused_gwh"].clip(lower=0.0)
    total = table["capacity_gwh"].sum()
    what = capitalised(names[chemistry].name)
    cars = table["swap_car_gwh"].sum()
    title = f"{what}: {percent(cars / total if total else None)} of it goes to cars that swap"
    values = [
        {"quarter": quarter, "use": USES[use], "gwh": row[f"{use}_gwh"], "order": place,
         "says": f"{quarter}, {USES[use]}: {row[f'{use}_gwh']:.4g} GWh"}
        for quarter, row in table.iterrows()
        for place, use in enumerate(USES)
        if row[f"{use}_gwh"] > 0
    ]  # fmt: skip
    colours = [*LINE_COLOURS[: len(uses)], UNCHANGED]
    present = {value["use"] for value in values}
    shown = [(name, colour) for name, colour in zip(USES.values(), colours, strict=True)
             if name in present]  # fmt: skip
    spec = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "x": _quarter(), "y": axis("gwh", "GWh"), "order": {"field": "order"}, **says(),
            "color": _coloured("use", [n for n, _ in shown], [c for _, c in shown]),
        },
    }  # fmt: skip
    subtitle = "Capacity of all plants by quarter, and who takes it [GWh]"
    note = "Packs delivered from stock are counted in the quarter in which they are delivered."
    return Chart(f"uses-{chemistry}", title, subtitle, complete(spec), note)


def gate_chart(gates: pd.DataFrame) -> Chart:
    """What certificates a quarter earlier would save, the dearest first.

    Parameters
    ----------
    gates : DataFrame
        ``market, application, certificate, opens_used, opens_earlier, saving_cny``.
    """
    key, subtitle = "gates", "Saving of all markets if the certificate is held a quarter earlier"
    rows = gates[gates["saving_cny"] > 0].head(_MOST_GATES)
    if rows.empty:
        note = "Either each is held in time, or another certificate keeps the same gate closed."
        return Chart(key, "No single certificate earlier would save anything", subtitle, note=note)
    first = rows.iloc[0]
    title = (
        f"{first['certificate']} in {first['market']} a quarter earlier saves "
        f"{large(first['saving_cny'])} CNY"
    )
    named = [
        f"{row['market']}, {row['certificate']}, {USES[row['application']]}"
        for row in rows.to_dict("records")
    ]
    savings = rows["saving_cny"].tolist()
    told = [f"{name}: {large(saving)} CNY" for name, saving in zip(named, savings, strict=True)]
    return Chart(key, title, subtitle, complete(bars_of_savings(named, savings, told), left_px=60))


def chance_chart(
    spread: pd.DataFrame, titles: Mapping[str, str], chemistry: str, names: Chemistries
) -> Chart:
    """How likely each member has had a first pack by each quarter, over sampled dates.

    Parameters
    ----------
    spread : DataFrame
        ``member, quarter, chemistry, had_first_frac``.
    titles : mapping of member to str
    chemistry : str
    names : Chemistries
    """
    rows = spread[spread["chemistry"] == chemistry]
    domain, colours = market_colours([titles[name] for name in titles])
    values = [
        {"quarter": row["quarter"], "market": titles[row["member"]],
         "chance": 100 * row["had_first_frac"],
         "says": f"{titles[row['member']]}, by {row['quarter']}: {percent(row['had_first_frac'])}"}
        for row in rows.to_dict("records")
    ]  # fmt: skip
    spec = {
        "data": {"values": values},
        "mark": {"type": "line", "point": {"size": 50}},
        "encoding": {
            "x": _quarter(), "y": axis("chance", "% of draws"), **says(),
            "color": _coloured("market", domain, colours),
        },
    }  # fmt: skip
    return Chart(
        f"chance-{chemistry}", f"When each market has had {names[chemistry].name} packs",
        "Share of sampled dates in which a first pack came by the quarter", complete(spec),
        "A line may hide another that is alike; date_spread.csv has them all.",
    )  # fmt: skip
