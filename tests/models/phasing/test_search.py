"""Moves keep tables and limits; what they say they gain is what the plan gains."""

import numpy as np
import pytest

from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.rows import merge_phased_rows
from planner.models.phasing.search import Heat, anneal_nested
from planner.models.phasing.sizes import plan_of_table
from planner.models.phasing.start import first_state, state_of
from planner.models.phasing.tables import nested_value
from planner.models.phasing.tree import Tree
from planner.models.phasing.tuning import Tuning
from tests.models.phasing.nested_cases import limit, no_city_limits, random_problem, total

TREES = [Tree.line(4), Tree(np.array([-1, 0, 0, 1, 1, 2]))]


@pytest.mark.parametrize("tree", TREES, ids=["line", "tree"])
@pytest.mark.parametrize("carries_over", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_annealing_keeps_tables_and_limits(tree, carries_over, seed):
    rng = np.random.default_rng(seed)
    num_nodes = tree.num_nodes
    cities = no_city_limits(
        30,
        num_nodes,
        city_idx=rng.integers(0, 3, 30).astype(np.int32),
        least=np.array([1, 0, 2]),
        most=np.array([4, 5, 6]),
        rate=np.array([[2.0], [np.inf], [1.0]]) * np.ones(num_nodes),
        carries_over=carries_over,
    )
    may = np.ones((30, num_nodes), dtype=bool)
    may[:5] = tree.from_node[1]
    must = np.zeros((30, num_nodes), dtype=bool)
    must[7] = tree.from_node[1]
    problem = random_problem(
        seed,
        tree=tree,
        num_sites=30,
        num_zones=80,
        limits=(
            total(9, 30, tree),
            limit("openings", np.ones((30, 1)), np.full(num_nodes, 4), carries_over),
            limit("money", rng.uniform(1, 3, (30, 1)), np.full(num_nodes, 7.0), carries_over),
        ),
        cities=cities,
        may_stand=may,
        must_stand=must,
    )
    rows = merge_phased_rows(problem)
    state = first_state(problem, rows, None, Tuning(), rng)
    assert keeps_limits(problem, plan_of_table(state.table)) == []
    before = nested_value(state.board, state.plan)
    rent = rows.value.sum(axis=0) / 50
    stays = rng.random(rows.num_sites) < 0.2
    stood = state.plan.stands[stays].copy()
    gained = anneal_nested(
        np.flatnonzero(~stays),
        stays,
        Heat(20_000, 0.5, 0.01, rent),
        rng,
        state.board,
        state.room,
        state.plan,
    )
    assert keeps_limits(problem, plan_of_table(state.table)) == []
    assert nested_value(state.board, state.plan) - before == pytest.approx(gained, abs=1e-6)
    assert (state.plan.stands[stays] == stood).all()
    anew = state_of(problem, rows, state.table >= 0)
    np.testing.assert_array_equal(anew.plan.number, state.plan.number)
    np.testing.assert_array_equal(anew.plan.names, state.plan.names)
    np.testing.assert_allclose(anew.plan.loss, state.plan.loss, atol=1e-6)
    np.testing.assert_allclose(anew.room.left, state.room.left, atol=1e-6)
    np.testing.assert_array_equal(anew.room.city_left, state.room.city_left)
    np.testing.assert_array_equal(anew.room.city_spare, state.room.city_spare)
    np.testing.assert_array_equal(anew.room.rate_left, state.room.rate_left)
