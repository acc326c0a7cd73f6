"""What closing or opening one site costs at least, from the multipliers of its city.

Sets: city c with sites j in J_c, rows i that its sites reach and no open site of another city
covers (the other cities stay as they are), F_c = its forced sites. A station has a price
q_j = pi + rho c_j: what its slot and its cheapest type's money are worth elsewhere. For any
0 <= lambda_i <= w_i of the rows that F_c leaves open, no plan of the city is worth more than

(1) U_c = sum_i (w_i - lambda_i) + max { sum_{j in T} p_j : a_c <= |T| <= b_c },
    p_j = sum_{i in N_j} lambda_i - q_j,

beside what F_c covers; a_c and b_c are its fewest and most free stations. T takes the largest p_j:
those that are positive, at least a_c, at most b_c. Leaving j out of the choice, or k in, changes
(1) by known amounts; less the city's gap U_c - W_c, W_c being the worth of the plan's stations,
that is what the lock costs at least. Value that stations of the city's neighbourhood cover but
have no capacity for counts in the gap.

Where all sites are of one city the slots and the money are those of the rules: pi = 0, b_c is the
most stations, and (1) holds the whole budget at rho.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.models.coverage.primal_dual import primal_dual
from planner.models.coverage.rows import CoverRows
from planner.models.exchanges.placed import Placed
from planner.models.reasons.tuning import Tuning
from planner.solving.compiling import work_s
from planner.solving.incidence import transpose
from planner.solving.options import SolveOptions
from planner.solving.rules import CityLimits


@dataclass(frozen=True)
class Lows:
    """What locks cost at least, in value.

    Attributes
    ----------
    closing : float array, shape (num_sites,)
        Of forbidding each open site; 0 elsewhere.
    opening : float array, shape (num_sites,)
        Of forcing each closed site; 0 elsewhere.
    price : float
        Of a station, as the cities' bounds take it.
    """

    closing: FloatArray
    opening: FloatArray
    price: float


@dataclass(frozen=True)
class _Cities:
    """Rows of each city with the others as they are.

    Attributes
    ----------
    cover : CoverRows
        Rows that forced sites leave open, of free sites; a row belongs to one city.
    city : int array, shape (num_rows,)
    row : int array, shape (num_rows,)
        Row of the ground.
    covered : float array, shape (num_cities,)
        Value that free stations of the plan cover of them.
    """

    cover: CoverRows
    city: IntArray
    row: IntArray
    covered: FloatArray


@dataclass(frozen=True)
class Prices:
    """What is known of the multipliers, and what a station pays.

    Attributes
    ----------
    share : float array, shape (num_zones,), optional
        Multipliers that are known already, as shares of the value. Others are looked for without
        these, or without the price of a slot.
    station, money : float
        Of a station's slot, and of a CNY; a slot at 0 takes the price of the multipliers.
    """

    share: FloatArray | None = None
    station: float = 0.0
    money: float = 0.0


def lower_ends(placed: Placed, options: SolveOptions, prices: Prices, tuning: Tuning) -> Lows:
    """Lower ends of the costs of all sites.

    Parameters
    ----------
    placed : Placed
    options : SolveOptions
        The multipliers take a part of the time limit at most.
    prices : Prices
    tuning : Tuning
    """
    limits = placed.ground.problem.rules.cities_or_one()
    cities = _by_city(placed, limits, None)
    multipliers, price = _multipliers(placed, cities, options, prices, tuning)
    ends = [
        _ends(_choice(placed, cities, limits, each, price, prices.money), placed)
        for each in multipliers
    ]
    closing = np.max([each[0] for each in ends], axis=0)
    opening = np.max([each[1] for each in ends], axis=0)
    return Lows(closing, opening, price)


def lower_end_of(
    placed: Placed,
    removed: IntArray,
    forced: IntArray,
    options: SolveOptions,
    prices: Prices,
    tuning: Tuning,
) -> tuple[float, float]:
    """Least cost of several locks together, with the cities that they touch as one.

    Parameters
    ----------
    placed : Placed
    removed, forced : int arrays
        Sites without a station, and with one.
    options, prices, tuning
        As in `lower_ends`.

    Returns
    -------
    cost : float
        inf where no plan of these cities keeps the locks.
    price : float
        Of a station.
    """
    limits = merge_cities(placed, np.concatenate((removed, forced)))
    cities = _by_city(placed, limits, 0)
    multipliers, price = _multipliers(placed, cities, options, prices, tuning)
    bounds = [
        _of_locks(_choice(placed, cities, limits, each, price, prices.money), removed, forced)
        for each in multipliers
    ]
    return max(0.0, *bounds), price


def is_whole(placed: Placed, limits: CityLimits) -> bool:
    """Whether one city has all sites, so that slots and money are those of the rules."""
    return len(np.unique(limits.city_idx[placed.ground.usable])) <= 1


def merge_cities(placed: Placed, site_idx: IntArray) -> CityLimits:
    """Limits with the cities of some sites as one, which is the first."""
    limits = placed.ground.problem.rules.cities_or_one()
    together = np.zeros(len(limits.min_stations), dtype=np.bool_)
    together[limits.city_idx[site_idx]] = True
    new_city = np.where(together, 0, np.cumsum(~together))
    num_cities = int(new_city.max(initial=0)) + 1

    def total(numbers: IntArray) -> IntArray:
        return np.bincount(new_city, numbers, minlength=num_cities).astype(np.int64)

    return CityLimits(
        new_city[limits.city_idx].astype(np.int32),
        total(limits.min_stations),
        total(limits.max_stations),
    )


def _multipliers(
    placed: Placed, cities: _Cities, options: SolveOptions, prices: Prices, tuning: Tuning
) -> tuple[list[FloatArray], float]:
    """Multipliers to take the best bounds of, and the price of a station.

    Those of the nation's prices leave next to nothing to be gained in its cities.
    """
    multipliers = [np.zeros(cities.cover.num_rows), cities.cover.value]
    if prices.share is not None:
        multipliers.append(_of_zones(placed, cities, prices.share))
        if prices.station > 0.0:
            return multipliers, prices.station
    found, own_price = _relaxation(cities.cover, options, tuning)
    return [*multipliers, found], prices.station if prices.station > 0.0 else own_price


def _by_city(placed: Placed, limits: CityLimits, only: int | None) -> _Cities:
    """Rows of each city, or of one alone."""
    ground, rules = placed.ground, placed.ground.problem.rules
    rows = ground.rows
    num_cities = len(limits.min_stations)
    site, row = ground.cover.sites_of_row.idx, rows.row_of_arc
    city_of_arc = limits.city_idx[site].astype(np.int64)
    pair, pair_of_arc = np.unique(row * num_cities + city_of_arc, return_inverse=True)
    row_of_pair, city_of_pair = pair // num_cities, pair % num_cities
    is_open = placed.tables.is_open
    own = np.bincount(pair_of_arc, is_open[site], minlength=len(pair))
    forced = rules.forced
    by_forced = np.bincount(pair_of_arc, forced[site], minlength=len(pair))
    kept = (own == placed.tables.num_covering[row_of_pair]) & (by_forced == 0)
    if only is not None:
        kept &= city_of_pair == only
    new_row = np.cumsum(kept) - 1
    arcs = np.flatnonzero(kept[pair_of_arc] & ~forced[site])
    arcs = arcs[np.argsort(pair_of_arc[arcs], kind="stable")]
    reaching, new_site = np.unique(site[arcs], return_inverse=True)
    num_rows = int(kept.sum())
    sites_of_row = Lists.by_owner(new_row[pair_of_arc[arcs]], new_site.astype(np.int32), num_rows)
    of_these = np.ones(len(forced), dtype=np.bool_) if only is None else limits.city_idx == only
    value = rows.value[row_of_pair[kept]]
    city = city_of_pair[kept]
    cover = CoverRows(
        value=value,
        sites_of_row=sites_of_row,
        rows_of_site=transpose(sites_of_row, len(reaching)),
        site_idx=reaching.astype(np.int64),
        num_stations=int((of_these & ~forced)[placed.site_idx].sum()),
        base_value=0.0,
    )
    covered = np.bincount(city, value * (own[kept] > 0), minlength=num_cities)
    return _Cities(cover, city, row_of_pair[kept], covered.astype(np.float64))


def _of_zones(placed: Placed, cities: _Cities, share: FloatArray) -> FloatArray:
    """Multipliers of zones as those of the cities' rows."""
    rows = placed.ground.rows
    has_row = rows.row_of_zone >= 0
    value = placed.ground.problem.coverage.value
    multiplier = np.bincount(
        rows.row_of_zone[has_row], (np.clip(share, 0.0, 1.0) * value)[has_row], rows.num_rows
    )
    return np.minimum(multiplier[cities.row], cities.cover.value)


