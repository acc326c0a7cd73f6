"""A plan of one amount, city by city at the price of a station.

At one price of a station the cities choose apart from each other, but for border zones: there each
has what stations of the others leave. A city is searched as if its stations carried all they reach
(:mod:`planner.models.coverage.priced_search`); where they cannot, with exact service
(:mod:`planner.models.frontier.exact_search`). Stations of a plan before are where a city begins,
and stay where nothing better is found.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.coverage.priced_search import Number, priced_search
from planner.models.coverage.rows import merge_rows
from planner.models.coverage.search import Schedule
from planner.models.frontier.exact_search import CityBoard, anneal_exactly
from planner.models.frontier.tuning import Tuning
from planner.models.national.parts import CityPart, Parts, split_by_city
from planner.models.phasing.start import NestedState
from planner.models.phasing.tables import make_move
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.rows import merge_sized_rows
from planner.models.sized_coverage.service import served_flow

NOBODY = -1


@dataclass(frozen=True)
class Effort:
    """How hard one visit to all cities works.

    Attributes
    ----------
    moves : int
        Offered a site as if stations carried all they reach.
    exact_moves : int
        Offered a station in a city whose stations are full.
    seed : int
    workers : int
        Cities that are worked on at once.
    """

    moves: int
    exact_moves: int
    seed: int
    workers: int


@dataclass(frozen=True)
class Chosen:
    """What the cities chose at a price.

    Attributes
    ----------
    stands : bool array, shape (num_sites,)
    full : int array
        Cities whose stations turn load away that they reach.
    """

    stands: BoolArray
    full: IntArray


def cities_of(problem: SizedCoverageProblem) -> Parts:
    """The cities of a problem, taken apart once, with no limit on the nation's stations."""
    rules = replace(problem.rules, most=problem.rules.num_sites)
    open_ended = replace(problem, coverage=replace(problem.coverage, rules=rules))
    return split_by_city(open_ended, np.ones((1, *problem.capacity.shape)))


def choose_by_city(
    cities: Parts,
    stands: BoolArray,
    price: float,
    effort: Effort,
    tuning: Tuning,
    may_go_on: Callable[[], bool],
) -> Chosen:
    """Stations of every city at the price of a station, from those of a plan.

    Parameters
    ----------
    cities : Parts
    stands : bool array, shape (num_sites,)
        Not changed.
    price : float
        Of a station, > 0 [value].
    effort : Effort
    tuning : Tuning
    may_go_on : callable
        Asked before each city; the others keep their stations.

    Returns
    -------
    Chosen
        Within the limits of each city; how many there are in all the price says.
    """
    after, full = stands.copy(), []
    reaching = np.zeros(len(cities.border_zone), dtype=np.int64)
    for part in cities.cities:
        reaching[part.border_idx] += _reaches_border(part, stands[part.site_idx])
    lock = threading.Lock()

    def visit(part: CityPart) -> None:
        if not may_go_on():
            return
        here = stands[part.site_idx]
        own = _reaches_border(part, here)
        with lock:
            alone = reaching[part.border_idx] - own == 0
        chosen, is_full = _choose(part, here, alone, price, effort, tuning)
        with lock:
            reaching[part.border_idx] += _reaches_border(part, chosen) - own.astype(np.int64)
            after[part.site_idx] = chosen
            if is_full:
                full.append(part.city)

    parts = sorted(cities.cities, key=lambda part: -part.problem.load.sum())
    if effort.workers > 1:
        with ThreadPoolExecutor(max_workers=effort.workers) as pool:
            list(pool.map(visit, parts))
    else:
        for part in parts:
            visit(part)
    return Chosen(after, np.array(sorted(full), dtype=np.int64))


def _reaches_border(part: CityPart, here: BoolArray) -> BoolArray:
    """Which border zones of a city its stations reach, shape (len(part.border),)."""
    reached = np.zeros(part.problem.coverage.num_zones, dtype=np.bool_)
    reached[part.problem.coverage.reach.entries_of(here)] = True
    return reached[part.border]


