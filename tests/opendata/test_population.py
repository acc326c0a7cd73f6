"""People of grids: split by area, summed, nobody lost; what cannot be people is named."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from h3.api import basic_int
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.transform import Affine, from_origin

from planner.arrays import FloatArray, IntArray
from planner.errors import InputError
from planner.opendata.people_grid import GridInput, People, hexagons
from planner.opendata.population import people_from

LON, LAT = 126.63, 45.75
"""Harbin."""


def _cells(lon: float = LON, lat: float = LAT, rings: int = 6) -> IntArray:
    centre = basic_int.latlng_to_cell(lat, lon, 8)
    return np.array(sorted(basic_int.grid_disk(centre, rings)), dtype=np.int64)


def _raster(
    path: Path,
    values: FloatArray,
    transform: Affine,
    crs: str | None = "EPSG:4326",
    nodata: float | None = None,
) -> GridInput:
    rows, columns = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=1, dtype="float64", crs=crs,
        transform=transform, nodata=nodata,
    ) as raster:  # fmt: skip
        raster.write(values, 1)
    return GridInput(path)


def _around(lon: float = LON, lat: float = LAT, pixel: float = 0.01, side: int = 6) -> Affine:
    return from_origin(lon - pixel * side / 2, lat + pixel * side / 2, pixel, pixel)


def _polygons(values: FloatArray, transform: Affine, crs: str = "EPSG:4326") -> gpd.GeoDataFrame:
    rows, columns = values.shape
    corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
    shapes = [
        shapely.Polygon([transform * (column + x, row + y) for x, y in corners])
        for row in range(rows)
        for column in range(columns)
    ]
    return gpd.GeoDataFrame({"population": values.ravel()}, geometry=shapes, crs=crs)


def _assert_nobody_is_lost(people: People, total: float) -> None:
    assert people.total == pytest.approx(total, rel=1e-9)
    assert people.residents.sum() + people.elsewhere == pytest.approx(total, rel=1e-6)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**31),
    east=st.floats(-0.03, 0.03),
    north=st.floats(-0.03, 0.03),
    crs=st.sampled_from(["EPSG:4326", "EPSG:3857", "EPSG:6933", "ESRI:54009", "EPSG:32652"]),
    split=st.sampled_from([1, 2, 3]),
)
def test_no_shift_system_or_refinement_loses_anybody(
    tmp_path: Path, seed: int, east: float, north: float, crs: str, split: int
) -> None:
    values = np.random.default_rng(seed).integers(0, 900, (6, 6)).astype(np.float64)
    values[0, 0] = 1.0
    centre = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(
        LON + east, LAT + north
    )
    pixel = 0.01 if crs == "EPSG:4326" else 1000.0
    finer = np.repeat(np.repeat(values / split**2, split, axis=0), split, axis=1)
    transform = _around(*centre, pixel=pixel / split, side=6 * split)
    grid = _raster(tmp_path / "people.tif", finer, transform, crs)
    _assert_nobody_is_lost(people_from(grid, _cells(rings=5)), values.sum())
    all_cells = people_from(grid, _cells(rings=20))
    assert all_cells.elsewhere == pytest.approx(0.0, abs=1e-6)
    assert all_cells.residents.sum() == pytest.approx(values.sum(), rel=1e-9)


def test_refinement_changes_no_cell(tmp_path: Path) -> None:
    values = np.random.default_rng(3).uniform(0, 900, (6, 6))
    finer = np.repeat(np.repeat(values / 16, 4, axis=0), 4, axis=1)
    cells = _cells()
    coarse, fine = (
        people_from(
            _raster(tmp_path / f"{pixel}.tif", each, _around(pixel=pixel, side=side)), cells
        )
        for each, pixel, side in ((values, 0.01, 6), (finer, 0.0025, 24))
    )
    near = pytest.approx(fine.residents, abs=0.02 * values.max())
    assert coarse.residents == near


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32652"])
def test_pixels_and_their_polygons_give_cells_the_same(tmp_path: Path, crs: str) -> None:
    """The polygons are cut with the cells exactly; a pixel is in parts of a cell's 400th."""
    values = np.random.default_rng(4).uniform(0, 900, (6, 6))
    centre = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(LON, LAT)
    transform = _around(*centre, pixel=0.01 if crs == "EPSG:4326" else 1000.0)
    grid = _raster(tmp_path / "people.tif", values, transform, crs)
    path = tmp_path / "people.gpkg"
    _polygons(values, transform, crs).to_file(path)
    cells = _cells()
    of_raster, of_polygons = people_from(grid, cells), people_from(GridInput(path), cells)
    _assert_nobody_is_lost(of_polygons, values.sum())
    assert of_raster.residents == pytest.approx(of_polygons.residents, abs=0.02 * values.max())
    assert of_raster.residents.max() > 100


