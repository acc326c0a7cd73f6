"""The country without its borders: which roads are in it, which county owns which cell."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.geodesy import to_sphere_km
from planner.opendata.cells import CELL_KM2, RoadCells
from planner.opendata.highways import (
    RoadGraph,
    detour_ratio,
    keep_edges,
    keep_nodes,
    label_components,
)
from planner.opendata.places import Places
from planner.opendata.territory import CrowdingRule, PowerDiagram, claim_nearest, grow_crowded

MARKET = "CN"

Count = tuple[str, str, str]
"""Item, value and explanation of something that was counted, for the assumptions table."""


@dataclass(frozen=True)
class Discs:
    """What competes for territory: the counties in order, then the places abroad."""

    lon: FloatArray
    lat: FloatArray
    area_km2: FloatArray


def find_discs(counties: pd.DataFrame, places: Places, foreign_area_km2: float) -> Discs:
    """List what competes for territory, Hong Kong and Macao among the places abroad.

    Parameters
    ----------
    counties : DataFrame
        ``lon``, ``lat``, ``area_km2`` of all counties.
    places : Places
        Of the whole world.
    foreign_area_km2 : float
        Area of each place abroad.

    Returns
    -------
    Discs
        Counties first.
    """
    abroad = places.where((places.country_code != MARKET) & _near_country(places.lon, places.lat))
    return Discs(
        np.concatenate([counties["lon"].to_numpy(), abroad.lon]),
        np.concatenate([counties["lat"].to_numpy(), abroad.lat]),
        np.concatenate(
            [counties["area_km2"].to_numpy(), np.full(len(abroad.lon), foreign_area_km2)]
        ),
    )


def _near_country(lon: FloatArray, lat: FloatArray) -> BoolArray:
    """Whatever could lie in China or next to it; the rest of the world only costs time."""
    return np.asarray((np.abs(lon - 105) < 40) & (np.abs(lat - 32) < 32))


def _own(
    diagram: PowerDiagram,
    lon: FloatArray,
    lat: FloatArray,
    num_counties: int,
    value: Mapping[str, float],
) -> IntArray:
    """County of each point; -1 abroad or far from every county."""
    disc_idx, power_km2 = diagram.assign(lon, lat)
    near = power_km2 < value["max_power_radius_km"] ** 2
    return np.where(near & (disc_idx < num_counties), disc_idx, -1)


def cut_out_country(
    world: RoadGraph,
    discs: Discs,
    num_counties: int,
    places: Places,
    value: Mapping[str, float],
) -> tuple[RoadGraph, list[Count]]:
    """Cut the country's roads out of the world's, without artefacts and fragments.

    Parameters
    ----------
    world : RoadGraph
        The whole network.
    discs : Discs
        Counties first.
    num_counties : int
        How many of the discs are counties.
    places : Places
        Of the whole world.
    value : mapping of str to float
        The recipe's parameters.

    Returns
    -------
    graph : RoadGraph
        The main network and islands that are large enough.
    counts : list of Count
        What was dropped.
    """
    world = keep_nodes(world, _near_country(world.lon, world.lat))
    diagram = PowerDiagram(discs.lon, discs.lat, discs.area_km2)
    country = keep_nodes(world, _own(diagram, world.lon, world.lat, num_counties, value) >= 0)
    sound = detour_ratio(country) <= value["max_detour_ratio"]
    dropped_km = country.length_km[~sound].sum()
    country = keep_edges(country, sound)
    component_idx, num_nodes = label_components(country)
    abroad = _vote_abroad(country, component_idx, places)
    stays = (num_nodes >= value["min_component_nodes"]) & ~abroad
    graph = keep_nodes(country, stays[component_idx])
    num_off_main = int(num_nodes[stays][1:].sum())
    dropped = f"{(~stays).sum()} networks with {num_nodes[~stays].sum()} junctions"
    counts = [
        (
            "road edges dropped as artefacts",
            f"{(~sound).sum()} edges, {dropped_km:.0f} km",
            f"more than {value['max_detour_ratio']:g} times as long as the distance between "
            "their ends",
        ),
        (
            "road networks that do not connect to the main one",
            f"{stays.sum() - 1} kept with {num_off_main} junctions (islands); {dropped} dropped",
            f"kept from {value['min_component_nodes']:g} junctions on, unless most of them lie "
            "nearest to a place outside mainland China",
        ),
    ]
    return graph, counts


def _vote_abroad(country: RoadGraph, component_idx: IntArray, places: Places) -> BoolArray:
    """Whether most junctions of a network lie nearest to a place abroad (Macao does)."""
    _, place_idx = KDTree(to_sphere_km(places.lon, places.lat)).query(
        to_sphere_km(country.lon, country.lat)
    )
    is_abroad = (places.country_code[place_idx] != MARKET).astype(np.float64)
    return np.asarray(np.bincount(component_idx, is_abroad - 0.5) > 0)


def share_out_cells(
    discs: Discs, cells: RoadCells, counties: pd.DataFrame, value: Mapping[str, float]
) -> IntArray:
    """Find the county of each cell; crowded districts gain ground on their neighbours.

    Parameters
    ----------
    discs : Discs
        Counties first.
    cells : RoadCells
        The ground there is.
    counties : DataFrame
        In the order of the discs: ``city_id``, ``residents``, ``planned``.
    value : mapping of str to float
        The recipe's parameters.

    Returns
    -------
    int array, shape (num_cells,)
        Position of the county, -1 for none.
    """
    diagram = PowerDiagram(discs.lon, discs.lat, discs.area_km2)
    planned = counties["planned"].to_numpy()
    residents = np.zeros(len(discs.lon))
    residents[: len(counties)] = np.where(planned, counties["residents"], 0.0)
    rule = CrowdingRule(
        value["crowded_residents_per_km2"],
        value["full_residents_per_km2"],
        value["max_growth_km2"],
    )
    disc_idx, _ = diagram.assign(cells.lon, cells.lat)
    owned_km2 = CELL_KM2 * np.bincount(disc_idx, minlength=len(discs.lon))
    crowded = residents > rule.crowded_residents_per_km2 * owned_km2
    cells_km = to_sphere_km(cells.lon, cells.lat)
    discs_km = to_sphere_km(discs.lon, discs.lat)
    away_km, _ = KDTree(discs_km[crowded]).query(cells_km)
    near = away_km < value["crowded_surroundings_km"]
    # Only discs that own ground near a crowded one can gain or lose; the others would seem
    # to own less than they do.
    owned_near_km2 = CELL_KM2 * np.bincount(disc_idx[near], minlength=len(discs.lon))
    wholly_near = owned_near_km2 >= owned_km2
    diagram = grow_crowded(
        discs.lon,
        discs.lat,
        discs.area_km2,
        np.where(wholly_near, residents, 0.0),
        (cells.lon[near], cells.lat[near]),
        CELL_KM2,
        rule,
    )
    county_idx = _own(diagram, cells.lon, cells.lat, len(counties), value)
    city_idx = np.where(planned, pd.factorize(counties["city_id"])[0], -1)
    return claim_nearest(
        county_idx,
        city_idx,
        residents[: len(counties)],
        discs_km[: len(counties)],
        cells_km,
        rule.max_residents_per_km2 * CELL_KM2,
    )
