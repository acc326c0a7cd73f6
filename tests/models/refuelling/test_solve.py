import itertools
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner.errors import InfeasibleError
from planner.models.refuelling import solve as flow_refuelling
from planner.models.refuelling.cheapest import cheapest_flow_refuelling
from planner.models.refuelling.dual import improve_bound
from planner.models.refuelling.presolve import reduce_flows
from planner.models.refuelling.problem import FlowRefuellingProblem
from planner.models.refuelling.solve import FlowRefuelling, refuelling_mip, solve_flow_refuelling
from planner.solving.options import SolveOptions
from planner.solving.status import Status

GOLDEN = Path(__file__).parent / "golden" / "flow_refuelling.lp"
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
    sites = np.array([site if site >= 0 else -1 - site for site in members], dtype=np.int64)
    return FlowRefuellingProblem(
        value=np.array([value for value, _, _ in paths], dtype=np.float64),
        flow_idx=np.array([flow for _, flow, _ in paths], dtype=np.int64),
        path_ptr=np.cumsum([0, *(len(needed) for _, _, needed in paths)]).astype(np.int64),
        path_set_idx=np.arange(len(sets)),
        set_ptr=np.cumsum([0, *map(len, sets)]).astype(np.int64),
        set_site_idx=sites,
        set_is_return=np.array(members, dtype=np.int64) < 0,
        load=np.array(load or [0.0] * len(paths)),
        season_idx=np.array(season or [0] * len(paths), dtype=np.int64),
        capacity=np.array(capacity or [np.inf] * num_sites),
        cost=np.array(cost or [1.0] * num_sites, dtype=np.float64),
        forced=np.isin(np.arange(num_sites), list(forced)),
        forbidden=np.isin(np.arange(num_sites), list(forbidden)),
        num_stations=num_stations,
        budget=budget,
    )


def sets_of(problem: FlowRefuellingProblem, path: int) -> list[list[tuple[int, bool]]]:
    needed = problem.path_set_idx[problem.path_ptr[path] : problem.path_ptr[path + 1]]
    return [
        [
            (int(problem.set_site_idx[at]), bool(problem.set_is_return[at]))
            for at in range(problem.set_ptr[each], problem.set_ptr[each + 1])
        ]
        for each in needed
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
    forced = set(np.flatnonzero(problem.forced).tolist())
    free = np.flatnonzero(~(problem.forced | problem.forbidden)).tolist()
    for size in range(problem.num_stations - len(forced) + 1):
        for extra in itertools.combinations(free, size):
            plan = forced | set(extra)
            if problem.cost[sorted(plan)].sum() <= problem.budget + 1e-9:
                yield plan


def assert_honest(problem: FlowRefuellingProblem, solution: FlowRefuelling) -> None:
    is_open = np.zeros(problem.num_sites, dtype=bool)
    is_open[solution.open_site_idx] = True
    assert is_open[problem.forced].all()
    assert not is_open[problem.forbidden].any()
    assert is_open.sum() <= problem.num_stations
    assert problem.cost[is_open].sum() <= problem.budget + 1e-9
    assert solution.bound >= solution.objective
    assert (solution.status is Status.OPTIMAL) == (solution.gap_frac <= 1e-9)
    assert (solution.driven_frac >= 0).all()
    shares = np.bincount(problem.flow_idx, solution.driven_frac)
    assert (shares <= 1 + 1e-6).all()
    total = float(solution.driven_frac @ problem.value)
    assert solution.objective == pytest.approx(total, rel=1e-12)


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
    assert solution.objective == pytest.approx(best)
    assert solution.status is Status.OPTIMAL


@given(small_problems())
@settings(max_examples=12, deadline=None)
def test_search_for_large_problems_keeps_its_word(problem: FlowRefuellingProblem):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow_refuelling, "EXACT_NEEDS", -1)
        patch.setattr(flow_refuelling, "FIRST_MOVES", 500)
        patch.setattr(flow_refuelling, "REGION_SETS", (2, 4))
        patch.setattr(flow_refuelling, "MAX_ROUNDS", 3)
        solution = solve_flow_refuelling(problem, DETERMINISTIC)
    assert_honest(problem, solution)
    best = max(plain_value(problem, plan) for plan in plans(problem))
    assert solution.objective <= best + 1e-9 <= solution.bound + 1e-6


