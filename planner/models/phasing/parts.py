"""A phased problem taken apart by city, and its limits as resources of the master.

Sets: limits r, nodes n, cities c, zones i, columns k. As for stations that are placed once
(:mod:`planner.models.national.parts`) a zone that sites of several cities reach is a border zone;
over time it is a border pair (i, k) with each column in which it is worth something.

A resource of the master is a pair (r, n) with a finite amount. A plan takes of it

(1) sum_j u_r(j, s_jn)                           if r carries over: at most what there is up to n,
(2) sum_j u_r(j, s_jn) - u_r(j, s_j,parent(n))   if it expires: at most what there is at n.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.limits import widened
from planner.models.phasing.problem import PhasedCities, PhasedLimit, PhasedProblem
from planner.models.phasing.tree import Tree


@dataclass(frozen=True)
class PhasedPart:
    """One city as a problem of its own, all that a task needs to know.

    Attributes
    ----------
    city : int
        Position of the city in the national problem.
    problem : PhasedProblem
        Its usable sites and the zones they reach; one city; limits as those of the nation.
    site_idx : int array, shape (num_sites,)
        National position of each site, ascending.
    zone_idx : int array, shape (num_zones,)
        National position of each zone, ascending.
    border_zone, border_column : int arrays, shape (num_pairs,)
        Its border pairs: zone as a position in this part, and column.
    border_idx : int array, shape (num_pairs,)
        Position of each of them among the border pairs of the nation.
    """

    city: int
    problem: PhasedProblem
    site_idx: IntArray
    zone_idx: IntArray
    border_zone: IntArray
    border_column: IntArray
    border_idx: IntArray


@dataclass(frozen=True)
class PhasedParts:
    """The nation in parts.

    Attributes
    ----------
    cities : tuple of PhasedPart
        Cities with at least one usable site.
    border_zone, border_column : int arrays, shape (num_border,)
        Border pairs: national position of the zone, and column.
    """

    cities: tuple[PhasedPart, ...]
    border_zone: IntArray
    border_column: IntArray


@dataclass(frozen=True)
class NodeResources:
    """Limits by node as resources of the master.

    Attributes
    ----------
    limit_idx, node : int arrays, shape (num_resources,)
        The pair (r, n).
    available : float array, shape (num_resources,)
        How much there is, finite, with the tolerance of limits.
    names : tuple of str
        For messages.
    num_limits, num_nodes : int
    """

    limit_idx: IntArray
    node: IntArray
    available: FloatArray
    names: tuple[str, ...]
    num_limits: int
    num_nodes: int

    def by_node(self, price: FloatArray) -> FloatArray:
        """Prices of the resources as an array of shape (num_limits, num_nodes)."""
        spread = np.zeros((self.num_limits, self.num_nodes))
        spread[self.limit_idx, self.node] = price
        return spread

    def flat(self, by_node: FloatArray) -> FloatArray:
        """The entries (r, n) that are resources."""
        return np.asarray(by_node[self.limit_idx, self.node], dtype=np.float64)


def node_resources(problem: PhasedProblem) -> NodeResources:
    """Limits with a finite amount, node by node."""
    tree = problem.tree
    limit_idx, node, available = [], [], []
    for r, limit in enumerate(problem.limits):
        amount = widened(limit.available(tree))
        for n in range(tree.num_nodes):
            if math.isfinite(amount[n]):
                limit_idx.append(r)
                node.append(n)
                available.append(float(amount[n]))
    return NodeResources(
        limit_idx=np.array(limit_idx, dtype=np.int64),
        node=np.array(node, dtype=np.int64),
        available=np.array(available, dtype=np.float64),
        names=tuple(f"{problem.limits[r].name} {n}" for r, n in zip(limit_idx, node, strict=True)),
        num_limits=len(problem.limits),
        num_nodes=tree.num_nodes,
    )


def opening_prices(limits: Sequence[PhasedLimit], tree: Tree, price: FloatArray) -> FloatArray:
    """What opening a type at a site from a node on costs, or adding to it: q_jtn.

    Parameters
    ----------
    limits : sequence of PhasedLimit
    tree : Tree
    price : float array, shape (num_limits, num_nodes)
        Of the resources (r, n), >= 0.

    Returns
    -------
    float array, shape (num_sites, num_types, num_nodes)
        The price of n alone where a limit expires; of n and all nodes after it where it carries
        over, since what is taken at n is missing from then on.
    """
    total = np.zeros((*limits[0].use.shape, tree.num_nodes))
    for limit, at_node in zip(limits, price, strict=True):
        rent = tree.from_node.astype(np.float64) @ at_node if limit.carries_over else at_node
        total += limit.use[:, :, None] * rent
    return total


def usable_sites(problem: PhasedProblem) -> BoolArray:
    """Sites where a station may stand at some node, and some type fits."""
    return np.asarray(problem.may_stand.any(axis=1) & problem.fits.any(axis=1))


def split_phased_by_city(problem: PhasedProblem) -> PhasedParts:
    """Take a national problem apart.

    Parameters
    ----------
    problem : PhasedProblem

    Returns
    -------
    PhasedParts
    """
    city_idx = problem.cities.city_idx
    sites = np.flatnonzero(usable_sites(problem))
    sites = sites[np.argsort(city_idx[sites], kind="stable")]
    ends = np.searchsorted(city_idx[sites], np.arange(len(problem.cities.least) + 1))
    cities = np.unique(city_idx[sites]).tolist()
    alone = [(city, sites[ends[city] : ends[city + 1]]) for city in cities]
    reached = [np.unique(_reach_of(problem.reach, each).idx).astype(np.int64) for _, each in alone]
    num_reaching = np.zeros(problem.num_zones, dtype=np.int64)
    for zones in reached:
        num_reaching[zones] += 1
    on_border = (num_reaching > 1)[:, None] & (problem.value > 0)
    border_zone, border_column = np.nonzero(on_border)
    number = np.full(problem.value.shape, -1, dtype=np.int64)
    number[border_zone, border_column] = np.arange(len(border_zone))
    parts = []
    for (city, own), zones in zip(alone, reached, strict=True):
        pairs = np.nonzero(on_border[zones])
        parts.append(
            PhasedPart(
                city=city,
                problem=_city_alone(problem, city, own, zones),
                site_idx=own,
                zone_idx=zones,
                border_zone=pairs[0],
                border_column=pairs[1],
                border_idx=number[zones[pairs[0]], pairs[1]],
            )
        )
    return PhasedParts(tuple(parts), border_zone, border_column)


def _reach_of(reach: Lists, sites: IntArray) -> Lists:
    """The lists of the given sites, in that order."""
    sizes = reach.sizes[sites]
    ptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    entries = np.arange(ptr[-1]) + np.repeat(reach.ptr[sites] - ptr[:-1], sizes)
    return Lists(ptr, reach.idx[entries])


def _city_alone(
    problem: PhasedProblem, city: int, sites: IntArray, zones: IntArray
) -> PhasedProblem:
    """The given sites as a problem of their own."""
    reach, limits = _reach_of(problem.reach, sites), problem.cities
    return replace(
        problem,
        reach=Lists(reach.ptr, np.searchsorted(zones, reach.idx).astype(np.int32)),
        value=problem.value[zones],
        load=problem.load[zones],
        capacity=problem.capacity[sites],
        may_stand=problem.may_stand[sites],
        must_stand=problem.must_stand[sites],
        is_new=problem.is_new[sites],
        limits=tuple(replace(limit, use=limit.use[sites]) for limit in problem.limits),
        cities=PhasedCities(
            city_idx=np.zeros(len(sites), dtype=np.int32),
            least=limits.least[[city]],
            most=limits.most[[city]],
            rate=limits.rate[[city]],
            carries_over=limits.carries_over,
        ),
    )
