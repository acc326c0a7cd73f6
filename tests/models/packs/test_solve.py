import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.linear_solver.python import model_builder_helper
from ortools.math_opt.core.python import solver
from scipy.optimize import linprog

from planner.errors import NoPlanError, PlannerError
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.models.packs.solve import proven_saving, solve_pack_assignment
from planner.models.packs.supply import PackSupply
from planner.solving.options import SolveOptions
from planner.solving.status import Status
from tests.models.packs.unrestricted import unrestricted

DETERMINISTIC = SolveOptions(deterministic=True)
LFP, SODIUM = 0, 1
COLD, MILD = 0, 1


def two_cities(**changes: object) -> PackAssignmentProblem:
    """LFP stands in a cold and a mild city; sodium-ion comes in quarter 1, too little of it."""
    allowed = np.ones((2, 4), dtype=bool)
    allowed[0, [1, 3]] = False
    delivery = np.ones((2, 2, 2), dtype=bool)
    delivery[0, :, SODIUM] = False
    problem = PackAssignmentProblem(
        vehicles=np.array([[10.0, 9.0], [10.0, 20.0]]),
        group_city_idx=np.array([COLD, MILD], dtype=np.int32),
        option_group_idx=np.array([0, 0, 1, 1], dtype=np.int32),
        option_pack_idx=np.array([LFP, SODIUM, LFP, SODIUM], dtype=np.int32),
        option_allowed=allowed,
        option_packs=np.ones((2, 4)),
        option_cost=np.tile([300.0, 50.0, 50.0, 50.0], (2, 1)),
        delivery_allowed=delivery,
        pack_chemistry_idx=np.array([0, 1], dtype=np.int32),
        pack_kwh=np.array([56.0, 50.0]),
        lease_cost=np.array([100.0, 120.0]),
        life_quarters=np.array([32, 32]),
        initial_stock=np.array([[12.0, 0.0], [10.0, 0.0]]),
        initial_retirement=np.zeros((2, 2)),
        relocation_cost=np.array([30.0, 30.0]),
        supply=PackSupply.cumulative(np.array([[np.inf, 300.0], [np.inf, 300.0]])),
        no_pack_cost=np.array([1e4, 1e4]),
        **unrestricted(2, 2, 2, 2, 2),
    )
    return replace(problem, **changes)  # type: ignore[arg-type]


def one_city(num_quarters: int, life: int, **changes: object) -> PackAssignmentProblem:
    """Five vehicles, one pack type, unlimited."""
    problem = PackAssignmentProblem(
        vehicles=np.full((num_quarters, 1), 5.0),
        group_city_idx=np.zeros(1, dtype=np.int32),
        option_group_idx=np.zeros(1, dtype=np.int32),
        option_pack_idx=np.zeros(1, dtype=np.int32),
        option_allowed=np.ones((num_quarters, 1), dtype=bool),
        option_packs=np.full((num_quarters, 1), 1.2),
        option_cost=np.zeros((num_quarters, 1)),
        delivery_allowed=np.ones((num_quarters, 1, 1), dtype=bool),
        pack_chemistry_idx=np.zeros(1, dtype=np.int32),
        pack_kwh=np.array([50.0]),
        lease_cost=np.array([100.0]),
        life_quarters=np.array([life]),
        initial_stock=np.zeros((1, 1)),
        initial_retirement=np.zeros((num_quarters, 1)),
        relocation_cost=np.array([10.0]),
        supply=PackSupply.unlimited(num_quarters, 1),
        no_pack_cost=np.full(num_quarters, 1e4),
        **unrestricted(num_quarters, 1, 1, 1, 1),
    )
    return replace(problem, **changes)  # type: ignore[arg-type]