@given(small_problems())
@settings(max_examples=12, deadline=None)
def test_more_stations_never_lower_the_objective(problem: FlowRefuellingProblem):
    assume(problem.num_stations < problem.num_sites)
    more = replace(problem, num_stations=problem.num_stations + 1)
    lesser, greater = (solve_flow_refuelling(each, DETERMINISTIC) for each in (problem, more))
    assert greater.objective >= lesser.objective - 1e-9


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
        problem.num_stations,
        forced=set(np.array(names)[problem.forced].tolist()),
        forbidden=set(np.array(names)[problem.forbidden].tolist()),
        cost=problem.cost[back].tolist(),
        budget=problem.budget,
    )
    first, second = (solve_flow_refuelling(each, DETERMINISTIC) for each in (problem, shuffled))
    assert first.objective == pytest.approx(second.objective)


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
    assert solution.objective <= best + 1e-5
    assert solution.bound >= best - 1e-5
    assert solution.objective == pytest.approx(best, abs=1e-4)


@given(small_problems(), st.floats(0.0, 1.0))
@settings(max_examples=12, deadline=None)
def test_cheapest_variant_agrees_with_brute_force(problem: FlowRefuellingProblem, share: float):
    wanted = share * plain_value(problem, set(np.flatnonzero(~problem.forbidden).tolist()))
    costs = [
        float(problem.cost[sorted(plan)].sum())
        for plan in plans(problem)
        if plain_value(problem, plan) >= wanted - 1e-9
    ]
    if not costs:
        with pytest.raises(InfeasibleError):
            cheapest_flow_refuelling(problem, wanted, DETERMINISTIC)
        return
    solution = cheapest_flow_refuelling(problem, wanted, DETERMINISTIC)
    assert solution.objective == pytest.approx(min(costs))
    assert solution.status is Status.OPTIMAL
    assert solution.driven_frac @ problem.value >= wanted - 1e-6


def test_a_large_cheapest_problem_is_bounded_from_both_sides(monkeypatch: pytest.MonkeyPatch):
    # Ten roads of their own, each refuelled by one of its two stations.
    paths = [(float(10 - road), road, [[2 * road, 2 * road + 1]]) for road in range(10)]
    problem = flow_problem(paths, 20, 20)
    monkeypatch.setattr(flow_refuelling, "EXACT_NEEDS", -1)
    monkeypatch.setattr(flow_refuelling, "FIRST_MOVES", 2000)
    solution = cheapest_flow_refuelling(problem, 27.0, SolveOptions(time_limit_s=3.0))
    assert solution.objective == 3.0  # 10 + 9 + 8
    assert 0.0 < solution.bound <= 3.0


def test_a_trip_needs_stations_both_ways():
    # The set on the way back is not the one on the way out: one station is worth nothing.
    problem = flow_problem([(5.0, 0, [[0], [1]])], 2, 1)
    assert solve_flow_refuelling(problem, DETERMINISTIC).objective == 0.0
    assert solve_flow_refuelling(replace(problem, num_stations=2), DETERMINISTIC).objective == 5.0


def test_swaps_both_ways_load_a_station_twice():
    # One stop each way at the same station: 2 x 3 swaps an hour on 3 of capacity serve half.
    problem = flow_problem([(8.0, 0, [[0], [-1]])], 1, 1, capacity=[3.0], load=[3.0])
    solution = solve_flow_refuelling(problem, DETERMINISTIC)
    assert solution.objective == pytest.approx(4.0)
    twice = replace(problem, capacity=np.array([6.0]))
    assert solve_flow_refuelling(twice, DETERMINISTIC).objective == pytest.approx(8.0)