def _relaxation(
    cover: CoverRows, options: SolveOptions, tuning: Tuning
) -> tuple[FloatArray, float]:
    """Multipliers near those of the linear relaxation, and the price of a station there."""
    if cover.num_stations <= 0 or cover.num_rows == 0:
        return cover.value, 0.0
    began = work_s()
    for point in primal_dual(cover):
        late = work_s() - began > tuning.multiplier_time_share * options.time_limit_s
        if (
            point.relaxation_gap_frac <= tuning.relaxation_gap
            or point.iterations >= tuning.iterations
            or (late and not options.deterministic)
        ):
            break
    return point.multiplier, point.price


@dataclass(frozen=True)
class _Choice:
    """The choice of equation (1) in every city.

    Attributes
    ----------
    city : int array, shape (num_sites,)
    profit : float array, shape (num_sites,)
        p_j of free sites; -inf elsewhere.
    least, most : int arrays, shape (num_cities,)
        Free stations.
    rest : float array, shape (num_cities,)
        The gap of each city without what the choice earns.
    """

    city: IntArray
    profit: FloatArray
    least: IntArray
    most: IntArray
    rest: FloatArray

    @property
    def free(self) -> BoolArray:
        """Sites that are free to choose."""
        return np.isfinite(self.profit)


def _choice(
    placed: Placed,
    cities: _Cities,
    limits: CityLimits,
    multiplier: FloatArray,
    price: float,
    money_price: float,
) -> _Choice:
    ground, rules = placed.ground, placed.ground.problem.rules
    cover = cities.cover
    num_cities, num_sites = len(limits.min_stations), len(placed.cost)
    city = limits.city_idx.astype(np.int64)
    free = ground.usable & ~rules.forced
    num_forced = np.bincount(city[rules.forced], minlength=num_cities)
    least, most = limits.min_stations - num_forced, limits.max_stations - num_forced
    whole = is_whole(placed, limits)
    if whole:
        price = 0.0
        least = np.maximum(least, rules.least - num_forced)
        most = np.minimum(most, rules.most - num_forced)
    worth = np.zeros(num_sites)
    worth[cover.site_idx] = np.bincount(
        cover.rows_of_site.owner, multiplier[cover.rows_of_site.idx], minlength=cover.num_sites
    )
    cheapest = np.where(ground.usable, ground.cheapest, 0.0)
    profit = np.where(free, worth - price - money_price * cheapest, -math.inf)
    left = np.bincount(cities.city, cover.value - multiplier, minlength=num_cities)
    paid = np.zeros(num_sites)
    paid[placed.site_idx] = price + money_price * placed.cost[placed.site_idx]
    paid[rules.forced] -= price + money_price * cheapest[rules.forced]
    spent = np.bincount(city, paid, minlength=num_cities)
    if whole and ground.has_money:
        spent[:] = money_price * (rules.most_cost - math.fsum(cheapest[rules.forced]))
    lost = lost_by_city(placed, city, num_cities)
    return _Choice(city, profit, least, most, left - cities.covered + spent + lost)


