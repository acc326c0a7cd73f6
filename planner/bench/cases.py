"""What is measured: the instances of each benchmark, by its name."""

from pathlib import Path

from planner.bench.case import BenchCase
from planner.bench.coverage_cases import RANDOM_SIZES, REACH_KM, maximo_cases
from planner.bench.location_cases import facility_cases, p_median_cases, set_cover_cases
from planner.bench.refuelling_cases import refuelling_cases
from planner.errors import Fault, InputError

BENCHES = (
    "coverage-maximo",
    "coverage-random",
    "p-median",
    "facility-location",
    "set-cover",
    "flow-refuelling",
)


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
        return p_median_cases(folder)
    if bench == "facility-location":
        return facility_cases(folder)
    if bench == "set-cover":
        return set_cover_cases(folder)
    if bench == "flow-refuelling":
        return refuelling_cases(folder)
    if bench != "coverage-maximo":
        raise InputError([Fault("planner bench", None, "NAME", bench, f"one of {BENCHES}")])
    return maximo_cases(folder)
