"""The stages of planning, called in order: instance in, checked plan out."""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.compliance.declared import check_declarations
from planner.errors import NoPlanError
from planner.instance import Instance, check_futures, curve_sets
from planner.network import Reach
from planner.physics.climate import CityClimate, city_climate
from planner.physics.fleet import FleetOperation, check_turns, operate_fleet
from planner.physics.range_table import range_curves
from planner.planning.array_cache import ArrayCache
from planner.planning.check_plan import evaluate
from planner.planning.clock import StageClock
from planner.planning.confirm import confirm, day_tables
from planner.planning.contested import contested_curves
from planner.planning.corridors.labels import corridors_of_plan
from planner.planning.corridors.limits import check_road_limits
from planner.planning.corridors.roads import CorridorRoads, prepare_roads
from planner.planning.earlier_gates import gate_savings, unknown_savings
from planner.planning.futures.confirm import recompute_futures
from planner.planning.futures.hedge import Hedged, hedge
from planner.planning.futures.tables import future_tables
from planner.planning.joined_network import (
    JoinedNetwork,
    areas_of_stations,
    audit,
    is_connected,
    network_assumptions,
    reach_on_network,
)
from planner.planning.label import label_plan, list_assumptions
from planner.planning.limits import check_limits
from planner.planning.market_tables import market_tables
from planner.planning.pack_prices import with_pack_values
from planner.planning.phasing.label import own_bounds, with_phase_values
from planner.planning.phasing.openings import Phased, phase_openings
from planner.planning.reasons.sited import Sited, sited_of_plan
from planner.planning.reasons.stations import (
    against_plan,
    candidate_columns,
    find_reasons,
    station_columns,
)
from planner.planning.reasons.stored import siting_tables
from planner.planning.result import Checked, Planned
from planner.planning.rounds import Fitted, fit_packs_and_stations
from planner.planning.siting.question import ask_of
from planner.plans import Evaluation, Plan
from planner.plans.currency import in_currency
from planner.plans.derived import Derived, derive
from planner.plans.reasons import explain_candidates
from planner.plans.reasons_check import check_reasons
from planner.plans.worth import Reached
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.usage import give_back

Made = TypeVar("Made")
FOR_GOOD_TIME_FRAC = 1 / 3
"""Of the siting's time, for the stations of the planning quarter where openings follow."""
STARTING_TIME_FRAC = 0.25
"""Of the time for openings, that those for the tables take where many futures are planned for."""
OWN_BOUNDS_TIME_FRAC = 0.1
"""On top of the siting's time, for the bounds of each period alone."""


def plan(
    instance: Instance,
    *,
    clock: StageClock | None = None,
    stop: StopRequest | None = None,
    cache: ArrayCache | None = None,
    executor: Executor | None = None,
    on_ready: Callable[[str, object], None] = lambda name, thing: None,
) -> Planned:
    """Plan an instance: sites, packs, station sizes, and the check of them all.

    Parameters
    ----------
    instance : Instance
        From `read_instance`; limits, seed and workers stand in its scenario.
    clock : StageClock, optional
        Times the stages; ``StageClock(print)`` shows stages, incumbent, bound and gap.
    stop : threading.Event or alike, optional
        When set, the siting model ends with its best plan so far.
    cache : ArrayCache, optional
        Keeps road graph, reach, first packs and where the siting search ends for other scenarios
        of the same tables.
    executor : concurrent.futures.Executor, optional
        Where the cities of the siting model are solved, for example a Dask client's
        ``get_executor()``; processes of this machine otherwise.
    on_ready : callable
        Called with ``"instance"`` and the instance when work on it begins, and with ``"zones"``
        and a `Checked` as soon as the plan has passed its check, so that layers can be made
        beside what follows.

    Returns
    -------
    Planned
        The plan has passed `check_plan`.

    Raises
    ------
    InputError
        If a pack's turn in a bay would take longer than a day.
    InfeasibleError
        If no plan satisfies the limits, with the reason.
    CheckError
        If the plan fails its check: a defect.
    """
    check_limits(instance)
    check_futures(instance)
    check_declarations(instance)
    on_ready("instance", instance)
    given = _prepare(instance, clock or StageClock(), stop, cache, executor)
    stationed = _plan_stations(given)
    with ThreadPoolExecutor(1) as pool:
        beside = _begin_beside(given, stationed.fitted, pool)
        checked = _check(given, stationed)
        on_ready("zones", Checked(checked.plan, checked.evaluation))
        checked = _follow_days(given, checked, pool)
        evaluation, candidates = _reason(given, stationed, checked)
        checked = replace(checked, evaluation=evaluation)
        gates = _value_gates(given, beside)
        checked = _follow_curves(given, checked, beside)
    return _gather(given, stationed, checked, candidates, gates)


