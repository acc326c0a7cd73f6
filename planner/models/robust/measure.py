"""How a plan is judged over futures, and what a bound on weighted futures says of the best plan.

V_s(y) is what plan y serves in future s of probability p_s, V*_s the most that any plan serves
there: all that is known of it is lower_s <= V*_s <= upper_s. Every measure is a score, more is
better:

    expected   sum_s p_s V_s
    cvar       b sum_s p_s V_s + (1 - b) mean of V over the worst futures of probability a
             = min over q in A of sum_s (b p_s + (1 - b) q_s) V_s,
               A = {0 <= q_s <= p_s / a, sum q = 1}
    regret     1 - max_s (V*_s - V_s) / V*_s = min_s V_s / V*_s, or -max_s (V*_s - V_s)
    p_robust   sum_s p_s V_s with V_s >= f V*_s in every future

(Rockafellar and Uryasev 2000, Journal of Risk 2:21-41; Snyder and Daskin 2006, IIE Transactions
38:971-985.) Weights w >= 0 with w V(y) <= L for every plan y, as any bound of the problem with the
values of future s times w_s says, bound each score: `bound_of_cut`. Nothing is assumed of the
weights: whatever a linear program rounds, the bound holds.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from planner.arrays import FloatArray

Kind = Literal["expected", "cvar", "regret", "p_robust"]


@dataclass(frozen=True)
class Measure:
    """What the best plan is best by.

    Attributes
    ----------
    kind : {"expected", "cvar", "regret", "p_robust"}
    tail_frac : float
        a, in (0, 1]: probability of the worst futures that ``cvar`` averages.
    mean_weight : float
        b, in [0, 1]: weight of the average over all futures in ``cvar``.
    robust_frac : float
        f, in (0, 1]: share of each future's best that ``p_robust`` keeps.
    relative : bool
        Whether regret is a share of each future's best, or a value.
    """

    kind: Kind = "expected"
    tail_frac: float = 0.2
    mean_weight: float = 0.0
    robust_frac: float = 0.95
    relative: bool = True

    def __post_init__(self) -> None:
        if not 0.0 < self.tail_frac <= 1.0:
            raise ValueError(f"tail_frac must lie in (0, 1], not {self.tail_frac}")
        if not 0.0 <= self.mean_weight <= 1.0:
            raise ValueError(f"mean_weight must lie in [0, 1], not {self.mean_weight}")
        if not 0.0 < self.robust_frac <= 1.0:
            raise ValueError(f"robust_frac must lie in (0, 1], not {self.robust_frac}")

    @property
    def takes_bests(self) -> bool:
        """Whether each future's own best is part of the measure."""
        return self.kind in ("regret", "p_robust")


@dataclass(frozen=True)
class Interval:
    """What is known of a number: it lies within.

    Attributes
    ----------
    low, high : float
    """

    low: float
    high: float

    @property
    def width(self) -> float:
        """How much is not known."""
        return self.high - self.low


def mean_of_worst(value: FloatArray, probability: FloatArray, tail_frac: float) -> float:
    """Mean of a value over the worst futures of a probability.

    Parameters
    ----------
    value, probability : float arrays, shape (num_futures,)
    tail_frac : float
        Probability of the worst futures; the last of them counts in part.

    Returns
    -------
    float
    """
    order = np.argsort(value, kind="stable")
    taken = np.clip(
        tail_frac - np.concatenate(([0.0], np.cumsum(probability[order])[:-1])),
        0.0,
        probability[order],
    )
    return math.fsum(taken * value[order]) / math.fsum(taken)


def share_of_best(value: FloatArray, best: FloatArray) -> FloatArray:
    """Value as a share of the best one; 1 where even the best is nothing."""
    return np.where(best > 0.0, value / np.where(best > 0.0, best, 1.0), 1.0)


def score(measure: Measure, value: FloatArray, probability: FloatArray, best: FloatArray) -> float:
    """Score of a plan if these were the futures' bests.

    Parameters
    ----------
    measure : Measure
    value, probability, best : float arrays, shape (num_futures,)
        V_s, p_s and V*_s.

    Returns
    -------
    float
        -inf for a plan that ``p_robust`` does not allow.
    """
    if measure.kind == "regret":
        short = share_of_best(value, best) if measure.relative else value - best
        return float(short.min())
    expected = math.fsum(probability * value)
    if measure.kind == "cvar":
        tail = mean_of_worst(value, probability, measure.tail_frac)
        return measure.mean_weight * expected + (1.0 - measure.mean_weight) * tail
    if measure.kind == "p_robust" and (value < measure.robust_frac * best).any():
        return -math.inf
    return expected


def bound_of_cut(
    measure: Measure,
    weight: FloatArray,
    bound: float,
    probability: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
) -> float:
    """No plan scores more, given that no plan has sum_s weight_s V_s above the bound.

    Parameters
    ----------
    measure : Measure
    weight : float array, shape (num_futures,)
        >= 0; any.
    bound : float
    probability, lower, upper : float arrays, shape (num_futures,)
        p_s, and what is known of V*_s.

    Returns
    -------
    float
        inf where these weights say nothing.
    """
    if measure.kind == "regret":
        if not measure.relative:
            total = math.fsum(weight)
            return (bound - math.fsum(weight * lower)) / total if total > 0.0 else math.inf
        total = math.fsum(weight * lower)
        return bound / total if total > 0.0 else math.inf
    wanted, bonus = probability, 0.0
    if measure.kind == "cvar":
        wanted = _adverse(measure, weight, probability)
    elif measure.kind == "p_robust":
        wanted = np.maximum(weight, probability)
        bonus = math.fsum((wanted - probability) * measure.robust_frac * lower)
    return bound + math.fsum(np.maximum(wanted - weight, 0.0) * upper) - bonus


def _adverse(measure: Measure, weight: FloatArray, probability: FloatArray) -> FloatArray:
    """B p + (1 - b) q near the weights, with q in A."""
    mean = measure.mean_weight * probability
    if measure.mean_weight == 1.0:
        return mean
    most = probability / measure.tail_frac
    tail = np.clip((weight - mean) / (1.0 - measure.mean_weight), 0.0, most)
    total = math.fsum(tail)
    if total > 1.0:
        tail = tail / total
    else:
        room = most - tail
        free = math.fsum(room)
        if free > 0.0:
            tail = tail + room * min((1.0 - total) / free, 1.0)
    return mean + (1.0 - measure.mean_weight) * tail