@st.composite
def problems(draw: st.DrawFn) -> PackAssignmentProblem:
    """Small problems in general position: closed gates, scarce supply, short lives."""
    num_quarters, num_cities = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    num_packs, num_classes = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    group_city = np.repeat(np.arange(num_cities), num_classes)
    group, pack = np.nonzero(rng.random((len(group_city), num_packs)) < 0.8)
    gate = rng.random((num_quarters, num_cities, num_packs)) < draw(st.sampled_from([0.4, 0.8, 1]))
    allowed = gate[:, group_city[group], pack] & (rng.random((num_quarters, len(group))) < 0.9)
    stock = rng.uniform(0, 20, (num_cities, num_packs)) * (
        rng.random((num_cities, num_packs)) < 0.6
    )
    leaving = rng.uniform(0, 1, (num_quarters, num_packs))
    leaving *= rng.choice([0.0, 0.5, 1.0], num_packs) * stock.sum(axis=0) / leaving.sum(axis=0)
    supply = rng.uniform(0, 600, (num_quarters, 2)).cumsum(axis=0)
    supply[:, rng.random(2) < 0.3] = np.inf
    return PackAssignmentProblem(
        vehicles=rng.uniform(0, 20, (num_quarters, len(group_city)))
        * (rng.random((num_quarters, len(group_city))) < 0.9),
        group_city_idx=group_city.astype(np.int32),
        option_group_idx=group.astype(np.int32),
        option_pack_idx=pack.astype(np.int32),
        option_allowed=allowed,
        option_packs=rng.uniform(1, 1.5, (num_quarters, len(group))),
        option_cost=rng.uniform(-50, 500, (num_quarters, len(group))),
        delivery_allowed=gate & (rng.random(gate.shape) < 0.8),
        pack_chemistry_idx=rng.integers(0, 2, num_packs).astype(np.int32),
        pack_kwh=rng.uniform(30, 60, num_packs),
        lease_cost=rng.uniform(50, 150, num_packs),
        life_quarters=rng.integers(1, 6, num_packs),
        initial_stock=stock,
        initial_retirement=leaving,
        relocation_cost=rng.uniform(0, 100, num_packs) * draw(st.sampled_from([0, 1])),
        supply=PackSupply.cumulative(supply),
        no_pack_cost=rng.uniform(200, 2000, num_quarters),
        **unrestricted(num_quarters, len(group_city), num_cities, num_packs, 2),
    )


def cumulative_kwh(problem: PackAssignmentProblem) -> np.ndarray:
    """Energy available up to and with each quarter by chemistry, inf where there is no source."""
    supply_kwh = np.full((problem.num_quarters, problem.num_chemistries), np.inf)
    for s, h in enumerate(problem.supply.source_chemistry_idx):
        supply_kwh[:, h] = problem.supply.produced_kwh[:, s].cumsum()
    return supply_kwh


