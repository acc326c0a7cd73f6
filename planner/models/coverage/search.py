"""Plans for maximal covering: greedy, then interchange of open and closed sites, then annealing.

Sets: rows i with value w_i, sites j covering the rows N(j), open sites S, n_i = |N(i) and S|.

(1) gain_j = sum of w_i over i in N(j) with n_i = 0, for a closed site: what opening it adds;
(2) loss_k = sum of w_i over i in N(k) with n_i = 1, for an open site: what closing it takes;
(3) extra_jk = sum of w_i over i in N(j) and N(k) with n_i = 1: what j keeps of k's loss;
(4) profit_jk = gain_j - loss_k + extra_jk: what exchanging k for j adds.

Gains, losses and, per row, the sum of the open sites covering it (which names the site when there
is just one) are kept up to date, so that all profits of one j cost |N(j)| steps (Resende and
Werneck 2007, EJOR 174:54-68, there for p-median; for covering the extra of (3) lives on the rows
of N(j) alone).
"""

import heapq
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.models.coverage.bound import site_worth
from planner.models.coverage.rows import CoverRows, Incidence


class SwapTables(NamedTuple):
    """Tables of one plan; the functions below change the arrays in place.

    Attributes
    ----------
    is_open : bool array, shape (num_sites,)
    num_covering : int array, shape (num_rows,)
        n_i, the number of open sites covering each row.
    sum_covering : int array, shape (num_rows,)
        Sum of the positions of those sites.
    change : float array, shape (num_sites,)
        gain_j of a closed site, loss_j of an open one.
    """

    is_open: BoolArray
    num_covering: IndexArray
    sum_covering: IntArray
    change: FloatArray


class Scratch(NamedTuple):
    """Memory of a search for best exchanges, kept between its steps.

    Attributes
    ----------
    extra : float array, shape (num_sites,)
        Zero between steps.
    touched : int array, shape (num_sites,)
    """

    extra: FloatArray
    touched: IntArray


class Schedule(NamedTuple):
    """How annealing cools: geometrically, from move to move.

    Attributes
    ----------
    num_moves : int
        Moves offered.
    hot, cold : float
        First and last temperature in units of value, hot >= cold > 0.
    """

    num_moves: int
    hot: float
    cold: float


@numba.njit(cache=True, nogil=True)
def scratch_for(num_sites: int) -> Scratch:
    """Memory for a search over so many sites."""
    return Scratch(np.zeros(num_sites), np.empty(num_sites, np.int64))


@numba.njit(cache=True, nogil=True, _nrt=False)
def open_site(site: int, inc: Incidence, tables: SwapTables) -> None:
    """Open a closed site and update the tables."""
    loss = 0.0
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        value = inc.value[row]
        if tables.num_covering[row] == 0:
            loss += value
            for other in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
                tables.change[inc.sites_of_row.idx[other]] -= value
        elif tables.num_covering[row] == 1:
            tables.change[tables.sum_covering[row]] -= value
        tables.num_covering[row] += 1
        tables.sum_covering[row] += site
    tables.is_open[site] = True
    tables.change[site] = loss


@numba.njit(cache=True, nogil=True, _nrt=False)
def close_site(site: int, inc: Incidence, tables: SwapTables) -> None:
    """Close an open site and update the tables."""
    gain = 0.0
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        value = inc.value[row]
        tables.num_covering[row] -= 1
        tables.sum_covering[row] -= site
        if tables.num_covering[row] == 0:
            gain += value
            for other in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
                tables.change[inc.sites_of_row.idx[other]] += value
        elif tables.num_covering[row] == 1:
            tables.change[tables.sum_covering[row]] += value
    tables.is_open[site] = False
    tables.change[site] = gain


@numba.njit(cache=True, nogil=True)
def _open_all(sites: IntArray, inc: Incidence, tables: SwapTables) -> None:
    for site in sites:
        open_site(site, inc, tables)


@numba.njit(cache=True, nogil=True)
def _best_leaving(
    site: int,
    leaving: int,
    inc: Incidence,
    tables: SwapTables,
    scratch: Scratch,
) -> tuple[float, int]:
    """Best profit (4) of opening ``site`` for ``leaving`` or a site that shares rows with it."""
    extra, touched = scratch.extra, scratch.touched
    ptr, idx = inc.rows_of_site
    num_touched = 0
    gain = 0.0
    for arc in range(ptr[site], ptr[site + 1]):
        row = idx[arc]
        if tables.num_covering[row] == 0:
            gain += inc.value[row]
        elif tables.num_covering[row] == 1:
            k = tables.sum_covering[row]
            if extra[k] == 0.0:
                touched[num_touched] = k
                num_touched += 1
            extra[k] += inc.value[row]
    best = gain - tables.change[leaving] + extra[leaving]
    for at in range(num_touched):
        k = touched[at]
        profit = gain - tables.change[k] + extra[k]
        if profit > best:
            best = profit
            leaving = k
        extra[k] = 0.0
    return best, leaving


