"""Which siting model answers the scenario's question, and its answer in the same terms for all."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

from planner.models.national import solve_national
from planner.problem import IntArray, SizedCoverageProblem
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.status import Sense, Status


@dataclass(frozen=True)
class Siting:
    """Stations that a siting model chose, and its proof.

    Attributes
    ----------
    sense, unit : str
        Of the objective.
    status : Status
    open_site_idx, type_idx : int arrays, shape (num_open,)
        Open sites, ascending, and the type of each in the order of the problem.
    objective, bound, gap_frac : float
        In ``unit``; no plan is better than the bound.
    prices : mapping of str to float
        What one more unit of a limit would bring, by name with its unit.
    wall_s : float
    """

    sense: Sense
    unit: str
    status: Status
    open_site_idx: IntArray
    type_idx: IntArray
    objective: float
    bound: float
    gap_frac: float
    prices: Mapping[str, float]
    wall_s: float


def choose_stations(
    problem: SizedCoverageProblem,
    options: SolveOptions,
    *,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
    executor: Executor | None = None,
) -> Siting:
    """Answer the scenario's siting question.

    Parameters
    ----------
    problem : SizedCoverageProblem
        From `planner.assemble.assemble_siting`.
    options : SolveOptions
    on_progress, stop, executor
        As in `planner.models.national.solve_national`.

    Raises
    ------
    InfeasibleError
        If no plan keeps the limits.
    """
    found = solve_national(problem, options, on_progress=on_progress, stop=stop, executor=executor)
    return Siting(
        sense="max",
        unit="swaps/day",
        status=found.status,
        open_site_idx=found.open_site_idx,
        type_idx=found.type_idx,
        objective=found.objective,
        bound=found.bound,
        gap_frac=found.gap_frac,
        prices={
            f"{resource}_swaps_per_day": float(price)
            for resource, price in zip(found.resources, found.price, strict=True)
        },
        wall_s=found.wall_s,
    )