def assert_kept(problem: PackAssignmentProblem, plan: PackAssignment) -> None:
    """Equations (1) to (6), the permissions and the objective, one by one from the arrays."""
    assert plan.proof.status is Status.OPTIMAL
    amounts = (plan.option_vehicles, plan.without_pack, plan.stock, plan.delivered, plan.retired,
               plan.moved_in, plan.moved_out)  # fmt: skip
    assert all((amount >= 0).all() for amount in amounts)
    assert not plan.option_vehicles[~problem.option_allowed].any()
    assert not plan.delivered[~problem.delivery_allowed].any()
    near = {"rel": 1e-9, "abs": 1e-6}
    option_city = problem.group_city_idx[problem.option_group_idx]
    cost = 0.0
    for q in range(problem.num_quarters):
        for g in range(problem.num_groups):
            with_pack = plan.option_vehicles[q, problem.option_group_idx == g].sum()
            assert with_pack + plan.without_pack[q, g] == pytest.approx(
                problem.vehicles[q, g], **near
            )
            cost += problem.no_pack_cost[q] * plan.without_pack[q, g]
        cost += problem.option_cost[q] @ plan.option_vehicles[q]
        for k in range(problem.num_packs):
            born = q - problem.life_quarters[k]
            ended = plan.delivered[born, :, k].sum() if born >= 0 else 0.0
            ended += problem.initial_retirement[q, k]
            assert plan.retired[q, :, k].sum() == pytest.approx(ended, **near)
            assert plan.moved_in[q, :, k].sum() == pytest.approx(
                plan.moved_out[q, :, k].sum(), **near
            )
            for c in range(problem.num_cities):
                at = (q, c, k)
                here = (option_city == c) & (problem.option_pack_idx == k)
                needed = problem.option_packs[q, here] @ plan.option_vehicles[q, here]
                assert needed <= plan.stock[at] + 1e-6
                before = plan.stock[q - 1, c, k] if q else problem.initial_stock[c, k]
                comes = plan.delivered[at] + plan.moved_in[at]
                assert plan.stock[at] == pytest.approx(
                    before + comes - plan.retired[at] - plan.moved_out[at], **near
                )
                if not problem.delivery_allowed[at]:
                    assert plan.moved_in[at] == 0
                cost += problem.lease_cost[k] * plan.stock[at]
                cost += problem.relocation_cost[k] * plan.moved_in[at]
        supply_kwh = cumulative_kwh(problem)
        for h in range(problem.num_chemistries):
            of_chemistry = problem.pack_chemistry_idx == h
            delivered = plan.delivered[: q + 1].sum(axis=(0, 1))
            shipped_kwh = delivered[of_chemistry] @ problem.pack_kwh[of_chemistry]
            assert shipped_kwh <= supply_kwh[q, h] + 1e-6
    assert plan.proof.objective == pytest.approx(cost, **near)
    assert plan.proof.bound <= plan.proof.objective + 1e-9 * abs(plan.proof.objective)
    assert (plan.supply_value >= 0).all()


def reference_cost(problem: PackAssignmentProblem) -> float:
    """Least cost by scipy, all variables written out; moves in wherever the gate is open."""
    num_quarters, num_cities, num_packs = problem.delivery_allowed.shape
    option_city = problem.group_city_idx[problem.option_group_idx]
    index: dict[tuple[object, ...], int] = {}
    cost, upper = [], []

    def variable(*name: object, price: float = 0.0, there: bool = True) -> None:
        index[name] = len(cost)
        cost.append(price)
        upper.append(None if there else 0.0)

    for q in range(num_quarters):
        for o in range(problem.num_options):
            variable("x", q, o, price=problem.option_cost[q, o], there=problem.option_allowed[q, o])
        for g in range(problem.num_groups):
            variable("z", q, g, price=problem.no_pack_cost[q])
        for c in range(num_cities):
            for k in range(num_packs):
                delivery = problem.delivery_allowed[q, c, k]
                variable("s", q, c, k, price=problem.lease_cost[k])
                variable("d", q, c, k, there=delivery)
                variable("t", q, c, k)
                variable("in", q, c, k, price=problem.relocation_cost[k], there=delivery)
                variable("out", q, c, k)
    equal: list[tuple[dict[tuple[object, ...], float], float]] = []
    most: list[tuple[dict[tuple[object, ...], float], float]] = []
    for q in range(num_quarters):
        for g, vehicles in enumerate(problem.vehicles[q]):
            members = np.flatnonzero(problem.option_group_idx == g).tolist()
            equal.append(({("z", q, g): 1.0} | {("x", q, o): 1.0 for o in members}, vehicles))
        for k in range(num_packs):
            cities = range(num_cities)
            moves = {("in", q, c, k): 1.0 for c in cities} | {
                ("out", q, c, k): -1.0 for c in cities
            }
            equal.append((moves, 0.0))
            born = q - problem.life_quarters[k]
            ends = {("t", q, c, k): 1.0 for c in cities}
            ends |= {("d", born, c, k): -1.0 for c in cities if born >= 0}
            equal.append((ends, problem.initial_retirement[q, k]))
            for c in cities:
                here = np.flatnonzero((option_city == c) & (problem.option_pack_idx == k)).tolist()
                used = {("x", q, o): problem.option_packs[q, o] for o in here}
                most.append((used | {("s", q, c, k): -1.0}, 0.0))
                balance = {("s", q, c, k): 1.0, ("d", q, c, k): -1.0, ("t", q, c, k): 1.0}
                balance |= {("in", q, c, k): -1.0, ("out", q, c, k): 1.0}
                balance |= {("s", q - 1, c, k): -1.0} if q else {}
                equal.append((balance, 0.0 if q else problem.initial_stock[c, k]))
        supply_kwh = cumulative_kwh(problem)
        for h in np.flatnonzero(problem.supply.is_limited).tolist():
            shipped = {
                ("d", then, c, k): problem.pack_kwh[k]
                for then in range(q + 1)
                for c in range(num_cities)
                for k in np.flatnonzero(problem.pack_chemistry_idx == h).tolist()
            }
            most.append((shipped, supply_kwh[q, h]))

    def dense(rows: list[tuple[dict[tuple[object, ...], float], float]]) -> np.ndarray:
        matrix = np.zeros((len(rows), len(cost)))
        for row, (terms, _) in enumerate(rows):
            for name, coefficient in terms.items():
                matrix[row, index[name]] = coefficient
        return matrix

    found = linprog(
        cost,
        A_ub=dense(most),
        b_ub=[right for _, right in most],
        A_eq=dense(equal),
        b_eq=[right for _, right in equal],
        bounds=[(0.0, limit) for limit in upper],
    )
    assert found.status == 0, found.message
    return float(found.fun)


