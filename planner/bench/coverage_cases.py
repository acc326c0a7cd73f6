"""Covering benchmarks: their instances, and the points of each, read or drawn at random."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from planner.arrays import FloatArray
from planner.bench.case import BenchCase
from planner.bench.maximo import SPHERE_RADIUS_KM, read_best_known, read_census_blocks
from planner.errors import Fault, InputError
from planner.location.points import Points
from planner.units import EARTH_RADIUS_KM, METRES_PER_KM

MAXIMO_FOLDER = Path("coverage", "maximo")
"""Where its files lie when the folder given holds those of several benchmarks."""
SQUARE_KM, REACH_KM = 100.0, 5.0
"""Random instances: points are uniform in a square of this side; a site reaches this far."""
RANDOM_SIZES = ((1_000, 100, 20), (5_000, 1_000, 50), (20_000, 1_000, 50), (20_000, 1_000, 100))
"""Zones, sites and stations of the random instances."""


class CasePoints(NamedTuple):
    """Where zones and sites are, and what each zone is worth."""

    zones: Points
    sites: Points
    value: FloatArray


def maximo_cases(folder: Path | None) -> tuple[BenchCase, ...]:
    """Instances of the public census blocks, checked; raises `InputError` on a faulty folder."""
    if folder is None or not folder.is_dir():
        remedy = "a folder with best_known.csv and the files it names (docs/benchmarks.md)"
        raise InputError([Fault(str(folder or "--instances"), None, "", "no such folder", remedy)])
    if not (folder / "best_known.csv").exists() and (folder / MAXIMO_FOLDER).is_dir():
        folder = folder / MAXIMO_FOLDER
    known = read_best_known(folder / "best_known.csv")
    faults: list[Fault] = []
    for name in dict.fromkeys(row.instance for row in known):
        try:
            read_census_blocks(folder / f"{name}.txt")
        except InputError as error:
            faults.extend(error.faults)
    if faults:
        raise InputError(faults, source=str(folder))
    return tuple(
        BenchCase(
            "coverage-maximo",
            f"{row.instance}-p{row.num_stations}",
            row.num_stations,
            # The authors' sphere is a little larger: their metres are fewer of ours.
            row.radius_m / METRES_PER_KM * (EARTH_RADIUS_KM / SPHERE_RADIUS_KM),
            row.best_known,
            folder / f"{row.instance}.txt",
        )
        for row in sorted(known, key=lambda row: (row.instance, row.num_stations))
    )


def case_points(case: BenchCase) -> CasePoints:
    """Read or draw the points of an instance.

    Parameters
    ----------
    case : BenchCase

    Returns
    -------
    CasePoints
    """
    if case.file is not None:
        lon, lat, value = read_census_blocks(case.file)
        blocks = Points(lon, lat, "")
        return CasePoints(blocks, blocks, value)
    rng = np.random.default_rng([case.num_zones, case.num_sites])
    side_m = SQUARE_KM * METRES_PER_KM
    zone_xy = rng.uniform(0.0, side_m, (2, case.num_zones))
    site_xy = rng.uniform(0.0, side_m, (2, case.num_sites))
    zones, sites = (Points(xy[0], xy[1], "random square") for xy in (zone_xy, site_xy))
    return CasePoints(zones, sites, rng.lognormal(0.0, 1.0, case.num_zones))
