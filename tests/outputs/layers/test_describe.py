"""What describes a run is judged by the tools of those who wrote the specifications."""

import json
import subprocess
import sys

import geopandas as gpd
import pandas as pd
import pystac
import pytest
import shapely

from planner.outputs.layers.describe import data_package, field_type, stac_item
from planner.outputs.layers.frames import build_layers
from planner.outputs.layers.keys import Reference, keys_of
from planner.outputs.layers.layer import make_layer


@pytest.fixture(scope="module", params=["hexagons", "tutorial"])
def folder(request):
    fixtures = {"hexagons": "run_folder", "tutorial": "tutorial_folder"}
    return request.getfixturevalue(fixtures[request.param])


@pytest.fixture(scope="module")
def layers(content):
    return build_layers(content)


def test_data_package_is_valid_and_tables_match_their_schema(folder):
    done = subprocess.run(
        [sys.executable, "-m", "frictionless", "validate", "--json", "datapackage.json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    faults = [(task["name"], task["errors"]) for task in report["tasks"] if not task["valid"]]
    assert (report["errors"], faults) == ([], [])
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert report["stats"]["tasks"] == len(package["resources"])


def test_data_package_names_every_data_file(folder):
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    named = {resource["path"] for resource in package["resources"]}
    found = {
        path.relative_to(folder).as_posix()
        for pattern in ("*.gpkg", "layers/*", "tables/*")
        for path in folder.glob(pattern)
    }
    assert found - named == {"tables/data_dictionary.csv"}
    assert named <= found


def test_stac_item_is_valid(folder):
    item = json.loads((folder / "stac-item.json").read_text(encoding="utf-8"))
    read = pystac.Item.from_dict(item)
    assert read.validate() == [
        "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/item.json"
    ]
    west, south, east, north = read.bbox
    assert west < east
    assert south < north
    for asset in read.assets.values():
        assert (folder / asset.href).is_file()


def test_stac_box_holds_the_shapes_of_every_layer(folder):
    item = json.loads((folder / "stac-item.json").read_text(encoding="utf-8"))
    west, south, east, north = item["bbox"]
    footprint = shapely.geometry.shape(item["geometry"])
    assert footprint.bounds == (west, south, east, north)
    for path in (folder / "layers").glob("*.parquet"):
        if path.stem not in ("land", "base_roads"):
            inside = shapely.bounds(gpd.read_parquet(path).geometry.to_numpy())
            assert (inside[:, :2] >= (west, south)).all(), path.stem
            assert (inside[:, 2:] <= (east, north)).all(), path.stem


def test_every_run_has_an_id_of_its_own(content, layers, tmp_path):
    ids = set()
    for run_id in ("tiny-1a2b-20270101T000000Z", "tiny-1a2b-20270102T000000Z"):
        told = {**content.run_info, "run_id": run_id}
        ids |= {stac_item(layers, told)["id"], data_package(tmp_path, layers, told)["id"]}
    assert ids == {"tiny-1a2b-20270101T000000Z", "tiny-1a2b-20270102T000000Z"}


def test_tables_tell_their_keys_and_what_they_point_at(run_folder):
    package = json.loads((run_folder / "datapackage.json").read_text(encoding="utf-8"))
    schemas = {each["name"]: each["schema"] for each in package["resources"] if "schema" in each}
    assert schemas["stations"]["primaryKey"] == ["site_id"]
    assert schemas["packs-csv"]["primaryKey"] == ["city_id", "vehicle_id", "pack_id"]
    # frictionless looks the values up: test_data_package_is_valid_and_tables_match_their_schema
    assert schemas["packs-csv"]["foreignKeys"] == [
        {"fields": [name], "reference": {"resource": resource, "fields": [name]}}
        for name, resource in (("city_id", "cities-csv"), ("chemistry", "chemistries-csv"))
    ]
    (served,) = (each for each in schemas["zones"]["foreignKeys"] if each["fields"] == ["site_id"])
    assert served["reference"] == {"resource": "stations", "fields": ["site_id"]}


def test_keys_that_rows_do_not_bear_out_are_left_away():
    cities = pd.DataFrame({"city_id": ["a", "b"]})
    packs = pd.DataFrame({"city_id": ["a", "z"], "vehicle_id": ["v", "v"], "pack_id": ["p", "p"]})
    whole = {"cities": make_layer("cities", "", cities), "packs": make_layer("packs", "", packs)}
    assert keys_of(whole)["packs"].references == ()
    assert keys_of(whole)["packs"].unique == ("city_id", "vehicle_id", "pack_id")
    twice = whole | {"packs": make_layer("packs", "", packs.assign(city_id="a"))}
    assert keys_of(twice)["packs"].unique == ()
    assert keys_of(twice)["packs"].references == (Reference("city_id", "cities", "city_id"),)


def test_licences_have_the_names_of_spdx(content, layers, tmp_path):
    attribution = "Roads: © OpenStreetMap contributors (ODbL). Places: GeoNames (CC BY 4.0)."
    told = {**content.run_info, "attribution": attribution}
    licences = data_package(tmp_path, layers, told)["licenses"]
    assert [each["name"] for each in licences] == ["ODbL-1.0", "CC-BY-4.0"]
    links = stac_item(layers, told)["links"]
    assert [link["href"] for link in links] == [each["path"] for each in licences]


def test_stac_item_tells_the_planning_quarter(run_folder):
    item = json.loads((run_folder / "stac-item.json").read_text(encoding="utf-8"))
    assert item["properties"]["start_datetime"] == "2027-01-01T00:00:00Z"
    assert item["properties"]["end_datetime"] == "2027-03-31T23:59:59Z"
    assert item["properties"]["description"].endswith("Attribution: © OpenStreetMap")


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, 2], "integer"), ([True], "boolean"), (["a"], "string"), ([0.5, None], "number")],
)
def test_types_of_columns(values, kind):
    assert field_type(pd.Series(values)) == kind