def cost_of(problem: PackAssignmentProblem) -> float:
    return solve_pack_assignment(problem, DETERMINISTIC).proof.objective


def test_scarce_packs_go_to_the_cold_and_what_they_free_moves_on() -> None:
    plan = solve_pack_assignment(two_cities(), SolveOptions())
    assert_kept(two_cities(), plan)
    # Quarter 0 leaves three of the 22 packs idle. Quarter 1: six sodium-ion packs leave eight of
    # LFP free in the cold city, which move to the mild one; two more are new.
    assert plan.option_vehicles == pytest.approx(np.array([[10, 0, 9, 0], [4, 6, 20, 0]]))
    assert plan.delivered[1] == pytest.approx(np.array([[0, 6], [2, 0]]))
    assert plan.moved_in[1] == pytest.approx(np.array([[0, 0], [8, 0]]))
    assert plan.proof.objective == pytest.approx(
        (10 * 300 + 9 * 50 + 22 * 100)
        + (4 * 300 + 6 * 50 + 20 * 50 + 24 * 100 + 6 * 120 + 8 * 30)
    )  # fmt: skip
    # One more sodium-ion pack of 50 kWh: 300 - 50 in use, a new LFP pack less, one move, its lease.
    saved = 250 + 100 - 30 - 120
    assert plan.supply_value == pytest.approx(np.array([[0, saved / 50]] * 2))
    # One more pack standing there from the quarter on; idle in quarter 0.
    in_quarter_1 = np.array([[-30, saved], [0, saved - 30]])
    assert plan.pack_value[1] == pytest.approx(in_quarter_1, abs=1e-9)
    assert plan.pack_value[0] == pytest.approx(in_quarter_1 - [100, 120], abs=1e-9)


