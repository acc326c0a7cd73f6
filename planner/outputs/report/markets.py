"""Supply and markets: who gets which cells, who is left short, what limits it and what it costs."""

import pandas as pd

from planner.outputs.chemistries import capitalised
from planner.outputs.markets import (
    BUYER_QUARTER,
    MARKET_QUARTER,
    MATERIAL_QUARTER,
    SUPPLY_FLOW,
    SUPPLY_SOURCE,
    application_name,
)
from planner.outputs.report.charts.markets import (
    gwh_by_market,
    limited_materials,
    materials_used,
    price_of_a_kwh,
    supply_by_use,
)
from planner.outputs.report.numbers import MISSING, number, percent
from planner.outputs.report.read import RunFiles, largest_by, records, sum_by
from planner.outputs.report.section import Section
from planner.outputs.report.tables import Table, build_table

_LEAST_GWH = 5e-7
"""Less is rounding."""


def describe_supply(run: RunFiles) -> Section | None:
    """The section of a run that tells who gets cells and packs; None where nothing is told."""
    told = (SUPPLY_FLOW, BUYER_QUARTER, MARKET_QUARTER, MATERIAL_QUARTER)
    if not any(len(run.optional.get(name, ())) for name in told):
        return None
    charts = (supply_by_use(run), gwh_by_market(run), price_of_a_kwh(run), materials_used(run))
    few = (_sources(run), _buyers(run), _materials(run))
    flow = run.optional.get(SUPPLY_FLOW, pd.DataFrame())
    tables = (
        _rows(run, "supply-flow", "Cells from plant to use", SUPPLY_FLOW, flow),
        _rows(run, "market-quarter", "Packs by market and quarter", MARKET_QUARTER,
              run.optional.get(MARKET_QUARTER, pd.DataFrame())),
    )  # fmt: skip
    return Section(
        "supply-markets",
        "Supply and markets",
        supply_in_words(run),
        tuple(chart for chart in charts if chart is not None),
        tuple(table for table in few if table is not None),
        tuple(table for table in tables if table is not None),
    )


def supply_in_words(run: RunFiles) -> tuple[str, ...]:
    """Who gets the cells, which contracts are short, and which material is the tightest."""
    found = []
    flow = run.optional.get(SUPPLY_FLOW, pd.DataFrame())
    if len(flow):
        total = float(flow["gwh"].sum())
        by_use = flow.groupby("application")["gwh"].sum().sort_values(ascending=False)
        parts = ", ".join(
            f"{application_name(str(use))} {number(gwh, 3)} GWh" for use, gwh in by_use.items()
        )
        found.append(
            f"Of {number(total, 3)} GWh of cells that have a limit, made up to "
            f"{flow['quarter'].max()}: {parts}."
        )
    found.append(_short_in_words(run))
    materials = limited_materials(run)
    if len(materials):
        top = largest_by(materials, "used_frac")
        found.append(
            f"{capitalised(str(top['material']))} is the tightest material: "
            f"{percent(top['used_frac'])} of what is to be had is used by {top['quarter']}."
        )
    return tuple(filter(None, found))


def _short_in_words(run: RunFiles) -> str:
    buyers = run.optional.get(BUYER_QUARTER, pd.DataFrame())
    contracts = buyers[buyers["basis"] == "contract"] if len(buyers) else buyers
    if contracts.empty:
        return ""
    short = contracts[contracts["short_gwh"] > _LEAST_GWH]
    if short.empty:
        return "Every contract of other buyers is served in full."
    why = short.groupby("limited_by")["short_gwh"].sum().sort_values(ascending=False)
    reasons = ", ".join(
        f"{number(gwh, 3)} GWh for want of {_WANTS.get(str(each), str(each))}"
        for each, gwh in why.items()
    )
    return (
        f"Contracts of other buyers are short of {number(float(short['short_gwh'].sum()), 3)} of "
        f"{number(float(contracts['asked_gwh'].sum()), 3)} GWh: {reasons}."
    )


_WANTS = {"gate": "a certificate", "supply": "cells", "price": "a higher price", "": "more"}
"""What a buyer lacks, by what limits the sale."""


def _rows(run: RunFiles, key: str, title: str, name: str, frame: pd.DataFrame) -> Table | None:
    """All rows of a table of the run; None if there is none."""
    if frame.empty:
        return None
    return build_table(run, key, title, frame, name, list(frame.columns), printed=60)