def _choose(
    part: CityPart,
    here: BoolArray,
    alone: BoolArray,
    price: float,
    effort: Effort,
    tuning: Tuning,
) -> tuple[BoolArray, bool]:
    """A city's stations for its inner zones and those border zones that no other serves."""
    coverage, rules = part.problem.coverage, part.problem.rules
    left = np.ones(coverage.num_zones)
    left[part.border] = alone
    coverage = replace(coverage, value=coverage.value * left)
    problem = replace(part.problem, coverage=coverage, load=part.problem.load * left)
    rng = np.random.default_rng([effort.seed, part.city])
    found = _plain_stations(problem, part, here, price, effort.moves, tuning, rng)
    if _carry_all(problem):
        return found, False
    kinds = part.problem.capacity.argmax(axis=1)
    endless = replace(problem, capacity=np.full(problem.capacity.shape, 1.0 + problem.load.sum()))

    def served(some: SizedCoverageProblem, is_open: BoolArray) -> float:
        sites = np.flatnonzero(is_open)
        return served_flow(some, sites, kinds[sites])[1] if len(sites) else 0.0

    def worth(is_open: BoolArray) -> float:
        return served(problem, is_open) - price * int(is_open.sum())

    within = part.least <= int(here.sum()) <= part.most and bool(here[rules.forced].all())
    best = here if within and worth(here) > worth(found) else found
    if served(problem, found) >= (1.0 - tuning.full_frac) * served(endless, found):
        return best, False
    if effort.exact_moves > 0:
        num_moves = min(effort.exact_moves * int(best.sum()), tuning.most_exact_moves)
        found = _exact_stations(problem, part, best, price, num_moves, tuning, rng)
        best = found if worth(found) > worth(best) else best
    return best, True


def _carry_all(problem: SizedCoverageProblem) -> bool:
    """Whether any station carries all that it reaches, so that none is ever full."""
    reach = problem.coverage.reach
    site = np.repeat(np.arange(reach.num_lists), reach.sizes)
    reached = np.bincount(site, problem.load[reach.idx], minlength=reach.num_lists)
    return bool((reached <= problem.capacity.max(axis=1)).all())


def _plain_stations(
    problem: SizedCoverageProblem,
    part: CityPart,
    here: BoolArray,
    price: float,
    moves: int,
    tuning: Tuning,
    rng: np.random.Generator,
) -> BoolArray:
    """Stations as if each carried all it reaches."""
    rules = problem.rules
    rows = merge_rows(replace(problem.coverage, rules=rules.locks_and_most()))
    is_open = rules.forced.copy()
    num_forced = int(is_open.sum())
    most = min(part.most - num_forced, rows.num_sites)
    least = min(max(part.least - num_forced, 0), most)
    if rows.num_sites > 0:
        start = np.flatnonzero(here[rows.site_idx])
        schedule = Schedule(
            moves * rows.num_sites, tuning.city_hot_frac * price, tuning.city_cold_frac * price
        )
        prices = np.full(rows.num_sites, price)
        found = priced_search(rows, prices, start, Number(least, most), schedule, rng)
        is_open[rows.site_idx[found]] = True
    short = part.least - int(is_open.sum())
    if short > 0:
        # Sites that reach nothing are no part of the rows.
        is_open[np.flatnonzero(~is_open)[:short]] = True
    return is_open


def _exact_stations(
    problem: SizedCoverageProblem,
    part: CityPart,
    here: BoolArray,
    price: float,
    num_moves: int,
    tuning: Tuning,
    rng: np.random.Generator,
) -> BoolArray:
    """Stations with exact service, from those of a plan."""
    rows = merge_sized_rows(problem, money_matters=False)
    if rows.num_sites == 0 or rows.num_rows == 0:
        return here
    capacity: FloatArray = rows.capacity[rows.option_ptr[1:] - 1]
    board = CityBoard(
        rows.arcs, rows.serving_order, rows.unloaded, rows.demand, capacity,
        np.full(rows.num_sites, price), np.arange(rows.num_sites), rows.rules.forced.copy(),
    )  # fmt: skip
    after = here.copy()
    after[rows.site_idx] = False
    elsewhere = int(after.sum())
    is_open = anneal_exactly(
        board, here[rows.site_idx], part.least - elsewhere, part.most - elsewhere, num_moves,
        tuning.exact_hot_frac * price, tuning.exact_cold_frac * price, rng,
    )  # fmt: skip
    after[rows.site_idx] = is_open
    return after


def close_until_within(state: NestedState) -> bool:
    """Close the stations that serve least until limits hold; whether that could be done."""
    problem, room, plan = state.problem, state.room, state.plan
    city = problem.cities.city_idx[state.rows.site_idx]
    may = ~state.rows.must_stand[:, 0]
    inside = np.ones(1, dtype=np.bool_)
    while (room.left < 0.0).any():
        may_go = may & plan.stands[:, 0] & (room.city_spare[city, 0] > 0)
        if not may_go.any():
            return False
        site = int(np.argmin(np.where(may_go, plan.loss, np.inf)))
        make_move(NOBODY, site, inside, state.board, room, plan)
    return True
