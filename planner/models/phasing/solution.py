"""Maximal covering over time and futures: plan, proof and prices."""

from dataclasses import dataclass

from planner.arrays import FloatArray, IndexArray, IntArray
from planner.solving.proof import Proof


@dataclass(frozen=True)
class PhasedPlan:
    """Which station stands where, node by node.

    Attributes
    ----------
    site_idx : int array, shape (num_open,)
        Sites with a station at some node, ascending.
    size : int array, shape (num_open, num_nodes)
        Type that stands at the node, -1 where none does yet.
    """

    site_idx: IntArray
    size: IndexArray


@dataclass(frozen=True)
class PhasedStart:
    """Where an earlier search ended, for one of the same tree, zones and sites.

    Attributes
    ----------
    plan : PhasedPlan
        First incumbent, as far as it keeps the limits.
    share : float array, shape (num_zones, num_nodes), optional
        Multipliers as shares of the values of each node.
    price : float array, shape (num_limits, num_nodes), optional
    """

    plan: PhasedPlan
    share: FloatArray | None = None
    price: FloatArray | None = None


@dataclass(frozen=True)
class PhasedSolution:
    """Plan, proof and prices.

    Attributes
    ----------
    plan : PhasedPlan
    served_frac : float array, shape (num_zones, num_columns)
        Share of each zone that the stations of the column's node serve.
    served : float array, shape (num_columns,)
        Sum of value * served_frac of each column.
    resources : tuple of str
        Names of the limits.
    price : float array, shape (num_limits, num_nodes)
        Prices behind the bound: value of one more unit of each limit at each node.
    end : PhasedStart
        What a search for other values can start from.
    proof : Proof
        The objective is the sum of ``served``.
    """

    plan: PhasedPlan
    served_frac: FloatArray
    served: FloatArray
    resources: tuple[str, ...]
    price: FloatArray
    end: PhasedStart
    proof: Proof
