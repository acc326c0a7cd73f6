"""Stations such that zones are near their nearest one: the p-median problem, with a proven bound.

Sets: demand zones i of weight w_i >= 0, candidate sites j, d_ij the distance (time, cost) between
them. y_j = 1 if a station stands at j, x_ij = share of zone i served from j.

    min  sum_i w_i sum_j d_ij x_ij
    (1)  sum_j x_ij = 1                    every zone i
    (2)  x_ij <= y_j                       every pair
    (3)  y_j = 1 forced,  y_j = 0 forbidden
    (4)  min_stations <= sum_j y_j <= max_stations
    (5)  sum_j cost_j y_j <= budget
    (6)  city_least_c <= sum of y_j over sites j of city c <= city_most_c
         y_j in {0, 1},  x_ij >= 0

Hakimi 1964 (Operations Research 12:450-459); ReVelle and Swain 1970 (Geographical Analysis
2:30-42), with locks, ranges of numbers and a budget. Distances given pair by pair have one more
way to serve a zone: not at all, at the distance ``unserved``. Not modelled: capacities, sizes.

How it is solved: lists of near sites stand for the matrix; exchange gives a plan; the Lagrangian
dual of (1) gives a bound, further plans, and the sites that are worth a look: among these annealing
improves the plan. What the gap then allows to drop is dropped, and the rest goes to branch and
bound on the same dual, in turns with annealing. (Duran-Mateluna, Ales and Elloumi 2023, EJOR
308:84-96, close the same gap by Benders cuts on CPLEX.)
"""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.errors import PlannerError
from planner.models.p_median.dual import (
    MedianDual,
    Openings,
    first_dual,
    fixing_losses,
    improve_dual,
    median_bound,
)
from planner.models.p_median.near_sites import near_sites, nearest_open, restrict
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.models.p_median.search import NOBODY, Nearest, anneal, nearest_tables
from planner.models.p_median.start import first_plan, least_stations, plan_step
from planner.models.p_median.state import MedianSearch, p_median_cost
from planner.models.p_median.tree import Core, MedianTree, drop_hopeless
from planner.models.p_median.tuning import Tuning
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC


@dataclass(frozen=True)
class PMedianSolution:
    """Plan and proof.

    Attributes
    ----------
    proof : Proof
        Weighted sum of distances, recomputed on the original zones, and its bound; less is better.
    open_site_idx : int array
        Open sites, forced ones included, ascending.
    zone_site_idx : int array, shape (num_zones,)
        Nearest open site of each zone; -1 where no pair is open.
    zone_distance : float array, shape (num_zones,)
        To it; infinite between points where nothing is open, as where nothing has a weight.
    """

    proof: Proof
    open_site_idx: IntArray
    zone_site_idx: IntArray
    zone_distance: FloatArray


