"""City by city, the other cities kept: stations more or less at prices, and sites proven fixed.

Sets: those of ``sized_coverage``. For a city c of the plan P with n stations, the stations of all
other cities stay; F_c(m) is the most that the nation serves with m stations in c. With the plan's
price pi of a station

(1) cost_c(m) = [F_c(n) - pi n] - [F_c(m) - pi m],

V(P) in the place of F_c(n). Found: m stations by annealing at c's sites, those that full ones need
at what is lost without them (:mod:`planner.models.reasons.crowded`), judged by the exact best
service of c's and the neighbours' stations, the latter with the capacity that zones out of c's
reach leave them. At least: with multipliers lambda of the rows that the others do not cover, one
vector bounds F_c at all numbers,

(2) F_c(m) <= covered by others + sum_i (w_i - lambda_i) + the m largest c_j + turned away,

the last being what stations that are linked to c's neighbours by the zones they reach turn away
out of c's reach for want of capacity: new stations in c may relieve them. And the least over
vectors from n and from the largest steps is taken. The same multipliers prove, among plans of c
with at most n stations that lose no more than a share of what c's stations add, sites that all of
them open, and sites that none does (reduced costs; Voll, Jennings, Hennen, Shah and Bardow 2015,
Energy 82:446-456, look for such "must-haves" among the plans they find).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.models.alternatives.result import CityAlternatives, Plan
from planner.models.coverage.bound import fix_by_reduced_cost, lagrangian_bound
from planner.models.coverage.priced_search import Number, priced_search
from planner.models.coverage.primal_dual import primal_dual
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import CoverRows, merge_rows
from planner.models.coverage.search import Schedule
from planner.models.exchanges.placed import ground_of, place
from planner.models.national.parts import usable_sites
from planner.models.reasons.crowded import excess_loss, with_private_rows
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.progress import StopRequest
from planner.solving.rules import CityLimits, SiteRules

ITERATIONS = 300
"""Primal-dual iterations for a city's multipliers."""
RELAXATION_GAP = 1e-5
"""They are good enough this close to the relaxation's."""
LEAST_SHARE = 1e-9
"""Of a zone: less is rounding."""
MOVES_PER_SITE = 20
"""Annealing moves for each number of stations."""
HOT_FRAC, COLD_FRAC = 0.2, 0.005
"""Temperatures as shares of a station's price; once more the last alone, near the plan."""


@dataclass(frozen=True)
class Served:
    """Who serves whom in the plan.

    Attributes
    ----------
    zone_idx, site_idx : int arrays, shape (num_parts,)
    share_frac : float array, shape (num_parts,)
        Share of the zone that the station serves.
    """

    zone_idx: IntArray
    site_idx: IntArray
    share_frac: FloatArray


@dataclass(frozen=True)
class _City:
    """One city with its neighbours' stations, as problems of their own.

    ``local`` has the sites of the city, then the others' stations with the capacity that is left
    to them; ``rows`` are what these do not cover, ``searched`` the same with what full stations
    need; ``others_cover`` counts what they turn away elsewhere. The plan's gain is what ``local``
    serves.
    """

    city: int
    local: SizedCoverageProblem
    site_idx: IntArray
    rows: CoverRows
    searched: CoverRows
    others_cover: float
    plan: Plan


@dataclass(frozen=True)
class _TurnedAway:
    """What the plan covers and does not serve, by groups of stations linked by zones."""

    group_of_station: IntArray
    group_of_zone: IntArray
    value: FloatArray

    def linked_to(self, stations: IntArray, within: BoolArray) -> float:
        """Value turned away by the groups of some stations, but for some zones."""
        groups = np.unique(self.group_of_station[stations])
        counts = (self.value > 0.0) & ~within
        counts[counts] = np.isin(self.group_of_zone[counts], groups)
        return math.fsum(self.value[counts])