def test_one_quarter_is_the_obvious_allocation() -> None:
    # As in the yearly model: sodium-ion saves 300 in the first city, 100 in the second.
    last = slice(1, None)
    problem = two_cities()
    single = replace(
        problem,
        vehicles=problem.vehicles[last],
        option_allowed=problem.option_allowed[last],
        option_packs=problem.option_packs[last],
        option_cost=np.array([[1000.0, 700.0, 800.0, 700.0]]),
        delivery_allowed=problem.delivery_allowed[last],
        pack_kwh=np.array([56.0, 45.0]),
        lease_cost=np.array([100.0, 100.0]),
        initial_stock=np.zeros((2, 2)),
        initial_retirement=problem.initial_retirement[last],
        supply=PackSupply.cumulative(np.array([[np.inf, 500.0]])),
        no_pack_cost=problem.no_pack_cost[last],
        accepting_frac=problem.accepting_frac[last],
    )
    plan = solve_pack_assignment(single, SolveOptions())
    assert_kept(single, plan)
    rest = 500 / 45 - 10
    assert plan.option_vehicles[0] == pytest.approx([0, 10, 20 - rest, rest])
    assert plan.supply_value[0] == pytest.approx([0, 100 / 45])


@pytest.mark.parametrize(
    ("life", "delivered", "retired"),
    [
        (1, [6, 6, 6], [0, 6, 6]),
        (2, [6, 0, 6], [0, 0, 6]),
        (3, [6, 0, 0], [0, 0, 0]),
    ],
)
def test_lives_end(life: int, delivered: list[float], retired: list[float]) -> None:
    plan = solve_pack_assignment(one_city(3, life), SolveOptions())
    assert_kept(one_city(3, life), plan)
    assert plan.delivered.ravel() == pytest.approx(np.array(delivered))
    assert plan.retired.ravel() == pytest.approx(np.array(retired))
    assert plan.proof.objective == pytest.approx(3 * 6 * 100)


def test_every_standing_pack_may_leave() -> None:
    # More leave than there are, by rounding: that must not make (5) infeasible.
    leaving = np.full((3, 1), 1e5 * (1 + 5e-10))
    problem = one_city(3, 9, initial_stock=np.array([[3e5]]), initial_retirement=leaving)
    plan = solve_pack_assignment(problem, SolveOptions())
    assert plan.proof.status is Status.OPTIMAL
    assert plan.retired.sum() == pytest.approx(3e5, rel=1e-12)
    assert plan.stock[-1] == pytest.approx(6)


@pytest.mark.parametrize(("relocation_cost", "moved"), [(99.0, 8.0), (101.0, 0.0)])
def test_packs_move_only_where_that_is_cheaper_than_a_new_lease(
    relocation_cost: float, moved: float
) -> None:
    problem = two_cities(relocation_cost=np.full(2, relocation_cost))
    plan = solve_pack_assignment(problem, SolveOptions())
    assert_kept(problem, plan)
    assert plan.moved_in[1, MILD, LFP] == pytest.approx(moved)
    assert plan.moved_out[1, COLD, LFP] == pytest.approx(moved)


def test_nothing_enters_a_closed_market() -> None:
    closed = two_cities()
    allowed, delivery = closed.option_allowed.copy(), closed.delivery_allowed.copy()
    allowed[:, 2:], delivery[:, MILD] = False, False
    problem = two_cities(
        option_allowed=allowed, delivery_allowed=delivery, relocation_cost=np.zeros(2)
    )
    plan = solve_pack_assignment(problem, SolveOptions())
    assert_kept(problem, plan)
    assert not plan.delivered[:, MILD].any()
    assert not plan.moved_in[:, MILD].any()
    assert plan.without_pack[:, MILD] == pytest.approx(problem.vehicles[:, MILD])
    assert (plan.stock[:, MILD, LFP] <= 10).all()


