"""What describes a run is judged by the tools of those who wrote the specifications."""

import json
import subprocess
import sys

import pandas as pd
import pystac
import pytest

from planner.outputs.layers.describe import field_type


@pytest.fixture(scope="module", params=["hexagons", "tutorial"])
def folder(request):
    fixtures = {"hexagons": "run_folder", "tutorial": "tutorial_folder"}
    return request.getfixturevalue(fixtures[request.param])


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


def test_stac_item_reaches_as_far_as_the_roads(run_folder):
    item = json.loads((run_folder / "stac-item.json").read_text(encoding="utf-8"))
    _, south, east, _ = item["bbox"]
    assert (south, east) == (45.25, 127.4)  # the zones end at 126.7


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
