from collections.abc import Callable

import numpy as np
import pytest

from planner.models.packs.problem import PackAssignmentProblem
from planner.models.packs.supply import PackSupply
from tests.models.packs.test_solve import two_cities


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: {"no_pack_cost": p.no_pack_cost[:0]}, "at least one quarter"),
        (lambda p: {"vehicles": -p.vehicles}, "vehicles must be finite and >= 0"),
        (lambda p: {"vehicles": p.vehicles[:1]}, r"vehicles has shape \(1, 2\), not \(2, 2\)"),
        (lambda p: {"option_packs": 0.5 * p.option_packs}, "option_packs .* >= 1"),
        (lambda p: {"option_cost": np.nan * p.option_cost}, "option_cost must be finite"),
        (lambda p: {"lease_cost": 0 * p.lease_cost}, "lease_cost must be > 0"),
        (lambda p: {"life_quarters": 0 * p.life_quarters}, "life_quarters .* >= 1"),
        (lambda p: {"group_city_idx": p.group_city_idx + 1}, r"group_city_idx .* \[0, 2\)"),
        (lambda _: {"supply": PackSupply.unlimited(3, 2)}, "supply must have 2 quarters"),
        (lambda p: {"accepting_frac": 2 * p.accepting_frac}, "accepting_frac must be <= 1"),
        (lambda p: {"accepting_frac": -p.accepting_frac}, "accepting_frac must be finite and >= 0"),
        (lambda p: {"city_market_idx": p.city_market_idx + 1}, r"city_market_idx .* \[0, 1\)"),
        (lambda p: {"min_order": p.min_order - 1}, "min_order must be finite and >= 0"),
        (lambda p: {"min_order": p.min_order[:1]}, r"min_order has shape \(1, 1\), not \(2, 1\)"),
        (lambda p: {"carbon_kg": p.carbon_kg - 1}, "carbon_kg must be finite and >= 0"),
        (lambda _: {"carbon_cap_kg": np.nan}, "carbon_cap_kg must be >= 0"),
        (
            lambda p: {"initial_retirement": np.array([[15.0, 0.0], [8.0, 0.0]])},
            "takes more packs than initial_stock has",
        ),
    ],
)
def test_malformed_problems_are_refused(
    change: Callable[[PackAssignmentProblem], dict[str, object]], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        two_cities(**change(two_cities()))


def test_arrays_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        two_cities().vehicles[0, 0] = 1.0
