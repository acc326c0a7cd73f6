"""Why corridor stations cannot keep their limits, or not refuel what is wanted."""

import math
from dataclasses import replace

import numpy as np

from planner.errors import InfeasibleError, NoPlanError
from planner.instance import Instance
from planner.models.refuelling.cheapest import cheapest_flow_refuelling
from planner.models.refuelling.problem import FlowRefuelling
from planner.models.refuelling.solve import solve_flow_refuelling
from planner.planning.corridors.prepare import CorridorInput
from planner.planning.corridors.roads import CorridorRoads
from planner.planning.limits import station_limits
from planner.solving.conflicts import check_plan_exists, conflict_error
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.rule_conflicts import conflicting_limits
from planner.solving.rules import SiteRules
from planner.solving.station_limits import StationLimits, limited_stations, shown_money

_ANSWER_FRAC = 0.05
_WHERE = "corridors: "
_SHARE_DIGITS = 4


def check_road_limits(instance: Instance, roads: CorridorRoads) -> None:
    """Say which limits corridor stations that must stand break, if they break any.

    With national funding they take of the numbers and money of the cities' stations.

    Raises
    ------
    InfeasibleError
        With minimal conflicts and repairs.
    """
    if instance.scenario.corridors.funding == "own":
        check_plan_exists(limited_stations(_own_limits(instance, roads)))
    elif not instance.scenario.periods:
        check_plan_exists(limited_stations(_with_roads(station_limits(instance), roads)))


def _own_limits(instance: Instance, roads: CorridorRoads) -> StationLimits:
    settings, num_sites = instance.scenario.corridors, len(roads.cost)
    nowhere = np.zeros(num_sites, dtype=np.int64)
    return StationLimits(
        site_names=roads.site_id,
        city_names=["roads"],
        city_idx=nowhere,
        cost=roads.cost,
        forced=roads.forced,
        forbidden=roads.forbidden,
        num_stations=math.inf if settings.num_stations is None else settings.num_stations,
        budget=math.inf if settings.budget_cny is None else settings.budget_cny,
        least=np.array([0]),
        most=np.array([num_sites]),
        is_new=np.array([status != "existing" for status in roads.site_status], dtype=np.bool_),
        closing=np.full(num_sites, np.nan),
        periods=[""],
        first=nowhere,
        opens=nowhere - 1,
        where=_WHERE,
    )


def _with_roads(limits: StationLimits, roads: CorridorRoads) -> StationLimits:
    """The stations of the nation, those that must stand along roads as of one more city."""
    must = np.flatnonzero(roads.forced)
    number = len(must)
    return replace(
        limits,
        site_names=[*limits.site_names, *(f"{roads.site_id[site]} (road)" for site in must)],
        city_names=[*limits.city_names, "roads"],
        city_idx=np.append(limits.city_idx, np.full(number, len(limits.city_names))),
        cost=np.append(limits.cost, roads.cost[must]),
        forced=np.append(limits.forced, np.ones(number, dtype=np.bool_)),
        forbidden=np.append(limits.forbidden, np.zeros(number, dtype=np.bool_)),
        least=np.append(limits.least, 0),
        most=np.append(limits.most, number),
        is_new=np.append(limits.is_new, [roads.site_status[site] != "existing" for site in must]),
        closing=np.append(limits.closing, np.full(number, np.nan)),
        first=np.append(limits.first, np.zeros(number, dtype=np.int64)),
        opens=np.append(limits.opens, np.full(number, -1)),
    )


def wanted_conflict(
    instance: Instance, inputs: CorridorInput, options: SolveOptions, stop: StopRequest | None
) -> InfeasibleError:
    """Which limits keep corridor stations from refuelling the wanted share, and what mends it.

    Parameters
    ----------
    instance : Instance
        With ``corridors.wanted_frac``.
    inputs : CorridorInput
        That no plan refuels the wanted share of, though plans keep its limits.
    options, stop : SolveOptions, StopRequest
        A share of the time is given to each question.

    Returns
    -------
    InfeasibleError
        To be raised.
    """
    problem = inputs.problem
    rules, wanted_frac = problem.rules, instance.scenario.corridors.wanted_frac or 0.0
    quick = replace(options, time_limit_s=max(1.0, options.time_limit_s * _ANSWER_FRAC))

    def cheapest(rules: SiteRules) -> FlowRefuelling | None:
        """None if there is no plan; raises NoPlanError where that is not known."""
        asked, wanted = replace(problem, rules=rules), wanted_frac * inputs.total_value
        try:
            return cheapest_flow_refuelling(asked, wanted, quick, stop=stop)
        except InfeasibleError:
            return None

    def may_answer(rules: SiteRules) -> bool:
        try:
            return cheapest(rules) is not None
        except NoPlanError:
            return True

    limits = conflicting_limits(rules, may_answer, site_names=inputs.roads.site_id, unit="CNY")
    repair = []
    for is_number, free in (
        (True, replace(rules, most=rules.num_sites)),
        (False, replace(rules, budget=math.inf)),
    ):
        is_limited = rules.most < rules.num_sites if is_number else math.isfinite(rules.budget)
        if not is_limited or not may_answer(free):
            continue
        found = cheapest(free)
        if found is not None and is_number:
            number = len(found.open_site_idx)
            repair.append(f"{_WHERE}allow {number:,} stations instead of {rules.most:,}")
        elif found is not None:
            more = shown_money(found.proof.objective, "CNY", is_ceiled=True)
            there = shown_money(rules.budget, "CNY")
            repair.append(f"{_WHERE}raise the budget from {there} to {more}")
    reached = solve_flow_refuelling(problem, quick, stop=stop).proof.objective
    percent = 100 * math.floor(reached / inputs.total_value * 10**_SHARE_DIGITS) / 10**_SHARE_DIGITS
    asked = f"{_WHERE}{100 * wanted_frac:.6g} % of the worth of trips refuelled"
    repair.append(f"ask for {percent:.6g} % instead of: {asked}")
    return conflict_error([[asked, *(_WHERE + limit.name for limit in limits)]], repair)