@dataclass(frozen=True)
class _Given:
    """What every stage is told.

    Attributes
    ----------
    network : JoinedNetwork or None
        None where drive times are stated.
    roads : CorridorRoads or None
        None where no corridors are planned.
    """

    instance: Instance
    climate: CityClimate
    fleet: FleetOperation
    network: JoinedNetwork | None
    reach: Reach
    roads: CorridorRoads | None
    options: SolveOptions
    clock: StageClock
    stop: StopRequest | None
    executor: Executor | None
    cache: ArrayCache | None


@dataclass(frozen=True)
class _Stationed:
    """Packs and stations; over time and for many futures where the scenario asks."""

    fitted: Fitted
    phased: Phased | None
    hedged: Hedged | None
    own_bound_frac: FloatArray
    """Of what each period could serve, planned alone, shape (num_periods,)."""


@dataclass(frozen=True)
class _Checked:
    """A plan that passed its check, and what followed from it so far."""

    plan: Plan
    derived: Derived
    evaluation: Evaluation
    tables: dict[str, pd.DataFrame]
    """Beside those of the check."""


def _prepare(
    instance: Instance,
    clock: StageClock,
    stop: StopRequest | None,
    cache: ArrayCache | None,
    executor: Executor | None,
) -> _Given:
    """Fleet in its climate, network and reach, roads between the cities."""
    with clock.stage("fleet", f"winter range and swaps in {len(instance.cities)} cities"):
        climate = city_climate(instance)
        fleet = operate_fleet(instance, climate)
        check_turns(instance, fleet)
    rows = len(instance.travel_times)
    on = f"{rows:,} stated times" if rows else f"{len(instance.roads):,} roads"
    with clock.stage("network", f"drive-time reach on {on}") as say:
        network, reach = reach_on_network(instance, cache)
        say(f"{len(reach.zone_idx):,} pairs of site and zone within the standard")
    roads = None
    if instance.scenario.corridors.funding != "none":
        with clock.stage("roads", "ways between the cities, and sites along them") as say:
            roads = prepare_roads(instance, fleet, climate)
            say(f"{len(roads.paths.length_km):,} ways, {len(roads.cost):,} sites")
            check_road_limits(instance, roads)
    options = _solve_options(instance)
    return _Given(
        instance, climate, fleet, network, reach, roads, options, clock, stop, executor, cache
    )


def _plan_stations(given: _Given) -> _Stationed:
    """Packs and stations that fit each other, by period and for many futures where asked."""
    instance, fleet, reach, options = given.instance, given.fleet, given.reach, given.options
    clock, stop, executor = given.clock, given.stop, given.executor
    phases, hedges = bool(instance.scenario.periods), instance.scenario.uncertainty.planned
    for_good = _part_of(options, FOR_GOOD_TIME_FRAC) if phases or hedges else options
    fitted = fit_packs_and_stations(
        instance, fleet, reach, for_good, clock, stop, executor, given.roads, given.cache
    )
    phased, own_bound_frac = None, np.full(len(instance.scenario.periods), np.nan)
    if phases:
        left_frac = (1 - FOR_GOOD_TIME_FRAC) * (STARTING_TIME_FRAC if hedges else 1)
        opening = _part_of(options, left_frac)
        phased = phase_openings(instance, fleet, reach, fitted, opening, clock, stop, executor)
        fitted = phased.fitted
        with clock.optional_stage("own bounds", "what each period alone could serve at most"):
            own_bound_frac = own_bounds(phased, _part_of(options, OWN_BOUNDS_TIME_FRAC), stop)
    hedged = None
    if hedges:
        left = _part_of(options, 1 - FOR_GOOD_TIME_FRAC)
        hedged = hedge(instance, fleet, reach, fitted, phased, left, clock, stop, executor)
        fitted, phased = hedged.fitted, hedged.phased
    return _Stationed(fitted, phased, hedged, own_bound_frac)


@dataclass(frozen=True)
class _Beside:
    """What is told of finished stations and packs, made while the plan is checked.

    Each gives its result or raises what went wrong.

    Attributes
    ----------
    gates : callable
        As of `gate_savings`.
    contested : callable or None
        As of `contested_curves`; None with one set of curves.
    ranges : callable
        As of `range_curves`.
    """

    gates: Callable[[], pd.DataFrame]
    contested: Callable[[], tuple[dict[str, float], dict[str, pd.DataFrame]]] | None
    ranges: Callable[[], pd.DataFrame]


