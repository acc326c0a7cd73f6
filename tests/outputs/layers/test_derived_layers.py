"""Lines, areas and regions say what the zones and their allocation say."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

import planner.outputs.layers.allocation as allocation_module
from planner.outputs.layers.allocation import allocation_lines, service_areas
from planner.outputs.layers.frames import build_layers
from planner.outputs.layers.hexagons import cell_polygons
from planner.outputs.layers.overview import zone_cells
from planner.outputs.layers.regions import cell_owners, chemistry_regions, climate_regions
from planner.outputs.layers.styles import build_styles
from planner.plans.reasons import REASONS
from tests.made_up_curves import make_curve_tables


def test_every_allocated_swap_is_on_a_line(content):
    zones = content.evaluation.zones
    cells = zone_cells(zones)
    stations = content.evaluation.stations
    lines, by_cell = allocation_lines(content.allocation, zones, cells, stations)
    assert not by_cell
    swaps = zones.set_index("zone_id")["swaps_per_day"].loc[content.allocation["zone_id"]]
    expected = (swaps.to_numpy() * content.allocation["share_frac"]).sum()
    assert lines["swaps_per_day"].sum() == pytest.approx(expected)
    split = lines[lines["origin_id"] == content.allocation["zone_id"].iloc[2]]
    assert split.set_index("site_id")["swaps_per_day"].to_dict() == {"s1": 3.75, "s2": 1.25}
    at = stations.set_index("site_id")[["lon", "lat"]].loc[lines["site_id"]]
    ends = shapely.get_coordinates(shapely.get_point(lines.geometry.to_numpy(), 1))
    np.testing.assert_array_equal(ends, at)


def test_many_lines_start_from_cells(content, monkeypatch):
    monkeypatch.setattr(allocation_module, "MOST_LINES_PER_ZONE", 3)
    zones = content.evaluation.zones
    cells = zone_cells(zones)
    lines, by_cell = allocation_lines(content.allocation, zones, cells, content.evaluation.stations)
    assert by_cell
    assert lines["num_zones"].sum() == 4
    assert lines["swaps_per_day"].sum() == pytest.approx(20 + 10 + 5)
    assert set(lines["origin_id"]) <= {f"{cell:x}" for cell in cells.parents(1).tolist()}
    described = build_layers(content)["allocation"].description
    assert described == "Lines from each H3 cell of resolution 7 to the stations that serve it."
    # The start is the mean of the zones, weighted by the swaps they send.
    with_both = lines[lines["num_zones"] > 1]
    for line in with_both.itertuples():
        inside = content.allocation[content.allocation["site_id"] == line.site_id]
        rows = zones.set_index("zone_id").loc[inside["zone_id"]]
        weight = rows["swaps_per_day"].to_numpy() * inside["share_frac"].to_numpy()
        mean_lon = np.average(rows["lon"], weights=weight)
        if line.num_zones == len(inside):
            assert line.geometry.coords[0][0] == pytest.approx(mean_lon)


def test_zone_at_its_station_has_no_line(content):
    zones = content.evaluation.zones
    here = zones.set_index("zone_id")[["lon", "lat"]].loc[content.allocation["zone_id"].iloc[0]]
    stations = content.evaluation.stations
    moved = stations.assign(
        lon=stations["lon"].where(stations["site_id"] != "s2", here["lon"]),
        lat=stations["lat"].where(stations["site_id"] != "s2", here["lat"]),
    )
    lines, _ = allocation_lines(content.allocation, zones, zone_cells(zones), moved)
    assert len(lines) == 3
    assert lines.geometry.is_valid.all()


def test_service_areas_are_the_cells_served(content):
    zones = content.evaluation.zones
    cells = zone_cells(zones)
    areas = service_areas(zones, cells, content.evaluation.stations).set_index("site_id")
    for site_id, area in areas.geometry.items():
        served = (zones["site_id"] == site_id).to_numpy()
        union = shapely.union_all(cell_polygons(cells.cells[served]))
        assert shapely.symmetric_difference(union, area).area == pytest.approx(0, abs=1e-12)
    # Each H3 cell of resolution 8 here has about 0.7 km2.
    assert areas["area_km2"].to_dict() == pytest.approx({"s1": 1.4, "s2": 0.7}, rel=0.2)
    assert shapely.intersection(*areas.geometry).area == 0
    drawn = cell_polygons(cells.cells)
    again = service_areas(zones, cells, content.evaluation.stations, drawn).set_index("site_id")
    assert again.geometry.geom_equals_exact(areas.geometry, 0).all()


def test_regions_cover_every_cell_once(content):
    zones = content.evaluation.zones
    owners = cell_owners(zones, zone_cells(zones).parents(0))
    cities = content.evaluation.cities
    for regions, column, names in (
        (climate_regions(owners, cities), "climate_class",
         ["-30 to -20 °C", "0 °C and above"]),
        (chemistry_regions(owners, cities), "dominant_chemistry", ["lfp", "sodium_ion"]),
    ):  # fmt: skip
        assert regions[column].tolist() == names
        assert regions["vehicles"].sum() == cities["vehicles"].sum()
        assert regions["num_cities"].tolist() == [1, 1]
        whole = shapely.union_all(cell_polygons(owners["cell"].to_numpy()))
        shapes = regions.geometry.to_numpy()
        assert shapely.area(shapes).sum() == pytest.approx(whole.area)
        assert shapely.symmetric_difference(shapely.union_all(shapes), whole).area < 1e-12
        assert regions["area_km2"].sum() == pytest.approx(6 * 0.7, rel=0.2)


def test_class_edges_belong_to_the_warmer(content):
    cities = content.evaluation.cities.assign(winter_design_c=[-20.0, 0.0])
    zones = content.evaluation.zones
    regions = climate_regions(cell_owners(zones, zone_cells(zones).parents(0)), cities)
    assert regions["climate_class"].tolist() == ["-20 to -10 °C", "0 °C and above"]


def test_cities_without_packs_have_no_chemistry(content):
    cities = content.evaluation.cities.assign(vehicles_lfp=0, vehicles_sodium_ion=0)
    zones = content.evaluation.zones
    regions = chemistry_regions(cell_owners(zones, zone_cells(zones).parents(2)), cities)
    assert regions["dominant_chemistry"].tolist() == ["none"]


def test_points_are_drawn_as_the_cells_that_hold_them(run_folder_of_points):
    path = run_folder_of_points / "plan.gpkg"
    areas = pyogrio.read_dataframe(path, layer="service_areas").set_index("site_id")
    zones = gpd.read_parquet(run_folder_of_points / "layers" / "zones.parquet")
    for site_id, area in areas.geometry.items():
        assert shapely.contains(area, zones.geometry[zones["site_id"] == site_id].to_numpy()).all()


def test_candidates_carry_their_reasons(run_folder, content):
    rows = pd.DataFrame(pyogrio.read_dataframe(run_folder / "plan.gpkg", layer="candidates"))
    assert rows["site_id"].tolist() == ["s3", "s4"]
    expected = content.candidates.set_index("site_id").loc[rows["site_id"]]
    for column in ("reason", "explanation", "unserved_swaps_per_day"):
        assert rows[column].tolist() == expected[column].tolist()


def test_styles_know_every_reason_and_class(content):
    styles = build_styles(build_layers(content), content.station_types, content.chemistries)
    for reason in REASONS:
        assert f'value="{reason}"' in styles["candidates"][0]
    for chemistry in ("sodium_ion", "lfp", "nmc", "none"):
        assert f'value="{chemistry}"' in styles["chemistry_regions"][0]


@pytest.mark.parametrize("name", ["zones_overview", "zones_overview_coarse"])
def test_cells_with_few_swaps_are_smaller_and_keep_the_colour_of_their_class(content, name):
    styles = build_styles(build_layers(content), content.station_types, content.chemistries)
    qml, _ = styles[name]
    assert "affine_transform($geometry" in qml
    assert "set_color_part" not in qml  # a faint colour would be that of another class


def test_cities_and_regions_tell_what_each_set_of_curves_gives(content):
    plain = build_layers(content)
    contested = {**content.tables, **make_curve_tables("230100", "x1")}
    layers = build_layers(replace(content, tables=contested))
    bare = [(name, column.source) for name, layer in layers.items() for column in layer.columns
            if not column.description and name != "a_table_of_tomorrow"]  # fmt: skip
    assert bare == []
    cities = layers["cities"].frame.set_index("city_id")
    assert cities["is_contested"].tolist() == [True, True]
    assert cities["main_chemistry_base"].to_dict() == {"230100": "sodium_ion", "x1": "lfp"}
    assert cities["contested_base_frac"].to_dict() == {"230100": 0.75, "x1": 0.0}
    under = [name for name in cities if name.startswith("contested_driven")]
    assert cities[under[0]].to_dict() == {"230100": 0.1, "x1": 0.6}
    # Harbin is cold and mainly on sodium-ion; x1 is warm, mainly on LFP, and has no zone cells.
    regions = layers["climate_regions"].frame.set_index("climate_class")
    assert regions.loc["-30 to -20 °C", "contested_base_frac"] == pytest.approx(0.75)
    assert regions.loc["-30 to -20 °C", "cities_contested"] == 1
    dominant = layers["chemistry_regions"].frame.set_index("dominant_chemistry")
    assert dominant.loc["sodium_ion", under[0]] == pytest.approx(0.1)
    for name in ("cities", "climate_regions", "chemistry_regions"):
        assert not [column for column in plain[name].frame if "contested" in column]
    assert set(layers) - set(plain) == {"curve_case", "curve_cost", "curve_city"}
