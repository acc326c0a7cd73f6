import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.physics.round_trip import minimal_windows, reach_windows, there_and_back


def drives_around(draw: list[float], limit: list[float], opened: set[int]) -> bool:
    """Two laps arc by arc, swapping at every open stop; the second lap decides."""
    if not opened:
        return False
    drawn = 0.0
    for step in range(3 * len(draw)):
        stop = step % len(draw)
        if stop in opened:
            drawn = 0.0
        drawn += draw[stop]
        if step >= len(draw) and drawn > limit[stop] + 1e-6:
            return False
    return True


def test_windows_by_hand():
    # O -10- A -10- D and back on 25 kWh: two arcs and half of the next.
    windows = reach_windows(there_and_back(np.array([10.0, 10.0])), np.full(4, 25.0))
    assert (windows.last - windows.first).tolist() == [1, 1, 1, 1]
    assert windows.last.tolist() == [4, 5, 6, 7]


def test_a_cold_arc_is_reached_from_nearer():
    windows = reach_windows(np.full(4, 10.0), np.array([40.0, 15.0, 40.0, 40.0]))
    assert (windows.last - windows.first).tolist() == [3, 0, 3, 3]


def test_whole_laps_name_each_stop_once():
    windows = reach_windows(np.ones(4), np.full(4, 1000.0))
    assert (windows.last - windows.first + 1).tolist() == [4] * 4


def test_a_pack_too_small_reaches_from_nowhere():
    windows = reach_windows(np.full(4, 10.0), np.full(4, 9.0))
    assert (windows.first > windows.last).all()
    assert minimal_windows(windows.first, windows.last, np.ones(4, dtype=bool))[0].tolist() == [0]


tours = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 30)), min_size=1, max_size=4
)  # energy and limit per arc on the way out


@given(tours, st.data())
def test_open_stops_suffice_if_and_only_if_they_hit_every_minimal_window(arcs, data):
    draw, limit = (
        there_and_back(np.array(column, dtype=float)) for column in zip(*arcs, strict=True)
    )
    is_site = np.array(data.draw(st.lists(st.booleans(), min_size=len(draw), max_size=len(draw))))
    windows = reach_windows(draw, limit)
    first, after = minimal_windows(windows.first, windows.last, is_site)
    sites = np.tile(np.flatnonzero(is_site), 2)
    opened = {stop for stop in np.flatnonzero(is_site).tolist() if data.draw(st.booleans())}
    hit = all(
        opened & set(sites[low:high].tolist()) for low, high in zip(first, after, strict=True)
    )
    if len(first) and opened:
        assert hit == drives_around(draw.tolist(), limit.tolist(), opened)
    elif not opened:
        assert not hit


def test_nested_windows_are_dropped():
    first, after = minimal_windows(np.array([3, 4, 4]), np.array([5, 5, 6]), np.ones(4, dtype=bool))
    assert list(zip(first.tolist(), after.tolist(), strict=True)) == [(4, 6)]


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_scaling_energy_and_limit_changes_nothing(share: float):
    draw, limit = np.array([3.0, 5.0, 5.0, 3.0]), np.array([8.0, 7.0, 8.0, 8.0])
    once, other = reach_windows(draw, limit), reach_windows(share * draw, share * limit)
    assert once.first.tolist() == other.first.tolist()
