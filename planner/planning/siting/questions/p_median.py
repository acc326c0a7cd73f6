"""Least drive to the nearest station: problem and answer of the p-median model."""

import math
from dataclasses import replace

from planner.arrays import FloatArray, IntArray
from planner.instance import Instance
from planner.models.allocation.solve import Allocation
from planner.models.alternatives.p_median import reward_p_median
from planner.models.alternatives.result import Places, Plan, Posed
from planner.models.frontier.by_solver import with_bounds
from planner.models.frontier.p_median import median_bounds
from planner.models.frontier.result import Frontier
from planner.models.least_money.problem import Kept
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.models.p_median.solve import solve_p_median
from planner.models.p_median.state import p_median_cost
from planner.models.reasons.p_median import p_median_reasons, p_median_without
from planner.models.reasons.result import Interval, SiteReasons
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.planning.siting.as_other_problem import (
    city_limits,
    pairs_by_zone,
    site_cost,
    zones_out_of_reach,
)
from planner.planning.siting.frontier import frontier_by_asking
from planner.planning.siting.question import Ask, Equal, Siting, SitingTask
from planner.plans.question import measure_asked
from planner.solving.rules import SiteRules

_BOUNDS_TIME_FRAC = 0.2
"""Of a frontier's time, for its bounds between plans."""


def assemble_p_median(
    instance: Instance, problem: SizedCoverageProblem, reach: Reach
) -> PMedianProblem:
    """Least minutes from zones to their nearest station, each weighted with its swaps a day.

    Parameters
    ----------
    instance : Instance
        For the minutes that count where no station is within the standard.
    problem : SizedCoverageProblem
        From `planner.planning.siting.problem.assemble_siting`.
    reach : Reach
        Of all sites.
    """
    coverage, pairs = problem.coverage, pairs_by_zone(problem, reach)
    return PMedianProblem(
        weight=coverage.value,
        distances=PairDistances(
            sites=pairs.sites,
            distance=pairs.drive_min,
            unserved=instance.scenario.siting.unserved_min,
            num_sites=coverage.num_sites,
        ),
        rules=SiteRules(
            forced=problem.rules.forced,
            forbidden=problem.rules.forbidden,
            cost=site_cost(problem),
            budget=problem.rules.budget,
            least=0,
            most=problem.rules.most,
            cities=city_limits(problem),
        ),
    )


def _solve(task: SitingTask) -> Siting:
    found = solve_p_median(
        assemble_p_median(task.instance, task.problem, task.reach),
        task.options,
        on_progress=task.on_progress,
        stop=task.stop,
    )
    measure = measure_asked(task.instance.scenario)
    return Siting(
        sense=measure.sense,
        unit=measure.unit,
        status=found.proof.status,
        open_site_idx=found.open_site_idx,
        type_idx=None,
        objective=found.proof.objective,
        bound=found.proof.bound,
        gap_frac=found.proof.gap_frac,
        wall_s=found.proof.wall_s,
    )


def _assumptions(instance: Instance, problem: SizedCoverageProblem) -> list[dict[str, str]]:
    unserved_min = instance.scenario.siting.unserved_min
    consequence = f"each of their swaps counts {unserved_min:g} min in every plan"
    return [zones_out_of_reach(instance, problem, consequence)]


def _equal(task: SitingTask, siting: Siting, _served: float) -> Equal:
    """Ways no longer to the nearest station."""
    return Equal(
        Kept(
            minutes=task.reach.drive_min,
            unserved_minutes=task.instance.scenario.siting.unserved_min,
            most_minutes=siting.objective,
        )
    )


def _reasons(task: SitingTask, siting: Siting, _allocation: Allocation) -> SiteReasons:
    problem = assemble_p_median(task.instance, task.problem, task.reach)
    return p_median_reasons(problem, siting.open_site_idx, task.options, stop=task.stop)


def _without(task: SitingTask, siting: Siting, removed: IntArray, forced: IntArray) -> Interval:
    return p_median_without(
        assemble_p_median(task.instance, task.problem, task.reach),
        siting.open_site_idx,
        removed,
        forced,
        task.options,
        on_progress=task.on_progress,
        stop=task.stop,
    )


def _frontier(task: SitingTask, amounts: FloatArray, is_money: bool, _nested: bool) -> Frontier:
    """Plans one by one, and bounds between them by multipliers."""
    limit_s = _BOUNDS_TIME_FRAC * task.options.time_limit_s
    plans_s = task.options.time_limit_s - limit_s
    of_plans = replace(task, options=replace(task.options, time_limit_s=plans_s))
    found = frontier_by_asking(of_plans, _solve, amounts, is_money)
    bounds = median_bounds(
        assemble_p_median(task.instance, task.problem, task.reach),
        amounts,
        found.plans,
        found.every_amount,
        is_money=is_money,
        time_limit_s=math.inf if task.options.deterministic else limit_s,
    )
    return with_bounds(found, bounds)


def _posed(task: SitingTask, siting: Siting, _allocation: Allocation, places: Places) -> Posed:
    problem = assemble_p_median(task.instance, task.problem, task.reach)
    reference = Plan(siting.open_site_idx, None, -p_median_cost(problem, siting.open_site_idx))
    return Posed(reference, reward_p_median(problem, places, task.options, task.stop))


ASK = Ask(
    solve=_solve,
    depends_on_packs=False,
    equal=_equal,
    assumptions=_assumptions,
    reasons=_reasons,
    without=_without,
    frontier=_frontier,
    posed=_posed,
)
