"""What a frontier is: a plan at some amounts, a bound at every amount between them."""

from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import FloatArray, IntArray, freeze
from planner.solving.status import Sense, gap_frac


@dataclass(frozen=True)
class FrontierPlan:
    """The plan known for one amount.

    Attributes
    ----------
    open_site_idx : int array, shape (num_open,)
        Ascending.
    type_idx : int array, shape (num_open,), optional
        None where sizes are no part of the question.
    objective : float
    """

    open_site_idx: IntArray
    type_idx: IntArray | None
    objective: float


@dataclass(frozen=True)
class Frontier:
    """The best that each amount allows: found, and at most (or, where less is better, at least).

    Attributes
    ----------
    sense : {"max", "min"}
        Whether more of the objective is better.
    grows : bool
        Whether what an amount allows a larger one allows too; False where more is asked for.
    amount : float array, shape (num_points,)
        Numbers of stations, money [CNY] or shares, ascending.
    plans : tuple of FrontierPlan
    bound : float array, shape (num_points,)
        No plan within the amount is better.
    price : float array, shape (num_points,)
        What one more unit of the amount changes the best objective by, about there; >= 0.
    every_amount, every_bound : float arrays, shape (num_steps,)
        The bound at all amounts from the first to the last.
    is_nested : bool
        Whether the stations of each plan stand in all later ones too.
    """

    sense: Sense
    grows: bool
    amount: FloatArray
    plans: tuple[FrontierPlan, ...]
    bound: FloatArray
    price: FloatArray
    every_amount: FloatArray
    every_bound: FloatArray
    is_nested: bool

    def __post_init__(self) -> None:
        if not (np.diff(self.amount) > 0).all():
            raise ValueError("amounts must ascend")
        freeze(self)

    @property
    def objective(self) -> FloatArray:
        """Objective of each plan, shape (num_points,)."""
        return np.array([plan.objective for plan in self.plans])

    @property
    def gap_frac(self) -> FloatArray:
        """Gap between each plan and its bound, shape (num_points,)."""
        pairs = zip(self.objective.tolist(), self.bound.tolist(), strict=True)
        return np.array([gap_frac(found, bound, sense=self.sense) for found, bound in pairs])


def tidied(frontier: Frontier) -> Frontier:
    """The same with what each point says of the others.

    Where a larger amount allows all that a smaller one does, the plan of the smaller is one of the
    larger, and the bound of the larger holds for the smaller; the other way round where more is
    asked for. A nested frontier keeps its plans: handed on, they would not be nested.

    Parameters
    ----------
    frontier : Frontier
        Of plans that are valid alone.

    Returns
    -------
    Frontier
        Objectives and bounds never fall where the amount helps, and no plan passes its bound.
    """
    sign = 1.0 if frontier.sense == "max" else -1.0
    step = 1 if frontier.grows else -1
    plans = list(frontier.plans[::step])
    if not frontier.is_nested:
        for at in range(1, len(plans)):
            if sign * plans[at].objective < sign * plans[at - 1].objective:
                plans[at] = plans[at - 1]
    plans = plans[::step]
    found = sign * np.array([plan.objective for plan in plans])
    every = _from_better(sign * frontier.every_bound, step)
    bound = _from_better(sign * frontier.bound, step)
    if len(every):
        place = np.searchsorted(frontier.every_amount, frontier.amount)
        place = np.minimum(place, len(every) - 1)
        known = frontier.every_amount[place] == frontier.amount
        bound = np.where(known, np.minimum(bound, every[place]), bound)
    # A plan is within its own bound: what it passes it by is rounding.
    bound = np.maximum(bound, found)
    if len(every):
        every[place[known]] = bound[known]
        every = _from_better(every, step)
    return replace(
        frontier,
        plans=tuple(plans),
        bound=sign * bound,
        every_bound=sign * every,
    )


def _from_better(bound: FloatArray, step: int) -> FloatArray:
    """The least of the bounds of all amounts that allow as much, where more is better."""
    return np.minimum.accumulate(bound[::step][::-1])[::-1][::step].copy()


def slopes(amount: FloatArray, objective: FloatArray) -> FloatArray:
    """How much the objective changes with the amount at each point, without its sign.

    Parameters
    ----------
    amount : float array, shape (num_points,)
        Ascending.
    objective : float array, shape (num_points,)

    Returns
    -------
    float array, shape (num_points,)
        NaN where there is one point alone.
    """
    if len(amount) < 2:
        return np.full(len(amount), np.nan)
    return np.abs(np.gradient(objective, amount))
