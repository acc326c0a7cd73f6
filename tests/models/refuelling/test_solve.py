import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner.arrays import Lists
from planner.errors import InfeasibleError
from planner.models.refuelling.problem import FlowRefuelling, FlowRefuellingProblem
from planner.models.refuelling.solve import solve_flow_refuelling
from planner.models.refuelling.tuning import Tuning
from planner.solving.options import SolveOptions
from planner.solving.rules import SiteRules
from planner.solving.status import Status

DETERMINISTIC = SolveOptions(gap_frac=0.0, deterministic=True)


def flow_problem(
    paths: list[tuple[float, int, list[list[int]]]],
    num_sites: int,
    num_stations: int,
    *,
    forced: set[int] = frozenset(),
    forbidden: set[int] = frozenset(),
    cost: list[float] | None = None,
    budget: float = math.inf,
    capacity: list[float] | None = None,
    load: list[float] | None = None,
    season: list[int] | None = None,
) -> FlowRefuellingProblem:
    """Problem from (value, flow, cover sets) per path; site -1 - j is j on the way back."""
    sets = [each for _, _, needed in paths for each in needed]
    members = [site for each in sets for site in each]
    sites = np.array([site if site >= 0 else -1 - site for site in members], dtype=np.int32)
    return FlowRefuellingProblem(
        value=np.array([value for value, _, _ in paths], dtype=np.float64),
        flow_idx=np.array([flow for _, flow, _ in paths], dtype=np.int64),
        needs=Lists(
            np.cumsum([0, *(len(needed) for _, _, needed in paths)]).astype(np.int64),
            np.arange(len(sets), dtype=np.int32),
        ),
        members=Lists(np.cumsum([0, *map(len, sets)]).astype(np.int64), sites),
        is_return=np.array(members, dtype=np.int64) < 0,
        load=np.array(load or [0.0] * len(paths)),
        season_idx=np.array(season or [0] * len(paths), dtype=np.int64),
        capacity=np.array(capacity or [np.inf] * num_sites),
        rules=SiteRules(
            forced=np.isin(np.arange(num_sites), list(forced)),
            forbidden=np.isin(np.arange(num_sites), list(forbidden)),
            cost=np.array(cost or [1.0] * num_sites, dtype=np.float64),
            budget=budget,
            least=0,
            most=num_stations,
        ),
    )


def with_stations(problem: FlowRefuellingProblem, most: int) -> FlowRefuellingProblem:
    return replace(problem, rules=replace(problem.rules, most=most))


def sets_of(problem: FlowRefuellingProblem, path: int) -> list[list[tuple[int, bool]]]:
    members = problem.members
    return [
        [
            (int(members.idx[at]), bool(problem.is_return[at]))
            for at in range(members.ptr[each], members.ptr[each + 1])
        ]
        for each in problem.needs.row(path)
    ]


def plain_value(problem: FlowRefuellingProblem, plan: set[int]) -> float:
    best: dict[int, float] = {}
    for path in range(problem.num_paths):
        if all(any(site in plan for site, _ in each) for each in sets_of(problem, path)):
            flow = int(problem.flow_idx[path])
            best[flow] = max(best.get(flow, 0.0), float(problem.value[path]))
    return sum(best.values())


def shared_value(problem: FlowRefuellingProblem, plan: set[int]) -> float:
    """Equations (2), (4) and (5) written out stop by stop, by scipy."""
    names: dict[tuple[object, ...], int] = {}
    for path in range(problem.num_paths):
        names[("u", path)] = len(names)
    for path in range(problem.num_paths):
        for each in sets_of(problem, path):
            for stop in each:
                names.setdefault(("w", path, *stop), len(names))
    rows, upper = [], []

    def row(entries: dict[tuple[object, ...], float], limit: float) -> None:
        line = np.zeros(len(names))
        for name, coefficient in entries.items():
            line[names[name]] += coefficient
        rows.append(line)
        upper.append(limit)

    for path in range(problem.num_paths):
        for each in sets_of(problem, path):
            entries = {("w", path, *stop): -1.0 for stop in each}
            row(entries | {("u", path): float(problem.load[path]) or 1.0}, 0.0)
    for flow in set(problem.flow_idx.tolist()):
        of_flow = np.flatnonzero(problem.flow_idx == flow).tolist()
        row({("u", path): 1.0 for path in of_flow}, 1.0)
    for site, season in itertools.product(range(problem.num_sites), range(2)):
        stops = [
            name for name in names
            if name[0] == "w" and name[2] == site and problem.season_idx[name[1]] == season
        ]  # fmt: skip
        limit = float(problem.capacity[site]) if site in plan else 0.0
        loads = [name for name in stops if problem.load[name[1]] > 0 or site not in plan]
        if math.isfinite(limit) and loads:
            row(dict.fromkeys(loads, 1.0), limit)
    worth = np.zeros(len(names))
    worth[: problem.num_paths] = -problem.value
    done = scipy.optimize.linprog(worth, np.array(rows), np.array(upper), method="highs")
    return -float(done.fun)


