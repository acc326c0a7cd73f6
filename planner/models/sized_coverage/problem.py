"""Maximal covering with station sizes, money, city limits and capacity: what the model is given."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IntArray, freeze
from planner.models.coverage.problem import CoverageProblem


@dataclass(frozen=True)
class SizedCoverageProblem:
    """Maximal covering with station sizes, their capacity and cost, and limits per city.

    Sets: those of ``coverage``; station types t; cities c. ``coverage`` alone is the relaxation
    without capacity, cost and city limits.

    Attributes
    ----------
    coverage : CoverageProblem
        Values, reach, locks and the number of stations.
    load : float array, shape (num_zones,)
        Swaps per hour of each zone in the design hour, >= 0.
    capacity : float array, shape (num_sites, num_types)
        Swaps per hour that a station of the type does at the site; 0 where it does not fit.
    cost : float array, shape (num_sites, num_types)
        Money for a station of the type at the site, >= 0 [CNY].
    budget : float
        Money for all stations, forced ones included; inf for no limit [CNY].
    min_stations, max_stations : int arrays, shape (num_cities,)
        Stations per city, forced ones included.
    """

    coverage: CoverageProblem
    load: FloatArray
    capacity: FloatArray
    cost: FloatArray
    budget: float
    min_stations: IntArray
    max_stations: IntArray

    def __post_init__(self) -> None:
        num_sites = self.coverage.num_sites
        if self.load.shape != (self.coverage.num_zones,):
            raise ValueError("load must have one entry per zone")
        if self.capacity.shape != self.cost.shape or len(self.capacity) != num_sites:
            raise ValueError("capacity and cost must have shape (num_sites, num_types)")
        for name in ("load", "capacity", "cost"):
            values = getattr(self, name)
            if values.size and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if np.isnan(self.budget):
            raise ValueError("budget must be a number")
        num_cities = len(self.min_stations)
        if len(self.max_stations) != num_cities or (
            num_sites and self.coverage.city_idx.max() >= num_cities
        ):
            raise ValueError("min_stations and max_stations must have one entry per city")
        freeze(self)

    @property
    def num_types(self) -> int:
        """Number of station types."""
        return int(self.capacity.shape[1])
