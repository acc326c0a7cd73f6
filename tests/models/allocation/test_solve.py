from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from planner.arrays import Lists
from planner.models.allocation.problem import AllocationProblem
from planner.models.allocation.solve import Allocation, allocate_zones


def allocation_problem(
    load: list[float],
    reach: list[dict[int, float]],
    capacity: list[list[float]],
    *,
    value: list[float] | None = None,
    type_idx: list[int] | None = None,
) -> AllocationProblem:
    """Problem from one mapping of zone to minutes per station."""
    zones = [sorted(minutes) for minutes in reach]
    return AllocationProblem(
        load=np.array(load, dtype=float),
        reach=Lists.of(zones),
        drive_min=np.array(
            [minutes[zone] for minutes, each in zip(reach, zones, strict=True) for zone in each]
        ),
        capacity=np.array(capacity, dtype=float).reshape(len(reach), -1),
        value=None if value is None else np.array(value, dtype=float),
        type_idx=None if type_idx is None else np.array(type_idx, dtype=np.int32),
    )


@st.composite
def problems(draw: st.DrawFn) -> AllocationProblem:
    num_zones, num_stations = draw(st.integers(1, 7)), draw(st.integers(1, 4))
    loads = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=num_zones, max_size=num_zones)
    values = st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=num_zones, max_size=num_zones)
    minutes = st.dictionaries(st.integers(0, num_zones - 1), st.sampled_from([1.0, 2.0, 5.0, 9.0]))
    reach = draw(st.lists(minutes, min_size=num_stations, max_size=num_stations))
    sizes = st.sampled_from([[1.0, 3.0], [2.0, 2.5], [0.0, 1.5], [3.0, 1.0], [1.5, 0.0]])
    capacity = draw(st.lists(sizes, min_size=num_stations, max_size=num_stations))
    return allocation_problem(draw(loads), reach, capacity, value=draw(values))


def station_load(problem: AllocationProblem, allocation: Allocation) -> np.ndarray:
    return np.bincount(
        allocation.station_idx,
        allocation.share_frac * problem.load[allocation.zone_idx],
        minlength=len(problem.capacity),
    )


