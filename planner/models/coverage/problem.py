"""Maximal covering: what the model is given."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, freeze


@dataclass(frozen=True)
class CoverageProblem:
    """Maximal covering under one national number of stations.

    Sets: demand zones i in [0, num_zones), candidate sites j in [0, num_sites).

    Attributes
    ----------
    value : float array, shape (num_zones,)
        What covering a zone is worth (swaps per day), >= 0.
    reach_ptr : int array, shape (num_sites + 1,)
        Site j reaches ``reach_zone_idx[reach_ptr[j]:reach_ptr[j + 1]]``.
    reach_zone_idx : int array, shape (num_arcs,)
        Zones within the drive-time standard of each site, ascending within a site.
    city_idx : int array, shape (num_sites,)
        City of each site; reach may cross city borders.
    forced : bool array, shape (num_sites,)
        Sites that hold a station already or are committed: open in every plan.
    forbidden : bool array, shape (num_sites,)
        Sites that no plan may open.
    num_stations : int
        Budget p: at most this many open sites, the forced ones included.
    """

    value: FloatArray
    reach_ptr: IntArray
    reach_zone_idx: IndexArray
    city_idx: IndexArray
    forced: BoolArray
    forbidden: BoolArray
    num_stations: int

    def __post_init__(self) -> None:
        num_sites = len(self.city_idx)
        if len(self.reach_ptr) != num_sites + 1:
            raise ValueError(f"reach_ptr has {len(self.reach_ptr)} entries, not {num_sites + 1}")
        if not len(self.forced) == len(self.forbidden) == num_sites:
            raise ValueError("forced and forbidden must have one entry per site")
        if len(self.value) and not (np.isfinite(self.value).all() and self.value.min() >= 0):
            raise ValueError("value must be finite and >= 0")
        if len(self.reach_zone_idx) and not (
            self.reach_zone_idx.min() >= 0 and self.reach_zone_idx.max() < len(self.value)
        ):
            raise ValueError("reach_zone_idx points outside the zones")
        if (self.forced & self.forbidden).any():
            raise ValueError("a site is both forced and forbidden")
        freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return len(self.value)

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.city_idx)
