"""Which of the package's numba kernels stand as machine code on the disk."""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = Path(__file__).parents[1]
_KERNEL = re.compile(r"^@(numba\.)?njit\(", re.MULTILINE)


class Kernels(NamedTuple):
    """Kernels of the package, how many of them are compiled, and where that is kept."""

    num_all: int
    num_compiled: int
    folders: tuple[Path, ...]


def find_kernels(package: Path = PACKAGE) -> Kernels:
    """Look up every kernel's file.

    Parameters
    ----------
    package : Path
        Folder of the package `planner`.

    Returns
    -------
    Kernels

    Raises
    ------
    RuntimeError
        From numba, if no folder can be written to.
    """
    num_all = num_compiled = 0
    folders: dict[Path, None] = {}
    for path in sorted(package.rglob("*.py")):
        if not _KERNEL.search(path.read_text(encoding="utf-8")):
            continue
        module = import_module(".".join(("planner", *path.relative_to(package).parts))[:-3])
        for kernel in vars(module).values():
            if getattr(kernel, "__module__", "") != module.__name__:
                continue
            if not hasattr(kernel, "py_func"):
                continue
            folder = Path(kernel.stats.cache_path)
            folders[folder] = None
            num_all += 1
            num_compiled += _is_compiled(kernel, path, folder)
    return Kernels(num_all, num_compiled, tuple(folders))


def _is_compiled(kernel: Any, source: Path, folder: Path) -> bool:
    """Whether numba's index of the kernel is there, and no older than its source."""
    line = kernel.py_func.__code__.co_firstlineno
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    name = f"{source.stem}.{kernel.py_func.__qualname__}-{line}.{version}*.nbi"
    changed = source.stat().st_mtime
    return any(path.stat().st_mtime >= changed for path in folder.glob(name))
