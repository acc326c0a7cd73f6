"""A fitted answer as a plan by label, and everything that it assumes."""

import math

import pandas as pd

from planner.instance import Instance, describe_settings
from planner.planning.corridors.labels import corridor_assumptions, label_corridors
from planner.planning.corridors.plan import CorridorPlan
from planner.planning.corridors.roads import CorridorRoads
from planner.planning.neutral import neutral_columns
from planner.planning.pack_labels import label_packs
from planner.planning.paid_packs import label_stock
from planner.planning.phasing.label import label_phases, phasing_results
from planner.planning.phasing.openings import Phased
from planner.planning.rounds import Fitted
from planner.planning.shared_supply import label_supply
from planner.planning.siting.problem import label_allocation, label_stations
from planner.planning.siting.question import ask_of
from planner.planning.siting.standing import assume_standing
from planner.planning.sources import table_sources
from planner.plans import LEAST_MONEY, ModelResult, Plan
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac


def label_plan(instance: Instance, fitted: Fitted, phased: Phased | None = None) -> Plan:
    """The plan's tables, and how far each model got; the siting's gap is that of what is served.

    Parameters
    ----------
    instance : Instance
    fitted : Fitted
        The stations of the planning quarter.
    phased : Phased, optional
        When they open, if openings are planned.
    """
    siting, packs, paid = fitted.siting, fitted.packs, fitted.paid
    objective = siting.objective
    if ask_of(instance).counts_served:
        value = fitted.siting_problem.coverage.value
        objective = math.fsum(value[fitted.allocation.zone_idx] * fitted.allocation.share_frac)
        objective += fitted.trip_swaps_per_day(instance)
    gap = gap_frac(objective, siting.bound, sense=siting.sense)
    quarter_idx = instance.scenario.quarters.index(instance.scenario.planning_quarter)
    supply_prices = {
        f"{chemistry}_cny_per_kwh": float(price)
        for chemistry, price in zip(
            fitted.pack_labels.chemistries, packs.supply_value[quarter_idx], strict=True
        )
    }
    assigned, pack_flows = label_packs(
        instance, fitted.pack_problem, fitted.pack_labels, paid.solution
    )
    return Plan(
        stations=label_stations(
            instance, siting.open_site_idx, fitted.allocation.type_idx
        ),
        allocation=label_allocation(instance, siting.open_site_idx, fitted.allocation),
        packs=assigned,
        pack_flows=pack_flows,
        **label_stock(instance, paid, fitted.capacity),
        **label_supply(instance, fitted.pack_labels.supply, paid.solution),
        models=(
            ModelResult(
                "siting", siting.sense, siting.unit,
                Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
                objective, siting.bound, gap, siting.wall_s, siting.prices,
            ),
            ModelResult(
                "pack_assignment", paid.solution.proof.sense, paid.solution.proof.unit,
                paid.solution.proof.status, paid.solution.proof.objective,
                paid.solution.proof.bound, paid.solution.proof.gap_frac,
                paid.solution.proof.wall_s, supply_prices,
            ),
            *_corridor_results(fitted.corridors),
            *_money_results(siting.money),
            *([] if phased is None else phasing_results(instance, phased)),
        ),
        **({} if phased is None else label_phases(instance, phased)),
        **label_corridors(instance, fitted.corridors, paid.assumed_stations.road_kwh_per_day),
    )  # fmt: skip


def _money_results(money: Proof | None) -> list[ModelResult]:
    if money is None:
        return []
    return [
        ModelResult(
            LEAST_MONEY, money.sense, money.unit, money.status, money.objective, money.bound,
            money.gap_frac, money.wall_s,
        )
    ]  # fmt: skip


def _corridor_results(corridors: CorridorPlan | None) -> list[ModelResult]:
    if corridors is None:
        return []
    proof = corridors.proof
    return [
        ModelResult(
            "corridors", proof.sense, proof.unit, proof.status, proof.objective, proof.bound,
            proof.gap_frac, proof.wall_s,
        )
    ]  # fmt: skip


def list_assumptions(
    instance: Instance,
    extrapolated: pd.DataFrame,
    suspects: pd.DataFrame,
    network: list[dict[str, str]],
    roads: CorridorRoads | None,
    question: list[dict[str, str]],
) -> pd.DataFrame:
    """Everything that was assumed or filled in, and what the tables say of their sources.

    Parameters
    ----------
    instance : Instance
    extrapolated : DataFrame
        Cities with packs colder than their curve, whose end value is used
        (`planner.physics.fleet.FleetOperation`).
    suspects : DataFrame
        Cities with the hours of others (`planner.physics.climate.CityClimate`).
    network : list of dict
        What is left out of reach.
    roads : CorridorRoads, optional
        If corridors are planned.
    question : list of dict
        Settings of the siting's question.

    Returns
    -------
    DataFrame
        ``item, value, mark, source``.
    """
    rows = [*describe_settings(instance.scenario), *question, *assume_standing(instance)]
    for chemistry, group in extrapolated.groupby("chemistry"):
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
        {
            "item": f"hours of the winter in {city_id}",
            "value": "spread of other cities",
            "mark": "INF",
            "source": why,
        }
        for city_id, why in zip(suspects["city_id"], suspects["why"], strict=True)
    ]
    rows += [*neutral_columns(instance), *network]
    if roads is not None:
        rows += corridor_assumptions(instance, roads)
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
    rows += table_sources(instance)
    return pd.concat([instance.assumptions, pd.DataFrame(rows)], ignore_index=True)
