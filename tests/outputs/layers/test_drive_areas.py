"""Drive areas as a layer: what lies in them, the antimeridian, the shortest drive on top."""

from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from planner.outputs.layers.drive_areas import (
    drive_area_rows,
    drive_area_styles,
    places_within,
)
from planner.outputs.layers.frames import build_layers

ZONES = pd.DataFrame(
    {
        "zone_id": list("abcd"),
        "lon": [10.0, 10.2, -179.9, 179.9],
        "lat": [50.0, 50.0, 50.0, 50.0],
        "car_owning_households": [1.0, 10.0, 100.0, 1000.0],
        "swaps_per_day": [0.5, 0.25, 8.0, 16.0],
    }
)
STATIONS = pd.DataFrame({"site_id": ["s2", "s1"], "city_id": ["y", "x"]})


def _areas(*boxes: tuple[str, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (site_id, minutes, shapely.multipolygons([shapely.box(west, 49.9, east, 50.1)]))
            for site_id, minutes, west, east in boxes
        ],
        columns=["site_id", "minutes", "geometry"],
    )


def test_places_within_are_those_that_a_tree_of_points_finds():
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform((-180, -60), (180, 60), (20_000, 2)).T.round(1)
    centres = np.column_stack([lon, lat])[:300] + 0.05  # corners on places, and beside them
    shapes = shapely.buffer(shapely.points(centres), rng.uniform(0.05, 9, 300).round(2))
    shapes[::3] = shapely.box(*centres[::3].T, *(centres[::3] + 1.05).T)
    found = places_within(shapes, lon, lat)
    tree = shapely.STRtree(shapely.points(lon, lat)).query(shapes, predicate="contains")
    assert sorted(zip(*found, strict=True)) == sorted(zip(*tree, strict=True))
    assert (np.diff(found[0]) >= 0).all()
    assert not len(places_within(shapes, lon[:0], lat[:0])[0])
    assert not len(places_within(shapes[:0], lon, lat)[0])


def test_areas_tell_what_lies_inside():
    areas = _areas(("s1", 5.0, 9.9, 10.1), ("s1", 10.0, 9.8, 10.3), ("s2", 5.0, 10.1, 10.15))
    rows = drive_area_rows(areas, ZONES, STATIONS)
    told = rows.drop(columns=["geometry", "area_km2"])
    assert told.to_dict("list") == {
        "station_id": ["s1", "s1", "s2"],
        "city_id": ["x", "x", "y"],
        "minutes": [5.0, 10.0, 5.0],
        "num_zones": [1, 2, 0],
        "car_owning_households": [1.0, 11.0, 0.0],
        "swaps_per_day": [0.5, 0.75, 0.0],
    }
    # 0.2 by 0.2 degrees at 50 degrees north, on the ellipsoid.
    assert rows["area_km2"].iloc[0] == pytest.approx(14.34 * 22.25, rel=2e-3)


@pytest.mark.parametrize(("west", "east"), [(179.8, 180.2), (-180.2, -179.8)])
def test_areas_over_the_antimeridian_are_cut_there(west, east):
    rows = drive_area_rows(_areas(("s1", 5.0, west, east)), ZONES, STATIONS)
    (shape,) = rows.geometry
    assert shapely.get_num_geometries(shape) == 2
    assert rows.total_bounds[[0, 2]].tolist() == [-180.0, 180.0]
    assert rows["car_owning_households"].tolist() == [1100.0]
    assert rows["area_km2"].iloc[0] == pytest.approx(2 * 14.34 * 22.25, rel=2e-3)


def test_files_have_the_areas(run_folder, content):
    written = gpd.read_parquet(run_folder / "layers" / "drive_areas.parquet")
    assert written["station_id"].tolist() == ["s1", "s1", "s2", "s2"]
    assert written["minutes"].tolist() == [5.0, 10.0] * 2
    zones = gpd.read_parquet(run_folder / "layers" / "zones.parquet")
    lonlat = shapely.points(zones[["lon", "lat"]])
    for row in written.itertuples():
        inside = zones[shapely.contains(row.geometry, lonlat)]
        assert row.num_zones == len(inside) > 0
        assert row.swaps_per_day == pytest.approx(inside["swaps_per_day"].sum())
    assert not (run_folder / "tables" / "drive_areas.parquet").exists()


def test_the_shortest_drive_lies_on_top(content):
    layers = build_layers(content)
    styles = drive_area_styles(layers, 1_000_000)
    assert list(styles) == ["drive_areas", "drive_areas filled"]
    for document, _ in styles.values():
        assert [each.get("label") for each in document.iter("range")] == [
            "within 5 min", "within 10 min"
        ]  # fmt: skip
        (clause,) = document.iter("orderByClause")
        assert (clause.text, clause.get("asc")) == ('"minutes"', "0")
    assert isinstance(document, ET.Element)
    del layers["drive_areas"]
    assert drive_area_styles(layers, 1_000_000) == {}
