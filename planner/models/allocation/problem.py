"""Zones to open stations: the problem, without its solving."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IndexArray, Lists, freeze


@dataclass(frozen=True)
class AllocationProblem:
    """Zones to open stations, and the size of each station.

    Sets: demand zones i, open stations s, station types t in any order.

    Attributes
    ----------
    load : float array, shape (num_zones,)
        Swaps per hour of the zone in the design hour, >= 0.
    reach : Lists, num_stations of zones
        Zones that each station reaches.
    drive_min : float array, shape (num_arcs,)
        Minutes to each of them, >= 0 [min].
    capacity : float array, shape (num_stations, num_types)
        Swaps per hour of each type at each station; 0 where the type does not fit the site.
    value : float array, shape (num_zones,), optional
        What serving a zone is worth, >= 0; its load if not given.
    type_idx : int array, shape (num_stations,), optional
        Types that are fixed; otherwise each station gets the smallest that carries its load.
    """

    load: FloatArray
    reach: Lists
    drive_min: FloatArray
    capacity: FloatArray
    value: FloatArray | None = None
    type_idx: IndexArray | None = None

    def __post_init__(self) -> None:
        self.reach.check("reach", len(self.capacity), len(self.load))
        if len(self.drive_min) != self.reach.num_entries:
            raise ValueError("drive_min must have one entry per arc")
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
