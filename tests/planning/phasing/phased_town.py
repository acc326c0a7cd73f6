"""The tutorial's town with openings by period."""

from collections.abc import Mapping

from planner.instance import Instance
from tests.scenarios import with_settings


def phased_town(
    tutorial: Instance,
    *,
    siting: Mapping[str, object] | None = None,
    last_quarter: str = "2027Q1",
    **phasing: object,
) -> Instance:
    """A horizon from 2026Q2, and settings of ``[phasing]`` and ``[siting]``."""
    return with_settings(
        tutorial,
        horizon={"first_quarter": "2026Q2", "last_quarter": last_quarter},
        phasing=phasing,
        siting=siting or {},
        simulation={"replications": 0},
    )
