"""What each station and each closed site costs the plan, as columns of its tables; and the polish.

Improving exchanges that the search for these costs finds are applied while stations are chosen;
where that is no longer possible the costs are told against the plan as it is.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray, StringArray
from planner.instance import Instance
from planner.models.allocation.solve import Allocation
from planner.models.reasons.result import SiteReasons, Stations
from planner.planning.siting.answer import at_these_sites
from planner.planning.siting.question import Siting, SitingTask, ask_of
from planner.solving.options import SolveOptions
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

TIME_FRAC = 0.1
"""Of the siting's time, on top of it."""
LEAST_TIME_S = 5.0


@dataclass(frozen=True)
class PlanReasons:
    """Costs of `SiteReasons` against a plan as it stands, whatever would improve it.

    Attributes
    ----------
    open_site_idx : int array, shape (num_open,)
        Open sites of the plan.
    replacement_cost, replacement_low : float arrays, shape (num_open,)
    next_best_idx : int array, shape (num_open,)
        -1 for none.
    closed_site_idx : int array, shape (num_closed,)
    force_in_cost, force_in_low : float arrays, shape (num_closed,)
    leaving_idx : int array, shape (num_closed,)
        -1 for none.
    left : int
        Improving exchanges that were found and are not in the plan.
    """

    open_site_idx: IntArray
    replacement_cost: FloatArray
    replacement_low: FloatArray
    next_best_idx: IntArray
    closed_site_idx: IntArray
    force_in_cost: FloatArray
    force_in_low: FloatArray
    leaving_idx: IntArray
    left: int = 0


def reasons_options(options: SolveOptions) -> SolveOptions:
    """Limits of the search for costs, given those of the siting."""
    return replace(options, time_limit_s=max(LEAST_TIME_S, TIME_FRAC * options.time_limit_s))


def find_reasons(task: SitingTask, siting: Siting, allocation: Allocation) -> SiteReasons | None:
    """Costs of all stations and closed sites; none where the question does not tell them.

    Parameters
    ----------
    task : SitingTask
        Its time limit is that of the siting.
    siting, allocation : Siting, Allocation
        The answer.
    """
    ask = ask_of(task.instance)
    if ask.reasons is None:
        return None
    return ask.reasons(replace(task, options=reasons_options(task.options)), siting, allocation)


def polish(task: SitingTask, siting: Siting, better: Stations) -> Siting:
    """The answer with stations that were found to be better, and the same bound.

    Parameters
    ----------
    task, siting : SitingTask, Siting
        A question and its answer.
    better : Stations
        From `SiteReasons.improved`, within the same limits.
    """
    ask = ask_of(task.instance)
    if ask.counts_served:
        types = better.type_idx if math.isfinite(task.problem.rules.budget) else None
        return replace(siting, open_site_idx=better.site_idx, type_idx=types)
    locked = replace(task, problem=at_these_sites(task.problem, better.site_idx))
    found = ask.solve(locked)
    gap = gap_frac(found.objective, siting.bound, sense=siting.sense)
    return replace(
        siting,
        open_site_idx=found.open_site_idx,
        type_idx=found.type_idx,
        allocation=found.allocation,
        objective=found.objective,
        gap_frac=gap,
        status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        wall_s=siting.wall_s + found.wall_s,
    )


def against_plan(reasons: SiteReasons, open_site_idx: IntArray, num_sites: int) -> PlanReasons:
    """Costs against the plan as it is, where an improved one was looked at.

    A plan without a station loses no more against a worse plan, so that upper ends hold as they
    are; lower ends do not, and are 0 then. A station that leaves for the better plan costs nothing,
    and a site that enters for it likewise.

    Parameters
    ----------
    reasons : SiteReasons
    open_site_idx : int array, ascending
        Of the plan.
    num_sites : int
    """
    same = np.array_equal(reasons.open_site_idx, open_site_idx)
    is_open = np.zeros(num_sites, dtype=np.bool_)
    is_open[open_site_idx] = True
    closed_site_idx = np.flatnonzero(~is_open)

    def spread(idx: IntArray, values: FloatArray) -> FloatArray:
        whole = np.zeros(num_sites)
        whole[idx] = values
        return whole

    def partner(idx: IntArray, values: IntArray) -> IntArray:
        whole = np.full(num_sites, -1, dtype=np.int64)
        whole[idx] = values
        return whole

    opened, closed = reasons.open_site_idx, reasons.closed_site_idx
    low_frac = 1.0 if same and reasons.improved is None else 0.0
    next_best = partner(opened, reasons.next_best_idx)[open_site_idx]
    leaving = partner(closed, reasons.leaving_idx)[closed_site_idx]
    return PlanReasons(
        open_site_idx=open_site_idx,
        replacement_cost=spread(opened, reasons.replacement_cost)[open_site_idx],
        replacement_low=low_frac * spread(opened, reasons.replacement_low)[open_site_idx],
        next_best_idx=np.where((next_best >= 0) & ~is_open[next_best], next_best, -1),
        closed_site_idx=closed_site_idx,
        force_in_cost=spread(closed, reasons.force_in_cost)[closed_site_idx],
        force_in_low=low_frac * spread(closed, reasons.force_in_low)[closed_site_idx],
        leaving_idx=np.where((leaving >= 0) & is_open[leaving], leaving, -1),
        left=0 if low_frac else reasons.applied,
    )


def station_columns(instance: Instance, reasons: PlanReasons) -> pd.DataFrame:
    """Costs of stations: ``site_id, replacement_cost, replacement_cost_low, next_best_site_id``."""
    sites = instance.sites["site_id"].to_numpy(str)
    return pd.DataFrame(
        {
            "site_id": sites[reasons.open_site_idx],
            "replacement_cost": reasons.replacement_cost,
            "replacement_cost_low": reasons.replacement_low,
            "next_best_site_id": _labels(sites, reasons.next_best_idx),
        }
    )


def candidate_columns(instance: Instance, reasons: PlanReasons) -> pd.DataFrame:
    """Costs of other sites: ``site_id, force_in_cost, force_in_cost_low, leaves_site_id``."""
    sites = instance.sites["site_id"].to_numpy(str)
    return pd.DataFrame(
        {
            "site_id": sites[reasons.closed_site_idx],
            "force_in_cost": reasons.force_in_cost,
            "force_in_cost_low": reasons.force_in_low,
            "leaves_site_id": _labels(sites, reasons.leaving_idx),
        }
    )


def _labels(sites: StringArray, idx: IntArray) -> "pd.Series[str]":
    labels = pd.Series(sites[idx], dtype="str") if len(sites) else pd.Series([], dtype="str")
    return labels.where(idx >= 0)
