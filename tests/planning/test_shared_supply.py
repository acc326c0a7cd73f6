"""One supply for all uses: contracts first, flows are what is delivered, all tables at once."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from planner.instance import Instance, read_instance
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.models.packs.solve import solve_pack_assignment
from planner.physics.climate import city_climate
from planner.physics.fleet import FleetOperation, operate_fleet
from planner.planning.earlier_gates import earlier_gates, opened_problem
from planner.planning.pack_labels import label_packs
from planner.planning.packs import (
    PackLabels,
    StationAnswer,
    assemble_pack_assignment,
)
from planner.planning.pipeline import plan
from planner.planning.result import Planned
from planner.planning.shared_supply import contract_cny_per_kwh, label_supply
from planner.plans import Plan
from planner.plans.supply_rows import supply_used, supply_violations
from planner.solving.options import SolveOptions
from tests.cars import in_quarters
from tests.conftest import TUTORIAL
from tests.markets import QUARTERS, buyers, gates, materials, offers, supply, two_markets

OPTIONS = SolveOptions(deterministic=True)
Asked = tuple[PackAssignmentProblem, PackLabels, PackAssignment]


@pytest.fixture(scope="module")
def towns(tutorial: Instance) -> Instance:
    return two_markets(tutorial)


@pytest.fixture(scope="module")
def fleet(towns: Instance) -> FleetOperation:
    return operate_fleet(towns, city_climate(towns))


@pytest.fixture(scope="module")
def planned(towns: Instance) -> Planned:
    return plan(towns)


def _solved(instance: Instance, fleet: FleetOperation) -> Asked:
    problem, labels = assemble_pack_assignment(
        instance, fleet, StationAnswer.everywhere(instance)
    )  # fmt: skip
    return problem, labels, solve_pack_assignment(problem, OPTIONS)


def _violations(instance: Instance, solved: Asked) -> list[str]:
    problem, labels, solution = solved
    packs, flows = label_packs(instance, problem, labels, solution)
    of_supply = label_supply(instance, labels.supply, solution)
    none = pd.DataFrame()
    plan = Plan(none, none, packs, flows, none, none, none, none, (), **of_supply)
    return list(supply_violations(instance, plan))


@cache
def _base() -> tuple[Instance, FleetOperation]:
    """The towns for drawn tables: as fixtures they would be told with every example."""
    towns = two_markets(read_instance(TUTORIAL))
    return towns, operate_fleet(towns, city_climate(towns))


def test_all_tables_at_once(planned: Planned) -> None:
    """Sums of the tables agree with each other; the tutorial's answer to each feature is there."""
    tables, kpi = planned.tables, planned.evaluation.kpi
    flow, market = tables["supply_flow"], tables["market_quarter"]
    of_cars = flow[flow["application"] == "swap_car"].groupby("quarter")["gwh"].sum()
    sodium = market[market["chemistry"] == "sodium_ion"].groupby("quarter")["delivered_gwh"].sum()
    np.testing.assert_allclose(of_cars.reindex(sodium.index).fillna(0.0), sodium, atol=1e-9)
    assert sodium.sum() > 0
    source = tables["supply_source"]
    assert source["used_gwh"].sum() == pytest.approx(flow["gwh"].sum())
    assert source["made_gwh"].sum() == pytest.approx(flow["gwh"].sum())
    buyer = tables["buyer_quarter"]
    for application, rows in buyer.groupby("application"):
        of_use = flow.loc[flow["application"] == application, "gwh"].sum()
        assert rows["served_gwh"].sum() == pytest.approx(of_use)
        assert kpi[f"buyers_{application}_gwh"] == pytest.approx(of_use)
    behind = buyer[(buyer["buyer"] == "grid") & (buyer["quarter"] == "2026Q4")]
    assert behind["limited_by"].tolist() == ["gate", "gate"]
    material = tables["material_quarter"].set_index("quarter")
    assert (material["used_t"] <= material["available_t"] + 1e-6).all()
    # Two kilograms in each kilowatt-hour that is made.
    assert material["used_t"].iloc[-1] == pytest.approx(2e3 * source["made_gwh"].sum())
    assert material["tightest"].all()
    orders = market.loc[market["delivered_packs"] > 1e-6, ["delivered_packs", "min_order_packs"]]
    assert (orders["delivered_packs"] >= orders["min_order_packs"] - 1e-6).all()
    assert kpi["carbon_kt"] == pytest.approx(market["carbon_t"].sum() / 1e3)
    assert 0 < kpi["carbon_kt"] <= 12
    offer = tables["offer"].set_index(["market", "pack_id", "supplier"])
    assert offer.loc[("EU", "na_25", "late"), "first_open"] == "2027Q4"
    assert kpi["gates_closing"] == len(tables["gate_value"]) == 4
    assert {"brand_quarter", "launch"} <= set(tables)
    assert kpi["delivered_sodium_ion_frac"] + kpi["delivered_lfp_frac"] == pytest.approx(1)


