"""The plan held against a simulated day: tables that the day is read from, and what it shows."""

from collections.abc import Mapping

import pandas as pd

from planner.instance import Instance
from planner.planning.clock import StageClock
from planner.planning.joined_network import JoinedNetwork, next_stations
from planner.plans import Evaluation, Plan
from planner.plans.derived import Derived
from planner.plans.service_rows import service_tables
from planner.simulation.behaviour import Behaviour
from planner.simulation.plan_day import simulate_plan
from planner.solving.progress import StopRequest


def day_tables(
    instance: Instance,
    network: JoinedNetwork | None,
    plan: Plan,
    evaluation: Evaluation,
    derived: Derived,
) -> dict[str, pd.DataFrame]:
    """What a simulated day of a plan is read from, as `planner.simulation.tables` has it.

    Parameters
    ----------
    instance : Instance
    network : JoinedNetwork or None
        Roads from station to station; None where drive times are stated.
    plan, evaluation, derived : Plan, Evaluation, Derived
        Of the instance.
    """
    tables = service_tables(
        instance, derived.rates, derived.winter, evaluation.packs, evaluation.zones,
        evaluation.stations, next_stations(instance, network, evaluation.stations),
        evaluation.tables.get("corridor_stations"), evaluation.tables.get("corridor_station_packs"),
    )  # fmt: skip
    order = ["quarter", "station_id", "pack_id"]
    return {**tables, "station_packs": plan.station_packs.sort_values(order, ignore_index=True)}


def confirm(
    instance: Instance,
    tables: Mapping[str, pd.DataFrame],
    clock: StageClock,
    stop: StopRequest | None = None,
) -> tuple[dict[str, float], dict[str, pd.DataFrame]]:
    """Simulate the scenario's day: figures and tables, none if the scenario leaves it out.

    Parameters
    ----------
    instance : Instance
        ``simulation`` and ``service`` of its scenario.
    tables : mapping of name to DataFrame
        From `day_tables`.
    clock : StageClock
        Hears of every batch of days.
    stop : StopRequest, optional
    """
    scenario = instance.scenario
    if scenario.simulation.replications == 0 or tables["station_service"].empty:
        return {}, {}
    found = simulate_plan(
        tables, scenario.simulation.day, scenario.planning_quarter,
        Behaviour.of(scenario.simulation, scenario.service),
        seed=scenario.solver.seed, workers=scenario.solver.workers,
        on_progress=lambda progress: clock.say("simulation", progress.message), stop=stop,
    )  # fmt: skip
    kpi = {name: value for name, value in found.kpi.items() if value is not None}
    return kpi, dict(found.tables)
