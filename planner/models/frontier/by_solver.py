"""A frontier by one answer an amount, whatever the question: plans and bounds of its own solver.

Between two amounts the bound is that of the next which allows as much.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.frontier.result import Frontier, FrontierPlan, slopes, tidied
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.status import Sense


class Answer(NamedTuple):
    """What a solver found for one amount.

    Attributes
    ----------
    open_site_idx : int array
    type_idx : int array, optional
    objective, bound : float
    """

    open_site_idx: IntArray
    type_idx: IntArray | None
    objective: float
    bound: float


def frontier_by_solver(
    amounts: FloatArray,
    solve: Callable[[float, SolveOptions], Answer],
    options: SolveOptions,
    *,
    sense: Sense,
    grows: bool = True,
    is_whole: bool = False,
    num_steps: int = 200,
    stop: StopRequest | None = None,
) -> Frontier:
    """Ask for each amount in turn.

    Parameters
    ----------
    amounts : float array, shape (num_points,)
        Ascending.
    solve : callable
        ``(amount, options)``: the answer within the time of the options.
    options : SolveOptions
        The time limit holds for all amounts together, in equal parts of what is left.
    sense : {"max", "min"}
    grows : bool
        Whether what an amount allows a larger one allows too.
    is_whole : bool
        Whether amounts are whole numbers, so that the bound is given at every one.
    num_steps : int
        Amounts at which the bound is given otherwise.
    stop : StopRequest, optional
        Set it to end each answer early.

    Returns
    -------
    Frontier
    """
    started, answers = work_s(), []
    for at, amount in enumerate(amounts.tolist()):
        left_s = max(options.time_limit_s - (work_s() - started), 0.0) / (len(amounts) - at)
        of_amount = replace(options, time_limit_s=max(left_s, 1e-3))
        if stop is not None and stop.is_set():
            of_amount = replace(of_amount, time_limit_s=1e-3, deterministic=False)
        answers.append(solve(amount, options if options.deterministic else of_amount))
    bound = np.array([each.bound for each in answers])
    if is_whole:
        every = np.arange(amounts[0], amounts[-1] + 1)
    else:
        every = np.union1d(np.linspace(amounts[0], amounts[-1], num_steps), amounts)
    side = (
        np.searchsorted(amounts, every) if grows else np.searchsorted(amounts, every, "right") - 1
    )
    frontier = tidied(
        Frontier(
            sense=sense,
            grows=grows,
            amount=amounts,
            plans=tuple(
                FrontierPlan(each.open_site_idx, each.type_idx, each.objective) for each in answers
            ),
            bound=bound,
            price=np.full(len(amounts), math.nan),
            every_amount=every,
            every_bound=bound[side],
            is_nested=False,
        )
    )
    return replace(frontier, price=slopes(amounts, frontier.objective))


def with_bounds(frontier: Frontier, every_bound: FloatArray) -> Frontier:
    """The same with further bounds at all amounts, wherever they came from.

    Parameters
    ----------
    frontier : Frontier
    every_bound : float array, shape (num_steps,)
        At ``frontier.every_amount``.
    """
    best = np.minimum if frontier.sense == "max" else np.maximum
    return tidied(replace(frontier, every_bound=best(frontier.every_bound, every_bound)))
