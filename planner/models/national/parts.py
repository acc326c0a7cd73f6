"""A national covering problem taken apart by city.

Sets: cities c, sites j in J_c, zones i. A zone that sites of one city alone reach is inner to it;
one that several cities reach is a border zone, and each of these cities sees it.
"""

import math
from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.models.coverage.problem import CoverageProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.rules import CityLimits, SiteRules


@dataclass(frozen=True)
class CityPart:
    """One city as a problem of its own, all that a task needs to know.

    Attributes
    ----------
    city : int
        Position of the city in the national problem.
    problem : SizedCoverageProblem
        Its sites and the zones they reach; one city; no budget.
    site_idx : int array, shape (num_sites,)
        National position of each site, ascending.
    zone_idx : int array, shape (num_zones,)
        National position of each zone, ascending.
    border : int array
        Zones (positions in this part) that other cities reach too.
    border_idx : int array, shape (len(border),)
        Position of each of them among the border zones of the nation.
    use : float array, shape (num_resources, num_sites, num_types)
        What a station takes of each national resource.
    """

    city: int
    problem: SizedCoverageProblem
    site_idx: IntArray
    zone_idx: IntArray
    border: IntArray
    border_idx: IntArray
    use: FloatArray

    @property
    def least(self) -> int:
        """Stations that every plan has."""
        return int(self.problem.rules.cities_or_one().min_stations[0])

    @property
    def most(self) -> int:
        """Stations that no plan exceeds."""
        return int(self.problem.rules.cities_or_one().max_stations[0])


@dataclass(frozen=True)
class Parts:
    """The nation in parts.

    Attributes
    ----------
    cities : tuple of CityPart
        Cities with at least one usable site.
    border_zone : int array, shape (num_border,)
        National positions of the border zones, ascending.
    """

    cities: tuple[CityPart, ...]
    border_zone: IntArray


def usable_sites(problem: SizedCoverageProblem) -> BoolArray:
    """Sites where a station may stand: not forbidden, and some type fits."""
    fits: BoolArray = problem.capacity.max(axis=1, initial=0.0) > 0
    return problem.rules.usable & fits


def split_by_city(problem: SizedCoverageProblem, use: FloatArray) -> Parts:
    """Take a national problem apart.

    Parameters
    ----------
    problem : SizedCoverageProblem
    use : float array, shape (num_resources, num_sites, num_types)
        What a station takes of each national resource, the stations themselves first.

    Returns
    -------
    Parts
        Each city's least and most stations are tightened by its locks, by its usable sites and
        by what the other cities must have.
    """
    coverage, rules, limits = problem.coverage, problem.rules, problem.rules.cities_or_one()
    usable, city_idx = usable_sites(problem), limits.city_idx
    num_cities = len(limits.min_stations)
    forced = np.bincount(city_idx[rules.forced], minlength=num_cities)
    available = np.bincount(city_idx[usable], minlength=num_cities)
    least = np.maximum(limits.min_stations, forced)
    left = rules.most - int(least.sum()) + least
    most = np.minimum(np.minimum(limits.max_stations, available), left)

    sites = np.flatnonzero(usable)
    sites = sites[np.argsort(city_idx[sites], kind="stable")]
    ends = np.searchsorted(city_idx[sites], np.arange(num_cities + 1))
    cities = np.flatnonzero(available).tolist()
    alone = [
        _city_alone(problem, sites[ends[c] : ends[c + 1]], int(least[c]), int(most[c]))
        for c in cities
    ]
    num_reaching = np.zeros(coverage.num_zones, dtype=np.int64)
    for _, zones in alone:
        num_reaching[zones] += 1
    is_border = (num_reaching > 1) & (coverage.value > 0)
    border_zone = np.flatnonzero(is_border)
    parts = []
    for city, (city_problem, zones) in zip(cities, alone, strict=True):
        border = np.flatnonzero(is_border[zones])
        site_idx = sites[ends[city] : ends[city + 1]]
        parts.append(
            CityPart(
                city=city,
                problem=city_problem,
                site_idx=site_idx,
                zone_idx=zones,
                border=border,
                border_idx=np.searchsorted(border_zone, zones[border]),
                use=use[:, site_idx],
            )
        )
    return Parts(tuple(parts), border_zone)


def _city_alone(
    problem: SizedCoverageProblem, sites: IntArray, least: int, most: int
) -> tuple[SizedCoverageProblem, IntArray]:
    """The given sites as a problem of their own, and the zones they reach."""
    reach, rules = problem.coverage.reach, problem.rules
    counts = reach.sizes[sites]
    ptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    arcs = np.arange(ptr[-1]) + np.repeat(reach.ptr[sites] - ptr[:-1], counts)
    zones, local = np.unique(reach.idx[arcs], return_inverse=True)
    one_city = np.zeros(len(sites), dtype=np.int32)
    alone = SizedCoverageProblem(
        coverage=CoverageProblem(
            value=problem.coverage.value[zones],
            reach=Lists(ptr, local.astype(np.int32)),
            rules=SiteRules(
                forced=rules.forced[sites],
                forbidden=np.zeros(len(sites), dtype=np.bool_),
                cost=rules.cost[sites],
                budget=math.inf,
                least=0,
                most=most,
                cities=CityLimits(one_city, np.array([least]), np.array([most])),
            ),
        ),
        load=problem.load[zones],
        capacity=problem.capacity[sites],
    )
    return alone, zones.astype(np.int64)
