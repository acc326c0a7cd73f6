"""Seas and lakes that the map of the page lies on: coarse, and small enough for a page."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from planner.land import ATTRIBUTION, land_within
from planner.outputs.layers.antimeridian import from_cut

SOURCE = ATTRIBUTION
"""Of the shores, as the page credits it."""

MOST_CORNERS = 22_000
"""Of all shores: some hundred kilobytes of page."""

_LEAST_REACH_DEG = 0.5
_MOST_LAT, _MOST_WIDTH_DEG = 84.0, 350.0
_STEPS_OF_SPAN = 1_600  # of the span shown: less than a pixel while all of it is seen


def water_around(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> dict[str, Any]:
    """Water around places, as far again as they reach: what a page shows at first, and more.

    Parameters
    ----------
    lon, lat : ndarray, shape (n,)
        Places; longitudes count on beyond 180 degrees where that keeps them together.

    Returns
    -------
    dict
        ``steps_per_degree``; ``polygons``: per polygon its rings, the outer one first, each as
        ``x, y`` of its first corner followed by the steps to the next ones, the last corner
        being the first again. Empty if there is no place.
    """
    if not len(lon):
        return {"steps_per_degree": 1, "polygons": []}
    box, span = _box(lon, lat)
    land, tolerance = _coarse(land_within(*box), span / _STEPS_OF_SPAN)
    moved = np.array([_moved(part, box[0]) for part in land], object)
    water = shapely.difference(shapely.box(*box), shapely.union_all(moved))
    steps_per_degree = int(np.ceil(2 / tolerance))
    polygons = [
        [_steps(ring, steps_per_degree) for ring in shapely.get_rings(part)]
        for part in shapely.get_parts(water)
        if shapely.area(part) > tolerance**2
    ]
    return {"steps_per_degree": steps_per_degree, "polygons": polygons}


def water_rings(water: dict[str, Any]) -> list[list[NDArray[np.float64]]]:
    """Polygons of `water_around` with their rings as corners, shape (n, 2): longitude, latitude."""
    return [
        [
            np.cumsum(np.reshape(steps, (-1, 2)), axis=0) / water["steps_per_degree"]
            for steps in rings
        ]
        for rings in water["polygons"]
    ]


def _coarse(land: NDArray[Any], tolerance: float) -> tuple[NDArray[Any], float]:
    """Land without what does not show, in few corners, and how far its shores are off."""
    exteriors, holes = (
        shapely.get_exterior_ring(land),
        [shapely.get_rings(part)[1:] for part in land],
    )
    areas = shapely.area(shapely.polygons(exteriors))
    hole_areas = [shapely.area(shapely.polygons(rings)) for rings in holes]
    while True:
        seen = tolerance**2
        kept = [
            shapely.polygons(exteriors[idx], holes[idx][hole_areas[idx] > seen])
            for idx in np.flatnonzero(areas > seen).tolist()
        ]
        coarse = shapely.simplify(np.array(kept, object), tolerance)
        if shapely.get_num_coordinates(coarse).sum() <= MOST_CORNERS:
            return coarse, tolerance
        tolerance *= 1.3


def _box(
    lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[tuple[float, float, float, float], float]:
    """West, south, east, north, and how far the places reach [degrees of latitude]."""
    west, east, south, north = (
        float(value) for value in (lon.min(), lon.max(), lat.min(), lat.max())
    )
    narrow = max(0.1, float(np.cos(np.radians((south + north) / 2))))
    reach = max(_LEAST_REACH_DEG, north - south, (east - west) * narrow)
    beside = min(reach / narrow, (_MOST_WIDTH_DEG - (east - west)) / 2)
    return (
        west - beside, max(-_MOST_LAT, south - reach),
        east + beside, min(_MOST_LAT, north + reach),
    ), reach  # fmt: skip


def _moved(part: Any, west: float) -> Any:
    """Land with longitudes that count on from the west of the box."""
    least = west - 1e-6  # corners on the box itself stay there
    return shapely.transform(
        part, lambda corners: np.column_stack([from_cut(corners[:, 0], least), corners[:, 1]])
    )


def _steps(ring: Any, steps_per_degree: int) -> list[int]:
    corners = np.rint(shapely.get_coordinates(ring) * steps_per_degree).astype(int)
    flat: list[int] = np.diff(corners, axis=0, prepend=0).ravel().tolist()
    return flat
