"""A run made up by hand: two towns, 180 zones, three stations, and names that mean harm."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from h3.api import basic_str

from planner.outputs.layers.columns import describe_columns
from planner.outputs.layers.phases import place_phases
from planner.outputs.phases import with_openings
from planner.outputs.waits import with_waits
from tests.made_up_corridors import make_corridor_tables
from tests.made_up_curves import CURVE_KPI, make_curve_tables
from tests.made_up_futures import make_future_tables
from tests.made_up_phases import PHASING, make_phase_tables, opening_quarters
from tests.made_up_reasons import with_force_ins, with_replacements
from tests.made_up_waits import make_wait_kpi, make_wait_tables

EVIL_CITY = "<script>alert(1)</script>"
EVIL_NAME_ZH = "\"><img src=x onerror=alert(2)>'"
EVIL_SITE = "</script><script>alert(3)</script>"
EVIL_SOURCE = "</table><style>*{display:none}</style>\u2028=cmd"
CHEMISTRIES = pd.DataFrame(
    [
        ("lfp", "lithium iron phosphate", "LFP", "#0072b2"),
        ("sodium_ion", "sodium-ion", "sodium-ion", "#e69f00"),
    ],
    columns=["chemistry", "name", "nickname", "colour"],
)
MONTHS, QUARTERS = range(1, 13), ["2026Q4", "2027Q1", "2027Q2"]


def make_frames() -> dict[str, pd.DataFrame]:
    """Frames by their path in the run folder, without suffix."""
    towns = {"230100": (45.75, 126.65), "x1": (45.25, 127.4)}
    zones = pd.concat(
        [_zones(city_id, *place) for city_id, place in towns.items()], ignore_index=True
    )
    cities = pd.DataFrame(
        {
            "city_id": list(towns),
            "name_en": ["Harbin", EVIL_CITY],
            "name_zh": ["哈尔滨", EVIL_NAME_ZH],
            "province": ["Heilongjiang", "&amp;"],
            "market": ["CN", "CN"],
            "lon": [126.65, 127.4],
            "lat": [45.75, 45.25],
            "winter_design_c": [-28.4, -25.0],
            "coldest_mean_c": [-18.2, np.nan],
            "hottest_mean_c": [18.4, np.nan],
            "vehicles": [900, 100],
            "num_stations": [2, 1],
            "num_bays": [44, 14],
            "car_owning_households": zones.groupby("city_id")["car_owning_households"].sum(),
            "households_served_frac": [0.5, np.nan],
            "swaps_per_day": zones.groupby("city_id")["swaps_per_day"].sum(),
            "swaps_served_frac": [0.6, 0.25],
            "vehicles_lfp": [150, 100],
            "vehicles_sodium_ion": [700, 0],
            "vehicles_without_pack": [50, 0],
            "design_range_lfp_25_km": [131.2, 140.0],
            "design_range_na_25_km": [142.3, np.nan],
        }
    ).reset_index(drop=True)
    stations = pd.DataFrame(
        {
            "site_id": ["s1", "s2", EVIL_SITE],
            "city_id": ["230100", "230100", "x1"],
            "lon": [126.65, 126.70, 127.4],
            "lat": [45.75, 45.78, 45.25],
            "site_status": ["candidate", "existing", "candidate"],
            "station_type_id": ["large", "small", "small"],
            "bays": [30, 14, 14],
            "num_zones": [40, 20, 10],
            "swaps_per_day": [60.0, 30.0, 10.0],
            "peak_swaps_per_hour": [12.0, 6.0, 2.0],
            "capacity_swaps_per_hour": [24.0, 12.0, 12.0],
            "utilisation_frac": [0.5, 0.5, 1 / 6],
            "mean_drive_min": [4.25, 5.5, np.nan],
        }
    )
    packs = pd.DataFrame(
        {
            "city_id": ["230100", "230100", "x1"],
            "vehicle_id": ["private_ab", "taxi_ab", "taxi_ab"],
            "pack_id": ["na_25", "lfp_25", "lfp_25"],
            "chemistry": ["sodium_ion", "lfp", "lfp"],
            "vehicles": [700, 150, 100],
        }
    )
    assumptions = pd.DataFrame(
        {
            "item": ["soak", "usable energy of lfp outside its curve"],
            "value": ["-35 C", "1 city"],
            "mark": ["AN", "INF"],
            "source": ["测量, by hand", EVIL_SOURCE],
        }
    )
    return {
        "layers/zones": zones, "layers/cities": cities, "layers/stations": stations,
        "tables/packs": packs, "tables/assumptions": assumptions,
        "tables/chemistries": CHEMISTRIES,
    }  # fmt: skip


def make_optional_frames() -> dict[str, pd.DataFrame]:
    """The tables that only some runs bring."""
    cities, stations = ["230100", "x1"], ["s1", "s2", EVIL_SITE]
    temperatures = np.arange(-40.0, 41.0, 10.0)
    return {
        "city_month": pd.DataFrame(
            {
                "city_id": np.repeat(cities, 12),
                "month": list(MONTHS) * 2,
                "mean_c": [-18.0 + 6 * (6 - abs(month - 7)) for month in MONTHS] * 2,
                "design_c": [-28.0 + 6 * (6 - abs(month - 7)) for month in MONTHS] * 2,
                "range_lfp_25_km": [150.0 + 30 * (6 - abs(month - 7)) for month in MONTHS] * 2,
                "range_na_25_km": [160.0 + 20 * (6 - abs(month - 7)) for month in MONTHS] * 2,
            }
        ),
        "city_quarter": pd.DataFrame(
            {
                "quarter": np.repeat(QUARTERS, 2),
                "city_id": cities * 3,
                "vehicles": [500, 50, 700, 80, 900, 100],
                "vehicles_lfp": [400, 50, 300, 80, 150, 100],
                "vehicles_sodium_ion": [50, 0, 350, 0, 700, 0],
                "vehicles_without_pack": [50, 0, 50, 0, 50, 0],
            }
        ),
        "supply_value": pd.DataFrame(
            {
                "quarter": QUARTERS * 2,
                "chemistry": ["sodium_ion"] * 3 + ["lfp"] * 3,
                "produced_gwh": [0.1, 0.2, 0.3, np.nan, np.nan, np.nan],
                "available_gwh": [0.1, 0.3, 0.6, np.nan, np.nan, np.nan],
                "used_gwh": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
                "value_cny_per_kwh": [35.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            }
        ),
        "gate_value": pd.DataFrame(
            {
                "market": ["CN"], "chemistry": ["sodium_ion"], "certificate": ["GB 38031-2025"],
                "opens": [None], "saving_cny": [1.5e6],
            }
        ),
        "coupling": pd.DataFrame({"round": [1, 2], "vehicles_changed_frac": [0.25, 0.0]}),
        "station_hour": pd.DataFrame(
            {
                "site_id": np.repeat(stations, 24),
                "hour": list(range(24)) * 3,
                "swaps_per_hour": [hour / 4 for hour in range(24)] * 3,
                "capacity_swaps_per_hour": np.repeat([24.0, 12.0, 12.0], 24),
            }
        ),
        "range_curve": pd.DataFrame(
            {
                "vehicle_id": "private_ab",
                "pack_id": np.repeat(["na_25", "lfp_25"], len(temperatures)),
                "ambient_c": np.tile(temperatures, 2),
                # They cross between 0 and 10 C.
                "range_km": [*(250 + 2 * temperatures), *(240 + 5 * temperatures)],
                "is_outside_domain": [False] * len(temperatures) + list(temperatures < -30),
            }
        ),
    }  # fmt: skip


def make_corridor_frames() -> dict[str, pd.DataFrame]:
    """Layers and tables of trips between cities; rows without a place stand in no layer."""
    without_layer = {"corridor_summary", "corridor_unconnected"}
    return {
        f"{'tables' if name in without_layer else 'layers'}/{name}": frame.dropna(
            subset=[column for column in ("lon", "lat") if column in frame]
        )
        for name, frame in make_corridor_tables().items()
    }


def make_run() -> dict[str, Any]:
    return {
        "name": "two-towns",
        "status": "FEASIBLE",
        "objective": 100.0,
        "bound": 102.5,
        "gap_frac": 2.5 / 102.5,
        "wall_s": 12.5,
        "peak_rss_mb": 300.2,
        "models": {
            "siting": {
                "sense": "max", "unit": "swaps/day", "status": "FEASIBLE", "objective": 100.0,
                "bound": 102.5, "gap_frac": 2.5 / 102.5, "wall_s": 9.1,
            }
        },
        "kpi": {
            "num_stations": 3, "num_bays": 58, "capex_cny": 1.23e7, "swaps_per_day": 180.0,
            "swaps_per_day_served": 100.0, "swaps_served_frac": 100 / 180,
            "car_owning_households": 1800.0, "households_served_frac": 0.5, "vehicles": 1000,
            "vehicles_without_pack": 50, "vehicles_sodium_ion": 700,
            "packs_sodium_ion_gwh": 0.0315, "vehicles_below_promised_range": 900,
        },
        "seed": 0,
        "options": {"gap_frac": 0.001},
        "versions": {"planner": "0.1.0"},
        "inputs": [{"path": "cities.csv", "sha256": "ab" * 32}],
    }  # fmt: skip


PROGRESS = [
    {"stage": "read", "elapsed_s": 0.0, "incumbent": None, "bound": None, "gap_frac": None},
    {"stage": "siting", "elapsed_s": 1.0, "incumbent": 90.0, "bound": 120.0, "gap_frac": 0.25},
    {"stage": "siting", "elapsed_s": 9.0, "incumbent": 100.0, "bound": 102.5, "gap_frac": 0.0244},
]
SCENARIO = """
title = "Two towns & a test"
attribution = "© OpenStreetMap contributors (ODbL)"
planning_quarter = "2027Q2"
[siting]
drive_time_min = 10.0
[packs]
promised_range_km = 200.0
[costs]
range_shortfall_cny_per_km = 10.0
[service]
within_frac = 0.95
"""


def make_over_time(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What a plan over time and for several futures has besides: layers, tables, columns."""
    stations, cities = frames["layers/stations"], frames["layers/cities"]
    sites = stations["site_id"].tolist()
    types = pd.DataFrame({"station_type_id": ["small", "large"], "bays": [14, 30]})
    city_of = dict(zip(sites, stations["city_id"], strict=True))
    tables = make_phase_tables(sites, city_of, ("small", "large"))
    tables |= make_future_tables(
        [*sites, "s9"],
        "230100",
        [*zip(stations["lon"], stations["lat"], strict=True), (126.6, 45.7)],
    )
    stations = stations.assign(opening_quarter=opening_quarters(tables, sites))
    placed = place_phases(tables, stations, cities, types)
    best = describe_columns("future_sites", placed["future_sites"].columns)
    placed["future_sites"] = placed["future_sites"].rename(
        columns={column.source: column.name for column in best}
    )
    plain = {name: tables[name] for name in ("phase", "future", "measure", "future_opening")}
    return {
        "layers/stations": with_openings(stations, tables),
        **{f"layers/{name}": frame for name, frame in placed.items()},
        **{f"tables/{name}": frame for name, frame in plain.items()},
    }


