"""Write instance tables so that the same content gives the same, small file."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from planner.instance.tables import TABLES


def write_csv(frame: pd.DataFrame, folder: Path, name: str, variant: str = "") -> None:
    """Write a small table as CSV, sorted by its key.

    Parameters
    ----------
    frame : DataFrame
        Columns as the table's specification names them.
    folder : path
        Instance folder.
    name : str
        Table.
    variant : str
        Follows the table's name in the file's, for a scenario that takes another file.
    """
    ordered = _ordered(frame, name)
    path = folder / (f"{name}_{variant}.csv" if variant else f"{name}.csv")
    ordered.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def write_parquet(frame: pd.DataFrame, folder: Path, name: str) -> None:
    """Write a large table as Parquet, sorted by its key.

    Sorted ids differ little from row to row and are stored as differences; numbers with few
    decimals repeat and are stored through a dictionary.

    Parameters
    ----------
    frame : DataFrame
        Columns as the table's specification names them.
    folder : path
        Instance folder.
    name : str
        Table.
    """
    ordered = _ordered(frame, name)
    key = TABLES[name].key_in(frame.columns)
    # Bare schema: pandas would add its own version, and so change the bytes.
    arrays = [pa.array(ordered[column].to_numpy()) for column in ordered.columns]
    table = pa.table(dict(zip(ordered.columns, arrays, strict=True)))
    difference = {
        column: "DELTA_BYTE_ARRAY" if _is_text(table, column) else "DELTA_BINARY_PACKED"
        for column in key
    }
    pq.write_table(
        table,
        folder / f"{name}.parquet",
        compression="zstd",
        compression_level=19,
        use_dictionary=[column for column in table.column_names if column not in difference],
        column_encoding=difference,
        row_group_size=1 << 20,
        dictionary_pagesize_limit=1 << 23,
    )


def _is_text(table: pa.Table, column: str) -> bool:
    return bool(pa.types.is_string(table[column].type))


def _ordered(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    table = TABLES[name]
    known = [column.name for column in table.accepted if column.name in frame.columns]
    if set(known) != set(frame.columns):
        raise ValueError(f"{name} has columns that its specification does not know")
    return frame[known].sort_values(table.key_in(frame.columns), ignore_index=True)
