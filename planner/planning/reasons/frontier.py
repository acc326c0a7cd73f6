"""How many stations are enough: the best over their number or over money, as tables.

Packs are those that are planned as if every swap were served: one set for the whole frontier, so
that its points differ by their stations alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.arrays import FloatArray, IntArray
from planner.errors import Fault, InfeasibleError, InputError
from planner.instance import Instance
from planner.models.frontier.result import Frontier, FrontierPlan
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow, smallest_types
from planner.network import Reach
from planner.physics.climate import city_climate
from planner.physics.fleet import check_turns, operate_fleet
from planner.planning.array_cache import ArrayCache
from planner.planning.clock import StageClock
from planner.planning.first_round import first_capacity, first_packs
from planner.planning.joined_network import reach_on_network
from planner.planning.limits import check_limits
from planner.planning.siting.problem import assemble_siting
from planner.planning.siting.question import SitingTask, ask_of
from planner.planning.siting.standing import closing_cost_cny
from planner.plans.question import measure_asked
from planner.plans.station_costs import least_cost
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest

MONEY = "money_cny"
"""Column of a frontier over money."""
NUM_POINTS = 12
"""Of a frontier whose amounts are not stated."""
LEAST_SHARE = 0.5
"""The least share to cover then."""


@dataclass(frozen=True)
class FoundFrontier:
    """A frontier with labels.

    Attributes
    ----------
    over : str
        Column that it runs over: ``stations``, ``money_cny`` or ``covered_frac``.
    unit : str
        Of objective, bound and price.
    tables : dict of str to DataFrame
        ``frontier``, a row for each amount: ``over``, ``objective, bound, gap_frac, served_frac,
        cost_cny, price, is_nested``; ``frontier_bounds``, the bound at all amounts from the first
        to the last: ``over``, ``bound``; ``frontier_sites``, a row for each site that any plan
        opens: ``site_id, city_id, lon, lat, first_number``, the least amount at which it stands.
    notes : tuple of str
        What a reader must know.
    """

    over: str
    unit: str
    tables: dict[str, pd.DataFrame]
    notes: tuple[str, ...]


def find_frontier(
    instance: Instance,
    numbers: Sequence[float] | None = None,
    *,
    money: bool = False,
    time_limit_s: float | None = None,
    clock: StageClock | None = None,
    stop: StopRequest | None = None,
    cache: ArrayCache | None = None,
) -> FoundFrontier:
    """The best plans over the number of stations, money, or the share to cover.

    Parameters
    ----------
    instance : Instance
        From `read_instance`; its scenario states the question and all other limits.
    numbers : sequence of float, optional
        Most stations, budgets for new stations and plots [CNY], or shares to cover where the
        question asks for a share; some over the whole range otherwise.
    money : bool
        Whether ``numbers`` are budgets.
    time_limit_s : float, optional
        For all plans and bounds; that of the scenario's solver otherwise.
    clock : StageClock, optional
        Times the stages.
    stop : threading.Event or alike, optional
        When set, plans and bounds are those found until then.
    cache : ArrayCache, optional
        Keeps road graph, reach, packs and capacities.

    Returns
    -------
    FoundFrontier

    Raises
    ------
    InputError
        If numbers are out of range, or the question has no frontier over money.
    InfeasibleError
        If the least number allows no plan, with the reason.
    """
    check_limits(instance)
    clock, ask = clock or StageClock(), ask_of(instance)
    over = MONEY if money else ask.frontier_over
    if ask.frontier is None or (money and ask.frontier_over != "stations"):
        remedy = "this objective has no frontier over money; leave it out"
        objective = instance.scenario.siting.objective
        raise InputError([Fault("scenario.toml", None, "siting.objective", objective, remedy)])
    asked = None if numbers is None else _checked(numbers, over)
    solver = instance.scenario.solver
    options = SolveOptions(
        gap_frac=solver.gap_frac,
        time_limit_s=solver.time_limit_s if time_limit_s is None else time_limit_s,
        seed=solver.seed,
        workers=solver.workers,
        deterministic=solver.deterministic,
    )
    problem, reach = _problem(instance, options, clock, cache)
    closing_cny = closing_cost_cny(instance) if money else 0.0
    amounts = _usual(instance, problem, over, closing_cny) if asked is None else asked
    task = SitingTask(instance, problem, reach, options, on_progress=clock.from_solver, stop=stop)
    if amounts[0] < closing_cny:
        raise InfeasibleError(
            f"the stations that close cost {closing_cny:,.0f} CNY, the least budget is "
            f"{amounts[0]:,.0f}"
        )
    nested = bool(instance.scenario.periods)
    with clock.stage("frontier", f"{len(amounts)} points over {over}") as say:
        found = ask.frontier(task, amounts - closing_cny, money, nested)
        say(f"gaps up to {100 * found.gap_frac.max():.2f} %")
    with clock.stage("tables", "what each plan serves and costs"):
        tables = {
            "frontier": _points(found, problem, over, amounts),
            "frontier_bounds": pd.DataFrame(
                {over: _column(found.every_amount + closing_cny, over), "bound": found.every_bound}
            ),
            "frontier_sites": _sites(instance, found, amounts),
        }
    return FoundFrontier(
        over, measure_asked(instance.scenario).unit, tables, _notes(instance, nested)
    )


def _checked(numbers: Sequence[float], over: str) -> FloatArray:
    """Numbers that a frontier can run over, ascending, each once."""
    amounts = np.unique(np.asarray(numbers, dtype=np.float64))
    if over == "stations":
        wrong = amounts[(amounts < 1) | (amounts != np.round(amounts))]
        remedy = "numbers of stations are whole and at least 1"
    elif over == MONEY:
        wrong, remedy = amounts[~(amounts >= 0)], "money is at least 0"
    else:
        wrong, remedy = amounts[~((amounts > 0) & (amounts <= 1))], "shares lie in (0, 1]"
    if len(wrong) or len(amounts) == 0:
        values = [f"{each:g}" for each in wrong.tolist()] or [""]
        raise InputError([Fault("numbers", None, over, value, remedy) for value in values])
    return amounts


def _problem(
    instance: Instance, options: SolveOptions, clock: StageClock, cache: ArrayCache | None
) -> tuple[SizedCoverageProblem, Reach]:
    """The siting problem with packs as if every swap were served."""
    with clock.stage("fleet", f"winter range and swaps in {len(instance.cities)} cities"):
        fleet = operate_fleet(instance, city_climate(instance))
        check_turns(instance, fleet)
    with clock.stage("network", "drive-time reach"):
        _, reach = reach_on_network(instance, cache)
    with clock.stage("packs", "packs to cities and vehicles, as if all swaps were served"):
        packs = first_packs(instance, fleet, options, cache)
    with clock.stage("capacity", "rates at which stations keep the service level"):
        capacity = first_capacity(instance, fleet, packs.planned, cache)
    problem = assemble_siting(instance, reach, fleet, packs.planned, capacity.swaps_per_hour)
    return problem, reach


def _usual(
    instance: Instance, problem: SizedCoverageProblem, over: str, closing_cny: float
) -> FloatArray:
    """Amounts over the whole range: up to twice what the scenario asks for."""
    rules, cities = problem.rules, problem.rules.cities_or_one()
    forced = np.bincount(cities.city_idx[rules.forced], minlength=len(cities.min_stations))
    fewest = max(int(np.maximum(cities.min_stations, forced).sum()), 1)
    usable = int((rules.usable & (problem.capacity > 0).any(axis=1)).sum())
    most = max(min(2 * rules.most, usable), fewest)
    if over not in ("stations", MONEY):
        share = instance.scenario.siting.cover_share_frac
        return np.unique(np.linspace(min(LEAST_SHARE, share), share, NUM_POINTS))
    first = max(fewest, math.ceil(most / NUM_POINTS))
    numbers = np.unique(np.round(np.linspace(first, most, NUM_POINTS)))
    if over == "stations":
        return numbers
    cheapest = least_cost(rules.cost, problem.capacity > 0)
    free = cheapest[np.isfinite(cheapest) & ~rules.forced & rules.usable]
    standing = math.fsum(np.nan_to_num(cheapest[rules.forced]))
    mean = float(np.mean(free)) if len(free) else 0.0
    return np.unique(closing_cny + standing + mean * np.maximum(numbers - forced.sum(), 1))


def _column(amounts: FloatArray, over: str) -> NDArray[np.float64] | NDArray[np.int64]:
    """Amounts as a table holds them: stations in whole numbers."""
    return amounts.astype(np.int64) if over == "stations" else amounts


def _points(
    found: Frontier, problem: SizedCoverageProblem, over: str, amounts: FloatArray
) -> pd.DataFrame:
    whole = math.fsum(problem.coverage.value.tolist())
    served, cost = [], []
    is_limited = over == MONEY or math.isfinite(problem.rules.budget)
    for plan in found.plans:
        types = _types(problem, plan, is_limited)
        value = served_flow(problem, plan.open_site_idx, types)[1]
        served.append(value / whole if whole > 0 else 0.0)
        # Sizes that cost the question nothing are the cheapest that carry as much.
        if not is_limited:
            types = smallest_types(problem, plan.open_site_idx, types)
        cost.append(math.fsum(problem.rules.cost[plan.open_site_idx, types]))
    return pd.DataFrame(
        {
            over: _column(amounts, over),
            "objective": found.objective,
            "bound": found.bound,
            "gap_frac": found.gap_frac,
            "served_frac": served,
            "cost_cny": cost,
            "price": found.price,
            "is_nested": found.is_nested,
        }
    )


def _types(problem: SizedCoverageProblem, plan: FrontierPlan, is_limited: bool) -> IntArray:
    """Types of a plan's stations; where it leaves them open, the cheapest or the largest."""
    if plan.type_idx is not None:
        return plan.type_idx.astype(np.int64)
    capacity = problem.capacity[plan.open_site_idx]
    if not is_limited:
        return np.asarray(np.argmax(capacity, axis=1))
    cost = np.where(capacity > 0, problem.rules.cost[plan.open_site_idx], np.inf)
    return np.asarray(np.argmin(cost, axis=1))


def _sites(instance: Instance, found: Frontier, amounts: FloatArray) -> pd.DataFrame:
    """Every site that any plan opens, with the least amount at which it does."""
    first = np.full(len(instance.sites), np.inf)
    for amount, plan in zip(amounts.tolist(), found.plans, strict=True):
        sites = plan.open_site_idx
        first[sites] = np.minimum(first[sites], amount)
    opened = np.isfinite(first)
    table: pd.DataFrame = instance.sites.loc[opened, ["site_id", "city_id", "lon", "lat"]]
    return table.assign(first_number=first[opened]).reset_index(drop=True)


def _notes(instance: Instance, nested: bool) -> tuple[str, ...]:
    notes = ["Packs are planned as if every swap were served, once for all points."]
    if nested:
        notes.append(
            "Openings are planned over time, so the plans are nested; bounds are those of plans "
            "that need not be."
        )
    if instance.scenario.corridors.funding == "national":
        notes.append("Stations between cities are left out: all stations stand in cities.")
    return tuple(notes)
