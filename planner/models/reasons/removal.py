"""Several stations at once: closed, or opened, by one joint change of the plan.

Substitutes make sums of single costs worthless: the twins of a group leave together. The sites are
locked, cities that fall short are filled, what is too much is closed by least loss, free slots go
where they cover most, in the nation, or relieve full stations; then annealing exchanges sites near
the change, but for stations that full ones need. What counts is what the stations serve.
"""

import math

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import InfeasibleError
from planner.models.coverage.rows import Incidence
from planner.models.coverage.search import Schedule, SwapTables, scratch_for
from planner.models.exchanges.exchange import NOBODY, Limits, exchange, may_exchange
from planner.models.exchanges.placed import Placed, ground_of, near, place, replaced
from planner.models.reasons.crowded import excess_loss, relieved
from planner.models.reasons.lower import Prices, lower_end_of
from planner.models.reasons.result import Interval, Stations
from planner.models.reasons.tuning import Tuning
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions

_ROUNDING = 1e-11


@numba.njit(cache=True, nogil=True)
def _anneal_near(
    area: IntArray,
    schedule: Schedule,
    rng: np.random.Generator,
    inc: Incidence,
    tables: SwapTables,
    limits: Limits,
) -> BoolArray:
    """Exchanges within an area, losses accepted with falling probability; the best plan's sites."""
    num_moves, hot, cold = schedule
    scratch = scratch_for(len(tables.is_open))
    extra, touched = scratch
    ptr, idx = inc.rows_of_site
    worth, best_worth, best_open = 0.0, 0.0, tables.is_open.copy()
    for move in range(num_moves):
        site = area[int(rng.random() * len(area))]
        if tables.is_open[site] or limits.locked[site]:
            continue
        other = area[int(rng.random() * len(area))]
        num_touched = 0
        for arc in range(ptr[site], ptr[site + 1]):
            row = idx[arc]
            if tables.num_covering[row] == 1:
                k = tables.sum_covering[row]
                if extra[k] == 0.0:
                    touched[num_touched] = k
                    num_touched += 1
                extra[k] += inc.value[row]
        gain = tables.change[site]
        best, leaving = -np.inf, NOBODY
        if may_exchange(NOBODY, site, limits):
            best = gain
        if tables.is_open[other] and may_exchange(other, site, limits):
            profit = gain - tables.change[other] + extra[other]
            if profit > best:
                best, leaving = profit, other
        for at in range(num_touched):
            k = touched[at]
            profit = gain - tables.change[k] + extra[k]
            extra[k] = 0.0
            if profit > best and may_exchange(k, site, limits):
                best, leaving = profit, k
        if best == -np.inf:
            continue
        if best < 0.0:
            temperature = hot * (cold / hot) ** (move / num_moves)
            if rng.random() >= np.exp(best / temperature):
                continue
        exchange(leaving, site, inc, tables, limits)
        worth += best
        if worth > best_worth:
            best_worth = worth
            best_open[:] = tables.is_open
    return best_open


def group_removal(
    problem: SizedCoverageProblem,
    plan: Stations,
    removed: IntArray,
    *,
    forced: IntArray | None = None,
    prices: Prices,
    options: SolveOptions,
    tuning: Tuning = Tuning(),
) -> Interval:
    """What it costs to close some stations, and to open others, together.

    Parameters
    ----------
    problem : SizedCoverageProblem
        Not changed.
    plan : Stations
        Within the limits.
    removed : int array
        Sites that must have no station.
    forced : int array, optional
        Sites that must have one.
    prices : Prices
        For the lower end.
    options : SolveOptions
    tuning : Tuning, optional

    Returns
    -------
    Interval

    Raises
    ------
    InfeasibleError
        If no plan is known that keeps the limits so.
    """
    started = work_s()
    placed = place(ground_of(problem), *plan)
    removed, forced = locked_sites(placed, removed, forced)
    if len(removed) + len(forced) == 0:
        return interval_of(placed, placed, 0.0, work_s() - started)
    low, _ = lower_end_of(placed, removed, forced, options, prices, tuning)
    found = search_near(placed, removed, forced, options.seed, tuning)
    return interval_of(placed, found, low, work_s() - started)


def locked_sites(
    placed: Placed, removed: IntArray, forced: IntArray | None
) -> tuple[IntArray, IntArray]:
    """The sites of both locks, each once.

    Raises
    ------
    InfeasibleError
        If a station that stays is to close, or one is to open where none may stand.
    """
    rules = placed.ground.problem.rules
    gone = np.unique(np.asarray(removed, dtype=np.int64))
    come = np.unique(np.asarray([] if forced is None else forced, dtype=np.int64))
    if rules.forced[gone].any():
        site = gone[rules.forced[gone]][0]
        raise InfeasibleError(f"site {site} has a station that stays in every plan")
    if not placed.ground.usable[come].all():
        site = come[~placed.ground.usable[come]][0]
        raise InfeasibleError(f"site {site} may have no station")
    both = np.intersect1d(gone, come)
    if len(both):
        raise InfeasibleError(f"site {both[0]} is both closed and opened")
    return gone, come


def interval_of(placed: Placed, found: Placed, low: float, wall_s: float) -> Interval:
    """The cost of the plan found, against the plan."""
    has_types = placed.ground.has_money
    lost = placed.objective - found.objective
    if abs(lost) <= 1e-9 * max(placed.objective, 1.0):
        lost = 0.0
    return Interval(
        low=min(low, max(lost, 0.0)),
        high=max(lost, 0.0),
        found=Stations(found.site_idx, found.type_idx if has_types else None),
        better_by=max(-lost, 0.0),
        wall_s=wall_s,
    )


