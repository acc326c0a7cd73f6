"""Maximal covering: what the model is given."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, Lists, freeze
from planner.solving.rules import SiteRules


@dataclass(frozen=True)
class CoverageProblem:
    """Maximal covering: open the sites that reach most value, as far as the rules allow.

    Sets: demand zones i in [0, num_zones), candidate sites j in [0, num_sites).

    Attributes
    ----------
    value : float array, shape (num_zones,)
        What covering a zone is worth (swaps per day), >= 0.
    reach : Lists, num_sites of them
        Zones within the drive-time standard of each site, ascending; they may lie in other cities.
    rules : SiteRules
        Which sites may open. Which of its limits are kept is up to the model:
        `planner.models.coverage.solve.solve_coverage` keeps the locks and the most stations.

    Raises
    ------
    ValueError
        If shapes do not fit, a value is negative or not finite, or ``reach`` names no zone.
    """

    value: FloatArray
    reach: Lists
    rules: SiteRules

    def __post_init__(self) -> None:
        self.reach.check("reach", self.num_sites, self.num_zones)
        if len(self.value) and not (np.isfinite(self.value).all() and self.value.min() >= 0):
            raise ValueError("value must be finite and >= 0")
        freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return len(self.value)

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return self.rules.num_sites
