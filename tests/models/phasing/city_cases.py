"""Small nations over time with cities that share border zones, and their best plans by trial."""

import math

import numpy as np

from planner.arrays import FloatArray, IndexArray, Lists
from planner.models.phasing.problem import CLOSED, PhasedCities, PhasedLimit, PhasedProblem
from planner.models.phasing.tree import ROOT, Tree
from planner.models.sized_coverage.service import served_flow
from tests.models.phasing.nested_cases import all_tables as schedules
from tests.models.phasing.nested_cases import within_windows_and_limits

FORK = Tree(np.array([-1, 0, 0]))


def nation(
    seed: int,
    tree: Tree,
    *,
    num_sites: int = 6,
    num_zones: int = 16,
    num_cities: int = 2,
    num_types: int = 1,
    room: float = 1e6,
    carries_over: bool = False,
    rate: float = math.inf,
    money: bool = False,
    locks: bool = True,
    futures: int = 1,
) -> PhasedProblem:
    """Zones on a line, cities side by side: those near the border are reached from both."""
    rng = np.random.default_rng(seed)
    num_nodes = tree.num_nodes
    node_of = np.repeat(np.arange(num_nodes), futures)
    zones = np.sort(rng.random(num_zones))
    sites = np.sort(rng.random(num_sites))
    near = np.abs(sites[:, None] - zones) <= 0.22
    value = rng.lognormal(0.0, 1.0, (num_zones, 1)) * rng.uniform(0.3, 1.7, len(node_of))
    may_stand = np.ones((num_sites, num_nodes), dtype=np.bool_)
    must_stand = np.zeros_like(may_stand)
    is_new = np.ones(num_sites, dtype=np.bool_)
    if locks:
        may_stand[0] = tree.from_node[rng.integers(num_nodes)]
        must_stand[1] = tree.from_node[num_nodes - 1]
        is_new[2], must_stand[2] = False, True
    ones = np.ones((num_sites, num_types))
    total = np.zeros(num_nodes)
    total[0] = num_sites - 2
    limits = [
        PhasedLimit("stations", ones, total, True),
        PhasedLimit("openings", ones * is_new[:, None], np.full(num_nodes, 1.0), carries_over),
    ]
    if money:
        cost = np.cumsum(rng.uniform(1.0, 2.0, (num_sites, num_types)), axis=1)
        limits.append(PhasedLimit("money", cost * is_new[:, None], np.full(num_nodes, 2.5), True))
    city_idx = np.minimum(sites * num_cities, num_cities - 1).astype(np.int32)
    return PhasedProblem(
        tree=tree,
        node_of=node_of,
        reach=Lists.of([np.flatnonzero(row).tolist() for row in near]),
        value=value,
        load=value.copy(),
        capacity=np.broadcast_to(
            room * np.arange(1.0, num_types + 1)[None, :, None],
            (num_sites, num_types, len(node_of)),
        ).copy(),
        may_stand=may_stand,
        must_stand=must_stand,
        is_new=is_new,
        limits=tuple(limits),
        cities=PhasedCities(
            city_idx=city_idx,
            least=np.zeros(num_cities, dtype=np.int64),
            most=np.full(num_cities, 3),
            rate=np.full((num_cities, num_nodes), rate),
            carries_over=carries_over,
        ),
    )


def before(tree: Tree, table: FloatArray) -> FloatArray:
    """What a table by node says of the node before, 0 before the first."""
    return np.where(tree.parent == ROOT, 0.0, table[..., tree.parent])


def keeps(problem: PhasedProblem, table: IndexArray) -> bool:
    """Whether a plan keeps windows, limits of the nation and limits of the cities."""
    tree, stands = problem.tree, table != CLOSED
    if (stands & ~problem.may_stand).any() or (problem.must_stand & ~stands).any():
        return False
    if (table < before(tree, table + 1.0) - 1.0).any():
        return False
    for limit in problem.limits:
        held = np.where(stands, np.take_along_axis(limit.use, np.maximum(table, 0), 1), 0.0)
        used = (held if limit.carries_over else held - before(tree, held)).sum(axis=0)
        if (used > limit.available(tree) + 1e-9).any():
            return False
    cities = problem.cities
    for city in range(len(cities.least)):
        here = stands[cities.city_idx == city].sum(axis=0)
        new = stands[(cities.city_idx == city) & problem.is_new].sum(axis=0).astype(float)
        if (here > cities.most[city]).any() or (here[tree.is_leaf] < cities.least[city]).any():
            return False
        rate = cities.rate[city]
        if cities.carries_over:
            rate = np.array([rate[tree.from_node[:, n]].sum() for n in range(tree.num_nodes)])
        else:
            new = new - before(tree, new)
        if (new > rate).any():
            return False
    return True


def value_of(problem: PhasedProblem, table: IndexArray) -> float:
    """What a plan serves over all columns."""
    return values_of(problem, [table])[0]


def values_of(problem: PhasedProblem, tables: list[IndexArray]) -> list[float]:
    """What plans serve over all columns; stations alike at a node are looked at once."""
    columns = [problem.column_problem(column) for column in range(problem.num_columns)]
    known: dict[tuple[int, bytes], float] = {}
    values = []
    for table in tables:
        total = 0.0
        for column, node in enumerate(problem.node_of.tolist()):
            key = column, table[:, node].tobytes()
            if key not in known:
                sites = np.flatnonzero(table[:, node] != CLOSED)
                kinds = table[sites, node].astype(np.int64)
                known[key] = served_flow(columns[column], sites, kinds)[1]
            total += known[key]
        values.append(total)
    return values


def all_tables(problem: PhasedProblem) -> list[IndexArray]:
    """Every plan within windows and limits."""
    tables = schedules(problem)
    tables = tables[within_windows_and_limits(problem, tables)].astype(np.int32)
    return [table for table in tables if keeps(problem, table)]
