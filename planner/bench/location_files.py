"""Files of public location instances: OR-Library and TSPLIB.

p-median (Beasley 1985, EJOR 21:270-273): a graph; the first line holds vertices, edges and p, the
others an edge and its length. An edge listed twice counts as listed last; distances are those of
shortest paths. TSPLIB (Reinelt 1991): points in a plane, their distances rounded down.

Warehouse location (Beasley 1988, EJOR 33:57-65): numbers of sites and zones, per site a capacity
and a fixed cost, per zone its demand and the cost of serving all of it from each site.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

from planner.arrays import FloatArray, Lists
from planner.errors import Fault, InputError
from planner.models.p_median.problem import PairDistances, PointDistances


class KnownValue(NamedTuple):
    """A row of best_known.csv."""

    instance: str
    num_stations: int
    capacity: float | None
    best_known: float


class Warehouses(NamedTuple):
    """A warehouse location instance; shapes (sites,), (sites,), (zones,) and (zones, sites)."""

    capacity: FloatArray
    fixed_cost: FloatArray
    demand: FloatArray
    cost: FloatArray


def _fail(path: Path, row: int | None, value: str, remedy: str) -> InputError:
    return InputError([Fault(str(path), row, "", value, remedy)])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise _fail(path, None, "", "no such file; docs/benchmarks.md tells where") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _fail(path, None, str(error), "a text file") from None


def _numbers(path: Path, text: str) -> FloatArray:
    try:
        numbers = np.array(text.split(), dtype=np.float64)
    except ValueError as error:
        raise _fail(path, None, str(error), "numbers only") from None
    if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
        raise _fail(path, None, "", "numbers >= 0 only")
    return numbers


def read_known_values(path: Path, value_columns: tuple[str, ...]) -> list[KnownValue]:
    """Read instances and the best values known.

    Parameters
    ----------
    path : Path
        CSV with columns ``instance``, one of ``value_columns``, and ``p`` or ``capacity``.
    value_columns : tuple of str
        Names under which the values may stand.

    Raises
    ------
    InputError
        If the file or a column is missing, or a number is none; names every row.
    """
    reader = csv.DictReader(_text(path).splitlines())
    names = reader.fieldnames or ()
    value = next((name for name in value_columns if name in names), None)
    if value is None or "instance" not in names:
        raise _fail(path, 1, ", ".join(names), f"columns instance and {' or '.join(value_columns)}")
    rows, faults = [], []
    for record in reader:
        try:
            capacity = record.get("capacity") or None
            row = KnownValue(
                record["instance"].strip(),
                int(record.get("p") or 0),
                float(capacity) if capacity else None,
                float(record[value]),
            )
        except (TypeError, ValueError, AttributeError):
            faults.append(Fault(str(path), reader.line_num, "", str(record), "a name and numbers"))
            continue
        rows.append(row)
    if not rows and not faults:
        faults.append(Fault(str(path), None, "", "", "lists no instance"))
    if faults:
        raise InputError(faults)
    return rows


def read_graph_distances(path: Path) -> PairDistances:
    """Shortest-path distances between all vertices of an OR-Library p-median instance.

    Raises
    ------
    InputError
        If the file is missing, cut short, not connected or not made of numbers.
    """
    from scipy.sparse.csgraph import shortest_path

    numbers = _numbers(path, _text(path))
    if len(numbers) < 3 or len(numbers) != 3 + 3 * int(numbers[1]):
        raise _fail(path, None, f"{len(numbers)} numbers", "vertices, edges, p, then three an edge")
    num_nodes = int(numbers[0])
    edges = numbers[3:].reshape(-1, 3)
    ends = edges[:, :2].astype(np.int64) - 1
    if len(ends) and not (ends.min() >= 0 and ends.max() < num_nodes):
        raise _fail(path, None, "", f"vertices are numbered from 1 to {num_nodes}")
    graph = np.full((num_nodes, num_nodes), np.inf)
    for (one, other), length in zip(ends.tolist(), edges[:, 2].tolist(), strict=True):
        graph[one, other] = graph[other, one] = length
    distance = shortest_path(graph, directed=False)
    if not np.isfinite(distance).all():
        raise _fail(path, None, "", "the graph is not connected")
    return PairDistances(
        sites=Lists(
            np.arange(num_nodes + 1) * num_nodes,
            np.tile(np.arange(num_nodes, dtype=np.int32), num_nodes),
        ),
        distance=distance.ravel(),
        unserved=float(distance.max()),
        num_sites=num_nodes,
    )


def read_tsp_distances(path: Path) -> PointDistances:
    """Points of a TSPLIB file, distances rounded down.

    Raises
    ------
    InputError
        If the file is missing, has no coordinates or not as many as it says.
    """
    lines = [line.strip() for line in _text(path).splitlines()]
    heads = {line.partition(":")[0].strip(): at for at, line in reversed(list(enumerate(lines)))}
    if "NODE_COORD_SECTION" not in heads or "DIMENSION" not in heads:
        raise _fail(path, None, "", "DIMENSION and NODE_COORD_SECTION are expected")
    told = lines[heads["DIMENSION"]].partition(":")[2].strip()
    places = []
    first = heads["NODE_COORD_SECTION"] + 1
    for row, line in enumerate(lines[first:], start=first + 1):
        if line in ("EOF", ""):
            break
        try:
            _, x, y = (float(token) for token in line.split())
        except ValueError:
            raise _fail(path, row, line, "a number and two coordinates") from None
        places.append((x, y))
    if told != str(len(places)):
        raise _fail(path, None, f"{len(places)} points", f"DIMENSION says {told}")
    xy = np.array(places)
    return PointDistances(xy, xy, whole=True)


def read_warehouses(path: Path, capacity: float | None = None) -> Warehouses:
    """Read a warehouse location instance.

    Parameters
    ----------
    path : Path
    capacity : float, optional
        Capacity of every site, where the file holds the word ``capacity`` in its place.

    Raises
    ------
    InputError
        If the file is missing, cut short or not made of numbers.
    """
    text = _text(path)
    if capacity is not None:
        text = text.replace("capacity", repr(capacity))
    numbers = _numbers(path, text)
    num_sites, num_zones = (int(number) for number in numbers[:2]) if len(numbers) > 1 else (0, 0)
    expected = 2 + 2 * num_sites + num_zones * (1 + num_sites)
    if len(numbers) != expected or num_sites == 0:
        raise _fail(path, None, f"{len(numbers)} numbers", f"its first two tell {expected}")
    sites = numbers[2 : 2 + 2 * num_sites].reshape(num_sites, 2)
    zones = numbers[2 + 2 * num_sites :].reshape(num_zones, 1 + num_sites)
    if capacity is not None:
        sites = np.column_stack((np.full(num_sites, capacity), sites[:, 1]))
    return Warehouses(sites[:, 0], sites[:, 1], zones[:, 0], zones[:, 1:])
