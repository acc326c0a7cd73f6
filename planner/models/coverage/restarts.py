"""When the primal-dual method begins anew, and with which primal weight: the rules of PDLP.

Applegate et al. 2021 (NeurIPS 34), section 3, with the true duality gap as the measure.
"""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray
from planner.models.coverage.tuning import Tuning


@dataclass
class Restarts:
    """How far a run is since it last began anew.

    Attributes
    ----------
    tuning : Tuning
        Its decays and shares.
    iterations : int
        Since the start.
    since_restart : int
        Since the last restart.
    gap_at_restart, last_gap : float
        Measures when it last began anew and at the last look since.
    """

    tuning: Tuning
    iterations: int = 0
    since_restart: int = 0
    gap_at_restart: float = np.inf
    last_gap: float = np.inf

    def advance(self, iterations: int) -> None:
        """Count iterations."""
        self.iterations += iterations
        self.since_restart += iterations

    def due(self, gap: float) -> bool:
        """Whether to begin anew at a point of this measure; counts from there if so."""
        tuning = self.tuning
        if (
            gap <= tuning.sufficient_decay * self.gap_at_restart
            or (gap <= tuning.necessary_decay * self.gap_at_restart and gap > self.last_gap)
            or self.since_restart >= tuning.artificial_share * self.iterations
        ):
            self.since_restart, self.gap_at_restart, self.last_gap = 0, gap, np.inf
            return True
        self.last_gap = gap
        return False


def next_weight(
    omega: float,
    opening_norm: FloatArray,
    moved_opening: FloatArray,
    share_norm: FloatArray,
    moved_share: FloatArray,
) -> float:
    """Primal weight that makes both sides move alike, smoothed with the last one.

    Parameters
    ----------
    omega : float
        The last one.
    opening_norm, share_norm : float arrays, shape (num_coordinates,)
        Norms in which steps of each side are measured.
    moved_opening, moved_share : float arrays, shape (num_coordinates,)
        How far each side came since the last restart.

    Returns
    -------
    float
    """
    opening = np.sqrt(opening_norm @ moved_opening**2)
    share = np.sqrt(share_norm @ moved_share**2)
    if opening > 1e-10 and share > 1e-10:
        return float(np.sqrt(omega * opening / share))
    return omega
