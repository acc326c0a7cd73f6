"""Which limits and locks of a question conflict: by themselves, or with what is asked for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.solving.conflicts import minimal_subset
from planner.solving.rules import SiteRules
from planner.solving.station_limits import StationLimits, shown_money


@dataclass(frozen=True)
class NamedLimit:
    """A limit by name.

    Attributes
    ----------
    name : str
    without : callable
        ``(rules)``: the rules without it.
    """

    name: str
    without: Callable[[SiteRules], SiteRules]


def conflicting_limits(
    rules: SiteRules,
    is_feasible: Callable[[SiteRules], bool],
    *,
    site_names: Sequence[str],
    unit: str,
) -> list[NamedLimit]:
    """A minimal set of limits and locks with which a question has no answer.

    Parameters
    ----------
    rules : SiteRules
        With which it has none.
    is_feasible : callable
        ``(rules)``: whether it may have one; False only where it is proven to have none.
    site_names : sequence of str
    unit : str
        Of costs; empty where every station costs one.

    Returns
    -------
    list of NamedLimit
        None if the question has no answer without any of them either. A conflict in any case; a
        minimal one if ``is_feasible`` always knows.
    """
    limits = _limits(rules, site_names, unit)

    def may_answer(chosen: Sequence[int]) -> bool:
        kept, asked = set(chosen), rules
        for number, limit in enumerate(limits):
            if number not in kept:
                asked = limit.without(asked)
        return is_feasible(asked)

    if not may_answer([]):
        return []
    return [limits[number] for number in minimal_subset(len(limits), may_answer)]


def limits_of_rules(rules: SiteRules, site_names: Sequence[str]) -> StationLimits:
    """The limits of a problem with its labels; money without a unit.

    Parameters
    ----------
    rules : SiteRules
    site_names : sequence of str
    """
    cities, num_sites = rules.cities_or_one(), rules.num_sites
    numbers = [str(city) for city in range(len(cities.min_stations))]
    nowhere = np.zeros(num_sites, dtype=np.int64)
    return StationLimits(
        site_names=site_names,
        city_names=numbers if cities.names is None else cities.names.tolist(),
        city_idx=cities.city_idx.astype(np.int64),
        cost=rules.cost if rules.cost.ndim == 1 else rules.cost.min(axis=1, initial=math.inf),
        forced=rules.forced,
        forbidden=rules.forbidden,
        num_stations=rules.most,
        budget=rules.budget,
        least=cities.min_stations,
        most=cities.max_stations,
        is_new=np.zeros(num_sites, dtype=np.bool_),
        closing=np.full(num_sites, np.nan),
        periods=[""],
        first=nowhere,
        opens=nowhere - 1,
        unit="",
        fewest=rules.least,
    )


def _limits(rules: SiteRules, site_names: Sequence[str], unit: str) -> list[NamedLimit]:
    items = []
    if rules.most < rules.num_sites:
        stations = "1 station" if rules.most == 1 else f"{rules.most:,} stations"
        items.append(
            NamedLimit(f"at most {stations}", lambda rules: replace(rules, most=rules.num_sites))
        )
    if math.isfinite(rules.budget):
        name = f"a budget of {shown_money(rules.budget, unit)}"
        items.append(NamedLimit(name, lambda rules: replace(rules, budget=math.inf)))
    items += _city_limits(rules)
    for is_locked, word, field in (
        (rules.forced, "station", "forced"),
        (rules.forbidden, "forbidden site", "forbidden"),
    ):
        items += [
            NamedLimit(f"{word} {site_names[site]}", _unlocked(field, site))
            for site in np.flatnonzero(is_locked).tolist()
        ]
    return items


def _unlocked(field: str, site: int) -> Callable[[SiteRules], SiteRules]:
    def without(rules: SiteRules) -> SiteRules:
        lock = getattr(rules, field).copy()
        lock[site] = False
        changed: SiteRules = replace(rules, **{field: lock})
        return changed

    return without


def _city_limits(rules: SiteRules) -> list[NamedLimit]:
    if rules.cities is None:
        return []
    cities, items = rules.cities, []
    in_city = np.bincount(cities.city_idx, minlength=len(cities.max_stations))

    def changed(field: str, city: int, value: int) -> Callable[[SiteRules], SiteRules]:
        def without(rules: SiteRules) -> SiteRules:
            assert rules.cities is not None
            limit = getattr(rules.cities, field).copy()
            limit[city] = value
            return replace(rules, cities=replace(rules.cities, **{field: limit}))

        return without

    for city in np.flatnonzero(cities.max_stations < in_city).tolist():
        name = f"{cities.name(city)}: at most {cities.max_stations[city]:,} stations"
        items.append(NamedLimit(name, changed("max_stations", city, int(in_city[city]))))
    for city in np.flatnonzero(cities.min_stations > 0).tolist():
        name = f"{cities.name(city)}: at least {cities.min_stations[city]:,} stations"
        items.append(NamedLimit(name, changed("min_stations", city, 0)))
    return items
