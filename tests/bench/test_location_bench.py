import os
from pathlib import Path

import pytest

from planner.bench import bench_cases, run_bench
from planner.bench.location_files import (
    read_graph_distances,
    read_known_values,
    read_tsp_distances,
    read_warehouses,
)
from planner.errors import InputError
from planner.solving.status import Status

# A path 1 - 2 - 3; the first length of 1 - 2 is overruled by the last.
GRAPH = "3 3 1\n1 2 9\n2 3 4\n2 1 1\n"
TSP = "NAME : Tiny\nDIMENSION : 3\nNODE_COORD_SECTION\n1 0 0\n2 1.5 0\n3 4.0e0 0\nEOF\n"
WAREHOUSES = "2 1\n5 10.\n9 30.\n4\n8.0 2.0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pmed1.txt").write_text(GRAPH)
    (tmp_path / "Tiny.tsp").write_text(TSP)
    (tmp_path / "cap1.txt").write_text(WAREHOUSES)
    (tmp_path / "capa.txt").write_text(WAREHOUSES.replace("5 10", "capacity 10"))
    return tmp_path


def test_last_edge_counts_and_paths_add_up(folder: Path):
    distances = read_graph_distances(folder / "pmed1.txt")
    assert distances.distance.reshape(3, 3).tolist() == [[0, 1, 5], [1, 0, 4], [5, 4, 0]]


def test_points_are_rounded_down(folder: Path):
    distances = read_tsp_distances(folder / "Tiny.tsp")
    assert distances.whole
    assert distances.site_xyz.tolist() == [[0, 0], [1.5, 0], [4, 0]]


def test_warehouses_are_read(folder: Path):
    read = read_warehouses(folder / "cap1.txt")
    assert (read.capacity.tolist(), read.fixed_cost.tolist()) == ([5, 9], [10, 30])
    assert (read.demand.tolist(), read.cost.tolist()) == ([4], [[8, 2]])
    assert read_warehouses(folder / "capa.txt", 7.0).capacity.tolist() == [7, 7]


def test_p_median_end_to_end(folder: Path):
    (folder / "best_known.csv").write_text("instance,p,opt\npmed1,1,5\nTiny,1,3\n")
    rows = list(run_bench("p-median", folder))
    assert [row.instance for row in rows] == ["pmed1-p1", "Tiny-p1"]
    for row in rows:
        assert row.planner.status == Status.OPTIMAL
        assert row.planner.value == row.planner.bound == row.published
        assert row.planner.gap_frac == 0.0


def test_facility_location_end_to_end(folder: Path):
    (folder / "best_known.csv").write_text("instance,capacity,opt\ncap1,,18\ncapa_7,7,18\n")
    rows = list(run_bench("facility-location", folder, peers=("highs",)))
    assert [row.planner.value for row in rows] == [18.0, 18.0]
    assert [row.planner.status for row in rows] == [Status.OPTIMAL] * 2
    assert all(row.peers == () for row in rows)


@pytest.mark.parametrize("bench", ["p-median", "facility-location"])
def test_missing_folders_and_files_are_named(bench: str, tmp_path: Path):
    with pytest.raises(InputError, match="not found"):
        bench_cases(bench, tmp_path)
    with pytest.raises(InputError, match="not found"):
        bench_cases(bench)
    (tmp_path / "best_known.csv").write_text("instance,p,opt\nnone,1,5\n")
    with pytest.raises(InputError, match=r"none.txt: no such file"):
        bench_cases(bench, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,opt\n", "columns instance and opt"),
        ("instance,p,opt\n", "lists no instance"),
        ("instance,p,opt\na,b,c\n", "a name and numbers"),
    ],
)
def test_malformed_lists_are_named(text: str, message: str, tmp_path: Path):
    (tmp_path / "best_known.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_known_values(tmp_path / "best_known.csv", ("opt",))


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("pmed1.txt", "2 3 4\n", "", "vertices, edges, p"),
        ("pmed1.txt", "2 3 4", "1 2 4", "not connected"),
        ("pmed1.txt", "2 3 4", "2 8 4", "numbered from 1 to 3"),
        ("pmed1.txt", "2 3 4", "2 x 4", "numbers only"),
        ("Tiny.tsp", "DIMENSION : 3", "DIMENSION : 4", "DIMENSION says 4"),
        ("Tiny.tsp", "NODE_COORD_SECTION\n", "", "are expected"),
        ("Tiny.tsp", "2 1.5 0", "2 1,5 0", "row 5.*two coordinates"),
        ("cap1.txt", "8.0 ", "", "its first two tell 9"),
        ("cap1.txt", "8.0", "-8.0", "numbers >= 0"),
    ],
)
def test_malformed_files_are_named(folder: Path, name: str, old: str, new: str, message: str):
    path = folder / name
    path.write_text(path.read_text().replace(old, new))
    read = {"pmed1.txt": read_graph_distances, "Tiny.tsp": read_tsp_distances}
    with pytest.raises(InputError, match=message):
        read.get(name, read_warehouses)(path)


@pytest.mark.skipif("PLANNER_BENCH_DIR" not in os.environ, reason="PLANNER_BENCH_DIR is not set")
@pytest.mark.parametrize(
    ("bench", "only"), [("p-median", "pmed1-p5"), ("facility-location", "cap71")]
)
def test_public_instances_are_solved(bench: str, only: str):
    (row,) = run_bench(bench, Path(os.environ["PLANNER_BENCH_DIR"]), only=only)
    assert row.planner.status == Status.OPTIMAL
    assert row.planner.value == pytest.approx(row.published, rel=1e-6)
