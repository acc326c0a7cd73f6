"""What a result depends on besides its input: the versions installed, and the code itself."""

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
