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
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.errors import InfeasibleError, PlannerError
from planner.models.p_median.dual import (
    MedianDual,
    Openings,
    first_dual,
    fixing_losses,
    improve_dual,
    median_bound,
)
from planner.models.p_median.near_sites import NearSites, near_sites, nearest_open, restrict
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.models.p_median.search import (
    NOBODY,
    Nearest,
    anneal,
    exchange_pass,
    listed_cost,
    nearest_tables,
)
from planner.models.p_median.tree import ROUNDING, Core, MedianTree, drop_hopeless
from planner.solving.best_sites import best_sites
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.rules import CityLimits
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

if TYPE_CHECKING:
    from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper

LIST_STATIONS, LEAST_LIST = 4, 30
"""A list is long enough for this many stations spread evenly, and this much longer."""
MAX_PAIRS = 30_000_000
"""Pairs listed at most, 700 MB: where shorter lists make the bound weaker, it is still one."""
WALK_STEPS = 300
"""Dual steps of a round, before the plan gets its turn."""
LEAST_STEP = 1e-4
"""The dual has arrived once its step is down to this."""
PAIRS_PER_POLL = 300_000_000
"""Pairs looked at between two looks at clock and stop request, about half a second."""
PROMISING_STATIONS, LEAST_PROMISING = (1.5, 2.0, 3.0), 60
"""Annealing keeps to the sites that cost the bound least: so many per station, turn by turn, and
this many more. The fewer, the better its plans, if they are the right ones."""
ANNEAL_PAIRS, ANNEAL_SWEEPS = 30_000_000, 200
"""Pairs looked at by annealing, 0.3 s, or as many as it takes to offer each site so many times:
several short runs find better plans than a long one."""
TREE_SITES = 150
"""With so few sites left the tree finds the best plan sooner than annealing."""
HOT_FRAC, COLD_FRAC = 0.07, 0.002
"""First and last temperature as fractions of the mean loss by closing an open site."""
EXCHANGE_NODES = 16
"""Every so many nodes exchange starts from the relaxed plan."""
TREE_PER_ANNEAL = 4
"""Pairs looked at by the tree for each one of annealing: about the same time for both."""
REPORT_S = 1.0
"""Between two reports of a stage."""
TREE_WORK = 2_000_000_000_000
"""Limits branching in deterministic mode: pairs looked at, about an hour's work."""


@dataclass(frozen=True)
class PMedianSolution:
    """Plan and proof.

    Attributes
    ----------
    status : Status
        OPTIMAL if the bound proves the plan the best, FEASIBLE otherwise.
    open_site_idx : int array
        Open sites, forced ones included, ascending.
    zone_site_idx : int array, shape (num_zones,)
        Nearest open site of each zone; -1 where no pair is open.
    zone_distance : float array, shape (num_zones,)
    objective : float
        Weighted sum of distances, recomputed on the original zones.
    bound : float
        No plan has less.
    gap_frac : float
        (objective - bound) / bound.
    wall_s : float
        Seconds taken.
    history : tuple of Progress
        Incumbent and bound over time.
    """

    status: Status
    open_site_idx: IntArray
    zone_site_idx: IntArray
    zone_distance: FloatArray
    objective: float
    bound: float
    gap_frac: float
    wall_s: float
    history: tuple[Progress, ...]


