"""Maximal covering with station sizes at national scale, by prices.

Sets: zones i of value w_i, sites j in cities c, station types t, resources r (stations, money,
and whatever else the nation limits) with limit B_r, of which a station of type t at j takes
u_rjt >= 0. Border zones are those that sites of several cities reach.

    max  sum_i w_i x_i    over plans of all cities, each within (2), (4) and min_c, max_c of
                          ``sized_coverage``
    (1)  x_i <= 1,  x_i <= sum_c x_ic                    every border zone i
    (2)  sum_jt u_rjt y_jt <= B_r                        every resource r

where x_ic is the share of zone i that stations of city c serve. With prices pi_r >= 0 of (2) and
multipliers 0 <= mu_i <= w_i of (1) the cities fall apart, and

    (3)  L(pi, mu) = sum_r pi_r B_r + sum_{i border} (w_i - mu_i) + sum_c U_c(pi, mu)

bounds every plan, U_c being any bound on what city c's best plan is worth at these prices:

    (4)  U_c >= max sum_{i inner to c} w_i x_i + sum_{i border} mu_i x_ic - sum_r pi_r u_rjt y_jt.

The answers of the cities are columns of the master (:mod:`planner.solving.master`), which
chooses one plan per city and whose duals are the next prices: Dantzig and Wolfe 1960 (Operations
Research 8:101-111), prices as in Lasdon 1970 (Optimization Theory for Large Systems), bound as in
Geoffrion 1974 (Mathematical Programming Study 2:82-114). The first prices are those of the
relaxation without capacity and city limits, solved for the whole nation at once.

A plan is worth what its stations serve jointly, computed on the whole nation: a border zone
counts once and loads once. Not modelled: what ``sized_coverage`` leaves out.
"""

import math
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np

from planner.errors import PlannerError
from planner.models.national_city import CityAnswer, CityTask, answer_city
from planner.models.sized_coverage import check_feasible, solve_sized_coverage
from planner.problem import FloatArray, IntArray, SizedCoverageProblem
from planner.solving.capacity import served_flow
from planner.solving.city_parts import Parts, split_by_city, usable_sites
from planner.solving.local_search import greedy
from planner.solving.master import (
    CityPlan,
    build_master,
    choose_plans,
    keeps_limits,
    master_prices,
)
from planner.solving.national_start import (
    affordable_stations,
    feasible_stations,
    share_by_zone,
)
from planner.solving.options import SolveOptions
from planner.solving.presolve import CoverRows, merge_rows
from planner.solving.primal_dual import DualPoint, primal_dual
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac
from planner.solving.tasks import TaskRunner

START_RELAXATION_GAP = 3e-5
"""The first multipliers are good enough when their bound is this close to the relaxation's."""
START_ITERATIONS = 1_500
REPORT_ITERATIONS = 200
START_TIME_SHARE = 0.25
"""And when they have taken this share of the time limit."""
MOVES_PER_SITE = 300
"""Annealing moves per site and visit: about 50 ms for a city."""
AROUND = (-3, -2, -1, 1, 2, 3)
"""Stations more or less than the best plan in further plans of a city."""
FIRST_SECONDS, FIRST_NODES, GROWTH = 2.0, 500, 8
"""Limit of the exact search at the first visit to a city at given prices, and its growth."""
MAX_VISITS = 5
PRICE_ROUNDS = 6
"""Rounds of plans without proof, until the prices of limits other than stations settle."""
SETTLED_FRAC = 3e-3
"""They have settled when what the limits are worth moves by less than this share of the value."""
MASTER_SECONDS, MASTER_NODES = 20.0, 2_000
LAST_SECONDS = 2.0
"""For the master when time is over: plans that came in late are not lost."""
NEGLIGIBLE_SHARE = 0.1
"""Cities whose part of the gap is below this share of an equal part of what is asked for rest."""
CITY_SHARE = 0.3
"""At given prices cities are visited again while they make more than this share of the gap."""
STEP_FRAC = 0.5
"""New prices lie this far from the best so far towards the master's duals; twice as far next
time if the gap has shrunk, half as far if not."""
MAX_STALLS = 3
LEAST_MULTIPLIER_FRAC = 1e-6
"""Multipliers of border zones are kept above this fraction of the value, so that presolve keeps
the zones and the master learns who serves them."""
WHOLE_ARCS = 20_000
"""Up to this many arcs ``sized_coverage`` may close what prices leave open."""


