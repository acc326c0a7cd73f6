"""Least money among plans that are as good as a known one: what the model is given."""

from dataclasses import dataclass

from planner.arrays import FloatArray, IntArray, freeze
from planner.models.sized_coverage.problem import SizedCoverageProblem

EQUAL_FRAC = 1e-9
"""Plans are equal that serve, cover, cost by site or take ways alike up to this share."""


@dataclass(frozen=True)
class Kept:
    """What an equal plan keeps beside what it serves; each part None where it says nothing.

    Attributes
    ----------
    site_cost : float array, shape (num_sites,), optional
        Cost of an open site, whatever its size, >= 0.
    most_site_cost : float
        Their sum over the open sites is at most this.
    need : int array, shape (num_zones,), optional
        Open sites within reach of each zone.
    least_covered : float
        Value of the zones that have what they need is at least this; inf for all zones.
    minutes : float array, shape (num_pairs,), optional
        From the zone of each pair of the reach to its site.
    unserved_minutes : float
        What counts where no open site is within reach.
    most_minutes : float
        The sum of value times minutes to the nearest open site is at most this.
    """

    site_cost: FloatArray | None = None
    most_site_cost: float = 0.0
    need: IntArray | None = None
    least_covered: float = 0.0
    minutes: FloatArray | None = None
    unserved_minutes: float = 0.0
    most_minutes: float = 0.0

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True)
class LeastMoneyProblem:
    """Least cost of stations that serve no less than a known plan, and keep what else it has.

    Attributes
    ----------
    stations : SizedCoverageProblem
        Sites, types, loads and all rules, the budget among them.
    least_served : float
        Value that the stations serve at least.
    kept : Kept
    fewest_stations : int
        Any such plan is known to have at least so many.
    least_cost : float
        And to cost at least this.
    """

    stations: SizedCoverageProblem
    least_served: float
    kept: Kept = Kept()
    fewest_stations: int = 0
    least_cost: float = 0.0