@dataclass
class _Search:
    """What is known so far, and when to give up; the only state that changes during a solve.

    Plans are positions in ``sites``, which are the sites that are not forbidden.
    """

    problem: PMedianProblem
    options: SolveOptions
    on_progress: ProgressCallback | None
    stop: StopRequest | None
    started: float
    sites: IntArray
    openings: Openings
    near: NearSites
    length: IntArray
    plan_step: float
    plan: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    incumbent: float = math.inf
    bound: float = 0.0
    history: list[Progress] = field(default_factory=list)
    num_anneals: int = 0
    reported: float = -math.inf

    @property
    def weight(self) -> FloatArray:
        """Weights of the zones."""
        return self.problem.weight

    @property
    def gap_frac(self) -> float:
        """Gap between plan and bound."""
        return gap_frac(self.incumbent, self.bound, sense="min")

    @property
    def done(self) -> bool:
        """Whether the gap asked for is reached."""
        return self.gap_frac <= max(self.options.gap_frac, OPTIMAL_GAP_FRAC)

    @property
    def remaining_s(self) -> float:
        """Seconds left; unlimited in deterministic mode."""
        if self.options.deterministic:
            return math.inf
        return self.options.time_limit_s - (time.monotonic() - self.started)

    @property
    def cut(self) -> float:
        """Plans are better than the incumbent if they cost less than this."""
        return self.incumbent * (1.0 - ROUNDING) - self.plan_step * (1.0 - 1e-6)

    def may_go_on(self) -> bool:
        """Whether neither the clock nor the caller has called an end."""
        return self.remaining_s > 0.0 and not (self.stop is not None and self.stop.is_set())

    def report(self, stage: str, message: str) -> None:
        """Note the state in the history and tell the caller."""
        self.reported = time.monotonic()
        elapsed_s = self.reported - self.started
        progress = Progress(stage, self.incumbent, self.bound, elapsed_s, message, "min")
        self.history.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)

    def report_now_and_then(self, stage: str, message: str) -> None:
        """Report if the last one is some time ago."""
        if time.monotonic() - self.reported > REPORT_S:
            self.report(stage, message)

    def raise_bound(self, bound: float) -> None:
        """Keep a bound if it is better; between two plans' costs it is that of the dearer."""
        if self.plan_step > 0.0:
            bound = self.plan_step * math.ceil(bound / self.plan_step * (1.0 - ROUNDING))
        self.bound = min(max(self.bound, bound), self.incumbent)

    def offer(self, state: Nearest) -> None:
        """Keep a plan if it is better than the incumbent."""
        if listed_cost(self.weight, state) >= self.incumbent * (1.0 - ROUNDING):
            return
        plan = np.flatnonzero(state.is_open)
        # Lists that end early know too little of zones without an open site in theirs.
        cost = p_median_cost(self.problem, self.sites[plan])
        if cost < self.incumbent:
            self.plan, self.incumbent = plan, cost

    def exchange(self, state: Nearest, rng: np.random.Generator) -> None:
        """Exchange until nothing improves, and offer the plan."""
        while self.may_go_on() and exchange_pass(self.weight, self.near, self.openings, state, rng):
            pass
        self.offer(state)


def p_median_cost(problem: PMedianProblem, open_site_idx: IntArray) -> float:
    """Weighted sum of distances to the nearest open site, correctly rounded.

    Parameters
    ----------
    problem : PMedianProblem
    open_site_idx : int array
        Positions of open sites; at least one where distances are between points.
    """
    return math.fsum(problem.weight * nearest_open(problem.distances, open_site_idx)[1])


