"""The pricing problem of one city: a bound and plans, where stations have prices.

With q_jt = sum_r pi_r u_rjt the price of a station of type t at site j, and mu_i the multiplier of
a border zone (w_i of an inner one), city c solves

    max  sum_i mu_i x_i - sum_jt q_jt y_jt     over (1), (2), (4) and min_c <= sum_jt y_jt <= max_c

of ``sized_coverage``. It is first solved without (4), every site at the price of its cheapest
type: plain covering, in which annealing finds the plan, GLOP's duals lambda the bound

(A) sum_i (mu_i - lambda_i) + sum_j max(0, sum_{i in N_j} lambda_i - q_j - d) + (max_c or 0) d,

with d the dual of max_c, and reduced costs leave a small model to SCIP. If the plan's stations,
at their cheapest types, carry what it covers, that is the answer; otherwise stations are taken
away and built up again where that pays with (4), and ``sized_coverage`` with the same prices gives
bound and plan.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.coverage.bound import site_worth
from planner.models.coverage.model import coverage_mip
from planner.models.coverage.priced_search import Number, priced_search
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import CoverRows, merge_rows
from planner.models.coverage.search import Schedule, plan_value, swap_tables
from planner.models.national.master import CityPlan
from planner.models.national.parts import CityPart
from planner.models.national.tuning import Tuning
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.rows import SizedRows, merge_sized_rows
from planner.models.sized_coverage.search import OptionPrices, SizedPlan, plan_of, rebuild_step
from planner.models.sized_coverage.service import best_service
from planner.models.sized_coverage.solve import solve_sized_coverage
from planner.models.sized_coverage.tuning import Tuning as SizedTuning
from planner.solving.compiling import work_s
from planner.solving.linear_model import LinearModel, solve_linear
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.rules import SiteRules
from planner.solving.status import Status

CLOSED = -1
SCIP_TOLERANCE = 1e-7
"""SCIP's bound is that of a floating-point LP: closer than this its digits carry no information."""


@dataclass(frozen=True)
class CityTask:
    """The pricing problem of one city.

    Attributes
    ----------
    part : CityPart
    position : int
        Position of the city among the parts.
    price : float array, shape (num_resources,)
        pi_r >= 0 [value per unit].
    multiplier : float array, shape (len(part.border),)
        mu of its border zones, in (0, w]: presolve leaves zones worth nothing out, and the master
        would not learn who serves them.
    start : int array
        Sites of a known plan, as positions in the part.
    around : tuple of int
        Plans with so many stations more or less than the best are found too.
    around_frac : tuple of float
        And plans with these multiples of its number.
    num_moves : int
        Moves that annealing offers.
    seconds : float
        Limit of the exact search; 0 for none at all, inf in deterministic mode.
    node_limit : int or None
        Limit on branch-and-bound nodes, in deterministic mode.
    allowed_gap : float
        The bound need not be closer to the plan than this [value].
    seed : int
    tuning : Tuning
    bound : float
        No plan is worth more at these prices, as far as is known.
    """

    part: CityPart
    position: int
    price: FloatArray
    multiplier: FloatArray
    start: IntArray
    around: tuple[int, ...]
    around_frac: tuple[float, ...]
    num_moves: int
    seconds: float
    node_limit: int | None
    allowed_gap: float
    seed: int
    tuning: Tuning
    bound: float = math.inf


@dataclass(frozen=True)
class CityAnswer:
    """Bound and plans of one city at the prices of its task.

    Attributes
    ----------
    position : int
    bound : float
        No plan of the city is worth more at these prices.
    plans : tuple of CityPlan
        The best first.
    cpu_s : float
        Seconds spent.
    cover_bound : float
        Alike if capacity did not bind; inf where that was not looked at.
    """

    position: int
    bound: float
    plans: tuple[CityPlan, ...]
    cpu_s: float
    cover_bound: float = math.inf


