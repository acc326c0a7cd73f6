"""From a recipe to an instance folder: any region, from places, highways, climate and facts."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from planner.arrays import IntArray
from planner.errors import Fault, InputError
from planner.geodesy import to_sphere_km
from planner.instance.notes import Note
from planner.instance.tables import SEGMENTS, TABLES, quarters_between
from planner.opendata.adoption import make_pack_stock
from planner.opendata.anywhere.cities import (
    add_climate,
    choose_cities,
    correct_entries,
    keep_named,
    nearest_climate,
    trust_stations,
)
from planner.opendata.anywhere.ground import Ground, box_around, find_ground, in_box
from planner.opendata.anywhere.joints import (
    Joints,
    chain,
    close_gaps,
    find_links,
    join_graph,
    mend_detours,
)
from planner.opendata.anywhere.knowledge import Knowledge
from planner.opendata.anywhere.markets import find_countries
from planner.opendata.anywhere.record import Built, format_sources, list_assumptions
from planner.opendata.anywhere.scenario import write_scenario
from planner.opendata.anywhere.streets import Streets, keep_mapped_people, read_streets
from planner.opendata.cells import cut_edges, find_road_cells
from planner.opendata.climate import MONTHS, make_climate
from planner.opendata.dry import leave_water
from planner.opendata.fleet import share_fleet
from planner.opendata.highways import (
    RoadGraph,
    detour_ratio,
    keep_edges,
    keep_nodes,
    label_components,
    parse_highways,
)
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
from planner.opendata.parameters import COPIED_TABLES
from planner.opendata.people_grid import GridInput, People
from planner.opendata.places import Places, read_entries, to_places
from planner.opendata.population import people_from
from planner.opendata.recipe import Level, Recipe
from planner.opendata.sources import HIGHWAYS, PLACES, read_source
from planner.opendata.spread import round_to_total
from planner.opendata.territory import PowerDiagram
from planner.opendata.writing import write_csv, write_parquet

Value = Mapping[str, float]
CLIMATE_COLUMNS = (
    "geonames_id", *MONTHS, "winter_design_c_station", "station_name", "station_km",
)  # fmt: skip
NO_CELLS = np.zeros(0, dtype=np.int64)
NO_JOINTS = Joints(NO_CELLS, NO_CELLS, np.zeros(0), np.zeros(0))
LINK_COLUMNS = ("from_lon", "from_lat", "to_lon", "to_lat", "length_km", "speed_kmh")


def build_region(
    recipe: Recipe,
    out_dir: Path,
    *,
    data_dir: Path | None = None,
    level: Level = "offline",
    on_progress: Callable[[str], None],
) -> None:
    """Build all tables of an instance, and a ``scenario.toml`` if there is none.

    Deterministic: the same recipe, files and library versions give the same bytes.

    Parameters
    ----------
    recipe : Recipe
        What is asked for.
    out_dir : path
        Folder to write into; made if missing, tables in it are replaced.
    data_dir : path or None
        Folder of the recipe's own files.
    level : {"offline", "grid", "full"}
        What is built from, see `planner.opendata.build.build_instance`.
    on_progress : callable
        Told what is being done, one line at a time.

    Raises
    ------
    InputError
        If the packages of the extra ``opendata`` are missing or of another version, the region
        holds no city or no road, or a city has no climate.
    """
    known = Knowledge(recipe, data_dir)
    _refuse_missing(recipe, level)
    parameters = known.parameters()
    value = {name: parameter.value for name, parameter in parameters.items()}
    ground = find_ground(recipe.region, data_dir)
    on_progress("reading the places of the world and choosing cities")
    corrections = known.facts("places", ["geonames_id", "residents"])
    entries = correct_entries(read_entries(read_source(PLACES)), corrections)
    places = to_places(entries)
    is_home = ground.holds(places)
    found = choose_cities(
        [entry for entry, inside in zip(entries, is_home.tolist(), strict=True) if inside],
        value["min_residents"],
        value["catchment_residents_per_km2"],
        value["min_catchment_km"],
    )
    found = keep_named(found, recipe.cities.names)
    found = add_climate(found, _find_climate(known, found, entries, value), value)
    home = places.where(is_home & (places.residents > 0))
    streets = None
    notes: tuple[Note, ...] = ()
    if level == "full":
        on_progress("reading the streets of the extract")
        streets = _read_streets(recipe, data_dir)
        if recipe.people is None:
            found, notes = keep_mapped_people(found, home, streets, value)
        graph, joints, left_out = streets.graph, NO_JOINTS, _nothing(streets.graph)
    else:
        on_progress("reading the highways of the world")
        margin = value.get("region_margin_degrees", 0.0)
        box = tuple(recipe.region.box) or box_around(places.where(is_home), margin)
        graph = _cut_out(parse_highways(read_source(HIGHWAYS)), places, ground, box)
        graph = keep_edges(graph, detour_ratio(graph) <= value["max_detour_ratio"])
        on_progress("joining road networks across bridges and ferries")
        links = known.facts("links", list(LINK_COLUMNS))
        graph, joints, left_out = _join(graph, links, value)
    on_progress("spreading people over cells")
    off_ground = NO_CELLS if streets is None else streets.places.bridge_cells
    land = _settle(graph, found, home, value, off_ground)
    people = None if level == "offline" else _count_people(recipe, data_dir, land)
    if people is not None:
        found, land = _settle_counted(found, land, people)
    found, roadless, land = _drop_roadless(found, land)
    zones = _make_zones(found, land, value)
    on_progress("choosing candidate sites")
    of_extract = None if streets is None else streets.places
    sites = make_sites(land, zones, found["city_id"], value, of_extract)
    countries = find_countries(known, found["country_code"])
    cities = _make_cities(found, countries, value)
    quarters = quarters_between(recipe.horizon.first_quarter, recipe.horizon.last_quarter)
    ramps = _find_ramps(known, cities["market"].unique(), quarters)
    adoption = _make_adoption(cities, ramps, quarters)
    vehicles = _make_vehicles(known)
    on_progress("writing the tables")
    out_dir.mkdir(parents=True, exist_ok=True)
    write_csv(cities, out_dir, "cities")
    write_csv(make_climate(found, _climate_source(found), value), out_dir, "climate")
    write_csv(adoption, out_dir, "adoption")
    stock = _make_pack_stock(cities, adoption, quarters[0], vehicles, value)
    write_csv(stock, out_dir, "pack_stock")
    fleet = float(cities.filter(like="vehicles_").to_numpy().sum())
    traded = market_tables(
        known.table, set(cities["market"]), fleet, value["swap_vehicles_elsewhere"]
    )
    gates = traded["gates"]
    copied = {name: known.table(name) for name in COPIED_TABLES}
    for name, table in (copied | traded | {"vehicles": vehicles}).items():
        write_csv(table, out_dir, name)
    if known.has("gate_variants"):
        for variant, rows in _vary_gates(gates, known.table("gate_variants")):
            write_csv(rows, out_dir, "gates", variant)
    write_parquet(zones, out_dir, "zones")
    write_parquet(sites, out_dir, "sites")
    if streets is None:
        roads, nodes = _add_joints(make_roads(land, value), graph, joints), make_road_nodes(graph)
    else:
        roads, nodes = streets.tables.roads, streets.tables.road_nodes
    write_parquet(roads, out_dir, "roads")
    write_parquet(nodes, out_dir, "road_nodes")
    notes = (
        *notes,
        *(() if people is None else people.notes),
        *(() if streets is None else streets.tables.notes),
    )
    is_mapped = streets is not None
    built = Built(
        found, roadless, zones, countries, gates, ramps, land, joints, left_out, notes, is_mapped
    )
    write_csv(list_assumptions(known, parameters, built), out_dir, "assumptions")
    sizes = {
        "num_cities": len(cities),
        "num_zones": len(zones),
        "num_sites": len(sites),
        "num_nodes": len(graph.node_id),
        "num_edges": len(roads),
        "num_vehicles": int(cities.filter(like="vehicles_").to_numpy().sum()),
    }
    sources = format_sources(known, built, sizes)
    (out_dir / "SOURCES.md").write_text(sources, encoding="utf-8", newline="\n")
    if not recipe.facts:
        write_scenario(known, built, value, out_dir)
    on_progress(", ".join(f"{size} {name[4:]}" for name, size in sizes.items()))


def _refuse_missing(recipe: Recipe, level: Level) -> None:
    needed = {"grid": "people", "full": "streets"}.get(level)
    if needed is not None and needed not in recipe.files:
        remedy = f"--level {level} needs it: planner build-instance RECIPE --downloads"
        raise InputError([Fault("recipe", None, needed, "", remedy)])


def _find_climate(
    known: Knowledge, cities: pd.DataFrame, entries: list[dict[str, Any]], value: Value
) -> pd.DataFrame:
    """The facts' climate of each city, or that of the nearest listed place."""
    climate = known.facts("climate", list(CLIMATE_COLUMNS))
    if "max_climate_km" not in value:
        return climate
    return nearest_climate(cities, trust_stations(climate, value), entries, value["max_climate_km"])


