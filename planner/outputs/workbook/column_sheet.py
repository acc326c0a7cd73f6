"""A worksheet that takes and writes cells a column at a time: a run's tables have half a million.

The library's own way to a cell, and from it to its XML, goes through a dozen calls; the file is the
same to the byte.
"""

from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import CellNumberTuple, CellStringTuple, Worksheet


class ColumnSheet(Worksheet):  # type: ignore[misc]
    """For `xlsxwriter.Workbook.add_worksheet`."""

    def __init__(self) -> None:
        super().__init__()
        self._column_names: dict[int, str] = {}

    def write_cells(self, column: int, cells: dict[int, tuple[float | str, Format]]) -> None:
        """Write finite numbers, and texts of at most 32,767 characters.

        Parameters
        ----------
        column : int
        cells : dict of int to (number or text, format)
            By row, ascending.
        """
        if not cells:
            return
        self._check_dimensions(next(iter(cells)), column)
        self._check_dimensions(next(reversed(cells)), column)
        table, number_of = self.table, self.str_table._get_shared_string_index
        for row, (value, look) in cells.items():
            table[row][column] = (
                CellStringTuple(number_of(value), look)
                if isinstance(value, str)
                else CellNumberTuple(value, look)
            )

    def _write_cell(self, row: int, col: int, cell: Any) -> None:
        if cell.__class__ is CellNumberTuple and cell.format:
            content = f"><v>{cell.number:.16G}</v></c>"
        elif cell.__class__ is CellStringTuple and cell.format:
            content = f' t="s"><v>{cell.string}</v></c>'
        else:
            super()._write_cell(row, col, cell)
            return
        name = self._column_names.get(col)
        if name is None:
            name = self._column_names[col] = xl_col_to_name(col)
        self.fh.write(f'<c r="{name}{row + 1}" s="{cell.format._get_xf_index()}"{content}')
