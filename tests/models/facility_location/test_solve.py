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
from planner.errors import InfeasibleError, NoPlanError
from planner.models.facility_location.mip import facility_mip
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.facility_location.solve import FacilityLocationSolution, solve_facility_location
from planner.models.facility_location.tuning import Tuning
from planner.solving.options import SolveOptions
from planner.solving.rules import CityLimits, SiteRules
from planner.solving.status import Status

GOLDEN = Path(__file__).parent / "golden" / "facility_mip.lp"
EXACT = SolveOptions(gap_frac=0.0)


def facility_problem(
    demand: list[float],
    rows: list[dict[int, float]],
    capacity: list[list[float]],
    fixed_cost: list[list[float]],
    *,
    forced: set[int] = frozenset(),
    forbidden: set[int] = frozenset(),
    min_stations: int = 0,
    max_stations: int = 99,
    budget: float = math.inf,
    single: bool = False,
    unserved_cost: float = math.inf,
    cities: CityLimits | None = None,
) -> FacilityLocationProblem:
    """Problem from one dictionary of unit costs per zone."""
    sites = np.arange(len(capacity))
    num_types = len(capacity[0]) if capacity else 1
    return FacilityLocationProblem(
        demand=np.array(demand, dtype=np.float64),
        sites=Lists.of(rows),
        unit_cost=np.array([cost for row in rows for cost in row.values()], dtype=np.float64),
        capacity=np.array(capacity, dtype=np.float64).reshape(len(sites), num_types),
        rules=SiteRules(
            forced=np.isin(sites, list(forced)),
            forbidden=np.isin(sites, list(forbidden)),
            cost=np.array(fixed_cost, dtype=np.float64).reshape(len(sites), num_types),
            budget=budget,
            least=min_stations,
            most=max_stations,
            cities=cities,
        ),
        single=single,
        unserved_cost=unserved_cost,
    )


def transport_cost(problem: FacilityLocationProblem, room: np.ndarray) -> float:
    """Cheapest way to serve all demand from given capacities, by SciPy; inf if there is none."""
    from scipy.optimize import linprog

    num_pairs, num_zones = len(problem.sites.idx), problem.num_zones
    # One column more per zone for what stays unserved, where it may.
    leaves = math.isfinite(problem.unserved_cost)
    if num_pairs == 0 and not leaves:
        return 0.0 if problem.demand.sum() == 0 else math.inf
    zone = np.repeat(np.arange(num_zones), np.diff(problem.sites.ptr))
    serve, load = np.zeros((num_zones, num_pairs)), np.zeros((len(room), num_pairs))
    serve[zone, np.arange(num_pairs)] = 1.0
    load[problem.sites.idx, np.arange(num_pairs)] = 1.0
    costs = problem.unit_cost
    if leaves:
        serve = np.hstack((serve, np.eye(num_zones)))
        load = np.hstack((load, np.zeros((len(room), num_zones))))
        costs = np.append(costs, np.full(num_zones, problem.unserved_cost))
    found = linprog(costs, load, room, serve, problem.demand)
    return float(found.fun) if found.status == 0 else math.inf


def single_cost(problem: FacilityLocationProblem, room: np.ndarray) -> float:
    rows = [
        list(zip(problem.sites.idx[first:last], problem.unit_cost[first:last], strict=True))
        + [(-1, problem.unserved_cost)] * math.isfinite(problem.unserved_cost)
        if demand > 0
        else [(-1, 0.0)]
        for demand, (first, last) in zip(
            problem.demand, itertools.pairwise(problem.sites.ptr), strict=True
        )
    ]
    best = math.inf
    for choice in itertools.product(*rows):
        load = np.zeros(len(room))
        for demand, (site, _) in zip(problem.demand, choice, strict=True):
            load[site] += demand if site >= 0 else 0.0
        if (load <= room + 1e-9).all():
            costs = (far * a for a, (_, far) in zip(problem.demand, choice, strict=True))
            best = min(best, sum(costs))
    return best