def test_gate_values_by_use(planned: Planned) -> None:
    value = planned.tables["gate_value"].set_index(["market", "application", "certificate"])
    # The EU's grid pays 90 CNY for each of 2 MWh, less what they save elsewhere.
    assert 0 < value.loc[("EU", "ess", "CE"), "saving_cny"] <= 90 * 2000
    # A contract without a stated worth takes what cars and machines had.
    assert value.loc[("CN", "ess", "storage"), "saving_cny"] < 0
    # The offer comes no sooner than the certificate.
    assert value.loc[("EU", "swap_car", "R100"), "saving_cny"] == pytest.approx(0, abs=1)
    assert value.loc[("EU", "swap_car", "passport"), "saving_cny"] > 0
    assert value.loc[("EU", "swap_car", "passport"), "opens_earlier"] == "2027Q2"


def test_tables_without_input_are_left_out(planned_tutorial: Planned) -> None:
    tables = planned_tutorial.tables
    assert {"supply_value", "gate_value", "market_quarter", "supply_flow"} <= set(tables)
    assert not {"material_quarter", "offer", "brand_quarter", "launch"} & set(tables)


def test_contracts_are_served_before_vehicles_and_prices(
    towns: Instance, fleet: FleetOperation
) -> None:
    """However much others pay: the contract takes all that there is."""
    asked = [
        ("dear", None, "off_road", QUARTERS[1], 1.0, "price", 9e4),
        ("grid", None, "ess", QUARTERS[1], 1.0, "contract", None),
    ]
    short = replace(towns, other_buyers=buyers(*asked))
    _, labels, solution = _solved(short, fleet)
    gwh = solution.buyer_served.sum(axis=0) / 1e6
    served = dict(zip(labels.supply.buyers["buyer"], gwh, strict=True))
    # Made until 2027Q1: 16 + 12 MWh of the plant, 12 of the pilot line; 90 t suffice for all.
    assert served["grid"] == pytest.approx(0.040)
    assert served["dear"] == pytest.approx(0.0, abs=1e-9)
    # No money stands for what no plan can serve: the bound is as tight as without a contract.
    lost = solution.proof.objective - 9e4 * 1e6
    assert 0 < lost < 1e9


def test_a_contract_is_dearer_than_a_vehicle_can_be(towns: Instance, fleet: FleetOperation) -> None:
    problem, labels, solution = _solved(towns, fleet)
    contracts = (labels.supply.buyers["basis"] == "contract").to_numpy()
    price = problem.supply.buyer_worth[:, contracts].min()
    assert price > problem.supply.buyer_worth[:, ~contracts].max()
    assert price > solution.supply_value.max()
    none = replace(towns, other_buyers=towns.other_buyers.iloc[:0])
    alone = contract_cny_per_kwh(_solved(none, fleet)[0])
    # A vehicle that lacks a pack of 45 kWh all the time, and two for the material it takes.
    assert alone >= 1.1 * 2 * (problem.no_pack_cost.sum() - 5 * problem.option_cost.max()) / 60


def test_rows_before_the_horizon_count_with_its_first_quarter(tutorial: Instance) -> None:
    """As one share of the supply did: 20 + 40 MWh less half."""
    fleet = operate_fleet(tutorial, city_climate(tutorial))
    problem, labels, _ = _solved(tutorial, fleet)
    assert problem.supply.produced_kwh.tolist() == [[60e3]]
    assert labels.supply.asked_kwh.tolist() == [[30e3]]


def test_what_contracts_leave_is_available(planned: Planned) -> None:
    """South makes cells for storage alone: the contract takes them before those of north."""
    used = supply_used(planned.instance, planned.plan).set_index("quarter")
    assert (used["used_gwh"] <= used["available_gwh"] + 1e-9).all()
    assert (used["available_gwh"] <= used["produced_gwh"] + 1e-9).all()
    assert used.loc[QUARTERS[0], "available_gwh"] == pytest.approx(0.016)


