"""The least money for wanted shares by node, for periods in a line.

V_n is what node n serves as a share of all there is at it, d_n what money at n counts. A plan that
serves the shares is looked for first (`solve_phased` with the values of the wanted nodes alone).
Then, each step from the cheapest plan known:

1. descent: what it can do without, later, smaller, elsewhere
   (:mod:`planner.models.phasing.money_descent`);
2. what is small is given to SCIP as one model (:mod:`planner.models.phasing.money_model`);
3. else prices of the shares bound the money from below (:mod:`planner.models.phasing.money_bound`);
4. at these prices the values of the wanted nodes are comparable: the plan that serves most by them
   within budgets between those of the relaxation and those of the plan known, in halves.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IndexArray
from planner.errors import InfeasibleError, NoPlanError
from planner.limits import LIMIT_TOLERANCE, at_least
from planner.models.phasing.feasible import node_name
from planner.models.phasing.model import PhasedModel
from planner.models.phasing.money import built_late, money_spent, within_budgets
from planner.models.phasing.money_bound import money_bound
from planner.models.phasing.money_descent import Wanted, descend
from planner.models.phasing.money_model import least_money_mip
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.service import served_by_column
from planner.models.phasing.sizes import plan_of_table, table_of_plan
from planner.models.phasing.solution import PhasedSolution, PhasedStart
from planner.models.phasing.solve import solve_phased
from planner.models.phasing.target_runs import Solver, TargetRuns
from planner.models.phasing.tuning import Tuning
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

WEIGHTS = 3
"""Weights tried for a plan that serves all shares."""
FIRST_SHARE = 0.25
"""Share of the time for one of them."""
EXACT_SHARE = 0.7
"""Share of the time for SCIP, where the problem is small enough."""
EVEN_WEIGHT = 0.01
"""Weight that every wanted node has at least, of the greatest."""
BOUND_SHARE = 0.3
"""Share of the time left for the prices of the shares."""
BUDGETS = 6
"""Budgets tried."""
BUDGET_SHARE = 0.3
"""Share of the time left for each."""
DESCENT_SHARE = 0.3
"""Share of the time left for each descent."""
BUDGET_FRAC = 1e-3
"""Budgets are close enough together then."""
SCIP_TOLERANCE = 1e-7
"""Closer than this the digits of SCIP's bound carry no information."""


@dataclass(frozen=True)
class LeastMoney:
    """The cheapest plan found that serves the wanted shares.

    Attributes
    ----------
    solution : PhasedSolution
        The plan with what it serves; its proof is that of ``proof``.
    spent : float array, shape (num_nodes,)
        Money spent at each node.
    proof : Proof
        Of the money, each node's counted as told; less is better.
    """

    solution: PhasedSolution
    spent: FloatArray
    proof: Proof