def solve_p_median(
    problem: PMedianProblem,
    options: SolveOptions,
    *,
    tuning: Tuning | None = None,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> PMedianSolution:
    """Place stations so that the weighted distance of zones to their nearest one is least.

    Parameters
    ----------
    problem : PMedianProblem
        Not changed.
    options : SolveOptions
        The search ends at ``gap_frac``, at the time limit (which the last step may overrun by a
        second or two on large problems) or, in deterministic mode, after a fixed amount of work.
    tuning : Tuning, optional
        How hard it works at what; measured values if not given.
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    PMedianSolution
        Always with a plan.

    Raises
    ------
    InfeasibleError
        If locks, numbers and budget allow no plan.
    """
    started = work_s()
    tuning = tuning or Tuning()
    rng = np.random.default_rng(options.seed)
    first = first_plan(problem, rng)
    sites = np.flatnonzero(~problem.rules.forbidden)
    stations = max(min(problem.rules.most, len(sites)), 1)
    length = min(
        tuning.list_stations * math.ceil(len(sites) / stations) + tuning.least_list,
        max(tuning.max_pairs // max(problem.num_zones, 1), 1),
    )
    lengths = np.full(problem.num_zones, length, dtype=np.int64)
    search = MedianSearch(
        problem=problem,
        tuning=tuning,
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
        sites=sites,
        openings=Openings(
            forced=problem.rules.forced[sites],
            min_open=least_stations(problem),
            max_open=problem.rules.most,
            cost=problem.rules.cost[sites],
            budget=problem.rules.most_cost,
            cities=None if problem.rules.cities is None else problem.rules.cities.of_sites(sites),
        ),
        near=near_sites(problem.distances, sites, lengths),
        length=lengths,
        plan_step=plan_step(problem),
    )
    state = nearest_tables(problem.weight, search.near, np.searchsorted(sites, np.sort(first)))
    search.offer(state)
    search.report("start", f"{len(sites)} sites, {search.near.sites.num_entries} pairs listed")
    search.exchange(state, rng)
    search.report("exchange", f"{len(search.plan)} stations")
    _search_until_done(search, state, rng)
    return _solution(search)


def _search_until_done(search: MedianSearch, state: Nearest, rng: np.random.Generator) -> None:
    """Dual and annealing in turns until the dual has arrived, then the tree and annealing."""
    tuning = search.tuning
    if search.problem.num_zones == 0 or len(search.plan) == 0:
        search.raise_bound(search.incumbent)
        return
    middle = 0.5 * (state.first_distance + state.second_distance)
    everything = np.arange(len(search.sites))
    dual = first_dual(middle, 0.0, np.zeros(len(everything)))
    core = Core(search.near, search.openings, everything)
    while True:
        core, dual = _improve_bound(search, core, dual, rng)
        if search.done or not search.may_go_on():
            return
        if _lengthen(search, dual):
            core = Core(search.near, search.openings, everything)
            dual = first_dual(dual.multiplier, dual.price, np.zeros(len(everything)))
        elif dual.walk.step <= tuning.least_step:
            break
        if len(core.sites) > tuning.tree_sites:
            _anneal_plan(search, core, dual, rng)
    _branch(search, core, dual, rng)


def _improve_bound(
    search: MedianSearch, core: Core, dual: MedianDual, rng: np.random.Generator
) -> tuple[Core, MedianDual]:
    """Walk on with the dual, make a plan of the relaxed one, and drop what no better plan uses."""
    tuning = search.tuning
    if not search.may_go_on():
        return core, dual
    at_once = min(
        max(tuning.pairs_per_poll // max(len(core.near.sites.idx), 1), 10),
        tuning.walk_steps,
    )
    for _ in range(0, tuning.walk_steps, at_once):
        if search.done or dual.walk.step <= tuning.least_step or not search.may_go_on():
            break
        dual = improve_dual(
            search.weight, core.near, core.openings, dual,
            target=search.incumbent, iterations=at_once,
        )  # fmt: skip
        exact, _, _ = median_bound(
            search.weight, core.near, core.openings, dual.multiplier, dual.price
        )
        search.raise_bound(exact)
        search.report_now_and_then("bound", f"step {dual.walk.step:.1e}")
    _, opening, _ = median_bound(
        search.weight, core.near, core.openings, dual.multiplier, dual.price
    )
    _offer_opening(search, core.sites[opening], rng)
    core, stays = drop_hopeless(search.weight, core, dual.multiplier, dual.price, search.cut)
    dual = replace(dual, frequency=dual.frequency[stays])
    search.report("bound", f"step {dual.walk.step:.1e}, {len(core.sites)} sites left")
    return core, dual


def _offer_opening(search: MedianSearch, opening: IntArray, rng: np.random.Generator) -> None:
    """Exchange from a relaxed plan, if it keeps the budget."""
    if len(opening) and search.openings.allow(opening):
        search.exchange(nearest_tables(search.weight, search.near, opening), rng)


def _promising(search: MedianSearch, core: Core, dual: MedianDual) -> tuple[IntArray, IntArray]:
    """Sites that cost the bound least, ascending, and a plan on them to begin with."""
    tuning = search.tuning
    _, opening, worth = median_bound(
        search.weight, core.near, core.openings, dual.multiplier, dual.price
    )
    relaxed = core.sites[opening]
    begin_with_relaxed = search.num_anneals % 2 == 1 and search.openings.allow(relaxed)
    plan = relaxed if begin_with_relaxed else search.plan
    loss = fixing_losses(core.openings, opening, worth)
    loss[opening] = -1.0
    per_station = tuning.promising_stations[search.num_anneals % len(tuning.promising_stations)]
    number = int(per_station * len(plan)) + tuning.least_promising
    search.num_anneals += 1
    return np.union1d(core.sites[np.argsort(loss, kind="stable")[:number]], plan), np.sort(plan)


def _anneal_plan(
    search: MedianSearch, core: Core, dual: MedianDual, rng: np.random.Generator
) -> int:
    """Anneal on promising sites, in slices short enough for the clock.

    Begins with the incumbent and the relaxed plan turn by turn. Returns the pairs looked at.
    """
    tuning = search.tuning
    sites, start = _promising(search, core, dual)
    near = restrict(search.near, sites, np.full(search.near.num_zones, np.inf))
    openings = search.openings.of_sites(sites, search.openings.forced[sites])
    num_pairs = max(tuning.anneal_pairs, tuning.anneal_sweeps * len(near.sites.idx))
    state = nearest_tables(search.weight, near, np.searchsorted(sites, start))
    losses = state.loss[state.is_open & ~openings.forced]
    candidates = np.flatnonzero(~openings.forced)
    if len(losses) == 0 or state.is_open.all() or not losses.mean() > 0.0:
        return num_pairs
    hot, cold = (
        tuning.hot_frac * float(losses.mean()),
        tuning.cold_frac * float(losses.mean()),
    )
    slices = math.ceil(num_pairs / (tuning.pairs_per_poll // tuning.tree_per_anneal))
    levels = hot * (cold / hot) ** (np.arange(slices + 1) / slices)
    for high, low in itertools.pairwise(levels):
        if not search.may_go_on():
            break
        anneal(
            search.weight, near, openings, state, candidates,
            num_pairs=num_pairs // slices, hot=float(high), cold=float(low), rng=rng,
        )  # fmt: skip
        search.report_now_and_then("anneal", f"{len(sites)} sites")
    plan = sites[np.flatnonzero(state.is_open)]
    search.exchange(nearest_tables(search.weight, search.near, plan), rng)
    search.report("anneal", f"{num_pairs:.1e} pairs looked at, {len(sites)} sites")
    return num_pairs


def _lengthen(search: MedianSearch, dual: MedianDual) -> bool:
    """Longer lists for zones whose multiplier or plan goes beyond them."""
    tuning = search.tuning
    if isinstance(search.problem.distances, PairDistances):
        return False
    state = nearest_tables(search.weight, search.near, search.plan)
    short = (dual.multiplier >= search.near.beyond) | (state.first == NOBODY)
    short &= search.length < len(search.sites)
    room = tuning.max_pairs - int(search.length.sum())
    if not short.any() or int(search.length[short].sum()) > room:
        return False
    search.length = np.where(short, 2 * search.length, search.length)
    search.near = near_sites(search.problem.distances, search.sites, search.length)
    return True


def _branch(search: MedianSearch, core: Core, dual: MedianDual, rng: np.random.Generator) -> None:
    """Branch and bound on what the gap leaves over, in turns with annealing."""
    tuning = search.tuning

    def offer(opening: IntArray) -> float:
        # Exchanges on all sites take longer than the bound of a small node: now and then.
        if tree.num_nodes % tuning.exchange_nodes == 1:
            _offer_opening(search, opening, rng)
        elif len(opening) and search.openings.allow(opening):
            search.offer(nearest_tables(search.weight, search.near, opening))
        return search.incumbent

    tree = MedianTree(
        search.weight, core, dual,
        step=search.plan_step, bound=search.bound, incumbent=search.incumbent, offer=offer,
    )  # fmt: skip
    annealed = 0
    while not (tree.done or search.done) and search.may_go_on():
        if search.options.deterministic and tree.work > tuning.tree_work:
            break
        if len(core.sites) > tuning.tree_sites and tree.work >= tuning.tree_per_anneal * annealed:
            annealed += _anneal_plan(search, core, dual, rng)
            tree.incumbent = search.incumbent
            continue
        tree.advance()
        search.raise_bound(tree.bound)
        search.report_now_and_then("branch", f"{tree.num_nodes} nodes")
    search.raise_bound(tree.bound)


def _solution(search: MedianSearch) -> PMedianSolution:
    """Recompute the objective from the plan alone."""
    problem = search.problem
    open_site_idx = search.sites[search.plan].astype(np.int64)
    zone_site_idx, zone_distance = nearest_open(problem.distances, open_site_idx)
    objective = p_median_cost(problem, open_site_idx)
    bound = search.bound
    if bound > objective * (1.0 + OPTIMAL_GAP_FRAC):
        raise PlannerError(f"the bound {bound!r} is above the plan's cost {objective!r}: a defect")
    proof = search.proof(objective, min(bound, objective))
    search.report("done", f"{len(open_site_idx)} stations, {proof.status}")
    return PMedianSolution(
        proof=replace(proof, history=tuple(search.history)),
        open_site_idx=open_site_idx,
        zone_site_idx=zone_site_idx,
        zone_distance=zone_distance,
    )