def test_gates_are_worth_what_the_quarter_saves() -> None:
    problem = two_cities()
    everything = (np.ones_like(problem.delivery_allowed), np.ones_like(problem.option_allowed))
    mild_only = (everything[0].copy(), everything[1].copy())
    mild_only[0][0, COLD, SODIUM] = mild_only[1][0, 1] = False
    plan = solve_pack_assignment(problem, SolveOptions())
    # Six packs a quarter earlier, 250 in use less their lease; the LFP packs stand idle for that.
    for (delivery, option), saved in ((everything, 6 * (250 - 120)), (mild_only, 0.0)):
        opened = replace(problem, delivery_allowed=delivery, option_allowed=option)
        after = solve_pack_assignment(opened, SolveOptions(), plan)
        assert proven_saving(plan, after) == pytest.approx(saved, abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(problems())
def test_scipy_agrees_and_every_equation_is_kept(problem: PackAssignmentProblem) -> None:
    plan = solve_pack_assignment(problem, DETERMINISTIC)
    assert_kept(problem, plan)
    assert plan.proof.objective == pytest.approx(reference_cost(problem), rel=1e-7, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(problems(), st.data())
def test_more_supply_never_costs_more_and_saves_its_value(
    problem: PackAssignmentProblem, data: st.DataObject
) -> None:
    plan = solve_pack_assignment(problem, DETERMINISTIC)
    q = data.draw(st.integers(0, problem.num_quarters - 1))
    h = data.draw(st.integers(0, 1))

    def saved_by(kwh: float) -> float:
        supply = cumulative_kwh(problem)
        supply[q:, h] += kwh
        return plan.proof.objective - cost_of(
            replace(problem, supply=PackSupply.cumulative(supply))
        )

    rounding = 1e-9 * (1 + abs(plan.proof.objective))
    more = saved_by(100.0)
    assert more >= -rounding
    # Supply is worth less and less: its price lies between what a little more and less save.
    value, step = plan.supply_value[q, h], 1e-3
    assert more <= 100.0 * value + rounding
    above = saved_by(step) / step
    supply_kwh = cumulative_kwh(problem)[:, h]
    if np.isfinite(supply_kwh[q]) and supply_kwh[0] > step:
        least = np.diff(supply_kwh, prepend=0.0)[q]
        below = -saved_by(-step) / step if least > step else np.inf
        assert above - 1e3 * rounding <= value <= below + 1e3 * rounding
        if below - above < 1e-6:
            assert value == pytest.approx(above, rel=1e-6, abs=1e-4)


@settings(max_examples=50, deadline=None)
@given(problems(), st.data())
def test_one_more_pack_saves_its_value(problem: PackAssignmentProblem, data: st.DataObject) -> None:
    plan = solve_pack_assignment(problem, DETERMINISTIC)
    c = data.draw(st.integers(0, problem.num_cities - 1))
    k = data.draw(st.integers(0, problem.num_packs - 1))
    stock = problem.initial_stock.copy()
    stock[c, k] += 1e-3
    saved = (plan.proof.objective - cost_of(replace(problem, initial_stock=stock))) / 1e-3
    # At most, since further packs save less; exactly, unless the first one met a corner.
    assert saved <= plan.pack_value[0, c, k] + 1e-6 * (1 + abs(plan.proof.objective))


@settings(max_examples=50, deadline=None)
@given(problems(), st.data())
def test_order_of_cities_groups_and_options_does_not_matter(
    problem: PackAssignmentProblem, data: st.DataObject
) -> None:
    cities, groups, options, packs = (
        np.array(data.draw(st.permutations(range(count))), dtype=np.int32)
        for count in (
            problem.num_cities, problem.num_groups, problem.num_options, problem.num_packs,
        )
    )  # fmt: skip
    shuffled = replace(
        problem,
        vehicles=problem.vehicles[:, groups],
        group_city_idx=_renamed(cities)[problem.group_city_idx[groups]],
        option_group_idx=_renamed(groups)[problem.option_group_idx[options]],
        option_pack_idx=_renamed(packs)[problem.option_pack_idx[options]],
        option_allowed=problem.option_allowed[:, options],
        option_packs=problem.option_packs[:, options],
        option_cost=problem.option_cost[:, options],
        delivery_allowed=problem.delivery_allowed[:, cities][:, :, packs],
        initial_stock=problem.initial_stock[cities][:, packs],
        initial_retirement=problem.initial_retirement[:, packs],
        **{
            name: getattr(problem, name)[packs]
            for name in (
                "pack_chemistry_idx", "pack_kwh", "lease_cost", "life_quarters", "relocation_cost",
            )
        },
    )  # fmt: skip
    assert cost_of(shuffled) == pytest.approx(cost_of(problem), rel=1e-9, abs=1e-6)


def _renamed(order: np.ndarray) -> np.ndarray:
    """New position of each old one."""
    return np.argsort(order, kind="stable").astype(np.int32)


def test_same_problem_same_plan_also_in_another_process() -> None:
    first = solve_pack_assignment(two_cities(), SolveOptions())
    second = solve_pack_assignment(pickle.loads(pickle.dumps(two_cities())), SolveOptions())
    assert replace(first.proof, wall_s=0.0) == replace(second.proof, wall_s=0.0)
    for field in fields(first):
        if field.name != "proof":
            assert np.array_equal(getattr(first, field.name), getattr(second, field.name))


def test_nothing_to_plan() -> None:
    problem = one_city(2, 9, vehicles=np.zeros((2, 1)))
    plan = solve_pack_assignment(problem, SolveOptions())
    assert plan.proof.status is Status.OPTIMAL
    assert plan.proof.objective == plan.proof.bound == 0.0
    assert not plan.stock.any()


def test_no_plan_within_the_time_limit() -> None:
    with pytest.raises(NoPlanError, match=r"no plan within .*; raise solver\.time_limit_s"):
        solve_pack_assignment(many_cities(60), SolveOptions(time_limit_s=1e-3))


def test_a_failed_solver_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(model_builder_helper.ModelSolverHelper):
        def status(self) -> model_builder_helper.SolveStatus:
            return model_builder_helper.SolveStatus.ABNORMAL

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(solver, "solve", fail)
    monkeypatch.setattr(model_builder_helper, "ModelSolverHelper", Failing)
    with pytest.raises(PlannerError, match="the LP solver answered ABNORMAL"):
        solve_pack_assignment(two_cities(), SolveOptions())


def many_cities(num_cities: int) -> PackAssignmentProblem:
    """Growing fleets, one pack of each chemistry, sodium-ion scarce."""
    rng = np.random.default_rng(5)
    num_quarters, shape = 8, (8, 2 * num_cities)
    return PackAssignmentProblem(
        vehicles=rng.uniform(100, 1000, num_cities) * np.arange(1, num_quarters + 1)[:, None],
        group_city_idx=np.arange(num_cities, dtype=np.int32),
        option_group_idx=np.repeat(np.arange(num_cities, dtype=np.int32), 2),
        option_pack_idx=np.tile(np.array([LFP, SODIUM], dtype=np.int32), num_cities),
        option_allowed=np.ones(shape, dtype=bool),
        option_packs=rng.uniform(1.0, 1.3, shape),
        option_cost=rng.uniform(0.0, 500.0, shape),
        delivery_allowed=np.ones((num_quarters, num_cities, 2), dtype=bool),
        pack_chemistry_idx=np.array([0, 1], dtype=np.int32),
        pack_kwh=np.array([56.0, 45.0]),
        lease_cost=np.array([1000.0, 1100.0]),
        life_quarters=np.array([5, 40]),
        initial_stock=rng.uniform(0.0, 1000.0, (num_cities, 2)),
        initial_retirement=np.zeros((num_quarters, 2)),
        relocation_cost=np.array([100.0, 100.0]),
        supply=PackSupply.cumulative(
            np.stack(
                [np.full(num_quarters, np.inf), np.arange(num_quarters) * 1e5 * num_cities / 60],
                axis=1,
            )
        ),
        no_pack_cost=np.full(num_quarters, 2e4),
        **unrestricted(num_quarters, num_cities, num_cities, 2, 2),
    )


def test_a_country_is_planned_to_the_last_yuan() -> None:
    plan = solve_pack_assignment(many_cities(30), SolveOptions())
    assert_kept(many_cities(30), plan)
    assert plan.proof.gap_frac <= 1e-12
    assert plan.supply_value[0, 1] > 0
