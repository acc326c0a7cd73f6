"""Least cost of covering the demand: problem and answer of the set covering model."""

import math
from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.errors import InfeasibleError
from planner.instance import Instance
from planner.models.allocation.solve import Allocation
from planner.models.alternatives.result import Places, Plan, Posed
from planner.models.alternatives.set_cover import reward_set_cover
from planner.models.frontier.by_solver import Answer, frontier_by_solver
from planner.models.frontier.result import Frontier
from planner.models.least_money.problem import Kept
from planner.models.reasons.result import Interval, SiteReasons
from planner.models.reasons.set_cover import set_cover_reasons, set_cover_without
from planner.models.set_cover.conflicts import cover_conflict
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.solve import solve_set_cover
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.planning.siting.as_other_problem import (
    city_limits,
    site_cost,
    usable_sites_within_reach,
    zones_assumed,
    zones_out_of_reach,
)
from planner.planning.siting.question import Ask, Equal, Siting, SitingTask
from planner.plans.question import measure_asked
from planner.solving.options import SolveOptions
from planner.solving.rules import SiteRules

_ROUNDING = 1e-6
"""A bound is a number of stations up to here."""


def assemble_set_cover(instance: Instance, problem: SizedCoverageProblem) -> SetCoverProblem:
    """Least money, or fewest stations, that cover what the scenario asks for.

    Where every zone is to be covered, one with fewer sites within reach than ``cover_times``
    takes all it has.
    """
    coverage, siting = problem.coverage, instance.scenario.siting
    need = np.full(coverage.num_zones, siting.cover_times, dtype=np.int64)
    if siting.cover_share_frac == 1.0:
        need = np.minimum(need, usable_sites_within_reach(problem))
    counts_money = siting.cover_least == "money"
    return SetCoverProblem(
        value=coverage.value,
        need=need,
        reach=coverage.reach,
        rules=SiteRules(
            forced=problem.rules.forced,
            forbidden=problem.rules.forbidden,
            cost=site_cost(problem) if counts_money else np.ones(coverage.num_sites),
            budget=problem.rules.budget if counts_money else math.inf,
            least=0,
            most=problem.rules.most,
            cities=city_limits(problem),
        ),
        min_share=siting.cover_share_frac,
    )


def _solve(task: SitingTask) -> Siting:
    problem = assemble_set_cover(task.instance, task.problem)
    try:
        found = solve_set_cover(problem, task.options, on_progress=task.on_progress, stop=task.stop)
    except InfeasibleError:
        raise _conflict(task, problem) from None
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


def _conflict(task: SitingTask, problem: SetCoverProblem) -> InfeasibleError:
    siting = task.instance.scenario.siting
    times = f", by {siting.cover_times} stations each" if siting.cover_times > 1 else ""
    return cover_conflict(
        problem,
        task.options,
        site_names=task.instance.sites["site_id"].tolist(),
        asked=f"{100 * siting.cover_share_frac:.6g} % of the swaps covered{times}",
        unit="CNY",
    )


def _assumptions(instance: Instance, problem: SizedCoverageProblem) -> list[dict[str, str]]:
    siting = instance.scenario.siting
    covers_all = siting.cover_share_frac == 1.0
    consequence = "not asked to be covered" if covers_all else "not covered"
    rows = [zones_out_of_reach(instance, problem, consequence)]
    if siting.cover_times > 1:
        usable = usable_sites_within_reach(problem)
        few = (usable > 0) & (usable < siting.cover_times)
        item = "zones with fewer sites within reach than cover_times"
        taken = "as many stations as they have sites cover them"
        rows.append(
            zones_assumed(instance, problem, item, few, taken if covers_all else "not covered")
        )
    return rows


def _equal(task: SitingTask, siting: Siting, _served: float) -> Equal:
    """As much covered, by no more stations, or no dearer ones of the cheapest size."""
    problem = assemble_set_cover(task.instance, task.problem)
    counts_money = task.instance.scenario.siting.cover_least == "money"
    required = problem.min_share * math.fsum(problem.value.tolist())
    return Equal(
        Kept(
            site_cost=problem.rules.cost,
            most_site_cost=siting.objective,
            need=problem.need,
            least_covered=math.inf if problem.min_share == 1.0 else required,
        ),
        fewest_stations=0 if counts_money else math.ceil(siting.bound - _ROUNDING),
        least_cost=siting.bound if counts_money else 0.0,
    )


def _reasons(task: SitingTask, siting: Siting, _allocation: Allocation) -> SiteReasons:
    problem = assemble_set_cover(task.instance, task.problem)
    return set_cover_reasons(problem, siting.open_site_idx, task.options, stop=task.stop)


def _without(task: SitingTask, siting: Siting, removed: IntArray, forced: IntArray) -> Interval:
    """Zones take as many stations as before: one that loses its last site makes it infeasible."""
    return set_cover_without(
        assemble_set_cover(task.instance, task.problem),
        siting.open_site_idx,
        removed,
        forced,
        task.options,
        on_progress=task.on_progress,
        stop=task.stop,
    )


def _frontier(task: SitingTask, amounts: FloatArray, _is_money: bool, _nested: bool) -> Frontier:
    """Over the share that is covered."""

    def solve(share: float, options: SolveOptions) -> Answer:
        siting = task.instance.scenario.siting.model_copy(update={"cover_share_frac": share})
        scenario = task.instance.scenario.model_copy(update={"siting": siting})
        asked = replace(task.instance, scenario=scenario)
        found = _solve(replace(task, instance=asked, options=options, on_progress=None))
        return Answer(found.open_site_idx, found.type_idx, found.objective, found.bound)

    sense = measure_asked(task.instance.scenario).sense
    return frontier_by_solver(
        amounts, solve, task.options, sense=sense, grows=False, stop=task.stop
    )


def _posed(task: SitingTask, siting: Siting, _allocation: Allocation, places: Places) -> Posed:
    problem = assemble_set_cover(task.instance, task.problem)
    cost = math.fsum(problem.rules.cost[siting.open_site_idx])
    reference = Plan(siting.open_site_idx, None, -cost)
    return Posed(reference, reward_set_cover(problem, places, task.options, task.stop))


ASK = Ask(
    solve=_solve,
    depends_on_packs=False,
    equal=_equal,
    assumptions=_assumptions,
    reasons=_reasons,
    without=_without,
    frontier=_frontier,
    frontier_over="covered_frac",
    posed=_posed,
)
