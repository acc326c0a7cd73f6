"""Which siting model answers the scenario's question, and its answer in the same terms for all."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np

from planner.arrays import BoolArray, IntArray
from planner.errors import InfeasibleError, NoPlanError
from planner.instance import Instance
from planner.models.allocation.solve import Allocation
from planner.models.facility_location.solve import FacilityLocationSolution, solve_facility_location
from planner.models.national.claims import Claimant, ClaimPlan
from planner.models.national.solve import solve_national
from planner.models.national.state import NationalStart
from planner.models.p_median.solve import PMedianSolution, solve_p_median
from planner.models.set_cover.solve import SetCoverSolution, solve_set_cover
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.planning.siting.other_problems import (
    LEAST_LOAD_PER_VALUE,
    YearlyCosts,
    assemble_facility_location,
    assemble_p_median,
    assemble_set_cover,
    served_at_least_cost,
    usable_sites_within_reach,
)
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.rules import CityLimits
from planner.solving.status import OPTIMAL_GAP_FRAC, Sense, Status, gap_frac

_NAMED_ZONES = 10
"""Zones named in an assumption; where there are more, the rest are counted."""
_MONEY_ROUNDS, _MONEY_STEP_FRAC = 6, 1e-6
"""Times that yearly costs are limited anew until the money suffices, and what is taken off."""


@dataclass(frozen=True)
class Siting:
    """Stations that a siting model chose, and its proof.

    Attributes
    ----------
    sense, unit : str
        Of the objective.
    status : Status
    open_site_idx : int array, shape (num_open,)
        Open sites, ascending.
    type_idx : int array, shape (num_open,), optional
        The type of each, in the order of the problem; none where sizes cost nothing in the
        question: the allocation then finds the smallest that carry their load.
    objective, bound, gap_frac : float
        In ``unit``; no plan is better than the bound.
    prices : mapping of str to float
        What one more unit of a limit would bring, by name with its unit.
    wall_s : float
    allocation : Allocation, optional
        Who serves whom, where the model decides that too.
    resource_price : mapping of str to float
        Prices of what claimants share with the cities, by its name in the model.
    claimed : tuple of ClaimPlan
        What each claimant was granted.
    end : NationalStart, optional
        What the same question for other packs can start from.
    """

    sense: Sense
    unit: str
    status: Status
    open_site_idx: IntArray
    type_idx: IntArray | None
    objective: float
    bound: float
    gap_frac: float
    prices: Mapping[str, float] = field(default_factory=dict)
    wall_s: float = 0.0
    allocation: Allocation | None = None
    resource_price: Mapping[str, float] = field(default_factory=dict)
    claimed: tuple[ClaimPlan, ...] = ()
    end: NationalStart | None = None


def looks_at_packs(instance: Instance) -> bool:
    """Whether the answer depends on loads and capacities, which the packs decide."""
    return instance.scenario.siting.objective in ("max_coverage", "facility_location")


def choose_stations(
    instance: Instance,
    problem: SizedCoverageProblem,
    reach: Reach,
    options: SolveOptions,
    *,
    earlier: Siting | None = None,
    claimants: Sequence[Claimant] = (),
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
    executor: Executor | None = None,
) -> Siting:
    """Answer the scenario's siting question.

    Parameters
    ----------
    instance : Instance
        ``siting.objective`` of its scenario is the question.
    problem : SizedCoverageProblem
        From `planner.planning.siting.problem.assemble_siting`.
    reach : Reach
        Of all sites.
    options : SolveOptions
    earlier : Siting, optional
        An answer for other packs: it stands where the question does not look at them, and is
        where the search starts where it does.
    claimants : sequence of Claimant
        Who shares the limits, where the question is that of most swaps served.
    on_progress, stop, executor
        As in `planner.models.national.solve.solve_national`.

    Raises
    ------
    InfeasibleError
        If no plan keeps the limits.
    """
    objective = instance.scenario.siting.objective
    if objective == "max_coverage":
        return _most_served(problem, options, claimants, earlier, on_progress, stop, executor)
    if objective == "facility_location":
        return _least_yearly_cost(instance, problem, reach, options, on_progress, stop)
    if earlier is not None:
        found = replace(earlier, type_idx=None)
    elif objective == "p_median":
        median = assemble_p_median(instance, problem, reach)
        found = _of_sites(
            instance, solve_p_median(median, options, on_progress=on_progress, stop=stop)
        )
    else:
        cover = assemble_set_cover(instance, problem)
        found = _of_sites(
            instance, solve_set_cover(cover, options, on_progress=on_progress, stop=stop)
        )
    return (
        _with_sizes(found, problem, options, stop) if math.isfinite(problem.rules.budget) else found
    )


def question_assumptions(instance: Instance, problem: SizedCoverageProblem) -> list[dict[str, str]]:
    """What the question takes for granted: keys ``item, value, mark, source``.

    Zones that no site reaches are named: no choice of stations changes what they count.
    """
    asked, value = instance.scenario.siting, problem.coverage.value
    if asked.objective == "max_coverage":
        return []
    usable = usable_sites_within_reach(problem)
    consequence = {
        "p_median": f"each of their swaps counts {asked.unserved_min:g} min in every plan",
        "set_cover": "not asked to be covered" if asked.cover_share_frac == 1.0 else "not covered",
        "facility_location": "their swaps go unserved in every plan",
    }[asked.objective]

    def zones(item: str, which: BoolArray, what: str) -> dict[str, str]:
        names = instance.zones["zone_id"].to_numpy()[which]
        listed = ", ".join(names[:_NAMED_ZONES].tolist())
        more = f" and {len(names) - _NAMED_ZONES:,} more" if len(names) > _NAMED_ZONES else ""
        return {
            "item": item,
            "value": f"{len(names):,} zones, {value[which].sum():,.1f} swaps/day",
            "mark": "INF",
            "source": f"{what}: {listed}{more}" if len(names) else "none",
        }

    rows = [zones("zones that no site reaches within the standard", usable == 0, consequence)]
    if asked.objective == "set_cover" and asked.cover_times > 1:
        few = (usable > 0) & (usable < asked.cover_times)
        taken = "as many stations as they have sites cover them"
        rows.append(
            zones(
                "zones with fewer sites within reach than cover_times",
                few,
                taken if asked.cover_share_frac == 1.0 else "not covered",
            )
        )
    if asked.objective == "facility_location":
        idle = (problem.load <= LEAST_LOAD_PER_VALUE * value) & (value > 0)
        rows.append(zones("zones whose vehicles have no packs", idle, "neither served nor missed"))
    return rows


def _most_served(
    problem: SizedCoverageProblem,
    options: SolveOptions,
    claimants: Sequence[Claimant],
    earlier: Siting | None,
    on_progress: ProgressCallback | None,
    stop: StopRequest | None,
    executor: Executor | None,
) -> Siting:
    found = solve_national(
        problem,
        options,
        claimants=claimants,
        start=None if earlier is None else earlier.end,
        on_progress=on_progress,
        stop=stop,
        executor=executor,
    )
    prices = dict(zip(found.resources, found.price.tolist(), strict=True))
    return Siting(
        sense="max",
        unit="swaps/day",
        status=found.proof.status,
        open_site_idx=found.open_site_idx,
        type_idx=found.type_idx if math.isfinite(problem.rules.budget) else None,
        objective=found.proof.objective,
        bound=found.proof.bound,
        gap_frac=found.proof.gap_frac,
        prices={f"{name}_swaps_per_day": price for name, price in prices.items()},
        wall_s=found.proof.wall_s,
        resource_price=prices,
        claimed=found.claimed,
        end=found.end,
    )


def _of_sites(instance: Instance, found: PMedianSolution | SetCoverSolution) -> Siting:
    """The answer of a model that knows no sizes."""
    asked = instance.scenario.siting
    return Siting(
        sense=asked.sense,
        unit=asked.unit,
        status=found.status,
        open_site_idx=found.open_site_idx,
        type_idx=None,
        objective=found.objective,
        bound=found.bound,
        gap_frac=found.gap_frac,
        wall_s=found.wall_s,
    )


def _with_sizes(
    found: Siting, problem: SizedCoverageProblem, options: SolveOptions, stop: StopRequest | None
) -> Siting:
    """The same stations in the sizes that serve most within the money."""
    is_open = np.zeros(problem.coverage.num_sites, dtype=np.bool_)
    is_open[found.open_site_idx] = True
    num_stations = len(found.open_site_idx)
    cities = problem.rules.cities_or_one()
    rules = replace(
        problem.rules,
        forced=is_open,
        forbidden=~is_open,
        most=num_stations,
        cities=CityLimits(
            cities.city_idx,
            np.zeros_like(cities.min_stations),
            np.full_like(cities.max_stations, num_stations),
        ),
    )
    at_these_sites = replace(problem, coverage=replace(problem.coverage, rules=rules))
    left_s = max(1.0, options.time_limit_s - found.wall_s)
    sized = solve_national(at_these_sites, replace(options, time_limit_s=left_s), stop=stop)
    return replace(found, type_idx=sized.type_idx, wall_s=found.wall_s + sized.proof.wall_s)


def _least_yearly_cost(
    instance: Instance,
    problem: SizedCoverageProblem,
    reach: Reach,
    options: SolveOptions,
    on_progress: ProgressCallback | None,
    stop: StopRequest | None,
) -> Siting:
    yearly = assemble_facility_location(instance, problem, reach)
    most_cny = yearly.problem.unserved_cost * math.fsum(yearly.problem.demand)
    # The model's gap is a share of its costs, which are higher than the true ones.
    true_share = 1.0 - yearly.added_cny / most_cny if most_cny > 0 else 1.0
    found, bound = _within_the_money(
        yearly,
        problem,
        replace(options, gap_frac=options.gap_frac * true_share),
        _lowered(on_progress, yearly.added_cny),
        stop,
    )
    allocation = served_at_least_cost(yearly, found)
    objective, bound = (cny - yearly.added_cny for cny in (found.proof.objective, bound))
    gap = gap_frac(objective, bound, sense="min")
    return Siting(
        sense="min",
        unit="CNY/year",
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
    all; a plan that spends too much is sought again with that much less.
    """
    if not math.isfinite(problem.rules.budget):
        found = solve_facility_location(yearly.problem, options, on_progress=on_progress, stop=stop)
        return found, found.proof.bound
    money = np.take_along_axis(problem.rules.cost, yearly.type_idx, axis=1)
    least_cny = math.fsum(money.min(axis=1)[problem.rules.forced])
    if least_cny > problem.rules.budget:
        raise InfeasibleError(
            f"the sites that are forced open cost {least_cny:,.2f}, the budget is "
            f"{problem.rules.budget:,.2f}"
        )
    usable = problem.rules.usable
    costs, cost_free = yearly.problem.rules.cost[usable], money[usable] == 0
    per_cny = float(np.max(costs[~cost_free] / money[usable][~cost_free], initial=0.0))
    limit = per_cny * problem.rules.budget + math.fsum(np.where(cost_free, costs, 0.0).max(axis=1))
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
        if spent <= problem.rules.budget:
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
