"""Shares that are to be served: the earliest node for one, and the least money for some.

Both build on `solve_phased` and hold for periods in a line. What node n serves is
V_n = sum over its columns k of w_ik x_ik, as a share of all there is at it.

Earliest node. The most that any plan serves at n is the problem with the values of n alone: its
bound proves a share impossible at n, its plan proves it possible. Of the plans that reach the
share at the earliest node the one that serves most over all nodes is wanted: with mu >= 0,

(1)  max V subject to V_n >= target  <=  max (V + mu V_n) - mu target.

Least money. S_n is the money spent up to n, d_n what money at n counts. With the values of n
alone, prices pi_m of money up to m and what else makes a bound K + sum_m pi_m S_m of V_n:

(2)  V_n >= target_n needs S_n >= (target_n - K) / sum_m pi_m =: C_n, as S_m <= S_n for m <= n,

whatever the budget at which the prices were found. Every node's least money on its own gives

(3)  sum_n d_n (S_n - S_n-1) >= sum_n (R_n - R_n-1) min over m <= n of d_m,  R_n = max C_m, m <= n.

What nested building costs beyond each node's own least money is not in this bound.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from planner.arrays import FloatArray
from planner.errors import InfeasibleError, NoPlanError
from planner.limits import LIMIT_TOLERANCE, at_least
from planner.models.phasing.dual import phased_duals
from planner.models.phasing.feasible import node_name
from planner.models.phasing.money import built_late, money_spent, within_budgets
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.rows import merge_phased_rows, node_values
from planner.models.phasing.service import served_by_column
from planner.models.phasing.solution import PhasedSolution, PhasedStart
from planner.models.phasing.solve import solve_phased
from planner.models.phasing.tree import Tree
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC, Sense, Status, gap_frac

Solver = Callable[..., PhasedSolution]
"""`solve_phased`, or what takes its place."""
JOINT_SHARE = 0.35
"""Share of the time for the problem without a target."""
WEIGHTS = 3
"""Weights mu tried in (1)."""
FIRST_WEIGHT = 4.0
"""The first of them; each next is a quarter or the fourfold."""
BUDGETS = 8
"""Budgets tried for the least money."""
BUDGET_FRAC = 2e-3
"""Budgets are close enough together then."""
DUAL_ITERATIONS = 400
"""Primal-dual iterations at most for each node's least money."""
DUAL_GAP = 2e-4
"""Close enough to the relaxation's bound for it."""


@dataclass(frozen=True)
class EarliestNode:
    """The first node at which the wanted share can be served.

    Attributes
    ----------
    node : int or None
        None if no plan was found that serves the share at any node.
    proven : bool
        Whether no plan can serve it at any node before, or at any node at all if there is none.
    found_frac, bound_frac : float arrays, shape (num_nodes,)
        Largest share of each node that a plan was found for, and one that no plan passes; nodes
        after the earliest are not looked at by themselves.
    solution : PhasedSolution
        Of the plans found that serve the share at the node the one that serves most in all; of
        all if there is no node. Its bound is that of plans that serve the share there.
    """

    node: int | None
    proven: bool
    found_frac: FloatArray
    bound_frac: FloatArray
    solution: PhasedSolution


@dataclass(frozen=True)
class LeastMoney:
    """The cheapest plan found that serves the wanted shares.

    Attributes
    ----------
    solution : PhasedSolution
        The plan with what it serves; its proof is that of ``proof``.
    spent : float array, shape (num_nodes,)
        Money spent at each node.
    least_up_to : float array, shape (num_nodes,)
        C_n of equation (2): what must be spent up to each node with a wanted share at least.
    proof : Proof
        Of the money, each node's counted as told; less is better.
    """

    solution: PhasedSolution
    spent: FloatArray
    least_up_to: FloatArray
    proof: Proof


