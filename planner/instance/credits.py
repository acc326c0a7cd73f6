"""What the licence of data asks for where the data themselves show whose they are."""

import re
from collections.abc import Iterable

import pandas as pd

from planner.instance.notes import Note

OPENSTREETMAP = "© OpenStreetMap contributors (ODbL)"
"""As https://www.openstreetmap.org/copyright asks for."""

_NAMES = frozenset({"osm_id", "osm_way_id", "osm_type", "osmid", "@osmid", "other_tags"})
"""Columns of Geofabrik, osm2pgsql, osmium, GDAL, QuickOSM and OSMnx, in lower case."""

_ID_NAMES = frozenset({"id", "@id"})
_ID = re.compile(r"(node|way|relation)/\d+")
"""As Overpass turbo writes numbers: node/240109189."""


def is_of_openstreetmap(frame: pd.DataFrame, named: Iterable[str] = ()) -> bool:
    """Whether a table's columns are those of extracts of OpenStreetMap.

    Parameters
    ----------
    frame : DataFrame
        As the file holds it.
    named : iterable of str
        Further columns of the file.

    Examples
    --------
    >>> is_of_openstreetmap(pd.DataFrame({"osm_id": [1], "name": ["Sinopec"]}))
    True
    >>> is_of_openstreetmap(pd.DataFrame({"id": ["a1"], "name": ["Sinopec"]}))
    False
    """
    if any(str(name).lower() in _NAMES for name in (*frame.columns, *named)):
        return True
    for name in frame.columns:
        if str(name).lower() in _ID_NAMES:
            values = frame[name].dropna()
            if len(values) and _ID.fullmatch(str(values.iloc[0])):
                return True
    return False


def openstreetmap_note(label: str) -> Note:
    """What the assumptions table says of a file that comes from OpenStreetMap."""
    source = "https://www.openstreetmap.org/copyright; credited in all that is written"
    return Note(f"{label}: licence", OPENSTREETMAP, "M", source)


def with_credit(attribution: str) -> str:
    """The instance's own credits, and OpenStreetMap's if they lack it.

    >>> with_credit("Places: GeoNames (CC BY 4.0).")
    'Places: GeoNames (CC BY 4.0). © OpenStreetMap contributors (ODbL)'
    """
    if "openstreetmap" in attribution.lower():
        return attribution
    return f"{attribution.strip()} {OPENSTREETMAP}".strip()
