"""A siting question asked for one amount of stations or money after the other."""

from collections.abc import Callable
from dataclasses import replace

from planner.arrays import FloatArray
from planner.models.frontier.by_solver import Answer, frontier_by_solver
from planner.models.frontier.result import Frontier
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.planning.siting.question import Siting, SitingTask
from planner.plans.question import measure_asked
from planner.solving.options import SolveOptions


def within_amount(
    problem: SizedCoverageProblem, amount: float, is_money: bool
) -> SizedCoverageProblem:
    """The problem with so many stations at most, or a budget."""
    rules = problem.rules
    varied = (
        replace(rules, budget=amount)
        if is_money
        else replace(rules, most=min(int(amount), rules.num_sites))
    )
    return replace(problem, coverage=replace(problem.coverage, rules=varied))


def frontier_by_asking(
    task: SitingTask, solve: Callable[[SitingTask], Siting], amounts: FloatArray, is_money: bool
) -> Frontier:
    """The question's own answer to each amount.

    Parameters
    ----------
    task : SitingTask
        Its time holds for all amounts together.
    solve : callable
        The question's.
    amounts : float array, shape (num_points,)
        Most stations, or budgets [CNY]; ascending.
    is_money : bool
        Whether they are budgets.
    """

    def of_amount(amount: float, options: SolveOptions) -> Answer:
        problem = within_amount(task.problem, amount, is_money)
        found = solve(replace(task, problem=problem, options=options, on_progress=None))
        return Answer(found.open_site_idx, found.type_idx, found.objective, found.bound)

    return frontier_by_solver(
        amounts,
        of_amount,
        task.options,
        sense=measure_asked(task.instance.scenario).sense,
        is_whole=not is_money,
        stop=task.stop,
    )
