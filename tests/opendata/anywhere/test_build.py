"""Whole builds of a made-up world of two towns."""

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
from osmium.osm import mutable
from shapely.geometry import box

import planner
from planner.errors import InputError
from planner.opendata.anywhere import build
from planner.opendata.build import build_instance
from tests.opendata.made_up_world import RECIPE, place, read_world, write_climate


def _build(monkeypatch, folder, places, *towns, text=RECIPE, level="offline", months=7):
    monkeypatch.setattr(build, "read_source", read_world(places, *towns))
    folder.mkdir(exist_ok=True)
    write_climate(folder, [each["geonameid"] for each in places], months)
    build_instance(
        text, folder / "out", file="made_up.toml", data_dir=folder, level=level,
        on_progress=lambda _: None,
    )  # fmt: skip
    return planner.read_instance(folder / "out")


def _two_towns(monkeypatch, folder, lon, lat, **options):
    places = [
        place(1, "Westport", lon, lat, 300_000),
        place(2, "Eastport", lon + 0.5, lat, 150_000),
        place(3, "Abroad", lon, lat + 20, 900_000, "TO"),
    ]
    places = [{**each, "longitude": (each["longitude"] + 180) % 360 - 180} for each in places]
    return _build(monkeypatch, folder, places, (lon, lat, lon + 0.5, lat), **options)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two_towns")
    with pytest.MonkeyPatch.context() as monkeypatch:
        return folder, _two_towns(monkeypatch, folder, 177.0, -18.0)


def test_a_recipe_becomes_an_instance_that_reads(built):
    _, instance = built
    assert instance.cities["name_en"].tolist() == ["Westport", "Eastport"]
    assert set(instance.cities["province"]) == {"Fiji"}
    vehicles = instance.cities.filter(like="vehicles_").sum(axis=1)
    assert vehicles.tolist() == [400, 200]
    assert instance.scenario.siting.num_stations == 4
    assert instance.scenario.quarters[-1] == "2027Q4"
    households = instance.zones.groupby("city_id")["car_owning_households"].sum()
    assert households.tolist() == [60_000, 30_000]


def test_every_table_says_source_and_mark_and_what_is_missing_is_listed(built):
    folder, instance = built
    said = instance.assumptions.set_index("item")
    tables = {path.stem for path in (folder / "out").glob("*.parquet")}
    tables |= {path.stem for path in (folder / "out").glob("*.csv")} - {"assumptions"}
    assert {f"table {name}" for name in tables} <= set(said.index)
    assert said.loc["table climate", "value"] == "year 2025"
    assert "made up; CC0" in said.loc["table climate", "source"]
    assert "markets FJ" in said.loc["missing: certificates", "value"]
    assert said.loc["winter as a reason for sodium-ion", "value"].startswith("none")
    assert "cooling in hot months" in said.index
    sources = (folder / "out" / "SOURCES.md").read_text(encoding="utf-8")
    for words in ("Fiji", "OpenStreetMap contributors", "tables.climate: climate.csv", "FJ"):
        assert words in sources


def test_decisions_in_scenario_toml_outlive_a_new_build(built, monkeypatch):
    folder, _ = built
    path = folder / "out" / "scenario.toml"
    changed = path.read_text(encoding="utf-8").replace("num_stations = 4", "num_stations = 3")
    path.write_text(changed, encoding="utf-8")
    zones = (folder / "out" / "zones.parquet").read_bytes()
    again = _two_towns(monkeypatch, folder, 177.0, -18.0)
    assert again.scenario.siting.num_stations == 3
    assert (folder / "out" / "zones.parquet").read_bytes() == zones


def test_towns_on_both_sides_of_180_degrees_are_built_like_others(built, monkeypatch, tmp_path):
    _, usual = built
    across = _two_towns(monkeypatch, tmp_path, 179.75, -18.0)
    assert sorted(np.sign(across.cities["lon"])) == [-1, 1]
    assert np.sign(across.zones["lon"]).value_counts().min() > 100
    assert (180 - across.zones["lon"].abs()).max() < 0.5
    # Cells are of other sizes elsewhere: a few more or fewer.
    assert len(across.zones) == pytest.approx(len(usual.zones), rel=0.1)
    assert len(across.sites) == pytest.approx(len(usual.sites), rel=0.1)
    assert across.roads["length_km"].tolist() == usual.roads["length_km"].tolist()


def test_the_other_hemisphere_is_colder_in_the_other_months_only(built, monkeypatch, tmp_path):
    _, south = built
    north = _two_towns(monkeypatch, tmp_path, 177.0, 18.0, months=1)
    assert north.cities["winter_design_c"].tolist() == south.cities["winter_design_c"].tolist()
    vehicles = [each.cities.filter(like="vehicles_") for each in (north, south)]
    pd.testing.assert_frame_equal(*vehicles)
    assert len(north.zones) == pytest.approx(len(south.zones), rel=0.2)
    coldest = [
        each.climate.loc[each.climate.groupby("city_id")["mean_c"].idxmin(), "month"].tolist()
        for each in (north, south)
    ]
    assert coldest == [[1, 1], [7, 7]]


def test_islands_are_kept_apart_and_named_and_cities_without_a_road_left_out(monkeypatch, tmp_path):
    places = [
        place(1, "Mainland", 177.0, -18.0, 300_000),
        place(2, "Island", 179.0, -17.0, 200_000),
        place(3, "Roadless", 177.0, -15.0, 200_000),
    ]
    instance = _build(monkeypatch, tmp_path, places, (177.0, -18.0), (179.0, -17.0))
    assert instance.cities["name_en"].tolist() == ["Mainland", "Island"]
    said = instance.assumptions.set_index("item")["value"]
    assert said["roads apart from the main network: Island"] == "Island, on 49 junctions"
    assert said["cities left out"] == "Roadless"


