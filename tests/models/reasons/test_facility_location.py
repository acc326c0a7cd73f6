import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from planner.arrays import Lists
from planner.errors import InfeasibleError
from planner.models.facility_location.dual import pairs_by_site
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.reasons.facility_location import Money, facility_reasons, facility_without
from planner.models.reasons.parts import linked_parts
from planner.models.reasons.result import SiteReasons, Stations
from planner.solving.options import SolveOptions
from planner.solving.rules import CityLimits, SiteRules
from tests.models.reasons.intervals import assert_costs_within

OPTIONS = SolveOptions(gap_frac=0.0, deterministic=True)
CLOSE = 1e-5

Plans = dict[frozenset[tuple[int, int]], float]


def random_facilities(seed: int, num_sites: int = 6, num_zones: int = 10):
    """Sites and zones on a line, in one part or in several; all kinds of limits in turn."""
    rng = np.random.default_rng(seed)
    city = np.sort(rng.integers(0, 2, num_sites))
    apart = 100.0 * (seed % 2)
    sites = rng.random(num_sites) + apart * city
    zones = rng.random(num_zones) + apart * rng.integers(0, 2, num_zones)
    distance = np.abs(zones[:, None] - sites)
    near = distance < 0.6
    kind = rng.random(num_sites)
    cost = np.sort(np.round(rng.uniform(0.5, 2.0, (num_sites, 2)), 2), axis=1)
    forced = kind < 0.1
    cities = None
    if seed % 3 == 1:
        least = np.array([int((city == 0).any()), 0])
        in_city = np.maximum(np.bincount(city[forced], minlength=2), least)
        cities = CityLimits(city.astype(np.int32), least, in_city + 1)
    return FacilityLocationProblem(
        demand=np.round(rng.lognormal(size=num_zones), 2),
        sites=Lists.of([np.flatnonzero(row).tolist() for row in near]),
        unit_cost=np.round(distance[near], 3),
        capacity=np.sort(rng.uniform(2.0, 7.0, (num_sites, 2)), axis=1),
        rules=SiteRules(
            forced=forced,
            forbidden=kind > 0.92,
            cost=cost,
            budget=math.inf if seed % 4 else float(cost[forced].sum()) + 3.0,
            least=0,
            most=[6, 6, 3][seed % 3] if cities is None else 6,
            cities=cities,
        ),
        unserved_cost=1.5,
    )


def transport_cost(problem: FacilityLocationProblem, room: np.ndarray) -> float:
    """Cheapest way to serve the demand, or to leave it, from given capacities."""
    num_pairs, num_zones = problem.sites.num_entries, problem.num_zones
    serve = np.zeros((num_zones, num_pairs + num_zones))
    serve[problem.sites.owner, np.arange(num_pairs)] = 1.0
    serve[:, num_pairs:] = np.eye(num_zones)
    load = np.zeros((len(room), num_pairs + num_zones))
    load[problem.sites.idx, np.arange(num_pairs)] = 1.0
    costs = np.append(problem.unit_cost, np.full(num_zones, problem.unserved_cost))
    return float(linprog(costs, load, room, serve, problem.demand).fun)


def plans_of(problem: FacilityLocationProblem, money: Money | None = None) -> Plans:
    """Every plan that keeps the rules, as pairs of site and type, with its cost."""
    rules, found = problem.rules, {}
    money = money or Money(rules.cost, rules.budget)
    for kinds in itertools.product(range(-1, problem.num_types), repeat=problem.num_sites):
        is_open = np.array(kinds) >= 0
        sites = np.flatnonzero(is_open)
        types = np.array(kinds)[sites]
        if (
            (rules.forced & ~is_open).any()
            or (rules.forbidden & is_open).any()
            or not rules.least <= len(sites) <= rules.most
            or money.cost[sites, types].sum() > money.most
            or not (rules.cities is None or rules.cities.allow(sites))
        ):
            continue
        room = np.zeros(problem.num_sites)
        room[sites] = problem.capacity[sites, types]
        plan = frozenset(zip(sites.tolist(), types.tolist(), strict=True))
        found[plan] = rules.cost[sites, types].sum() + transport_cost(problem, room)
    return found


