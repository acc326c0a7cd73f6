"""The search over time as a whole: its best plan, its bounds, and what it learns of capacity."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from planner.arrays import FloatArray, IndexArray, IntArray
from planner.models.phasing.background import Background
from planner.models.phasing.cuts import CutFamily, cuts_of_plan
from planner.models.phasing.dual import PhasedDualPoint
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.rounds import CityRounds
from planner.models.phasing.rows import PhasedRows
from planner.models.phasing.service import ColumnService, services, value_and_prices
from planner.models.phasing.sizes import enlarge
from planner.models.phasing.tuning import Tuning
from planner.solving.search import SearchState


@dataclass(kw_only=True)
class PhasedSearch(SearchState):
    """Best plan and bounds so far.

    Attributes
    ----------
    problem, rows, tuning
    table : int array, shape (num_sites, num_nodes)
        Types of the incumbent.
    objective : float
        What it serves.
    point : PhasedDualPoint, optional
        Best multipliers and prices.
    other_bound : float
        Bound that does not come from them.
    points : iterator of PhasedDualPoint
        Where better ones come from, in turn with plans,
    background : Background, optional
        or beside them.
    capacity_bounds : Background or iterator of float, optional
        Bounds where stations are full, once the multipliers are as good as they get.
    moves_per_s : float
        Speed of annealing; inf before it was measured.
    families : list of CutFamily
        Cuts of the last plans.
    served : tuple, optional
        The plan whose service was asked for last, and its service.
    by_city : CityRounds, optional
        Prices and multipliers of the cities' bound, where it is the least.
    """

    problem: PhasedProblem
    rows: PhasedRows
    tuning: Tuning
    table: IndexArray = field(default_factory=lambda: np.empty((0, 0), np.int32))
    objective: float = -math.inf
    point: PhasedDualPoint | None = None
    other_bound: float = math.inf
    points: Iterator[PhasedDualPoint] = field(default_factory=lambda: iter(()))
    background: Background[PhasedDualPoint] | None = None
    capacity_bounds: Background[float] | Iterator[float] | None = None
    moves_per_s: float = math.inf
    by_city: CityRounds | None = None
    families: list[CutFamily] = field(default_factory=list)
    served: tuple[IndexArray, list[ColumnService]] | None = None

    @property
    def best_objective(self) -> float | None:
        """Value of the incumbent."""
        return self.objective if math.isfinite(self.objective) else None

    @property
    def best_bound(self) -> float:
        """Best bound so far, at least the incumbent."""
        of_prices = math.inf if self.point is None else self.point.bound
        return max(min(self.other_bound, of_prices), self.objective)

    @property
    def is_small(self) -> bool:
        """Whether SCIP may have the problem as a whole."""
        entries = self.problem.reach.num_entries * self.problem.num_columns
        return entries <= self.tuning.exact_entries

    @property
    def is_crowded(self) -> bool:
        """Whether the last plan turned load away."""
        return len(self.families) > 0 and len(self.families[-1].price) > 0

    @property
    def crowded_cities(self) -> IntArray:
        """Cities with a station that the last plan made full."""
        sites = self.rows.site_idx[self.families[-1].of_site.member]
        return np.unique(self.problem.cities.city_idx[sites]).astype(np.int64)

    @property
    def once_crowded_cities(self) -> IntArray:
        """Cities with a station that some of the plans whose cuts are kept made full."""
        member = [np.empty(0, np.int64), *(each.of_site.member for each in self.families)]
        sites = self.rows.site_idx[np.concatenate(member)]
        return np.unique(self.problem.cities.city_idx[sites]).astype(np.int64)

    def serve(self, table: IndexArray) -> list[ColumnService]:
        """The best service of a plan, remembered until another is asked for."""
        if self.served is None or not np.array_equal(self.served[0], table):
            self.served = table, services(self.problem, table)
        return self.served[1]

    def offer(self, table: IndexArray) -> tuple[IndexArray, float]:
        """Keep a plan that serves more than the incumbent; its limits are known to hold.

        Returns
        -------
        table : int array, shape (num_sites, num_nodes)
            With larger types where that pays.
        value : float
        """

        def worth(some: IndexArray) -> tuple[float, FloatArray]:
            return value_and_prices(self.problem, self.serve(some))

        sized, value = enlarge(self.problem, table, worth, self.tuning.enlarging_rounds)
        if value > self.objective:
            self.table, self.objective = sized, value
        return sized, value

    def learn_cuts(self, table: IndexArray) -> None:
        """Remember what a plan turns away; SCIP needs no such help."""
        if not self.is_small:
            self.families.append(cuts_of_plan(self.problem, self.rows, table, self.serve(table)))
            del self.families[: -self.tuning.cut_families]
