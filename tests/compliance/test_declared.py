"""Declarations: from when they are held, whose row counts, and which cannot be used."""

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from planner.compliance.declared import (
    check_declarations,
    declarations_for,
    declared_frac,
    status_in,
)
from planner.compliance.facts import read_facts
from planner.compliance.tables import compliance_tables
from planner.errors import InputError
from planner.instance import Instance, read_instance
from planner.planning.pipeline import plan
from tests.made_up_passports import LFP, MARKET_QUARTER, NA, SUPPLY_FLOW


def _point(tables: dict[str, pd.DataFrame], number: int, quarter: str) -> pd.Series:
    rows = tables["passport_point"].set_index(["market", "pack_id", "quarter", "point"])
    return rows.loc[("EU", NA, quarter, number)]


def test_a_declaration_fills_its_point_from_the_quarter_it_is_held(town: Instance) -> None:
    _, tables = compliance_tables(town, MARKET_QUARTER, SUPPLY_FLOW)
    before, after = (_point(tables, 38, quarter) for quarter in ("2027Q1", "2027Q3"))
    assert (before["status"], before["value"]) == ("ask_supplier", "")
    assert before["action"].startswith("asked of CATL already, due in 2027Q3")
    assert (after["status"], after["value"], after["unit"]) == ("filled", "0.9", "mOhm")
    assert after["action"] == "verified by TUV"


def test_what_is_only_asked_for_never_fills(town: Instance) -> None:
    _, tables = compliance_tables(town, MARKET_QUARTER, SUPPLY_FLOW)
    late = _point(tables, 24, "2028Q3")  # due in 2028Q1, and still only asked for
    assert late["status"] == "ask_supplier"
    assert "asked of CATL already" in late["action"]


def test_a_declaration_counts_for_more_than_the_plan(town: Instance) -> None:
    row = town.declarations.iloc[[0]].assign(item="mass", point=10, value="415", held_from="2027Q1")
    rows = pd.concat([town.declarations, row], ignore_index=True)
    _, tables = compliance_tables(replace(town, declarations=rows), MARKET_QUARTER, SUPPLY_FLOW)
    mass = _point(tables, 10, "2027Q1")
    assert (mass["value"], mass["from_table"]) == ("415", "declarations.value")


def test_two_declarations_of_a_point_fill_it_together(town: Instance) -> None:
    first = town.declarations.iloc[[0]].assign(item="nail", point=49, value="no fire")
    second = first.assign(item="crush", value="no smoke", held_from="2028Q1")
    rows = pd.concat([town.declarations, first, second], ignore_index=True)
    _, tables = compliance_tables(replace(town, declarations=rows), MARKET_QUARTER, SUPPLY_FLOW)
    half, both = (_point(tables, 49, quarter) for quarter in ("2027Q3", "2028Q3"))
    assert (half["status"], half["value"]) == ("ask_supplier", "no fire")
    assert (both["status"], both["value"]) == ("filled", "no fire; no smoke")


def test_a_point_declared_not_applicable_is_not_asked(town: Instance) -> None:
    rows = town.declarations.assign(
        point=pd.array([38, None, None, 14, 24], dtype="Int64")  # ISO20400's row gets point 14
    )
    _, tables = compliance_tables(replace(town, declarations=rows), MARKET_QUARTER, SUPPLY_FLOW)
    row = _point(tables, 14, "2027Q1")
    assert (row["status"], row["action"]) == ("not_asked", "declared not applicable")


def test_a_markets_row_stands_in_place_of_the_general_one(town: Instance) -> None:
    facts = read_facts(town)
    items = {
        market: {row["item"]: row["status"] for row in declarations_for(facts, NA, market)}
        for market in ("EU", "MY")
    }
    assert items["EU"]["CE"] == "asked"
    assert items["MY"]["CE"] == "held"
    assert len(items["EU"]) == len(items["MY"]) == 4


def test_share_declared_by_hand(town: Instance) -> None:
    facts = read_facts(town)
    european = declarations_for(facts, NA, "EU")
    # Owed: resistance, CE, renewable; ISO 20400 is not.
    assert declared_frac(european, "2027Q1") == 0
    assert declared_frac(european, "2027Q3") == pytest.approx(1 / 3)
    assert declared_frac(declarations_for(facts, NA, "MY"), "2027Q3") == pytest.approx(2 / 3)
    assert math.isnan(declared_frac(declarations_for(facts, LFP, "EU"), "2027Q3"))
    (none_owed,) = [row for row in european if row["status"] == "not_applicable"]
    assert declared_frac([none_owed], "2027Q3") == 1


def test_packs_with_every_declaration_held(town: Instance) -> None:
    rows = town.declarations.iloc[:3].assign(status="held", held_from=["2027Q3", None, "2027Q3"])
    figures, tables = compliance_tables(
        replace(town, declarations=rows), MARKET_QUARTER, SUPPLY_FLOW
    )
    # Of 4 quarters' 300 of 400 packs, the last two have all; lfp_25 has no declaration at all.
    assert figures["packs_declared_frac"] == pytest.approx(300 * 2 / (400 * 4))
    status = tables["declaration_status"].set_index(["item", "market"])
    assert status.loc[("resistance", ""), "flow_packs"] == 3 * 4 * 300
    assert status.loc[("CE", "EU"), "flow_packs"] == 4 * 300
    assert status.loc[("CE", ""), "flow_packs"] == 2 * 4 * 300


@pytest.mark.parametrize(
    ("status", "held_from", "quarter", "found"),
    [("held", None, "2026Q4", "held"), ("held", "2027Q1", "2026Q4", "asked"),
     ("held", "2027Q1", "2027Q1", "held"), ("asked", "2026Q4", "2027Q1", "asked"),
     ("missing", None, "2027Q1", "missing")],
)  # fmt: skip
def test_status_in_a_quarter(status: str, held_from: str, quarter: str, found: str) -> None:
    assert status_in({"status": status, "held_from": held_from}, quarter) == found


def test_declarations_that_cannot_be_used_are_told_all_at_once(town: Instance) -> None:
    wrong = town.declarations.assign(
        point=pd.array([72, None, None, None, 24], dtype="Int64"),
        held_from=["2027Q3", None, None, "2027Q1", None],
    )
    with pytest.raises(InputError) as caught:
        check_declarations(replace(town, declarations=wrong))
    point, quarter = caught.value.faults
    assert (point.column, point.value, point.id) == ("point", "72", "na_25/resistance")
    assert (quarter.column, quarter.id) == ("held_from", "na_25/ISO20400")
    assert "not_applicable" in quarter.remedy


def test_sound_declarations_and_none_at_all_pass(town: Instance, tutorial: Instance) -> None:
    check_declarations(town)
    check_declarations(tutorial)


def test_a_folder_with_such_a_declaration_is_refused_before_planning(tutorial_copy: Path) -> None:
    text = "pack_id,item,point,status,source\nna_25,CE,88,held,invented\n"
    (tutorial_copy / "declarations.csv").write_text(text, encoding="utf-8")
    read = read_instance(tutorial_copy)
    with pytest.raises(InputError, match=r"declarations \(na_25/CE\), point: 88"):
        plan(read)
