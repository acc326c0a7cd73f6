import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner.opendata.candidates import CandidateRule, choose_candidates

RULE = CandidateRule(max_sites=20, reach_km=4.0, reach_enough_frac=1.0, spacing_km=1.5)


def _grid(size):
    x, y = np.meshgrid(np.arange(size, dtype=float), np.arange(size, dtype=float))
    return np.column_stack([x.ravel(), y.ravel(), np.zeros(size * size)])


@given(st.integers(0, 2**32 - 1))
def test_choice_is_capped_unique_and_repeatable(seed):
    random = np.random.default_rng(seed)
    places = _grid(8)
    households = random.integers(0, 1000, len(places))
    chosen = choose_candidates(places, places, households, RULE)
    assert len(chosen) <= RULE.max_sites
    assert (np.diff(chosen) > 0).all()
    assert (chosen == choose_candidates(places, places, households, RULE)).all()


def test_a_far_village_gets_a_site_and_a_dense_town_gets_many():
    places = np.vstack([_grid(6), [[100.0, 100.0, 0.0], [101.0, 100.0, 0.0]]])
    households = np.append(np.full(36, 5000), [3, 2])
    chosen = choose_candidates(places, places, households, RULE)
    assert len(chosen) == RULE.max_sites
    assert len(np.intersect1d(chosen, [36, 37])) == 1


def test_places_without_anyone_near_get_no_site():
    chosen = choose_candidates(_grid(4), _grid(4), np.zeros(16, dtype=np.int64), RULE)
    assert len(chosen) == 0


def test_a_pool_smaller_than_the_cap_is_used_up_and_no_more():
    chosen = choose_candidates(_grid(3), _grid(3), np.full(9, 10**6), RULE)
    assert chosen.tolist() == list(range(9))


def test_ties_go_to_the_earlier_place():
    zones = np.array([[0.0, 0.0, 0.0], [50.0, 0.0, 0.0]])
    rule = CandidateRule(max_sites=2, reach_km=4.0, reach_enough_frac=1.0, spacing_km=1.5)
    twins = np.vstack([zones, zones])
    assert choose_candidates(twins, zones, np.array([7, 7]), rule).tolist() == [0, 1]
