"""What questions about shares have in common: time, runs of `solve_phased`, every plan met."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from planner.arrays import FloatArray
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.rows import node_values
from planner.models.phasing.service import served_by_column
from planner.models.phasing.solution import PhasedSolution, PhasedStart
from planner.models.phasing.tree import Tree
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC, Sense, Status, gap_frac

Solver = Callable[..., PhasedSolution]
"""`planner.models.phasing.solve.solve_phased`, or what takes its place."""


@dataclass
class TargetRuns:
    """The problem, what there is of each node, the time, and every plan met on the way.

    Attributes
    ----------
    problem : PhasedProblem
        Over periods in a line.
    options : SolveOptions
        Limits of the whole.
    names : sequence of str
        What messages call the nodes.
    solve : callable
    on_progress, stop : optional
    asked : float array, shape (num_nodes,)
        Value of each node.
    plans : list of (PhasedSolution, float array)
        Every plan met, with the share of each node that it serves.
    began : float

    Raises
    ------
    ValueError
        If the nodes are no line.
    """

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
        """Time left."""
        return self.options.time_limit_s - (work_s() - self.began)

    def may_go_on(self) -> bool:
        """Whether clock and caller allow more."""
        late = self.remaining_s <= 0 and not self.options.deterministic
        return not late and not (self.stop is not None and self.stop.is_set())

    def fracs(self, served: FloatArray) -> FloatArray:
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
        self.plans.append((true, self.fracs(served)))

    def weighted(self, by_node: FloatArray) -> PhasedProblem:
        """The problem with values multiplied, node by node."""
        return self.problem.weighted(by_node[self.problem.node_of])

    def proof(self, objective: float, bound: float, sense: Sense) -> Proof:
        """How far the objective is from the bound, now."""
        gap = gap_frac(objective, bound, sense=sense)
        return Proof(
            status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
            objective=objective,
            bound=bound,
            gap_frac=gap,
            sense=sense,
            wall_s=work_s() - self.began,
        )


@dataclass
class _Decided:
    """A stop request that is set from outside or because the question is answered."""

    outer: StopRequest | None
    decided: bool = False

    def is_set(self) -> bool:
        return self.decided or (self.outer is not None and self.outer.is_set())