def _begin(given: _Given, pool: Executor, make: Callable[[], Made]) -> Callable[[], Made]:
    """Begin in another thread, whose solvers leave this one alone; on one worker, when asked."""
    return make if given.options.workers == 1 else pool.submit(make).result


def _begin_beside(given: _Given, fitted: Fitted, pool: Executor) -> _Beside:
    instance, climate, options = given.instance, given.climate, given.options
    stations, contested = fitted.paid.assumed_stations, None
    if curve_sets(instance.curves):
        curves = partial(contested_curves, instance, climate, stations, options)
        contested = _begin(given, pool, curves)
    return _Beside(
        gates=_begin(given, pool, lambda: gate_savings(instance, fitted, options)),
        contested=contested,
        ranges=_begin(given, pool, lambda: range_curves(instance)),
    )


def _value_gates(given: _Given, beside: _Beside) -> pd.DataFrame:
    """The table of what earlier certificates would save."""
    gates = unknown_savings(given.instance)
    clock = given.clock
    with clock.optional_stage("gates", "what earlier certificates would save") as say:
        gates = beside.gates()
        say(f"{len(gates)} gates open too late for some quarter")
        unknown = int(gates["saving_cny"].isna().sum())
        if unknown:
            clock.leave_out("gates", NoPlanError(f"{unknown} of {len(gates)}: time limit"))
    return gates


def _check(given: _Given, stationed: _Stationed) -> _Checked:
    """The plan in labels, checked without the solver; likewise its futures."""
    instance, hedged = given.instance, stationed.hedged
    result = label_plan(instance, stationed.fitted, stationed.phased)
    if hedged is not None:
        result = replace(result, models=(*result.models, hedged.result))
    with given.clock.stage("check", "every limit and figure recomputed without the solver"):
        audited = audit(instance, given.network, result)
        corridors = None
        if given.roads is not None:
            corridors = corridors_of_plan(instance, given.fleet, given.roads, result)
        derived = derive(instance, given.climate)
        evaluation = evaluate(instance, result, audited, derived, corridors)
    futures: dict[str, pd.DataFrame] = {}
    if hedged is not None:
        what = "what is served in each future recomputed without the solver"
        with given.clock.stage("check", what):
            recomputed = recompute_futures(instance, given.network, hedged)
            futures = future_tables(instance, hedged, recomputed)
    return _Checked(result, derived, evaluation, futures)


def _follow_days(given: _Given, checked: _Checked, pool: Executor) -> _Checked:
    """With days of all stations, hour by hour and driver by driver, and with their drive areas."""
    instance, clock, evaluation = given.instance, given.clock, checked.evaluation
    stations = evaluation.stations
    made = _begin(given, pool, lambda: areas_of_stations(instance, given.network, stations))
    with clock.stage("days", "who comes to each station in every hour, and where drivers go on to"):
        days = day_tables(instance, given.network, checked.plan, evaluation, checked.derived)
    give_back()  # the simulation needs room, beside another process that does for zones
    figures, areas, waits = dict[str, float](), dict[str, pd.DataFrame](), dict[str, pd.DataFrame]()
    with clock.optional_stage("simulation", "a day at every station, driver by driver"):
        figures, waits = confirm(instance, days, clock, given.stop)
    with clock.optional_stage("areas", "from where each station is reached within minutes"):
        areas = made()
    return _with(checked, figures, {**days, **waits, **areas})


def _follow_curves(given: _Given, checked: _Checked, beside: _Beside) -> _Checked:
    """With packs planned anew under each set of curves, and ranges over air temperature."""
    clock = given.clock
    if beside.contested is not None:
        with clock.optional_stage("contested", "packs anew under each set of curves") as say:
            figures, tables = beside.contested()
            checked = _with(checked, figures, tables)
            worth, num = figures["settling_cny"] / 1e6, len(tables["curve_case"])
            say(f"{num} sets: to know which is true is worth {worth:,.1f} M CNY")
    ranges: dict[str, pd.DataFrame] = {}
    with clock.optional_stage("curves", "range over air temperature, class by class"):
        ranges["range_curve"] = beside.ranges()
    return _with(checked, {}, ranges)


