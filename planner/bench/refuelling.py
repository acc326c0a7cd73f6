"""Files of the flow-refuelling instances: the 25-node network and California's.

25 nodes: Simchi-Levi and Berman, Hodgson (1990), Kuby and Lim (2005). California, 339 nodes: after
Arslan and Karasan (2016). Every node is a site and no node has a station of its own. A flow
w_i w_j / d^1.5 runs between every two nodes of positive weight, on one shortest path, there and
back again and again; it is refuelled if the end of every arc lies within the range of an open node
behind it on this tour.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import dijkstra

from planner.arrays import FloatArray, IntArray, Lists
from planner.errors import Fault, InputError
from planner.models.refuelling.problem import FlowRefuellingProblem
from planner.physics.round_trip import minimal_windows, reach_windows, there_and_back
from planner.solving.rules import SiteRules

NETWORKS = {
    "node25": ("node25/25-Node_Network_Edges.csv", "node25/25-Node_Network_Nodes.csv"),
    "california": ("california/ARCS.txt", "california/NODES.txt"),
}
"""Files with arcs and with nodes, below the folder given."""
COLUMNS = ("network", "range", "p", "covered_flow")
DISTANCE_EXPONENT = 1.5


class KnownOptimum(NamedTuple):
    """A row of computed_optima.csv."""

    network: str
    vehicle_range: float
    num_stations: int
    covered_flow: float


@dataclass(frozen=True)
class RefuellingNetwork:
    """A network of the literature; nodes by position in the file.

    Attributes
    ----------
    weight : float array, shape (num_nodes,)
        Population or attraction of each node.
    from_idx, to_idx : int arrays, shape (num_arcs,)
        Ends of each arc.
    length : float array, shape (num_arcs,)
        In the unit of the range.
    """

    weight: FloatArray
    from_idx: IntArray
    to_idx: IntArray
    length: FloatArray


def _rows(path: Path) -> list[list[str]]:
    """Cells of a file, comma- or blank-separated, without the header of a comma-separated one."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        remedy = "no such file; docs/benchmarks.md tells where to get it"
        raise InputError([Fault(str(path), None, "", "", remedy)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Fault(str(path), None, "", str(error), "a text file")]) from None
    if path.suffix == ".csv":
        return [row for row in csv.reader(text.splitlines()[1:]) if row]
    return [line.split() for line in text.splitlines() if line.strip()]


def _numbers(path: Path, rows: list[list[str]], columns: tuple[int, ...]) -> FloatArray:
    """Some columns of the rows as numbers >= 0, shape (num_rows, num_columns)."""
    table, faults = [], []
    for at, row in enumerate(rows, start=1):
        try:
            numbers = [float(row[column]) for column in columns]
        except (IndexError, ValueError):
            numbers = [-1.0]
        if not all(0.0 <= number < np.inf for number in numbers):
            faults.append(Fault(str(path), at, "", " ".join(row), "numbers >= 0 are expected"))
        table.append(numbers)
    if not table:
        faults.append(Fault(str(path), None, "", "", "the file is empty"))
    if faults:
        raise InputError(faults)
    return np.array(table, dtype=np.float64)


def read_network(folder: Path, network: str) -> RefuellingNetwork:
    """Read one network.

    Parameters
    ----------
    folder : Path
        Folder with the networks' folders.
    network : str
        One of `NETWORKS`.

    Returns
    -------
    RefuellingNetwork

    Raises
    ------
    InputError
        If a file is missing or holds anything but numbers, or an arc ends nowhere.
    """
    arcs_path, nodes_path = (folder / name for name in NETWORKS[network])
    # California's lines begin with the number of the arc, and write its length before its ends.
    arc_columns = (0, 1, 2) if arcs_path.suffix == ".csv" else (2, 3, 1)
    arcs = _numbers(arcs_path, _rows(arcs_path), arc_columns)
    nodes = _numbers(nodes_path, _rows(nodes_path), (0, 1))
    position = {int(node): at for at, node in enumerate(nodes[:, 0])}
    faults = [
        Fault(str(arcs_path), at, "", f"node {end:g}", f"is not in {nodes_path.name}")
        for at, row in enumerate(arcs, start=1)
        for end in row[:2]
        if int(end) not in position
    ]
    if faults:
        raise InputError(faults)
    from_idx, to_idx = (
        np.array([position[int(end)] for end in arcs[:, column]], dtype=np.int64)
        for column in (0, 1)
    )
    return RefuellingNetwork(nodes[:, 1], from_idx, to_idx, arcs[:, 2])


