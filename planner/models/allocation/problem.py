"""Zones to open stations: what the model is given."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IndexArray, IntArray, freeze


@dataclass(frozen=True)
class AllocationProblem:
    """Zones to open stations, and the size of each station.

    Sets: demand zones i, open stations s, station types t in ascending order of capacity.

    Attributes
    ----------
    load : float array, shape (num_zones,)
        Swaps per hour of the zone in the design hour, >= 0.
    reach_ptr, reach_zone_idx, drive_min : arrays
        Zones that each station reaches, and the minutes, as in `CoverageProblem`.
    capacity : float array, shape (num_stations, num_types)
        Swaps per hour of each type at each station; 0 where the type does not fit the site.
    value : float array, shape (num_zones,), optional
        What serving a zone is worth, >= 0; its load if not given.
    type_idx : int array, shape (num_stations,), optional
        Types that are given; otherwise each station gets the smallest that carries its load.
    """

    load: FloatArray
    reach_ptr: IntArray
    reach_zone_idx: IndexArray
    drive_min: FloatArray
    capacity: FloatArray
    value: FloatArray | None = None
    type_idx: IndexArray | None = None

    def __post_init__(self) -> None:
        if len(self.reach_ptr) != len(self.capacity) + 1:
            raise ValueError("reach_ptr must have one entry per station and one more")
        if not len(self.reach_zone_idx) == len(self.drive_min) == self.reach_ptr[-1]:
            raise ValueError("reach_zone_idx and drive_min must have one entry per arc")
        for name in ("load", "value"):
            values = getattr(self, name)
            if values is None:
                continue
            if values.shape != self.load.shape:
                raise ValueError(f"{name} must have one entry per zone")
            if len(values) and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if self.type_idx is not None and len(self.type_idx) != len(self.capacity):
            raise ValueError("type_idx must have one entry per station")
        freeze(self)
