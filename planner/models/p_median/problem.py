"""p-median: what the model is given, and two ways of telling distances."""

from dataclasses import dataclass

import numpy as np

from planner.arrays import FloatArray, Lists, freeze
from planner.solving.rules import SiteRules


@dataclass(frozen=True)
class PairDistances:
    """Distances of the zones from the sites that can serve them, pair by pair.

    Attributes
    ----------
    sites : Lists, shape (num_zones,)
        Sites that can serve each zone, each once: the pairs, zone by zone.
    distance : float array, shape (num_pairs,)
        Distance, time or cost of each pair, >= 0.
    unserved : float
        What counts as the distance of a zone whose pairs are all closed; finite, no less than
        any distance.
    num_sites : int
        Number of candidate sites, those without any pair included.
    """

    sites: Lists
    distance: FloatArray
    unserved: float
    num_sites: int

    def __post_init__(self) -> None:
        self.sites.check("sites", self.sites.num_lists, self.num_sites)
        if len(self.distance) != self.sites.num_entries:
            raise ValueError("distance must have one entry per pair")
        if not np.isfinite(self.unserved) or self.unserved < 0:
            raise ValueError("unserved must be finite and >= 0")
        if len(self.distance) and not (
            self.distance.min() >= 0 and self.distance.max() <= self.unserved
        ):
            raise ValueError("distances must lie between 0 and unserved")
        freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return self.sites.num_lists


@dataclass(frozen=True)
class PointDistances:
    """Distances that are computed from places when needed: all zones, all sites, no matrix.

    Attributes
    ----------
    zone_xyz, site_xyz : float arrays, shape (num_zones, d) and (num_sites, d)
        Places in a plane (d = 2, any unit) or on the sphere (d = 3, from
        `planner.geodesy.to_sphere_km`) [km].
    on_sphere : bool
        Measure along the great circle instead of straight.
    whole : bool
        Round distances down to whole numbers, as published instances do.
    """

    zone_xyz: FloatArray
    site_xyz: FloatArray
    on_sphere: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        width = 3 if self.on_sphere else 2
        for name in ("zone_xyz", "site_xyz"):
            places = getattr(self, name)
            if places.ndim != 2 or places.shape[1] != width:
                raise ValueError(f"{name} has shape {places.shape}, not (n, {width})")
            if not np.isfinite(places).all():
                raise ValueError(f"{name} must be finite")
        freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return len(self.zone_xyz)

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return len(self.site_xyz)


@dataclass(frozen=True)
class PMedianProblem:
    """Least mean distance from zones to their nearest station.

    Sets: demand zones i in [0, num_zones), candidate sites j in [0, num_sites).

    Attributes
    ----------
    weight : float array, shape (num_zones,)
        Weight of each zone (people, swaps per day), >= 0.
    distances : PairDistances or PointDistances
        Between zones and sites.
    rules : SiteRules
        Locks, numbers, money and limits by city; one cost per site [CNY].
    """

    weight: FloatArray
    distances: PairDistances | PointDistances
    rules: SiteRules

    def __post_init__(self) -> None:
        if self.weight.shape != (self.distances.num_zones,):
            raise ValueError("weight must have one entry per zone")
        if self.weight.size and not (np.isfinite(self.weight).all() and self.weight.min() >= 0):
            raise ValueError("weight must be finite and >= 0")
        if self.rules.cost.shape != (self.distances.num_sites,):
            raise ValueError("rules must have one entry, and one cost, per site")
        freeze(self)

    @property
    def num_zones(self) -> int:
        """Number of demand zones."""
        return self.distances.num_zones

    @property
    def num_sites(self) -> int:
        """Number of candidate sites."""
        return self.distances.num_sites
