"""From the cells of a sheet or a CSV file to a table: its header and its rows."""

import pandas as pd

from planner.errors import Fault
from planner.instance.cells import trimmed, trimmed_cells


def table_of_grid(grid: pd.DataFrame, label: str) -> tuple[pd.DataFrame | None, list[Fault]]:
    """Take the first row that is not blank for the header.

    Parameters
    ----------
    grid : DataFrame
        Cells as text; the index holds the rows' numbers.
    label : str
        File and layer, for faults.

    Returns
    -------
    table : DataFrame or None
        The rows below the header; the index still holds their numbers. None without a header.
    faults : list of Fault
        Columns that hold something but have no name.
    """
    headers = (grid.iloc[row].map(trimmed) for row in range(len(grid)))
    first, header = next(
        ((row, cells) for row, cells in enumerate(headers) if cells.notna().any()), (0, None)
    )
    if header is None:
        return None, [Fault(label, None, "", "", "is empty; write a header and rows")]
    below = grid.iloc[first + 1 :]
    is_named = header.notna()
    faults = [
        Fault(label, int(grid.index[first]), f"column {position + 1}", "",
              "column has no name; name it in the header, or empty it")
        for position in range(len(header))
        if not is_named.iloc[position] and trimmed_cells(below.iloc[:, position]).notna().any()
    ]  # fmt: skip
    named = below.loc[:, is_named.to_numpy()]
    return named.set_axis(header[is_named].to_list(), axis=1), faults
