"""Limits on stations as named rows: locks, numbers, money, limits by city, rates by period.

Takes which sites must, may and may not hold a station and what limits numbers and money, all with
their labels; gives a `LimitedPlan` that knows a plan exactly when one keeps all of these. Leaves
out who is served. Sites that no limit tells apart are counted together.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.limits import widened
from planner.solving.conflicts import Limit, LimitedPlan, Remedy, counted

_HALF = 0.5
"""Weight of a change of dates beside one of stations."""
_TYPES = 2.0
"""Weight of a further station type."""


@dataclass(frozen=True)
class Cap:
    """A limit on what stations take by period.

    Attributes
    ----------
    amount : float array, shape (num_periods,)
        Of each period; inf where there is no limit.
    carries_over : bool
        Whether what a period leaves may be taken later.
    """

    amount: FloatArray
    carries_over: bool

    def spans(self) -> Iterator[tuple[int, int, float]]:
        """First and last period of each limited sum, and the sum."""
        amounts = np.cumsum(self.amount) if self.carries_over else self.amount
        for period, amount in enumerate(amounts.tolist()):
            if math.isfinite(amount):
                yield 0 if self.carries_over else period, period, amount


@dataclass(frozen=True)
class StationLimits:
    """Limits on stations with their labels; without periods all stand at once.

    Attributes
    ----------
    site_names : sequence of str
    city_names : sequence of str
    city_idx : int array, shape (num_sites,)
    cost : float array, shape (num_sites,)
        Least money that a station takes; inf where no station type fits.
    forced, forbidden : bool arrays, shape (num_sites,)
    num_stations : float
        At most; inf for no limit.
    budget : float
        Money of all stations; inf for no limit.
    least, most : int arrays, shape (num_cities,)
        Stations of each city.
    is_new : bool array, shape (num_sites,)
        Whether a station there is a new one; those that stand are not.
    closing : float array, shape (num_sites,)
        Money that it takes to close the station there; NaN where none closes.
    periods : sequence of str
        What messages call the periods; one without a name where all stand at once.
    first : int array, shape (num_sites,)
        Period in which a station may open first; num_periods where in none.
    opens : int array, shape (num_sites,)
        Period in which a forced one opens by its lock; -1 where any will do.
    openings, money : Cap, optional
        New stations, and money, of each period.
    city_openings : sequence of Cap
        New stations of each city.
    unit : str
        Of money.
    where : str
        What messages put before limits of all stations.
    fewest : int
        Stations of all cities together at least.
    """

    site_names: Sequence[str]
    city_names: Sequence[str]
    city_idx: IntArray
    cost: FloatArray
    forced: BoolArray
    forbidden: BoolArray
    num_stations: float
    budget: float
    least: IntArray
    most: IntArray
    is_new: BoolArray
    closing: FloatArray
    periods: Sequence[str]
    first: IntArray
    opens: IntArray
    openings: Cap | None = None
    money: Cap | None = None
    city_openings: Sequence[Cap] = ()
    unit: str = "CNY"
    where: str = ""
    fewest: int = 0

    @property
    def num_periods(self) -> int:
        """Number of periods; 1 where all stand at once."""
        return len(self.periods)

    @property
    def counts_money(self) -> bool:
        """Whether money is limited."""
        return math.isfinite(self.budget) or self.money is not None


@dataclass
class _Rows:
    """Limits and remedies while they are gathered."""

    most: list[float] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    remedies: list[Remedy] = field(default_factory=list)

    def add(self, limit: Limit) -> int:
        self.limits.append(limit)
        return len(self.limits) - 1


@dataclass(frozen=True)
class _Class:
    """Sites that no limit tells apart, with a column per period."""

    site_idx: IntArray
    columns: IntArray

    @property
    def one(self) -> int:
        return int(self.site_idx[0])


def limited_stations(limits: StationLimits) -> LimitedPlan:
    """The limits as named rows over numbers of stations by class of sites and period.

    Parameters
    ----------
    limits : StationLimits

    Returns
    -------
    LimitedPlan
        Keeps all its limits exactly if some set of stations keeps these.
    """
    rows = _Rows()
    classes = [_with_columns(limits, sites, rows) for sites in _classes(limits)]
    for each in classes:
        _add_locks(limits, each, rows)
    _add_closing(limits, rows)
    _add_number(limits, classes, rows)
    _add_fewest(limits, classes, rows)
    _add_money(limits, classes, rows)
    _add_cities(limits, classes, rows)
    new = [each for each in classes if limits.is_new[each.one]]
    if limits.openings is not None:
        _add_openings(limits, new, limits.openings, "", rows)
    for city, cap in enumerate(limits.city_openings):
        here = [each for each in new if limits.city_idx[each.one] == city]
        _add_openings(limits, here, cap, limits.city_names[city], rows)
    return LimitedPlan(np.array(rows.most), tuple(rows.limits), tuple(rows.remedies))


def _classes(limits: StationLimits) -> list[IntArray]:
    """Sites by what tells them apart: those that are locked, or that minima may ask for."""
    least, city = limits.least, limits.city_idx
    in_city = np.bincount(city, minlength=len(least))
    is_limited = (least > 0) | (limits.most < in_city)
    for number, cap in enumerate(limits.city_openings):
        is_limited[number] |= bool(np.isfinite(cap.amount).any())
    fits = np.isfinite(limits.cost)
    cost = np.where(fits, limits.cost, 0.0) if limits.counts_money else np.zeros(len(fits))
    key = np.column_stack(
        [
            limits.forced, limits.forbidden, fits, limits.is_new, ~np.isnan(limits.closing),
            limits.first, limits.opens, np.where(is_limited[city], city, -1), cost,
        ]
    )  # fmt: skip
    concerned = np.flatnonzero(limits.forced | (least[city] > 0) | (limits.fewest > 0))
    _, label = np.unique(key[concerned], axis=0, return_inverse=True)
    order = np.argsort(label, kind="stable")
    ends = np.flatnonzero(np.diff(label.reshape(-1)[order], append=-1)) + 1
    groups = np.split(concerned[order], ends[:-1]) if len(order) else []
    return _those_that_matter(limits, groups)


def _those_that_matter(limits: StationLimits, groups: list[IntArray]) -> list[IntArray]:
    """Without sites of a kind where the city has as many cheaper ones as its minimum asks for."""
    kept: list[IntArray] = []
    had: dict[object, int] = {}
    for sites in sorted(groups, key=lambda sites: (float(limits.cost[sites[0]]), int(sites[0]))):
        one = int(sites[0])
        city = int(limits.city_idx[one])
        kind = (
            city, limits.forbidden[one], np.isfinite(limits.cost[one]), limits.first[one],
            np.isnan(limits.closing[one]),
        )  # fmt: skip
        if limits.forced[one] or had.get(kind, 0) < max(limits.least[city], limits.fewest):
            kept.append(sites)
            if not limits.forced[one]:
                had[kind] = had.get(kind, 0) + len(sites)
    return kept


def _with_columns(limits: StationLimits, sites: IntArray, rows: _Rows) -> _Class:
    start = len(rows.most)
    rows.most += [float(len(sites))] * limits.num_periods
    each = _Class(sites, np.arange(start, start + limits.num_periods))
    if limits.num_periods > 1:
        ones = np.ones(limits.num_periods)
        number = float(len(sites))
        # Every site holds one station at most.
        rows.add(Limit("", each.columns, ones, True, number, number, is_certain=True))
    return each


def _lock(
    limits: StationLimits,
    sites: IntArray,
    columns: IntArray,
    is_upper: bool,
    words: tuple[str, str],
) -> Limit:
    number = float(len(sites))
    tight, loose = (0.0, number) if is_upper else (number, 0.0)
    members = tuple(limits.site_names[site] for site in sites.tolist())
    ones = np.ones(len(columns))
    return Limit(words[0], columns, ones, is_upper, tight, loose, members, words[1])


def _add_locks(limits: StationLimits, each: _Class, rows: _Rows) -> None:
    one, sites = each.one, each.site_idx
    first, opens = int(limits.first[one]), int(limits.opens[one])
    if limits.forced[one]:
        words = (
            ("committed station", "committed stations")
            if limits.is_new[one]
            else ("existing station", "existing stations")
        )
        due = each.columns if limits.is_new[one] else each.columns[:1]
        locked: tuple[int, ...] = (rows.add(_lock(limits, sites, due, False, words)),)
        if opens >= 0:
            when = f"committed to open in {limits.periods[opens]}"
            dated = f"station {when}", f"stations {when}"
            on_time = each.columns[opens : opens + 1]
            locked = (*locked, rows.add(_lock(limits, sites, on_time, False, dated)))
            what = "open {} at other times"
            _loosen(limits, sites, rows, "dates", locked[1:], _HALF, dated, what)
        _loosen(limits, sites, rows, "locks", locked, 1.0, words, "give up {}")
    for is_closed, (kind, words, what, weight) in (
        (limits.forbidden[one] and np.isnan(limits.closing[one]),
         ("forbidden sites", ("forbidden site", "forbidden sites"), "allow {}", 1.0)),
        (not np.isnan(limits.closing[one]),
         ("closing stations", ("closing station", "closing stations"), "keep {}", 1.0)),
        (not np.isfinite(limits.cost[one]),
         ("types", ("site that no station type fits", "sites that no station type fits"),
          "offer a station type that fits {}", _TYPES)),
    ):  # fmt: skip
        if is_closed:
            lock = (rows.add(_lock(limits, sites, each.columns, True, words)),)
            _loosen(limits, sites, rows, kind, lock, weight, words, what)
    if first > 0 and limits.is_new[one]:
        when = (
            f"that may not open before {limits.periods[first]}"
            if first < limits.num_periods
            else f"that may not open by {limits.periods[-1]}"
        )
        words = f"site {when}", f"sites {when}"
        lock = (rows.add(_lock(limits, sites, each.columns[:first], True, words)),)
        _loosen(limits, sites, rows, "permits", lock, _HALF, words, "let {} open earlier")


def _loosen(
    limits: StationLimits,
    sites: IntArray,
    rows: _Rows,
    kind: str,
    limit_idx: tuple[int, ...],
    weight: float,
    words: tuple[str, str],
    what: str,
) -> None:
    names = [limits.site_names[site] for site in sites.tolist()]

    def told(amount: float) -> str:
        return what.format(counted(round(amount), names, *words))

    rows.remedies.append(Remedy(kind, limit_idx, float(len(sites)), weight, told))


def _add_closing(limits: StationLimits, rows: _Rows) -> None:
    """Stations that close take money in every plan."""
    for cost in np.unique(limits.closing[limits.closing > 0.0]).tolist():
        sites = np.flatnonzero(limits.closing == cost)
        column = len(rows.most)
        rows.most.append(float(len(sites)))
        words = "station that closes", "stations that close"
        lock = rows.add(_lock(limits, sites, np.array([column]), False, words))
        rows.limits[lock] = replace(rows.limits[lock], factor=np.ones(1))
        _loosen(limits, sites, rows, "closing stations", (lock,), 1.0, words, "keep {}")


def _add_number(limits: StationLimits, classes: Sequence[_Class], rows: _Rows) -> None:
    if not math.isfinite(limits.num_stations):
        return
    number = limits.num_stations
    row = _sum(rows, classes, number, True, f"{limits.where}at most {_stations(number)}")

    def told(amount: float) -> str:
        return f"{limits.where}allow {_stations(number + amount)} instead of {number:,.0f}"

    rows.remedies.append(Remedy("number", (row,), _most(classes), 1.0, told))


def _add_fewest(limits: StationLimits, classes: Sequence[_Class], rows: _Rows) -> None:
    if limits.fewest > 0:
        name = f"{limits.where}at least {_stations(limits.fewest)} in all"
        row = _sum(rows, classes, limits.fewest, False, name)
        told = _changed(f"{limits.where}ask for", limits.fewest, -1)
        rows.remedies.append(Remedy("fewest", (row,), limits.fewest, 1.0, told))


def _sum(rows: _Rows, classes: Sequence[_Class], limit: float, is_upper: bool, name: str) -> int:
    """A limit on the number of stations in some classes."""
    columns = np.concatenate([each.columns for each in classes] or [np.zeros(0, np.int64)])
    loose = _most(classes) if is_upper else 0.0
    return rows.add(
        Limit(name, columns, np.ones(len(columns)), is_upper, limit, max(loose, limit)
              if is_upper else min(loose, limit))
    )  # fmt: skip


def _most(classes: Sequence[_Class]) -> float:
    return float(sum(len(each.site_idx) for each in classes))


def _add_money(limits: StationLimits, classes: Sequence[_Class], rows: _Rows) -> None:
    costs = [float(limits.cost[each.one]) for each in classes]
    costs = [cost if math.isfinite(cost) else 0.0 for cost in costs]
    weight = 1.0 / min((cost for cost in costs if cost > 0.0), default=1.0)
    spans = []
    if math.isfinite(limits.budget):
        spans.append((0, limits.num_periods - 1, limits.budget, "of all stations", "budget"))
    if limits.money is not None:
        spans += [
            (first, last, amount, _when(limits, first, last), "money by period")
            for first, last, amount in limits.money.spans()
        ]
    start = len(rows.limits)
    for first, last, amount, when, kind in spans:
        columns = np.concatenate(
            [each.columns[first : last + 1] for each in classes] or [np.zeros(0, np.int64)]
        )
        factors = np.repeat(costs, last + 1 - first)
        if kind == "budget":
            columns, factors = _with_closing(limits, rows, columns, factors)
        money = shown_money(amount, limits.unit)
        name = f"at most {money} {when}" if limits.num_periods > 1 else f"a budget of {money}"
        rows.add(Limit(f"{limits.where}{name}", columns, factors, True, widened(amount), math.inf))
    for number, (_, last, amount, when, kind) in enumerate(spans):
        loosened: tuple[int, ...] = (start + number,)
        if kind != "budget" and limits.money is not None and limits.money.carries_over:
            loosened = tuple(range(start + number, len(rows.limits)))

        def told(more: float, amount: float = amount, when: str = when) -> str:
            there = shown_money(amount, limits.unit)
            what = f"raise the money {when}" if limits.num_periods > 1 else "raise the budget"
            step, total = (
                shown_money(cny, limits.unit, is_ceiled=True) for cny in (more, amount + more)
            )
            return f"{limits.where}{what} by {step}, from {there} to {total}"

        dated = weight * _late(limits, last)
        rows.remedies.append(Remedy(kind, loosened, math.inf, dated, told, is_whole=False))


def _with_closing(
    limits: StationLimits, rows: _Rows, columns: IntArray, factors: FloatArray
) -> tuple[IntArray, FloatArray]:
    locks = [limit for limit in rows.limits if limit.name == "station that closes"]
    cost = np.unique(limits.closing[limits.closing > 0.0])
    own = np.array([limit.column_idx[0] for limit in locks], dtype=np.int64)
    return np.concatenate([columns, own]), np.concatenate([factors, cost])


def shown_money(amount: float, unit: str, *, is_ceiled: bool = False) -> str:
    """Money in words, in millions where it is much; rounded up where less would not do.

    Examples
    --------
    >>> shown_money(1.25e6, "CNY"), shown_money(0.3000001, "", is_ceiled=True)
    ('1.25 M CNY', '0.300001')
    """
    scale, sign = (1e6, " M") if abs(amount) >= 1e5 else (1.0, "")
    scaled = amount / scale
    if is_ceiled and scaled > 0.0:
        digits = 10.0 ** (5 - math.floor(math.log10(scaled)))
        scaled = math.ceil(scaled * digits - 1e-6) / digits
    return f"{scaled:,.10g}{sign} {unit}".rstrip()


def _when(limits: StationLimits, first: int, last: int) -> str:
    if first == last and not (first == 0 and limits.num_periods == 1):
        return f"in {limits.periods[last]}"
    return f"up to {limits.periods[last]}"


def _late(limits: StationLimits, last: int) -> float:
    """Of changes alike those of later periods are taken."""
    return 1.0 + 1e-5 * (limits.num_periods - 1 - last)


def _stations(number: float, new: str = "") -> str:
    return f"{number:,.10g} {new}station{'' if number == 1 else 's'}"


def _add_openings(
    limits: StationLimits, classes: Sequence[_Class], cap: Cap, city: str, rows: _Rows
) -> None:
    where = f"city {city}: " if city else ""
    start = len(rows.limits)
    spans = list(cap.spans())
    if not classes:
        return
    for first, last, amount in spans:
        columns = np.concatenate([each.columns[first : last + 1] for each in classes])
        name = f"{where}at most {_stations(amount, 'new ')} {_when(limits, first, last)}"
        loose = max(_most(classes), amount)
        rows.add(Limit(name, columns, np.ones(len(columns)), True, amount, loose))
    for number, (first, last, amount) in enumerate(spans):
        end = len(rows.limits) if cap.carries_over else start + number + 1

        def told(more: float, amount: float = amount, span: tuple[int, int] = (first, last)) -> str:
            return (
                f"{where}allow {_stations(amount + more, 'new ')} instead of {amount:,.10g} "
                f"{_when(limits, *span)}"
            )

        kind = "openings of cities" if city else "openings"
        loosened = tuple(range(start + number, end))
        weight = _HALF * _late(limits, last)
        rows.remedies.append(Remedy(kind, loosened, _most(classes), weight, told))


def _add_cities(limits: StationLimits, classes: Sequence[_Class], rows: _Rows) -> None:
    in_city = np.bincount(limits.city_idx, minlength=len(limits.least))
    by_city: dict[int, list[_Class]] = {}
    for each in classes:
        by_city.setdefault(int(limits.city_idx[each.one]), []).append(each)
    for city in np.flatnonzero((limits.least > 0) | (limits.most < in_city)).tolist():
        here, name = by_city.get(city, []), f"city {limits.city_names[city]}"
        least, most = int(limits.least[city]), int(limits.most[city])
        if most < in_city[city] and here:
            row = _sum(rows, here, most, True, f"{name}: at most {_stations(most)}")
            told = _changed(f"{name}: allow", most, 1)
            rows.remedies.append(Remedy("city maxima", (row,), _most(here), 1.0, told))
        if least > 0:
            sites = "1 site" if in_city[city] == 1 else f"{in_city[city]:,} sites"
            said = f"{name}: at least {_stations(least)} (it has {sites})"
            row = _sum(rows, here, least, False, said)
            told = _changed(f"{name}: ask for", least, -1)
            rows.remedies.append(Remedy("city minima", (row,), least, 1.0, told))


def _changed(words: str, number: int, sign: int) -> Callable[[float], str]:
    def told(amount: float) -> str:
        return f"{words} {_stations(number + sign * amount)} instead of {number:,}"

    return told
