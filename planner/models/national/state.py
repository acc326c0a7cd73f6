"""The state of the national search: resources, prices, columns, incumbent and bounds.

Takes plans and bounds of the parts, gives the Lagrangian bound; which parts are solved, and at
which prices, is up to `planner.models.national.rounds`. The algebra, and the equations named here,
are in :mod:`planner.models.national.solve`. `PricedSearch` is what every search by prices shares;
`NationalSearch` knows stations that are placed once, `planner.models.phasing.rounds` those that
open over time.
"""

import hashlib
import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.national.city import CityTask
from planner.models.national.claims import Claimant, ClaimPlan
from planner.models.national.master import CityPlan
from planner.models.national.parts import Parts
from planner.models.national.tuning import Tuning
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.search import SearchState
from planner.solving.status import OPTIMAL_GAP_FRAC

LEAST_MULTIPLIER_FRAC = 1e-6
"""Multipliers of border zones are kept above this fraction of the value, so that presolve keeps
the zones and the master learns who serves them."""


@dataclass(frozen=True)
class NationalStart:
    """Where an earlier search ended, for one of the same zones, sites and limits.

    Attributes
    ----------
    site_idx, type_idx : int arrays, shape (num_open,)
        Its stations.
    best_site_idx, best_type_idx : int arrays
        Stations of the cities' plans that are worth most at the prices.
    claimed : tuple of int arrays
        Open sites of each claimant.
    price : float array, shape (num_resources,)
    multiplier : float array, shape (num_border,)
        Of border zones.
    share : float array, shape (num_zones,)
        Multipliers of all zones as shares of their value.
    cover_bound : float array, shape (num_cities,)
        Bounds of the cities at these prices if capacity did not bind.
    covering : bytes
        What these depend on: `covering_digest`.
    of : str
        What messages call the search.
    most_gap_frac : float
        Where its plan and prices leave more of a gap, own first prices are sought.
    """

    site_idx: IntArray
    type_idx: IntArray
    best_site_idx: IntArray
    best_type_idx: IntArray
    claimed: tuple[IntArray, ...]
    price: FloatArray
    multiplier: FloatArray
    share: FloatArray
    cover_bound: FloatArray
    covering: bytes
    of: str = "the round before"
    most_gap_frac: float = math.inf


@dataclass(frozen=True)
class Resources:
    """What the nation limits.

    Attributes
    ----------
    names : tuple of str
        "stations" first.
    use : float array, shape (num_resources, num_sites, num_types)
        u_rjt: what a station of the type at the site takes.
    limit : float array, shape (num_resources,)
        B_r, finite.
    """

    names: tuple[str, ...]
    use: FloatArray
    limit: FloatArray


@dataclass(frozen=True)
class Prices:
    """A point of the Lagrangian dual, and the bounds of all parts there.

    Attributes
    ----------
    price : float array, shape (num_resources,)
        pi_r >= 0 [value per unit].
    multiplier : float array, shape (num_border,)
        mu_i of the border zones, in [0, w_i].
    part_bound : float array, shape (num_cities + num_claimants,)
        U_c of equation (4), then U_k; inf where none is known.
    cover_bound : float array, shape (num_cities,)
        Bounds of the cities that hold for other loads and capacities too.
    """

    price: FloatArray
    multiplier: FloatArray
    part_bound: FloatArray
    cover_bound: FloatArray


class PricedPart(Protocol):
    """One city, as far as prices and the master look at it."""

    @property
    def city(self) -> int:
        """Position of the city in the national problem."""

    @property
    def site_idx(self) -> IntArray:
        """National position of each of its sites, ascending."""

    @property
    def border_idx(self) -> IntArray:
        """Positions of its border zones among those of the nation."""


@dataclass(frozen=True)
class Effort:
    """How hard one pricing problem is worked on.

    Attributes
    ----------
    seed : int
    allowed_gap : float
        The bound need not be closer to the plan than this [value].
    seconds : float
        Limit of the exact search; 0 for none at all, inf in deterministic mode.
    node_limit : int or None
        Limit on branch-and-bound nodes, in deterministic mode.
    moves_per_site : int
        Moves that annealing offers.
    around : tuple of int
        Plans with so many stations more or less than the best are found too.
    around_frac : tuple of float
        And plans with these multiples of its number.
    """

    seed: int
    allowed_gap: float
    seconds: float
    node_limit: int | None
    moves_per_site: int
    around: tuple[int, ...]
    around_frac: tuple[float, ...]