_GWH = st.sampled_from([0.0, 0.001, 0.004, 0.01, 0.03])
_USE = st.sampled_from(["swap_car", "fixed_car", "ess", "off_road"])
_QUARTER = st.sampled_from(["2026Q3", *QUARTERS])
_SOURCES = st.lists(
    st.tuples(_QUARTER, _GWH, st.sampled_from(["a", "b", None]),
              st.none(), st.none() | _USE, st.sampled_from(["series", None])),
    max_size=6, unique_by=lambda row: (row[0], row[2], row[4]),
).map(lambda rows: [(*row[:5], "series") for row in rows])  # fmt: skip
_PILOTS = st.lists(
    st.tuples(_QUARTER, _GWH, st.just("p"), st.none(), st.none(), st.just("pilot")),
    max_size=2, unique_by=lambda row: row[0],
)  # fmt: skip
_BUYERS = st.lists(
    st.tuples(st.sampled_from(["x", "y"]), st.sampled_from([None, "CN", "EU"]), _USE, _QUARTER,
              _GWH, st.sampled_from(["contract", "price"]),
              st.sampled_from([1.0, 60.0, 5000.0])),
    max_size=6, unique_by=lambda row: (row[0], row[1], row[3]),
)  # fmt: skip
_GATES = st.lists(
    st.tuples(st.sampled_from(["CN", "EU"]), _USE, st.just("sodium_ion"),
              st.sampled_from(["R", "S"]), st.none() | _QUARTER, st.none(), st.none() | _QUARTER,
              st.none()),
    max_size=3, unique_by=lambda row: (row[0], row[1], row[3]),
)  # fmt: skip
_TONNES = st.lists(
    st.tuples(_QUARTER, st.sampled_from([0.0, 5.0, 40.0])), max_size=3, unique_by=lambda row: row[0]
)


@settings(max_examples=12, phases=[Phase.explicit, Phase.generate])
@example(sources=[], pilots=[], asked=[], rules=[], tonnes=[("2027Q1", 5.0)], least=None)
@given(sources=_SOURCES, pilots=_PILOTS, asked=_BUYERS, rules=_GATES, tonnes=_TONNES,
       least=st.sampled_from([None, 30.0, 120.0]))  # fmt: skip
def test_random_supply_keeps_every_rule(
    sources: list[Any], pilots: list[Any], asked: list[Any], rules: list[Any], tonnes: list[Any],
    least: float | None,
) -> None:  # fmt: skip
    """Flows are what is delivered and served, contracts come first; earlier gates never cost."""
    towns, fleet = _base()
    terms = [("na_25", market, "a", "2026Q1", 0, 0, least) for market in ("CN", "EU")]
    changed: dict[str, pd.DataFrame] = {
        "supply": supply(*sources, *pilots), "other_buyers": buyers(*asked),
        "gates": gates(*rules), "offers": offers(*terms), **materials(2.0, *tonnes),
    }  # fmt: skip
    instance = replace(towns, **changed)
    problem, labels, solution = _solved(instance, fleet)
    assert _violations(instance, (problem, labels, solution)) == []
    if labels.supply.sources["chemistry"].size:
        sodium = instance.packs["chemistry"].to_numpy() == "sodium_ion"
        of_packs = solution.delivered[:, :, sodium].sum(axis=(1, 2)) * 45.0
        own = labels.supply.buyers["application"].to_numpy() == "swap_car"
        goes = of_packs + solution.buyer_served[:, own].sum(axis=1)
        np.testing.assert_allclose(solution.supply_flow[:, :, 0].sum(axis=1), goes, atol=1e-3)
    for row, opens in earlier_gates(instance)["opens_earlier"].items():
        opened = opened_problem(instance, problem, labels, int(str(row)), str(opens))
        again = solve_pack_assignment(opened, OPTIONS, solution)
        assert _violations_of_dates(instance, opened, again) == []
        kwh = opened.supply.buyer_kwh - problem.supply.buyer_kwh
        contracts = (labels.supply.buyers["basis"] == "contract").to_numpy()
        if not kwh[:, contracts].any():
            more = (kwh * problem.supply.buyer_worth).sum()  # asked for, whoever gets it
            slack = 1e-6 * max(1.0, abs(again.proof.objective))
            assert again.proof.bound <= solution.proof.objective + more + slack


def _violations_of_dates(
    instance: Instance, problem: PackAssignmentProblem, plan: PackAssignment
) -> list[str]:
    """Nobody gets more than is asked for behind the gates of the problem."""
    over = plan.buyer_served > problem.supply.buyer_kwh + 1e-3
    return [f"{quarter}" for quarter, is_over in zip(QUARTERS, over, strict=True) if is_over.any()]


def test_one_quarter_is_a_horizon(tutorial: Instance) -> None:
    single = in_quarters(tutorial, "2027Q1", "2027Q1")
    assert earlier_gates(single).empty
