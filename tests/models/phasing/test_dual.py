import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse

from planner.arrays import FloatArray
from planner.models.coverage.primal_dual import primal_dual
from planner.models.coverage.rows import merge_rows
from planner.models.phasing.bound import phased_bound
from planner.models.phasing.dual import DualStart, PhasedDualPoint, phased_duals
from planner.models.phasing.limited import LimitedSites
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.rows import PhasedRows, merge_phased_rows
from planner.models.phasing.tree import Tree
from tests.models.phasing.phasing_cases import all_plans, plain_value, random_problem

TREES = [Tree.line(4), Tree(np.array([-1, 0, 1, 0, 3, 0, 5]))]


def relaxation_value(problem: PhasedProblem, rows: PhasedRows) -> float:
    """Linear relaxation by an independent solver: y by site and node, then x by row and node."""
    tree, (num_rows, num_nodes) = problem.tree, rows.value.shape
    num_y = rows.num_sites * num_nodes
    node = scipy.sparse.identity(num_nodes)
    cover = scipy.sparse.csr_matrix(
        (np.ones(rows.num_arcs), *rows.sites_of_row[::-1]), (num_rows, rows.num_sites)
    )
    blocks = [[-scipy.sparse.kron(cover, node), scipy.sparse.identity(num_rows * num_nodes)]]
    right = [np.zeros(num_rows * num_nodes)]
    later = np.flatnonzero(tree.parent >= 0)
    before = np.zeros((num_nodes, num_nodes))
    before[later, tree.parent[later]] = 1.0
    order = (before - np.eye(num_nodes))[later]
    blocks.append([scipy.sparse.kron(scipy.sparse.identity(rows.num_sites), order), None])
    right.append(np.zeros(rows.num_sites * len(later)))
    for position, limit in enumerate(problem.limits):
        step = np.eye(num_nodes) if limit.carries_over else np.eye(num_nodes) - before
        blocks.append([scipy.sparse.csr_matrix(np.kron(rows.use[position], step)), None])
        right.append(rows.available[position])
    lower = np.r_[rows.must_stand.ravel(), np.zeros(rows.value.size)]
    upper = np.r_[rows.may_stand.ravel(), np.ones(rows.value.size)]
    result = scipy.optimize.linprog(
        -np.r_[np.zeros(num_y), rows.value.ravel()],
        A_ub=scipy.sparse.bmat(blocks).tocsr(),
        b_ub=np.concatenate(right),
        bounds=np.column_stack([lower, upper]),
        method="highs",
    )
    return rows.base_value - result.fun


def last_point(rows: PhasedRows, problem: PhasedProblem, gap: float) -> PhasedDualPoint:
    return next(
        point
        for point in phased_duals(rows, problem)
        if point.relaxation_gap_frac <= gap or point.iterations >= 20_000
    )


def larger_problem(seed: int, tree: Tree, *, money: bool = True) -> PhasedProblem:
    """80 sites, of which the limits let about 10 open."""
    problem = random_problem(seed, tree, num_zones=400, num_sites=80, money=money)
    stations = problem.limits[0]
    total = stations.amount * (12 / 79)
    return replace(problem, limits=(replace(stations, amount=total), *problem.limits[1:]))


