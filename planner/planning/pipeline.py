"""The stages of planning, called in order: instance in, checked plan out."""

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.errors import NoPlanError
from planner.instance import Instance, check_futures, curve_sets
from planner.physics.climate import city_climate
from planner.physics.fleet import check_turns, operate_fleet
from planner.physics.range_table import range_curves
from planner.planning.array_cache import ArrayCache
from planner.planning.clock import StageClock
from planner.planning.confirm import confirm, day_tables
from planner.planning.contested import contested_curves
from planner.planning.corridors.check import check_corridors
from planner.planning.corridors.labels import corridors_of_plan
from planner.planning.corridors.limits import check_road_limits
from planner.planning.corridors.prepare import CorridorInput
from planner.planning.corridors.roads import prepare_roads
from planner.planning.futures.confirm import recompute_futures
from planner.planning.futures.hedge import hedge
from planner.planning.futures.tables import future_tables
from planner.planning.joined_network import (
    audit,
    is_connected,
    join_network,
    network_assumptions,
    reach_on_network,
)
from planner.planning.label import label_plan, list_assumptions
from planner.planning.limits import check_limits
from planner.planning.pack_prices import (
    gate_savings,
    supply_values,
    unknown_savings,
    with_pack_values,
)
from planner.planning.phasing.label import own_bounds, with_phase_values
from planner.planning.phasing.openings import phase_openings
from planner.planning.reasons.sited import Sited, sited_of_plan
from planner.planning.reasons.stations import (
    against_plan,
    candidate_columns,
    find_reasons,
    station_columns,
)
from planner.planning.reasons.stored import siting_tables
from planner.planning.result import Planned
from planner.planning.rounds import Fitted, fit_packs_and_stations
from planner.planning.siting.question import ask_of
from planner.plans import AuditedTimes, Evaluation, Plan, check_labels
from planner.plans.derived import Derived, derive
from planner.plans.reasons import explain_candidates
from planner.plans.reasons_check import check_reasons
from planner.plans.worth import Reached
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest

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
        Keeps road graph and reach for other scenarios of the same roads, sites and zones.
    executor : concurrent.futures.Executor, optional
        Where the cities of the siting model are solved, for example a Dask client's
        ``get_executor()``; processes of this machine otherwise.

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
    clock = clock or StageClock()
    options = _solve_options(instance)
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
    phases, hedges = bool(instance.scenario.periods), instance.scenario.uncertainty.planned
    for_good = _part_of(options, FOR_GOOD_TIME_FRAC) if phases or hedges else options
    fitted = fit_packs_and_stations(instance, fleet, reach, for_good, clock, stop, executor, roads)
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
    gates = unknown_savings(instance, fitted)
    with clock.optional_stage("gates", "what earlier certificates would save") as say:
        gates = gate_savings(instance, fitted, options)
        say(f"{len(gates)} gates open too late for some quarter")
        unknown = int(gates["saving_cny"].isna().sum())
        if unknown:
            clock.leave_out("gates", NoPlanError(f"{unknown} of {len(gates)}: time limit"))
    result = label_plan(instance, fitted, phased)
    if hedged is not None:
        result = replace(result, models=(*result.models, hedged.result))
    with clock.stage("check", "every limit and figure recomputed without the solver"):
        audited = audit(instance, network, result)
        corridors = None if roads is None else corridors_of_plan(instance, fleet, roads, result)
        derived = derive(instance, climate)
        evaluation = _evaluate(instance, result, audited, derived, corridors)
    futures: dict[str, pd.DataFrame] = {}
    if hedged is not None:
        with clock.stage("check", "what is served in each future recomputed without the solver"):
            futures = future_tables(instance, hedged, recompute_futures(instance, network, hedged))
    with clock.stage("days", "who comes to each station in every hour, and where drivers go on to"):
        days = day_tables(instance, network, result, evaluation, derived)
    figures: dict[str, float] = {}
    waits: dict[str, pd.DataFrame] = {}
    with clock.optional_stage("simulation", "a day at every station, driver by driver"):
        figures, waits = confirm(instance, days, clock, stop)
    contested: dict[str, pd.DataFrame] = {}
    if curve_sets(instance.curves):
        with clock.optional_stage("contested", "packs anew under each set of curves") as say:
            settling, contested = contested_curves(
                instance, climate, fitted.paid.assumed_stations, options
            )
            figures |= settling
            say(
                f"{len(contested['curve_case'])} sets: to know which is true is worth "
                f"{settling['settling_cny'] / 1e6:,.1f} M CNY"
            )
    with clock.stage("candidates", "why each other site holds no station"):
        reached = Reached(reach.ptr, reach.zone_idx, reach.drive_min)
        candidates = explain_candidates(
            instance, evaluation, reached, is_connected(instance, network), result.models[0].prices
        )
    with clock.optional_stage("reasons", "what each station is worth, and each other site") as say:
        evaluation, candidates, told = _with_reasons(
            sited_of_plan(instance, reach, fleet, fitted, options, stop),
            fitted, evaluation, candidates, reached,
        )  # fmt: skip
        say(told)
    curves = {}
    with clock.optional_stage("curves", "range over air temperature, class by class"):
        curves["range_curve"] = range_curves(instance)
    return Planned(
        instance,
        result,
        replace(evaluation, kpi={**evaluation.kpi, **figures}),
        candidates,
        tables={
            **evaluation.tables,
            **days,
            **waits,
            "city_quarter": with_pack_values(instance, evaluation.tables["city_quarter"], fitted),
            "supply_value": supply_values(instance, result.pack_flows, fitted),
            "gate_value": gates,
            "coupling": fitted.rounds,
            **siting_tables(instance, fitted),
            **(
                {}
                if phased is None
                else {
                    "phase": with_phase_values(evaluation.tables["phase"], phased, own_bound_frac)
                }
            ),
            **curves,
            **contested,
            **futures,
        },
        assumptions=list_assumptions(
            instance,
            fleet.extrapolated,
            climate.suspects,
            network_assumptions(instance, network),
            roads,
            ask_of(instance).assumptions(instance, fitted.siting_problem),
        ),
        clock=clock,
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


def _evaluate(
    instance: Instance,
    plan: Plan,
    audited: AuditedTimes,
    derived: Derived,
    corridors: tuple[CorridorInput, NDArray[np.float64] | None] | None,
) -> Evaluation:
    """The independent check of cities and corridors together."""
    if corridors is None:
        return check_labels(instance, plan, audited, derived)
    given, driven_frac = corridors
    names = plan.corridor_stations["corridor_station_id"]
    stated = next(model for model in plan.models if model.name == "corridors")
    trips = check_corridors(instance, given, names, driven_frac, stated)
    evaluation = check_labels(instance, plan, audited, derived, trips.share)
    return replace(
        evaluation,
        kpi={**evaluation.kpi, **trips.kpi},
        tables={**evaluation.tables, **trips.tables},
    )


def check_plan(instance: Instance, plan: Plan) -> Evaluation:
    """Check any plan of an instance, drive times included, and recompute its figures.

    Raises
    ------
    CheckError
        With every violation found.
    """
    network, climate = join_network(instance), city_climate(instance)
    corridors = None
    if instance.scenario.corridors.funding != "none":
        fleet = operate_fleet(instance, climate)
        corridors = corridors_of_plan(
            instance, fleet, prepare_roads(instance, fleet, climate), plan
        )
    audited = audit(instance, network, plan)
    return _evaluate(instance, plan, audited, derive(instance, climate), corridors)


def _solve_options(instance: Instance) -> SolveOptions:
    solver = instance.scenario.solver
    return SolveOptions(
        gap_frac=solver.gap_frac,
        time_limit_s=solver.time_limit_s,
        seed=solver.seed,
        workers=solver.workers,
        deterministic=solver.deterministic,
    )
