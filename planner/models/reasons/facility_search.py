"""What it costs to close each station of a facility location plan, and to open each closed site.

Looked at are: a station less; in its place the sites that seem best by prices
(`planner.models.reasons.facility_moves`) and the one that is worth most beside all stations; a
station more, taking zones over at what they cost now; a site in place of the station that it
seems to suit best, or that is missed least. Each is judged by its own transport.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.facility_location.dual import Prices, SitePairs, site_values
from planner.models.facility_location.flows import Served, StationFlows
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.reasons.allotted import Allotted
from planner.models.reasons.facility_moves import (
    NOBODY,
    Estimates,
    Limits,
    Supply,
    allows,
    estimate,
    exchange_cost,
    no_estimates,
)

ROUNDING_FRAC = 1e-9
"""Of a plan's cost: what is less is rounding."""
ESTIMATES_SHARE, APPLY_SHARE = 0.6, 0.8
"""Of the time gone when estimates are to be ready, and when no better plan is followed any more."""
STATIONS_AT_ONCE = 16
"""Stations whose exchanges are estimated between two looks at the clock."""


@dataclass(frozen=True)
class FacilityPlan:
    """A plan with its transport, and what exchanges need to know of it.

    Attributes
    ----------
    problem : FacilityLocationProblem
    pairs : SitePairs
    flows : StationFlows
    stations : int array, shape (num_stations,)
        Ascending, coded as site * num_types + type.
    supply : Supply
    limits : Limits
    room_left : float array, shape (num_stations + 1,)
        Of each station; that of staying unserved is endless.
    """

    problem: FacilityLocationProblem
    pairs: SitePairs
    flows: StationFlows
    stations: IntArray
    supply: Supply
    limits: Limits
    room_left: FloatArray

    @property
    def served(self) -> Served:
        """The transport."""
        return self.supply.served

    @property
    def zone_cost(self) -> FloatArray:
        """Of each zone in the plan, shape (num_zones,)."""
        zone = np.repeat(np.arange(self.problem.num_zones), np.diff(self.served.zone_ptr))
        cost = self.served.flow * self.served.arc_cost
        return np.bincount(zone, cost, self.problem.num_zones).astype(np.float64)


@dataclass(frozen=True)
class SiteCosts:
    """What is known of every site, filled in place.

    Attributes
    ----------
    change : float array, shape (num_sites,)
        Least change of cost if its lock changes; inf where nothing is known.
    partner : int array, shape (num_sites,)
        Site that enters or leaves then; -1 for none.
    alone : float array, shape (num_sites,)
        Change of cost by closing a station with nothing in its place, whether limits allow it or
        not; NaN for others.
    """

    change: FloatArray
    partner: IntArray
    alone: FloatArray

    @classmethod
    def none(cls, num_sites: int) -> "SiteCosts":
        """Nothing is known yet."""
        return cls(
            np.full(num_sites, np.inf), np.full(num_sites, NOBODY), np.full(num_sites, np.nan)
        )

    def keep(self, site: int, change: float, partner: int) -> None:
        """Note a change if it is the best so far."""
        if site != NOBODY and change < self.change[site]:
            self.change[site], self.partner[site] = change, partner