Task = TypeVar("Task")


@dataclass(kw_only=True)
class PricedSearch(SearchState, Generic[Task]):
    """Prices, plans of the parts (cities, then claimants), incumbent and bounds so far.

    Attributes
    ----------
    limit : float array, shape (num_resources,)
        B_r, finite.
    tuning : Tuning
    border_value : float array, shape (num_border,)
        w_i of the border zones.
    current, best : Prices
        Where the parts are solved now, and where the bound is least.
    objective, sites, types, claimed
        The incumbent: value, stations and their types, plans of claimants.
    whole_bound : float
        Bound that does not come from the prices: of a relaxation, or of the problem as a whole.
    plans : list of CityPlan
        Columns of the master, no two alike; ``known`` finds them.
    chosen : list of CityPlan
        One plan per part: what the master chose.
    settled : bool
        Whether prices and plans of all parts are those of an earlier search.
    """

    tuning: Tuning
    border_value: FloatArray
    current: Prices
    best: Prices
    objective: float = -math.inf
    sites: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    types: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    whole_bound: float = math.inf
    plans: list[CityPlan] = field(default_factory=list)
    known: dict[tuple[int, bytes, bytes], CityPlan] = field(default_factory=dict)
    chosen: list[CityPlan] = field(default_factory=list)
    claimed: tuple[CityPlan, ...] = ()
    settled: bool = False

    @property
    @abstractmethod
    def limit(self) -> FloatArray:
        """B_r, finite, shape (num_resources,)."""

    @property
    @abstractmethod
    def cities(self) -> Sequence[PricedPart]:
        """The cities; claimants come after them among the parts."""

    @property
    @abstractmethod
    def names(self) -> Sequence[str]:
        """What messages call the resources."""

    @abstractmethod
    def part_name(self, part: int) -> str:
        """What messages call a part."""

    @property
    @abstractmethod
    def settles_prices(self) -> bool:
        """Whether the first prices are poor: rounds of plans without proof mend them first."""

    @abstractmethod
    def value_of(self, sites: IntArray, types: IntArray) -> float:
        """What stations serve jointly on the whole nation."""

    @abstractmethod
    def quick_bound(self, city: int, price: FloatArray, multiplier: FloatArray) -> float:
        """Bound U_c of a city before its pricing problem is solved, from the first multipliers."""

    @abstractmethod
    def task(self, start: CityPlan, prices: Prices, effort: Effort) -> Task:
        """The pricing problem of the city that the plan is of."""

    def price_claimants(self) -> None:
        """Solve the pricing problems of those who take of the limits beside the cities."""

    def claim_bounds(self, price: FloatArray) -> list[float]:
        """Bounds of those who take of the limits beside the cities."""
        return []

    @property
    def best_objective(self) -> float:
        """Value of the incumbent."""
        return self.objective

    @property
    def best_bound(self) -> float:
        """Best bound so far, at least the incumbent."""
        return max(min(self.whole_bound, self.lagrangian_bound(self.best)), self.objective)

    @property
    def negligible_gap(self) -> float:
        """Gap of a city that needs no work [value]."""
        target = self.options.gap_frac * self.best_bound
        equal_part = target / max(len(self.cities), 1)
        return max(self.tuning.negligible_share * equal_part, 1e-10 * abs(self.best_bound))

    def unfinished(self) -> bool:
        """Whether the gap is above its target and the limits allow more work."""
        return self.gap_frac > max(self.options.gap_frac, OPTIMAL_GAP_FRAC) and self.may_go_on()

    def lagrangian_bound(self, prices: Prices) -> float:
        """The Lagrangian bound L of equation (3) at some prices.

        Parameters
        ----------
        prices : Prices
            Its bounds are U_c and U_k.

        Returns
        -------
        float
            No plan is worth more; the sum is correctly rounded.
        """
        rent = prices.price * self.limit
        left = self.border_value - prices.multiplier
        return math.fsum((*rent.tolist(), math.fsum(left), math.fsum(prices.part_bound)))

    def best_plans(self, prices: Prices) -> tuple[list[CityPlan], FloatArray]:
        """Plan of each part that is worth most at prices, and what it is worth."""
        best = self.chosen.copy()
        worth = np.full(len(best), -math.inf)
        for plan in self.plans:
            value = plan.worth(prices.price, prices.multiplier)
            if value > worth[plan.part]:
                best[plan.part], worth[plan.part] = plan, value
        return best, worth

    def part_gap(self, prices: Prices) -> FloatArray:
        """What the best known plan of each part falls short of its bound at prices, >= 0."""
        return np.maximum(prices.part_bound - self.best_plans(prices)[1], 0.0)

    def add(self, plan: CityPlan) -> CityPlan:
        """Keep a plan that is new; returns it, or the one known that is the same."""
        key = (plan.part, plan.site_idx.tobytes(), plan.type_idx.tobytes())
        if key not in self.known:
            self.known[key] = plan
            self.plans.append(plan)
        return self.known[key]

    def offer(self, sites: IntArray, types: IntArray, claimed: Sequence[CityPlan]) -> bool:
        """Keep stations that serve more than the incumbent; their limits are known to hold."""
        order = np.argsort(sites, kind="stable")
        sites, types = sites[order].astype(np.int64), types[order].astype(np.int64)
        served = self.value_of(sites, types)
        value = math.fsum((served, *(plan.inner_value for plan in claimed)))
        if value > self.objective:
            self.objective, self.sites, self.types = value, sites, types
            self.claimed = tuple(claimed)
            return True
        return False


