"""Blank tables become an instance as soon as they are filled."""

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from planner.cli import cli
from planner.errors import InputError
from planner.instance import read_instance
from planner.instance.tables import TABLES
from planner.opendata.templates import BLANK_TABLES, KNOWN_TABLES, write_templates
from planner.planning.pipeline import plan


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    folder = tmp_path / "my-town"
    done = CliRunner().invoke(cli, ["init", str(folder)])
    assert done.exit_code == 0, done.output
    assert "fill in cities.csv, climate.csv" in done.output
    return folder


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _fill(folder: Path, tutorial: Path) -> None:
    """The blanks, and no other cell, take what the tutorial's town has there."""
    for name in BLANK_TABLES:
        blank, known = _read(folder / f"{name}.csv"), _read(tutorial / f"{name}.csv")
        assert set(blank.columns) <= set(known.columns)
        known[blank.columns].to_csv(folder / f"{name}.csv", index=False)


def test_every_blank_is_named_at_once(blank: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_instance(blank)
    told = {(fault.file, fault.column) for fault in caught.value.faults}
    empty = {
        (f"{name}.csv", str(column))
        for name in BLANK_TABLES
        for column, cells in _read(blank / f"{name}.csv").items()
        if (cells == "").all() and not _may_be_empty(name, str(column))
    }
    assert len(empty) > 20
    assert told == empty


def _may_be_empty(table: str, column: str) -> bool:
    return next(each.nullable for each in TABLES[table].columns if each.name == column)


def test_filled_blanks_are_an_instance_that_is_planned(blank: Path, tutorial_copy: Path) -> None:
    _fill(blank, tutorial_copy)
    instance = read_instance(blank)
    planned = plan(instance)
    assert len(planned.plan.stations) in (1, 2)  # one is near enough to the whole town


def test_every_needed_table_is_there_and_each_blank_column_explained(blank: Path) -> None:
    needed = {name for name, table in TABLES.items() if not table.optional}
    assert needed <= {*BLANK_TABLES, *KNOWN_TABLES}
    text = (blank / "README.md").read_text(encoding="utf-8")
    for name in BLANK_TABLES:
        section = text.split(f"## {name}.csv")[1].split("##")[0]
        for column in _read(blank / f"{name}.csv").columns:
            assert f"| `{column}` |" in section


def test_nothing_is_overwritten(blank: Path) -> None:
    (blank / "cities.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="nothing is overwritten") as caught:
        write_templates(blank)
    assert len(caught.value.faults) == 2 + len(BLANK_TABLES) + len(KNOWN_TABLES)
    assert (blank / "cities.csv").read_text(encoding="utf-8") == "mine"
