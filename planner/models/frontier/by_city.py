"""Plans of a frontier by city: at each number of stations, the price at which cities want so many.

Where stations are full a city wants more of them than the relaxation without capacity has, so
that its price at a number of stations is too low: the price is that of as many fewer as the plan
before had more. What a price gives too many or too few, the nation closes where it serves least or
opens where it serves most. Numbers with the widest gap are then visited again, from their own plan
or from a neighbour's.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from planner.arrays import BoolArray, FloatArray
from planner.models.frontier.city_plans import (
    Chosen,
    Effort,
    choose_by_city,
    cities_of,
    close_until_within,
)
from planner.models.frontier.result import FrontierPlan
from planner.models.frontier.state import FrontierSearch, add_vector, fill, plan_at
from planner.models.national.parts import Parts
from planner.models.phasing.annealing import anneal_round
from planner.models.phasing.dual import DualStart, PhasedDualPoint, phased_duals
from planner.models.phasing.start import first_state, state_of
from planner.models.phasing.state import PhasedSearch
from planner.solving.compiling import work_s


def may_go_by_city(search: FrontierSearch) -> bool:
    """Whether the number of stations is all that the nation limits, and there are cities."""
    num_cities = len(search.problem.rules.cities_or_one().min_stations)
    return len(search.single.limits) == 1 and num_cities > 1 and search.rows.num_rows > 0


def plans_by_city(search: FrontierSearch, take_point: Callable[[int], PhasedDualPoint]) -> Parts:
    """A plan and a vector at each number of stations, from the plan before.

    Parameters
    ----------
    search : FrontierSearch
        Of numbers of stations; its plans and vectors are added.
    take_point : callable
        Gives the multipliers of an amount.
    """
    tuning = search.tuning
    cities = cities_of(search.problem)
    stands = np.zeros(search.single.num_sites, dtype=np.bool_)
    more, full_s = 0.0, math.inf
    for at in range(len(search.amounts)):
        take_point(at)
        if at == 0:
            # How many more than the relaxation cities want is not known yet.
            effort = _effort(search, tuning.city_moves, tuning.first_exact_moves // 3, at)
            price = _price(search, at, 0.0)
            chosen = choose_by_city(cities, stands, price, effort, tuning, search.may_go_on)
            stands, more = chosen.stands, float(chosen.stands.sum()) - search.amounts[0]
            if more > 0:
                add_vector(search, _point_of_fewer(search, search.amounts[0] - more), chosen.full)
        exact_moves = tuning.first_exact_moves if at == 0 else tuning.exact_moves
        # As many moves as the time of an amount has had room for.
        left_s = search.remaining_s * tuning.plans_time_share / (len(search.amounts) - at)
        share = min(max(left_s / max(full_s, 1e-9), 0.0), 1.0) if at > 1 else 1.0
        moves = int(share * tuning.city_moves)
        effort = _effort(search, moves, math.ceil(share * exact_moves), at)
        price, began_s = _price(search, at, more), work_s()
        chosen = choose_by_city(cities, stands, price, effort, tuning, search.may_go_on)
        more += float(chosen.stands.sum()) - search.amounts[at]
        plan = _within_limits(search, at, chosen)
        stands = _stations(search, plan)
        add_vector(search, search.points[at], chosen.full)
        search.plans.append(plan)
        full_s = (work_s() - began_s) / max(share, 0.1)
        search.report(at, "plan", "city by city", plan.objective, search.points[at].bound)
    return cities


def improve_by_city(
    search: FrontierSearch, cities: Parts, gap_frac: Callable[[], FloatArray]
) -> None:
    """Visit numbers of stations again, the widest gap first, while that helps.

    Parameters
    ----------
    search : FrontierSearch
    cities : Parts
    gap_frac : callable
        Gap of every plan.
    """
    tuning, rounds = search.tuning, 0
    stale, visits = np.zeros((2, len(search.amounts)), dtype=np.int64)
    while search.may_go_on():
        gaps = np.where(stale < tuning.stale_rounds, gap_frac(), 0.0)
        wide = gaps > search.options.gap_frac
        if not wide.any():
            return
        # The widest first, but none at the cost of all others.
        at = int(np.argmax(np.where(wide, gaps / (1.0 + visits), 0.0)))
        visits[at] += 1
        rounds += 1
        stands = _stations(search, search.plans[at])
        exact_moves = 2 * tuning.exact_moves
        effort = _effort(search, tuning.city_moves, exact_moves, len(search.amounts) + rounds)
        price = search.plan_price[at]
        chosen = choose_by_city(cities, stands, price, effort, tuning, search.may_go_on)
        plan = _within_limits(search, at, chosen)
        gained = plan.objective / max(search.plans[at].objective, 1e-300) - 1.0
        stale[at] += int(gained <= tuning.little_again_frac)
        if gained > 0.0:
            search.plans[at] = plan
        excess = float(chosen.stands.sum()) / search.amounts[at]
        search.plan_price[at] = price * min(max(excess, 0.95), 1.05)
        objective, bound = search.plans[at].objective, search.points[at].bound
        search.report(at, "plan", "city by city again", objective, bound)


def _point_of_fewer(search: FrontierSearch, number: float) -> PhasedDualPoint:
    """Multipliers of fewer stations than the first number: what lies below it bounds it too."""
    problem, point = search.problem_at(0), search.points[0]
    fewer = max(number, float(search.problem.rules.num_forced) + 1.0)
    available = search.rows_at(0).available.copy()
    available[0] += fewer - search.amounts[0]
    rows = replace(search.rows, available=available)
    start = DualStart(point.multiplier, point.price, point.opening)
    for found in phased_duals(rows, problem, start=start):
        enough = found.relaxation_gap_frac <= search.tuning.relaxation_gap
        if enough or found.iterations >= search.tuning.iterations or not search.may_go_on():
            break
    return found


def _effort(search: FrontierSearch, moves: int, exact_moves: int, number: int) -> Effort:
    workers = 1 if search.options.deterministic else search.options.workers
    return Effort(moves, exact_moves, (search.options.seed + number) % 2**31, workers)


def _price(search: FrontierSearch, at: int, more: float) -> float:
    """The relaxation's price of a station where it has ``more`` stations fewer than an amount."""
    prices = np.array([float(point.price[0, 0]) for point in search.points[: at + 1]])
    least = 1e-9 * float(search.rows.value.max())
    logs, numbers = np.log(np.maximum(prices, least)), np.log(search.amounts[: at + 1])
    wanted = math.log(max(search.amounts[at] - more, 1.0))
    price = math.exp(float(np.interp(wanted, numbers, logs)))
    if wanted < numbers[0]:
        # Prices fall about as numbers rise.
        price *= math.exp(search.tuning.price_power * (numbers[0] - wanted))
    search.plan_price[at] = price
    return price


