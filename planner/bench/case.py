"""One instance of a benchmark: what every bench names its instances by; reads no file."""

from dataclasses import dataclass
from pathlib import Path


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
