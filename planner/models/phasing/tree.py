"""Periods in order, or a tree of them that parts where news comes.

A node is a period in which stations may open. What stands at a node stands at every later node on
each way onward: y_jn >= y_j,parent(n). One siting for good is a tree of one node; periods without
news are a line; recourse is a tree whose branches are futures.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from planner.arrays import BoolArray, IntArray, freeze

ROOT = -1


@dataclass(frozen=True)
class Tree:
    """Nodes, each after its parent.

    Attributes
    ----------
    parent : int array, shape (num_nodes,)
        Node before each, -1 of the first; parent[n] < n.

    Raises
    ------
    ValueError
        If there is no node, or a parent does not come before its child.
    """

    parent: IntArray

    def __post_init__(self) -> None:
        nodes = np.arange(len(self.parent))
        if len(nodes) == 0 or not ((self.parent >= ROOT) & (self.parent < nodes)).all():
            raise ValueError("every node must come after its parent, and there must be one")
        freeze(self)

    @classmethod
    def line(cls, num_nodes: int) -> "Tree":
        """Periods one after the other."""
        return cls(np.arange(num_nodes) - 1)

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return len(self.parent)

    @cached_property
    def from_node(self) -> BoolArray:
        """Whether node m is n or comes after it, shape (num_nodes n, num_nodes m)."""
        found = np.eye(self.num_nodes, dtype=np.bool_)
        for node in range(self.num_nodes):
            if self.parent[node] != ROOT:
                found[:, node] |= found[:, self.parent[node]]
        return found

    @cached_property
    def is_leaf(self) -> BoolArray:
        """Whether nothing comes after each node, shape (num_nodes,)."""
        leaf = np.ones(self.num_nodes, dtype=np.bool_)
        leaf[self.parent[self.parent != ROOT]] = False
        return leaf