def read_optima(path: Path) -> list[KnownOptimum]:
    """Read the optima known.

    Parameters
    ----------
    path : Path
        CSV with columns network, range, p, covered_flow; others are passed over.

    Returns
    -------
    list of KnownOptimum

    Raises
    ------
    InputError
        If the file, a column or a network is missing or a number is none.
    """
    _rows(path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise InputError([Fault(str(path), 1, name, "", "column missing") for name in missing])
        optima, faults = [], []
        for record in reader:
            try:
                row = KnownOptimum(
                    record["network"],
                    float(record["range"]),
                    int(record["p"]),
                    float(record["covered_flow"]),
                )
            except (TypeError, ValueError):
                row = KnownOptimum("", 0.0, 0, 0.0)
            if row.network not in NETWORKS or not row.vehicle_range > 0 or row.num_stations < 0:
                remedy = f"a network ({', '.join(NETWORKS)}), range > 0, p >= 0 and the flow"
                faults.append(Fault(str(path), reader.line_num, "", str(record), remedy))
            optima.append(row)
    if not optima:
        faults.append(Fault(str(path), None, "", "", "lists no instance"))
    if faults:
        raise InputError(faults)
    return optima


def flow_problem(
    network: RefuellingNetwork, vehicle_range: float, num_stations: int
) -> FlowRefuellingProblem:
    """The problem of one network, range and number of stations.

    Parameters
    ----------
    network : RefuellingNetwork
    vehicle_range : float
        In the unit of the arcs, > 0.
    num_stations : int
        Open nodes, >= 0.

    Returns
    -------
    FlowRefuellingProblem
        A flow per unordered pair with a path; its cover sets are the minimal ones of its tour.
    """
    num_nodes = len(network.weight)
    ends = np.flatnonzero(network.weight > 0)
    roads = scipy.sparse.csr_matrix(
        (network.length, (network.from_idx, network.to_idx)), shape=(num_nodes, num_nodes)
    )
    distance, before = dijkstra(roads, indices=ends, return_predecessors=True)
    value, needs = [], []
    sets: dict[tuple[int, ...], int] = {}
    for row, origin in enumerate(ends):
        for destination in ends[row + 1 :]:
            if not np.isfinite(distance[row, destination]):
                continue
            stops = [int(destination)]
            while stops[-1] != origin:
                stops.append(int(before[row, stops[-1]]))
            way = np.array(stops[::-1])
            along = there_and_back(np.diff(distance[row, way]))
            windows = reach_windows(along, np.full(len(along), vehicle_range))
            first, after = minimal_windows(
                windows.first, windows.last, np.ones(len(along), dtype=np.bool_)
            )
            tour = np.tile(np.concatenate((way[:-1], way[:0:-1])), 2)
            needed = {
                sets.setdefault(tuple(np.unique(tour[low:high]).tolist()), len(sets))
                for low, high in zip(first, after, strict=True)
            }
            needs.append(sorted(needed))
            apart = distance[row, destination] ** DISTANCE_EXPONENT
            value.append(network.weight[origin] * network.weight[destination] / apart)
    members = Lists.of(sets)
    return FlowRefuellingProblem(
        value=np.array(value),
        flow_idx=np.arange(len(value)),
        needs=Lists.of(needs),
        members=members,
        is_return=np.zeros(members.num_entries, dtype=np.bool_),
        load=np.zeros(len(value)),
        season_idx=np.zeros(len(value), dtype=np.int64),
        capacity=np.full(num_nodes, np.inf),
        rules=SiteRules.free(num_nodes, num_stations),
    )