def test_a_state_of_one_city_is_an_instance(monkeypatch, tmp_path):
    text = RECIPE.replace("Fiji", "Singapore")
    places = [
        place(1, "Singapore", 103.85, 1.29, 5_000_000, "SG"),
        place(2, "Abroad", 104.4, 1.5, 900_000, "MY"),
    ]
    instance = _build(monkeypatch, tmp_path, places, (103.85, 1.29, 104.4, 1.5), text=text)
    assert instance.cities["name_en"].tolist() == ["Singapore"]
    assert instance.road_nodes["lon"].max() < 104.2


@pytest.mark.parametrize(
    ("places", "towns", "said"),
    [
        ([place(1, "Small", 177.0, -18.0, 99_999)], [(177.0, -18.0)], "cities.min_residents"),
        ([place(1, "Far", 177.0, -18.0, 300_000)], [(10.0, 50.0)], "no road of the world highways"),
    ],
)
def test_regions_that_give_no_instance_are_named_faults(monkeypatch, tmp_path, places, towns, said):
    with pytest.raises(InputError, match=said):
        _build(monkeypatch, tmp_path, places, *towns)


def test_a_grid_of_people_replaces_the_model_and_nobody_is_lost(monkeypatch, tmp_path):
    grid = gpd.GeoDataFrame(
        {"people": [120_000.0, 5_000.0]},
        geometry=[box(176.97, -18.03, 177.03, -17.97), box(178.5, -18.03, 178.6, -17.97)],
        crs="EPSG:4326",
    )
    grid.to_file(tmp_path / "people.gpkg")
    text = RECIPE + (
        '[people]\nfile = "people.gpkg"\nfield = "people"\nyear = 2024\nsource = "census"\n'
        'licence = "CC0"\nmark = "M"\n'
    )
    with pytest.raises(InputError, match="--level full needs it"):
        _two_towns(monkeypatch, tmp_path, 177.0, -18.0, text=text, level="full")
    instance = _two_towns(monkeypatch, tmp_path, 177.0, -18.0, text=text, level="grid")
    assert instance.cities["name_en"].tolist() == ["Westport"]
    assert instance.cities["population"].sum() == pytest.approx(120_000, rel=0.05)
    said = instance.assumptions.set_index("item")["value"]
    assert "125,000 in the file" in said["people of people.gpkg"]
    assert said["cities left out"] == "Eastport"


STREETS = """
[streets]
file = "town.osm.pbf"
year = 2026
source = "OpenStreetMap"
licence = "ODbL 1.0"
citation = "© OpenStreetMap contributors"
mark = "M"
"""


def _write_extract(path, lon, lat, viaduct=()):
    """A net of streets 500 m apart, two fuel stations among them unless it has a viaduct."""
    with osmium.SimpleWriter(str(path)) as writer:
        for i in range(7):
            for j in range(7):
                where = (lon + 0.005 * i, lat + 0.005 * j)
                writer.add_node(mutable.Node(id=10 * i + j + 1, location=where))
        fuel = ((101, (lon + 0.004, lat + 0.004)), (102, (lon + 0.02, lat + 0.02)))
        for number, where in () if viaduct else fuel:
            writer.add_node(mutable.Node(id=number, location=where, tags={"amenity": "fuel"}))
        lines = [[10 * i + j + 1 for j in range(7)] for i in range(7)]
        tags = {"highway": "residential"}
        for number, nodes in enumerate([*lines, *map(list, zip(*lines, strict=True))], 1):
            off = {"bridge": "viaduct"} if number in viaduct else {}
            writer.add_way(mutable.Way(id=number, nodes=nodes, tags=tags | off))


def test_an_extract_gives_streets_and_sites(monkeypatch, tmp_path):
    _write_extract(tmp_path / "town.osm.pbf", 177.0, -18.0)
    text = RECIPE + STREETS
    instance = _two_towns(monkeypatch, tmp_path, 177.0, -18.0, text=text, level="full")
    assert instance.cities["name_en"].tolist() == ["Westport"]
    assert set(instance.sites["kind"]) == {"fuel_station"}
    assert sorted(instance.sites["site_id"]) == ["FJ-1-n101", "FJ-1-n102"]
    assert instance.roads["length_km"].max() < 4
    # The extract has a few of the town's square kilometres.
    residents = int(instance.cities["population"].sum())
    assert 30_000 < residents < 150_000
    held = instance.assumptions.set_index("item").loc["residents of Westport within the extract"]
    assert "missing: people by cell" in instance.assumptions["item"].tolist()
    assert held["value"] == f"{residents:,} of 300,000"
    assert instance.zones["car_owning_households"].sum() == pytest.approx(residents / 5, rel=0.01)
    assert "© OpenStreetMap contributors" in instance.scenario.attribution
    said = instance.assumptions.set_index("item")
    assert said.loc["table roads", "value"] == "year 2026"
    assert "missing: local streets, fuel stations, car parks, substations" not in said.index


def test_no_site_stands_on_a_viaduct(monkeypatch, tmp_path):
    """Three streets of the net run on viaducts: their inner junctions are no places to build."""
    _write_extract(tmp_path / "town.osm.pbf", 177.0, -18.0, viaduct=(2, 4, 6))
    instance = _two_towns(monkeypatch, tmp_path, 177.0, -18.0, text=RECIPE + STREETS, level="full")
    assert len(instance.sites) > 3
    assert set(instance.sites["kind"]) == {"road_node"}
    inner = instance.sites["lat"].between(-17.999, -17.971)
    assert not (inner & instance.sites["lon"].round(3).isin([177.005, 177.015, 177.025])).any()
