"""A portfolio of plans within a loss, each away from all before it, and what they have in common.

Evolving rewards: a place earns the more the fewer of the plans so far use it, times a random
factor, so that plans explore in many directions (HSJ: Brill, Chang and Hopkins 1982, Management
Science 28:221-235; spatially explicit with evolving scores: Lombardi, Pickering, Colombo and
Pfenninger 2020, Joule 4:2185-2207; random directions explore widest: Lau, Patankar and Jenkins
2024, arXiv 2405.17342). How large rewards are follows what the last one lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.alternatives.result import Asked, Places, Plan, Rewarded
from planner.models.alternatives.sweep import loss_frac
from planner.solving.progress import StopRequest

SMALLER, LARGER = 0.6, 1.15
"""Rewards after a plan that lost too much, and after one that did not."""
MOST_TRIES = 3
"""Rewards tried for one plan of the portfolio on average."""


@dataclass(frozen=True)
class Portfolio:
    """Plans within a loss, the reference first, no two alike.

    Attributes
    ----------
    plans : tuple of Plan
    earned_frac : float array, shape (num_plans,)
        Share of the rewards on offer that each earned; 0 for the reference.
    """

    plans: tuple[Plan, ...]
    earned_frac: FloatArray


def find_portfolio(
    rewarded: Rewarded,
    places: Places,
    reference: Plan,
    within_frac: float,
    *,
    num_plans: int,
    beta: float,
    seconds: float,
    seed: int = 0,
    known: Sequence[Plan] = (),
    stop: StopRequest | None = None,
    on_plan: Callable[[Plan], None] | None = None,
) -> Portfolio:
    """Find plans that lose little and differ from each other.

    Parameters
    ----------
    rewarded : callable
        The question.
    places : Places
    reference : Plan
    within_frac : float
        Loss at most, as a share of the reference's objective.
    num_plans : int
        With the reference; fewer are returned where no more were found.
    beta : float
        Reward of a place that no plan uses, at first.
    seconds : float
        For each plan.
    seed : int, optional
    known : sequence of Plan
        Plans that are taken first, where they lose no more.
    stop : StopRequest, optional
    on_plan : callable, optional
        Told of each plan kept.
    """
    rng = np.random.default_rng([seed, num_plans])
    plans, earned = [reference], [0.0]
    seen = {reference.open_site_idx.tobytes()}

    def keep(plan: Plan, reward: float) -> bool:
        key = plan.open_site_idx.tobytes()
        if loss_frac(plan, reference) > within_frac or key in seen or len(plans) >= num_plans:
            return False
        seen.add(key)
        plans.append(plan)
        earned.append(reward)
        if on_plan is not None:
            on_plan(plan)
        return True

    away = ~places.used_by(reference.open_site_idx)
    for plan in known:
        new = int((places.used_by(plan.open_site_idx) & away).sum())
        if new > 0:
            keep(plan, new / int(away.sum()))
    use = np.sum([places.used_by(plan.open_site_idx) for plan in plans], axis=0)
    for attempt in range(MOST_TRIES * num_plans):
        if len(plans) >= num_plans or (stop is not None and stop.is_set()):
            break
        rare = 1.0 - use / len(plans)
        reward = beta * rare * rng.uniform(0.5, 1.5, places.num_places)
        start = plans[int(rng.integers(len(plans)))]
        answer = rewarded(Asked(reward, start, seconds, seed + 1000 + attempt, prove=False))
        if answer.plan is None:
            beta *= SMALLER
            continue
        used = places.used_by(answer.plan.open_site_idx)
        too_far = loss_frac(answer.plan, reference) > within_frac
        keep(answer.plan, float(reward[used].sum() / max(reward.sum(), 1e-300)))
        use = np.sum([places.used_by(plan.open_site_idx) for plan in plans], axis=0)
        beta *= SMALLER if too_far else LARGER
    return Portfolio(tuple(plans), np.array(earned))


@dataclass(frozen=True)
class Counts:
    """Where a portfolio's plans have stations.

    Attributes
    ----------
    site_frequency : float array, shape (num_sites,)
        Share of the plans that open the site.
    place_least, place_most : int arrays, shape (num_places,)
        Fewest and most stations of any plan at the place.
    place_mean : float array, shape (num_places,)
    """

    site_frequency: FloatArray
    place_least: IntArray
    place_most: IntArray
    place_mean: FloatArray


def count_plans(plans: Sequence[Plan], places: Places) -> Counts:
    """How often sites and places are used.

    Parameters
    ----------
    plans : sequence of Plan
        At least one.
    places : Places
    """
    number = np.zeros(len(places.of_site))
    for plan in plans:
        number[plan.open_site_idx] += 1.0
    by_place = np.array([places.count(plan.open_site_idx) for plan in plans])
    return Counts(
        number / len(plans), by_place.min(axis=0), by_place.max(axis=0), by_place.mean(axis=0)
    )