def offer_chosen(search: PricedSearch[Task], plans: list[CityPlan]) -> bool:
    """Offer one plan per part."""
    num_cities = len(search.cities)
    of_cities = plans[:num_cities]
    sites = np.concatenate([np.empty(0, np.int64), *(plan.site_idx for plan in of_cities)])
    types = np.concatenate([search.types[:0], *(plan.type_idx for plan in of_cities)])
    return search.offer(sites, types, plans[num_cities:])


def covering_digest(problem: SizedCoverageProblem, resources: Resources) -> bytes:
    """What bounds of covering at given prices depend on: all but loads and capacities."""
    coverage, rules = problem.coverage, problem.rules
    limits = rules.cities_or_one()
    digest = hashlib.blake2b(repr((resources.names, rules.most)).encode())
    for array in (
        coverage.value, coverage.reach.ptr, coverage.reach.idx, rules.forced, rules.forbidden,
        problem.capacity > 0, resources.use, limits.city_idx, limits.min_stations,
        limits.max_stations,
    ):  # fmt: skip
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def at_prices(search: PricedSearch[Task], price: FloatArray, multiplier: FloatArray) -> Prices:
    """Prices with a quick bound of every part, before any pricing problem is solved.

    Parameters
    ----------
    search : PricedSearch
    price : float array, shape (num_resources,)
    multiplier : float array, shape (num_border,)
        Of border zones; raised to a least fraction of their value.
    """
    multiplier = np.maximum(multiplier, LEAST_MULTIPLIER_FRAC * search.border_value)
    of_cities = [search.quick_bound(k, price, multiplier) for k in range(len(search.cities))]
    bound = np.array([*of_cities, *search.claim_bounds(price)], dtype=np.float64)
    return Prices(price, multiplier, bound, bound[: len(of_cities)].copy())


