"""Who may take a station's place, or leave for a site, beside the pairs of the covering kernel.

Where both share no row the best partner is the closed site of greatest gain, or the station of
least loss, among those that the limits allow; or nobody. Where stations may be full, what a
station carries counts, rather than what it alone covers: the best partners are those that reach
most of that load.
"""

from typing import NamedTuple

import numba
import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.coverage.rows import Incidence
from planner.models.coverage.search import SwapTables
from planner.models.exchanges.exchange import NOBODY, Limits, Moves, best_partner
from planner.models.exchanges.placed import Placed


class Partners(NamedTuple):
    """One partner per site.

    Attributes
    ----------
    partner : int array, shape (num_sites,)
        Enters for a station, leaves for a closed site; ``NOBODY`` for none.
    profit : float array, shape (num_sites,)
        Value covered that the exchange adds if both share no row; -inf where limits allow none.
    """

    partner: IntArray
    profit: FloatArray


def other_partners(placed: Placed, loss_alone: FloatArray) -> Partners:
    """Best partner of every site as if no two shared a row, or nobody.

    Parameters
    ----------
    placed : Placed
    loss_alone : float array, shape (num_sites,)
        Of stations: what is lost without it. Where stations are full that is more than what it
        alone covers, and the one that covers least may be the one that is needed most.
    """
    limits, change = placed.limits(), placed.tables.change
    is_open, locked = placed.is_open, limits.locked
    city, number = limits.city_idx, limits.number
    may_grow, may_shrink = limits.in_city < limits.most, limits.in_city > limits.least
    left = limits.money[1] - limits.money[0]
    stations, closed = np.flatnonzero(is_open & ~locked), np.flatnonzero(~is_open & ~locked)
    partner = np.full(len(is_open), NOBODY)
    profit = np.full(len(is_open), -np.inf)

    alone = stations[may_shrink[city[stations]] & (number[0] > number[1])]
    profit[alone] = -loss_alone[alone]
    fits = may_grow[city[closed]] & (number[0] < number[2]) & (limits.cost[closed] <= left)
    profit[closed[fits]] = change[closed[fits]]

    # A station takes sites that cost little; a closed site takes stations that cost much.
    for queries, others, loss, cost, least_cost, may in (
        (
            stations, closed, -change, -limits.cost, -(left + limits.cost), (may_shrink, may_grow),
        ),
        (
            closed, stations, loss_alone, limits.cost, limits.cost - left, (may_grow, may_shrink),
        ),
    ):  # fmt: skip
        own, far = (flags[city] for flags in may)
        groups = [(queries[own[queries]], others[far[others]])]
        at_limit = queries[~(own & far)[queries]]
        for each in np.unique(city[at_limit]):
            groups.append((at_limit[city[at_limit] == each], others[city[others] == each]))
        for asking, asked in groups:
            found = best_partner(loss[asked], cost[asked], least_cost[asking])
            known = found != NOBODY
            sites, who = asking[known], asked[found[known]]
            gained = -loss[who] + np.where(is_open[sites], -loss_alone[sites], change[sites])
            better = gained > profit[sites]
            profit[sites[better]], partner[sites[better]] = gained[better], who[better]
    return Partners(partner, profit)


def carrying_partners(placed: Placed, most: int) -> tuple[IntArray, Moves, FloatArray]:
    """Exchanges of stations with sites that reach what they carry.

    Parameters
    ----------
    placed : Placed
    most : int
        Exchanges per station; a closed site has one.

    Returns
    -------
    held : int array, shape (num_exchanges,)
        Station that leaves, or closed site that enters.
    moves : Moves
        Shape (num_exchanges,).
    extra : float array, shape (num_exchanges,)
        Value that the leaving station alone covers and the entering one covers, too.
    """
    rows, cover, limits = placed.ground.rows, placed.ground.cover, placed.limits()
    shape = (cover.num_sites, rows.num_rows)
    arcs, row = cover.sites_of_row.idx, rows.row_of_arc
    worth = np.divide(rows.value, rows.load, out=np.zeros(rows.num_rows), where=rows.load > 0)
    carried = placed.service.flow * worth[row]
    closed = ~placed.is_open & ~limits.locked
    from_arc = np.flatnonzero(carried)
    is_carried = np.zeros(rows.num_rows, dtype=np.bool_)
    is_carried[row[from_arc]] = True
    to_arc = np.flatnonzero(is_carried[row] & closed[arcs])
    reach = scipy.sparse.csr_matrix(
        (np.ones(len(to_arc)), (row[to_arc], arcs[to_arc])), shape=shape[::-1]
    )
    taken = scipy.sparse.csr_matrix(
        (carried[from_arc], (arcs[from_arc], row[from_arc])), shape=shape
    )
    shared = (taken @ reach).tocoo()
    leaving, entering = shared.row.astype(np.int64), shared.col.astype(np.int64)
    allowed = (shared.data > 0.0) & allowed_pairs(leaving, entering, limits)
    leaving, entering, kept = leaving[allowed], entering[allowed], shared.data[allowed]
    unserved = rows.value * (1.0 - placed.service.served_frac)
    gain = np.bincount(arcs, unserved[row], minlength=cover.num_sites)
    loss = np.bincount(arcs, carried, minlength=cover.num_sites)
    score = gain[entering] - loss[leaving] + kept
    of_stations = _best_of_each(leaving, score, most)
    chosen = np.concatenate((of_stations, _best_of_each(entering, score, 1)))
    leaving, entering = leaving[chosen], entering[chosen]
    held = np.where(np.arange(len(chosen)) < len(of_stations), leaving, entering)
    extra = shared_alone(leaving, entering, placed.ground.incidence, placed.tables)
    return held, Moves(leaving, entering), extra


@numba.njit(cache=True, nogil=True)
def shared_alone(
    leaving: IntArray, entering: IntArray, inc: Incidence, tables: SwapTables
) -> FloatArray:
    """Value that each leaving station alone covers, and the entering site, too."""
    ptr, idx = inc.rows_of_site
    extra = np.zeros(len(leaving))
    for number in range(len(leaving)):
        for arc in range(ptr[entering[number]], ptr[entering[number] + 1]):
            row = idx[arc]
            if tables.num_covering[row] == 1 and tables.sum_covering[row] == leaving[number]:
                extra[number] += inc.value[row]
    return extra


def _best_of_each(group: IntArray, score: FloatArray, most: int) -> IntArray:
    """Positions of the greatest scores of each group."""
    order = np.lexsort((-score, group))
    starts = np.searchsorted(group[order], group[order])
    return np.asarray(order[np.arange(len(order)) - starts < most])


def allowed_pairs(leaving: IntArray, entering: IntArray, limits: Limits) -> BoolArray:
    """Whether limits allow exchanges of a station each with a closed site."""
    city_out, city_in = limits.city_idx[leaving], limits.city_idx[entering]
    may_shrink, may_grow = limits.in_city > limits.least, limits.in_city < limits.most
    spent = limits.money[0] - limits.cost[leaving] + limits.cost[entering]
    allowed = ~limits.locked[leaving] & ~limits.locked[entering] & (spent <= limits.money[1])
    return np.asarray(
        allowed & ((city_out == city_in) | (may_shrink[city_out] & may_grow[city_in]))
    )
