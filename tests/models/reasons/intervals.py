"""Costs that were told, held against all plans of a small problem."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from planner.models.reasons.result import SiteReasons
from planner.solving.rules import SiteRules

Costs = Mapping[Any, float]
"""Cost of every plan within the limits."""


def least(plans: Costs, site: int, wanted: bool, sites_of: Callable[[Any], Collection[int]]):
    """Cost of the best plan with a site, or without it; inf if there is none."""
    found = (cost for plan, cost in plans.items() if (site in sites_of(plan)) == wanted)
    return min(found, default=math.inf)


def assert_costs_within(
    rules: SiteRules,
    plans: Costs,
    cost: float,
    found: SiteReasons,
    inside: Callable[[int], Costs],
    close: float,
    sites_of: Callable[[Any], Collection[int]] = lambda plan: plan,
) -> None:
    """Upper ends hold among all plans, lower ends among those ``inside`` gives for a site."""
    for sites, highs, lows, wanted, locked in (
        (found.open_site_idx, found.replacement_cost, found.replacement_low, False, rules.forced),
        (found.closed_site_idx, found.force_in_cost, found.force_in_low, True, rules.forbidden),
    ):
        for site, high, low in zip(sites.tolist(), highs.tolist(), lows.tolist(), strict=True):
            if locked[site]:
                assert math.isnan(high + low)
                continue
            assert 0.0 <= low <= high
            assert max(least(plans, site, wanted, sites_of) - cost, 0.0) <= high + close
            assert low <= max(least(inside(site), site, wanted, sites_of) - cost, 0.0) + close
