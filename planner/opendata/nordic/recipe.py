"""Recipe of the instance nordic-export: Norway, Sweden, Finland and Denmark from open data."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.geodesy import to_sphere_km
from planner.instance.tables import SEGMENTS, quarters_between
from planner.opendata.adoption import make_pack_stock
from planner.opendata.cells import CELL_KM2, RoadCells, cut_edges, find_road_cells
from planner.opendata.climate import make_climate
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
)
from planner.opendata.nordic.cities import (
    add_climate,
    choose_cities,
    correct_entries,
    read_nordic_facts,
)
from planner.opendata.nordic.joints import (
    Joints,
    chain,
    close_gaps,
    find_links,
    join_graph,
    mend_detours,
)
from planner.opendata.nordic.record import format_sources, list_assumptions
from planner.opendata.parameters import COPIED_TABLES, read_parameters, read_table
from planner.opendata.places import Places, place_density, read_entries, to_places
from planner.opendata.sources import HIGHWAYS, PLACES, read_source
from planner.opendata.spread import round_to_total, spread_residents
from planner.opendata.territory import PowerDiagram
from planner.opendata.writing import write_csv, write_parquet

RECIPE = "nordic"
QUARTERS = quarters_between("2026Q4", "2028Q4")
"""The horizon, as in scenario.toml."""

Value = Mapping[str, float]


def build_nordic_export(out_dir: Path, *, on_progress: Callable[[str], None]) -> None:
    """Build all tables of the instance nordic-export, but for its ``scenario.toml``.

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
    parameters = read_parameters(RECIPE)
    value = {name: parameter.value for name, parameter in parameters.items()}
    countries = read_table("countries", RECIPE).set_index("code")
    on_progress("reading the places of the world and choosing cities")
    entries = correct_entries(read_entries(read_source(PLACES)), read_nordic_facts("places"))
    found = choose_cities(
        entries,
        set(countries.index),
        value["min_residents"],
        value["catchment_residents_per_km2"],
        value["min_catchment_km"],
    )
    fit = (value["winter_design_slope"], value["winter_design_intercept_c"])
    found = add_climate(found, read_nordic_facts("climate"), fit)
    places = to_places(entries)
    home = places.where(np.isin(places.country_code, countries.index) & (places.residents > 0))
    on_progress("reading the highways of the world")
    graph = _cut_out(parse_highways(read_source(HIGHWAYS)), places, countries.index)
    graph = keep_edges(graph, detour_ratio(graph) <= value["max_detour_ratio"])
    on_progress("joining road networks across bridges and ferries")
    graph, joints, left_out = _join(graph, value)
    on_progress("spreading people over cells")
    land = _settle(graph, found, home, value)
    zones = _make_zones(found, land, value)
    on_progress("choosing candidate sites")
    sites = make_sites(land, zones, found["city_id"], value)
    cities = _make_cities(found, countries, value)
    adoption = _make_adoption(cities)
    on_progress("writing the tables")
    out_dir.mkdir(parents=True, exist_ok=True)
    write_csv(cities, out_dir, "cities")
    write_csv(make_climate(found, _climate_source(found), value), out_dir, "climate")
    write_csv(adoption, out_dir, "adoption")
    write_csv(_make_pack_stock(cities, adoption, value), out_dir, "pack_stock")
    for name in COPIED_TABLES:
        table = _make_vehicles() if name == "vehicles" else read_table(name, RECIPE)
        write_csv(table, out_dir, name)
    for variant, gates in _vary_gates():
        write_csv(gates, out_dir, "gates", variant)
    write_parquet(zones, out_dir, "zones")
    write_parquet(sites, out_dir, "sites")
    roads = _add_joints(make_roads(land, value), graph, joints)
    write_parquet(roads, out_dir, "roads")
    write_parquet(make_road_nodes(graph), out_dir, "road_nodes")
    assumptions = list_assumptions(
        parameters, found, zones, joints, left_out, value["doubtful_design_difference_c"]
    )
    write_csv(assumptions, out_dir, "assumptions")
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


def _cut_out(world: RoadGraph, places: Places, country_codes: "pd.Index[str]") -> RoadGraph:
    """Keep the junctions whose nearest named place lies in one of the countries."""
    world = keep_nodes(world, _near_region(world.lon, world.lat))
    near = places.where(_near_region(places.lon, places.lat))
    _, place_idx = KDTree(to_sphere_km(near.lon, near.lat)).query(
        to_sphere_km(world.lon, world.lat)
    )
    return keep_nodes(world, np.isin(near.country_code[place_idx], country_codes))


