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

from planner.arrays import Lists
from planner.errors import InfeasibleError
from planner.geodesy import to_sphere_km
from planner.models.p_median.model import p_median_mip
from planner.models.p_median.problem import PairDistances, PMedianProblem, PointDistances
from planner.models.p_median.solve import PMedianSolution, solve_p_median
from planner.models.p_median.state import p_median_cost
from planner.models.p_median.tuning import Tuning
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress
from planner.solving.rules import CityLimits, SiteRules
from planner.solving.status import Status

GOLDEN = Path(__file__).parent / "golden"
EXACT = SolveOptions(gap_frac=0.0)
DETERMINISTIC = SolveOptions(gap_frac=0.0, deterministic=True)


def pairs(rows: list[dict[int, float]], num_sites: int, unserved: float) -> PairDistances:
    """Distances from one dictionary per zone."""
    return PairDistances(
        sites=Lists.of(rows),
        distance=np.array([far for row in rows for far in row.values()], dtype=np.float64),
        unserved=unserved,
        num_sites=num_sites,
    )


def median_problem(
    weight: list[float],
    distances: PairDistances | PointDistances,
    max_stations: int,
    *,
    min_stations: int = 0,
    forced: set[int] = frozenset(),
    forbidden: set[int] = frozenset(),
    cost: list[float] | None = None,
    budget: float = math.inf,
    cities: CityLimits | None = None,
) -> PMedianProblem:
    sites = np.arange(distances.num_sites)
    return PMedianProblem(
        weight=np.array(weight, dtype=np.float64),
        distances=distances,
        rules=SiteRules(
            forced=np.isin(sites, list(forced)),
            forbidden=np.isin(sites, list(forbidden)),
            cost=np.zeros(len(sites)) if cost is None else np.array(cost, dtype=np.float64),
            budget=budget,
            least=min_stations,
            most=max_stations,
            cities=cities,
        ),
    )


def with_rules(problem: PMedianProblem, **change: object) -> PMedianProblem:
    return replace(problem, rules=replace(problem.rules, **change))


def by_city(city: list[int], least: list[int], most: list[int]) -> CityLimits:
    return CityLimits(np.array(city, dtype=np.int32), np.array(least), np.array(most))


def plain_distance(problem: PMedianProblem, zone: int, site: int) -> float:
    distances = problem.distances
    if isinstance(distances, PairDistances):
        first, last = distances.sites.ptr[zone : zone + 2]
        listed = dict(
            zip(distances.sites.idx[first:last], distances.distance[first:last], strict=True)
        )
        return float(listed.get(site, distances.unserved))
    far = math.dist(distances.zone_xyz[zone], distances.site_xyz[site])
    return math.floor(far) if distances.whole else far


def plain_cost(problem: PMedianProblem, plan: set[int]) -> float:
    none = getattr(problem.distances, "unserved", math.inf)
    return sum(
        float(weight) * min([none, *(plain_distance(problem, zone, site) for site in plan)])
        for zone, weight in enumerate(problem.weight)
        if weight > 0
    )


def is_allowed(problem: PMedianProblem, plan: set[int]) -> bool:
    forced, forbidden = (
        set(np.flatnonzero(lock)) for lock in (problem.rules.forced, problem.rules.forbidden)
    )
    return (
        forced <= plan
        and not forbidden & plan
        and problem.rules.least <= len(plan) <= problem.rules.most
        and math.fsum(problem.rules.cost[list(plan)]) <= problem.rules.budget
        and (bool(plan) or isinstance(problem.distances, PairDistances) or not problem.weight.any())
        and keeps_cities(problem.rules.cities, plan)
    )


def keeps_cities(cities: CityLimits | None, plan: set[int]) -> bool:
    if cities is None:
        return True
    numbers = [0] * len(cities.min_stations)
    for site in plan:
        numbers[cities.city_idx[site]] += 1
    limits = zip(cities.min_stations, numbers, cities.max_stations, strict=True)
    return all(least <= number <= most for least, number, most in limits)


def brute_force(problem: PMedianProblem) -> float:
    """Cost of the best of all plans; inf if there is none."""
    plans = itertools.chain.from_iterable(
        itertools.combinations(range(problem.num_sites), size)
        for size in range(problem.num_sites + 1)
    )
    costs = (plain_cost(problem, set(plan)) for plan in plans if is_allowed(problem, set(plan)))
    return min(costs, default=math.inf)


