"""The independent check of a corridor plan: every trip driven, every limit, from labels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.errors import CheckError
from planner.instance import Instance
from planner.limits import LIMIT_TOLERANCE
from planner.planning.corridors.drive import DrivenTrips, drive
from planner.planning.corridors.prepare import CorridorInput
from planner.planning.corridors.station_load import overloads
from planner.planning.corridors.tables import describe_corridors
from planner.plans import ModelResult, TripShare

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class CorridorEvaluation:
    """What corridor stations do, by driving every trip.

    Attributes
    ----------
    kpi : mapping of str to number
        ``num_corridor_stations, corridor_capex_cny, corridor_swaps_per_day`` (full packs that
        refuelled trips take, at the seasons' weights), and by season ``trips_per_day_<season>``
        and ``trips_refuelled_<season>_frac``.
    tables : mapping of str to DataFrame
        `CorridorTables`, each with the prefix ``corridor_``.
    worth : float
        Of the trips refuelled, in the unit of ``corridors.objective``.
    share : TripShare
        Of the siting's limits and objective; nothing where corridors have their own.
    """

    kpi: Mapping[str, float]
    tables: Mapping[str, pd.DataFrame]
    worth: float
    share: TripShare


def check_corridors(
    instance: Instance,
    inputs: CorridorInput,
    station_ids: "pd.Series[str]",
    driven_frac: FloatArray | None,
    stated: ModelResult,
) -> CorridorEvaluation:
    """Drive every trip on a plan's stations and verify every limit.

    Parameters
    ----------
    instance : Instance
    inputs : CorridorInput
        With the packs and stations that the plan gives the cities.
    station_ids : Series of str
        The plan's corridor stations.
    driven_frac : ndarray, shape (num_problem_paths,), or None
        Shares of flows, where capacities are limited.
    stated : ModelResult
        What the plan says of its corridors.

    Returns
    -------
    CorridorEvaluation

    Raises
    ------
    CheckError
        With every violation found.
    """
    roads = inputs.roads
    place = pd.Index(roads.site_id).get_indexer(pd.Index(station_ids))
    violations = [
        f"corridor station {name} is not known" for name in station_ids[place < 0].tolist()
    ]
    sites = np.sort(place[place >= 0]).astype(np.int64)
    driven = drive(instance, inputs, sites, driven_frac)
    capex_cny = float(roads.cost[sites].sum())
    violations += _limits(instance, inputs, sites, capex_cny)
    if driven_frac is not None:
        violations += _shares(driven, driven_frac)
        violations += _capacity(instance, driven)
    violations += _objective(instance, driven, capex_cny, stated)
    if violations:
        listed = "\n".join(f"  {violation}" for violation in violations)
        raise CheckError(
            "the corridor plan fails its independent check and was not written; this is a defect "
            f"of the planner, please report it:\n{listed}"
        )
    tables = describe_corridors(instance, inputs, sites, driven_frac)
    overall = tables.summary[tables.summary["chemistry"] == "all"].set_index("season")
    kpi: dict[str, float] = {
        "num_corridor_stations": len(sites),
        "corridor_capex_cny": capex_cny,
        "corridor_swaps_per_day": driven.swaps_per_day(instance),
    }
    for season, row in overall.iterrows():
        kpi[f"trips_per_day_{season}"] = float(row["trips_per_day"])
        kpi[f"trips_refuelled_{season}_frac"] = float(np.nan_to_num(row["refuelled_frac"]))
    named = {f"corridor_{name}": table for name, table in vars(tables).items()}
    settings = instance.scenario.corridors
    share = TripShare()
    if settings.funding == "national":
        share = TripShare(len(sites), capex_cny, settings.trip_swap_weight * driven.value)
    return CorridorEvaluation(kpi, named, driven.value, share)


def _limits(
    instance: Instance, inputs: CorridorInput, sites: np.ndarray, capex_cny: float
) -> Iterator[str]:
    roads, settings = inputs.roads, instance.scenario.corridors
    if len(np.unique(sites)) < len(sites):
        yield "a corridor station is named twice"
    for site in np.setdiff1d(np.flatnonzero(roads.forced), sites).tolist():
        yield f"corridor site {roads.site_id[site]} is existing or committed but not open"
    for site in sites[roads.forbidden[sites]].tolist():
        yield f"corridor site {roads.site_id[site]} is forbidden but open"
    if settings.num_stations is not None and len(sites) > settings.num_stations:
        yield f"{len(sites)} corridor stations are open, the limit is {settings.num_stations}"
    if settings.budget_cny is not None and capex_cny > settings.budget_cny * (1 + LIMIT_TOLERANCE):
        yield (
            f"corridor stations cost {capex_cny:,.0f} CNY, the budget is {settings.budget_cny:,.0f}"
        )


def _objective(
    instance: Instance, driven: DrivenTrips, capex_cny: float, stated: ModelResult
) -> Iterator[str]:
    wanted_frac = instance.scenario.corridors.wanted_frac
    found = driven.value if wanted_frac is None else capex_cny
    if abs(found - stated.objective) > _TOLERANCE * max(1.0, abs(found)):
        yield f"trips are worth {found:.6f} {stated.unit}, the plan states {stated.objective:.6f}"
    total = driven.inputs.total_value
    if wanted_frac is not None and driven.value < (wanted_frac - _TOLERANCE) * total:
        yield f"{driven.value / total:.4%} of the trips' worth drive, {wanted_frac:.4%} are wanted"


def _shares(driven: DrivenTrips, driven_frac: FloatArray) -> Iterator[str]:
    """Shares of flows that capacities allow: only on ways that can be driven, one flow at most."""
    lost = driven_frac[~driven.legs.is_driven].sum()
    if lost > _TOLERANCE:
        yield f"{lost:.3g} of some flows is said to drive where packs do not suffice"
    by_flow = np.bincount(driven.inputs.problem.flow_idx, driven_frac)
    if (driven_frac < -_TOLERANCE).any() or (by_flow > 1 + _TOLERANCE).any():
        yield "a flow drives more than once"


def _capacity(instance: Instance, driven: DrivenTrips) -> Iterator[str]:
    """Stations that cannot do what the trips that drive need in the busiest hour of a season."""
    for each in overloads(instance, driven):
        yield (
            f"corridor station {driven.inputs.roads.site_id[each.site]} is to do "
            f"{each.swaps_per_hour:.6g} swaps an hour in {each.season}, its capacity is "
            f"{each.capacity_per_hour:.6g}"
        )
