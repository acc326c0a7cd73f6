"""Small problems of several futures, all their plans, and a solver that looks at all of them."""

import itertools
import math

import numpy as np

from planner.arrays import Lists
from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.problem import PhasedCities, PhasedLimit, PhasedProblem
from planner.models.phasing.sizes import plan_of_table
from planner.models.phasing.solution import PhasedPlan, PhasedSolution, PhasedStart
from planner.models.phasing.tree import Tree
from planner.models.robust.futures import Futures
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.options import SolveOptions
from planner.solving.proof import Proof
from planner.solving.status import Status

EXACT = SolveOptions(gap_frac=0.0, deterministic=True)


def robust_problem(
    value: list[list[float]],
    reach: list[list[int]],
    *,
    num_stations: int,
    load: list[list[float]] | None = None,
    capacity: list[float] | None = None,
    parent: tuple[int, ...] = (-1,),
    node_of: list[int] | None = None,
    city: list[int] | None = None,
    openings: list[float] | None = None,
) -> PhasedProblem:
    """One row per zone, one column per future (or node and future); types by their capacity."""
    values = np.array(value, dtype=np.float64)
    num_sites, num_columns, tree = len(reach), values.shape[1], Tree(np.array(parent))
    sizes = np.array(capacity or [1e9])
    city_idx = np.array(city or [0] * num_sites, dtype=np.int32)
    num_cities = int(city_idx.max()) + 1
    use = np.ones((num_sites, len(sizes)))
    total = np.zeros(tree.num_nodes)
    total[0] = num_stations
    limits = [PhasedLimit("stations", use, total, carries_over=True)]
    if openings is not None:
        limits.append(PhasedLimit("openings", use, np.array(openings), carries_over=False))
    everywhere = np.ones((num_sites, tree.num_nodes), dtype=np.bool_)
    return PhasedProblem(
        tree=tree,
        node_of=np.array(node_of or [0] * num_columns),
        reach=Lists.of(reach),
        value=values,
        load=np.zeros_like(values) if load is None else np.array(load, dtype=np.float64),
        capacity=np.tile(sizes[None, :, None], (num_sites, 1, num_columns)),
        may_stand=everywhere,
        must_stand=~everywhere,
        is_new=everywhere[:, 0],
        limits=tuple(limits),
        cities=PhasedCities(
            city_idx=city_idx,
            least=np.zeros(num_cities, dtype=np.int64),
            most=np.full(num_cities, num_sites),
            rate=np.full((num_cities, tree.num_nodes), math.inf),
            carries_over=False,
        ),
    )


def random_problem(
    seed: int, *, num_sites: int = 6, num_futures: int = 3, slack: bool = False,
    parent: tuple[int, ...] = (-1,), node_of: list[int] | None = None, num_cities: int = 2,
    openings: list[float] | None = None, future_of: list[int] | None = None,
) -> tuple[PhasedProblem, Futures]:  # fmt: skip
    """Zones at random within reach of a few sites, demand that shifts between futures."""
    rng = np.random.default_rng(seed)
    num_zones, num_columns = 9, len(node_of or range(num_futures))
    reach = [
        sorted(rng.choice(num_zones, size=rng.integers(1, 4), replace=False).tolist())
        for _ in range(num_sites)
    ]
    value = rng.integers(0, 12, size=(num_zones, num_columns)).astype(float)
    problem = robust_problem(
        value.tolist(), reach, num_stations=2,
        load=None if slack else (value * rng.choice([0.5, 1.0], size=value.shape)).tolist(),
        capacity=[1e9] if slack else [4.0, 9.0],
        parent=parent, node_of=node_of, openings=openings,
        city=[*sorted(rng.integers(0, num_cities, size=num_sites - 1).tolist()), num_cities - 1],
    )  # fmt: skip
    chance = rng.dirichlet(np.full(num_futures, 3.0))
    owner = np.array(future_of if future_of is not None else range(num_futures))
    return problem, Futures(owner, chance / math.fsum(chance))


def all_plans(problem: PhasedProblem) -> list[PhasedPlan]:
    """Every plan within the limits."""
    parent, types = problem.tree.parent, range(-1, problem.num_types)
    histories = [
        sizes
        for sizes in itertools.product(types, repeat=problem.tree.num_nodes)
        if all(before < 0 or sizes[node] >= sizes[before] for node, before in enumerate(parent))
    ]
    plans = []
    for table in itertools.product(histories, repeat=problem.num_sites):
        plan = plan_of_table(np.array(table, dtype=np.int32))
        if not keeps_limits(problem, plan):
            plans.append(plan)
    return plans


class EveryPlan:
    """Solves a problem by looking at all plans; loosely if asked, as limits on time do.

    What a plan serves of a column grows with the column's values, so that weighted problems need
    no further look.
    """

    def __init__(self, problem: PhasedProblem) -> None:
        self.problem = problem
        self.plans = all_plans(problem)
        self.loose = 0.0
        self.calls = 0
        self._rng = np.random.default_rng(0)
        self._share: dict[tuple[object, ...], np.ndarray] = {}

    def served(self, problem: PhasedProblem) -> np.ndarray:
        """What each plan serves of each column, shape (num_plans, num_columns)."""
        return np.column_stack([self._column(problem, k) for k in range(problem.num_columns)])

    def _column(self, problem: PhasedProblem, column: int) -> np.ndarray:
        value = problem.value[:, column]
        total = value.sum()
        if total == 0.0:
            return np.zeros(len(self.plans))
        node = int(problem.node_of[column])
        key = node, (value / total).round(9).tobytes(), problem.load[:, column].tobytes()
        if key not in self._share:
            alone = problem.column_problem(column)
            self._share[key] = (
                np.array([_service(alone, plan, node) for plan in self.plans]) / total
            )
        return self._share[key] * total

    def table(self, futures: Futures) -> np.ndarray:
        """What each plan serves in each future, shape (num_plans, num_futures)."""
        return np.array([futures.values(served) for served in self.served(self.problem)])

    def __call__(
        self, problem: PhasedProblem, options: SolveOptions, *, start: PhasedStart | None = None,
        executor: object = None, stop: object = None,
    ) -> PhasedSolution:  # fmt: skip
        """The best plan, or one that misses up to ``loose`` of it, and a bound as loose."""
        self.calls += 1
        served = self.served(problem)
        total = served.sum(axis=1)
        good = np.flatnonzero(total >= total.max() * (1.0 - self.loose))
        at = int(self._rng.choice(good)) if self.loose else int(np.argmax(total))
        bound = float(total.max()) * (1.0 + self.loose) * (1.0 + 1e-12)
        price = np.zeros((len(problem.limits), problem.tree.num_nodes))
        return PhasedSolution(
            self.plans[at], np.zeros_like(problem.value), served[at],
            tuple(limit.name for limit in problem.limits), price, PhasedStart(self.plans[at]),
            Proof(Status.FEASIBLE, float(total[at]), bound, 0.0, "max"),
        )  # fmt: skip


def _service(alone: SizedCoverageProblem, plan: PhasedPlan, node: int) -> float:
    here = plan.size[:, node] >= 0
    return served_flow(alone, plan.site_idx[here], plan.size[here, node].astype(np.int64))[1]
