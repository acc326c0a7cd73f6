"""How many places can differ from a plan at what loss: found, and proven at most.

Sets: places g, G = those without a station of the plan P; D(y) = places of G where plan y has a
station; V(y) what it is worth (`Plan.gain`). A reward beta for every place of G asks for

(1) L(beta) >= max_y V(y) + beta D(y),

so that every plan with V(y) >= v has

(2) D(y) <= min over beta of (L(beta) - v) / beta:

one sweep over beta bounds D for every v, whatever plans were found. The plans found along the
sweep are those on the upper hull of (V, D) as far as the search is exact. "Modelling to generate
alternatives" (Brill, Chang and Hopkins 1982, Management Science 28:221-235) finds such plans; (2)
adds how many more there could be.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.alternatives.result import Asked, Places, Plan, Rewarded
from planner.solving.progress import StopRequest

FIRST_SHARE = 0.01
"""First reward of a place, as a share of what a station is worth on average."""
STEP = 4.0
"""Rewards grow or fall so, until they enclose every loss asked for."""
CLOSE_RATIO = 1.3
"""Rewards as near as this need no other between them."""
ROUNDING = 1e-9
"""Bounds are whole numbers up to here."""


@dataclass(frozen=True)
class Point:
    """One reward of the sweep.

    Attributes
    ----------
    beta : float
        Reward of every place without a station of the plan [units of the objective].
    plan : Plan, optional
        What was found.
    bound : float
        L(beta).
    others : tuple of Plan, optional
        Further plans found: they count within the losses they keep.
    """

    beta: float
    plan: Plan | None
    bound: float
    others: tuple[Plan, ...] = ()

    @property
    def plans(self) -> tuple[Plan, ...]:
        """All plans found."""
        return self.others if self.plan is None else (self.plan, *self.others)


@dataclass(frozen=True)
class Curve:
    """Places that differ at losses up to some shares of the objective.

    Attributes
    ----------
    within_frac : float array, shape (num_within,)
    least_gain : float array, shape (num_within,)
        What plans must be worth to count.
    places_found : int array, shape (num_within,)
        Most among the plans known; -1 where no plan known is worth so much.
    places_proven_most : int array, shape (num_within,)
        No plan worth so much has more; -1 where there is proven to be no plan worth so much.
    sites_found : int array, shape (num_within,)
        Most sites that differ among the plans known; -1 alike.
    """

    within_frac: FloatArray
    least_gain: FloatArray
    places_found: IntArray
    places_proven_most: IntArray
    sites_found: IntArray


def loss_frac(plan: Plan, reference: Plan) -> float:
    """What a plan loses of another's objective; negative where it is better."""
    scale = max(abs(reference.gain), 1e-300)
    return (reference.gain - plan.gain) / scale


def new_places(places: Places, reference: Plan) -> BoolArray:
    """Places without a station of the plan, shape (num_places,)."""
    return ~places.used_by(reference.open_site_idx)


def num_new(places: Places, plan: Plan, reference: Plan) -> int:
    """D: places where a plan has a station and the other none."""
    used = places.used_by(plan.open_site_idx)
    return int((used & ~places.used_by(reference.open_site_idx)).sum())