def _near_region(lon: FloatArray, lat: FloatArray) -> BoolArray:
    """Whatever could lie in the four countries; Iceland, the Faroes and Svalbard do not."""
    return np.asarray((lon > 3) & (lon < 33) & (lat > 53) & (lat < 72))


def _join(graph: RoadGraph, value: Value) -> tuple[RoadGraph, Joints, RoadGraph]:
    """Join networks, and keep what is then connected; what is not is returned last."""
    how = (value["joint_detour_frac"], value["joint_speed_kmh"])
    links = find_links(graph, read_nordic_facts("links"))
    gaps = close_gaps(join_graph(graph, links), value["max_gap_km"], *how)
    joints = chain(links, gaps)
    component_idx, _ = label_components(join_graph(graph, joints))
    kept = component_idx == 0
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


def _settle(graph: RoadGraph, cities: pd.DataFrame, home: Places, value: Value) -> Land:
    """Find the cells on or next to a road, their city, and their people.

    Joints carry no cells: nobody lives on a ferry.
    """
    pieces = cut_edges(graph, value["piece_km"])
    cells = find_road_cells(pieces)
    residents = cities["residents"].to_numpy(dtype=np.float64)
    diagram = PowerDiagram(*(cities[name].to_numpy() for name in ("lon", "lat", "area_km2")))
    city_idx, power_km2 = diagram.assign(cells.lon, cells.lat)
    owner_idx = np.where(power_km2 < 0, city_idx, -1)
    return Land(graph, pieces, cells, owner_idx, _spread(cells, owner_idx, residents, home, value))


def _spread(
    cells: RoadCells, owner_idx: IntArray, residents: FloatArray, home: Places, value: Value
) -> FloatArray:
    """Residents of each cell, 0 outside the cities."""
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
        np.full(len(residents), value["urban_frac"]),
        density,
        road_km_nearby,
        value["max_residents_per_km2"] * CELL_KM2,
    )
    return spread


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


def _make_cities(found: pd.DataFrame, countries: pd.DataFrame, value: Value) -> pd.DataFrame:
    residents = found["residents"].to_numpy(dtype=np.float64)
    bev_sales_frac = found["country_code"].map(countries["bev_sales_frac"])
    fleet = share_fleet(
        value["num_stations"] * value["vehicles_per_station"],
        value["taxi_frac"],
        value["ride_hailing_frac"],
        residents * bev_sales_frac.to_numpy(dtype=np.float64),
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


def _make_adoption(cities: pd.DataFrame) -> pd.DataFrame:
    """Straight ramps from the first quarter's share to all vehicles."""
    ramps = read_table("adoption", RECIPE).drop(columns="source")
    elapsed = pd.Series({name: i for i, name in enumerate(QUARTERS)}, name="elapsed")
    rows = ramps.merge(elapsed.rename_axis("quarter").reset_index(), how="cross")
    first_frac = rows["first_frac"].astype(np.float64)
    done_frac = (rows["elapsed"] / rows["full_quarter"].map(elapsed)).clip(upper=1)
    rows["swap_capable_frac"] = (first_frac + (1 - first_frac) * done_frac).round(3)
    by_city = cities[["city_id", "market"]].merge(rows, on="market")
    return by_city[["city_id", "segment", "quarter", "swap_capable_frac"]]


def _make_pack_stock(cities: pd.DataFrame, adoption: pd.DataFrame, value: Value) -> pd.DataFrame:
    """Packs of the vehicles that can swap from the start, and some on the stations' shelves."""
    first = adoption[adoption["quarter"] == QUARTERS[0]]
    share = first.pivot_table("swap_capable_frac", "city_id", "segment").loc[cities["city_id"]]
    return make_pack_stock(
        cities["city_id"],
        {
            segment: cities[f"vehicles_{segment}"].to_numpy() * share[segment].to_numpy()
            for segment in SEGMENTS
        },
        _make_vehicles(),
        1 + value["spare_packs_frac"],
    )


def _make_vehicles() -> pd.DataFrame:
    """The vehicles of every recipe, driven as far as people drive here."""
    vehicles = read_table("vehicles")
    driven = read_table("km_per_day", RECIPE).set_index("segment").loc[vehicles["segment"]]
    return vehicles.assign(
        km_per_day=driven["km_per_day"].to_numpy(),
        source=vehicles["source"] + "; here km per day " + driven["source"].to_numpy(),
    )


def _vary_gates() -> list[tuple[str, pd.DataFrame]]:
    """For each named variant the gates, with the variant's rows in place of theirs."""
    key = ["market", "chemistry", "certificate"]
    gates = read_table("gates", RECIPE).set_index(key)
    variants = []
    for variant, rows in read_table("gate_variants", RECIPE).groupby("variant"):
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
