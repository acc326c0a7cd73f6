"""Small problems over time and their best plans by enumeration."""

import itertools
from dataclasses import replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.models.phasing.problem import PhasedCities, PhasedLimit, PhasedProblem
from planner.models.phasing.tree import Tree


def random_problem(
    seed: int,
    tree: Tree,
    *,
    num_zones: int = 14,
    num_sites: int = 6,
    num_columns: int | None = None,
    locks: bool = True,
    money: bool = True,
) -> PhasedProblem:
    """Points in the unit square, values that grow, two types, three limits, some of them locked.

    Without capacity: every station carries what it reaches.
    """
    rng = np.random.default_rng(seed)
    num_nodes = tree.num_nodes
    extra = 0 if num_columns is None else num_columns - num_nodes
    node_of = np.sort(np.r_[np.arange(num_nodes), rng.integers(0, num_nodes, extra)])
    zones, sites = rng.random((num_zones, 2)), rng.random((num_sites, 2))
    near = np.linalg.norm(sites[:, None] - zones[None], axis=2) <= 0.35
    value = rng.lognormal(0.0, 1.0, (num_zones, 1)) * rng.uniform(0.3, 1.7, len(node_of))
    may_stand = np.ones((num_sites, num_nodes), dtype=np.bool_)
    must_stand = np.zeros_like(may_stand)
    is_new = np.ones(num_sites, dtype=np.bool_)
    if locks:
        may_stand[0] = tree.from_node[rng.integers(num_nodes)]
        must_stand[1] = tree.from_node[rng.integers(num_nodes)]
        is_new[2] = False
        must_stand[2] = True
    ones = np.ones((num_sites, 2))
    base = rng.uniform(1.0, 3.0, num_sites)
    total = np.zeros(num_nodes)
    total[tree.parent < 0] = num_sites - 1
    limits = [
        PhasedLimit("stations", ones, total, carries_over=True),
        PhasedLimit(
            "openings", ones * is_new[:, None], rng.integers(1, 3, num_nodes).astype(float), False
        ),
    ]
    if money:
        use = np.column_stack([base, base + rng.uniform(0.0, 2.0, num_sites)]) * is_new[:, None]
        limits.append(PhasedLimit("money", use, rng.uniform(3.0, 6.0, num_nodes), True))
    return PhasedProblem(
        tree=tree,
        node_of=node_of,
        reach=Lists.of([np.flatnonzero(row).tolist() for row in near]),
        value=value,
        load=np.zeros_like(value),
        capacity=np.ones((num_sites, 2, len(node_of))),
        may_stand=may_stand,
        must_stand=must_stand,
        is_new=is_new,
        limits=tuple(limits),
        cities=free_cities(num_sites, num_nodes),
    )


def free_cities(num_sites: int, num_nodes: int) -> PhasedCities:
    """One city that limits nothing."""
    return PhasedCities(
        city_idx=np.zeros(num_sites, dtype=np.int32),
        least=np.array([0]),
        most=np.array([num_sites]),
        rate=np.full((1, num_nodes), np.inf),
        carries_over=False,
    )


def up_sets(tree: Tree) -> list[FloatArray]:
    """Every way in which one site may stand: never gone once there."""
    return [
        np.array(stands, dtype=np.float64)
        for stands in itertools.product((0, 1), repeat=tree.num_nodes)
        if all(p < 0 or stands[n] >= stands[p] for n, p in enumerate(tree.parent.tolist()))
    ]


def keep_limits(problem: PhasedProblem, stands: FloatArray) -> BoolArray:
    """Whether stations of the cheapest types keep every limit, plan by plan, shape (num_plans,).

    ``stands`` has the shape (num_plans, num_sites, num_nodes).
    """
    tree = problem.tree
    before = np.where(tree.parent >= 0, stands[:, :, tree.parent], 0.0)
    kept = np.ones(len(stands), dtype=np.bool_)
    for limit in problem.limits:
        opened = stands if limit.carries_over else stands - before
        use = np.einsum("j,pjn->pn", limit.use.min(axis=1), opened)
        kept &= (use <= limit.available(tree) * (1 + 1e-9)).all(axis=1)
    return kept


def plain_value(problem: PhasedProblem, stands: FloatArray) -> float:
    """What stations that carry all they reach serve."""
    covers = np.zeros((problem.num_sites, problem.num_zones))
    covers[problem.reach.owner, problem.reach.idx] = 1.0
    covered = (stands.T @ covers) > 0
    return float((problem.value * covered[problem.node_of].T).sum())


def all_plans(problem: PhasedProblem) -> list[FloatArray]:
    """Every plan within windows and limits, shape (num_sites, num_nodes) each."""
    ways = [
        [
            way
            for way in up_sets(problem.tree)
            if (way >= problem.must_stand[site]).all() and (way <= problem.may_stand[site]).all()
        ]
        for site in range(problem.num_sites)
    ]
    chosen = np.indices([len(way) for way in ways], dtype=np.int16)
    plans = np.stack(
        [np.array(way)[of] for way, of in zip(ways, chosen.reshape(len(ways), -1), strict=True)],
        axis=1,
    )
    return list(plans[keep_limits(problem, plans)])


def without_limits_but(problem: PhasedProblem, number: IntArray) -> PhasedProblem:
    """The same with one limit: stations at each node at most."""
    ones = np.ones((problem.num_sites, problem.num_types))
    before = np.where(problem.tree.parent >= 0, number[problem.tree.parent], 0)
    limit = PhasedLimit("stations", ones, (number - before).astype(np.float64), carries_over=True)
    return replace(problem, limits=(limit,))
