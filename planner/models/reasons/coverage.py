"""Reasons for the stations of a sized covering plan: exchanges, descents, lower ends.

All costs are losses of the value served, against the plan; the algebra of the exchanges is in
:mod:`planner.models.exchanges.exchange`, that of the lower ends in
:mod:`planner.models.reasons.lower`. Exchanges are proposed by what they cover and judged by what
they serve (:mod:`planner.models.exchanges.served`); where no station can be full that is the same.

The plan is annealed first. Then changes that pay are made, many at once, and sites near what
changed are judged again, until none of these pays; in the end all sites are judged anew.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.exchanges.anneal import annealed
from planner.models.exchanges.exchange import NOBODY, Moves, touching_exchanges
from planner.models.exchanges.making import make_changes
from planner.models.exchanges.placed import Placed, ground_of, near, place
from planner.models.exchanges.served import Carried, carried_by, judge_moves
from planner.models.reasons.allotted import Allotted
from planner.models.reasons.descents import MOST_MOVES, Known, descend
from planner.models.reasons.lower import Prices, lower_ends
from planner.models.reasons.partners import Partners, carrying_partners, other_partners
from planner.models.reasons.result import SiteReasons, Stations
from planner.models.reasons.tuning import Tuning
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest

CARRYING = 3
"""Exchanges looked at per station by what it carries."""
LEAVERS = 3
"""Stations of least loss that may leave for any site."""
THREADS = 2
"""Parts of the searches run at a time."""
ROUNDING = 1e-11
"""Exchanges that add less than this fraction of all value are rounding."""


class _Found(NamedTuple):
    """Best changes known, one per site: stations leave, closed sites enter.

    Attributes
    ----------
    profit : float array, shape (num_sites,)
        Value served that the change adds; -inf where limits allow none.
    moves : Moves
        Shape (num_sites, MOST_MOVES).
    kept : float array, shape (num_sites,)
        Of what a station alone covers, what the first to enter covers too.
    """

    profit: FloatArray
    moves: Moves
    kept: FloatArray


def coverage_reasons(
    problem: SizedCoverageProblem,
    open_site_idx: IntArray,
    type_idx: IntArray | None,
    *,
    share: FloatArray | None = None,
    price: float = 0.0,
    money_price: float = 0.0,
    options: SolveOptions,
    tuning: Tuning = Tuning(),
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> SiteReasons:
    """What each station of a plan is worth to it, and what each closed site would take.

    Parameters
    ----------
    problem : SizedCoverageProblem
        Not changed.
    open_site_idx : int array, shape (num_open,)
        A plan within the limits.
    type_idx : int array, shape (num_open,), optional
        Needed where money is limited, not looked at otherwise: then stations are of the types
        that carry most.
    share : float array, shape (num_zones,), optional
        Multipliers of the zones as shares of their value, e.g. ``NationalStart.share``.
    price, money_price : float
        What a station's slot and a CNY are worth elsewhere, for the lower ends; a price of 0 takes
        that of the multipliers.
    options : SolveOptions
        Whatever the time limit, the best single exchanges are found; descents take what is left.
    tuning : Tuning, optional
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional

    Returns
    -------
    SiteReasons
        Against the plan after the improving exchanges found.
    """
    allotted = Allotted(options, stop)

    def say(placed: Placed, message: str) -> None:
        if on_progress is not None:
            on_progress(Progress("reasons", placed.objective, None, allotted.elapsed_s, message))

    given = place(ground_of(problem), open_site_idx, type_idx)
    say(given, f"{len(given.site_idx)} stations, {len(given.cost)} sites")
    placed, found, applied = _improve(given, allotted, tuning, say)
    say(placed, f"{applied} improving exchanges applied")
    lows = lower_ends(placed, options, Prices(share, price, money_price), tuning)
    say(placed, "lower ends")
    return _reasons(placed, found, lows.closing, lows.opening, applied, type_idx is not None)


def _reasons(
    placed: Placed,
    found: _Found,
    least_closing: FloatArray,
    least_opening: FloatArray,
    applied: int,
    has_types: bool,
) -> SiteReasons:
    rules, sites = placed.ground.problem.rules, placed.site_idx
    closed = np.flatnonzero(~placed.is_open)
    cost = np.maximum(-found.profit, 0.0)
    cost[rules.forced | ~placed.ground.usable] = math.nan
    lows = np.where(placed.is_open, least_closing, least_opening)
    low = np.where(np.isnan(cost), math.nan, np.minimum(lows, cost))
    first = Moves(found.moves.leaving[:, 0], found.moves.entering[:, 0])
    improved = Stations(sites, placed.type_idx if has_types else None) if applied else None
    return SiteReasons(
        open_site_idx=sites,
        replacement_cost=cost[sites],
        replacement_low=low[sites],
        next_best_idx=np.where(rules.forced, NOBODY, first.entering)[sites],
        moved=np.where(rules.forced, 0.0, found.kept)[sites],
        closed_site_idx=closed,
        force_in_cost=cost[closed],
        force_in_low=low[closed],
        leaving_idx=first.leaving[closed],
        applied=applied,
        improved=improved,
    )


def _improve(
    placed: Placed,
    allotted: Allotted,
    tuning: Tuning,
    say: Callable[[Placed, str], None],
) -> tuple[Placed, _Found, int]:
    """Improve the plan while that pays; the best changes of the plan that is left."""
    tolerance = ROUNDING * math.fsum(placed.ground.problem.coverage.value)
    may_improve = partial(allotted.allows, tuning.improve_time_share)
    given, placed = placed, annealed(placed, may_improve, seed=allotted.options.seed)
    say(placed, f"{_num_new(given, placed)} stations moved")
    everywhere = np.ones_like(placed.is_open)

    def judged(plan: Placed, area: BoolArray) -> _Found:
        return _best_changes(plan, area, tolerance, allotted.allows, tuning)

    found, is_whole, least = judged(placed, everywhere), True, tolerance
    for _ in range(tuning.polish_rounds):
        if not may_improve():
            break
        pays = bool((found.profit > least).any())
        better = _apply(placed, found, tolerance) if pays else placed
        if better is not placed:
            say(better, f"{_num_new(placed, better)} stations moved")
            changed = np.flatnonzero(better.is_open != placed.is_open)
            placed, is_whole = better, False
            found = judged(placed, _around(placed, changed))
        elif is_whole:
            break
        else:
            found, is_whole = judged(placed, everywhere), True
            least = max(tolerance, tuning.least_gain_frac * placed.objective)
    if not is_whole:
        found = judged(placed, everywhere)
    return placed, found, _num_new(given, placed)


def _num_new(given: Placed, placed: Placed) -> int:
    return int((placed.is_open & ~given.is_open).sum())


def _around(placed: Placed, changed: IntArray) -> BoolArray:
    """Sites that share rows with sites that share rows with those that changed."""
    area = np.zeros(len(placed.is_open), dtype=np.bool_)
    area[near(placed.ground, near(placed.ground, changed))] = True
    return area


def _apply(placed: Placed, found: _Found, tolerance: float) -> Placed:
    """The plan after the changes that pay, or the same."""
    order = np.argsort(-found.profit, kind="stable")
    order = order[found.profit[order] > tolerance]
    if len(order) == 0:
        return placed
    moves = Moves(found.moves.leaving[order], found.moves.entering[order])
    return make_changes(placed, moves, tolerance)


def _best_changes(
    placed: Placed,
    area: BoolArray,
    tolerance: float,
    may_go_on: Callable[[], bool],
    tuning: Tuning,
) -> _Found:
    """The best exchange of every site of an area, and descents from it while time is left."""
    inc, limits, tables = placed.ground.incidence, placed.limits(), placed.tables
    profits, entering, kept, leaving, best = touching_exchanges(inc, tables, limits)
    carried = carried_by(placed)
    losses = _losses(placed, carried, tuning)
    others = other_partners(placed, losses)
    held, starts, extra = _starts(placed, area, profits, entering, kept, leaving, best, others)
    if (placed.ground.rows.load > 0.0).any():
        held, starts, extra = _with_carrying(placed, area, held, starts, extra)
    shape = (len(held), MOST_MOVES)
    single = Moves(np.full(shape, NOBODY), np.full(shape, NOBODY))
    single.leaving[:, 0], single.entering[:, 0] = starts.leaving, starts.entering
    of_single = _profit_of(starts, tables.change, extra)
    moves, profit = Moves(*(sites.copy() for sites in single)), of_single.copy()
    stations = np.flatnonzero(placed.is_open & ~limits.locked)
    known = Known(
        np.maximum(np.maximum(best, profits[:, 0]), others.profit),
        others.partner,
        stations[np.argsort(losses[stations], kind="stable")][:LEAVERS],
        tables.change.copy(),
        tables.num_covering.copy(),
    )

    # What full stations cover tells nothing of what is lost without them.
    is_full = placed.is_open & (losses > tables.change + tolerance)

    def descend_from(begin: int) -> None:
        if may_go_on():
            part = slice(begin, begin + tuning.chunk)
            first, kept_to = Moves(starts.leaving[part], starts.entering[part]), placed.limits()
            kept_to.locked[is_full] = True
            profit[part], further = descend(
                held[part], first, tolerance, known, inc, placed.fresh_tables(), kept_to
            )
            moves.leaving[part], moves.entering[part] = further

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(descend_from, range(0, len(held), tuning.chunk)))
    held, extra = np.tile(held, 2), np.tile(extra, 2)
    moves = Moves(*(np.concatenate(pair) for pair in zip(moves, single, strict=True)))
    judged = _judged(placed, carried, held, moves, np.concatenate((profit, of_single)), tuning)
    return _best_of(placed, held, judged, moves, extra)


def _judged(
    placed: Placed,
    carried: Carried,
    held: IntArray,
    moves: Moves,
    profit: FloatArray,
    tuning: Tuning,
) -> FloatArray:
    """What changes add to the value served; -inf where another of the site adds more for sure.

    None adds more than it covers, and what is not served though it is covered.
    """
    lost = math.fsum(placed.lost)
    judged, best = np.full(len(held), -math.inf), np.full(len(placed.is_open), -math.inf)
    order = np.lexsort((-profit, held))
    rank = np.arange(len(order)) - np.searchsorted(held[order], held[order])
    for number in range(int(rank.max(initial=-1)) + 1):
        at = order[rank == number]
        at = at[profit[at] + lost > best[held[at]]]
        judged[at] = judge_moves(
            placed, carried, Moves(moves.leaving[at], moves.entering[at]), profit[at]
        )
        best[held[at]] = np.maximum(best[held[at]], judged[at])
    return judged


def _losses(placed: Placed, carried: Carried, tuning: Tuning) -> FloatArray:
    """What each station's removal loses of the service; 0 elsewhere."""
    stations = np.flatnonzero(placed.is_open)
    moves = Moves(*(np.full((len(stations), MOST_MOVES), NOBODY) for _ in range(2)))
    moves.leaving[:, 0] = stations
    loss = np.zeros(len(placed.is_open))
    loss[stations] = -judge_moves(placed, carried, moves, -placed.tables.change[stations])
    return loss