def _turned_away(problem: SizedCoverageProblem, reference: Plan, served: Served) -> _TurnedAway:
    coverage, num_open = problem.coverage, len(reference.open_site_idx)
    station, zone = _entries(coverage.reach, reference.open_site_idx)
    size = num_open + coverage.num_zones
    links = scipy.sparse.coo_array(
        (np.ones(len(zone)), (station, num_open + zone)), shape=(size, size)
    )
    _, group = scipy.sparse.csgraph.connected_components(links, directed=False)
    share = np.bincount(served.zone_idx, served.share_frac, minlength=coverage.num_zones)
    value = np.zeros(coverage.num_zones)
    value[zone] = (coverage.value * np.maximum(1.0 - share, 0.0))[zone]
    value[share > 1.0 - LEAST_SHARE] = 0.0
    groups: IntArray = np.asarray(group, dtype=np.int64)
    return _TurnedAway(groups[:num_open], groups[num_open:], value)


def city_alternatives(
    problem: SizedCoverageProblem,
    reference: Plan,
    served: Served,
    steps: Sequence[int],
    within: Sequence[float],
    stop: StopRequest | None = None,
    *,
    price: float,
    money_price: float = 0.0,
    seed: int = 0,
) -> Iterator[CityAlternatives]:
    """Costs of more and fewer stations, and proven sites, of each city with usable sites.

    Parameters
    ----------
    problem : SizedCoverageProblem
    reference : Plan
        With types.
    served : Served
        Of the reference.
    steps : sequence of int
        Stations more or less; steps that the city's limits forbid are left out.
    within : sequence of float
        Losses, as shares of what the city's stations add, for `CityAlternatives.must`.
    stop : StopRequest, optional
        Ends after the city at hand.
    price : float
        pi of a station [value].
    money_price : float
        Of a unit of money, on top; 0 where money is not limited.
    seed : int, optional

    Yields
    ------
    CityAlternatives
        Cities with most stations first.
    """
    cities = problem.rules.cities_or_one()
    usable = usable_sites(problem)
    by_city = np.argsort(cities.city_idx, kind="stable")
    by_city = by_city[usable[by_city]]
    ends = np.searchsorted(cities.city_idx[by_city], np.arange(len(cities.min_stations) + 1))
    rng = np.random.default_rng(seed)
    turned_away = _turned_away(problem, reference, served)
    excess = excess_loss(place(ground_of(problem), *plan_of(reference)))
    number = np.bincount(
        cities.city_idx[reference.open_site_idx], minlength=len(cities.min_stations)
    )
    for city in np.argsort(-number, kind="stable").tolist():
        if stop is not None and stop.is_set():
            return
        own = by_city[ends[city] : ends[city + 1]]
        if len(own):
            part = _city(problem, reference, served, turned_away, excess, city, own)
            yield _alternatives(cities, part, (price, money_price), steps, within, rng)