def brute_force(problem: FacilityLocationProblem) -> float:
    """Cost of the best of all plans; inf if there is none."""
    best = math.inf
    for kinds in itertools.product(range(-1, problem.num_types), repeat=problem.num_sites):
        is_open = np.array(kinds) >= 0
        sites = np.flatnonzero(is_open)
        fixed = problem.rules.cost[sites, np.array(kinds)[sites]].sum()
        if (
            (problem.rules.forced & ~is_open).any()
            or (problem.rules.forbidden & is_open).any()
            or not problem.rules.least <= len(sites) <= problem.rules.most
            or fixed > problem.rules.budget
            or (problem.rules.cities is not None and not problem.rules.cities.allow(sites))
        ):
            continue
        room = np.zeros(problem.num_sites)
        room[sites] = problem.capacity[sites, np.array(kinds)[sites]]
        transport = (single_cost if problem.single else transport_cost)(problem, room)
        best = min(best, fixed + transport)
    return best


def assert_honest(problem: FacilityLocationProblem, solution: FacilityLocationSolution) -> None:
    """Everything a reader may rely on, whatever ended the search."""
    sites, types = solution.open_site_idx, solution.type_idx
    is_open = np.zeros(problem.num_sites, dtype=bool)
    is_open[sites] = True
    assert is_open[problem.rules.forced].all()
    assert not is_open[problem.rules.forbidden].any()
    assert problem.rules.least <= len(sites) <= problem.rules.most
    fixed = problem.rules.cost[sites, types].sum()
    assert fixed <= problem.rules.budget + 1e-6
    assert solution.fixed_cost == pytest.approx(fixed)
    zone = np.repeat(np.arange(problem.num_zones), np.diff(problem.sites.ptr))
    served = np.bincount(zone, weights=solution.amount, minlength=problem.num_zones)
    np.testing.assert_allclose(served + solution.unserved, problem.demand, rtol=1e-6, atol=1e-9)
    assert math.isfinite(problem.unserved_cost) or not solution.unserved.any()
    assert problem.rules.cities is None or problem.rules.cities.allow(sites)
    load = np.bincount(problem.sites.idx, weights=solution.amount, minlength=problem.num_sites)
    room = np.zeros(problem.num_sites)
    room[sites] = problem.capacity[sites, types]
    assert (load <= room * (1 + 1e-6) + 1e-6).all()
    cost = fixed + float(problem.unit_cost @ solution.amount)
    if solution.unserved.any():
        cost += problem.unserved_cost * solution.unserved.sum()
    assert solution.proof.objective == pytest.approx(cost, rel=1e-12)
    assert solution.proof.bound <= solution.proof.objective
    assert (solution.proof.status is Status.OPTIMAL) == (solution.proof.gap_frac <= 1e-9)
    if problem.single:
        assert (np.bincount(zone, weights=solution.amount > 0) <= 1).all()


def random_problem(seed: int, num_zones: int, num_sites: int, slack: float = 3.0):
    rng = np.random.default_rng(seed)
    zones, sites = rng.random((num_zones, 2)), rng.random((num_sites, 2))
    far = np.linalg.norm(zones[:, None] - sites[None], axis=2)
    demand = rng.integers(1, 20, num_zones).astype(float)
    size = slack * demand.sum() / num_sites
    capacity = size * rng.uniform(0.7, 1.3, (num_sites, 1)) * np.array([[1.0, 2.0]])
    fixed = 2.0 * np.sqrt(capacity) * rng.uniform(0.8, 1.2, (num_sites, 1))
    rows = [dict(enumerate(row)) for row in far.tolist()]
    return facility_problem(demand.tolist(), rows, capacity.tolist(), fixed.tolist())


@st.composite
def small_problems(draw: st.DrawFn) -> FacilityLocationProblem:
    """Up to 4 sites, 2 types and 4 zones."""
    num_zones, num_sites = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    num_types = draw(st.integers(1, 2))

    def table(values: list[float]) -> list[list[float]]:
        row = st.lists(st.sampled_from(values), min_size=num_types, max_size=num_types)
        return draw(st.lists(row, min_size=num_sites, max_size=num_sites))

    costs = st.dictionaries(
        st.integers(0, num_sites - 1), st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=1
    )
    lock = draw(
        st.lists(
            st.sampled_from(["free", "free", "free", "forced", "forbidden"]),
            min_size=num_sites,
            max_size=num_sites,
        )
    )
    num_cities = draw(st.integers(1, 2))
    city = draw(st.lists(st.integers(0, num_cities - 1), min_size=num_sites, max_size=num_sites))
    least = np.array(draw(st.lists(st.integers(0, 1), min_size=num_cities, max_size=num_cities)))
    limits = CityLimits(np.array(city, dtype=np.int32), least, least + draw(st.integers(0, 2)))
    return facility_problem(
        draw(
            st.lists(st.sampled_from([0.0, 1.0, 2.5, 4.0]), min_size=num_zones, max_size=num_zones)
        ),
        draw(st.lists(costs, min_size=num_zones, max_size=num_zones)),
        table([0.0, 2.0, 5.0, 9.0]),
        table([0.0, 1.0, 4.0, 10.0]),
        forced={site for site in range(num_sites) if lock[site] == "forced"},
        forbidden={site for site in range(num_sites) if lock[site] == "forbidden"},
        min_stations=draw(st.integers(0, 2)),
        max_stations=draw(st.integers(1, 5)),
        budget=draw(st.sampled_from([math.inf, 12.0, 5.0])),
        single=draw(st.booleans()),
        unserved_cost=draw(st.sampled_from([math.inf, math.inf, 0.0, 0.7, 2.0])),
        cities=draw(st.sampled_from([None, limits])),
    )


