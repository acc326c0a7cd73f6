"""What a run's files say of inputs that tell whose they are and what they are in."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from planner.instance import TABLES, Instance, read_instance
from planner.instance.china_datum import shift_to_gcj02
from planner.outputs.run_folder import write_run
from planner.planning.pipeline import plan

SHIFTED = ("cities", "zones", "sites")


@pytest.fixture(scope="module")
def run(tutorial: Instance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tutorial with streets from OSMnx and sites from Amap; it credits nobody itself."""
    from shutil import copytree

    folder = Path(copytree(tutorial.folder, tmp_path_factory.mktemp("given") / "town"))
    graph = nx.MultiDiGraph(crs="epsg:4326", created_with="OSMnx 2.0.1")
    for node in tutorial.road_nodes.itertuples():
        graph.add_node(node.node_id, x=str(node.lon), y=str(node.lat))
    for road in tutorial.roads.itertuples():
        graph.add_edge(road.from_node, road.to_node, length=str(1000 * road.length_km),
                       speed_kph=str(road.speed_kmh), oneway="False")  # fmt: skip
    nx.write_graphml(graph, folder / "roads.graphml")
    for name in ("roads", "road_nodes"):
        (folder / f"{name}.csv").unlink()
    for name in SHIFTED:
        table = getattr(tutorial, name).copy()
        table["lon"], table["lat"] = shift_to_gcj02(table["lon"], table["lat"])
        table.to_csv(folder / f"{name}.csv", index=False)
    path = folder / "scenario.toml"
    kept = [line for line in path.read_text(encoding="utf-8").splitlines()
            if not line.startswith("attribution")]  # fmt: skip
    said = [f'[tables.{name}]\ncoordinate_reference = "GCJ-02"\n' for name in SHIFTED]
    path.write_text("\n".join([*kept, *said]), encoding="utf-8")
    return write_run(plan(read_instance(folder)), folder.parent / "run")


def _told(run: Path) -> dict[str, str]:
    with closing(sqlite3.connect(run / "plan.gpkg")) as database:
        rows = database.execute("SELECT key, value FROM run_info").fetchall()
    return dict(rows)


def test_openstreetmap_is_credited_everywhere(run: Path) -> None:
    credit = "© OpenStreetMap contributors (ODbL)"
    assert _told(run)["attribution"] == credit
    assert credit in (run / "report.html").read_text(encoding="utf-8")
    package = json.loads((run / "datapackage.json").read_text(encoding="utf-8"))
    assert credit in " ".join(source["title"] for source in package["sources"])
    with closing(sqlite3.connect(run / "plan.gpkg")) as database:
        (metadata,) = database.execute(
            "SELECT group_concat(metadata) FROM gpkg_metadata"
        ).fetchone()
    assert credit in metadata
    assumptions = pd.read_parquet(run / "tables" / "assumptions.parquet")
    assert "roads.graphml: licence" in set(assumptions["item"])


@pytest.mark.parametrize(
    ("table", "layers"),
    [("sites", ["stations", "candidates"]), ("zones", ["zones"]), ("cities", ["cities"])],
)
def test_shifted_places_are_told_and_kept_as_given(
    run: Path, tutorial: Instance, table: str, layers: list[str]
) -> None:
    told = "GCJ-02 (cities, zones, sites), WGS84 (road_nodes); brought to WGS84 once"
    assert _told(run)["input_coordinate_reference"] == told
    true = getattr(tutorial, table).set_index(TABLES[table].key[0])[["lon", "lat"]]
    given = np.column_stack(shift_to_gcj02(true["lon"], true["lat"]))
    rows = pd.concat([pd.read_parquet(run / "layers" / f"{name}.parquet") for name in layers])
    rows = rows.set_index(TABLES[table].key[0]).loc[true.index]
    np.testing.assert_allclose(rows[["lon_original", "lat_original"]], given, atol=1e-9)
    assert set(rows["coordinate_reference_original"]) == {"GCJ-02"}
    np.testing.assert_allclose(rows[["lon", "lat"]], true, atol=1e-8)


def test_the_geopackage_tells_what_places_were_given_in(run: Path) -> None:
    with closing(sqlite3.connect(run / "plan.gpkg")) as database:
        texts = [text for (text,) in database.execute("SELECT metadata FROM gpkg_metadata")]
    assert any("Coordinates were given in: GCJ-02 (cities, zones, sites)" in text for text in texts)