def _city(
    problem: SizedCoverageProblem,
    reference: Plan,
    served: Served,
    turned_away: _TurnedAway,
    excess: FloatArray,
    city: int,
    own: IntArray,
) -> _City:
    coverage, rules = problem.coverage, problem.rules
    _, kinds = plan_of(reference)
    zones = np.unique(_entries(coverage.reach, own)[1])
    is_own = np.zeros(coverage.num_sites, dtype=np.bool_)
    is_own[own] = True
    in_zones = np.zeros(coverage.num_zones, dtype=np.bool_)
    in_zones[zones] = True
    others_at = np.flatnonzero(~is_own[reference.open_site_idx])
    others = reference.open_site_idx[others_at]
    owner, idx = _entries(coverage.reach, others)
    touches = np.zeros(len(others), dtype=np.bool_)
    touches[owner[in_zones[idx]]] = True
    others_at, others = others_at[touches], others[touches]
    # What the neighbours' stations serve elsewhere stays with them.
    elsewhere = ~in_zones[served.zone_idx]
    load = problem.load[served.zone_idx] * served.share_frac
    taken = np.bincount(served.site_idx[elsewhere], load[elsewhere], minlength=coverage.num_sites)
    full = problem.capacity[others, kinds[others_at]]
    room = np.maximum(full - taken[others], 0.0)
    sites = np.r_[own, others]
    owner, idx = _entries(coverage.reach, sites)
    inside = in_zones[idx]
    reach = Lists.by_owner(
        owner[inside], np.searchsorted(zones, idx[inside]).astype(np.int32), len(sites)
    )
    capacity = problem.capacity[sites].copy()
    capacity[len(own) :] = room[:, None]
    forced = np.r_[rules.forced[own], np.ones(len(others), dtype=np.bool_)]
    local = SizedCoverageProblem(
        coverage=CoverageProblem(
            coverage.value[zones],
            reach,
            replace(SiteRules.free(len(sites)), forced=forced, cost=rules.cost[sites]),
        ),
        load=problem.load[zones],
        capacity=capacity,
    )
    covered = np.zeros(len(zones), dtype=np.bool_)
    covered[reach.entries_of(np.arange(len(sites)) >= len(own))] = True
    open_own = np.flatnonzero(np.isin(own, reference.open_site_idx))
    rows = merge_rows(
        CoverageProblem(
            np.where(covered, 0.0, coverage.value[zones]),
            Lists(reach.ptr[: len(own) + 1], reach.idx[: reach.ptr[len(own)]]),
            replace(SiteRules.free(len(own), len(open_own)), forced=rules.forced[own]),
        )
    )
    types = kinds[np.searchsorted(reference.open_site_idx, own[open_own])]
    part = _City(
        city=city,
        local=local,
        site_idx=own,
        rows=rows,
        searched=with_private_rows(rows, excess[own[rows.site_idx]]),
        others_cover=math.fsum(coverage.value[zones][covered])
        + turned_away.linked_to(others_at, in_zones),
        plan=Plan(open_own, types, 0.0),
    )
    return replace(part, plan=replace(part.plan, gain=_value(part, open_own, types)))


def _entries(reach: Lists, lists: IntArray) -> tuple[IntArray, IndexArray]:
    """Entries of some lists in their order, and which of these each belongs to."""
    counts = reach.sizes[lists]
    owner = np.repeat(np.arange(len(lists)), counts)
    first = np.cumsum(counts) - counts
    return owner, reach.idx[np.arange(len(owner)) + (reach.ptr[lists] - first)[owner]]


def _value(part: _City, own: IntArray, types: IntArray) -> float:
    """Value that some of the city's sites serve together with the neighbours' stations."""
    others = np.arange(len(part.site_idx), part.local.coverage.num_sites)
    kinds = np.r_[types, np.zeros(len(others), np.int64)].astype(np.int64)
    return served_flow(part.local, np.r_[own, others].astype(np.int64), kinds)[1]


def _alternatives(
    limits: CityLimits,
    part: _City,
    prices: tuple[float, float],
    steps: Sequence[int],
    within: Sequence[float],
    rng: np.random.Generator,
) -> CityAlternatives:
    rows, plan, price = part.rows, part.plan, prices[0]
    num_own, number = len(part.site_idx), len(plan.open_site_idx)
    forced = np.flatnonzero(part.local.rules.forced[:num_own])
    least = max(int(limits.min_stations[part.city]), len(forced))
    most = min(int(limits.max_stations[part.city]), num_own)
    kept = [step for step in steps if step != 0 and least <= number + step <= most]
    multipliers = _multipliers(rows, sorted({number, number + max(kept, default=0)}), len(forced))
    found, low = [], []
    for step in kept:
        least_money = _least_money(part, number + step)
        costs = []
        for hot_frac in (HOT_FRAC, COLD_FRAC):
            free = _search(part, number + step - len(forced), price, hot_frac, rng)
            sites = _filled(part, np.union1d(forced, free), number + step)
            types = _types(part, sites, money_matters=prices[1] > 0.0)
            more_money = _money(part, sites, types) - _money(part, *plan_of(plan))
            costs.append(
                plan.gain - _value(part, sites, types) + price * step + prices[1] * more_money
            )
        found.append(min(costs))
        limited = replace(rows, num_stations=number + step - len(forced))
        bound = min(lagrangian_bound(limited, multiplier) for multiplier in multipliers)
        low.append(
            plan.gain - part.others_cover - bound
            + price * step + prices[1] * (least_money - _money(part, *plan_of(plan)))
        )  # fmt: skip
    must = np.zeros((len(within), num_own), dtype=np.bool_)
    never = must.copy()
    added = max(plan.gain - _value(part, plan.open_site_idx[:0], plan.open_site_idx[:0]), 0.0)
    for at, eps in enumerate(within):
        least_value = plan.gain - eps * added - part.others_cover
        always, not_at_all = fix_by_reduced_cost(rows, multipliers[0], least_value)
        must[at, rows.site_idx[always]] = True
        never[at, rows.site_idx[not_at_all]] = True
    return CityAlternatives(
        city=part.city,
        stations=number,
        step=np.array(kept, dtype=np.int64),
        cost_found=np.array(found, dtype=np.float64),
        cost_low=np.minimum(low, found) if kept else np.empty(0),
        site_idx=part.site_idx,
        must=must,
        never=never,
    )