@numba.njit(cache=True, nogil=True)
def _greedy(inc: Incidence, num_stations: int, first: IntArray) -> IntArray:
    num_sites = len(inc.rows_of_site.ptr) - 1
    covered = np.zeros(len(inc.value), np.bool_)
    chosen = np.empty(min(num_stations, num_sites), np.int64)
    num_chosen = 0
    for site in first:
        chosen[num_chosen] = site
        num_chosen += 1
        for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
            covered[inc.rows_of_site.idx[arc]] = True
    heap = [(0.0, site) for site in range(num_sites)]
    for site in range(num_sites):
        gain = 0.0
        for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
            if not covered[inc.rows_of_site.idx[arc]]:
                gain += inc.value[inc.rows_of_site.idx[arc]]
        heap[site] = (-gain, site)
    heapq.heapify(heap)
    while num_chosen < len(chosen) and len(heap) > 0:
        stale_gain, site = heap[0]
        gain = 0.0
        for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
            if not covered[inc.rows_of_site.idx[arc]]:
                gain += inc.value[inc.rows_of_site.idx[arc]]
        if gain <= 0.0:
            heapq.heappop(heap)
        elif gain < -stale_gain:
            heapq.heapreplace(heap, (-gain, site))
        else:
            heapq.heappop(heap)
            chosen[num_chosen] = site
            num_chosen += 1
            for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
                covered[inc.rows_of_site.idx[arc]] = True
    return chosen[:num_chosen]


@numba.njit(cache=True, nogil=True)
def _swap_pass(
    order: IntArray, tolerance: float, inc: Incidence, tables: SwapTables
) -> tuple[int, float]:
    num_sites = len(tables.is_open)
    scratch = scratch_for(num_sites)
    num_swaps, gained = 0, 0.0
    cheapest = -1
    for site in order:
        if tables.is_open[site]:
            continue
        if cheapest < 0:
            for k in range(num_sites):
                if tables.is_open[k] and (
                    cheapest < 0 or tables.change[k] < tables.change[cheapest]
                ):
                    cheapest = k
            if cheapest < 0:
                break
        profit, leaving = _best_leaving(site, cheapest, inc, tables, scratch)
        if profit > tolerance:
            close_site(leaving, inc, tables)
            open_site(site, inc, tables)
            num_swaps += 1
            gained += profit
            cheapest = -1
    return num_swaps, gained


@numba.njit(cache=True, nogil=True)
def _exchange(entering: int, leaving: int, inc: Incidence, tables: SwapTables) -> None:
    """Close one site and open another, keeping losses but not gains: a fraction of the work."""
    for arc in range(inc.rows_of_site.ptr[leaving], inc.rows_of_site.ptr[leaving + 1]):
        row = inc.rows_of_site.idx[arc]
        tables.num_covering[row] -= 1
        tables.sum_covering[row] -= leaving
        if tables.num_covering[row] == 1:
            tables.change[tables.sum_covering[row]] += inc.value[row]
    loss = 0.0
    for arc in range(inc.rows_of_site.ptr[entering], inc.rows_of_site.ptr[entering + 1]):
        row = inc.rows_of_site.idx[arc]
        if tables.num_covering[row] == 0:
            loss += inc.value[row]
        elif tables.num_covering[row] == 1:
            tables.change[tables.sum_covering[row]] -= inc.value[row]
        tables.num_covering[row] += 1
        tables.sum_covering[row] += entering
    tables.is_open[leaving] = False
    tables.is_open[entering] = True
    tables.change[entering] = loss


@numba.njit(cache=True, nogil=True)
def _gain(site: int, inc: Incidence, tables: SwapTables) -> float:
    gain = 0.0
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        if tables.num_covering[inc.rows_of_site.idx[arc]] == 0:
            gain += inc.value[inc.rows_of_site.idx[arc]]
    return gain


