"""Maximal covering with station sizes at national scale, by prices.

Sets: zones i of value w_i, sites j in cities c, station types t, resources r (stations, money,
and whatever else the nation limits) with limit B_r, of which a station of type t at j takes
u_rjt >= 0. Border zones are those that sites of several cities reach.

    max  sum_i w_i x_i    over plans of all cities, each within (2), (4) and min_c, max_c of
                          ``sized_coverage``
    (1)  x_i <= 1,  x_i <= sum_c x_ic                    every border zone i
    (2)  sum_jt u_rjt y_jt <= B_r                        every resource r

Claimants (corridors) take of the same limits: their plans are worth V_k, a part of the sum like a
city without border zones, with a bound U_k of their own.

where x_ic is the share of zone i that stations of city c serve. With prices pi_r >= 0 of (2) and
multipliers 0 <= mu_i <= w_i of (1) the cities fall apart, and

    (3)  L(pi, mu) = sum_r pi_r B_r + sum_{i border} (w_i - mu_i) + sum_c U_c(pi, mu)
                     + sum_k U_k(pi)

bounds every plan, U_c being any bound on what city c's best plan is worth at these prices:

    (4)  U_c >= max sum_{i inner to c} w_i x_i + sum_{i border} mu_i x_ic - sum_r pi_r u_rjt y_jt.

The answers of the cities are columns of the master (:mod:`planner.models.national.master`), which
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
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.errors import InfeasibleError, PlannerError
from planner.models.national.city import CityAnswer, CityTask, answer_city
from planner.models.national.claims import Claimant, ClaimPlan
from planner.models.national.first_prices import find_first_prices
from planner.models.national.master import (
    CityPlan,
    build_master,
    choose_plans,
    keeps_limits,
    master_prices,
)
from planner.models.national.parts import Parts, split_by_city
from planner.models.national.start import feasible_stations
from planner.models.national.state import (
    LEAST_MULTIPLIER_FRAC,
    NationalSearch,
    NationalStart,
    Prices,
    Resources,
    ask_claimants,
    at_prices,
    offer_chosen,
)
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.models.sized_coverage.solve import check_feasible, solve_sized_coverage
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac
from planner.solving.tasks import TaskRunner

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
CITY_SHARE = 0.3
"""At given prices cities are visited again while they make more than this share of the gap."""
STEP_FRAC = 0.5
"""New prices lie this far from the best so far towards the master's duals; twice as far next
time if the gap has shrunk, half as far if not."""
MAX_STALLS = 3
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
    claimed : tuple of ClaimPlan
        Chosen plan of each claimant.
    end : NationalStart
        What a search for other loads and capacities can start from.
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
    claimed: tuple[ClaimPlan, ...]
    end: NationalStart
    num_plans: int
    wall_s: float
    history: tuple[Progress, ...]


def solve_national(
    problem: SizedCoverageProblem,
    options: SolveOptions,
    *,
    executor: Executor | None = None,
    limits: Sequence[NationalLimit] = (),
    claimants: Sequence[Claimant] = (),
    start: NationalStart | None = None,
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
    claimants : sequence of Claimant
        Who takes of the same limits beside the cities; values in the units of the objective.
    start : NationalStart, optional
        Where the search for other loads and capacities ended: its plan is the first incumbent,
        its prices the first prices.
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
    search = _begin(
        problem, resources, parts, tuple(claimants), options, on_progress, stop, started, start
    )
    with TaskRunner[CityTask, CityAnswer](
        answer_city, workers=options.workers, executor=executor, stop=stop
    ) as runner:
        _search_until_done(search, runner)
    _solve_whole(search)
    return _solution(search)


def _resources(problem: SizedCoverageProblem, limits: Sequence[NationalLimit]) -> Resources:
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
    return Resources(tuple(names), np.array(use), np.array(bound))


def _begin(
    problem: SizedCoverageProblem,
    resources: Resources,
    parts: Parts,
    claimants: tuple[Claimant, ...],
    options: SolveOptions,
    on_progress: ProgressCallback | None,
    stop: StopRequest | None,
    started: float,
    start: NationalStart | None,
) -> NationalSearch:
    """First plan, first prices."""
    border_value = problem.coverage.value[parts.border_zone]
    num_parts = len(parts.cities) + len(claimants)
    nothing = Prices(
        np.zeros(len(resources.limit)), np.zeros(len(border_value)), np.full(num_parts, math.inf)
    )
    search = NationalSearch(
        problem=problem,
        resources=resources,
        parts=parts,
        claimants=claimants,
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
        border_value=border_value,
        share=np.ones(problem.coverage.num_zones),
        now=nothing,
        best=nothing,
        whole_bound=math.inf if claimants else math.fsum(problem.coverage.value),
    )
    for plan in _least_plans(search):
        search.add(plan)
    search.chosen = list(search.plans)
    offer_chosen(search, search.chosen)
    if start is None:
        find_first_prices(search)
    else:
        _start_from(search, start)
    return search


def _start_from(search: NationalSearch, start: NationalStart) -> None:
    """Take up an earlier search: its plan, as far as it fits, and its prices."""
    search.share = start.share
    search.now = search.best = at_prices(search, start.price, start.multiplier)
    claimed = [
        search.claim_column(number, claimant.plan_of(sites))
        for number, (claimant, sites) in enumerate(
            zip(search.claimants, start.claimed, strict=True)
        )
    ]
    of_city = search.problem.coverage.city_idx[start.site_idx]
    plans = []
    for position, part in enumerate(search.parts.cities):
        here = of_city == part.city
        plans.append(_stations_plan(search, position, start.site_idx[here], start.type_idx[here]))
    fits = (search.problem.capacity[start.site_idx, start.type_idx] > 0).all()
    if fits and keeps_limits([*plans, *claimed], search.resources.limit):
        chosen = [search.add(plan) for plan in (*plans, *claimed)]
        if offer_chosen(search, chosen):
            search.chosen = chosen
    search.report("bound", "prices and plan of the round before")


def _least_plans(search: NationalSearch) -> list[CityPlan]:
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
    claimed = [
        search.claim_column(number, claimant.least_plan())
        for number, claimant in enumerate(search.claimants)
    ]
    plans = [_stations_plan(search, k, each, cheapest[each]) for k, each in enumerate(sites)]
    if keeps_limits([*plans, *claimed], resources.limit):
        return [*plans, *claimed]
    left = resources.limit - sum(plan.use for plan in claimed)
    if (left < 0).any():
        short = resources.names[int(np.argmin(left))]
        raise InfeasibleError(
            f"{search.claimants[0].name}: existing stations take more {short} than there are"
        )
    found = feasible_stations(search.problem, resources.names, resources.use, left)
    types = dict(zip(found[0].tolist(), found[1].tolist(), strict=True))
    plans = []
    for k, part in enumerate(search.parts.cities):
        of_city = np.array([s for s in part.site_idx.tolist() if s in types], dtype=np.int64)
        kind = np.array([types[s] for s in of_city.tolist()], dtype=np.int64)
        plans.append(_stations_plan(search, k, of_city, kind))
    return [*plans, *claimed]


def _stations_plan(
    search: NationalSearch, position: int, sites: IntArray, types: IntArray
) -> CityPlan:
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


def _search_until_done(search: NationalSearch, runner: TaskRunner[CityTask, CityAnswer]) -> None:
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


def _towards(
    search: NationalSearch, price: FloatArray, multiplier: FloatArray, step: float
) -> Prices:
    """Prices between the best so far and the master's duals."""
    best = search.best
    known = np.where(np.isnan(multiplier), best.multiplier, multiplier)
    return at_prices(
        search,
        best.price + step * (price - best.price),
        best.multiplier + step * (known - best.multiplier),
    )


