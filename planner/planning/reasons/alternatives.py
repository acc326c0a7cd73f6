"""Plans nearly as good as a finished siting that stand elsewhere, as tables with labels.

Takes a `Sited`, gives what can differ within a loss: found, and proven at most; a portfolio of
plans; sites and places by how often they are used; what stations more and fewer cost by city.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import h3
import numpy as np
import pandas as pd

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import InfeasibleError, NoPlanError
from planner.models.alternatives.portfolio import Portfolio, count_plans, find_portfolio
from planner.models.alternatives.result import CityAlternatives, Places, Plan, Posed
from planner.models.alternatives.sweep import (
    Point,
    curve_of,
    loss_frac,
    new_places,
    num_new,
    sweep_rewards,
)
from planner.planning.reasons.sited import Sited
from planner.planning.siting.question import SitingTask, ask_of
from planner.solving.compiling import work_s
from planner.solving.progress import StopRequest
from planner.solving.rules import CityLimits

STEPS = (-10, -5, -2, -1, 1, 2, 5, 10)
"""Stations more and fewer of a city whose costs are told."""
NUM_POINTS = 8
"""Rewards of the sweep at most."""
SWEEP_SHARE, PORTFOLIO_SHARE = 0.4, 0.4
"""Of the time; the cities have the rest."""
MOST_POINT_S, MOST_PLAN_S, LEAST_S = 10.0, 5.0, 0.2
"""For one reward and one plan of the portfolio."""
MOST_REASONS_S = 20.0
"""For lower ends of replacement and force-in costs, where cities prove nothing."""


@dataclass(frozen=True)
class Alternatives:
    """Tables, one row per what their names say.

    Attributes
    ----------
    plans : DataFrame
        ``plan, objective, loss_frac, stations, places_differ, sites_differ, moved_swaps_per_day,
        share_of_bonus``; plan 0 is that of the run.
    curve : DataFrame
        ``within_frac, counted_from, places_found, places_proven_most, sites_found``; missing
        where no plan within the loss is known, or where there is proven to be none.
    sites : DataFrame
        ``site_id, city_id, lon, lat, frequency_frac, in_plan, label, proven``.
    hexagons : DataFrame
        ``h3, in_plan, least, most, mean``: stations at places that any plan uses.
    city_steps : DataFrame
        ``city_id, name_en, stations, step, cost_found, cost_low`` [unit of the objective].
    within_frac : float
        Loss of the portfolio's plans at most, and of what is proven of sites.
    notes : tuple of str
        What a reader should know.
    """

    plans: pd.DataFrame
    curve: pd.DataFrame
    sites: pd.DataFrame
    hexagons: pd.DataFrame
    city_steps: pd.DataFrame
    within_frac: float
    notes: tuple[str, ...]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name."""
        return {
            "alternative_plans": self.plans,
            "alternative_curve": self.curve,
            "alternative_sites": self.sites,
            "alternative_hexagons": self.hexagons,
            "city_steps": self.city_steps,
        }


