"""Any plan of an instance checked without the solver, cities and corridors together."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.instance import Instance
from planner.physics.climate import city_climate
from planner.physics.fleet import operate_fleet
from planner.planning.corridors.check import check_corridors
from planner.planning.corridors.labels import corridors_of_plan
from planner.planning.corridors.prepare import CorridorInput
from planner.planning.corridors.roads import prepare_roads
from planner.planning.joined_network import audit, join_network
from planner.plans import AuditedTimes, Evaluation, Plan, check_labels
from planner.plans.derived import Derived, derive


def evaluate(
    instance: Instance,
    plan: Plan,
    audited: AuditedTimes,
    derived: Derived,
    corridors: tuple[CorridorInput, NDArray[np.float64] | None] | None,
) -> Evaluation:
    """The independent check of cities and corridors together.

    Parameters
    ----------
    instance, plan : Instance, Plan
    audited : AuditedTimes
        Drive times from each zone to its station, searched anew.
    derived : Derived
        Climate and vehicles.
    corridors : tuple, optional
        What corridors are checked with and the share of each trip that is driven; None without.

    Raises
    ------
    CheckError
        With every violation found.
    """
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
    return evaluate(instance, plan, audited, derive(instance, climate), corridors)