@dataclass(frozen=True)
class NationalLimit:
    """One more thing that the nation has only so much of: budget of a quarter, GWh, build slots.

    Attributes
    ----------
    name : str
        For messages.
    use : float array, shape (num_sites, num_types)
        What a station of the type at the site takes, >= 0.
    limit : float
        How much there is, >= 0; inf for no limit.
    """

    name: str
    use: FloatArray
    limit: float


@dataclass(frozen=True)
class NationalSolution:
    """Plan, proof and prices.

    Attributes
    ----------
    status : Status
        OPTIMAL if the bound proves the plan the best, FEASIBLE otherwise.
    open_site_idx, type_idx : int arrays, shape (num_open,)
        Sites with a station, forced ones included, ascending, and the type of each.
    served_frac : float array, shape (num_zones,)
        Share of each zone that the stations serve jointly.
    objective : float
        Sum of value * served_frac.
    bound : float
        No plan serves more.
    gap_frac : float
        (bound - objective) / bound, see :func:`planner.solving.status.gap_frac`.
    resources : tuple of str
        What is limited: "stations", "money" if the budget is finite, names of further limits.
    price : float array, shape (len(resources),)
        Prices behind the bound: value of one more unit of each.
    city_gap : float array, shape (num_cities,)
        Part of the bound that each city's plans do not reach at these prices [value].
    num_plans : int
        Columns of the master.
    wall_s : float
        Seconds taken.
    history : tuple of Progress
        Incumbent and bound over time.
    """

    status: Status
    open_site_idx: IntArray
    type_idx: IntArray
    served_frac: FloatArray
    objective: float
    bound: float
    gap_frac: float
    resources: tuple[str, ...]
    price: FloatArray
    city_gap: FloatArray
    num_plans: int
    wall_s: float
    history: tuple[Progress, ...]


@dataclass(frozen=True)
class _Resources:
    """What is limited: names, use (num_resources, num_sites, num_types) and limits."""

    names: tuple[str, ...]
    use: FloatArray
    limit: FloatArray


@dataclass(frozen=True)
class _Prices:
    """Prices, multipliers, and the bound U_c of each part (4) at them."""

    price: FloatArray
    multiplier: FloatArray
    city_bound: FloatArray


