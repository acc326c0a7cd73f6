"""Conflicts are minimal and repairs suffice: against all subsets, and by planted cases."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest

from planner.errors import InfeasibleError
from planner.solving.conflicts import (
    LimitedPlan,
    cheapest_repairs,
    check_plan_exists,
    find_conflicts,
    least_counts,
    minimal_subset,
)
from planner.solving.station_limits import Cap, StationLimits, limited_stations

NUM_CASES = 40


def test_a_minimal_subset_is_infeasible_and_nothing_less_is() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        number = int(rng.integers(1, 12))
        planted = [
            set(rng.choice(number, rng.integers(1, number + 1), replace=False).tolist())
            for _ in range(rng.integers(1, 4))
        ]

        def is_feasible(chosen: Sequence[int], planted: list[set[int]] = planted) -> bool:
            return not any(each <= set(chosen) for each in planted)

        found = minimal_subset(number, is_feasible)
        assert not is_feasible(found)
        assert all(is_feasible([k for k in found if k != gone]) for gone in found)


def test_few_questions_find_a_small_conflict() -> None:
    asked = []

    def is_feasible(chosen: Sequence[int]) -> bool:
        asked.append(1)
        return not {77, 500} <= set(chosen)

    assert minimal_subset(1000, is_feasible) == [77, 500]
    assert len(asked) <= 2 * 2 * math.log2(1000)


def test_no_count_can_be_less() -> None:
    rng = np.random.default_rng(2)
    for _ in range(100):
        most = rng.integers(0, 6, 4).tolist()
        weight = rng.integers(0, 4, 4)
        limit = int(weight @ most)

        def is_feasible(count: Sequence[int], w: np.ndarray = weight, n: int = limit) -> bool:
            return int(w @ np.array(count)) < max(n - 3, 0)

        found = least_counts(most, is_feasible)
        assert not is_feasible(found)
        for item in np.flatnonzero(found).tolist():
            assert is_feasible([*found[:item], found[item] - 1, *found[item + 1 :]])


def limits_of(num_sites: int, **given: object) -> StationLimits:
    """Sites A, B, C ... of one city, none of them locked, nothing limited."""
    nowhere = np.zeros(num_sites, dtype=np.bool_)
    free: dict[str, object] = {
        "site_names": [chr(65 + k) for k in range(num_sites)],
        "city_names": ["town"],
        "city_idx": np.zeros(num_sites, dtype=np.int64),
        "cost": np.ones(num_sites),
        "forced": nowhere,
        "forbidden": nowhere,
        "num_stations": math.inf,
        "budget": math.inf,
        "least": np.array([0]),
        "most": np.array([num_sites]),
        "is_new": ~nowhere,
        "closing": np.full(num_sites, np.nan),
        "periods": ["2026Q1"],
        "first": np.zeros(num_sites, dtype=np.int64),
        "opens": np.full(num_sites, -1),
    }
    return StationLimits(**{**free, **given})  # type: ignore[arg-type]


def mask(num_sites: int, *chosen: int) -> np.ndarray:
    return np.isin(np.arange(num_sites), chosen)


PLANTED = [
    pytest.param(
        limits_of(20, forced=mask(20, *range(20)), num_stations=16),
        ["at most 16 stations",
         "any 17 of the 20 committed stations A, B, C, D, E and 15 more"],
        ["allow 20 stations instead of 16",
         "give up any 4 of the 20 committed stations A, B, C, D, E and 15 more"],
        id="number of locks",
    ),
    pytest.param(
        limits_of(4, cost=np.array([3.0, 3.0, 5.0, 5.0]) * 1e6, least=np.array([3]), budget=9e6),
        ["a budget of 9 M CNY", "city town: at least 3 stations (it has 4 sites)"],
        ["raise the budget by 2 M CNY, from 9 M CNY to 11 M CNY",
         "city town: ask for 2 stations instead of 3"],
        id="money and minimum",
    ),
    pytest.param(
        limits_of(5, forbidden=mask(5, 0, 1, 2), least=np.array([3])),
        ["city town: at least 3 stations (it has 5 sites)",
         "the 3 forbidden sites A, B, C"],
        ["allow any 1 of the 3 forbidden sites A, B, C",
         "city town: ask for 2 stations instead of 3"],
        id="forbidden sites",
    ),
    pytest.param(
        limits_of(3, least=np.array([4])),
        ["city town: at least 4 stations (it has 3 sites)"],
        ["city town: ask for 3 stations instead of 4"],
        id="more than there are",
    ),
    pytest.param(
        limits_of(3, least=np.array([2]), most=np.array([1])),
        ["city town: at most 1 station", "city town: at least 2 stations (it has 3 sites)"],
        ["city town: allow 2 stations instead of 1", "city town: ask for 1 station instead of 2"],
        id="minimum above maximum",
    ),
    pytest.param(
        limits_of(3, cost=np.full(3, np.inf), least=np.array([1])),
        ["city town: at least 1 station (it has 3 sites)",
         "the 3 sites that no station type fits A, B, C"],
        ["city town: ask for 0 stations instead of 1",
         "offer a station type that fits any 1 of the 3 sites that no station type fits A, B, C"],
        id="no type fits",
    ),
    pytest.param(
        limits_of(2, forbidden=mask(2, 0), closing=np.array([4e6, np.nan]), budget=3e6),
        ["a budget of 3 M CNY", "station that closes A"],
        ["raise the budget by 1 M CNY, from 3 M CNY to 4 M CNY", "keep station that closes A"],
        id="closing",
    ),
    pytest.param(
        limits_of(3, forced=mask(3, 0, 1, 2), opens=np.array([1, 1, -1]),
                  periods=["2026Q1", "2026Q2"], openings=Cap(np.array([3.0, 1.0]), False)),
        ["at most 1 new station in 2026Q2",
         "the 2 stations committed to open in 2026Q2 A, B"],
        ["allow 2 new stations instead of 1 in 2026Q2",
         "open any 1 of the 2 stations committed to open in 2026Q2 A, B at other times",
         "give up any 1 of the 2 committed stations A, B"],
        id="rate of a quarter",
    ),
    pytest.param(
        limits_of(3, forced=mask(3, 0, 1, 2), periods=["2026Q1", "2026Q2"],
                  openings=Cap(np.array([1.0, 1.0]), True)),
        ["at most 2 new stations up to 2026Q2", "the 3 committed stations A, B, C"],
        ["allow 3 new stations instead of 2 up to 2026Q2",
         "give up any 1 of the 3 committed stations A, B, C"],
        id="rate of all quarters",
    ),
    pytest.param(
        limits_of(3, least=np.array([2]), first=np.array([2, 2, 0]),
                  periods=["2026Q1", "2026Q2"]),
        ["city town: at least 2 stations (it has 3 sites)",
         "the 2 sites that may not open by 2026Q2 A, B"],
        ["let any 1 of the 2 sites that may not open by 2026Q2 A, B open earlier",
         "city town: ask for 1 station instead of 2"],
        id="permits",
    ),
    pytest.param(
        limits_of(2, forced=mask(2, 0), opens=np.array([0, -1]), cost=np.array([5.0, 1.0]),
                  periods=["2026Q1", "2026Q2"], money=Cap(np.array([4.0, 9.0]), True)),
        ["at most 4 CNY in 2026Q1", "station committed to open in 2026Q1 A"],
        ["raise the money in 2026Q1 by 1 CNY, from 4 CNY to 5 CNY",
         "open station committed to open in 2026Q1 A at other times",
         "give up committed station A"],
        id="money of a period",
    ),
    pytest.param(
        limits_of(4, city_names=["east", "west"], city_idx=np.array([0, 0, 1, 1]),
                  least=np.array([0, 0]), most=np.array([4, 4]), forced=mask(4, 2, 3),
                  periods=["2026Q1", "2026Q2"], num_stations=9,
                  city_openings=[Cap(np.array([np.inf, np.inf]), False),
                                 Cap(np.array([0.0, 1.0]), False)]),
        ["city west: at most 0 new stations in 2026Q1", "city west: at most 1 new station in "
         "2026Q2", "the 2 committed stations C, D"],
        ["city west: allow 2 new stations instead of 1 in 2026Q2",
         "give up any 1 of the 2 committed stations C, D"],
        id="rates of a city",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("limits", "conflict", "repair"), PLANTED)
def test_planted_conflicts_are_named(
    limits: StationLimits, conflict: list[str], repair: list[str]
) -> None:
    with pytest.raises(InfeasibleError) as refused:
        check_plan_exists(limited_stations(limits))
    error = refused.value
    assert sorted(error.conflict) == sorted(conflict)
    assert set(error.repair) == set(repair)
    assert not error.further
    assert all(words in str(error) for words in (*conflict, *repair))


def random_limits(rng: np.random.Generator) -> StationLimits:
    """Five sites in two cities over one or two periods, with a few tight limits of all kinds."""
    num_sites, num_periods = 5, int(rng.integers(1, 3))
    forced = rng.random(num_sites) < 0.5
    is_new = ~forced | (rng.random(num_sites) < 0.7)
    committed = forced & is_new
    first = np.where(is_new & ~forced, rng.integers(0, num_periods + 1, num_sites), 0)
    opens = np.where(committed, rng.integers(-1, num_periods, num_sites), -1)
    forbidden = ~forced & (rng.random(num_sites) < 0.3)
    closing = np.where(forbidden & (rng.random(num_sites) < 0.5), 2.0, np.nan)
    cost = np.where(is_new, rng.integers(1, 4, num_sites).astype(float), 0.0)
    cost[is_new & (rng.random(num_sites) < np.where(forced, 0.05, 0.2))] = np.inf

    def maybe(amount: object) -> object:
        return amount if rng.random() < 0.5 else None

    def cap(most: int) -> Cap:
        amount = rng.integers(0, most, num_periods).astype(float)
        return Cap(np.where(rng.random(num_periods) < 0.7, amount, np.inf), carries_over)

    carries_over = bool(rng.random() < 0.5)
    is_phased = num_periods > 1
    return limits_of(
        num_sites,
        city_names=["east", "west"],
        city_idx=rng.integers(0, 2, num_sites),
        cost=cost,
        forced=forced,
        forbidden=forbidden,
        num_stations=maybe(int(rng.integers(0, 4))) or math.inf,
        budget=maybe(float(rng.integers(0, 9))) or math.inf,
        least=rng.integers(0, 3, 2),
        most=rng.integers(0, 5, 2),
        is_new=is_new,
        closing=closing,
        periods=["2026Q1", "2026Q2"][:num_periods],
        first=first,
        opens=opens,
        openings=maybe(cap(3)) if is_phased else None,
        money=maybe(cap(6)) if is_phased else None,
        city_openings=[cap(3), cap(3)] if is_phased and rng.random() < 0.5 else [],
    )


def has_plan(limits: StationLimits) -> bool:
    """By all openings of all sites, from the meaning of the limits alone."""
    num_sites, num_periods = len(limits.cost), limits.num_periods
    closing = float(np.nansum(limits.closing))
    for when in itertools.product(range(num_periods + 1), repeat=num_sites):
        opens = np.array(when)  # num_periods: never
        stands = opens < num_periods
        if (limits.forced & ~stands).any() or (stands & limits.forbidden).any():
            continue
        if (stands & ~np.isfinite(limits.cost)).any() or (stands & (opens < limits.first)).any():
            continue
        if (limits.forced & ~limits.is_new & (opens > 0)).any():
            continue
        if ((limits.opens >= 0) & (opens != limits.opens)).any():
            continue
        number = np.bincount(limits.city_idx[stands], minlength=2)
        if (number < limits.least).any() or (number > limits.most).any():
            continue
        spent = limits.cost[stands].sum() + closing
        if stands.sum() > limits.num_stations or spent > limits.budget:
            continue
        new = stands & limits.is_new
        caps = [(limits.openings, new * 1.0), (limits.money, np.where(stands, limits.cost, 0.0))]
        caps += [
            (cap, (new & (limits.city_idx == city)) * 1.0)
            for city, cap in enumerate(limits.city_openings)
        ]
        if all(cap is None or _keeps(cap, use, opens, num_periods) for cap, use in caps):
            return True
    return False


def _keeps(cap: Cap, use: np.ndarray, opens: np.ndarray, num_periods: int) -> bool:
    taken = np.bincount(opens, use, minlength=num_periods + 1)[:num_periods]
    amount = cap.amount
    if cap.carries_over:
        taken, amount = np.cumsum(taken), np.cumsum(amount)
    return bool((taken <= amount).all())


def keeps(plan: LimitedPlan, counts: np.ndarray, room: np.ndarray) -> bool:
    """Whether any numbers keep so many members of each limit, by all numbers."""
    rows = np.zeros((len(plan.limits), len(plan.most)))
    for row, limit in zip(rows, plan.limits, strict=True):
        np.add.at(row, limit.column_idx, limit.factor)
    numbers = [np.arange(most + 1) for most in plan.most]
    points = np.stack([axis.ravel() for axis in np.meshgrid(*numbers, indexing="ij")])
    level = rows @ points
    kept = np.ones(points.shape[1], dtype=np.bool_)
    for row, limit, count, more in zip(level, plan.limits, counts, room, strict=True):
        if count and limit.is_upper:
            kept &= row <= limit.at(int(count)) + more + 1e-7
        elif count:
            kept &= row >= limit.at(int(count)) - more - 1e-7
    return bool(kept.any())


def test_against_all_plans() -> None:
    rng = np.random.default_rng(7)
    num_impossible = 0
    for _ in range(NUM_CASES):
        limits = random_limits(rng)
        plan = limited_stations(limits)
        conflicts = find_conflicts(plan)
        assert (not conflicts) == has_plan(limits)
        none = np.zeros(len(plan.limits))
        for conflict in conflicts:
            count = conflict.count
            assert not keeps(plan, count, none)
            for limit in np.flatnonzero(count).tolist():
                if not plan.limits[limit].is_certain:
                    less = count.copy()
                    less[limit] -= 1
                    assert keeps(plan, less, none)
        if conflicts:
            num_impossible += 1
            _check_repairs(plan)
    assert num_impossible > NUM_CASES / 4


def _check_repairs(plan: LimitedPlan) -> None:
    """Each suffices, and a unit less of any whole remedy does not."""
    whole = np.array([limit.size for limit in plan.limits])
    repairs = cheapest_repairs(plan)
    assert repairs
    assert repairs == sorted(repairs, key=lambda repair: round(repair.weight, 6))

    def suffices(amount: np.ndarray) -> bool:
        room = np.zeros(len(plan.limits))
        for remedy, units in zip(plan.remedies, amount.tolist(), strict=True):
            room[list(remedy.limit_idx)] += units
        return keeps(plan, whole, room)

    for repair in repairs:
        assert suffices(repair.amount)
        for k in np.flatnonzero(repair.amount).tolist():
            less = repair.amount.copy()
            less[k] = max(less[k] - 1.0, 0.0) if plan.remedies[k].is_whole else less[k] * 0.999
            assert not suffices(less)


def test_many_changes_are_cut_for_people_and_whole_for_programs() -> None:
    cities = [f"c{k}" for k in range(9)]
    limits = limits_of(
        18, site_names=[f"s{k}" for k in range(18)], city_names=cities, num_stations=0,
        city_idx=np.arange(18) % 9, least=np.ones(9, dtype=int), most=np.full(9, 2),
    )  # fmt: skip
    with pytest.raises(InfeasibleError, match=r"c4: ask for 0 .*, and 4 more changes") as refused:
        check_plan_exists(limited_stations(limits))
    assert all(f"city {name}: ask for 0" in refused.value.repair[1] for name in cities)


def test_locks_of_many_prices_are_told_in_one_line() -> None:
    costs = np.array([1.0, 2.0, 3.0, 4.0, 5.0]) * 1e6
    limits = limits_of(5, cost=costs, forced=mask(5, *range(5)), budget=14.5e6)
    with pytest.raises(InfeasibleError) as refused:
        check_plan_exists(limited_stations(limits))
    assert refused.value.conflict == (
        "a budget of 14.5 M CNY",
        "the 5 committed stations A, B, C, D, E",
    )
    assert refused.value.repair[0] == "raise the budget by 0.5 M CNY, from 14.5 M CNY to 15 M CNY"
    assert refused.value.repair[1].startswith("give up committed station ")
