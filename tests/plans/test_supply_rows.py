"""Each rule on supply, buyers, gates, offers and models: a plan that breaks it is told so."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pandas as pd
import pytest

from planner.errors import CheckError
from planner.instance import Instance
from planner.physics.climate import city_climate
from planner.planning.check_plan import check_plan
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from planner.plans import Plan
from planner.plans.derived import Derived, derive
from planner.plans.pack_rows import pack_violations
from planner.plans.supply_rows import supply_violations
from tests.cars import refusals
from tests.markets import two_markets

Spoil = Callable[[Plan], Plan]


@pytest.fixture(scope="module")
def planned(tutorial: Instance) -> Planned:
    return plan(two_markets(tutorial))


@pytest.fixture(scope="module")
def derived(planned: Planned) -> Derived:
    return derive(planned.instance, city_climate(planned.instance))


def _told(planned: Planned, derived: Derived, changed: Plan) -> str:
    found: Iterator[str] = pack_violations(
        planned.instance, changed, planned.evaluation.periods, derived
    )
    return "\n".join(found)


def test_the_plan_itself_keeps_every_rule(planned: Planned) -> None:
    assert not list(supply_violations(planned.instance, planned.plan))
    kpi = check_plan(planned.instance, planned.plan).kpi
    assert kpi["contracts_behind_gates_gwh"] == pytest.approx(0.008)


def _scaled(frame: str, column: str, factor: float, **where: str) -> Spoil:
    """Rows of a table multiplied."""

    def spoil(plan: Plan) -> Plan:
        table = getattr(plan, frame).copy()
        rows = pd.Series(True, index=table.index)
        for name, value in where.items():
            rows &= table[name] == value
        assert rows.any(), where
        table.loc[rows, column] *= factor
        return replace(plan, **{frame: table})

    return spoil


def _relabelled(frame: str, column: str, value: str | float, **where: str) -> Spoil:
    def spoil(plan: Plan) -> Plan:
        table = getattr(plan, frame).copy()
        rows = pd.Series(True, index=table.index)
        for name, each in where.items():
            rows &= table[name] == each
        assert rows.any(), where
        table.loc[rows, column] = value
        return replace(plan, **{frame: table})

    return spoil


def _unfilled(plan: Plan) -> Plan:
    """What the grid's contract gets of a plant for all uses in 2027Q4 goes to machines."""
    flow, buyers = plan.supply_flow.copy(), plan.buyers.copy()
    moved = 0.001
    for table, column, where, sign in (
        (flow, "gwh", {"plant": "north", "application": "ess"}, -1),
        (flow, "gwh", {"plant": "north", "application": "off_road"}, 1),
        (buyers, "served_gwh", {"buyer": "grid", "market": "CN"}, -1),
    ):
        rows = table["quarter"] == "2027Q4"
        for name, value in where.items():
            rows &= table[name] == value
        assert rows.sum() == 1, where
        table.loc[rows, column] += sign * moved
    return replace(plan, supply_flow=flow, buyers=buyers)


BROKEN: list[tuple[Spoil, str]] = [
    (_scaled("supply_made", "gwh", 1.5, quarter="2027Q4", plant="north"),
     r"2027Q4: 0\.018000 GWh of sodium_ion / cells / north / series are made, 0\.012000 can be"),
    (_scaled("supply_made", "gwh", 0.5, quarter="2027Q1", plant="north"),
     r"202\dQ\d: more of sodium_ion / cells / north / series is taken than was made"),
    (_relabelled("supply_flow", "application", "off_road", plant="south", quarter="2027Q4"),
     r"2027Q4: cells of sodium_ion / cells / south / ess / series go to off_road"),
    (_relabelled("supply_flow", "application", "swap_car", kind="pilot", quarter="2027Q2"),
     r"2027Q2: cells of sodium_ion / start-up / pilot go to swap_car"),
    (_scaled("supply_flow", "gwh", 0.5, application="swap_car", quarter="2027Q1"),
     r"2027Q1: 0\.\d+ GWh of sodium_ion go to swap_car, 0\.\d+ are taken from its sources"),
    (_scaled("supply_flow", "gwh", -1.0, quarter="2027Q4"), "an amount of supply is negative"),
    (_scaled("supply_made", "gwh", 1.2, quarter="2027Q2"),
     r"2027Q2: \d+\.\d+ t of precursor are used, 90\.000000 are available"),
    (_scaled("buyers", "served_gwh", 2.0, buyer="cars", quarter="2027Q1"),
     r"2027Q1: cars gets 0\.004000 GWh of sodium_ion, 0\.002000 are asked for"),
    (_relabelled("buyers", "quarter", "2026Q4", buyer="grid", market="EU", quarter="2027Q1"),
     r"2026Q4: grid gets sodium_ion for ess in EU while a gate is closed"),
    (_relabelled("buyers", "buyer", "nobody", buyer="cars", quarter="2027Q1"),
     "2027Q1: nobody gets sodium_ion that was not asked for"),
    (_unfilled, r"sodium_ion goes to off_road without a contract, while grid lacks 0\.001000 GWh"),
    (_scaled("pack_flows", "delivered", 0.9, pack_id="na_25", quarter="2027Q1"),
     r"2027Q1: 9\d\.\d+ packs na_25 are ordered for CN, the least order is 100"),
    (_relabelled("pack_flows", "quarter", "2026Q4", pack_id="na_25", quarter="2027Q1"),
     "pack na_25 is placed in CN in 2026Q4; it is not on offer before 2027Q1"),
    (_relabelled("pack_flows", "quarter", "2027Q1", city_id="town_e", pack_id="na_25",
                 quarter="2027Q2"),
     "pack na_25 is placed in EU in 2027Q1; it is not on offer before 2027Q2"),
    (_relabelled("pack_flows", "delivered", 5.0, city_id="town_e", pack_id="lfp_25",
                 quarter="2027Q2"),
     "lfp is placed in EU in 2027Q2 without passport"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "expected"), BROKEN)
