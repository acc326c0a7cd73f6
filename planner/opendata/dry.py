"""Nobody lives on water: cells that only a bridge, a tunnel or a ferry reaches have no owner."""

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.land import is_land


def leave_water(owner_idx: IntArray, lon: FloatArray, lat: FloatArray, shore_km: float) -> IntArray:
    """Take cells on water from their owners.

    World highways do not tell bridges, so that the map of land has to. Its shore is rough:
    cells near it stay, and an owner without any cell on land, an island too small for the map,
    keeps all of its cells.

    Parameters
    ----------
    owner_idx : int array, shape (num_cells,)
        City or county of each cell; -1 for none.
    lon, lat : float array, shape (num_cells,)
        Centres of the cells, degrees.
    shore_km : float
        Cells so near to land count as land.

    Returns
    -------
    int array, shape (num_cells,)
        -1 where a cell has lost its owner.

    Examples
    --------
    A cell of Jiaxing, one on the bridge over the bay before it, and one of an island.

    >>> lon, lat = np.array([120.75, 121.13, -150.0]), np.array([30.75, 30.45, 0.0])
    >>> leave_water(np.array([0, 0, 1]), lon, lat, 2.0)
    array([ 0, -1,  1])
    """
    owned = np.flatnonzero(owner_idx >= 0)
    dry = np.ones(len(owner_idx), dtype=np.bool_)
    dry[owned] = is_land(lon[owned], lat[owned], shore_km=shore_km)
    # One more than there are owners: -1 for none points at the last.
    num_owners = int(owner_idx.max(initial=-1)) + 1
    has_land = np.bincount(owner_idx[owned], dry[owned], num_owners + 1) > 0
    return np.where(dry | ~has_land[owner_idx], owner_idx, -1)
