import numpy as np
import pytest
import shapely
from h3.api import basic_int

from planner.outputs.layers.hexagons import (
    cell_centres,
    cell_parents,
    cell_polygons,
    cell_resolutions,
    parse_cells,
)

PENTAGONS = [basic_int.get_pentagons(resolution)[3] for resolution in (2, 7, 8)]


def as_cells(cells):
    return np.array(sorted(cells), np.uint64)


def world_cells(resolution, num_cells=300):
    rng = np.random.default_rng(1)
    lat, lon = rng.uniform(-70, 70, num_cells), rng.uniform(-179, 179, num_cells)
    return as_cells(
        {basic_int.latlng_to_cell(*at, resolution) for at in zip(lat, lon, strict=True)}
    )


@pytest.mark.parametrize("resolution", [3, 5, 7, 8, 9])
def test_polygons_contain_their_centres_and_agree_with_h3(resolution):
    cells = world_cells(resolution)
    polygons = cell_polygons(cells)
    assert shapely.is_valid(polygons).all()
    for cell, polygon in zip(cells.tolist(), polygons, strict=True):
        outline = [(lon, lat) for lat, lon in basic_int.cell_to_boundary(cell)]
        if max(lon for lon, _ in outline) - min(lon for lon, _ in outline) < 180:
            np.testing.assert_allclose(shapely.get_coordinates(polygon)[:-1], outline, atol=1e-7)
    if resolution >= 7:
        centres = shapely.points(cell_centres(cells))
        assert shapely.contains(polygons, centres).all()


def test_pentagons_and_hexagons_mix():
    cells = as_cells(
        {near for cell in PENTAGONS for near in basic_int.grid_disk(cell, 1)} | set(PENTAGONS)
    )
    polygons = cell_polygons(cells)
    assert shapely.is_valid(polygons).all()
    assert set(shapely.get_num_coordinates(polygons)) > {7}


def test_cell_at_the_antimeridian_stays_small():
    cell = basic_int.latlng_to_cell(52.0, 180.0, 6)
    (polygon,) = cell_polygons(as_cells([cell]))
    west, _, east, _ = polygon.bounds
    assert east > 180 > west
    assert east - west < 1


def test_neighbours_share_their_corners_to_the_last_bit():
    disk = as_cells(basic_int.grid_disk(basic_int.latlng_to_cell(45.75, 126.65, 8), 20))
    corners = shapely.get_coordinates(cell_polygons(disk))
    distinct = np.unique(corners, axis=0)
    assert len(distinct) == len(np.unique(corners.round(5), axis=0))


@pytest.mark.parametrize("resolution", [0, 5, 6, 8])
def test_parents_agree_with_h3(resolution):
    cells = np.concatenate([world_cells(8), world_cells(10), as_cells(PENTAGONS[2:])])
    expected = [basic_int.cell_to_parent(cell, resolution) for cell in cells.tolist()]
    assert cell_parents(cells, resolution).tolist() == expected
    assert set(cell_resolutions(cells).tolist()) == {8, 10}


def test_parents_of_coarser_cells_are_refused():
    with pytest.raises(ValueError, match="coarser"):
        cell_parents(world_cells(5), 6)


@pytest.mark.parametrize(
    "ids",
    [["230100"], ["z" * 15], ["0" * 15], ["881496328bfffff", "harbin"], ["881496328bffff\u0661"]],
)
def test_other_ids_are_no_cells(ids):
    assert parse_cells(ids) is None


def test_no_cells_give_no_polygons():
    assert cell_polygons(as_cells([])).shape == (0,)