EVIL_CANDIDATE = "c2<img src=x onerror=alert(4)>"


def make_reasons(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What stations cost to replace, and what three other sites would cost; one may have none."""
    candidates = pd.DataFrame(
        {
            "site_id": ["c1", EVIL_CANDIDATE, "c3"],
            "city_id": ["230100", "x1", "230100"],
            "lon": [126.61, 127.41, 126.62],
            "lat": [45.71, 45.26, 45.72],
            "site_status": ["candidate", "candidate", "forbidden"],
        }
    )
    return {
        "layers/stations": with_replacements(frames["layers/stations"], EVIL_CANDIDATE),
        "layers/candidates": with_force_ins(candidates, "s1"),
    }


QUARTER, USE = "2027Q2", (0.5, 0.99)
"""Quarter whose packs count; how busy Harbin's and the other stations are made up to be."""


def make_waits(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables of a simulation of all stations but the last; those with places joined."""
    stations, between = (
        frames[f"layers/{name}"] for name in ("stations", "corridor_stations")
    )  # fmt: skip
    ids = [*stations["site_id"][:-1], *between["corridor_station_id"]]
    mixes = [*stations["city_id"][:-1], *between["corridor_station_id"]]
    waits = make_wait_tables(ids, mixes, (*USE, *USE), quarter=QUARTER)
    return {
        **{f"tables/{name}": frame for name, frame in waits.items()},
        "layers/stations": with_waits(stations, "site_id", waits, QUARTER),
        "layers/corridor_stations": with_waits(between, "corridor_station_id", waits, QUARTER),
    }


def write_run_folder(folder: Path, *, with_optional: bool) -> Path:
    for name in ("layers", "tables"):
        (folder / name).mkdir(parents=True)
    frames, run = make_frames(), make_run()
    if with_optional:
        frames |= make_over_time(frames)
        run["models"]["phasing"] = asdict(PHASING)
        frames |= {f"tables/{name}": frame for name, frame in make_optional_frames().items()}
        frames |= make_corridor_frames()
        curves = make_curve_tables("230100", "x1")
        frames |= {f"tables/{name}": frame for name, frame in curves.items()}
        run["kpi"] |= CURVE_KPI
        frames |= make_waits(frames)
        frames |= make_reasons(frames)
        run["kpi"] |= make_wait_kpi({"simulation_figure": frames["tables/simulation_figure"]})
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    (folder / "progress.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in PROGRESS), encoding="utf-8"
    )
    (folder / "scenario.resolved.toml").write_text(SCENARIO, encoding="utf-8")
    (folder / "checksums.txt").write_text("00  run.json\n", encoding="utf-8")
    (folder / "DONE").touch()
    return folder


def _zones(city_id: str, lat: float, lon: float) -> pd.DataFrame:
    cells = sorted(basic_str.grid_disk(basic_str.latlng_to_cell(lat, lon, 8), 5))[:90]
    centres = np.array([basic_str.cell_to_latlng(cell) for cell in cells])
    near = np.hypot(centres[:, 0] - lat, centres[:, 1] - lon)
    return pd.DataFrame(
        {
            "zone_id": cells,
            "city_id": city_id,
            "lon": centres[:, 1],
            "lat": centres[:, 0],
            "car_owning_households": 10.0,
            # Who lives near is served, and asks for three times as much.
            "swaps_per_day": np.where(near < np.median(near), 1.5, 0.5),
            "served_frac": (near < np.median(near)).astype(float),
        }
    )
