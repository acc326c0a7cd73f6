"""Certificates: when each is held, what it closes until then, and what a quarter earlier saves."""

import pandas as pd

from planner.outputs.markets import GATE_VALUE, OFFER, closed_gates, tells_gates
from planner.outputs.report.charts.certificates import (
    gates_by_worth,
    gates_on_the_calendar,
    savings_of_gates,
)
from planner.outputs.report.numbers import MISSING, large, number, percent
from planner.outputs.report.read import RunFiles
from planner.outputs.report.section import Section
from planner.outputs.report.tables import Table, build_table

ADAPTED = "adapted"
"""Scope of a standard whose tests were made for another chemistry."""

_SCOPES = {
    "yes": "Covers the chemistry",
    ADAPTED: "Adapted tests",
    "no": "Does not cover it",
    "": "Not stated",
}


def describe_certificates(run: RunFiles) -> Section | None:
    """The section of a run some gate of which is closed for a time; None for others."""
    if not tells_gates(run.optional) or run.optional[GATE_VALUE].empty:
        return None
    charts = (gates_on_the_calendar(run), savings_of_gates(run))
    gates = gates_by_worth(run).drop(columns="row")
    tables = [build_table(
        run, "gates-table", "What each certificate is worth a quarter earlier", gates, GATE_VALUE,
        list(gates.columns), printed=60,
    )]  # fmt: skip
    offers = run.optional.get(OFFER, pd.DataFrame())
    if len(offers):
        tables.append(build_table(
            run, "offers", "From sample to first delivery", offers, OFFER, list(offers.columns),
        ))  # fmt: skip
    return Section(
        "certificates",
        "Certificates",
        certificates_in_words(run),
        tuple(chart for chart in charts if chart is not None),
        (_scopes(run),),
        tuple(tables),
    )


def certificates_in_words(run: RunFiles) -> tuple[str, ...]:
    """How many are closed in the planning quarter, the dearest, and what standards cover."""
    gates = gates_by_worth(run)
    found = []
    quarter = run.scenario.get("planning_quarter")
    if quarter:
        closed = int(closed_gates(gates, str(quarter)).sum())
        found.append(
            f"Of {number(len(gates))} certificates that keep something out for a time, "
            f"{number(closed)} still do in {quarter}."
        )
    top = gates.iloc[0]
    if top["saving_cny"] > 0:
        found.append(
            f"{top['certificate']} in {top['market']} is worth most: held a quarter earlier, it "
            f"would save {large(float(top['saving_cny']))} CNY."
        )
    adapted = int((gates["scope"] == ADAPTED).sum())
    found.append(
        f"{number(adapted)} of these certificates ({percent(adapted / len(gates))}) rest on tests "
        f"made for another chemistry, {number(int((gates['scope'] == 'no').sum()))} on standards "
        "that do not cover the chemistry."
    )
    return tuple(found)


def _scopes(run: RunFiles) -> Table:
    gates = run.optional[GATE_VALUE]
    scope = gates["scope"].fillna("").where(lambda each: each.isin(list(_SCOPES)), "")
    counts = pd.crosstab(gates["market"], scope).reindex(columns=list(_SCOPES), fill_value=0)
    headings = (
        ("Market", "Whose certificates", False),
        ("Certificates", "That close the market for some time and use", True),
        *((text, "Certificates whose standard is so", True) for text in _SCOPES.values()),
        ("Adapted [%]", "Share that rests on tests made for another chemistry", True),
    )
    rows = [
        [
            str(market) or MISSING, number(int(row.sum())),
            *(number(int(row[name])) for name in _SCOPES),
            percent(row[ADAPTED] / row.sum()).removesuffix(" %"),
        ]
        for market, row in counts.iterrows()
    ]  # fmt: skip
    note = "Whether the standard behind a certificate was made for the chemistry."
    return Table("scopes", "What the standards cover", note, headings, rows)
