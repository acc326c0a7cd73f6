"""p-median with rewards for places: a reward is a zone at distance 0 from the place's sites.

With u the distance of a zone that nobody serves, a place's zone has the weight b_g / u: it adds
b_g to the costs unless a station stands at the place. So

    V(y) + sum_g b_g (1 - used_g(y)) >= bound,  hence  -V(y) + sum_g b_g used_g(y) <= sum b - bound.
"""

from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray, Lists
from planner.models.alternatives.result import Answer, Asked, Places, Plan, Rewarded
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.models.p_median.solve import solve_p_median
from planner.models.p_median.state import p_median_cost
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest


def reward_p_median(
    problem: PMedianProblem,
    places: Places,
    options: SolveOptions,
    stop: StopRequest | None = None,
) -> Rewarded:
    """Least weighted distance, with rewards for places.

    Parameters
    ----------
    problem : PMedianProblem
        With distances by pair, and a distance > 0 of zones that nobody serves.
    places : Places
        Of its sites.
    options : SolveOptions
        Of these, workers and determinism are kept.
    stop : StopRequest, optional
    """

    def answer(asked: Asked) -> Answer:
        found = solve_p_median(
            with_rewarded_points(problem, places, asked.reward),
            replace(
                options,
                gap_frac=0.0 if asked.prove else options.gap_frac,
                time_limit_s=asked.seconds,
                seed=asked.seed,
            ),
            stop=stop,
        )
        cost = p_median_cost(problem, found.open_site_idx)
        bound = float(asked.reward.sum()) - found.proof.bound
        return Answer(Plan(found.open_site_idx, None, -cost), bound)

    return answer


def with_rewarded_points(
    problem: PMedianProblem, places: Places, reward: FloatArray
) -> PMedianProblem:
    """The problem with a zone for every place that earns something.

    Parameters
    ----------
    problem : PMedianProblem
    places : Places
    reward : float array, shape (num_places,)

    Raises
    ------
    TypeError
        If distances are those of points.
    ValueError
        If zones that nobody serves count nothing.
    """
    pairs = problem.distances
    if not isinstance(pairs, PairDistances):
        raise TypeError("rewards need distances by pair")
    if pairs.unserved <= 0:
        raise ValueError("rewards need a distance > 0 of zones that nobody serves")
    sites = sites_of_places(places, reward > 0)
    return replace(
        problem,
        weight=np.r_[problem.weight, reward[reward > 0] / pairs.unserved],
        distances=replace(
            pairs,
            sites=Lists(
                np.r_[pairs.sites.ptr, pairs.sites.ptr[-1] + sites.ptr[1:]],
                np.r_[pairs.sites.idx, sites.idx].astype(np.int32),
            ),
            distance=np.r_[pairs.distance, np.zeros(sites.num_entries)],
        ),
    )


def sites_of_places(places: Places, chosen: np.ndarray) -> Lists:
    """Sites of each chosen place, ascending."""
    order = np.argsort(places.of_site, kind="stable")
    kept = order[chosen[places.of_site[order]]]
    number = np.cumsum(chosen) - 1
    return Lists.by_owner(number[places.of_site[kept]], kept.astype(np.int32), int(chosen.sum()))
