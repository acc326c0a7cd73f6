"""Most swaps served: the national siting model, with all that shares its limits."""

import math
from dataclasses import replace
from functools import partial

from planner.arrays import FloatArray, IntArray
from planner.models.allocation.solve import Allocation
from planner.models.alternatives.cities import Served, city_alternatives
from planner.models.alternatives.coverage import reward_coverage, types_beside
from planner.models.alternatives.result import Places, Plan, Posed
from planner.models.frontier.coverage import coverage_frontier
from planner.models.frontier.result import Frontier
from planner.models.least_money.problem import Kept
from planner.models.national.solve import solve_national
from planner.models.reasons.coverage import coverage_reasons
from planner.models.reasons.exact import reopt
from planner.models.reasons.lower import Prices
from planner.models.reasons.result import Interval, SiteReasons, Stations
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.planning.siting.question import Ask, Equal, Siting, SitingTask
from planner.plans.question import measure_asked

_ROUNDING = 1e-6
"""Sums of many numbers are trusted up to here."""


def _solve(task: SitingTask) -> Siting:
    found = solve_national(
        task.problem,
        task.options,
        claimants=task.claimants,
        start=task.start if task.earlier is None else task.earlier.end,
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


def _frontier(task: SitingTask, amounts: FloatArray, is_money: bool, nested: bool) -> Frontier:
    return coverage_frontier(
        task.problem,
        amounts,
        task.options,
        is_money=is_money,
        nested=nested,
        on_progress=task.on_progress,
        stop=task.stop,
    )


def _reasons(task: SitingTask, siting: Siting, _allocation: Allocation) -> SiteReasons:
    prices = _prices(siting)
    return coverage_reasons(
        _less_claimed(task.problem, siting),
        siting.open_site_idx,
        siting.type_idx,
        share=prices.share,
        price=prices.station,
        money_price=prices.money,
        options=task.options,
        on_progress=task.on_progress,
        stop=task.stop,
    )


def _without(task: SitingTask, siting: Siting, removed: IntArray, forced: IntArray) -> Interval:
    return reopt(
        _less_claimed(task.problem, siting),
        Stations(siting.open_site_idx, siting.type_idx),
        forbid=removed,
        force=forced,
        prices=_prices(siting),
        options=task.options,
        stop=task.stop,
    )


def _prices(siting: Siting) -> Prices:
    return Prices(
        share=None if siting.end is None else siting.end.share,
        station=siting.resource_price.get("stations", 0.0),
        money=siting.resource_price.get("money", 0.0),
    )


def _less_claimed(problem: SizedCoverageProblem, siting: Siting) -> SizedCoverageProblem:
    """The problem with what the claimants of a plan leave of its limits."""
    stations, money = (
        math.fsum(plan.use.get(name, 0.0) for plan in siting.claimed)
        for name in ("stations", "money")
    )
    rules = replace(
        problem.rules,
        most=problem.rules.most - round(stations),
        budget=problem.rules.budget - money,
    )
    return replace(problem, coverage=replace(problem.coverage, rules=rules))


def _posed(task: SitingTask, siting: Siting, allocation: Allocation, places: Places) -> Posed:
    """Where sizes cost nothing every station is the largest that fits."""
    problem, sites = task.problem, siting.open_site_idx
    types = siting.type_idx
    if types is None:
        types = types_beside(problem, Plan(sites, None, 0.0), sites)
    reference = Plan(sites, types, served_flow(problem, sites, types)[1])
    served = Served(allocation.zone_idx, sites[allocation.station_idx], allocation.share_frac)
    return Posed(
        reference,
        reward_coverage(problem, places, reference, task.options, task.stop),
        partial(
            city_alternatives,
            problem,
            reference,
            served,
            price=siting.resource_price.get("stations", 0.0),
            money_price=siting.resource_price.get("money", 0.0),
            seed=task.options.seed,
        ),
    )


ASK = Ask(
    solve=_solve,
    depends_on_packs=True,
    equal=_equal,
    counts_served=True,
    reasons=_reasons,
    without=_without,
    frontier=_frontier,
    posed=_posed,
)