def assert_honest(problem: PMedianProblem, solution: PMedianSolution) -> None:
    """Everything a reader may rely on, whatever ended the search."""
    plan = set(solution.open_site_idx.tolist())
    assert (np.diff(solution.open_site_idx) > 0).all()
    assert is_allowed(problem, plan)
    assert solution.proof.objective == pytest.approx(plain_cost(problem, plan), rel=1e-12)
    assert solution.proof.bound <= solution.proof.objective
    assert (solution.proof.status is Status.OPTIMAL) == (solution.proof.gap_frac <= 1e-9)
    assert set(solution.zone_site_idx.tolist()) <= plan | {-1}
    counts = problem.weight > 0
    assert solution.proof.objective == pytest.approx(
        float(problem.weight[counts] @ solution.zone_distance[counts]), rel=1e-12
    )


def random_points(seed: int, num: int, num_sites: int, p: int, *, whole: bool) -> PMedianProblem:
    rng = np.random.default_rng(seed)
    points = PointDistances(
        rng.uniform(0, 1000, (num, 2)), rng.uniform(0, 1000, (num_sites, 2)), whole=whole
    )
    weight = rng.integers(1, 9, num) if whole else rng.lognormal(0.0, 1.0, num)
    return median_problem(weight.tolist(), points, p)


MEDIUM = random_points(3, 700, 300, 20, whole=False)


@st.composite
def small_problems(draw: st.DrawFn) -> PMedianProblem:
    """Up to 7 sites and 9 zones, pairs or points, locks, numbers, by city too, and budgets."""
    num_zones, num_sites = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    if draw(st.booleans()):
        far = st.sampled_from([0.0, 1.0, 1.5, 2.0, 7.0, 10.0])
        rows = draw(
            st.lists(
                st.dictionaries(st.integers(0, num_sites - 1), far),
                min_size=num_zones,
                max_size=num_zones,
            )
        )
        distances: PairDistances | PointDistances = pairs(rows, num_sites, 10.0)
    else:
        place = st.tuples(st.integers(0, 20), st.integers(0, 20))
        zones, sites = (
            np.array(draw(st.lists(place, min_size=num, max_size=num)), dtype=np.float64)
            for num in (num_zones, num_sites)
        )
        distances = PointDistances(zones, sites, whole=draw(st.booleans()))
    lock = draw(
        st.lists(
            st.sampled_from(["free", "free", "free", "forced", "forbidden"]),
            min_size=num_sites,
            max_size=num_sites,
        )
    )
    cities = None
    if draw(st.booleans()):
        num_cities = draw(st.integers(1, 3))
        city = st.integers(0, num_cities - 1)
        least, room = (
            draw(st.lists(st.integers(0, up_to), min_size=num_cities, max_size=num_cities))
            for up_to in (2, 3)
        )
        cities = by_city(
            draw(st.lists(city, min_size=num_sites, max_size=num_sites)),
            least,
            [a + b for a, b in zip(least, room, strict=True)],
        )
    values = st.sampled_from([0.0, 1.0, 2.0, 2.5, 100.0])
    money = st.sampled_from([0.0, 1.0, 3.0, 4.5])
    return median_problem(
        draw(st.lists(values, min_size=num_zones, max_size=num_zones)),
        distances,
        draw(st.integers(0, num_sites + 1)),
        min_stations=draw(st.integers(0, 3)),
        forced={site for site in range(num_sites) if lock[site] == "forced"},
        forbidden={site for site in range(num_sites) if lock[site] == "forbidden"},
        cost=draw(st.lists(money, min_size=num_sites, max_size=num_sites)),
        budget=draw(st.sampled_from([math.inf, 10.0, 5.0, 3.5])),
        cities=cities,
    )


def objective_of(problem: PMedianProblem) -> float:
    try:
        return solve_p_median(problem, DETERMINISTIC).proof.objective
    except InfeasibleError:
        return math.inf


@given(small_problems())
@settings(max_examples=200, deadline=None)
def test_agrees_with_brute_force(problem: PMedianProblem):
    best = brute_force(problem)
    if math.isinf(best):
        with pytest.raises(InfeasibleError):
            solve_p_median(problem, EXACT)
        return
    solution = solve_p_median(problem, EXACT)
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == pytest.approx(best, rel=1e-9)
    assert_honest(problem, solution)


@given(small_problems())
@settings(max_examples=40, deadline=None)
def test_more_stations_and_money_never_worsen(problem: PMedianProblem):
    before = objective_of(problem)
    assert objective_of(with_rules(problem, most=problem.rules.most + 1)) <= before + 1e-9
    assert objective_of(with_rules(problem, budget=problem.rules.budget + 1.0)) <= before + 1e-9