def find_costs(plan: FacilityPlan, found: SiteCosts, allotted: Allotted) -> IntArray | None:
    """Fill in what changes cost.

    Parameters
    ----------
    plan : FacilityPlan
    found : SiteCosts
        Filled in place.
    allotted : Allotted

    Returns
    -------
    int array or None
        The stations of a cheaper plan, if one came up while there was time to follow it: the costs
        are of no use then.
    """
    problem, supply, limits = plan.problem, plan.supply, plan.limits
    saving = -ROUNDING_FRAC * abs(plan.served.search_cost)
    num_stations = len(plan.stations)
    estimates = no_estimates(num_stations, problem.num_sites)
    for first in range(0, num_stations, STATIONS_AT_ONCE):
        if not allotted.allows(ESTIMATES_SHARE):
            break
        estimate(first, min(first + STATIONS_AT_ONCE, num_stations), supply, limits, estimates)
    additions = _Additions.of(plan)
    moves = itertools.chain(
        _replacements(plan, estimates, additions), _entries(plan, estimates, additions, allotted)
    )
    for site in np.flatnonzero(np.isfinite(additions.change)).tolist():
        found.keep(site, float(additions.change[site]), NOBODY)
    for station, site, kind in moves:
        change = exchange_cost(plan.flows, supply, plan.room_left, station, site, kind)
        own = int(supply.station_site[station]) if station != NOBODY else NOBODY
        if site == NOBODY:
            found.alone[own] = change
            if not allows(own, int(supply.station_kind[station]), NOBODY, NOBODY, limits):
                continue
        if change < saving and allotted.allows(APPLY_SHARE):
            kept = np.delete(plan.stations, station) if station != NOBODY else plan.stations
            enters = [site * problem.num_types + kind] if site != NOBODY else []
            return np.sort(np.concatenate((kept, np.array(enters, dtype=np.int64))))
        found.keep(own, change, site)
        found.keep(site, change, own)
    return None


_Move = tuple[int, int, int]
"""Station that leaves, site that enters, its type; -1 for none."""


@dataclass(frozen=True)
class _Additions:
    """One station more at each closed site, taking zones over at what they cost where they are.

    ``worth`` is the change of cost, numbers and money aside; ``change`` the same where they allow
    it, else inf.
    """

    worth: FloatArray
    change: FloatArray
    kind: IntArray

    @classmethod
    def of(cls, plan: FacilityPlan) -> "_Additions":
        demand = plan.problem.demand
        mean = np.divide(plan.zone_cost, demand, out=np.zeros_like(demand), where=demand > 0.0)
        value = site_values(plan.problem, plan.pairs, Prices(mean, 0.0, 0.0))
        worth = np.where(plan.supply.may_enter, value.min(axis=1), np.inf)
        kind = value.argmin(axis=1)
        may = [
            bool(np.isfinite(worth[site])) and allows(NOBODY, NOBODY, site, kind[site], plan.limits)
            for site in range(len(worth))
        ]
        return cls(worth, np.where(may, worth, np.inf), kind)


def _replacements(
    plan: FacilityPlan, estimates: Estimates, additions: _Additions
) -> Iterator[_Move]:
    """Every station that may leave, with what may come in its place."""
    supply, limits = plan.supply, plan.limits
    best = int(additions.worth.argmin()) if len(additions.worth) else NOBODY
    for station in range(len(plan.stations)):
        own, own_kind = int(supply.station_site[station]), int(supply.station_kind[station])
        if limits.forced[own]:
            continue
        yield station, NOBODY, NOBODY
        tried = zip(estimates.site[station], estimates.kind[station], strict=True)
        near = [(int(site), int(kind)) for site, kind in tried if site != NOBODY]
        yield from ((station, site, kind) for site, kind in near)
        if best == NOBODY or not np.isfinite(additions.worth[best]):
            continue
        kind = int(additions.kind[best])
        if (best, kind) not in near and allows(own, own_kind, best, kind, limits):
            yield station, best, kind


def _entries(
    plan: FacilityPlan, estimates: Estimates, additions: _Additions, allotted: Allotted
) -> Iterator[_Move]:
    """Closed sites, those nearest to open first, beside all stations and in place of one."""
    supply, limits = plan.supply, plan.limits
    by_loss = np.argsort(estimates.loss, kind="stable").tolist()
    closed = np.flatnonzero(supply.may_enter)
    promise = np.minimum(estimates.best, additions.worth)[closed]
    for site in closed[np.argsort(promise, kind="stable")].tolist():
        if not allotted.allows():
            return
        kind = int(additions.kind[site])
        if np.isfinite(additions.change[site]):
            yield NOBODY, site, kind
        near = int(estimates.leaving[site])
        if near != NOBODY:
            yield near, site, int(estimates.best_kind[site])
        for station in by_loss:
            own, own_kind = int(supply.station_site[station]), int(supply.station_kind[station])
            if allows(own, own_kind, site, kind, limits):
                if station != near:
                    yield station, site, kind
                break
