"""From the coordinate reference that a file states to degrees on WGS84, in PROJ's own words.

Told of, as PROJ says nothing of either while it converts:

- A datum that PROJ knows no way from: it then takes the numbers for WGS84 as they are ("ballpark").
  Modern datums (CGCS2000, ETRS89, ...) are off by metres at most, older ones such as Xian 1980 and
  Beijing 1954 by some 50 to 800 m, whatever the datum.
- Points outside of the zone that a projected system is made for: a wrong zone, or a false easting
  with the zone's number where the file has none.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from planner.errors import Fault
from planner.instance.notes import Note

if TYPE_CHECKING:
    from pyproj import CRS

FloatArray = NDArray[np.float64]

BEYOND_ZONE_FRAC = 0.5
"""Points may lie outside of a system's area of use by this share of its width and height: a city
at the edge of a zone is drawn in one system. More is taken for a mistake."""

_LEAST_BEYOND_DEG = 1.0
_ROUGH_M = 10.0
"""A way that PROJ calls less accurate is told as doubtful."""

_GEOCENTRIC_A_M, _GEOCENTRIC_INVERSE_F = 6_378_137.0, 298.2572
"""Datums on GRS80, WGS84 or the ellipsoid of CGCS2000 have the earth's centre of mass as theirs
and differ by less than 2 m; so a way that PROJ does not know matters little."""


@dataclass(frozen=True)
class Converted:
    """Coordinates on WGS84, and what is to be said of them.

    Attributes
    ----------
    lon, lat : float ndarray
        Degrees; not finite where PROJ has no answer.
    notes : tuple of Note
        How they came there; none if they stood there already.
    faults : tuple of Fault
        If they cannot have been meant so.
    """

    lon: FloatArray
    lat: FloatArray
    notes: tuple[Note, ...] = ()
    faults: tuple[Fault, ...] = ()


def name_of(crs: "CRS") -> str:
    """What a reference is called: WGS84 for EPSG:4326, else as PROJ calls it."""
    return "WGS84" if crs.equals("EPSG:4326", ignore_axis_order=True) else str(crs.name)


def to_degrees(x: FloatArray, y: FloatArray, crs: "CRS", label: str) -> Converted:
    """Convert coordinates to WGS84.

    Parameters
    ----------
    x, y : float ndarray, shape (num_points,)
        Easting or longitude, northing or latitude.
    crs : CRS
        Their reference.
    label : str
        File and layer, for notes and faults.
    """
    if crs.equals("EPSG:4326", ignore_axis_order=True):
        return Converted(x, y)
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    try:
        way = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        lon, lat = (np.asarray(each, np.float64) for each in way.transform(x, y))
    except ProjError as error:
        remedy = f"PROJ cannot convert it to WGS84 ({error}); save the layer in EPSG:4326"
        return Converted(x, y, (), (_fault(label, crs, remedy),))
    is_given = np.isfinite(x) & np.isfinite(y)
    outside = _zone_fault(lon[is_given], lat[is_given], crs, label)
    if outside is not None:
        return Converted(lon, lat, (), (outside,))
    return Converted(lon, lat, (_note(lon[is_given], lat[is_given], crs, label),))


def _fault(label: str, crs: "CRS", remedy: str) -> Fault:
    return Fault(label, None, "coordinate reference", crs.name, remedy)


def _note(lon: FloatArray, lat: FloatArray, crs: "CRS", label: str) -> Note:
    """How exact the least exact of the ways is that the points took."""
    item = f"{label}: coordinate reference"
    accuracy_m = _accuracy_m(lon, lat, crs)
    if accuracy_m is not None:
        mark = "INF" if accuracy_m <= _ROUGH_M else "?"
        told = f"{crs.name}, converted to WGS84, accuracy {accuracy_m:g} m"
        return Note(item, told, mark, "PROJ")
    if _is_geocentric(crs):
        told = f"{crs.name}, taken for WGS84, accuracy 2 m"
        why = "PROJ knows no way; datums with the earth's centre of mass differ by less than 2 m"
        return Note(item, told, "INF", why)
    told = f"{crs.name}, datum taken for WGS84, off by some 50 to 800 m"
    why = (
        "PROJ knows no way from the datum to WGS84 here: have the coordinates converted to "
        "EPSG:4490 or EPSG:4326 with the parameters of your survey office, and give those"
    )
    return Note(item, told, "?", why)


def _accuracy_m(lon: FloatArray, lat: FloatArray, crs: "CRS") -> float | None:
    """Of the way that PROJ takes; with several, by their areas, of the worst that a point takes.

    None if PROJ gives none for a point: it has not changed the datum then.
    """
    import warnings

    from pyproj.transformer import TransformerGroup

    with warnings.catch_warnings():  # of better ways that need grids: the accuracy says it
        warnings.simplefilter("ignore", UserWarning)
        ways = TransformerGroup(crs, "EPSG:4326", always_xy=True).transformers
    is_open = np.ones(len(lon), np.bool_)
    worst_m = 0.0
    for way in ways:
        area = way.area_of_use
        taken = is_open if area is None else is_open & _is_within(lon, lat, area)
        if taken.any():
            if way.accuracy < 0:
                return None
            worst_m = max(worst_m, way.accuracy)
            is_open &= ~taken
    return None if is_open.any() else worst_m


def _is_geocentric(crs: "CRS") -> bool:
    ellipsoid = crs.ellipsoid
    return (
        ellipsoid is not None
        and abs(ellipsoid.semi_major_metre - _GEOCENTRIC_A_M) < 1
        and abs(ellipsoid.inverse_flattening - _GEOCENTRIC_INVERSE_F) < 1e-3
    )


def _zone_fault(lon: FloatArray, lat: FloatArray, crs: "CRS", label: str) -> Fault | None:
    area = _area_of_zone(crs)
    if area is None:
        return None
    is_outside = ~_is_within(lon, lat, area, BEYOND_ZONE_FRAC)
    if not is_outside.any():
        return None
    first = int(np.flatnonzero(is_outside)[0])
    where = (
        f"{lon[first]:.2f}, {lat[first]:.2f}"
        if np.isfinite([lon[first], lat[first]]).all() else "no place on earth"
    )  # fmt: skip
    remedy = (
        f"{int(is_outside.sum()):,} of {len(lon):,} points lie far outside of what it is made for "
        f"({area.west:g} to {area.east:g} E, {area.south:g} to {area.north:g} N): the first comes "
        f"to {where}. Assign the system that they are drawn in (its zone, with or without the "
        "zone's number before the easting), or save the layer in EPSG:4326"
    )
    return _fault(label, crs, remedy)


def _area_of_zone(crs: "CRS") -> Any:
    """The area that a projected system is made for, as EPSG has it: west, south, east, north."""
    if not crs.is_projected:
        return None
    if crs.area_of_use is not None:
        return crs.area_of_use
    from pyproj import CRS

    code = crs.to_epsg(min_confidence=70)  # as of a Shapefile, that names it in Esri's words
    return None if code is None else CRS.from_epsg(code).area_of_use


def _is_within(
    lon: FloatArray, lat: FloatArray, area: Any, beyond_frac: float = 0.0
) -> NDArray[np.bool_]:
    """Whether points lie in an area that may cross 180 degrees, or near it."""
    width_deg = (area.east - area.west) % 360 or 360.0
    beyond_lon, beyond_lat = (
        max(beyond_frac * size, _LEAST_BEYOND_DEG) if beyond_frac else 0.0
        for size in (width_deg, area.north - area.south)
    )
    with np.errstate(invalid="ignore"):  # inf where PROJ has no answer
        east_of_edge = (lon - area.west + beyond_lon) % 360
    inside = (
        (east_of_edge <= width_deg + 2 * beyond_lon)
        & (lat >= area.south - beyond_lat)
        & (lat <= area.north + beyond_lat)
    )
    return np.asarray(inside, np.bool_)
