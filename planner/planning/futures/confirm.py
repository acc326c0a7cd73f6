"""Have a plan for many futures recomputed in each of them, without the solver that made it."""

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.errors import CheckError
from planner.instance import Instance, Scenario
from planner.planning.futures.demand import FutureDemand
from planner.planning.futures.hedge import Hedged
from planner.planning.joined_network import JoinedNetwork, audit_pairs
from planner.planning.pack_labels import label_packs
from planner.planning.siting.standing import station_types_by_size
from planner.plans.derived import derive
from planner.plans.future_check import FutureService, FutureSwaps, swaps_in_future
from planner.plans.phase_rows import discount, quarter_days

_TOLERANCE = 1e-6
_SHOWN = 20


def recompute_futures(
    instance: Instance, network: JoinedNetwork | None, hedged: Hedged
) -> tuple[FutureSwaps, ...]:
    """What is asked and served in each future, from its own rows.

    Parameters
    ----------
    instance : Instance
    network : JoinedNetwork or None
        For the drive times.
    hedged : Hedged

    Returns
    -------
    tuple of FutureSwaps
        One per future, its periods added up.

    Raises
    ------
    CheckError
        If a limit of capacity or a share is not kept in a future, or less or more is served than
        the model says.
    """
    minutes = _audited_minutes(instance, network, hedged)
    found: list[FutureSwaps] = []
    violations: list[str] = []
    for number, demand in enumerate(hedged.demands):
        there = demand.future.instance
        derived = derive(there, demand.climate)
        packs, _ = label_packs(there, demand.packs.problem, demand.packs.labels,
                               demand.packs.solution)  # fmt: skip
        columns: list[int] = np.flatnonzero(hedged.joined.future_of == number).tolist()
        services = [_service(hedged, demand, column, minutes[column]) for column in columns]
        parts = [swaps_in_future(there, derived, packs, service) for service in services]
        wrong = [violation for part in parts for violation in part.violations]
        served, stated = sum(part.served for part in parts), float(hedged.solution.value[number])
        if not abs(served - stated) <= _TOLERANCE * max(1.0, stated):
            wrong.append(f"{served:.6f} swaps are served, the plan states {stated:.6f}")
        violations += [f"future {demand.future.name}: {each}" for each in wrong]
        found.append(FutureSwaps(sum(part.asked for part in parts), served, tuple(wrong)))
    if violations:
        listed = "\n".join(f"  {violation}" for violation in violations[:_SHOWN])
        raise CheckError(
            "the plan fails its independent check in the futures and was not written; this is a "
            f"defect of the planner, please report it:\n{listed}"
        )
    return tuple(found)


def _audited_minutes(
    instance: Instance, network: JoinedNetwork | None, hedged: Hedged
) -> list[FloatArray]:
    """Drive times of who serves whom, column by column [min]."""
    stations, columns = hedged.stations, hedged.joined.problem.node_of
    site_idx = [
        stations.at_node(node)[0][found.station_idx]
        for node, found in zip(columns.tolist(), stations.allocations, strict=True)
    ]
    zone_idx = [found.zone_idx.astype(np.int64) for found in stations.allocations]
    minutes = audit_pairs(instance, network, np.concatenate(site_idx), np.concatenate(zone_idx))
    ends = np.cumsum([len(each) for each in zone_idx])
    return np.split(minutes, ends[:-1])


def _service(
    hedged: Hedged, demand: FutureDemand, column: int, minutes: FloatArray
) -> FutureService:
    instance = demand.future.instance
    found = hedged.stations.allocations[column]
    site_idx, type_idx = hedged.stations.at_node(int(hedged.joined.problem.node_of[column]))
    types = station_types_by_size(instance)["station_type_id"].to_numpy()
    cities = instance.cities["city_id"].to_numpy()
    first = int(np.argmax(hedged.joined.future_of == hedged.joined.future_of[column]))
    rates = demand.rates[column - first].swaps_per_hour
    return FutureService(
        weight=_weights(instance.scenario, column - first),
        site_idx=site_idx,
        type_idx=pd.Index(instance.stations["station_type_id"]).get_indexer(types[type_idx]),
        zone_idx=found.zone_idx,
        station_idx=found.station_idx.astype(np.int64),
        share_frac=found.share_frac,
        drive_min=minutes,
        capacity=pd.DataFrame(
            {
                "city_id": np.repeat(cities, len(types)),
                "station_type_id": np.tile(types, len(cities)),
                "swaps_per_hour": rates.ravel(),
            }
        ),
    )


def _weights(scenario: Scenario, period: int) -> dict[str, float]:
    """What a swap a day counts in the quarters of a period; once without phasing."""
    if not scenario.periods:
        return {scenario.planning_quarter: 1.0}
    factor = discount(scenario)
    return {name: float(factor[name]) * quarter_days(name) for name in scenario.periods[period]}
