"""Open planning optimizer for battery-swap networks and sodium-ion fleets.

>>> import planner
>>> planned = planner.plan(planner.read_instance("instances/tutorial"))  # doctest: +SKIP
>>> planned.plan.models[0].gap_frac  # doctest: +SKIP
0.0
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planner.instance import Instance, read_instance
    from planner.location import (
        LocationResult,
        facility_location,
        maximal_covering,
        p_median,
        set_cover,
    )
    from planner.models.coverage.solve import solve_coverage
    from planner.models.national.solve import solve_national
    from planner.models.sized_coverage.solve import solve_sized_coverage
    from planner.outputs.run_folder import write_run
    from planner.planning.check_plan import check_plan
    from planner.planning.clock import StageClock
    from planner.planning.pipeline import plan
    from planner.planning.result import Planned

__all__ = [
    "Instance",
    "LocationResult",
    "Planned",
    "StageClock",
    "check_plan",
    "facility_location",
    "maximal_covering",
    "p_median",
    "plan",
    "read_instance",
    "set_cover",
    "solve_coverage",
    "solve_national",
    "solve_sized_coverage",
    "write_run",
]

_HOME = {
    "Instance": "planner.instance",
    "LocationResult": "planner.location",
    "Planned": "planner.planning.result",
    "StageClock": "planner.planning.clock",
    "check_plan": "planner.planning.check_plan",
    "facility_location": "planner.location",
    "maximal_covering": "planner.location",
    "p_median": "planner.location",
    "plan": "planner.planning.pipeline",
    "read_instance": "planner.instance",
    "set_cover": "planner.location",
    "solve_coverage": "planner.models.coverage.solve",
    "solve_national": "planner.models.national.solve",
    "solve_sized_coverage": "planner.models.sized_coverage.solve",
    "write_run": "planner.outputs.run_folder",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: ``import planner`` stays fast."""
    if name not in _HOME:
        raise AttributeError(f"module 'planner' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
