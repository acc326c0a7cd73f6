"""What is measured: the instances of each benchmark, and their points."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from planner.arrays import FloatArray
from planner.bench.maximo import SPHERE_RADIUS_KM, read_best_known, read_census_blocks
from planner.errors import Fault, InputError
from planner.location.points import Points
from planner.units import EARTH_RADIUS_KM, METRES_PER_KM

BENCHES = (
    "coverage-maximo",
    "coverage-random",
    "p-median",
    "facility-location",
    "set-cover",
    "flow-refuelling",
)
MAXIMO_FOLDER = Path("coverage", "maximo")
"""Where its files lie when the folder given holds those of several benchmarks."""
SQUARE_KM, REACH_KM = 100.0, 5.0
"""Random instances: points are uniform in a square of this side; a site reaches this far."""
RANDOM_SIZES = ((1_000, 100, 20), (5_000, 1_000, 50), (20_000, 1_000, 50), (20_000, 1_000, 100))
"""Zones, sites and stations of the random instances."""


@dataclass(frozen=True)
class BenchCase:
    """One instance of a benchmark; its points are read by the process that solves it.

    Attributes
    ----------
    bench : str
        Name of the benchmark.
    instance : str
        Name of the instance, unique within it.
    num_stations : int
        Budget p.
    reach_km : float
        A site covers zones up to this far away [km]; range of a vehicle, in the unit of its
        network, where flows are refuelled.
    published : float or None
        Best value known from literature.
    file : Path or None
        Where the points stand; None where they are drawn at random. Folder of the networks where
        flows are refuelled.
    num_zones, num_sites : int
        Size of a random instance; 0 where the file tells.
    capacity : float or None
        Capacity of every site, where the file leaves it open.
    network : str
        Network whose flows are refuelled.
    """

    bench: str
    instance: str
    num_stations: int
    reach_km: float
    published: float | None
    file: Path | None = None
    num_zones: int = 0
    num_sites: int = 0
    capacity: float | None = None
    network: str = ""


class CasePoints(NamedTuple):
    """Where zones and sites are, and what each zone is worth."""

    zones: Points
    sites: Points
    value: FloatArray


def bench_cases(bench: str, folder: Path | None = None) -> tuple[BenchCase, ...]:
    """Instances of a benchmark, in the order in which they are run.

    Parameters
    ----------
    bench : str
        One of `BENCHES`.
    folder : Path, optional
        Folder with the public files, which are checked here; not needed for random instances.

    Returns
    -------
    tuple of BenchCase

    Raises
    ------
    InputError
        If the folder or a file is missing, or a file cannot be understood.

    Examples
    --------
    >>> [case.instance for case in bench_cases("coverage-random")][:2]
    ['1000x100-p20', '5000x1000-p50']
    """
    if bench == "coverage-random":
        return tuple(
            BenchCase(
                bench, f"{num_zones}x{num_sites}-p{num_stations}", num_stations, REACH_KM, None,
                num_zones=num_zones, num_sites=num_sites,
            )
            for num_zones, num_sites, num_stations in RANDOM_SIZES
        )  # fmt: skip
    if bench == "p-median":
        from planner.bench.location_cases import p_median_cases

        return p_median_cases(folder)
    if bench == "facility-location":
        from planner.bench.location_cases import facility_cases

        return facility_cases(folder)
    if bench == "set-cover":
        from planner.bench.location_cases import set_cover_cases

        return set_cover_cases(folder)
    if bench == "flow-refuelling":
        from planner.bench.refuelling_cases import refuelling_cases

        return refuelling_cases(folder)
    if bench != "coverage-maximo":
        raise InputError([Fault("planner bench", None, "NAME", bench, f"one of {BENCHES}")])
    return _maximo_cases(folder)


def _maximo_cases(folder: Path | None) -> tuple[BenchCase, ...]:
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
