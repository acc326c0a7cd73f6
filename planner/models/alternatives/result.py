"""What a search for other plans is asked and answers, whatever the siting question."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, freeze
from planner.solving.progress import StopRequest


@dataclass(frozen=True)
class Plan:
    """Stations and what they are worth.

    Attributes
    ----------
    open_site_idx : int array, shape (num_open,)
        Ascending.
    type_idx : int array, shape (num_open,), optional
        Types of the model; none where the question has no sizes.
    gain : float
        Exact objective; its negative where least is best, so that more is always better.
    """

    open_site_idx: IntArray
    type_idx: IntArray | None
    gain: float

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True)
class Places:
    """Where sites lie, as places in which one station is like another.

    Attributes
    ----------
    of_site : int array, shape (num_sites,)
        Place of each site, in [0, num_places).
    name : int array, shape (num_places,)
        What the places are called outside, ascending: H3 cells or alike.
    """

    of_site: IntArray
    name: IntArray

    @classmethod
    def of(cls, place_of_site: IntArray) -> "Places":
        """Number the places that are named."""
        name, of_site = np.unique(place_of_site, return_inverse=True)
        return cls(of_site.reshape(-1).astype(np.int64), name)

    @property
    def num_places(self) -> int:
        """Number of places with a site."""
        return len(self.name)

    def used_by(self, open_site_idx: IntArray) -> BoolArray:
        """Places with a station, shape (num_places,)."""
        used = np.zeros(self.num_places, dtype=np.bool_)
        used[self.of_site[open_site_idx]] = True
        return used

    def count(self, open_site_idx: IntArray) -> IntArray:
        """Stations at each place, shape (num_places,)."""
        return np.bincount(self.of_site[open_site_idx], minlength=self.num_places)


@dataclass(frozen=True)
class Asked:
    """A siting question with rewards for places.

    Attributes
    ----------
    reward : float array, shape (num_places,)
        b_g >= 0, earned once if a station stands at the place [units of the objective].
    start : Plan
        Where the search begins.
    seconds : float
        About so long.
    seed : int
    prove : bool
        Whether the bound is wanted; without it the time is the search's.
    """

    reward: FloatArray
    start: Plan
    seconds: float
    seed: int
    prove: bool


@dataclass(frozen=True)
class Answer:
    """Plans for a question with rewards.

    Attributes
    ----------
    plan : Plan, optional
        The best found that keeps all limits; its gain is without rewards. None if none was found.
    bound : float
        No plan's gain and rewards together exceed it; inf where none is known.
    others : tuple of Plan, optional
        Further plans found that keep all limits, worth less with these rewards.
    """

    plan: Plan | None
    bound: float
    others: tuple[Plan, ...] = ()


@dataclass(frozen=True)
class CityAlternatives:
    """What is known of one city, all others kept.

    Attributes
    ----------
    city : int
    stations : int
        In the plan.
    step : int array, shape (num_steps,)
        Stations more (or less) than in the plan.
    cost_found, cost_low : float arrays, shape (num_steps,)
        What so many stations cost in a plan that is known, and in every plan at least, at the
        plan's prices of stations and money; negative where the step pays.
    site_idx : int array, shape (num_sites_of_city,)
    must, never : bool arrays, shape (num_within, num_sites_of_city)
        Sites in every plan of the city within the loss, and in none.
    """

    city: int
    stations: int
    step: IntArray
    cost_found: FloatArray
    cost_low: FloatArray
    site_idx: IntArray
    must: BoolArray
    never: BoolArray


Cities = Iterator[CityAlternatives]
Rewarded = Callable[[Asked], Answer]
"""How a siting question is answered with rewards for places."""


@dataclass(frozen=True)
class Posed:
    """A siting question as alternatives to its answer are sought.

    Attributes
    ----------
    reference : Plan
        The answer; its gain is the objective, or its negative.
    rewarded : callable
        The same question with rewards for places.
    cities : callable, optional
        ``(steps, within, stop)``: city by city, what stations more and fewer cost and which sites
        are proven; none where the question has no such bounds by city.
    """

    reference: Plan
    rewarded: Rewarded
    cities: Callable[[Sequence[int], Sequence[float], StopRequest | None], Cities] | None = None
