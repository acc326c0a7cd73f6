"""What the stations of a plan over time serve, column by column, with their capacity."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IndexArray
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.solution import PhasedPlan
from planner.models.sized_coverage.rows import SizedRows, rows_of_plan
from planner.models.sized_coverage.service import Service, best_service, served_flow


def served_by_column(problem: PhasedProblem, plan: PhasedPlan) -> tuple[FloatArray, FloatArray]:
    """The best service that the stations of each column's node give.

    Parameters
    ----------
    problem : PhasedProblem
        Limits are not looked at.
    plan : PhasedPlan

    Returns
    -------
    served_frac : float array, shape (num_zones, num_columns)
        Share of each zone that is served; 0 where it is worth nothing.
    served : float array, shape (num_columns,)
        Correctly rounded sum of value * served_frac of each column.
    """
    served_frac = np.zeros((problem.num_zones, problem.num_columns))
    served = np.zeros(problem.num_columns)
    for column, node in enumerate(problem.node_of.tolist()):
        here = plan.size[:, node] != CLOSED
        served_frac[:, column], served[column] = served_flow(
            problem.column_problem(column),
            plan.site_idx[here],
            plan.size[here, node].astype(np.int64),
        )
    return served_frac, served


@dataclass(frozen=True)
class ColumnService:
    """The best service of the stations that stand at one column's node.

    Attributes
    ----------
    rows : SizedRows
        As these stations see them; ``site_idx`` are the problem's.
    service : Service
    """

    rows: SizedRows
    service: Service


def services(problem: PhasedProblem, table: IndexArray) -> list[ColumnService]:
    """The best service of each column.

    Parameters
    ----------
    problem : PhasedProblem
    table : int array, shape (num_sites, num_nodes)
        Type at every site and node, -1 where there is none.
    """
    found = []
    for column, node in enumerate(problem.node_of.tolist()):
        sites = np.flatnonzero(table[:, node] != CLOSED)
        rows = rows_of_plan(
            problem.column_problem(column), sites, table[sites, node].astype(np.int64)
        )
        found.append(ColumnService(rows, best_service(rows, rows.capacity)))
    return found


def value_and_prices(
    problem: PhasedProblem, served: Sequence[ColumnService]
) -> tuple[float, FloatArray]:
    """Value of a plan, and what one more unit of capacity is worth by site and column.

    Parameters
    ----------
    problem : PhasedProblem
    served : sequence of ColumnService
        Of every column.

    Returns
    -------
    value : float
    price : float array, shape (num_sites, num_columns)
    """
    price = np.zeros((problem.num_sites, problem.num_columns))
    for column, each in enumerate(served):
        price[each.rows.site_idx, column] = each.service.site_price
    return math.fsum(each.service.value for each in served), price
