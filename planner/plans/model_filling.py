"""Packs of several chemistries over the models of a class: who can take which is kept to.

Takes numbers of one class, market and quarter; leaves out where they come from.
"""

from collections import deque
from itertools import pairwise

import numpy as np

from planner.arrays import BoolArray, FloatArray

ROUNDING = 1e-12
"""Share of all cars up to which what is left over is rounding."""


def fill_models(
    cars: FloatArray, amounts: FloatArray, accepts: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Spread packs over models: to those that take them, in proportion to the cars left there.

    Parameters
    ----------
    cars : ndarray, shape (num_models,)
        Cars of each model, not negative.
    amounts : ndarray, shape (num_chemistries,)
        Cars that have a pack of each chemistry, not negative; at most as many as there are cars,
        but for rounding.
    accepts : bool ndarray, shape (num_models, num_chemistries)
        Whether a model takes a chemistry.

    Returns
    -------
    placed : ndarray, shape (num_models, num_chemistries)
        Cars of each model with each chemistry that it takes.
    misplaced : ndarray, same shape
        What no spread gives to models that take it, on the cars left over. Both together add up to
        ``amounts``, and to at most ``cars``, but for rounding.

    Notes
    -----
    A transport problem. By Gale's condition all amounts x can be placed if, for every set S of
    chemistries, sum_{h in S} x_h is at most the cars of the models that take any of S. A plan keeps
    x_h <= A_h N with A_h the share of the N cars that take h (`planner.instance.car_models`), and
    sum_h x_h <= N. That implies the condition where at most one chemistry is refused by anybody: a
    set that holds another is taken by all N cars. Where several are refused it need not hold, and
    the rest is told as misplaced.

    Chemistries come in the order of the cars that take them, fewest first, so that a choosy one
    finds its models free. Where those are full nevertheless, a shortest chain of exchanges makes
    room (Edmonds and Karp, JACM 1972, 19(2)): each takes a pack of another chemistry along, so that
    as much is placed as can be; with one chemistry that is refused there is nothing to exchange.
    """
    placed = np.zeros(accepts.shape)
    left = cars.astype(np.float64)
    dust = ROUNDING * max(float(cars.sum()), float(amounts.sum()))
    short = amounts.astype(np.float64)
    for idx in np.lexsort((np.arange(len(amounts)), cars @ accepts)):
        room = left * accepts[:, idx]
        if room.sum() > 0:
            given = room * min(1.0, short[idx] / room.sum())
            placed[:, idx] += given
            left, short[idx] = left - given, max(0.0, short[idx] - given.sum())
        while short[idx] > dust:
            chain = _chain_to_room(left, placed, accepts, int(idx), dust)
            if chain is None:
                break
            short[idx] -= _shift(chain, left, placed, short[idx])
    misplaced = np.zeros_like(placed)
    for idx in np.flatnonzero(short > dust):
        misplaced[:, idx] = short[idx] * _shares(left)
        left = np.maximum(0.0, left - misplaced[:, idx])
    return placed, misplaced


_Step = tuple[int, int]
"""A model, and the chemistry that it takes more of."""


def _chain_to_room(
    left: FloatArray, placed: FloatArray, accepts: BoolArray, wanted: int, dust: float
) -> list[_Step] | None:
    """Shortest chain of models: each takes more of a chemistry and hands on its next one's."""
    came_from: dict[int, tuple[int | None, int]] = {
        int(model): (None, wanted) for model in np.flatnonzero(accepts[:, wanted])
    }
    queue = deque(came_from)
    while queue:
        model = queue.popleft()
        if left[model] > dust:
            return _walk_back(came_from, model)
        for chemistry in np.flatnonzero(placed[model] > dust):
            for other in np.flatnonzero(accepts[:, chemistry]):
                if int(other) not in came_from:
                    came_from[int(other)] = (model, int(chemistry))
                    queue.append(int(other))
    return None


def _walk_back(came_from: dict[int, tuple[int | None, int]], last: int) -> list[_Step]:
    chain: list[_Step] = []
    model: int | None = last
    while model is not None:
        before, chemistry = came_from[model]
        chain.append((model, chemistry))
        model = before
    return chain[::-1]


def _shift(chain: list[_Step], left: FloatArray, placed: FloatArray, wanted: float) -> float:
    """Move as much along a chain as its tightest step lets; both arrays change in place."""
    handed_on = [(giver, chemistry) for (giver, _), (_, chemistry) in pairwise(chain)]
    last = chain[-1][0]
    amount = min(wanted, float(left[last]), *(float(placed[step]) for step in handed_on))
    for step in chain:
        placed[step] += amount
    for step in handed_on:
        placed[step] -= amount
    left[last] -= amount
    return amount


def _shares(left: FloatArray) -> FloatArray:
    total = left.sum()
    return np.asarray(left / total if total > 0 else np.full(len(left), 1 / len(left)))
