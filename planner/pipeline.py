"""The stages of planning, called in order: instance in, checked plan out."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner import assemble
from planner.climate import city_climate
from planner.demand import operate_fleet
from planner.instance import Instance, describe_settings
from planner.models.allocation import allocate_zones
from planner.models.national import solve_national
from planner.models.pack_assignment import solve_pack_assignment
from planner.network import (
    Access,
    RoadGraph,
    attach,
    audit_drive_times,
    build_road_graph,
    drive_time_reach,
)
from planner.plans import Evaluation, ModelResult, Plan
from planner.plans.check import check_plan as check_labels
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac
from planner.stages import StageClock


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
    assumptions : DataFrame
        Everything that was assumed or filled in: ``item, value, mark, source``.
    clock : StageClock
        What took how long, and what was reported on the way.
    """

    instance: Instance
    plan: Plan
    evaluation: Evaluation
    assumptions: pd.DataFrame
    clock: StageClock


def plan(
    instance: Instance,
    *,
    clock: StageClock | None = None,
    stop: StopRequest | None = None,
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
        fleet = operate_fleet(instance, climate.monthly_mean_c, climate.winter_design_c)
    with clock.stage("network", f"drive-time reach on {len(instance.roads):,} roads") as say:
        graph = build_road_graph(instance)
        sites, zones = _join(graph, instance)
        reach = drive_time_reach(graph, sites, zones, instance.scenario.siting.drive_time_min)
        say(f"{len(reach.zone_idx):,} pairs of site and zone within the standard")
    with clock.stage("packs", "packs to vehicles under supply"):
        pack_problem, pack_options = assemble.assemble_pack_assignment(instance, fleet)
        packs = solve_pack_assignment(pack_problem, options)
        assigned = assemble.assigned_vehicles(
            fleet, pack_options, pack_problem, packs.option_vehicles
        )
    with clock.stage("siting", f"up to {len(instance.sites):,} sites"):
        siting_problem = assemble.assemble_siting(instance, reach, fleet, assigned)
        siting = solve_national(siting_problem, options, on_progress=clock.from_solver, stop=stop)
    with clock.stage("allocation", "zones to stations, station sizes"):
        allocation = allocate_zones(assemble.assemble_allocation(siting_problem, reach, siting))
    supply_prices = {
        f"{chemistry}_cny_per_kwh_year": float(price)
        for chemistry, price in zip(pack_options.chemistries, packs.supply_price, strict=True)
    }
    siting_prices = {
        f"{resource}_swaps_per_day": float(price)
        for resource, price in zip(siting.resources, siting.price, strict=True)
    }
    served = math.fsum(siting_problem.coverage.value[allocation.zone_idx] * allocation.share_frac)
    gap = gap_frac(served, siting.bound)
    siting_status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
    result = Plan(
        stations=assemble.label_stations(instance, siting.open_site_idx, allocation.type_idx),
        allocation=assemble.label_allocation(instance, siting.open_site_idx, allocation),
        packs=assemble.label_packs(instance, assigned),
        models=(
            ModelResult("siting", "max", "swaps/day", siting_status, served, siting.bound, gap,
                        siting.wall_s, siting_prices),
            ModelResult("pack_assignment", "min", "CNY/year", packs.status, packs.objective,
                        packs.bound, packs.gap_frac, packs.wall_s, supply_prices),
        ),
    )  # fmt: skip
    with clock.stage("check", "every limit and figure recomputed without the solver"):
        evaluation = check_labels(instance, result, _audit(instance, graph, sites, zones, result))
    left_out = {
        "sites farther than max_access_km from any road": int((sites.point_idx < 0).sum()),
        "zones farther than max_access_km from any road": int((zones.point_idx < 0).sum()),
    }
    return Planned(
        instance,
        result,
        evaluation,
        _assumptions(instance, fleet.held, left_out),
        clock,
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
    return check_labels(instance, plan, _audit(instance, graph, sites, zones, plan))


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


def _audit(
    instance: Instance, graph: RoadGraph, sites: Access, zones: Access, plan: Plan
) -> np.ndarray:
    pairs = pd.DataFrame(
        {
            "site_idx": pd.Index(instance.sites["site_id"]).get_indexer(plan.allocation["site_id"]),
            "zone_idx": pd.Index(instance.zones["zone_id"]).get_indexer(plan.allocation["zone_id"]),
        }
    )
    return audit_drive_times(instance, graph, sites, zones, pairs)


def _assumptions(instance: Instance, held: pd.DataFrame, left_out: dict[str, int]) -> pd.DataFrame:
    rows = describe_settings(instance.scenario)
    for chemistry, group in held.groupby("chemistry"):
        coldest = group["pack_temperature_c"].min()
        rows.append(
            {
                "item": f"usable energy of {chemistry} outside its curve",
                "value": f"{len(group)} cities, coldest pack {coldest:g} C",
                "mark": "INF",
                "source": f"the curve ends at {group['domain_c'].iloc[0]} C; its last value is "
                f"held, which flatters the pack below. Cities: {', '.join(group['city_id'])}",
            }
        )
    rows += [
        {"item": item, "value": str(count), "mark": "INF", "source": "left out of every reach"}
        for item, count in left_out.items()
    ]
    unlimited = set(instance.packs["chemistry"]) - set(instance.supply["chemistry"])
    rows += [
        {
            "item": f"supply of {chemistry}",
            "value": "not limited",
            "mark": "?",
            "source": "the supply table has no rows for it",
        }
        for chemistry in sorted(unlimited)
    ]
    return pd.concat([instance.assumptions, pd.DataFrame(rows)], ignore_index=True)
