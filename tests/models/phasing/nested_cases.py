"""Small random problems over time, and their best plan by enumeration."""

import itertools

import numpy as np

from planner.arrays import Lists
from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.problem import PhasedCities, PhasedLimit, PhasedProblem
from planner.models.phasing.sizes import plan_of_table
from planner.models.phasing.solution import PhasedPlan
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


def best_by_enumeration(problem):
    """Value of the best plan; -inf if no plan keeps the limits."""
    per_site = histories(problem.tree, problem.num_types)
    known = {}
    best = -np.inf
    for choice in itertools.product(range(len(per_site)), repeat=problem.num_sites):
        table = np.array([per_site[at] for at in choice], dtype=np.int32)
        plan = plan_of_table(table)
        if keeps_limits(problem, plan):
            continue
        value = sum(
            _column_value(problem, table, column, known) for column in range(problem.num_columns)
        )
        best = max(best, value)
    return best


def _column_value(problem, table, column, known):
    node = problem.node_of[column]
    key = (column, table[:, node].tobytes())
    if key not in known:
        only = np.full(table.shape, -1, dtype=np.int32)
        only[:, node] = table[:, node]
        sites = np.flatnonzero(only[:, node] >= 0)
        plan = PhasedPlan(sites.astype(np.int64), only[sites])
        known[key] = _served(problem, plan, column)
    return known[key]


def _served(problem, plan, column):
    node = problem.node_of[column]
    return served_flow(
        problem.column_problem(column), plan.site_idx, plan.size[:, node].astype(np.int64)
    )[1]
