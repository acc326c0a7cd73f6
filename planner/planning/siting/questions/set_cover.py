"""Least cost of covering the demand: problem and answer of the set covering model."""

import math

import numpy as np

from planner.instance import Instance
from planner.models.least_money.problem import Kept
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
    found = solve_set_cover(
        assemble_set_cover(task.instance, task.problem),
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


ASK = Ask(solve=_solve, depends_on_packs=False, equal=_equal, assumptions=_assumptions)
