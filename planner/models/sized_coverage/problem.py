"""Maximal covering with station sizes, money, city limits and capacity: what the model is given."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, freeze
from planner.models.coverage.problem import CoverageProblem
from planner.solving.rules import SiteRules


@dataclass(frozen=True)
class SizedCoverageProblem:
    """Maximal covering with station sizes, their capacity and cost, and limits per city.

    Sets: those of ``coverage``; station types t; cities c. ``coverage`` with the locks and the
    most stations alone is the relaxation without capacity, cost and city limits.

    Attributes
    ----------
    coverage : CoverageProblem
        Values, reach, and all rules; its cost has shape (num_sites, num_types) [CNY].
    load : float array, shape (num_zones,)
        Swaps per hour of each zone in the design hour, >= 0.
    capacity : float array, shape (num_sites, num_types)
        Swaps per hour that a station of the type does at the site; 0 where it does not fit.

    Raises
    ------
    ValueError
        If shapes do not fit, or a load or capacity is negative or not finite.
    """

    coverage: CoverageProblem
    load: FloatArray
    capacity: FloatArray

    def __post_init__(self) -> None:
        if self.load.shape != (self.coverage.num_zones,):
            raise ValueError("load must have one entry per zone")
        if self.capacity.ndim != 2 or self.capacity.shape != self.rules.cost.shape:
            raise ValueError("capacity and the rules' cost must have shape (num_sites, num_types)")
        for name in ("load", "capacity"):
            values = getattr(self, name)
            if values.size and not (np.isfinite(values).all() and values.min() >= 0):
                raise ValueError(f"{name} must be finite and >= 0")
        freeze(self)

    @property
    def rules(self) -> SiteRules:
        """Locks, money, numbers of stations."""
        return self.coverage.rules

    @property
    def num_types(self) -> int:
        """Number of station types."""
        return int(self.capacity.shape[1])
