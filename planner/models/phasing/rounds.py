"""The search by city over time: cities are answered at prices, the master chooses their plans.

The algebra is that of :mod:`planner.models.national.solve` with pairs (limit, node) as resources
and pairs (border zone, column) as border zones (:mod:`planner.models.phasing.parts`); the rounds
are `planner.models.national.rounds`, the master `planner.models.national.master`. For prices
pi_rn >= 0 and multipliers 0 <= mu_ik <= w_ik of the border pairs

    L(pi, mu) = sum_rn pi_rn available_rn + sum over border pairs of (w_ik - mu_ik) + sum_c U_c

bounds every plan, U_c being any bound on what city c's best plan is worth at these prices.
"""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IndexArray, IntArray
from planner.models.national.city import CityAnswer
from planner.models.national.master import CityPlan, keeps_limits
from planner.models.national.rounds import search_until_done
from planner.models.national.state import (
    Effort,
    PricedPart,
    PricedSearch,
    Prices,
    at_prices,
    offer_chosen,
)
from planner.models.national.tuning import Tuning
from planner.models.phasing.city import (
    PhasedTask,
    answer_phased_city,
    cheapest_openings,
    plan_column,
    priced_problem,
)
from planner.models.phasing.city_bound import best_openings
from planner.models.phasing.parts import (
    NodeResources,
    PhasedPart,
    PhasedParts,
    node_resources,
    split_phased_by_city,
)
from planner.models.phasing.priced_search import Sites
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.rows import node_values
from planner.models.phasing.service import served_by_column
from planner.models.phasing.sizes import table_of_plan
from planner.models.phasing.solution import PhasedPlan
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.tasks import TaskRunner


@dataclass(frozen=True)
class CityRounds:
    """What the search by city ends with.

    Attributes
    ----------
    plan : PhasedPlan
        At least as good as the one it began with.
    objective : float
        What the plan serves, over all columns.
    bound : float
        No plan is worth more; at most the bound it began with.
    price : float array, shape (num_limits, num_nodes)
        Prices behind the least Lagrangian bound.
    share : float array, shape (num_zones, num_nodes)
        Multipliers there as shares of the values; of inner zones those it began with.
    num_plans : int
        Columns of the master.
    """

    plan: PhasedPlan
    objective: float
    bound: float
    price: FloatArray
    share: FloatArray
    num_plans: int


@dataclass(kw_only=True)
class PhasedSearch(PricedSearch[PhasedTask]):
    """The search for stations that open over time.

    Attributes
    ----------
    problem, resources, parts
        The problem, its limits and its parts; not changed.
    share : float array, shape (num_zones, num_nodes)
        First multipliers of all zones, as shares of their values.
    """

    problem: PhasedProblem
    resources: NodeResources
    parts: PhasedParts
    share: FloatArray

    @property
    def limit(self) -> FloatArray:
        """What there is of each limit at each node, or up to it."""
        return self.resources.available

    @property
    def cities(self) -> Sequence[PricedPart]:
        """Cities with at least one usable site."""
        return self.parts.cities

    @property
    def names(self) -> Sequence[str]:
        """Limits and nodes."""
        return self.resources.names

    def part_name(self, part: int) -> str:
        """The city's."""
        city, names = self.parts.cities[part].city, self.problem.cities.names
        return f"city {city if names is None else names[city]}"

    @property
    def settles_prices(self) -> bool:
        """Never: the first prices come from a relaxation with every limit."""
        return False

    def value_of(self, sites: IntArray, types: IntArray) -> float:
        """Exact by ``served_flow``, column by column."""
        plan = PhasedPlan(sites, types.astype(np.int32))
        return math.fsum(served_by_column(self.problem, plan)[1])

    def quick_bound(self, city: int, price: FloatArray, multiplier: FloatArray) -> float:
        """Equation (A) of `planner.models.phasing.city_bound` at the first multipliers."""
        part = self.parts.cities[city]
        problem = priced_problem(part, multiplier[part.border_idx])
        value = node_values(problem)
        weight = value * self.share_of(part)
        reach, num_sites = problem.reach, problem.num_sites
        worth: FloatArray = np.column_stack(
            [
                np.bincount(reach.owner, weight[reach.idx, n], minlength=num_sites)
                for n in range(problem.tree.num_nodes)
            ]
        )
        opening = cheapest_openings(problem, self.resources.by_node(price))
        sites = Sites(opening, problem.may_stand, problem.must_stand)
        profit = best_openings(problem.tree, worth, sites)
        return math.fsum((math.fsum((value - weight).ravel()), math.fsum(profit)))

    def share_of(self, part: PhasedPart) -> FloatArray:
        """First multipliers of a city's zones; border pairs count whole, as they are priced."""
        share = self.share[part.zone_idx]
        share[part.border_zone, part.problem.node_of[part.border_column]] = 1.0
        return share

    def task(self, start: CityPlan, prices: Prices, effort: Effort) -> PhasedTask:
        """For `planner.models.phasing.city.answer_phased_city`."""
        part = self.parts.cities[start.part]
        num_nodes = self.problem.tree.num_nodes
        table = np.full((len(part.site_idx), num_nodes), CLOSED, dtype=np.int32)
        table[np.searchsorted(part.site_idx, start.site_idx)] = start.type_idx
        return PhasedTask(
            part=part,
            resources=self.resources,
            position=start.part,
            price=self.resources.by_node(prices.price),
            multiplier=prices.multiplier[part.border_idx],
            share=self.share_of(part),
            start=table,
            num_variants=len(effort.around) + len(effort.around_frac),
            num_moves=effort.moves_per_site * len(part.site_idx),
            seconds=effort.seconds,
            node_limit=effort.node_limit,
            allowed_gap=effort.allowed_gap,
            seed=effort.seed,
            tuning=self.tuning,
        )


