"""What the search for a frontier of covering knows: amounts, vectors, plans.

Takes the siting problem, holds what is known at each amount; where plans and vectors come from is
up to :mod:`planner.models.frontier.coverage`.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from planner.arrays import FloatArray, IndexArray, IntArray
from planner.limits import widened
from planner.models.frontier.bounds import Vector
from planner.models.frontier.crowded import crowded_vector
from planner.models.frontier.result import FrontierPlan
from planner.models.frontier.tuning import Tuning
from planner.models.phasing.bound import site_worth
from planner.models.phasing.capacity_bound import CrowdedCity, crowded_city
from planner.models.phasing.dual import PhasedDualPoint
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.rows import PhasedRows
from planner.models.phasing.search import fill_greedily
from planner.models.phasing.start import NestedState
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest


@dataclass(kw_only=True)
class FrontierSearch:
    """The amounts, and what is known at each."""

    problem: SizedCoverageProblem
    amounts: FloatArray
    is_money: bool
    nested: bool
    options: SolveOptions
    tuning: Tuning
    names: list[str]
    on_progress: ProgressCallback | None
    stop: StopRequest | None
    started: float
    single: PhasedProblem
    rows: PhasedRows
    points: list[PhasedDualPoint] = field(default_factory=list)
    vectors: list[Vector] = field(default_factory=list)
    cities: dict[int, CrowdedCity] = field(default_factory=dict)
    plans: list[FrontierPlan] = field(default_factory=list)
    other_bound: FloatArray
    plan_price: FloatArray

    @property
    def remaining_s(self) -> float:
        """Time left; endless in deterministic mode."""
        if self.options.deterministic:
            return math.inf
        return self.options.time_limit_s - (work_s() - self.started)

    def may_go_on(self) -> bool:
        """Whether there is time, and nobody has said stop."""
        return self.remaining_s > 0.0 and not (self.stop is not None and self.stop.is_set())

    def problem_at(self, at: int) -> PhasedProblem:
        """One siting for good within an amount."""
        limits = list(self.single.limits)
        varied = 1 if self.is_money else 0
        limits[varied] = replace(limits[varied], amount=self.amounts[at : at + 1].copy())
        return replace(self.single, limits=tuple(limits))

    def rows_at(self, at: int) -> PhasedRows:
        """The rows of that siting."""
        available = self.rows.available.copy()
        varied = 1 if self.is_money else 0
        available[varied] += widened(self.amounts[at]) - widened(self.amounts[0])
        return replace(self.rows, available=available)

    def report(
        self, at: int, stage: str, message: str, objective: float | None, bound: float
    ) -> None:
        """Tell of a step."""
        if self.on_progress is not None:
            told = f"{self.names[at]}: {message}"
            elapsed_s = work_s() - self.started
            self.on_progress(Progress(stage, objective, bound, elapsed_s, told, "max"))


def add_vector(search: FrontierSearch, point: PhasedDualPoint, crowded: IntArray) -> None:
    """The vector of a point, with what stations carry in cities where they are full.

    Parameters
    ----------
    search : FrontierSearch
    point : PhasedDualPoint
        Of any amount: what the relaxation is made of is the same at all.
    crowded : int array
        Cities.
    """
    problem, rows = search.single, search.rows
    vector = _vector(rows, point)
    for city in crowded.tolist():
        if city not in search.cities:
            search.cities[city] = crowded_city(problem, rows, city, point)[0]
    if len(crowded):
        cities = [search.cities[city] for city in crowded.tolist()]
        vector = crowded_vector(problem, rows, point, vector, cities)
    search.vectors.append(vector)


def fill(state: NestedState) -> None:
    """Open the best sites of a plan while its limits leave room."""
    everywhere = np.ones(state.rows.num_sites, dtype=np.bool_)
    effort = np.ones(len(everywhere))
    if len(state.problem.limits) > 1:
        kinds = state.kinds[state.rows.site_idx]
        cost = state.problem.limits[1].use[state.rows.site_idx, kinds]
        mean = float(cost.mean()) if len(cost) else 0.0
        effort = np.maximum(cost / mean, 1e-6) if mean > 0 else effort
    for node in range(state.problem.tree.num_nodes):
        fill_greedily(
            node, everywhere, effort, len(everywhere), state.board, state.room, state.plan
        )


def plan_at(types: IndexArray, objective: float) -> FrontierPlan:
    """The plan of one amount, from the type at each site."""
    sites = np.flatnonzero(types != CLOSED).astype(np.int64)
    return FrontierPlan(sites, types[sites].astype(np.int64), objective)


def _vector(rows: PhasedRows, point: PhasedDualPoint) -> Vector:
    money_price = float(point.price[1, 0]) if len(point.price) > 1 else 0.0
    return Vector(
        rest=rows.base_value + math.fsum((rows.value - point.multiplier).ravel()),
        worth=site_worth(rows, point.multiplier)[:, 0],
        money_price=max(money_price, 0.0),
    )
