"""The search for a plan of sized covering: rounds of relaxation, removal and insertion, branching.

Takes a model and a first plan, improves plan and bound in place; the equations are those of
`planner.models.sized_coverage.solve`.
"""

import math
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.sized_coverage.cuts import CapacityCut, separate_capacity, service_cuts
from planner.models.sized_coverage.flows import flow_mip, flow_pairs
from planner.models.sized_coverage.model import SizedModel, sized_coverage_mip
from planner.models.sized_coverage.relaxation import Relaxation, RelaxedPoint, best_profit
from planner.models.sized_coverage.search import (
    CLOSED,
    SizedPlan,
    build_up,
    cheapest_plan,
    is_feasible,
    plan_of,
    rebuild_step,
)
from planner.models.sized_coverage.tuning import Tuning
from planner.solving.compiling import work_s
from planner.solving.mip import MipResult, solve_mip
from planner.solving.search import SearchState
from planner.solving.status import Status, gap_frac

SCIP_TOLERANCE = 1e-7
"""SCIP's bound is that of a floating-point LP: closer than this its digits mean nothing."""


@dataclass(kw_only=True)
class SizedSearch(SearchState):
    """Best plan, bound and cuts so far.

    Attributes
    ----------
    model : SizedModel
        Without the options that reduced costs exclude.
    tuning : Tuning
    plan : SizedPlan
        The incumbent.
    target : float
        Gap that ends the search.
    bound : float
        Best bound; may lie below the incumbent by rounding.
    point : RelaxedPoint, optional
        Best optimum of the relaxation.
    cuts : list of CapacityCut
        All known.
    """

    model: SizedModel
    tuning: Tuning
    plan: SizedPlan
    target: float
    bound: float
    point: RelaxedPoint | None = None
    cuts: list[CapacityCut] = field(default_factory=list)

    @property
    def best_objective(self) -> float:
        """Objective of the incumbent."""
        return self.plan.objective

    @property
    def best_bound(self) -> float:
        """Best bound, at least the incumbent."""
        return max(self.bound, self.plan.objective)

    def unfinished(self) -> bool:
        """Whether the gap is above its target and the limits allow more work."""
        return self.gap_frac > self.target and self.may_go_on()

    def offer(self, plan: SizedPlan) -> None:
        """Keep a plan if it is better than the incumbent."""
        if plan.objective > self.plan.objective:
            self.plan = plan

    def lower_bound_to(self, bound: float) -> None:
        """Keep a bound if it is better than the best known."""
        self.bound = max(min(self.bound, bound), self.plan.objective)

    def add_cuts(self, cuts: list[CapacityCut]) -> int:
        """Keep cuts that are new; returns how many are."""
        known = {cut.rows.tobytes() for cut in self.cuts}
        new = {cut.rows.tobytes(): cut for cut in cuts if cut.rows.tobytes() not in known}
        self.cuts = [*self.cuts, *new.values()]
        return len(new)


def search_until_done(search: SizedSearch, rng: np.random.Generator) -> None:
    """Rounds of relaxation, search and branching, each with more work than the one before."""
    relaxation = Relaxation(search.model)
    started = work_s()
    # With a limit in seconds rounds go on until it; otherwise their number is the limit.
    has_limit = math.isfinite(search.options.time_limit_s) and not search.options.deterministic
    for round_number in count() if has_limit else range(search.tuning.max_rounds):
        cut_short = _cut_rounds(search, relaxation)
        if round_number == 0:
            # Short runs of all three first: most instances are done then.
            first_s = work_s() - started
        if not search.unfinished():
            return
        _plan_from_relaxation(search)
        seconds = min(first_s * 2.0**round_number, 0.5 * search.remaining_s)
        _improve_plan(search, seconds, search.tuning.first_steps * 2**round_number, rng)
        if not search.unfinished():
            return
        if cut_short:
            # A relaxation this slow leaves SCIP at its root: cuts and search have more of the time.
            continue
        _fix_by_reduced_cost(search)
        last = round_number >= search.tuning.max_rounds - 1
        seconds = search.remaining_s if last else first_s * 4.0**round_number
        nodes = search.tuning.first_nodes * 4**round_number
        if _branch_rounds(search, min(seconds, search.remaining_s), nodes):
            return
        if _branch_with_flows(search, max(seconds, search.tuning.least_flow_seconds), nodes):
            return