def _ends(choice: _Choice, placed: Placed) -> tuple[FloatArray, FloatArray]:
    """Lower ends of closing and of opening each site alone."""
    city, profit, least, most = choice.city, choice.profit, choice.least, choice.most
    num_cities, num_sites = len(least), len(profit)
    order = np.lexsort((-profit, city))
    order = order[choice.free[order]]
    starts = np.searchsorted(city[order], np.arange(num_cities + 1))
    rank = np.arange(len(order)) - starts[city[order]]
    is_chosen = (rank < least[city[order]]) | ((rank < most[city[order]]) & (profit[order] > 0.0))
    number = np.bincount(city[order[is_chosen]], minlength=num_cities)
    earned = np.bincount(city[order[is_chosen]], profit[order[is_chosen]], minlength=num_cities)
    gap = np.maximum(choice.rest + earned, 0.0)

    # The last of the chosen of each city, and the one that follows it.
    ranked = np.concatenate((profit[order], [-math.inf]))
    is_last = starts[:-1] + number >= starts[1:]
    following = np.where(is_last, -math.inf, ranked[starts[:-1] + number])
    last = np.where(number > 0, ranked[starts[:-1] + number - 1], math.inf)
    comes = np.where(number <= least, following, np.maximum(following, 0.0))
    goes = np.where(number >= most, last, 0.0)
    goes = np.where((number <= least) & (number < most), np.minimum(last, 0.0), goes)
    chosen = np.zeros(num_sites, dtype=np.bool_)
    chosen[order[is_chosen]] = True
    closing, opening = np.zeros(num_sites), np.zeros(num_sites)
    at = np.flatnonzero(chosen & placed.is_open)
    closing[at] = np.maximum(profit[at] - (comes + gap)[city[at]], 0.0)
    at = np.flatnonzero(choice.free & ~chosen & ~placed.is_open)
    opening[at] = np.maximum((goes - gap)[city[at]] - profit[at], 0.0)
    return closing, opening


