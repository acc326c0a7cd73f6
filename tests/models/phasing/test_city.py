"""The pricing problem of a city over time against all its plans."""

import math
from dataclasses import replace

import numpy as np
import pytest

from planner.models.coverage.search import Schedule
from planner.models.national.tuning import Tuning
from planner.models.phasing.city import (
    PhasedTask,
    answer_phased_city,
    city_model,
    priced_problem,
    standing_price,
)
from planner.models.phasing.city_bound import CityDual, CityModel
from planner.models.phasing.parts import node_resources, opening_prices, split_phased_by_city
from planner.models.phasing.priced_search import covered_value, opening_cost, phased_search
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.rows import merge_phased_rows
from planner.models.phasing.sizes import taken
from planner.models.phasing.tree import Tree
from planner.solving.mip import solve_mip
from tests.models.phasing.city_cases import FORK, all_tables, nation, value_of, values_of

TREES = [Tree.line(3), FORK, Tree.line(1)]


def city(seed: int, **others: object) -> tuple[PhasedProblem, np.ndarray]:
    """A nation of one city without national limits, and prices."""
    tree = TREES[seed % len(TREES)]
    rate = 1.0 if seed % 2 else math.inf
    settings = {"num_cities": 1, "rate": rate, "carries_over": seed % 4 == 1}
    problem = nation(seed, tree, **(settings | others))
    free = tuple(
        replace(limit, amount=np.full(tree.num_nodes, math.inf)) for limit in problem.limits
    )
    problem = replace(problem, limits=free)
    price = np.random.default_rng(seed).uniform(0.0, 1.5, (len(free), tree.num_nodes))
    return problem, price


def worths(problem: PhasedProblem, price: np.ndarray, tables: list[np.ndarray]) -> list[float]:
    """What plans serve less the prices of what they take."""
    return [
        value - float((price * taken(problem, table)).sum())
        for table, value in zip(tables, values_of(problem, tables), strict=True)
    ]


def model_of(problem: PhasedProblem, price: np.ndarray) -> tuple[CityModel, float]:
    """Model of a city, and what it does not count."""
    rows = merge_phased_rows(problem)
    return city_model(problem, rows, price), rows.base_value - standing_price(problem, price)


def random_dual(model: CityModel, rng: np.random.Generator) -> CityDual:
    """Multipliers of any size, some of them outside their limits."""
    num_nodes = model.tree.num_nodes
    return CityDual(
        tuple(rows.value * rng.uniform(-0.2, 1.2, len(rows.value)) for rows in model.rows_of_node),
        rng.uniform(-0.2, 1.0, num_nodes),
        rng.uniform(-1.0, 0.2, num_nodes),
        rng.uniform(-0.2, 1.0, num_nodes),
    )


def task_of(problem: PhasedProblem, price: np.ndarray, start: np.ndarray) -> PhasedTask:
    """The pricing problem of the only city."""
    part = split_phased_by_city(problem).cities[0]
    return PhasedTask(
        part=part,
        resources=node_resources(problem),
        position=0,
        price=price,
        multiplier=np.empty(0),
        share=np.full((len(part.zone_idx), problem.tree.num_nodes), 0.5),
        start=start[part.site_idx],
        num_variants=2,
        num_moves=4_000,
        seconds=math.inf,
        node_limit=1_000,
        allowed_gap=0.0,
        seed=0,
        tuning=Tuning(),
    )


@pytest.mark.parametrize("seed", range(6))
def test_no_plan_is_worth_more_than_the_bound_at_any_multipliers(seed: int) -> None:
    problem, price = city(seed)
    model, base = model_of(problem, price)
    best = max(worths(problem, price, all_tables(problem)))
    rng = np.random.default_rng(seed)
    for _ in range(20):
        assert model.bound(random_dual(model, rng)) + base >= best - 1e-9 * abs(best)


