"""Facility location with rewards for places: a reward is demand that the place's sites serve free.

With u the cost of a unit that is left unserved, a place's zone demands b_g / u, so that it adds b_g
to the costs unless a station stands at the place. It would take capacity from others: every site of
the place has so much more. That allows the true zones a little more than there is; costs of a plan
are those without rewards, recomputed, and the bound stays one.
"""

import math
from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray, IntArray, Lists
from planner.models.alternatives.p_median import sites_of_places
from planner.models.alternatives.result import Answer, Asked, Places, Plan, Rewarded
from planner.models.facility_location.dual import pairs_by_site
from planner.models.facility_location.flows import StationFlows
from planner.models.facility_location.plan import make_plan
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.facility_location.solve import solve_facility_location
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest


def reward_facility_location(
    problem: FacilityLocationProblem,
    places: Places,
    options: SolveOptions,
    *,
    less: float = 0.0,
    money: FloatArray | None = None,
    most_money: float = math.inf,
    stop: StopRequest | None = None,
) -> Rewarded:
    """Least cost of stations and flows, with rewards for places.

    Parameters
    ----------
    problem : FacilityLocationProblem
        Zones may be served by several stations; demand left unserved has a finite cost > 0.
    places : Places
        Of its sites.
    options : SolveOptions
        Of these, workers and determinism are kept.
    less : float
        The objective is this much less than the problem's costs.
    money : float array, shape (num_sites, num_types), optional
        What stations cost beside the problem's costs.
    most_money : float
        Plans that take more are left out; the bound holds for them too.
    stop : StopRequest, optional
    """
    flows = StationFlows(problem, pairs_by_site(problem))

    def answer(asked: Asked) -> Answer:
        found = solve_facility_location(
            with_rewarded_demand(problem, places, asked.reward),
            replace(
                options,
                gap_frac=0.0 if asked.prove else options.gap_frac,
                time_limit_s=asked.seconds,
                seed=asked.seed,
            ),
            stop=stop,
        )
        sites, types = found.open_site_idx, found.type_idx
        bound = float(asked.reward.sum()) - (found.proof.bound - less)
        if money is not None and math.fsum(money[sites, types]) > most_money:
            return Answer(None, bound)
        plan = least_cost_plan(problem, flows, sites, types)
        return Answer(replace(plan, gain=plan.gain + less), bound)

    return answer


def least_cost_plan(
    problem: FacilityLocationProblem, flows: StationFlows, sites: IntArray, types: IntArray
) -> Plan:
    """Given stations with what their cheapest flows cost, as a gain.

    Parameters
    ----------
    problem : FacilityLocationProblem
    flows : StationFlows
        Of the problem.
    sites, types : int arrays, shape (num_open,)
        Sites ascending.
    """
    served = flows.serve(sites * problem.num_types + types)
    cost = make_plan(problem, sites, types, flows.used_pairs(served)).cost
    return Plan(sites, types, -cost)


def with_rewarded_demand(
    problem: FacilityLocationProblem, places: Places, reward: FloatArray
) -> FacilityLocationProblem:
    """The problem with a zone for every place that earns something.

    Parameters
    ----------
    problem : FacilityLocationProblem
    places : Places
    reward : float array, shape (num_places,)

    Raises
    ------
    ValueError
        If all demand must be served, if leaving it costs nothing, or each zone has one station.
    """
    if problem.single or not 0.0 < problem.unserved_cost < math.inf:
        raise ValueError("rewards need zones that may be split, and a cost of unserved demand")
    demand, earns = reward / problem.unserved_cost, reward > 0
    sites = sites_of_places(places, earns)
    return replace(
        problem,
        demand=np.r_[problem.demand, demand[earns]],
        sites=Lists(
            np.r_[problem.sites.ptr, problem.sites.ptr[-1] + sites.ptr[1:]],
            np.r_[problem.sites.idx, sites.idx].astype(np.int32),
        ),
        unit_cost=np.r_[problem.unit_cost, np.zeros(sites.num_entries)],
        capacity=problem.capacity + demand[places.of_site][:, None],
    )
