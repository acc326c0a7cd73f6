"""A plan of sized covering while its stations change, one change after the other.

Coverage, limits and the best service are kept up to date from change to change, in place.
"""

import math
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.coverage.search import Scratch, SwapTables, scratch_for
from planner.models.exchanges.exchange import NOBODY, Limits
from planner.models.exchanges.placed import Placed, largest_types, replaced
from planner.models.exchanges.served import (
    Carried,
    Now,
    Search,
    carried_by,
    end_change,
    service_of,
    try_change,
)
from planner.models.sized_coverage.rows import Arcs


class Walk(NamedTuple):
    """A plan on its way; all arrays may change.

    Attributes
    ----------
    tables, limits : SwapTables, Limits
    carried : Carried
        Its best service.
    now, search : Now, Search
        Memory of the judge.
    scratch : Scratch
    capacity : float array, shape (num_sites,)
        Of the station that stands; of one of the type that a closed site pays for otherwise.
    room : float array, shape (any,)
        Memory for capacities of sites that enter at once.
    lost : float array, shape (1,)
        Value covered, but not served.
    tried : int array, shape (1,)
        Changes that were judged by what they serve.
    """

    tables: SwapTables
    limits: Limits
    carried: Carried
    now: Now
    search: Search
    scratch: Scratch
    capacity: FloatArray
    room: FloatArray
    lost: FloatArray
    tried: IntArray


@numba.njit(cache=True, nogil=True, _nrt=False)
def added_service(leaving: IntArray, entering: IntArray, arcs: Arcs, walk: Walk) -> float:
    """What a change adds to the value served beside the value covered; `end_step` has to follow.

    Parameters
    ----------
    leaving, entering : int arrays, shape (len(walk.room),)
        Net sites, ``NOBODY`` elsewhere.
    arcs : Arcs
    walk : Walk
        Changed by `end_step` alone, but for its memory.
    """
    for move, site in enumerate(entering):
        walk.room[move] = walk.capacity[site] if site != NOBODY else 0.0
    walk.tried[0] += 1
    asks, number = walk.lost[0] > 0.0, walk.tried[0]
    capacity, carried, now, search = walk.room, walk.carried, walk.now, walk.search
    return float(try_change(leaving, entering, capacity, asks, number, arcs, carried, now, search))


@numba.njit(cache=True, nogil=True, _nrt=False)
def end_step(is_made: bool, added: float, tolerance: float, arcs: Arcs, walk: Walk) -> None:
    """Make the change that `added_service` looked at, or take it back; tables stay as they are.

    Parameters
    ----------
    is_made : bool
    added : float
        Its answer.
    tolerance : float
        Less than this that is covered but not served is rounding.
    arcs, walk
        As in `added_service`.
    """
    end_change(is_made, arcs, walk.carried, walk.now)
    if is_made:
        left = walk.lost[0] - added
        walk.lost[0] = left if left > tolerance else 0.0


def walk_from(placed: Placed, moves_at_once: int) -> Walk:
    """A walk that begins at a plan.

    Parameters
    ----------
    placed : Placed
        Not changed.
    moves_at_once : int
        Exchanges of a change at most.
    """
    problem, carried = placed.ground.problem, carried_by(placed)
    num_sites = len(placed.cost)
    sites = np.arange(num_sites)
    most_cost = placed.ground.cheapest if placed.ground.has_money else np.full(num_sites, math.inf)
    paid_for = problem.capacity[sites, largest_types(problem, sites, most_cost)]
    carried = carried._replace(
        flow=carried.flow.copy(), near_unserved=np.ones(num_sites, dtype=np.bool_)
    )
    return Walk(
        placed.fresh_tables(),
        placed.limits(),
        carried,
        *service_of(carried),
        scratch_for(num_sites),
        np.where(placed.is_open, placed.capacity, paid_for).astype(np.float64),
        np.empty(moves_at_once),
        np.array([math.fsum(placed.lost)]),
        np.zeros(1, dtype=np.int64),
    )


def plan_of_walk(placed: Placed, walk: Walk) -> Placed:
    """The plan that a walk arrived at; new stations take the largest type that money allows.

    Parameters
    ----------
    placed : Placed
        Where it began.
    walk : Walk
    """
    is_open = walk.tables.is_open
    return replaced(
        placed,
        np.flatnonzero(placed.is_open & ~is_open),
        np.flatnonzero(is_open & ~placed.is_open),
    )
