"""Write `workbook.xlsx` into a run folder.

Text is always written as text: what looks like a formula, a number or an address in a city's
name stays what it is. Shared-string cells never run; those that start like a formula also carry
Excel's text prefix, so that editing the cell does not turn them into one.
"""

import math
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from planner.errors import Fault, InputError
from planner.files import replaced_file
from planner.outputs import palette
from planner.outputs.workbook.cover import key_figures, model_rows, proof
from planner.outputs.workbook.formats import TEXT, WHOLE
from planner.outputs.workbook.sheets import Column, Part, RunTables, Sheet, read_tables
from planner.outputs.workbook.widths import longest

WORKBOOK_FILE = "workbook.xlsx"

_COVER = "overview"
_FIXED_DATE = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # same run, same bytes
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_LONGEST_TEXT = 32_767  # of a cell
_WIDEST, _NARROWEST = 60, 8  # of a column [characters]
_HEAD_ROWS = 3  # description, machine names, headings
_HEADING_LINES = 3
_INDENTED = {"indent": 1, "align": "left"}
_TOLD = {"italic": True, "font_color": palette.SOFT_INK}
_COVER_WIDTHS = (24, 18, 18, 18, 12, 18, 74)


def write_workbook(folder: Path, out: Path | None = None) -> Path:
    """Write the tables of a run as a workbook.

    Parameters
    ----------
    folder : Path
        A run folder whose `run.json`, `datapackage.json`, layers and tables stand.
    out : Path, optional
        File to write; ``workbook.xlsx`` in the folder if left out.

    Returns
    -------
    Path
        The file: the same run and versions give the same bytes.

    Raises
    ------
    InputError
        If a file of the run is missing or broken, or the workbook cannot be written.
    """
    content = read_tables(Path(folder))
    path = out or Path(folder) / WORKBOOK_FILE
    try:
        # In memory: its parts then carry a fixed time.
        with (
            replaced_file(path) as partial,
            xlsxwriter.Workbook(
                partial, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}
            ) as book,
        ):
            book.set_properties(
                {
                    "title": content.run["title"],
                    "subject": f"Scenario {content.run['name']}",
                    "comments": content.attribution,
                    "created": _FIXED_DATE,
                }
            )
            _Writer(book).write(content)
    except (OSError, xlsxwriter.exceptions.FileCreateError) as error:
        remedy = "close the file elsewhere, or free the disk, and write again"
        raise InputError([Fault(str(path), None, "", str(error), remedy)]) from error
    return path


