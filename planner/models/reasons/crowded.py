"""Plans near stations that may be full: what covering does not see of them, and how it is mended.

A station that carries what others are too full to carry covers little alone, and much is lost
without it. With L_j what the nation serves less without station j, and c_j what j alone covers, a
search by covering gives each station a row of its own of value

(1) h_j = max(0, L_j - c_j),

so that j leaves at its true price L_j as long as the others stand. Several together may lose more.
Of what a plan then turns away, sites that relieve full stations win back most: they enter for the
stations of least loss, judged by what is served exactly (:mod:`planner.models.exchanges.served`).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.models.coverage.rows import CoverRows
from planner.models.exchanges.exchange import NOBODY, Limits, Moves, exchange, may_exchange
from planner.models.exchanges.placed import Placed, replaced
from planner.models.exchanges.served import Carried, carried_by, judge_moves

LEAST_EXCESS = 1e-3
"""Of the mean loss of a station: (1) below is left out."""
LOOKED_AT = 400
"""Sites that may enter, and stations that may leave, of a round."""
FIRST_BATCH, SMALLER = 32, 4
"""Exchanges made at once, and how many times fewer where these bring nothing."""
MOST_ROUNDS = 20
ROUNDING = 1e-9
"""Of the value served: less is no gain."""


@dataclass(frozen=True)
class Rewards:
    """What a plan earns beside its service: once for each place with a station.

    Attributes
    ----------
    place_of_site : int array, shape (num_sites,)
    reward : float array, shape (num_places,)
    """

    place_of_site: IntArray
    reward: FloatArray

    def of_sites(self, site_idx: IntArray) -> float:
        """Rewards of the places with one of the sites."""
        return math.fsum(self.reward[np.unique(self.place_of_site[site_idx])])

    def by_number(self, site_idx: IntArray, number: int) -> FloatArray:
        """Reward of each site's place if so many of some sites stand there, otherwise 0."""
        count = np.bincount(self.place_of_site[site_idx], minlength=len(self.reward))
        return np.where(count == number, self.reward, 0.0)[self.place_of_site]


def excess_loss(placed: Placed, stations: IntArray | None = None) -> FloatArray:
    """Equation (1), shape (num_sites,); 0 where there is no station, and where it is little.

    Parameters
    ----------
    placed : Placed
    stations : int array, optional
        Those asked for; all if not given.
    """
    sites = placed.site_idx if stations is None else stations
    excess = np.zeros(len(placed.is_open))
    if len(sites) == 0:
        return excess
    loss = _losses(placed, carried_by(placed), sites)
    more = loss - placed.tables.change[sites]
    excess[sites] = np.where(more > LEAST_EXCESS * loss.mean(), more, 0.0)
    return excess


def _losses(placed: Placed, carried: Carried, sites: IntArray) -> FloatArray:
    moves = Moves(sites[:, None], np.full((len(sites), 1), NOBODY))
    return -judge_moves(placed, carried, moves, -placed.tables.change[sites])


def with_private_rows(rows: CoverRows, excess: FloatArray) -> CoverRows:
    """Rows with one more for each site with an excess, which it alone covers.

    Parameters
    ----------
    rows : CoverRows
    excess : float array, shape (rows.num_sites,)
        >= 0.
    """
    sites = np.flatnonzero(excess > 0.0)
    of_row, of_site = rows.sites_of_row, rows.rows_of_site
    own = (rows.num_rows + np.arange(len(sites))).astype(of_site.idx.dtype)
    return replace(
        rows,
        value=np.r_[rows.value, excess[sites]],
        sites_of_row=Lists(
            np.r_[of_row.ptr, of_row.ptr[-1] + 1 + np.arange(len(sites))],
            np.r_[of_row.idx, sites.astype(of_row.idx.dtype)],
        ),
        rows_of_site=Lists(
            of_site.ptr + np.r_[0, np.cumsum(excess > 0.0)],
            np.insert(of_site.idx, of_site.ptr[sites + 1], own),
        ),
    )


