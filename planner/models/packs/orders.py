"""Orders that are none or at least of a size: branch and bound over linear programs.

Equation (6e) of `planner.models.packs.lp`. A node decides some orders: closed, or held to their
least. Its linear program leaves the others open to any size, so that it is a relaxation; an order
whose size is between none and its least is decided next, both ways. Nodes differ in bounds alone,
so that the dual simplex goes from one to the next (Land and Doig 1960, *Econometrica* 28:497). A
node's bound is (12) of `planner.models.packs.prices`, whatever the solver's duals are.

The node of the least bound comes first and is followed down, each order the nearer way, until it is
a plan or cannot be better than the best one; now and then a node is rounded, many orders at a time.
What was left aside counts with its bound: no plan costs less than the least of all.
"""

import heapq
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.arrays import BoolArray, FloatArray
from planner.errors import NoPlanError
from planner.models.packs.answer import Answer, answer_of
from planner.models.packs.lp import PackAssignmentLp, by_city, pack_assignment_model
from planner.models.packs.prices import Orders
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.solving.linear_basis import LinearBasis
from planner.solving.linear_bounds import BoundedLinear
from planner.solving.status import OPTIMAL_GAP_FRAC, gap_frac

CLOSED, OPEN, HELD = -1, 0, 1
SIZE_TOLERANCE = 1e-7
"""An order may miss its least by this share, which is the solver's rounding."""
MOST_PROGRAMS = 1000
"""Linear programs for one answer: a quarter of a minute for 86 cities in nine quarters."""
DIVE_EVERY = 10
"""Of the nodes that come first, so many are followed for one that is rounded."""

RELIABLE = 2
"""Times that an order is decided for trial."""
LOOK_AHEAD = 6
"""Orders tried in vain before the best so far is taken."""
LEAST_RISE = 1e-6
"""Of a bound, so that the other way counts where one raises none [CNY]."""

Decisions = NDArray[np.int8]
Node = tuple[float, int, Decisions]
"""Bound, number, what is decided."""


class OrderAnswer(NamedTuple):
    """The best plan found, and what no plan betters.

    Attributes
    ----------
    answer : Answer
        Prices are those of its own orders.
    bound : float
        Of all plans [CNY].
    num_programs : int
        Linear programs solved.
    """

    answer: Answer
    bound: float
    num_programs: int


def search_orders(
    problem: PackAssignmentProblem,
    lp: PackAssignmentLp,
    start: PackAssignment | None,
    left_s: Callable[[], float],
    most_programs: int = MOST_PROGRAMS,
) -> OrderAnswer:
    """Least cost with every order none or at least of its size.

    Parameters
    ----------
    problem : PackAssignmentProblem
    lp : PackAssignmentLp
        Its linear program, with rows ``order``.
    start : PackAssignment, optional
        Whose basis and orders are tried first.
    left_s : callable
        Seconds that are left, or ``math.inf``.
    most_programs : int
        Linear programs that may be solved.

    Returns
    -------
    OrderAnswer

    Raises
    ------
    NoPlanError
        If a limit came before the first plan.
    PlannerError
        As `answer_of`.
    """
    search = _Search(problem, lp, start, left_s, most_programs)
    try:
        root = search.solve(search.undecided)
        if search.is_plan(root):
            return OrderAnswer(root, root.bound, search.num_programs)
        search.push(root.bound, search.undecided)
        if start is not None and start.order_open.shape == lp.row["order"].shape:
            search.try_orders(start.order_open)
        search.dive(root, search.undecided)
        search.branch()
    except _OutOfTimeError:
        pass
    if search.best is None:
        raise NoPlanError(
            "packs by quarter: no plan with orders of their least size "
            f"after {search.num_programs} linear programs; raise solver.time_limit_s"
        )
    best = search.best._replace(basis=search.root_basis)
    return OrderAnswer(best, search.bound(), search.num_programs)