def with_rules(problem: FacilityLocationProblem, **change: object) -> FacilityLocationProblem:
    return replace(problem, rules=replace(problem.rules, **change))


def objective_of(problem: FacilityLocationProblem) -> float:
    try:
        return solve_facility_location(problem, EXACT).proof.objective
    except InfeasibleError:
        return math.inf


@pytest.mark.parametrize("small", [True, False], ids=["at once", "by dual and restricted models"])
@given(problem=small_problems())
@settings(max_examples=60, deadline=None)
def test_agrees_with_brute_force(small: bool, problem: FacilityLocationProblem):
    tuning = Tuning() if small else Tuning(small_pairs=-1, max_dual_blocks=2)
    best = brute_force(problem)
    if math.isinf(best):
        with pytest.raises(InfeasibleError):
            solve_facility_location(problem, EXACT, tuning=tuning)
        return
    solution = solve_facility_location(problem, EXACT, tuning=tuning)
    assert solution.proof.objective == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.wall_s < 0.1 * EXACT.time_limit_s  # tiny: no step goes on for nothing
    assert_honest(problem, solution)


@given(small_problems())
@settings(max_examples=30, deadline=None)
def test_more_capacity_stations_or_money_never_worsens(problem: FacilityLocationProblem):
    before = objective_of(problem) + 1e-6
    assert objective_of(replace(problem, capacity=problem.capacity + 1.0)) <= before
    rules = problem.rules
    assert objective_of(with_rules(problem, most=rules.most + 1)) <= before
    assert objective_of(with_rules(problem, budget=rules.budget + 1.0)) <= before
    assert objective_of(replace(problem, single=False)) <= before
    assert objective_of(replace(problem, unserved_cost=problem.unserved_cost / 2)) <= before
    if rules.cities is not None:
        none = np.zeros_like(rules.cities.min_stations)
        fewer = replace(rules.cities, min_stations=none)
        assert objective_of(with_rules(problem, cities=fewer)) <= before