def _cut_out(world: RoadGraph, places: Places, ground: Ground, box: tuple[float, ...]) -> RoadGraph:
    """Keep the junctions whose nearest named place lies in the region."""
    world = keep_nodes(world, in_box(box, world.lon, world.lat))
    near = places.where(in_box(box, places.lon, places.lat))
    if not len(world.lon) or not len(near.lon):
        remedy = "no road of the world highways lies there; is the region right?"
        raise InputError([Fault("recipe", None, "region", "", remedy)])
    _, place_idx = KDTree(to_sphere_km(near.lon, near.lat)).query(
        to_sphere_km(world.lon, world.lat)
    )
    inside = ground.holds(near)[place_idx]
    if not inside.any():
        remedy = "no road of the world highways lies there; streets of an .osm.pbf are needed"
        raise InputError([Fault("recipe", None, "region", "", remedy)])
    return keep_nodes(world, inside)


def _join(
    graph: RoadGraph, known_links: pd.DataFrame, value: Value
) -> tuple[RoadGraph, Joints, RoadGraph]:
    """Join networks; of what is then apart, small networks are left out and returned last.

    Without ``min_component_nodes`` the largest network alone is kept.
    """
    how = (value["joint_detour_frac"], value["joint_speed_kmh"])
    links = find_links(graph, known_links)
    gaps = close_gaps(join_graph(graph, links), value["max_gap_km"], *how)
    joints = chain(links, gaps)
    component_idx, num_nodes = label_components(join_graph(graph, joints))
    enough = num_nodes >= value.get("min_component_nodes", math.inf)
    enough[0] = True
    kept = enough[component_idx]
    new_idx = np.cumsum(kept) - 1
    inside = kept[joints.from_idx]
    joints = Joints(
        new_idx[joints.from_idx[inside]],
        new_idx[joints.to_idx[inside]],
        joints.length_km[inside],
        joints.speed_kmh[inside],
    )
    main = keep_nodes(graph, kept)
    mended = mend_detours(
        join_graph(main, joints), value["max_mend_km"], value["min_detour_km"], *how
    )
    return main, chain(joints, mended), keep_nodes(graph, ~kept)