def p_median_mip(problem: PMedianProblem) -> "ModelBuilderHelper":
    """Equations (1) to (6) written out: what other solvers and tests get.

    Parameters
    ----------
    problem : PMedianProblem
        With pairs.

    Returns
    -------
    ModelBuilderHelper
        Minimization; variables y_j, then x_i_j per pair and x_i_none; (3) stands in bounds.
    """
    import scipy.sparse
    from ortools.linear_solver.python import model_builder_helper

    pairs = problem.distances
    if not isinstance(pairs, PairDistances):
        raise TypeError("pairs are needed, not points")
    num_sites, num_zones, num_pairs = problem.num_sites, problem.num_zones, len(pairs.site_idx)
    zone = np.repeat(np.arange(num_zones), np.diff(pairs.zone_ptr))
    x, none = num_sites + np.arange(num_pairs), num_sites + num_pairs + np.arange(num_zones)
    link = num_zones + np.arange(num_pairs)
    site, total = np.arange(num_sites), num_zones + num_pairs
    nothing = np.empty(0, np.int64)
    cities = problem.rules.cities or CityLimits(nothing.astype(np.int32), nothing, nothing)
    num_cities = len(cities.min_stations)
    least_row = total + 2 + cities.city_idx
    in_city = site[: len(least_row)]
    row: IntArray = np.concatenate(
        (zone, np.arange(num_zones), link, link, np.full(num_sites, total),
         np.full(num_sites, total + 1), least_row, least_row + num_cities)
    )  # fmt: skip
    column: IntArray = np.concatenate((x, none, x, pairs.site_idx, site, site, in_city, in_city))
    entry = np.concatenate(
        (np.ones(num_pairs + num_zones), np.ones(num_pairs), -np.ones(num_pairs),
         np.ones(num_sites), problem.rules.cost, np.ones(2 * len(in_city)))
    )  # fmt: skip
    shape = (total + 2 + 2 * num_cities, num_sites + num_pairs + num_zones)
    matrix = scipy.sparse.csr_matrix(scipy.sparse.coo_array((entry, (row, column)), shape=shape))
    model = model_builder_helper.ModelBuilderHelper()
    model.set_name("p_median")
    sparse_model: Any = model  # OR-Tools' stubs of this call name shapes that no array has
    sparse_model.fill_model_from_sparse_data(
        np.concatenate((problem.rules.forced.astype(float), np.zeros(num_pairs + num_zones))),
        np.concatenate((1.0 - problem.rules.forbidden, np.ones(num_pairs + num_zones))),
        np.concatenate(
            (np.zeros(num_sites), problem.weight[zone] * pairs.distance,
             problem.weight * pairs.unserved)
        ),
        np.concatenate(
            (np.ones(num_zones), np.full(num_pairs, -np.inf), [problem.rules.least, -np.inf],
             cities.min_stations.astype(float), np.full(num_cities, -np.inf))
        ),
        np.concatenate(
            (np.ones(num_zones), np.zeros(num_pairs), [problem.rules.most, problem.rules.budget],
             np.full(num_cities, np.inf), cities.max_stations.astype(float))
        ),
        matrix,
    )  # fmt: skip
    for j in range(num_sites):
        model.set_var_integrality(j, True)
        model.set_var_name(j, f"y_{j}")
    for pair, (i, j) in enumerate(zip(zone.tolist(), pairs.site_idx.tolist(), strict=True)):
        model.set_var_name(num_sites + pair, f"x_{i}_{j}")
        model.set_constraint_name(num_zones + pair, f"link_{i}_{j}")
    for i in range(num_zones):
        model.set_var_name(num_sites + num_pairs + i, f"x_{i}_none")
        model.set_constraint_name(i, f"serve_{i}")
    model.set_constraint_name(total, "stations")
    model.set_constraint_name(total + 1, "budget")
    for c in range(num_cities):
        model.set_constraint_name(total + 2 + c, f"city_least_{c}")
        model.set_constraint_name(total + 2 + num_cities + c, f"city_most_{c}")
    return model


def _first_plan(problem: PMedianProblem, rng: np.random.Generator) -> IntArray:
    """The cheapest plan that keeps locks and numbers, and random sites as far as limits go.

    Raises
    ------
    InfeasibleError
        If no plan keeps the limits: which one it is is named.
    """
    rules, least = problem.rules, _least_stations(problem)
    rules.check_numbers()
    plan = best_sites(-rules.cost, rules.forced, rules.forbidden, least, rules.most, rules.cities)
    if len(plan) < least:
        raise InfeasibleError("no station may be opened, but every zone needs one")
    spent = math.fsum(problem.rules.cost[plan])
    if spent > problem.rules.budget:
        raise InfeasibleError(
            f"the cheapest {len(plan)} stations that keep locks and numbers cost {spent:,.2f}, the "
            f"budget is {problem.rules.budget:,.2f}"
        )
    planned = np.isin(np.arange(problem.num_sites), plan)
    wished = best_sites(
        rng.random(problem.num_sites), planned, rules.forbidden, least, rules.most, rules.cities
    )
    more = rng.permutation(wished[~planned[wished]])
    return np.concatenate(
        (plan, more[spent + np.cumsum(problem.rules.cost[more]) <= problem.rules.budget])
    )