@given(small_problems(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_of_zones_and_sites_does_not_matter(problem: PMedianProblem, random):
    zones, sites = list(range(problem.num_zones)), list(range(problem.num_sites))
    random.shuffle(zones)
    random.shuffle(sites)
    old = problem.distances
    if isinstance(old, PairDistances):
        new_site = {site: at for at, site in enumerate(sites)}
        rows = [
            {
                new_site[int(old.sites.idx[at])]: float(old.distance[at])
                for at in range(old.sites.ptr[zone], old.sites.ptr[zone + 1])
            }
            for zone in zones
        ]
        distances: PairDistances | PointDistances = pairs(rows, len(sites), old.unserved)
    else:
        distances = replace(old, zone_xyz=old.zone_xyz[zones], site_xyz=old.site_xyz[sites])
    shuffled = replace(
        problem,
        weight=problem.weight[zones],
        distances=distances,
        rules=problem.rules.of_sites(np.array(sites)),
    )
    assert objective_of(shuffled) == pytest.approx(objective_of(problem), rel=1e-9)


@pytest.mark.parametrize(("whole", "stations"), [(True, 6), (False, 6), (True, 25), (False, 25)])
def test_scip_agrees_and_history_is_monotone(whole: bool, stations: int):
    problem = random_points(5, 60, 40, stations, whole=whole)
    solution = solve_p_median(problem, EXACT)
    assert solution.proof.status is Status.OPTIMAL
    assert_honest(problem, solution)
    for earlier, later in itertools.pairwise(solution.proof.history):
        assert later.incumbent <= earlier.incumbent
        assert later.bound >= earlier.bound
        assert later.bound <= later.incumbent
        assert later.gap_frac <= earlier.gap_frac
    table = [
        {site: plain_distance(problem, zone, site) for site in range(40)} for zone in range(60)
    ]
    listed = replace(problem, distances=pairs(table, 40, 1e4))
    assert scip_cost(listed) == pytest.approx(solution.proof.objective, rel=1e-6)
    assert solve_p_median(listed, EXACT).proof.objective == pytest.approx(
        solution.proof.objective, rel=1e-9
    )


def scip_cost(problem: PMedianProblem) -> float:
    from ortools.linear_solver.python import model_builder_helper

    solver = model_builder_helper.ModelSolverHelper("scip")
    solver.solve(p_median_mip(problem).to_ortools())
    return solver.objective_value()


def test_short_lists_do_not_harm():
    """Lists of two sites: bound and plan must still meet once lists have grown."""
    problem = random_points(9, 80, 50, 4, whole=True)
    expected = solve_p_median(problem, EXACT).proof.objective
    solution = solve_p_median(problem, EXACT, tuning=Tuning(list_stations=0, least_list=2))
    assert solution.proof.objective == expected
    assert_honest(problem, solution)
    assert solution.proof.status is Status.OPTIMAL


def test_lists_that_may_not_grow_leave_an_honest_gap():
    problem = random_points(9, 80, 50, 4, whole=True)
    expected = solve_p_median(problem, EXACT).proof.objective
    solution = solve_p_median(
        problem,
        SolveOptions(gap_frac=0.0, time_limit_s=3.0),
        tuning=Tuning(max_pairs=3 * 80),
    )
    assert_honest(problem, solution)
    assert solution.proof.bound <= expected <= solution.proof.objective


def test_branching_closes_what_the_dual_leaves_open():
    # Zones are the edges of a triangle of sites: halves of all three serve everyone.
    rows = [{0: 0.0, 1: 0.0}, {1: 0.0, 2: 0.0}, {0: 0.0, 2: 0.0}]
    problem = median_problem([1.0, 1.0, 1.0], pairs(rows, 3, 1.0), 1)
    solution = solve_p_median(problem, EXACT)
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == solution.proof.bound == 1.0


def test_great_circle_is_measured_on_the_sphere():
    lon, lat = np.array([0.0, 0.0, 0.0]), np.array([0.0, 1.0, 3.0])
    xyz = to_sphere_km(lon, lat)
    problem = median_problem([1.0, 1.0, 1.0], PointDistances(xyz, xyz, on_sphere=True), 1)
    solution = solve_p_median(problem, EXACT)
    assert solution.open_site_idx.tolist() == [1]
    assert solution.proof.objective == pytest.approx(3 * 111.195, rel=1e-4)


def test_same_seed_same_plan():
    options = SolveOptions(gap_frac=0.01, deterministic=True)
    first, second = (solve_p_median(MEDIUM, options) for _ in range(2))
    assert first.open_site_idx.tolist() == second.open_site_idx.tolist()
    assert (first.proof.objective, first.proof.bound) == (
        second.proof.objective,
        second.proof.bound,
    )


def test_deterministic_work_does_not_look_at_the_clock():
    calm = SolveOptions(gap_frac=0.01, deterministic=True)
    hurried = replace(calm, time_limit_s=1e-9)
    first, second = (solve_p_median(MEDIUM, options) for options in (calm, hurried))
    assert first.open_site_idx.tolist() == second.open_site_idx.tolist()


def test_time_limit_gives_a_plan_that_is_not_called_optimal():
    solution = solve_p_median(MEDIUM, SolveOptions(gap_frac=0.0, time_limit_s=1e-6))
    assert solution.proof.status is Status.FEASIBLE
    assert solution.proof.gap_frac > 0.01
    assert_honest(MEDIUM, solution)


@pytest.mark.parametrize("stage", ["exchange", "bound", "anneal"])
def test_stop_gives_the_best_plan_so_far(stage: str):
    tuning = Tuning(tree_sites=0)  # annealing whatever the first bound leaves
    problem = random_points(1, 900, 900, 40, whole=False)
    stop = threading.Event()
    seen: list[Progress] = []

    def stop_at(progress: Progress) -> None:
        seen.append(progress)
        if progress.stage == stage:
            stop.set()

    solution = solve_p_median(problem, EXACT, tuning=tuning, on_progress=stop_at, stop=stop)
    assert_honest(problem, solution)
    assert solution.proof.wall_s < 10.0
    assert [progress.stage for progress in seen][-2:] == [stage, "done"]


def test_gap_target_ends_the_search():
    solution = solve_p_median(MEDIUM, SolveOptions(gap_frac=0.05))
    assert solution.proof.gap_frac <= 0.05
    assert_honest(MEDIUM, solution)


LINE = PointDistances(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 0.0]]))


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (median_problem([1, 1], LINE, 1, forced={0, 1}), "2 sites are forced open.*at most 1"),
        (median_problem([1, 1], LINE, 1, min_stations=2), "at least 2 stations, but at most 1"),
        (median_problem([1, 1], LINE, 9, min_stations=3), "at least 3 stations, but at most 2 can"),
        (median_problem([1, 1], LINE, 2, min_stations=2, cost=[2, 3], budget=4), "cost 5.00.*4.00"),
        (median_problem([1, 1], LINE, 0), "no station may be opened"),
        (median_problem([1, 1], LINE, 2, forbidden={0, 1}), "no station may be opened"),
        (median_problem([1, 1], LINE, 2, cost=[2, 3], budget=1), "cost 2.00.*1.00"),
        (
            median_problem([1, 1], LINE, 2, cities=by_city([0, 1], [0, 0], [0, 0])),
            "no station may be opened",
        ),
        (
            median_problem([1, 1], LINE, 2, cities=by_city([0, 0], [0, 1], [1, 1])),
            "city 1: at least 1 stations, but at most 0 can be open",
        ),
        (
            median_problem([1, 1], LINE, 2, forced={0, 1}, cities=by_city([0, 0], [0], [1])),
            "city 0: 2 sites are forced open, but at most 1",
        ),
        (
            median_problem([1, 1], LINE, 1, cities=by_city([0, 1], [1, 1], [1, 1])),
            "by city take 2 stations, but at most 1",
        ),
        (
            median_problem(
                [1, 1], LINE, 2, cost=[1, 4], budget=4, cities=by_city([0, 1], [1, 1], [1, 1])
            ),
            "cheapest 2 stations that keep locks and numbers cost 5.00.*4.00",
        ),
    ],
)
def test_what_cannot_be_kept_is_named(problem: PMedianProblem, message: str):
    with pytest.raises(InfeasibleError, match=message):
        solve_p_median(problem, EXACT)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (median_problem([], pairs([], 2, 5.0), 1), 0.0),
        (median_problem([2.0], pairs([{}], 2, 5.0), 1), 10.0),
        (median_problem([2.0], pairs([{0: 1.0}], 1, 5.0), 0), 10.0),
        (median_problem([0.0, 0.0], LINE, 1), 0.0),
        (median_problem([0.0, 0.0], LINE, 0), 0.0),
        (median_problem([0.0, 0.0], LINE, 2, forbidden={0, 1}), 0.0),
        (median_problem([0.0, 0.0], LINE, 2, cost=[1.0, 1.0], budget=0.5), 0.0),
        (median_problem([1.0, 1.0], LINE, 2), 0.0),
        (median_problem([1.0, 3.0], LINE, 2, forbidden={1}), 3.0),
        (median_problem([1.0, 3.0], LINE, 2, cost=[1.0, 1.0], budget=1.5), 1.0),
    ],
)
def test_edges(problem: PMedianProblem, expected: float):
    solution = solve_p_median(problem, EXACT)
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == expected
    assert solution.proof.bound == pytest.approx(expected)
    assert_honest(problem, solution)


