import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.models.p_median.dual import (
    Openings,
    first_dual,
    fixing_losses,
    improve_dual,
    median_bound,
)
from planner.models.p_median.near_sites import near_sites, restrict
from planner.models.p_median.problem import PointDistances
from planner.solving.rules import CityLimits


@st.composite
def openings_and_worth(draw: st.DrawFn) -> tuple[Openings, np.ndarray]:
    """Numbers nationwide and by city that some set of up to 6 sites keeps."""
    num_sites, num_cities = draw(st.integers(1, 6)), draw(st.integers(1, 3))

    def each(values: st.SearchStrategy, number: int) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=number, max_size=number)))

    least = each(st.integers(0, 1), num_cities)
    cities = CityLimits(
        each(st.integers(0, num_cities - 1), num_sites).astype(np.int32),
        least,
        least + each(st.integers(0, 3), num_cities),
    )
    openings = Openings(
        forced=each(st.sampled_from([False, False, False, True]), num_sites),
        min_open=draw(st.integers(0, 3)),
        max_open=draw(st.integers(0, num_sites)),
        cost=np.zeros(num_sites),
        budget=math.inf,
        cities=cities if draw(st.booleans()) else None,
    )
    return openings, each(st.integers(-5, 9), num_sites).astype(float)


def allowed_sets(openings: Openings) -> list[set[int]]:
    sites = range(len(openings.forced))
    forced = set(np.flatnonzero(openings.forced).tolist())
    return [
        set(chosen)
        for number in range(len(sites) + 1)
        for chosen in itertools.combinations(sites, number)
        if forced <= set(chosen) and openings.allow(np.array(chosen, dtype=np.int64))
    ]


@given(openings_and_worth())
@settings(max_examples=300, deadline=None)
def test_losses_are_those_of_all_sets(case: tuple[Openings, np.ndarray]):
    openings, worth = case
    sets = allowed_sets(openings)
    assert openings.keep_numbers() == bool(sets)
    if not sets:
        return
    earned = [sum(worth[site] for site in chosen) for chosen in sets]
    opening = openings.best(worth)
    assert set(opening.tolist()) in sets
    best = float(worth[opening].sum())
    assert best == max(earned)
    loss = fixing_losses(openings, opening, worth)
    for site in range(len(worth)):
        is_open = site in opening
        other_way = [
            value for value, chosen in zip(earned, sets, strict=True)
            if (site in chosen) != is_open
        ]  # fmt: skip
        assert loss[site] == best - max(other_way, default=-math.inf)


def test_walk_reaches_the_dual_whatever_its_slices():
    """A walk cut in two goes where one in one piece goes."""
    rng = np.random.default_rng(2)
    places = rng.uniform(0.0, 100.0, (200, 2))
    weight = rng.uniform(1.0, 3.0, 200)
    sites = np.arange(60)
    near = near_sites(PointDistances(places, places[:60]), sites, np.full(200, 60))
    openings = Openings(np.zeros(60, dtype=bool), 1, 6, np.zeros(60), math.inf)
    start = first_dual(np.full(200, 25.0), 0.0, np.zeros(60))
    target = 1.05 * improve_dual(
        weight, near, openings, start, target=1e4, iterations=400
    ).bound  # fmt: skip
    whole, dual = (start, start)
    whole = improve_dual(weight, near, openings, whole, target=target, iterations=300)
    for _ in range(6):
        dual = improve_dual(weight, near, openings, dual, target=target, iterations=50)
    assert dual.bound == whole.bound
    assert (dual.walk.multiplier == whole.walk.multiplier).all()
    exact, opening, _ = median_bound(weight, near, openings, dual.multiplier, dual.price)
    assert exact == pytest.approx(dual.bound, rel=1e-12)
    assert len(opening) == 6
    # Every plan costs more, the relaxed one among them.
    cost = float(weight @ np.linalg.norm(places[:, None] - places[opening], axis=2).min(axis=1))
    assert exact <= cost * (1.0 + 1e-12)


def test_restricted_lists_hold_what_is_nearer():
    rng = np.random.default_rng(5)
    near = near_sites(
        PointDistances(rng.uniform(0, 9, (20, 2)), rng.uniform(0, 9, (12, 2))),
        np.arange(12), np.full(20, 9),
    )  # fmt: skip
    keep, cap = np.array([1, 2, 5, 11]), np.full(20, 4.0)
    part = restrict(near, keep, cap)
    for zone in range(20):
        before, after = (
            slice(*near.sites.ptr[zone : zone + 2]),
            slice(*part.sites.ptr[zone : zone + 2]),
        )
        expected = [
            (int(np.searchsorted(keep, site)), far)
            for site, far in zip(near.sites.idx[before], near.distance[before], strict=True)
            if site in keep and far < 4.0
        ]
        assert (
            list(zip(part.sites.idx[after].tolist(), part.distance[after], strict=True)) == expected
        )
    assert (part.beyond == np.minimum(near.beyond, 4.0)).all()
    assert part.zones.ptr[-1] == len(part.zones.idx) == len(part.sites.idx)


def test_forced_sites_are_part_of_every_opening():
    openings = Openings(np.array([True, False, False]), 0, 2, np.zeros(3), math.inf)
    assert sorted(openings.best(np.array([-9.0, 1.0, 2.0])).tolist()) == [0, 2]
    one = replace(openings, cities=CityLimits(np.zeros(3, np.int32), np.array([0]), np.array([1])))
    assert one.best(np.array([-9.0, 1.0, 2.0])).tolist() == [0]
