"""Measurements of performance kept as rows of a table, beside the page that is drawn from it."""

from pathlib import Path

import pandas as pd

from planner.errors import Fault, InputError
from planner.files import write_text

DIGITS = 4
"""Significant digits of figures in a history."""


def check_folder(folder: Path) -> None:
    """Refuse a folder that is not there, before anything is measured.

    Raises
    ------
    InputError
    """
    if not folder.is_dir():
        raise InputError([Fault(str(folder), None, "--write", "", "no such folder; make it")])


def add_to_history(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Append rows to a history.

    Parameters
    ----------
    path : Path
        A CSV file; made if it is not there.
    rows : DataFrame
        Of one measurement.

    Returns
    -------
    DataFrame
        The whole history as it stands in the file.
    """
    whole = pd.concat([pd.read_csv(path), rows]) if path.is_file() else rows
    write_text(path, whole.to_csv(index=False, float_format=f"%.{DIGITS}g", lineterminator="\n"))
    return pd.read_csv(path)


def seconds(value: float) -> str:
    """Seconds for people; a dash where they are not known.

    >>> seconds(128.4), seconds(2.345), seconds(float("nan"))
    ('128', '2.3', '-')
    """
    if pd.isna(value):
        return "-"
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}"


def ratio(value: float) -> str:
    """A ratio for people; a dash where it is not known.

    >>> ratio(0.456), ratio(float("nan"))
    ('0.46', '-')
    """
    return "-" if pd.isna(value) else f"{value:.2f}"


def percent(value: float) -> str:
    """A share for people, to hundredths of a percent.

    >>> percent(0.0035)
    '0.35 %'
    """
    return f"{value * 100:.2f} %"


def memory(value: float) -> str:
    """Memory [MB] for people, in GB.

    >>> memory(2345.0)
    '2.35'
    """
    return "-" if pd.isna(value) else f"{value / 1e3:.2f}"


def table(headings: list[str], rows: list[list[str]], *, texts: int = 1) -> list[str]:
    """Lines of a Markdown table; after so many columns of text come figures."""
    rule = ["---"] * texts + ["---:"] * (len(headings) - texts)
    return ["| " + " | ".join(row) + " |" for row in (headings, rule, *rows)]
