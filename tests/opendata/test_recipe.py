import tomllib
from pathlib import Path

import pytest
import tomli_w
from click.testing import CliRunner

from planner.cli import cli
from planner.errors import InputError
from planner.opendata.anywhere.knowledge import Knowledge
from planner.opendata.downloads import list_downloads
from planner.opendata.init import write_recipe
from planner.opendata.inputs import check_inputs
from planner.opendata.market_tables import market_tables
from planner.opendata.recipe import SHIPPED, parse_recipe, recipe_text
from tests.opendata.made_up_world import RECIPE

PEOPLE = """
[people]
file = "people.geojson"
field = "count"
year = 2024
source = "census"
licence = "CC0"
mark = "M"
"""


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_are_valid_and_named_like_their_files(name):
    assert parse_recipe(recipe_text(name), name).name == name


@pytest.mark.parametrize("region", ["Chile", "South-eastern Asia", "EU", "Singapore", "Java"])
def test_a_written_recipe_is_valid_and_so_are_its_commented_sections(region):
    text = write_recipe(region)
    recipe = parse_recipe(text, "new.toml")
    assert recipe.fleet.num_stations == 50
    full = text
    for section in ("[people]", "[streets]"):
        head, found, tail = full.partition(f"# {section}\n")
        lines = tail.splitlines()
        size = next(i for i, line in enumerate(lines) if not line.startswith("#"))
        given = [line.removeprefix("# ") for line in lines[:size]]
        full = "\n".join([head + found.removeprefix("# ").rstrip(), *given, *lines[size:]])
    assert set(parse_recipe(full, "new.toml").files) == {"people", "streets"}


