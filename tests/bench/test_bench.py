import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from planner.arrays import Lists
from planner.bench import bench_cases, run, run_bench, show, solve_case
from planner.bench.case import BenchCase
from planner.bench.coverage_cases import case_points
from planner.bench.maximo import read_best_known, read_census_blocks
from planner.bench.run import BenchRow, PeerRow
from planner.errors import InputError
from planner.location.points import within_distance
from planner.models.coverage.plain import PLAIN_SOLVERS, plain_coverage_model, solve_plain
from planner.models.coverage.problem import CoverageProblem
from planner.solving.rules import SiteRules
from planner.solving.status import Status

# Three blocks on a meridian, 0.01 degrees = 1,113 m of the authors' sphere apart.
BLOCKS = """NAME : Tiny
TYPE : MCLP
EDGE_WEIGHT_TYPE : COORD
DIMENSION : 3
NODE_COORD_SECTION
40.00 -073.90
40.01 -073.90
40.02 -073.90
DEMAND_SECTION
10
20
40
EOF
"""
BEST_KNOWN = "instance,p,radius_m,best_known,source\nTiny,2,1114,70,by hand\nTiny,1,1113,40,x\n"
CONTRACT = {"instance", "value", "bound", "gap_frac", "published", "wall_s", "peak_rss_mb"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Tiny.txt").write_text(BLOCKS, encoding="utf-8")
    (tmp_path / "best_known.csv").write_text(BEST_KNOWN, encoding="utf-8")
    return tmp_path


def test_blocks_are_read(folder: Path):
    lon, lat, weight = read_census_blocks(folder / "Tiny.txt")
    assert lon.tolist() == [-73.9] * 3
    assert lat.tolist() == [40.0, 40.01, 40.02]
    assert weight.tolist() == [10.0, 20.0, 40.0]


def test_cases_come_sorted_with_published_values(folder: Path):
    found = bench_cases("coverage-maximo", folder)
    assert [case.instance for case in found] == ["Tiny-p1", "Tiny-p2"]
    assert [case.published for case in found] == [40.0, 70.0]


def test_radius_is_measured_on_the_authors_sphere(folder: Path):
    # 0.01 degrees are 1,113.19 m there, and 1,111.95 m on the mean sphere.
    reached = []
    for case in bench_cases("coverage-maximo", folder):
        points = case_points(case)
        reached.append(np.diff(within_distance(points.zones, points.sites, case.reach_km)[0]))
    assert [each.tolist() for each in reached] == [[1, 1, 1], [2, 3, 2]]


def test_files_are_found_in_the_folder_of_all_benchmarks(folder: Path, tmp_path: Path):
    inner = tmp_path / "all" / "coverage" / "maximo"
    inner.mkdir(parents=True)
    for name in ("Tiny.txt", "best_known.csv"):
        (folder / name).rename(inner / name)
    assert len(bench_cases("coverage-maximo", tmp_path / "all")) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("DIMENSION : 3\n", "", "Tiny.txt, DIMENSION: not in the file"),
        ("DEMAND_SECTION\n", "", "Tiny.txt, DEMAND_SECTION: not in the file"),
        ("DIMENSION : 3", "DIMENSION : three", "row 4, DIMENSION: three: a whole number"),
        ("DIMENSION : 3", "DIMENSION : 2", None),
        ("40\nEOF\n", "", "2 lines, DIMENSION says 3: the file is cut short"),
        ("40.01 -073.90", "40.01", "row 7, NODE_COORD_SECTION: 40.01: latitude"),
        ("40.01 -073.90", "-073.90 400.1", "row 7, NODE_COORD_SECTION"),
        ("40.01 -073.90", "40,01 -073,90", "row 7, NODE_COORD_SECTION"),
        ("\n20\n", "\n-20\n", "row 11, DEMAND_SECTION: -20: one weight >= 0"),
        ("\n20\n", "\nnan\n", "row 11, DEMAND_SECTION: nan"),
    ],
)
def test_malformed_blocks_are_named(folder: Path, old: str, new: str, message: str | None):
    (folder / "Tiny.txt").write_text(BLOCKS.replace(old, new), encoding="utf-8")
    if message is None:  # fewer than there are
        assert len(read_census_blocks(folder / "Tiny.txt")[0]) == 2
        return
    with pytest.raises(InputError, match=message):
        bench_cases("coverage-maximo", folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column missing"),
        ("instance,p,radius_m\n", "best_known: column missing"),
        ("instance,p,radius_m,best_known\n", "lists no instance"),
        ("instance,p,radius_m,best_known\nTiny,two,3,4\nTiny,1\n", "2 faults"),
        ("instance,p,radius_m,best_known\nTiny,-1,3,4\n", "p >= 0"),
        ("instance,p,radius_m,best_known\nNone,1,3,4\n", "None.txt: no such file"),
    ],
)
def test_malformed_list_is_named(folder: Path, text: str, message: str):
    (folder / "best_known.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        bench_cases("coverage-maximo", folder)


def test_missing_folder_and_files_are_named(tmp_path: Path):
    with pytest.raises(InputError, match="no such folder"):
        bench_cases("coverage-maximo", tmp_path / "nowhere")
    with pytest.raises(InputError, match="no such folder"):
        bench_cases("coverage-maximo")
    with pytest.raises(InputError, match=r"best_known.csv: no such file; docs/benchmarks.md"):
        bench_cases("coverage-maximo", tmp_path)
    with pytest.raises(InputError, match="one of"):
        bench_cases("sudoku", tmp_path)
    (tmp_path / "best_known.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="a text file"):
        read_best_known(tmp_path / "best_known.csv")


def test_end_to_end(folder: Path, capsys: pytest.CaptureFixture[str]):
    started: list[str] = []
    rows = run_bench(
        "coverage-maximo", folder, only="*-p1", peers=("highs", "spopt_cbc"),
        on_start=started.append,
    )  # fmt: skip
    assert len(show.show_rows(rows, True)) == 1
    assert started == ["Tiny-p1: planner", "Tiny-p1: highs", "Tiny-p1: spopt_cbc"]
    (line,) = capsys.readouterr().out.splitlines()
    record = json.loads(line)
    assert set(record) == CONTRACT | {"status", "build_s", "message", "peers"}
    assert (record["instance"], record["status"]) == ("Tiny-p1", "OPTIMAL")
    assert record["value"] == record["bound"] == record["published"] == 40.0
    assert record["gap_frac"] == 0.0
    assert 0.0 < record["build_s"] < record["wall_s"] < 10.0
    assert 20.0 < record["peak_rss_mb"] < 1000.0
    highs, spopt = record["peers"]
    assert (highs["solver"], highs["status"], highs["value"]) == ("highs", "OPTIMAL", 40.0)
    assert spopt["status"] in ("NOT_INSTALLED", "OPTIMAL")


def test_missing_peer_is_no_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(run.PEERS, "stranger", ("no_such_package",))
    monkeypatch.setattr(run, "_wait", lambda *_: pytest.fail("nothing to start"))
    case = bench_cases("coverage-random")[0]
    row = run._solve(case, None, "stranger", 1.0, 0.0, 0)
    assert (row.status, row.message) == ("NOT_INSTALLED", "not installed: no_such_package")


def test_pattern_without_match_names_the_instances():
    with pytest.raises(InputError, match="matches none of 1000x100-p20"):
        list(run_bench("coverage-random", only="Kings*"))


def test_process_that_overstays_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run, "GRACE_S", 0.0)
    (tmp_path / "ready").touch()
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        overstayed = run._wait(process, tmp_path / "ready", 0.2)
        assert overstayed is not None
        assert 0.2 < overstayed[0] < 5.0
        assert process.returncode == -9


def test_crash_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(run.PEERS, "unheard_of", ("ortools",))
    monkeypatch.setattr(run.sys, "executable", "/bin/false")
    row = run._solve(bench_cases("coverage-maximo", folder)[0], folder, "highs", 1.0, 0.0, 0)
    assert (row.status, row.message) == ("ERROR", "exit code 1")


def test_tables_for_people(capsys: pytest.CaptureFixture[str]):
    own = PeerRow("planner", "FEASIBLE", 99.0, 100.0, 0.01, 0.5, 2.0, 100.0)
    peers = (
        PeerRow("highs", "OPTIMAL", 99.5, 100.0, 0.005, 1.0, 20.0, 300.0),
        PeerRow("gscip", "NO_SOLUTION", wall_s=70.0, message="killed at the limit"),
    )
    show.show_rows([BenchRow("Tiny-p1", 100.0, own, peers)], False)
    text = capsys.readouterr().out
    assert "99.000%" in text  # of the published value
    assert "10.0" in text  # times the planner's seconds
    assert "killed at the limit" in text


def small_case() -> BenchCase:
    return BenchCase("coverage-random", "small", 5, 12.0, None, num_zones=120, num_sites=25)


def test_random_points_depend_on_the_size_alone():
    first, second = case_points(small_case()), case_points(small_case())
    assert (first.zones.x == second.zones.x).all()
    assert (first.value == second.value).all()
    assert (first.value > 0).all()
    assert len(first.sites) == 25


@pytest.mark.parametrize("solver", PLAIN_SOLVERS)
def test_solvers_agree_with_the_planner(solver: str):
    ours = solve_case._by_planner(small_case(), 0.0, 30.0, 0)
    theirs = solve_case._by_plain_mip(small_case(), solver, 0.0, 30.0)
    assert ours["status"] is theirs["status"] is Status.OPTIMAL
    assert ours["value"] == pytest.approx(theirs["value"], rel=1e-6)
    assert 0.0 < theirs["build_s"] < theirs["wall_s"]


def test_plain_model_keeps_locks():
    problem = CoverageProblem(
        value=np.array([1.0, 2.0, 4.0]),
        reach=Lists.of([[0], [1], [2]]),
        rules=replace(
            SiteRules.free(3, most=2),
            forced=np.array([True, False, False]),
            forbidden=np.array([False, False, True]),
        ),
    )
    model = plain_coverage_model(problem).to_mathopt().export_model()
    assert list(model.variables.integers) == [True] * 3 + [False] * 3
    assert solve_plain(problem, "highs", gap_frac=0.0, time_limit_s=9.0).objective == 3.0


def test_distances_for_spopt_are_those_of_reach(folder: Path):
    for case in (small_case(), *bench_cases("coverage-maximo", folder)):
        points = case_points(case)
        matrix = solve_case._distance_matrix(points)
        reach_ptr, reach_zone_idx = within_distance(points.zones, points.sites, case.reach_km)
        site_idx, zone_idx = np.nonzero(case.reach_km >= matrix.T)
        assert zone_idx.tolist() == reach_zone_idx.tolist()
        assert np.bincount(site_idx, minlength=len(points.sites)).tolist() == (
            np.diff(reach_ptr).tolist()
        )


@pytest.mark.skipif("PLANNER_BENCH_DIR" not in os.environ, reason="PLANNER_BENCH_DIR is not set")
def test_public_instances():
    folder = Path(os.environ["PLANNER_BENCH_DIR"])
    names = {case.instance for case in bench_cases("coverage-maximo", folder)}
    assert {"Bronx-p50", "Bronx-p100", "Kings-p50", "Kings-p100"} <= names
    (row,) = run_bench("coverage-maximo", folder, only="Bronx-p100", time_limit_s=10.0, gap=0.0005)
    assert row.published == 1_385_099.0
    assert row.planner.value is not None
    assert 0.999 * row.published <= row.planner.value <= row.published
    assert row.planner.gap_frac is not None
    assert row.planner.gap_frac <= 0.0005