class _City:
    """The city at the prices of its task; plans are option positions per site of ``sized``."""

    def __init__(self, task: CityTask) -> None:
        part = task.part
        self.task, self.part = task, part
        coverage, rules = part.problem.coverage, part.problem.rules
        value = coverage.value.copy()
        value[part.border] = task.multiplier
        price = np.tensordot(task.price, part.use, axes=1)
        priced = replace(coverage, value=value, rules=replace(rules, cost=price))
        self.problem: SizedCoverageProblem = replace(part.problem, coverage=priced)
        fits = part.problem.capacity > 0
        self.site_price = np.where(fits, price, np.inf).min(axis=1, initial=np.inf)
        self.rows: CoverRows = merge_rows(replace(priced, rules=rules.locks_and_most()))
        self.sized: SizedRows = merge_sized_rows(self.problem)
        self.position = np.full(coverage.num_sites, CLOSED)
        self.position[self.sized.site_idx] = np.arange(self.sized.num_sites)
        self.forced = np.flatnonzero(rules.forced)
        self.row_price = self.site_price[self.rows.site_idx]
        self.forced_price = math.fsum(self.site_price[self.forced])
        num_forced = len(self.forced)
        self.most = min(part.most - num_forced, self.rows.num_sites)
        self.least = min(max(part.least - num_forced, 0), self.most)

    def plain_worth(self, plan: IntArray) -> float:
        """What a set of free sites (positions in ``rows``) is worth if capacity did not bind."""
        covered = plan_value(self.rows, swap_tables(self.rows, plan))
        return covered - math.fsum(self.row_price[plan]) - self.forced_price

    def cheapest_options(self, plan: IntArray) -> IntArray:
        """Cheapest type at each of the plan's sites and the forced ones."""
        sites = np.union1d(self.forced, self.rows.site_idx[plan])
        short = self.part.least - len(sites)
        if short > 0:
            closed = np.setdiff1d(np.arange(len(self.site_price)), sites)
            cheap = closed[np.argsort(self.site_price[closed], kind="stable")[:short]]
            sites = np.union1d(sites, cheap)
        option = np.full(self.sized.num_sites, CLOSED, dtype=np.int64)
        at = self.position[sites]
        option[at] = self.sized.option_ptr[at]
        return option

    def worth(self, option: IntArray) -> tuple[float, FloatArray, FloatArray]:
        """Value served less prices, shares served by row, and prices of capacity by site."""
        chosen = option[option != CLOSED]
        capacity = np.where(option != CLOSED, self.sized.capacity[option], -1.0)
        service = best_service(self.sized, capacity)
        value = math.fsum(self.sized.value * service.served_frac)
        return value - math.fsum(self.sized.cost[chosen]), service.served_frac, service.site_price

    def enlarge(self, option: IntArray) -> IntArray:
        """Exchange full stations for the next larger type while that pays."""
        option = option.copy()
        best, _, site_price = self.worth(option)
        tried = np.zeros(len(option), dtype=np.bool_)
        while True:
            can = (option != CLOSED) & (option + 1 < self.sized.option_ptr[1:]) & ~tried
            sites = np.flatnonzero(can & (site_price > 0.0))
            if len(sites) == 0:
                return option
            now, larger = option[sites], option[sites] + 1
            profit = site_price[sites] * (self.sized.capacity[larger] - self.sized.capacity[now])
            profit -= self.sized.cost[larger] - self.sized.cost[now]
            at = int(np.argmax(profit))
            tried[sites[at]] = True
            if profit[at] <= 0.0:
                return option
            option[sites[at]] += 1
            after, _, new_site_price = self.worth(option)
            if after > best:
                best, site_price = after, new_site_price
                tried[sites[at]] = False
            else:
                option[sites[at]] -= 1

    def city_plan(self, option: IntArray) -> CityPlan:
        """The plan as a column of the master."""
        part, sized = self.part, self.sized
        at = np.flatnonzero(option != CLOSED)
        site, kind = sized.site_idx[at], sized.option_type[option[at]]
        _, served, _ = self.worth(option)
        has_row = sized.row_of_zone >= 0
        served_frac = np.zeros(len(has_row))
        served_frac[has_row] = served[sized.row_of_zone[has_row]]
        border_frac = served_frac[part.border]
        on_border = border_frac > 0.0
        inner = np.ones(len(has_row), dtype=np.bool_)
        inner[part.border] = False
        return CityPlan(
            part=self.task.position,
            site_idx=part.site_idx[site],
            type_idx=kind,
            use=np.array([math.fsum(use[site, kind]) for use in part.use]),
            inner_value=math.fsum(part.problem.coverage.value[inner] * served_frac[inner]),
            border_idx=part.border_idx[on_border],
            border_frac=border_frac[on_border],
        )


