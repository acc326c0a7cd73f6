"""The answer to the scenario's siting question, in the same terms for all questions."""

import math
from dataclasses import replace

import numpy as np

from planner.arrays import IntArray
from planner.models.national.solve import solve_national
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.planning.siting.question import Siting, SitingTask, ask_of
from planner.solving.rules import CityLimits


def choose_stations(task: SitingTask) -> Siting:
    """Answer a siting question.

    An answer for other packs stands where the question does not depend on them, and is where
    the search starts where it does.

    Raises
    ------
    InfeasibleError
        If no plan keeps the limits.
    """
    ask = ask_of(task.instance)
    if ask.depends_on_packs:
        return ask.solve(task)
    found = ask.solve(task) if task.earlier is None else replace(task.earlier, type_idx=None)
    return _with_sizes(found, task) if math.isfinite(task.problem.rules.budget) else found


def _with_sizes(found: Siting, task: SitingTask) -> Siting:
    """The same stations in the sizes that serve most within the money."""
    options = task.options
    left_s = max(1.0, options.time_limit_s - found.wall_s)
    sized = solve_national(
        at_these_sites(task.problem, found.open_site_idx),
        replace(options, time_limit_s=left_s),
        stop=task.stop,
    )
    return replace(found, type_idx=sized.type_idx, wall_s=found.wall_s + sized.proof.wall_s)


def at_these_sites(problem: SizedCoverageProblem, open_site_idx: IntArray) -> SizedCoverageProblem:
    """The problem whose open sites are given; only sizes and who serves whom are left to it."""
    is_open = np.zeros(problem.coverage.num_sites, dtype=np.bool_)
    is_open[open_site_idx] = True
    num_stations = len(open_site_idx)
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
    return replace(problem, coverage=replace(problem.coverage, rules=rules))