def _with(
    checked: _Checked, figures: dict[str, float], tables: dict[str, pd.DataFrame]
) -> _Checked:
    """With further figures and tables."""
    evaluation = checked.evaluation
    return replace(
        checked,
        evaluation=replace(evaluation, kpi={**evaluation.kpi, **figures}),
        tables={**checked.tables, **tables},
    )


def _reason(
    given: _Given, stationed: _Stationed, checked: _Checked
) -> tuple[Evaluation, pd.DataFrame]:
    """Stations with what each is worth, and the table of other sites: why they hold none."""
    instance, reach, clock, fitted = given.instance, given.reach, given.clock, stationed.fitted
    evaluation = checked.evaluation
    with clock.stage("candidates", "why each other site holds no station"):
        reached = Reached(reach.ptr, reach.zone_idx, reach.drive_min)
        connected = is_connected(instance, given.network)
        prices = checked.plan.models[0].prices
        candidates = explain_candidates(instance, evaluation, reached, connected, prices)
    with clock.optional_stage("reasons", "what each station is worth, and each other site") as say:
        evaluation, candidates, told = _with_reasons(
            sited_of_plan(instance, reach, given.fleet, fitted, given.options, given.stop),
            fitted, evaluation, candidates, reached,
        )  # fmt: skip
        say(told)
    return evaluation, candidates


def _gather(
    given: _Given,
    stationed: _Stationed,
    checked: _Checked,
    candidates: pd.DataFrame,
    gates: pd.DataFrame,
) -> Planned:
    """All that was planned and found, with all tables and assumptions."""
    instance, fitted, phased = given.instance, stationed.fitted, stationed.phased
    tables, kpi = checked.evaluation.tables, checked.evaluation.kpi
    figures, of_markets = market_tables(instance, checked.plan, checked.derived, fitted, gates)
    kpi = {**kpi, **figures}
    kpi = {**kpi, **in_currency(kpi, instance.scenario.currency)}
    phases = {}
    if phased is not None:
        phases["phase"] = with_phase_values(tables["phase"], phased, stationed.own_bound_frac)
    return Planned(
        instance,
        checked.plan,
        replace(checked.evaluation, kpi=kpi),
        candidates,
        tables={
            **tables,
            "city_quarter": with_pack_values(instance, tables["city_quarter"], fitted),
            **of_markets,
            "coupling": fitted.rounds,
            **siting_tables(instance, fitted),
            **phases,
            **checked.tables,
        },
        assumptions=list_assumptions(
            instance,
            given.fleet.extrapolated,
            given.climate.suspects,
            network_assumptions(instance, given.network),
            given.roads,
            ask_of(instance).assumptions(instance, fitted.siting_problem),
        ),
        clock=given.clock,
        from_cache=() if given.cache is None else tuple(given.cache.taken),
    )


def _with_reasons(
    sited: Sited,
    fitted: Fitted,
    evaluation: Evaluation,
    candidates: pd.DataFrame,
    reached: Reached,
) -> tuple[Evaluation, pd.DataFrame, str]:
    """Tables of stations and candidates with what each costs the plan, checked; and in words."""
    reasons = fitted.reasons or find_reasons(sited.task, sited.siting, sited.allocation)
    if reasons is None:
        return evaluation, candidates, "not known for this question"
    open_site_idx = sited.siting.open_site_idx
    of_plan = against_plan(reasons, open_site_idx, len(sited.instance.sites))
    with_costs = replace(
        evaluation,
        stations=evaluation.stations.merge(
            station_columns(sited.instance, of_plan), on="site_id", how="left"
        ),
    )
    sites = candidates.merge(candidate_columns(sited.instance, of_plan), on="site_id", how="left")
    check_reasons(sited.instance, with_costs, sites, reached, compares_exchanges=of_plan.left == 0)
    known = of_plan.replacement_cost[np.isfinite(of_plan.replacement_cost)]
    told = "no station has a known replacement"
    if len(known):
        told = f"median {np.median(known):,.4g} {sited.siting.unit} a station"
    left = f"; {of_plan.left} exchanges would improve the plan" if of_plan.left else ""
    return with_costs, sites, told + left


def _part_of(options: SolveOptions, time_frac: float) -> SolveOptions:
    return replace(options, time_limit_s=options.time_limit_s * time_frac)


def _solve_options(instance: Instance) -> SolveOptions:
    solver = instance.scenario.solver
    return SolveOptions(
        gap_frac=solver.gap_frac,
        time_limit_s=solver.time_limit_s,
        seed=solver.seed,
        workers=solver.workers,
        deterministic=solver.deterministic,
    )