def _within_limits(search: FrontierSearch, at: int, chosen: Chosen) -> FrontierPlan:
    """The plan of the chosen stations, with as many as there may be."""
    problem, rows = search.problem_at(at), search.rows_at(at)
    walk = PhasedSearch(
        problem=problem, rows=rows, tuning=search.tuning.search,
        options=replace(search.options, time_limit_s=math.inf), point=search.points[at],
    )  # fmt: skip
    state = state_of(problem, rows, chosen.stands[:, None])
    if not close_until_within(state):
        rng = np.random.default_rng(search.options.seed)
        state = first_state(problem, rows, None, search.tuning.search, rng)
    fill(state)
    walk.offer(state.table)
    if problem.reach.num_entries <= search.tuning.rounds_entries:
        # Cities are few: their numbers move in steps that are large for the nation.
        walk.learn_cuts(state.table)
        rng = np.random.default_rng([search.options.seed, at])
        for _ in range(search.tuning.crowded_rounds):
            hot_frac = search.tuning.search.crowded_hot_frac
            state = anneal_round(walk, state, search.tuning.least_moves, hot_frac, rng)
    return plan_at(walk.table[:, 0], walk.objective)


def _stations(search: FrontierSearch, plan: FrontierPlan) -> BoolArray:
    stands = np.zeros(search.single.num_sites, dtype=np.bool_)
    stands[plan.open_site_idx] = True
    return stands
