"""Who serves whom in every period, and in the quarters before: stations as they stand then."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray, IndexArray, IntArray
from planner.instance import Instance
from planner.models.allocation.solve import Allocation, allocate_zones
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.solution import PhasedPlan
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.planning.phasing.problem import period_weights
from planner.planning.siting.problem import assemble_allocation
from planner.planning.siting.standing import find_standing
from planner.planning.station_packs import Stage


def sizes_cost(problem: PhasedProblem) -> bool:
    """Whether a limit counts money, so that the plan itself says what size stands when."""
    return any("money" in limit.name for limit in problem.limits)


def stages_of_plan(
    instance: Instance,
    reach: Reach,
    problem: PhasedProblem,
    plan: PhasedPlan,
    *,
    sizes_given: bool | None = None,
) -> list[Stage]:
    """The stations of every period and whom they serve, in order.

    Parameters
    ----------
    instance, reach : Instance, Reach
    problem, plan : PhasedProblem, PhasedPlan
        Where sizes cost nothing, a station is of the smallest that carries its load, and never
        smaller than in the period before.
    sizes_given : bool, optional
        Whether sizes are the plan's; without it, where they cost something.

    Returns
    -------
    list of Stage
        One per period; quarters after the planning quarter belong to the last.
    """
    periods, all_quarters = instance.scenario.periods, instance.scenario.quarters
    after = all_quarters[all_quarters.index(periods[-1][-1]) + 1 :]
    before = np.full(problem.num_sites, CLOSED, dtype=np.int32)
    given = sizes_cost(problem) if sizes_given is None else sizes_given
    stages = []
    for number, quarters in enumerate(periods):
        size = plan.size[:, number]
        stands = size != CLOSED
        site_idx = plan.site_idx[stands].astype(np.int64)
        per_day = _per_day(problem, number, float(period_weights(instance.scenario)[number]))
        sizes = size[stands] if given else None
        allocation = _allocate(per_day, reach, site_idx, before[site_idx], sizes)
        before[site_idx] = allocation.type_idx
        further = after if number == len(periods) - 1 else ()
        stages.append(Stage((*quarters, *further), quarters[-1], per_day, site_idx, allocation))
    return stages


def stage_before(
    instance: Instance, reach: Reach, siting: SizedCoverageProblem, capacity: FloatArray
) -> Stage | None:
    """What stands before the first period, in the horizon's quarters before it.

    Parameters
    ----------
    instance, reach : Instance, Reach
    siting : SizedCoverageProblem
        Values and loads of the last of these quarters.
    capacity : ndarray, shape (num_cities, num_types)
        For its vehicles [1/h].

    Returns
    -------
    Stage or None
        None if there is no such quarter, or no station.
    """
    quarters = quarters_before(instance)
    type_idx = find_standing(instance).type_idx
    site_idx = np.flatnonzero(type_idx >= 0)
    if not quarters or not len(site_idx):
        return None
    city_idx = siting.rules.cities_or_one().city_idx
    rates = np.where(siting.capacity > 0, capacity[city_idx], 0.0)
    problem = replace(siting, capacity=rates)
    sizes = type_idx[site_idx].astype(np.int32)
    allocation = _allocate(problem, reach, site_idx, sizes, sizes)
    return Stage(quarters, quarters[-1], problem, site_idx, allocation)


def quarters_before(instance: Instance) -> tuple[str, ...]:
    """The horizon's quarters before the first period."""
    quarters = instance.scenario.quarters
    return quarters[: quarters.index(instance.scenario.periods[0][0])]


def _per_day(problem: PhasedProblem, column: int, days: float) -> SizedCoverageProblem:
    """A period as a problem of its own, worth swaps per day."""
    of_period = problem.column_problem(column)
    value = of_period.coverage.value / days
    return replace(of_period, coverage=replace(of_period.coverage, value=value))


def _allocate(
    problem: SizedCoverageProblem,
    reach: Reach,
    site_idx: IntArray,
    least: IndexArray,
    sizes: IndexArray | None,
) -> Allocation:
    """Zones to stations that have at least the size of before."""
    if not len(site_idx):
        nothing, none = np.zeros(0, dtype=np.int64), np.zeros(0)
        return Allocation(nothing, nothing.astype(np.int32), none, none, nothing.astype(np.int32))
    types = None if sizes is None else sizes.astype(np.int64)
    task = assemble_allocation(problem, reach, site_idx, types)
    kept = np.arange(problem.capacity.shape[1]) >= least[:, None]
    return allocate_zones(replace(task, capacity=np.where(kept, task.capacity, 0.0)))


def served_by_stage(problem: PhasedProblem, stages: Sequence[Stage]) -> FloatArray:
    """Discounted swaps that the stations of each period serve, shape (num_periods,)."""
    return np.array(
        [
            (problem.value[stage.allocation.zone_idx, column] * stage.allocation.share_frac).sum()
            for column, stage in enumerate(stages)
        ]
    )
