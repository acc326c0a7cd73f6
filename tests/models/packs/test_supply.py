"""Sources, materials, buyers, acceptance, carbon: against scipy, and case by case."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.models.packs.lp import pack_assignment_lp, pack_assignment_model
from planner.models.packs.prices import Orders, dual_bound, prices_of
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem, at_most
from planner.models.packs.solve import solve_pack_assignment
from planner.models.packs.supply import PackSupply
from planner.solving.linear_again import solve_linear_again
from planner.solving.options import SolveOptions
from planner.solving.status import Status
from tests.models.packs.made_up import random_problem, with_more
from tests.models.packs.oracle import oracle_cost
from tests.models.packs.test_solve import one_city

DETERMINISTIC = SolveOptions(deterministic=True)
SEEDS = st.integers(0, 2**32 - 1)


def solve(problem: PackAssignmentProblem) -> PackAssignment:
    return solve_pack_assignment(problem, DETERMINISTIC)


def assert_supply_kept(problem: PackAssignmentProblem, plan: PackAssignment) -> None:
    """Equations (1b), (6a) to (6e), one by one from the arrays."""
    supply, near = problem.supply, {"rel": 1e-8, "abs": 1e-5}
    assert (plan.made <= supply.produced_kwh * (1 + 1e-9)).all()
    assert not plan.supply_flow[:, ~supply.source_serves].any()
    assert (plan.buyer_served <= supply.buyer_kwh).all()
    for h in np.flatnonzero(supply.is_limited).tolist():
        of_h = supply.source_chemistry_idx == h
        for a in range(supply.num_applications):
            mine = (supply.buyer_chemistry_idx == h) & (supply.buyer_application_idx == a)
            asked = plan.buyer_served[:, mine].sum(axis=1)
            if a == 0:
                packs = problem.pack_chemistry_idx == h
                asked += plan.delivered.sum(axis=1)[:, packs] @ problem.pack_kwh[packs]
            assert plan.supply_flow[:, of_h, a].sum(axis=1) == pytest.approx(asked, **near)
    taken = plan.supply_flow.sum(axis=2).cumsum(axis=0)
    assert (taken <= plan.made.cumsum(axis=0) + 1e-4).all()
    used_kg = (plan.made @ supply.source_kg_per_kwh.T).cumsum(axis=0)
    assert (used_kg <= supply.material_kg + 1e-4).all()
    assert (plan.delivered * problem.carbon_kg).sum() <= problem.carbon_cap_kg + 1e-5
    for g in range(problem.num_groups):
        for h in range(problem.num_chemistries):
            mine = (problem.option_group_idx == g) & (problem.option_chemistry_idx == h)
            most = problem.accepting_frac[:, g, h] * problem.vehicles[:, g]
            assert (plan.option_vehicles[:, mine].sum(axis=1) <= most + 1e-6).all()
    sizes = problem.by_market(plan.delivered)
    assert ((sizes == 0) | (sizes >= problem.min_order * (1 - 1e-6))).all()
    assert (plan.order_open == (sizes > 0)).all()
    assert (plan.application_value >= 0).all()
    assert (plan.material_value >= 0).all()
    assert plan.carbon_value >= 0


@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_scipy_agrees_without_orders(seed: int) -> None:
    problem = random_problem(seed, orders=False)
    plan = solve(problem)
    assert_supply_kept(problem, plan)
    assert plan.proof.status is Status.OPTIMAL
    assert plan.proof.objective == pytest.approx(oracle_cost(problem), rel=1e-7, abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.sampled_from([0.0, 1.0, 300.0]), st.booleans())
def test_bound_holds_for_any_multipliers(seed: int, size: float, decided: bool) -> None:
    """Without orders decided, with all of a best plan's decided, for the plan that keeps them."""
    problem = random_problem(seed, orders=True)
    lp = pack_assignment_lp(problem)
    duals = np.random.default_rng(seed).normal(0.0, size, len(lp.row_lower))
    best = solve(problem)
    orders = Orders(~best.order_open, best.order_open) if decided else None
    bound = dual_bound(problem, lp, prices_of(problem, lp, duals), orders)
    assert bound <= best.proof.objective + 1e-7 * abs(best.proof.objective)


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_bound_holds_a_little_off_the_optimum(seed: int) -> None:
    """Where the bound is sharp: a family of duals moved away from those of an optimum."""
    problem, rng = random_problem(seed, orders=True), np.random.default_rng(seed)
    lp = pack_assignment_lp(problem)
    found, _ = solve_linear_again(pack_assignment_model(lp))
    assert found.duals is not None
    best = solve(problem)
    orders = Orders(~best.order_open, best.order_open)
    for family, sign in (("order", 1), ("accept", -1), ("source", -1), ("material", -1),
                         ("carbon", -1), ("energy", 1), ("retire", 1)):  # fmt: skip
        duals = found.duals.copy()
        rows = lp.row[family][lp.row[family] >= 0]
        duals[rows] += sign * rng.exponential(50.0, len(rows))
        bound = dual_bound(problem, lp, prices_of(problem, lp, duals), orders)
        assert bound <= best.proof.objective + 1e-7 * abs(best.proof.objective)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_prices_are_what_a_little_more_saves(seed: int) -> None:
    """Between what a little more saves and what a little less costs."""
    problem = random_problem(seed, orders=False)
    plan, rng, step = solve(problem), np.random.default_rng(seed), 1e-2
    supply, rounding = problem.supply, 1e-6 * (1 + abs(plan.proof.objective))

    def saved(**more: object) -> float:
        return plan.proof.objective - oracle_cost(with_more(problem, **more))  # type: ignore[arg-type]

    q = int(rng.integers(problem.num_quarters))
    for m in np.flatnonzero(np.isfinite(supply.material_kg[q])).tolist():
        value = plan.material_value[q, m]
        assert saved(material=(q, m, step)) <= step * value + rounding
        if np.diff(supply.material_kg[:, m], prepend=0.0)[q] > step:
            assert -saved(material=(q, m, -step)) >= step * value - rounding
    for s in range(supply.num_sources):
        of_source = plan.application_value[q, supply.source_chemistry_idx[s]]
        dearest = of_source[supply.source_serves[s]].max(initial=0.0)
        needs = supply.source_kg_per_kwh[:, s]
        # No more than the dearest use pays, less the material; alone in a chemistry, just that.
        if (supply.source_chemistry_idx == supply.source_chemistry_idx[s]).sum() == 1:
            net = max(0.0, dearest - needs @ plan.material_value[q])
            assert saved(made=(q, s, step)) <= step * net + rounding
            if supply.produced_kwh[q, s] > step:
                assert -saved(made=(q, s, -step)) >= step * net - rounding
    if np.isfinite(problem.carbon_cap_kg):
        assert saved(carbon_kg=step) <= step * plan.carbon_value + rounding
        if problem.carbon_cap_kg > step:
            assert -saved(carbon_kg=-step) >= step * plan.carbon_value - rounding


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_no_more_than_a_plan_has_costs_the_same_again(seed: int) -> None:
    problem = random_problem(seed, orders=True)
    plan = solve(problem)
    again = solve(at_most(problem, plan))
    assert again.proof.objective == pytest.approx(plan.proof.objective, rel=1e-6, abs=1e-3)


