"""Parts of a problem: sites and zones that hang together by reach or by a limit of a city.

What happens in one part leaves the others alone, but for the numbers and the money that all share.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.solving.rules import CityLimits, SiteRules


class Parts(NamedTuple):
    """Which part each site and each zone belongs to.

    Attributes
    ----------
    of_site : int array, shape (num_sites,)
    of_zone : int array, shape (num_zones,)
    number : int
    """

    of_site: IndexArray
    of_zone: IndexArray
    number: int

    @property
    def are_several(self) -> bool:
        """Whether more than one part has a site."""
        return len(self.of_site) > 0 and bool((self.of_site != self.of_site[0]).any())

    def sums(self, of_sites: FloatArray, of_zones: FloatArray) -> FloatArray:
        """Sums over the sites and the zones of each part, shape (number,)."""
        return np.asarray(
            np.bincount(self.of_site, of_sites, self.number)
            + np.bincount(self.of_zone, of_zones, self.number)
        )


def linked_parts(reach: Lists, num_zones: int, cities: CityLimits | None) -> Parts:
    """Connected parts of sites and zones.

    Parameters
    ----------
    reach : Lists, shape (num_sites,)
        Zones of each site.
    num_zones : int
    cities : CityLimits, optional
        Sites of a city whose number is limited hang together.
    """
    num_sites = reach.num_lists
    site, zone = reach.owner, np.asarray(reach.idx, dtype=np.int64)
    left, right = [site], [num_sites + zone]
    num_nodes = num_sites + num_zones
    if cities is not None:
        in_city = np.bincount(cities.city_idx, minlength=len(cities.min_stations))
        limited = (cities.min_stations > 0) | (cities.max_stations < in_city)
        bound = np.flatnonzero(limited[cities.city_idx])
        left.append(bound)
        right.append(num_nodes + np.asarray(cities.city_idx, dtype=np.int64)[bound])
        num_nodes += len(limited)
    row, column = np.concatenate(left), np.concatenate(right)
    graph = scipy.sparse.coo_array((np.ones(len(row), np.int8), (row, column)), (num_nodes,) * 2)
    label = connected_components(graph.tocsr(), directed=False)[1]
    number = int(label.max(initial=-1)) + 1
    return Parts(label[:num_sites], label[num_sites : num_sites + num_zones], number)


def masked(num_sites: int, site_idx: IntArray) -> BoolArray:
    """Which sites are among some, shape (num_sites,)."""
    mask = np.zeros(num_sites, dtype=np.bool_)
    mask[site_idx] = True
    return mask


def changed_locks(rules: SiteRules, removed: IntArray, forced: IntArray) -> SiteRules:
    """Rules with some sites closed and others open.

    Raises
    ------
    ValueError
        If the rules themselves say otherwise of one.
    """
    closed, opened = (masked(rules.num_sites, each) for each in (removed, forced))
    if (closed & rules.forced).any() or (opened & rules.forbidden).any():
        raise ValueError("a forced site cannot be removed, nor a forbidden one forced")
    return replace(rules, forced=rules.forced | opened, forbidden=rules.forbidden | closed)


def rules_inside(rules: SiteRules, inside: IntArray, kept: IntArray, spent: float) -> SiteRules:
    """What rules leave to some sites beside stations kept elsewhere.

    Parameters
    ----------
    rules : SiteRules
    inside, kept : int arrays
        The sites, and the stations elsewhere.
    spent : float
        What these cost.
    """
    part = rules.of_sites(inside)
    cities = rules.cities
    if cities is not None:
        taken = np.bincount(cities.city_idx[kept], minlength=len(cities.min_stations))
        there = np.bincount(cities.city_idx[inside], minlength=len(taken)) > 0
        part = replace(
            part,
            cities=CityLimits(
                cities.city_idx[inside],
                np.where(there, np.maximum(cities.min_stations - taken, 0), 0),
                np.maximum(cities.max_stations - taken, 0),
                cities.names,
            ),
        )
    return replace(
        part,
        budget=rules.budget - spent,
        least=max(rules.least - len(kept), 0),
        most=rules.most - len(kept),
    )
