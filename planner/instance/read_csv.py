"""Read a CSV file in the encoding and with the separator that are stated or found in it."""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.instance.cells import control_name
from planner.instance.grid import table_of_grid
from planner.instance.layer import Layer, with_geometry
from planner.instance.notes import Note
from planner.instance.settings.sources import SEPARATORS, TableSource
from planner.instance.tables import Table

_MARKS = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
NUL = "\0"
_LOOKED_AT_BYTES = 4096
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SAYS_SEPARATOR = re.compile("sep=(.)\r?\n")
_HAN = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True)
class _Text:
    text: str
    notes: tuple[Note, ...]


def read_csv(path: Path, table: Table, source: TableSource) -> tuple[Layer | None, list[Fault]]:
    """Read a CSV file.

    Parameters
    ----------
    path : Path
        The file.
    table : Table
        Its columns' names tell which separator the header is written with.
    source : TableSource
        Encoding and separator, where the scenario file states them.

    Returns
    -------
    layer : Layer or None
        All cells as text; None if the file cannot be read as a table.
    faults : list of Fault
        Of encoding, dialect, header and geometry.
    """
    decoded, faults = _decode(path, table, source)
    if decoded is None:
        return None, faults
    text, start, stated = _without_lead(decoded.text)
    if not text:
        return None, [Fault(path.name, None, "", "", "is empty; write a header and rows")]
    if NUL in text:
        row = start + text.count("\n", 0, text.index(NUL))
        remedy = f"holds the control character {control_name(NUL)}; remove it"
        return None, [Fault(path.name, row, "", NUL, remedy)]
    separator, notes = _separator(text, path, table, source, stated)
    try:
        grid = pd.read_csv(
            io.StringIO(text), sep=separator, header=None, dtype=str, keep_default_na=False,
            na_values=[""], skip_blank_lines=False, low_memory=False,
        )  # fmt: skip
    except pd.errors.ParserError as error:
        return None, [_parser_fault(error, path, start)]
    grid.index = start + _lines_above(grid, '"' in text)
    frame, grid_faults = table_of_grid(grid, path.name)
    if frame is None:
        return None, grid_faults
    layer, faults = with_geometry(Layer(frame, path.name, notes=decoded.notes + notes), table)
    return layer, grid_faults + faults


def _decode(path: Path, table: Table, source: TableSource) -> tuple[_Text | None, list[Fault]]:
    raw = path.read_bytes()
    marked = next((name for mark, name in _MARKS if raw.startswith(mark)), None)
    encoding = source.encoding or marked or _without_mark(raw)
    item = f"{path.name}: encoding"
    try:
        text = raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        return None, [_encoding_fault(raw, error, path, table, source)]
    except UnicodeError as error:
        remedy = f"text is not {encoding}; correct [tables.{table.name}] encoding in scenario.toml"
        return None, [Fault(path.name, None, "", str(error), remedy)]
    if source.encoding:
        return _Text(text, (Note(item, encoding, "set", "set in scenario.toml"),)), []
    notes = () if encoding == "UTF-8" else (Note(item, encoding, "INF", "found in the file"),)
    return _Text(text, notes), []


def _without_mark(raw: bytes) -> str:
    """UTF-16 shows by a NUL in every other byte of Latin letters; else UTF-8."""
    start = np.frombuffer(raw[:_LOOKED_AT_BYTES], np.uint8)
    even, odd = (start[offset::2] == 0 for offset in (0, 1))
    for is_nul, other, name in ((odd, even, "UTF-16-LE"), (even, odd, "UTF-16-BE")):
        if len(is_nul) and is_nul.mean() > 0.3 and not other.any():
            return name
    return "UTF-8"


def _encoding_fault(
    raw: bytes, error: UnicodeDecodeError, path: Path, table: Table, source: TableSource
) -> Fault:
    """Which line cannot be read, and how it reads in the encoding that it seems to have."""
    begin = raw.rfind(b"\n", 0, error.start) + 1
    end = raw.find(b"\n", error.start)
    line = raw[begin:] if end < 0 else raw[begin:end]
    row = raw.count(b"\n", 0, error.start) + 1
    setting = f"[tables.{table.name}] encoding"
    if source.encoding is not None:
        remedy = f"text is not {source.encoding}; correct {setting} in scenario.toml"
        return Fault(path.name, row, "", line.decode("ascii", "backslashreplace"), remedy)
    guess = "windows-1252"
    try:
        if _HAN.search(line.decode("gb18030")):
            guess = "GB18030"
    except UnicodeDecodeError:
        pass
    remedy = (
        f'text is not UTF-8; if it reads rightly here, write {setting} = "{guess}" into '
        "scenario.toml, or save the file as UTF-8"
    )
    return Fault(path.name, row, "", line.decode(guess, "backslashreplace").strip(), remedy)


def _without_lead(text: str) -> tuple[str, int, str | None]:
    """The text from the header on, the header's line, and the separator that Excel states above."""
    kept = text.lstrip("\r\n")
    row = 1 + text[: len(text) - len(kept)].count("\n")
    said = _SAYS_SEPARATOR.match(kept)
    if said is None or said[1] not in SEPARATORS:
        return kept, row, None
    return kept[said.end() :], row + 1, said[1]


def _separator(
    text: str, path: Path, table: Table, source: TableSource, stated: str | None
) -> tuple[str, tuple[Note, ...]]:
    """The separator by which the header splits into the most names that are known."""
    item = f"{path.name}: separator"
    if source.separator is not None:
        note = Note(item, _NAMES[source.separator], "set", "set in scenario.toml")
        return source.separator, (note,)
    if stated is not None:
        return stated, (Note(item, _NAMES[stated], "INF", "stated by the file"),)
    known = {column.name for column in table.accepted} | {*source.columns, *source.ignore}
    line = text.splitlines()[0]
    names = {mark: next(csv.reader([line], delimiter=mark), []) for mark in SEPARATORS}
    found = max(
        SEPARATORS,
        key=lambda mark: (sum(name.strip() in known for name in names[mark]), len(names[mark])),
    )
    if found == ",":
        return found, ()
    return found, (Note(item, _NAMES[found], "INF", "found in the file"),)


def _parser_fault(error: pd.errors.ParserError, path: Path, start: int) -> Fault:
    message = str(error)
    wide = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if wide:
        expected, line, found = (int(number) for number in wide.groups())
        remedy = f"row has {found} cells, the header {expected}; quote cells that hold separators"
        return Fault(path.name, start + line - 1, "", "", remedy)
    open_quote = re.search(r"EOF inside string starting at row (\d+)", message)
    if open_quote:
        remedy = "a quotation mark is opened and never closed; close it"
        return Fault(path.name, start + int(open_quote[1]), "", "", remedy)
    return Fault(path.name, None, "", message, "file cannot be read as a table")


def _lines_above(grid: pd.DataFrame, has_quotes: bool) -> pd.Index:
    """Lines above each record: one per record, and more where cells hold line ends."""
    extra = pd.Series(0, index=grid.index)
    for name in grid.columns if has_quotes else ():
        extra += grid[name].str.count("\n").fillna(0).astype(int)
    return pd.Index(grid.index + extra.cumsum().shift(fill_value=0))
