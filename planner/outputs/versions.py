"""What a result depends on besides its input, versions and code, and what making it took."""

import hashlib
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("planner", "geopandas", "h3", "numba", "numpy", "ortools", "pandas", "pyogrio",
             "scipy", "shapely")  # fmt: skip


def installed_versions() -> dict[str, str]:
    """Versions of Python, of this package and of those that can change a plan."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def code_digest() -> str:
    """SHA-256 of this package's files: two states of the code under one version differ."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def peak_rss_mb() -> float:
    """Largest resident memory of this process, and of the largest of its children [MB].

    Windows tells that of this process only.
    """
    try:
        import resource
    except ImportError:
        import psutil

        memory: Any = psutil.Process().memory_info()
        return float(getattr(memory, "peak_wset", memory.rss)) / 1e6
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    usage = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF,
             resource.RUSAGE_CHILDREN))  # fmt: skip
    return max(usage) * unit / 1e6
