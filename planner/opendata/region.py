"""Regions by name: which countries they hold. Points only: no border is drawn or written."""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from shapely import contains_xy
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from planner.arrays import BoolArray, FloatArray
from planner.errors import Fault, InputError
from planner.instance.names import nearest

TextArray = np.ndarray[tuple[int], np.dtype[np.str_]]


@dataclass(frozen=True)
class Region:
    """Countries and territories, or a part of one.

    Attributes
    ----------
    name : str
        English name.
    countries : tuple of str
        ISO 3166 alpha-2 codes as GeoNames has them, sorted.
    part : geometry or None
        Ground of a part of a country, in degrees; None for whole countries.
    """

    name: str
    countries: tuple[str, ...]
    part: BaseGeometry | None = None

    def holds(self, lon: FloatArray, lat: FloatArray, country_code: TextArray) -> BoolArray:
        """Whether places lie in the region.

        Parameters
        ----------
        lon, lat : float array, shape (n,)
            Degrees.
        country_code : str array, shape (n,)
            Country of each place, as the source of the places states it.

        Returns
        -------
        bool array, shape (n,)
        """
        inside = np.isin(country_code, self.countries)
        if self.part is not None:
            inside &= contains_xy(self.part, lon, lat)
        return inside


def find_region(name: str) -> Region:
    """Find a country, a territory, a part of a country or a group of countries.

    Parameters
    ----------
    name : str
        English name or alias, ISO 3166 code (CL, CHL, 152), UN M49 code or name of a group (035,
        "South-eastern Asia", 419), or EU; accents and case do not matter.

    Returns
    -------
    Region

    Raises
    ------
    InputError
        If there is none of that name.
    """
    wanted = _SHORT_NAMES.get(_plain(name), _plain(name))
    found = [feature for feature in _features() if wanted in _names(feature)]
    if not found:
        known = sorted(str(feature["nameEn"]) for feature in _features())
        near = nearest(name, known)
        remedy = "no such region; give an English name, an ISO 3166 or a UN M49 code"
        remedy += f"; did you mean {near}?" if near else ""
        raise InputError([Fault("recipe", None, "region.name", name, remedy)])
    # A country and its home territory may bear one name: the one with a code goes first.
    feature = min(found, key=lambda each: "iso1A2" not in each)
    label, code = str(feature["nameEn"]), feature.get("iso1A2")
    members = _members({str(feature[key]) for key in _IDS if key in feature})
    if feature["geometry"] is None and members and (code is None or code == "EU"):
        return Region(label, members)
    if code is not None:
        return Region(label, (str(code),))
    country = str(feature["country"])
    if _is_home(feature):
        return Region(label, (country,))
    return Region(label, (country,), shape(feature["geometry"]))


def name_countries(codes: Iterable[str]) -> dict[str, str]:
    """English names of countries and territories.

    Parameters
    ----------
    codes : iterable of str
        ISO 3166 alpha-2 codes.

    Returns
    -------
    dict of str to str
        By code; a code that is not known names itself.
    """
    names = {str(each["country"]): str(each["nameEn"]) for each in _features() if _is_home(each)}
    ours = {str(each["iso1A2"]): str(each["nameEn"]) for each in _features() if "iso1A2" in each}
    # Kingdom of Denmark and Denmark, Finland and Mainland Finland: the short name is the usual.
    return {
        code: min((names.get(code) or code, ours.get(code) or code), key=_usual) for code in codes
    }


def is_member(code: str, group: str) -> bool:
    """Whether a country belongs to a group, e.g. to ``EU``.

    Parameters
    ----------
    code : str
        ISO 3166 alpha-2 code.
    group : str
        UN M49 code or ``EU``.
    """
    return code in _members({group})


def _usual(name: str) -> tuple[bool, int]:
    """Order of names: codes last, then the shorter first."""
    return len(name) == 2, len(name)


_IDS = ("iso1A2", "m49", "wikidata")
_SHORT_NAMES = {"china": "cn", "ireland": "ie", "korea": "kr", "united states": "us"}
"""Usual names that the file gives to something else, or lacks."""


@cache
def _features() -> tuple[dict[str, Any], ...]:
    path = files("planner.opendata") / "vendor" / "country_coder_borders.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        {**each["properties"], "geometry": each["geometry"]} for each in content["features"]
    )


@cache
def _members_by_group() -> dict[str, set[str]]:
    members: dict[str, set[str]] = {}
    for feature in _features():
        code = feature.get("iso1A2") or _home_of(feature)
        if feature["geometry"] is None or code is None:
            continue
        for group in feature.get("groups", ()):
            members.setdefault(str(group), set()).add(str(code))
    return members


def _members(groups: set[str]) -> tuple[str, ...]:
    by_group = _members_by_group()
    return tuple(sorted(set().union(*(by_group.get(group, set()) for group in groups))))


def _is_home(feature: dict[str, Any]) -> bool:
    """Whether it is all the ground that a country's own code means, as Denmark of the kingdom."""
    return _home_of(feature) is not None and len(_parts()[str(feature["country"])]) == 1


def _home_of(feature: dict[str, Any]) -> str | None:
    """Country whose own code means this ground above all, as metropolitan France of France."""
    parts = _parts().get(str(feature.get("country")), ())
    largest = max(parts, key=lambda part: shape(part["geometry"]).area, default=None)
    return str(feature["country"]) if feature is largest else None


@cache
def _parts() -> dict[str, list[dict[str, Any]]]:
    """By country the pieces of ground that bear no code of their own."""
    parts: dict[str, list[dict[str, Any]]] = {}
    for feature in _features():
        if "iso1A2" not in feature and feature["geometry"] is not None and "country" in feature:
            parts.setdefault(str(feature["country"]), []).append(feature)
    return parts


def _names(feature: dict[str, Any]) -> set[str]:
    texts = [feature.get(key, "") for key in (*_IDS, "nameEn", "iso1A3", "iso1N3")]
    return {_plain(str(text)) for text in (*texts, *feature.get("aliases", ())) if text}


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in letters if not unicodedata.combining(each)).strip()


def bounds_of(region: Region) -> list[tuple[float, float, float, float]]:
    """Boxes around each piece of a region's ground, for telling a file of another country.

    Parameters
    ----------
    region : Region
        Any.

    Returns
    -------
    list of (west, south, east, north)
        In degrees.
    """
    if region.part is not None:
        return [part.bounds for part in getattr(region.part, "geoms", [region.part])]
    return [
        part.bounds
        for each in _features()
        if each["geometry"] is not None
        and (each.get("iso1A2") or each.get("country")) in region.countries
        for part in getattr(shape(each["geometry"]), "geoms", ())
    ]
