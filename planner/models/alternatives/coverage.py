"""Maximal covering with rewards for places: a reward is a zone that the place's sites reach.

Sets and limits are those of ``sized_coverage``; a zone g of value b_g and no load for every place.
What is small, or where capacity binds, is solved as it stands by the national search. What is
large is annealed as covering within limits, from the plan it starts with, and bounded by the
multipliers of the linear relaxation; what its plan is worth is its exact best service. Stations
that full ones need leave at what is lost without them (:mod:`planner.models.reasons.crowded`).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import FloatArray, IntArray, Lists
from planner.models.alternatives.annealing import Within, anneal_within
from planner.models.alternatives.bound import bound_within
from planner.models.alternatives.result import Answer, Asked, Places, Plan, Rewarded
from planner.models.coverage.bound import site_worth
from planner.models.coverage.primal_dual import DualStart, primal_dual
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import CoverRows, merge_alike
from planner.models.coverage.search import Schedule, swap_tables
from planner.models.coverage.solve import coverage_value
from planner.models.exchanges.placed import Ground, ground_of, place
from planner.models.national.parts import usable_sites
from planner.models.national.solve import solve_national
from planner.models.reasons.crowded import Rewards, excess_loss, relieved, with_private_rows
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.compiling import work_s
from planner.solving.incidence import transpose
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest

SMALL_ARCS = 20_000
"""Up to this many the national search proves what it finds within seconds."""
BINDING_FRAC = 2e-3
"""Capacity binds where a plan serves this much less than it covers."""
LEAST_REWARD = 1e-9
"""Of every place, as a share of the mean value of a row: no site is worth nothing."""
DUAL_SHARE = 0.45
"""Of the time, for the multipliers."""
FIRST_DUAL_SHARE = 1.5
"""And the first time, on top of the time: all later ones begin there."""
DUAL_GAP = 1e-4
"""Multipliers are good enough this close to the relaxation's."""
FIRST_ITERATIONS, ITERATIONS = 400, 160
"""For them: the first time, and from the last ones."""
FEW_ITERATIONS = 40
"""Where no bound is wanted: to tell candidates."""
FIRST_MOVES, MOVES_PER_STATION, MOVES_PER_POLL = 100_000, 1_200, 200_000
TRIALS, LEAST_CHUNKS = 10, 3
"""A schedule is fitted into the time after so small a part of a poll; fewer polls end too hot."""
HOT_FRAC, COLD_FRAC = 0.12, 0.004
"""Temperatures as shares of a station's price;"""
HOT_REWARDS = 4.0
"""the first one at most so many rewards: small ones are not worth leaving the plan for."""
WORTH_FRAC = 0.92
"""Annealing opens sites worth this share of the last that the multipliers open."""


@dataclass
class _Large:
    """Covering rows with a row, or a part of one, for every place; multipliers of the last call.

    ``ground`` has the loads, and no places.
    """

    rows: CoverRows
    zone_value: FloatArray
    row_of_zone: IntArray
    num_zones: int
    limits: Within
    ground: Ground
    end: DualStart | None = None

    def with_reward(self, reward: FloatArray) -> CoverRows:
        """The rows with the rewards' values."""
        floor = LEAST_REWARD * float(self.zone_value.mean()) if self.num_zones else 1.0
        value = np.r_[self.zone_value, np.maximum(reward, max(floor, 1e-300))]
        has_row = self.row_of_zone >= 0
        by_row = np.bincount(
            self.row_of_zone[has_row], value[has_row], minlength=self.rows.num_rows
        )
        return replace(self.rows, value=by_row.astype(np.float64))


