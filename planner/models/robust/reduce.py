"""Few futures that stand for many, chosen by what it costs to plan for one and get another.

With M_st what the best plan known for future t serves in future s, taking t for s misses the share
1 - M_st / V*_s of what could be served: the opportunity cost. Futures kept are the medians of all
by it, each weighted by the futures it stands for (problem-driven reduction: Keutchayan, Ortmann
and Rei 2023, Computational Management Science 20:13). Futures that look different but ask for the
same stations cost nothing to leave out.
"""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IntArray, Lists, freeze
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.models.p_median.solve import solve_p_median
from planner.models.robust.measure import share_of_best
from planner.solving.options import SolveOptions
from planner.solving.rules import SiteRules


@dataclass(frozen=True)
class Reduction:
    """Which futures stand for all.

    Attributes
    ----------
    kept : int array, shape (num_kept,)
        Ascending.
    stands_for : int array, shape (num_futures,)
        Kept future that stands for each.
    probability : float array, shape (num_kept,)
        Of all futures that each stands for.
    cost : float
        Mean share of its own best that a future misses with the plan of its representative.
    """

    kept: IntArray
    stands_for: IntArray
    probability: FloatArray
    cost: float

    def __post_init__(self) -> None:
        freeze(self)


def opportunity_cost(value: FloatArray, best: FloatArray) -> FloatArray:
    """Share of its best that each future misses with the plan of each other.

    Parameters
    ----------
    value : float array, shape (num_futures s, num_futures t)
        What the plan for t serves in s.
    best : float array, shape (num_futures,)
        Most that any plan known serves in s.

    Returns
    -------
    float array, shape (num_futures s, num_futures t)
    """
    return np.maximum(1.0 - share_of_best(value, best[:, None]), 0.0)


def reduce_futures(
    cost: FloatArray, probability: FloatArray, num_kept: int, options: SolveOptions
) -> Reduction:
    """Choose futures that stand for all at the least opportunity cost.

    Parameters
    ----------
    cost : float array, shape (num_futures s, num_futures t)
        From `opportunity_cost`.
    probability : float array, shape (num_futures,)
    num_kept : int
        At least 1; all are kept if there are no more.
    options : SolveOptions

    Returns
    -------
    Reduction
    """
    num = len(probability)
    everything = np.tile(np.arange(num, dtype=np.int32), num)
    problem = PMedianProblem(
        probability,
        PairDistances(
            Lists.by_owner(np.repeat(np.arange(num), num), everything, num),
            cost.ravel(), unserved=max(float(cost.max()), 1.0), num_sites=num,
        ),
        SiteRules.free(num, min(num_kept, num)),
    )  # fmt: skip
    kept = solve_p_median(problem, options).open_site_idx
    nearest = np.argmin(cost[:, kept], axis=1)
    # Each kept future stands for itself, even where the plan of another does as well there.
    nearest[kept] = np.arange(len(kept))
    weight = np.bincount(nearest, probability, minlength=len(kept)).astype(np.float64)
    missed = float((probability * cost[np.arange(num), kept[nearest]]).sum())
    return Reduction(kept, kept[nearest], weight, missed)
