"""The published figures as data: each with its spread, its source with mark, and its role.

Takes the package's tables `measured.csv` and `regions.csv`; no figure stands in code.
"""

from functools import cache
from importlib.resources import files
from typing import Literal

import pandas as pd

Role = Literal["calibrated", "held out"]
ROLES: tuple[Role, ...] = ("calibrated", "held out")
SHARE = "1"
"""Unit of shares and ratios, whose errors are differences; all other errors are relative."""

_NUMBERS = ("measured", "measured_low", "measured_high")


@cache
def _table(name: str) -> pd.DataFrame:
    with (files("planner.validation") / name).open(encoding="utf-8") as stream:
        return pd.read_csv(stream, keep_default_na=False, dtype=str)


def read_measured() -> pd.DataFrame:
    """Published figures, a row each.

    Returns
    -------
    DataFrame
        Index ``key``; ``topic``, ``comparison``, ``measured``, ``measured_low`` and
        ``measured_high`` (equal to it where no spread is told), ``unit``, ``role`` (calibrated:
        an input or a parameter was chosen with it in view; or held out), ``source`` with its
        mark, ``note``.
    """
    table: pd.DataFrame = _table("measured.csv").set_index("key")
    for name in _NUMBERS:
        table[name] = pd.to_numeric(table[name])
    for name in _NUMBERS[1:]:
        table[name] = table[name].fillna(table["measured"])
    return table


def read_regions() -> pd.DataFrame:
    """Regions that publications count by.

    Returns
    -------
    DataFrame
        ``region``, ``province``, ``city`` (its English name; empty for the whole province).
    """
    return _table("regions.csv")
