"""Plans of set covering after one lock has changed: what only it covered is covered again nearby.

With near_i open sites at row i, v_i, r_i, c_j as in `planner.models.set_cover.presolve`: close a
site, open those that cover most of what is missing for their cost, or simply most of it, and close,
the dearest first, what has become spare. For a closed site: open it, close what is spare; the same
after one more station nearby is closed.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.models.set_cover.greedy import CoverArrays, Numbers

NOBODY = -1
MOST_MOVES = 400
"""Sites opened and closed for one change, at most."""
CLOSED_TOO = 3
"""Stations near a forced site that are closed with it in turn."""


class Cover(NamedTuple):
    """A plan; the functions below change the arrays and put them back.

    Attributes
    ----------
    is_open : bool array, shape (num_sites,)
    near : int array, shape (num_rows,)
        Open sites at each row.
    number : int array, shape (num_cities,)
        Open sites by city.
    spare : float array, shape (1,)
        Covered value less what is asked for.
    tolerance : float
        Value that may be missing.
    """

    is_open: BoolArray
    near: IndexArray
    number: IntArray
    spare: FloatArray
    tolerance: float


class _Log(NamedTuple):
    """Sites moved, how many in ``size``, and which sites must stay as they are."""

    site: IntArray
    size: IntArray
    fixed: BoolArray


@numba.njit(cache=True, nogil=True)
def _turn(site: int, task: CoverArrays, numbers: Numbers, plan: Cover, log: _Log) -> float:
    """Open a closed site, or close an open one; returns the change of cost."""
    inc, value, need, cost = task
    opens = not plan.is_open[site]
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        if opens:
            plan.near[row] += 1
            if plan.near[row] == need[row]:
                plan.spare[0] += value[row]
        else:
            if plan.near[row] == need[row]:
                plan.spare[0] -= value[row]
            plan.near[row] -= 1
    plan.is_open[site] = opens
    plan.number[numbers.city[site]] += 1 if opens else -1
    log.site[log.size[0]] = site
    log.size[0] += 1
    return float(cost[site] if opens else -cost[site])


@numba.njit(cache=True, nogil=True)
def _undo(to: int, task: CoverArrays, numbers: Numbers, plan: Cover, log: _Log) -> None:
    while log.size[0] > to:
        site = log.site[log.size[0] - 1]
        _turn(site, task, numbers, plan, log)
        log.size[0] -= 2


@numba.njit(cache=True, nogil=True)
def _gain(site: int, task: CoverArrays, plan: Cover) -> float:
    gain = 0.0
    for arc in range(task.inc.rows_of_site.ptr[site], task.inc.rows_of_site.ptr[site + 1]):
        row = task.inc.rows_of_site.idx[arc]
        if plan.near[row] < task.need[row]:
            gain += task.value[row] / task.need[row]
    return gain


@numba.njit(cache=True, nogil=True)
def _loss(site: int, task: CoverArrays, plan: Cover) -> float:
    loss = 0.0
    for arc in range(task.inc.rows_of_site.ptr[site], task.inc.rows_of_site.ptr[site + 1]):
        row = task.inc.rows_of_site.idx[arc]
        if plan.near[row] == task.need[row]:
            loss += task.value[row]
    return loss


@numba.njit(cache=True, nogil=True)
def _add_near(site: int, task: CoverArrays, seen: BoolArray, found: IntArray, count: int) -> int:
    """Add the sites that share a row with a site; returns how many there are now."""
    inc = task.inc
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        for at in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
            other = np.int64(inc.sites_of_row.idx[at])
            if not seen[other]:
                seen[other] = True
                found[count] = other
                count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _complete(
    candidates: IntArray, num_open: int, by_cost: bool,
    task: CoverArrays, numbers: Numbers, plan: Cover, log: _Log,
) -> tuple[float, int]:  # fmt: skip
    """Open sites until enough is covered; returns their cost and the open sites (-1: in vain)."""
    spent = 0.0
    while plan.spare[0] < -plan.tolerance:
        best, entering = 0.0, NOBODY
        for site in candidates:
            city = numbers.city[site]
            if (
                plan.is_open[site]
                or log.fixed[site]
                or plan.number[city] >= numbers.city_most[city]
            ):
                continue
            score = min(_gain(site, task, plan), -plan.spare[0])
            if by_cost:
                score /= max(task.cost[site], 1e-9)
            if score > best:
                best, entering = score, site
        if entering == NOBODY or log.size[0] >= MOST_MOVES // 2:
            return spent, NOBODY
        spent += _turn(entering, task, numbers, plan, log)
        num_open += 1
    return spent, num_open


@numba.njit(cache=True, nogil=True)
def _fill_numbers(
    city: int, num_open: int, by_cost: IntArray,
    task: CoverArrays, numbers: Numbers, plan: Cover, log: _Log,
) -> tuple[float, int]:  # fmt: skip
    """Open the cheapest sites that numbers ask for, in one city and in all."""
    spent = 0.0
    for site in by_cost:
        in_city = plan.number[city] < numbers.city_least[city]
        if not (in_city or num_open < numbers.least):
            break
        own = numbers.city[site]
        if (
            plan.is_open[site]
            or log.fixed[site]
            or plan.number[own] >= numbers.city_most[own]
            or (in_city and own != city)
        ):
            continue
        spent += _turn(site, task, numbers, plan, log)
        num_open += 1
    return spent, num_open


@numba.njit(cache=True, nogil=True)
def _trim(
    near: IntArray, num_open: int,
    task: CoverArrays, numbers: Numbers, plan: Cover, log: _Log,
) -> tuple[float, int]:  # fmt: skip
    """Close what is spare, the dearest first; returns the change of cost and the open sites."""
    order = near[np.argsort(-task.cost[near], kind="mergesort")]
    spent = 0.0
    for site in order:
        city = numbers.city[site]
        if (
            not plan.is_open[site]
            or log.fixed[site]
            or num_open <= numbers.least
            or plan.number[city] <= numbers.city_least[city]
            or log.size[0] >= MOST_MOVES
        ):
            continue
        if _loss(site, task, plan) <= plan.spare[0] + plan.tolerance:
            spent += _turn(site, task, numbers, plan, log)
            num_open -= 1
    return spent, num_open


@numba.njit(cache=True, nogil=True)
def _cover_again(
    closed: int, opened: int, num_open: int, by_gain: bool, lists: tuple[IntArray, IntArray],
    task: CoverArrays, numbers: Numbers, plan: Cover, log: _Log,
    seen: BoolArray, found: IntArray,
) -> float:  # fmt: skip
    """Cost of closing one site, opening another, and what follows; inf in vain. Not undone."""
    elsewhere, by_cost = lists
    spent, count = 0.0, 0
    if opened != NOBODY:
        spent += _turn(opened, task, numbers, plan, log)
        num_open += 1
        log.fixed[opened] = True
        count = _add_near(opened, task, seen, found, count)
    if closed != NOBODY:
        spent += _turn(closed, task, numbers, plan, log)
        num_open -= 1
        log.fixed[closed] = True
        count = _add_near(closed, task, seen, found, count)
    for site in elsewhere:
        if not seen[site]:
            seen[site] = True
            found[count] = site
            count += 1
    first = log.size[0]
    more, num_open = _complete(found[:count], num_open, not by_gain, task, numbers, plan, log)
    spent += more
    if num_open != NOBODY:
        city = numbers.city[closed] if closed != NOBODY else 0
        more, num_open = _fill_numbers(city, num_open, by_cost, task, numbers, plan, log)
        spent += more
        for at in range(first, log.size[0]):
            count = _add_near(log.site[at], task, seen, found, count)
        more, num_open = _trim(found[:count], num_open, task, numbers, plan, log)
        spent += more
    for at in range(count):
        seen[found[at]] = False
    for site in (closed, opened):
        if site != NOBODY:
            log.fixed[site] = False
    if num_open == NOBODY or not numbers.least <= num_open <= numbers.most:
        return np.inf
    for site in (closed, opened):
        if site != NOBODY:
            city = numbers.city[site]
            if not numbers.city_least[city] <= plan.number[city] <= numbers.city_most[city]:
                return np.inf
    return float(spent)


@numba.njit(cache=True, nogil=True)
def _other_of(log: _Log, plan: Cover, closed: int, opened: int, enters: bool) -> int:
    """First site that enters (or leaves) in the end, the changed one aside."""
    for at in range(log.size[0]):
        site = log.site[at]
        if site == (closed if enters else opened):
            continue
        turns = 0
        for place in range(log.size[0]):
            turns += 1 if log.site[place] == site else 0
        if turns % 2 == 1 and plan.is_open[site] == enters:
            return int(site)
    return NOBODY


@numba.njit(cache=True, nogil=True)
def _covered_again(site: int, near_before: IndexArray, task: CoverArrays, plan: Cover) -> float:
    """Value of the rows that a site alone covered, and others cover now."""
    total = 0.0
    for arc in range(task.inc.rows_of_site.ptr[site], task.inc.rows_of_site.ptr[site + 1]):
        row = task.inc.rows_of_site.idx[arc]
        if near_before[row] == task.need[row] and plan.near[row] >= task.need[row]:
            total += task.value[row]
    return total


@numba.njit(cache=True, nogil=True)
def _changes(
    sites: IntArray, num_open: int, money: float, lists: tuple[IntArray, IntArray],
    task: CoverArrays, numbers: Numbers, plan: Cover,
    best: FloatArray, partner: IntArray, again: FloatArray,
) -> bool:  # fmt: skip
    """See `cover_changes`."""
    near_before = plan.near.copy()
    num_sites = len(task.cost)
    seen, found = np.zeros(num_sites, np.bool_), np.empty(num_sites, np.int64)
    log = _Log(
        np.empty(2 * MOST_MOVES + 8, np.int64), np.zeros(1, np.int64), np.zeros(num_sites, np.bool_)
    )
    saving = -1e-9 * max(task.cost.max(), 1e-300)
    tried, loss = np.empty(CLOSED_TOO, np.int64), np.empty(CLOSED_TOO)
    for site in sites:
        replaced = plan.is_open[site]
        num_tried = 0
        if not replaced:
            # Stations nearby that the site makes least needed.
            _turn(site, task, numbers, plan, log)
            count = _add_near(site, task, seen, found, 0)
            for at in range(count):
                other = found[at]
                seen[other] = False
                if other == site or not plan.is_open[other]:
                    continue
                lost = _loss(other, task, plan)
                place = num_tried if num_tried < CLOSED_TOO else CLOSED_TOO - 1
                if num_tried == CLOSED_TOO and lost >= loss[place]:
                    continue
                while place > 0 and loss[place - 1] > lost:
                    loss[place], tried[place] = loss[place - 1], tried[place - 1]
                    place -= 1
                loss[place], tried[place] = lost, other
                num_tried = min(num_tried + 1, CLOSED_TOO)
            _undo(0, task, numbers, plan, log)
        for attempt in range(2 if replaced else 1 + num_tried):
            closed, opened = (site, NOBODY) if replaced else (NOBODY, site)
            if attempt > 0 and not replaced:
                closed = tried[attempt - 1]
            spent = _cover_again(
                closed, opened, num_open, replaced and attempt == 1, lists,
                task, numbers, plan, log, seen, found,
            )  # fmt: skip
            if spent > money:
                spent = np.inf
            if spent < saving:
                return True
            if spent < best[site]:
                best[site] = spent
                partner[site] = _other_of(log, plan, closed, opened, replaced)
                if replaced:
                    again[site] = _covered_again(site, near_before, task, plan)
            _undo(0, task, numbers, plan, log)
    return False


class CoverOffers(NamedTuple):
    """The cheapest change known for every site.

    Attributes
    ----------
    cost : float array, shape (num_sites,)
        Change of the plan's cost; inf where nothing is known.
    partner : int array, shape (num_sites,)
        Site that enters, or leaves, in that plan; -1 for none.
    again : float array, shape (num_sites,)
        Value of the rows that an open site alone covers, and others in that plan.
    """

    cost: FloatArray
    partner: IntArray
    again: FloatArray


def cover_changes(
    sites: IntArray,
    money: float,
    elsewhere: IntArray,
    task: CoverArrays,
    numbers: Numbers,
    plan: Cover,
    offers: CoverOffers,
) -> bool:
    """Change the lock of some sites, one after the other, and mend the plan nearby.

    Parameters
    ----------
    sites : int array
    money : float
        What the plan leaves of the budget.
    elsewhere : int array
        Closed sites far away that may be opened too: where a share is to be covered.
    task, numbers : CoverArrays, Numbers
    plan : Cover
        Put back after each change; left changed where that made a cheaper plan.
    offers : CoverOffers
        Improved in place.

    Returns
    -------
    bool
        Whether a cheaper plan was found; the sites that come after are not looked at then.
    """
    by_cost = np.argsort(task.cost, kind="stable")
    counted = numbers.least > 0 or bool(numbers.city_least.any())
    lists = elsewhere, by_cost if counted else by_cost[:0]
    num_open = int(plan.is_open.sum())
    return bool(_changes(sites, num_open, money, lists, task, numbers, plan, *offers))