@pytest.mark.parametrize("seed", range(6))
def test_duals_of_the_relaxation_give_its_value_as_the_bound(seed: int) -> None:
    problem, price = city(seed)
    model, base = model_of(problem, price)
    dual = model.relaxed()
    assert dual is not None
    solved = solve_mip(model.linear_model(integer=False).to_ortools(), time_limit_s=30.0)
    assert model.bound(dual) == pytest.approx(solved.bound, rel=1e-6, abs=1e-6)
    exact = solve_mip(model.linear_model(integer=True).to_ortools(), time_limit_s=30.0)
    best = max(worths(problem, price, all_tables(problem)))
    assert exact.bound + base == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert exact.values is not None
    stands = model.with_free(exact.values)
    found = covered_value(model.rows, stands).sum()
    found -= opening_cost(model.sites.price, stands, model.tree)
    assert found + base == pytest.approx(best, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_ruled_out_is_in_no_plan_that_is_nearly_as_good_as_the_bound(seed: int) -> None:
    problem, price = city(seed)
    rows = merge_phased_rows(problem)
    model, base = model_of(problem, price)
    rng = np.random.default_rng(seed)
    tables = all_tables(problem)
    plans = list(zip(tables, worths(problem, price, tables), strict=True))
    best = max(each for _, each in plans)
    for _ in range(10):
        dual = model.relaxed() if rng.random() < 0.5 else random_dual(model, rng)
        assert dual is not None
        slack = model.bound(dual) + base - best + 0.3
        kept = model.without(dual, slack).sites
        for table, each in plans:
            if each > best - 0.29:
                stands = (table != CLOSED)[rows.site_idx]
                assert not (stands & ~kept.may_stand).any()
                assert not (kept.must_stand & ~stands).any()


@pytest.mark.parametrize("seed", range(6))
def test_annealing_keeps_numbers_and_windows_and_never_loses(seed: int) -> None:
    problem, price = city(seed)
    rows = merge_phased_rows(problem)
    model, base = model_of(problem, price)
    tables = all_tables(problem)
    rng = np.random.default_rng(seed)
    start = (tables[rng.integers(len(tables))] != CLOSED)[rows.site_idx]
    found = phased_search(
        model.rows, model.sites, model.numbers, model.tree, start, Schedule(3_000, 2.0, 0.02), rng
    )

    def plain(stands: np.ndarray) -> float:
        covered = float(covered_value(model.rows, stands).sum())
        return covered - opening_cost(model.sites.price, stands, model.tree) + base

    assert plain(found) >= plain(start) - 1e-9
    standing = problem.must_stand.copy()
    standing[rows.site_idx] = found
    plans = {(table != CLOSED).tobytes() for table in tables}
    assert standing.tobytes() in plans
    best = max(worths(problem, price, tables))
    assert plain(found) == pytest.approx(best, rel=0.05, abs=0.5)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("room", [1e6, 1.5])
def test_answers_bound_all_plans_and_are_worth_what_they_say(seed: int, room: float) -> None:
    problem, price = city(seed, room=room, num_types=2, num_sites=4)
    tables = all_tables(problem)
    best = max(worths(problem, price, tables))
    answer = answer_phased_city(task_of(problem, price, tables[0]))
    assert answer.bound >= best - 1e-9 * abs(best)
    resources = node_resources(problem)
    known = {table.tobytes() for table in tables}
    for plan in answer.plans:
        table = np.full((problem.num_sites, problem.tree.num_nodes), CLOSED, dtype=np.int32)
        table[plan.site_idx] = plan.type_idx
        assert table.tobytes() in known
        assert plan.inner_value == pytest.approx(value_of(problem, table))
        assert plan.use == pytest.approx(resources.flat(taken(problem, table)))
    if room > 1e3:
        own = answer.plans[0].inner_value - float((price * _use(problem, answer.plans[0])).sum())
        assert own == pytest.approx(best, rel=1e-6)
        assert answer.bound == pytest.approx(best, rel=1e-6)


def _use(problem: PhasedProblem, plan: object) -> np.ndarray:
    table = np.full((problem.num_sites, problem.tree.num_nodes), CLOSED, dtype=np.int32)
    table[plan.site_idx] = plan.type_idx  # type: ignore[attr-defined]
    return taken(problem, table)


@pytest.mark.parametrize("seed", range(6))
def test_prices_of_openings_add_up_to_the_prices_of_what_a_plan_takes(seed: int) -> None:
    problem, price = city(seed)
    opening = opening_prices(problem.limits, problem.tree, price)[:, 0]
    for table in all_tables(problem)[:50]:
        stands = table != CLOSED
        paid = opening_cost(opening, stands, problem.tree)
        assert paid == pytest.approx(float((price * taken(problem, table)).sum()))


def test_border_pairs_are_worth_their_multipliers() -> None:
    problem = nation(3, Tree.line(3))
    parts = split_phased_by_city(problem)
    pairs = list(zip(parts.border_zone.tolist(), parts.border_column.tolist(), strict=True))
    assert pairs
    multiplier = np.linspace(0.1, 0.9, len(pairs))
    for part in parts.cities:
        priced = priced_problem(part, multiplier[part.border_idx])
        for zone, national in enumerate(part.zone_idx.tolist()):
            for column in range(problem.num_columns):
                expected = problem.value[national, column]
                if (national, column) in pairs:
                    expected = multiplier[pairs.index((national, column))]
                assert priced.value[zone, column] == expected
