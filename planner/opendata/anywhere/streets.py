"""Streets and places of an extract of OpenStreetMap, in place of the world highways."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from h3.api import basic_int

from planner.errors import Fault, InputError
from planner.instance.notes import Note
from planner.instance.roads.osm_extract import read_osm_extract
from planner.instance.roads.road_tables import RoadTables
from planner.opendata.anywhere.ground import in_box
from planner.opendata.cells import RESOLUTION
from planner.opendata.highways import RoadGraph
from planner.opendata.osm_places import Box, OsmPlaces, places_from
from planner.opendata.people_grid import centres
from planner.opendata.places import Places, place_density

RING_DEG = 0.01
"""Cells next to those with a street are zones as well: some 1 km."""
WHOLE_FRAC = 0.95
"""A city with this share of its people in an extract counts as wholly there."""


@dataclass(frozen=True)
class Streets:
    """What an extract gives.

    Attributes
    ----------
    tables : RoadTables
        Nodes and roads as the instance has them, with speeds and directions.
    graph : RoadGraph
        The same, every road once and passable both ways, for cells and places.
    places : OsmPlaces
        Where stations could stand, and cells of bridges and tunnels.
    box : tuple of float
        West, south, east, north of the streets [degrees].
    """

    tables: RoadTables
    graph: RoadGraph
    places: OsmPlaces
    box: Box


def read_streets(path: Path) -> Streets:
    """Read the streets and places of an extract, all of it.

    Parameters
    ----------
    path : path
        ``.osm.pbf``.

    Returns
    -------
    Streets

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or has no drivable street.
    """
    if not path.is_file():
        raise InputError([Fault(path.name, None, "", "", "no such file; put it there")])
    tables = read_osm_extract(path)
    nodes = tables.road_nodes.sort_values("node_id", ignore_index=True)
    index = pd.Index(nodes["node_id"])
    ends = [index.get_indexer(tables.roads[name]) for name in ("from_node", "to_node")]
    edges = pd.DataFrame(
        {
            "low": np.minimum(*ends),
            "high": np.maximum(*ends),
            "length_km": tables.roads["length_km"].to_numpy(),
        }
    ).sort_values(["low", "high", "length_km"])
    edges = edges[edges["low"] != edges["high"]].drop_duplicates(["low", "high"])
    lon, lat = (nodes[name].to_numpy(dtype=np.float64) for name in ("lon", "lat"))
    low, high = (edges[name].to_numpy(dtype=np.int64) for name in ("low", "high"))
    length_km = edges["length_km"].to_numpy(dtype=np.float64)
    graph = RoadGraph(index.to_numpy(dtype=np.int64), lon, lat, low, high, length_km)
    box = (float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))
    if box[2] - box[0] > 180:
        box = (float(lon[lon > 0].min()), box[1], float(lon[lon < 0].max()), box[3])
    return Streets(tables, graph, places_from(path, box), box)


def keep_mapped_people(
    cities: pd.DataFrame, home: Places, streets: Streets, value: Mapping[str, float]
) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """Leave out the people of cities who live beyond the extract.

    How many they are follows from the density that the region's named places suggest, over the
    H3 cells of each city's disc.

    Parameters
    ----------
    cities : DataFrame
        ``name_en``, ``lon``, ``lat``, ``residents``, ``area_km2``.
    home : Places
        Named places of the region, with residents.
    streets : Streets
        The extract.
    value : mapping of str to float
        The recipe's parameters.

    Returns
    -------
    cities : DataFrame
        With fewer residents.
    notes : tuple of Note
        Cities of which the extract holds a part only.
    """
    west, south, east, north = streets.box
    around = (west - RING_DEG, south - RING_DEG, east + RING_DEG, north + RING_DEG)
    shares, notes = [], []
    for city in cities.to_dict("records"):
        centre = basic_int.latlng_to_cell(city["lat"], city["lon"], RESOLUTION)
        spacing_km = np.sqrt(3) * basic_int.average_hexagon_edge_length(RESOLUTION, unit="km")
        num_rings = int(np.sqrt(city["area_km2"] / np.pi) / spacing_km) + 1
        cells = np.array(basic_int.grid_disk(centre, num_rings), dtype=np.int64)
        lon, lat = centres(cells)
        density = place_density(
            lon,
            lat,
            home,
            footprint_residents_per_km2=value["footprint_residents_per_km2"],
            min_decay_km=value["min_decay_km"],
            max_decay_km=value["max_decay_km"],
        )
        share = float(density[in_box(around, lon, lat)].sum() / density.sum())
        share = 1.0 if share >= WHOLE_FRAC else share
        shares.append(share)
        if 0 < share < 1:
            text = f"{share * city['residents']:,.0f} of {city['residents']:,.0f}"
            item = f"residents of {city['name_en']} within the extract"
            notes.append(Note(item, text, "INF", "the rest lives beyond its streets; a larger "
                              "extract or a grid of people ([people]) tells better"))  # fmt: skip
    return cities.assign(residents=cities["residents"] * np.array(shares)), tuple(notes)
