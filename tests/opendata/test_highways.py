import numpy as np
import pytest

from planner.errors import InputError
from planner.opendata.highways import (
    detour_ratio,
    keep_edges,
    keep_nodes,
    label_components,
    parse_highways,
)

TEXT = """from scgraph.core import GeoGraph
graph=[{1: 1.5, 2: 9.0}, {0: 1.4, 1: 0.0}, {0: 9.0}, {4: 2.25}, {3: 2.25}]
nodes=[[45.0, 126.0], [45.01, 126.01], [45.02, 126.0], [30.0, 104.0], [30.0, 104.02]]
world_highways_geograph = GeoGraph(graph=graph, nodes=nodes)
"""


def test_parses_each_edge_once_without_self_loops_keeping_the_shorter_twin():
    graph = parse_highways(TEXT)
    assert graph.lat.tolist() == [45.0, 45.01, 45.02, 30.0, 30.0]
    assert graph.lon.tolist() == [126.0, 126.01, 126.0, 104.0, 104.02]
    edges = zip(graph.from_idx.tolist(), graph.to_idx.tolist(), graph.length_km, strict=True)
    assert list(edges) == [(0, 1, 1.4), (0, 2, 9.0), (3, 4, 2.25)]


@pytest.mark.parametrize("text", ["", "graph=[{}]", "nodes=[[1.0, 2.0]]", "graph = 3\nnodes = 4"])
def test_another_shape_of_file_is_an_input_error(text):
    with pytest.raises(InputError, match="graph="):
        parse_highways(text)


def test_cutting_nodes_keeps_ids_and_drops_dangling_edges():
    graph = keep_nodes(parse_highways(TEXT), np.array([True, False, True, True, True]))
    assert graph.node_id.tolist() == [0, 2, 3, 4]
    assert graph.from_idx.tolist() == [0, 2]
    assert graph.to_idx.tolist() == [1, 3]


def test_components_are_numbered_by_falling_size():
    component_idx, num_nodes = label_components(parse_highways(TEXT))
    assert component_idx.tolist() == [0, 0, 0, 1, 1]
    assert num_nodes.tolist() == [3, 2]


def test_an_edge_much_longer_than_its_span_is_told_apart():
    graph = parse_highways(TEXT)
    ratio = detour_ratio(graph)
    assert ratio[1] == pytest.approx(9.0 / (0.02 * 111.195), rel=1e-3)
    assert keep_edges(graph, ratio < 2).length_km.tolist() == [1.4, 2.25]
