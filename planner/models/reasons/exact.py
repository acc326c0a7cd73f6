"""One lock changed, and the question solved again: the cost with its proof.

Small problems are solved as a whole with the changed lock. Of a nation the cities of the lock are
solved as one, the other cities as they are: rows that stations of other cities cover are left to
them, and a station's slot and its money are worth their prices elsewhere. Its best plan becomes
one of the nation by giving slots that it leaves, or taking slots that it wants, where that costs
least.
"""

import math
from dataclasses import replace

import numpy as np

from planner.arrays import IntArray, Lists
from planner.errors import InfeasibleError
from planner.models.coverage.problem import CoverageProblem
from planner.models.exchanges.placed import Placed, ground_of, place, replaced
from planner.models.national.city import CityTask, answer_city
from planner.models.national.parts import CityPart
from planner.models.national.solve import solve_national
from planner.models.national.tuning import Tuning as CityTuning
from planner.models.reasons.lower import (
    Prices,
    is_whole,
    lost_by_city,
    lower_end_of,
    merge_cities,
)
from planner.models.reasons.removal import interval_of, locked_sites, search_near, settle
from planner.models.reasons.result import Interval, Stations
from planner.models.reasons.tuning import Tuning
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.rules import CityLimits, SiteRules


def reopt(
    problem: SizedCoverageProblem,
    plan: Stations,
    *,
    forbid: IntArray | None = None,
    force: IntArray | None = None,
    prices: Prices,
    options: SolveOptions,
    tuning: Tuning = Tuning(),
    stop: StopRequest | None = None,
) -> Interval:
    """What it costs to close some stations, to open others, solved again with these locks.

    Parameters
    ----------
    problem : SizedCoverageProblem
        Not changed.
    plan : Stations
        Within the limits.
    forbid, force : int arrays, optional
        Sites that must have no station, and sites that must have one.
    prices : Prices
        Of a slot and of money elsewhere.
    options : SolveOptions
    tuning : Tuning, optional
    stop : StopRequest, optional
        Ends the search; the interval is then wider.

    Returns
    -------
    Interval
        The lower end holds for the whole problem where it is small, and with the other cities as
        they are otherwise.

    Raises
    ------
    InfeasibleError
        If no plan keeps the limits with these locks.
    """
    started = work_s()
    placed = place(ground_of(problem), *plan)
    removed, forced = locked_sites(placed, np.array([] if forbid is None else forbid), force)
    if len(removed) + len(forced) == 0:
        return interval_of(placed, placed, 0.0, work_s() - started)
    if problem.coverage.reach.num_entries <= tuning.whole_arcs:
        found, low = _whole(placed, removed, forced, options, tuning, stop)
    else:
        low, price = lower_end_of(placed, removed, forced, options, prices, tuning)
        prices = replace(prices, station=price)
        found = _nearby(placed, removed, forced, options, tuning)
        left_s = options.time_limit_s - (work_s() - started)
        better, proven = _cities(
            placed, removed, forced, replace(options, time_limit_s=max(left_s, 1.0)), prices,
            tuning, stop,
        )  # fmt: skip
        low = max(low, proven)
        found = _better(found, better)
    if found is None:
        raise InfeasibleError("no plan is known that keeps the limits with these locks")
    return interval_of(placed, found, low, work_s() - started)


def _whole(
    placed: Placed,
    removed: IntArray,
    forced: IntArray,
    options: SolveOptions,
    tuning: Tuning,
    stop: StopRequest | None,
) -> tuple[Placed | None, float]:
    """The problem with changed locks; what its plan serves and at least costs."""
    problem = placed.ground.problem
    rules = problem.rules
    must, never = rules.forced.copy(), rules.forbidden.copy()
    must[forced], never[removed] = True, True
    locked = replace(
        problem,
        coverage=replace(problem.coverage, rules=replace(rules, forced=must, forbidden=never)),
    )
    solution = solve_national(locked, replace(options, gap_frac=0.0, workers=1), stop=stop)
    found = place(placed.ground, solution.open_site_idx, solution.type_idx)
    best = _better(found, _nearby(placed, removed, forced, options, tuning))
    return best, max(placed.objective - solution.proof.bound, 0.0)


def _nearby(
    placed: Placed, removed: IntArray, forced: IntArray, options: SolveOptions, tuning: Tuning
) -> Placed | None:
    """The plan of a search near the locks; none where that cannot keep the limits."""
    try:
        return search_near(placed, removed, forced, options.seed, tuning)
    except InfeasibleError:
        return None


def _better(one: Placed | None, other: Placed | None) -> Placed | None:
    """What serves more of two plans, the first among equals."""
    if one is None or other is None:
        return one or other
    return other if other.objective > one.objective else one