def plan_of(plan: Plan) -> tuple[IntArray, IntArray]:
    """Sites and types of a plan whose types are known."""
    assert plan.type_idx is not None
    return plan.open_site_idx, plan.type_idx


def _multipliers(rows: CoverRows, numbers: Sequence[int], num_forced: int) -> list[FloatArray]:
    """Near those of the linear relaxation for each number of stations."""
    found = []
    for number in numbers:
        if rows.num_rows == 0 or number <= num_forced:
            found.append(rows.value.copy())
            continue
        for point in primal_dual(replace(rows, num_stations=number - num_forced)):
            if point.iterations >= ITERATIONS or point.relaxation_gap_frac <= RELAXATION_GAP:
                break
        found.append(point.multiplier)
    return found


def _search(
    part: _City, number: int, price: float, hot_frac: float, rng: np.random.Generator
) -> IntArray:
    """So many free sites of the city (positions among its sites), or all that cover anything."""
    rows = part.searched
    number = min(number, rows.num_sites)
    start = np.flatnonzero(np.isin(rows.site_idx, part.plan.open_site_idx))
    scale = max(price, 1e-9 * float(rows.value.sum()), 1e-300)
    plan = priced_search(
        rows,
        np.zeros(rows.num_sites),
        start,
        Number(number, number),
        Schedule(MOVES_PER_SITE * rows.num_sites, hot_frac * scale, COLD_FRAC * scale),
        rng,
    )
    return rows.site_idx[plan]


def _filled(part: _City, sites: IntArray, number: int) -> IntArray:
    """Where all sites that cover anything are open, the cheapest others up to the number."""
    capacity, cost = part.local.capacity, part.local.rules.cost
    least = np.where(capacity > 0, cost, np.inf).min(axis=1)
    others = np.setdiff1d(np.arange(len(part.site_idx)), sites)
    cheap = others[np.argsort(least[others], kind="stable")[: number - len(sites)]]
    return np.union1d(sites, cheap)


def _types(part: _City, sites: IntArray, *, money_matters: bool) -> IntArray:
    """Types as the plan has them; new ones are the largest, or the cheapest if money matters."""
    capacity, cost = part.local.capacity[sites], part.local.rules.cost[sites]
    cheapest, largest = np.where(capacity > 0, cost, np.inf).argmin(axis=1), capacity.argmax(axis=1)
    types: IntArray = cheapest if money_matters else largest
    known, kinds = plan_of(part.plan)
    _, here, there = np.intersect1d(sites, known, return_indices=True)
    types[here] = kinds[there]
    return types


def _money(part: _City, sites: IntArray, types: IntArray) -> float:
    return math.fsum(part.local.rules.cost[sites, types])


def _least_money(part: _City, number: int) -> float:
    """What so many stations of the city cost at least, forced ones at their cheapest."""
    num_own = len(part.site_idx)
    cost = np.where(part.local.capacity > 0, part.local.rules.cost, np.inf)[:num_own].min(axis=1)
    forced = part.local.rules.forced[:num_own]
    free = np.sort(cost[~forced])[: max(number - int(forced.sum()), 0)]
    return math.fsum((*cost[forced].tolist(), *free.tolist()))