def relieved(
    placed: Placed,
    rewards: Rewards | None = None,
    locked: BoolArray | None = None,
) -> Placed:
    """The plan after exchanges that win back what full stations turn away, as long as it grows.

    Parameters
    ----------
    placed : Placed
    rewards : Rewards, optional
        Count beside the value served.
    locked : bool array, shape (num_sites,), optional
        Sites that neither open nor close, beside those that the rules lock.

    Returns
    -------
    Placed
        Within the limits as ``placed`` is; the same where nothing is turned away.
    """
    if rewards is None:
        num_sites = len(placed.is_open)
        rewards = Rewards(np.zeros(num_sites, dtype=np.int64), np.zeros(1))
    tolerance, batch = ROUNDING * max(placed.objective, 1.0), FIRST_BATCH
    for _ in range(MOST_ROUNDS):
        limits = placed.limits()
        if locked is not None:
            limits.locked[locked] = True
        leaving, entering = _relieving(placed, rewards, limits)
        better = None
        while better is None:
            made = _allowed(placed, leaving, entering, batch, limits)
            other = replaced(placed, made.leaving[made.leaving != NOBODY], made.entering)
            earned = rewards.of_sites(other.site_idx) - rewards.of_sites(placed.site_idx)
            if other.objective - placed.objective + earned > tolerance:
                better = other
            elif batch == 1 or len(made.entering) == 0:
                return placed
            else:
                batch = max(min(batch, len(made.entering)) // SMALLER, 1)
        placed = better
    return placed


def _relieving(placed: Placed, rewards: Rewards, limits: Limits) -> tuple[IntArray, IntArray]:
    """Stations that may leave, least loss first; sites that relieve full ones, the best first."""
    carried, cover = carried_by(placed), placed.ground.cover
    change, free = placed.tables.change, ~limits.locked
    first = rewards.by_number(placed.site_idx, 0)
    lost = carried.worth * carried.unserved
    turned_away = np.bincount(
        cover.sites_of_row.idx, lost[carried.row_of_arc], minlength=cover.num_sites
    )
    sites = np.flatnonzero(carried.near_unserved & ~placed.is_open & free)
    sites = _greatest(change + turned_away + first, sites)
    moves = Moves(np.full((len(sites), 1), NOBODY), sites[:, None])
    gain = judge_moves(placed, carried, moves, change[sites]) + first[sites]
    last = rewards.by_number(placed.site_idx, 1)
    stations = _greatest(-change - last, placed.site_idx[free[placed.site_idx]])
    loss = _losses(placed, carried, stations) + last[stations]
    leaving, entering = np.argsort(loss, kind="stable"), np.argsort(-gain, kind="stable")
    entering = entering[_finds_load(placed, carried, sites[entering])]
    least = np.zeros(len(entering))
    if limits.number[0] >= limits.number[2]:
        least[:] = np.inf
        pairs = min(len(entering), len(leaving))
        least[:pairs] = loss[leaving[:pairs]]
    return stations[leaving], sites[entering[gain[entering] > least]]


def _greatest(score: FloatArray, sites: IntArray) -> IntArray:
    return sites[np.argsort(-score[sites], kind="stable")[:LOOKED_AT]]


def _finds_load(placed: Placed, carried: Carried, sites: IntArray) -> BoolArray:
    """Sites in their order that find load turned away which none before them takes.

    Where none finds any, the first one alone: it relieves stations that full ones can pass load to.
    """
    left = carried.unserved.copy()
    capacity = placed.ground.problem.capacity.max(axis=1, initial=0.0)
    finds = np.zeros(len(sites), dtype=np.bool_)
    for at, site in enumerate(sites.tolist()):
        rows = placed.ground.cover.rows_of_site.row(site)
        load = float(left[rows].sum())
        finds[at] = load > 0.0
        if finds[at]:
            left[rows] *= max(1.0 - capacity[site] / load, 0.0)
    if not finds.any():
        finds[:1] = True
    return finds


def _allowed(
    placed: Placed, leaving: IntArray, entering: IntArray, most: int, limits: Limits
) -> Moves:
    """The first exchanges that limits allow, one after the other."""
    tables, now = placed.fresh_tables(), placed.limits()
    now.locked[:] = limits.locked
    out: list[int] = []
    come: list[int] = []
    for site in entering.tolist():
        if len(come) == most:
            break
        may_leave = [NOBODY, *leaving[tables.is_open[leaving]].tolist()]
        who = next((each for each in may_leave if may_exchange(each, site, now)), None)
        if who is not None:
            exchange(who, site, placed.ground.incidence, tables, now)
            out.append(who)
            come.append(site)
    return Moves(np.array(out, dtype=np.int64), np.array(come, dtype=np.int64))
