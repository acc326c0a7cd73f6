"""Files of the census-block instances of Maximo, Cordeau and Nascimento (2023).

International Transactions in Operational Research. A file names its DIMENSION n, then lists n lines
"latitude longitude" in NODE_COORD_SECTION and n weights in DEMAND_SECTION, then EOF; every block is
both customer and site.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from planner.arrays import FloatArray
from planner.errors import Fault, InputError

SPHERE_RADIUS_KM = 6378.1
"""Radius of the sphere on which the authors measure distances."""
COLUMNS = ("instance", "p", "radius_m", "best_known")


@dataclass(frozen=True)
class BestKnown:
    """A row of best_known.csv."""

    instance: str
    num_stations: int
    radius_m: float
    best_known: float


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        remedy = "no such file; docs/benchmarks.md tells where to get it"
        raise InputError([Fault(str(path), None, "", "", remedy)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([Fault(str(path), None, "", str(error), "a text file")]) from None


def read_best_known(path: Path) -> list[BestKnown]:
    """Read the instances and the best values known.

    Parameters
    ----------
    path : Path
        CSV with columns instance, p, radius_m, best_known; others are passed over.

    Returns
    -------
    list of BestKnown

    Raises
    ------
    InputError
        If the file or a column is missing or a number is none; names every row.
    """
    reader = csv.DictReader(_lines(path))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError([Fault(str(path), 1, name, "", "column missing") for name in missing])
    rows, faults = [], []
    for record in reader:
        try:
            row = BestKnown(
                record["instance"].strip(),
                int(record["p"]),
                float(record["radius_m"]),
                float(record["best_known"]),
            )
        except (TypeError, ValueError, AttributeError):
            remedy = "a name, a whole number and two numbers"
            faults.append(Fault(str(path), reader.line_num, "", str(record), remedy))
            continue
        if not row.instance or row.num_stations < 0 or not row.radius_m >= 0:
            remedy = "a name, p >= 0 and radius_m >= 0"
            faults.append(Fault(str(path), reader.line_num, "", str(record), remedy))
        rows.append(row)
    if not rows and not faults:
        faults.append(Fault(str(path), None, "", "", "lists no instance"))
    if faults:
        raise InputError(faults)
    return rows


def read_census_blocks(path: Path) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Read the blocks of one instance.

    Parameters
    ----------
    path : Path

    Returns
    -------
    lon, lat : float arrays, shape (num_blocks,)
        Degrees.
    weight : float array, shape (num_blocks,)
        Inhabitants.

    Raises
    ------
    InputError
        If the file is missing or cut short, or a line is not what it should be.
    """
    lines = [line.strip() for line in _lines(path)]
    heads = {line.partition(":")[0].strip(): at for at, line in reversed(list(enumerate(lines)))}
    needed = ("DIMENSION", "NODE_COORD_SECTION", "DEMAND_SECTION")
    missing = [Fault(str(path), None, name, "", "not in the file") for name in needed
               if name not in heads]  # fmt: skip
    if missing:
        raise InputError(missing)
    told = lines[heads["DIMENSION"]].partition(":")[2].strip()
    if not told.isdigit():
        remedy = "a whole number"
        raise InputError([Fault(str(path), heads["DIMENSION"] + 1, "DIMENSION", told, remedy)])
    tables, faults = [], []
    for section, width, remedy in (
        ("NODE_COORD_SECTION", 2, "latitude in [-90, 90] and longitude in [-180, 180]"),
        ("DEMAND_SECTION", 1, "one weight >= 0"),
    ):
        first = heads[section] + 1
        table = []
        for row, line in enumerate(lines[first : first + int(told)], start=first + 1):
            numbers = _numbers(line, width)
            if numbers is None:
                faults.append(Fault(str(path), row, section, line, remedy))
                break
            table.append(numbers)
        else:
            if len(table) < int(told):
                short = f"{len(table)} lines, DIMENSION says {told}"
                faults.append(Fault(str(path), None, section, short, "the file is cut short"))
        tables.append(table)
    if faults:
        raise InputError(faults)
    (lat, lon), (weight,) = (np.array(table, dtype=np.float64).T for table in tables)
    return lon, lat, weight


def _numbers(line: str, width: int) -> list[float] | None:
    """Numbers of a line within their limits: a coordinate pair, or a weight."""
    try:
        numbers = [float(token) for token in line.split()]
    except ValueError:
        return None
    if len(numbers) != width:
        return None
    low, high = ((-90.0, -180.0), (90.0, 180.0)) if width == 2 else ((0.0,), (1e300,))
    inside = all(a <= x <= b for a, x, b in zip(low, numbers, high, strict=True))
    return numbers if inside else None
