"""GCJ-02 and BD-09, the shifted coordinates of maps published in China, and the way back.

Neither is a datum: GCJ-02 adds to WGS84 (or CGCS2000) a smooth shift of some 100 to 700 m,
BD-09 a second one of some 1 km. No EPSG code names them and PROJ does not know them. With
x = lon - 105, y = lat - 35 in degrees and f(t, a, b, c) a sum of sines, the shift in metres is

    east  =  300 +  x + 2y + 0.1x² + 0.1xy + 0.1√|x| + sines of x
    north = -100 + 2x + 3y + 0.2y² + 0.1xy + 0.2√|x| + sines of x and y

divided by the length of a degree on the Krasovsky 1940 ellipsoid. The formulas are public
(eviltransform, MIT; gcoord, MIT; PRCoords, CC0). Their usual inverses take one step and are off
by 1-2 m; here the forward shift is inverted by fixed-point iteration, exact to rounding.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Points = tuple[FloatArray, FloatArray]

_KRASOVSKY_A_M = 6_378_245.0
_KRASOVSKY_E2 = 0.00669342162296594323
_BOX = (72.004, 137.8347, 0.8293, 55.8271)
"""West, east, south, north [degrees] within which publishers shift: coarser than the border."""
_ROUNDS = 15
"""The shifts change by less than 2 % of a step: 15 rounds leave less than 1e-25 of it."""


def shift_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Points:
    """WGS84 to GCJ-02.

    Parameters
    ----------
    lon, lat : array_like
        Degrees; points outside 72.004-137.8347 E, 0.8293-55.8271 N stay as they are.

    Returns
    -------
    lon, lat : ndarray
        Degrees.

    Examples
    --------
    >>> [float(v[0].round(6)) for v in shift_to_gcj02([121.5272106], [31.1774276])]  # Shanghai
    [121.531542, 31.175304]
    """
    return _shift_inside(_gcj02, lon, lat)


def shift_to_bd09(lon: ArrayLike, lat: ArrayLike) -> Points:
    """WGS84 to BD-09; parameters and returns as `shift_to_gcj02`."""
    return _shift_inside(lambda lon, lat: _bd09(*_gcj02(lon, lat)), lon, lat)


def from_gcj02(lon: ArrayLike, lat: ArrayLike) -> Points:
    """GCJ-02 to WGS84.

    Parameters
    ----------
    lon, lat : array_like
        Degrees; points that no shift leads to stay as they are, so do NaN.

    Returns
    -------
    lon, lat : ndarray
        Degrees; `shift_to_gcj02` leads back to within rounding.
    """
    return _invert(_gcj02, lon, lat)


def from_bd09(lon: ArrayLike, lat: ArrayLike) -> Points:
    """BD-09 to WGS84; parameters and returns as `from_gcj02`."""
    return _invert(lambda lon, lat: _bd09(*_gcj02(lon, lat)), lon, lat)


def is_shifted(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Whether publishers shift a place given in WGS84: within a box coarser than the border."""
    return _is_inside(*_arrays(lon, lat))


def _arrays(lon: ArrayLike, lat: ArrayLike) -> Points:
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _is_inside(lon: FloatArray, lat: FloatArray) -> NDArray[np.bool_]:
    west, east, south, north = _BOX
    return np.asarray((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))


def _shift_inside(shift: Callable[..., Points], lon: ArrayLike, lat: ArrayLike) -> Points:
    lon, lat = _arrays(lon, lat)
    inside = _is_inside(lon, lat)
    shifted_lon, shifted_lat = shift(lon, lat)
    return np.where(inside, shifted_lon, lon), np.where(inside, shifted_lat, lat)


def _invert(shift: Callable[..., Points], lon: ArrayLike, lat: ArrayLike) -> Points:
    lon, lat = _arrays(lon, lat)
    true_lon, true_lat = lon, lat
    for _ in range(_ROUNDS):
        shifted_lon, shifted_lat = shift(true_lon, true_lat)
        true_lon, true_lat = true_lon + lon - shifted_lon, true_lat + lat - shifted_lat
    inside = _is_inside(true_lon, true_lat)
    return np.where(inside, true_lon, lon), np.where(inside, true_lat, lat)


def _gcj02(lon: FloatArray, lat: FloatArray) -> Points:
    x, y = lon - 105.0, lat - 35.0
    root_x = np.sqrt(np.abs(x))
    both = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    east_m = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root_x + 2 / 3 * (
        both
        + 20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)
        + 150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)
    )  # fmt: skip
    north_m = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root_x + 2 / 3 * (
        both
        + 20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)
        + 160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)
    )  # fmt: skip
    lat_rad = np.radians(lat)
    flattening = 1 - _KRASOVSKY_E2 * np.sin(lat_rad) ** 2
    m_per_degree_lat = np.radians(_KRASOVSKY_A_M * (1 - _KRASOVSKY_E2) / flattening**1.5)
    m_per_degree_lon = np.radians(_KRASOVSKY_A_M * np.cos(lat_rad) / np.sqrt(flattening))
    return lon + east_m / m_per_degree_lon, lat + north_m / m_per_degree_lat


def _bd09(lon: FloatArray, lat: FloatArray) -> Points:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(3000 * np.radians(lat))
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(3000 * np.radians(lon))
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006
