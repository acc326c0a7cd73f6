"""Tiny random questions of location, and their answers by looking at every plan there is."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.geodesy import great_circle_km
from planner.location import facility_location, maximal_covering, p_median, set_cover

KEPT = 1 + 1e-9
"""The tolerance of limits, as docs/siting.md states it."""


@dataclass(frozen=True)
class Rules:
    """Locks, numbers, money and cities of a random question."""

    cost: FloatArray
    forced: list[int]
    forbidden: list[int]
    least: int
    most: int
    budget: float | None
    cities: list[str] | None
    per_city: tuple[int, int]

    @property
    def locks(self) -> dict[str, list[int]]:
        """Arguments of all functions."""
        return {"existing": self.forced, "forbidden": self.forbidden}

    @property
    def by_city(self) -> dict[str, Any]:
        """Arguments of all functions."""
        if self.cities is None:
            return {}
        least, most = self.per_city
        return {"cities": self.cities, "min_per_city": least, "max_per_city": most}

    def affords(self, costs: list[float]) -> bool:
        """Whether the budget pays."""
        return self.budget is None or math.fsum(costs) <= self.budget * KEPT

    def plans(self, least: int | None = None) -> Iterator[list[int]]:
        """Every set of open sites that keeps locks and numbers."""
        free = sorted(set(range(len(self.cost))) - {*self.forced, *self.forbidden})
        for number in range(len(free) + 1):
            for more in itertools.combinations(free, number):
                plan = sorted([*self.forced, *more])
                enough = len(plan) >= (self.least if least is None else least)
                if enough and len(plan) <= self.most and self._keeps_cities(plan):
                    yield plan

    def _keeps_cities(self, plan: list[int]) -> bool:
        if self.cities is None:
            return True
        least, most = self.per_city
        built = dict.fromkeys(self.cities, 0)
        for site in plan:
            built[self.cities[site]] += 1
        return all(least <= number <= most for number in built.values())


def random_rules(rng: np.random.Generator) -> Rules:
    """Zero costs and costs of any size; a budget often met to the digit, or of nothing."""
    num_sites = int(rng.integers(1, 6))
    tenths = rng.choice([0, 1, 1, 2, 3, 10, 20, 50], num_sites)
    unit = float(rng.choice([0.1, 0.1, 1.0, 1e-13, 1e9]))
    drawn = rng.random()
    budget = None
    if drawn < 0.35:  # what some sites cost, added up without the rounding of their sum
        budget = int(tenths[rng.random(num_sites) < 0.5].sum()) * unit
    elif drawn < 0.45:
        budget = 0.0
    forced = rng.random(num_sites) < 0.15
    forbidden = (rng.random(num_sites) < 0.2) & ~forced
    return Rules(
        cost=tenths * unit,
        forced=np.flatnonzero(forced).tolist(),
        forbidden=np.flatnonzero(forbidden).tolist(),
        least=int(rng.choice([0, 0, 0, 1, 2, num_sites])),
        most=int(rng.choice([0, 1, 2, num_sites, num_sites + 3])),
        budget=budget,
        cities=rng.choice(["north", "south"], num_sites).tolist() if rng.random() < 0.25 else None,
        per_city=(int(rng.integers(0, 2)), int(rng.integers(1, 3))),
    )


def random_weights(rng: np.random.Generator, num_zones: int) -> FloatArray:
    """Often nothing."""
    nothing = rng.random() < 0.2
    return np.zeros(num_zones) if nothing else rng.choice([0.0, 0.0, 1.0, 2.0, 1e-3], num_zones)


Question = tuple[Any, float]
"""A call, and the best objective of all plans; infinite where there is none."""


def p_median_question(rng: np.random.Generator) -> Question:
    """Between points, often the same ones, or by pairs, some of which are missing."""
    rules, num_zones = random_rules(rng), int(rng.integers(1, 5))
    weight, num_sites = random_weights(rng, num_zones), len(rules.cost)
    zones, sites = pd.DataFrame(index=range(num_zones)), pd.DataFrame(index=range(num_sites))
    how: dict[str, Any]
    if rng.random() < 0.5:
        how, beyond = {}, math.inf
        for table in (zones, sites):
            table["lon"] = rng.choice([116.0, 116.01, 116.02], len(table))
            table["lat"] = rng.choice([40.0, 40.01], len(table))
        distance = great_circle_km(
            zones["lon"].to_numpy()[:, None], zones["lat"].to_numpy()[:, None],
            sites["lon"].to_numpy(), sites["lat"].to_numpy(),
        )  # fmt: skip
    else:
        distance = rng.choice([0.0, 0.1, 0.2, 0.3, 1.0, np.nan, np.nan], (num_zones, num_sites))
        beyond = float(rng.choice([1.0, 5.0, 100.0]))
        how = {"distances": distance, "unserved": beyond}

    def cost(plan: list[int]) -> float:
        way = np.nanmin(np.column_stack((distance[:, plan], np.full(num_zones, beyond))), axis=1)
        return math.fsum(weight[weight > 0] * way[weight > 0])

    plans = (plan for plan in rules.plans() if rules.affords(rules.cost[plan].tolist()))
    return lambda: p_median(
        zones, sites, weight=weight, num_stations=rules.most, min_stations=rules.least,
        site_cost=rules.cost, budget=rules.budget, gap_frac=0.0, **how, **rules.locks,
        **rules.by_city,
    ), min(map(cost, plans), default=math.inf)  # fmt: skip


def set_cover_question(rng: np.random.Generator) -> Question:
    """All zones or a share; zones out of reach, zones that take none or two stations."""
    rules, num_zones = random_rules(rng), int(rng.integers(1, 5))
    value, num_sites = random_weights(rng, num_zones), len(rules.cost)
    reach = rng.random((num_zones, num_sites)) < 0.45
    share, need = float(rng.choice([1.0, 1.0, 0.5, 0.8, 0.0])), rng.choice([1, 1, 2, 0], num_zones)

    def covers(plan: list[int]) -> bool:
        covered = reach[:, plan].sum(axis=1) >= need
        if share == 1.0:
            return bool(covered.all())
        return bool(value[covered].sum() >= share * value.sum() * (1 - 1e-8))

    plans = [plan for plan in rules.plans() if covers(plan)]
    costs = [math.fsum(rules.cost[plan]) for plan in plans if rules.affords(list(rules.cost[plan]))]
    return lambda: set_cover(
        pd.DataFrame(index=range(num_zones)), pd.DataFrame(index=range(num_sites)),
        reach=reach.astype(int), min_share=share, value=value, need=need, site_cost=rules.cost,
        min_stations=rules.least, max_stations=rules.most, budget=rules.budget, gap_frac=0.0,
        **rules.locks, **rules.by_city,
    ), min(costs, default=math.inf)  # fmt: skip


def covering_question(rng: np.random.Generator) -> Question:
    """Worth as a cost below zero."""
    rules, num_zones = random_rules(rng), int(rng.integers(1, 5))
    value, num_sites = random_weights(rng, num_zones), len(rules.cost)
    reach = rng.random((num_zones, num_sites)) < 0.45
    worth = (float(value[reach[:, plan].any(axis=1)].sum()) for plan in rules.plans(least=0))
    return lambda: maximal_covering(
        pd.DataFrame(index=range(num_zones)), pd.DataFrame(index=range(num_sites)),
        reach=reach.astype(int), num_stations=rules.most, value=value, gap_frac=0.0,
        **rules.locks, **rules.by_city,
    ), -max(worth, default=-math.inf)  # fmt: skip


def facility_question(rng: np.random.Generator) -> Question:
    """Whole demand in whole rooms, in any unit, so that flows are counted out."""
    rules, num_zones = random_rules(rng), int(rng.integers(1, 4))
    num_sites, num_types = len(rules.cost), int(rng.integers(1, 3))
    unit = float(rng.choice([1.0, 1.0, 1e-6, 1e6]))
    demand = rng.choice([0, 0, 1, 1, 2], num_zones)
    capacity = rng.choice([0, 1, 2, 3], (num_sites, num_types))
    fixed = np.column_stack([rules.cost * (1 + kind) for kind in range(num_types)])
    unit_cost = rng.choice([0.0, 0.1, 0.3, 1.0, 2.0, np.nan], (num_zones, num_sites))
    beyond = float(rng.choice([0.0, 0.5, 3.0, 1e9, 1e20, math.inf, math.inf]))
    single = bool(rng.random() < 0.3)
    units = [zone for zone in range(num_zones) for _ in range(demand[zone])]

    def served(plan: list[int], kinds: tuple[int, ...]) -> float:
        """Least cost of serving, unit by unit: whole rooms make whole flows cheapest."""
        best = math.inf
        for choice in itertools.product([-1, *range(len(plan))], repeat=len(units)):
            if single and len(set(zip(units, choice, strict=True))) > len(set(units)):
                continue
            load = np.bincount([at for at in choice if at >= 0], minlength=len(plan))
            if (load > capacity[plan, list(kinds)]).any():
                continue
            cost = math.fsum(
                beyond if at < 0 else float(unit_cost[zone, plan[at]])
                for zone, at in zip(units, choice, strict=True)
            )
            best = min(best, math.inf if math.isnan(cost) else cost * unit)
        return best

    best = math.inf
    for plan in rules.plans():
        for kinds in itertools.product(range(num_types), repeat=len(plan)):
            paid = [float(fixed[site, kind]) for site, kind in zip(plan, kinds, strict=True)]
            if rules.affords(paid) and math.fsum(paid) < best:
                best = min(best, math.fsum(paid) + served(plan, kinds))
    return lambda: facility_location(
        pd.DataFrame(index=range(num_zones)), pd.DataFrame(index=range(num_sites)),
        unit_costs=unit_cost, capacity=list((capacity * unit).T), fixed_cost=list(fixed.T),
        demand=demand * unit, min_stations=rules.least, max_stations=rules.most,
        budget=rules.budget, gap_frac=0.0, single=single,
        unserved_cost=None if math.isinf(beyond) else beyond, **rules.locks, **rules.by_city,
    ), best  # fmt: skip
