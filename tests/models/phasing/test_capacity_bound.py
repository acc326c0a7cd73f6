import itertools
from dataclasses import replace

import numpy as np
import pytest

from planner.models.phasing.bound import phased_bound
from planner.models.phasing.capacity_bound import (
    capacity_bounds,
    city_part,
    crowded_city,
    lower_part,
)
from planner.models.phasing.dual import PhasedDualPoint, phased_duals
from planner.models.phasing.rows import merge_phased_rows
from planner.models.phasing.tree import Tree
from tests.models.phasing.nested_cases import (
    best_by_enumeration,
    no_city_limits,
    random_problem,
    total,
)

FORK = Tree(np.array([-1, 0, 0]))


def _problem(seed, *, capacity=12.0, tree=None, two_cities=False, **others):
    tree = Tree.line(3) if tree is None else tree
    cities = no_city_limits(6, tree.num_nodes)
    if two_cities:
        cities = replace(
            cities,
            city_idx=np.array([0, 0, 0, 1, 1, 1], dtype=np.int32),
            least=np.array([0, 0]),
            most=np.array([6, 6]),
            rate=np.full((2, tree.num_nodes), np.inf),
        )
    return random_problem(
        seed, tree=tree, capacity=capacity, limits=(total(3, 6, tree),), cities=cities, **others
    )


def _point(problem, rows, seed):
    rng = np.random.default_rng(seed)
    multiplier = rng.uniform(0.0, 1.0, rows.value.shape) * rows.value
    price = rng.uniform(0.0, 0.3, (1, rows.num_nodes)) * problem.value.sum()
    return PhasedDualPoint(multiplier, price, 0.0, np.empty(0), 0.0, 0)


@pytest.mark.parametrize("two_cities", [False, True])
@pytest.mark.parametrize(
    ("seed", "tree"), [(0, Tree.line(3)), (1, Tree.line(3)), (2, Tree.line(2)), (3, FORK)]
)
def test_bounds_the_best_plan_with_capacity_at_every_step(seed, tree, two_cities):
    problem = _problem(seed, tree=tree, two_cities=two_cities, columns_per_node=2)
    best = best_by_enumeration(problem)
    rows = merge_phased_rows(problem)
    cities = np.arange(1 + two_cities)
    for start in range(3):
        point = _point(problem, rows, start)
        bounds = list(capacity_bounds(problem, rows, point, cities))
        assert bounds[0] == phased_bound(problem, rows, point.multiplier, point.price)
        assert min(bounds) >= best * (1 - 1e-9)
        assert (np.diff(bounds) <= 1e-9 * best).all()
        assert bounds[-1] < bounds[0]


def test_comes_close_to_what_full_stations_serve():
    """From the least bound of the relaxation, which lets stations carry all they reach."""
    problem = _problem(1, capacity=10.0)
    rows = merge_phased_rows(problem)
    *_, point = itertools.islice(phased_duals(rows, problem), 30)
    *_, last = capacity_bounds(problem, rows, point, np.array([0]))
    best = best_by_enumeration(problem)
    assert last - best < 0.5 * (point.bound - best)


def test_a_part_without_full_stations_is_that_of_the_relaxation():
    problem = _problem(2, capacity=np.inf)
    rows = merge_phased_rows(problem)
    part, multiplier = crowded_city(problem, rows, 0, _point(problem, rows, 0))
    assert city_part(part, multiplier)[0] == city_part(part, multiplier, full=False)[0]


def test_border_zones_keep_their_multipliers():
    """What a zone is worth to the other city does not change behind its back."""
    problem = _problem(3, two_cities=True)
    rows = merge_phased_rows(problem)
    part, multiplier = crowded_city(problem, rows, 0, _point(problem, rows, 0))
    assert 0 < part.inner.sum() < len(part.inner)
    raised = np.where(part.inner[:, None], multiplier, 0.0)
    alone = replace(part, value=np.where(part.inner[:, None], part.value, 0.0))
    *_, (with_border, kept) = lower_part(part, multiplier)
    *_, (without, _) = lower_part(alone, raised)
    assert (kept == multiplier)[~part.inner].all()
    assert with_border >= without - 1e-9
