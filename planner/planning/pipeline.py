"""The stages of planning, called in order: instance in, checked plan out."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance
from planner.network import (
    Access,
    Reach,
    RoadGraph,
    attach,
    audit_drive_times,
    audit_nearest,
    build_road_graph,
    drive_time_reach,
)
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.physics.range_table import range_curves
from planner.planning.array_cache import ArrayCache, content_key
from planner.planning.clock import StageClock
from planner.planning.corridors.check import check_corridors
from planner.planning.corridors.labels import corridors_of_plan
from planner.planning.corridors.prepare import CorridorInput
from planner.planning.corridors.roads import prepare_roads
from planner.planning.label import label_plan, list_assumptions
from planner.planning.pack_prices import gate_savings, supply_values, with_pack_values
from planner.planning.rounds import fit_packs_and_stations
from planner.planning.siting.answer import question_assumptions
from planner.plans import AuditedTimes, Evaluation, Plan
from planner.plans.check import check_plan as check_labels
from planner.plans.question_figures import least_cost_cny
from planner.plans.reasons import explain_candidates
from planner.plans.savings import Reached
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest


@dataclass(frozen=True)
class Planned:
    """A checked plan and how it came about.

    Attributes
    ----------
    instance : Instance
        What was planned.
    plan : Plan
        The decisions.
    evaluation : Evaluation
        Its figures, recomputed by the independent check.
    candidates : DataFrame
        Sites without a station, with the reason (`planner.plans.reasons`).
    tables : mapping of name to DataFrame
        The evaluation's plain tables, and what the models' prices add: ``supply_value``,
        ``gate_value``, ``coupling``, pack values in ``city_quarter``.
    assumptions : DataFrame
        Everything that was assumed or filled in: ``item, value, mark, source``.
    clock : StageClock
        What took how long, and what was reported on the way.
    """

    instance: Instance
    plan: Plan
    evaluation: Evaluation
    candidates: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    assumptions: pd.DataFrame
    clock: StageClock


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
    InfeasibleError
        If no plan satisfies the limits, with the reason.
    CheckError
        If the plan fails its check: a defect.
    """
    clock = clock or StageClock()
    options = _solve_options(instance)
    with clock.stage("fleet", f"winter range and swaps in {len(instance.cities)} cities"):
        climate = city_climate(instance)
        fleet = operate_fleet(instance, climate)
    with clock.stage("network", f"drive-time reach on {len(instance.roads):,} roads") as say:
        graph, sites, zones, reach = _network(instance, cache)
        say(f"{len(reach.zone_idx):,} pairs of site and zone within the standard")
    roads = None
    if instance.scenario.corridors.funding != "none":
        with clock.stage("roads", "ways between the cities, and sites along them") as say:
            roads = prepare_roads(instance, fleet, climate)
            say(f"{len(roads.paths.length_km):,} ways, {len(roads.cost):,} sites")
    fitted = fit_packs_and_stations(instance, fleet, reach, options, clock, stop, executor, roads)
    with clock.stage("gates", "what earlier certificates would save") as say:
        gates = gate_savings(instance, fitted, options)
        say(f"{len(gates)} gates open too late for some quarter")
    result = label_plan(instance, fitted)
    with clock.stage("check", "every limit and figure recomputed without the solver"):
        audited = _audit(instance, graph, sites, zones, result)
        corridors = None if roads is None else corridors_of_plan(instance, fleet, roads, result)
        evaluation = _evaluate(instance, result, audited, corridors)
    with clock.stage("candidates", "why each other site holds no station"):
        candidates = explain_candidates(
            instance, evaluation, Reached(reach.ptr, reach.zone_idx, reach.drive_min),
            sites.point_idx >= 0, result.models[0].prices,
        )  # fmt: skip
    left_out = {
        "sites farther than max_access_km from any road": int((sites.point_idx < 0).sum()),
        "zones farther than max_access_km from any road": int((zones.point_idx < 0).sum()),
    }
    return Planned(
        instance,
        result,
        evaluation,
        candidates,
        tables={
            **evaluation.tables,
            "city_quarter": with_pack_values(instance, evaluation.tables["city_quarter"], fitted),
            "supply_value": supply_values(instance, result.pack_flows, fitted),
            "gate_value": gates,
            "coupling": fitted.rounds,
            "range_curve": range_curves(instance),
        },
        assumptions=list_assumptions(
            instance,
            fleet.held,
            climate.suspects,
            left_out,
            roads,
            question_assumptions(instance, fitted.siting_problem),
        ),
        clock=clock,
    )