def plans(problem: FlowRefuellingProblem):
    forced = set(np.flatnonzero(problem.rules.forced).tolist())
    free = np.flatnonzero(~(problem.rules.forced | problem.rules.forbidden)).tolist()
    for size in range(problem.rules.most - len(forced) + 1):
        for extra in itertools.combinations(free, size):
            plan = forced | set(extra)
            if problem.rules.cost[sorted(plan)].sum() <= problem.rules.budget + 1e-9:
                yield plan


def assert_honest(problem: FlowRefuellingProblem, solution: FlowRefuelling) -> None:
    is_open = np.zeros(problem.num_sites, dtype=bool)
    is_open[solution.open_site_idx] = True
    assert is_open[problem.rules.forced].all()
    assert not is_open[problem.rules.forbidden].any()
    assert is_open.sum() <= problem.rules.most
    assert problem.rules.cost[is_open].sum() <= problem.rules.budget + 1e-9
    assert solution.proof.bound >= solution.proof.objective
    assert (solution.proof.status is Status.OPTIMAL) == (solution.proof.gap_frac <= 1e-9)
    assert (solution.driven_frac >= 0).all()
    shares = np.bincount(problem.flow_idx, solution.driven_frac)
    assert (shares <= 1 + 1e-6).all()
    total = float(solution.driven_frac @ problem.value)
    assert solution.proof.objective == pytest.approx(total, rel=1e-12)


@st.composite
def small_problems(draw: st.DrawFn) -> FlowRefuellingProblem:
    num_sites = draw(st.integers(1, 6))
    site = st.integers(-num_sites, num_sites - 1)
    path = st.tuples(
        st.integers(0, 9).map(float),
        st.integers(0, 4),
        st.lists(st.lists(site, max_size=3, unique=True), max_size=3),
    )
    paths = draw(st.lists(path, min_size=1, max_size=7))
    forced = draw(st.sets(st.integers(0, num_sites - 1), max_size=1))
    forbidden = draw(st.sets(st.integers(0, num_sites - 1), max_size=1)) - forced
    cost = draw(st.lists(st.integers(1, 5).map(float), min_size=num_sites, max_size=num_sites))
    spent = sum(cost[each] for each in forced)
    return flow_problem(
        paths,
        num_sites,
        draw(st.integers(len(forced), num_sites)),
        forced=forced,
        forbidden=forbidden,
        cost=cost,
        budget=draw(
            st.one_of(st.just(math.inf), st.integers(0, 12).map(lambda more: spent + more))
        ),
    )


@given(small_problems())
@settings(max_examples=12, deadline=None)
def test_agrees_with_brute_force(problem: FlowRefuellingProblem):
    solution = solve_flow_refuelling(problem, DETERMINISTIC)
    assert_honest(problem, solution)
    best = max(plain_value(problem, plan) for plan in plans(problem))
    assert solution.proof.objective == pytest.approx(best)
    assert solution.proof.status is Status.OPTIMAL


@given(small_problems())
@settings(max_examples=12, deadline=None)
def test_search_for_large_problems_keeps_its_word(problem: FlowRefuellingProblem):
    tuning = Tuning(exact_needs=-1, first_moves=500, region_sets=(2, 4), max_rounds=3)
    solution = solve_flow_refuelling(problem, DETERMINISTIC, tuning=tuning)
    assert_honest(problem, solution)
    best = max(plain_value(problem, plan) for plan in plans(problem))
    assert solution.proof.objective <= best + 1e-9 <= solution.proof.bound + 1e-6


@given(small_problems())
@settings(max_examples=12, deadline=None)
def test_more_stations_never_lower_the_objective(problem: FlowRefuellingProblem):
    assume(problem.rules.most < problem.num_sites)
    more = with_stations(problem, problem.rules.most + 1)
    lesser, greater = (solve_flow_refuelling(each, DETERMINISTIC) for each in (problem, more))
    assert greater.proof.objective >= lesser.proof.objective - 1e-9


@given(small_problems(), st.randoms(use_true_random=False))
@settings(max_examples=12, deadline=None)
def test_order_of_paths_and_sites_does_not_matter(problem: FlowRefuellingProblem, random):
    order, names = list(range(problem.num_paths)), list(range(problem.num_sites))
    random.shuffle(order)
    random.shuffle(names)  # site j becomes names[j]
    back = np.argsort(names)
    paths = [
        (
            float(problem.value[path]),
            int(problem.flow_idx[path]),
            [[names[site] if not back_way else -1 - names[site] for site, back_way in each]
             for each in sets_of(problem, path)],
        )
        for path in order
    ]  # fmt: skip
    shuffled = flow_problem(
        paths,
        problem.num_sites,
        problem.rules.most,
        forced=set(np.array(names)[problem.rules.forced].tolist()),
        forbidden=set(np.array(names)[problem.rules.forbidden].tolist()),
        cost=problem.rules.cost[back].tolist(),
        budget=problem.rules.budget,
    )
    first, second = (solve_flow_refuelling(each, DETERMINISTIC) for each in (problem, shuffled))
    assert first.proof.objective == pytest.approx(second.proof.objective)