def answer_city(task: CityTask, stop: StopRequest | None = None) -> CityAnswer:
    """Find plans of a city at given prices, and bound what any is worth.

    Parameters
    ----------
    task : CityTask
    stop : StopRequest, optional
        Ends the search; what is known by then is returned.

    Returns
    -------
    CityAnswer
        The bound is valid whatever ended the search.
    """
    started = work_s()
    city = _City(task)
    rng = np.random.default_rng([task.seed, task.part.city])
    start = np.flatnonzero(np.isin(city.rows.site_idx, task.start))
    plan = _search(city, start, city.least, city.most, task.num_moves, rng)
    option = city.enlarge(city.cheapest_options(plan))
    best = city.worth(option)[0]
    by_number: dict[int, IntArray] = {}
    if city.plain_worth(plan) - best > max(task.allowed_gap, SCIP_TOLERANCE * abs(best)):
        known = city.enlarge(city.cheapest_options(start))
        if city.worth(known)[0] > best:
            option = known
        option, by_number = _with_room(city, option, rng)
        best = city.worth(option)[0]
    bound = cover_bound = math.inf
    if task.seconds > 0.0 and task.bound - best <= task.allowed_gap:
        bound = task.bound
    elif task.seconds > 0.0:
        plan, bound = _plain_answer(city, plan, best, started, stop)
        cover_bound = bound
        plain_option = city.enlarge(city.cheapest_options(plan))
        if city.worth(plain_option)[0] > best:
            option, best = plain_option, city.worth(plain_option)[0]
        if bound - best > max(task.allowed_gap, SCIP_TOLERANCE * abs(best)):
            option, bound = _sized_answer(city, option, bound, started, stop)
            best = city.worth(option)[0]
    options = [option, *_neighbours(city, option, by_number, rng)]
    return CityAnswer(
        position=task.position,
        bound=max(bound, best),
        plans=tuple(city.city_plan(each) for each in options),
        cpu_s=work_s() - started,
        cover_bound=cover_bound,
    )


def _search(
    city: _City, start: IntArray, least: int, most: int, num_moves: int, rng: np.random.Generator
) -> IntArray:
    if city.rows.num_sites == 0:
        return start
    tuning = city.task.tuning
    scale = float(city.row_price.mean())
    scale = max(scale, 1e-3 * float(site_worth(city.rows, city.rows.value).mean()))
    return priced_search(
        city.rows,
        city.row_price,
        start,
        Number(least, most),
        Schedule(num_moves, tuning.hot_frac * scale, tuning.cold_frac * scale),
        rng,
    )


def _with_room(
    city: _City, option: IntArray, rng: np.random.Generator
) -> tuple[IntArray, dict[int, IntArray]]:
    """The plan with stations moved to where full ones turn load away: descent by rebuilding.

    Also returns the best plan seen with each number of stations.
    """
    sized, tuning = city.sized, city.task.tuning
    prices = OptionPrices(sized.cost, np.zeros(sized.num_options))
    plan = plan_of(sized, prices, option)
    by_number: dict[int, SizedPlan] = {}
    for _ in range(tuning.rebuilds_per_station * int((option != CLOSED).sum())):
        other = rebuild_step(sized, prices, plan, rng)
        number = int((other.option != CLOSED).sum())
        if number not in by_number or other.objective > by_number[number].objective:
            by_number[number] = other
        if other.objective >= plan.objective:
            plan = other
    return plan.option, {number: each.option for number, each in by_number.items()}


