"""Numbers as a reader sees them; a missing figure is a dash, never `nan`."""

import math

MISSING = "–"
_MINUS = "\N{MINUS SIGN}"
_LARGE = ((1e9, "bn"), (1e6, "M"))


def number(value: float | None, decimals: int = 0) -> str:
    """A figure with thousands separated.

    >>> number(1234567), number(-3.62, 1), number(float("nan"))
    ('1,234,567', '\N{MINUS SIGN}3.6', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:,.{decimals}f}"
    return text.replace("-", _MINUS) if float(text.replace(",", "")) else f"{0:.{decimals}f}"


def percent(share_frac: float | None, decimals: int = 1) -> str:
    """A share as a percentage.

    >>> percent(0.62745), percent(0.000789, 2), percent(None)
    ('62.7 %', '0.08 %', '–')
    """
    text = number(None if share_frac is None else 100 * share_frac, decimals)
    return text if text == MISSING else f"{text} %"


def large(value: float | None) -> str:
    """A large figure in three digits.

    >>> large(9.278e9), large(150_736_055), large(44_224)
    ('9.28 bn', '151 M', '44,224')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    for size, word in _LARGE:
        if abs(value) >= size:
            scaled = value / size
            decimals = max(0, 2 - math.floor(math.log10(abs(scaled))))
            return f"{number(scaled, decimals)} {word}"
    return number(value)
