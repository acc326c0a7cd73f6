"""Vectors of the bound where stations are full: a site earns no more than it can carry.

The worths c_j of :mod:`planner.models.frontier.bounds` let a site serve all it reaches. With (1) of
:mod:`planner.models.phasing.capacity_bound` in their place the bound holds for every lambda as
well, and mixtures too: c_j is convex in lambda. The multipliers of cities whose stations are full
are improved by steps (2) there, at the prices of the relaxation without capacity.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray
from planner.models.frontier.bounds import Vector
from planner.models.phasing.bound import opening_price
from planner.models.phasing.capacity_bound import (
    CrowdedCity,
    city_part,
    lower_part,
    multipliers_at,
    site_worths,
)
from planner.models.phasing.dual import PhasedDualPoint
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.rows import PhasedRows

STEPS, FIRST_STEPS = 400, 40
"""Of a city; no more than the first if they gain next to nothing."""
PATIENCE = 20
"""As in `planner.models.phasing.capacity_bound.lower_part`."""
NOTHING = 1e-6
"""Share of the bound that is next to nothing."""


def crowded_vector(
    problem: PhasedProblem,
    rows: PhasedRows,
    point: PhasedDualPoint,
    vector: Vector,
    cities: Iterable[CrowdedCity],
) -> Vector:
    """The vector with what the stations of some cities can carry.

    Parameters
    ----------
    problem : PhasedProblem
        Of one node.
    rows : PhasedRows
        Of the problem, without rents.
    point : PhasedDualPoint
        Of the relaxation without capacity.
    vector : Vector
        Of the point.
    cities : iterable of CrowdedCity
        Those with full stations, at whatever prices.
    """
    of_site = opening_price(problem, rows, point.price)
    worth, slack = vector.worth.copy(), [vector.rest]
    for city in cities:
        priced = replace(city, cost=np.ascontiguousarray(of_site[city.site]))
        first = multipliers_at(city, rows, point)
        multiplier = _lowered(priced, first, NOTHING * point.bound)
        slack.append(math.fsum((first - multiplier)[city.inner].ravel()))
        worth[city.site] = site_worths(city, multiplier)
    return Vector(math.fsum(slack), worth, vector.money_price)


def _lowered(city: CrowdedCity, first: FloatArray, nothing: float) -> FloatArray:
    """Multipliers of a city after its steps."""
    before, multiplier = city_part(city, first)[0], first
    steps = itertools.islice(lower_part(city, first, patience=PATIENCE), STEPS)
    for number, (part, multiplier) in enumerate(steps, start=1):
        if number == FIRST_STEPS and before - part <= nothing:
            return multiplier
    return multiplier