def improve_by_city(
    problem: PhasedProblem,
    plan: PhasedPlan,
    options: SolveOptions,
    *,
    price: FloatArray,
    share: FloatArray,
    bound: float = math.inf,
    executor: Executor | None = None,
    tuning: Tuning = Tuning(),
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> CityRounds:
    """Improve plan and bound of a nation, city by city.

    Parameters
    ----------
    problem : PhasedProblem
    plan : PhasedPlan
        Keeps every limit.
    options : SolveOptions
        The search ends at ``gap_frac``, at the time limit or, in deterministic mode, after a
        fixed amount of work. Up to ``workers`` cities are worked on at once.
    price : float array, shape (num_limits, num_nodes)
        First prices, as `planner.models.phasing.bound.phased_bound` takes them.
    share : float array, shape (num_zones, num_nodes)
        First multipliers of the zones as shares of their values, in [0, 1].
    bound : float
        Known bound on all plans.
    executor : concurrent.futures.Executor, optional
        Anything with ``submit``. Without one, cities are answered in this process if ``workers``
        is 1, and on so many spawned processes otherwise.
    tuning : Tuning, optional
        How hard each step works.
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    CityRounds

    Raises
    ------
    ValueError
        If the plan does not keep the limits.
    """
    resources = node_resources(problem)
    parts = split_phased_by_city(problem)
    border_value = problem.value[parts.border_zone, parts.border_column]
    unpriced = Prices(np.zeros(len(resources.available)), border_value, np.empty(0), np.empty(0))
    search = PhasedSearch(
        problem=problem,
        resources=resources,
        parts=parts,
        share=np.clip(share, 0.0, 1.0),
        tuning=tuning,
        options=options,
        on_progress=on_progress,
        stop=stop,
        border_value=border_value,
        types=np.empty((0, problem.tree.num_nodes), dtype=np.int64),
        current=unpriced,
        best=unpriced,
        whole_bound=bound,
    )
    _begin(search, table_of_plan(problem, plan), price)
    with TaskRunner[PhasedTask, CityAnswer](
        answer_phased_city, workers=options.workers, executor=executor, stop=stop
    ) as runner:
        search_until_done(search, runner)
    return _end(search)


def _begin(search: PhasedSearch, table: IndexArray, price: FloatArray) -> None:
    """First plan and first prices."""
    parts, resources = search.parts, search.resources
    for position, part in enumerate(parts.cities):
        search.add(plan_column(part, position, resources, table[part.site_idx]))
    search.chosen = list(search.plans)
    if not keeps_limits(search.chosen, resources.available):
        raise ValueError("the plan to improve does not keep the limits")
    offer_chosen(search, search.chosen)
    node = search.problem.node_of[parts.border_column]
    multiplier = search.border_value * search.share[parts.border_zone, node]
    search.current = at_prices(search, resources.flat(np.maximum(price, 0.0)), multiplier)
    search.best = search.current
    search.report("bound", f"{len(parts.cities)} cities at the first prices")


def _end(search: PhasedSearch) -> CityRounds:
    """Plan, bound and prices for the next search."""
    parts, node_of = search.parts, search.problem.node_of
    share, best = search.share.copy(), search.best
    whole, priced = np.zeros(share.shape), np.zeros(share.shape)
    at = parts.border_zone, node_of[parts.border_column]
    np.add.at(whole, at, search.border_value)
    np.add.at(priced, at, best.multiplier)
    np.divide(priced, whole, out=share, where=whole > 0)
    return CityRounds(
        plan=PhasedPlan(search.sites, search.types.astype(np.int32)),
        objective=search.objective,
        bound=search.best_bound,
        price=search.resources.by_node(best.price),
        share=share,
        num_plans=len(search.plans),
    )
