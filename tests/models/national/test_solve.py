import itertools
import math
import os
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.arrays import Lists
from planner.errors import InfeasibleError
from planner.models.coverage.problem import CoverageProblem
from planner.models.national import solve as national
from planner.models.national.city import answer_city
from planner.models.national.solve import NationalLimit, NationalSolution, solve_national
from planner.models.national.tuning import Tuning
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress
from planner.solving.rules import CityLimits, SiteRules
from planner.solving.status import Status

EXACT = SolveOptions(gap_frac=0.0, time_limit_s=60.0)


def sized_problem(
    value: list[float],
    reach: list[list[int]],
    city: list[int],
    *,
    num_stations: int = 99,
    load: list[float] | None = None,
    capacity: tuple[float, ...] = (math.inf,),
    cost: tuple[float, ...] = (1.0,),
    budget: float = math.inf,
    forced: set[int] = frozenset(),
    forbidden: set[int] = frozenset(),
    min_stations: list[int] | None = None,
    max_stations: list[int] | None = None,
) -> SizedCoverageProblem:
    """Problem from lists; every type fits every site at one price."""
    num_sites, num_cities = len(reach), max(city, default=-1) + 1
    finite = [min(each, 1e6) for each in capacity]
    return SizedCoverageProblem(
        coverage=CoverageProblem(
            value=np.array(value, dtype=np.float64),
            reach=Lists.of(reach),
            rules=SiteRules(
                forced=np.isin(np.arange(num_sites), list(forced)),
                forbidden=np.isin(np.arange(num_sites), list(forbidden)),
                cost=np.tile(cost, (num_sites, 1)).astype(np.float64),
                budget=budget,
                least=0,
                most=num_stations,
                cities=CityLimits(
                    np.array(city, dtype=np.int32),
                    np.array(min_stations or [0] * num_cities, dtype=np.int64),
                    np.array(max_stations or [99] * num_cities, dtype=np.int64),
                ),
            ),
        ),
        load=np.array(load if load is not None else value, dtype=np.float64),
        capacity=np.tile(finite, (num_sites, 1)).astype(np.float64),
    )


def brute_force(problem: SizedCoverageProblem, limits: list[NationalLimit]) -> float | None:
    """Value of the best plan; None if there is none."""
    coverage, best = problem.coverage, None
    for choice in itertools.product(range(-1, problem.num_types), repeat=coverage.num_sites):
        kind = np.array(choice, dtype=np.int64)
        sites = np.flatnonzero(kind >= 0)
        if obeys(problem, limits, sites, kind[sites]):
            value = served_flow(problem, sites, kind[sites])[1]
            best = value if best is None else max(best, value)
    return best


def obeys(
    problem: SizedCoverageProblem, limits: list[NationalLimit], sites: np.ndarray, kind: np.ndarray
) -> bool:
    rules, cities = problem.rules, problem.rules.cities
    is_open = np.isin(np.arange(rules.num_sites), sites)
    number = np.bincount(cities.city_idx[sites], minlength=len(cities.min_stations))
    slack = 1.0 + 1e-12
    return bool(
        is_open[rules.forced].all()
        and not is_open[rules.forbidden].any()
        and len(sites) <= rules.most
        and (problem.capacity[sites, kind] > 0).all()
        and rules.cost[sites, kind].sum() <= rules.budget * slack
        and (number >= cities.min_stations).all()
        and (number <= cities.max_stations).all()
        and all(each.use[sites, kind].sum() <= each.limit * slack for each in limits)
    )


def assert_honest(
    problem: SizedCoverageProblem, limits: list[NationalLimit], solution: NationalSolution
) -> None:
    """Everything a reader may rely on, whatever ended the search."""
    assert (np.diff(solution.open_site_idx) > 0).all()
    assert obeys(problem, limits, solution.open_site_idx, solution.type_idx)
    served_frac, value = served_flow(problem, solution.open_site_idx, solution.type_idx)
    assert solution.proof.objective == value
    assert (solution.served_frac == served_frac).all()
    assert solution.proof.bound >= solution.proof.objective
    assert (solution.proof.status is Status.OPTIMAL) == (solution.proof.gap_frac <= 1e-9)
    for earlier, later in itertools.pairwise(solution.proof.history):
        assert later.elapsed_s >= earlier.elapsed_s
        assert later.incumbent >= earlier.incumbent
        assert later.bound <= earlier.bound * (1 + 1e-12)