def reward_coverage(
    problem: SizedCoverageProblem,
    places: Places,
    reference: Plan,
    options: SolveOptions,
    stop: StopRequest | None = None,
) -> Rewarded:
    """Most value served, with rewards for places.

    Parameters
    ----------
    problem : SizedCoverageProblem
    places : Places
        Of its sites.
    reference : Plan
        Stations with their types: new stations are sized beside them.
    options : SolveOptions
        Of these, workers and determinism are kept.
    stop : StopRequest, optional

    Returns
    -------
    callable
        With a memory: multipliers go from call to call.
    """
    covered = coverage_value(problem.coverage, reference.open_site_idx)
    binds = covered - reference.gain > BINDING_FRAC * covered
    if binds or problem.coverage.reach.num_entries <= SMALL_ARCS:
        return lambda asked: _by_national(problem, places, asked, options, stop)
    large = _prepare(problem, places, reference)
    return lambda asked: _by_annealing(problem, places, reference, large, asked, options, stop)


def with_rewards(
    problem: SizedCoverageProblem, places: Places, reward: FloatArray
) -> SizedCoverageProblem:
    """The problem with a zone for every place that earns something.

    Parameters
    ----------
    problem : SizedCoverageProblem
    places : Places
    reward : float array, shape (num_places,)
    """
    coverage, earns = problem.coverage, reward > 0
    zone = coverage.num_zones + np.cumsum(earns) - 1
    reach = one_more_zone(coverage.reach, np.where(earns, zone, -1)[places.of_site])
    return SizedCoverageProblem(
        coverage=CoverageProblem(np.r_[coverage.value, reward[earns]], reach, coverage.rules),
        load=np.r_[problem.load, np.zeros(int(earns.sum()))],
        capacity=problem.capacity,
    )


def one_more_zone(reach: Lists, zone_of_site: IntArray) -> Lists:
    """Lists with one more zone at the end of each; none where it is negative."""
    has = zone_of_site >= 0
    idx = np.insert(reach.idx, reach.ptr[1:][has], zone_of_site[has].astype(np.int32))
    return Lists(reach.ptr + np.r_[0, np.cumsum(has)], idx.astype(np.int32))


def _by_national(
    problem: SizedCoverageProblem,
    places: Places,
    asked: Asked,
    options: SolveOptions,
    stop: StopRequest | None,
) -> Answer:
    found = solve_national(
        with_rewards(problem, places, asked.reward),
        replace(
            options,
            gap_frac=0.0 if asked.prove else min(options.gap_frac, 1e-3),
            time_limit_s=asked.seconds,
            seed=asked.seed,
        ),
        stop=stop,
    )
    _, value = served_flow(problem, found.open_site_idx, found.type_idx)
    known = [Plan(found.open_site_idx, found.type_idx, value), asked.start]
    best = max(known, key=lambda each: _with_reward(each, places, asked))
    return Answer(best, found.proof.bound)


def _prepare(problem: SizedCoverageProblem, places: Places, reference: Plan) -> _Large:
    """Merge zones once, places among them."""
    coverage, rules = problem.coverage, problem.rules
    usable = usable_sites(problem)
    reach = one_more_zone(coverage.reach, coverage.num_zones + places.of_site)
    num_all = coverage.num_zones + places.num_places
    served = np.zeros(num_all, dtype=np.bool_)
    served[reach.entries_of(rules.forced)] = True
    value = np.r_[coverage.value, np.ones(places.num_places)]
    by_zone = transpose(
        reach, num_all, keep_list=usable & ~rules.forced, keep_member=~served & (value > 0)
    )
    merged = merge_alike(by_zone, np.zeros(coverage.num_sites, dtype=np.bool_))
    rows = CoverRows(
        value=np.ones(merged.sites_of_row.num_lists),
        sites_of_row=merged.sites_of_row,
        rows_of_site=transpose(merged.sites_of_row, len(merged.site_idx)),
        site_idx=merged.site_idx,
        num_stations=min(rules.most, coverage.num_sites) - rules.num_forced,
        base_value=float(coverage.value[served[: coverage.num_zones]].sum()),
    )
    return _Large(
        rows,
        coverage.value,
        merged.row_of_zone,
        coverage.num_zones,
        limits_within(problem, rows, reference),
        ground_of(problem),
    )