def test_loads_of_two_seasons_do_not_add_up():
    paths = [(8.0, 0, [[0]]), (8.0, 1, [[0]])]
    together = flow_problem(paths, 1, 1, capacity=[3.0], load=[3.0, 3.0])
    apart = flow_problem(paths, 1, 1, capacity=[3.0], load=[3.0, 3.0], season=[0, 1])
    assert solve_flow_refuelling(together, DETERMINISTIC).objective == pytest.approx(8.0)
    assert solve_flow_refuelling(apart, DETERMINISTIC).objective == pytest.approx(16.0)


def test_forced_stations_beyond_a_limit_are_named():
    problem = flow_problem([(1.0, 0, [[0]])], 2, 0, forced={0})
    with pytest.raises(InfeasibleError, match="1 corridor stations are forced open"):
        solve_flow_refuelling(problem, DETERMINISTIC)
    dear = flow_problem([(1.0, 0, [[0]])], 2, 2, forced={0}, cost=[9.0, 1.0], budget=5.0)
    with pytest.raises(InfeasibleError, match="cost 9 CNY, the budget is 5 CNY"):
        solve_flow_refuelling(dear, DETERMINISTIC)


def test_multipliers_bound_the_relaxation():
    # Three roads, pairwise sharing: halves of three stations refuel all that two cannot.
    paths = [(1.0, 0, [[0], [1]]), (1.0, 1, [[1], [2]]), (1.0, 2, [[0], [2]])]
    rows = reduce_flows(flow_problem(paths, 3, 2))
    bounds = [dual.bound for dual, _ in zip(improve_bound(rows), range(20), strict=False)]
    assert (np.diff(bounds) <= 1e-12).all()
    assert bounds[-1] == pytest.approx(2.0, abs=1e-3)  # y = 2/3 each
    assert solve_flow_refuelling(flow_problem(paths, 3, 2), DETERMINISTIC).objective == 1.0


def test_regions_prove_what_the_relaxation_cannot(monkeypatch: pytest.MonkeyPatch):
    # Two triangles of stations, each with three trips that any two of them refuel (1.5, if halves
    # could be built), and three trips with a station of their own: the relaxation says 7.
    pairs = [[0, 1], [1, 2], [0, 2], [3, 4], [4, 5], [3, 5], [6], [7], [8]]
    problem = flow_problem([(1.0, flow, [each]) for flow, each in enumerate(pairs)], 9, 4)
    monkeypatch.setattr(flow_refuelling, "EXACT_NEEDS", -1)
    monkeypatch.setattr(flow_refuelling, "FIRST_MOVES", 1000)
    monkeypatch.setattr(flow_refuelling, "REGION_SETS", (3,))
    monkeypatch.setattr(flow_refuelling, "MAX_ROUNDS", 2)
    solution = solve_flow_refuelling(problem, DETERMINISTIC)
    assert_honest(problem, solution)
    assert solution.objective == 6.0
    assert solution.bound == pytest.approx(6.0, abs=1e-2)


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
    assert (first.objective, first.bound) == (second.objective, second.bound)


def test_golden_lp():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    problem = flow_problem(
        [
            (3.0, 0, [[0, 1], [1, 2, -3]]),
            (2.0, 0, [[3]]),
            (5.0, 1, [[0, 4], [2]]),
            (7.0, 2, [[4, 5], [1, 3]]),
            (1.0, 3, []),
        ],
        7,
        3,
        forced={6},
        cost=[2.0, 3.0, 2.0, 1.0, 4.0, 1.0, 1.0],
        budget=8.0,
    )
    text = refuelling_mip(reduce_flows(problem)).export_to_lp_string()
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
