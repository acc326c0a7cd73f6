import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.geodesy import to_sphere_km
from planner.opendata.territory import CrowdingRule, PowerDiagram, claim_nearest, grow_crowded

KM_PER_DEGREE = 111.195


def test_equal_discs_meet_half_way():
    diagram = PowerDiagram(np.array([0.0, 1.0]), np.zeros(2), np.full(2, 10.0))
    disc_idx, power_km2 = diagram.assign(np.array([0.0, 0.49, 0.51]), np.zeros(3))
    assert disc_idx.tolist() == [0, 0, 1]
    assert power_km2[0] == pytest.approx(-10 / np.pi, abs=1e-6)


def test_a_larger_disc_pushes_the_meeting_point_away():
    # Discs 40 km apart, weights 900 and 100: x^2 - 900 = (40 - x)^2 - 100 at x = 30 km.
    apart = 40 / KM_PER_DEGREE
    area_km2 = np.pi * np.array([900.0, 100.0])
    diagram = PowerDiagram(np.array([0.0, apart]), np.zeros(2), area_km2)
    disc_idx, _ = diagram.assign(np.array([29.8, 30.2]) / KM_PER_DEGREE, np.zeros(2))
    assert disc_idx.tolist() == [0, 1]


def test_distances_count_in_km_not_degrees():
    # At 60 degrees north a degree of longitude is half as long as one of latitude.
    diagram = PowerDiagram(np.array([1.0, 0.0]), np.array([60.0, 60.7]), np.full(2, 1.0))
    disc_idx, _ = diagram.assign(np.zeros(1), np.array([60.0]))
    assert disc_idx.tolist() == [0]


def test_area_must_be_a_number():
    with pytest.raises(ValueError, match="finite"):
        PowerDiagram(np.zeros(1), np.zeros(1), np.array([np.nan]))


@given(st.integers(0, 2**32 - 1))
def test_the_lifted_search_agrees_with_brute_force(seed):
    random = np.random.default_rng(seed)
    lon, lat = random.uniform(100, 104, 30), random.uniform(30, 33, 30)
    area_km2 = random.uniform(1, 20_000, 30)
    points = random.uniform(99, 105, 40), random.uniform(29, 34, 40)
    disc_idx, power_km2 = PowerDiagram(lon, lat, area_km2).assign(*points)
    apart_km = np.linalg.norm(
        to_sphere_km(*points)[:, None, :] - to_sphere_km(lon, lat)[None, :, :], axis=2
    )
    power = apart_km**2 - area_km2 / np.pi
    assert power_km2 == pytest.approx(power.min(axis=1), abs=1e-6)
    assert power[np.arange(40), disc_idx] == pytest.approx(power.min(axis=1), abs=1e-6)


def test_a_crowded_district_grows_and_an_island_does_not_grow_forever():
    side = np.arange(-12, 13) / KM_PER_DEGREE
    points = tuple(axis.ravel() for axis in np.meshgrid(side, side))
    lon = np.array([0.0, 2 / KM_PER_DEGREE, 3.0])
    area_km2 = np.array([600.0, 40.0, 40.0])
    residents = np.array([0.0, 800_000.0, 800_000.0])
    before, _ = PowerDiagram(lon, np.zeros(3), area_km2).assign(*points)
    assert np.bincount(before, minlength=3).tolist() == [625, 0, 0]
    rule = CrowdingRule(10_000.0, 25_000.0, 2_000.0)
    after, _ = grow_crowded(lon, np.zeros(3), area_km2, residents, points, 1.0, rule).assign(
        *points
    )
    owned = np.bincount(after, minlength=3)
    assert owned[1] == pytest.approx(40, abs=12)
    assert owned[2] == 0


def test_a_crowded_district_claims_the_nearest_points_of_its_own_city():
    points_km = np.column_stack([np.arange(6.0), np.zeros(6), np.zeros(6)])
    centres_km = np.array([[5.0, 0, 0], [0.0, 0, 0], [1.0, 0, 0]])
    owner_idx = np.array([0, 0, 0, 0, 2, -1])
    city_idx = np.array([7, 7, 8])
    new_idx = claim_nearest(
        owner_idx, city_idx, np.array([20.0, 15.0, 90.0]), centres_km, points_km, 10.0
    )
    assert new_idx.tolist() == [1, 1, 0, 0, 2, -1]
    assert owner_idx.tolist() == [0, 0, 0, 0, 2, -1]


def test_nobody_is_made_crowded_to_help_another():
    points_km = np.zeros((2, 3))
    new_idx = claim_nearest(
        np.array([0, 0]), np.zeros(2, int), np.array([20.0, 20.0]), points_km, points_km, 10.0
    )
    assert new_idx.tolist() == [0, 0]
