"""Least drive to the nearest station: problem and answer of the p-median model."""

from planner.instance import Instance
from planner.models.least_money.problem import Kept
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.models.p_median.solve import solve_p_median
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.planning.siting.as_other_problem import (
    city_limits,
    pairs_by_zone,
    site_cost,
    zones_out_of_reach,
)
from planner.planning.siting.question import Ask, Equal, Siting, SitingTask
from planner.plans.question import measure_asked
from planner.solving.rules import SiteRules


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


ASK = Ask(solve=_solve, depends_on_packs=False, equal=_equal, assumptions=_assumptions)