def limits_within(problem: SizedCoverageProblem, rows: CoverRows, reference: Plan) -> Within:
    """Limits that are left to the free sites, once forced ones stand; cheapest sizes.

    Parameters
    ----------
    problem : SizedCoverageProblem
    rows : CoverRows
        Of its free sites.
    reference : Plan
        Forced stations cost what they cost in it.
    """
    rules, cities = problem.rules, problem.rules.cities_or_one()
    forced = np.bincount(cities.city_idx[rules.forced], minlength=len(cities.min_stations))
    here = cities.city_idx[rows.site_idx].astype(np.int64)
    available = np.bincount(here, minlength=len(forced))
    least = np.minimum(np.maximum(cities.min_stations - forced, 0), available)
    cost = np.where(problem.capacity > 0, rules.cost, np.inf).min(axis=1, initial=np.inf)
    spent = 0.0
    if reference.type_idx is not None:
        standing = rules.forced[reference.open_site_idx]
        sites, types = reference.open_site_idx[standing], reference.type_idx[standing]
        spent = min(math.fsum(rules.cost[sites, types]), math.fsum(cost[rules.forced]))
    return Within(
        city=here,
        least=least,
        most=np.maximum(cities.max_stations - forced, least),
        cost=cost[rows.site_idx],
        budget=rules.most_cost - spent,
        number=rows.num_stations,
    )


def _by_annealing(
    problem: SizedCoverageProblem,
    places: Places,
    reference: Plan,
    large: _Large,
    asked: Asked,
    options: SolveOptions,
    stop: StopRequest | None,
) -> Answer:
    started = work_s()
    rows = large.with_reward(asked.reward)
    start = np.flatnonzero(np.isin(rows.site_idx, asked.start.open_site_idx))
    if rows.num_stations <= 0 or rows.num_sites == 0:
        earned = float(asked.reward[places.used_by(asked.start.open_site_idx)].sum())
        return Answer(asked.start, rows.base_value + earned)
    most, share = (ITERATIONS, DUAL_SHARE) if large.end else (FIRST_ITERATIONS, FIRST_DUAL_SHARE)
    if not asked.prove:
        most = FEW_ITERATIONS
    for point in primal_dual(rows, start=large.end):
        late = not options.deterministic and work_s() - started > share * asked.seconds
        halted = stop is not None and stop.is_set()
        if point.iterations >= most or point.relaxation_gap_frac <= DUAL_GAP or late or halted:
            break
    large.end = DualStart(point.end.opening.copy(), point.end.share.copy(), *point.end[2:])
    bound = math.inf
    if asked.prove:
        standing = places.used_by(np.flatnonzero(problem.rules.forced))
        bound = bound_within(rows, point.multiplier, large.limits) + asked.reward[standing].sum()
    worth = site_worth(rows, point.multiplier)
    last = np.sort(worth)[-min(rows.num_stations, rows.num_sites)]
    candidates = np.flatnonzero(worth >= WORTH_FRAC * last)
    before = place(large.ground, asked.start.open_site_idx, asked.start.type_idx)
    excess = excess_loss(before)[rows.site_idx]
    searched = with_private_rows(rows, excess)
    plan = _anneal_plan(searched, start, candidates, point.price, large, asked, options, stop)
    found = _sized(large.ground, places, asked, reference, rows.site_idx[plan])
    if found is None:
        return Answer(asked.start, bound)
    better, other = sorted(
        (asked.start, found), key=lambda each: -_with_reward(each, places, asked)
    )
    return Answer(better, bound, (other,))


def _with_reward(plan: Plan, places: Places, asked: Asked) -> float:
    return plan.gain + float(asked.reward[places.used_by(plan.open_site_idx)].sum())