@dataclass
class _Search:
    """What is known so far, and when to give up; the only state that changes during a solve."""

    problem: SizedCoverageProblem
    resources: _Resources
    parts: Parts
    options: SolveOptions
    on_progress: ProgressCallback | None
    stop: StopRequest | None
    started: float
    border_value: FloatArray
    share: FloatArray
    now: _Prices
    best: _Prices
    objective: float = -math.inf
    sites: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    types: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    whole_bound: float = math.inf
    plans: list[CityPlan] = field(default_factory=list)
    known: set[tuple[int, bytes, bytes]] = field(default_factory=set)
    chosen: list[CityPlan] = field(default_factory=list)
    history: list[Progress] = field(default_factory=list)

    @property
    def bound(self) -> float:
        """Best bound so far."""
        return max(min(self.whole_bound, self.lagrangian(self.best)), self.objective)

    @property
    def gap_frac(self) -> float:
        """Gap between plan and bound."""
        return gap_frac(self.objective, self.bound)

    @property
    def remaining_s(self) -> float:
        """Seconds left; unlimited in deterministic mode."""
        if self.options.deterministic:
            return math.inf
        return self.options.time_limit_s - (time.monotonic() - self.started)

    @property
    def negligible(self) -> float:
        """Gap of a city that needs no work."""
        asked = self.options.gap_frac * self.bound
        equal_part = asked / max(len(self.parts.cities), 1)
        return max(NEGLIGIBLE_SHARE * equal_part, 1e-10 * abs(self.bound))

    def may_go_on(self) -> bool:
        """Whether neither the clock nor the caller has called an end."""
        return self.remaining_s > 0.0 and not (self.stop is not None and self.stop.is_set())

    def unfinished(self) -> bool:
        """Whether the gap asks for more and the limits allow it."""
        return self.gap_frac > max(self.options.gap_frac, OPTIMAL_GAP_FRAC) and self.may_go_on()

    def lagrangian(self, prices: _Prices) -> float:
        """L of equation (3), correctly rounded."""
        rent = prices.price * self.resources.limit
        left = self.border_value - prices.multiplier
        return math.fsum((*rent.tolist(), math.fsum(left), math.fsum(prices.city_bound)))

    def best_plans(self, prices: _Prices) -> tuple[list[CityPlan], FloatArray]:
        """Plan of each part that is worth most at prices, and what it is worth."""
        best = self.chosen.copy()
        worth = np.full(len(best), -math.inf)
        for plan in self.plans:
            value = plan.worth(prices.price, prices.multiplier)
            if value > worth[plan.part]:
                best[plan.part], worth[plan.part] = plan, value
        return best, worth

    def city_gap(self, prices: _Prices) -> FloatArray:
        """Part of L that each part's plans do not reach, >= 0."""
        return np.maximum(prices.city_bound - self.best_plans(prices)[1], 0.0)

    def add(self, plan: CityPlan) -> None:
        """Keep a plan that is new."""
        key = (plan.part, plan.site_idx.tobytes(), plan.type_idx.tobytes())
        if key not in self.known:
            self.known.add(key)
            self.plans.append(plan)

    def offer(self, sites: IntArray, types: IntArray) -> bool:
        """Keep stations that serve more than the incumbent; their limits are known to hold."""
        order = np.argsort(sites, kind="stable")
        sites, types = sites[order].astype(np.int64), types[order].astype(np.int64)
        _, value = served_flow(self.problem, sites, types)
        if value > self.objective:
            self.objective, self.sites, self.types = value, sites, types
            return True
        return False

    def report(self, stage: str, message: str) -> None:
        """Note the state in the history and tell the caller."""
        elapsed_s = time.monotonic() - self.started
        progress = Progress(stage, self.objective, self.bound, elapsed_s, message)
        self.history.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)


