"""Which of the package's numba kernels stand as machine code on the disk."""

import re
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from planner.solving.kernels import is_on_disk, kernels_of

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
        for kernel in kernels_of(module):
            folders[Path(kernel.stats.cache_path)] = None
            num_all += 1
            num_compiled += is_on_disk(kernel)
    return Kernels(num_all, num_compiled, tuple(folders))
