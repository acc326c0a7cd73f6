"""What a plan serves in each future, as a whole and by the city whose stations serve it.

The best service of every column is computed anew, with capacity: no figure of a search is taken
over. City by city a zone counts where the first of the plan's stations that reach it stands, so
that the parts of a plan add up to what it serves; parts of several plans put together serve about
what their parts do, and exactly what `payoff_of` says.
"""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IndexArray, IntArray, freeze
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.service import served_by_column
from planner.models.phasing.sizes import before, table_of_plan, use_of
from planner.models.phasing.solution import PhasedPlan
from planner.models.robust.futures import Futures

NOWHERE = -1


@dataclass(frozen=True)
class Payoff:
    """A plan, and what it serves and takes.

    Attributes
    ----------
    plan : PhasedPlan
    value : float array, shape (num_futures,)
        V_s, exact.
    city_value : float array, shape (num_cities, num_futures)
        Its parts by city.
    city_use : float array, shape (num_cities, num_limits, num_nodes)
        What the city's stations take of each limit at each node; up to it where it carries over.
    """

    plan: PhasedPlan
    value: FloatArray
    city_value: FloatArray
    city_use: FloatArray

    def __post_init__(self) -> None:
        freeze(self)


def payoff_of(problem: PhasedProblem, futures: Futures, plan: PhasedPlan) -> Payoff:
    """What a plan serves in all futures.

    Parameters
    ----------
    problem : PhasedProblem
        Values not weighted by probability. Limits are not looked at.
    futures : Futures
    plan : PhasedPlan

    Returns
    -------
    Payoff
    """
    served_frac, served = served_by_column(problem, plan)
    num_cities = len(problem.cities.least)
    city_value = np.zeros((num_cities, futures.num_futures))
    owners: dict[int, IntArray] = {}
    for column, node in enumerate(problem.node_of.tolist()):
        if node not in owners:
            owners[node] = _city_of_zone(problem, plan.site_idx[plan.size[:, node] != CLOSED])
        gained = problem.value[:, column] * served_frac[:, column]
        counts = gained > 0.0
        city_value[:, futures.future_of[column]] += np.bincount(
            owners[node][counts], gained[counts], minlength=num_cities
        )
    return Payoff(plan, futures.values(served), city_value, _city_use(problem, plan))


def joined(problem: PhasedProblem, payoffs: list[Payoff], source: IntArray) -> PhasedPlan:
    """The plan that has each city's stations from one of several plans.

    Parameters
    ----------
    problem : PhasedProblem
    payoffs : list of Payoff
    source : int array, shape (num_cities,)
        Which of them, by city.

    Returns
    -------
    PhasedPlan
        Keeps what each city limits; national limits are the caller's.
    """
    table = np.full((problem.num_sites, problem.tree.num_nodes), CLOSED, dtype=np.int32)
    for position in np.unique(source).tolist():
        plan = payoffs[position].plan
        taken = source[problem.cities.city_idx[plan.site_idx]] == position
        table[plan.site_idx[taken]] = plan.size[taken]
    sites = np.flatnonzero((table != CLOSED).any(axis=1)).astype(np.int64)
    return PhasedPlan(sites, table[sites])


def parts_of(problem: PhasedProblem, plan: PhasedPlan) -> list[bytes]:
    """What tells a city's part of a plan from another, by city."""
    city = problem.cities.city_idx[plan.site_idx]
    order = np.argsort(city, kind="stable")
    start = np.searchsorted(city[order], np.arange(len(problem.cities.least) + 1))
    return [
        plan.site_idx[order[start[c] : start[c + 1]]].astype(np.int64).tobytes()
        + plan.size[order[start[c] : start[c + 1]]].astype(np.int32).tobytes()
        for c in range(len(problem.cities.least))
    ]


def _city_of_zone(problem: PhasedProblem, sites: IndexArray) -> IntArray:
    """City of the first of the stations that reach each zone."""
    city = np.full(problem.num_zones, NOWHERE)
    is_open = np.zeros(problem.num_sites, dtype=np.bool_)
    is_open[sites] = True
    zones = problem.reach.entries_of(is_open)
    owner = np.repeat(np.flatnonzero(is_open), problem.reach.sizes[is_open])
    city[zones[::-1]] = problem.cities.city_idx[owner[::-1]]
    return city


def _city_use(problem: PhasedProblem, plan: PhasedPlan) -> FloatArray:
    """What each city's stations take, shape (num_cities, num_limits, num_nodes)."""
    table = table_of_plan(problem, plan)
    earlier = before(problem.tree, table)
    num_nodes = problem.tree.num_nodes
    num_cities = len(problem.cities.least)
    use = np.zeros((num_cities, len(problem.limits), num_nodes))
    city = problem.cities.city_idx[plan.site_idx]
    for at, limit in enumerate(problem.limits):
        taken = use_of(limit.use, table)
        if not limit.carries_over:
            taken = taken - use_of(limit.use, earlier)
        for node in range(num_nodes):
            use[:, at, node] = np.bincount(city, taken[plan.site_idx, node], minlength=num_cities)
    return use
