"""Greedy choice of sites against all sets."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import InfeasibleError
from planner.solving.best_sites import best_sites
from planner.solving.rules import CityLimits, SiteRules


@given(st.integers(0, 10**6), st.integers(1, 7), st.booleans())
def test_greedy_is_exact(seed: int, num_sites: int, by_city: bool) -> None:
    rng = np.random.default_rng(seed)
    worth = rng.normal(size=num_sites).round(1)
    kind = rng.random(num_sites)
    forced, forbidden = kind < 0.15, kind > 0.85
    num_cities = int(rng.integers(1, 4))
    low = rng.integers(0, 2, num_cities)
    limits = CityLimits(rng.integers(0, num_cities, num_sites), low, low + rng.integers(0, 3))
    cities = limits if by_city else None
    least = int(rng.integers(0, 3))
    most = least + int(rng.integers(0, 4))
    allowed = [
        np.array(chosen, dtype=np.int64)
        for size in range(least, min(most, num_sites) + 1)
        for chosen in combinations(range(num_sites), size)
        if set(np.flatnonzero(forced)) <= set(chosen)
        and not forbidden[list(chosen)].any()
        and (cities is None or cities.allow(np.array(chosen, dtype=np.int64)))
    ]
    rules = SiteRules(forced, forbidden, np.zeros(num_sites), np.inf, least, most, cities)
    if not allowed:
        with pytest.raises(InfeasibleError):
            rules.check_numbers()
        return
    rules.check_numbers()
    best = max(worth[each].sum() for each in allowed)
    found = best_sites(worth, forced, forbidden, least, most, cities)
    assert worth[found].sum() == np.float64(best).round(10) or abs(worth[found].sum() - best) < 1e-9
    assert any(np.array_equal(found, each) for each in allowed)
