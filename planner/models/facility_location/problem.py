"""Capacitated facility location: what the model is given."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, freeze
from planner.solving.rules import CityLimits


@dataclass(frozen=True)
class FacilityLocationProblem:
    """Stations of several sizes, and which of them serves how much of each zone, at least cost.

    Sets: demand zones i in [0, num_zones), candidate sites j in [0, num_sites), station types t.

    Attributes
    ----------
    demand : float array, shape (num_zones,)
        What is to be served of each zone, >= 0.
    zone_ptr, site_idx, unit_cost : arrays
        Pairs of zone i from ``zone_ptr[i]`` to ``zone_ptr[i + 1]``: sites that can serve it, each
        once, and the cost of serving one unit from there, >= 0.
    capacity : float array, shape (num_sites, num_types)
        What a station of the type can serve at the site, >= 0.
    fixed_cost : float array, shape (num_sites, num_types)
        Cost of a station of the type at the site, >= 0.
    forced, forbidden : bool arrays, shape (num_sites,)
        Sites open in every plan, and in none.
    min_stations, max_stations : int
        Open sites, the forced ones included.
    budget : float
        Limit of all fixed costs; inf for none.
    single : bool
        Whether each zone must be served by one station alone.
    unserved_cost : float
        Cost of each unit of demand that is left unserved, >= 0; inf if all must be served.
    cities : CityLimits, optional
        Stations by city.
    """

    demand: FloatArray
    zone_ptr: IntArray
    site_idx: IndexArray
    unit_cost: FloatArray
    capacity: FloatArray
    fixed_cost: FloatArray
    forced: BoolArray
    forbidden: BoolArray
    min_stations: int
    max_stations: int
    budget: float = np.inf
    single: bool = False
    unserved_cost: float = np.inf
    cities: CityLimits | None = None

    def __post_init__(self) -> None:
        num_sites = len(self.capacity)
        if len(self.zone_ptr) != len(self.demand) + 1:
            raise ValueError("zone_ptr must have one entry per zone and one more")
        if not len(self.site_idx) == len(self.unit_cost) == self.zone_ptr[-1]:
            raise ValueError("site_idx and unit_cost must have one entry per pair")
        if len(self.site_idx) and not (
            self.site_idx.min() >= 0 and self.site_idx.max() < num_sites
        ):
            raise ValueError("site_idx points outside the sites")
        if self.capacity.ndim != 2 or self.capacity.shape != self.fixed_cost.shape:
            raise ValueError("capacity and fixed_cost must have shape (num_sites, num_types)")
        if not self.forced.shape == self.forbidden.shape == (num_sites,):
            raise ValueError("forced and forbidden must have one entry per site")
        for name in ("demand", "unit_cost", "capacity", "fixed_cost"):
            values = getattr(self, name)
            if values.size and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if np.isnan(self.budget):
            raise ValueError("budget must be a number")
        if not self.unserved_cost >= 0:
            raise ValueError("unserved_cost must be a number >= 0")
        if self.cities is not None and len(self.cities.city_idx) != num_sites:
            raise ValueError("cities must have one entry per site")
        if (self.forced & self.forbidden).any():
            raise ValueError("a site is both forced and forbidden")
        freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return len(self.demand)

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.capacity)

    @property
    def num_types(self) -> int:
        """Number of station types."""
        return int(self.capacity.shape[1])
