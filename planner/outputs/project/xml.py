"""Small pieces of QGIS's project format."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

VERSION = "3.22.0"
"""Oldest version of QGIS that reads it as it is; newer ones read older projects."""


def add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    """A child with a text and attributes."""
    child = ET.SubElement(parent, tag, attributes)
    child.text = text or None
    return child


def add_crs(parent: ET.Element, crs: str) -> None:
    """A reference system by authority and code, as ``EPSG:4326``."""
    system = add(parent, "spatialrefsys")
    code = crs.rpartition(":")[2]
    # Without a number of its own QGIS does not look at the code.
    add(system, "srsid", code)
    add(system, "srid", code)
    add(system, "authid", crs)


def add_box(parent: ET.Element, tag: str, box: tuple[float, float, float, float]) -> None:
    """West, south, east, north, in units of the map."""
    ends = add(parent, tag)
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
        add(ends, name, f"{value:.9g}")


def first_known(columns: Sequence[str]) -> str:
    r"""Expression for the first of columns that has a value.

    >>> first_known(["name_zh", "city_id"])
    'coalesce("name_zh", "city_id", \'\')'
    """
    quoted = ", ".join(f'"{column}"' for column in columns)
    return f"coalesce({quoted}, '')"


def rgb(colour: str) -> tuple[str, str, str]:
    """Red, green and blue of a colour.

    >>> from planner.outputs.palette import WHITE
    >>> rgb(WHITE)
    ('255', '255', '255')
    """
    red, green, blue = (str(int(colour[start : start + 2], 16)) for start in (1, 3, 5))
    return red, green, blue


def to_text(document: ET.Element) -> str:
    """The document as QGIS writes it."""
    ET.indent(document, space=" ")
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return head + ET.tostring(document, encoding="unicode") + "\n"
