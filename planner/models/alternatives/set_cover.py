"""Set covering with rewards for places: the place's sites cost less by it.

Every station at a place earns its reward, not the first alone: a plan with several stations at a
place is thought cheaper than it should be, so that

    V(y) - sum_g b_g used_g(y) >= V(y) - sum_{j in y} b_g(j) >= bound

still bounds how many places can differ. No site may cost less than nothing: where a reward exceeds
a cost it is lowered to it, and no bound is told.
"""

import math
from dataclasses import replace

import numpy as np

from planner.models.alternatives.result import Answer, Asked, Places, Plan, Rewarded
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.solve import solve_set_cover
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest


def reward_set_cover(
    problem: SetCoverProblem,
    places: Places,
    options: SolveOptions,
    stop: StopRequest | None = None,
) -> Rewarded:
    """Least cost of covering, with rewards for places.

    Parameters
    ----------
    problem : SetCoverProblem
    places : Places
        Of its sites.
    options : SolveOptions
        Of these, workers and determinism are kept.
    stop : StopRequest, optional
    """
    rules = problem.rules

    def answer(asked: Asked) -> Answer:
        reward = asked.reward[places.of_site]
        lowered = np.maximum(rules.cost - reward, 0.0)
        found = solve_set_cover(
            replace(problem, rules=replace(rules, cost=lowered)),
            replace(
                options,
                gap_frac=0.0 if asked.prove else options.gap_frac,
                time_limit_s=asked.seconds,
                seed=asked.seed,
            ),
            stop=stop,
        )
        is_whole = bool((reward <= rules.cost)[rules.usable].all())
        bound = -found.proof.bound if is_whole else math.inf
        cost = math.fsum(rules.cost[found.open_site_idx])
        plan = Plan(found.open_site_idx, None, -cost)
        return Answer(plan if cost <= rules.most_cost else None, bound)

    return answer
