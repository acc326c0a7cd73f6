"""Tables that a process has read are taken over only if reading would give the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from planner.errors import InputError
from planner.instance import TABLES, Instance, read_instance
from tests.batch.study_folder import StudyFolder


def _same_tables(one: Instance, other: Instance) -> bool:
    return all(getattr(one, name).equals(getattr(other, name)) for name in TABLES)


@pytest.mark.parametrize(
    ("overrides", "is_shared"),
    [
        ({"siting": {"num_stations": 1}}, True),
        ({"name": "other", "solver": {"seed": 3}}, True),
        ({"parameter_set": "low"}, False),
        ({"tables": {"supply": {"file": "supply_late.csv"}}}, False),
        ({"coordinate_reference": "GCJ-02"}, False),
    ],
)
def test_tables_are_those_of_a_fresh_reading(
    study: StudyFolder, overrides: dict[str, Any], is_shared: bool
) -> None:
    supply = (study.instance / "supply.csv").read_text(encoding="utf-8")
    (study.instance / "supply_late.csv").write_text(supply.replace("0.04", "0.01"), "utf-8")
    before = read_instance(study.instance)
    shared = read_instance(study.instance, overrides=overrides, like=before)
    fresh = read_instance(study.instance, overrides=overrides)
    assert _same_tables(shared, fresh)
    assert shared.scenario == fresh.scenario
    assert shared.input_files == fresh.input_files
    assert (shared.supply is before.supply) == is_shared


def _replace(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: _replace(folder, "supply.csv", "0.04", "0.05"),
        lambda folder: (folder / "supply.csv").rename(folder / "supply.txt"),
        lambda folder: _replace(folder, "scenario.toml", "num_stations = 2", "num_statons = 2"),
        lambda folder: pd.DataFrame().to_parquet(folder / "supply.parquet"),
        lambda folder: _replace(folder, "supply.csv", "0.04", "much"),
    ],
)
def test_changed_files_are_read_again(study: StudyFolder, change: Callable[[Path], object]) -> None:
    before = read_instance(study.instance)
    change(study.instance)
    results: list[Any] = []
    for like in (before, None):
        try:
            results.append(read_instance(study.instance, like=like).supply["gwh"].tolist())
        except InputError as error:
            results.append(str(error))
    assert results[0] == results[1]
    assert results[0] != before.supply["gwh"].tolist()
