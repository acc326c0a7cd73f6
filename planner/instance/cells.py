"""What cells hold: plain values, numbers, texts without characters that no eye sees."""

import re
from datetime import date, time
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from planner.instance.texts import is_trimmed

SPACES = " \t\r\n\v\f"
UNSEEN = (
    "\u00a0\u00ad\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b"
    "\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2061"
    "\u2062\u2063\u2064\u3000\ufeff"
)
"""No-break and other spaces, marks of width, direction and byte order."""

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and halves of characters that no file can hold."""


def control_name(character: str) -> str:
    r"""Name of a control character, as in Unicode's table.

    >>> control_name("\0"), control_name("\x1b")
    ('NUL (U+0000)', 'U+001B')
    """
    known = {"\0": "NUL", "\t": "tab", "\n": "line feed", "\r": "carriage return"}
    code = f"U+{ord(character):04X}"
    return f"{known[character]} ({code})" if character in known else code


def trimmed(value: Any) -> Any:
    """A value without spaces and unseen characters around it; None for a text of nothing else.

    >>> trimmed("\u00a045.75 ")
    '45.75'
    """
    return _stripped(value, SPACES + UNSEEN)


def trimmed_cells(values: pd.Series, characters: str = SPACES + UNSEEN) -> pd.Series:
    """A column's texts without some characters around them; missing where nothing is left."""
    if isinstance(values.dtype, pd.StringDtype):
        if is_trimmed(values):
            return values
        text = values.str.strip(characters)
        return text.where(text != "")
    if values.dtype != object:
        return values
    return values.map(lambda value: _stripped(value, characters)).astype(object)


def _stripped(value: Any, characters: str) -> Any:
    return (value.strip(characters) or None) if isinstance(value, str) else value


EXACT_BELOW = 2.0**53
"""Whole numbers are exact as floating-point numbers up to this."""


def plain_cells(values: pd.Series) -> pd.Series:
    """A column as text, whole numbers, floating-point numbers, flags, or objects of these.

    Parameters
    ----------
    values : Series
        Of any type that a file may hold.

    Returns
    -------
    Series
        Dates are text; None where a cell holds a list, bytes or whatever else is no single value.
    """
    kind = values.dtype.kind
    if kind == "f":
        return values.astype(np.float64)
    if kind in "iub" or isinstance(values.dtype, pd.StringDtype):
        return values
    if kind == "M":
        return values.astype("str").where(values.notna())
    return values.astype(object).map(_plain).astype(object)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str | bool | int | float):
        return None if isinstance(value, float) and np.isnan(value) else value
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value()
        return int(value) if whole and abs(value) < EXACT_BELOW else float(value)
    return value.isoformat() if isinstance(value, date | time) and value is not pd.NaT else None


def as_numbers(values: pd.Series) -> pd.Series:
    """Numbers of plain cells; whole ones stay whole, NaN where a cell holds none.

    Parameters
    ----------
    values : Series
        From `plain_cells`.

    Returns
    -------
    Series
        Of whole or floating-point numbers; flags and infinite numbers are none.
    """
    if values.dtype.kind == "b":
        return pd.Series(np.nan, index=values.index)
    if values.dtype == object:
        values = values.map(lambda value: None if isinstance(value, bool) else value)
        values = values.map(lambda value: _in_range(value) if isinstance(value, int) else value)
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.dtype.kind in "iu":
        return numbers
    numbers = numbers.astype(np.float64)
    return numbers.where(np.isfinite(numbers))


def _in_range(value: int) -> int | None:
    return value if -(2**63) <= value < 2**63 else None