@pytest.mark.parametrize(
    "change",
    [
        {"unserved": math.inf},
        {"unserved": 0.5},
        {"distance": np.array([-1.0])},
        {"sites": Lists.of([[3]])},
        {"distance": np.array([1.0, 2.0])},
    ],
)
def test_malformed_pairs_are_rejected(change: dict[str, object]):
    with pytest.raises(ValueError, match=r"unserved|entr"):
        replace(pairs([{0: 1.0}], 3, 5.0), **change)


def test_cost_of_open_sites():
    problem = median_problem([1.0, 3.0], LINE, 1)
    assert p_median_cost(problem, np.array([0])) == 3.0
    assert p_median_cost(problem, np.array([0, 1])) == 0.0


LIMITED = random_points(4, 500, 260, 24, whole=False)
CITY = (LIMITED.distances.site_xyz // 500.0 @ [1.0, 2.0]).astype(np.int32)
"""Quarters of the square are cities."""


def test_limits_by_city_on_a_case_that_takes_every_step():
    """Numbers far from what is best without them, and a budget and locks that bind."""
    least, most = np.array([12, 0, 0, 2]), np.array([24, 3, 3, 24])
    cost = np.random.default_rng(0).uniform(1.0, 5.0, 260)
    forced, forbidden = np.zeros(260, dtype=bool), np.zeros(260, dtype=bool)
    forced[np.flatnonzero(CITY == 1)[:2]] = True
    forbidden[::17] = True
    forbidden &= ~forced
    problem = with_rules(
        LIMITED, cities=CityLimits(CITY, least, most), cost=cost, budget=45.0, forced=forced,
        forbidden=forbidden,
    )  # fmt: skip
    solution = solve_p_median(problem, SolveOptions(gap_frac=0.0, time_limit_s=20.0))
    assert_honest(problem, solution)
    assert solution.proof.gap_frac < 0.02
    numbers = np.bincount(CITY[solution.open_site_idx], minlength=4)
    assert numbers[0] >= 12
    free = solve_p_median(LIMITED, SolveOptions(gap_frac=0.001))
    assert free.proof.objective < solution.proof.bound


def test_limits_that_do_not_bind_change_nothing():
    loose = CityLimits(CITY, np.zeros(4, dtype=np.int64), np.full(4, 24))
    without = solve_p_median(LIMITED, EXACT)
    solution = solve_p_median(with_rules(LIMITED, cities=loose), EXACT)
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == pytest.approx(without.proof.objective, rel=1e-9)


def test_scip_agrees_under_limits_by_city():
    points = random_points(6, 50, 30, 8, whole=True)
    table = [{site: plain_distance(points, zone, site) for site in range(30)} for zone in range(50)]
    problem = with_rules(
        replace(points, distances=pairs(table, 30, 2e3)), cost=np.arange(30.0), budget=90.0,
        cities=CityLimits(
            np.arange(30, dtype=np.int32) % 3, np.array([0, 1, 4]), np.array([2, 8, 5])
        ),
    )  # fmt: skip
    solution = solve_p_median(problem, EXACT)
    assert solution.proof.status is Status.OPTIMAL
    assert_honest(problem, solution)
    assert scip_cost(problem) == pytest.approx(solution.proof.objective, rel=1e-6)


SMALL_ROWS = [{0: 1.0, 1: 2.0}, {1: 0.5, 2: 3.0}, {3: 1.0}, {0: 4.0, 3: 2.5}]
SMALL = median_problem(
    [1.0, 2.0, 3.0, 4.0], pairs(SMALL_ROWS, 4, 9.0), 3, min_stations=1, forced={3}, forbidden={2},
    cost=[1.0, 2.0, 3.0, 4.0], budget=7.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("p_median.lp", SMALL),
        ("p_median_cities.lp", with_rules(SMALL, cities=by_city([0, 0, 1, 1], [0, 1], [1, 2]))),
    ],
)
def test_golden_lp(name: str, problem: PMedianProblem):
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the files anew after a change that is meant."""
    text = p_median_mip(problem).to_ortools().export_to_lp_string()
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8")
    assert scip_cost(problem) == pytest.approx(solve_p_median(problem, EXACT).proof.objective)
