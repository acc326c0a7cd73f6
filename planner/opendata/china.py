"""Recipe of the instance china-140: from open data to an instance folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from h3.api import basic_int

from planner.geodesy import to_sphere_km
from planner.opendata.assumptions import list_assumptions
from planner.opendata.attribution import format_sources
from planner.opendata.candidates import CandidateRule, choose_candidates
from planner.opendata.cells import (
    CELL_KM2,
    RoadCells,
    RoadPieces,
    cells_of_points,
    cut_edges,
    find_road_cells,
)
from planner.opendata.country import MARKET, Count, cut_out_country, find_discs, share_out_cells
from planner.opendata.facts import MONTHS, Facts, read_facts
from planner.opendata.fleet import share_fleet
from planner.opendata.highways import (
    RoadGraph,
    parse_highways,
)
from planner.opendata.parameters import COPIED_TABLES, read_parameters, read_table
from planner.opendata.places import Places, parse_places, place_density
from planner.opendata.sources import HIGHWAYS, PLACES, read_source
from planner.opendata.speeds import SpeedRule, edge_speed_kmh
from planner.opendata.spread import round_to_total, spread_residents
from planner.opendata.writing import write_csv, write_parquet
from planner.problem import FloatArray, IntArray

HOUSEHOLD_STEP = 0.1
"""Households of a zone are rounded to this."""


@dataclass(frozen=True)
class _Land:
    """What roads and territory give, for the whole country.

    ``county_idx`` is -1 where a cell belongs to no county.
    """

    graph: RoadGraph
    pieces: RoadPieces
    cells: RoadCells
    county_idx: IntArray
    residents: FloatArray


def build_china_140(out_dir: Path, *, on_progress: Callable[[str], None]) -> None:
    """Build all tables of the instance china-140, but for its ``scenario.toml``.

    Deterministic: the same recipe and library versions give the same bytes.

    Parameters
    ----------
    out_dir : path
        Folder to write into; made if missing, tables in it are replaced.
    on_progress : callable
        Told what is being done, one line at a time.

    Raises
    ------
    InputError
        If the packages of the extra ``opendata`` are missing or of another version.
    """
    parameters = read_parameters()
    value = {name: parameter.value for name, parameter in parameters.items()}
    on_progress("reading the census, climate and parameter tables")
    facts = read_facts(round(value["num_cities"]), value["unknown_county_area_km2"])
    on_progress("reading the places of the world")
    places = parse_places(read_source(PLACES))
    on_progress("reading the highways of the world")
    world = parse_highways(read_source(HIGHWAYS))
    on_progress("telling territories apart")
    discs = find_discs(facts.counties, places, value["foreign_place_area_km2"])
    graph, counts = cut_out_country(world, discs, len(facts.counties), places, value)
    on_progress("cutting roads into pieces and finding their cells")
    pieces = cut_edges(graph, value["piece_km"])
    cells = find_road_cells(pieces)
    county_idx = share_out_cells(discs, cells, facts.counties, value)
    on_progress("spreading people over cells")
    residents = _spread(facts, places, cells, county_idx, value)
    land = _Land(graph, pieces, cells, county_idx, residents)
    zones = _make_zones(facts, land)
    on_progress("choosing candidate sites")
    sites = _make_sites(facts, land, zones, value)
    cities = _make_cities(facts, value)
    on_progress("writing the tables")
    out_dir.mkdir(parents=True, exist_ok=True)
    write_csv(cities, out_dir, "cities")
    write_csv(_make_climate(facts.cities), out_dir, "climate")
    for name in COPIED_TABLES:
        write_csv(read_table(name), out_dir, name)
    write_parquet(zones, out_dir, "zones")
    write_parquet(sites, out_dir, "sites")
    roads = _make_roads(land, value)
    write_parquet(roads, out_dir, "roads")
    write_parquet(
        pd.DataFrame({"node_id": _int32(graph.node_id), "lon": graph.lon, "lat": graph.lat}),
        out_dir,
        "road_nodes",
    )
    counts += _count_spread(facts, land, zones, value)
    write_csv(list_assumptions(parameters, facts, counts), out_dir, "assumptions")
    sizes = {
        "num_cities": len(cities),
        "num_zones": len(zones),
        "num_sites": len(sites),
        "num_nodes": len(graph.node_id),
        "num_edges": len(roads),
        "num_vehicles": int(cities.filter(like="vehicles_").to_numpy().sum()),
    }
    (out_dir / "SOURCES.md").write_text(format_sources(sizes), encoding="utf-8", newline="\n")
    on_progress(", ".join(f"{size} {name[4:]}" for name, size in sizes.items()))


def _spread(
    facts: Facts, places: Places, cells: RoadCells, county_idx: IntArray, value: dict[str, float]
) -> FloatArray:
    """Residents of each cell, 0 outside the counties."""
    home = places.where(places.country_code == MARKET)
    home = Places(
        home.lon,
        home.lat,
        np.where(home.residents > 0, home.residents, value["unlisted_place_residents"]),
        home.country_code,
    )
    inside = county_idx >= 0
    density = place_density(
        cells.lon[inside],
        cells.lat[inside],
        home,
        footprint_residents_per_km2=value["footprint_residents_per_km2"],
        min_decay_km=value["min_decay_km"],
        max_decay_km=value["max_decay_km"],
    )
    road_km_nearby = cells.mean_nearby(cells.road_km)[inside]
    residents = np.zeros(len(cells.cell))
    residents[inside] = spread_residents(
        county_idx[inside],
        facts.counties["residents"].to_numpy(dtype=np.float64),
        facts.counties["urban_frac"].to_numpy(dtype=np.float64),
        density * road_km_nearby,
        road_km_nearby,
        value["max_residents_per_km2"] * CELL_KM2,
    )
    return residents


def _make_zones(facts: Facts, land: _Land) -> pd.DataFrame:
    counties = facts.counties
    planned = counties["planned"].to_numpy()
    chosen = np.flatnonzero((land.county_idx >= 0) & planned[land.county_idx])
    county_idx = land.county_idx[chosen]
    per_county = np.bincount(county_idx, land.residents[chosen], len(counties))
    share = land.residents[chosen] / per_county[county_idx]
    households = counties["car_owning_households"].to_numpy()[county_idx] * share
    cells = land.cells.cell[chosen]
    return pd.DataFrame(
        {
            "zone_id": [basic_int.int_to_str(cell) for cell in cells.tolist()],
            "city_id": counties["city_id"].to_numpy()[county_idx],
            "county_id": counties["county_id"].to_numpy()[county_idx],
            "car_owning_households": round_to_total(households, county_idx, HOUSEHOLD_STEP),
        }
    )


def _make_sites(
    facts: Facts, land: _Land, zones: pd.DataFrame, value: dict[str, float]
) -> pd.DataFrame:
    rule = CandidateRule(
        max_sites=round(value["max_sites_per_city"]),
        reach_km=value["reach_km"],
        reach_enough_frac=value["reach_enough_frac"],
        spacing_km=value["spacing_km"],
    )
    zone_cell = np.array([int(zone, 16) for zone in zones["zone_id"]], dtype=np.int64)
    zone_idx = np.searchsorted(land.cells.cell, zone_cell)
    pool = _pool_of_sites(land)
    pool = pool[np.isin(pool["cell_idx"], zone_idx)]
    city_of_cell = pd.Series(zones["city_id"].to_numpy(), index=zone_idx)
    pool = pool.assign(city_id=city_of_cell.reindex(pool["cell_idx"]).to_numpy())
    centres_km = to_sphere_km(land.cells.lon[zone_idx], land.cells.lat[zone_idx])
    households = np.round(zones["car_owning_households"].to_numpy() / HOUSEHOLD_STEP)
    parts = []
    for city_id in facts.cities["city_id"]:
        places = pool[pool["city_id"] == city_id]
        here = (zones["city_id"] == city_id).to_numpy()
        chosen = choose_candidates(
            to_sphere_km(places["lon"], places["lat"]),
            centres_km[here],
            households[here].astype(np.int64),
            rule,
        )
        parts.append(places.iloc[chosen])
    sites = pd.concat(parts, ignore_index=True)
    cell_text = [basic_int.int_to_str(cell) for cell in land.cells.cell[sites["cell_idx"]].tolist()]
    return pd.DataFrame(
        {
            "site_id": sites["city_id"] + "-" + pd.Series(cell_text),
            "city_id": sites["city_id"],
            "lon": sites["lon"],
            "lat": sites["lat"],
            "kind": sites["kind"],
            "status": "candidate",
        }
    )


def _pool_of_sites(land: _Land) -> pd.DataFrame:
    """One point per road-bearing cell: a junction if it holds one, else a point of an edge.

    Of several the one nearest to the cell's centre is taken.
    """
    graph, pieces, cells = land.graph, land.pieces, land.cells
    kind = np.repeat(["road_node", "road_edge"], [len(graph.lon), len(pieces.lon)])
    lon = np.concatenate([graph.lon, pieces.lon])
    lat = np.concatenate([graph.lat, pieces.lat])
    cell = np.concatenate([cells_of_points(graph.lon, graph.lat), pieces.cell])
    cell_idx = np.minimum(np.searchsorted(cells.cell, cell), len(cells.cell) - 1)
    centre_km = to_sphere_km(cells.lon[cell_idx], cells.lat[cell_idx])
    away_km = np.linalg.norm(to_sphere_km(lon, lat) - centre_km, axis=1)
    pool = pd.DataFrame(
        # Five decimals are a metre: the point still lies on its road.
        {"cell_idx": cell_idx, "kind": kind, "lon": lon.round(5), "lat": lat.round(5)}
    )
    pool = pool.assign(is_edge=kind == "road_edge", away_km=away_km.round(6))
    pool = pool[cells.cell[cell_idx] == cell]
    order = ["cell_idx", "is_edge", "away_km", "lon", "lat"]
    pool = pool.sort_values(order, ignore_index=True)
    return pd.DataFrame(pool.drop_duplicates("cell_idx"))


def _make_cities(facts: Facts, value: dict[str, float]) -> pd.DataFrame:
    cities, counties = facts.cities, facts.counties
    provinces = read_table("provinces").set_index("code")
    code = cities["city_id"].str[:2]
    in_plan = counties[counties["planned"]]
    households = in_plan.groupby("city_id")["car_owning_households"].sum()
    fleet = share_fleet(
        value["num_stations"] * value["vehicles_per_station"],
        value["taxi_frac"],
        value["ride_hailing_frac"],
        households.reindex(cities["city_id"]).to_numpy(),
        cities["urban_population_2020"].to_numpy(dtype=np.float64),
        code.map(provinces["nev_sales_frac"]).to_numpy(dtype=np.float64),
    )
    suspect = cities["station_suspect"]
    from_station = (
        "station "
        + cities["station_name"]
        + " ("
        + cities["station_km"].map("{:.0f}".format)
        + " km away), 99 % of hours warmer, Climate.OneBuilding.Org"
    )
    from_fit = "INF: 1.066 x mean of the coldest month - 7.56; the nearest station is implausible"
    return pd.DataFrame(
        {
            "city_id": cities["city_id"],
            "name_en": cities["name_en"],
            "name_zh": cities["name_zh"],
            "province": code.map(provinces["name_en"]),
            "market": MARKET,
            "lon": cities["lon"],
            "lat": cities["lat"],
            "population": cities["population_2020"].astype(np.int64),
            "winter_design_c": cities["winter_design_c_fit"].where(
                suspect, cities["winter_design_c_station"]
            ),
            "winter_design_source": from_station.where(~suspect, from_fit),
            **{
                f"vehicles_{segment}": vehicles.astype(np.int64)
                for segment, vehicles in fleet.items()
            },
        }
    )


def _make_climate(cities: pd.DataFrame) -> pd.DataFrame:
    by_month = cities.melt("city_id", list(MONTHS), "month", "mean_c")
    by_month["month"] = by_month["month"].map({name: i for i, name in enumerate(MONTHS, start=1)})
    return by_month.assign(
        source="M: ERA5 monthly mean 2000-2025 at the city's seat, Copernicus C3S"
    )


def _make_roads(land: _Land, value: dict[str, float]) -> pd.DataFrame:
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


def _int32(ids: IntArray) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    return ids.astype(np.int32)


def _count_spread(
    facts: Facts, land: _Land, zones: pd.DataFrame, value: dict[str, float]
) -> list[Count]:
    """What the spread could not keep to."""
    counties = facts.counties
    inside = land.county_idx >= 0
    num_cells = np.bincount(land.county_idx[inside], minlength=len(counties))
    room = num_cells * value["max_residents_per_km2"] * CELL_KM2
    planned = counties["planned"].to_numpy()
    crowded = planned & (counties["residents"].to_numpy() > room)
    names = counties["county_id"] + " " + counties["name_zh"]
    peak = zones["car_owning_households"].max() / CELL_KM2
    return [
        (
            "counties with more residents than their cells may hold",
            ", ".join(names[crowded]) or "none",
            "spread evenly over the county's cells, above the stated density",
        ),
        (
            "densest zone",
            f"{peak:.0f} car-owning households/km2",
            "result of the spread; for judging it",
        ),
    ]
