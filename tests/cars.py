"""An instance with brands and models, from the tutorial: tables are written as rows of texts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from planner.instance import Instance, Scenario
from planner.instance.tables import TABLES, Kind

Rows = Sequence[tuple[Any, ...]]
SODIUM, LFP = "sodium_ion", "lfp"


def table(name: str, columns: str, rows: Rows) -> pd.DataFrame:
    """A table as reading gives it; ``columns`` are names with blanks between."""
    kinds = {column.name: column.kind for column in TABLES[name].columns}
    frame = pd.DataFrame(list(rows), columns=columns.split())
    types = {Kind.NUMBER: "float", Kind.INTEGER: "Int64", Kind.FLAG: "boolean"}
    return frame.astype({each: types.get(kinds[each], "str") for each in frame.columns})


def models(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Cars that swap #25 packs: model, brand, market, segment, swap_version_from, sales."""
    full = [
        (model, brand, market, "#25", "swap_car", segment, start, sales, "invented")
        for model, brand, market, segment, start, sales in rows
    ]
    columns = (
        "model brand market envelope application segment swap_version_from sales_per_quarter source"
    )
    return table("car_models", columns, full)


def refusals(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    """``model_chemistries``: model, chemistry, accepted_from."""
    return table("model_chemistries", "model chemistry accepted_from", rows)


def brands(*rows: tuple[str, str | None]) -> pd.DataFrame:
    """``brands``: brand, group."""
    return table("brands", "brand group", rows)


def in_quarters(instance: Instance, first: str, last: str, planning: str | None = None) -> Instance:
    """The instance over a horizon of several quarters."""
    settings = instance.scenario.model_dump(exclude_unset=True)
    settings |= {"horizon": {"first_quarter": first, "last_quarter": last}}
    settings |= {"planning_quarter": planning or last}
    return replace(instance, scenario=Scenario.model_validate(settings))


def with_brands(instance: Instance) -> Instance:
    """The instance with two brands, three models and a launch."""
    return replace(
        instance,
        brands=brands(("A", "Alpha"), ("B", None)),
        car_models=models(
            ("Ready", "A", None, None, "2026Q1", 30.0),
            ("Never", "B", None, "private", "2026Q1", None),
            ("Later", "B", None, None, None, 10.0),
        ),
        model_chemistries=refusals(("Never", SODIUM, None)),
        launches=table(
            "launches", "model market pack_id quarter packs",
            [("Never", "CN", "na_25", instance.scenario.planning_quarter, 10.0)],
        ),
    )  # fmt: skip