def assert_honest(problem: AllocationProblem, allocation: Allocation) -> None:
    stations = np.arange(len(problem.capacity))
    reach = np.repeat(stations, np.diff(problem.reach.ptr))
    minutes = dict(
        zip(
            zip(problem.reach.idx.tolist(), reach.tolist(), strict=True),
            problem.drive_min.tolist(),
            strict=True,
        )
    )
    pairs = list(zip(allocation.zone_idx.tolist(), allocation.station_idx.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert [minutes[pair] for pair in pairs] == allocation.drive_min.tolist()
    assert ((allocation.share_frac > 0) & (allocation.share_frac <= 1)).all()
    in_all = np.bincount(allocation.zone_idx, allocation.share_frac, minlength=len(problem.load))
    assert (in_all <= 1 + 1e-9).all()
    capacity = problem.capacity[stations, allocation.type_idx]
    load = station_load(problem, allocation)
    assert (capacity > 0).all()
    assert (load <= capacity * (1 + 1e-9)).all()
    # No type that fits and is smaller carries the load.
    smaller = problem.capacity < capacity[:, None]
    fits = (problem.capacity > 0) & (problem.capacity >= load[:, None] * (1 + 1e-6))
    assert problem.type_idx is not None or not (smaller & fits).any()


def linear_optimum(problem: AllocationProblem) -> tuple[float, float, np.ndarray]:
    """Best value, and best value by program; shares of the last."""
    stations = np.repeat(np.arange(len(problem.capacity)), np.diff(problem.reach.ptr))
    zones = problem.reach.idx
    if not len(zones):
        return 0.0, 0.0, np.zeros(0)
    matrix = np.zeros((len(problem.load) + len(problem.capacity), len(zones)))
    matrix[zones, np.arange(len(zones))] = 1.0
    matrix[len(problem.load) + stations, np.arange(len(zones))] = problem.load[zones]
    limits = np.concatenate([np.ones(len(problem.load)), problem.capacity.max(axis=1)])
    worth = problem.value[zones]
    best = -linprog(-worth, A_ub=matrix, b_ub=limits).fun
    cheapest = linprog(
        problem.drive_min * problem.load[zones],
        A_ub=np.vstack([matrix, -worth]),
        b_ub=np.append(limits, -best + 1e-9),
    )
    return best, float(cheapest.fun), cheapest.x


@given(problems())
@settings(max_examples=120, deadline=None)
def test_value_is_greatest_and_drives_are_short(problem: AllocationProblem):
    allocation = allocate_zones(problem)
    assert_honest(problem, allocation)
    best, least_drive, _ = linear_optimum(problem)
    value = problem.value[allocation.zone_idx] @ allocation.share_frac
    assert value == pytest.approx(best, abs=1e-7)
    weights = allocation.share_frac * problem.load[allocation.zone_idx]
    drive = float(weights @ allocation.drive_min)
    assert drive >= least_drive - 1e-6
    loaded = problem.load > 0
    in_all = np.bincount(allocation.zone_idx, allocation.share_frac, minlength=len(problem.load))
    reached = np.bincount(problem.reach.idx, minlength=len(problem.load)) > 0
    if (in_all[loaded & reached] > 1 - 1e-9).all():
        # Everyone is served: there is no choice of whom to serve, so the drives are shortest.
        assert drive == pytest.approx(least_drive, abs=1e-5)


def test_everyone_at_the_nearest_where_nothing_overflows():
    rng = np.random.default_rng(0)
    minutes = rng.uniform(1.0, 9.0, (5, 40))
    problem = allocation_problem(
        rng.uniform(0.0, 1.0, 40).tolist(), [dict(enumerate(row)) for row in minutes], [[99.0]] * 5
    )
    allocation = allocate_zones(problem)
    assert allocation.zone_idx.tolist() == list(range(40))
    assert allocation.station_idx.tolist() == minutes.argmin(axis=0).tolist()
    assert (allocation.share_frac == 1.0).all()


def test_overflow_moves_those_who_lose_least():
    problem = allocation_problem(
        [1.0, 1.0, 1.0], [{0: 1.0, 1: 1.0, 2: 1.0}, {0: 8.0, 1: 4.0, 2: 6.0}], [[2.0], [5.0]]
    )
    allocation = allocate_zones(problem)
    assert allocation.station_idx.tolist() == [0, 1, 0]
    half = allocate_zones(
        allocation_problem([1.0, 1.0], [{0: 1.0, 1: 1.0}, {0: 8.0, 1: 4.0}], [[1.5], [5.0]])
    )
    assert list(zip(half.zone_idx, half.station_idx, half.share_frac, strict=True)) == [
        (0, 0, 1.0),
        (1, 0, 0.5),
        (1, 1, 0.5),
    ]


def test_best_value_per_load_goes_first_and_worthless_zones_last():
    problem = allocation_problem(
        [1.0, 1.0, 1.0], [{0: 9.0, 1: 1.0, 2: 1.0}], [[1.5]], value=[2.0, 1.0, 0.0]
    )
    allocation = allocate_zones(problem)
    assert allocation.zone_idx.tolist() == [0, 1]
    assert allocation.share_frac.tolist() == [1.0, 0.5]
    roomy = allocation_problem([1.0, 1.0], [{0: 1.0, 1: 1.0}], [[3.0]], value=[1.0, 0.0])
    assert allocate_zones(roomy).zone_idx.tolist() == [0, 1]


def test_zones_alike_are_split_at_most_once():
    problem = allocation_problem([1.0] * 5, [{zone: 5.0 - zone for zone in range(5)}], [[2.5]])
    allocation = allocate_zones(problem)
    assert dict(zip(allocation.zone_idx.tolist(), allocation.share_frac.tolist(), strict=True)) == {
        2: 0.5,
        3: 1.0,
        4: 1.0,
    }


def test_types_by_need_or_as_given():
    sizes = [[2.0, 4.0, 9.0], [0.0, 4.0, 9.0]]
    reach = [{0: 1.0}, {1: 1.0}]
    assert allocate_zones(allocation_problem([3.0, 1.0], reach, sizes)).type_idx.tolist() == [1, 1]
    given_types = allocation_problem([3.0, 1.0], reach, sizes, type_idx=[0, 2])
    allocation = allocate_zones(given_types)
    assert allocation.type_idx.tolist() == [0, 2]
    assert allocation.share_frac.tolist() == pytest.approx([2.0 / 3.0, 1.0])


@given(problems(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_of_types_does_not_matter(problem: AllocationProblem, random):
    order = list(range(problem.capacity.shape[1]))
    random.shuffle(order)
    shuffled = allocate_zones(replace(problem, capacity=problem.capacity[:, order]))
    allocation = allocate_zones(problem)
    stations = np.arange(len(problem.capacity))
    assert (
        problem.capacity[stations, np.array(order)[shuffled.type_idx]].tolist()
        == problem.capacity[stations, allocation.type_idx].tolist()
    )


def test_of_types_in_any_order_the_smallest_that_carries():
    sizes = [[9.0, 2.0, 4.0], [4.0, 0.0, 9.0]]
    problem = allocation_problem([3.0, 1.0], [{0: 1.0}, {1: 1.0}], sizes)
    assert allocate_zones(problem).type_idx.tolist() == [2, 0]


def test_zones_without_load_go_to_the_nearest_even_if_it_is_full():
    problem = allocation_problem([1.0, 0.0], [{0: 1.0, 1: 1.0}, {1: 2.0}], [[1.0], [1.0]])
    assert allocate_zones(problem).station_idx.tolist() == [0, 0]


def test_a_path_over_a_crumb_of_a_zone_is_not_taken_for_ever():
    rng = np.random.default_rng(1)
    minutes = np.round(rng.uniform(1.0, 4.0, (6, 300)))
    near = rng.random((6, 300)) < 0.7
    reach = [{int(z): float(minutes[s, z]) for z in np.flatnonzero(near[s])} for s in range(6)]
    problem = allocation_problem(
        rng.lognormal(0, 1, 300).tolist(), reach, [[60.0], [90.0], [50.0], [120.0], [70.0], [80.0]]
    )
    assert_honest(problem, allocate_zones(problem))
