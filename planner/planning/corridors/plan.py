"""Choose corridor stations: on limits of their own, or with what the nation grants them."""

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.errors import InfeasibleError
from planner.instance import Instance
from planner.models.national.claims import ClaimPlan
from planner.models.refuelling.capacity import driven_flows
from planner.models.refuelling.cheapest import cheapest_flow_refuelling
from planner.models.refuelling.claim import STATIONS, RefuellingClaim
from planner.models.refuelling.solve import solve_flow_refuelling
from planner.planning.corridors.limits import wanted_conflict
from planner.planning.corridors.prepare import CorridorInput
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

ROUGH_GAP_FRAC = 0.02
"""Gap of plans for rounds that are planned again."""
UNITS = {"swaps": "swaps/day", "vehicles": "vehicles/day", "vehicle_km": "vehicle-km/day"}


@dataclass(frozen=True)
class CorridorPlan:
    """Corridor stations and their proof.

    Attributes
    ----------
    inputs : CorridorInput
        What they were planned for.
    open_site_idx : int array
    driven_frac : ndarray, shape (num_problem_paths,), or None
        Shares of flows that capacities allow; None where capacities are not limited.
    proof : Proof
        Of the model: worth refuelled, or money in the cheapest variant. With national funding the
        bound holds for the number of stations that the nation grants.
    """

    inputs: CorridorInput
    open_site_idx: IntArray
    driven_frac: FloatArray | None
    proof: Proof


def plan_on_own_limits(
    instance: Instance,
    inputs: CorridorInput,
    options: SolveOptions,
    *,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> CorridorPlan:
    """Plan the corridor stations within the limits of the section ``corridors``.

    Parameters
    ----------
    instance : Instance
    inputs : CorridorInput
    options : SolveOptions
        Gap and time limit.
    on_progress, stop
        As in `planner.models.refuelling.solve.solve_flow_refuelling`.

    Returns
    -------
    CorridorPlan
        With ``wanted_frac`` the cheapest that refuels that share of all worth.

    Raises
    ------
    InfeasibleError
        If existing stations break a limit, or not even all sites refuel the wanted share.
    NoPlanError
        If the limit came before a plan of the wanted share.
    """
    settings, problem = instance.scenario.corridors, inputs.problem
    if settings.wanted_frac is None:
        found = solve_flow_refuelling(problem, options, on_progress=on_progress, stop=stop)
        proof = replace(found.proof, unit=UNITS[settings.objective])
    else:
        wanted = settings.wanted_frac * inputs.total_value
        try:
            found = cheapest_flow_refuelling(problem, wanted, options, stop=stop)
        except InfeasibleError:
            raise wanted_conflict(instance, inputs, options, stop) from None
        proof = found.proof
    driven_frac = found.driven_frac if np.isfinite(problem.capacity).any() else None
    return CorridorPlan(inputs, found.open_site_idx, driven_frac, proof)


def plan_roughly(instance: Instance, inputs: CorridorInput, options: SolveOptions) -> IntArray:
    """Corridor stations on their own limits, for rounds that are planned again."""
    rough = replace(options, gap_frac=max(options.gap_frac, ROUGH_GAP_FRAC),
                    time_limit_s=options.time_limit_s / 4)  # fmt: skip
    return plan_on_own_limits(instance, inputs, rough).open_site_idx


def corridor_claim(
    instance: Instance, inputs: CorridorInput, options: SolveOptions, stop: StopRequest | None
) -> RefuellingClaim:
    """The corridors as a claimant of the siting's limits, in swaps a day."""
    weight = instance.scenario.corridors.trip_swap_weight
    return RefuellingClaim(
        replace(inputs.problem, value=inputs.problem.value * weight),
        seed=options.seed,
        time_limit_s=math.inf if options.deterministic else options.time_limit_s / 4,
        stop=stop,
    )


def plan_granted(
    instance: Instance, inputs: CorridorInput, claim: RefuellingClaim, granted: ClaimPlan
) -> CorridorPlan:
    """Plan the stations that the nation grants, for the cities' stations as they have become.

    Parameters
    ----------
    instance : Instance
    inputs : CorridorInput
        With these stations of the cities.
    claim : RefuellingClaim
        Of ``inputs``, asked at the final prices.
    granted : ClaimPlan
        What was chosen for earlier stations of the cities: no more is used than it did.

    Returns
    -------
    CorridorPlan
        Its bound holds for the number of stations granted.
    """
    started = time.monotonic()
    weight = instance.scenario.corridors.trip_swap_weight
    number = round(granted.use[STATIONS])
    again = claim.plan_for(number)
    sites = granted.site_idx
    fits = all(again.use[name] <= granted.use[name] * (1 + 1e-12) for name in granted.use)
    if fits and again.value >= claim.plan_of(sites).value:
        sites = again.site_idx
    is_open = np.isin(np.arange(inputs.problem.num_sites), sites)
    limited = bool(np.isfinite(inputs.problem.capacity).any())
    driven = driven_flows(inputs.problem, is_open)
    objective = math.fsum((driven * inputs.problem.value).tolist())
    bound = max(claim.bound_for(number) / weight, objective)
    gap = gap_frac(objective, bound)
    return CorridorPlan(
        inputs=inputs,
        open_site_idx=np.asarray(sites, dtype=np.int64),
        driven_frac=driven if limited else None,
        proof=Proof(
            status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
            objective=objective,
            bound=bound,
            gap_frac=gap,
            sense="max",
            unit=UNITS["swaps"],
            wall_s=time.monotonic() - started,
        ),
    )
