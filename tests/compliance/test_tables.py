"""Sheets of a made-up town's flows against its tables and against counting by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner.compliance.facts import read_facts
from planner.compliance.flows import flows_of
from planner.compliance.points import passport_points
from planner.compliance.tables import FLOW_COLUMNS, POINT_COLUMNS, compliance_tables
from planner.errors import InputError
from planner.instance import Instance, read_instance
from planner.outputs.kpi import known_kpis
from tests.made_up_passports import LFP, MARKET_QUARTER, NA, QUARTERS, SUPPLY_FLOW, table

KEY = ["market", "pack_id", "quarter"]


def _point(tables: dict[str, pd.DataFrame], number: int, *key: str) -> pd.Series:
    points = tables["passport_point"]
    rows = points[(points[KEY] == list(key)).all(axis=1) & (points["point"] == number)]
    assert len(rows) == 1
    return rows.iloc[0]


def _sheet(tables: dict[str, pd.DataFrame], *key: str) -> pd.DataFrame:
    points = tables["passport_point"]
    return points[(points[KEY] == list(key)).all(axis=1)].set_index("point")


@pytest.fixture
def told(town: Instance) -> dict[str, pd.DataFrame]:
    return compliance_tables(town, MARKET_QUARTER, SUPPLY_FLOW)[1]


def test_tables_have_the_columns_agreed_on(told: dict[str, pd.DataFrame]) -> None:
    assert set(told) == {"passport_flow", "passport_point", "bid_sheet", "declaration_status"}
    assert tuple(told["passport_flow"].columns) == FLOW_COLUMNS
    assert tuple(told["passport_point"].columns) == POINT_COLUMNS
    assert not told["passport_flow"][KEY].duplicated().any()


def test_only_markets_that_know_a_passport_have_sheets(told: dict[str, pd.DataFrame]) -> None:
    assert set(told["passport_flow"]["market"]) == {"EU", "MY"}


def test_counts_are_those_of_the_points(told: dict[str, pd.DataFrame]) -> None:
    statuses = {
        "num_filled": "filled", "num_supplier": "ask_supplier", "num_unknown": "unknown",
        "num_not_asked": "not_asked",
    }  # fmt: skip
    assert len(told["passport_flow"]) == 2 * 2 * len(QUARTERS)
    for _, flow in told["passport_flow"].iterrows():
        sheet = _sheet(told, *flow[KEY])
        assert flow["num_points"] == len(sheet) == len(passport_points())
        for column, status in statuses.items():
            assert flow[column] == sum(each == status for each in sheet["status"])


def test_a_passport_is_asked_from_its_quarter_on_and_nothing_else_changes(
    told: dict[str, pd.DataFrame],
) -> None:
    flows = told["passport_flow"].set_index(KEY)["asked"]
    assert flows.loc[("EU", NA)].to_dict() == {
        "2026Q4": False, "2027Q1": True, "2027Q3": True, "2028Q3": True,
    }  # fmt: skip
    before, after = _sheet(told, "EU", NA, "2026Q4"), _sheet(told, "EU", NA, "2027Q1")
    assert set(before["status"]) == {"not_asked"}
    assert set(before["action"]) == {"EU asks for a passport from 2027Q1 on"}
    asked = {
        point.number for point in passport_points() if point.requirement["ev"] in ("m", "if_any")
    }
    # By the materials listed, none of them is lead or cadmium: no symbol.
    assert set(after.index[after["status"] != "not_asked"]) == asked - {41}
    differ = before.index[before["value"] != after["value"]]
    assert list(differ) == [9]
    assert after.loc[9, "value"] == "2027Q1"


def test_later_points_come_with_their_dates(told: dict[str, pd.DataFrame]) -> None:
    asked_of = {
        quarter: set(sheet.index[sheet["status"] != "not_asked"])
        for quarter in QUARTERS
        for sheet in [_sheet(told, "EU", LFP, quarter)]
    }
    # The lfp of the town holds lithium, so the report on its sourcing is owed from 2027Q3 on.
    assert asked_of["2027Q3"] - asked_of["2027Q1"] == {19}
    assert asked_of["2028Q3"] - asked_of["2027Q3"] == {20, 21, 22, 23}
    assert _point(told, 20, "EU", LFP, "2027Q3")["action"] == "asked for from 2028Q3 on"
    assert _point(told, 17, "EU", LFP, "2028Q3")["action"] == "no date is set for it yet"


def test_what_is_never_filled_says_why(told: dict[str, pd.DataFrame]) -> None:
    sheet = _sheet(told, "EU", NA, "2027Q1")["action"]
    assert sheet[16] == "not to be filled: points 12, 13 and 15 say it"
    assert sheet[25] == "not to be filled: point 11 says it"
    assert sheet[62] == "not to be filled: it is not of this category of battery"


def test_a_voluntary_passport_is_counted_but_not_asked(told: dict[str, pd.DataFrame]) -> None:
    flows = told["passport_flow"].set_index(KEY)
    malaysia = flows.loc[("MY", NA, "2027Q1")]
    assert not malaysia["asked"]
    assert malaysia["num_filled"] > 0
    # Its gates say nothing of lfp.
    assert flows.loc[("MY", LFP, "2027Q1"), "num_not_asked"] == len(passport_points())


@pytest.mark.parametrize(
    ("number", "column"),
    [(3, "maker"), (10, "mass_kg"), (26, "min_v"), (27, "nominal_v"), (28, "max_v"),
     (31, "cycle_life"), (33, "end_of_life_frac"), (35, "warranty_years"), (59, "cycle_life")],
)  # fmt: skip
def test_what_is_filled_from_packs_is_what_stands_there(
    town: Instance, told: dict[str, pd.DataFrame], number: int, column: str
) -> None:
    for pack_id in (LFP, NA):
        row = _point(told, number, "EU", pack_id, "2027Q1")
        given = town.packs.set_index("pack_id").loc[pack_id, column]
        if pd.isna(given):
            assert (row["status"], row["value"]) == ("ask_supplier", "")
            assert "2027Q1" in row["action"]
            assert "ask" in row["action"]
        else:
            assert row["status"] == "filled"
            assert row["value"] == given or float(row["value"]) == given
            assert row["from_table"] == f"packs.{column}"


def test_capacity_in_ampere_hours_needs_the_voltage(told: dict[str, pd.DataFrame]) -> None:
    known, unknown = (_point(told, 11, "EU", pack, "2027Q1") for pack in (NA, LFP))
    assert (known["status"], known["value"], known["unit"]) == ("filled", "125", "Ah")
    assert float(known["value"]) == pytest.approx(45e3 / 360)
    assert (unknown["status"], unknown["value"], unknown["unit"]) == ("ask_supplier", "56", "kWh")


def test_plants_stand_with_the_shares_of_what_the_use_took(
    told: dict[str, pd.DataFrame],
) -> None:
    row = _point(told, 8, "EU", NA, "2027Q1")
    # Nothing is taken in 2027Q1: its cells are those of 2026Q4, of swap cars alone.
    assert (row["status"], row["value"]) == ("filled", "Yibin (75.0%); Jining (25.0%)")
    row = _point(told, 8, "EU", NA, "2027Q3")
    assert (row["status"], row["value"]) == ("ask_supplier", "Yibin (50.0%)")
    assert "50.0%" in row["action"]
    assert _point(told, 8, "EU", LFP, "2027Q1")["status"] == "ask_supplier"


def test_what_a_chemistry_holds_follows_from_its_materials(
    town: Instance, told: dict[str, pd.DataFrame]
) -> None:
    assert _point(told, 13, "EU", NA, "2027Q1")["value"] == "oxide precursor"
    # 0.005 kg/kWh x 45 kWh of 410 kg is 0.05 %: below what has to be told.
    assert _point(told, 15, "EU", NA, "2027Q1")["value"] == "none"
    assert _point(told, 15, "EU", LFP, "2027Q1")["value"] == "lithium salt, graphite"
    lithium = _point(told, 21, "EU", LFP, "2028Q3")
    assert (lithium["status"], lithium["value"]) == ("filled", "0.25")
    assert _point(told, 21, "EU", NA, "2028Q3")["value"] == "none"
    assert _point(told, 19, "EU", NA, "2027Q3")["status"] == "not_asked"
    assert _point(told, 19, "EU", LFP, "2027Q3")["status"] == "ask_supplier"
    # The materials change places: so does what is said, whatever the chemistry is called.
    swapped = town.materials.assign(
        chemistry=town.materials["chemistry"].map({"lfp": "sodium_ion", "sodium_ion": "lfp"})
    )
    other = compliance_tables(replace(town, materials=swapped), MARKET_QUARTER, SUPPLY_FLOW)[1]
    assert _point(other, 19, "EU", LFP, "2027Q3")["status"] == "not_asked"
    assert _point(other, 19, "EU", NA, "2027Q3")["status"] == "ask_supplier"
    assert _point(other, 21, "EU", NA, "2028Q3")["value"] == "0.25"


def test_a_recycled_share_of_several_materials_is_by_mass(town: Instance) -> None:
    more = table("""
        material       chemistry kg_per_kwh critical hazardous recycled_frac
        lithium-foil   lfp       0.2        true     false     0.65
    """)
    materials = pd.concat([town.materials, more])
    tables = compliance_tables(replace(town, materials=materials), MARKET_QUARTER, SUPPLY_FLOW)[1]
    value = float(_point(tables, 21, "EU", LFP, "2028Q3")["value"])
    assert value == pytest.approx((0.6 * 0.25 + 0.2 * 0.65) / 0.8)
    unknown = materials.assign(recycled_frac=materials["recycled_frac"].replace(0.65, np.nan))
    tables = compliance_tables(replace(town, materials=unknown), MARKET_QUARTER, SUPPLY_FLOW)[1]
    assert _point(tables, 21, "EU", LFP, "2028Q3")["status"] == "ask_supplier"


def test_a_material_without_a_flag_leaves_the_point_open(town: Instance) -> None:
    flags = town.materials["hazardous"].astype("boolean").mask(town.materials.index == 1)
    materials = town.materials.assign(hazardous=flags)
    tables = compliance_tables(replace(town, materials=materials), MARKET_QUARTER, SUPPLY_FLOW)[1]
    row = _point(tables, 13, "EU", NA, "2027Q1")
    assert (row["status"], row["value"]) == ("ask_supplier", "oxide precursor")
    assert "hard carbon" in row["action"]


def test_the_idle_range_is_that_of_the_curves(
    town: Instance, told: dict[str, pd.DataFrame]
) -> None:
    curve = town.curves[
        (town.curves["chemistry"] == "sodium_ion") & (town.curves["quantity"] == "usable_energy")
    ]["temperature_c"]
    assert _point(told, 34, "EU", NA, "2027Q1")["value"] == f"{curve.min():g} to {curve.max():g}"


def test_the_stations_rate_is_a_hint_and_no_test_result(told: dict[str, pd.DataFrame]) -> None:
    row = _point(told, 39, "EU", NA, "2027Q1")
    assert (row["status"], row["value"]) == ("ask_supplier", f"{62.5 / 45:.2f}")


def test_the_footprint_is_known_but_declared_only_by_a_certificate(
    town: Instance, told: dict[str, pd.DataFrame]
) -> None:
    row = _point(told, 17, "EU", NA, "2027Q3")
    assert (row["status"], row["value"]) == ("not_asked", "80 (60 to 100)")
    gate = town.gates.iloc[[0]].assign(
        certificate="EU carbon footprint declaration", asked_from="2027Q3", opens="2028Q1"
    )
    gates = pd.concat([town.gates, gate], ignore_index=True)
    tables = compliance_tables(replace(town, gates=gates), MARKET_QUARTER, SUPPLY_FLOW)[1]
    statuses = {
        quarter: _point(tables, 17, "EU", NA, quarter)["status"] for quarter in QUARTERS[1:]
    }
    assert statuses == {"2027Q1": "not_asked", "2027Q3": "ask_supplier", "2028Q3": "filled"}
    gates.loc[len(town.gates), "binding"] = False  # recommended only: nothing is asked
    tables = compliance_tables(replace(town, gates=gates), MARKET_QUARTER, SUPPLY_FLOW)[1]
    assert _point(tables, 17, "EU", NA, "2028Q3")["status"] == "not_asked"
    one = town.packs.drop(columns=["kgco2e_per_kwh_low", "kgco2e_per_kwh_high"])
    tables = compliance_tables(replace(town, packs=one), MARKET_QUARTER, SUPPLY_FLOW)[1]
    assert _point(tables, 17, "EU", NA, "2027Q3")["value"] == "80"


def test_certificates_and_their_reports_stand_where_they_belong(
    town: Instance, told: dict[str, pd.DataFrame]
) -> None:
    declaration = _point(told, 42, "EU", NA, "2027Q1")
    assert declaration["status"] == "filled"
    assert "doc 12" in declaration["value"].replace("_", " ")
    reports = _point(told, 50, "EU", NA, "2027Q1")
    assert reports["status"] == "filled"
    assert "UN 38.3" in reports["value"]
    assert "passport" not in reports["value"]
    gates = town.gates.assign(evidence=town.gates["evidence"].replace("report_7", None))
    tables = compliance_tables(replace(town, gates=gates), MARKET_QUARTER, SUPPLY_FLOW)[1]
    row = _point(tables, 50, "EU", NA, "2027Q1")
    assert row["status"] == "ask_supplier"
    assert "no report is named for UN 38.3" in row["action"]


def test_columns_and_tables_left_out_are_asked_for(tutorial: Instance, town: Instance) -> None:
    """Only the gates are given: nothing breaks, and less is known."""
    bare = replace(tutorial, gates=town.gates[["market", "chemistry", "certificate", "binding"]]
                   .assign(opens="2026Q4", application=town.gates["application"]))  # fmt: skip
    figures, tables = compliance_tables(bare, MARKET_QUARTER, SUPPLY_FLOW)
    assert set(tables) == {"passport_flow", "passport_point"}
    assert set(figures) == {"flows_with_passport_asked", "passport_fields_known_frac"}
    for number in (3, 10, 13, 15, 26, 27, 28, 33, 35, 50):
        row = _point(tables, number, "EU", NA, "2027Q1")
        assert (row["status"], row["value"]) == ("ask_supplier", ""), number
    # Without dates a passport is asked for from the start.
    assert tables["passport_flow"].set_index(KEY).loc[("EU", NA, "2026Q4"), "asked"]


def test_a_plan_for_markets_without_passport_has_no_sheet(tutorial: Instance) -> None:
    assert compliance_tables(tutorial, MARKET_QUARTER, SUPPLY_FLOW) == ({}, {})


def test_figures_are_what_their_tables_say(town: Instance) -> None:
    figures, tables = compliance_tables(town, MARKET_QUARTER, SUPPLY_FLOW)
    assert set(figures) <= {kpi.name for kpi in known_kpis()}
    flows = tables["passport_flow"]
    assert figures["flows_with_passport_asked"] == flows["asked"].sum() == 6
    asked = {tuple(row) for row in flows[flows["asked"]][KEY].to_numpy()}
    filled = due = 0
    for _, row in tables["passport_point"].iterrows():
        is_due = row["requirement"] == "m" and row["status"] != "not_asked"
        if tuple(row[KEY]) in asked and is_due:
            due += 1
            filled += row["status"] == "filled"
    assert figures["passport_fields_known_frac"] == pytest.approx(filled / due)
    assert due >= 6 * 47


def test_other_buyers_batteries_are_industrial_and_in_no_pack(town: Instance) -> None:
    buyers = table("""
        quarter buyer market application chemistry  served_gwh
        2026Q4  grid  EU     ess         sodium_ion 0.01
        2027Q1  grid  EU     ess         sodium_ion 0.02
        2027Q1  mine  -      off_road    sodium_ion 0.02
        2027Q3  grid  EU     ess         sodium_ion 0
    """)
    _, tables = compliance_tables(town, MARKET_QUARTER, SUPPLY_FLOW, buyers)
    flows = tables["passport_flow"].set_index("pack_id").loc["ess:sodium_ion"]
    assert list(flows["quarter"]) == ["2026Q4", "2027Q1"]
    assert set(flows["category"]) == {"industrial"}
    assert list(flows["asked"]) == [False, True]
    assert flows["packs"].isna().all()
    key = ("EU", "ess:sodium_ion", "2027Q1")
    assert _point(tables, 6, *key)["value"] == "industrial battery"
    assert _point(tables, 8, *key)["value"] == "Jining"
    assert _point(tables, 33, *key)["status"] == "not_asked"
    assert _point(tables, 10, *key)["status"] == "ask_supplier"
    assert "CATL" in _point(tables, 10, *key)["action"]


def test_flows_without_packs_are_none(town: Instance) -> None:
    few = MARKET_QUARTER.assign(delivered_packs=1e-9)
    assert flows_of(read_facts(town), few, SUPPLY_FLOW) == []


def test_shares_of_plants_sum_to_one_where_all_have_names(town: Instance) -> None:
    rng = np.random.default_rng(7)
    facts = read_facts(town)
    for _ in range(20):
        taken = SUPPLY_FLOW.assign(gwh=rng.random(len(SUPPLY_FLOW)), plant=list("ABCDA"))
        for flow in flows_of(facts, MARKET_QUARTER, taken):
            if flow.chemistry == "sodium_ion":
                shares = [share for _, share in flow.plant_shares]
                assert sum(shares) == pytest.approx(1)
                assert shares == sorted(shares, reverse=True)


def test_a_real_instance_has_sheets(tmp_path: Path) -> None:
    nordic = read_instance(Path(__file__).parents[2] / "instances" / "nordic-export")
    packs = nordic.packs["pack_id"].tolist()
    flows = pd.DataFrame(
        [("2027Q4", market, pack, 10.0) for market in ("EU", "NO") for pack in packs],
        columns=["quarter", "market", "pack_id", "delivered_packs"],
    )
    _, tables = compliance_tables(nordic, flows, SUPPLY_FLOW.iloc[:0])
    assert len(tables["passport_point"]) == 2 * len(packs) * len(passport_points())
    asked = tables["passport_flow"].set_index("market")["asked"]
    chemistries = set(nordic.packs["chemistry"])
    assert asked.loc["EU"].any()
    assert not asked.loc["NO"].any()
    assert chemistries


def test_errors_are_told_before_any_table(town: Instance) -> None:
    wrong = town.declarations.assign(point=town.declarations["point"].replace(38, 120))
    with pytest.raises(InputError, match="points 1 to 71"):
        compliance_tables(replace(town, declarations=wrong), MARKET_QUARTER, SUPPLY_FLOW)