def arrays_of(plan: frozenset[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    sites = sorted(plan)
    return (
        np.array([site for site, _ in sites], dtype=np.int64),
        np.array([kind for _, kind in sites], dtype=np.int64),
    )


def sites_of(plan: frozenset[tuple[int, int]]) -> set[int]:
    return {site for site, _ in plan}


def assert_within(
    problem: FacilityLocationProblem,
    plans: Plans,
    plan: frozenset[tuple[int, int]],
    found: SiteReasons,
) -> None:
    parts = linked_parts(pairs_by_site(problem).zones, problem.num_zones, problem.rules.cities)
    several = len(set(parts.of_site[problem.rules.usable].tolist())) > 1

    def inside(site: int) -> Plans:
        if not several:
            return plans
        part = set(np.flatnonzero(parts.of_site == parts.of_site[site]).tolist())
        kept = {station for station in plan if station[0] not in part}
        return {
            each: cost
            for each, cost in plans.items()
            if {station for station in each if station[0] not in part} == kept
            and len(each) <= len(plan)
        }

    assert_costs_within(problem.rules, plans, plans[plan], found, inside, CLOSE, sites_of)


@pytest.mark.parametrize("seed", [*range(0, 24, 5), *range(1, 24, 5)])
def test_costs_lie_within_their_intervals(seed: int):
    problem = random_facilities(seed)
    plans = plans_of(problem)
    if not plans:
        pytest.skip("limits allow no plan")
    best = min(plans, key=plans.__getitem__)
    sites, types = arrays_of(best)
    found = facility_reasons(problem, sites, types, OPTIONS)
    assert found.applied == 0
    assert found.open_site_idx.tolist() == sites.tolist()
    assert_within(problem, plans, best, found)
    for at, site in enumerate(sites.tolist()):
        free = [
            {(site, int(types[at]))} ^ best | {(int(found.next_best_idx[at]), kind)}
            for kind in range(2)
        ]
        if found.next_best_idx[at] >= 0 and math.isfinite(found.replacement_cost[at]):
            exact = min(plans.get(frozenset(each), math.inf) for each in free) - plans[best]
            assert found.replacement_cost[at] >= exact - CLOSE


def test_a_poor_plan_is_improved_first():
    problem = random_facilities(25)
    plans = plans_of(problem)
    worst = max(plans, key=plans.__getitem__)
    found = facility_reasons(problem, *arrays_of(worst), OPTIONS)
    assert found.applied > 0
    assert found.improved is not None
    now = frozenset(zip(*(each.tolist() for each in found.improved), strict=True))
    assert plans[now] < plans[worst]
    assert_within(problem, plans, now, found)


def test_money_in_other_costs_is_kept():
    problem = random_facilities(2)
    rng = np.random.default_rng(0)
    money = Money(rng.uniform(1.0, 9.0, (6, 2)), 12.0)
    plans = plans_of(problem, money)
    best = min(plans, key=plans.__getitem__)
    found = facility_reasons(problem, *arrays_of(best), OPTIONS, money=money)
    assert found.applied == 0
    assert_within(problem, plans, best, found)


@pytest.mark.parametrize("seed", range(6))
def test_solving_anew_gives_the_cost(seed: int):
    problem = random_facilities(seed)
    plans = plans_of(problem)
    if not plans:
        pytest.skip("limits allow no plan")
    best = min(plans, key=plans.__getitem__)
    plan = Stations(*arrays_of(best))
    rules, cost = problem.rules, plans[best]
    free = [site for site in sites_of(best) if not rules.forced[site]]
    closed = [s for s in range(6) if s not in sites_of(best) and not rules.forbidden[s]]
    for removed, forced in [(free[:1], []), ([], closed[:1]), (free, closed[:1])]:
        if not removed and not forced:
            continue
        locks = np.array(removed, dtype=np.int64), np.array(forced, dtype=np.int64)
        true = min(
            (
                c
                for each, c in plans.items()
                if not sites_of(each) & set(removed) and sites_of(each) >= set(forced)
            ),
            default=math.inf,
        )
        if math.isinf(true):
            with pytest.raises(InfeasibleError):
                facility_without(problem, plan, cost, *locks, OPTIONS)
            continue
        found = facility_without(problem, plan, cost, *locks, OPTIONS)
        told = frozenset(zip(*(each.tolist() for each in found.found), strict=True))
        assert plans[told] - cost == pytest.approx(found.high, abs=CLOSE)
        assert true - cost <= found.high + CLOSE
        if seed % 2 == 0:
            assert found.low <= true - cost + CLOSE
            assert found.high == pytest.approx(true - cost, abs=1e-4)


def test_zones_that_one_station_serves_alone_are_not_asked():
    problem = replace(random_facilities(0), single=True)
    with pytest.raises(ValueError, match="several stations"):
        facility_reasons(problem, np.array([0]), np.array([0]), OPTIONS)


def test_without_time_costs_are_told_by_what_is_at_hand():
    problem = random_facilities(1, num_sites=30, num_zones=60)
    rules = replace(problem.rules, forced=np.zeros(30, np.bool_), cities=None, most=30)
    problem = replace(problem, rules=rules)
    plan = np.flatnonzero(rules.usable)[::3]
    kinds = np.ones(len(plan), dtype=np.int64)
    found = facility_reasons(problem, plan, kinds, SolveOptions(time_limit_s=1e-6))
    assert (found.applied, found.improved) == (0, None)
    assert np.isfinite(found.replacement_cost).all()
    assert np.isfinite(found.force_in_cost[rules.usable[found.closed_site_idx]]).all()
