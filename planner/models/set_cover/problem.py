"""Set covering: what the model is given."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, freeze
from planner.solving.rules import CityLimits


@dataclass(frozen=True)
class SetCoverProblem:
    """Least cost of stations that cover the zones, or a share of what they are worth.

    Sets: demand zones i in [0, num_zones), candidate sites j in [0, num_sites).

    Attributes
    ----------
    value : float array, shape (num_zones,)
        What a zone counts for in the share, >= 0.
    need : int array, shape (num_zones,)
        Stations within reach that it takes to cover the zone, >= 0.
    reach_ptr, reach_zone_idx : int arrays
        As in `CoverageProblem`.
    cost : float array, shape (num_sites,)
        Cost of a station at the site, >= 0; ones to count stations.
    forced, forbidden : bool arrays, shape (num_sites,)
        Sites open in every plan, and in none.
    min_share : float
        Share of all value that must be covered, in [0, 1]; 1 for every zone, worth something or
        not.
    min_stations, max_stations : int
        Open sites, the forced ones included.
    budget : float
        Limit of the cost; inf for none.
    cities : CityLimits, optional
        Least and most stations by city.
    """

    value: FloatArray
    need: IntArray
    reach_ptr: IntArray
    reach_zone_idx: IndexArray
    cost: FloatArray
    forced: BoolArray
    forbidden: BoolArray
    min_share: float
    min_stations: int
    max_stations: int
    budget: float = np.inf
    cities: CityLimits | None = None

    def __post_init__(self) -> None:
        num_sites, num_zones = len(self.cost), len(self.value)
        if len(self.reach_ptr) != num_sites + 1:
            raise ValueError(f"reach_ptr has {len(self.reach_ptr)} entries, not {num_sites + 1}")
        if not len(self.forced) == len(self.forbidden) == num_sites:
            raise ValueError("forced and forbidden must have one entry per site")
        if self.need.shape != (num_zones,) or (num_zones and self.need.min() < 0):
            raise ValueError("need must have one entry >= 0 per zone")
        for name in ("value", "cost"):
            values = getattr(self, name)
            if len(values) and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if len(self.reach_zone_idx) and not (
            self.reach_zone_idx.min() >= 0 and self.reach_zone_idx.max() < num_zones
        ):
            raise ValueError("reach_zone_idx points outside the zones")
        if not 0.0 <= self.min_share <= 1.0:
            raise ValueError("min_share must lie in [0, 1]")
        if np.isnan(self.budget):
            raise ValueError("budget must be a number")
        if self.cities is not None and len(self.cities.city_idx) != num_sites:
            raise ValueError("cities must name the city of every site")
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
        return len(self.cost)
