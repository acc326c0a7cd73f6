"""The earliest node at which a wanted share can be served, for periods in a line.

Builds on `solve_phased`. What node n serves is V_n = sum over its columns k of w_ik x_ik, as a
share of all there is at it. The most that any plan serves at n is the problem with the values of n
alone: its bound proves a share impossible at n, its plan proves it possible. Of the plans that
reach the share at the earliest node the one that serves most over all nodes is wanted: with
mu >= 0,

(1)  max V subject to V_n >= target  <=  max (V + mu V_n) - mu target.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import FloatArray
from planner.limits import LIMIT_TOLERANCE
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.solution import PhasedSolution, PhasedStart
from planner.models.phasing.solve import solve_phased
from planner.models.phasing.target_runs import Solver, TargetRuns
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest

JOINT_SHARE = 0.35
"""Share of the time for the problem without a target."""
WEIGHTS = 3
"""Weights mu tried in (1)."""
FIRST_WEIGHT = 4.0
"""The first of them; each next is a quarter or the fourfold."""


@dataclass(frozen=True)
class EarliestNode:
    """The first node at which the wanted share can be served.

    Attributes
    ----------
    node : int or None
        None if no plan was found that serves the share at any node.
    proven : bool
        Whether no plan can serve it at any node before, or at any node at all if there is none.
    not_before : int
        No plan can serve it at any node before this one; num_nodes if at none at all.
    found_frac, bound_frac : float arrays, shape (num_nodes,)
        Largest share of each node that a plan was found for, and one that no plan passes; nodes
        after the earliest are not looked at by themselves.
    solution : PhasedSolution
        Of the plans found that serve the share at the node the one that serves most in all; of
        all if there is no node. Its bound is that of plans that serve the share there.
    """

    node: int | None
    proven: bool
    not_before: int
    found_frac: FloatArray
    bound_frac: FloatArray
    solution: PhasedSolution


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
    known = TargetRuns(problem, options, node_names, solve, on_progress, stop)
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
    open_nodes = np.flatnonzero(_reaches(bound, share_frac))
    not_before = int(open_nodes[0]) if len(open_nodes) else num_nodes
    if not len(reached):
        best = _best(known, known.plans, joint.proof.bound)
        return EarliestNode(None, not_before == num_nodes, not_before, found, bound, best)
    node = int(reached[0])
    best = _most_service(known, node, share_frac, joint)
    return EarliestNode(node, not_before == node, not_before, found, bound, best)


def _reaches(frac: FloatArray, wanted: float) -> FloatArray:
    return np.asarray(frac >= wanted * (1.0 - LIMIT_TOLERANCE))


def _most_service(
    known: TargetRuns, node: int, share_frac: float, joint: PhasedSolution
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
    known: TargetRuns, node: int, share_frac: float
) -> list[tuple[PhasedSolution, FloatArray]]:
    return [each for each in known.plans if _reaches(each[1], share_frac)[node]]


def _total(plan: tuple[PhasedSolution, FloatArray]) -> float:
    return math.fsum(plan[0].served)


def _best(
    known: TargetRuns, plans: list[tuple[PhasedSolution, FloatArray]], bound: float
) -> PhasedSolution:
    solution = max(plans, key=_total)[0]
    objective = math.fsum(solution.served)
    return replace(solution, proof=known.proof(objective, max(bound, objective), "max"))