def random_nation(seed: int, *, num_cities: int = 6, sites_each: int = 14) -> SizedCoverageProblem:
    """Cities in a row, near enough for their stations to reach over the border."""
    rng = np.random.default_rng(seed)
    city = np.repeat(np.arange(num_cities), sites_each)
    centre = np.stack([np.arange(num_cities) * 1.0, np.zeros(num_cities)], axis=1)
    sites = centre[city] + rng.normal(0.0, 0.25, (len(city), 2))
    zones = centre[np.arange(num_cities * 60) % num_cities] + rng.normal(
        0.0, 0.3, (num_cities * 60, 2)
    )
    near = np.linalg.norm(sites[:, None] - zones[None], axis=2) <= 0.18
    value = rng.lognormal(0.0, 1.0, len(zones)).round(3)
    return sized_problem(
        value.tolist(),
        [np.flatnonzero(row).tolist() for row in near],
        city.tolist(),
        num_stations=3 * num_cities,
        load=(0.1 * value).tolist(),
        capacity=(2.0, 5.0),
        cost=(3.0, 5.0),
    )


NATION = random_nation(1)


@st.composite
def small_nations(draw: st.DrawFn) -> tuple[SizedCoverageProblem, list[NationalLimit]]:
    """Two or three cities, five sites, two types, ten zones, reach across borders."""
    num_zones, num_sites = draw(st.integers(1, 9)), draw(st.integers(2, 5))
    num_cities = draw(st.integers(2, 3))
    city = draw(st.lists(st.integers(0, num_cities - 1), min_size=num_sites, max_size=num_sites))
    value = draw(
        st.lists(
            st.sampled_from([0.0, 0.5, 1.0, 3.0, 10.0]), min_size=num_zones, max_size=num_zones
        )
    )
    zones = st.sets(st.integers(0, num_zones - 1), max_size=num_zones).map(sorted)
    lock = draw(
        st.lists(
            st.sampled_from(["free"] * 4 + ["forced", "forbidden"]),
            min_size=num_sites,
            max_size=num_sites,
        )
    )
    problem = sized_problem(
        value,
        draw(st.lists(zones, min_size=num_sites, max_size=num_sites)),
        [*city],
        num_stations=draw(st.integers(1, num_sites)),
        load=draw(
            st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=num_zones, max_size=num_zones)
        ),
        capacity=draw(st.sampled_from([(1.5, 4.0), (50.0, 60.0), (0.0, 2.5)])),
        cost=(3.0, 5.0),
        budget=draw(st.sampled_from([math.inf, math.inf, 6.0, 9.0, 14.0])),
        forced={site for site in range(num_sites) if lock[site] == "forced"},
        forbidden={site for site in range(num_sites) if lock[site] == "forbidden"},
        min_stations=[draw(st.sampled_from([0, 0, 0, 1])) for _ in range(max(city) + 1)],
        max_stations=[draw(st.sampled_from([99, 99, 1])) for _ in range(max(city) + 1)],
    )
    limits = []
    if draw(st.booleans()):
        use = draw(
            st.lists(
                st.sampled_from([0.0, 1.0, 2.0]), min_size=2 * num_sites, max_size=2 * num_sites
            )
        )
        limits = [NationalLimit("slots", np.array(use).reshape(num_sites, 2), 3.0)]
    return problem, limits


