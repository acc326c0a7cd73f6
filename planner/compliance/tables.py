"""Tables and figures of what each flow of a plan must declare, from the plan's own flow tables."""

import math
from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from planner.compliance.bid_sheet import bid_sheet
from planner.compliance.declared import (
    check_declarations,
    declaration_status,
    declarations_for,
    declared_frac,
)
from planner.compliance.facts import Facts, read_facts
from planner.compliance.flows import Flow, flows_of
from planner.compliance.points import Requirement
from planner.compliance.sheet import SheetRow, Status, passport_asked, sheet_of
from planner.instance import Instance

FLOW_KEY = ("market", "pack_id", "quarter")
FLOW_COLUMNS = (
    *FLOW_KEY, "packs", "category", "asked", "num_points", "num_filled", "num_supplier",
    "num_unknown", "num_not_asked", "declared_frac",
)  # fmt: skip
POINT_COLUMNS = (*FLOW_KEY, *SheetRow.__dataclass_fields__)
_BID_FIGURES = {"mass_kg", "cell_v", "min_v", "nominal_v", "max_v"}


def compliance_tables(
    instance: Instance,
    market_quarter: pd.DataFrame,
    supply_flow: pd.DataFrame,
    buyer_quarter: pd.DataFrame | None = None,
) -> tuple[dict[str, float], dict[str, pd.DataFrame]]:
    """Tell what each flow of a plan must declare, and who knows it.

    Parameters
    ----------
    instance : Instance
    market_quarter : DataFrame
        ``quarter, market, pack_id, delivered_packs``; further columns are not looked at.
    supply_flow : DataFrame
        ``quarter, chemistry, supplier, plant, application, gwh``.
    buyer_quarter : DataFrame, optional
        ``quarter, market, application, chemistry, served_gwh``: what other buyers take, whose
        batteries need passports too where their market is known. Such a flow has
        ``APPLICATION:CHEMISTRY`` as its pack, and no number of packs.

    Returns
    -------
    figures : dict of str to float
        ``flows_with_passport_asked`` and, if any, ``passport_fields_known_frac``: of the points
        that those flows must fill, the share filled; ``packs_declared_frac``: of the packs
        delivered to any market, the share whose every declaration is held (a type without rows
        has none held). A figure without its table is left out.
    tables : dict of str to DataFrame
        ``passport_flow`` and ``passport_point`` where a market knows a passport, of the flows to
        such markets; ``bid_sheet`` where packs have such figures or envelopes have limits;
        ``declaration_status`` where declarations are listed.

    Raises
    ------
    InputError
        If a declaration cannot be used.
    """
    check_declarations(instance)
    facts = read_facts(instance)
    flows = flows_of(facts, market_quarter, supply_flow, buyer_quarter)
    figures: dict[str, float] = {}
    tables: dict[str, pd.DataFrame] = {}
    passports = [flow for flow in flows if facts.knows_passport(flow.market)]
    if passports:
        tables["passport_flow"], tables["passport_point"] = passport_tables(facts, passports)
        figures |= _passport_figures(tables["passport_flow"], tables["passport_point"])
    if len(instance.envelopes) or _BID_FIGURES & set(instance.packs.columns):
        tables["bid_sheet"] = bid_sheet(instance)
    if facts.declarations:
        tables["declaration_status"] = declaration_status(facts, flows)
        figures |= _declared_figures(facts, flows)
    return figures, tables


def passport_tables(facts: Facts, flows: Sequence[Flow]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sheets of some flows, counted and point by point.

    Parameters
    ----------
    facts : Facts
    flows : sequence of Flow

    Returns
    -------
    passport_flow : DataFrame
        A row per flow, columns `FLOW_COLUMNS`; of the points, how many have which status.
    passport_point : DataFrame
        A row per flow and point, columns `POINT_COLUMNS`.
    """
    counted: list[tuple[object, ...]] = []
    pointed: list[tuple[object, ...]] = []
    for flow in flows:
        key = flow.market, flow.pack_id, flow.quarter
        sheet = sheet_of(facts, flow)
        statuses = [row.status for row in sheet]
        declared = declared_frac(declarations_for(facts, flow.pack_id, flow.market), flow.quarter)
        counted.append((
            *key, flow.packs, flow.category, passport_asked(facts, flow).by_law, len(sheet),
            *(statuses.count(status) for status in Status), declared,
        ))  # fmt: skip
        pointed += [(*key, *asdict(row).values()) for row in sheet]
    return (
        pd.DataFrame(counted, columns=list(FLOW_COLUMNS)),
        pd.DataFrame(pointed, columns=list(POINT_COLUMNS)),
    )


def _passport_figures(flows: pd.DataFrame, points: pd.DataFrame) -> dict[str, float]:
    asked = flows[flows["asked"]]
    figures = {"flows_with_passport_asked": float(len(asked))}
    of_asked = points.merge(asked[list(FLOW_KEY)], on=list(FLOW_KEY))
    due = of_asked[
        (of_asked["requirement"] == Requirement.MUST) & (of_asked["status"] != Status.NOT_ASKED)
    ]
    if len(due):
        is_filled = due["status"] == Status.FILLED
        figures["passport_fields_known_frac"] = float(is_filled.mean())
    return figures


def _declared_figures(facts: Facts, flows: Sequence[Flow]) -> dict[str, float]:
    packs = [flow for flow in flows if not math.isnan(flow.packs)]
    total = sum(flow.packs for flow in packs)
    if not total:
        return {}
    declared = sum(
        flow.packs
        for flow in packs
        if declared_frac(declarations_for(facts, flow.pack_id, flow.market), flow.quarter) == 1
    )
    return {"packs_declared_frac": declared / total}
