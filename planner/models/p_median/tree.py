"""Branch and bound for the p-median problem on its Lagrangian dual.

A node opens some sites, drops others, and starts from its parent's multipliers: a few dual steps
give its bound (Christofides and Beasley 1982, EJOR 10:196-208). What no better plan can use is
dropped first, at the root and in every node: sites whose opening, and distances whose use, would
lift the bound to the incumbent. The node with the least bound comes next, so that the tree's
bound rises steadily and stands at any moment.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.p_median.dual import (
    QUICK,
    MedianDual,
    Openings,
    first_dual,
    fixing_losses,
    improve_dual,
    median_bound,
)
from planner.models.p_median.near_sites import NearSites, restrict
from planner.models.p_median.search import listed_cost, nearest_tables

NODE_ROUNDS, NODE_ITERATIONS = 4, 30
"""Rounds of so many dual steps in a node; one that lifts the bound by less than `LEAST_PROGRESS` of
what is missing is the last."""
LEAST_PROGRESS = 0.1
ROUNDING = 1e-10


@dataclass(frozen=True)
class Node:
    """Part of all plans.

    Attributes
    ----------
    keep : int array
        Sites that may be open, as positions in the tree's core.
    forced : bool array
        Which of them must be.
    multiplier, price : float array and float
        Dual point to start from.
    frequency : float array
        Of the kept sites, how often relaxed plans opened each.
    bound : float
        No plan of this part costs less.
    """

    keep: IntArray
    forced: BoolArray
    multiplier: FloatArray
    price: float
    frequency: FloatArray
    bound: float


@dataclass(frozen=True)
class Core:
    """What plans below some cost can use of a problem.

    Attributes
    ----------
    near : NearSites
        Remaining sites and distances.
    openings : Openings
        Limits over the remaining sites, with those that every such plan opens forced.
    sites : int array
        The remaining sites, as positions in the whole problem.
    """

    near: NearSites
    openings: Openings
    sites: IntArray


def drop_hopeless(
    weight: FloatArray, core: Core, multiplier: FloatArray, price: float, cut: float
) -> tuple[Core, IntArray]:
    """Drop what no plan below ``cut`` can use, and open what it cannot do without.

    Returns
    -------
    core : Core
    stays : int array
        Remaining sites as positions in the core that was given.
    """
    near, openings = core.near, core.openings
    bound, opening, worth = median_bound(weight, near, openings, multiplier, price)
    loss = fixing_losses(openings, opening, worth)
    is_open = np.zeros(near.num_sites, dtype=np.bool_)
    is_open[opening] = True
    stays = np.flatnonzero(is_open | openings.forced | (bound + loss < cut))
    forced = openings.forced | (is_open & (bound + loss >= cut))
    with np.errstate(divide="ignore", invalid="ignore"):
        cap = np.where(weight > 0.0, multiplier + max(cut - bound, 0.0) / weight, np.inf)
    rest = Core(
        near=restrict(near, stays, cap * (1.0 + ROUNDING)),
        openings=openings.of_sites(stays, forced[stays]),
        sites=core.sites[stays],
    )
    return rest, stays


class MedianTree:
    """Open nodes, worst first, and the bound of those that are closed.

    Parameters
    ----------
    weight : float array, shape (num_zones,)
    core : Core
        The problem.
    dual : MedianDual
        Its multipliers.
    step : float
        Least difference between the costs of two plans, 0 if there is none: a part whose bound
        is less than this below the incumbent holds nothing better.
    bound : float
        No plan costs less.
    incumbent : float
        Cost of the best plan so far.
    offer : callable
        Given a relaxed plan (positions in the whole problem), returns the incumbent's cost after
        trying to make a better plan of it.
    """

    def __init__(
        self,
        weight: FloatArray,
        core: Core,
        dual: MedianDual,
        *,
        step: float,
        bound: float,
        incumbent: float,
        offer: Callable[[IntArray], float],
    ) -> None:
        self.weight, self.core = weight, core
        self.step, self.incumbent, self.offer = step, incumbent, offer
        self.num_nodes = 0
        self.work = 0
        self._closed_bound = np.inf
        self._count = itertools.count()
        self._open: list[tuple[float, int, Node]] = []
        everything = np.arange(len(core.sites))
        self._push(
            Node(
                everything, core.openings.forced, dual.multiplier, dual.price, dual.frequency, bound
            )
        )

    def _cut(self) -> float:
        """Plans are of interest below this cost."""
        return self.incumbent - self.step * (1.0 - 1e-6) - ROUNDING * abs(self.incumbent)

    @property
    def bound(self) -> float:
        """No plan costs less; the incumbent itself once no node is left."""
        least = self._open[0][0] if self._open else np.inf
        return float(min(least, self._closed_bound, self.incumbent))

    @property
    def done(self) -> bool:
        """Whether nothing better than the incumbent is left."""
        return not self._open or self._open[0][0] >= self._cut()

    def _push(self, node: Node) -> None:
        openings = self.core.openings.of_sites(node.keep, node.forced)
        spent = float(openings.cost[node.forced].sum())
        if spent > openings.budget * (1.0 + ROUNDING) or not openings.keep_numbers():
            return
        if node.bound >= self._cut():
            # Nothing in between two plans' costs: such a node holds no better one.
            if self.step == 0.0:
                self._closed_bound = min(self._closed_bound, node.bound)
        else:
            heapq.heappush(self._open, (node.bound, next(self._count), node))

    def advance(self) -> None:
        """Bound the worst node more closely; close it or split it in two."""
        _, _, node = heapq.heappop(self._open)
        self.num_nodes += 1
        keep, bound, part = node.keep, node.bound, self._part(node)
        dual = first_dual(node.multiplier, node.price, node.frequency, QUICK)
        for _ in range(NODE_ROUNDS):
            dual = improve_dual(
                self.weight, part.near, part.openings, dual,
                target=self.incumbent, iterations=NODE_ITERATIONS,
            )  # fmt: skip
            self.work += NODE_ITERATIONS * len(part.near.sites.idx)
            exact, opening, _ = median_bound(
                self.weight, part.near, part.openings, dual.multiplier, dual.price
            )
            progress, bound = exact - bound, max(bound, exact)
            self.incumbent = min(self.incumbent, self.offer(part.sites[opening]))
            cut = self._cut()
            if bound >= cut:
                break
            part, stays = drop_hopeless(self.weight, part, dual.multiplier, dual.price, cut)
            keep = keep[stays]
            dual = replace(dual, frequency=dual.frequency[stays])
            if progress < LEAST_PROGRESS * (cut - bound):
                break
        self._split(
            Node(keep, part.openings.forced, dual.multiplier, dual.price, dual.frequency, bound)
        )

    def _part(self, node: Node) -> Core:
        near, keep = self.core.near, node.keep
        if len(keep) < near.num_sites:
            near = restrict(near, keep, np.full(near.num_zones, np.inf))
        openings = self.core.openings.of_sites(keep, node.forced)
        return Core(near, openings, self.core.sites[keep])

    def _split(self, node: Node) -> None:
        """Two parts by the site that relaxed plans open about every other time."""
        num_forced = int(node.forced.sum())
        if node.bound >= self._cut():
            self._push(node)
            return
        free = np.flatnonzero(~node.forced)
        if num_forced >= self.core.openings.max_open or len(free) == 0:
            self._push_leaf(node)
            return
        site = free[np.argmin(np.abs(node.frequency[free] - 0.5))]
        with_site = node.forced.copy()
        with_site[site] = True
        self._push(replace(node, forced=with_site))
        rest = np.delete(np.arange(len(node.keep)), site)
        self._push(
            replace(
                node,
                keep=node.keep[rest],
                forced=node.forced[rest],
                frequency=node.frequency[rest],
            )
        )

    def _push_leaf(self, node: Node) -> None:
        """One plan is left: offered, it is the incumbent or no better."""
        plan = node.keep[node.forced]
        if not self.core.openings.allow(plan):
            return
        self.incumbent = min(self.incumbent, self.offer(self.core.sites[plan]))
        listed = listed_cost(self.weight, nearest_tables(self.weight, self.core.near, plan))
        self._closed_bound = min(self._closed_bound, listed)
