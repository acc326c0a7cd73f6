"""Recipe of the instance china-140: from open data to an instance folder."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray
from planner.instance.tables import SEGMENTS, quarters_between
from planner.opendata.adoption import make_adoption, make_pack_stock, station_ramp
from planner.opendata.assumptions import list_assumptions
from planner.opendata.attribution import format_sources
from planner.opendata.cells import CELL_KM2, RoadCells, cut_edges, find_road_cells
from planner.opendata.china.electric import electric_weight
from planner.opendata.china.facts import Facts, read_facts
from planner.opendata.climate import make_climate
from planner.opendata.country import MARKET, Count, cut_out_country, find_discs, share_out_cells
from planner.opendata.dry import leave_water
from planner.opendata.fleet import share_fleet, share_out
from planner.opendata.highways import parse_highways
from planner.opendata.land import (
    HOUSEHOLD_STEP,
    Land,
    cell_texts,
    commercial_weight,
    make_road_nodes,
    make_roads,
    make_sites,
    spread_people,
)
from planner.opendata.market_tables import market_tables
from planner.opendata.parameters import BRAND_TABLES, COPIED_TABLES, read_parameters, read_table
from planner.opendata.places import Places, parse_places
from planner.opendata.sources import HIGHWAYS, PLACES, read_source
from planner.opendata.spread import round_to_total
from planner.opendata.writing import write_csv, write_parquet

FIRST_QUARTER, TARGET_QUARTER, LAST_QUARTER = "2026Q4", "2027Q4", "2028Q4"
"""Of the table of swap vehicles; in the target quarter all stations of the target stand."""
KNOWN_QUARTER = "2026Q2"
"""Latest quarter at whose end the number of stations is known."""
CLIMATE_SOURCE = "M: ERA5 monthly mean 2000-2025 at the city's seat, Copernicus C3S"


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
    if "shore_km" in value:
        county_idx = leave_water(county_idx, cells.lon, cells.lat, value["shore_km"])
    on_progress("spreading people over cells")
    residents = _spread(facts, places, cells, county_idx, value)
    land = Land(graph, pieces, cells, county_idx, residents)
    zones = _make_zones(facts, land)
    on_progress("choosing candidate sites")
    sites = make_sites(land, zones, facts.cities["city_id"], value)
    weight = electric_weight(facts.cities["city_id"], value["charging_points"])
    cities, swap_vehicles = _make_cities(facts, weight, value)
    on_progress("writing the tables")
    out_dir.mkdir(parents=True, exist_ok=True)
    write_csv(cities, out_dir, "cities")
    era5 = pd.Series(CLIMATE_SOURCE, index=facts.cities.index)
    write_csv(make_climate(facts.cities, era5, value), out_dir, "climate")
    copied = {name: read_table(name) for name in (*COPIED_TABLES, *BRAND_TABLES)}
    for name, table in (copied | market_tables(read_table, {MARKET})).items():
        write_csv(table, out_dir, name)
    for name, table in _make_periods(cities, swap_vehicles, value).items():
        write_csv(table, out_dir, name)
    write_parquet(zones, out_dir, "zones")
    write_parquet(sites, out_dir, "sites")
    roads = make_roads(land, value)
    write_parquet(roads, out_dir, "roads")
    write_parquet(make_road_nodes(graph), out_dir, "road_nodes")
    counts += _count_spread(facts, land, zones, value)
    write_csv(list_assumptions(parameters, facts, counts), out_dir, "assumptions")
    sizes = {
        "num_cities": len(cities),
        "num_zones": len(zones),
        "num_sites": len(sites),
        "num_nodes": len(graph.node_id),
        "num_edges": len(roads),
        "num_vehicles": int(sum(vehicles.sum() for vehicles in swap_vehicles.values())),
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
    counties = facts.counties
    return spread_people(
        cells,
        county_idx,
        counties["residents"].to_numpy(dtype=np.float64),
        counties["urban_frac"].to_numpy(dtype=np.float64),
        home,
        value,
        by_roads=True,
    )


def _make_zones(facts: Facts, land: Land) -> pd.DataFrame:
    counties = facts.counties
    planned = counties["planned"].to_numpy()
    chosen = np.flatnonzero((land.owner_idx >= 0) & planned[land.owner_idx])
    county_idx = land.owner_idx[chosen]
    per_county = np.bincount(county_idx, land.residents[chosen], len(counties))
    share = land.residents[chosen] / per_county[county_idx]
    households = counties["car_owning_households"].to_numpy()[county_idx] * share
    owning = round_to_total(households, county_idx, HOUSEHOLD_STEP)
    return pd.DataFrame(
        {
            "zone_id": cell_texts(land.cells.cell[chosen]),
            "city_id": counties["city_id"].to_numpy()[county_idx],
            "county_id": counties["county_id"].to_numpy()[county_idx],
            "car_owning_households": owning,
            "commercial_weight": commercial_weight(land, chosen, owning),
        }
    )


def _make_cities(
    facts: Facts, weight: FloatArray, value: dict[str, float]
) -> tuple[pd.DataFrame, dict[str, FloatArray]]:
    """The table of cities, and the swap vehicles of the target quarter by segment."""
    cities, counties = facts.cities, facts.counties
    provinces = read_table("provinces").set_index("code")
    code = cities["city_id"].str[:2]
    in_plan = counties[counties["planned"]]
    owning = in_plan.groupby("city_id")["car_owning_households"].sum()
    fleet = share_fleet(
        value["num_stations"] * value["vehicles_per_station"],
        value["taxi_frac"],
        value["ride_hailing_frac"],
        weight,
    )
    vehicles = {
        "private": np.rint(owning.reindex(cities["city_id"]).to_numpy(dtype=np.float64)),
        "taxi": share_out(round(value["electric_taxis"]), weight),
        "ride_hailing": share_out(round(value["ride_hailing_cars"]), weight),
    }
    suspect = cities["station_suspect"]
    from_station = (
        "station "
        + cities["station_name"]
        + " ("
        + cities["station_km"].map("{:.0f}".format)
        + " km away), 99 % of hours warmer, Climate.OneBuilding.Org"
    )
    from_fit = "INF: 1.066 x mean of the coldest month - 7.56; the nearest station is implausible"
    frame = pd.DataFrame(
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
                f"vehicles_{segment}": count.astype(np.int64) for segment, count in vehicles.items()
            },
        }
    )
    return frame, fleet


def _make_periods(
    cities: pd.DataFrame, swap_vehicles: dict[str, FloatArray], value: dict[str, float]
) -> dict[str, pd.DataFrame]:
    """Swap vehicles grow with the stations; before the first quarter all have their LFP pack."""
    quarters = quarters_between(FIRST_QUARTER, LAST_QUARTER)
    start = (KNOWN_QUARTER, value["stations_known"])
    target = (TARGET_QUARTER, value["num_stations"])
    ramp = station_ramp(quarters, start, target) / value["num_stations"]
    before = quarters_between(KNOWN_QUARTER, FIRST_QUARTER)[-2]
    stations_before = float(station_ramp([before], start, target)[0])
    on_the_road = {
        segment: count * stations_before / value["num_stations"]
        for segment, count in swap_vehicles.items()
    }
    packs_per_vehicle = 1 + value["packs_per_station"] / value["vehicles_per_station"]
    vehicles = {segment: cities[f"vehicles_{segment}"].to_numpy(float) for segment in SEGMENTS}
    return {
        "adoption": make_adoption(cities["city_id"], vehicles, swap_vehicles, quarters, ramp),
        "pack_stock": make_pack_stock(
            cities["city_id"], on_the_road, read_table("vehicles"), packs_per_vehicle
        ),
    }


def _count_spread(
    facts: Facts, land: Land, zones: pd.DataFrame, value: dict[str, float]
) -> list[Count]:
    """What the spread could not keep to."""
    counties = facts.counties
    inside = land.owner_idx >= 0
    num_cells = np.bincount(land.owner_idx[inside], minlength=len(counties))
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
