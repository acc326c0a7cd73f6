"""Which sites may open: locks, numbers, money, limits by city, alike for every siting problem."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, freeze
from planner.errors import InfeasibleError
from planner.limits import widened


@dataclass(frozen=True)
class CityLimits:
    """How many stations each city may have, forced ones included.

    Attributes
    ----------
    city_idx : int array, shape (num_sites,)
        City of each site.
    min_stations, max_stations : int arrays, shape (num_cities,)
    names : str array, shape (num_cities,), optional
        What messages call the cities; without them they are numbered.
    """

    city_idx: IndexArray
    min_stations: IntArray
    max_stations: IntArray
    names: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        if self.names is not None and self.names.shape != self.min_stations.shape:
            raise ValueError("names must have one entry per city")
        if self.min_stations.shape != self.max_stations.shape:
            raise ValueError("min_stations and max_stations must have one entry per city")
        if len(self.city_idx) and not (
            self.city_idx.min() >= 0 and self.city_idx.max() < len(self.min_stations)
        ):
            raise ValueError("city_idx points outside the cities")
        freeze(self)

    def allow(self, site_idx: IntArray) -> bool:
        """Whether a set of open sites keeps them."""
        number = np.bincount(self.city_idx[site_idx], minlength=len(self.min_stations))
        return bool(((self.min_stations <= number) & (number <= self.max_stations)).all())

    def of_sites(self, site_idx: IntArray) -> "CityLimits":
        """The same limits for some of the sites, in that order."""
        return replace(self, city_idx=self.city_idx[site_idx])

    def name(self, city: int) -> str:
        """What messages call a city."""
        return f"city {city if self.names is None else self.names[city]}"


@dataclass(frozen=True)
class SiteRules:
    """Limits on which sites open: a part of every siting problem.

    Attributes
    ----------
    forced, forbidden : bool arrays, shape (num_sites,)
        Sites open in every plan (existing or committed), and in none.
    cost : float array, shape (num_sites,) or (num_sites, num_types)
        Cost of a station at the site, of the type where there are several, >= 0.
    budget : float
        Cost of all stations, the forced ones included, is at most this; inf for no limit.
    least, most : int
        Open sites, the forced ones included.
    cities : CityLimits, optional
        Least and most by city.
    """

    forced: BoolArray
    forbidden: BoolArray
    cost: FloatArray
    budget: float
    least: int
    most: int
    cities: CityLimits | None = None

    def __post_init__(self) -> None:
        num_sites = len(self.forced)
        if self.forbidden.shape != (num_sites,) or self.forced.shape != (num_sites,):
            raise ValueError("forced and forbidden must have one entry per site")
        if (self.forced & self.forbidden).any():
            raise ValueError("a site is both forced and forbidden")
        if len(self.cost) != num_sites or self.cost.ndim not in (1, 2):
            raise ValueError("cost must have shape (num_sites,) or (num_sites, num_types)")
        if self.cost.size and not (np.isfinite(self.cost).all() and self.cost.min() >= 0):
            raise ValueError("cost must be finite and >= 0")
        if math.isnan(self.budget):
            raise ValueError("budget must be a number")
        if self.cities is not None and len(self.cities.city_idx) != num_sites:
            raise ValueError("cities must name the city of every site")
        freeze(self)

    @classmethod
    def free(cls, num_sites: int, most: int | None = None) -> "SiteRules":
        """No limits but a number of stations: nothing forced or forbidden, nothing costs."""
        nowhere = np.zeros(num_sites, dtype=np.bool_)
        limit = num_sites if most is None else most
        return cls(nowhere, nowhere, np.zeros(num_sites), math.inf, 0, limit)

    @property
    def most_cost(self) -> float:
        """What stations may cost: the budget with its tolerance (`planner.limits`)."""
        return widened(self.budget)

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.forced)

    @property
    def num_forced(self) -> int:
        """Number of forced sites."""
        return int(self.forced.sum())

    @property
    def usable(self) -> BoolArray:
        """Sites that may open, shape (num_sites,)."""
        return ~self.forbidden

    def cities_or_one(self) -> CityLimits:
        """Limits by city; where there are none, one city of all sites that limits nothing."""
        if self.cities is not None:
            return self.cities
        everywhere = np.zeros(self.num_sites, dtype=np.int32)
        return CityLimits(everywhere, np.array([0]), np.array([self.num_sites]))

    def locks_and_most(self) -> "SiteRules":
        """The relaxation that keeps locks and the most stations alone."""
        return replace(
            SiteRules.free(self.num_sites, self.most),
            forced=self.forced,
            forbidden=self.forbidden,
        )

    def of_sites(self, site_idx: IntArray) -> "SiteRules":
        """The same limits for some of the sites, in that order; the others are closed."""
        return replace(
            self,
            forced=self.forced[site_idx],
            forbidden=self.forbidden[site_idx],
            cost=self.cost[site_idx],
            cities=None if self.cities is None else self.cities.of_sites(site_idx),
        )

    def allow_number(self, site_idx: IntArray) -> bool:
        """Whether a set of open sites keeps the numbers, nationwide and by city."""
        return self.least <= len(site_idx) <= self.most and (
            self.cities is None or self.cities.allow(site_idx)
        )

    def check_numbers(self) -> None:
        """Whether locks and numbers, nationwide and by city, allow any set of sites.

        Raises
        ------
        InfeasibleError
            Naming what cannot be kept.
        """
        num_usable = int(self.usable.sum())
        if self.most < self.num_forced:
            raise InfeasibleError(
                f"{self.num_forced} sites are forced open, but at most {self.most} stations are "
                "allowed"
            )
        if self.least > min(self.most, num_usable):
            raise InfeasibleError(
                f"at least {self.least} stations, but at most {min(self.most, num_usable)} can be "
                "open"
            )
        if self.cities is not None:
            _check_cities(self, self.cities)


def _check_cities(rules: SiteRules, cities: CityLimits) -> None:
    num_cities = len(cities.min_stations)
    standing, usable = (
        np.bincount(cities.city_idx[mask], minlength=num_cities)
        for mask in (rules.forced, rules.usable)
    )
    for city in np.flatnonzero(
        cities.min_stations > np.minimum(cities.max_stations, usable)
    ).tolist():
        raise InfeasibleError(
            f"{cities.name(city)}: at least {cities.min_stations[city]} stations, but at most "
            f"{min(cities.max_stations[city], usable[city])} can be open"
        )
    for city in np.flatnonzero(standing > cities.max_stations).tolist():
        raise InfeasibleError(
            f"{cities.name(city)}: {standing[city]} sites are forced open, but at most "
            f"{cities.max_stations[city]} stations are allowed"
        )
    fewest = int(np.maximum(cities.min_stations, standing).sum())
    if fewest > rules.most:
        raise InfeasibleError(
            f"locks and limits by city take {fewest} stations, but at most {rules.most} are allowed"
        )
    largest = int(np.minimum(cities.max_stations, usable).sum())
    if rules.least > largest:
        raise InfeasibleError(
            f"at least {rules.least} stations, but limits by city allow {largest}"
        )
