"""Which numba kernels of the package stand as machine code, and which are still to be compiled."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any


def kernels_of(module: ModuleType) -> Iterator[Any]:
    """Kernels that a module defines, but for those that are only compiled as parts of others."""
    for kernel in tuple(vars(module).values()):
        if getattr(kernel, "__module__", "") != module.__name__ or not hasattr(kernel, "py_func"):
            continue
        if kernel.targetoptions.get("inline") != "always":
            yield kernel


def is_on_disk(kernel: Any) -> bool:
    """Whether numba's index of the kernel is there, and no older than its source."""
    source, folder = Path(kernel.py_func.__code__.co_filename), Path(kernel.stats.cache_path)
    line = kernel.py_func.__code__.co_firstlineno
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    name = f"{source.stem}.{kernel.py_func.__qualname__}-{line}.{version}*.nbi"
    changed = source.stat().st_mtime
    return any(path.stat().st_mtime >= changed for path in folder.glob(name))


def num_left() -> int:
    """Kernels of the package's loaded modules that a call would compile; most are never called."""
    modules = [module for name, module in tuple(sys.modules.items()) if name.startswith("planner.")]
    return sum(
        not kernel.overloads and not is_on_disk(kernel)
        for module in modules
        for kernel in kernels_of(module)
    )
