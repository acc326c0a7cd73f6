import functools
import math
from dataclasses import replace

import numpy as np
import pytest

from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.service import served_by_column
from planner.models.phasing.solution import PhasedSolution
from planner.models.phasing.solve import solve_phased
from planner.models.robust.futures import Futures, averaged
from planner.models.robust.measure import Measure
from planner.models.robust.solve import solve_robust
from planner.solving.options import SolveOptions
from planner.solving.status import Status
from tests.models.robust.robust_cases import (
    EXACT,
    EveryPlan,
    random_problem,
    robust_problem,
)

MEASURES = [
    Measure("expected"),
    Measure("cvar", tail_frac=0.4),
    Measure("cvar", tail_frac=0.3, mean_weight=0.5),
    Measure("regret"),
    Measure("regret", relative=False),
    Measure("p_robust", robust_frac=0.7),
]


@functools.cache
def case(seed: int) -> tuple[PhasedProblem, Futures, EveryPlan]:
    problem, futures = random_problem(seed)
    return problem, futures, EveryPlan(problem)


def brute_score(measure: Measure, table: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Score of every plan of a table of payoffs, by the definitions."""
    best = table.max(axis=0)
    mean = table @ chance
    if measure.kind == "regret":
        gap = (best - table) / (best if measure.relative else 1.0)
        return (1.0 if measure.relative else 0.0) - gap.max(axis=1)
    if measure.kind == "cvar":
        # Rockafellar and Uryasev: the greatest over eta, which is one of the values.
        tail = [
            max(
                eta - (chance * np.maximum(eta - row, 0.0)).sum() / measure.tail_frac for eta in row
            )
            for row in table
        ]
        return measure.mean_weight * mean + (1.0 - measure.mean_weight) * np.array(tail)
    if measure.kind == "p_robust":
        return np.where((table >= measure.robust_frac * best - 1e-12).all(axis=1), mean, -np.inf)
    return mean


@pytest.mark.parametrize("loose", [0.0, 0.1])
@pytest.mark.parametrize("measure", MEASURES, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_intervals_hold_the_best_of_all_plans(measure: Measure, seed: int, loose: float):
    problem, futures, solver = case(seed)
    solver.loose = loose
    table = solver.table(futures)
    chance, best = futures.probability, table.max(axis=0)
    found = solve_robust(problem, futures, measure, EXACT, solve=solver)
    assert not keeps_limits(problem, found.plan)
    assert (found.best[:, 0] <= best + 1e-9).all()
    assert (best <= found.best[:, 1] + 1e-9).all()
    value = futures.values(served_by_column(problem, found.plan)[1])
    assert found.value == pytest.approx(value)
    regret = (best - value) / best
    assert (found.regret_frac[:, 0] - 1e-9 <= regret).all()
    assert (regret <= found.regret_frac[:, 1] + 1e-9).all()
    for kind, judged in (("expected", found.expected), ("cvar", found.cvar)):
        scores = brute_score(replace(measure, kind=kind), table, chance)
        assert judged.attainable.low <= scores.max() + 1e-9
        assert scores.max() <= judged.attainable.high + 1e-9
    scores = brute_score(replace(measure, kind="regret"), table, chance)
    least = (1.0 if measure.relative else 0.0) - scores.max()
    assert found.regret.attainable.low - 1e-9 <= least <= found.regret.attainable.high + 1e-9
    top = brute_score(measure, table, chance).max()
    if math.isfinite(top):
        is_turned = found.proof.sense == "min"
        low, high = sorted([found.proof.objective, found.proof.bound])
        if found.proof.status is Status.NO_SOLUTION:
            assert top <= high + 1e-9
        else:
            assert low - 1e-9 <= (-top if is_turned else top) <= high + 1e-9
    else:
        assert found.proof.status in (Status.INFEASIBLE, Status.NO_SOLUTION)
    mean_best = (chance * best).sum()
    assert found.evpi.low - 1e-9 <= mean_best - (table @ chance).max() <= found.evpi.high + 1e-9
    assert found.vss is not None
    assert found.vss.low >= -1e-9


@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_most_plans_are_the_best_of_all(measure: Measure):
    """Where no mixture of plans is better than each of them the interval closes."""
    closed = 0
    for seed in range(10):
        problem, futures, solver = case(seed)
        solver.loose = 0.0
        table = solver.table(futures)
        top = brute_score(measure, table, futures.probability).max()
        found = solve_robust(problem, futures, measure, EXACT, solve=solver)
        rows = np.vstack([table, found.value])
        mine = brute_score(measure, rows, futures.probability)[-1]
        closed += mine == pytest.approx(top) or (math.isinf(top) and math.isinf(mine))
    assert closed >= 7
    if measure.kind == "expected":
        assert closed == 10


def test_one_future_is_the_plan_of_that_future():
    problem, futures = random_problem(3, num_futures=1)
    options = SolveOptions(gap_frac=0.0, time_limit_s=20.0)
    alone = solve_phased(problem, options)
    for measure in MEASURES:
        found = solve_robust(problem, futures, measure, options)
        assert found.plan.site_idx.tolist() == alone.plan.site_idx.tolist()
        assert found.plan.size.tolist() == alone.plan.size.tolist()
        assert found.proof.status is alone.proof.status
        assert found.regret.of_plan.low == 0.0
        assert found.evpi.low == 0.0


def test_capacity_that_never_binds_leaves_nothing_to_gain_over_mean_values():
    """V_s is linear in the values then: the plan for mean values is the plan for the mean."""
    for seed in range(4):
        problem, futures = random_problem(seed, slack=True)
        solver = EveryPlan(problem)
        found = solve_robust(problem, futures, Measure("expected"), EXACT, solve=solver)
        assert found.vss_is_zero
        assert (found.vss.low, found.vss.high) == (0.0, 0.0)
        means = solver(averaged(problem, futures), EXACT)
        assert means.plan.site_idx.tolist() == found.plan.site_idx.tolist()
        served = futures.values(served_by_column(problem, means.plan)[1])
        assert (futures.probability * served).sum() == pytest.approx(found.expected.of_plan.low)


def test_mean_values_mislead_where_stations_fill():
    """Zone 0 asks for 10 in one future and nothing in the other, zone 1 for 4 in both.

    A station carries 5. For mean values zone 0 serves 5, more than 4, but 2.5 on average: the best
    mean is 4, 1.5 more. Who knew the future would serve 5 or 4, 0.5 more on average.
    """
    problem = robust_problem(
        [[10.0, 0.0], [4.0, 4.0]], [[0], [1]], num_stations=1,
        load=[[10.0, 0.0], [4.0, 4.0]], capacity=[5.0],
    )  # fmt: skip
    futures = Futures(np.array([0, 1]), np.array([0.5, 0.5]))
    found = solve_robust(problem, futures, Measure("expected"), EXACT, solve=EveryPlan(problem))
    assert found.plan.site_idx.tolist() == [1]
    assert found.mean_plan is not None
    assert found.mean_plan.site_idx.tolist() == [0]
    assert not found.vss_is_zero
    assert [found.vss.low, found.vss.high] == pytest.approx([1.5, 1.5], abs=1e-9)
    assert [found.evpi.low, found.evpi.high] == pytest.approx([0.5, 0.5], abs=1e-9)
    price = found.robustness_price
    assert [price.low, price.high] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert found.regret_frac == pytest.approx(np.array([[0.2, 0.2], [0.0, 0.0]]), abs=1e-9)


@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_a_future_told_twice_changes_nothing(measure: Measure):
    problem, futures = random_problem(5)
    twice = replace(
        problem,
        node_of=np.zeros(4, dtype=np.int64),
        value=problem.value[:, [0, 1, 2, 2]],
        load=problem.load[:, [0, 1, 2, 2]],
        capacity=problem.capacity[:, :, [0, 1, 2, 2]],
    )
    first, second, third = futures.probability
    split = Futures(np.arange(4), np.array([first, second, 0.3 * third, 0.7 * third]))
    solver = EveryPlan(problem)
    once = solve_robust(problem, futures, measure, EXACT, solve=solver)
    again = solve_robust(twice, split, measure, EXACT, solve=solver)
    assert again.value[:3] == pytest.approx(once.value)
    assert again.value[3] == again.value[2]
    assert again.proof.objective == pytest.approx(once.proof.objective)
    assert again.proof.bound == pytest.approx(once.proof.bound, rel=1e-6)


def test_the_worst_of_all_futures_are_all_and_of_next_to_none_the_worst():
    problem, futures, solver = case(2)
    solver.loose = 0.0
    mean = solve_robust(problem, futures, Measure("expected"), EXACT, solve=solver)
    every = solve_robust(problem, futures, Measure("cvar", tail_frac=1.0), EXACT, solve=solver)
    assert every.proof.objective == pytest.approx(mean.proof.objective)
    assert every.proof.bound == pytest.approx(mean.proof.bound)
    measure = Measure("cvar", tail_frac=float(futures.probability.min()))
    worst = solve_robust(problem, futures, measure, EXACT, solve=solver)
    value = worst.value.min()
    assert value >= mean.value.min() - 1e-9


def test_openings_after_the_news_differ_by_future():
    """A tree: one station now, one more once it is known which zone asks."""
    problem = robust_problem(
        [[4.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0], [0.0, 5.0, 5.0]],
        [[0], [1], [2], [3]], num_stations=2, parent=(-1, 0, 0), node_of=[0, 1, 2],
        openings=[1.0, 1.0, 1.0],
    )  # fmt: skip
    columns = [0, 0, 1, 2]
    by_future = replace(
        problem,
        node_of=np.array([0, 0, 1, 2]),
        value=problem.value[:, columns],
        load=problem.load[:, columns],
        capacity=problem.capacity[:, :, columns],
    )
    futures = Futures(np.array([0, 1, 0, 1]), np.array([0.5, 0.5]))
    solver = EveryPlan(by_future)
    found = solve_robust(by_future, futures, Measure("regret"), EXACT, solve=solver)
    assert found.value.tolist() == pytest.approx([14.0, 14.0])
    assert found.plan.site_idx.tolist() == [1, 2, 3]
    assert found.plan.size.tolist() == [[-1, 0, -1], [-1, -1, 0], [0, 0, 0]]
    assert found.regret.of_plan.high == pytest.approx(0.0, abs=1e-9)


def test_on_a_tree_openings_of_the_mean_future_wait_for_the_news_too():
    """A second station opens when it is known which of zones 1 and 2 asks, for 9 or for 8.

    For mean values, 4.5 and 4, both of them open, zone 1 first: 8.6. Zone 0, 3.5 at once and then
    the one that asks, serves 8 there, but 3.5 + 8.5 = 12 on average. With zone 1 first the best
    after the news is zone 3 in the one future and zone 2 in the other: 0.1 + (9 + 3 + 8) / 2.
    """
    problem = robust_problem(
        [[3.5, 3.5, 0.0, 0.0], [0.1, 0.1, 9.0, 0.0], [0.0, 0.0, 0.0, 8.0], [0.0, 0.0, 3.0, 3.0]],
        [[0], [1], [2], [3]], num_stations=2, parent=(-1, 0, 0), node_of=[0, 0, 1, 2],
        openings=[1.0, 1.0, 1.0],
    )  # fmt: skip
    futures = Futures(np.array([0, 1, 0, 1]), np.array([0.5, 0.5]))

    def solve(asked: PhasedProblem, options: SolveOptions, **others: object) -> PhasedSolution:
        return EveryPlan(asked)(asked, options)

    for measure in (Measure("expected"), Measure("regret")):
        found = solve_robust(problem, futures, measure, EXACT, solve=solve)
        assert found.expected.attainable.low == pytest.approx(12.0)
        assert found.mean_plan is not None
        assert found.mean_plan.size[found.mean_plan.site_idx == 1].tolist() == [[0, 0, 0]]
        assert found.vss is not None
        assert [found.vss.low, found.vss.high] == pytest.approx([1.9, 1.9], abs=1e-6)
        assert not found.vss_is_zero


@pytest.mark.parametrize("measure", MEASURES[:4], ids=str)
def test_searched_on_few_futures_the_plan_is_judged_on_all(measure: Measure):
    problem, futures, solver = case(1)
    solver.loose = 0.0
    table = solver.table(futures)
    found = solve_robust(problem, futures, measure, EXACT, num_kept=2, solve=solver)
    top = brute_score(measure, table, futures.probability).max()
    assert found.proof.objective - 1e-9 <= top <= found.proof.bound + 1e-9
    assert found.value == pytest.approx(futures.values(served_by_column(problem, found.plan)[1]))
    assert len(found.value) == 3


def test_shares_that_no_plan_keeps_are_told():
    problem = robust_problem(
        [[1.0, 0.0], [0.0, 1.0]],
        [[0], [1]],
        num_stations=1,
    )
    futures = Futures(np.array([0, 1]), np.array([0.5, 0.5]))
    measure = Measure("p_robust", robust_frac=0.8)
    found = solve_robust(problem, futures, measure, EXACT, solve=EveryPlan(problem))
    assert found.proof.status is Status.INFEASIBLE


def test_probabilities_that_do_not_add_up_are_told():
    with pytest.raises(ValueError, match="add up to 1"):
        Futures(np.array([0, 1]), np.array([0.5, 0.4]))