def _cut_rounds(search: SizedSearch, relaxation: Relaxation) -> bool:
    """Solve the linear relaxation, separate (4), add, and solve again, while that pays.

    Returns whether its share of the time was over before that.
    """
    relaxation.add(search.cuts[len(relaxation.cuts) :])
    last_bound = math.inf
    until = work_s() + search.tuning.relaxation_share * search.remaining_s
    for round_number in range(search.tuning.max_cut_rounds):
        point = relaxation.solve(search.remaining_s)
        if point is None:
            return False
        if search.point is None or point.bound < search.point.bound:
            search.point = point
        search.lower_bound_to(point.bound)
        search.report("relaxation", f"round {round_number}: {len(relaxation.cuts)} cuts")
        if relaxation.num_solved <= 2:
            _plan_from_relaxation(search)
        cuts = separate_capacity(search.model.rows, point.x, point.opening)
        gain = last_bound - point.bound
        pays = gain >= search.tuning.min_round_gain * (point.bound - search.plan.objective)
        late = work_s() > until and not search.options.deterministic
        if not cuts or not (pays or relaxation.num_solved <= 2) or not search.unfinished():
            return False
        last_bound = point.bound
        search.add_cuts(cuts[: search.tuning.cuts_per_round])
        relaxation.add(search.cuts[len(relaxation.cuts) :])
        if late:
            return True
    return False


def _plan_from_relaxation(search: SizedSearch) -> None:
    """Open what the relaxation opens for more than half, then build up at its prices."""
    point, rows = search.point, search.model.rows
    if point is None:
        return
    prices = replace(search.model.prices, resource_price=point.resource_price)
    search.model = replace(search.model, prices=prices)
    option = cheapest_plan(rows)
    for o in np.argsort(-point.opening, kind="stable"):
        if point.opening[o] <= 0.5:
            break
        site = rows.option_site[o]
        previous = option[site]
        option[site] = o
        if not is_feasible(rows, option):
            option[site] = previous
    plan = build_up(
        rows,
        prices,
        plan_of(rows, prices, option),
        np.arange(rows.num_sites),
        may_go_on=search.may_go_on,
    )
    search.offer(plan)
    search.report("build", f"{int((plan.option != CLOSED).sum())} stations")


def _improve_plan(
    search: SizedSearch, seconds: float, steps: int, rng: np.random.Generator
) -> None:
    """Removal and insertion, accepting losses that shrink to nothing."""
    rows, prices = search.model.rows, search.model.prices
    started = work_s()
    plan = search.plan
    per_station = plan.service.value / max(int((plan.option != CLOSED).sum()), 1)
    num_steps = 0
    while search.unfinished():
        done = num_steps / steps
        if not search.options.deterministic:
            done = (work_s() - started) / seconds
        if done >= 1.0:
            break
        temperature = search.tuning.hot_frac * per_station * (1.0 - done) ** 2
        candidate = rebuild_step(rows, prices, plan, rng, search.tuning)
        loss = plan.objective - candidate.objective
        if loss <= 0.0 or rng.random() < math.exp(-loss / max(temperature, 1e-300)):
            plan = candidate
            search.offer(plan)
        num_steps += 1
    search.report("improve", f"{num_steps} removals and insertions")


def _fix_by_reduced_cost(search: SizedSearch) -> None:
    """Leave out options, and open sites, where every better plan does so."""
    point, model = search.point, search.model
    if point is None:
        return
    rows = model.rows
    slack = point.bound - search.plan.objective + 1e-9 * max(abs(search.plan.objective), 1.0)
    best = best_profit(rows, point.profit)
    earned = np.where(rows.rules.forced, best, np.maximum(best, 0.0))
    open_options = earned[rows.option_site] - point.profit <= slack
    must_open = rows.rules.forced | (best > slack)
    search.model = replace(
        model,
        open_options=model.open_options & open_options,
        must_open=model.must_open | must_open,
    )
    left = int(search.model.open_options.sum())
    search.report(
        "fix", f"{left} of {rows.num_options} options left, {int(must_open.sum())} sites fixed open"
    )


