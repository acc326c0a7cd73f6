import itertools
import math
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InfeasibleError
from planner.models.set_cover import (
    SetCoverSolution,
    covered_zones,
    set_cover_model,
    solve_set_cover,
)
from planner.problem import SetCoverProblem
from planner.solving.options import SolveOptions
from planner.solving.status import Status

GOLDEN = Path(__file__).parent / "golden" / "set_cover.lp"
EXACT = SolveOptions(gap_frac=0.0)


def cover_problem(
    reach: list[list[int]],
    num_zones: int,
    *,
    value: list[float] | None = None,
    need: list[int] | None = None,
    cost: list[float] | None = None,
    forced: set[int] = frozenset(),
    forbidden: set[int] = frozenset(),
    min_share: float = 1.0,
    min_stations: int = 0,
    max_stations: int = 99,
    budget: float = math.inf,
) -> SetCoverProblem:
    """Problem from one list of zones per site."""
    sites = np.arange(len(reach))
    return SetCoverProblem(
        value=np.ones(num_zones) if value is None else np.array(value, dtype=np.float64),
        need=np.ones(num_zones, dtype=np.int64) if need is None else np.array(need, dtype=np.int64),
        reach_ptr=np.cumsum([0, *map(len, reach)]).astype(np.int64),
        reach_zone_idx=np.array(list(itertools.chain(*reach)), dtype=np.int32),
        cost=np.ones(len(sites)) if cost is None else np.array(cost, dtype=np.float64),
        forced=np.isin(sites, list(forced)),
        forbidden=np.isin(sites, list(forbidden)),
        min_share=min_share,
        min_stations=min_stations,
        max_stations=max_stations,
        budget=budget,
    )


def is_allowed(problem: SetCoverProblem, plan: set[int]) -> bool:
    forced, forbidden = (set(np.flatnonzero(lock)) for lock in (problem.forced, problem.forbidden))
    near = np.zeros(problem.num_zones)
    for site in plan:
        first, last = problem.reach_ptr[site : site + 2]
        near[problem.reach_zone_idx[first:last]] += 1
    covered = near >= problem.need
    asked = problem.min_share * problem.value.sum()
    enough = (
        covered.all() if problem.min_share == 1 else problem.value[covered].sum() >= asked - 1e-7
    )
    return bool(
        enough
        and forced <= plan
        and not forbidden & plan
        and problem.min_stations <= len(plan) <= problem.max_stations
        and sum(problem.cost[list(plan)]) <= problem.budget + 1e-9
    )


def brute_force(problem: SetCoverProblem) -> float:
    plans = itertools.chain.from_iterable(
        itertools.combinations(range(problem.num_sites), size)
        for size in range(problem.num_sites + 1)
    )
    costs = (sum(problem.cost[list(one)]) for one in plans if is_allowed(problem, set(one)))
    return min(costs, default=math.inf)


def assert_honest(problem: SetCoverProblem, solution: SetCoverSolution) -> None:
    plan = solution.open_site_idx
    assert is_allowed(problem, set(plan.tolist()))
    assert solution.objective == pytest.approx(problem.cost[plan].sum())
    assert solution.bound <= solution.objective
    assert (solution.status is Status.OPTIMAL) == (solution.gap_frac <= 1e-9)
    assert (solution.covered == covered_zones(problem, plan)).all()


@st.composite
def small_problems(draw: st.DrawFn) -> SetCoverProblem:
    num_zones, num_sites = draw(st.integers(1, 8)), draw(st.integers(1, 7))
    zones = st.sets(st.integers(0, num_zones - 1)).map(sorted)
    lock = draw(
        st.lists(
            st.sampled_from(["free", "free", "free", "forced", "forbidden"]),
            min_size=num_sites, max_size=num_sites,
        )
    )  # fmt: skip

    def numbers(values: list[float], size: int) -> list[float]:
        return draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))

    return cover_problem(
        draw(st.lists(zones, min_size=num_sites, max_size=num_sites)),
        num_zones,
        value=numbers([0.0, 0.3, 1.0, 2.5], num_zones),
        need=numbers([0, 1, 1, 2], num_zones),
        cost=numbers([0.0, 1.0, 1.7, 3.0], num_sites),
        forced={site for site in range(num_sites) if lock[site] == "forced"},
        forbidden={site for site in range(num_sites) if lock[site] == "forbidden"},
        min_share=draw(st.sampled_from([0.0, 0.4, 0.75, 1.0])),
        min_stations=draw(st.integers(0, 2)),
        max_stations=draw(st.integers(1, 8)),
        budget=draw(st.sampled_from([math.inf, 6.0, 3.0])),
    )


def objective_of(problem: SetCoverProblem) -> float:
    try:
        return solve_set_cover(problem, EXACT).objective
    except InfeasibleError:
        return math.inf


