"""Zones' cells, roads and candidate sites of a country or region, whatever owns them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from h3.api import basic_int

from planner.arrays import FloatArray, IntArray
from planner.geodesy import to_sphere_km
from planner.opendata.candidates import CandidateRule, choose_candidates
from planner.opendata.cells import CELL_KM2, RoadCells, RoadPieces, cells_of_points
from planner.opendata.highways import RoadGraph
from planner.opendata.osm_places import OsmPlaces
from planner.opendata.places import Places, place_density
from planner.opendata.speeds import SpeedRule, edge_speed_kmh
from planner.opendata.spread import spread_residents

HOUSEHOLD_STEP = 0.1
"""Households of a zone are rounded to this."""
LEAST_ROAD_KM = 0.125
"""Mapped road near a zone that has less, for the weight of commercial cars [km]; ?: assumed."""


@dataclass(frozen=True)
class Land:
    """What roads and territory give.

    Attributes
    ----------
    graph : RoadGraph
        The roads.
    pieces : RoadPieces
        The roads in pieces.
    cells : RoadCells
        Cells on or next to them.
    owner_idx : int array, shape (num_cells,)
        County or city that each cell belongs to; -1 for none.
    residents : float array, shape (num_cells,)
        People, 0 where nobody owns the cell.
    """

    graph: RoadGraph
    pieces: RoadPieces
    cells: RoadCells
    owner_idx: IntArray
    residents: FloatArray


def spread_people(
    cells: RoadCells,
    owner_idx: IntArray,
    residents: FloatArray,
    urban_frac: FloatArray,
    home: Places,
    value: Mapping[str, float],
    *,
    by_roads: bool,
) -> FloatArray:
    """Spread the people of counties or cities over their cells, by named places and mapped roads.

    Parameters
    ----------
    cells : RoadCells
    owner_idx : int array, shape (num_cells,)
        County or city of each cell; -1 for none.
    residents, urban_frac : float arrays, shape (num_owners,)
        People to spread, and their urban share.
    home : Places
        Named places of the country.
    value : mapping of str to float
        Numbers of the model by name.
    by_roads : bool
        Whether the urban part goes where there are roads as well as places.

    Returns
    -------
    float array, shape (num_cells,)
        0 where nobody owns the cell.
    """
    inside = owner_idx >= 0
    density = place_density(
        cells.lon[inside],
        cells.lat[inside],
        home,
        footprint_residents_per_km2=value["footprint_residents_per_km2"],
        min_decay_km=value["min_decay_km"],
        max_decay_km=value["max_decay_km"],
    )
    road_km_nearby = cells.mean_nearby(cells.road_km)[inside]
    spread = np.zeros(len(cells.cell))
    spread[inside] = spread_residents(
        owner_idx[inside],
        residents,
        urban_frac,
        density * road_km_nearby if by_roads else density,
        road_km_nearby,
        value["max_residents_per_km2"] * CELL_KM2,
    )
    return spread


def cell_texts(cells: IntArray) -> list[str]:
    """Write H3 indexes the way people and other tools do.

    Parameters
    ----------
    cells : int array, shape (n,)
        H3 indexes.

    Returns
    -------
    list of str
        Hexadecimal.

    >>> cell_texts(np.array([613116957184720895]))
    ['8823a9fc6c37fff']
    """
    return [basic_int.int_to_str(cell) for cell in cells.tolist()]


def commercial_weight(land: Land, cell_idx: IntArray, households: FloatArray) -> FloatArray:
    """Weight of zones in the driving of taxis and ride-hailing cars.

    Ranks, depots, railway stations and airports are not in the sources; where many people live
    along many mapped roads stands for them: car-owning households times the road km of the
    cell and its ring. These kilometres are taken as powers of two: zones in the reach of the
    same sites then mix segments in a few ways only, and the siting can join them.

    Parameters
    ----------
    land : Land
        Roads and cells.
    cell_idx : int array, shape (num_zones,)
        Cell of each zone.
    households : float array, shape (num_zones,)
        Car-owning households of each zone.

    Returns
    -------
    float array, shape (num_zones,)
        A zone without a mapped road nearby counts as with `LEAST_ROAD_KM`.
    """
    road_km = np.maximum(land.cells.mean_nearby(land.cells.road_km)[cell_idx], LEAST_ROAD_KM)
    return np.asarray(households * 2.0 ** np.rint(np.log2(road_km)), np.float64)


def make_sites(
    land: Land,
    zones: pd.DataFrame,
    city_ids: Iterable[str],
    value: Mapping[str, float],
    extract: OsmPlaces | None = None,
) -> pd.DataFrame:
    """Choose the candidate sites of each city.

    Named places, such as fuel stations, are taken where a city has some; points on its roads
    elsewhere.

    Parameters
    ----------
    land : Land
        Roads and cells.
    zones : DataFrame
        ``zone_id``, ``city_id``, ``car_owning_households``.
    city_ids : iterable of str
        Cities in order.
    value : mapping of str to float
        The recipe's parameters.
    extract : OsmPlaces or None
        Places of an extract; no junction on its bridges and in its tunnels is a site.

    Returns
    -------
    DataFrame
        The ``sites`` table.
    """
    rule = CandidateRule(
        max_sites=round(value["max_sites_per_city"]),
        reach_km=value["reach_km"],
        reach_enough_frac=value["reach_enough_frac"],
        spacing_km=value["spacing_km"],
    )
    zone_cell = np.array([int(zone, 16) for zone in zones["zone_id"]], dtype=np.int64)
    zone_idx = np.searchsorted(land.cells.cell, zone_cell)
    pool = _pool_of_sites(land, extract)
    if extract is not None:
        pool = _with_named(pool, land, extract.sites)
    pool = pool[np.isin(pool["cell_idx"], zone_idx)]
    city_of_cell = pd.Series(zones["city_id"].to_numpy(), index=zone_idx)
    pool = pool.assign(city_id=city_of_cell.reindex(pool["cell_idx"]).to_numpy())
    centres_km = to_sphere_km(land.cells.lon[zone_idx], land.cells.lat[zone_idx])
    households = np.round(zones["car_owning_households"].to_numpy() / HOUSEHOLD_STEP)
    parts = []
    for city_id in city_ids:
        places = pool[pool["city_id"] == city_id]
        if places["is_named"].any():
            places = places[places["is_named"]]
        here = (zones["city_id"] == city_id).to_numpy()
        chosen = choose_candidates(
            to_sphere_km(places["lon"], places["lat"]),
            centres_km[here],
            households[here].astype(np.int64),
            rule,
        )
        parts.append(places.iloc[chosen])
    sites = pd.concat(parts, ignore_index=True)
    own_id = pd.Series(cell_texts(land.cells.cell[sites["cell_idx"]]))
    own_id = sites["osm_id"].where(sites["is_named"], own_id)
    return pd.DataFrame(
        {
            "site_id": sites["city_id"] + "-" + own_id,
            "city_id": sites["city_id"],
            "lon": sites["lon"],
            "lat": sites["lat"],
            "kind": sites["kind"],
            "status": "candidate",
        }
    )


def _pool_of_sites(land: Land, extract: OsmPlaces | None) -> pd.DataFrame:
    """One point per road-bearing cell: a junction if it holds one, else a point of an edge.

    Of several the one nearest to the cell's centre is taken.
    """
    graph, pieces, cells = land.graph, land.pieces, land.cells
    is_edge = np.repeat([False, True], [len(graph.lon), len(pieces.lon)])
    lon = np.concatenate([graph.lon, pieces.lon])
    lat = np.concatenate([graph.lat, pieces.lat])
    cell = np.concatenate([cells_of_points(graph.lon, graph.lat), pieces.cell])
    cell_idx = np.minimum(np.searchsorted(cells.cell, cell), len(cells.cell) - 1)
    centre_km = to_sphere_km(cells.lon[cell_idx], cells.lat[cell_idx])
    away_km = np.linalg.norm(to_sphere_km(lon, lat) - centre_km, axis=1)
    pool = pd.DataFrame(
        # Five decimals are a metre: the point still lies on its road.
        {
            "cell_idx": cell_idx,
            "kind": np.where(is_edge, "road_edge", "road_node"),
            "lon": lon.round(5),
            "lat": lat.round(5),
        }
    )
    pool = pool.assign(is_edge=is_edge, away_km=away_km.round(6))
    stands = cells.cell[cell_idx] == cell
    if extract is not None:  # streets have junctions enough; between them may be a bridge
        stands &= ~is_edge
        stands[: len(graph.lon)] &= ~np.isin(graph.node_id, extract.off_ground)
    pool = pool[stands]
    order = ["cell_idx", "is_edge", "away_km", "lon", "lat"]
    pool = pool.sort_values(order, ignore_index=True)
    pool = pool.drop_duplicates("cell_idx").assign(is_named=False, osm_id="")
    return pd.DataFrame(pool)


def _with_named(pool: pd.DataFrame, land: Land, named: pd.DataFrame) -> pd.DataFrame:
    """The points of roads, and the places that lie in a cell of the land."""
    cells = land.cells.cell
    cell = cells_of_points(named["lon"].to_numpy(), named["lat"].to_numpy())
    cell_idx = np.minimum(np.searchsorted(cells, cell), len(cells) - 1)
    places = named[["osm_id", "kind", "lon", "lat"]].assign(cell_idx=cell_idx, is_named=True)
    places = places.assign(lon=places["lon"].round(5), lat=places["lat"].round(5))
    places = places[cells[cell_idx] == cell].sort_values("osm_id")
    return pd.DataFrame(pd.concat([pool, places], ignore_index=True))


def make_roads(land: Land, value: Mapping[str, float]) -> pd.DataFrame:
    """List the road edges with their free-flow speeds.

    Parameters
    ----------
    land : Land
        Roads and residents.
    value : mapping of str to float
        The recipe's parameters.

    Returns
    -------
    DataFrame
        The ``roads`` table.
    """
    graph = land.graph
    density = land.cells.mean_nearby(land.residents) / CELL_KM2
    per_piece = density[np.searchsorted(land.cells.cell, land.pieces.cell)]
    num_edges = len(graph.length_km)
    along = np.bincount(land.pieces.edge_idx, per_piece, num_edges) / np.bincount(
        land.pieces.edge_idx, minlength=num_edges
    )
    rule = SpeedRule(**{name: value[name] for name in SpeedRule.__dataclass_fields__})
    return pd.DataFrame(
        {
            "from_node": _int32(graph.node_id[graph.from_idx]),
            "to_node": _int32(graph.node_id[graph.to_idx]),
            "length_km": graph.length_km,
            "speed_kmh": edge_speed_kmh(along, graph.length_km, rule),
        }
    )


def make_road_nodes(graph: RoadGraph) -> pd.DataFrame:
    """List the junctions.

    Parameters
    ----------
    graph : RoadGraph
        The roads.

    Returns
    -------
    DataFrame
        The ``road_nodes`` table.
    """
    return pd.DataFrame({"node_id": _int32(graph.node_id), "lon": graph.lon, "lat": graph.lat})


def _int32(ids: IntArray) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    return ids.astype(np.int32)
