"""Annealed plans keep the limits, serve no less, and are valued as by solving the service anew."""

import math

import numpy as np
import pytest

from planner.models.exchanges.anneal import Effort, annealed
from planner.models.exchanges.exchange import NOBODY
from planner.models.exchanges.placed import Placed, ground_of, place, replaced
from planner.models.exchanges.served import (
    Carried,
    Now,
    carried_by,
    end_change,
    service_of,
    try_change,
)
from tests.models.reasons.small_plans import any_problem, plans_of, random_problem


def middling(seed: int) -> Placed:
    plans = plans_of(seed)
    sites, types, _ = plans[len(plans) // 2]
    return place(ground_of(any_problem(seed)), sites, types)


@pytest.mark.parametrize("seed", range(48))
def test_annealed_plans_keep_the_limits_and_are_near_the_best(seed: int) -> None:
    problem, plans = any_problem(seed), plans_of(seed)
    if not plans:
        pytest.skip("no plan keeps these limits")
    given = middling(seed)
    found = annealed(given, lambda: True, effort=Effort(moves_per_site=200, hot_frac=0.2))
    rules = problem.rules
    assert rules.allow_number(found.site_idx)
    assert rules.forced[found.site_idx].sum() == rules.num_forced
    assert not rules.forbidden[found.site_idx].any()
    assert math.fsum(rules.cost[found.site_idx, found.type_idx]) <= rules.most_cost
    assert given.objective <= found.objective <= plans[0].served + 1e-7


def test_annealing_finds_most_best_plans_without_money() -> None:
    best = 0
    for seed in range(12):
        plans = plans_of(seed)
        given = middling(seed)
        effort = Effort(moves_per_site=200, hot_frac=0.3, cold_frac=0.03, width_frac=10.0)
        found = annealed(given, lambda: True, effort=effort)
        best += found.objective >= plans[0].served - 1e-7
    assert best >= 9


def test_same_seed_same_plan_and_a_stop_ends_it() -> None:
    given = middling(7)
    one, other = (annealed(given, lambda: True, seed=3) for _ in range(2))
    assert one.site_idx.tolist() == other.site_idx.tolist()
    asked: list[bool] = []
    annealed(given, lambda: bool(asked.append(True)))
    assert asked == [True]


def test_changes_made_one_after_the_other_keep_the_service_of_the_plan() -> None:
    """What is known after random changes, some taken back, is what judging anew tells."""
    better_anew, number = 0, 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        problem = random_problem(rng, num_sites=10, with_capacity=True)
        ground = ground_of(problem)
        usable = np.flatnonzero(~problem.rules.forbidden)
        placed = place(ground, np.sort(rng.choice(usable, 4, replace=False)), None)
        carried = carried_by(placed)
        carried = carried._replace(
            flow=carried.flow.copy(), near_unserved=np.ones(10, dtype=np.bool_)
        )
        now, search = service_of(carried)
        value = placed.objective
        for stamp in range(1, 40):
            gone = int(rng.choice(placed.site_idx)) if rng.random() < 0.7 else NOBODY
            closed = np.setdiff1d(usable, placed.site_idx)
            come = int(rng.choice(closed)) if rng.random() < 0.8 and len(closed) else NOBODY
            if gone != NOBODY and come == NOBODY and len(placed.site_idx) == 1:
                continue
            some = np.array([gone]), np.array([come])
            after = replaced(placed, *(sites[sites >= 0] for sites in some))
            capacity = problem.capacity.max(axis=1)[some[1]]
            added = try_change(*some, capacity, True, stamp, ground.arcs, carried, now, search)
            is_made = bool(rng.random() < 0.6)
            end_change(is_made, ground.arcs, carried, now)
            covers = [
                math.fsum(ground.rows.value[each.tables.num_covering > 0])
                for each in (placed, after)
            ]
            added += covers[1] - covers[0]
            assert added <= after.objective - value + 1e-7
            better_anew += added < after.objective - value - 1e-7
            number += 1
            if is_made:
                placed, value = after, value + added
            _assert_service(placed, carried, now)
            if value < placed.objective - 1e-7:
                break
    assert better_anew <= 0.01 * number


def _assert_service(placed: Placed, carried: Carried, now: Now) -> None:
    rows, arcs = placed.ground.rows, placed.ground.cover.sites_of_row
    for one, other in zip(
        (now.flow, now.unserved, now.room), (carried.flow, carried.unserved, carried.room),
        strict=True,
    ):  # fmt: skip
        assert one.tolist() == other.tolist()
    assert not now.covers.any()
    loaded = rows.load > 0.0
    assert (carried.covering == placed.tables.num_covering)[loaded].all()
    served = np.bincount(rows.row_of_arc, carried.flow, rows.num_rows)
    assert served + carried.unserved == pytest.approx(rows.load)
    taken = np.bincount(arcs.idx, carried.flow, len(placed.capacity))
    is_open = placed.is_open
    assert not taken[~is_open].any()
    assert (carried.room >= 0.0).tolist() == is_open.tolist()
    assert (taken + carried.room)[is_open] == pytest.approx(placed.capacity[is_open])