def solve_national(
    problem: SizedCoverageProblem,
    options: SolveOptions,
    *,
    executor: Executor | None = None,
    limits: Sequence[NationalLimit] = (),
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> NationalSolution:
    """Place stations of several sizes over a nation so that the value served is greatest.

    Parameters
    ----------
    problem : SizedCoverageProblem
        Not changed.
    options : SolveOptions
        The search ends at ``gap_frac``, at the time limit or, in deterministic mode, after a
        fixed amount of work. Up to ``workers`` cities are worked on at once.
    executor : concurrent.futures.Executor, optional
        Anything with ``submit``. Without one, cities are asked in this process if ``workers`` is
        1, and on so many spawned processes otherwise.
    limits : sequence of NationalLimit
        On top of the number of stations and the budget.
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    NationalSolution
        Always with a plan.

    Raises
    ------
    InfeasibleError
        If no plan satisfies the limits, with the reason.
    ValueError
        If a limit has another shape than the problem or is negative.
    """
    started = time.monotonic()
    resources = _resources(problem, limits)
    check_feasible(problem)
    parts = split_by_city(problem, resources.use)
    search = _begin(problem, resources, parts, options, on_progress, stop, started)
    with TaskRunner[CityTask, CityAnswer](
        answer_city, workers=options.workers, executor=executor, stop=stop
    ) as runner:
        _search_until_done(search, runner)
    _solve_whole(search)
    return _solution(search)


def _resources(problem: SizedCoverageProblem, limits: Sequence[NationalLimit]) -> _Resources:
    """Stations, money if limited, and the further limits that are finite."""
    shape = problem.cost.shape
    names, use = ["stations"], [np.ones(shape)]
    bound = [float(min(problem.coverage.num_stations, problem.coverage.num_sites))]
    if math.isfinite(problem.budget):
        names, use, bound = [*names, "money"], [*use, problem.cost], [*bound, problem.budget]
    for each in limits:
        if each.use.shape != shape:
            raise ValueError(f"{each.name}: use has shape {each.use.shape}, not {shape}")
        if not (np.isfinite(each.use).all() and each.use.min(initial=0.0) >= 0):
            raise ValueError(f"{each.name}: use must be finite and >= 0")
        if math.isnan(each.limit) or each.limit < 0:
            raise ValueError(f"{each.name}: limit must be >= 0, not {each.limit}")
        if math.isfinite(each.limit):
            names, use, bound = [*names, each.name], [*use, each.use], [*bound, each.limit]
    return _Resources(tuple(names), np.array(use), np.array(bound))


def _begin(
    problem: SizedCoverageProblem,
    resources: _Resources,
    parts: Parts,
    options: SolveOptions,
    on_progress: ProgressCallback | None,
    stop: StopRequest | None,
    started: float,
) -> _Search:
    """First plan, first prices."""
    border_value = problem.coverage.value[parts.border_zone]
    num_parts = len(parts.cities)
    nothing = _Prices(
        np.zeros(len(resources.limit)), np.zeros(len(border_value)), np.full(num_parts, math.inf)
    )
    search = _Search(
        problem=problem,
        resources=resources,
        parts=parts,
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
        border_value=border_value,
        share=np.ones(problem.coverage.num_zones),
        now=nothing,
        best=nothing,
        whole_bound=math.fsum(problem.coverage.value),
    )
    for plan in _least_plans(search):
        search.add(plan)
    search.chosen = list(search.plans)
    search.offer(
        np.concatenate([np.empty(0, np.int64), *(plan.site_idx for plan in search.chosen)]),
        np.concatenate([np.empty(0, np.int64), *(plan.type_idx for plan in search.chosen)]),
    )
    _first_prices(search)
    return search


def _least_plans(search: _Search) -> list[CityPlan]:
    """One plan per city with nothing but forced stations and city minima, within all limits."""
    problem, resources = search.problem, search.resources
    fits = problem.capacity > 0
    cheapest = np.where(fits, problem.cost, np.inf).argmin(axis=1)
    sites = []
    for part in search.parts.cities:
        forced = part.problem.coverage.forced
        cost = problem.cost[part.site_idx, cheapest[part.site_idx]]
        order = np.lexsort((cost, ~forced))
        sites.append(np.sort(part.site_idx[order[: part.least]]))
    plans = [_stations_plan(search, k, each, cheapest[each]) for k, each in enumerate(sites)]
    if keeps_limits(plans, resources.limit):
        return plans
    found = feasible_stations(search.problem, resources.names, resources.use, resources.limit)
    types = dict(zip(found[0].tolist(), found[1].tolist(), strict=True))
    plans = []
    for k, part in enumerate(search.parts.cities):
        of_city = np.array([s for s in part.site_idx.tolist() if s in types], dtype=np.int64)
        kind = np.array([types[s] for s in of_city.tolist()], dtype=np.int64)
        plans.append(_stations_plan(search, k, of_city, kind))
    return plans


def _stations_plan(search: _Search, position: int, sites: IntArray, types: IntArray) -> CityPlan:
    """Stations of one city, in national numbering, as a column."""
    part = search.parts.cities[position]
    local = np.searchsorted(part.site_idx, sites)
    served, _ = served_flow(part.problem, local, types)
    inner = np.ones(len(served), dtype=np.bool_)
    inner[part.border] = False
    on_border = served[part.border] > 0.0
    return CityPlan(
        part=position,
        site_idx=sites,
        type_idx=types.astype(np.int64),
        use=np.array([math.fsum(use[local, types]) for use in part.use]),
        inner_value=math.fsum(part.problem.coverage.value[inner] * served[inner]),
        border_idx=part.border_idx[on_border],
        border_frac=served[part.border][on_border],
    )


def _first_prices(search: _Search) -> None:
    """Prices of the relaxation without capacity and city limits, in numbers of stations."""
    problem, resources = search.problem, search.resources
    coverage = problem.coverage
    usable = usable_sites(problem)
    fits = problem.capacity > 0
    least_use = np.where(fits, resources.use, np.inf).min(axis=2, initial=np.inf)
    affordable = [
        affordable_stations(least_use[r], coverage.forced, usable, bound)
        for r, bound in enumerate(resources.limit)
    ]
    scarcest = int(np.argmin(affordable))
    rows = merge_rows(replace(coverage, forbidden=~usable, num_stations=affordable[scarcest]))
    multiplier, price = rows.value, 0.0
    if rows.num_stations > 0 and rows.num_rows > 0:
        _offer_greedy(search, rows)
        point = _relaxation(search, rows)
        multiplier, price = point.multiplier, point.price
    elif rows.num_rows > 0:
        # No station is left: at this price nobody wants one.
        price = float(np.bincount(rows.row_site, minlength=1).max()) * float(rows.value.max())
    search.share = share_by_zone(coverage, rows, multiplier / rows.value)
    prices = np.zeros(len(resources.limit))
    mean_use = float(least_use[scarcest][usable].mean()) if usable.any() else 1.0
    prices[scarcest] = price / mean_use if mean_use > 0 else 0.0
    border = search.parts.border_zone
    search.now = _at_prices(search, prices, search.border_value * search.share[border])
    search.best = search.now
    search.report("bound", f"first prices from {affordable[scarcest]} stations")


def _relaxation(search: _Search, rows: CoverRows) -> DualPoint:
    """Multipliers near those of the linear relaxation."""
    limit_s = START_TIME_SHARE * search.options.time_limit_s
    for point in primal_dual(rows):
        search.whole_bound = min(search.whole_bound, point.bound)
        if point.iterations % REPORT_ITERATIONS == 0:
            search.report("bound", f"{point.iterations} primal-dual iterations")
        late = time.monotonic() - search.started > limit_s and not search.options.deterministic
        if (
            point.relaxation_gap_frac <= START_RELAXATION_GAP
            or point.iterations >= START_ITERATIONS
            or late
            or not search.may_go_on()
        ):
            break
    return point


def _offer_greedy(search: _Search, rows: CoverRows) -> None:
    """Offer the greedy plan at the cheapest types if it keeps every limit."""
    problem, resources = search.problem, search.resources
    forced = np.flatnonzero(problem.coverage.forced)
    sites = np.union1d(forced, rows.site_idx[greedy(rows)])
    total = resources.use.sum(axis=0)
    if len(resources.limit) == 1:
        kind = np.argmax(problem.capacity[sites], axis=1)
    else:
        kind = np.where(problem.capacity > 0, total / total.max(initial=1.0), np.inf)[sites].argmin(
            axis=1
        )
    number = np.bincount(problem.coverage.city_idx[sites], minlength=len(problem.min_stations))
    within_cities = (number >= problem.min_stations) & (number <= problem.max_stations)
    used = resources.use[:, sites, kind].sum(axis=1)
    if within_cities.all() and (used <= resources.limit).all():
        search.offer(sites, kind)


def _at_prices(search: _Search, price: FloatArray, multiplier: FloatArray) -> _Prices:
    """Bounds of the cities from the first multipliers: U_c of equation (A), ``national_city``."""
    multiplier = np.maximum(multiplier, LEAST_MULTIPLIER_FRAC * search.border_value)
    bound = np.empty(len(search.parts.cities))
    for k, part in enumerate(search.parts.cities):
        coverage = part.problem.coverage
        weight = coverage.value * search.share[part.zone_idx]
        inner = np.ones(coverage.num_zones, dtype=np.bool_)
        inner[part.border] = False
        weight[part.border] = multiplier[part.border_idx]
        left = math.fsum((coverage.value - weight)[inner])
        site = np.repeat(np.arange(coverage.num_sites), np.diff(coverage.reach_ptr))
        worth = np.bincount(site, weight[coverage.reach_zone_idx], minlength=coverage.num_sites)
        fits = part.problem.capacity > 0
        cost = np.where(fits, np.tensordot(price, part.use, axes=1), np.inf).min(axis=1)
        profit = np.where(coverage.forced, worth - cost, np.maximum(worth - cost, 0.0))
        bound[k] = left + math.fsum(profit)
    return _Prices(price, multiplier, bound)


def _search_until_done(search: _Search, runner: TaskRunner[CityTask, CityAnswer]) -> None:
    """Visit cities at prices until their answers agree with the bound, then move the prices."""
    _settle_prices(search, runner)
    visits, stalls, step, rounds = 0, 0, STEP_FRAC, 0
    gap_at_step = search.gap_frac
    while search.unfinished():
        rounds += 1
        _visit(search, runner, visits, rounds)
        visits += 1
        dual = _choose(search)
        open_value = search.lagrangian(search.now) - search.objective
        in_cities = float(search.city_gap(search.now).sum())
        if search.unfinished() and (visits == 1 or in_cities < 0.5 * open_value):
            _fit_to_neighbours(search, runner, rounds)
        if in_cities > CITY_SHARE * open_value and visits < MAX_VISITS:
            continue
        if rounds > visits:
            gained = search.gap_frac <= 0.9 * gap_at_step
            stalls = 0 if gained else stalls + 1
            step = min(2.0 * step, 1.0) if gained else 0.5 * step
        gap_at_step, visits = search.gap_frac, 0
        if dual is None or stalls >= MAX_STALLS or not search.unfinished():
            break
        search.now = _towards(search, dual[0], dual[1], step)


def _towards(search: _Search, price: FloatArray, multiplier: FloatArray, step: float) -> _Prices:
    """Prices between the best so far and the master's duals."""
    best = search.best
    known = np.where(np.isnan(multiplier), best.multiplier, multiplier)
    return _at_prices(
        search,
        best.price + step * (price - best.price),
        best.multiplier + step * (known - best.multiplier),
    )


def _settle_prices(search: _Search, runner: TaskRunner[CityTask, CityAnswer]) -> None:
    """Let plans without proof give a first choice, and find the prices of several limits."""
    several = len(search.resources.limit) > 1
    for number in range(PRICE_ROUNDS if several else 1):
        if not search.unfinished():
            return
        frac = (0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5) if number < 2 else (0.9, 1.1)
        tasks = [
            _task(
                search,
                plan,
                search.now,
                number,
                moves_per_site=MOVES_PER_SITE // 4,
                around=(-1, 1),
                around_frac=frac if several else (),
            )
            for plan in search.best_plans(search.now)[0]
        ]
        _ask(search, runner, tasks)
        dual = _choose(search)
        if dual is None or not several:
            return
        weight = 1.0 if number < 2 else STEP_FRAC
        now = search.now
        known = np.where(np.isnan(dual[1]), now.multiplier, dual[1])
        moved = _at_prices(
            search,
            now.price + weight * (dual[0] - now.price),
            now.multiplier + STEP_FRAC * (known - now.multiplier),
        )
        change = np.abs(moved.price - now.price) @ search.resources.limit
        search.now = moved
        _keep_bound(search)
        search.report("prices", _price_message(search))
        if change <= SETTLED_FRAC * search.objective:
            return


def _price_message(search: _Search) -> str:
    pairs = zip(search.resources.names, search.now.price, strict=True)
    return "prices " + ", ".join(f"{name} {price:.4g}" for name, price in pairs)


def _task(
    search: _Search,
    start: CityPlan,
    prices: _Prices,
    seed: int,
    *,
    seconds: float = 0.0,
    nodes: int | None = None,
    moves_per_site: int = MOVES_PER_SITE,
    around: tuple[int, ...] = AROUND,
    around_frac: tuple[float, ...] = (),
) -> CityTask:
    part = search.parts.cities[start.part]
    return CityTask(
        part=part,
        position=start.part,
        price=prices.price,
        multiplier=prices.multiplier[part.border_idx],
        start=np.searchsorted(part.site_idx, start.site_idx),
        around=around,
        around_frac=around_frac,
        num_moves=moves_per_site * len(part.site_idx),
        seconds=seconds,
        node_limit=nodes,
        missing=search.negligible,
        seed=(search.options.seed + seed) % 2**31,
    )


def _visit(
    search: _Search, runner: TaskRunner[CityTask, CityAnswer], visits: int, rounds: int
) -> None:
    """Ask the cities that hold the gap, the largest part first."""
    plans, worth = search.best_plans(search.now)
    gaps = search.now.city_bound - worth
    order = [k for k in np.argsort(-gaps, kind="stable").tolist() if gaps[k] > search.negligible]
    effort = GROWTH**visits
    nodes = FIRST_NODES * effort if search.options.deterministic else None
    seconds = math.inf
    if nodes is None:
        seconds = min(FIRST_SECONDS * effort, max(search.remaining_s, 0.1))
    tasks = [
        _task(search, plans[k], search.now, rounds, seconds=seconds, nodes=nodes) for k in order
    ]
    _ask(search, runner, tasks, report_every=max(len(tasks) // 10, 1))


def _ask(
    search: _Search,
    runner: TaskRunner[CityTask, CityAnswer],
    tasks: list[CityTask],
    report_every: int = 0,
) -> None:
    """Put questions to cities; their bounds and plans are merged in the order of the cities."""
    answers: dict[int, CityAnswer] = {}
    for count, (_, answer) in enumerate(runner.run(tasks, search.may_go_on), start=1):
        if answer is not None:
            answers[answer.position] = answer
            if report_every and count % report_every == 0 and not search.options.deterministic:
                _merge(search, answers)
                search.report("national", _city_message(search))
    _merge(search, answers)


def _merge(search: _Search, answers: dict[int, CityAnswer]) -> None:
    bound = search.now.city_bound.copy()
    for position in sorted(answers):
        bound[position] = min(bound[position], answers[position].bound)
        for plan in answers[position].plans:
            search.add(plan)
    search.now = replace(search.now, city_bound=bound)
    _keep_bound(search)


def _keep_bound(search: _Search) -> None:
    if search.lagrangian(search.now) <= search.lagrangian(search.best):
        search.best = search.now


def _city_message(search: _Search) -> str:
    gaps = search.city_gap(search.now)
    missing = search.bound - search.objective
    if len(gaps) == 0 or not 0.0 < missing < math.inf:
        return f"{len(search.plans)} city plans"
    worst = int(np.argmax(gaps))
    city = search.parts.cities[worst].city
    share = min(gaps[worst] / missing, 1.0)
    return f"{len(search.plans)} city plans, city {city} holds {share:.0%} of the gap"


def _choose(search: _Search) -> tuple[FloatArray, FloatArray] | None:
    """Let the master choose plans; returns its duals, None if it has none."""
    master = build_master(
        search.plans, len(search.parts.cities), search.resources.limit, search.border_value
    )
    prices = master_prices(master, search.border_value)
    place = {id(plan): k for k, plan in enumerate(search.plans)}
    chosen = choose_plans(
        master,
        hint=np.array([place[id(plan)] for plan in search.chosen], dtype=np.int64),
        time_limit_s=min(MASTER_SECONDS, max(search.remaining_s, LAST_SECONDS)),
        node_limit=MASTER_NODES if search.options.deterministic else None,
        seed=search.options.seed,
        stop=search.stop,
    )
    if chosen is not None:
        plans = [search.plans[k] for k in chosen]
        sites = np.concatenate([np.empty(0, np.int64), *(plan.site_idx for plan in plans)])
        types = np.concatenate([np.empty(0, np.int64), *(plan.type_idx for plan in plans)])
        if search.offer(sites, types):
            search.chosen = plans
    search.report("national", _city_message(search))
    return None if prices is None else (prices.price, prices.multiplier)


def _fit_to_neighbours(
    search: _Search, runner: TaskRunner[CityTask, CityAnswer], rounds: int
) -> None:
    """Ask each city for plans when border zones are worth what its neighbours leave of them."""
    total = np.zeros(len(search.border_value))
    for plan in search.chosen:
        total[plan.border_idx] += plan.border_frac
    tasks = []
    for plan in search.chosen:
        part = search.parts.cities[plan.part]
        if len(part.border) == 0:
            continue
        others = total.copy()
        others[plan.border_idx] -= plan.border_frac
        left = search.border_value * np.clip(1.0 - others, LEAST_MULTIPLIER_FRAC, 1.0)
        prices = replace(search.now, multiplier=left)
        moves = MOVES_PER_SITE // 4
        tasks.append(_task(search, plan, prices, rounds, moves_per_site=moves, around=(-1, 1)))
    _ask(search, runner, tasks)
    _choose(search)


def _solve_whole(search: _Search) -> None:
    """Close what prices leave open in small problems without further limits."""
    coverage, names = search.problem.coverage, search.resources.names
    if (
        not search.unfinished()
        or len(coverage.reach_zone_idx) > WHOLE_ARCS
        or not set(names) <= {"stations", "money"}
    ):
        return
    solution = solve_sized_coverage(
        search.problem,
        replace(search.options, time_limit_s=max(min(search.remaining_s, 1e9), 1e-3)),
        hint=(search.sites, search.types),
        stop=search.stop,
    )
    search.offer(solution.open_site_idx, solution.type_idx)
    search.whole_bound = min(search.whole_bound, solution.bound)
    search.report("national", "closed as one problem")


def _solution(search: _Search) -> NationalSolution:
    """Recompute objective and bound from the stations and the cities' bounds alone."""
    served_frac, objective = served_flow(search.problem, search.sites, search.types)
    bound = min(search.whole_bound, search.lagrangian(search.best))
    if bound < objective * (1.0 - OPTIMAL_GAP_FRAC):
        raise PlannerError(f"the bound {bound!r} is below the plan's value {objective!r}: a defect")
    bound = max(bound, objective)
    gap = gap_frac(objective, bound)
    status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
    search.report("done", f"{len(search.sites)} stations, {status}")
    city_gap = np.zeros(len(search.problem.min_stations))
    for part, missing in zip(search.parts.cities, search.city_gap(search.best), strict=True):
        city_gap[part.city] = missing
    return NationalSolution(
        status=status,
        open_site_idx=search.sites,
        type_idx=search.types,
        served_frac=served_frac,
        objective=objective,
        bound=bound,
        gap_frac=gap,
        resources=search.resources.names,
        price=search.best.price,
        city_gap=city_gap,
        num_plans=len(search.plans),
        wall_s=time.monotonic() - search.started,
        history=tuple(search.history),
    )
