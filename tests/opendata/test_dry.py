"""Cells on water have no owner."""

import numpy as np

from planner.geodesy import great_circle_km
from planner.opendata.dry import leave_water

SHORE_LON, BAY_LON, LAT = 120.95, 121.13, 30.45
"""At the bay of Hangzhou; the second on the bridge over it."""


def test_cells_on_water_lose_their_owner_and_those_on_land_keep_it() -> None:
    lon = np.array([120.75, BAY_LON, BAY_LON, 120.75, BAY_LON])
    lat = np.array([30.75, LAT, LAT - 0.01, 30.76, LAT])
    owner_idx = np.array([1, 1, 0, 0, -1])
    assert leave_water(owner_idx, lon, lat, 2.0).tolist() == [1, -1, -1, 0, -1]


def test_an_owner_without_land_keeps_its_cells() -> None:
    lon, lat = np.array([120.75, BAY_LON, BAY_LON]), np.array([30.75, LAT, LAT - 0.01])
    assert leave_water(np.array([0, 1, 1]), lon, lat, 2.0).tolist() == [0, 1, 1]


def test_nobody_owns_anything() -> None:
    none = np.array([-1, -1])
    assert leave_water(none, np.array([0.0, 1.0]), np.zeros(2), 2.0).tolist() == [-1, -1]


def test_the_shore_is_given_its_width() -> None:
    """Along a parallel from Jiaxing into the bay: dry, then near enough, then water."""
    lon = np.linspace(120.75, 121.1, 60)
    lat = np.full(60, 30.5)
    kept = {
        km: leave_water(np.zeros(60, dtype=np.int64), lon, lat, km) >= 0 for km in (0.0, 2.0, 4.0)
    }
    ends = {km: lon[each].max() for km, each in kept.items()}
    assert ends[0.0] < ends[2.0] < ends[4.0] < 121.1
    assert 1.0 < great_circle_km(ends[0.0], 30.5, ends[2.0], 30.5) < 4.0
