from dataclasses import replace

import numpy as np
import pandas as pd

from planner.opendata.anywhere.joints import close_gaps, find_links, join_graph, mend_detours
from planner.opendata.highways import RoadGraph, label_components


def _roads(lon, edges):
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return RoadGraph(
        np.arange(len(lon)),
        np.array(lon, dtype=np.float64),
        np.zeros(len(lon)),
        ends[:, 0],
        ends[:, 1],
        np.ones(len(ends)),
    )


def test_gaps_are_closed_at_their_narrowest():
    # Two roads and a far third, on the equator where 0.1 degrees are 11.12 km.
    graph = _roads([0.0, 0.1, 0.2, 0.3, 2.0, 2.1], [(0, 1), (2, 3), (4, 5)])
    joints = close_gaps(graph, max_gap_km=25.0, detour_frac=0.5, speed_kmh=15.0)
    assert (joints.from_idx.tolist(), joints.to_idx.tolist()) == ([1], [2])
    assert joints.length_km.tolist() == [16.68]
    assert joints.speed_kmh.tolist() == [15.0]
    component_idx, num_nodes = label_components(join_graph(graph, joints))
    assert num_nodes.tolist() == [4, 2]
    assert component_idx.tolist() == [0, 0, 0, 0, 1, 1]


def test_three_networks_get_two_joints_and_no_circuit():
    graph = _roads([0.0, 0.1, 0.21], [])
    joints = close_gaps(graph, max_gap_km=50.0, detour_frac=0.0, speed_kmh=15.0)
    assert list(zip(joints.from_idx, joints.to_idx, strict=True)) == [(0, 1), (1, 2)]


def test_networks_that_end_on_one_point_are_joined_too():
    graph = _roads([0.0, 0.1, 0.1, 0.2], [(0, 1), (2, 3)])
    joints = close_gaps(graph, max_gap_km=1.0, detour_frac=0.0, speed_kmh=15.0)
    assert (joints.from_idx.tolist(), joints.to_idx.tolist()) == ([1], [2])
    assert joints.length_km[0] > 0


def test_no_gap_narrow_enough_leaves_everything_as_it_is():
    graph = _roads([0.0, 0.1, 5.0, 5.1], [(0, 1), (2, 3)])
    joints = close_gaps(graph, max_gap_km=25.0, detour_frac=0.0, speed_kmh=15.0)
    assert len(joints.from_idx) == 0
    assert join_graph(graph, joints).length_km.tolist() == [1.0, 1.0]


def test_links_end_at_the_nearest_junctions():
    graph = _roads([0.0, 0.1, 0.5, 0.6], [(0, 1), (2, 3)])
    links = pd.DataFrame(
        {
            "from_lon": [0.49],
            "from_lat": [0.01],
            "to_lon": [0.12],
            "to_lat": [0.0],
            "length_km": [45.0],
            "speed_kmh": [90.0],
        }
    )
    joints = find_links(graph, links)
    assert (joints.from_idx.tolist(), joints.to_idx.tolist()) == ([1], [2])
    assert (joints.length_km.tolist(), joints.speed_kmh.tolist()) == ([45.0], [90.0])


def _ring(length_km):
    # Five junctions a kilometre apart, the road between the last two is missing, and a way
    # round from the first to the last.
    graph = _roads([0.0, 0.009, 0.018, 0.027, 0.036], [(0, 1), (1, 2), (2, 3), (0, 4)])
    return replace(graph, length_km=np.array([1.0, 1.0, 1.0, length_km]))


def test_a_lost_bridge_is_mended_once():
    joints = mend_detours(
        _ring(40.0), max_gap_km=2.5, min_detour_km=30.0, detour_frac=0.0, speed_kmh=15.0
    )
    # Junctions 2 and 4 lie near each other too, but the joint from 3 to 4 serves them.
    assert list(zip(joints.from_idx, joints.to_idx, strict=True)) == [(3, 4)]
    assert joints.length_km.tolist() == [1.001]


def test_a_short_way_round_is_left_alone():
    joints = mend_detours(
        _ring(20.0), max_gap_km=2.5, min_detour_km=30.0, detour_frac=0.0, speed_kmh=15.0
    )
    assert len(joints.from_idx) == 0
