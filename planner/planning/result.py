"""What planning hands to the outputs: a checked plan, its figures, and how it came about."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from planner.instance import Instance
from planner.planning.clock import StageClock
from planner.plans import Evaluation, Plan


@dataclass(frozen=True)
class Checked:
    """A plan that has passed its check, before what else is told of it.

    Attributes
    ----------
    plan : Plan
        Final.
    evaluation : Evaluation
        Zones and cities are final; stations and figures are added to.
    """

    plan: Plan
    evaluation: Evaluation


@dataclass(frozen=True)
class Planned:
    """A checked plan and how it came about.

    Attributes
    ----------
    instance : Instance
        What was planned.
    plan : Plan
        The decisions.
    evaluation : Evaluation
        Its figures, recomputed by the independent check.
    candidates : DataFrame
        Sites without a station, with the reason (`planner.plans.reasons`).
    tables : mapping of name to DataFrame
        The evaluation's plain tables, and what the models' prices add: ``supply_value``,
        ``gate_value``, ``coupling``, pack values in ``city_quarter``.
    assumptions : DataFrame
        Everything that was assumed or filled in: ``item, value, mark, source``.
    clock : StageClock
        What took how long, and what was reported on the way.
    from_cache : tuple of str
        What was taken from earlier runs: `planner.planning.array_cache.KINDS`.
    """

    instance: Instance
    plan: Plan
    evaluation: Evaluation
    candidates: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    assumptions: pd.DataFrame
    clock: StageClock
    from_cache: tuple[str, ...] = ()