def _of_locks(choice: _Choice, removed: IntArray, forced: IntArray) -> float:
    """Lower end of several locks in the first city."""
    free = choice.free & (choice.city == 0)
    free[removed] = free[forced] = False
    entering = choice.profit[forced][np.isfinite(choice.profit[forced])]
    least, most = (int(each[0]) - len(entering) for each in (choice.least, choice.most))
    profit = -np.sort(-choice.profit[free])
    number = max(int((profit[: max(most, 0)] > 0.0).sum()), least)
    if least > most or most < 0 or number > len(profit):
        return math.inf
    earned = math.fsum((*entering, *profit[:number]))
    return -(float(choice.rest[0]) + earned)


def lost_by_city(placed: Placed, city: IntArray, num_cities: int) -> FloatArray:
    """What lacks capacity wherever stations of a city might relieve others, at most.

    Parameters
    ----------
    placed : Placed
    city : int array, shape (num_sites,)
    num_cities : int
    """
    lost, rows = placed.lost, placed.ground.rows
    if not lost.any():
        return np.zeros(num_cities)
    arcs, num_rows = rows.sites_of_row, rows.num_rows
    size = num_rows + rows.num_sites
    graph = scipy.sparse.csr_matrix(
        (np.ones(arcs.num_entries), (rows.row_of_arc, num_rows + arcs.idx.astype(np.int64))),
        shape=(size, size),
    )
    number, part = connected_components(graph, directed=False)
    lost_of_part = np.bincount(part[:num_rows], lost, minlength=number)
    pairs = np.unique(city[rows.site_idx] * number + part[num_rows:])
    by_city = np.bincount(pairs // number, lost_of_part[pairs % number], minlength=num_cities)
    return by_city.astype(np.float64)
