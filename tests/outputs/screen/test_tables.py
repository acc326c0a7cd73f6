"""Tables fit the screen without breaking a word."""

import io
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from planner.outputs.screen.tables import print_table

HEADINGS = ("scenario", "swaps_served_frac", "status", "packs.promised_range_km",
            "siting.num_stations", "demand.peak_day_factor")  # fmt: skip
ROWS = [
    ("spread-01", "0.7903", "OPTIMAL", "173.088", "3", "1.46353"),
    ("late_sodium_ion", "0.5", "INFEASIBLE", "279.043", "1", "1.31345"),
]


def _printed(*, width: int | None, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[str]:
    monkeypatch.delenv("COLUMNS", raising=False)
    if width is not None:
        monkeypatch.setenv("COLUMNS", str(width))
    page = io.StringIO()
    console = Console(file=page, highlight=False)
    table = Table(title="What is best", title_justify="left", **options)
    for number, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if number else "left")
    for row in ROWS:
        table.add_row(*row)
    print_table(console, table)
    return page.getvalue().splitlines()


@pytest.mark.parametrize("width", [50, 80, 100])
@pytest.mark.parametrize("options", [{"box": None}, {}], ids=["plain", "boxed"])
def test_every_word_is_whole_and_every_part_names_its_rows(
    width: int, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = _printed(width=width, monkeypatch=monkeypatch, **options)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    for word in (*HEADINGS, *(cell for row in ROWS for cell in row)):
        assert word in words
    parts = words.count("scenario")
    assert parts == words.count("late_sodium_ion") == words.count("spread-01") > 1
    assert words.count("INFEASIBLE") == 1
    assert sum("What is best" in line for line in lines) == 1


def test_nothing_is_divided_where_there_is_room_or_no_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for width in (None, 200):
        lines = _printed(width=width, monkeypatch=monkeypatch, box=None)
        assert len(lines) == 2 + len(ROWS)
        assert all(heading in lines[1] for heading in HEADINGS)
