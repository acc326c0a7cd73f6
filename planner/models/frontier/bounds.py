"""One vector of multipliers bounds covering at every number of stations, and at every budget.

With multipliers 0 <= lambda_i <= w_i of the rows and a price rho >= 0 of money,

(1) L(n, B) = base + sum_i (w_i - lambda_i) + rho B + G(n),
(2) G(n) = most that n sites earn, each c_j - rho cost_j, c_j = sum of lambda_i over i in N(j),
    within least and most of each city,

bounds what any n stations for the money B serve. Numbers are a laminar family, so that (2) is
greedy (:mod:`planner.solving.best_sites`): what cities must have comes first, then the sites by
what they earn while it is more than nothing. One sort gives G at all n. The least over many
vectors is a bound as well, and mixtures of vectors made for neighbouring amounts close most of
what is left between these: c_j and the sum in (1) are linear in lambda.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.sized_coverage.problem import SizedCoverageProblem

MIXTURES = (0.25, 0.5, 0.75)
"""Shares of one of two neighbouring vectors."""
PRICE_FACTORS = (0.0, 0.7, 0.85, 0.93, 1.0, 1.08, 1.17, 1.4)
"""Prices of money that are tried with each vector, as multiples of its own."""


@dataclass(frozen=True)
class FreeSites:
    """The sites that may still open beside the forced ones, and what limits them.

    Attributes
    ----------
    cost : float array, shape (num_sites,)
        Least cost of a station [CNY].
    city_idx : int array, shape (num_sites,)
    city_least, city_most : int arrays, shape (num_cities,)
        Beside the forced ones; least is at most what the city has of these sites.
    """

    cost: FloatArray
    city_idx: IntArray
    city_least: IntArray
    city_most: IntArray

    @property
    def limits_cities(self) -> bool:
        """Whether any city's limits say more than its number of sites."""
        size = np.bincount(self.city_idx, minlength=len(self.city_least))
        return bool((self.city_least > 0).any() or (self.city_most < size).any())


def free_sites(problem: SizedCoverageProblem, site_idx: IntArray) -> FreeSites:
    """The free sites and what cities allow beside the forced ones.

    Parameters
    ----------
    problem : SizedCoverageProblem
    site_idx : int array
        The free ones among its sites.
    """
    rules = problem.rules
    cities = rules.cities_or_one()
    num_cities = len(cities.min_stations)
    city_idx = cities.city_idx[site_idx].astype(np.int64)
    forced = np.bincount(cities.city_idx[rules.forced], minlength=num_cities)
    has = np.bincount(city_idx, minlength=num_cities)
    fits = problem.capacity > 0
    cheapest = np.where(fits, rules.cost, np.inf).min(axis=1, initial=np.inf)[site_idx]
    return FreeSites(
        cost=np.where(np.isfinite(cheapest), cheapest, 0.0),
        city_idx=city_idx,
        city_least=np.clip(cities.min_stations - forced, 0, has),
        city_most=np.maximum(cities.max_stations - forced, 0),
    )


@dataclass(frozen=True)
class Vector:
    """What the bound needs of one vector of multipliers.

    Attributes
    ----------
    rest : float
        base + sum_i (w_i - lambda_i).
    worth : float array, shape (num_sites,)
        c_j.
    money_price : float
        rho.
    """

    rest: float
    worth: FloatArray
    money_price: float

    def mixed(self, other: "Vector", share: float) -> "Vector":
        """The mixture with a share of this one."""
        return Vector(
            share * self.rest + (1 - share) * other.rest,
            share * self.worth + (1 - share) * other.worth,
            share * self.money_price + (1 - share) * other.money_price,
        )


def earnings(sites: FreeSites, profit: FloatArray, numbers: IntArray) -> FloatArray:
    """G of equation (2) at numbers of sites, for a profit of each.

    Parameters
    ----------
    sites : FreeSites
    profit : float array, shape (num_sites,)
    numbers : int array
        Sites that may open at most, >= 0; less than the cities must have counts as that.

    Returns
    -------
    float array
    """
    must, num_must = 0.0, 0
    if sites.limits_cities:
        order = np.lexsort((-profit, sites.city_idx))
        city = sites.city_idx[order]
        rank = np.arange(len(order)) - np.searchsorted(city, city)
        needed: BoolArray = rank < sites.city_least[city]
        allowed: BoolArray = ~needed & (rank < sites.city_most[city])
        must, num_must = math.fsum(profit[order[needed]]), int(needed.sum())
        profit = profit[order[allowed]]
    earned = np.sort(profit[profit > 0])[::-1]
    total = np.concatenate([[0.0], np.cumsum(earned)])
    place = np.clip(numbers - num_must, 0, len(earned))
    return np.asarray(must + total[place])


def bound_numbers(
    sites: FreeSites, vectors: list[Vector], budget: float, numbers: IntArray
) -> FloatArray:
    """The least of (1) over vectors and their mixtures at numbers of stations.

    Parameters
    ----------
    sites : FreeSites
    vectors : list of Vector
        In the order of the amounts they were made for.
    budget : float
        Beside the forced stations [CNY]; inf for no limit.
    numbers : int array
        Stations beside the forced ones.

    Returns
    -------
    float array
    """
    best = np.full(len(numbers), np.inf)
    for vector, price in _tried(vectors, math.isfinite(budget)):
        money = price * budget if price > 0 else 0.0
        earned = earnings(sites, vector.worth - price * sites.cost, numbers)
        np.minimum(best, vector.rest + money + earned, out=best)
    return best


def bound_budgets(
    sites: FreeSites, vectors: list[Vector], most: int, budgets: FloatArray
) -> FloatArray:
    """The same over budgets, with at most so many stations beside the forced ones.

    Parameters
    ----------
    sites : FreeSites
    vectors : list of Vector
        In the order of the amounts they were made for.
    most : int
        Stations beside the forced ones.
    budgets : float array
        Beside the forced stations [CNY].

    Returns
    -------
    float array
    """
    best = np.full(len(budgets), np.inf)
    number = np.array([most])
    for vector, price in _tried(vectors, True):
        earned = float(earnings(sites, vector.worth - price * sites.cost, number)[0])
        np.minimum(best, vector.rest + earned + price * budgets, out=best)
    return best


def _tried(vectors: list[Vector], with_money: bool) -> list[tuple[Vector, float]]:
    """Vectors, mixtures, and the price of money that is tried with each."""
    mixed = [
        first.mixed(second, share)
        for first, second in itertools.pairwise(vectors)
        for share in MIXTURES
    ]
    factors = PRICE_FACTORS if with_money else (0.0,)
    return [(each, each.money_price * f) for each in [*vectors, *mixed] for f in factors]
