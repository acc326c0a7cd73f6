"""A plan small enough to be written by hand: two cities, six zones, two stations."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from h3.api import basic_str

from planner.outputs.layers import RunContent, write_layers
from planner.outputs.run_folder import write_run
from planner.planning.result import Planned
from planner.plans import Evaluation
from tests.made_up_corridors import make_corridor_tables
from tests.made_up_futures import make_future_tables
from tests.made_up_phases import make_phase_tables, opening_quarters

collect_ignore = ["open_in_qgis.py"]  # needs the system's Python

RUN_INFO: dict[str, str | float | int] = {
    "name": "tiny",
    "title": "Tiny plan",
    "planning_quarter": "2027Q1",
    "seed": 7,
    "gap_frac": 0.004,
    "attribution": "© OpenStreetMap",
}
ASSUMPTIONS = pd.DataFrame(
    {"item": ["soak"], "value": ["-35 C"], "mark": ["AN"], "source": ["测量, by hand"]}
)


ALLOCATION = [("0", "s2", 1.0, 4.5), ("1", "s1", 1.0, 3.25), ("3", "s1", 0.75, 9.0),
              ("3", "s2", 0.25, 9.0)]  # fmt: skip
CANDIDATES = pd.DataFrame(
    {
        "site_id": ["s4", "s3"],
        "city_id": ["x1", "230100"],
        "lon": [126.70, 126.64],
        "lat": [45.80, 45.74],
        "kind": ["road_node", "road_node"],
        "site_status": ["forbidden", "candidate"],
        "reason": ["forbidden", "low_demand"],
        "explanation": ["forbidden in the sites table", "the 30.0 swaps/day ..."],
        "num_zones": [0, 2],
        "swaps_per_day": [0.0, 30.0],
        "unserved_swaps_per_day": [0.0, 30.0],
        "price_swaps_per_day": [40.0, 40.0],
        "main_site_id": [None, "s1"],
    }
)
CHEMISTRIES = pd.DataFrame(
    [
        ("lfp", "lithium iron phosphate", "LFP", "#0072b2"),
        ("nmc", "nickel manganese cobalt", "NMC", "#cc79a7"),
        ("sodium_ion", "sodium-ion", "sodium-ion", "#e69f00"),
    ],
    columns=["chemistry", "name", "nickname", "colour"],
)
ROAD_NODES = pd.DataFrame(
    {"node_id": [1, 2, 3, 4], "lon": [126.65, 126.70, 126.68, 126.60],
     "lat": [45.75, 45.80, 45.77, 45.72]}
)  # fmt: skip
ROADS = pd.DataFrame(
    {"from_node": [1, 2, 4], "to_node": [3, 3, 1], "length_km": [3.3, 3.8, 5.2],
     "speed_kmh": [50.0, 50.0, 30.0]}
)  # fmt: skip
STATION_TYPES = pd.DataFrame({"station_type_id": ["large", "small"], "bays": [30, 14]})


def harbin_cells() -> list[str]:
    return sorted(basic_str.grid_disk(basic_str.latlng_to_cell(45.75, 126.65, 8), 1))[:6]


def make_zones(zone_ids: list[str], lonlat: list[tuple[float, float]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "zone_id": zone_ids,
            "city_id": ["230100"] * 5 + ["x1"],
            "county_id": ["230102"] * 5 + [None],
            "lon": [lon for lon, _ in lonlat],
            "lat": [lat for _, lat in lonlat],
            "car_owning_households": [100.0, 200.0, 300.0, 50.0, 25.0, 0.0],
            "swaps_per_day": [10.0, 20.0, 30.0, 5.0, 2.5, 0.0],
            "peak_swaps_per_hour": [1.0, 2.0, 3.0, 0.5, 0.25, 0.0],
            "is_near": [True, False, False, True, False, False],
            "is_served": [True, True, False, True, False, False],
            "served_frac": [1.0, 1.0, 0.0, 1.0, 0.0, 0.0],
            "site_id": ["s2", "s1", None, "s1", None, None],
            "drive_min": [4.5, 3.25, np.nan, 9.0, np.nan, np.nan],
        }
    )


def make_evaluation(zones: pd.DataFrame) -> Evaluation:
    stations = pd.DataFrame(
        {
            "site_id": ["s1", "s2"],
            "city_id": ["230100", "230100"],
            "lon": [126.65, 126.66],
            "lat": [45.75, 45.76],
            "kind": ["road_node", "fuel_station"],
            "site_status": ["candidate", "existing"],
            "station_type_id": ["small", "large"],
            "bays": [14, 30],
            "grid_kw": [630.0, 1250.0],
            "num_zones": [2, 1],
            "car_owning_households": [250.0, 100.0],
            "swaps_per_day": [25.0, 10.0],
            "peak_swaps_per_hour": [2.5, 1.0],
            "capacity_swaps_per_hour": [11.0, 22.0],
            "utilisation_frac": [2.5 / 11, 1 / 22],
            "mean_drive_min": [4.4, 4.5],
            "capex_cny": [3.2e6, 5.1e6],
        }
    )
    cities = pd.DataFrame(
        {
            "city_id": ["230100", "x1"],
            "name_en": ["Harbin", "=cmd|'<script>"],
            "name_zh": ["哈尔滨", None],
            "province": ["Heilongjiang", "+1"],
            "market": ["CN", "CN"],
            "lon": [126.65, 126.70],
            "lat": [45.75, 45.80],
            "winter_design_c": [-28.4, 3.0],
            "coldest_mean_c": [-18.2, 8.0],
            "hottest_mean_c": [22.9, 27.0],
            "vehicles": [900, 100],
            "num_stations": [2, 0],
            "num_bays": [44, 0],
            "car_owning_households": [675.0, 0.0],
            "households_served_frac": [350 / 675, np.nan],
            "households_near_frac": [0.9, 0.0],
            "swaps_per_day": [67.5, 0.0],
            "swaps_served_frac": [35 / 67.5, np.nan],
            "vehicles_sodium_ion": [700, 0],
            "vehicles_lfp": [150, 100],
            "vehicles_without_pack": [50, 0],
            "sodium_ion_frac": [700 / 850, 0.0],
            "design_range_#25 Na_km": [312.5, np.nan],
            "design_range_na45_km": [300.0, 390.0],
        }
    )
    packs = pd.DataFrame(
        {
            "city_id": ["x1", "230100"],
            "vehicle_id": ["taxi_a", "taxi_a"],
            "segment": ["taxi", "taxi"],
            "pack_id": ["na45", "#25 Na"],
            "chemistry": ["lfp", "sodium_ion"],
            "vehicles": [100, 700],
            "station_packs": [12, 80],
            "energy_kwh": [5040.0, 35100.0],
            "swaps_per_vehicle_day": [1.2, 1.3],
            "design_swaps_per_vehicle_day": [1.5, 2.0],
            "design_range_km": [390.0, 312.5],
        }
    )
    kpi = {"num_stations": 2.0, "capex_cny": 8.3e6, "households_served_frac": 350 / 675}
    return Evaluation(kpi, stations, zones, cities, packs, packs, {}, 0.0)


def make_drive_areas(stations: pd.DataFrame) -> pd.DataFrame:
    """Squares around stations, larger for more minutes."""
    return pd.DataFrame(
        {
            "site_id": np.repeat(stations["site_id"].to_numpy(), 2),
            "minutes": [5.0, 10.0] * len(stations),
            "geometry": [
                shapely.multipolygons([shapely.box(lon - half, lat - half, lon + half, lat + half)])
                for lon, lat in stations[["lon", "lat"]].to_numpy()
                for half in (0.01, 0.02)
            ],
        }
    )


def make_content(evaluation: Evaluation, corridors: Mapping[str, pd.DataFrame]) -> RunContent:
    allocation = pd.DataFrame(ALLOCATION, columns=["zone", "site_id", "share_frac", "drive_min"])
    zone_ids = sorted(evaluation.zones["zone_id"])
    allocation.insert(0, "zone_id", [zone_ids[int(zone)] for zone in allocation.pop("zone")])
    coupling = pd.DataFrame({"round": [1, 2], "swaps_per_day_served": [30.0, 35.0]})
    further = pd.DataFrame({"Mood (of the mayor)": ["good"]})
    return RunContent(
        evaluation,
        allocation,
        CANDIDATES,
        RUN_INFO,
        ASSUMPTIONS,
        STATION_TYPES,
        CHEMISTRIES,
        {
            "a_table_of_tomorrow": further,
            "coupling": coupling,
            "drive_areas": make_drive_areas(evaluation.stations),
            **corridors,
        },
    )


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    cells = harbin_cells()
    centres = [basic_str.cell_to_latlng(cell) for cell in cells]
    lonlat = [(round(lon, 6), round(lat, 6)) for lat, lon in centres]
    return make_evaluation(make_zones(cells, lonlat))


@pytest.fixture(scope="session")
def evaluation_of_points() -> Evaluation:
    lonlat = [(126.6 + 0.01 * number, 45.7) for number in range(6)]
    return make_evaluation(make_zones([f"z{number}" for number in range(6)], lonlat))


@pytest.fixture(scope="session")
def content(evaluation: Evaluation) -> RunContent:
    return replace(
        make_content(evaluation, make_corridor_tables()), road_nodes=ROAD_NODES, roads=ROADS
    )


@pytest.fixture(scope="session")
def content_of_points(evaluation_of_points: Evaluation) -> RunContent:
    return make_content(evaluation_of_points, {})


@pytest.fixture(scope="session")
def phased(content: RunContent) -> RunContent:
    """A plan whose stations open one after the other, made for three futures."""
    sites = ["s1", "s2"]
    tables = make_phase_tables(sites, dict.fromkeys(sites, "230100"), ("small", "large"))
    tables |= make_future_tables(
        [*sites, "s3"], "230100", [(126.65, 45.75 + step / 100) for step in range(3)]
    )
    stations = content.evaluation.stations.assign(opening_quarter=opening_quarters(tables, sites))
    return replace(
        content,
        evaluation=replace(content.evaluation, stations=stations),
        tables={**content.tables, **tables},
    )


@pytest.fixture(scope="session")
def phased_folder(
    tmp_path_factory: pytest.TempPathFactory, write: "Writer", phased: RunContent
) -> Path:
    folder = tmp_path_factory.mktemp("run") / "phases"
    write(folder, phased)
    (folder / "DONE").touch()
    return folder


Writer = Callable[[Path, RunContent], list[Path]]


@pytest.fixture(scope="session")
def write() -> Writer:
    def write(folder: Path, content: RunContent) -> list[Path]:
        folder.mkdir()
        return write_layers(folder, content, lambda _: None)

    return write


@pytest.fixture(scope="session")
def run_folder(
    tmp_path_factory: pytest.TempPathFactory, write: Writer, content: RunContent
) -> Path:
    folder = tmp_path_factory.mktemp("run") / "hexagons"
    write(folder, content)
    (folder / "DONE").touch()
    return folder


@pytest.fixture(scope="session")
def run_folder_of_points(
    tmp_path_factory: pytest.TempPathFactory, write: Writer, content_of_points: RunContent
) -> Path:
    folder = tmp_path_factory.mktemp("run") / "points"
    write(folder, content_of_points)
    return folder


@pytest.fixture(scope="session")
def tutorial_folder(tmp_path_factory: pytest.TempPathFactory, planned_tutorial: Planned) -> Path:
    return write_run(planned_tutorial, tmp_path_factory.mktemp("run") / "tutorial")
