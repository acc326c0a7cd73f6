"""Maximal covering over merged rows as a mixed-integer model."""

import numpy as np

from planner.arrays import IntArray
from planner.models.coverage.rows import CoverRows
from planner.models.coverage.search import swap_tables
from planner.solving.linear_model import LinearModel


def coverage_mip(rows: CoverRows, *, hint: IntArray | None = None) -> LinearModel:
    """Model (1) and (3) of `planner.models.coverage.solve`; (2) is spent already.

    Parameters
    ----------
    rows : CoverRows
        The value of its forced sites is the offset.
    hint : int array, optional
        Open sites, as positions in ``rows``, of a plan to start from.

    Returns
    -------
    LinearModel
        Columns y_0.. (named by original site) then x_0..; rows ``cover_i`` then ``budget``.
    """
    import scipy.sparse

    num_sites, num_rows = rows.num_sites, rows.num_rows
    sites = rows.sites_of_row
    cover = scipy.sparse.csr_matrix(
        (np.ones(rows.num_arcs), sites.idx, sites.ptr), shape=(num_rows, num_sites)
    )
    budget = scipy.sparse.csr_matrix(np.r_[np.ones(num_sites), np.zeros(num_rows)][None, :])
    levels = None
    if hint is not None:
        is_open = np.zeros(num_sites, dtype=np.bool_)
        is_open[hint] = True
        covered = swap_tables(rows, hint).num_covering > 0
        levels = np.r_[is_open, covered].astype(np.float64)
    return LinearModel(
        name="coverage",
        matrix=scipy.sparse.vstack(
            [scipy.sparse.hstack([cover, -scipy.sparse.identity(num_rows)]), budget], format="csr"
        ),
        row_lower=np.r_[np.zeros(num_rows), -np.inf],
        row_upper=np.r_[np.full(num_rows, np.inf), float(rows.num_stations)],
        lower=np.zeros(num_sites + num_rows),
        upper=np.ones(num_sites + num_rows),
        objective=np.r_[np.zeros(num_sites), rows.value],
        maximize=True,
        offset=rows.base_value,
        integer=np.arange(num_sites + num_rows) < num_sites,
        column_names=[
            *(f"y_{site}" for site in rows.site_idx),
            *(f"x_{row}" for row in range(num_rows)),
        ],
        row_names=[*(f"cover_{row}" for row in range(num_rows)), "budget"],
        hint=levels,
    )
