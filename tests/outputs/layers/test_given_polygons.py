"""Zones that were given as polygons come back as such, and service areas are made of them."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from planner.outputs.layers.ahead import LayersAhead
from planner.outputs.layers.frames import build_layers
from planner.outputs.run_folder import Outputs, write_run
from planner.planning.clock import StageClock
from planner.planning.result import Checked


def _polygons(zones: pd.DataFrame) -> "pd.Series[object]":
    """Squares that overlap, in another order than the zones, the first in two parts."""
    shapes = {
        zone_id: shapely.box(lon - 0.006, lat - 0.004, lon + 0.006, lat + 0.004)
        for zone_id, lon, lat in zip(zones["zone_id"], zones["lon"], zones["lat"], strict=True)
    }
    first = next(iter(shapes))
    lon, lat = shapely.get_coordinates(shapely.centroid(shapes[first]))[0]
    shapes[first] = shapely.multipolygons(
        [shapes[first], shapely.box(lon, lat + 0.02, lon + 0.001, lat + 0.03)]
    )
    return pd.Series(shapes, dtype=object).iloc[::-1]


@pytest.fixture(scope="module")
def given(content_of_points):
    return _polygons(content_of_points.evaluation.zones)


@pytest.fixture(scope="module")
def layers(content_of_points, given):
    return build_layers(replace(content_of_points, zone_polygons=given))


def test_zones_are_drawn_as_they_were_given(layers, given):
    zones = layers["zones"]
    assert zones.geometry_type == "MultiPolygon"
    assert zones.cell_resolution is None
    drawn = zones.frame.set_index("zone_id").geometry
    assert set(drawn.index) == set(given.index)
    for zone_id, shape in drawn.items():
        assert shapely.equals(shape, given[zone_id]), zone_id
    assert "as given" in zones.description


def test_service_areas_are_made_of_them(layers, given, content_of_points):
    zones = content_of_points.evaluation.zones
    areas = layers["service_areas"].frame.set_index("site_id").geometry
    assert set(areas.index) == set(zones["site_id"].dropna())
    for site_id, area in areas.items():
        served = given[zones["zone_id"][zones["site_id"] == site_id]].to_list()
        assert area.is_valid
        assert shapely.symmetric_difference(area, shapely.union_all(served)).area < 1e-12
    assert "H3" not in layers["service_areas"].description


def test_overviews_stay_cells(layers, content_of_points):
    others = build_layers(content_of_points)
    for name in ("zones_overview", "zones_overview_coarse", "climate_regions"):
        assert layers[name].frame.geometry.geom_equals(others[name].frame.geometry).all()


def test_cells_are_drawn_as_cells(content):
    zones = build_layers(replace(content, zone_polygons=_polygons(content.evaluation.zones)))
    again = build_layers(content)
    assert zones["zones"].frame.geometry.geom_equals(again["zones"].frame.geometry).all()


def test_an_instances_polygons_come_back(planned_tutorial, tmp_path):
    instance = planned_tutorial.instance
    given = _polygons(instance.zones)
    shapes = np.array(given.loc[instance.zones["zone_id"]].tolist(), object)
    planned = replace(
        planned_tutorial, instance=replace(instance, zone_shapes=shapes), clock=StageClock()
    )
    alone = write_run(planned, tmp_path / "alone", Outputs.TABLES)
    with LayersAhead(
        tmp_path / "ahead", planned.clock, with_geopackage=False, many_zones=1
    ) as ahead:
        ahead.hear("instance", planned.instance)
        ahead.hear("zones", Checked(planned.plan, planned.evaluation))
        beside = write_run(planned, tmp_path / "ahead", Outputs.TABLES, ahead)
    zones = gpd.read_parquet(alone / "layers" / "zones.parquet").set_index("zone_id").geometry
    assert all(shapely.equals(zones[zone_id], shape) for zone_id, shape in given.items())
    for name in ("zones", "service_areas", "drive_areas"):
        path = f"layers/{name}.parquet"
        assert (alone / path).read_bytes() == (beside / path).read_bytes()
