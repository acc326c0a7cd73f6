"""Cuts say what full stations turn away, and annealing heeds them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from planner.arrays import Lists
from planner.models.phasing.crowding import crowding_loss
from planner.models.phasing.cuts import cuts_of_plan
from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.rows import merge_phased_rows
from planner.models.phasing.search import Heat, anneal_nested
from planner.models.phasing.service import services, value_and_prices
from planner.models.phasing.sizes import plan_of_table
from planner.models.phasing.solve import solve_phased
from planner.models.phasing.start import state_of
from planner.models.phasing.tables import nested_value
from planner.models.phasing.tree import Tree
from planner.models.phasing.tuning import Tuning
from planner.solving.options import SolveOptions
from tests.models.phasing.nested_cases import (
    best_by_enumeration,
    limit,
    no_city_limits,
    random_problem,
    total,
)

TREES = [Tree.line(3), Tree(np.array([-1, 0, 0, 1]))]


def crowded_problem(seed, tree, **others):
    """Twelve sites that share zones and carry far less than what is near; one stands for good."""
    must = np.zeros((12, tree.num_nodes), dtype=bool)
    must[3] = True
    may = np.ones((12, tree.num_nodes), dtype=bool)
    may[5] = tree.from_node[1]
    given = {
        "capacity": 25.0,
        "must_stand": must,
        "may_stand": may,
        "columns_per_node": 2,
        "limits": (total(6, 12, tree),),
    }
    return random_problem(seed, tree=tree, num_sites=12, num_zones=40, **given | others)


def random_table(problem, rng):
    """Some stations that open somewhere and stay."""
    tree = problem.tree
    stands = problem.must_stand.copy()
    for site in rng.permutation(problem.num_sites)[:5]:
        stands[site] |= tree.from_node[rng.integers(tree.num_nodes)]
    return np.where(stands & problem.may_stand, 0, -1).astype(np.int32)


def family_of(problem, rows, table):
    """Cuts of a plan."""
    return cuts_of_plan(problem, rows, table, services(problem, table))


def worth(problem, table):
    """Value of the best service."""
    return value_and_prices(problem, services(problem, table))[0]


def counted(problem, rows, table, families):
    """What the search counts for a plan."""
    state = state_of(problem, rows, table >= 0, families)
    return rows.base_value + nested_value(state.board, state.plan)


@pytest.mark.parametrize("tree", TREES, ids=["line", "tree"])
@pytest.mark.parametrize("seed", range(4))
def test_count_is_exact_where_cuts_were_found(tree, seed):
    problem = crowded_problem(seed, tree)
    if seed % 2:  # Two values per load, so that levels of cuts add up.
        dear = np.arange(problem.num_zones)[:, None] % 2 == 0
        problem = replace(problem, value=problem.value * np.where(dear, 1.7, 1.0))
    rows = merge_phased_rows(problem)
    rng = np.random.default_rng(seed)
    tables = [random_table(problem, rng) for _ in range(5)]
    families = [family_of(problem, rows, table) for table in tables]
    for table, family in zip(tables, families, strict=True):
        exact = worth(problem, table)
        assert counted(problem, rows, table, []) > exact + 1.0
        assert counted(problem, rows, table, [family]) == pytest.approx(exact, rel=1e-9)
        # Two families of one plan say the same loss, which counts once.
        assert counted(problem, rows, table, [family] * 2) == pytest.approx(exact, rel=1e-9)
        assert counted(problem, rows, table, families) <= exact * (1.0 + 1e-9)


@pytest.mark.parametrize("tree", TREES, ids=["line", "tree"])
@pytest.mark.parametrize("seed", range(3))
def test_annealing_keeps_the_tables_of_cuts(tree, seed):
    problem = crowded_problem(seed, tree)
    rows = merge_phased_rows(problem)
    rng = np.random.default_rng(seed)
    families = [family_of(problem, rows, random_table(problem, rng)) for _ in range(4)]
    start = np.where(problem.must_stand, 0, -1).astype(np.int32)
    state = state_of(problem, rows, start >= 0, families)
    before = nested_value(state.board, state.plan)
    heat = Heat(3_000, 0.5, 0.05, rows.value.sum(axis=0) / 10)
    gained = anneal_nested(
        np.arange(rows.num_sites),
        np.zeros(rows.num_sites, bool),
        heat,
        rng,
        state.board,
        state.room,
        state.plan,
    )
    assert keeps_limits(problem, plan_of_table(state.table)) == []
    anew = state_of(problem, rows, state.table >= 0, families).plan.crowding
    crowding = state.plan.crowding
    assert crowding_loss(crowding) > 0.0
    np.testing.assert_allclose(crowding.over, anew.over, atol=1e-6)
    np.testing.assert_allclose(crowding.lost, anew.lost, atol=1e-6)
    assert not crowding.change.any()
    assert not crowding.family_change.any()
    assert nested_value(state.board, state.plan) - before == pytest.approx(gained, abs=1e-6)


def test_larger_types_are_counted_where_they_stand():
    problem = crowded_problem(1, TREES[0], num_types=2, limits=(_money(12, 3),))
    rows = merge_phased_rows(problem)
    table = np.where(problem.must_stand, 1, -1).astype(np.int32)
    table[:4, 1:] = 0
    table[2, 2] = 1
    families = [family_of(problem, rows, table)]
    exact = worth(problem, table)
    assert counted(problem, rows, table, families) == pytest.approx(exact, rel=1e-9)


def _money(num_sites, num_nodes):
    use = np.tile([1.0, 2.0], (num_sites, 1))
    return limit("money", use, np.full(num_nodes, 8.0), False)


def test_stations_of_a_dense_town_stand_side_by_side():
    """Three sites reach one town of three stations' load; three others a small village each."""
    tree = Tree.line(2)
    town, villages = np.full(6, 10.0), np.array([4.0, 5.0, 6.0])
    load = np.concatenate([town, villages])[:, None] * np.array([1.0, 1.1])
    problem = random_problem(
        0,
        tree=tree,
        num_sites=6,
        num_zones=9,
        reach=Lists.of([list(range(6)), list(range(6)), list(range(6)), [6], [7], [8]]),
        load=load,
        value=load * np.array([3.0, 2.0]),
        capacity=20.0,
        limits=(total(3, 6, tree), limit("openings", np.ones((6, 1)), [2, 1], False)),
        cities=no_city_limits(6, 2),
    )
    best = best_by_enumeration(problem)
    solution = solve_phased(
        problem,
        SolveOptions(seed=3, deterministic=True),
        tuning=Tuning(exact_entries=0, max_rounds=3),
    )
    assert math.fsum(solution.served) == pytest.approx(best)
    assert solution.plan.site_idx.tolist() == [0, 1, 2]