def _starts(
    placed: Placed,
    area: BoolArray,
    profits: FloatArray,
    entering: IntArray,
    kept: FloatArray,
    leaving: IntArray,
    best: FloatArray,
    others: Partners,
) -> tuple[IntArray, Moves, FloatArray]:
    """Exchanges to start from: several per station, then the best of each closed site."""
    locked = placed.limits().locked
    stations = np.flatnonzero(placed.is_open & ~locked & area)
    closed = np.flatnonzero(~placed.is_open & ~locked & area)
    touching = np.isfinite(profits[stations])
    with_other = np.isfinite(others.profit[stations])
    of_closed = np.where(best > others.profit, leaving, others.partner)[closed]
    possible = np.isfinite(np.maximum(best, others.profit)[closed])
    held = (
        np.repeat(stations, touching.sum(axis=1)),
        stations[with_other],
        closed[possible],
    )
    left = (held[0], held[1], of_closed[possible])
    came = (entering[stations][touching], others.partner[stations][with_other], held[2])
    extra = np.zeros(sum(map(len, held)))
    extra[: len(held[0])] = kept[stations][touching]
    is_touching = (best > others.profit)[closed][possible]
    gain_loss = placed.tables.change
    pair = best[closed][possible] - gain_loss[held[2]] + gain_loss[np.maximum(left[2], 0)]
    extra[len(extra) - len(held[2]) :] = np.where(is_touching, pair, 0.0)
    return np.concatenate(held), Moves(np.concatenate(left), np.concatenate(came)), extra