def least_money(
    problem: PhasedProblem,
    wanted_frac: FloatArray,
    money_counts: FloatArray,
    options: SolveOptions,
    *,
    start: PhasedStart | None = None,
    node_names: Sequence[str] = (),
    solve: Solver = solve_phased,
    tuning: Tuning = Tuning(),
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> LeastMoney:
    """Serve wanted shares by node for the least money.

    Parameters
    ----------
    problem : PhasedProblem
        Over periods in a line, with a limit "money", which may be without amounts.
    wanted_frac : float array, shape (num_nodes,)
        Share of each node's value that is to be served; nan where none is.
    money_counts : float array, shape (num_nodes,)
        d_n > 0: what money spent at each node counts, by discounting.
    options : SolveOptions
        Limits of the whole.
    start : PhasedStart, optional
    node_names : sequence of str, optional
    solve : callable, optional
        Takes the place of `solve_phased`.
    tuning : Tuning, optional
        What is small enough for SCIP.
    on_progress, stop : optional

    Returns
    -------
    LeastMoney

    Raises
    ------
    InfeasibleError
        If no plan serves the shares, with the node.
    NoPlanError
        If none was found, though none was proven impossible.
    ValueError
        If the nodes are no line, no share is wanted, or there is no limit "money".
    """
    known = TargetRuns(problem, options, node_names, solve, on_progress, stop)
    if not np.isfinite(wanted_frac).any():
        raise ValueError("no share is wanted")
    at = [limit.name for limit in problem.limits].index("money")
    search = _Search(known, Wanted(problem, at, wanted_frac * known.asked, money_counts))
    is_impossible = False
    if problem.reach.num_entries * problem.num_columns <= tuning.exact_entries:
        is_impossible = _solve_exactly(search, tuning)
    if search.table is None:
        search.offer(_any_plan(search, wanted_frac, start, is_impossible))
    if search.gap_frac > OPTIMAL_GAP_FRAC:
        search.descend()
        _narrow_budgets(search)
    return _answer(search)


@dataclass
class _Search:
    """The cheapest plan so far, and what none can spend less than."""

    known: TargetRuns
    wanted: Wanted
    table: IndexArray | None = None
    money: float = math.inf
    bound: float = 0.0

    @property
    def gap_frac(self) -> float:
        return gap_frac(self.money, min(self.bound, self.money), sense="min")

    @property
    def best(self) -> IndexArray:
        """The plan, once there is one."""
        assert self.table is not None
        return self.table

    def offer(self, table: IndexArray) -> bool:
        """Take a plan over if it serves what is wanted and is cheaper."""
        if not self.wanted.is_met(table):
            return False
        late = built_late(
            self.known.problem,
            self.wanted.at,
            plan_of_table(table),
            np.isfinite(self.wanted.least),
        )
        table = table_of_plan(self.known.problem, late)
        money = self.wanted.money(table)
        if money < self.money:
            self.table, self.money = table, money
        return True

    def within(self, time_share: float) -> Callable[[], bool]:
        """Whether a step may go on that is given a share of the time left."""
        until_s = self.known.remaining_s * (1.0 - time_share)
        is_timed = not self.known.options.deterministic
        return lambda: (
            self.known.may_go_on() and not (is_timed and self.known.remaining_s <= until_s)
        )

    def descend(self) -> None:
        """Small moves from the cheapest plan."""
        self.offer(descend(self.wanted, self.best, self.within(DESCENT_SHARE)))


def _solve_exactly(search: _Search, tuning: Tuning) -> bool:
    """Let SCIP find the cheapest plan; whether it says that there is none."""
    known, wanted = search.known, search.wanted
    options, problem = known.options, known.problem
    usable = problem.fits.any(axis=1) & problem.may_stand.any(axis=1)
    model = PhasedModel(problem, np.flatnonzero(usable).astype(np.int64))
    least = wanted.least * (1.0 - LIMIT_TOLERANCE)
    result = solve_mip(
        least_money_mip(model, wanted.at, least, wanted.money_counts).to_ortools(),
        time_limit_s=max(EXACT_SHARE * known.remaining_s, 1e-3),
        node_limit=tuning.exact_nodes if options.deterministic else None,
        seed=options.seed,
        stop=known.stop,
    )
    if result.values is not None:
        search.offer(model.table(result.values))
    if math.isfinite(result.bound):
        search.bound = max(search.bound, -result.bound)
        close = search.gap_frac <= SCIP_TOLERANCE
        if result.status is Status.OPTIMAL and close:
            search.bound = search.money
    return result.status is Status.INFEASIBLE


def _any_plan(
    search: _Search, wanted_frac: FloatArray, start: PhasedStart | None, is_impossible: bool
) -> IndexArray:
    """A plan that serves the wanted shares, whatever it takes of the money there is."""
    known = search.known
    wanted = np.flatnonzero(np.isfinite(wanted_frac))
    weight = np.zeros(len(known.asked))
    weight[wanted] = 1.0 / np.maximum(known.asked[wanted], 1e-300)
    missed: list[int] = []
    for _ in range(WEIGHTS):
        known.run(known.weighted(weight), FIRST_SHARE, start)
        found, frac = known.plans[-1]
        missed = [n for n in wanted.tolist() if not at_least(frac[n], wanted_frac[n])]
        if not missed:
            return table_of_plan(known.problem, found.plan)
        for node in missed:
            unit = np.eye(len(weight))[node] / max(known.asked[node], 1e-300)
            bound = known.run(known.weighted(unit), FIRST_SHARE, found.end).proof.bound
            if not at_least(bound, wanted_frac[node]):
                raise InfeasibleError(
                    f"{node_name(known.names, node)}: {wanted_frac[node]:.2%} of the value is to "
                    f"be served, no plan serves more than {bound:.2%}"
                )
            weight[node] *= 4.0
        start = found.end
    for found, frac in known.plans:
        if all(at_least(frac[n], wanted_frac[n]) for n in wanted):
            return table_of_plan(known.problem, found.plan)
    if is_impossible:
        names = ", ".join(node_name(known.names, n) for n in wanted.tolist())
        raise InfeasibleError(f"no plan serves the wanted shares of {names} together")
    raise NoPlanError(
        "no plan was found that serves the wanted shares of "
        + ", ".join(node_name(known.names, n) for n in missed)
    )


def _narrow_budgets(search: _Search) -> None:
    """Bound the money, and look for plans at the prices of the shares within less and less."""
    known, wanted = search.known, search.wanted
    problem, at, nodes = known.problem, wanted.at, wanted.nodes
    below = money_bound(
        problem, at, wanted.least * (1.0 - LIMIT_TOLERANCE), wanted.money_counts,
        plan_of_table(search.best), search.within(BOUND_SHARE),
    )  # fmt: skip
    search.bound = max(search.bound, below.bound)
    # A node without a price is served enough on the way; it counts where all else is equal.
    even = np.zeros(len(known.asked))
    even[nodes] = 1.0 / np.maximum(known.asked[nodes], 1e-300)
    weight = below.price + EVEN_WEIGHT * max(float((below.price * known.asked).max()), 1.0) * even
    high = np.cumsum(money_spent(problem, at, plan_of_table(search.best)))[nodes]
    low = np.minimum(below.up_to[nodes], high)
    for _ in range(BUDGETS):
        is_narrow = (high - low <= BUDGET_FRAC * high).all()
        if is_narrow or search.gap_frac <= known.options.gap_frac or not known.may_go_on():
            break
        trial = np.maximum.accumulate(0.5 * (low + high))
        within = within_budgets(problem, at, nodes, trial).weighted(weight[problem.node_of])
        start = PhasedStart(plan_of_table(search.best))
        try:
            found = table_of_plan(problem, known.run(within, BUDGET_SHARE, start).plan)
        except (InfeasibleError, NoPlanError):
            low = trial
            continue
        if wanted.is_met(found):
            found = descend(wanted, found, search.within(DESCENT_SHARE))
            search.offer(found)
            spent = np.cumsum(money_spent(problem, at, plan_of_table(found)))[nodes]
            high = np.minimum(high, np.minimum(trial, spent))
            low = np.minimum(low, high)
        else:
            low = trial


def _answer(search: _Search) -> LeastMoney:
    """The cheapest plan with what it serves, and the proof."""
    known, problem = search.known, search.known.problem
    plan = plan_of_table(search.best)
    served_frac, served = served_by_column(problem, plan)
    spent = money_spent(problem, search.wanted.at, plan)
    money = math.fsum(spent * search.wanted.money_counts)
    proof = known.proof(money, min(search.bound, money), "min")
    solution = PhasedSolution(
        plan=plan,
        served_frac=served_frac,
        served=served,
        resources=tuple(limit.name for limit in problem.limits),
        price=np.zeros((len(problem.limits), problem.tree.num_nodes)),
        end=PhasedStart(plan),
        proof=proof,
    )
    return LeastMoney(solution, spent, proof)
