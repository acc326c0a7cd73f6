"""The other siting questions: the same sites, loads and limits as problems of other models."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from planner.arrays import Lists
from planner.instance import Instance
from planner.models.allocation.solve import Allocation
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.facility_location.solve import FacilityLocationSolution
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.planning.packs import annuity
from planner.planning.siting.problem import station_types_by_size
from planner.solving.rules import CityLimits, SiteRules
from planner.units import DAYS_PER_YEAR

FloatArray = NDArray[np.float64]

LEAST_LOAD_PER_VALUE = 1e-6
"""Zones with less load per swap a day ask for nothing: their vehicles have no packs to swap."""
_LEAST_SHARE = 1e-9
"""Of a zone: less is rounding."""


def least_cost_cny(problem: SizedCoverageProblem) -> FloatArray:
    """Cost of the cheapest type that fits each site, 0 where none does, (num_sites,) [CNY]."""
    least = np.where(problem.capacity > 0, problem.rules.cost, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(least), least, 0.0)


def cheapest_type_idx(problem: SizedCoverageProblem) -> NDArray[np.int64]:
    """That type, shape (num_sites,); 0 where none fits."""
    fitting = np.where(problem.capacity > 0, problem.rules.cost, np.inf)
    return np.asarray(fitting.argmin(axis=1))


def assemble_p_median(
    instance: Instance, problem: SizedCoverageProblem, reach: Reach
) -> PMedianProblem:
    """Least minutes from zones to their nearest station, each weighted with its swaps a day.

    Parameters
    ----------
    instance : Instance
        For the minutes that count where no station is within the standard.
    problem : SizedCoverageProblem
        From `planner.planning.siting.problem.assemble_siting`.
    reach : Reach
        Of all sites.
    """
    coverage = problem.coverage
    zone_ptr, site_idx, minutes = _pairs_by_zone(problem, reach)
    return PMedianProblem(
        weight=coverage.value,
        distances=PairDistances(
            zone_ptr=zone_ptr,
            site_idx=site_idx,
            distance=minutes,
            unserved=instance.scenario.siting.unserved_min,
            num_sites=coverage.num_sites,
        ),
        rules=SiteRules(
            forced=problem.rules.forced,
            forbidden=problem.rules.forbidden,
            cost=least_cost_cny(problem),
            budget=problem.rules.budget,
            least=0,
            most=problem.rules.most,
            cities=_city_limits(problem),
        ),
    )


def assemble_set_cover(instance: Instance, problem: SizedCoverageProblem) -> SetCoverProblem:
    """Least money, or fewest stations, that cover what the scenario asks for.

    Where every zone is to be covered, one with fewer sites within reach than ``cover_times``
    takes all it has.
    """
    coverage, siting = problem.coverage, instance.scenario.siting
    need = np.full(coverage.num_zones, siting.cover_times, dtype=np.int64)
    if siting.cover_share_frac == 1.0:
        need = np.minimum(need, usable_sites_within_reach(problem))
    counts_money = siting.cover_least == "money"
    return SetCoverProblem(
        value=coverage.value,
        need=need,
        reach_ptr=coverage.reach.ptr,
        reach_zone_idx=coverage.reach.idx,
        cost=least_cost_cny(problem) if counts_money else np.ones(coverage.num_sites),
        forced=problem.rules.forced,
        forbidden=problem.rules.forbidden,
        min_share=siting.cover_share_frac,
        min_stations=0,
        max_stations=problem.rules.most,
        budget=problem.rules.budget if counts_money else math.inf,
        cities=_city_limits(problem),
    )


def usable_sites_within_reach(problem: SizedCoverageProblem) -> NDArray[np.int64]:
    """Sites within reach of each zone that may hold a station, shape (num_zones,)."""
    coverage = problem.coverage
    zone_idx = coverage.reach.entries_of(problem.rules.usable)
    return np.bincount(zone_idx, minlength=coverage.num_zones)


@dataclass(frozen=True)
class YearlyCosts:
    """Least yearly cost as a `FacilityLocationProblem`, and how its answer is read.

    The model has one cost of unserved demand, in swaps of the design hour; a swap of the year is
    worth the same everywhere, one of the design hour is not. So every zone's costs are raised to
    those of the dearest, which adds the same to all plans.

    Attributes
    ----------
    problem : FacilityLocationProblem
        Demand in swaps per design hour, costs in CNY per year.
    type_idx : int array, shape (num_sites, num_types)
        Type that each of the problem's stands for: those that fit, and the cheapest of them in
        the place of those that don't.
    drive_min : float array, shape (num_pairs,)
        Minutes of each of the problem's pairs.
    added_cny : float
        What the problem's costs exceed the true ones by.
    """

    problem: FacilityLocationProblem
    type_idx: NDArray[np.int64]
    drive_min: FloatArray
    added_cny: float


def assemble_facility_location(
    instance: Instance, problem: SizedCoverageProblem, reach: Reach
) -> YearlyCosts:
    """Least yearly cost of stations, drivers' time and swaps that are not served.

    A station costs the annuity of type and plot, and the type's opex. Zones whose vehicles have
    no packs ask for nothing.
    """
    coverage, siting = problem.coverage, instance.scenario.siting
    types = station_types_by_size(instance)
    fits = problem.capacity > 0
    own = np.broadcast_to(np.arange(problem.num_types), fits.shape)
    type_idx = np.where(fits, own, cheapest_type_idx(problem)[:, None])
    yearly_cny = problem.rules.cost * annuity(
        siting.station_years, instance.scenario.costs.interest_rate
    ) + types["opex_cny_per_year"].to_numpy(float)
    zone_ptr, site_idx, minutes = _pairs_by_zone(problem, reach)
    asks = problem.load > LEAST_LOAD_PER_VALUE * coverage.value
    demand = np.where(asks, problem.load, 0.0)
    swaps_per_year = np.divide(
        coverage.value * DAYS_PER_YEAR, demand, out=np.zeros(coverage.num_zones), where=asks
    )
    unserved_cny = swaps_per_year * siting.unserved_swap_cny
    dearest_cny = float(unserved_cny.max(initial=0.0))
    zone_idx = np.repeat(np.arange(coverage.num_zones), np.diff(zone_ptr))
    return YearlyCosts(
        problem=FacilityLocationProblem(
            demand=demand,
            sites=Lists(zone_ptr, site_idx),
            unit_cost=minutes * siting.drive_cny_per_min * swaps_per_year[zone_idx]
            + (dearest_cny - unserved_cny)[zone_idx],
            capacity=np.take_along_axis(problem.capacity, type_idx, axis=1),
            rules=SiteRules(
                forced=problem.rules.forced,
                forbidden=problem.rules.forbidden,
                cost=np.take_along_axis(yearly_cny, type_idx, axis=1),
                budget=math.inf,
                least=0,
                most=problem.rules.most,
                cities=_city_limits(problem),
            ),
            unserved_cost=dearest_cny,
        ),
        type_idx=type_idx,
        drive_min=minutes,
        added_cny=math.fsum(demand * (dearest_cny - unserved_cny)),
    )


def served_at_least_cost(yearly: YearlyCosts, solution: FacilityLocationSolution) -> Allocation:
    """Who serves whom, as the model found it cheapest: all that can be served need not be."""
    problem = yearly.problem
    zone_idx = problem.sites.owner
    share = np.divide(
        solution.amount, problem.demand[zone_idx], out=np.zeros(len(zone_idx)),
        where=solution.amount > 0,
    )  # fmt: skip
    pair = np.flatnonzero(share > _LEAST_SHARE)
    open_site_idx = solution.open_site_idx
    return Allocation(
        zone_idx=zone_idx[pair],
        station_idx=np.searchsorted(open_site_idx, problem.sites.idx[pair]).astype(np.int32),
        share_frac=np.minimum(share[pair], 1.0),
        drive_min=yearly.drive_min[pair],
        type_idx=yearly.type_idx[open_site_idx, solution.type_idx].astype(np.int32),
    )


def _pairs_by_zone(
    problem: SizedCoverageProblem, reach: Reach
) -> tuple[NDArray[np.int64], NDArray[np.int32], FloatArray]:
    """Reach by zone instead of by site: ``zone_ptr, site_idx, drive_min``."""
    shape = (problem.coverage.num_sites, problem.coverage.num_zones)
    by_site = scipy.sparse.csr_array((reach.drive_min, reach.zone_idx, reach.ptr), shape=shape)
    by_zone = by_site.tocsc()
    return by_zone.indptr.astype(np.int64), by_zone.indices.astype(np.int32), by_zone.data


def _city_limits(problem: SizedCoverageProblem) -> CityLimits | None:
    """Limits by city; None where there are none."""
    cities = problem.rules.cities_or_one()
    num_sites = np.bincount(cities.city_idx, minlength=len(cities.max_stations))
    if not cities.min_stations.any() and (cities.max_stations >= num_sites).all():
        return None
    return cities