def find_alternatives(
    sited: Sited,
    within: Sequence[float] = (0.001, 0.005, 0.01),
    plans: int = 12,
    *,
    portfolio_within: float | None = None,
    on_step: Callable[[str], None] = lambda _: None,
    stop: StopRequest | None = None,
) -> Alternatives:
    """How else the stations of a finished siting could stand.

    Parameters
    ----------
    sited : Sited
        ``task.options`` sets time, seed and workers.
    within : sequence of float
        Losses as shares of the objective, > 0.
    plans : int
        Of the portfolio, that of the run among them, >= 1.
    portfolio_within : float, optional
        Loss of the portfolio's plans at most; the largest of ``within`` if not given.
    on_step : callable, optional
        Told in words of each step.
    stop : StopRequest, optional
        Ends the search; the tables tell what is known by then.

    Raises
    ------
    ValueError
        If no loss, one that is not in (0, 1], or no plan is asked for.
    """
    losses = sorted({float(eps) for eps in within})
    if not losses or not (losses[0] > 0.0 and losses[-1] <= 1.0) or plans < 1:
        raise ValueError("losses must lie in (0, 1], and plans be at least 1")
    asked = losses[-1] if portfolio_within is None else portfolio_within
    started = work_s()
    task, stop = sited.task, stop or sited.task.stop
    pose = ask_of(sited.instance).posed
    if pose is None:
        raise ValueError("the objective has no alternatives")
    places = Places.of(sited.place_of_site)
    posed = pose(task, sited.siting, sited.allocation, places)
    reference, limit_s = posed.reference, min(task.options.time_limit_s, 3600.0)

    def told(point: Point) -> None:
        if point.plan is not None:
            lost = loss_frac(point.plan, reference)
            differ = num_new(places, point.plan, reference)
            on_step(f"{differ:,} places differ at a loss of {lost:.2%}")

    points = sweep_rewards(
        posed.rewarded,
        places,
        reference,
        [*losses, asked],
        num_points=NUM_POINTS,
        seconds=min(max(SWEEP_SHARE * limit_s / NUM_POINTS, LEAST_S), MOST_POINT_S),
        seed=task.options.seed,
        stop=stop,
        on_point=told,
    )
    portfolio = _portfolio(posed, places, points, asked, plans, limit_s, sited, on_step, stop)
    left_s = max(limit_s - (work_s() - started), LEAST_S)
    cities = _cities(sited, posed, asked, left_s, stop)
    on_step(f"{len(cities)} cities asked for more and fewer stations")
    better = min(loss_frac(plan, reference) for plan in _known(points, portfolio))
    return Alternatives(
        plans=_plan_table(sited, places, portfolio),
        curve=_curve_table(sited, places, points, portfolio, losses),
        sites=_site_table(sited, portfolio, places, *_proven(sited, reference, cities, asked)),
        hexagons=_hexagon_table(portfolio, places),
        city_steps=_step_table(sited, cities),
        within_frac=asked,
        notes=_notes(posed, asked, len(portfolio.plans), better),
    )


def _portfolio(
    posed: Posed,
    places: Places,
    points: list[Point],
    within: float,
    num_plans: int,
    limit_s: float,
    sited: Sited,
    on_step: Callable[[str], None],
    stop: StopRequest | None,
) -> Portfolio:
    """Plans from the reward that lost just little enough."""
    fit = [
        point
        for point in points
        if point.plan is not None and loss_frac(point.plan, posed.reference) <= within
    ]
    mean_worth = abs(posed.reference.gain) / max(len(posed.reference.open_site_idx), 1)
    return find_portfolio(
        posed.rewarded,
        places,
        posed.reference,
        within,
        num_plans=num_plans,
        beta=fit[-1].beta if fit else 1e-3 * max(mean_worth, 1e-12),
        seconds=min(max(PORTFOLIO_SHARE * limit_s / (2 * num_plans), LEAST_S), MOST_PLAN_S),
        seed=sited.task.options.seed,
        known=[point.plan for point in fit[-1:] if point.plan is not None],
        stop=stop,
        on_plan=lambda plan: on_step(f"a plan that loses {loss_frac(plan, posed.reference):.2%}"),
    )


def _known(points: list[Point], portfolio: Portfolio) -> list[Plan]:
    return [*portfolio.plans, *(plan for point in points for plan in point.plans)]


def _cities(
    sited: Sited, posed: Posed, within: float, limit_s: float, stop: StopRequest | None
) -> list[CityAlternatives]:
    if posed.cities is not None:
        began, found = work_s(), []
        for each in posed.cities(STEPS, (within,), stop):
            found.append(each)
            if work_s() - began > limit_s and not sited.task.options.deterministic:
                break
        return sorted(found, key=lambda each: each.city)
    return _cities_by_solving(sited, limit_s, stop)


