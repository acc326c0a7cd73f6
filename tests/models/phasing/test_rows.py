from dataclasses import replace

import numpy as np
import pytest

from planner.models.phasing.rows import merge_phased_rows, node_values
from planner.models.phasing.tree import Tree
from tests.models.phasing.phasing_cases import all_plans, plain_value, random_problem


@pytest.mark.parametrize("tree", [Tree.line(3), Tree(np.array([-1, 0, 0]))], ids=["line", "fork"])
@pytest.mark.parametrize("seed", range(6))
def test_merging_preserves_the_value_of_every_plan(seed: int, tree: Tree):
    problem = random_problem(seed, tree, num_columns=4)
    rows = merge_phased_rows(problem)
    covers = np.zeros((rows.num_sites, rows.num_rows))
    covers[rows.rows_of_site.owner, rows.rows_of_site.idx] = 1.0
    for plan in all_plans(problem)[::50]:
        covered = (covers.T @ plan[rows.site_idx]) > 0
        merged = rows.base_value + float((rows.value * covered).sum())
        assert merged == pytest.approx(plain_value(problem, plan), rel=1e-12)


def test_rows_are_distinct_and_their_shares_go_back_to_zones():
    problem = random_problem(2, Tree.line(3), num_zones=200, num_sites=8)
    rows = merge_phased_rows(problem)
    lists = {tuple(rows.sites_of_row.row(row).tolist()) for row in range(rows.num_rows)}
    assert len(lists) == rows.num_rows < 200
    multiplier = rows.value * np.random.default_rng(0).uniform(0.0, 1.0, rows.value.shape)
    share = rows.share_by_zone(multiplier)
    assert share.shape == (200, 3)
    back = rows.multiplier_of(share, node_values(problem))
    assert back == pytest.approx(multiplier)


def test_what_stands_from_the_first_node_takes_of_every_limit():
    problem = random_problem(0, Tree.line(3))
    must_stand = problem.must_stand.copy()
    must_stand[3] = True
    problem = replace(problem, must_stand=must_stand)
    rows = merge_phased_rows(problem)
    assert 3 not in rows.site_idx
    stations, openings = rows.available[0], rows.available[1]
    from_root = problem.must_stand.all(axis=1)
    assert stations == pytest.approx(np.full(3, 5.0 - from_root.sum()))
    new = (from_root & problem.is_new).sum()
    assert openings == pytest.approx(problem.limits[1].amount - np.array([new, 0, 0]))
