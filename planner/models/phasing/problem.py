"""Maximal covering over time and futures: what the model is given.

Sets: zones i, sites j in cities c, station types t from the smallest to the largest, nodes n of a
tree (periods), columns k. A column is what is counted at one node, in one future: each has values
w_ik and loads a_ik of the zones and capacities K_jtk of the stations; several columns may belong to
one node (futures that are not told apart yet), one column to each node of a plan over time alone.

s_jn is the type that stands at site j at node n, or -1; it never shrinks along the tree.

    max  sum_ik w_ik x_ik
    (1)  the served shares x_.k of each column can be carried by the stations of its node:
         (1) and (4) of ``sized_coverage`` with a_.k, K_..k
    (2)  s_jn >= s_j,parent(n);  s_jn >= 0 where must_stand, s_jn = -1 where not may_stand
    (3)  taken_r,n <= amount_rn                             every limit r that expires
         taken_r,n + sum over the nodes before <= sum of the amounts up to n     if it carries over
         taken_r,n = sum_j u_r(j, s_jn) - u_r(j, s_j,parent(n)),  u_r(j, -1) = 0
    (4)  the same for the number of new stations of each city, and
         min_c <= number of stations at each leaf,  number at each node <= max_c
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists, freeze
from planner.models.coverage.problem import CoverageProblem
from planner.models.phasing.tree import Tree
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.rules import CityLimits, SiteRules

CLOSED = -1


@dataclass(frozen=True)
class PhasedLimit:
    """One thing that the nation has only so much of at each node.

    Attributes
    ----------
    name : str
        "stations", "openings", "money": for messages and prices.
    use : float array, shape (num_sites, num_types)
        What a station of the type at the site takes, >= 0, growing with the type where both fit;
        0 for what stands before the first node.
    amount : float array, shape (num_nodes,)
        How much there is at each node, >= 0; inf for no limit.
    carries_over : bool
        Whether what is left at a node may be taken at later ones. A total is a limit that carries
        over, all of it at the first node.
    """

    name: str
    use: FloatArray
    amount: FloatArray
    carries_over: bool

    def available(self, tree: Tree) -> FloatArray:
        """What may be taken at each node, or up to each node if it carries over."""
        if not self.carries_over:
            return self.amount
        return np.array([self.amount[tree.from_node[:, n]].sum() for n in range(tree.num_nodes)])


@dataclass(frozen=True)
class PhasedCities:
    """Limits by city.

    Attributes
    ----------
    city_idx : int array, shape (num_sites,)
    least, most : int arrays, shape (num_cities,)
        Stations at each leaf at least, at each node at most; those that stand included.
    rate : float array, shape (num_cities, num_nodes)
        New stations at each node at most; inf for no limit. `new` tells which are new.
    carries_over : bool
        Whether openings left at a node may be made later.
    names : str array, shape (num_cities,), optional
    """

    city_idx: IndexArray
    least: IntArray
    most: IntArray
    rate: FloatArray
    carries_over: bool
    names: "np.ndarray[tuple[int], np.dtype[np.str_]] | None" = None


@dataclass(frozen=True)
class PhasedProblem:
    """Covering over time and futures.

    Attributes
    ----------
    tree : Tree
    node_of : int array, shape (num_columns,)
        Node of each column; every node has at least one.
    reach : Lists, num_sites of them
        Zones within the standard of each site, ascending.
    value : float array, shape (num_zones, num_columns)
        w_ik >= 0: what serving the zone is worth, weighted by days, discount and probability.
    load : float array, shape (num_zones, num_columns)
        a_ik >= 0 [swaps/h].
    capacity : float array, shape (num_sites, num_types, num_columns)
        K_jtk [swaps/h]; 0 where the type does not fit, then in every column.
    may_stand, must_stand : bool arrays, shape (num_sites, num_nodes)
        Neither ever goes from True to False along the tree.
    is_new : bool array, shape (num_sites,)
        Whether a station here is an opening: False where one stands before the first node.
    limits : tuple of PhasedLimit
        At least one limit on the number of stations or on money.
    cities : PhasedCities

    Raises
    ------
    ValueError
        If shapes do not fit or numbers are negative or not finite.
    """

    tree: Tree
    node_of: IntArray
    reach: Lists
    value: FloatArray
    load: FloatArray
    capacity: FloatArray
    may_stand: BoolArray
    must_stand: BoolArray
    is_new: BoolArray
    limits: tuple[PhasedLimit, ...]
    cities: PhasedCities

    def __post_init__(self) -> None:
        num_sites, num_nodes = self.may_stand.shape
        num_zones, num_columns = self.value.shape
        shapes = {
            "node_of": (num_columns,),
            "load": (num_zones, num_columns),
            "capacity": (num_sites, self.capacity.shape[1], num_columns),
            "must_stand": (num_sites, self.tree.num_nodes),
            "is_new": (num_sites,),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        if num_nodes != self.tree.num_nodes or set(self.node_of) != set(range(num_nodes)):
            raise ValueError("every node must have a column, and every column a node")
        self.reach.check("reach", num_sites, num_zones)
        for name in ("value", "load", "capacity"):
            values = getattr(self, name)
            if values.size and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if (self.must_stand & ~self.may_stand).any():
            raise ValueError("a station must stand where it may not")
        freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return int(self.value.shape[0])

    @property
    def num_columns(self) -> int:
        """Number of columns."""
        return int(self.value.shape[1])

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.is_new)

    @property
    def num_types(self) -> int:
        """Number of station types."""
        return int(self.capacity.shape[1])

    @property
    def fits(self) -> BoolArray:
        """Whether a type fits a site, shape (num_sites, num_types)."""
        return np.asarray((self.capacity > 0).any(axis=2))

    def weighted(self, weight: FloatArray) -> "PhasedProblem":
        """The same with values multiplied, column by column."""
        return replace(self, value=self.value * weight)

    def column_problem(self, column: int) -> SizedCoverageProblem:
        """One column as a problem of its own, at the limits of its node, for `served_flow`."""
        return self._static(column)

    def as_static(self) -> SizedCoverageProblem | None:
        """The same as one siting for good, if there is one node and one column.

        Further limits than the number of stations and money are the caller's.
        """
        return self._static(0) if self.value.shape[1] == 1 else None

    def _static(self, column: int) -> SizedCoverageProblem:
        node = int(self.node_of[column])
        by_name = {limit.name: limit for limit in self.limits}
        most, money = float(self.num_sites), math.inf
        if "stations" in by_name:
            most = min(most, by_name["stations"].available(self.tree)[node])
        cost = np.zeros((self.num_sites, self.num_types))
        if "money" in by_name:
            limit = by_name["money"]
            cost, money = limit.use, float(limit.available(self.tree)[node])
        rules = SiteRules(
            forced=self.must_stand[:, node],
            forbidden=~self.may_stand[:, node],
            cost=cost,
            budget=money,
            least=0,
            most=int(most),
            cities=CityLimits(
                self.cities.city_idx, self.cities.least, self.cities.most, self.cities.names
            ),
        )
        return SizedCoverageProblem(
            coverage=CoverageProblem(self.value[:, column].copy(), self.reach, rules),
            load=self.load[:, column].copy(),
            capacity=self.capacity[:, :, column].copy(),
        )
