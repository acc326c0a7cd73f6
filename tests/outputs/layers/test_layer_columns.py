import csv
from dataclasses import replace
from pathlib import Path

import planner.outputs.layers.columns as columns_module
from planner.outputs.layers.columns import MAX_NAME_LENGTH, describe_columns, safe_name
from planner.outputs.layers.frames import TABLES, build_layers
from planner.outputs.layers.markets import MARKETS
from planner.outputs.layers.phases import LAYER_TABLES
from planner.outputs.layers.read_back import open_run
from planner.outputs.reasons.layers import ALTERNATIVES, FRONTIERS
from tests.made_up_corridors import make_corridor_tables


def test_every_written_column_is_described(content):
    layers = build_layers(replace(content, tables=make_corridor_tables()))
    for layer in layers.values():
        bare = [column.source for column in layer.columns if not column.description]
        assert bare == [], layer.name
        titles = [column.title for column in layer.columns]
        assert len(set(titles)) == len(titles), layer.name


def test_every_written_name_is_short_lower_case_ascii(content):
    for layer in build_layers(content).values():
        for column in layer.columns:
            assert column.name == safe_name(column.name)
            assert len(column.name) <= MAX_NAME_LENGTH


def test_every_described_column_belongs_to_a_layer_or_table(content):
    with (Path(columns_module.__file__).parent / "columns.csv").open(encoding="utf-8") as stream:
        described = {row["layer"] for row in csv.DictReader(stream)}
    known = {*build_layers(content), *TABLES, *LAYER_TABLES, MARKETS, *ALTERNATIVES, *FRONTIERS}
    assert described == known - {"a_table_of_tomorrow"}


def test_names_without_placeholder_win():
    (column,) = describe_columns("cities", ["vehicles_without_pack"])
    assert column.title == "Vehicles without pack"


def test_names_that_would_be_equal_are_numbered():
    columns = describe_columns(
        "cities", [f"design_range_{pack}_km" for pack in ("na-45", "NA 45", "x" * 20, "x" * 21)]
    )
    assert [column.name for column in columns] == [
        "design_range_na_45_km",
        "design_range_na_45_2_km",
        "design_range_" + "x" * 15 + "_km",
        "design_range_" + "x" * 13 + "_2_km",
    ]
    assert columns[1].title == "Winter design range with NA 45 [km]"


def test_unknown_column_is_written_without_title():
    (column,) = describe_columns("cities", ["Mood (of the mayor)"])
    assert (column.name, column.title) == ("mood_of_the_mayor", "")


def test_a_real_run_leaves_no_column_undescribed(tutorial_folder):
    bare = [
        (resource["name"], field["name"])
        for resource in open_run(tutorial_folder).resources.values()
        for field in resource["schema"]["fields"]
        if not (field["title"] and field["description"])
    ]
    assert bare == []
