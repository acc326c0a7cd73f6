"""Outlines as numbers give what shapely gives of the polygons."""

import itertools

import numpy as np
import pytest
import shapely
from h3.api import basic_int

from planner.outputs.layers.hexagons import cell_rings
from planner.outputs.layers.rings import Rings

PENTAGON = basic_int.get_pentagons(7)[3]


@pytest.fixture
def rings() -> Rings:
    return cell_rings(np.array(sorted(basic_int.grid_disk(PENTAGON, 4)), np.uint64))


def test_boxes_are_those_of_the_polygons(rings):
    assert len({int(count) for count in np.diff(rings.first)}) > 1
    assert (rings.boxes() == shapely.bounds(rings.polygons())).all()


def test_well_known_binary_is_that_of_the_polygons(rings):
    binary, begin = rings.wkb()
    expected = shapely.to_wkb(rings.polygons(), byte_order=1)
    found = [binary[low:high].tobytes() for low, high in itertools.pairwise(begin)]
    assert found == expected.tolist()


def test_rows_are_taken_in_their_order(rings):
    rows = np.array([7, 0, 7, len(rings) - 1])
    assert shapely.equals_exact(rings.take(rows).polygons(), rings.polygons()[rows]).all()
    assert not len(rings.take(np.empty(0, np.int64)))


def test_one_clockwise_outline_is_found(rings):
    assert rings.are_counter_clockwise()
    turned = rings.corners.copy()
    one = slice(*rings.first[3:5])
    turned[one] = turned[one][::-1]
    assert not Rings(turned, rings.first).are_counter_clockwise()


def test_no_outlines():
    none = Rings(np.empty((0, 2)), np.zeros(1, np.int64))
    assert none.boxes().shape == (0, 4)
    assert none.are_counter_clockwise()
    assert not len(none.polygons())
    assert not len(none.wkb()[0])
