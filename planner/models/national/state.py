"""What a national search by prices knows: limits, prices, plans, the best so far.

The state of :mod:`planner.models.national.solve`, which has the algebra and the equations named
here.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.national.claims import Claimant, ClaimPlan
from planner.models.national.master import CityPlan
from planner.models.national.parts import Parts
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, gap_frac

NEGLIGIBLE_SHARE = 0.1
"""Cities whose part of the gap is below this share of an equal part of what is asked for rest."""

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
    claimed : tuple of int arrays
        Open sites of each claimant.
    price : float array, shape (num_resources,)
    multiplier : float array, shape (num_border,)
        Of border zones.
    share : float array, shape (num_zones,)
        Multipliers of all zones as shares of their value.
    """

    site_idx: IntArray
    type_idx: IntArray
    claimed: tuple[IntArray, ...]
    price: FloatArray
    multiplier: FloatArray
    share: FloatArray


@dataclass(frozen=True)
class Resources:
    """What is limited: names, use (num_resources, num_sites, num_types) and limits."""

    names: tuple[str, ...]
    use: FloatArray
    limit: FloatArray


@dataclass(frozen=True)
class Prices:
    """Prices, multipliers, and the bounds U_c of each part (4), then U_k, at them."""

    price: FloatArray
    multiplier: FloatArray
    city_bound: FloatArray


@dataclass
class NationalSearch:
    """What is known so far, and when to give up; the only state that changes during a solve."""

    problem: SizedCoverageProblem
    resources: Resources
    parts: Parts
    claimants: tuple[Claimant, ...]
    options: SolveOptions
    on_progress: ProgressCallback | None
    stop: StopRequest | None
    started: float
    border_value: FloatArray
    share: FloatArray
    now: Prices
    best: Prices
    objective: float = -math.inf
    sites: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    types: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    whole_bound: float = math.inf
    plans: list[CityPlan] = field(default_factory=list)
    known: dict[tuple[int, bytes, bytes], CityPlan] = field(default_factory=dict)
    chosen: list[CityPlan] = field(default_factory=list)
    claimed: tuple[CityPlan, ...] = ()
    history: list[Progress] = field(default_factory=list)

    @property
    def bound(self) -> float:
        """Best bound so far."""
        return max(min(self.whole_bound, self.lagrangian(self.best)), self.objective)

    @property
    def gap_frac(self) -> float:
        """Gap between plan and bound."""
        return gap_frac(self.objective, self.bound)

    @property
    def remaining_s(self) -> float:
        """Seconds left; unlimited in deterministic mode."""
        if self.options.deterministic:
            return math.inf
        return self.options.time_limit_s - (time.monotonic() - self.started)

    @property
    def negligible(self) -> float:
        """Gap of a city that needs no work."""
        asked = self.options.gap_frac * self.bound
        equal_part = asked / max(len(self.parts.cities), 1)
        return max(NEGLIGIBLE_SHARE * equal_part, 1e-10 * abs(self.bound))

    def may_go_on(self) -> bool:
        """Whether neither the clock nor the caller has called an end."""
        return self.remaining_s > 0.0 and not (self.stop is not None and self.stop.is_set())

    def unfinished(self) -> bool:
        """Whether the gap asks for more and the limits allow it."""
        return self.gap_frac > max(self.options.gap_frac, OPTIMAL_GAP_FRAC) and self.may_go_on()

    def lagrangian(self, prices: Prices) -> float:
        """L of equation (3), correctly rounded."""
        rent = prices.price * self.resources.limit
        left = self.border_value - prices.multiplier
        return math.fsum((*rent.tolist(), math.fsum(left), math.fsum(prices.city_bound)))

    def best_plans(self, prices: Prices) -> tuple[list[CityPlan], FloatArray]:
        """Plan of each part that is worth most at prices, and what it is worth."""
        best = self.chosen.copy()
        worth = np.full(len(best), -math.inf)
        for plan in self.plans:
            value = plan.worth(prices.price, prices.multiplier)
            if value > worth[plan.part]:
                best[plan.part], worth[plan.part] = plan, value
        return best, worth

    def city_gap(self, prices: Prices) -> FloatArray:
        """Part of L that each part's plans do not reach, >= 0."""
        return np.maximum(prices.city_bound - self.best_plans(prices)[1], 0.0)

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
        _, served = served_flow(self.problem, sites, types)
        value = math.fsum((served, *(plan.inner_value for plan in claimed)))
        if value > self.objective:
            self.objective, self.sites, self.types = value, sites, types
            self.claimed = tuple(claimed)
            return True
        return False

    def price_by_name(self, prices: Prices) -> dict[str, float]:
        """Prices as claimants ask for them."""
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

    def report(self, stage: str, message: str) -> None:
        """Note the state in the history and tell the caller."""
        elapsed_s = time.monotonic() - self.started
        progress = Progress(stage, self.objective, self.bound, elapsed_s, message)
        self.history.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)


def offer_chosen(search: NationalSearch, plans: list[CityPlan]) -> bool:
    """Offer one plan per part."""
    num_cities = len(search.parts.cities)
    of_cities = plans[:num_cities]
    sites = np.concatenate([np.empty(0, np.int64), *(plan.site_idx for plan in of_cities)])
    types = np.concatenate([np.empty(0, np.int64), *(plan.type_idx for plan in of_cities)])
    return search.offer(sites, types, plans[num_cities:])


def ask_claimants(search: NationalSearch) -> list[CityPlan]:
    """Ask every claimant at the prices of now; returns the best plan of each."""
    prices, best = search.price_by_name(search.now), []
    bound = search.now.city_bound.copy()
    for number, claimant in enumerate(search.claimants):
        plans = [search.claim_column(number, plan) for plan in claimant.answer(prices)]
        for plan in plans:
            search.add(plan)
        at = len(search.parts.cities) + number
        bound[at] = min(bound[at], claimant.bound(prices))
        best.append(
            max(plans, key=lambda plan: plan.inner_value - float(search.now.price @ plan.use))
        )
        search.report("prices", f"{claimant.name}: {len(best[-1].site_idx)} stations asked for")
    search.now = replace(search.now, city_bound=bound)
    return best


def at_prices(search: NationalSearch, price: FloatArray, multiplier: FloatArray) -> Prices:
    """Bounds of the cities from the first multipliers: U_c of equation (A), ``national_city``."""
    multiplier = np.maximum(multiplier, LEAST_MULTIPLIER_FRAC * search.border_value)
    claimed = [
        claimant.bound(dict(zip(search.resources.names, price.tolist(), strict=True)))
        for claimant in search.claimants
    ]
    bound = np.concatenate((np.empty(len(search.parts.cities)), claimed))
    for k, part in enumerate(search.parts.cities):
        coverage = part.problem.coverage
        weight = coverage.value * search.share[part.zone_idx]
        inner = np.ones(coverage.num_zones, dtype=np.bool_)
        inner[part.border] = False
        weight[part.border] = multiplier[part.border_idx]
        left = math.fsum((coverage.value - weight)[inner])
        site = np.repeat(np.arange(coverage.num_sites), np.diff(coverage.reach_ptr))
        worth = np.bincount(site, weight[coverage.reach_zone_idx], minlength=coverage.num_sites)
        fits = part.problem.capacity > 0
        cost = np.where(fits, np.tensordot(price, part.use, axes=1), np.inf).min(axis=1)
        profit = np.where(coverage.forced, worth - cost, np.maximum(worth - cost, 0.0))
        bound[k] = left + math.fsum(profit)
    return Prices(price, multiplier, bound)
