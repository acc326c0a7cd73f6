"""Water of the page's map: where it is, how much of a page it takes, and across 180 degrees."""

import json
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from planner.outputs.report.water import MOST_CORNERS, water_around, water_rings


def _shape(water: dict[str, Any]) -> Any:
    """Water as the page puts it together."""
    polygons = []
    for corners in water_rings(water):
        assert all((ring[0] == ring[-1]).all() for ring in corners)
        polygons.append(shapely.make_valid(shapely.Polygon(corners[0], corners[1:])))
    return shapely.union_all(np.array(polygons, object))


def _places(*places: tuple[float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lon, lat = np.array(places, float).reshape(-1, 2).T
    return lon, lat


@pytest.mark.parametrize(
    ("places", "at_sea", "on_land"),
    [
        # Sjælland and Skåne; the Baltic beside them, Jutland as far again.
        ([(12.55, 55.68), (13.0, 55.6)], [(13.3, 55.2)], [(12.0, 55.6), (13.8, 56.0)]),
        # Fiji: the sea goes on beyond 180 degrees, and Vanua Levu lies on both sides of it.
        ([(178.4, -18.1), (181.0, -17.0)], [(180.5, -18.5), (177.0, -18.9)], [(178.0, -17.8)]),
    ],
)
def test_water_lies_where_no_land_is(
    places: list[tuple[float, float]],
    at_sea: list[tuple[float, float]],
    on_land: list[tuple[float, float]],
) -> None:
    water = _shape(water_around(*_places(*places)))
    assert shapely.contains_xy(water, *_places(*at_sea)).all()
    assert not shapely.contains_xy(water, *_places(*on_land)).any()


def test_water_of_half_the_world_stays_small() -> None:
    water = water_around(*_places((95.0, -10.0), (141.0, 20.0)))
    corners = sum(len(steps) // 2 for rings in water["polygons"] for steps in rings)
    assert corners < 1.2 * MOST_CORNERS
    assert len(json.dumps(water, separators=(",", ":"))) < 150_000


def test_inland_and_nowhere_there_is_no_water() -> None:
    assert water_around(*_places((104.0, 36.05)))["polygons"] == []
    assert water_around(*_places())["polygons"] == []
