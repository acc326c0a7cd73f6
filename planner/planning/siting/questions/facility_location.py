"""Least yearly cost of stations, drives and swaps not served: problem and answer of its model."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.arrays import FloatArray, IntArray
from planner.errors import InfeasibleError, NoPlanError
from planner.instance import Instance
from planner.models.allocation.solve import Allocation
from planner.models.alternatives.facility_location import reward_facility_location
from planner.models.alternatives.result import Places, Plan, Posed
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.facility_location.solve import FacilityLocationSolution, solve_facility_location
from planner.models.frontier.result import Frontier
from planner.models.reasons.facility_location import Money, facility_reasons, facility_without
from planner.models.reasons.result import Interval, SiteReasons, Stations
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.planning.packs import annuity
from planner.planning.siting.as_other_problem import (
    city_limits,
    pairs_by_zone,
    zones_assumed,
    zones_out_of_reach,
)
from planner.planning.siting.frontier import frontier_by_asking
from planner.planning.siting.question import Ask, Siting, SitingTask
from planner.planning.siting.standing import station_types_by_size
from planner.plans.question import measure_asked
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.rules import SiteRules
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac
from planner.units import DAYS_PER_YEAR

_LEAST_LOAD_PER_VALUE = 1e-6
"""Zones with less load per swap a day ask for nothing: their vehicles have no packs to swap."""
_LEAST_SHARE = 1e-9
"""Of a zone: less is rounding."""
_MONEY_ROUNDS, _MONEY_STEP_FRAC = 6, 1e-6
"""Times that yearly costs are limited anew until the money suffices, and what is taken off."""


@dataclass(frozen=True)
class YearlyCosts:
    """Least yearly cost as a `FacilityLocationProblem`, and how its answer is read.

    The model has one cost of unserved demand, in swaps of the design hour; a swap of the year is
    worth the same everywhere, one of the design hour is not. So every zone's costs are raised to
    those of the dearest, which adds the same to all plans.

    Attributes
    ----------
    problem : FacilityLocationProblem
        Demand in swaps per design hour, costs in CNY per year.
    type_idx : int array, shape (num_sites, num_types)
        Type that each of the problem's stands for: those that fit, and the cheapest of them in
        the place of those that don't.
    drive_min : float array, shape (num_pairs,)
        Minutes of each of the problem's pairs.
    added_cny : float
        What the problem's costs exceed the true ones by.
    """

    problem: FacilityLocationProblem
    type_idx: NDArray[np.int64]
    drive_min: FloatArray
    added_cny: float

    def own_types(self, siting: Siting) -> IntArray:
        """The problem's types of an answer's stations, shape (num_open,)."""
        if siting.type_idx is None:
            raise ValueError("an answer to this question knows the types of its stations")
        is_type = self.type_idx[siting.open_site_idx] == siting.type_idx[:, None]
        return np.asarray(is_type.argmax(axis=1))


def assemble_facility_location(
    instance: Instance, problem: SizedCoverageProblem, reach: Reach
) -> YearlyCosts:
    """Least yearly cost of stations, drivers' time and swaps that are not served.

    A station costs the annuity of type and plot, and the type's opex. Zones whose vehicles have
    no packs ask for nothing.
    """
    coverage, siting = problem.coverage, instance.scenario.siting
    types = station_types_by_size(instance)
    fits = problem.capacity > 0
    own = np.broadcast_to(np.arange(problem.num_types), fits.shape)
    type_idx = np.where(fits, own, _cheapest_type_idx(problem)[:, None])
    yearly_cny = problem.rules.cost * annuity(
        siting.station_years, instance.scenario.costs.interest_rate
    ) + types["opex_cny_per_year"].to_numpy(float)
    pairs = pairs_by_zone(problem, reach)
    asks = problem.load > _LEAST_LOAD_PER_VALUE * coverage.value
    demand = np.where(asks, problem.load, 0.0)
    swaps_per_year = np.divide(
        coverage.value * DAYS_PER_YEAR, demand, out=np.zeros(coverage.num_zones), where=asks
    )
    unserved_cny = swaps_per_year * siting.unserved_swap_cny
    dearest_cny = float(unserved_cny.max(initial=0.0))
    zone_idx = pairs.sites.owner
    return YearlyCosts(
        problem=FacilityLocationProblem(
            demand=demand,
            sites=pairs.sites,
            unit_cost=pairs.drive_min * siting.drive_cny_per_min * swaps_per_year[zone_idx]
            + (dearest_cny - unserved_cny)[zone_idx],
            capacity=np.take_along_axis(problem.capacity, type_idx, axis=1),
            rules=SiteRules(
                forced=problem.rules.forced,
                forbidden=problem.rules.forbidden,
                cost=np.take_along_axis(yearly_cny, type_idx, axis=1),
                budget=math.inf,
                least=0,
                most=problem.rules.most,
                cities=city_limits(problem),
            ),
            unserved_cost=dearest_cny,
        ),
        type_idx=type_idx,
        drive_min=pairs.drive_min,
        added_cny=math.fsum(demand * (dearest_cny - unserved_cny)),
    )


def served_at_least_cost(yearly: YearlyCosts, solution: FacilityLocationSolution) -> Allocation:
    """Who serves whom, as the model found it cheapest: all that can be served need not be."""
    problem = yearly.problem
    zone_idx = problem.sites.owner
    share = np.divide(
        solution.amount, problem.demand[zone_idx], out=np.zeros(len(zone_idx)),
        where=solution.amount > 0,
    )  # fmt: skip
    pair = np.flatnonzero(share > _LEAST_SHARE)
    open_site_idx = solution.open_site_idx
    return Allocation(
        zone_idx=zone_idx[pair],
        station_idx=np.searchsorted(open_site_idx, problem.sites.idx[pair]).astype(np.int32),
        share_frac=np.minimum(share[pair], 1.0),
        drive_min=yearly.drive_min[pair],
        type_idx=yearly.type_idx[open_site_idx, solution.type_idx].astype(np.int32),
    )


def _cheapest_type_idx(problem: SizedCoverageProblem) -> NDArray[np.int64]:
    """The cheapest type that fits each site, shape (num_sites,); 0 where none fits."""
    fitting = np.where(problem.capacity > 0, problem.rules.cost, np.inf)
    return np.asarray(fitting.argmin(axis=1))


def _solve(task: SitingTask) -> Siting:
    yearly = assemble_facility_location(task.instance, task.problem, task.reach)
    most_cny = yearly.problem.unserved_cost * math.fsum(yearly.problem.demand)
    # The model's gap is a share of its costs, which are higher than the true ones.
    true_share = 1.0 - yearly.added_cny / most_cny if most_cny > 0 else 1.0
    found, bound = _within_the_money(
        yearly,
        task.problem,
        replace(task.options, gap_frac=task.options.gap_frac * true_share),
        _lowered(task.on_progress, yearly.added_cny),
        task.stop,
    )
    allocation = served_at_least_cost(yearly, found)
    objective, bound = (cny - yearly.added_cny for cny in (found.proof.objective, bound))
    measure = measure_asked(task.instance.scenario)
    gap = gap_frac(objective, bound, sense=measure.sense)
    return Siting(
        sense=measure.sense,
        unit=measure.unit,
        status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        open_site_idx=found.open_site_idx,
        type_idx=allocation.type_idx.astype(np.int64),
        objective=objective,
        bound=bound,
        gap_frac=gap,
        wall_s=found.proof.wall_s,
        allocation=allocation,
    )


def _within_the_money(
    yearly: YearlyCosts,
    problem: SizedCoverageProblem,
    options: SolveOptions,
    on_progress: ProgressCallback | None,
    stop: StopRequest | None,
) -> tuple[FacilityLocationSolution, float]:
    """A plan within the budget, and a bound on all such plans, in the model's costs.

    The model limits yearly costs, the scenario money. The first limit, the most that the money
    can cost a year, lets every plan within the budget pass, so that its bound holds for them
    all; after a plan that spends too much the limit is that much lower.
    """
    if not math.isfinite(problem.rules.budget):
        found = solve_facility_location(yearly.problem, options, on_progress=on_progress, stop=stop)
        return found, found.proof.bound
    money = np.take_along_axis(problem.rules.cost, yearly.type_idx, axis=1)
    least_cny = math.fsum(money.min(axis=1)[problem.rules.forced])
    if least_cny > problem.rules.most_cost:
        raise InfeasibleError(
            f"the sites that are forced open cost {least_cny:,.2f}, the budget is "
            f"{problem.rules.budget:,.2f}"
        )
    usable = problem.rules.usable
    costs, cost_free = yearly.problem.rules.cost[usable], money[usable] == 0
    per_cny = float(np.max(costs[~cost_free] / money[usable][~cost_free], initial=0.0))
    limit = per_cny * problem.rules.most_cost + math.fsum(
        np.where(cost_free, costs, 0.0).max(axis=1)
    )
    is_exact = np.allclose(costs, per_cny * money[usable])
    spent_s, bound = 0.0, -math.inf
    for _ in range(_MONEY_ROUNDS):
        left_s = max(1.0, options.time_limit_s - spent_s)
        found = solve_facility_location(
            replace(yearly.problem, rules=replace(yearly.problem.rules, budget=limit)),
            replace(options, time_limit_s=left_s if is_exact else max(1.0, left_s / 2)),
            on_progress=on_progress,
            stop=stop,
        )
        spent_s += found.proof.wall_s
        bound = found.proof.bound if bound == -math.inf else bound
        spent = math.fsum(money[found.open_site_idx, found.type_idx])
        if spent <= problem.rules.most_cost:
            return replace(found, proof=replace(found.proof, wall_s=spent_s)), bound
        limit = min(limit, found.fixed_cost) * problem.rules.budget / spent * (1 - _MONEY_STEP_FRAC)
    raise NoPlanError(
        f"no plan within the budget of {problem.rules.budget:,.2f} was found; the cheapest spends "
        f"{spent:,.2f}"
    )


def _lowered(on_progress: ProgressCallback | None, by: float) -> ProgressCallback | None:
    """Progress in the costs of the scenario instead of the model's."""
    if on_progress is None:
        return None
    report: Callable[[Progress], None] = on_progress

    def pass_on(progress: Progress) -> None:
        incumbent, bound = (
            None if cost is None else cost - by for cost in (progress.incumbent, progress.bound)
        )
        report(replace(progress, incumbent=incumbent, bound=bound))

    return pass_on