def one_source(problem: PackAssignmentProblem, **changes: object) -> PackAssignmentProblem:
    """A problem's one chemistry from a source for vehicles (0), storage (1): 250 kWh a quarter."""
    quarters = problem.num_quarters
    supply = PackSupply(
        produced_kwh=np.full((quarters, 1), 250.0),
        source_chemistry_idx=np.zeros(1, dtype=np.int32),
        source_serves=np.ones((1, 2), dtype=bool),
        material_kg=np.full((quarters, 1), np.inf),
        material_kg_per_kwh=np.ones((1, 1)),
        buyer_chemistry_idx=np.zeros(1, dtype=np.int32),
        buyer_application_idx=np.ones(1, dtype=np.int32),
        buyer_kwh=np.zeros((quarters, 1)),
        buyer_worth=np.ones((quarters, 1)),
    )
    return replace(problem, supply=replace(supply, **changes))  # type: ignore[arg-type]


def test_what_is_made_may_be_kept_what_is_not_is_lost() -> None:
    """Six packs of 50 kWh in the last quarter: 300 kWh, made in both; not with material late."""
    vehicles = np.array([[0.0], [5.0]])
    kept = solve(one_source(one_city(2, 9, vehicles=vehicles)))
    assert kept.delivered[1].sum() == pytest.approx(6)
    assert kept.made[0].sum() >= 50 - 1e-6
    late = one_source(one_city(2, 9, vehicles=vehicles), material_kg=np.array([[0.0], [1e4]]))
    plan = solve(late)
    assert plan.delivered[1].sum() == pytest.approx(5)
    assert plan.made[:, 0] == pytest.approx([0.0, 250.0])
    # More in the first quarter saves: one vehicle more needs 1.2 packs.
    saved = (1e4 - 1.2 * 100) / (1.2 * 50)
    assert plan.material_value[:, 0] == pytest.approx([saved, 0.0])
    assert plan.supply_value[1] == pytest.approx([saved])