def _settle(
    graph: RoadGraph, cities: pd.DataFrame, home: Places, value: Value, off_ground: IntArray
) -> Land:
    """Find the cells on or next to a road, their city, and their people.

    Joints carry no cells: nobody lives on a ferry, nor where bridges and tunnels alone pass.
    """
    pieces = cut_edges(graph, value["piece_km"])
    cells = find_road_cells(pieces)
    residents = cities["residents"].to_numpy(dtype=np.float64)
    diagram = PowerDiagram(*(cities[name].to_numpy() for name in ("lon", "lat", "area_km2")))
    city_idx, power_km2 = diagram.assign(cells.lon, cells.lat)
    owner_idx = np.where(power_km2 < 0, city_idx, -1)
    owner_idx[np.isin(cells.cell, off_ground)] = -1
    if "shore_km" in value:
        owner_idx = leave_water(owner_idx, cells.lon, cells.lat, value["shore_km"])
    urban_frac = np.full(len(residents), value["urban_frac"])
    people = spread_people(cells, owner_idx, residents, urban_frac, home, value, by_roads=False)
    return Land(graph, pieces, cells, owner_idx, people)


def _make_zones(cities: pd.DataFrame, land: Land, value: Value) -> pd.DataFrame:
    chosen = np.flatnonzero(land.owner_idx >= 0)
    city_idx = land.owner_idx[chosen]
    households = land.residents[chosen] * value["car_owning_households_per_resident"]
    owning = round_to_total(households, city_idx, HOUSEHOLD_STEP)
    return pd.DataFrame(
        {
            "zone_id": cell_texts(land.cells.cell[chosen]),
            "city_id": cities["city_id"].to_numpy()[city_idx],
            "car_owning_households": owning,
            "commercial_weight": commercial_weight(land, chosen, owning),
        }
    )


