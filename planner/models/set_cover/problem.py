"""Set covering: what the model is given."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IntArray, Lists, freeze
from planner.solving.rules import SiteRules


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
    reach : Lists, shape (num_sites,)
        Zones within reach of each site, ascending.
    rules : SiteRules
        Locks, numbers, limits by city and the budget; one cost per site, ones to count stations.
    min_share : float
        Share of all value that must be covered, in [0, 1]; 1 for every zone, worth something or
        not.
    """

    value: FloatArray
    need: IntArray
    reach: Lists
    rules: SiteRules
    min_share: float

    def __post_init__(self) -> None:
        num_zones = len(self.value)
        if self.rules.cost.ndim != 1:
            raise ValueError("rules must have one cost per site")
        self.reach.check("reach", self.rules.num_sites, num_zones)
        if self.need.shape != (num_zones,) or (num_zones and self.need.min() < 0):
            raise ValueError("need must have one entry >= 0 per zone")
        if num_zones and not (np.isfinite(self.value).all() and self.value.min() >= 0):
            raise ValueError("value must be finite and >= 0")
        if not 0.0 <= self.min_share <= 1.0:
            raise ValueError("min_share must lie in [0, 1]")
        freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return len(self.value)

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return self.rules.num_sites
