"""A plan for many futures as stations: who serves whom in each, and the types that suffice for all.

Takes a plan of the joined problem, gives an allocation for every future and period, and the type
of every station at every node. Where types cost nothing each station has the smallest type that
carries its load in all futures of its node, never a smaller one than before; where money limits
them, the plan's.
"""

from dataclasses import dataclass

import numpy as np

from planner.arrays import IntArray
from planner.models.allocation.solve import Allocation, allocate_zones
from planner.models.phasing.problem import CLOSED
from planner.models.phasing.solution import PhasedPlan
from planner.models.phasing.tree import ROOT
from planner.network import Reach
from planner.planning.futures.join import Joined
from planner.planning.phasing.stages import sizes_cost
from planner.planning.siting.problem import assemble_allocation


@dataclass(frozen=True)
class FutureStations:
    """Stations by node, and what they serve in each column.

    Attributes
    ----------
    site_idx : int array, shape (num_open,)
        Sites with a station at some node.
    type_idx : int array, shape (num_open, num_nodes)
        Type that stands at the node, -1 where none does yet.
    allocations : tuple of Allocation
        One per column of the problem; stations count among those that stand at its node.
    """

    site_idx: IntArray
    type_idx: IntArray
    allocations: tuple[Allocation, ...]

    def at_node(self, node: int) -> tuple[IntArray, IntArray]:
        """Sites and types of the stations that stand at a node."""
        stands = self.type_idx[:, node] != CLOSED
        return self.site_idx[stands], self.type_idx[stands, node]


def stations_of_plan(joined: Joined, plan: PhasedPlan, reach: Reach) -> FutureStations:
    """Serve every future with a plan's stations.

    Parameters
    ----------
    joined : Joined
    plan : PhasedPlan
    reach : Reach
    """
    problem = joined.problem
    has_sizes = sizes_cost(problem)
    type_idx = plan.size.astype(np.int64).copy()
    if not has_sizes:
        type_idx[type_idx != CLOSED] = 0
    allocations = []
    for column, node in enumerate(problem.node_of.tolist()):
        stands = np.flatnonzero(plan.size[:, node] != CLOSED)
        found = allocate_zones(
            assemble_allocation(
                problem.column_problem(column),
                reach,
                plan.site_idx[stands],
                plan.size[stands, node].astype(np.int64) if has_sizes else None,
            )
        )
        allocations.append(found)
        type_idx[stands, node] = np.maximum(type_idx[stands, node], found.type_idx)
    for node, parent in enumerate(problem.tree.parent.tolist()):
        if parent != ROOT:
            type_idx[:, node] = np.maximum(type_idx[:, node], type_idx[:, parent])
    return FutureStations(plan.site_idx, type_idx, tuple(allocations))
