"""Names and descriptions of the columns that are written, specified once in `columns.csv`."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from planner.outputs.language import Language
from planner.outputs.station_reasons import in_unit

MAX_NAME_LENGTH = 31

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class WrittenColumn:
    """A column as it is written.

    Attributes
    ----------
    source : str
        Name in the frame that was handed in.
    name : str
        Name in the files: lower-case ASCII, at most 31 characters.
    title : str
        What a reader sees as heading, with unit; empty if the column is not described.
    description : str
        What the column holds.
    """

    source: str
    name: str
    title: str
    description: str


@dataclass(frozen=True)
class _Entry:
    pattern: re.Pattern[str]
    head: str
    tail: str
    titles: Mapping[Language, str]
    description: str


def describe_columns(
    layer: str, columns: Iterable[str], language: Language = "en"
) -> tuple[WrittenColumn, ...]:
    """Names, titles and descriptions under which columns are written.

    A column that `columns.csv` does not know is written too, with an empty title: a plan
    that took hours is not lost for want of a description. A test keeps the file complete.

    Parameters
    ----------
    layer : str
        Layer or table, as in `columns.csv`.
    columns : iterable of str
        Column names of the frame; chemistries and pack ids may stand in them as they are.
    language : {"en", "zh"}, optional
        Of the titles; descriptions are in English.

    Returns
    -------
    tuple of WrittenColumn
        In the order given, with names that differ from each other.

    Examples
    --------
    >>> column, = describe_columns("cities", ["design_range_#25 Na_km"])
    >>> column.name, column.title
    ('design_range_25_na_km', 'Winter design range with #25 Na [km]')
    """
    written: list[WrittenColumn] = []
    taken: set[str] = set()
    for source in columns:
        name, title, description = _look_up(layer, source, language)
        name = _unlike(name, taken)
        taken.add(name)
        written.append(WrittenColumn(source, name, title, description))
    return tuple(written)


def columns_in_unit(columns: Iterable[WrittenColumn], unit: str) -> tuple[WrittenColumn, ...]:
    """Columns whose headings and meanings tell the objective's unit where they speak of it."""
    return tuple(
        replace(
            column,
            title=in_unit(column.title, unit),
            description=in_unit(column.description, unit),
        )
        for column in columns
    )


def columns_in_language(
    layer: str, columns: Iterable[WrittenColumn], language: Language
) -> tuple[WrittenColumn, ...]:
    """Columns under the same names, their titles in a language."""
    columns = tuple(columns)
    titled = describe_columns(layer, [column.source for column in columns], language)
    return tuple(
        replace(column, title=other.title) for column, other in zip(columns, titled, strict=True)
    )


def safe_name(text: str) -> str:
    """Lower-case ASCII letters and digits, everything else joined by ``_``.

    >>> safe_name("#25 LFP (v2)")
    '25_lfp_v2'
    """
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _look_up(layer: str, source: str, language: Language) -> tuple[str, str, str]:
    # Names without placeholder stand first: vehicles_without_pack is no chemistry.
    entries = sorted(_read_entries().get(layer, ()), key=lambda entry: entry.pattern.groups)
    for entry in entries:
        match = entry.pattern.fullmatch(source)
        if match is None:
            continue
        if not match.groupdict():
            return source, entry.titles[language], entry.description
        room = MAX_NAME_LENGTH - len(entry.head) - len(entry.tail)
        middle = safe_name(next(iter(match.groupdict().values())))[:room].rstrip("_")
        return (
            entry.head + middle + entry.tail,
            entry.titles[language].format(**match.groupdict()),
            entry.description.format(**match.groupdict()),
        )
    return safe_name(source)[:MAX_NAME_LENGTH].rstrip("_"), "", ""


def _unlike(name: str, taken: set[str]) -> str:
    """Return the name, numbered if it is taken; the unit stays its last word."""
    head, _, unit = name.rpartition("_")
    number, unlike = 1, name
    while unlike in taken:
        number += 1
        suffix = f"_{number}_{unit}"
        unlike = head[: MAX_NAME_LENGTH - len(suffix)].rstrip("_") + suffix
    return unlike


@cache
def _read_entries() -> Mapping[str, tuple[_Entry, ...]]:
    entries: dict[str, tuple[_Entry, ...]] = {}
    text = (files("planner.outputs.layers") / "columns.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        column = row["column"]
        placeholder = _PLACEHOLDER.search(column)
        head, tail = column, ""
        pattern = re.escape(column)
        if placeholder:
            head, tail = column[: placeholder.start()], column[placeholder.end() :]
            pattern = f"{re.escape(head)}(?P<{placeholder[1]}>.+){re.escape(tail)}"
        titles: dict[Language, str] = {"en": row["title"], "zh": row["title_zh"]}
        entry = _Entry(re.compile(pattern), head, tail, titles, row["description"])
        entries[row["layer"]] = (*entries.get(row["layer"], ()), entry)
    return entries