def _read_streets(recipe: Recipe, data_dir: Path | None) -> Streets:
    said = recipe.files["streets"]
    return read_streets((data_dir or Path()) / said.file)


def _nothing(graph: RoadGraph) -> RoadGraph:
    """No road of the graph."""
    return keep_nodes(graph, np.zeros(len(graph.node_id), dtype=np.bool_))


def _count_people(recipe: Recipe, data_dir: Path | None, land: Land) -> People | None:
    """People of the recipe's grid in the cities' cells; None if it names no grid."""
    said = recipe.people
    if said is None:
        return None
    grid = GridInput((data_dir or Path()) / said.file, said.field, said.layer, said.crs)
    return people_from(grid, land.cells.cell[land.owner_idx >= 0])


def _settle_counted(cities: pd.DataFrame, land: Land, people: People) -> tuple[pd.DataFrame, Land]:
    """Put counted people in place of those that a model spread, in cells and in cities."""
    inside = land.owner_idx >= 0
    residents = np.zeros(len(land.cells.cell))
    residents[inside] = people.residents
    counted = np.bincount(land.owner_idx[inside], people.residents, len(cities))
    return cities.assign(residents=counted), replace(land, residents=residents)


def _drop_roadless(cities: pd.DataFrame, land: Land) -> tuple[pd.DataFrame, list[str], Land]:
    """Leave out cities without people on or next to a mapped road; their names come second."""
    inside = land.owner_idx >= 0
    stays = np.bincount(land.owner_idx[inside], land.residents[inside], len(cities)) > 0
    if not stays.any():
        remedy = "no city lies on a mapped road; streets of an .osm.pbf are needed"
        raise InputError([Fault("recipe", None, "region", "", remedy)])
    new_idx = np.where(stays, np.cumsum(stays) - 1, -1)
    owner_idx = np.where(land.owner_idx >= 0, new_idx[land.owner_idx], -1)
    roadless = cities.loc[~stays, "name_en"].tolist()
    return cities[stays].reset_index(drop=True), roadless, replace(land, owner_idx=owner_idx)


def _make_cities(found: pd.DataFrame, countries: pd.DataFrame, value: Value) -> pd.DataFrame:
    residents = found["residents"].to_numpy(dtype=np.float64)
    bev_sales_frac = found["country_code"].map(countries["bev_sales_frac"])
    weight = bev_sales_frac.to_numpy(dtype=np.float64)
    fleet = share_fleet(
        value["num_stations"] * value["vehicles_per_station"],
        value["taxi_frac"],
        value["ride_hailing_frac"],
        residents * (weight if np.isfinite(weight).all() else 1.0),
    )
    return pd.DataFrame(
        {
            "city_id": found["city_id"],
            "name_en": found["name_en"],
            "province": found["country_code"].map(countries["name_en"]),
            "market": found["country_code"].map(countries["market"]),
            "lon": found["lon"],
            "lat": found["lat"],
            "population": residents.astype(np.int64),
            "winter_design_c": found["winter_design_c"],
            "winter_design_source": found["winter_design_source"],
            **{f"vehicles_{segment}": fleet[segment].astype(np.int64) for segment in SEGMENTS},
        }
    )


