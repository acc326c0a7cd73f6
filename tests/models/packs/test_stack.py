"""Countries that share a supply: no split of it does better than the whole."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.models.packs.problem import PackAssignmentProblem
from planner.models.packs.solve import solve_pack_assignment
from planner.models.packs.stack import cost_of, parts_of, stack_problems, unstack_plan
from planner.models.packs.supply import PackSupply
from planner.solving.status import Status
from tests.models.packs.test_solve import (
    DETERMINISTIC,
    SODIUM,
    assert_kept,
    one_city,
    problems,
    two_cities,
)


def _alike(problem: PackAssignmentProblem, other: PackAssignmentProblem) -> PackAssignmentProblem:
    """The other problem over the quarters and costs that both have."""
    num_quarters = min(problem.num_quarters, other.num_quarters)
    by_quarter = ("vehicles", "option_allowed", "option_packs", "option_cost", "delivery_allowed",
                  "initial_retirement", "accepting_frac")  # fmt: skip
    return replace(
        other,
        **{name: getattr(other, name)[:num_quarters] for name in by_quarter},
        no_pack_cost=problem.no_pack_cost[:num_quarters],
        supply=PackSupply.unlimited(num_quarters, 2),
    )


@settings(max_examples=25, deadline=None)
@given(problems(), problems(), st.integers(0, 2**32 - 1))
def test_no_split_of_the_supply_does_better(
    one: PackAssignmentProblem, other: PackAssignmentProblem, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pair = [_alike(other, one), _alike(one, other)]
    pair = [replace(each, no_pack_cost=pair[0].no_pack_cost) for each in pair]
    num_quarters = pair[0].num_quarters
    made = rng.uniform(0, 600, (num_quarters, 2))
    whole = stack_problems(pair, PackSupply.cumulative(made.cumsum(axis=0)))
    plan = solve_pack_assignment(whole, DETERMINISTIC)
    assert_kept(whole, plan)
    for _ in range(4):
        frac = rng.random((num_quarters, 2)) * rng.choice([0.0, 0.5, 1.0])
        apart = sum(
            solve_pack_assignment(
                replace(each, supply=PackSupply.cumulative((made * share).cumsum(axis=0))),
                DETERMINISTIC,
            ).proof.objective
            for each, share in zip(pair, (frac, 1 - frac), strict=True)
        )
        assert plan.proof.objective <= apart + 1e-7 * (1 + abs(apart))


@settings(max_examples=15, deadline=None)
@given(problems(), problems())
def test_the_plan_of_the_whole_is_a_plan_of_each(
    one: PackAssignmentProblem, other: PackAssignmentProblem
) -> None:
    """Each part, given what it got, is as good as can be: and all of them make the whole."""
    pair = [_alike(other, one), _alike(one, other)]
    pair = [replace(each, no_pack_cost=pair[0].no_pack_cost) for each in pair]
    made = np.tile([200.0, 300.0], (pair[0].num_quarters, 1))
    whole = stack_problems(pair, PackSupply.cumulative(made.cumsum(axis=0)))
    plan = solve_pack_assignment(whole, DETERMINISTIC)
    parts = unstack_plan(pair, plan)
    costs = [cost_of(problem, part) for problem, part in zip(pair, parts, strict=True)]
    assert sum(costs) == pytest.approx(plan.proof.objective, rel=1e-9, abs=1e-6)
    for problem, part, cost in zip(pair, parts, costs, strict=True):
        got_kwh = part.delivered.sum(axis=1) * problem.pack_kwh
        of = np.eye(2)[problem.pack_chemistry_idx]
        share = PackSupply.cumulative((got_kwh @ of).cumsum(axis=0))
        alone = solve_pack_assignment(replace(problem, supply=share), DETERMINISTIC)
        assert alone.proof.objective == pytest.approx(cost, rel=1e-7, abs=1e-3)


def test_a_part_is_cut_out_where_it_was_put_in() -> None:
    first = two_cities(supply=PackSupply.unlimited(2, 2))
    second = replace(
        first,
        vehicles=3 * first.vehicles,
        initial_stock=first.initial_stock[::-1],
        min_order=np.array([[0.0, 2.0], [1.0, 0.0]]),
        city_market_idx=np.array([1, 0], dtype=np.int32),
        carbon_kg=np.array([7.0, 9.0]),
    )
    whole = stack_problems([first, second], PackSupply.cumulative(np.full((2, 2), 900.0)))
    here, there = parts_of([first, second])
    assert (here.cities, there.cities) == (slice(0, 2), slice(2, 4))
    np.testing.assert_array_equal(whole.vehicles[:, there.groups], second.vehicles)
    np.testing.assert_array_equal(whole.group_city_idx, [0, 1, 2, 3])
    np.testing.assert_array_equal(whole.option_pack_idx, [0, 1, 0, 1, 2, 3, 2, 3])
    np.testing.assert_array_equal(whole.city_market_idx, [0, 0, 2, 1])
    np.testing.assert_array_equal(whole.min_order[there.packs, there.markets], second.min_order)
    assert not whole.min_order[here.packs, there.markets].any()
    assert not whole.delivery_allowed[:, here.cities, there.packs].any()
    np.testing.assert_array_equal(
        whole.initial_stock[there.cities, there.packs], second.initial_stock
    )
    assert whole.initial_stock.sum() == first.initial_stock.sum() + second.initial_stock.sum()
    plan = solve_pack_assignment(whole, DETERMINISTIC)
    parts = unstack_plan([first, second], plan)
    for name in ("option_vehicles", "without_pack", "stock", "delivered", "retired", "moved_in"):
        shape = first.delivery_allowed.shape
        assert len(getattr(parts[0], name)) == shape[0]
        whole_sum = getattr(plan, name).sum()
        assert sum(getattr(part, name).sum() for part in parts) == pytest.approx(whole_sum)
    assert parts[1].basis is None


def test_used_packs_stay_in_their_country() -> None:
    """A pool in one country is no reason to buy none in the other, however cheap moving is."""
    full = one_city(2, 8, initial_stock=np.array([[100.0]]), relocation_cost=np.zeros(1))
    bare = one_city(2, 8, initial_stock=np.zeros((1, 1)), relocation_cost=np.zeros(1))
    whole = stack_problems([full, bare], PackSupply.unlimited(2, 1))
    plan = solve_pack_assignment(whole, DETERMINISTIC)
    _, there = unstack_plan([full, bare], plan)
    assert there.delivered.sum() == pytest.approx(6.0)
    assert not plan.moved_in.any()


def test_brute_force_over_whole_packs() -> None:
    """Who gets each of five packs, counted out."""
    saves = (np.array([90.0, 40.0, 30.0]), np.array([70.0, 60.0, 20.0]))  # by vehicle
    lease, energy, num = 10.0, 50.0, 4
    pair = []
    for of in saves:
        cost = (1000.0 - of)[None, :]
        base = one_city(
            1, 8, option_packs=np.ones((1, 3)), option_cost=cost, vehicles=np.ones((1, 3)),
            group_city_idx=np.zeros(3, dtype=np.int32), lease_cost=np.array([lease]),
            option_group_idx=np.arange(3, dtype=np.int32), no_pack_cost=np.array([1000.0]),
            option_pack_idx=np.zeros(3, dtype=np.int32), option_allowed=np.ones((1, 3), dtype=bool),
            accepting_frac=np.ones((1, 3, 1)),
        )  # fmt: skip
        pair.append(base)
    supply = PackSupply.cumulative(np.array([[num * energy]]))
    plan = solve_pack_assignment(stack_problems(pair, supply), DETERMINISTIC)
    assert plan.proof.status is Status.OPTIMAL
    best = min(
        sum(
            1000.0 - (gain - lease) * has
            for gain, has in zip(np.hstack(saves), chosen, strict=True)
        )
        for chosen in itertools.product([0, 1], repeat=6)
        if sum(chosen) <= num
    )
    assert plan.proof.objective == pytest.approx(best)
    np.testing.assert_allclose([part.delivered.sum() for part in unstack_plan(pair, plan)], 2.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"no_pack_cost": np.array([1e4, 9e3])}, "problem 1: quarters or no_pack_cost"),
        ({"carbon_cap_kg": 5.0}, "problem 1: a carbon cap"),
    ],
)
def test_what_does_not_go_together_is_refused(change: dict[str, object], reason: str) -> None:
    first = two_cities()
    with pytest.raises(ValueError, match=reason):
        stack_problems([first, two_cities(**change)], PackSupply.unlimited(2, 2))


def test_chemistries_are_those_of_the_supply() -> None:
    with pytest.raises(ValueError, match="problem 0: its chemistries"):
        stack_problems([two_cities()], PackSupply.unlimited(2, SODIUM))
    with pytest.raises(ValueError, match="at least one problem"):
        stack_problems([], PackSupply.unlimited(2, 2))