def _assumptions(instance: Instance, problem: SizedCoverageProblem) -> list[dict[str, str]]:
    value = problem.coverage.value
    idle = (problem.load <= _LEAST_LOAD_PER_VALUE * value) & (value > 0)
    item = "zones whose vehicles have no packs"
    return [
        zones_out_of_reach(instance, problem, "their swaps go unserved in every plan"),
        zones_assumed(instance, problem, item, idle, "neither served nor missed"),
    ]


def _reasons(task: SitingTask, siting: Siting, _allocation: Allocation) -> SiteReasons:
    """Costs a year: what the model adds to all plans is in none of the differences."""
    yearly = assemble_facility_location(task.instance, task.problem, task.reach)
    rules = task.problem.rules
    types = yearly.own_types(siting)
    found = facility_reasons(
        yearly.problem,
        siting.open_site_idx,
        types,
        task.options,
        money=Money(np.take_along_axis(rules.cost, yearly.type_idx, axis=1), rules.most_cost),
        stop=task.stop,
    )
    if found.improved is None or found.improved.type_idx is None:
        return found
    sites, types = found.improved.site_idx, found.improved.type_idx
    return replace(found, improved=Stations(sites, yearly.type_idx[sites, types]))


def _without(task: SitingTask, siting: Siting, removed: IntArray, forced: IntArray) -> Interval:
    yearly = assemble_facility_location(task.instance, task.problem, task.reach)

    def within_the_money(
        problem: FacilityLocationProblem, options: SolveOptions
    ) -> tuple[FacilityLocationSolution, float]:
        changed = replace(yearly, problem=problem)
        return _within_the_money(changed, task.problem, options, task.on_progress, task.stop)

    limited = math.isfinite(task.problem.rules.budget)
    found = facility_without(
        yearly.problem,
        Stations(siting.open_site_idx, yearly.own_types(siting)),
        siting.objective + yearly.added_cny,
        removed,
        forced,
        task.options,
        solve=within_the_money if limited else None,
        stop=task.stop,
    )
    sites, kinds = found.found
    return replace(found, found=Stations(sites, yearly.type_idx[sites, kinds]))


def _frontier(task: SitingTask, amounts: FloatArray, is_money: bool, _nested: bool) -> Frontier:
    return frontier_by_asking(task, _solve, amounts, is_money)


def _posed(task: SitingTask, siting: Siting, _allocation: Allocation, places: Places) -> Posed:
    yearly = assemble_facility_location(task.instance, task.problem, task.reach)
    rules = task.problem.rules
    rewarded = reward_facility_location(
        yearly.problem,
        places,
        task.options,
        less=yearly.added_cny,
        money=np.take_along_axis(rules.cost, yearly.type_idx, axis=1),
        most_money=rules.most_cost,
        stop=task.stop,
    )
    types = yearly.own_types(siting)
    return Posed(Plan(siting.open_site_idx, types, -siting.objective), rewarded)


ASK = Ask(
    solve=_solve,
    depends_on_packs=True,
    assumptions=_assumptions,
    reasons=_reasons,
    without=_without,
    frontier=_frontier,
    posed=_posed,
)
