"""Who hears that kernels are compiled: of these, the last. Loads nothing, so that all can ask.

`planner.solving.compiling` tells; a command line puts itself first, a run's clock after it.
"""

from collections.abc import Callable

CompileListener = Callable[[int, float], None]
"""Told, as a kernel begins to compile, its number in this process and the seconds so far."""

listeners: list[CompileListener] = []
"""The last one hears."""
