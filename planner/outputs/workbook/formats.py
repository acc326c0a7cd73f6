"""How a figure looks in a spreadsheet: by the unit that its name ends in."""

import re
from collections.abc import Iterable

from planner.outputs.kpi import Kpi, is_share

TEXT = "@"
WHOLE = "#,##0"
PERCENT = "0.0%"
_ONE_DECIMAL = "#,##0.0"
_TWO_DECIMALS = "#,##0.00"

_FORMATS = (
    (r".*_(c|km|min)", _ONE_DECIMAL),
    (r".*_cny_per_.*", _TWO_DECIMALS),
    (r"(.*_)?cny", WHOLE),
    (r"(.*_)?gwh", "#,##0.000"),
    (r"lon|lat", "0.00000"),
    (r".*_per_vehicle_day", "0.000"),
    (r"(.*_)?(hour|h)|.*_per_hour(_served)?", _TWO_DECIMALS),
    (r"(num_.*|vehicles(_.*)?|.*households|(.*_)?packs(_.*)?|stock_.*)", WHOLE),
)
"""Pattern of a column's or figure's whole name, and the number format; the first that fits."""

_ALWAYS = {_ONE_DECIMAL}  # also where all values happen to be whole


def number_format(name: str, *, is_whole: bool) -> str:
    """Format code of a column or figure.

    Parameters
    ----------
    name : str
        Machine name, which ends in its unit; shares end in ``_frac``.
    is_whole : bool
        Whether all its values are whole numbers.

    Examples
    --------
    >>> number_format("swaps_served_frac", is_whole=False), number_format("wall_s", is_whole=False)
    ('0.0%', '#,##0.0')
    >>> number_format("capex_cny", is_whole=True), number_format("gap_frac", is_whole=True)
    ('#,##0', '0.0%')
    """
    if is_share(name):
        return PERCENT
    for pattern, code in _FORMATS:
        if re.fullmatch(pattern, name) and (code in _ALWAYS or not is_whole):
            return code
    return WHOLE if is_whole else _ONE_DECIMAL


def kpi_format(kpi: Kpi) -> str:
    """Format code of a figure of the whole plan."""
    return kpi.format if kpi.format == PERCENT else f"#,##{kpi.format}"


def heading(name: str, title: str) -> str:
    """Heading with unit; a share is shown as a percentage.

    >>> heading("swaps_served_frac", "Swaps served [0-1]"), heading("extra_km", "")
    ('Swaps served [%]', 'extra_km')
    """
    return " ".join(title.replace("[0-1]", "[%]").split()) or name


def distinct(headings: Iterable[str], names: Iterable[str]) -> list[str]:
    """Headings that differ from each other in any case of letters, as a table needs them.

    >>> distinct(["Range", "range", "City"], ["range_a_km", "range_b_km", "city_id"])
    ['Range', 'range (range_b_km)', 'City']
    """
    taken: set[str] = set()
    found = []
    for text, name in zip(headings, names, strict=True):
        unlike = text if text.casefold() not in taken else f"{text} ({name})"
        taken.add(unlike.casefold())
        found.append(unlike)
    return found