def sweep_rewards(
    rewarded: Rewarded,
    places: Places,
    reference: Plan,
    within: Sequence[float],
    *,
    num_points: int,
    seconds: float,
    seed: int = 0,
    stop: StopRequest | None = None,
    on_point: Callable[[Point], None] | None = None,
) -> list[Point]:
    """Ask with growing and falling rewards until they enclose every loss asked for.

    Parameters
    ----------
    rewarded : callable
        The question.
    places : Places
    reference : Plan
        P, whose places earn nothing.
    within : sequence of float
        Losses as shares of the plan's objective, >= 0.
    num_points : int
        Rewards at most.
    seconds : float
        For each.
    seed : int, optional
    stop : StopRequest, optional
        Ends the sweep; the points so far are returned.
    on_point : callable, optional
        Told of each point.

    Returns
    -------
    list of Point
        Ascending in reward.
    """
    fresh = new_places(places, reference).astype(np.float64)
    mean_worth = abs(reference.gain) / max(len(reference.open_site_idx), 1)
    beta: float | None = FIRST_SHARE * (mean_worth if mean_worth > 0 else 1.0)
    points: list[Point] = []
    while beta is not None and len(points) < num_points and fresh.any():
        if stop is not None and stop.is_set():
            break
        start = _best_known(points, beta, places, reference)
        answer = rewarded(Asked(beta * fresh, start, seconds, seed + len(points), prove=True))
        point = Point(beta, answer.plan, answer.bound, answer.others)
        points = sorted([*points, point], key=lambda each: each.beta)
        if on_point is not None:
            on_point(point)
        beta = _next_beta(points, reference, within)
    return points


def _best_known(points: list[Point], beta: float, places: Places, reference: Plan) -> Plan:
    """The plan that is worth most with a reward, the reference among them."""
    known = [reference, *(plan for point in points for plan in point.plans)]
    return max(known, key=lambda plan: plan.gain + beta * num_new(places, plan, reference))


def _next_beta(points: list[Point], reference: Plan, within: Sequence[float]) -> float | None:
    """The reward that is most wanted; None if all losses are enclosed closely."""
    loss = [
        math.inf if point.plan is None else loss_frac(point.plan, reference) for point in points
    ]
    if max(loss) <= max(within):
        return points[-1].beta * STEP
    if min(loss) > min(within):
        return points[0].beta / STEP
    widest, wanted = CLOSE_RATIO, None
    for eps in within:
        below = [point.beta for point, lost in zip(points, loss, strict=True) if lost <= eps]
        above = [point.beta for point, lost in zip(points, loss, strict=True) if lost > eps]
        low = max(below, default=points[0].beta / STEP)
        high = min((beta for beta in above if beta > low), default=None)
        if high is not None and high / low > widest:
            widest, wanted = high / low, math.sqrt(low * high)
    return wanted


def curve_of(
    points: Sequence[Point],
    plans: Sequence[Plan],
    places: Places,
    reference: Plan,
    within: Sequence[float],
    *,
    top: float,
    most_new: int,
) -> Curve:
    """Places that differ, found and proven at most.

    Parameters
    ----------
    points : sequence of Point
        Of the sweep.
    plans : sequence of Plan
        All that are known, the reference among them or not.
    places : Places
    reference : Plan
    within : sequence of float
        Losses as shares of ``top``.
    top : float
        From where losses count: the reference's gain, or the proven bound on all gains.
    most_new : int
        No plan has more places than these: its stations, the places there are.
    """
    eps = np.array(within, dtype=np.float64)
    least = top - eps * abs(top)
    tolerance = ROUNDING * max(abs(top), 1.0)
    known = [reference, *plans, *(plan for point in points for plan in point.plans)]
    gain = np.array([plan.gain for plan in known])
    differ = np.array([num_new(places, plan, reference) for plan in known])
    sites = np.array(
        [len(np.setdiff1d(plan.open_site_idx, reference.open_site_idx)) for plan in known]
    )
    found, sites_found, proven = [], [], []
    for value in least.tolist():
        counts = gain >= value - tolerance
        found.append(int(differ[counts].max(initial=-1)))
        sites_found.append(int(sites[counts].max(initial=-1)))
        limits = [
            (point.bound - value) / point.beta for point in points if math.isfinite(point.bound)
        ]
        limit = min([*limits, float(most_new)])
        number = math.floor(limit + ROUNDING * max(abs(limit), 1.0))
        proven.append(max(number, found[-1], -1))
    return Curve(
        eps,
        least,
        np.array(found, dtype=np.int64),
        np.array(proven, dtype=np.int64),
        np.array(sites_found, dtype=np.int64),
    )
