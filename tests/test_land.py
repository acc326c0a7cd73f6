"""Land and water of the world."""

import hashlib

import numpy as np
import pytest
import shapely

from planner.land import FILE, is_land, land_within


def test_the_file_is_the_one_that_was_made() -> None:
    checksum, name = FILE.with_suffix(".sha256").read_text(encoding="utf-8").split()
    assert name == FILE.name
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == checksum


@pytest.mark.parametrize(
    ("lon", "lat", "dry"),
    [
        (126.63, 45.75, True),  # Harbin
        (121.13, 30.45, False),  # the bridge over the bay of Hangzhou
        (120.0, 36.9, True),  # Shandong
        (100.2, 36.9, False),  # the lake of Qinghai
        (-70.65, -33.45, True),  # Santiago
        (178.0, -17.8, True),  # Fiji, west of the meridian of 180 degrees
        (-179.93, -16.82, True),  # Fiji, east of it
        (180.07, -16.82, True),  # the same place
        (0.0, -90.0, True),
        (-150.0, 0.0, False),
        (float("nan"), 0.0, False),
    ],
)
def test_known_places(lon: float, lat: float, dry: bool) -> None:
    assert is_land(lon, lat).tolist() == [dry]


def test_a_box_over_the_meridian_of_180_degrees_gives_both_sides() -> None:
    over = land_within(177, -19, -178, -16)
    west, east = land_within(177, -19, 180, -16), land_within(-180, -19, -178, -16)
    assert len(west) > 0
    assert len(east) > 0
    assert len(over) == len(west) + len(east)
    beyond = land_within(177, -19, 182, -16)
    assert shapely.area(over).sum() == pytest.approx(shapely.area(beyond).sum(), abs=1e-12)
    assert shapely.area(over).sum() == pytest.approx(
        shapely.area(west).sum() + shapely.area(east).sum(), abs=1e-12
    )
    assert np.abs(shapely.bounds(over)[:, [0, 2]]).max() <= 180


def test_parts_of_a_box_make_the_whole() -> None:
    whole = land_within(120, 30, 123, 33)
    parts = [land_within(120 + i, 30 + j, 121 + i, 31 + j) for i in range(3) for j in range(3)]
    assert shapely.is_valid(whole).all()
    assert shapely.area(whole).sum() == pytest.approx(
        sum(shapely.area(part).sum() for part in parts)
    )
    assert 0 < shapely.area(whole).sum() < 9
    assert all(polygon.exterior.is_ccw for polygon in whole)


def test_places_lie_on_land_where_the_map_has_it() -> None:
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(119, 123, 500), rng.uniform(29, 32, 500)
    drawn = shapely.intersects_xy(shapely.union_all(land_within(119, 29, 123, 32)), lon, lat)
    assert 0.2 < drawn.mean() < 0.9
    assert (is_land(lon, lat) == drawn).all()


def test_the_shore_is_allowed_for_by_its_distance() -> None:
    """The bridge over the bay is 6 km and more from the shore in its middle."""
    lon, lat = np.linspace(121.12, 121.16, 9), np.full(9, 30.45)
    assert not is_land(lon, lat, shore_km=5).any()
    assert is_land(lon, lat, shore_km=40).all()
    rng = np.random.default_rng(6)
    lon, lat = rng.uniform(119, 123, 200), rng.uniform(29, 32, 200)
    allowed = [is_land(lon, lat, shore_km=km) for km in (0.0, 1.0, 2.0)]
    assert (allowed[0] <= allowed[1]).all()
    assert (allowed[1] <= allowed[2]).all()


def test_squares_of_land_change_nothing() -> None:
    """Near the shore of Fujian, where squares are land, water and both: as point by point."""
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(117.0, 121.0, 4000), rng.uniform(23.0, 27.0, 4000)
    land = shapely.union_all(land_within(116.0, 22.0, 122.0, 28.0))
    one_by_one = shapely.intersects_xy(land, lon, lat)
    assert 0.2 < one_by_one.mean() < 0.8
    np.testing.assert_array_equal(is_land(lon, lat), one_by_one)
    np.testing.assert_array_equal(is_land(lon - 360.0, lat), one_by_one)


def test_squares_that_are_all_land_change_nothing() -> None:
    rng = np.random.default_rng(5)
    steps = np.round(rng.uniform((119, 29), (123, 33), (4000, 2)) * 64) / 64  # on squares' edges
    lon, lat = np.concatenate([steps, rng.uniform((119, 29), (123, 33), (4000, 2))]).T
    land = shapely.union_all(land_within(118, 28, 124, 34))
    found = is_land(lon, lat)
    assert found.tolist() == shapely.intersects(land, shapely.points(lon, lat)).tolist()
    assert 0.2 < found.mean() < 0.9
