"""A part of an instance, or the same with finer zones, as an instance folder: for growth in size.

Cities are taken evenly along their ids, so that a part has the mix of the whole. Stations, and
packs that can be supplied, shrink as the zones' value does; roads far from all sites are left out.
A zone is split among some of its H3 cell's children, each with an equal part of what it holds.
"""

import tomllib
from pathlib import Path
from typing import Any

import h3
import numpy as np
import pandas as pd
import tomli_w
from scipy.spatial import cKDTree

from planner.errors import Fault, InputError
from planner.geodesy import to_sphere_km

MOST_PARTS = 6
"""Of a zone: children of an H3 cell, but for those of a pentagon."""
ROADS_WITHIN_KM = 30.0
"""Of a site, along the straight line: farther than anybody drives to one."""
VALUE = "car_owning_households"
SHARED = (VALUE, "commercial_weight")
"""What the parts of a zone hold together."""


def cut_instance(
    source: Path,
    target: Path,
    *,
    num_cities: int | None = None,
    parts: int = 1,
    with_scenarios: bool = False,
) -> None:
    """Write a part of an instance.

    Parameters
    ----------
    source : Path
        Instance folder: tables as CSV or Parquet under their own names, zones by H3 cell, sites by
        coordinates.
    target : Path
        Folder to write; made here.
    num_cities : int, optional
        Cities to keep, >= 1; all by default.
    parts : int
        Zones to make of each, in [1, `MOST_PARTS`].
    with_scenarios : bool
        Whether named variants are kept, as they are.

    Raises
    ------
    InputError
        If the folder lacks a table, or has fewer cities.
    """
    tables = _read_tables(source)
    cities = tables["cities"]["city_id"].astype(str).sort_values().to_numpy(object)
    num_kept = len(cities) if num_cities is None else num_cities
    if not 1 <= num_kept <= len(cities):
        expected = f"1 to {len(cities)}, as many as {source} has"
        raise InputError([Fault("planner bench", None, "--cities", str(num_kept), expected)])
    kept = set(cities[np.arange(num_kept) * len(cities) // num_kept])
    whole = float(tables["zones"][VALUE].sum())
    for name, table in tables.items():
        if "city_id" in table.columns:
            tables[name] = table[table["city_id"].astype(str).isin(kept)]
    share = float(tables["zones"][VALUE].sum()) / whole
    tables["zones"] = split_zones(tables["zones"], parts)
    tables["road_nodes"], tables["roads"] = _near(
        tables["road_nodes"], tables["roads"], tables["sites"]
    )
    tables["supply"] = tables["supply"].assign(gwh=tables["supply"]["gwh"] * share)
    target.mkdir(parents=True)
    for name, table in tables.items():
        table.to_parquet(target / f"{name}.parquet", index=False)
    (target / "scenario.toml").write_bytes(
        _scenario(source, share, with_scenarios=with_scenarios).encode()
    )


def split_zones(zones: pd.DataFrame, parts: int) -> pd.DataFrame:
    """Zones of H3 cells, each as so many children that hold equal parts of it.

    Parameters
    ----------
    zones : DataFrame
        ``zone_id`` (an H3 cell), columns of `SHARED`, others that its parts repeat.
    parts : int
        In [1, `MOST_PARTS`].

    Returns
    -------
    DataFrame
        ``parts`` rows a zone; coordinates, where given, left out: those of its cell hold.
    """
    if parts == 1:
        return zones
    finer = zones.loc[zones.index.repeat(parts)].reset_index(drop=True)
    finer["zone_id"] = [
        child for cell in zones["zone_id"].tolist() for child in h3.cell_to_children(cell)[:parts]
    ]
    for name in SHARED:
        finer[name] /= parts
    return finer.drop(columns=["lon", "lat"], errors="ignore")


def _read_tables(source: Path) -> dict[str, pd.DataFrame]:
    """All tables of a folder by name, as they stand there."""
    readers: dict[str, Any] = {".csv": pd.read_csv, ".parquet": pd.read_parquet}
    texts: dict[str, Any] = {".csv": {"dtype": {"city_id": str, "county_id": str}}, ".parquet": {}}
    tables = {
        path.stem: readers[path.suffix](path, **texts[path.suffix])
        for path in sorted(source.glob("*"))
        if path.suffix in readers
    }
    needed = ("cities", "zones", "sites", "roads", "road_nodes", "supply")
    missing = [name for name in needed if name not in tables]
    if missing:
        remedy = "give an instance with all tables as CSV or Parquet, such as instances/china-140"
        raise InputError([Fault(str(source), None, "", ", ".join(missing), remedy)])
    return tables


def _near(
    nodes: pd.DataFrame, roads: pd.DataFrame, sites: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Road nodes near a site, and the roads between them."""
    places, points = (to_sphere_km(table["lon"], table["lat"]) for table in (sites, nodes))
    far_km, _ = cKDTree(places).query(points, distance_upper_bound=ROADS_WITHIN_KM)
    near = nodes[np.isfinite(far_km)]
    starts, ends = (roads[end].isin(near["node_id"]) for end in ("from_node", "to_node"))
    return near, roads[starts & ends]


def _scenario(source: Path, share: float, *, with_scenarios: bool) -> str:
    """The base scenario with its share of stations, and named variants as they are."""
    content = tomllib.loads((source / "scenario.toml").read_text(encoding="utf-8"))
    if not with_scenarios:
        content.pop("scenarios", None)
    siting = content["siting"]
    if siting.get("num_stations"):
        siting["num_stations"] = max(1, round(siting["num_stations"] * share))
    return tomli_w.dumps(content)