@given(small_problems(), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_of_zones_and_sites_does_not_matter(problem: FacilityLocationProblem, random):
    zones, sites = list(range(problem.num_zones)), list(range(problem.num_sites))
    random.shuffle(zones)
    random.shuffle(sites)
    new_site = {site: at for at, site in enumerate(sites)}
    rows = [
        {
            new_site[int(problem.sites.idx[at])]: float(problem.unit_cost[at])
            for at in range(problem.sites.ptr[zone], problem.sites.ptr[zone + 1])
        }
        for zone in zones
    ]
    shuffled = facility_problem(
        problem.demand[zones].tolist(),
        rows,
        problem.capacity[sites].tolist(),
        problem.rules.cost[sites].tolist(),
        forced={new_site[site] for site in np.flatnonzero(problem.rules.forced).tolist()},
        forbidden={new_site[site] for site in np.flatnonzero(problem.rules.forbidden).tolist()},
        min_stations=problem.rules.least,
        max_stations=problem.rules.most,
        budget=problem.rules.budget,
        single=problem.single,
        unserved_cost=problem.unserved_cost,
        cities=problem.rules.cities.of_sites(np.array(sites)) if problem.rules.cities else None,
    )
    assert objective_of(shuffled) == pytest.approx(objective_of(problem), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("single", [False, True])
def test_dual_and_search_meet_the_whole_model(single: bool):
    problem = replace(random_problem(2, *((30, 8) if single else (60, 15))), single=single)
    whole = solve_facility_location(problem, EXACT)
    searched = solve_facility_location(
        problem,
        SolveOptions(gap_frac=0.02, time_limit_s=20.0),
        tuning=Tuning(small_pairs=0, max_exact_pairs=0),
    )
    assert_honest(problem, searched)
    assert searched.proof.bound <= whole.proof.objective * (1 + 1e-7)
    assert searched.proof.objective >= whole.proof.objective * (1 - 1e-7)
    assert searched.proof.gap_frac <= 0.02
    for earlier, later in itertools.pairwise(searched.proof.history):
        assert later.bound >= earlier.bound
        assert later.incumbent is not None or earlier.incumbent is None


def test_same_seed_same_plan():
    problem = random_problem(4, 300, 25)
    options = SolveOptions(gap_frac=0.03, deterministic=True)
    first, second = (solve_facility_location(problem, options) for _ in range(2))
    assert first.open_site_idx.tolist() == second.open_site_idx.tolist()
    assert first.proof.objective == second.proof.objective
    assert first.proof.bound == second.proof.bound


def test_stop_and_time_limit_are_honest():
    problem = random_problem(5, 400, 60)
    stop = threading.Event()
    stop.set()
    assert_honest(problem, solve_facility_location(problem, EXACT, stop=stop))
    assert_honest(problem, solve_facility_location(problem, SolveOptions(time_limit_s=1e-6)))
    with pytest.raises(NoPlanError, match="before a plan was found"):
        solve_facility_location(random_problem(5, 40, 20), EXACT, stop=stop)
    solution = solve_facility_location(problem, SolveOptions(gap_frac=0.0, time_limit_s=6.0))
    assert solution.proof.wall_s < 10.0
    assert_honest(problem, solution)


ONE = [{0: 1.0, 1: 1.0}, {1: 2.0}]


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (facility_problem([1, 1], [{0: 1.0}, {}], [[5]], [[1]]), "1 zones with demand"),
        (facility_problem([3, 3], ONE, [[2], [2]], [[1], [1]]), "serve 4.00, the demand is 6.00"),
        (facility_problem([1, 1], ONE, [[9], [9]], [[1], [1]], forced={0, 1}, max_stations=1),
         "2 sites are forced"),
        (facility_problem([1, 1], ONE, [[9], [9]], [[1], [1]], min_stations=3), "at least 3"),
        (facility_problem([1, 1], ONE, [[9], [9]], [[1], [7]], budget=6), "no choice of stations"),
        (facility_problem([3, 3], ONE, [[4], [4]], [[1], [1]], forbidden={0}), "serve 4.00"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_named(problem: FacilityLocationProblem, message: str):
    with pytest.raises(InfeasibleError, match=message):
        solve_facility_location(problem, EXACT)


@pytest.mark.parametrize(
    "change",
    [
        {"capacity": np.array([[1.0, 2.0]])},
        {"unit_cost": np.array([-1.0, 1.0, 2.0])},
        {"demand": np.array([1.0])},
        {"sites": Lists.of([[0, 1], [7]])},
    ],
)
def test_malformed_problems_are_rejected(change: dict[str, object]):
    with pytest.raises(ValueError, match=r"must|lists"):
        replace(facility_problem([1, 1], ONE, [[9], [9]], [[1], [1]]), **change)


def test_nothing_to_serve_costs_nothing():
    solution = solve_facility_location(facility_problem([0.0], [{0: 1.0}], [[1.0]], [[5.0]]), EXACT)
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == solution.proof.bound == 0.0


def test_golden_lp():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    problem = facility_problem(
        [3.0, 1.0, 2.0],
        [{0: 1.0, 1: 2.0}, {1: 0.5, 2: 3.0}, {0: 4.0, 2: 2.5}],
        [[2.0, 5.0], [3.0, 4.0], [1.0, 6.0]],
        [[1.0, 3.0], [2.0, 2.5], [1.5, 4.0]],
        forced={1}, min_stations=1, max_stations=2, budget=7.0, single=True, unserved_cost=3.0,
        cities=CityLimits(np.array([0, 0, 1], dtype=np.int32), np.array([0, 0]), np.array([2, 1])),
    )  # fmt: skip
    text = facility_mip(problem, np.arange(3), np.arange(6)).to_ortools().export_to_lp_string()
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