def _settle_prices(search: NationalSearch, runner: TaskRunner[CityTask, CityAnswer]) -> None:
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
            for plan in search.best_plans(search.now)[0][: len(search.parts.cities)]
        ]
        ask_claimants(search)
        _ask(search, runner, tasks)
        dual = _choose(search)
        if dual is None or not several:
            return
        weight = 1.0 if number < 2 else STEP_FRAC
        now = search.now
        known = np.where(np.isnan(dual[1]), now.multiplier, dual[1])
        moved = at_prices(
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


def _price_message(search: NationalSearch) -> str:
    pairs = zip(search.resources.names, search.now.price, strict=True)
    return "prices " + ", ".join(f"{name} {price:.4g}" for name, price in pairs)


def _task(
    search: NationalSearch,
    start: CityPlan,
    prices: Prices,
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
    search: NationalSearch, runner: TaskRunner[CityTask, CityAnswer], visits: int, rounds: int
) -> None:
    """Ask the cities that hold the gap, the largest part first."""
    if visits == 0:
        ask_claimants(search)
    plans, worth = search.best_plans(search.now)
    gaps = (search.now.city_bound - worth)[: len(search.parts.cities)]
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
    search: NationalSearch,
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


def _merge(search: NationalSearch, answers: dict[int, CityAnswer]) -> None:
    bound = search.now.city_bound.copy()
    for position in sorted(answers):
        bound[position] = min(bound[position], answers[position].bound)
        for plan in answers[position].plans:
            search.add(plan)
    search.now = replace(search.now, city_bound=bound)
    _keep_bound(search)


def _keep_bound(search: NationalSearch) -> None:
    if search.lagrangian(search.now) <= search.lagrangian(search.best):
        search.best = search.now


def _city_message(search: NationalSearch) -> str:
    gaps = search.city_gap(search.now)
    missing = search.bound - search.objective
    if len(gaps) == 0 or not 0.0 < missing < math.inf:
        return f"{len(search.plans)} city plans"
    worst = int(np.argmax(gaps))
    num_cities = len(search.parts.cities)
    who = (
        f"city {search.parts.cities[worst].city}"
        if worst < num_cities
        else search.claimants[worst - num_cities].name
    )
    share = min(gaps[worst] / missing, 1.0)
    return f"{len(search.plans)} plans, {who} holds {share:.0%} of the gap"


def _choose(search: NationalSearch) -> tuple[FloatArray, FloatArray] | None:
    """Let the master choose plans; returns its duals, None if it has none."""
    master = build_master(
        search.plans, len(search.chosen), search.resources.limit, search.border_value
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
        plans = sorted((search.plans[k] for k in chosen), key=lambda plan: plan.part)
        if offer_chosen(search, plans):
            search.chosen = plans
    search.report("national", _city_message(search))
    return None if prices is None else (prices.price, prices.multiplier)


def _fit_to_neighbours(
    search: NationalSearch, runner: TaskRunner[CityTask, CityAnswer], rounds: int
) -> None:
    """Ask each city for plans when border zones are worth what its neighbours leave of them."""
    total = np.zeros(len(search.border_value))
    for plan in search.chosen:
        total[plan.border_idx] += plan.border_frac
    tasks = []
    for plan in search.chosen[: len(search.parts.cities)]:
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


def _solve_whole(search: NationalSearch) -> None:
    """Close what prices leave open in small problems without further limits."""
    coverage, names = search.problem.coverage, search.resources.names
    if (
        not search.unfinished()
        or search.claimants
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
    search.offer(solution.open_site_idx, solution.type_idx, ())
    search.whole_bound = min(search.whole_bound, solution.bound)
    search.report("national", "closed as one problem")


def _solution(search: NationalSearch) -> NationalSolution:
    """Recompute objective and bound from the stations and the cities' bounds alone."""
    served_frac, served = served_flow(search.problem, search.sites, search.types)
    objective = math.fsum((served, *(plan.inner_value for plan in search.claimed)))
    bound = min(search.whole_bound, search.lagrangian(search.best))
    if bound < objective * (1.0 - OPTIMAL_GAP_FRAC):
        raise PlannerError(f"the bound {bound!r} is below the plan's value {objective!r}: a defect")
    bound = max(bound, objective)
    gap = gap_frac(objective, bound)
    status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
    search.report("done", f"{len(search.sites)} stations, {status}")
    city_gap = np.zeros(len(search.problem.min_stations))
    gaps = search.city_gap(search.best)[: len(search.parts.cities)]
    for part, missing in zip(search.parts.cities, gaps, strict=True):
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
        claimed=tuple(
            ClaimPlan(
                plan.site_idx,
                plan.inner_value,
                dict(zip(search.resources.names, plan.use.tolist(), strict=True)),
            )
            for plan in search.claimed
        ),
        end=NationalStart(
            site_idx=search.sites,
            type_idx=search.types,
            claimed=tuple(plan.site_idx for plan in search.claimed),
            price=search.best.price,
            multiplier=search.best.multiplier,
            share=search.share,
        ),
        num_plans=len(search.plans),
        wall_s=time.monotonic() - search.started,
        history=tuple(search.history),
    )