@numba.njit(cache=True, nogil=True)
def _anneal(
    candidates: IntArray,
    schedule: Schedule,
    rng: np.random.Generator,
    inc: Incidence,
    tables: SwapTables,
) -> float:
    """Gains of closed sites are worked out when a site is offered, and for all at the end."""
    num_moves, hot, cold = schedule
    num_sites = len(tables.is_open)
    open_sites = np.flatnonzero(tables.is_open)
    scratch = scratch_for(num_sites)
    place = np.full(num_sites, -1)
    for at in range(len(open_sites)):
        place[open_sites[at]] = at
    gained = 0.0
    for move in range(num_moves):
        site = candidates[int(rng.random() * len(candidates))]
        if tables.is_open[site]:
            continue
        leaving = open_sites[int(rng.random() * len(open_sites))]
        profit, leaving = _best_leaving(site, leaving, inc, tables, scratch)
        if profit < 0.0:
            temperature = hot * (cold / hot) ** (move / num_moves)
            if rng.random() >= np.exp(profit / temperature):
                continue
        _exchange(site, leaving, inc, tables)
        place[site] = place[leaving]
        open_sites[place[site]] = site
        place[leaving] = -1
        gained += profit
    for site in range(num_sites):
        if not tables.is_open[site]:
            tables.change[site] = _gain(site, inc, tables)
    return gained


def greedy(rows: CoverRows, *, first: IntArray | None = None) -> IntArray:
    """Open, one after the other, the site that adds most value; ties go to the lowest position.

    Gains never grow as sites open, so a site whose refreshed gain still leads the queue is the
    best (lazy evaluation, Minoux 1978). Stops early once no site adds anything.

    Parameters
    ----------
    rows : CoverRows
    first : int array, optional
        Sites taken as open from the start, at most ``num_stations``.

    Returns
    -------
    int array
        Open sites in the order of opening, at most ``rows.num_stations``.
    """
    start = np.empty(0, np.int64) if first is None else first
    if len(start) > rows.num_stations:
        raise ValueError(f"{len(start)} first sites exceed {rows.num_stations} stations")
    order: IntArray = _greedy(rows.incidence, rows.num_stations, start)
    return order


def swap_tables(rows: CoverRows, open_sites: IntArray) -> SwapTables:
    """Build the tables (1) and (2) of a plan.

    Parameters
    ----------
    rows : CoverRows
    open_sites : int array
        Distinct positions in [0, rows.num_sites).
    """
    tables = SwapTables(
        is_open=np.zeros(rows.num_sites, dtype=np.bool_),
        num_covering=np.zeros(rows.num_rows, dtype=np.int32),
        sum_covering=np.zeros(rows.num_rows, dtype=np.int64),
        change=site_worth(rows, rows.value),
    )
    _open_all(open_sites, rows.incidence, tables)
    return tables


def plan_value(rows: CoverRows, tables: SwapTables) -> float:
    """Value of the plan behind the tables, forced sites included."""
    return rows.base_value + float(rows.value[tables.num_covering > 0].sum())


def swap_pass(rows: CoverRows, tables: SwapTables, rng: np.random.Generator) -> tuple[int, float]:
    """Offer every closed site, in random order, its best exchange; make those that pay.

    Parameters
    ----------
    rows : CoverRows
    tables : SwapTables
        Changed in place.
    rng : numpy.random.Generator

    Returns
    -------
    num_swaps : int
        0 once no single exchange improves the plan.
    gained : float
        Value added, >= 0.
    """
    # Below this an exchange may be rounding only, and the search could go round in circles.
    tolerance = 1e-12 * float(rows.value.sum())
    order = rng.permutation(rows.num_sites)
    num_swaps, gained = _swap_pass(order, tolerance, rows.incidence, tables)
    return int(num_swaps), float(gained)


def anneal(
    rows: CoverRows,
    tables: SwapTables,
    candidates: IntArray,
    schedule: Schedule,
    rng: np.random.Generator,
) -> float:
    """Offer random exchanges and accept losses with falling probability (Kirkpatrick et al. 1983).

    Each move draws a closed candidate, and closes for it the best of one random open site and
    the open sites that alone serve one of its rows; a loss d is accepted with probability
    exp(-d / temperature).

    Parameters
    ----------
    rows : CoverRows
    tables : SwapTables
        Changed in place; at least one open site.
    candidates : int array
        Sites that may be opened, at least one; the open ones among them are passed over.
    schedule : Schedule
    rng : numpy.random.Generator

    Returns
    -------
    float
        Value added; may be negative.
    """
    return float(_anneal(candidates, schedule, rng, rows.incidence, tables))
