"""Linear models in numbers that suit solvers' absolute tolerances: rows and objective by factors.

SCIP takes less than 1e-9 for nothing and keeps rows to as much, so that costs of 1e-12, or loads
of 1e9, would be planned without being looked at. Factors are powers of two: no digit is lost.
Numbers of usual sizes stay as they are.
"""

from dataclasses import replace

import numpy as np
import scipy.sparse

from planner.arrays import FloatArray
from planner.solving.linear_model import LinearModel

USUAL_ENTRY = (2.0**-10, 2.0**30)
"""Rows whose largest entry lies in between stay as they are; the others get one of about 1."""
USUAL_COST = (2.0**-10, 2.0**30)
"""Objectives whose entries lie in between stay as they are."""
LARGE_COST, LARGEST_COST = 2.0**20, 2.0**30
"""Other objectives get a largest entry of about this: the second where it saves the least one."""


def scaled(model: LinearModel) -> tuple[LinearModel, float]:
    """The same model with factors on rows and objective.

    Parameters
    ----------
    model : LinearModel

    Returns
    -------
    LinearModel
        Of the same columns: its solutions are those of the model.
    factor : float
        Its objective is that of the model times this.
    """
    matrix = scipy.sparse.csr_matrix(model.matrix)
    largest: FloatArray = np.asarray(abs(matrix).max(axis=1).todense(), dtype=np.float64).ravel()
    usual = (largest >= USUAL_ENTRY[0]) & (largest <= USUAL_ENTRY[1])
    row_factor = np.where(usual | (largest == 0.0), 1.0, _power(largest))
    factor = _cost_factor(np.abs(model.objective[model.objective != 0.0]))
    if factor == 1.0 and (row_factor == 1.0).all():
        return model, 1.0
    return replace(
        model,
        matrix=scipy.sparse.csr_matrix(scipy.sparse.diags_array(row_factor) @ matrix),
        row_lower=model.row_lower * row_factor,
        row_upper=model.row_upper * row_factor,
        objective=model.objective * factor,
        offset=model.offset * factor,
    ), factor


def _power(numbers: FloatArray) -> FloatArray:
    """Powers of two that bring positive numbers to about 1."""
    with np.errstate(divide="ignore"):
        exponent = np.where(numbers > 0.0, -np.round(np.log2(numbers)), 0.0)
    power: FloatArray = np.exp2(np.clip(exponent, -1000.0, 1000.0))
    return power


def _cost_factor(entries: FloatArray) -> float:
    if len(entries) == 0:
        return 1.0
    most = float(entries.max())
    least = float(entries[entries >= most * np.finfo(float).eps].min())  # less is rounding of it
    if USUAL_COST[0] <= least and most <= USUAL_COST[1]:
        return 1.0
    to_one = float(_power(np.array([most]))[0])
    saves = least * to_one * LARGE_COST < USUAL_COST[0]
    return to_one * (LARGEST_COST if saves else LARGE_COST)