def search_near(
    placed: Placed, removed: IntArray, forced: IntArray, seed: int, tuning: Tuning
) -> Placed:
    """The best plan known that keeps two locks: settled, then annealed near what changed."""
    tables, limits = placed.fresh_tables(), placed.limits()
    no_sites = np.empty(0, dtype=np.int64)
    settle(placed, tables, limits, (removed, forced), (no_sites, no_sites))
    locked = limits.locked
    settled = _taken(placed, tables.is_open)
    first = relieved(settled, locked=locked)
    changed = np.union1d(np.flatnonzero(first.is_open != placed.is_open), removed)
    area = near(placed.ground, near(placed.ground, changed))
    area = area[~locked[area]]
    is_needed = excess_loss(first, area[first.is_open[area]]) > 0.0
    best, starts = first, [(settled, locked)]
    if is_needed.any():
        starts.append((first, locked | is_needed))
    for start, kept in starts:
        other = _annealed(start, area[~kept[area]], kept, seed, tuning)
        other = relieved(other, locked=locked)
        best = other if other.objective > best.objective else best
    return best


def _annealed(
    placed: Placed, area: IntArray, locked: BoolArray, seed: int, tuning: Tuning
) -> Placed:
    """The plan after exchanges in an area."""
    if len(area) == 0:
        return placed
    tables, limits, inc = placed.fresh_tables(), placed.limits(), placed.ground.incidence
    limits.locked[locked] = True
    losses = tables.change[area[tables.is_open[area]]]
    scale = max(float(losses.mean()) if len(losses) else 0.0, 1e-6 * placed.objective, 1e-9)
    num_moves = min(tuning.moves_per_site * len(area), tuning.most_moves)
    schedule = Schedule(num_moves, tuning.hot_frac * scale, tuning.cold_frac * scale)
    rng = np.random.default_rng(seed)
    return _taken(placed, _anneal_near(area, schedule, rng, inc, tables, limits))


def _taken(placed: Placed, is_open: BoolArray) -> Placed:
    return replaced(
        placed,
        np.flatnonzero(placed.is_open & ~is_open),
        np.flatnonzero(is_open & ~placed.is_open),
    )


def settle(
    placed: Placed,
    tables: SwapTables,
    limits: Limits,
    locks: tuple[IntArray, IntArray],
    changes: tuple[IntArray, IntArray],
) -> None:
    """Make changes and lock sites; then open and close others until all limits are kept.

    Parameters
    ----------
    placed : Placed
    tables, limits : SwapTables, Limits
        Of the plan; changed in place.
    locks : (removed, forced)
        Sites that must have no station, and that must have one.
    changes : (leaving, entering)
        Further sites to close and to open first.

    Raises
    ------
    InfeasibleError
        If limits cannot be kept.
    """
    inc, ground = placed.ground.incidence, placed.ground
    for sites, is_now in (
        (np.union1d(locks[0], changes[0]), True),
        (np.union1d(locks[1], changes[1]), False),
    ):
        for site in sites[tables.is_open[sites] == is_now].tolist():
            exchange(*((site, NOBODY) if is_now else (NOBODY, site)), inc, tables, limits)
    limits.locked[np.concatenate(locks)] = True
    tolerance = _ROUNDING * math.fsum(ground.problem.coverage.value)
    excess = excess_loss(placed)
    while True:
        opens, site = _next_step(tables, limits, excess, tolerance)
        if site == NOBODY:
            return
        exchange(*((NOBODY, site) if opens else (site, NOBODY)), inc, tables, limits)


def _next_step(
    tables: SwapTables, limits: Limits, excess: FloatArray, tolerance: float
) -> tuple[bool, int]:
    """Whether to open a site or to close one, and which; ``NOBODY`` when limits are kept."""
    city, free = limits.city_idx, ~limits.locked
    number, least_number, most_number = limits.number.tolist()
    short, full = limits.in_city < limits.least, limits.in_city >= limits.most
    over = limits.in_city > limits.most
    stations, closed = free & tables.is_open, free & ~tables.is_open
    affordable = limits.money[0] + limits.cost <= limits.money[1]
    if short.any():
        found = _first(closed & short[city], tables.change, affordable)
        if found == NOBODY:
            raise InfeasibleError("a city cannot have its fewest stations so")
        return True, found
    if over.any() or number > most_number or limits.money[0] > limits.money[1]:
        may = stations & (over[city] if over.any() else (limits.in_city > limits.least)[city])
        loss = tables.change + excess
        if limits.money[0] > limits.money[1] and not over.any() and number <= most_number:
            may &= limits.cost > 0.0
            loss = loss / np.where(limits.cost > 0.0, limits.cost, 1.0)
        found = _first(may, -loss, None)
        if found == NOBODY:
            raise InfeasibleError("the limits cannot be kept so")
        return False, found
    may = closed & ~full[city] & affordable
    if number < most_number:
        found = _first(may, tables.change, None)
        if found != NOBODY and (tables.change[found] > tolerance or number < least_number):
            return True, found
    if number < least_number:
        raise InfeasibleError("the fewest stations cannot be kept so")
    return False, NOBODY


def _first(may: BoolArray, score: FloatArray, rather: BoolArray | None) -> int:
    """Site of greatest score among those that may, of the preferred ones if there are any."""
    if rather is not None and (may & rather).any():
        may = may & rather
    if not may.any():
        return NOBODY
    return int(np.argmax(np.where(may, score, -math.inf)))
