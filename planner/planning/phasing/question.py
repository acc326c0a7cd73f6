"""What the scenario asks of openings: most service, a share early, or shares for little money."""

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import NamedTuple

import numpy as np

from planner.errors import InfeasibleError, NoPlanError
from planner.instance import Scenario
from planner.models.phasing.least_money import least_money
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.solution import PhasedSolution, PhasedStart
from planner.models.phasing.solve import solve_phased
from planner.models.phasing.targets import EarliestNode, earliest_node
from planner.planning.phasing.problem import discounts
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, StopRequest


class Openings(NamedTuple):
    """The answer to the question.

    Attributes
    ----------
    solution : PhasedSolution
        Its proof is of discounted swaps, or of discounted money where that is to be least.
    earliest : EarliestNode, optional
        Where a share is to be served as early as can be.
    """

    solution: PhasedSolution
    earliest: EarliestNode | None = None


def answer_question(
    scenario: Scenario,
    problem: PhasedProblem,
    options: SolveOptions,
    *,
    start: PhasedStart,
    executor: Executor | None,
    on_progress: Callable[[Progress], None],
    stop: StopRequest | None,
) -> Openings:
    """Answer ``phasing.objective`` of a scenario.

    Parameters
    ----------
    scenario : Scenario
    problem : PhasedProblem
        Of its periods.
    options, start, executor, on_progress, stop
        As of `planner.models.phasing.solve.solve_phased`.

    Raises
    ------
    InfeasibleError
        If no plan keeps the limits, or serves the shares that are wanted.
    NoPlanError
        If none was found that serves them, though none was proven impossible.
    """
    phasing, names = scenario.phasing, [period[0] for period in scenario.periods]
    solve = partial(solve_phased, executor=executor)
    if phasing.objective == "least_money":
        wanted = np.array([phasing.share_by_quarter.get(name, np.nan) for name in names])
        money = least_money(
            problem, wanted, discounts(scenario), options, start=start, node_names=names,
            solve=solve, on_progress=on_progress, stop=stop,
        )  # fmt: skip
        return Openings(money.solution)
    if phasing.objective == "earliest_share":
        share = phasing.share_frac or 1.0
        earliest = earliest_node(
            problem, share, options, start=start, node_names=names, solve=solve,
            on_progress=on_progress, stop=stop,
        )  # fmt: skip
        if earliest.node is None:
            most = earliest.bound_frac.max()
            if earliest.proven:
                raise InfeasibleError(
                    f"no plan serves {share:.2%} of the swaps in any period: at most {most:.2%}"
                )
            raise NoPlanError(
                f"no plan was found that serves {share:.2%} of the swaps in any period; the best "
                f"serves {earliest.found_frac.max():.2%}, none more than {most:.2%}"
            )
        return Openings(earliest.solution, earliest)
    found = solve_phased(
        problem, options, start=start, node_names=names, executor=executor,
        on_progress=on_progress, stop=stop,
    )  # fmt: skip
    return Openings(found)
