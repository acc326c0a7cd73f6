"""Tables on a screen that is narrower than they are: one below the other, no word broken."""

import os
import sys
from dataclasses import replace

from rich.console import Console
from rich.markup import escape
from rich.table import Table

UNLIMITED = 100_000
"""Width of a page that nothing has to be fitted into."""


def print_table(console: Console, table: Table) -> None:
    """Print a table in one piece if it fits, otherwise in several that repeat the first column.

    Where there is neither a terminal nor ``COLUMNS``, nothing has to be fitted.

    Parameters
    ----------
    console : rich.console.Console
    table : rich.table.Table
        Its first column tells the rows apart.
    """
    width = console.width = console.width if _has_width(console) else UNLIMITED
    rest = list(range(1, len(table.columns)))
    title = table.title
    while True:
        taken = rest[:1]
        while len(taken) < len(rest) and _width(_part(table, rest[: len(taken) + 1])) <= width:
            taken = rest[: len(taken) + 1]
        part = _part(table, taken)
        part.title = title
        console.print(part, width=min(max(_width(part), _title_width(part)), width))
        rest, title = rest[len(taken) :], None
        if not rest:
            return
        console.print()


def print_text(console: Console, text: str) -> None:
    """Print a sentence: broken between words where the screen has a width, else in one line."""
    console.print(escape(text), soft_wrap=not _has_width(console))


def _has_width(console: Console) -> bool:
    return console.is_terminal or "COLUMNS" in os.environ


def _part(table: Table, columns: list[int]) -> Table:
    """The table's first column and some others; no title."""
    part = Table(
        box=table.box, title_justify=table.title_justify, show_header=table.show_header,
        pad_edge=table.pad_edge, expand=table.expand,
    )  # fmt: skip
    part.columns = [
        replace(table.columns[index], _index=position, _cells=list(table.columns[index].cells))
        for position, index in enumerate([0, *columns])
    ]
    part.rows = table.rows
    return part


def _width(table: Table) -> int:
    """Width at which no cell is broken."""
    page = Console(width=UNLIMITED, file=sys.stdout)
    return page.measure(table).maximum


def _title_width(table: Table) -> int:
    return len(str(table.title or ""))
