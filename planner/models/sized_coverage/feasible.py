"""Whether any plan of sized covering keeps its limits, and the reason if none does."""

import math

import numpy as np

from planner.arrays import BoolArray, IntArray
from planner.errors import InfeasibleError
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.rules import CityLimits


def check_feasible(problem: SizedCoverageProblem) -> None:
    """Name the reason if no plan satisfies the limits.

    The checks are complete: cities share nothing but the number of stations and the money, and
    the fewest and the cheapest stations that satisfy each of them are known.

    Raises
    ------
    InfeasibleError
        With the first reason found.
    ValueError
        If the rules ask for a least number of stations, which is not modelled.
    """
    rules = problem.rules
    if rules.least > 0:
        raise ValueError("covering does not model a least number of stations: set least = 0")
    can_open = (problem.capacity > 0).any(axis=1) & rules.usable
    if rules.most < 0:
        raise InfeasibleError(f"the budget is {rules.most} stations, below zero")
    if rules.budget < 0:
        raise InfeasibleError(f"the budget is {_money(rules.budget)}, below zero")
    without_type = np.flatnonzero(rules.forced & ~can_open)
    if len(without_type):
        raise InfeasibleError(
            f"no station type fits site {without_type[0]}, which is forced open "
            f"({len(without_type)} such sites)"
        )
    cities = rules.cities_or_one()
    num_cities = len(cities.min_stations)
    forced = np.bincount(cities.city_idx[rules.forced], minlength=num_cities)
    available = np.bincount(cities.city_idx[can_open], minlength=num_cities)
    _check_cities(cities, forced, available)
    if forced.sum() > rules.most:
        raise InfeasibleError(
            f"{forced.sum()} sites are forced open (existing or committed), "
            f"but the budget allows {rules.most} stations"
        )
    least = np.maximum(cities.min_stations, forced)
    if least.sum() > rules.most:
        raise InfeasibleError(
            f"city minima and forced sites take {least.sum()} stations, "
            f"but the budget allows {rules.most}"
        )
    _check_money(problem, can_open, least - forced)


def _check_cities(cities: CityLimits, forced: IntArray, available: IntArray) -> None:
    limits = zip(cities.min_stations, cities.max_stations, forced, available, strict=True)
    for city, (minimum, maximum, num_forced, num_available) in enumerate(limits):
        name = cities.name(city)
        if minimum > maximum:
            raise InfeasibleError(f"{name}: minimum {minimum} exceeds maximum {maximum}")
        if num_forced > maximum:
            raise InfeasibleError(
                f"{name}: {num_forced} sites are forced open, its maximum is {maximum}"
            )
        if minimum > num_available:
            raise InfeasibleError(
                f"{name}: minimum {minimum} exceeds its {num_available} usable sites"
            )


def _check_money(problem: SizedCoverageProblem, can_open: BoolArray, missing: IntArray) -> None:
    rules = problem.rules
    cheapest = np.where(problem.capacity > 0, rules.cost, np.inf).min(axis=1, initial=np.inf)
    forced_cost = math.fsum(cheapest[rules.forced])
    if forced_cost > rules.most_cost:
        raise InfeasibleError(
            f"committed stations cost {_money(forced_cost)}, budget {_money(rules.budget)}"
        )
    city_idx = rules.cities_or_one().city_idx
    free = can_open & ~rules.forced
    costs = [forced_cost]
    for city in np.flatnonzero(missing > 0):
        of_city = np.sort(cheapest[free & (city_idx == city)])
        costs += of_city[: missing[city]].tolist()
    if math.fsum(costs) > rules.most_cost:
        raise InfeasibleError(
            f"the cheapest stations that satisfy forced sites and city minima cost "
            f"{_money(math.fsum(costs))}, budget {_money(rules.budget)}"
        )


def _money(amount: float) -> str:
    return f"{amount / 1e6:,.6g} M" if abs(amount) >= 1e5 else f"{amount:,.6g}"
