"""Spread a county's people over its cells: a model, checked only on the county totals."""

import numpy as np

from planner.arrays import FloatArray, IntArray


def spread_residents(
    county_idx: IntArray,
    residents: FloatArray,
    urban_frac: FloatArray,
    urban_weight: FloatArray,
    rural_weight: FloatArray,
    max_residents: float,
) -> FloatArray:
    """Spread each county's residents over its cells, the urban part by a weight of its own.

    Parameters
    ----------
    county_idx : int array, shape (num_cells,)
        County of each cell.
    residents : float array, shape (num_counties,)
        Residents to spread, >= 0.
    urban_frac : float array, shape (num_counties,)
        Urban share of them.
    urban_weight, rural_weight : float array, shape (num_cells,)
        Weights >= 0. A county whose urban weights sum to 0 is spread by the rural ones, and
        one whose rural weights do, evenly.
    max_residents : float
        No cell holds more, unless the county's cells together cannot hold its residents:
        then they hold them evenly.

    Returns
    -------
    float array, shape (num_cells,)
        Residents; the cells of a county sum to its residents if it has any cell.
    """
    num_counties = len(residents)
    rural_share = _shares(county_idx, rural_weight, np.ones_like(rural_weight), num_counties)
    urban_share = _shares(county_idx, urban_weight, rural_share, num_counties)
    urban_here = urban_frac[county_idx]
    weight = urban_here * urban_share + (1 - urban_here) * rural_share
    num_cells = np.bincount(county_idx, minlength=num_counties)
    even = residents / np.maximum(num_cells, 1)
    crowded = (even >= max_residents)[county_idx]
    full = np.zeros(len(county_idx), dtype=np.bool_)
    while True:
        left = residents - max_residents * np.bincount(county_idx, full, num_counties)
        open_cell = np.where(full, 0.0, 1.0)
        free_share = _shares(county_idx, open_cell * weight, open_cell, num_counties)
        spread = np.where(full, max_residents, left[county_idx] * free_share)
        over = (spread > max_residents) & ~full & ~crowded
        if not over.any():
            return np.where(crowded, even[county_idx], spread)
        full |= over


def _shares(
    county_idx: IntArray, weight: FloatArray, instead: FloatArray, num_counties: int
) -> FloatArray:
    """Each cell's share of its county's weight; of ``instead`` where that weight is 0."""
    total = np.bincount(county_idx, weight, num_counties)[county_idx]
    total_instead = np.bincount(county_idx, instead, num_counties)[county_idx]
    whole = np.where(total > 0, total, np.where(total_instead > 0, total_instead, 1.0))
    share: FloatArray = np.where(total > 0, weight, instead) / whole
    return share


def round_to_total(values: FloatArray, group_idx: IntArray, step: float) -> FloatArray:
    """Round to multiples of ``step`` so that each group keeps its rounded total.

    Largest remainder (Hamilton): all are rounded down, and the steps still missing go to
    the largest remainders, ties to the earlier position.

    Parameters
    ----------
    values : float array, shape (n,)
        Values >= 0.
    group_idx : int array, shape (n,)
        Group of each value.
    step : float
        Unit to round to.

    Returns
    -------
    float array, shape (n,)
        Multiples of ``step``.

    >>> round_to_total(np.array([1.4, 1.4, 1.2]), np.array([0, 0, 0]), 1.0).tolist()
    [2.0, 1.0, 1.0]
    """
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError("values must be finite and >= 0")
    scaled = values / step
    down = np.floor(scaled)
    num_groups = int(group_idx.max(initial=-1)) + 1
    total = np.round(np.bincount(group_idx, scaled, num_groups))
    missing = (total - np.bincount(group_idx, down, num_groups)).astype(np.int64)
    # Rounded before comparing: equal values must tie whatever their last bit says.
    order = np.lexsort((np.arange(len(values)), -np.round(scaled - down, 9), group_idx))
    starts = np.searchsorted(group_idx[order], np.arange(num_groups))
    rank = np.arange(len(values)) - starts[group_idx[order]]
    up = np.zeros(len(values))
    up[order] = rank < missing[group_idx[order]]
    # Divided rather than multiplied: 3 / 10 prints as 0.3, 3 * 0.1 does not.
    rounded: FloatArray = (down + up) / round(1 / step) if step < 1 else (down + up) * step
    return rounded
