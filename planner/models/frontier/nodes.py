"""A siting problem at several amounts as one over a line of nodes, and with fewer zones."""

import math

import numpy as np

from planner.arrays import FloatArray, Lists
from planner.models.coverage.problem import CoverageProblem
from planner.models.phasing.problem import PhasedCities, PhasedLimit, PhasedProblem
from planner.models.phasing.tree import Tree
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.rows import merge_sized_rows
from planner.solving.incidence import transpose


def merged_zones(problem: SizedCoverageProblem, *, money_matters: bool) -> SizedCoverageProblem:
    """The same sites with zones that are served alike as one, and no zones out of reach.

    Every plan is looked at zone by zone many times.

    Parameters
    ----------
    problem : SizedCoverageProblem
        Not changed.
    money_matters : bool
        Whether sizes cost anything that is limited.

    Returns
    -------
    SizedCoverageProblem
        Every plan of it serves what it serves in the other, up to rounding.
    """
    rows, num_sites = (
        merge_sized_rows(problem, money_matters=money_matters),
        problem.rules.num_sites,
    )
    of_site = transpose(rows.sites_of_row, rows.num_sites)
    sizes = np.zeros(num_sites, dtype=np.int64)
    sizes[rows.site_idx] = of_site.sizes
    reach = Lists(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), of_site.idx)
    return SizedCoverageProblem(
        coverage=CoverageProblem(rows.value, reach, problem.rules),
        load=rows.load,
        capacity=problem.capacity,
    )


def siting_over_nodes(
    problem: SizedCoverageProblem, amounts: FloatArray, is_money: bool, weight: FloatArray
) -> PhasedProblem:
    """The siting at each amount as a node of a line, its values weighted.

    Parameters
    ----------
    problem : SizedCoverageProblem
    amounts : float array, shape (num_points,)
        Most stations, or budgets, by node.
    is_money : bool
    weight : float array, shape (num_points,)
        Of the values at each node.

    Returns
    -------
    PhasedProblem
        Limits: ``stations``, then ``money`` if it is limited.
    """
    rules, cities = problem.rules, problem.rules.cities_or_one()
    num_nodes = len(amounts)
    stations, money = np.zeros((2, num_nodes))
    stations[0], money[0] = min(rules.most, rules.num_sites), rules.budget
    if is_money:
        money = np.diff(amounts, prepend=0.0)
    else:
        stations = np.diff(amounts, prepend=0.0)
    limits = [PhasedLimit("stations", np.ones(problem.capacity.shape), stations, True)]
    if is_money or math.isfinite(rules.budget):
        limits.append(PhasedLimit("money", rules.cost, money, True))
    at_nodes = (1, num_nodes)
    return PhasedProblem(
        tree=Tree.line(num_nodes),
        node_of=np.arange(num_nodes),
        reach=problem.coverage.reach,
        value=problem.coverage.value[:, None] * weight,
        load=np.tile(problem.load[:, None], at_nodes),
        capacity=np.repeat(problem.capacity[:, :, None], num_nodes, axis=2),
        may_stand=np.tile(rules.usable[:, None], at_nodes),
        must_stand=np.tile(rules.forced[:, None], at_nodes),
        is_new=~rules.forced,
        limits=tuple(limits),
        cities=PhasedCities(
            city_idx=cities.city_idx,
            least=cities.min_stations,
            most=cities.max_stations,
            rate=np.full((len(cities.min_stations), num_nodes), np.inf),
            carries_over=False,
            names=cities.names,
        ),
    )