@dataclass
class _Targets:
    """The problem, what there is of each node, the time, and every plan met on the way."""

    problem: PhasedProblem
    options: SolveOptions
    names: Sequence[str]
    solve: Solver
    on_progress: ProgressCallback | None
    stop: StopRequest | None
    asked: FloatArray = field(init=False)
    plans: list[tuple[PhasedSolution, FloatArray]] = field(default_factory=list)
    began: float = field(default_factory=work_s)

    def __post_init__(self) -> None:
        tree = self.problem.tree
        if (tree.parent != Tree.line(tree.num_nodes).parent).any():
            raise ValueError("shares can be wanted of periods in a line only")
        self.asked = node_values(self.problem).sum(axis=0)

    @property
    def remaining_s(self) -> float:
        return self.options.time_limit_s - (work_s() - self.began)

    def may_go_on(self) -> bool:
        late = self.remaining_s <= 0 and not self.options.deterministic
        return not late and not (self.stop is not None and self.stop.is_set())

    def _fracs(self, served: FloatArray) -> FloatArray:
        """Served shares of the nodes; 1 where there is nothing to serve."""
        total = np.bincount(self.problem.node_of, weights=served, minlength=len(self.asked))
        return np.divide(total, self.asked, out=np.ones(len(total)), where=self.asked > 0)

    def run(
        self,
        problem: PhasedProblem,
        time_share: float,
        start: PhasedStart | None,
        is_decided: Callable[[Progress], bool] | None = None,
    ) -> PhasedSolution:
        """Solve a variant and remember its plan with what it serves of the true values."""
        limit_s = max(min(self.remaining_s * time_share, 1e9), 1e-3)
        stop = _Decided(self.stop)

        def listen(progress: Progress) -> None:
            if self.on_progress is not None:
                self.on_progress(progress)
            if is_decided is not None and is_decided(progress):
                stop.decided = True

        found = self.solve(
            problem,
            replace(self.options, time_limit_s=limit_s),
            start=start,
            node_names=self.names,
            on_progress=listen,
            stop=stop,
        )
        self._remember(found)
        return found

    def _remember(self, found: PhasedSolution) -> None:
        """Note a plan with what it serves of the true values."""
        served_frac, served = served_by_column(self.problem, found.plan)
        true = replace(
            found,
            served_frac=served_frac,
            served=served,
            resources=found.resources[: len(self.problem.limits)],
            price=found.price[: len(self.problem.limits)],
            end=PhasedStart(found.plan),
        )
        self.plans.append((true, self._fracs(served)))

    def weighted(self, by_node: FloatArray) -> PhasedProblem:
        return self.problem.weighted(by_node[self.problem.node_of])


@dataclass
class _Decided:
    """A stop request that is set from outside or because the question is answered."""

    outer: StopRequest | None
    decided: bool = False

    def is_set(self) -> bool:
        return self.decided or (self.outer is not None and self.outer.is_set())


