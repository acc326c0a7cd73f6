"""Fields of a pack problem that limit nothing."""

from typing import Any

import numpy as np


def unrestricted(
    num_quarters: int, num_groups: int, num_cities: int, num_packs: int, num_chemistries: int
) -> dict[str, Any]:
    """Everybody accepts everything, one market, orders of any size, no cap on carbon."""
    return {
        "accepting_frac": np.ones((num_quarters, num_groups, num_chemistries)),
        "city_market_idx": np.zeros(num_cities, dtype=np.int32),
        "min_order": np.zeros((num_packs, 1)),
        "carbon_kg": np.zeros(num_packs),
        "carbon_cap_kg": np.inf,
    }