@given(small_problems(), st.data())
@settings(max_examples=15, deadline=None)
def test_capacities_agree_with_brute_force(problem: FlowRefuellingProblem, data):
    count = problem.num_sites
    loads = data.draw(
        st.lists(st.integers(1, 4).map(float), min_size=problem.num_paths,
                 max_size=problem.num_paths)
    )  # fmt: skip
    seasons = data.draw(
        st.lists(st.integers(0, 1), min_size=problem.num_paths, max_size=problem.num_paths)
    )
    limited = replace(
        problem,
        load=np.array(loads),
        season_idx=np.array(seasons),
        capacity=np.array(
            data.draw(st.lists(st.integers(0, 6).map(float), min_size=count, max_size=count))
        ),
    )
    solution = solve_flow_refuelling(limited, DETERMINISTIC)
    assert_honest(limited, solution)
    best = max(shared_value(limited, plan) for plan in plans(limited))
    assert solution.proof.objective <= best + 1e-5
    assert solution.proof.bound >= best - 1e-5
    assert solution.proof.objective == pytest.approx(best, abs=1e-4)


def test_a_trip_needs_stations_both_ways():
    # The set on the way back is not the one on the way out: one station is worth nothing.
    problem = flow_problem([(5.0, 0, [[0], [1]])], 2, 1)
    assert solve_flow_refuelling(problem, DETERMINISTIC).proof.objective == 0.0
    assert solve_flow_refuelling(with_stations(problem, 2), DETERMINISTIC).proof.objective == 5.0


def test_swaps_both_ways_load_a_station_twice():
    # One stop each way at the same station: 2 x 3 swaps an hour on 3 of capacity serve half.
    problem = flow_problem([(8.0, 0, [[0], [-1]])], 1, 1, capacity=[3.0], load=[3.0])
    solution = solve_flow_refuelling(problem, DETERMINISTIC)
    assert solution.proof.objective == pytest.approx(4.0)
    twice = replace(problem, capacity=np.array([6.0]))
    assert solve_flow_refuelling(twice, DETERMINISTIC).proof.objective == pytest.approx(8.0)


def test_loads_of_two_seasons_do_not_add_up():
    paths = [(8.0, 0, [[0]]), (8.0, 1, [[0]])]
    together = flow_problem(paths, 1, 1, capacity=[3.0], load=[3.0, 3.0])
    apart = flow_problem(paths, 1, 1, capacity=[3.0], load=[3.0, 3.0], season=[0, 1])
    assert solve_flow_refuelling(together, DETERMINISTIC).proof.objective == pytest.approx(8.0)
    assert solve_flow_refuelling(apart, DETERMINISTIC).proof.objective == pytest.approx(16.0)


def test_forced_stations_beyond_a_limit_are_named():
    problem = flow_problem([(1.0, 0, [[0]])], 2, 0, forced={0})
    with pytest.raises(InfeasibleError, match="1 corridor stations are forced open"):
        solve_flow_refuelling(problem, DETERMINISTIC)
    dear = flow_problem([(1.0, 0, [[0]])], 2, 2, forced={0}, cost=[9.0, 1.0], budget=5.0)
    with pytest.raises(InfeasibleError, match="cost 9 CNY, the budget is 5 CNY"):
        solve_flow_refuelling(dear, DETERMINISTIC)


def test_regions_prove_what_the_relaxation_cannot():
    # Two triangles of stations, each with three trips that any two of them refuel (1.5, if halves
    # could be built), and three trips with a station of their own: the relaxation says 7.
    pairs = [[0, 1], [1, 2], [0, 2], [3, 4], [4, 5], [3, 5], [6], [7], [8]]
    problem = flow_problem([(1.0, flow, [each]) for flow, each in enumerate(pairs)], 9, 4)
    tuning = Tuning(exact_needs=-1, first_moves=1000, region_sets=(3,), max_rounds=2)
    solution = solve_flow_refuelling(problem, DETERMINISTIC, tuning=tuning)
    assert_honest(problem, solution)
    assert solution.proof.objective == 6.0
    assert solution.proof.bound == pytest.approx(6.0, abs=1e-2)


def test_same_seed_same_plan():
    rng = np.random.default_rng(3)
    paths = [
        (float(rng.integers(1, 20)), flow, [rng.choice(20, 3, replace=False).tolist()
                                            for _ in range(rng.integers(1, 4))])
        for flow in range(40)
    ]  # fmt: skip
    problem = flow_problem(paths, 20, 5)
    first, second = (solve_flow_refuelling(problem, DETERMINISTIC) for _ in range(2))
    assert first.open_site_idx.tolist() == second.open_site_idx.tolist()
    assert (first.proof.objective, first.proof.bound) == (
        second.proof.objective,
        second.proof.bound,
    )
