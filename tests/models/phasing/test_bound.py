from dataclasses import replace

import numpy as np
import pytest

from planner.models.coverage.bound import lagrangian_bound, site_worth
from planner.models.coverage.rows import merge_rows
from planner.models.phasing.bound import phased_bound, site_profits
from planner.models.phasing.rows import merge_phased_rows
from planner.models.phasing.tree import Tree
from tests.models.phasing.phasing_cases import all_plans, plain_value, random_problem, up_sets

TREES = [Tree.line(3), Tree(np.array([-1, 0, 0])), Tree(np.array([-1, 0, 0, 1]))]


@pytest.mark.parametrize("tree", TREES, ids=["line", "fork", "tree"])
@pytest.mark.parametrize("seed", range(6))
def test_bounds_every_plan_whatever_the_multipliers(seed: int, tree: Tree):
    problem = random_problem(seed, tree, num_columns=tree.num_nodes + 1)
    rows = merge_phased_rows(problem)
    plans = all_plans(problem)
    assert plans
    best = max(plain_value(problem, plan) for plan in plans)
    rng = np.random.default_rng(seed)
    for scale in (0.0, 0.3, 1.0, 3.0):
        for _ in range(10):
            multiplier = rng.uniform(-0.2, 1.2, rows.value.shape) * rows.value
            price = scale * rng.normal(1.0, 1.0, (len(problem.limits), tree.num_nodes))
            assert phased_bound(problem, rows, multiplier, price) >= best * (1 - 1e-12)


@pytest.mark.parametrize("tree", TREES, ids=["line", "fork", "tree"])
@pytest.mark.parametrize("seed", range(4))
def test_a_site_earns_what_its_best_way_to_stand_earns(seed: int, tree: Tree):
    """Against all ways to stand, with prices charged as the limits are written."""
    problem = random_problem(seed, tree)
    rows = merge_phased_rows(problem)
    rng = np.random.default_rng(seed)
    multiplier = rng.uniform(0.0, 1.0, rows.value.shape) * rows.value
    price = rng.uniform(0.0, 2.0, (len(problem.limits), tree.num_nodes))
    profits = site_profits(problem, rows, multiplier, price)
    for site in range(rows.num_sites):
        worth = multiplier[rows.rows_of_site.row(site)].sum(axis=0)
        earned = []
        for way in up_sets(tree):
            if (way < rows.must_stand[site]).any() or (way > rows.may_stand[site]).any():
                continue
            opened = way - np.where(tree.parent >= 0, way[tree.parent], 0.0)
            taken = [
                rows.use[position, site] * (way if limit.carries_over else opened)
                for position, limit in enumerate(problem.limits)
            ]
            earned.append(worth @ way - (price * np.array(taken)).sum())
        assert profits[site] == pytest.approx(max(earned), abs=1e-9)


def test_one_node_has_the_bound_of_covering():
    problem = random_problem(3, Tree.line(1), num_zones=60, num_sites=20, money=False)
    rows = merge_phased_rows(problem)
    static = problem.as_static()
    assert static is not None
    rng = np.random.default_rng(0)
    cover = merge_rows(static.coverage)
    share = rng.uniform(0.0, 1.0, cover.num_rows)
    assert (rows.sites_of_row.idx == cover.sites_of_row.idx).all()
    assert rows.site_idx.tolist() == cover.site_idx.tolist()
    multiplier = share * cover.value
    openings = problem.limits[1].amount[0]
    worth = np.sort(site_worth(cover, multiplier))[::-1]
    price = np.array([[0.0], [worth[int(openings)]]])
    static_bound = lagrangian_bound(cover, multiplier)
    assert phased_bound(problem, rows, multiplier[:, None], price) <= static_bound * (1 + 1e-9)


def test_a_limit_without_an_amount_has_no_price():
    problem = random_problem(1, Tree.line(2))
    free = problem.limits[0].amount + np.inf
    open_ended = replace(
        problem, limits=tuple(replace(limit, amount=free) for limit in problem.limits)
    )
    rows = merge_phased_rows(open_ended)
    price = np.ones((3, 2))
    bound = phased_bound(open_ended, rows, np.zeros_like(rows.value), price)
    assert bound == pytest.approx(rows.base_value + rows.value.sum())
