"""The page that walks through the claims: whatever it names is there."""

import csv
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
from click import Context, Group

from planner.cli import cli
from planner.instance.settings.scenario import Scenario
from planner.instance.tables import TABLES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| \d+ \|", line)
]
NAMES = sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row[3])})


def test_all_claims_are_there_and_counted() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 49))
    counts = Counter(row[2] for row in ROWS)
    assert set(counts) <= {"yes", "part", "no"}
    assert f"Yes {counts['yes']}, part {counts['part']}, no {counts['no']}." in PAGE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_held_is_named(row: list[str]) -> None:
    if row[2] == "yes":
        assert "`" in row[3]
    else:
        assert len(row[3].split()) > 5  # what is missing, in words


@pytest.mark.parametrize("name", NAMES)
def test_what_is_named_is_there(name: str) -> None:
    if name.startswith("run: "):
        text = (files("planner.outputs.layers") / "columns.csv").read_text(encoding="utf-8")
        tables = {row["layer"] for row in csv.DictReader(text.splitlines())}
        assert name.removeprefix("run: ") in tables | {"kpi"}
    elif name.startswith("planner "):
        assert isinstance(cli, Group)
        assert cli.get_command(Context(cli), name.split()[1]) is not None
    elif "/" in name:
        assert (ROOT / name).exists()
    elif name.startswith("["):
        section, field = re.fullmatch(r"\[(\w+)\] (\w+)", name).groups()  # type: ignore[union-attr]
        assert field in Scenario.model_fields[section].annotation.model_fields  # type: ignore[union-attr]
    elif "." in name:
        table, column = name.split(".")
        assert column in {each.name for each in TABLES[table].accepted}
    else:
        assert name in {*Scenario.model_fields, *TABLES}
