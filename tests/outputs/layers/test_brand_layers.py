"""Tables of brands and launches are written with a heading and a meaning for every column."""

from dataclasses import replace

import pandas as pd

from planner.outputs.layers.columns import describe_columns
from planner.outputs.layers.frames import TABLES, build_layers
from planner.plans.brands import brand_tables
from tests.cars import with_brands


def test_tables_of_brands_are_described_and_written(content, tutorial):
    quarter = tutorial.scenario.planning_quarter
    fleet = pd.DataFrame(
        [(quarter, "town", "private_ab", 100)],
        columns=["quarter", "city_id", "vehicle_id", "vehicles"],
    )
    packs = fleet.assign(pack_id="na_25", vehicles=20.0)
    nothing = pd.DataFrame(columns=["quarter", "market", "pack_id", "delivered_packs"])
    _, tables = brand_tables(with_brands(tutorial), packs, fleet, nothing)
    assert set(tables) == {"brand_quarter", "car_model", "launch"} <= set(TABLES)
    layers = build_layers(replace(content, tables={**content.tables, **tables}))
    for name, table in tables.items():
        assert len(table)
        assert [column.source for column in layers[name].columns] == list(table.columns)
        for language in ("en", "zh"):
            assert all(each.title for each in describe_columns(name, table.columns, language))
