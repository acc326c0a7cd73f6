"""Equations (1) to (3) of flow refuelling as arrays, for SCIP.

Takes a reduced problem, Benders' cuts of capacity and the variant; solves nothing.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray
from planner.models.refuelling.capacity import CapacityCut, best_paths
from planner.models.refuelling.presolve import ReducedFlows, ones_at
from planner.solving.linear_model import LinearModel


def refuelling_mip(
    rows: ReducedFlows,
    *,
    cuts: Sequence[CapacityCut] = (),
    wanted: float | None = None,
    hint: BoolArray | None = None,
    priced: bool = False,
) -> LinearModel:
    """Equations (1) to (3) over the reduced problem.

    (1) is written u_r <= z_S <= sum_j y_j: a set stands in many paths.

    Parameters
    ----------
    rows : ReducedFlows
    cuts : sequence of CapacityCut
        Upper bounds of the value that are linear in the stations.
    wanted : float, optional
        Cheapest variant: minimize money such that so much value is refuelled.
    hint : bool array, shape (num_sites,), optional
        A plan to start from.
    priced : bool
        Take what the stations cost off the objective.

    Returns
    -------
    LinearModel
        A maximization; variables y (named by original site), u, z, and with cuts ``lost``.
    """
    num_sites, num_paths, num_sets = rows.num_sites, rows.num_paths, rows.num_sets
    num_needs = rows.needs.nnz
    entry_path = np.repeat(np.arange(num_paths), np.diff(rows.needs.indptr))
    pick_path = ones_at(np.arange(num_needs), entry_path, (num_needs, num_paths))
    pick_set = ones_at(np.arange(num_needs), rows.needs.indices, (num_needs, num_sets))
    crowded = np.flatnonzero(np.bincount(rows.flow_idx, minlength=1) > 1)
    of_flow = ones_at(rows.flow_idx, np.arange(num_paths),
                    (int(rows.flow_idx.max(initial=0)) + 1, num_paths))[crowded]  # fmt: skip
    blocks: list[list[Any]] = [
        [None, pick_path, -pick_set],
        [-rows.members, None, scipy.sparse.identity(num_sets)],
        [None, of_flow, None],
        [scipy.sparse.csr_matrix(np.ones((1, num_sites))), None, None],
    ]
    upper: list[Any] = [
        np.zeros(num_needs + num_sets), np.ones(len(crowded)), [float(rows.num_stations)]
    ]  # fmt: skip
    names = [f"reach_{r}_{s}" for r, s in zip(entry_path, rows.needs.indices, strict=True)]
    names += [f"set_{each}" for each in range(num_sets)]
    names += [f"once_{flow}" for flow in crowded] + ["stations"]
    worth = scipy.sparse.csr_matrix(rows.value[None, :])
    if math.isfinite(rows.budget):
        blocks.append([scipy.sparse.csr_matrix(rows.cost[None, :]), None, None])
        upper.append([rows.budget])
        names.append("budget")
    if wanted is not None:
        blocks.append([None, -worth, None])
        upper.append([rows.base_value - wanted])
        names.append("wanted")
    for number, cut in enumerate(cuts):
        slope = cut.slope[rows.site_idx]
        blocks.append([scipy.sparse.csr_matrix(-slope[None, :]), worth, None])
        upper.append([cut.level + float(cut.slope @ cut.forced) - rows.base_value])
        names.append(f"capacity_{number}")
    matrix = scipy.sparse.csr_matrix(scipy.sparse.bmat(blocks))
    num_columns = num_sites + num_paths + num_sets
    objective = (
        np.concatenate((-rows.cost * priced, rows.value, np.zeros(num_sets)))
        if wanted is None
        else np.concatenate((-rows.cost, np.zeros(num_paths + num_sets)))
    )
    upper_bounds = np.ones(num_columns)
    if cuts:  # what full stations turn away
        lost = scipy.sparse.csr_matrix(
            -(np.arange(matrix.shape[0]) >= matrix.shape[0] - len(cuts)).astype(float)[:, None]
        )
        matrix = scipy.sparse.csr_matrix(scipy.sparse.hstack([matrix, lost]))
        objective = np.append(objective, -1.0)
        upper_bounds = np.append(upper_bounds, max(rows.total_value, 1.0))
        num_columns += 1
    columns = [f"y_{site}" for site in rows.site_idx]
    columns += [f"u_{path}" for path in range(num_paths)]
    columns += [f"z_{each}" for each in range(num_sets)] + ["lost"] * bool(cuts)
    levels = None
    if hint is not None:
        levels = np.concatenate(
            (hint.astype(float), _drive_once(rows, hint), (rows.members @ hint > 0).astype(float))
        )
    return LinearModel(
        name="flow_refuelling",
        matrix=matrix,
        row_lower=np.full(matrix.shape[0], -np.inf),
        row_upper=np.concatenate(upper),
        lower=np.zeros(num_columns),
        upper=upper_bounds,
        objective=objective,
        maximize=True,
        offset=rows.base_value if wanted is None else 0.0,
        integer=np.arange(num_columns) < num_sites,
        column_names=columns,
        row_names=names,
        hint=levels,
    )


def _drive_once(rows: ReducedFlows, plan: BoolArray) -> FloatArray:
    """One path of each flow that a plan makes drivable: the most valuable, as 0 or 1."""
    met = rows.needs @ (rows.members @ plan.astype(float) == 0) == 0
    return best_paths(rows.value, rows.flow_idx, met)
