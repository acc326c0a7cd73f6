"""The least money for wanted shares as one mixed-integer model.

Takes a `PhasedModel` small enough for SCIP, gives a `LinearModel` over its columns: (1) to (4) of
:mod:`planner.models.phasing.model`, for periods in a line,

    min  sum_n d_n sum_jt (u_jt - u_j,t-1) (g_jtn - g_jt,n-1)
    (5)  sum over the columns k of n of sum_i w_ik (x_ik or sum_j f_ijk) >= least_n
"""

import numpy as np

from planner.arrays import FloatArray
from planner.models.phasing.model import ModelRows, PhasedModel, add_service
from planner.models.phasing.problem import CLOSED
from planner.solving.linear_model import LinearModel


def least_money_mip(
    model: PhasedModel, at: int, least: FloatArray, money_counts: FloatArray
) -> LinearModel:
    """The model with the columns of the nodes where something is wanted.

    Parameters
    ----------
    model : PhasedModel
        Of periods in a line.
    at : int
        Position of the limit that is money.
    least : float array, shape (num_nodes,)
        Value that is to be served at each node; nan where none is.
    money_counts : float array, shape (num_nodes,)
        d_n: what money spent at each node counts.

    Returns
    -------
    LinearModel
        Its objective is minus the money, to be maximized.
    """
    problem = model.problem
    rows = ModelRows()
    model.add_rules(rows)
    names, count = model.names(), model.num_openings
    for node in np.flatnonzero(np.isfinite(least)).tolist():
        first, values = count, [np.zeros(0)]
        for column in np.flatnonzero(problem.node_of == node).tolist():
            value, new_names = add_service(model, rows, column, count)
            values.append(value)
            names += new_names
            count += len(value)
        value = np.concatenate(values)
        # In shares of what is wanted, so that tolerances mean the same at every node.
        unit = least[node] if least[node] > 0.0 else 1.0
        at_least = least[node] / unit
        rows.add(first + np.arange(len(value)), value / unit, at_least, np.inf, f"wanted_{node}")
    lower, upper = model.bounds()
    rest = np.zeros(count - model.num_openings)
    return LinearModel(
        name="least_money",
        matrix=rows.matrix(count),
        row_lower=np.array(rows.lower),
        row_upper=np.array(rows.upper),
        lower=np.concatenate([lower, rest]),
        upper=np.concatenate([upper, np.ones(len(rest))]),
        objective=np.concatenate([-_money(model, at, money_counts), rest]),
        maximize=True,
        integer=np.arange(count) < model.num_openings,
        column_names=names,
        row_names=rows.names,
    )


def _money(model: PhasedModel, at: int, money_counts: FloatArray) -> FloatArray:
    """What each column g costs: its step, counted until the next node takes it over."""
    site, kind, below, node = model.steps
    use = model.problem.limits[at].use
    step = use[site, kind] - np.where(below == CLOSED, 0.0, use[site, below])
    return np.asarray(step * -np.diff(money_counts, append=0.0)[node])
