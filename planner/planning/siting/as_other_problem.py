"""The siting problem as models of other questions take it: pairs by zone, limits by city, zones.

Who builds a problem from these is the question (`planner.planning.siting.questions`).
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from planner.arrays import BoolArray, FloatArray, Lists
from planner.instance import Instance
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.plans.station_costs import least_cost
from planner.solving.rules import CityLimits

_NAMED_ZONES = 10
"""Zones named in an assumption; where there are more, the rest are counted."""


class PairsByZone(NamedTuple):
    """Sites within reach of each zone, and the minutes of each pair."""

    sites: Lists
    drive_min: FloatArray


def pairs_by_zone(problem: SizedCoverageProblem, reach: Reach) -> PairsByZone:
    """Reach by zone instead of by site."""
    shape = (problem.coverage.num_sites, problem.coverage.num_zones)
    by_site = scipy.sparse.csr_array((reach.drive_min, reach.zone_idx, reach.ptr), shape=shape)
    by_zone = by_site.tocsc()
    sites = Lists(by_zone.indptr.astype(np.int64), by_zone.indices.astype(np.int32))
    return PairsByZone(sites, by_zone.data)


def city_limits(problem: SizedCoverageProblem) -> CityLimits | None:
    """Limits by city; None where there are none."""
    cities = problem.rules.cities
    if cities is None:
        return None
    num_sites = np.bincount(cities.city_idx, minlength=len(cities.max_stations))
    if not cities.min_stations.any() and (cities.max_stations >= num_sites).all():
        return None
    return cities


def site_cost(problem: SizedCoverageProblem) -> FloatArray:
    """Cost of the cheapest type that fits each site, shape (num_sites,) [CNY].

    Sites that no type fits are forbidden, and models take finite costs: 0 stands there.
    """
    return np.nan_to_num(least_cost(problem.rules.cost, problem.capacity > 0))


def usable_sites_within_reach(problem: SizedCoverageProblem) -> NDArray[np.int64]:
    """Sites within reach of each zone that may hold a station, shape (num_zones,)."""
    coverage = problem.coverage
    within_reach = coverage.reach.entries_of(problem.rules.usable)
    return np.bincount(within_reach, minlength=coverage.num_zones)


def zones_out_of_reach(
    instance: Instance, problem: SizedCoverageProblem, consequence: str
) -> dict[str, str]:
    """The assumption on zones that no site reaches: no choice of stations changes their count."""
    item = "zones that no site reaches within the standard"
    return zones_assumed(
        instance, problem, item, usable_sites_within_reach(problem) == 0, consequence
    )


def zones_assumed(
    instance: Instance, problem: SizedCoverageProblem, item: str, which: BoolArray, what: str
) -> dict[str, str]:
    """An assumption on some zones, with their swaps and the names of the first."""
    names = instance.zones["zone_id"].to_numpy()[which]
    listed = ", ".join(names[:_NAMED_ZONES].tolist())
    more = f" and {len(names) - _NAMED_ZONES:,} more" if len(names) > _NAMED_ZONES else ""
    return {
        "item": item,
        "value": f"{len(names):,} zones, {problem.coverage.value[which].sum():,.1f} swaps/day",
        "mark": "INF",
        "source": f"{what}: {listed}{more}" if len(names) else "none",
    }