def _neighbours(
    city: _City, option: IntArray, by_number: dict[int, IntArray], rng: np.random.Generator
) -> list[IntArray]:
    """Plans with a few stations more or less: those known, otherwise by covering."""
    best = np.flatnonzero(np.isin(city.rows.site_idx, city.sized.site_idx[option != CLOSED]))
    numbers = {len(best) + step for step in city.task.around}
    numbers |= {round(len(best) * frac) for frac in city.task.around_frac}
    plans = []
    for number in sorted(numbers - {len(best)}):
        if number in by_number:
            plans.append(by_number[number])
        elif city.least <= number <= city.most:
            near = _search(city, best, number, number, city.task.num_moves // 8, rng)
            plans.append(city.enlarge(city.cheapest_options(near)))
    return plans


def _plain_answer(
    city: _City, plan: IntArray, best: float, started: float, stop: StopRequest | None
) -> tuple[IntArray, float]:
    """Best plan and bound without capacity; ``best`` is the worth with it of a known plan."""
    plain = city.plain_worth(plan)
    multiplier, price_of_most = _linear_relaxation(city)
    worth = site_worth(city.rows, multiplier)
    profit = worth - city.row_price - price_of_most
    constant = math.fsum(
        (
            city.rows.base_value,
            math.fsum(city.rows.value - multiplier),
            -city.forced_price,
            price_of_most * city.most,
        )
    )
    bound = math.fsum((constant, math.fsum(np.maximum(profit, 0.0))))
    target = max(city.task.allowed_gap, SCIP_TOLERANCE * abs(plain))
    lost = plain - best
    if bound - plain <= target or lost > city.task.tuning.lost_frac * abs(plain):
        return plan, bound
    # What capacity takes is the least that a bound without it leaves.
    is_most = lost <= max(target, 0.5 * (bound - plain))
    seconds = city.task.seconds * (1.0 if is_most else city.task.tuning.plain_share)
    slack = bound - plain + 1e-9 * max(abs(plain), 1.0)
    ends_at = started + seconds
    return _branch(city, plan, plain, bound, (profit > slack, -profit > slack), ends_at, stop)


def _linear_relaxation(city: _City) -> tuple[FloatArray, float]:
    """Duals of covering, clipped into [0, w], and of the most stations."""
    rows = replace(city.rows, num_stations=city.most)
    if rows.num_rows == 0:
        return np.empty(0), 0.0
    model = replace(_priced_mip(rows, city.row_price), integer=None)
    dual = solve_linear(model.to_ortools()).duals
    if dual is None:
        return rows.value.copy(), 0.0
    return np.clip(-dual[: rows.num_rows], 0.0, rows.value), max(float(dual[rows.num_rows]), 0.0)


def _priced_mip(rows: CoverRows, price: FloatArray, *, hint: IntArray | None = None) -> LinearModel:
    return replace(coverage_mip(rows, hint=hint), objective=np.r_[-price, rows.value])


def _branch(
    city: _City,
    plan: IntArray,
    plain: float,
    bound: float,
    fixed: tuple[BoolArray, BoolArray],
    ends_at: float,
    stop: StopRequest | None,
) -> tuple[IntArray, float]:
    """Let SCIP find a better plan among sites that reduced costs leave, or prove there is none."""
    rows, task = city.rows, city.task
    always_open, never_open = fixed
    rest = merge_rows(
        CoverageProblem(
            rows.value,
            rows.rows_of_site,
            replace(
                SiteRules.free(rows.num_sites, city.most), forced=always_open, forbidden=never_open
            ),
        )
    )
    outside = math.fsum(
        (rows.base_value, -city.forced_price, -math.fsum(city.row_price[always_open]))
    )
    is_open = np.zeros(rows.num_sites, dtype=np.bool_)
    is_open[plan] = True
    if rest.num_sites == 0 or rest.num_stations <= 0:
        only = np.flatnonzero(always_open)
        only_worth = city.plain_worth(only)
        return (only, only_worth) if only_worth > plain else (plan, plain)
    hint = np.flatnonzero(is_open[rest.site_idx])[: rest.num_stations]
    model = _priced_mip(rest, city.row_price[rest.site_idx], hint=hint)
    result = solve_mip(
        replace(model, offset=rest.base_value + outside).to_ortools(),
        time_limit_s=max(ends_at - work_s(), 0.1),
        node_limit=task.node_limit,
        seed=task.seed,
        stop=stop,
        proving=True,
    )
    if result.values is not None:
        found = rest.site_idx[result.values[: rest.num_sites] > 0.5]
        candidate = np.union1d(found, np.flatnonzero(always_open))
        worth = city.plain_worth(candidate)
        if worth > plain:
            plan, plain = candidate, worth
    if math.isfinite(result.bound):
        bound = min(bound, max(result.bound, plain))
        if result.status is Status.OPTIMAL and bound - plain <= SCIP_TOLERANCE * abs(plain):
            bound = plain
    return plan, bound


def _sized_answer(
    city: _City, option: IntArray, bound: float, started: float, stop: StopRequest | None
) -> tuple[IntArray, float]:
    """Best plan and bound with capacity and the least number of stations."""
    task, sized = city.task, city.sized
    left = task.seconds - (work_s() - started)
    worth = city.worth(option)[0]
    if left <= 0.0:
        return option, bound
    at = np.flatnonzero(option != CLOSED)
    solution = solve_sized_coverage(
        city.problem,
        SolveOptions(
            gap_frac=min(max(task.allowed_gap / max(abs(worth), 1e-9), 0.0), 1.0),
            time_limit_s=left,
            seed=task.seed,
            deterministic=task.node_limit is not None,
        ),
        money_price=1.0,
        tuning=SizedTuning(proving=True),
        hint=(sized.site_idx[at], sized.option_type[option[at]]),
        stop=stop,
    )
    found = np.full(sized.num_sites, CLOSED, dtype=np.int64)
    for site, kind in zip(solution.open_site_idx, solution.type_idx, strict=True):
        place = city.position[site]
        options = np.arange(sized.option_ptr[place], sized.option_ptr[place + 1])
        found[place] = options[sized.option_type[options] == kind][0]
    better = found if city.worth(found)[0] > worth else option
    return better, min(bound, solution.proof.bound)