def _least_stations(problem: PMedianProblem) -> int:
    """Between points every zone needs a station: one at least."""
    if isinstance(problem.distances, PairDistances) or problem.num_zones == 0:
        return problem.rules.least
    return max(problem.rules.least, 1)


def _plan_step(problem: PMedianProblem) -> float:
    """1 where every plan costs a whole number, else 0."""
    distances = problem.distances
    whole = (
        bool((distances.distance % 1.0 == 0.0).all()) and distances.unserved % 1.0 == 0.0
        if isinstance(distances, PairDistances)
        else distances.whole
    )
    return 1.0 if whole and bool((problem.weight % 1.0 == 0.0).all()) else 0.0


def solve_p_median(
    problem: PMedianProblem,
    options: SolveOptions,
    *,
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
    started = time.monotonic()
    rng = np.random.default_rng(options.seed)
    first = _first_plan(problem, rng)
    sites = np.flatnonzero(~problem.rules.forbidden)
    stations = max(min(problem.rules.most, len(sites)), 1)
    length = min(
        LIST_STATIONS * math.ceil(len(sites) / stations) + LEAST_LIST,
        max(MAX_PAIRS // max(problem.num_zones, 1), 1),
    )
    lengths = np.full(problem.num_zones, length, dtype=np.int64)
    search = _Search(
        problem=problem,
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
        sites=sites,
        openings=Openings(
            forced=problem.rules.forced[sites],
            min_open=_least_stations(problem),
            max_open=problem.rules.most,
            cost=problem.rules.cost[sites],
            budget=problem.rules.budget,
            cities=None if problem.rules.cities is None else problem.rules.cities.of_sites(sites),
        ),
        near=near_sites(problem.distances, sites, lengths),
        length=lengths,
        plan_step=_plan_step(problem),
    )
    state = nearest_tables(problem.weight, search.near, np.searchsorted(sites, np.sort(first)))
    search.offer(state)
    search.report("start", f"{len(sites)} sites, {len(search.near.site)} pairs listed")
    search.exchange(state, rng)
    search.report("exchange", f"{len(search.plan)} stations")
    _search_until_done(search, state, rng)
    return _solution(search)


def _search_until_done(search: _Search, state: Nearest, rng: np.random.Generator) -> None:
    """Dual and annealing in turns until the dual has arrived, then the tree and annealing."""
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
        elif dual.walk.step <= LEAST_STEP:
            break
        if len(core.sites) > TREE_SITES:
            _anneal_plan(search, core, dual, rng)
    _branch(search, core, dual, rng)


def _improve_bound(
    search: _Search, core: Core, dual: MedianDual, rng: np.random.Generator
) -> tuple[Core, MedianDual]:
    """Walk on with the dual, make a plan of the relaxed one, and drop what no better plan uses."""
    if not search.may_go_on():
        return core, dual
    at_once = min(max(PAIRS_PER_POLL // max(len(core.near.site), 1), 10), WALK_STEPS)
    for _ in range(0, WALK_STEPS, at_once):
        if search.done or dual.walk.step <= LEAST_STEP or not search.may_go_on():
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


def _offer_opening(search: _Search, opening: IntArray, rng: np.random.Generator) -> None:
    """Exchange from a relaxed plan, if it keeps the budget."""
    if len(opening) and search.openings.allow(opening):
        search.exchange(nearest_tables(search.weight, search.near, opening), rng)


def _promising(search: _Search, core: Core, dual: MedianDual) -> tuple[IntArray, IntArray]:
    """Sites that cost the bound least, ascending, and a plan on them to begin with."""
    _, opening, worth = median_bound(
        search.weight, core.near, core.openings, dual.multiplier, dual.price
    )
    relaxed = core.sites[opening]
    begin_with_relaxed = search.num_anneals % 2 == 1 and search.openings.allow(relaxed)
    plan = relaxed if begin_with_relaxed else search.plan
    loss = fixing_losses(core.openings, opening, worth)
    loss[opening] = -1.0
    per_station = PROMISING_STATIONS[search.num_anneals % len(PROMISING_STATIONS)]
    number = int(per_station * len(plan)) + LEAST_PROMISING
    search.num_anneals += 1
    return np.union1d(core.sites[np.argsort(loss, kind="stable")[:number]], plan), np.sort(plan)


def _anneal_plan(search: _Search, core: Core, dual: MedianDual, rng: np.random.Generator) -> int:
    """Anneal on promising sites, in slices short enough for the clock.

    Begins with the incumbent and the relaxed plan turn by turn. Returns the pairs looked at.
    """
    sites, start = _promising(search, core, dual)
    near = restrict(search.near, sites, np.full(search.near.num_zones, np.inf))
    openings = search.openings.of_sites(sites, search.openings.forced[sites])
    num_pairs = max(ANNEAL_PAIRS, ANNEAL_SWEEPS * len(near.site))
    state = nearest_tables(search.weight, near, np.searchsorted(sites, start))
    losses = state.loss[state.is_open & ~openings.forced]
    candidates = np.flatnonzero(~openings.forced)
    if len(losses) == 0 or state.is_open.all() or not losses.mean() > 0.0:
        return num_pairs
    hot, cold = HOT_FRAC * float(losses.mean()), COLD_FRAC * float(losses.mean())
    slices = math.ceil(num_pairs / (PAIRS_PER_POLL // TREE_PER_ANNEAL))
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


def _lengthen(search: _Search, dual: MedianDual) -> bool:
    """Longer lists for zones whose multiplier or plan goes beyond them."""
    if isinstance(search.problem.distances, PairDistances):
        return False
    state = nearest_tables(search.weight, search.near, search.plan)
    short = (dual.multiplier >= search.near.beyond) | (state.first == NOBODY)
    short &= search.length < len(search.sites)
    room = MAX_PAIRS - int(search.length.sum())
    if not short.any() or int(search.length[short].sum()) > room:
        return False
    search.length = np.where(short, 2 * search.length, search.length)
    search.near = near_sites(search.problem.distances, search.sites, search.length)
    return True


def _branch(search: _Search, core: Core, dual: MedianDual, rng: np.random.Generator) -> None:
    """Branch and bound on what the gap leaves over, in turns with annealing."""

    def offer(opening: IntArray) -> float:
        # Exchanges on all sites take longer than the bound of a small node: now and then.
        if tree.num_nodes % EXCHANGE_NODES == 1:
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
        if search.options.deterministic and tree.work > TREE_WORK:
            break
        if len(core.sites) > TREE_SITES and tree.work >= TREE_PER_ANNEAL * annealed:
            annealed += _anneal_plan(search, core, dual, rng)
            tree.incumbent = search.incumbent
            continue
        tree.advance()
        search.raise_bound(tree.bound)
        search.report_now_and_then("branch", f"{tree.num_nodes} nodes")
    search.raise_bound(tree.bound)


def _solution(search: _Search) -> PMedianSolution:
    """Recompute the objective from the plan alone."""
    problem = search.problem
    open_site_idx = search.sites[search.plan].astype(np.int64)
    zone_site_idx, zone_distance = nearest_open(problem.distances, open_site_idx)
    objective = math.fsum(problem.weight * zone_distance)
    bound = search.bound
    if bound > objective * (1.0 + OPTIMAL_GAP_FRAC):
        raise PlannerError(f"the bound {bound!r} is above the plan's cost {objective!r}: a defect")
    bound = min(bound, objective)
    gap = gap_frac(objective, bound, sense="min")
    status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
    search.report("done", f"{len(open_site_idx)} stations, {status}")
    return PMedianSolution(
        status=status,
        open_site_idx=open_site_idx,
        zone_site_idx=zone_site_idx,
        zone_distance=zone_distance,
        objective=objective,
        bound=bound,
        gap_frac=gap,
        wall_s=time.monotonic() - search.started,
        history=tuple(search.history),
    )
