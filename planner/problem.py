"""What the models see: per model one small frozen type of index-aligned, read-only arrays."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
IndexArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]


def _freeze(problem: object) -> None:
    for field in fields(problem):  # type: ignore[arg-type]
        value = getattr(problem, field.name)
        if isinstance(value, np.ndarray):
            view = value.view()
            view.flags.writeable = False
            object.__setattr__(problem, field.name, view)


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
            0 <= self.reach_zone_idx.min() and self.reach_zone_idx.max() < len(self.value)
        ):
            raise ValueError("reach_zone_idx points outside the zones")
        if (self.forced & self.forbidden).any():
            raise ValueError("a site is both forced and forbidden")
        _freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return len(self.value)

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.city_idx)
