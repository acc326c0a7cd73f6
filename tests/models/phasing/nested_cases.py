"""Small random problems over time, and their best plan by enumeration."""

import itertools

import numpy as np

from planner.arrays import Lists
from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.problem import PhasedCities, PhasedLimit, PhasedProblem
from planner.models.phasing.sizes import plan_of_table
from planner.models.phasing.tree import Tree
from planner.models.sized_coverage.service import served_flow


def no_city_limits(num_sites, num_nodes, **others):
    """One city of all sites that limits nothing but what is given."""
    given = {
        "city_idx": np.zeros(num_sites, dtype=np.int32),
        "least": np.array([0]),
        "most": np.array([num_sites]),
        "rate": np.full((1, num_nodes), np.inf),
        "carries_over": False,
    }
    return PhasedCities(**(given | others))


def limit(name, use, amount, carries_over):
    """A limit of whole or broken amounts."""
    return PhasedLimit(name, np.asarray(use, float), np.asarray(amount, float), carries_over)


def total(number, num_sites, tree, num_types=1):
    """At most so many stations."""
    amount = np.zeros(tree.num_nodes)
    amount[0] = number
    return limit("stations", np.ones((num_sites, num_types)), amount, True)


def random_problem(
    seed,
    *,
    tree=None,
    num_sites=6,
    num_zones=14,
    num_types=1,
    capacity=np.inf,
    limits=None,
    columns_per_node=1,
    **others,
):
    """Zones and sites on a line of places, values that grow over time."""
    rng = np.random.default_rng(seed)
    tree = Tree.line(3) if tree is None else tree
    num_nodes = tree.num_nodes
    near = [np.flatnonzero(rng.random(num_zones) < 0.35) for _ in range(num_sites)]
    node_of = np.repeat(np.arange(num_nodes), columns_per_node)
    base = rng.integers(1, 20, num_zones).astype(float)
    factor = rng.uniform(0.5, 2.0, (num_zones, len(node_of)))
    load = base[:, None] * factor
    sizes = np.minimum(capacity, 1e6) * np.arange(1, num_types + 1)
    given = {
        "tree": tree,
        "node_of": node_of,
        "reach": Lists.of(near),
        "value": load * rng.uniform(0.8, 1.2, len(node_of)),
        "load": load,
        "capacity": np.broadcast_to(
            sizes[None, :, None], (num_sites, num_types, len(node_of))
        ).copy(),
        "may_stand": np.ones((num_sites, num_nodes), dtype=bool),
        "must_stand": np.zeros((num_sites, num_nodes), dtype=bool),
        "is_new": np.ones(num_sites, dtype=bool),
        "limits": (total(3, num_sites, tree, num_types),) if limits is None else limits,
        "cities": no_city_limits(num_sites, num_nodes),
    }
    return PhasedProblem(**(given | others))


def histories(tree, num_types):
    """All ways in which the type at one site may grow along a tree."""
    found = []
    for kinds in itertools.product(range(-1, num_types), repeat=tree.num_nodes):
        if all(p < 0 or kinds[n] >= kinds[p] for n, p in enumerate(tree.parent)):
            found.append(kinds)
    return found


def all_tables(problem):
    """Every schedule of types, limits left aside, shape (num_schedules, num_sites, num_nodes)."""
    ways = np.array(histories(problem.tree, problem.num_types), dtype=np.int8)
    chosen = np.indices((len(ways),) * problem.num_sites, dtype=np.int16)
    return ways[chosen.reshape(problem.num_sites, -1).T]


def taken_of(limit, tree, tables):
    """What schedules take of a limit at each node, or up to it: (num_schedules, num_nodes)."""
    with_nothing = np.column_stack([limit.use, np.zeros(len(limit.use))])
    up_to = with_nothing[np.arange(len(limit.use))[None, :, None], tables].sum(axis=1)
    if limit.carries_over:
        return up_to
    before = np.where(tree.parent >= 0, tree.parent, 0)
    return up_to - np.where(tree.parent >= 0, up_to[:, before], 0.0)


def within_windows_and_limits(problem, tables):
    """Whether schedules keep windows and national limits, shape (num_schedules,)."""
    stands = tables >= 0
    kept = (stands <= problem.may_stand).all(axis=(1, 2))
    kept &= (stands >= problem.must_stand).all(axis=(1, 2))
    for each in problem.limits:
        most = each.available(problem.tree) * (1 + 1e-9) + 1e-12
        kept &= (taken_of(each, problem.tree, tables) <= most).all(axis=1)
    return kept


def values_of(problem, tables, column):
    """What schedules serve of a column, shape (num_schedules,)."""
    node = problem.node_of[column]
    kinds, of = np.unique(tables[:, :, node], axis=0, return_inverse=True)
    alone = problem.column_problem(column)
    served = []
    for row in kinds:
        sites = np.flatnonzero(row >= 0)
        served.append(served_flow(alone, sites, row[sites].astype(np.int64))[1])
    return np.array(served)[of.ravel()]


def best_by_enumeration(problem):
    """Value of the best plan; -inf if no plan keeps the limits.

    Of all schedules within windows and national limits the best that keeps all the others, too.
    """
    tables = all_tables(problem)
    tables = tables[within_windows_and_limits(problem, tables)]
    value = sum(values_of(problem, tables, column) for column in range(problem.num_columns))
    for at in np.argsort(-value, kind="stable").tolist():
        if not keeps_limits(problem, plan_of_table(tables[at].astype(np.int32))):
            return float(value[at])
    return -np.inf