def test_all_faults_of_a_recipe_are_told_at_once():
    text = RECIPE.replace('name = "Fiji"', "box = [1.0, 2.0]").replace("2026Q4", "soon")
    with pytest.raises(InputError) as caught:
        parse_recipe(text + '[people]\nfile = "x"\n', "r.toml")
    told = "\n".join(map(str, caught.value.faults))
    for words in (
        "a box is four numbers", "horizon.first_quarter", "people.year", "people.source",
        "people.licence", "people.mark",
    ):  # fmt: skip
        assert words in told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('name = "Fiji"', "box = [-18.0, 177.0, -19.0, 178.0]"), "swapped"),
        (('name = "Fiji"', 'name = "Fiji"\ncountries = ["FJ"]'), "not both"),
        (("[fleet]\nnum_stations = 4\n", ""), r"give \[fleet\]"),
        (("tables.climate", "tables.weather"), "weather cannot be replaced"),
        (("2027Q4", "2026Q3"), "must not lie after"),
        (("[fleet]", '[currency]\ncode = "FJD"\ncny_per_unit = 3.1\ndate = "today"\n'
          'source = "x"\n[fleet]'), "must be a day"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_told(change, said):
    with pytest.raises(InputError, match=said):
        parse_recipe(RECIPE.replace(*change), "r.toml")


def test_numbers_of_the_model_are_replaced_with_their_source_and_unknown_ones_told():
    own = '[model.taxi_frac]\nvalue = 0.4\nmark = "M"\nsource = "licences"\n'
    found = Knowledge(parse_recipe(RECIPE + own, "r.toml")).parameters()
    assert (found["taxi_frac"].value, found["taxi_frac"].source) == (0.4, "licences")
    assert found["num_stations"].value == 4
    with pytest.raises(InputError, match=r"model.taxis_frac.*no such number"):
        Knowledge(parse_recipe(RECIPE + own.replace("taxi_", "taxis_"), "r.toml")).parameters()


def test_a_table_of_ones_own_may_lack_what_the_format_lets_be_left_out(tmp_path):
    said = """
[tables.gates]
file = "gates.csv"
year = 2026
source = "a lawyer"
licence = "ours"
mark = "M"
"""
    path = tmp_path / "gates.csv"
    path.write_text(
        "market,chemistry,certificate,opens,binding,source\nFJ,lfp,A,2027Q1,true,M: seen\n",
        encoding="utf-8",
    )
    known = Knowledge(parse_recipe(RECIPE + said, "r.toml"), tmp_path)
    assert "application" not in known.table("gates")
    tables = market_tables(known.table, {"FJ"}, 600, 450_000)
    assert tables["gates"]["certificate"].tolist() == ["A"]
    assert set(tables["offers"]["market"]) == {"FJ"}
    path.write_text("market,chemistry,opens,binding,source\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"certificate.*column is missing"):
        known.table("gates")


def test_downloads_name_streets_and_people_with_size_and_licence():
    found = list_downloads(parse_recipe(RECIPE.replace("Fiji", "Chile"), "r.toml"))
    assert [each.url for each in found[:3]] == [
        "https://download.geofabrik.de/south-america/chile-latest.osm.pbf",
        "https://geodata-eu-central-1-kontur-public.s3.amazonaws.com/kontur_datasets/"
        "kontur_population_CL_20231101.gpkg.gz",
        "https://data.worldpop.org/GIS/Population/Global_2015_2030/R2025A/2025/CHL/v1/100m/"
        "constrained/chl_pop_2025_CN_100m_R2025A_v1.tif",
    ]
    assert found[0].size_bytes == 348_127_232
    assert all(each.licence and each.improves for each in found)


def test_one_extract_of_several_countries_is_named_once():
    recipe = parse_recipe(RECIPE.replace("Fiji", "South-eastern Asia"), "r.toml")
    extracts = [each.file for each in list_downloads(recipe) if each.file.endswith(".osm.pbf")]
    assert extracts.count("malaysia-singapore-brunei-latest.osm.pbf") == 1
    assert {"vietnam-latest.osm.pbf", "thailand-latest.osm.pbf"} <= set(extracts)


def _points(path, lon, lat):
    path.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": '
        f'{{"count": 7}}, "geometry": {{"type": "Point", "coordinates": [{lon}, {lat}]}}}}]}}',
        encoding="utf-8",
    )


def test_a_check_tells_what_each_file_holds(tmp_path):
    _points(tmp_path / "people.geojson", 178.0, -18.0)
    (tmp_path / "climate.csv").write_text("geonames_id\n1\n", encoding="utf-8")
    inputs, faults = check_inputs(parse_recipe(RECIPE + PEOPLE, "r.toml"), tmp_path, "grid")
    assert faults == []
    people = inputs[0]
    assert (people.place, people.total, people.crs) == ("people", 7.0, "EPSG:4326")
    assert people.extent == (178.0, -18.0, 178.0, -18.0)
    assert len(people.sha256) == 64


def test_a_check_tells_all_faults_at_once(tmp_path):
    _points(tmp_path / "people.geojson", -18.0, 178.0)
    recipe = parse_recipe(RECIPE + PEOPLE + f'sha256 = "{"0" * 64}"\n', "r.toml")
    _, faults = check_inputs(recipe, tmp_path, "full")
    told = "\n".join(map(str, faults))
    for words in ("swapped", "fetch the file again", "climate.csv: not found", "--level full"):
        assert words in told
    _points(tmp_path / "people.geojson", 10.0, 50.0)
    _, faults = check_inputs(recipe, tmp_path, "grid")
    assert "another country" in "\n".join(map(str, faults))


def test_the_command_writes_recipes_and_names_downloads_and_faults(tmp_path):
    run = CliRunner().invoke
    written = run(cli, ["build-instance", "--init", "Fiji"])
    path = tmp_path / "fiji.toml"
    path.write_text(written.output, encoding="utf-8")
    named = run(cli, ["build-instance", str(path), "--downloads", "--json"])
    assert '"url": "https://' in named.output
    checked = run(cli, ["build-instance", str(path), "--check", "--level", "grid"])
    assert isinstance(checked.exception, InputError)
    missing = run(cli, ["build-instance", str(tmp_path / "none.toml"), "--out", str(tmp_path)])
    assert "planner build-instance --init" in str(missing.exception)


def test_cities_of_public_extracts_take_the_recipe_that_the_docs_say():
    docs = (Path(__file__).parents[2] / "docs" / "build-instance.md").read_text(encoding="utf-8")
    changes = docs.split("change in `helsinki.toml`:\n\n```toml\n")[1].split("```")[0]
    said = tomllib.loads(changes)
    recipe = tomllib.loads(recipe_text("helsinki"))
    recipe["region"] = said["region"]
    recipe |= {"name": said["name"], "cities": said["cities"]}
    recipe["streets"] = {**recipe["streets"], **said["streets"], "sha256": ""}
    checked = parse_recipe(tomli_w.dumps(recipe), "legazpi.toml")
    assert checked.files["streets"].file == "legazpi.osm.pbf"
    assert checked.cities.names == ["1706889"]