class _Rise:
    """By how much deciding an order has raised bounds, for each pack of its size that changed."""

    def __init__(self, num_orders: int) -> None:
        self.number = {way: np.zeros(num_orders) for way in (CLOSED, HELD)}
        self.total = {way: np.zeros(num_orders) for way in (CLOSED, HELD)}

    def learn(self, way: int, order: int, rise: float) -> None:
        """One more decision."""
        self.number[way][order] += 1
        self.total[way][order] += rise

    def expected(self, way: int, steps: dict[int, FloatArray]) -> FloatArray:
        """Of each order as its size changes so, like the mean of all where it was never decided."""
        number, total = self.number[way], self.total[way]
        mean = max(total.sum() / max(number.sum(), 1.0), LEAST_RISE)
        each = np.divide(total, number, out=np.full(len(total), mean), where=number > 0)
        return np.asarray(each * np.maximum(steps[way], 0.0))


class _OutOfTimeError(Exception):
    """No further program may be solved."""


class _Search:
    """The tree: nodes still to solve, the best plan, the least bound of what was settled."""

    def __init__(
        self,
        problem: PackAssignmentProblem,
        lp: PackAssignmentLp,
        start: PackAssignment | None,
        left_s: Callable[[], float],
        most_programs: int,
    ) -> None:
        self.problem, self.lp, self.left_s = problem, lp, left_s
        self.most_programs = most_programs
        self.program = BoundedLinear(
            pack_assignment_model(lp), None if start is None else start.basis
        )
        self.at = np.nonzero(lp.row["order"] >= 0)
        self.rows = lp.row["order"][self.at]
        self.least: FloatArray = problem.min_order[self.at[1:]]
        self.undecided: Decisions = np.zeros(len(self.rows), dtype=np.int8)
        place = np.full(lp.row["order"].shape, -1)
        place[self.at] = np.arange(len(self.rows))
        column, order = lp.column["deliver"], by_city(problem, place)
        bound = (column >= 0) & (order >= 0)
        self.columns, self.order_of_column = column[bound], order[bound]
        self.column_upper = lp.upper[self.columns]
        self.nodes: list[Node] = []
        self.best: Answer | None = None
        self.root_basis: LinearBasis | None = None
        self.settled = math.inf
        self.rise = _Rise(len(self.rows))
        self.num_programs = 0
        self.num_nodes = 0

    def solve(self, decided: Decisions) -> Answer:
        """The program with orders so decided; a plan better than the best is kept."""
        left_s = self.left_s()
        if left_s <= 0.0 or self.num_programs >= self.most_programs:
            raise _OutOfTimeError
        closed = decided[self.order_of_column] == CLOSED
        self.program.bound(self.columns, np.where(closed, 0.0, self.column_upper))
        self.program.bound_rows(self.rows, np.where(decided == HELD, self.least, 0.0))
        found, basis = self.program.solve(time_limit_s=left_s)
        if found.values is None and self.left_s() <= 0.0:
            raise _OutOfTimeError
        self.num_programs += 1
        orders = Orders(self._where(decided == CLOSED), self._where(decided == HELD))
        answer = answer_of(self.problem, self.lp, found, basis, orders)
        if self.num_programs == 1:
            self.root_basis = basis
        if self.is_plan(answer) and (self.best is None or answer.objective < self.best.objective):
            self.best = answer
        return answer

    def _where(self, chosen: BoolArray) -> BoolArray:
        orders = np.zeros(self.lp.row["order"].shape, dtype=bool)
        orders[self.at] = chosen
        return orders

    def sizes(self, answer: Answer) -> FloatArray:
        """Packs of each order."""
        return self.problem.by_market(answer.amounts["deliver"])[self.at]

    def too_small(self, answer: Answer) -> BoolArray:
        """Orders between none and their least."""
        sizes = self.sizes(answer)
        return (sizes > 0) & (sizes < self.least * (1 - SIZE_TOLERANCE))

    def is_plan(self, answer: Answer) -> bool:
        """Whether every order is none or of its size."""
        return not (self.too_small(answer) | self._lacking(answer)).any()

    def _lacking(self, answer: Answer) -> BoolArray:
        """Orders held to a least that the rest does not allow."""
        return answer.amounts["lack"][self.at] > SIZE_TOLERANCE * self.least

    def bound(self) -> float:
        """No plan costs less."""
        least = min((node[0] for node in self.nodes), default=math.inf)
        return min(self.settled, least)

    def try_orders(self, is_open: BoolArray) -> None:
        """A plan with given orders, if there is one."""
        self.solve(np.where(is_open[self.at], HELD, CLOSED).astype(np.int8))

    def dive(self, answer: Answer, decided: Decisions) -> None:
        """From a node's answer: round all orders that are too small, solve, until none is."""
        decided = decided.copy()
        while not (self.is_plan(answer) or self._is_hopeless(answer.bound)):
            sizes, small = self.sizes(answer), self.too_small(answer) & (decided == OPEN)
            decided[small] = np.where(sizes[small] >= self.least[small] / 2, HELD, CLOSED)
            decided[self._lacking(answer)] = CLOSED
            answer = self.solve(decided)

    def branch(self) -> None:
        """Solve nodes, the least bound first, until none can be better than the best plan."""
        for number in itertools.count():
            if not self.nodes or self._is_hopeless(self.nodes[0][0]):
                return
            if number % DIVE_EVERY == DIVE_EVERY - 1:
                first = self.nodes[0][2]
                self.dive(self.solve(first), first)
            self._follow(self.nodes[0])

    def _follow(self, node: Node) -> None:
        """From a node down to a plan, or to where none is better than the best.

        A node counts with its bound until its children do.
        """
        while True:
            answer = self.solve(node[2])
            bound = max(node[0], answer.bound)
            undecided = self.too_small(answer) & (node[2] == OPEN)
            if self._is_hopeless(bound) or not undecided.any():
                self.settled = min(self.settled, bound)
                self._drop(node)
                return
            order, near, bounds = self._choose(node[2], answer, bound, undecided)
            self._drop(node)
            self.push(bounds[-near], _with(node[2], order, -near))
            node = self.push(bounds[near], _with(node[2], order, near))

    def _choose(
        self, decided: Decisions, answer: Answer, bound: float, undecided: BoolArray
    ) -> tuple[int, int, dict[int, float]]:
        """The order whose decision raises both bounds most, the way to go first, bounds of both.

        Where little is known of what an order's decisions raise, both programs are solved
        (Achterberg, Koch and Martin 2005, *Operations Research Letters* 33:42).
        """
        sizes = self.sizes(answer)
        steps = {CLOSED: sizes, HELD: self.least - sizes}
        likely = self.rise.expected(CLOSED, steps) * self.rise.expected(HELD, steps)
        first = np.argsort(np.where(undecided, -likely, np.inf), kind="stable")
        best, worse, choice = -1.0, 0, (int(first[0]), CLOSED, dict.fromkeys(steps, bound))
        for order in first[: int(undecided.sum())].tolist():
            rise, proven = {}, {}
            for way in steps:
                rise[way], proven[way] = float(self.rise.expected(way, steps)[order]), bound
                if self.rise.number[way][order] < RELIABLE:
                    proven[way] = max(bound, self.solve(_with(decided, order, way)).bound)
                    rise[way] = proven[way] - bound
                    self.rise.learn(way, order, rise[way] / steps[way][order])
            score = max(rise[CLOSED], LEAST_RISE) * max(rise[HELD], LEAST_RISE)
            worse = 0 if score > best else worse + 1
            if score > best:
                near = HELD if rise[HELD] <= rise[CLOSED] else CLOSED
                best, choice = score, (order, near, proven)
            if worse >= LOOK_AHEAD:
                break
        return choice

    def push(self, bound: float, decided: Decisions) -> Node:
        """One more node."""
        node = (bound, self.num_nodes, decided)
        heapq.heappush(self.nodes, node)
        self.num_nodes += 1
        return node

    def _drop(self, node: Node) -> None:
        if self.nodes[0] is node:
            heapq.heappop(self.nodes)
        else:
            self.nodes = [each for each in self.nodes if each is not node]
            heapq.heapify(self.nodes)

    def _is_hopeless(self, bound: float) -> bool:
        """Whether no plan of a node is better than the best by more than the proof may leave."""
        objective = None if self.best is None else self.best.objective
        return gap_frac(objective, bound, sense="min") <= OPTIMAL_GAP_FRAC / 2


def _with(decided: Decisions, order: int, way: int) -> Decisions:
    """One more order decided."""
    more = decided.copy()
    more[order] = way
    return more