def _cities_by_solving(
    sited: Sited, limit_s: float, stop: StopRequest | None
) -> list[CityAlternatives]:
    """The question anew with so many stations in one city and the numbers of all others kept.

    Nothing is paid for a station beside what the objective counts. Cities with most stations come
    first, steps of one before others, as far as time goes.
    """
    task, siting, solve = sited.task, sited.siting, ask_of(sited.instance).solve
    limits = task.problem.rules.cities_or_one()
    number = np.bincount(limits.city_idx[siting.open_site_idx], minlength=len(limits.min_stations))
    usable = np.bincount(limits.city_idx[task.problem.rules.usable], minlength=len(number))
    sign = 1.0 if siting.sense == "max" else -1.0
    began = work_s()
    found: dict[int, list[tuple[int, float, float]]] = {}
    for step in sorted(STEPS, key=abs):
        for city in np.argsort(-number, kind="stable").tolist():
            left_s = limit_s - (work_s() - began)
            if left_s <= 0.0 or (stop is not None and stop.is_set()):
                break
            wanted = number[city] + step
            most = min(limits.max_stations[city], usable[city])
            if not limits.min_stations[city] <= wanted <= most:
                continue
            fixed = number.copy()
            fixed[city] = wanted
            try:
                other = solve(_with_numbers(sited, limits, fixed, min(left_s, MOST_POINT_S)))
            except (InfeasibleError, NoPlanError):
                continue
            costs = [sign * (siting.objective - each) for each in (other.objective, other.bound)]
            found.setdefault(city, []).append((step, costs[0], min(costs)))
    none = np.zeros((0, 0), dtype=np.bool_)
    ordered = {city: sorted(rows) for city, rows in sorted(found.items())}
    return [
        CityAlternatives(
            city=city,
            stations=int(number[city]),
            step=np.array([step for step, _, _ in rows], dtype=np.int64),
            cost_found=np.array([cost for _, cost, _ in rows]),
            cost_low=np.array([low for _, _, low in rows]),
            site_idx=np.empty(0, np.int64),
            must=none,
            never=none,
        )
        for city, rows in ordered.items()
    ]


def _with_numbers(sited: Sited, limits: CityLimits, number: IntArray, limit_s: float) -> SitingTask:
    task = sited.task
    rules = replace(
        task.problem.rules,
        cities=replace(limits, min_stations=number, max_stations=number),
        most=int(number.sum()),
    )
    coverage = replace(task.problem.coverage, rules=rules)
    return replace(
        task,
        problem=replace(task.problem, coverage=coverage),
        options=replace(task.options, time_limit_s=max(limit_s, LEAST_S)),
        earlier=None,
        on_progress=None,
    )


def _proven(
    sited: Sited, reference: Plan, cities: list[CityAlternatives], within: float
) -> tuple[BoolArray, BoolArray]:
    """Sites in every plan within the loss, and in none: by locks, by cities, by lower ends."""
    rules = sited.task.problem.rules
    must, never = rules.forced.copy(), rules.forbidden.copy()
    for each in cities:
        if len(each.must):
            must[each.site_idx[each.must[0]]] = True
            never[each.site_idx[each.never[0]]] = True
    ask = ask_of(sited.instance)
    if ask.reasons is not None and not any(len(each.must) for each in cities):
        options = sited.task.options
        limit_s = min(options.time_limit_s, MOST_REASONS_S)
        task = replace(sited.task, options=replace(options, time_limit_s=limit_s))
        found = ask.reasons(task, sited.siting, sited.allocation)
        if found.improved is None:
            slack = within * abs(reference.gain)
            must[found.open_site_idx[found.replacement_low > slack]] = True
            never[found.closed_site_idx[found.force_in_low > slack]] = True
    return must, never


def _plan_table(sited: Sited, places: Places, portfolio: Portfolio) -> pd.DataFrame:
    reference, allocation = portfolio.plans[0], sited.allocation
    swaps = sited.task.problem.coverage.value[allocation.zone_idx] * allocation.share_frac
    place = places.of_site[sited.siting.open_site_idx[allocation.station_idx]]
    sign = 1.0 if sited.siting.sense == "max" else -1.0
    rows = []
    for number, plan in enumerate(portfolio.plans):
        gone = ~places.used_by(plan.open_site_idx)[place]
        rows.append(
            {
                "plan": number,
                "objective": sign * plan.gain,
                "loss_frac": loss_frac(plan, reference),
                "stations": len(plan.open_site_idx),
                "places_differ": num_new(places, plan, reference),
                "sites_differ": len(np.setdiff1d(plan.open_site_idx, reference.open_site_idx)),
                "moved_swaps_per_day": math.fsum(swaps[gone]),
                "share_of_bonus": float(portfolio.earned_frac[number]),
            }
        )
    return pd.DataFrame(rows)