@given(small_problems())
@settings(max_examples=150, deadline=None)
def test_agrees_with_brute_force(problem: SetCoverProblem):
    best = brute_force(problem)
    if math.isinf(best):
        with pytest.raises(InfeasibleError):
            solve_set_cover(problem, EXACT)
        return
    solution = solve_set_cover(problem, EXACT)
    assert solution.status is Status.OPTIMAL
    assert solution.objective == pytest.approx(best, abs=1e-9)
    assert_honest(problem, solution)


@given(small_problems())
@settings(max_examples=30, deadline=None)
def test_asking_less_never_worsens(problem: SetCoverProblem):
    before = objective_of(problem) + 1e-9
    assert objective_of(replace(problem, max_stations=problem.max_stations + 1)) <= before
    assert objective_of(replace(problem, budget=problem.budget + 1.0)) <= before
    assert objective_of(replace(problem, min_share=problem.min_share / 2)) <= before
    assert objective_of(replace(problem, need=np.maximum(problem.need - 1, 0))) <= before


@given(small_problems(), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_does_not_matter(problem: SetCoverProblem, random):
    zones, sites = list(range(problem.num_zones)), list(range(problem.num_sites))
    random.shuffle(zones)
    random.shuffle(sites)
    new_zone = {old: new for new, old in enumerate(zones)}
    reach = [
        sorted(
            new_zone[zone]
            for zone in problem.reach_zone_idx[
                problem.reach_ptr[site] : problem.reach_ptr[site + 1]
            ].tolist()
        )
        for site in sites
    ]
    shuffled = replace(
        cover_problem(reach, len(zones)),
        value=problem.value[zones], need=problem.need[zones], cost=problem.cost[sites],
        forced=problem.forced[sites], forbidden=problem.forbidden[sites],
        min_share=problem.min_share, min_stations=problem.min_stations,
        max_stations=problem.max_stations, budget=problem.budget,
    )  # fmt: skip
    assert objective_of(shuffled) == pytest.approx(objective_of(problem), abs=1e-9)


def random_problem(num_zones: int, num_sites: int, radius: float) -> SetCoverProblem:
    rng = np.random.default_rng(1)
    zones, sites = rng.random((num_zones, 2)), rng.random((num_sites, 2))
    near = np.linalg.norm(sites[:, None] - zones[None], axis=2) <= radius
    near[np.linalg.norm(sites[:, None] - zones[None], axis=2).argmin(axis=0), range(num_zones)] = 1
    reach = [np.flatnonzero(row).tolist() for row in near]
    return cover_problem(reach, num_zones, max_stations=num_sites)


def test_time_limit_and_stop_are_honest():
    problem = random_problem(3000, 1500, 0.05)
    stop = threading.Event()
    stop.set()
    for options, event in ((SolveOptions(gap_frac=0.0, time_limit_s=1.0), None), (EXACT, stop)):
        solution = solve_set_cover(problem, options, stop=event)
        assert_honest(problem, solution)
        assert solution.wall_s < 8.0


def test_same_seed_same_plan():
    problem = replace(random_problem(200, 80, 0.12), min_share=0.8)
    options = SolveOptions(gap_frac=0.0, deterministic=True)
    first, second = (solve_set_cover(problem, options) for _ in range(2))
    assert first.open_site_idx.tolist() == second.open_site_idx.tolist()
    assert_honest(problem, first)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (cover_problem([[0], [0]], 2), "1 zones have too few sites.*position 1"),
        (cover_problem([[0], [1]], 3, min_share=0.9), "cover 66.6667% .* 90.0000%"),
        (cover_problem([[0], [0]], 1, forced={0, 1}, max_stations=1), "2 sites are forced"),
        (cover_problem([[0], [0]], 1, min_stations=3), "at least 3"),
        (cover_problem([[0], [0]], 1, forced={0}, cost=[5, 1], budget=4), "cost 5.00"),
        (cover_problem([[0], [1]], 2, max_stations=1), "no choice of stations"),
        (cover_problem([[0]], 1, need=[2]), "too few sites"),
    ],
)
def test_what_cannot_be_kept_is_named(problem: SetCoverProblem, message: str):
    with pytest.raises(InfeasibleError, match=message):
        solve_set_cover(problem, EXACT)


def test_several_stations_near_each_zone():
    problem = cover_problem([[0], [0, 1], [1], [0, 1]], 2, need=[2, 2])
    solution = solve_set_cover(problem, EXACT)
    assert solution.open_site_idx.tolist() == [1, 3]
    assert solution.share == 1.0


def test_nothing_to_cover_costs_nothing():
    solution = solve_set_cover(cover_problem([[]], 0), EXACT)
    assert (solution.status, solution.objective, solution.share) == (Status.OPTIMAL, 0.0, 1.0)


def test_golden_model():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    problem = cover_problem(
        [[0, 1], [1, 2], [2, 3]], 4, value=[1, 2, 3, 4], need=[1, 2, 1, 0], cost=[2, 3, 4],
        forced={2}, min_share=0.5, min_stations=1, max_stations=2, budget=8.0,
    )  # fmt: skip
    text = str(set_cover_model(problem).proto)
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
