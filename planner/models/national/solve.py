"""Maximal covering with station sizes at national scale, by prices.

Sets: zones i of value w_i, sites j in cities c, station types t, resources r (stations, money,
and whatever else the nation limits) with limit B_r, of which a station of type t at j takes
u_rjt >= 0. Border zones are those that sites of several cities reach.

    max  sum_i w_i x_i    over plans of all cities, each within (2), (4) and min_c, max_c of
                          ``sized_coverage``
    (1)  x_i <= 1,  x_i <= sum_c x_ic                    every border zone i
    (2)  sum_jt u_rjt y_jt <= B_r                        every resource r

Claimants (corridors) take of the same limits: their plans are worth V_k, a part of the sum like a
city without border zones, with a bound U_k of their own.

where x_ic is the share of zone i that stations of city c serve. With prices pi_r >= 0 of (2) and
multipliers 0 <= mu_i <= w_i of (1) the cities fall apart, and

    (3)  L(pi, mu) = sum_r pi_r B_r + sum_{i border} (w_i - mu_i) + sum_c U_c(pi, mu)
                     + sum_k U_k(pi)

bounds every plan, U_c being any bound on what city c's best plan is worth at these prices:

    (4)  U_c >= max sum_{i inner to c} w_i x_i + sum_{i border} mu_i x_ic - sum_r pi_r u_rjt y_jt.

The answers of the cities are columns of the master (:mod:`planner.models.national.master`), which
chooses one plan per city and whose duals are the next prices: Dantzig and Wolfe 1960 (Operations
Research 8:101-111), prices as in Lasdon 1970 (Optimization Theory for Large Systems), bound as in
Geoffrion 1974 (Mathematical Programming Study 2:82-114). The first prices are those of the
relaxation without capacity and city limits, solved for the whole nation at once.

A plan is worth what its stations serve jointly, computed on the whole nation: a border zone
counts once and loads once. Not modelled: what ``sized_coverage`` leaves out.
"""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.errors import PlannerError
from planner.models.national.city import CityAnswer, CityTask, answer_city
from planner.models.national.claims import Claimant, ClaimPlan
from planner.models.national.first_plan import is_sound, least_plans, start_from
from planner.models.national.first_prices import find_first_prices
from planner.models.national.improve import improver
from planner.models.national.parts import split_by_city
from planner.models.national.rounds import search_until_done
from planner.models.national.state import (
    NationalSearch,
    NationalStart,
    Prices,
    Resources,
    covering_digest,
    offer_chosen,
)
from planner.models.national.tuning import Tuning
from planner.models.sized_coverage.feasible import check_feasible
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.models.sized_coverage.solve import solve_sized_coverage
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC
from planner.solving.tasks import TaskRunner


@dataclass(frozen=True)
class NationalLimit:
    """One more thing that the nation has only so much of: budget of a quarter, GWh, build slots.

    Attributes
    ----------
    name : str
        For messages.
    use : float array, shape (num_sites, num_types)
        What a station of the type at the site takes, >= 0.
    limit : float
        How much there is, >= 0; inf for no limit.
    """

    name: str
    use: FloatArray
    limit: float


@dataclass(frozen=True)
class NationalSolution:
    """Plan, proof and prices.

    Attributes
    ----------
    open_site_idx, type_idx : int arrays, shape (num_open,)
        Sites with a station, forced ones included, ascending, and the type of each.
    served_frac : float array, shape (num_zones,)
        Share of each zone that the stations serve jointly.
    resources : tuple of str
        What is limited: "stations", "money" if the budget is finite, names of further limits.
    price : float array, shape (len(resources),)
        Prices behind the bound: value of one more unit of each.
    city_gap : float array, shape (num_cities,)
        Part of the bound that each city's plans do not reach at these prices [value].
    claimed : tuple of ClaimPlan
        Chosen plan of each claimant.
    end : NationalStart
        What a search for other loads and capacities can start from.
    num_plans : int
        Columns of the master.
    priced_bound : float
        Bound of these prices; the proof's may be lower by other reasons.
    proof : Proof
        The objective is the sum of value * served_frac and the value of the claimants' plans.
    """

    open_site_idx: IntArray
    type_idx: IntArray
    served_frac: FloatArray
    resources: tuple[str, ...]
    price: FloatArray
    city_gap: FloatArray
    claimed: tuple[ClaimPlan, ...]
    end: NationalStart
    num_plans: int
    priced_bound: float
    proof: Proof