def _curve_table(
    sited: Sited,
    places: Places,
    points: list[Point],
    portfolio: Portfolio,
    within: Sequence[float],
) -> pd.DataFrame:
    """Counted from the plan, and from the least bound on all plans that is known."""
    reference, rules = portfolio.plans[0], sited.task.problem.rules
    sign = 1.0 if sited.siting.sense == "max" else -1.0
    bounds = [point.bound for point in points]
    if not sited.siting.claimed:
        bounds.append(sign * sited.siting.bound)
    tops = {"plan": reference.gain, "bound": max(min(bounds, default=math.inf), reference.gain)}
    free = new_places(places, reference)
    free &= np.bincount(places.of_site[rules.usable], minlength=places.num_places) > 0
    most_new = min(rules.most - rules.num_forced, int(free.sum()))
    tables = []
    for counted_from, top in tops.items():
        if not math.isfinite(top):
            continue
        curve = curve_of(
            points, portfolio.plans, places, reference, within, top=top, most_new=most_new
        )
        tables.append(
            pd.DataFrame(
                {
                    "within_frac": curve.within_frac,
                    "counted_from": counted_from,
                    "places_found": _known_number(curve.places_found),
                    "places_proven_most": _known_number(curve.places_proven_most),
                    "sites_found": _known_number(curve.sites_found),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _known_number(number: IntArray) -> FloatArray:
    """Missing where there is no such plan."""
    return np.where(number < 0, np.nan, number.astype(np.float64))


def _site_table(
    sited: Sited, portfolio: Portfolio, places: Places, must: BoolArray, never: BoolArray
) -> pd.DataFrame:
    """A site is proven optional by plans with and without it."""
    frequency = count_plans(portfolio.plans, places).site_frequency
    in_plan = np.zeros(len(frequency), dtype=np.bool_)
    in_plan[sited.siting.open_site_idx] = True
    label = np.select(
        [must & in_plan, never & ~in_plan, frequency >= 1.0, frequency <= 0.0],
        ["must_have", "never", "seen_in_all", "not_seen"],
        default="optional",
    )
    sites = sited.instance.sites
    return pd.DataFrame(
        {
            "site_id": sites["site_id"].to_numpy(),
            "city_id": sites["city_id"].to_numpy(),
            "lon": sites["lon"].to_numpy(float),
            "lat": sites["lat"].to_numpy(float),
            "frequency_frac": frequency,
            "in_plan": in_plan,
            "label": label,
            "proven": np.isin(label, ["must_have", "never", "optional"]),
        }
    )


def _hexagon_table(portfolio: Portfolio, places: Places) -> pd.DataFrame:
    counts = count_plans(portfolio.plans, places)
    used = np.flatnonzero(counts.place_most > 0)
    return pd.DataFrame(
        {
            "h3": [h3.int_to_str(name) for name in places.name[used].tolist()],
            "in_plan": places.count(portfolio.plans[0].open_site_idx)[used],
            "least": counts.place_least[used],
            "most": counts.place_most[used],
            "mean": counts.place_mean[used],
        }
    )


def _step_table(sited: Sited, cities: list[CityAlternatives]) -> pd.DataFrame:
    table = sited.instance.cities
    repeated = np.repeat(
        np.array([each.city for each in cities], dtype=np.int64),
        [len(each.step) for each in cities],
    )
    columns: dict[str, IntArray | FloatArray] = {
        "stations": np.repeat(
            np.array([each.stations for each in cities], dtype=np.int64),
            [len(each.step) for each in cities],
        ),
        "step": np.concatenate([np.empty(0, np.int64), *(each.step for each in cities)]),
        "cost_found": np.concatenate([np.empty(0), *(each.cost_found for each in cities)]),
        "cost_low": np.concatenate([np.empty(0), *(each.cost_low for each in cities)]),
    }
    names = {
        name: table[name].to_numpy()[repeated] for name in ("city_id", "name_en") if name in table
    }
    return pd.DataFrame({**names, **columns})


def _notes(posed: Posed, within: float, num_plans: int, better: float) -> tuple[str, ...]:
    by_city = posed.cities is not None
    notes = [
        f"Frequencies count {num_plans} plan{'s' if num_plans > 1 else ''} with a loss of "
        f"{within:.3g} of the objective at most, that of the run among them.",
        "Must have and never are proven for losses of that share "
        + ("of what a city's stations add, all other cities kept." if by_city else "as well."),
    ]
    if not by_city:
        notes.append(
            "Stations more and fewer cost what the objective counts and nothing beside it; the "
            "other cities keep their numbers of stations."
        )
    if better < 0.0:
        notes.append(
            f"A plan better than that of the run by {-better:.2%} was found on the way; losses are "
            "counted from the plan of the run."
        )
    return tuple(notes)