def _climate_source(found: pd.DataFrame) -> "pd.Series[str]":
    shift_c = found["relief_shift_c"]
    source = "M: ERA5 monthly mean 2000-2025 at the city's centre, Copernicus C3S"
    shifted = source + ", raised by " + shift_c.map("{:g}".format) + " C for relief (INF)"
    return shifted.where(shift_c != 0, source)


def _find_ramps(known: Knowledge, markets: Iterable[str], quarters: Sequence[str]) -> pd.DataFrame:
    """Each market's ramps; rows without a market hold for those without rows of their own."""
    ramps = known.table("adoption")
    ramps["full_quarter"] = ramps["full_quarter"].replace("", quarters[-1])
    everywhere = ramps[ramps["market"] == ""]
    own = ramps[ramps["market"].isin(list(markets))]
    others = [market for market in sorted(markets) if market not in set(own["market"])]
    return pd.concat([own, *(everywhere.assign(market=market) for market in others)])


def _make_adoption(
    cities: pd.DataFrame, ramps: pd.DataFrame, quarters: Sequence[str]
) -> pd.DataFrame:
    """Straight ramps from the first quarter's share to all vehicles."""
    elapsed = pd.Series({name: i for i, name in enumerate(quarters)}, name="elapsed")
    named = elapsed.rename_axis("quarter").reset_index()
    rows = ramps.drop(columns="source").merge(named, how="cross")
    first_frac = rows["first_frac"].astype(np.float64)
    # A ramp that is full in the first quarter is full from the start.
    full = rows["full_quarter"].map(elapsed).clip(lower=0.5)
    done_frac = (rows["elapsed"] / full).clip(upper=1)
    rows["swap_capable_frac"] = (first_frac + (1 - first_frac) * done_frac).round(3)
    by_city = cities[["city_id", "market"]].merge(rows, on="market")
    return by_city[["city_id", "segment", "quarter", "swap_capable_frac"]]


def _make_pack_stock(
    cities: pd.DataFrame,
    adoption: pd.DataFrame,
    first_quarter: str,
    vehicles: pd.DataFrame,
    value: Value,
) -> pd.DataFrame:
    """Packs of the vehicles that can swap from the start, and some on the stations' shelves."""
    first = adoption[adoption["quarter"] == first_quarter]
    share = first.pivot_table("swap_capable_frac", "city_id", "segment").loc[cities["city_id"]]
    return make_pack_stock(
        cities["city_id"],
        {
            segment: cities[f"vehicles_{segment}"].to_numpy() * share[segment].to_numpy()
            for segment in SEGMENTS
        },
        vehicles,
        1 + value["spare_packs_frac"],
    )


def _make_vehicles(known: Knowledge) -> pd.DataFrame:
    """The vehicles of every recipe, driven as far as people drive here where that is known."""
    vehicles = known.table("vehicles")
    if not known.has("km_per_day"):
        return vehicles
    driven = known.table("km_per_day").set_index("segment").loc[vehicles["segment"]]
    return vehicles.assign(
        km_per_day=driven["km_per_day"].to_numpy(),
        source=vehicles["source"] + "; here km per day " + driven["source"].to_numpy(),
    )


def _vary_gates(gates: pd.DataFrame, changes: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """For each named variant the gates, with the variant's rows in place of theirs."""
    key = TABLES["gates"].key_in(gates.columns)
    gates = gates.set_index(key)
    variants = []
    for variant, rows in changes.groupby("variant"):
        changed = gates.copy()
        replaced = rows.drop(columns="variant").set_index(key)
        changed.loc[replaced.index] = replaced[changed.columns]
        variants.append((str(variant), changed.reset_index()))
    return variants


def _add_joints(roads: pd.DataFrame, graph: RoadGraph, joints: Joints) -> pd.DataFrame:
    added = pd.DataFrame(
        {
            "from_node": graph.node_id[joints.from_idx].astype(np.int32),
            "to_node": graph.node_id[joints.to_idx].astype(np.int32),
            "length_km": joints.length_km,
            "speed_kmh": joints.speed_kmh,
        }
    )
    return pd.concat([roads, added], ignore_index=True)
