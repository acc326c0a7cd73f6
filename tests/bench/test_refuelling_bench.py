import json
import os
from pathlib import Path

import numpy as np
import pytest

from planner.bench import bench_cases, run, show
from planner.bench.refuelling import RefuellingNetwork, flow_problem, read_network
from planner.errors import InputError
from planner.models.refuelling.solve import solve_flow_refuelling
from planner.solving.options import SolveOptions

ROAD = RefuellingNetwork(
    np.array([1.0, 0.0, 4.0]), np.array([0, 1, 1, 2]), np.array([1, 0, 2, 1]), np.full(4, 2.0)
)
"""Three nodes in a row; people live at both ends, 4 apart: one flow of 1 * 4 / 4^1.5 = 0.5."""
EDGES = "Origin, Destination, Edge Length\n1,2,2\n2,1,2\n2,3,2\n3,2,2\n"
NODES = "Node,Population Weight\n1,1\n2,0\n3,4\n"
OPTIMA = "network,range,p,covered_flow,note\nnode25,4,1,0.5,by hand\nnode25,3,2,0,by hand\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "node25").mkdir()
    (tmp_path / "node25/25-Node_Network_Edges.csv").write_text("\ufeff" + EDGES, encoding="utf-8")
    (tmp_path / "node25/25-Node_Network_Nodes.csv").write_text(NODES, encoding="utf-8")
    (tmp_path / "computed_optima.csv").write_text(OPTIMA, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("vehicle_range", "num_stations", "value"),
    [(8.0, 1, 0.5), (4.0, 1, 0.5), (3.9, 1, 0.0), (3.9, 2, 0.0), (3.9, 3, 0.5), (1.9, 3, 0.0)],
)
def test_range_by_hand(vehicle_range: float, num_stations: int, value: float):
    # Range 4: from the middle to an end and back. Below that every node must be open.
    problem = flow_problem(ROAD, vehicle_range, num_stations)
    solution = solve_flow_refuelling(problem, SolveOptions(gap_frac=0.0))
    assert solution.proof.objective == pytest.approx(value)
    assert solution.proof.bound == pytest.approx(value)


def test_network_is_read(folder: Path):
    network = read_network(folder, "node25")
    assert network.weight.tolist() == [1.0, 0.0, 4.0]
    assert sorted(zip(network.from_idx.tolist(), network.to_idx.tolist(), strict=True)) == [
        (0, 1), (1, 0), (1, 2), (2, 1)
    ]  # fmt: skip


def test_cases_name_range_and_stations(folder: Path):
    cases = bench_cases("flow-refuelling", folder)
    assert [case.instance for case in cases] == ["node25-r4-p1", "node25-r3-p2"]
    assert [case.published for case in cases] == [0.5, 0.0]


def test_bench_solves_them_in_processes_of_their_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    show.show_rows(run.run_bench("flow-refuelling", folder), as_json=True)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["value"] for row in rows] == [row["published"] for row in rows]
    assert [row["status"] for row in rows] == ["OPTIMAL"] * 2


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("computed_optima.csv", "covered_flow", "flow", "covered_flow: column missing"),
        ("computed_optima.csv", "node25,4", "nowhere,4", "a network (node25, california)"),
        ("node25/25-Node_Network_Edges.csv", "2,3,2", "2,9,2", "node 9: is not in"),
        ("node25/25-Node_Network_Nodes.csv", "3,4", "3,four", "numbers >= 0 are expected"),
    ],
)
def test_faults_are_named(folder: Path, file: str, old: str, new: str, message: str):
    path = folder / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as error:
        bench_cases("flow-refuelling", folder)
    assert message in str(error.value)


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"computed_optima\.csv"):
        bench_cases("flow-refuelling", tmp_path / "absent")


@pytest.mark.skipif("PLANNER_BENCH_DIR" not in os.environ, reason="PLANNER_BENCH_DIR is not set")
def test_public_instances_reach_the_optima_listed():
    folder = Path(os.environ["PLANNER_BENCH_DIR"])
    for row in run.run_bench("flow-refuelling", folder, only="*-p10"):
        assert row.planner.status == "OPTIMAL"
        assert row.planner.value == pytest.approx(row.published, abs=1e-3)