def test_pilot_cells_never_go_to_the_vehicles() -> None:
    pilot = one_source(
        one_city(1, 9), source_serves=np.array([[False, True]]), buyer_kwh=np.array([[100.0]])
    )
    plan = solve(pilot)
    assert not plan.delivered.any()
    assert plan.buyer_served[0, 0] == pytest.approx(100)
    assert plan.supply_flow[0, 0] == pytest.approx([0.0, 100.0])
    # What a kWh for vehicles would save is told all the same.
    assert plan.supply_value[0, 0] == pytest.approx((1e4 - 1.2 * 100) / 60)


@pytest.mark.parametrize(("worth", "served"), [(1.0, 0.0), (300.0, 200.0)])
def test_who_pays_more_for_a_kwh_is_served_first(worth: float, served: float) -> None:
    """Vehicles save (10000 - 120) / 60 = 165 CNY/kWh; a contract is worth more than any of them."""
    sold = one_source(
        one_city(1, 9), buyer_kwh=np.array([[200.0]]), buyer_worth=np.array([[worth]])
    )
    plan = solve(sold)
    assert plan.buyer_served[0, 0] == pytest.approx(served)
    assert plan.delivered.sum() == pytest.approx((250 - served) / 50)
    lost = worth * (200 - served)
    vehicles = (250 - served) / 60
    assert plan.proof.objective == pytest.approx(lost + vehicles * 120 + (5 - vehicles) * 1e4)


def test_cars_that_do_not_accept_a_chemistry_go_without() -> None:
    problem = replace(one_city(1, 9), accepting_frac=np.full((1, 1, 1), 0.6))
    assert solve(problem).without_pack.sum() == pytest.approx(2)


def test_the_cap_on_carbon_holds_back_packs() -> None:
    capped = replace(one_city(1, 9), carbon_kg=np.array([10.0]), carbon_cap_kg=30.0)
    plan = solve(capped)
    assert plan.delivered.sum() == pytest.approx(3)
    assert plan.carbon_value == pytest.approx((1e4 - 120) / 12)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"produced_kwh": np.array([[np.inf]])}, "produced_kwh must be finite and >= 0"),
        ({"source_chemistry_idx": np.ones(1, dtype=np.int32)}, r"source_chemistry_idx .* \[0, 1\)"),
        ({"source_serves": np.ones((1, 0), dtype=bool)}, "must have application 0"),
        ({"material_kg": np.array([[-1.0]])}, "material_kg must be >= 0 and never fall"),
        ({"buyer_worth": np.array([[-1.0]])}, "buyer_worth must be finite and >= 0"),
        ({"buyer_kwh": np.zeros((1, 2))}, r"buyer_kwh has shape \(1, 2\), not \(1, 1\)"),
    ],
)
def test_malformed_supply_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        one_source(one_city(1, 9), **changes)


def test_supply_that_falls_or_ends_being_limited_is_refused() -> None:
    with pytest.raises(ValueError, match="never fall"):
        PackSupply.cumulative(np.array([[2.0], [1.0]]))
    with pytest.raises(ValueError, match="finite in all quarters or in none"):
        PackSupply.cumulative(np.array([[2.0], [np.inf]]))
