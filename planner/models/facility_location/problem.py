"""Capacitated facility location: what the model is given."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, IndexArray, Lists, freeze
from planner.solving.rules import SiteRules


@dataclass(frozen=True)
class FacilityLocationProblem:
    """Stations of several sizes, and which of them serves how much of each zone, at least cost.

    Sets: demand zones i in [0, num_zones), candidate sites j in [0, num_sites), station types t.

    Attributes
    ----------
    demand : float array, shape (num_zones,)
        What is to be served of each zone, >= 0.
    sites : Lists, shape (num_zones,)
        Sites that can serve each zone, each once: the pairs of the problem, zone by zone.
    unit_cost : float array, shape (num_pairs,)
        Cost of serving one unit over each pair, >= 0.
    capacity : float array, shape (num_sites, num_types)
        What a station of the type can serve at the site, >= 0.
    rules : SiteRules
        Locks and limits; the cost has a column per type, the budget limits all fixed costs.
    single : bool
        Whether each zone must be served by one station alone.
    unserved_cost : float
        Cost of each unit of demand that is left unserved, >= 0; inf if all must be served.
    """

    demand: FloatArray
    sites: Lists
    unit_cost: FloatArray
    capacity: FloatArray
    rules: SiteRules
    single: bool = False
    unserved_cost: float = np.inf

    def __post_init__(self) -> None:
        self.sites.check("sites", len(self.demand), len(self.capacity))
        if len(self.unit_cost) != self.sites.num_entries:
            raise ValueError("unit_cost must have one entry per pair")
        if self.capacity.ndim != 2 or self.capacity.shape != self.rules.cost.shape:
            raise ValueError("capacity and rules.cost must have shape (num_sites, num_types)")
        for name in ("demand", "unit_cost", "capacity"):
            values = getattr(self, name)
            if values.size and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        if not self.unserved_cost >= 0:
            raise ValueError("unserved_cost must be a number >= 0")
        freeze(self)

    @property
    def pair_zone(self) -> IndexArray:
        """Zone of each pair, shape (num_pairs,)."""
        return np.repeat(np.arange(self.num_zones, dtype=np.int32), self.sites.sizes)

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