def _evaluate(
    instance: Instance,
    plan: Plan,
    audited: AuditedTimes,
    corridors: tuple[CorridorInput, NDArray[np.float64] | None] | None,
) -> Evaluation:
    """The independent check of cities and corridors together."""
    if corridors is None:
        return check_labels(instance, plan, audited)
    given, driven_frac = corridors
    names = plan.corridor_stations["corridor_station_id"]
    stated = next(model for model in plan.models if model.name == "corridors")
    trips = check_corridors(instance, given, names, driven_frac, stated)
    evaluation = check_labels(instance, plan, audited, trips.share)
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
    graph = build_road_graph(instance)
    sites, zones = _join(graph, instance)
    corridors = None
    if instance.scenario.corridors.funding != "none":
        climate = city_climate(instance)
        fleet = operate_fleet(instance, climate)
        corridors = corridors_of_plan(
            instance, fleet, prepare_roads(instance, fleet, climate), plan
        )
    return _evaluate(instance, plan, _audit(instance, graph, sites, zones, plan), corridors)


def _solve_options(instance: Instance) -> SolveOptions:
    solver = instance.scenario.solver
    return SolveOptions(
        gap_frac=solver.gap_frac,
        time_limit_s=solver.time_limit_s,
        seed=solver.seed,
        workers=solver.workers,
        deterministic=solver.deterministic,
    )


def _join(graph: RoadGraph, instance: Instance) -> tuple[Access, Access]:
    sites, zones = (
        attach(graph, table["lon"].to_numpy(float), table["lat"].to_numpy(float), instance)
        for table in (instance.sites, instance.zones)
    )
    return sites, zones


def _network(
    instance: Instance, cache: ArrayCache | None
) -> tuple[RoadGraph, Access, Access, Reach]:
    """Road graph, where sites and zones join it, and who reaches whom."""
    minutes = instance.scenario.siting.drive_time_min
    if cache is None:
        graph = build_road_graph(instance)
        sites, zones = _join(graph, instance)
        return graph, sites, zones, drive_time_reach(graph, sites, zones, minutes)
    roads = content_key(
        instance.road_nodes[["node_id", "lon", "lat"]],
        instance.roads[["from_node", "to_node", "length_km", "speed_kmh"]],
    )
    graph = cache.once(RoadGraph, roads, lambda: build_road_graph(instance))
    keys, joined = [], []
    for table in (instance.sites, instance.zones):
        lon, lat = table["lon"].to_numpy(float), table["lat"].to_numpy(float)
        keys.append(content_key(roads, instance.scenario.network, table[["lon", "lat"]]))
        joined.append(cache.once(Access, keys[-1], partial(attach, graph, lon, lat, instance)))
    sites, zones = joined
    reach = cache.once(
        Reach, content_key(keys, minutes), lambda: drive_time_reach(graph, sites, zones, minutes)
    )
    return graph, sites, zones, reach


def _audit(
    instance: Instance, graph: RoadGraph, sites: Access, zones: Access, plan: Plan
) -> AuditedTimes:
    """Drive times that the plan relies on, by other code than its own."""
    pairs = pd.DataFrame(
        {
            "site_idx": pd.Index(instance.sites["site_id"]).get_indexer(plan.allocation["site_id"]),
            "zone_idx": pd.Index(instance.zones["zone_id"]).get_indexer(plan.allocation["zone_id"]),
        }
    )
    siting = instance.scenario.siting
    is_cover = siting.objective == "set_cover"
    number = siting.cover_times if is_cover else 1

    def nearest(site_idx: np.ndarray, number: int) -> np.ndarray:
        return audit_nearest(instance, graph, sites, zones, site_idx, number)

    is_open = instance.sites["site_id"].isin(plan.stations["site_id"])
    may_open = (instance.sites["status"] != "forbidden") & np.isfinite(least_cost_cny(instance))
    return AuditedTimes(
        allocation_min=audit_drive_times(instance, graph, sites, zones, pairs),
        station_min=nearest(np.flatnonzero(is_open), number),
        site_min=nearest(np.flatnonzero(may_open), number if is_cover else 0),
    )
