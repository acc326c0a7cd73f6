"""A validation on a terminal, or as a line of JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from planner.outputs.screen.tables import print_table, print_text
from planner.validation.compare import Validation
from planner.validation.document import figure, measured_text, percent


def show_validation(validation: Validation, written: Sequence[Path]) -> None:
    """Print errors by topic, every comparison, and what was written."""
    console = Console(highlight=False)
    made_of = f"plan {validation.run}" if validation.run else "no plan: give one by --run"
    print_text(console, f"{validation.name}, {made_of}")
    for remark in validation.remarks:
        print_text(console, f"note: {remark}")
    _print(
        console, "Errors by topic [%]", ["topic", "role", "compared", "missing", "mean", "rmse"],
        [
            [row["topic"], row["role"], row["compared"], row["missing"],
             percent(row["mean_error"]), percent(row["rmse"]).lstrip("+")]
            for row in validation.topics.to_dict("records")
        ],
    )  # fmt: skip
    _print(
        console, "Comparisons", ["comparison", "role", "measured", "predicted", "error %"],
        [
            [row["comparison"], row["role"], measured_text(row),
             figure(row["predicted"], row["unit"]), percent(row["error"])]
            for row in validation.rows.to_dict("records")
        ],
    )  # fmt: skip
    for row in validation.rows[validation.rows["predicted"].isna()].to_dict("records"):
        print_text(console, f"{row['comparison']}: {row['note']}")
    for path in written:
        print_text(console, f"written to {path}")


def _print(console: Console, title: str, names: list[str], rows: list[list[Any]]) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number < 2 else "right")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    print_table(console, table)


def print_json(validation: Validation, written: Sequence[Path]) -> None:
    """Print everything as one line of JSON; a missing value is null."""
    content = {
        "name": validation.name,
        "run": validation.run,
        "remarks": list(validation.remarks),
        "topics": _records(validation.topics),
        "rows": _records(validation.rows),
        "written": [str(path) for path in written],
    }
    print(json.dumps(content, ensure_ascii=False, allow_nan=False))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): None if value != value else value for name, value in row.items()}  # NaN
        for row in table.to_dict("records")
    ]
