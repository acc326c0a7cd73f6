"""A launch is late by the quarters that gate, offer, car or supplier takes, and says so."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from planner.instance import Instance
from planner.plans.brands import brand_tables
from planner.plans.launches import launch_figures, launch_table
from tests.cars import LFP, SODIUM, brands, in_quarters, models, refusals, table

ALWAYS = table(
    "gates", "market chemistry certificate opens binding source",
    [("CN", SODIUM, "GB 38031-2025", "2026Q3", True, "invented")],
)  # fmt: skip


def _launches(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    full = [(model, "CN", pack_id, quarter, packs) for model, pack_id, quarter, packs in rows]
    return table("launches", "model market pack_id quarter packs", full)


def _deliveries(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(quarter, "CN", pack_id, packs) for quarter, pack_id, packs in rows],
        columns=["quarter", "market", "pack_id", "delivered_packs"],
    )


PLENTY = _deliveries(("2026Q4", "na_25", 1e6))


@pytest.fixture(scope="module")
def town(tutorial: Instance) -> Instance:
    return replace(
        in_quarters(tutorial, "2026Q4", "2027Q4"),
        gates=ALWAYS,
        brands=brands(("A", None)),
        car_models=models(("M", "A", None, None, "2026Q1", 10.0)),
        launches=_launches(("M", "na_25", "2027Q1", 1000.0)),
    )


def _only(town: Instance, deliveries: pd.DataFrame = PLENTY, **tables: Any) -> dict[str, Any]:
    rows = launch_table(replace(town, **tables), deliveries)
    assert len(rows) == 1
    return dict(rows.iloc[0])


def test_a_launch_that_can_be_is_not_at_risk(town: Instance) -> None:
    found = _only(town)
    # The pack is on offer from 2026Q4, all else from before.
    assert found["first_possible"] == "2026Q4"
    assert (found["quarters_late"], found["packs_short"]) == (0, 0)
    assert not found["at_risk"]
    assert found["reason"] == ""
    assert found["brand"] == "A"


def _gates(*rows: tuple[str | None, str | None, str]) -> pd.DataFrame:
    """Binding ones: asked_from, opens, application."""
    full = [
        ("CN", SODIUM, f"G{number}", asked, opens, application, True)
        for number, (asked, opens, application) in enumerate(rows)
    ]
    columns = "market chemistry certificate asked_from opens application binding"
    return table("gates", columns, full)


@pytest.mark.parametrize(
    ("tables", "first", "late", "reason"),
    [
        ({"gates": _gates((None, "2027Q3", "swap_car"))}, "2027Q3", 2, "gate G0 opens 2027Q3"),
        ({"gates": _gates((None, None, "swap_car"))}, None, None, "gate G0 has no date"),
        ({"gates": _gates((None, "2027Q3", "ess"))}, "2026Q4", 0, ""),
        # Not asked for before 2027Q1: packs may come in 2026Q4 already.
        ({"gates": _gates(("2027Q1", "2028Q1", "swap_car"))}, "2026Q4", 0, ""),
        # The first opens when the second is asked for: both hold it up.
        (
            {"gates": _gates((None, "2027Q3", "swap_car"), ("2027Q2", "2028Q1", "swap_car"))},
            "2028Q1", 4, "gate G1 opens 2028Q1; gate G0 opens 2027Q3",
        ),
        (
            {"model_chemistries": refusals(("M", SODIUM, "2027Q2"))}, "2027Q2", 1,
            "battery management not released for sodium-ion before 2027Q2",
        ),
        (
            {"model_chemistries": refusals(("M", SODIUM, None))}, None, None,
            "battery management not released for sodium-ion",
        ),
        (
            {"car_models": models(("M", "A", None, None, "2028Q2", 1.0))}, "2028Q2", 5,
            "not on sale with swap packs before 2028Q2",
        ),
        (
            {"car_models": models(("M", "A", "HK", None, "2026Q1", 1.0))}, None, None,
            "M is not sold in CN",
        ),
        (
            {
                "offers": table(
                    "offers", "pack_id market samples_from qualification_quarters lead_quarters",
                    [("na_25", "CN", "2026Q4", 2, 1)],
                )
            },
            "2027Q3", 2, "qualification: first delivery in 2027Q3",
        ),
        (
            {
                "brand_suppliers": table(
                    "brand_suppliers", "brand chemistry supplier exclusive",
                    [("A", SODIUM, "S", True)],
                ),
                "supply": table(
                    "supply", "chemistry quarter gwh supplier", [(SODIUM, "2027Q4", 1.0, "S")]
                ),
            },
            "2027Q4", 3, "no sodium-ion from the brand's only supplier before 2027Q4",
        ),
    ],
)  # fmt: skip
def test_what_makes_it_late(
    town: Instance, tables: dict[str, Any], first: str | None, late: int | None, reason: str
) -> None:
    found = _only(town, **tables)
    assert (found["first_possible"] == first) if first else pd.isna(found["first_possible"])
    assert found["quarters_late"] == late if late is not None else pd.isna(found["quarters_late"])
    assert found["at_risk"] == (late != 0)
    assert found["reason"] == reason


def test_all_that_holds_it_up_is_told_the_last_first(town: Instance) -> None:
    found = _only(
        town, gates=_gates((None, "2027Q2", "swap_car"), (None, None, "swap_car")),
        model_chemistries=refusals(("M", SODIUM, "2027Q3")),
    )  # fmt: skip
    assert found["reason"] == (
        "gate G1 has no date; battery management not released for sodium-ion before 2027Q3; "
        "gate G0 opens 2027Q2"
    )


def test_the_quantile_of_a_certificate_moves_the_launch(town: Instance) -> None:
    gates = table(
        "gates", "market chemistry certificate opens_low opens opens_high binding",
        [("CN", SODIUM, "G", "2027Q1", "2027Q2", "2027Q4", True)],
    )  # fmt: skip
    late = []
    for quantile in (0.1, 0.5, 0.9):
        scenario = town.scenario.model_copy(
            update={"gates": town.scenario.gates.model_copy(update={"quantile": quantile})}
        )
        late.append(_only(town, gates=gates, scenario=scenario)["quarters_late"])
    assert late == [0, 1, 3]


def test_packs_up_to_the_quarter_count_and_earlier_launches_come_first(town: Instance) -> None:
    launches = _launches(
        ("M", "na_25", "2026Q4", 100.0), ("M", "na_25", "2027Q2", 300.0),
        ("M", "lfp_25", "2027Q2", 50.0),
    )  # fmt: skip
    deliveries = _deliveries(
        ("2026Q4", "na_25", 80.0), ("2027Q1", "na_25", 100.0), ("2027Q3", "na_25", 1e6),
        ("2027Q2", "lfp_25", 50.0),
    )  # fmt: skip
    found = launch_table(replace(town, launches=launches), deliveries)
    by_launch = found.set_index(["pack_id", "quarter"])
    assert by_launch["delivered_packs"].to_dict() == {
        ("na_25", "2026Q4"): 80.0, ("na_25", "2027Q2"): 180.0, ("lfp_25", "2027Q2"): 50.0,
    }  # fmt: skip
    # The first lacks 20 and gets them in 2027Q1; of 400 in all 180 have come by 2027Q2.
    assert by_launch["packs_short"].to_dict() == {
        ("na_25", "2026Q4"): 20.0, ("na_25", "2027Q2"): 220.0, ("lfp_25", "2027Q2"): 0.0,
    }  # fmt: skip
    assert by_launch["reason"]["na_25", "2027Q2"] == (
        "supply: the plan has 80 of 300 packs for it by 2027Q2"
    )
    assert launch_figures(found) == {
        "launches": 3, "launches_at_risk": 2, "launch_packs_short": 240.0,
    }  # fmt: skip


def test_beyond_the_plan_only_what_it_delivers_counts(town: Instance) -> None:
    before = _only(town, launches=_launches(("M", "lfp_25", "2026Q2", 10.0)))
    assert before["quarters_late"] == 0
    assert before["reason"] == "supply: the plan delivers nothing before 2026Q4"
    deliveries = _deliveries(("2027Q4", "lfp_25", 4.0))
    after = _only(town, deliveries, launches=_launches(("M", "lfp_25", "2029Q1", 10.0)))
    assert after["reason"] == (
        "supply: the plan has 4 of 10 packs for it by 2027Q4, its last quarter"
    )


def test_launches_of_other_markets_are_left_out(town: Instance) -> None:
    launches = _launches(("M", "na_25", "2027Q1", 10.0)).assign(market="HK")
    found = launch_table(replace(town, launches=launches), PLENTY)
    assert found.empty
    assert launch_figures(found) == {
        "launches": 0, "launches_at_risk": 0, "launch_packs_short": 0.0,
    }  # fmt: skip


def test_launches_stand_beside_the_brands(town: Instance) -> None:
    nobody = pd.DataFrame(columns=["quarter", "city_id", "vehicle_id", "vehicles"])
    figures, tables = brand_tables(town, nobody.assign(pack_id=""), nobody, PLENTY)
    assert set(tables) == {"brand_quarter", "car_model", "launch"}
    assert figures["launches_at_risk"] == 0
    assert LFP in set(town.packs["chemistry"])