@dataclass(kw_only=True)
class NationalSearch(PricedSearch[CityTask]):
    """The search for stations that are placed once.

    Attributes
    ----------
    problem, resources, parts, claimants
        The problem, its limits and its parts; not changed.
    share : float array, shape (num_zones,)
        First multipliers of all zones, as shares of their value.
    """

    problem: SizedCoverageProblem
    resources: Resources
    parts: Parts
    claimants: tuple[Claimant, ...]
    share: FloatArray

    @property
    def limit(self) -> FloatArray:
        """B_r of the resources."""
        return self.resources.limit

    @property
    def cities(self) -> Sequence[PricedPart]:
        """Cities with at least one usable site."""
        return self.parts.cities

    @property
    def names(self) -> Sequence[str]:
        """Names of the resources."""
        return self.resources.names

    def part_name(self, part: int) -> str:
        """The city's or the claimant's."""
        num_cities = len(self.parts.cities)
        if part < num_cities:
            return self.problem.rules.cities_or_one().name(self.parts.cities[part].city)
        return self.claimants[part - num_cities].name

    @property
    def settles_prices(self) -> bool:
        """If there are several: the relaxation prices the scarcest alone."""
        return len(self.resources.limit) > 1

    def value_of(self, sites: IntArray, types: IntArray) -> float:
        """Exact by ``served_flow``."""
        return served_flow(self.problem, sites, types)[1]

    def quick_bound(self, city: int, price: FloatArray, multiplier: FloatArray) -> float:
        """Equation (A) of `planner.models.national.city` at the first multipliers."""
        part = self.parts.cities[city]
        coverage = part.problem.coverage
        weight = coverage.value * self.share[part.zone_idx]
        inner = np.ones(coverage.num_zones, dtype=np.bool_)
        inner[part.border] = False
        weight[part.border] = multiplier[part.border_idx]
        left = math.fsum((coverage.value - weight)[inner])
        reach = coverage.reach
        worth = np.bincount(reach.owner, weight[reach.idx], minlength=coverage.num_sites)
        fits = part.problem.capacity > 0
        cost = np.where(fits, np.tensordot(price, part.use, axes=1), np.inf).min(axis=1)
        profit = np.where(coverage.rules.forced, worth - cost, np.maximum(worth - cost, 0.0))
        return left + math.fsum(profit)

    def task(self, start: CityPlan, prices: Prices, effort: Effort) -> CityTask:
        """For `planner.models.national.city.answer_city`."""
        part = self.parts.cities[start.part]
        return CityTask(
            part=part,
            position=start.part,
            price=prices.price,
            multiplier=prices.multiplier[part.border_idx],
            start=np.searchsorted(part.site_idx, start.site_idx),
            around=effort.around,
            around_frac=effort.around_frac,
            num_moves=effort.moves_per_site * len(part.site_idx),
            seconds=effort.seconds,
            node_limit=effort.node_limit,
            allowed_gap=effort.allowed_gap,
            seed=effort.seed,
            tuning=self.tuning,
            bound=float(prices.part_bound[start.part]),
        )

    def claim_bounds(self, price: FloatArray) -> list[float]:
        """U_k of the claimants."""
        by_name = dict(zip(self.resources.names, price.tolist(), strict=True))
        return [claimant.bound(by_name) for claimant in self.claimants]

    def price_claimants(self) -> None:
        """Solve the pricing problem of every claimant; adds their plans, tightens their bounds."""
        prices = self.price_by_name(self.current)
        bound = self.current.part_bound.copy()
        for number, claimant in enumerate(self.claimants):
            plans = [self.claim_column(number, plan) for plan in claimant.answer(prices)]
            for plan in plans:
                self.add(plan)
            at = len(self.parts.cities) + number
            bound[at] = min(bound[at], claimant.bound(prices))
            best = max(
                plans, key=lambda plan: plan.inner_value - float(self.current.price @ plan.use)
            )
            self.report("prices", f"{claimant.name}: {len(best.site_idx)} stations requested")
        self.current = replace(self.current, part_bound=bound)

    def price_by_name(self, prices: Prices) -> dict[str, float]:
        """Prices of the resources, as claimants take them."""
        return dict(zip(self.resources.names, prices.price.tolist(), strict=True))

    def claim_column(self, number: int, plan: ClaimPlan) -> CityPlan:
        """A claimant's plan as a column of the master."""
        use = [plan.use.get(name, 0.0) for name in self.resources.names]
        nothing = np.empty(0, np.int64)
        return CityPlan(
            part=len(self.parts.cities) + number,
            site_idx=plan.site_idx,
            type_idx=np.zeros(len(plan.site_idx), dtype=np.int64),
            use=np.array(use),
            inner_value=plan.value,
            border_idx=nothing,
            border_frac=np.empty(0),
        )
