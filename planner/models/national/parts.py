"""A national covering problem taken apart by city.

Sets: cities c, sites j in J_c, zones i. A zone that sites of one city alone reach is inner to it;
one that several cities reach is a border zone, and each of these cities sees it.
"""

from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.coverage.problem import CoverageProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem


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
        return int(self.problem.min_stations[0])

    @property
    def most(self) -> int:
        """Stations that no plan exceeds."""
        return int(self.problem.max_stations[0])


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
    return ~problem.coverage.forbidden & fits


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
    coverage = problem.coverage
    usable = usable_sites(problem)
    num_cities = len(problem.min_stations)
    forced = np.bincount(coverage.city_idx[coverage.forced], minlength=num_cities)
    available = np.bincount(coverage.city_idx[usable], minlength=num_cities)
    least = np.maximum(problem.min_stations, forced)
    left = coverage.num_stations - int(least.sum()) + least
    most = np.minimum(np.minimum(problem.max_stations, available), left)

    sites = np.flatnonzero(usable)
    sites = sites[np.argsort(coverage.city_idx[sites], kind="stable")]
    ends = np.searchsorted(coverage.city_idx[sites], np.arange(num_cities + 1))
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
    coverage = problem.coverage
    counts = np.diff(coverage.reach_ptr)[sites]
    ptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    arcs = np.arange(ptr[-1]) + np.repeat(coverage.reach_ptr[sites] - ptr[:-1], counts)
    zones, local = np.unique(coverage.reach_zone_idx[arcs], return_inverse=True)
    alone = SizedCoverageProblem(
        coverage=CoverageProblem(
            value=coverage.value[zones],
            reach_ptr=ptr,
            reach_zone_idx=local.astype(np.int32),
            city_idx=np.zeros(len(sites), dtype=np.int32),
            forced=coverage.forced[sites],
            forbidden=np.zeros(len(sites), dtype=np.bool_),
            num_stations=most,
        ),
        load=problem.load[zones],
        capacity=problem.capacity[sites],
        cost=problem.cost[sites],
        budget=np.inf,
        min_stations=np.array([least]),
        max_stations=np.array([most]),
    )
    return alone, zones.astype(np.int64)