def _cities(
    placed: Placed,
    removed: IntArray,
    forced: IntArray,
    options: SolveOptions,
    prices: Prices,
    tuning: Tuning,
    stop: StopRequest | None,
) -> tuple[Placed | None, float]:
    """Best plan with the cities of the locks solved again, and what is lost at least."""
    limits = merge_cities(placed, np.concatenate((removed, forced)))
    part, start = _part(placed, limits, removed, forced)
    if part.problem.coverage.reach.num_entries > tuning.city_arcs or part.most < part.least:
        return None, 0.0
    city_tuning = CityTuning()
    answer = answer_city(
        CityTask(
            part=part,
            position=0,
            price=np.array([prices.station, prices.money]),
            multiplier=np.empty(0),
            start=start,
            around=(-2, -1, 1, 2),
            around_frac=(),
            num_moves=city_tuning.moves_per_site * len(part.site_idx),
            seconds=math.inf if options.deterministic else options.time_limit_s,
            node_limit=city_tuning.first_nodes * city_tuning.growth
            if options.deterministic
            else None,
            allowed_gap=0.0,
            seed=options.seed,
            tuning=city_tuning,
        ),
        stop,
    )
    here = placed.site_idx[limits.city_idx[placed.site_idx] == 0]
    paid = prices.station * len(here) + prices.money * math.fsum(placed.cost[here])
    if is_whole(placed, limits):
        rules = placed.ground.problem.rules
        money = prices.money * rules.most_cost if placed.ground.has_money else 0.0
        paid = prices.station * min(rules.most, rules.num_sites) + money
    covered = math.fsum(part.problem.coverage.value[placed.tables.num_covering[part.zone_idx] > 0])
    lost = float(
        lost_by_city(placed, limits.city_idx.astype(np.int64), 1 + limits.city_idx.max())[0]
    )
    proven = max(covered - paid - lost - answer.bound, 0.0)
    best: Placed | None = None
    for plan in answer.plans:
        best = _better(best, _of_nation(placed, here, plan.site_idx, removed, forced))
    return best, proven


def _of_nation(
    placed: Placed,
    here: IntArray,
    sites: IntArray,
    removed: IntArray,
    forced: IntArray,
) -> Placed | None:
    """A plan of the cities with the others' stations, within all limits if that can be."""
    tables, limits = placed.fresh_tables(), placed.limits()
    changes = np.setdiff1d(here, sites), np.setdiff1d(sites, here)
    try:
        settle(placed, tables, limits, (removed, forced), changes)
    except InfeasibleError:
        return None
    return replaced(
        placed,
        np.flatnonzero(placed.is_open & ~tables.is_open),
        np.flatnonzero(tables.is_open & ~placed.is_open),
    )


def _part(
    placed: Placed, limits: CityLimits, removed: IntArray, forced: IntArray
) -> tuple[CityPart, IntArray]:
    """The first city of the limits as a problem of its own, and the plan's stations there.

    Its zones are the rows that stations of other cities leave to it.
    """
    ground, rules = placed.ground, placed.ground.problem.rules
    rows, cover = ground.rows, ground.cover
    here = (limits.city_idx == 0) & ground.usable
    here[removed] = False
    others = placed.is_open & (limits.city_idx != 0)
    by_others = np.zeros(rows.num_rows, dtype=np.bool_)
    by_others[cover.rows_of_site.entries_of(others)] = True
    sites = np.flatnonzero(here)
    mine = np.zeros(rows.num_rows, dtype=np.bool_)
    entry = cover.rows_of_site.entries_of((limits.city_idx == 0) & ground.usable)
    mine[entry] = True
    mine &= ~by_others
    own_rows = np.flatnonzero(mine)
    reached = cover.rows_of_site.entries_of(here)
    owner = np.repeat(np.arange(len(sites)), cover.rows_of_site.sizes[sites])
    kept = mine[reached]
    position = np.cumsum(mine) - 1
    must = rules.forced[sites] | np.isin(sites, forced)
    least = max(int(limits.min_stations[0]), int(must.sum()))
    most = min(int(limits.max_stations[0]), len(sites), rules.most)
    problem = SizedCoverageProblem(
        coverage=CoverageProblem(
            value=rows.value[own_rows],
            reach=Lists.by_owner(owner[kept], position[reached[kept]].astype(np.int32), len(sites)),
            rules=SiteRules(
                forced=must,
                forbidden=np.zeros(len(sites), dtype=np.bool_),
                cost=rules.cost[sites],
                budget=math.inf,
                least=0,
                most=most,
                cities=CityLimits(
                    np.zeros(len(sites), dtype=np.int32), np.array([least]), np.array([most])
                ),
            ),
        ),
        load=rows.load[own_rows],
        capacity=ground.problem.capacity[sites],
    )
    part = CityPart(
        city=0,
        problem=problem,
        site_idx=sites,
        zone_idx=own_rows,
        border=np.empty(0, dtype=np.int64),
        border_idx=np.empty(0, dtype=np.int64),
        use=np.stack((np.ones_like(rules.cost[sites]), rules.cost[sites])),
    )
    return part, np.flatnonzero(placed.is_open[sites])
