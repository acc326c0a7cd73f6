"""Free-flow speed of an OpenStreetMap road, from its posted limit or its class."""

import ast
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from planner.instance.notes import Note
from planner.units import KM_PER_MILE

LIMIT_FRAC = 0.75
"""Free-flow speed, stops at junctions included, as a share of the limit. Calibrated: with it the
fastest ways between random places of Harbin and Chengdu (OpenStreetMap 2019) are driven at 43 and
38 km/h, about the 41 km/h measured in Harbin's free flow (Amap, first quarter of 2020)."""

CLASS_LIMIT_KMH: Mapping[str, float] = MappingProxyType(
    {
        "motorway": 120.0, "motorway_link": 60.0,
        "trunk": 80.0, "trunk_link": 50.0,
        "primary": 60.0, "primary_link": 40.0,
        "secondary": 50.0, "secondary_link": 40.0,
        "tertiary": 40.0, "tertiary_link": 30.0,
        "unclassified": 30.0, "road": 30.0,
        "residential": 30.0, "living_street": 20.0,
    }
)  # fmt: skip
"""Values of the tag ``highway`` that cars use between places, and the limit usual on them: of the
design speeds of CJJ 37-2012 (expressways 60 to 100, arterial roads 40 to 60, secondary ones 30 to
50, branches 20 to 40 km/h) a middle or upper one. ``road``, a class not known yet, goes with
``unclassified``. Service ways lead to plots, not between places."""

CLASS_SPEED_KMH: Mapping[str, float] = MappingProxyType(
    {name: LIMIT_FRAC * limit_kmh for name, limit_kmh in CLASS_LIMIT_KMH.items()}
)
"""Free-flow speed of each class."""

SPEED_SOURCE = (
    f"free flow: {LIMIT_FRAC:g} of the limit, or of the one usual on the class (CJJ 37-2012); "
    "calibrated on Harbin's 41 km/h (Amap)"
)

SLOWEST_KMH, FASTEST_KMH = 5.0, 150.0
"""A posted limit outside is a slip."""

TIMES_CLASS = (0.2, 3.0)
"""A speed that is less or more than these times its class's is not believed without a word."""

_LIMIT = re.compile(r"(?:[A-Za-z]{2}:)?(?:zone:?)?(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|kph)?")


def posted_limit_kmh(tag: str) -> float | None:
    """Limit in the tag ``maxspeed`` [km/h].

    Several values (by lane, or of roads that were joined) count by their harmonic mean, the speed
    of a road of which each value holds on an equal length.

    Parameters
    ----------
    tag : str
        As in OpenStreetMap, or a Python list of such values as OSMnx writes it.

    Returns
    -------
    float or None
        None if there is no number in it, as in ``none`` or ``CN:urban``.

    Examples
    --------
    >>> [round(posted_limit_kmh(tag), 1) for tag in ("60", "60;80", "['40', '60']")]
    [60.0, 68.6, 48.0]
    >>> round(posted_limit_kmh("30 mph"), 1), posted_limit_kmh("DE:zone:30")
    (48.3, 30.0)
    >>> posted_limit_kmh("none"), posted_limit_kmh("CN:urban"), posted_limit_kmh("999")
    (None, None, None)
    """
    found = []
    for value in listed(tag):
        for part in re.split(r"[;|,]", value):
            if limit := _LIMIT.fullmatch(part.strip()):
                kmh = float(limit[1]) * (KM_PER_MILE if limit[2] == "mph" else 1.0)
                if SLOWEST_KMH <= kmh <= FASTEST_KMH:
                    found.append(kmh)
    return _harmonic_mean(found)


def class_speed_kmh(tag: str) -> float | None:
    """Speed by the tag ``highway`` [km/h], the harmonic mean of several; None if no class has one.

    >>> class_speed_kmh("primary"), round(class_speed_kmh("['secondary', 'tertiary']"), 2)
    (45.0, 33.33)
    """
    found = [CLASS_SPEED_KMH[value] for value in listed(tag) if value in CLASS_SPEED_KMH]
    return _harmonic_mean(found)


def is_far_from_class(speed_kmh: float, tag: str) -> bool:
    """Whether a stated speed is hardly one of its class of road (`TIMES_CLASS`).

    >>> is_far_from_class(96, "residential"), is_far_from_class(96, "primary")
    (True, False)
    """
    by_class_kmh = class_speed_kmh(tag)
    if by_class_kmh is None:
        return False
    return not TIMES_CLASS[0] <= speed_kmh / by_class_kmh <= TIMES_CLASS[1]


def far_from_class_note(label: str, what: str, names: Sequence[str]) -> list[Note]:
    """A note on the stated speeds that are far from their class's, if there are any."""
    if not names:
        return []
    value = f"{len(names):,}: {what} {', '.join(names[:5])}" + (" ..." if len(names) > 5 else "")
    why = (
        f"under {TIMES_CLASS[0]:g} or over {TIMES_CLASS[1]:g} times the speed of their class; they "
        "stand as stated: correct speed or class"
    )
    return [Note(f"{label}: speeds far from those of their class", value, "?", why)]


def _harmonic_mean(found: Sequence[float]) -> float | None:
    return len(found) / sum(1 / kmh for kmh in found) if found else None


def listed(tag: str) -> list[str]:
    """The values of a tag; OSMnx writes those of joined roads as a Python list.

    >>> listed("primary"), listed("['primary', 'trunk']")
    (['primary'], ['primary', 'trunk'])
    """
    if not tag.startswith("["):
        return [tag]
    try:
        return [str(value) for value in ast.literal_eval(tag)]
    except (ValueError, SyntaxError):
        return [tag]
