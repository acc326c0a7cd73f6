"""Limits that conflict with what a question asks: against all subsets of limits and locks."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from planner.errors import InfeasibleError
from planner.solving.conflicts import check_plan_exists
from planner.solving.rule_conflicts import conflicting_limits, limits_of_rules
from planner.solving.rules import CityLimits, SiteRules
from planner.solving.station_limits import limited_stations

NUM_SITES = 5


def random_rules(rng: np.random.Generator) -> SiteRules:
    forced = rng.random(NUM_SITES) < 0.3
    cities = CityLimits(
        rng.integers(0, 2, NUM_SITES), rng.integers(0, 2, 2), rng.integers(1, 4, 2),
        np.array(["east", "west"]),
    )  # fmt: skip
    return SiteRules(
        forced=forced,
        forbidden=~forced & (rng.random(NUM_SITES) < 0.3),
        cost=rng.integers(1, 4, NUM_SITES).astype(float),
        budget=float(rng.integers(2, 9)),
        least=int(rng.integers(0, 4)),
        most=int(rng.integers(1, 4)),
        cities=cities,
    )


def covers(rules: SiteRules, needs: list[set[int]]) -> bool:
    """Whether any set of stations within the rules holds one of each of some sets of sites."""
    for is_open in itertools.product((False, True), repeat=NUM_SITES):
        plan = np.flatnonzero(is_open)
        if (
            not rules.forced[~np.array(is_open)].any()
            and not rules.forbidden[plan].any()
            and rules.allow_number(plan)
            and math.fsum(rules.cost[plan]) <= rules.budget
            and all(need & set(plan.tolist()) for need in needs)
        ):
            return True
    return False


def test_conflicts_with_a_question_are_minimal() -> None:
    rng = np.random.default_rng(3)
    num_found = 0
    for _ in range(150):
        rules = replace(random_rules(rng), least=0)
        needs = [
            set(rng.choice(NUM_SITES, rng.integers(1, 3), replace=False).tolist()) for _ in range(3)
        ]
        if covers(rules, needs):
            continue
        found = conflicting_limits(
            rules, lambda asked, needs=needs: covers(asked, needs), site_names="ABCDE", unit="CNY"
        )
        assert found
        everything = conflicting_limits(rules, lambda _: False, site_names="ABCDE", unit="CNY")
        assert everything == []
        # Without any one of them, and without all limits that are not among them, there is a plan.
        for limit in found:
            assert covers(_only([f for f in found if f is not limit], rules), needs)
        assert not covers(_only(found, rules), needs)
        num_found += 1
    assert num_found > 20


def _only(kept: list[object], rules: SiteRules) -> SiteRules:
    """The rules with some of their limits alone, by the names of the limits."""
    names = {limit.name for limit in kept}  # type: ignore[attr-defined]
    cities = rules.cities
    assert cities is not None
    in_city = np.bincount(cities.city_idx, minlength=2)
    is_kept = {
        (place, side): any(name.startswith(f"city {place}: {side}") for name in names)
        for place in ("east", "west")
        for side in ("at least", "at most")
    }
    least = [is_kept[place, "at least"] for place in ("east", "west")]
    most = [is_kept[place, "at most"] for place in ("east", "west")]
    return replace(
        rules,
        most=rules.most if any(name.startswith("at most") for name in names) else NUM_SITES,
        budget=rules.budget if any("budget" in name for name in names) else math.inf,
        forced=rules.forced & [f"station {site}" in names for site in "ABCDE"],
        forbidden=rules.forbidden & [f"forbidden site {site}" in names for site in "ABCDE"],
        cities=replace(
            cities,
            min_stations=np.where(least, cities.min_stations, 0),
            max_stations=np.where(most, cities.max_stations, in_city),
        ),
    )


def test_rules_alone_conflict_exactly_when_no_plan_keeps_them() -> None:
    rng = np.random.default_rng(4)
    num_impossible = 0
    for _ in range(60):
        rules = random_rules(rng)
        plan = limited_stations(limits_of_rules(rules, "ABCDE"))
        if covers(rules, []):
            check_plan_exists(plan)
            continue
        with pytest.raises(InfeasibleError) as refused:
            check_plan_exists(plan)
        assert refused.value.conflict
        assert refused.value.repair
        num_impossible += 1
    assert num_impossible > 10


def test_a_least_number_is_named() -> None:
    rules = replace(SiteRules.free(3), least=3, forbidden=np.array([True, False, False]))
    with pytest.raises(InfeasibleError) as refused:
        check_plan_exists(limited_stations(limits_of_rules(rules, "ABC")))
    assert refused.value.conflict == ("at least 3 stations in all", "forbidden site A")
    assert set(refused.value.repair) == {
        "ask for 2 stations instead of 3",
        "allow forbidden site A",
    }