def test_rejects(planned: Planned, derived: Derived, spoil: Spoil, expected: str) -> None:
    told = _told(planned, derived, spoil(planned.plan))
    assert re.search(expected, told), told


def test_rejects_packs_used_before_they_may_have_come(planned: Planned, derived: Derived) -> None:
    """LFP packs that came before the passport was asked for stay in use; sodium must wait."""
    periods = planned.evaluation.periods
    is_lfp = (periods["quarter"] == "2027Q2") & (periods["pack_id"] == "lfp_25")
    assert periods.loc[is_lfp, "vehicles"].sum() > 0
    early = periods.copy()
    at = (early["pack_id"] == "na_25") & (early["quarter"] == "2027Q1")
    early.loc[at, "city_id"] = planned.instance.cities["city_id"].iloc[1]
    told = "\n".join(pack_violations(planned.instance, planned.plan, early, derived))
    assert "pack na_25 is used in EU in 2027Q1; it is not on offer before 2027Q2" in told


def test_rejects_more_cars_than_accept(planned: Planned, derived: Derived) -> None:
    """The same plan for an instance whose cars take sodium later than it was planned with."""
    stricter = replace(
        planned.instance,
        model_chemistries=refusals(
            ("Crater", "sodium_ion", "2027Q3"), ("Ray", "sodium_ion", "2027Q3")
        ),
    )
    told = "\n".join(
        pack_violations(stricter, planned.plan, planned.evaluation.periods, derived)
    )  # fmt: skip
    assert "have packs of sodium_ion, 0.000 accept them" in told


def test_rejects_more_carbon_than_the_cap(planned: Planned, derived: Derived) -> None:
    scenario = planned.instance.scenario
    packs = scenario.packs.model_copy(update={"carbon_cap_kt": 5.0})
    capped = replace(planned.instance, scenario=scenario.model_copy(update={"packs": packs}))
    told = "\n".join(pack_violations(capped, planned.plan, planned.evaluation.periods, derived))
    assert "kt, packs.carbon_cap_kt is 5" in told


def test_rejects_a_later_quantile(planned: Planned, derived: Derived) -> None:
    """At the latest date R100 opens in 2027Q4 only."""
    scenario = planned.instance.scenario
    gates = scenario.gates.model_copy(update={"quantile_of": {"R100": 0.9}})
    late = replace(planned.instance, scenario=scenario.model_copy(update={"gates": gates}))
    told = "\n".join(pack_violations(late, planned.plan, planned.evaluation.periods, derived))
    assert "sodium_ion is placed in EU in 2027Q2 without R100" in told


def test_labels_are_checked_first(planned: Planned) -> None:
    twice = pd.concat([planned.plan.buyers, planned.plan.buyers.head(1)], ignore_index=True)
    with pytest.raises(CheckError, match="buyers: 1 rows repeat the key"):
        check_plan(planned.instance, replace(planned.plan, buyers=twice))
    unknown = planned.plan.supply_flow.assign(application="boats")
    with pytest.raises(CheckError, match="application boats is not known"):
        check_plan(planned.instance, replace(planned.plan, supply_flow=unknown))