@pytest.mark.parametrize("tree", TREES, ids=["line", "tree"])
@pytest.mark.parametrize("seed", range(3))
def test_converges_to_the_linear_relaxation(seed: int, tree: Tree):
    problem = larger_problem(seed, tree)
    rows = merge_phased_rows(problem)
    expected = relaxation_value(problem, rows)
    point = last_point(rows, problem, 1e-5)
    assert point.relaxation_gap_frac <= 1e-5
    assert point.bound >= expected * (1 - 1e-8)
    assert point.relaxed_value <= expected * (1 + 1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_one_node_reaches_the_bound_of_covering(seed: int):
    problem = larger_problem(seed, Tree.line(1), money=False)
    problem = replace(problem, limits=problem.limits[:1])
    static = problem.as_static()
    assert static is not None
    expected = next(
        point for point in primal_dual(merge_rows(static.coverage)) if point.iterations >= 2_000
    )
    point = last_point(merge_phased_rows(problem), problem, 1e-6)
    assert point.bound == pytest.approx(expected.bound, rel=3e-6)


@pytest.mark.parametrize("tree", TREES, ids=["line", "tree"])
def test_every_point_is_valid_and_none_is_worse(tree: Tree):
    problem = larger_problem(7, tree)
    rows = merge_phased_rows(problem)
    points = list(itertools.islice(phased_duals(rows, problem), 25))
    later = np.flatnonzero(tree.parent >= 0)
    sites = LimitedSites(problem, rows, np.ones(rows.value.T.shape))
    for point in points:
        assert (point.multiplier >= 0).all()
        assert (point.multiplier <= rows.value).all()
        assert (point.price >= 0).all()
        again = phased_bound(problem, rows, point.multiplier, point.price)
        assert again == pytest.approx(point.bound, rel=1e-12)
        y = point.opening
        assert (y >= rows.must_stand - 1e-12).all()
        assert (y <= rows.may_stand + 1e-12).all()
        assert (y[:, later] >= y[:, tree.parent[later]] - 1e-12).all()
        assert sites.within_limits(y.T) == pytest.approx(y.T, abs=1e-6)
    bounds = np.array([point.bound for point in points])
    relaxed = np.array([point.relaxed_value for point in points])
    assert (np.diff(bounds) <= 0).all()
    assert (np.diff(relaxed) >= 0).all()
    assert relaxed[-1] <= bounds[-1]


def test_begins_where_another_run_ended():
    problem = larger_problem(4, Tree.line(3))
    rows = merge_phased_rows(problem)
    end = last_point(rows, problem, 1e-5)
    start = DualStart(end.multiplier, end.price, end.opening)
    first, second = itertools.islice(phased_duals(rows, problem, start=start), 2)
    assert first.bound == pytest.approx(end.bound, rel=1e-12)
    assert first.relaxed_value == pytest.approx(end.relaxed_value, rel=1e-6)
    assert second.relaxation_gap_frac <= 1.1e-5


@pytest.mark.parametrize("seed", range(4))
def test_bounds_the_best_of_all_plans(seed: int):
    problem = random_problem(seed, Tree(np.array([-1, 0, 0])))
    rows = merge_phased_rows(problem)
    best = max(plain_value(problem, plan) for plan in all_plans(problem))
    point = last_point(rows, problem, 1e-6)
    assert point.bound >= best * (1 - 1e-9)
    assert point.bound <= best * 1.1


def test_nothing_opens_where_no_limit_leaves_room():
    problem = larger_problem(0, Tree.line(3), money=False)
    closed = replace(problem.limits[1], amount=np.array([2.0, 0.0, 1.0]))
    problem = replace(
        problem,
        limits=(problem.limits[0], closed),
        must_stand=np.zeros_like(problem.must_stand),
        may_stand=np.ones_like(problem.may_stand),
    )
    rows = merge_phased_rows(problem)
    point = last_point(rows, problem, 1e-5)
    assert point.relaxation_gap_frac <= 1e-5
    assert point.opening[:, 1] == pytest.approx(point.opening[:, 0], abs=1e-9)


def brute_projection(tree: Tree, point: FloatArray, norm: FloatArray) -> FloatArray:
    later = np.flatnonzero(tree.parent >= 0)
    result = scipy.optimize.minimize(
        lambda y: norm @ (y - point) ** 2,
        np.full(len(point), 0.5),
        jac=lambda y: 2 * norm * (y - point),
        bounds=[(0.0, 1.0)] * len(point),
        constraints=[{"type": "ineq", "fun": lambda y: y[later] - y[tree.parent[later]]}],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    return np.asarray(result.x)


@pytest.mark.parametrize(
    "tree", [*TREES, Tree(np.array([-1, 0, -1, 2, 2]))], ids=["line", "tree", "forest"]
)
def test_without_limits_each_site_is_projected_onto_its_order(tree: Tree):
    problem = random_problem(0, tree, num_zones=60, num_sites=12, locks=False, money=False)
    free = tuple(replace(limit, amount=limit.amount + np.inf) for limit in problem.limits)
    problem = replace(problem, limits=free)
    rows = merge_phased_rows(problem)
    rng = np.random.default_rng(1)
    shape = (rows.num_nodes, rows.num_sites)
    norm, point = rng.uniform(0.2, 3.0, shape), rng.normal(0.4, 0.5, shape)
    out = np.empty(shape)
    LimitedSites(problem, rows, norm).project(point, np.zeros(shape), 1.0, out)
    for site in range(rows.num_sites):
        expected = brute_projection(tree, point[:, site], norm[:, site])
        assert out[:, site] == pytest.approx(expected, abs=1e-5)