def solve_national(
    problem: SizedCoverageProblem,
    options: SolveOptions,
    *,
    executor: Executor | None = None,
    limits: Sequence[NationalLimit] = (),
    claimants: Sequence[Claimant] = (),
    start: NationalStart | None = None,
    tuning: Tuning = Tuning(),
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> NationalSolution:
    """Place stations of several sizes over a nation so that the value served is greatest.

    Parameters
    ----------
    problem : SizedCoverageProblem
        Not changed.
    options : SolveOptions
        The search ends at ``gap_frac``, at the time limit or, in deterministic mode, after a
        fixed amount of work. Up to ``workers`` cities are worked on at once.
    executor : concurrent.futures.Executor, optional
        Anything with ``submit``. Without one, cities are solved in this process if ``workers`` is
        1, and on so many spawned processes otherwise.
    limits : sequence of NationalLimit
        On top of the number of stations and the budget.
    claimants : sequence of Claimant
        Who takes of the same limits beside the cities; values in the units of the objective.
    start : NationalStart, optional
        Where the search for other loads and capacities ended: its plan is the first incumbent,
        its prices the first prices. One that does not fit the problem is left aside.
    tuning : Tuning, optional
        How hard each step works.
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    NationalSolution
        Always with a plan.

    Raises
    ------
    InfeasibleError
        If no plan satisfies the limits, with the reason.
    ValueError
        If a limit has another shape than the problem or is negative, or the rules ask for a least
        number of stations.
    """
    started = work_s()
    resources = _resources(problem, limits)
    check_feasible(problem)
    parts = split_by_city(problem, resources.use)
    border_value = problem.coverage.value[parts.border_zone]
    unpriced = Prices(
        np.zeros(len(resources.limit)),
        np.zeros(len(border_value)),
        np.full(len(parts.cities) + len(claimants), math.inf),
        np.full(len(parts.cities), math.inf),
    )
    search = NationalSearch(
        problem=problem,
        resources=resources,
        parts=parts,
        claimants=tuple(claimants),
        tuning=tuning,
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
        border_value=border_value,
        share=np.ones(problem.coverage.num_zones),
        current=unpriced,
        best=unpriced,
        whole_bound=math.inf if claimants else math.fsum(problem.coverage.value),
    )
    with TaskRunner[CityTask, CityAnswer](
        answer_city, workers=options.workers, executor=executor, stop=stop
    ) as runner:
        large = problem.coverage.reach.num_entries >= tuning.warm_arcs
        if start is None and large and options.gap_frac < tuning.warm_gap_frac:
            runner.warm()
        improve = improver(search, _begin(search, start))
        improve()
        _limit_prices(search)
        search_until_done(search, runner, improve)
    search.options = options
    _solve_whole(search)
    return _solution(search)


def _limit_prices(search: NationalSearch) -> None:
    """Leave time for what prices leave open, where one model can close it."""
    tuning = search.tuning
    if _may_be_whole(search) and search.problem.coverage.reach.num_entries <= tuning.small_arcs:
        limit_s = search.elapsed_s + tuning.priced_share * search.remaining_s
        search.options = replace(search.options, time_limit_s=limit_s)


def _resources(problem: SizedCoverageProblem, limits: Sequence[NationalLimit]) -> Resources:
    """Stations, money if limited, and the further limits that are finite."""
    rules, shape = problem.rules, problem.capacity.shape
    names, use = ["stations"], [np.ones(shape)]
    bound = [float(min(rules.most, rules.num_sites))]
    if math.isfinite(rules.budget):
        names, use, bound = [*names, "money"], [*use, rules.cost], [*bound, rules.most_cost]
    for each in limits:
        if each.use.shape != shape:
            raise ValueError(f"{each.name}: use has shape {each.use.shape}, not {shape}")
        if not (np.isfinite(each.use).all() and each.use.min(initial=0.0) >= 0):
            raise ValueError(f"{each.name}: use must be finite and >= 0")
        if math.isnan(each.limit) or each.limit < 0:
            raise ValueError(f"{each.name}: limit must be >= 0, not {each.limit}")
        if math.isfinite(each.limit):
            names, use, bound = [*names, each.name], [*use, each.use], [*bound, each.limit]
    return Resources(tuple(names), np.array(use), np.array(bound))


def _begin(search: NationalSearch, start: NationalStart | None) -> FloatArray | None:
    """First plan, first prices; how far the relaxation opens each site, if it is solved."""
    for plan in least_plans(search):
        search.add(plan)
    search.chosen = list(search.plans)
    offer_chosen(search, search.chosen)
    if start is not None and is_sound(search, start):
        start_from(search, start)
        if search.gap_frac <= start.most_gap_frac:
            return None
        search.settled = False
    return find_first_prices(search)


def _may_be_whole(search: NationalSearch) -> bool:
    """Whether one model without prices can take the problem: small, and no further limits."""
    return (
        not search.claimants
        and search.problem.coverage.reach.num_entries <= search.tuning.whole_arcs
        and set(search.resources.names) <= {"stations", "money"}
    )


def _solve_whole(search: NationalSearch) -> None:
    """Close what prices leave open."""
    if not search.unfinished() or not _may_be_whole(search):
        return
    solution = solve_sized_coverage(
        search.problem,
        replace(search.options, time_limit_s=max(min(search.remaining_s, 1e9), 1e-3)),
        hint=(search.sites, search.types),
        stop=search.stop,
    )
    search.offer(solution.open_site_idx, solution.type_idx, ())
    search.whole_bound = min(search.whole_bound, solution.proof.bound)
    search.report("national", "closed as one problem")


def _solution(search: NationalSearch) -> NationalSolution:
    """Recompute objective and bound from the stations and the cities' bounds alone."""
    served_frac, served = served_flow(search.problem, search.sites, search.types)
    objective = math.fsum((served, *(plan.inner_value for plan in search.claimed)))
    bound = min(search.whole_bound, search.lagrangian_bound(search.best))
    if bound < objective * (1.0 - OPTIMAL_GAP_FRAC):
        raise PlannerError(f"the bound {bound!r} is below the plan's value {objective!r}: a defect")
    bound = max(bound, objective)
    status = search.proof(objective, bound).status
    search.report("done", f"{len(search.sites)} stations, {status}")
    city_gap = np.zeros(len(search.problem.rules.cities_or_one().min_stations))
    gaps = search.part_gap(search.best)[: len(search.parts.cities)]
    for part, missing in zip(search.parts.cities, gaps, strict=True):
        city_gap[part.city] = missing
    at_prices = search.best_plans(search.best)[0][: len(search.parts.cities)]
    nothing = np.empty(0, np.int64)
    return NationalSolution(
        open_site_idx=search.sites,
        type_idx=search.types,
        served_frac=served_frac,
        resources=search.resources.names,
        price=search.best.price,
        city_gap=city_gap,
        claimed=tuple(
            ClaimPlan(
                plan.site_idx,
                plan.inner_value,
                dict(zip(search.resources.names, plan.use.tolist(), strict=True)),
            )
            for plan in search.claimed
        ),
        end=NationalStart(
            site_idx=search.sites,
            type_idx=search.types,
            best_site_idx=np.concatenate([nothing, *(plan.site_idx for plan in at_prices)]),
            best_type_idx=np.concatenate([nothing, *(plan.type_idx for plan in at_prices)]),
            claimed=tuple(plan.site_idx for plan in search.claimed),
            price=search.best.price,
            multiplier=search.best.multiplier,
            share=search.share,
            cover_bound=search.best.cover_bound,
            covering=covering_digest(search.problem, search.resources),
        ),
        num_plans=len(search.plans),
        priced_bound=search.lagrangian_bound(search.best),
        proof=search.proof(objective, bound),
    )
