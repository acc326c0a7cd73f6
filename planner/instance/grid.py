"""From the cells of a sheet or a CSV file to a table: its header and its rows."""

import numpy as np
import pandas as pd

from planner.errors import Fault
from planner.instance.cells import is_blank, trimmed, trimmed_cells


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
    written = np.flatnonzero(~is_blank(grid))
    if not len(written):
        return None, [Fault(label, None, "", "", "is empty; write a header and rows")]
    header = grid.iloc[written[0]].map(trimmed)
    below = grid.iloc[written[0] + 1 :]
    is_named = header.notna()
    faults = [
        Fault(label, int(grid.index[written[0]]), f"column {position + 1}", "",
              "column has no name; name it in the header, or empty it")
        for position in range(len(header))
        if not is_named.iloc[position] and trimmed_cells(below.iloc[:, position]).notna().any()
    ]  # fmt: skip
    named = below.loc[:, is_named.to_numpy()]
    return named.set_axis(header[is_named].to_list(), axis=1), faults
