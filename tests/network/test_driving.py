"""Many trips at once, against one trip at a time with plain arithmetic."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from planner.network.driving import OpenStops, Trips, drive_trips, find_windows
from planner.network.intercity import TripPaths
from planner.physics.round_trip import minimal_windows, reach_windows, there_and_back


def one_path(num_segments: int) -> TripPaths:
    return TripPaths(
        from_city_idx=np.array([0]),
        to_city_idx=np.array([1]),
        ptr=np.array([0, num_segments]),
        segment_idx=np.arange(num_segments),
        node_ptr=np.array([0, num_segments + 1]),
        node_idx=np.arange(num_segments + 1),
        length_km=np.array([float(num_segments)]),
        drive_min=np.array([60.0]),
    )


def random_trip(seed: int) -> tuple[TripPaths, np.ndarray, np.ndarray, OpenStops]:
    rng = np.random.default_rng(seed)
    num_segments = int(rng.integers(1, 9))
    draw = rng.integers(1, 9, num_segments).astype(float)
    usable = rng.integers(8, 26) + rng.integers(-3, 4, num_segments).astype(float)
    stops = OpenStops(
        on_road=rng.random(num_segments + 1) < 0.3,
        in_city=rng.random(num_segments + 1) < 0.15,
        at_end=rng.random(2) < 0.7,
    )
    return one_path(num_segments), draw, usable, stops


START, RESERVE, FULL = 0.8, 0.1, 20.0
ONE_TRIP = Trips(*(np.zeros(1, dtype=np.int64) for _ in range(3)))


def tour_of(stops: OpenStops, draw: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes of the lap, whether each stop is open, and what a pack lacks when it leaves it."""
    num_segments = len(draw)
    nodes = np.concatenate((np.arange(num_segments), np.arange(num_segments, 0, -1)))
    opened = stops.on_road[nodes] | stops.in_city[nodes]
    lacks = np.zeros(len(nodes))
    for stop, city in ((0, 0), (num_segments, 1)):
        opened[stop] = stops.on_road[nodes[stop]] or stops.at_end[city]
        if stops.at_end[city] and not stops.on_road[nodes[stop]]:
            lacks[stop] = (1 - START) * FULL
    return nodes, opened, lacks


def can_drive(draw: np.ndarray, usable: np.ndarray, stops: OpenStops) -> bool:
    """Drive a lap from a full pack, if there is one, swapping wherever that is possible."""
    _, opened, lacks = tour_of(stops, draw)
    if not opened.any():
        return False
    lap, limit = there_and_back(draw), (1 - RESERVE) * there_and_back(usable)
    stations = np.flatnonzero(opened & (lacks == 0))
    home = int(stations[0] if len(stations) else np.flatnonzero(opened)[0])
    drawn = lacks[home]
    for step in range(home, home + len(lap)):
        stop = step % len(lap)
        if opened[stop]:
            drawn = min(drawn, lacks[stop])
        drawn += lap[stop]
        if drawn > limit[stop] + 1e-9:
            return False
    return True


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 10**6))
def test_driving_far_is_possible_where_swapping_often_is(seed: int) -> None:
    paths, draw, usable, stops = random_trip(seed)
    legs = drive_trips(
        paths, np.ones(len(draw)), draw[None, None], usable[None, None], np.array([FULL]), stops,
        ONE_TRIP, start_frac=START, reserve_frac=RESERVE,
    )  # fmt: skip
    assert legs.is_driven[0] == can_drive(draw, usable, stops)
    if not legs.is_driven[0]:
        assert legs.ptr[-1] == 0
        return
    assert legs.length_km.sum() == pytest.approx(2 * len(draw))
    assert legs.drawn_kwh.sum() == pytest.approx(2 * draw.sum())
    assert (legs.to_node[:-1] == legs.from_node[1:]).all()
    assert legs.to_node[-1] == legs.from_node[0]
    assert (legs.margin_kwh >= -1e-6).all()
    for node in legs.to_node[legs.at_station]:
        assert stops.on_road[node]


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 10**6))
def test_windows_are_those_of_a_single_trip(seed: int) -> None:
    paths, draw, usable, stops = random_trip(seed)
    found = find_windows(
        paths, draw[None, None], usable[None, None], np.array([FULL]), stops, ONE_TRIP,
        start_frac=START, reserve_frac=RESERVE,
    )  # fmt: skip
    cities = OpenStops(np.zeros_like(stops.on_road), stops.in_city, stops.at_end)
    nodes, opened, lacks = tour_of(cities, draw)
    lap, limit = there_and_back(draw), (1 - RESERVE) * there_and_back(usable)
    windows = reach_windows(lap, limit)
    drawn = np.concatenate(([0.0], np.cumsum(np.tile(lap, 2))))
    missing = []
    for arc, (first, last) in enumerate(zip(windows.first, windows.last, strict=True)):
        starts = [stop for stop in range(first, last + 1) if opened[stop % len(lap)]]
        if not any(
            drawn[last + 1] - drawn[stop] + lacks[stop % len(lap)] <= limit[arc] + 1e-7
            for stop in starts
        ):
            missing.append(arc)
    hopeless = (windows.first > windows.last).any()
    assert (found.first > found.last).any() == hopeless
    if hopeless:  # an arc that not even a full pack lasts for: one such run tells all
        return
    low, high = minimal_windows(
        windows.first[missing], windows.last[missing], np.ones(len(nodes), dtype=bool)
    )
    assert found.first.tolist() == low.tolist()
    assert (found.last + 1).tolist() == high.tolist()


@settings(deadline=None, max_examples=300)
@example(12822)  # arrives with more than is given at the trip's end
@given(st.integers(0, 10**6))
def test_a_trip_drives_if_every_window_holds_a_station(seed: int) -> None:
    paths, draw, usable, stops = random_trip(seed)
    found = find_windows(
        paths, draw[None, None], usable[None, None], np.array([FULL]), stops, ONE_TRIP,
        start_frac=START, reserve_frac=RESERVE,
    )  # fmt: skip
    nodes = tour_of(stops, draw)[0]
    hit = all(
        stops.on_road[nodes[np.arange(first, last + 1) % len(nodes)]].any()
        for first, last in zip(found.first, found.last, strict=True)
    )
    assert hit == can_drive(draw, usable, stops)
