import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.opendata.places import Places, place_density
from planner.opendata.spread import round_to_total, spread_residents


@st.composite
def counties_and_cells(draw):
    num_counties = draw(st.integers(1, 4))
    county_idx = np.array(draw(st.lists(st.integers(0, num_counties - 1), min_size=1, max_size=20)))
    size = len(county_idx)

    def numbers(count, high):
        values = st.floats(0, high, allow_subnormal=False).map(lambda x: round(x, 3))
        return np.array(draw(st.lists(values, min_size=count, max_size=count)))

    return (
        county_idx,
        numbers(num_counties, 1e6),
        numbers(num_counties, 1.0),
        numbers(size, 100.0),
        numbers(size, 100.0),
        draw(st.floats(1.0, 1e6)),
    )


@given(counties_and_cells())
def test_every_county_keeps_its_residents(case):
    county_idx, residents, _, _, _, max_residents = case
    spread = spread_residents(*case)
    present = np.unique(county_idx)
    sums = np.bincount(county_idx, spread, len(residents))
    assert sums[present] == pytest.approx(residents[present], rel=1e-9, abs=1e-6)
    assert (spread >= 0).all()
    room = max_residents * np.bincount(county_idx, minlength=len(residents))
    roomy = (residents < room)[county_idx]
    assert (spread[roomy] <= max_residents * (1 + 1e-9)).all()


def test_urban_and_rural_parts_follow_their_own_weights():
    spread = spread_residents(
        np.zeros(2, int),
        np.array([100.0]),
        np.array([0.8]),
        np.array([1.0, 0.0]),
        np.array([1.0, 3.0]),
        1e9,
    )
    assert spread.tolist() == pytest.approx([80 + 5, 15])


def test_what_one_cell_cannot_hold_goes_to_the_others():
    spread = spread_residents(
        np.zeros(3, int),
        np.array([100.0]),
        np.array([0.0]),
        np.zeros(3),
        np.array([8.0, 1.0, 1.0]),
        50.0,
    )
    assert spread.tolist() == pytest.approx([50, 25, 25])


def test_a_county_too_full_for_its_cells_is_spread_evenly():
    spread = spread_residents(
        np.zeros(2, int), np.array([100.0]), np.array([1.0]), np.ones(2), np.array([1.0, 9.0]), 10.0
    )
    assert spread.tolist() == [50, 50]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1000)), min_size=1, max_size=30),
    st.sampled_from([1.0, 0.1, 0.01]),
)
def test_rounding_keeps_the_total_of_every_group(rows, step):
    group_idx = np.array([group for group, _ in rows])
    values = np.array([value for _, value in rows])
    rounded = round_to_total(values, group_idx, step)
    assert np.abs(rounded - values).max() < step * (1 + 1e-6)
    totals, wanted = np.bincount(group_idx, rounded), np.bincount(group_idx, values)
    assert np.abs(totals - wanted).max() <= step * 0.5000001
    assert rounded / step == pytest.approx(np.round(rounded / step), abs=1e-6)


def test_rounding_refuses_what_is_not_a_number():
    with pytest.raises(ValueError, match="finite"):
        round_to_total(np.array([np.nan]), np.zeros(1, int), 1.0)


def test_places_make_density_fall_with_distance_and_add_up_to_their_residents():
    step_km, km_per_degree = 0.5, 111.195
    side = np.arange(-60, 60.1, step_km) / km_per_degree
    lon, lat = (axis.ravel() for axis in np.meshgrid(side, side))
    town = Places(np.zeros(1), np.zeros(1), np.array([1e6]), np.array(["CN"]))
    density = place_density(
        lon,
        lat,
        town,
        footprint_residents_per_km2=8000.0,
        min_decay_km=0.8,
        max_decay_km=12.0,
    )
    assert density.sum() * step_km**2 == pytest.approx(1e6, rel=0.03)
    assert density.argmax() == len(density) // 2
