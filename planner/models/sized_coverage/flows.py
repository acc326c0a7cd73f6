"""Sized covering with flows in place of the cuts (4): larger, but it says all about capacity.

With f_ij >= 0 the share of row i that site j serves,

    x_i <= sum_j f_ij,  f_ij <= z_j      every row i with load, site j with an option left
    sum_i a_i f_ij <= sum_t K_jt y_jt    every such site j

are the capacitated model of Pirkul and Schilling 1991 (Management Science 37:233-248). Where plans
are many that differ little, each cut (4) rules out few of them, and this model ends sooner.
"""

from dataclasses import replace

import numpy as np
import scipy.sparse

from planner.arrays import IntArray
from planner.models.sized_coverage.cuts import CapacityCut
from planner.models.sized_coverage.model import SizedModel, sized_coverage_mip
from planner.models.sized_coverage.search import SizedPlan
from planner.solving.linear_model import LinearModel


def flow_pairs(model: SizedModel) -> IntArray:
    """Positions in ``sites_of_row.idx`` of the pairs that flows go over."""
    rows = model.rows
    has_option = np.bincount(rows.option_site, model.open_options, minlength=rows.num_sites) > 0
    return np.flatnonzero(has_option[rows.sites_of_row.idx] & (rows.load[rows.row_of_arc] > 0))


def flow_mip(model: SizedModel, cuts: list[CapacityCut], hint: SizedPlan) -> LinearModel:
    """The mixed-integer model of the options left, with flows and the cuts known so far.

    Parameters
    ----------
    model : SizedModel
    cuts : list of CapacityCut
        Implied by the flows; they tighten the relaxation.
    hint : SizedPlan
        A plan to start from.

    Returns
    -------
    LinearModel
        Columns as in `sized_coverage_mip`, then ``f`` of each pair of `flow_pairs`.
    """
    rows, pairs = model.rows, flow_pairs(model)
    plain = sized_coverage_mip(model, cuts, hint=hint)
    row, site = rows.row_of_arc[pairs], rows.sites_of_row.idx[pairs].astype(np.int64)
    count, loaded = len(pairs), np.flatnonzero(rows.load > 0)
    place = np.full(rows.num_rows, -1)
    place[loaded] = np.arange(len(loaded))
    flow = plain.matrix.shape[1] + np.arange(count)
    first = (0, len(loaded), len(loaded) + count)
    scale = np.maximum(np.bincount(site, rows.load[row], minlength=rows.num_sites), 1e-300)
    options = np.flatnonzero(model.open_options)
    capacity = rows.capacity[options] / scale[rows.option_site[options]]
    entries = (
        (np.arange(len(loaded)), model.num_openings + loaded, np.ones(len(loaded))),
        (place[row], flow, -np.ones(count)),
        (first[1] + np.arange(count), flow, np.ones(count)),
        (first[1] + np.arange(count), site, -np.ones(count)),
        (first[2] + site, flow, rows.load[row] / scale[site]),
        (first[2] + rows.option_site[options], model.option_column[options], -capacity),
    )
    at, column, value = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    num_rows = first[2] + rows.num_sites
    num_columns = plain.matrix.shape[1] + count
    more = scipy.sparse.csr_matrix((value, (at, column)), shape=(num_rows, num_columns))
    wide = scipy.sparse.csr_matrix(
        (plain.matrix.data, plain.matrix.indices, plain.matrix.indptr),
        shape=(plain.matrix.shape[0], num_columns),
    )
    carried = np.divide(
        hint.service.flow[pairs], rows.load[row], out=np.zeros(count), where=rows.load[row] > 0
    )
    levels = None if plain.hint is None else np.concatenate([plain.hint, np.clip(carried, 0, 1)])
    return replace(
        plain,
        name="sized_coverage_flows",
        matrix=scipy.sparse.vstack([wide, more], format="csr"),
        row_lower=np.concatenate([plain.row_lower, np.full(num_rows, -np.inf)]),
        row_upper=np.concatenate([plain.row_upper, np.zeros(num_rows)]),
        lower=np.concatenate([plain.lower, np.zeros(count)]),
        upper=np.concatenate([plain.upper, np.ones(count)]),
        objective=np.concatenate([plain.objective, np.zeros(count)]),
        integer=np.arange(num_columns) < model.num_openings,
        column_names=(),
        row_names=(),
        hint=levels,
    )
