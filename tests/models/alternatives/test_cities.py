from dataclasses import replace

import numpy as np
import pytest

from planner.models.alternatives.cities import Served, city_alternatives
from planner.models.alternatives.result import Plan
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.rows import rows_of_plan
from planner.models.sized_coverage.service import best_service, served_flow
from tests.models.alternatives.small_nations import all_plans, full_twins, two_cities

WITHIN = (0.0, 0.02, 0.1)
STEPS = (-2, -1, 1, 2)
PRICE = 3.0


def _served(problem: SizedCoverageProblem, plan: Plan) -> Served:
    """Some best service of the plan."""
    rows = rows_of_plan(problem, plan.open_site_idx, plan.type_idx)
    flow, parts = best_service(rows, rows.capacity).flow, []
    for zone, row in enumerate(rows.row_of_zone.tolist()):
        if row >= 0:
            for pair in range(rows.sites_of_row.ptr[row], rows.sites_of_row.ptr[row + 1]):
                site = rows.site_idx[rows.sites_of_row.idx[pair]]
                parts.append((zone, site, flow[pair] / rows.load[row]))
    zones, sites, shares = zip(*parts, strict=True)
    return Served(np.array(zones), np.array(sites), np.array(shares))


@pytest.mark.parametrize("seed", [1, 5, 7, 11, 13, 17])
def test_steps_and_proven_sites_hold_by_enumeration(seed: int) -> None:
    """Without capacity and money: every plan of a city with the other city's stations kept."""
    problem = two_cities(seed)
    best = all_plans(problem)[0]
    of_city = problem.rules.cities.city_idx
    usable = np.flatnonzero(problem.rules.usable)
    answers = list(
        city_alternatives(problem, best, _served(problem, best), STEPS, WITHIN, price=PRICE)
    )
    assert sorted(each.city for each in answers) == [0, 1]
    for each in answers:
        own = usable[of_city[usable] == each.city]
        others = best.open_site_idx[of_city[best.open_site_idx] != each.city]
        forced = problem.rules.forced[own]
        plans: dict[int, list[tuple[float, np.ndarray]]] = {}
        for mask in range(2 ** len(own)):
            chosen = own[(mask >> np.arange(len(own))) & 1 > 0]
            if np.isin(own[forced], chosen).all():
                sites = np.union1d(others, chosen)
                value = served_flow(problem, sites, np.zeros(len(sites), np.int64))[1]
                plans.setdefault(len(chosen), []).append((value, chosen))
        assert each.site_idx.tolist() == own.tolist()
        for step, found, low in zip(each.step, each.cost_found, each.cost_low, strict=True):
            most = max(value for value, _ in plans[each.stations + step])
            true = best.gain - most + PRICE * step
            assert low - 1e-9 <= true <= found + 1e-9
        alone = served_flow(problem, others, np.zeros(len(others), np.int64))[1]
        for at, eps in enumerate(WITHIN):
            least = best.gain - eps * (best.gain - alone)
            near = [
                np.isin(own, chosen)
                for number, known in plans.items()
                for value, chosen in known
                if number <= each.stations and value >= least - 1e-9
            ]
            assert not (each.must[at] & ~np.all(near, axis=0)).any()
            assert not (each.never[at] & np.any(near, axis=0)).any()
        assert (each.must[:-1] >= each.must[1:]).all()
        assert (each.never[:-1] >= each.never[1:]).all()


@pytest.mark.parametrize("seed", [0, 2, 4, 6, 8])
def test_steps_with_capacity_and_money_enclose_the_best_service(seed: int) -> None:
    problem = two_cities(seed)
    best = all_plans(problem)[0]
    of_city, price, money = problem.rules.cities.city_idx, 3.0, 0.5
    paid = problem.rules.cost[best.open_site_idx, best.type_idx].sum()
    for each in city_alternatives(
        problem, best, _served(problem, best), STEPS, (), price=price, money_price=money
    ):
        kept = of_city[best.open_site_idx] != each.city
        others = best.open_site_idx[kept], best.type_idx[kept]
        own = each.site_idx
        forced = own[problem.rules.forced[own]]
        most: dict[int, float] = {}
        for code in range(3 ** len(own)):
            kind = (code // 3 ** np.arange(len(own))) % 3 - 1
            chosen, types = own[kind >= 0], kind[kind >= 0]
            if not np.isin(forced, chosen).all():
                continue
            sites, kinds = np.r_[others[0], chosen], np.r_[others[1], types]
            cost = problem.rules.cost[sites, kinds].sum()
            worth = served_flow(problem, sites, kinds)[1] - money * cost
            most[len(chosen)] = max(most.get(len(chosen), -np.inf), worth)
        for step, found, low in zip(each.step, each.cost_found, each.cost_low, strict=True):
            true = best.gain - money * paid - most[each.stations + step] + price * step
            assert low - 1e-9 <= true <= found + 1e-9


def test_full_stations_stay_where_a_city_has_fewer_or_more() -> None:
    problem = full_twins()
    rules = replace(problem.rules, most=5)
    plans = all_plans(replace(problem, coverage=replace(problem.coverage, rules=rules)))
    best = next(plan for plan in plans if len(plan.open_site_idx) == 4)
    (city,) = city_alternatives(problem, best, _served(problem, best), (-1, 1), (), price=PRICE)
    for step, found in zip(city.step.tolist(), city.cost_found.tolist(), strict=True):
        most = max(plan.gain for plan in plans if len(plan.open_site_idx) == 4 + step)
        assert found == pytest.approx(best.gain - most + PRICE * step)
    assert city.step.tolist() == [-1, 1]