def earliest_node(
    problem: PhasedProblem,
    share_frac: float,
    options: SolveOptions,
    *,
    start: PhasedStart | None = None,
    node_names: Sequence[str] = (),
    solve: Solver = solve_phased,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> EarliestNode:
    """Find the first node at which a share can be served, and then the plan that serves most.

    Parameters
    ----------
    problem : PhasedProblem
        Over periods in a line.
    share_frac : float
        Share of a node's value that is to be served, in (0, 1].
    options : SolveOptions
        Limits of the whole.
    start : PhasedStart, optional
    node_names : sequence of str, optional
    solve : callable, optional
        Takes the place of `solve_phased`.
    on_progress, stop : optional

    Returns
    -------
    EarliestNode

    Raises
    ------
    InfeasibleError
        If no plan satisfies the limits.
    ValueError
        If the nodes are no line.
    """
    known = _Targets(problem, options, node_names, solve, on_progress, stop)
    joint = known.run(problem, JOINT_SHARE, start)
    num_nodes = len(known.asked)
    found = known.plans[0][1].copy()
    bound = np.ones(num_nodes)
    reached = np.flatnonzero(_reaches(found, share_frac))
    first = int(reached[0]) if len(reached) else num_nodes
    for node in range(first - 1, -1, -1):
        if not known.may_go_on():
            break
        target = share_frac * known.asked[node]

        def is_decided(progress: Progress, target: float = target) -> bool:
            plan, above = progress.incumbent, progress.bound
            return (plan is not None and plan >= target) or (above is not None and above < target)

        alone = known.weighted(np.eye(num_nodes)[node])
        answer = known.run(alone, 0.5 if node else 0.8, known.plans[0][0].end, is_decided)
        bound[node] = min(answer.proof.bound / known.asked[node], 1.0)
        found = np.maximum(found, known.plans[-1][1])
    bound = np.maximum(bound, found)
    reached = np.flatnonzero(_reaches(found, share_frac))
    if not len(reached):
        best = _best(known, known.plans, joint.proof.bound)
        return EarliestNode(None, not _reaches(bound, share_frac).any(), found, bound, best)
    node = int(reached[0])
    proven = not _reaches(bound[:node], share_frac).any()
    return EarliestNode(node, proven, found, bound, _most_service(known, node, share_frac, joint))


def _reaches(frac: FloatArray, wanted: float) -> FloatArray:
    return np.asarray(frac >= wanted * (1.0 - LIMIT_TOLERANCE))


def _most_service(
    known: _Targets, node: int, share_frac: float, joint: PhasedSolution
) -> PhasedSolution:
    """Of the plans that serve the share at the node one that serves most, by equation (1)."""
    target = share_frac * known.asked[node]
    bound, weight = joint.proof.bound, FIRST_WEIGHT
    unit = np.eye(len(known.asked))[node]
    for _ in range(WEIGHTS):
        if _reaches(known.plans[0][1], share_frac)[node] or not known.may_go_on():
            break
        best = max(_meeting(known, node, share_frac), key=_total)
        answer = known.run(known.weighted(1.0 + weight * unit), 0.4, best[0].end)
        bound = min(bound, answer.proof.bound - weight * target)
        reached = _reaches(known.plans[-1][1], share_frac)[node]
        weight = weight / 4.0 if reached else weight * 4.0
    return _best(known, _meeting(known, node, share_frac), bound)


def _meeting(
    known: _Targets, node: int, share_frac: float
) -> list[tuple[PhasedSolution, FloatArray]]:
    return [each for each in known.plans if _reaches(each[1], share_frac)[node]]


def _total(plan: tuple[PhasedSolution, FloatArray]) -> float:
    return math.fsum(plan[0].served)


def _best(
    known: _Targets, plans: list[tuple[PhasedSolution, FloatArray]], bound: float
) -> PhasedSolution:
    solution = max(plans, key=_total)[0]
    objective = math.fsum(solution.served)
    return replace(solution, proof=_proof(known, objective, max(bound, objective), "max"))


def _proof(known: _Targets, objective: float, bound: float, sense: Sense) -> Proof:
    gap = gap_frac(objective, bound, sense=sense)
    return Proof(
        status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        objective=objective,
        bound=bound,
        gap_frac=gap,
        sense=sense,
        wall_s=work_s() - known.began,
    )


def least_money(
    problem: PhasedProblem,
    wanted_frac: FloatArray,
    money_counts: FloatArray,
    options: SolveOptions,
    *,
    start: PhasedStart | None = None,
    node_names: Sequence[str] = (),
    solve: Solver = solve_phased,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> LeastMoney:
    """Serve wanted shares by node for the least money.

    Plans are those that serve most of the nodes with a wanted share within budgets, which are
    narrowed while the shares are reached. Money is spent no later than at these nodes.

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
    known = _Targets(problem, options, node_names, solve, on_progress, stop)
    wanted = np.flatnonzero(np.isfinite(wanted_frac))
    at = [limit.name for limit in problem.limits].index("money")
    if len(wanted) == 0:
        raise ValueError("no share is wanted")
    weight = np.zeros(len(known.asked))
    weight[wanted] = 1.0 / np.maximum(known.asked[wanted], 1e-300)
    best = _any_plan(known, wanted_frac, weight, start)
    best = _as_late(known, at, best, wanted_frac)
    spent = money_spent(problem, at, best.plan)
    high = np.cumsum(spent)[wanted]
    low = np.zeros(len(wanted))
    for _ in range(BUDGETS):
        if not known.may_go_on() or (high - low <= BUDGET_FRAC * high).all():
            break
        trial = np.maximum.accumulate(0.5 * (low + high))
        try:
            within = within_budgets(problem, at, wanted, trial)
            known.run(within.weighted(weight[problem.node_of]), 0.25, best.end)
        except (InfeasibleError, NoPlanError):
            low = trial
            continue
        answer, frac = known.plans[-1]
        met = np.array([at_least(frac[n], wanted_frac[n]) for n in wanted])
        if met.all():
            best = _cheaper(known, at, money_counts, best, _as_late(known, at, answer, wanted_frac))
            high = np.minimum(high, np.cumsum(money_spent(problem, at, answer.plan))[wanted])
        low = np.where(met, low, trial)
        low = np.minimum(low, high)
    spent = money_spent(problem, at, best.plan)
    least = np.zeros(len(known.asked))
    for node in wanted.tolist():
        budget = float(spent[: node + 1].sum())
        least[node] = _least_up_to(known, at, node, float(wanted_frac[node]), budget)
    needed = np.diff(np.maximum.accumulate(least), prepend=0.0)
    money = math.fsum(spent * money_counts)
    bound = min(math.fsum(needed * np.minimum.accumulate(money_counts)), money)
    proof = _proof(known, money, bound, "min")
    return LeastMoney(replace(best, proof=proof), spent, least, proof)


def _any_plan(
    known: _Targets, wanted_frac: FloatArray, weight: FloatArray, start: PhasedStart | None
) -> PhasedSolution:
    """A plan that serves the wanted shares, whatever it takes of the money there is."""
    wanted = np.flatnonzero(np.isfinite(wanted_frac))
    weight = weight.copy()
    for _ in range(WEIGHTS):
        known.run(known.weighted(weight), 0.3, start)
        found, frac = known.plans[-1]
        missed = [n for n in wanted.tolist() if not at_least(frac[n], wanted_frac[n])]
        if not missed:
            return found
        for node in missed:
            unit = np.eye(len(weight))[node] / max(known.asked[node], 1e-300)
            bound = known.run(known.weighted(unit), 0.3, found.end).proof.bound
            if not at_least(bound, wanted_frac[node]):
                raise InfeasibleError(
                    f"{node_name(known.names, node)}: {wanted_frac[node]:.2%} of the value is to "
                    f"be served, no plan serves more than {bound:.2%}"
                )
            weight[node] *= 4.0
        start = found.end
    for found, frac in known.plans:
        if all(at_least(frac[n], wanted_frac[n]) for n in wanted):
            return found
    raise NoPlanError(
        "no plan was found that serves the wanted shares of "
        + ", ".join(node_name(known.names, n) for n in missed)
    )


def _as_late(
    known: _Targets, at: int, solution: PhasedSolution, wanted_frac: FloatArray
) -> PhasedSolution:
    """The plan without what no wanted node needs, and with the rest built as late as can be."""
    problem = known.problem
    plan = built_late(problem, at, solution.plan, np.isfinite(wanted_frac))
    served_frac, served = served_by_column(problem, plan)
    return replace(
        solution, plan=plan, served_frac=served_frac, served=served, end=PhasedStart(plan)
    )


def _cheaper(
    known: _Targets,
    at: int,
    money_counts: FloatArray,
    one: PhasedSolution,
    other: PhasedSolution,
) -> PhasedSolution:
    costs = [
        math.fsum(money_spent(known.problem, at, each.plan) * money_counts) for each in (one, other)
    ]
    return one if costs[0] <= costs[1] else other


def _least_up_to(known: _Targets, at: int, node: int, wanted_frac: float, budget: float) -> float:
    """C_n of equation (2), from prices found at a budget."""
    alone = within_budgets(
        known.weighted(np.eye(len(known.asked))[node]), at, np.array([node]), np.array([budget])
    )
    rows, budget_at = merge_phased_rows(alone), len(known.problem.limits)
    if rows.num_rows == 0 or not math.isfinite(budget):
        return 0.0
    target = wanted_frac * (1.0 - LIMIT_TOLERANCE) * known.asked[node]
    # What stands from the first node has been taken off the budget.
    standing = budget - rows.available[budget_at, 0]
    least = 0.0
    for point in phased_duals(rows, alone):
        price = point.price[budget_at, : node + 1]
        total = float(price.sum())
        if total > 0.0:
            fixed = point.bound - math.fsum(price * rows.available[budget_at, : node + 1])
            least = max(least, (target - fixed) / total + standing)
        if (
            point.relaxation_gap_frac <= DUAL_GAP
            or point.iterations >= DUAL_ITERATIONS
            or (known.stop is not None and known.stop.is_set())
        ):
            break
    return least
