"""A joint plan of two tiny markets: what it proves, what it tells, what members may plan with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planner.instance.dated_gates import QUALIFICATION
from planner.models.packs.solve import solve_pack_assignment
from planner.planning.markets.dates import draw_dates, gate_savings, spread_of_draws
from planner.planning.markets.joint import (
    JointPlan,
    assemble_joint,
    operate_fleets,
    solve_joint,
    with_instances,
)
from planner.planning.markets.members import read_members, shared_instance
from planner.planning.markets.shares import member_supply
from planner.planning.markets.study import Dates, read_market_study
from planner.planning.markets.tables import (
    buyer_rows,
    delivered_gwh,
    market_quarters,
    money_cny,
    supply_rows,
    who_is_first,
)
from planner.planning.shared_supply import assemble_supply
from planner.solving.options import SolveOptions
from planner.solving.status import Status
from tests.market_study_files import GATE, TwoMarkets, two_markets

OPTIONS = SolveOptions(deterministic=True)


def _plan(made: TwoMarkets, **content: Any) -> JointPlan:
    file = made.write(**content)
    study = read_market_study(file)
    members = read_members(study, file)
    problem = assemble_joint(members, operate_fleets(members), shared_instance(study, members))
    return solve_joint(problem, OPTIONS)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> JointPlan:
    return _plan(two_markets(tmp_path_factory.mktemp("markets")))


def _sodium(plan: JointPlan) -> int:
    return plan.problem.chemistries.index("sodium_ion")


def test_it_is_proven(plan: JointPlan) -> None:
    proof = plan.whole.proof
    assert proof.status is Status.OPTIMAL
    assert proof.bound <= proof.objective + 1e-6


def test_members_and_buyers_take_what_is_taken_of_supply(plan: JointPlan) -> None:
    flows = plan.whole.supply_flow.sum(axis=1) / 1e6
    cars = np.sum(delivered_gwh(plan), axis=0)[:, _sodium(plan)]
    assert cars.sum() > 0
    np.testing.assert_allclose(cars, flows[:, 0], atol=1e-9)
    served = buyer_rows(plan).groupby("quarter", sort=False)["served_gwh"].sum()
    np.testing.assert_allclose(served, flows[:, 1:].sum(axis=1), atol=1e-9)
    assert served.sum() == pytest.approx(0.07)  # the contract, all of it
    supply = supply_rows(plan)
    uses = supply[
        [name for name in map(str, supply) if name.endswith("_gwh") and name != "made_gwh"]
    ]
    taken = uses.drop(columns="capacity_gwh").sum(axis=1).cumsum()
    assert (taken <= supply["capacity_gwh"].cumsum() + 1e-9).all()


def test_nothing_goes_abroad_before_the_gate_opens(plan: JointPlan) -> None:
    quarters = market_quarters(plan)
    rows = quarters[(quarters["market"] == "XX") & (quarters["chemistry"] == "sodium_ion")]
    assert rows["open"].tolist() == [False, True, True]
    assert rows["delivered_gwh"].iloc[0] == 0
    first = who_is_first(plan, quarters)
    here, abroad = ({str(k): v for k, v in row.items()} for row in first.to_dict("records"))
    assert (here["market"], abroad["market"]) == ("CN", "XX")
    assert abroad["first_open"] == "2027Q1"
    assert abroad["quarters_closed"] == 1
    assert here["first_open"] == here["first_delivery"] == "2026Q4"
    assert here["place"] == 1
    assert "from 2027Q1 on" in abroad["why"]
    assert first["share_frac"].sum() == pytest.approx(1.0)
    assert abroad["winter_range_km"] < here["winter_range_km"]


def test_where_it_is_delivered_a_kwh_saves_its_price(plan: JointPlan) -> None:
    quarters = market_quarters(plan)
    rows = quarters[(quarters["chemistry"] == "sodium_ion") & (quarters["delivered_gwh"] > 1e-9)]
    assert len(rows)
    assert (rows["most_value_cny_per_kwh"] >= rows["price_cny_per_kwh"] - 1e-6).all()


def test_what_each_member_gets_is_as_good_as_can_be_for_it(plan: JointPlan) -> None:
    """With its share as supply, each member alone reaches what it costs in the joint plan."""
    tables = member_supply(plan, "two")
    total = 0.0
    for member, problem, part in zip(
        plan.problem.members, plan.problem.problems, plan.parts, strict=True
    ):
        table = tables[member.name]
        assert set(table["chemistry"]) == {"sodium_ion"}
        assert table["quarter"].tolist() == list(plan.problem.quarters)
        got = part.delivered.sum(axis=1) @ np.where(
            problem.pack_chemistry_idx == _sodium(plan), problem.pack_kwh, 0.0
        )
        assert (table["gwh"].cumsum() * 1e6 >= got.cumsum() - 4).all()
        own = replace(
            member.instance, supply=table, other_buyers=plan.problem.shared.other_buyers[:0]
        )
        alone = with_instances(plan.problem, {member.name: own})
        index = [each.name for each in plan.problem.members].index(member.name)
        share, _ = assemble_supply(own, plan.problem.chemistries)
        total += solve_pack_assignment(
            replace(alone.problems[index], supply=share), OPTIONS
        ).proof.objective
    assert total == pytest.approx(money_cny(plan), rel=1e-4)
    given = sum(table["gwh"].sum() for table in tables.values())
    made = supply_rows(plan)["capacity_gwh"].sum()
    assert given + buyer_rows(plan)["served_gwh"].sum() <= made + 1e-9


def test_a_gate_earlier_saves_what_it_saves(plan: JointPlan, tmp_path: Path) -> None:
    gates = gate_savings(plan, OPTIONS)
    assert gates["certificate"].tolist() == ["UN 38.3"]
    row = gates.iloc[0]
    assert (row["opens_used"], row["opens_earlier"]) == ("2027Q1", "2026Q4")
    made = two_markets(tmp_path)
    made.change("abroad", "gates", pd.DataFrame([GATE | {"opens": "2026Q4"}]))
    earlier = _plan(made)
    saving = money_cny(plan) - money_cny(earlier)
    assert row["saving_cny"] == pytest.approx(saving, rel=1e-6, abs=1e-3)


def test_a_gate_that_another_keeps_closed_saves_nothing(tmp_path: Path) -> None:
    made = two_markets(tmp_path)
    late = GATE | {"certificate": "R100", "opens": "2027Q2", "opens_low": "", "opens_high": ""}
    made.change("abroad", "gates", pd.DataFrame([GATE, late]))
    gates = gate_savings(_plan(made), OPTIONS).set_index("certificate")
    assert gates.loc["UN 38.3", "saving_cny"] == 0


def test_the_time_limit_leaves_savings_open(plan: JointPlan) -> None:
    gates = gate_savings(plan, SolveOptions(time_limit_s=1e-9))
    assert gates["saving_cny"].isna().all()


def test_draws_reach_both_ends_of_the_dates(plan: JointPlan) -> None:
    drawn = draw_dates(plan, Dates(num=10, seed=1), OPTIONS)
    assert list(drawn.draws) == ["UN 38.3", "draw"]
    assert QUALIFICATION not in drawn.draws
    abroad = drawn.delivered[
        (drawn.delivered["member"] == "abroad") & (drawn.delivered["chemistry"] == "sodium_ion")
    ]
    first = abroad[abroad["gwh"] > 0].groupby("draw")["quarter"].min()
    low, mid, high = (
        set(drawn.draws.loc[where, "draw"])
        for where in (
            drawn.draws["UN 38.3"] < 0.3,
            (drawn.draws["UN 38.3"] >= 0.3) & (drawn.draws["UN 38.3"] < 0.7),
            drawn.draws["UN 38.3"] >= 0.7,
        )
    )
    assert (len(low), len(mid), len(high)) == (3, 4, 3)
    for draws, earliest in ((low, "2026Q4"), (mid, "2027Q1"), (high, "2027Q2")):
        assert (first.reindex(sorted(draws)).dropna() >= earliest).all()
    assert set(drawn.costs["status"]) == {"OPTIMAL"}
    cost = drawn.costs.set_index("draw")["money_cny"]
    assert cost[list(low)].max() <= cost[list(mid)].min() + 1e-6
    assert cost[list(mid)].max() <= cost[list(high)].min() + 1e-6
    spread = spread_of_draws(drawn)
    rows = spread[(spread["member"] == "abroad") & (spread["chemistry"] == "sodium_ion")]
    assert rows["had_first_frac"].is_monotonic_increasing
    assert (rows["p10_gwh"] <= rows["p50_gwh"]).all()
    assert (rows["p50_gwh"] <= rows["p90_gwh"]).all()
    again = draw_dates(plan, Dates(num=10, seed=1), OPTIONS)
    pd.testing.assert_frame_equal(drawn.draws, again.draws)


def test_swap_cars_of_other_markets_are_members_not_buyers(tmp_path: Path) -> None:
    made = two_markets(tmp_path)
    buyers = made.table("home", "other_buyers")
    cars = buyers.assign(buyer="cars abroad", application="swap_car")
    made.change("home", "other_buyers", pd.concat([buyers, cars]))
    plan = _plan(made)
    assert set(plan.problem.supply_labels.buyers["buyer"]) == {"grid storage"}


def test_alike_demand_of_two_members_counts_once(tmp_path: Path, plan: JointPlan) -> None:
    made = two_markets(tmp_path)
    both = _plan(made, other_buyers_of=["home", "abroad"])
    assert buyer_rows(both)["asked_gwh"].sum() == buyer_rows(plan)["asked_gwh"].sum()


@pytest.mark.parametrize("tonnes", [0.0, 60.0, 90.0, 1e6])
def test_shares_need_no_more_material_than_there_is(tmp_path: Path, tonnes: float) -> None:
    """Two kilograms for each kilowatt-hour: 60 tonnes are 30 MWh, a part of what could be made."""
    made = two_markets(tmp_path)
    material = {"material": "precursor", "chemistry": "sodium_ion", "kg_per_kwh": 2.0}
    made.change("home", "materials", pd.DataFrame([material | {"source": "test"}]))
    given = [
        {"material": "precursor", "quarter": quarter, "tonnes": tonnes / 3, "source": "test"}
        for quarter in ("2026Q4", "2027Q1", "2027Q2")
    ]
    made.change("home", "material_supply", pd.DataFrame(given))
    made.change("home", "other_buyers", made.table("home", "other_buyers")[:0])
    plan = _plan(made)
    tables = member_supply(plan, "two")
    shares = pd.concat(tables.values()).groupby("quarter")["gwh"].sum().cumsum()
    available = tonnes / 3 * np.arange(1, 4) / 2.0 / 1000.0
    could = supply_rows(plan).groupby("quarter")["capacity_gwh"].sum().cumsum()
    assert (shares <= np.minimum(available, could) + 1e-9).all()
    got = np.sum(delivered_gwh(plan), axis=0)[:, _sodium(plan)].cumsum()
    assert (shares >= got - 1e-8).all()
    if tonnes == 1e6:
        np.testing.assert_allclose(shares, could, atol=1e-8)
