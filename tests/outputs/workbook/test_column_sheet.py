"""Cells written a column at a time are the library's own cells."""

import io
import zipfile

import xlsxwriter

from planner.outputs.workbook.column_sheet import ColumnSheet

CELLS = {
    0: {2: 1.0, 3: -0.1, 9: 1e300, 70: 123456789.125},
    27: {1: "text", 3: "a < b & c", 5: "text", 69: "=1+1"},
    701: {40: 2.5},
}


def _parts(*, by_column: bool) -> dict[str, bytes]:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        page = book.add_worksheet("cells", ColumnSheet if by_column else None)
        look = book.add_format({"num_format": "0.0"})
        page.write_boolean(4, 1, True, look)
        page.write_number(5, 1, 7)
        for column, cells in CELLS.items():
            if by_column:
                page.write_cells(column, {row: (value, look) for row, value in cells.items()})
                continue
            for row, value in cells.items():
                write = page.write_string if isinstance(value, str) else page.write_number
                write(row, column, value, look)
        if by_column:
            page.write_cells(3, {})
    with zipfile.ZipFile(stream) as parts:
        names = [name for name in parts.namelist() if not name.startswith("docProps")]
        return {name: parts.read(name) for name in names}


def test_file_is_the_same():
    assert _parts(by_column=True) == _parts(by_column=False)
