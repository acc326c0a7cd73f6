import h3
import numpy as np
import pytest

from planner.opendata.cells import cut_edges, find_road_cells
from planner.opendata.highways import parse_highways

ROAD = parse_highways("graph=[{1: 5.2}, {0: 5.2}]\nnodes=[[45.0, 126.0], [45.0, 126.06]]")


def test_pieces_are_short_and_as_long_together_as_the_span():
    pieces = cut_edges(ROAD, 0.5)
    assert pieces.apart_km.max() <= 0.5
    assert pieces.apart_km.sum() == pytest.approx(0.06 * 111.195 * np.cos(np.radians(45)), rel=1e-3)
    assert pieces.lon.min() > 126.0
    assert pieces.lon.max() < 126.06


def test_cells_are_those_passed_and_one_ring_around_them():
    pieces = cut_edges(ROAD, 0.5)
    cells = find_road_cells(pieces)
    passed = {h3.int_to_str(int(cell)) for cell in pieces.cell}
    wanted = {near for cell in passed for near in h3.grid_disk(cell, 1)}
    assert {h3.int_to_str(int(cell)) for cell in cells.cell} == wanted
    assert cells.has_road.sum() == len(passed)
    assert cells.road_km.sum() == pytest.approx(pieces.apart_km.sum())


def test_mean_nearby_counts_missing_neighbours_as_zero():
    cells = find_road_cells(cut_edges(ROAD, 0.5))
    mean = cells.mean_nearby(np.ones(len(cells.cell)))
    assert mean.max() == pytest.approx(1.0)
    assert mean[~cells.has_road].max() < 1.0
