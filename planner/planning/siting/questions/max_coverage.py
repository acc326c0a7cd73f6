"""Most swaps served: the national siting model, with all that shares its limits."""

import math

from planner.models.least_money.problem import Kept
from planner.models.national.solve import solve_national
from planner.planning.siting.question import Ask, Equal, Siting, SitingTask
from planner.plans.question import measure_asked

_ROUNDING = 1e-6
"""Sums of many numbers are trusted up to here."""


def _solve(task: SitingTask) -> Siting:
    found = solve_national(
        task.problem,
        task.options,
        claimants=task.claimants,
        start=None if task.earlier is None else task.earlier.end,
        on_progress=task.on_progress,
        stop=task.stop,
        executor=task.executor,
    )
    prices = dict(zip(found.resources, found.price.tolist(), strict=True))
    measure = measure_asked(task.instance.scenario)
    return Siting(
        sense=measure.sense,
        unit=measure.unit,
        status=found.proof.status,
        open_site_idx=found.open_site_idx,
        type_idx=found.type_idx if math.isfinite(task.problem.rules.budget) else None,
        objective=found.proof.objective,
        bound=found.proof.bound,
        gap_frac=found.proof.gap_frac,
        prices={f"{name}_swaps_per_day": price for name, price in prices.items()},
        wall_s=found.proof.wall_s,
        resource_price=prices,
        claimed=found.claimed,
        end=found.end,
        priced_bound=found.priced_bound,
    )


def _equal(task: SitingTask, siting: Siting, served: float) -> Equal:
    """What the prices tell; with claimants they tell of trips, too."""
    rules = task.problem.rules
    if task.claimants:
        return Equal(Kept())
    num_stations = min(rules.most, rules.num_sites)
    return Equal(Kept(), *_known_from_prices(siting, num_stations, rules.budget, served))


def _known_from_prices(
    siting: Siting, num_stations: int, money: float, served: float
) -> tuple[int, float]:
    """Fewest stations and least money of plans that serve so much, from the prices' bound.

    No plan serves more than pi n + rho c + rest, where n stations cost c and the bound is that of
    the most stations N and all the money M: so n >= N - (bound - served) / pi and
    c >= M - (bound - served) / rho.

    Parameters
    ----------
    siting : Siting
        With ``priced_bound``.
    num_stations : int
        N.
    money : float
        M; inf where money is not limited.
    served : float
        What the plans serve at least.
    """
    missing = max(siting.priced_bound - served, 0.0)
    pi, rho = (siting.resource_price.get(name, 0.0) for name in ("stations", "money"))
    fewest = math.ceil(num_stations - missing / pi - _ROUNDING) if pi > 0 else 0
    least = money - missing / rho if rho > 0 else 0.0
    return max(fewest, 0), max(least * (1 - _ROUNDING), 0.0)


ASK = Ask(solve=_solve, depends_on_packs=True, equal=_equal, counts_served=True)