def _branch_rounds(search: SizedSearch, seconds: float, nodes: int) -> bool:
    """SCIP on what is left; separate (4) at its plans; again until plan and bound agree.

    Returns whether it came to an end within the time, or the nodes, given.
    """
    rows = search.model.rows
    until = work_s() + seconds
    if search.cuts:
        search.add_cuts(service_cuts(rows, search.plan.option))
    for round_number in range(search.tuning.max_mip_rounds):
        left_s = max(until - work_s(), 0.05)
        result = solve_mip(
            sized_coverage_mip(search.model, search.cuts, hint=search.plan).to_ortools(),
            time_limit_s=math.inf if search.options.deterministic else left_s,
            node_limit=nodes if search.options.deterministic else None,
            seed=search.options.seed,
            stop=search.stop,
            proving=search.tuning.proving,
        )
        proven, num_new = _take(search, result), 0
        if result.values is not None:
            option = _option_of(search, result.values)
            opening = result.values[search.model.option_column] > 0.5
            x = result.values[search.model.num_openings :]
            cuts = separate_capacity(rows, x, opening.astype(np.float64), tolerance=1e-8)
            if cuts:
                num_new = search.add_cuts(cuts + service_cuts(rows, option))
        search.report("exact", f"round {round_number}: {num_new} new cuts, {result.message}")
        if not search.unfinished():
            return True
        if num_new == 0 or result.status is not Status.OPTIMAL:
            return proven
    return False


def _branch_with_flows(search: SizedSearch, seconds: float, nodes: int) -> bool:
    """SCIP on what is left with flows, if that is little; returns whether it came to an end."""
    num_pairs = len(flow_pairs(search.model))
    if not search.unfinished() or num_pairs > search.tuning.most_flow_pairs:
        return False
    result = solve_mip(
        flow_mip(search.model, search.cuts, search.plan).to_ortools(),
        time_limit_s=math.inf
        if search.options.deterministic
        else max(min(seconds, search.remaining_s), 0.05),
        node_limit=nodes if search.options.deterministic else None,
        seed=search.options.seed,
        stop=search.stop,
        proving=search.tuning.proving,
    )
    proven = _take(search, result)
    search.report("flows", f"{num_pairs} of them, {result.message}")
    return proven


def _take(search: SizedSearch, result: MipResult) -> bool:
    """Keep SCIP's plan and bound; returns whether they prove each other."""
    rows = search.model.rows
    if result.status is Status.INFEASIBLE:
        # Reduced costs leave only plans that are no better than the incumbent.
        search.lower_bound_to(search.plan.objective)
        return True
    if result.values is not None:
        option = _option_of(search, result.values)
        if is_feasible(rows, option):
            search.offer(plan_of(rows, search.model.prices, option))
    proven = result.status is Status.OPTIMAL and (
        gap_frac(search.plan.objective, result.bound) <= SCIP_TOLERANCE
    )
    search.lower_bound_to(search.plan.objective if proven else result.bound)
    return proven


def _option_of(search: SizedSearch, values: FloatArray) -> IntArray:
    """Option at each site that a solution opens; -1 for none."""
    rows = search.model.rows
    opening = values[search.model.option_column] > 0.5
    option = np.full(rows.num_sites, CLOSED, dtype=np.int64)
    option[rows.option_site[opening]] = np.flatnonzero(opening)
    return option


def offer_hint(search: SizedSearch, open_site_idx: IntArray, type_idx: IntArray) -> None:
    """Take a plan in the original numbering; a type that presolve dropped becomes its better."""
    rows = search.model.rows
    option = cheapest_plan(rows)
    option[~rows.rules.forced] = CLOSED
    types = dict(
        zip(np.asarray(open_site_idx).tolist(), np.asarray(type_idx).tolist(), strict=True)
    )
    for site, original in enumerate(rows.site_idx.tolist()):
        if original not in types:
            continue
        first, last = rows.option_ptr[site], rows.option_ptr[site + 1]
        same = np.flatnonzero(rows.option_type[first:last] == types[original])
        option[site] = first + same[0] if len(same) else last - 1
    if is_feasible(rows, option):
        search.offer(plan_of(rows, search.model.prices, option))