def test_a_pixel_over_several_cells_goes_to_each_by_area(tmp_path: Path) -> None:
    """The nearest cell, or the one at the pixel's centre, would get all of it."""
    pixel = 0.03
    transform = _around(pixel=pixel, side=1)
    grid = _raster(tmp_path / "people.tif", np.array([[1000.0]]), transform)
    cells = _cells()
    shared = shapely.area(
        shapely.intersection(
            hexagons(cells),
            shapely.box(LON - pixel / 2, LAT - pixel / 2, LON + pixel / 2, LAT + pixel / 2),
        )
    )
    assert (shared > 0).sum() > 5
    assert people_from(grid, cells).residents == pytest.approx(
        1000 * shared / pixel**2, abs=1000 * 0.03 * shared.max() / pixel**2
    )


@pytest.mark.parametrize("turns", [0.0, 360.0])
def test_a_raster_over_the_meridian_of_180_degrees(tmp_path: Path, turns: float) -> None:
    """As GHSL and others write it: from 0 to 360, or one side of the meridian."""
    cells = _cells(179.995, -16.8)
    values = np.full((8, 8), 100.0)
    centre = 180.0 if turns else 179.96
    grid = _raster(tmp_path / "people.tif", values, _around(centre, -16.8, side=8))
    people = people_from(grid, cells)
    _assert_nobody_is_lost(people, values.sum())
    west, _, east, _ = shapely.bounds(hexagons(cells)).T
    assert ((west < 180) & (east > 180)).any()
    all_west = shapely.area(shapely.intersection(hexagons(cells), shapely.box(170, -17, 180, -16)))
    reached = (all_west > 0) | (turns > 0)
    assert (people.residents[(west > -180) & (west < 179.94)] > 0).any()
    assert not people.residents[~reached & (west > 180)].any()
    assert people.residents.sum() > (3000 if turns else 2000)


def test_polygons_over_the_meridian_of_180_degrees(tmp_path: Path) -> None:
    cells = _cells(179.995, -16.8, rings=12)
    shapes = [shapely.box(179.95, -16.85, 180, -16.75), shapely.box(-180, -16.85, -179.95, -16.75)]
    path = tmp_path / "people.gpkg"
    gpd.GeoDataFrame({"people": [500, 700]}, geometry=shapes, crs="EPSG:4326").to_file(path)
    people = people_from(GridInput(path), cells)
    assert people.residents.sum() == pytest.approx(1200)
    assert (people.residents > 0).sum() > 100


def test_rows_of_kontur_are_taken_by_their_cell(tmp_path: Path) -> None:
    cells = _cells(rings=1)
    children = [basic_int.cell_to_children(int(cells[0]), 9)[0]] * 2
    names = [basic_int.int_to_str(int(cell)) for cell in (*cells, *children)]
    away = basic_int.int_to_str(basic_int.latlng_to_cell(46.5, 126.6, 8))
    count = np.arange(10.0, 10.0 + len(names))
    path = tmp_path / "kontur.gpkg"
    gpd.GeoDataFrame(
        {"h3": [*names, away], "population": [*count, 5.0]},
        geometry=[shapely.Point(0, 0)] * (len(names) + 1), crs="EPSG:3857",
    ).to_file(path)  # fmt: skip
    people = people_from(GridInput(path), cells)
    expected = count[: len(cells)].copy()
    expected[0] += count[len(cells) :].sum()
    assert people.residents.tolist() == expected.tolist()
    assert people.elsewhere == 5.0
    assert "5 elsewhere" in people.notes[0].value


def test_points_count_where_they_stand(tmp_path: Path) -> None:
    cells = _cells(rings=2)
    path = tmp_path / "people.geojson"
    gpd.GeoDataFrame(
        {"residents": [3, 4, 9]}, crs="EPSG:4326",
        geometry=[shapely.Point(LON, LAT)] * 2 + [shapely.Point(10, 50)],
    ).to_file(path)  # fmt: skip
    people = people_from(GridInput(path), cells)
    at = int(np.searchsorted(cells, basic_int.latlng_to_cell(LAT, LON, 8)))
    assert people.residents[at] == 7
    assert people.elsewhere == 9


def test_what_the_file_marks_as_no_data_is_nobody(tmp_path: Path) -> None:
    values = np.full((6, 6), 50.0)
    values[2, 2], values[3, 3] = -99999.0, np.nan
    grid = _raster(tmp_path / "people.tif", values, _around(), nodata=-99999.0)
    assert people_from(grid, _cells(rings=20)).residents.sum() == pytest.approx(34 * 50)