@given(small_nations())
@settings(max_examples=50, deadline=None)
def test_agrees_with_brute_force(case: tuple[SizedCoverageProblem, list[NationalLimit]]):
    problem, limits = case
    best = brute_force(problem, limits)
    if best is None:
        with pytest.raises(InfeasibleError):
            solve_national(problem, EXACT, limits=limits)
        return
    solution = solve_national(problem, EXACT, limits=limits)
    assert_honest(problem, limits, solution)
    assert solution.proof.objective <= best * (1 + 1e-9) + 1e-12
    assert solution.proof.bound >= best * (1 - 1e-9)
    if solution.proof.status is Status.OPTIMAL:
        assert solution.proof.objective == pytest.approx(best, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nation_is_proven_and_history_is_monotone(seed: int):
    problem = random_nation(seed)
    seen: list[Progress] = []
    solution = solve_national(problem, EXACT, on_progress=seen.append)
    assert solution.proof.status is Status.OPTIMAL
    assert_honest(problem, [], solution)
    assert tuple(seen) == solution.proof.history
    assert {"bound", "national", "done"} <= {progress.stage for progress in seen}


def test_several_limits_at_once():
    quarter = np.repeat((NATION.rules.cities.city_idx < 3).astype(float)[:, None], 2, axis=1)
    limits = [
        NationalLimit("first half", quarter, 7.0),
        NationalLimit("second half", 1.0 - quarter, 5.0),
        NationalLimit("not limited", quarter, math.inf),
    ]
    rules = replace(NATION.rules, budget=44.0)
    problem = replace(NATION, coverage=replace(NATION.coverage, rules=rules))
    solution = solve_national(problem, SolveOptions(gap_frac=0.0, time_limit_s=5), limits=limits)
    assert_honest(problem, limits, solution)
    assert solution.proof.gap_frac < 0.01
    assert solution.resources == ("stations", "money", "first half", "second half")
    assert (solution.price >= 0).all()
    assert solution.price.max() > 0
    assert solution.city_gap.shape == (6,)


@pytest.mark.parametrize("executor", ["own", "given"])
def test_any_number_of_workers_gives_the_same_plan(executor: str):
    options = SolveOptions(gap_frac=0.0, deterministic=True, workers=1)
    alone = solve_national(NATION, options)
    parallel = SolveOptions(gap_frac=0.0, deterministic=True, workers=2)
    if executor == "own":
        together = solve_national(NATION, parallel)
    else:
        with ThreadLike() as threads:
            together = solve_national(NATION, parallel, executor=threads)
    assert alone.open_site_idx.tolist() == together.open_site_idx.tolist()
    assert alone.type_idx.tolist() == together.type_idx.tolist()
    assert (alone.proof.objective, alone.proof.bound) == (
        together.proof.objective,
        together.proof.bound,
    )


class ThreadLike(Executor):
    """Runs at once, in this process."""

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Deadly(Executor):
    """Kills its worker process at the given calls, and starts another."""

    def __init__(self, deadly_calls: set[int]) -> None:
        self.calls = 0
        self.deadly_calls = deadly_calls

    def submit(self, fn, /, *args, **kwargs):
        self.calls += 1
        if self.calls in self.deadly_calls:
            with ProcessPoolExecutor(1) as pool:
                future = pool.submit(os._exit, 1)
                future.exception()
                return future
        return ThreadLike().submit(fn, *args, **kwargs)


@pytest.mark.parametrize("deadly_calls", [{2}, {3, 4, 5, 6, 7, 8, 9, 10, 11}])
def test_dying_workers_do_not_end_the_run(deadly_calls: set[int]):
    executor = Deadly(deadly_calls)
    solution = solve_national(NATION, SolveOptions(gap_frac=0.0, workers=2), executor=executor)
    assert executor.calls > max(deadly_calls)
    assert_honest(NATION, [], solution)
    assert solution.proof.gap_frac < 0.001


def test_own_workers_that_die_are_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(national, "answer_city", DieOnce(str(tmp_path / "died")))
    solution = solve_national(NATION, SolveOptions(gap_frac=0.0, workers=2))
    assert (tmp_path / "died").exists()
    assert_honest(NATION, [], solution)
    assert solution.proof.gap_frac < 0.001


class DieOnce:
    """Answers as a city does, but the first process that asks dies."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __call__(self, task, stop=None):
        try:
            Path(self.mark).touch(exist_ok=False)
        except FileExistsError:
            return answer_city(task, stop)
        os._exit(1)


def test_an_error_in_a_city_is_raised():
    class Failing(Executor):
        def submit(self, fn, /, *args, **kwargs):
            future: Future = Future()
            future.set_exception(ZeroDivisionError("a defect"))
            return future

    with pytest.raises(ZeroDivisionError, match="a defect"):
        solve_national(NATION, EXACT, executor=Failing())


@pytest.mark.parametrize("gap_frac", [0.0, 0.001])
def test_time_limit_gives_a_plan_that_is_not_called_optimal(gap_frac: float):
    solution = solve_national(NATION, SolveOptions(gap_frac=gap_frac, time_limit_s=1e-6))
    assert solution.proof.status is Status.FEASIBLE
    assert solution.proof.gap_frac > 0.0
    assert_honest(NATION, [], solution)


@pytest.mark.parametrize("stage", ["bound", "national"])
def test_stop_gives_the_best_plan_so_far(stage: str):
    stop = threading.Event()
    seen: list[Progress] = []

    def stop_at(progress: Progress) -> None:
        seen.append(progress)
        if progress.stage == stage:
            stop.set()

    solution = solve_national(NATION, EXACT, on_progress=stop_at, stop=stop)
    assert_honest(NATION, [], solution)
    assert [progress.stage for progress in seen].count(stage) <= 2
    assert solution.proof.objective >= seen[0].incumbent


def test_gap_target_ends_the_search():
    solution = solve_national(NATION, SolveOptions(gap_frac=0.02))
    assert solution.proof.gap_frac <= 0.02
    assert_honest(NATION, [], solution)


def test_limits_that_cannot_hold_are_named():
    problem = sized_problem([1.0, 2.0], [[0], [1]], [0, 1], forced={0, 1})
    slots = NationalLimit("slots", np.ones((2, 1)), 1.0)
    with pytest.raises(InfeasibleError, match="slots"):
        solve_national(problem, EXACT, limits=[slots])


@pytest.mark.parametrize(
    ("use", "limit", "message"),
    [
        (np.ones((3, 1)), 1.0, "shape"),
        (-np.ones((2, 1)), 1.0, ">= 0"),
        (np.ones((2, 1)), math.nan, "limit"),
    ],
)
def test_limits_are_checked(use: np.ndarray, limit: float, message: str):
    problem = sized_problem([1.0, 2.0], [[0], [1]], [0, 1])
    with pytest.raises(ValueError, match=message):
        solve_national(problem, EXACT, limits=[NationalLimit("slots", use, limit)])


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (sized_problem([], [], []), 0.0),
        (sized_problem([1.0], [[]], [0]), 0.0),
        (sized_problem([0.0], [[0]], [0]), 0.0),
        (sized_problem([1.0, 2.0], [[0], [1]], [0, 1], num_stations=0), 0.0),
        (sized_problem([1.0, 2.0], [[0], [1]], [0, 1], num_stations=1), 2.0),
        (sized_problem([1.0, 2.0], [[0], [1]], [0, 1], num_stations=1, forced={0}), 1.0),
        (sized_problem([1.0, 2.0], [[0], [1]], [0, 1], forbidden={1}), 1.0),
        (sized_problem([1.0, 2.0], [[0, 1], [0, 1]], [0, 1]), 3.0),
        (sized_problem([1.0, 2.0], [[0], [1]], [0, 1], budget=1.0), 2.0),
        (sized_problem([1.0, 2.0], [[0], [1]], [0, 1], budget=0.0), 0.0),
        (sized_problem([1.0, 2.0], [[0], [1]], [0, 1], max_stations=[1, 0]), 1.0),
        (sized_problem([1.0, 2.0], [[0], [1]], [0, 1], num_stations=1, min_stations=[1, 0]), 1.0),
        (sized_problem([4.0], [[0], [0]], [0, 1], capacity=(1.0,)), 2.0),
    ],
)
def test_edges(problem: SizedCoverageProblem, expected: float):
    solution = solve_national(problem, EXACT)
    assert solution.proof.objective == pytest.approx(expected)
    assert solution.proof.status is Status.OPTIMAL
    assert_honest(problem, [], solution)


def test_tuning_limits_the_work():
    tuning = Tuning(max_stalls=0, max_visits=1, whole_arcs=0, moves_per_site=4, around=())
    options = SolveOptions(gap_frac=0.0, deterministic=True)
    quick = solve_national(NATION, options, tuning=tuning)
    calm = solve_national(NATION, options)
    assert_honest(NATION, [], quick)
    assert quick.num_plans < calm.num_plans
    steps, more = (
        [each.message for each in found.proof.history if "all over" not in each.message]
        for found in (quick, calm)
    )
    assert len(steps) < len(more)


class Counting(Executor):
    """Answers at once, in this process, and counts the exact searches."""

    def __init__(self) -> None:
        self.num_exact = 0

    def submit(self, fn, /, *args, **kwargs):
        self.num_exact += args[1].seconds > 0.0
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.mark.parametrize("deterministic", [False, True])
def test_only_the_cities_that_hold_the_gap_are_searched_exactly(deterministic: bool):
    problem = random_nation(4, num_cities=12)
    problem = replace(problem, load=3.0 * problem.load)
    executor = Counting()
    tuning = Tuning(whole_arcs=0, batch_cities=1, moves_per_site=20)
    options = SolveOptions(gap_frac=0.02, deterministic=deterministic)
    solution = solve_national(problem, options, executor=executor, tuning=tuning)
    assert_honest(problem, [], solution)
    assert solution.proof.gap_frac <= 0.02
    assert 0 < executor.num_exact < 12


def test_the_first_plan_rounds_the_relaxation():
    options = SolveOptions(gap_frac=0.02, deterministic=True)
    executor = Counting()
    tuning = Tuning(whole_arcs=0, moves_per_site=0)
    plenty = replace(NATION, capacity=np.full(NATION.capacity.shape, 1e6))
    solution = solve_national(plenty, options, executor=executor, tuning=tuning)
    assert solution.proof.gap_frac <= 0.02
    assert executor.num_exact == 0


def test_bounds_of_covering_hold_for_other_loads_and_for_nothing_else():
    tuning = Tuning(whole_arcs=0)
    options = SolveOptions(gap_frac=0.0, deterministic=True)
    plenty = replace(NATION, capacity=np.full(NATION.capacity.shape, 1e6))
    first = solve_national(plenty, options, tuning=tuning)

    def bound_at_start(problem: SizedCoverageProblem) -> float:
        seen: list[Progress] = []
        solution = solve_national(
            problem, options, start=first.end, tuning=tuning, on_progress=seen.append
        )
        assert_honest(problem, [], solution)
        return seen[0].bound

    of_prices = first.end.price @ [NATION.rules.most] + math.fsum(first.end.cover_bound)
    assert of_prices <= first.priced_bound
    assert bound_at_start(replace(NATION, load=1.1 * NATION.load)) == pytest.approx(
        first.priced_bound, rel=1e-9
    )
    coverage = replace(NATION.coverage, value=NATION.coverage.value * 1.5)
    assert bound_at_start(replace(NATION, coverage=coverage)) > 1.4 * first.priced_bound


def test_cities_move_stations_to_where_full_ones_turn_load_away():
    # Two sites cover all there is, but carry a tenth; covering alone opens no more.
    problem = sized_problem(
        [1.0] * 20,
        [list(range(10)), list(range(10, 20)), *([k] for k in range(20))],
        [0] * 22,
        num_stations=12,
        load=[1.0] * 20,
        capacity=(1.0,),
        cost=(1.0,),
    )
    options = SolveOptions(gap_frac=0.0, deterministic=True)
    found = solve_national(problem, options, tuning=Tuning(whole_arcs=0))
    assert found.proof.objective == pytest.approx(12.0)