class _Writer:
    """Formats of one workbook, each made once, and the sheets written with them."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}

    def write(self, content: RunTables) -> None:
        cover = self._book.add_worksheet(_COVER)
        pages = [self._book.add_worksheet(sheet.name[:31]) for sheet in content.sheets]
        self._write_cover(cover, content)
        for page, sheet in zip(pages, content.sheets, strict=True):
            self._write_sheet(page, sheet, str(content.run["name"]))
        cover.activate()

    def _format(self, **properties: Any) -> Format:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            made = {"font_color": palette.INK, "valign": "top"} | properties
            self._formats[key] = self._book.add_format(made)
        return self._formats[key]

    def _link(self) -> Format:
        return self._format(font_color=palette.BLUE, underline=1)

    def _text(self, page: Worksheet, row: int, column: int, text: str, **look: Any) -> None:
        if text.startswith(_FORMULA_STARTS):
            look = look | {"quote_prefix": True}
        page.write_string(row, column, _shortened(text), self._format(**look))

    def _write_sheet(self, page: Worksheet, sheet: Sheet, run_name: str) -> None:
        page.write_url(0, 0, f"internal:'{_COVER}'!A1", self._link(), string=_COVER)
        self._text(page, 0, 1, sheet.parts[0].description, **_TOLD)
        longest_cells = [list(map(longest, part.columns)) for part in sheet.parts]
        widths = [
            list(map(_width, part.columns, cells))
            for part, cells in zip(sheet.parts, longest_cells, strict=True)
        ]
        shared = [max(filter(None, of_column)) for of_column in zip_longest(*widths)]
        for number, width in enumerate(shared):
            page.set_column(number, number, width)
        first_row = 1
        for part, cells in zip(sheet.parts, longest_cells, strict=True):
            if first_row > 1:
                self._text(page, first_row, 0, part.name, bold=True)
                self._text(page, first_row, 1, part.description, **_TOLD)
                first_row += 1
            self._write_part(page, part, first_row, cells, shared)
            first_row += 2 + max(part.num_rows, 1) + 1
        if len(sheet.parts) == 1:
            page.freeze_panes(_HEAD_ROWS, _num_frozen(sheet.parts[0].columns))
            page.repeat_rows(1, 2)
        else:
            page.freeze_panes(1, 0)  # the headings of one part would stand over the others' rows
        # Ids such as 110100 are text on purpose.
        page.ignore_errors(
            {"number_stored_as_text": xlsxwriter.utility.xl_range(
                _HEAD_ROWS, 0, max(first_row, _HEAD_ROWS), len(shared) - 1)}
        )  # fmt: skip
        _set_up_paper(page, f"{run_name} · {sheet.name}")

    def _write_part(
        self,
        page: Worksheet,
        part: Part,
        first_row: int,
        longest_cells: list[int],
        widths: list[int],
    ) -> None:
        """A table: machine names in ``first_row``, headings below, then its rows."""
        columns, head_row = part.columns, first_row + 1
        head = {"bold": True, "bg_color": palette.HEAD, "text_wrap": True, "bottom": 1,
                "bottom_color": palette.SOFT_INK, "valign": "bottom"}  # fmt: skip
        heads: list[dict[str, Any]] = []
        for number, column in enumerate(columns):
            self._text(page, first_row, number, column.name, font_color=palette.SOFT_INK,
                       font_size=8)  # fmt: skip
            # A label beside a number would otherwise touch it.
            beside = _INDENTED if number else {"align": "left"}
            heads.append(head | (beside if _is_text(column) else {"align": "right"}))
            self._text(page, head_row, number, column.heading, **heads[number])
            if column.description:
                note = _note_size(column.description)
                page.write_comment(head_row, number, column.description, note)
            wraps = longest_cells[number] > _WIDEST
            self._write_cells(page, head_row + 1, number, column, wraps=wraps)
        wrapped = [
            column for column, most in zip(columns, longest_cells, strict=True) if most > _WIDEST
        ]
        self._set_heights(page, head_row + 1, wrapped)
        heights = [_lines(column.heading, width) for column, width in zip(
            columns, widths, strict=False)]  # fmt: skip
        page.set_row(head_row, 15 * max(heights) + 3)
        if part.num_rows:
            last_row, last_column = head_row + part.num_rows, len(columns) - 1
            page.add_table(
                head_row, 0, last_row, last_column,
                {
                    "name": f"{part.name}_table",
                    "style": "Table Style Light 1",
                    "columns": [
                        {"header": column.heading, "header_format": self._format(**look)}
                        for column, look in zip(columns, heads, strict=True)
                    ],
                },
            )  # fmt: skip
        else:
            self._text(page, head_row + 1, 0, "no rows in this run", **_TOLD)

    def _set_heights(self, page: Worksheet, first_row: int, wrapped: list[Column]) -> None:
        """Not every spreadsheet makes room for wrapped text by itself."""
        for row, texts in enumerate(
            zip(*(column.values for column in wrapped), strict=True), start=first_row
        ):
            page.set_row(row, 15 * max(_lines(str(text or ""), _WIDEST) for text in texts))

    def _write_cells(
        self, page: Worksheet, first_row: int, number: int, column: Column, *, wraps: bool
    ) -> None:
        look: dict[str, Any] = dict(_INDENTED) if number else {}
        if wraps:
            look["text_wrap"] = True
        looks: dict[str, Format] = {}
        of_texts: dict[bool, Format] = {}
        for row, (value, code) in enumerate(
            zip(column.values, column.number_formats, strict=True), start=first_row
        ):
            if value is None:
                continue
            if isinstance(value, bool):
                page.write_boolean(row, number, value, self._format())
            elif isinstance(value, float) and math.isfinite(value):
                if code not in looks:
                    looks[code] = self._format(num_format=code)
                page.write_number(row, number, value, looks[code])
            else:
                text = _shortened(str(value))
                is_like_formula = text.startswith(_FORMULA_STARTS)
                if is_like_formula not in of_texts:
                    prefix = {"quote_prefix": True} if is_like_formula else {}
                    of_texts[is_like_formula] = self._format(num_format=TEXT, **look, **prefix)
                page.write_string(row, number, text, of_texts[is_like_formula])

    def _number(self, page: Worksheet, row: int, number: int, value: float, look: Format) -> None:
        """A number, or what stands for one that no cell can hold: a gap without a bound."""
        if math.isfinite(value):
            page.write_number(row, number, value, look)
        else:
            self._text(page, row, number, "unknown" if math.isnan(value) else "no limit")

    def _write_cover(self, page: Worksheet, content: RunTables) -> None:
        run = content.run
        page.hide_gridlines(2)
        for number, width in enumerate(_COVER_WIDTHS):
            page.set_column(number, number, width)
        self._text(page, 0, 0, run["title"], bold=True, font_size=18)
        page.set_row(0, 28)
        self._text(page, 1, 0, proof(run), font_size=12)
        page.set_row(1, 20)
        self._text(page, 2, 0, f"Scenario: {run['name']}", font_color=palette.SOFT_INK)
        row = self._write_figures(page, 4, content)
        row = self._write_models(page, row + 1, content)
        row = self._write_contents(page, row + 1, content)
        row = self._write_left_out(page, row + 1, content)
        self._write_rights(page, row + 1, content)
        _set_up_paper(page, str(run["name"]))
        page.fit_to_pages(1, 1)

    def _head(self, page: Worksheet, row: int, *texts: str) -> int:
        for number in range(len(_COVER_WIDTHS)):
            text = texts[number] if number < len(texts) else ""
            look: dict[str, Any] = {"bold": True, "bg_color": palette.HEAD, "bottom": 1,
                                    "bottom_color": palette.SOFT_INK}  # fmt: skip
            if text in ("Objective", "Bound", "Gap", "Rows", "Figure"):
                look |= {"align": "right"}
            elif text in ("Unit", "Content", "Stands in"):
                look |= _INDENTED
            self._text(page, row, number, text, **look)
        return row + 1

    def _write_figures(self, page: Worksheet, row: int, content: RunTables) -> int:
        row = self._head(page, row, "Key figures", "Figure", "")
        for figure in key_figures(content.run, content.chemistries):
            self._text(page, row, 0, figure.label)
            look = self._format(num_format=figure.number_format, bold=True)
            self._number(page, row, 1, figure.value, look)
            self._text(page, row, 2, figure.note, font_color=palette.SOFT_INK, **_INDENTED)
            row += 1
        return row

    def _write_models(self, page: Worksheet, row: int, content: RunTables) -> int:
        row = self._head(page, row, "What is proven", "Status", "Objective", "Bound", "Gap", "Unit")
        for name, status, objective, bound, gap_frac, unit in model_rows(content.run):
            self._text(page, row, 0, name)
            self._text(page, row, 1, status)
            for number, value, code in ((2, objective, WHOLE), (3, bound, WHOLE),
                                        (4, gap_frac, "0.00%")):  # fmt: skip
                self._number(page, row, number, value, self._format(num_format=code))
            self._text(page, row, 5, unit, **_INDENTED)
            row += 1
        return row

    def _write_contents(self, page: Worksheet, row: int, content: RunTables) -> int:
        row = self._head(page, row, "Sheets", "Rows", "Content")
        for sheet in content.sheets:
            page.write_url(
                row, 0, f"internal:'{sheet.name[:31]}'!A1", self._link(), string=sheet.name
            )
            page.write_number(row, 1, sheet.num_rows, self._format(num_format=WHOLE))
            self._text(page, row, 2, sheet.description, **_INDENTED)
            row += 1
        note = ("Row 2 of a sheet holds the columns' names in the run's files; point at a heading "
                "for its meaning.")  # fmt: skip
        self._text(page, row, 0, note, font_color=palette.SOFT_INK, italic=True)
        return row + 1

    def _write_left_out(self, page: Worksheet, row: int, content: RunTables) -> int:
        row = self._head(page, row, "Not in this workbook", "Rows", "Stands in", "", "Why")
        for entry in content.left_out:
            self._text(page, row, 0, entry.name)
            page.write_number(row, 1, entry.num_rows, self._format(num_format=WHOLE))
            self._text(page, row, 2, entry.path, **_INDENTED)
            self._text(page, row, 4, f"{entry.reason}: {entry.description}")
            row += 1
        return row

    def _write_rights(self, page: Worksheet, row: int, content: RunTables) -> None:
        row = self._head(page, row, "Attribution")
        text = content.attribution or "No attribution is stated by the instance."
        look = {"text_wrap": True}
        page.merge_range(row, 0, row, len(_COVER_WIDTHS) - 1, "", self._format(**look))
        self._text(page, row, 0, text, **look)
        page.set_row(row, 15 * _lines(text, sum(_COVER_WIDTHS)) + 3)
        run = content.run
        run_id = run.get("run_id", run["name"])
        maker = f"planner {run['versions']['planner']}, run {run_id}, seed {run['seed']}"
        self._text(page, row + 2, 0, maker, font_color=palette.SOFT_INK)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def _set_up_paper(page: Worksheet, name: str) -> None:
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    escaped = name.replace("&", "&&")[:200]  # & starts a field
    page.set_footer(f"&L&8{escaped}&R&8&P / &N")


def _is_text(column: Column) -> bool:
    return set(column.number_formats) <= {TEXT}


def _num_frozen(columns: tuple[Column, ...]) -> int:
    """Leading columns that tell which row it is: labels, two at the most."""
    labels = 0
    while labels < min(2, len(columns) - 1) and _is_text(columns[labels]):
        labels += 1
    return labels


def _width(column: Column, longest_cell: int) -> int:
    """Wide enough for the values and for a heading of a few lines with its filter button."""
    words = max(map(len, column.heading.split()), default=0)
    heading = max(words, math.ceil(len(column.heading) / _HEADING_LINES)) + 3
    small = math.ceil(0.75 * len(column.name))  # the machine name, in small letters
    return min(_WIDEST, max(_NARROWEST, heading, small + 1, longest_cell + 2))


def _lines(text: str, width: int) -> int:
    """Lines that wrapped text takes, words kept whole."""
    lines, filled = 1, 0
    for word in text.split():
        if filled and filled + 1 + len(word) > width - 3:
            lines, filled = lines + 1, len(word)
        else:
            filled += len(word) + (filled > 0)
    return lines


def _note_size(text: str) -> dict[str, Any]:
    width_px = 240
    return {"width": width_px, "height": 18 * _lines(text, 36) + 14, "font_size": 9}
