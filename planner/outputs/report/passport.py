"""Passport: points that the plan fills, what to ask of the supplier, what is not known."""

import pandas as pd

from planner.outputs.markets import (
    BID_SHEET,
    DECLARATION_STATUS,
    PASSPORT_FLOW,
    PASSPORT_POINT,
    TO_ASK,
)
from planner.outputs.report.charts.passport import before_and_after, points_filled
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, records
from planner.outputs.report.section import Section
from planner.outputs.report.tables import Table, build_table

_POINT_COLUMNS = ("market", "pack_id", "point", "name", "requirement", "action")


def describe_passport(run: RunFiles) -> Section | None:
    """The section of a run that tells of passports, bids or declarations; None for others."""
    flow = run.optional.get(PASSPORT_FLOW, pd.DataFrame())
    further = (
        ("bid-sheet", "Bid sheet: packs beside what their envelopes take", BID_SHEET),
        ("declarations", "Declarations", DECLARATION_STATUS),
    )
    tables = [
        build_table(run, key, title, run.optional[name], name, list(run.optional[name].columns))
        for key, title, name in further
        if len(run.optional.get(name, ()))
    ]
    if flow.empty and not tables:
        return None
    if flow.empty:
        return Section("passport", "Passport", (), (), (), tuple(tables))
    asks = _asks(run)
    return Section(
        "passport",
        "Passport",
        passport_in_words(run),
        (points_filled(run),),
        (_changes(run),),
        (*([asks] if asks else []), *tables),
    )


def passport_in_words(run: RunFiles) -> tuple[str, ...]:
    """How many packs go out with a passport, how much of it is filled, and what is to be asked."""
    flow = run.optional[PASSPORT_FLOW]
    asked = flow[flow["asked"].astype(bool)]
    packs, whole = float(asked["packs"].sum()), float(flow["packs"].sum())
    if asked.empty:
        return (f"None of the {number(whole)} packs delivered needs a passport in its quarter.",)
    points = asked["num_points"].sum()
    shares = ", ".join(
        f"{percent(asked[column].sum() / max(points, 1))} {text}"
        for column, text in (
            ("num_filled", "stand in the plan's data"), ("num_supplier", "are to be asked of the "
             "supplier"), ("num_unknown", "are not known"),
        )
    )  # fmt: skip
    return (
        f"{number(packs)} of {number(whole)} packs delivered need a passport in their quarter, "
        f"the first in {asked['quarter'].min()}.",
        f"Of its points {shares}.",
    )


def _changes(run: RunFiles) -> Table:
    headings = (
        ("Market", "Where the packs are delivered", False),
        ("Pack", "Type of pack", False),
        ("Quarter", "Last one without a passport, first one with it", False),
        ("Category", "ev or industrial, as the rules have it", False),
        ("Passport asked for", "Whether packs of the quarter need one", False),
        ("Packs", "Delivered in the quarter", True),
        ("Points", "Of the passport", True),
        ("Filled", "Stand in the plan's data", True),
        ("To ask", "The supplier has to state them", True),
        ("Unknown", "No source states them", True),
        ("Not asked for", "Not asked for in the quarter", True),
        ("Declared [%]", "Share of the declarations that are held", True),
    )
    rows = [
        [
            row["market"], row["pack_id"], row["quarter"], row["category"],
            "yes" if row["asked"] else "no", number(row["packs"]),
            *(number(row[name]) for name in (
                "num_points", "num_filled", "num_supplier", "num_unknown", "num_not_asked")),
            percent(row["declared_frac"]).removesuffix(" %"),
        ]
        for row in records(before_and_after(run))
    ]  # fmt: skip
    note = "The same pack needs none before the rule begins; from then on each one does."
    return Table("passport-flows", "The same pack before and after", note, headings, rows)


def _asks(run: RunFiles) -> Table | None:
    """Points to be asked of the supplier, once per market and pack, as of the latest quarter."""
    points = run.optional.get(PASSPORT_POINT, pd.DataFrame())
    asks = points[points["status"] == TO_ASK] if len(points) else points
    if asks.empty:
        return None
    latest = asks.sort_values(["market", "pack_id", "point", "quarter"], kind="stable")
    latest = latest.drop_duplicates(["market", "pack_id", "point"], keep="last")
    return build_table(
        run, "passport-asks", "What to ask the supplier", latest, PASSPORT_POINT, _POINT_COLUMNS,
        printed=100,
    )  # fmt: skip