def _anneal_plan(
    rows: CoverRows,
    plan: IntArray,
    candidates: IntArray,
    price: float,
    large: _Large,
    asked: Asked,
    options: SolveOptions,
    stop: StopRequest | None,
) -> IntArray:
    """One schedule, fitted into the time left, then moves that pay alone."""
    rng = np.random.default_rng([options.seed, asked.seed])
    if price <= 0.0 and len(plan):
        price = float(swap_tables(rows, plan).change[plan].mean())
    if price <= 0.0:
        return plan
    last = COLD_FRAC * price
    first = max(min(HOT_FRAC * price, HOT_REWARDS * float(asked.reward.max(initial=0.0))), last)
    num_moves = max(MOVES_PER_STATION * rows.num_stations, FIRST_MOVES)
    num_chunks = -(-num_moves // MOVES_PER_POLL)
    seconds = (1.0 - DUAL_SHARE) * asked.seconds
    done, began = 0, work_s()
    if num_chunks > LEAST_CHUNKS:
        trial = Schedule(MOVES_PER_POLL // TRIALS, first, first)
        plan = anneal_within(rows, plan, candidates, large.limits, trial, rng)
    each = TRIALS * (work_s() - began)
    while done < num_chunks and not (stop is not None and stop.is_set()):
        if not options.deterministic and num_chunks > LEAST_CHUNKS:
            left = int((seconds - (work_s() - began)) / max(each, 1e-9))
            num_chunks = max(min(num_chunks, done + left), LEAST_CHUNKS, done + 1)
        hot, cold = (first * (last / first) ** (at / num_chunks) for at in (done, done + 1))
        schedule = Schedule(MOVES_PER_POLL, hot, cold)
        plan = anneal_within(rows, plan, candidates, large.limits, schedule, rng)
        done += 1
        each = (work_s() - began) / (done + 1.0 / TRIALS)
    tiny = 1e-6 * last
    descent = Schedule(4 * len(candidates), tiny, tiny)
    return anneal_within(rows, plan, candidates, large.limits, descent, rng)


def _sized(
    ground: Ground, places: Places, asked: Asked, reference: Plan, free: IntArray
) -> Plan | None:
    """The plan with types and its exact value; none where its stations cost too much."""
    problem = ground.problem
    rules = problem.rules
    sites = np.union1d(np.flatnonzero(rules.forced), free).astype(np.int64)
    types = types_beside(problem, reference, sites)
    if math.fsum(rules.cost[sites, types]) > rules.most_cost:
        return None
    found = relieved(place(ground, sites, types), Rewards(places.of_site, asked.reward))
    _, value = served_flow(problem, found.site_idx, found.type_idx)
    return Plan(found.site_idx, found.type_idx, value)


def types_beside(problem: SizedCoverageProblem, reference: Plan, sites: IntArray) -> IntArray:
    """Types of a plan's stations: the largest; where money is limited, as far as it goes.

    With a budget stations that the reference has keep their types, others take the cheapest and,
    in the order of the load they reach, the largest for the money that is left.

    Parameters
    ----------
    problem : SizedCoverageProblem
    reference : Plan
    sites : int array
        Ascending.
    """
    capacity, cost = problem.capacity[sites], problem.rules.cost[sites]
    largest: IntArray = capacity.argmax(axis=1)
    if not math.isfinite(problem.rules.budget):
        return largest
    types: IntArray = np.where(capacity > 0, cost, np.inf).argmin(axis=1)
    kept = np.zeros(len(sites), dtype=np.bool_)
    if reference.type_idx is not None:
        _, here, there = np.intersect1d(sites, reference.open_site_idx, return_indices=True)
        cheapest = types.copy()
        types[here], kept[here] = reference.type_idx[there], True
        if math.fsum(cost[np.arange(len(sites)), types]) > problem.rules.most_cost:
            types, kept[:] = cheapest, False
    each = np.arange(len(sites))
    left = problem.rules.most_cost - math.fsum(cost[each, types])
    reach = problem.coverage.reach
    load = np.bincount(reach.owner, problem.load[reach.idx], minlength=reach.num_lists)[sites]
    order = np.argsort(np.where(kept, np.inf, -load), kind="stable")
    order = order[~kept[order]]
    more = (cost[each, largest] - cost[each, types])[order]
    grows = order[(np.cumsum(np.maximum(more, 0.0)) <= left)]
    types[grows] = largest[grows]
    return types