def _with_carrying(
    placed: Placed, area: BoolArray, held: IntArray, starts: Moves, extra: FloatArray
) -> tuple[IntArray, Moves, FloatArray]:
    """Further exchanges, by what stations carry."""
    more, moves, of_more = carrying_partners(placed, CARRYING)
    here = area[more]
    return (
        np.concatenate((held, more[here])),
        Moves(*(np.concatenate((one, two[here])) for one, two in zip(starts, moves, strict=True))),
        np.concatenate((extra, of_more[here])),
    )


def _profit_of(starts: Moves, change: FloatArray, extra: FloatArray) -> FloatArray:
    gain = np.where(starts.entering == NOBODY, 0.0, change[starts.entering])
    loss = np.where(starts.leaving == NOBODY, 0.0, change[starts.leaving])
    return gain - loss + extra


def _best_of(
    placed: Placed, held: IntArray, profit: FloatArray, moves: Moves, extra: FloatArray
) -> _Found:
    """The best of several changes per site; the first among equals."""
    num_sites = len(placed.cost)
    result = _Found(
        np.full(num_sites, -math.inf),
        Moves(np.full((num_sites, MOST_MOVES), NOBODY), np.full((num_sites, MOST_MOVES), NOBODY)),
        np.zeros(num_sites),
    )
    order = np.lexsort((np.arange(len(held)), -profit, held))
    sites, first = np.unique(held[order], return_index=True)
    chosen = order[first]
    result.profit[sites] = profit[chosen]
    result.moves.leaving[sites] = moves.leaving[chosen]
    result.moves.entering[sites] = moves.entering[chosen]
    result.kept[sites] = extra[chosen]
    return result
