"""Who else takes of the national limits, beside the cities.

A claimant answers prices as a city does: with plans and what they take, and with a bound on what
any of its plans is worth. Its plans are columns of the same master
(`planner.models.national.master`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from planner.arrays import IntArray


@dataclass(frozen=True)
class ClaimPlan:
    """One plan of a claimant.

    Attributes
    ----------
    site_idx : int array
        Its open sites, in the claimant's own numbering.
    value : float
        In units of the national objective.
    use : mapping of str to float
        What it takes of each resource by name; nothing of those not named.
    """

    site_idx: IntArray
    value: float
    use: Mapping[str, float]


class Claimant(Protocol):
    """Anything that answers prices of national resources.

    Attributes
    ----------
    name : str
        For messages.
    """

    name: str

    def least_plan(self) -> ClaimPlan:
        """The plan that takes least: what is forced."""

    def plan_of(self, site_idx: IntArray) -> ClaimPlan:
        """Some of its sites, open, as a plan."""

    def bound(self, price: Mapping[str, float]) -> float:
        """No plan is worth more, its resources paid at these prices; never without an answer."""

    def demand(self, price: Mapping[str, float]) -> Mapping[str, float]:
        """What it takes of each resource at these prices, about; quicker than an answer."""

    def answer(self, price: Mapping[str, float]) -> Sequence[ClaimPlan]:
        """Plans that are worth much at these prices; improves `bound` near them."""