def test_cells_outside_of_the_grid_are_told(tmp_path: Path) -> None:
    grid = _raster(tmp_path / "people.tif", np.full((6, 6), 50.0), _around())
    (_, note) = people_from(grid, _cells(rings=20)).notes
    assert "cells outside of the grid" in note.item


def _faults(grid: GridInput, cells: IntArray | None = None) -> str:
    with pytest.raises(InputError) as caught:
        people_from(grid, _cells() if cells is None else cells)
    return str(caught.value)


def test_broken_rasters_are_named(tmp_path: Path) -> None:
    values = np.full((6, 6), 50.0)
    none = _raster(tmp_path / "no_crs.tif", values, _around(), crs=None)
    assert "states none; state the file's reference system as crs" in _faults(none)
    stated = GridInput(none.path, crs="EPSG:4326")
    assert people_from(stated, _cells()).total == 1800
    assert "PROJ does not know it" in _faults(GridInput(none.path, crs="EPSG:1"))
    odd = values.copy()
    odd[1, 1:3] = -99999.0
    negative = _raster(tmp_path / "negative.tif", odd, _around())
    assert "-99999 and the like, 2 times" in _faults(negative)
    assert "gdal_edit.py -a_nodata -99999" in _faults(negative)
    swapped = _raster(tmp_path / "swapped.tif", values, _around(LAT, LON))
    assert "longitude and latitude look swapped" in _faults(swapped)
    other = _raster(tmp_path / "chile.tif", values, _around(-70.6, -33.4))
    assert "another country" in _faults(other)
    empty = _raster(tmp_path / "masked.tif", np.full((6, 6), -1.0), _around(), nodata=-1.0)
    assert "holds nobody in any cell" in _faults(empty)
    assert "no such file" in _faults(GridInput(tmp_path / "none.tif"))
    (tmp_path / "text.tif").write_text("no raster", encoding="utf-8")
    assert "cannot be read as a raster" in _faults(GridInput(tmp_path / "text.tif"))
    assert "which band counts people: 1 to 1" in _faults(GridInput(none.path, "2", "", "EPSG:4326"))


def _layer(path: Path, frame: dict[str, Any], shapes: list[Any], crs: str | None) -> GridInput:
    gpd.GeoDataFrame(frame, geometry=shapes, crs=crs).to_file(path)
    return GridInput(path)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_broken_layers_are_named(tmp_path: Path) -> None:
    box = [shapely.box(LON, LAT, LON + 0.01, LAT + 0.01)]
    none = _layer(tmp_path / "no_crs.gpkg", {"population": [1]}, box, None)
    assert "states none; state the file's reference system" in _faults(none)
    odd = _layer(tmp_path / "odd.gpkg", {"n_2020": [1], "n_2025": [2]}, box, "EPSG:4326")
    assert "which column counts people: n_2020, n_2025" in _faults(odd)
    assert people_from(GridInput(odd.path, "n_2025"), _cells()).total == 2
    text = _layer(tmp_path / "text.gpkg", {"people": ["many"]}, box, "EPSG:4326")
    assert "many, 1 times: is no number of people" in _faults(text)
    less = _layer(tmp_path / "less.gpkg", {"people": [-200.0]}, box, "EPSG:4326")
    assert "-200 and the like" in _faults(less)
    swapped = [shapely.box(LAT, LON, LAT + 0.01, LON + 0.01)]
    layer = _layer(tmp_path / "swapped.gpkg", {"people": [1]}, swapped, "EPSG:4326")
    assert "look swapped" in _faults(layer)
    line = [shapely.LineString([(LON, LAT), (LON, LAT + 0.1)])]
    lines = _layer(tmp_path / "lines.gpkg", {"people": [1]}, line, "EPSG:4326")
    assert "no area and no point" in _faults(lines)
    missing = _layer(tmp_path / "gap.gpkg", {"people": [1.0, np.nan]}, box * 2, "EPSG:4326")
    assert "features without a count" in people_from(missing, _cells()).notes[1].item


@pytest.mark.parametrize(("name", "told"), [("8123", "no H3 cell"), ("text", "no H3 cell")])
def test_names_that_are_no_cells(tmp_path: Path, name: str, told: str) -> None:
    path = tmp_path / "cells.csv"
    pd.DataFrame({"h3": [name], "population": [1]}).to_csv(path, index=False)
    assert told in _faults(GridInput(path))


def test_cells_larger_than_the_zones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    large = basic_int.int_to_str(basic_int.latlng_to_cell(LAT, LON, 6))
    pd.DataFrame({"h3": [large], "population": [1]}).to_csv(path, index=False)
    assert "resolution 6: cells are larger than the zones'" in _faults(GridInput(path))
