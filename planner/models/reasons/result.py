"""What it costs to do without a station, or to open a closed site: the same for every question.

With V the objective of a plan as a loss (what is not served, minutes, stations or money) and V*
that of the best plan under a changed lock,

(1) r_j = V*(j forbidden) - V  for an open site j,      f_k = V*(k forced) - V  for a closed k,

both as far as they are positive: costs are against the plan at hand. They are known as intervals:
the upper end is the loss of a plan that is known, the lower end follows from multipliers.
"""

from dataclasses import dataclass
from typing import NamedTuple

from planner.arrays import FloatArray, IntArray, freeze


class Stations(NamedTuple):
    """A plan.

    Attributes
    ----------
    site_idx : int array, shape (num_open,)
        Open sites, ascending.
    type_idx : int array, shape (num_open,), optional
        The type of each; none where the question knows no types.
    """

    site_idx: IntArray
    type_idx: IntArray | None


@dataclass(frozen=True)
class SiteReasons:
    """Costs (1) of every station and every closed site, in the unit of the objective, >= 0.

    Attributes
    ----------
    open_site_idx : int array, shape (num_open,)
        Open sites of the plan that the costs are against, ascending: ``improved`` if there is one.
    replacement_cost, replacement_low : float arrays, shape (num_open,)
        Ends of r_j: the loss of the best plan known without j, and at least so much is lost with
        the other cities kept. NaN for forced sites; inf where no plan without j is known.
    next_best_idx : int array, shape (num_open,)
        Site that enters in j's place in that plan; -1 for none: the slot stays empty.
    moved : float array, shape (num_open,)
        Of what only j serves, the amount that other stations or the next best take over, in the
        objective's own quantity.
    closed_site_idx : int array, shape (num_closed,)
        All other sites, ascending.
    force_in_cost, force_in_low : float arrays, shape (num_closed,)
        Ends of f_k. NaN for forbidden sites; inf where no plan with k is known.
    leaving_idx : int array, shape (num_closed,)
        Open site that leaves for k in that plan; -1 for none.
    applied : int
        Improving exchanges that were found on the way and applied.
    improved : Stations, optional
        The plan after them; none where there were none.
    """

    open_site_idx: IntArray
    replacement_cost: FloatArray
    replacement_low: FloatArray
    next_best_idx: IntArray
    moved: FloatArray
    closed_site_idx: IntArray
    force_in_cost: FloatArray
    force_in_low: FloatArray
    leaving_idx: IntArray
    applied: int = 0
    improved: Stations | None = None

    def __post_init__(self) -> None:
        for names, site_idx in (
            (("replacement_cost", "replacement_low", "next_best_idx", "moved"), self.open_site_idx),
            (("force_in_cost", "force_in_low", "leaving_idx"), self.closed_site_idx),
        ):
            for name in names:
                if getattr(self, name).shape != site_idx.shape:
                    raise ValueError(f"{name} must have one entry per site, {site_idx.shape}")
        freeze(self)


@dataclass(frozen=True)
class Interval:
    """What a changed lock costs a plan, solved anew: it lies within, and a plan proves the end.

    Attributes
    ----------
    low, high : float
        Ends of the cost in the unit of the objective, 0 <= low <= high.
    found : Stations
        Best plan known under the changed locks; its loss against the plan is ``high``.
    better_by : float
        How much better than the plan that one is: > 0 where the plan itself can be improved on the
        way, and the cost is then 0.
    wall_s : float
    """

    low: float
    high: float
    found: Stations
    better_by: float = 0.0
    wall_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.low <= self.high:
            raise ValueError(f"ends must be 0 <= low <= high, not {self.low} and {self.high}")

    @property
    def is_exact(self) -> bool:
        """Whether the ends agree up to rounding."""
        return self.high - self.low <= 1e-6 * max(abs(self.high), 1e-6)