def _sources(run: RunFiles) -> Table | None:
    source = run.optional.get(SUPPLY_SOURCE, pd.DataFrame())
    if source.empty:
        return None
    keys = ["chemistry", "supplier", "plant", "made_for", "kind"]
    named = source.assign(**{key: source[key].fillna("") for key in keys})
    sums = sum_by(named, keys, ["capacity_gwh", "made_gwh", "used_gwh"])
    headings = (
        ("Cell chemistry", "Of the cells", False),
        ("Supplier", "Who sells them", False),
        ("Plant", "Where they are made", False),
        ("Made for", "The only use they are made for; any if none is named", False),
        ("Kind", "pilot: before series approval, never for swap cars", False),
        ("Could make [GWh]", "All quarters of the plan", True),
        ("Makes [GWh]", "All quarters of the plan", True),
        ("Makes [%]", "Of what it could", True),
        ("Goes to users [GWh]", "All quarters of the plan; the rest stays in store", True),
    )
    rows = [
        [
            run.chemistries.nickname(row["chemistry"]), *(row[key] or MISSING for key in keys[1:3]),
            application_name(row["made_for"]) or "any use", row["kind"] or MISSING,
            *(number(row[name], 3) for name in ("capacity_gwh", "made_gwh")),
            percent(row["made_gwh"] / row["capacity_gwh"] if row["capacity_gwh"] else None)
            .removesuffix(" %"),
            number(row["used_gwh"], 3),
        ]
        for row in records(sums)
    ]  # fmt: skip
    return Table("sources", "Plants, all quarters together", "", headings, rows)


def _buyers(run: RunFiles) -> Table | None:
    buyers = run.optional.get(BUYER_QUARTER, pd.DataFrame())
    if buyers.empty:
        return None
    keys = ["buyer", "market", "application", "chemistry", "basis"]
    named = buyers.assign(**{key: buyers[key].fillna("") for key in (*keys, "limited_by")})
    sums = sum_by(named, keys, ["asked_gwh", "served_gwh", "short_gwh"])
    short = named[named["short_gwh"] > _LEAST_GWH]
    limits = short.groupby(keys)["limited_by"].agg(lambda each: ", ".join(sorted({*each} - {""})))
    headings = (
        ("Buyer", "Who buys cells beside the plan's own vehicles", False),
        ("Market", "Market whose gates apply", False),
        ("Use", "What the cells are for", False),
        ("Cell chemistry", "Of the cells", False),
        ("Basis", "contract: before all that has a price; price: where it pays", False),
        ("Asked for [GWh]", "All quarters of the plan", True),
        ("Served [GWh]", "All quarters of the plan", True),
        ("Short [GWh]", "Asked for and not served", True),
        ("Limited by", "gate: certificates; supply: cells; price: worth more elsewhere", False),
    )
    rows = [
        [
            row["buyer"], row["market"] or MISSING, application_name(row["application"]),
            run.chemistries.nickname(row["chemistry"]), row["basis"],
            *(number(row[name], 3) for name in ("asked_gwh", "served_gwh", "short_gwh")),
            limits.get(tuple(row[key] for key in keys), "") or MISSING,
        ]
        for row in records(sums.sort_values(["short_gwh", *keys], ascending=[False] + [True] * 5))
    ]  # fmt: skip
    return Table("buyers", "Other buyers, all quarters together", "", headings, rows)


def _materials(run: RunFiles) -> Table | None:
    frame = limited_materials(run)
    if frame.empty:
        return None
    tightest = frame.loc[frame.groupby("material")["used_frac"].idxmax()]
    headings = (
        ("Material", "What cells are made of", False),
        ("Tightest in", "Quarter by which the largest share is used", False),
        ("To be had [t]", "From qualified suppliers, up to that quarter", True),
        ("Used [t]", "Up to that quarter", True),
        ("Used [%]", "Of what is to be had", True),
        ("Worth [CNY/kg]", "What one more kilogram then would save", True),
    )
    rows = [
        [
            row["material"], row["quarter"], number(row["available_t"], 1),
            number(row["used_t"], 1), percent(row["used_frac"]).removesuffix(" %"),
            number(row["value_cny_per_kg"], 2),
        ]
        for row in records(tightest.sort_values("used_frac", ascending=False))
    ]  # fmt: skip
    return Table("materials-table", "Materials, each when it is tightest", "", headings, rows)
